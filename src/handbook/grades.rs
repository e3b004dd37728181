//! How good is this proof? One letter for a photo, one for a visit; the rule is `domain::grade`, printed by
//! `fieldproof grades`, shown by `fieldproof check`. Version `grade-1`.
//!
//! | letter | a photo gets it when |
//! |---|---|
//! | A | no finding above info; the app's own camera took it; its time was compared with the visit and fits; its place was compared with the store and fits |
//! | B | no finding above info; some of that proof is absent, or there was nothing to compare it with |
//! | C | its gravest finding is a doubt |
//! | D | at least one finding of level fail |
//!
//! * The first row that applies, read from D up to A. More proof never gives a worse letter; a unit test walks all cases.
//! * Time is absent without a capture time (`TIME_MISSING`), differs with `TIME_BEFORE_VISIT` or `TIME_AFTER_SEAL`, place
//!   likewise with `PLACE_MISSING` and `PLACE_FAR`. A sign that differs is at least a C even where its finding was dropped.
//! * "The app's own camera" is what the app declares; nothing in a file proves it. Without the declaration a photo is B.
//! * Reasons say why the letter is not better: the findings above info, gravest first, or the proof that is absent. A has
//!   the one reason `ALL_PROVEN`. Codes of findings are those of `domain::finding`; eight codes belong to grades alone.
//! * A visit has the worst letter of its photos and of the findings about the visit itself (position, clock, answers), and
//!   their reasons. A visit without photos has no grade.
//!
//! A grade decides nothing. Approval by rule asks the assessment whether anything is doubtful (A and B alike), and only a
//! person refuses. Most honest photos from a browser are B: browsers drop camera data. Do not promise brands A.
