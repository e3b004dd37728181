//! Campaigns: drafts, and what publishing, pausing, resuming and closing do to missions and money, each in one
//! transaction. What must hold before publishing is judged by `inspect` alone, for the dry run and the real one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fields::{Fields, present};
use super::{Page, budgets, funds};
use crate::access::scope::BrandScope;
use crate::access::{BrandEditor, BrandOwner, BrandViewer};
use crate::context::{Cx, Once, Rules};
use crate::db;
use crate::db::rows::{BudgetRow, CampaignRow, MissionRow, ProductRow, QuestionnaireVersionRow, StoreRow};
use crate::db::stores::Wanted;
use crate::db::types::Json;
use crate::db::{Conn, Tx};
use crate::domain::budget;
use crate::domain::campaign::{
    self, CampaignKind, CampaignMove, CampaignState, Clause, escrow_of_mission, hourly_minor, pay_floor_minor,
    reading_minutes,
};
use crate::domain::event::Event;
use crate::domain::ids::{CampaignId, MissionId, ProductId, QuestionnaireId, StoreId};
use crate::domain::ledger::{AccountName, book};
use crate::domain::mission::{LEVELS, MissionMove, MissionState, Slots};
use crate::domain::money::{Currency, Money};
use crate::domain::questionnaire::{self, ChangedClause, LoopKey, LoopSets, Questionnaire, compile};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::store::StoreState;
use crate::domain::submission::{REVIEW_DAYS_DEFAULT, REVIEW_DAYS_MAX};
use crate::domain::time::At;

// Bounds; openapi.yaml says the same.
const MAX_CLAUSES: usize = 200;
const MAX_BRANDS: usize = 100;
const MAX_PRODUCTS: usize = 200;
const MAX_STORES: usize = 1000;
pub(super) const MAX_PAY_MINOR: i64 = 100_000_000;
pub(super) const MAX_SLOTS: i64 = 100;
const MAX_ON_SITE_MINUTES: i64 = 480;
const MAX_QUALIFICATIONS: usize = 10;

/// A brand that a questionnaire loops over, the payer's own or a competitor's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopBrand {
    pub key: String,
    pub name: String,
}

/// All stores of the directory with these; at least one is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFilter {
    #[serde(default, deserialize_with = "present")]
    pub city: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub chain: Option<String>,
}

fn one() -> i64 {
    1
}

fn audit() -> CampaignKind {
    CampaignKind::Audit
}

fn review_days() -> i64 {
    REVIEW_DAYS_DEFAULT
}

/// A new draft. Only its shape is checked; what publishing asks for is told by `check_campaign`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    pub name: String,
    pub purpose: String,
    /// The brand's currency when left out.
    #[serde(default, deserialize_with = "present")]
    pub currency: Option<Currency>,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    #[serde(default = "one")]
    pub slots_per_store: i64,
    pub on_site_minutes: i64,
    #[serde(default = "review_days")]
    pub review_days: i64,
    #[serde(default = "audit")]
    pub kind: CampaignKind,
    /// Least level of a worker who may take a mission.
    #[serde(default)]
    pub min_level: i64,
    /// Codes of qualifications that a worker needs.
    #[serde(default)]
    pub qualifications: Vec<String>,
    pub starts_at: At,
    pub ends_at: At,
    #[serde(default)]
    pub brief: Vec<Clause>,
    /// See `GET /v1/schemas/questionnaire`.
    #[serde(default)]
    pub questionnaire: Map<String, Value>,
    #[serde(default)]
    pub loop_brands: Vec<LoopBrand>,
    /// In the order in which they are asked.
    #[serde(default)]
    pub product_ids: Vec<ProductId>,
    #[serde(default)]
    pub store_ids: Vec<StoreId>,
    /// Adds the stores that match now.
    #[serde(default, deserialize_with = "present")]
    pub store_filter: Option<StoreFilter>,
}

/// What to change of a draft; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignChange {
    #[serde(deserialize_with = "present")]
    pub name: Option<String>,
    #[serde(deserialize_with = "present")]
    pub purpose: Option<String>,
    #[serde(deserialize_with = "present")]
    pub currency: Option<Currency>,
    #[serde(deserialize_with = "present")]
    pub reward_minor: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub attempt_fee_minor: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub slots_per_store: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub on_site_minutes: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub review_days: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub kind: Option<CampaignKind>,
    #[serde(deserialize_with = "present")]
    pub min_level: Option<i64>,
    #[serde(deserialize_with = "present")]
    pub qualifications: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    pub starts_at: Option<At>,
    #[serde(deserialize_with = "present")]
    pub ends_at: Option<At>,
    #[serde(deserialize_with = "present")]
    pub brief: Option<Vec<Clause>>,
    #[serde(deserialize_with = "present")]
    pub questionnaire: Option<Map<String, Value>>,
    #[serde(deserialize_with = "present")]
    pub loop_brands: Option<Vec<LoopBrand>>,
    #[serde(deserialize_with = "present")]
    pub product_ids: Option<Vec<ProductId>>,
    /// Replaces the stores, together with those of `store_filter`.
    #[serde(deserialize_with = "present")]
    pub store_ids: Option<Vec<StoreId>>,
    #[serde(deserialize_with = "present")]
    pub store_filter: Option<StoreFilter>,
}

