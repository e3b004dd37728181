//! Messages to the outside, written in the transaction that causes them and delivered by a job, at least once (I15).

use diesel::prelude::*;
use serde_json::Value;

use super::conn::Conn;
use super::rows::OutboxRow;
use super::schema::outbox;
use super::tx::Tx;
use super::types::Json;
use crate::domain::ids::{EventId, MessageId};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

/// Queues a message that belongs to `event`.
pub fn add(tx: &mut Tx, event: &EventId, channel: &str, address: &str, body: Value) -> Outcome<MessageId> {
    let row = OutboxRow {
        id: tx.id(),
        event_id: event.clone(),
        channel: channel.to_owned(),
        address: address.to_owned(),
        body: Json(body),
        created_at: tx.now(),
        next_at: tx.now(),
        attempts: 0,
        delivered_at: None,
        gave_up_at: None,
        last_error: None,
    };
    let id = row.id.clone();
    diesel::insert_into(outbox::table).values(row).execute(&mut **tx)?;
    Ok(id)
}

/// Letters younger than `after`, oldest first.
pub fn any_letters(conn: &mut Conn, after: Option<&MessageId>, limit: i64) -> Outcome<Vec<OutboxRow>> {
    let mut query = outbox::table.filter(outbox::channel.eq("mail")).into_boxed();
    if let Some(after) = after {
        query = query.filter(outbox::id.gt(after.clone()));
    }
    Ok(query.order(outbox::id).limit(limit).load(conn)?)
}

pub fn due(conn: &mut Conn, now: At, limit: i64) -> Outcome<Vec<OutboxRow>> {
    Ok(outbox::table
        .filter(outbox::delivered_at.is_null().and(outbox::gave_up_at.is_null()).and(outbox::next_at.le(now)))
        .order((outbox::next_at, outbox::id))
        .limit(limit)
        .load(conn)?)
}

/// Takes a message for one try: nobody else tries it before `until`. False when somebody was quicker.
pub fn claim(tx: &mut Tx, id: &MessageId, seen: At, until: At) -> Outcome<bool> {
    let row = outbox::table.find(id).filter(outbox::next_at.eq(seen)).filter(outbox::delivered_at.is_null());
    let claimed = diesel::update(row)
        .set((outbox::next_at.eq(until), outbox::attempts.eq(outbox::attempts + 1)))
        .execute(&mut **tx)?;
    Ok(claimed == 1)
}

pub fn delivered(tx: &mut Tx, id: &MessageId) -> Outcome<()> {
    let now = tx.now();
    diesel::update(outbox::table.find(id)).set(outbox::delivered_at.eq(Some(now))).execute(&mut **tx)?;
    Ok(())
}

pub fn failed(tx: &mut Tx, id: &MessageId, error: &str, next_at: At, give_up: bool) -> Outcome<()> {
    let gave_up = give_up.then(|| tx.now());
    diesel::update(outbox::table.find(id))
        .set((outbox::last_error.eq(Some(error)), outbox::next_at.eq(next_at), outbox::gave_up_at.eq(gave_up)))
        .execute(&mut **tx)?;
    Ok(())
}
