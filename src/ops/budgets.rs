//! The money of campaigns beside their missions: whose commission holds, the reserve, more slots for a campaign that runs,
//! the pay floor looked at again after real visits, and the most that a worker may earn in a year.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bonuses::{Given, give};
use super::campaigns::MAX_SLOTS;
use super::deadlines::{Swept, passed, sweep};
use super::fields::{Fields, present};
use super::{Page, letters};
use crate::access::scope::BrandScope;
use crate::access::{BrandOwner, BrandViewer, Finance};
use crate::context::{Cx, Once, Rules};
use crate::db::rows::{BudgetRow, CampaignRow, CapAlertRow, FeeRateRow, FloorCheckRow, FloorDueRow, MissionRow};
use crate::db::{Conn, Tx, budgets, campaigns, deadlines, funds, ledger, missions, users};
use crate::domain::budget::{self, BonusKind, alert_from, judge_floor, year_of};
use crate::domain::campaign::{CampaignState, escrow_of_mission, pay_floor_minor};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{BrandId, CampaignId, EventId, MissionId, UserId};
use crate::domain::ledger::{AccountName, book};
use crate::domain::mission::{MissionState, Slots};
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::domain::visit::{ENOUGH_VISITS, median_minutes};

// Commissions

/// The commission of a brand or a campaign; null takes it away, so that the wider one holds again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFee {
    /// In basis points, 0 to 10000. It must be said, null too.
    #[serde(deserialize_with = "Option::deserialize")]
    pub fee_bps: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeeView {
    /// The brand or the campaign.
    pub owner_id: String,
    pub fee_bps: Option<i64>,
    /// What holds for it now: its own, its brand's or the platform's.
    pub effective_fee_bps: i64,
    pub at: At,
}

/// The commission of a campaign that would be published now.
pub(super) fn fee_bps(conn: &mut Conn, rules: &Rules, brand: &BrandId, campaign: &CampaignId) -> Outcome<i64> {
    let of_campaign = budgets::any_fee(conn, campaign.as_str())?;
    let of_brand = budgets::any_fee(conn, brand.as_str())?;
    Ok(budget::fee_bps(rules.fee_bps, of_brand, of_campaign))
}

fn set_fee(tx: &mut Tx, who: &Finance, owner: &str, event: Event, asked: &NewFee) -> Outcome<()> {
    let row = asked.fee_bps.map(|fee_bps| FeeRateRow {
        owner: owner.to_owned(),
        fee_bps,
        set_by: who.user().clone(),
        at: tx.now(),
    });
    budgets::set_fee(tx, owner, row.as_ref())?;
    tx.record(event.data(json!({"fee_bps": asked.fee_bps})))?;
    Ok(())
}

fn check_fee(asked: &NewFee) -> Outcome<()> {
    let mut fields = Fields::default();
    if let Some(fee_bps) = asked.fee_bps {
        fields.number("/fee_bps", fee_bps, 0..=10_000);
    }
    fields.finish()
}

/// For campaigns that the brand publishes from now on.
pub fn set_brand_fee(cx: &Cx, who: &Finance, once: &Once, id: &BrandId, asked: &NewFee) -> Outcome<FeeView> {
    check_fee(asked)?;
    cx.write_once(who, once, |tx| {
        funds::any_currency(tx, id)?.or_missing("brand")?;
        set_fee(tx, who, id.as_str(), Event::new("brand.fee_set", id).brand(id), asked)?;
        let effective_fee_bps = budget::fee_bps(cx.rules().fee_bps, asked.fee_bps, None);
        Ok(FeeView { owner_id: id.to_string(), fee_bps: asked.fee_bps, effective_fee_bps, at: tx.now() })
    })
}

/// Of a draft: what was published keeps what its brand agreed to.
pub fn set_campaign_fee(cx: &Cx, who: &Finance, once: &Once, id: &CampaignId, asked: &NewFee) -> Outcome<FeeView> {
    check_fee(asked)?;
    cx.write_once(who, once, |tx| {
        let row = deadlines::any_campaign_locked(tx, id)?.or_missing("campaign")?;
        must_be_draft(&row)?;
        set_fee(tx, who, id.as_str(), Event::new("campaign.fee_set", id).brand(&row.brand_id), asked)?;
        let effective_fee_bps = fee_bps(tx, cx.rules(), &row.brand_id, id)?;
        Ok(FeeView { owner_id: id.to_string(), fee_bps: asked.fee_bps, effective_fee_bps, at: tx.now() })
    })
}

