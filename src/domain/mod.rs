//! Rules as values: what can be decided on paper from values in hand. No I/O, clock, randomness, SQL, HTTP or logging.
pub mod finding;
pub mod ids;
pub mod money;
pub mod place;
pub mod time;
