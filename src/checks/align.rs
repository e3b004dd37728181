//! How two photos lie on each other. Features that match give a perspective mapping; the pictures are laid on each other
//! by it and compared tile by tile. A copy agrees in its worst tiles too; two honest views of one shelf do not, because
//! near and far things move differently when the camera moves.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::features::{EDGE_PX, Feature, Features, extract};
use super::format::{self, Format};
use super::photo::{self, Picture};
use crate::domain::finding::{Code, Finding, Level};

/// Above this agreement of the worst tenth of the tiles two photos are one picture; no pair of honest views of one
/// scene came closer, apart from bursts of one hand.
pub const ALIGNED_MIN: f64 = 0.70;
/// Above this there is no doubt that one was made from the other.
pub const SURELY_ALIGNED_MIN: f64 = 0.85;

/// Descriptors of one point differ by fewer bits than this.
const MATCH_BITS: u32 = 64;
/// The best match differs by less than this share of what the next best does.
const RATIO: f32 = 0.8;
/// The same corner is found at several scales within this distance, in pixels.
const SAME_CORNER_PX: f32 = 6.0;
/// Fewer points that agree on one mapping are chance.
pub const INLIERS_MIN: usize = 15;
/// A point agrees with a mapping within this distance, in pixels.
const REACH_PX: f64 = 3.0;
const ROUNDS_MAX: usize = 1500;
const TILE: usize = 32;
/// A tile whose brightness deviates less than this shows nothing, in steps of 255.
const FLAT_DEVIATION: f64 = 4.0;
/// Fewer tiles with something on them prove nothing.
const TILES_MIN: usize = 12;
/// A tile that agrees so well was copied.
const COPIED_MIN: f64 = 0.92;

/// A copied part is at least this share of what could be compared.
pub const PARTIAL_MIN: f64 = 0.2;
/// Of 40 honest pairs the highest share of tiles that were copied or unlike was 0.85; of stitched photos half had 0.94.
const ALL_OR_NOTHING_MIN: f64 = 0.90;
/// A tile below shows something else.
const UNLIKE_MAX: f64 = 0.5;

/// A perspective mapping, row by row; the last number is 1.
type Mapping = [f64; 9];

/// How one photo lies on another.
#[derive(Clone, PartialEq, Debug)]
pub struct Alignment {
    /// Takes a point of the first photo to the second: `(x', y', w') = H (x, y, 1)`, row by row. Points are in units of
    /// the long side of their photo as it stands upright, from the upper left corner.
    pub homography: [f64; 9],
    /// The first photo is a mirror image of the second; the mapping has the mirror in it.
    pub mirrored: bool,
    /// Features that agree with the mapping.
    pub inliers: usize,
    /// Tiles that were compared: those that show something, where both photos are.
    pub tiles: usize,
    /// Correlation, -1 to 1, that nine tenths of the tiles reach, and that half of them reach.
    pub p10: f64,
    pub median: f64,
    /// Share of the compared tiles that agree as only a copy does, and of those that show something else, 0 to 1.
    pub copied: f64,
    pub unlike: f64,
    /// Share of the first photo that lies on the second, and of the second that lies under the first, 0 to 1.
    pub covers: [f64; 2],
}

impl Alignment {
    /// The two are one picture, wherever they overlap.
    pub fn is_aligned(&self) -> bool {
        self.p10 >= ALIGNED_MIN
    }

    /// Part of one was copied into the other: its tiles agree wholly or not at all. Honest views fade from one to the
    /// other.
    pub fn is_partial(&self) -> bool {
        !self.is_aligned()
            && self.copied >= PARTIAL_MIN
            && self.copied * self.tiles as f64 >= TILES_MIN as f64
            && self.copied + self.unlike >= ALL_OR_NOTHING_MIN
    }

    /// Both show one scene from nearly one place: much agrees, though not all.
    pub fn is_one_scene(&self) -> bool {
        self.inliers >= 2 * INLIERS_MIN && self.median >= ALIGNED_MIN
    }
}

