//! What a sealed visit says about its store: the first report that it is shut stops new reservations there for everybody,
//! a second independent one closes it, a re-check that finds it open resumes everything.

use serde_json::json;

use super::funds;
use crate::db::rows::{MissionRow, StoreRow, SubmissionRow};
use crate::db::{Tx, campaigns, deadlines, missions};
use crate::domain::campaign::CampaignState;
use crate::domain::event::Event;
use crate::domain::mission::{MissionMove, MissionState};
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::store::{ShutStep, StoreMove, StoreReport, StoreState, after_report};
use crate::domain::time::At;

/// Counts the visit among the reports about its store and does what follows; part of the transaction that seals it.
pub fn visit_sealed(tx: &mut Tx, submission: &SubmissionRow) -> Outcome<()> {
    if !submission.outcome.pauses_store() && !submission.recheck {
        return Ok(());
    }
    let store = deadlines::any_store_locked(tx, &submission.store_id)?.or_missing("store")?;
    let rows = deadlines::any_reports(tx, &store.id)?;
    if rows.iter().any(|row| row.submission_id == submission.id) {
        // A correction says nothing new: the visit was counted when it was first sealed.
        return Ok(());
    }
    let mut report = StoreReport {
        worker: submission.worker_id.clone(),
        outcome: submission.outcome,
        at: submission.sealed_at,
        independent: true,
        recheck: submission.recheck,
    };
    let mut earlier = Vec::with_capacity(rows.len());
    for row in rows {
        let shared = deadlines::any_shared_proof(tx, submission, &row.submission_id)?;
        report.independent &= !shared;
        earlier.push(StoreReport {
            worker: row.worker_id,
            outcome: row.outcome,
            at: row.at,
            independent: !shared,
            recheck: row.recheck,
        });
    }
    deadlines::add_report(tx, submission)?;
    match after_report(store.state, &earlier, &report) {
        ShutStep::Stay => Ok(()),
        ShutStep::Pause { recheck_at } => pause(tx, submission, &store, recheck_at),
        ShutStep::RecheckAgain { recheck_at } => {
            deadlines::set_store_state(tx, &store, StoreState::Paused, store.paused_at, Some(recheck_at))?;
            tell(tx, "store.recheck_again", submission, &store, None, json!({ "recheck_at": recheck_at }))
        }
        ShutStep::CloseStore => close(tx, submission, &store),
        ShutStep::Resume => resume(tx, submission, &store),
    }
}

fn tell(
    tx: &mut Tx,
    kind: &'static str,
    submission: &SubmissionRow,
    store: &StoreRow,
    to: Option<StoreState>,
    mut data: serde_json::Value,
) -> Outcome<()> {
    data["outcome"] = json!(submission.outcome);
    let mut event = Event::new(kind, &store.id).because(submission.id.to_string()).data(data);
    if let Some(brand) = &store.brand_id {
        event = event.brand(brand);
    }
    if let Some(to) = to {
        event = event.moved(store.state.as_str(), to.as_str());
    }
    tx.record(event)?;
    Ok(())
}

fn next(store: &StoreRow, step: StoreMove) -> Outcome<StoreState> {
    store
        .state
        .next(step)
        .ok_or_else(|| Failure::fault(format!("{} of store {} that is {}", step.as_str(), store.id, store.state)))
}

/// Moves a mission that was read under its lock, and records why.
fn move_mission(
    tx: &mut Tx,
    submission: &SubmissionRow,
    mission: &MissionRow,
    step: MissionMove,
    kind: &'static str,
) -> Outcome<MissionRow> {
    let from = mission.state;
    let to = from.next(step).ok_or_else(|| Failure::fault(format!("{kind} of a mission that is {from}")))?;
    let after = campaigns::move_mission(tx, mission, to)?;
    let event = Event::new(kind, &mission.id).brand(&mission.brand_id).because(submission.id.to_string());
    tx.record(event.moved(from.as_str(), to.as_str()))?;
    Ok(after)
}

fn pause(tx: &mut Tx, submission: &SubmissionRow, store: &StoreRow, recheck_at: At) -> Outcome<()> {
    let to = next(store, StoreMove::Pause)?;
    deadlines::set_store_state(tx, store, to, Some(submission.sealed_at), Some(recheck_at))?;
    tell(tx, "store.paused", submission, store, Some(to), json!({ "recheck_at": recheck_at }))?;
    for mission in deadlines::any_missions_of_store_locked(tx, &store.id)? {
        if mission.state == MissionState::Open {
            move_mission(tx, submission, &mission, MissionMove::Pause, "mission.paused")?;
        }
    }
    Ok(())
}

fn close(tx: &mut Tx, submission: &SubmissionRow, store: &StoreRow) -> Outcome<()> {
    let to = next(store, StoreMove::Close)?;
    deadlines::set_store_state(tx, store, to, store.paused_at, None)?;
    tell(tx, "store.closed", submission, store, Some(to), json!({}))?;
    for mission in deadlines::any_missions_of_store_locked(tx, &store.id)? {
        let mission = move_mission(tx, submission, &mission, MissionMove::Close, "mission.closed")?;
        funds::return_unneeded(tx, &mission)?;
    }
    Ok(())
}

/// Missions whose brand paused its campaign wait for the brand.
fn resume(tx: &mut Tx, submission: &SubmissionRow, store: &StoreRow) -> Outcome<()> {
    let to = next(store, StoreMove::Resume)?;
    deadlines::set_store_state(tx, store, to, None, None)?;
    tell(tx, "store.resumed", submission, store, Some(to), json!({}))?;
    for mission in deadlines::any_missions_of_store_locked(tx, &store.id)? {
        let campaign = missions::any_campaign(tx, &mission.campaign_id)?;
        if mission.state == MissionState::Paused && campaign.state == CampaignState::Published {
            move_mission(tx, submission, &mission, MissionMove::Resume, "mission.resumed")?;
        }
    }
    Ok(())
}
