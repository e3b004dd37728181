//! The board of open missions that this process keeps: read once, then kept current from what changed. The reservation in
//! the database stays the authority; a board is as old as its last refresh.

use std::collections::HashMap;
use std::sync::Arc;

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::Cx;
use crate::db::{Conn, discovery as db, missions, reservations};
use crate::domain::discovery::{Able, Board, Hexes, Listed, OnSite, VISITS_MIN};
use crate::domain::event::Actor;
use crate::domain::ids::{CampaignId, MissionId, UserId};
use crate::domain::mission::level_of;
use crate::domain::refusal::Outcome;
use crate::domain::visit::median_minutes;
use crate::ops::deadlines::Swept;

/// Missions read at once.
const READ_ROWS: i64 = 10_000;
const READ_IDS: usize = 500;
/// Past visits that the expected time is taken from.
const VISITS_READ: i64 = 50;
/// How often the time that visits of one campaign take is read, in seconds.
const TIMED_EVERY_SECS: i64 = 60;
/// A process that has not refreshed for so long reads everything: changes are not kept for ever.
const LAG_MAX_SECS: i64 = 600;
/// How often many missions are counted by hexagons, in seconds; few are counted whenever one changed.
const COUNTED_EVERY_SECS: i64 = 10;
const FEW: usize = 20_000;
/// Changes that are kept, for processes that lag.
const CHANGES_KEPT: i64 = 1_000_000;

/// What a refresh did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Refreshed {
    /// Everything was read.
    pub built: bool,
    /// Missions that were read again.
    pub missions: usize,
    pub workers: usize,
}

/// Brings the board up to date. Several callers wait for each other.
pub fn refresh(cx: &Cx) -> Outcome<Refreshed> {
    let discovery = cx.discovery();
    let mut last = discovery.refreshing();
    let now = cx.now();
    if last.at.is_none_or(|at| now.secs_since(at) > LAG_MAX_SECS) {
        let (board, missions) = cx.read(build)?;
        discovery.replace(board);
        count(cx);
        (last.at, last.counted) = (Some(now), Some(now));
        return Ok(Refreshed { built: true, missions, workers: 0 });
    }
    let since = discovery.board().stamp();
    let (horizon, changes) = cx.read(|c| Ok((db::horizon(c)?, db::changes(c, since)?)))?;
    let mut stamps: HashMap<MissionId, i64> = HashMap::new();
    let mut workers = Vec::new();
    for (stamp, mission, worker) in changes {
        if let Some(mission) = mission {
            let known = stamps.entry(mission).or_insert(stamp);
            *known = stamp.max(*known);
        }
        workers.extend(worker);
    }
    workers.sort_unstable();
    workers.dedup();
    for worker in &workers {
        discovery.forget(worker);
    }
    let mut changed: Vec<(MissionId, i64)> = stamps.into_iter().collect();
    changed.sort_unstable();
    let mut refreshed = Refreshed { built: false, missions: changed.len(), workers: workers.len() };
    let ids = |changed: &[(MissionId, i64)]| changed.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    for some in changed.chunks(READ_IDS) {
        let listed = cx.read(|c| db::any_of(c, &ids(some)))?;
        let due: Vec<CampaignId> = listed.iter().map(|one| one.campaign.id.clone()).collect();
        let due = last.due(due, now, TIMED_EVERY_SECS);
        let retimed = retime(cx, &listed, due)?;
        discovery.board_mut().apply(some, listed, since);
        for campaign in retimed {
            let all = cx.read(|c| db::any_ids_of(c, &campaign))?;
            refreshed.missions += all.len();
            let all: Vec<(MissionId, i64)> = all.into_iter().map(|id| (id, horizon)).collect();
            let listed = cx.read(|c| db::any_of(c, &ids(&all)))?;
            discovery.board_mut().apply(&all, listed, since);
        }
    }
    // Only now: what was applied in part is read again after a failure.
    discovery.board_mut().apply(&[], Vec::new(), horizon);
    last.at = Some(now);
    let due = last.counted.is_none_or(|at| now.secs_since(at) >= COUNTED_EVERY_SECS);
    if due || (refreshed.missions > 0 && discovery.board().index().len() <= FEW) {
        count(cx);
        last.counted = Some(now);
    }
    Ok(refreshed)
}

fn count(cx: &Cx) {
    let hexes = {
        let board = cx.discovery().board();
        Hexes::count(board.index(), cx.now().micros(), board.stamp())
    };
    cx.discovery().replace_hexes(hexes);
}

/// Everything, with the number below which all of it is contained, and how many missions were read.
fn build(c: &mut Conn) -> Outcome<(Board, usize)> {
    let horizon = db::horizon(c)?;
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let rows = db::any_after(c, all.last().map(|one| &one.id), READ_ROWS)?;
        let full = rows.len() as i64 == READ_ROWS;
        all.extend(rows);
        if !full {
            break;
        }
    }
    let mut times = HashMap::new();
    for one in &all {
        if !times.contains_key(&one.campaign.id) {
            let on_site = on_site(c, &one.campaign.id, one.campaign.on_site_minutes)?;
            times.insert(one.campaign.id.clone(), on_site);
        }
    }
    let count = all.len();
    Ok((Board::build(all, &times, horizon), count))
}

/// Reads how long visits of these campaigns take; gives those where that has changed.
fn retime(cx: &Cx, listed: &[Listed], due: Vec<CampaignId>) -> Outcome<Vec<CampaignId>> {
    let mut changed = Vec::new();
    for campaign in due {
        let Some(one) = listed.iter().find(|one| one.campaign.id == campaign) else { continue };
        let on_site = cx.read(|c| on_site(c, &campaign, one.campaign.on_site_minutes))?;
        if cx.discovery().board_mut().time(&campaign, on_site) {
            changed.push(campaign);
        }
    }
    Ok(changed)
}

/// Minutes on site: the median of past visits once there are enough of them, until then the brand's estimate.
pub(super) fn on_site(c: &mut Conn, campaign: &CampaignId, estimate: i64) -> Outcome<OnSite> {
    let past = missions::any_visit_secs(c, campaign, VISITS_READ)?;
    let enough = past.len() >= VISITS_MIN;
    Ok(match median_minutes(&past).filter(|_| enough) {
        Some(minutes) => OnSite { minutes, visits: past.len() as i64 },
        None => OnSite { minutes: estimate, visits: 0 },
    })
}

/// What the worker may do, as lists ask it; kept until something of it changes.
pub fn able(cx: &Cx, who: &Worker) -> Outcome<Arc<Able>> {
    let worker = WorkerScope::from(who);
    cx.discovery().able(who.user(), || cx.read(|c| read_able(c, &worker, who.user())))
}

fn read_able(c: &mut Conn, worker: &WorkerScope, user: &UserId) -> Outcome<Able> {
    Ok(Able {
        taken: db::taken(c, worker)?.into_iter().filter_map(|id| id.bits()).collect(),
        level: level_of(db::approved(c, worker)?),
        qualifications: db::any_qualifications(c, user)?,
        live: reservations::count_live(c, worker)?,
    })
}

/// Forgets old changes.
pub fn forget_changes(cx: &Cx) -> Outcome<Swept> {
    cx.write_as(&Actor::Machine("forget_changes"), |tx| {
        tx.nothing_changed();
        let done = db::forget(tx, CHANGES_KEPT)?;
        Ok(Swept { done, failed: Vec::new() })
    })
}
