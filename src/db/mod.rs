//! The one room with SQL. `read` gives a connection that cannot write, `write` a transaction; only a `Tx` changes rows,
//! and a `Tx` that recorded no event is a fault. On SQLite one writer commits waiting writes in groups: a savepoint
//! each, one flush for all, answers after the flush. On PostgreSQL each write is its own READ COMMITTED transaction.

pub mod appeals;
pub mod assess;
pub mod audit;
pub mod brands;
pub mod budgets;
pub mod campaigns;
pub mod conn;
pub mod deadlines;
pub mod decisions;
pub mod deliveries;
pub mod dialect;
pub mod discovery;
pub mod earnings;
pub mod erasures;
pub mod evidence;
pub mod faces;
pub mod funds;
pub mod gift_codes;
pub mod grades;
pub mod ledger;
pub mod looks;
pub mod migrate;
pub mod missions;
pub mod outbox;
pub mod pairs;
pub mod papers;
pub mod payout_batches;
pub mod payout_methods;
pub mod payout_words;
pub mod payouts;
pub mod products;
pub mod queue;
pub mod reservations;
pub mod reviews;
pub mod rows;
pub mod schema;
pub mod sessions;
pub mod statements;
pub mod step_ups;
pub mod store_corrections;
pub mod store_import;
pub mod stores;
pub mod submissions;
pub mod tracks;
pub mod tx;
pub mod types;
pub mod users;
pub mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::r2d2::{ManageConnection, Pool};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use conn::{Conn, Place};
pub use tx::{Once, Tx};

use crate::domain::event::Actor;
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::domain::time::At;

/// What the outside lends to a transaction: the time and fresh bits for ids.
#[derive(Clone)]
pub struct Seed {
    pub now: Arc<dyn Fn() -> At + Send + Sync>,
    pub bits: Arc<dyn Fn() -> u128 + Send + Sync>,
}

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    place: Place,
    pool: Pool<Manager>,
    lite: Option<Arc<LiteWriter>>,
    seed: Seed,
}

/// At most this many writes share one flush.
const GROUP_MAX: usize = 128;
/// A PostgreSQL closure that met a deadlock runs again, at most this often.
const RETRIES: usize = 5;

impl Db {
    /// Opens `connections` connections (PostgreSQL) or one writer and `connections` readers (SQLite).
    pub fn open(place: &Place, connections: u32, seed: Seed) -> Outcome<Db> {
        // The writer opens first: on SQLite it creates the file and sets WAL.
        let lite = match place {
            Place::Sqlite(_) => Some(Arc::new(LiteWriter::new(Conn::open(place, false)?))),
            Place::Postgres(_) => None,
        };
        let manager = Manager { place: place.clone(), read_only: lite.is_some() };
        // On SQLite requests wait here for one of the readers. On PostgreSQL they wait at the gate: who finds no
        // connection in that time finds no database, and the pool tries again at least as often.
        let wait_secs = if lite.is_some() { 10 } else { 3 };
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(wait_secs))
            .test_on_check_out(lite.is_none())
            .build(manager)
            .map_err(|e| Failure::fault(format!("database: {e}")))?;
        Ok(Db { place: place.clone(), pool, lite, seed })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Brings the schema up to date; returns what was run.
    pub fn migrate(&self) -> Outcome<Vec<String>> {
        migrate::run(&mut Conn::open(&self.place, false)?)
    }

    /// How many requests may use the database at once before the rest wait in line.
    pub fn permits(&self) -> usize {
        match self.lite {
            Some(_) => 256,
            None => self.pool.max_size() as usize,
        }
    }

    pub fn read<T>(&self, f: impl FnOnce(&mut Conn) -> Outcome<T>) -> Outcome<T> {
        let mut conn = self.pool.get().map_err(|_| no_connection())?;
        match f(&mut conn) {
            // What broke may be no more than the connection.
            Err(Failure::Fault(text)) if self.lite.is_none() && conn.run("SELECT 1").is_err() => Err(lost(&text)),
            read => read,
        }
    }

    /// Runs `f` in a transaction and returns when it is durable. `f` may run more than once.
    pub fn write<T>(&self, actor: &Actor, request_id: &str, f: impl Fn(&mut Tx) -> Outcome<T>) -> Outcome<T> {
        let run = |conn: &mut Conn| -> Outcome<T> {
            let mut tx = Tx::new(conn, &self.seed, actor.clone(), request_id);
            let value = f(&mut tx)?;
            tx.finish()?;
            Ok(value)
        };
        match &self.lite {
            Some(writer) => writer.write(run),
            None => self.write_pg(run),
        }
    }

    /// Like `write`, for a request that carries an idempotency key: the answer is stored in the same transaction, and
    /// the same key answers it again without running `f` (I11, I19).
    pub fn write_once<T: Serialize + DeserializeOwned>(
        &self,
        actor: &Actor,
        request_id: &str,
        once: &Once,
        f: impl Fn(&mut Tx) -> Outcome<T>,
    ) -> Outcome<T> {
        let caller = actor.id().unwrap_or("anyone");
        if let Some(answer) = self.read(|c| tx::replay(c, caller, once))? {
            return Ok(answer);
        }
        let written = self.write(actor, request_id, |tx| {
            tx::begin_once(tx, caller, once)?;
            let answer = f(tx)?;
            tx::end_once(tx, caller, once, &answer)?;
            Ok(answer)
        });
        match written {
            // A twin of this request was quicker; its answer is this one's, once it has ended.
            Err(failure) if failure.code() == Some(Code::KeyInFlight) => {
                self.read(|c| tx::replay(c, caller, once))?.ok_or(failure)
            }
            other => other,
        }
    }

