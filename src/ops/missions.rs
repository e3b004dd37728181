//! Missions as workers find them: what is near, and the whole brief before reserving. Nothing here changes anything.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Worker;
use crate::context::Cx;
use crate::db::missions::MissionHead;
use crate::db::{Conn, missions};
use crate::domain::campaign::{CampaignKind, Clause, hourly_minor};
use crate::domain::discovery::{
    self as discovered, Board, COARSEST, FINEST, Hexagon, Key, Offer, OnSite, Query, StoreCard, Within,
};
use crate::domain::ids::{BrandId, MissionId, QuestionnaireId, StoreId};
use crate::domain::mission::{MissionState, Slots};
use crate::domain::money::{Currency, Money};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::store::{Hours, Zone};
use crate::domain::time::At;
use crate::domain::travel::{Mode, pay_per_hour};
use crate::ops::{Page, discovery};

pub const RADIUS_DEFAULT_M: i64 = 2000;
pub const RADIUS_MAX_M: i64 = 50_000;

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Distance,
    /// The best expected pay per hour first.
    HourlyPay,
    /// What ends first.
    Ending,
}

/// Where to look, and for what. A circle, or a box with all four sides.
#[derive(Deserialize, Clone, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub lat: f64,
    pub lon: f64,
    pub radius_m: Option<i64>,
    pub south: Option<f64>,
    pub north: Option<f64>,
    /// West above east crosses the date line.
    pub west: Option<f64>,
    pub east: Option<f64>,
    /// Only pay in this currency.
    pub currency: Option<Currency>,
    pub min_reward_minor: Option<i64>,
    /// Pay an hour with ten minutes of travel.
    pub min_hourly_minor: Option<i64>,
    /// Reading and on site, without travel.
    pub max_minutes: Option<i64>,
    pub brand_id: Option<BrandId>,
    pub kind: Option<CampaignKind>,
    #[serde(default)]
    pub open_now: bool,
    /// Open at this time.
    pub open_at: Option<At>,
    pub mode: Option<Mode>,
    #[serde(default)]
    pub sort: Sort,
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct StoreSummary {
    pub id: StoreId,
    pub name: String,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub time_zone: String,
    pub opening_hours: Option<String>,
    /// Unknown hours: null.
    pub open_now: Option<bool>,
    /// When the present opening ends; null when shut, unknown or never.
    pub closes_at: Option<At>,
    /// When it opens next; null when open now or unknown.
    pub opens_at: Option<At>,
}

/// A mission as lists and reservations show it.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MissionSummary {
    pub id: MissionId,
    pub campaign_name: String,
    pub brand_name: String,
    pub store: StoreSummary,
    pub reward: Money,
    pub attempt_fee: Money,
    pub ends_at: At,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MissionNear {
    #[serde(flatten)]
    pub mission: MissionSummary,
    pub kind: CampaignKind,
    pub distance_m: i64,
    pub reading_minutes: i64,
    pub on_site_minutes: i64,
    /// Past visits that `on_site_minutes` is the median of; 0 when it is the brand's estimate.
    pub on_site_visits: i64,
    /// Reading and on site, without travel.
    pub expected_minutes: i64,
    /// The way there from here, by the mode that was asked for.
    pub travel_minutes: i64,
    /// Reward over reading, on-site and ten minutes of travel.
    pub hourly_pay: Money,
    /// Reward over reading, on-site and `travel_minutes`.
    pub hourly_pay_from_here: Money,
    pub slots_free: i64,
    /// Its store was reported shut: this visit finds out, and is paid whatever it finds.
    pub recheck: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MissionDetail {
    #[serde(flatten)]
    pub mission: MissionSummary,
    pub state: MissionState,
    pub purpose: String,
    pub clauses: Vec<Clause>,
    pub questionnaire_id: QuestionnaireId,
    /// The questionnaire document.
    pub questionnaire: Value,
    /// Products, brands and shelves that its loops go over.
    pub loops: Value,
    pub reading_minutes: i64,
    pub on_site_minutes: i64,
    /// Past visits that `on_site_minutes` was taken from; 0 when it is the brand's estimate.
    pub on_site_visits: i64,
    pub expected_minutes: i64,
    pub hourly_pay: Money,
    pub slots_free: i64,
    pub recheck: bool,
    pub starts_at: At,
    /// The fence around the store.
    pub radius_m: f64,
    /// Until when a reservation made now would have to be sealed.
    pub seal_by: At,
    /// What is checked, in sentences.
    pub checked: Vec<String>,
}

/// What the worker is told before the visit about people in its photos.
fn faces_told(hidden: bool) -> &'static str {
    match hidden {
        true => {
            "Faces that a program finds are hidden before the brand sees a photo; it may miss some, so avoid people."
        }
        false => {
            "The brand sees accepted photos without their metadata, but faces in them are not hidden: avoid people."
        }
    }
}

