//! Pins that check-ins speak against: proposed in the transaction of a check-in, decided by an admin. A proposal judges
//! nobody's work, and a check-in never fails because of one.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fields::Fields;
use super::stores::{StoreCard, site_of};
use crate::access::Admin;
use crate::context::{Cx, Once};
use crate::db::rows::{StoreCorrectionRow, StoreRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, deadlines, store_corrections, stores};
use crate::domain::event::Event;
use crate::domain::finding::RULE_VERSION;
use crate::domain::ids::{CorrectionId, UserId};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::store_correction::{CheckIn, CorrectionState, Ruling, disagrees, propose};
use crate::domain::time::At;
use crate::ops::Page;
use crate::ops::reservations::AskedFix;

/// Positions that are looked through for three that agree.
const CHECK_INS_MAX: i64 = 100;

/// Where the pin is, and where check-ins say it belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CorrectionView {
    pub id: CorrectionId,
    pub store: StoreCard,
    pub state: CorrectionState,
    /// The pin when it was proposed.
    pub pin: Point,
    pub proposed: Point,
    /// From the pin to the proposed point, in metres.
    pub distance_m: f64,
    /// From the proposed point to the farthest of the check-ins, in metres.
    pub spread_m: f64,
    /// Ids of the reservations whose check-ins propose it.
    pub check_ins: Vec<String>,
    pub proposed_at: At,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<At>,
    pub note: Option<String>,
}

