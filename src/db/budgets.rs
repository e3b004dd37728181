//! Money of campaigns beside their missions: commissions, reserves, bonuses, and what the pay floor found. Bonuses are only
//! ever added.

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::conn::Conn;
use super::dialect::Both;
use super::rows::{
    BonusRow, BudgetRow, CampaignRow, CapAlertRow, FeeRateRow, FloorCheckRow, FloorDueRow, MissionRow, SubmissionRow,
};
use super::schema::{
    bonuses, budgets, campaigns, cap_alerts, earnings, fee_rates, floor_checks, floor_dues, members, missions,
    reversals, submissions, users,
};
use super::tx::Tx;
use crate::access::scope::{BrandScope, WorkerScope};
use crate::domain::brand::BrandRole;
use crate::domain::budget::BonusKind;
use crate::domain::campaign::CampaignState;
use crate::domain::ids::{BonusId, BrandId, CampaignId, MissionId, SubmissionId, UserId};
use crate::domain::mission::MissionState;
use crate::domain::money::Currency;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::submission::{Outcome as Visit, SubmissionState};
use crate::domain::time::At;
use crate::domain::user::UserState;

// Commissions

/// The commission that was set for this brand or campaign.
pub fn any_fee(conn: &mut Conn, owner: &str) -> Outcome<Option<i64>> {
    Ok(fee_rates::table.find(owner).select(fee_rates::fee_bps).first(conn).optional()?)
}

/// Sets it, or takes it away.
pub fn set_fee(tx: &mut Tx, owner: &str, row: Option<&FeeRateRow>) -> Outcome<()> {
    let Some(row) = row else {
        diesel::delete(fee_rates::table.find(owner)).execute(&mut **tx)?;
        return Ok(());
    };
    Both(diesel::insert_into(fee_rates::table).values(row.clone()).on_conflict_do_nothing()).execute(&mut **tx)?;
    diesel::update(fee_rates::table.find(owner))
        .set((fee_rates::fee_bps.eq(row.fee_bps), fee_rates::set_by.eq(&row.set_by), fee_rates::at.eq(row.at)))
        .execute(&mut **tx)?;
    Ok(())
}

// Budgets

