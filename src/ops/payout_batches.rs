//! Payouts that leave together: one person of finance prepares a batch, a machine checks it, another person approves it,
//! with a one-time code when it is large or doubted; then it is sent and reconciled. Each step is audited. The bank's file
//! is made once, at the approval, and kept sealed: it is the same for ever.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::payout_methods::{blocked, method_of, open};
use super::payouts::{PayoutView, Said, hear, let_go, write_to};
use super::{Page, step_up};
use crate::access::Finance;
use crate::access::token::hex;
use crate::context::{Cx, Once};
use crate::db::payout_batches::{self, BatchChange};
use crate::db::rows::{PayoutBatchRow, PayoutRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, payout_methods};
use crate::domain::event::Event;
use crate::domain::ids::{BatchId, EventId, UserId};
use crate::domain::money::{Currency, Money};
use crate::domain::payout::{
    BatchMove, BatchState, Blocked, Doubt, Item, PayoutState, Rail, check_batch, day_of, working_day,
};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::sepa::{self, Transfer, bank_id};
use crate::domain::time::At;

/// Payouts of one batch.
const ITEMS_MAX: i64 = 1000;
/// Payouts that are looked at together while a batch is filled.
const PAGE: i64 = 50;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct BatchView {
    pub id: BatchId,
    pub rail: Rail,
    pub state: BatchState,
    pub items: i64,
    /// What leaves the balances, what the rail takes of it included.
    pub total: Money,
    pub doubts: Vec<Doubt>,
    /// Its approval takes a one-time code.
    pub step_up: bool,
    pub prepared_by: UserId,
    pub prepared_at: At,
    pub checked_by: Option<UserId>,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<At>,
    /// Of the bank's file, in hexadecimal: what the bank is given is what was approved.
    pub file_sha256: Option<String>,
    /// When somebody first had the file.
    pub file_taken_at: Option<At>,
    pub updated_at: At,
}

/// A batch with its payouts.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct BatchWithItems {
    #[serde(flatten)]
    pub batch: BatchView,
    pub payouts: Vec<PayoutView>,
}

fn doubts_of(row: &PayoutBatchRow) -> Vec<Doubt> {
    serde_json::from_value(row.doubts.0.clone()).unwrap_or_default()
}

fn stays_doubted(doubts: &[Doubt]) -> bool {
    doubts.iter().any(|doubt| !doubt.put_back)
}

fn view(cx: &Cx, row: PayoutBatchRow) -> BatchView {
    let doubts = doubts_of(&row);
    BatchView {
        step_up: row.total_minor > cx.rules().payouts.step_up_minor || stays_doubted(&doubts),
        doubts,
        id: row.id,
        rail: row.rail,
        state: row.state,
        items: row.items,
        total: Money::new(row.total_minor, row.currency),
        prepared_by: row.prepared_by,
        prepared_at: row.prepared_at,
        checked_by: row.checked_by,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        file_sha256: row.file_sha256,
        file_taken_at: row.file_taken_at,
        updated_at: row.updated_at,
    }
}

/// Newest first. Cursor: id.
pub fn list_payout_batches(cx: &Cx, _who: &Finance, after: Option<&str>, limit: i64) -> Outcome<Page<BatchView>> {
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let before = after.map(|text| BatchId::parse(text).ok_or_else(bad)).transpose()?;
    let rows = cx.read(|c| payout_batches::any_page(c, before.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), |row| view(cx, row)))
}

pub fn get_payout_batch(cx: &Cx, _who: &Finance, id: &BatchId) -> Outcome<BatchWithItems> {
    let (row, items) = cx.read(|c| {
        let row = payout_batches::any_find(c, id)?.or_missing("batch")?;
        Ok((row, payout_batches::any_items(c, id)?))
    })?;
    Ok(BatchWithItems { batch: view(cx, row), payouts: items.into_iter().map(PayoutView::of).collect() })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    pub rail: Rail,
    pub currency: Currency,
}

