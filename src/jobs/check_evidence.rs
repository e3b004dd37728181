//! Looks at one photo: fetch, look, search for copies, store what people look at, record. Looking is pure; a job that is
//! killed anywhere is run again and gives the same.

use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;

use super::{Bench, TRIES};
use crate::checks::duplicate::{HashIndex, Known, LIKE_MAX_BITS, exact_verdict};
use crate::checks::{Budget, Looked, Pdq, Prints, Shot, Subject, look};
use crate::context::Cx;
use crate::domain::capture;
use crate::domain::finding::Finding;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::assess::{self, Look, Photo, Recorded};
use crate::ops::work::{self, Claimed};
use crate::ports::blobs::evidence_key;

/// Hashes of all photos that were recorded, as far as this process has read them.
#[derive(Default)]
pub(super) struct KnownPhotos(Mutex<Read>);

#[derive(Default)]
struct Read {
    index: HashIndex,
    /// Number of the newest hash that was read.
    seq: i64,
}

/// Rows of hashes read at once.
const READ_ROWS: i64 = 2000;
/// A photo that resembles many is told about the nearest.
const HITS_MAX: usize = 5;
/// Photos recorded while a search runs make it run again, at most this often in one try.
const SEARCHES_MAX: usize = 20;

pub(super) async fn run(bench: Bench, claimed: Claimed) -> Outcome<()> {
    let id = EvidenceId::from_stored(claimed.subject.clone());
    match look_at(&bench, &claimed, &id).await {
        Err(failure) if claimed.attempts >= TRIES => {
            let why = failure.to_string();
            tracing::error!(evidence = id.as_str(), error = why, "a photo is left to a person");
            bench.block(move |cx| assess::give_up_look(cx, &claimed.id, &id, &why).map(|_| ())).await
        }
        other => other,
    }
}

async fn look_at(bench: &Bench, claimed: &Claimed, id: &EvidenceId) -> Outcome<()> {
    let (job, asked) = (claimed.id.clone(), id.clone());
    let Some(photo) = bench.block(move |cx| assess::photo_to_look_at(cx, &asked)).await? else {
        return bench.block(move |cx| work::done(cx, &job)).await;
    };
    let bytes = bench.app.blobs.get(&evidence_key(&photo.sha256)).await?;
    let bytes = bytes.ok_or_else(|| Failure::fault(format!("the bytes of {id} are not in the photo store")))?;
    let shot = shot_of(&photo);
    let looked = tokio::task::spawn_blocking(move || look(&bytes, &shot, &Budget::default()));
    let mut looked = looked.await.map_err(|_| Failure::fault("a look at a photo panicked"))?;
    if photo.envelope.is_sound(photo.expected()) {
        capture::outweigh(&mut looked.findings);
    }
    looked.findings.extend(photo.envelope.findings(photo.expected()));
    let mut keys = (None, None);
    if let Some(made) = looked.renditions.take() {
        let [large, small] = ["1600", "320"].map(|edge| format!("renditions/{}/{edge}.jpg", photo.sha256));
        bench.app.blobs.put(&large, made.large).await?;
        bench.app.blobs.put(&small, made.small).await?;
        keys = (Some(large), Some(small));
    }
    let known = bench.known.clone();
    bench.block(move |cx| record(cx, &known, &job, &photo, &looked, keys)).await
}

fn shot_of(photo: &Photo) -> Shot {
    let rules = photo.rules.as_ref();
    Shot {
        declared_content_type: Some(photo.content_type.clone()),
        file_name: photo.file_name.clone(),
        window: Some(photo.window),
        zone: TimeZone::get(&photo.time_zone).ok(),
        store: photo.store,
        radius_m: photo.radius_m,
        subject: match rules.and_then(|r| r.subject.as_deref()) {
            None | Some("shelf") => Subject::Shelf,
            Some("tag") => Subject::Tag,
            Some("store_front") => Subject::StoreFront,
            Some("product") => Subject::Product,
            Some("display") => Subject::Display,
            Some(_) => Subject::Other,
        },
        min_long_edge_px: rules.and_then(|r| r.min_long_edge_px).unwrap_or(0),
        camera_only: rules.is_some_and(|r| r.camera_only),
    }
}

fn record(
    cx: &Cx,
    known: &KnownPhotos,
    job: &crate::domain::ids::JobId,
    photo: &Photo,
    looked: &Looked,
    (rendition_large, rendition_small): (Option<String>, Option<String>),
) -> Outcome<()> {
    let mut same_bytes = Vec::new();
    for (other, same_worker) in assess::copies_of(cx, &photo.id)? {
        if let Some((code, level)) = exact_verdict(same_worker, false) {
            same_bytes.push(Finding::new(code, level).beside(other));
        }
    }
    same_bytes.truncate(HITS_MAX);
    for _ in 0..SEARCHES_MAX {
        let (searched, alike) = known.search(cx, photo, looked.prints.as_ref())?;
        let mut findings = looked.findings.clone();
        findings.extend(same_bytes.iter().cloned());
        // The same bytes need no second sentence about looking alike.
        findings.extend(alike.into_iter().filter(|f| same_bytes.iter().all(|same| same.other != f.other)));
        findings.sort_by_key(|f| f.code);
        let look = Look {
            findings,
            facts: serde_json::to_value(&looked.facts).map_err(Failure::fault)?,
            pdq: looked.pdq.map(|pdq| pdq.to_string()),
            pdq_quality: i64::from(looked.pdq_quality),
            rendition_large: rendition_large.clone(),
            rendition_small: rendition_small.clone(),
            rule_version: looked.rule_version.to_owned(),
        };
        if assess::record_looked(cx, job, &photo.id, &look, Some(searched))? == Recorded::Done {
            return Ok(());
        }
    }
    Err(Failure::fault("other photos kept arriving during the search for copies"))
}

impl KnownPhotos {
    /// Reads what was recorded since, then searches; returns the number of the newest hash searched and what the nearest
    /// photos mean.
    fn search(&self, cx: &Cx, photo: &Photo, prints: Option<&Prints>) -> Outcome<(i64, Vec<Finding>)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let rows = assess::hashes_after(cx, known.seq, READ_ROWS)?;
            let full = rows.len() as i64 == READ_ROWS;
            for row in rows {
                known.seq = row.seq;
                let entry = Known { id: row.id, worker: row.worker, visit: row.visit, at: row.at };
                if let Some(pdq) = Pdq::parse(&row.pdq) {
                    known.index.insert(entry, pdq, u8::try_from(row.quality).unwrap_or(0));
                }
            }
            if !full {
                break;
            }
        }
        let hits = prints.map(|prints| known.index.near(prints, LIKE_MAX_BITS)).unwrap_or_default();
        let mut found: Vec<Finding> = Vec::new();
        for hit in hits.iter().filter(|hit| hit.known.id != photo.id) {
            if let Some(finding) = hit.finding(&photo.worker, &photo.visit, photo.received_at)
                && found.iter().all(|f| f.code != finding.code)
            {
                found.push(finding);
            }
        }
        found.truncate(HITS_MAX);
        Ok((known.seq, found))
    }
}
