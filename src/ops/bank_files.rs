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
use crate::db::rows::{BankEntryRow, BankFileRow};
use crate::db::{Tx, payout_batches, payouts};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::money::Money;
use crate::domain::payout::Rail;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::sepa::{self, Line, Word, bank_id};
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
    /// `contradicts`: a person looks at it.
    pub result: String,
    pub at: At,
}

impl EntryView {
    fn of(row: BankEntryRow) -> EntryView {
        let currency = row.currency.as_deref().and_then(crate::domain::money::Currency::parse);
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
            for (payout, result) in take(cx, tx, line)? {
                let entry = BankEntryRow {
                    id: format!("{}-{:05}", row.id, entries.len()),
                    file_id: row.id.clone(),
                    end_to_end_id: line.end_to_end.clone(),
                    bank_reference: line.reference.clone(),
                    word: line.word.as_str().to_owned(),
                    reason: line.reason.clone(),
                    amount_minor: line.amount.map(|(minor, _)| minor),
                    currency: line.amount.map(|(_, currency)| currency.code().to_owned()),
                    payout_id: payout,
                    result: result.to_owned(),
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

/// What one line meant: for one payout, or for all of a file of ours that was refused.
fn take(cx: &Cx, tx: &mut Tx, line: &Line) -> Outcome<Vec<(Option<PayoutId>, &'static str)>> {
    if line.word == Word::FileRejected {
        return take_refused_file(cx, tx, line);
    }
    let row = line.end_to_end.as_deref().and_then(sepa::payout_of);
    let row = row.map(|id| payouts::any_by_id(tx, &id)).transpose()?.flatten();
    let Some(row) = row.filter(|row| row.rail == Rail::Bank && row.approved_by.is_some()) else {
        return Ok(vec![(None, "unknown")]);
    };
    let sent = (row.amount_minor - row.cost_minor, row.currency);
    let fits = match line.amount {
        Some(amount) => amount == sent,
        // A status report need not repeat the amount; where money moved it must.
        None => !matches!(line.word, Word::Settled | Word::Returned),
    };
    if !fits {
        return Ok(vec![(Some(row.id), "amount_differs")]);
    }
    let reason = || line.reason.clone().unwrap_or_else(|| "The bank gave no reason.".to_owned());
    let said = match line.word {
        Word::Settled => Said::Settled,
        Word::Returned => Said::Returned(reason()),
        Word::Rejected => Said::Failed(reason()),
        Word::Accepted => Said::Accepted(bank_id(row.id.as_str())),
        Word::FileRejected | Word::Other => return Ok(vec![(Some(row.id), "contradicts")]),
    };
    let result = result_of(hear(cx, tx, &row.id, &said)?);
    Ok(vec![(Some(row.id), result)])
}

fn result_of(heard: Heard) -> &'static str {
    match heard {
        Heard::Moved => "matched",
        Heard::Known => "known",
        Heard::Contradicts => "contradicts",
    }
}

fn take_refused_file(cx: &Cx, tx: &mut Tx, line: &Line) -> Outcome<Vec<(Option<PayoutId>, &'static str)>> {
    let batch = line.message.as_deref().and_then(|id| BatchId::parse(&id.replacen('-', "_", 1)));
    let batch = batch.map(|id| payout_batches::any_find(tx, &id)).transpose()?.flatten();
    let Some(batch) = batch.filter(|batch| batch.rail == Rail::Bank && batch.approved_by.is_some()) else {
        return Ok(vec![(None, "unknown")]);
    };
    let why = line.reason.clone().unwrap_or_else(|| "The bank refused the file.".to_owned());
    let mut results = Vec::new();
    for row in payout_batches::any_items(tx, &batch.id)? {
        let heard = hear(cx, tx, &row.id, &Said::Failed(why.clone()))?;
        results.push((Some(row.id), result_of(heard)));
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