/// Why a payout may not leave now.
fn blocked_now(cx: &Cx, c: &mut Conn, row: &PayoutRow) -> Outcome<(Option<Blocked>, String)> {
    let method = row.method_id.as_ref().map(|id| payout_methods::any_find(c, id)).transpose()?.flatten();
    let Some(method) = method else { return Ok((Some(Blocked::Removed), row.id.to_string())) };
    let why = blocked(c, &cx.rules().payouts, &method, cx.now())?;
    let why = why.or((!method_of(&method).takes(row.currency, &cx.rules().payouts)).then_some(Blocked::Currency));
    let why = match why {
        None if open(cx, &method).is_err() => {
            tracing::error!(method = method.id.as_str(), "a payout method does not open: is its key missing?");
            Some(Blocked::Unreadable)
        }
        why => why,
    };
    Ok((why, method.mark))
}

/// Puts together what waits on one rail in one currency and may leave now, oldest first.
pub fn prepare_payout_batch(cx: &Cx, who: &Finance, once: &Once, asked: &BatchBody) -> Outcome<BatchView> {
    cx.write_once(who, once, |tx| {
        let id: BatchId = tx.id();
        let (mut items, mut total_minor, mut after) = (0_i64, 0_i64, None);
        // What may not leave now is passed over, however much of it waits in front.
        'full: loop {
            let page = payout_batches::any_waiting(tx, asked.rail, asked.currency, after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for row in page {
                if blocked_now(cx, tx, &row)?.0.is_some() || !payout_batches::put(tx, &row, &id)? {
                    continue;
                }
                tx.record(Event::new("payout.batched", &row.id).data(json!({ "batch_id": id })))?;
                items += 1;
                total_minor = total_minor.checked_add(row.amount_minor).ok_or_else(too_much)?;
                if items == ITEMS_MAX {
                    break 'full;
                }
            }
        }
        if items == 0 {
            return Err(Refusal::new(Code::NothingToPay, "No payout that may leave now waits there.").into());
        }
        let row = PayoutBatchRow {
            id,
            rail: asked.rail,
            currency: asked.currency,
            state: BatchState::Prepared,
            items,
            total_minor,
            doubts: Json(json!([])),
            prepared_by: who.user().clone(),
            prepared_at: tx.now(),
            checked_by: None,
            approved_by: None,
            approved_at: None,
            stepped_up: false,
            sealed_file: None,
            file_sha256: None,
            file_taken_at: None,
            updated_at: tx.now(),
            version: 1,
        };
        payout_batches::insert(tx, &row)?;
        let event = Event::new("payout_batch.prepared", &row.id);
        let total = Money::new(total_minor, row.currency);
        tx.record(event.data(json!({ "rail": row.rail, "items": items, "total": total })))?;
        Ok(view(cx, row))
    })
}

fn too_much() -> Failure {
    Refusal::new(Code::InvalidRequest, "The sum is too large.").into()
}

fn wrong_state(row: &PayoutBatchRow) -> Failure {
    let allowed: &[&str] = match row.state {
        BatchState::Prepared => &["check", "discard"],
        BatchState::Checked => &["check", "approve", "discard"],
        BatchState::Approved if row.rail == Rail::Bank && row.file_taken_at.is_none() => &["file", "withdraw"],
        BatchState::Approved => &["sent"],
        BatchState::Sent | BatchState::Reconciled | BatchState::Discarded => &[],
    };
    Refusal::wrong_state(row.state, allowed).into()
}

/// Moves a batch by its state machine and records it.
fn step(
    tx: &mut Tx,
    read: &PayoutBatchRow,
    step: BatchMove,
    kind: &'static str,
    change: BatchChange,
) -> Outcome<PayoutBatchRow> {
    let to = read.state.next(step).ok_or_else(|| wrong_state(read))?;
    let row = payout_batches::move_state(tx, read, to, change)?.ok_or_else(|| {
        Failure::from(Refusal::new(Code::WrongState, "It was moved at the same moment; read it again."))
    })?;
    let mut data = json!({ "items": row.items, "total": Money::new(row.total_minor, row.currency) });
    match step {
        BatchMove::Check => data["doubts"] = row.doubts.0.clone(),
        BatchMove::Approve => {
            (data["stepped_up"], data["file_sha256"]) = (json!(row.stepped_up), json!(row.file_sha256));
        }
        _ => {}
    }
    tx.record(Event::new(kind, &row.id).moved(read.state.as_str(), to.as_str()).data(data))?;
    Ok(row)
}

