//! What a brand gets for its money: approved submissions with their accepted answers, and the photos that prove those.
//! Refused answers, undecided work, originals and the worker's name are never shown, nor, where the platform hides them,
//! faces.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Page, faces};
use crate::access::BrandViewer;
use crate::access::scope::BrandScope;
use crate::context::Cx;
use crate::db;
use crate::db::Conn;
use crate::db::rows::{AnswerRow, EvidenceRow, SubmissionPhotoRow, SubmissionRow};
use crate::domain::finding::Language;
use crate::domain::grade::Letter;
use crate::domain::ids::{CampaignId, EvidenceId, MissionId, StoreId, SubmissionId};
use crate::domain::refusal::{Code, OrMissing, Outcome, Refusal};
use crate::domain::submission::{self, SubmissionState};
use crate::domain::time::At;
use crate::ops::grades::{self, GradeView};

/// A delivered submission in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryLine {
    pub id: SubmissionId,
    pub campaign_id: CampaignId,
    pub mission_id: MissionId,
    pub store_id: StoreId,
    /// `approved` or `partly_approved`.
    pub state: SubmissionState,
    pub outcome: submission::Outcome,
    /// When the worker ended the visit.
    pub sealed_at: At,
    pub decided_at: Option<At>,
    /// How much the evidence proves, `A` to `D`; null when nothing was graded.
    pub grade: Option<Letter>,
}

impl From<SubmissionRow> for DeliveryLine {
    fn from(row: SubmissionRow) -> DeliveryLine {
        DeliveryLine {
            id: row.id,
            campaign_id: row.campaign_id,
            mission_id: row.mission_id,
            store_id: row.store_id,
            // Only what was partly approved is delivered while it is appealed.
            state: match row.state {
                SubmissionState::Appealed => SubmissionState::PartlyApproved,
                state => state,
            },
            outcome: row.outcome,
            sealed_at: row.sealed_at,
            decided_at: row.decided_at,
            grade: None,
        }
    }
}

/// An accepted answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveredAnswer {
    /// JSON pointer into the answers, `/brand/acme/facings`.
    pub path: String,
    pub name: String,
    /// The question's type, `count`.
    pub kind: String,
    pub loop_key: Option<String>,
    /// `kind` is `not_observed` when the question was asked and not answered.
    pub value: Value,
}

/// A delivered submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryView {
    pub id: SubmissionId,
    pub campaign_id: CampaignId,
    pub mission_id: MissionId,
    pub store_id: StoreId,
    pub state: SubmissionState,
    pub outcome: submission::Outcome,
    pub sealed_at: At,
    pub decided_at: Option<At>,
    /// How much the evidence proves, with the reasons.
    pub grade: Option<GradeView>,
    /// Where the phone was; null when it sent no position.
    pub position: Option<DeliveredPosition>,
    pub answers: Vec<DeliveredAnswer>,
}

/// Where the phone was, as far as a brand needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveredPosition {
    /// `pass`, `uncertain` or `fail`: inside the fence, perhaps, or outside.
    pub verdict: String,
    /// Metres from the store, to ten metres.
    pub distance_m: i64,
}

/// A photo behind accepted answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveredPhoto {
    pub id: EvidenceId,
    pub submission_id: SubmissionId,
    /// JSON pointer of the question it answers; empty for a photo of the visit as a whole.
    pub question: String,
    /// Whether its renditions are made and, where the platform hides faces, searched for those.
    pub ready: bool,
    pub received_at: At,
    /// How much this photo proves.
    pub grade: Option<GradeView>,
}

/// Delivered submissions, newest first.
pub fn list_brand_submissions(
    cx: &Cx,
    who: &BrandViewer,
    campaign: Option<&CampaignId>,
    before: Option<String>,
    limit: i64,
) -> Outcome<Page<DeliveryLine>> {
    let rows = cx.read(|c| db::deliveries::page(c, &BrandScope::from(who), campaign, before.as_deref(), limit + 1))?;
    let mut page = Page::of(rows, limit, |row| row.id.to_string(), DeliveryLine::from);
    let ids: Vec<SubmissionId> = page.items.iter().map(|line| line.id.clone()).collect();
    for row in cx.read(|c| db::grades::any_of(c, &ids))? {
        page.items.iter_mut().filter(|line| line.id == row.submission_id).for_each(|line| line.grade = row.letter);
    }
    Ok(page)
}

pub fn get_brand_submission(cx: &Cx, who: &BrandViewer, id: &SubmissionId) -> Outcome<DeliveryView> {
    let scope = BrandScope::from(who);
    cx.read(|c| {
        let row = db::deliveries::find(c, &scope, id)?.or_missing("submission")?;
        let answers = db::deliveries::accepted(c, &scope, id)?;
        let grade = grades::shown(c, &row)?.visit.map(|mark| mark.view(Language::En));
        let position = db::tracks::any_find(c, &row.reservation_id)?
            .map(|track| DeliveredPosition { verdict: track.verdict, distance_m: track.distance_m });
        let DeliveryLine { id, campaign_id, mission_id, store_id, state, outcome, sealed_at, decided_at, .. } =
            row.into();
        let answer = |a: AnswerRow| DeliveredAnswer {
            path: a.path,
            name: a.name,
            kind: a.kind,
            loop_key: a.loop_key,
            value: a.value.0,
        };
        let answers = answers.into_iter().map(answer).collect();
        Ok(DeliveryView {
            id,
            campaign_id,
            mission_id,
            store_id,
            state,
            outcome,
            sealed_at,
            decided_at,
            grade,
            position,
            answers,
        })
    })
}

