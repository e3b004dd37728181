//! Rounds against exact answers, an independent replay, and odd questions.

use super::*;

fn point(lat: f64, lon: f64) -> Point {
    Point::new(lat, lon).expect("on the globe")
}

/// About `east` and `north` metres from the start of [`walk`].
fn stop(id: usize, east: f64, north: f64, pay_minor: i64) -> Stop {
    let at = point(north / 111_195.0, east / 111_195.0);
    Stop { id, at, pay_minor, on_site_secs: 600, windows: vec![(0, 100_000)] }
}

fn walk(budget_secs: i64, back: bool) -> Asked {
    let from = point(0.0, 0.0);
    Asked { from, budget_secs, metres_per_sec: 1.0, detour: 1.25, back, rounds: 5, stops_max: 50 }
}

fn ids(round: &Round) -> Vec<usize> {
    round.stops.iter().map(|call| call.id).collect()
}

fn way(a: Point, b: Point, asked: &Asked) -> i64 {
    (a.metres_to(b) * asked.detour / asked.metres_per_sec).ceil() as i64
}

/// Stops all over a few kilometres with all kinds of hours; some share a store.
fn town(chance: &mut Chance, count: usize, budget: i64) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    let mut between = |low: i64, high: i64| low + chance.below((high - low + 1) as usize) as i64;
    for id in 0..count {
        let mut new = stop(id, between(-2500, 2500) as f64, between(-2500, 2500) as f64, between(3, 30) * 100);
        new.on_site_secs = between(5, 30) * 60;
        let noon = between(budget / 4, budget * 3 / 4);
        new.windows = match between(0, 9) {
            0 => vec![],
            1..=3 => vec![(0, budget)],
            4..=5 => vec![(between(0, 3600), noon), (noon + 1800, budget)],
            6 => vec![(noon, noon + 2400)],
            _ => vec![(between(0, 3600), budget - between(0, 1800))],
        };
        if let Some(last) = stops.last().filter(|_| between(0, 3) == 0) {
            (new.at, new.windows) = (last.at, last.windows.clone());
        }
        stops.push(new);
    }
    stops
}

/// Goes the round again, from the question alone.
fn replay(round: &Round, stops: &[Stop], asked: &Asked) {
    let (mut here, mut now, mut pay, mut waited, mut metres) = (asked.from, 0, 0i64, 0, 0.0);
    for (nth, call) in round.stops.iter().enumerate() {
        assert!(!ids(round)[..nth].contains(&call.id), "a stop twice");
        let stop = &stops[call.id];
        assert_eq!(call.arrive_secs, now + way(here, stop.at, asked));
        assert!(call.start_secs >= call.arrive_secs);
        assert_eq!(call.leave_secs, call.start_secs + stop.on_site_secs);
        assert!(stop.windows.iter().any(|(open, shut)| *open <= call.start_secs && call.leave_secs <= *shut));
        metres += here.metres_to(stop.at) * asked.detour;
        waited += call.start_secs - call.arrive_secs;
        pay = pay.saturating_add(stop.pay_minor);
        (here, now) = (stop.at, call.leave_secs);
    }
    if asked.back {
        now += way(here, asked.from, asked);
        metres += here.metres_to(asked.from) * asked.detour;
    }
    assert!(!round.stops.is_empty() && round.stops.len() <= asked.stops_max && now <= asked.budget_secs);
    assert_eq!((round.pay_minor, round.secs, round.waiting_secs), (pay, now, waited));
    assert!((round.metres - metres).abs() < 1e-6);
}

