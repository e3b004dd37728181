//! A transaction: the connection, who acts, when, and the duty to record what happened.

use std::ops::{Deref, DerefMut};

use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::conn::Conn;
use super::schema::idempotency_keys;
use super::{Seed, audit, dialect};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{EventId, Minted};
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::domain::time::At;

pub struct Tx<'c> {
    conn: &'c mut Conn,
    seed: &'c Seed,
    actor: Actor,
    request_id: &'c str,
    now: At,
    recorded: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut Conn, seed: &'c Seed, actor: Actor, request_id: &'c str) -> Tx<'c> {
        let now = (seed.now)();
        Tx { conn, seed, actor, request_id, now, recorded: false }
    }

    /// The one time of everything in this transaction.
    pub fn now(&self) -> At {
        self.now
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub fn request_id(&self) -> &str {
        self.request_id
    }

    /// A fresh id; later ids sort after earlier ones.
    pub fn id<I: Minted>(&self) -> I {
        I::mint((self.seed.bits)())
    }

    /// Writes the audit row of this change.
    pub fn record(&mut self, event: Event) -> Outcome<EventId> {
        self.recorded = true;
        audit::append(self, event)
    }

    /// Says that this transaction found nothing to change.
    pub fn nothing_changed(&mut self) {
        self.recorded = true;
    }

    /// What `f` does is undone when it fails, and the transaction goes on.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.run("SAVEPOINT attempt")?;
        let done = f(self);
        self.run(if done.is_ok() { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" })?;
        done
    }

    pub(super) fn finish(self) -> Outcome<()> {
        if self.recorded { Ok(()) } else { Err(Failure::fault("a transaction changed rows and recorded nothing")) }
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}

/// The identity of a request that must have one effect: route, the client's key, and a hash of what was asked.
#[derive(Clone, Debug)]
pub struct Once {
    pub route: String,
    pub key: String,
    /// Keyed before it is stored.
    pub request_hash: String,
}

/// The stored answer to this request, if it was answered before.
pub(super) fn replay<T: DeserializeOwned>(conn: &mut Conn, caller: &str, once: &Once) -> Outcome<Option<T>> {
    use idempotency_keys::dsl;
    let stored: Option<(String, String)> = dsl::idempotency_keys
        .find((caller, &once.route, &once.key))
        .select((dsl::request_hash, dsl::response))
        .first(conn)
        .optional()?;
    let Some((hash, response)) = stored else {
        return Ok(None);
    };
    if hash != once.request_hash {
        return Err(Refusal::new(Code::IdempotencyKeyReused, "The key was used for a different request.").into());
    }
    serde_json::from_str(&response).map(Some).map_err(|e| Failure::fault(format!("a stored answer: {e}")))
}

/// Takes the key. A twin that is still running is waited for here, since its row is locked, but not for long: a client
/// that sends again and again would come to hold every connection.
pub(super) fn begin_once(tx: &mut Tx, caller: &str, once: &Once) -> Outcome<()> {
    use idempotency_keys::dsl;
    let now = tx.now();
    let row = (
        dsl::caller.eq(caller),
        dsl::route.eq(&once.route),
        dsl::key.eq(&once.key),
        dsl::request_hash.eq(&once.request_hash),
        dsl::response.eq(""),
        dsl::created_at.eq(now),
    );
    let taken = dialect::impatient(tx, |c| diesel::insert_into(dsl::idempotency_keys).values(row).execute(c));
    let twin = |e: &diesel::result::Error| {
        dialect::broke_unique(e, "idempotency_keys_pkey", "idempotency_keys.caller") || dialect::waited_in_vain(e)
    };
    match taken {
        Ok(_) => Ok(()),
        Err(e) if twin(&e) => {
            let refusal = Refusal::new(Code::KeyInFlight, "The first request with this key has not ended.");
            Err(Refusal { retry_after_secs: Some(1), ..refusal }.into())
        }
        Err(e) => Err(e.into()),
    }
}

pub(super) fn end_once<T: Serialize>(tx: &mut Tx, caller: &str, once: &Once, answer: &T) -> Outcome<()> {
    use idempotency_keys::dsl;
    let response = serde_json::to_string(answer).map_err(Failure::fault)?;
    diesel::update(dsl::idempotency_keys.find((caller, &once.route, &once.key)))
        .set(dsl::response.eq(response))
        .execute(&mut **tx)?;
    Ok(())
}