/// What the worker is told before the visit about how it is checked.
const CHECKED: &[&str] = &[
    "Photos must be sharp and bright enough to read the shelf, taken during the visit and not sent before by anyone.",
    "Each photo and each answer that the questionnaire requires must be there; photos may follow for 48 hours.",
    "Your position at check-in and at the seal is compared with the store, with its accuracy; it never refuses work alone.",
    "The seal is judged by the time you made it, even when it arrives later.",
    "Machines approve or ask; only a person may refuse, with a reason that names the clause, and you may appeal.",
    "A visit that cannot be done pays the attempt fee: seal it with what happened and a photo of the store front.",
];

/// Hours read once for each text.
#[derive(Default)]
pub(super) struct HourBook(HashMap<(String, String), Option<Hours>>);

impl HourBook {
    fn of(&mut self, text: Option<&str>, country: &str) -> Option<&Hours> {
        let text = text?;
        self.0
            .entry((text.to_owned(), country.to_owned()))
            .or_insert_with(|| Hours::parse(text).ok().map(|hours| hours.in_country(country)))
            .as_ref()
    }
}

pub(super) fn zone(name: &str) -> Zone {
    Zone::or_utc(name)
}

pub(super) fn hours(text: Option<&str>, country: &str) -> Option<Hours> {
    text.and_then(|text| Hours::parse(text).ok()).map(|hours| hours.in_country(country))
}

impl StoreSummary {
    fn on(board: &Board, number: u32, card: &StoreCard, now: At) -> StoreSummary {
        let open_now = board.is_open(number, now);
        let turns_at = board.turns_at(number, now);
        let card = card.clone();
        StoreSummary {
            id: card.id,
            name: card.name,
            street: card.street,
            housenumber: card.housenumber,
            postcode: card.postcode,
            city: card.city,
            country: card.country,
            lat: card.at.lat(),
            lon: card.at.lon(),
            time_zone: card.time_zone,
            opening_hours: card.opening_hours,
            open_now,
            closes_at: turns_at.filter(|_| open_now == Some(true)),
            opens_at: turns_at.filter(|_| open_now == Some(false)),
        }
    }
}

impl MissionSummary {
    /// From the board.
    pub(super) fn on(board: &Board, offer: &Offer, now: At) -> MissionSummary {
        let (campaign, _, store) = board.card_of(offer);
        MissionSummary {
            id: MissionId::from_bits(offer.id),
            campaign_name: campaign.name.clone(),
            brand_name: campaign.brand_name.clone(),
            store: StoreSummary::on(board, offer.store, store, now),
            reward: Money::new(campaign.reward_minor, campaign.currency),
            attempt_fee: Money::new(campaign.attempt_fee_minor, campaign.currency),
            ends_at: At::from_micros(offer.ends_at).unwrap_or(now),
        }
    }

