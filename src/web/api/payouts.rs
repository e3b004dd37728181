//! Money on its way: a worker's earnings, balance and payouts, and what finance does about payouts.

use bytes::Bytes;
use serde::Deserialize;

use crate::access::{Anyone, Finance, Worker};
use crate::domain::account::AccountBody;
use crate::domain::ids::{MethodId, PayoutId, WordId};
use crate::domain::payout::PayoutState;
use crate::ops;
use crate::ops::payout_batches::ApprovalBody;
use crate::ops::payout_methods::ChoiceBody;
use crate::ops::payout_words::WordBody;
use crate::ops::payouts::{PayoutBody, ReturnBody};
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate, no_store};
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

pub async fn cancel_payout(gate: Gate<Worker>, id: Id<PayoutId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payouts::cancel_payout(cx, who, &asked.once, &id.0)).await?)
}

/// The code is in clear here, and nowhere else: nothing on the way may keep it.
pub async fn get_gift_code(gate: Gate<Worker>, id: Id<PayoutId>) -> Answer {
    let view = gate.run(move |cx, who| ops::gift_codes::get_gift_code(cx, who, &id.0)).await?;
    Ok(no_store(gate.ok(&view)?))
}

/// Anything that names a payout of ours; more is not read, and nothing of it is believed.
pub async fn hear_paypal(gate: Gate<Anyone>, body: Bytes) -> Answer {
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let resource = &told["resource"];
    let item = resource["payout_item"]["sender_item_id"].as_str();
    let ours = item.or(resource["batch_header"]["sender_batch_header"]["sender_batch_id"].as_str());
    let batch = resource["payout_batch_id"].as_str().or(resource["batch_header"]["payout_batch_id"].as_str());
    if let Some(id) = ours.map(str::to_owned) {
        let batch = batch.map(str::to_owned);
        gate.run(move |cx, who| ops::payouts::hear_hook(cx, who, &id, batch.as_deref())).await?;
    }
    gate.nothing()
}

pub async fn list_payout_methods(gate: Gate<Worker>) -> Answer {
    gate.ok(&gate.run(ops::payout_methods::list_payout_methods).await?)
}

pub async fn add_payout_method(gate: Gate<Worker>, asked: Asked<AccountBody>) -> Answer {
    let add = move |cx: &_, who: &_| ops::payout_methods::add_payout_method(cx, who, &asked.once, &asked.body);
    gate.created("/v1/me/payout-methods".to_owned(), &gate.run(add).await?)
}

pub async fn remove_payout_method(gate: Gate<Worker>, id: Id<MethodId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_methods::remove_payout_method(cx, who, &asked.once, &id.0)).await?)
}

pub async fn choose_payouts(gate: Gate<Worker>, asked: Asked<ChoiceBody>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_methods::choose_payouts(cx, who, &asked.once, &asked.body)).await?)
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

pub async fn stop_payout(gate: Gate<Finance>, id: Id<PayoutId>, asked: Asked<ReturnBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::payouts::stop_payout(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

pub async fn list_payout_words(gate: Gate<Finance>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::payout_words::list_payout_words(cx, who, after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn propose_payout_word(gate: Gate<Finance>, id: Id<PayoutId>, asked: Asked<WordBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::payout_words::propose_payout_word(cx, who, &asked.once, &id.0, &asked.body);
    gate.created("/v1/admin/payout-words".to_owned(), &gate.run(act).await?)
}

pub async fn confirm_payout_word(gate: Gate<Finance>, id: Id<WordId>, asked: Asked<ApprovalBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::payout_words::confirm_payout_word(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}
