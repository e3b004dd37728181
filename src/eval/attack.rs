//! The attacks: one ordered table of what a person may do to a photo to pass it off as another, or to hide what it shows.
//! Each takes a source picture and gives the bytes of a file. Strengths are those of the published targets; nothing is
//! fitted to a set of photos.

use image::{GrayImage, Rgb, RgbImage, imageops};

use super::paint::{self, blurred, crop, dragged, exposed, fill, frame, jpeg, noisy, resize, toned};
use super::statistics::Dice;

/// Long side to which a source is scaled before it is copied, in pixels: no check of copies works on more.
pub const COPIED_EDGE_PX: u32 = 1024;
/// Quality at which an edited picture is saved.
const SAVED_QUALITY: u8 = 88;

/// What an attack does and how strongly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Edit {
    Saved(u8),
    Messenger,
    Resized(f64),
    Turned(u16),
    Mirrored,
    Grey,
    SmallBlur,
    Brighter(f64),
    Gamma(f64),
    Contrast(f64),
    /// Cut by this share of each side: half left and right, top and bottom.
    CropCentre(f64),
    CropCorner(f64),
    CropBottom(f64),
    WhiteBorder(f64),
    BlackBorder(f64),
    CaptionBar(f64),
    Sticker(f64),
    Screenshot,
    Tilted(f64),
    Slanted(f64),
    Recaptured,
}

/// A copy and the group of targets that it belongs to.
pub struct Copy {
    pub name: &'static str,
    pub group: Group,
    pub edit: Edit,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// The whole picture, saved again.
    Whole,
    /// A part of it, framed, covered or seen from aside.
    Part,
    /// Reported without a target.
    Other,
}

const fn copy(name: &'static str, group: Group, edit: Edit) -> Copy {
    Copy { name, group, edit }
}

pub const COPIES: &[Copy] = &[
    copy("JPEG q90", Group::Whole, Edit::Saved(90)),
    copy("JPEG q70", Group::Whole, Edit::Saved(70)),
    copy("JPEG q50", Group::Whole, Edit::Saved(50)),
    copy("JPEG q30", Group::Whole, Edit::Saved(30)),
    copy("messenger (78%, q60)", Group::Whole, Edit::Messenger),
    copy("resized to 75%", Group::Whole, Edit::Resized(0.75)),
    copy("resized to 50%", Group::Whole, Edit::Resized(0.50)),
    copy("turned by 90", Group::Whole, Edit::Turned(90)),
    copy("turned by 180", Group::Whole, Edit::Turned(180)),
    copy("turned by 270", Group::Whole, Edit::Turned(270)),
    copy("mirrored", Group::Whole, Edit::Mirrored),
    copy("grey", Group::Whole, Edit::Grey),
    copy("small blur (1.5 px)", Group::Whole, Edit::SmallBlur),
    copy("crop 5% centre", Group::Part, Edit::CropCentre(0.05)),
    copy("crop 10% centre", Group::Part, Edit::CropCentre(0.10)),
    copy("crop 20% centre", Group::Part, Edit::CropCentre(0.20)),
    copy("crop 25% centre", Group::Part, Edit::CropCentre(0.25)),
    copy("crop 5% corner", Group::Part, Edit::CropCorner(0.05)),
    copy("crop 10% corner", Group::Part, Edit::CropCorner(0.10)),
    copy("crop 20% corner", Group::Part, Edit::CropCorner(0.20)),
    copy("crop 25% corner", Group::Part, Edit::CropCorner(0.25)),
    copy("crop 5% bottom", Group::Part, Edit::CropBottom(0.05)),
    copy("crop 10% bottom", Group::Part, Edit::CropBottom(0.10)),
    copy("crop 20% bottom", Group::Part, Edit::CropBottom(0.20)),
    copy("crop 25% bottom", Group::Part, Edit::CropBottom(0.25)),
    copy("white border 5%", Group::Part, Edit::WhiteBorder(0.05)),
    copy("black border 10%", Group::Part, Edit::BlackBorder(0.10)),
    copy("caption bar 10%", Group::Part, Edit::CaptionBar(0.10)),
    copy("sticker 15%", Group::Part, Edit::Sticker(0.15)),
    copy("screenshot with bars", Group::Part, Edit::Screenshot),
    copy("rotated 2 deg", Group::Part, Edit::Tilted(2.0)),
    copy("rotated 3 deg", Group::Part, Edit::Tilted(3.0)),
    copy("rotated 5 deg", Group::Part, Edit::Tilted(5.0)),
    copy("perspective 2%", Group::Part, Edit::Slanted(0.02)),
    copy("perspective 5%", Group::Part, Edit::Slanted(0.05)),
    copy("rotated 1 deg", Group::Other, Edit::Tilted(1.0)),
    copy("resized to 25%", Group::Other, Edit::Resized(0.25)),
    copy("brighter by 25%", Group::Other, Edit::Brighter(1.25)),
    copy("darker by 25%", Group::Other, Edit::Brighter(0.75)),
    copy("gamma 0.7", Group::Other, Edit::Gamma(0.7)),
    copy("gamma 1.5", Group::Other, Edit::Gamma(1.5)),
    copy("contrast +40%", Group::Other, Edit::Contrast(1.4)),
    copy("contrast -40%", Group::Other, Edit::Contrast(0.6)),
    copy("screen photographed (simulated)", Group::Other, Edit::Recaptured),
];

