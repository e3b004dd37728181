//! A brand's products.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::broke_unique;
use super::rows::ProductRow;
use super::schema::{campaign_products, products};
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::ids::{CampaignId, ProductId};
use crate::domain::product::Gtin;
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};

pub fn page(conn: &mut Conn, scope: &BrandScope, after: Option<&str>, limit: i64) -> Outcome<Vec<ProductRow>> {
    let mut query = products::table.filter(products::brand_id.eq(scope.brand().clone())).into_boxed();
    if let Some(after) = after {
        query = query.filter(products::id.gt(ProductId::from_stored(after.to_owned())));
    }
    Ok(query.order(products::id).limit(limit).load(conn)?)
}

/// Those of `ids` that are the brand's.
pub fn own(conn: &mut Conn, scope: &BrandScope, ids: &[ProductId]) -> Outcome<Vec<ProductRow>> {
    let own = products::table.filter(products::brand_id.eq(scope.brand().clone()));
    Ok(own.filter(products::id.eq_any(ids.to_vec())).load(conn)?)
}

/// The products of a campaign, in the order in which they are asked.
pub fn any_of_campaign(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Vec<ProductRow>> {
    Ok(campaign_products::table
        .inner_join(products::table.on(products::id.eq(campaign_products::product_id)))
        .filter(campaign_products::campaign_id.eq(campaign))
        .order(campaign_products::position)
        .select(products::all_columns)
        .load(conn)?)
}

/// Refuses with `duplicate_product` when the brand has this GTIN, however it is written.
pub fn insert(tx: &mut Tx, scope: &BrandScope, gtin: &Gtin, row: &ProductRow) -> Outcome<()> {
    let duplicate = || Failure::from(Refusal::new(Code::DuplicateProduct, format!("{} is there.", row.gtin)));
    let own = products::table.filter(products::brand_id.eq(scope.brand().clone()));
    let twin: Option<ProductId> =
        own.filter(products::gtin.eq_any(gtin.writings())).select(products::id).first(&mut **tx).optional()?;
    if twin.is_some() {
        return Err(duplicate());
    }
    match diesel::insert_into(products::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(()),
        Err(e) if broke_unique(&e, "products_by_gtin", "products.brand_id") => Err(duplicate()),
        Err(e) => Err(e.into()),
    }
}
