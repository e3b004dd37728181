//! PDQ, a 256-bit perceptual hash (published by Facebook, 2019), written from its description: two passes of a box
//! filter, 64x64 means, a 16x16 corner of the cosine transform, bits above the median. The hash equals that of the
//! published program; the hashes of the mirrored and turned pictures are those it would give to them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::photo::Picture;

const GRID: usize = 64;
const CORNER: usize = 16;
/// Long side of the picture that is hashed, in pixels: larger ones are scaled down first.
pub const HASHED_EDGE_PX: u32 = 512;
/// Below this quality a picture is too flat: its hash says nothing and is never searched.
pub const QUALITY_MIN: u8 = 50;

/// A 256-bit hash, most significant word first, as its usual hexadecimal text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Pdq(pub [u64; 4]);

impl Pdq {
    /// Bits that differ, 0 to 256.
    pub fn distance(&self, other: &Pdq) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Pdq> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut words = [0; 4];
        for (word, at) in words.iter_mut().zip((0..64).step_by(16)) {
            *word = u64::from_str_radix(&text[at..at + 16], 16).ok()?;
        }
        Some(Pdq(words))
    }

    /// 32 bytes, most significant first, for a database column.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8; 32]) -> Pdq {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        }
        Pdq(words)
    }
}

impl fmt::Display for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

impl Serialize for Pdq {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pdq {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Pdq, D::Error> {
        let text = String::deserialize(d)?;
        Pdq::parse(&text).ok_or_else(|| serde::de::Error::custom("not a PDQ hash of 64 hexadecimal digits"))
    }
}

/// One of the eight ways to turn a picture, flipped first and then transposed, in the order of [`Prints::symmetries`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Symmetry {
    pub transposed: bool,
    pub flipped_x: bool,
    pub flipped_y: bool,
}

impl Symmetry {
    /// Number 0 is the picture itself.
    pub const fn numbered(n: usize) -> Symmetry {
        Symmetry { flipped_x: n & 1 == 1, flipped_y: n & 2 == 2, transposed: n & 4 == 4 }
    }

    pub const fn number(self) -> usize {
        self.flipped_x as usize | (self.flipped_y as usize) << 1 | (self.transposed as usize) << 2
    }

    /// A mirror image, not merely a turned one.
    pub fn is_mirrored(self) -> bool {
        self.transposed ^ self.flipped_x ^ self.flipped_y
    }
}

/// The hash of a picture, its eight symmetries (the first is the hash itself) and its quality, 0 to 100.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prints {
    pub symmetries: [Pdq; 8],
    pub quality: u8,
}

/// Hashes luma; scales it down first when its long side is above [`HASHED_EDGE_PX`]. `None` below 64 pixels, where
/// the method says nothing.
pub fn hash(luma: &Picture) -> Option<Prints> {
    if luma.width.min(luma.height) < GRID as u32 {
        return None;
    }
    let luma = luma.fit(HASHED_EDGE_PX);
    let mut prints = Prints { symmetries: [Pdq::default(); 8], quality: 0 };
    for n in 0..4 {
        // The method leans by a pixel or two to the lower right, so flips are hashed anew; a transpose is exact.
        let grid = grid(&flipped(&luma, Symmetry::numbered(n)));
        let corner = corner(&grid);
        prints.symmetries[n] = bits(|i, j| corner[i][j]);
        prints.symmetries[n + 4] = bits(|i, j| corner[j][i]);
        if n == 0 {
            prints.quality = quality(&grid);
        }
    }
    Some(prints)
}

fn flipped(luma: &Picture, symmetry: Symmetry) -> Picture {
    let orientation = match (symmetry.flipped_x, symmetry.flipped_y) {
        (false, false) => 1,
        (true, false) => 2,
        (true, true) => 3,
        (false, true) => 4,
    };
    luma.clone().upright(orientation)
}

/// 64x64 means: two passes of a box filter as wide as a cell, then the sample at the middle of each cell.
fn grid(luma: &Picture) -> Vec<f32> {
    let (w, h) = (luma.width as usize, luma.height as usize);
    let mut samples: Vec<f32> = luma.data.iter().map(|&s| f32::from(s)).collect();
    let mut other = vec![0_f32; samples.len()];
    let window = |side: usize| side.div_ceil(2 * GRID);
    for _ in 0..2 {
        for (from, to) in samples.chunks_exact(w).zip(other.chunks_exact_mut(w)) {
            box_row(from, to, window(w));
        }
        box_columns(&other, &mut samples, w, h, window(h));
    }
    let middle = |i: usize, side: usize| (2 * i + 1) * side / (2 * GRID);
    let cell = |n: usize| samples[middle(n / GRID, h) * w + middle(n % GRID, w)];
    (0..GRID * GRID).map(cell).collect()
}

/// The window at `i`, cut at the ends; an even one leans to the right, as in the published method.
fn span(i: usize, side: usize, window: usize) -> (usize, usize) {
    let right = window / 2 + 1;
    let left = window - right;
    (i.saturating_sub(left), (i + right).min(side))
}

fn box_row(from: &[f32], to: &mut [f32], window: usize) {
    let (mut start, mut end, mut sum) = (0, 0, 0_f32);
    for (i, out) in to.iter_mut().enumerate() {
        let (s, e) = span(i, from.len(), window);
        while end < e {
            sum += from[end];
            end += 1;
        }
        while start < s {
            sum -= from[start];
            start += 1;
        }
        *out = sum / (e - s) as f32;
    }
}

