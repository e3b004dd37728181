//! What a part of the index holds at most, so that a search can leave it closed; and the geometry for it. The globe is a
//! unit sphere in space: there the date line and the poles are points like others.

use super::super::place::Point;
use super::{Key, Offer, Query, Sort, Within};

/// Metres; the sphere of [`Point::metres_to`].
const RADIUS_M: f64 = 6_371_008.8;
const MICROMETRES: f64 = 1e6;
/// Far above the rounding of sines and cosines, far below a metre on the unit sphere.
const SLACK: f64 = 1e-12;

/// A place on the unit sphere.
pub type Spot = [f64; 3];

pub fn spot(point: Point) -> Spot {
    let (sin_lat, cos_lat) = point.lat().to_radians().sin_cos();
    let (sin_lon, cos_lon) = point.lon().to_radians().sin_cos();
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}

/// The straight line between two places, squared.
pub fn line(a: Spot, b: Spot) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]) * (a[axis] - b[axis])).sum()
}

/// Metres over the globe for a squared line.
pub fn metres(line: f64) -> f64 {
    2.0 * RADIUS_M * (line.sqrt() / 2.0).min(1.0).asin()
}

/// Each step is correctly rounded, so that a shorter line never has a higher key.
fn micrometres(line: f64) -> i64 {
    (line.sqrt() * RADIUS_M * MICROMETRES) as i64
}

/// An offer as the index keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub offer: Offer,
    pub spot: Spot,
    /// The bits of x, y and z in turn, the highest first: places that share leading bits are near each other.
    pub cell: u64,
}

const AXIS_BITS: u32 = 21;

impl Kept {
    pub fn of(offer: Offer) -> Kept {
        let spot = spot(offer.at);
        let steps = f64::from(1 << AXIS_BITS);
        let cell = spot.iter().fold(0, |cell, part| {
            let step = ((part + 1.0) / 2.0 * steps).clamp(0.0, steps - 1.0);
            cell << 1 | spread(step as u64)
        });
        Kept { offer, spot, cell }
    }
}

/// Puts two zeros before each of the low 21 bits.
fn spread(bits: u64) -> u64 {
    let bits = (bits | bits << 32) & 0x001f_0000_0000_ffff;
    let bits = (bits | bits << 16) & 0x001f_0000_ff00_00ff;
    let bits = (bits | bits << 8) & 0x100f_00f0_0f00_f00f;
    let bits = (bits | bits << 4) & 0x10c3_0c30_c30c_30c3;
    (bits | bits << 2) & 0x1249_2492_4924_9249
}

pub fn pay_key(offer: &Offer) -> Key {
    Key::new(!offer.hourly_minor, offer.id)
}

pub fn ending_key(offer: &Offer) -> Key {
    Key::new(offer.ends_at, offer.id)
}

/// What some offers have at least and at most. Sets are 64 bits, in which a number is its remainder.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    pub count: u32,
    low: Spot,
    high: Spot,
    pay: (Key, Key),
    ending: (Key, Key),
    ids: (u128, u128),
    starts_min: i64,
    reward_max: i64,
    /// What every one of them needs.
    needs: u64,
    brands: u64,
    currencies: u64,
    kinds: u64,
    minutes_min: u16,
    level_min: u8,
}

impl Summary {
    pub const EMPTY: Summary = Summary {
        count: 0,
        low: [f64::INFINITY; 3],
        high: [f64::NEG_INFINITY; 3],
        pay: (Key::LAST, Key::FIRST),
        ending: (Key::LAST, Key::FIRST),
        ids: (u128::MAX, 0),
        starts_min: i64::MAX,
        reward_max: i64::MIN,
        needs: u64::MAX,
        brands: 0,
        currencies: 0,
        kinds: 0,
        minutes_min: u16::MAX,
        level_min: u8::MAX,
    };