impl From<&NewCampaign> for CampaignChange {
    fn from(new: &NewCampaign) -> CampaignChange {
        let new = new.clone();
        CampaignChange {
            name: Some(new.name),
            purpose: Some(new.purpose),
            currency: new.currency,
            reward_minor: Some(new.reward_minor),
            attempt_fee_minor: Some(new.attempt_fee_minor),
            slots_per_store: Some(new.slots_per_store),
            on_site_minutes: Some(new.on_site_minutes),
            review_days: Some(new.review_days),
            kind: Some(new.kind),
            min_level: Some(new.min_level),
            qualifications: Some(new.qualifications),
            starts_at: Some(new.starts_at),
            ends_at: Some(new.ends_at),
            brief: Some(new.brief),
            questionnaire: Some(new.questionnaire),
            loop_brands: Some(new.loop_brands),
            product_ids: Some(new.product_ids),
            store_ids: Some(new.store_ids),
            store_filter: new.store_filter,
        }
    }
}

/// Codes of qualifications: slugs, each once.
pub(super) fn check_qualifications(fields: &mut Fields, codes: &[String]) {
    fields.count("/qualifications", codes.len(), MAX_QUALIFICATIONS);
    for (i, code) in codes.iter().enumerate() {
        fields.slug(&format!("/qualifications/{i}"), code, 40);
        if codes[..i].contains(code) {
            fields.add(format!("/qualifications/{i}"), "duplicate", "It stands above already.");
        }
    }
}

impl CampaignChange {
    fn check(&self) -> Outcome<()> {
        let mut fields = Fields::default();
        fields.optional_line("/name", self.name.as_deref(), 120);
        if let Some(purpose) = &self.purpose {
            fields.text("/purpose", purpose, 2000);
        }
        for (pointer, number, max) in [
            ("/reward_minor", self.reward_minor, MAX_PAY_MINOR),
            ("/attempt_fee_minor", self.attempt_fee_minor, MAX_PAY_MINOR),
            ("/slots_per_store", self.slots_per_store, MAX_SLOTS),
            ("/on_site_minutes", self.on_site_minutes, MAX_ON_SITE_MINUTES),
            ("/review_days", self.review_days, REVIEW_DAYS_MAX),
        ] {
            if let Some(number) = number {
                fields.number(pointer, number, 1..=max);
            }
        }
        if let Some(level) = self.min_level {
            fields.number("/min_level", level, 0..=LEVELS.len() as i64);
        }
        check_qualifications(&mut fields, self.qualifications.as_deref().unwrap_or_default());
        let brief = self.brief.as_deref().unwrap_or_default();
        fields.count("/brief", brief.len(), MAX_CLAUSES);
        for (i, clause) in brief.iter().enumerate() {
            fields.slug(&format!("/brief/{i}/id"), &clause.id, 32);
            fields.text(&format!("/brief/{i}/text"), &clause.text, 2000);
        }
        let brands = self.loop_brands.as_deref().unwrap_or_default();
        fields.count("/loop_brands", brands.len(), MAX_BRANDS);
        for (i, brand) in brands.iter().enumerate() {
            fields.slug(&format!("/loop_brands/{i}/key"), &brand.key, 64);
            fields.line(&format!("/loop_brands/{i}/name"), &brand.name, 120);
        }
        let products = self.product_ids.as_deref().unwrap_or_default();
        fields.count("/product_ids", products.len(), MAX_PRODUCTS);
        for (i, id) in products.iter().enumerate() {
            if ProductId::parse(id.as_str()).is_none() {
                fields.add(format!("/product_ids/{i}"), "invalid", "This is not the id of a product.");
            } else if products[..i].contains(id) {
                fields.add(format!("/product_ids/{i}"), "duplicate", "It stands above already.");
            }
        }
        let stores = self.store_ids.as_deref().unwrap_or_default();
        fields.count("/store_ids", stores.len(), MAX_STORES);
        for (i, id) in stores.iter().enumerate() {
            if StoreId::parse(id.as_str()).is_none() {
                fields.add(format!("/store_ids/{i}"), "invalid", "This is not the id of a store.");
            }
        }
        if stores.iter().collect::<BTreeSet<_>>().len() < stores.len() {
            fields.add("/store_ids", "duplicate", "A store stands there twice.");
        }
        if let Some(StoreFilter { city, chain }) = &self.store_filter {
            fields.optional_line("/store_filter/city", city.as_deref(), 80);
            fields.optional_line("/store_filter/chain", chain.as_deref(), 80);
            if city.is_none() && chain.is_none() {
                fields.add("/store_filter", "empty", "Give a city, a chain, or both.");
            }
        }
        fields.finish()
    }

