//! Where a store is besides its pin: its entrance, and its outline on the ground (one ring of corners, no holes). A phone
//! inside the outline is at the store; outside, the nearest of edge, entrance and pin counts.
//! Not here: the radius around all that (`store::Fence`) and how sure a phone is (`place::Inside`).

use serde_json::{Value, json};

use super::place::Point;
use super::store::{Fence, Problem};

/// More corners than this are a coast, not a shop.
pub const CORNERS_MAX: usize = 500;
/// Square metres; a kiosk is larger.
const AREA_MIN_M2: f64 = 4.0;
/// From the first corner, in metres: over more than that a flat map of it is no longer right to the metre.
const SIZE_MAX_M: f64 = 2.0 * Fence::MAX_RADIUS_M;
/// A degree of latitude on the sphere that distances are measured on.
const METRES_PER_DEGREE: f64 = 111_195.08;

/// The corners of a store on the ground, in order, the first not repeated at the end. At least three, no two edges
/// cross, some area between them.
#[derive(Clone, PartialEq, Debug)]
pub struct Outline(Vec<Point>);

fn wrong<T>(code: &'static str, message: String) -> Result<T, Problem> {
    Err(Problem { code, message })
}

impl Outline {
    /// Reads a GeoJSON `Polygon` of one ring. Errors: `outline_unreadable`, `outline_holes`, `outline_open`,
    /// `outline_off_globe`, and those of [`Outline::of_corners`].
    pub fn parse(geometry: &Value) -> Result<Outline, Problem> {
        let unreadable = || Problem {
            code: "outline_unreadable",
            message:
                "The outline is not a GeoJSON Polygon: {\"type\": \"Polygon\", \"coordinates\": [[[lon, lat], ..]]}."
                    .to_owned(),
        };
        let rings = match (geometry["type"].as_str(), geometry["coordinates"].as_array()) {
            (Some("Polygon"), Some(rings)) if !rings.is_empty() => rings,
            _ => return Err(unreadable()),
        };
        if rings.len() > 1 {
            return wrong("outline_holes", "The outline has holes; give its outer ring alone.".to_owned());
        }
        let ring = rings[0].as_array().ok_or_else(unreadable)?;
        if ring.len() > CORNERS_MAX + 1 {
            return wrong("outline_corners", format!("The outline has more than {CORNERS_MAX} corners."));
        }
        let mut corners = Vec::with_capacity(ring.len());
        for position in ring {
            let degrees = |n: usize| position.get(n).and_then(Value::as_f64);
            let (Some(lon), Some(lat)) = (degrees(0), degrees(1)) else { return Err(unreadable()) };
            match Point::new(lat, lon) {
                Some(point) => corners.push(point),
                None => return wrong("outline_off_globe", format!("[{lon}, {lat}] is not [lon, lat] in degrees.")),
            }
        }
        if corners.len() < 2 || corners.first() != corners.last() {
            return wrong("outline_open", "The ring of the outline must end where it begins.".to_owned());
        }
        corners.pop();
        Outline::of_corners(corners)
    }

    /// Errors: `outline_corners` (fewer than 3 or more than 500), `outline_large` (a corner more than 4 km from the
    /// first), `outline_flat` (less than 4 square metres), `outline_crosses` (two edges meet).
    pub fn of_corners(mut corners: Vec<Point>) -> Result<Outline, Problem> {
        corners.dedup();
        if !(3..=CORNERS_MAX).contains(&corners.len()) {
            return wrong("outline_corners", format!("An outline has 3 to {CORNERS_MAX} different corners."));
        }
        if corners.iter().any(|corner| corners[0].metres_to(*corner) > SIZE_MAX_M) {
            return wrong("outline_large", format!("The outline is larger than {SIZE_MAX_M} m."));
        }
        let outline = Outline(corners);
        let flat = outline.flat();
        let all: Vec<Xy> = outline.0.iter().map(|corner| flat.xy(*corner)).collect();
        let twice_area: f64 = edges(&all).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        if twice_area.abs() < 2.0 * AREA_MIN_M2 {
            return wrong("outline_flat", format!("The outline encloses less than {AREA_MIN_M2} square metres."));
        }
        let sides: Vec<(Xy, Xy)> = edges(&all).collect();
        for (i, one) in sides.iter().enumerate() {
            // Neighbours share a corner, and the last edge is the first one's neighbour.
            for (j, other) in sides.iter().enumerate().skip(i + 2) {
                if (i != 0 || j != sides.len() - 1) && meet(*one, *other) {
                    return wrong("outline_crosses", format!("Edges {} and {} of the outline meet.", i + 1, j + 1));
                }
            }
        }
        Ok(outline)
    }

