//! What happens when a time is over, one row a transaction, so that one that cannot be moved blocks no other. Each is
//! harmless when it is run twice or by several processes: the row is read again under its lock.

use serde_json::json;

use super::appeals::decide_for_worker;
use super::assess::{enter_review, weigh};
use super::decisions::settle;
use super::submissions::photos_complete;
use super::{funds, letters};
use crate::context::Cx;
use crate::db::evidence::About;
use crate::db::rows::{MissionRow, SubmissionRow};
use crate::db::{
    Conn, Tx, appeals, campaigns, deadlines as db, evidence, missions, queue, reservations, submissions, users,
};
use crate::domain::appeal::AppealState;
use crate::domain::campaign::CampaignMove;
use crate::domain::decision::Verdict;
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Code as Found, Finding, Level};
use crate::domain::ids::{AppealId, CampaignId, MissionId, ReservationId, StoreId, SubmissionId};
use crate::domain::mission::{MissionMove, MissionState};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome};
use crate::domain::reservation::ReservationMove;
use crate::domain::store::StoreState;
use crate::domain::submission::{SubmissionMove, SubmissionState};
use crate::domain::time::At;

/// What one sweep did.
#[derive(Default, Debug)]
pub struct Swept {
    pub done: usize,
    /// Rows that could not be moved, and why; they come again with the next sweep.
    pub failed: Vec<(String, Failure)>,
}

/// Rows that one sweep takes at most.
pub const BATCH_ROWS: usize = 200;

/// Runs `one` for every row that is due. Somebody who was quicker is no failure.
pub(super) fn sweep<I: ToString>(
    cx: &Cx,
    due: impl FnOnce(&mut Conn, At, i64) -> Outcome<Vec<I>>,
    one: impl Fn(&Cx, &I) -> Outcome<bool>,
) -> Outcome<Swept> {
    let ids = cx.read(|c| due(c, cx.now(), BATCH_ROWS as i64))?;
    let mut swept = Swept::default();
    for id in ids {
        match one(cx, &id) {
            Ok(true) => swept.done += 1,
            Ok(false) => {}
            Err(failure) if matches!(failure.code(), Some(Code::Stale | Code::WrongState | Code::Busy)) => {}
            Err(failure) => swept.failed.push((id.to_string(), failure)),
        }
    }
    Ok(swept)
}

/// Says that there was nothing to do after all.
pub(super) fn passed(tx: &mut Tx) -> Outcome<bool> {
    tx.nothing_changed();
    Ok(false)
}

/// Gives back what a closed mission no longer needs, when a slot of it has ended.
fn after_slot(tx: &mut Tx, mission: &MissionId) -> Outcome<()> {
    let mission = missions::any_find(tx, mission)?.or_missing("mission")?;
    if mission.state == MissionState::Closed { funds::return_unneeded(tx, &mission) } else { Ok(()) }
}

// Reservations

pub fn expire(cx: &Cx) -> Outcome<Swept> {
    let due = |c: &mut Conn, now, limit| {
        Ok(reservations::due_to_expire(c, now, limit)?.into_iter().map(|row| row.id).collect::<Vec<_>>())
    };
    sweep(cx, due, expire_one)
}

/// The slot is free again, exactly once (I17).
pub fn expire_one(cx: &Cx, id: &ReservationId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("expire"), |tx| {
        let seen = reservations::any_find(tx, id)?.or_missing("reservation")?;
        let mission = missions::any_locked(tx, &seen.mission_id)?.or_missing("mission")?;
        let row = reservations::any_locked(tx, id)?.or_missing("reservation")?;
        if !row.state.is_live() || row.frees_at > tx.now() {
            return passed(tx);
        }
        let ended = reservations::move_state(tx, &row, ReservationMove::Expire)?;
        missions::free_slot(tx, &mission.id, row.recheck)?;
        let event = Event::new("reservation.expired", id)
            .brand(&row.brand_id)
            .moved(row.state.as_str(), ended.state.as_str())
            .data(json!({ "mission_id": mission.id, "deadline_at": row.deadline_at }));
        let event = tx.record(event)?;
        if let Some(worker) = users::any_find(tx, &row.worker_id)? {
            let campaign = missions::any_campaign(tx, &row.campaign_id)?.name;
            let text = format!(
                "Your reservation for \"{campaign}\" has lapsed: nothing was sealed by {}.\n\nThe slot is free again for \
                 everybody. If it is still free, you can reserve it once more. Photos that you sent are kept.\n",
                row.deadline_at
            );
            letters::send(tx, &event, &worker.email, "Your reservation has lapsed", &text)?;
        }
        after_slot(tx, &mission.id)?;
        Ok(true)
    })
}

// Submissions

