//! What a worker gets beside the pay of a visit: a brand's bonus, and the platform's for having been late. The pay floor's
//! is `ops::budgets`'. Each has a reason that the worker reads, and one transfer.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::campaigns::MAX_PAY_MINOR;
use super::erasures::refuse_erased;
use super::fields::Fields;
use crate::access::scope::{BrandScope, WorkerScope};
use crate::access::{BrandOwner, Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::rows::BonusRow;
use crate::db::{Tx, budgets, funds, ledger, users};
use crate::domain::budget::BonusKind;
use crate::domain::event::Event;
use crate::domain::ids::{BonusId, BrandId, CampaignId, EventId, SubmissionId, UserId};
use crate::domain::ledger::{Journal, book};
use crate::domain::money::Money;
use crate::domain::refusal::{Code, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserKind;
use crate::ops::{Page, letters};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBonus {
    /// In the brand's currency.
    pub amount_minor: i64,
    /// The worker reads it.
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLateBonus {
    pub amount: Money,
    /// The worker reads it.
    pub reason: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BonusView {
    pub id: BonusId,
    /// `bonus` of a brand, `pay_floor` where visits took longer than was said, `late_bonus` of the platform.
    pub kind: BonusKind,
    pub submission_id: Option<SubmissionId>,
    pub amount: Money,
    pub reason: String,
    pub at: At,
}

impl From<BonusRow> for BonusView {
    fn from(row: BonusRow) -> BonusView {
        BonusView {
            id: row.id,
            kind: row.kind,
            submission_id: row.submission_id,
            amount: Money::new(row.amount_minor, row.currency),
            reason: row.reason,
            at: row.at,
        }
    }
}

/// Whom a bonus goes to, and what it is about.
pub(super) struct Given<'a> {
    pub kind: BonusKind,
    pub worker: &'a UserId,
    pub brand: Option<&'a BrandId>,
    pub campaign: Option<&'a CampaignId>,
    pub visit: Option<&'a SubmissionId>,
    pub amount: Money,
    pub reason: &'a str,
    pub by: Option<&'a UserId>,
}

/// Posts the journal, keeps the reason beside it, and writes to the worker.
pub(super) fn give(tx: &mut Tx, event: &EventId, given: &Given<'_>, journal: &Journal) -> Outcome<BonusRow> {
    let row = BonusRow {
        id: tx.id(),
        kind: given.kind,
        worker_id: given.worker.clone(),
        brand_id: given.brand.cloned(),
        campaign_id: given.campaign.cloned(),
        submission_id: given.visit.cloned(),
        amount_minor: given.amount.minor,
        currency: given.amount.currency,
        reason: given.reason.to_owned(),
        given_by: given.by.cloned(),
        journal_id: ledger::apply(tx, event, journal)?,
        at: tx.now(),
    };
    budgets::add_bonus(tx, &row)?;
    if let Some(worker) = users::any_find(tx, given.worker)? {
        let text = format!(
            "{} more are in your balance.\n{}\n\nNothing was taken off; ask for a payout whenever you like.\n",
            given.amount, given.reason
        );
        letters::send(tx, event, &worker.email, "You were paid more", &text)?;
    }
    Ok(row)
}

fn check(pointer: &str, minor: i64, reason: &str) -> Outcome<()> {
    let mut fields = Fields::default();
    fields.number(pointer, minor, 1..=MAX_PAY_MINOR);
    fields.text("/reason", reason, 500);
    fields.finish()
}

/// A brand adds something to a visit that it paid for, out of its available money.
pub fn give_bonus(cx: &Cx, who: &BrandOwner, once: &Once, id: &SubmissionId, asked: &NewBonus) -> Outcome<BonusView> {
    check("/amount_minor", asked.amount_minor, &asked.reason)?;
    let scope = BrandScope::from(who);
    cx.write_once(who, once, |tx| {
        let visit = budgets::paid_visit(tx, &scope, id)?.or_missing("submission")?;
        refuse_erased(tx, &visit.worker_id)?;
        let currency = funds::any_currency(tx, who.brand())?.or_missing("brand")?;
        let amount = Money::new(asked.amount_minor, currency);
        let data = json!({"amount": amount, "reason": asked.reason, "worker_id": visit.worker_id});
        let event = tx.record(Event::new("submission.bonus_given", id).brand(who.brand()).data(data))?;
        let given = Given {
            kind: BonusKind::Bonus,
            worker: &visit.worker_id,
            brand: Some(who.brand()),
            campaign: Some(&visit.campaign_id),
            visit: Some(id),
            amount,
            reason: &asked.reason,
            by: Some(who.user()),
        };
        let journal = book::bonus(who.brand(), id, &visit.worker_id, amount);
        Ok(BonusView::from(give(tx, &event, &given, &journal)?))
    })
}

/// The platform pays a worker for having been late, out of its own money.
pub fn give_late_bonus(
    cx: &Cx,
    who: &Finance,
    once: &Once,
    worker: &UserId,
    asked: &NewLateBonus,
) -> Outcome<BonusView> {
    check("/amount/amount_minor", asked.amount.minor, &asked.reason)?;
    cx.write_once(who, once, |tx| {
        users::any_find(tx, worker)?.filter(|user| user.kind == UserKind::Worker).or_missing("worker")?;
        refuse_erased(tx, worker)?;
        let row = late_bonus(tx, worker, None, asked.amount, &asked.reason, Some(who.user()))?;
        Ok(BonusView::from(row))
    })
}

/// The same within another act.
pub(super) fn late_bonus(
    tx: &mut Tx,
    worker: &UserId,
    visit: Option<&SubmissionId>,
    amount: Money,
    reason: &str,
    by: Option<&UserId>,
) -> Outcome<BonusRow> {
    let data = json!({"amount": amount, "reason": reason, "submission_id": visit});
    let event = tx.record(Event::new("worker.late_bonus_given", worker).data(data))?;
    let given = Given { kind: BonusKind::LateBonus, worker, brand: None, campaign: None, visit, amount, reason, by };
    give(tx, &event, &given, &book::late_bonus(worker, amount))
}

/// What the worker got beside the pay of visits, newest first.
pub fn list_bonuses(cx: &Cx, who: &Worker, after: Option<&str>, limit: i64) -> Outcome<Page<BonusView>> {
    let scope = WorkerScope::from(who);
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let before = after.map(|text| BonusId::parse(text).ok_or_else(bad)).transpose()?;
    let rows = cx.read(|c| budgets::bonuses_page(c, &scope, before.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), BonusView::from))
}
