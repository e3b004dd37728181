//! Tests of the house itself: its import rules, and the servers and databases that other tests stand on.
//! Nothing here knows the product.

mod contract;
mod databases;
mod imports;
mod refusals;
mod s3;
mod schema;
mod states;
mod walk;
