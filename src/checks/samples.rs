//! Pictures made for tests: text-like patterns, plain areas, noise, blur, and hand-written EXIF.

use jpeg_encoder::{ColorType, Encoder};

use super::photo::Picture;

pub const QUALITY: u8 = 88;

/// A repeatable source of numbers (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn picture(width: u32, height: u32, mut at: impl FnMut(u32, u32) -> [u8; 3]) -> Picture {
    let data = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| at(x, y)).collect();
    Picture::new(width, height, 3, data).expect("three samples a pixel")
}

/// Shelf-like: boxes of different brightness with lines of letter-like strokes; no symmetry.
pub fn text(width: u32, height: u32) -> Picture {
    scene(width, height, 7)
}

/// As [`text`], another scene for each seed.
pub fn scene(width: u32, height: u32, seed: u64) -> Picture {
    let mut dice = Dice(seed * 7919 + 1);
    let tones: Vec<u8> = (0..192).map(|_| 60 + dice.roll(150) as u8).collect();
    let strokes: Vec<bool> = (0..4096).map(|_| dice.roll(2) == 1).collect();
    picture(width, height, |x, y| {
        let (column, row) = ((x * 16 / width) as usize, (y * 12 / height) as usize);
        let tone = tones[(row * 16 + column) % 192];
        let line = (y / 6) % 3 == 0;
        let stroke = line && strokes[((x / 3) as usize * 31 + (y / 18) as usize * 17) % 4096];
        [if stroke { 20 } else { tone }, 110 + (column * 2) as u8, 120 + row as u8]
    })
}

/// One brightness everywhere.
pub fn plain(width: u32, height: u32, luma: u8) -> Picture {
    picture(width, height, |_, _| [luma, 128, 128])
}

/// The picture with every sample moved to `f(sample)`.
pub fn toned(mut picture: Picture, f: impl Fn(f64) -> f64) -> Picture {
    picture.data.iter_mut().step_by(3).for_each(|s| *s = f(f64::from(*s)).clamp(0.0, 255.0) as u8);
    picture
}

/// A box blur in both directions, three times, which comes close to a Gaussian.
pub fn blurred(picture: &Picture, reach: usize) -> Picture {
    let (w, h) = (picture.width as usize, picture.height as usize);
    let mut luma = picture.luma().data;
    for _ in 0..3 {
        for (step, length, other, stride) in [(1, w, h, w), (w, h, w, 1)] {
            let before = luma.clone();
            for line in 0..other {
                let at = |i: usize| u32::from(before[line * stride + i * step]);
                for i in 0..length {
                    let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(length));
                    let sum: u32 = (from..to).map(at).sum();
                    luma[line * stride + i * step] = (sum / (to - from) as u32) as u8;
                }
            }
        }
    }
    let mut out = picture.clone();
    out.data.iter_mut().step_by(3).zip(luma).for_each(|(s, l)| *s = l);
    out
}

pub fn jpeg(picture: &Picture) -> Vec<u8> {
    jpeg_at(picture, QUALITY)
}

pub fn jpeg_at(picture: &Picture, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let kind = if picture.channels == 1 { ColorType::Luma } else { ColorType::Ycbcr };
    let (w, h) = (picture.width as u16, picture.height as u16);
    Encoder::new(&mut out, quality).encode(&picture.data, w, h, kind).expect("a picture encodes");
    out
}

/// A marker segment put right behind the start of a JPEG.
pub fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, body, &jpeg[2..]].concat()
}

/// What a camera writes.
#[derive(Default)]
pub struct Camera<'a> {
    pub make: Option<&'a str>,
    pub software: Option<&'a str>,
    pub orientation: Option<u16>,
    pub taken: Option<&'a str>,
    pub offset: Option<&'a str>,
    /// Latitude and longitude in degrees.
    pub point: Option<(f64, f64)>,
}

type Entry = (u16, u16, u32, Vec<u8>);

/// A big-endian TIFF block with the given tags as an EXIF segment of `jpeg`.
pub fn with_exif(jpeg: &[u8], camera: &Camera) -> Vec<u8> {
    let ascii = |tag: u16, text: &str| -> Entry {
        let bytes = [text.as_bytes(), &[0]].concat();
        (tag, 2, bytes.len() as u32, bytes)
    };
    let long = |tag: u16, value: u32| -> Entry { (tag, 4, 1, value.to_be_bytes().to_vec()) };
    let mut main: Vec<Entry> = Vec::new();
    main.extend(camera.make.map(|t| ascii(0x10F, t)));
    main.extend(camera.orientation.map(|o| (0x112, 3, 1, o.to_be_bytes().to_vec())));
    main.extend(camera.software.map(|t| ascii(0x131, t)));
    let mut sub: Vec<Entry> = Vec::new();
    sub.extend(camera.taken.map(|t| ascii(0x9003, t)));
    sub.extend(camera.offset.map(|t| ascii(0x9011, t)));
    let degrees = |tag: u16, d: f64| -> Entry {
        let parts = [(d.abs() * 1e6).round() as u32, 1_000_000, 0, 1, 0, 1];
        (tag, 5, 3, parts.iter().flat_map(|p| p.to_be_bytes()).collect())
    };
    let mut gps: Vec<Entry> = Vec::new();
    if let Some((lat, lon)) = camera.point {
        gps.push(ascii(1, if lat < 0.0 { "S" } else { "N" }));
        gps.push(degrees(2, lat));
        gps.push(ascii(3, if lon < 0.0 { "W" } else { "E" }));
        gps.push(degrees(4, lon));
    }
    let size = |entries: &[Entry]| {
        6 + entries.len() * 12 + entries.iter().map(|e| if e.3.len() > 4 { e.3.len() } else { 0 }).sum::<usize>()
    };
    main.push(long(0x8769, 0));
    main.push(long(0x8825, 0));
    let sub_at = 8 + size(&main);
    let gps_at = sub_at + size(&sub);
    let count = main.len();
    main[count - 2] = long(0x8769, sub_at as u32);
    main[count - 1] = long(0x8825, gps_at as u32);
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    for entries in [main, sub, gps] {
        let mut outside = tiff.len() + 6 + entries.len() * 12;
        let mut tail = Vec::new();
        tiff.extend((entries.len() as u16).to_be_bytes());
        for (tag, kind, n, bytes) in entries {
            tiff.extend(tag.to_be_bytes());
            tiff.extend(kind.to_be_bytes());
            tiff.extend(n.to_be_bytes());
            if bytes.len() > 4 {
                tiff.extend((outside as u32).to_be_bytes());
                outside += bytes.len();
                tail.extend(bytes);
            } else {
                tiff.extend(bytes.iter().copied().chain([0; 4]).take(4));
            }
        }
        tiff.extend([0; 4]);
        tiff.extend(tail);
    }
    with_segment(jpeg, 0xE1, &[b"Exif\0\0", tiff.as_slice()].concat())
}
