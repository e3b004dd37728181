//! Signs that the positions of a visit were made up: what receivers, phones and people do not do. A visit sends a few
//! timed fixes, no track. Every sign is information or a doubt that a person looks at; nothing here refuses work, and a
//! careful copy of a real, fresh walk shows no sign at all.

mod shape;

pub use self::shape::{LIKENESS, Shape};
use super::finding::{Code, Finding, Level};
use super::place::Point;

/// Version of the table and the limits below: the same fixes and the same version give the same signals.
pub const RULE_VERSION: &str = "signals-2";

text_enum! {
    /// What on the phone says that it made the position.
    Provider { Gps = "gps", Network = "network", Fused = "fused", Other = "other" }
}

/// What of the visit a fix was sent with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    CheckIn,
    Photo(u32),
    Seal,
}

/// One position with all that the phone said about it. Metres, metres per second, degrees clockwise from north.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimedFix {
    pub at: Point,
    pub accuracy_m: f64,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub bearing_deg: Option<f64>,
    pub provider: Option<Provider>,
    pub mock: bool,
    /// When it was measured, microseconds by the phone's clock.
    pub taken_at: i64,
    /// When it was measured, milliseconds since the phone was started.
    pub elapsed_ms: Option<i64>,
    /// Microseconds by the server's clock.
    pub received_at: i64,
    pub event: Event,
}

impl TimedFix {
    /// Whether it claims to come from satellites: those positions wander, while network positions repeat by nature.
    fn is_sharp(&self) -> bool {
        match self.provider {
            Some(Provider::Gps) => true,
            Some(Provider::Network) => false,
            _ => self.accuracy_m < SHARP_M,
        }
    }

    /// Equal for two fixes that agree in every digit (FNV-1a); to be stored and looked up among other visits' fixes.
    /// `None` for network positions, which are the same for everybody near the same access points.
    pub fn fingerprint(&self) -> Option<u64> {
        let hash = [self.at.lat(), self.at.lon(), self.accuracy_m, self.altitude_m.unwrap_or(0.0)]
            .iter()
            .flat_map(|n| n.to_bits().to_be_bytes())
            .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        self.is_sharp().then_some(hash)
    }
}

/// Where and when another visit of the worker ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Previous {
    pub at: Point,
    pub accuracy_m: f64,
    /// Microseconds by the phone's clock.
    pub taken_at: i64,
}

/// What the file of one photo says. `at` and `taken_at` (microseconds) as in EXIF.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PhotoClaim {
    pub number: u32,
    pub at: Option<Point>,
    pub taken_at: Option<i64>,
}

/// What the server knows besides the fixes. Everything may be absent.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Known<'a> {
    /// The store as the directory, and therefore the worker's app, gives it.
    pub store: Option<Point>,
    /// When the reservation was made, microseconds by the server's clock.
    pub reserved_at: Option<i64>,
    /// The phone's monotonic clock at that moment, as in [`TimedFix::elapsed_ms`]: gives the true time of every fix.
    pub reserved_elapsed_ms: Option<i64>,
    pub previous: Option<Previous>,
    /// Shapes of earlier visits: all of the same store and all of the same worker.
    pub shapes: &'a [Shape],
    /// How many fixes of this visit have the fingerprint of a fix of another visit.
    pub same_fixes: usize,
    /// How many other accounts used this device lately.
    pub device_accounts: usize,
    pub photos: &'a [PhotoClaim],
}

/// Codes of [`judge`] that no other rule makes; `MOCK_LOCATION` is made by [`super::visit`].
pub const CODES: &[Code] = &[
    Code::PositionFrozen,
    Code::PositionIsStore,
    Code::AccuracyImpossible,
    Code::AccuracyConstant,
    Code::AltitudeImpossible,
    Code::AltitudeConstant,
    Code::Clockwork,
    Code::TrackStraight,
    Code::TrackReplayed,
    Code::PositionJump,
    Code::TravelImpossible,
    Code::PhotoApart,
    Code::PhotoElsewhere,
    Code::MovementConflict,
    Code::PositionNoise,
    Code::FixShared,
    Code::DeviceShared,
    Code::PhoneClock,
    Code::ClockChanged,
    Code::SignsAddUp,
];

