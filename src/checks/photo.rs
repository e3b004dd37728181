//! The one decode of a photo, and scaled planes of it. A file arrives here only after its size and structure were
//! accepted; the decoders still get their own limits. Colour stays YCbCr from decoder to rendition: no round trip.

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, Limits};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::baseline::Usual;
use super::format::{Format, Layout, walk_jpeg};
use super::heic;

/// Most pixels of a thumbnail that is decoded.
const THUMBNAIL_MAX_PIXELS: u64 = 500_000;
const THUMBNAIL_SCANS_MAX: usize = 20;
/// Most memory that a PNG or WebP decoder may take for its own buffers, in bytes.
const DECODER_MEMORY_MAX: u64 = 300 << 20;

/// 8-bit samples, rows without padding: one plane of luma, or interleaved Y, Cb, Cr (full range, as JPEG has it).
#[derive(Clone, PartialEq, Debug)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// 1 or 3.
    pub channels: usize,
    pub data: Vec<u8>,
}

impl Picture {
    /// `None` when the samples do not fill the size.
    pub fn new(width: u32, height: u32, channels: usize, data: Vec<u8>) -> Option<Picture> {
        let full = (width as usize).checked_mul(height as usize)?.checked_mul(channels)?;
        (full > 0 && full == data.len()).then_some(Picture { width, height, channels, data })
    }

    pub fn long_edge(&self) -> u32 {
        self.width.max(self.height)
    }

    pub fn luma(&self) -> Picture {
        let data = match self.channels {
            1 => self.data.clone(),
            n => self.data.iter().step_by(n).copied().collect(),
        };
        Picture { channels: 1, data, ..*self }
    }

    /// Scaled by area so that the long side has at most `edge` pixels. Never enlarges.
    pub fn fit(&self, edge: u32) -> Picture {
        let long = self.long_edge();
        if long <= edge {
            return self.clone();
        }
        let scale =
            |side: u32| ((u64::from(side) * u64::from(edge) + u64::from(long) / 2) / u64::from(long)).max(1) as u32;
        self.resized(scale(self.width), scale(self.height))
    }

    /// The middle square of one plane.
    pub fn middle(&self) -> Picture {
        let side = self.width.min(self.height);
        let (left, top) = ((self.width - side) / 2, (self.height - side) / 2);
        let (w, side_px, n) = (self.width as usize, side as usize, self.channels);
        let rows = (top as usize..top as usize + side_px).map(|y| (y * w + left as usize) * n);
        let data = rows.flat_map(|at| self.data[at..at + side_px * n].iter().copied()).collect();
        Picture { width: side, height: side, channels: n, data }
    }

    /// Scaled by area to a size; a copy when it has this size.
    pub fn resized(&self, width: u32, height: u32) -> Picture {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let pixels = if self.channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
        let source = ImageRef::new(self.width, self.height, &self.data, pixels).expect("a picture fills its size");
        let mut target = Image::new(width, height, pixels);
        let by_area = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box)).use_alpha(false);
        Resizer::new().resize(&source, &mut target, &by_area).expect("both pictures have one pixel type");
        Picture { width, height, channels: self.channels, data: target.into_vec() }
    }

    /// Turned so that a stored picture with this EXIF orientation (1 to 8) stands upright.
    pub fn upright(self, orientation: u8) -> Picture {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (w, h, n) = (self.width as usize, self.height as usize, self.channels);
        let turned = orientation >= 5;
        let (width, height) = if turned { (h, w) } else { (w, h) };
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..height {
            for x in 0..width {
                let (sx, sy) = match orientation {
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, h - 1 - x),
                    7 => (w - 1 - y, h - 1 - x),
                    _ => (w - 1 - y, x),
                };
                let at = (sy * w + sx) * n;
                data.extend_from_slice(&self.data[at..at + n]);
            }
        }
        Picture { width: width as u32, height: height as u32, channels: n, data }
    }
}

/// A photo as cameras store it: luma in full, colours as two planes of their own size. `None` for a grey photo, and
/// where colours were not asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Planes {
    pub luma: Picture,
    /// Cb and Cr.
    pub chroma: Option<(Picture, Picture)>,
}

