//! Submissions, their revisions and their photo manifests. A worker's own rows go by his scope; jobs and staff use the
//! `any_` ones. A state moves with the old state and version in the WHERE, so no move is made twice (I13).

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{DecisionItemRow, DecisionRow, EvidenceRow, RevisionRow, SubmissionPhotoRow, SubmissionRow};
use super::schema::{decision_items, decisions, evidence, revisions, submission_photos, submissions};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::ids::{DecisionId, EvidenceId, ReservationId, SubmissionId};
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::submission::{SubmissionMove, SubmissionState};

pub fn any_find(conn: &mut Conn, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    Ok(submissions::table.find(id).first(conn).optional()?)
}

/// The submission with its row locked; lock it after its mission and reservation, before ledger accounts.
pub fn any_locked(tx: &mut Tx, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    Ok(Locked(submissions::table.find(id)).get_result(&mut **tx).optional()?)
}

pub fn any_of_reservation(conn: &mut Conn, id: &ReservationId) -> Outcome<Option<SubmissionRow>> {
    Ok(submissions::table.filter(submissions::reservation_id.eq(id.clone())).first(conn).optional()?)
}

pub fn any_of_reservation_locked(tx: &mut Tx, id: &ReservationId) -> Outcome<Option<SubmissionRow>> {
    let row = submissions::table.filter(submissions::reservation_id.eq(id.clone()));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

pub fn find(conn: &mut Conn, worker: &WorkerScope, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    let row = submissions::table.find(id).filter(submissions::worker_id.eq(worker.worker().clone()));
    Ok(row.first(conn).optional()?)
}

/// His submission, locked; lock its reservation before.
pub fn locked(tx: &mut Tx, worker: &WorkerScope, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    let row = submissions::table.find(id).filter(submissions::worker_id.eq(worker.worker().clone()));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

/// His submissions, newest first, before `before`; optionally of one state.
pub fn page(
    conn: &mut Conn,
    worker: &WorkerScope,
    state: Option<SubmissionState>,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<SubmissionRow>> {
    let mut query = submissions::table.filter(submissions::worker_id.eq(worker.worker().clone())).into_boxed();
    if let Some(state) = state {
        query = query.filter(submissions::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(submissions::id.lt(SubmissionId::from_stored(before.to_owned())));
    }
    Ok(query.order(submissions::id.desc()).limit(limit).load(conn)?)
}

pub fn add(tx: &mut Tx, row: &SubmissionRow) -> Outcome<()> {
    diesel::insert_into(submissions::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Moves a submission along its diagram. `row` is as it was read; `change` sets whatever else the move changes (its
/// `state`, `version` and `updated_at` are set here). Refuses with `wrong_state` when the diagram has no such arrow,
/// and with `stale` when somebody was quicker. Returns the row as it now is.
pub fn move_state(
    tx: &mut Tx,
    row: &SubmissionRow,
    step: SubmissionMove,
    change: impl FnOnce(&mut SubmissionRow),
) -> Outcome<SubmissionRow> {
    let Some(to) = row.state.next(step) else {
        return Err(Refusal::wrong_state(row.state, &[]).into());
    };
    let mut new = row.clone();
    change(&mut new);
    new.state = to;
    write(tx, row, new)
}

/// Changes other columns than the state, under the same guard: a claim, the risk, whether it holds its slot.
pub fn change(tx: &mut Tx, row: &SubmissionRow, change: impl FnOnce(&mut SubmissionRow)) -> Outcome<SubmissionRow> {
    let mut new = row.clone();
    change(&mut new);
    new.state = row.state;
    write(tx, row, new)
}

fn write(tx: &mut Tx, old: &SubmissionRow, new: SubmissionRow) -> Outcome<SubmissionRow> {
    let now = tx.now();
    let as_read = submissions::table
        .find(&old.id)
        .filter(submissions::state.eq(old.state))
        .filter(submissions::version.eq(old.version));
    diesel::update(as_read)
        .set((
            (
                submissions::state.eq(new.state),
                submissions::revision.eq(new.revision),
                submissions::outcome.eq(new.outcome),
                submissions::answers.eq(new.answers),
                submissions::sealed_at.eq(new.sealed_at),
                submissions::received_at.eq(new.received_at),
                submissions::late.eq(new.late),
                submissions::photos_due_at.eq(new.photos_due_at),
                submissions::entered_review_at.eq(new.entered_review_at),
                submissions::review_due_at.eq(new.review_due_at),
                submissions::correction.eq(new.correction),
            ),
            (
                submissions::correction_due_at.eq(new.correction_due_at),
                submissions::appeal_until.eq(new.appeal_until),
                submissions::decided_at.eq(new.decided_at),
                submissions::decision_id.eq(new.decision_id),
                submissions::risk.eq(new.risk),
                submissions::claimed_by.eq(new.claimed_by),
                submissions::claimed_until.eq(new.claimed_until),
                submissions::holds_slot.eq(new.holds_slot),
                submissions::updated_at.eq(now),
                submissions::version.eq(submissions::version + 1),
            ),
        ))
        .returning(submissions::all_columns)
        .get_result(&mut **tx)
        .optional()?
        .ok_or_else(|| Refusal::new(Code::Stale, "The submission was changed in the meantime.").into())
}

pub fn add_revision(tx: &mut Tx, row: &RevisionRow) -> Outcome<()> {
    diesel::insert_into(revisions::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn add_photo(tx: &mut Tx, row: &SubmissionPhotoRow) -> Outcome<()> {
    diesel::insert_into(submission_photos::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// The manifest, each photo with its evidence when it has arrived.
pub fn photos(conn: &mut Conn, id: &SubmissionId) -> Outcome<Vec<(SubmissionPhotoRow, Option<EvidenceRow>)>> {
    Ok(submission_photos::table
        .left_join(evidence::table.on(submission_photos::evidence_id.eq(evidence::id.nullable())))
        .filter(submission_photos::submission_id.eq(id.clone()))
        .order((submission_photos::revision, submission_photos::client_id))
        .select((submission_photos::all_columns, evidence::all_columns.nullable()))
        .load(conn)?)
}

/// The photos that count for the newest revision: those that no later one replaced.
pub fn live_photos(conn: &mut Conn, id: &SubmissionId) -> Outcome<Vec<(SubmissionPhotoRow, Option<EvidenceRow>)>> {
    let mut all = photos(conn, id)?;
    all.retain(|(photo, _)| photo.replaced_in.is_none());
    Ok(all)
}

/// Marks photos of earlier revisions as replaced.
pub fn replace_photos(tx: &mut Tx, id: &SubmissionId, client_ids: &[String], revision: i64) -> Outcome<()> {
    let replaced = submission_photos::table
        .filter(submission_photos::submission_id.eq(id.clone()))
        .filter(submission_photos::client_id.eq_any(client_ids.to_vec()));
    diesel::update(replaced).set(submission_photos::replaced_in.eq(Some(revision))).execute(&mut **tx)?;
    Ok(())
}

/// Photos of the manifest that count and have not arrived.
pub fn missing_photos(conn: &mut Conn, id: &SubmissionId) -> Outcome<i64> {
    Ok(submission_photos::table
        .filter(submission_photos::submission_id.eq(id.clone()))
        .filter(submission_photos::replaced_in.is_null())
        .filter(submission_photos::evidence_id.is_null())
        .count()
        .get_result(conn)?)
}

pub fn link_photo(tx: &mut Tx, id: &SubmissionId, client_id: &str, evidence: &EvidenceId) -> Outcome<()> {
    diesel::update(submission_photos::table.find((id.clone(), client_id.to_owned())))
        .set(submission_photos::evidence_id.eq(Some(evidence.clone())))
        .execute(&mut **tx)?;
    Ok(())
}

/// The decision that stands, and the items it refused.
pub fn decision(conn: &mut Conn, id: &DecisionId) -> Outcome<Option<(DecisionRow, Vec<DecisionItemRow>)>> {
    let Some(row) = decisions::table.find(id).first::<DecisionRow>(conn).optional()? else {
        return Ok(None);
    };
    let refused = decision_items::table
        .filter(decision_items::decision_id.eq(id.clone()))
        .filter(decision_items::accepted.eq(false))
        .order(decision_items::item)
        .load(conn)?;
    Ok(Some((row, refused)))
}
