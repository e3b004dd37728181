//! A brand's products.

use super::campaigns::PageParams;
use crate::access::{BrandEditor, BrandViewer};
use crate::ops;
use crate::ops::products::NewProduct;
use crate::web::body::{Asked, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

pub async fn list_products(gate: Gate<BrandViewer>, Params(params): Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.limit)?, gate.after(params.cursor.as_deref())?);
    gate.page(&gate.run(move |cx, who| ops::products::list_products(cx, who, after, limit)).await?)
}

pub async fn create_product(gate: Gate<BrandEditor>, asked: Asked<NewProduct>) -> Answer {
    let view = gate.run(move |cx, who| ops::products::create_product(cx, who, &asked.once, &asked.body)).await?;
    gate.created("/v1/brand/products".to_owned(), &view)
}
