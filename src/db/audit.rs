//! The audit log: appended by every transaction, chained afterwards by the sealing job (I14). No update exists.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::conn::Conn;
use super::rows::{EventRow, EventSealRow};
use super::schema::{event_seals, events, unsealed_events};
use super::tx::Tx;
use super::types::Json;
use crate::access::token::hex;
use crate::domain::event::Event;
use crate::domain::ids::EventId;
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

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
    // Every write passes here: typed for its engine, since the pair builds a statement's text anew each time.
    crate::each!(&mut **tx, c => diesel::insert_into(events::table).values(row).execute(c))?;
    let unsealed = unsealed_events::event_id.eq(&id);
    crate::each!(&mut **tx, c => diesel::insert_into(unsealed_events::table).values(unsealed).execute(c))?;
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

/// What the first link stands on.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The link of one event: SHA-256 over the hash before and every column of the row, in hex.
pub fn chain_hash(previous: &str, row: &EventRow) -> String {
    let columns = serde_json::json!([
        row.id,
        row.at.micros(),
        row.actor_kind,
        row.actor_id,
        row.request_id,
        row.kind,
        row.subject,
        row.brand_id,
        row.cause,
        row.from_state,
        row.to_state,
        row.rule_version,
        row.data.0,
    ]);
    hex(&Sha256::new().chain_update(previous).chain_update(columns.to_string()).finalize())
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

/// When the newest event happened.
pub fn last_at(conn: &mut Conn) -> Outcome<Option<At>> {
    Ok(events::table.order(events::id.desc()).select(events::at).first(conn).optional()?)
}

/// The links of the chain for these events; those not chained yet have none.
pub fn seals_of(conn: &mut Conn, ids: &[EventId]) -> Outcome<Vec<EventSealRow>> {
    Ok(event_seals::table.filter(event_seals::event_id.eq_any(ids.to_vec())).load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::At;

    fn event() -> EventRow {
        EventRow {
            id: EventId::from_bits(1),
            at: At::from_micros(1).expect("in range"),
            actor_kind: "machine".to_owned(),
            actor_id: None,
            request_id: "r".to_owned(),
            kind: "mission.made".to_owned(),
            subject: "mis_1".to_owned(),
            brand_id: None,
            cause: None,
            from_state: None,
            to_state: None,
            rule_version: None,
            data: Json(serde_json::json!({"b": 1, "a": 2})),
        }
    }

    #[test]
    fn a_link_hangs_on_every_column_and_on_the_link_before() {
        let plain = chain_hash(GENESIS, &event());
        assert_eq!(plain.len(), 64);
        assert_eq!(plain, chain_hash(GENESIS, &event()));
        assert_ne!(plain, chain_hash(&plain, &event()));
        // A text that moves to the next column is another row.
        let moved = EventRow { actor_id: Some("r".to_owned()), request_id: String::new(), ..event() };
        assert_ne!(plain, chain_hash(GENESIS, &moved));
        assert_ne!(plain, chain_hash(GENESIS, &EventRow { data: Json(serde_json::json!({})), ..event() }));
    }
}
