//! Each kind of thing leaves the process through one port. No SQL, no rules.

pub mod bank;
pub mod blobs;
pub mod clock;
pub mod dice;
pub mod mail;
