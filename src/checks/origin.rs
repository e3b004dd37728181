//! Where a picture comes from: camera, editor, messenger, screen, generator. Signs, not proofs: phone firmware writes
//! into the same fields as editors, and browsers strip what a camera wrote.

use super::exif::{Generated, Tags};
use super::format::{Format, Layout};
use super::photo::Picture;
use crate::domain::finding::{Code, Finding, Level};

/// Programs that change pictures, as they name themselves, in lower case. Camera firmware and galleries that only
/// sort are not in it.
const EDITORS: &[&str] = &[
    "acdsee",
    "affinity photo",
    "afterlight",
    "airbrush",
    "befunky",
    "canva",
    "capture one",
    "cyberlink",
    "darktable",
    "facetune",
    "faceapp",
    "fotor",
    "gimp",
    "imagemagick",
    "inshot",
    "krita",
    "lightroom",
    "luminar",
    "meitu",
    "paint shop",
    "paint.net",
    "photodirector",
    "photofiltre",
    "photopea",
    "photoscape",
    "photoshop",
    "picasa",
    "picsart",
    "pixelmator",
    "pixlr",
    "polarr",
    "rawtherapee",
    "remini",
    "snapseed",
    "vsco",
];

/// Standard tables at this quality or below: six times as frequent in re-saved pictures as in phone originals.
pub const RESAVED_QUALITY_MAX: u8 = 80;

/// Screen sizes of phones, short side first. Sizes in 16:9, 4:3 and 3:2 are left out: cameras, browsers and
/// messengers make them too.
const SCREENS: &[(u32, u32)] = &[
    (720, 1480),
    (720, 1520),
    (720, 1560),
    (720, 1600),
    (720, 1612),
    (828, 1792),
    (1080, 2160),
    (1080, 2220),
    (1080, 2244),
    (1080, 2280),
    (1080, 2310),
    (1080, 2340),
    (1080, 2376),
    (1080, 2400),
    (1080, 2408),
    (1080, 2412),
    (1080, 2460),
    (1080, 2520),
    (1125, 2436),
    (1170, 2532),
    (1179, 2556),
    (1206, 2622),
    (1220, 2712),
    (1242, 2688),
    (1284, 2778),
    (1290, 2796),
    (1320, 2868),
    (1440, 2880),
    (1440, 2960),
    (1440, 3040),
    (1440, 3088),
    (1440, 3120),
    (1440, 3200),
];

/// Words of phones for a screenshot in a file name, in lower case.
const SCREENSHOT_NAMES: &[&str] = &["screenshot", "screen shot", "screen_shot", "capture d", "schermafbeelding"];

/// Judges the signs of origin. `camera_only` asks for a photo straight from a camera.
pub fn judge(tags: &Tags, format: Format, layout: &Layout, name: Option<&str>, camera_only: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !tags.present {
        findings.push(Finding::new(Code::NoCameraData, Level::Info));
    }
    let programs = tags.software.iter().chain(&tags.tools);
    if let Some(program) = programs.into_iter().find(|p| is_editor(p)) {
        findings.push(Finding::new(Code::EditorNamed, Level::Doubt).about(program));
    }
    if let Some(quality) = layout.standard_quality.filter(|q| *q <= RESAVED_QUALITY_MAX) {
        let finding = Finding::new(Code::ResavedLowQuality, Level::Info);
        findings.push(finding.measured(f64::from(quality), f64::from(RESAVED_QUALITY_MAX)));
    }
    let (w, h) = (layout.width, layout.height);
    let camera_named = tags.make.is_some() || tags.model.is_some();
    // iPhones write the word as a comment.
    let names = name.into_iter().chain(tags.comment.as_deref().filter(|c| c.len() < 40));
    let named = names.map(str::to_lowercase).any(|n| SCREENSHOT_NAMES.iter().any(|s| n.contains(s)));
    let screen = SCREENS.contains(&(w.min(h), w.max(h)));
    if !camera_named && (named || screen) {
        findings.push(Finding::new(Code::Screenshot, Level::Doubt).about(&format!("{w} x {h}")));
    }
    if camera_only && !matches!(format, Format::Jpeg | Format::Heic) {
        // No phone camera writes PNG or WebP.
        findings.push(Finding::new(Code::NotAppCapture, Level::Doubt).about(format.as_str()));
    }
    findings.extend(tags.generated.as_ref().map(|generated| match generated {
        Generated::Whole(how) => Finding::new(Code::AiDeclared, Level::Fail).about(how),
        Generated::Partly(how) => Finding::new(Code::AiDeclared, Level::Doubt).about(how),
    }));
    findings
}

