//! Whole looks at made and real photos. The made ones isolate one fault each; the real ones lie in
//! tests/fixtures/photos.

use super::duplicate::{HashIndex, Known, LIKE_MAX_BITS};
use super::photo::Picture;
use super::samples::{self, Camera, Dice};
use super::*;
use crate::domain::ids::{EvidenceId, ReservationId, UserId};

fn seen(bytes: &[u8]) -> Looked {
    look(bytes, &Shot::default(), &Budget::default())
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/photos/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn level(looked: &Looked, code: Code) -> Option<Level> {
    looked.findings.iter().find(|f| f.code == code).map(|f| f.level)
}

fn text_of(looked: &Looked, code: Code) -> Option<&str> {
    looked.findings.iter().find(|f| f.code == code)?.text.as_deref()
}

/// Codes that say something about the worker's photo, without the usual absences.
fn doubts(looked: &Looked) -> Vec<Code> {
    looked.findings.iter().filter(|f| f.level > Level::Info).map(|f| f.code).collect()
}

fn decoded(jpeg: &[u8]) -> Picture {
    let layout = format::walk_jpeg(jpeg, 100);
    photo::decode_any(jpeg, &layout, true, true).expect("a whole JPEG")
}

fn mean_difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let sum: u64 = a.data.iter().zip(&b.data).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.data.len() as f64
}

