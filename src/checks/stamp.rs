//! Writes an EXIF block into a JPEG, as a phone's camera would: for the demonstration and for measuring the checks.
//! The picture data is not touched: only marker segments before it are replaced.

use jiff::civil::DateTime;

use crate::domain::place::Point;
use crate::domain::store::Zone;
use crate::domain::time::At;

const ASCII: u16 = 2;
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// `jpeg` with a fresh EXIF block (camera, local time with its offset, position); one that was there is dropped.
/// `None` if the bytes do not begin like a JPEG.
pub fn stamp(jpeg: &[u8], taken: At, zone: &Zone, point: Point, make: &str, model: &str) -> Option<Vec<u8>> {
    let block = tiff(taken, zone, point, make, model);
    let mut out = vec![0xff, 0xd8, 0xff, 0xe1];
    // The length counts itself and the six bytes `Exif\0\0`.
    out.extend(u16::try_from(block.len() + 8).ok()?.to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(block);

    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    while let [0xff, marker @ (0xe0..=0xef | 0xfe), high, low, ..] = *rest {
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let (segment, after) = rest.split_at_checked(end)?;
        if !(marker == 0xe1 && segment.get(4..).is_some_and(|body| body.starts_with(b"Exif\0"))) {
            out.extend(segment);
        }
        rest = after;
    }
    out.extend(rest);
    Some(out)
}

/// A little-endian TIFF block: IFD0, the Exif IFD and the GPS IFD, each followed by its own longer values.
fn tiff(taken: At, zone: &Zone, point: Point, make: &str, model: &str) -> Vec<u8> {
    let offset_secs = zone.offset_secs(taken);
    let local = clock(taken.plus_secs(i64::from(offset_secs)));
    let utc = clock(taken);
    let date_time = text(&local.strftime("%Y:%m:%d %H:%M:%S").to_string());
    let sign = if offset_secs < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset_secs.abs() / 3600, offset_secs.abs() / 60 % 60);
    let offset = text(&format!("{sign}{hours:02}:{minutes:02}"));

    let mut block = b"II*\0\x08\0\0\0".to_vec();
    // IFD0 is as long whatever the two pointers say, so it is laid out once to learn where the others begin.
    let first = |exif_at: u32, gps_at: u32| {
        directory(
            8,
            &[
                (0x010f, ASCII, text(make)),
                (0x0110, ASCII, text(model)),
                (0x0112, SHORT, 1_u16.to_le_bytes().to_vec()),
                (0x0132, ASCII, date_time.clone()),
                (0x8769, LONG, exif_at.to_le_bytes().to_vec()),
                (0x8825, LONG, gps_at.to_le_bytes().to_vec()),
            ],
        )
    };
    let exif_at = 8 + size(&first(0, 0));
    let exif = directory(
        exif_at,
        &[
            (0x9000, UNDEFINED, b"0232".to_vec()),
            (0x9003, ASCII, date_time.clone()),
            (0x9004, ASCII, date_time.clone()),
            (0x9010, ASCII, offset.clone()),
            (0x9011, ASCII, offset.clone()),
        ],
    );
    let gps_at = exif_at + size(&exif);
    let side = |negative: bool, names: [&str; 2]| text(names[usize::from(negative)]);
    let gps = directory(
        gps_at,
        &[
            (0x0000, BYTE, vec![2, 3, 0, 0]),
            (0x0001, ASCII, side(point.lat() < 0.0, ["N", "S"])),
            (0x0002, RATIONAL, degrees(point.lat())),
            (0x0003, ASCII, side(point.lon() < 0.0, ["E", "W"])),
            (0x0004, RATIONAL, degrees(point.lon())),
            (
                0x0007,
                RATIONAL,
                rationals(&[(utc.hour() as u32, 1), (utc.minute() as u32, 1), (utc.second() as u32, 1)]),
            ),
            (0x001d, ASCII, text(&utc.strftime("%Y:%m:%d").to_string())),
        ],
    );
    block.extend(first(exif_at, gps_at));
    block.extend(exif);
    block.extend(gps);
    block
}

fn clock(at: At) -> DateTime {
    jiff::tz::TimeZone::UTC.to_datetime(at.timestamp())
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a directory is a few hundred bytes")
}

/// One image file directory that will stand at `start`: 12 bytes an entry, then the values longer than four bytes.
fn directory(start: u32, entries: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
    let mut head = u16::try_from(entries.len()).expect("a handful of entries").to_le_bytes().to_vec();
    let mut tail: Vec<u8> = Vec::new();
    let values_at = start + 2 + 12 * u32::try_from(entries.len()).expect("a handful of entries") + 4;
    for (tag, kind, value) in entries {
        let width = match *kind {
            SHORT => 2,
            LONG => 4,
            RATIONAL => 8,
            _ => 1,
        };
        head.extend(tag.to_le_bytes());
        head.extend(kind.to_le_bytes());
        head.extend((size(value) / width).to_le_bytes());
        if value.len() <= 4 {
            head.extend(value);
            head.extend(vec![0; 4 - value.len()]);
        } else {
            head.extend((values_at + size(&tail)).to_le_bytes());
            tail.extend(value);
            // Values begin on even offsets.
            tail.extend(vec![0; value.len() % 2]);
        }
    }
    head.extend([0; 4]);
    head.extend(tail);
    head
}

