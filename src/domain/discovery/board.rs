//! The board: every open mission with what a list shows of it, kept current from what changed in the database. A plain
//! value: built, changed and asked; whoever keeps it decides when to read.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::{MissionIndex, Offer, Within};
use crate::domain::campaign::{CampaignKind, CampaignState, hourly_minor};
use crate::domain::ids::{BrandId, CampaignId, MissionId, StoreId};
use crate::domain::mission::{MissionState, Slots};
use crate::domain::money::Currency;
use crate::domain::place::Point;
use crate::domain::store::{Hours, StoreState, Zone};
use crate::domain::time::At;

/// A mission as the database has it, open or not.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: MissionId,
    pub campaign: CampaignCard,
    pub campaign_state: CampaignState,
    pub store: StoreCard,
    pub store_state: StoreState,
    pub store_recheck_at: Option<At>,
    pub state: MissionState,
    pub slots: Slots,
    pub recheck_open: bool,
    pub starts_at: At,
    pub ends_at: At,
}

/// What a list shows of a campaign, and what its missions ask for.
#[derive(Clone, PartialEq, Debug)]
pub struct CampaignCard {
    pub id: CampaignId,
    pub name: String,
    pub brand: BrandId,
    pub brand_name: String,
    pub kind: CampaignKind,
    pub min_level: i64,
    pub qualifications: Vec<String>,
    pub currency: Currency,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub reading_minutes: i64,
    /// What the brand expects; see [`OnSite`] for what visits took.
    pub on_site_minutes: i64,
}

/// What a list shows of a store.
#[derive(Clone, PartialEq, Debug)]
pub struct StoreCard {
    pub id: StoreId,
    pub name: String,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub at: Point,
    pub opening_hours: Option<String>,
    pub time_zone: String,
}

/// Minutes on site, and the past visits that they are the median of; 0 visits when they are the brand's estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OnSite {
    pub minutes: i64,
    pub visits: i64,
}

/// So few visits say less than the brand's estimate.
pub const VISITS_MIN: usize = 5;

/// Removed missions that are remembered for phones that keep a city.
const GONE_MAX: usize = 100_000;
/// Qualifications with a bit of their own; a mission that asks for more is shown to nobody who lacks any of them all.
const BITS: usize = 63;

#[derive(Clone, Debug)]
struct Campaign {
    card: CampaignCard,
    on_site: OnSite,
}

#[derive(Debug)]
struct Store {
    card: StoreCard,
    opening: u32,
}

/// Hours of one text in one country and zone, and the last answer: when they are open changes twice a day.
#[derive(Debug)]
struct Opening {
    hours: Option<Hours>,
    zone: Zone,
    last: Mutex<Option<Period>>,
}

#[derive(Clone, Copy, Debug)]
struct Period {
    from: At,
    /// The first instant at which it is over; `None` when that is far away.
    until: Option<At>,
    open: bool,
}

/// What a worker may do, as far as lists ask.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Able {
    /// Missions that the worker holds or has done, by the bits of their ids.
    pub taken: HashSet<u128>,
    pub level: i64,
    pub qualifications: Vec<String>,
    /// Reservations that are live.
    pub live: i64,
}

/// A mission that left the board.
#[derive(Clone, Copy, Debug)]
struct Gone {
    id: u128,
    stamp: i64,
}

#[derive(Default, Debug)]
pub struct Board {
    index: MissionIndex,
    /// When each mission changed last.
    stamps: HashMap<u128, i64>,
    campaigns: Vec<Campaign>,
    campaign_numbers: HashMap<CampaignId, u32>,
    stores: Vec<Store>,
    store_numbers: HashMap<StoreId, u32>,
    openings: Vec<Opening>,
    opening_numbers: HashMap<(Option<String>, String, String), u32>,
    brand_numbers: HashMap<BrandId, u32>,
    qualification_bits: HashMap<String, u32>,
    currency_numbers: Vec<Currency>,
    gone: VecDeque<Gone>,
    /// Every change below has been applied.
    stamp: i64,
    /// Changes below this are no longer remembered one by one.
    remembered_from: i64,
}

impl Board {
    /// A board of all missions; `stamp` as the database gave it before they were read.
    pub fn build(listed: impl IntoIterator<Item = Listed>, times: &HashMap<CampaignId, OnSite>, stamp: i64) -> Board {
        let mut board = Board { stamp, remembered_from: stamp, ..Board::default() };
        let mut offers = Vec::new();
        for one in listed {
            let on_site = times.get(&one.campaign.id).copied();
            if let Some(offer) = board.offer(&one, on_site) {
                board.stamps.insert(offer.id, stamp);
                offers.push(offer);
            }
        }
        board.index = MissionIndex::build(offers);
        board
    }

