//! Each operation, through HTTP, on both databases.

mod auth;
mod brand;
mod missions;
mod payouts;
mod refused;
mod reviews;
mod transparency;
pub mod visits;
