//! Operations on pictures that attacks are made of: scaling, cutting, turning, warping, blur, light. 8-bit RGB in, 8-bit
//! RGB out. Plain and exact rather than fast; nothing here knows what the checks look for.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, ImageReader, Limits, Pixel, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

use super::statistics::Dice;

/// Most memory that one decoded source may take, in bytes.
const SOURCE_MEMORY_MAX: u64 = 400 << 20;

/// A picture as stored, without turning it by its EXIF orientation. `None` when it cannot be decoded.
pub fn decode(bytes: &[u8]) -> Option<RgbImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(SOURCE_MEMORY_MAX);
    reader.limits(limits);
    reader.decode().ok().map(|picture| picture.into_rgb8())
}

/// Samples of 8 bits, grey or RGB.
type Samples<P> = ImageBuffer<P, Vec<u8>>;

/// A JPEG file without any metadata. Empty for a picture that no JPEG can hold (a side of 0 or above 65 535).
pub fn jpeg<P: Pixel<Subpixel = u8>>(picture: &Samples<P>, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let (Ok(width), Ok(height)) = (u16::try_from(picture.width()), u16::try_from(picture.height())) else {
        return out;
    };
    let kind = if P::CHANNEL_COUNT == 1 { ColorType::Luma } else { ColorType::Rgb };
    match Encoder::new(&mut out, quality).encode(picture.as_raw(), width, height, kind) {
        Ok(()) => out,
        Err(_) => Vec::new(),
    }
}

/// By area, so that the long side has at most `edge` pixels. Never enlarges.
pub fn fit(picture: &RgbImage, edge: u32) -> RgbImage {
    let long = picture.width().max(picture.height());
    if long <= edge {
        return picture.clone();
    }
    let scale = |side: u32| ((f64::from(side) * f64::from(edge) / f64::from(long)).round() as u32).max(1);
    imageops::thumbnail(picture, scale(picture.width()), scale(picture.height()))
}

pub fn resize(picture: &RgbImage, share: f64) -> RgbImage {
    let scale = |side: u32| ((f64::from(side) * share).round() as u32).max(1);
    imageops::resize(picture, scale(picture.width()), scale(picture.height()), FilterType::Triangle)
}

/// What is left after shares of the width and height are cut off at the left, top, right and bottom.
pub fn crop(picture: &RgbImage, [left, top, right, bottom]: [f64; 4]) -> RgbImage {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    let (x, y) = ((w * left).round() as u32, (h * top).round() as u32);
    let width = ((w * (1.0 - left - right)).round() as u32).clamp(1, picture.width() - x);
    let height = ((h * (1.0 - top - bottom)).round() as u32).clamp(1, picture.height() - y);
    imageops::crop_imm(picture, x, y, width, height).to_image()
}

/// A plain frame around the picture, as wide as a share of its long side.
pub fn frame(picture: &RgbImage, share: f64, colour: [u8; 3]) -> RgbImage {
    let wide = (f64::from(picture.width().max(picture.height())) * share).round() as u32;
    let mut out = RgbImage::from_pixel(picture.width() + 2 * wide, picture.height() + 2 * wide, Rgb(colour));
    imageops::replace(&mut out, picture, i64::from(wide), i64::from(wide));
    out
}

/// Fills a rectangle; what lies outside the picture is left out.
pub fn fill(picture: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, colour: [u8; 3]) {
    for py in y..(y.saturating_add(height)).min(picture.height()) {
        for px in x..(x.saturating_add(width)).min(picture.width()) {
            picture.put_pixel(px, py, Rgb(colour));
        }
    }
}

/// Rows of dark strokes like letters on the given rectangle.
pub fn writing(picture: &mut RgbImage, [x, y, width, height]: [u32; 4], colour: [u8; 3], dice: &mut Dice) {
    let line = (height / 3).max(6);
    for top in (y + line / 3..(y + height).saturating_sub(line / 2)).step_by(line as usize) {
        let mut at = x + line / 2;
        while at + line < x + width {
            let tall = line / 2 + dice.roll((line / 5) as usize + 1) as u32;
            fill(picture, at, top, (line / 8).max(1), tall, colour);
            fill(picture, at, top + dice.roll(tall as usize) as u32, line / 3, (line / 8).max(1), colour);
            at += line / 2 + dice.roll(line as usize / 2 + 1) as u32;
        }
    }
}

