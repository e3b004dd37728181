//! Decisions, their items, proposals that wait for a second reviewer, and what a decision changes in other tables: the
//! submission's state (guarded by the state and version that were read), the mission's counters, the answers that are
//! delivered. A decision is only ever inserted.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{DecisionItemRow, DecisionRow, MissionRow, ProposalRow, SubmissionRow};
use super::schema::{answers, campaigns, decision_items, decisions, missions, proposals, stores, submissions, users};
use super::tx::Tx;
use crate::domain::decision::SlotMoves;
use crate::domain::ids::{DecisionId, MissionId, SubmissionId};
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

pub fn insert(tx: &mut Tx, decision: &DecisionRow, items: &[DecisionItemRow]) -> Outcome<()> {
    diesel::insert_into(decisions::table).values(decision.clone()).execute(&mut **tx)?;
    for item in items {
        diesel::insert_into(decision_items::table).values(item.clone()).execute(&mut **tx)?;
    }
    Ok(())
}

pub fn any_by_id(conn: &mut Conn, id: &DecisionId) -> Outcome<Option<DecisionRow>> {
    Ok(decisions::table.find(id).first(conn).optional()?)
}

/// Every decision about a submission, oldest first.
pub fn any_of_submission(conn: &mut Conn, id: &SubmissionId) -> Outcome<Vec<DecisionRow>> {
    Ok(decisions::table.filter(decisions::submission_id.eq(id)).order(decisions::id).load(conn)?)
}

pub fn any_items(conn: &mut Conn, id: &DecisionId) -> Outcome<Vec<DecisionItemRow>> {
    Ok(decision_items::table.filter(decision_items::decision_id.eq(id)).order(decision_items::item).load(conn)?)
}

pub fn any_proposal(conn: &mut Conn, id: &SubmissionId) -> Outcome<Option<ProposalRow>> {
    Ok(proposals::table.find(id).first(conn).optional()?)
}

/// Stores a proposal in place of one that was there.
pub fn propose(tx: &mut Tx, proposal: &ProposalRow) -> Outcome<()> {
    drop_proposal(tx, &proposal.submission_id)?;
    diesel::insert_into(proposals::table).values(proposal.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn drop_proposal(tx: &mut Tx, id: &SubmissionId) -> Outcome<()> {
    diesel::delete(proposals::table.find(id)).execute(&mut **tx)?;
    Ok(())
}

/// What a decision leaves in the submission's row.
#[derive(Clone, Debug)]
pub struct Settled {
    pub state: SubmissionState,
    pub decision_id: DecisionId,
    pub correction: Option<String>,
    pub correction_due_at: Option<At>,
    pub appeal_until: Option<At>,
    pub holds_slot: bool,
}

/// Writes the decision into the submission as it was read; false when somebody changed it in the meantime.
pub fn settle(tx: &mut Tx, read: &SubmissionRow, settled: &Settled) -> Outcome<bool> {
    let now = tx.now();
    let row = submissions::table
        .find(&read.id)
        .filter(submissions::state.eq(read.state))
        .filter(submissions::version.eq(read.version));
    let changed = diesel::update(row)
        .set((
            submissions::state.eq(settled.state),
            submissions::decision_id.eq(Some(&settled.decision_id)),
            submissions::decided_at.eq(Some(now)),
            submissions::correction.eq(settled.correction.clone()),
            submissions::correction_due_at.eq(settled.correction_due_at),
            submissions::appeal_until.eq(settled.appeal_until),
            submissions::holds_slot.eq(settled.holds_slot),
            submissions::claimed_by.eq(None::<crate::domain::ids::UserId>),
            submissions::claimed_until.eq(None::<At>),
            submissions::updated_at.eq(now),
            submissions::version.eq(submissions::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}

/// The mission of a submission, locked: decisions about one mission come one after the other.
pub fn any_mission_locked(tx: &mut Tx, id: &MissionId) -> Outcome<Option<MissionRow>> {
    Ok(Locked(missions::table.find(id)).load::<MissionRow>(&mut **tx)?.into_iter().next())
}

/// Moves the counters of a mission; the table's own checks refuse what cannot be.
pub fn move_slots(tx: &mut Tx, id: &MissionId, moves: SlotMoves) -> Outcome<()> {
    let now = tx.now();
    diesel::update(missions::table.find(id))
        .set((
            missions::slots_held.eq(missions::slots_held + moves.held),
            missions::slots_done.eq(missions::slots_done + moves.done),
            missions::attempts_spent.eq(missions::attempts_spent + moves.attempts_spent),
            missions::updated_at.eq(now),
            missions::version.eq(missions::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn any_answer_paths(conn: &mut Conn, id: &SubmissionId) -> Outcome<Vec<String>> {
    Ok(answers::table.filter(answers::submission_id.eq(id)).select(answers::path).load(conn)?)
}

/// Delivers every answer of a submission but those at `refused`.
pub fn deliver_answers(tx: &mut Tx, id: &SubmissionId, refused: &[String]) -> Outcome<()> {
    let all = answers::table.filter(answers::submission_id.eq(id));
    diesel::update(all).set(answers::accepted.eq(true)).execute(&mut **tx)?;
    if !refused.is_empty() {
        let those = all.filter(answers::path.eq_any(refused.to_vec()));
        diesel::update(those).set(answers::accepted.eq(false)).execute(&mut **tx)?;
    }
    Ok(())
}

/// Whom a letter about a submission goes to, and what it calls the visit.
#[derive(Clone, Debug)]
pub struct Addressed {
    pub email: String,
    pub campaign: String,
    pub store: String,
}

pub fn any_addressed(conn: &mut Conn, submission: &SubmissionRow) -> Outcome<Addressed> {
    let email: String = users::table.find(&submission.worker_id).select(users::email).first(conn)?;
    let campaign: String = campaigns::table.find(&submission.campaign_id).select(campaigns::name).first(conn)?;
    let store: String = stores::table.find(&submission.store_id).select(stores::name).first(conn)?;
    Ok(Addressed { email, campaign, store })
}
