//! Looking at photos: bytes in, findings, facts, a hash and renditions out. Pure: no I/O, no clock, no database, and
//! no panic on any input. Same bytes, same shot and same rule version give the same result. What findings add up to
//! is not decided here.
//!
//! Order of the look: type and structure (cheap refusals first), camera data, one decode, light, focus, hash,
//! renditions. A file that claims too much never reaches a decoder.

pub mod align;
// The release image decodes with libjpeg-turbo; only `Usual` is used there.
#[cfg_attr(all(feature = "turbo", not(test)), allow(dead_code))]
mod baseline;
pub mod duplicate;
mod exif;
mod exposure;
pub mod faces;
pub mod features;
mod format;
mod heic;
#[cfg(test)]
mod hostile;
pub mod letterbox;
pub mod limits;
mod origin;
pub mod pdq;
mod photo;
mod place;
#[cfg(feature = "c2pa")]
mod provenance;
mod rendition;
pub mod report;
#[cfg(test)]
mod samples;
mod sharpness;
pub mod stamp;
#[cfg(feature = "turbo")]
mod turbo;
mod when;

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::exif::Tags;
pub use self::format::Format;
use self::format::Layout;
pub use self::pdq::{Pdq, Prints};
pub use self::photo::Picture;
pub use self::rendition::Renditions;
use crate::domain::finding::{Code, Finding, Level, RULE_VERSION};
use crate::domain::place::Point;
use crate::domain::time::At;

/// What a file may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Largest file, in bytes.
    pub max_bytes: usize,
    /// Largest picture, in pixels. A progressive JPEG may have half, because its coefficients are kept twice as wide; so
    /// may a HEIC, which takes ten times as long.
    pub max_pixels: u64,
    /// Most scans of a JPEG.
    pub max_scans: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { max_bytes: 30_000_000, max_pixels: 64_000_000, max_scans: 100 }
    }
}

/// A picture with fewer bytes per pixel than this is blank or a bomb.
const BYTES_PER_PIXEL_MIN: f64 = 0.01;
/// Pictures up to this size are small enough to decode whatever they hold, in pixels.
const HARMLESS_PIXELS: u64 = 4_000_000;

/// What a photo is asked to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    #[default]
    Shelf,
    Tag,
    StoreFront,
    Product,
    Display,
    Other,
}

/// What is known about a photo besides its bytes.
#[derive(Clone, Debug, Default)]
pub struct Shot {
    pub declared_content_type: Option<String>,
    pub file_name: Option<String>,
    /// From the reservation or check-in to the seal.
    pub window: Option<(At, At)>,
    /// Zone of the store, in which a wall clock without an offset is read.
    pub zone: Option<TimeZone>,
    /// When the server had received the file: no photo is taken later.
    pub received: Option<At>,
    pub store: Option<Point>,
    pub radius_m: f64,
    pub subject: Subject,
    /// Shortest long side that the task accepts, in pixels; 0 accepts all.
    pub min_long_edge_px: u32,
    /// The task asks for a photo straight from the camera.
    pub camera_only: bool,
}

/// When a camera says that it took a photo.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TakenAt {
    /// Wall clock, `2026-03-10T09:00:00`.
    pub local: String,
    /// The camera's own offset from UTC, in minutes.
    pub offset_min: Option<i32>,
    /// The instant, when the camera wrote an offset or the zone of the store makes it certain.
    pub at: Option<At>,
}

/// What was read from a file. Size is as stored, before `orientation` (1 to 8) is applied; 0 when unknown.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub orientation: u8,
    pub taken_at: Option<TakenAt>,
    pub point: Option<Point>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub software: Option<String>,
    pub size_bytes: u64,
}

/// All that one look gave. A photo that was refused or could not be decoded has no hash and no renditions.
#[derive(Clone, PartialEq, Debug)]
pub struct Looked {
    pub findings: Vec<Finding>,
    pub facts: Facts,
    pub pdq: Option<Pdq>,
    /// The hash of the photo and of its turned and mirrored images, for [`duplicate::HashIndex::near`].
    pub prints: Option<Prints>,
    /// The same of the photo without the bars around it; `None` when it has none.
    pub trimmed: Option<Prints>,
    /// 0 to 100; 0 without a hash.
    pub pdq_quality: u8,
    pub renditions: Option<Renditions>,
    pub rule_version: &'static str,
}

impl Looked {
    fn refused(facts: Facts, findings: Vec<Finding>) -> Looked {
        Looked {
            findings,
            facts,
            pdq: None,
            prints: None,
            trimmed: None,
            pdq_quality: 0,
            renditions: None,
            rule_version: RULE_VERSION,
        }
    }

    /// The gravest level found; `Info` when nothing was found.
    pub fn worst(&self) -> Level {
        self.findings.iter().map(|f| f.level).max().unwrap_or(Level::Info)
    }
}

/// Looks at one file. Findings stand in the order of the code table. Never panics.
pub fn look(bytes: &[u8], shot: &Shot, limits: &Budget) -> Looked {
    caught(bytes, || look_inside(bytes, shot, limits, true))
}

