//! From photos that arrived to an assessment: what a check needs to know, what it found, what all findings of a visit add
//! up to. A clear assessment approves by rule; a doubt asks a person; nothing here refuses.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decisions::settle;
use super::grades;
use super::stores::site_of;
use crate::context::Cx;
use crate::db::evidence::About;
use crate::db::rows::{AssessmentRow, EvidenceRow, PhotoPairRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, assess as db, evidence, looks, missions, pairs, queue, reservations, submissions, users};
use crate::domain::assessment::{self, Assessment, Opinion};
use crate::domain::capture::{self, Envelope, Link};
use crate::domain::decision::Verdict;
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Code, Finding, Level};
use crate::domain::ids::{EvidenceId, JobId, ReservationId, SubmissionId, UserId};
use crate::domain::place::Point;
use crate::domain::questionnaire::{self, LoopSets, PhotoRules, Questionnaire};
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::submission::{SubmissionMove, SubmissionState, review_due};
use crate::domain::time::At;
use crate::domain::user::UserState;

/// The queue of photos to look at; the subject is an evidence id.
pub const CHECK_EVIDENCE: &str = "check_evidence";
/// The queue of photos to compare with others; the subject is an evidence id.
pub const COMPARE_FEATURES: &str = "compare_features";
/// The queue of visits to assess; the subject is a submission id.
pub const ASSESS: &str = "assess";

const CHECKER: Actor = Actor::Machine("check_evidence");
const ASSESSOR: Actor = Actor::Machine("assess");
/// A visit whose photos are still being looked at is asked again after this.
const AGAIN_SECS: i64 = 5;

// Looking at a photo

/// All that a look at a photo needs besides its bytes. Kept with the look, so that it can be made again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Photo {
    pub id: EvidenceId,
    pub worker: UserId,
    pub visit: ReservationId,
    pub sha256: String,
    pub content_type: String,
    pub file_name: Option<String>,
    pub received_at: At,
    /// From the reservation to the seal, or to the arrival of the photo where that is not sealed yet.
    pub window: (At, At),
    pub time_zone: String,
    pub store: Option<Point>,
    pub radius_m: f64,
    /// What the questionnaire asks of it; `None` for a photo of the visit as a whole.
    pub rules: Option<PhotoRules>,
    /// What the app wrote down while taking it.
    pub envelope: Envelope,
    pub nonce: String,
    pub reserved_at: At,
}

impl Photo {
    /// What the visit says about the envelope.
    pub fn expected(&self) -> capture::Expected<'_> {
        capture::Expected {
            nonce: &self.nonce,
            reserved_at: self.reserved_at,
            received_at: self.received_at,
            camera_only: self.rules.as_ref().is_some_and(|rules| rules.camera_only),
        }
    }
}

/// The envelope that came with a photo; empty when none did.
pub(super) fn envelope_of(row: &EvidenceRow) -> Envelope {
    row.capture.0.get("envelope").and_then(|e| serde_json::from_value(e.clone()).ok()).unwrap_or_default()
}

/// `None` when it was looked at before: the job was killed after its record.
pub fn photo_to_look_at(cx: &Cx, id: &EvidenceId) -> Outcome<Option<Photo>> {
    cx.read(|c| match evidence::any_find(c, id)?.or_missing("photo")? {
        row if row.checked_at.is_some() => Ok(None),
        row => photo_of(c, row).map(Some),
    })
}

