//! What the camera wrote beside the picture: time, place, maker, orientation, programs. All of it can be edited in a
//! minute, so it is compared and never trusted. Strings are cut and cleaned here; broken tags read as absent.

use std::io::Cursor;

use exif::{Exif, In, Reader, Tag, Value};
use jiff::civil::DateTime;

use super::format::{Format, Layout};
use crate::domain::finding::plain;
use crate::domain::place::Point;

/// Longest camera text kept, in characters.
const TEXT_MAX_CHARS: usize = 64;

/// The fields that the checks use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    /// At least one tag could be read.
    pub present: bool,
    /// 1 to 8; 1 when absent or nonsense.
    pub orientation: u8,
    /// Wall-clock time of the exposure.
    pub taken: Option<DateTime>,
    /// Offset of that wall clock from UTC, in minutes.
    pub offset_min: Option<i32>,
    pub point: Option<Point>,
    /// The position was written, as 0,0: a phone without a fix.
    pub null_island: bool,
    pub accuracy_m: Option<f64>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub software: Option<String>,
    /// Programs named by XMP.
    pub tools: Vec<String>,
    /// When the position was fixed, in UTC.
    pub fixed: Option<DateTime>,
    /// What the camera, or a program, wrote as a comment or description.
    pub comment: Option<String>,
    /// The small JPEG that cameras put beside the picture.
    pub thumbnail: Option<Vec<u8>>,
    /// The file itself says that a trained model made the picture.
    pub generated: Option<Generated>,
}

/// How a file says that a picture was generated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Generated {
    /// All of it; with what says so.
    Whole(String),
    /// Something in it.
    Partly(String),
}

/// Programs that generate pictures, as they name themselves, in lower case.
const GENERATORS: &[&str] = &[
    "adobe firefly",
    "automatic1111",
    "comfyui",
    "dall-e",
    "dall·e",
    "dreamstudio",
    "ideogram",
    "invokeai",
    "leonardo.ai",
    "midjourney",
    "novelai",
    "openai",
    "stable diffusion",
];
/// Keywords under which generators keep what they were asked for in a PNG.
const PROMPT_KEYWORDS: &[&str] = &["parameters", "prompt", "workflow", "sd-metadata", "invokeai_metadata", "dream"];
/// Longest comment and longest PNG text that is searched, in bytes.
const SEARCHED_MAX_BYTES: usize = 4096;
/// Largest thumbnail read, in bytes: EXIF has no room for more.
const THUMBNAIL_MAX_BYTES: usize = 65_536;

/// Reads the EXIF and XMP of a file as far as they can be read.
pub fn read(bytes: &[u8], format: Format, layout: &Layout) -> Tags {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let parsed = match format {
        Format::Jpeg | Format::Heic => {
            let block = layout.exif.clone().and_then(|range| bytes.get(range));
            block.map(|block| reader.read_raw(block.to_vec()))
        }
        Format::Png | Format::WebP => Some(reader.read_from_container(&mut Cursor::new(bytes))),
        _ => None,
    };
    let exif = parsed.and_then(|r| r.or_else(|e| e.distill_partial_result(|_| ())).ok());
    let mut tags = exif.as_ref().map(fields).unwrap_or_default();
    tags.orientation = tags.orientation.max(1);
    if let Some(packet) = layout.xmp.clone().and_then(|range| bytes.get(range)) {
        let packet = String::from_utf8_lossy(packet);
        tags.tools = ["CreatorTool", "softwareAgent"].iter().filter_map(|name| xmp_value(&packet, name)).collect();
        tags.generated = source_type(&packet).or_else(|| credit(&packet));
    }
    let manifest =
        || layout.manifest.iter().find_map(|part| source_type(&String::from_utf8_lossy(bytes.get(part.clone())?)));
    let texts = || layout.texts.iter().find_map(|text| prompt(bytes.get(text.clone())?));
    tags.generated = tags.generated.take().or_else(manifest).or_else(texts).or_else(|| named_generator(&tags));
    tags
}

/// IPTC's word for how a picture came to be, in XMP or in a C2PA manifest.
fn source_type(text: &str) -> Option<Generated> {
    let whole = ["/trainedAlgorithmicMedia"].into_iter().find(|word| text.contains(word));
    let part = ["/compositeWithTrainedAlgorithmicMedia"].into_iter().find(|word| text.contains(word));
    let name = |word: &str| word.trim_start_matches('/').to_owned();
    whole.map(|word| Generated::Whole(name(word))).or(part.map(|word| Generated::Partly(name(word))))
}

fn credit(packet: &str) -> Option<Generated> {
    match xmp_value(packet, "Credit")?.as_str() {
        made @ "Made with Google AI" => Some(Generated::Whole(made.to_owned())),
        edited @ "Edited with Google AI" => Some(Generated::Partly(edited.to_owned())),
        _ => None,
    }
}

