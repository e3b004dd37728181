//! One file a noun; a handler parses, calls, shapes.

pub mod appeals;
pub mod audit;
pub mod auth;
pub mod batches;
pub mod brands;
pub mod budgets;
pub mod campaigns;
pub mod deliveries;
pub mod explain;
pub mod funds;
pub mod me;
pub mod meta;
pub mod missions;
pub mod papers;
pub mod payouts;
pub mod products;
pub mod report;
pub mod reviews;
pub mod statements;
pub mod stores;
pub mod transparency;
pub mod visits;
pub mod workers;
