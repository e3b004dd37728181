//! The only writer of money. Applies a journal of `domain::ledger::book`: accounts are found or opened, balances move
//! under a guard, transfers are appended. Keeps I01, I04 and I05.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Both, broke_unique};
use super::rows::{AccountRow, JournalRow, ReversalRow, TransferRow};
use super::schema::{accounts, journals, reversals, transfers};
use super::tx::Tx;
use crate::domain::ids::{AccountId, EventId, JournalId};
use crate::domain::ledger::{AccountKind, AccountName, Journal, Posting};
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};

/// Posts `journal` for `event`. Refuses with `insufficient_funds` when a guarded balance would fall below zero.
pub fn apply(tx: &mut Tx, event: &EventId, journal: &Journal) -> Outcome<JournalId> {
    let journal_id: JournalId = tx.id();
    let now = tx.now();
    let row = JournalRow {
        id: journal_id.clone(),
        kind: journal.kind.to_owned(),
        subject: journal.subject.clone(),
        event_id: event.clone(),
        at: now,
    };
    // Statements that every approval runs are typed for their engine: the pair builds its text anew each time.
    crate::each!(&mut **tx, c => diesel::insert_into(journals::table).values(row).execute(c))?;

    // Opened and then moved in the order of their ids: two journals over the same accounts never wait for each other.
    let mut moves: BTreeMap<AccountId, (AccountKind, i64)> = BTreeMap::new();
    let mut opened: BTreeMap<(&AccountName, Currency), AccountId> = BTreeMap::new();
    for posting in &journal.postings {
        let amount = posting.amount;
        if amount.minor <= 0 {
            return Err(Failure::fault(format!("a transfer of {amount} in journal {}", journal.kind)));
        }
        let mut opened = |tx: &mut Tx, name| match opened.entry((name, amount.currency)) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(place) => open(tx, name, amount.currency).map(|id| place.insert(id).clone()),
        };
        let debit = opened(tx, &posting.debit)?;
        let credit = opened(tx, &posting.credit)?;
        let row = TransferRow {
            id: tx.id(),
            journal_id: journal_id.clone(),
            debit_account: debit.clone(),
            credit_account: credit.clone(),
            amount_minor: amount.minor,
            currency: amount.currency,
            at: now,
        };
        crate::each!(&mut **tx, c => diesel::insert_into(transfers::table).values(row).execute(c))?;
        let (from, to) = (posting.debit.kind, posting.credit.kind);
        for (account, kind, delta) in [(debit, from, -amount.minor), (credit, to, amount.minor)] {
            let (_, sum) = moves.entry(account).or_insert((kind, 0));
            *sum = sum.checked_add(delta).ok_or_else(|| Failure::fault("a journal beyond 64 bits"))?;
        }
    }
    for (account, (kind, delta)) in moves {
        shift(tx, &account, kind, delta)?;
    }
    Ok(journal_id)
}

fn shift(tx: &mut Tx, account: &AccountId, kind: AccountKind, delta: i64) -> Outcome<()> {
    let row = accounts::table.find(account);
    let after = accounts::balance_minor + delta;
    // Two statements, each parsed once, rather than one with a list of kinds, which is parsed at every execution.
    let set = accounts::balance_minor.eq(after);
    let moved = if kind.is_guarded() {
        crate::each!(&mut **tx, c => diesel::update(row.filter(after.ge(0))).set(set).execute(c))?
    } else {
        crate::each!(&mut **tx, c => diesel::update(row).set(set).execute(c))?
    };
    if moved == 1 {
        return Ok(());
    }
    let row: AccountRow = accounts::table.find(account).first(&mut **tx)?;
    let missing = Money::new(-(row.balance_minor + delta), row.currency);
    Err(Refusal::new(Code::InsufficientFunds, format!("{missing} are missing.")).into())
}

fn open(tx: &mut Tx, name: &AccountName, currency: Currency) -> Outcome<AccountId> {
    if let Some(row) = find(tx, name, currency)? {
        return Ok(row.id);
    }
    let row = AccountRow { id: tx.id(), kind: name.kind, owner: name.owner.clone(), currency, balance_minor: 0 };
    Both(diesel::insert_into(accounts::table).values(row).on_conflict_do_nothing()).execute(&mut **tx)?;
    find(tx, name, currency)?
        .map(|row| row.id)
        .ok_or_else(|| Failure::fault("an account that was just opened is not there"))
}

