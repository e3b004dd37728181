//! Time as a value: `At`, an instant in UTC with microsecond precision, so that what is stored is what was computed.
//! Nothing here reads a clock.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, UTC, whole microseconds. Written as RFC 3339 (`2026-03-10T09:00:00Z`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(Timestamp);

impl At {
    pub fn from_micros(us: i64) -> Option<At> {
        Timestamp::from_microsecond(us).ok().map(At)
    }

    pub fn from_timestamp(t: Timestamp) -> At {
        At(Timestamp::from_microsecond(t.as_microsecond()).expect("in range: it came from a timestamp"))
    }

    /// Reads RFC 3339 with an offset or `Z`.
    pub fn parse(text: &str) -> Option<At> {
        text.parse::<Timestamp>().ok().map(At::from_timestamp)
    }

    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// This instant moved by `secs`, which may be negative; stops at the ends of representable time.
    pub fn plus_secs(self, secs: i64) -> At {
        self.0.saturating_add(SignedDuration::from_secs(secs)).map(At).unwrap_or(self)
    }

    pub fn plus_hours(self, hours: i64) -> At {
        self.plus_secs(hours.saturating_mul(3600))
    }

    pub fn plus_days(self, days: i64) -> At {
        self.plus_secs(days.saturating_mul(86_400))
    }

    /// Whole seconds from `earlier` to this instant, negative when this one is earlier.
    pub fn secs_since(self, earlier: At) -> i64 {
        (self.micros() - earlier.micros()).div_euclid(1_000_000)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<At, D::Error> {
        let text = String::deserialize(d)?;
        At::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("not an RFC 3339 time with an offset, such as 2026-03-10T09:00:00Z")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_keeps_its_microseconds_and_reads_offsets() {
        let at = At::parse("2026-03-10T10:00:00.1234567+01:00").expect("valid");
        assert_eq!(at.to_string(), "2026-03-10T09:00:00.123456Z");
        assert_eq!(At::from_micros(at.micros()), Some(at));
        assert_eq!(at.plus_hours(2).secs_since(at), 7200);
        assert_eq!(At::parse("2026-03-10 10:00"), None);
    }
}