/// What an `info` of a code adds; a visit whose signs reach [`ADD_UP_LIMIT`] together is a doubt.
const WEIGHTS: &[(Code, u32)] = &[
    (Code::PositionIsStore, 2),
    (Code::AccuracyImpossible, 2),
    (Code::AccuracyConstant, 1),
    (Code::AltitudeImpossible, 1),
    (Code::AltitudeConstant, 1),
    (Code::Clockwork, 1),
    (Code::PhotoApart, 1),
    (Code::PhotoElsewhere, 1),
    (Code::MovementConflict, 1),
    (Code::FixShared, 1),
    (Code::DeviceShared, 1),
    (Code::PhoneClock, 1),
    (Code::ClockChanged, 1),
];

// Limits. Chosen on the files that `eval::tracks` calls "choose", never on those it calls "test".

/// Weights that make a doubt together.
pub const ADD_UP_LIMIT: u32 = 4;
/// A position this exact is one from satellites, whoever claims to have made it, in metres.
const SHARP_M: f64 = 20.0;
/// A position that stays within this is frozen, in metres.
const FROZEN_M: f64 = 0.5;
/// And for so long, in seconds: phones hold a position while they lie still or see no sky.
const FROZEN_SECS: f64 = 300.0;
/// The same where the phone does not say that satellites made the position: clients repeat what they last had, and
/// network positions repeat where a worker hears the same access points, but not through a whole visit.
const HELD_SECS: f64 = 600.0;
/// Two positions closer than this are one, in metres: seven digits of a degree.
const SAME_M: f64 = 0.15;
/// Deviation from a line walked at even pace that no receiver keeps, in metres.
const STRAIGHT_M: f64 = 0.5;
const STRAIGHT_LENGTH_M: f64 = 20.0;
const STRAIGHT_SECS: f64 = 30.0;
/// The same for steps of a second or so, which are longer than this, in metres.
const EVEN_M: f64 = 0.05;
const EVEN_STEP_M: f64 = 0.1;
/// Below this gap a jump is a receiver's error, in metres; network positions leave their own disc.
const JUMP_M: f64 = 250.0;
const JUMP_MPS: f64 = 50.0;
/// Fastest way to the next visit, from door to door, metres per second: by road; beyond [`RAIL_M`] by a fast train, and
/// beyond [`FLIGHT_M`] in the air.
const ROAD_MPS: f64 = 33.0;
const RAIL_MPS: f64 = 80.0;
const RAIL_M: f64 = 100_000.0;
const FLIGHT_MPS: f64 = 250.0;
const FLIGHT_M: f64 = 300_000.0;
/// A large store with its car park, in metres.
const APART_M: f64 = 500.0;
/// EXIF keeps the camera's last position, in metres.
const ELSEWHERE_INFO_M: f64 = 300.0;
const ELSEWHERE_M: f64 = 1000.0;
/// What a receiver's error does within one event, in metres, and a walking person besides, in metres per second.
const WOBBLE_M: f64 = 5.0;
const WOBBLE_MPS: f64 = 1.5;
/// Change within seconds, as part of the change over the visit, that only added noise has; pairs that it takes to say
/// so; and the least spread that is no rounding, in metres.
const NOISE: f64 = 0.6;
const ENOUGH_PAIRS: usize = 4;
const NOISE_M: f64 = 0.5;
/// Events that say something about regularity.
const ENOUGH_EVENTS: usize = 5;
/// Fixes that say something about constancy.
const ENOUGH_FIXES: usize = 5;
const CLOCK_INFO_SECS: f64 = 120.0;
const CLOCK_SECS: f64 = 600.0;
/// Delays of live deliveries differ by no more, in seconds.
const STEADY_SECS: f64 = 60.0;
const CHANGED_INFO_SECS: f64 = 10.0;
const CHANGED_SECS: f64 = 120.0;