    pub fn of(kept: &Kept) -> Summary {
        let Kept { offer, spot, .. } = kept;
        let (pay, ending) = (pay_key(offer), ending_key(offer));
        Summary {
            count: 1,
            low: *spot,
            high: *spot,
            pay: (pay, pay),
            ending: (ending, ending),
            ids: (offer.id, offer.id),
            starts_min: offer.starts_at,
            reward_max: offer.reward_minor,
            needs: offer.needs,
            brands: bit(u64::from(offer.brand)),
            currencies: bit(u64::from(offer.currency)),
            kinds: bit(u64::from(offer.kind)),
            minutes_min: offer.minutes,
            level_min: offer.level,
        }
    }

    pub fn add(&mut self, other: &Summary) {
        self.count += other.count;
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(other.low[axis]);
            self.high[axis] = self.high[axis].max(other.high[axis]);
        }
        self.pay = (self.pay.0.min(other.pay.0), self.pay.1.max(other.pay.1));
        self.ending = (self.ending.0.min(other.ending.0), self.ending.1.max(other.ending.1));
        self.ids = (self.ids.0.min(other.ids.0), self.ids.1.max(other.ids.1));
        self.starts_min = self.starts_min.min(other.starts_min);
        self.reward_max = self.reward_max.max(other.reward_max);
        self.needs &= other.needs;
        self.brands |= other.brands;
        self.currencies |= other.currencies;
        self.kinds |= other.kinds;
        self.minutes_min = self.minutes_min.min(other.minutes_min);
        self.level_min = self.level_min.min(other.level_min);
    }
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

/// A query made ready.
pub struct Search<'a> {
    pub query: &'a Query<'a>,
    pub region: Region,
    pub from: Spot,
    /// Everything up to here is done with, by earlier pages or by this one.
    pub after: Option<Key>,
    brands: u64,
}

impl<'a> Search<'a> {
    pub fn of(query: &'a Query<'a>) -> Search<'a> {
        Search {
            query,
            region: Region::of(query.within),
            from: spot(query.from),
            after: query.after,
            brands: query.brands.unwrap_or_default().iter().fold(0, |set, brand| set | bit(u64::from(*brand))),
        }
    }

    pub fn key(&self, kept: &Kept) -> Key {
        match self.query.sort {
            Sort::Nearest => Key::new(micrometres(line(self.from, kept.spot)), kept.offer.id),
            Sort::HourlyPay => pay_key(&kept.offer),
            Sort::Ending => ending_key(&kept.offer),
        }
    }

    pub fn takes(&self, kept: &Kept) -> bool {
        self.region.holds(kept) && self.query.takes(&kept.offer)
    }

    /// A key that none of them is below. None when none of them can be an answer, or all are done with.
    pub fn first_key(&self, all: &Summary) -> Option<Key> {
        if all.count == 0 || !self.may_take(all) || !self.region.may_hold(all) {
            return None;
        }
        let (first, last) = match self.query.sort {
            Sort::Nearest => {
                let (nearest, furthest) = lines(self.from, all);
                (Key::new(micrometres(nearest), all.ids.0), Key::new(micrometres(furthest), all.ids.1))
            }
            Sort::HourlyPay => all.pay,
            Sort::Ending => all.ending,
        };
        self.is_due(last).then_some(first)
    }

    pub fn is_due(&self, key: Key) -> bool {
        self.after.is_none_or(|after| key > after)
    }

    fn may_take(&self, all: &Summary) -> bool {
        let query = self.query;
        all.starts_min <= query.at
            && query.at < all.ending.1.sort
            && query.currency.is_none_or(|currency| all.currencies & bit(u64::from(currency)) != 0)
            && query.reward_min.is_none_or(|least| all.reward_max >= least)
            && query.hourly_min.is_none_or(|least| !all.pay.0.sort >= least)
            && query.minutes_max.is_none_or(|most| all.minutes_min <= most)
            && query.kinds.is_none_or(|kinds| all.kinds & kinds != 0)
            && query.level.is_none_or(|level| all.level_min <= level)
            && query.qualifications.is_none_or(|has| all.needs & !has == 0)
            && query.brands.is_none_or(|_| all.brands & self.brands != 0)
    }
}