fn must_be_draft(row: &CampaignRow) -> Outcome<()> {
    match row.state {
        CampaignState::Draft => Ok(()),
        state => Err(Refusal::new(Code::CampaignNotDraft, format!("Its state is {state}.")).into()),
    }
}

// Budgets

/// What to change of a campaign's budget; what is left out stays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    /// Set aside at publishing for the pay floor; a draft's only.
    #[serde(default, deserialize_with = "present")]
    pub reserve_minor: Option<i64>,
    /// How much the campaign may take by itself, from now on, for more slots; 0 turns it off.
    #[serde(default, deserialize_with = "present")]
    pub auto_top_up_minor: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BudgetView {
    pub campaign_id: CampaignId,
    pub state: CampaignState,
    /// The platform's commission, in basis points.
    pub fee_bps: i64,
    /// Asked for at publishing.
    pub reserve_minor: i64,
    /// What is left of it.
    pub reserve: Money,
    pub auto_top_up_minor: i64,
    /// What it took by itself since that was set.
    pub auto_topped_minor: i64,
    /// Approved visits that the pay floor was looked at with; null before there were enough.
    pub floor_visits: Option<i64>,
    pub median_minutes: Option<i64>,
    /// What a visit really paid an hour.
    pub hourly_minor: Option<i64>,
    /// What each visit was short of the floor.
    pub difference_minor: i64,
    /// Paid to workers to reach the floor.
    pub floor_paid_minor: i64,
    /// Still owed to them: reserve and available money did not cover it.
    pub floor_unpaid_minor: i64,
}

/// Largest reserve, and largest limit of the automatic top-up, in minor units.
const MAX_BUDGET_MINOR: i64 = 1_000_000_000_000;

/// The budget as it was set, or as it is when nobody set it.
pub(super) fn budget_of(conn: &mut Conn, rules: &Rules, row: &CampaignRow, stores: i64) -> Outcome<BudgetRow> {
    let set = budgets::any_budget(conn, &row.id)?;
    if let Some(budget) = set.as_ref().filter(|budget| budget.reserve_minor.is_some()) {
        return Ok(budget.clone());
    }
    let reward = Money::new(row.reward_minor, row.currency);
    let slots = stores.checked_mul(row.slots_per_store).ok_or_else(|| Failure::fault("slots beyond 64 bits"))?;
    let reserve = match row.state {
        CampaignState::Draft => budget::default_reserve(reward, slots, rules.reserve_percent)?.minor,
        // It was published before there were reserves.
        _ => 0,
    };
    Ok(BudgetRow { reserve_minor: Some(reserve), ..set.unwrap_or_else(|| untouched(row)) })
}

fn untouched(row: &CampaignRow) -> BudgetRow {
    BudgetRow {
        campaign_id: row.id.clone(),
        reserve_minor: None,
        auto_top_up_minor: 0,
        auto_topped_minor: 0,
        updated_at: row.updated_at,
        retry_at: None,
    }
}

fn view(conn: &mut Conn, rules: &Rules, row: &CampaignRow) -> Outcome<BudgetView> {
    let stores = i64::try_from(campaigns::any_store_ids(conn, &row.id)?.len()).map_err(Failure::fault)?;
    let budget = budget_of(conn, rules, row, stores)?;
    let found = budgets::any_floor_check(conn, &row.id)?.filter(|found| found.median_minutes > 0);
    let fee_bps = match row.state {
        CampaignState::Draft => fee_bps(conn, rules, &row.brand_id, &row.id)?,
        _ => row.fee_bps,
    };
    Ok(BudgetView {
        campaign_id: row.id.clone(),
        state: row.state,
        fee_bps,
        reserve_minor: budget.reserve_minor.unwrap_or(0),
        reserve: ledger::balance(conn, &AccountName::reserve(&row.id), row.currency)?,
        auto_top_up_minor: budget.auto_top_up_minor,
        auto_topped_minor: budget.auto_topped_minor,
        floor_visits: found.as_ref().map(|f| f.visits),
        median_minutes: found.as_ref().map(|f| f.median_minutes),
        hourly_minor: found.as_ref().map(|f| f.hourly_minor),
        difference_minor: found.as_ref().map_or(0, |f| f.difference_minor),
        floor_paid_minor: found.as_ref().map_or(0, |f| f.paid_minor),
        floor_unpaid_minor: found.as_ref().map_or(0, |f| f.unpaid_minor),
    })
}