/// The best pay: for each set of stops and each last one of it, the earliest that it can be done.
fn exact(stops: &[Stop], asked: &Asked) -> i64 {
    let count = stops.len();
    let mut done = vec![None; count << count];
    let mut best = 0;
    for set in 1usize..1 << count {
        for last in (0..count).filter(|last| set >> last & 1 == 1) {
            let before = set ^ 1 << last;
            let arrive = if before == 0 {
                Some(way(asked.from, stops[last].at, asked))
            } else {
                let ways = |at: usize| Some(done[before * count + at]? + way(stops[at].at, stops[last].at, asked));
                (0..count).filter(|at| before >> at & 1 == 1).filter_map(ways).min()
            };
            let Some(arrive) = arrive else { continue };
            let ends = stops[last].windows.iter().map(|w| (w.0.max(arrive) + stops[last].on_site_secs, w.1));
            let Some((end, _)) = ends.filter(|(end, shut)| end <= shut).min() else { continue };
            let home = if asked.back { way(stops[last].at, asked.from, asked) } else { 0 };
            if end + home <= asked.budget_secs {
                done[set * count + last] = Some(end);
                best = best.max((0..count).filter(|at| set >> at & 1 == 1).map(|at| stops[at].pay_minor).sum());
            }
        }
    }
    best
}

#[test]
fn small_rounds_pay_what_is_possible() {
    let mut chance = Chance(7);
    let (mut sum, mut worst) = (0.0, 0.0f64);
    for nth in 0..200 {
        let asked = Asked { rounds: 1, ..walk(3600 * (2 + nth % 4), nth % 2 == 0) };
        let count = 3 + chance.below(6);
        let stops = town(&mut chance, count, asked.budget_secs);
        let best = exact(&stops, &asked);
        let found = propose(&stops, &asked).first().map_or(0, |round| round.pay_minor);
        assert!(found <= best);
        let gap = if best > 0 { (best - found) as f64 / best as f64 } else { 0.0 };
        (sum, worst) = (sum + gap, worst.max(gap));
    }
    assert!(sum / 200.0 <= 0.001 && worst <= 0.05, "mean {}, worst {worst}", sum / 200.0);
}

#[test]
fn rounds_hold_what_they_say_differ_and_are_the_same_each_time() {
    let mut chance = Chance(8);
    for nth in 0..8 {
        let asked = Asked { stops_max: 12, ..walk(3600 * (2 + nth), nth % 2 == 0) };
        let count = 12 + chance.below(15);
        let stops = town(&mut chance, count, asked.budget_secs);
        let rounds = propose(&stops, &asked);
        assert!((1..=5).contains(&rounds.len()));
        assert_eq!(rounds, propose(&stops, &asked));
        for (at, round) in rounds.iter().enumerate() {
            replay(round, &stops, &asked);
            assert!(round.hourly_minor() * 2 + 2 >= rounds[0].hourly_minor());
            for better in &rounds[..at] {
                assert!((-better.pay_minor, better.secs) <= (-round.pay_minor, round.secs));
                let new = ids(round).iter().filter(|id| !ids(better).contains(id)).count();
                assert!(new * 3 >= round.stops.len());
            }
        }
        assert_eq!(propose(&stops, &Asked { rounds: 1, ..asked }).len(), 1);
    }
}

#[test]
fn nothing_comes_of_nothing() {
    let (near, asked) = (stop(0, 400.0, 0.0, 500), walk(7200, true));
    let none = |stop: &Stop, asked: &Asked| assert_eq!(propose(std::slice::from_ref(stop), asked), vec![]);
    assert_eq!(propose(&[], &asked), vec![]);
    assert_eq!(propose(std::slice::from_ref(&near), &asked).len(), 1);
    for budget_secs in [0, -5, i64::MIN, 1599] {
        none(&near, &Asked { budget_secs, ..asked });
    }
    for speed in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
        none(&near, &Asked { metres_per_sec: speed, ..asked });
    }
    none(&near, &Asked { detour: f64::NAN, ..asked });
    none(&near, &Asked { rounds: 0, ..asked });
    none(&near, &Asked { stops_max: 0, ..asked });
    none(&stop(0, 9000.0, 0.0, 500), &asked);
    none(&Stop { pay_minor: 0, ..near.clone() }, &asked);
    for windows in [vec![], vec![(0, 1099)], vec![(9000, 9999)], vec![(900, 600), (i64::MAX, i64::MIN)]] {
        none(&Stop { windows, ..near.clone() }, &asked);
    }
    for on_site_secs in [-1, i64::MAX, i64::MIN] {
        none(&Stop { on_site_secs, ..near.clone() }, &asked);
    }
}