/// Turned so that a stored picture with this EXIF orientation (1 to 8) stands upright.
pub fn upright(picture: &RgbImage, orientation: u8) -> RgbImage {
    match orientation {
        2 => imageops::flip_horizontal(picture),
        3 => imageops::rotate180(picture),
        4 => imageops::flip_vertical(picture),
        5 => imageops::flip_horizontal(&imageops::rotate90(picture)),
        6 => imageops::rotate90(picture),
        7 => imageops::flip_horizontal(&imageops::rotate270(picture)),
        8 => imageops::rotate270(picture),
        _ => picture.clone(),
    }
}

/// Each sample moved by `f`, which works on 0 to 1.
pub fn toned(picture: &RgbImage, f: impl Fn(f64) -> f64) -> RgbImage {
    let table: Vec<u8> = (0..256).map(|n| (f(f64::from(n) / 255.0) * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let mut out = picture.clone();
    out.iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]);
    out
}

/// More or less light on the sensor, by stops: doubled or halved in linear light, then cut off, as a wrong exposure does.
pub fn exposed(picture: &RgbImage, stops: f64) -> RgbImage {
    let linear = |v: f64| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
    let encoded = |v: f64| if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    toned(picture, |v| encoded((linear(v) * stops.exp2()).min(1.0)))
}

pub fn grey(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    for Rgb([r, g, b]) in out.pixels_mut() {
        let y = (f64::from(*r) * 0.299 + f64::from(*g) * 0.587 + f64::from(*b) * 0.114).round() as u8;
        (*r, *g, *b) = (y, y, y);
    }
    out
}

/// Brightness alone.
pub fn luma(picture: &RgbImage) -> GrayImage {
    imageops::grayscale(picture)
}

/// Even noise of plus or minus `reach` on every sample.
pub fn noisy(picture: &RgbImage, reach: i32, dice: &mut Dice) -> RgbImage {
    let mut out = picture.clone();
    let sides = (2 * reach + 1) as u64;
    for sample in out.iter_mut() {
        let step = ((dice.next() >> 32) * sides) >> 32;
        *sample = (i32::from(*sample) + step as i32 - reach).clamp(0, 255) as u8;
    }
    out
}

/// Maps a point of the result to a point of the source: `(a x + b y + c) / w, (d x + e y + f) / w` with
/// `w = g x + h y + 1`.
pub type Map = [f64; 8];

/// The map that takes the corners of a picture (upper left, upper right, lower right, lower left) to `corners`.
/// `None` when three of them lie on a line.
pub fn map_to(width: f64, height: f64, corners: [(f64, f64); 4]) -> Option<Map> {
    let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = corners;
    // Heckbert (1989): from the unit square to a quadrilateral.
    let (dx1, dx2, dx3) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, dy3) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let det = dx1 * dy2 - dx2 * dy1;
    if det.abs() < 1e-9 {
        return None;
    }
    let g = (dx3 * dy2 - dx2 * dy3) / det;
    let h = (dx1 * dy3 - dx3 * dy1) / det;
    let unit = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h];
    let [a, b, c, d, e, f, g, h] = unit;
    Some([a / width, b / height, c, d / width, e / height, f, g / width, h / height])
}

/// A picture of the given size whose samples come from `map`, blended from four neighbours; `outside` where the
/// source has none.
pub fn warp(picture: &RgbImage, width: u32, height: u32, map: &Map, outside: [u8; 3]) -> RgbImage {
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let raw = picture.as_raw();
    let mut out = RgbImage::from_pixel(width, height, Rgb(outside));
    for (y, row) in out.chunks_exact_mut(width as usize * 3).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
            let depth = map[6] * px + map[7] * py + 1.0;
            let sx = (map[0] * px + map[1] * py + map[2]) / depth - 0.5;
            let sy = (map[3] * px + map[4] * py + map[5]) / depth - 0.5;
            if !(sx >= -0.5 && sy >= -0.5 && sx <= w as f64 - 0.5 && sy <= h as f64 - 0.5) {
                continue;
            }
            let (sx, sy) = (sx.clamp(0.0, (w - 1) as f64), sy.clamp(0.0, (h - 1) as f64));
            let (x0, y0) = (sx as usize, sy as usize);
            let (x1, y1) = ((x0 + 1).min(w - 1), (y0 + 1).min(h - 1));
            let (fx, fy) = ((sx - x0 as f64) as f32, (sy - y0 as f64) as f32);
            for (n, sample) in pixel.iter_mut().enumerate() {
                let at = |x: usize, y: usize| f32::from(raw[(y * w + x) * 3 + n]);
                let upper = at(x0, y0) * (1.0 - fx) + at(x1, y0) * fx;
                let lower = at(x0, y1) * (1.0 - fx) + at(x1, y1) * fx;
                *sample = (upper * (1.0 - fy) + lower * fy).round() as u8;
            }
        }
    }
    out
}

