//! The one integration binary: what the program promises, seen from outside. `api` asks each operation, `story` follows
//! people through whole visits, `money` breaks the book, `crash` kills the program, `cli` types commands, `house` checks
//! the tree and the test tools themselves; `support` is what tests are built from and asserts nothing by itself.
//! Tests marked "ignored" need PostgreSQL: `tests/run` starts one and runs them too.
#![allow(clippy::unwrap_used)]

mod api;
mod cli;
mod crash;
mod house;
mod money;
mod story;
mod support;
