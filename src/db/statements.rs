//! What the accounts of an owner held and what moved them in a period, and the balances of all accounts as of an instant.
//! Read only: `db::ledger` is the writer.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::conn::Conn;
use super::rows::{BankBalanceRow, JournalRow, TransferRow};
use super::schema::{accounts, bank_balances, campaigns, journals, missions, transfers};
use super::tx::Tx;
use crate::access::scope::{BrandScope, WorkerScope};
use crate::domain::ids::{AccountId, BrandId, JournalId, TransferId, UserId, first_at};
use crate::domain::ledger::AccountKind;
use crate::domain::money::Currency;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::statement::{CLOSES_AFTER_SECS, Movement, Opening, Period};
use crate::domain::time::At;

/// Which of an owner's two balances an account counts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Available,
    Held,
}

/// The accounts of one owner.
pub struct Owned(HashMap<AccountId, (Side, Currency)>);

/// Ids in one query.
const CHUNK: usize = 500;

pub fn of_worker(conn: &mut Conn, scope: &WorkerScope) -> Outcome<Owned> {
    any_of_worker(conn, scope.worker())
}

pub fn any_of_worker(conn: &mut Conn, worker: &UserId) -> Outcome<Owned> {
    let rows: Vec<(AccountId, AccountKind, Currency)> = accounts::table
        .filter(accounts::owner.eq(worker.as_str()))
        .filter(accounts::kind.eq_any([AccountKind::WorkerAvailable, AccountKind::WorkerInPayout]))
        .select((accounts::id, accounts::kind, accounts::currency))
        .load(conn)?;
    Ok(Owned::of(rows))
}

pub fn of_brand(conn: &mut Conn, scope: &BrandScope) -> Outcome<Owned> {
    any_of_brand(conn, scope.brand())
}

pub fn any_of_brand(conn: &mut Conn, brand: &BrandId) -> Outcome<Owned> {
    let columns = (accounts::id, accounts::kind, accounts::currency);
    let mut rows: Vec<(AccountId, AccountKind, Currency)> = accounts::table
        .filter(accounts::owner.eq(brand.as_str()))
        .filter(accounts::kind.eq(AccountKind::BrandAvailable))
        .select(columns)
        .load(conn)?;
    let escrow = accounts::table
        .inner_join(missions::table.on(missions::id.eq(accounts::owner)))
        .filter(missions::brand_id.eq(brand))
        .filter(accounts::kind.eq(AccountKind::BrandEscrow))
        .select(columns);
    rows.extend(escrow.load::<(AccountId, AccountKind, Currency)>(conn)?);
    let reserve = accounts::table
        .inner_join(campaigns::table.on(campaigns::id.eq(accounts::owner)))
        .filter(campaigns::brand_id.eq(brand))
        .filter(accounts::kind.eq(AccountKind::BrandReserve))
        .select(columns);
    rows.extend(reserve.load::<(AccountId, AccountKind, Currency)>(conn)?);
    Ok(Owned::of(rows))
}

fn beyond() -> Failure {
    Failure::fault("a statement beyond 64 bits")
}

impl Owned {
    fn of(rows: Vec<(AccountId, AccountKind, Currency)>) -> Owned {
        let side = |kind: AccountKind| match kind {
            AccountKind::BrandAvailable | AccountKind::WorkerAvailable => Side::Available,
            _ => Side::Held,
        };
        Owned(rows.into_iter().map(|(id, kind, currency)| (id, (side(kind), currency))).collect())
    }

