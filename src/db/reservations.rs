//! Reservations and the positions sent for them. A worker's own rows go by his scope; jobs use the `any_` ones. States
//! move with the old state in the WHERE; a partial unique index keeps one live reservation a worker and mission.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Locked, broke_unique};
use super::rows::{PositionFixRow, ReservationRow, UserRow};
use super::schema::{position_fixes, reservations, users};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::ids::{MissionId, ReservationId};
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::reservation::{ReservationMove, ReservationState};
use crate::domain::time::At;

const LIVE: [ReservationState; 2] = [ReservationState::Held, ReservationState::CheckedIn];

pub fn any_find(conn: &mut Conn, id: &ReservationId) -> Outcome<Option<ReservationRow>> {
    Ok(reservations::table.find(id).first(conn).optional()?)
}

/// The reservation with its row locked; lock it after its mission and before its submission.
pub fn any_locked(tx: &mut Tx, id: &ReservationId) -> Outcome<Option<ReservationRow>> {
    Ok(Locked(reservations::table.find(id)).get_result(&mut **tx).optional()?)
}

pub fn find(conn: &mut Conn, worker: &WorkerScope, id: &ReservationId) -> Outcome<Option<ReservationRow>> {
    let row = reservations::table.find(id).filter(reservations::worker_id.eq(worker.worker().clone()));
    Ok(row.first(conn).optional()?)
}

/// His reservation, locked. Read it first to know its mission, and lock that before.
pub fn locked(tx: &mut Tx, worker: &WorkerScope, id: &ReservationId) -> Outcome<Option<ReservationRow>> {
    let row = reservations::table.find(id).filter(reservations::worker_id.eq(worker.worker().clone()));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

/// His reservations, newest first, before `before`; optionally of one state.
pub fn page(
    conn: &mut Conn,
    worker: &WorkerScope,
    state: Option<ReservationState>,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<ReservationRow>> {
    let mut query = reservations::table.filter(reservations::worker_id.eq(worker.worker().clone())).into_boxed();
    if let Some(state) = state {
        query = query.filter(reservations::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(reservations::id.lt(ReservationId::from_stored(before.to_owned())));
    }
    Ok(query.order(reservations::id.desc()).limit(limit).load(conn)?)
}

/// How many he holds now.
pub fn count_live(conn: &mut Conn, worker: &WorkerScope) -> Outcome<i64> {
    Ok(reservations::table
        .filter(reservations::worker_id.eq(worker.worker().clone()))
        .filter(reservations::state.eq_any(LIVE))
        .select(count_star())
        .first(conn)?)
}

/// Whether he holds this mission or has done it, by a reservation other than `except`.
pub fn has_taken(
    conn: &mut Conn,
    worker: &WorkerScope,
    mission: &MissionId,
    except: Option<&ReservationId>,
) -> Outcome<bool> {
    let mut query = reservations::table
        .filter(reservations::mission_id.eq(mission.clone()))
        .filter(reservations::worker_id.eq(worker.worker().clone()))
        .filter(reservations::state.eq_any([
            ReservationState::Held,
            ReservationState::CheckedIn,
            ReservationState::Used,
        ]))
        .select(count_star())
        .into_boxed();
    if let Some(except) = except {
        query = query.filter(reservations::id.ne(except.clone()));
    }
    Ok(query.first::<i64>(conn)? > 0)
}

/// The worker's own row, locked: what he holds is counted by one request at a time. Lock it before any mission.
pub fn worker_locked(tx: &mut Tx, worker: &WorkerScope) -> Outcome<Option<UserRow>> {
    Ok(Locked(users::table.find(worker.worker())).get_result(&mut **tx).optional()?)
}

pub fn worker_language(conn: &mut Conn, worker: &WorkerScope) -> Outcome<Option<String>> {
    Ok(users::table.find(worker.worker()).select(users::language).first(conn).optional()?)
}

pub fn add(tx: &mut Tx, row: &ReservationRow) -> Outcome<()> {
    match diesel::insert_into(reservations::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(()),
        Err(e) if broke_unique(&e, "reservations_one_live", "reservations.mission_id") => {
            Err(Refusal::new(Code::AlreadyReserved, "You hold this mission already.").into())
        }
        Err(e) => Err(e.into()),
    }
}

/// Live reservations whose slot is to be freed by `now`, those due first.
pub fn due_to_expire(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<ReservationRow>> {
    Ok(reservations::table
        .filter(reservations::state.eq_any(LIVE))
        .filter(reservations::frees_at.le(now))
        .order((reservations::frees_at, reservations::id))
        .limit(limit)
        .load(conn)?)
}

/// Moves a reservation that still is in the state of `row`; `row` carries what the move leaves in the other columns.
/// Sets `ended_at` when the move ends it. Returns the row as it now is.
pub fn move_state(tx: &mut Tx, row: &ReservationRow, step: ReservationMove) -> Outcome<ReservationRow> {
    let Some(to) = row.state.next(step) else {
        return Err(Refusal::new(Code::ReservationOver, format!("Its state is {}.", row.state)).into());
    };
    let ended_at = if to.is_live() { row.ended_at } else { Some(tx.now()) };
    set(tx, row, to, ended_at)
}

/// Writes the deadline, its extension and the check-in of a reservation that still is in the state of `row`.
pub fn set_times(tx: &mut Tx, row: &ReservationRow) -> Outcome<ReservationRow> {
    set(tx, row, row.state, row.ended_at)
}

fn set(tx: &mut Tx, row: &ReservationRow, to: ReservationState, ended_at: Option<At>) -> Outcome<ReservationRow> {
    let now = tx.now();
    let as_read = reservations::table.find(&row.id).filter(reservations::state.eq(row.state));
    diesel::update(as_read)
        .set((
            reservations::state.eq(to),
            reservations::deadline_at.eq(row.deadline_at),
            reservations::frees_at.eq(row.frees_at),
            reservations::extended.eq(row.extended),
            reservations::checked_in_at.eq(row.checked_in_at),
            reservations::device_id.eq(&row.device_id),
            reservations::reserved_elapsed_ms.eq(row.reserved_elapsed_ms),
            reservations::ended_at.eq(ended_at),
            reservations::updated_at.eq(now),
            reservations::version.eq(reservations::version + 1),
        ))
        .returning(reservations::all_columns)
        .get_result(&mut **tx)
        .optional()?
        .ok_or_else(|| Refusal::new(Code::Stale, "The reservation was changed in the meantime.").into())
}

pub fn add_fix(tx: &mut Tx, row: &PositionFixRow) -> Outcome<()> {
    diesel::insert_into(position_fixes::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Every position sent for a reservation, in the order of arrival.
pub fn any_fixes(conn: &mut Conn, id: &ReservationId) -> Outcome<Vec<PositionFixRow>> {
    Ok(position_fixes::table
        .filter(position_fixes::reservation_id.eq(id.clone()))
        .order(position_fixes::id)
        .load(conn)?)
}
