//! One worker's hold on one slot: reserve, see, check in, extend, release. A slot is given once: the mission is locked
//! and its counter moves under a guard (I09). Distance never refuses anybody.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::{Cx, Once, Rules};
use crate::db::rows::{CampaignRow, MissionRow, PositionFixRow, ReservationRow, StoreRow};
use crate::db::{Conn, Tx, discovery, evidence, missions, reservations, submissions};
use crate::domain::campaign::CampaignState;
use crate::domain::event::Event;
use crate::domain::finding::{Language, RULE_VERSION};
use crate::domain::ids::{EvidenceId, MissionId, QuestionnaireId, ReservationId, SubmissionId};
use crate::domain::mission::{Slots, level_of, may_reserve};
use crate::domain::place::{Inside, Point};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::reservation::{ReservationMove, ReservationState, frees_at};
use crate::domain::rounds::STOPS_MAX;
use crate::domain::signals::{self, Provider};
use crate::domain::store::{EXTENSION_SECS, HOLD_SECS, NotExtended, StoreState, extend, seal_deadline};
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::domain::visit::{Fix, POSITION_CODES, best_fix, position_findings, position_sentence};
use crate::ops::budgets::under_cap;
use crate::ops::discovery::on_site;
use crate::ops::evidence::client_id_error;
use crate::ops::missions::{MissionSummary, hours, zone};
use crate::ops::stores::site_of;
use crate::ops::{Page, positions, store_corrections};

/// Positions in one check-in.
pub const FIXES_MAX: usize = 20;
/// Positions in one seal: a few for each photo.
pub const SEALED_FIXES_MAX: usize = 400;
const DEVICE_MAX: usize = 100;

/// A position as the phone measured it.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedFix {
    pub lat: f64,
    pub lon: f64,
    /// Radius of the disc that holds the phone, in metres.
    pub accuracy_m: f64,
    /// When the phone measured it.
    pub at: At,
    /// The phone says that the position is simulated.
    #[serde(default)]
    pub mock: bool,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
    /// Clockwise from north.
    pub bearing_deg: Option<f64>,
    /// What on the phone made the position.
    pub provider: Option<Provider>,
    /// By the phone's monotonic clock, in milliseconds since it was started.
    pub elapsed_ms: Option<i64>,
    /// The phone's id of the photo that it was measured with; without one it belongs to the check-in or the seal.
    pub photo: Option<String>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// 1 to 20.
    pub fixes: Vec<AskedFix>,
    /// What the app calls this phone, the same for every account on it.
    pub device_id: Option<String>,
    /// The phone's monotonic clock when the reservation was answered, in milliseconds since it was started.
    pub reserved_elapsed_ms: Option<i64>,
}

/// A photo of the visit that has arrived.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PhotoView {
    pub id: EvidenceId,
    pub client_id: String,
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub received_at: At,
    pub checked: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReservationView {
    pub id: ReservationId,
    pub state: ReservationState,
    pub mission: MissionSummary,
    pub questionnaire_id: QuestionnaireId,
    /// This visit finds out whether a store that was reported shut is open.
    pub recheck: bool,
    /// To be written into the photos' metadata or shown in the viewfinder.
    pub nonce: String,
    pub reserved_at: At,
    /// The seal must be made by then.
    pub deadline_at: At,
    pub extended: bool,
    pub checked_in_at: Option<At>,
    pub ended_at: Option<At>,
    pub submission_id: Option<SubmissionId>,
    pub photos: Vec<PhotoView>,
    /// The server's time now: an anchor for the phone's monotonic clock.
    pub server_time: At,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct CheckInView {
    pub reservation_id: ReservationId,
    pub state: ReservationState,
    pub checked_in_at: At,
    pub deadline_at: At,
    pub position: PositionView,
    /// The server's time now: an anchor for the phone's monotonic clock. The check-in counts from `checked_in_at`.
    pub server_time: At,
}

/// What the positions of a visit say: the distance is an interval.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PositionView {
    pub verdict: Inside,
    pub distance_min_m: i64,
    pub distance_max_m: i64,
    pub radius_m: i64,
    pub mock: bool,
    pub sentence: String,
}

/// Which reservations to list.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReservationList {
    pub state: Option<ReservationState>,
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