/// Finds how the first photo lies on the second. Features are those that [`super::features::extract`] gave for these pictures; luma may
/// have any size. `None` when the photos have nothing in common. The same input gives the same answer.
pub fn compare(first: &Features, first_luma: &Picture, second: &Features, second_luma: &Picture) -> Option<Alignment> {
    let pairs = matches(&first.points, &second.points);
    let (mapping, inliers) = agree(&pairs, INLIERS_MIN)?;
    let [first_luma, second_luma] = [first_luma, second_luma].map(|luma| soft(&luma.fit(EDGE_PX)));
    let tiles = tiles(&first_luma, &second_luma, &mapping)?;
    let place = (tiles.correlations.len() - 1) / 10;
    let share = |is: fn(&f64) -> bool| {
        tiles.correlations.iter().filter(|c| is(c)).count() as f64 / tiles.correlations.len() as f64
    };
    Some(Alignment {
        homography: in_long_sides(&mapping, first_luma.long_edge(), second_luma.long_edge()),
        mirrored: false,
        inliers,
        tiles: tiles.correlations.len(),
        p10: tiles.correlations[place],
        median: tiles.correlations[tiles.correlations.len() / 2],
        copied: share(|c| *c >= COPIED_MIN),
        unlike: share(|c| *c < UNLIKE_MAX),
        covers: tiles.covers,
    })
}

