//! The store directory as a brand sees it, and stores of its own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Page;
use super::fields::Fields;
use crate::access::scope::BrandScope;
use crate::access::{Admin, BrandEditor, BrandViewer};
use crate::context::{Cx, Once};
use crate::db;
use crate::db::rows::StoreRow;
use crate::db::stores::Wanted;
use crate::db::types::Json;
use crate::domain::event::Event;
use crate::domain::ids::StoreId;
use crate::domain::outline::{Outline, Site};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::store::{Fence, Hours, StoreState, Zone, is_country};
use crate::domain::time::At;

/// Degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    pub lat: f64,
    pub lon: f64,
}

/// A store as its brand sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoreView {
    pub id: StoreId,
    /// Whether it is the brand's own; others belong to the platform's directory.
    pub own: bool,
    pub source: String,
    pub source_id: String,
    pub name: String,
    pub chain: Option<String>,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub radius_m: f64,
    /// The door that people use, when it is known.
    pub entrance: Option<Spot>,
    /// The outline on the ground as a GeoJSON polygon, when it is known.
    pub outline: Option<Value>,
    pub opening_hours: Option<String>,
    pub time_zone: String,
    pub state: StoreState,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
}

impl From<StoreRow> for StoreView {
    fn from(row: StoreRow) -> StoreView {
        StoreView {
            id: row.id,
            own: row.brand_id.is_some(),
            source: if row.brand_id.is_some() { OWN.to_owned() } else { row.source },
            source_id: row.source_id,
            name: row.name,
            chain: row.chain,
            street: row.street,
            housenumber: row.housenumber,
            postcode: row.postcode,
            city: row.city,
            country: row.country,
            lat: row.lat,
            lon: row.lon,
            radius_m: row.radius_m,
            entrance: row.entrance_lat.zip(row.entrance_lon).map(|(lat, lon)| Spot { lat, lon }),
            outline: row.outline.map(|outline| outline.0),
            opening_hours: row.opening_hours,
            time_zone: row.time_zone,
            state: row.state,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// A store of the directory as staff sees it in lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoreCard {
    pub id: StoreId,
    pub source: String,
    pub source_id: String,
    pub name: String,
    pub chain: Option<String>,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub state: StoreState,
}

impl StoreCard {
    pub(super) fn of(row: StoreRow) -> StoreCard {
        StoreCard {
            id: row.id,
            source: row.source,
            source_id: row.source_id,
            name: row.name,
            chain: row.chain,
            street: row.street,
            housenumber: row.housenumber,
            postcode: row.postcode,
            city: row.city,
            country: row.country,
            lat: row.lat,
            lon: row.lon,
            state: row.state,
        }
    }
}

/// Where a store is.
pub(super) fn site_of(row: &StoreRow) -> Outcome<Site> {
    let off = || Failure::fault(format!("store {} lies off the globe", row.id));
    let entrance = match (row.entrance_lat, row.entrance_lon) {
        (Some(lat), Some(lon)) => Some(Point::new(lat, lon).ok_or_else(off)?),
        _ => None,
    };
    let outline = row.outline.as_ref().map(|outline| Outline::parse(&outline.0)).transpose();
    let outline = outline.map_err(|problem| Failure::fault(format!("store {}: {problem}", row.id)))?;
    Ok(Site { pin: Point::new(row.lat, row.lon).ok_or_else(off)?, entrance, outline })
}

/// What a brand calls the source of its own stores. Kept with the brand's id behind it, so that two brands may use the
/// same source id and neither learns of the other.
const OWN: &str = "brand";

/// A store that a brand adds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewStore {
    pub name: String,
    pub chain: Option<String>,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    /// ISO 3166, two capital letters.
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    /// Metres, 20 to 2000; 150 when left out.
    pub radius_m: Option<f64>,
    #[serde(default)]
    pub entrance: Option<Spot>,
    /// A GeoJSON polygon of one ring.
    #[serde(default)]
    pub outline: Option<Value>,
    /// OpenStreetMap's grammar; unknown hours set no limit.
    pub opening_hours: Option<String>,
    /// IANA name, `Europe/Zurich`.
    pub time_zone: String,
    /// The brand's own number of the store; the id when left out.
    pub source_id: Option<String>,
}

/// The place, or complaints about its parts; a pin off the globe is left to the caller to complain of.
fn site(fields: &mut Fields, pin: Spot, entrance: Option<Spot>, outline: Option<&Value>) -> Option<Site> {
    let pin = Point::new(pin.lat, pin.lon)?;
    let mut site = Site { pin, entrance: None, outline: None };
    if let Some(spot) = entrance {
        site.entrance = Point::new(spot.lat, spot.lon);
        if site.entrance.is_none() {
            fields.add("/entrance", "out_of_range", "lat lies in -90..=90 and lon in -180..=180.");
        }
    }
    match outline.map(Outline::parse) {
        Some(Ok(outline)) => site.outline = Some(outline),
        Some(Err(problem)) => fields.add("/outline", problem.code, problem.message),
        None => {}
    }
    if let Err(problem) = site.check() {
        let part = if problem.code == "entrance_far" { "/entrance" } else { "/outline" };
        fields.add(part, problem.code, problem.message);
    }
    Some(site)
}

impl NewStore {
    /// The fence and the place, when everything is right.
    fn check(&self) -> Outcome<(Fence, Site)> {
        let mut fields = Fields::default();
        fields.line("/name", &self.name, 120);
        for (pointer, text, max) in [
            ("/chain", &self.chain, 80),
            ("/street", &self.street, 120),
            ("/housenumber", &self.housenumber, 20),
            ("/postcode", &self.postcode, 20),
            ("/city", &self.city, 80),
            ("/source_id", &self.source_id, 100),
        ] {
            fields.optional_line(pointer, text.as_deref(), max);
        }
        if !is_country(&self.country) {
            fields.add("/country", "country_unknown", "Two capital letters of ISO 3166, such as CH.");
        }
        if let Err(problem) = Zone::parse(&self.time_zone) {
            fields.add("/time_zone", problem.code, problem.message);
        }
        if let Some(Err(problem)) = self.opening_hours.as_deref().map(Hours::parse) {
            fields.add("/opening_hours", problem.code, problem.message);
        }
        let mut fence = None;
        match Point::new(self.lat, self.lon) {
            None => fields.add("/lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180."),
            Some(centre) => match Fence::new(centre, self.radius_m.unwrap_or(Fence::DEFAULT_RADIUS_M)) {
                Ok(good) => fence = Some(good),
                Err(problem) => fields.add("/radius_m", problem.code, problem.message),
            },
        }
        let site = site(&mut fields, Spot { lat: self.lat, lon: self.lon }, self.entrance, self.outline.as_ref());
        fields.finish()?;
        Ok(fence.zip(site).expect("without complaints there is a fence and a place"))
    }
}

/// What to look for in the directory.
#[derive(Clone, Debug, Default)]
pub struct StoreQuery {
    pub q: Option<String>,
    pub city: Option<String>,
    pub chain: Option<String>,
}

impl StoreQuery {
    fn wanted(self) -> Outcome<Wanted> {
        let mut fields = Fields::default();
        fields.optional_line("q", self.q.as_deref(), 80);
        fields.optional_line("city", self.city.as_deref(), 80);
        fields.optional_line("chain", self.chain.as_deref(), 80);
        fields.finish()?;
        Ok(Wanted { q: self.q, city: self.city, chain: self.chain, trading: false })
    }
}

/// The platform's stores and the brand's own, by id.
pub fn list_stores(
    cx: &Cx,
    who: &BrandViewer,
    query: StoreQuery,
    after: Option<String>,
    limit: i64,
) -> Outcome<Page<StoreView>> {
    let wanted = query.wanted()?;
    let rows = cx.read(|c| db::stores::page(c, &BrandScope::from(who), &wanted, after.as_deref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), StoreView::from))
}

