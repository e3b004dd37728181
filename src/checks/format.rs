//! What a file is, by its content, and how it is built: our own walk over the markers of a JPEG and the headers of
//! PNG and WebP. Reads sizes, scans, metadata and what lies behind the picture before any decoder sees a byte, in
//! time proportional to the file. Decides nothing about the picture itself.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A file type, told from the first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Heic,
    Avif,
    Gif,
    Bmp,
    Tiff,
    JpegXl,
    Video,
    Pdf,
    Zip,
    #[default]
    Unknown,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Heic => "HEIC",
            Format::Avif => "AVIF",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Tiff => "TIFF",
            Format::JpegXl => "JPEG XL",
            Format::Video => "video",
            Format::Pdf => "PDF",
            Format::Zip => "ZIP",
            Format::Unknown => "unknown",
        }
    }

    pub fn is_supported(self) -> bool {
        matches!(self, Format::Jpeg | Format::Png | Format::WebP | Format::Heic)
    }

    /// Tells the type from the content; a name or a declared type has no say.
    pub fn sniff(bytes: &[u8]) -> Format {
        let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|b| b.starts_with(magic));
        if at(0, &[0xFF, 0xD8, 0xFF]) {
            Format::Jpeg
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            Format::Png
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Format::WebP
        } else if at(4, b"ftyp") {
            brand(bytes)
        } else if at(0, b"GIF8") {
            Format::Gif
        } else if at(0, b"BM") && bytes.len() > 26 {
            Format::Bmp
        } else if at(0, b"II*\0") || at(0, b"MM\0*") {
            Format::Tiff
        } else if at(0, &[0xFF, 0x0A]) || at(0, b"\0\0\0\x0cJXL \r\n\x87\n") {
            Format::JpegXl
        } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            Format::Video
        } else if at(0, b"%PDF") {
            Format::Pdf
        } else if at(0, b"PK\x03\x04") {
            Format::Zip
        } else {
            Format::Unknown
        }
    }

    /// What a declared content type (`image/jpeg; ..`) or a file name (`a.JPG`) claims. `None` when it claims nothing.
    pub fn claimed(text: &str) -> Option<Format> {
        let text = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = match text.split_once('/') {
            Some(("image", kind)) if !kind.contains('.') => kind.trim_start_matches("x-").to_owned(),
            Some(("video", _)) => return Some(Format::Video),
            _ => text.rsplit_once('.')?.1.to_owned(),
        };
        Some(match kind.as_str() {
            "jpeg" | "jpg" | "pjpeg" | "jpe" | "jfif" => Format::Jpeg,
            "png" => Format::Png,
            "webp" => Format::WebP,
            "heic" | "heif" | "heic-sequence" | "heif-sequence" => Format::Heic,
            "avif" => Format::Avif,
            "gif" => Format::Gif,
            "bmp" | "ms-bmp" => Format::Bmp,
            "tif" | "tiff" | "dng" => Format::Tiff,
            "jxl" => Format::JpegXl,
            "mp4" | "mov" | "webm" => Format::Video,
            "pdf" => Format::Pdf,
            "zip" => Format::Zip,
            _ => return None,
        })
    }
}

/// The kind of an ISO media file, from its main brand and the compatible ones.
fn brand(bytes: &[u8]) -> Format {
    let length = u32_at(bytes, 0).unwrap_or(0).clamp(16, 256) as usize;
    let brands = bytes.get(8..length.min(bytes.len())).unwrap_or_default();
    let has = |names: &[&[u8]]| brands.chunks_exact(4).any(|b| names.contains(&b));
    if has(&[b"avif", b"avis"]) {
        Format::Avif
    } else if has(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) {
        Format::Heic
    } else {
        Format::Video
    }
}