/// As [`compare`], for a first photo that may be a mirror image of the second: `turned` are the features of
/// [`mirror`] of the first.
pub fn compare_mirrored(
    turned: &Features,
    turned_luma: &Picture,
    second: &Features,
    second_luma: &Picture,
) -> Option<Alignment> {
    let found = compare(turned, turned_luma, second, second_luma)?;
    // x becomes width - x before the mapping.
    let width = f64::from(turned_luma.width) / f64::from(turned_luma.long_edge());
    let flip = [-1.0, 0.0, width, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    Some(Alignment { homography: scaled(product(&found.homography, &flip)), mirrored: true, ..found })
}

/// A photo ready to be laid on others.
#[derive(Clone, Debug)]
pub struct View {
    luma: Picture,
    features: Features,
}

impl View {
    /// From luma of any size.
    pub fn of(luma: &Picture) -> View {
        let luma = luma.fit(EDGE_PX);
        View { features: extract(&luma), luma }
    }

    /// From a rendition: a JPEG of this program. `None` for anything else; never panics.
    pub fn of_rendition(jpeg: &[u8]) -> Option<View> {
        let view = || {
            let layout = format::walk_jpeg(jpeg, 1);
            if layout.pixels() == 0 || layout.pixels() > RENDITION_PIXELS_MAX {
                return None;
            }
            Some(View::of(&photo::decode(jpeg, Format::Jpeg, &layout, false)?.planes.luma))
        };
        catch_unwind(AssertUnwindSafe(view)).ok().flatten()
    }

    pub fn mirrored(&self) -> View {
        View::of(&mirror(&self.luma))
    }

    /// What it means that this photo, asked for as a second angle of `first`, lies on it; see [`second_angle`].
    pub fn second_angle_of(&self, first: &View) -> Option<Finding> {
        second_angle(&first.features, &first.luma, &self.features, &self.luma)
    }

    pub fn features(&self) -> &Features {
        &self.features
    }

    /// How this photo, or its mirror image `turned`, lies on another: the mirror image only where the photo itself is not
    /// a copy and the mirror image is.
    pub fn laid_on(&self, turned: &View, other: &View) -> Option<Alignment> {
        let is_copy = |found: &Alignment| found.is_aligned() || found.is_partial();
        let straight = compare(&self.features, &self.luma, &other.features, &other.luma);
        if straight.as_ref().is_some_and(is_copy) {
            return straight;
        }
        let mirrored = compare_mirrored(&turned.features, &turned.luma, &other.features, &other.luma);
        mirrored.filter(is_copy).or(straight)
    }
}

/// A rendition has at most 1600 x 1600 pixels.
const RENDITION_PIXELS_MAX: u64 = 1600 * 1600;

/// The picture mirrored left to right.
pub fn mirror(luma: &Picture) -> Picture {
    luma.clone().upright(2)
}

/// What it means that a second photo, asked for from a step to the side, lies on the first. Depth moves when the camera
/// does; a screen or a print does not. `None` for two honest views, and where nothing can be said.
pub fn second_angle(
    first: &Features,
    first_luma: &Picture,
    second: &Features,
    second_luma: &Picture,
) -> Option<Finding> {
    let found = compare(first, first_luma, second, second_luma)?;
    let finding = |level| Finding::new(Code::FlatSecondAngle, level).measured(found.p10, ALIGNED_MIN);
    // From one spot everything aligns: such a second photo proves nothing either way.
    let moved = found.moved() >= MOVED_MIN;
    found.is_aligned().then(|| if moved { finding(Level::Doubt) } else { finding(Level::Info).about("same spot") })
}

/// A step to the side changes the shape of the frame by at least this much of its long side.
const MOVED_MIN: f64 = 0.02;

impl Alignment {
    /// How much the mapping bends the frame besides shifting, turning and scaling it, in long sides: how far the fourth
    /// corner lies from where the other three would put it.
    fn moved(&self) -> f64 {
        let at = |x: f64, y: f64| through(&self.homography, x, y);
        let ((ax, ay), (bx, by), (cx, cy), (dx, dy)) = (at(0.0, 0.0), at(1.0, 0.0), at(0.0, 0.75), at(1.0, 0.75));
        let size = (bx - ax).hypot(by - ay).max(1e-9);
        let parallelogram = (bx + cx - ax - dx).hypot(by + cy - ay - dy);
        // A plane seen from the side is also squeezed in one direction.
        let squeeze = (size - (cx - ax).hypot(cy - ay) / 0.75).abs();
        parallelogram.max(squeeze) / size
    }
}

/// Features of a stored photo that a searched one has too: how many of `stored` have a match among `points`.
pub fn votes(points: &[Feature], stored: &Features) -> usize {
    stored
        .points
        .iter()
        .filter(|s| points.iter().any(|p| p.descriptor.distance_up_to(&s.descriptor, VOTE_BITS) <= VOTE_BITS))
        .count()
}

/// How many of the stored features agree on one mapping, for a choice among those with votes. `None` where it is chance.
pub fn plausible(points: &[Feature], stored: &Features) -> Option<usize> {
    Some(agree(&matches(&stored.points, points), PLAUSIBLE_MIN)?.1)
}

/// Of so few features, so many agreeing ones are worth a look at both pictures.
const PLAUSIBLE_MIN: usize = 7;
/// Descriptors that differ by at most this are one point for the search among stored photos.
const VOTE_BITS: u32 = 20;

// Matching

type Pair = [(f64, f64); 2];

/// Every point of `first` with the one of `second` that is clearly the most like it.
fn matches(first: &[Feature], second: &[Feature]) -> Vec<Pair> {
    let looked_at = (MATCH_BITS as f32 / RATIO) as u32;
    let mut distances = vec![0_u32; second.len()];
    let mut pairs = Vec::new();
    for point in first {
        let mut best = (u32::MAX, 0);
        for (n, other) in second.iter().enumerate() {
            distances[n] = point.descriptor.distance_up_to(&other.descriptor, looked_at);
            best = best.min((distances[n], n));
        }
        let (distance, n) = best;
        if distance >= MATCH_BITS {
            continue;
        }
        let winner = &second[n];
        let apart = |p: &Feature| (p.x - winner.x).hypot(p.y - winner.y) > SAME_CORNER_PX;
        let next = second.iter().zip(&distances).filter(|(p, _)| apart(p)).map(|(_, d)| *d).min();
        if next.is_none_or(|next| (distance as f32) < RATIO * next as f32) {
            pairs.push([(f64::from(point.x), f64::from(point.y)), (f64::from(winner.x), f64::from(winner.y))]);
        }
    }
    pairs
}

/// The mapping that most pairs agree with, and how many do. `None` when fewer than `enough` do.
fn agree(pairs: &[Pair], enough: usize) -> Option<(Mapping, usize)> {
    if pairs.len() < enough.max(4) {
        return None;
    }
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % pairs.len() as u64) as usize
    };
    let mut best: (usize, Option<Mapping>) = (enough.max(4) - 1, None);
    let mut rounds = ROUNDS_MAX;
    let mut round = 0;
    while round < rounds {
        round += 1;
        let drawn = [draw(), draw(), draw(), draw()];
        let four = drawn.map(|n| pairs[n]);
        if !keeps_sides(&four) {
            continue;
        }
        let Some(mapping) = fitted(&four).filter(is_sane) else { continue };
        let mut count = agreeing(pairs, &mapping).count();
        if count <= best.0 {
            continue;
        }
        let mut mapping = mapping;
        for _ in 0..3 {
            let inside: Vec<Pair> = agreeing(pairs, &mapping).copied().collect();
            let Some(better) = fitted(&inside).filter(is_sane) else { break };
            let n = agreeing(pairs, &better).count();
            if n < count {
                break;
            }
            (mapping, count) = (better, n);
        }
        best = (count, Some(mapping));
        // As many rounds as leave one chance in a thousand never to have drawn four that agree.
        let share = count as f64 / pairs.len() as f64;
        let needed = (0.001_f64).ln() / (1.0 - share.powi(4)).max(1e-9).ln();
        if needed.is_finite() && needed >= 0.0 {
            rounds = rounds.min((needed.ceil() as usize).max(20));
        }
    }
    let (_, mapping) = best;
    let mapping = mapping?;
    Some((mapping, agreeing(pairs, &mapping).count()))
}