/// Adds a store that only this brand sees.
pub fn create_store(cx: &Cx, who: &BrandEditor, once: &Once, asked: &NewStore) -> Outcome<StoreView> {
    let (fence, site) = asked.check()?;
    cx.write_once(who, once, |tx| {
        let id: StoreId = tx.id();
        let row = StoreRow {
            source: format!("{OWN}:{}", who.brand()),
            source_id: asked.source_id.clone().unwrap_or_else(|| id.to_string()),
            id,
            brand_id: Some(who.brand().clone()),
            name: asked.name.clone(),
            chain: asked.chain.clone(),
            street: asked.street.clone(),
            housenumber: asked.housenumber.clone(),
            postcode: asked.postcode.clone(),
            city: asked.city.clone(),
            country: asked.country.clone(),
            lat: fence.centre().lat(),
            lon: fence.centre().lon(),
            radius_m: fence.radius_m(),
            opening_hours: asked.opening_hours.as_deref().map(|text| text.trim().to_owned()),
            time_zone: asked.time_zone.clone(),
            state: StoreState::Open,
            paused_at: None,
            recheck_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
            entrance_lat: site.entrance.map(Point::lat),
            entrance_lon: site.entrance.map(Point::lon),
            outline: site.outline.as_ref().map(|outline| Json(outline.to_json())),
            placed_at: None,
            merged_into: None,
        };
        db::stores::insert(tx, &row)?;
        tx.record(Event::new("store.added", &row.id).brand(who.brand()))?;
        Ok(row.into())
    })
}

