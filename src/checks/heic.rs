//! HEIC, the usual format of iPhones. The decoder is young: its own limit trusts the size that the file declares, so
//! the size of every coded part is read here first, and a file whose parts add up to more is never decoded.

use std::borrow::Cow;
use std::ops::Range;

use heic_rs::context::Context;
use heic_rs::{DecodeOptions, PixelLayout};

use super::format::{Layout, trailing};

/// Samples of parts may exceed the picture by this factor: the last row and column of tiles reach beyond it.
const TILES_EXCESS: u64 = 2;
/// NAL unit type of a sequence parameter set, which holds the size of a coded part.
const SEQUENCE_SET: u8 = 33;

/// Boxes of the file, and the picture they describe: its size as it will be shown, and the pixels to be decoded.
pub fn walk(bytes: &[u8]) -> Layout {
    let mut layout = Layout::default();
    if let Some((width, height, decoded)) = shape(bytes) {
        (layout.width, layout.height, layout.scans) = (width, height, 1);
        layout.decoded = decoded;
        (layout.exif, layout.xmp) = camera_data(bytes).unwrap_or_default();
    }
    let mut at = 0_usize;
    while let Some(head) = bytes.get(at..at.saturating_add(8)) {
        let short = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let size = match short {
            0 => (bytes.len() - at) as u64,
            1 => bytes.get(at + 8..at + 16).map_or(0, |b| b.iter().fold(0, |n, &byte| n << 8 | u64::from(byte))),
            n => u64::from(n),
        };
        let named = head[4..].iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        if size < 8 || !named {
            layout.ended = layout.scans == 1;
            layout.trailing = trailing(&bytes[at..]);
            return layout;
        }
        match usize::try_from(size).ok().and_then(|size| at.checked_add(size)).filter(|end| *end <= bytes.len()) {
            Some(end) => at = end,
            None => return layout.broken("file cut off"),
        }
    }
    layout.ended = layout.scans == 1;
    layout.trailing = trailing(&bytes[at.min(bytes.len())..]);
    layout
}

type Part = Option<Range<usize>>;

/// Where the TIFF block and the XMP packet of the picture lie.
fn camera_data(bytes: &[u8]) -> Option<(Part, Part)> {
    let file = Context::open(bytes).ok()?;
    let item = file.meta.primary;
    let place = |part: &[u8]| {
        let from = (part.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
        let range = from..from.checked_add(part.len())?;
        bytes.get(range.clone()).map(|_| range)
    };
    let exif = file.exif(item).ok().flatten().and_then(place);
    let xmp = file.xmp_item(item).and_then(|item| match file.item_data(item).ok()? {
        Cow::Borrowed(packet) => place(packet),
        Cow::Owned(_) => None,
    });
    Some((exif, xmp))
}

/// Width and height after the turns that the file asks for, and the pixels of all coded parts.
fn shape(bytes: &[u8]) -> Option<(u32, u32, u64)> {
    let file = Context::open(bytes).ok()?;
    let info = heic_rs::probe(bytes).ok()?;
    let item = file.meta.primary;
    let parts = match file.grid(item).ok()? {
        Some((_, tiles)) => tiles,
        None => vec![item],
    };
    let mut decoded = 0_u64;
    for part in parts {
        let props = file.props(part).ok()?;
        let sets = props.hvcc.as_ref()?.parameter_sets();
        let sizes = sets.iter().filter(|set| set.first().is_some_and(|b| b >> 1 & 0x3F == SEQUENCE_SET));
        let largest = sizes.map(|set| coded_pixels(set)).try_fold(0, |most, pixels| Some(most.max(pixels?)))?;
        decoded = decoded.saturating_add(largest);
    }
    let shown = u64::from(info.width) * u64::from(info.height);
    let excess = decoded > shown.saturating_mul(TILES_EXCESS).max(1 << 20);
    Some((info.width, info.height, if excess { decoded } else { 0 }))
}

/// Pixels of a coded part, from its sequence parameter set.
fn coded_pixels(set: &[u8]) -> Option<u64> {
    let mut bits = Bits { bytes: set, at: 16, zeros: 0 };
    bits.take(4)?;
    let layers = bits.take(3)?;
    bits.take(1)?;
    bits.pass(96)?;
    if layers > 0 {
        let flags: Vec<u32> = (0..8).map(|_| bits.take(2)).collect::<Option<_>>()?;
        for flag in flags.iter().take(layers as usize) {
            bits.pass(if flag & 2 > 0 { 88 } else { 0 } + if flag & 1 > 0 { 8 } else { 0 })?;
        }
    }
    bits.golomb()?;
    if bits.golomb()? == 3 {
        bits.take(1)?;
    }
    Some(u64::from(bits.golomb()?) * u64::from(bits.golomb()?))
}

/// Bits of a NAL unit without the bytes that protect start codes.
struct Bits<'a> {
    bytes: &'a [u8],
    /// Position in bits.
    at: usize,
    zeros: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        if self.at.is_multiple_of(8) {
            let byte = *self.bytes.get(self.at / 8)?;
            if self.zeros >= 2 && byte == 3 {
                (self.at, self.zeros) = (self.at + 8, 0);
            }
            let byte = *self.bytes.get(self.at / 8)?;
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        }
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn take(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    fn pass(&mut self, n: u32) -> Option<()> {
        (0..n).try_for_each(|_| self.bit().map(|_| ()))
    }

    /// An unsigned Exp-Golomb number.
    fn golomb(&mut self) -> Option<u32> {
        let mut length = 0;
        while self.bit()? == 0 {
            length += 1;
            if length > 24 {
                return None;
            }
        }
        Some((1 << length) - 1 + self.take(length)?)
    }
}

/// Interleaved red, green, blue of an upright picture of exactly `width` x `height`.
pub fn decode(bytes: &[u8], width: u32, height: u32) -> Option<Vec<u8>> {
    let options = DecodeOptions {
        layout: PixelLayout::Rgb8,
        max_pixels: Some(u64::from(width) * u64::from(height) * TILES_EXCESS),
        apply_transforms: true,
        decode_alpha: false,
        strict: false,
        threads: Some(1),
    };
    let image = heic_rs::decode(bytes, &options).ok()?;
    ((image.width, image.height) == (width, height)).then_some(image.data)
}
