//! Where a picture comes from: camera, editor, messenger, screen, generator. Signs, not proofs: phone firmware writes
//! into the same fields as editors, and browsers strip what a camera wrote.

use super::exif::Tags;
use super::format::{Format, Layout};
use crate::domain::finding::{Code, Finding, Level};

/// Programs that change pictures, as they name themselves, in lower case. Camera firmware and galleries that only
/// sort are not in it.
const EDITORS: &[&str] = &[
    "acdsee",
    "adobe firefly",
    "affinity photo",
    "afterlight",
    "airbrush",
    "befunky",
    "canva",
    "capture one",
    "cyberlink",
    "dall-e",
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
    "midjourney",
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
    "stable diffusion",
    "vsco",
];

/// Standard tables at this quality or below: six times as frequent in re-saved pictures as in phone originals.
const RESAVED_QUALITY_MAX: u8 = 80;

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
    let named = name.map(str::to_lowercase).is_some_and(|n| SCREENSHOT_NAMES.iter().any(|s| n.contains(s)));
    let screen = SCREENS.contains(&(w.min(h), w.max(h)));
    if !camera_named && (named || screen) {
        findings.push(Finding::new(Code::Screenshot, Level::Doubt).about(&format!("{w} x {h}")));
    }
    if camera_only && format != Format::Jpeg {
        // No phone camera writes PNG or WebP.
        findings.push(Finding::new(Code::NotAppCapture, Level::Doubt).about(format.as_str()));
    }
    if tags.declared_generated {
        findings.push(Finding::new(Code::AiDeclared, Level::Fail));
    }
    findings
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
        let tags = Tags { declared_generated: true, ..camera() };
        assert_eq!(codes(&tags, &Layout::default(), None), [Code::AiDeclared]);
    }
}
