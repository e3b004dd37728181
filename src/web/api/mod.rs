//! One file a noun; a handler parses, calls, shapes.

pub mod appeals;
pub mod audit;
pub mod auth;
pub mod brands;
pub mod me;
pub mod meta;
pub mod payouts;
pub mod reviews;
pub mod workers;