    /// Applies what is known now of the missions that changed: those that are not among `listed` are no more.
    pub fn apply(&mut self, changed: &[(MissionId, i64)], listed: Vec<Listed>, stamp: i64) {
        let mut listed: HashMap<MissionId, Listed> = listed.into_iter().map(|one| (one.id.clone(), one)).collect();
        for (id, at) in changed {
            let offer = listed.remove(id).and_then(|one| self.offer(&one, None));
            match (offer, id.bits()) {
                (Some(offer), _) => {
                    self.stamps.insert(offer.id, *at);
                    self.index.put(offer);
                }
                (None, Some(bits)) => self.drop(bits, *at),
                (None, None) => {}
            }
        }
        self.stamp = self.stamp.max(stamp);
    }

    fn drop(&mut self, id: u128, stamp: i64) {
        if !self.index.remove(id) {
            return;
        }
        self.stamps.remove(&id);
        self.gone.push_back(Gone { id, stamp });
        if self.gone.len() > GONE_MAX
            && let Some(forgotten) = self.gone.pop_front()
        {
            self.remembered_from = self.remembered_from.max(forgotten.stamp + 1);
        }
    }

    /// New times of a campaign's visits; its missions must be applied again when this says true.
    pub fn time(&mut self, campaign: &CampaignId, on_site: OnSite) -> bool {
        let Some(number) = self.campaign_numbers.get(campaign) else { return false };
        let campaign = &mut self.campaigns[*number as usize];
        let changed = campaign.on_site != on_site;
        campaign.on_site = on_site;
        changed
    }

    /// What the index keeps of a mission; `None` for one that nobody could take.
    fn offer(&mut self, one: &Listed, on_site: Option<OnSite>) -> Option<Offer> {
        let recheck = one.state == MissionState::Paused;
        let offered = one.campaign_state == CampaignState::Published
            && match one.state {
                MissionState::Open => one.store_state == StoreState::Open,
                MissionState::Paused => one.recheck_open && one.store_state == StoreState::Paused,
                MissionState::Closed => false,
            };
        if !offered || one.slots.free() == 0 {
            return None;
        }
        let opens = if recheck { one.store_recheck_at? } else { one.starts_at };
        let campaign = self.campaign(&one.campaign, on_site);
        let store = self.store(&one.store);
        let Campaign { card, on_site } = self.campaigns[campaign as usize].clone();
        let minutes = card.reading_minutes + on_site.minutes;
        Some(Offer {
            id: one.id.bits()?,
            at: one.store.at,
            reward_minor: card.reward_minor,
            hourly_minor: hourly_minor(card.reward_minor, card.reading_minutes, on_site.minutes),
            starts_at: opens.max(one.starts_at).micros(),
            ends_at: one.ends_at.micros(),
            needs: self.needs(&card.qualifications),
            brand: self.brand(&card.brand),
            campaign,
            store,
            currency: self.currency(card.currency),
            minutes: u16::try_from(minutes).unwrap_or(u16::MAX),
            slots_free: u16::try_from(one.slots.free()).unwrap_or(u16::MAX),
            kind: card.kind as u8,
            level: u8::try_from(card.min_level).unwrap_or(u8::MAX),
            recheck,
        })
    }

    fn campaign(&mut self, card: &CampaignCard, on_site: Option<OnSite>) -> u32 {
        let estimate = OnSite { minutes: card.on_site_minutes, visits: 0 };
        if let Some(number) = self.campaign_numbers.get(&card.id) {
            let known = &mut self.campaigns[*number as usize];
            if known.card != *card {
                known.card = card.clone();
            }
            if let Some(on_site) = on_site {
                known.on_site = on_site;
            }
            return *number;
        }
        let number = self.campaigns.len() as u32;
        self.campaigns.push(Campaign { card: card.clone(), on_site: on_site.unwrap_or(estimate) });
        self.campaign_numbers.insert(card.id.clone(), number);
        number
    }

    fn store(&mut self, card: &StoreCard) -> u32 {
        if let Some(number) = self.store_numbers.get(&card.id).copied() {
            if self.stores[number as usize].card != *card {
                let opening = self.opening(card);
                self.stores[number as usize] = Store { card: card.clone(), opening };
            }
            return number;
        }
        let opening = self.opening(card);
        let number = self.stores.len() as u32;
        self.stores.push(Store { card: card.clone(), opening });
        self.store_numbers.insert(card.id.clone(), number);
        number
    }

    fn opening(&mut self, card: &StoreCard) -> u32 {
        let key = (card.opening_hours.clone(), card.country.clone(), card.time_zone.clone());
        if let Some(number) = self.opening_numbers.get(&key) {
            return *number;
        }
        let number = self.openings.len() as u32;
        let hours = card.opening_hours.as_deref().and_then(|text| Hours::parse(text).ok());
        self.openings.push(Opening {
            hours: hours.map(|hours| hours.in_country(&card.country)),
            zone: Zone::or_utc(&card.time_zone),
            last: Mutex::new(None),
        });
        self.opening_numbers.insert(key, number);
        number
    }

    fn needs(&mut self, codes: &[String]) -> u64 {
        codes.iter().fold(0, |bits, code| bits | self.bit(code))
    }