/// How a file is built. Ranges lie inside the file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    /// Largest size that any frame header claims, in pixels; 0 when there is none.
    pub width: u32,
    pub height: u32,
    pub scans: usize,
    pub progressive: bool,
    /// The picture's own end was found.
    pub ended: bool,
    /// Bytes behind the picture and what they begin with; padding does not count.
    pub trailing: Option<(usize, &'static str)>,
    /// Pixels that a decoder would make, where that is far more than the size (HEIC only).
    pub decoded: u64,
    /// The TIFF block of the EXIF data (JPEG and HEIC).
    pub exif: Option<Range<usize>>,
    /// The first XMP packet.
    pub xmp: Option<Range<usize>>,
    /// Keyword, zero byte, text (PNG only).
    pub texts: Vec<Range<usize>>,
    /// Parts of a C2PA manifest, as far as it is not compressed (not HEIC).
    pub manifest: Vec<Range<usize>>,
    /// Quality of the standard tables that the luma table equals exactly, 1 to 100 (JPEG only).
    pub standard_quality: Option<u8>,
    /// What else a comment or the camera data would be read as: code or a document.
    pub hides: Option<&'static str>,
    /// What is wrong with the structure, when something is.
    pub fault: Option<&'static str>,
}

impl Layout {
    pub fn pixels(&self) -> u64 {
        (u64::from(self.width) * u64::from(self.height)).max(self.decoded)
    }

    pub(super) fn broken(self, fault: &'static str) -> Layout {
        Layout { fault: self.fault.or(Some(fault)), ..self }
    }
}

/// Most text chunks and parts of a manifest that are noted.
const PARTS_MAX: usize = 64;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Walks the markers of a JPEG up to its end marker. Stops counting at `max_scans + 1` scans.
pub fn walk_jpeg(bytes: &[u8], max_scans: usize) -> Layout {
    let mut layout = Layout::default();
    let mut at = 2;
    let mut frames = 0;
    loop {
        // A marker is any number of fill bytes and one code.
        let Some(&byte) = bytes.get(at) else { return layout.broken("end marker missing") };
        if byte != 0xFF {
            // Stray bytes between segments: decoders skip them, so the walk does too, and says so.
            layout.fault = layout.fault.or(Some("stray bytes"));
            match bytes[at..].iter().position(|&b| b == 0xFF) {
                Some(skip) => at += skip,
                None => return layout.broken("end marker missing"),
            }
            continue;
        }
        while bytes.get(at) == Some(&0xFF) {
            at += 1;
        }
        let Some(&marker) = bytes.get(at) else { return layout.broken("end marker missing") };
        at += 1;
        match marker {
            0x00 | 0x01 | 0xD0..=0xD8 => continue,
            0xD9 => {
                layout.ended = true;
                layout.trailing = trailing(&bytes[at..]);
                if frames != 1 || layout.scans == 0 {
                    return layout.broken("not one picture");
                }
                return layout;
            }
            _ => {}
        }
        let Some(length) = u16_at(bytes, at).map(usize::from).filter(|&l| l >= 2) else {
            return layout.broken("segment length");
        };
        let Some(body) = bytes.get(at + 2..at + length) else { return layout.broken("segment cut off") };
        let body_at = at + 2;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                frames += 1;
                layout.progressive |= matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
                let (Some(h), Some(w)) = (u16_at(body, 1), u16_at(body, 3)) else {
                    return layout.broken("frame header");
                };
                // The largest claim counts, so a second frame header cannot hide behind a small first one.
                if u64::from(w) * u64::from(h) >= layout.pixels() {
                    (layout.width, layout.height) = (u32::from(w), u32::from(h));
                }
            }
            0xDB => layout.standard_quality = layout.standard_quality.or_else(|| standard_quality(body)),
            0xFE => layout.hides = layout.hides.or_else(|| hidden(body)),
            0xE1 if body.starts_with(b"Exif\0") && body.len() > 6 => {
                layout.hides = layout.hides.or_else(|| hidden(body));
                layout.exif = layout.exif.or(Some(body_at + 6..body_at + body.len()));
            }
            0xE1 if body.starts_with(b"http://ns.adobe.com/xap/1.0/\0") => {
                layout.xmp = layout.xmp.or(Some(body_at + 29..body_at + body.len()));
            }
            0xEB if body.starts_with(b"JP") && layout.manifest.len() < PARTS_MAX => {
                layout.manifest.push(body_at..body_at + body.len());
            }
            0xDA => {
                layout.scans += 1;
                if layout.scans > max_scans {
                    return layout.broken("too many scans");
                }
                at = end_of_scan(bytes, at + length);
                continue;
            }
            _ => {}
        }
        at += length;
    }
}