/// A fix on a plane around the first one, with its time; in order of time, without repeated deliveries.
#[derive(Clone, Copy)]
struct Step<'a> {
    fix: &'a TimedFix,
    secs: f64,
    east: f64,
    north: f64,
}

impl Step<'_> {
    fn to(&self, other: &Step) -> f64 {
        self.fix.at.metres_to(other.fix.at)
    }

    /// Metres between two discs; each is taken as twice what the phone claims, because a third of the positions lie
    /// outside of it.
    fn gap(&self, other: &Step) -> f64 {
        let disc = |fix: &TimedFix| if fix.accuracy_m.is_finite() { fix.accuracy_m.max(0.0) } else { 0.0 };
        self.to(other) - 2.0 * (disc(self.fix) + disc(other.fix))
    }
}

/// Metres east and north of `origin`, on a plane that touches it; the short way over the date line.
fn plane(origin: Point, at: Point) -> (f64, f64) {
    const METRES_PER_DEGREE: f64 = 111_195.0;
    let wide = (at.lon() - origin.lon() + 540.0).rem_euclid(360.0) - 180.0;
    (wide * METRES_PER_DEGREE * origin.lat().to_radians().cos(), (at.lat() - origin.lat()) * METRES_PER_DEGREE)
}

/// Whether the monotonic clock began anew between two fixes.
fn is_restarted(fixes: &[TimedFix]) -> bool {
    let mut sent: Vec<&TimedFix> = fixes.iter().filter(|fix| fix.elapsed_ms.is_some()).collect();
    sent.sort_by_key(|fix| (fix.event, fix.elapsed_ms));
    sent.windows(2).any(|w| w[1].elapsed_ms < w[0].elapsed_ms && w[1].taken_at > w[0].taken_at)
}

/// By the monotonic clock when every fix has it and the phone was not restarted in between, else by the wall clock.
fn steps(fixes: &[TimedFix]) -> Vec<Step<'_>> {
    let Some(first) = fixes.first() else { return Vec::new() };
    let monotonic = fixes.iter().all(|fix| fix.elapsed_ms.is_some()) && !is_restarted(fixes);
    let secs = |fix: &TimedFix| match fix.elapsed_ms {
        Some(ms) if monotonic => ms as f64 / 1e3,
        _ => fix.taken_at as f64 / 1e6,
    };
    let mut steps: Vec<Step> = fixes
        .iter()
        .map(|fix| {
            let (east, north) = plane(first.at, fix.at);
            Step { fix, secs: secs(fix), east, north }
        })
        .collect();
    steps.sort_by(|a, b| a.secs.total_cmp(&b.secs).then(a.fix.event.cmp(&b.fix.event)));
    steps.dedup_by(|b, a| a.fix.at == b.fix.at && a.fix.taken_at == b.fix.taken_at && a.secs == b.secs);
    steps
}

/// The first step of each event, in order of time.
fn first_of_events<'a>(steps: &[Step<'a>]) -> Vec<Step<'a>> {
    let mut seen: Vec<Event> = Vec::new();
    let mut firsts = Vec::new();
    for step in steps {
        if !seen.contains(&step.fix.event) {
            seen.push(step.fix.event);
            firsts.push(*step);
        }
    }
    firsts
}

