//! A brand's study: its states, and what must hold before it may be published.

use serde::{Deserialize, Serialize};

use super::money::{Currency, Money, MoneyError};

text_enum! {
    CampaignState { Draft = "draft", Published = "published", Paused = "paused", Closed = "closed" }
}

/// What a brand may do to a campaign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CampaignMove {
    Publish,
    Pause,
    Resume,
    Close,
}

impl CampaignMove {
    pub const ALL: &'static [CampaignMove] =
        &[CampaignMove::Publish, CampaignMove::Pause, CampaignMove::Resume, CampaignMove::Close];
}

impl CampaignState {
    pub fn next(self, step: CampaignMove) -> Option<CampaignState> {
        use CampaignMove::*;
        use CampaignState::*;
        match (self, step) {
            (Draft, Publish) => Some(Published),
            (Published, Pause) => Some(Paused),
            (Paused, Resume) => Some(Published),
            (Draft | Published | Paused, CampaignMove::Close) => Some(Closed),
            _ => None,
        }
    }
}

/// One sentence of the brief that a decision can point at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    pub id: String,
    pub text: String,
}

/// The platform's lowest expected pay per hour, in minor units; `None` where no floor is set for the currency.
pub fn pay_floor_minor(currency: Currency) -> Option<i64> {
    match currency.code() {
        "EUR" => Some(800),
        "CHF" => Some(1500),
        _ => None,
    }
}

/// Travel that is assumed when no worker is in sight yet.
pub const ASSUMED_TRAVEL_MINUTES: i64 = 10;

/// Reward per hour in minor units, rounded down, over reading, on-site and assumed travel minutes.
pub fn hourly_minor(reward_minor: i64, reading_minutes: i64, on_site_minutes: i64) -> i64 {
    let minutes = (reading_minutes + on_site_minutes + ASSUMED_TRAVEL_MINUTES).max(1);
    i64::try_from(i128::from(reward_minor) * 60 / i128::from(minutes)).unwrap_or(i64::MAX)
}

/// Minutes to read `words` at 200 words a minute, at least one.
pub fn reading_minutes(words: usize) -> i64 {
    i64::try_from(words.div_ceil(200)).unwrap_or(i64::MAX).max(1)
}

/// The platform's fee on an amount, in basis points, rounded half up.
pub fn platform_fee(amount: Money, fee_bps: i64) -> Result<Money, MoneyError> {
    amount.share(fee_bps, 10_000)
}

/// What one mission holds: reward and fee for every slot, attempt fee and fee for every possible attempt.
pub fn escrow_of_mission(
    reward: Money,
    attempt_fee: Money,
    fee_bps: i64,
    slots: i64,
    attempts: i64,
) -> Result<Money, MoneyError> {
    let a_slot = reward.add(platform_fee(reward, fee_bps)?)?;
    let an_attempt = attempt_fee.add(platform_fee(attempt_fee, fee_bps)?)?;
    a_slot.times(slots)?.add(an_attempt.times(attempts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hourly_pay_counts_reading_and_travel() {
        assert_eq!(hourly_minor(400, 2, 18), 800);
        assert_eq!(reading_minutes(0), 1);
        assert_eq!(reading_minutes(401), 3);
    }

    #[test]
    fn a_mission_holds_every_slot_and_every_attempt() {
        let chf = |minor| Money::new(minor, Currency::CHF);
        assert_eq!(escrow_of_mission(chf(1000), chf(300), 2000, 2, 3), Ok(chf(2 * 1200 + 3 * 360)));
        assert_eq!(escrow_of_mission(chf(i64::MAX), chf(1), 2000, 2, 3), Err(MoneyError));
    }
}