/// What a machine sees in the batch now.
fn look(cx: &Cx, c: &mut Conn, rows: &[PayoutRow]) -> Outcome<Vec<Doubt>> {
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let (blocked, mark) = blocked_now(cx, c, row)?;
        items.push(Item {
            payout: row.id.clone(),
            worker: row.worker_id.clone(),
            sharers: payout_methods::any_sharers(c, &mark, &row.worker_id)?,
            mark,
            amount_minor: row.amount_minor,
            cost_minor: row.cost_minor,
            blocked,
        });
    }
    Ok(check_batch(&items, &cx.rules().payouts))
}

/// The machine's checks. What may not leave goes back to wait; what is doubted stays, and asks for a one-time code.
pub fn check_payout_batch(cx: &Cx, who: &Finance, once: &Once, id: &BatchId) -> Outcome<BatchView> {
    cx.write_once(who, once, |tx| {
        let read = payout_batches::any_find(tx, id)?.or_missing("batch")?;
        read.state.next(BatchMove::Check).ok_or_else(|| wrong_state(&read))?;
        let (rows, gone) = payout_batches::any_items(tx, id)?.into_iter().partition::<Vec<_>, _>(waits);
        for row in &gone {
            release(tx, row, "ended")?;
        }
        let doubts = look(cx, tx, &rows)?;
        let (mut items, mut total_minor) = (0_i64, 0_i64);
        for row in &rows {
            if let Some(doubt) = doubts.iter().find(|doubt| doubt.put_back && doubt.payout_id == row.id) {
                let event = release(tx, row, &doubt.code)?;
                let text = format!(
                    "Your payout of {} could not go out with the others.\n{}\nIt waits, and goes out with the next ones \
                     when that is settled. You can also take it back: the money is in your balance again then.",
                    Money::new(row.amount_minor, row.currency),
                    doubt.detail
                );
                write_to(tx, &event, row, "Your payout waits", &text)?;
                continue;
            }
            items += 1;
            total_minor = total_minor.checked_add(row.amount_minor).ok_or_else(too_much)?;
        }
        let change = BatchChange {
            items: Some(items),
            total_minor: Some(total_minor),
            doubts: Some(Json(serde_json::to_value(&doubts).map_err(Failure::fault)?)),
            checked_by: Some(who.user().clone()),
            ..BatchChange::default()
        };
        Ok(view(cx, step(tx, &read, BatchMove::Check, "payout_batch.checked", change)?))
    })
}

/// The payouts wait again, outside of any batch.
pub fn discard_payout_batch(cx: &Cx, who: &Finance, once: &Once, id: &BatchId) -> Outcome<BatchView> {
    cx.write_once(who, once, |tx| {
        let read = payout_batches::any_find(tx, id)?.or_missing("batch")?;
        let row = step(tx, &read, BatchMove::Discard, "payout_batch.discarded", BatchChange::default())?;
        for item in payout_batches::any_items(tx, id)? {
            release(tx, &item, "discarded")?;
        }
        Ok(view(cx, row))
    })
}

/// Nothing else should be in a batch that nobody approved; what is there all the same must not keep the others.
fn waits(row: &PayoutRow) -> bool {
    row.state == PayoutState::Requested
}

/// Takes a payout out of its batch: it waits again, or was taken back.
fn release(tx: &mut Tx, row: &PayoutRow, why: &str) -> Outcome<EventId> {
    if !payout_batches::release(tx, row)? {
        return Err(moved());
    }
    tx.record(Event::new("payout.put_back", &row.id).because(why).data(json!({ "batch_id": row.batch_id })))
}

fn moved() -> Failure {
    Refusal::new(Code::WrongState, "A payout moved at the same moment.").into()
}

