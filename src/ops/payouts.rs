//! Payouts: the worker asks, finance approves, a job sends, the bank confirms or returns. What is on its way sits in an
//! account of its own until then. `sending` means that only the bank knows; the payout's id is the bank's key, so an
//! order that is sent again pays once. Keeps I08.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::scope::WorkerScope;
use crate::access::{Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::payouts::PayoutChange;
use crate::db::rows::{ConfirmationRow, PayoutRow};
use crate::db::{Tx, ledger, payouts};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::*;
use crate::domain::ledger::{AccountName, Journal, book};
use crate::domain::money::{Currency, Money};
use crate::domain::payout::{PayoutMove, PayoutState};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::ops::{Page, letters, selfbilling, tax_profiles};

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PayoutView {
    pub id: PayoutId,
    pub worker_id: UserId,
    pub amount: Money,
    pub destination: String,
    pub state: PayoutState,
    pub bank_reference: Option<String>,
    pub return_reason: Option<String>,
    pub requested_at: At,
    pub settled_at: Option<At>,
    pub updated_at: At,
}

impl PayoutView {
    fn of(row: PayoutRow) -> PayoutView {
        PayoutView {
            id: row.id,
            worker_id: row.worker_id,
            amount: Money::new(row.amount_minor, row.currency),
            destination: row.destination,
            state: row.state,
            bank_reference: row.bank_reference,
            return_reason: row.return_reason,
            requested_at: row.requested_at,
            settled_at: row.settled_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct PayoutBody {
    /// Null: all that is available.
    #[serde(default)]
    pub amount: Option<AskedAmount>,
    /// Where the money goes: an IBAN, or what the rail takes.
    pub destination: String,
}

/// An amount in a currency that may be none of the worker's, or none at all: the balance does not hold it then.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedAmount {
    pub amount_minor: i64,
    /// Three capital letters.
    pub currency: String,
}

/// 5 to 64 letters, digits, spaces, dots, colons and hyphens, beginning with a letter or a digit.
fn is_destination(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" .:-".contains(&b);
    (5..=64).contains(&text.len()) && text.bytes().all(plain) && text.as_bytes()[0].is_ascii_alphanumeric()
}

/// The worker asks for money; it leaves the balance at once.
pub fn request_payout(cx: &Cx, who: &Worker, once: &Once, asked: &PayoutBody) -> Outcome<PayoutView> {
    let mut errors = Vec::new();
    if !is_destination(&asked.destination) {
        let detail = "5 to 64 letters, digits, spaces, dots, colons and hyphens, beginning with a letter or a digit.";
        errors.push(FieldError::new("/destination", "pattern", detail));
    }
    if let Some(amount) = &asked.amount {
        if amount.amount_minor < 1 {
            errors.push(FieldError::new("/amount/amount_minor", "too_small", "At least 1."));
        }
        if amount.currency.len() != 3 || !amount.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            errors.push(FieldError::new("/amount/currency", "pattern", "Three capital letters, such as CHF."));
        }
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    }
    let worker = who.user();
    cx.write_once(who, once, |tx| {
        tax_profiles::gate(cx, tx, worker)?;
        let held: Vec<Money> = ledger::balances(tx, &AccountName::worker_available(worker))?
            .into_iter()
            .filter(|money| money.minor > 0)
            .collect();
        let short = || Refusal::new(Code::InsufficientFunds, "Your balance does not hold this amount.");
        let amount = match (&asked.amount, held.as_slice()) {
            (_, []) => return Err(Refusal::new(Code::NothingToPay, "Your balance is empty.").into()),
            (Some(amount), _) => Money::new(amount.amount_minor, Currency::parse(&amount.currency).ok_or_else(short)?),
            (None, [all]) => *all,
            (None, _) => {
                let detail = "Your balance has several currencies: ask for each by its amount.";
                return Err(Refusal::field("/amount", "required", detail).into());
            }
        };
        let row = PayoutRow {
            id: tx.id(),
            worker_id: worker.clone(),
            amount_minor: amount.minor,
            currency: amount.currency,
            destination: asked.destination.clone(),
            state: PayoutState::Requested,
            approved_by: None,
            bank_reference: None,
            return_reason: None,
            requested_at: tx.now(),
            settled_at: None,
            updated_at: tx.now(),
            version: 1,
        };
        payouts::insert(tx, &row)?;
        let event = Event::new("payout.requested", &row.id).data(json!({ "amount": amount, "worker_id": worker }));
        let event = tx.record(event)?;
        // The book's own words name what a brand lacks.
        ledger::apply(tx, &event, &book::request_payout(worker, amount)).map_err(|failure| match failure.code() {
            Some(Code::InsufficientFunds) => short().into(),
            _ => failure,
        })?;
        Ok(PayoutView::of(row))
    })
}

/// The worker's payouts, newest first. Cursor: id.
pub fn list_payouts(cx: &Cx, who: &Worker, after: Option<&str>, limit: i64) -> Outcome<Page<PayoutView>> {
    let scope = WorkerScope::from(who);
    let before = after.map(read_key).transpose()?;
    let rows = cx.read(|c| payouts::page(c, &scope, before.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), PayoutView::of))
}

/// Payouts of all workers, oldest first. Cursor: id.
pub fn list_all_payouts(
    cx: &Cx,
    _who: &Finance,
    state: Option<PayoutState>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<PayoutView>> {
    let after = after.map(read_key).transpose()?;
    let rows = cx.read(|c| payouts::any_page(c, state, after.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), PayoutView::of))
}

fn read_key(key: &str) -> Outcome<PayoutId> {
    PayoutId::parse(key).ok_or_else(|| Refusal::new(Code::InvalidCursor, "It does not belong to this list.").into())
}

fn wrong_state(state: PayoutState) -> Failure {
    let allowed: &[&str] = match state {
        PayoutState::Requested => &["approve"],
        PayoutState::Sent => &["settle", "return"],
        PayoutState::Approved | PayoutState::Sending | PayoutState::Settled | PayoutState::Returned => &[],
    };
    let allowed = allowed.iter().map(|step| (*step).to_owned()).collect();
    Refusal { allowed, ..Refusal::new(Code::PayoutState, format!("Its state is {state}.")) }.into()
}

/// Moves a payout by its state machine and records it.
fn step(
    tx: &mut Tx,
    id: &PayoutId,
    step: PayoutMove,
    kind: &'static str,
    cause: Option<&str>,
    change: PayoutChange,
) -> Outcome<(PayoutRow, EventId)> {
    let read = payouts::any_by_id(tx, id)?.or_missing("payout")?;
    let to = read.state.next(step).ok_or_else(|| wrong_state(read.state))?;
    let row = payouts::move_state(tx, &read, to, change)?.ok_or_else(|| {
        Failure::from(Refusal::new(Code::PayoutState, "It was moved at the same moment; read it again."))
    })?;
    let event = Event::new(kind, id).moved(read.state.as_str(), to.as_str()).data(json!({
        "amount": Money::new(row.amount_minor, row.currency), "worker_id": row.worker_id,
        "bank_reference": row.bank_reference,
    }));
    let event = match cause {
        Some(cause) => event.because(cause),
        None => event,
    };
    let event = tx.record(event)?;
    Ok((row, event))
}

/// Finance lets a payout go to the bank.
pub fn approve_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId) -> Outcome<PayoutView> {
    cx.write_once(who, once, |tx| {
        let change = PayoutChange { approved_by: Some(who.user().clone()), ..PayoutChange::default() };
        let (row, _) = step(tx, id, PayoutMove::Approve, "payout.approved", None, change)?;
        Ok(PayoutView::of(row))
    })
}

