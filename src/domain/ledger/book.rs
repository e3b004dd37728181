//! The only dictionary from business words to accounts. An accountant reads this file (a snapshot prints it).

use std::fmt::Write as _;

use super::chart::{AccountKind, AccountName};
use crate::domain::ids::{BrandId, CampaignId, JournalId, MissionId, SubmissionId, UserId};
use crate::domain::money::{Currency, Money};

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

/// A running campaign goes on: more is set aside for one of its missions.
pub fn top_up(brand: &BrandId, mission: &MissionId, amount: Money) -> Journal {
    Journal::of("top_up", mission, vec![(AccountName::brand_available(brand), AccountName::escrow(mission), amount)])
}

/// Publishing sets aside what the pay floor may ask for.
pub fn hold_reserve(brand: &BrandId, campaign: &CampaignId, amount: Money) -> Journal {
    let (from, to) = (AccountName::brand_available(brand), AccountName::reserve(campaign));
    Journal::of("hold_reserve", campaign, vec![(from, to, amount)])
}

/// A campaign that is over gives back what the pay floor did not ask for.
pub fn return_reserve(brand: &BrandId, campaign: &CampaignId, amount: Money) -> Journal {
    let (from, to) = (AccountName::reserve(campaign), AccountName::brand_available(brand));
    Journal::of("return_reserve", campaign, vec![(from, to, amount)])
}

/// Why a visit is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Earned {
    Approval,
    PartialApproval,
    AttemptFee,
    /// An appeal raised what was paid before.
    AppealRaise,
}

impl Earned {
    pub fn as_str(self) -> &'static str {
        match self {
            Earned::Approval => "approval",
            Earned::PartialApproval => "partial_approval",
            Earned::AttemptFee => "attempt_fee",
            Earned::AppealRaise => "appeal_raise",
        }
    }
}

/// A visit is paid: the whole reward, a part of it or the attempt fee to the worker, the platform's fee beside it. The
/// brand pays both; the fee is never taken from the worker's part.
pub fn earn(why: Earned, mission: &MissionId, worker: &UserId, pay: Money, fee: Money) -> Journal {
    Journal::of(
        why.as_str(),
        mission,
        vec![
            (AccountName::escrow(mission), AccountName::worker_available(worker), pay),
            (AccountName::escrow(mission), AccountName::fees(mission), fee),
        ],
    )
}

/// A brand adds something to what a visit paid. The platform takes no fee on it.
pub fn bonus(brand: &BrandId, visit: &SubmissionId, worker: &UserId, amount: Money) -> Journal {
    let (from, to) = (AccountName::brand_available(brand), AccountName::worker_available(worker));
    Journal::of("bonus", visit, vec![(from, to, amount)])
}

/// Visits took longer than the brand had said: what lacks to the pay floor, from the campaign's reserve, and from the
/// brand's available money where that is used up. The platform takes no fee on it.
pub fn pay_floor(
    brand: &BrandId,
    campaign: &CampaignId,
    visit: &SubmissionId,
    worker: &UserId,
    from_reserve: Money,
    from_available: Money,
) -> Journal {
    let to = AccountName::worker_available(worker);
    let transfers = vec![
        (AccountName::reserve(campaign), to.clone(), from_reserve),
        (AccountName::brand_available(brand), to, from_available),
    ];
    Journal::of("pay_floor", visit, transfers)
}

/// Undoes a journal that was wrong by posting it the other way round; both stay in the books.
pub fn reversal(wrong: &JournalId, postings: &[Posting]) -> Journal {
    let back = postings.iter().map(|p| (p.credit.clone(), p.debit.clone(), p.amount)).collect();
    Journal::of("reversal", wrong, back)
}

/// Kinds of journals that a person of finance may reverse; others follow from work that was done.
pub const REVERSIBLE: &[&str] = &["fund", "bonus", "late_bonus"];

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

/// One event of the business and what it does to the books.
struct Entry {
    kind: &'static str,
    why: &'static str,
    /// Its transfers, by example; none for what moves no money.
    example: fn(&Example) -> Option<Journal>,
}

/// The people of the examples.
struct Example {
    brand: BrandId,
    campaign: CampaignId,
    mission: MissionId,
    visit: SubmissionId,
    worker: UserId,
}

fn chf(minor: i64) -> Money {
    Money::new(minor, Currency::CHF)
}

