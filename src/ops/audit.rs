//! Reading the audit log: what happened, who did it, and the link of the chain that covers it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Admin;
use crate::context::Cx;
use crate::db::audit;
use crate::db::rows::{EventRow, EventSealRow};
use crate::domain::ids::*;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::time::At;
use crate::ops::Page;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct EventView {
    pub id: EventId,
    pub at: At,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub request_id: String,
    /// `noun.verb`.
    pub kind: String,
    /// Id of what changed.
    pub subject: String,
    pub brand_id: Option<BrandId>,
    pub cause: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub rule_version: Option<String>,
    pub data: Value,
    /// Place in the chain and its hash; null until the sealing job came by.
    pub seq: Option<i64>,
    pub hash: Option<String>,
    pub previous_hash: Option<String>,
}

impl EventView {
    fn of(row: EventRow, seal: Option<EventSealRow>) -> EventView {
        let (seq, hash, previous_hash) = match seal {
            Some(seal) => (Some(seal.seq), Some(seal.hash), Some(seal.previous_hash)),
            None => (None, None, None),
        };
        EventView {
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            request_id: row.request_id,
            kind: row.kind,
            subject: row.subject,
            brand_id: row.brand_id,
            cause: row.cause,
            from: row.from_state,
            to: row.to_state,
            rule_version: row.rule_version,
            data: row.data.0,
            seq,
            hash,
            previous_hash,
        }
    }
}

/// The log, oldest first; of one subject when it is given. Cursor: id.
pub fn list_events(
    cx: &Cx,
    _who: &Admin,
    subject: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<EventView>> {
    if subject.is_some_and(|s| !(1..=100).contains(&s.len()) || !s.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Refusal::field("subject", "pattern", "The id of a thing: 1 to 100 visible characters.").into());
    }
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let after = after.map(|text| EventId::parse(text).ok_or_else(bad)).transpose()?;
    let (rows, seals) = cx.read(|c| {
        let rows = audit::page(c, subject, after.as_ref(), limit + 1)?;
        let ids: Vec<EventId> = rows.iter().map(|row| row.id.clone()).collect();
        let seals = audit::seals_of(c, &ids)?;
        Ok((rows, seals))
    })?;
    let seals: HashMap<EventId, EventSealRow> = seals.into_iter().map(|seal| (seal.event_id.clone(), seal)).collect();
    let view = |row: EventRow| {
        let seal = seals.get(&row.id).cloned();
        EventView::of(row, seal)
    };
    Ok(Page::of(rows, limit, |row| row.id.to_string(), view))
}
