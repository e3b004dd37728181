//! Money as equations over random histories on the pure core: every kind of event, in any order. 10,000 histories, or as
//! many as FIELDPROOF_TEST_HISTORIES says. Keeps I05, I06 and I09.

use fieldproof::domain::campaign::{escrow_of_mission, platform_fee};
use fieldproof::domain::decision::{DecisionKind, SlotMoves, pay, raise, slot_moves};
use fieldproof::domain::ids::{BrandId, CampaignId, JournalId, MissionId, SubmissionId, UserId};
use fieldproof::domain::ledger::book::{self, Earned};
use fieldproof::domain::ledger::{AccountKind, AccountName, Balances, Journal};
use fieldproof::domain::mission::Slots;
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::submission::Outcome;

const CHF: Currency = Currency::CHF;

fn chf(minor: i64) -> Money {
    Money::new(minor, CHF)
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
    campaign: CampaignId,
    /// Fundings and bonuses that may turn out to be wrong, and what they gave to workers.
    reversible: Vec<(Journal, i64)>,
    /// What workers got beside their visits.
    extras: i64,
    rail_costs: i64,
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
            campaign: CampaignId::from_bits(3),
            reversible: Vec::new(),
            extras: 0,
            rail_costs: 0,
            dice,
        };
        let held = escrow_of_mission(world.reward, world.attempt_fee, world.fee_bps, slots, world.slots.attempts)
            .expect("small");
        let reserve = chf(world.dice.minor(400));
        let funded = chf(held.minor + reserve.minor + world.dice.minor(2000));
        world.balances.apply(&book::fund(&world.brand, funded)).expect("funding has no limit");
        world.balances.apply(&book::hold(&world.brand, &world.mission, held)).expect("the brand was funded");
        let kept = book::hold_reserve(&world.brand, &world.campaign, reserve);
        world.balances.apply(&kept).expect("the brand was funded");
        world
    }

    fn step(&mut self) {
        match self.dice.below(14) {
            0 | 1 => self.reserve(),
            2..=4 => self.decide(),
            5 => self.request(),
            6 => self.confirm(),
            7 => self.give_bonus(),
            8 => self.raise_to_floor(),
            9 => self.reverse(),
            10 => self.top_up(),
            11 => {
                let amount = chf(self.dice.minor(500));
                self.post(book::fund(&self.brand, amount), 0);
            }
            12 => {
                let left = self.balances.of(&AccountName::reserve(&self.campaign), CHF);
                if self.dice.below(10) == 0 && left.minor > 0 {
                    let back = book::return_reserve(&self.brand, &self.campaign, left);
                    self.balances.apply(&back).expect("what is there can be given back");
                }
            }
            _ => {
                let amount = chf(self.dice.minor(200));
                // Refused when the brand has less: nothing moves then.
                let _ = self.balances.apply(&book::refund(&self.brand, amount));
            }
        }
    }

    /// What may be refused, and reversed later; `extra` of it goes to a worker.
    fn post(&mut self, journal: Journal, extra: i64) {
        if self.balances.apply(&journal).is_ok() {
            self.extras += extra;
            self.reversible.push((journal, extra));
        }
    }

    fn anybody(&mut self) -> UserId {
        UserId::from_bits(u128::from(self.dice.below(3)))
    }

    fn give_bonus(&mut self) {
        let (worker, amount) = (self.anybody(), chf(self.dice.minor(300)));
        let journal = match self.dice.below(2) {
            0 => book::bonus(&self.brand, &SubmissionId::from_bits(9), &worker, amount),
            _ => book::late_bonus(&worker, amount),
        };
        self.post(journal, amount.minor);
    }

    fn raise_to_floor(&mut self) {
        let (worker, amount) = (self.anybody(), self.dice.minor(300));
        let reserve = self.balances.of(&AccountName::reserve(&self.campaign), CHF).minor;
        let (kept, rest) = (amount.min(reserve), amount - amount.min(reserve));
        let visit = SubmissionId::from_bits(9);
        let journal = book::pay_floor(&self.brand, &self.campaign, &visit, &worker, chf(kept), chf(rest));
        if self.balances.apply(&journal).is_ok() {
            self.extras += amount;
        }
    }

    /// A wrong journal goes back while the money is still there, and once.
    fn reverse(&mut self) {
        if self.reversible.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.below(self.reversible.len() as u64)).expect("small");
        let (wrong, extra) = &self.reversible[at];
        let back = book::reversal(&JournalId::from_bits(1), &wrong.postings);
        if self.balances.apply(&back).is_ok() {
            self.extras -= extra;
            self.reversible.swap_remove(at);
        }
    }

    /// One slot more, and the money that it and its attempt may cost.
    fn top_up(&mut self) {
        let more = escrow_of_mission(self.reward, self.attempt_fee, self.fee_bps, 1, 1).expect("small");
        if self.balances.apply(&book::top_up(&self.brand, &self.mission, more)).is_ok() {
            self.slots.slots += 1;
            self.slots.attempts += 1;
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
            let why = match (visit.paid, kind) {
                (0, DecisionKind::PartlyApproved) => Earned::PartialApproval,
                (0, _) if completed => Earned::Approval,
                (0, _) => Earned::AttemptFee,
                _ => Earned::AppealRaise,
            };
            let earned = self.balances.apply(&book::earn(why, &self.mission, &visit.worker, more, fee));
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
            let done = "what is in payout can be settled or returned";
            if self.dice.below(2) == 0 {
                self.balances.apply(&book::return_payout(&worker, amount)).expect(done);
                return;
            }
            let cost = chf(i64::try_from(self.dice.below(30)).expect("small").min(amount.minor));
            self.balances.apply(&book::rail_cost(&worker, cost)).expect(done);
            self.balances.apply(&book::settle_payout(&worker, chf(amount.minor - cost.minor))).expect(done);
            self.rail_costs += cost.minor;
        }
    }

    fn holds_together(&self) {
        assert!(self.balances.is_conserved(CHF), "money appeared or went");
        assert!(self.balances.is_covered(), "a balance is below zero");
        let s = self.slots;
        assert!(s.held >= 0 && s.held + s.done <= s.slots && s.held + s.attempts_spent <= s.attempts, "{s:?}");
        // What a slot or an attempt may still cost is set aside (I10).
        let with_fee =
            |money: Money| money.add(platform_fee(money, self.fee_bps).expect("small")).expect("small").minor;
        let open =
            with_fee(self.reward) * (s.slots - s.done) + with_fee(self.attempt_fee) * (s.attempts - s.attempts_spent);
        let escrow = self.balances.of(&AccountName::escrow(&self.mission), CHF).minor;
        assert!(escrow >= open, "{escrow} are set aside for {open}");
        let earned: i64 = self.visits.iter().map(|visit| visit.paid).sum();
        let theirs =
            [AccountKind::WorkerAvailable, AccountKind::WorkerInPayout, AccountKind::PaidOut, AccountKind::RailCosts];
        let with_workers = self.balances.total(&theirs, CHF);
        assert_eq!(i128::from(earned + self.extras), with_workers, "workers own what they earned and were given");
        assert_eq!(i128::from(self.rail_costs), self.balances.total(&[AccountKind::RailCosts], CHF));
    }
}

#[test]
fn money_is_conserved_and_covered_in_random_histories() {
    let histories = std::env::var("FIELDPROOF_TEST_HISTORIES").map_or(10_000, |n| n.parse().expect("a number"));
    for seed in 1..=histories {
        let mut world = World::new(seed);
        for _ in 0..40 {
            world.step();
            world.holds_together();
        }
    }
}
