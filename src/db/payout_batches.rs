//! Batches of payouts and the files of banks about them. A payout is in one batch at most; every change of a batch's state
//! names the version that was read.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Locked, one_at_a_time};
use super::rows::{BankEntryRow, BankFileRow, PayoutBatchRow, PayoutRow};
use super::schema::{bank_entries, bank_files, payout_batches, payouts};
use super::tx::Tx;
use super::types::Json;
use crate::domain::ids::{BankFileId, BatchId, PayoutId, UserId};
use crate::domain::money::Currency;
use crate::domain::payout::{BatchState, PayoutState, Rail};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

pub fn insert(tx: &mut Tx, row: &PayoutBatchRow) -> Outcome<()> {
    diesel::insert_into(payout_batches::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &BatchId) -> Outcome<Option<PayoutBatchRow>> {
    Ok(payout_batches::table.find(id).first(conn).optional()?)
}

/// Nobody else moves it until the transaction ends.
pub fn lock(tx: &mut Tx, id: &BatchId) -> Outcome<Option<PayoutBatchRow>> {
    Ok(Locked(payout_batches::table.find(id)).get_result(&mut **tx).optional()?)
}

/// Any number, of nothing else.
const BANKING: i64 = 0x6261_6e6b;

/// Who takes a bank's word for several payouts does so alone: two of them would wait for each other's payouts.
pub fn bank_alone(tx: &mut Tx) -> Outcome<()> {
    Ok(one_at_a_time(tx, BANKING)?)
}

/// Newest first.
pub fn any_page(conn: &mut Conn, before: Option<&BatchId>, limit: i64) -> Outcome<Vec<PayoutBatchRow>> {
    let mut query = payout_batches::table.into_boxed();
    if let Some(before) = before {
        query = query.filter(payout_batches::id.lt(before.clone()));
    }
    Ok(query.order(payout_batches::id.desc()).limit(limit).load(conn)?)
}

/// What changes beside the state; `None` leaves a column as it is.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = payout_batches)]
pub struct BatchChange {
    pub items: Option<i64>,
    pub total_minor: Option<i64>,
    pub doubts: Option<Json>,
    pub checked_by: Option<UserId>,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<At>,
    pub stepped_up: Option<bool>,
    pub sealed_file: Option<String>,
    pub file_sha256: Option<String>,
}

/// Moves a batch as it was read; `None` when somebody was quicker.
pub fn move_state(
    tx: &mut Tx,
    read: &PayoutBatchRow,
    to: BatchState,
    change: BatchChange,
) -> Outcome<Option<PayoutBatchRow>> {
    let now = tx.now();
    let row = payout_batches::table.find(&read.id).filter(payout_batches::version.eq(read.version));
    Ok(diesel::update(row)
        .set((
            change,
            payout_batches::state.eq(to),
            payout_batches::updated_at.eq(now),
            payout_batches::version.eq(payout_batches::version + 1),
        ))
        .returning(payout_batches::all_columns)
        .get_result(&mut **tx)
        .optional()?)
}

/// Payouts that were asked for on this rail and are in no batch, oldest first.
pub fn any_waiting(
    conn: &mut Conn,
    rail: Rail,
    currency: Currency,
    after: Option<&PayoutId>,
    limit: i64,
) -> Outcome<Vec<PayoutRow>> {
    let mut query = payouts::table
        .filter(payouts::state.eq(PayoutState::Requested))
        .filter(payouts::rail.eq(rail))
        .filter(payouts::currency.eq(currency))
        .filter(payouts::batch_id.is_null())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(payouts::id.gt(after.clone()));
    }
    Ok(query.order(payouts::id).limit(limit).load(conn)?)
}