/// What a look at this photo is told now.
pub(super) fn photo_of(c: &mut Conn, row: EvidenceRow) -> Outcome<Photo> {
    let visit = reservations::any_find(c, &row.reservation_id)?.or_missing("reservation")?;
    let store = missions::any_store(c, &visit.store_id)?;
    let submission = submissions::any_of_reservation(c, &visit.id)?;
    // A photo for a correction is taken after the first seal.
    let until = submission
        .filter(|s| s.revision == 1 && s.state != SubmissionState::NeedsCorrection)
        .map_or(row.received_at, |s| s.sealed_at);
    let version = missions::any_questionnaire(c, &visit.questionnaire_id)?;
    let loops: LoopSets = serde_json::from_value(version.loops.0).map_err(Failure::fault)?;
    let rules = questionnaire::compile(&version.document.0, &loops)
        .ok()
        .and_then(|compiled| rules_of(&compiled, &row.question));
    // A photo is judged by a circle around the pin; this one holds everything that is near enough to the whole store.
    let radius_m = store.radius_m + site_of(&store)?.reach_m();
    Ok(Photo {
        envelope: envelope_of(&row),
        nonce: visit.nonce,
        reserved_at: visit.reserved_at,
        id: row.id,
        worker: row.worker_id,
        visit: visit.id,
        sha256: row.sha256,
        content_type: row.content_type,
        file_name: row.file_name,
        received_at: row.received_at,
        window: (visit.reserved_at, until.max(visit.reserved_at)),
        time_zone: store.time_zone,
        store: Point::new(store.lat, store.lon),
        radius_m,
        rules,
    })
}

/// The rules of the question that a pointer into the answers (`/brand/acme/shelf`) is about: the same path in the
/// document (`brand.shelf`) without the keys of its loops.
pub(super) fn rules_of(questionnaire: &Questionnaire, pointer: &str) -> Option<PhotoRules> {
    let parts: Vec<&str> = pointer.trim_start_matches('/').split('/').collect();
    let (last, before) = parts.split_last()?;
    if before.len() > 8 {
        return None;
    }
    let mut masks: Vec<u32> = (0..1_u32 << before.len()).collect();
    masks.sort_by_key(|mask| std::cmp::Reverse(mask.count_ones()));
    masks.into_iter().find_map(|mask| {
        let kept = before.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, part)| *part);
        let path: Vec<&str> = kept.chain([*last]).collect();
        questionnaire.photo_rules(&path.join(".")).cloned()
    })
}

/// A known photo's hash.
#[derive(Clone, Debug)]
pub struct Hashed {
    pub seq: i64,
    pub id: EvidenceId,
    pub worker: UserId,
    pub visit: ReservationId,
    pub at: At,
    pub pdq: String,
    pub quality: i64,
    /// The same of the photo without the bars around it.
    pub trimmed: Option<(String, i64)>,
}

/// Hashes recorded after number `after`, in order; at most `limit`.
pub fn hashes_after(cx: &Cx, after: i64, limit: i64) -> Outcome<Vec<Hashed>> {
    let rows = cx.read(|c| db::any_hashed(c, after, limit))?;
    let hashed = |(seq, id, worker, visit, at, pdq, quality, trimmed, trimmed_quality): db::HashedRow| {
        let trimmed = trimmed.map(|pdq| (pdq, trimmed_quality.unwrap_or(0)));
        Some(Hashed { seq: seq?, id, worker, visit, at, pdq: pdq?, quality: quality.unwrap_or(0), trimmed })
    };
    Ok(rows.into_iter().filter_map(hashed).collect())
}

/// Other people's and other visits' photos with the same bytes that came before this one: (photo, same worker).
pub fn copies_of(cx: &Cx, id: &EvidenceId) -> Outcome<Vec<(EvidenceId, bool)>> {
    cx.read(|c| {
        let row = evidence::any_find(c, id)?.or_missing("photo")?;
        let copies = db::any_copies(c, &row)?;
        Ok(copies.into_iter().map(|copy| (copy.id, copy.worker_id == row.worker_id)).collect())
    })
}

/// What one look gave. Renditions are in the photo store already.
#[derive(Clone, Debug)]
pub struct Look {
    /// What the look was told; `None` when there was none.
    pub context: Option<Photo>,
    pub findings: Vec<Finding>,
    pub facts: Value,
    pub pdq: Option<String>,
    pub pdq_quality: i64,
    pub pdq_trimmed: Option<(String, i64)>,
    /// Photos that look like this one.
    pub pairs: Vec<Alike>,
    pub rendition_large: Option<String>,
    pub rendition_small: Option<String>,
    pub rule_version: String,
}

