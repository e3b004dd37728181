//! Payouts: the worker asks or the daily run does, finance lets go, a job sends, the rail confirms, returns or refuses.
//! What is on its way sits in an account of its own until then. `sending` means that only the rail knows; the payout's id
//! is the rail's key, so an order that is sent again pays once. Keeps I08.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::scope::WorkerScope;
use crate::access::{Anyone, Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::payouts::PayoutChange;
use crate::db::rows::{ConfirmationRow, LateReturnRow, PayoutChoiceRow, PayoutMethodRow, PayoutRow};
use crate::db::{Conn, Tx, gift_codes, ledger, papers, payout_methods, payouts, queue, users};
use crate::domain::account::Account;
use crate::domain::event::{Actor, Event};
use crate::domain::ids::*;
use crate::domain::ledger::{AccountName, book};
use crate::domain::money::{Currency, Money};
pub use crate::domain::payout::Said;
use crate::domain::payout::{
    Order, PROVIDER_REMEMBERS, PayoutMove, PayoutState, Rail, day_of, is_batch_id, is_overdue,
};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::ops::deadlines::{BATCH_ROWS, Swept};
use crate::ops::payout_methods::{check_payable, open};
use crate::ops::{Page, bonuses, gift_codes as codes, letters, payout_batches, selfbilling, tax_profiles};

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PayoutView {
    pub id: PayoutId,
    pub worker_id: UserId,
    /// What leaves the balance.
    pub amount: Money,
    /// What the rail takes of it; the rest arrives.
    pub cost: Money,
    pub rail: Rail,
    pub method_id: Option<MethodId>,
    pub batch_id: Option<BatchId>,
    /// Enough of the account to recognise it.
    pub destination: String,
    pub state: PayoutState,
    pub bank_reference: Option<String>,
    pub return_reason: Option<String>,
    pub requested_at: At,
    pub settled_at: Option<At>,
    pub updated_at: At,
}

impl PayoutView {
    pub(super) fn of(row: PayoutRow) -> PayoutView {
        PayoutView {
            id: row.id,
            worker_id: row.worker_id,
            amount: Money::new(row.amount_minor, row.currency),
            cost: Money::new(row.cost_minor, row.currency),
            rail: row.rail,
            method_id: row.method_id,
            batch_id: row.batch_id,
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
    /// One of the worker's payout methods.
    pub method_id: String,
}

/// An amount in a currency that may be none of the worker's, or none at all: the balance does not hold it then.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedAmount {
    pub amount_minor: i64,
    /// Three capital letters.
    pub currency: String,
}

/// The worker asks for money; it leaves the balance at once.
pub fn request_payout(cx: &Cx, who: &Worker, once: &Once, asked: &PayoutBody) -> Outcome<PayoutView> {
    let mut errors = Vec::new();
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
    let (worker, scope) = (who.user(), WorkerScope::from(who));
    cx.write_once(who, once, |tx| {
        let method = MethodId::parse(&asked.method_id);
        let method = method.map(|id| payout_methods::find(tx, &scope, &id)).transpose()?.flatten();
        let method = method.or_missing("payout method")?;
        let now = tx.now();
        check_payable(tx, &cx.rules().payouts, &method, None, now)?;
        let held = held(tx, worker)?;
        if held.is_empty() {
            return Err(Refusal::new(Code::NothingToPay, "Your balance is empty.").into());
        }
        tax_profiles::gate(cx, tx, worker)?;
        let short = || Refusal::new(Code::InsufficientFunds, "Your balance does not hold this amount.");
        let amount = match (&asked.amount, held.as_slice()) {
            (Some(amount), _) => Money::new(amount.amount_minor, Currency::parse(&amount.currency).ok_or_else(short)?),
            (None, [all]) => all_of(cx, tx, &method, *all)?,
            (None, _) => {
                let detail = "Your balance has several currencies: ask for each by its amount.";
                return Err(Refusal::field("/amount", "required", detail).into());
            }
        };
        check_payable(tx, &cx.rules().payouts, &method, Some(amount.currency), now)?;
        create(cx, tx, &method, amount).map(PayoutView::of)
    })
}

/// What a worker has, currency by currency.
fn held(c: &mut Conn, worker: &UserId) -> Outcome<Vec<Money>> {
    let all = ledger::balances(c, &AccountName::worker_available(worker))?;
    Ok(all.into_iter().filter(|money| money.minor > 0).collect())
}

/// As much of a balance as the rail brings at once: all of it, or with gift codes the largest amount in stock.
fn all_of(cx: &Cx, tx: &mut Tx, method: &PayoutMethodRow, held: Money) -> Outcome<Money> {
    if method.rail != Rail::Voucher {
        return Ok(held);
    }
    let cost = cx.rules().payouts.cost_minor(Rail::Voucher);
    let until = codes::good_until(tx.now());
    let stock = gift_codes::any_stock(tx, until)?;
    let most = stock.into_iter().map(|(amount, _)| amount).filter(|amount| amount.currency == held.currency);
    let most = most.map(|amount| amount.minor.saturating_add(cost)).filter(|minor| *minor <= held.minor).max();
    Ok(Money::new(most.unwrap_or(held.minor), held.currency))
}

/// The payout itself: the money leaves the balance in this transaction.
fn create(cx: &Cx, tx: &mut Tx, method: &PayoutMethodRow, amount: Money) -> Outcome<PayoutRow> {
    let cost_minor = cx.rules().payouts.cost_minor(method.rail);
    if amount.minor <= cost_minor {
        let cost = Money::new(cost_minor, amount.currency);
        return Err(Refusal::new(Code::BelowCost, format!("One payout this way costs {cost}.")).into());
    }
    if method.rail == Rail::Voucher {
        let until = codes::good_until(tx.now());
        let stock = gift_codes::any_stock(tx, until)?;
        let net = Money::new(amount.minor - cost_minor, amount.currency);
        if !stock.iter().any(|(face, _)| *face == net) {
            let faces: Vec<String> = stock.iter().map(|(face, _)| face.to_string()).collect();
            let faces = if faces.is_empty() { "none".to_owned() } else { faces.join(", ") };
            return Err(Refusal::new(Code::NoGiftCode, format!("There are codes of: {faces}.")).into());
        }
    }
    let worker = &method.worker_id;
    let most = cx.rules().payouts.open_max;
    if payouts::any_open(tx, worker)? >= most {
        return Err(Refusal::new(Code::TooManyPayouts, format!("{most} of yours are on their way.")).into());
    }
    let row = PayoutRow {
        id: tx.id(),
        worker_id: worker.clone(),
        amount_minor: amount.minor,
        currency: amount.currency,
        destination: method.masked.clone(),
        state: PayoutState::Requested,
        approved_by: None,
        bank_reference: None,
        return_reason: None,
        requested_at: tx.now(),
        settled_at: None,
        updated_at: tx.now(),
        version: 1,
        method_id: Some(method.id.clone()),
        rail: method.rail,
        cost_minor,
        batch_id: None,
    };
    payouts::insert(tx, &row)?;
    let event = Event::new("payout.requested", &row.id);
    let event =
        event.data(json!({ "amount": amount, "worker_id": worker, "rail": row.rail, "cost_minor": cost_minor }));
    let event = tx.record(event)?;
    // The book's own words name what a brand lacks.
    ledger::apply(tx, &event, &book::request_payout(worker, amount)).map_err(|failure| match failure.code() {
        Some(Code::InsufficientFunds) => {
            Refusal::new(Code::InsufficientFunds, "Your balance does not hold this amount.").into()
        }
        _ => failure,
    })?;
    Ok(row)
}

/// The worker takes back a payout that nobody has begun to let go.
pub fn cancel_payout(cx: &Cx, who: &Worker, once: &Once, id: &PayoutId) -> Outcome<PayoutView> {
    cx.write_once(who, once, |tx| {
        let row = payouts::any_by_id(tx, id)?.filter(|row| row.worker_id == *who.user()).or_missing("payout")?;
        if row.batch_id.is_some() {
            return Err(Refusal::new(Code::PayoutState, "It is being let go with others.").into());
        }
        cancel(tx, &row, None).map(|(row, _)| PayoutView::of(row))
    })
}

/// Finance takes a payout out of the queue before it was let go; its worker reads why.
pub fn stop_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId, asked: &ReturnBody) -> Outcome<PayoutView> {
    check_reason(&asked.reason)?;
    cx.write_once(who, once, |tx| {
        let read = payouts::any_by_id(tx, id)?.or_missing("payout")?;
        if read.batch_id.is_some() && read.state == PayoutState::Requested {
            let refusal = Refusal::new(Code::PayoutState, "It is in a batch: discard that one first.");
            return Err(Refusal { allowed: vec!["batch".to_owned()], ..refusal }.into());
        }
        let (row, event) = cancel(tx, &read, Some(&asked.reason))?;
        let text = format!(
            "Your payout of {} was stopped before it left.\n{}\nThe money is in your balance again. Put right what is \
             named, and ask once more.",
            Money::new(row.amount_minor, row.currency),
            asked.reason
        );
        write_to(tx, &event, &row, "Your payout was stopped", &text)?;
        Ok(PayoutView::of(row))
    })
}

fn check_reason(reason: &str) -> Outcome<()> {
    if !(3..=500).contains(&reason.chars().count()) || reason.contains('\0') {
        return Err(Refusal::field("/reason", "length", "3 to 500 characters: the worker reads them.").into());
    }
    Ok(())
}

/// As it was read outside of any batch: whoever puts it into one in between was quicker.
fn cancel(tx: &mut Tx, read: &PayoutRow, reason: Option<&str>) -> Outcome<(PayoutRow, EventId)> {
    let change = PayoutChange { return_reason: reason.map(str::to_owned), ..PayoutChange::default() };
    let (row, event) = step_from(tx, read, PayoutMove::Cancel, "payout.cancelled", reason, change)?;
    let amount = Money::new(row.amount_minor, row.currency);
    ledger::apply(tx, &event, &book::return_payout(&row.worker_id, amount))?;
    Ok((row, event))
}

/// In whose name the daily run acts.
const RUN: Actor = Actor::Machine("pay_out");

/// The daily run: all that each worker has who chose so, once a day. Who cannot be paid now comes again with the next run.
pub fn pay_out(cx: &Cx) -> Outcome<Swept> {
    let due = cx.read(|c| payout_methods::any_due(c, cx.now(), BATCH_ROWS as i64))?;
    let mut swept = Swept { done: 0, failed: Vec::new() };
    for choice in due {
        match cx.write_as(&RUN, |tx| pay_one(cx, tx, &choice)) {
            Ok(()) => swept.done += 1,
            Err(failure) => swept.failed.push((choice.worker_id.to_string(), failure)),
        }
    }
    Ok(swept)
}

fn pay_one(cx: &Cx, tx: &mut Tx, choice: &PayoutChoiceRow) -> Outcome<()> {
    let rules = &cx.rules().payouts;
    // Whatever this run finds, it is the only one of its day.
    tx.nothing_changed();
    let now = tx.now();
    if !payout_methods::ran(tx, choice, rules.next_run(now))? {
        return Ok(());
    }
    match tax_profiles::gate(cx, tx, &choice.worker_id) {
        Err(Failure::Refused(_)) => return Ok(()),
        passed => passed?,
    }
    let Some(method) = payout_methods::any_find(tx, &choice.method_id)? else { return Ok(()) };
    for money in held(tx, &choice.worker_id)? {
        match check_payable(tx, rules, &method, Some(money.currency), now) {
            Ok(()) => {}
            Err(Failure::Refused(_)) => continue,
            Err(failure) => return Err(failure),
        }
        let amount = all_of(cx, tx, &method, money)?;
        match create(cx, tx, &method, amount) {
            // Refused before anything was written.
            Err(Failure::Refused(refusal))
                if matches!(refusal.code, Code::BelowCost | Code::NoGiftCode | Code::TooManyPayouts) => {}
            created => {
                created?;
            }
        }
    }
    Ok(())
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
        _ => &[],
    };
    let allowed = allowed.iter().map(|step| (*step).to_owned()).collect();
    Refusal { allowed, ..Refusal::new(Code::PayoutState, format!("Its state is {state}.")) }.into()
}

