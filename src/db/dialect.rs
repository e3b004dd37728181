//! The one file that knows how the two engines differ.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sqlite::Sqlite;

use super::conn::{Conn, LOCK_PATIENCE, MultiBackend};
use crate::domain::refusal::Failure;

/// Takes a row lock where the engine has one; on SQLite the one writer is the lock.
pub struct Locked<Q>(pub Q);
/// The same, passing over rows that somebody else holds.
pub struct SkipLocked<Q>(pub Q);
/// A statement that both engines can render by themselves (an upsert), lifted to the pair.
pub struct Both<Q>(pub Q);

macro_rules! lock_wrapper {
    ($name:ident, $clause:literal) => {
        impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for $name<Q> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
                self.0.walk_ast(out.reborrow())?;
                if let MultiBackend::Pg(_) = out.backend() {
                    out.push_sql($clause);
                }
                Ok(())
            }
        }
        impl<Q> QueryId for $name<Q> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl<Q: Query> Query for $name<Q> {
            type SqlType = Q::SqlType;
        }
        impl<Q> RunQueryDsl<Conn> for $name<Q> {}
    };
}
// Rows that only refer to a locked one need not wait.
lock_wrapper!(Locked, " FOR NO KEY UPDATE");
lock_wrapper!(SkipLocked, " FOR UPDATE SKIP LOCKED");

impl<Q: QueryFragment<Pg> + QueryFragment<Sqlite>> QueryFragment<MultiBackend> for Both<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(&self.0, out)
    }
}
impl<Q> QueryId for Both<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<Q: Query> Query for Both<Q> {
    type SqlType = Q::SqlType;
}
impl<Q> RunQueryDsl<Conn> for Both<Q> {}

/// Until the transaction ends, nobody else passes this point for the same `key`; on SQLite the one writer is the lock.
pub fn one_at_a_time(conn: &mut Conn, key: i64) -> QueryResult<()> {
    match conn {
        Conn::Pg(pg) => diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<diesel::sql_types::BigInt, _>(key)
            .execute(pg)
            .map(|_| ()),
        Conn::Lite(_) => Ok(()),
    }
}

/// Runs `f` with little patience for locks of others, then has the usual one again; on SQLite the one writer is the lock.
pub fn impatient<T>(conn: &mut Conn, f: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    let patience = |conn: &mut Conn, time: &str| match conn {
        Conn::Pg(_) => conn.run(&format!("SET LOCAL lock_timeout = '{time}'")),
        Conn::Lite(_) => Ok(()),
    };
    patience(conn, "2s")?;
    let done = f(conn)?;
    patience(conn, LOCK_PATIENCE)?;
    Ok(done)
}

/// The same expression, typed for each engine: batch inserts have no form for the pair.
#[macro_export]
macro_rules! each {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::db::conn::Conn::Pg($c) => $body,
            $crate::db::conn::Conn::Lite($c) => $body,
        }
    };
}

/// A deadlock or serialization failure: the whole closure may run again.
pub fn may_retry(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(_, info) => info.message().contains("deadlock detected"),
        _ => false,
    }
}

/// Did somebody hold a row for longer than this transaction waits?
pub fn waited_in_vain(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, info) if info.message().contains("lock timeout"))
}

/// Did a unique rule on `columns` (as `table.column`, SQLite's words) or the index `name` (PostgreSQL's) refuse a row?
pub fn broke_unique(error: &DieselError, name: &str, columns: &str) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            info.constraint_name() == Some(name) || info.message().contains(columns)
        }
        _ => false,
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Failure {
        let busy = match &error {
            DieselError::DatabaseError(_, info) => {
                let text = info.message();
                text.contains("database is locked") || waited_in_vain(&error) || may_retry(&error)
            }
            _ => false,
        };
        if busy {
            return super::busy("The database is busy.");
        }
        Failure::Fault(format!("database: {error}"))
    }
}
