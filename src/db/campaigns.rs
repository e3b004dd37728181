//! Campaigns with their stores, pinned questionnaires and missions. The counters of a mission are `db::missions`'.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{CampaignProductRow, CampaignRow, CampaignStoreRow, MissionRow, QuestionnaireVersionRow, StoreRow};
use super::schema::{campaign_products, campaign_stores, campaigns, missions, questionnaire_versions, stores};
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::campaign::CampaignState;
use crate::domain::ids::{CampaignId, MissionId, ProductId, QuestionnaireId, StoreId};
use crate::domain::mission::MissionState;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::store::StoreState;

pub fn insert(tx: &mut Tx, row: &CampaignRow) -> Outcome<()> {
    diesel::insert_into(campaigns::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// The brand's campaigns, newest first.
pub fn page(
    conn: &mut Conn,
    scope: &BrandScope,
    state: Option<CampaignState>,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<CampaignRow>> {
    let mut query = campaigns::table.filter(campaigns::brand_id.eq(scope.brand().clone())).into_boxed();
    if let Some(state) = state {
        query = query.filter(campaigns::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(campaigns::id.lt(CampaignId::from_stored(before.to_owned())));
    }
    Ok(query.order(campaigns::id.desc()).limit(limit).load(conn)?)
}

pub fn find(conn: &mut Conn, scope: &BrandScope, id: &CampaignId) -> Outcome<Option<CampaignRow>> {
    let row = campaigns::table.filter(campaigns::id.eq(id)).filter(campaigns::brand_id.eq(scope.brand().clone()));
    Ok(row.first(conn).optional()?)
}

/// The campaign, and nobody else changes it or publishes it before this transaction ends.
pub fn lock(tx: &mut Tx, scope: &BrandScope, id: &CampaignId) -> Outcome<Option<CampaignRow>> {
    let row = campaigns::table.filter(campaigns::id.eq(id)).filter(campaigns::brand_id.eq(scope.brand().clone()));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

pub fn any_campaign(conn: &mut Conn, id: &CampaignId) -> Outcome<Option<CampaignRow>> {
    Ok(campaigns::table.find(id).first(conn).optional()?)
}

/// Writes the contents of a draft. Refuses with `stale` when it is no longer the draft with `version`.
pub fn rewrite_draft(tx: &mut Tx, row: &CampaignRow, version: i64) -> Outcome<()> {
    let now = tx.now();
    let draft = campaigns::table
        .filter(campaigns::id.eq(&row.id))
        .filter(campaigns::state.eq(CampaignState::Draft))
        .filter(campaigns::version.eq(version));
    let written = diesel::update(draft)
        .set((
            (
                campaigns::name.eq(&row.name),
                campaigns::purpose.eq(&row.purpose),
                campaigns::currency.eq(row.currency),
                campaigns::reward_minor.eq(row.reward_minor),
                campaigns::attempt_fee_minor.eq(row.attempt_fee_minor),
                campaigns::fee_bps.eq(row.fee_bps),
                campaigns::slots_per_store.eq(row.slots_per_store),
                campaigns::on_site_minutes.eq(row.on_site_minutes),
            ),
            (
                campaigns::reading_minutes.eq(row.reading_minutes),
                campaigns::starts_at.eq(row.starts_at),
                campaigns::ends_at.eq(row.ends_at),
                campaigns::review_days.eq(row.review_days),
                campaigns::brief.eq(&row.brief),
                campaigns::questionnaire.eq(&row.questionnaire),
                campaigns::loop_brands.eq(&row.loop_brands),
                campaigns::kind.eq(row.kind),
                campaigns::min_level.eq(row.min_level),
                campaigns::qualifications.eq(&row.qualifications),
            ),
            campaigns::updated_at.eq(now),
            campaigns::version.eq(campaigns::version + 1),
        ))
        .execute(&mut **tx)?;
    one(written)
}

/// Moves a campaign; `row` is how it was read under its lock, but for the new state and what publishing fixes.
pub fn move_state(tx: &mut Tx, row: &CampaignRow, from: CampaignState) -> Outcome<()> {
    let now = tx.now();
    let as_read = campaigns::table
        .filter(campaigns::id.eq(&row.id))
        .filter(campaigns::state.eq(from))
        .filter(campaigns::version.eq(row.version));
    let moved = diesel::update(as_read)
        .set((
            campaigns::state.eq(row.state),
            campaigns::fee_bps.eq(row.fee_bps),
            campaigns::reading_minutes.eq(row.reading_minutes),
            campaigns::published_at.eq(row.published_at),
            campaigns::closed_at.eq(row.closed_at),
            campaigns::updated_at.eq(now),
            campaigns::version.eq(campaigns::version + 1),
        ))
        .execute(&mut **tx)?;
    one(moved)
}

fn one(rows: usize) -> Outcome<()> {
    if rows == 1 {
        return Ok(());
    }
    Err(Refusal::new(Code::Stale, "Somebody changed the campaign in the meantime.").into())
}

// Its stores and products

pub fn set_stores(tx: &mut Tx, campaign: &CampaignId, ids: &[StoreId]) -> Outcome<()> {
    diesel::delete(campaign_stores::table.filter(campaign_stores::campaign_id.eq(campaign))).execute(&mut **tx)?;
    for store_id in ids {
        let row = CampaignStoreRow { campaign_id: campaign.clone(), store_id: store_id.clone() };
        diesel::insert_into(campaign_stores::table).values(row).execute(&mut **tx)?;
    }
    Ok(())
}

pub fn set_products(tx: &mut Tx, campaign: &CampaignId, ids: &[ProductId]) -> Outcome<()> {
    diesel::delete(campaign_products::table.filter(campaign_products::campaign_id.eq(campaign))).execute(&mut **tx)?;
    for (position, product_id) in (0_i64..).zip(ids) {
        let row = CampaignProductRow { campaign_id: campaign.clone(), product_id: product_id.clone(), position };
        diesel::insert_into(campaign_products::table).values(row).execute(&mut **tx)?;
    }
    Ok(())
}

/// The stores that the campaign chose, by id.
pub fn any_store_ids(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Vec<StoreId>> {
    Ok(campaign_stores::table
        .filter(campaign_stores::campaign_id.eq(campaign))
        .order(campaign_stores::store_id)
        .select(campaign_stores::store_id)
        .load(conn)?)
}

/// Drafts that chose this store, locked in the order of their ids.
pub fn any_drafts_with_locked(tx: &mut Tx, store: &StoreId) -> Outcome<Vec<CampaignId>> {
    let chosen =
        campaign_stores::table.filter(campaign_stores::store_id.eq(store)).select(campaign_stores::campaign_id);
    let drafts = campaigns::table
        .filter(campaigns::state.eq(CampaignState::Draft))
        .filter(campaigns::id.eq_any(chosen))
        .order(campaigns::id);
    let rows: Vec<CampaignRow> = Locked(drafts).load(&mut **tx)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Puts `to` where the campaign had `from`.
pub fn replace_store(tx: &mut Tx, campaign: &CampaignId, from: &StoreId, to: &StoreId) -> Outcome<()> {
    let mut ids = any_store_ids(tx, campaign)?;
    ids.retain(|id| id != from && id != to);
    ids.push(to.clone());
    set_stores(tx, campaign, &ids)
}

// Its questionnaire, once published

pub fn add_questionnaire(tx: &mut Tx, row: &QuestionnaireVersionRow) -> Outcome<()> {
    diesel::insert_into(questionnaire_versions::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn any_questionnaire(conn: &mut Conn, id: &QuestionnaireId) -> Outcome<Option<QuestionnaireVersionRow>> {
    Ok(questionnaire_versions::table.find(id).first(conn).optional()?)
}

/// The newest version that the campaign published.
pub fn any_latest_questionnaire(conn: &mut Conn, campaign: &CampaignId) -> Outcome<Option<QuestionnaireVersionRow>> {
    Ok(questionnaire_versions::table
        .filter(questionnaire_versions::campaign_id.eq(campaign))
        .order(questionnaire_versions::version.desc())
        .first(conn)
        .optional()?)
}

// Its missions

pub fn add_mission(tx: &mut Tx, row: &MissionRow) -> Outcome<()> {
    diesel::insert_into(missions::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// The campaign's missions with their stores, by id.
pub fn missions_page(
    conn: &mut Conn,
    scope: &BrandScope,
    campaign: &CampaignId,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Vec<(MissionRow, StoreRow)>> {
    let mut query = missions::table
        .inner_join(stores::table.on(stores::id.eq(missions::store_id)))
        .filter(missions::campaign_id.eq(campaign))
        .filter(missions::brand_id.eq(scope.brand().clone()))
        .select((missions::all_columns, stores::all_columns))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(missions::id.gt(MissionId::from_stored(after.to_owned())));
    }
    Ok(query.order(missions::id).limit(limit).load(conn)?)
}

/// Every mission of the campaign, by id, locked.
pub fn lock_missions(tx: &mut Tx, scope: &BrandScope, campaign: &CampaignId) -> Outcome<Vec<MissionRow>> {
    let query = missions::table
        .filter(missions::campaign_id.eq(campaign))
        .filter(missions::brand_id.eq(scope.brand().clone()))
        .order(missions::id);
    Ok(Locked(query).load(&mut **tx)?)
}

/// States of the stores of the campaign's missions.
pub fn any_store_states(conn: &mut Conn, campaign: &CampaignId) -> Outcome<BTreeMap<StoreId, StoreState>> {
    let rows: Vec<(StoreId, StoreState)> = missions::table
        .inner_join(stores::table.on(stores::id.eq(missions::store_id)))
        .filter(missions::campaign_id.eq(campaign))
        .select((stores::id, stores::state))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Moves a mission that was read under its lock; closing also ends its re-check slot.
pub fn move_mission(tx: &mut Tx, mission: &MissionRow, to: MissionState) -> Outcome<MissionRow> {
    let now = tx.now();
    let as_read = missions::table.filter(missions::id.eq(&mission.id)).filter(missions::state.eq(mission.state));
    let moved: Option<MissionRow> = diesel::update(as_read)
        .set((
            missions::state.eq(to),
            missions::recheck_open.eq(mission.recheck_open && to == MissionState::Paused),
            missions::updated_at.eq(now),
            missions::version.eq(missions::version + 1),
        ))
        .returning(missions::all_columns)
        .get_result(&mut **tx)
        .optional()?;
    moved.ok_or_else(|| Refusal::new(Code::Stale, "A mission was changed in the meantime.").into())
}

/// How many missions the campaign has, and the sum of their slots, held slots and done slots.
pub fn mission_totals(conn: &mut Conn, scope: &BrandScope, campaign: &CampaignId) -> Outcome<[i64; 4]> {
    use diesel::dsl::{count_star, sql};
    use diesel::sql_types::BigInt;
    let (n, slots, held, done): (i64, i64, i64, i64) = missions::table
        .filter(missions::campaign_id.eq(campaign))
        .filter(missions::brand_id.eq(scope.brand().clone()))
        .select((
            count_star(),
            sql::<BigInt>("CAST(COALESCE(SUM(slots),0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(slots_held),0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(slots_done),0) AS BIGINT)"),
        ))
        .first(conn)?;
    Ok([n, slots, held, done])
}