impl Planes {
    /// Scaled by area so that the long side of luma has at most `edge` pixels; the colours are brought to half of its
    /// size, rounded up, as the JPEGs written here have them.
    pub fn fit(&self, edge: u32) -> Planes {
        let luma = self.luma.fit(edge);
        let (width, height) = (luma.width.div_ceil(2), luma.height.div_ceil(2));
        let half = |plane: &Picture| plane.resized(width, height);
        let chroma = self.chroma.as_ref().map(|(cb, cr)| (half(cb), half(cr)));
        Planes { luma, chroma }
    }

    /// As [`Picture::upright`].
    pub fn upright(self, orientation: u8) -> Planes {
        let chroma = self.chroma.map(|(cb, cr)| (cb.upright(orientation), cr.upright(orientation)));
        Planes { luma: self.luma.upright(orientation), chroma }
    }

    /// Interleaved Y, Cb, Cr, or luma alone for a grey photo.
    pub fn interleaved(&self) -> Picture {
        let Planes { luma, chroma } = self.fit(self.luma.long_edge());
        let Some((cb, cr)) = chroma else { return luma };
        let (w, half) = (luma.width as usize, cb.width as usize);
        let sample = |at: usize| {
            let own = at / w / 2 * half + at % w / 2;
            [luma.data[at], cb.data[own], cr.data[own]]
        };
        let data = (0..luma.data.len()).flat_map(sample).collect();
        Picture { channels: 3, data, ..luma }
    }

