//! What a worker seals: the precheck before, the seal, the next revision after a request for correction, and the view of
//! his work with reasons in words. The deadline is judged when the work was sealed, not when it arrived.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::{Cx, Once};
use crate::db::rows::{
    DecisionItemRow, DecisionRow, EventRow, EvidenceRow, FindingRow, ReservationRow, RevisionRow, StoreRow,
    SubmissionPhotoRow, SubmissionRow,
};
use crate::db::types::Json;
use crate::db::{Conn, Tx, audit, evidence, missions, queue, reservations, submissions};
use crate::domain::campaign::Clause;
use crate::domain::capture::{AngleReason, sampled, second_angle_sentence, worth_second_angle};
use crate::domain::decision::{DecidedBy, DecisionKind, ReasonCode};
use crate::domain::event::Event;
use crate::domain::finding::{Code as Found, Finding, Language, Level};
use crate::domain::ids::{EvidenceId, MissionId, QuestionnaireId, ReservationId, SubmissionId};
use crate::domain::mission::MissionState;
use crate::domain::money::Money;
use crate::domain::questionnaire::{Checked, Context, LoopSets, PhotoRef, check_answers, compile};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::reservation::{PHOTO_GRACE_SECS, ReservationMove, ReservationState, sealed_at};
use crate::domain::submission::{self, Outcome as Visit, SubmissionMove, SubmissionState};
use crate::domain::time::At;
use crate::domain::visit::{lateness_secs, seal_conflict_secs, worth_retaking};
use crate::ops::assess::{envelope_of, rules_of};
use crate::ops::campaigns::pinned;
use crate::ops::erasures::refuse_erased;
use crate::ops::evidence::{PHOTO_MAX_BYTES, PHOTOS_MAX, client_id_error, question_error, sha256_error};
use crate::ops::grades::{self, GradeView};
use crate::ops::missions::MissionSummary;
use crate::ops::reservations::{
    AskedFix, PositionView, SEALED_FIXES_MAX, add_fixes, fix_errors, language_of, renew_position_findings,
};
use crate::ops::{Page, report, shut_stores};

// What is asked

/// A photo of the visit, whether it has arrived or not.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedPhoto {
    pub client_id: String,
    #[serde(default)]
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
}

/// What the phone's monotonic clock counts from: the server's time in the answer to that request.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    #[default]
    Reservation,
    CheckIn,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub outcome: Visit,
    /// May be empty unless the visit was completed.
    #[serde(default)]
    pub answers: Map<String, Value>,
    /// The manifest: at most 200 photos.
    #[serde(default)]
    pub photos: Vec<AskedPhoto>,
    #[serde(default)]
    pub fixes: Vec<AskedFix>,
    /// Milliseconds from the anchor to the seal by the phone's monotonic clock.
    pub elapsed_ms: Option<i64>,
    #[serde(default)]
    pub anchor: Anchor,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// All answers anew; absent keeps those of the revision before.
    pub answers: Option<Map<String, Value>>,
    /// New photos. Each takes the place of the earlier photos of its question, but for those that the new answer to that
    /// question names in `photo_ids`.
    #[serde(default)]
    pub photos: Vec<AskedPhoto>,
    #[serde(default)]
    pub fixes: Vec<AskedFix>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Precheck {
    /// Default `completed`.
    pub outcome: Option<Visit>,
    pub answers: Option<Map<String, Value>>,
    /// Photos that are still on their way.
    #[serde(default)]
    pub photos: Vec<AskedPhoto>,
    /// Waits so long for photos that arrived and are being looked at, in seconds; 0 to 10.
    #[serde(default)]
    pub wait_secs: u8,
}

/// Longest wait of a precheck, in seconds.
const WAIT_MAX_SECS: u8 = 10;

/// Which submissions to list.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct SubmissionList {
    pub state: Option<SubmissionState>,
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