    pub(super) fn of(head: &MissionHead, now: At, book: &mut HourBook) -> MissionSummary {
        let zone = zone(&head.time_zone);
        let hours = book.of(head.opening_hours.as_deref(), &head.country);
        let open_now = hours.map(|h| h.is_open(now, &zone));
        let opens_at = match open_now {
            Some(false) => hours.and_then(|h| h.next_open(now, &zone)),
            _ => None,
        };
        MissionSummary {
            id: head.id.clone(),
            campaign_name: head.campaign_name.clone(),
            brand_name: head.brand_name.clone(),
            store: StoreSummary {
                id: head.store_id.clone(),
                name: head.store_name.clone(),
                street: head.street.clone(),
                housenumber: head.housenumber.clone(),
                postcode: head.postcode.clone(),
                city: head.city.clone(),
                country: head.country.clone(),
                lat: head.lat,
                lon: head.lon,
                time_zone: head.time_zone.clone(),
                opening_hours: head.opening_hours.clone(),
                open_now,
                closes_at: hours.and_then(|h| h.closes_at(now, &zone)),
                opens_at,
            },
            reward: Money::new(head.reward_minor, head.currency),
            attempt_fee: Money::new(head.attempt_fee_minor, head.currency),
            ends_at: head.ends_at,
        }
    }

    /// The summaries of these missions, by id.
    pub(super) fn by_id(c: &mut Conn, ids: &[MissionId], now: At) -> Outcome<HashMap<MissionId, MissionSummary>> {
        let mut book = HourBook::default();
        let heads = missions::any_heads(c, ids)?;
        Ok(heads.iter().map(|head| (head.id.clone(), MissionSummary::of(head, now, &mut book))).collect())
    }

    pub(super) fn find(c: &mut Conn, id: &MissionId, now: At) -> Outcome<MissionSummary> {
        MissionSummary::by_id(c, std::slice::from_ref(id), now)?.remove(id).or_missing("mission")
    }
}

fn slots_of(head: &MissionHead) -> Slots {
    Slots {
        slots: head.slots,
        held: head.slots_held,
        done: head.slots_done,
        attempts: head.attempts,
        attempts_spent: head.attempts_spent,
    }
}

/// The sides of a box that were given, when all were.
fn sides(search: &Search, errors: &mut Vec<FieldError>) -> Option<Within> {
    let given = [search.south, search.north, search.west, search.east];
    let [Some(south), Some(north), Some(west), Some(east)] = given else {
        if given.iter().any(Option::is_some) {
            errors.push(FieldError::new("south", "incomplete", "A box has south, north, west and east."));
        }
        return None;
    };
    let on_globe = Point::new(south, west).is_some() && Point::new(north, east).is_some();
    if !on_globe || south > north {
        errors.push(FieldError::new("south", "out_of_range", "A box lies on the globe, its south below its north."));
    } else if search.radius_m.is_some() {
        errors.push(FieldError::new("radius_m", "excluded", "Give a radius or a box, not both."));
    }
    Some(Within::Area { south, north, west, east })
}

/// Where a search looks, with the place that distances are measured from.
fn place(search: &Search) -> Result<(Point, Within), Refusal> {
    let mut errors = Vec::new();
    let here = Point::new(search.lat, search.lon);
    if here.is_none() {
        errors.push(FieldError::new("lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180."));
    }
    let sides = sides(search, &mut errors);
    let radius_m = search.radius_m.unwrap_or(RADIUS_DEFAULT_M);
    if !(1..=RADIUS_MAX_M).contains(&radius_m) {
        errors.push(FieldError::new("radius_m", "out_of_range", format!("radius_m lies in 1..={RADIUS_MAX_M}.")));
    }
    for (name, least) in [
        ("min_reward_minor", search.min_reward_minor),
        ("min_hourly_minor", search.min_hourly_minor),
        ("max_minutes", search.max_minutes),
    ] {
        if least.is_some_and(|n| n < 0) {
            errors.push(FieldError::new(name, "out_of_range", format!("{name} is at least 0.")));
        }
    }
    match here.filter(|_| errors.is_empty()) {
        Some(here) => Ok((here, sides.unwrap_or(Within::Circle { centre: here, metres: radius_m as f64 }))),
        None => Err(Refusal::fields(Code::InvalidRequest, errors)),
    }
}

