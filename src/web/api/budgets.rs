//! Commissions, budgets, top-ups, bonuses and the pay floor.

use crate::access::{BrandOwner, BrandViewer, Finance, Worker};
use crate::domain::ids::{BrandId, CampaignId, SubmissionId, UserId};
use crate::ops;
use crate::ops::bonuses::{NewBonus, NewLateBonus};
use crate::ops::budgets::{BudgetChange, NewFee, TopUp};
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn set_brand_fee(gate: Gate<Finance>, Id(id): Id<BrandId>, asked: Asked<NewFee>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::budgets::set_brand_fee(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn set_campaign_fee(gate: Gate<Finance>, Id(id): Id<CampaignId>, asked: Asked<NewFee>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::budgets::set_campaign_fee(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn get_budget(gate: Gate<BrandViewer>, Id(id): Id<CampaignId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::budgets::get_budget(cx, who, &id)).await?)
}

pub async fn set_budget(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<BudgetChange>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::budgets::set_budget(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn top_up_campaign(gate: Gate<BrandOwner>, Id(id): Id<CampaignId>, asked: Asked<TopUp>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::budgets::top_up_campaign(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn list_floor_checks(gate: Gate<Finance>, Params(params): Params<PageParams>) -> Answer {
    let (limit, before) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::budgets::list_floor_checks(cx, who, before.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn give_bonus(gate: Gate<BrandOwner>, Id(id): Id<SubmissionId>, asked: Asked<NewBonus>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::bonuses::give_bonus(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn give_late_bonus(gate: Gate<Finance>, Id(id): Id<UserId>, asked: Asked<NewLateBonus>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::bonuses::give_late_bonus(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn list_bonuses(gate: Gate<Worker>, Params(params): Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    gate.page(&gate.run(move |cx, who| ops::bonuses::list_bonuses(cx, who, after.as_deref(), limit)).await?)
}
