//! A store: whether it takes visits, its fence, its opening hours on its own clock, and what hours do to a deadline.
//! Also the shut-store rule: what one more visit says about a store that was reported shut.
//! Not here: reading store files (`store_import`) and where a phone is (`place`). Unknown hours never set a limit.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use opening_hours::localization::Country;
use opening_hours::{Context, OpeningHours, RuleKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::UserId;
use super::place::Point;
use super::submission::Outcome;
use super::time::At;

/// Reserve to seal.
pub const HOLD_SECS: i64 = 4 * 3600;
/// The one extension after check-in.
pub const EXTENSION_SECS: i64 = 2 * 3600;
/// From a report that a store is shut to the re-check: long enough for a day of rest or a stocktaking to pass.
pub const RECHECK_AFTER_HOURS: i64 = 48;
/// How far ahead hours are read; a seasonal store opens within a year.
const HORIZON_DAYS: i64 = 400;
/// OpenStreetMap allows 255 characters; longer text is not opening hours.
const HOURS_MAX_CHARS: usize = 512;

/// Text that is not what it should be: a stable code and a sentence for the person who wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub code: &'static str,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

// Whether a store takes visits

text_enum! {
    /// Whether missions at a store can be reserved. `paused`: reported shut, no new reservation, those already held go on
    /// and are paid. `closed`: gone, its missions end and the money held for them returns.
    StoreState { Open = "open", Paused = "paused", Closed = "closed" }
}

/// What can happen to a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreMove {
    Pause,
    Resume,
    Close,
    /// By an admin, when a closed store trades again.
    Reopen,
}

impl StoreMove {
    pub const ALL: [StoreMove; 4] = [StoreMove::Pause, StoreMove::Resume, StoreMove::Close, StoreMove::Reopen];

    pub fn as_str(self) -> &'static str {
        match self {
            StoreMove::Pause => "pause",
            StoreMove::Resume => "resume",
            StoreMove::Close => "close",
            StoreMove::Reopen => "reopen",
        }
    }
}

impl StoreState {
    /// The state after `step`; `None` when the diagram has no such arrow.
    pub fn next(self, step: StoreMove) -> Option<StoreState> {
        match (self, step) {
            (StoreState::Open, StoreMove::Pause) => Some(StoreState::Paused),
            (StoreState::Paused, StoreMove::Resume) => Some(StoreState::Open),
            (StoreState::Open | StoreState::Paused, StoreMove::Close) => Some(StoreState::Closed),
            (StoreState::Closed, StoreMove::Reopen) => Some(StoreState::Open),
            _ => None,
        }
    }

    pub fn takes_reservations(self) -> bool {
        self == StoreState::Open
    }
}

// Where a store is

/// A circle around a store; cannot be built smaller than a phone can measure or larger than a quarter of a town.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawFence", into = "RawFence")]
pub struct Fence {
    centre: Point,
    radius_m: f64,
}

#[derive(Serialize, Deserialize)]
struct RawFence {
    centre: Point,
    radius_m: f64,
}

impl TryFrom<RawFence> for Fence {
    type Error = Problem;
    fn try_from(raw: RawFence) -> Result<Fence, Problem> {
        Fence::new(raw.centre, raw.radius_m)
    }
}

impl From<Fence> for RawFence {
    fn from(fence: Fence) -> RawFence {
        RawFence { centre: fence.centre, radius_m: fence.radius_m }
    }
}

impl Fence {
    pub const MIN_RADIUS_M: f64 = 20.0;
    pub const MAX_RADIUS_M: f64 = 2000.0;
    pub const DEFAULT_RADIUS_M: f64 = 150.0;

    /// A fence of `radius_m` metres, 20 to 2000.
    pub fn new(centre: Point, radius_m: f64) -> Result<Fence, Problem> {
        if (Fence::MIN_RADIUS_M..=Fence::MAX_RADIUS_M).contains(&radius_m) {
            Ok(Fence { centre, radius_m })
        } else {
            Err(Problem {
                code: "fence_radius",
                message: format!("The radius is {radius_m} m; give 20 to 2000 metres."),
            })
        }
    }

