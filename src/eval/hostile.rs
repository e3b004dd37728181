//! Files that lie: cut off, claiming sizes that they do not have, with thousands of scans, two types in one. Made from
//! the bytes of a real JPEG.

use super::statistics::Dice;

/// A file and the name under which it is sent.
pub struct Lie {
    pub row: &'static str,
    pub file_name: &'static str,
    pub bytes: Vec<u8>,
}

pub const CUT: &str = "cut off somewhere";
pub const BOMB: &str = "size that it does not have";
pub const SCANS: &str = "101 to 20 000 scans";
pub const POLYGLOT: &str = "two types in one file";

/// Lies made from a whole JPEG of a small picture. Empty when it is none.
pub fn lies(jpeg: &[u8], dice: &mut Dice) -> Vec<Lie> {
    let mut lies = Vec::new();
    let Some(frame) = marker(jpeg, &[0xC0, 0xC1, 0xC2]) else { return lies };
    let lie = |row, file_name, bytes| Lie { row, file_name, bytes };
    lies.push(lie(CUT, "a.jpg", cut(jpeg, 0.5)));
    lies.push(lie(CUT, "a.jpg", cut(jpeg, dice.between(0.05, 0.98))));

    for (width, height) in [(16_384_u16, 16_384_u16), (65_500, 65_500), (12_000, 9000), (8000, 7900), (9000, 500)] {
        for progressive in [false, true] {
            let mut bomb = jpeg.to_vec();
            if progressive {
                bomb[frame + 1] = 0xC2;
            }
            bomb[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            bomb[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
            lies.push(lie(BOMB, "a.jpg", bomb));
        }
    }
    lies.push(lie(BOMB, "a.png", png_claiming(60_000, 60_000)));
    lies.push(lie(BOMB, "a.webp", webp_claiming(16_383, 16_383)));

    if let Some(end) = jpeg.len().checked_sub(2) {
        for scans in [101_usize, 2000, 20_000] {
            let mut many = jpeg[..end].to_vec();
            many.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0].repeat(scans));
            many.extend(&jpeg[end..]);
            lies.push(lie(SCANS, "a.jpg", many));
        }
    }

    let behind = |tail: &[u8]| [jpeg, tail].concat();
    let zip = [b"PK\x03\x04\x14\0\0\0\0\0".as_slice(), &[0; 40], b"evil.exe"].concat();
    lies.push(lie(POLYGLOT, "a.jpg", behind(&zip)));
    lies.push(lie(POLYGLOT, "a.jpg", behind(b"<html><script>alert(1)</script>")));
    lies.push(lie(POLYGLOT, "a.jpg", behind(b"<?php system($_GET['c']); ?>")));
    lies.push(lie(POLYGLOT, "a.jpg", behind(b"%PDF-1.7\n1 0 obj")));
    lies.push(lie(POLYGLOT, "a.jpg", behind(jpeg)));
    lies.push(lie(POLYGLOT, "a.png", jpeg.to_vec()));
    lies.push(lie(POLYGLOT, "a.jpg", [b"GIF89a/*".as_slice(), jpeg].concat()));
    lies.push(lie(POLYGLOT, "a.jpg", [b"%PDF-1.4\n%".as_slice(), jpeg].concat()));
    lies.push(lie(POLYGLOT, "a.jpg", [b"<html><!--".as_slice(), jpeg, b"-->"].concat()));
    lies.push(lie(POLYGLOT, "a.jpg", png_claiming(64, 64)));
    lies
}

/// The first part of a file.
pub fn cut(bytes: &[u8], share: f64) -> Vec<u8> {
    bytes[..(bytes.len() as f64 * share.clamp(0.0, 1.0)) as usize].to_vec()
}

/// Where a marker segment with one of these codes begins.
fn marker(jpeg: &[u8], codes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let [0xFF, code, high, low] = *jpeg.get(at..at + 4)? else { return None };
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        if codes.contains(&code) {
            return (end <= jpeg.len() && end >= at + 9).then_some(at);
        }
        at = end;
    }
}

fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let chunk = |kind: &[u8], body: &[u8]| {
        let checked = [kind, body].concat();
        [&(body.len() as u32).to_be_bytes(), checked.as_slice(), &crc32(&checked).to_be_bytes()].concat()
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[size.as_slice(), &[8, 2, 0, 0, 0]].concat());
    // One stored block of three zeros.
    let body = chunk(b"IDAT", &[0x78, 0x01, 0x01, 3, 0, 0xFC, 0xFF, 0, 0, 0, 0, 3, 0, 1]);
    [b"\x89PNG\r\n\x1a\n".as_slice(), &header, &body, &chunk(b"IEND", &[])].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn webp_claiming(width: u32, height: u32) -> Vec<u8> {
    let three = |n: u32| (n - 1).to_le_bytes()[..3].to_vec();
    let body = [b"WEBPVP8X".as_slice(), &10_u32.to_le_bytes(), &[0; 4], &three(width), &three(height)].concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::eval::paint;

    #[test]
    fn every_lie_is_told_from_a_real_file() {
        let jpeg = paint::jpeg(&RgbImage::from_pixel(64, 48, Rgb([90, 120, 60])), 80);
        let lies = lies(&jpeg, &mut Dice::new(1, "lies"));
        assert!(lies.len() > 20 && lies.iter().all(|l| l.bytes != jpeg || l.file_name == "a.png"));
        assert!(super::lies(b"<html>", &mut Dice::new(1, "lies")).is_empty());
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
    }
}