/// ASCII with its closing zero; other characters become `?`.
fn text(value: &str) -> Vec<u8> {
    value.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).chain([0]).collect()
}

fn rationals(values: &[(u32, u32)]) -> Vec<u8> {
    values.iter().flat_map(|(over, under)| [over.to_le_bytes(), under.to_le_bytes()].concat()).collect()
}

/// Degrees, minutes and seconds to a ten-thousandth (three millimetres).
fn degrees(value: f64) -> Vec<u8> {
    let parts = (value.abs() * 36_000_000.0).round() as u64;
    let whole = |n: u64| u32::try_from(n).expect("at most 180 degrees");
    rationals(&[(whole(parts / 36_000_000), 1), (whole(parts / 600_000 % 60), 1), (whole(parts % 600_000), 10_000)])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use exif::{In, Tag, Value};

    use super::*;
    use crate::checks::samples;

    fn photo() -> Vec<u8> {
        samples::jpeg(&samples::text(320, 240))
    }

    fn read(jpeg: &[u8]) -> exif::Exif {
        exif::Reader::new().read_from_container(&mut Cursor::new(jpeg)).expect("readable EXIF")
    }

    fn shown(block: &exif::Exif, tag: Tag) -> String {
        block.get_field(tag, In::PRIMARY).expect("the tag is there").display_value().to_string()
    }

    fn degrees_of(block: &exif::Exif, tag: Tag) -> f64 {
        match &block.get_field(tag, In::PRIMARY).expect("the tag is there").value {
            Value::Rational(v) => v[0].to_f64() + v[1].to_f64() / 60.0 + v[2].to_f64() / 3600.0,
            other => panic!("not rational: {other:?}"),
        }
    }

    fn stamped(jpeg: &[u8], point: Point) -> Vec<u8> {
        let taken = At::parse("2026-07-01T09:05:07.5Z").expect("a time");
        let zone = Zone::parse("Europe/Zurich").expect("a zone");
        stamp(jpeg, taken, &zone, point, "Fairphone", "FP5").expect("a JPEG")
    }

    #[test]
    fn a_stamped_photo_says_when_where_and_with_what() {
        let point = Point::new(46.519_653, 6.632_273).expect("on the globe");
        let block = read(&stamped(&photo(), point));
        assert_eq!(shown(&block, Tag::DateTimeOriginal), "2026-07-01 11:05:07");
        assert_eq!(shown(&block, Tag::OffsetTimeOriginal), "\"+02:00\"");
        assert_eq!(shown(&block, Tag::Make), "\"Fairphone\"");
        assert_eq!(shown(&block, Tag::Model), "\"FP5\"");
        assert_eq!(shown(&block, Tag::GPSDateStamp), "2026-07-01");
        assert_eq!(shown(&block, Tag::GPSTimeStamp), "09:05:07");
        assert_eq!(shown(&block, Tag::GPSLatitudeRef), "N");
        assert!((degrees_of(&block, Tag::GPSLatitude) - 46.519_653).abs() < 1e-7);
        assert!((degrees_of(&block, Tag::GPSLongitude) - 6.632_273).abs() < 1e-7);
    }

    #[test]
    fn the_south_and_west_have_their_letters() {
        let block = read(&stamped(&photo(), Point::new(-33.999_999_99, -70.5).expect("on the globe")));
        assert_eq!(shown(&block, Tag::GPSLatitudeRef), "S");
        assert_eq!(shown(&block, Tag::GPSLongitudeRef), "W");
        assert!((degrees_of(&block, Tag::GPSLatitude) - 34.0).abs() < 1e-7, "rounding carries into the degrees");
    }

    #[test]
    fn the_picture_is_untouched_and_a_second_stamp_replaces_the_first() {
        let here = Point::new(46.5, 6.6).expect("on the globe");
        let there = Point::new(47.5, 7.6).expect("on the globe");
        let once = stamped(&photo(), here);
        let twice = stamped(&once, there);
        assert_eq!(once.len(), twice.len());
        assert!((degrees_of(&read(&twice), Tag::GPSLatitude) - 47.5).abs() < 1e-7);
        assert!(once.ends_with(&photo()[2..]), "every byte after the start of image is kept");
    }

    #[test]
    fn other_bytes_are_not_stamped() {
        let zone = Zone::parse("Europe/Zurich").expect("a zone");
        let point = Point::new(46.5, 6.6).expect("on the globe");
        let now = At::from_micros(0).expect("in range");
        for bytes in [&b""[..], b"\x89PNG", b"\xff", b"\xff\xd8\xff\xe0\xff\xff short"] {
            assert_eq!(stamp(bytes, now, &zone, point, "a", "b"), None);
        }
    }
}
