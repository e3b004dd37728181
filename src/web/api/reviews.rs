//! The review desk: queue, claims, photos, decisions.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use serde::Deserialize;

use crate::access::Reviewer;
use crate::domain::ids::{EvidenceId, SubmissionId};
use crate::domain::refusal::Failure;
use crate::ops;
use crate::ops::decisions::DecisionBody;
use crate::ops::reviews::{ClaimBody, PhotoPlace, PhotoSize};
use crate::ports::blobs::evidence_key;
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn list_reviews(gate: Gate<Reviewer>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let reviews = gate.run(move |cx, who| ops::reviews::list_reviews(cx, who, after.as_deref(), limit)).await?;
    gate.page(&reviews)
}

pub async fn get_review(gate: Gate<Reviewer>, id: Id<SubmissionId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::reviews::get_review(cx, who, &id.0)).await?)
}

pub async fn claim_review(gate: Gate<Reviewer>, asked: Asked<ClaimBody>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::reviews::claim_review(cx, who, &asked.once, &asked.body)).await?)
}

pub async fn release_review(gate: Gate<Reviewer>, id: Id<SubmissionId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::reviews::release_review(cx, who, &asked.once, &id.0)).await?)
}

pub async fn decide_submission(gate: Gate<Reviewer>, id: Id<SubmissionId>, asked: Asked<DecisionBody>) -> Answer {
    let decide = move |cx: &_, who: &_| ops::decisions::decide_submission(cx, who, &asked.once, &id.0, &asked.body);
    let view = gate.run(decide).await?;
    gate.created(format!("/v1/admin/reviews/{}", view.submission_id), &view)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoParams {
    #[serde(default)]
    size: PhotoSize,
}

/// The bytes of a photo. They are whatever a phone sent: the browser must not run or guess anything.
pub async fn get_review_photo(gate: Gate<Reviewer>, id: Id<EvidenceId>, params: Params<PhotoParams>) -> Answer {
    let place = gate.run(move |cx, who| ops::reviews::get_photo(cx, who, &id.0, params.0.size)).await?;
    let (key, content_type) = match place {
        PhotoPlace::Original { sha256, content_type } => (evidence_key(&sha256), shown_as(&content_type)),
        PhotoPlace::Rendition { key } => (key, "image/jpeg"),
    };
    let bytes = gate.blobs().get(&key).await?.ok_or_else(|| Failure::fault(format!("{key} is not stored")))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(bytes))
}

/// A type that is a photo; anything else a phone may have said (drawings that hold scripts) is just bytes.
fn shown_as(content_type: &str) -> &'static str {
    let photos = ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"];
    photos.into_iter().find(|photo| *photo == content_type).unwrap_or("application/octet-stream")
}