// What is answered

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct SubmissionView {
    pub id: SubmissionId,
    pub reservation_id: ReservationId,
    pub mission: MissionSummary,
    pub state: SubmissionState,
    pub revision: i64,
    pub outcome: Visit,
    pub recheck: bool,
    pub sealed_at: At,
    pub received_at: At,
    pub late: bool,
    /// Photos of the manifest that have not arrived, and until when they may.
    pub photos_missing: i64,
    pub photos_due_at: At,
    /// What full approval pays: the reward, or the attempt fee of a visit that could not be done.
    pub expected_pay: Money,
    /// What was decided to be paid; null while undecided.
    pub pay: Option<Money>,
    /// Not decided by then, it is approved.
    pub review_due_at: Option<At>,
    /// `clarify` or `revisit`, and until when.
    pub correction: Option<String>,
    pub correction_due_at: Option<At>,
    /// Until when the decision can be appealed.
    pub appeal_until: Option<At>,
    pub decided_at: Option<At>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct SubmissionDetail {
    #[serde(flatten)]
    pub submission: SubmissionView,
    pub answers: Value,
    /// How much the evidence of the whole visit proves; null before a photo was looked at.
    pub grade: Option<GradeView>,
    pub photos: Vec<ManifestPhoto>,
    pub findings: Vec<FindingView>,
    pub decision: Option<DecisionView>,
    pub timeline: Vec<Step>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ManifestPhoto {
    pub client_id: String,
    pub question: String,
    pub sha256: String,
    pub revision: i64,
    /// Null until it has arrived.
    pub evidence_id: Option<EvidenceId>,
    pub checked: bool,
    /// A photo of a later revision took its place: it no longer counts.
    pub replaced: bool,
    /// How much this photo proves; null before it was looked at, and when it no longer counts.
    pub grade: Option<GradeView>,
}

/// Something the machine observed, in words.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct FindingView {
    pub code: String,
    pub level: String,
    pub sentence: String,
    pub evidence_id: Option<EvidenceId>,
    /// JSON pointer of the answer it is about.
    pub item: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct DecisionView {
    pub kind: DecisionKind,
    pub decided_by: DecidedBy,
    pub reason_code: Option<ReasonCode>,
    /// What it is about: an item, a photo or `visit`.
    pub target: Option<String>,
    pub clause_id: Option<String>,
    /// The words of that clause.
    pub clause: Option<String>,
    pub text: Option<String>,
    pub pay: Money,
    pub refused: Vec<RefusedItem>,
    pub at: At,
}

/// An item that was refused: it is not paid, and the brand does not see it.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RefusedItem {
    pub item: String,
    pub reason_code: Option<ReasonCode>,
    pub clause_id: Option<String>,
    pub text: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Step {
    pub at: At,
    pub kind: String,
    /// `worker`, `staff`, `machine`.
    pub by: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub cause: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PrecheckView {
    pub photos: Vec<PhotoCheck>,
    pub position: Option<PositionView>,
    pub answers_checked: bool,
    /// Questions that lack a photo.
    pub missing_photos: Vec<Complaint>,
    /// Everything else that would refuse the seal.
    pub problems: Vec<Complaint>,
    /// What would send the work to a person; it can be sealed all the same.
    pub flags: Vec<Complaint>,
    /// Photos to take once more from a step to the side. Nobody has to; work without them is judged as it is.
    pub second_angles: Vec<SecondAngle>,
    /// Nothing stands against the seal and no photo is worth taking again, so far as it was checked.
    pub ready: bool,
    pub deadline_at: At,
    pub server_time: At,
}

/// A photo that is asked for from another angle; it is sent with `angle_of`.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct SecondAngle {
    pub client_id: String,
    pub because: AngleReason,
    pub sentence: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PhotoCheck {
    pub client_id: String,
    pub question: String,
    pub evidence_id: Option<EvidenceId>,
    /// `missing`: not arrived; `pending`: not looked at yet; `checked`.
    pub state: PhotoState,
    /// Taking it again on the spot would help.
    pub retake: bool,
    pub findings: Vec<FindingView>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum PhotoState {
    Missing,
    Pending,
    Checked,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Complaint {
    /// JSON pointer into the answers.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

impl PrecheckView {
    /// Whether photos are being looked at still.
    pub fn is_pending(&self) -> bool {
        self.photos.iter().any(|photo| photo.state == PhotoState::Pending)
    }
}

// Reading what was asked

fn photo_errors(photos: &[AskedPhoto]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if i64::try_from(photos.len()).is_ok_and(|n| n > PHOTOS_MAX) {
        errors.push(FieldError::new("/photos", "length", format!("At most {PHOTOS_MAX} photos.")));
        return errors;
    }
    let mut seen = BTreeSet::new();
    for (i, photo) in photos.iter().enumerate() {
        let at = |field: &str| format!("/photos/{i}/{field}");
        errors.extend(client_id_error(at("client_id"), &photo.client_id));
        errors.extend(question_error(at("question"), &photo.question));
        errors.extend(sha256_error(at("sha256"), &photo.sha256));
        if !(1..=PHOTO_MAX_BYTES).contains(&photo.size_bytes) {
            errors.push(FieldError::new(at("size_bytes"), "out_of_range", "A photo has 1 byte to 30 MB."));
        }
        if !seen.insert(&photo.client_id) {
            errors.push(FieldError::new(at("client_id"), "duplicate", "Each photo has a client id of its own."));
        }
    }
    errors
}

fn refuse(errors: Vec<FieldError>) -> Outcome<()> {
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::InvalidRequest, errors).into()) }
}

/// Judges answers by the questionnaire version that was pinned.
fn judge(
    c: &mut Conn,
    version: &QuestionnaireId,
    store: &StoreRow,
    answers: &Value,
    photos: &[PhotoRef],
    visit: (At, Visit),
) -> Outcome<Checked> {
    let version = missions::any_questionnaire(c, version)?;
    let loops: LoopSets = serde_json::from_value(version.loops.0).map_err(Failure::fault)?;
    let questionnaire = compile(&version.document.0, &loops)
        .map_err(|_| Failure::fault(format!("questionnaire version {} no longer compiles", version.id)))?;
    let zone = jiff::tz::TimeZone::get(&store.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let (now, outcome) = visit;
    let context = Context { now, zone };
    Ok(check_answers(&questionnaire, answers, photos, &context, outcome == Visit::Completed))
}

fn refuse_problems(checked: &Checked) -> Outcome<()> {
    if checked.problems.is_empty() {
        return Ok(());
    }
    let error = |p: &crate::domain::questionnaire::AnswerProblem| {
        FieldError::new(format!("/answers{}", p.pointer), p.code, p.detail.clone())
    };
    Err(Refusal::fields(Code::AnswersInvalid, checked.problems.iter().map(error).collect()).into())
}

fn manifest_refs(photos: &[AskedPhoto]) -> Vec<PhotoRef> {
    photos.iter().map(|p| PhotoRef { client_id: p.client_id.clone(), question_path: p.question.clone() }).collect()
}

fn over(state: ReservationState) -> Failure {
    Refusal::new(Code::ReservationOver, format!("Its state is {state}.")).into()
}

// Before the seal

/// What stands against the work so far, while the worker is still in the store. Seals nothing.
pub fn precheck(
    cx: &Cx,
    who: &Worker,
    id: &ReservationId,
    asked: &Precheck,
    language: Option<Language>,
) -> Outcome<PrecheckView> {
    let worker = WorkerScope::from(who);
    let now = cx.now();
    cx.read(|c| {
        let row = reservations::find(c, &worker, id)?.or_missing("reservation")?;
        let mut errors = photo_errors(&asked.photos);
        if asked.wait_secs > WAIT_MAX_SECS {
            errors.push(FieldError::new("/wait_secs", "out_of_range", "0 to 10 seconds."));
        }
        refuse(errors)?;
        let language = language_of(c, &worker, language)?;
        let store = missions::any_store(c, &row.store_id)?;
        let arrived = evidence::any_of_reservation(c, id)?;
        let findings = evidence::any_findings(c, id)?;
        let fixes = reservations::any_fixes(c, id)?;
        let mut photos: Vec<PhotoCheck> = arrived.iter().map(|photo| photo_check(photo, &findings, language)).collect();
        let mut refs: Vec<PhotoRef> = arrived
            .iter()
            .map(|p| PhotoRef { client_id: p.client_id.clone(), question_path: p.question.clone() })
            .collect();
        for photo in &asked.photos {
            if !arrived.iter().any(|known| known.client_id == photo.client_id) {
                refs.push(PhotoRef { client_id: photo.client_id.clone(), question_path: photo.question.clone() });
                photos.push(PhotoCheck {
                    client_id: photo.client_id.clone(),
                    question: photo.question.clone(),
                    evidence_id: None,
                    state: PhotoState::Missing,
                    retake: false,
                    findings: Vec::new(),
                });
            }
        }
        let checked = match &asked.answers {
            Some(answers) => {
                let visit = (now, asked.outcome.unwrap_or(Visit::Completed));
                Some(judge(c, &row.questionnaire_id, &store, &Value::Object(answers.clone()), &refs, visit)?)
            }
            None => None,
        };
        let (mut missing_photos, mut problems, mut flags) = (Vec::new(), Vec::new(), Vec::new());
        for problem in checked.iter().flat_map(|checked| &checked.problems) {
            let list = match problem.code {
                "too_few_photos" | "photo_required" => &mut missing_photos,
                _ => &mut problems,
            };
            let (pointer, detail) = (problem.pointer.clone(), problem.detail.clone());
            list.push(Complaint { pointer, code: problem.code.to_owned(), detail });
        }
        for flag in checked.iter().flat_map(|checked| &checked.flags) {
            let (pointer, code, detail) = (flag.path.clone(), flag.code.clone(), flag.detail.clone());
            flags.push(Complaint { pointer, code, detail });
        }
        let percent = cx.rules().second_angle_percent;
        let second_angles = second_angles(c, &row, &arrived, &findings, percent, language)?;
        let sound = photos.iter().all(|photo| photo.state == PhotoState::Checked && !photo.retake);
        Ok(PrecheckView {
            ready: sound && checked.is_some() && missing_photos.is_empty() && problems.is_empty(),
            photos,
            position: PositionView::of(&fixes, store.radius_m, language),
            answers_checked: checked.is_some(),
            missing_photos,
            problems,
            flags,
            second_angles,
            deadline_at: row.deadline_at,
            server_time: now,
        })
    })
}

/// The photos that a second angle is asked of: each whose picture is doubtful in a way that it would settle, and in some
/// visits the first of a shelf. None that has one already.
fn second_angles(
    c: &mut Conn,
    visit: &ReservationRow,
    arrived: &[EvidenceRow],
    findings: &[FindingRow],
    percent: i64,
    language: Language,
) -> Outcome<Vec<SecondAngle>> {
    let questionnaire = pinned(c, &visit.questionnaire_id)?.questionnaire;
    let is_shelf = |photo: &EvidenceRow| {
        let rules = rules_of(&questionnaire, &photo.question);
        rules.is_some_and(|rules| matches!(rules.subject.as_deref(), None | Some("shelf" | "display")))
    };
    let shown: Vec<String> = arrived.iter().filter_map(|photo| envelope_of(photo).angle_of).collect();
    let doubtful = |photo: &EvidenceRow| {
        let own = findings.iter().filter(|row| row.evidence_id.as_ref() == Some(&photo.id));
        own.filter_map(evidence::read_finding).any(|finding| worth_second_angle(&finding))
    };
    let ask = |photo: &EvidenceRow, because| SecondAngle {
        client_id: photo.client_id.clone(),
        because,
        sentence: second_angle_sentence(language).to_owned(),
    };
    let shelves: Vec<&EvidenceRow> = arrived.iter().filter(|photo| is_shelf(photo)).collect();
    let mut asks: Vec<SecondAngle> = shelves
        .iter()
        .filter(|photo| !shown.contains(&photo.client_id) && doubtful(photo))
        .map(|photo| ask(photo, AngleReason::Doubt))
        .collect();
    if let Some(first) = shelves.first().filter(|_| asks.is_empty() && shown.is_empty())
        && sampled(&visit.nonce, percent)
    {
        asks.push(ask(first, AngleReason::Sample));
    }
    Ok(asks)
}

fn photo_check(photo: &EvidenceRow, findings: &[FindingRow], language: Language) -> PhotoCheck {
    let own: Vec<&FindingRow> = findings.iter().filter(|f| f.evidence_id.as_ref() == Some(&photo.id)).collect();
    PhotoCheck {
        client_id: photo.client_id.clone(),
        question: photo.question.clone(),
        evidence_id: Some(photo.id.clone()),
        state: if photo.checked_at.is_some() { PhotoState::Checked } else { PhotoState::Pending },
        retake: own.iter().filter_map(|row| evidence::read_finding(row)).any(|f| worth_retaking(&f)),
        findings: own.into_iter().filter_map(|row| finding_view(row, language)).collect(),
    }
}

fn finding_view(row: &FindingRow, language: Language) -> Option<FindingView> {
    let finding = evidence::read_finding(row)?;
    Some(FindingView {
        code: row.code.clone(),
        level: row.level.clone(),
        sentence: finding.sentence(language),
        evidence_id: row.evidence_id.clone(),
        item: row.item.clone(),
    })
}

// The seal

/// Seals the work of a visit. Answers that do not fit the questionnaire are refused with the whole list, also when the
/// seal was made offline: nothing is lost, the phone corrects and seals again with a new key.
pub fn seal(cx: &Cx, who: &Worker, once: &Once, id: &ReservationId, asked: &Seal) -> Outcome<SubmissionView> {
    let worker = WorkerScope::from(who);
    let mut errors = photo_errors(&asked.photos);
    errors.extend(fix_errors(&asked.fixes, 0..=SEALED_FIXES_MAX, "/fixes"));
    if asked.elapsed_ms.is_some_and(|ms| !(0..=ELAPSED_MAX_MS).contains(&ms)) {
        errors.push(FieldError::new("/elapsed_ms", "out_of_range", "0 to 31536000000 milliseconds."));
    }
    refuse(errors)?;
    // Judged before the transaction: compiling takes longer than writing. A seal that is over is answered there.
    let judged = cx.read(|c| {
        let row = reservations::find(c, &worker, id)?.or_missing("reservation")?;
        if matches!(row.state, ReservationState::Used | ReservationState::Released) {
            return Ok(None);
        }
        let sealed = sealed_at(anchor_of(&row, asked.anchor)?, asked.elapsed_ms, cx.now());
        let store = missions::any_store(c, &row.store_id)?;
        let answers = Value::Object(asked.answers.clone());
        let refs = manifest_refs(&asked.photos);
        let checked = judge(c, &row.questionnaire_id, &store, &answers, &refs, (sealed, asked.outcome))?;
        refuse_problems(&checked)?;
        Ok(Some(checked))
    })?;
    cx.write_once(who, once, |tx| {
        let now = tx.now();
        refuse_erased(tx, who.user())?;
        let mission = reservations::find(tx, &worker, id)?.or_missing("reservation")?.mission_id;
        let mission = missions::any_locked(tx, &mission)?.or_missing("mission")?;
        let row = reservations::locked(tx, &worker, id)?.or_missing("reservation")?;
        let from = row.state;
        let checked = judged.as_ref().ok_or_else(|| over(from))?;
        let step = match row.state {
            ReservationState::Expired => {
                if reservations::has_taken(tx, &worker, &mission.id, Some(&row.id))? {
                    return Err(over(from));
                }
                retake_slot(tx, &row, mission.state, mission.ends_at)?;
                ReservationMove::Retake
            }
            _ => ReservationMove::Use,
        };
        let row = reservations::move_state(tx, &row, step)?;
        let used = Event::new("reservation.used", &row.id).brand(&row.brand_id);
        tx.record(used.moved(from.as_str(), row.state.as_str()))?;

        let sealed = sealed_at(anchor_of(&row, asked.anchor)?, asked.elapsed_ms, now);
        let late = lateness_secs(row.deadline_at, sealed, now);
        let submission = SubmissionRow {
            id: tx.id(),
            reservation_id: row.id.clone(),
            mission_id: row.mission_id.clone(),
            campaign_id: row.campaign_id.clone(),
            brand_id: row.brand_id.clone(),
            store_id: row.store_id.clone(),
            worker_id: row.worker_id.clone(),
            questionnaire_id: row.questionnaire_id.clone(),
            state: SubmissionState::Sealed,
            revision: 1,
            outcome: asked.outcome,
            recheck: row.recheck,
            answers: Json(checked.answers.clone()),
            sealed_at: sealed,
            received_at: now,
            late: late.is_some(),
            photos_due_at: now.plus_secs(PHOTO_GRACE_SECS),
            entered_review_at: None,
            review_due_at: None,
            correction: None,
            correction_due_at: None,
            appeal_until: None,
            decided_at: None,
            decision_id: None,
            risk: 0,
            claimed_by: None,
            claimed_until: None,
            holds_slot: true,
            updated_at: now,
            version: 1,
        };
        submissions::add(tx, &submission)?;
        let event = Event::new("submission.sealed", &submission.id).brand(&submission.brand_id);
        let event = Event { to: Some(submission.state.as_str()), ..event };
        tx.record(event.data(json!({
            "reservation": row.id,
            "outcome": asked.outcome,
            "sealed_at": sealed,
            "late_secs": late,
            "photos": asked.photos.len(),
            "dropped": checked.dropped,
        })))?;
        keep_revision(tx, &submission, &asked.photos, asked.elapsed_ms)?;
        let store = missions::any_store(tx, &row.store_id)?;
        let fixes = add_fixes(tx, &row.id, &store, "seal", &asked.fixes)?;
        renew_position_findings(tx, &row, Some((&submission.id, 1)), &store, &fixes)?;
        let mut found = Vec::new();
        if let Some(secs) = late {
            found.push(Finding::new(Found::LateSeal, Level::Doubt).valued(secs as f64));
        }
        let times: Vec<(At, At)> = fixes.iter().map(|fix| (fix.at, fix.received_at)).collect();
        if asked.elapsed_ms.is_none() && now > row.deadline_at {
            found.push(Finding::new(Found::SealClockUnproven, Level::Doubt));
        } else if let Some(secs) = seal_conflict_secs(sealed, row.checked_in_at, &times) {
            found.push(Finding::new(Found::SealClockUnproven, Level::Doubt).valued(secs as f64));
        }
        if asked.outcome != Visit::Completed {
            let lacks = match (asked.photos.is_empty(), fixes.is_empty()) {
                (true, true) => Some("no photo, no position"),
                (true, false) => Some("no photo"),
                (false, true) => Some("no position"),
                (false, false) => None,
            };
            found.extend(lacks.map(|what| Finding::new(Found::NotCompletedUnproven, Level::Doubt).about(what)));
        }
        if asked.outcome.pauses_store() {
            found.push(Finding::new(Found::ShutStoreReport, Level::Info).about(asked.outcome.as_str()));
        }
        for finding in found {
            evidence::add_finding(tx, &about_visit(&submission), &finding)?;
        }
        let submission = finish_seal(tx, submission, checked)?;
        shut_stores::visit_sealed(tx, &submission)?;
        view(tx, submission, now)
    })
}

/// A year: longer than any phone stays on.
pub(super) const ELAPSED_MAX_MS: i64 = 365 * 86_400_000;

fn anchor_of(row: &ReservationRow, anchor: Anchor) -> Outcome<At> {
    match anchor {
        Anchor::Reservation => Ok(row.reserved_at),
        Anchor::CheckIn => row.checked_in_at.ok_or_else(|| {
            Refusal::new(Code::CheckInFirst, "The seal counts from a check-in that never arrived.").into()
        }),
    }
}

/// The slot of an expired reservation, if nobody took it and the money for it is still held.
fn retake_slot(tx: &mut Tx, row: &ReservationRow, mission: MissionState, ends_at: At) -> Outcome<()> {
    let too_late = || Refusal::new(Code::SealTooLate, "The slot was given back and is gone.");
    if mission == MissionState::Closed || tx.now() >= ends_at {
        return Err(too_late().into());
    }
    match missions::take_slot(tx, &row.mission_id, row.recheck) {
        Err(failure) if failure.code() == Some(Code::SlotTaken) => Err(too_late().into()),
        other => other,
    }
}

fn about_visit(submission: &SubmissionRow) -> evidence::About<'_> {
    evidence::About {
        reservation: &submission.reservation_id,
        submission: Some(&submission.id),
        evidence: None,
        revision: submission.revision,
        item: None,
    }
}

/// Writes the revision and its manifest, and ties photos that have arrived to it.
fn keep_revision(
    tx: &mut Tx,
    submission: &SubmissionRow,
    photos: &[AskedPhoto],
    elapsed_ms: Option<i64>,
) -> Outcome<()> {
    let manifest: Vec<Value> = photos
        .iter()
        .map(|p| {
            json!({ "client_id": p.client_id, "question": p.question, "sha256": p.sha256, "size_bytes": p.size_bytes })
        })
        .collect();
    submissions::add_revision(
        tx,
        &RevisionRow {
            submission_id: submission.id.clone(),
            revision: submission.revision,
            outcome: submission.outcome,
            answers: submission.answers.clone(),
            manifest: Json(Value::Array(manifest)),
            sealed_at: submission.sealed_at,
            received_at: submission.received_at,
            elapsed_ms,
            late: submission.late,
        },
    )?;
    let arrived: BTreeMap<String, EvidenceRow> = evidence::any_of_reservation(tx, &submission.reservation_id)?
        .into_iter()
        .map(|photo| (photo.client_id.clone(), photo))
        .collect();
    for photo in photos {
        let here = arrived.get(&photo.client_id);
        if here.is_some_and(|here| here.sha256 != photo.sha256) {
            let detail = format!("Another photo arrived under the client id {}.", photo.client_id);
            return Err(Refusal::new(Code::PhotoDiffers, detail).into());
        }
        submissions::add_photo(
            tx,
            &SubmissionPhotoRow {
                submission_id: submission.id.clone(),
                client_id: photo.client_id.clone(),
                revision: submission.revision,
                question: photo.question.clone(),
                sha256: photo.sha256.clone(),
                size_bytes: photo.size_bytes,
                evidence_id: here.map(|here| here.id.clone()),
                replaced_in: None,
            },
        )?;
    }
    Ok(())
}

/// Stores the judged answers and what is odd about them; when every photo is here, the checks begin.
fn finish_seal(tx: &mut Tx, submission: SubmissionRow, checked: &Checked) -> Outcome<SubmissionRow> {
    for flag in &checked.flags {
        let about = evidence::About { item: Some(&flag.path), ..about_visit(&submission) };
        let text = if flag.detail.is_empty() { &flag.code } else { &flag.detail };
        evidence::add_finding(tx, &about, &Finding::new(Found::AnswerFlagged, Level::Doubt).about(text))?;
    }
    report::store_answers(tx, &submission, &checked.items)?;
    if submissions::missing_photos(tx, &submission.id)? == 0 {
        photos_complete(tx, &submission)
    } else {
        Ok(submission)
    }
}

/// Every photo of the manifest is here: the checks begin, and the assessment follows them.
pub(super) fn photos_complete(tx: &mut Tx, sealed: &SubmissionRow) -> Outcome<SubmissionRow> {
    let row = submissions::move_state(tx, sealed, SubmissionMove::PhotosComplete, |_| {})?;
    let event = Event::new("submission.photos_complete", &row.id).brand(&row.brand_id);
    tx.record(event.moved(sealed.state.as_str(), row.state.as_str()))?;
    let now = tx.now();
    queue::enqueue(tx, "assess", row.id.as_str(), now)?;
    Ok(row)
}

// After a request for correction

/// Seals the next revision of work that a reviewer asked to be corrected.
pub fn revise_submission(
    cx: &Cx,
    who: &Worker,
    once: &Once,
    id: &SubmissionId,
    asked: &Revision,
) -> Outcome<SubmissionView> {
    let worker = WorkerScope::from(who);
    let mut errors = photo_errors(&asked.photos);
    errors.extend(fix_errors(&asked.fixes, 0..=SEALED_FIXES_MAX, "/fixes"));
    refuse(errors)?;
    let judged = cx.read(|c| {
        let row = submissions::find(c, &worker, id)?.or_missing("submission")?;
        if row.state != SubmissionState::NeedsCorrection {
            return Ok(None);
        }
        let new = manifest_refs(&asked.photos);
        let mut refs: Vec<PhotoRef> = submissions::live_photos(c, id)?
            .into_iter()
            .map(|(p, _)| PhotoRef { client_id: p.client_id, question_path: p.question })
            .collect();
        let replaced = submission::replaced(&refs, &new, asked.answers.as_ref());
        refs.retain(|photo| !replaced.contains(&photo.client_id));
        refs.extend(new);
        let answers = match &asked.answers {
            Some(answers) => Value::Object(answers.clone()),
            None => without_photos(&row.answers.0, &replaced),
        };
        let store = missions::any_store(c, &row.store_id)?;
        let checked = judge(c, &row.questionnaire_id, &store, &answers, &refs, (row.sealed_at, row.outcome))?;
        refuse_problems(&checked)?;
        Ok(Some((checked, replaced)))
    })?;
    cx.write_once(who, once, |tx| {
        let now = tx.now();
        let seen = submissions::find(tx, &worker, id)?.or_missing("submission")?;
        let visit = reservations::any_locked(tx, &seen.reservation_id)?.or_missing("reservation")?;
        let row = submissions::locked(tx, &worker, id)?.or_missing("submission")?;
        let wrong = || Failure::from(Refusal::wrong_state(row.state, &[]));
        let (checked, replaced) = judged.as_ref().ok_or_else(wrong)?;
        if row.state != SubmissionState::NeedsCorrection {
            return Err(wrong());
        }
        if row.correction_due_at.is_some_and(|due| due <= now) {
            let detail = "The time for the correction is over; a person decides on what is there.";
            return Err(Refusal { detail: detail.to_owned(), ..Refusal::wrong_state(row.state, &[]) }.into());
        }
        let known = submissions::photos(tx, id)?;
        if asked.photos.iter().any(|new| known.iter().any(|(old, _)| old.client_id == new.client_id)) {
            return Err(Refusal::new(Code::PhotoDiffers, "A photo of an earlier revision has this client id.").into());
        }
        if i64::try_from(known.len() + asked.photos.len()).is_ok_and(|n| n > PHOTOS_MAX) {
            return Err(Refusal::new(Code::TooManyPhotos, format!("At most {PHOTOS_MAX} in all revisions.")).into());
        }
        let revised = submissions::move_state(tx, &row, SubmissionMove::Revise, |new| {
            new.revision += 1;
            new.answers = Json(checked.answers.clone());
            new.sealed_at = now;
            new.received_at = now;
            new.photos_due_at = now.plus_secs(PHOTO_GRACE_SECS);
            new.correction = None;
            new.correction_due_at = None;
            new.claimed_by = None;
            new.claimed_until = None;
        })?;
        let event = Event::new("submission.revised", id).brand(&row.brand_id);
        let event = event.moved(row.state.as_str(), revised.state.as_str());
        let told = json!({ "revision": revised.revision, "photos": asked.photos.len(), "replaced": replaced });
        tx.record(event.data(told))?;
        submissions::replace_photos(tx, id, replaced, revised.revision)?;
        keep_revision(tx, &revised, &asked.photos, None)?;
        let store = missions::any_store(tx, &row.store_id)?;
        let fixes = add_fixes(tx, &visit.id, &store, "revision", &asked.fixes)?;
        renew_position_findings(tx, &visit, Some((id, revised.revision)), &store, &fixes)?;
        let revised = finish_seal(tx, revised, checked)?;
        view(tx, revised, now)
    })
}

/// Answers as they were, without the photos that were replaced.
fn without_photos(answers: &Value, replaced: &[String]) -> Value {
    match answers {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), without_photos(v, replaced))).collect())
        }
        Value::Array(list) => {
            let kept = list.iter().filter(|v| !v.as_str().is_some_and(|id| replaced.iter().any(|gone| gone == id)));
            Value::Array(kept.map(|v| without_photos(v, replaced)).collect())
        }
        other => other.clone(),
    }
}

