//! Each operation, through HTTP, on both databases.

mod auth;
mod brand;
mod payouts;
mod reviews;