/// `jpeg` with another size in its frame header.
fn claiming(mut jpeg: Vec<u8>, width: u16, height: u16) -> Vec<u8> {
    let at = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).expect("a baseline frame");
    jpeg[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

#[test]
fn a_sharp_photo_gives_facts_hash_renditions_and_no_doubt() {
    let looked = seen(&samples::jpeg(&samples::text(2048, 1536)));
    assert_eq!(doubts(&looked), []);
    assert_eq!((looked.facts.format, looked.facts.width, looked.facts.height), (Format::Jpeg, 2048, 1536));
    assert!(looked.pdq_quality >= pdq::QUALITY_MIN);
    assert_eq!(looked.pdq, looked.prints.map(|p| p.symmetries[0]));
    let renditions = looked.renditions.expect("decoded");
    let sizes = [&renditions.large, &renditions.small].map(|r| decoded(r).long_edge());
    assert_eq!(sizes, [rendition::LARGE_EDGE_PX, rendition::SMALL_EDGE_PX]);
    assert_eq!(looked.rule_version, RULE_VERSION);
}

#[test]
fn the_same_bytes_give_the_same_look() {
    let file = fixture("shelf.jpg");
    assert_eq!(seen(&file), seen(&file));
}

#[test]
fn blur_is_found_and_grows_from_doubt_to_fail() {
    let sharp = samples::text(1800, 1350);
    let judged = |reach| level(&seen(&samples::jpeg(&samples::blurred(&sharp, reach))), Code::Blurred);
    assert_eq!(level(&seen(&samples::jpeg(&sharp)), Code::Blurred), None);
    assert_eq!(judged(6), Some(Level::Fail));
    let shot = Shot { subject: Subject::StoreFront, ..Shot::default() };
    let front = look(&samples::jpeg(&samples::blurred(&sharp, 6)), &shot, &Budget::default());
    assert_eq!(level(&front, Code::Blurred), Some(Level::Doubt), "a store front only shows which store it is");
}

#[test]
fn blur_under_noise_is_found() {
    let mut dice = Dice(42);
    let mut noisy = samples::blurred(&samples::text(1800, 1350), 12);
    noisy.data.iter_mut().step_by(3).for_each(|s| *s = s.saturating_add(dice.roll(9) as u8).saturating_sub(4));
    assert!(level(&seen(&samples::jpeg_at(&noisy, 95)), Code::Blurred).is_some());
}

#[test]
fn blur_is_not_judged_on_small_pictures() {
    let looked = seen(&samples::jpeg(&samples::blurred(&samples::text(1000, 750), 6)));
    assert_eq!(level(&looked, Code::Blurred), None);
}

#[test]
fn light_is_judged_from_black_to_burnt() {
    let scene = || samples::text(800, 600);
    let of = |picture: Picture| seen(&samples::jpeg(&picture));
    let black = of(samples::plain(800, 600, 4));
    assert_eq!(level(&black, Code::BlackFrame), Some(Level::Fail));
    assert!(black.pdq.is_none() && black.renditions.is_some(), "a person can still look at it");
    assert_eq!(level(&of(samples::toned(scene(), |s| s / 1.4)), Code::TooDark), None);
    assert_eq!(level(&of(samples::toned(scene(), |s| s / 4.0)), Code::TooDark), Some(Level::Doubt));
    assert_eq!(level(&of(samples::toned(scene(), |s| s * 2.2)), Code::Overexposed), Some(Level::Doubt));
    assert_eq!(level(&of(samples::toned(scene(), |s| 110.0 + s / 8.0)), Code::LowContrast), Some(Level::Info));
    assert_eq!(level(&of(samples::plain(800, 600, 140)), Code::CoveredLens), Some(Level::Doubt));
    assert_eq!(doubts(&of(scene())), []);
}

#[test]
fn a_cut_file_is_damaged_and_still_shown() {
    let file = samples::jpeg(&samples::text(640, 480));
    let half = seen(&file[..file.len() / 2]);
    assert_eq!(level(&half, Code::Damaged), Some(Level::Doubt));
    assert!(half.renditions.is_some());
    let headless = seen(&file[..200]);
    assert_eq!(level(&headless, Code::Damaged), Some(Level::Doubt));
    assert!(headless.renditions.is_none() && headless.pdq.is_none());
}

#[test]
fn a_claim_of_too_many_pixels_never_reaches_a_decoder() {
    let bomb = claiming(samples::jpeg(&samples::plain(64, 64, 90)), 65500, 65500);
    assert!(bomb.len() < 1000);
    let looked = seen(&bomb);
    assert_eq!(level(&looked, Code::TooManyPixels), Some(Level::Fail));
    assert!(looked.renditions.is_none());
    let thin = seen(&claiming(samples::jpeg(&samples::plain(64, 64, 90)), 6000, 4000));
    assert_eq!(text_of(&thin, Code::Damaged), Some("too few bytes for its size"));
    assert!(thin.renditions.is_none());
}

#[test]
fn a_second_frame_header_cannot_hide_its_size() {
    let file = samples::jpeg(&samples::text(64, 64));
    let big = [8, 0xFF, 0x00, 0xFF, 0x00, 1, 1, 0x11, 0];
    let at = file.windows(2).position(|w| w == [0xFF, 0xC0]).expect("a frame");
    let frame = [&[0xFF, 0xC0, 0, 11], &big[..]].concat();
    let twice = [&file[..at], &file[at..at + 19], &frame, &file[at + 19..]].concat();
    assert_eq!(level(&seen(&twice), Code::TooManyPixels), Some(Level::Fail));
}

#[test]
fn two_thousand_scans_are_refused() {
    let file = samples::jpeg(&samples::text(64, 64));
    let scan_at = file.windows(2).position(|w| w == [0xFF, 0xDA]).expect("a scan");
    let header = &file[scan_at..scan_at + 2 + usize::from(file[scan_at + 3])];
    let mut bomb = file[..file.len() - 2].to_vec();
    (0..2000).for_each(|_| bomb.extend(header));
    bomb.extend([0xFF, 0xD9]);
    let looked = seen(&bomb);
    assert_eq!(text_of(&looked, Code::Damaged), Some("too many scans"));
    assert!(looked.renditions.is_none());
}

#[test]
fn a_file_above_the_byte_budget_is_refused_unread() {
    let file = samples::jpeg(&samples::text(64, 64));
    let looked = look(&file, &Shot::default(), &Budget { max_bytes: file.len() - 1, ..Budget::default() });
    assert_eq!(level(&looked, Code::TooLarge), Some(Level::Fail));
    assert_eq!(looked.findings.len(), 1);
}

#[test]
fn a_polyglot_is_named_and_leaves_nothing_in_the_renditions() {
    let mut file = samples::jpeg(&samples::text(640, 480));
    file.extend(b"<script>alert(1)</script>PK\x03\x04");
    let looked = seen(&file);
    assert_eq!(level(&looked, Code::TrailingData), Some(Level::Info));
    let renditions = looked.renditions.expect("decoded");
    assert!(!renditions.large.windows(7).any(|w| w == b"<script"));
}

#[test]
fn what_is_not_a_photo_is_refused_by_name() {
    let cases: [(&[u8], &str); 5] = [
        (b"\xFF\x0A\xFA\x7F", "JPEG XL"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "AVIF"),
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"", "unknown"),
    ];
    for (bytes, name) in cases {
        let looked = seen(bytes);
        assert_eq!(text_of(&looked, Code::FormatUnsupported), Some(name));
        assert_eq!(looked.worst(), Level::Fail);
    }
}

