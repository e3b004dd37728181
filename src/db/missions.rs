//! Missions as workers meet them: what is near, the head that lists show, and the counters of slots. Unscoped: every
//! worker may see every mission. Counters move under a guard, so a slot is given once whatever happens beside it (I09).

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{CampaignRow, MissionRow, QuestionnaireVersionRow, StoreRow};
use super::schema::{brands, campaigns, missions, questionnaire_versions, reservations, stores, submissions};
use super::tx::Tx;
use crate::domain::ids::{BrandId, CampaignId, MissionId, QuestionnaireId, StoreId};
use crate::domain::mission::MissionState;
use crate::domain::money::Currency;
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::domain::submission::{Outcome as Visit, SubmissionState};
use crate::domain::time::At;

/// A mission with what a list shows of its campaign, brand and store.
#[derive(Queryable, Clone, Debug)]
pub struct MissionHead {
    pub id: MissionId,
    pub campaign_id: CampaignId,
    pub state: MissionState,
    pub slots: i64,
    pub slots_held: i64,
    pub slots_done: i64,
    pub attempts: i64,
    pub attempts_spent: i64,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub currency: Currency,
    pub lat: f64,
    pub lon: f64,
    pub starts_at: At,
    pub ends_at: At,
    pub campaign_name: String,
    pub on_site_minutes: i64,
    pub reading_minutes: i64,
    pub brand_name: String,
    pub store_id: StoreId,
    pub store_name: String,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub radius_m: f64,
    pub opening_hours: Option<String>,
    pub time_zone: String,
}

/// The columns of a head, in its order.
macro_rules! head_columns {
    () => {
        (
            missions::id,
            missions::campaign_id,
            missions::state,
            missions::slots,
            missions::slots_held,
            missions::slots_done,
            missions::attempts,
            missions::attempts_spent,
            missions::reward_minor,
            missions::attempt_fee_minor,
            missions::currency,
            missions::lat,
            missions::lon,
            missions::starts_at,
            missions::ends_at,
            campaigns::name,
            campaigns::on_site_minutes,
            campaigns::reading_minutes,
            brands::name,
            stores::id,
            stores::name,
            stores::street,
            stores::housenumber,
            stores::postcode,
            stores::city,
            stores::country,
            stores::radius_m,
            stores::opening_hours,
            stores::time_zone,
        )
    };
}

pub fn any_find(conn: &mut Conn, id: &MissionId) -> Outcome<Option<MissionRow>> {
    Ok(missions::table.find(id).first(conn).optional()?)
}

/// The mission with its row locked; lock it after its campaign and before its reservations.
pub fn any_locked(tx: &mut Tx, id: &MissionId) -> Outcome<Option<MissionRow>> {
    Ok(Locked(missions::table.find(id)).get_result(&mut **tx).optional()?)
}

pub fn any_campaign(conn: &mut Conn, id: &CampaignId) -> Outcome<CampaignRow> {
    Ok(campaigns::table.find(id).first(conn)?)
}

pub fn any_store(conn: &mut Conn, id: &StoreId) -> Outcome<StoreRow> {
    Ok(stores::table.find(id).first(conn)?)
}

pub fn any_brand_name(conn: &mut Conn, id: &BrandId) -> Outcome<String> {
    Ok(brands::table.find(id).select(brands::name).first(conn)?)
}

pub fn any_questionnaire(conn: &mut Conn, id: &QuestionnaireId) -> Outcome<QuestionnaireVersionRow> {
    Ok(questionnaire_versions::table.find(id).first(conn)?)
}

pub fn any_heads(conn: &mut Conn, ids: &[MissionId]) -> Outcome<Vec<MissionHead>> {
    Ok(missions::table
        .inner_join(campaigns::table.on(campaigns::id.eq(missions::campaign_id)))
        .inner_join(brands::table.on(brands::id.eq(missions::brand_id)))
        .inner_join(stores::table.on(stores::id.eq(missions::store_id)))
        .filter(missions::id.eq_any(ids.to_vec()))
        .select(head_columns!())
        .load(conn)?)
}

/// Seconds from check-in to seal of the last approved visits of a campaign that were done at once, at most `limit`.
pub fn any_visit_secs(conn: &mut Conn, campaign: &CampaignId, limit: i64) -> Outcome<Vec<i64>> {
    let times: Vec<(Option<At>, At)> = submissions::table
        .inner_join(reservations::table.on(reservations::id.eq(submissions::reservation_id)))
        .filter(submissions::campaign_id.eq(campaign.clone()))
        .filter(submissions::state.eq(SubmissionState::Approved))
        .filter(submissions::revision.eq(1))
        .filter(submissions::outcome.eq(Visit::Completed))
        .filter(reservations::checked_in_at.is_not_null())
        .order(submissions::id.desc())
        .limit(limit)
        .select((reservations::checked_in_at, submissions::sealed_at))
        .load(conn)?;
    Ok(times.into_iter().filter_map(|(came, sealed)| Some(sealed.secs_since(came?))).filter(|s| *s > 0).collect())
}

/// Gives one slot away. Refuses with `slot_taken` when none is free, whatever was read before.
pub fn take_slot(tx: &mut Tx, id: &MissionId, recheck: bool) -> Outcome<()> {
    let now = tx.now();
    let free = missions::table
        .find(id)
        .filter((missions::slots - missions::slots_held - missions::slots_done).gt(0))
        .filter((missions::attempts - missions::attempts_spent - missions::slots_held).gt(0));
    let taken = diesel::update(free)
        .set((
            missions::slots_held.eq(missions::slots_held + 1),
            missions::version.eq(missions::version + 1),
            missions::updated_at.eq(now),
        ))
        .execute(&mut **tx)?;
    if taken == 0 {
        return Err(Refusal::new(Code::SlotTaken, "Every slot of this mission is taken.").into());
    }
    if recheck {
        diesel::update(missions::table.find(id)).set(missions::recheck_open.eq(false)).execute(&mut **tx)?;
    }
    Ok(())
}

/// Takes a held slot back: a reservation was released or expired, or a refused submission no longer holds it. `recheck`
/// opens the re-check of a paused store again; true only for a re-check reservation that was not used.
pub fn free_slot(tx: &mut Tx, id: &MissionId, recheck: bool) -> Outcome<()> {
    give_back(tx, id, 0, 0)?;
    if recheck {
        diesel::update(missions::table.find(id)).set(missions::recheck_open.eq(true)).execute(&mut **tx)?;
    }
    Ok(())
}

/// Ends a held slot with pay: done, or (`attempt`) free again with one attempt spent.
pub fn finish_slot(tx: &mut Tx, id: &MissionId, attempt: bool) -> Outcome<()> {
    let (done, spent) = if attempt { (0, 1) } else { (1, 0) };
    give_back(tx, id, done, spent)
}

fn give_back(tx: &mut Tx, id: &MissionId, done: i64, spent: i64) -> Outcome<()> {
    let now = tx.now();
    let moved = diesel::update(missions::table.find(id).filter(missions::slots_held.gt(0)))
        .set((
            missions::slots_held.eq(missions::slots_held - 1),
            missions::slots_done.eq(missions::slots_done + done),
            missions::attempts_spent.eq(missions::attempts_spent + spent),
            missions::version.eq(missions::version + 1),
            missions::updated_at.eq(now),
        ))
        .execute(&mut **tx)?;
    if moved == 1 { Ok(()) } else { Err(Failure::fault(format!("mission {id} holds no slot to give back"))) }
}