/// The copy as a file.
pub fn make(edit: Edit, picture: &RgbImage, dice: &mut Dice) -> Vec<u8> {
    let saved = |picture: &RgbImage| jpeg(picture, SAVED_QUALITY);
    match edit {
        Edit::Saved(quality) => jpeg(picture, quality),
        Edit::Messenger => jpeg(&resize(picture, 0.78), 60),
        Edit::Resized(share) => saved(&resize(picture, share)),
        Edit::Turned(90) => saved(&imageops::rotate90(picture)),
        Edit::Turned(180) => saved(&imageops::rotate180(picture)),
        Edit::Turned(_) => saved(&imageops::rotate270(picture)),
        Edit::Mirrored => saved(&imageops::flip_horizontal(picture)),
        Edit::Grey => saved(&paint::grey(picture)),
        Edit::SmallBlur => saved(&blurred(picture, 1.5)),
        Edit::Brighter(times) => saved(&toned(picture, |v| v * times)),
        Edit::Gamma(power) => saved(&toned(picture, |v| v.powf(power))),
        Edit::Contrast(times) => saved(&toned(picture, |v| 0.5 + (v - 0.5) * times)),
        Edit::CropCentre(share) => saved(&crop(picture, [share / 2.0; 4])),
        Edit::CropCorner(share) => {
            let (right, down) = (dice.coin(), dice.coin());
            let at = |here: bool| if here { share } else { 0.0 };
            saved(&crop(picture, [at(right), at(down), at(!right), at(!down)]))
        }
        Edit::CropBottom(share) => saved(&crop(picture, [0.0, 0.0, 0.0, share])),
        Edit::WhiteBorder(share) => saved(&frame(picture, share, [255; 3])),
        Edit::BlackBorder(share) => saved(&frame(picture, share, [0; 3])),
        Edit::CaptionBar(share) => saved(&captioned(picture, share, dice)),
        Edit::Sticker(share) => saved(&stuck(picture, share, dice)),
        Edit::Screenshot => saved(&screenshot(picture, dice)),
        Edit::Tilted(degrees) => saved(&paint::tilted(picture, if dice.coin() { degrees } else { -degrees })),
        Edit::Slanted(share) => saved(&paint::slanted(picture, share, dice)),
        Edit::Recaptured => jpeg(&recaptured(picture, dice), 85),
    }
}

/// A bar with writing over the upper or lower edge.
fn captioned(picture: &RgbImage, share: f64, dice: &mut Dice) -> RgbImage {
    let mut out = picture.clone();
    let (w, h) = out.dimensions();
    let high = (f64::from(h) * share).round() as u32;
    let top = if dice.coin() { 0 } else { h - high };
    fill(&mut out, 0, top, w, high, [250; 3]);
    paint::writing(&mut out, [0, top, w, high], [15; 3], dice);
    out
}