#[test]
fn a_type_that_is_not_as_declared_is_a_doubt() {
    let file = samples::jpeg(&samples::text(640, 480));
    let with = |kind: Option<&str>, name: Option<&str>| {
        let shot =
            Shot { declared_content_type: kind.map(Into::into), file_name: name.map(Into::into), ..Shot::default() };
        level(&look(&file, &shot, &Budget::default()), Code::TypeDiffers)
    };
    assert_eq!(with(Some("image/jpeg"), Some("a.JPEG")), None);
    assert_eq!(with(Some("application/octet-stream"), Some("upload")), None);
    assert_eq!(with(Some("image/png"), None), Some(Level::Doubt));
    assert_eq!(with(None, Some("a.heic")), Some(Level::Doubt));
}

#[test]
fn a_small_photo_is_a_doubt_and_a_tiny_one_fails() {
    let file = samples::jpeg(&samples::text(640, 480));
    let with = |min_long_edge_px| {
        let shot = Shot { min_long_edge_px, ..Shot::default() };
        level(&look(&file, &shot, &Budget::default()), Code::ResolutionLow)
    };
    assert_eq!([with(640), with(641), with(1600)], [None, Some(Level::Doubt), Some(Level::Fail)]);
}

#[test]
fn camera_data_is_compared_with_the_visit() {
    let camera = Camera {
        make: Some("Google"),
        taken: Some("2026:03:10 10:30:00"),
        point: Some((50.80, 4.34)),
        ..Camera::default()
    };
    let file = samples::with_exif(&samples::jpeg(&samples::text(640, 480)), &camera);
    let at = |text| At::parse(text).expect("a time");
    let shot = Shot {
        window: Some((at("2026-03-10T09:00:00Z"), at("2026-03-10T10:00:00Z"))),
        zone: TimeZone::get("Europe/Brussels").ok(),
        store: Point::new(50.8005, 4.3405),
        radius_m: 100.0,
        ..Shot::default()
    };
    let looked = look(&file, &shot, &Budget::default());
    assert_eq!(looked.findings, [], "in time, at the place, with a camera");
    let taken = looked.facts.taken_at.expect("written");
    assert_eq!((taken.local.as_str(), taken.at), ("2026-03-10T10:30:00", Some(at("2026-03-10T09:30:00Z"))));
    assert_eq!(looked.facts.make.as_deref(), Some("Google"));

    let later = Shot { window: shot.window.map(|(a, b)| (a.plus_days(3), b.plus_days(3))), ..shot.clone() };
    let looked = look(&file, &later, &Budget::default());
    assert_eq!(level(&looked, Code::TimeBeforeVisit), Some(Level::Fail));
    let elsewhere = Shot { store: Point::new(51.2, 4.4), ..shot };
    let looked = look(&file, &elsewhere, &Budget::default());
    assert_eq!(level(&looked, Code::PlaceFar), Some(Level::Doubt));
}

#[test]
fn a_camera_offset_outweighs_the_zone_of_the_store() {
    let camera = Camera { taken: Some("2026:03:10 10:30:00"), offset: Some("+00:00"), ..Camera::default() };
    let file = samples::with_exif(&samples::jpeg(&samples::text(64, 64)), &camera);
    let shot = Shot { zone: TimeZone::get("Europe/Brussels").ok(), ..Shot::default() };
    let taken = look(&file, &shot, &Budget::default()).facts.taken_at.expect("written");
    assert_eq!((taken.offset_min, taken.at), (Some(0), At::parse("2026-03-10T10:30:00Z")));
}