fn agreeing<'a>(pairs: &'a [Pair], mapping: &Mapping) -> impl Iterator<Item = &'a Pair> {
    let mapping = *mapping;
    pairs.iter().filter(move |[a, b]| {
        let (x, y) = through(&mapping, a.0, a.1);
        (x - b.0).powi(2) + (y - b.1).powi(2) <= REACH_PX * REACH_PX
    })
}

/// No three of the points lie on a line, and each three turn the same way in both photos: not seen from behind.
fn keeps_sides(four: &[Pair; 4]) -> bool {
    let side = |[a, b, c]: [(f64, f64); 3]| (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    let threes = [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]];
    threes.iter().all(|three| {
        let [one, other] = [0, 1].map(|photo| side(three.map(|n| four[n][photo])));
        one * other > 0.0 && one.abs() > 50.0 && other.abs() > 50.0
    })
}

/// The mapping with the least squared error over the pairs, at least four. `None` when they do not fix one.
fn fitted(pairs: &[Pair]) -> Option<Mapping> {
    if pairs.len() < 4 {
        return None;
    }
    // Points near 1 keep the equations well conditioned.
    let half = f64::from(EDGE_PX) / 2.0;
    let near = |v: f64| v / half - 1.0;
    let mut system = [[0.0; 9]; 8];
    for [a, b] in pairs {
        let (x, y, u, v) = (near(a.0), near(a.1), near(b.0), near(b.1));
        let rows = [([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u), ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v)];
        for (row, value) in rows {
            for (i, line) in system.iter_mut().enumerate() {
                for (j, other) in row.iter().enumerate() {
                    line[j] += row[i] * other;
                }
                line[8] += row[i] * value;
            }
        }
    }
    let h = solved(system)?;
    let mapping = [h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], 1.0];
    let into = [1.0 / half, 0.0, -1.0, 0.0, 1.0 / half, -1.0, 0.0, 0.0, 1.0];
    let out = [half, 0.0, half, 0.0, half, half, 0.0, 0.0, 1.0];
    let mapping = scaled(product(&out, &product(&mapping, &into)));
    mapping.iter().all(|v| v.is_finite()).then_some(mapping)
}