/// Missions that the worker could reserve now, page by page, from the board of this process.
pub fn list_missions(
    cx: &Cx,
    who: &Worker,
    search: &Search,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<MissionNear>> {
    let (here, within) = place(search)?;
    let after = after.map(read_key).transpose()?;
    let able = discovery::able(cx, who)?;
    let (now, travel, mode) = (cx.now(), cx.rules().travel, search.mode.unwrap_or(Mode::Walk));
    let board = cx.discovery().board();
    let none = || Ok(Page { items: Vec::new(), next: None });
    let brands = match &search.brand_id {
        Some(id) => match board.brand_number(id) {
            Some(number) => Some([number]),
            None => return none(),
        },
        None => None,
    };
    let currency = match search.currency {
        Some(currency) => match board.currency_number(currency) {
            Some(number) => Some(number),
            None => return none(),
        },
        None => None,
    };
    let open_at = search.open_at.or(search.open_now.then_some(now));
    let open = |store: u32| open_at.is_some_and(|at| board.is_open(store, at) == Some(true));
    let not = |offer: &Offer| able.taken.contains(&offer.id);
    let query = Query {
        sort: match search.sort {
            Sort::Distance => discovered::Sort::Nearest,
            Sort::HourlyPay => discovered::Sort::HourlyPay,
            Sort::Ending => discovered::Sort::Ending,
        },
        currency,
        reward_min: search.min_reward_minor,
        hourly_min: search.min_hourly_minor,
        minutes_max: search.max_minutes.map(|most| u16::try_from(most).unwrap_or(u16::MAX)),
        brands: brands.as_ref().map(|one| one.as_slice()),
        kinds: search.kind.map(|kind| 1 << kind as u8),
        level: Some(u8::try_from(able.level).unwrap_or(u8::MAX)),
        qualifications: Some(board.has(&able.qualifications)),
        open: open_at.is_some().then_some(&open),
        not: Some(&not),
        after,
        limit: usize::try_from(limit).unwrap_or(1).max(1),
        ..Query::new(here, within, now.micros())
    };
    let answer = board.index().answer(&query);
    let items = answer.offers.iter().map(|found| {
        let (campaign, on_site, _) = board.card_of(&found.offer);
        let travel_minutes = travel.minutes(mode, found.metres);
        let expected_minutes = campaign.reading_minutes + on_site.minutes;
        let money = |minor| Money::new(minor, campaign.currency);
        MissionNear {
            mission: MissionSummary::on(&board, &found.offer, now),
            kind: campaign.kind,
            distance_m: found.metres.round() as i64,
            reading_minutes: campaign.reading_minutes,
            on_site_minutes: on_site.minutes,
            on_site_visits: on_site.visits,
            expected_minutes,
            travel_minutes,
            hourly_pay: money(found.offer.hourly_minor),
            hourly_pay_from_here: money(pay_per_hour(campaign.reward_minor, expected_minutes + travel_minutes)),
            slots_free: i64::from(found.offer.slots_free),
            recheck: found.offer.recheck,
        }
    });
    let key = |key: Key| format!("{} {}", key.sort, MissionId::from_bits(key.id()));
    Ok(Page { items: items.collect(), next: answer.next.map(key) })
}

// Maps, and phones that keep a city

/// A box on the map; west above east crosses the date line.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct MapSearch {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
    /// H3 resolution; the finest that gives no more than [`HEXAGONS_MAX`] hexagons when left out.
    pub resolution: Option<u8>,
}

