//! What the checks of photos read and write: the photo with its visit, hashes of all photos in the order in which they
//! were recorded, what one look gave, and assessments. Unscoped: the platform's own work.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Locked, one_at_a_time};
use super::rows::{AssessmentRow, EvidenceRow, FindingRow, RevisionRow, SubmissionRow};
use super::schema::{assessments, evidence, findings, revisions, submission_photos, submissions};
use super::tx::Tx;
use super::types::Json;
use crate::domain::ids::{EvidenceId, ReservationId, SubmissionId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// Any number, the same in every version of this program.
const HASHING: i64 = 0x6669_656c_6472;

pub fn any_evidence_locked(tx: &mut Tx, id: &EvidenceId) -> Outcome<Option<EvidenceRow>> {
    Ok(Locked(evidence::table.find(id)).get_result(&mut **tx).optional()?)
}

/// Earlier photos with the same bytes that were sent for another visit.
pub fn any_copies(conn: &mut Conn, photo: &EvidenceRow) -> Outcome<Vec<EvidenceRow>> {
    Ok(evidence::table
        .filter(evidence::sha256.eq(&photo.sha256))
        .filter(evidence::id.lt(&photo.id))
        .filter(evidence::reservation_id.ne(&photo.reservation_id))
        .order(evidence::id)
        .limit(20)
        .load(conn)?)
}

/// Number, photo, worker, visit, arrival, hash and quality, the same of the photo without its bars.
pub type HashedRow =
    (Option<i64>, EvidenceId, UserId, ReservationId, At, Option<String>, Option<i64>, Option<String>, Option<i64>);

/// Photos whose hash was recorded after number `after`, in that order.
pub fn any_hashed(conn: &mut Conn, after: i64, limit: i64) -> Outcome<Vec<HashedRow>> {
    Ok(evidence::table
        .filter(evidence::hash_seq.gt(after))
        .order(evidence::hash_seq)
        .limit(limit)
        .select((
            evidence::hash_seq,
            evidence::id,
            evidence::worker_id,
            evidence::reservation_id,
            evidence::received_at,
            evidence::pdq,
            evidence::pdq_quality,
            evidence::pdq_trimmed,
            evidence::pdq_trimmed_quality,
        ))
        .load(conn)?)
}

/// The highest number given to a hash. Held until the transaction ends: numbers become visible in their order.
pub fn last_hash_seq(tx: &mut Tx) -> Outcome<i64> {
    one_at_a_time(tx, HASHING)?;
    let last: Option<Option<i64>> = evidence::table
        .filter(evidence::hash_seq.is_not_null())
        .order(evidence::hash_seq.desc())
        .select(evidence::hash_seq)
        .first(&mut **tx)
        .optional()?;
    Ok(last.flatten().unwrap_or(0))
}

/// Writes what a look gave; `row` carries it. False when the photo was looked at before.
pub fn set_looked(tx: &mut Tx, row: &EvidenceRow) -> Outcome<bool> {
    let written = diesel::update(evidence::table.find(&row.id).filter(evidence::checked_at.is_null()))
        .set((
            evidence::checked_at.eq(row.checked_at),
            evidence::check_version.eq(row.check_version.clone()),
            evidence::facts.eq(row.facts.clone()),
            evidence::pdq.eq(row.pdq.clone()),
            evidence::pdq_quality.eq(row.pdq_quality),
            evidence::rendition_large.eq(row.rendition_large.clone()),
            evidence::rendition_small.eq(row.rendition_small.clone()),
            evidence::hash_seq.eq(row.hash_seq),
            evidence::pdq_trimmed.eq(row.pdq_trimmed.clone()),
            evidence::pdq_trimmed_quality.eq(row.pdq_trimmed_quality),
            evidence::compared_at.eq(row.compared_at),
        ))
        .execute(&mut **tx)?;
    Ok(written == 1)
}

/// The submissions whose manifest names this photo.
pub fn any_submission_of_photo(conn: &mut Conn, id: &EvidenceId) -> Outcome<Option<SubmissionId>> {
    Ok(submission_photos::table
        .filter(submission_photos::evidence_id.eq(id))
        .select(submission_photos::submission_id)
        .first(conn)
        .optional()?)
}

/// Photos of the manifest that count, arrived and were not looked at, or not compared with others, yet.
pub fn any_unchecked(conn: &mut Conn, id: &SubmissionId) -> Outcome<i64> {
    Ok(submission_photos::table
        .inner_join(evidence::table.on(submission_photos::evidence_id.eq(evidence::id.nullable())))
        .filter(submission_photos::submission_id.eq(id))
        .filter(submission_photos::replaced_in.is_null())
        .filter(evidence::compared_at.is_null())
        .count()
        .get_result(conn)?)
}

pub fn any_revision(conn: &mut Conn, id: &SubmissionId, revision: i64) -> Outcome<Option<RevisionRow>> {
    Ok(revisions::table.find((id, revision)).first(conn).optional()?)
}

pub fn any_findings(conn: &mut Conn, visit: &ReservationId) -> Outcome<Vec<FindingRow>> {
    Ok(findings::table.filter(findings::reservation_id.eq(visit)).order(findings::id).load(conn)?)
}

pub fn add_assessment(tx: &mut Tx, row: &AssessmentRow) -> Outcome<()> {
    diesel::insert_into(assessments::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Every assessment of a submission, oldest first.
pub fn any_assessments(conn: &mut Conn, id: &SubmissionId) -> Outcome<Vec<AssessmentRow>> {
    Ok(assessments::table.filter(assessments::submission_id.eq(id)).order(assessments::id).load(conn)?)
}

/// Photos by their ids, in no order.
pub fn any_evidence(conn: &mut Conn, ids: &[EvidenceId]) -> Outcome<Vec<EvidenceRow>> {
    Ok(evidence::table.filter(evidence::id.eq_any(ids.to_vec())).load(conn)?)
}

/// Drops what was found on a photo, before it is written anew.
pub fn drop_photo_findings(tx: &mut Tx, id: &EvidenceId) -> Outcome<()> {
    diesel::delete(findings::table.filter(findings::evidence_id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Writes under which rules a photo was looked at again, and what was read from it. Its hash stays: others were searched
/// with it.
pub fn set_looked_again(tx: &mut Tx, id: &EvidenceId, rule_version: &str, facts: Json) -> Outcome<()> {
    diesel::update(evidence::table.find(id))
        .set((evidence::check_version.eq(Some(rule_version.to_owned())), evidence::facts.eq(Some(facts))))
        .execute(&mut **tx)?;
    Ok(())
}

/// Sealed submissions after `after`, in the order of their ids; optionally only those received since, or undecided ones.
pub fn any_sealed_after(
    conn: &mut Conn,
    after: Option<&SubmissionId>,
    since: Option<At>,
    undecided: bool,
    limit: i64,
) -> Outcome<Vec<SubmissionRow>> {
    let mut query = submissions::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(submissions::id.gt(after.clone()));
    }
    if let Some(since) = since {
        query = query.filter(submissions::received_at.ge(since));
    }
    if undecided {
        query = query.filter(submissions::state.eq_any([SubmissionState::Checking, SubmissionState::InReview]));
    }
    Ok(query.order(submissions::id).limit(limit).load(conn)?)
}