/// Complaints about positions, each under `pointer`.
pub(super) fn fix_errors(fixes: &[AskedFix], count: RangeInclusive<usize>, pointer: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !count.contains(&fixes.len()) {
        let (least, most) = count.into_inner();
        errors.push(FieldError::new(pointer, "length", format!("{least} to {most} positions.")));
    }
    for (i, fix) in fixes.iter().enumerate() {
        if Point::new(fix.lat, fix.lon).is_none() {
            errors.push(FieldError::new(
                format!("{pointer}/{i}/lat"),
                "out_of_range",
                "lat lies in -90..=90 and lon in -180..=180.",
            ));
        }
        if !(0.0..=100_000.0).contains(&fix.accuracy_m) {
            errors.push(FieldError::new(
                format!("{pointer}/{i}/accuracy_m"),
                "out_of_range",
                "accuracy_m lies in 0..=100000.",
            ));
        }
        for (name, number, range) in [
            ("altitude_m", fix.altitude_m, -20_000.0..=100_000.0),
            ("speed_mps", fix.speed_mps, 0.0..=10_000.0),
            ("bearing_deg", fix.bearing_deg, -360.0..=360.0),
        ] {
            if number.is_some_and(|n| !range.contains(&n)) {
                let detail = format!("{name} lies in {}..={}.", range.start(), range.end());
                errors.push(FieldError::new(format!("{pointer}/{i}/{name}"), "out_of_range", detail));
            }
        }
        if fix.elapsed_ms.is_some_and(|ms| ms < 0) {
            errors.push(FieldError::new(format!("{pointer}/{i}/elapsed_ms"), "out_of_range", "At least 0."));
        }
        errors.extend(fix.photo.as_deref().and_then(|id| client_id_error(format!("{pointer}/{i}/photo"), id)));
    }
    errors
}

impl PositionView {
    pub(super) fn of(fixes: &[PositionFixRow], radius_m: f64, language: Language) -> Option<PositionView> {
        let fixes: Vec<Fix> = fixes.iter().map(as_fix).collect();
        let best = best_fix(&fixes, radius_m)?;
        Some(PositionView {
            verdict: best.judge(radius_m),
            distance_min_m: (best.distance_m - best.accuracy_m).max(0.0).floor() as i64,
            distance_max_m: (best.distance_m + best.accuracy_m).ceil() as i64,
            radius_m: radius_m.round() as i64,
            mock: fixes.iter().any(|fix| fix.mock),
            sentence: position_sentence(&fixes, radius_m, language),
        })
    }
}

pub(super) fn as_fix(row: &PositionFixRow) -> Fix {
    Fix { distance_m: row.distance_m, accuracy_m: row.accuracy_m, mock: row.mock }
}

pub(super) fn slots_of(row: &MissionRow) -> Slots {
    Slots {
        slots: row.slots,
        held: row.slots_held,
        done: row.slots_done,
        attempts: row.attempts,
        attempts_spent: row.attempts_spent,
    }
}

fn view(c: &mut Conn, row: ReservationRow, now: At) -> Outcome<ReservationView> {
    let mission = MissionSummary::find(c, &row.mission_id, now)?;
    view_with(c, row, mission, now)
}

fn view_with(c: &mut Conn, row: ReservationRow, mission: MissionSummary, now: At) -> Outcome<ReservationView> {
    let photos = evidence::any_of_reservation(c, &row.id)?;
    let submission = match row.state {
        ReservationState::Used => submissions::any_of_reservation(c, &row.id)?.map(|s| s.id),
        _ => None,
    };
    Ok(ReservationView {
        id: row.id,
        state: row.state,
        mission,
        questionnaire_id: row.questionnaire_id,
        recheck: row.recheck,
        nonce: row.nonce,
        reserved_at: row.reserved_at,
        deadline_at: row.deadline_at,
        extended: row.extended,
        checked_in_at: row.checked_in_at,
        ended_at: row.ended_at,
        submission_id: submission,
        photos: photos
            .into_iter()
            .map(|photo| PhotoView {
                id: photo.id,
                client_id: photo.client_id,
                question: photo.question,
                sha256: photo.sha256,
                size_bytes: photo.size_bytes,
                received_at: photo.received_at,
                checked: photo.checked_at.is_some(),
            })
            .collect(),
        server_time: now,
    })
}

fn over(state: ReservationState) -> Failure {
    Refusal::new(Code::ReservationOver, format!("Its state is {state}.")).into()
}

