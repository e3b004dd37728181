//! The review queue: submissions that wait for a person, the claims on them, and what only a reviewer looks at. Claims
//! are passed over, not waited for. Nothing here moves a submission's state.

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::SkipLocked;
use super::rows::{AssessmentRow, SubmissionRow};
use super::schema::{appeals, assessments, proposals, sanctions, stores, submissions};
use super::tx::Tx;
use crate::domain::ids::{SubmissionId, UserId};
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// Where a page of the queue ends: deadline, risk, id.
pub type QueueKey = (At, i64, SubmissionId);

/// A submission in the queue, and the name and town of its store.
pub type Queued = (SubmissionRow, String, Option<String>);

/// What `me` may take at `now`: not held by a colleague. Oldest deadline first, then highest risk.
pub fn queue(conn: &mut Conn, me: &UserId, now: At, after: Option<&QueueKey>, limit: i64) -> Outcome<Vec<Queued>> {
    let mut query = submissions::table
        .inner_join(stores::table.on(stores::id.eq(submissions::store_id)))
        .filter(submissions::state.eq(SubmissionState::InReview))
        .filter(submissions::review_due_at.is_not_null())
        .filter(
            submissions::claimed_until
                .is_null()
                .or(submissions::claimed_until.le(now))
                .or(submissions::claimed_by.eq(me.clone())),
        )
        .select((submissions::all_columns, stores::name, stores::city))
        .into_boxed();
    if let Some((due, risk, id)) = after {
        query = query.filter(
            submissions::review_due_at.gt(*due).or(submissions::review_due_at
                .eq(*due)
                .and(submissions::risk.lt(*risk).or(submissions::risk.eq(*risk).and(submissions::id.gt(id.clone()))))),
        );
    }
    Ok(query.order((submissions::review_due_at, submissions::risk.desc(), submissions::id)).limit(limit).load(conn)?)
}

/// The first of the queue that nobody holds or is just taking, and that does not wait for somebody other than `me`.
pub fn next_free(tx: &mut Tx, me: &UserId) -> Outcome<Option<SubmissionId>> {
    let now = tx.now();
    let mine = proposals::table
        .filter(proposals::submission_id.eq(submissions::id))
        .filter(proposals::revision.eq(submissions::revision))
        .filter(proposals::proposed_by.eq(me.clone()));
    let free = submissions::table
        .filter(submissions::state.eq(SubmissionState::InReview))
        .filter(submissions::claimed_until.is_null().or(submissions::claimed_until.le(now)))
        .filter(not(exists(mine)))
        .order((submissions::review_due_at, submissions::risk.desc(), submissions::id))
        .limit(1)
        .select(submissions::id);
    Ok(SkipLocked(free).load::<SubmissionId>(&mut **tx)?.into_iter().next())
}

/// Holds a submission for `me` until `until`; `None` when a colleague holds it or it left the queue.
pub fn claim(tx: &mut Tx, id: &SubmissionId, me: &UserId, until: At) -> Outcome<Option<SubmissionRow>> {
    let now = tx.now();
    let free = submissions::table.find(id).filter(submissions::state.eq(SubmissionState::InReview)).filter(
        submissions::claimed_until
            .is_null()
            .or(submissions::claimed_until.le(now))
            .or(submissions::claimed_by.eq(me.clone())),
    );
    Ok(diesel::update(free)
        .set((
            submissions::claimed_by.eq(Some(me)),
            submissions::claimed_until.eq(Some(until)),
            submissions::updated_at.eq(now),
            submissions::version.eq(submissions::version + 1),
        ))
        .returning(submissions::all_columns)
        .get_result(&mut **tx)
        .optional()?)
}

/// Gives a claim back; `None` when `me` does not hold it.
pub fn release(tx: &mut Tx, id: &SubmissionId, me: &UserId) -> Outcome<Option<SubmissionRow>> {
    let now = tx.now();
    let mine = submissions::table
        .find(id)
        .filter(submissions::claimed_by.eq(me.clone()))
        .filter(submissions::claimed_until.gt(now));
    Ok(diesel::update(mine)
        .set((
            submissions::claimed_by.eq(None::<UserId>),
            submissions::claimed_until.eq(None::<At>),
            submissions::updated_at.eq(now),
            submissions::version.eq(submissions::version + 1),
        ))
        .returning(submissions::all_columns)
        .get_result(&mut **tx)
        .optional()?)
}

/// The newest assessment.
pub fn any_assessment(conn: &mut Conn, id: &SubmissionId) -> Outcome<Option<AssessmentRow>> {
    Ok(assessments::table
        .filter(assessments::submission_id.eq(id))
        .order(assessments::id.desc())
        .first(conn)
        .optional()?)
}

/// How a worker's submissions stand, by state.
pub fn any_counts(conn: &mut Conn, worker: &UserId) -> Outcome<Vec<(SubmissionState, i64)>> {
    Ok(submissions::table
        .filter(submissions::worker_id.eq(worker))
        .group_by(submissions::state)
        .select((submissions::state, count_star()))
        .load(conn)?)
}

/// Appeals and sanctions of a worker, ever.
pub fn any_appeals_and_sanctions(conn: &mut Conn, worker: &UserId) -> Outcome<(i64, i64)> {
    let appealed = appeals::table
        .inner_join(submissions::table.on(submissions::id.eq(appeals::submission_id)))
        .filter(submissions::worker_id.eq(worker))
        .count()
        .get_result(conn)?;
    let sanctioned = sanctions::table.filter(sanctions::user_id.eq(worker)).count().get_result(conn)?;
    Ok((appealed, sanctioned))
}
