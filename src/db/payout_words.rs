//! What people of finance said of payouts. A word is confirmed once.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::PayoutWordRow;
use super::schema::payout_words;
use super::tx::Tx;
use crate::domain::ids::{PayoutId, UserId, WordId};
use crate::domain::refusal::Outcome;

pub fn insert(tx: &mut Tx, row: &PayoutWordRow) -> Outcome<()> {
    diesel::insert_into(payout_words::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &WordId) -> Outcome<Option<PayoutWordRow>> {
    Ok(payout_words::table.find(id).first(conn).optional()?)
}

/// Newest first.
pub fn any_page(conn: &mut Conn, before: Option<&WordId>, limit: i64) -> Outcome<Vec<PayoutWordRow>> {
    let mut query = payout_words::table.into_boxed();
    if let Some(before) = before {
        query = query.filter(payout_words::id.lt(before.clone()));
    }
    Ok(query.order(payout_words::id.desc()).limit(limit).load(conn)?)
}

/// The last that was said of a payout.
pub fn any_newest(conn: &mut Conn, payout: &PayoutId) -> Outcome<Option<WordId>> {
    let of_payout = payout_words::table.filter(payout_words::payout_id.eq(payout));
    Ok(of_payout.order(payout_words::id.desc()).select(payout_words::id).first(conn).optional()?)
}

/// False when somebody was quicker.
pub fn confirm(tx: &mut Tx, id: &WordId, by: &UserId) -> Outcome<bool> {
    let now = tx.now();
    let confirmed = diesel::update(payout_words::table.find(id).filter(payout_words::confirmed_by.is_null()))
        .set((payout_words::confirmed_by.eq(Some(by.clone())), payout_words::confirmed_at.eq(Some(now))))
        .execute(&mut **tx)?;
    Ok(confirmed == 1)
}