/// Nobody has had the bank's file, and nothing was heard of its payouts.
pub(super) fn never_left(c: &mut Conn, batch: &PayoutBatchRow) -> Outcome<bool> {
    let kept = batch.rail == Rail::Bank && batch.state == BatchState::Approved && batch.file_taken_at.is_none();
    Ok(kept && payout_batches::any_states(c, &batch.id)? == [PayoutState::Approved])
}

/// Undoes an approval, as long as nobody has had the bank's file: nothing can have left.
pub fn withdraw_payout_batch(cx: &Cx, who: &Finance, once: &Once, id: &BatchId) -> Outcome<BatchView> {
    cx.write_once(who, once, |tx| {
        payout_batches::bank_alone(tx)?;
        let read = payout_batches::lock(tx, id)?.or_missing("batch")?;
        if !never_left(tx, &read)? {
            return Err(wrong_state(&read));
        }
        let items = payout_batches::any_items(tx, id)?;
        let row = step(tx, &read, BatchMove::Withdraw, "payout_batch.withdrawn", BatchChange::default())?;
        for item in &items {
            if !payout_batches::withdraw(tx, item)? {
                return Err(moved());
            }
            let event = Event::new("payout.withdrawn", &item.id).moved("approved", "requested");
            tx.record(event.data(json!({ "batch_id": id })))?;
        }
        Ok(view(cx, row))
    })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ApprovalBody {
    /// Six digits of the second factor, where the batch asks for them.
    #[serde(default)]
    pub code: Option<String>,
}

/// A second person lets it go. Checked once more: what changed since the check is not approved unseen.
pub fn approve_payout_batch(
    cx: &Cx,
    who: &Finance,
    once: &Once,
    id: &BatchId,
    asked: &ApprovalBody,
) -> Outcome<BatchView> {
    let user = who.user();
    if asked.code.is_some() {
        step_up::count_try(cx, who, user)?;
    }
    let approved = cx.write_once(who, once, |tx| {
        let read = payout_batches::any_find(tx, id)?.or_missing("batch")?;
        read.state.next(BatchMove::Approve).ok_or_else(|| wrong_state(&read))?;
        if read.prepared_by == *user {
            return Err(Refusal::new(Code::SecondPerson, "You prepared this batch.").into());
        }
        let rows = payout_batches::any_items(tx, id)?;
        let sum = rows.iter().try_fold(0_i64, |sum, row| sum.checked_add(row.amount_minor)).ok_or_else(too_much)?;
        let seen: Vec<Doubt> = doubts_of(&read).into_iter().filter(|doubt| !doubt.put_back).collect();
        let counted = i64::try_from(rows.len()).map_err(Failure::fault)?;
        if look(cx, tx, &rows)? != seen || counted != read.items || sum != read.total_minor {
            let refusal = Refusal::new(Code::WrongState, "Something changed since it was checked.");
            return Err(Refusal { allowed: vec!["check".to_owned(), "discard".to_owned()], ..refusal }.into());
        }
        if rows.is_empty() {
            let refusal = Refusal::new(Code::WrongState, "Nothing is left in it.");
            return Err(Refusal { allowed: vec!["discard".to_owned()], ..refusal }.into());
        }
        let large = sum > cx.rules().payouts.step_up_minor || stays_doubted(&seen);
        if large {
            step_up::prove(cx, tx, user, asked.code.as_deref())?;
        }
        let mut change = BatchChange {
            approved_by: Some(user.clone()),
            approved_at: Some(tx.now()),
            stepped_up: Some(large),
            ..BatchChange::default()
        };
        if read.rail == Rail::Bank {
            let file = write_file(cx, tx, &read, &rows)?;
            change.sealed_file = Some(cx.vault().seal(&place(id), &file));
            change.file_sha256 = Some(hex(&Sha256::digest(file.as_bytes())));
        }
        let row = step(tx, &read, BatchMove::Approve, "payout_batch.approved", change)?;
        for item in &rows {
            let_go(tx, &item.id, user)?;
        }
        Ok(view(cx, row))
    });
    if asked.code.is_some() { step_up::judged(cx, who, user, approved) } else { approved }
}

fn place(id: &BatchId) -> String {
    format!("payout_batches.sealed_file/{id}")
}

/// The bank's file, from what is sealed with the methods.
fn write_file(cx: &Cx, tx: &mut Tx, batch: &PayoutBatchRow, rows: &[PayoutRow]) -> Outcome<String> {
    let debtor = cx.rules().payouts.debtor.clone();
    let debtor = debtor.ok_or_else(|| Refusal::new(Code::RailClosed, "There is no account to pay from."))?;
    let mut transfers = Vec::with_capacity(rows.len());
    for row in rows {
        let method = row.method_id.as_ref().map(|id| payout_methods::any_find(tx, id)).transpose()?.flatten();
        let method = method.ok_or_else(|| Failure::fault("a payout by bank without a method"))?;
        let account = open(cx, &method)?;
        transfers.push(Transfer {
            payout: row.id.clone(),
            minor: row.amount_minor - row.cost_minor,
            holder: account.holder,
            iban: account.number,
            bic: account.bic,
            street: account.street,
            building: account.building,
            postcode: account.postcode,
            town: account.town,
            country: account.country,
        });
    }
    Ok(sepa::write(&sepa::Order {
        batch: batch.id.to_string(),
        created: tx.now(),
        execution: working_day(day_of(tx.now())),
        debtor,
        currency: batch.currency,
        transfers,
    }))
}

/// The file for the bank, as it was approved. Taking it is recorded.
pub fn get_payout_batch_file(cx: &Cx, who: &Finance, id: &BatchId) -> Outcome<String> {
    cx.write(who, |tx| {
        let row = payout_batches::lock(tx, id)?.or_missing("batch")?;
        let no_file = || Refusal::wrong_state(row.state, if row.rail == Rail::Bank { &["approve"] } else { &[] });
        let sealed = row.sealed_file.clone().filter(|_| row.state != BatchState::Discarded).ok_or_else(no_file)?;
        if payout_batches::any_states(tx, id)?.into_iter().any(PayoutState::ended) {
            // Taken to the bank once more, it would pay what came back.
            return Err(Refusal::new(Code::WrongState, "The bank has answered it: some of it has ended.").into());
        }
        payout_batches::file_taken(tx, id)?;
        tx.record(Event::new("payout_batch.file_taken", id).data(json!({ "file_sha256": row.file_sha256 })))?;
        cx.vault().open(&place(id), &sealed).map_err(|_| Failure::fault("a file does not open: is its key missing?"))
    })
}

/// Finance says that the bank has the file; on other rails the process sends by itself.
pub fn mark_payout_batch_sent(cx: &Cx, who: &Finance, once: &Once, id: &BatchId) -> Outcome<BatchView> {
    cx.write_once(who, once, |tx| {
        payout_batches::bank_alone(tx)?;
        let read = payout_batches::any_find(tx, id)?.or_missing("batch")?;
        if read.rail != Rail::Bank || read.state != BatchState::Approved || read.file_taken_at.is_none() {
            return Err(wrong_state(&read));
        }
        for item in payout_batches::any_items(tx, id)? {
            if item.state == PayoutState::Approved {
                hear(cx, tx, &item.id, &Said::Accepted(bank_id(item.id.as_str())))?;
            }
        }
        let row = payout_batches::any_find(tx, id)?.or_missing("batch")?;
        Ok(view(cx, row))
    })
}

/// Moves a batch on when the last of its payouts has left, or has ended.
pub(super) fn progress(tx: &mut Tx, id: &BatchId) -> Outcome<()> {
    // Of two that end at once the second sees what the first did.
    let mut row = payout_batches::lock(tx, id)?.ok_or_else(|| Failure::fault("a payout of no batch"))?;
    let states = payout_batches::any_states(tx, id)?;
    let left = !states.iter().any(|s| matches!(s, PayoutState::Approved | PayoutState::Sending));
    if row.state == BatchState::Approved && left {
        row = step(tx, &row, BatchMove::Sent, "payout_batch.sent", BatchChange::default())?;
    }
    if row.state == BatchState::Sent && states.iter().all(|state| state.ended()) {
        step(tx, &row, BatchMove::Reconcile, "payout_batch.reconciled", BatchChange::default())?;
    }
    Ok(())
}
