//! Open missions counted by hexagons (H3), for a map of a country.

use std::collections::HashMap;

use h3o::{CellIndex, LatLng, Resolution};

use super::{MissionIndex, Offer, Within};
use crate::domain::place::Point;

/// Resolutions that are counted: cells of some 160 km across to some 1 km.
pub const COARSEST: u8 = 2;
pub const FINEST: u8 = 7;
const LEVELS: usize = (FINEST - COARSEST + 1) as usize;

/// What one hexagon offers in one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Best {
    /// Number of the currency on the board.
    pub currency: u16,
    pub missions: u32,
    pub reward_minor: i64,
    pub hourly_minor: i64,
}

/// One hexagon with missions in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Hexagon {
    /// H3 index in hex.
    pub cell: String,
    pub centre: Point,
    /// One row a currency.
    pub best: Vec<Best>,
}

/// All hexagons with missions, coarsest first.
#[derive(Clone, Default, Debug)]
pub struct Hexes {
    levels: [HashMap<CellIndex, Vec<Best>>; LEVELS],
    /// The stamp of the board that was counted.
    pub stamp: i64,
}

impl Hexes {
    /// Counts every mission that runs at `now`, in microseconds.
    pub fn count(index: &MissionIndex, now: i64, stamp: i64) -> Hexes {
        let mut hexes = Hexes { stamp, ..Hexes::default() };
        let [finest, ..] = &mut hexes.levels[LEVELS - 1..] else { return hexes };
        let globe = Within::Area { south: -90.0, north: 90.0, west: -180.0, east: 180.0 };
        index.visit_within(globe, &mut |offer: &Offer| {
            let runs = offer.starts_at <= now && now < offer.ends_at;
            let Some(at) = LatLng::new(offer.at.lat(), offer.at.lon()).ok().filter(|_| runs) else { return };
            let one = Best {
                currency: offer.currency,
                missions: 1,
                reward_minor: offer.reward_minor,
                hourly_minor: offer.hourly_minor,
            };
            add(finest.entry(at.to_cell(Resolution::Seven)).or_default(), one);
        });
        for level in (0..LEVELS - 1).rev() {
            let Ok(resolution) = Resolution::try_from(COARSEST + level as u8) else { continue };
            let (coarser, finer) = hexes.levels.split_at_mut(level + 1);
            for (cell, bests) in &finer[0] {
                let Some(parent) = cell.parent(resolution) else { continue };
                let sum = coarser[level].entry(parent).or_default();
                bests.iter().for_each(|best| add(sum, *best));
            }
        }
        hexes
    }

    /// Hexagons of one resolution whose centre lies in the box, in the order of their cells; west above east crosses the
    /// date line.
    pub fn within(&self, resolution: u8, [south, north, west, east]: [f64; 4]) -> Vec<Hexagon> {
        let Some(level) = resolution.checked_sub(COARSEST).and_then(|n| self.levels.get(usize::from(n))) else {
            return Vec::new();
        };
        let mut found: Vec<(CellIndex, Point, &Vec<Best>)> = level
            .iter()
            .filter_map(|(cell, best)| {
                let at = LatLng::from(*cell);
                let lon = at.lng();
                let across = if west <= east { (west..=east).contains(&lon) } else { lon >= west || lon <= east };
                let inside = across && (south..=north).contains(&at.lat());
                Point::new(at.lat(), lon).filter(|_| inside).map(|centre| (*cell, centre, best))
            })
            .collect();
        found.sort_unstable_by_key(|(cell, ..)| *cell);
        let hexagon = |(cell, centre, best): (CellIndex, Point, &Vec<Best>)| Hexagon {
            cell: cell.to_string(),
            centre,
            best: best.clone(),
        };
        found.into_iter().map(hexagon).collect()
    }
}

fn add(sum: &mut Vec<Best>, more: Best) {
    match sum.iter_mut().find(|known| known.currency == more.currency) {
        Some(known) => {
            known.missions += more.missions;
            known.reward_minor = known.reward_minor.max(more.reward_minor);
            known.hourly_minor = known.hourly_minor.max(more.hourly_minor);
        }
        None => sum.push(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: u128, lat: f64, lon: f64, currency: u16, reward_minor: i64) -> Offer {
        Offer {
            id,
            at: Point::new(lat, lon).expect("on the globe"),
            reward_minor,
            hourly_minor: reward_minor * 2,
            starts_at: 0,
            ends_at: 100,
            needs: 0,
            brand: 0,
            campaign: 0,
            store: 0,
            currency,
            minutes: 20,
            slots_free: 1,
            kind: 0,
            level: 0,
            recheck: false,
        }
    }

    #[test]
    fn every_level_counts_every_running_mission_once() {
        let mut offers: Vec<Offer> = (0..50_u8)
            .map(|n| offer(u128::from(n), 46.5 + f64::from(n) / 50.0, 6.6, u16::from(n % 2), i64::from(n)))
            .collect();
        offers.push(Offer { ends_at: 10, ..offer(99, 46.5, 6.6, 0, 1000) });
        offers.push(offer(100, -17.0, 179.999, 0, 7));
        offers.push(offer(101, -17.0, -179.999, 0, 8));
        let hexes = Hexes::count(&MissionIndex::build(offers), 10, 5);
        let globe = [-90.0, 90.0, -180.0, 180.0];
        let mut cells_before = 0;
        for resolution in COARSEST..=FINEST {
            let found = hexes.within(resolution, globe);
            let missions: u32 = found.iter().flat_map(|hex| &hex.best).map(|best| best.missions).sum();
            assert_eq!(missions, 52, "resolution {resolution}");
            let best = found.iter().flat_map(|hex| &hex.best).map(|best| best.reward_minor).max();
            assert_eq!(best, Some(49), "what is over counts no more");
            assert!(found.len() >= cells_before);
            cells_before = found.len();
        }
        let fiji = hexes.within(FINEST, [-20.0, -15.0, 179.0, -179.0]);
        let missions: u32 = fiji.iter().flat_map(|hex| &hex.best).map(|best| best.missions).sum();
        assert_eq!(missions, 2, "a box over the date line");
        assert!(hexes.within(FINEST + 1, globe).is_empty() && hexes.within(0, globe).is_empty());
    }
}
