//! Focus. The measure re-blurs the picture and asks how much that changes: a sharp picture loses much of its
//! neighbour differences, a blurred one little. A tile Laplacian catches blur that sensor noise hides. Fixed working
//! sizes keep the limits nearly independent of the camera's resolution.

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
/// Re-blur values above these are blurred; one in twenty real photos of a mixed lot lies above.
const COARSE_MAX: f64 = 0.427;
const FINE_MAX: f64 = 0.435;

/// How much of the neighbour differences survives a re-blur with 9 taps: 0 (sharp) to 1 (nothing left to blur), the
/// larger of both directions. `None` for a picture too small or without any difference.
///
/// With a box window the difference of the blurred neighbours is the difference of the two samples that enter and
/// leave it, so no blurred picture is ever made.
pub fn reblur(luma: &Picture) -> Option<f64> {
    let (w, h) = (luma.width as usize, luma.height as usize);
    if w < 4 * REACH || h < 4 * REACH {
        return None;
    }
    let row = |y: usize| &luma.data[y * w..(y + 1) * w];
    let taps = 2 * REACH as u32 + 1;
    let (mut across, mut down) = ([0_u64; 2], [0_u64; 2]);
    for y in REACH + 1..h - REACH {
        let line = row(y);
        add(&mut across, &line[REACH..], &line[REACH + 1..], line, &line[2 * REACH + 1..], taps);
        add(&mut down, row(y - 1), line, row(y - REACH - 1), row(y + REACH), taps);
    }
    let share = |[all, kept]: [u64; 2]| (all > 0).then(|| kept as f64 / (all as f64 * f64::from(taps)));
    Some(share(across)?.max(share(down)?))
}

/// Adds up neighbour differences and the part of them that a re-blur keeps, times the number of taps.
fn add(sums: &mut [u64; 2], before: &[u8], at: &[u8], leaves: &[u8], enters: &[u8], taps: u32) {
    let (mut all, mut kept) = (0_u32, 0_u32);
    for (((&a, &b), &l), &e) in before.iter().zip(at).zip(leaves).zip(enters) {
        let sharp = u32::from(a.abs_diff(b));
        all += sharp;
        kept += (sharp * taps).min(u32::from(l.abs_diff(e)));
    }
    sums[0] += u64::from(all);
    sums[1] += u64::from(kept);
}

/// First looks below this need no second one: photos blurred by 3 pixels of 12 MP began at 0.31.
const COARSE_CLEAR: f64 = 0.30;
/// Above the limit by this much a picture is surely blurred; between, a person should look.
const SURE_MARGIN: f64 = 0.05;
/// Tiles along each side of the frame.
const TILES: usize = 16;
/// Laplacian variance, at the coarse size, that a sharp tile reaches.
const TILE_SHARP_MIN: f64 = 400.0;
/// A frame with this share of sharp tiles is sharp where it matters, whatever lies before or behind.
const SHARP_SHARE_MIN: f64 = 0.10;
/// Below this the sharpest tenth of the tiles shows no edges.
const TOP_TILE_MIN: f64 = 100.0;
/// Noise lifts even the flattest tenth of the tiles above this; drawings and plain walls stay below.
const NOISE_TILE_MIN: f64 = 8.0;

/// Judges focus from luma at full size and at [`COARSE_EDGE_PX`]. `None` when sharp, or too small to tell.
pub fn judge(full: &Picture, coarse: &Picture) -> Option<Finding> {
    if full.long_edge() < JUDGED_EDGE_MIN_PX {
        return None;
    }
    let first = reblur(coarse)?;
    let tiles = tile_laplacians(coarse);
    if tiles.is_empty() {
        return None;
    }
    let sharp = tiles.iter().filter(|v| **v >= TILE_SHARP_MIN).count() as f64 / tiles.len() as f64;
    let (value, limit) = match first < COARSE_CLEAR {
        true => (first, COARSE_MAX),
        false => (reblur(&full.fit(FINE_EDGE_PX))?, FINE_MAX),
    };
    if value > limit {
        let level = if value > limit + SURE_MARGIN && sharp < SHARP_SHARE_MIN { Level::Fail } else { Level::Doubt };
        return Some(Finding::new(Code::Blurred, level).measured(value, limit));
    }
    // Noise is sharp and hides blur from the re-blur measure, but it makes no edges.
    let (flattest, top) = (tiles[tiles.len() / 10], tiles[tiles.len() * 9 / 10]);
    let noisy_blur = top < TOP_TILE_MIN && flattest > NOISE_TILE_MIN;
    noisy_blur.then(|| Finding::new(Code::Blurred, Level::Doubt).measured(top, TOP_TILE_MIN).about("edges"))
}

/// Variance of the Laplacian in each of 16x16 tiles, in ascending order.
fn tile_laplacians(luma: &Picture) -> Vec<f64> {
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
