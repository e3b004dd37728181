//! Made-up visits, from lazy to careful. Each kind starts from what the phone of an honest worker would have sent and
//! changes what that kind of deceiver changes; everything else stays honest, which is the hardest case for the signs.

use super::read::Track;
use super::visit::{Plan, Store, Visit, Way, bare, day, moved, normal, offset, plan, sent, walk};
use crate::domain::place::Point;
use crate::domain::signals::{Event, PhotoClaim, Previous, Provider, Shape, TimedFix};
use crate::eval::statistics::Dice;

/// What a deceiver has to work with.
pub struct Workshop<'a> {
    pub errors: &'a [(f64, f64)],
    pub donors: &'a [&'a Track],
    pub store: &'a Store,
    /// Visits that were sent before, of this store, by others.
    pub earlier: &'a [Visit],
}

/// A way to deceive.
pub struct Kind {
    pub name: &'static str,
    /// A copy of the real world cannot be told from it: reported, and not part of the total.
    pub beyond: bool,
    pub make: fn(&Workshop, &mut Dice) -> Option<Visit>,
}

pub const KINDS: &[Kind] = &[
    told("pinned to one spot", pinned),
    told("pinned to one spot, said to be from the network", pinned_network),
    told("pinned, white noise added", noisy),
    told("mock flag left on", flagged),
    told("teleport: only the check-in at the store", teleport),
    told("accuracy 0, 0.5 or 1 m everywhere", perfect),
    told("straight line at even pace", line),
    told("line through waypoints", waypoints),
    told("another worker's visit, exactly", replay),
    told("another worker's visit, exactly, a clock offset", replay_shifted),
    told("another worker's visit, own event times", replay_sampled),
    told("another worker's visit, noise and offset", replay_noisy),
    told("joystick with a regular clock", joystick),
    told("earlier visit elsewhere, moved to the store", translated_seen),
    told("one account, 10 to 500 km apart within 20 minutes", far_apart),
    told("device of three to six accounts", shared_device),
    told("clock set back", clock_back),
    told("photos taken elsewhere (EXIF)", exif),
    beyond("accuracy constant and usual, rest genuine", constant),
    beyond("fresh real walk elsewhere, moved to the store", translated_fresh),
    beyond("fresh real walk, true noise, true metadata", fresh),
];

const fn told(name: &'static str, make: fn(&Workshop, &mut Dice) -> Option<Visit>) -> Kind {
    Kind { name, beyond: false, make }
}

const fn beyond(name: &'static str, make: fn(&Workshop, &mut Dice) -> Option<Visit>) -> Kind {
    Kind { name, beyond: true, make }
}

fn fresh(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    walk(shop.store, shop.errors, shop.donors, dice)
}

/// The events of a made-up visit, as the true way through a store would have them.
fn events(shop: &Workshop, dice: &mut Dice) -> Plan {
    if dice.coin() {
        Way::draw(shop.store, dice).plan
    } else {
        let secs = dice.between(600.0, 2400.0);
        plan(dice, secs)
    }
}

/// A visit whose positions come from `place` (seconds from the start, to metres east and north of the store), with the
/// metadata that location-faking apps give.
fn faked(shop: &Workshop, dice: &mut Dice, mut place: impl FnMut(&mut Dice, f64) -> (f64, f64)) -> Option<Visit> {
    let start = day(dice) + dice.share();
    let phone = super::visit::Phone::draw(shop.donors, dice)?;
    let (one, careful) = ([3.0, 5.0, 8.0, 10.0, 20.0][dice.roll(5)], dice.share() < 0.4);
    let height = [Some(0.0), Some(dice.between(10.0, 400.0).round()), None][dice.roll(3)];
    let provider = [Some(Provider::Gps), Some(Provider::Fused), None][dice.roll(3)];
    let speed = [Some(0.0), None][dice.roll(2)];
    let mut fixes = Vec::new();
    for (at, event, count) in events(shop, dice) {
        for n in 0..count {
            let secs = at + n as f64 * dice.between(0.99, 1.01);
            let (east, north) = place(dice, secs);
            fixes.push(TimedFix {
                accuracy_m: if careful { phone.accuracy_m(secs) } else { one },
                altitude_m: if careful { phone.altitude_m(secs) } else { height },
                speed_mps: speed,
                provider,
                ..bare(moved(shop.store.at, east, north), start + secs, event)
            });
        }
    }
    Some(sent(Visit { fixes, store: Some(shop.store.at), ..Visit::default() }, start, dice))
}

/// On the point of the map, or somewhere near it.
fn spot(dice: &mut Dice) -> (f64, f64) {
    if dice.coin() { (0.0, 0.0) } else { (dice.between(-30.0, 30.0), dice.between(-30.0, 30.0)) }
}

fn pinned(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let spot = spot(dice);
    faked(shop, dice, |_, _| spot)
}

