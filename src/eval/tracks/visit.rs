//! Honest visits: windows of real tracks, and walks through a made-up store that carry the real error of a real phone.
//! What a file does not say (delivery, clocks, sometimes accuracy) is drawn; [`ASSUMED`] says how.

use super::read::{Raw, Track};
use crate::domain::place::Point;
use crate::domain::signals::{Event, Previous, Provider, TimedFix};
use crate::eval::statistics::Dice;

/// What no track of the collection says, and what is drawn instead. Printed under the table.
pub const ASSUMED: &[&str] = &[
    "Accuracy, height: from the file; else a stretch of another phone's, of the same half of the files.",
    "Speed: from the file; else from the positions of a satellite receiver; the location history has none.",
    "Delivery: 60% at once, 40% in one batch up to 12 h later. Clock: within 6 s; 1% are 150 s fast.",
    "3% of the events send the last fix again; 1% of the phones restart; 10% of the store walks use network positions in half of the events (20 to 60 m, repeated), a fifth of these in all events with one accuracy.",
    "2% of the photos carry a position 100 to 600 m away (an old one), the rest none or one within 60 m; 1% of the phones have one more account.",
];

/// One visit with what the server would know about it.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    pub fixes: Vec<TimedFix>,
    pub store: Option<Point>,
    pub reserved_at: Option<i64>,
    pub reserved_elapsed_ms: Option<i64>,
    pub previous: Option<Previous>,
    pub same_fixes: usize,
    pub device_accounts: usize,
    pub photos: Vec<(u32, Option<Point>)>,
}

/// Metres east and north of a point; seven digits, as phones send them.
pub fn moved(from: Point, east_m: f64, north_m: f64) -> Point {
    let digits = |n: f64| (n * 1e7).round() / 1e7;
    let lat = from.lat() + north_m / 111_195.0;
    let lon = from.lon() + east_m / (111_195.0 * from.lat().to_radians().cos().max(0.01));
    Point::new(digits(lat), digits(lon)).unwrap_or(from)
}

/// Metres east and north of `from`.
pub fn offset(from: Point, to: Point) -> (f64, f64) {
    let wide = 111_195.0 * from.lat().to_radians().cos();
    ((to.lon() - from.lon()) * wide, (to.lat() - from.lat()) * 111_195.0)
}

/// Roughly normal, mean 0, deviation 1 (twelve dice).
pub fn normal(dice: &mut Dice) -> f64 {
    (0..12).map(|_| dice.share()).sum::<f64>() - 6.0
}

/// When the events of a visit happen and what each sends: (seconds from the start, event, fixes).
pub type Plan = Vec<(f64, Event, usize)>;

/// Check-in, photos at uneven times, seal.
pub fn plan(dice: &mut Dice, secs: f64) -> Plan {
    let photos = 3 + dice.roll(9);
    let mut times: Vec<f64> = (0..photos).map(|_| dice.between(0.03, 0.95) * secs).collect();
    times.sort_by(f64::total_cmp);
    let mut plan = vec![(0.0, Event::CheckIn, 1 + dice.roll(5))];
    let photo = |n: usize| Event::Photo(u32::try_from(n + 1).unwrap_or(u32::MAX));
    plan.extend(times.iter().enumerate().map(|(n, at)| (*at, photo(n), 0)));
    plan.push((secs, Event::Seal, 0));
    // The rest of at most forty fixes.
    for entry in plan.iter_mut().skip(1) {
        entry.2 = 1 + dice.roll(3);
    }
    plan
}

/// A phone: its provider, and a stretch of a real phone's accuracy and height.
pub struct Phone<'a> {
    pub donor: &'a Track,
    start: f64,
    scale: f64,
}

