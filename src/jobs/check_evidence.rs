//! Looks at one photo: fetch, look, search for copies, store what people look at, record. Looking is pure; a job that is
//! killed anywhere is run again and gives the same.

use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Bench, TRIES};
use crate::checks::duplicate::{HashIndex, Hit, Known, LIKE_MAX_BITS, exact_verdict, is_told_by_hash};
use crate::checks::{Budget, Looked, Pdq, Prints, Shot, Subject, look, pixels_held};
use crate::context::Cx;
use crate::domain::capture;
use crate::domain::finding::Finding;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::assess::{self, Alike, Hashed, Look, Photo, Recorded};
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

/// What all looks of one process may hold at once, so that a few large photos do not meet on a small machine.
pub(super) struct Room(Semaphore);

/// A megapixel, decoded and scaled, takes up to 6 MB; five photos of 12 megapixels fit, or one of the largest.
const ROOM_MEGAPIXELS: u32 = 64;

impl Default for Room {
    fn default() -> Room {
        Room(Semaphore::new(ROOM_MEGAPIXELS as usize))
    }
}

impl Room {
    /// Waits until there is room for a photo.
    async fn enter(&self, pixels: u64) -> Option<SemaphorePermit<'_>> {
        let megapixels = u32::try_from(pixels.div_ceil(1_000_000)).unwrap_or(ROOM_MEGAPIXELS);
        // An error says that the room was closed, which nobody does.
        self.0.acquire_many(megapixels.clamp(1, ROOM_MEGAPIXELS)).await.ok()
    }
}

/// Rows of hashes read at once.
const READ_ROWS: i64 = 20_000;
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
    let seen = photo.clone();
    let _room = bench.room.enter(pixels_held(&bytes, &Budget::default())).await;
    let looked = tokio::task::spawn_blocking(move || see(&bytes, &seen));
    let mut looked = looked.await.map_err(|_| Failure::fault("a look at a photo panicked"))?;
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

/// One look at the bytes of a photo with what is known about it; the first one and every later one.
pub(super) fn see(bytes: &[u8], photo: &Photo) -> Looked {
    let mut looked = look(bytes, &shot_of(photo), &Budget::default());
    if photo.envelope.is_sound(photo.expected()) {
        capture::outweigh(&mut looked.findings);
    }
    looked.findings.extend(photo.envelope.findings(photo.expected()));
    looked
}

