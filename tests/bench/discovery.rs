//! Microseconds of one question to the index of open missions, of one change, and milliseconds to build it, at 10 000,
//! 100 000 and 1 000 000 missions around 40 cities, four a store. `cargo bench --bench discovery [-- SIZE...]`. Median and
//! slowest hundredth of 2000, one thread, wall clock.

use std::time::Instant;

use fieldproof::domain::discovery::{MissionIndex, Offer, Query, Sort, Within};
use fieldproof::domain::place::Point;

const ROUNDS: usize = 2000;

/// A repeatable source of bits (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Around 0, mostly within 2.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum::<f64>() - 6.0
    }

    fn near(&mut self, lat: f64, lon: f64, km: f64) -> Point {
        let (north, east) = (self.bell() * km / 111.2, self.bell() * km / 111.2);
        Point::new(lat + north, lon + east / lat.to_radians().cos()).expect("on the globe")
    }

    fn store(&mut self) -> Point {
        let city = self.below(40);
        self.near(36.0 + (city % 8) as f64 * 2.7, -8.0 + (city / 8) as f64 * 6.1, 6.0)
    }

    fn offer(&mut self, at: Point, store: u32) -> Offer {
        let campaign = self.below(3000) as u32;
        Offer {
            id: u128::from(self.next()) << 64 | u128::from(self.next()),
            at,
            reward_minor: 300 + self.below(3000) as i64,
            hourly_minor: 800 + self.below(4000) as i64,
            starts_at: 0,
            ends_at: 1000 + i64::from(campaign % 200),
            needs: if self.below(4) == 0 { 1 << self.below(6) } else { 0 },
            brand: campaign / 6,
            campaign,
            store,
            currency: 0,
            minutes: 5 + self.below(40) as u16,
            slots_free: 1,
            kind: (campaign % 5) as u8,
            level: self.below(4) as u8,
            recheck: false,
        }
    }
}

fn time(what: &str, mut once: impl FnMut(usize) -> usize) {
    let mut found = 0;
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|n| {
            let start = Instant::now();
            found += once(n);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, slow) = (times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    println!("  {what:<44}{median:>9.1}{slow:>9.1}{:>9.1}", found as f64 / ROUNDS as f64);
}

fn measure(size: usize) {
    let mut dice = Dice(88_172_645_463_325_252);
    let mut offers = Vec::with_capacity(size);
    while offers.len() < size {
        let (at, store) = (dice.store(), offers.len() as u32 / 4);
        (0..4).for_each(|_| offers.push(dice.offer(at, store)));
    }
    let places: Vec<Point> = (0..500).map(|_| offers[dice.below(size as u64) as usize].at).collect();
    let some: Vec<Offer> = (0..ROUNDS).map(|_| offers[dice.below(size as u64) as usize]).collect();
    let start = Instant::now();
    let mut index = MissionIndex::build(offers);
    println!(
        "{size} missions, built in {:.0} ms{:>22}{:>9}{:>9}",
        start.elapsed().as_secs_f64() * 1e3,
        "median us",
        "p99",
        "found"
    );
    let circle = |n: usize, km: f64| {
        let centre = places[n % places.len()];
        Query::new(centre, Within::Circle { centre, metres: km * 1000.0 }, 500)
    };
    time("the nearest 20 of 2 km", |n| index.answer(&circle(n, 2.0)).offers.len());
    time("the nearest 20 of 5 km", |n| index.answer(&circle(n, 5.0)).offers.len());
    time("the best paid 20 of 20 km", |n| {
        index.answer(&Query { sort: Sort::HourlyPay, ..circle(n, 20.0) }).offers.len()
    });
    time("the soonest over 20 of 20 km", |n| {
        index.answer(&Query { sort: Sort::Ending, ..circle(n, 20.0) }).offers.len()
    });
    let rare = |offer: &Offer| offer.campaign % 100 != 7;
    time("the nearest 20 of 20 km, a filter drops 99%", |n| {
        index.answer(&Query { not: Some(&rare), ..circle(n, 20.0) }).offers.len()
    });
    time("the best paid of 20 km, a filter drops 99%", |n| {
        index.answer(&Query { not: Some(&rare), sort: Sort::HourlyPay, ..circle(n, 20.0) }).offers.len()
    });
    time("one slot less", |n| {
        index.put(Offer { slots_free: 2, ..some[n] });
        1
    });
    time("other pay", |n| {
        index.put(Offer { hourly_minor: some[n].hourly_minor + 1, ..some[n] });
        1
    });
    time("one mission gone", |n| usize::from(index.remove(some[n].id)));
    time("one mission more", |n| {
        index.put(some[n]);
        1
    });
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.replace('_', "").parse().ok()).collect();
    for size in if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes } {
        measure(size);
    }
}
