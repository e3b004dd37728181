//! Compares one photo with earlier ones of its store and chain by local features: fetch, find features, seek, lay on each
//! other, record. Finds crops, borders, captions, screenshots and photos of photos, which no hash sees. A job that is
//! killed anywhere is run again and gives the same.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Bench, TRIES};
use crate::checks::align::{Alignment, View, plausible, votes};
use crate::checks::duplicate::{Pair, aligned_finding, is_told_by_hash};
use crate::checks::features::Features;
use crate::domain::finding::Finding;
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::assess::{Alike, Recorded};
use crate::ops::compare::{self, Comparable, Laid, Sought};
use crate::ops::work::{self, Claimed};

/// Stored features that the photo has too, to ask whether they agree on a mapping.
const VOTES_MIN: usize = 4;
/// Most pictures that are laid on one photo in one search.
const LAID_MAX: usize = 8;
/// Photos recorded during a search make it run again, at most this often in one try.
const SEARCHES_MAX: usize = 20;

pub(super) async fn run(bench: Bench, claimed: Claimed) -> Outcome<()> {
    let id = EvidenceId::from_stored(claimed.subject.clone());
    match compare_with_others(&bench, &claimed, &id).await {
        Err(failure) if claimed.attempts >= TRIES => {
            let why = failure.to_string();
            tracing::error!(evidence = id.as_str(), error = why, "a photo is left to a person");
            bench.block(move |cx| compare::give_up_comparing(cx, &claimed.id, &id, &why)).await
        }
        other => other,
    }
}

/// The photo as it is, and mirrored once that is asked for.
struct Own {
    view: View,
    turned: OnceLock<View>,
}

impl Own {
    fn turned(&self) -> &View {
        self.turned.get_or_init(|| self.view.mirrored())
    }
}

async fn compare_with_others(bench: &Bench, claimed: &Claimed, id: &EvidenceId) -> Outcome<()> {
    let (job, asked) = (claimed.id.clone(), id.clone());
    let Some(sought) = bench.block(move |cx| compare::photo_to_compare(cx, &asked)).await? else {
        return bench.block(move |cx| work::done(cx, &job)).await;
    };
    let sought = Arc::new(sought);
    let key = &sought.photo.rendition;
    let bytes = bench.app.blobs.get(key).await?.ok_or_else(|| Failure::fault(format!("{key} is not stored")))?;
    let eyes = move || View::of_rendition(&bytes).map(|view| Own { view, turned: OnceLock::new() });
    let own = bench.block(move |_| Ok(eyes())).await?.map(Arc::new);
    let own = own.ok_or_else(|| Failure::fault(format!("{key} is not a rendition")))?;
    let features = STANDARD.encode(own.view.features().to_bytes());

    let mut laid = from_the_side(bench, &own, &sought).await?;
    let mut to_lay: Vec<EvidenceId> = sought.alike.iter().map(|pair| pair.other.clone()).collect();
    let suspected: Vec<EvidenceId> =
        sought.alike.iter().filter(|pair| !is_told(pair)).map(|pair| pair.other.clone()).collect();
    let mut searched = 0;
    for _ in 0..SEARCHES_MAX {
        let (seek, eyes) = (sought.clone(), own.clone());
        let (last, others) = bench
            .block(move |cx| {
                let (last, stored) = compare::features_near(cx, &seek, searched)?;
                let found = most_alike(&eyes, stored).into_iter().filter(|id| pair_with(&seek, id).is_none());
                to_lay.extend(found);
                Ok((last, compare::comparable(cx, &to_lay)?))
            })
            .await?;
        (searched, to_lay) = (last, Vec::new());
        for other in others {
            laid.extend(lay(bench, &own, &sought, other).await?);
        }
        let (job, seek, features, found) = (claimed.id.clone(), sought.clone(), features.clone(), laid.clone());
        let nearly = suspected.clone();
        let record =
            move |cx: &_| compare::record_compared(cx, &job, &seek, Some(&features), &found, &nearly, searched);
        if bench.block(record).await? == Recorded::Done {
            return Ok(());
        }
    }
    Err(Failure::fault("other photos kept arriving during the search for copies"))
}

