//! Photos as rows, and the findings about a visit. Bytes live in `ports::blobs`; a row is written after its bytes are
//! durable (I12). A photo is known by its reservation and the phone's own id.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::conn::Conn;
use super::rows::{EvidenceRow, FindingRow};
use super::schema::{evidence, findings};
use super::tx::Tx;
use super::types::Json;
use crate::domain::finding::{Code, Finding, RULE_VERSION};
use crate::domain::ids::{EvidenceId, ReservationId, SubmissionId};
use crate::domain::refusal::{Failure, Outcome};

pub fn any_find(conn: &mut Conn, id: &EvidenceId) -> Outcome<Option<EvidenceRow>> {
    Ok(evidence::table.find(id).first(conn).optional()?)
}

pub fn any_by_client_id(conn: &mut Conn, visit: &ReservationId, client_id: &str) -> Outcome<Option<EvidenceRow>> {
    Ok(evidence::table
        .filter(evidence::reservation_id.eq(visit.clone()))
        .filter(evidence::client_id.eq(client_id.to_owned()))
        .first(conn)
        .optional()?)
}

/// Every photo of a visit, by the phone's ids.
pub fn any_of_reservation(conn: &mut Conn, visit: &ReservationId) -> Outcome<Vec<EvidenceRow>> {
    Ok(evidence::table.filter(evidence::reservation_id.eq(visit.clone())).order(evidence::client_id).load(conn)?)
}

pub fn count_of_reservation(conn: &mut Conn, visit: &ReservationId) -> Outcome<i64> {
    Ok(evidence::table.filter(evidence::reservation_id.eq(visit.clone())).select(count_star()).first(conn)?)
}

pub fn add(tx: &mut Tx, row: &EvidenceRow) -> Outcome<()> {
    diesel::insert_into(evidence::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// What a finding is about.
#[derive(Clone, Debug)]
pub struct About<'a> {
    pub reservation: &'a ReservationId,
    pub submission: Option<&'a SubmissionId>,
    pub evidence: Option<&'a EvidenceId>,
    pub revision: i64,
    /// JSON pointer of the answer.
    pub item: Option<&'a str>,
}

pub fn add_finding(tx: &mut Tx, about: &About<'_>, finding: &Finding) -> Outcome<()> {
    let row = FindingRow {
        id: tx.id(),
        reservation_id: about.reservation.clone(),
        submission_id: about.submission.cloned(),
        evidence_id: about.evidence.cloned(),
        revision: about.revision,
        item: about.item.map(str::to_owned),
        code: finding.code.as_str().to_owned(),
        level: finding.level.as_str().to_owned(),
        finding: Json(serde_json::to_value(finding).map_err(Failure::fault)?),
        rule_version: RULE_VERSION.to_owned(),
        at: tx.now(),
    };
    diesel::insert_into(findings::table).values(row).execute(&mut **tx)?;
    Ok(())
}

/// Drops findings of these codes about the visit as a whole: they are made anew from all that is known now.
pub fn drop_findings(tx: &mut Tx, visit: &ReservationId, codes: &[Code]) -> Outcome<()> {
    let codes: Vec<String> = codes.iter().map(|c| c.as_str().to_owned()).collect();
    diesel::delete(
        findings::table
            .filter(findings::reservation_id.eq(visit.clone()))
            .filter(findings::evidence_id.is_null())
            .filter(findings::code.eq_any(codes)),
    )
    .execute(&mut **tx)?;
    Ok(())
}

/// Everything found about a visit: positions, photos, the seal, answers; in the order it was found.
pub fn any_findings(conn: &mut Conn, visit: &ReservationId) -> Outcome<Vec<FindingRow>> {
    Ok(findings::table.filter(findings::reservation_id.eq(visit.clone())).order(findings::id).load(conn)?)
}

/// The value that a row holds; a code that this version does not know is left out.
pub fn read_finding(row: &FindingRow) -> Option<Finding> {
    serde_json::from_value(row.finding.0.clone()).ok()
}