/// Gives the worker one slot of a mission until a deadline. A paused store whose re-check is due gives its one re-check
/// slot. Refuses with the rule that stands against it.
pub fn reserve(cx: &Cx, who: &Worker, once: &Once, id: &MissionId) -> Outcome<ReservationView> {
    let nonce = cx.dice().trace_id();
    let reserved = cx.write_once(who, once, |tx| reserve_one(tx, cx.rules(), who, id, &nonce));
    cx.discovery().forget(who.user());
    reserved
}

/// Missions to do in one round, in the order in which they are visited.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedRound {
    pub mission_ids: Vec<MissionId>,
}

/// The reservations of a round, in the order in which its missions were named.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RoundReserved {
    pub reservations: Vec<ReservationView>,
}

/// Reserves every mission of a round, or none.
pub fn reserve_round(cx: &Cx, who: &Worker, once: &Once, asked: &AskedRound) -> Outcome<RoundReserved> {
    let ids = &asked.mission_ids;
    let mut errors = Vec::new();
    if ids.is_empty() || ids.len() > STOPS_MAX {
        errors.push(FieldError::new("/mission_ids", "length", format!("A round has 1 to {STOPS_MAX} missions.")));
    }
    for (i, id) in ids.iter().enumerate() {
        if MissionId::parse(id.as_str()).is_none() {
            errors.push(FieldError::new(format!("/mission_ids/{i}"), "invalid", "This is not the id of a mission."));
        } else if ids[..i].contains(id) {
            errors.push(FieldError::new(format!("/mission_ids/{i}"), "duplicate", "It stands above already."));
        }
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    }
    let nonces: Vec<String> = ids.iter().map(|_| cx.dice().trace_id()).collect();
    let reserved = cx.write_once(who, once, |tx| {
        // Always in one order, so that two rounds with common missions never wait for each other.
        let mut sorted: Vec<usize> = (0..ids.len()).collect();
        sorted.sort_unstable_by_key(|i| &ids[*i]);
        let mut made: Vec<(usize, ReservationView)> = Vec::with_capacity(ids.len());
        for i in sorted {
            let one = reserve_one(tx, cx.rules(), who, &ids[i], &nonces[i]).map_err(|failure| match failure {
                Failure::Refused(mut refusal) => {
                    refusal.errors.push(FieldError::new(
                        format!("/mission_ids/{i}"),
                        refusal.code.as_str(),
                        refusal.detail.clone(),
                    ));
                    Failure::Refused(refusal)
                }
                fault => fault,
            })?;
            made.push((i, one));
        }
        made.sort_unstable_by_key(|(i, _)| *i);
        Ok(RoundReserved { reservations: made.into_iter().map(|(_, one)| one).collect() })
    });
    cx.discovery().forget(who.user());
    reserved
}

fn reserve_one(tx: &mut Tx, rules: &Rules, who: &Worker, id: &MissionId, nonce: &str) -> Outcome<ReservationView> {
    let worker = WorkerScope::from(who);
    let now = tx.now();
    let person = reservations::worker_locked(tx, &worker)?.or_missing("worker")?;
    if person.state != UserState::Active {
        return Err(Refusal::new(Code::Suspended, "Suspended workers take no new missions.").into());
    }
    if rules.verified_email_to_reserve && person.email_verified_at.is_none() {
        return Err(Refusal::new(Code::EmailNotVerified, "Verify your e-mail address before reserving.").into());
    }
    let mission = missions::any_locked(tx, id)?.or_missing("mission")?;
    if reservations::has_taken(tx, &worker, id, None)? {
        return Err(Refusal::new(Code::AlreadyReserved, "You hold this mission or have done it.").into());
    }
    let campaign = missions::any_campaign(tx, &mission.campaign_id)?;
    may_take(tx, &worker, &campaign)?;
    let store = missions::any_store(tx, &mission.store_id)?;
    let recheck = asks_recheck(&mission, campaign.state, &store, now)?;
    may_reserve(mission.state, slots_of(&mission), mission.starts_at, mission.ends_at, recheck, now)?;
    under_cap(tx, rules, who.user(), mission.currency, now)?;
    if reservations::count_live(tx, &worker)? >= rules.max_reservations {
        let detail = format!("You may hold {} at once.", rules.max_reservations);
        return Err(Refusal::new(Code::TooManyReservations, detail).into());
    }
    let on_site_minutes = on_site(tx, &mission.campaign_id, campaign.on_site_minutes)?.minutes;
    let deadline_at = deadline(&mission, &store, on_site_minutes * 60, now)?;
    missions::take_slot(tx, id, recheck)?;
    let row = ReservationRow {
        id: tx.id(),
        mission_id: mission.id.clone(),
        campaign_id: mission.campaign_id.clone(),
        brand_id: mission.brand_id.clone(),
        store_id: mission.store_id.clone(),
        worker_id: who.user().clone(),
        questionnaire_id: mission.questionnaire_id.clone(),
        state: ReservationState::Held,
        recheck,
        nonce: nonce.to_owned(),
        reserved_at: now,
        deadline_at,
        frees_at: frees_at(ReservationState::Held, deadline_at),
        extended: false,
        checked_in_at: None,
        ended_at: None,
        updated_at: now,
        version: 1,
        device_id: None,
        reserved_elapsed_ms: None,
    };
    reservations::add(tx, &row)?;
    let event = Event::new("reservation.made", &row.id).brand(&row.brand_id);
    let event = Event { to: Some(row.state.as_str()), ..event };
    tx.record(event.data(json!({ "mission": row.mission_id, "deadline_at": deadline_at, "recheck": recheck })))?;
    view(tx, row, now)
}

