//! A brand's money: what arrived, what is set aside, what is spent, and what a closed mission gives back.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fields::Fields;
use super::{Page, letters};
use crate::access::scope::BrandScope;
use crate::access::{BrandViewer, Finance};
use crate::context::{Cx, Once};
use crate::db;
use crate::db::rows::{MissionRow, ReversalRow};
use crate::db::{Conn, Tx};
use crate::domain::campaign::platform_fee;
use crate::domain::event::Event;
use crate::domain::ids::{BrandId, JournalId, TransferId, UserId};
use crate::domain::ledger::{AccountKind, AccountName, book};
use crate::domain::mission::MissionState;
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::{Code, OrMissing, Outcome, Refusal};
use crate::domain::time::At;

/// A brand's money. `funded` = `available` + `escrow` + `reserve` + `spent` + `refunded`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BrandBalance {
    pub available: Money,
    /// Set aside for published missions.
    pub escrow: Money,
    /// Set aside for the pay floor of published campaigns.
    pub reserve: Money,
    /// Paid to workers, and the platform's fees on it.
    pub spent: Money,
    pub funded: Money,
    pub refunded: Money,
}

/// A movement of the brand's available money.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransferView {
    pub id: TransferId,
    /// The kind of the journal, as `fieldproof chart` explains it: `fund`, `hold`, `bonus`, ...
    pub kind: String,
    /// The brand, campaign, mission, visit or reversed journal it is about.
    pub subject: String,
    /// Positive when money came in, negative when it went.
    pub change: Money,
    pub at: At,
}

/// Money of a brand that arrived at the bank.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funding {
    pub amount: Money,
    /// What the bank statement says.
    pub reference: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FundingView {
    pub id: JournalId,
    pub brand_id: BrandId,
    pub amount: Money,
    pub reference: String,
    /// After this funding.
    pub available: Money,
    pub at: At,
}

/// Largest single funding, in minor units.
pub const FUNDING_MAX_MINOR: i64 = 1_000_000_000_000;

fn currency_of(conn: &mut Conn, brand: &BrandId) -> Outcome<Currency> {
    db::funds::any_currency(conn, brand)?.or_missing("brand")
}

pub fn get_brand_balance(cx: &Cx, who: &BrandViewer) -> Outcome<BrandBalance> {
    cx.read(|c| {
        let brand = who.brand();
        let currency = currency_of(c, brand)?;
        let available = db::ledger::balance(c, &AccountName::brand_available(brand), currency)?;
        let escrow = db::funds::any_escrow(c, brand, currency)?;
        let reserve = db::funds::any_reserve(c, brand, currency)?;
        // Funding runs below zero: it is what the world outside has given.
        let funding = db::ledger::balance(c, &AccountName::funding(brand), currency)?;
        let funded = Money::zero(currency).sub(funding)?;
        let refunded = db::ledger::balance(c, &AccountName::refunded(brand), currency)?;
        let spent = funded.sub(refunded)?.sub(available)?.sub(escrow)?.sub(reserve)?;
        Ok(BrandBalance { available, escrow, reserve, spent, funded, refunded })
    })
}

/// Movements of the brand's available money, newest first.
pub fn list_brand_transfers(
    cx: &Cx,
    who: &BrandViewer,
    before: Option<String>,
    limit: i64,
) -> Outcome<Page<TransferView>> {
    let account = AccountName::brand_available(BrandScope::from(who).brand());
    let rows = cx.read(|c| db::ledger::transfers_of(c, &account, before.as_deref(), limit + 1))?;
    Ok(Page::of(
        rows,
        limit,
        |(transfer, _, _)| transfer.id.to_string(),
        |(transfer, journal, credited)| TransferView {
            id: transfer.id,
            kind: journal.kind,
            subject: journal.subject,
            change: Money::new(
                if credited { transfer.amount_minor } else { -transfer.amount_minor },
                transfer.currency,
            ),
            at: transfer.at,
        },
    ))
}