/// Moves a payout by its state machine and records it.
pub(super) fn step(
    tx: &mut Tx,
    id: &PayoutId,
    step: PayoutMove,
    kind: &'static str,
    cause: Option<&str>,
    change: PayoutChange,
) -> Outcome<(PayoutRow, EventId)> {
    let read = payouts::any_by_id(tx, id)?.or_missing("payout")?;
    step_from(tx, &read, step, kind, cause, change)
}

/// The same, of a payout as it was read.
fn step_from(
    tx: &mut Tx,
    read: &PayoutRow,
    step: PayoutMove,
    kind: &'static str,
    cause: Option<&str>,
    change: PayoutChange,
) -> Outcome<(PayoutRow, EventId)> {
    let to = read.state.next(step).ok_or_else(|| wrong_state(read.state))?;
    let row = payouts::move_state(tx, read, to, change)?.ok_or_else(|| {
        Failure::from(Refusal::new(Code::PayoutState, "It was moved at the same moment; read it again."))
    })?;
    let event = Event::new(kind, &row.id).moved(read.state.as_str(), to.as_str()).data(json!({
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

/// Only what moves no money is let go one by one, and by one person; the test bank says nothing by itself.
fn of_test_bank(c: &mut Conn, id: &PayoutId, in_batch: bool) -> Outcome<()> {
    let row = payouts::any_by_id(c, id)?.or_missing("payout")?;
    if row.rail == Rail::Test && (in_batch || row.batch_id.is_none()) {
        return Ok(());
    }
    let refusal = Refusal::new(Code::PayoutState, "It goes out in a batch, or its rail says what became of it.");
    Err(Refusal { allowed: vec!["batch".to_owned()], ..refusal }.into())
}

/// Finance lets a payout go to the test bank.
pub fn approve_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId) -> Outcome<PayoutView> {
    cx.write_once(who, once, |tx| {
        of_test_bank(tx, id, false)?;
        Ok(PayoutView::of(let_go(tx, id, who.user())?))
    })
}

/// From here on it may leave.
pub(super) fn let_go(tx: &mut Tx, id: &PayoutId, by: &UserId) -> Outcome<PayoutRow> {
    let change = PayoutChange { approved_by: Some(by.clone()), ..PayoutChange::default() };
    Ok(step(tx, id, PayoutMove::Approve, "payout.approved", None, change)?.0)
}

/// The test bank says that it arrived.
pub fn settle_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId) -> Outcome<PayoutView> {
    cx.write_once(who, once, |tx| {
        of_test_bank(tx, id, true)?;
        settle(cx, tx, id).map(PayoutView::of)
    })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// What the bank said; the worker reads it.
    pub reason: String,
}

/// The test bank sent it back: it is in the worker's balance again.
pub fn return_payout(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId, asked: &ReturnBody) -> Outcome<PayoutView> {
    check_reason(&asked.reason)?;
    cx.write_once(who, once, |tx| {
        of_test_bank(tx, id, true)?;
        let row = payouts::any_by_id(tx, id)?.or_missing("payout")?;
        if row.state != PayoutState::Sent {
            return Err(wrong_state(row.state));
        }
        give_back(cx, tx, id, PayoutMove::Return, &asked.reason).map(PayoutView::of)
    })
}

/// It arrived: what the rail cost leaves with it.
fn settle(cx: &Cx, tx: &mut Tx, id: &PayoutId) -> Outcome<PayoutRow> {
    let change = PayoutChange { settled_at: Some(tx.now()), ..PayoutChange::default() };
    let (row, event) = step(tx, id, PayoutMove::Settle, "payout.settled", None, change)?;
    confirm(tx, &row)?;
    let net = Money::new(row.amount_minor - row.cost_minor, row.currency);
    ledger::apply(tx, &event, &book::settle_payout(&row.worker_id, net))?;
    if row.cost_minor > 0 {
        let cost = Money::new(row.cost_minor, row.currency);
        ledger::apply(tx, &event, &book::rail_cost(&row.worker_id, cost))?;
    }
    let text = format!("{net} arrived at {}. There is nothing left for you to do.", row.destination);
    write_to(tx, &event, &row, "Your payout arrived", &text)?;
    selfbilling::settled(cx, tx, &row)?;
    make_up_for_lateness(cx, tx, &row)?;
    ended(tx, &row)?;
    Ok(row)
}

/// Who waited too long gets something of the platform's own, where its rules say so.
fn make_up_for_lateness(cx: &Cx, tx: &mut Tx, row: &PayoutRow) -> Outcome<()> {
    let rules = cx.rules();
    let expected = rules.payouts.expected_on(row.requested_at, Some((row.rail, row.requested_at)));
    let arrived = day_of(tx.now());
    let amount = Money::new(row.amount_minor, row.currency);
    let share = amount.share(rules.late_bonus_percent, 100)?;
    if share.minor == 0 || !is_overdue(expected, arrived) {
        return Ok(());
    }
    let percent = rules.late_bonus_percent;
    let reason = format!(
        "Your payout of {amount} was expected on {expected} and arrived on {arrived}: this is {percent}% of it."
    );
    bonuses::late_bonus(tx, &row.worker_id, None, share, &reason, None)?;
    Ok(())
}

/// It came back or was refused: all of it is in the worker's balance again.
fn give_back(cx: &Cx, tx: &mut Tx, id: &PayoutId, how: PayoutMove, reason: &str) -> Outcome<PayoutRow> {
    let change = PayoutChange { return_reason: Some(reason.to_owned()), ..PayoutChange::default() };
    let kind = if how == PayoutMove::Fail { "payout.failed" } else { "payout.returned" };
    let before = payouts::any_by_id(tx, id)?.or_missing("payout")?;
    let (row, event) = step(tx, id, how, kind, Some("bank"), change)?;
    let mut amount = Money::new(row.amount_minor, row.currency);
    if before.state == PayoutState::Settled {
        amount.minor -= row.cost_minor;
        let late = LateReturnRow {
            bank_reference: reference_of(&row),
            payout_id: row.id.clone(),
            reason: reason.to_owned(),
            at: tx.now(),
        };
        if !payouts::return_late(tx, &late)? {
            return Err(Refusal::new(Code::PayoutState, "It came back before.").into());
        }
        ledger::apply(tx, &event, &book::return_settled_payout(&row.worker_id, amount))?;
        selfbilling::returned(cx, tx, &row)?;
        tell_of_nobody(tx, &event, &row, amount)?;
    } else {
        confirm(tx, &row)?;
        ledger::apply(tx, &event, &book::return_payout(&row.worker_id, amount))?;
    }
    let (subject, told) = match how {
        PayoutMove::Fail => ("Your payout could not be sent", format!("{amount} could not be sent.")),
        _ => ("Your payout came back", format!("The bank sent {amount} back.")),
    };
    let text = format!(
        "{told}\n{reason}\nThe money is in your balance again. Check the destination ({}) and ask once more.",
        row.destination
    );
    write_to(tx, &event, &row, subject, &text)?;
    ended(tx, &row)?;
    Ok(row)
}

/// Money that came back to somebody who was erased: only people can find out whose it is.
fn tell_of_nobody(tx: &mut Tx, event: &EventId, row: &PayoutRow, amount: Money) -> Outcome<()> {
    if users::any_find(tx, &row.worker_id)?.is_none_or(|user| user.state != UserState::Erased) {
        return Ok(());
    }
    let text = format!(
        "{amount} came back from the payout {}, whose worker was erased. It is booked as theirs ({}), and nobody can ask for \
         it: find out with the bank's reference whose it is.\n",
        row.id, row.worker_id
    );
    letters::to_finance(tx, event, "Money came back to somebody who was erased", &text)
}

/// The rail's name of an order; ours where it has given none.
fn reference_of(row: &PayoutRow) -> String {
    row.bank_reference.clone().unwrap_or_else(|| row.id.to_string())
}

/// Notes the rail's last word, once.
fn confirm(tx: &mut Tx, row: &PayoutRow) -> Outcome<()> {
    let (reference, outcome) = (reference_of(row), row.state.as_str().to_owned());
    let confirmation = ConfirmationRow { bank_reference: reference, payout_id: row.id.clone(), outcome, at: tx.now() };
    match payouts::confirm(tx, &confirmation)? {
        true => Ok(()),
        false => Err(Refusal::new(Code::PayoutState, "The bank's reference was confirmed before.").into()),
    }
}

fn ended(tx: &mut Tx, row: &PayoutRow) -> Outcome<()> {
    row.batch_id.as_ref().map_or(Ok(()), |batch| payout_batches::progress(tx, batch))
}

pub(super) fn write_to(tx: &mut Tx, event: &EventId, row: &PayoutRow, subject: &str, text: &str) -> Outcome<()> {
    let email = payouts::any_email(tx, &row.worker_id)?;
    letters::send(tx, event, &email, subject, text)
}

/// What that meant here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    Moved,
    /// It was known.
    Known,
    /// It does not fit what was heard before; a person looks at it.
    Contradicts,
}

/// Takes the rail's word for one payout, whatever was heard of it before; the same word again changes nothing.
pub(super) fn hear(cx: &Cx, tx: &mut Tx, id: &PayoutId, said: &Said) -> Outcome<Heard> {
    use PayoutState as S;
    let mut row = payouts::any_by_id(tx, id)?.or_missing("payout")?;
    papers::lock_worker(tx, &row.worker_id)?;
    // Who held the worker may have moved it.
    row = payouts::any_by_id(tx, &row.id)?.or_missing("payout")?;
    match (row.state, said) {
        (S::Sent | S::Settled | S::Returned, Said::Accepted(_))
        | (S::Settled | S::Returned, Said::Settled)
        | (S::Returned, Said::Returned(_))
        | (S::Failed, Said::Failed(_)) => return Ok(Heard::Known),
        (S::Requested | S::Cancelled | S::Failed | S::Returned, _) | (S::Settled, Said::Failed(_)) => {
            return Ok(Heard::Contradicts);
        }
        (S::Approved | S::Sending | S::Sent | S::Settled, _) => {}
    }
    if row.state == S::Approved {
        // The rail knows of it, so it was sent.
        row = step(tx, id, PayoutMove::Send, "payout.sending", Some("bank"), PayoutChange::default())?.0;
    }
    if row.state == S::Sending && !matches!(said, Said::Failed(_)) {
        let reference = match said {
            Said::Accepted(reference) => reference.clone(),
            _ => reference_of(&row),
        };
        let change = PayoutChange { bank_reference: Some(reference), ..PayoutChange::default() };
        row = step(tx, id, PayoutMove::Accepted, "payout.sent", None, change)?.0;
    }
    match said {
        Said::Accepted(_) => ended(tx, &row)?,
        Said::Settled => {
            settle(cx, tx, id)?;
        }
        Said::Returned(reason) => {
            give_back(cx, tx, id, PayoutMove::Return, reason)?;
        }
        Said::Failed(reason) => {
            give_back(cx, tx, id, PayoutMove::Fail, reason)?;
        }
    }
    Ok(Heard::Moved)
}

/// In whose name the job acts.
const SENDER: Actor = Actor::Machine("send_payouts");

/// The queue of payouts to ask about now.
pub const ASK_RAIL: &str = "ask_rail";
/// Rails that a process talks to.
const SPOKEN_TO: &[Rail] = &[Rail::Test, Rail::PayPal];

/// Approved payouts that wait for their rail, oldest first.
pub fn to_send(cx: &Cx, after: Option<&PayoutId>, limit: i64) -> Outcome<Vec<Order>> {
    in_state(cx, PayoutState::Approved, SPOKEN_TO, after, limit)
}

/// Payouts of which only the rail knows whether it has them: the process was killed between the order and its record, or
/// the answer was lost.
pub fn stuck_sending(cx: &Cx, after: Option<&PayoutId>, limit: i64) -> Outcome<Vec<Order>> {
    in_state(cx, PayoutState::Sending, SPOKEN_TO, after, limit)
}

/// Whether only the rail knows of it now: nobody said meanwhile what became of it.
pub fn is_sending(cx: &Cx, id: &PayoutId) -> Outcome<bool> {
    Ok(cx.read(|c| payouts::any_by_id(c, id))?.is_some_and(|row| row.state == PayoutState::Sending))
}

/// Payouts that the rail has, and that it will tell more of when it is asked.
pub fn to_ask(cx: &Cx, after: Option<&PayoutId>, limit: i64) -> Outcome<Vec<Order>> {
    in_state(cx, PayoutState::Sent, &[Rail::PayPal], after, limit)
}

fn in_state(cx: &Cx, state: PayoutState, rails: &[Rail], after: Option<&PayoutId>, limit: i64) -> Outcome<Vec<Order>> {
    let mut after = after.cloned();
    // A list ends where there are no more rows, not where none of them can be read.
    loop {
        let rows = cx.read(|c| payouts::any_on(c, state, rails, after.as_ref(), limit))?;
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        after = Some(last.id.clone());
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id.clone();
            match order_of(cx, row) {
                Ok(order) => orders.push(order),
                // One that does not open must not keep the others.
                Err(Failure::Fault(why)) => tracing::error!(payout = id.as_str(), why, "a payout cannot be sent"),
                Err(failure) => return Err(failure),
            }
        }
        if !orders.is_empty() {
            return Ok(orders);
        }
    }
}

