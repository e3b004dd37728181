//! Each rule at its limits, and odd input.

use super::*;

const MINUTE: i64 = 60_000_000;

fn place(east_m: f64, north_m: f64) -> Point {
    let (lat, lon) = (50.8, 4.35);
    Point::new(lat + north_m / 111_195.0, lon + east_m / (111_195.0 * f64::to_radians(lat).cos())).expect("here")
}

/// A fix of the nth event, so many microseconds after the first.
fn fix(n: u32, after: i64, east_m: f64, north_m: f64) -> TimedFix {
    let event = match n {
        0 => Event::CheckIn,
        99 => Event::Seal,
        n => Event::Photo(n),
    };
    TimedFix {
        at: place(east_m, north_m),
        accuracy_m: 4.0 + f64::from(n % 5),
        altitude_m: Some(60.0 + f64::from(n % 3)),
        speed_mps: None,
        bearing_deg: None,
        provider: Some(Provider::Gps),
        mock: false,
        taken_at: 1_780_000_000_000_000 + after,
        elapsed_ms: Some(9_000_000 + after / 1000),
        received_at: 1_780_000_002_000_000 + after,
        event,
    }
}

/// Twelve minutes in a store: uneven times, a way that turns.
fn honest() -> Vec<TimedFix> {
    let way =
        [(0, 0.0, 0.0), (95, 12.0, 21.0), (170, 33.0, 24.0), (340, 30.0, -6.0), (431, 8.0, -17.0), (702, 1.0, 3.0)];
    let at = |(n, (secs, east, north)): (u32, &(i64, f64, f64))| fix(n, secs * 1_000_000, *east, *north);
    (0..).zip(&way).map(at).collect()
}

fn level(fixes: &[TimedFix], known: &Known, code: Code) -> Option<Level> {
    judge(fixes, known).into_iter().find(|s| s.code == code).map(|s| s.level)
}

/// The level of `code` after each honest fix was changed.
fn changed(code: Code, change: impl Fn(usize, &mut TimedFix)) -> Option<Level> {
    let mut fixes = honest();
    fixes.iter_mut().enumerate().for_each(|(n, fix)| change(n, fix));
    level(&fixes, &Known::default(), code)
}

const INFO: Option<Level> = Some(Level::Info);
const DOUBT: Option<Level> = Some(Level::Doubt);

#[test]
fn an_honest_visit_has_no_sign_in_any_order() {
    let mut fixes = honest();
    assert_eq!(judge(&fixes, &Known::default()), []);
    fixes.reverse();
    assert_eq!(judge(&fixes, &Known::default()), []);
}

#[test]
fn no_sign_can_do_more_than_raise_a_doubt() {
    for code in CODES {
        assert_eq!(Finding::new(*code, Level::Fail).level, Level::Doubt, "{code}");
    }
    assert!(WEIGHTS.iter().all(|(code, weight)| CODES.contains(code) && *weight < ADD_UP_LIMIT));
}

#[test]
fn a_mock_flag_and_the_point_of_the_map_show() {
    assert_eq!(changed(Code::MockLocation, |n, f| f.mock = n == 3), DOUBT);
    let at = |n: usize| Known { store: honest().get(n).map(|f| f.at), ..Known::default() };
    assert_eq!(level(&honest(), &at(2), Code::PositionIsStore), INFO, "once may be chance");
    let mut fixes = honest();
    fixes[1].at = fixes[2].at;
    assert_eq!(level(&fixes, &at(2), Code::PositionIsStore), DOUBT);
}