/// Refuses a worker who lacks what the campaign asks for. Nobody is a worker and a member of a brand.
fn may_take(tx: &mut Tx, worker: &WorkerScope, campaign: &CampaignRow) -> Outcome<()> {
    let needed: Vec<String> = serde_json::from_value(campaign.qualifications.0.clone()).map_err(Failure::fault)?;
    if !needed.is_empty() {
        let has = discovery::any_qualifications(tx, worker.worker())?;
        if let Some(lacking) = needed.iter().find(|code| !has.contains(code)) {
            return Err(Refusal::new(Code::NotQualified, format!("It asks for the qualification `{lacking}`.")).into());
        }
    }
    if campaign.min_level > 0 {
        let level = level_of(discovery::approved(tx, worker)?);
        if level < campaign.min_level {
            let detail = format!("It asks for level {}; yours is {level}.", campaign.min_level);
            return Err(Refusal::new(Code::LevelTooLow, detail).into());
        }
    }
    Ok(())
}

/// Whether this would be the re-check of a paused store; refuses what neither a visit nor a re-check may take.
fn asks_recheck(mission: &MissionRow, campaign: CampaignState, store: &StoreRow, now: At) -> Outcome<bool> {
    match campaign {
        CampaignState::Published => {}
        CampaignState::Paused => return Err(Refusal::new(Code::MissionPaused, "Its brand paused the campaign.").into()),
        CampaignState::Draft | CampaignState::Closed => {
            return Err(Refusal::new(Code::MissionNotOpen, "The campaign is not running.").into());
        }
    }
    match store.state {
        StoreState::Open => Ok(false),
        StoreState::Paused if mission.recheck_open && store.recheck_at.is_some_and(|at| at <= now) => Ok(true),
        StoreState::Paused => Err(Refusal::new(Code::MissionPaused, "Its store was reported shut.").into()),
        StoreState::Closed => Err(Refusal::new(Code::MissionNotOpen, "Its store has closed for good.").into()),
    }
}

/// When the seal is due: never after the mission's end, and never so near to it that the visit cannot be made.
fn deadline(mission: &MissionRow, store: &StoreRow, on_site_secs: i64, now: At) -> Outcome<At> {
    let (hours, zone) = (hours(store.opening_hours.as_deref(), &store.country), zone(&store.time_zone));
    let deadline = seal_deadline(now, hours.as_ref(), &zone, HOLD_SECS, on_site_secs);
    if deadline <= mission.ends_at {
        return Ok(deadline);
    }
    let starts = hours.and_then(|h| h.next_open(now, &zone)).unwrap_or(now);
    if mission.ends_at.secs_since(starts) < on_site_secs {
        let detail = "The store is not open long enough before the mission ends.";
        return Err(Refusal::new(Code::MissionNotOpen, detail).into());
    }
    Ok(mission.ends_at)
}

pub fn list_reservations(
    cx: &Cx,
    who: &Worker,
    state: Option<ReservationState>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<ReservationView>> {
    let now = cx.now();
    cx.read(|c| {
        let rows = reservations::page(c, &who.into(), state, after, limit + 1)?;
        let ids: Vec<MissionId> = rows.iter().map(|row| row.mission_id.clone()).collect();
        let summaries = MissionSummary::by_id(c, &ids, now)?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let mission = summaries.get(&row.mission_id).cloned().or_missing("mission")?;
            views.push(view_with(c, row, mission, now)?);
        }
        Ok(Page::of(views, limit, |v| v.id.to_string(), |v| v))
    })
}

