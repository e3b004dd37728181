//! The fixed limits of the checks, read from the constants that they run by: to be published, never to be written again.

use super::duplicate::{BURST_SECS, LIKE_MAX_BITS, SAME_MAX_BITS, TOGETHER_SECS};
use super::{Budget, Subject, align, exposure, origin, place, sharpness, when};
use crate::domain::finding::Code;
use crate::domain::transparency::Limit;

/// In the order of the codes.
pub fn limits() -> Vec<Limit> {
    let budget = Budget::default();
    let megapixels = budget.max_pixels as f64 / 1e6;
    let bits = |code, name, most: u32| Limit::new(code, name, f64::from(most), "bits of 256");
    let secs = |code, name, most: i64| Limit::new(code, name, most as f64, "seconds");
    let mut limits = vec![
        Limit::new(Code::TooLarge, "most", budget.max_bytes as f64, "bytes"),
        Limit::new(Code::TooManyPixels, "most", megapixels, "megapixels"),
        Limit::new(Code::TooManyPixels, "most_when_progressive", megapixels / 2.0, "megapixels"),
        Limit::new(Code::Damaged, "most_scans", budget.max_scans as f64, "count"),
        Limit::new(Code::BlackFrame, "most_black", exposure::BLACK_SHARE_MAX, "share"),
        Limit::new(Code::CoveredLens, "most_plain", exposure::FLAT_SHARE_MAX, "share"),
        Limit::new(Code::TooDark, "least_highlight", exposure::DARK_HIGHLIGHT_MIN as f64, "of 255"),
        Limit::new(Code::Overexposed, "most_white", exposure::WHITE_SHARE_MAX, "share"),
        Limit::new(Code::Overexposed, "most_middle_brightness", exposure::WASHED_MEDIAN_MAX as f64 / 255.0, "share"),
        Limit::new(Code::LowContrast, "least_spread", exposure::SPREAD_MIN as f64, "of 255"),
        Limit::new(Code::Blurred, "most_of_a_shelf", sharpness::limit(Subject::Shelf), "measure"),
        Limit::new(Code::Blurred, "most_of_a_tag", sharpness::limit(Subject::Tag), "measure"),
        Limit::new(Code::Blurred, "most_of_a_store_front", sharpness::limit(Subject::StoreFront), "measure"),
        Limit::new(Code::Blurred, "fail_beyond_the_limit_by", sharpness::SURE_MARGIN, "measure"),
        Limit::new(Code::MotionBlur, "most", sharpness::DIRECTION_MAX, "measure"),
        Limit::new(Code::PlaceFar, "margin_beyond_the_radius", place::MARGIN_M, "metres"),
        Limit::new(Code::ResavedLowQuality, "most", f64::from(origin::RESAVED_QUALITY_MAX), "of 100"),
        bits(Code::Burst, "most", SAME_MAX_BITS),
        secs(Code::Burst, "within", BURST_SECS),
        bits(Code::SameSceneOtherWorker, "most", LIKE_MAX_BITS),
        secs(Code::SameSceneOtherWorker, "within", TOGETHER_SECS),
        bits(Code::DupMirrored, "most", SAME_MAX_BITS),
        bits(Code::DupMirrored, "when_aligned_most", LIKE_MAX_BITS),
        Limit::new(Code::DupCropped, "doubt_from", align::ALIGNED_MIN, "measure"),
        Limit::new(Code::DupCropped, "fail_from", align::SURELY_ALIGNED_MIN, "measure"),
        Limit::new(Code::PartialCopy, "least", align::PARTIAL_MIN, "share"),
        Limit::new(Code::FlatSecondAngle, "least", align::ALIGNED_MIN, "measure"),
    ];
    for code in [Code::TimeBeforeVisit, Code::TimeAfterSeal] {
        limits.push(secs(code, "slack", when::SLACK_SECS));
        limits.push(secs(code, "fail_without_an_offset_beyond", when::WRONG_ZONE_SECS));
    }
    for code in [Code::DupPerceptualOwn, Code::DupPerceptualOther] {
        limits.push(bits(code, "fail_up_to", SAME_MAX_BITS));
        limits.push(bits(code, "doubt_when_aligned_up_to", LIKE_MAX_BITS));
    }
    limits.sort_by_key(|limit| limit.code);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Shot, look, samples};

    #[test]
    fn what_a_finding_is_held_against_is_what_is_published() {
        let dark = look(&samples::jpeg(&samples::plain(640, 480, 22)), &Shot::default(), &Budget::default());
        let published = limits();
        let mut held = 0;
        for finding in dark.findings.iter().filter(|f| f.limit.is_some()) {
            let own: Vec<f64> = published.iter().filter(|l| l.code == finding.code).map(|l| l.value).collect();
            assert!(own.contains(&finding.limit.expect("filtered")), "{finding:?}: {own:?}");
            held += 1;
        }
        assert!(held > 0, "{:?}", dark.findings);
    }
}