pub fn get_budget(cx: &Cx, who: &BrandViewer, id: &CampaignId) -> Outcome<BudgetView> {
    let scope = BrandScope::from(who);
    cx.read(|c| {
        let row = campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        view(c, cx.rules(), &row)
    })
}

/// The reserve of a draft, and how far a campaign may top itself up.
pub fn set_budget(
    cx: &Cx,
    who: &BrandOwner,
    once: &Once,
    id: &CampaignId,
    asked: &BudgetChange,
) -> Outcome<BudgetView> {
    let mut fields = Fields::default();
    for (pointer, minor) in [("/reserve_minor", asked.reserve_minor), ("/auto_top_up_minor", asked.auto_top_up_minor)] {
        if let Some(minor) = minor {
            fields.number(pointer, minor, 0..=MAX_BUDGET_MINOR);
        }
    }
    fields.finish()?;
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let row = campaigns::lock(tx, &scope, id)?.or_missing("campaign")?;
        if row.state == CampaignState::Closed {
            return Err(Refusal::wrong_state(row.state, row.state.allowed()).into());
        }
        let mut budget = budgets::any_budget(tx, id)?.unwrap_or_else(|| untouched(&row));
        if let Some(minor) = asked.reserve_minor {
            must_be_draft(&row)?;
            budget.reserve_minor = Some(minor);
        }
        if let Some(minor) = asked.auto_top_up_minor {
            (budget.auto_top_up_minor, budget.auto_topped_minor, budget.retry_at) = (minor, 0, None);
        }
        budget.updated_at = tx.now();
        budgets::set_budget(tx, &budget)?;
        let data = json!({"reserve_minor": budget.reserve_minor, "auto_top_up_minor": budget.auto_top_up_minor});
        tx.record(Event::new("campaign.budget_set", id).brand(who.brand()).data(data))?;
        view(tx, cx.rules(), &row)
    })
}

// More slots

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// More slots for each mission that is not closed and has room for them.
    pub slots: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TopUpView {
    pub campaign_id: CampaignId,
    /// Missions that got more slots.
    pub missions: i64,
    pub slots: i64,
    /// What was set aside for them.
    pub held: Money,
    pub available: Money,
    pub at: At,
}

/// What so many more slots of a mission may cost, and the attempts that go with them.
fn cost_of(mission: &MissionRow, slots: i64) -> Outcome<(Money, i64)> {
    let money = |minor| Money::new(minor, mission.currency);
    let attempts = Slots::attempts_for(mission.slots + slots) - Slots::attempts_for(mission.slots);
    let (reward, fee) = (money(mission.reward_minor), money(mission.attempt_fee_minor));
    Ok((escrow_of_mission(reward, fee, mission.fee_bps, slots, attempts)?, attempts))
}

/// Sets the money aside and opens the slots; the mission is locked.
fn grow(tx: &mut Tx, mission: &MissionRow, slots: i64, cause: &str) -> Outcome<Money> {
    let (held, attempts) = cost_of(mission, slots)?;
    budgets::add_slots(tx, mission, slots, attempts)?;
    let data = json!({"slots": slots, "attempts": attempts, "hold": held});
    let event = Event::new("mission.topped_up", &mission.id).brand(&mission.brand_id).because(cause).data(data);
    let event = tx.record(event)?;
    ledger::apply(tx, &event, &book::top_up(&mission.brand_id, &mission.id, held))?;
    Ok(held)
}

