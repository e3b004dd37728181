//! What a worker has earned and where it is: available, on its way, paid out.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::Cx;
use crate::db::rows::EarningRow;
use crate::db::{earnings, ledger, payout_methods};
use crate::domain::ids::*;
use crate::domain::ledger::AccountName;
use crate::domain::money::{Currency, Money};
use crate::domain::payout::{PayoutRules, Rail};
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::time::At;
use crate::ops::Page;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct EarningView {
    pub id: EarningId,
    pub submission_id: SubmissionId,
    pub mission_id: MissionId,
    pub store_name: String,
    /// `reward`, `attempt`, `partial`, or `supplement`: what an appeal added.
    pub kind: String,
    pub amount: Money,
    /// What the brand paid the platform beside it; nothing of it was taken from the worker.
    pub fee: Money,
    pub at: At,
    /// The day on which it can be with the worker: by the daily run, or by a payout asked for before it.
    pub expected_payout_on: String,
}

impl EarningView {
    fn of(
        (row, store_name): (EarningRow, String),
        fees: &HashMap<JournalId, i64>,
        rules: &PayoutRules,
        method: Option<(Rail, At)>,
    ) -> EarningView {
        EarningView {
            expected_payout_on: rules.expected_on(row.at, method).to_string(),
            id: row.id,
            submission_id: row.submission_id,
            mission_id: row.mission_id,
            store_name,
            kind: row.kind,
            amount: Money::new(row.amount_minor, row.currency),
            fee: Money::new(fees.get(&row.journal_id).copied().unwrap_or(0), row.currency),
            at: row.at,
        }
    }
}

/// Newest first. Cursor: id.
pub fn list_earnings(cx: &Cx, who: &Worker, after: Option<&str>, limit: i64) -> Outcome<Page<EarningView>> {
    let scope = WorkerScope::from(who);
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let before = after.map(|text| EarningId::parse(text).ok_or_else(bad)).transpose()?;
    let (rows, fees, method) = cx.read(|c| {
        let choice = payout_methods::choice(c, &scope)?;
        let methods = payout_methods::live(c, &scope)?;
        let chosen = choice.and_then(|choice| methods.iter().find(|method| method.id == choice.method_id));
        // Without a choice the one that is good first.
        let method = chosen.or_else(|| methods.iter().min_by_key(|method| method.payable_at));
        let method = method.map(|method| (method.rail, method.payable_at));
        let rows = earnings::page(c, &scope, before.as_ref(), limit + 1)?;
        let earned: Vec<EarningRow> = rows.iter().map(|(row, _)| row.clone()).collect();
        let fees = earnings::any_fees(c, &earned)?;
        Ok((rows, fees, method))
    })?;
    let rules = &cx.rules().payouts;
    Ok(Page::of(rows, limit, |(row, _)| row.id.to_string(), |row| EarningView::of(row, &fees, rules, method)))
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct BalanceView {
    /// One entry a currency; none before the first earning.
    pub balances: Vec<CurrencyBalance>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct CurrencyBalance {
    pub currency: Currency,
    pub available: Money,
    pub in_payout: Money,
    pub paid_out: Money,
}

pub fn get_balance(cx: &Cx, who: &Worker) -> Outcome<BalanceView> {
    let user = who.user();
    let accounts =
        [AccountName::worker_available(user), AccountName::worker_in_payout(user), AccountName::paid_out(user)];
    let sums = cx.read(|c| {
        let mut sums: BTreeMap<Currency, [i64; 3]> = BTreeMap::new();
        for (place, account) in accounts.iter().enumerate() {
            for money in ledger::balances(c, account)? {
                sums.entry(money.currency).or_default()[place] = money.minor;
            }
        }
        Ok(sums)
    })?;
    let balance = |(currency, [available, in_payout, paid_out]): (Currency, [i64; 3])| CurrencyBalance {
        currency,
        available: Money::new(available, currency),
        in_payout: Money::new(in_payout, currency),
        paid_out: Money::new(paid_out, currency),
    };
    Ok(BalanceView { balances: sums.into_iter().map(balance).collect() })
}
