//! The ledger in memory: balances that journals move. The same rules as in the database (I05), for tests of equations
//! over random histories and for whoever wants to know what a journal would do.

use std::collections::BTreeMap;

use super::{AccountKind, AccountName, Journal};
use crate::domain::money::{Currency, Money};

/// Balances by account and currency; an account that was never moved holds zero.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Balances(BTreeMap<(AccountName, Currency), i64>);

/// Why a journal was not applied. Nothing of it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unbalanced {
    /// The account would fall below zero.
    Overdrawn(AccountName, Money),
    /// A transfer of nothing or less, or beyond 64 bits.
    Amount,
}

impl Balances {
    /// Moves what the journal says, or nothing.
    pub fn apply(&mut self, journal: &Journal) -> Result<(), Unbalanced> {
        let mut moved: BTreeMap<(AccountName, Currency), i64> = BTreeMap::new();
        for posting in &journal.postings {
            if posting.amount.minor <= 0 {
                return Err(Unbalanced::Amount);
            }
            for (account, delta) in [(&posting.debit, -posting.amount.minor), (&posting.credit, posting.amount.minor)] {
                let key = (account.clone(), posting.amount.currency);
                let before = self.0.get(&key).copied().unwrap_or(0);
                let balance = moved.entry(key).or_insert(before);
                *balance = balance.checked_add(delta).ok_or(Unbalanced::Amount)?;
            }
        }
        let overdrawn = moved.iter().find(|((account, _), balance)| is_guarded(account.kind) && **balance < 0);
        if let Some(((account, currency), balance)) = overdrawn {
            return Err(Unbalanced::Overdrawn(account.clone(), Money::new(*balance, *currency)));
        }
        self.0.extend(moved);
        Ok(())
    }

    pub fn of(&self, account: &AccountName, currency: Currency) -> Money {
        Money::new(self.0.get(&(account.clone(), currency)).copied().unwrap_or(0), currency)
    }

    /// The sum over all accounts of these kinds.
    pub fn total(&self, kinds: &[AccountKind], currency: Currency) -> i128 {
        let wanted = self.0.iter().filter(|((account, c), _)| *c == currency && kinds.contains(&account.kind));
        wanted.map(|(_, balance)| i128::from(*balance)).sum()
    }

    /// I06: what brands funded is somewhere: available, in escrow, with workers, paid out, earned as fees or refunded.
    pub fn is_conserved(&self, currency: Currency) -> bool {
        let inside: Vec<AccountKind> =
            AccountKind::ALL.iter().copied().filter(|kind| *kind != AccountKind::Funding).collect();
        -self.total(&[AccountKind::Funding], currency) == self.total(&inside, currency)
    }

    /// I05: no guarded balance is below zero.
    pub fn is_covered(&self) -> bool {
        self.0.iter().all(|((account, _), balance)| !is_guarded(account.kind) || *balance >= 0)
    }
}