/// Where a store is: everything that is left out is unknown from then on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    pub lat: f64,
    pub lon: f64,
    #[serde(default)]
    pub entrance: Option<Spot>,
    /// A GeoJSON polygon of one ring.
    #[serde(default)]
    pub outline: Option<Value>,
}

/// Puts a store where it is: pin, entrance and outline. Missions that can still be taken move with it, and no import moves
/// it back. Refuses `wrong_state` for a store that was merged into another.
pub fn place_store(cx: &Cx, who: &Admin, once: &Once, id: &StoreId, asked: &Placed) -> Outcome<StoreView> {
    let mut fields = Fields::default();
    let site = site(&mut fields, Spot { lat: asked.lat, lon: asked.lon }, asked.entrance, asked.outline.as_ref());
    if site.is_none() {
        fields.add("/lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180.");
    }
    fields.finish()?;
    let site = site.expect("without complaints there is a place");
    cx.write_once(who, once, |tx| {
        let store = db::deadlines::any_store_locked(tx, id)?.or_missing("store")?;
        if store.merged_into.is_some() {
            return Err(Refusal::new(Code::WrongState, "The store was merged into another one; place that one.").into());
        }
        let row = StoreRow {
            lat: site.pin.lat(),
            lon: site.pin.lon(),
            entrance_lat: site.entrance.map(Point::lat),
            entrance_lon: site.entrance.map(Point::lon),
            outline: site.outline.as_ref().map(|outline| Json(outline.to_json())),
            placed_at: Some(tx.now()),
            ..store.clone()
        };
        db::stores::rewrite(tx, &row)?;
        db::stores::move_missions(tx, &row)?;
        let event = Event::new("store.placed", &row.id).data(json!({
            "from": { "lat": store.lat, "lon": store.lon }, "to": { "lat": row.lat, "lon": row.lon },
            "entrance": asked.entrance, "outline": row.outline.is_some(),
        }));
        tx.record(match &store.brand_id {
            Some(brand) => event.brand(brand),
            None => event,
        })?;
        let row = StoreRow { updated_at: tx.now(), version: row.version + 1, ..row };
        Ok(row.into())
    })
}
