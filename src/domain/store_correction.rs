//! When a pin is probably wrong: three people stood at one spot, sure of their position, and that spot is not where the
//! directory has the store. The machine proposes, an admin decides; nobody's work is judged by it.

use std::collections::HashSet;

use super::ids::{ReservationId, UserId};
use super::outline::Site;
use super::place::Point;

text_enum! {
    /// A proposal waits for an admin and is decided once.
    CorrectionState { Proposed = "proposed", Accepted = "accepted", Rejected = "rejected" }
}

text_enum! {
    /// What an admin says to a proposal.
    Ruling { Accept = "accept", Reject = "reject" }
}

/// A phone that is less sure than this proposes nothing, in metres.
pub const ACCURACY_MAX_M: f64 = 50.0;
/// The check-ins lie this near to their middle, in metres.
pub const SPREAD_MAX_M: f64 = 40.0;
/// Nearer than this a pin is good enough, in metres.
pub const LEAST_M: f64 = 100.0;
/// Farther than this it is another store, in metres.
pub const MOST_M: f64 = 2000.0;
/// So many workers agree.
pub const WORKERS: usize = 3;
/// Every three of the newest so many workers are compared.
const COMPARED_MAX: usize = 12;

/// Where somebody was at a check-in.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckIn {
    pub worker: UserId,
    pub reservation: ReservationId,
    pub point: Point,
    /// Radius of the disc that holds the phone, in metres.
    pub accuracy_m: f64,
}

/// Where the pin may belong.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    pub point: Point,
    /// From the pin of today, in metres.
    pub distance_m: f64,
    /// From the point to the farthest of the check-ins, in metres.
    pub spread_m: f64,
    pub check_ins: Vec<ReservationId>,
}

/// Whether a check-in says that the store is elsewhere.
pub fn disagrees(site: &Site, radius_m: f64, point: Point, accuracy_m: f64) -> bool {
    accuracy_m <= ACCURACY_MAX_M && site.metres_to(point) > radius_m.max(LEAST_M) && site.pin.metres_to(point) <= MOST_M
}

/// The three check-ins of three workers that agree best against the pin. `check_ins`: genuine positions, the newest
/// first; of each worker the newest one that is sure enough counts, so who came to the pin after all says nothing.
pub fn propose(site: &Site, radius_m: f64, check_ins: &[CheckIn]) -> Option<Proposal> {
    let mut heard: HashSet<&UserId> = HashSet::new();
    let elsewhere: Vec<&CheckIn> = check_ins
        .iter()
        .filter(|one| one.accuracy_m <= ACCURACY_MAX_M && heard.insert(&one.worker))
        .filter(|one| disagrees(site, radius_m, one.point, one.accuracy_m))
        .take(COMPARED_MAX)
        .collect();
    let mut best: Option<Proposal> = None;
    for (i, a) in elsewhere.iter().enumerate() {
        for (j, b) in elsewhere.iter().enumerate().skip(i + 1) {
            for c in &elsewhere[j + 1..] {
                let Some(point) = middle([a.point, b.point, c.point]) else { continue };
                let spread_m = [a, b, c].iter().map(|one| point.metres_to(one.point)).fold(0.0, f64::max);
                let better = best.as_ref().is_none_or(|best| spread_m < best.spread_m);
                if spread_m <= SPREAD_MAX_M && better && disagrees(site, radius_m, point, 0.0) {
                    let check_ins = [a, b, c].iter().map(|one| one.reservation.clone()).collect();
                    best = Some(Proposal { point, distance_m: site.pin.metres_to(point), spread_m, check_ins });
                }
            }
        }
    }
    best
}

/// The middle of points that lie near each other, also over the date line.
fn middle(points: [Point; WORKERS]) -> Option<Point> {
    let first = points[0];
    let turned = |point: Point| (point.lon() - first.lon() + 540.0).rem_euclid(360.0) - 180.0;
    let lat = points.iter().map(|point| point.lat()).sum::<f64>() / WORKERS as f64;
    let lon = first.lon() + points.iter().map(|point| turned(*point)).sum::<f64>() / WORKERS as f64;
    Point::new(lat, (lon + 540.0).rem_euclid(360.0) - 180.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site { pin: Point::new(46.52, 6.63).expect("on the globe"), entrance: None, outline: None }
    }

    fn seen(worker: u128, lat: f64, lon: f64, accuracy_m: f64) -> CheckIn {
        CheckIn {
            worker: UserId::from_bits(worker),
            reservation: ReservationId::from_bits(worker * 100),
            point: Point::new(lat, lon).expect("on the globe"),
            accuracy_m,
        }
    }

    /// About 334 m north of the pin.
    fn three() -> [CheckIn; 3] {
        [seen(1, 46.523, 6.63, 10.0), seen(2, 46.5231, 6.6301, 20.0), seen(3, 46.5229, 6.6299, 50.0)]
    }

    #[test]
    fn three_workers_at_one_spot_propose_it() {
        let found = propose(&site(), 150.0, &three()).expect("a proposal");
        assert!((found.point.lat() - 46.523).abs() < 1e-9 && (found.point.lon() - 6.63).abs() < 1e-9);
        assert!((found.distance_m - 333.6).abs() < 0.5 && found.spread_m < 15.0, "{found:?}");
        assert_eq!(found.check_ins.len(), 3);
    }

    #[test]
    fn fewer_or_less_sure_or_scattered_ones_propose_nothing() {
        let none = |check_ins: &[CheckIn]| assert_eq!(propose(&site(), 150.0, check_ins), None);
        none(&three()[..2]);
        let [a, b, c] = three();
        none(&[a.clone(), b.clone(), CheckIn { worker: a.worker.clone(), ..c.clone() }]);
        none(&[a.clone(), b.clone(), CheckIn { accuracy_m: 50.1, ..c.clone() }]);
        none(&[a.clone(), b.clone(), seen(3, 46.5240, 6.63, 10.0)]);
        none(&[seen(3, 46.52, 6.63, 10.0), a.clone(), b.clone(), c.clone()]);
        none(&[seen(1, 46.5208, 6.63, 5.0), seen(2, 46.5208, 6.63, 5.0), seen(3, 46.5208, 6.63, 5.0)]);
        none(&[seen(1, 46.55, 6.63, 5.0), seen(2, 46.55, 6.63, 5.0), seen(3, 46.55, 6.63, 5.0)]);
        assert_eq!(propose(&site(), 400.0, &[a, b, c]), None, "inside a large fence");
    }

    #[test]
    fn the_tightest_three_of_many_are_taken() {
        let mut all = vec![seen(9, 46.530, 6.63, 5.0), seen(8, 46.5235, 6.63, 5.0)];
        all.extend(three());
        let found = propose(&site(), 150.0, &all).expect("a proposal");
        let ids: Vec<ReservationId> = three().iter().map(|one| one.reservation.clone()).collect();
        assert_eq!(found.check_ins, ids);
    }

    #[test]
    fn a_pin_at_the_date_line_is_corrected_across_it() {
        let site = Site { pin: Point::new(-17.0, 179.998).expect("on the globe"), entrance: None, outline: None };
        let all = [seen(1, -17.0, 179.9999, 5.0), seen(2, -17.0, -179.9999, 5.0), seen(3, -17.0, -180.0, 5.0)];
        let found = propose(&site, 100.0, &all).expect("a proposal");
        assert!(found.point.lon().abs() > 179.999 && found.spread_m < 15.0, "{found:?}");
    }
}