pub fn get_reservation(cx: &Cx, who: &Worker, id: &ReservationId) -> Outcome<ReservationView> {
    let now = cx.now();
    cx.read(|c| {
        let row = reservations::find(c, &who.into(), id)?.or_missing("reservation")?;
        view(c, row, now)
    })
}

/// Stores where the phone is. The first check-in starts the visit; later ones add positions.
pub fn check_in(cx: &Cx, who: &Worker, once: &Once, id: &ReservationId, asked: &CheckIn) -> Outcome<CheckInView> {
    let mut errors = fix_errors(&asked.fixes, 1..=FIXES_MAX, "/fixes");
    let odd = |id: &String| id.is_empty() || id.len() > DEVICE_MAX || !id.bytes().all(|b| b.is_ascii_graphic());
    if asked.device_id.as_ref().is_some_and(odd) {
        let detail = format!("1 to {DEVICE_MAX} letters, digits and signs.");
        errors.push(FieldError::new("/device_id", "invalid", detail));
    }
    if asked.reserved_elapsed_ms.is_some_and(|ms| ms < 0) {
        errors.push(FieldError::new("/reserved_elapsed_ms", "out_of_range", "At least 0."));
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    }
    let worker = WorkerScope::from(who);
    cx.write_once(who, once, |tx| {
        let now = tx.now();
        let mut row = reservations::locked(tx, &worker, id)?.or_missing("reservation")?;
        if !row.state.is_live() || row.frees_at <= now {
            return Err(over(row.state));
        }
        let store = missions::any_store(tx, &row.store_id)?;
        let from = row.state;
        row.device_id = asked.device_id.clone().or(row.device_id);
        row.reserved_elapsed_ms = asked.reserved_elapsed_ms.or(row.reserved_elapsed_ms);
        if row.state == ReservationState::Held {
            row.checked_in_at = Some(now);
            row.frees_at = frees_at(ReservationState::CheckedIn, row.deadline_at);
            row = reservations::move_state(tx, &row, ReservationMove::CheckIn)?;
        } else {
            row = reservations::set_times(tx, &row)?;
        }
        let fixes = add_fixes(tx, &row.id, &store, "check_in", &asked.fixes)?;
        renew_position_findings(tx, &row, None, &store, &fixes)?;
        store_corrections::checked_in(tx, &store, &asked.fixes)?;
        let language = language_of(tx, &worker, None)?;
        let position = PositionView::of(&fixes, store.radius_m, language)
            .ok_or_else(|| Failure::fault("a check-in without a position"))?;
        let event = Event::new("reservation.checked_in", &row.id).brand(&row.brand_id).rule(RULE_VERSION);
        let event = if from == row.state { event } else { event.moved(from.as_str(), row.state.as_str()) };
        tx.record(event.data(json!({ "verdict": position.verdict, "fixes": asked.fixes.len() })))?;
        Ok(CheckInView {
            checked_in_at: row.checked_in_at.unwrap_or(now),
            reservation_id: row.id,
            state: row.state,
            deadline_at: row.deadline_at,
            position,
            server_time: now,
        })
    })
}

/// Stores positions and returns every one of the visit.
pub(super) fn add_fixes(
    tx: &mut Tx,
    id: &ReservationId,
    store: &StoreRow,
    purpose: &str,
    asked: &[AskedFix],
) -> Outcome<Vec<PositionFixRow>> {
    let there = site_of(store)?;
    for fix in asked {
        let here = Point::new(fix.lat, fix.lon).ok_or_else(|| Failure::fault("a position off the globe"))?;
        let distance_m = there.metres_to(here);
        let row = PositionFixRow {
            id: tx.id(),
            reservation_id: id.clone(),
            purpose: purpose.to_owned(),
            lat: fix.lat,
            lon: fix.lon,
            accuracy_m: fix.accuracy_m,
            mock: fix.mock,
            at: fix.at,
            received_at: tx.now(),
            distance_m,
            verdict: Inside::judge(distance_m, fix.accuracy_m, store.radius_m).as_str().to_owned(),
            altitude_m: fix.altitude_m,
            speed_mps: fix.speed_mps,
            bearing_deg: fix.bearing_deg,
            provider: fix.provider,
            elapsed_ms: fix.elapsed_ms,
            client_id: fix.photo.clone(),
            fingerprint: None,
        };
        let row = PositionFixRow { fingerprint: positions::fingerprint(&row), ..row };
        reservations::add_fix(tx, &row)?;
    }
    reservations::any_fixes(tx, id)
}

