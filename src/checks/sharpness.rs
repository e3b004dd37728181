//! Focus. The measure re-blurs the picture and asks how much that changes: a sharp picture loses much of its
//! neighbour differences, a blurred one little. The median of 16x16 tiles is judged, so that neither a plain wall nor
//! one hard edge decides. A tile Laplacian catches blur that sensor noise hides. Fixed working sizes keep the limits
//! nearly independent of the camera's resolution. Limits come from 31 real photos and ten blurred copies of each.

use super::Subject;
use super::photo::Picture;
use crate::domain::finding::{Code, Finding, Level};

/// Long side of the first look, in pixels.
pub const COARSE_EDGE_PX: u32 = 1024;
/// Long side of the second look, which sees blur that kills a price label, in pixels.
pub const FINE_EDGE_PX: u32 = 2048;
/// Below this long side blur cannot be told from a small picture.
pub const JUDGED_EDGE_MIN_PX: u32 = 1600;

/// Half the re-blur window: 9 taps, as the measure was published.
const REACH: usize = 4;
const TAPS: usize = 2 * REACH + 1;
/// Tiles along each side of the frame.
const TILES: usize = 16;

/// How much of the neighbour differences survives a re-blur with 9 taps, across and down: 0 (sharp) to 1 (nothing left
/// to blur).
///
/// With a box window the difference of the blurred neighbours is the difference of the two samples that enter and
/// leave it, so no blurred picture is ever made.
#[derive(Clone, Copy, Default, Debug)]
pub struct Reblur {
    /// Neighbour differences, and the part of them that a re-blur keeps, times the number of taps.
    across: [u64; 2],
    down: [u64; 2],
    samples: u64,
}

impl Reblur {
    /// Across and down. `None` without any difference.
    pub fn shares(&self) -> Option<[f64; 2]> {
        let share = |[all, kept]: [u64; 2]| (all > 0).then(|| kept as f64 / (all as f64 * TAPS as f64));
        Some([share(self.across)?, share(self.down)?])
    }

    /// The softer direction.
    pub fn softer(&self) -> Option<f64> {
        self.shares().map(|[across, down]| across.max(down))
    }

    /// Mean difference of neighbours, in steps of brightness.
    pub fn energy(&self) -> f64 {
        (self.across[0] + self.down[0]) as f64 / (2 * self.samples.max(1)) as f64
    }

    fn plus(self, other: Reblur) -> Reblur {
        let sum = |a: [u64; 2], b: [u64; 2]| [a[0] + b[0], a[1] + b[1]];
        Reblur {
            across: sum(self.across, other.across),
            down: sum(self.down, other.down),
            samples: self.samples + other.samples,
        }
    }
}

/// The whole frame, and each of 16x16 tiles. `None` for a picture too small to measure.
pub fn reblur(luma: &Picture) -> Option<(Reblur, Vec<Reblur>)> {
    let (w, h) = (luma.width as usize, luma.height as usize);
    if w < TILES * TAPS || h < TILES * TAPS {
        return None;
    }
    let row = |y: usize| &luma.data[y * w..(y + 1) * w];
    let mut tiles = vec![Reblur::default(); TILES * TILES];
    let width = w - 2 * REACH - 1;
    for y in REACH + 1..h - REACH {
        let line = row(y);
        for tx in 0..TILES {
            // Columns of this tile, counted from the first that has a whole window.
            let (from, to) = (tx * width / TILES, (tx + 1) * width / TILES);
            let cut = |shift: usize| &line[from + shift..to + shift];
            let tile = &mut tiles[(y * TILES / h) * TILES + tx];
            add(&mut tile.across, cut(REACH), cut(REACH + 1), cut(0), cut(2 * REACH + 1));
            let at = from + REACH + 1..to + REACH + 1;
            let (above, leaves, enters) = (row(y - 1), row(y - REACH - 1), row(y + REACH));
            add(&mut tile.down, &above[at.clone()], &line[at.clone()], &leaves[at.clone()], &enters[at]);
            tile.samples += (to - from) as u64;
        }
    }
    let whole = tiles.iter().fold(Reblur::default(), |sum, tile| sum.plus(*tile));
    Some((whole, tiles))
}

/// Adds up neighbour differences and the part of them that a re-blur keeps.
fn add(sums: &mut [u64; 2], before: &[u8], at: &[u8], leaves: &[u8], enters: &[u8]) {
    let (mut all, mut kept) = (0_u32, 0_u32);
    for (((&a, &b), &l), &e) in before.iter().zip(at).zip(leaves).zip(enters) {
        let sharp = u32::from(a.abs_diff(b));
        all += sharp;
        kept += (sharp * TAPS as u32).min(u32::from(l.abs_diff(e)));
    }
    sums[0] += u64::from(all);
    sums[1] += u64::from(kept);
}