/// Side of the grid on which a thumbnail is compared.
const GRID: u32 = 32;
/// Thumbnails of one picture in ten of many old cameras correlate less than this; those of other pictures up to 0.85,
/// so this is never more than information.
const ALIKE_MIN: f64 = 0.4;

/// Compares the embedded thumbnail with the picture, both as luma.
pub fn thumbnail_differs(thumbnail: &Picture, picture: &Picture) -> Option<Finding> {
    // A thumbnail of another shape has bars, or is cut: its middle is compared with the middle of the picture.
    let (a, b) = (thumbnail.middle(), picture.middle());
    let (a, b) = (a.resized(GRID, GRID), b.resized(GRID, GRID));
    let turned = (1..=8).map(|orientation| correlation(&a.clone().upright(orientation).data, &b.data));
    let best = turned.fold(f64::NEG_INFINITY, f64::max);
    (best < ALIKE_MIN).then(|| Finding::new(Code::ThumbnailDiffers, Level::Info).measured(best, ALIKE_MIN))
}

/// From -1 to 1; 1 where one side is plain, which says nothing.
fn correlation(a: &[u8], b: &[u8]) -> f64 {
    let mean = |s: &[u8]| s.iter().map(|&v| f64::from(v)).sum::<f64>() / s.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&x, &y) in a.iter().zip(b) {
        let (x, y) = (f64::from(x) - mean_a, f64::from(y) - mean_b);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    let scale = (aa * bb).sqrt();
    if scale > 0.0 { ab / scale } else { 1.0 }
}

fn is_editor(program: &str) -> bool {
    let program = program.to_lowercase();
    EDITORS.iter().any(|editor| program.contains(editor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(tags: &Tags, layout: &Layout, name: Option<&str>) -> Vec<Code> {
        judge(tags, Format::Jpeg, layout, name, true).into_iter().map(|f| f.code).collect()
    }

    fn camera() -> Tags {
        Tags { present: true, make: Some("Google".into()), ..Tags::default() }
    }

    #[test]
    fn editors_are_told_from_firmware() {
        let with = |software: &str| Tags { software: Some(software.into()), ..camera() };
        assert_eq!(codes(&with("HDR+ 1.0.199571065z"), &Layout::default(), None), []);
        assert_eq!(codes(&with("Adobe Photoshop 24.1 (Windows)"), &Layout::default(), None), [Code::EditorNamed]);
        let xmp = Tags { tools: vec!["GIMP 2.10".into()], ..camera() };
        assert_eq!(codes(&xmp, &Layout::default(), None), [Code::EditorNamed]);
    }

    #[test]
    fn a_screen_size_counts_only_without_camera_data() {
        let layout = Layout { width: 2532, height: 1170, ..Layout::default() };
        assert_eq!(codes(&camera(), &layout, None), []);
        assert_eq!(codes(&Tags::default(), &layout, None), [Code::NoCameraData, Code::Screenshot]);
        let named = codes(&Tags::default(), &Layout::default(), Some("Screenshot_2026.jpg"));
        assert_eq!(named, [Code::NoCameraData, Code::Screenshot]);
    }

    #[test]
    fn a_picture_declared_as_generated_fails() {
        let tags = Tags { generated: Some(Generated::Whole("x".into())), ..camera() };
        assert_eq!(codes(&tags, &Layout::default(), None), [Code::AiDeclared]);
        let partly = Tags { generated: Some(Generated::Partly("x".into())), ..camera() };
        let findings = judge(&partly, Format::Jpeg, &Layout::default(), None, false);
        assert_eq!(findings[0].level, Level::Doubt);
    }

    #[test]
    fn a_thumbnail_of_another_picture_is_told_and_a_turned_one_is_not() {
        use crate::checks::samples;
        let picture = samples::text(800, 600).luma();
        let small = picture.fit(160);
        assert_eq!(thumbnail_differs(&small, &picture), None);
        assert_eq!(thumbnail_differs(&small.clone().upright(6), &picture), None);
        assert_eq!(thumbnail_differs(&samples::plain(160, 120, 9).luma(), &picture), None, "plain says nothing");
        let other = samples::scene(160, 120, 99).luma();
        assert_eq!(thumbnail_differs(&other, &picture).map(|f| f.code), Some(Code::ThumbnailDiffers));
    }
}
