//! A worker's request that another person decides again.

use super::time::At;

text_enum! {
    AppealState { Open = "open", Decided = "decided" }
}

text_enum! {
    /// What the judge says of the first decision: it stands, it falls, or a part of it falls.
    Ruling { Uphold = "uphold", Overturn = "overturn", Partly = "partly" }
}

/// An appeal that nobody judges for so long is decided for the worker.
pub const DECIDED_AFTER_WORKING_DAYS: i64 = 5;

/// Five working days from `from`: Saturdays and Sundays (UTC) do not count.
pub fn due_at(from: At) -> At {
    let mut due = from;
    let mut left = DECIDED_AFTER_WORKING_DAYS;
    while left > 0 {
        due = due.plus_days(1);
        let weekday = due.timestamp().to_zoned(jiff::tz::TimeZone::UTC).weekday();
        if !matches!(weekday, jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday) {
            left -= 1;
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_working_days_skip_the_weekend() {
        let friday = At::parse("2026-03-13T12:00:00Z").expect("valid");
        assert_eq!(due_at(friday).to_string(), "2026-03-20T12:00:00Z");
        let monday = At::parse("2026-03-09T12:00:00Z").expect("valid");
        assert_eq!(due_at(monday).to_string(), "2026-03-16T12:00:00Z");
    }
}
