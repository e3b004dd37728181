//! Brings a database to this program's schema; several processes may start at once.

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{Conn, LOCK_PATIENCE};
use crate::domain::refusal::{Failure, Outcome};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Any number, the same in every version of this program.
const ADVISORY_LOCK: i64 = 0x6669_656c_6470;

/// Runs what is pending; returns the versions that were run.
pub fn run(conn: &mut Conn) -> Outcome<Vec<String>> {
    let ran = match conn {
        Conn::Pg(pg) => {
            use diesel::connection::SimpleConnection;
            pg.batch_execute(&format!("SET lock_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK})"))?;
            let ran = pg.run_pending_migrations(POSTGRES).map(|list| list.iter().map(ToString::to_string).collect());
            pg.batch_execute(&format!(
                "SELECT pg_advisory_unlock({ADVISORY_LOCK}); SET lock_timeout = '{LOCK_PATIENCE}'"
            ))?;
            ran
        }
        Conn::Lite(lite) => {
            lite.run_pending_migrations(SQLITE).map(|list| list.iter().map(ToString::to_string).collect())
        }
    };
    ran.map_err(|e| Failure::fault(format!("migration: {e}")))
}

/// Undoes everything; for the test that compares schemas.
pub fn revert_all(conn: &mut Conn) -> Outcome<()> {
    match conn {
        Conn::Pg(pg) => pg.revert_all_migrations(POSTGRES).map(|_| ()),
        Conn::Lite(lite) => lite.revert_all_migrations(SQLITE).map(|_| ()),
    }
    .map_err(|e| Failure::fault(format!("migration: {e}")))
}

/// Is anything pending? Asked without writing: diesel's own question would create its table, which a reader may not.
pub fn pending(conn: &mut Conn) -> Outcome<bool> {
    let known = match conn {
        Conn::Pg(_) => versions(MigrationSource::<Pg>::migrations(&POSTGRES)),
        Conn::Lite(_) => versions(MigrationSource::<Sqlite>::migrations(&SQLITE)),
    }?;
    let applied: QueryResult<Vec<String>> =
        sql::<Text>("SELECT version FROM __diesel_schema_migrations").load::<String>(conn);
    match applied {
        Ok(applied) => Ok(!known.iter().all(|version| applied.contains(version))),
        Err(DieselError::DatabaseError(_, info)) if info.message().contains("__diesel_schema_migrations") => Ok(true),
        Err(e) => Err(e.into()),
    }
}

fn versions<DB: Backend>(list: diesel::migration::Result<Vec<Box<dyn Migration<DB>>>>) -> Outcome<Vec<String>> {
    let list = list.map_err(|e| Failure::fault(format!("migration: {e}")))?;
    Ok(list.iter().map(|one| one.name().version().to_string()).collect())
}
