//! Papers of workers: sealed tax profiles, letters that are sent once, payment notices, self-billing agreements and
//! documents, and what the ledger says of a year. Notices, agreements and documents are only ever inserted.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::conn::Conn;
use super::dialect::Both;
use super::rows::{AgreementRow, DocumentRow, PartyRow, PaymentNoticeRow, PayoutRow, TaxProfileRow, UserRow};
use super::schema::{
    earnings, late_returns, paper_letters, payment_notices, payout_batches, payouts, selfbilling_agreements,
    selfbilling_documents, selfbilling_parties, tax_profiles, users,
};
use super::tx::Tx;
use crate::access::scope::WorkerScope;
use crate::domain::dac7::Figures;
use crate::domain::ids::{DocumentId, MissionId, PayoutId, SubmissionId, TransferId, UserId, first_at};
use crate::domain::money::{Currency, Money};
use crate::domain::papers::{DOCUMENT_YEARS, kept_since, quarters};
use crate::domain::payout::PayoutState;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::statement::CLOSES_AFTER_SECS;
use crate::domain::time::At;
use crate::domain::user::{UserKind, UserState};

/// Makes whoever writes papers of the same worker wait: numbers have no gap and no twin.
pub fn lock_worker(tx: &mut Tx, worker: &UserId) -> Outcome<Option<UserRow>> {
    super::users::any_locked(tx, worker)
}

// Tax profiles

pub fn any_profile(conn: &mut Conn, worker: &UserId) -> Outcome<Option<TaxProfileRow>> {
    Ok(tax_profiles::table.find(worker).first(conn).optional()?)
}

/// Puts the row in the place of the one there was.
pub fn put_profile(tx: &mut Tx, row: &TaxProfileRow) -> Outcome<()> {
    let changed = diesel::update(tax_profiles::table.find(&row.worker_id))
        .set((
            tax_profiles::person.eq(&row.person),
            tax_profiles::complete.eq(row.complete),
            tax_profiles::updated_at.eq(row.updated_at),
            tax_profiles::version.eq(row.version),
        ))
        .execute(&mut **tx)?;
    if changed == 0 {
        diesel::insert_into(tax_profiles::table).values(row.clone()).execute(&mut **tx)?;
    }
    Ok(())
}

pub fn keep_profile_until(tx: &mut Tx, worker: &UserId, until: At) -> Outcome<()> {
    diesel::update(tax_profiles::table.find(worker))
        .set(tax_profiles::keep_until.eq(Some(until)))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn drop_profile(tx: &mut Tx, worker: &UserId) -> Outcome<usize> {
    Ok(diesel::delete(tax_profiles::table.find(worker)).execute(&mut **tx)?)
}

/// Profiles and named parties of erased workers, and orders to banks, whose time is over; returns how many.
pub fn drop_kept(tx: &mut Tx, now: At) -> Outcome<usize> {
    let erased = users::table.filter(users::state.eq(UserState::Erased)).select(users::id);
    let profiles = tax_profiles::table.filter(tax_profiles::keep_until.le(now));
    let parties = selfbilling_parties::table
        .filter(selfbilling_parties::keep_until.le(now))
        .filter(selfbilling_parties::worker_id.eq_any(erased));
    let orders = payout_batches::table
        .filter(payout_batches::sealed_file.is_not_null())
        .filter(payout_batches::approved_at.lt(kept_since(now, DOCUMENT_YEARS)));
    let no_file = payout_batches::sealed_file.eq(None::<String>);
    Ok(diesel::delete(profiles).execute(&mut **tx)?
        + diesel::delete(parties).execute(&mut **tx)?
        + diesel::update(orders).set(no_file).execute(&mut **tx)?)
}

/// Whether a payout of the worker was ever asked for and did not come back.
pub fn any_was_paid(conn: &mut Conn, worker: &UserId) -> Outcome<bool> {
    let paid = payouts::table.filter(payouts::worker_id.eq(worker)).filter(payouts::state.eq(PayoutState::Settled));
    Ok(diesel::select(diesel::dsl::exists(paid)).get_result(conn)?)
}

// Letters

/// Notes that a letter goes out; false when it did before.
pub fn note_letter(tx: &mut Tx, worker: &UserId, kind: &str) -> Outcome<bool> {
    let now = tx.now();
    let row = (paper_letters::worker_id.eq(worker), paper_letters::kind.eq(kind), paper_letters::at.eq(now));
    let added = Both(diesel::insert_into(paper_letters::table).values(row).on_conflict_do_nothing());
    Ok(added.execute(&mut **tx)? == 1)
}

/// The beginning of the kinds of letters that ask for a profile.
pub const REMINDER: &str = "tax_profile_";

pub fn any_reminders(conn: &mut Conn, worker: &UserId) -> Outcome<usize> {
    let sent: i64 = paper_letters::table
        .filter(paper_letters::worker_id.eq(worker))
        .filter(paper_letters::kind.like(format!("{REMINDER}%")))
        .count()
        .get_result(conn)?;
    Ok(usize::try_from(sent).unwrap_or(0))
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Timestamp>)]
    last_at: Option<At>,
    #[diesel(sql_type = BigInt)]
    sent: i64,
}