    /// The GeoJSON that [`Outline::parse`] reads.
    pub fn to_json(&self) -> Value {
        let ring: Vec<[f64; 2]> =
            self.0.iter().chain(self.0.first()).map(|corner| [corner.lon(), corner.lat()]).collect();
        json!({ "type": "Polygon", "coordinates": [ring] })
    }

    pub fn corners(&self) -> &[Point] {
        &self.0
    }

    /// 0 inside, else metres to the nearest edge.
    pub fn metres_to(&self, point: Point) -> f64 {
        let flat = self.flat();
        let here = flat.xy(point);
        let all: Vec<Xy> = self.0.iter().map(|corner| flat.xy(*corner)).collect();
        // A line from the point to the east meets the edges of the ring around it an odd number of times.
        let inside = edges(&all).fold(false, |inside, (a, b)| {
            let level = (a.1 > here.1) != (b.1 > here.1);
            inside != (level && here.0 < a.0 + (here.1 - a.1) / (b.1 - a.1) * (b.0 - a.0))
        });
        if inside {
            return 0.0;
        }
        let foot = edges(&all)
            .map(|(a, b)| nearest(here, a, b))
            .min_by(|one, other| squared(here, *one).total_cmp(&squared(here, *other)))
            .expect("an outline has edges");
        // Measured on the sphere: far from the store the flat map is wrong, but not about which edge is near.
        flat.point(foot).map_or(f64::INFINITY, |foot| foot.metres_to(point))
    }

    fn flat(&self) -> Flat {
        let origin = self.0[0];
        Flat { origin, east: (METRES_PER_DEGREE * origin.lat().to_radians().cos()).max(1.0) }
    }
}

/// Metres east and north of the first corner.
type Xy = (f64, f64);

struct Flat {
    origin: Point,
    /// Metres of a degree of longitude.
    east: f64,
}

impl Flat {
    fn xy(&self, point: Point) -> Xy {
        // The short way round, also over the date line.
        let degrees = (point.lon() - self.origin.lon() + 540.0).rem_euclid(360.0) - 180.0;
        (degrees * self.east, (point.lat() - self.origin.lat()) * METRES_PER_DEGREE)
    }

    fn point(&self, (x, y): Xy) -> Option<Point> {
        let lon = (self.origin.lon() + x / self.east + 540.0).rem_euclid(360.0) - 180.0;
        Point::new(self.origin.lat() + y / METRES_PER_DEGREE, lon)
    }
}

fn edges(ring: &[Xy]) -> impl Iterator<Item = (Xy, Xy)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

fn squared(a: Xy, b: Xy) -> f64 {
    (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)
}

/// The point of the edge that is nearest.
fn nearest(here: Xy, a: Xy, b: Xy) -> Xy {
    let along = ((here.0 - a.0) * (b.0 - a.0) + (here.1 - a.1) * (b.1 - a.1)) / squared(a, b);
    let along = if along.is_nan() { 0.0 } else { along.clamp(0.0, 1.0) };
    (a.0 + along * (b.0 - a.0), a.1 + along * (b.1 - a.1))
}