/// As [`look`], without renditions: the same findings, facts and hash in half the time, for an answer while the worker
/// waits.
pub fn verdict(bytes: &[u8], shot: &Shot, limits: &Budget) -> Looked {
    caught(bytes, || look_inside(bytes, shot, limits, false))
}

/// Pixels that a look at this file will decode, read from its headers; 0 for one that no decoder will see.
pub fn pixels_held(bytes: &[u8], limits: &Budget) -> u64 {
    let format = Format::sniff(bytes);
    if bytes.len() > limits.max_bytes || !format.is_supported() {
        return 0;
    }
    let layout = walk(bytes, format, limits);
    if too_costly(bytes, format, &layout, limits).is_some() { 0 } else { layout.pixels() }
}

fn walk(bytes: &[u8], format: Format, limits: &Budget) -> Layout {
    match format {
        Format::Png => format::walk_png(bytes),
        Format::WebP => format::walk_webp(bytes),
        Format::Heic => heic::walk(bytes),
        _ => format::walk_jpeg(bytes, limits.max_scans),
    }
}

/// A panic is a bug, and still only this photo's: it becomes a finding.
fn caught(bytes: &[u8], inside: impl FnOnce() -> Looked) -> Looked {
    let looked = catch_unwind(AssertUnwindSafe(inside));
    let mut looked = looked.unwrap_or_else(|_| {
        let facts =
            Facts { format: Format::sniff(bytes), orientation: 1, size_bytes: bytes.len() as u64, ..Facts::default() };
        Looked::refused(facts, vec![Finding::new(Code::Damaged, Level::Doubt).about("reader stopped")])
    });
    looked.findings.sort_by_key(|f| f.code);
    looked
}

fn look_inside(bytes: &[u8], shot: &Shot, limits: &Budget, with_renditions: bool) -> Looked {
    let format = Format::sniff(bytes);
    let mut facts = Facts { format, orientation: 1, size_bytes: bytes.len() as u64, ..Facts::default() };
    let mut findings = Vec::new();
    if bytes.len() > limits.max_bytes {
        findings.push(Finding::new(Code::TooLarge, Level::Fail).measured(bytes.len() as f64, limits.max_bytes as f64));
        return Looked::refused(facts, findings);
    }
    findings.extend(type_differs(format, shot));
    if !format.is_supported() {
        findings.push(Finding::new(Code::FormatUnsupported, Level::Fail).about(format.as_str()));
        return Looked::refused(facts, findings);
    }
    let layout = walk(bytes, format, limits);
    (facts.width, facts.height) = (layout.width, layout.height);
    if let Some(hidden) = layout.hides {
        let text = format!("{}, {hidden}", format.as_str());
        findings.push(Finding::new(Code::TypeDiffers, Level::Doubt).about(&text));
    }
    if let Some((size, kind)) = layout.trailing {
        findings.push(Finding::new(Code::TrailingData, Level::Info).valued(size as f64).about(kind));
    }
    let mut tags = exif::read(bytes, format, &layout);
    if format == Format::Heic {
        // The container says how to turn the picture, and the decoder has done it.
        tags.orientation = 1;
    }
    record(&mut facts, &tags, shot);
    let in_time = when::judge(tags.taken, tags.offset_min, shot.zone.as_ref(), shot.window);
    findings.extend(in_time.or_else(|| when::skew(&tags, shot.zone.as_ref(), shot.received)));
    findings.extend(place::judge(tags.point, tags.accuracy_m, shot.store, shot.radius_m));
    findings.extend(place::conflict(tags.point, tags.offset_min));
    findings.extend(origin::judge(&tags, format, &layout, shot.file_name.as_deref(), shot.camera_only));

    if let Some(refusal) = too_costly(bytes, format, &layout, limits) {
        findings.push(refusal);
        return Looked::refused(facts, findings);
    }
    #[cfg(feature = "c2pa")]
    findings.extend(provenance::judge(bytes, format, &layout));

    let decoded = photo::decode(bytes, format, &layout, with_renditions);
    let fault = match &decoded {
        None => Some("cannot be decoded"),
        Some(decoded) if !decoded.strict => Some(layout.fault.unwrap_or("decoder forgave errors")),
        // Stray bytes that a strict decoder accepts are no damage; a missing end is.
        Some(_) if !layout.ended => layout.fault,
        Some(_) => None,
    };
    findings.extend(fault.map(|fault| Finding::new(Code::Damaged, Level::Doubt).about(fault)));
    let Some(decoded) = decoded else {
        return Looked::refused(facts, findings);
    };
    let planes = decoded.planes;
    let full = &planes.luma;
    findings.extend(too_small(full.long_edge(), shot.min_long_edge_px));

    let working = full.fit(sharpness::COARSE_EDGE_PX);
    let thumbnail = tags.thumbnail.as_deref().and_then(photo::thumbnail);
    findings.extend(thumbnail.and_then(|small| origin::thumbnail_differs(&small, &working)));
    let light = exposure::judge(&working);
    findings.extend(light.findings);
    let (mut prints, mut trimmed) = (None, None);
    if !light.black {
        findings.extend(sharpness::judge(full, &working, shot.subject));
        findings.iter_mut().for_each(|finding| soften(finding, shot.subject));
        prints = pdq::hash(&working);
        trimmed = letterbox::trimmed(&working).and_then(|inside| pdq::hash(&inside));
    }
    Looked {
        findings,
        facts,
        pdq: prints.map(|p| p.symmetries[0]),
        pdq_quality: prints.map_or(0, |p| p.quality),
        prints,
        trimmed,
        renditions: if with_renditions { rendition::render(&planes, tags.orientation) } else { None },
        rule_version: RULE_VERSION,
    }
}