/// First looks below this need no second one: all but one in thirty photos blurred by 3 pixels of 12 MP began above.
const COARSE_CLEAR: f64 = 0.28;
/// Tiles whose neighbours differ by less than this on average show nothing that could be sharp.
const TILE_ENERGY_MIN: f64 = 1.0;
/// Fewer tiles than this say nothing about a frame.
const TILES_MIN: usize = 8;
/// Above the limit by this much, and without a sharp tenth, a picture is surely blurred; else a person should look.
pub const SURE_MARGIN: f64 = 0.05;
/// A frame whose sharpest tenth of tiles stays below this is sharp somewhere: the background may be soft.
const SHARP_TENTH_MAX: f64 = 0.40;
/// One direction is softer than the other by this much only where something moved; 31 unmoved photos reached 0.11.
pub const DIRECTION_MAX: f64 = 0.12;
/// Noise makes all tiles alike: the ratio of their best to their flattest, by Laplacian at the coarse size. Noisy and
/// blurred pictures stayed below 4.1, sharp noisy ones began at 5 but for one.
const NOISE_RATIO_MIN: f64 = 4.0;
/// Noise lifts even the flattest tenth of the tiles above this; drawings and plain walls stay below.
const NOISE_TILE_MIN: f64 = 8.0;
/// Real edges bring the sharpest tenth of the tiles above this, whatever the noise.
const EDGES_TILE_MIN: f64 = 400.0;

/// The largest median of the tiles that passes. A price label is read letter by letter; a store front only shows which
/// store it is. Of 31 sharp photos one lay above 0.46.
pub fn limit(subject: Subject) -> f64 {
    match subject {
        Subject::Tag => 0.42,
        Subject::StoreFront => 0.55,
        Subject::Shelf | Subject::Product | Subject::Display | Subject::Other => 0.46,
    }
}

/// Judges focus from luma at full size and at [`COARSE_EDGE_PX`]. Nothing when sharp, or too small to tell.
pub fn judge(full: &Picture, coarse: &Picture, subject: Subject) -> Vec<Finding> {
    judged(full, coarse, subject).unwrap_or_default()
}

fn judged(full: &Picture, coarse: &Picture, subject: Subject) -> Option<Vec<Finding>> {
    if full.long_edge() < JUDGED_EDGE_MIN_PX {
        return None;
    }
    if reblur(coarse)?.0.softer()? >= COARSE_CLEAR {
        let (whole, tiles) = reblur(&full.fit(FINE_EDGE_PX))?;
        let tiles = tiles.iter().filter(|tile| tile.energy() >= TILE_ENERGY_MIN);
        let mut tiles: Vec<f64> = tiles.filter_map(Reblur::softer).collect();
        tiles.sort_by(f64::total_cmp);
        let (median, limit) = (tiles.get(tiles.len() / 2).copied().unwrap_or(0.0), limit(subject));
        if tiles.len() >= TILES_MIN && median > limit {
            let sure = median > limit + SURE_MARGIN && tiles[tiles.len() / 10] > SHARP_TENTH_MAX;
            let level = if sure { Level::Fail } else { Level::Doubt };
            let mut findings = vec![Finding::new(Code::Blurred, level).measured(median, limit)];
            let [across, down] = whole.shares()?;
            let apart = (across - down).abs();
            if apart > DIRECTION_MAX {
                findings.push(Finding::new(Code::MotionBlur, Level::Doubt).measured(apart, DIRECTION_MAX));
            }
            return Some(findings);
        }
    }
    let tiles = tile_laplacians(coarse);
    let at = |share: usize| tiles.get(tiles.len() * share / 100).copied();
    let (flattest, top, best) = (at(10)?, at(90)?, at(98)?);
    let ratio = best / flattest.max(f64::EPSILON);
    let noise = flattest > NOISE_TILE_MIN && top < EDGES_TILE_MIN && ratio < NOISE_RATIO_MIN;
    let finding = || Finding::new(Code::Blurred, Level::Doubt).measured(ratio, NOISE_RATIO_MIN).about("noise");
    noise.then(|| vec![finding()])
}

/// Variance of the Laplacian in each of 16x16 tiles, in ascending order.
pub fn tile_laplacians(luma: &Picture) -> Vec<f64> {
    let (w, h) = (luma.width as usize, luma.height as usize);
    let mut tiles = Vec::with_capacity(TILES * TILES);
    for ty in 0..TILES {
        for tx in 0..TILES {
            let (mut sum, mut squares, mut n) = (0_i64, 0_i64, 0_i64);
            for y in (ty * h / TILES).max(1)..((ty + 1) * h / TILES).min(h.saturating_sub(1)) {
                for x in (tx * w / TILES).max(1)..((tx + 1) * w / TILES).min(w.saturating_sub(1)) {
                    let at = |x: usize, y: usize| i64::from(luma.data[y * w + x]);
                    let value = 4 * at(x, y) - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1);
                    sum += value;
                    squares += value * value;
                    n += 1;
                }
            }
            if n > 0 {
                let mean = sum as f64 / n as f64;
                tiles.push(squares as f64 / n as f64 - mean * mean);
            }
        }
    }
    tiles.sort_by(f64::total_cmp);
    tiles
}
