//! Rules as values: what can be decided on paper from values in hand. No I/O, clock, randomness, SQL, HTTP or logging.
pub mod ids;
pub mod money;
pub mod place;
pub mod questionnaire;
pub mod time;