/// Whether two edges cross or touch.
fn meet((a, b): (Xy, Xy), (c, d): (Xy, Xy)) -> bool {
    let side = |p: Xy, q: Xy, r: Xy| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0);
    let between =
        |p: Xy, q: Xy, r: Xy| r.0 >= p.0.min(q.0) && r.0 <= p.0.max(q.0) && r.1 >= p.1.min(q.1) && r.1 <= p.1.max(q.1);
    let (of_c, of_d, of_a, of_b) = (side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b));
    (of_c * of_d < 0.0 && of_a * of_b < 0.0)
        || (of_c == 0.0 && between(a, b, c))
        || (of_d == 0.0 && between(a, b, d))
        || (of_a == 0.0 && between(c, d, a))
        || (of_b == 0.0 && between(c, d, b))
}

/// Everything that says where a store is.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    pub pin: Point,
    pub entrance: Option<Point>,
    pub outline: Option<Outline>,
}

impl Site {
    /// Errors with `entrance_far` or `outline_far` for what lies more than 2 km from the pin.
    pub fn check(&self) -> Result<(), Problem> {
        let far = |point: &Point| self.pin.metres_to(*point) > Fence::MAX_RADIUS_M;
        if self.entrance.iter().any(far) {
            return wrong("entrance_far", format!("The entrance is more than {} m from the pin.", Fence::MAX_RADIUS_M));
        }
        if self.outline.iter().flat_map(Outline::corners).any(far) {
            return wrong("outline_far", format!("The outline reaches {} m from the pin.", Fence::MAX_RADIUS_M));
        }
        Ok(())
    }

    /// 0 inside the outline, else metres to the nearest of its edge, the entrance and the pin.
    pub fn metres_to(&self, point: Point) -> f64 {
        let others = self.entrance.map(|entrance| entrance.metres_to(point));
        let outline = self.outline.as_ref().map(|outline| outline.metres_to(point));
        others.into_iter().chain(outline).fold(self.pin.metres_to(point), f64::min)
    }

