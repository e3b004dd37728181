//! Missions as workers find them: what is near, and the whole brief before reserving. Nothing here changes anything.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::Cx;
use crate::db::missions::MissionHead;
use crate::db::{Conn, missions};
use crate::domain::campaign::{Clause, hourly_minor};
use crate::domain::ids::{CampaignId, MissionId, QuestionnaireId, StoreId};
use crate::domain::mission::{MissionState, Slots};
use crate::domain::money::{Currency, Money};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::store::{Hours, Zone};
use crate::domain::time::At;
use crate::domain::visit::median_minutes;
use crate::ops::Page;

/// Past visits that the expected time is taken from.
const VISITS_READ: i64 = 50;
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

/// Where to look, and for what.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub lat: f64,
    pub lon: f64,
    pub radius_m: Option<i64>,
    pub min_reward_minor: Option<i64>,
    #[serde(default)]
    pub open_now: bool,
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
    pub distance_m: i64,
    /// Reading and on site, without travel.
    pub expected_minutes: i64,
    /// Reward over reading, on-site and ten minutes of travel.
    pub hourly_pay: Money,
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

/// The store's zone; a name that this version does not know counts as UTC.
pub(super) fn zone(name: &str) -> Zone {
    Zone::parse(name).or_else(|_| Zone::parse("Etc/UTC")).or_else(|_| Zone::parse("UTC")).expect("UTC is a zone")
}

pub(super) fn hours(text: Option<&str>, country: &str) -> Option<Hours> {
    text.and_then(|text| Hours::parse(text).ok()).map(|hours| hours.in_country(country))
}

impl MissionSummary {
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

/// Minutes on site and how many past visits they were taken from.
pub(super) fn on_site(c: &mut Conn, campaign: &CampaignId, estimate: i64) -> Outcome<(i64, i64)> {
    let past = missions::any_visit_secs(c, campaign, VISITS_READ)?;
    Ok(match median_minutes(&past) {
        Some(minutes) => (minutes, i64::try_from(past.len()).unwrap_or(VISITS_READ)),
        None => (estimate, 0),
    })
}

struct Near {
    head: MissionHead,
    distance_m: f64,
    on_site: i64,
    hourly: i64,
    key: i64,
}

/// Missions that the worker could reserve now within `radius_m`, page by page.
pub fn list_missions(
    cx: &Cx,
    who: &Worker,
    search: &Search,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<MissionNear>> {
    let mut errors = Vec::new();
    let here = Point::new(search.lat, search.lon);
    if here.is_none() {
        errors.push(FieldError::new("lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180."));
    }
    let radius_m = search.radius_m.unwrap_or(RADIUS_DEFAULT_M);
    if !(1..=RADIUS_MAX_M).contains(&radius_m) {
        errors.push(FieldError::new("radius_m", "out_of_range", format!("radius_m lies in 1..={RADIUS_MAX_M}.")));
    }
    let min_reward_minor = search.min_reward_minor.unwrap_or(0);
    if min_reward_minor < 0 {
        errors.push(FieldError::new("min_reward_minor", "out_of_range", "min_reward_minor is at least 0."));
    }
    let (Some(here), true) = (here, errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let after = after.map(read_key).transpose()?;
    let (now, worker) = (cx.now(), WorkerScope::from(who));
    cx.read(|c| {
        let mut found = Vec::new();
        let mut times: HashMap<CampaignId, i64> = HashMap::new();
        for area in here.areas_within(radius_m as f64) {
            for head in missions::near(c, &worker, &area, now, min_reward_minor)? {
                let Some(distance_m) = Point::new(head.lat, head.lon).map(|there| here.metres_to(there)) else {
                    continue;
                };
                if distance_m > radius_m as f64 {
                    continue;
                }
                let on_site = match times.get(&head.campaign_id) {
                    Some(minutes) => *minutes,
                    None => {
                        let (minutes, _) = on_site(c, &head.campaign_id, head.on_site_minutes)?;
                        times.insert(head.campaign_id.clone(), minutes);
                        minutes
                    }
                };
                let hourly = hourly_minor(head.reward_minor, head.reading_minutes, on_site);
                let key = match search.sort {
                    Sort::Distance => (distance_m * 100.0) as i64,
                    Sort::HourlyPay => -hourly,
                    Sort::Ending => head.ends_at.micros(),
                };
                found.push(Near { head, distance_m, on_site, hourly, key });
            }
        }
        found.sort_by(|a, b| (a.key, &a.head.id).cmp(&(b.key, &b.head.id)));
        let mut book = HourBook::default();
        let wanted = usize::try_from(limit).unwrap_or(0) + 1;
        // Hours are read last, and only as far as the page needs them.
        let page: Vec<(i64, MissionNear)> = found
            .into_iter()
            .filter(|near| after.as_ref().is_none_or(|(key, id)| (near.key, &near.head.id) > (*key, id)))
            .map(|near| {
                let mission = MissionSummary::of(&near.head, now, &mut book);
                let view = MissionNear {
                    mission,
                    distance_m: near.distance_m.round() as i64,
                    expected_minutes: near.head.reading_minutes + near.on_site,
                    hourly_pay: Money::new(near.hourly, near.head.currency),
                    slots_free: slots_of(&near.head).free(),
                    recheck: near.head.state == MissionState::Paused,
                };
                (near.key, view)
            })
            .filter(|(_, view)| !search.open_now || view.mission.store.open_now == Some(true))
            .take(wanted)
            .collect();
        Ok(Page::of(page, limit, |(key, view)| format!("{key} {}", view.mission.id), |(_, view)| view))
    })
}

fn read_key(text: &str) -> Result<(i64, MissionId), Failure> {
    text.split_once(' ')
        .and_then(|(key, id)| Some((key.parse().ok()?, MissionId::parse(id)?)))
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
        let (on_site_minutes, on_site_visits) = on_site(c, &campaign.id, campaign.on_site_minutes)?;
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