    fn ids(&self) -> Vec<AccountId> {
        let mut ids: Vec<AccountId> = self.0.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// What there was at `at`, by currency; none for a currency that nothing had moved in before `until`. It is what there
    /// is now less what moved since, so that it costs as much as that.
    pub fn openings(&self, conn: &mut Conn, at: At, until: At) -> Outcome<Vec<Opening>> {
        let mut sums: BTreeMap<Currency, [i64; 2]> = BTreeMap::new();
        for ids in self.ids().chunks(CHUNK) {
            let rows: Vec<OpeningRow> = {
                let sql = opening_sql(ids, at);
                crate::each!(conn, c => diesel::sql_query(sql).load(c))?
            };
            for row in rows {
                let id = AccountId::from_stored(row.account);
                if let Some((side, currency)) = self.0.get(&id).filter(|_| row.minor != 0) {
                    let place = &mut sums.entry(*currency).or_default()[usize::from(*side == Side::Held)];
                    *place = place.checked_add(row.minor).ok_or_else(beyond)?;
                }
            }
            // Money that came first in the period, or is all gone, opens with nothing.
            for id in ids {
                let Some((_, currency)) = self.0.get(id) else { continue };
                let begun = transfers::table
                    .filter(transfers::credit_account.eq(id))
                    .filter(transfers::at.lt(until))
                    .order(transfers::id)
                    .select(transfers::id)
                    .limit(1);
                if begun.first::<TransferId>(conn).optional()?.is_some() {
                    sums.entry(*currency).or_default();
                }
            }
        }
        Ok(sums
            .into_iter()
            .map(|(currency, [available_minor, held_minor])| Opening { currency, available_minor, held_minor })
            .collect())
    }

    /// Journals of the period that touched these accounts, by id.
    pub fn movements(&self, conn: &mut Conn, period: Period) -> Outcome<Vec<Movement>> {
        let mut touched: BTreeMap<TransferId, (TransferRow, JournalRow)> = BTreeMap::new();
        for ids in self.ids().chunks(CHUNK) {
            let within = || {
                transfers::table
                    .inner_join(journals::table.on(journals::id.eq(transfers::journal_id)))
                    .filter(transfers::id.ge(first_at::<TransferId>(period.from)))
                    .filter(transfers::id.lt(first_at::<TransferId>(period.to.plus_secs(CLOSES_AFTER_SECS))))
                    .filter(transfers::at.ge(period.from))
                    .filter(transfers::at.lt(period.to))
                    .select((transfers::all_columns, journals::all_columns))
            };
            let credited = within().filter(transfers::credit_account.eq_any(ids.to_vec()));
            let debited = within().filter(transfers::debit_account.eq_any(ids.to_vec()));
            for row in credited.load::<(TransferRow, JournalRow)>(conn)?.into_iter().chain(debited.load(conn)?) {
                touched.insert(row.0.id.clone(), row);
            }
        }
        let journals: Vec<JournalId> = touched.values().map(|(_, journal)| journal.id.clone()).collect();
        let fees = fees_of(conn, journals)?;
        let mut lines: BTreeMap<(JournalId, Currency), Movement> = BTreeMap::new();
        for (transfer, journal) in touched.into_values() {
            let line = lines.entry((journal.id.clone(), transfer.currency)).or_insert_with(|| Movement {
                fee_minor: fees.get(&(journal.id.clone(), transfer.currency)).copied().unwrap_or(0),
                journal: journal.id,
                at: journal.at,
                kind: journal.kind,
                subject: journal.subject,
                currency: transfer.currency,
                available_minor: 0,
                held_minor: 0,
            });
            for (account, delta) in
                [(&transfer.debit_account, -transfer.amount_minor), (&transfer.credit_account, transfer.amount_minor)]
            {
                let place = match self.0.get(account) {
                    Some((Side::Available, _)) => &mut line.available_minor,
                    Some((Side::Held, _)) => &mut line.held_minor,
                    None => continue,
                };
                *place = place.checked_add(delta).ok_or_else(beyond)?;
            }
        }
        Ok(lines.into_values().collect())
    }
}

#[derive(QueryableByName)]
struct OpeningRow {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

/// Written like a stored time; made of digits alone.
fn stored(at: At) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Balances of these accounts at `at`. One statement, so that what is and what moved are of one moment. A transfer of a
/// time has an id of that time or later, which is what the indexes hold.
fn opening_sql(ids: &[AccountId], at: At) -> String {
    let list = ids.iter().map(|id| format!("'{}'", id.as_str().replace('\'', "''"))).collect::<Vec<_>>().join(", ");
    let since = format!("t.id >= '{}' AND t.at >= '{}'", first_at::<TransferId>(at), stored(at));
    let moved = |side: &str| {
        format!("COALESCE((SELECT SUM(t.amount_minor) FROM transfers t WHERE t.{side} = a.id AND {since}), 0)")
    };
    format!(
        "SELECT a.id AS account, CAST(a.balance_minor - {} + {} AS BIGINT) AS minor FROM accounts a WHERE a.id IN ({list})",
        moved("credit_account"),
        moved("debit_account"),
    )
}

/// What each journal gave to the platform.
fn fees_of(conn: &mut Conn, journals: Vec<JournalId>) -> Outcome<HashMap<(JournalId, Currency), i64>> {
    let mut fees = HashMap::new();
    for ids in journals.chunks(CHUNK) {
        let rows: Vec<(JournalId, Currency, i64)> = transfers::table
            .inner_join(accounts::table.on(accounts::id.eq(transfers::credit_account)))
            .filter(accounts::kind.eq(AccountKind::Fees))
            .filter(transfers::journal_id.eq_any(ids.to_vec()))
            .select((transfers::journal_id, transfers::currency, transfers::amount_minor))
            .load(conn)?;
        // A journal of two transfers stands twice among the ids, so a sum could count it twice.
        fees.extend(rows.into_iter().map(|(journal, currency, minor)| ((journal, currency), minor)));
    }
    Ok(fees)
}

#[derive(QueryableByName)]
struct KindRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

/// Balances by kind of account and currency at `at`: those of now, less what moved since. One statement, so that both
/// are of one moment.
pub fn any_by_kind(conn: &mut Conn, at: At) -> Outcome<Vec<(AccountKind, Currency, i64)>> {
    let since = format!("id >= '{}' AND at >= '{}'", first_at::<TransferId>(at), stored(at));
    let sql = format!(
        "SELECT a.kind AS kind, a.currency AS currency, CAST(SUM(a.balance_minor - COALESCE(m.moved, 0)) AS BIGINT) AS \
         minor FROM accounts a LEFT JOIN (SELECT u.account AS account, SUM(u.amount) AS moved FROM (SELECT \
         credit_account AS account, amount_minor AS amount FROM transfers WHERE {since} UNION ALL SELECT \
         debit_account, -amount_minor FROM transfers WHERE {since}) u GROUP BY u.account) m ON m.account = a.id \
         GROUP BY a.kind, a.currency ORDER BY a.kind, a.currency"
    );
    let rows: Vec<KindRow> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    rows.into_iter()
        .map(|row| match (AccountKind::parse(&row.kind), Currency::parse(&row.currency)) {
            (Some(kind), Some(currency)) => Ok((kind, currency, row.minor)),
            _ => Err(Failure::fault(format!("an account of kind {} in {}", row.kind, row.currency))),
        })
        .collect()
}

// What the bank says

pub fn add_bank_balance(tx: &mut Tx, row: &BankBalanceRow) -> Outcome<()> {
    diesel::insert_into(bank_balances::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// The last word on each currency of a day.
pub fn any_bank_balances(conn: &mut Conn, day: &str) -> Outcome<Vec<(Currency, i64)>> {
    let rows: Vec<BankBalanceRow> =
        bank_balances::table.filter(bank_balances::day.eq(day)).order(bank_balances::id).load(conn)?;
    let last: BTreeMap<Currency, i64> = rows.into_iter().map(|row| (row.currency, row.balance_minor)).collect();
    Ok(last.into_iter().collect())
}