/// The least and the greatest squared line from a place to what lies in a box. A box of one place gives exactly its line.
fn lines(from: Spot, all: &Summary) -> (f64, f64) {
    let mut far = [0.0; 3];
    let mut near = [0.0; 3];
    for axis in 0..3 {
        let (low, high) = (all.low[axis], all.high[axis]);
        near[axis] = from[axis].max(low).min(high);
        far[axis] = if from[axis] - low > high - from[axis] { low } else { high };
    }
    (line(from, near), line(from, far))
}

/// [`Within`] made ready.
pub enum Region {
    /// Up to this squared line.
    Circle {
        centre: Spot,
        reach: f64,
    },
    Area {
        south: f64,
        north: f64,
        west: f64,
        width: f64,
        sides: Sides,
    },
}

/// The edges of an area as planes through the axis of the globe, by sine and cosine, and its parallels by height.
pub struct Sides {
    west: (f64, f64),
    east: (f64, f64),
    bottom: f64,
    top: f64,
}

/// Degrees from one meridian eastwards to another, 0 to 360.
fn eastwards(west: f64, lon: f64) -> f64 {
    let degrees = lon - west;
    if degrees < 0.0 { degrees + 360.0 } else { degrees }
}

impl Region {
    pub fn of(within: Within) -> Region {
        match within {
            Within::Circle { centre, metres } => {
                let half_line = (metres / (2.0 * RADIUS_M)).min(std::f64::consts::FRAC_PI_2).sin();
                let reach = match metres {
                    m if m >= std::f64::consts::PI * RADIUS_M => f64::INFINITY,
                    m if m >= 0.0 => 4.0 * half_line * half_line,
                    _ => -1.0,
                };
                Region::Circle { centre: spot(centre), reach }
            }
            Within::Area { south, north, west, east } => {
                let (south, north) = (south.max(-90.0), north.min(90.0));
                let sides = Sides {
                    west: west.to_radians().sin_cos(),
                    east: east.to_radians().sin_cos(),
                    bottom: south.to_radians().sin() - SLACK,
                    top: north.to_radians().sin() + SLACK,
                };
                Region::Area { south, north, west, width: eastwards(west, east), sides }
            }
        }
    }

    pub fn holds(&self, kept: &Kept) -> bool {
        match self {
            Region::Circle { centre, reach } => line(*centre, kept.spot) <= *reach,
            Region::Area { south, north, west, width, .. } => {
                let (lat, lon) = (kept.offer.at.lat(), kept.offer.at.lon());
                // A pole lies on every meridian, and the date line has two names.
                let in_width = |lon: f64| eastwards(*west, lon) <= *width;
                let is_between =
                    || in_width(lon) || (lat.abs() == 90.0 && *width >= 0.0) || (lon.abs() == 180.0 && in_width(-lon));
                *south <= lat && lat <= *north && is_between()
            }
        }
    }

    pub fn may_hold(&self, all: &Summary) -> bool {
        match self {
            Region::Circle { centre, reach } => lines(*centre, all).0 <= *reach,
            Region::Area { width, sides, .. } => {
                // How far the box reaches to the good side of a plane.
                let reaches = |x: f64, y: f64| {
                    (x * all.low[0]).max(x * all.high[0]) + (y * all.low[1]).max(y * all.high[1]) >= -SLACK
                };
                let east_of_west = reaches(-sides.west.0, sides.west.1);
                let west_of_east = reaches(sides.east.0, -sides.east.1);
                let between = if *width > 180.0 { east_of_west || west_of_east } else { east_of_west && west_of_east };
                all.low[2] <= sides.top && all.high[2] >= sides.bottom && between
            }
        }
    }
}