/// The bank says that it arrived.
pub fn settle_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId) -> Outcome<PayoutView> {
    cx.write_once(who, once, |tx| {
        let change = PayoutChange { settled_at: Some(tx.now()), ..PayoutChange::default() };
        let (row, event) = step(tx, id, PayoutMove::Settle, "payout.settled", None, change)?;
        end(tx, &event, &row, book::settle_payout)?;
        selfbilling::settled(cx, tx, &row, 0)?;
        let amount = Money::new(row.amount_minor, row.currency);
        let text = format!("{amount} arrived at {}. There is nothing left for you to do.", row.destination);
        write_to(tx, &event, &row, "Your payout arrived", &text)?;
        Ok(PayoutView::of(row))
    })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// What the bank said; the worker reads it.
    pub reason: String,
}

/// The bank sent it back: it is in the worker's balance again.
pub fn return_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId, asked: &ReturnBody) -> Outcome<PayoutView> {
    if !(3..=500).contains(&asked.reason.chars().count()) || asked.reason.contains('\0') {
        return Err(Refusal::field("/reason", "length", "3 to 500 characters: the worker reads them.").into());
    }
    cx.write_once(who, once, |tx| {
        let change = PayoutChange { return_reason: Some(asked.reason.clone()), ..PayoutChange::default() };
        let (row, event) = step(tx, id, PayoutMove::Return, "payout.returned", Some("bank"), change)?;
        end(tx, &event, &row, book::return_payout)?;
        selfbilling::returned(cx, tx, &row)?;
        let amount = Money::new(row.amount_minor, row.currency);
        let text = format!(
            "The bank sent {amount} back.\n{}\nThe money is in your balance again. Check the destination ({}) and ask once more.",
            asked.reason, row.destination
        );
        write_to(tx, &event, &row, "Your payout came back", &text)?;
        Ok(PayoutView::of(row))
    })
}