#[test]
fn a_frozen_position_is_a_doubt_when_fresh_and_not_only_kept_by_the_phone() {
    let spot = place(0.0, 0.0);
    let frozen = |provider, accuracy_m| {
        changed(Code::PositionFrozen, |_, f| (f.at, f.provider, f.accuracy_m) = (spot, provider, accuracy_m))
    };
    assert_eq!(frozen(Some(Provider::Gps), 5.0), DOUBT);
    assert_eq!(frozen(Some(Provider::Network), 40.0), DOUBT, "twelve minutes");
    let heard = |n: usize, f: &mut TimedFix| {
        (f.at, f.provider, f.accuracy_m) = (spot, Some(Provider::Network), 40.0 + n as f64);
    };
    assert_eq!(changed(Code::PositionFrozen, heard), INFO, "measured anew, each time a little otherwise");
    let brief = |n: usize, f: &mut TimedFix| {
        (f.at, f.provider, f.accuracy_m) = (spot, Some(Provider::Network), 40.0);
        f.elapsed_ms = Some(n as i64 * 119_000);
    };
    assert_eq!(changed(Code::PositionFrozen, brief), INFO, "595 s");
    assert_eq!((frozen(None, 19.9), frozen(None, 20.0)), (DOUBT, INFO));
    let cached = |n: usize, f: &mut TimedFix| {
        f.at = spot;
        f.taken_at -= if n > 1 { f.taken_at - honest()[1].taken_at } else { 0 };
    };
    assert_eq!(changed(Code::PositionFrozen, cached), None, "the last known position sent again");
    let short = |n: usize, f: &mut TimedFix| {
        f.at = spot;
        f.elapsed_ms = Some(n as i64 * 59_000);
    };
    assert_eq!(changed(Code::PositionFrozen, short), None, "295 s");
    assert_eq!(changed(Code::PositionFrozen, |n, f| f.at = place(n as f64 * 0.2, 0.0)), None);
}

#[test]
fn accuracy_and_altitude_have_limits() {
    let accuracy = |m: f64| changed(Code::AccuracyImpossible, |_, f| f.accuracy_m = m);
    assert_eq!((accuracy(0.0), accuracy(0.99), accuracy(1.0), accuracy(1.1)), (DOUBT, DOUBT, DOUBT, None));
    assert_eq!(changed(Code::AccuracyImpossible, |n, f| f.accuracy_m -= if n == 0 { 3.5 } else { 0.0 }), INFO);
    for broken in [f64::NAN, f64::INFINITY, -1.0] {
        let one = |n: usize, f: &mut TimedFix| f.accuracy_m = if n == 0 { broken } else { f.accuracy_m };
        assert_eq!(changed(Code::AccuracyImpossible, one), DOUBT);
    }
    assert_eq!(changed(Code::AccuracyConstant, |_, f| f.accuracy_m = 3.0), INFO, "real phones do");
    let altitude = |m: f64| changed(Code::AltitudeImpossible, |_, f| f.altitude_m = Some(m));
    assert_eq!((altitude(-450.0), altitude(-451.0), altitude(9001.0), altitude(0.0)), (None, DOUBT, DOUBT, DOUBT));
    let network = |_: usize, f: &mut TimedFix| (f.altitude_m, f.provider) = (Some(0.0), Some(Provider::Network));
    assert_eq!(changed(Code::AltitudeImpossible, network), INFO);
    assert_eq!(changed(Code::AltitudeConstant, |_, f| f.altitude_m = Some(61.0)), INFO);
}

#[test]
fn clockwork_and_perfect_lines_show() {
    let every = |secs: i64, late: i64| {
        changed(Code::Clockwork, |n, f| {
            f.elapsed_ms = Some(n as i64 * secs * 1000 + if n == 3 { late } else { 0 });
        })
    };
    assert_eq!((every(60, 0), every(60, 1), every(60, 2), every(60, 5000)), (DOUBT, DOUBT, None, INFO));
    let pace = |off: f64| {
        changed(Code::TrackStraight, |n, f| {
            f.at = place((f.elapsed_ms.unwrap_or(0) - 9_000_000) as f64 / 10_000.0, if n == 2 { off } else { 0.0 });
        })
    };
    assert_eq!((pace(0.0), pace(0.4), pace(0.6)), (DOUBT, DOUBT, None));
    let all = |n: usize, f: &mut TimedFix| f.at = place(n as f64 * 20.0, if n.is_multiple_of(2) { 1.2 } else { -1.2 });
    assert_eq!(changed(Code::TrackStraight, all), None);
}

