//! The review desk: the queue, claims, and all that a reviewer needs to decide. A claim lasts fifteen minutes and keeps
//! colleagues away; it never stops the silence clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Reviewer;
use crate::context::{Cx, Once};
use crate::db::rows::{FindingRow, PhotoPairRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, appeals, decisions, evidence, missions, pairs, reservations, reviews, submissions};
use crate::domain::campaign::Clause;
use crate::domain::event::Event;
use crate::domain::finding::Language;
use crate::domain::ids::*;
use crate::domain::questionnaire::ItemAnswer;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::submission::{Outcome as Visit, SubmissionState};
use crate::domain::time::At;
use crate::ops::Page;
use crate::ops::appeals::AppealView;
use crate::ops::decisions::{DecisionView, judged, wrong_state};
use crate::ops::grades::{self, GradeView, Marks};

/// How long a reviewer holds a submission.
pub const CLAIM_SECS: i64 = 15 * 60;

/// A submission in the queue.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReviewItem {
    pub submission_id: SubmissionId,
    pub mission_id: MissionId,
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub store_id: StoreId,
    pub store_name: String,
    pub store_city: Option<String>,
    pub worker_id: UserId,
    pub state: SubmissionState,
    pub outcome: Visit,
    pub revision: i64,
    /// 0 to 100; sorts the queue.
    pub risk: i64,
    pub late: bool,
    pub sealed_at: At,
    pub entered_review_at: Option<At>,
    /// Approved by silence then.
    pub review_due_at: Option<At>,
    pub claimed_by: Option<UserId>,
    pub claimed_until: Option<At>,
}

impl ReviewItem {
    fn of((row, store_name, store_city): reviews::Queued) -> ReviewItem {
        ReviewItem {
            submission_id: row.id,
            mission_id: row.mission_id,
            campaign_id: row.campaign_id,
            brand_id: row.brand_id,
            store_id: row.store_id,
            store_name,
            store_city,
            worker_id: row.worker_id,
            state: row.state,
            outcome: row.outcome,
            revision: row.revision,
            risk: row.risk,
            late: row.late,
            sealed_at: row.sealed_at,
            entered_review_at: row.entered_review_at,
            review_due_at: row.review_due_at,
            claimed_by: row.claimed_by,
            claimed_until: row.claimed_until,
        }
    }

    fn read(conn: &mut Conn, row: SubmissionRow) -> Outcome<ReviewItem> {
        let store = missions::any_store(conn, &row.store_id)?;
        Ok(ReviewItem::of((row, store.name, store.city)))
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct FindingView {
    pub id: FindingId,
    pub code: String,
    pub level: String,
    pub item: Option<String>,
    pub revision: i64,
    /// Value, limit and sentence as the check wrote them.
    pub finding: Value,
    pub rule_version: String,
    pub at: At,
}

impl FindingView {
    fn of(row: FindingRow) -> FindingView {
        FindingView {
            id: row.id,
            code: row.code,
            level: row.level,
            item: row.item,
            revision: row.revision,
            finding: row.finding.0,
            rule_version: row.rule_version,
            at: row.at,
        }
    }
}

/// A photo of the manifest; `evidence_id` is null while it is missing.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReviewPhoto {
    pub client_id: String,
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub evidence_id: Option<EvidenceId>,
    pub content_type: Option<String>,
    pub received_at: Option<At>,
    pub checked_at: Option<At>,
    /// What was read from the photo; null until it was checked.
    pub facts: Option<Value>,
    pub findings: Vec<FindingView>,
    /// How much this photo proves; null before it was looked at, and when it no longer counts.
    pub grade: Option<GradeView>,
    /// A photo of a later revision took its place: it no longer counts.
    pub replaced: bool,
    /// Photos that this one looks like or was made from.
    pub pairs: Vec<PhotoPair>,
}

/// Another photo, and how this one lies on it.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PhotoPair {
    pub other_id: EvidenceId,
    /// Code of the finding.
    pub code: String,
    /// Bits of 256 that differ, where a hash found the pair.
    pub distance: Option<i64>,
    /// How the stored photo is turned or mirrored against the other, where a hash found the pair.
    pub symmetry: Option<i64>,
    /// Takes a point of this photo to the other: `(x', y', w') = H (x, y, 1)`, row by row, in long sides of the upright
    /// photos, from the upper left corner.
    pub homography: Option<Vec<f64>>,
    pub mirrored: Option<bool>,
    /// Correlation that nine tenths of the compared tiles reach.
    pub agreement: Option<f64>,
    pub tiles: Option<i64>,
    pub inliers: Option<i64>,
    /// Share of the tiles that agree as only a copy does.
    pub copied: Option<f64>,
    pub at: At,
}

