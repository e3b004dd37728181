//! Which photos of delivered work nobody searched for faces yet, and how many faces were hidden in one. Unscoped: the
//! platform's own work.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::conn::Conn;
use super::schema::{evidence, jobs, submission_photos, submissions};
use super::tx::Tx;
use crate::domain::ids::EvidenceId;
use crate::domain::job::JobState;
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// Photos of work decided since `since` and delivered, for which no job of `kind` is waiting; the oldest first.
pub fn any_not_searched(conn: &mut Conn, kind: &str, since: At, limit: i64) -> Outcome<Vec<EvidenceId>> {
    let asked = jobs::table
        .filter(jobs::kind.eq(kind.to_owned()))
        .filter(jobs::subject.eq(evidence::id))
        .filter(jobs::state.eq_any([JobState::Ready, JobState::Running]));
    let delivered = [SubmissionState::Approved, SubmissionState::PartlyApproved, SubmissionState::Appealed];
    Ok(submissions::table
        .inner_join(submission_photos::table.on(submission_photos::submission_id.eq(submissions::id)))
        .inner_join(evidence::table.on(submission_photos::evidence_id.eq(evidence::id.nullable())))
        .filter(submissions::decided_at.ge(since))
        .filter(submissions::state.eq_any(delivered))
        .filter(submission_photos::replaced_in.is_null())
        .filter(evidence::rendition_large.is_not_null())
        .filter(evidence::faces_hidden.is_null())
        .filter(not(exists(asked)))
        .order((submissions::decided_at, evidence::id))
        .limit(limit)
        .select(evidence::id)
        .load(conn)?)
}

/// Notes how many faces were hidden.
pub fn set_hidden(tx: &mut Tx, id: &EvidenceId, count: i64) -> Outcome<()> {
    diesel::update(evidence::table.find(id)).set(evidence::faces_hidden.eq(Some(count))).execute(&mut **tx)?;
    Ok(())
}