#[test]
fn jumps_count_beyond_both_discs_and_only_when_nobody_travels_so_fast() {
    let far = |metres: f64| changed(Code::PositionJump, |n, f| f.at = if n == 3 { place(0.0, metres) } else { f.at });
    assert_eq!((far(4000.0), far(9000.0)), (None, DOUBT), "170 s before, 91 s after");
    assert_eq!(changed(Code::PhotoApart, |n, f| f.at = if n == 3 { place(0.0, 450.0) } else { f.at }), None);
    assert_eq!(changed(Code::PhotoApart, |n, f| f.at = if n == 3 { place(0.0, 600.0) } else { f.at }), DOUBT);
    let seal = |n: usize, f: &mut TimedFix| {
        (f.at, f.event) = if n == 5 { (place(0.0, 5000.0), Event::Seal) } else { (f.at, f.event) };
    };
    assert_eq!(changed(Code::PhotoApart, seal), None, "sealed on the way home");
    let first = honest()[0];
    let from = |km: f64, minutes: i64| {
        let at = place(0.0, km * 1000.0);
        travel(Previous { at, accuracy_m: 5.0, taken_at: first.taken_at - minutes * MINUTE }, &first).map(|s| s.level)
    };
    assert_eq!((from(100.0, 60), from(99.0, 30), from(2.0, 0), from(0.2, 0)), (None, DOUBT, DOUBT, None));
    assert_eq!((from(30.0, 16), from(40.0, 16)), (None, DOUBT), "by road");
    assert_eq!((from(200.0, 60), from(299.0, 60)), (None, DOUBT), "by rail");
    assert_eq!((from(1000.0, 90), from(1000.0, 30)), (None, DOUBT), "by plane");
}

#[test]
fn photos_speed_and_noise_must_fit() {
    let claim = |metres: f64| {
        let photos = [PhotoClaim { number: 2, at: Some(place(33.0, 24.0 + metres)), taken_at: None }];
        level(&honest(), &Known { photos: &photos, ..Known::default() }, Code::PhotoElsewhere)
    };
    assert_eq!((claim(290.0), claim(600.0), claim(1100.0)), (None, INFO, DOUBT));
    let nowhere = [PhotoClaim { number: 2, at: Point::new(0.0, 0.0), taken_at: None }];
    assert_eq!(judge(&honest(), &Known { photos: &nowhere, ..Known::default() }), [], "phones write 0, 0");
    let burst = |step: f64| -> Vec<TimedFix> {
        let each = |n: u32| (0..3).map(move |k| (n, k));
        let wave = |n: u32, k: i64| if (k + i64::from(n)) % 2 == 0 { step } else { -step };
        let one = |(n, k): (u32, i64)| fix(n, i64::from(n * n) * 20_000_000 + k * 1_000_000, wave(n, k), 0.0);
        (0..6).flat_map(each).map(one).collect()
    };
    assert_eq!(level(&burst(2.0), &Known::default(), Code::PositionNoise), DOUBT);
    assert_eq!(level(&burst(0.1), &Known::default(), Code::PositionNoise), None, "rounding");
    assert_eq!(level(&burst(8.0), &Known::default(), Code::MovementConflict), DOUBT);
    let mut riding = burst(0.3);
    riding.iter_mut().for_each(|f| f.speed_mps = Some(60.0));
    assert_eq!(level(&riding, &Known::default(), Code::MovementConflict), DOUBT, "fast, and does not move");
}

#[test]
fn equal_fixes_and_shared_phones_are_counted() {
    let known = |same_fixes, device_accounts| Known { same_fixes, device_accounts, ..Known::default() };
    let of = |known: &Known, code| level(&honest(), known, code);
    assert_eq!((of(&known(1, 0), Code::FixShared), of(&known(2, 0), Code::FixShared)), (INFO, DOUBT));
    assert_eq!((of(&known(0, 1), Code::DeviceShared), of(&known(0, 2), Code::DeviceShared)), (INFO, DOUBT));
    let (one, network) = (honest()[0], TimedFix { provider: Some(Provider::Network), ..honest()[0] });
    assert!(one.fingerprint().is_some() && one.fingerprint() != honest()[1].fingerprint());
    assert_eq!(network.fingerprint(), None, "the same for everybody");
}