fn shot_of(photo: &Photo) -> Shot {
    let rules = photo.rules.as_ref();
    Shot {
        declared_content_type: Some(photo.content_type.clone()),
        file_name: photo.file_name.clone(),
        window: Some(photo.window),
        zone: TimeZone::get(&photo.time_zone).ok(),
        received: Some(photo.received_at),
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
    let same_bytes = same_bytes(assess::copies_of(cx, &photo.id)?);
    for _ in 0..SEARCHES_MAX {
        let (searched, hits) = known.search(cx, photo, [looked.prints, looked.trimmed])?;
        let (findings, alike) = together(&looked.findings, &same_bytes, hits);
        let exact = same_bytes
            .iter()
            .filter_map(|f| Some(Alike { other: f.other.clone()?, code: f.code, distance: 0, symmetry: 0 }));
        let pair = |(hit, finding): &(Hit, Finding)| Alike {
            other: hit.known.id.clone(),
            code: finding.code,
            distance: i64::from(hit.distance),
            symmetry: hit.symmetry.number() as i64,
        };
        let text =
            |prints: Option<Prints>| prints.map(|prints| (prints.symmetries[0].to_string(), i64::from(prints.quality)));
        let look = Look {
            context: Some(photo.clone()),
            findings,
            facts: serde_json::to_value(&looked.facts).map_err(Failure::fault)?,
            pdq: looked.pdq.map(|pdq| pdq.to_string()),
            pdq_quality: i64::from(looked.pdq_quality),
            pdq_trimmed: looked.pdq.and(text(looked.trimmed)),
            pairs: exact.chain(alike.iter().map(pair)).collect(),
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

/// What other photos with the same bytes mean: (photo, same worker).
pub(super) fn same_bytes(copies: Vec<(EvidenceId, bool)>) -> Vec<Finding> {
    let finding = |(other, same_worker)| {
        let (code, level) = exact_verdict(same_worker, false)?;
        Some(Finding::new(code, level).beside(other))
    };
    copies.into_iter().filter_map(finding).take(HITS_MAX).collect()
}

/// The nearest photos among those that `counts` lets through, with what they mean.
pub(super) fn nearest(
    index: &HashIndex,
    photo: &Photo,
    prints: [Option<Prints>; 2],
    counts: impl Fn(&Hit) -> bool,
) -> Vec<(Hit, Finding)> {
    let hits = prints.iter().flatten().flat_map(|prints| index.near(prints, LIKE_MAX_BITS));
    let mut hits: Vec<Hit> = hits.filter(|hit| hit.known.id != photo.id && counts(hit)).collect();
    hits.sort_by_key(|hit| hit.distance);
    let mut found: Vec<(Hit, Finding)> = Vec::new();
    for hit in hits {
        if found.iter().all(|(seen, _)| seen.known.id != hit.known.id)
            && let Some(finding) = hit.finding(&photo.worker, &photo.visit, photo.received_at)
        {
            found.push((hit, finding));
        }
    }
    // A burst must not push out a copy.
    found.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.level));
    found.truncate(HITS_MAX);
    found
}

/// Everything found on one photo, in the order of the codes, and the pairs to keep: those that are told, and those that
/// the comparison of the pictures will tell or drop.
pub(super) fn together(
    looked: &[Finding],
    same_bytes: &[Finding],
    hits: Vec<(Hit, Finding)>,
) -> (Vec<Finding>, Vec<(Hit, Finding)>) {
    // The same bytes need no second sentence about looking alike.
    let alike = hits.into_iter().filter(|(_, f)| same_bytes.iter().all(|same| same.other != f.other));
    let alike: Vec<(Hit, Finding)> = alike.collect();
    let mut findings = looked.to_vec();
    findings.extend(same_bytes.iter().cloned());
    for (hit, finding) in &alike {
        if is_told_by_hash(hit.distance, finding.code) && findings.iter().all(|f| f.code != finding.code) {
            findings.push(finding.clone());
        }
    }
    findings.sort_by_key(|f| f.code);
    (findings, alike)
}

/// Puts a recorded photo into an index.
pub(super) fn remember(index: &mut HashIndex, row: Hashed) {
    let entry = Known { id: row.id, worker: row.worker, visit: row.visit, at: row.at };
    let hashes = std::iter::once((row.pdq, row.quality)).chain(row.trimmed);
    let hashes = hashes.filter_map(|(pdq, quality)| Some((Pdq::parse(&pdq)?, u8::try_from(quality).ok()?)));
    index.insert_all(&entry, &hashes.collect::<Vec<_>>());
}

impl KnownPhotos {
    /// Reads what was recorded since, then searches by the photo's hash and by that without its bars; returns the number of
    /// the newest hash searched, and the nearest photos with what they mean.
    fn search(&self, cx: &Cx, photo: &Photo, prints: [Option<Prints>; 2]) -> Outcome<(i64, Vec<(Hit, Finding)>)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at_start = known.seq == 0;
        loop {
            let rows = assess::hashes_after(cx, known.seq, READ_ROWS)?;
            let full = rows.len() as i64 == READ_ROWS;
            for row in rows {
                known.seq = row.seq;
                remember(&mut known.index, row);
            }
            if !full {
                break;
            }
        }
        if at_start {
            known.index.settle();
        }
        Ok((known.seq, nearest(&known.index, photo, prints, |_| true)))
    }
}
