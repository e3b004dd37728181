//! The only dictionary from business words to accounts. An accountant reads this file (a snapshot prints it).

use super::chart::AccountName;
use crate::domain::ids::{BrandId, MissionId, UserId};
use crate::domain::money::Money;

/// One transfer on paper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posting {
    pub debit: AccountName,
    pub credit: AccountName,
    pub amount: Money,
}

/// The transfers of one event. Transfers of nothing are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Journal {
    pub kind: &'static str,
    pub subject: String,
    pub postings: Vec<Posting>,
}

impl Journal {
    fn of(kind: &'static str, subject: impl ToString, postings: Vec<(AccountName, AccountName, Money)>) -> Journal {
        let postings = postings
            .into_iter()
            .filter(|(_, _, amount)| amount.minor != 0)
            .map(|(debit, credit, amount)| Posting { debit, credit, amount })
            .collect();
        Journal { kind, subject: subject.to_string(), postings }
    }
}

/// A brand's money arrived.
pub fn fund(brand: &BrandId, amount: Money) -> Journal {
    Journal::of("fund", brand, vec![(AccountName::funding(brand), AccountName::brand_available(brand), amount)])
}

/// Unused money goes back to the brand's bank.
pub fn refund(brand: &BrandId, amount: Money) -> Journal {
    Journal::of("refund", brand, vec![(AccountName::brand_available(brand), AccountName::refunded(brand), amount)])
}

/// Publishing sets aside what a mission may cost.
pub fn hold(brand: &BrandId, mission: &MissionId, amount: Money) -> Journal {
    Journal::of("hold", mission, vec![(AccountName::brand_available(brand), AccountName::escrow(mission), amount)])
}

/// Closing gives back what a mission did not cost.
pub fn return_hold(brand: &BrandId, mission: &MissionId, amount: Money) -> Journal {
    Journal::of(
        "return_hold",
        mission,
        vec![(AccountName::escrow(mission), AccountName::brand_available(brand), amount)],
    )
}

/// An approval: reward (or a part of it, or the attempt fee) to the worker, the platform's fee beside it.
pub fn earn(mission: &MissionId, worker: &UserId, pay: Money, fee: Money) -> Journal {
    Journal::of(
        "earn",
        mission,
        vec![
            (AccountName::escrow(mission), AccountName::worker_available(worker), pay),
            (AccountName::escrow(mission), AccountName::fees(mission), fee),
        ],
    )
}

/// The worker asked for money.
pub fn request_payout(worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::worker_available(worker), AccountName::worker_in_payout(worker));
    Journal::of("request_payout", worker, vec![(from, to, amount)])
}

/// The bank confirmed that it arrived.
pub fn settle_payout(worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::worker_in_payout(worker), AccountName::paid_out(worker));
    Journal::of("settle_payout", worker, vec![(from, to, amount)])
}

/// The bank sent it back: it is the worker's again.
pub fn return_payout(worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::worker_in_payout(worker), AccountName::worker_available(worker));
    Journal::of("return_payout", worker, vec![(from, to, amount)])
}

/// The bank sent back what it had settled: it is the worker's again.
pub fn return_settled_payout(worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::paid_out(worker), AccountName::worker_available(worker));
    Journal::of("return_settled_payout", worker, vec![(from, to, amount)])
}

/// What the rail takes for bringing a payout, as it was shown before: the rest of the payout settles.
pub fn rail_cost(worker: &UserId, cost: Money) -> Journal {
    let (from, to) = (AccountName::worker_in_payout(worker), AccountName::rail_costs(worker));
    Journal::of("rail_cost", worker, vec![(from, to, cost)])
}

/// The platform pays, of its own money, for having been late: an appeal that was right, a payout that was overdue.
pub fn late_bonus(worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::platform_money(worker), AccountName::worker_available(worker));
    Journal::of("late_bonus", worker, vec![(from, to, amount)])
}