fn order_of(cx: &Cx, row: PayoutRow) -> Outcome<Order> {
    let method = row.method_id.as_ref().map(|id| cx.read(|c| payout_methods::any_find(c, id))).transpose()?.flatten();
    // Before there were methods, payouts went to the test bank.
    let account = match method {
        Some(method) => open(cx, &method)?,
        None => Account::of_test_bank(&row.destination),
    };
    Ok(Order {
        amount: Money::new(row.amount_minor - row.cost_minor, row.currency),
        forgotten: cx.now().secs_since(row.updated_at) > PROVIDER_REMEMBERS.as_secs(),
        payout: row.id,
        rail: row.rail,
        destination: row.destination,
        account,
        reference: row.bank_reference,
    })
}

/// One payout of a rail that is spoken to, for who was told to look; `None` when it is none or was not sent. `offered` is
/// the name that the rail is said to have given to an order of which we know none.
pub fn to_ask_about(cx: &Cx, id: &PayoutId, offered: Option<String>) -> Outcome<Option<(Order, PayoutState)>> {
    let Some(mut row) = cx.read(|c| payouts::any_by_id(c, id))?.filter(|row| row.rail == Rail::PayPal) else {
        return Ok(None);
    };
    match offered {
        Some(name) if nameless(&row) => row.bank_reference = Some(name),
        Some(_) => return Ok(None),
        None => {}
    }
    if row.bank_reference.is_none() {
        return Ok(None);
    }
    let state = row.state;
    Ok(Some((order_of(cx, row)?, state)))
}