/// Records money that arrived for a brand, in the brand's currency.
pub fn fund_brand(cx: &Cx, who: &Finance, once: &Once, brand: &BrandId, asked: &Funding) -> Outcome<FundingView> {
    let mut fields = Fields::default();
    fields.number("/amount/amount_minor", asked.amount.minor, 1..=FUNDING_MAX_MINOR);
    fields.line("/reference", &asked.reference, 200);
    fields.finish()?;
    cx.write_once(who, once, |tx| {
        let currency = currency_of(tx, brand)?;
        if asked.amount.currency != currency {
            let mut fields = Fields::default();
            fields.add("/amount/currency", "other_currency", format!("This brand's money is in {currency}."));
            fields.finish()?;
        }
        let data = json!({"amount_minor": asked.amount.minor, "currency": currency, "reference": asked.reference});
        let event = tx.record(Event::new("brand.funded", brand).brand(brand).data(data))?;
        let id = db::ledger::apply(tx, &event, &book::fund(brand, asked.amount))?;
        let available = db::ledger::balance(tx, &AccountName::brand_available(brand), currency)?;
        Ok(FundingView {
            id,
            brand_id: brand.clone(),
            amount: asked.amount,
            reference: asked.reference.clone(),
            available,
            at: tx.now(),
        })
    })
}

/// Unused money goes back to the brand's bank.
pub fn refund_brand(cx: &Cx, who: &Finance, once: &Once, brand: &BrandId, asked: &Funding) -> Outcome<FundingView> {
    let mut fields = Fields::default();
    fields.number("/amount/amount_minor", asked.amount.minor, 1..=FUNDING_MAX_MINOR);
    fields.line("/reference", &asked.reference, 200);
    fields.finish()?;
    cx.write_once(who, once, |tx| {
        let currency = currency_of(tx, brand)?;
        if asked.amount.currency != currency {
            let detail = format!("This brand's money is in {currency}.");
            return Err(Refusal::field("/amount/currency", "other_currency", detail).into());
        }
        let owed = Money::new(db::budgets::any_owed_by_brand(tx, brand)?, currency);
        let available = db::ledger::balance(tx, &AccountName::brand_available(brand), currency)?;
        if owed.minor > 0 && available.sub(asked.amount)?.minor < owed.minor {
            let detail = format!("{owed} of it are owed to workers whose visits paid below the floor.");
            return Err(Refusal::new(Code::InsufficientFunds, detail).into());
        }
        let data = json!({"amount_minor": asked.amount.minor, "currency": currency, "reference": asked.reference});
        let event = tx.record(Event::new("brand.refunded", brand).brand(brand).data(data))?;
        let id = db::ledger::apply(tx, &event, &book::refund(brand, asked.amount))?;
        let available = db::ledger::balance(tx, &AccountName::brand_available(brand), currency)?;
        let (brand_id, amount, reference) = (brand.clone(), asked.amount, asked.reference.clone());
        Ok(FundingView { id, brand_id, amount, reference, available, at: tx.now() })
    })
}

/// Why a journal was wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// Who got or lost the money reads it.
    pub reason: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReversalView {
    /// The journal that undoes.
    pub id: JournalId,
    pub reversed_id: JournalId,
    /// Of the journal that was wrong.
    pub kind: String,
    pub reason: String,
    pub at: At,
}