pub fn list_brand_photos(cx: &Cx, who: &BrandViewer, id: &SubmissionId) -> Outcome<Page<DeliveredPhoto>> {
    let scope = BrandScope::from(who);
    let (photos, marks) = cx.read(|c| {
        let submission = db::deliveries::find(c, &scope, id)?.or_missing("submission")?;
        Ok((shown(c, &scope, &submission)?, grades::shown(c, &submission)?))
    })?;
    let due: Vec<EvidenceId> = photos.iter().filter(|(_, e)| is_to_search(cx, e)).map(|(_, e)| e.id.clone()).collect();
    if !due.is_empty() {
        faces::ask_for(cx, &due)?;
    }
    let photos = photos.into_iter().map(|(photo, evidence)| DeliveredPhoto {
        grade: marks.photos.get(&evidence.id).map(|mark| mark.view(Language::En)),
        ready: key_for_brand(cx, &evidence, Size::Large).is_some(),
        id: evidence.id,
        submission_id: id.clone(),
        question: photo.question,
        received_at: evidence.received_at,
    });
    Ok(Page { items: photos.collect(), next: None })
}

/// Whether a brand waits for a photo to be searched for faces.
fn is_to_search(cx: &Cx, photo: &EvidenceRow) -> bool {
    cx.rules().hide_faces && photo.faces_hidden.is_none() && photo.rendition_large.is_some()
}

/// Where what a brand may see of a photo is kept; `None` while it is not made. A photo that was searched for faces is only
/// shown as it was made then, whatever the settings of this process say now.
fn key_for_brand(cx: &Cx, photo: &EvidenceRow, size: Size) -> Option<String> {
    let (edge, made) = match size {
        Size::Large => (1600, photo.rendition_large.is_some()),
        Size::Small => (320, photo.rendition_small.is_some()),
    };
    match photo.faces_hidden {
        Some(_) => Some(faces::brand_key(&photo.sha256, edge)),
        None if cx.rules().hide_faces => None,
        None => made.then(|| format!("renditions/{}/{edge}.jpg", photo.sha256)),
    }
}

/// Photos whose own question was accepted with them in it, and photos of the visit as a whole.
fn shown(
    conn: &mut Conn,
    scope: &BrandScope,
    submission: &SubmissionRow,
) -> Outcome<Vec<(SubmissionPhotoRow, EvidenceRow)>> {
    let accepted = db::deliveries::accepted(conn, scope, &submission.id)?;
    let proves = |photo: &SubmissionPhotoRow| {
        photo.question.is_empty()
            || accepted.iter().any(|answer| {
                let ids = answer.value.0.get("photo_ids").and_then(Value::as_array);
                answer.path == photo.question
                    && ids.is_some_and(|ids| ids.iter().any(|id| id.as_str() == Some(&photo.client_id)))
            })
    };
    let photos = db::deliveries::photos(conn, scope, &submission.id)?;
    Ok(photos.into_iter().filter(|(photo, _)| proves(photo)).collect())
}

/// Which rendition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// 1600 pixels on the long side.
    Large,
    /// 320 pixels on the long side.
    Small,
}

/// How soon a photo that is being searched may be asked for again.
const SEARCH_SECS: u64 = 3;

/// Where the bytes of a rendition are, for a photo that the brand may see.
pub fn get_brand_photo(cx: &Cx, who: &BrandViewer, id: &EvidenceId, size: Size) -> Outcome<String> {
    let scope = BrandScope::from(who);
    let photo = cx.read(|c| {
        let photo = db::deliveries::photo(c, &scope, id)?.or_missing("photo")?;
        let submission = db::deliveries::find_by_reservation(c, &scope, &photo.reservation_id)?.or_missing("photo")?;
        let visible = shown(c, &scope, &submission)?.into_iter().any(|(_, evidence)| evidence.id == *id);
        visible.then_some(photo).or_missing("photo")
    })?;
    if let Some(key) = key_for_brand(cx, &photo, size) {
        return Ok(key);
    }
    if !is_to_search(cx, &photo) {
        return Err(Refusal::new(Code::PhotoNotReady, "Its renditions are not made yet.").into());
    }
    faces::ask_for(cx, &[photo.id])?;
    let refusal = Refusal::new(Code::PhotoNotReady, "It is being searched for faces, which are hidden.");
    Err(Refusal { retry_after_secs: Some(SEARCH_SECS), ..refusal }.into())
}
