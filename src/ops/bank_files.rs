//! What banks tell of our transfers: a file is read once, each line is matched by our own id and by the amount, and what
//! fits no payout is listed, never guessed. A file that is imported again changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Page;
use super::payouts::{Heard, Said, hear};
use crate::access::Finance;
use crate::access::token::hex;
use crate::context::{Cx, Once};
use crate::db::rows::{BankEntryRow, BankFileRow, PayoutBatchRow, PayoutRow};
use crate::db::{Tx, payout_batches, payouts};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::money::{Currency, Money};
use crate::domain::payout::{PayoutState, Rail};
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::sepa::{self, Fit, Line, Word, bank_id};
use crate::domain::time::At;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct FileBody {
    /// The file as the bank gave it.
    pub xml: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct EntryView {
    pub id: String,
    pub file_id: BankFileId,
    pub end_to_end_id: Option<String>,
    pub bank_reference: Option<String>,
    /// What the bank said: `settled`, `returned`, `rejected`, `file_rejected`, `accepted`, `other`.
    pub word: String,
    pub reason: Option<String>,
    pub amount: Option<Money>,
    pub payout_id: Option<PayoutId>,
    /// `matched`: it moved a payout, or accepts one. `known`: it was heard before. `unknown`, `amount_differs`,
    /// `contradicts`, `other_account`, `failed`: a person looks at it.
    pub result: String,
    pub at: At,
}

impl EntryView {
    fn of(row: BankEntryRow) -> EntryView {
        let currency = row.currency.as_deref().and_then(Currency::parse);
        EntryView {
            id: row.id,
            file_id: row.file_id,
            end_to_end_id: row.end_to_end_id,
            bank_reference: row.bank_reference,
            word: row.word,
            reason: row.reason,
            amount: row.amount_minor.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
            payout_id: row.payout_id,
            result: row.result,
            at: row.at,
        }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct FileView {
    pub id: BankFileId,
    /// `pain.002` or `camt.054`.
    pub kind: String,
    pub message_id: String,
    pub imported_at: At,
    /// It had been imported before; nothing changed.
    pub again: bool,
    pub entries: Vec<EntryView>,
}

fn file_view(row: BankFileRow, again: bool, entries: Vec<BankEntryRow>) -> FileView {
    FileView {
        id: row.id,
        kind: row.kind,
        message_id: row.message_id,
        imported_at: row.imported_at,
        again,
        entries: entries.into_iter().map(EntryView::of).collect(),
    }
}

pub fn import_bank_file(cx: &Cx, who: &Finance, once: &Once, asked: &FileBody) -> Outcome<FileView> {
    let file = sepa::read(&asked.xml).map_err(|why| Refusal::new(Code::BankFileUnreadable, why))?;
    let sha256 = hex(&Sha256::digest(asked.xml.as_bytes()));
    cx.write_once(who, once, |tx| {
        payout_batches::bank_alone(tx)?;
        if let Some(row) = payout_batches::any_file(tx, &sha256)? {
            tx.nothing_changed();
            let entries = payout_batches::any_entries(tx, &row.id)?;
            return Ok(file_view(row, true, entries));
        }
        let row = BankFileRow {
            id: tx.id(),
            sha256: sha256.clone(),
            kind: file.kind.to_owned(),
            message_id: file.message_id.clone(),
            imported_by: who.user().clone(),
            imported_at: tx.now(),
        };
        if !payout_batches::add_file(tx, &row)? {
            let refusal = Refusal::new(Code::Busy, "The same file is being imported.");
            return Err(Refusal { retry_after_secs: Some(1), ..refusal }.into());
        }
        let mut entries = Vec::new();
        for line in &file.lines {
            for (payout, result, amount) in take_alone(cx, tx, line)? {
                let entry = BankEntryRow {
                    id: format!("{}-{:05}", row.id, entries.len()),
                    file_id: row.id.clone(),
                    end_to_end_id: line.end_to_end.clone(),
                    bank_reference: line.reference.clone(),
                    item_reference: line.item_reference.clone(),
                    word: line.word.as_str().to_owned(),
                    reason: line.reason.clone(),
                    amount_minor: amount.map(|(minor, _)| minor),
                    currency: amount.map(|(_, currency)| currency.code().to_owned()),
                    payout_id: payout,
                    result: result.as_str().to_owned(),
                    at: tx.now(),
                };
                payout_batches::add_entry(tx, entry.clone())?;
                entries.push(entry);
            }
        }
        let event = Event::new("bank_file.imported", &row.id);
        tx.record(event.data(json!({ "kind": row.kind, "message_id": row.message_id, "lines": entries.len() })))?;
        Ok(file_view(row, false, entries))
    })
}

/// A payout that a line names, what it meant for it, and the amount that it told.
type Meant = (Option<PayoutId>, Fit, Option<(i64, Currency)>);

/// A line that cannot be taken in does not keep the others of its file.
fn take_alone(cx: &Cx, tx: &mut Tx, line: &Line) -> Outcome<Vec<Meant>> {
    match tx.attempt(|tx| take(cx, tx, line)) {
        // The whole file is taken in again.
        Err(failure) if failure.code() == Some(Code::Busy) => Err(failure),
        Err(failure) => {
            let id = line.end_to_end.as_deref().unwrap_or("");
            tracing::error!(end_to_end_id = id, error = %failure, "a line of a bank could not be taken in");
            Ok(vec![(None, Fit::Failed, line.amount)])
        }
        taken => taken,
    }
}

/// What one line meant: for one payout, or for all of a file of ours.
fn take(cx: &Cx, tx: &mut Tx, line: &Line) -> Outcome<Vec<Meant>> {
    if !is_ours(cx, line) {
        return Ok(vec![(None, Fit::OtherAccount, line.amount)]);
    }
    match (line.word, &line.message, &line.end_to_end) {
        (Word::FileRejected, _, _) => return take_refused_file(cx, tx, line),
        (Word::Settled, Some(message), None) => return take_sum(cx, tx, line, message),
        _ => {}
    }
    let row = line.end_to_end.as_deref().and_then(sepa::payout_of);
    let row = row.map(|id| payouts::any_by_id(tx, &id)).transpose()?.flatten();
    let Some(row) = row.filter(|row| row.rail == Rail::Bank && row.approved_by.is_some()) else {
        return Ok(vec![(None, Fit::Unknown, line.amount)]);
    };
    let fits = match line.amount {
        Some(amount) => amount == net(&row),
        // A status report need not repeat the amount; where money moved it must.
        None => !matches!(line.word, Word::Settled | Word::Returned),
    };
    if !fits {
        return Ok(vec![(Some(row.id), Fit::AmountDiffers, line.amount)]);
    }
    let reason = || line.reason.clone().unwrap_or_else(|| "The bank gave no reason.".to_owned());
    let said = match line.word {
        Word::Settled => Said::Settled,
        Word::Returned => Said::Returned(reason()),
        Word::Rejected if !line.duplicate() => Said::Failed(reason()),
        Word::Accepted => Said::Accepted(bank_id(row.id.as_str())),
        // What was refused as a second one is what the first one is paying.
        Word::Rejected | Word::FileRejected | Word::Other => {
            return Ok(vec![(Some(row.id), Fit::Contradicts, line.amount)]);
        }
    };
    let mut fit = fit_of(hear(cx, tx, &row.id, &said)?);
    if let (Fit::Known, Word::Settled | Word::Returned, Some(reference)) = (fit, line.word, &line.item_reference)
        && payout_batches::any_other_reference(tx, &row.id, line.word.as_str(), reference)?
    {
        // Money moved twice for one payout.
        fit = Fit::Contradicts;
    }
    Ok(vec![(Some(row.id), fit, line.amount)])
}

/// A notification names the account that it is of; a status report may.
fn is_ours(cx: &Cx, line: &Line) -> bool {
    let told = matches!(line.word, Word::Accepted | Word::Rejected | Word::FileRejected | Word::Other);
    match (&cx.rules().payouts.debtor, &line.account) {
        (_, None) => told,
        (None, Some(_)) => false,
        (Some(debtor), Some(account)) => {
            account.chars().filter(|c| !c.is_whitespace()).eq(debtor.iban.chars().map(|c| c.to_ascii_uppercase()))
        }
    }
}

/// What was ordered.
fn net(row: &PayoutRow) -> (i64, Currency) {
    (row.amount_minor - row.cost_minor, row.currency)
}

fn fit_of(heard: Heard) -> Fit {
    match heard {
        Heard::Moved => Fit::Matched,
        Heard::Known => Fit::Known,
        Heard::Contradicts => Fit::Contradicts,
    }
}

fn batch_of(tx: &mut Tx, line: &Line) -> Outcome<Option<PayoutBatchRow>> {
    let batch = line.message.as_deref().and_then(sepa::batch_of);
    let batch = batch.map(|id| payout_batches::any_find(tx, &id)).transpose()?.flatten();
    Ok(batch.filter(|batch| batch.rail == Rail::Bank && batch.approved_by.is_some()))
}

fn take_refused_file(cx: &Cx, tx: &mut Tx, line: &Line) -> Outcome<Vec<Meant>> {
    let Some(batch) = batch_of(tx, line)? else {
        return Ok(vec![(None, Fit::Unknown, line.amount)]);
    };
    // A second upload was refused, or the bank refuses what it had taken.
    let doubted = line.duplicate() || payout_batches::any_taken_by_bank(tx, &batch.id)?;
    let why = line.reason.clone().unwrap_or_else(|| "The bank refused the file.".to_owned());
    let mut results = Vec::new();
    for row in payout_batches::any_items(tx, &batch.id)? {
        let fit = match doubted {
            true => Fit::Contradicts,
            false => fit_of(hear(cx, tx, &row.id, &Said::Failed(why.clone()))?),
        };
        results.push((Some(row.id), fit, None));
    }
    Ok(results)
}

/// One sum for a file of ours. It settles what is open of it, if that is the same number and the same money.
fn take_sum(cx: &Cx, tx: &mut Tx, line: &Line, message: &str) -> Outcome<Vec<Meant>> {
    let Some(batch) = batch_of(tx, line)? else {
        tracing::info!(message, "a bank booked a sum of none of our files");
        return Ok(vec![(None, Fit::Unknown, line.amount)]);
    };
    let items = payout_batches::any_items(tx, &batch.id)?;
    let open: Vec<&PayoutRow> = items.iter().filter(|row| !row.state.ended()).collect();
    let sum = open.iter().try_fold(0_i64, |sum, row| sum.checked_add(net(row).0));
    if open.is_empty() && items.iter().any(|row| row.state == PayoutState::Settled) {
        return Ok(vec![(None, Fit::Known, line.amount)]);
    }
    let count = i64::try_from(open.len()).ok();
    if line.count.is_none() || line.count != count || line.amount != sum.map(|sum| (sum, batch.currency)) {
        return Ok(vec![(None, Fit::AmountDiffers, line.amount)]);
    }
    let mut results = Vec::new();
    for row in open {
        let fit = fit_of(hear(cx, tx, &row.id, &Said::Settled)?);
        results.push((Some(row.id.clone()), fit, Some(net(row))));
    }
    Ok(results)
}

/// Lines of all files, newest first; with `result`, only those. Cursor: id.
pub fn list_bank_entries(
    cx: &Cx,
    _who: &Finance,
    result: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Outcome<Page<EntryView>> {
    let rows = cx.read(|c| payout_batches::any_entry_page(c, result, after, limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.clone(), EntryView::of))
}