pub const HEXAGONS_MAX: usize = 2000;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct HexagonView {
    /// H3 index.
    pub cell: String,
    pub lat: f64,
    pub lon: f64,
    pub missions: i64,
    /// The best pay, a row a currency.
    pub best: Vec<BestPay>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct BestPay {
    pub missions: i64,
    pub reward: Money,
    /// With ten minutes of travel.
    pub hourly_pay: Money,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MapView {
    pub resolution: u8,
    pub hexagons: Vec<HexagonView>,
}

fn map_sides([south, north, west, east]: [f64; 4]) -> Result<[f64; 4], Refusal> {
    let on_globe = Point::new(south, west).is_some() && Point::new(north, east).is_some();
    match on_globe && south <= north {
        true => Ok([south, north, west, east]),
        false => Err(Refusal::field("south", "out_of_range", "A box lies on the globe, its south below its north.")),
    }
}

/// Open missions of everybody, counted by hexagons, with the best pay of each.
pub fn map_missions(cx: &Cx, _who: &Worker, search: &MapSearch) -> Outcome<MapView> {
    let sides = map_sides([search.south, search.north, search.west, search.east])?;
    let hexes = cx.discovery().hexes();
    let (resolution, hexagons) = match search.resolution {
        Some(resolution) if (COARSEST..=FINEST).contains(&resolution) => {
            let hexagons = hexes.within(resolution, sides);
            if hexagons.len() > HEXAGONS_MAX {
                let detail = format!("This box has {} hexagons; take a coarser resolution.", hexagons.len());
                return Err(Refusal::field("resolution", "out_of_range", detail).into());
            }
            (resolution, hexagons)
        }
        Some(_) => {
            let detail = format!("resolution lies in {COARSEST}..={FINEST}.");
            return Err(Refusal::field("resolution", "out_of_range", detail).into());
        }
        None => {
            let fits =
                |resolution| Some((resolution, hexes.within(resolution, sides))).filter(|f| f.1.len() <= HEXAGONS_MAX);
            (COARSEST..=FINEST).rev().find_map(fits).unwrap_or((COARSEST, hexes.within(COARSEST, sides)))
        }
    };
    let board = cx.discovery().board();
    let view = |hex: Hexagon| HexagonView {
        cell: hex.cell,
        lat: hex.centre.lat(),
        lon: hex.centre.lon(),
        missions: hex.best.iter().map(|best| i64::from(best.missions)).sum(),
        best: hex
            .best
            .iter()
            .filter_map(|best| {
                let currency = board.currency_of(best.currency)?;
                Some(BestPay {
                    missions: i64::from(best.missions),
                    reward: Money::new(best.reward_minor, currency),
                    hourly_pay: Money::new(best.hourly_minor, currency),
                })
            })
            .collect(),
    };
    Ok(MapView { resolution, hexagons: hexagons.into_iter().map(view).collect() })
}

/// A box that a phone keeps, and the `next` of its last answer.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ChangesSearch {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
    pub since: Option<i64>,
}

/// Missions in one box that a phone may keep.
pub const KEPT_MAX: usize = 20_000;

/// A mission in a few bytes.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MissionBrief {
    pub id: MissionId,
    pub campaign_name: String,
    pub brand_name: String,
    pub kind: CampaignKind,
    pub store_id: StoreId,
    pub store_name: String,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub city: Option<String>,
    pub lat: f64,
    pub lon: f64,
    pub opening_hours: Option<String>,
    pub reward: Money,
    pub hourly_pay: Money,
    pub expected_minutes: i64,
    pub starts_at: At,
    pub ends_at: At,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MissionChanges {
    /// Everything is here: forget what was kept before.
    pub whole: bool,
    /// New and changed missions that the worker could take.
    pub missions: Vec<MissionBrief>,
    /// Missions that are no longer offered, also some that this phone never kept.
    pub gone: Vec<MissionId>,
    /// `since` of the next question.
    pub next: i64,
}

/// What changed in a box since the last answer; everything when that is too long ago.
pub fn mission_changes(cx: &Cx, who: &Worker, search: &ChangesSearch) -> Outcome<MissionChanges> {
    let [south, north, west, east] = map_sides([search.south, search.north, search.west, search.east])?;
    let able = discovery::able(cx, who)?;
    let within = Within::Area { south, north, west, east };
    let board = cx.discovery().board();
    let told = search.since.and_then(|since| board.changed_since(within, since));
    let whole = told.is_none();
    let (came, mut gone) = match told {
        Some(told) => told,
        None => (board.all_within(within, KEPT_MAX + 1), Vec::new()),
    };
    if came.len() > KEPT_MAX {
        let detail = format!("This box has more than {KEPT_MAX} missions; take a smaller one.");
        return Err(Refusal::field("north", "out_of_range", detail).into());
    }
    let (his, not_his): (Vec<Offer>, Vec<Offer>) = came.into_iter().partition(|offer| board.suits(&able, offer));
    gone.extend(not_his.iter().filter(|_| !whole).map(|offer| offer.id));
    let brief = |offer: &Offer| {
        let (campaign, on_site, store) = board.card_of(offer);
        let at = |micros| At::from_micros(micros).unwrap_or(cx.now());
        MissionBrief {
            id: MissionId::from_bits(offer.id),
            campaign_name: campaign.name.clone(),
            brand_name: campaign.brand_name.clone(),
            kind: campaign.kind,
            store_id: store.id.clone(),
            store_name: store.name.clone(),
            street: store.street.clone(),
            housenumber: store.housenumber.clone(),
            city: store.city.clone(),
            lat: store.at.lat(),
            lon: store.at.lon(),
            opening_hours: store.opening_hours.clone(),
            reward: Money::new(campaign.reward_minor, campaign.currency),
            hourly_pay: Money::new(offer.hourly_minor, campaign.currency),
            expected_minutes: campaign.reading_minutes + on_site.minutes,
            starts_at: at(offer.starts_at),
            ends_at: at(offer.ends_at),
        }
    };
    Ok(MissionChanges {
        whole,
        missions: his.iter().map(brief).collect(),
        gone: gone.into_iter().map(MissionId::from_bits).collect(),
        next: board.stamp(),
    })
}

fn read_key(text: &str) -> Result<Key, Failure> {
    text.split_once(' ')
        .and_then(|(key, id)| Some(Key::new(key.parse().ok()?, MissionId::parse(id)?.bits()?)))
        .ok_or_else(|| Refusal::new(Code::InvalidCursor, "It belongs to another list.").into())
}

/// The whole brief before reserving.
pub fn get_mission(cx: &Cx, _who: &Worker, id: &MissionId) -> Outcome<MissionDetail> {
    let now = cx.now();
    cx.read(|c| {
        let head = missions::any_heads(c, std::slice::from_ref(id))?.pop().or_missing("mission")?;
        let row = missions::any_find(c, id)?.or_missing("mission")?;
        let campaign = missions::any_campaign(c, &row.campaign_id)?;
        let version = missions::any_questionnaire(c, &row.questionnaire_id)?;
        let clauses: Vec<Clause> = serde_json::from_value(version.brief.0).map_err(Failure::fault)?;
        let OnSite { minutes: on_site_minutes, visits: on_site_visits } =
            discovery::on_site(c, &campaign.id, campaign.on_site_minutes)?;
        let hourly = hourly_minor(head.reward_minor, campaign.reading_minutes, on_site_minutes);
        let hours = hours(head.opening_hours.as_deref(), &head.country);
        let on_site_secs = on_site_minutes * 60;
        let zone = zone(&head.time_zone);
        let deadline = crate::domain::store::seal_deadline(
            now,
            hours.as_ref(),
            &zone,
            crate::domain::store::HOLD_SECS,
            on_site_secs,
        );
        let currency: Currency = head.currency;
        Ok(MissionDetail {
            mission: MissionSummary::of(&head, now, &mut HourBook::default()),
            state: head.state,
            purpose: campaign.purpose,
            clauses,
            questionnaire_id: version.id,
            questionnaire: version.document.0,
            loops: version.loops.0,
            reading_minutes: campaign.reading_minutes,
            on_site_minutes,
            on_site_visits,
            expected_minutes: campaign.reading_minutes + on_site_minutes,
            hourly_pay: Money::new(hourly, currency),
            slots_free: slots_of(&head).free(),
            recheck: row.recheck_open && row.state == MissionState::Paused,
            starts_at: head.starts_at,
            radius_m: head.radius_m,
            seal_by: deadline.min(head.ends_at),
            checked: CHECKED.iter().chain([&faces_told(cx.rules().hide_faces)]).map(|s| (*s).to_owned()).collect(),
        })
    })
}
