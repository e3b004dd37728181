//! Brings a database to this program's schema; several processes may start at once.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::Conn;
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
            pg.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK}); SET lock_timeout = '10s'"))?;
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

/// Is anything pending?
pub fn pending(conn: &mut Conn) -> Outcome<bool> {
    match conn {
        Conn::Pg(pg) => pg.has_pending_migration(POSTGRES),
        Conn::Lite(lite) => lite.has_pending_migration(SQLITE),
    }
    .map_err(|e| Failure::fault(format!("migration: {e}")))
}