    /// Takes over what was given.
    fn fill(&self, row: &mut CampaignRow) -> Outcome<()> {
        fn take<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        take(&mut row.name, &self.name);
        take(&mut row.purpose, &self.purpose);
        take(&mut row.currency, &self.currency);
        take(&mut row.reward_minor, &self.reward_minor);
        take(&mut row.attempt_fee_minor, &self.attempt_fee_minor);
        take(&mut row.slots_per_store, &self.slots_per_store);
        take(&mut row.on_site_minutes, &self.on_site_minutes);
        take(&mut row.review_days, &self.review_days);
        take(&mut row.kind, &self.kind);
        take(&mut row.min_level, &self.min_level);
        if let Some(codes) = &self.qualifications {
            row.qualifications = Json(json!(codes));
        }
        take(&mut row.starts_at, &self.starts_at);
        take(&mut row.ends_at, &self.ends_at);
        if let Some(brief) = &self.brief {
            row.brief = Json(json!(brief));
            row.reading_minutes = reading_minutes(campaign::words_of(brief));
        }
        if let Some(document) = &self.questionnaire {
            row.questionnaire = Json(Value::Object(document.clone()));
        }
        if let Some(brands) = &self.loop_brands {
            row.loop_brands = Json(json!(brands));
        }
        Ok(())
    }

    /// Writes stores and products, which must be the brand's or, stores, the platform's.
    fn link(&self, tx: &mut Tx, scope: &BrandScope, id: &CampaignId) -> Outcome<()> {
        if let Some(products) = &self.product_ids {
            let own: BTreeSet<ProductId> =
                db::products::own(tx, scope, products)?.into_iter().map(|row| row.id).collect();
            all_there("/product_ids", "product", products, &own)?;
            db::campaigns::set_products(tx, id, products)?;
        }
        if self.store_ids.is_none() && self.store_filter.is_none() {
            return Ok(());
        }
        let named = self.store_ids.as_deref().unwrap_or_default();
        let mut stores: BTreeSet<StoreId> = db::stores::seen(tx, scope, named)?.into_iter().map(|row| row.id).collect();
        all_there("/store_ids", "store", named, &stores)?;
        if let Some(StoreFilter { city, chain }) = &self.store_filter {
            let wanted = Wanted { city: city.clone(), chain: chain.clone(), q: None, trading: true };
            let rows = db::stores::page(tx, scope, &wanted, None, MAX_STORES as i64 + 1)?;
            stores.extend(rows.into_iter().map(|row| row.id));
        }
        let mut fields = Fields::default();
        fields.count("/store_filter", stores.len(), MAX_STORES);
        fields.finish()?;
        db::campaigns::set_stores(tx, id, &stores.into_iter().collect::<Vec<_>>())
    }
}

/// Foreign ids and absent ones look the same.
fn all_there<I: Ord + std::fmt::Display>(pointer: &str, what: &str, asked: &[I], there: &BTreeSet<I>) -> Outcome<()> {
    let absent = asked.iter().enumerate().filter(|(_, id)| !there.contains(id));
    let errors: Vec<FieldError> = absent
        .map(|(i, id)| FieldError::new(format!("{pointer}/{i}"), "not_found", format!("There is no {what} {id}.")))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Refusal { errors, ..Refusal::missing(what) }.into()) }
}

/// A campaign in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignLine {
    pub id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    pub currency: Currency,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub starts_at: At,
    pub ends_at: At,
    pub published_at: Option<At>,
    pub closed_at: Option<At>,
    pub created_at: At,
    pub version: i64,
}

impl From<CampaignRow> for CampaignLine {
    fn from(row: CampaignRow) -> CampaignLine {
        CampaignLine {
            id: row.id,
            name: row.name,
            state: row.state,
            currency: row.currency,
            reward_minor: row.reward_minor,
            attempt_fee_minor: row.attempt_fee_minor,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            published_at: row.published_at,
            closed_at: row.closed_at,
            created_at: row.created_at,
            version: row.version,
        }
    }
}

/// One thing that is wrong, or that publishing would refuse.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProblemView {
    /// JSON pointer into the campaign.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

impl From<FieldError> for ProblemView {
    fn from(error: FieldError) -> ProblemView {
        ProblemView { pointer: error.pointer, code: error.code, detail: error.detail }
    }
}

/// A campaign with all of its contents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignView {
    pub id: CampaignId,
    pub name: String,
    pub purpose: String,
    pub state: CampaignState,
    pub currency: Currency,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    /// The platform's fee on each payment, in basis points.
    pub fee_bps: i64,
    pub slots_per_store: i64,
    pub on_site_minutes: i64,
    pub reading_minutes: i64,
    pub review_days: i64,
    pub kind: CampaignKind,
    /// Least level of a worker who may take a mission.
    pub min_level: i64,
    /// Codes of qualifications that a worker needs.
    pub qualifications: Vec<String>,
    pub starts_at: At,
    pub ends_at: At,
    pub brief: Vec<Clause>,
    pub questionnaire: Value,
    pub loop_brands: Vec<LoopBrand>,
    pub product_ids: Vec<ProductId>,
    pub store_ids: Vec<StoreId>,
    /// Faults of a draft's questionnaire; empty once published.
    pub problems: Vec<ProblemView>,
    pub missions: i64,
    pub slots: i64,
    pub slots_held: i64,
    pub slots_done: i64,
    pub published_at: Option<At>,
    pub closed_at: Option<At>,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
}

