//! The store directory: the platform's stores, which every brand sees, and each brand's own. A query with a scope sees
//! both kinds, and never another brand's. A store that was merged into another one has left it; its row stays for the
//! visits that were made there.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::conn::{Conn, MultiBackend};
use super::dialect::broke_unique;
use super::rows::StoreRow;
use super::schema::{missions, stores};
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::ids::StoreId;
use crate::domain::mission::MissionState;
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::domain::store::StoreState;
use crate::domain::time::At;

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
    let mut query = stores::table.filter(seen_by(scope)).filter(stores::merged_into.is_null()).into_boxed();
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
        let found: Vec<StoreRow> = stores::table
            .filter(seen_by(scope))
            .filter(stores::merged_into.is_null())
            .filter(stores::id.eq_any(some.to_vec()))
            .load(conn)?;
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
        Err(e) => Err(taken(e)),
    }
}

fn taken(error: diesel::result::Error) -> Failure {
    match broke_unique(&error, "stores_by_source", "stores.source") {
        true => Refusal::new(Code::DuplicateStore, "The source id is taken.").into(),
        false => error.into(),
    }
}

/// Rows of one statement: engines bound how many values a statement holds.
const ROWS_AT_ONCE: usize = 500;

/// Adds many stores. Refuses like [`insert`], and then adds none of them.
pub fn insert_many(tx: &mut Tx, rows: &[StoreRow]) -> Outcome<()> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        let inserted = crate::each!(&mut **tx, c => diesel::insert_into(stores::table).values(some).execute(c));
        inserted.map_err(taken)?;
    }
    Ok(())
}

/// Writes the directory's entry of a store over the row that was read: who gave it, whose it is and its state stay.
/// Whoever waits for the same row afterwards finds another version and reads again.
pub fn rewrite(tx: &mut Tx, row: &StoreRow) -> Outcome<()> {
    let now = tx.now();
    let changed = diesel::update(stores::table.find(&row.id).filter(stores::version.eq(row.version)))
        .set((
            (
                stores::name.eq(&row.name),
                stores::chain.eq(row.chain.clone()),
                stores::street.eq(row.street.clone()),
                stores::housenumber.eq(row.housenumber.clone()),
                stores::postcode.eq(row.postcode.clone()),
                stores::city.eq(row.city.clone()),
                stores::country.eq(&row.country),
                stores::opening_hours.eq(row.opening_hours.clone()),
                stores::time_zone.eq(&row.time_zone),
            ),
            stores::lat.eq(row.lat),
            stores::lon.eq(row.lon),
            stores::entrance_lat.eq(row.entrance_lat),
            stores::entrance_lon.eq(row.entrance_lon),
            stores::outline.eq(row.outline.clone()),
            stores::placed_at.eq(row.placed_at),
            stores::updated_at.eq(now),
            stores::version.eq(stores::version + 1),
        ))
        .execute(&mut **tx)?;
    if changed == 1 { Ok(()) } else { Err(super::busy("Somebody changed the store in the meantime.")) }
}

/// Missions that can still be taken are found where their store is now.
pub fn move_missions(tx: &mut Tx, row: &StoreRow) -> Outcome<()> {
    let live = missions::table.filter(missions::store_id.eq(&row.id)).filter(missions::state.ne(MissionState::Closed));
    diesel::update(live).set((missions::lat.eq(row.lat), missions::lon.eq(row.lon))).execute(&mut **tx)?;
    Ok(())
}

/// The platform's stores that trade, by id.
pub fn any_trading(conn: &mut Conn) -> Outcome<Vec<StoreRow>> {
    Ok(stores::table
        .filter(stores::brand_id.is_null())
        .filter(stores::merged_into.is_null())
        .filter(stores::state.ne(StoreState::Closed))
        .order(stores::id)
        .load(conn)?)
}

/// Takes a store that was read under its lock out of the directory: its ids, and those of stores merged into it before,
/// stand for `into` from now on.
pub fn merge(tx: &mut Tx, own: &StoreRow, into: &StoreId) -> Outcome<()> {
    let now = tx.now();
    let before = stores::table.filter(stores::merged_into.eq(Some(own.id.clone())));
    diesel::update(before).set(stores::merged_into.eq(Some(into.clone()))).execute(&mut **tx)?;
    diesel::update(stores::table.find(&own.id))
        .set((
            stores::state.eq(StoreState::Closed),
            stores::paused_at.eq(None::<At>),
            stores::recheck_at.eq(None::<At>),
            stores::merged_into.eq(Some(into.clone())),
            stores::updated_at.eq(now),
            stores::version.eq(stores::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