#[test]
fn absent_camera_data_is_never_a_doubt() {
    let looked = seen(&fixture("no_exif.jpg"));
    for code in [Code::NoCameraData, Code::TimeMissing, Code::PlaceMissing] {
        assert_eq!(level(&looked, code), Some(Level::Info));
    }
    assert_eq!(doubts(&looked), []);
}

#[test]
fn an_editor_is_named() {
    let camera = Camera { software: Some("GIMP 2.10.28"), ..Camera::default() };
    let looked = seen(&samples::with_exif(&samples::jpeg(&samples::text(640, 480)), &camera));
    assert_eq!(text_of(&looked, Code::EditorNamed), Some("GIMP 2.10.28"));
    let packet = b"http://ns.adobe.com/xap/1.0/\0<x xmp:CreatorTool=\"Snapseed 2.0\"/>";
    let looked = seen(&samples::with_segment(&samples::jpeg(&samples::text(640, 480)), 0xE1, packet));
    assert_eq!(text_of(&looked, Code::EditorNamed), Some("Snapseed 2.0"));
}

#[test]
fn null_island_is_no_place() {
    let shot = Shot { store: Point::new(50.8, 4.34), radius_m: 100.0, ..Shot::default() };
    let looked = look(&fixture("null_island.jpg"), &shot, &Budget::default());
    assert_eq!(level(&looked, Code::PlaceMissing), Some(Level::Info));
    assert_eq!((looked.facts.point, looked.facts.orientation), (None, 6));
    assert_eq!(looked.facts.make.as_deref(), Some("SAMSUNG"));
}

#[test]
fn a_real_shelf_is_sharp_and_hashed() {
    let looked = seen(&fixture("shelf.jpg"));
    assert_eq!(doubts(&looked), []);
    assert!(looked.pdq_quality >= pdq::QUALITY_MIN);
    assert_eq!(looked.facts.model.as_deref(), Some("ONEPLUS A3003"));
}

#[test]
fn all_eight_orientations_give_one_upright_picture_and_one_hash() {
    let looks: Vec<Looked> = (1..=8).map(|n| seen(&fixture(&format!("landscape_{n}.jpg")))).collect();
    let upright = |l: &Looked| decoded(&l.renditions.as_ref().expect("decoded").large);
    let first = upright(&looks[0]);
    let prints = looks[0].prints.expect("hashed");
    for (n, looked) in (1..).zip(&looks) {
        assert_eq!(looked.facts.orientation, n);
        assert!(mean_difference(&first, &upright(looked)) < 6.0, "orientation {n}");
        let hash = looked.pdq.expect("hashed");
        let (best, distance) = (0..8)
            .map(|s| (s, prints.symmetries[s].distance(&hash)))
            .min_by_key(|(_, d)| *d)
            .expect("eight symmetries");
        // The files differ a little: each shows its own number.
        assert!(distance <= duplicate::SAME_MAX_BITS, "orientation {n}: {distance}");
        assert_eq!(pdq::Symmetry::numbered(best).is_mirrored(), matches!(n, 2 | 4 | 5 | 7), "orientation {n}");
    }
}

#[test]
fn renditions_carry_no_metadata() {
    let camera = Camera { make: Some("Maker"), orientation: Some(6), point: Some((50.8, 4.3)), ..Camera::default() };
    let file = samples::with_exif(&samples::jpeg(&samples::text(640, 480)), &camera);
    for file in [file, fixture("null_island.jpg"), fixture("shelf.jpg")] {
        let renditions = seen(&file).renditions.expect("decoded");
        for jpeg in [&renditions.large, &renditions.small] {
            let layout = format::walk_jpeg(jpeg, 100);
            assert!(layout.ended && layout.fault.is_none());
            assert_eq!((layout.exif, layout.xmp, layout.trailing), (None, None, None));
            assert!(::exif::Reader::new().read_from_container(&mut std::io::Cursor::new(jpeg)).is_err());
            // Between start and scan only JFIF's own header and the coding tables are allowed.
            let mut at = 2;
            while jpeg[at + 1] != 0xDA {
                assert!(matches!(jpeg[at + 1], 0xE0 | 0xDB | 0xC0..=0xC4 | 0xDD), "marker {:x}", jpeg[at + 1]);
                if jpeg[at + 1] == 0xE0 {
                    assert_eq!(jpeg[at + 2..at + 9], *b"\0\x10JFIF\0");
                }
                at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            }
        }
    }
}