/// Notes the bank's word and moves the money out of `in payout`, once.
fn end(tx: &mut Tx, event: &EventId, row: &PayoutRow, journal: impl Fn(&UserId, Money) -> Journal) -> Outcome<()> {
    let reference = row.bank_reference.clone().ok_or_else(|| Failure::fault("a sent payout has no bank reference"))?;
    let outcome = row.state.as_str().to_owned();
    let confirmation = ConfirmationRow { bank_reference: reference, payout_id: row.id.clone(), outcome, at: tx.now() };
    if !payouts::confirm(tx, &confirmation)? {
        return Err(Refusal::new(Code::PayoutState, "The bank's reference was confirmed before.").into());
    }
    ledger::apply(tx, event, &journal(&row.worker_id, Money::new(row.amount_minor, row.currency)))?;
    Ok(())
}

fn write_to(tx: &mut Tx, event: &EventId, row: &PayoutRow, subject: &str, text: &str) -> Outcome<()> {
    let email = payouts::any_email(tx, &row.worker_id)?;
    letters::send(tx, event, &email, subject, text)
}

/// In whose name the job acts.
const SENDER: Actor = Actor::Machine("send_payouts");

/// Approved payouts that wait for the bank, oldest first.
pub fn to_send(cx: &Cx, limit: i64) -> Outcome<Vec<PayoutView>> {
    in_state(cx, PayoutState::Approved, limit)
}

/// Payouts of which only the bank knows whether it has them: the process was killed between the order and its record.
pub fn stuck_sending(cx: &Cx, limit: i64) -> Outcome<Vec<PayoutView>> {
    in_state(cx, PayoutState::Sending, limit)
}

fn in_state(cx: &Cx, state: PayoutState, limit: i64) -> Outcome<Vec<PayoutView>> {
    let rows = cx.read(|c| payouts::any_page(c, Some(state), None, limit))?;
    Ok(rows.into_iter().map(PayoutView::of).collect())
}

/// From here on only the bank knows. False when somebody else took it: then it must not be sent from here.
pub fn mark_sending(cx: &Cx, id: &PayoutId) -> Outcome<bool> {
    let marked =
        cx.write_as(&SENDER, |tx| step(tx, id, PayoutMove::Send, "payout.sending", None, PayoutChange::default()));
    match marked {
        Ok(_) => Ok(true),
        Err(failure) if failure.code() == Some(Code::PayoutState) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The bank has it, under `reference`. False when that was recorded before.
pub fn mark_sent(cx: &Cx, id: &PayoutId, reference: &str) -> Outcome<bool> {
    let marked = cx.write_as(&SENDER, |tx| {
        let change = PayoutChange { bank_reference: Some(reference.to_owned()), ..PayoutChange::default() };
        step(tx, id, PayoutMove::Accepted, "payout.sent", None, change)
    });
    match marked {
        Ok(_) => Ok(true),
        Err(failure) if failure.code() == Some(Code::PayoutState) => Ok(false),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_plain_text_of_some_length() {
        for good in ["CH93 0076 2011 6238 5295 7", "BE68539007547034", "test:ana"] {
            assert!(is_destination(good), "{good}");
        }
        for bad in ["", "CH93", " CH930076", "CH93\n0076", "Zürich 1234", &"A".repeat(65)] {
            assert!(!is_destination(bad), "{bad:?}");
        }
    }
}