/// Judges the fixes of one visit, in any order. At most one signal of each code, in the order of the table. Never more
/// than a doubt; no fixes, no signals but those about the device and the photos.
pub fn judge(fixes: &[TimedFix], known: &Known) -> Vec<Finding> {
    let steps = steps(fixes);
    let events = first_of_events(&steps);
    let mut found: Vec<Finding> = [
        mock(&steps),
        frozen(&steps, events.len()),
        is_store(&steps, known),
        accuracy_impossible(&steps),
        accuracy_constant(&steps, events.len()),
        altitude_impossible(&steps, events.len()),
        altitude_constant(&steps, events.len()),
        clockwork(&events),
        straight(&steps),
        replayed(fixes, known),
        jump(&steps),
        known.previous.and_then(|previous| travel(previous, fixes.iter().min_by_key(|fix| fix.taken_at)?)),
        apart(&events),
        elsewhere(fixes, known),
        movement(&steps),
        noise(&steps),
        shared_fixes(known),
        shared_device(known),
        phone_clock(fixes, known),
        clock_changed(fixes),
    ]
    .into_iter()
    .flatten()
    .collect();
    let weight =
        |finding: &Finding| WEIGHTS.iter().find(|(code, _)| *code == finding.code).map_or(0, |(_, weight)| *weight);
    let small = found.iter().all(|finding| finding.level == Level::Info);
    let sum: u32 = found.iter().map(weight).sum();
    if small && sum >= ADD_UP_LIMIT {
        let names: Vec<&str> = found.iter().filter(|f| weight(f) > 0).map(|f| f.code.as_str()).collect();
        let all = signal(Code::SignsAddUp, true, f64::from(sum), f64::from(ADD_UP_LIMIT));
        found.push(all.about(&names.join(", ")));
    }
    found
}

fn signal(code: Code, doubt: bool, value: f64, limit: f64) -> Finding {
    let finite = |n: f64| if n.is_finite() { n } else { 0.0 };
    let level = if doubt { Level::Doubt } else { Level::Info };
    Finding::new(code, level).measured(finite(value), finite(limit))
}

fn share(steps: &[Step], is: impl Fn(&TimedFix) -> bool) -> f64 {
    steps.iter().filter(|s| is(s.fix)).count() as f64 / steps.len().max(1) as f64
}

fn mock(steps: &[Step]) -> Option<Finding> {
    let count = steps.iter().filter(|s| s.fix.mock).count();
    (count > 0).then(|| signal(Code::MockLocation, true, count as f64, 0.0))
}

/// All positions of the visit lie on one spot though they were measured anew. A doubt when they claim to come from
/// satellites, or all of them from the network with one accuracy; a position kept by the phone is information.
fn frozen(steps: &[Step], events: usize) -> Option<Finding> {
    let (first, last) = (steps.first()?, steps.last()?);
    let secs = last.secs - first.secs;
    let still = steps.iter().all(|s| first.to(s) <= FROZEN_M);
    // A phone that sends its last known position again sends its time again.
    let fresh = steps.windows(2).filter(|w| w[0].fix.taken_at != w[1].fix.taken_at).count() + 1;
    (still && events >= 3 && secs >= FROZEN_SECS && fresh >= 3).then(|| {
        let sharp = share(steps, TimedFix::is_sharp) > 0.5;
        let gps = share(steps, |fix| fix.provider == Some(Provider::Gps)) > 0.5;
        let one = first.fix.accuracy_m;
        let network = steps.iter().all(|s| s.fix.provider == Some(Provider::Network) && s.fix.accuracy_m == one);
        let limit = if gps { FROZEN_SECS } else { HELD_SECS };
        signal(Code::PositionFrozen, (sharp || network) && secs >= limit, secs, limit)
    })
}

fn is_store(steps: &[Step], known: &Known) -> Option<Finding> {
    let store = known.store?;
    let count = steps.iter().filter(|s| s.fix.at.metres_to(store) <= SAME_M).count();
    (count > 0).then(|| signal(Code::PositionIsStore, count > 1, count as f64, 1.0))
}

fn accuracy_impossible(steps: &[Step]) -> Option<Finding> {
    let odd = |fix: &TimedFix| !fix.accuracy_m.is_finite() || fix.accuracy_m < 1.0;
    let broken = steps.iter().any(|s| !s.fix.accuracy_m.is_finite() || s.fix.accuracy_m < 0.0);
    let ones = steps.len() >= 3 && steps.iter().all(|s| s.fix.accuracy_m == 1.0);
    let part = if ones { 1.0 } else { share(steps, odd) };
    let text = if ones { "1 m" } else { "< 1 m" };
    (part > 0.0).then(|| signal(Code::AccuracyImpossible, broken || part >= 0.5, part, 0.5).about(text))
}