fn view(conn: &mut Conn, scope: &BrandScope, row: CampaignRow) -> Outcome<CampaignView> {
    let products = db::products::any_of_campaign(conn, &row.id)?;
    let problems = match row.state {
        CampaignState::Draft => faults_of_questionnaire(&row, &loops_of(&row, &products)?)?,
        _ => Vec::new(),
    };
    let [missions, slots, slots_held, slots_done] = db::campaigns::mission_totals(conn, scope, &row.id)?;
    Ok(CampaignView {
        store_ids: db::campaigns::any_store_ids(conn, &row.id)?,
        product_ids: products.into_iter().map(|product| product.id).collect(),
        brief: stored(&row.brief)?,
        loop_brands: stored(&row.loop_brands)?,
        qualifications: stored(&row.qualifications)?,
        kind: row.kind,
        min_level: row.min_level,
        questionnaire: row.questionnaire.0,
        problems: problems.into_iter().map(ProblemView::from).collect(),
        missions,
        slots,
        slots_held,
        slots_done,
        id: row.id,
        name: row.name,
        purpose: row.purpose,
        state: row.state,
        currency: row.currency,
        reward_minor: row.reward_minor,
        attempt_fee_minor: row.attempt_fee_minor,
        fee_bps: row.fee_bps,
        slots_per_store: row.slots_per_store,
        on_site_minutes: row.on_site_minutes,
        reading_minutes: row.reading_minutes,
        review_days: row.review_days,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        published_at: row.published_at,
        closed_at: row.closed_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}

fn stored<T: serde::de::DeserializeOwned>(json: &Json) -> Outcome<T> {
    serde_json::from_value(json.0.clone()).map_err(|e| Failure::fault(format!("a stored document: {e}")))
}

/// What the campaign's loops go over: products by GTIN, brands by their key.
fn loops_of(row: &CampaignRow, products: &[ProductRow]) -> Outcome<LoopSets> {
    let product = |p: &ProductRow| {
        let key = LoopKey::new(&p.gtin).with("name", &p.name).with("gtin", &p.gtin).with("brand", &p.label);
        match &p.category {
            Some(category) => key.with("category", category),
            None => key,
        }
    };
    let brands: Vec<LoopBrand> = stored(&row.loop_brands)?;
    Ok(LoopSets {
        products: products.iter().map(product).collect(),
        brands: brands.iter().map(|brand| LoopKey::new(&brand.key).with("name", &brand.name)).collect(),
        shelves: Vec::new(),
    })
}

/// Everything that is wrong with the questionnaire, with pointers into the campaign.
fn faults_of_questionnaire(row: &CampaignRow, loops: &LoopSets) -> Outcome<Vec<FieldError>> {
    let brief: Vec<Clause> = stored(&row.brief)?;
    let mut errors = campaign::unknown_clauses(&row.questionnaire.0, &brief);
    if let Err(problems) = compile(&row.questionnaire.0, loops) {
        errors.extend(problems.into_iter().map(field_error));
    }
    Ok(errors)
}

fn field_error(problem: questionnaire::Problem) -> FieldError {
    let place = match (problem.path.as_str(), problem.column) {
        ("", _) => String::new(),
        (path, None) => format!("{path}: "),
        (path, Some(column)) => format!("{path}, {} column {column}: ", problem.field),
    };
    FieldError::new(format!("/questionnaire{}", problem.pointer), problem.code, format!("{place}{}", problem.detail))
}

// Reading and writing drafts

/// The brand's campaigns, newest first.
pub fn list_campaigns(
    cx: &Cx,
    who: &BrandViewer,
    state: Option<CampaignState>,
    before: Option<String>,
    limit: i64,
) -> Outcome<Page<CampaignLine>> {
    let rows = cx.read(|c| db::campaigns::page(c, &BrandScope::from(who), state, before.as_deref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), CampaignLine::from))
}

pub fn get_campaign(cx: &Cx, who: &BrandViewer, id: &CampaignId) -> Outcome<CampaignView> {
    let scope = BrandScope::from(who);
    cx.read(|c| {
        let row = db::campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        view(c, &scope, row)
    })
}

pub fn create_campaign(cx: &Cx, who: &BrandEditor, once: &Once, asked: &NewCampaign) -> Outcome<CampaignView> {
    let contents = CampaignChange::from(asked);
    contents.check()?;
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let mut row = CampaignRow {
            id: tx.id(),
            brand_id: who.brand().clone(),
            name: String::new(),
            purpose: String::new(),
            state: CampaignState::Draft,
            currency: db::funds::any_currency(tx, who.brand())?.or_missing("brand")?,
            reward_minor: 0,
            attempt_fee_minor: 0,
            fee_bps: budget::fee_bps(cx.rules().fee_bps, db::budgets::any_fee(tx, who.brand().as_str())?, None),
            slots_per_store: 0,
            on_site_minutes: 0,
            reading_minutes: 0,
            starts_at: tx.now(),
            ends_at: tx.now(),
            review_days: 0,
            brief: Json(json!([])),
            questionnaire: Json(json!({})),
            loop_brands: Json(json!([])),
            published_at: None,
            closed_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
            kind: audit(),
            min_level: 0,
            qualifications: Json(json!([])),
        };
        contents.fill(&mut row)?;
        db::campaigns::insert(tx, &row)?;
        contents.link(tx, &scope, &row.id)?;
        tx.record(Event::new("campaign.drafted", &row.id).brand(who.brand()))?;
        view(tx, &scope, row)
    })
}