impl CorrectionView {
    fn of((row, store): (StoreCorrectionRow, StoreRow)) -> Outcome<CorrectionView> {
        let point = |lat, lon| Point::new(lat, lon).ok_or_else(|| Failure::fault("a correction off the globe"));
        Ok(CorrectionView {
            pin: point(row.pin_lat, row.pin_lon)?,
            proposed: point(row.lat, row.lon)?,
            check_ins: serde_json::from_value(row.check_ins.0).map_err(Failure::fault)?,
            id: row.id,
            store: StoreCard::of(store),
            state: row.state,
            distance_m: row.distance_m,
            spread_m: row.spread_m,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            note: row.note,
        })
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct CorrectionDecision {
    pub decision: Ruling,
    /// For colleagues; up to 500 characters.
    pub note: Option<String>,
}

/// Proposes a correction when the check-in that was just stored is the third that agrees on another place; part of its
/// transaction. What was proposed and decided before is not proposed again from the same check-ins.
pub(super) fn checked_in(tx: &mut Tx, store: &StoreRow, fixes: &[AskedFix]) -> Outcome<()> {
    let site = site_of(store)?;
    let says_so = |fix: &AskedFix| {
        let point = Point::new(fix.lat, fix.lon);
        !fix.mock && point.is_some_and(|point| disagrees(&site, store.radius_m, point, fix.accuracy_m))
    };
    if !fixes.iter().any(says_so) {
        return Ok(());
    }
    let store = deadlines::any_store_locked(tx, &store.id)?.or_missing("store")?;
    let last = store_corrections::any_last(tx, &store.id)?;
    if last.as_ref().is_some_and(|last| last.state == CorrectionState::Proposed) {
        return Ok(());
    }
    let since = last.and_then(|last| last.decided_at);
    let Some(found) = propose(&site_of(&store)?, store.radius_m, &check_ins(tx, &store, since)?) else {
        return Ok(());
    };
    let row = StoreCorrectionRow {
        id: tx.id(),
        store_id: store.id.clone(),
        state: CorrectionState::Proposed,
        lat: found.point.lat(),
        lon: found.point.lon(),
        pin_lat: store.lat,
        pin_lon: store.lon,
        distance_m: found.distance_m,
        spread_m: found.spread_m,
        check_ins: Json(json!(found.check_ins)),
        proposed_at: tx.now(),
        decided_by: None,
        decided_at: None,
        note: None,
    };
    store_corrections::add(tx, &row)?;
    let data = json!({ "store": store.id, "distance_m": row.distance_m.round(), "check_ins": found.check_ins });
    tx.record(Event::new("store.correction_proposed", &row.id).rule(RULE_VERSION).data(data))?;
    Ok(())
}

fn check_ins(c: &mut Conn, store: &StoreRow, since: Option<At>) -> Outcome<Vec<CheckIn>> {
    let rows = store_corrections::any_check_ins(c, &store.id, since, CHECK_INS_MAX)?;
    let seen = |(worker, reservation, lat, lon, accuracy_m)| {
        Some(CheckIn { worker, reservation, point: Point::new(lat, lon)?, accuracy_m })
    };
    Ok(rows.into_iter().filter_map(seen).collect())
}

/// Proposals of one state, the oldest first; without a state those that wait.
pub fn list_store_corrections(
    cx: &Cx,
    _who: &Admin,
    state: Option<CorrectionState>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<CorrectionView>> {
    let state = state.unwrap_or(CorrectionState::Proposed);
    let rows = cx.read(|c| store_corrections::any_page(c, state, after, limit + 1))?;
    let views = rows.into_iter().map(CorrectionView::of).collect::<Outcome<Vec<_>>>()?;
    Ok(Page::of(views, limit, |view| view.id.to_string(), |view| view))
}

/// Accepted, the pin moves and missions that can still be taken with it; entrance and outline, which the same people
/// were not near either, are forgotten, and no import moves the store back. Refuses `wrong_state` for a proposal that
/// was decided, and `stale` to accept one whose store was moved or merged meanwhile.
pub fn decide_store_correction(
    cx: &Cx,
    who: &Admin,
    once: &Once,
    id: &CorrectionId,
    asked: &CorrectionDecision,
) -> Outcome<CorrectionView> {
    let mut fields = Fields::default();
    fields.optional_line("/note", asked.note.as_deref(), 500);
    fields.finish()?;
    cx.write_once(who, once, |tx| {
        let store = store_corrections::any_find(tx, id)?.or_missing("correction")?.store_id;
        let store = deadlines::any_store_locked(tx, &store)?.or_missing("store")?;
        let mut row = store_corrections::any_locked(tx, id)?.or_missing("correction")?;
        if row.state != CorrectionState::Proposed {
            return Err(Refusal::wrong_state(row.state, &[]).into());
        }
        let accepted = asked.decision == Ruling::Accept;
        let now = tx.now();
        let mut after = store.clone();
        if accepted {
            if store.merged_into.is_some() || (store.lat, store.lon) != (row.pin_lat, row.pin_lon) {
                let detail = "The store was moved or merged since this was proposed; reject it.";
                return Err(Refusal::new(Code::Stale, detail).into());
            }
            after = StoreRow {
                lat: row.lat,
                lon: row.lon,
                entrance_lat: None,
                entrance_lon: None,
                outline: None,
                placed_at: Some(now),
                ..store.clone()
            };
            stores::rewrite(tx, &after)?;
            stores::move_missions(tx, &after)?;
        }
        let from = row.state;
        row.state = if accepted { CorrectionState::Accepted } else { CorrectionState::Rejected };
        (row.decided_by, row.decided_at) = (Some(who.user().clone()), Some(now));
        row.note = asked.note.clone();
        store_corrections::decided(tx, &row)?;
        let kind = if accepted { "store.correction_accepted" } else { "store.correction_rejected" };
        let mut event = Event::new(kind, &row.id).moved(from.as_str(), row.state.as_str()).data(json!({
            "store": store.id,
            "from": { "lat": store.lat, "lon": store.lon },
            "to": { "lat": after.lat, "lon": after.lon },
            "note": asked.note,
        }));
        if let Some(brand) = &store.brand_id {
            event = event.brand(brand);
        }
        tx.record(event)?;
        CorrectionView::of((row, after))
    })
}
