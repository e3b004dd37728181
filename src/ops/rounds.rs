//! Rounds: walks that chain missions near a worker, proposed from the board. Reserving one is `reservations::reserve_round`.

use serde::{Deserialize, Serialize};

use super::missions::MissionSummary;
use crate::access::Worker;
use crate::context::Cx;
use crate::domain::discovery::{Board, Found, Query, Within};
use crate::domain::ids::MissionId;
use crate::domain::money::{Currency, Money};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, FieldError, Outcome, Refusal};
use crate::domain::rounds::{Asked, CANDIDATES_MAX, ROUNDS_MAX, Stop, propose};
use crate::domain::store::{HOLD_SECS, seal_deadline};
use crate::domain::time::At;
use crate::domain::travel::Mode;
use crate::ops::discovery;
use crate::ops::missions::RADIUS_MAX_M;

pub const MINUTES_MAX: i64 = 720;
/// Missions that are read to choose the candidates from.
const READ_MAX: usize = 1000;

/// How long, how, and from where.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct RoundsSearch {
    pub lat: f64,
    pub lon: f64,
    pub minutes: i64,
    pub mode: Option<Mode>,
    /// Whether the round ends where it began; yes when left out.
    pub back: Option<bool>,
    /// The currency of most missions near when left out: a round has one.
    pub currency: Option<Currency>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct StopView {
    pub mission: MissionSummary,
    pub arrive_at: At,
    /// Later than `arrive_at` where the store is still shut.
    pub start_at: At,
    pub leave_at: At,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RoundView {
    /// For `POST /v1/rounds`.
    pub mission_ids: Vec<MissionId>,
    pub stops: Vec<StopView>,
    pub pay: Money,
    /// Everything: ways, waiting, work, and the way back where asked.
    pub minutes: i64,
    pub waiting_minutes: i64,
    pub metres: i64,
    pub hourly_pay: Money,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Rounds {
    /// The best paid first; none where nothing can be reached, done and left in time.
    pub rounds: Vec<RoundView>,
}

/// Up to five rounds that could be reserved and done now.
pub fn list_rounds(cx: &Cx, who: &Worker, search: &RoundsSearch) -> Outcome<Rounds> {
    let mut errors = Vec::new();
    let here = Point::new(search.lat, search.lon);
    if here.is_none() {
        errors.push(FieldError::new("lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180."));
    }
    if !(1..=MINUTES_MAX).contains(&search.minutes) {
        errors.push(FieldError::new("minutes", "out_of_range", format!("minutes lies in 1..={MINUTES_MAX}.")));
    }
    let Some(here) = here.filter(|_| errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let able = discovery::able(cx, who)?;
    let free = usize::try_from(cx.rules().max_reservations - able.live).unwrap_or(0);
    if free == 0 {
        let detail = format!("You may hold {} at once.", cx.rules().max_reservations);
        return Err(Refusal::new(Code::TooManyReservations, detail).into());
    }
    let (now, travel, mode) = (cx.now(), cx.rules().travel, search.mode.unwrap_or(Mode::Walk));
    let back = search.back.unwrap_or(true);
    let budget_secs = search.minutes * 60;
    let speed = travel.metres_per_sec(mode);
    let reach_m = speed * budget_secs as f64 / travel.detour() / if back { 2.0 } else { 1.0 };
    let board = cx.discovery().board();
    let query = Query {
        level: Some(u8::try_from(able.level).unwrap_or(u8::MAX)),
        qualifications: Some(board.has(&able.qualifications)),
        not: Some(&|offer| able.taken.contains(&offer.id)),
        limit: READ_MAX,
        ..Query::new(here, Within::Circle { centre: here, metres: reach_m.min(RADIUS_MAX_M as f64) }, now.micros())
    };
    let near = board.index().answer(&query).offers;
    let Some(currency) = search.currency.or_else(|| commonest(&board, &near)) else {
        return Ok(Rounds { rounds: Vec::new() });
    };
    let number = board.currency_number(currency);
    let near: Vec<Found> = near.into_iter().filter(|found| Some(found.offer.currency) == number).collect();
    let stops: Vec<Stop> =
        near.iter().enumerate().map(|(id, found)| stop(&board, id, found, now, budget_secs)).collect();
    let asked = Asked {
        from: here,
        budget_secs,
        metres_per_sec: speed,
        detour: travel.detour(),
        back,
        rounds: ROUNDS_MAX,
        stops_max: free.min(CANDIDATES_MAX),
    };
    let at = |secs: i64| now.plus_secs(secs);
    let view = |round: crate::domain::rounds::Round| RoundView {
        mission_ids: round.stops.iter().map(|call| MissionId::from_bits(near[call.id].offer.id)).collect(),
        stops: round
            .stops
            .iter()
            .map(|call| StopView {
                mission: MissionSummary::on(&board, &near[call.id].offer, now),
                arrive_at: at(call.arrive_secs),
                start_at: at(call.start_secs),
                leave_at: at(call.leave_secs),
            })
            .collect(),
        pay: Money::new(round.pay_minor, currency),
        minutes: round.secs.div_euclid(60) + i64::from(round.secs % 60 > 0),
        waiting_minutes: round.waiting_secs / 60,
        metres: round.metres.round() as i64,
        hourly_pay: Money::new(round.hourly_minor(), currency),
    };
    Ok(Rounds { rounds: propose(&stops, &asked).into_iter().map(view).collect() })
}

fn commonest(board: &Board, near: &[Found]) -> Option<Currency> {
    let mut counts: Vec<(usize, u16)> = Vec::new();
    for found in near {
        match counts.iter_mut().find(|(_, currency)| *currency == found.offer.currency) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, found.offer.currency)),
        }
    }
    board.currency_of(counts.into_iter().max()?.1)
}

/// A mission as a stop: open while its store is, until a reservation made now would have to be sealed.
fn stop(board: &Board, id: usize, found: &Found, now: At, budget_secs: i64) -> Stop {
    let offer = &found.offer;
    let on_site_secs = i64::from(offer.minutes) * 60;
    let (hours, zone) = board.hours(offer.store);
    let seal_by = seal_deadline(now, hours, zone, HOLD_SECS, on_site_secs);
    let ends = At::from_micros(offer.ends_at).unwrap_or(now);
    let until = now.plus_secs(budget_secs).min(seal_by).min(ends);
    let openings = match hours {
        Some(hours) => hours.openings(now, until, zone),
        None => vec![(now, until)],
    };
    let windows = openings.into_iter().map(|(from, to)| (from.secs_since(now), to.secs_since(now)));
    Stop {
        id,
        at: offer.at,
        pay_minor: offer.reward_minor,
        on_site_secs,
        windows: windows.filter(|(from, to)| from < to).collect(),
    }
}
