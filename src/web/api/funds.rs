//! A brand's money.

use super::campaigns::PageParams;
use crate::access::{BrandViewer, Finance};
use crate::domain::ids::{BrandId, JournalId};
use crate::ops;
use crate::ops::funds::{Funding, Reversal};
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

pub async fn get_brand_balance(gate: Gate<BrandViewer>) -> Answer {
    gate.ok(&gate.run(ops::funds::get_brand_balance).await?)
}

pub async fn list_brand_transfers(gate: Gate<BrandViewer>, Params(params): Params<PageParams>) -> Answer {
    let (limit, before) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    gate.page(&gate.run(move |cx, who| ops::funds::list_brand_transfers(cx, who, before, limit)).await?)
}

pub async fn fund_brand(gate: Gate<Finance>, Id(id): Id<BrandId>, asked: Asked<Funding>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::funds::fund_brand(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn refund_brand(gate: Gate<Finance>, Id(id): Id<BrandId>, asked: Asked<Funding>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::funds::refund_brand(cx, who, &asked.once, &id, &asked.body)).await?)
}

pub async fn reverse_journal(gate: Gate<Finance>, Id(id): Id<JournalId>, asked: Asked<Reversal>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::funds::reverse_journal(cx, who, &asked.once, &id, &asked.body)).await?)
}