/// Position of the next marker that is neither a stuffed byte nor a restart.
fn end_of_scan(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xFF)) {
        at += found;
        match bytes.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            _ => return at,
        }
    }
    bytes.len()
}

pub(super) fn trailing(rest: &[u8]) -> Option<(usize, &'static str)> {
    let start = rest.iter().position(|&b| b != 0 && b != 0xFF).map(|p| p.saturating_sub(4))?;
    let head = &rest[start..rest.len().min(start + 64)];
    let has = |magic: &[u8]| head.windows(magic.len()).any(|w| w == magic);
    let kind = if has(&[0xFF, 0xD8, 0xFF]) {
        "JPEG"
    } else if has(b"ftyp") {
        "MP4"
    } else if has(b"PK\x03\x04") {
        "ZIP"
    } else if has(b"%PDF") {
        "PDF"
    } else if has(b"<?php") || has(b"<script") || has(b"<html") || has(b"#!/") || has(b"MZ\x90") {
        "code"
    } else {
        "data"
    };
    Some((rest.len(), kind))
}

/// What a program that ignores the picture would find in a segment: such files are pictures only to be let in.
fn hidden(body: &[u8]) -> Option<&'static str> {
    let starts: Vec<usize> = (0..body.len()).filter(|&at| matches!(body[at], b'<' | b'%')).collect();
    let has = |magic: &[u8]| {
        let same = |at: &usize| body[*at..].get(..magic.len()).is_some_and(|b| b.eq_ignore_ascii_case(magic));
        starts.iter().any(same)
    };
    if has(b"<?php") || has(b"<script") || has(b"<html") || has(b"<svg") {
        Some("code")
    } else if has(b"%PDF-") {
        Some("PDF")
    } else {
        None
    }
}

/// Chunks of a PNG up to IEND.
pub fn walk_png(bytes: &[u8]) -> Layout {
    let mut layout = Layout { scans: 1, ..Layout::default() };
    let mut at = 8;
    loop {
        let (Some(length), Some(kind)) = (u32_at(bytes, at), bytes.get(at + 4..at + 8)) else {
            return layout.broken("end chunk missing");
        };
        let end = at.saturating_add(12).saturating_add(length as usize);
        if end > bytes.len() {
            return layout.broken("chunk cut off");
        }
        if kind == b"IHDR" && layout.width == 0 {
            layout.width = u32_at(bytes, at + 8).unwrap_or(0);
            layout.height = u32_at(bytes, at + 12).unwrap_or(0);
        }
        let body = at + 8..end - 4;
        match kind {
            b"iTXt" if bytes[body.clone()].starts_with(b"XML:com.adobe.xmp\0") => {
                layout.xmp = layout.xmp.or(Some(body));
            }
            b"tEXt" | b"iTXt" if layout.texts.len() < PARTS_MAX => layout.texts.push(body),
            b"caBX" if layout.manifest.len() < PARTS_MAX => layout.manifest.push(body),
            _ => {}
        }
        if kind == b"IEND" {
            layout.ended = true;
            layout.trailing = trailing(&bytes[end..]);
            return layout;
        }
        at = end;
    }
}

