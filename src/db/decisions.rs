//! Decisions, their items, proposals that wait for a second reviewer, and the answers that a decision delivers. A decision
//! is only ever inserted.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::{DecisionItemRow, DecisionRow, ProposalRow, SubmissionRow};
use super::schema::{answers, campaigns, decision_items, decisions, proposals, stores, users};
use super::tx::Tx;
use crate::domain::ids::{DecisionId, SubmissionId};
use crate::domain::refusal::Outcome;

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
