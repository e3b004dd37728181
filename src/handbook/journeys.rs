//! What happens to whom, and in which file.
//!
//! # A visit
//! 1. A brand writes a draft (`ops::campaigns`), funds arrive (`ops::funds`, by finance), and publishing compiles the
//!    questionnaire, checks stores, window and pay floor, pins a questionnaire version, makes one mission a store and moves
//!    every possible franc to escrow, in one transaction. What cannot be paid cannot be published.
//! 2. A worker finds a mission (`ops::missions`, from the board of `ops::discovery`) or a whole round (`ops::rounds`), reads the whole brief, reserves a slot (`ops::reservations`). The
//!    deadline is four hours from now or from the next opening, never past closing.
//! 3. At the store: check-in (an interval, never a refusal), photos (`ops::evidence`: bytes durable first, row second),
//!    precheck, seal (`ops::submissions`). The seal is judged by its own time; photos may follow for 48 hours.
//! 4. `jobs::check_evidence` looks at each photo and `jobs::compare_features` compares it; `ops::assess` adds up: clear is approved by rule, doubt asks a person.
//! 5. A reviewer claims and decides (`ops::reviews`, `ops::decisions`). Approval posts reward and fee in the same
//!    transaction. Silence past the deadline approves. A rejection carries a person, a code, a target, a clause, a text.
//! 6. A worker may appeal once within 14 days; another person decides, or the fifth working day does, for the worker.
//! 7. `ops::payouts`: requested (or by the daily run), approved, sending (the order is out, perhaps), sent, settled,
//!    returned or failed.
//!
//! # Money on its way out
//! A worker adds a method (`ops::payout_methods`): sealed, told by letter, held for 48 hours. A payout takes one, and the
//! rail's cost as it was shown. Finance lets payouts go in batches (`ops::payout_batches`): prepared, checked by the
//! machine (what may not leave goes back; what is doubted asks for a one-time code), approved by another person, sent,
//! reconciled. Four rails (`domain::payout::Rail`): `bank`, a pain.001 file that is made once at the approval and kept
//! sealed, carried to the bank by a person, answered by pain.002 and camt.054 (`ops::bank_files`; what fits nothing is
//! listed, never guessed); `paypal` and `test`, spoken to by `jobs::send_payouts`; `voucher`, a bought code that is given
//! in one transaction (`ops::gift_codes`). Whatever a rail says goes through `ops::payouts::hear`, which knows every word
//! once. In a file an id of ours has `-` for `_`: banks take no underscore.
//!
//! # A photo, as an app should send it
//! The answer to the reservation brings a `nonce` and `server_time`; the phone starts its monotonic clock there. With each
//! photo the app sends `source=camera`, the nonce, `elapsed_ms` at the shutter, a `sequence` from 1 and the SHA-256 of the
//! photo before. A sound envelope outweighs the date in the file, which phones get wrong and browsers strip; what does not
//! fit together is `CAPTURE_CONFLICT`, a doubt. Nothing is asked of clients that have no envelope (`domain::capture`).
//!
//! A precheck with `wait_secs` answers when the photos were looked at. It may ask for a second angle of a shelf: one step
//! to the side, sent with `angle_of`. Two views that lie on each other everywhere are one flat picture
//! (`FLAT_SECOND_ANGLE`). A photo goes through two jobs: `check_evidence` looks at it alone and at hashes of all photos,
//! `compare_features` lays it on photos of the same store and chain. The assessment waits for both.
//!
//! # A position, as an app should send it
//! Three fixes a second apart at the check-in, with each photo and at the seal, each with accuracy, altitude, speed, bearing,
//! provider, mock flag, wall clock and monotonic clock; those of photos name the photo and travel with the seal. The check-in
//! also says what the app calls the phone, and what the monotonic clock showed when the reservation was answered: that proves
//! a clock that was set back. `domain::visit` judges the distance by interval, `domain::signals` whether it can be believed.
//!
//! # A shut store
//! The first report pauses every mission there. Reservations already held go on and are paid the attempt fee. After 48
//! hours one paid re-check slot opens. A second independent `closed_permanently` closes the store and returns the money
//! of its missions; a re-check that finds it open resumes everything. The rule is `domain::store::after_report`.
//!
//! # Papers
//! Who a worker is for tax is sealed apart from the books and asked for before the first payout (`ops::tax_profiles`);
//! what was earned never waits, only the way out. The transaction that settles a payout writes its notice, and, where the
//! worker agreed, the next invoice of the worker's own series (`ops::selfbilling`). The year is counted from the ledger
//! (`ops::dac7`). Who leaves is erased (`ops::erasures`): the books know an id, and the law's papers stay sealed until
//! their day.
//!
//! # A kill at any moment
//! Nothing is acknowledged before it is durable: blobs are flushed with their folder, SQLite runs `synchronous = FULL`,
//! answers wait for the group's flush. A job holds a lease; when its process dies the lease runs out and another takes
//! it. A payout is marked `sending` before the bank is called, with its own id as the bank's key, so that asking again
//! pays once. `fieldproof verify` checks the invariants I01 to I21 at any time.
