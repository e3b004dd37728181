//! The directory of stores against a file: what is there under a file's ids, stores that were merged into another one
//! included. Stores that a brand added for itself are never touched.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::StoreRow;
use super::schema::stores;
use crate::domain::ids::StoreId;
use crate::domain::refusal::Outcome;

/// Engines bound how many values a statement holds.
const IDS_AT_ONCE: usize = 1000;

pub fn any_of_sources(conn: &mut Conn, sources: &[String]) -> Outcome<Vec<StoreRow>> {
    Ok(stores::table
        .filter(stores::brand_id.is_null())
        .filter(stores::source.eq_any(sources.to_vec()))
        .order(stores::id)
        .load(conn)?)
}

pub fn any_by_ids(conn: &mut Conn, ids: &[StoreId]) -> Outcome<Vec<StoreRow>> {
    let mut found: Vec<StoreRow> = Vec::with_capacity(ids.len());
    for some in ids.chunks(IDS_AT_ONCE) {
        let rows: Vec<StoreRow> = stores::table.filter(stores::id.eq_any(some.to_vec())).load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}
