//! The store directory.

use serde::Deserialize;

use crate::access::{Admin, BrandEditor, BrandViewer};
use crate::domain::ids::{CorrectionId, StoreId};
use crate::domain::store_correction::CorrectionState;
use crate::ops;
use crate::ops::store_corrections::CorrectionDecision;
use crate::ops::store_duplicates::Merge;
use crate::ops::stores::{NewStore, Placed, StoreQuery};
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreParams {
    q: Option<String>,
    city: Option<String>,
    chain: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

pub async fn list_stores(gate: Gate<BrandViewer>, Params(params): Params<StoreParams>) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let query = StoreQuery { q: params.q, city: params.city, chain: params.chain };
    gate.page(&gate.run(move |cx, who| ops::stores::list_stores(cx, who, query, after, limit)).await?)
}

pub async fn create_store(gate: Gate<BrandEditor>, asked: Asked<NewStore>) -> Answer {
    let view = gate.run(move |cx, who| ops::stores::create_store(cx, who, &asked.once, &asked.body)).await?;
    gate.created("/v1/brand/stores".to_owned(), &view)
}

pub async fn list_store_duplicates(gate: Gate<Admin>, Params(params): Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let act = move |cx: &_, who: &_| ops::store_duplicates::list_store_duplicates(cx, who, after.as_deref(), limit);
    gate.page(&gate.run(act).await?)
}

pub async fn merge_store(gate: Gate<Admin>, id: Id<StoreId>, asked: Asked<Merge>) -> Answer {
    let act = move |cx: &_, who: &_| ops::store_duplicates::merge_store(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

pub async fn place_store(gate: Gate<Admin>, id: Id<StoreId>, asked: Asked<Placed>) -> Answer {
    let act = move |cx: &_, who: &_| ops::stores::place_store(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionParams {
    state: Option<CorrectionState>,
    cursor: Option<String>,
    limit: Option<i64>,
}

pub async fn list_store_corrections(gate: Gate<Admin>, Params(params): Params<CorrectionParams>) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| {
        ops::store_corrections::list_store_corrections(cx, who, params.state, after.as_deref(), limit)
    };
    gate.page(&gate.run(list).await?)
}

pub async fn decide_store_correction(
    gate: Gate<Admin>,
    id: Id<CorrectionId>,
    asked: Asked<CorrectionDecision>,
) -> Answer {
    let act = move |cx: &_, who: &_| {
        ops::store_corrections::decide_store_correction(cx, who, &asked.once, &id.0, &asked.body)
    };
    gate.ok(&gate.run(act).await?)
}
