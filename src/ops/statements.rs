//! Statements of account, and clients' money day by day. What a period held is read from transfers alone, which never
//! change, so a statement that was read once reads the same for ever.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fields::Fields;
use crate::access::scope::{BrandScope, WorkerScope};
use crate::access::{BrandViewer, Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::rows::BankBalanceRow;
use crate::db::statements::{self, Owned};
use crate::db::{Conn, funds, users};
use crate::domain::event::Event;
use crate::domain::ids::{BankBalanceId, BrandId, UserId};
use crate::domain::money::Money;
use crate::domain::refusal::{Code, OrMissing, Outcome, Refusal};
use crate::domain::safeguard::{Day, SafeguardReport};
use crate::domain::statement::{CLOSES_AFTER_SECS, Period, Statement};
use crate::domain::time::At;
use crate::domain::user::UserKind;
use crate::ops::funds::FUNDING_MAX_MINOR;

fn read(conn: &mut Conn, owner: &str, owned: &Owned, period: Period) -> Outcome<Statement> {
    let openings = owned.openings(conn, period.from, period.to)?;
    let movements = owned.movements(conn, period)?;
    Ok(Statement::of(owner, period, &openings, &movements)?)
}

/// The worker's own.
pub fn get_statement(cx: &Cx, who: &Worker, from: At, to: At) -> Outcome<Statement> {
    let period = Period::closed(from, to, cx.now())?;
    cx.read(|c| {
        let owned = statements::of_worker(c, &WorkerScope::from(who))?;
        read(c, who.user().as_str(), &owned, period)
    })
}

/// The brand's own.
pub fn get_brand_statement(cx: &Cx, who: &BrandViewer, from: At, to: At) -> Outcome<Statement> {
    let period = Period::closed(from, to, cx.now())?;
    cx.read(|c| {
        let owned = statements::of_brand(c, &BrandScope::from(who))?;
        read(c, who.brand().as_str(), &owned, period)
    })
}

pub fn get_statement_of_worker(cx: &Cx, _who: &Finance, worker: &UserId, from: At, to: At) -> Outcome<Statement> {
    cx.read(|c| {
        users::any_find(c, worker)?.filter(|user| user.kind == UserKind::Worker).or_missing("worker")?;
        let period = Period::closed(from, to, cx.now())?;
        let owned = statements::any_of_worker(c, worker)?;
        read(c, worker.as_str(), &owned, period)
    })
}

pub fn get_statement_of_brand(cx: &Cx, _who: &Finance, brand: &BrandId, from: At, to: At) -> Outcome<Statement> {
    cx.read(|c| {
        funds::any_currency(c, brand)?.or_missing("brand")?;
        let period = Period::closed(from, to, cx.now())?;
        let owned = statements::any_of_brand(c, brand)?;
        read(c, brand.as_str(), &owned, period)
    })
}

// Clients' money

/// What the bank held at the end of a day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankBalance {
    /// `2026-03-10`, UTC.
    pub day: String,
    /// May be below zero.
    pub balance: Money,
    /// Where it was read.
    pub note: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BankBalanceView {
    pub id: BankBalanceId,
    pub day: String,
    pub balance: Money,
    pub note: String,
    pub at: At,
}

fn day_of(pointer: &str, text: &str) -> Outcome<Day> {
    let detail = "A day such as 2026-03-10.";
    Day::parse(text).ok_or_else(|| Refusal::field(pointer, "invalid", detail).into())
}

fn closed(day: Day, closes: At, now: At) -> Outcome<()> {
    if now >= closes {
        return Ok(());
    }
    let refusal = Refusal::new(Code::PeriodOpen, format!("The books of {day} close at {closes}."));
    Err(Refusal { retry_after_secs: u64::try_from(closes.secs_since(now)).ok(), ..refusal }.into())
}

fn end_of(pointer: &str, day: Day) -> Outcome<At> {
    let detail = "There is no day after it.";
    day.end().ok_or_else(|| Refusal::field(pointer, "invalid", detail).into())
}

/// Records what the bank held. Said again it is a correction: the last word counts, every word is kept.
pub fn record_bank_balance(cx: &Cx, who: &Finance, once: &Once, asked: &BankBalance) -> Outcome<BankBalanceView> {
    let mut fields = Fields::default();
    fields.number("/balance/amount_minor", asked.balance.minor, -FUNDING_MAX_MINOR..=FUNDING_MAX_MINOR);
    fields.line("/note", &asked.note, 200);
    fields.finish()?;
    let day = day_of("/day", &asked.day)?;
    let end = end_of("/day", day)?;
    cx.write_once(who, once, |tx| {
        closed(day, end, tx.now())?;
        let row = BankBalanceRow {
            id: tx.id(),
            day: day.to_string(),
            currency: asked.balance.currency,
            balance_minor: asked.balance.minor,
            note: asked.note.clone(),
            recorded_by: who.user().clone(),
            at: tx.now(),
        };
        statements::add_bank_balance(tx, &row)?;
        let data = json!({"day": row.day, "balance": asked.balance, "note": row.note});
        tx.record(Event::new("bank.balance_recorded", &row.id).data(data))?;
        Ok(BankBalanceView { id: row.id, day: row.day, balance: asked.balance, note: row.note, at: row.at })
    })
}

/// Clients' money at the end of a day beside what the bank held; without a day the last one whose books are closed.
pub fn get_safeguarding(cx: &Cx, _who: &Finance, day: Option<&str>) -> Outcome<SafeguardReport> {
    any_safeguarding(cx, day)
}

/// The same for the operator of the server.
pub fn any_safeguarding(cx: &Cx, day: Option<&str>) -> Outcome<SafeguardReport> {
    let day = day.map_or_else(|| Ok(Day::last_closed(cx.now())), |text| day_of("day", text))?;
    let end = end_of("day", day)?;
    closed(day, end.plus_secs(CLOSES_AFTER_SECS), cx.now())?;
    cx.read(|c| {
        let books = statements::any_by_kind(c, end)?;
        let bank = statements::any_bank_balances(c, &day.to_string())?;
        Ok(SafeguardReport::of(day, &books, &bank))
    })
}