/// A plain bright square with a share of both sides, somewhere on the picture.
fn stuck(picture: &RgbImage, share: f64, dice: &mut Dice) -> RgbImage {
    let mut out = picture.clone();
    let (w, h) = out.dimensions();
    let (wide, high) = ((f64::from(w) * share) as u32, (f64::from(h) * share) as u32);
    let (x, y) = (dice.roll((w - wide) as usize) as u32, dice.roll((h - high) as usize) as u32);
    fill(&mut out, x, y, wide, high, [250, 210, 40]);
    fill(&mut out, x + wide / 4, y + high / 4, wide / 2, high / 2, [200, 30, 40]);
    out
}

/// The picture in a viewer on an upright phone: black above and below, a status bar, buttons.
fn screenshot(picture: &RgbImage, dice: &mut Dice) -> RgbImage {
    let (width, height) = (720_u32, 1600_u32);
    let shown = match picture.width() > width {
        true => imageops::thumbnail(picture, width, (picture.height() * width / picture.width()).max(1)),
        false => resize(picture, f64::from(width) / f64::from(picture.width())),
    };
    let shown = match shown.height() > height - 200 {
        true => paint::fit(&shown, height - 200),
        false => shown,
    };
    let mut out = RgbImage::new(width, height);
    let (x, y) = ((width - shown.width()) / 2, (height - shown.height()) / 2);
    imageops::replace(&mut out, &shown, i64::from(x), i64::from(y));
    paint::writing(&mut out, [20, 10, 160, 40], [230; 3], dice);
    paint::writing(&mut out, [560, 10, 140, 40], [230; 3], dice);
    for n in 0..4 {
        fill(&mut out, 90 + n * 160, height - 80, 36, 36, [210; 3]);
    }
    out
}

/// A photo of a screen that shows the picture: seen slightly from aside with a dark rim, stripes of the screen's dots
/// against those of the sensor, soft focus, lifted black, a cold tint and noise. A simulation: real screens are worse
/// and better.
fn recaptured(picture: &RgbImage, dice: &mut Dice) -> RgbImage {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    // The frame reaches beyond the picture, so the screen's rim comes into view.
    let mut out_by = || -dice.between(0.005, 0.04);
    let corners = [
        (out_by() * w, out_by() * h),
        (w - out_by() * w, out_by() * h),
        (w - out_by() * w, h - out_by() * h),
        (out_by() * w, h - out_by() * h),
    ];
    let Some(map) = paint::map_to(w, h, corners) else { return picture.clone() };
    let mut seen = paint::warp(picture, picture.width(), picture.height(), &map, [12, 12, 14]);
    let (period, angle) = (dice.between(2.1, 4.5), dice.between(-0.06, 0.06));
    for (x, y, Rgb(samples)) in seen.enumerate_pixels_mut() {
        let along = f64::from(x) + angle * f64::from(y);
        for (n, sample) in samples.iter_mut().enumerate() {
            let wave = (std::f64::consts::TAU * (along / period + n as f64 / 3.0)).cos();
            let tint = [0.92, 0.98, 1.06][n];
            *sample = (f64::from(*sample) * tint * (1.0 + 0.07 * wave) * 0.92 + 14.0).clamp(0.0, 255.0) as u8;
        }
    }
    noisy(&blurred(&seen, 0.8), 4, dice)
}

/// What hides a picture. Blur and motion are in pixels of a frame with a long side of [`FRAME_EDGE_PX`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Hide {
    Gauss(f64),
    Motion(f64),
    Black,
    Covered,
    Stops(f64),
}

/// The frame of a 12-megapixel camera, long side in pixels.
pub const FRAME_EDGE_PX: u32 = 4032;
/// Smallest source for blur, long side in pixels: on smaller ones a blur of the frame is less than a pixel.
pub const BLURRED_EDGE_MIN_PX: u32 = 1600;

pub struct Hidden {
    pub name: &'static str,
    pub hide: Hide,
    /// The published target speaks of this strength.
    pub counted: bool,
}

const fn hidden(name: &'static str, hide: Hide, counted: bool) -> Hidden {
    Hidden { name, hide, counted }
}