fn type_differs(format: Format, shot: &Shot) -> Option<Finding> {
    let claims = [&shot.declared_content_type, &shot.file_name];
    let claimed = claims.into_iter().flatten().filter_map(|c| Format::claimed(c)).find(|c| *c != format)?;
    let text = format!("{}, {}", claimed.as_str(), format.as_str());
    Some(Finding::new(Code::TypeDiffers, Level::Doubt).about(&text))
}

/// Refuses what would cost more to decode than any photo of a phone.
fn too_costly(bytes: &[u8], format: Format, layout: &Layout, limits: &Budget) -> Option<Finding> {
    let costly = layout.progressive || format == Format::Heic;
    let allowed = if costly { limits.max_pixels / 2 } else { limits.max_pixels };
    let pixels = layout.pixels();
    let damaged = |why: &str| Some(Finding::new(Code::Damaged, Level::Doubt).about(why));
    if pixels > allowed {
        let finding = Finding::new(Code::TooManyPixels, Level::Fail);
        return Some(finding.measured(pixels as f64 / 1e6, allowed as f64 / 1e6));
    }
    if pixels == 0 || layout.scans == 0 {
        return damaged("no picture");
    }
    if layout.scans > limits.max_scans {
        return damaged("too many scans");
    }
    let thin = (bytes.len() as f64) < pixels as f64 * BYTES_PER_PIXEL_MIN;
    if thin && pixels > HARMLESS_PIXELS { damaged("too few bytes for its size") } else { None }
}

/// A store front only shows which store it is, and it is dark at night.
fn soften(finding: &mut Finding, subject: Subject) {
    finding.level = match (subject, finding.code) {
        (Subject::StoreFront, Code::Blurred) => finding.level.min(Level::Doubt),
        (Subject::StoreFront, Code::TooDark | Code::LowContrast) => Level::Info,
        _ => finding.level,
    };
}

fn too_small(long_edge: u32, needed: u32) -> Option<Finding> {
    // Half the size holds a quarter of the detail: what was asked for cannot be read.
    let level = if long_edge < needed / 2 { Level::Fail } else { Level::Doubt };
    let finding = Finding::new(Code::ResolutionLow, level).measured(f64::from(long_edge), f64::from(needed));
    (long_edge < needed).then_some(finding)
}

fn record(facts: &mut Facts, tags: &Tags, shot: &Shot) {
    facts.orientation = tags.orientation;
    facts.point = tags.point;
    facts.make.clone_from(&tags.make);
    facts.model.clone_from(&tags.model);
    facts.software.clone_from(&tags.software);
    facts.taken_at = tags.taken.map(|taken| {
        let certain = when::instants(taken, tags.offset_min, shot.zone.as_ref()).filter(|(a, b)| a == b);
        TakenAt { local: taken.to_string(), offset_min: tags.offset_min, at: certain.map(|(a, _)| a) }
    });
}

/// Entrances of the fuzz targets in `tests/fuzz`; a panic here is what they look for.
#[cfg(fuzzing)]
pub mod fuzz {
    use crate::checks::*;

    pub fn markers(bytes: &[u8]) {
        for layout in
            [format::walk_jpeg(bytes, 100), format::walk_png(bytes), format::walk_webp(bytes), heic::walk(bytes)]
        {
            let single = [&layout.exif, &layout.xmp].into_iter().flatten();
            for range in single.chain(&layout.texts).chain(&layout.manifest) {
                assert!(bytes.get(range.clone()).is_some());
            }
            assert!(layout.scans <= 101 && layout.trailing.is_none_or(|(size, _)| size <= bytes.len()));
        }
        Format::sniff(bytes);
        Format::claimed(&String::from_utf8_lossy(bytes));
    }

    pub fn exif(bytes: &[u8]) {
        let whole = Some(0..bytes.len());
        let layout = Layout { exif: whole.clone(), xmp: whole, ..Layout::default() };
        let tags = crate::checks::exif::read(bytes, Format::Jpeg, &layout);
        let mut facts = Facts::default();
        record(&mut facts, &tags, &Shot::default());
    }

    pub fn look(bytes: &[u8]) {
        let limits = Budget { max_pixels: 300_000, ..Budget::default() };
        // Encoding takes most of the time of a small picture and reads nothing of a stranger's.
        look_inside(bytes, &Shot::default(), &limits, bytes.len() % 8 == 0);
    }
}

#[cfg(test)]
mod tests;
