//! Local features: corners at several scales, each with a direction and 256 brightness comparisons around it (oriented
//! FAST and steered BRIEF, as ORB combines them, written from its description; Rublee and others, 2011). They are found
//! again in a crop, under a border, in a screenshot, turned by a few degrees. A mirrored picture has other features.

use std::sync::LazyLock;

use super::photo::Picture;

/// Long side of the picture in which features are sought, in pixels; coordinates are in this frame.
pub const EDGE_PX: u32 = 640;
/// Features kept of a photo that is searched for.
pub const KEPT: usize = 600;
/// Features of a photo that are stored to be found later.
pub const STORED: usize = 96;

const LEVELS: usize = 8;
/// Each level is smaller by this.
const STEP: f32 = 1.2;
/// Corners closer to the edge than this have no whole patch, in pixels of their level.
const MARGIN: usize = 17;
/// Radius of the disc that gives a corner its direction.
const DISC: isize = 15;
/// Brightness steps that make a corner; the lower one where a level has few.
const CORNER_STEPS: [i16; 2] = [20, 7];
/// Side of the cells over which corners are spread, in pixels.
const CELL: usize = 40;
/// Directions for which the comparisons are kept turned.
const TURNS: usize = 30;

/// 256 comparisons of brightness.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Descriptor(pub [u64; 4]);

impl Descriptor {
    /// Bits that differ, 0 to 256; stops counting above `limit` and returns something above it.
    #[inline]
    pub fn distance_up_to(&self, other: &Descriptor, limit: u32) -> u32 {
        let first = (self.0[0] ^ other.0[0]).count_ones();
        if first > limit {
            return first;
        }
        let half = first + (self.0[1] ^ other.0[1]).count_ones();
        if half > limit {
            return half;
        }
        half + (self.0[2] ^ other.0[2]).count_ones() + (self.0[3] ^ other.0[3]).count_ones()
    }
}

/// One corner, in pixels of the frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Feature {
    pub x: f32,
    pub y: f32,
    /// How much of a corner it is; comparable within one photo.
    pub strength: f32,
    pub descriptor: Descriptor,
}

/// The features of one photo, strongest first, in a frame whose long side is at most [`EDGE_PX`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Features {
    pub width: u16,
    pub height: u16,
    pub points: Vec<Feature>,
}

impl Features {
    /// The [`STORED`] strongest, spread over the frame, as bytes for a database column: version, width and height
    /// (little endian, 16 bits each), then per feature x and y in quarters of a pixel and the 32 bytes of the descriptor.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kept = self.strongest(STORED);
        let mut bytes = Vec::with_capacity(5 + kept.len() * BYTES_PER_FEATURE);
        bytes.push(BYTES_VERSION);
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.height.to_le_bytes());
        for point in &kept {
            bytes.extend(((point.x * 4.0).round() as u16).to_le_bytes());
            bytes.extend(((point.y * 4.0).round() as u16).to_le_bytes());
            point.descriptor.0.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        }
        bytes
    }

    /// Reads what [`Features::to_bytes`] wrote. `None` for anything else, and for another version of it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Features> {
        let (head, rest) = bytes.split_at_checked(5)?;
        if head[0] != BYTES_VERSION || rest.len() % BYTES_PER_FEATURE != 0 {
            return None;
        }
        let short = |at: &[u8]| u16::from_le_bytes([at[0], at[1]]);
        let points = rest.chunks_exact(BYTES_PER_FEATURE).map(|one| {
            let word = |n: usize| one[4 + n * 8..12 + n * 8].iter().rev().fold(0, |w, &b| w << 8 | u64::from(b));
            Feature {
                x: f32::from(short(one)) / 4.0,
                y: f32::from(short(&one[2..])) / 4.0,
                strength: 0.0,
                descriptor: Descriptor(std::array::from_fn(word)),
            }
        });
        Some(Features { width: short(&head[1..]), height: short(&head[3..]), points: points.collect() })
    }

    /// The strongest features, at most so many of one part of the frame that every part has its share.
    fn strongest(&self, n: usize) -> Vec<Feature> {
        let cells = 4;
        let cell = |p: &Feature| {
            let part = |at: f32, side: u16| (at * cells as f32 / f32::from(side.max(1))) as usize;
            part(p.y, self.height).min(cells - 1) * cells + part(p.x, self.width).min(cells - 1)
        };
        let each = (n * 3).div_ceil(cells * cells * 2);
        let mut taken = vec![0; cells * cells];
        let (mut kept, mut spare) = (Vec::with_capacity(n), Vec::new());
        for point in &self.points {
            let taken = &mut taken[cell(point)];
            *taken += 1;
            if *taken <= each { kept.push(*point) } else { spare.push(*point) }
        }
        kept.truncate(n);
        let missing = n - kept.len();
        kept.extend(spare.into_iter().take(missing));
        kept
    }
}