/// A text chunk of a PNG that holds a prompt, or names a generator.
fn prompt(chunk: &[u8]) -> Option<Generated> {
    let chunk = String::from_utf8_lossy(&chunk[..chunk.len().min(SEARCHED_MAX_BYTES)]);
    let (keyword, text) = chunk.split_once('\0')?;
    let keyword = keyword.to_lowercase();
    let asked = PROMPT_KEYWORDS.contains(&keyword.as_str()) && (text.contains('{') || text.contains("Steps: "));
    let says = asked || generator(text).is_some();
    says.then(|| Generated::Whole(plain(&format!("PNG {keyword}"), TEXT_MAX_CHARS)))
}

fn named_generator(tags: &Tags) -> Option<Generated> {
    let asked = |text: &&String| text.contains("Steps: ") && text.contains("Sampler: ");
    let comment = tags.comment.as_ref().filter(asked).map(|_| "generation parameters");
    let named =
        || tags.software.iter().chain(&tags.make).chain(&tags.tools).chain(&tags.comment).find_map(|t| generator(t));
    comment.or_else(named).map(|name| Generated::Whole(name.to_owned()))
}

fn generator(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    GENERATORS.iter().find(|name| text.contains(*name)).copied()
}

fn fields(exif: &Exif) -> Tags {
    let taken = [(Tag::DateTimeOriginal, Tag::OffsetTimeOriginal), (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized)]
        .into_iter()
        .chain([(Tag::DateTime, Tag::OffsetTime)])
        .find_map(|(time, offset)| Some((wall_clock(&ascii(exif, time)?)?, offset)));
    let (point, null_island) = position(exif);
    Tags {
        present: exif.fields().len() > 0,
        orientation: number(exif, Tag::Orientation).filter(|n| (1.0..=8.0).contains(n)).unwrap_or(1.0) as u8,
        taken: taken.map(|(time, _)| time),
        offset_min: taken.and_then(|(_, tag)| offset_minutes(&ascii(exif, tag)?)),
        point,
        null_island,
        accuracy_m: number(exif, Tag::GPSHPositioningError).filter(|m| m.is_finite() && *m >= 0.0),
        make: text(exif, Tag::Make),
        model: text(exif, Tag::Model),
        software: text(exif, Tag::Software),
        fixed: fix_time(exif),
        comment: comment(exif),
        thumbnail: thumbnail(exif),
        ..Tags::default()
    }
}

fn ascii(exif: &Exif, tag: Tag) -> Option<String> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(parts) => Some(String::from_utf8_lossy(parts.first()?).into_owned()),
        _ => None,
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    ascii(exif, tag).map(|t| plain(&t, TEXT_MAX_CHARS)).filter(|t| !t.trim().is_empty())
}

fn number(exif: &Exif, tag: Tag) -> Option<f64> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(parts) => parts.first().map(|r| r.to_f64()),
        other => other.get_uint(0).map(f64::from),
    }
}

/// The time of the satellite fix, in UTC.
fn fix_time(exif: &Exif) -> Option<DateTime> {
    let Value::Rational(parts) = &exif.get_field(Tag::GPSTimeStamp, In::PRIMARY)?.value else { return None };
    let [hour, minute, second] = parts.get(..3)? else { return None };
    let whole = |r: &exif::Rational| Some(r.to_f64()).filter(|n| (0.0..60.0).contains(n)).map(|n| n as u32);
    let (hour, minute, second) = (whole(hour)?, whole(minute)?, whole(second)?);
    wall_clock(&format!("{} {hour}:{minute}:{second}", ascii(exif, Tag::GPSDateStamp)?))
}

/// The user comment, whatever character set it names, or else the description.
fn comment(exif: &Exif) -> Option<String> {
    let user = match exif.get_field(Tag::UserComment, In::PRIMARY).map(|f| &f.value) {
        Some(Value::Undefined(bytes, _)) => {
            // Without its zeros, Latin text reads the same in all of them.
            let bytes = bytes.get(8..).unwrap_or_default().iter().copied().filter(|b| *b != 0);
            let bytes: Vec<u8> = bytes.take(SEARCHED_MAX_BYTES).collect();
            Some(String::from_utf8_lossy(&bytes).trim().to_owned())
        }
        _ => None,
    };
    let user = user.filter(|text| !text.is_empty());
    user.or_else(|| ascii(exif, Tag::ImageDescription)).map(|text| plain(&text, SEARCHED_MAX_BYTES))
}

fn thumbnail(exif: &Exif) -> Option<Vec<u8>> {
    let at = |tag| exif.get_field(tag, In::THUMBNAIL)?.value.get_uint(0).map(|n| n as usize);
    let (from, size) = (at(Tag::JPEGInterchangeFormat)?, at(Tag::JPEGInterchangeFormatLength)?);
    let bytes = exif.buf().get(from..from.checked_add(size.min(THUMBNAIL_MAX_BYTES))?)?;
    Some(bytes.to_vec())
}