/// A running campaign goes on: more slots for each of its missions, and the money for them in the same act.
pub fn top_up_campaign(cx: &Cx, who: &BrandOwner, once: &Once, id: &CampaignId, asked: &TopUp) -> Outcome<TopUpView> {
    let mut fields = Fields::default();
    fields.number("/slots", asked.slots, 1..=MAX_SLOTS);
    fields.finish()?;
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let row = campaigns::lock(tx, &scope, id)?.or_missing("campaign")?;
        if !matches!(row.state, CampaignState::Published | CampaignState::Paused) {
            return Err(Refusal::wrong_state(row.state, row.state.allowed()).into());
        }
        let (mut grown, mut full, mut held) = (0, 0, Money::zero(row.currency));
        for mission in campaigns::lock_missions(tx, &scope, id)? {
            if mission.state == MissionState::Closed {
                continue;
            }
            if mission.slots + asked.slots > MAX_SLOTS {
                full += 1;
                continue;
            }
            held = held.add(grow(tx, &mission, asked.slots, "asked for")?)?;
            grown += 1;
        }
        if grown == 0 && full > 0 {
            let detail = format!("A mission has at most {MAX_SLOTS} slots; each would have more.");
            return Err(Refusal::field("/slots", "too_many", detail).into());
        }
        if grown == 0 {
            return Err(Refusal::wrong_state("ended: all of its missions are closed", &["close"]).into());
        }
        let data = json!({"slots": asked.slots, "missions": grown, "hold": held});
        tx.record(Event::new("campaign.topped_up", id).brand(who.brand()).data(data))?;
        let available = ledger::balance(tx, &AccountName::brand_available(who.brand()), row.currency)?;
        let (campaign_id, at) = (id.clone(), tx.now());
        Ok(TopUpView { campaign_id, missions: grown, slots: asked.slots, held, available, at })
    })
}

/// One slot more for each mission whose slots are all done, as far as its brand allowed it.
pub fn top_up_by_itself(cx: &Cx) -> Outcome<Swept> {
    let due = |c: &mut Conn, now: At, limit: i64| budgets::any_used_up(c, now, MAX_SLOTS, limit);
    sweep(cx, due, top_up_one)
}

/// So long after a top-up that the limit or the brand's money did not allow is it tried again.
const RETRY_SECS: i64 = 3600;

fn try_later(tx: &mut Tx, budget: BudgetRow) -> Outcome<bool> {
    let retry_at = Some(tx.now().plus_secs(RETRY_SECS));
    budgets::set_budget(tx, &BudgetRow { retry_at, ..budget })?;
    passed(tx)
}

fn top_up_one(cx: &Cx, id: &MissionId) -> Outcome<bool> {
    let grown = cx.write_as(&Actor::Machine("top_up"), |tx| {
        let seen = missions::any_find(tx, id)?.or_missing("mission")?;
        let campaign = deadlines::any_campaign_locked(tx, &seen.campaign_id)?.or_missing("campaign")?;
        let mission = missions::any_locked(tx, id)?.or_missing("mission")?;
        let Some(mut budget) = budgets::any_budget(tx, &campaign.id)? else { return passed(tx) };
        let used_up = mission.state == MissionState::Open && mission.slots_done >= mission.slots;
        let (cost, _) = cost_of(&mission, 1)?;
        let taken = budget.auto_topped_minor.saturating_add(cost.minor);
        if !used_up || mission.slots >= MAX_SLOTS || mission.ends_at <= tx.now() {
            return passed(tx);
        }
        let available = ledger::balance(tx, &AccountName::brand_available(&mission.brand_id), mission.currency)?;
        if taken > budget.auto_top_up_minor || cost.minor > available.minor {
            // The campaign ends as it would without.
            return try_later(tx, budget);
        }
        grow(tx, &mission, 1, "all slots are done")?;
        (budget.auto_topped_minor, budget.updated_at) = (taken, tx.now());
        budgets::set_budget(tx, &budget)?;
        Ok(true)
    });
    match grown {
        // Spent at the same moment.
        Err(failure) if failure.code() == Some(Code::InsufficientFunds) => Ok(false),
        other => other,
    }
}

// The pay floor after real visits