const BYTES_VERSION: u8 = 1;
const BYTES_PER_FEATURE: usize = 36;

/// Finds the features of luma of any size; scales it down to [`EDGE_PX`] first. A picture without corners has none.
pub fn extract(luma: &Picture) -> Features {
    let base = luma.fit(EDGE_PX);
    let (width, height) = (base.width as u16, base.height as u16);
    let mut points: Vec<Feature> = Vec::with_capacity(KEPT);
    let shares: Vec<f32> = (0..LEVELS).map(|n| STEP.powi(-(n as i32))).collect();
    let whole: f32 = shares.iter().sum();
    let mut level = base.clone();
    for (n, share) in shares.iter().enumerate() {
        if n > 0 {
            level = base.fit((base.long_edge() as f32 * share).round() as u32);
        }
        if level.width.min(level.height) as usize <= 2 * MARGIN {
            break;
        }
        let scale = (f32::from(width) / level.width as f32, f32::from(height) / level.height as f32);
        points.extend(of_level(&level, (KEPT as f32 * share / whole).round() as usize, scale));
    }
    points.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    points.truncate(KEPT);
    Features { width, height, points }
}

fn of_level(level: &Picture, wanted: usize, scale: (f32, f32)) -> Vec<Feature> {
    let (w, h) = (level.width as usize, level.height as usize);
    let corners = CORNER_STEPS.iter().map(|step| corners(level, *step));
    let corners = corners.reduce(|many, more| if many.len() >= wanted * 2 { many } else { more }).unwrap_or_default();
    let mut ranked: Vec<(f32, usize, usize)> =
        corners.into_iter().map(|(x, y)| (cornerness(level, x, y), x, y)).filter(|c| c.0 > 0.0).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let columns = w.div_ceil(CELL);
    let mut taken = vec![0_usize; columns * h.div_ceil(CELL)];
    let each = (wanted * 2).div_ceil(taken.len());
    ranked.retain(|(_, x, y)| {
        let cell = &mut taken[y / CELL * columns + x / CELL];
        *cell += 1;
        *cell <= each
    });
    ranked.truncate(wanted);
    let smooth = smoothed(level);
    let place = |at: usize, scale: f32| (at as f32 + 0.5) * scale - 0.5;
    let feature = |(strength, x, y): (f32, usize, usize)| Feature {
        x: place(x, scale.0),
        y: place(y, scale.1),
        strength,
        descriptor: describe(&smooth, w, x, y, direction(level, x, y)),
    };
    ranked.into_iter().map(feature).collect()
}

/// The circle of radius 3 around a pixel, in order.
const CIRCLE: [(isize, isize); 16] = [
    (0, -3),
    (1, -3),
    (2, -2),
    (3, -1),
    (3, 0),
    (3, 1),
    (2, 2),
    (1, 3),
    (0, 3),
    (-1, 3),
    (-2, 2),
    (-3, 1),
    (-3, 0),
    (-3, -1),
    (-2, -2),
    (-1, -3),
];

