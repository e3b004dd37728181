//! What the board of open missions is read from, and what changed since. Unscoped: every worker may see every mission.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Conn;
use super::schema::{
    brands, campaigns, mission_changes, missions, reservations, stores, submissions, worker_qualifications,
};
use super::tx::Tx;
use super::types::Json;
use crate::access::scope::WorkerScope;
use crate::domain::campaign::{CampaignKind, CampaignState};
use crate::domain::discovery::{CampaignCard, Listed, StoreCard};
use crate::domain::ids::{BrandId, CampaignId, MissionId, StoreId, UserId};
use crate::domain::mission::{MissionState, Slots};
use crate::domain::money::Currency;
use crate::domain::place::Point;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::reservation::ReservationState;
use crate::domain::store::StoreState;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

#[derive(Queryable)]
struct OfMission {
    id: MissionId,
    state: MissionState,
    slots: i64,
    held: i64,
    done: i64,
    attempts: i64,
    attempts_spent: i64,
    recheck_open: bool,
    lat: f64,
    lon: f64,
    starts_at: At,
    ends_at: At,
}

#[derive(Queryable)]
struct OfCampaign {
    id: CampaignId,
    state: CampaignState,
    name: String,
    kind: CampaignKind,
    min_level: i64,
    qualifications: Json,
    currency: Currency,
    reward_minor: i64,
    attempt_fee_minor: i64,
    reading_minutes: i64,
    on_site_minutes: i64,
    brand: BrandId,
    brand_name: String,
}

#[derive(Queryable)]
struct OfStore {
    id: StoreId,
    state: StoreState,
    recheck_at: Option<At>,
    name: String,
    street: Option<String>,
    housenumber: Option<String>,
    postcode: Option<String>,
    city: Option<String>,
    country: String,
    opening_hours: Option<String>,
    time_zone: String,
}

macro_rules! listed {
    () => {
        missions::table
            .inner_join(campaigns::table.on(campaigns::id.eq(missions::campaign_id)))
            .inner_join(brands::table.on(brands::id.eq(missions::brand_id)))
            .inner_join(stores::table.on(stores::id.eq(missions::store_id)))
            .filter(missions::state.eq_any([MissionState::Open, MissionState::Paused]))
            .select((
                (
                    missions::id,
                    missions::state,
                    missions::slots,
                    missions::slots_held,
                    missions::slots_done,
                    missions::attempts,
                    missions::attempts_spent,
                    missions::recheck_open,
                    missions::lat,
                    missions::lon,
                    missions::starts_at,
                    missions::ends_at,
                ),
                (
                    campaigns::id,
                    campaigns::state,
                    campaigns::name,
                    campaigns::kind,
                    campaigns::min_level,
                    campaigns::qualifications,
                    campaigns::currency,
                    campaigns::reward_minor,
                    campaigns::attempt_fee_minor,
                    campaigns::reading_minutes,
                    campaigns::on_site_minutes,
                    brands::id,
                    brands::name,
                ),
                (
                    stores::id,
                    stores::state,
                    stores::recheck_at,
                    stores::name,
                    stores::street,
                    stores::housenumber,
                    stores::postcode,
                    stores::city,
                    stores::country,
                    stores::opening_hours,
                    stores::time_zone,
                ),
            ))
    };
}

fn opened((mission, campaign, store): (OfMission, OfCampaign, OfStore)) -> Outcome<Listed> {
    let at = Point::new(mission.lat, mission.lon).ok_or_else(|| Failure::fault("a mission lies off the globe"))?;
    let qualifications = serde_json::from_value(campaign.qualifications.0).map_err(Failure::fault)?;
    Ok(Listed {
        id: mission.id,
        campaign: CampaignCard {
            id: campaign.id,
            name: campaign.name,
            brand: campaign.brand,
            brand_name: campaign.brand_name,
            kind: campaign.kind,
            min_level: campaign.min_level,
            qualifications,
            currency: campaign.currency,
            reward_minor: campaign.reward_minor,
            attempt_fee_minor: campaign.attempt_fee_minor,
            reading_minutes: campaign.reading_minutes,
            on_site_minutes: campaign.on_site_minutes,
        },
        campaign_state: campaign.state,
        store: StoreCard {
            id: store.id,
            name: store.name,
            street: store.street,
            housenumber: store.housenumber,
            postcode: store.postcode,
            city: store.city,
            country: store.country,
            at,
            opening_hours: store.opening_hours,
            time_zone: store.time_zone,
        },
        store_state: store.state,
        store_recheck_at: store.recheck_at,
        state: mission.state,
        slots: Slots {
            slots: mission.slots,
            held: mission.held,
            done: mission.done,
            attempts: mission.attempts,
            attempts_spent: mission.attempts_spent,
        },
        recheck_open: mission.recheck_open,
        starts_at: mission.starts_at,
        ends_at: mission.ends_at,
    })
}

