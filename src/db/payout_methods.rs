//! Where workers are paid to, and how often. The accounts are sealed before they come here; equal ones share a mark.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Both;
use super::rows::{PayoutChoiceRow, PayoutMethodRow};
use super::schema::{payout_choices, payout_methods, users};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::ids::{MethodId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;
use crate::domain::user::UserState;

pub fn insert(tx: &mut Tx, row: &PayoutMethodRow) -> Outcome<()> {
    diesel::insert_into(payout_methods::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Those that were not removed, oldest first.
pub fn live(conn: &mut Conn, scope: &WorkerScope) -> Outcome<Vec<PayoutMethodRow>> {
    let own = payout_methods::worker_id.eq(scope.worker().clone()).and(payout_methods::removed_at.is_null());
    Ok(payout_methods::table.filter(own).order(payout_methods::id).load(conn)?)
}

pub fn find(conn: &mut Conn, scope: &WorkerScope, id: &MethodId) -> Outcome<Option<PayoutMethodRow>> {
    let own = payout_methods::table.find(id).filter(payout_methods::worker_id.eq(scope.worker().clone()));
    Ok(own.first(conn).optional()?)
}

pub fn any_find(conn: &mut Conn, id: &MethodId) -> Outcome<Option<PayoutMethodRow>> {
    Ok(payout_methods::table.find(id).first(conn).optional()?)
}

/// Workers beside `worker` who have a live method with this mark.
pub fn any_sharers(conn: &mut Conn, mark: &str, worker: &UserId) -> Outcome<i64> {
    Ok(payout_methods::table
        .filter(payout_methods::mark.eq(mark))
        .filter(payout_methods::removed_at.is_null())
        .filter(payout_methods::worker_id.ne(worker.clone()))
        .count()
        .get_result(conn)?)
}

/// False when it was removed before.
pub fn remove(tx: &mut Tx, id: &MethodId) -> Outcome<bool> {
    let now = tx.now();
    let removed = diesel::update(payout_methods::table.find(id).filter(payout_methods::removed_at.is_null()))
        .set(payout_methods::removed_at.eq(Some(now)))
        .execute(&mut **tx)?;
    Ok(removed == 1)
}

pub fn choice(conn: &mut Conn, scope: &WorkerScope) -> Outcome<Option<PayoutChoiceRow>> {
    Ok(payout_choices::table.find(scope.worker().clone()).first(conn).optional()?)
}

pub fn set_choice(tx: &mut Tx, row: &PayoutChoiceRow) -> Outcome<()> {
    Both(
        diesel::insert_into(payout_choices::table)
            .values(row.clone())
            .on_conflict(payout_choices::worker_id)
            .do_update()
            .set((
                payout_choices::method_id.eq(row.method_id.clone()),
                payout_choices::automatic.eq(row.automatic),
                payout_choices::next_run_at.eq(row.next_run_at),
                payout_choices::updated_at.eq(row.updated_at),
            )),
    )
    .execute(&mut **tx)?;
    Ok(())
}

/// Workers whose daily run is due, the longest waiting first.
pub fn any_due(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<PayoutChoiceRow>> {
    let due = payout_choices::automatic.eq(true).and(payout_choices::next_run_at.le(now));
    Ok(payout_choices::table
        .filter(due)
        .order((payout_choices::next_run_at, payout_choices::worker_id))
        .limit(limit)
        .load(conn)?)
}

/// Takes the run of this worker; false when somebody else did.
pub fn ran(tx: &mut Tx, read: &PayoutChoiceRow, next: At) -> Outcome<bool> {
    let row = payout_choices::table.find(&read.worker_id).filter(payout_choices::next_run_at.eq(read.next_run_at));
    Ok(diesel::update(row).set(payout_choices::next_run_at.eq(next)).execute(&mut **tx)? == 1)
}

/// Since when a worker is suspended; `None` for who is not.
pub fn any_suspended_since(conn: &mut Conn, worker: &UserId) -> Outcome<Option<At>> {
    let state: Option<UserState> = users::table.find(worker).select(users::state).first(conn).optional()?;
    if state != Some(UserState::Suspended) {
        return Ok(None);
    }
    Ok(super::users::last_sanction(conn, worker)?.map(|sanction| sanction.at))
}
