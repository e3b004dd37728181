//! One connection type for two engines, and how each is opened.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};

use crate::domain::refusal::{Failure, Outcome};

/// A connection to either engine; every query is written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Pg(PgConnection),
    Lite(SqliteConnection),
}

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Postgres(String),
    Sqlite(std::path::PathBuf),
}

impl Place {
    /// `postgres://..` or `sqlite:PATH`.
    pub fn parse(url: &str) -> Option<Place> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Some(Place::Postgres(url.to_owned()));
        }
        url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(|path| Place::Sqlite(path.into()))
    }
}

/// FULL: NORMAL can lose an acknowledged commit at power loss.
const LITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = 10000; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 8000;";
const LITE_READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON; PRAGMA cache_size = -16000;
    PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";
const PG_SESSION: &str = "SET TIME ZONE 'UTC'; SET idle_in_transaction_session_timeout = '60s';";
/// How long a statement waits for a row that another transaction holds.
pub const LOCK_PATIENCE: &str = "10s";

impl Conn {
    pub fn open(place: &Place, read_only: bool) -> Outcome<Conn> {
        match place {
            Place::Postgres(url) => {
                let mut conn = PgConnection::establish(url)
                    .map_err(|e| Failure::fault(format!("PostgreSQL cannot be reached: {e}")))?;
                let session = format!("{PG_SESSION} SET lock_timeout = '{LOCK_PATIENCE}'");
                conn.batch_execute(&session).map_err(Failure::fault)?;
                Ok(Conn::Pg(conn))
            }
            Place::Sqlite(path) => {
                let text = path.to_str().ok_or_else(|| Failure::fault("the database path is not UTF-8"))?;
                let mut conn = SqliteConnection::establish(text)
                    .map_err(|e| Failure::fault(format!("the database file {text} cannot be opened: {e}")))?;
                conn.batch_execute(if read_only { LITE_READER } else { LITE_WRITER }).map_err(Failure::fault)?;
                Ok(Conn::Lite(conn))
            }
        }
    }

    pub fn run(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Conn::Pg(conn) => conn.batch_execute(sql),
            Conn::Lite(conn) => conn.batch_execute(sql),
        }
    }

    /// One statement that is run again and again: it is parsed once.
    pub fn run_kept(&mut self, sql: &'static str) -> QueryResult<()> {
        crate::each!(self, c => diesel::sql_query(sql).execute(c)).map(|_| ())
    }
}