    /// A fence of the default radius, 150 m.
    pub fn around(centre: Point) -> Fence {
        Fence { centre, radius_m: Fence::DEFAULT_RADIUS_M }
    }

    pub fn centre(self) -> Point {
        self.centre
    }

    /// Metres.
    pub fn radius_m(self) -> f64 {
        self.radius_m
    }
}

/// A time zone by its IANA name (`Europe/Zurich`), from the database built into the program.
#[derive(Clone, PartialEq, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Errors with `time_zone_unknown` for anything but a name of the IANA database; offsets are not names.
    pub fn parse(name: &str) -> Result<Zone, Problem> {
        TimeZone::get(name).ok().filter(|tz| !tz.is_unknown() && tz.iana_name().is_some()).map(Zone).ok_or_else(|| {
            Problem {
                code: "time_zone_unknown",
                message: format!("'{name}' is not an IANA time zone; write it like Europe/Zurich."),
            }
        })
    }

    /// A name that this version does not know counts as UTC.
    pub fn or_utc(name: &str) -> Zone {
        Zone::parse(name).unwrap_or(Zone(TimeZone::UTC))
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().expect("parse keeps only zones with a name")
    }

    /// Seconds east of UTC at that instant.
    pub fn offset_secs(&self, at: At) -> i32 {
        self.0.to_offset(at.timestamp()).seconds()
    }

    /// The local calendar day at that instant.
    pub fn day(&self, at: At) -> civil::Date {
        self.0.to_datetime(at.timestamp()).date()
    }

    /// What a clock on the wall shows, without seconds: opening hours are written in whole minutes.
    fn wall(&self, at: At) -> NaiveDateTime {
        let local = self.0.to_datetime(at.timestamp());
        NaiveDate::from_ymd_opt(local.year().into(), local.month() as u32, local.day() as u32)
            .and_then(|day| day.and_hms_opt(local.hour() as u32, local.minute() as u32, 0))
            .expect("both calendars hold every day that jiff can name")
    }

    /// The first instant after `floor` at which the wall shows `wall`. An hour that is skipped in spring counts as the
    /// moment of the jump; an hour that comes twice in autumn is taken the first time, unless that is past.
    fn instant(&self, wall: NaiveDateTime, floor: At) -> Option<At> {
        let civil = civil::DateTime::new(
            wall.year().try_into().ok()?,
            wall.month() as i8,
            wall.day() as i8,
            wall.hour() as i8,
            wall.minute() as i8,
            0,
            0,
        )
        .ok()?;
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(civil).ok().map(At::from_timestamp);
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, after } => at(before).filter(|first| *first > floor).or_else(|| at(after)),
            AmbiguousOffset::Gap { after, .. } => {
                let just_before = at(after)?.timestamp();
                self.0.following(just_before).next().map(|jump| At::from_timestamp(jump.timestamp()))
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Zone, D::Error> {
        Zone::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// Whether `code` is an ISO 3166 country code of two capital letters.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && Country::from_str(code).is_ok()
}

// When a store is open

/// Opening hours in OpenStreetMap's grammar. Hours that the text calls unknown count as open: only what is surely shut
/// limits anybody. Sunrise and sunset are taken as 07:00 and 19:00.
#[derive(Clone, PartialEq, Debug)]
pub struct Hours {
    text: String,
    rules: OpeningHours,
}

impl Hours {
    /// Errors with `opening_hours_unreadable`.
    pub fn parse(text: &str) -> Result<Hours, Problem> {
        let text = text.trim();
        let unreadable = |why: &str| Problem {
            code: "opening_hours_unreadable",
            message: format!(
                "Opening hours cannot be read: {why}. Write them like 'Mo-Fr 08:00-19:00; Sa 08:00-18:00'."
            ),
        };
        if text.is_empty() {
            return Err(unreadable("the text is empty"));
        }
        if text.chars().count() > HOURS_MAX_CHARS {
            return Err(unreadable("the text is too long"));
        }
        let rules = text.parse().map_err(|_| unreadable(&format!("'{text}' is not in the OpenStreetMap grammar")))?;
        Ok(Hours { text: text.to_owned(), rules })
    }

    /// The same hours with that country's public holidays (`PH`). Only holidays of the whole country are known: on a
    /// regional one the usual hours hold, and a worker who finds the store shut is paid for the attempt. A country
    /// without a calendar has no holidays.
    pub fn in_country(self, code: &str) -> Hours {
        let holidays = Country::from_str(code).map(Country::holidays).unwrap_or_default();
        Hours { rules: self.rules.with_context(Context::default().with_holidays(holidays)), ..self }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_open(&self, at: At, zone: &Zone) -> bool {
        self.periods(at, zone).next().is_some_and(|period| period.from == at)
    }

    /// The start of the first opening after `at`, or `at` itself when the store is open. `None`: none within 400 days.
    pub fn next_open(&self, at: At, zone: &Zone) -> Option<At> {
        self.periods(at, zone).next().map(|period| period.from)
    }

    /// When the opening that holds `at` ends. `None`: shut at `at`, or no closing within 400 days (24/7).
    pub fn closes_at(&self, at: At, zone: &Zone) -> Option<At> {
        self.periods(at, zone).next().filter(|period| period.from == at)?.until
    }

    /// The openings from `at` to `until`, in order and not touching each other.
    pub fn openings(&self, at: At, until: At, zone: &Zone) -> Vec<(At, At)> {
        let begun = self.periods(at, zone).take_while(|period| period.from < until);
        begun.map(|period| (period.from, period.until.map_or(until, |end| end.min(until)))).collect()
    }

    /// The openings from `at` on, in order; the first is cut to start at `at` when the store is open then.
    fn periods<'a>(&'a self, at: At, zone: &'a Zone) -> impl Iterator<Item = Period> + 'a {
        let from = zone.wall(at);
        let horizon = from + TimeDelta::days(HORIZON_DAYS);
        let mut ranges = self.rules.iter_range(from, horizon).filter(|r| r.kind != RuleKind::Closed).peekable();
        std::iter::from_fn(move || {
            let first = ranges.next()?.range;
            let (start, mut end) = (first.start, first.end);
            // Neighbouring ranges differ in comment only, or meet at midnight.
            while let Some(more) = ranges.next_if(|r| r.range.start <= end) {
                end = end.max(more.range.end);
            }
            let opens = if start <= from { at } else { zone.instant(start, at)?.max(at) };
            let until = if end >= horizon { None } else { zone.instant(end, opens) };
            Some(Period { from: opens, until })
        })
    }
}

struct Period {
    from: At,
    until: Option<At>,
}

/// Until when a reservation made at `now` must be sealed: `hold_secs` from now, or from the next opening if the store is
/// shut, and never past the closing of that opening. An opening with less than `on_site_secs` left is passed over.
/// Without hours, or with hours that never leave enough time, only `hold_secs` counts.
pub fn seal_deadline(now: At, hours: Option<&Hours>, zone: &Zone, hold_secs: i64, on_site_secs: i64) -> At {
    let enough = |period: &Period| period.until.is_none_or(|until| until.secs_since(period.from) >= on_site_secs);
    match hours.and_then(|hours| hours.periods(now, zone).find(enough)) {
        Some(Period { from, until }) => {
            let held = from.plus_secs(hold_secs);
            until.map_or(held, |until| held.min(until))
        }
        None => now.plus_secs(hold_secs),
    }
}

/// Why a deadline was not moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotExtended {
    NotCheckedIn,
    AlreadyExtended,
    /// The deadline is the store's closing.
    StoreCloses,
}

/// The deadline `secs` later (default `EXTENSION_SECS`), or at the store's closing if that comes first. Once, and only
/// after check-in. Whether the reservation is still live is not asked here.
pub fn extend(
    deadline: At,
    secs: i64,
    checked_in: bool,
    already_extended: bool,
    hours: Option<&Hours>,
    zone: &Zone,
) -> Result<At, NotExtended> {
    if !checked_in {
        return Err(NotExtended::NotCheckedIn);
    }
    if already_extended {
        return Err(NotExtended::AlreadyExtended);
    }
    // Looked up a second before the deadline: a deadline at closing time lies in the opening that ends there.
    let closing = hours.and_then(|hours| hours.closes_at(deadline.plus_secs(-1), zone));
    let later = deadline.plus_secs(secs);
    let moved = closing.map_or(later, |closing| later.min(closing));
    if moved > deadline { Ok(moved) } else { Err(NotExtended::StoreCloses) }
}

// A shut store

/// What one visit said about the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreReport {
    pub worker: UserId,
    pub outcome: Outcome,
    /// When the visit was sealed.
    pub at: At,
    /// Nothing ties this report to the other ones: no photo and no exact position in common, as from one phone. The same
    /// worker never counts twice.
    pub independent: bool,
    /// Made through the re-check slot.
    pub recheck: bool,
}

