//! Light: black, covered, too dark, too bright, flat. Limits come from some 350 real photos, measured on luma with
//! a long side of 1024; beyond most limits lie fewer than one real photo in a hundred.

use super::photo::Picture;
use crate::domain::finding::{Code, Finding, Level};

/// Samples below this are black.
const BLACK_BELOW: usize = 16;
pub const BLACK_SHARE_MAX: f64 = 0.97;
/// A frame whose brightest 2% stay below this shows nothing.
const BLACK_HIGHLIGHT_MIN: usize = 20;
/// A frame whose brightest 2% stay below this got too little light; a night scene has its lamps. Real photos begin at
/// 147, and three stops too few leave none above 100.
pub const DARK_HIGHLIGHT_MIN: usize = 120;
/// Samples above this are burnt out.
const WHITE_ABOVE: usize = 247;
/// Real photos end at 13%.
pub const WHITE_SHARE_MAX: f64 = 0.15;
/// A frame whose middle lies above this and that has nothing dark in it is washed out, burnt or not: some cameras never
/// write full white. A sheet of paper is as bright, but has print on it.
pub const WASHED_MEDIAN_MAX: usize = 220;
/// The darkest 2% of what has something dark in it lie below this.
const DARK_BELOW: usize = 100;
pub const SPREAD_MIN: usize = 50;
/// Side of a tile, in pixels of the working size.
const TILE_PX: usize = 16;
/// A tile that deviates less than this shows nothing.
const TILE_DEVIATION_MIN: f64 = 3.0;
pub const FLAT_SHARE_MAX: f64 = 0.97;

/// What the light says.
pub struct Light {
    pub findings: Vec<Finding>,
    /// Nothing can be seen: no further measure means anything.
    pub black: bool,
}

/// Judges luma of the working size.
pub fn judge(luma: &Picture) -> Light {
    let mut histogram = [0_u64; 256];
    for &sample in &luma.data {
        histogram[usize::from(sample)] += 1;
    }
    let total = luma.data.len() as f64;
    let share = |range: std::ops::Range<usize>| histogram[range].iter().sum::<u64>() as f64 / total;
    let percentile = |p: f64| {
        let mut seen = 0;
        histogram.iter().position(|&n| {
            seen += n;
            seen as f64 >= p * total
        })
    };
    let at = |p: f64| percentile(p).unwrap_or(255);
    let (low, median, high) = (at(0.02), at(0.5), at(0.98));

    let black = share(0..BLACK_BELOW);
    if black > BLACK_SHARE_MAX || high < BLACK_HIGHLIGHT_MIN {
        let dark = share(0..BLACK_HIGHLIGHT_MIN).max(black);
        let finding = Finding::new(Code::BlackFrame, Level::Fail).measured(dark, BLACK_SHARE_MAX);
        return Light { findings: vec![finding], black: true };
    }
    let mut findings = Vec::new();
    let flat = flat_share(luma);
    if flat > FLAT_SHARE_MAX {
        findings.push(Finding::new(Code::CoveredLens, Level::Doubt).measured(flat, FLAT_SHARE_MAX));
    }
    if high < DARK_HIGHLIGHT_MIN {
        findings.push(Finding::new(Code::TooDark, Level::Doubt).measured(high as f64, DARK_HIGHLIGHT_MIN as f64));
    }
    let white = share(WHITE_ABOVE + 1..256);
    if white > WHITE_SHARE_MAX {
        findings.push(Finding::new(Code::Overexposed, Level::Doubt).measured(white, WHITE_SHARE_MAX));
    } else if median > WASHED_MEDIAN_MAX && low > DARK_BELOW {
        let light = Finding::new(Code::Overexposed, Level::Doubt);
        findings.push(light.measured(median as f64 / 255.0, WASHED_MEDIAN_MAX as f64 / 255.0));
    }
    let spread = high.saturating_sub(low);
    if spread < SPREAD_MIN {
        findings.push(Finding::new(Code::LowContrast, Level::Info).measured(spread as f64, SPREAD_MIN as f64));
    }
    Light { findings, black: false }
}

/// Share of tiles that show nothing.
fn flat_share(luma: &Picture) -> f64 {
    let (width, height) = (luma.width as usize, luma.height as usize);
    let (mut flat, mut tiles) = (0_u32, 0_u32);
    for top in (0..height).step_by(TILE_PX) {
        for left in (0..width).step_by(TILE_PX) {
            let (mut sum, mut squares, mut n) = (0_u64, 0_u64, 0_u64);
            for y in top..(top + TILE_PX).min(height) {
                let row = &luma.data[y * width + left..y * width + (left + TILE_PX).min(width)];
                for &sample in row {
                    sum += u64::from(sample);
                    squares += u64::from(sample) * u64::from(sample);
                }
                n += row.len() as u64;
            }
            let mean = sum as f64 / n as f64;
            let variance = squares as f64 / n as f64 - mean * mean;
            tiles += 1;
            flat += u32::from(variance < TILE_DEVIATION_MIN * TILE_DEVIATION_MIN);
        }
    }
    f64::from(flat) / f64::from(tiles.max(1))
}
