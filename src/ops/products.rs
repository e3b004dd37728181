//! A brand's products: what its questionnaires loop over.

use serde::{Deserialize, Serialize};

use super::Page;
use super::fields::Fields;
use crate::access::scope::BrandScope;
use crate::access::{BrandEditor, BrandViewer};
use crate::context::{Cx, Once};
use crate::db;
use crate::db::rows::ProductRow;
use crate::domain::event::Event;
use crate::domain::ids::ProductId;
use crate::domain::product::Gtin;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::time::At;

/// A product as its brand sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProductView {
    pub id: ProductId,
    /// As it was written; also the product's key in questionnaires and answers.
    pub gtin: String,
    /// The brand on the package.
    pub label: String,
    pub name: String,
    pub category: Option<String>,
    pub created_at: At,
}

impl From<ProductRow> for ProductView {
    fn from(row: ProductRow) -> ProductView {
        let ProductRow { id, gtin, label, name, category, created_at, brand_id: _ } = row;
        ProductView { id, gtin, label, name, category, created_at }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    pub gtin: String,
    pub label: String,
    pub name: String,
    pub category: Option<String>,
}

pub fn list_products(cx: &Cx, who: &BrandViewer, after: Option<String>, limit: i64) -> Outcome<Page<ProductView>> {
    let rows = cx.read(|c| db::products::page(c, &BrandScope::from(who), after.as_deref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), ProductView::from))
}

/// Refuses with `duplicate_product` when the brand has the GTIN, also when it is padded otherwise.
pub fn create_product(cx: &Cx, who: &BrandEditor, once: &Once, asked: &NewProduct) -> Outcome<ProductView> {
    let mut fields = Fields::default();
    let gtin = Gtin::parse(&asked.gtin);
    if gtin.is_none() {
        fields.push(Gtin::complaint("/gtin"));
    }
    fields.line("/label", &asked.label, 80);
    fields.line("/name", &asked.name, 120);
    fields.optional_line("/category", asked.category.as_deref(), 80);
    fields.finish()?;
    let gtin = gtin.ok_or_else(|| Failure::fault("a GTIN that is none was let through"))?;
    cx.write_once(who, once, |tx| {
        let row = ProductRow {
            id: tx.id(),
            brand_id: who.brand().clone(),
            gtin: gtin.as_str().to_owned(),
            label: asked.label.clone(),
            name: asked.name.clone(),
            category: asked.category.clone(),
            created_at: tx.now(),
        };
        db::products::insert(tx, &BrandScope::from(who), &gtin, &row)?;
        tx.record(Event::new("product.added", &row.id).brand(who.brand()))?;
        Ok(row.into())
    })
}