/// Gaussian elimination with pivoting.
fn solved<const N: usize, const M: usize>(mut system: [[f64; M]; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        if system[pivot][column].abs() < 1e-12 {
            return None;
        }
        system.swap(column, pivot);
        let line = system[column];
        for (n, other) in system.iter_mut().enumerate() {
            if n != column {
                let times = other[column] / line[column];
                other.iter_mut().zip(&line).skip(column).for_each(|(v, by)| *v -= times * by);
            }
        }
    }
    Some(std::array::from_fn(|n| system[n][N] / system[n][n]))
}

fn product(a: &Mapping, b: &Mapping) -> Mapping {
    std::array::from_fn(|n| (0..3).map(|k| a[n / 3 * 3 + k] * b[k * 3 + n % 3]).sum())
}

fn scaled(mapping: Mapping) -> Mapping {
    mapping.map(|v| v / mapping[8])
}

fn inverse(m: &Mapping) -> Option<Mapping> {
    let minor = |r: usize, c: usize| {
        let (a, b) = ((r + 1) % 3, (r + 2) % 3);
        let (d, e) = ((c + 1) % 3, (c + 2) % 3);
        m[a * 3 + d] * m[b * 3 + e] - m[a * 3 + e] * m[b * 3 + d]
    };
    let determinant: f64 = (0..3).map(|c| m[c] * minor(0, c)).sum();
    let inverted = scaled(std::array::from_fn(|n| minor(n % 3, n / 3) / determinant));
    inverted.iter().all(|v| v.is_finite()).then_some(inverted)
}

fn through(m: &Mapping, x: f64, y: f64) -> (f64, f64) {
    let w = m[6] * x + m[7] * y + m[8];
    ((m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w)
}

/// The middle of the frame is scaled by a tenth to ten, is not turned over, and no corner lies behind the camera.
fn is_sane(m: &Mapping) -> bool {
    let side = f64::from(EDGE_PX);
    let w = |x: f64, y: f64| m[6] * x + m[7] * y + m[8];
    let (centre, step) = (side / 2.0, 1.0);
    let (a, b, c) = (through(m, centre, centre), through(m, centre + step, centre), through(m, centre, centre + step));
    let area = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
    let corners = [w(0.0, 0.0), w(side, 0.0), w(0.0, side), w(side, side)];
    (0.01..100.0).contains(&area) && corners.iter().all(|w| *w > 0.2 && *w < 5.0)
}

/// From pixels of both frames to long sides of both photos.
fn in_long_sides(mapping: &Mapping, first: u32, second: u32) -> Mapping {
    let (a, b) = (f64::from(first), f64::from(second));
    let into = [a, 0.0, 0.0, 0.0, a, 0.0, 0.0, 0.0, 1.0];
    let out = [1.0 / b, 0.0, 0.0, 0.0, 1.0 / b, 0.0, 0.0, 0.0, 1.0];
    scaled(product(&out, &product(mapping, &into)))
}

// Tiles

struct Tiles {
    /// Ascending.
    correlations: Vec<f64>,
    covers: [f64; 2],
}

/// Lays one picture on the other and correlates tile by tile. The one with more detail is laid on the coarser one.
fn tiles(first: &Picture, second: &Picture, mapping: &Mapping) -> Option<Tiles> {
    let back = inverse(mapping)?;
    let (centre_x, centre_y) = (f64::from(first.width) / 2.0, f64::from(first.height) / 2.0);
    let a = through(mapping, centre_x, centre_y);
    let b = through(mapping, centre_x + 1.0, centre_y);
    let c = through(mapping, centre_x, centre_y + 1.0);
    let grows = ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).abs() > 1.0;
    // `to_other` takes a point of the coarser frame to the finer picture.
    let (coarse, fine, to_other) = if grows { (first, second, mapping) } else { (second, first, &back) };
    let (w, h) = (coarse.width as usize, coarse.height as usize);
    let mut correlations = Vec::new();
    for top in (0..(h + 1).saturating_sub(TILE)).step_by(TILE) {
        for left in (0..(w + 1).saturating_sub(TILE)).step_by(TILE) {
            if let Some(correlation) = correlated(coarse, fine, to_other, left, top) {
                correlations.push(correlation);
            }
        }
    }
    if correlations.len() < TILES_MIN {
        return None;
    }
    correlations.sort_by(f64::total_cmp);
    Some(Tiles { correlations, covers: [covered(first, second, mapping), covered(second, first, &back)] })
}

