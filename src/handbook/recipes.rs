//! How to add things.
//!
//! # An endpoint
//! 1. The rule, if there is one: a pure function in `domain`, with its unit test.
//! 2. The rows: functions in `db/<noun>.rs`; a tenant's rows take a scope, others are called `any_..`.
//! 3. The act: `ops/<noun>.rs`, one function named like the operation; `write_once` for a POST; record an event.
//! 4. The handler in `web/api/<noun>.rs`, a line in `web/routes.rs`, the operation in `openapi.yaml`.
//! 5. A story in `tests/it/api`, told with `both!`. Run with `UPDATE_SNAPSHOTS=1` to reprint the policy.
//!
//! # A refusal
//! One line in the table of `domain/refusal.rs`, its code in the `Problem` schema of `openapi.yaml`, a test that gets it.
//! Where a request that `openapi.yaml` allows may hear it, a line with the reason in `tests/schemathesis.py`.
//!
//! # A photo check
//! A function in `checks`, its code in `domain/finding.rs` with a sentence in three languages and what the worker can do;
//! raise the rule version. Its weight gets a row in `domain/assessment.rs`, its fixed limits one in `checks/limits.rs`. A
//! finding never refuses: `fail` is the strongest doubt. Print `fieldproof eval photos FOLDER` before and after on photos
//! that were not used to choose the limits; a fraud that a new check should find is a row in `eval/attack.rs`; and
//! `fieldproof recheck` tells what it would change on the photos that are kept.
//!
//! # A job
//! One row in the table of `jobs`: what wakes it, how many at once, its lease, its retries, what happens when it gives up.
//! Claim in one transaction, work outside, record in another.
//!
//! # A column
//! Both `migrations/sqlite` and `migrations/postgres`, `db/schema.rs`, `db/rows.rs`; a test compares the twins. Once
//! released, add a new migration instead of changing one.