/// Visits that the median is taken of.
const VISITS_READ: i64 = 200;
/// Visits that are found short, and that are raised, in one transaction.
const RAISED_AT_ONCE: i64 = 500;
/// Campaigns closed longer ago are not looked at any more: every decision and appeal about them is over.
const CLOSED_DAYS: i64 = 90;

/// Looks at what visits of each campaign really took. Where the median pays below the floor, workers get the difference.
pub fn watch_floor(cx: &Cx) -> Outcome<Swept> {
    let due = |c: &mut Conn, now: At, limit: i64| budgets::any_floor_due(c, now.plus_days(-CLOSED_DAYS), limit);
    sweep(cx, due, watch_floor_one)
}

fn watch_floor_one(cx: &Cx, id: &CampaignId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("watch_floor"), |tx| {
        let row = deadlines::any_campaign_locked(tx, id)?.or_missing("campaign")?;
        let before = budgets::any_floor_check(tx, id)?.unwrap_or_else(|| never_looked(&row, tx.now()));
        let mut check = FloorCheckRow { at: tx.now(), ..before.clone() };
        let visits = budgets::any_approved_visits(tx, id)?;
        if before.visits != visits {
            judge(cx, tx, &row, &mut check, visits)?;
        }
        let mut did = settle_dues(tx, &row, &before, &mut check)?;
        budgets::set_floor_check(tx, &check)?;
        did |= return_reserve(tx, &row)?;
        if !did {
            tx.nothing_changed();
        }
        Ok(did)
    })
}

fn never_looked(row: &CampaignRow, now: At) -> FloorCheckRow {
    FloorCheckRow {
        campaign_id: row.id.clone(),
        visits: 0,
        median_minutes: 0,
        hourly_minor: 0,
        difference_minor: 0,
        paid_minor: 0,
        unpaid_minor: 0,
        at: now,
        short_since: None,
    }
}

/// Looks at what visits took. Where that pays below the floor, each visit that got no difference yet is owed it from here
/// on, whatever later visits take.
fn judge(cx: &Cx, tx: &mut Tx, row: &CampaignRow, check: &mut FloorCheckRow, visits: i64) -> Outcome<()> {
    let secs = missions::any_visit_secs(tx, &row.id, VISITS_READ)?;
    let enough = usize::try_from(cx.rules().floor_visits).unwrap_or(usize::MAX).max(ENOUGH_VISITS);
    let median = median_minutes(&secs).filter(|_| secs.len() >= enough);
    let (Some(floor_minor), Some(median)) = (pay_floor_minor(row.currency), median) else {
        // Too few to judge: they are counted, so that the next sweep passes over them.
        check.visits = visits;
        return Ok(());
    };
    let found = judge_floor(floor_minor, row.reward_minor, row.reading_minutes, median);
    (check.median_minutes, check.hourly_minor, check.difference_minor) =
        (median, found.hourly_minor, found.difference_minor);
    if found.difference_minor == 0 {
        check.visits = visits;
        return Ok(());
    }
    let money = |minor| Money::new(minor, row.currency);
    let (floor, hourly, difference) = (money(floor_minor), money(found.hourly_minor), money(found.difference_minor));
    let reason = format!(
        "Visits for \"{}\" took {median} minutes in the middle, longer than was said: {hourly} an hour. The floor is \
         {floor}, so each visit gets {difference} more.",
        row.name
    );
    let short = budgets::any_not_raised(tx, &row.id, RAISED_AT_ONCE)?;
    for visit in &short {
        let due = FloorDueRow {
            submission_id: visit.clone(),
            campaign_id: row.id.clone(),
            amount_minor: found.difference_minor,
            reason: reason.clone(),
            at: tx.now(),
        };
        budgets::add_floor_due(tx, &due)?;
    }
    // The rest with the next sweep, which looks again because their number is not noted.
    if (short.len() as i64) < RAISED_AT_ONCE {
        check.visits = visits;
    }
    Ok(())
}

