//! Erasing a worker: the person goes, the ledger, the audit log and what was decided stay as they were, under an id that
//! names nobody. What the law asks to keep stays sealed until its day, and the answer says what and why.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth;
use crate::access::{Admin, Worker, password};
use crate::context::{Cx, Once};
use crate::db::rows::{ErasureRow, UserRow};
use crate::db::types::Json;
use crate::db::{Tx, erasures, ledger, missions, papers, queue, reservations, users};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::ledger::AccountName;
use crate::domain::money::Money;
use crate::domain::papers::{DOCUMENT_YEARS, REPORT_YEARS, kept_until};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::reservation::ReservationMove;
use crate::domain::time::At;
use crate::domain::user::{UserKind, UserState};
use crate::ops::outbox::FORGET_LETTER;

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ErasureBody {
    pub password: String,
    /// That what is left in the balance may stay there for good.
    #[serde(default)]
    pub waive_balance: bool,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct StaffErasureBody {
    /// On whose word, for the audit log: no name and no address.
    pub reason: String,
    #[serde(default)]
    pub waive_balance: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Kept {
    pub what: String,
    pub why: String,
    /// Null: as long as the ledger.
    pub until: Option<At>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ErasureView {
    pub worker_id: UserId,
    pub erased_at: At,
    pub removed: Vec<String>,
    pub kept: Vec<Kept>,
    /// What was left in the balance.
    pub waived: Vec<Money>,
}

/// The worker asks; the password shows that it is not somebody who found the phone.
pub fn erase_me(cx: &Cx, who: &Worker, once: &Once, asked: &ErasureBody) -> Outcome<ErasureView> {
    let user = cx.read(|c| users::any_find(c, who.user()))?.or_missing("worker")?;
    // Erased already: the stored answer is given again, or the state is told.
    if user.state != UserState::Erased {
        auth::count_try(cx, who, &user.email, auth::WRONG_PASSWORDS)?;
        if !password::matches(&asked.password, &user.password_hash) {
            cx.write(who, |tx| tx.record(Event::new("erasure.password_wrong", who.user())))?;
            return Err(Refusal::new(Code::WrongCredentials, "The password is wrong.").into());
        }
        cx.write(who, |tx| {
            tx.nothing_changed();
            users::forget_failures(tx, &user.email)
        })?;
    }
    let erased = cx.write_once(who, once, |tx| erase(tx, who.user(), once, asked.waive_balance, "worker", None));
    cx.discovery().forget(who.user());
    erased
}

pub fn erase_worker(cx: &Cx, who: &Admin, once: &Once, id: &UserId, asked: &StaffErasureBody) -> Outcome<ErasureView> {
    if !(10..=500).contains(&asked.reason.chars().count()) || asked.reason.chars().any(char::is_control) {
        return Err(Refusal::field("/reason", "length", "10 to 500 characters on one line.").into());
    }
    let erased = cx
        .write_once(who, once, |tx| erase(tx, id, once, asked.waive_balance, who.user().as_str(), Some(&asked.reason)));
    cx.discovery().forget(id);
    erased
}

fn erase(
    tx: &mut Tx,
    id: &UserId,
    once: &Once,
    waive: bool,
    asked_by: &str,
    reason: Option<&str>,
) -> Outcome<ErasureView> {
    let user = papers::lock_worker(tx, id)?.filter(|user| user.kind == UserKind::Worker).or_missing("worker")?;
    if user.state == UserState::Erased {
        return Err(Refusal::wrong_state(user.state, &[]).into());
    }
    owed(tx, id, waive)?;
    release(tx, id)?;
    // Work may have been sealed while the missions were waited for.
    let waived = owed(tx, id, waive)?;
    let positions = erasures::forget_whereabouts(tx, id)?;
    let kept = keep(tx, &user)?;
    let now = tx.now();
    for (letter, over) in erasures::any_letters(tx, &user.email, now)? {
        queue::enqueue(tx, FORGET_LETTER, letter.as_str(), over)?;
    }
    erasures::forget_person(tx, id, &user.email, once)?;
    let waived_json = serde_json::to_value(&waived).map_err(Failure::fault)?;
    let row =
        ErasureRow { worker_id: id.clone(), asked_by: asked_by.to_owned(), waived: Json(waived_json), at: tx.now() };
    erasures::add(tx, &row)?;
    let event = Event::new("worker.erased", id).moved(user.state.as_str(), UserState::Erased.as_str());
    let event = match reason {
        Some(reason) => event.because(reason),
        None => event,
    };
    tx.record(event.data(json!({ "waived": waived, "positions": positions })))?;
    let removed = [
        "name, e-mail address, language and country",
        "password, sessions and devices",
        "letters that were sent or waited",
        "exact positions, the shapes of ways, and what the app and the camera wrote down of places",
        "payout methods, and where payouts went",
        "qualifications",
        "answers kept for repeated requests",
    ];
    Ok(ErasureView {
        worker_id: id.clone(),
        erased_at: tx.now(),
        removed: removed.map(str::to_owned).to_vec(),
        kept,
        waived,
    })
}

/// Refuses what somebody who is erased would do with a token that lives some minutes longer, or would be given. The worker
/// is locked: nobody is erased before it is written.
pub(super) fn refuse_erased(tx: &mut Tx, worker: &UserId) -> Outcome<()> {
    match users::any_locked(tx, worker)? {
        Some(user) if user.state == UserState::Erased => Err(Refusal::wrong_state(user.state, &[]).into()),
        _ => Ok(()),
    }
}

/// Refuses while money is on its way, may still be owed, or is left and was not waived; returns what is left.
fn owed(tx: &mut Tx, id: &UserId, waive: bool) -> Outcome<Vec<Money>> {
    let some = |all: Vec<Money>| all.into_iter().filter(|money| money.minor != 0).collect::<Vec<_>>();
    let mut errors = Vec::new();
    for money in some(ledger::balances(tx, &AccountName::worker_in_payout(id))?) {
        errors.push(FieldError::new("/in_payout", "on_its_way", format!("{money} are on their way: wait for them.")));
    }
    let undecided = erasures::any_undecided(tx, id)?;
    if undecided > 0 {
        let wait = if undecided == 1 { "1 visit waits".to_owned() } else { format!("{undecided} visits wait") };
        let detail = format!("{wait} for a decision and may still be paid.");
        errors.push(FieldError::new("/submissions", "undecided", detail));
    }
    let left = some(ledger::balances(tx, &AccountName::worker_available(id))?);
    for money in left.iter().filter(|_| !waive) {
        let detail = format!("{money} are yours: have them paid out, or send waive_balance to leave them.");
        errors.push(FieldError::new("/waive_balance", "owed", detail));
    }
    if errors.is_empty() { Ok(left) } else { Err(Refusal::sentences(Code::MoneyOwed, errors).into()) }
}

/// Gives held slots back.
fn release(tx: &mut Tx, id: &UserId) -> Outcome<()> {
    for seen in erasures::any_live(tx, id)? {
        missions::any_locked(tx, &seen.mission_id)?.or_missing("mission")?;
        let row = reservations::any_locked(tx, &seen.id)?.or_missing("reservation")?;
        if !row.state.is_live() {
            continue;
        }
        let ended = reservations::move_state(tx, &row, ReservationMove::Release)?;
        missions::free_slot(tx, &row.mission_id, row.recheck)?;
        let event = Event::new("reservation.released", &row.id).brand(&row.brand_id).because("the worker is erased");
        tx.record(event.moved(row.state.as_str(), ended.state.as_str()))?;
    }
    Ok(())
}

/// What stays, why and until when; what need not stay goes.
fn keep(tx: &mut Tx, user: &UserRow) -> Outcome<Vec<Kept>> {
    let mut kept = vec![
        Kept {
            what: "ledger, audit log, decisions, what banks said of payouts, and what was handed in for visits, with positions \
                   that a question asked for"
                .to_owned(),
            why: "they know an id, which names nobody any more; books and evidence of paid work must stay whole"
                .to_owned(),
            until: None,
        },
        Kept {
            what: "photos of visits, also of those that were not handed in".to_owned(),
            why: "they prove what a brand paid for, and are kept without the name of who took them, as the camera wrote them".to_owned(),
            until: None,
        },
    ];
    match papers::any_last_credit(tx, &user.id)? {
        Some(at) if papers::any_profile(tx, &user.id)?.is_some() => {
            let until = kept_until(at, REPORT_YEARS);
            papers::keep_profile_until(tx, &user.id, until)?;
            kept.push(Kept {
                what: "tax profile, sealed".to_owned(),
                why:
                    "the yearly report to the tax authorities and its proof (Directive 2011/16/EU, annex V: five years)"
                        .to_owned(),
                until: Some(until),
            });
        }
        _ => {
            papers::drop_profile(tx, &user.id)?;
        }
    }
    if let Some(until) = papers::any_parties_until(tx, &user.id)? {
        kept.push(Kept {
            what: "name and address on invoices written in your name, sealed".to_owned(),
            why: "invoices must be kept for ten years".to_owned(),
            until: Some(until),
        });
    }
    if let Some(at) = erasures::any_last_order(tx, &user.id)? {
        kept.push(Kept {
            what: "name and account in the orders that the bank got, sealed".to_owned(),
            why: "orders to a bank are vouchers of the books and must be kept for ten years".to_owned(),
            until: Some(kept_until(at, DOCUMENT_YEARS)),
        });
    }
    Ok(kept)
}
