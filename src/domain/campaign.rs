//! A brand's study: its states, and what must hold before it may be published.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::money::{Currency, Money, MoneyError};
use super::refusal::FieldError;
use super::time::At;

text_enum! {
    CampaignState { Draft = "draft", Published = "published", Paused = "paused", Closed = "closed" }
}

text_enum! {
    /// What a campaign sends workers to look at.
    CampaignKind { Audit = "audit", Price = "price", Stock = "stock", Display = "display", Other = "other" }
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

    /// What can be done in this state, by its name in the address.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            CampaignState::Draft => &["publish", "close"],
            CampaignState::Published => &["pause", "close"],
            CampaignState::Paused => &["resume", "close"],
            CampaignState::Closed => &[],
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

/// Words a worker reads before going.
pub fn words_of(brief: &[Clause]) -> usize {
    brief.iter().map(|clause| clause.text.split_whitespace().count()).sum()
}

/// What is wrong with a brief by itself: nothing to point at, or two sentences with one id.
pub fn faults_of_brief(brief: &[Clause]) -> Vec<FieldError> {
    if brief.is_empty() {
        let detail = "A brief has at least one clause: a refusal must name the one that was broken.";
        return vec![FieldError::new("/brief", "empty", detail)];
    }
    let twice = |i: usize, clause: &Clause| brief[..i].iter().any(|other| other.id == clause.id);
    let twins = brief.iter().enumerate().filter(|(i, clause)| twice(*i, clause));
    twins
        .map(|(i, clause)| {
            let detail = format!("The id '{}' stands above already.", clause.id);
            FieldError::new(format!("/brief/{i}/id"), "duplicate", detail)
        })
        .collect()
}

/// Each `clause_id` of a questionnaire document that the brief does not have.
pub fn unknown_clauses(document: &Value, brief: &[Clause]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(document, "/questionnaire", brief, &mut errors);
    errors
}

fn walk(item: &Value, pointer: &str, brief: &[Clause], errors: &mut Vec<FieldError>) {
    if let Some(id) = item.get("clause_id").and_then(Value::as_str)
        && !brief.iter().any(|clause| clause.id == id)
    {
        let detail = format!("The brief has no clause '{id}'.");
        errors.push(FieldError::new(format!("{pointer}/clause_id"), "clause_unknown", detail));
    }
    for list in ["items", "checks"] {
        for (i, child) in item.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            walk(child, &format!("{pointer}/{list}/{i}"), brief, errors);
        }
    }
}

/// A campaign runs for at most this long, and begins at most this far ahead.
pub const WINDOW_DAYS_MAX: i64 = 366;

/// What is wrong with the dates of a campaign that is published at `now`.
pub fn faults_of_window(starts_at: At, ends_at: At, now: At) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, code: &str, detail: &str| errors.push(FieldError::new(pointer, code, detail));
    if ends_at <= starts_at {
        wrong("/ends_at", "before_start", "It must end after it starts.");
    } else if ends_at > starts_at.plus_days(WINDOW_DAYS_MAX) {
        wrong("/ends_at", "too_long", "A campaign runs for at most a year.");
    }
    if ends_at <= now {
        wrong("/ends_at", "past", "It must end in the future.");
    }
    if starts_at > now.plus_days(WINDOW_DAYS_MAX) {
        wrong("/starts_at", "too_far", "A campaign begins within a year.");
    }
    errors
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

    fn clause(id: &str, text: &str) -> Clause {
        Clause { id: id.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_questionnaire_points_only_at_clauses_of_the_brief() {
        let brief = [clause("1", "Enter the store."), clause("2", "Count.")];
        assert_eq!(words_of(&brief), 4);
        let document = serde_json::json!({"items": [
            {"type": "photo", "clause_id": "1"},
            {"type": "loop", "clause_id": "9", "items": [{"type": "count", "clause_id": "3"}]}
        ], "checks": [{"code": "x", "clause_id": "4"}]});
        let pointers: Vec<String> = unknown_clauses(&document, &brief).into_iter().map(|e| e.pointer).collect();
        let at = |rest: &str| format!("/questionnaire{rest}/clause_id");
        assert_eq!(pointers, [at("/items/1"), at("/items/1/items/0"), at("/checks/0")]);
    }

    #[test]
    fn a_brief_has_clauses_with_ids_of_their_own() {
        assert_eq!(faults_of_brief(&[]).len(), 1);
        assert_eq!(faults_of_brief(&[clause("1", "a"), clause("1", "b")])[0].pointer, "/brief/1/id");
        assert!(faults_of_brief(&[clause("1", "a"), clause("2", "b")]).is_empty());
    }

    #[test]
    fn a_window_lies_ahead_and_is_no_longer_than_a_year() {
        let now = At::parse("2026-03-10T09:00:00Z").expect("valid");
        let codes = |starts: At, ends: At| -> Vec<String> {
            faults_of_window(starts, ends, now).into_iter().map(|e| e.code).collect()
        };
        assert!(codes(now.plus_days(-1), now.plus_days(30)).is_empty());
        assert_eq!(codes(now, now), ["before_start", "past"]);
        assert_eq!(codes(now.plus_days(-400), now.plus_days(-1)), ["too_long", "past"]);
        assert_eq!(codes(now.plus_days(400), now.plus_days(401)), ["too_far"]);
    }

    #[test]
    fn a_mission_holds_every_slot_and_every_attempt() {
        let chf = |minor| Money::new(minor, Currency::CHF);
        assert_eq!(escrow_of_mission(chf(1000), chf(300), 2000, 2, 3), Ok(chf(2 * 1200 + 3 * 360)));
        assert_eq!(escrow_of_mission(chf(i64::MAX), chf(1), 2000, 2, 3), Err(MoneyError));
    }
}