/// May it never fall below zero? The others stand for the world outside, or only grow.
fn is_guarded(kind: AccountKind) -> bool {
    !matches!(kind, AccountKind::Funding | AccountKind::PaidOut | AccountKind::Refunded | AccountKind::Fees)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::{escrow_of_mission, platform_fee};
    use crate::domain::decision::{DecisionKind, SlotMoves, pay, raise, slot_moves};
    use crate::domain::ids::{BrandId, MissionId, UserId};
    use crate::domain::ledger::book;
    use crate::domain::mission::Slots;
    use crate::domain::submission::Outcome;

    const CHF: Currency = Currency::CHF;

    fn chf(minor: i64) -> Money {
        Money::new(minor, CHF)
    }

    #[test]
    fn a_journal_that_overdraws_moves_nothing() {
        let (brand, mission) = (BrandId::from_bits(1), MissionId::from_bits(2));
        let mut balances = Balances::default();
        balances.apply(&book::fund(&brand, chf(100))).expect("funding has no limit");
        let before = balances.clone();
        let refused = balances.apply(&book::hold(&brand, &mission, chf(101)));
        assert_eq!(refused, Err(Unbalanced::Overdrawn(AccountName::brand_available(&brand), chf(-1))));
        assert_eq!(balances, before);
        assert!(balances.is_conserved(CHF));
    }

    struct Xorshift(u64);

    impl Xorshift {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % n
        }

        fn minor(&mut self, n: u64) -> i64 {
            i64::try_from(self.below(n)).expect("small") + 1
        }
    }

    /// A visit on its road: reserved, or decided and perhaps appealed.
    struct Visit {
        worker: UserId,
        outcome: Outcome,
        state: Road,
        paid: i64,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Road {
        Open,
        Rejected,
        Partly,
        Over,
    }

    /// One mission of one brand, three workers, their payouts.
    struct World {
        dice: Xorshift,
        balances: Balances,
        brand: BrandId,
        mission: MissionId,
        reward: Money,
        attempt_fee: Money,
        fee_bps: i64,
        slots: Slots,
        visits: Vec<Visit>,
        payouts: Vec<(UserId, Money)>,
    }

    impl World {
        fn new(seed: u64) -> World {
            let mut dice = Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let slots = dice.minor(3);
            let mut world = World {
                balances: Balances::default(),
                brand: BrandId::from_bits(1),
                mission: MissionId::from_bits(2),
                reward: chf(dice.minor(2000)),
                attempt_fee: chf(dice.minor(500)),
                fee_bps: dice.minor(3000) - 1,
                slots: Slots { slots, held: 0, done: 0, attempts: Slots::attempts_for(slots), attempts_spent: 0 },
                visits: Vec::new(),
                payouts: Vec::new(),
                dice,
            };
            let held = escrow_of_mission(world.reward, world.attempt_fee, world.fee_bps, slots, world.slots.attempts)
                .expect("small");
            let funded = chf(held.minor + world.dice.minor(100));
            world.balances.apply(&book::fund(&world.brand, funded)).expect("funding has no limit");
            world.balances.apply(&book::hold(&world.brand, &world.mission, held)).expect("the brand was funded");
            world
        }

        fn step(&mut self) {
            match self.dice.below(8) {
                0 | 1 => self.reserve(),
                2..=4 => self.decide(),
                5 => self.request(),
                6 => self.confirm(),
                _ => {
                    let amount = chf(self.dice.minor(200));
                    // Refused when the brand has less: nothing moves then.
                    let _ = self.balances.apply(&book::refund(&self.brand, amount));
                }
            }
        }

        fn reserve(&mut self) {
            if self.slots.free() == 0 {
                return;
            }
            self.slots.held += 1;
            let worker = UserId::from_bits(u128::from(self.dice.below(3)));
            let outcome = Outcome::ALL[usize::try_from(self.dice.below(12)).expect("small") % Outcome::ALL.len()];
            self.visits.push(Visit { worker, outcome, state: Road::Open, paid: 0 });
        }

        fn decide(&mut self) {
            if self.visits.is_empty() {
                return;
            }
            let at = usize::try_from(self.dice.below(self.visits.len() as u64)).expect("small");
            let (kind, total) = (self.dice.below(4), self.dice.minor(9));
            let accepted = self.dice.minor(u64::try_from(total).expect("positive"));
            let visit = &mut self.visits[at];
            let completed = visit.outcome == Outcome::Completed;
            let (kind, answers_appeal) = match (visit.state, kind) {
                (Road::Over, _) => return,
                // The appeal window of a rejection ends, or of a partial approval.
                (Road::Rejected, 3) => {
                    self.slots.held -= 1;
                    visit.state = Road::Over;
                    return;
                }
                (Road::Partly, 2 | 3) => {
                    visit.state = Road::Over;
                    return;
                }
                (state, 0) => (DecisionKind::Approved, state != Road::Open),
                (state, 1) if completed => (DecisionKind::PartlyApproved, state != Road::Open),
                (state, _) => (DecisionKind::Rejected, state != Road::Open),
            };
            let holds = visit.state != Road::Partly;
            let owed = pay(kind, visit.outcome, self.reward, self.attempt_fee, (accepted, total)).expect("small");
            let before = chf(visit.paid);
            let more = raise(before, owed).expect("one currency");
            let fee_of = |money| platform_fee(money, self.fee_bps).expect("small");
            let fee = fee_of(before.add(more).expect("small")).sub(fee_of(before)).expect("small");
            if more.minor > 0 {
                let earned = self.balances.apply(&book::earn(&self.mission, &visit.worker, more, fee));
                earned.expect("escrow covers every decision");
            }
            let SlotMoves { held, done, attempts_spent } = slot_moves(kind, visit.outcome, holds, answers_appeal);
            self.slots.held += held;
            self.slots.done += done;
            self.slots.attempts_spent += attempts_spent;
            visit.paid += more.minor;
            visit.state = match kind {
                _ if answers_appeal => Road::Over,
                DecisionKind::Rejected => Road::Rejected,
                DecisionKind::PartlyApproved => Road::Partly,
                _ => Road::Over,
            };
        }

        fn request(&mut self) {
            let worker = UserId::from_bits(u128::from(self.dice.below(3)));
            let available = self.balances.of(&AccountName::worker_available(&worker), CHF).minor;
            let amount = chf(self.dice.minor(2 * available.unsigned_abs() + 1));
            let asked = self.balances.apply(&book::request_payout(&worker, amount));
            assert_eq!(asked.is_ok(), amount.minor <= available, "a payout is refused exactly when it is not covered");
            if asked.is_ok() {
                self.payouts.push((worker, amount));
            }
        }

        fn confirm(&mut self) {
            if let Some((worker, amount)) = self.payouts.pop() {
                let journal = match self.dice.below(2) {
                    0 => book::settle_payout(&worker, amount),
                    _ => book::return_payout(&worker, amount),
                };
                self.balances.apply(&journal).expect("what is in payout can be settled or returned");
            }
        }

        fn holds_together(&self) {
            assert!(self.balances.is_conserved(CHF), "money appeared or went");
            assert!(self.balances.is_covered(), "a balance is below zero");
            let s = self.slots;
            assert!(s.held >= 0 && s.held + s.done <= s.slots && s.held + s.attempts_spent <= s.attempts, "{s:?}");
            let earned: i64 = self.visits.iter().map(|visit| visit.paid).sum();
            let with_workers = self
                .balances
                .total(&[AccountKind::WorkerAvailable, AccountKind::WorkerInPayout, AccountKind::PaidOut], CHF);
            assert_eq!(i128::from(earned), with_workers, "workers own what they earned");
        }
    }

    #[test]
    fn money_is_conserved_and_covered_in_ten_thousand_random_histories() {
        for seed in 1..=10_000 {
            let mut world = World::new(seed);
            for _ in 0..30 {
                world.step();
                world.holds_together();
            }
        }
    }
}
