//! The store directory: the platform's stores, which every brand sees, and each brand's own. A query with a scope sees
//! both kinds, and never another brand's.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::conn::{Conn, MultiBackend};
use super::dialect::broke_unique;
use super::rows::StoreRow;
use super::schema::stores;
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::ids::StoreId;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::store::StoreState;

diesel::define_sql_function! {
    /// Lower case; on SQLite of ASCII letters only.
    fn lower(text: Text) -> Text;
}

/// What to look for. Names of cities and chains match whole, `q` any part of a name; case does not count.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub q: Option<String>,
    pub city: Option<String>,
    pub chain: Option<String>,
    /// Leave out stores that are gone.
    pub trading: bool,
}

type Seen = Box<dyn BoxableExpression<stores::table, MultiBackend, SqlType = diesel::sql_types::Nullable<Bool>>>;

fn seen_by(scope: &BrandScope) -> Seen {
    Box::new(stores::brand_id.is_null().nullable().or(stores::brand_id.eq(Some(scope.brand().clone()))))
}

/// Stores that the brand sees, by id, after `after`.
pub fn page(
    conn: &mut Conn,
    scope: &BrandScope,
    wanted: &Wanted,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Vec<StoreRow>> {
    let mut query = stores::table.filter(seen_by(scope)).into_boxed();
    if let Some(q) = &wanted.q {
        let escaped = q.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        query = query.filter(lower(stores::name).like(format!("%{escaped}%")).escape('!'));
    }
    if let Some(city) = &wanted.city {
        query = query.filter(stores::city.eq(Some(city.clone())));
    }
    if let Some(chain) = &wanted.chain {
        query = query.filter(stores::chain.eq(Some(chain.clone())));
    }
    if wanted.trading {
        query = query.filter(stores::state.ne(StoreState::Closed));
    }
    if let Some(after) = after {
        query = query.filter(stores::id.gt(StoreId::from_stored(after.to_owned())));
    }
    Ok(query.order(stores::id).limit(limit).load(conn)?)
}

/// Those of `ids` that the brand sees, by id.
pub fn seen(conn: &mut Conn, scope: &BrandScope, ids: &[StoreId]) -> Outcome<Vec<StoreRow>> {
    let mut rows = Vec::with_capacity(ids.len());
    for some in ids.chunks(500) {
        let found: Vec<StoreRow> =
            stores::table.filter(seen_by(scope)).filter(stores::id.eq_any(some.to_vec())).load(conn)?;
        rows.extend(found);
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

pub fn any_store(conn: &mut Conn, id: &StoreId) -> Outcome<Option<StoreRow>> {
    Ok(stores::table.find(id).first(conn).optional()?)
}

/// Refuses with `duplicate_store` when its source has that id already.
pub fn insert(tx: &mut Tx, row: &StoreRow) -> Outcome<()> {
    match diesel::insert_into(stores::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(()),
        Err(e) if broke_unique(&e, "stores_by_source", "stores.source") => {
            Err(Refusal::new(Code::DuplicateStore, "The source id is taken.").into())
        }
        Err(e) => Err(e.into()),
    }
}
