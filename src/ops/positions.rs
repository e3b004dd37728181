//! Positions of a visit beside what is known of others: signs that they were made up, what stays of them, and their end.

use serde_json::json;

use super::deadlines::{BATCH_ROWS, Swept};
use super::reservations::as_fix;
use crate::context::Cx;
use crate::db::rows::{PositionFixRow, ReservationRow, StoreRow, VisitTrackRow};
use crate::db::{Tx, evidence, tracks};
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Code, Finding};
use crate::domain::place::Point;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::signals::{Event as Moment, Known, PhotoClaim, Previous, Shape, TimedFix, judge};
use crate::domain::time::At;
use crate::domain::visit::best_fix;

/// Earlier visits whose shapes are looked through.
const SHAPES_MAX: i64 = 300;
/// Other workers of a phone are counted over so many days.
const DEVICE_DAYS: i64 = 30;
/// Days after a decision in which a worker may appeal.
const APPEAL_DAYS: i64 = 14;

fn timed(row: &PositionFixRow, number: impl Fn(&str) -> Option<u32>) -> Option<TimedFix> {
    let event = match (&row.client_id, row.purpose.as_str()) {
        (Some(photo), _) => Moment::Photo(number(photo).unwrap_or(u32::MAX)),
        (None, "check_in") => Moment::CheckIn,
        (None, _) => Moment::Seal,
    };
    Some(TimedFix {
        at: Point::new(row.lat, row.lon)?,
        accuracy_m: row.accuracy_m,
        altitude_m: row.altitude_m,
        speed_mps: row.speed_mps,
        bearing_deg: row.bearing_deg,
        provider: row.provider,
        mock: row.mock,
        taken_at: row.at.micros(),
        elapsed_ms: row.elapsed_ms,
        received_at: row.received_at.micros(),
        event,
    })
}

/// A fingerprint of all digits of a position; none for positions that many phones share by nature.
pub(super) fn fingerprint(row: &PositionFixRow) -> Option<String> {
    timed(row, |_| None)?.fingerprint().map(|bits| format!("{bits:016x}"))
}

/// Signs that the positions of a visit were made up, from all that is known now.
pub(super) fn signs(
    tx: &mut Tx,
    visit: &ReservationRow,
    store: &StoreRow,
    fixes: &[PositionFixRow],
) -> Outcome<Vec<Finding>> {
    let photos = evidence::any_of_reservation(tx, &visit.id)?;
    let number = |client_id: &str| photos.iter().position(|p| p.client_id == client_id).map(|n| n as u32);
    let claims: Vec<PhotoClaim> =
        (0..).zip(&photos).map(|(n, photo)| claim(n, photo.facts.as_ref().map(|f| &f.0))).collect();
    let timed: Vec<TimedFix> = fixes.iter().filter_map(|row| timed(row, number)).collect();
    let previous = tracks::any_previous(tx, &visit.worker_id, &visit.id)?.and_then(|row| {
        let at = Point::new(row.lat, row.lon)?;
        Some(Previous { at, accuracy_m: row.accuracy_m, taken_at: row.at.micros() })
    });
    let shapes = tracks::any_shapes(tx, &visit.store_id, &visit.worker_id, &visit.id, SHAPES_MAX)?;
    let shapes: Vec<Shape> = shapes.iter().filter_map(|text| Shape::from_bytes(&bytes(text)?)).collect();
    let mut prints: Vec<String> = fixes.iter().filter_map(|row| row.fingerprint.clone()).collect();
    prints.sort_unstable();
    prints.dedup();
    let same_fixes = tracks::any_seen(tx, &prints, &visit.id)?.len();
    let device_accounts = match &visit.device_id {
        Some(device) => {
            let since = tx.now().plus_days(-DEVICE_DAYS);
            tracks::any_other_workers(tx, device, &visit.worker_id, since)?
        }
        None => 0,
    };
    let known = Known {
        store: Point::new(store.lat, store.lon),
        reserved_at: Some(visit.reserved_at.micros()),
        reserved_elapsed_ms: visit.reserved_elapsed_ms,
        previous,
        shapes: &shapes,
        same_fixes,
        device_accounts: usize::try_from(device_accounts).unwrap_or(usize::MAX),
        photos: &claims,
    };
    // What the phone itself says of simulated positions is found by another rule.
    Ok(judge(&timed, &known).into_iter().filter(|finding| finding.code != Code::MockLocation).collect())
}

/// What a photo says of where and when it was taken.
fn claim(number: u32, facts: Option<&serde_json::Value>) -> PhotoClaim {
    let of = |name: &str| facts.and_then(|facts| facts.get(name)).filter(|value| !value.is_null());
    let at = of("point").and_then(|point| serde_json::from_value(point.clone()).ok());
    let taken = of("taken_at").and_then(|taken| At::parse(taken.get("at")?.as_str()?));
    PhotoClaim { number, at, taken_at: taken.map(At::micros) }
}

/// Hex, two digits a byte.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Keeps what stays of the positions of a visit.
pub(super) fn keep(tx: &mut Tx, visit: &ReservationRow, store: &StoreRow, fixes: &[PositionFixRow]) -> Outcome<()> {
    let all: Vec<_> = fixes.iter().map(as_fix).collect();
    let Some(best) = best_fix(&all, store.radius_m) else { return Ok(()) };
    let timed: Vec<TimedFix> = fixes.iter().filter_map(|row| timed(row, |_| None)).collect();
    let shape = Shape::of(&timed).map(|shape| shape.to_bytes().iter().map(|b| format!("{b:02x}")).collect());
    let row = VisitTrackRow {
        reservation_id: visit.id.clone(),
        worker_id: visit.worker_id.clone(),
        store_id: visit.store_id.clone(),
        verdict: best.judge(store.radius_m).as_str().to_owned(),
        distance_m: (best.distance_m / 10.0).round() as i64 * 10,
        shape,
        at: tx.now(),
        fixes_dropped_at: None,
    };
    tracks::keep(tx, &row)
}

/// Drops exact positions once nobody may appeal any more.
pub fn drop_fixes(cx: &Cx) -> Outcome<Swept> {
    let (now, before) = (cx.now(), cx.now().plus_days(-APPEAL_DAYS));
    let due = cx.read(|c| tracks::any_to_drop(c, now, before, BATCH_ROWS as i64))?;
    let mut swept = Swept::default();
    for id in due {
        let dropped = cx.write_as(&Actor::Machine("drop_fixes"), |tx| {
            let count = tracks::drop_fixes(tx, &id)?;
            tx.record(Event::new("reservation.positions_dropped", &id).data(json!({ "count": count })))
        });
        match dropped {
            Ok(_) => swept.done += 1,
            Err(failure @ Failure::Fault(_)) => swept.failed.push((id.to_string(), failure)),
            Err(_) => {}
        }
    }
    Ok(swept)
}
