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

/// A rectangle of degrees that does not cross the date line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Area {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
}

impl Point {
    /// One or two rectangles that hold every point within `radius_m`; two where the circle crosses the date line.
    pub fn areas_within(self, radius_m: f64) -> Vec<Area> {
        // A degree of latitude is nowhere shorter on the sphere that distances are measured on.
        const METRES_PER_DEGREE: f64 = 111_194.0;
        let reach = radius_m / METRES_PER_DEGREE;
        let (south, north) = ((self.lat - reach).max(-90.0), (self.lat + reach).min(90.0));
        let area = |west, east| Area { south, north, west, east };
        let widest = south.abs().max(north.abs());
        if widest >= 89.9 {
            return vec![area(-180.0, 180.0)];
        }
        let wide = reach / widest.to_radians().cos();
        let (west, east) = (self.lon - wide, self.lon + wide);
        if wide >= 180.0 {
            vec![area(-180.0, 180.0)]
        } else if west < -180.0 {
            vec![area(west + 360.0, 180.0), area(-180.0, east)]
        } else if east > 180.0 {
            vec![area(west, 180.0), area(-180.0, east - 360.0)]
        } else {
            vec![area(west, east)]
        }
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
    fn an_area_holds_its_circle_also_over_the_date_line() {
        let near = Point::new(47.0, 8.0).expect("on the globe").areas_within(2000.0);
        assert_eq!(near.len(), 1);
        assert!(near[0].east - 8.0 > 0.026 && near[0].east - 8.0 < 0.027);
        let fiji = Point::new(-17.0, 179.99).expect("on the globe").areas_within(5000.0);
        assert_eq!(fiji.len(), 2);
        assert!(fiji[0].east == 180.0 && fiji[1].west == -180.0 && fiji[1].east > -180.0 && fiji[1].east < -179.9);
        let pole = Point::new(90.0, 0.0).expect("on the globe").areas_within(1000.0);
        assert_eq!((pole[0].west, pole[0].east, pole[0].north), (-180.0, 180.0, 90.0));
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