/// The pair that the photo's hash found with another.
fn pair_with<'a>(sought: &'a Sought, other: &EvidenceId) -> Option<&'a Alike> {
    sought.alike.iter().find(|pair| pair.other == *other)
}

fn is_told(pair: &Alike) -> bool {
    u32::try_from(pair.distance).is_ok_and(|bits| is_told_by_hash(bits, pair.code))
}

/// What a second angle says about the photo that it was asked for.
async fn from_the_side(bench: &Bench, own: &Arc<Own>, sought: &Arc<Sought>) -> Outcome<Vec<Laid>> {
    let Some(first) = sought.angle_of.clone() else { return Ok(Vec::new()) };
    let Some(first) = bench.block(move |cx| compare::comparable(cx, &[first])).await?.pop() else {
        return Ok(Vec::new());
    };
    let Some(bytes) = bench.app.blobs.get(&first.rendition).await? else { return Ok(Vec::new()) };
    let own = own.clone();
    bench
        .block(move |_| {
            let view = View::of_rendition(&bytes);
            let found = view.and_then(|view| own.view.second_angle_of(&view));
            let laid = |f: Finding| Laid {
                finding: Some(f.beside(first.id.clone())),
                other: first.id.clone(),
                alignment: Value::Null,
            };
            Ok(found.map(laid).into_iter().collect())
        })
        .await
}

/// Photos whose stored features say that they may be this one or its mirror image, the likeliest first.
fn most_alike(own: &Own, stored: Vec<(EvidenceId, String)>) -> Vec<EvidenceId> {
    let likely = |(id, text): (EvidenceId, String)| {
        let features = Features::from_bytes(&STANDARD.decode(text).ok()?)?;
        let agreeing = [&own.view, own.turned()].into_iter().filter_map(|view| {
            let points = &view.features().points;
            let voted = votes(points, &features) >= VOTES_MIN;
            if voted { plausible(points, &features) } else { None }
        });
        Some((agreeing.max()?, id))
    };
    let mut likely: Vec<(usize, EvidenceId)> = stored.into_iter().filter_map(likely).collect();
    likely.sort_by(|a, b| b.cmp(a));
    likely.truncate(LAID_MAX);
    likely.into_iter().map(|(_, id)| id).collect()
}

/// How the photo lies on another. `None` when it does not, or that means nothing.
async fn lay(bench: &Bench, own: &Arc<Own>, sought: &Arc<Sought>, other: Comparable) -> Outcome<Option<Laid>> {
    let Some(bytes) = bench.app.blobs.get(&other.rendition).await? else { return Ok(None) };
    let (own, sought) = (own.clone(), sought.clone());
    bench
        .block(move |_| {
            let view = View::of_rendition(&bytes);
            let Some(found) = view.and_then(|view| own.view.laid_on(own.turned(), &view)) else { return Ok(None) };
            let alignment = written(&found);
            if pair_with(&sought, &other.id).is_some_and(is_told) {
                return Ok(found.is_aligned().then_some(Laid { other: other.id, finding: None, alignment }));
            }
            let pair = Pair {
                distance: 256,
                mirrored: found.mirrored,
                same_worker: other.worker == sought.photo.worker,
                same_visit: other.visit == sought.photo.visit,
                secs_apart: sought.photo.received_at.secs_since(other.received_at),
            };
            let finding = aligned_finding(pair, &found, other.id.clone());
            Ok(finding.map(|finding| Laid { other: other.id, finding: Some(finding), alignment }))
        })
        .await
}

fn written(found: &Alignment) -> Value {
    json!({
        "homography": found.homography,
        "mirrored": found.mirrored,
        "agreement": found.p10,
        "tiles": found.tiles,
        "inliers": found.inliers,
        "copied": found.copied,
    })
}
