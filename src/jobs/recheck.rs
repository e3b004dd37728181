//! The rules of today over photos of yesterday: what would change, and, when asked, writing it for visits that nobody has
//! decided. As many visits side by side as photos are looked at; each is written by itself, so a run may be killed anywhere
//! and run again.

use std::collections::HashMap;
use std::sync::Arc;

use super::check_evidence::{nearest, remember, same_bytes, see, together};
use crate::checks::duplicate::{HashIndex, Hit};
use crate::context::{App, Cx};
use crate::domain::finding::RULE_VERSION;
use crate::domain::ids::{EvidenceId, SubmissionId};
use crate::domain::recheck::{Fate, Recheck};
use crate::domain::refusal::{Code, Failure, Outcome};
use crate::domain::time::At;
use crate::ops::assess;
use crate::ops::recheck::{self, Kept, Seen, Visit};
use crate::ports::blobs::evidence_key;

/// What to look at, and whether to write.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub since: Option<At>,
    pub after: Option<SubmissionId>,
    /// Visits; `None` is all.
    pub limit: Option<usize>,
    /// Also photos that were looked at under the rules of today.
    pub all: bool,
    pub apply: bool,
}

/// Visits read at a time.
const PAGE: i64 = 50;
/// Rows of hashes read at once.
const READ_ROWS: i64 = 2000;

/// Every hash with its number: a photo is compared with those that were recorded before it.
#[derive(Default)]
struct Hashes {
    index: HashIndex,
    seq: HashMap<EvidenceId, i64>,
}

impl Hashes {
    fn read(cx: &Cx) -> Outcome<Hashes> {
        let mut all = Hashes::default();
        let mut after = 0;
        loop {
            let rows = assess::hashes_after(cx, after, READ_ROWS)?;
            let Some(last) = rows.last() else {
                all.index.settle();
                return Ok(all);
            };
            after = last.seq;
            for row in rows {
                all.seq.insert(row.id.clone(), row.seq);
                remember(&mut all.index, row);
            }
        }
    }

    fn is_before(&self, hit: &Hit, kept: &Kept) -> bool {
        match (self.seq.get(&hit.known.id), kept.hash_seq) {
            (Some(other), Some(own)) => *other < own,
            _ => hit.known.id < kept.photo.id,
        }
    }
}

/// Runs over all visits that were asked for. `told` hears after each page how far it is.
pub async fn run(app: &App, asked: &Asked, told: impl Fn(u64, &SubmissionId)) -> Outcome<Recheck> {
    let hashes = Arc::new(block(app, Hashes::read).await?);
    let mut found = Recheck { rule_version: RULE_VERSION.to_owned(), apply: asked.apply, ..Recheck::default() };
    let mut after = asked.after.clone();
    let mut left = asked.limit.unwrap_or(usize::MAX);
    loop {
        // One more than is done, to know whether there is more.
        let page = PAGE.min(i64::try_from(left.saturating_add(1)).unwrap_or(PAGE));
        let (from, since, apply) = (after.clone(), asked.since, asked.apply);
        let visits = block(app, move |cx| recheck::visits_after(cx, from.as_ref(), since, apply, page)).await?;
        if visits.is_empty() {
            return Ok(found);
        }
        if left == 0 {
            found.next = after;
            return Ok(found);
        }
        let mut visits = visits;
        visits.truncate(left);
        left -= visits.len();
        after = visits.last().map(|visit| visit.id().clone());
        for some in visits.chunks(app.photo_threads.max(1)) {
            let running: Vec<_> = some
                .iter()
                .map(|visit| tokio::spawn(one(app.clone(), visit.clone(), hashes.clone(), asked.clone())))
                .collect();
            for ended in running {
                let Done { change, photos, current, dropped, fate } =
                    ended.await.map_err(|_| Failure::fault("a look at a visit panicked"))??;
                found.add(change, photos, current, dropped, fate);
            }
        }
        if let Some(last) = &after {
            told(found.visits, last);
        }
    }
}

struct Done {
    change: crate::domain::recheck::VisitChange,
    photos: u64,
    current: u64,
    dropped: u64,
    fate: Fate,
}

async fn one(app: App, visit: Visit, hashes: Arc<Hashes>, asked: Asked) -> Outcome<Done> {
    let (mut seen, mut current, mut dropped) = (Vec::new(), 0, 0);
    for kept in &visit.photos {
        if kept.is_current() && !asked.all {
            current += 1;
            continue;
        }
        match app.blobs.get(&evidence_key(&kept.photo.sha256)).await? {
            None => dropped += 1,
            Some(bytes) => {
                let (kept, hashes) = (kept.clone(), hashes.clone());
                seen.push(block(&app, move |cx| look_again(cx, &bytes, &kept, &hashes)).await?);
            }
        }
    }
    let change = visit.change(&seen);
    let photos = seen.len() as u64;
    let fate = match asked.apply && !seen.is_empty() {
        false => Fate::Looked,
        true => match block(&app, move |cx| recheck::apply(cx, &visit, &seen)).await {
            // Somebody was quicker.
            Err(failure) if matches!(failure.code(), Some(Code::Stale | Code::WrongState)) => Fate::Left,
            other => other?,
        },
    };
    Ok(Done { change, photos, current, dropped, fate })
}

fn look_again(cx: &Cx, bytes: &[u8], kept: &Kept, hashes: &Hashes) -> Outcome<Seen> {
    let looked = see(bytes, &kept.photo);
    let copies = assess::copies_of(cx, &kept.photo.id)?;
    let prints = [looked.prints, looked.trimmed];
    let hits = nearest(&hashes.index, &kept.photo, prints, |hit| hashes.is_before(hit, kept));
    let (mut findings, _) = together(&looked.findings, &same_bytes(copies), hits);
    // What was found by laying pictures on each other is not sought again.
    findings.extend(kept.laid.iter().cloned());
    findings.sort_by_key(|finding| finding.code);
    let facts = serde_json::to_value(&looked.facts).map_err(Failure::fault)?;
    Ok(Seen { id: kept.photo.id.clone(), findings, facts })
}

async fn block<T: Send + 'static>(app: &App, f: impl FnOnce(&Cx) -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let cx = app.cx();
    tokio::task::spawn_blocking(move || f(&cx)).await.map_err(|_| Failure::fault("a recheck panicked"))?
}