/// Every kind of journal that is written, in the order of a campaign's life.
const DICTIONARY: &[Entry] = &[
    Entry { kind: "fund", why: "a brand's money arrived at the bank", example: |e| Some(fund(&e.brand, chf(100_000))) },
    Entry {
        kind: "hold",
        why: "publishing sets aside what a mission may cost: reward, attempt fees and the platform's fee on both",
        example: |e| Some(hold(&e.brand, &e.mission, chf(24_000))),
    },
    Entry {
        kind: "hold_reserve",
        why: "publishing sets aside what the pay floor may ask for",
        example: |e| Some(hold_reserve(&e.brand, &e.campaign, chf(5_000))),
    },
    Entry {
        kind: "top_up",
        why: "a running mission gets more slots, and the money for them",
        example: |e| Some(top_up(&e.brand, &e.mission, chf(2_400))),
    },
    Entry {
        kind: "approval",
        why: "a visit is approved: reward to the worker, the platform's fee on top of it",
        example: |e| Some(earn(Earned::Approval, &e.mission, &e.worker, chf(1_200), chf(240))),
    },
    Entry {
        kind: "partial_approval",
        why: "a part of a visit is approved: that share of the reward, and the fee on it",
        example: |e| Some(earn(Earned::PartialApproval, &e.mission, &e.worker, chf(600), chf(120))),
    },
    Entry {
        kind: "attempt_fee",
        why: "a visit could not be done: the attempt fee, and the fee on it",
        example: |e| Some(earn(Earned::AttemptFee, &e.mission, &e.worker, chf(400), chf(80))),
    },
    Entry {
        kind: "appeal_raise",
        why: "an appeal was right: what lacked to the reward, and the fee on it",
        example: |e| Some(earn(Earned::AppealRaise, &e.mission, &e.worker, chf(600), chf(120))),
    },
    Entry {
        kind: "bonus",
        why: "a brand adds something to a visit, with a reason; the platform takes no fee",
        example: |e| Some(bonus(&e.brand, &e.visit, &e.worker, chf(300))),
    },
    Entry {
        kind: "pay_floor",
        why: "visits took longer than was said: the difference to the floor, from the reserve, then from available; no fee",
        example: |e| Some(pay_floor(&e.brand, &e.campaign, &e.visit, &e.worker, chf(200), chf(50))),
    },
    Entry {
        kind: "late_bonus",
        why: "the platform was late (an appeal that was right, an overdue payout) and pays for it itself",
        example: |e| Some(late_bonus(&e.worker, chf(120))),
    },
    Entry {
        kind: "return_hold",
        why: "a closed mission gives back what it can no longer cost",
        example: |e| Some(return_hold(&e.brand, &e.mission, chf(9_600))),
    },
    Entry {
        kind: "return_reserve",
        why: "a closed campaign gives back what the pay floor did not ask for",
        example: |e| Some(return_reserve(&e.brand, &e.campaign, chf(4_800))),
    },
    Entry {
        kind: "refund",
        why: "unused money went back to the brand's bank",
        example: |e| Some(refund(&e.brand, chf(10_000))),
    },
    Entry {
        kind: "reversal",
        why: "a wrong funding or bonus is undone: its transfers the other way round, and its journal is named",
        example: |e| {
            let wrong = fund(&e.brand, chf(100_000));
            Some(reversal(&JournalId::from_bits(0), &wrong.postings))
        },
    },
    Entry {
        kind: "request_payout",
        why: "a worker asked for money; from here on it cannot be asked for again",
        example: |e| Some(request_payout(&e.worker, chf(1_000))),
    },
    Entry {
        kind: "(payout sent)",
        why: "the bank has the order: no entry, the money is on its way until the bank says how it ended",
        example: |_| None,
    },
    Entry {
        kind: "settle_payout",
        why: "the bank says that it arrived, less the rail's cost",
        example: |e| Some(settle_payout(&e.worker, chf(975))),
    },
    Entry {
        kind: "rail_cost",
        why: "the bank or payment service took what was shown before",
        example: |e| Some(rail_cost(&e.worker, chf(25))),
    },
    Entry {
        kind: "return_payout",
        why: "the bank sent it back: the worker has it again",
        example: |e| Some(return_payout(&e.worker, chf(1_000))),
    },
    Entry {
        kind: "return_settled_payout",
        why: "the bank sent back what had arrived: the worker has that again, the rail keeps its cost",
        example: |e| Some(return_settled_payout(&e.worker, chf(975))),
    },
];

/// The chart of accounts and the dictionary of events, for an accountant to read.
pub fn table() -> String {
    let guard = |kind: AccountKind| if kind.is_guarded() { "guarded" } else { "free" };
    let mut text = String::from(
        "CHART OF ACCOUNTS\n\nA balance is credits less debits: what the platform owes to the owner, or holds for it. A \
         guarded account\ncannot fall below zero: the transfer is refused instead. A free one stands for the world outside, or \
         only grows.\nClient money must lie at the bank.\n\n",
    );
    let _ = writeln!(text, "{:<17} {:<17} {:<8} {:<7} holds", "account", "one for each", "guard", "client");
    for &kind in AccountKind::ALL {
        let client = if kind.is_client_money() { "yes" } else { "no" };
        let (owner, meaning) = (kind.owner(), kind.meaning());
        let _ = writeln!(text, "{:<17} {owner:<17} {:<8} {client:<7} {meaning}", kind.as_str(), guard(kind));
    }
    text.push_str(
        "\nEVENTS\n\nEach transfer moves one amount from its debit account to its credit account. \"earn\" in old books is \
         any\nof approval, partial_approval, attempt_fee and appeal_raise.\n",
    );
    let example = Example {
        brand: BrandId::from_bits(1),
        campaign: CampaignId::from_bits(2),
        mission: MissionId::from_bits(3),
        visit: SubmissionId::from_bits(4),
        worker: UserId::from_bits(5),
    };
    for entry in DICTIONARY {
        let _ = writeln!(text, "\n{}: {}", entry.kind, entry.why);
        let Some(journal) = (entry.example)(&example) else {
            text.push_str("  nothing is posted\n");
            continue;
        };
        for posting in journal.postings {
            let (from, to) = (posting.debit.kind, posting.credit.kind);
            let amount = posting.amount.to_string();
            let _ = writeln!(text, "  {from} ({}) -> {to} ({})  {amount}", guard(from), guard(to));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_names_the_kinds_that_are_written() {
        let example = Example {
            brand: BrandId::from_bits(1),
            campaign: CampaignId::from_bits(2),
            mission: MissionId::from_bits(3),
            visit: SubmissionId::from_bits(4),
            worker: UserId::from_bits(5),
        };
        for entry in DICTIONARY {
            let journal = (entry.example)(&example);
            assert_eq!(journal.map_or(entry.kind, |journal| journal.kind), entry.kind);
        }
        assert!(REVERSIBLE.iter().all(|kind| DICTIONARY.iter().any(|entry| entry.kind == *kind)));
    }
}
