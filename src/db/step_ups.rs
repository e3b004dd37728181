//! The second factor of staff: a sealed secret, and the step of the last code, so that no code is good twice.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Both, Locked};
use super::rows::StepUpRow;
use super::schema::step_ups;
use super::tx::Tx;
use crate::domain::ids::UserId;
use crate::domain::refusal::Outcome;

pub fn any_find(conn: &mut Conn, user: &UserId) -> Outcome<Option<StepUpRow>> {
    Ok(step_ups::table.find(user).first(conn).optional()?)
}

/// The same, held until the transaction ends.
pub fn any_locked(tx: &mut Tx, user: &UserId) -> Outcome<Option<StepUpRow>> {
    Ok(Locked(step_ups::table.find(user)).get_result(&mut **tx).optional()?)
}

/// A new secret; one that was not confirmed gives way. False when there is one that was.
pub fn enrol(tx: &mut Tx, row: StepUpRow) -> Outcome<bool> {
    let added = Both(diesel::insert_into(step_ups::table).values(row.clone()).on_conflict_do_nothing());
    if added.execute(&mut **tx)? == 1 {
        return Ok(true);
    }
    let replaced = diesel::update(step_ups::table.find(&row.user_id).filter(step_ups::confirmed_at.is_null()))
        .set((
            step_ups::sealed.eq(&row.sealed),
            step_ups::last_step.eq(row.last_step),
            step_ups::created_at.eq(row.created_at),
        ))
        .execute(&mut **tx)?;
    Ok(replaced == 1)
}

/// Uses up the code of a step; false when that or a later one was used.
pub fn use_step(tx: &mut Tx, user: &UserId, step: i64) -> Outcome<bool> {
    let used = diesel::update(step_ups::table.find(user).filter(step_ups::last_step.lt(step)))
        .set(step_ups::last_step.eq(step))
        .execute(&mut **tx)?;
    Ok(used == 1)
}

pub fn confirm(tx: &mut Tx, user: &UserId) -> Outcome<()> {
    let now = tx.now();
    diesel::update(step_ups::table.find(user)).set(step_ups::confirmed_at.eq(Some(now))).execute(&mut **tx)?;
    Ok(())
}

/// False when there was none.
pub fn reset(tx: &mut Tx, user: &UserId) -> Outcome<bool> {
    Ok(diesel::delete(step_ups::table.find(user)).execute(&mut **tx)? == 1)
}
