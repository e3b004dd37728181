//! The same log of a thousand journals on SQLite, on PostgreSQL and on paper: each is taken or refused by all three alike,
//! and in the end all accounts are the same.

use fieldproof::db::ledger;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::{BrandId, CampaignId, JournalId, MissionId, SubmissionId, UserId};
use fieldproof::domain::ledger::book::{self, Earned};
use fieldproof::domain::ledger::{AccountKind, AccountName, Balances, Journal};
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::refusal::Code;

use crate::support::world::{Engine, fresh_core};

const OPERATIONS: u64 = 1000;

/// Any journal of the book between three brands and five workers, in two currencies.
fn journal(n: u64, log: &[Journal]) -> Journal {
    let mut state = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    for _ in 0..8 {
        below(2);
    }
    let (b, w) = (u128::from(below(3)), u128::from(below(5)));
    let (brand, campaign, mission) = (BrandId::from_bits(b), CampaignId::from_bits(b), MissionId::from_bits(b));
    let (worker, visit) = (UserId::from_bits(w), SubmissionId::from_bits(u128::from(n)));
    let currency = if b == 2 { Currency::EUR } else { Currency::CHF };
    let mut money = |most: u64| Money::new(i64::try_from(below(most)).expect("small") + 1, currency);
    let (large, small, fee) = (money(5000), money(400), money(80));
    let whys = [Earned::Approval, Earned::PartialApproval, Earned::AttemptFee, Earned::AppealRaise];
    match n % 17 {
        0 | 1 => book::fund(&brand, large),
        2 => book::hold(&brand, &mission, large),
        3 => book::hold_reserve(&brand, &campaign, small),
        4 => book::top_up(&brand, &mission, small),
        5..=7 => book::earn(whys[usize::try_from(n % 4).expect("small")], &mission, &worker, small, fee),
        8 => book::bonus(&brand, &visit, &worker, small),
        9 => book::pay_floor(&brand, &campaign, &visit, &worker, small, fee),
        10 => book::late_bonus(&worker, fee),
        11 => book::return_hold(&brand, &mission, small),
        12 if n % 2 == 1 => book::refund(&brand, small),
        12 => {
            let wrong = log.iter().rev().find(|one| book::REVERSIBLE.contains(&one.kind)).expect("it begins with one");
            book::reversal(&JournalId::from_bits(u128::from(n)), &wrong.postings)
        }
        13 => book::request_payout(&worker, small),
        14 => book::settle_payout(&worker, fee),
        15 => book::rail_cost(&worker, Money::new(5, currency)),
        _ => match n % 2 {
            0 => book::return_payout(&worker, fee),
            _ => book::return_reserve(&brand, &campaign, fee),
        },
    }
}

/// Which were taken, and every balance in the end.
fn posted(engine: Engine, log: &[Journal]) -> (Vec<bool>, Vec<(AccountName, Money)>) {
    let (core, _kept) = fresh_core(engine);
    let taken = log.iter().map(|journal| {
        let done = core.db.write(&Actor::Operator, "twins", |tx| {
            let event = tx.record(Event::new("twins.posted", &journal.subject))?;
            ledger::apply(tx, &event, journal).map(|_| ())
        });
        assert!(
            matches!(done.as_ref().err().map(|f| f.code()), None | Some(Some(Code::InsufficientFunds))),
            "{done:?}"
        );
        done.is_ok()
    });
    let taken = taken.collect();
    (taken, core.db.read(ledger::any_dump).unwrap())
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn the_same_thousand_operations_leave_the_same_books_on_both_databases() {
    let mut log: Vec<Journal> = Vec::new();
    for n in 0..OPERATIONS {
        let next = journal(n, &log);
        log.push(next);
    }
    let mut paper = Balances::default();
    let on_paper: Vec<bool> = log.iter().map(|journal| paper.apply(journal).is_ok()).collect();
    let done = on_paper.iter().filter(|taken| **taken).count();
    assert!((300..=950).contains(&done), "a log of both kinds: {done} taken");
    let (lite, pg) = (posted(Engine::Sqlite, &log), posted(Engine::Postgres, &log));
    assert_eq!(lite.0, on_paper);
    assert_eq!(pg.0, on_paper);
    let sorted = |mut dump: Vec<(AccountName, Money)>| {
        dump.sort_by(|a, b| (&a.0, a.1.currency).cmp(&(&b.0, b.1.currency)));
        dump
    };
    let (lite, pg) = (sorted(lite.1), sorted(pg.1));
    assert_eq!(lite, pg);
    assert!(lite.iter().all(|(name, money)| paper.of(name, money.currency) == *money));
    let kinds: std::collections::BTreeSet<AccountKind> = lite.iter().map(|(name, _)| name.kind).collect();
    assert_eq!(kinds.len(), AccountKind::ALL.len(), "every kind of account was moved");
}