fn find(conn: &mut Conn, name: &AccountName, currency: Currency) -> Outcome<Option<AccountRow>> {
    let one = accounts::table
        .filter(accounts::owner.eq(&name.owner))
        .filter(accounts::kind.eq(name.kind))
        .filter(accounts::currency.eq(currency));
    Ok(crate::each!(conn, c => one.first(c).optional())?)
}

/// The cached balance in O(1); zero when the account was never opened.
pub fn balance(conn: &mut Conn, name: &AccountName, currency: Currency) -> Outcome<Money> {
    let row = find(conn, name, currency)?;
    Ok(Money::new(row.map_or(0, |r| r.balance_minor), currency))
}

/// Every balance of one account over its currencies.
pub fn balances(conn: &mut Conn, name: &AccountName) -> Outcome<Vec<Money>> {
    let rows: Vec<AccountRow> = accounts::table
        .filter(accounts::owner.eq(name.owner.clone()))
        .filter(accounts::kind.eq(name.kind))
        .order(accounts::currency)
        .load(conn)?;
    Ok(rows.into_iter().map(|r| Money::new(r.balance_minor, r.currency)).collect())
}

/// Transfers that touched the account, newest first, before `before`.
pub fn transfers_of(
    conn: &mut Conn,
    name: &AccountName,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<(TransferRow, JournalRow, bool)>> {
    let ids: Vec<AccountId> = accounts::table
        .filter(accounts::owner.eq(name.owner.clone()))
        .filter(accounts::kind.eq(name.kind))
        .select(accounts::id)
        .load(conn)?;
    let mut query = transfers::table
        .inner_join(journals::table.on(journals::id.eq(transfers::journal_id)))
        .filter(transfers::debit_account.eq_any(ids.clone()).or(transfers::credit_account.eq_any(ids.clone())))
        .select((transfers::all_columns, journals::all_columns))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(transfers::id.lt(crate::domain::ids::TransferId::from_stored(before.to_owned())));
    }
    let rows: Vec<(TransferRow, JournalRow)> = query.order(transfers::id.desc()).limit(limit).load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(transfer, journal)| {
            let credited = ids.contains(&transfer.credit_account);
            (transfer, journal, credited)
        })
        .collect())
}

/// A journal with its transfers as the book wrote them.
pub fn any_journal(conn: &mut Conn, id: &JournalId) -> Outcome<Option<(JournalRow, Vec<Posting>)>> {
    let Some(journal) = journals::table.find(id).first::<JournalRow>(conn).optional()? else { return Ok(None) };
    let rows: Vec<TransferRow> =
        transfers::table.filter(transfers::journal_id.eq(id)).order(transfers::id).load(conn)?;
    let mut name = |account: &AccountId| -> Outcome<AccountName> {
        let row: AccountRow = accounts::table.find(account).first(conn)?;
        Ok(AccountName { owner: row.owner, kind: row.kind })
    };
    let mut postings = Vec::new();
    for row in rows {
        let (debit, credit) = (name(&row.debit_account)?, name(&row.credit_account)?);
        postings.push(Posting { debit, credit, amount: Money::new(row.amount_minor, row.currency) });
    }
    Ok(Some((journal, postings)))
}

/// Notes which journal undid which; false when that one was undone before.
pub fn add_reversal(tx: &mut Tx, row: &ReversalRow) -> Outcome<bool> {
    match diesel::insert_into(reversals::table).values(row.clone()).execute(&mut **tx) {
        Ok(_) => Ok(true),
        Err(e) if broke_unique(&e, "reversals_reversed_id_key", "reversals.reversed_id") => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Every balance by kind, owner and currency; for tests that compare two databases.
pub fn any_dump(conn: &mut Conn) -> Outcome<Vec<(AccountName, Money)>> {
    let rows: Vec<AccountRow> =
        accounts::table.order((accounts::kind, accounts::owner, accounts::currency)).load(conn)?;
    let line = |r: AccountRow| (AccountName { owner: r.owner, kind: r.kind }, Money::new(r.balance_minor, r.currency));
    Ok(rows.into_iter().map(line).collect())
}