impl<'a> Phone<'a> {
    /// `None` without a track that knows its accuracy.
    pub fn draw(donors: &[&'a Track], dice: &mut Dice) -> Option<Phone<'a>> {
        let donor = *donors.get(dice.roll(donors.len()))?;
        let start = dice.between(0.0, (donor.secs() - 2400.0).max(0.0));
        Some(Phone { donor, start, scale: 1.0 })
    }

    fn at(&self, secs: f64) -> Option<&'a Raw> {
        let first = self.donor.points.first()?.secs;
        let within = (self.start + secs) % self.donor.secs().max(1.0);
        let after = self.donor.points.partition_point(|p| p.secs < first + within);
        self.donor.points.get(after).or(self.donor.points.last())
    }

    pub fn accuracy_m(&self, secs: f64) -> f64 {
        let tenth = |m: f64| (m * 10.0).round() / 10.0;
        tenth(self.at(secs).and_then(|raw| raw.accuracy_m).unwrap_or(5.0) * self.scale)
    }

    pub fn altitude_m(&self, secs: f64) -> Option<f64> {
        self.at(secs)?.altitude_m
    }
}

/// A day in 2026; whole seconds, as satellites give them.
pub fn day(dice: &mut Dice) -> f64 {
    1_772_000_000.0 + dice.between(0.0, 2e7).round()
}

/// Clocks, delivery and what else happens to honest fixes.
pub fn sent(mut visit: Visit, start: f64, dice: &mut Dice) -> Visit {
    let reserved = start - dice.between(300.0, 10_000.0);
    let booted = reserved - dice.between(600.0, 900_000.0).round();
    let fast = if dice.share() < 0.01 { 150.0 } else { normal(dice).clamp(-3.0, 3.0) * 2.0 };
    let restart = (dice.share() < 0.01).then(|| visit.fixes.get(visit.fixes.len() / 2).map(|fix| fix.event)).flatten();
    let last = visit.fixes.iter().map(|f| f.taken_at).max().unwrap_or(0);
    let late = (dice.share() < 0.4).then(|| last + (dice.between_orders(5.0, 43_200.0) * 1e6) as i64);
    for fix in &mut visit.fixes {
        let real = fix.taken_at as f64 / 1e6;
        let since = if restart.is_some_and(|event| fix.event >= event) { real - start + 30.0 } else { real - booted };
        fix.elapsed_ms = Some((since * 1e3) as i64 + dice.roll(40) as i64);
        fix.received_at = late.unwrap_or(fix.taken_at + (dice.between_orders(0.2, 8.0) * 1e6) as i64);
        // Satellites know the time, other positions carry the phone's.
        let shift = if fix.provider == Some(Provider::Gps) { dice.between(-0.2, 0.2) } else { fast };
        if fix.provider != Some(Provider::Gps) {
            fix.taken_at += (shift * 1e6) as i64;
        }
    }
    for n in 1..visit.fixes.len() {
        if visit.fixes[n].event != visit.fixes[n - 1].event && dice.share() < 0.03 {
            let before = visit.fixes[n - 1];
            let (event, received_at) = (visit.fixes[n].event, visit.fixes[n].received_at);
            visit.fixes[n] = TimedFix { event, received_at, ..before };
        }
    }
    visit.reserved_at = Some(micros(reserved));
    visit.reserved_elapsed_ms = Some(((reserved - booted) * 1e3) as i64);
    visit.device_accounts = usize::from(dice.share() < 0.01);
    visit.photos = visit
        .fixes
        .iter()
        .filter_map(|fix| if let Event::Photo(n) = fix.event { Some((n, fix.at)) } else { None })
        .map(|(n, at)| {
            let off = if dice.share() < 0.02 { dice.between(100.0, 600.0) } else { dice.between(0.0, 60.0) };
            (n, dice.coin().then(|| moved(at, off, 0.0)))
        })
        .collect();
    visit
}

pub fn bare(at: Point, secs: f64, event: Event) -> TimedFix {
    let taken_at = (secs * 1e6).round() as i64;
    TimedFix {
        at,
        accuracy_m: 5.0,
        altitude_m: None,
        speed_mps: None,
        bearing_deg: None,
        provider: Some(Provider::Gps),
        mock: false,
        taken_at,
        elapsed_ms: None,
        received_at: taken_at,
        event,
    }
}

/// Shortest stretch of a track that is taken for a visit, and the longest, in seconds.
pub const WINDOW_SECS: (f64, f64) = (300.0, 2400.0);

/// A visit cut from a real track: 10 to 40 minutes, or the whole of a shorter one. `None` where it has holes.
pub fn cut(track: &Track, donors: &[&Track], dice: &mut Dice) -> Option<Visit> {
    let whole = track.secs();
    if whole < WINDOW_SECS.0 {
        return None;
    }
    let secs = if whole < 600.0 { whole } else { dice.between(600.0, WINDOW_SECS.1.min(whole)) };
    let from = track.points.first()?.secs + dice.between(0.0, whole - secs);
    let shift = day(dice) - track.points.first()?.secs.round();
    let phone = Phone::draw(donors, dice)?;
    let mut fixes: Vec<TimedFix> = Vec::new();
    for (at, event, count) in plan(dice, secs) {
        let first = track.points.partition_point(|p| p.secs < from + at).min(track.points.len() - 1);
        for n in first..(first + count).min(track.points.len()) {
            let raw = &track.points[n];
            // A stretch without positions: the phone sends what it last had.
            if raw.secs - (from + at) > 90.0 || fixes.last().is_some_and(|f| f.taken_at >= micros(raw.secs + shift)) {
                break;
            }
            let satellites = track.provider != Some(Provider::Fused);
            let (speed, bearing) = pace(track, n).filter(|_| satellites).unzip();
            let digits = moved(raw.at, 0.0, 0.0);
            fixes.push(TimedFix {
                accuracy_m: raw.accuracy_m.unwrap_or_else(|| phone.accuracy_m(raw.secs - from)),
                altitude_m: raw.altitude_m.or_else(|| phone.altitude_m(raw.secs - from).filter(|_| satellites)),
                speed_mps: raw.speed_mps.or(speed),
                bearing_deg: bearing.filter(|_| speed.is_some_and(|v| v > 1.0)),
                provider: track.provider,
                ..bare(digits, raw.secs + shift, event)
            });
        }
    }
    let start = from + shift;
    (fixes.len() >= 4).then(|| sent(Visit { fixes, ..Visit::default() }, start, dice))
}

pub fn micros(secs: f64) -> i64 {
    (secs * 1e6).round() as i64
}

/// Metres per second and degrees by the positions beside the nth, rounded as receivers do.
fn pace(track: &Track, n: usize) -> Option<(f64, f64)> {
    let (a, b) = (track.points.get(n.saturating_sub(1))?, track.points.get(n + 1).or(track.points.get(n))?);
    let secs = b.secs - a.secs;
    let (east, north) = offset(a.at, b.at);
    let tenth = |n: f64| (n * 10.0).round() / 10.0;
    (0.0 < secs && secs <= 25.0)
        .then(|| (tenth(east.hypot(north) / secs), tenth(east.atan2(north).to_degrees().rem_euclid(360.0))))
}

/// How far apart the on-site positions of a visit lie, in metres.
pub fn extent_m(visit: &Visit) -> f64 {
    let on_site: Vec<&TimedFix> = visit.fixes.iter().filter(|f| f.event != Event::Seal).collect();
    let from = |a: &TimedFix| on_site.iter().map(|b| a.at.metres_to(b.at)).fold(0.0, f64::max);
    on_site.iter().map(|a| from(a)).fold(0.0, f64::max)
}

/// The error of a real phone: (seconds of the ride, metres beside the planned road), at the phone's own times.
pub fn errors(track: &Track, route: &[Point]) -> Vec<(f64, f64)> {
    let first = track.points.first().map_or(0.0, |p| p.secs);
    let error = |at: Point| {
        let beside = |w: &[Point]| {
            let ((x, y), (u, v)) = (offset(w[0], at), offset(w[0], w[1]));
            let long = u.hypot(v);
            if long == 0.0 {
                return None;
            }
            let along = ((x * u + y * v) / long).clamp(0.0, long);
            Some((x - u / long * along).hypot(y - v / long * along).copysign(x * v - y * u))
        };
        let nearest = route.windows(2).filter_map(beside).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
        // More than that is another way, no error.
        nearest.clamp(-40.0, 40.0)
    };
    track.points.iter().map(|raw| (raw.secs - first, error(raw.at))).collect()
}

/// A store with its shelves in the order of the brief.
pub struct Store {
    pub at: Point,
    shelves: Vec<(f64, f64)>,
}

impl Store {
    /// Somewhere in Europe; `None` never.
    pub fn draw(dice: &mut Dice) -> Option<Store> {
        let at = moved(Point::new(dice.between(36.0, 60.0), dice.between(-9.0, 24.0))?, 0.0, 0.0);
        let shelves = (0..4 + dice.roll(6)).map(|_| (dice.between(-35.0, 35.0), dice.between(-25.0, 25.0))).collect();
        Some(Store { at, shelves })
    }
}

/// The true way of one worker through the store: (seconds, east, north) at each change of pace, and its events.
pub struct Way {
    points: Vec<(f64, f64, f64)>,
    pub plan: Plan,
}

impl Way {
    /// Everybody stands and walks at a pace of their own; the order is the brief's.
    pub fn draw(store: &Store, dice: &mut Dice) -> Way {
        let door = (0.0, -32.0);
        let pace = dice.between(0.7, 1.4);
        let mut points = vec![(0.0, door.0, door.1)];
        let mut plan = vec![(dice.between(0.0, 20.0), Event::CheckIn, 1 + dice.roll(5))];
        let (mut secs, mut here) = (dice.between(20.0, 90.0), door);
        points.push((secs, here.0, here.1));
        let mut number = 0;
        for shelf in &store.shelves {
            let there = (shelf.0 + normal(dice) * 2.0, shelf.1 + normal(dice) * 2.0);
            secs += (there.0 - here.0).hypot(there.1 - here.1) / pace + 1.0;
            points.push((secs, there.0, there.1));
            let stay = (60.0_f64.ln() + 0.7 * normal(dice)).exp().clamp(12.0, 600.0);
            for k in 0..1 + dice.roll(2) {
                number += 1;
                let at = secs + stay * (0.2 + 0.5 * k as f64 + 0.2 * dice.share());
                plan.push((at, Event::Photo(number), 1 + dice.roll(4)));
            }
            secs += stay;
            points.push((secs, there.0, there.1));
            here = there;
        }
        secs += (door.0 - here.0).hypot(door.1 - here.1) / pace + 1.0;
        points.push((secs, door.0, door.1));
        plan.push((secs + dice.between(5.0, 120.0), Event::Seal, 1 + dice.roll(3)));
        Way { points, plan }
    }