    fn bit(&mut self, code: &str) -> u64 {
        let next = self.qualification_bits.len().min(BITS) as u32;
        1 << *self.qualification_bits.entry(code.to_owned()).or_insert(next)
    }

    fn brand(&mut self, id: &BrandId) -> u32 {
        let next = self.brand_numbers.len() as u32;
        *self.brand_numbers.entry(id.clone()).or_insert(next)
    }

    fn currency(&mut self, currency: Currency) -> u16 {
        let known = self.currency_numbers.iter().position(|c| *c == currency);
        let number = known.unwrap_or_else(|| {
            self.currency_numbers.push(currency);
            self.currency_numbers.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    // Asking

    pub fn index(&self) -> &MissionIndex {
        &self.index
    }

    /// Every change below has been applied.
    pub fn stamp(&self) -> i64 {
        self.stamp
    }

    pub fn card_of(&self, offer: &Offer) -> (&CampaignCard, OnSite, &StoreCard) {
        let campaign = &self.campaigns[offer.campaign as usize];
        (&campaign.card, campaign.on_site, &self.stores[offer.store as usize].card)
    }

    /// Number of a brand, for a query; `None` when it has no mission here.
    pub fn brand_number(&self, id: &BrandId) -> Option<u32> {
        self.brand_numbers.get(id).copied()
    }

    pub fn currency_number(&self, currency: Currency) -> Option<u16> {
        self.currency_numbers.iter().position(|c| *c == currency).map(|n| n as u16)
    }

    pub fn currency_of(&self, number: u16) -> Option<Currency> {
        self.currency_numbers.get(usize::from(number)).copied()
    }

    /// The bits of what a worker can, for a query. The last one stands for all codes without a bit: nobody has it.
    pub fn has(&self, codes: &[String]) -> u64 {
        let bits = codes.iter().filter_map(|code| self.qualification_bits.get(code));
        bits.filter(|bit| (**bit as usize) < BITS).fold(0, |all, bit| all | 1 << bit)
    }

    /// Whether a store is open at `at`; unknown hours give `None`.
    pub fn is_open(&self, store: u32, at: At) -> Option<bool> {
        self.period(store, at).map(|period| period.open)
    }

    /// When the present opening ends, or the next one begins. `None`: unknown hours, or not within 400 days.
    pub fn turns_at(&self, store: u32, at: At) -> Option<At> {
        self.period(store, at)?.until
    }

    fn period(&self, store: u32, at: At) -> Option<Period> {
        let opening = &self.openings[self.stores[store as usize].opening as usize];
        let hours = opening.hours.as_ref()?;
        let mut last = opening.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(period) = last.filter(|p| p.from <= at && p.until.is_none_or(|until| at < until)) {
            return Some(period);
        }
        let open = hours.is_open(at, &opening.zone);
        let until = if open { hours.closes_at(at, &opening.zone) } else { hours.next_open(at, &opening.zone) };
        let period = Period { from: at, until, open };
        *last = Some(period);
        Some(period)
    }

    /// Hours of a store, for deadlines and rounds.
    pub fn hours(&self, store: u32) -> (Option<&Hours>, &Zone) {
        let opening = &self.openings[self.stores[store as usize].opening as usize];
        (opening.hours.as_ref(), &opening.zone)
    }

    /// Offers of an area by id, at most `limit` of them.
    pub fn all_within(&self, within: Within, limit: usize) -> Vec<Offer> {
        let mut all = Vec::new();
        self.index.visit_within(within, &mut |offer| {
            if all.len() < limit {
                all.push(*offer);
            }
        });
        all.sort_unstable_by_key(|offer| offer.id);
        all
    }

    /// What changed in an area since a board had the stamp `since`: offers that came or changed, and the missions that
    /// went. `None` when that is too long ago to tell.
    pub fn changed_since(&self, within: Within, since: i64) -> Option<(Vec<Offer>, Vec<u128>)> {
        if since < self.remembered_from {
            return None;
        }
        let mut came = Vec::new();
        self.index.visit_within(within, &mut |offer| {
            if self.stamps.get(&offer.id).is_some_and(|stamp| *stamp >= since) {
                came.push(*offer);
            }
        });
        came.sort_unstable_by_key(|offer| offer.id);
        // Where a mission was is no secret and no filter: a phone ignores what it does not know.
        let mut went: Vec<u128> = self.gone.iter().filter(|gone| gone.stamp >= since).map(|gone| gone.id).collect();
        went.retain(|id| self.index.get(*id).is_none());
        went.sort_unstable();
        went.dedup();
        Some((came, went))
    }

    /// Whether a worker could take what was found: not done before, qualified and experienced.
    pub fn suits(&self, able: &Able, offer: &Offer) -> bool {
        !able.taken.contains(&offer.id)
            && i64::from(offer.level) <= able.level
            && offer.needs & !self.has(&able.qualifications) == 0
    }
}
