//! Comparing a photo with earlier ones of its store and chain: what is needed for it, and what came of it. The photo that
//! is recorded later finds the other.

use serde_json::{Value, json};

use super::assess::{
    Alike, COMPARE_FEATURES, Recorded, add_photo_findings, envelope_of, keep_compared, wake_assessment,
};
use crate::context::Cx;
use crate::db::pairs::{self, Scope};
use crate::db::rows::{PhotoFeaturesRow, PhotoPairRow};
use crate::db::types::Json;
use crate::db::{assess as db, evidence, missions, queue, reservations};
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Code, Finding, Level, RULE_VERSION};
use crate::domain::ids::{EvidenceId, JobId, ReservationId, StoreId, UserId};
use crate::domain::refusal::{OrMissing, Outcome};
use crate::domain::time::At;

const COMPARER: Actor = Actor::Machine(COMPARE_FEATURES);
/// Older photos are not sought by their features.
const SOUGHT_DAYS: i64 = 90;
/// Photos of the store, and of its chain, whose features are looked through.
const SOUGHT_MAX: i64 = 1000;

/// What a photo says that could not be compared.
pub(super) const NOT_COMPARED: &str = "it could not be compared";

/// A photo to compare, or to be compared with.
#[derive(Clone, Debug)]
pub struct Comparable {
    pub id: EvidenceId,
    pub worker: UserId,
    pub visit: ReservationId,
    pub received_at: At,
    /// Key of the large rendition.
    pub rendition: String,
}

/// A photo that was looked at, and where others are sought.
#[derive(Clone, Debug)]
pub struct Sought {
    pub photo: Comparable,
    pub store: StoreId,
    pub chain: Option<String>,
    /// Photos that its hash found.
    pub alike: Vec<Alike>,
    /// The photo of the visit that this one is a second angle of, when that arrived before.
    pub angle_of: Option<EvidenceId>,
}

/// `None` when it was compared before, or has nothing to compare.
pub fn photo_to_compare(cx: &Cx, id: &EvidenceId) -> Outcome<Option<Sought>> {
    cx.read(|c| {
        let row = evidence::any_find(c, id)?.or_missing("photo")?;
        let angle_of = match envelope_of(&row).angle_of {
            Some(client_id) => evidence::any_by_client_id(c, &row.reservation_id, &client_id)?.map(|first| first.id),
            None => None,
        };
        let Some(rendition) = row.rendition_large.filter(|_| row.compared_at.is_none()) else { return Ok(None) };
        let visit = reservations::any_find(c, &row.reservation_id)?.or_missing("reservation")?;
        let store = missions::any_store(c, &visit.store_id)?;
        let alike = pairs::any_of(c, id)?.into_iter().filter_map(|pair| {
            let (code, distance, symmetry) = (Code::parse(&pair.code)?, pair.distance?, pair.symmetry?);
            Some(Alike { other: pair.other_id, code, distance, symmetry })
        });
        let alike = alike.collect();
        let photo = Comparable {
            id: row.id,
            worker: row.worker_id,
            visit: row.reservation_id,
            received_at: row.received_at,
            rendition,
        };
        Ok(Some(Sought { photo, store: store.id, chain: store.chain, alike, angle_of }))
    })
}

/// Stored features of photos near this one, recorded after number `after`, with the number of the newest there is.
pub fn features_near(cx: &Cx, sought: &Sought, after: i64) -> Outcome<(i64, Vec<(EvidenceId, String)>)> {
    cx.read(|c| {
        let last = pairs::last_seq(c)?;
        let scope = Scope {
            store: &sought.store,
            chain: sought.chain.as_deref(),
            not: &sought.photo.visit,
            since: sought.photo.received_at.plus_days(-SOUGHT_DAYS),
            numbers: (after, last),
            limit: SOUGHT_MAX,
        };
        Ok((last, pairs::any_features(c, &scope)?))
    })
}

/// Those of the photos that have a rendition.
pub fn comparable(cx: &Cx, ids: &[EvidenceId]) -> Outcome<Vec<Comparable>> {
    cx.read(|c| {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let row = evidence::any_find(c, id)?;
            found.extend(row.and_then(|row| {
                Some(Comparable {
                    id: row.id,
                    worker: row.worker_id,
                    visit: row.reservation_id,
                    received_at: row.received_at,
                    rendition: row.rendition_large?,
                })
            }));
        }
        Ok(found)
    })
}