/// Open and paused missions in the order of their ids.
pub fn any_after(conn: &mut Conn, after: Option<&MissionId>, limit: i64) -> Outcome<Vec<Listed>> {
    let after = after.map_or("", MissionId::as_str).to_owned();
    let rows: Vec<(OfMission, OfCampaign, OfStore)> = listed!()
        .filter(campaigns::state.eq(CampaignState::Published))
        .filter(missions::id.gt(MissionId::from_stored(after)))
        .order(missions::id)
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(opened).collect()
}

/// Those of the missions that are open or paused.
pub fn any_of(conn: &mut Conn, ids: &[MissionId]) -> Outcome<Vec<Listed>> {
    let rows: Vec<(OfMission, OfCampaign, OfStore)> = listed!().filter(missions::id.eq_any(ids.to_vec())).load(conn)?;
    rows.into_iter().map(opened).collect()
}

/// Open and paused missions of a campaign.
pub fn any_ids_of(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Vec<MissionId>> {
    Ok(missions::table
        .filter(missions::campaign_id.eq(campaign.clone()))
        .filter(missions::state.eq_any([MissionState::Open, MissionState::Paused]))
        .select(missions::id)
        .load(conn)?)
}

/// A mission, or a worker, that must be read again.
pub type Change = (i64, Option<MissionId>, Option<UserId>);

/// Every change below this number is committed and can be read.
pub fn horizon(conn: &mut Conn) -> Outcome<i64> {
    Ok(match conn {
        Conn::Pg(pg) => {
            diesel::select(sql::<BigInt>("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).get_result(pg)?
        }
        Conn::Lite(lite) => {
            mission_changes::table.select(sql::<BigInt>("coalesce(max(id), 0) + 1")).get_result(lite)?
        }
    })
}

/// What changed from the number `since` on, each with its number; some that were seen before may come again.
pub fn changes(conn: &mut Conn, since: i64) -> Outcome<Vec<Change>> {
    let rows = mission_changes::table.order(mission_changes::id);
    let columns = (mission_changes::mission_id, mission_changes::worker_id);
    Ok(match conn {
        Conn::Pg(pg) => rows
            .filter(mission_changes::stamp.ge(since))
            .select((mission_changes::stamp, columns.0, columns.1))
            .load(pg)?,
        Conn::Lite(lite) => {
            rows.filter(mission_changes::id.ge(since)).select((mission_changes::id, columns.0, columns.1)).load(lite)?
        }
    })
}

/// Forgets all but the newest `kept` changes; returns how many went.
pub fn forget(tx: &mut Tx, kept: i64) -> Outcome<usize> {
    let last: Option<i64> = mission_changes::table
        .order(mission_changes::id.desc())
        .select(mission_changes::id)
        .first(&mut **tx)
        .optional()?;
    let Some(last) = last else { return Ok(0) };
    Ok(diesel::delete(mission_changes::table.filter(mission_changes::id.le(last - kept))).execute(&mut **tx)?)
}

/// Missions that the worker holds, has sent in or has done.
pub fn taken(conn: &mut Conn, worker: &WorkerScope) -> Outcome<Vec<MissionId>> {
    Ok(reservations::table
        .filter(reservations::worker_id.eq(worker.worker().clone()))
        .filter(reservations::state.eq_any([
            ReservationState::Held,
            ReservationState::CheckedIn,
            ReservationState::Used,
        ]))
        .select(reservations::mission_id)
        .load(conn)?)
}

/// Visits of the worker that were approved.
pub fn approved(conn: &mut Conn, worker: &WorkerScope) -> Outcome<i64> {
    any_approved(conn, worker.worker())
}

pub fn any_approved(conn: &mut Conn, worker: &UserId) -> Outcome<i64> {
    Ok(submissions::table
        .filter(submissions::worker_id.eq(worker.clone()))
        .filter(submissions::state.eq(SubmissionState::Approved))
        .count()
        .get_result(conn)?)
}

pub fn any_qualifications(conn: &mut Conn, worker: &UserId) -> Outcome<Vec<String>> {
    Ok(worker_qualifications::table
        .filter(worker_qualifications::worker_id.eq(worker.clone()))
        .order(worker_qualifications::code)
        .select(worker_qualifications::code)
        .load(conn)?)
}

/// Gives the worker exactly these qualifications.
pub fn set_qualifications(tx: &mut Tx, worker: &UserId, by: &UserId, codes: &[String]) -> Outcome<()> {
    let now = tx.now();
    let had = any_qualifications(tx, worker)?;
    let gone: Vec<String> = had.iter().filter(|code| !codes.contains(code)).cloned().collect();
    let of_worker = worker_qualifications::table.filter(worker_qualifications::worker_id.eq(worker.clone()));
    diesel::delete(of_worker.filter(worker_qualifications::code.eq_any(gone))).execute(&mut **tx)?;
    for code in codes.iter().filter(|code| !had.contains(code)) {
        diesel::insert_into(worker_qualifications::table)
            .values((
                worker_qualifications::worker_id.eq(worker.clone()),
                worker_qualifications::code.eq(code.clone()),
                worker_qualifications::granted_by.eq(by.clone()),
                worker_qualifications::granted_at.eq(now),
            ))
            .execute(&mut **tx)?;
    }
    Ok(())
}