/// Notes that somebody has the file.
pub fn file_taken(tx: &mut Tx, id: &BatchId) -> Outcome<()> {
    let now = tx.now();
    diesel::update(payout_batches::table.find(id).filter(payout_batches::file_taken_at.is_null()))
        .set((payout_batches::file_taken_at.eq(Some(now)), payout_batches::version.eq(payout_batches::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}

/// A payout that was let go and never left waits again; false when it was moved at the same moment.
pub fn withdraw(tx: &mut Tx, read: &PayoutRow) -> Outcome<bool> {
    let now = tx.now();
    let row = payouts::table
        .find(&read.id)
        .filter(payouts::state.eq(PayoutState::Approved))
        .filter(payouts::version.eq(read.version));
    let withdrawn = diesel::update(row)
        .set((
            payouts::state.eq(PayoutState::Requested),
            payouts::batch_id.eq(None::<BatchId>),
            payouts::approved_by.eq(None::<UserId>),
            payouts::updated_at.eq(now),
            payouts::version.eq(payouts::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(withdrawn == 1)
}

/// Puts a waiting payout into a batch; false when it was moved at the same moment.
pub fn put(tx: &mut Tx, read: &PayoutRow, batch: &BatchId) -> Outcome<bool> {
    let now = tx.now();
    let row = payouts::table
        .find(&read.id)
        .filter(payouts::state.eq(PayoutState::Requested))
        .filter(payouts::version.eq(read.version));
    let put = diesel::update(row)
        .set((
            payouts::batch_id.eq(Some(batch.clone())),
            payouts::updated_at.eq(now),
            payouts::version.eq(payouts::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(put == 1)
}

/// Takes a payout out of its batch, whatever became of it; false when it was moved at the same moment.
pub fn release(tx: &mut Tx, read: &PayoutRow) -> Outcome<bool> {
    let now = tx.now();
    let row = payouts::table.find(&read.id).filter(payouts::version.eq(read.version));
    let released = diesel::update(row)
        .set((
            payouts::batch_id.eq(None::<BatchId>),
            payouts::updated_at.eq(now),
            payouts::version.eq(payouts::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(released == 1)
}

pub fn any_items(conn: &mut Conn, batch: &BatchId) -> Outcome<Vec<PayoutRow>> {
    Ok(payouts::table.filter(payouts::batch_id.eq(batch)).order(payouts::id).load(conn)?)
}

/// States of a batch's payouts.
pub fn any_states(conn: &mut Conn, batch: &BatchId) -> Outcome<Vec<PayoutState>> {
    Ok(payouts::table.filter(payouts::batch_id.eq(batch)).select(payouts::state).distinct().load(conn)?)
}

pub fn add_file(tx: &mut Tx, row: &BankFileRow) -> Outcome<bool> {
    match diesel::insert_into(bank_files::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(true),
        Err(e) if super::dialect::broke_unique(&e, "bank_files_sha256_key", "bank_files.sha256") => Ok(false),
        Err(e) => Err(e.into()),
    }
}

pub fn any_file(conn: &mut Conn, sha256: &str) -> Outcome<Option<BankFileRow>> {
    Ok(bank_files::table.filter(bank_files::sha256.eq(sha256)).first(conn).optional()?)
}

pub fn add_entry(tx: &mut Tx, row: BankEntryRow) -> Outcome<()> {
    diesel::insert_into(bank_entries::table).values(row).execute(&mut **tx)?;
    Ok(())
}

/// Did the bank say of any payout of this batch that it has it, or that money moved?
pub fn any_taken_by_bank(conn: &mut Conn, batch: &BatchId) -> Outcome<bool> {
    let ours = payouts::table.filter(payouts::batch_id.eq(batch)).select(payouts::id.nullable());
    let found = bank_entries::table
        .filter(bank_entries::payout_id.eq_any(ours))
        .filter(bank_entries::word.eq_any(["accepted", "settled", "returned"]))
        .filter(bank_entries::result.eq_any(["matched", "known"]))
        .count()
        .get_result::<i64>(conn)?;
    Ok(found > 0)
}

/// Was the same said of this payout before, under another of the bank's references?
pub fn any_other_reference(conn: &mut Conn, payout: &PayoutId, word: &str, reference: &str) -> Outcome<bool> {
    let found = bank_entries::table
        .filter(bank_entries::payout_id.eq(payout).and(bank_entries::word.eq(word)))
        .filter(bank_entries::result.eq_any(["matched", "known"]))
        .filter(bank_entries::item_reference.ne(reference))
        .count()
        .get_result::<i64>(conn)?;
    Ok(found > 0)
}

pub fn any_entries(conn: &mut Conn, file: &BankFileId) -> Outcome<Vec<BankEntryRow>> {
    Ok(bank_entries::table.filter(bank_entries::file_id.eq(file)).order(bank_entries::id).load(conn)?)
}

/// Lines of all files, newest first; those with one result when it is given.
pub fn any_entry_page(
    conn: &mut Conn,
    result: Option<&str>,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<BankEntryRow>> {
    let mut query = bank_entries::table.into_boxed();
    if let Some(result) = result {
        query = query.filter(bank_entries::result.eq(result));
    }
    if let Some(before) = before {
        query = query.filter(bank_entries::id.lt(before));
    }
    Ok(query.order(bank_entries::id.desc()).limit(limit).load(conn)?)
}