/// The submission under its lock, its mission locked before it; `None` when it no longer is in `state`.
fn lock_in(tx: &mut Tx, id: &SubmissionId, state: SubmissionState) -> Outcome<Option<(SubmissionRow, MissionRow)>> {
    let seen = submissions::any_find(tx, id)?.or_missing("submission")?;
    let mission = missions::any_locked(tx, &seen.mission_id)?.or_missing("mission")?;
    let row = submissions::any_locked(tx, id)?.or_missing("submission")?;
    Ok((row.state == state).then_some((row, mission)))
}

fn is_due(due: Option<At>, now: At) -> bool {
    due.is_some_and(|due| due <= now)
}

/// A doubt about the visit as a whole.
fn find(tx: &mut Tx, submission: &SubmissionRow, finding: &Finding) -> Outcome<()> {
    let about = About {
        reservation: &submission.reservation_id,
        submission: Some(&submission.id),
        evidence: None,
        revision: submission.revision,
        item: None,
    };
    evidence::add_finding(tx, &about, finding)
}

pub fn photos_missing(cx: &Cx) -> Outcome<Swept> {
    sweep(cx, db::any_photos_overdue, photos_missing_one)
}

/// A person looks at what there is.
pub fn photos_missing_one(cx: &Cx, id: &SubmissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("photos_missing"), |tx| {
        let Some((row, _)) = lock_in(tx, id, SubmissionState::Sealed)? else { return passed(tx) };
        if row.photos_due_at > tx.now() {
            return passed(tx);
        }
        let missing = submissions::missing_photos(tx, id)?;
        if missing == 0 {
            photos_complete(tx, &row)?;
            return Ok(true);
        }
        find(tx, &row, &Finding::new(Found::PhotosMissing, Level::Doubt).valued(missing as f64))?;
        let found = weigh(tx, &row)?;
        enter_review(tx, &row, SubmissionMove::PhotosMissing, &found)?;
        Ok(true)
    })
}

pub fn close_silence(cx: &Cx) -> Outcome<Swept> {
    sweep(cx, db::any_review_overdue, close_silence_one)
}

/// Nobody decided in time: approved.
pub fn close_silence_one(cx: &Cx, id: &SubmissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("close_silence"), |tx| {
        let Some((row, _)) = lock_in(tx, id, SubmissionState::InReview)? else { return passed(tx) };
        if !is_due(row.review_due_at, tx.now()) {
            return passed(tx);
        }
        let inputs = json!({ "entered_review_at": row.entered_review_at, "review_due_at": row.review_due_at });
        settle(tx, &row, &Verdict::approved_by_silence(None, inputs))?;
        after_slot(tx, &row.mission_id)?;
        Ok(true)
    })
}

pub fn lapse_corrections(cx: &Cx) -> Outcome<Swept> {
    sweep(cx, db::any_correction_overdue, lapse_correction_one)
}

/// A person decides with what there is; the review's clock was started before and goes on.
pub fn lapse_correction_one(cx: &Cx, id: &SubmissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("lapse_corrections"), |tx| {
        let Some((row, _)) = lock_in(tx, id, SubmissionState::NeedsCorrection)? else { return passed(tx) };
        if !is_due(row.correction_due_at, tx.now()) {
            return passed(tx);
        }
        find(tx, &row, &Finding::new(Found::CorrectionLapsed, Level::Doubt))?;
        let found = weigh(tx, &row)?;
        enter_review(tx, &row, SubmissionMove::CorrectionLapsed, &found)?;
        Ok(true)
    })
}

pub fn end_appeals(cx: &Cx) -> Outcome<Swept> {
    sweep(cx, db::any_appeal_time_over, end_appeal_one)
}

/// A rejection that nobody appealed gives its slot back.
pub fn end_appeal_one(cx: &Cx, id: &SubmissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("end_appeals"), |tx| {
        let Some((row, mission)) = lock_in(tx, id, SubmissionState::Rejected)? else { return passed(tx) };
        if !row.holds_slot || !is_due(row.appeal_until, tx.now()) {
            return passed(tx);
        }
        submissions::change(tx, &row, |row| row.holds_slot = false)?;
        missions::free_slot(tx, &mission.id, false)?;
        let event = Event::new("submission.slot_freed", id).brand(&row.brand_id);
        tx.record(event.data(json!({ "mission_id": mission.id, "appeal_until": row.appeal_until })))?;
        after_slot(tx, &mission.id)?;
        Ok(true)
    })
}

pub fn decide_appeals(cx: &Cx) -> Outcome<Swept> {
    let due = |c: &mut Conn, now, limit| {
        Ok(appeals::any_overdue(c, now, limit)?.into_iter().map(|row| row.id).collect::<Vec<_>>())
    };
    sweep(cx, due, decide_appeal_one)
}