/// Pixels with nine neighbours of the circle in a row that are all brighter or all darker by `step`; of touching ones
/// the one that stands out most.
fn corners(level: &Picture, step: i16) -> Vec<(usize, usize)> {
    let (w, h) = (level.width as usize, level.height as usize);
    let around: [isize; 16] = std::array::from_fn(|n| CIRCLE[n].1 * w as isize + CIRCLE[n].0);
    let mut scores = vec![0_u16; w * h];
    let mut found = Vec::new();
    for y in MARGIN..h - MARGIN {
        for x in MARGIN..w - MARGIN {
            let at = y * w + x;
            let here = i16::from(level.data[at]);
            let ring = |n: usize| i16::from(level.data[at.wrapping_add_signed(around[n])]) - here;
            // Nine in a row hold at least two of these four.
            let compass = [ring(0), ring(4), ring(8), ring(12)];
            let many = |is: &dyn Fn(i16) -> bool| compass.iter().filter(|d| is(**d)).count() >= 2;
            if !many(&|d| d > step) && !many(&|d| d < -step) {
                continue;
            }
            let differences: [i16; 16] = std::array::from_fn(ring);
            let (mut brighter, mut darker) = (0_u32, 0_u32);
            for (n, d) in differences.iter().enumerate() {
                brighter |= u32::from(*d > step) << n;
                darker |= u32::from(*d < -step) << n;
            }
            if nine_in_a_row(brighter) || nine_in_a_row(darker) {
                scores[at] = differences.iter().map(|d| d.unsigned_abs()).sum();
                found.push((x, y));
            }
        }
    }
    let stands_out = |&(x, y): &(usize, usize)| {
        let at = y * w + x;
        let before = [at - w - 1, at - w, at - w + 1, at - 1];
        let after = [at + 1, at + w - 1, at + w, at + w + 1];
        before.iter().all(|n| scores[*n] < scores[at]) && after.iter().all(|n| scores[*n] <= scores[at])
    };
    found.retain(stands_out);
    found
}

fn nine_in_a_row(ring: u32) -> bool {
    let mut run = ring | ring << 16;
    run &= run >> 1;
    run &= run >> 2;
    run &= run >> 4;
    run & (ring | ring << 16) >> 8 & 0xFFFF != 0
}

/// Harris' measure over 7x7 pixels: both directions change.
fn cornerness(level: &Picture, x: usize, y: usize) -> f32 {
    let w = level.width as usize;
    let at = |x: usize, y: usize| i32::from(level.data[y * w + x]);
    let (mut xx, mut yy, mut xy) = (0_i32, 0_i32, 0_i32);
    for y in y - 3..=y + 3 {
        for x in x - 3..=x + 3 {
            let dx = 2 * (at(x + 1, y) - at(x - 1, y))
                + (at(x + 1, y - 1) - at(x - 1, y - 1))
                + (at(x + 1, y + 1) - at(x - 1, y + 1));
            let dy = 2 * (at(x, y + 1) - at(x, y - 1))
                + (at(x - 1, y + 1) - at(x - 1, y - 1))
                + (at(x + 1, y + 1) - at(x + 1, y - 1));
            xx += dx * dx;
            yy += dy * dy;
            xy += dx * dy;
        }
    }
    // A Sobel pair of full steps gives about 1.
    let scale = 1.0 / (49.0 * 1020.0 * 1020.0);
    let (xx, yy, xy) = (xx as f32 * scale, yy as f32 * scale, xy as f32 * scale);
    xx * yy - xy * xy - 0.04 * (xx + yy) * (xx + yy)
}

/// Where the brightness around a corner lies, as one of [`TURNS`] directions.
fn direction(level: &Picture, x: usize, y: usize) -> usize {
    let w = level.width as usize;
    let (mut mx, mut my) = (0_i32, 0_i32);
    for dy in -DISC..=DISC {
        let reach = ((DISC * DISC - dy * dy) as f32).sqrt() as isize;
        let row = y.wrapping_add_signed(dy) * w + x;
        for dx in -reach..=reach {
            let value = i32::from(level.data[row.wrapping_add_signed(dx)]);
            mx += dx as i32 * value;
            my += dy as i32 * value;
        }
    }
    let turn = (my as f32).atan2(mx as f32) / std::f32::consts::TAU * TURNS as f32;
    (turn.round() as isize).rem_euclid(TURNS as isize) as usize
}