#[test]
fn broken_real_files_are_read_as_far_as_they_go() {
    let cut = seen(&fixture("broken_cut_2099.jpg"));
    assert_eq!(doubts(&cut), [Code::Damaged]);
    assert!(cut.facts.taken_at.is_some(), "the camera data is whole");
    assert_eq!(doubts(&seen(&fixture("broken_no_picture.jpg"))), [Code::Damaged]);
    let exif = seen(&fixture("broken_exif.jpg"));
    assert!(exif.renditions.is_some());
}

#[test]
fn png_and_webp_are_looked_at_and_bounded() {
    let rgb = image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([(x * y) as u8, x as u8, (y * 7) as u8]));
    for (format, name) in [(image::ImageFormat::Png, Format::Png), (image::ImageFormat::WebP, Format::WebP)] {
        let mut file = std::io::Cursor::new(Vec::new());
        rgb.write_to(&mut file, format).expect("encodes");
        let file = file.into_inner();
        let shot = Shot { camera_only: true, ..Shot::default() };
        let looked = look(&file, &shot, &Budget::default());
        assert_eq!((looked.facts.format, looked.facts.width, looked.facts.height), (name, 300, 200));
        assert!(looked.renditions.is_some() && looked.pdq.is_some());
        assert_eq!(level(&looked, Code::NotAppCapture), Some(Level::Doubt));
        let tight = look(&file, &Shot::default(), &Budget { max_pixels: 1000, ..Budget::default() });
        assert_eq!(level(&tight, Code::TooManyPixels), Some(Level::Fail));
        let cut = seen(&file[..file.len() - 20]);
        assert_eq!(level(&cut, Code::Damaged), Some(Level::Doubt));
    }
}

#[test]
fn a_resaved_copy_is_found_and_another_scene_is_not() {
    let known = |n: u128| Known {
        id: EvidenceId::from_bits(n),
        worker: UserId::from_bits(n),
        visit: ReservationId::from_bits(n),
        at: At::from_micros(0).expect("in range"),
    };
    let mut index = HashIndex::default();
    for seed in 1..20 {
        let looked = seen(&samples::jpeg(&samples::scene(512, 384, seed)));
        assert!(index.insert(known(seed.into()), looked.pdq.expect("hashed"), looked.pdq_quality));
    }
    let original = samples::scene(512, 384, 7);
    let copies = [
        samples::jpeg_at(&original, 30),
        samples::jpeg(&original.fit(256)),
        samples::jpeg(&samples::toned(original.clone(), |s| s * 0.8)),
        samples::jpeg(&samples::blurred(&original, 1)),
        samples::jpeg(&original.clone().upright(6)),
        samples::jpeg(&original.clone().upright(2)),
    ];
    for (n, copy) in copies.iter().enumerate() {
        let hits = index.near(&seen(copy).prints.expect("hashed"), LIKE_MAX_BITS);
        assert_eq!(hits.len(), 1, "copy {n}");
        assert_eq!(hits[0].known.id, EvidenceId::from_bits(7));
        assert!(hits[0].distance <= duplicate::SAME_MAX_BITS, "copy {n}: {}", hits[0].distance);
        assert_eq!(hits[0].symmetry.is_mirrored(), n == 5);
    }
    let other = seen(&samples::jpeg(&samples::scene(512, 384, 99)));
    assert!(index.near(&other.prints.expect("hashed"), LIKE_MAX_BITS).is_empty());
}