    pub fn place(&self, secs: f64) -> (f64, f64) {
        let after = self.points.partition_point(|p| p.0 < secs);
        let last = self.points.len().saturating_sub(1);
        match (self.points.get(after.saturating_sub(1)), self.points.get(after.min(last))) {
            (Some(a), Some(b)) if b.0 > a.0 => {
                let part = ((secs - a.0) / (b.0 - a.0)).clamp(0.0, 1.0);
                (a.1 + (b.1 - a.1) * part, a.2 + (b.2 - a.2) * part)
            }
            (Some(a), _) => (a.1, a.2),
            _ => (0.0, 0.0),
        }
    }
}

/// A walk through the store with the real error of a real phone, one stretch of it for each axis, up to 2.5 times as
/// large as under open sky.
pub fn walk(store: &Store, errors: &[(f64, f64)], donors: &[&Track], dice: &mut Dice) -> Option<Visit> {
    let way = Way::draw(store, dice);
    let start = day(dice);
    let scale = dice.between(1.0, 2.5);
    let mut phone = Phone::draw(donors, dice)?;
    phone.scale = scale;
    // One stretch begins anywhere in the ride, the other a quarter of it later; after its end the ride begins again.
    let lap = errors.last()?.0 + 1.0;
    let begin = lap * dice.share();
    let after = |secs: f64| {
        let laps = (secs / lap).floor();
        laps as usize * errors.len() + errors.partition_point(|e| e.0 < secs - laps * lap)
    };
    let error = |n: usize| errors.get(n % errors.len()).map(|e| (e.0 + (n / errors.len()) as f64 * lap, e.1));
    let indoors = dice.share() < 0.1;
    // Some hear no satellite at all, and the same access points with one accuracy.
    let only_network = (indoors && dice.share() < 0.2).then(|| dice.between(20.0, 60.0).round());
    let mut fixes = Vec::new();
    for (at, event, count) in &way.plan {
        let (network, wide) = (indoors && dice.coin(), dice.between(20.0, 60.0).round());
        let (network, wide) = only_network.map_or((network, wide), |wide| (true, wide));
        let first = after(begin + at);
        for n in first..first + count {
            let (Some(beside), Some(along)) = (error(n), error(n + errors.len() / 4)) else { break };
            // Satellites are measured at whole seconds.
            let secs = (beside.0 - begin).floor();
            let (x, y) = way.place(secs);
            let (east, north) = (x + beside.1 * scale, y + along.1 * scale);
            // Satellites give the speed by itself, not by the positions and their errors.
            let (before, after) = (way.place(secs - 1.0), way.place(secs + 1.0));
            let (u, v) = ((after.0 - before.0) / 2.0, (after.1 - before.1) / 2.0);
            let tenth = |n: f64| (n * 10.0).round() / 10.0;
            let fix = TimedFix {
                accuracy_m: phone.accuracy_m(secs),
                altitude_m: phone.altitude_m(secs),
                speed_mps: Some(tenth(u.hypot(v))),
                bearing_deg: (u.hypot(v) > 1.0).then(|| tenth(u.atan2(v).to_degrees().rem_euclid(360.0))),
                ..bare(moved(store.at, east, north), start + secs, *event)
            };
            // The same access points give the same position.
            let spot = moved(store.at, (east / 40.0).round() * 40.0, (north / 40.0).round() * 40.0 + 7.0);
            let provider = Some(Provider::Network);
            let by_network = TimedFix { accuracy_m: wide, provider, ..bare(spot, start + secs, *event) };
            fixes.push(if network { by_network } else { fix });
        }
    }
    let mut visit = sent(Visit { fixes, store: Some(store.at), ..Visit::default() }, start, dice);
    // Half come from another visit, by car at most.
    let far = dice.between_orders(100.0, 60_000.0);
    let secs = 60.0 + far / dice.between(1.0, 30.0);
    let previous = Previous { at: moved(store.at, far, 0.0), accuracy_m: 5.0, taken_at: micros(start - secs) };
    visit.previous = dice.coin().then_some(previous);
    Some(visit)
}