/// The rail may have it, and we do not know under which name.
fn nameless(row: &PayoutRow) -> bool {
    row.state == PayoutState::Sending && row.bank_reference.is_none()
}

/// However often it is told to, the rail is not asked about one payout more often than this.
const ASK_PAUSE_SECS: i64 = 60;

/// PayPal says that something happened to a payout of ours. It is believed nothing: it is asked.
/// `batch` is PayPal's name of it.
pub fn hear_hook(cx: &Cx, who: &Anyone, item: &str, batch: Option<&str>) -> Outcome<()> {
    let Some(id) = PayoutId::parse(item) else { return Ok(()) };
    cx.write(who, |tx| {
        tx.nothing_changed();
        let Some(row) = payouts::any_by_id(tx, &id)?.filter(|row| row.rail == Rail::PayPal) else { return Ok(()) };
        match batch.filter(|name| is_batch_id(name)) {
            _ if row.bank_reference.is_some() => queue::knock(tx, ASK_RAIL, id.as_str(), None, ASK_PAUSE_SECS),
            Some(name) if nameless(&row) => queue::knock(tx, ASK_RAIL, id.as_str(), Some(name), ASK_PAUSE_SECS),
            _ => Ok(()),
        }
    })?;
    cx.wake_jobs();
    Ok(())
}

/// From here on only the rail knows. False when somebody else took it: then it must not be sent from here.
pub fn mark_sending(cx: &Cx, id: &PayoutId) -> Outcome<bool> {
    let marked =
        cx.write_as(&SENDER, |tx| step(tx, id, PayoutMove::Send, "payout.sending", None, PayoutChange::default()));
    match marked {
        Ok(_) => Ok(true),
        Err(failure) if failure.code() == Some(Code::PayoutState) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Records what the rail said; false when it was known, or fits nothing.
pub fn record_word(cx: &Cx, id: &PayoutId, said: &Said) -> Outcome<bool> {
    cx.write_as(&SENDER, |tx| match hear(cx, tx, id, said)? {
        Heard::Moved => Ok(true),
        Heard::Known | Heard::Contradicts => {
            tx.nothing_changed();
            Ok(false)
        }
    })
}

/// The rail has it, under `reference`. False when that was recorded before.
pub fn mark_sent(cx: &Cx, id: &PayoutId, reference: &str) -> Outcome<bool> {
    record_word(cx, id, &Said::Accepted(reference.to_owned()))
}
