//! Which days the demonstration is played on: three working days in a row, the last of them today or shortly before, so
//! that it works at night and on a Sunday. Values only: nothing here reads a clock.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::domain::store::{Hours, Zone};
use crate::domain::time::At;

pub const ZONE: &str = "Europe/Zurich";
/// When stores are open and offices answer, in the grammar of opening hours.
const WORKING: &str = "Mo-Fr 09:00-16:30; PH off";

fn working() -> Hours {
    Hours::parse(WORKING).expect("the constant is readable").in_country("CH")
}

pub fn zone() -> Zone {
    Zone::parse(ZONE).expect("the zone is built in")
}

/// That day in Zurich at that time.
pub fn at(day: Date, hour: i8, minute: i8) -> At {
    let zone = TimeZone::get(ZONE).expect("the zone is built in");
    let local = day.at(hour, minute, 0, 0).to_zoned(zone).expect("a day within reach of the calendar");
    At::from_timestamp(local.timestamp())
}

pub fn is_working(at: At) -> bool {
    working().is_open(at, &zone())
}

/// The first of three working days in a row, of which the third has come to ten o'clock by `now`.
pub fn first(now: At) -> Date {
    let mut day = zone().day(now);
    loop {
        let starts_well = matches!(day.weekday(), Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday);
        if let (true, Ok(second)) = (starts_well, day.tomorrow())
            && let Ok(third) = second.tomorrow()
            && at(third, 10, 0) <= now
            && [day, second, third].into_iter().all(|day| is_working(at(day, 10, 0)))
        {
            return day;
        }
        day = day.yesterday().expect("a working week is found before the calendar begins");
    }
}

/// The time a later start shows: `wish` when that is in a working hour of the day on which something last happened, else
/// the first working hour after that. Never before `newest`.
pub fn resume(newest: At, wish: Option<At>) -> At {
    let zone = zone();
    let newest = newest.plus_secs(1);
    match wish {
        Some(wish) if wish >= newest && zone.day(wish) == zone.day(newest) && is_working(wish) => wish,
        _ if is_working(newest) => newest,
        // An hour after the doors open: at ten.
        _ => working().next_open(newest, &zone).map_or(newest, |opens| opens.plus_hours(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> At {
        At::parse(text).expect("a time")
    }

    fn first_on(text: &str) -> String {
        first(when(text)).to_string()
    }

    #[test]
    fn the_three_days_are_the_last_that_fit() {
        assert_eq!(first_on("2026-11-22T06:00:00Z"), "2026-11-18", "a Sunday morning: Wednesday to Friday");
        assert_eq!(first_on("2026-11-20T08:59:00Z"), "2026-11-17", "Friday before ten: Tuesday to Thursday");
        assert_eq!(first_on("2026-11-20T09:00:00Z"), "2026-11-18");
        assert_eq!(first_on("2026-11-17T20:00:00Z"), "2026-11-11", "Tuesday: the week before");
    }

    #[test]
    fn holidays_are_left_out() {
        assert_eq!(first_on("2026-12-27T12:00:00Z"), "2026-12-22", "Christmas is a Friday");
        assert_eq!(first_on("2026-01-03T12:00:00Z"), "2025-12-29", "New Year is a Thursday");
    }

    #[test]
    fn a_later_start_goes_on_and_never_back() {
        let newest = when("2026-11-20T09:30:00Z");
        assert_eq!(resume(newest, None), when("2026-11-20T09:30:01Z"));
        assert_eq!(resume(newest, Some(when("2026-11-20T11:00:00Z"))), when("2026-11-20T11:00:00Z"));
        assert_eq!(resume(newest, Some(when("2026-11-20T09:00:00Z"))), when("2026-11-20T09:30:01Z"));
        assert_eq!(resume(newest, Some(when("2026-11-24T11:00:00Z"))), when("2026-11-20T09:30:01Z"));
        assert_eq!(resume(when("2026-11-20T21:00:00Z"), None), when("2026-11-23T09:00:00Z"), "Monday at ten");
    }
}