// Seeing one's work

fn view(c: &mut Conn, row: SubmissionRow, now: At) -> Outcome<SubmissionView> {
    let mission = MissionSummary::find(c, &row.mission_id, now)?;
    view_with(c, row, mission)
}

fn view_with(c: &mut Conn, row: SubmissionRow, mission: MissionSummary) -> Outcome<SubmissionView> {
    let decided = match &row.decision_id {
        Some(id) => submissions::decision(c, id)?,
        None => None,
    };
    let paid = |d: &DecisionRow| d.kind != DecisionKind::NeedsCorrection;
    Ok(SubmissionView {
        photos_missing: submissions::missing_photos(c, &row.id)?,
        expected_pay: if row.outcome == Visit::Completed { mission.reward } else { mission.attempt_fee },
        pay: decided.filter(|(d, _)| paid(d)).map(|(d, _)| Money::new(d.pay_minor, d.currency)),
        id: row.id,
        reservation_id: row.reservation_id,
        mission,
        state: row.state,
        revision: row.revision,
        outcome: row.outcome,
        recheck: row.recheck,
        sealed_at: row.sealed_at,
        received_at: row.received_at,
        late: row.late,
        photos_due_at: row.photos_due_at,
        review_due_at: row.review_due_at,
        correction: row.correction,
        correction_due_at: row.correction_due_at,
        appeal_until: row.appeal_until,
        decided_at: row.decided_at,
    })
}