/// An earlier photo that looks like the one that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alike {
    pub other: EvidenceId,
    pub code: Code,
    /// Bits of the hash that differ.
    pub distance: i64,
    /// Number of the way in which the photo is turned or mirrored against the other, as both are stored.
    pub symmetry: i64,
}

/// What became of a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    Done,
    /// Photos were recorded since the search for copies, which went up to another number: search again.
    SearchAgain,
}

/// Writes what a look gave, ends its job, and wakes the assessment of the visit it belongs to. `searched_up_to` is the
/// number of the newest hash that was searched: of two copies looked at side by side, one finds the other.
pub fn record_looked(
    cx: &Cx,
    job: &JobId,
    id: &EvidenceId,
    look: &Look,
    searched_up_to: Option<i64>,
) -> Outcome<Recorded> {
    cx.write_as(&CHECKER, |tx| {
        let row = db::any_evidence_locked(tx, id)?.or_missing("photo")?;
        if row.checked_at.is_some() {
            tx.nothing_changed();
            queue::done(tx, job)?;
            return Ok(Recorded::Done);
        }
        let mut hash_seq = None;
        if look.pdq.is_some() {
            let last = db::last_hash_seq(tx)?;
            if searched_up_to.is_some_and(|searched| searched < last) {
                tx.nothing_changed();
                return Ok(Recorded::SearchAgain);
            }
            hash_seq = Some(last + 1);
        }
        let submission = add_photo_findings(tx, &row, &look.findings)?;
        let look = &kept_of(tx, &row.worker_id, look)?;
        for pair in &look.pairs {
            let row = PhotoPairRow {
                evidence_id: id.clone(),
                other_id: pair.other.clone(),
                code: pair.code.as_str().to_owned(),
                distance: Some(pair.distance),
                symmetry: Some(pair.symmetry),
                alignment: None,
                at: tx.now(),
            };
            pairs::add(tx, &row)?;
        }
        // Without a rendition there is nothing to compare.
        let is_comparable = look.rendition_large.is_some();
        if is_comparable {
            queue::enqueue(tx, COMPARE_FEATURES, id.as_str(), tx.now())?;
        }
        let looked = EvidenceRow {
            checked_at: Some(tx.now()),
            check_version: Some(look.rule_version.clone()),
            facts: Some(Json(look.facts.clone())),
            pdq: look.pdq.clone(),
            pdq_quality: look.pdq.is_some().then_some(look.pdq_quality),
            rendition_large: look.rendition_large.clone(),
            rendition_small: look.rendition_small.clone(),
            hash_seq,
            pdq_trimmed: look.pdq_trimmed.as_ref().map(|(pdq, _)| pdq.clone()),
            pdq_trimmed_quality: look.pdq_trimmed.as_ref().map(|(_, quality)| *quality),
            compared_at: (!is_comparable).then_some(tx.now()),
            ..row.clone()
        };
        db::set_looked(tx, &looked)?;
        keep_look(tx, id, look)?;
        let codes: Vec<&str> = look.findings.iter().map(|f| f.code.as_str()).collect();
        let event = Event::new("evidence.checked", id).brand(&row.brand_id).rule(look.rule_version.clone());
        tx.record(event.data(json!({ "findings": codes })))?;
        queue::done(tx, job)?;
        wake_assessment(tx, submission.as_ref())?;
        Ok(Recorded::Done)
    })
}

/// Writes findings about a photo; returns the submission that it belongs to.
pub(super) fn add_photo_findings(
    tx: &mut Tx,
    row: &EvidenceRow,
    findings: &[Finding],
) -> Outcome<Option<SubmissionRow>> {
    let submission = match db::any_submission_of_photo(tx, &row.id)? {
        Some(id) => submissions::any_find(tx, &id)?,
        None => None,
    };
    let about = About {
        reservation: &row.reservation_id,
        submission: submission.as_ref().map(|s| &s.id),
        evidence: Some(&row.id),
        revision: submission.as_ref().map_or(1, |s| s.revision),
        item: Some(&row.question),
    };
    for finding in findings {
        evidence::add_finding(tx, &about, finding)?;
    }
    Ok(submission)
}