/// Undoes a funding or a bonus that was wrong; both journals stay in the books. Refused when the money is not there any
/// more: nobody is made to owe.
pub fn reverse_journal(cx: &Cx, who: &Finance, once: &Once, id: &JournalId, asked: &Reversal) -> Outcome<ReversalView> {
    let mut fields = Fields::default();
    fields.text("/reason", &asked.reason, 500);
    fields.finish()?;
    cx.write_once(who, once, |tx| {
        let (journal, postings) = db::ledger::any_journal(tx, id)?.or_missing("journal")?;
        if !book::REVERSIBLE.contains(&journal.kind.as_str()) {
            let what = format!("a journal of the kind {}, which follows from work or orders", journal.kind);
            return Err(Refusal::wrong_state(what, &[]).into());
        }
        let data = json!({"reversed_id": id, "kind": journal.kind, "reason": asked.reason});
        let event = tx.record(Event::new("journal.reversed", id).data(data))?;
        let undone = db::ledger::apply(tx, &event, &book::reversal(id, &postings)).map_err(|failure| {
            match failure.code() {
                Some(Code::InsufficientFunds) => {
                    let detail = "What it gave is not there any more; nothing was reversed.";
                    Refusal::new(Code::InsufficientFunds, detail).into()
                }
                _ => failure,
            }
        })?;
        let row = ReversalRow {
            journal_id: undone,
            reversed_id: id.clone(),
            reason: asked.reason.clone(),
            decider_id: who.user().clone(),
            at: tx.now(),
        };
        if !db::ledger::add_reversal(tx, &row)? {
            return Err(Refusal::wrong_state("reversed already", &[]).into());
        }
        for posting in &postings {
            let text = format!(
                "{} of {} were booked by mistake and are taken back.\n{}\n\nWrite to us if you think that this is wrong.\n",
                posting.amount, journal.at, asked.reason
            );
            for email in owners_of(tx, &posting.credit)? {
                letters::send(tx, &event, &email, "A booking was reversed", &text)?;
            }
        }
        Ok(ReversalView {
            id: row.journal_id,
            reversed_id: row.reversed_id,
            kind: journal.kind,
            reason: row.reason,
            at: row.at,
        })
    })
}

/// Whom to write to about an account of a worker or a brand.
fn owners_of(conn: &mut Conn, account: &AccountName) -> Outcome<Vec<String>> {
    match account.kind {
        AccountKind::WorkerAvailable => {
            let worker = db::users::any_find(conn, &UserId::from_stored(account.owner.clone()))?;
            Ok(worker.into_iter().map(|user| user.email).collect())
        }
        AccountKind::BrandAvailable => {
            db::budgets::any_owner_emails(conn, &BrandId::from_stored(account.owner.clone()))
        }
        _ => Ok(Vec::new()),
    }
}

/// Gives back to the brand what the escrow of a closed mission can no longer cost: all but the dearest end of each slot
/// that is still held, by a live reservation, undecided work, or a rejection that may be appealed, and the rest of each
/// reward that was paid in part while an appeal may raise it. `mission` is how it stands now, under its lock. Of a
/// mission that is not closed nothing is returned. May be called again whenever one of these ended.
pub fn return_unneeded(tx: &mut Tx, mission: &MissionRow) -> Outcome<()> {
    let now = tx.now();
    let unneeded = unneeded(tx, mission, now)?;
    if unneeded.minor == 0 {
        tx.nothing_changed();
        return Ok(());
    }
    let data = json!({"amount_minor": unneeded.minor, "currency": unneeded.currency});
    let event = tx.record(Event::new("mission.hold_returned", &mission.id).brand(&mission.brand_id).data(data))?;
    db::ledger::apply(tx, &event, &book::return_hold(&mission.brand_id, &mission.id, unneeded))?;
    Ok(())
}

/// What `return_unneeded` would give back at `now`; zero unless the mission is closed.
pub fn unneeded(conn: &mut Conn, mission: &MissionRow, now: At) -> Outcome<Money> {
    if mission.state != MissionState::Closed {
        return Ok(Money::zero(mission.currency));
    }
    let escrow = db::ledger::balance(conn, &AccountName::escrow(&mission.id), mission.currency)?;
    let rest = escrow.sub(may_still_cost(conn, mission, now)?)?;
    Ok(Money::new(rest.minor.max(0), mission.currency))
}

/// A held slot ends in a reward or in an attempt fee, never in both; an appeal raises a part to at most the whole.
fn may_still_cost(conn: &mut Conn, mission: &MissionRow, now: At) -> Outcome<Money> {
    let with_fee = |minor: i64| {
        let pay = Money::new(minor, mission.currency);
        pay.add(platform_fee(pay, mission.fee_bps)?)
    };
    let dearest = with_fee(mission.reward_minor.max(mission.attempt_fee_minor))?;
    let mut cost = dearest.times(mission.slots_held)?;
    for earned in db::funds::any_raisable(conn, &mission.id, now)? {
        cost = cost.add(dearest.sub(with_fee(earned)?)?)?;
    }
    Ok(cost)
}
