//! Brings a file of stores into the directory, in transactions of some thousand rows: a run that is killed is run again
//! and goes on where it stopped. Stores that the file does not name stay as they are.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::stores::site_of;
use crate::context::Cx;
use crate::db;
use crate::db::Conn;
use crate::db::rows::StoreRow as Stored;
use crate::db::types::Json;
use crate::domain::event::{Actor, Event};
use crate::domain::ids::StoreId;
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::store::{Fence, StoreState, Zone};
use crate::domain::store_import::{Diff, Known, StoreRow, diff};

/// Rows of one transaction: on SQLite nobody else writes while it runs, so it takes some tenths of a second.
pub const ROWS_AT_ONCE: usize = 2000;

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    pub added: usize,
    pub changed: usize,
}

/// What the directory holds from the sources of `rows`.
pub fn known(cx: &Cx, rows: &[StoreRow]) -> Outcome<Vec<Known>> {
    let mut sources: Vec<String> = rows.iter().map(|row| row.source.clone()).collect();
    sources.sort_unstable();
    sources.dedup();
    cx.read(|c| {
        let stored = db::store_import::any_of_sources(c, &sources)?;
        Ok(as_known(c, &stored)?.0)
    })
}

/// Stores under their ids, and the rows of those that stand for them.
fn as_known(c: &mut Conn, stored: &[Stored]) -> Outcome<(Vec<Known>, HashMap<StoreId, Stored>)> {
    let merged: Vec<StoreId> = stored.iter().filter_map(|row| row.merged_into.clone()).collect();
    let kept = db::store_import::any_by_ids(c, &merged)?;
    let rows: HashMap<StoreId, Stored> =
        stored.iter().filter(|row| row.merged_into.is_none()).chain(&kept).map(|r| (r.id.clone(), r.clone())).collect();
    let mut zones = HashMap::new();
    let mut known = Vec::with_capacity(stored.len());
    for row in stored {
        let speaks = match &row.merged_into {
            Some(id) => rows.get(id).or_missing("store")?,
            None => row,
        };
        known.push(Known {
            row: StoreRow {
                source: row.source.clone(),
                source_id: row.source_id.clone(),
                ..as_row(speaks, &mut zones)?
            },
            store: speaks.id.clone(),
            merged: row.merged_into.is_some(),
            placed: speaks.placed_at.is_some(),
        });
    }
    Ok((known, rows))
}

/// As a file would name it. The kind of shop is not kept.
fn as_row(stored: &Stored, zones: &mut HashMap<String, Zone>) -> Outcome<StoreRow> {
    let time_zone = match zones.get(&stored.time_zone) {
        Some(zone) => zone.clone(),
        None => {
            let zone = Zone::parse(&stored.time_zone)
                .map_err(|problem| Failure::fault(format!("store {}: {problem}", stored.id)))?;
            zones.insert(stored.time_zone.clone(), zone.clone());
            zone
        }
    };
    let site = site_of(stored)?;
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
        time_zone,
        kind: None,
        entrance: site.entrance,
        outline: site.outline,
    })
}

/// The directory's entry of a store as `row` says it.
fn rewritten(stored: Stored, row: &StoreRow) -> Stored {
    let mut new = Stored {
        name: row.name.clone(),
        chain: row.chain.clone(),
        street: row.street.clone(),
        housenumber: row.housenumber.clone(),
        postcode: row.postcode.clone(),
        city: row.city.clone(),
        country: row.country.clone(),
        opening_hours: row.opening_hours.clone(),
        time_zone: row.time_zone.name().to_owned(),
        ..stored
    };
    if new.placed_at.is_none() {
        (new.lat, new.lon) = (row.lat, row.lon);
        if let Some(entrance) = row.entrance {
            (new.entrance_lat, new.entrance_lon) = (Some(entrance.lat()), Some(entrance.lon()));
        }
        if let Some(outline) = &row.outline {
            new.outline = Some(Json(outline.to_json()));
        }
    }
    new
}

/// Adds and changes stores as `plan` says (the `kind` of its rows must be dropped before), and tells how many rows are
/// done after each transaction.
pub fn apply(cx: &Cx, plan: &Diff, told: impl Fn(usize)) -> Outcome<Imported> {
    let rows: Vec<StoreRow> =
        plan.added.iter().copied().chain(plan.changed.iter().map(|(row, ..)| *row)).cloned().collect();
    let mut all = Imported::default();
    let mut done = 0;
    for some in rows.chunks(ROWS_AT_ONCE) {
        let part = apply_some(cx, some)?;
        (all.added, all.changed, done) = (all.added + part.added, all.changed + part.changed, done + some.len());
        told(done);
    }
    Ok(all)
}

fn apply_some(cx: &Cx, rows: &[StoreRow]) -> Outcome<Imported> {
    cx.write_as(&Actor::Operator, |tx| {
        let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for row in rows {
            named.entry(&row.source).or_default().push(row.source_id.clone());
        }
        let mut stored = Vec::with_capacity(rows.len());
        for (source, ids) in &named {
            stored.extend(db::store_import::any_named(tx, source, ids)?);
        }
        // Compared again: between showing and writing somebody may have changed the directory.
        let (known, by_id) = as_known(tx, &stored)?;
        let plan = diff(&known, rows);
        let now = tx.now();
        let added: Vec<Stored> = plan
            .added
            .iter()
            .map(|row| {
                let bare = Stored {
                    id: tx.id(),
                    brand_id: None,
                    source: row.source.clone(),
                    source_id: row.source_id.clone(),
                    name: String::new(),
                    chain: None,
                    street: None,
                    housenumber: None,
                    postcode: None,
                    city: None,
                    country: String::new(),
                    lat: row.lat,
                    lon: row.lon,
                    radius_m: Fence::DEFAULT_RADIUS_M,
                    opening_hours: None,
                    time_zone: String::new(),
                    state: StoreState::Open,
                    paused_at: None,
                    recheck_at: None,
                    created_at: now,
                    updated_at: now,
                    version: 1,
                    entrance_lat: None,
                    entrance_lon: None,
                    outline: None,
                    placed_at: None,
                    merged_into: None,
                };
                rewritten(bare, row)
            })
            .collect();
        db::stores::insert_many(tx, &added)?;
        for (row, known, _) in &plan.changed {
            let old = by_id.get(&known.store).or_missing("store")?;
            let new = rewritten(old.clone(), row);
            db::stores::rewrite(tx, &new)?;
            if (new.lat, new.lon) != (old.lat, old.lon) {
                db::stores::move_missions(tx, &new)?;
            }
        }
        let done = Imported { added: plan.added.len(), changed: plan.changed.len() };
        if done == Imported::default() {
            tx.nothing_changed();
        } else {
            let sources: Vec<&str> = named.keys().copied().collect();
            let data = json!({ "sources": sources, "added": done.added, "changed": done.changed });
            tx.record(Event::new("stores.imported", sources.join(",")).data(data))?;
        }
        Ok(done)
    })
}
