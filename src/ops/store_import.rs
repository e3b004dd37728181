//! Brings a file of stores into the directory, whole or not at all. Stores that the file does not name stay as they are.

use serde_json::json;

use crate::context::Cx;
use crate::db;
use crate::db::rows::StoreRow as Stored;
use crate::domain::event::{Actor, Event};
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::store::{Fence, StoreState, Zone};
use crate::domain::store_import::{StoreRow, diff};

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imported {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
}

fn sources_of(rows: &[StoreRow]) -> Vec<String> {
    let mut sources: Vec<String> = rows.iter().map(|row| row.source.clone()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// As a file would name it. The kind of shop is not kept.
fn as_row(stored: &Stored) -> Outcome<StoreRow> {
    Ok(StoreRow {
        line: 0,
        source: stored.source.clone(),
        source_id: stored.source_id.clone(),
        name: stored.name.clone(),
        chain: stored.chain.clone(),
        street: stored.street.clone(),
        housenumber: stored.housenumber.clone(),
        postcode: stored.postcode.clone(),
        city: stored.city.clone(),
        country: stored.country.clone(),
        lat: stored.lat,
        lon: stored.lon,
        opening_hours: stored.opening_hours.clone(),
        time_zone: Zone::parse(&stored.time_zone)
            .map_err(|problem| Failure::fault(format!("store {}: {problem}", stored.id)))?,
        kind: None,
    })
}

/// What the directory holds from the sources of `rows`.
pub fn known(cx: &Cx, rows: &[StoreRow]) -> Outcome<Vec<StoreRow>> {
    cx.read(|c| db::store_import::any_of_sources(c, &sources_of(rows))?.iter().map(as_row).collect())
}

/// Adds and changes stores as `rows` say (their `kind` must be dropped before).
pub fn apply(cx: &Cx, rows: &[StoreRow]) -> Outcome<Imported> {
    cx.write_as(&Actor::Operator, |tx| {
        let sources = sources_of(rows);
        let stored = db::store_import::any_of_sources(tx, &sources)?;
        let existing: Vec<StoreRow> = stored.iter().map(as_row).collect::<Outcome<_>>()?;
        let plan = diff(&existing, rows);
        let now = tx.now();
        let fresh = |tx: &db::Tx, row: &StoreRow| Stored {
            id: tx.id(),
            brand_id: None,
            source: row.source.clone(),
            source_id: row.source_id.clone(),
            name: row.name.clone(),
            chain: row.chain.clone(),
            street: row.street.clone(),
            housenumber: row.housenumber.clone(),
            postcode: row.postcode.clone(),
            city: row.city.clone(),
            country: row.country.clone(),
            lat: row.lat,
            lon: row.lon,
            radius_m: Fence::DEFAULT_RADIUS_M,
            opening_hours: row.opening_hours.clone(),
            time_zone: row.time_zone.name().to_owned(),
            state: StoreState::Open,
            paused_at: None,
            recheck_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        for row in &plan.added {
            let store = fresh(tx, row);
            db::stores::insert(tx, &store)?;
        }
        for (row, _) in &plan.changed {
            let known = stored.iter().find(|s| s.source == row.source && s.source_id == row.source_id);
            let known = known.ok_or_else(|| Failure::fault("a changed store that is not there"))?;
            let store = fresh(tx, row);
            db::store_import::update(tx, &known.id, &store)?;
        }
        let done = Imported { added: plan.added.len(), changed: plan.changed.len(), unchanged: plan.unchanged.len() };
        if done.added + done.changed == 0 {
            tx.nothing_changed();
        } else {
            let data = json!({ "sources": sources, "added": done.added, "changed": done.changed });
            tx.record(Event::new("stores.imported", sources.join(",")).data(data))?;
        }
        Ok(done)
    })
}
