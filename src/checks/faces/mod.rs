//! Faces in what brands see: found by a detector, then replaced by block means, of which no face can be made again.
//! Hiding is plain pixel work and always built; finding needs the feature `faces` and a model. What cannot be looked at is
//! an error, never an unhidden picture. It reduces what can be recognised: profiles, masks and reflections are missed.

#[cfg(feature = "faces")]
mod centerface;

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "faces")]
pub use self::centerface::CenterFace;
use super::format::{self, Format};
use super::photo;
pub use super::photo::Picture;
use super::rendition::{self, Renditions};

/// Version of finder, limits and hiding; stored with every hidden photo.
pub const RULE_VERSION: &str = "faces-2";

/// Side of the smallest block, in pixels: JPEG's own, so that a block becomes one number in the file.
const BLOCK_PX: u32 = 8;
/// Most blocks along the longer side of a face: a mosaic of many blocks can still be recognised, and of four the model
/// itself still finds a face.
const BLOCKS_MAX: u32 = 3;
/// How much a box grows, as a share of its size, half on each side: detectors cut hair and chin.
const GROWTH: f32 = 0.2;

/// Where a face is, in pixels of the picture that was searched; may reach over its edges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// Finds faces. Made once, used by several threads.
pub trait Finder: Send + Sync {
    /// Faces of an upright picture, or a sentence when it could not be searched.
    fn find(&self, picture: &Picture) -> Result<Vec<Area>, String>;
}

/// What a brand may see of a photo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hidden {
    pub renditions: Renditions,
    /// Faces that were hidden.
    pub count: usize,
}

/// Hides what `finder` finds in a rendition (a JPEG that this program made) and makes both sizes anew. Never panics.
pub fn hide_in(finder: &dyn Finder, rendition: &[u8]) -> Result<Hidden, String> {
    let hidden = catch_unwind(AssertUnwindSafe(|| {
        let layout = format::walk_jpeg(rendition, 1);
        let decoded = photo::decode(rendition, Format::Jpeg, &layout, true).filter(|decoded| decoded.strict);
        let mut picture = decoded.ok_or("the rendition cannot be read")?.planes.interleaved();
        let areas = finder.find(&picture)?;
        let count = hide(&mut picture, &areas);
        let renditions = rendition::encode_both(&picture).ok_or("the rendition cannot be written")?;
        Ok(Hidden { renditions, count })
    }));
    hidden.unwrap_or_else(|_| Err("the search for faces stopped".to_owned()))
}

/// Replaces each area, grown by a fifth, by the means of its blocks; returns how many areas touched the picture.
/// Blocks stand on the picture's own grid of 8 pixels, so that each becomes a plain block of the JPEG.
pub fn hide(picture: &mut Picture, areas: &[Area]) -> usize {
    let blocks: Vec<Blocks> = areas.iter().filter_map(|area| Blocks::over(area, picture)).collect();
    for blocks in &blocks {
        blocks.flatten(picture);
    }
    blocks.len()
}

/// Pixels from `left` to before `right`, from `top` to before `bottom`, in squares of `side`.
struct Blocks {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    side: u32,
}

impl Blocks {
    /// The blocks that hide an area; `None` when it lies outside the picture.
    fn over(area: &Area, picture: &Picture) -> Option<Blocks> {
        let grown = |from: f32, size: f32, edge: u32| {
            let more = size.max(0.0) * GROWTH / 2.0;
            // What is no number reaches from edge to edge: too much is hidden rather than too little.
            let (first, last) = ((from - more).max(0.0), (from + size + more).min(edge as f32));
            (first < last).then_some((first.floor() as u32, last.ceil() as u32))
        };
        let (left, right) = grown(area.left, area.width, picture.width)?;
        let (top, bottom) = grown(area.top, area.height, picture.height)?;
        let side = (right - left).max(bottom - top).div_ceil(BLOCKS_MAX).next_multiple_of(BLOCK_PX);
        Some(Blocks {
            left: left / BLOCK_PX * BLOCK_PX,
            top: top / BLOCK_PX * BLOCK_PX,
            right: right.next_multiple_of(BLOCK_PX).min(picture.width),
            bottom: bottom.next_multiple_of(BLOCK_PX).min(picture.height),
            side,
        })
    }

    fn flatten(&self, picture: &mut Picture) {
        for top in (self.top..self.bottom).step_by(self.side as usize) {
            for left in (self.left..self.right).step_by(self.side as usize) {
                let (right, bottom) = ((left + self.side).min(self.right), (top + self.side).min(self.bottom));
                flatten(picture, (left, top), (right, bottom));
            }
        }
    }
}

