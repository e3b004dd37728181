//! Payouts and the bank's confirmations. Every change of state names the state that was read; a bank reference is
//! confirmed once, and so is a payout (I08).

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::broke_unique;
use super::rows::{ConfirmationRow, LateReturnRow, PayoutRow};
use super::schema::{confirmations, late_returns, payouts, users};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::ids::{PayoutId, UserId};
use crate::domain::payout::{PayoutState, Rail};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

pub fn insert(tx: &mut Tx, payout: &PayoutRow) -> Outcome<()> {
    diesel::insert_into(payouts::table).values(payout.clone()).execute(&mut **tx)?;
    Ok(())
}

/// The worker's payouts, newest first.
pub fn page(conn: &mut Conn, scope: &WorkerScope, before: Option<&PayoutId>, limit: i64) -> Outcome<Vec<PayoutRow>> {
    let mut query = payouts::table.filter(payouts::worker_id.eq(scope.worker().clone())).into_boxed();
    if let Some(before) = before {
        query = query.filter(payouts::id.lt(before.clone()));
    }
    Ok(query.order(payouts::id.desc()).limit(limit).load(conn)?)
}

/// Payouts of all workers, oldest first; in one state when it is given.
pub fn any_page(
    conn: &mut Conn,
    state: Option<PayoutState>,
    after: Option<&PayoutId>,
    limit: i64,
) -> Outcome<Vec<PayoutRow>> {
    let mut query = payouts::table.into_boxed();
    if let Some(state) = state {
        query = query.filter(payouts::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(payouts::id.gt(after.clone()));
    }
    Ok(query.order(payouts::id).limit(limit).load(conn)?)
}

/// Payouts in one state on some rails, oldest first.
pub fn any_on(
    conn: &mut Conn,
    state: PayoutState,
    rails: &[Rail],
    after: Option<&PayoutId>,
    limit: i64,
) -> Outcome<Vec<PayoutRow>> {
    let mut query = payouts::table.filter(payouts::state.eq(state)).into_boxed();
    query = query.filter(payouts::rail.eq_any(rails.to_vec()));
    if let Some(after) = after {
        query = query.filter(payouts::id.gt(after.clone()));
    }
    Ok(query.order(payouts::id).limit(limit).load(conn)?)
}

/// A payout that ended comes back all the same; false when that was noted before.
pub fn return_late(tx: &mut Tx, row: &LateReturnRow) -> Outcome<bool> {
    match diesel::insert_into(late_returns::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(true),
        Err(e)
            if broke_unique(&e, "late_returns_pkey", "late_returns.bank_reference")
                || broke_unique(&e, "late_returns_payout_id_key", "late_returns.payout_id") =>
        {
            Ok(false)
        }
        Err(e) => Err(e.into()),
    }
}

/// How many of this worker's have not ended.
pub fn any_open(conn: &mut Conn, worker: &UserId) -> Outcome<i64> {
    let open: Vec<PayoutState> = PayoutState::ALL.iter().copied().filter(|state| !state.ended()).collect();
    let of_worker = payouts::table.filter(payouts::worker_id.eq(worker).and(payouts::state.eq_any(open)));
    Ok(of_worker.count().get_result(conn)?)
}

pub fn any_by_id(conn: &mut Conn, id: &PayoutId) -> Outcome<Option<PayoutRow>> {
    Ok(payouts::table.find(id).first(conn).optional()?)
}

/// What changes beside the state; `None` leaves a column as it is.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = payouts)]
pub struct PayoutChange {
    pub approved_by: Option<UserId>,
    pub bank_reference: Option<String>,
    pub return_reason: Option<String>,
    pub settled_at: Option<At>,
}

/// Moves a payout as it was read; `None` when somebody was quicker.
pub fn move_state(tx: &mut Tx, read: &PayoutRow, to: PayoutState, change: PayoutChange) -> Outcome<Option<PayoutRow>> {
    let now = tx.now();
    let row =
        payouts::table.find(&read.id).filter(payouts::state.eq(read.state)).filter(payouts::version.eq(read.version));
    Ok(diesel::update(row)
        .set((change, payouts::state.eq(to), payouts::updated_at.eq(now), payouts::version.eq(payouts::version + 1)))
        .returning(payouts::all_columns)
        .get_result(&mut **tx)
        .optional()?)
}

/// Notes what the bank confirmed; false when this reference or this payout was confirmed before.
pub fn confirm(tx: &mut Tx, confirmation: &ConfirmationRow) -> Outcome<bool> {
    let inserted = diesel::insert_into(confirmations::table).values(confirmation.clone()).execute(&mut **tx);
    match inserted {
        Ok(_) => Ok(true),
        Err(e)
            if broke_unique(&e, "confirmations_pkey", "confirmations.bank_reference")
                || broke_unique(&e, "confirmations_payout_id_key", "confirmations.payout_id") =>
        {
            Ok(false)
        }
        Err(e) => Err(e.into()),
    }
}

pub fn any_email(conn: &mut Conn, worker: &UserId) -> Outcome<String> {
    Ok(users::table.find(worker).select(users::email).first(conn)?)
}