#[test]
fn a_shut_store_is_waited_for_or_left_out() {
    let mut stops = [stop(0, 400.0, 0.0, 500), stop(1, 800.0, 0.0, 500), stop(2, 600.0, 0.0, 9000)];
    stops[0].windows = vec![(0, 700), (2000, 2600)];
    stops[1].windows = vec![(3000, 4000)];
    stops[2].windows = vec![];
    let rounds = propose(&stops, &walk(7200, true));
    let wanted = [
        Call { id: 0, arrive_secs: 501, start_secs: 2000, leave_secs: 2600 },
        Call { id: 1, arrive_secs: 3101, start_secs: 3101, leave_secs: 3701 },
    ];
    assert!(rounds[0].stops.iter().zip(wanted).all(|(a, b)| a.id == b.id && (a.start_secs - b.start_secs).abs() < 3));
    assert_eq!((rounds.len(), rounds[0].waiting_secs / 10), (1, 149));
}

#[test]
fn missions_of_one_store_are_done_together() {
    let mut stops: Vec<Stop> = (0..3).map(|id| stop(id, 2000.0, 0.0, 400)).collect();
    stops.push(stop(3, -1500.0, 0.0, 900));
    let rounds = propose(&stops, &walk(7200, true));
    assert_eq!((rounds[0].pay_minor, rounds[0].stops.len()), (1200, 3));
    assert!(rounds[0].stops.windows(2).all(|two| two[0].leave_secs == two[1].arrive_secs));
    assert_eq!(ids(&rounds[1]), [3]);
}

#[test]
fn an_open_ended_round_goes_farther() {
    let stops = [stop(0, 2000.0, 0.0, 500), stop(1, 4000.0, 0.0, 500)];
    let (open, closed) = (propose(&stops, &walk(6300, false)), propose(&stops, &walk(6300, true)));
    assert_eq!((ids(&open[0]), open[0].metres.round()), (vec![0, 1], 5000.0));
    assert_eq!((ids(&closed[0]), closed[0].metres.round()), (vec![0], 5000.0));
    assert_eq!(closed[0].hourly_minor(), 500 * 3600 / closed[0].secs);
}

#[test]
fn the_date_line_is_no_wall() {
    let mut stops = [stop(0, 0.0, 0.0, 500), stop(1, 0.0, 0.0, 500)];
    (stops[0].at, stops[1].at) = (point(0.0, -179.999), point(0.0, 179.999));
    let asked = Asked { from: point(0.0, 179.998), ..walk(2100, true) };
    let rounds = propose(&stops, &asked);
    assert_eq!(rounds[0].pay_minor, 1000);
    replay(&rounds[0], &stops, &asked);
}

#[test]
fn huge_values_and_many_candidates_do_no_harm() {
    let mut stops: Vec<Stop> = (0..400).map(|id| stop(id, 10.0 * id as f64, 0.0, i64::MAX)).collect();
    for stop in &mut stops {
        stop.windows = vec![(i64::MIN, i64::MAX)];
    }
    let asked = Asked { rounds: 1, ..walk(i64::MAX, false) };
    let rounds = propose(&stops, &asked);
    replay(&rounds[0], &stops, &asked);
    assert_eq!((rounds[0].pay_minor, rounds[0].stops.len()), (i64::MAX, 50));
    assert!(rounds[0].hourly_minor() > 0 && rounds[0].secs <= BUDGET_MAX_SECS);
}
