//! The time. Tests and the demonstration run on a clock of their own.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use crate::domain::time::At;

pub enum Clock {
    /// The machine's.
    System,
    /// The machine's, moved by so many microseconds; can be moved further.
    Shifted(AtomicI64),
    /// Stands still until it is moved: microseconds since 1970.
    Manual(AtomicI64),
}

impl Clock {
    pub fn manual(at: At) -> Clock {
        Clock::Manual(AtomicI64::new(at.micros()))
    }

    pub fn shifted(micros: i64) -> Clock {
        Clock::Shifted(AtomicI64::new(micros))
    }

    pub fn now(&self) -> At {
        let system = || Timestamp::now().as_microsecond();
        let micros = match self {
            Clock::System => system(),
            Clock::Shifted(by) => system() + by.load(Ordering::SeqCst),
            Clock::Manual(at) => at.load(Ordering::SeqCst),
        };
        At::from_micros(micros).expect("a clock between the years -9999 and 9999")
    }

    /// Moves a clock that is not the machine's own.
    pub fn advance_secs(&self, secs: i64) {
        if let Clock::Shifted(micros) | Clock::Manual(micros) = self {
            micros.fetch_add(secs * 1_000_000, Ordering::SeqCst);
        }
    }
}
