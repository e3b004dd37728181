//! The position that the camera wrote against the store. Phones write old fixes and can be made to write anything:
//! far away is a doubt, absent is nothing.

use crate::domain::finding::{Code, Finding, Level};
use crate::domain::place::{Inside, Point};

/// A position in a photo may be this wrong without anyone cheating, in metres: nine in ten network positions of a
/// real phone history were within 700 m.
pub const MARGIN_M: f64 = 750.0;

/// Compares the position of a photo with its store.
pub fn judge(point: Option<Point>, accuracy_m: Option<f64>, store: Option<Point>, radius_m: f64) -> Option<Finding> {
    let Some(point) = point else {
        return Some(Finding::new(Code::PlaceMissing, Level::Info));
    };
    let distance_m = point.metres_to(store?);
    let margin_m = accuracy_m.unwrap_or(0.0).max(MARGIN_M);
    let far = Inside::judge(distance_m, margin_m, radius_m) == Inside::Fail;
    far.then(|| Finding::new(Code::PlaceFar, Level::Doubt).measured(distance_m, radius_m + margin_m))
}

/// Clocks on Earth follow the sun within three hours and a half, and an hour of summer time, in minutes.
const SUN_OFF_MAX_MIN: f64 = 270.0;

/// The camera's own offset from UTC against the longitude it wrote: both come from one phone, and one of them is wrong
/// when the sun disagrees.
pub fn conflict(point: Option<Point>, offset_min: Option<i32>) -> Option<Finding> {
    let sun_min = point?.lon() * 4.0;
    let off = (f64::from(offset_min?) - sun_min).rem_euclid(1440.0);
    let off = off.min(1440.0 - off);
    let finding = Finding::new(Code::PlaceTimeConflict, Level::Doubt);
    (off > SUN_OFF_MAX_MIN).then(|| finding.measured(off * 60.0, SUN_OFF_MAX_MIN * 60.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_position_beyond_radius_and_margin_counts() {
        let store = Point::new(50.80, 4.34);
        let code = |lat, accuracy| judge(Point::new(lat, 4.34), accuracy, store, 100.0).map(|f| f.code);
        assert_eq!(code(50.80, None), None);
        assert_eq!(code(50.807, None), None, "780 m");
        assert_eq!(code(50.81, None), Some(Code::PlaceFar), "1.1 km");
        assert_eq!(code(50.81, Some(2000.0)), None, "it says itself that it is rough");
        assert_eq!(judge(None, None, store, 100.0).map(|f| f.code), Some(Code::PlaceMissing));
        assert_eq!(judge(Point::new(1.0, 1.0), None, None, 100.0), None, "no store to compare with");
    }

    #[test]
    fn a_clock_of_another_continent_is_a_conflict() {
        let code = |lat, lon, hours: i32| conflict(Point::new(lat, lon), Some(hours * 60)).map(|f| f.code);
        assert_eq!(code(50.8, 4.3, 1), None);
        assert_eq!(code(43.0, -8.5, 2), None, "Galicia in summer");
        assert_eq!(code(39.5, 76.0, 8), None, "Kashgar");
        assert_eq!(code(-13.8, -171.8, 13), None, "Samoa, beyond the date line");
        assert_eq!(code(50.8, 4.3, 8), Some(Code::PlaceTimeConflict));
        assert_eq!(code(40.7, -74.0, 1), Some(Code::PlaceTimeConflict));
    }
}