pub(super) fn wake_assessment(tx: &mut Tx, submission: Option<&SubmissionRow>) -> Outcome<()> {
    match submission {
        Some(submission) if submission.state == SubmissionState::Checking => {
            queue::wake(tx, ASSESS, submission.id.as_str())
        }
        _ => Ok(()),
    }
}

/// The look as it may be kept: of somebody who was erased meanwhile without places. The photo is locked, and an erasure
/// locks it too.
fn kept_of(tx: &mut Tx, worker: &UserId, look: &Look) -> Outcome<Look> {
    let mut look = look.clone();
    if users::any_find(tx, worker)?.is_none_or(|user| user.state == UserState::Erased) {
        look.context = None;
        if let Some(facts) = look.facts.as_object_mut() {
            facts.remove("point");
        }
    }
    Ok(look)
}

/// Keeps a look as it was made, whatever later ones find.
pub(super) fn keep_look(tx: &mut Tx, id: &EvidenceId, look: &Look) -> Outcome<()> {
    let json = |value: serde_json::Result<Value>| value.map(Json).map_err(Failure::fault);
    let context = look.context.as_ref().map(|photo| json(serde_json::to_value(photo))).transpose()?;
    looks::add(tx, id, &look.rule_version, context, json(serde_json::to_value(&look.findings))?)
}

/// Keeps what a comparison added to the look before it.
pub(super) fn keep_compared(tx: &mut Tx, id: &EvidenceId, findings: &[Finding]) -> Outcome<()> {
    let Some(last) = looks::any_of(tx, id)?.pop().filter(|_| !findings.is_empty()) else { return Ok(()) };
    let mut all = last.findings.0.as_array().cloned().unwrap_or_default();
    for finding in findings {
        all.push(serde_json::to_value(finding).map_err(Failure::fault)?);
    }
    looks::add(tx, id, &last.rule_version, last.context, Json(Value::Array(all)))
}

/// A photo that could not be looked at in several tries is left to a person, so that nobody's work hangs.
pub fn give_up_look(cx: &Cx, job: &JobId, id: &EvidenceId, why: &str) -> Outcome<Recorded> {
    let look = Look {
        context: None,
        findings: vec![Finding::new(Code::Damaged, Level::Doubt).about("it could not be checked")],
        facts: json!({ "gave_up": why }),
        pdq: None,
        pdq_quality: 0,
        pdq_trimmed: None,
        pairs: Vec::new(),
        rendition_large: None,
        rendition_small: None,
        rule_version: crate::domain::finding::RULE_VERSION.to_owned(),
    };
    record_looked(cx, job, id, &look, None)
}

// Assessing a visit

/// What became of a try to assess.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assessed {
    Done,
    /// Photos are still being looked at or compared.
    NotYet,
}

/// Assesses a visit whose photos were all looked at and compared. `to_person`: earlier tries failed, a person decides in any case.
pub fn assess(cx: &Cx, job: &JobId, id: &SubmissionId, to_person: bool) -> Outcome<Assessed> {
    cx.write_as(&ASSESSOR, |tx| {
        let seen = submissions::any_find(tx, id)?.or_missing("submission")?;
        missions::any_locked(tx, &seen.mission_id)?.or_missing("mission")?;
        let submission = submissions::any_locked(tx, id)?.or_missing("submission")?;
        if submission.state != SubmissionState::Checking {
            tx.nothing_changed();
            queue::done(tx, job)?;
            return Ok(Assessed::Done);
        }
        if db::any_unchecked(tx, id)? > 0 {
            tx.nothing_changed();
            let again = tx.now().plus_secs(AGAIN_SECS);
            queue::retry(tx, job, None, again, false)?;
            return Ok(Assessed::NotYet);
        }
        note_chain(tx, &submission)?;
        let found = weigh(tx, &submission)?;
        match found.opinion {
            Opinion::Clear if !to_person => {
                note(tx, &submission, &found)?;
                let inputs = json!({ "findings": found.weighed, "risk": found.risk });
                settle(tx, &submission, &Verdict::approved_by_rule(found.rule_version, inputs))?;
            }
            Opinion::Clear | Opinion::Doubt => {
                enter_review(tx, &submission, SubmissionMove::AskPerson, &found)?;
            }
        }
        queue::done(tx, job)?;
        Ok(Assessed::Done)
    })
}

