//! Appeals: one a submission, opened by its worker, decided once.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::broke_unique;
use super::rows::AppealRow;
use super::schema::appeals;
use super::tx::Tx;
use crate::domain::appeal::AppealState;
use crate::domain::ids::{AppealId, DecisionId, SubmissionId};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

/// Opens an appeal; false when the submission was appealed before.
pub fn open(tx: &mut Tx, appeal: &AppealRow) -> Outcome<bool> {
    if any_of_submission(tx, &appeal.submission_id)?.is_some() {
        return Ok(false);
    }
    match diesel::insert_into(appeals::table).values(appeal.clone()).execute(&mut **tx) {
        Ok(_) => Ok(true),
        Err(e) if broke_unique(&e, "appeals_once", "appeals.submission_id") => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Ends an open appeal; false when it had ended.
pub fn decided(tx: &mut Tx, id: &AppealId, decision: &DecisionId) -> Outcome<bool> {
    let now = tx.now();
    let changed = diesel::update(appeals::table.find(id).filter(appeals::state.eq(AppealState::Open)))
        .set((
            appeals::state.eq(AppealState::Decided),
            appeals::decision_id.eq(Some(decision)),
            appeals::decided_at.eq(Some(now)),
            appeals::version.eq(appeals::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}

pub fn any_by_id(conn: &mut Conn, id: &AppealId) -> Outcome<Option<AppealRow>> {
    Ok(appeals::table.find(id).first(conn).optional()?)
}

pub fn any_of_submission(conn: &mut Conn, id: &SubmissionId) -> Outcome<Option<AppealRow>> {
    Ok(appeals::table.filter(appeals::submission_id.eq(id)).first(conn).optional()?)
}

/// Open appeals, the one that must be answered first in front.
pub fn any_queue(conn: &mut Conn, after: Option<&(At, AppealId)>, limit: i64) -> Outcome<Vec<AppealRow>> {
    let mut query = appeals::table.filter(appeals::state.eq(AppealState::Open)).into_boxed();
    if let Some((due, id)) = after {
        query = query.filter(appeals::due_at.gt(*due).or(appeals::due_at.eq(*due).and(appeals::id.gt(id.clone()))));
    }
    Ok(query.order((appeals::due_at, appeals::id)).limit(limit).load(conn)?)
}

/// Open appeals whose time is over: they are decided for the worker.
pub fn any_overdue(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<AppealRow>> {
    Ok(appeals::table
        .filter(appeals::state.eq(AppealState::Open))
        .filter(appeals::due_at.le(now))
        .order((appeals::due_at, appeals::id))
        .limit(limit)
        .load(conn)?)
}
