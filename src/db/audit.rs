//! The audit log: appended by every transaction, chained afterwards by the sealing job (I14). No update exists.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::{EventRow, EventSealRow};
use super::schema::{event_seals, events, unsealed_events};
use super::tx::Tx;
use super::types::Json;
use crate::domain::event::Event;
use crate::domain::ids::EventId;
use crate::domain::refusal::Outcome;

pub(super) fn append(tx: &mut Tx, event: Event) -> Outcome<EventId> {
    let id: EventId = tx.id();
    let row = EventRow {
        id: id.clone(),
        at: tx.now(),
        actor_kind: tx.actor().kind().to_owned(),
        actor_id: tx.actor().id().map(str::to_owned),
        request_id: tx.request_id().to_owned(),
        kind: event.kind.to_owned(),
        subject: event.subject,
        brand_id: event.brand_id,
        cause: event.cause,
        from_state: event.from.map(str::to_owned),
        to_state: event.to.map(str::to_owned),
        rule_version: event.rule_version,
        data: Json(event.data),
    };
    diesel::insert_into(events::table).values(row).execute(&mut **tx)?;
    diesel::insert_into(unsealed_events::table).values(unsealed_events::event_id.eq(&id)).execute(&mut **tx)?;
    Ok(id)
}

/// Events not chained yet, oldest first.
pub fn unsealed(conn: &mut Conn, limit: i64) -> Outcome<Vec<EventRow>> {
    Ok(events::table
        .inner_join(unsealed_events::table.on(unsealed_events::event_id.eq(events::id)))
        .select(events::all_columns)
        .order(events::id)
        .limit(limit)
        .load(conn)?)
}

/// The newest link of the chain.
pub fn head(conn: &mut Conn) -> Outcome<Option<EventSealRow>> {
    Ok(event_seals::table.order(event_seals::seq.desc()).first(conn).optional()?)
}

pub fn add_seal(tx: &mut Tx, seal: &EventSealRow) -> Outcome<()> {
    diesel::insert_into(event_seals::table).values(seal.clone()).execute(&mut **tx)?;
    diesel::delete(unsealed_events::table.find(&seal.event_id)).execute(&mut **tx)?;
    Ok(())
}

/// The log from `after` on, oldest first; optionally of one subject.
pub fn page(conn: &mut Conn, subject: Option<&str>, after: Option<&EventId>, limit: i64) -> Outcome<Vec<EventRow>> {
    let mut query = events::table.into_boxed();
    if let Some(subject) = subject {
        query = query.filter(events::subject.eq(subject.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(events::id.gt(after.clone()));
    }
    Ok(query.order(events::id).limit(limit).load(conn)?)
}

/// The links of the chain for these events; those not chained yet have none.
pub fn seals_of(conn: &mut Conn, ids: &[EventId]) -> Outcome<Vec<EventSealRow>> {
    Ok(event_seals::table.filter(event_seals::event_id.eq_any(ids.to_vec())).load(conn)?)
}
