//! Proposed corrections of pins, one waiting for each store, and the check-ins they are made from.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{StoreCorrectionRow, StoreRow};
use super::schema::{position_fixes, reservations, store_corrections, stores};
use super::tx::Tx;
use crate::domain::ids::{CorrectionId, ReservationId, StoreId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::store_correction::{ACCURACY_MAX_M, CorrectionState};
use crate::domain::time::At;

/// Who, at which visit, where (degrees), how sure (metres).
pub type CheckedIn = (UserId, ReservationId, f64, f64, f64);

/// The newest genuine positions of check-ins at a store that are sure enough, received after `since`.
pub fn any_check_ins(conn: &mut Conn, store: &StoreId, since: Option<At>, limit: i64) -> Outcome<Vec<CheckedIn>> {
    let mut query = position_fixes::table
        .inner_join(reservations::table.on(reservations::id.eq(position_fixes::reservation_id)))
        .filter(reservations::store_id.eq(store))
        .filter(position_fixes::purpose.eq("check_in"))
        .filter(position_fixes::mock.eq(false))
        .filter(position_fixes::accuracy_m.le(ACCURACY_MAX_M))
        .select((
            reservations::worker_id,
            reservations::id,
            position_fixes::lat,
            position_fixes::lon,
            position_fixes::accuracy_m,
        ))
        .into_boxed();
    if let Some(since) = since {
        query = query.filter(position_fixes::received_at.gt(since));
    }
    Ok(query.order(position_fixes::id.desc()).limit(limit).load(conn)?)
}

/// The newest proposal about a store.
pub fn any_last(conn: &mut Conn, store: &StoreId) -> Outcome<Option<StoreCorrectionRow>> {
    Ok(store_corrections::table
        .filter(store_corrections::store_id.eq(store))
        .order(store_corrections::id.desc())
        .first(conn)
        .optional()?)
}

pub fn add(tx: &mut Tx, row: &StoreCorrectionRow) -> Outcome<()> {
    diesel::insert_into(store_corrections::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &CorrectionId) -> Outcome<Option<StoreCorrectionRow>> {
    Ok(store_corrections::table.find(id).first(conn).optional()?)
}

/// The proposal with its row locked; lock its store first.
pub fn any_locked(tx: &mut Tx, id: &CorrectionId) -> Outcome<Option<StoreCorrectionRow>> {
    Ok(Locked(store_corrections::table.find(id)).get_result(&mut **tx).optional()?)
}

/// Proposals of one state with their stores, by id.
pub fn any_page(
    conn: &mut Conn,
    state: CorrectionState,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Vec<(StoreCorrectionRow, StoreRow)>> {
    let mut query = store_corrections::table
        .inner_join(stores::table.on(stores::id.eq(store_corrections::store_id)))
        .filter(store_corrections::state.eq(state))
        .select((store_corrections::all_columns, stores::all_columns))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(store_corrections::id.gt(CorrectionId::from_stored(after.to_owned())));
    }
    Ok(query.order(store_corrections::id).limit(limit).load(conn)?)
}

/// Ends a proposal that was read under its lock.
pub fn decided(tx: &mut Tx, row: &StoreCorrectionRow) -> Outcome<()> {
    diesel::update(store_corrections::table.find(&row.id))
        .set((
            store_corrections::state.eq(row.state),
            store_corrections::decided_by.eq(row.decided_by.clone()),
            store_corrections::decided_at.eq(row.decided_at),
            store_corrections::note.eq(row.note.clone()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