/// Turned by degrees and enlarged until no corner is empty, as a program that straightens pictures does.
pub fn tilted(picture: &RgbImage, degrees: f64) -> RgbImage {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    let (sin, cos) = degrees.to_radians().sin_cos();
    let grow = cos + sin.abs() * (w / h).max(h / w);
    let (a, b) = (cos / grow, sin / grow);
    let (mx, my) = (w / 2.0, h / 2.0);
    let map = [a, -b, mx - a * mx + b * my, b, a, my - b * mx - a * my, 0.0, 0.0];
    warp(picture, picture.width(), picture.height(), &map, [0; 3])
}

/// Seen from aside: each corner moved inwards by up to `share` of the sides, at least half of it at one corner.
pub fn slanted(picture: &RgbImage, share: f64, dice: &mut Dice) -> RgbImage {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    let full = dice.roll(4);
    let mut inward = |n: usize| dice.between(if n == full { share / 2.0 } else { 0.0 }, share);
    let corners = [(0.0, 0.0, 1.0, 1.0), (w, 0.0, -1.0, 1.0), (w, h, -1.0, -1.0), (0.0, h, 1.0, -1.0)];
    let mut moved = [(0.0, 0.0); 4];
    for (n, (x, y, right, down)) in corners.into_iter().enumerate() {
        moved[n] = (x + right * inward(n) * w, y + down * inward(n) * h);
    }
    match map_to(w, h, moved) {
        Some(map) => warp(picture, picture.width(), picture.height(), &map, [0; 3]),
        None => picture.clone(),
    }
}

/// Gaussian blur with a standard deviation in pixels.
pub fn blurred<P: Pixel<Subpixel = u8>>(picture: &Samples<P>, deviation: f64) -> Samples<P> {
    let reach = (deviation * 3.0).ceil() as usize;
    let weight = |n: usize| (-((n as f64 - reach as f64).powi(2)) / (2.0 * deviation * deviation)).exp();
    let weights: Vec<f64> = (0..=2 * reach).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    // Whole numbers in 1/65536, so that every machine gives the same picture.
    let weights: Vec<u32> = weights.iter().map(|w| (w / sum * 65536.0).round() as u32).collect();
    let along: Vec<(isize, isize, u32)> =
        weights.iter().enumerate().map(|(n, w)| (n as isize - reach as isize, 0, *w)).collect();
    let down: Vec<(isize, isize, u32)> = along.iter().map(|(n, _, w)| (0, *n, *w)).collect();
    gathered(&gathered(picture, &along), &down)
}

/// Dragged along a line of `length` pixels at an angle, as by a moving hand.
pub fn dragged<P: Pixel<Subpixel = u8>>(picture: &Samples<P>, length: f64, degrees: f64) -> Samples<P> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let steps = length.round().max(1.0) as usize;
    let mut taps: Vec<(isize, isize, u32)> = Vec::with_capacity(steps);
    for n in 0..steps {
        let along = n as f64 - (steps as f64 - 1.0) / 2.0;
        taps.push(((along * cos).round() as isize, (along * sin).round() as isize, 65536 / steps as u32));
    }
    gathered(picture, &taps)
}

