//! Signed-in devices: one row a device, with the current refresh token and the one before it.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::SessionRow;
use super::schema::sessions;
use super::tx::Tx;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

pub fn insert(tx: &mut Tx, row: SessionRow) -> Outcome<()> {
    diesel::insert_into(sessions::table).values(row).execute(&mut **tx)?;
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &SessionId) -> Outcome<Option<SessionRow>> {
    Ok(sessions::table.find(id).first(conn).optional()?)
}

pub fn any_locked(tx: &mut Tx, id: &SessionId) -> Outcome<Option<SessionRow>> {
    Ok(Locked(sessions::table.find(id)).get_results(&mut **tx)?.into_iter().next())
}

/// Puts a fresh refresh token in place; the presented one stays good until the fresh one is used.
pub fn rotate(tx: &mut Tx, row: &SessionRow, presented: &str, fresh: &str, expires_at: At) -> Outcome<()> {
    let now = tx.now();
    diesel::update(sessions::table.find(&row.id))
        .set((
            sessions::refresh_hash.eq(fresh),
            sessions::previous_hash.eq(Some(presented)),
            sessions::generation.eq(sessions::generation + 1),
            sessions::rotated_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn revoke(tx: &mut Tx, id: &SessionId, because: &str) -> Outcome<()> {
    let now = tx.now();
    diesel::update(sessions::table.find(id).filter(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(Some(now)), sessions::revoked_because.eq(Some(because))))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn revoke_all(tx: &mut Tx, user: &UserId, because: &str) -> Outcome<()> {
    let now = tx.now();
    diesel::update(sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(Some(now)), sessions::revoked_because.eq(Some(because))))
        .execute(&mut **tx)?;
    Ok(())
}