/// Changes a draft that was read with `version`.
pub fn change_campaign(
    cx: &Cx,
    who: &BrandEditor,
    version: i64,
    id: &CampaignId,
    asked: &CampaignChange,
) -> Outcome<CampaignView> {
    asked.check()?;
    let scope = BrandScope::from(who);
    cx.write(who, |tx| {
        let mut row = db::campaigns::lock(tx, &scope, id)?.or_missing("campaign")?;
        if row.state != CampaignState::Draft {
            return Err(Refusal::new(Code::CampaignNotDraft, format!("Its state is {}.", row.state)).into());
        }
        asked.fill(&mut row)?;
        db::campaigns::rewrite_draft(tx, &row, version)?;
        asked.link(tx, &scope, id)?;
        tx.record(Event::new("campaign.changed", id).brand(who.brand()))?;
        let row = db::campaigns::find(tx, &scope, id)?.or_missing("campaign")?;
        view(tx, &scope, row)
    })
}

// Before publishing

/// What publishing would do, and what it would refuse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignCheck {
    /// Whether publishing would succeed now.
    pub ready: bool,
    pub problems: Vec<ProblemView>,
    /// Missions that publishing makes, one a store.
    pub missions: i64,
    /// Money that publishing sets aside, the reserve with it.
    pub hold: Money,
    /// What of it is kept for the pay floor.
    pub reserve: Money,
    pub available: Money,
    /// What the brand's available money lacks; zero when it suffices.
    pub missing: Money,
    pub fee_bps: i64,
    pub reading_minutes: i64,
    /// Reward over reading, on-site and assumed travel time.
    pub hourly_pay: Money,
    /// The platform's floor for it in the same currency, where one is set.
    pub pay_floor_minor: Option<i64>,
}

/// A campaign judged for publishing.
struct Inspected {
    /// Of the questionnaire, which have a code of their own.
    questionnaire: Vec<FieldError>,
    others: Vec<FieldError>,
    floor: Option<FieldError>,
    stores: Vec<StoreRow>,
    loops: LoopSets,
    brief: Vec<Clause>,
    /// What one mission holds.
    a_mission: Money,
    budget: BudgetRow,
    check: CampaignCheck,
}

impl Inspected {
    /// Refuses with everything that is wrong.
    fn approve(&self) -> Outcome<()> {
        let code = match (self.questionnaire.is_empty(), self.others.is_empty(), &self.floor) {
            (false, _, _) => Code::QuestionnaireInvalid,
            (_, false, _) => Code::CampaignIncomplete,
            (_, _, Some(_)) => Code::PayFloor,
            _ => return Ok(()),
        };
        let errors = self.questionnaire.iter().chain(&self.others).chain(&self.floor).cloned().collect();
        Err(Refusal::fields(code, errors).into())
    }
}