/// Chips give whole steps, and real visits under open sky often have one value only: never a doubt by itself.
fn accuracy_constant(steps: &[Step], events: usize) -> Option<Finding> {
    let one = steps.first()?.fix.accuracy_m;
    let constant = steps.iter().all(|s| s.fix.accuracy_m == one && s.fix.is_sharp());
    (constant && steps.len() >= ENOUGH_FIXES && events >= 3).then(|| signal(Code::AccuracyConstant, false, one, 0.0))
}

fn altitude_impossible(steps: &[Step], events: usize) -> Option<Finding> {
    let out = |fix: &TimedFix| fix.altitude_m.is_some_and(|m| !(-450.0..=9000.0).contains(&m));
    let part = share(steps, out);
    if part > 0.0 {
        return Some(signal(Code::AltitudeImpossible, part >= 0.5, part, 0.5).about("-450 .. 9000 m"));
    }
    // Clients write 0 where a network position has no height; a receiver's height is never exactly 0 all the time.
    let zero = steps.iter().all(|s| s.fix.altitude_m == Some(0.0)) && steps.len() >= ENOUGH_FIXES && events >= 3;
    let gps = share(steps, |fix| fix.provider == Some(Provider::Gps)) > 0.5;
    zero.then(|| signal(Code::AltitudeImpossible, gps, 1.0, 0.5).about("0 m"))
}

fn altitude_constant(steps: &[Step], events: usize) -> Option<Finding> {
    let one = steps.first()?.fix.altitude_m?;
    let constant = one != 0.0 && steps.iter().all(|s| s.fix.altitude_m == Some(one) && s.fix.is_sharp());
    (constant && steps.len() >= ENOUGH_FIXES && events >= 3).then(|| signal(Code::AltitudeConstant, false, one, 0.0))
}