    fn write_pg<T>(&self, run: impl Fn(&mut Conn) -> Outcome<T>) -> Outcome<T> {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let mut conn = self.pool.get().map_err(|_| no_connection())?;
            let done = conn.run("BEGIN").map_err(Failure::from).and_then(|()| {
                catch_unwind(AssertUnwindSafe(|| run(&mut conn)))
                    .unwrap_or_else(|_| Err(Failure::fault("an operation panicked")))
            });
            let failure = match done {
                Ok(value) => match conn.run("COMMIT") {
                    Ok(()) => return Ok(value),
                    Err(e) if conn.run("ROLLBACK").is_err() => {
                        // Nobody but the database knows whether it was kept: to run it again could do it twice.
                        tracing::warn!(error = e.to_string(), "the database went away at a commit");
                        let detail = "The database went away; whether this was kept is not known.";
                        return Err(busy(detail));
                    }
                    Err(e) => Failure::from(e),
                },
                Err(failure) if conn.run("ROLLBACK").is_err() => lost(&failure.to_string()),
                Err(failure) => failure,
            };
            let again = tries < RETRIES && begun.elapsed() < Duration::from_secs(3);
            if !again || failure.code() != Some(Code::Busy) {
                return Err(failure);
            }
        }
    }
}

pub(crate) fn busy(detail: &str) -> Failure {
    Refusal { retry_after_secs: Some(1), ..Refusal::new(Code::Busy, detail) }.into()
}

/// The pool logs why.
fn no_connection() -> Failure {
    busy("The database does not answer, or is busy.")
}

/// The connection broke, and what was not committed on it is undone.
fn lost(text: &str) -> Failure {
    tracing::warn!(error = text, "a connection to the database was lost");
    busy("The connection to the database was lost.")
}

struct Manager {
    place: Place,
    read_only: bool,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        Conn::open(&self.place, self.read_only).map_err(|failure| {
            diesel::r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection(failure.to_string()))
        })
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn.run("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, _: &mut Conn) -> bool {
        std::thread::panicking()
    }
}

/// The one SQLite writer. Each waiting thread runs its own closure when it gets the connection; the last one in line
/// commits for all, so a group forms only when there is a crowd.
struct LiteWriter {
    group: Mutex<Group>,
    waiting: AtomicUsize,
    flushed: Mutex<Flushed>,
    flush: Condvar,
}

struct Group {
    conn: Conn,
    open: bool,
    number: u64,
    members: usize,
}

#[derive(Default)]
struct Flushed {
    /// Groups below this number have ended.
    up_to: u64,
    /// Those that ended badly, until all members have read it.
    failed: std::collections::HashMap<u64, (usize, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Closures run under catch_unwind, so a poisoned lock still guards sound data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LiteWriter {
    fn new(conn: Conn) -> LiteWriter {
        LiteWriter {
            group: Mutex::new(Group { conn, open: false, number: 0, members: 0 }),
            waiting: AtomicUsize::new(0),
            flushed: Mutex::default(),
            flush: Condvar::new(),
        }
    }

    fn write<T>(&self, run: impl Fn(&mut Conn) -> Outcome<T>) -> Outcome<T> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut group = lock(&self.group);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if !group.open {
            group.conn.run("BEGIN IMMEDIATE")?;
            (group.open, group.members) = (true, 0);
        }
        let number = group.number;
        group.members += 1;
        let result = in_savepoint(&mut group.conn, run);
        let (result, broken) = match result {
            Ok(result) => (result, None),
            Err(broken) => (Err(Failure::fault(&broken)), Some(broken)),
        };
        if broken.is_some() || group.members >= GROUP_MAX || self.waiting.load(Ordering::SeqCst) == 0 {
            let ended = match broken {
                None => group.conn.run("COMMIT").map_err(|e| format!("database: commit: {e}")),
                Some(broken) => Err(broken),
            };
            if ended.is_err() {
                // The engine may have rolled back by itself; a second rollback then says so, which is no news.
                let _ = group.conn.run("ROLLBACK");
            }
            let members = group.members;
            (group.open, group.number) = (false, number + 1);
            drop(group);
            let mut flushed = lock(&self.flushed);
            flushed.up_to = flushed.up_to.max(number + 1);
            if let Err(text) = &ended
                && members > 1
            {
                flushed.failed.insert(number, (members - 1, text.clone()));
            }
            drop(flushed);
            self.flush.notify_all();
            ended.map_err(Failure::fault)?;
        } else {
            drop(group);
            let mut flushed = lock(&self.flushed);
            while flushed.up_to <= number {
                flushed = self.flush.wait(flushed).unwrap_or_else(PoisonError::into_inner);
            }
            if let Some((left, text)) = flushed.failed.get_mut(&number) {
                let text = text.clone();
                *left -= 1;
                if *left == 0 {
                    flushed.failed.remove(&number);
                }
                return Err(Failure::fault(text));
            }
        }
        result
    }
}

/// `Err` when the savepoint itself broke and the whole group must be given up.
fn in_savepoint<T>(conn: &mut Conn, run: impl Fn(&mut Conn) -> Outcome<T>) -> Result<Outcome<T>, String> {
    conn.run_kept("SAVEPOINT one").map_err(|e| format!("database: savepoint: {e}"))?;
    let result =
        catch_unwind(AssertUnwindSafe(|| run(conn))).unwrap_or_else(|_| Err(Failure::fault("an operation panicked")));
    let ended = match result {
        Ok(_) => conn.run_kept("RELEASE one"),
        Err(_) => conn.run("ROLLBACK TO one; RELEASE one"),
    };
    ended.map_err(|e| format!("database: savepoint: {e}"))?;
    Ok(result)
}