/// Replaces what was found about the positions of a visit by what all of them say now.
pub(super) fn renew_position_findings(
    tx: &mut Tx,
    row: &ReservationRow,
    submission: Option<(&SubmissionId, i64)>,
    store: &StoreRow,
    fixes: &[PositionFixRow],
) -> Outcome<()> {
    evidence::drop_findings(tx, &row.id, POSITION_CODES)?;
    evidence::drop_findings(tx, &row.id, signals::CODES)?;
    let signs = positions::signs(tx, row, store, fixes)?;
    positions::keep(tx, row, store, fixes)?;
    let fixes: Vec<Fix> = fixes.iter().map(as_fix).collect();
    let about = evidence::About {
        reservation: &row.id,
        submission: submission.map(|(id, _)| id),
        evidence: None,
        revision: submission.map_or(1, |(_, revision)| revision),
        item: None,
    };
    for finding in position_findings(&fixes, store.radius_m).into_iter().chain(signs) {
        evidence::add_finding(tx, &about, &finding)?;
    }
    Ok(())
}

/// The language of sentences: the first that was asked for and is spoken here, else the worker's own.
pub(super) fn language_of(c: &mut Conn, worker: &WorkerScope, asked: Option<Language>) -> Outcome<Language> {
    if let Some(language) = asked {
        return Ok(language);
    }
    let own = reservations::worker_language(c, worker)?;
    Ok(own.and_then(|tag| Language::parse(&tag)).unwrap_or_default())
}

/// Gives the slot back before the work was sealed; no penalty.
pub fn release_reservation(cx: &Cx, who: &Worker, once: &Once, id: &ReservationId) -> Outcome<ReservationView> {
    let worker = WorkerScope::from(who);
    let released = cx.write_once(who, once, |tx| {
        let now = tx.now();
        let mission = reservations::find(tx, &worker, id)?.or_missing("reservation")?.mission_id;
        missions::any_locked(tx, &mission)?.or_missing("mission")?;
        let row = reservations::locked(tx, &worker, id)?.or_missing("reservation")?;
        let from = row.state;
        let row = reservations::move_state(tx, &row, ReservationMove::Release)?;
        missions::free_slot(tx, &mission, row.recheck)?;
        let event = Event::new("reservation.released", &row.id).brand(&row.brand_id);
        tx.record(event.moved(from.as_str(), row.state.as_str()))?;
        view(tx, row, now)
    });
    cx.discovery().forget(who.user());
    released
}

/// Two more hours, once, after check-in, never past the store's closing or the mission's end.
pub fn extend_reservation(cx: &Cx, who: &Worker, once: &Once, id: &ReservationId) -> Outcome<ReservationView> {
    let worker = WorkerScope::from(who);
    cx.write_once(who, once, |tx| {
        let now = tx.now();
        let mut row = reservations::locked(tx, &worker, id)?.or_missing("reservation")?;
        if !row.state.is_live() || row.deadline_at <= now {
            return Err(over(row.state));
        }
        let mission = missions::any_find(tx, &row.mission_id)?.or_missing("mission")?;
        let store = missions::any_store(tx, &row.store_id)?;
        let (hours, zone) = (hours(store.opening_hours.as_deref(), &store.country), zone(&store.time_zone));
        let checked_in = row.state == ReservationState::CheckedIn;
        let before = row.deadline_at;
        let moved = extend(before, EXTENSION_SECS, checked_in, row.extended, hours.as_ref(), &zone);
        let no_later = |why: &str| Refusal { detail: why.to_owned(), ..Refusal::wrong_state(row.state, &[]) };
        let later = moved.map_err(|why| match why {
            NotExtended::NotCheckedIn => Refusal::new(Code::CheckInFirst, "Only a visit that has begun is extended."),
            NotExtended::AlreadyExtended => Refusal::new(Code::AlreadyExtended, "It was extended before."),
            NotExtended::StoreCloses => no_later("The deadline is the store's closing."),
        })?;
        let later = later.min(mission.ends_at);
        if later <= before {
            return Err(no_later("The deadline is the end of the mission.").into());
        }
        row.deadline_at = later;
        row.frees_at = frees_at(row.state, later);
        row.extended = true;
        let row = reservations::set_times(tx, &row)?;
        let event = Event::new("reservation.extended", &row.id).brand(&row.brand_id);
        tx.record(event.data(json!({ "from": before, "to": later })))?;
        view(tx, row, now)
    })
}
