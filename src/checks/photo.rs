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

use super::format::{Format, Layout};

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
        let (width, height) = (scale(self.width), scale(self.height));
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

/// A decoded photo; `strict` is false when the decoder had to forgive errors.
pub struct Decoded {
    pub picture: Picture,
    pub strict: bool,
}

/// Decodes a file of a supported format once. `None` when it cannot be read at all.
pub fn decode(bytes: &[u8], format: Format, layout: &Layout) -> Option<Decoded> {
    match format {
        Format::Jpeg => {
            let strict = decode_jpeg(bytes, layout, true);
            let forgiving = || Some(Decoded { picture: decode_jpeg(bytes, layout, false)?, strict: false });
            strict.map(|picture| Decoded { picture, strict: true }).or_else(forgiving)
        }
        Format::Png => {
            let decoder = image::codecs::png::PngDecoder::with_limits(Cursor::new(bytes), limits(layout)).ok()?;
            decode_other(decoder, layout)
        }
        Format::WebP => decode_other(image::codecs::webp::WebPDecoder::new(Cursor::new(bytes)).ok()?, layout),
        _ => None,
    }
}

fn decode_jpeg(bytes: &[u8], layout: &Layout, strict: bool) -> Option<Picture> {
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
        ColorSpace::YCbCr => ColorSpace::YCbCr,
        _ => ColorSpace::RGB,
    };
    let options = options.jpeg_set_out_colorspace(kept);
    let mut data = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().ok()?;
    if kept == ColorSpace::RGB {
        to_ycbcr(&mut data);
    }
    Picture::new(width, height, if kept == ColorSpace::Luma { 1 } else { 3 }, data)
}

fn limits(layout: &Layout) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(layout.width);
    limits.max_image_height = Some(layout.height);
    limits.max_alloc = Some(DECODER_MEMORY_MAX);
    limits
}

fn decode_other(mut decoder: impl ImageDecoder, layout: &Layout) -> Option<Decoded> {
    decoder.set_limits(limits(layout)).ok()?;
    if decoder.dimensions() != (layout.width, layout.height) || decoder.total_bytes() > DECODER_MEMORY_MAX {
        return None;
    }
    let decoded = DynamicImage::from_decoder(decoder).ok()?;
    let mut data = decoded.into_rgb8().into_raw();
    to_ycbcr(&mut data);
    let picture = Picture::new(layout.width, layout.height, 3, data)?;
    Some(Decoded { picture, strict: true })
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
