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
        let overdrawn = moved.iter().find(|((account, _), balance)| account.kind.is_guarded() && **balance < 0);
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

    /// I06: what came in is somewhere: available, in escrow or reserve, with workers, paid out, earned as fees, taken by a
    /// rail or refunded.
    pub fn is_conserved(&self, currency: Currency) -> bool {
        let inside: Vec<AccountKind> =
            AccountKind::ALL.iter().copied().filter(|kind| *kind != AccountKind::Funding).collect();
        -self.total(&[AccountKind::Funding], currency) == self.total(&inside, currency)
    }

    /// I05: no guarded balance is below zero.
    pub fn is_covered(&self) -> bool {
        self.0.iter().all(|((account, _), balance)| !account.kind.is_guarded() || *balance >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{BrandId, MissionId};
    use crate::domain::ledger::book;

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
}
