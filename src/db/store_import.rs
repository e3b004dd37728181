//! The directory of stores against a file: what is there from the file's sources, and the change of one store. Stores
//! that a brand added for itself are never touched.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::StoreRow;
use super::schema::stores;
use super::tx::Tx;
use crate::domain::ids::StoreId;
use crate::domain::refusal::Outcome;

pub fn any_of_sources(conn: &mut Conn, sources: &[String]) -> Outcome<Vec<StoreRow>> {
    Ok(stores::table
        .filter(stores::brand_id.is_null())
        .filter(stores::source.eq_any(sources.to_vec()))
        .order(stores::id)
        .load(conn)?)
}

/// Writes what a file says of a known store; its state, fence and id stay.
pub fn update(tx: &mut Tx, id: &StoreId, row: &StoreRow) -> Outcome<()> {
    let now = tx.now();
    diesel::update(stores::table.find(id))
        .set((
            stores::name.eq(&row.name),
            stores::chain.eq(row.chain.clone()),
            stores::street.eq(row.street.clone()),
            stores::housenumber.eq(row.housenumber.clone()),
            stores::postcode.eq(row.postcode.clone()),
            stores::city.eq(row.city.clone()),
            stores::country.eq(&row.country),
            stores::lat.eq(row.lat),
            stores::lon.eq(row.lon),
            stores::opening_hours.eq(row.opening_hours.clone()),
            stores::time_zone.eq(&row.time_zone),
            stores::updated_at.eq(now),
            stores::version.eq(stores::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
