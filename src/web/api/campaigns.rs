//! A brand's campaigns and their questionnaires.

use serde::Deserialize;

use crate::access::{Anyone, BrandEditor, BrandOwner, BrandViewer};
use crate::domain::campaign::CampaignState;
use crate::domain::ids::CampaignId;
use crate::ops;
use crate::ops::campaigns::{CampaignChange, NewCampaign};
use crate::web::body::{Asked, Body, Changed, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignParams {
    state: Option<CampaignState>,
    cursor: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    pub cursor: Option<String>,
    pub limit: Option<i64>,
}

pub async fn list_campaigns(gate: Gate<BrandViewer>, Params(params): Params<CampaignParams>) -> Answer {
    let (limit, before) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::campaigns::list_campaigns(cx, who, params.state, before, limit);
    gate.page(&gate.run(list).await?)
}

pub async fn create_campaign(gate: Gate<BrandEditor>, asked: Asked<NewCampaign>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::create_campaign(cx, who, &asked.once, &asked.body)).await?;
    gate.created(format!("/v1/brand/campaigns/{}", view.id), &view)
}

pub async fn get_campaign(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::get_campaign(cx, who, &id)).await?;
    gate.versioned(view.version, &view)
}

pub async fn change_campaign(
    gate: Gate<BrandEditor>,
    Id(id): Id<CampaignId>,
    asked: Changed<CampaignChange>,
) -> Answer {
    let change = move |cx: &_, who: &_| ops::campaigns::change_campaign(cx, who, asked.version, &id, &asked.body);
    let view = gate.run(change).await?;
    gate.versioned(view.version, &view)
}

pub async fn check_campaign(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>, _: Body<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::campaigns::check_campaign(cx, who, &id)).await?)
}

pub async fn publish_campaign(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::publish_campaign(cx, who, &asked.once, &id)).await?;
    gate.versioned(view.version, &view)
}

pub async fn pause_campaign(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::pause_campaign(cx, who, &asked.once, &id)).await?;
    gate.versioned(view.version, &view)
}

pub async fn resume_campaign(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::resume_campaign(cx, who, &asked.once, &id)).await?;
    gate.versioned(view.version, &view)
}

pub async fn close_campaign(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::campaigns::close_campaign(cx, who, &asked.once, &id)).await?;
    gate.versioned(view.version, &view)
}

pub async fn list_campaign_missions(
    gate: Gate<BrandViewer>,
    Id(id): Id<CampaignId>,
    Params(params): Params<PageParams>,
) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::campaigns::list_campaign_missions(cx, who, &id, after, limit);
    gate.page(&gate.run(list).await?)
}

pub async fn get_answers_schema(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::campaigns::get_answers_schema(cx, who, &id)).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinceParams {
    since: CampaignId,
}

pub async fn get_questionnaire_changes(
    gate: Gate<BrandViewer>,
    Id(id): Id<CampaignId>,
    Params(params): Params<SinceParams>,
) -> Answer {
    let read = move |cx: &_, who: &_| ops::campaigns::get_questionnaire_changes(cx, who, &id, &params.since);
    gate.ok(&gate.run(read).await?)
}

pub async fn get_questionnaire_schema(gate: Gate<Anyone>) -> Answer {
    gate.ok(&ops::campaigns::questionnaire_schema())
}
