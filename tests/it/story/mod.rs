//! What happens to people: whole visits from the reservation to the money, each on both databases, with every invariant
//! verified at its end.

mod appeals;
mod bucket;
mod budgets;
mod captures;
mod copies;
mod corrections;
mod deadlines;
mod demo;
mod discovery;
mod faces;
mod money;
pub mod papers;
mod payouts;
mod positions;
mod races;
mod rails;
mod reference;
mod replays;
mod shut;
mod stores;
mod tenants;