#[test]
fn clocks_are_held_against_the_server_and_against_themselves() {
    let clock = |ahead: i64| changed(Code::PhoneClock, |_, f| f.received_at = f.taken_at - ahead * 1_000_000);
    assert_eq!((clock(120), clock(121), clock(601), clock(-43_200)), (None, INFO, DOUBT, DOUBT), "12 h late, live");
    let batch = changed(Code::PhoneClock, |_, f| f.received_at = 1_780_050_000_000_000);
    assert_eq!(batch, None, "sent when there was network again");
    let first = honest()[0];
    let anchored = |secs: i64| {
        let reserved_elapsed_ms = first.elapsed_ms.map(|ms| ms - 600_000);
        let reserved_at = Some(first.taken_at - (600 + secs) * 1_000_000);
        level(&honest(), &Known { reserved_at, reserved_elapsed_ms, ..Known::default() }, Code::PhoneClock)
    };
    assert_eq!((anchored(0), anchored(300), anchored(700), anchored(-700)), (None, INFO, DOUBT, DOUBT));
    let step = |secs: i64| changed(Code::ClockChanged, |n, f| f.taken_at -= if n > 2 { secs * 1_000_000 } else { 0 });
    assert_eq!((step(10), step(60), step(3600), step(-3600)), (None, INFO, DOUBT, DOUBT));
    let restart =
        |n: usize, f: &mut TimedFix| f.elapsed_ms = f.elapsed_ms.map(|ms| ms - if n > 2 { 8_900_000 } else { 0 });
    assert_eq!(changed(Code::ClockChanged, restart), None);
}

#[test]
fn small_signs_add_up() {
    let four = |_: usize, f: &mut TimedFix| (f.accuracy_m, f.altitude_m) = (5.0, Some(61.0));
    assert_eq!(changed(Code::SignsAddUp, four), None);
    let mut fixes = honest();
    fixes.iter_mut().enumerate().for_each(|(n, f)| four(n, f));
    let known = Known { same_fixes: 1, device_accounts: 1, ..Known::default() };
    assert_eq!(level(&fixes, &known, Code::SignsAddUp), DOUBT);
}

#[test]
fn odd_input_never_panics_and_gives_finite_numbers() {
    let mut odd: Vec<TimedFix> = honest();
    let corners = [(90.0, 0.0), (-90.0, 180.0), (0.0, -180.0), (0.0, 180.0), (-17.0, 179.9999), (-17.0, -179.9999)];
    let times = [0, i64::MIN, i64::MAX, -1, 5, 5];
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e308, -1e308];
    for (n, f) in odd.iter_mut().enumerate() {
        f.at = Point::new(corners[n].0, corners[n].1).expect("on the globe");
        (f.accuracy_m, f.altitude_m, f.speed_mps, f.bearing_deg) =
            (numbers[n], Some(numbers[5 - n]), Some(numbers[n]), Some(numbers[5 - n]));
        (f.taken_at, f.elapsed_ms, f.received_at) = (times[n], Some(times[5 - n]), times[n]);
    }
    let photos = [PhotoClaim { number: 1, at: Point::new(90.0, 0.0), taken_at: Some(i64::MIN) }];
    let previous = Some(Previous { at: place(0.0, 0.0), accuracy_m: f64::NAN, taken_at: i64::MAX });
    let (reserved_at, reserved_elapsed_ms) = (Some(i64::MIN), Some(i64::MAX));
    let known = Known { photos: &photos, previous, reserved_at, reserved_elapsed_ms, ..Known::default() };
    for count in 0..=odd.len() {
        for wall in [false, true] {
            let fixes: Vec<TimedFix> =
                odd[..count].iter().map(|f| TimedFix { elapsed_ms: f.elapsed_ms.filter(|_| wall), ..*f }).collect();
            let found = judge(&fixes, &known);
            assert!(found.iter().all(|f| f.value.is_some() && f.limit.is_some() && f.level <= Level::Doubt));
        }
    }
    assert!(judge(&vec![honest()[0]; 40], &Known::default()).iter().all(|s| s.level == Level::Info));
    assert_eq!(judge(&[], &Known::default()), []);
    let line: Vec<TimedFix> = (0..4)
        .map(|n| TimedFix {
            at: Point::new(-17.0, if n % 2 == 0 { 179.9999 } else { -179.9999 }).expect("here"),
            ..fix(n, i64::from(n * n) * MINUTE, 0.0, 0.0)
        })
        .collect();
    assert_eq!(judge(&line, &Known::default()), [], "21 m over the date line");
}