pub const BLURS: &[Hidden] = &[
    hidden("gauss 1.5 px", Hide::Gauss(1.5), false),
    hidden("gauss 3 px", Hide::Gauss(3.0), true),
    hidden("gauss 6 px", Hide::Gauss(6.0), true),
    hidden("motion 9 px", Hide::Motion(9.0), false),
    hidden("motion 17 px", Hide::Motion(17.0), true),
    hidden("motion 33 px", Hide::Motion(33.0), true),
];

pub const LIGHTS: &[Hidden] = &[
    hidden("black frame", Hide::Black, true),
    hidden("covered lens", Hide::Covered, true),
    hidden("underexposed 5 stops", Hide::Stops(-5.0), true),
    hidden("overexposed 3 stops", Hide::Stops(3.0), true),
    hidden("underexposed 3 stops", Hide::Stops(-3.0), false),
    hidden("overexposed 2 stops", Hide::Stops(2.0), false),
];

/// The picture in another light as a file, or as it is for a blur.
pub fn hide(hide: Hide, picture: &RgbImage, dice: &mut Dice) -> Vec<u8> {
    let changed = match hide {
        Hide::Gauss(_) | Hide::Motion(_) => return blur(hide, &paint::luma(picture), dice),
        Hide::Black => noisy(&toned(picture, |v| v * 0.01), 3, dice),
        Hide::Covered => covered(picture, dice),
        Hide::Stops(stops) => noisy(&exposed(picture, stops), 2, dice),
    };
    jpeg(&changed, SAVED_QUALITY)
}

/// A blurred grey picture as a file: focus is judged without colour. The blur is scaled from the frame to the picture.
pub fn blur(hide: Hide, luma: &GrayImage, dice: &mut Dice) -> Vec<u8> {
    let share = f64::from(luma.width().max(luma.height())) / f64::from(FRAME_EDGE_PX);
    match hide {
        Hide::Gauss(px) => jpeg(&blurred(luma, px * share), SAVED_QUALITY),
        Hide::Motion(px) => jpeg(&dragged(luma, px * share, dice.between(0.0, 180.0)), SAVED_QUALITY),
        _ => jpeg(luma, SAVED_QUALITY),
    }
}

/// A finger on the lens: a soft reddish plane that grows lighter to one side, a trace of the scene, some noise.
fn covered(picture: &RgbImage, dice: &mut Dice) -> RgbImage {
    let (w, h) = picture.dimensions();
    let (light, tilt) = (dice.between(25.0, 110.0), dice.between(-0.35, 0.35));
    let soft = paint::fit(picture, 8);
    let soft = imageops::resize(&soft, w, h, imageops::FilterType::CatmullRom);
    let mut out = RgbImage::new(w, h);
    for (x, y, Rgb(samples)) in out.enumerate_pixels_mut() {
        let side = 1.0 + tilt * (2.0 * f64::from(x) / f64::from(w) - 1.0);
        for (n, sample) in samples.iter_mut().enumerate() {
            let finger = light * side * [1.0, 0.45, 0.35][n];
            let trace = f64::from(soft.get_pixel(x, y)[n]) * 0.06;
            *sample = (finger + trace).clamp(0.0, 255.0) as u8;
        }
    }
    noisy(&out, 2, dice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(160, 120, |x, y| Rgb([(x * 7 % 251) as u8, (y * 11 % 241) as u8, ((x ^ y) % 200) as u8]))
    }

    #[test]
    fn every_attack_makes_a_file_that_decodes_and_repeats() {
        for copy in COPIES {
            let once = make(copy.edit, &picture(), &mut Dice::new(1, copy.name));
            assert_eq!(once, make(copy.edit, &picture(), &mut Dice::new(1, copy.name)), "{}", copy.name);
            assert!(paint::decode(&once).is_some(), "{}", copy.name);
        }
        for hidden in BLURS.iter().chain(LIGHTS) {
            let file = hide(hidden.hide, &picture(), &mut Dice::new(1, hidden.name));
            assert!(paint::decode(&file).is_some(), "{}", hidden.name);
        }
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> =
            COPIES.iter().map(|c| c.name).chain(BLURS.iter().chain(LIGHTS).map(|h| h.name)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