    /// From interleaved Y, Cb, Cr; a plane of luma is taken as it is.
    fn from_picture(picture: Picture, colour: bool) -> Option<Planes> {
        let Picture { width, height, channels, mut data } = picture;
        let (w, h) = (width as usize, height as usize);
        let mut chroma = None;
        if channels == 3 {
            if colour {
                // The mean of four; at odd edges of what there is.
                let half = |channel: usize| {
                    let plane = (0..h).step_by(2).flat_map(|y| (0..w).step_by(2).map(move |x| (x, y)));
                    let plane = plane.map(|(x, y)| {
                        let at = |x: usize, y: usize| u16::from(data[(y.min(h - 1) * w + x.min(w - 1)) * 3 + channel]);
                        ((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4) as u8
                    });
                    Picture::new(width.div_ceil(2), height.div_ceil(2), 1, plane.collect())
                };
                chroma = Some((half(1)?, half(2)?));
            }
            // In place: a large photo is not held twice.
            for at in 0..w * h {
                data[at] = data[at * 3];
            }
            data.truncate(w * h);
            data.shrink_to_fit();
        }
        Some(Planes { luma: Picture::new(width, height, 1, data)?, chroma })
    }
}

#[cfg(test)]
thread_local! {
    pub static DECODERS_CALLED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    #[cfg(feature = "turbo")]
    pub static WITHOUT_TURBO: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A decoded photo; `strict` is false when the decoder had to forgive errors.
pub struct Decoded {
    pub planes: Planes,
    pub strict: bool,
}

/// Decodes a file of a supported format once; without `colour` luma alone, bit for bit the same. `None` when it cannot
/// be read at all.
pub fn decode(bytes: &[u8], format: Format, layout: &Layout, colour: bool) -> Option<Decoded> {
    #[cfg(test)]
    DECODERS_CALLED.set(DECODERS_CALLED.get() + 1);
    match format {
        Format::Jpeg => {
            let by_rules = |strict| Planes::from_picture(decode_any(bytes, layout, colour, strict)?, colour);
            let strictly = match decode_usual(bytes, layout, colour) {
                Usual::Whole(planes) => Some(planes),
                Usual::Other => by_rules(true),
                Usual::Broken => None,
            };
            let forgiving = || Some(Decoded { planes: by_rules(false)?, strict: false });
            strictly.map(|planes| Decoded { planes, strict: true }).or_else(forgiving)
        }
        Format::Png => {
            let decoder = image::codecs::png::PngDecoder::with_limits(Cursor::new(bytes), limits(layout)).ok()?;
            decode_other(decoder, layout, colour)
        }
        Format::WebP => decode_other(image::codecs::webp::WebPDecoder::new(Cursor::new(bytes)).ok()?, layout, colour),
        Format::Heic => {
            let mut data = heic::decode(bytes, layout.width, layout.height)?;
            to_ycbcr(&mut data);
            let picture = Picture::new(layout.width, layout.height, 3, data)?;
            Some(Decoded { planes: Planes::from_picture(picture, colour)?, strict: true })
        }
        _ => None,
    }
}

/// The usual JPEG of a camera, strictly.
#[cfg(not(feature = "turbo"))]
fn decode_usual(bytes: &[u8], layout: &Layout, colour: bool) -> Usual {
    super::baseline::decode(bytes, layout.width, layout.height, colour)
}

/// Any JPEG in YCbCr or grey, by libjpeg-turbo, whose warnings count as errors.
#[cfg(feature = "turbo")]
fn decode_usual(bytes: &[u8], layout: &Layout, colour: bool) -> Usual {
    #[cfg(test)]
    if WITHOUT_TURBO.get() {
        return super::baseline::decode(bytes, layout.width, layout.height, colour);
    }
    super::turbo::decode(bytes, layout.width, layout.height, colour)
}

/// Any JPEG: luma, or interleaved Y, Cb, Cr.
pub(super) fn decode_any(bytes: &[u8], layout: &Layout, colour: bool, strict: bool) -> Option<Picture> {
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(layout.width as usize)
        .set_max_height(layout.height as usize);
    let mut header = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    header.decode_headers().ok()?;
    let info = header.info()?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    // The decoder must see the picture that the walk accepted.
    if (width, height) != (layout.width, layout.height) {
        return None;
    }
    let kept = match header.input_colorspace()? {
        ColorSpace::Luma => ColorSpace::Luma,
        ColorSpace::YCbCr if colour => ColorSpace::YCbCr,
        ColorSpace::YCbCr => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    let options = options.jpeg_set_out_colorspace(kept);
    let mut data = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().ok()?;
    if kept == ColorSpace::RGB {
        to_ycbcr(&mut data);
    }
    Picture::new(width, height, if kept == ColorSpace::Luma { 1 } else { 3 }, data)
}

/// The small JPEG beside a picture, as luma. `None` when it is larger than thumbnails are, or cannot be decoded.
pub fn thumbnail(bytes: &[u8]) -> Option<Picture> {
    let layout = walk_jpeg(bytes, THUMBNAIL_SCANS_MAX);
    let small = layout.pixels() <= THUMBNAIL_MAX_PIXELS && layout.scans <= THUMBNAIL_SCANS_MAX;
    small.then(|| decode_any(bytes, &layout, false, false))?.and_then(|p| (p.channels == 1).then_some(p))
}

fn limits(layout: &Layout) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(layout.width);
    limits.max_image_height = Some(layout.height);
    limits.max_alloc = Some(DECODER_MEMORY_MAX);
    limits
}

fn decode_other(mut decoder: impl ImageDecoder, layout: &Layout, colour: bool) -> Option<Decoded> {
    decoder.set_limits(limits(layout)).ok()?;
    if decoder.dimensions() != (layout.width, layout.height) || decoder.total_bytes() > DECODER_MEMORY_MAX {
        return None;
    }
    let decoded = DynamicImage::from_decoder(decoder).ok()?;
    let mut data = decoded.into_rgb8().into_raw();
    to_ycbcr(&mut data);
    let planes = Planes::from_picture(Picture::new(layout.width, layout.height, 3, data)?, colour)?;
    Some(Decoded { planes, strict: true })
}

fn to_ycbcr(rgb: &mut [u8]) {
    for pixel in rgb.chunks_exact_mut(3) {
        let (y, cb, cr) = jpeg_encoder::rgb_to_ycbcr(pixel[0], pixel[1], pixel[2]);
        pixel.copy_from_slice(&[y, cb, cr]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_follows_the_eight_orientations() {
        // a b
        // c d
        let square = Picture::new(2, 2, 1, b"abcd".to_vec()).expect("fills");
        let turned = |o| String::from_utf8(square.clone().upright(o).data).expect("ascii");
        let all: Vec<String> = (1..=8).map(turned).collect();
        assert_eq!(all, ["abcd", "badc", "dcba", "cdab", "acbd", "cadb", "dbca", "bdac"]);
        let wide = Picture::new(3, 1, 1, b"abc".to_vec()).expect("fills").upright(6);
        assert_eq!((wide.width, wide.height), (1, 3));
    }

    #[test]
    fn a_picture_fills_its_size_and_is_never_enlarged() {
        assert!(Picture::new(2, 2, 3, vec![0; 11]).is_none());
        assert!(Picture::new(0, 2, 3, vec![]).is_none());
        let small = Picture::new(10, 1, 1, vec![7; 10]).expect("fills");
        assert_eq!(small.fit(20), small);
        let tiny = small.fit(3);
        assert_eq!((tiny.width, tiny.height, tiny.data), (3, 1, vec![7; 3]));
    }
}
