//! Claims on queued work, for the jobs: who has it, until when, and what becomes of it when it fails.

use crate::context::Cx;
use crate::db::queue;
use crate::domain::event::Actor;
use crate::domain::ids::JobId;
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

const RUNNER: Actor = Actor::Machine("runner");

/// A job that this process holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: JobId,
    pub subject: String,
    /// This try included.
    pub attempts: i64,
}

/// How many jobs of a kind are in a state.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub kind: String,
    pub state: &'static str,
    pub count: i64,
}

/// Jobs that are not done, counted.
pub fn waiting(cx: &Cx) -> Outcome<Vec<Waiting>> {
    let rows = cx.read(queue::any_counts)?;
    Ok(rows.into_iter().map(|(kind, state, count)| Waiting { kind, state: state.as_str(), count }).collect())
}

/// Takes up to `limit` jobs of `kind`; nobody else takes them for `lease_secs`.
pub fn claim(cx: &Cx, kind: &str, worker: &str, lease_secs: i64, limit: i64) -> Outcome<Vec<Claimed>> {
    if !cx.read(|c| queue::any_due(c, kind, cx.now()))? {
        return Ok(Vec::new());
    }
    let rows = cx.write_as(&RUNNER, |tx| {
        tx.nothing_changed();
        let until = tx.now().plus_secs(lease_secs);
        queue::claim(tx, kind, worker, until, limit)
    })?;
    Ok(rows.into_iter().map(|row| Claimed { id: row.id, subject: row.subject, attempts: row.attempts }).collect())
}

/// Ends a job that found nothing left to do.
pub fn done(cx: &Cx, id: &JobId) -> Outcome<()> {
    cx.write_as(&RUNNER, |tx| {
        tx.nothing_changed();
        queue::done(tx, id)
    })
}

/// Notes why a try failed; the job comes back at `again`, or never (`None`).
pub fn failed(cx: &Cx, id: &JobId, why: &str, again: Option<At>) -> Outcome<()> {
    let why: String = why.chars().take(500).collect();
    cx.write_as(&RUNNER, |tx| {
        tx.nothing_changed();
        queue::retry(tx, id, Some(&why), again.unwrap_or(tx.now()), again.is_none())
    })
}

/// Gives back all that `worker` holds: the process ends.
pub fn release(cx: &Cx, worker: &str) -> Outcome<usize> {
    cx.write_as(&RUNNER, |tx| {
        tx.nothing_changed();
        queue::release(tx, worker)
    })
}