/// Gives every pixel from `from` to before `to` their mean.
fn flatten(picture: &mut Picture, from: (u32, u32), to: (u32, u32)) {
    let (n, stride) = (picture.channels, picture.width as usize * picture.channels);
    let row = |y: u32| y as usize * stride + from.0 as usize * n..y as usize * stride + to.0 as usize * n;
    let mut sums = [0_u64; 3];
    for y in from.1..to.1 {
        for pixel in picture.data[row(y)].chunks_exact(n) {
            sums.iter_mut().zip(pixel).for_each(|(sum, sample)| *sum += u64::from(*sample));
        }
    }
    let count = u64::from(to.0 - from.0) * u64::from(to.1 - from.1);
    let mean = sums.map(|sum| ((sum + count / 2) / count) as u8);
    for y in from.1..to.1 {
        for pixel in picture.data[row(y)].chunks_exact_mut(n) {
            pixel.copy_from_slice(&mean[..n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

    fn noise(width: u32, height: u32, channels: usize) -> Picture {
        let mut seed = 7_u32;
        let data = (0..width as usize * height as usize * channels).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        });
        Picture::new(width, height, channels, data.collect()).expect("fills")
    }

    fn pixel(picture: &Picture, x: u32, y: u32) -> &[u8] {
        let at = (y as usize * picture.width as usize + x as usize) * picture.channels;
        &picture.data[at..at + picture.channels]
    }

    const FACE: Area = Area { left: 50.0, top: 42.0, width: 30.0, height: 40.0 };

    #[test]
    fn every_block_of_a_hidden_face_is_one_colour_and_nothing_else_changes() {
        for channels in [1, 3] {
            let before = noise(160, 120, channels);
            let mut after = before.clone();
            assert_eq!(hide(&mut after, &[FACE]), 1);
            // 50-3..80+3 and 42-4..82+4, out to the grid of 8.
            let (across, down) = (40..88, 32..88);
            for y in 0..120 {
                for x in 0..160 {
                    if across.contains(&x) && down.contains(&y) {
                        assert_eq!(pixel(&after, x, y), pixel(&after, x / 8 * 8, y / 8 * 8), "{x},{y}");
                    } else {
                        assert_eq!(pixel(&after, x, y), pixel(&before, x, y), "{x},{y}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_but_the_means_of_the_blocks_is_left() {
        // Two faces that differ in every pixel and agree in the means of 8 x 8 pixels become the same bytes.
        let one = noise(160, 120, 1);
        let mut other = one.clone();
        for y in 0..120_u32 {
            for pair in other.data[y as usize * 160..][..160].chunks_exact_mut(2) {
                pair.swap(0, 1);
            }
        }
        let all = Area { left: 0.0, top: 0.0, width: 160.0, height: 120.0 };
        assert!(one != other);
        let hidden = [one, other].map(|mut picture| {
            hide(&mut picture, &[all]);
            picture
        });
        assert!(hidden[0] == hidden[1]);
    }

    #[test]
    fn a_face_never_keeps_more_than_a_few_blocks_however_large_it_is() {
        for size in [5.0_f32, 20.0, 60.0, 200.0, 700.0] {
            let mut picture = noise(1000, 1000, 1);
            hide(&mut picture, &[Area { left: 100.0, top: 100.0, width: size, height: size }]);
            let middle = 100 + size as u32 / 2;
            let row: Vec<u8> = (0..size as u32).map(|x| pixel(&picture, 100 + x, middle)[0]).collect();
            let changes = row.windows(2).filter(|two| two[0] != two[1]).count();
            assert!(changes <= BLOCKS_MAX as usize, "{size}: {changes}");
        }
    }

    #[test]
    fn boxes_are_cut_at_the_edges_and_boxes_outside_hide_nothing() {
        let before = noise(100, 70, 3);
        let mut after = before.clone();
        let at = |left, top| Area { left, top, width: 30.0, height: 30.0 };
        assert_eq!(hide(&mut after, &[at(200.0, 10.0), at(-90.0, 10.0), at(f32::INFINITY, 0.0)]), 0);
        assert!(after == before);
        assert_eq!(hide(&mut after, &[Area { left: 10.0, top: 10.0, width: -5.0, height: 30.0 }]), 0);
        assert_eq!(hide(&mut after, &[at(-20.0, -20.0), at(90.0, 60.0)]), 2);
        assert_eq!(pixel(&after, 0, 0), pixel(&after, 7, 7));
        assert_eq!(pixel(&after, 99, 69), pixel(&after, 96, 64));
        assert_eq!(pixel(&after, 50, 30), pixel(&before, 50, 30));
        assert_eq!(hide(&mut after, &[at(50.0, f32::NAN)]), 1);
        assert!((0..70).all(|y| pixel(&after, 60, y) == pixel(&after, 60, y / 8 * 8)), "the whole height");
    }

    /// Says what it was told to.
    struct Told(Result<Vec<Area>, String>);

    impl Finder for Told {
        fn find(&self, _: &Picture) -> Result<Vec<Area>, String> {
            self.0.clone()
        }
    }

    struct Falls;

    impl Finder for Falls {
        fn find(&self, _: &Picture) -> Result<Vec<Area>, String> {
            panic!("on purpose")
        }
    }

    fn file() -> Vec<u8> {
        samples::jpeg(&samples::scene(640, 480, 3))
    }

    #[test]
    fn both_sizes_are_made_of_the_hidden_picture_and_carry_no_metadata() {
        let face = Area { left: 200.0, top: 200.0, width: 100.0, height: 100.0 };
        let hidden = hide_in(&Told(Ok(vec![face])), &file()).expect("readable");
        assert_eq!(hidden.count, 1);
        let plain = hide_in(&Told(Ok(vec![])), &file()).expect("readable");
        assert_eq!(plain.count, 0);
        assert_ne!(hidden.renditions.large, plain.renditions.large);
        assert_ne!(hidden.renditions.small, plain.renditions.small);
        for file in [&hidden.renditions.large, &hidden.renditions.small] {
            assert!(!file.windows(4).any(|four| four == b"Exif"));
        }
    }

    #[test]
    fn what_cannot_be_searched_gives_an_error_and_no_picture() {
        assert_eq!(hide_in(&Told(Err("no".to_owned())), &file()), Err("no".to_owned()));
        assert!(hide_in(&Falls, &file()).is_err());
        assert!(hide_in(&Told(Ok(vec![])), b"<html>").is_err());
        assert!(hide_in(&Told(Ok(vec![])), &file()[..2000]).is_err());
    }
}