fn pinned_network(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let accuracy_m = dice.between(20.0, 60.0).round();
    let mut visit = pinned(shop, dice)?;
    for fix in &mut visit.fixes {
        (fix.provider, fix.accuracy_m, fix.altitude_m, fix.speed_mps) =
            (Some(Provider::Network), accuracy_m, None, None);
    }
    Some(visit)
}

fn noisy(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let (spot, wide) = (spot(dice), dice.between(1.0, 10.0));
    faked(shop, dice, |dice, _| (spot.0 + wide * normal(dice), spot.1 + wide * normal(dice)))
}

fn flagged(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    visit.fixes.iter_mut().for_each(|fix| fix.mock = true);
    Some(visit)
}

fn teleport(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    let (far, angle) = (dice.between_orders(1000.0, 30_000.0), dice.between(0.0, std::f64::consts::TAU));
    let seal_too = dice.coin();
    for fix in &mut visit.fixes {
        if fix.event != Event::CheckIn && !(seal_too && fix.event == Event::Seal) {
            fix.at = moved(fix.at, far * angle.cos(), far * angle.sin());
        }
    }
    // The photos are honest about where they were taken, or say nothing.
    visit.photos.iter_mut().for_each(|photo| photo.1 = None);
    Some(visit)
}

fn perfect(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let one = [0.0, 0.5, 1.0][dice.roll(3)];
    let mut visit = fresh(shop, dice)?;
    visit.fixes.iter_mut().for_each(|fix| fix.accuracy_m = one);
    Some(visit)
}

fn constant(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let one = [3.0, 5.0, 10.0][dice.roll(3)];
    let mut visit = fresh(shop, dice)?;
    visit.fixes.iter_mut().for_each(|fix| fix.accuracy_m = one);
    Some(visit)
}

fn line(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let (pace, angle) = (dice.between(0.1, 1.4), dice.between(0.0, std::f64::consts::TAU));
    faked(shop, dice, |_, secs| (pace * secs * angle.cos(), pace * secs * angle.sin()))
}

/// Along straight legs between points, at even pace, there and back until the visit ends.
fn legs(points: Vec<(f64, f64)>, pace: f64) -> impl Fn(f64) -> (f64, f64) {
    move |secs| {
        let mut left = pace * secs;
        for n in 0..10_000 {
            let (a, b) = (points[n % points.len()], points[(n + 1) % points.len()]);
            let long = (b.0 - a.0).hypot(b.1 - a.1).max(1.0);
            if left <= long {
                return (a.0 + (b.0 - a.0) * left / long, a.1 + (b.1 - a.1) * left / long);
            }
            left -= long;
        }
        points[0]
    }
}

fn waypoints(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let count = 3 + dice.roll(4);
    let points = (0..count).map(|_| (dice.between(-80.0, 80.0), dice.between(-80.0, 80.0))).collect();
    let way = legs(points, dice.between(0.05, 1.2));
    faked(shop, dice, |_, secs| way(secs))
}

fn earlier<'a>(shop: &'a Workshop, dice: &mut Dice) -> Option<&'a Visit> {
    shop.earlier.get(dice.roll(shop.earlier.len()))
}

/// The fixes of another visit at another time; clocks and delivery are those of the deceiver's phone.
fn again(visit: &Visit, dice: &mut Dice, seconds: f64) -> Option<Visit> {
    let first = visit.fixes.iter().map(|fix| fix.taken_at).min()?;
    let start = (day(dice) + seconds) * 1e6;
    let mut fixes = visit.fixes.clone();
    fixes.iter_mut().for_each(|fix| fix.taken_at += start as i64 - first);
    fixes.sort_by_key(|fix| fix.taken_at);
    Some(sent(Visit { fixes, store: visit.store, ..Visit::default() }, start / 1e6, dice))
}

fn replay(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = again(earlier(shop, dice)?, dice, 0.0)?;
    visit.same_fixes = visit.fixes.iter().filter_map(TimedFix::fingerprint).count();
    Some(visit)
}

/// The search for equal fixes found nothing: the other visit was long ago.
fn replay_shifted(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let seconds = dice.share();
    again(earlier(shop, dice)?, dice, seconds)
}

fn replay_sampled(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let visit = earlier(shop, dice)?;
    let mut seen: Vec<&TimedFix> = visit.fixes.iter().collect();
    seen.sort_by_key(|fix| fix.taken_at);
    let (first, last) = (seen.first()?, seen.last()?);
    let secs_of = |fix: &TimedFix| (fix.taken_at - first.taken_at) as f64 / 1e6;
    let secs = secs_of(last);
    let start = day(dice);
    let mut fixes = Vec::new();
    for (at, event, count) in plan(dice, secs) {
        for n in 0..count {
            let at = (at + n as f64).min(secs).round();
            let next = seen.partition_point(|fix| secs_of(fix) < at).clamp(1, seen.len() - 1);
            let (a, b) = (seen[next - 1], seen[next]);
            let part = ((at - secs_of(a)) / (secs_of(b) - secs_of(a)).max(1e-3)).clamp(0.0, 1.0);
            let (east, north) = offset(a.at, b.at);
            let place = moved(a.at, east * part, north * part);
            fixes.push(TimedFix { elapsed_ms: None, mock: false, ..TimedFix { at: place, event, ..*a } });
            if let Some(fix) = fixes.last_mut() {
                fix.taken_at = ((start + at) * 1e6) as i64;
            }
        }
    }
    Some(sent(Visit { fixes, store: visit.store, ..Visit::default() }, start, dice))
}

