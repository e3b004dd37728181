//! Looks at photos as they were recorded: what each was told and what it found. Rows are only ever added.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::LookRow;
use super::schema::looks;
use super::tx::Tx;
use super::types::Json;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::Outcome;

/// Every look at a photo, the first one first.
pub fn any_of(conn: &mut Conn, id: &EvidenceId) -> Outcome<Vec<LookRow>> {
    Ok(looks::table.filter(looks::evidence_id.eq(id)).order(looks::number).load(conn)?)
}

/// Adds the next look at a photo; lock the photo before.
pub fn add(tx: &mut Tx, id: &EvidenceId, rule_version: &str, context: Option<Json>, findings: Json) -> Outcome<()> {
    let last: Option<i64> = looks::table
        .filter(looks::evidence_id.eq(id))
        .order(looks::number.desc())
        .select(looks::number)
        .first(&mut **tx)
        .optional()?;
    let row = LookRow {
        evidence_id: id.clone(),
        number: last.unwrap_or(0) + 1,
        rule_version: rule_version.to_owned(),
        context,
        findings,
        at: tx.now(),
    };
    diesel::insert_into(looks::table).values(row).execute(&mut **tx)?;
    Ok(())
}
