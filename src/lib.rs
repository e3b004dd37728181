//! Fieldproof: a backend for paid field missions with photo proof.
//!
//! Brands pay for visits to supermarkets; field workers make them with a phone; the server checks photo and position;
//! people decide what a machine should not; every verified visit pays. This file is the map. Read the rooms in this
//! order; [`handbook`] has the journeys, the decisions and how to add things.
//!
//! | room | what lives there | may use |
//! |---|---|---|
//! | [`domain`] | rules as functions from values to values: money, states, ledger, questionnaire, hours, assessment | pure crates |
//! | [`checks`] | what a photo shows: format, EXIF, light, focus, hash, features; same bytes, same findings | `domain` |
//! | [`eval`] | how well `checks` do: attacks on real photos, counts, targets | `domain`, `checks` |
//! | [`access`] | who may: passes, scopes, tokens, passwords | `domain` |
//! | [`db`] | the one room with SQL; one text for PostgreSQL and SQLite; only a `Tx` changes rows | `domain`, scopes |
//! | [`ports`] | the outside: bytes, bank, mail, clock, dice | `domain` |
//! | [`context`] | what an operation is given | `checks::faces`, `access`, `db`, `ports` |
//! | [`ops`] | one operation, one function, one transaction | `domain`, `access`, `db`, `context` |
//! | [`jobs`] | work without a caller; can be killed anywhere | `ops`, `ports`, `checks`, `domain` |
//! | [`web`] | HTTP: the gate, the routes, shapes, problems | `ops`, `access`, `domain` |
//! | [`demo`] | a demonstration played through the real operations | everything |
//! | [`boot`], [`cli`], [`config`], [`telemetry`] | the process: settings, start, stop, commands, logs | everything |
//!
//! Imports only point up this table; `tests/it/house/imports.rs` checks it. The same noun has the same file name in every
//! room: `domain/payout.rs` has its rules, `db/payouts.rs` its rows, `ops/payouts.rs` its acts, `web/api/payouts.rs` its
//! shapes.
//!
//! The path of one visit: `web::api::reservations` -> `ops::reservations::reserve` -> photos stream to `ports::blobs`,
//! rows follow in `ops::evidence` -> `ops::submissions` seals -> `jobs::check_evidence` looks, `jobs::compare_features`
//! compares with photos we hold -> `ops::assess` approves by rule or asks a person -> `ops::decisions::settle` moves the
//! state and the money in one transaction -> `ops::payouts` and `jobs::send_payouts` bring it to the worker ->
//! `ops::report` tells the brand.

pub mod access;
pub mod boot;
pub mod checks;
pub mod cli;
pub mod config;
pub mod context;
pub mod db;
pub mod demo;
pub mod domain;
pub mod eval;
pub mod handbook;
pub mod jobs;
pub mod ops;
pub mod ports;
pub mod telemetry;
pub mod web;
