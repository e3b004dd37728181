//! Brings a file of stores into the directory, in transactions of some thousand rows: a run that is killed is run again
//! and goes on where it stopped. Stores that the file does not name stay as they are.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::stores::site_of;
use crate::context::Cx;
use crate::db;
use crate::db::Tx;
use crate::db::rows::StoreRow as Stored;
use crate::db::types::Json;
use crate::domain::event::{Actor, Event};
use crate::domain::ids::StoreId;
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::store::{Fence, StoreState, Zone};
use crate::domain::store_import::{Diff, Known, StoreRow};

/// Rows of one transaction: on SQLite nobody else writes while it runs, so it takes some tenths of a second.
pub const ROWS_AT_ONCE: usize = 2000;

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    pub added: usize,
    pub changed: usize,
}

/// What the directory holds from the sources of a file.
pub struct Directory {
    pub known: Vec<Known>,
    /// The rows that `known` stand for.
    rows: HashMap<StoreId, Stored>,
}

/// Reads what the directory holds from the sources of `rows`.
pub fn directory(cx: &Cx, rows: &[StoreRow]) -> Outcome<Directory> {
    let mut sources: Vec<String> = rows.iter().map(|row| row.source.clone()).collect();
    sources.sort_unstable();
    sources.dedup();
    cx.read(|c| {
        let stored = db::store_import::any_of_sources(c, &sources)?;
        let merged: Vec<StoreId> = stored.iter().filter_map(|row| row.merged_into.clone()).collect();
        let kept = db::store_import::any_by_ids(c, &merged)?;
        let own = stored.iter().filter(|row| row.merged_into.is_none());
        let rows: HashMap<StoreId, Stored> = own.chain(&kept).map(|row| (row.id.clone(), row.clone())).collect();
        let mut zones = HashMap::new();
        let mut known = Vec::with_capacity(stored.len());
        for row in &stored {
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
        Ok(Directory { known, rows })
    })
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

/// A store of a file that is new, or one that it changes.
enum Step<'a> {
    Add(&'a StoreRow),
    Change(&'a StoreRow, &'a Stored),
}

/// Adds and changes stores as `plan`, made from `directory`, says (the `kind` of its rows must be dropped before), and
/// tells how many rows are done after each transaction. Refuses `busy` when somebody changed one of the stores since
/// the directory was read: what was written stays, and a new run goes on.
pub fn apply(cx: &Cx, directory: &Directory, plan: &Diff, told: impl Fn(usize)) -> Outcome<Imported> {
    let mut steps: Vec<Step> = plan.added.iter().map(|row| Step::Add(row)).collect();
    for (row, known, _) in &plan.changed {
        steps.push(Step::Change(row, directory.rows.get(&known.store).or_missing("store")?));
    }
    let mut all = Imported::default();
    for some in steps.chunks(ROWS_AT_ONCE) {
        let part = apply_some(cx, some)?;
        (all.added, all.changed) = (all.added + part.added, all.changed + part.changed);
        told(all.added + all.changed);
    }
    Ok(all)
}

fn apply_some(cx: &Cx, steps: &[Step]) -> Outcome<Imported> {
    cx.write_as(&Actor::Operator, |tx| {
        let mut added = Vec::new();
        let mut sources = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(row) => {
                    sources.insert(row.source.as_str());
                    added.push(rewritten(bare(tx, row), row));
                }
                Step::Change(row, old) => {
                    sources.insert(row.source.as_str());
                    let new = rewritten((*old).clone(), row);
                    db::stores::rewrite(tx, &new)?;
                    if (new.lat, new.lon) != (old.lat, old.lon) {
                        db::stores::move_missions(tx, &new)?;
                    }
                }
            }
        }
        db::stores::insert_many(tx, &added)?;
        let done = Imported { added: added.len(), changed: steps.len() - added.len() };
        let sources: Vec<&str> = sources.into_iter().collect();
        let data = json!({ "sources": sources, "added": done.added, "changed": done.changed });
        tx.record(Event::new("stores.imported", sources.join(",")).data(data))?;
        Ok(done)
    })
}

/// A store of the platform that nothing but its ids is known of.
fn bare(tx: &Tx, row: &StoreRow) -> Stored {
    Stored {
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
        created_at: tx.now(),
        updated_at: tx.now(),
        version: 1,
        entrance_lat: None,
        entrance_lon: None,
        outline: None,
        placed_at: None,
        merged_into: None,
    }
}