/// Pays what visits are owed as far as the money goes, oldest first: from the reserve, then from available money.
fn settle_dues(tx: &mut Tx, row: &CampaignRow, before: &FloorCheckRow, check: &mut FloorCheckRow) -> Outcome<bool> {
    let id = &row.id;
    let money = |minor| Money::new(minor, row.currency);
    let dues = budgets::any_floor_dues(tx, id, RAISED_AT_ONCE)?;
    let Some(last) = dues.last().map(|(due, ..)| due.reason.clone()) else {
        (check.unpaid_minor, check.short_since) = (0, None);
        return Ok(false);
    };
    let available = ledger::balance(tx, &AccountName::brand_available(&row.brand_id), row.currency)?;
    let reserve = ledger::balance(tx, &AccountName::reserve(id), row.currency)?;
    let (mut available, mut reserve) = (available.minor, reserve.minor);
    let (mut paid, mut short) = (0_i64, false);
    for (due, worker) in dues {
        let visit = &due.submission_id;
        // Nobody is there to be paid.
        if users::any_locked(tx, &worker)?.is_none_or(|user| user.state == UserState::Erased) {
            budgets::drop_floor_due(tx, visit)?;
            continue;
        }
        let from_reserve = due.amount_minor.min(reserve);
        let from_available = due.amount_minor - from_reserve;
        if from_available > available {
            short = true;
            break;
        }
        let amount = money(due.amount_minor);
        let data = json!({"amount": amount, "from_reserve_minor": from_reserve, "owed_since": due.at});
        let event = tx.record(Event::new("submission.raised_to_floor", visit).brand(&row.brand_id).data(data))?;
        let given = Given {
            kind: BonusKind::PayFloor,
            worker: &worker,
            brand: Some(&row.brand_id),
            campaign: Some(id),
            visit: Some(visit),
            amount,
            reason: &due.reason,
            by: None,
        };
        let journal = book::pay_floor(&row.brand_id, id, visit, &worker, money(from_reserve), money(from_available));
        give(tx, &event, &given, &journal)?;
        budgets::drop_floor_due(tx, visit)?;
        (available, reserve) = (available - from_available, reserve - from_reserve);
        paid = money(paid).add(amount)?.minor;
    }
    check.paid_minor = money(check.paid_minor).add(money(paid))?.minor;
    check.unpaid_minor = budgets::any_floor_owed(tx, id)?;
    check.short_since = short.then(|| before.short_since.unwrap_or(check.at));
    let first = before.difference_minor == 0 && check.difference_minor > 0;
    let newly_short = short && before.short_since.is_none();
    if paid == 0 && !first && !newly_short {
        return Ok(false);
    }
    let data = json!({"median_minutes": check.median_minutes, "hourly": money(check.hourly_minor),
        "difference": money(check.difference_minor), "paid_minor": paid, "unpaid_minor": check.unpaid_minor});
    let kind = if short { "campaign.floor_unpaid" } else { "campaign.floor_raised" };
    let event = tx.record(Event::new(kind, id).brand(&row.brand_id).data(data))?;
    if first || newly_short {
        tell_brand(tx, &event, row, &last, short.then(|| money(check.unpaid_minor)))?;
    }
    Ok(true)
}

fn tell_brand(tx: &mut Tx, event: &EventId, row: &CampaignRow, reason: &str, unpaid: Option<Money>) -> Outcome<()> {
    let mut text = format!(
        "{reason}\n\nIt is taken from the campaign's reserve, and from your available money when the reserve is used up. \
         The platform takes no fee on it. Later visits get the same while they take as long.\n"
    );
    if let Some(unpaid) = unpaid {
        text.push_str(&format!(
            "\nNeither covers all of it: {unpaid} are owed to workers. Please fund your account.\n"
        ));
    }
    for email in budgets::any_owner_emails(tx, &row.brand_id)? {
        letters::send(tx, event, &email, "Visits take longer than you said", &text)?;
    }
    Ok(())
}

