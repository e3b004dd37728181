//! Which missions a worker is shown: the questions and their answers. Amounts are in minor units of their currency, times
//! in microseconds since 1970, and what has a name elsewhere (a brand, a currency, opening hours) is a number that the
//! caller gave it.

mod board;
mod hexes;
mod index;
mod summary;

#[cfg(test)]
mod tests;

pub use board::{Able, Board, CampaignCard, Listed, OnSite, StoreCard, VISITS_MIN};
pub use hexes::{Best, COARSEST, FINEST, Hexagon, Hexes};
pub use index::{LOOKED_MAX, MissionIndex};

use super::place::Point;

/// What the index keeps of one open mission.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Offer {
    /// The bits of its mission's id.
    pub id: u128,
    pub at: Point,
    pub reward_minor: i64,
    /// Expected pay an hour.
    pub hourly_minor: i64,
    pub starts_at: i64,
    /// The first instant at which it is over.
    pub ends_at: i64,
    /// One bit for each qualification that the worker needs.
    pub needs: u64,
    pub brand: u32,
    pub campaign: u32,
    /// Its store, which has opening hours.
    pub store: u32,
    pub currency: u16,
    /// Expected minutes of reading and work on site, without travel.
    pub minutes: u16,
    pub slots_free: u16,
    /// Kind of its campaign, below 64.
    pub kind: u8,
    /// The lowest level of a worker who may take it.
    pub level: u8,
    pub recheck: bool,
}

/// Where an offer stands in an answer: a strict order, as no two offers have one id. It is made of the offer (and, by
/// distance, of where the worker stands) and of nothing else, so it stays as long as the offer does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// What is sorted by, lowest first. See [`Sort`].
    pub sort: i64,
    // Two halves, so that a key takes 24 bytes and not 32.
    id_high: u64,
    id_low: u64,
}

impl Key {
    const FIRST: Key = Key { sort: i64::MIN, id_high: 0, id_low: 0 };
    const LAST: Key = Key { sort: i64::MAX, id_high: u64::MAX, id_low: u64::MAX };

    pub fn new(sort: i64, id: u128) -> Key {
        Key { sort, id_high: (id >> 64) as u64, id_low: id as u64 }
    }

    pub fn id(self) -> u128 {
        u128::from(self.id_high) << 64 | u128::from(self.id_low)
    }

    /// The greatest key below this one; of the first key itself, which no mission has.
    fn before(self) -> Key {
        match (self.id().checked_sub(1), self.sort.checked_sub(1)) {
            (Some(id), _) => Key::new(self.sort, id),
            (None, Some(sort)) => Key::new(sort, u128::MAX),
            (None, None) => self,
        }
    }
}

/// What comes first. Of equals, the lower id does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// Keys are micrometres of the straight line through the globe, which orders as the way over it does.
    Nearest,
    /// Best first; keys are `!hourly_minor`. Means something only within one currency.
    HourlyPay,
    /// Soonest first; keys are `ends_at`.
    Ending,
}

/// A part of the globe. What is not a number, is below zero or has its south above its north holds nothing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Within {
    Circle {
        centre: Point,
        metres: f64,
    },
    /// Degrees, edges included; west above east crosses the date line.
    Area {
        south: f64,
        north: f64,
        west: f64,
        east: f64,
    },
}

/// A question; every filter that is set must be met.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Where distances are measured from.
    pub from: Point,
    pub within: Within,
    pub sort: Sort,
    /// Only offers that have begun and are not over at this time.
    pub at: i64,
    /// Only this currency: set it together with a least reward or pay.
    pub currency: Option<u16>,
    pub reward_min: Option<i64>,
    pub hourly_min: Option<i64>,
    pub minutes_max: Option<u16>,
    /// Few brands: they are looked through for each offer.
    pub brands: Option<&'a [u32]>,
    /// One bit for each kind.
    pub kinds: Option<u64>,
    /// The worker's level.
    pub level: Option<u8>,
    /// The worker's qualifications.
    pub qualifications: Option<u64>,
    /// Whether this store is open.
    pub open: Option<&'a dyn Fn(u32) -> bool>,
    /// Offers that this worker must not see, such as those already done.
    pub not: Option<&'a dyn Fn(&Offer) -> bool>,
    /// Where the last page stopped. It goes with one `from` and one `sort`.
    pub after: Option<Key>,
    /// At least one.
    pub limit: usize,
}

impl Query<'_> {
    /// The twenty nearest, no filter set.
    pub fn new(from: Point, within: Within, at: i64) -> Self {
        Query {
            from,
            within,
            sort: Sort::Nearest,
            at,
            currency: None,
            reward_min: None,
            hourly_min: None,
            minutes_max: None,
            brands: None,
            kinds: None,
            level: None,
            qualifications: None,
            open: None,
            not: None,
            after: None,
            limit: 20,
        }
    }

    /// Whether an offer meets every filter, wherever it is. What the caller has to work out is asked last.
    fn takes(&self, offer: &Offer) -> bool {
        offer.starts_at <= self.at
            && self.at < offer.ends_at
            && self.currency.is_none_or(|currency| offer.currency == currency)
            && self.reward_min.is_none_or(|least| offer.reward_minor >= least)
            && self.hourly_min.is_none_or(|least| offer.hourly_minor >= least)
            && self.minutes_max.is_none_or(|most| offer.minutes <= most)
            && self.kinds.is_none_or(|kinds| offer.kind < 64 && kinds >> offer.kind & 1 == 1)
            && self.level.is_none_or(|level| offer.level <= level)
            && self.qualifications.is_none_or(|has| offer.needs & !has == 0)
            && self.brands.is_none_or(|brands| brands.contains(&offer.brand))
            && self.open.is_none_or(|open| open(offer.store))
            && self.not.is_none_or(|not| !not(offer))
    }
}

/// One offer of an answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Found {
    pub key: Key,
    /// Metres from where the worker stands, on the great circle.
    pub metres: f64,
    pub offer: Offer,
}

/// One page.
///
/// Pages that follow `next` show no offer twice and leave none out that was there from the first page to the last,
/// whatever was put and removed in between. An offer whose own key changes in between (it pays more, its end is moved)
/// may come twice or not at all.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub offers: Vec<Found>,
    /// `after` for the next page. None when there is no more. A page with few offers, or none, can have one: so many
    /// were looked at that the rest is left to the next page.
    pub next: Option<Key>,
    /// Offers that were looked at, for the record.
    pub looked_at: usize,
}