/// Correlation of one tile with what lies on it. `None` where that is not whole, or either shows nothing.
fn correlated(coarse: &Picture, fine: &Picture, to_other: &Mapping, left: usize, top: usize) -> Option<f64> {
    let w = coarse.width as usize;
    let (fw, fh) = (fine.width as usize, fine.height as usize);
    let edge = (TILE - 1) as f64;
    let corners = [(0.0, 0.0), (edge, 0.0), (0.0, edge), (edge, edge)];
    let inside = corners.iter().all(|(dx, dy)| {
        let (x, y) = through(to_other, left as f64 + dx, top as f64 + dy);
        x >= 2.0 && y >= 2.0 && x <= fw as f64 - 3.0 && y <= fh as f64 - 3.0
    });
    if !inside {
        return None;
    }
    let n = (TILE * TILE) as f64;
    let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for y in top..top + TILE {
        for x in left..left + TILE {
            let a = f64::from(coarse.data[y * w + x]);
            let (u, v) = through(to_other, x as f64, y as f64);
            let b = between(fine, u, v);
            sa += a;
            sb += b;
            saa += a * a;
            sbb += b * b;
            sab += a * b;
        }
    }
    let (va, vb) = (saa / n - (sa / n).powi(2), sbb / n - (sb / n).powi(2));
    let flat = FLAT_DEVIATION * FLAT_DEVIATION;
    (va >= flat && vb >= flat).then(|| (sab / n - sa * sb / (n * n)) / (va * vb).sqrt())
}

/// The sample at a place between pixels; the caller keeps it inside.
fn between(picture: &Picture, x: f64, y: f64) -> f64 {
    let (w, h) = (picture.width as usize, picture.height as usize);
    let (left, top) = ((x as usize).min(w.saturating_sub(2)), (y as usize).min(h.saturating_sub(2)));
    let (fx, fy) = (x - left as f64, y - top as f64);
    let at = |n: usize| f64::from(picture.data[n]);
    let here = top * w + left;
    let upper = at(here) + (at(here + 1) - at(here)) * fx;
    let lower = at(here + w) + (at(here + w + 1) - at(here + w)) * fx;
    upper + (lower - upper) * fy
}

/// Share of a picture that a mapping puts inside another.
fn covered(from: &Picture, onto: &Picture, mapping: &Mapping) -> f64 {
    const GRID: usize = 24;
    let (w, h) = (f64::from(from.width), f64::from(from.height));
    let inside = (0..GRID * GRID).filter(|n| {
        let place = |i: usize, side: f64| (i as f64 + 0.5) / GRID as f64 * side;
        let (x, y) = through(mapping, place(n % GRID, w), place(n / GRID, h));
        x >= 0.0 && y >= 0.0 && x < f64::from(onto.width) && y < f64::from(onto.height)
    });
    inside.count() as f64 / (GRID * GRID) as f64
}

