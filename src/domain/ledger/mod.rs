//! Double-entry ledger on paper: a transfer has one debit account, one credit account and one amount, so it sums to zero
//! by shape (I01); the transfers of one event share a journal.

pub mod balance;
pub mod book;
pub mod chart;

pub use balance::Balances;
pub use book::{Journal, Posting};
pub use chart::{AccountKind, AccountName};