/// What a report makes of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutStep {
    /// Nothing changes.
    Stay,
    /// No new reservation; one paid re-check slot opens at `recheck_at`.
    Pause {
        recheck_at: At,
    },
    /// The re-check found it shut too: it stays paused and another re-check opens at `recheck_at`.
    RecheckAgain {
        recheck_at: At,
    },
    /// Closed in the directory; the money held for its missions returns.
    CloseStore,
    Resume,
}

/// The shut-store rule. `earlier` holds the reports since the store was last opened or reopened by hand, in any order,
/// without `new`; reports arrive late when they were sealed without network, so times are compared, not positions.
pub fn after_report(state: StoreState, earlier: &[StoreReport], new: &StoreReport) -> ShutStep {
    let last_seen_open = earlier.iter().filter(|r| r.recheck && r.outcome.found_open()).map(|r| r.at).max();
    let still_counts = |r: &StoreReport| last_seen_open.is_none_or(|open| r.at > open);
    if state == StoreState::Closed || !still_counts(new) {
        return ShutStep::Stay;
    }
    let shut_before = || earlier.iter().filter(|r| r.outcome.pauses_store() && still_counts(r));
    if new.outcome.pauses_store() {
        let recheck_at = new.at.plus_hours(RECHECK_AFTER_HOURS);
        let confirms = new.outcome == Outcome::ClosedPermanently
            && new.independent
            && shut_before().any(|r| r.outcome == Outcome::ClosedPermanently && r.worker != new.worker);
        return match state {
            _ if confirms => ShutStep::CloseStore,
            StoreState::Open => ShutStep::Pause { recheck_at },
            _ if new.recheck => ShutStep::RecheckAgain { recheck_at },
            _ => ShutStep::Stay,
        };
    }
    let seen_shut_since = shut_before().any(|r| r.at > new.at);
    if state == StoreState::Paused && new.recheck && new.outcome.found_open() && !seen_shut_since {
        ShutStep::Resume
    } else {
        ShutStep::Stay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zurich() -> Zone {
        Zone::parse("Europe/Zurich").expect("a zone")
    }

    fn hours(text: &str) -> Hours {
        Hours::parse(text).expect("readable").in_country("CH")
    }

    /// Local Zurich time in winter (+01:00) or with its own offset.
    fn at(text: &str) -> At {
        let text = if text.len() == 16 { format!("{text}:00+01:00") } else { text.to_owned() };
        At::parse(&text).expect("a time")
    }

    fn open(text: &str, when: &str) -> bool {
        hours(text).is_open(at(when), &zurich())
    }

    #[test]
    fn a_store_moves_only_along_its_arrows() {
        let table: Vec<String> = StoreState::ALL
            .iter()
            .flat_map(|state| StoreMove::ALL.map(|step| (state, step)))
            .filter_map(|(state, step)| {
                Some(format!("{} {} {}", state.as_str(), step.as_str(), state.next(step)?.as_str()))
            })
            .collect();
        assert_eq!(
            table,
            [
                "open pause paused",
                "open close closed",
                "paused resume open",
                "paused close closed",
                "closed reopen open"
            ]
        );
        assert_eq!(StoreState::parse("paused"), Some(StoreState::Paused));
        assert_eq!(StoreState::parse("shut"), None);
    }

    #[test]
    fn a_fence_cannot_be_built_wrong() {
        let centre = Point::new(46.52, 6.63).expect("on the globe");
        assert_eq!(Fence::around(centre).radius_m(), 150.0);
        assert!(Fence::new(centre, 20.0).is_ok() && Fence::new(centre, 2000.0).is_ok());
        for radius_m in [19.9, 2000.1, -150.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Fence::new(centre, radius_m).map_err(|p| p.code), Err("fence_radius"));
        }
        let read: Result<Fence, _> = serde_json::from_str(r#"{"centre":{"lat":46.5,"lon":6.6},"radius_m":5}"#);
        assert!(read.is_err());
    }

    #[test]
    fn a_zone_is_a_name_of_the_database() {
        assert_eq!(zurich().name(), "Europe/Zurich");
        assert_eq!(Zone::parse("europe/zurich").expect("a zone").name(), "Europe/Zurich");
        for name in ["", "CET-1CEST", "+01:00", "Europe/Lausanne", "Etc/Unknown", "../etc/passwd"] {
            assert_eq!(Zone::parse(name).map_err(|p| p.code), Err("time_zone_unknown"), "{name}");
        }
        assert_eq!(zurich().offset_secs(at("2026-07-01T12:00:00Z")), 7200);
    }

    #[test]
    fn hours_follow_the_store_clock() {
        assert!(open("Mo-Fr 08:00-19:00; Sa 08:00-18:00", "2026-11-23T08:00"));
        assert!(open("Mo-Fr 08:00-19:00; Sa 08:00-18:00", "2026-11-23T18:59"));
        assert!(!open("Mo-Fr 08:00-19:00; Sa 08:00-18:00", "2026-11-23T19:00"));
        assert!(!open("Mo-Fr 08:00-19:00; Sa 08:00-18:00", "2026-11-23T07:59"));
        let new_york = Zone::parse("America/New_York").expect("a zone");
        assert!(hours("Mo 09:00-10:00").is_open(at("2026-11-23T14:30:00Z"), &new_york));
        assert!(!hours("Mo 09:00-10:00").is_open(at("2026-11-23T09:30:00Z"), &new_york));
    }

    #[test]
    fn seconds_within_a_minute_change_nothing() {
        let shop = hours("Mo-Su 08:00-19:00");
        let last = at("2026-11-23T18:59:59.5+01:00");
        assert!(shop.is_open(last, &zurich()));
        assert_eq!(shop.closes_at(last, &zurich()), Some(at("2026-11-23T19:00")));
        assert_eq!(shop.next_open(last, &zurich()), Some(last));
    }

    #[test]
    fn a_shop_shut_on_sunday_opens_on_monday() {
        let shop = hours("Mo-Sa 08:00-19:00; Su off");
        let sunday = at("2026-11-22T11:00");
        assert!(!shop.is_open(sunday, &zurich()));
        assert_eq!(shop.next_open(sunday, &zurich()), Some(at("2026-11-23T08:00")));
        assert_eq!(shop.closes_at(sunday, &zurich()), None);
    }

    #[test]
    fn hours_may_cross_midnight() {
        let bar = hours("Mo-Su 20:00-02:00");
        assert!(bar.is_open(at("2026-11-23T01:59"), &zurich()));
        assert!(!bar.is_open(at("2026-11-23T02:00"), &zurich()));
        assert_eq!(bar.closes_at(at("2026-11-22T21:00"), &zurich()), Some(at("2026-11-23T02:00")));
        assert_eq!(bar.next_open(at("2026-11-23T03:00"), &zurich()), Some(at("2026-11-23T20:00")));
    }

    #[test]
    fn a_shop_open_round_the_clock_never_closes() {
        let now = at("2026-11-22T03:00");
        for text in ["24/7", "Mo-Su 00:00-24:00", "00:00-24:00"] {
            let shop = hours(text);
            assert!(shop.is_open(now, &zurich()));
            assert_eq!(shop.closes_at(now, &zurich()), None, "{text}");
            assert_eq!(shop.next_open(now, &zurich()), Some(now));
        }
    }

    #[test]
    fn public_holidays_come_from_the_country() {
        let text = "Mo-Sa 08:00-20:00; PH off";
        let ascension = at("2026-05-14T10:00:00+02:00");
        assert!(!hours(text).is_open(ascension, &zurich()));
        assert_eq!(hours(text).next_open(ascension, &zurich()), Some(at("2026-05-15T08:00:00+02:00")));
        assert!(Hours::parse(text).expect("readable").is_open(ascension, &zurich()), "no country, no holidays");
        let regional = at("2026-04-03T10:00:00+02:00");
        assert!(hours(text).is_open(regional, &zurich()), "Good Friday is not a holiday of all cantons");
        let list = "Mo-Th 08:00-19:00, Fr 08:00-20:00, Sa 07:30-17:00; PH off";
        assert!(!open(list, "2026-12-25T10:00"));
        assert!(open(list, "2026-12-24T10:00"));
    }

    #[test]
    fn clocks_that_change_move_the_opening_with_them() {
        // In Zurich 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25.
        let shop = hours("Mo-Su 08:00-18:00");
        assert_eq!(
            shop.next_open(at("2026-03-28T20:00"), &zurich()),
            Some(at("2026-03-29T08:00:00+02:00")),
            "eleven hours later, not twelve"
        );
        assert_eq!(shop.next_open(at("2026-10-24T20:00:00+02:00"), &zurich()), Some(at("2026-10-25T08:00:00+01:00")));
        let night = hours("Mo-Su 20:00-02:30");
        assert_eq!(
            night.closes_at(at("2026-03-28T21:00"), &zurich()),
            Some(at("2026-03-29T03:00:00+02:00")),
            "half past two does not exist: the shop closes at the jump"
        );
        let first_half_past_two = at("2026-10-25T02:30:00+02:00");
        assert_eq!(night.closes_at(at("2026-10-24T21:00:00+02:00"), &zurich()), Some(first_half_past_two));
        assert_eq!(
            night.closes_at(at("2026-10-25T02:10:00+01:00"), &zurich()),
            Some(at("2026-10-25T02:30:00+01:00")),
            "in the second two o'clock it closes at the second half past two"
        );
    }

    #[test]
    fn hours_called_unknown_count_as_open() {
        assert!(open("Mo-Fr 08:00-12:00; Mo-Fr 14:00-18:00 unknown", "2026-11-23T15:00"));
        let shop = hours("Mo-Fr 08:00-12:00 open, 12:00-14:00 unknown");
        assert_eq!(shop.closes_at(at("2026-11-23T09:00"), &zurich()), Some(at("2026-11-23T14:00")));
    }

    #[test]
    fn text_that_is_not_hours_is_refused_with_a_sentence() {
        for text in ["", "  ", "nine to five", "Mo-Fr 8-", "Mo-Fr 25:00-99:00", &"Mo ".repeat(400)] {
            let problem = Hours::parse(text).expect_err(text);
            assert_eq!(problem.code, "opening_hours_unreadable");
            assert!(problem.message.contains("Write them like"));
        }
    }

    fn deadline(now: &str, text: Option<&str>) -> At {
        seal_deadline(at(now), text.map(hours).as_ref(), &zurich(), HOLD_SECS, 15 * 60)
    }

    #[test]
    fn a_deadline_counts_from_now_or_the_next_opening_and_ends_at_closing() {
        let week = Some("Mo-Fr 08:00-19:00; Sa 08:00-18:00");
        assert_eq!(deadline("2026-11-23T09:00", week), at("2026-11-23T13:00"), "four hours from now");
        assert_eq!(deadline("2026-11-23T17:00", week), at("2026-11-23T19:00"), "never past closing");
        assert_eq!(deadline("2026-11-23T22:00", week), at("2026-11-24T12:00"), "four hours from the next opening");
        assert_eq!(deadline("2026-11-22T09:00", week), at("2026-11-23T12:00"), "shut on Sunday");
        assert_eq!(deadline("2026-11-23T09:00", Some("Mo-Su 10:00-11:00")), at("2026-11-23T11:00"));
        assert_eq!(deadline("2026-11-23T23:00", Some("Mo-Su 20:00-02:00")), at("2026-11-24T02:00"));
    }

    #[test]
    fn an_opening_with_too_little_time_left_is_passed_over() {
        let week = Some("Mo-Fr 08:00-19:00");
        assert_eq!(deadline("2026-11-23T18:45", week), at("2026-11-23T19:00"), "just enough");
        assert_eq!(deadline("2026-11-23T18:46", week), at("2026-11-24T12:00"));
        let pause = Some("Mo-Fr 08:00-12:00,13:30-18:00");
        assert_eq!(deadline("2026-11-23T11:50", pause), at("2026-11-23T17:30"));
    }

    #[test]
    fn unknown_hours_set_no_limit() {
        let four_hours_on = at("2026-11-23T03:00");
        assert_eq!(deadline("2026-11-22T23:00", None), four_hours_on);
        assert_eq!(deadline("2026-11-22T23:00", Some("24/7")), four_hours_on);
        assert_eq!(deadline("2026-11-22T23:00", Some("off")), four_hours_on, "hours that never open say nothing");
        assert_eq!(deadline("2026-11-22T23:00", Some("Mo-Su 10:00-10:05")), four_hours_on, "nor hours too short");
    }

    #[test]
    fn a_deadline_spans_the_change_of_clocks_in_real_hours() {
        let now = "2026-03-29T00:30";
        assert_eq!(deadline(now, Some("24/7")), at("2026-03-29T05:30:00+02:00"));
        assert_eq!(deadline(now, Some("Mo-Su 08:00-20:00")), at("2026-03-29T12:00:00+02:00"));
    }

    #[test]
    fn a_deadline_is_extended_once_after_check_in_and_not_past_closing() {
        let week = hours("Mo-Fr 08:00-19:00");
        let try_at = |deadline: &str, checked_in, already| {
            extend(at(deadline), EXTENSION_SECS, checked_in, already, Some(&week), &zurich())
        };
        assert_eq!(try_at("2026-11-23T13:00", true, false), Ok(at("2026-11-23T15:00")));
        assert_eq!(try_at("2026-11-23T18:00", true, false), Ok(at("2026-11-23T19:00")));
        assert_eq!(try_at("2026-11-23T19:00", true, false), Err(NotExtended::StoreCloses));
        assert_eq!(try_at("2026-11-23T13:00", false, false), Err(NotExtended::NotCheckedIn));
        assert_eq!(try_at("2026-11-23T13:00", true, true), Err(NotExtended::AlreadyExtended));
        assert_eq!(
            extend(at("2026-11-23T19:00"), EXTENSION_SECS, true, false, None, &zurich()),
            Ok(at("2026-11-23T21:00"))
        );
    }

    fn report(worker: u128, outcome: Outcome, hour: i64) -> StoreReport {
        let at = at("2026-11-23T08:00").plus_hours(hour);
        StoreReport { worker: UserId::from_bits(worker), outcome, at, independent: true, recheck: false }
    }

    fn recheck(worker: u128, outcome: Outcome, hour: i64) -> StoreReport {
        StoreReport { recheck: true, ..report(worker, outcome, hour) }
    }

    #[test]
    fn the_first_report_pauses_the_store() {
        for outcome in Outcome::ALL.iter().copied() {
            let new = report(1, outcome, 0);
            let expected = match outcome.pauses_store() {
                true => ShutStep::Pause { recheck_at: new.at.plus_hours(48) },
                false => ShutStep::Stay,
            };
            assert_eq!(after_report(StoreState::Open, &[], &new), expected, "{}", outcome.as_str());
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
    }

    #[test]
    fn a_second_independent_closed_permanently_closes_the_store() {
        let gone = Outcome::ClosedPermanently;
        let first = report(1, gone, 0);
        let close = |earlier: &[StoreReport], new: &StoreReport| after_report(StoreState::Paused, earlier, new);
        assert_eq!(close(std::slice::from_ref(&first), &report(2, gone, 3)), ShutStep::CloseStore);
        assert_eq!(close(std::slice::from_ref(&first), &recheck(2, gone, 50)), ShutStep::CloseStore);
        assert_eq!(close(std::slice::from_ref(&first), &report(1, gone, 3)), ShutStep::Stay, "the same worker again");
        let friend = StoreReport { independent: false, ..report(2, gone, 3) };
        assert_eq!(close(std::slice::from_ref(&first), &friend), ShutStep::Stay, "not independent");
        let temporary = report(1, Outcome::ClosedTemporarily, 0);
        assert_eq!(close(&[temporary], &report(2, gone, 3)), ShutStep::Stay, "only one has said it is gone");
        assert_eq!(after_report(StoreState::Closed, &[first], &report(2, gone, 3)), ShutStep::Stay);
    }

    #[test]
    fn a_recheck_that_finds_it_open_resumes_and_one_that_does_not_asks_again() {
        let first = [report(1, Outcome::ClosedTemporarily, 0)];
        let step = |new: &StoreReport| after_report(StoreState::Paused, &first, new);
        assert_eq!(step(&recheck(2, Outcome::Completed, 50)), ShutStep::Resume);
        assert_eq!(step(&recheck(2, Outcome::ProductNotListed, 50)), ShutStep::Resume);
        let shut = recheck(2, Outcome::ClosedTemporarily, 50);
        assert_eq!(step(&shut), ShutStep::RecheckAgain { recheck_at: shut.at.plus_hours(48) });
        assert_eq!(step(&report(2, Outcome::Completed, 1)), ShutStep::Stay, "a reservation held before is no re-check");
    }

    #[test]
    fn reports_that_arrive_late_are_placed_by_their_time() {
        let seen_open = [report(1, Outcome::ClosedPermanently, 0), recheck(2, Outcome::Completed, 50)];
        let late = report(3, Outcome::ClosedPermanently, 10);
        assert_eq!(after_report(StoreState::Open, &seen_open, &late), ShutStep::Stay, "older than the re-check");
        let after = report(3, Outcome::ClosedPermanently, 60);
        assert_eq!(
            after_report(StoreState::Open, &seen_open, &after),
            ShutStep::Pause { recheck_at: after.at.plus_hours(48) },
            "the report before the re-check no longer counts"
        );
        let shut_later = [report(1, Outcome::NotFound, 0), report(3, Outcome::NotFound, 55)];
        assert_eq!(after_report(StoreState::Paused, &shut_later, &recheck(2, Outcome::Completed, 50)), ShutStep::Stay);
    }
}