/// Each sample as the weighted sum of samples at the given distances; the edges repeat. Weights in 1/65536.
fn gathered<P: Pixel<Subpixel = u8>>(picture: &Samples<P>, taps: &[(isize, isize, u32)]) -> Samples<P> {
    let (w, h, n) = (picture.width() as usize, picture.height() as usize, usize::from(P::CHANNEL_COUNT));
    let raw = picture.as_raw();
    let total: u32 = taps.iter().map(|(_, _, weight)| weight).sum::<u32>().max(1);
    let mut out = picture.clone();
    let mut sums = vec![0_u32; w * n];
    for (y, row) in out.chunks_exact_mut(w * n).enumerate() {
        sums.fill(total / 2);
        for &(dx, dy, weight) in taps {
            let sy = y.saturating_add_signed(dy).min(h - 1);
            let from = &raw[sy * w * n..(sy + 1) * w * n];
            // The part of the row whose source lies inside; the rest repeats the edge.
            let (start, end) = ((-dx).clamp(0, w as isize) as usize, (w as isize - dx).clamp(0, w as isize) as usize);
            if start < end {
                let source = start.saturating_add_signed(dx) * n..end.saturating_add_signed(dx) * n;
                sums[start * n..end * n].iter_mut().zip(&from[source]).for_each(|(s, v)| *s += u32::from(*v) * weight);
            }
            for x in (0..start.min(w)).chain(end.max(start)..w) {
                let sx = x.saturating_add_signed(dx).min(w - 1);
                (0..n).for_each(|c| sums[x * n + c] += u32::from(from[sx * n + c]) * weight);
            }
        }
        row.iter_mut().zip(&sums).for_each(|(sample, sum)| *sample = (sum / total).min(255) as u8);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 3 % 256) as u8, (y * 5 % 256) as u8, 90]))
    }

    fn close(a: &RgbImage, b: &RgbImage, within: u8) -> bool {
        a.dimensions() == b.dimensions() && a.iter().zip(b.iter()).all(|(a, b)| a.abs_diff(*b) <= within)
    }

    #[test]
    fn nothing_moved_is_the_same_picture() {
        let picture = ramp(40, 30);
        let same = map_to(40.0, 30.0, [(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)]).expect("a rectangle");
        assert!(close(&warp(&picture, 40, 30, &same, [0; 3]), &picture, 0));
        assert!(close(&tilted(&picture, 0.0), &picture, 0));
        assert!(close(&dragged(&picture, 1.0, 30.0), &picture, 0));
        assert!(close(&exposed(&picture, 0.0), &picture, 1));
        assert_eq!(crop(&picture, [0.0; 4]), picture);
        assert!(map_to(4.0, 3.0, [(0.0, 0.0); 4]).is_none());
    }

    #[test]
    fn a_map_takes_corners_to_corners() {
        let corners = [(3.0, 2.0), (38.0, 1.0), (36.0, 28.0), (1.0, 27.0)];
        let m = map_to(40.0, 30.0, corners).expect("a quadrilateral");
        let at = |x: f64, y: f64| {
            let depth = m[6] * x + m[7] * y + 1.0;
            ((m[0] * x + m[1] * y + m[2]) / depth, (m[3] * x + m[4] * y + m[5]) / depth)
        };
        for ((x, y), (u, v)) in [(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)].into_iter().zip(corners) {
            let (a, b) = at(x, y);
            assert!((a - u).abs() < 1e-9 && (b - v).abs() < 1e-9);
        }
    }

    #[test]
    fn blur_keeps_a_plain_picture_and_spreads_a_point() {
        let plain = RgbImage::from_pixel(30, 20, Rgb([80, 90, 100]));
        assert!(close(&blurred(&plain, 2.5), &plain, 0));
        assert!(close(&dragged(&plain, 9.0, 45.0), &plain, 0));
        let mut point = RgbImage::new(21, 21);
        point.put_pixel(10, 10, Rgb([255; 3]));
        let soft = blurred(&point, 1.0);
        assert!((36..=44).contains(&soft.get_pixel(10, 10)[0]), "255 / (2 pi)");
        let line = dragged(&point, 5.0, 0.0);
        assert_eq!((8..13).map(|x| line.get_pixel(x, 10)[0]).collect::<Vec<_>>(), [51; 5]);
        assert_eq!(line.get_pixel(7, 10)[0], 0);
    }

    #[test]
    fn frames_and_crops_have_the_size_they_say() {
        let picture = ramp(100, 60);
        assert_eq!(frame(&picture, 0.05, [255; 3]).dimensions(), (110, 70));
        assert_eq!(crop(&picture, [0.1, 0.0, 0.0, 0.25]).dimensions(), (90, 45));
        assert_eq!(fit(&picture, 50).dimensions(), (50, 30));
        assert_eq!(fit(&picture, 500).dimensions(), (100, 60));
    }
}