/// Workers who earned, have no complete profile and fewer than `all` reminders: when the last one went out, how many did.
pub fn any_without_profile(conn: &mut Conn, all: usize) -> Outcome<Vec<(UserId, Option<At>, usize)>> {
    let sql = format!(
        "SELECT u.id AS id, MAX(l.at) AS last_at, COUNT(l.kind) AS sent FROM users u LEFT JOIN tax_profiles p ON \
         p.worker_id = u.id LEFT JOIN paper_letters l ON l.worker_id = u.id AND l.kind LIKE '{REMINDER}%' WHERE u.kind = \
         '{}' AND u.state <> '{}' AND (p.worker_id IS NULL OR NOT p.complete) AND EXISTS (SELECT 1 FROM earnings e WHERE \
         e.worker_id = u.id) GROUP BY u.id HAVING COUNT(l.kind) < {all} ORDER BY u.id",
        UserKind::Worker,
        UserState::Erased,
    );
    let rows: Vec<Waiting> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    let waiting = |row: Waiting| (UserId::from_stored(row.id), row.last_at, usize::try_from(row.sent).unwrap_or(0));
    Ok(rows.into_iter().map(waiting).collect())
}

/// Workers who were credited something from `from` to `to` and did not get this letter.
pub fn any_credited_without_letter(conn: &mut Conn, from: At, to: At, kind: &str, limit: i64) -> Outcome<Vec<UserId>> {
    let had = paper_letters::table.filter(paper_letters::kind.eq(kind.to_owned())).select(paper_letters::worker_id);
    Ok(earnings::table
        .inner_join(users::table.on(users::id.eq(earnings::worker_id)))
        .filter(users::state.ne(UserState::Erased))
        .filter(earnings::at.ge(from).and(earnings::at.lt(to)))
        .filter(earnings::worker_id.ne_all(had))
        .select(earnings::worker_id)
        .distinct()
        .order(earnings::worker_id)
        .limit(limit)
        .load(conn)?)
}

// What the ledger says

/// One credit of a worker's balance, other than a payout that did not arrive.
#[derive(Clone, Debug)]
pub struct Credit {
    /// What kind of journal it was.
    pub kind: String,
    pub amount_minor: i64,
    pub at: At,
    /// The visit, where an earning names one: submission, mission, kind of earning, name of the store.
    pub visit: Option<(SubmissionId, MissionId, String, String)>,
    /// The payout, where it is one that arrived and came back.
    pub returned: Option<PayoutId>,
}

#[derive(QueryableByName)]
struct CreditRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    minor: i64,
    #[diesel(sql_type = BigInt)]
    ends: i64,
    #[diesel(sql_type = Timestamp)]
    at: At,
    #[diesel(sql_type = Nullable<Text>)]
    returned: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    submission: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    mission: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    earning: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    store: Option<String>,
}

