//! The store directory.

use serde::Deserialize;

use crate::access::{BrandEditor, BrandViewer};
use crate::ops;
use crate::ops::stores::{NewStore, StoreQuery};
use crate::web::body::{Asked, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

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
