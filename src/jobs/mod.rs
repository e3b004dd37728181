//! Work without a caller: claim, call outside or compute, record. Can be killed anywhere.

pub mod send_payouts;