/// A photo that lies on the compared one.
#[derive(Clone, Debug)]
pub struct Laid {
    pub other: EvidenceId,
    /// `None` for a pair that the hash found: it keeps its code.
    pub finding: Option<Finding>,
    /// Homography and figures.
    pub alignment: Value,
}

/// Writes what a comparison gave, ends its job, and wakes the assessment. Pairs that were only `suspected` are forgotten
/// unless they are among the laid ones. `searched_up_to` is the number of the newest features that were sought among.
pub fn record_compared(
    cx: &Cx,
    job: &JobId,
    sought: &Sought,
    features: Option<&str>,
    laid: &[Laid],
    suspected: &[EvidenceId],
    searched_up_to: i64,
) -> Outcome<Recorded> {
    let photo = &sought.photo;
    cx.write_as(&COMPARER, |tx| {
        let row = db::any_evidence_locked(tx, &photo.id)?.or_missing("photo")?;
        if row.compared_at.is_some() {
            tx.nothing_changed();
            queue::done(tx, job)?;
            return Ok(Recorded::Done);
        }
        if let Some(features) = features {
            let last = pairs::last_seq_held(tx)?;
            if searched_up_to < last {
                tx.nothing_changed();
                return Ok(Recorded::SearchAgain);
            }
            let features = PhotoFeaturesRow {
                evidence_id: photo.id.clone(),
                seq: last + 1,
                reservation_id: photo.visit.clone(),
                store_id: sought.store.clone(),
                chain: sought.chain.clone(),
                received_at: photo.received_at,
                features: features.to_owned(),
            };
            pairs::add_features(tx, &features)?;
        }
        for other in suspected {
            pairs::drop(tx, &photo.id, other)?;
        }
        let mut findings: Vec<Finding> = Vec::new();
        for one in laid {
            let alignment = Json(one.alignment.clone());
            let known = sought.alike.iter().any(|pair| pair.other == one.other) && !suspected.contains(&one.other);
            if known && !one.alignment.is_null() {
                pairs::set_alignment(tx, &photo.id, &one.other, alignment.clone())?;
            }
            let Some(finding) = &one.finding else { continue };
            let pair = PhotoPairRow {
                evidence_id: photo.id.clone(),
                other_id: one.other.clone(),
                code: finding.code.as_str().to_owned(),
                distance: None,
                symmetry: None,
                alignment: Some(alignment),
                at: tx.now(),
            };
            if !known {
                pairs::add(tx, &pair)?;
            }
            // Every pair can be looked at; one sentence of a kind is enough.
            if findings.iter().all(|f| f.code != finding.code) {
                findings.push(finding.clone());
            }
        }
        findings.sort_by_key(|f| f.code);
        let submission = add_photo_findings(tx, &row, &findings)?;
        keep_compared(tx, &photo.id, &findings)?;
        pairs::set_compared(tx, &photo.id, tx.now())?;
        let codes: Vec<&str> = findings.iter().map(|f| f.code.as_str()).collect();
        let event = Event::new("evidence.compared", &photo.id).brand(&row.brand_id).rule(RULE_VERSION);
        tx.record(event.data(json!({ "findings": codes, "pairs": laid.len() })))?;
        queue::done(tx, job)?;
        wake_assessment(tx, submission.as_ref())?;
        Ok(Recorded::Done)
    })
}

/// A photo that could not be compared in several tries is left to a person, so that nobody's work hangs.
pub fn give_up_comparing(cx: &Cx, job: &JobId, id: &EvidenceId, why: &str) -> Outcome<()> {
    cx.write_as(&COMPARER, |tx| {
        let row = db::any_evidence_locked(tx, id)?.or_missing("photo")?;
        queue::done(tx, job)?;
        if row.compared_at.is_some() {
            tx.nothing_changed();
            return Ok(());
        }
        let finding = Finding::new(Code::Damaged, Level::Doubt).about(NOT_COMPARED);
        let submission = add_photo_findings(tx, &row, std::slice::from_ref(&finding))?;
        keep_compared(tx, id, &[finding])?;
        pairs::set_compared(tx, id, tx.now())?;
        tx.record(Event::new("evidence.compared", id).brand(&row.brand_id).data(json!({ "gave_up": why })))?;
        wake_assessment(tx, submission.as_ref())
    })
}