    /// Metres from the pin to the farthest part of the store. A circle of that and the radius around the pin holds every
    /// point that is near enough.
    pub fn reach_m(&self) -> f64 {
        let corners = self.outline.iter().flat_map(Outline::corners);
        self.entrance.iter().chain(corners).map(|point| self.pin.metres_to(*point)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Point {
        Point::new(lat, lon).expect("on the globe")
    }

    fn code(corners: &[(f64, f64)]) -> &'static str {
        let corners = corners.iter().map(|(lat, lon)| at(*lat, *lon)).collect();
        Outline::of_corners(corners).expect_err("a broken outline").code
    }

    /// About 111 m by 76 m.
    fn hall() -> Outline {
        let corners = vec![at(46.5, 6.6), at(46.5, 6.601), at(46.501, 6.601), at(46.501, 6.6)];
        Outline::of_corners(corners).expect("a good outline")
    }

    #[test]
    fn inside_is_at_the_store_and_outside_counts_from_the_edge() {
        assert_eq!(hall().metres_to(at(46.5005, 6.6005)), 0.0);
        assert_eq!(hall().metres_to(at(46.5, 6.6005)).round(), 0.0, "on the edge");
        let north = hall().metres_to(at(46.502, 6.6005));
        assert!((north - 111.2).abs() < 0.2, "{north}");
        let corner = hall().metres_to(at(46.502, 6.602));
        assert!((corner - at(46.501, 6.601).metres_to(at(46.502, 6.602))).abs() < 0.2, "{corner}");
        let far = hall().metres_to(at(40.0, -70.0));
        assert!((far - at(46.5, 6.6).metres_to(at(40.0, -70.0))).abs() < 200.0, "{far}");
    }

    #[test]
    fn a_ring_may_be_bent_and_turn_either_way() {
        let u = [
            (46.5, 6.6),
            (46.5, 6.603),
            (46.502, 6.603),
            (46.502, 6.602),
            (46.501, 6.602),
            (46.501, 6.601),
            (46.502, 6.601),
            (46.502, 6.6),
        ];
        for turned in [false, true] {
            let mut corners: Vec<Point> = u.iter().map(|(lat, lon)| at(*lat, *lon)).collect();
            if turned {
                corners.reverse();
            }
            let outline = Outline::of_corners(corners).expect("a good outline");
            assert_eq!(outline.metres_to(at(46.5015, 6.6005)), 0.0, "in one arm");
            let yard = outline.metres_to(at(46.5015, 6.6015));
            assert!((yard - 38.3).abs() < 0.5, "between the arms: {yard}");
        }
    }

    #[test]
    fn an_outline_may_lie_across_the_date_line() {
        let corners = vec![at(-17.0, 179.9995), at(-17.0, -179.9995), at(-16.999, -179.9995), at(-16.999, 179.9995)];
        let outline = Outline::of_corners(corners).expect("a good outline");
        assert_eq!(outline.metres_to(at(-16.9995, 180.0)), 0.0);
        assert_eq!(outline.metres_to(at(-16.9995, -180.0)), 0.0);
        let east = outline.metres_to(at(-16.9995, -179.9985));
        assert!((east - 106.3).abs() < 0.5, "{east}");
        let west = outline.metres_to(at(-16.9995, 179.9985));
        assert!((west - 106.3).abs() < 0.5, "{west}");
    }

    #[test]
    fn what_is_no_outline_is_refused_by_name() {
        assert_eq!(code(&[(46.5, 6.6), (46.501, 6.6)]), "outline_corners");
        assert_eq!(code(&[(46.5, 6.6), (46.5, 6.6), (46.501, 6.6)]), "outline_corners");
        assert_eq!(code(&[(46.5, 6.6), (46.501, 6.6), (46.502, 6.6)]), "outline_flat");
        assert_eq!(code(&[(46.5, 6.6), (46.501, 6.601), (46.501, 6.6), (46.5, 6.602)]), "outline_crosses");
        assert_eq!(code(&[(46.5, 6.6), (46.5, 6.601), (47.5, 6.601)]), "outline_large");
        let many: Vec<(f64, f64)> = (0..501).map(|n| (46.5 + f64::from(n) * 1e-6, 6.6)).collect();
        assert_eq!(code(&many), "outline_corners");

        let read = |ring: Value| Outline::parse(&json!({ "type": "Polygon", "coordinates": ring })).map_err(|p| p.code);
        assert_eq!(read(json!([[[6.6, 46.5], [6.601, 46.5], [6.601, 46.501], [6.6, 46.501]]])), Err("outline_open"));
        assert_eq!(read(json!([[[6.6, 96.5], [6.601, 46.5], [6.6, 96.5]]])), Err("outline_off_globe"));
        assert_eq!(read(json!([[], []])), Err("outline_holes"));
        assert_eq!(read(json!([[]])), Err("outline_open"));
        assert_eq!(read(json!([[["a", 1]]])), Err("outline_unreadable"));
        assert_eq!(read(json!([])), Err("outline_unreadable"));
        assert_eq!(Outline::parse(&json!({ "type": "Point" })).map_err(|p| p.code), Err("outline_unreadable"));
        assert_eq!(Outline::parse(&hall().to_json()), Ok(hall()), "what is written reads back");
    }

    #[test]
    fn a_store_is_as_near_as_its_nearest_part() {
        let pin = Site { pin: at(46.5005, 6.6005), entrance: None, outline: None };
        assert_eq!(pin.check(), Ok(()));
        let there = at(46.502, 6.6005);
        assert!((pin.metres_to(there) - 166.8).abs() < 0.2);
        let whole = Site { entrance: Some(at(46.5018, 6.6005)), outline: Some(hall()), ..pin.clone() };
        assert!((whole.metres_to(there) - 22.2).abs() < 0.2, "the entrance is nearest");
        assert!(whole.reach_m() > 140.0 && whole.reach_m() < 150.0, "{}", whole.reach_m());
        assert_eq!(pin.reach_m(), 0.0);
        let far = Site { entrance: Some(at(46.6, 6.6)), ..pin.clone() };
        assert_eq!(far.check().map_err(|p| p.code), Err("entrance_far"));
        let away = Site { pin: at(46.6, 6.6), ..whole };
        assert_eq!(Site { entrance: None, ..away }.check().map_err(|p| p.code), Err("outline_far"));
    }
}
