//! Bars around a picture: the frame of a screenshot, a border, a caption under it. What is inside has a hash of its own,
//! which is that of the picture before the bars came.

use super::photo::Picture;

/// Long side of the picture in which bars are sought, in pixels.
const SOUGHT_EDGE_PX: u32 = 512;
/// A sample within this distance of a bar's own brightness belongs to it; compression makes bars uneven.
const TONE_REACH: u8 = 6;
/// The outermost line of a bar has this share of such samples; a wall or a floor hardly ever does.
const OUTER_SHARE: f64 = 0.97;
/// A further line with this share of them is part of the bar: clocks, icons and captions may stand on it.
const BAR_SHARE: f64 = 0.55;
/// What is left must have this share of each side, or the whole is mostly bars.
const LEFT_SHARE_MIN: f64 = 0.25;
/// Lines next to a bar are blended with it.
const BLENDED: usize = 1;
/// Shortest side of what is left, in pixels.
const SIDE_MIN_PX: u32 = 64;

/// A frame within a picture, in pixels; the ends are outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Frame {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// The picture without its bars. `None` when it has none, or nearly nothing else.
pub fn trimmed(luma: &Picture) -> Option<Picture> {
    let small = luma.fit(SOUGHT_EDGE_PX);
    let (w, h) = (small.width as usize, small.height as usize);
    let whole = Frame { left: 0, top: 0, right: w, bottom: h };
    let mut frame = whole;
    // A bar at a side is often seen only once those above and below are gone.
    for _ in 0..3 {
        let before = frame;
        frame.top += bar(&small, frame, frame.bottom - frame.top, |n| (frame.top + n, true));
        frame.bottom -= bar(&small, frame, frame.bottom - frame.top, |n| (frame.bottom - 1 - n, true));
        frame.left += bar(&small, frame, frame.right - frame.left, |n| (frame.left + n, false));
        frame.right -= bar(&small, frame, frame.right - frame.left, |n| (frame.right - 1 - n, false));
        if frame == before {
            break;
        }
    }
    let left_over = |a: usize, b: usize, side: usize| (b - a) as f64 >= side as f64 * LEFT_SHARE_MIN;
    if frame == whole || !left_over(frame.left, frame.right, w) || !left_over(frame.top, frame.bottom, h) {
        return None;
    }
    let scale = |at: usize, side: u32, of: usize| (at as u64 * u64::from(side) / of.max(1) as u64) as u32;
    let (left, right) = (scale(frame.left, luma.width, w), scale(frame.right, luma.width, w));
    let (top, bottom) = (scale(frame.top, luma.height, h), scale(frame.bottom, luma.height, h));
    if right.saturating_sub(left).min(bottom.saturating_sub(top)) < SIDE_MIN_PX {
        return None;
    }
    let row = |y: u32| {
        let start = (y * luma.width) as usize;
        &luma.data[start + left as usize..start + right as usize]
    };
    Picture::new(right - left, bottom - top, 1, (top..bottom).flat_map(row).copied().collect())
}

/// How many lines from one side inwards are a bar. `line` gives the place of the n-th line and whether it is a row.
fn bar(picture: &Picture, frame: Frame, lines: usize, line: impl Fn(usize) -> (usize, bool)) -> usize {
    let samples = |n: usize| -> Vec<u8> {
        let at = |x: usize, y: usize| picture.data[y * picture.width as usize + x];
        match line(n) {
            (y, true) => (frame.left..frame.right).map(|x| at(x, y)).collect(),
            (x, false) => (frame.top..frame.bottom).map(|y| at(x, y)).collect(),
        }
    };
    if lines == 0 {
        return 0;
    }
    let mut first = samples(0);
    if first.is_empty() {
        return 0;
    }
    first.sort_unstable();
    let tone = first[first.len() / 2];
    let is_bar = |n: &usize| {
        let samples = samples(*n);
        let own = samples.iter().filter(|s| s.abs_diff(tone) <= TONE_REACH).count();
        own as f64 >= samples.len() as f64 * if *n == 0 { OUTER_SHARE } else { BAR_SHARE }
    };
    match (0..lines - 1).take_while(is_bar).count() {
        0 => 0,
        n => (n + BLENDED).min(lines - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{pdq, samples};

    /// The picture with bars of these widths (left, top, right, bottom) around it.
    fn framed(picture: &Picture, [l, t, r, b]: [u32; 4], tone: u8) -> Picture {
        let (width, height) = (picture.width + l + r, picture.height + t + b);
        let at = |x: u32, y: u32| match (x.checked_sub(l), y.checked_sub(t)) {
            (Some(x), Some(y)) if x < picture.width && y < picture.height => {
                picture.data[(y * picture.width + x) as usize]
            }
            _ => tone,
        };
        let data = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
        Picture::new(width, height, 1, data).expect("fills")
    }

    #[test]
    fn a_framed_picture_has_the_hash_of_what_is_inside() {
        let picture = samples::text(600, 450).luma();
        let inside = pdq::hash(&picture).expect("large enough").symmetries[0];
        for bars in [[40, 40, 40, 40], [0, 300, 0, 280], [0, 0, 0, 60], [90, 0, 0, 0], [30, 200, 30, 90]] {
            for tone in [0, 245] {
                let trimmed = trimmed(&framed(&picture, bars, tone)).expect("has bars");
                let hash = pdq::hash(&trimmed).expect("large enough").symmetries[0];
                assert!(hash.distance(&inside) <= 24, "{bars:?} {tone}: {}", hash.distance(&inside));
            }
        }
    }

    #[test]
    fn a_picture_without_bars_or_with_nothing_else_is_left_alone() {
        assert_eq!(trimmed(&samples::text(600, 450).luma()), None);
        assert_eq!(trimmed(&samples::plain(600, 450, 70).luma()), None);
        for (w, h) in [(1, 1), (2, 300), (64, 64)] {
            trimmed(&samples::plain(w, h, 9).luma());
            trimmed(&samples::text(w, h).luma());
        }
    }
}
