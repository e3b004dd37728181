//! The time that the camera wrote against the time of the visit. A wall clock without an offset is an interval, not
//! an instant: it counts against the worker only when all of it lies outside.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::exif::Tags;
use crate::domain::finding::{Code, Finding, Level};
use crate::domain::time::At;

/// Clocks of honest phones differ by this much, in seconds.
pub const SLACK_SECS: i64 = 180;
/// A clock set to another time zone explains no more than this, in seconds.
pub const WRONG_ZONE_SECS: i64 = 26 * 3600;

/// The earliest and latest instant that a wall clock can mean, by its own offset, else by the store's zone.
pub fn instants(taken: DateTime, offset_min: Option<i32>, zone: Option<&TimeZone>) -> Option<(At, At)> {
    let at = |offset: Offset| offset.to_timestamp(taken).ok().map(At::from_timestamp);
    if let Some(minutes) = offset_min {
        let only = at(Offset::from_seconds(minutes.checked_mul(60)?).ok()?)?;
        return Some((only, only));
    }
    let Some(zone) = zone else {
        // Wall clocks on Earth run from 14 hours ahead of UTC to 12 behind.
        return Some((at(Offset::constant(14))?, at(Offset::constant(-12))?));
    };
    let (a, b) = match zone.to_ambiguous_timestamp(taken).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, offset),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => (before, after),
    };
    let (a, b) = (at(a)?, at(b)?);
    Some((a.min(b), a.max(b)))
}

/// Compares the time of a photo with the window of its visit.
pub fn judge(
    taken: Option<DateTime>,
    offset_min: Option<i32>,
    zone: Option<&TimeZone>,
    window: Option<(At, At)>,
) -> Option<Finding> {
    let Some(taken) = taken else {
        return Some(Finding::new(Code::TimeMissing, Level::Info));
    };
    let (start, end) = window?;
    let (earliest, latest) = instants(taken, offset_min, zone)?;
    let before = start.secs_since(latest);
    let after = earliest.secs_since(end);
    let (code, outside) = if before > SLACK_SECS {
        (Code::TimeBeforeVisit, before)
    } else if after > SLACK_SECS {
        (Code::TimeAfterSeal, after)
    } else {
        return None;
    };
    // Without its own offset, less than a day may be a phone left in another time zone.
    let sure = offset_min.is_some() || outside > WRONG_ZONE_SECS;
    let level = if sure { Level::Fail } else { Level::Doubt };
    Some(Finding::new(code, level).measured(outside as f64, SLACK_SECS as f64))
}

/// A satellite fix may be this much older than the photo that carries it, in seconds: phones reuse the last one.
const FIX_AGE_MAX_SECS: i64 = 6 * 3600;

