//! The chart of accounts. A balance is credits less debits: what the platform owes, or holds for, the owner.

use crate::domain::ids::{BrandId, CampaignId, MissionId, UserId};

text_enum! {
    /// The first three stand for the world outside: they run negative or positive without limit. Fees and rail costs may
    /// run only up. Escrow and fees are kept per mission, so that no row is touched by every approval; what the platform
    /// itself puts in and what the rails cost is kept per worker, so that no row is touched by every payout.
    AccountKind {
        Funding = "funding", PaidOut = "paid_out", Refunded = "refunded", Fees = "fees",
        BrandAvailable = "brand_available", BrandEscrow = "brand_escrow",
        BrandReserve = "brand_reserve",
        WorkerAvailable = "worker_available", WorkerInPayout = "worker_in_payout", RailCosts = "rail_costs"
    }
}

/// Which account: its kind and whose it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AccountName {
    pub owner: String,
    pub kind: AccountKind,
}

impl AccountName {
    fn new(kind: AccountKind, owner: &str) -> AccountName {
        AccountName { owner: owner.to_owned(), kind }
    }

    pub fn funding(brand: &BrandId) -> AccountName {
        AccountName::new(AccountKind::Funding, brand.as_str())
    }

    /// The platform's own money, put in for this worker.
    pub fn platform_money(worker: &UserId) -> AccountName {
        AccountName::new(AccountKind::Funding, worker.as_str())
    }

    pub fn refunded(brand: &BrandId) -> AccountName {
        AccountName::new(AccountKind::Refunded, brand.as_str())
    }

    pub fn paid_out(worker: &UserId) -> AccountName {
        AccountName::new(AccountKind::PaidOut, worker.as_str())
    }

    pub fn brand_available(brand: &BrandId) -> AccountName {
        AccountName::new(AccountKind::BrandAvailable, brand.as_str())
    }

    pub fn escrow(mission: &MissionId) -> AccountName {
        AccountName::new(AccountKind::BrandEscrow, mission.as_str())
    }

    /// Set aside for the pay floor of a published campaign.
    pub fn reserve(campaign: &CampaignId) -> AccountName {
        AccountName::new(AccountKind::BrandReserve, campaign.as_str())
    }

    pub fn fees(mission: &MissionId) -> AccountName {
        AccountName::new(AccountKind::Fees, mission.as_str())
    }

    pub fn worker_available(worker: &UserId) -> AccountName {
        AccountName::new(AccountKind::WorkerAvailable, worker.as_str())
    }

    pub fn worker_in_payout(worker: &UserId) -> AccountName {
        AccountName::new(AccountKind::WorkerInPayout, worker.as_str())
    }

    pub fn rail_costs(worker: &UserId) -> AccountName {
        AccountName::new(AccountKind::RailCosts, worker.as_str())
    }
}
