//! What is taken away when a worker is erased. The ledger, the audit log and what was decided know the worker by id alone
//! and stay as they are.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{ErasureRow, EvidenceRow, ReservationRow};
use super::schema::{
    erasures, evidence, idempotency_keys, looks, one_time_tokens, outbox, payout_batches, payout_choices,
    payout_methods, payouts, position_fixes, reservations, sessions, sign_in_attempts, submissions, users,
    visit_tracks, worker_qualifications,
};
use super::tx::{Once, Tx};
use super::types::Json;
use crate::domain::ids::{EvidenceId, MessageId, MethodId, ReservationId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::reservation::ReservationState;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;
use crate::domain::user::UserState;

pub fn any_find(conn: &mut Conn, worker: &UserId) -> Outcome<Option<ErasureRow>> {
    Ok(erasures::table.find(worker).first(conn).optional()?)
}

pub fn add(tx: &mut Tx, row: &ErasureRow) -> Outcome<()> {
    diesel::insert_into(erasures::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn any_live(conn: &mut Conn, worker: &UserId) -> Outcome<Vec<ReservationRow>> {
    Ok(reservations::table
        .filter(reservations::worker_id.eq(worker))
        .filter(reservations::state.eq_any([ReservationState::Held, ReservationState::CheckedIn]))
        .order(reservations::id)
        .load(conn)?)
}

/// Visits that wait for a decision, which may still be paid.
pub fn any_undecided(conn: &mut Conn, worker: &UserId) -> Outcome<i64> {
    let ended = [SubmissionState::Approved, SubmissionState::PartlyApproved, SubmissionState::Rejected];
    Ok(submissions::table
        .filter(submissions::worker_id.eq(worker))
        .filter(submissions::state.ne_all(ended))
        .count()
        .get_result(conn)?)
}

/// What stands in the place of an e-mail address; nothing is sent there.
pub fn nobody(worker: &UserId) -> String {
    format!("{worker}@erased.invalid")
}

/// Letters to this address, and when the last try to send each is over.
pub fn any_letters(conn: &mut Conn, email: &str, now: At) -> Outcome<Vec<(MessageId, At)>> {
    let letters: Vec<(MessageId, At, Option<At>)> = outbox::table
        .filter(outbox::channel.eq("mail").and(outbox::address.eq(email)))
        .select((outbox::id, outbox::next_at, outbox::delivered_at))
        .load(conn)?;
    let over = |next: At, delivered: Option<At>| if delivered.is_some() { now } else { next.max(now) };
    Ok(letters.into_iter().map(|(id, next, delivered)| (id, over(next, delivered))).collect())
}

/// Takes away who the worker is, but for the answer that is being written under `keep`.
pub fn forget_person(tx: &mut Tx, worker: &UserId, email: &str, keep: &Once) -> Outcome<()> {
    let now = tx.now();
    diesel::update(users::table.find(worker))
        .set((
            users::email.eq(nobody(worker)),
            // Never the hash of a password.
            users::password_hash.eq("!"),
            users::name.eq("erased"),
            users::language.eq("en"),
            users::country.eq(None::<String>),
            users::state.eq(UserState::Erased),
            users::email_verified_at.eq(None::<At>),
            users::updated_at.eq(now),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut **tx)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(worker))).execute(&mut **tx)?;
    diesel::delete(one_time_tokens::table.filter(one_time_tokens::user_id.eq(worker))).execute(&mut **tx)?;
    diesel::delete(sign_in_attempts::table.find(email)).execute(&mut **tx)?;
    diesel::delete(outbox::table.filter(outbox::address.eq(email))).execute(&mut **tx)?;
    diesel::delete(worker_qualifications::table.filter(worker_qualifications::worker_id.eq(worker)))
        .execute(&mut **tx)?;
    diesel::update(payouts::table.filter(payouts::worker_id.eq(worker)))
        .set((payouts::destination.eq("erased"), payouts::method_id.eq(None::<MethodId>)))
        .execute(&mut **tx)?;
    // A bank may have written a name there.
    diesel::update(payouts::table.filter(payouts::worker_id.eq(worker)).filter(payouts::return_reason.is_not_null()))
        .set(payouts::return_reason.eq(Some("erased")))
        .execute(&mut **tx)?;
    diesel::delete(payout_choices::table.find(worker)).execute(&mut **tx)?;
    diesel::delete(payout_methods::table.filter(payout_methods::worker_id.eq(worker))).execute(&mut **tx)?;
    // Answers kept for repeated requests name the person, whoever asked.
    let named = idempotency_keys::caller
        .eq(worker.as_str())
        .or(idempotency_keys::response.like(format!("%{worker}%")))
        .or(idempotency_keys::response.like(format!("%{email}%")));
    let other = idempotency_keys::route.ne(&keep.route).or(idempotency_keys::key.ne(&keep.key));
    diesel::delete(idempotency_keys::table.filter(named.and(other))).execute(&mut **tx)?;
    Ok(())
}

/// When the worker's last order by bank was let go; its file names the account, sealed.
pub fn any_last_order(conn: &mut Conn, worker: &UserId) -> Outcome<Option<At>> {
    let batches =
        payout_batches::table.inner_join(payouts::table.on(payouts::batch_id.eq(payout_batches::id.nullable())));
    Ok(batches
        .filter(payouts::worker_id.eq(worker))
        .filter(payout_batches::sealed_file.is_not_null())
        .select(diesel::dsl::max(payout_batches::approved_at))
        .first(conn)?)
}

/// Takes away the worker's exact positions and phones; returns how many positions there were.
pub fn forget_whereabouts(tx: &mut Tx, worker: &UserId) -> Outcome<usize> {
    let now = tx.now();
    // First, for only then does the table of positions let its rows go.
    diesel::update(visit_tracks::table.filter(visit_tracks::worker_id.eq(worker)))
        .filter(visit_tracks::fixes_dropped_at.is_null())
        .set(visit_tracks::fixes_dropped_at.eq(Some(now)))
        .execute(&mut **tx)?;
    diesel::update(visit_tracks::table.filter(visit_tracks::worker_id.eq(worker)))
        .set(visit_tracks::shape.eq(None::<String>))
        .execute(&mut **tx)?;
    let visits: Vec<ReservationId> = visit_tracks::table
        .filter(visit_tracks::worker_id.eq(worker))
        .select(visit_tracks::reservation_id)
        .load(&mut **tx)?;
    diesel::update(reservations::table.filter(reservations::worker_id.eq(worker)))
        .set((reservations::device_id.eq(None::<String>), reservations::reserved_elapsed_ms.eq(None::<i64>)))
        .execute(&mut **tx)?;
    // What the app and the camera wrote down of the place; the findings keep their distances.
    let photos: Vec<EvidenceId> = evidence::table
        .filter(evidence::worker_id.eq(worker))
        .order(evidence::id)
        .select(evidence::id)
        .load(&mut **tx)?;
    for id in photos {
        // Locked: who looks at it now writes before this, or reads that the worker is erased.
        let photo: EvidenceRow = Locked(evidence::table.find(&id)).get_result(&mut **tx)?;
        let facts = photo.facts.map(|Json(mut facts)| {
            if let Some(facts) = facts.as_object_mut() {
                facts.remove("point");
            }
            Json(facts)
        });
        diesel::update(evidence::table.find(&id))
            .set((
                evidence::facts.eq(facts),
                evidence::capture.eq(Json(serde_json::json!({}))),
                evidence::file_name.eq(None::<String>),
            ))
            .execute(&mut **tx)?;
        diesel::update(looks::table.filter(looks::evidence_id.eq(&id)))
            .set(looks::context.eq(None::<String>))
            .execute(&mut **tx)?;
    }
    let fixes = position_fixes::table.filter(position_fixes::reservation_id.eq_any(visits));
    Ok(diesel::delete(fixes).execute(&mut **tx)?)
}
