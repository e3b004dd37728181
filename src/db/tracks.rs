//! Positions beside those of other visits: what says that they were sent before, and what stays of them. Unscoped: the
//! platform's own work.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::{PositionFixRow, VisitTrackRow};
use super::schema::{position_fixes, reservations, submissions, visit_tracks};
use super::tx::Tx;
use crate::domain::ids::{ReservationId, StoreId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::reservation::ReservationState;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// The last position that the worker sent for another visit.
pub fn any_previous(conn: &mut Conn, worker: &UserId, not: &ReservationId) -> Outcome<Option<PositionFixRow>> {
    let of_worker = reservations::table
        .filter(reservations::worker_id.eq(worker.clone()))
        .filter(reservations::id.ne(not.clone()))
        .select(reservations::id);
    Ok(position_fixes::table
        .filter(position_fixes::reservation_id.eq_any(of_worker))
        .order(position_fixes::at.desc())
        .first(conn)
        .optional()?)
}

/// Shapes of earlier visits of the store or of the worker, newest first.
pub fn any_shapes(
    conn: &mut Conn,
    store: &StoreId,
    worker: &UserId,
    not: &ReservationId,
    limit: i64,
) -> Outcome<Vec<String>> {
    let shapes: Vec<Option<String>> = visit_tracks::table
        .filter(visit_tracks::store_id.eq(store.clone()).or(visit_tracks::worker_id.eq(worker.clone())))
        .filter(visit_tracks::reservation_id.ne(not.clone()))
        .filter(visit_tracks::shape.is_not_null())
        .order(visit_tracks::at.desc())
        .limit(limit)
        .select(visit_tracks::shape)
        .load(conn)?;
    Ok(shapes.into_iter().flatten().collect())
}

/// Which of the fingerprints belong to positions of other visits.
pub fn any_seen(conn: &mut Conn, fingerprints: &[String], not: &ReservationId) -> Outcome<Vec<String>> {
    let found: Vec<Option<String>> = position_fixes::table
        .filter(position_fixes::fingerprint.eq_any(fingerprints.to_vec()))
        .filter(position_fixes::reservation_id.ne(not.clone()))
        .select(position_fixes::fingerprint)
        .distinct()
        .load(conn)?;
    Ok(found.into_iter().flatten().collect())
}

/// How many other workers checked in with this phone since.
pub fn any_other_workers(conn: &mut Conn, device: &str, worker: &UserId, since: At) -> Outcome<i64> {
    let others: Vec<UserId> = reservations::table
        .filter(reservations::device_id.eq(device.to_owned()))
        .filter(reservations::worker_id.ne(worker.clone()))
        .filter(reservations::reserved_at.gt(since))
        .select(reservations::worker_id)
        .distinct()
        .load(conn)?;
    Ok(others.len() as i64)
}

/// Keeps what the positions of a visit say now.
pub fn keep(tx: &mut Tx, row: &VisitTrackRow) -> Outcome<()> {
    let known = diesel::update(visit_tracks::table.find(&row.reservation_id)).set(row.clone()).execute(&mut **tx)?;
    if known == 0 {
        diesel::insert_into(visit_tracks::table).values(row.clone()).execute(&mut **tx)?;
    }
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &ReservationId) -> Outcome<Option<VisitTrackRow>> {
    Ok(visit_tracks::table.find(id).first(conn).optional()?)
}

/// Visits whose positions nobody may need any more: decided, and not to be appealed since `before`, or never sealed.
pub fn any_to_drop(conn: &mut Conn, now: At, before: At, limit: i64) -> Outcome<Vec<ReservationId>> {
    let decided = submissions::table
        .filter(submissions::reservation_id.eq(visit_tracks::reservation_id))
        .filter(submissions::state.eq_any([
            SubmissionState::Approved,
            SubmissionState::PartlyApproved,
            SubmissionState::Rejected,
        ]))
        .filter(submissions::updated_at.le(before))
        .filter(submissions::appeal_until.is_null().or(submissions::appeal_until.le(now)));
    let left = reservations::table
        .filter(reservations::id.eq(visit_tracks::reservation_id))
        .filter(reservations::state.eq_any([ReservationState::Released, ReservationState::Expired]))
        .filter(reservations::ended_at.le(before));
    Ok(visit_tracks::table
        .filter(visit_tracks::fixes_dropped_at.is_null())
        .filter(diesel::dsl::exists(decided).or(diesel::dsl::exists(left)))
        .order(visit_tracks::at)
        .limit(limit)
        .select(visit_tracks::reservation_id)
        .load(conn)?)
}

/// Drops the exact positions of a visit; returns how many there were.
pub fn drop_fixes(tx: &mut Tx, id: &ReservationId) -> Outcome<usize> {
    let now = tx.now();
    // First, for only then does the table let its rows go.
    diesel::update(visit_tracks::table.find(id))
        .set(visit_tracks::fixes_dropped_at.eq(Some(now)))
        .execute(&mut **tx)?;
    let of_visit = position_fixes::table.filter(position_fixes::reservation_id.eq(id.clone()));
    Ok(diesel::delete(of_visit).execute(&mut **tx)?)
}