/// Blurred by about 1.5 pixels, so that compression and small errors of the mapping do not count.
fn soft(luma: &Picture) -> Picture {
    Picture { data: super::features::smoothed(luma), ..*luma }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

    fn cut(picture: &Picture, [left, top, right, bottom]: [u32; 4]) -> Picture {
        let row = |y: u32| {
            let start = (y * picture.width) as usize;
            &picture.data[start + left as usize..start + right as usize]
        };
        let data = (top..bottom).flat_map(row).copied().collect();
        Picture::new(right - left, bottom - top, 1, data).expect("fills")
    }

    fn shelf() -> Picture {
        let path = format!("{}/tests/fixtures/photos/shelf.jpg", env!("CARGO_MANIFEST_DIR"));
        let jpeg = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let layout = format::walk_jpeg(&jpeg, 100);
        photo::decode(&jpeg, Format::Jpeg, &layout, false).expect("a whole JPEG").planes.luma
    }

    fn laid(first: &Picture, second: &Picture) -> Option<Alignment> {
        let first = View::of(first);
        first.laid_on(&first.mirrored(), &View::of(second))
    }

    #[test]
    fn a_crop_lies_on_its_original_at_its_place_also_mirrored() {
        let whole = shelf();
        let (w, h) = (whole.width, whole.height);
        let crop = cut(&whole, [w / 10, h / 5, w - w / 20, h]);
        let onto = View::of(&whole);
        for mirrored in [false, true] {
            let query = if mirrored { mirror(&crop) } else { crop.clone() };
            let view = View::of(&query);
            let found = view.laid_on(&view.mirrored(), &onto).expect("has much in common");
            assert!(found.is_aligned() && found.mirrored == mirrored, "{found:?}");
            assert!(found.covers[0] > 0.95 && found.covers[1] < 0.8, "{found:?}");
            // The crop's upper left corner, wherever the mirror put it.
            let x = if mirrored { f64::from(crop.width) / f64::from(crop.long_edge()) } else { 0.0 };
            let (x, y) = through(&found.homography, x, 0.0);
            let long = f64::from(whole.long_edge());
            let (dx, dy) = (x - f64::from(w / 10) / long, y - f64::from(h / 5) / long);
            assert!(dx.abs() < 0.006 && dy.abs() < 0.006, "off by {dx} {dy}");
        }
    }

    #[test]
    fn a_stitched_photo_is_a_partial_copy_and_another_scene_is_nothing() {
        let whole = shelf();
        let other = samples::scene(whole.width, whole.height, 3).luma();
        assert_eq!(laid(&whole, &other), None);
        let mut stitched = whole.clone();
        let w = whole.width as usize;
        for (row, from) in stitched.data.chunks_exact_mut(w).zip(other.data.chunks_exact(w)) {
            row[w / 2..].copy_from_slice(&from[w / 2..]);
        }
        let found = laid(&stitched, &whole).expect("has half in common");
        assert!(found.is_partial() && !found.is_aligned(), "{found:?}");
    }

    #[test]
    fn a_flat_picture_from_another_angle_is_told_from_one_spot() {
        let screen = shelf().fit(900);
        let (w, h) = (screen.width, screen.height);
        // As seen from the side: the right edge is farther away.
        let tilt = [0.95, 0.02, 10.0, 0.04, 0.9, 12.0, 1.2e-4, 0.0, 1.0];
        let at = |x: u32, y: u32| match through(&tilt, f64::from(x), f64::from(y)) {
            (x, y) if x >= 0.0 && y >= 0.0 && x < f64::from(w - 1) && y < f64::from(h - 1) => {
                between(&screen, x, y) as u8
            }
            _ => 30,
        };
        let data = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
        let side = Picture::new(w, h, 1, data).expect("fills");
        let judge = |a: &Picture, b: &Picture| second_angle(&extract(a), a, &extract(b), b);
        assert_eq!(judge(&side, &screen).map(|f| f.level), Some(Level::Doubt));
        assert_eq!(judge(&screen, &screen).map(|f| f.level), Some(Level::Info), "from one spot");
        assert_eq!(judge(&screen, &samples::scene(900, 700, 4).luma()), None);
    }

    #[test]
    fn no_bytes_make_a_view_panic() {
        assert!(View::of_rendition(b"").is_none());
        let jpeg = samples::jpeg(&samples::text(120, 90));
        for cut in (0..jpeg.len()).step_by(211) {
            View::of_rendition(&jpeg[..cut]);
        }
        for (w, h) in [(1, 1), (1, 700), (700, 2), (60, 60)] {
            let view = View::of(&samples::plain(w, h, 7).luma());
            assert_eq!(view.laid_on(&view.mirrored(), &view), None);
        }
    }
}
