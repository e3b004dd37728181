//! What is owed for a submission. Rows are only ever inserted: one for the decision that first paid it (`reward`,
//! `attempt` or `partial`) and at most one `supplement`, by which an appeal raised it. What a submission earned is the
//! sum of both; two partial unique indexes keep I07.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Conn;
use super::rows::EarningRow;
use super::schema::{accounts, earnings, stores, submissions, transfers};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::ids::{EarningId, JournalId, SubmissionId};
use crate::domain::ledger::AccountKind;
use crate::domain::refusal::Outcome;

pub fn insert(tx: &mut Tx, earning: &EarningRow) -> Outcome<()> {
    diesel::insert_into(earnings::table).values(earning.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Minor units earned for a submission so far, and by how many rows.
pub fn any_earned_minor(conn: &mut Conn, id: &SubmissionId) -> Outcome<(i64, i64)> {
    Ok(earnings::table
        .filter(earnings::submission_id.eq(id))
        .select((sql::<BigInt>("CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT)"), diesel::dsl::count_star()))
        .first(conn)?)
}

/// What the platform took beside each of these earnings, by their journals; none where it took nothing.
pub fn any_fees(conn: &mut Conn, rows: &[EarningRow]) -> Outcome<HashMap<JournalId, i64>> {
    let journals: Vec<JournalId> = rows.iter().map(|row| row.journal_id.clone()).collect();
    let fees: Vec<(JournalId, i64)> = transfers::table
        .inner_join(accounts::table.on(accounts::id.eq(transfers::credit_account)))
        .filter(transfers::journal_id.eq_any(journals))
        .filter(accounts::kind.eq(AccountKind::Fees))
        .select((transfers::journal_id, transfers::amount_minor))
        .load(conn)?;
    Ok(fees.into_iter().collect())
}

/// The worker's earnings, newest first, each with the name of its store.
pub fn page(
    conn: &mut Conn,
    scope: &WorkerScope,
    before: Option<&EarningId>,
    limit: i64,
) -> Outcome<Vec<(EarningRow, String)>> {
    let mut query = earnings::table
        .inner_join(submissions::table.on(submissions::id.eq(earnings::submission_id)))
        .inner_join(stores::table.on(stores::id.eq(submissions::store_id)))
        .filter(earnings::worker_id.eq(scope.worker().clone()))
        .select((earnings::all_columns, stores::name))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(earnings::id.lt(before.clone()));
    }
    Ok(query.order(earnings::id.desc()).limit(limit).load(conn)?)
}
