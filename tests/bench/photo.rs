//! Time of one look, of one verdict without renditions, and of one hash search. `cargo bench --bench photo -- PHOTO...` measures real photos; without
//! names it measures a made picture of 12 megapixels. One thread, best of five, milliseconds of wall clock.

use std::time::Instant;

use fieldproof::checks::duplicate::{HashIndex, Known, LIKE_MAX_BITS};
use fieldproof::checks::{Budget, Pdq, Prints, Shot, look, verdict};
use fieldproof::domain::ids::{EvidenceId, ReservationId, UserId};
use fieldproof::domain::time::At;

const ROUNDS: usize = 5;

fn best_ms(mut work: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

/// A repeatable source of bits (xorshift).
fn roll(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// 4000 x 3000 pixels of boxes and strokes with a little noise, about as hard to decode as a phone photo.
fn made() -> Vec<u8> {
    let (width, height) = (4000_u16, 3000_u16);
    let mut state = 88_172_645_463_325_252;
    let mut data = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            let stroke = (y / 12) % 3 == 0 && (x / 7 * 31 + y / 36 * 17) % 5 < 2;
            let tone = 60 + (x / 250 * 37 + y / 250 * 91) % 150;
            let noise = (roll(&mut state) % 12) as u32;
            data.extend([if stroke { 20 } else { tone + noise } as u8, (110 + x / 100) as u8, (120 + y / 200) as u8]);
        }
    }
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 92);
    encoder.encode(&data, width, height, jpeg_encoder::ColorType::Ycbcr).expect("a picture encodes");
    file
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut photos: Vec<(String, Vec<u8>)> = names
        .into_iter()
        .map(|name| {
            let bytes = std::fs::read(&name).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, bytes)
        })
        .collect();
    if photos.is_empty() {
        photos.push(("made".into(), made()));
    }
    println!("{:>8} {:>8} {:>8} {:>7} {:>10}  photo", "look ms", "verdict", "MB", "MP", "ms per MP");
    let (mut total_ms, mut verdict_ms, mut total_mp) = (0.0, 0.0, 0.0);
    for (name, bytes) in &photos {
        let facts = look(bytes, &Shot::default(), &Budget::default()).facts;
        let ms = best_ms(|| {
            std::hint::black_box(look(bytes, &Shot::default(), &Budget::default()));
        });
        let quick = best_ms(|| {
            std::hint::black_box(verdict(bytes, &Shot::default(), &Budget::default()));
        });
        let mp = f64::from(facts.width) * f64::from(facts.height) / 1e6;
        println!("{ms:8.1} {quick:8.1} {:8.2} {mp:7.1} {:10.2}  {name}", bytes.len() as f64 / 1e6, ms / mp);
        total_ms += ms;
        verdict_ms += quick;
        total_mp += mp;
    }
    let n = photos.len() as f64;
    println!("{:8.1} {:8.1} mean of {n}, {:.2} ms per MP", total_ms / n, verdict_ms / n, total_ms / total_mp);

    let mut state = 42;
    let mut hash = || Pdq(std::array::from_fn(|_| roll(&mut state)));
    let mut index = HashIndex::default();
    for n in 0..100_000_u128 {
        let known = Known {
            id: EvidenceId::from_bits(n),
            worker: UserId::from_bits(n),
            visit: ReservationId::from_bits(n),
            at: At::from_micros(0).expect("in range"),
        };
        index.insert(known, hash(), 100);
    }
    let prints = Prints { symmetries: std::array::from_fn(|_| hash()), quality: 100 };
    let ms = best_ms(|| {
        std::hint::black_box(index.near(&prints, LIKE_MAX_BITS));
    });
    println!("{ms:8.2} search of {} hashes, 8 symmetries", index.len());
}
