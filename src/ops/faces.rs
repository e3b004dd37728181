//! Faces in what brands see: which photos are searched and when, and what came of it. Where the platform hides faces, a
//! brand gets a photo only after it was searched; reviewers keep the original and its own renditions.

use serde_json::json;

use super::assess::CHECK_EVIDENCE;
use super::deadlines::Swept;
use crate::context::Cx;
use crate::db::evidence::About;
use crate::db::{assess, evidence, faces as db, queue, submissions};
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Code, Finding, Level};
use crate::domain::ids::{EvidenceId, JobId};
use crate::domain::refusal::{OrMissing, Outcome};

/// The queue of photos to search for faces; the subject is an evidence id.
pub const HIDE_FACES: &str = "hide_faces";

const HIDER: Actor = Actor::Machine("hide_faces");
/// Photos that one look at an idle queue takes: a brand that asks for a photo waits behind them.
const IDLE_ROWS: i64 = 30;
/// Older deliveries are searched when a brand asks for them.
const IDLE_DAYS: i64 = 3;

/// Where a rendition for brands is kept, by its long side in pixels.
pub fn brand_key(sha256: &str, edge_px: u32) -> String {
    format!("renditions/{sha256}/brand-{edge_px}.jpg")
}

/// Queues photos of delivered work while no photo waits to be checked: workers' answers come first.
pub fn search_when_idle(cx: &Cx) -> Outcome<Swept> {
    if !cx.rules().hide_faces || cx.read(|c| queue::any_due(c, CHECK_EVIDENCE, cx.now()))? {
        return Ok(Swept::default());
    }
    let since = cx.now().plus_days(-IDLE_DAYS);
    let photos = cx.read(|c| db::any_not_searched(c, HIDE_FACES, since, IDLE_ROWS))?;
    if !photos.is_empty() {
        ask_for(cx, &photos)?;
    }
    Ok(Swept { done: photos.len(), failed: Vec::new() })
}

/// Queues these photos unless they are queued. A search that failed keeps its own time.
pub fn ask_for(cx: &Cx, photos: &[EvidenceId]) -> Outcome<()> {
    cx.write_as(&HIDER, |tx| {
        tx.nothing_changed();
        let now = tx.now();
        photos.iter().try_for_each(|photo| queue::enqueue(tx, HIDE_FACES, photo.as_str(), now))
    })
}

/// A photo to search.
#[derive(Clone, Debug)]
pub struct Photo {
    pub id: EvidenceId,
    pub sha256: String,
    /// Key of the rendition that people look at.
    pub rendition: String,
}

/// `None` when it was searched before, or has no rendition.
pub fn photo_to_search(cx: &Cx, id: &EvidenceId) -> Outcome<Option<Photo>> {
    let row = cx.read(|c| evidence::any_find(c, id)?.or_missing("photo"))?;
    let rendition = row.rendition_large.filter(|_| row.faces_hidden.is_none());
    Ok(rendition.map(|rendition| Photo { id: row.id, sha256: row.sha256, rendition }))
}

/// Writes that `count` faces were hidden and ends the job. The renditions for brands are in the photo store already.
pub fn record_hidden(cx: &Cx, job: &JobId, id: &EvidenceId, count: usize, rule_version: &str) -> Outcome<()> {
    cx.write_as(&HIDER, |tx| {
        queue::done(tx, job)?;
        let row = assess::any_evidence_locked(tx, id)?.or_missing("photo")?;
        if row.faces_hidden.is_some() {
            tx.nothing_changed();
            return Ok(());
        }
        db::set_hidden(tx, id, i64::try_from(count).unwrap_or(i64::MAX))?;
        if count > 0 {
            let submission = match assess::any_submission_of_photo(tx, id)? {
                Some(id) => submissions::any_find(tx, &id)?,
                None => None,
            };
            let about = About {
                reservation: &row.reservation_id,
                submission: submission.as_ref().map(|s| &s.id),
                evidence: Some(&row.id),
                revision: submission.as_ref().map_or(1, |s| s.revision),
                item: Some(&row.question),
            };
            let finding = Finding::new(Code::FacesHidden, Level::Info).valued(count as f64);
            evidence::add_finding(tx, &about, &finding)?;
        }
        let event = Event::new("evidence.faces_hidden", id).brand(&row.brand_id).rule(rule_version.to_owned());
        tx.record(event.data(json!({ "count": count })))?;
        Ok(())
    })
}