/// `2026:03:10 09:00:00`, also with other separators. Dates of an unset clock (zeros, before 1990) read as absent.
fn wall_clock(text: &str) -> Option<DateTime> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).map(|p| p.parse::<i16>());
    let mut next = || parts.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute, second) = (next()?, next()?, next().unwrap_or(0).min(59));
    let small = |n: i16| i8::try_from(n).ok();
    let time = DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    (year >= 1990).then_some(time)
}

/// `+01:00` in minutes; nothing beyond the offsets that exist.
fn offset_minutes(text: &str) -> Option<i32> {
    let text = text.trim().trim_end_matches('\0');
    if text == "Z" {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let total = hours.parse::<u16>().ok()? as i32 * 60 + minutes.parse::<u16>().ok()? as i32;
    (total <= 14 * 60).then_some(sign * total)
}

/// The position, and whether it was the 0,0 of a phone without a fix.
fn position(exif: &Exif) -> (Option<Point>, bool) {
    let degrees = |tag| match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(parts) if !parts.is_empty() => {
            Some(parts.iter().take(3).zip([1.0, 60.0, 3600.0]).map(|(part, unit)| part.to_f64() / unit).sum::<f64>())
        }
        _ => None,
    };
    let signed = |tag, side, negative| {
        let down = ascii(exif, side).is_some_and(|s| s.trim().to_ascii_uppercase().starts_with(negative));
        degrees(tag).map(|d| if down { -d } else { d })
    };
    let lat = signed(Tag::GPSLatitude, Tag::GPSLatitudeRef, 'S');
    let lon = signed(Tag::GPSLongitude, Tag::GPSLongitudeRef, 'W');
    match lat.zip(lon) {
        Some((lat, lon)) if lat.abs() < 1e-4 && lon.abs() < 1e-4 => (None, true),
        Some((lat, lon)) => (Point::new(lat, lon), false),
        None => (None, false),
    }
}

/// The value of an XMP property, written as an attribute or as an element.
fn xmp_value(packet: &str, name: &str) -> Option<String> {
    let after = &packet[packet.find(name)? + name.len()..];
    let value = after.strip_prefix("=\"").or_else(|| after.strip_prefix('>'))?;
    let end = value.find(['"', '<'])?;
    Some(plain(&value[..end], TEXT_MAX_CHARS)).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_clocks_are_read_and_unset_ones_are_absent() {
        assert_eq!(wall_clock("2026:03:10 09:05:07\0").map(|t| t.to_string()), Some("2026-03-10T09:05:07".into()));
        assert_eq!(wall_clock("0000:00:00 00:00:00"), None);
        assert_eq!(wall_clock("1970:01:01 00:00:00"), None);
        assert_eq!(wall_clock("2026:13:40 99:00:00"), None);
        assert_eq!(wall_clock("    :  :     :  :  "), None);
    }

    #[test]
    fn offsets_are_read_within_what_exists() {
        assert_eq!(offset_minutes("+05:45"), Some(345));
        assert_eq!(offset_minutes("-03:30"), Some(-210));
        assert_eq!(offset_minutes("+99:00"), None);
        assert_eq!(offset_minutes("é1:00"), None);
    }

    #[test]
    fn a_declared_generator_is_read_from_all_its_places() {
        let whole = |text: &str| Some(Generated::Whole(text.into()));
        let source = "digitalsourcetype/trainedAlgorithmicMedia\"";
        assert_eq!(source_type(source), whole("trainedAlgorithmicMedia"));
        let part = "digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
        assert_eq!(source_type(part), Some(Generated::Partly("compositeWithTrainedAlgorithmicMedia".into())));
        assert_eq!(source_type("digitalsourcetype/computationalCapture"), None);
        assert_eq!(prompt(b"parameters\0a shelf Steps: 20, Sampler: x"), whole("PNG parameters"));
        assert_eq!(prompt(b"parameters\0focus 2.8"), None);
        assert_eq!(prompt(b"Software\0Midjourney v6"), whole("PNG software"));
        let tags = |comment: &str| Tags { comment: Some(comment.into()), ..Tags::default() };
        assert_eq!(named_generator(&tags("x Steps: 20, Sampler: Euler")), whole("generation parameters"));
        assert_eq!(named_generator(&tags("shelf 4")), None);
        assert_eq!(credit("<x photoshop:Credit=\"Made with Google AI\"/>"), whole("Made with Google AI"));
    }

    #[test]
    fn an_xmp_property_is_read_in_both_spellings() {
        assert_eq!(xmp_value("a xmp:CreatorTool=\"GIMP 2.10\" b", "CreatorTool").as_deref(), Some("GIMP 2.10"));
        assert_eq!(xmp_value("<xmp:CreatorTool>Snapseed</x", "CreatorTool").as_deref(), Some("Snapseed"));
        assert_eq!(xmp_value("CreatorTool=\"open", "CreatorTool"), None);
    }
}
