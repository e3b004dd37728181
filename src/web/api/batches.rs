//! The desk of finance: batches of payouts, files of banks, gift codes, and the second factor of staff.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use serde::Deserialize;

use crate::access::{Admin, AnyStaff, Finance};
use crate::domain::ids::{BatchId, UserId};
use crate::domain::sepa::Fit;
use crate::ops;
use crate::ops::bank_files::FileBody;
use crate::ops::gift_codes::CodesBody;
use crate::ops::payout_batches::{ApprovalBody, BatchBody};
use crate::ops::step_up::{CodeBody, EnrolBody};
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate, no_store};
use crate::web::page::{self, PageParams};

pub async fn list_payout_batches(gate: Gate<Finance>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::payout_batches::list_payout_batches(cx, who, after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn get_payout_batch(gate: Gate<Finance>, id: Id<BatchId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_batches::get_payout_batch(cx, who, &id.0)).await?)
}

pub async fn prepare_payout_batch(gate: Gate<Finance>, asked: Asked<BatchBody>) -> Answer {
    let prepare = move |cx: &_, who: &_| ops::payout_batches::prepare_payout_batch(cx, who, &asked.once, &asked.body);
    let view = gate.run(prepare).await?;
    gate.created(format!("/v1/admin/payout-batches/{}", view.id), &view)
}

pub async fn check_payout_batch(gate: Gate<Finance>, id: Id<BatchId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_batches::check_payout_batch(cx, who, &asked.once, &id.0)).await?)
}

pub async fn discard_payout_batch(gate: Gate<Finance>, id: Id<BatchId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_batches::discard_payout_batch(cx, who, &asked.once, &id.0)).await?)
}

pub async fn withdraw_payout_batch(gate: Gate<Finance>, id: Id<BatchId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_batches::withdraw_payout_batch(cx, who, &asked.once, &id.0)).await?)
}

pub async fn approve_payout_batch(gate: Gate<Finance>, id: Id<BatchId>, asked: Asked<ApprovalBody>) -> Answer {
    let approve =
        move |cx: &_, who: &_| ops::payout_batches::approve_payout_batch(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(approve).await?)
}

pub async fn mark_payout_batch_sent(gate: Gate<Finance>, id: Id<BatchId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::payout_batches::mark_payout_batch_sent(cx, who, &asked.once, &id.0)).await?)
}

pub async fn get_payout_batch_file(gate: Gate<Finance>, Id(id): Id<BatchId>) -> Answer {
    let name = format!("attachment; filename=\"{id}.xml\"");
    let file = gate.run(move |cx, who| ops::payout_batches::get_payout_batch_file(cx, who, &id)).await?;
    let mut answer = HttpResponse::Ok();
    Ok(no_store(answer.content_type("application/xml").insert_header((CONTENT_DISPOSITION, name)).body(file)))
}

pub async fn import_bank_file(gate: Gate<Finance>, asked: Asked<FileBody>) -> Answer {
    let view = gate.run(move |cx, who| ops::bank_files::import_bank_file(cx, who, &asked.once, &asked.body)).await?;
    gate.ok(&view)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryParams {
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    result: Option<Fit>,
}

pub async fn list_bank_entries(gate: Gate<Finance>, params: Params<EntryParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let result = params.0.result.map(Fit::as_str);
    let list = move |cx: &_, who: &_| ops::bank_files::list_bank_entries(cx, who, result, after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn list_gift_codes(gate: Gate<Finance>) -> Answer {
    gate.ok(&gate.run(ops::gift_codes::list_gift_codes).await?)
}

pub async fn import_gift_codes(gate: Gate<Admin>, asked: Asked<CodesBody>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::gift_codes::import_gift_codes(cx, who, &asked.once, &asked.body)).await?)
}

/// The secret is in clear here, and nowhere else.
pub async fn enrol_step_up(gate: Gate<AnyStaff>, asked: Asked<EnrolBody>) -> Answer {
    let view = gate.run(move |cx, who| ops::step_up::enrol_step_up(cx, who, &asked.once, &asked.body)).await?;
    Ok(no_store(gate.ok(&view)?))
}

pub async fn confirm_step_up(gate: Gate<AnyStaff>, asked: Asked<CodeBody>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::step_up::confirm_step_up(cx, who, &asked.once, &asked.body)).await?)
}

pub async fn reset_step_up(gate: Gate<Admin>, id: Id<UserId>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::step_up::reset_step_up(cx, who, &asked.once, &id.0)).await?)
}
