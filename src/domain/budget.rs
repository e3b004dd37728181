//! Fairness in numbers: whose commission holds, what lacks to the pay floor when visits take longer than was said, and
//! how near a worker is to the most that one may earn in a year.

use super::campaign::{ASSUMED_TRAVEL_MINUTES, hourly_minor};
use super::money::{Money, MoneyError};
use super::time::At;

text_enum! {
    /// What a worker may get beside the pay of a visit.
    BonusKind { Bonus = "bonus", PayFloor = "pay_floor", LateBonus = "late_bonus" }
}

/// The commission that holds for a campaign that is published now, in basis points: its own, else its brand's, else the
/// platform's.
pub fn fee_bps(platform: i64, brand: Option<i64>, campaign: Option<i64>) -> i64 {
    campaign.or(brand).unwrap_or(platform)
}

/// What the reserve holds when the brand says nothing: a share of all rewards.
pub fn default_reserve(reward: Money, slots: i64, percent: i64) -> Result<Money, MoneyError> {
    reward.times(slots)?.share(percent, 100)
}

/// What really was paid an hour, and what lacks for each visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Floor {
    pub hourly_minor: i64,
    /// Zero when the floor is reached.
    pub difference_minor: i64,
}

/// Judges visits that took `median_minutes` in the middle. The difference is what raises the reward to the floor, rounded
/// up: a worker is never left a centime below it.
pub fn judge_floor(floor_minor: i64, reward_minor: i64, reading_minutes: i64, median_minutes: i64) -> Floor {
    let minutes = i128::from(reading_minutes + median_minutes + ASSUMED_TRAVEL_MINUTES);
    let fair = (i128::from(floor_minor) * minutes + 59) / 60;
    let difference = (fair - i128::from(reward_minor)).max(0);
    Floor {
        hourly_minor: hourly_minor(reward_minor, reading_minutes, median_minutes),
        difference_minor: i64::try_from(difference).unwrap_or(i64::MAX),
    }
}

/// Percent of the year's cap at which a worker is told.
pub const CAP_ALERT_PERCENT: i64 = 80;

/// From so many minor units on a worker is told that the cap is near.
pub fn alert_from(cap_minor: i64) -> i64 {
    i64::try_from(i128::from(cap_minor) * i128::from(CAP_ALERT_PERCENT) / 100).unwrap_or(i64::MAX)
}

/// The calendar year of an instant, UTC, and when it began.
pub fn year_of(at: At) -> (i64, At) {
    let date = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = jiff::civil::date(date.year(), 1, 1).to_zoned(jiff::tz::TimeZone::UTC);
    (i64::from(date.year()), first.map_or(at, |first| At::from_timestamp(first.timestamp())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    #[test]
    fn the_narrowest_commission_holds() {
        assert_eq!(fee_bps(2000, None, None), 2000);
        assert_eq!(fee_bps(2000, Some(1500), None), 1500);
        assert_eq!(fee_bps(2000, Some(1500), Some(0)), 0);
    }

    #[test]
    fn what_lacks_to_the_floor_is_rounded_up_and_never_negative() {
        // CHF 12 for 1 + 19 + 10 minutes is CHF 24 an hour.
        assert_eq!(judge_floor(1500, 1200, 1, 19), Floor { hourly_minor: 2400, difference_minor: 0 });
        // 1 + 49 + 10 minutes: an hour for CHF 12, the floor is CHF 15.
        assert_eq!(judge_floor(1500, 1200, 1, 49), Floor { hourly_minor: 1200, difference_minor: 300 });
        // 61 minutes: CHF 15.25.
        let floor = judge_floor(1500, 1200, 1, 50);
        assert_eq!(floor.difference_minor, 325);
        assert!(hourly_minor(1200 + floor.difference_minor, 1, 50) >= 1500);
        assert_eq!(judge_floor(800, 1, i64::from(u16::MAX), 7).difference_minor, 874_026);
    }

    #[test]
    fn a_year_begins_in_january() {
        let at = |text| At::parse(text).expect("valid");
        assert_eq!(year_of(at("2026-12-31T23:59:59Z")), (2026, at("2026-01-01T00:00:00Z")));
        assert_eq!(alert_from(50_000), 40_000);
        let reward = Money::new(1200, Currency::CHF);
        assert_eq!(default_reserve(reward, 10, 5), Ok(Money::new(600, Currency::CHF)));
    }
}