/// A campaign that is over needs no reserve: nobody is on the way, and nobody waits for the difference.
fn return_reserve(tx: &mut Tx, row: &CampaignRow) -> Outcome<bool> {
    if row.state != CampaignState::Closed || budgets::any_open_slots(tx, &row.id)? {
        return Ok(false);
    }
    let left = ledger::balance(tx, &AccountName::reserve(&row.id), row.currency)?;
    if left.minor == 0 || budgets::any_floor_owed(tx, &row.id)? > 0 {
        return Ok(false);
    }
    let event = Event::new("campaign.reserve_returned", &row.id).brand(&row.brand_id).data(json!({"amount": left}));
    let event = tx.record(event)?;
    ledger::apply(tx, &event, &book::return_reserve(&row.brand_id, &row.id, left))?;
    Ok(true)
}

/// A campaign that paid less than the floor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FloorCheckView {
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub name: String,
    pub currency: Currency,
    pub visits: i64,
    pub median_minutes: i64,
    pub hourly_minor: i64,
    pub difference_minor: i64,
    pub paid_minor: i64,
    /// What the brand owes its workers and has not.
    pub unpaid_minor: i64,
    pub at: At,
}

/// Campaigns that paid less than the floor, newest first.
pub fn list_floor_checks(cx: &Cx, _who: &Finance, before: Option<&str>, limit: i64) -> Outcome<Page<FloorCheckView>> {
    let rows = cx.read(|c| budgets::any_floor_page(c, before, limit + 1))?;
    let view = |(found, row): (FloorCheckRow, CampaignRow)| FloorCheckView {
        campaign_id: row.id,
        brand_id: row.brand_id,
        name: row.name,
        currency: row.currency,
        visits: found.visits,
        median_minutes: found.median_minutes,
        hourly_minor: found.hourly_minor,
        difference_minor: found.difference_minor,
        paid_minor: found.paid_minor,
        unpaid_minor: found.unpaid_minor,
        at: found.at,
    };
    Ok(Page::of(rows, limit, |(found, _)| found.campaign_id.to_string(), view))
}

// The most that one may earn in a year

/// Refuses who has earned as much as the platform allows in a year. Work that is held or done is paid as usual.
pub(super) fn under_cap(conn: &mut Conn, rules: &Rules, worker: &UserId, currency: Currency, now: At) -> Outcome<()> {
    let Some(cap) = rules.earning_caps.iter().find(|cap| cap.currency == currency) else { return Ok(()) };
    let (year, since) = year_of(now);
    let earned = budgets::any_earned_since(conn, worker, currency, since)?;
    if earned < cap.minor {
        return Ok(());
    }
    let earned = Money::new(earned, currency);
    Err(Refusal::new(Code::EarningCap, format!("You earned {earned} in {year}; the most is {cap}.")).into())
}

/// Tells workers who come near the most that one may earn in a year, once a year.
pub fn alert_caps(cx: &Cx) -> Outcome<Swept> {
    let mut swept = Swept::default();
    for cap in &cx.rules().earning_caps {
        let (year, since) = year_of(cx.now());
        let near = |c: &mut Conn, _: At, limit: i64| {
            budgets::any_near_cap(c, cap.currency, since, year, alert_from(cap.minor), limit)
        };
        let one = sweep(cx, near, |cx, worker| alert_one(cx, worker, *cap, year, since))?;
        swept.done += one.done;
        swept.failed.extend(one.failed);
    }
    Ok(swept)
}

fn alert_one(cx: &Cx, worker: &UserId, cap: Money, year: i64, since: At) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("alert_caps"), |tx| {
        let row = CapAlertRow { worker_id: worker.clone(), year, currency: cap.currency, at: tx.now() };
        if !budgets::add_cap_alert(tx, &row)? {
            return passed(tx);
        }
        let earned = Money::new(budgets::any_earned_since(tx, worker, cap.currency, since)?, cap.currency);
        let data = json!({"year": year, "earned": earned, "cap": cap});
        let event = tx.record(Event::new("worker.near_earning_cap", worker).data(data))?;
        if let Some(user) = users::any_find(tx, worker)? {
            let text = format!(
                "You earned {earned} in {year}. On this platform one may earn {cap} a year: from there on no new mission \
                 can be reserved before the next year begins.\n\nWhatever you hold or have done by then is paid as \
                 usual.\n"
            );
            letters::send(tx, &event, &user.email, "You come near the yearly limit", &text)?;
        }
        Ok(true)
    })
}