fn replay_noisy(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = again(earlier(shop, dice)?, dice, 0.0)?;
    let (wide, by) = (dice.between(0.5, 4.0), (dice.between(-20.0, 20.0), dice.between(-20.0, 20.0)));
    for fix in &mut visit.fixes {
        fix.at = moved(fix.at, by.0 + wide * normal(dice), by.1 + wide * normal(dice));
    }
    Some(visit)
}

fn joystick(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let tick = [5.0, 10.0, 15.0, 30.0, 60.0][dice.roll(5)];
    let (mut angle, pace) = (dice.between(0.0, std::f64::consts::TAU), dice.between(0.8, 1.6));
    let (mut east, mut north, mut before) = (0.0, 0.0, 0.0);
    let mut visit = faked(shop, dice, |dice, secs| {
        // The finger rests between events: at most 40 m a leg.
        let far = (pace * (secs - before)).clamp(0.0, 40.0);
        angle += normal(dice) * 0.8;
        before = secs;
        (east, north) = (east + far * angle.cos(), north + far * angle.sin());
        (east, north)
    })?;
    let events = visit.fixes.iter().fold(Vec::new(), |mut events, fix| {
        if !events.contains(&fix.event) {
            events.push(fix.event);
        }
        events
    });
    let (first, up) = (visit.fixes.first()?.taken_at, visit.fixes.first()?.elapsed_ms?);
    for fix in &mut visit.fixes {
        let n = events.iter().position(|event| *event == fix.event)? as f64;
        let late = fix.received_at - fix.taken_at;
        fix.taken_at = first + (n * tick * 1e6) as i64;
        fix.elapsed_ms = Some(up + (n * tick * 1e3) as i64);
        fix.received_at = fix.taken_at + late;
    }
    visit.fixes.dedup_by(|b, a| a.event == b.event);
    Some(visit)
}

/// From the store of an earlier visit to another store, in degrees as the tools do it.
fn translated(visit: &Visit, dice: &mut Dice) -> Option<Visit> {
    let mut visit = again(visit, dice, 0.0)?;
    let (up, aside) = (dice.between(-2.0, 2.0), dice.between(-2.0, 2.0));
    let to = |p: Point| Point::new(p.lat() + up, p.lon() + aside).map(|p| moved(p, 0.0, 0.0));
    for fix in &mut visit.fixes {
        fix.at = to(fix.at)?;
    }
    visit.photos.iter_mut().for_each(|photo| photo.1 = None);
    visit.store = visit.store.and_then(to);
    Some(visit)
}

fn translated_seen(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    translated(earlier(shop, dice)?, dice)
}

fn translated_fresh(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    translated(&fresh(shop, dice)?, dice)
}

fn far_apart(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    let first = visit.fixes.first()?;
    let at = moved(first.at, 0.0, dice.between_orders(10_000.0, 500_000.0));
    let taken_at = first.taken_at - (dice.between(0.0, 1200.0) * 1e6) as i64;
    visit.previous = Some(Previous { at, accuracy_m: 10.0, taken_at });
    Some(visit)
}

fn shared_device(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    visit.device_accounts = 2 + dice.roll(4);
    Some(visit)
}

/// In the middle of the visit, or before it, to make it older than its reservation.
fn clock_back(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    let by = (dice.between_orders(300.0, 100_000.0) * 1e6) as i64;
    let from = if dice.coin() { visit.fixes.len() / 2 } else { 0 };
    visit.fixes.iter_mut().skip(from).for_each(|fix| fix.taken_at -= by);
    Some(visit)
}

fn exif(shop: &Workshop, dice: &mut Dice) -> Option<Visit> {
    let mut visit = fresh(shop, dice)?;
    let far = dice.between_orders(1000.0, 500_000.0);
    for photo in &mut visit.photos {
        photo.1 = Some(moved(shop.store.at, far * 0.6, far * 0.8));
    }
    Some(visit)
}

/// What the files of the photos say.
pub fn claims(visit: &Visit) -> Vec<PhotoClaim> {
    visit.photos.iter().map(|(number, at)| PhotoClaim { number: *number, at: *at, taken_at: None }).collect()
}

pub fn shapes<'a>(visits: impl Iterator<Item = &'a Visit>) -> Vec<Shape> {
    visits.filter_map(|visit| Shape::of(&visit.fixes)).collect()
}
