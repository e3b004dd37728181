//! One operation, one function, one transaction: load, decide, write, record. No await, no network, no SQL, no status.
//! An operation's answer is a value that can be stored: an idempotent request is answered again from it.

pub mod appeals;
pub mod assess;
pub mod audit;
pub mod audit_seal;
pub mod auth;
pub mod bank_files;
pub mod bonuses;
pub mod brands;
pub mod budgets;
pub mod campaigns;
pub mod compare;
pub mod dac7;
pub mod deadlines;
pub mod decisions;
pub mod deliveries;
pub mod discovery;
pub mod earnings;
pub mod erasures;
pub mod evidence;
pub mod explain;
pub mod faces;
pub mod fields;
pub mod funds;
pub mod gift_codes;
pub mod grades;
pub mod letters;
pub mod me;
pub mod meta;
pub mod missions;
pub mod outbox;
pub mod payout_batches;
pub mod payout_methods;
pub mod payout_words;
pub mod payouts;
pub mod positions;
pub mod products;
pub mod recheck;
pub mod report;
pub mod reservations;
pub mod reviews;
pub mod rounds;
pub mod selfbilling;
pub mod shut_stores;
pub mod statements;
pub mod step_up;
pub mod store_corrections;
pub mod store_duplicates;
pub mod store_import;
pub mod stores;
pub mod submissions;
pub mod tax_profiles;
pub mod transparency;
pub mod verify;
pub mod work;
pub mod workers;

use serde::{Deserialize, Serialize};

/// Some rows of a list, and the key of the last one when more follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From up to `limit + 1` rows.
    pub fn of<R>(mut rows: Vec<R>, limit: i64, key: impl Fn(&R) -> String, view: impl Fn(R) -> T) -> Page<T> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(key) } else { None };
        Page { items: rows.into_iter().map(view).collect(), next }
    }
}