/// Five by five Gaussian-like means (1 4 6 4 1 in both directions, twice as wide by a second pass).
pub(super) fn smoothed(level: &Picture) -> Vec<u8> {
    let (w, h) = (level.width as usize, level.height as usize);
    let mut from = level.data.clone();
    if w < 5 || h < 5 {
        return from;
    }
    let mut to = from.clone();
    for _ in 0..2 {
        for (row, out) in from.chunks_exact(w).zip(to.chunks_exact_mut(w)) {
            for (out, five) in out[2..].iter_mut().zip(row.windows(5)) {
                *out = weigh([five[0], five[1], five[2], five[3], five[4]]);
            }
        }
        for y in 2..h - 2 {
            let row = |n: usize| &to[(y + n - 2) * w..(y + n - 1) * w];
            let rows = (row(0), row(1), row(2), row(3), row(4));
            for (x, out) in from[y * w..(y + 1) * w].iter_mut().enumerate() {
                *out = weigh([rows.0[x], rows.1[x], rows.2[x], rows.3[x], rows.4[x]]);
            }
        }
    }
    from
}

fn weigh(v: [u8; 5]) -> u8 {
    let [a, b, c, d, e] = v.map(u16::from);
    ((a + e + 4 * (b + d) + 6 * c + 8) >> 4) as u8
}

type Comparisons = [[(i8, i8); 2]; 256];

/// The points that are compared, for every direction: drawn once from a round normal distribution, as BRIEF proposes.
static COMPARED: LazyLock<Vec<Comparisons>> = LazyLock::new(|| {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    // A sum of twelve is close to normal; no point may leave the disc when it is turned.
    let mut point = || loop {
        let mut normal = || ((0..12).map(|_| uniform()).sum::<f32>() - 6.0) * 31.0 / 5.0;
        let (x, y) = (normal(), normal());
        if x.hypot(y) <= 14.0 {
            return (x, y);
        }
    };
    let pairs: Vec<[(f32, f32); 2]> = (0..256).map(|_| [point(), point()]).collect();
    let turned = |turn: usize| {
        let (sin, cos) = (turn as f32 / TURNS as f32 * std::f32::consts::TAU).sin_cos();
        let point = |(x, y): (f32, f32)| ((cos * x - sin * y).round() as i8, (sin * x + cos * y).round() as i8);
        std::array::from_fn(|n| pairs[n].map(point))
    };
    (0..TURNS).map(turned).collect()
});

fn describe(smooth: &[u8], w: usize, x: usize, y: usize, turn: usize) -> Descriptor {
    let at = |(dx, dy): (i8, i8)| {
        smooth[y.wrapping_add_signed(isize::from(dy)) * w + x.wrapping_add_signed(isize::from(dx))]
    };
    let mut words = [0_u64; 4];
    for (n, [a, b]) in COMPARED[turn].iter().enumerate() {
        words[n / 64] |= u64::from(at(*a) < at(*b)) << (n % 64);
    }
    Descriptor(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

    #[test]
    fn nine_of_sixteen_in_a_row_are_seen_across_the_seam() {
        for start in 0..16 {
            let ring = |n: u32| (0..n).fold(0_u32, |r, i| r | 1 << ((start + i) % 16));
            assert!(nine_in_a_row(ring(9)) && nine_in_a_row(ring(16)), "{start}");
            assert!(!nine_in_a_row(ring(8)), "{start}");
        }
        assert!(!nine_in_a_row(0b0101_0101_0101_0101));
    }

    #[test]
    fn features_are_read_back_from_their_bytes() {
        let features = extract(&samples::text(800, 600).luma());
        assert_eq!((features.width, features.height), (640, 480));
        assert!(features.points.len() > STORED);
        let bytes = features.to_bytes();
        assert_eq!(bytes.len(), 5 + STORED * BYTES_PER_FEATURE);
        let read = Features::from_bytes(&bytes).expect("reads");
        assert_eq!(read.to_bytes().len(), bytes.len());
        for (read, kept) in read.points.iter().zip(features.strongest(STORED)) {
            assert_eq!(read.descriptor, kept.descriptor);
            assert!((read.x - kept.x).abs() <= 0.125 && (read.y - kept.y).abs() <= 0.125);
        }
        assert_eq!(Features::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Features::from_bytes(b"\x01\0"), None);
    }

    #[test]
    fn small_and_plain_pictures_have_none() {
        for (w, h) in [(1, 1), (34, 34), (36, 40), (640, 3), (700, 500)] {
            assert_eq!(extract(&samples::plain(w, h, 90).luma()).points.len(), 0, "{w}x{h}");
        }
    }
}
