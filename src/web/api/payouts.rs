//! Money on its way: a worker's earnings, balance and payouts, and what finance does about payouts.

use serde::Deserialize;

use crate::access::{Finance, Worker};
use crate::domain::ids::PayoutId;
use crate::domain::payout::PayoutState;
use crate::ops;
use crate::ops::payouts::{PayoutBody, ReturnBody};
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn list_earnings(gate: Gate<Worker>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let earnings = gate.run(move |cx, who| ops::earnings::list_earnings(cx, who, after.as_deref(), limit)).await?;
    gate.page(&earnings)
}

pub async fn get_balance(gate: Gate<Worker>) -> Answer {
    gate.ok(&gate.run(ops::earnings::get_balance).await?)
}

pub async fn request_payout(gate: Gate<Worker>, asked: Asked<PayoutBody>) -> Answer {
    let view = gate.run(move |cx, who| ops::payouts::request_payout(cx, who, &asked.once, &asked.body)).await?;
    gate.created("/v1/payouts".to_owned(), &view)
}

pub async fn list_payouts(gate: Gate<Worker>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let payouts = gate.run(move |cx, who| ops::payouts::list_payouts(cx, who, after.as_deref(), limit)).await?;
    gate.page(&payouts)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutParams {
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    state: Option<PayoutState>,
}

pub async fn list_all_payouts(gate: Gate<Finance>, params: Params<PayoutParams>) -> Answer {
    let (limit, after, state) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?, params.0.state);
    let list = move |cx: &_, who: &_| ops::payouts::list_all_payouts(cx, who, state, after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn approve_payout(gate: Gate<Finance>, id: Id<PayoutId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payouts::approve_payout(cx, who, &asked.once, &id.0)).await?)
}

pub async fn settle_payout(gate: Gate<Finance>, id: Id<PayoutId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payouts::settle_payout(cx, who, &asked.once, &id.0)).await?)
}

pub async fn return_payout(gate: Gate<Finance>, id: Id<PayoutId>, asked: Asked<ReturnBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::payouts::return_payout(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}
