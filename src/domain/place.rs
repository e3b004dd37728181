//! Where things are: points, geofences, and distance as an interval (a phone's position is a disc, not a point).

use geo::{Distance, Haversine};
use serde::{Deserialize, Serialize};

/// WGS 84 degrees; cannot be built outside the globe.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "RawPoint", into = "RawPoint")]
pub struct Point {
    lat: f64,
    lon: f64,
}

#[derive(Serialize, Deserialize)]
struct RawPoint {
    lat: f64,
    lon: f64,
}

impl TryFrom<RawPoint> for Point {
    type Error = &'static str;
    fn try_from(raw: RawPoint) -> Result<Point, &'static str> {
        Point::new(raw.lat, raw.lon).ok_or("lat must lie in -90..=90 and lon in -180..=180")
    }
}

impl From<Point> for RawPoint {
    fn from(p: Point) -> RawPoint {
        RawPoint { lat: p.lat, lon: p.lon }
    }
}

impl Point {
    pub fn new(lat: f64, lon: f64) -> Option<Point> {
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Point { lat, lon })
    }

    pub fn lat(self) -> f64 {
        self.lat
    }

    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Great-circle metres.
    pub fn metres_to(self, other: Point) -> f64 {
        Haversine.distance(geo::Point::new(self.lon, self.lat), geo::Point::new(other.lon, other.lat))
    }
}

/// What a distance says about "inside the fence".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inside {
    Pass,
    Uncertain,
    Fail,
}

impl Inside {
    /// `pass` if the whole disc lies inside, `fail` only if the whole disc lies outside.
    pub fn judge(distance_m: f64, accuracy_m: f64, radius_m: f64) -> Inside {
        if distance_m + accuracy_m <= radius_m {
            Inside::Pass
        } else if distance_m - accuracy_m > radius_m {
            Inside::Fail
        } else {
            Inside::Uncertain
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Inside::Pass => "pass",
            Inside::Uncertain => "uncertain",
            Inside::Fail => "fail",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_on_the_globe() {
        assert!(Point::new(47.0, 8.0).is_some());
        assert!(Point::new(90.1, 0.0).is_none());
        assert!(Point::new(0.0, f64::NAN).is_none());
    }

    #[test]
    fn distance_is_an_interval() {
        assert_eq!(Inside::judge(80.0, 20.0, 100.0), Inside::Pass);
        assert_eq!(Inside::judge(120.0, 20.0, 100.0), Inside::Uncertain);
        assert_eq!(Inside::judge(120.1, 20.0, 100.0), Inside::Fail);
    }

    #[test]
    fn metres_follow_the_great_circle_over_the_date_line() {
        let a = Point::new(0.0, 179.999).expect("on the globe");
        let b = Point::new(0.0, -179.999).expect("on the globe");
        assert!((a.metres_to(b) - 222.4).abs() < 1.0);
    }
}
