//! Stores that stand twice in the platform's directory: where to look, and making one of two. What was visited stays with
//! the store it was visited as: its fence judged those visits and its name stands in their reports. So only a store
//! without missions that can still be taken is merged; no mission moves, and no money.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Page;
use super::stores::StoreCard;
use crate::access::Admin;
use crate::context::{Cx, Once};
use crate::db::rows::StoreRow;
use crate::db::{Tx, campaigns, deadlines, stores};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::StoreId;
use crate::domain::place::Point;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::store::StoreState;
use crate::domain::store_duplicate::{Candidate, probable};

/// Two stores that are probably one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DuplicateView {
    /// 0 to 100; the list is sorted by it.
    pub score: u8,
    pub distance_m: i64,
    /// How much the names share, in percent.
    pub likeness: i64,
    /// The one that has been in the directory longer.
    pub first: StoreCard,
    pub second: StoreCard,
}

impl DuplicateView {
    /// Its place in the list: the most probable first.
    fn key(&self) -> String {
        format!("{:03}.{}.{}", 100 - self.score.min(100), self.first.id, self.second.id)
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The store that stays.
    pub into: String,
}

/// What a merge did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MergeView {
    pub merged: StoreId,
    pub into: StoreCard,
    /// Drafts of campaigns that now have the kept store instead.
    pub drafts: usize,
}

/// All probable pairs of the platform's stores that trade, the most probable first.
pub fn all(cx: &Cx) -> Outcome<Vec<DuplicateView>> {
    let cards: Vec<StoreCard> = cx.read(stores::any_trading)?.into_iter().map(StoreCard::of).collect();
    let candidate = |card: &StoreCard| {
        let address = [card.street.as_deref(), card.housenumber.as_deref()];
        Some(Candidate {
            name: card.name.clone(),
            chain: card.chain.clone(),
            address: address.into_iter().flatten().collect::<Vec<_>>().join(" "),
            point: Point::new(card.lat, card.lon)?,
        })
    };
    let candidates: Option<Vec<Candidate>> = cards.iter().map(candidate).collect();
    let candidates = candidates.ok_or_else(|| Failure::fault("a store off the globe"))?;
    let mut views: Vec<DuplicateView> = probable(&candidates)
        .into_iter()
        .map(|pair| DuplicateView {
            score: pair.score,
            distance_m: pair.distance_m.round() as i64,
            likeness: (pair.likeness * 100.0).round() as i64,
            first: cards[pair.first].clone(),
            second: cards[pair.second].clone(),
        })
        .collect();
    views.sort_by_cached_key(DuplicateView::key);
    Ok(views)
}

pub fn list_store_duplicates(cx: &Cx, _who: &Admin, after: Option<&str>, limit: i64) -> Outcome<Page<DuplicateView>> {
    let mut views = all(cx)?;
    let begun = views.partition_point(|view| after.is_some_and(|after| view.key().as_str() <= after));
    views.drain(..begun);
    Ok(Page::of(views, limit, DuplicateView::key, |view| view))
}

/// Refuses `store_in_use` while the store has missions that are not closed.
pub fn merge_store(cx: &Cx, who: &Admin, once: &Once, id: &StoreId, asked: &Merge) -> Outcome<MergeView> {
    cx.write_once(who, once, |tx| merge(tx, id, asked))
}

/// The same at the command line of the server.
pub fn merge_by_operator(cx: &Cx, id: &StoreId, asked: &Merge) -> Outcome<MergeView> {
    cx.write_as(&Actor::Operator, |tx| merge(tx, id, asked))
}

fn merge(tx: &mut Tx, id: &StoreId, asked: &Merge) -> Outcome<MergeView> {
    let shared = |row: &StoreRow| row.brand_id.is_none();
    stores::any_store(tx, id)?.filter(shared).or_missing("store")?;
    let into = StoreId::parse(&asked.into).filter(|into| into != id);
    let into = into.ok_or_else(|| Refusal::field("/into", "invalid", "It takes the id of another store."))?;
    // A draft that is published meanwhile would make a mission at a store that is gone: drafts first, then stores.
    let drafts = campaigns::any_drafts_with_locked(tx, id)?;
    let (low, high) = if *id < into { (id, &into) } else { (&into, id) };
    let (low, high) = (deadlines::any_store_locked(tx, low)?, deadlines::any_store_locked(tx, high)?);
    let (own, kept) = if *id < into { (low, high) } else { (high, low) };
    let own = own.or_missing("store")?;
    let kept = kept.filter(shared).filter(|kept| kept.merged_into.is_none() && kept.state != StoreState::Closed);
    let kept = kept
        .ok_or_else(|| Refusal::field("/into", "not_found", "There is no such store in the directory that trades."))?;
    if own.merged_into.is_some() {
        return Err(Refusal::wrong_state("merged", &[]).into());
    }
    let live = deadlines::any_missions_of_store_locked(tx, id)?;
    if !live.is_empty() {
        let detail = format!("{} missions at {} are not closed.", live.len(), own.name);
        return Err(Refusal::new(Code::StoreInUse, detail).into());
    }
    for campaign in &drafts {
        campaigns::replace_store(tx, campaign, id, &kept.id)?;
    }
    stores::merge(tx, &own, &kept.id)?;
    let mut event = Event::new("store.merged", id);
    if own.state != StoreState::Closed {
        event = event.moved(own.state.as_str(), StoreState::Closed.as_str());
    }
    tx.record(event.data(json!({
        "into": kept.id,
        "source": own.source,
        "source_id": own.source_id,
        "drafts": drafts,
    })))?;
    Ok(MergeView { merged: id.clone(), into: StoreCard::of(kept), drafts: drafts.len() })
}