#[test]
fn no_bytes_make_a_look_panic() {
    let mut dice = Dice(2026);
    let camera = Camera {
        make: Some("Maker"),
        taken: Some("2026:03:10 10:30:00"),
        offset: Some("+01:00"),
        point: Some((50.8, 4.3)),
        orientation: Some(6),
        ..Camera::default()
    };
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 9]))
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    let mut webp = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 9]))
        .write_to(&mut webp, image::ImageFormat::WebP)
        .expect("encodes");
    let seeds = [
        samples::with_exif(&samples::jpeg(&samples::text(96, 72)), &camera),
        samples::jpeg(&samples::text(80, 80).luma()),
        png.into_inner(),
        webp.into_inner(),
    ];
    let at = |us| At::from_micros(us).expect("in range");
    let shot = Shot {
        window: Some((at(0), at(1))),
        zone: TimeZone::get("Europe/Brussels").ok(),
        store: Point::new(0.0, 0.0),
        ..Shot::default()
    };
    let small = Budget { max_pixels: 100_000, ..Budget::default() };
    for round in 0..1000 {
        let mut file = seeds[round % seeds.len()].clone();
        for _ in 0..=dice.roll(8) {
            let at = dice.roll(file.len() as u64) as usize;
            match dice.roll(4) {
                0 => file[at] = dice.roll(256) as u8,
                1 => file[at] ^= 1 << dice.roll(8),
                2 => file.truncate(at.max(1)),
                _ => file.insert(at, dice.roll(256) as u8),
            }
        }
        // The inner function, so that a panic is seen and not turned into a finding.
        look_inside(&file, &shot, &small, true);
    }
    for _ in 0..500 {
        let noise: Vec<u8> = (0..dice.roll(400)).map(|_| dice.roll(256) as u8).collect();
        look_inside(&noise, &shot, &small, true);
        look_inside(&[&[0xFF, 0xD8, 0xFF], noise.as_slice()].concat(), &shot, &small, true);
    }
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/fixtures/photos", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").file_name());
    let mut names: Vec<String> = files.map(|n| n.to_string_lossy().into_owned()).collect();
    names.retain(|n| !n.ends_with(".md"));
    names.sort();
    names.into_iter().map(|name| (name.clone(), fixture(&name))).collect()
}

/// What a look found, in the order of the table, a line each.
fn printed(name: &str, looked: &Looked) -> String {
    let facts = &looked.facts;
    let made = looked.renditions.as_ref().map_or("no renditions", |_| "renditions");
    let mut out = format!(
        "{name}: {} {}x{} turned {} pdq {} {made}\n",
        facts.format.as_str(),
        facts.width,
        facts.height,
        facts.orientation,
        looked.pdq_quality
    );
    // Signed records are read where the feature is built.
    let signed = [Code::ProvenanceValid, Code::ProvenanceBroken];
    for finding in looked.findings.iter().filter(|f| !signed.contains(&f.code)) {
        let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| format!("{n:.2}"));
        let (value, limit) = (number(finding.value), number(finding.limit));
        let text = finding.text.as_deref().unwrap_or("");
        out.push_str(format!("    {} {} {value} {limit} {text}", finding.level, finding.code).trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn every_fixture_gives_the_findings_that_are_kept() {
    let shot = Shot { camera_only: true, ..Shot::default() };
    let text: String =
        fixtures().iter().map(|(name, file)| printed(name, &look(file, &shot, &Budget::default()))).collect();
    let path = format!("{}/tests/snapshots/photos.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).expect("writes");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/snapshots/photos.txt differs; with UPDATE_SNAPSHOTS=1 it becomes:\n{text}");
}

/// `FIELDPROOF_PHOTOS` names a folder: everything in it is looked at, and the table printed.
#[test]
fn a_folder_of_photos_goes_through_without_a_panic() {
    let Some(folder) = std::env::var_os("FIELDPROOF_PHOTOS") else { return };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut panicked = Vec::new();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.display().to_string();
            let looked = seen(&std::fs::read(&path).expect("a file"));
            print!("{}", printed(&name, &looked));
            count += 1;
            if text_of(&looked, Code::Damaged) == Some("reader stopped") {
                panicked.push(name);
            }
        }
    }
    println!("{count} files, {} panics", panicked.len());
    assert!(panicked.is_empty(), "{panicked:?}");
}

#[test]
fn a_verdict_says_the_same_without_renditions() {
    for name in ["shelf.jpg", "null_island.jpg", "tag.jpg", "broken_cut_2099.jpg", "landscape_6.jpg"] {
        let file = fixture(name);
        let (whole, quick) = (seen(&file), verdict(&file, &Shot::default(), &Budget::default()));
        assert_eq!(whole.findings, quick.findings, "{name}");
        assert_eq!((&whole.facts, whole.prints, quick.renditions), (&quick.facts, quick.prints, None), "{name}");
    }
}