/// Judges `row`, a draft, for publishing at `now`.
fn inspect(conn: &mut Conn, scope: &BrandScope, row: &CampaignRow, now: At, rules: &Rules) -> Outcome<Inspected> {
    let fee_bps = budgets::fee_bps(conn, rules, &row.brand_id, &row.id)?;
    let brief: Vec<Clause> = stored(&row.brief)?;
    let products = db::products::any_of_campaign(conn, &row.id)?;
    let loops = loops_of(row, &products)?;
    let questionnaire = faults_of_questionnaire(row, &loops)?;

    let mut others = Fields::default();
    for fault in
        campaign::faults_of_brief(&brief).into_iter().chain(campaign::faults_of_window(row.starts_at, row.ends_at, now))
    {
        others.push(fault);
    }
    if row.attempt_fee_minor > row.reward_minor {
        others.add("/attempt_fee_minor", "above_reward", "The attempt fee is at most the reward.");
    }
    let currency = db::funds::any_currency(conn, scope.brand())?.or_missing("brand")?;
    if row.currency != currency {
        others.add("/currency", "other_currency", format!("The brand's money is in {currency}."));
    }
    let ids = db::campaigns::any_store_ids(conn, &row.id)?;
    let stores = db::stores::seen(conn, scope, &ids)?;
    if ids.is_empty() {
        others.add("/store_ids", "empty", "Choose at least one store.");
    }
    let by_id: BTreeMap<&StoreId, &StoreRow> = stores.iter().map(|store| (&store.id, store)).collect();
    for (i, id) in ids.iter().enumerate() {
        match by_id.get(id) {
            None => others.add(format!("/store_ids/{i}"), "not_found", format!("There is no store {id}.")),
            Some(store) if store.state == StoreState::Closed => {
                others.add(format!("/store_ids/{i}"), "closed", format!("{} is closed for good.", store.name));
            }
            Some(_) => {}
        }
    }

    let reading = reading_minutes(campaign::words_of(&brief));
    let money = |minor| Money::new(minor, row.currency);
    let hourly = money(hourly_minor(row.reward_minor, reading, row.on_site_minutes));
    let pay_floor = pay_floor_minor(row.currency).map(money);
    let floor = pay_floor.filter(|floor| hourly.minor < floor.minor).map(|floor| {
        let detail = format!("It pays {hourly} an hour; the floor is {floor}. Raise the reward or ask for less time.");
        FieldError::new("/reward_minor", "pay_floor", detail)
    });

    let attempts = Slots::attempts_for(row.slots_per_store);
    let (reward, fee) = (money(row.reward_minor), money(row.attempt_fee_minor));
    let a_mission = escrow_of_mission(reward, fee, fee_bps, row.slots_per_store, attempts)?;
    let missions = i64::try_from(stores.len()).map_err(Failure::fault)?;
    let budget = budgets::budget_of(conn, rules, row, missions)?;
    let reserve = money(budget.reserve_minor.unwrap_or(0));
    let hold = a_mission.times(missions)?.add(reserve)?;
    let available = db::ledger::balance(conn, &AccountName::brand_available(scope.brand()), row.currency)?;
    let missing = Money::new(hold.sub(available)?.minor.max(0), row.currency);

    let others = others.into_errors();
    let all = questionnaire.iter().chain(&others).chain(&floor);
    let problems: Vec<ProblemView> = all.cloned().map(ProblemView::from).collect();
    Ok(Inspected {
        check: CampaignCheck {
            ready: problems.is_empty() && missing.minor == 0,
            problems,
            missions,
            hold,
            reserve,
            available,
            missing,
            fee_bps,
            reading_minutes: reading,
            hourly_pay: hourly,
            pay_floor_minor: pay_floor.map(|floor| floor.minor),
        },
        questionnaire,
        others,
        floor,
        stores,
        loops,
        brief,
        a_mission,
        budget,
    })
}

/// A dry run of publishing: every check, and nothing is changed.
pub fn check_campaign(cx: &Cx, who: &BrandViewer, id: &CampaignId) -> Outcome<CampaignCheck> {
    let scope = BrandScope::from(who);
    cx.read(|c| {
        let row = db::campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        if row.state != CampaignState::Draft {
            return Err(Refusal::new(Code::CampaignNotDraft, format!("Its state is {}.", row.state)).into());
        }
        Ok(inspect(c, &scope, &row, cx.now(), cx.rules())?.check)
    })
}

// Moving

/// The campaign under its lock, moved on paper.
fn moved(
    tx: &mut Tx,
    scope: &BrandScope,
    id: &CampaignId,
    step: CampaignMove,
) -> Outcome<(CampaignRow, CampaignState)> {
    let mut row = db::campaigns::lock(tx, scope, id)?.or_missing("campaign")?;
    let from = row.state;
    row.state = from.next(step).ok_or_else(|| Refusal::wrong_state(from, from.allowed()))?;
    Ok((row, from))
}

/// The moved campaign as it now stands.
fn written(tx: &mut Tx, scope: &BrandScope, id: &CampaignId) -> Outcome<CampaignView> {
    let row = db::campaigns::find(tx, scope, id)?.or_missing("campaign")?;
    view(tx, scope, row)
}

/// Pins the questionnaire, makes one mission a store and sets aside what each may cost.
pub fn publish_campaign(cx: &Cx, who: &BrandOwner, once: &Once, id: &CampaignId) -> Outcome<CampaignView> {
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let (mut row, from) = moved(tx, &scope, id, CampaignMove::Publish)?;
        let now = tx.now();
        let found = inspect(tx, &scope, &row, now, cx.rules())?;
        found.approve()?;
        if found.check.missing.minor > 0 {
            let CampaignCheck { hold, available, missing, .. } = &found.check;
            let detail = format!("Publishing sets aside {hold}; {available} are available, {missing} are missing.");
            return Err(Refusal::new(Code::InsufficientFunds, detail).into());
        }
        row.fee_bps = found.check.fee_bps;
        row.reading_minutes = found.check.reading_minutes;
        row.published_at = Some(now);
        db::campaigns::move_state(tx, &row, from)?;
        let version = QuestionnaireVersionRow {
            id: tx.id(),
            campaign_id: row.id.clone(),
            version: 1,
            document: row.questionnaire.clone(),
            loops: Json(serde_json::to_value(&found.loops).map_err(Failure::fault)?),
            brief: Json(json!(found.brief)),
            created_at: now,
        };
        db::campaigns::add_questionnaire(tx, &version)?;
        let data = json!({"questionnaire_id": version.id, "missions": found.check.missions, "hold": found.check.hold});
        let event = tx.record(
            Event::new("campaign.published", id).brand(who.brand()).moved(from.as_str(), row.state.as_str()).data(data),
        )?;
        db::budgets::set_budget(tx, &BudgetRow { updated_at: now, ..found.budget.clone() })?;
        if found.check.reserve.minor > 0 {
            db::ledger::apply(tx, &event, &book::hold_reserve(who.brand(), id, found.check.reserve))?;
        }
        for store in &found.stores {
            open_mission(tx, &row, store, &version.id, found.a_mission)?;
        }
        written(tx, &scope, id)
    })
}