/// Compares the camera's clock with the satellites' and with the server's, which had the file at `received`.
pub fn skew(tags: &Tags, zone: Option<&TimeZone>, received: Option<At>) -> Option<Finding> {
    let (earliest, latest) = instants(tags.taken?, tags.offset_min, zone)?;
    let fixed = tags.fixed.and_then(|fixed| Offset::UTC.to_timestamp(fixed).ok()).map(At::from_timestamp);
    // Whole half hours between the two are a zone that was read wrongly, not a clock that goes wrong.
    let off = |secs: i64| tags.offset_min.is_some() || (secs % 1800).min(1800 - secs % 1800) > SLACK_SECS;
    let ahead = received.map(|at| (earliest.secs_since(at), SLACK_SECS));
    let behind = fixed.map(|at| (at.secs_since(latest), SLACK_SECS)).filter(|(secs, _)| off(*secs));
    let stale = fixed.map(|at| (earliest.secs_since(at), FIX_AGE_MAX_SECS));
    let found = [ahead, behind, stale].into_iter().flatten().find(|(secs, limit)| secs > limit);
    found.map(|(secs, limit)| Finding::new(Code::ClockSkew, Level::Doubt).measured(secs as f64, limit as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(text: &str) -> DateTime {
        text.parse().expect("a civil time")
    }

    fn visit() -> Option<(At, At)> {
        let at = |text| At::parse(text).expect("a time");
        Some((at("2026-03-10T09:00:00Z"), at("2026-03-10T10:00:00Z")))
    }

    fn judged(taken: &str, offset: Option<i32>, zone: Option<&TimeZone>) -> Option<(Code, Level)> {
        judge(Some(wall(taken)), offset, zone, visit()).map(|f| (f.code, f.level))
    }

    #[test]
    fn a_wall_clock_is_read_in_the_zone_of_the_store() {
        let brussels = TimeZone::get("Europe/Brussels").expect("bundled");
        assert_eq!(judged("2026-03-10T10:30:00", None, Some(&brussels)), None);
        assert_eq!(judged("2026-03-10T09:58:00", None, Some(&brussels)), None, "within the slack");
        let before = judged("2026-03-10T09:30:00", None, Some(&brussels));
        assert_eq!(before, Some((Code::TimeBeforeVisit, Level::Doubt)), "perhaps a phone in another zone");
        let old = judged("2025-03-10T10:30:00", None, Some(&brussels));
        assert_eq!(old, Some((Code::TimeBeforeVisit, Level::Fail)));
    }

    #[test]
    fn an_own_offset_makes_the_instant_certain() {
        assert_eq!(judged("2026-03-10T10:30:00", Some(60), None), None);
        assert_eq!(judged("2026-03-10T10:30:00", Some(120), None), Some((Code::TimeBeforeVisit, Level::Fail)));
        assert_eq!(judged("2026-03-10T10:30:00", Some(0), None), Some((Code::TimeAfterSeal, Level::Fail)));
    }

    #[test]
    fn without_zone_and_offset_only_days_count() {
        assert_eq!(judged("2026-03-10T20:00:00", None, None), None);
        assert_eq!(judged("2026-03-13T20:00:00", None, None), Some((Code::TimeAfterSeal, Level::Fail)));
        assert_eq!(judge(None, None, None, visit()).map(|f| f.code), Some(Code::TimeMissing));
    }

    #[test]
    fn a_camera_clock_is_held_against_satellites_and_server() {
        let at = |text: &str| At::parse(text).expect("a time");
        let code = |taken: &str, offset, fixed: Option<&str>, received: Option<&str>| {
            let tags = Tags { taken: Some(wall(taken)), offset_min: offset, fixed: fixed.map(wall), ..Tags::default() };
            let brussels = TimeZone::get("Europe/Brussels").expect("bundled");
            skew(&tags, Some(&brussels), received.map(at)).map(|f| f.code)
        };
        let taken = "2026-03-10T10:30:00";
        assert_eq!(code(taken, Some(60), Some("2026-03-10T09:29:50"), Some("2026-03-10T09:31:00Z")), None);
        assert_eq!(code(taken, Some(60), Some("2026-03-10T07:00:00"), None), None, "an old fix");
        assert_eq!(code(taken, Some(60), Some("2026-03-09T07:00:00"), None), Some(Code::ClockSkew));
        assert_eq!(code(taken, Some(60), Some("2026-03-10T09:50:00"), None), Some(Code::ClockSkew), "it goes slow");
        assert_eq!(code(taken, None, Some("2026-03-10T10:30:00"), None), None, "a phone in another zone");
        assert_eq!(code(taken, None, None, Some("2026-03-10T09:00:00Z")), Some(Code::ClockSkew), "from the future");
    }

    #[test]
    fn the_hour_that_comes_twice_counts_for_the_worker() {
        let brussels = TimeZone::get("Europe/Brussels").expect("bundled");
        let (a, b) = instants(wall("2026-10-25T02:30:00"), None, Some(&brussels)).expect("in range");
        assert_eq!(b.secs_since(a), 3600);
    }
}