/// A worker's credits in one currency that lie between `from` and `to` of all that was credited and never reversed,
/// oldest first, and where the first of them begins. One statement: nothing changes while it is read.
pub fn any_credits(
    conn: &mut Conn,
    worker: &UserId,
    currency: Currency,
    from: i64,
    to: i64,
) -> Outcome<(Vec<Credit>, i64)> {
    let sql = format!(
        "SELECT s.kind AS kind, s.minor AS minor, s.ends AS ends, s.at AS at, s.subject AS returned, e.submission_id AS \
         submission, e.mission_id AS mission, e.kind AS earning, st.name AS store FROM (SELECT t.id AS id, t.journal_id AS \
         journal, j.kind AS kind, t.amount_minor AS minor, t.at AS at, ev.subject AS subject, CAST(SUM(t.amount_minor) OVER \
         (ORDER BY t.id) AS BIGINT) AS ends FROM transfers t JOIN accounts a ON a.id = t.credit_account JOIN accounts o ON \
         o.id = t.debit_account JOIN journals j ON j.id = t.journal_id LEFT JOIN events ev ON ev.id = j.event_id AND j.kind = \
         'return_settled_payout' WHERE a.owner = '{}' AND a.kind = 'worker_available' AND a.currency = '{currency}' AND NOT \
         (o.owner = a.owner AND o.kind = 'worker_in_payout') AND NOT EXISTS (SELECT 1 FROM reversals r WHERE r.reversed_id = \
         t.journal_id)) s LEFT JOIN earnings e ON e.journal_id = s.journal LEFT JOIN submissions v ON v.id = e.submission_id \
         LEFT JOIN stores st ON st.id = v.store_id WHERE s.ends > {from} AND s.ends - s.minor < {to} ORDER BY s.id",
        worker.as_str().replace('\'', "''"),
    );
    let rows: Vec<CreditRow> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    let begin = rows.first().map_or(from, |row| row.ends - row.minor);
    let credit = |row: CreditRow| Credit {
        visit: match (row.submission, row.mission, row.earning, row.store) {
            (Some(submission), Some(mission), Some(kind), Some(store)) => {
                Some((SubmissionId::from_stored(submission), MissionId::from_stored(mission), kind, store))
            }
            _ => None,
        },
        returned: row.returned.map(PayoutId::from_stored),
        kind: row.kind,
        amount_minor: row.minor,
        at: row.at,
    };
    Ok((rows.into_iter().map(credit).collect(), begin))
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = Text)]
    worker: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// What workers were credited in a year, by worker and currency, in the order of their ids. Of one worker when given.
pub fn any_year(conn: &mut Conn, year: i16, worker: Option<&UserId>) -> Outcome<Vec<(UserId, Figures)>> {
    let Some(starts) = quarters(year) else { return Ok(Vec::new()) };
    let stored = |at: At| at.to_string().replace('T', " ").replace('Z', "");
    let of = |column: &str| match worker {
        Some(worker) => format!(" AND {column} = '{}'", worker.as_str().replace('\'', "''")),
        None => String::new(),
    };
    let mut all: std::collections::BTreeMap<(UserId, Currency), Figures> = std::collections::BTreeMap::new();
    for quarter in 0..4 {
        let between = |column: &str| {
            let (from, to) = (stored(starts[quarter]), stored(starts[quarter + 1]));
            format!("{column} >= '{from}' AND {column} < '{to}'")
        };
        // Journals that moved a worker's balance other than by a payout, with the sign of the move.
        let moved = |mine: &str, other: &str, sign: &str| {
            format!(
                "SELECT a.owner AS worker, t.journal_id AS journal, t.currency AS currency, {sign}t.amount_minor AS minor \
                 FROM transfers t JOIN accounts a ON a.id = t.{mine} JOIN accounts o ON o.id = t.{other} WHERE a.kind = \
                 'worker_available' AND NOT (o.owner = a.owner AND o.kind IN ('worker_in_payout', 'paid_out')) AND {}{}",
                // A transfer of a time has an id of that time or, as long as its transaction took, later.
                format_args!(
                    "{} AND t.id >= '{}' AND t.id < '{}'",
                    between("t.at"),
                    first_at::<TransferId>(starts[quarter]),
                    first_at::<TransferId>(starts[quarter + 1].plus_secs(CLOSES_AFTER_SECS)),
                ),
                of("a.owner"),
            )
        };
        let moves = format!(
            "{} UNION ALL {}",
            moved("credit_account", "debit_account", ""),
            moved("debit_account", "credit_account", "-")
        );
        let fee = |account: &str, sign: &str| {
            format!(
                "SELECT j.worker AS worker, f.currency AS currency, {sign}f.amount_minor AS minor FROM transfers f JOIN \
                 accounts x ON x.id = f.{account} AND x.kind = 'fees' JOIN (SELECT DISTINCT worker, journal FROM ({moves}) m) \
                 j ON j.journal = f.journal_id"
            )
        };
        let consideration = format!(
            "SELECT worker, currency, CAST(SUM(minor) AS BIGINT) AS total FROM ({moves}) s GROUP BY worker, currency"
        );
        let fees = format!(
            "SELECT worker, currency, CAST(SUM(minor) AS BIGINT) AS total FROM ({} UNION ALL {}) s GROUP BY worker, currency",
            fee("credit_account", ""),
            fee("debit_account", "-"),
        );
        let activities = format!(
            "SELECT worker, currency, COUNT(*) AS total FROM (SELECT worker_id AS worker, currency, submission_id, MIN(at) AS \
             first_at FROM earnings WHERE at < '{}'{} GROUP BY worker_id, currency, submission_id) v WHERE {} GROUP BY worker, \
             currency",
            stored(starts[4]),
            of("worker_id"),
            between("v.first_at"),
        );
        for (sum, sql) in [consideration, fees, activities].into_iter().enumerate() {
            let totals: Vec<Total> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
            for row in totals {
                let currency =
                    Currency::parse(&row.currency).ok_or_else(|| Failure::fault("a currency that is none"))?;
                let figures =
                    all.entry((UserId::from_stored(row.worker), currency)).or_insert_with(|| Figures::empty(currency));
                let line = &mut figures.quarters[quarter];
                match sum {
                    0 => line.consideration = Money::new(row.total, currency),
                    1 => line.fees = Money::new(row.total, currency),
                    _ => line.activities = row.total,
                }
            }
        }
    }
    Ok(all.into_iter().map(|((worker, _), figures)| (worker, figures)).collect())
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Nullable<Timestamp>)]
    at: Option<At>,
}

