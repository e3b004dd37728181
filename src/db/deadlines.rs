//! What is due: rows whose time has come, for the sweeps. Only reads, but for the two moves of a store and a campaign
//! that no person makes. Unscoped: the platform's own work.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{CampaignRow, MissionRow, StoreReportRow, StoreRow, SubmissionRow};
use super::schema::{
    accounts, campaigns, idempotency_keys, missions, position_fixes, reservations, store_reports, stores,
    submission_photos, submissions,
};
use super::tx::Tx;
use crate::domain::campaign::CampaignState;
use crate::domain::ids::{CampaignId, MissionId, ReservationId, StoreId, SubmissionId};
use crate::domain::ledger::chart::AccountKind;
use crate::domain::mission::MissionState;
use crate::domain::refusal::Outcome;
use crate::domain::reservation::ReservationState;
use crate::domain::store::StoreState;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// Sealed long enough ago that photos should be there.
pub fn any_photos_overdue(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<SubmissionId>> {
    Ok(submissions::table
        .filter(submissions::state.eq(SubmissionState::Sealed))
        .filter(submissions::photos_due_at.le(now))
        .order((submissions::photos_due_at, submissions::id))
        .limit(limit)
        .select(submissions::id)
        .load(conn)?)
}

pub fn any_review_overdue(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<SubmissionId>> {
    Ok(submissions::table
        .filter(submissions::state.eq(SubmissionState::InReview))
        .filter(submissions::review_due_at.le(now))
        .order((submissions::review_due_at, submissions::id))
        .limit(limit)
        .select(submissions::id)
        .load(conn)?)
}

pub fn any_correction_overdue(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<SubmissionId>> {
    Ok(submissions::table
        .filter(submissions::state.eq(SubmissionState::NeedsCorrection))
        .filter(submissions::correction_due_at.le(now))
        .order((submissions::correction_due_at, submissions::id))
        .limit(limit)
        .select(submissions::id)
        .load(conn)?)
}

/// Rejections whose time for an appeal is over and that still hold their slot.
pub fn any_appeal_time_over(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<SubmissionId>> {
    Ok(submissions::table
        .filter(submissions::state.eq(SubmissionState::Rejected))
        .filter(submissions::appeal_until.le(now))
        .filter(submissions::holds_slot.eq(true))
        .order((submissions::appeal_until, submissions::id))
        .limit(limit)
        .select(submissions::id)
        .load(conn)?)
}

/// Paused stores whose re-check may be made and has not been given away since it was due.
pub fn any_recheck_due(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<StoreId>> {
    let open = missions::table
        .filter(missions::store_id.eq(stores::id))
        .filter(missions::state.eq(MissionState::Paused))
        .filter(missions::recheck_open.eq(true));
    let could = missions::table
        .inner_join(campaigns::table.on(campaigns::id.eq(missions::campaign_id)))
        .filter(missions::store_id.eq(stores::id))
        .filter(missions::state.eq(MissionState::Paused))
        .filter(missions::ends_at.gt(now))
        .filter((missions::slots - missions::slots_held - missions::slots_done).gt(0))
        .filter((missions::attempts - missions::attempts_spent - missions::slots_held).gt(0))
        .filter(campaigns::state.eq(CampaignState::Published));
    let made = reservations::table
        .filter(reservations::store_id.eq(stores::id))
        .filter(reservations::recheck.eq(true))
        .filter(reservations::reserved_at.nullable().ge(stores::recheck_at))
        .filter(reservations::state.ne_all([ReservationState::Released, ReservationState::Expired]));
    Ok(stores::table
        .filter(stores::state.eq(StoreState::Paused))
        .filter(stores::recheck_at.le(now))
        .filter(not(exists(open)))
        .filter(exists(could))
        .filter(not(exists(made)))
        .order((stores::recheck_at, stores::id))
        .limit(limit)
        .select(stores::id)
        .load(conn)?)
}

/// The paused mission of a store whose re-check is paid: the one that runs longest.
pub fn any_mission_to_recheck(conn: &mut Conn, store: &StoreId, now: At) -> Outcome<Option<MissionRow>> {
    Ok(missions::table
        .inner_join(campaigns::table.on(campaigns::id.eq(missions::campaign_id)))
        .filter(missions::store_id.eq(store))
        .filter(missions::state.eq(MissionState::Paused))
        .filter(missions::ends_at.gt(now))
        .filter((missions::slots - missions::slots_held - missions::slots_done).gt(0))
        .filter((missions::attempts - missions::attempts_spent - missions::slots_held).gt(0))
        .filter(campaigns::state.eq(CampaignState::Published))
        .order((missions::ends_at.desc(), missions::id))
        .select(missions::all_columns)
        .first(conn)
        .optional()?)
}

/// Opens the re-check of a paused mission; false when it is no longer paused.
pub fn open_recheck(tx: &mut Tx, id: &MissionId) -> Outcome<bool> {
    let now = tx.now();
    let paused = missions::table.find(id).filter(missions::state.eq(MissionState::Paused));
    let opened = diesel::update(paused)
        .set((
            missions::recheck_open.eq(true),
            missions::updated_at.eq(now),
            missions::version.eq(missions::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(opened == 1)
}

pub fn any_missions_over(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<MissionId>> {
    Ok(missions::table
        .filter(missions::state.eq_any([MissionState::Open, MissionState::Paused]))
        .filter(missions::ends_at.le(now))
        .order((missions::ends_at, missions::id))
        .limit(limit)
        .select(missions::id)
        .load(conn)?)
}

/// Campaigns past their end whose missions are all closed.
pub fn any_campaigns_over(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<CampaignId>> {
    let running = missions::table
        .filter(missions::campaign_id.eq(campaigns::id))
        .filter(missions::state.ne(MissionState::Closed));
    Ok(campaigns::table
        .filter(campaigns::state.eq_any([CampaignState::Published, CampaignState::Paused]))
        .filter(campaigns::ends_at.le(now))
        .filter(not(exists(running)))
        .order(campaigns::id)
        .limit(limit)
        .select(campaigns::id)
        .load(conn)?)
}

pub fn any_campaign_locked(tx: &mut Tx, id: &CampaignId) -> Outcome<Option<CampaignRow>> {
    Ok(Locked(campaigns::table.find(id)).get_result(&mut **tx).optional()?)
}

/// Closed missions that still hold money.
pub fn any_closed_with_money(conn: &mut Conn) -> Outcome<Vec<MissionRow>> {
    Ok(accounts::table
        .inner_join(missions::table.on(missions::id.eq(accounts::owner)))
        .filter(accounts::kind.eq(AccountKind::BrandEscrow))
        .filter(accounts::balance_minor.gt(0))
        .filter(missions::state.eq(MissionState::Closed))
        .select(missions::all_columns)
        .load(conn)?)
}

// Stores that were reported shut

pub fn any_store_locked(tx: &mut Tx, id: &StoreId) -> Outcome<Option<StoreRow>> {
    Ok(Locked(stores::table.find(id)).get_result(&mut **tx).optional()?)
}

/// Reports of a store, oldest first.
pub fn any_reports(conn: &mut Conn, store: &StoreId) -> Outcome<Vec<StoreReportRow>> {
    Ok(store_reports::table
        .filter(store_reports::store_id.eq(store))
        .order((store_reports::at, store_reports::id))
        .load(conn)?)
}

/// Whether two visits show the same file, or a position that is the same to the last digit.
pub fn any_shared_proof(conn: &mut Conn, visit: &SubmissionRow, other: &SubmissionId) -> Outcome<bool> {
    let photos = |conn: &mut Conn, id: &SubmissionId| {
        submission_photos::table
            .filter(submission_photos::submission_id.eq(id.clone()))
            .select(submission_photos::sha256)
            .load::<String>(conn)
    };
    let (own, others) = (photos(conn, &visit.id)?, photos(conn, other)?);
    if own.iter().any(|photo| others.contains(photo)) {
        return Ok(true);
    }
    let fixes = |conn: &mut Conn, id: ReservationId| {
        position_fixes::table
            .filter(position_fixes::reservation_id.eq(id))
            .select((position_fixes::lat, position_fixes::lon, position_fixes::accuracy_m))
            .load::<(f64, f64, f64)>(conn)
    };
    let other: ReservationId = submissions::table.find(other).select(submissions::reservation_id).first(conn)?;
    let (own, others) = (fixes(conn, visit.reservation_id.clone())?, fixes(conn, other)?);
    Ok(own.iter().any(|fix| others.contains(fix)))
}

pub fn add_report(tx: &mut Tx, submission: &SubmissionRow) -> Outcome<()> {
    diesel::insert_into(store_reports::table)
        .values((
            store_reports::store_id.eq(&submission.store_id),
            store_reports::worker_id.eq(&submission.worker_id),
            store_reports::submission_id.eq(&submission.id),
            store_reports::outcome.eq(submission.outcome),
            store_reports::recheck.eq(submission.recheck),
            store_reports::at.eq(submission.sealed_at),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Moves a store that was read under its lock.
pub fn set_store_state(
    tx: &mut Tx,
    store: &StoreRow,
    to: StoreState,
    paused_at: Option<At>,
    recheck_at: Option<At>,
) -> Outcome<()> {
    let now = tx.now();
    diesel::update(stores::table.find(&store.id))
        .set((
            stores::state.eq(to),
            stores::paused_at.eq(paused_at),
            stores::recheck_at.eq(recheck_at),
            stores::updated_at.eq(now),
            stores::version.eq(stores::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// The missions of a store that are not closed, locked in the order of their ids.
pub fn any_missions_of_store_locked(tx: &mut Tx, store: &StoreId) -> Outcome<Vec<MissionRow>> {
    let query = missions::table
        .filter(missions::store_id.eq(store))
        .filter(missions::state.ne(MissionState::Closed))
        .order(missions::id);
    Ok(Locked(query).load(&mut **tx)?)
}

// Housekeeping

/// Forgets answers kept for idempotent requests before `before`; returns how many.
pub fn sweep_keys(tx: &mut Tx, before: At) -> Outcome<usize> {
    Ok(diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(before))).execute(&mut **tx)?)
}