/// JPEGs as encoders vary them: sampling, restarts, grey, sizes that are no multiple of a block.
fn variants() -> Vec<Vec<u8>> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let mut files = Vec::new();
    for (w, h) in [(64, 64), (97, 61), (33, 130)] {
        let picture = samples::text(w, h);
        for sampling in [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_1_2,
            SamplingFactor::F_2_2,
            SamplingFactor::F_4_1,
        ] {
            for restart in [0, 3] {
                let mut file = Vec::new();
                let mut encoder = Encoder::new(&mut file, 91);
                encoder.set_sampling_factor(sampling);
                encoder.set_restart_interval(restart);
                encoder.encode(&picture.data, w as u16, h as u16, ColorType::Ycbcr).expect("encodes");
                files.push(file);
            }
        }
        files.push(samples::jpeg(&picture.luma()));
    }
    files
}

#[test]
fn the_own_decoder_agrees_with_the_general_one() {
    let whole = fixtures().into_iter().map(|(_, file)| file).filter(|f| Format::sniff(f) == Format::Jpeg);
    let mut own = 0;
    for file in variants().into_iter().chain(whole) {
        let layout = format::walk_jpeg(&file, 100);
        let baseline::Usual::Whole(planes) = baseline::decode(&file, layout.width, layout.height, true) else {
            continue;
        };
        own += 1;
        let other = photo::decode_any(&file, &layout, true, true).expect("decodes");
        let apart = |a: &Picture, b: &Picture| a.data.iter().zip(&b.data).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart(&planes.luma, &other.luma()) <= Some(2), "luma");
        if let Some((cb, _)) = &planes.chroma
            && (cb.width, cb.height) == (other.width, other.height)
        {
            let data = other.data.iter().skip(1).step_by(3).copied().collect();
            let whole = Picture::new(other.width, other.height, 1, data).expect("fills");
            assert!(apart(cb, &whole) <= Some(2), "colour");
        }
        let baseline::Usual::Whole(alone) = baseline::decode(&file, layout.width, layout.height, false) else {
            panic!("luma alone decodes too");
        };
        assert_eq!((alone.luma, alone.chroma), (planes.luma, None));
    }
    assert!(own >= 30, "{own} decoded by the own decoder");
}

#[test]
fn colours_come_out_of_the_renditions_as_they_went_in() {
    let file = fixture("landscape_6.jpg");
    let looked = seen(&file);
    let (w, h) = (looked.facts.width, looked.facts.height);
    let original = decoded(&file).upright(6);
    let large = decoded(&looked.renditions.expect("decoded").large);
    let mean = |p: &Picture, channel: usize| {
        p.data.iter().skip(channel).step_by(3).map(|&s| f64::from(s)).sum::<f64>() / f64::from(w * h)
    };
    for channel in 0..3 {
        assert!((mean(&original, channel) - mean(&large, channel)).abs() < 1.0, "channel {channel}");
    }
    assert!(mean_difference(&original, &large) < 4.0);
}

/// libjpeg-turbo rounds its transform otherwise: samples differ by two steps at most, measures by one part in fifty.
#[cfg(feature = "turbo")]
#[test]
fn turbo_finds_the_same() {
    let shot = Shot::default();
    for (name, file) in fixtures() {
        let with = look(&file, &shot, &Budget::default());
        photo::WITHOUT_TURBO.set(true);
        let without = look(&file, &shot, &Budget::default());
        photo::WITHOUT_TURBO.set(false);
        let codes = |l: &Looked| l.findings.iter().map(|f| (f.code, f.level)).collect::<Vec<_>>();
        assert_eq!(codes(&with), codes(&without), "{name}");
        for (a, b) in with.findings.iter().zip(&without.findings) {
            let (a, b) = (a.value.unwrap_or(0.0), b.value.unwrap_or(0.0));
            assert!((a - b).abs() <= 0.02 * a.abs().max(b.abs()), "{name}: {a} and {b}");
        }
        if let (Some(a), Some(b)) = (with.pdq, without.pdq) {
            assert!(a.distance(&b) <= 4, "{name}: {} bits", a.distance(&b));
        }
    }
}