impl PhotoPair {
    fn of(row: PhotoPairRow) -> PhotoPair {
        let alignment = row.alignment.map(|Json(value)| value).unwrap_or_default();
        let figure = |name: &str| alignment.get(name);
        PhotoPair {
            other_id: row.other_id,
            code: row.code,
            distance: row.distance,
            symmetry: row.symmetry,
            homography: figure("homography").and_then(|h| serde_json::from_value(h.clone()).ok()),
            mirrored: figure("mirrored").and_then(Value::as_bool),
            agreement: figure("agreement").and_then(Value::as_f64),
            tiles: figure("tiles").and_then(Value::as_i64),
            inliers: figure("inliers").and_then(Value::as_i64),
            copied: figure("copied").and_then(Value::as_f64),
            at: row.at,
        }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReviewFix {
    pub purpose: String,
    pub lat: f64,
    pub lon: f64,
    pub accuracy_m: f64,
    pub mock: bool,
    pub at: At,
    pub received_at: At,
    pub distance_m: f64,
    /// `pass`, `uncertain` or `fail`.
    pub verdict: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReviewStore {
    pub id: StoreId,
    pub name: String,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub radius_m: f64,
    pub opening_hours: Option<String>,
    pub time_zone: String,
}

/// What a worker's work came to so far.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct WorkerHistory {
    pub approved: i64,
    pub partly_approved: i64,
    pub rejected: i64,
    /// Sealed, being checked, in review, in correction or appealed.
    pub open: i64,
    pub appeals: i64,
    pub sanctions: i64,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct AssessmentView {
    pub id: AssessmentId,
    pub revision: i64,
    pub verdict: String,
    pub risk: i64,
    pub inputs: Value,
    pub rule_version: String,
    pub at: At,
}

/// A decision that waits for a second reviewer.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ProposalView {
    pub proposed_by: UserId,
    pub revision: i64,
    /// What the second reviewer has to send.
    pub verdict: Value,
    pub at: At,
}

/// Everything about one submission.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReviewView {
    pub submission: ReviewItem,
    pub store: ReviewStore,
    pub clauses: Vec<Clause>,
    /// The questionnaire version that the worker answered.
    pub questionnaire: Value,
    pub answers: Value,
    /// Every question that was shown: path, question, type, name, section, loop_key, clause_id, answer, photos.
    pub items: Vec<Value>,
    /// What the questionnaire's own rules found odd: path, code, detail.
    pub flags: Vec<Value>,
    /// How much the evidence of the whole visit proves; null before a photo was looked at.
    pub grade: Option<GradeView>,
    pub photos: Vec<ReviewPhoto>,
    /// Findings about the visit, not about one photo.
    pub findings: Vec<FindingView>,
    pub fixes: Vec<ReviewFix>,
    pub assessment: Option<AssessmentView>,
    pub worker: WorkerHistory,
    pub decisions: Vec<DecisionView>,
    pub proposal: Option<ProposalView>,
    pub appeal: Option<AppealView>,
}

/// Submissions that wait for a person and are not held by a colleague. Cursor: deadline, risk and id.
pub fn list_reviews(cx: &Cx, who: &Reviewer, after: Option<&str>, limit: i64) -> Outcome<Page<ReviewItem>> {
    let after = after.map(read_key).transpose()?;
    let rows = cx.read(|c| reviews::queue(c, who.user(), cx.now(), after.as_ref(), limit + 1))?;
    let key = |(row, ..): &reviews::Queued| {
        let due = row.review_due_at.map_or(0, At::micros);
        format!("{due}.{}.{}", row.risk, row.id)
    };
    Ok(Page::of(rows, limit, key, ReviewItem::of))
}

fn read_key(key: &str) -> Outcome<reviews::QueueKey> {
    let mut parts = key.splitn(3, '.');
    let mut part = || parts.next().unwrap_or_default();
    let (due, risk, id) =
        (part().parse().ok().and_then(At::from_micros), part().parse().ok(), SubmissionId::parse(part()));
    match (due, risk, id) {
        (Some(due), Some(risk), Some(id)) => Ok((due, risk, id)),
        _ => Err(Refusal::new(Code::InvalidCursor, "It does not belong to this list.").into()),
    }
}

pub fn get_review(cx: &Cx, _who: &Reviewer, id: &SubmissionId) -> Outcome<ReviewView> {
    cx.read(|c| {
        let row = submissions::any_find(c, id)?.or_missing("submission")?;
        let judged = judged(c, &row)?;
        let store = missions::any_store(c, &row.store_id)?;
        let marks = grades::shown(c, &row)?;
        let (photos, findings) = photos_and_findings(c, &row, &marks)?;
        let mut decided = Vec::new();
        for decision in decisions::any_of_submission(c, id)? {
            decided.push(DecisionView::read(c, decision)?);
        }
        let proposal = decisions::any_proposal(c, id)?.filter(|p| p.revision == row.revision);
        let as_json = |item: &ItemAnswer| serde_json::to_value(item).map_err(Failure::fault);
        Ok(ReviewView {
            clauses: judged.clauses.clone(),
            questionnaire: judged.questionnaire.document().clone(),
            answers: row.answers.0.clone(),
            items: judged.checked.items.iter().map(as_json).collect::<Outcome<_>>()?,
            flags: judged.checked.flags.iter().map(|flag| json!(flag)).collect(),
            grade: marks.visit.as_ref().map(|mark| mark.view(Language::En)),
            photos,
            findings,
            fixes: fixes(c, &row.reservation_id)?,
            assessment: reviews::any_assessment(c, id)?.map(|a| AssessmentView {
                id: a.id,
                revision: a.revision,
                verdict: a.verdict,
                risk: a.risk,
                inputs: a.inputs.0,
                rule_version: a.rule_version,
                at: a.at,
            }),
            worker: history(c, &row.worker_id)?,
            decisions: decided,
            proposal: proposal.map(|p| ProposalView {
                proposed_by: p.proposed_by,
                revision: p.revision,
                verdict: p.verdict.0,
                at: p.at,
            }),
            appeal: appeals::any_of_submission(c, id)?.map(AppealView::of),
            submission: ReviewItem::of((row, store.name.clone(), store.city.clone())),
            store: ReviewStore {
                id: store.id,
                name: store.name,
                street: store.street,
                housenumber: store.housenumber,
                postcode: store.postcode,
                city: store.city,
                country: store.country,
                lat: store.lat,
                lon: store.lon,
                radius_m: store.radius_m,
                opening_hours: store.opening_hours,
                time_zone: store.time_zone,
            },
        })
    })
}

fn photos_and_findings(
    conn: &mut Conn,
    row: &SubmissionRow,
    marks: &Marks,
) -> Outcome<(Vec<ReviewPhoto>, Vec<FindingView>)> {
    let mut of_photo: BTreeMap<EvidenceId, Vec<FindingView>> = BTreeMap::new();
    let mut of_visit = Vec::new();
    for finding in evidence::any_findings(conn, &row.reservation_id)? {
        match finding.evidence_id.clone() {
            Some(photo) => of_photo.entry(photo).or_default().push(FindingView::of(finding)),
            None => of_visit.push(FindingView::of(finding)),
        }
    }
    let mut photos = Vec::new();
    for (photo, evidence) in submissions::photos(conn, &row.id)? {
        let evidence = evidence.as_ref();
        let alike = evidence.map(|e| pairs::any_of(conn, &e.id)).transpose()?.unwrap_or_default();
        photos.push(ReviewPhoto {
            client_id: photo.client_id,
            question: photo.question,
            sha256: photo.sha256,
            size_bytes: photo.size_bytes,
            evidence_id: evidence.map(|e| e.id.clone()),
            content_type: evidence.map(|e| e.content_type.clone()),
            received_at: evidence.map(|e| e.received_at),
            checked_at: evidence.and_then(|e| e.checked_at),
            facts: evidence.and_then(|e| e.facts.clone()).map(|Json(facts)| facts),
            findings: evidence.and_then(|e| of_photo.remove(&e.id)).unwrap_or_default(),
            grade: evidence.and_then(|e| marks.photos.get(&e.id)).map(|mark| mark.view(Language::En)),
            replaced: photo.replaced_in.is_some(),
            pairs: alike.into_iter().map(PhotoPair::of).collect(),
        });
    }
    Ok((photos, of_visit))
}

fn fixes(conn: &mut Conn, id: &ReservationId) -> Outcome<Vec<ReviewFix>> {
    let rows = reservations::any_fixes(conn, id)?;
    let fix = |row: crate::db::rows::PositionFixRow| ReviewFix {
        purpose: row.purpose,
        lat: row.lat,
        lon: row.lon,
        accuracy_m: row.accuracy_m,
        mock: row.mock,
        at: row.at,
        received_at: row.received_at,
        distance_m: row.distance_m,
        verdict: row.verdict,
    };
    Ok(rows.into_iter().map(fix).collect())
}

fn history(conn: &mut Conn, worker: &UserId) -> Outcome<WorkerHistory> {
    let mut history = WorkerHistory::default();
    for (state, count) in reviews::any_counts(conn, worker)? {
        match state {
            SubmissionState::Approved => history.approved += count,
            SubmissionState::PartlyApproved => history.partly_approved += count,
            SubmissionState::Rejected => history.rejected += count,
            _ => history.open += count,
        }
    }
    (history.appeals, history.sanctions) = reviews::any_appeals_and_sanctions(conn, worker)?;
    Ok(history)
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    /// Null: the next one of the queue.
    #[serde(default)]
    pub submission_id: Option<String>,
}

/// Takes the next submission of the queue, or a given one, for fifteen minutes; claiming again prolongs it.
pub fn claim_review(cx: &Cx, who: &Reviewer, once: &Once, asked: &ClaimBody) -> Outcome<ReviewItem> {
    let wanted = match &asked.submission_id {
        Some(text) => Some(SubmissionId::parse(text).or_missing("submission")?),
        None => None,
    };
    cx.write_once(who, once, |tx| {
        let id = match &wanted {
            Some(id) => id.clone(),
            None => reviews::next_free(tx, who.user())?
                .ok_or_else(|| Refusal::new(Code::NotFound, "Nothing waits for a review."))?,
        };
        let until = tx.now().plus_secs(CLAIM_SECS);
        let Some(row) = reviews::claim(tx, &id, who.user(), until)? else {
            let row = submissions::any_find(tx, &id)?.or_missing("submission")?;
            return Err(match (row.state, row.claimed_until) {
                (SubmissionState::InReview, Some(until)) => {
                    Refusal::new(Code::NotClaimed, format!("A colleague holds it until {until}.")).into()
                }
                (state, _) => wrong_state(state),
            });
        };
        tx.record(Event::new("review.claimed", &id).brand(&row.brand_id).data(json!({ "until": until })))?;
        ReviewItem::read(tx, row)
    })
}

/// Gives a claimed submission back to the queue.
pub fn release_review(cx: &Cx, who: &Reviewer, once: &Once, id: &SubmissionId) -> Outcome<ReviewItem> {
    cx.write_once(who, once, |tx| {
        submissions::any_find(tx, id)?.or_missing("submission")?;
        let row = reviews::release(tx, id, who.user())?
            .ok_or_else(|| Refusal::new(Code::NotClaimed, "You do not hold this submission, or no longer."))?;
        tx.record(Event::new("review.released", id).brand(&row.brand_id))?;
        ReviewItem::read(tx, row)
    })
}

/// Which bytes of a photo.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum PhotoSize {
    /// As the phone sent it, with its metadata; looking at it is recorded.
    Original,
    #[default]
    Large,
    Small,
}

/// Where the bytes of a photo are.
#[derive(Clone, Debug)]
pub enum PhotoPlace {
    /// Under its SHA-256, with the content type that was sent.
    Original { sha256: String, content_type: String },
    /// Under this key; a JPEG.
    Rendition { key: String },
}

/// Finds a photo for a reviewer. The original can show where and by whom it was taken, so its opening is an event.
pub fn get_photo(cx: &Cx, who: &Reviewer, id: &EvidenceId, size: PhotoSize) -> Outcome<PhotoPlace> {
    let row = cx.read(|c| evidence::any_find(c, id)?.or_missing("photo"))?;
    let rendition = match size {
        PhotoSize::Original => {
            cx.write(who, |tx| {
                tx.record(Event::new("photo.opened", id).brand(&row.brand_id).data(json!({ "size": "original" })))
            })?;
            return Ok(PhotoPlace::Original { sha256: row.sha256, content_type: row.content_type });
        }
        PhotoSize::Large => row.rendition_large,
        PhotoSize::Small => row.rendition_small,
    };
    let not_ready = || Refusal::new(Code::PhotoNotReady, "Its renditions are not made yet, or cannot be made.");
    Ok(PhotoPlace::Rendition { key: rendition.ok_or_else(not_ready)? })
}