/// A store that was reported shut gets its mission too; it opens when the store does.
fn open_mission(
    tx: &mut Tx,
    campaign: &CampaignRow,
    store: &StoreRow,
    questionnaire: &QuestionnaireId,
    hold: Money,
) -> Outcome<()> {
    let state = if store.state.takes_reservations() { MissionState::Open } else { MissionState::Paused };
    let mission = MissionRow {
        id: tx.id(),
        campaign_id: campaign.id.clone(),
        brand_id: campaign.brand_id.clone(),
        store_id: store.id.clone(),
        questionnaire_id: questionnaire.clone(),
        state,
        slots: campaign.slots_per_store,
        slots_held: 0,
        slots_done: 0,
        attempts: Slots::attempts_for(campaign.slots_per_store),
        attempts_spent: 0,
        recheck_open: false,
        reward_minor: campaign.reward_minor,
        attempt_fee_minor: campaign.attempt_fee_minor,
        fee_bps: campaign.fee_bps,
        currency: campaign.currency,
        lat: store.lat,
        lon: store.lon,
        starts_at: campaign.starts_at,
        ends_at: campaign.ends_at,
        created_at: tx.now(),
        updated_at: tx.now(),
        version: 1,
    };
    db::campaigns::add_mission(tx, &mission)?;
    let data = json!({"campaign_id": campaign.id, "store_id": store.id, "state": state});
    let event = tx.record(Event::new("mission.made", &mission.id).brand(&campaign.brand_id).data(data))?;
    db::ledger::apply(tx, &event, &book::hold(&campaign.brand_id, &mission.id, hold))?;
    Ok(())
}

fn move_mission(tx: &mut Tx, mission: &MissionRow, step: MissionMove, kind: &'static str) -> Outcome<MissionRow> {
    let from = mission.state;
    let to = from.next(step).ok_or_else(|| Failure::fault(format!("{kind} of a mission that is {from}")))?;
    let after = db::campaigns::move_mission(tx, mission, to)?;
    tx.record(Event::new(kind, &mission.id).brand(&mission.brand_id).moved(from.as_str(), to.as_str()))?;
    Ok(after)
}

/// No new reservations; those that are held go on and are paid.
pub fn pause_campaign(cx: &Cx, who: &BrandOwner, once: &Once, id: &CampaignId) -> Outcome<CampaignView> {
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let (row, from) = moved(tx, &scope, id, CampaignMove::Pause)?;
        db::campaigns::move_state(tx, &row, from)?;
        tx.record(Event::new("campaign.paused", id).brand(who.brand()).moved(from.as_str(), row.state.as_str()))?;
        for mission in db::campaigns::lock_missions(tx, &scope, id)? {
            if mission.state == MissionState::Open {
                move_mission(tx, &mission, MissionMove::Pause, "mission.paused")?;
            }
        }
        written(tx, &scope, id)
    })
}

/// Missions open again, but not those whose store was reported shut: they wait for it.
pub fn resume_campaign(cx: &Cx, who: &BrandOwner, once: &Once, id: &CampaignId) -> Outcome<CampaignView> {
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let (row, from) = moved(tx, &scope, id, CampaignMove::Resume)?;
        db::campaigns::move_state(tx, &row, from)?;
        tx.record(Event::new("campaign.resumed", id).brand(who.brand()).moved(from.as_str(), row.state.as_str()))?;
        let missions = db::campaigns::lock_missions(tx, &scope, id)?;
        let stores = db::campaigns::any_store_states(tx, id)?;
        for mission in missions {
            let opens = stores.get(&mission.store_id).is_some_and(|state| state.takes_reservations());
            if mission.state == MissionState::Paused && opens {
                move_mission(tx, &mission, MissionMove::Resume, "mission.resumed")?;
            }
        }
        written(tx, &scope, id)
    })
}

/// Ends every mission for new workers and gives back what their held slots cannot cost any more.
pub fn close_campaign(cx: &Cx, who: &BrandOwner, once: &Once, id: &CampaignId) -> Outcome<CampaignView> {
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let (mut row, from) = moved(tx, &scope, id, CampaignMove::Close)?;
        row.closed_at = Some(tx.now());
        db::campaigns::move_state(tx, &row, from)?;
        tx.record(Event::new("campaign.closed", id).brand(who.brand()).moved(from.as_str(), row.state.as_str()))?;
        for mission in db::campaigns::lock_missions(tx, &scope, id)? {
            if mission.state != MissionState::Closed {
                let mission = move_mission(tx, &mission, MissionMove::Close, "mission.closed")?;
                funds::return_unneeded(tx, &mission)?;
            }
        }
        written(tx, &scope, id)
    })
}