/// Nobody judged it in time: decided for the worker.
pub fn decide_appeal_one(cx: &Cx, id: &AppealId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("decide_appeals"), |tx| {
        let appeal = appeals::any_by_id(tx, id)?.or_missing("appeal")?;
        let Some((row, _)) = lock_in(tx, &appeal.submission_id, SubmissionState::Appealed)? else {
            return passed(tx);
        };
        let appeal = appeals::any_by_id(tx, id)?.or_missing("appeal")?;
        if appeal.state != AppealState::Open || appeal.due_at > tx.now() {
            return passed(tx);
        }
        decide_for_worker(tx, cx.rules(), &appeal)?;
        after_slot(tx, &row.mission_id)?;
        Ok(true)
    })
}

// Stores and missions

pub fn open_rechecks(cx: &Cx) -> Outcome<Swept> {
    sweep(cx, db::any_recheck_due, open_recheck_one)
}

/// One paid visit to a store that was reported shut.
pub fn open_recheck_one(cx: &Cx, id: &StoreId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("open_rechecks"), |tx| {
        let now = tx.now();
        let store = db::any_store_locked(tx, id)?.or_missing("store")?;
        if store.state != StoreState::Paused || !is_due(store.recheck_at, now) {
            return passed(tx);
        }
        // Asked again under the store's lock: another process may have opened it.
        let still_due = db::any_recheck_due(tx, now, i64::MAX)?.contains(id);
        let Some(mission) = db::any_mission_to_recheck(tx, id, now)?.filter(|_| still_due) else { return passed(tx) };
        if !db::open_recheck(tx, &mission.id)? {
            return passed(tx);
        }
        let event = Event::new("mission.recheck_opened", &mission.id).brand(&mission.brand_id);
        tx.record(event.because(id.to_string()).data(json!({ "recheck_at": store.recheck_at })))?;
        Ok(true)
    })
}

pub fn end_missions(cx: &Cx) -> Outcome<Swept> {
    let mut swept = sweep(cx, db::any_missions_over, end_mission_one)?;
    let campaigns = sweep(cx, db::any_campaigns_over, end_campaign_one)?;
    swept.done += campaigns.done;
    swept.failed.extend(campaigns.failed);
    Ok(swept)
}

/// Its time is over: no new worker, and money that is no longer needed goes back.
pub fn end_mission_one(cx: &Cx, id: &MissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("end_missions"), |tx| {
        let row = missions::any_locked(tx, id)?.or_missing("mission")?;
        let Some(to) = row.state.next(MissionMove::Close).filter(|_| row.ends_at <= tx.now()) else {
            return passed(tx);
        };
        let closed = campaigns::move_mission(tx, &row, to)?;
        let event = Event::new("mission.closed", id).brand(&row.brand_id).because("its time is over");
        tx.record(event.moved(row.state.as_str(), to.as_str()))?;
        funds::return_unneeded(tx, &closed)?;
        Ok(true)
    })
}

pub fn end_campaign_one(cx: &Cx, id: &CampaignId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("end_missions"), |tx| {
        let mut row = db::any_campaign_locked(tx, id)?.or_missing("campaign")?;
        let from = row.state;
        let Some(to) = from.next(CampaignMove::Close).filter(|_| row.ends_at <= tx.now()) else { return passed(tx) };
        (row.state, row.closed_at) = (to, Some(tx.now()));
        campaigns::move_state(tx, &row, from)?;
        let event = Event::new("campaign.closed", id).brand(&row.brand_id).because("its time is over");
        tx.record(event.moved(from.as_str(), to.as_str()))?;
        Ok(true)
    })
}

/// Money of closed missions whose slots have ended since.
pub fn return_money(cx: &Cx) -> Outcome<Swept> {
    let due = |c: &mut Conn, now: At, _: i64| {
        let mut ids = Vec::new();
        for mission in db::any_closed_with_money(c)? {
            if funds::unneeded(c, &mission, now)?.minor > 0 {
                ids.push(mission.id);
            }
        }
        Ok(ids)
    };
    sweep(cx, due, return_money_one)
}

pub fn return_money_one(cx: &Cx, id: &MissionId) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("return_money"), |tx| {
        let mission = missions::any_locked(tx, id)?.or_missing("mission")?;
        let now = tx.now();
        let some = funds::unneeded(tx, &mission, now)?.minor > 0;
        funds::return_unneeded(tx, &mission)?;
        Ok(some)
    })
}

// Housekeeping

const KEPT_DAYS: i64 = 7;

/// Forgets answers kept for repeated requests, failed sign-ins and finished jobs after a week.
pub fn sweep_keys(cx: &Cx) -> Outcome<Swept> {
    let done = cx.write_as(&Actor::Machine("sweep_keys"), |tx| {
        tx.nothing_changed();
        let before = tx.now().plus_days(-KEPT_DAYS);
        Ok(db::sweep_keys(tx, before)? + users::sweep_failures(tx, before)? + queue::sweep_done(tx, before)?)
    })?;
    Ok(Swept { done, failed: Vec::new() })
}
