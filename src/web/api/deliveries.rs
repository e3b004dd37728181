//! What was delivered to a brand: submissions, and renditions of their photos.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use serde::Deserialize;

use crate::access::BrandViewer;
use crate::domain::ids::{CampaignId, EvidenceId, SubmissionId};
use crate::domain::refusal::{Code, Failure, Refusal};
use crate::ops;
use crate::ops::deliveries::Size;
use crate::web::body::{Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmissionParams {
    campaign_id: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoParams {
    size: Option<Size>,
}

pub async fn list_brand_submissions(gate: Gate<BrandViewer>, Params(params): Params<SubmissionParams>) -> Answer {
    let (limit, before) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let campaign = match params.campaign_id.as_deref() {
        None => None,
        Some(text) => Some(CampaignId::parse(text).ok_or_else(|| {
            Failure::from(Refusal::field("campaign_id", "invalid", "This is not the id of a campaign."))
        })?),
    };
    let list =
        move |cx: &_, who: &_| ops::deliveries::list_brand_submissions(cx, who, campaign.as_ref(), before, limit);
    gate.page(&gate.run(list).await?)
}

pub async fn get_brand_submission(gate: Gate<BrandViewer>, Id(id): Id<SubmissionId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::deliveries::get_brand_submission(cx, who, &id)).await?)
}

pub async fn list_brand_photos(gate: Gate<BrandViewer>, Id(id): Id<SubmissionId>) -> Answer {
    gate.page(&gate.run(move |cx, who| ops::deliveries::list_brand_photos(cx, who, &id)).await?)
}

/// The rendition; the original is nobody's but the reviewers'.
pub async fn get_brand_photo(
    gate: Gate<BrandViewer>,
    Id(id): Id<EvidenceId>,
    Params(params): Params<PhotoParams>,
) -> Answer {
    let size = params.size.unwrap_or(Size::Large);
    let key = gate.run(move |cx, who| ops::deliveries::get_brand_photo(cx, who, &id, size)).await?;
    let bytes = gate.blobs().get(&key).await?;
    let bytes = bytes.ok_or_else(|| Refusal::new(Code::PhotoNotReady, "The rendition is not there yet."))?;
    Ok(HttpResponse::Ok()
        .content_type("image/jpeg")
        .insert_header((CACHE_CONTROL, "private, max-age=3600"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes))
}