/// People do not take photos at equal intervals. Receivers measure at whole seconds, so a common step of some seconds
/// alone is information.
fn clockwork(events: &[Step]) -> Option<Finding> {
    if events.len() < ENOUGH_EVENTS {
        return None;
    }
    let gaps: Vec<i64> =
        events.windows(2).map(|w| ((w[1].secs - w[0].secs) * 1e3).round() as i64).filter(|ms| *ms > 0).collect();
    let first = *gaps.first()?;
    if gaps.len() + 1 < events.len() || first < 1000 {
        return None;
    }
    if gaps.iter().all(|ms| (ms - first).abs() <= 1) {
        return Some(signal(Code::Clockwork, true, first as f64 / 1e3, 0.0));
    }
    let step = gaps.iter().fold(0, |a, b| gcd(a, *b));
    (gaps.len() >= ENOUGH_EVENTS && step >= 5000).then(|| signal(Code::Clockwork, false, step as f64 / 1e3, 5.0))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Metres between a step and where an even pace from `a` to `b` puts it.
fn off_line(a: &Step, step: &Step, b: &Step) -> f64 {
    let part = if b.secs > a.secs { (step.secs - a.secs) / (b.secs - a.secs) } else { 0.0 };
    let (east, north) = (a.east + (b.east - a.east) * part, a.north + (b.north - a.north) * part);
    (step.east - east).hypot(step.north - north)
}

/// Five or more positions in a row that lie where an even pace on one line puts them; or, within events, steps so even
/// that no receiver's error is in them.
fn straight(steps: &[Step]) -> Option<Finding> {
    // Within one event even a real receiver runs nearly straight.
    let mut apart: Vec<Step> = Vec::new();
    for step in steps {
        if apart.last().is_none_or(|last| step.secs - last.secs >= 5.0) {
            apart.push(*step);
        }
    }
    let off = |run: &[Step]| {
        let (a, b) = (run.first()?, run.last()?);
        let long = b.secs - a.secs >= STRAIGHT_SECS && a.to(b) >= STRAIGHT_LENGTH_M;
        long.then(|| run.iter().map(|s| off_line(a, s, b)).fold(0.0, f64::max))
    };
    let line = apart.windows(ENOUGH_FIXES).filter_map(off).min_by(f64::total_cmp);
    if let Some(best) = line.filter(|off| *off <= STRAIGHT_M) {
        return Some(signal(Code::TrackStraight, true, best, STRAIGHT_M));
    }
    let moving = |w: &&[Step]| {
        let pace = |a: &Step, b: &Step| (0.2..=5.0).contains(&(b.secs - a.secs)) && a.to(b) >= EVEN_STEP_M;
        pace(&w[0], &w[1]) && pace(&w[1], &w[2])
    };
    let offs: Vec<f64> = steps.windows(3).filter(moving).map(|w| off_line(&w[0], &w[1], &w[2])).collect();
    let worst = offs.iter().copied().fold(0.0, f64::max);
    (offs.len() >= 3 && worst <= EVEN_M).then(|| signal(Code::TrackStraight, true, worst, EVEN_M))
}

fn replayed(fixes: &[TimedFix], known: &Known) -> Option<Finding> {
    let own = Shape::of(fixes)?;
    let best = known.shapes.iter().filter_map(|earlier| own.likeness(earlier)).max_by(f64::total_cmp)?;
    (best >= LIKENESS).then(|| signal(Code::TrackReplayed, true, best, LIKENESS))
}

fn jump(steps: &[Step]) -> Option<Finding> {
    let over = |w: &[Step]| {
        let gap = w[0].gap(&w[1]);
        (gap > JUMP_M && gap / (w[1].secs - w[0].secs).max(1.0) > JUMP_MPS).then_some(gap)
    };
    let worst = steps.windows(2).filter_map(over).max_by(f64::total_cmp)?;
    Some(signal(Code::PositionJump, true, worst, JUMP_M))
}

/// Whether the way from the last fix of the worker's visit before to the first one of this visit can be travelled.
/// Either may be the earlier one: two missions of one store may overlap.
pub fn travel(previous: Previous, first: &TimedFix) -> Option<Finding> {
    let far = previous.at.metres_to(first.at);
    let disc = |m: f64| if m.is_finite() { 2.0 * m.max(0.0) } else { 0.0 };
    let gap = far - disc(previous.accuracy_m) - disc(first.accuracy_m);
    let secs = (first.taken_at as f64 - previous.taken_at as f64).abs() / 1e6;
    let fastest = match far {
        _ if far > FLIGHT_M => FLIGHT_MPS,
        _ if far > RAIL_M => RAIL_MPS,
        _ => ROAD_MPS,
    };
    let reach = JUMP_M + fastest * secs;
    (gap > reach).then(|| signal(Code::TravelImpossible, true, far, reach))
}

/// A photo away from the check-in, or from the photos before and after it. The seal may be made on the way home.
fn apart(events: &[Step]) -> Option<Finding> {
    let on_site: Vec<&Step> = events.iter().filter(|s| s.fix.event != Event::Seal).collect();
    let start = on_site.iter().find(|s| s.fix.event == Event::CheckIn);
    let far = |n: usize| {
        let own = on_site.get(n)?;
        let from_start = start.map_or(0.0, |start| start.gap(own));
        let beside = [n.checked_sub(1), n.checked_add(1)].into_iter().flatten().filter_map(|m| on_site.get(m));
        let from_beside = beside.map(|other| other.gap(own)).min_by(f64::total_cmp).unwrap_or(0.0);
        Some(from_start.max(from_beside))
    };
    let worst = (0..on_site.len()).filter_map(far).max_by(f64::total_cmp)?;
    (worst > APART_M).then(|| signal(Code::PhotoApart, true, worst, APART_M))
}

/// A photo whose file names another place than the fix of the photo, or else the one nearest in time.
fn elsewhere(fixes: &[TimedFix], known: &Known) -> Option<Finding> {
    let gap = |photo: &PhotoClaim| {
        // Phones without a position write 0, 0.
        let at = photo.at.filter(|p| p.lat() != 0.0 || p.lon() != 0.0)?;
        let own = fixes.iter().filter(|fix| fix.event == Event::Photo(photo.number));
        let near = || fixes.iter().min_by_key(|fix| photo.taken_at.map(|t| fix.taken_at.abs_diff(t)));
        let gap = |fix: &TimedFix| at.metres_to(fix.at) - 2.0 * fix.accuracy_m.max(0.0);
        let own = own.map(gap).filter(|m| m.is_finite()).min_by(f64::total_cmp);
        own.or_else(|| near().map(gap).filter(|m| m.is_finite()))
    };
    let worst = known.photos.iter().filter_map(gap).max_by(f64::total_cmp)?;
    (worst > ELSEWHERE_INFO_M).then(|| signal(Code::PhotoElsewhere, worst > ELSEWHERE_M, worst, ELSEWHERE_M))
}

/// Positions within seconds of each other that move more, less or elsewhere than the phone's own speed says; without
/// speeds, positions that jump to and fro: a receiver's error drifts, noise that was added does not.
fn movement(steps: &[Step]) -> Option<Finding> {
    let close = |a: &Step, b: &Step| {
        let secs = b.secs - a.secs;
        let exact = |s: &Step| s.fix.is_sharp() && s.fix.accuracy_m <= 30.0;
        (0.2..=10.0).contains(&secs) && exact(a) && exact(b)
    };
    let (mut tested, mut odd) = (0, 0);
    for w in steps.windows(2).filter(|w| close(&w[0], &w[1])) {
        let (a, b) = (&w[0], &w[1]);
        let Some((v, u)) = a.fix.speed_mps.zip(b.fix.speed_mps).filter(|(v, u)| v.is_finite() && u.is_finite()) else {
            continue;
        };
        let (secs, moved) = (b.secs - a.secs, a.to(b));
        let turned = b.fix.bearing_deg.filter(|_| v.min(u) > 2.0 && moved > 3.0 * WOBBLE_M).map(|bearing| {
            let way = (b.east - a.east).atan2(b.north - a.north).to_degrees();
            ((bearing - way + 540.0).rem_euclid(360.0) - 180.0).abs()
        });
        let too_far = moved > (v.max(u) + WOBBLE_MPS) * secs + WOBBLE_M;
        let too_near = moved + 2.0 * WOBBLE_M < 0.3 * v.min(u) * secs;
        tested += 1;
        odd += usize::from(too_far || too_near || turned.is_some_and(|off| off > 120.0));
    }
    for w in steps.windows(3).filter(|w| close(&w[0], &w[1]) && close(&w[1], &w[2])) {
        let (a, b, c) = (&w[0], &w[1], &w[2]);
        if a.fix.speed_mps.is_some() && b.fix.speed_mps.is_some() {
            continue;
        }
        let (before, after) = (b.secs - a.secs, c.secs - b.secs);
        tested += 1;
        odd += usize::from(off_line(a, b, c) > WOBBLE_M + WOBBLE_MPS * before * after);
    }
    (odd > 0).then(|| signal(Code::MovementConflict, odd >= 3 && odd * 4 >= tested, odd as f64, 3.0))
}

/// A receiver's error drifts: within seconds it changes far less than over the visit. Noise that a program adds changes
/// as much from second to second as from photo to photo.
fn noise(steps: &[Step]) -> Option<Finding> {
    let sharp: Vec<Step> = steps.iter().copied().filter(|s| s.fix.is_sharp()).collect();
    let close = |w: &&[Step]| (0.2..=5.0).contains(&(w[1].secs - w[0].secs)) && w[0].fix.event == w[1].fix.event;
    let square = |w: &[Step]| (w[1].east - w[0].east).powi(2) + (w[1].north - w[0].north).powi(2);
    let within: Vec<f64> = sharp.windows(2).filter(close).map(square).collect();
    let n = sharp.len() as f64;
    let mean = |of: fn(&Step) -> f64| sharp.iter().map(of).sum::<f64>() / n;
    let (east, north) = (mean(|s| s.east), mean(|s| s.north));
    let whole = sharp.iter().map(|s| (s.east - east).powi(2) + (s.north - north).powi(2)).sum::<f64>() / (n - 1.0);
    if within.len() < ENOUGH_PAIRS || whole.sqrt() < NOISE_M {
        return None;
    }
    // Independent errors differ by twice their variance.
    let ratio = (within.iter().sum::<f64>() / within.len() as f64 / 2.0 / whole).sqrt();
    (ratio > NOISE).then(|| signal(Code::PositionNoise, true, ratio, NOISE))
}

/// One equal fix may be chance in a busy store; several are a copy.
fn shared_fixes(known: &Known) -> Option<Finding> {
    let same = known.same_fixes;
    (same > 0).then(|| signal(Code::FixShared, same >= 2, same as f64, 2.0))
}

/// A family may share a phone: one other account is information.
fn shared_device(known: &Known) -> Option<Finding> {
    let others = known.device_accounts;
    (others > 0).then(|| signal(Code::DeviceShared, others >= 2, others as f64, 2.0))
}

/// The phone's clock against the server's: a fix from the future or from before the reservation; a fix at another time
/// than the monotonic clock says since the reservation; a delay that is the same for every event while they come in one
/// by one. Else a late fix says nothing: phones send when they have network.
fn phone_clock(fixes: &[TimedFix], known: &Known) -> Option<Finding> {
    let late = |fix: &TimedFix| (fix.received_at as f64 - fix.taken_at as f64) / 1e6;
    let restarted = is_restarted(fixes);
    let off = |fix: &TimedFix| {
        let reserved = known.reserved_at? as f64 / 1e6;
        let wall = fix.taken_at as f64 / 1e6 - reserved;
        let elapsed = known.reserved_elapsed_ms.zip(fix.elapsed_ms).map(|(a, b)| (b as f64 - a as f64) / 1e3);
        let anchored = elapsed.filter(|secs| !restarted && *secs >= 0.0).map_or(0.0, |secs| (wall - secs).abs());
        Some(anchored.max(-wall))
    };
    let least = fixes.iter().map(late).min_by(f64::total_cmp)?;
    let most = fixes.iter().map(late).max_by(f64::total_cmp)?;
    let (first, last) = (fixes.iter().map(|f| f.received_at).min()?, fixes.iter().map(|f| f.received_at).max()?);
    let one_by_one = fixes.len() >= 3 && last as f64 - first as f64 >= CLOCK_INFO_SECS * 1e6;
    let steady = if one_by_one && most - least <= STEADY_SECS { least } else { 0.0 };
    let worst = fixes.iter().filter_map(off).fold((-least).max(steady), f64::max);
    (worst > CLOCK_INFO_SECS).then(|| signal(Code::PhoneClock, worst > CLOCK_SECS, worst, CLOCK_SECS))
}

/// Wall clock against monotonic clock. Satellites and the phone may differ for the whole visit, so that only fixes of
/// one provider are compared; a restart begins anew.
fn clock_changed(fixes: &[TimedFix]) -> Option<Finding> {
    let mut timed: Vec<&TimedFix> = fixes.iter().filter(|fix| fix.elapsed_ms.is_some()).collect();
    timed.sort_by_key(|fix| (fix.provider, fix.received_at, fix.event, fix.elapsed_ms));
    let drift = |w: &[&TimedFix]| {
        let elapsed = w[1].elapsed_ms? as f64 / 1e3 - w[0].elapsed_ms? as f64 / 1e3;
        let wall = (w[1].taken_at as f64 - w[0].taken_at as f64) / 1e6;
        (w[0].provider == w[1].provider && !(elapsed < 0.0 && wall > 0.0)).then(|| (wall - elapsed).abs())
    };
    let worst = timed.windows(2).filter_map(drift).max_by(f64::total_cmp)?;
    (worst > CHANGED_INFO_SECS).then(|| signal(Code::ClockChanged, worst > CHANGED_SECS, worst, CHANGED_SECS))
}

#[cfg(test)]
mod tests;