pub fn any_budget(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Option<BudgetRow>> {
    Ok(budgets::table.find(campaign).first(conn).optional()?)
}

/// Writes it; its campaign is locked.
pub fn set_budget(tx: &mut Tx, row: &BudgetRow) -> Outcome<()> {
    let insert = diesel::insert_into(budgets::table).values(row.clone()).on_conflict_do_nothing();
    Both(insert).execute(&mut **tx)?;
    diesel::update(budgets::table.find(&row.campaign_id))
        .set((
            budgets::reserve_minor.eq(row.reserve_minor),
            budgets::auto_top_up_minor.eq(row.auto_top_up_minor),
            budgets::auto_topped_minor.eq(row.auto_topped_minor),
            budgets::updated_at.eq(row.updated_at),
            budgets::retry_at.eq(row.retry_at),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Gives a mission that was read under its lock more slots, and the attempts that go with them.
pub fn add_slots(tx: &mut Tx, mission: &MissionRow, slots: i64, attempts: i64) -> Outcome<MissionRow> {
    let now = tx.now();
    let as_read = missions::table.filter(missions::id.eq(&mission.id)).filter(missions::slots.eq(mission.slots));
    let grown: Option<MissionRow> = diesel::update(as_read)
        .set((
            missions::slots.eq(missions::slots + slots),
            missions::attempts.eq(missions::attempts + attempts),
            missions::updated_at.eq(now),
            missions::version.eq(missions::version + 1),
        ))
        .returning(missions::all_columns)
        .get_result(&mut **tx)
        .optional()?;
    grown.ok_or_else(|| Refusal::new(Code::Stale, "A mission was changed in the meantime.").into())
}

/// Open missions of fewer than `most` slots that are all done, of campaigns that may top themselves up now.
pub fn any_used_up(conn: &mut Conn, now: At, most: i64, limit: i64) -> Outcome<Vec<MissionId>> {
    Ok(missions::table
        .inner_join(budgets::table.on(budgets::campaign_id.eq(missions::campaign_id)))
        .filter(missions::state.eq(MissionState::Open))
        .filter(missions::ends_at.gt(now))
        .filter(missions::slots_done.ge(missions::slots))
        .filter(missions::slots.lt(most))
        .filter(budgets::auto_top_up_minor.gt(budgets::auto_topped_minor))
        .filter(budgets::retry_at.is_null().or(budgets::retry_at.assume_not_null().le(now)))
        .order(missions::id)
        .limit(limit)
        .select(missions::id)
        .load(conn)?)
}

/// Addresses of those who may spend the brand's money.
pub fn any_owner_emails(conn: &mut Conn, brand: &BrandId) -> Outcome<Vec<String>> {
    Ok(members::table
        .inner_join(users::table.on(users::id.eq(members::user_id)))
        .filter(members::brand_id.eq(brand))
        .filter(members::role.eq(BrandRole::Owner))
        .order(users::id)
        .select(users::email)
        .load(conn)?)
}

// Bonuses

pub fn add_bonus(tx: &mut Tx, row: &BonusRow) -> Outcome<()> {
    diesel::insert_into(bonuses::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// What the worker got beside the pay of visits, newest first.
pub fn bonuses_page(
    conn: &mut Conn,
    scope: &WorkerScope,
    before: Option<&BonusId>,
    limit: i64,
) -> Outcome<Vec<BonusRow>> {
    let mut query = bonuses::table.filter(bonuses::worker_id.eq(scope.worker().clone())).into_boxed();
    if let Some(before) = before {
        query = query.filter(bonuses::id.lt(before.clone()));
    }
    Ok(query.order(bonuses::id.desc()).limit(limit).load(conn)?)
}

/// A visit that the brand pays for: approved, at least in part.
pub fn paid_visit(conn: &mut Conn, scope: &BrandScope, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    let states = [SubmissionState::Approved, SubmissionState::PartlyApproved];
    Ok(submissions::table
        .filter(submissions::id.eq(id))
        .filter(submissions::brand_id.eq(scope.brand().clone()))
        .filter(submissions::state.eq_any(states))
        .first(conn)
        .optional()?)
}

// The pay floor

/// Campaigns with new approved visits since the floor was looked at, or whose workers wait for the difference; first
/// those that were not looked at for longest.
pub fn any_floor_due(conn: &mut Conn, since: At, limit: i64) -> Outcome<Vec<CampaignId>> {
    let visits = sql::<Bool>(
        "(SELECT COUNT(*) FROM submissions s WHERE s.campaign_id = campaigns.id AND s.state = 'approved' AND s.outcome = \
         'completed') <> COALESCE((SELECT f.visits FROM floor_checks f WHERE f.campaign_id = campaigns.id), 0)",
    );
    let waiting = sql::<Bool>("EXISTS (SELECT 1 FROM floor_dues d WHERE d.campaign_id = campaigns.id)");
    let reserved = sql::<Bool>(
        "EXISTS (SELECT 1 FROM accounts a WHERE a.owner = campaigns.id AND a.kind = 'brand_reserve' AND a.balance_minor \
         > 0 AND campaigns.state = 'closed')",
    );
    let recent = campaigns::closed_at.is_null().or(campaigns::closed_at.gt(since).assume_not_null());
    Ok(campaigns::table
        .left_join(floor_checks::table.on(floor_checks::campaign_id.eq(campaigns::id)))
        .filter(campaigns::state.ne(CampaignState::Draft))
        .filter(recent.or(waiting.clone()).or(reserved.clone()))
        .filter(visits.or(waiting).or(reserved))
        .order((floor_checks::at.nullable().is_not_null(), floor_checks::at.nullable(), campaigns::id))
        .limit(limit)
        .select(campaigns::id)
        .load(conn)?)
}

/// How many visits of the campaign were approved whole.
pub fn any_approved_visits(conn: &mut Conn, campaign: &CampaignId) -> Outcome<i64> {
    Ok(submissions::table
        .filter(submissions::campaign_id.eq(campaign))
        .filter(submissions::state.eq(SubmissionState::Approved))
        .filter(submissions::outcome.eq(Visit::Completed))
        .count()
        .get_result(conn)?)
}

/// Approved visits that neither were raised to the floor nor are owed it, oldest first. Nobody is paid for an erased worker.
pub fn any_not_raised(conn: &mut Conn, campaign: &CampaignId, limit: i64) -> Outcome<Vec<SubmissionId>> {
    let raised = bonuses::table
        .filter(bonuses::submission_id.eq(submissions::id.nullable()))
        .filter(bonuses::kind.eq(BonusKind::PayFloor));
    let owed = floor_dues::table.filter(floor_dues::submission_id.eq(submissions::id));
    Ok(submissions::table
        .inner_join(users::table.on(users::id.eq(submissions::worker_id)))
        .filter(submissions::campaign_id.eq(campaign))
        .filter(submissions::state.eq(SubmissionState::Approved))
        .filter(submissions::outcome.eq(Visit::Completed))
        .filter(users::state.ne(UserState::Erased))
        .filter(not(exists(raised)))
        .filter(not(exists(owed)))
        .order(submissions::id)
        .limit(limit)
        .select(submissions::id)
        .load(conn)?)
}

pub fn add_floor_due(tx: &mut Tx, row: &FloorDueRow) -> Outcome<()> {
    diesel::insert_into(floor_dues::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// What the campaign owes its visits, oldest first, each with its worker.
pub fn any_floor_dues(conn: &mut Conn, campaign: &CampaignId, limit: i64) -> Outcome<Vec<(FloorDueRow, UserId)>> {
    Ok(floor_dues::table
        .inner_join(submissions::table.on(submissions::id.eq(floor_dues::submission_id)))
        .filter(floor_dues::campaign_id.eq(campaign))
        .order(floor_dues::submission_id)
        .limit(limit)
        .select((floor_dues::all_columns, submissions::worker_id))
        .load(conn)?)
}

pub fn drop_floor_due(tx: &mut Tx, visit: &SubmissionId) -> Outcome<()> {
    diesel::delete(floor_dues::table.find(visit)).execute(&mut **tx)?;
    Ok(())
}

/// All that the campaign owes its visits.
pub fn any_floor_owed(conn: &mut Conn, campaign: &CampaignId) -> Outcome<i64> {
    let total = sql::<BigInt>("CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT)");
    Ok(floor_dues::table.filter(floor_dues::campaign_id.eq(campaign)).select(total).first(conn)?)
}

/// All that the brand's campaigns owe their visits.
pub fn any_owed_by_brand(conn: &mut Conn, brand: &BrandId) -> Outcome<i64> {
    Ok(floor_dues::table
        .inner_join(campaigns::table.on(campaigns::id.eq(floor_dues::campaign_id)))
        .filter(campaigns::brand_id.eq(brand))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(floor_dues.amount_minor), 0) AS BIGINT)"))
        .first(conn)?)
}

pub fn any_floor_check(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Option<FloorCheckRow>> {
    Ok(floor_checks::table.find(campaign).first(conn).optional()?)
}

/// Writes what was found; its campaign is locked.
pub fn set_floor_check(tx: &mut Tx, row: &FloorCheckRow) -> Outcome<()> {
    diesel::delete(floor_checks::table.find(&row.campaign_id)).execute(&mut **tx)?;
    diesel::insert_into(floor_checks::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Campaigns that pay, or paid, less than the floor, newest first.
pub fn any_floor_page(conn: &mut Conn, before: Option<&str>, limit: i64) -> Outcome<Vec<(FloorCheckRow, CampaignRow)>> {
    let mut query = floor_checks::table
        .inner_join(campaigns::table.on(campaigns::id.eq(floor_checks::campaign_id)))
        .filter(
            floor_checks::difference_minor
                .gt(0)
                .or(floor_checks::unpaid_minor.gt(0))
                .or(floor_checks::paid_minor.gt(0)),
        )
        .select((floor_checks::all_columns, campaigns::all_columns))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(floor_checks::campaign_id.lt(CampaignId::from_stored(before.to_owned())));
    }
    Ok(query.order(floor_checks::campaign_id.desc()).limit(limit).load(conn)?)
}

/// Whether somebody is still on the way or waits for a decision.
pub fn any_open_slots(conn: &mut Conn, campaign: &CampaignId) -> Outcome<bool> {
    let held: i64 = missions::table
        .filter(missions::campaign_id.eq(campaign))
        .filter(missions::slots_held.gt(0).or(missions::state.ne(MissionState::Closed)))
        .count()
        .get_result(conn)?;
    Ok(held > 0)
}

// The most that one may earn in a year

/// What a worker got since `since` in one currency: visits, and bonuses that were not taken back.
pub fn any_earned_since(conn: &mut Conn, worker: &UserId, currency: Currency, since: At) -> Outcome<i64> {
    let total = || sql::<BigInt>("CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT)");
    let visits: i64 = earnings::table
        .filter(earnings::worker_id.eq(worker))
        .filter(earnings::currency.eq(currency))
        .filter(earnings::at.ge(since))
        .select(total())
        .first(conn)?;
    let extras: i64 = bonuses::table
        .filter(bonuses::worker_id.eq(worker))
        .filter(bonuses::currency.eq(currency))
        .filter(bonuses::at.ge(since))
        .filter(not(exists(reversals::table.filter(reversals::reversed_id.eq(bonuses::journal_id)))))
        .select(total())
        .first(conn)?;
    Ok(visits.saturating_add(extras))
}

#[derive(QueryableByName)]
struct WorkerId {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Workers who earned at least `least` since `since` and were not told in that year.
pub fn any_near_cap(
    conn: &mut Conn,
    currency: Currency,
    since: At,
    year: i64,
    least: i64,
    limit: i64,
) -> Outcome<Vec<UserId>> {
    // Written like a stored time; all of it is made of digits and capitals.
    let since = since.timestamp().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let sql = format!(
        "SELECT g.worker_id AS id FROM (SELECT worker_id, amount_minor FROM earnings WHERE currency = '{currency}' AND at \
         >= '{since}' UNION ALL SELECT worker_id, amount_minor FROM bonuses b WHERE currency = '{currency}' AND at >= \
         '{since}' AND NOT EXISTS (SELECT 1 FROM reversals r WHERE r.reversed_id = b.journal_id)) g WHERE NOT EXISTS \
         (SELECT 1 FROM cap_alerts c WHERE c.worker_id = g.worker_id AND c.year = {year} AND c.currency = '{currency}') \
         GROUP BY g.worker_id HAVING SUM(g.amount_minor) >= {least} ORDER BY g.worker_id LIMIT {limit}"
    );
    let rows: Vec<WorkerId> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| UserId::from_stored(row.id)).collect())
}

/// Notes that the worker is told; false when somebody else was quicker.
pub fn add_cap_alert(tx: &mut Tx, row: &CapAlertRow) -> Outcome<bool> {
    let insert = diesel::insert_into(cap_alerts::table).values(row.clone()).on_conflict_do_nothing();
    Ok(Both(insert).execute(&mut **tx)? == 1)
}
