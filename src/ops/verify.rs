//! Looks whether every invariant holds. Changes nothing.

use serde::Serialize;

use crate::context::Cx;
use crate::db::verify as db;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::Outcome;
use crate::domain::time::At;
use crate::ops::faces::brand_key;

/// One invariant and what breaks it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Checked {
    pub id: String,
    pub sentence: String,
    pub violations: Vec<Broken>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Broken {
    pub what: String,
    /// Id of a row, or the name of a thing.
    pub id: String,
}

impl Checked {
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Every invariant, as far as the database can tell; in one view of it.
pub fn verify(cx: &Cx) -> Outcome<Vec<Checked>> {
    cx.read(|c| {
        let mut all = Vec::new();
        db::run(c, |invariant, found| {
            all.push(Checked {
                id: invariant.id.to_owned(),
                sentence: invariant.sentence.to_owned(),
                violations: found.into_iter().map(|v| Broken { what: v.what, id: v.id }).collect(),
            });
        })?;
        Ok(all)
    })
}

/// A photo that should be in the photo store.
#[derive(Clone, Debug)]
pub struct StoredPhoto {
    pub id: EvidenceId,
    pub sha256: String,
    pub size_bytes: i64,
    pub renditions: Vec<String>,
}

/// Photos after `after`, by id; at most `limit`.
pub fn photos_after(cx: &Cx, after: Option<&EvidenceId>, limit: i64) -> Outcome<Vec<StoredPhoto>> {
    let rows = cx.read(|c| db::any_photos(c, after, limit))?;
    Ok(rows
        .into_iter()
        .map(|(id, sha256, size_bytes, large, small, faces_hidden)| {
            let for_brands = faces_hidden.map(|_| [1600, 320].map(|edge| brand_key(&sha256, edge)));
            let renditions = [large, small].into_iter().flatten().chain(for_brands.into_iter().flatten()).collect();
            StoredPhoto { id, sha256, size_bytes, renditions }
        })
        .collect())
}

/// How far the audit chain lags: events that wait, and since when.
pub fn seal_lag(cx: &Cx) -> Outcome<(i64, Option<At>)> {
    cx.read(db::any_unsealed)
}