/// As [`box_row`] for every column at once, so that memory is read in rows.
fn box_columns(from: &[f32], to: &mut [f32], w: usize, h: usize, window: usize) {
    let row = |y: usize| &from[y * w..(y + 1) * w];
    let mut sums = vec![0_f32; w];
    let (mut start, mut end) = (0, 0);
    for (y, out) in to.chunks_exact_mut(w).enumerate() {
        let (s, e) = span(y, h, window);
        while end < e {
            sums.iter_mut().zip(row(end)).for_each(|(sum, v)| *sum += v);
            end += 1;
        }
        while start < s {
            sums.iter_mut().zip(row(start)).for_each(|(sum, v)| *sum -= v);
            start += 1;
        }
        let n = (e - s) as f32;
        out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = sum / n);
    }
}

/// How much structure there is: summed steps between neighbouring cells, scaled to 0 to 100.
fn quality(grid: &[f32]) -> u8 {
    let step = |a: f32, b: f32| ((a - b) * 100.0 / 255.0) as i32;
    let mut sum = 0;
    for y in 0..GRID {
        for x in 0..GRID {
            let here = grid[y * GRID + x];
            if y + 1 < GRID {
                sum += step(here, grid[(y + 1) * GRID + x]).abs();
            }
            if x + 1 < GRID {
                sum += step(here, grid[y * GRID + x + 1]).abs();
            }
        }
    }
    (sum / 90).min(100) as u8
}

/// The lowest 16x16 cosine coefficients without the constant ones.
fn corner(grid: &[f32]) -> [[f32; CORNER]; CORNER] {
    let basis: Vec<[f32; GRID]> = (1..=CORNER)
        .map(|k| {
            let wave = |x: usize| (std::f64::consts::PI / (2 * GRID) as f64 * (k * (2 * x + 1)) as f64).cos();
            std::array::from_fn(|x| ((2.0 / GRID as f64).sqrt() * wave(x)) as f32)
        })
        .collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let mut half = [[0_f32; GRID]; CORNER];
    for (k, row) in half.iter_mut().enumerate() {
        for (y, &weight) in basis[k].iter().enumerate() {
            row.iter_mut().zip(&grid[y * GRID..(y + 1) * GRID]).for_each(|(sum, v)| *sum += weight * v);
        }
    }
    std::array::from_fn(|i| std::array::from_fn(|j| dot(&half[i], &basis[j])))
}

/// One bit per coefficient: above the lower median or not. Coefficient 0 is the lowest bit.
fn bits(coefficient: impl Fn(usize, usize) -> f32) -> Pdq {
    let values: [f32; CORNER * CORNER] = std::array::from_fn(|n| coefficient(n / CORNER, n % CORNER));
    let mut sorted = values;
    let (_, &mut median, _) = sorted.select_nth_unstable_by(CORNER * CORNER / 2 - 1, f32::total_cmp);
    let mut words = [0_u64; 4];
    for (n, _) in values.iter().enumerate().filter(|(_, v)| **v > median) {
        words[3 - n / 64] |= 1 << (n % 64);
    }
    Pdq(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

    #[test]
    fn a_hash_reads_back_as_text_and_bytes() {
        let hash = Pdq([1, u64::MAX, 0, 0xABCD]);
        assert_eq!(Pdq::parse(&hash.to_string()), Some(hash));
        assert_eq!(Pdq::from_bytes(&hash.to_bytes()), hash);
        assert_eq!(Pdq::parse("00"), None);
        assert_eq!(Pdq::parse(&"é".repeat(32)), None);
        assert_eq!(hash.distance(&Pdq([0, 0, 0, 0xABCD])), 65);
    }

    #[test]
    fn half_of_the_bits_are_set_and_the_first_symmetry_is_the_hash() {
        let prints = hash(&samples::text(512, 384).luma()).expect("large enough");
        assert_eq!(prints.symmetries[0].0.iter().map(|w| w.count_ones()).sum::<u32>(), 128);
        assert!(prints.quality >= QUALITY_MIN);
        assert!(hash(&samples::plain(400, 300, 90).luma()).expect("large enough").quality < QUALITY_MIN);
        assert!(hash(&samples::text(63, 400).luma()).is_none());
    }

    /// The hash and quality that the published program (PyPI `pdqhash` 0.2.8) gives to these samples.
    #[test]
    fn the_hash_is_that_of_the_published_program() {
        let reference = [
            ((512, 384, 7), "34aca38678adc695bd0589480f12dcd98b47aa870278346e3ab0f0c197dbef7f"),
            ((301, 512, 3), "19f1540add23f5a64a198a5a22d4aff5670e15fe0cec9bbb09159ee1c8272d2b"),
            ((97, 64, 11), "3604d270e28832a082d844093d665d1dc1935afe8beed97c6cbf4dbf6c9f8723"),
            ((64, 64, 2), "7b0acf33cd973fb4829548dbf868744e86353a60988c857d292cec2e6d7c8a4e"),
        ];
        for ((width, height, seed), expected) in reference {
            let prints = hash(&samples::scene(width, height, seed).luma()).expect("large enough");
            assert_eq!(prints.symmetries[0].to_string(), expected, "{width}x{height}, {seed}");
            assert_eq!(prints.quality, 100);
        }
    }

    #[test]
    fn a_turned_or_mirrored_picture_is_found_among_the_symmetries() {
        let picture = samples::text(512, 384).luma();
        let prints = hash(&picture).expect("large enough");
        for orientation in 1..=8 {
            let turned = hash(&picture.clone().upright(orientation)).expect("large enough").symmetries[0];
            let (n, distance) = (0..8)
                .map(|n| (n, prints.symmetries[n].distance(&turned)))
                .min_by_key(|(_, d)| *d)
                .expect("eight of them");
            assert!(distance <= 4, "orientation {orientation}: {distance}");
            let mirrored = matches!(orientation, 2 | 4 | 5 | 7);
            assert_eq!(Symmetry::numbered(n).is_mirrored(), mirrored, "orientation {orientation}");
        }
    }
}