pub fn list_submissions(
    cx: &Cx,
    who: &Worker,
    state: Option<SubmissionState>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<SubmissionView>> {
    let now = cx.now();
    cx.read(|c| {
        let rows = submissions::page(c, &who.into(), state, after, limit + 1)?;
        let ids: Vec<MissionId> = rows.iter().map(|row| row.mission_id.clone()).collect();
        let summaries = MissionSummary::by_id(c, &ids, now)?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let mission = summaries.get(&row.mission_id).cloned().or_missing("mission")?;
            views.push(view_with(c, row, mission)?);
        }
        Ok(Page::of(views, limit, |v| v.id.to_string(), |v| v))
    })
}

/// One submission with everything that was said about it, in the worker's language.
pub fn get_submission(
    cx: &Cx,
    who: &Worker,
    id: &SubmissionId,
    language: Option<Language>,
) -> Outcome<SubmissionDetail> {
    let worker = WorkerScope::from(who);
    let now = cx.now();
    cx.read(|c| {
        let row = submissions::find(c, &worker, id)?.or_missing("submission")?;
        let language = language_of(c, &worker, language)?;
        let manifest = submissions::photos(c, id)?;
        let counts = manifest.iter().filter(|(photo, _)| photo.replaced_in.is_none());
        let ours: BTreeSet<EvidenceId> = counts.filter_map(|(photo, _)| photo.evidence_id.clone()).collect();
        let findings = evidence::any_findings(c, &row.reservation_id)?;
        let version = missions::any_questionnaire(c, &row.questionnaire_id)?;
        let clauses: Vec<Clause> = serde_json::from_value(version.brief.0).map_err(Failure::fault)?;
        let decision = match &row.decision_id {
            Some(decision) => submissions::decision(c, decision)?,
            None => None,
        };
        let timeline = audit::page(c, Some(id.as_str()), None, 200)?;
        let marks = grades::shown(c, &row)?;
        Ok(SubmissionDetail {
            grade: marks.visit.as_ref().map(|mark| mark.view(language)),
            answers: row.answers.0.clone(),
            submission: view(c, row, now)?,
            photos: manifest
                .into_iter()
                .map(|(photo, here)| ManifestPhoto {
                    client_id: photo.client_id,
                    question: photo.question,
                    sha256: photo.sha256,
                    revision: photo.revision,
                    evidence_id: photo.evidence_id,
                    checked: here.as_ref().is_some_and(|here| here.checked_at.is_some()),
                    replaced: photo.replaced_in.is_some(),
                    grade: here.and_then(|here| marks.photos.get(&here.id)).map(|mark| mark.view(language)),
                })
                .collect(),
            // Photos that were retaken and not sealed are nobody's business any more.
            findings: findings
                .iter()
                .filter(|f| f.evidence_id.as_ref().is_none_or(|photo| ours.contains(photo)))
                .filter_map(|f| finding_view(f, language))
                .collect(),
            decision: decision.map(|(row, refused)| decision_view(row, refused, &clauses)),
            timeline: timeline.into_iter().map(step).collect(),
        })
    })
}

fn decision_view(row: DecisionRow, refused: Vec<DecisionItemRow>, clauses: &[Clause]) -> DecisionView {
    let clause = clauses.iter().find(|clause| Some(&clause.id) == row.clause_id.as_ref());
    DecisionView {
        kind: row.kind,
        decided_by: row.decided_by,
        reason_code: row.reason_code,
        target: row.target,
        clause: clause.map(|clause| clause.text.clone()),
        clause_id: row.clause_id,
        text: row.text,
        pay: Money::new(row.pay_minor, row.currency),
        refused: refused
            .into_iter()
            .map(|item| RefusedItem {
                item: item.item,
                reason_code: item.reason_code,
                clause_id: item.clause_id,
                text: item.text,
            })
            .collect(),
        at: row.at,
    }
}

/// Who decided stays between colleagues; that a person did, is told.
fn step(event: EventRow) -> Step {
    Step {
        at: event.at,
        kind: event.kind,
        by: event.actor_kind,
        from: event.from_state,
        to: event.to_state,
        cause: event.cause,
    }
}
