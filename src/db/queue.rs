//! The table of jobs: enqueued in the transaction of the change, claimed with a lease, done once.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Both, SkipLocked};
use super::rows::JobRow;
use super::schema::jobs;
use super::tx::Tx;
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

/// Queues a job unless the same one is waiting or running.
pub fn enqueue(tx: &mut Tx, kind: &str, subject: &str, run_at: At) -> Outcome<()> {
    let row = JobRow {
        id: tx.id(),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        state: JobState::Ready,
        run_at,
        attempts: 0,
        locked_by: None,
        locked_until: None,
        last_error: None,
        created_at: tx.now(),
        done_at: None,
    };
    Both(diesel::insert_into(jobs::table).values(row).on_conflict_do_nothing()).execute(&mut **tx)?;
    Ok(())
}

/// Queues a job, or brings the waiting one forward to now.
pub fn wake(tx: &mut Tx, kind: &str, subject: &str) -> Outcome<()> {
    let now = tx.now();
    let waiting = jobs::table
        .filter(jobs::kind.eq(kind.to_owned()))
        .filter(jobs::subject.eq(subject.to_owned()))
        .filter(jobs::state.eq(JobState::Ready));
    let woken = diesel::update(waiting).set(jobs::run_at.eq(now)).execute(&mut **tx)?;
    if woken == 0 { enqueue(tx, kind, subject, now) } else { Ok(()) }
}

/// Queues a job about `subject` for somebody who is not trusted: nothing while one waits or runs, and none sooner than
/// `pause_secs` after the one before. `offered` is written behind the subject.
pub fn knock(tx: &mut Tx, kind: &str, subject: &str, offered: Option<&str>, pause_secs: i64) -> Outcome<()> {
    let now = tx.now();
    let about = jobs::kind.eq(kind.to_owned()).and(jobs::subject.like(format!("{subject}%")));
    let open = jobs::table.filter(jobs::state.eq_any([JobState::Ready, JobState::Running])).filter(about.clone());
    if diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx)? {
        return Ok(());
    }
    let last: Option<At> = jobs::table
        .filter(jobs::state.eq(JobState::Done))
        .filter(jobs::run_at.gt(now.plus_secs(-pause_secs)))
        .filter(about)
        .select(diesel::dsl::max(jobs::run_at))
        .first(&mut **tx)?;
    let run_at = last.map_or(now, |last| last.plus_secs(pause_secs));
    let subject = offered.map_or(subject.to_owned(), |offered| format!("{subject} {offered}"));
    enqueue(tx, kind, &subject, run_at)
}

/// Jobs that wait, run or were given up, by kind and state.
pub fn any_counts(conn: &mut Conn) -> Outcome<Vec<(String, JobState, i64)>> {
    Ok(jobs::table
        .filter(jobs::state.ne(JobState::Done))
        .group_by((jobs::kind, jobs::state))
        .select((jobs::kind, jobs::state, diesel::dsl::count_star()))
        .load(conn)?)
}

/// Claims up to `limit` jobs of `kind` that are due, or whose worker was killed: their lease has run out.
pub fn claim(tx: &mut Tx, kind: &str, worker: &str, lease_until: At, limit: i64) -> Outcome<Vec<JobRow>> {
    let now = tx.now();
    let due = jobs::table
        .filter(jobs::kind.eq(kind.to_owned()))
        .filter(
            (jobs::state.eq(JobState::Ready).and(jobs::run_at.le(now)))
                .or(jobs::state.eq(JobState::Running).and(jobs::locked_until.lt(now))),
        )
        .order((jobs::run_at, jobs::id))
        .limit(limit)
        .select(jobs::id);
    let ids: Vec<JobId> = SkipLocked(due).load(&mut **tx)?;
    let mut claimed = Vec::with_capacity(ids.len());
    for id in ids {
        claimed.push(
            diesel::update(jobs::table.find(id))
                .set((
                    jobs::state.eq(JobState::Running),
                    jobs::locked_by.eq(Some(worker)),
                    jobs::locked_until.eq(Some(lease_until)),
                    jobs::attempts.eq(jobs::attempts + 1),
                ))
                .returning(jobs::all_columns)
                .get_result(&mut **tx)?,
        );
    }
    Ok(claimed)
}

/// Ends a job that this worker holds; part of the transaction that records its result.
pub fn done(tx: &mut Tx, id: &JobId) -> Outcome<()> {
    let now = tx.now();
    diesel::update(jobs::table.find(id))
        .set((jobs::state.eq(JobState::Done), jobs::done_at.eq(Some(now)), jobs::locked_until.eq(None::<At>)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Gives a job back, to be tried at `run_at`; or gives it up.
pub fn retry(tx: &mut Tx, id: &JobId, error: Option<&str>, run_at: At, give_up: bool) -> Outcome<()> {
    let state = if give_up { JobState::Failed } else { JobState::Ready };
    diesel::update(jobs::table.find(id))
        .set((
            jobs::state.eq(state),
            jobs::run_at.eq(run_at),
            jobs::last_error.eq(error),
            jobs::locked_by.eq(None::<String>),
            jobs::locked_until.eq(None::<At>),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Forgets jobs that were done before `before`; returns how many.
pub fn sweep_done(tx: &mut Tx, before: At) -> Outcome<usize> {
    let old = jobs::table.filter(jobs::state.eq(JobState::Done)).filter(jobs::done_at.lt(before));
    Ok(diesel::delete(old).execute(&mut **tx)?)
}

/// Gives back what `worker` still holds, as if it had not been claimed.
pub fn release(tx: &mut Tx, worker: &str) -> Outcome<usize> {
    let now = tx.now();
    let held = jobs::table.filter(jobs::state.eq(JobState::Running)).filter(jobs::locked_by.eq(worker.to_owned()));
    Ok(diesel::update(held)
        .set((
            jobs::state.eq(JobState::Ready),
            jobs::run_at.eq(now),
            jobs::attempts.eq(jobs::attempts - 1),
            jobs::locked_by.eq(None::<String>),
            jobs::locked_until.eq(None::<At>),
        ))
        .execute(&mut **tx)?)
}

/// Jobs of `kind` that are due at `now`.
pub fn any_due(conn: &mut Conn, kind: &str, now: At) -> Outcome<bool> {
    let due = jobs::table.filter(jobs::kind.eq(kind.to_owned())).filter(
        (jobs::state.eq(JobState::Ready).and(jobs::run_at.le(now)))
            .or(jobs::state.eq(JobState::Running).and(jobs::locked_until.lt(now))),
    );
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(conn)?)
}