// Missions of a campaign

/// A mission as its brand sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignMission {
    pub id: MissionId,
    pub campaign_id: CampaignId,
    pub store_id: StoreId,
    pub store_name: String,
    pub store_city: Option<String>,
    pub store_state: StoreState,
    pub state: MissionState,
    pub slots: i64,
    pub slots_held: i64,
    pub slots_done: i64,
    pub attempts: i64,
    pub attempts_spent: i64,
    pub created_at: At,
    pub updated_at: At,
}

pub fn list_campaign_missions(
    cx: &Cx,
    who: &BrandViewer,
    id: &CampaignId,
    after: Option<String>,
    limit: i64,
) -> Outcome<Page<CampaignMission>> {
    let scope = BrandScope::from(who);
    let rows = cx.read(|c| {
        db::campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        db::campaigns::missions_page(c, &scope, id, after.as_deref(), limit + 1)
    })?;
    Ok(Page::of(
        rows,
        limit,
        |(mission, _)| mission.id.to_string(),
        |(mission, store)| CampaignMission {
            id: mission.id,
            campaign_id: mission.campaign_id,
            store_id: store.id,
            store_name: store.name,
            store_city: store.city,
            store_state: store.state,
            state: mission.state,
            slots: mission.slots,
            slots_held: mission.slots_held,
            slots_done: mission.slots_done,
            attempts: mission.attempts,
            attempts_spent: mission.attempts_spent,
            created_at: mission.created_at,
            updated_at: mission.updated_at,
        },
    ))
}

// Questionnaires

/// A published questionnaire with the brief that goes with it: what a reservation pins.
#[derive(Clone, Debug)]
pub struct Pinned {
    pub id: QuestionnaireId,
    pub questionnaire: Questionnaire,
    pub brief: Vec<Clause>,
}

/// The questionnaire that a reservation, a submission or a mission names.
pub fn pinned(conn: &mut Conn, id: &QuestionnaireId) -> Outcome<Pinned> {
    let row = db::campaigns::any_questionnaire(conn, id)?.or_missing("questionnaire")?;
    pin(row)
}

fn pin(row: QuestionnaireVersionRow) -> Outcome<Pinned> {
    let loops: LoopSets = stored(&row.loops)?;
    let questionnaire = compile(&row.document.0, &loops)
        .map_err(|problems| Failure::fault(format!("{} does not compile any more: {:?}", row.id, problems.first())))?;
    Ok(Pinned { brief: stored(&row.brief)?, questionnaire, id: row.id })
}

/// JSON Schema of questionnaire documents.
pub fn questionnaire_schema() -> Value {
    questionnaire::json_schema()
}

/// The campaign's questionnaire; a draft's must compile.
fn questionnaire_of(c: &mut Conn, scope: &BrandScope, id: &CampaignId) -> Outcome<Questionnaire> {
    let row = db::campaigns::find(c, scope, id)?.or_missing("campaign")?;
    if let Some(version) = db::campaigns::any_latest_questionnaire(c, id)? {
        return Ok(pin(version)?.questionnaire);
    }
    let products = db::products::any_of_campaign(c, id)?;
    let loops = loops_of(&row, &products)?;
    let questionnaire = compile(&row.questionnaire.0, &loops).map_err(|problems| {
        let errors = problems.into_iter().map(field_error).collect();
        Refusal::fields(Code::QuestionnaireInvalid, errors)
    })?;
    Ok(questionnaire)
}

/// JSON Schema of the answers to the campaign's questionnaire.
pub fn get_answers_schema(cx: &Cx, who: &BrandViewer, id: &CampaignId) -> Outcome<Value> {
    let scope = BrandScope::from(who);
    cx.read(|c| Ok(questionnaire::answers_schema(&questionnaire_of(c, &scope, id)?)))
}

/// What a campaign asks otherwise than an earlier one did.
#[derive(Serialize, Clone, Debug)]
pub struct QuestionnaireChanges {
    pub since: CampaignId,
    pub changes: Vec<ChangedClause>,
}

/// Which clauses changed since another campaign of the brand: a published questionnaire never changes, so a new round
/// with other questions is a new campaign.
pub fn get_questionnaire_changes(
    cx: &Cx,
    who: &BrandViewer,
    id: &CampaignId,
    since: &CampaignId,
) -> Outcome<QuestionnaireChanges> {
    let scope = BrandScope::from(who);
    cx.read(|c| {
        let (before, after) = (questionnaire_of(c, &scope, since)?, questionnaire_of(c, &scope, id)?);
        Ok(QuestionnaireChanges { since: since.clone(), changes: questionnaire::diff(&before, &after) })
    })
}
