//! Each operation, through HTTP, on both databases.

mod auth;
mod missions;
mod visits;
mod brand;