/// Says when the photos of a visit do not follow each other as the app wrote down.
fn note_chain(tx: &mut Tx, submission: &SubmissionRow) -> Outcome<()> {
    let photos = evidence::any_of_reservation(tx, &submission.reservation_id)?;
    let envelopes: Vec<Envelope> = photos.iter().map(envelope_of).collect();
    let links = photos.iter().zip(&envelopes).map(|(row, envelope)| Link { sha256: &row.sha256, envelope });
    evidence::drop_findings(tx, &submission.reservation_id, &[Code::CaptureConflict])?;
    if let Some(finding) = capture::chain(&links.collect::<Vec<_>>()) {
        let about = About {
            reservation: &submission.reservation_id,
            submission: Some(&submission.id),
            evidence: None,
            revision: submission.revision,
            item: None,
        };
        evidence::add_finding(tx, &about, &finding)?;
    }
    Ok(())
}

/// What all findings that concern the sealed revision add up to: those about the photos that count for it, about the
/// visit, and about this revision's answers.
pub(super) fn weigh(conn: &mut Conn, submission: &SubmissionRow) -> Outcome<Assessment> {
    let photos = submissions::live_photos(conn, &submission.id)?;
    let sent: Vec<&EvidenceId> = photos.iter().filter_map(|(_, row)| row.as_ref().map(|row| &row.id)).collect();
    let rows = db::any_findings(conn, &submission.reservation_id)?;
    let found: Vec<(Code, Level)> = rows
        .iter()
        .filter(|row| match (&row.evidence_id, &row.submission_id) {
            (Some(photo), _) => sent.contains(&photo),
            // Answers are sealed anew with each revision; what is odd about the visit itself stays.
            (None, Some(_)) => row.item.is_none() || row.revision == submission.revision,
            (None, None) => true,
        })
        // A code of a later version weighs as a doubt of the lightest kind rather than as nothing.
        .map(|row| match evidence::read_finding(row) {
            Some(finding) => (finding.code, finding.level),
            None => (Code::AnswerFlagged, Level::Doubt),
        })
        .collect();
    Ok(assessment::of(&found))
}

pub(super) fn note(tx: &mut Tx, submission: &SubmissionRow, found: &Assessment) -> Outcome<()> {
    let row = AssessmentRow {
        id: tx.id(),
        submission_id: submission.id.clone(),
        revision: submission.revision,
        verdict: found.opinion.as_str().to_owned(),
        risk: found.risk,
        inputs: Json(json!({ "findings": found.weighed })),
        rule_version: found.rule_version.to_owned(),
        at: tx.now(),
    };
    db::add_assessment(tx, &row)
}

/// Hands a submission to people. Its clock starts the first time and goes on through a correction; work that comes back
/// near its end, or after it, leaves people a day, but never more than 14 days since the first time.
pub(super) fn enter_review(
    tx: &mut Tx,
    submission: &SubmissionRow,
    step: SubmissionMove,
    found: &Assessment,
) -> Outcome<SubmissionRow> {
    note(tx, submission, found)?;
    grades::keep(tx, submission)?;
    let days = missions::any_campaign(tx, &submission.campaign_id)?.review_days;
    let now = tx.now();
    let from = submission.state;
    let moved = submissions::move_state(tx, submission, step, |row| {
        row.risk = found.risk;
        let first = *row.entered_review_at.get_or_insert(now);
        row.review_due_at = Some(review_due(first, days, now));
    })?;
    let codes: Vec<&str> = found.weighed.iter().filter(|w| w.level > Level::Info).map(|w| w.code.as_str()).collect();
    let event = Event::new("submission.in_review", &moved.id)
        .brand(&moved.brand_id)
        .moved(from.as_str(), moved.state.as_str())
        .rule(found.rule_version)
        .data(json!({ "risk": found.risk, "doubts": codes, "review_due_at": moved.review_due_at }));
    tx.record(event)?;
    Ok(moved)
}