/// The outer shape of a WebP file; its size comes from the first picture chunk.
pub fn walk_webp(bytes: &[u8]) -> Layout {
    let mut layout = Layout { scans: 1, ..Layout::default() };
    let little = |at: usize| u32_at(bytes, at).map(|n| n.swap_bytes());
    let claimed = little(4).unwrap_or(0) as usize + 8;
    let three = |at: usize| bytes.get(at..at + 3).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], 0]));
    (layout.width, layout.height) = match bytes.get(12..16) {
        Some(b"VP8X") => (three(24) + 1, three(27) + 1),
        Some(b"VP8 ") => (three(26) & 0x3FFF, three(28) & 0x3FFF),
        Some(b"VP8L") => {
            let bits = little(21).unwrap_or(0);
            ((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
        }
        _ => return layout.broken("picture chunk missing"),
    };
    if claimed > bytes.len() {
        return layout.broken("file cut off");
    }
    let mut at = 12;
    while let (Some(kind), Some(size)) = (bytes.get(at..at + 4), little(at + 4)) {
        let end = (at + 8).saturating_add(size as usize);
        if end > claimed {
            break;
        }
        match kind {
            b"XMP " => layout.xmp = layout.xmp.or(Some(at + 8..end)),
            b"C2PA" if layout.manifest.len() < PARTS_MAX => layout.manifest.push(at + 8..end),
            _ => {}
        }
        at = end + size as usize % 2;
    }
    layout.ended = true;
    layout.trailing = trailing(&bytes[claimed..]);
    layout
}

/// Luma table of the JPEG standard (ITU-T T.81, table K.1) in zigzag order, as files store it.
const STANDARD_LUMA: [u16; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
    60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113,
    121, 112, 100, 120, 92, 101, 103, 99,
];

/// The quality at which the usual scaling of the standard table gives exactly this one; `None` for a camera's own table.
fn standard_quality(body: &[u8]) -> Option<u8> {
    if body.first() != Some(&0) {
        return None;
    }
    let table = body.get(1..65)?;
    (1..=100_u16).find_map(|q| {
        let scale = if q < 50 { 5000 / q } else { 200 - 2 * q };
        let same = |(&have, &base): (&u8, &u16)| {
            let scaled = (u32::from(base) * u32::from(scale) + 50) / 100;
            u32::from(have) == scaled.clamp(1, 255)
        };
        table.iter().zip(&STANDARD_LUMA).all(same).then_some(q as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

    #[test]
    fn a_type_is_told_by_content() {
        assert_eq!(Format::sniff(&samples::jpeg(&samples::text(64, 48))), Format::Jpeg);
        assert_eq!(Format::sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), Format::Heic);
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"), Format::Avif);
        assert_eq!(Format::sniff(b"GIF89a"), Format::Gif);
        assert_eq!(Format::sniff(b""), Format::Unknown);
        assert_eq!(Format::sniff(b"<html>"), Format::Unknown);
    }

    #[test]
    fn a_claim_is_read_from_a_type_or_a_name() {
        assert_eq!(Format::claimed("image/jpeg; charset=x"), Some(Format::Jpeg));
        assert_eq!(Format::claimed("IMG 1.2.HEIC"), Some(Format::Heic));
        assert_eq!(Format::claimed("application/octet-stream"), None);
        assert_eq!(Format::claimed("photo"), None);
    }

    #[test]
    fn the_walk_reads_size_quality_and_end() {
        let layout = walk_jpeg(&samples::jpeg(&samples::text(64, 48)), 100);
        assert_eq!((layout.width, layout.height, layout.scans), (64, 48, 1));
        assert!(layout.ended && layout.fault.is_none() && layout.trailing.is_none());
        assert_eq!(layout.standard_quality, Some(samples::QUALITY));
    }

    #[test]
    fn data_behind_the_picture_is_named_and_padding_is_not() {
        let mut file = samples::jpeg(&samples::text(64, 48));
        let end = file.len();
        file.extend([0; 40]);
        assert_eq!(walk_jpeg(&file, 100).trailing, None);
        file.truncate(end);
        file.extend(b"PK\x03\x04and so on");
        assert_eq!(walk_jpeg(&file, 100).trailing, Some((13, "ZIP")));
    }
}