/// When the worker was credited something last, as it is reported: earnings, bonuses, the pay floor.
pub fn any_last_credit(conn: &mut Conn, worker: &UserId) -> Outcome<Option<At>> {
    let sql = format!(
        "SELECT MAX(t.at) AS at FROM transfers t JOIN accounts a ON a.id = t.credit_account JOIN accounts o ON o.id = \
         t.debit_account WHERE a.owner = '{}' AND a.kind = 'worker_available' AND NOT (o.owner = a.owner AND o.kind IN \
         ('worker_in_payout', 'paid_out'))",
        worker.as_str().replace('\'', "''"),
    );
    let rows: Vec<Last> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().next().and_then(|row| row.at))
}

// Payment notices

pub fn add_notice(tx: &mut Tx, row: &PaymentNoticeRow) -> Outcome<()> {
    diesel::insert_into(payment_notices::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// What arrived before this payout in its currency, with or without a notice, and whether it came back or not.
pub fn any_arrived_before(conn: &mut Conn, payout: &PayoutRow) -> Outcome<i64> {
    let late = late_returns::table.select(late_returns::payout_id);
    let amounts: Vec<i64> = payouts::table
        .filter(payouts::worker_id.eq(&payout.worker_id).and(payouts::currency.eq(payout.currency)))
        .filter(payouts::state.eq(PayoutState::Settled).or(payouts::id.eq_any(late)))
        .filter(payouts::id.ne(&payout.id))
        .select(payouts::amount_minor)
        .load(conn)?;
    let sum = amounts.into_iter().try_fold(0_i64, i64::checked_add);
    sum.ok_or_else(|| Failure::fault("payouts beyond 64 bits"))
}

/// When a payout that had arrived came back.
pub fn any_returned_at(conn: &mut Conn, id: &PayoutId) -> Outcome<Option<At>> {
    let late = late_returns::table.filter(late_returns::payout_id.eq(id));
    Ok(late.select(late_returns::at).first(conn).optional()?)
}

pub fn notice(conn: &mut Conn, scope: &WorkerScope, id: &PayoutId) -> Outcome<Option<PaymentNoticeRow>> {
    Ok(payment_notices::table
        .find(id)
        .filter(payment_notices::worker_id.eq(scope.worker().clone()))
        .first(conn)
        .optional()?)
}

pub fn any_notice(conn: &mut Conn, id: &PayoutId) -> Outcome<Option<PaymentNoticeRow>> {
    Ok(payment_notices::table.find(id).first(conn).optional()?)
}

/// Whether the worker has a payout of this id, arrived or not.
pub fn has_payout(conn: &mut Conn, scope: &WorkerScope, id: &PayoutId) -> Outcome<bool> {
    let own = payouts::table.find(id).filter(payouts::worker_id.eq(scope.worker().clone()));
    Ok(diesel::select(diesel::dsl::exists(own)).get_result(conn)?)
}

/// What arrived in a year and did not come back.
pub fn notices_between(conn: &mut Conn, scope: &WorkerScope, from: At, to: At) -> Outcome<Vec<PaymentNoticeRow>> {
    let late = late_returns::table.select(late_returns::payout_id);
    Ok(payment_notices::table
        .filter(payment_notices::payout_id.ne_all(late))
        .filter(payment_notices::worker_id.eq(scope.worker().clone()))
        .filter(payment_notices::at.ge(from).and(payment_notices::at.lt(to)))
        .order((payment_notices::at, payment_notices::payout_id))
        .load(conn)?)
}

// Self-billing

pub fn any_agreement(conn: &mut Conn, worker: &UserId) -> Outcome<Option<AgreementRow>> {
    Ok(selfbilling_agreements::table
        .filter(selfbilling_agreements::worker_id.eq(worker))
        .order(selfbilling_agreements::number.desc())
        .first(conn)
        .optional()?)
}

pub fn add_agreement(tx: &mut Tx, row: &AgreementRow) -> Outcome<()> {
    diesel::insert_into(selfbilling_agreements::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Number and date of the worker's newest document; 0 before the first. Call it under `lock_worker`.
pub fn any_last_document(conn: &mut Conn, worker: &UserId) -> Outcome<(i64, Option<At>)> {
    let last: Option<(i64, At)> = selfbilling_documents::table
        .filter(selfbilling_documents::worker_id.eq(worker))
        .order(selfbilling_documents::number.desc())
        .select((selfbilling_documents::number, selfbilling_documents::issued_at))
        .first(conn)
        .optional()?;
    Ok(last.map_or((0, None), |(number, at)| (number, Some(at))))
}

pub fn add_document(tx: &mut Tx, row: &DocumentRow, party: Option<&PartyRow>) -> Outcome<()> {
    diesel::insert_into(selfbilling_documents::table).values(row.clone()).execute(&mut **tx)?;
    if let Some(party) = party {
        diesel::insert_into(selfbilling_parties::table).values(party.clone()).execute(&mut **tx)?;
    }
    Ok(())
}

pub fn document(conn: &mut Conn, scope: &WorkerScope, id: &DocumentId) -> Outcome<Option<DocumentRow>> {
    Ok(selfbilling_documents::table
        .find(id)
        .filter(selfbilling_documents::worker_id.eq(scope.worker().clone()))
        .first(conn)
        .optional()?)
}

pub fn any_document(conn: &mut Conn, id: &DocumentId) -> Outcome<Option<DocumentRow>> {
    Ok(selfbilling_documents::table.find(id).first(conn).optional()?)
}

pub fn any_party(conn: &mut Conn, id: &DocumentId) -> Outcome<Option<PartyRow>> {
    Ok(selfbilling_parties::table.find(id).first(conn).optional()?)
}

/// The invoice of a payout that no credit note takes back.
pub fn any_live_invoice(conn: &mut Conn, payout: &PayoutId) -> Outcome<Option<DocumentRow>> {
    let taken_back = diesel::alias!(selfbilling_documents as notes);
    let back = taken_back
        .filter(taken_back.field(selfbilling_documents::original_id).eq(selfbilling_documents::id.nullable()));
    Ok(selfbilling_documents::table
        .filter(selfbilling_documents::payout_id.eq(payout))
        .filter(selfbilling_documents::kind.eq("invoice"))
        .filter(diesel::dsl::not(diesel::dsl::exists(back)))
        .first(conn)
        .optional()?)
}

/// The worker's documents, newest first.
pub fn documents(
    conn: &mut Conn,
    scope: &WorkerScope,
    before: Option<&DocumentId>,
    limit: i64,
) -> Outcome<Vec<DocumentRow>> {
    let mut query =
        selfbilling_documents::table.filter(selfbilling_documents::worker_id.eq(scope.worker().clone())).into_boxed();
    if let Some(before) = before {
        query = query.filter(selfbilling_documents::id.lt(before.clone()));
    }
    Ok(query.order(selfbilling_documents::id.desc()).limit(limit).load(conn)?)
}

/// Until when the last of the worker's documents is kept.
pub fn any_parties_until(conn: &mut Conn, worker: &UserId) -> Outcome<Option<At>> {
    Ok(selfbilling_parties::table
        .filter(selfbilling_parties::worker_id.eq(worker))
        .select(max(selfbilling_parties::keep_until))
        .first(conn)?)
}
