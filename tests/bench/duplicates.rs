//! Time of the search for copies: `cargo bench --bench duplicates [-- SIZE...]`, by default 1 000 000 and 10 000 000 made
//! hashes. Milliseconds of CPU (of wall clock where the system does not tell) on one thread for one query, mean over 200
//! queries, best of five rounds. A query is a
//! stored hash with up to 31 bits flipped; every planted hash must be found. "Skewed": one hash in a hundred shares one of
//! its 16-bit parts with the others, and so does every query. With `FIELDPROOF_BENCH_DATABASE` (`sqlite:PATH` or
//! `postgres://..`) it also reads the hashes of that database into an index, as a starting server does.

use std::time::Instant;

use fieldproof::checks::duplicate::{HashIndex, Known, LIKE_MAX_BITS, SAME_MAX_BITS};
use fieldproof::checks::{Pdq, Prints};
use fieldproof::db::assess::any_hashed;
use fieldproof::db::{Conn, Place};
use fieldproof::domain::ids::{EvidenceId, ReservationId, UserId};
use fieldproof::domain::time::At;

const ROUNDS: usize = 5;
const QUERIES: usize = 200;
/// Low 16 bits of the third word.
const SHARED: u64 = 0xFFFF;

/// A repeatable source of bits (xorshift).
fn roll(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn near(hash: &Pdq, bits: usize, state: &mut u64) -> Pdq {
    let mut words = hash.0;
    for _ in 0..bits {
        let bit = roll(state) % 256;
        words[(bit / 64) as usize] ^= 1 << (bit % 64);
    }
    Pdq(words)
}

/// Seconds of CPU that this thread has had.
fn cpu_secs() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

fn secs(work: impl FnOnce()) -> f64 {
    let (wall, cpu) = (Instant::now(), cpu_secs());
    work();
    cpu.and_then(|before| Some(cpu_secs()? - before)).unwrap_or_else(|| wall.elapsed().as_secs_f64())
}

fn best_ms(mut work: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| secs(&mut work) * 1e3 / QUERIES as f64);
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.replace('_', "").parse().ok()).collect();
    if let Ok(url) = std::env::var("FIELDPROOF_BENCH_DATABASE") {
        load(&Place::parse(&url).expect("sqlite:PATH or postgres://.."));
    }
    println!(
        "{:>9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "hashes", "", "insert us", "one <=31", "8 <=31", "one <=46", "8 <=46"
    );
    for size in if sizes.is_empty() { vec![1_000_000, 10_000_000] } else { sizes } {
        for skewed in [false, true] {
            measure(size, skewed);
        }
    }
}

fn load(place: &Place) {
    let wall = Instant::now();
    let mut index = HashIndex::default();
    let cpu = secs(|| {
        let mut conn = Conn::open(place, true).expect("the database opens");
        let mut last = 0;
        loop {
            let rows = any_hashed(&mut conn, last, 20_000).expect("hashes are read");
            let count = rows.len();
            for (seq, id, worker, visit, at, pdq, quality, ..) in rows {
                last = seq.unwrap_or(last);
                let hash = pdq.as_deref().and_then(Pdq::parse).expect("a hash");
                index.insert(Known { id, worker, visit, at }, hash, quality.unwrap_or(0) as u8);
            }
            if count < 20_000 {
                break;
            }
        }
        index.settle();
    });
    println!(
        "{} hashes read from a database in {:.1} s, {cpu:.1} s of CPU here",
        index.len(),
        wall.elapsed().as_secs_f64()
    );
}

fn measure(size: usize, skewed: bool) {
    let mut state = 42;
    let mut index = HashIndex::default();
    let mut kept = Vec::new();
    let insert_us = secs(|| {
        for n in 0..size {
            let mut hash = Pdq(std::array::from_fn(|_| roll(&mut state)));
            let shares = n % 100 == 0;
            if skewed && shares {
                hash.0[2] &= !SHARED;
            }
            if shares && kept.len() < QUERIES && n > size / 2 {
                kept.push((n as u32, hash));
            }
            let known = Known {
                id: EvidenceId::from_bits(n as u128),
                worker: UserId::from_bits(n as u128),
                visit: ReservationId::from_bits(n as u128),
                at: At::from_micros(0).expect("in range"),
            };
            index.insert(known, hash, 100);
        }
    }) * 1e6
        / size as f64;
    // As a server does after it has read its hashes.
    index.settle();
    let queries: Vec<(u32, Pdq)> =
        kept.iter().enumerate().map(|(i, (n, hash))| (*n, near(hash, i % 32, &mut state))).collect();
    let one = |radius: u32| {
        best_ms(|| {
            for (planted, query) in &queries {
                let mut seen = false;
                index.each_near(query, radius, |place, _| seen |= place == *planted);
                assert!(seen, "a planted hash was not found");
            }
        })
    };
    let eight = |radius: u32, mut state: u64| {
        let prints: Vec<Prints> = queries
            .iter()
            .map(|(_, query)| {
                let mut symmetries: [Pdq; 8] = std::array::from_fn(|_| Pdq(std::array::from_fn(|_| roll(&mut state))));
                symmetries[5] = *query;
                Prints { symmetries, quality: 100 }
            })
            .collect();
        best_ms(|| prints.iter().for_each(|prints| assert!(!index.near(prints, radius).is_empty())))
    };
    let name = if skewed { "skewed" } else { "" };
    println!(
        "{size:>9} {name:>7} {insert_us:>9.2} {:>9.3} {:>9.3} {:>9.3} {:>9.3}",
        one(SAME_MAX_BITS),
        eight(SAME_MAX_BITS, 7),
        one(LIKE_MAX_BITS),
        eight(LIKE_MAX_BITS, 7)
    );
}
