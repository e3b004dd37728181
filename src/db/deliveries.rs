//! What a brand gets: submissions that were approved, wholly or partly, their accepted answers and the photos of those.
//! A delivered submission stays delivered while its worker appeals the refused part.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::{AnswerRow, EvidenceRow, SubmissionPhotoRow, SubmissionRow};
use super::schema::{answers, evidence, grades, submission_photos, submissions};
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::grade::Letter;
use crate::domain::ids::{CampaignId, EvidenceId, ReservationId, StoreId, SubmissionId};
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

macro_rules! delivered {
    () => {
        submissions::state.eq_any([SubmissionState::Approved, SubmissionState::PartlyApproved]).or(submissions::state
            .eq(SubmissionState::Appealed)
            .and(diesel::dsl::exists(
                answers::table.filter(answers::submission_id.eq(submissions::id)).filter(answers::accepted.eq(true)),
            )))
    };
}

/// The brand's delivered submissions, newest first.
pub fn page(
    conn: &mut Conn,
    scope: &BrandScope,
    campaign: Option<&CampaignId>,
    before: Option<&str>,
    limit: i64,
) -> Outcome<Vec<SubmissionRow>> {
    let mut query = submissions::table
        .filter(submissions::brand_id.eq(scope.brand().clone()))
        .filter(delivered!())
        .select(submissions::all_columns)
        .into_boxed();
    if let Some(campaign) = campaign {
        query = query.filter(submissions::campaign_id.eq(campaign.clone()));
    }
    if let Some(before) = before {
        query = query.filter(submissions::id.lt(SubmissionId::from_stored(before.to_owned())));
    }
    Ok(query.order(submissions::id.desc()).limit(limit).load(conn)?)
}

pub fn find(conn: &mut Conn, scope: &BrandScope, id: &SubmissionId) -> Outcome<Option<SubmissionRow>> {
    Ok(submissions::table
        .filter(submissions::id.eq(id))
        .filter(submissions::brand_id.eq(scope.brand().clone()))
        .filter(delivered!())
        .select(submissions::all_columns)
        .first(conn)
        .optional()?)
}

pub fn find_by_reservation(conn: &mut Conn, scope: &BrandScope, id: &ReservationId) -> Outcome<Option<SubmissionRow>> {
    Ok(submissions::table
        .filter(submissions::reservation_id.eq(id))
        .filter(submissions::brand_id.eq(scope.brand().clone()))
        .filter(delivered!())
        .select(submissions::all_columns)
        .first(conn)
        .optional()?)
}

/// Its accepted answers, by path.
pub fn accepted(conn: &mut Conn, scope: &BrandScope, submission: &SubmissionId) -> Outcome<Vec<AnswerRow>> {
    Ok(answers::table
        .filter(answers::submission_id.eq(submission))
        .filter(answers::brand_id.eq(scope.brand().clone()))
        .filter(answers::accepted.eq(true))
        .order(answers::path)
        .load(conn)?)
}

/// Photos that arrived for a submission, with what was announced of them.
pub fn photos(
    conn: &mut Conn,
    scope: &BrandScope,
    submission: &SubmissionId,
) -> Outcome<Vec<(SubmissionPhotoRow, EvidenceRow)>> {
    Ok(submission_photos::table
        .inner_join(evidence::table.on(submission_photos::evidence_id.eq(evidence::id.nullable())))
        .filter(submission_photos::submission_id.eq(submission))
        .filter(submission_photos::replaced_in.is_null())
        .filter(evidence::brand_id.eq(scope.brand().clone()))
        .order(evidence::id)
        .select((submission_photos::all_columns, evidence::all_columns))
        .load(conn)?)
}

pub fn photo(conn: &mut Conn, scope: &BrandScope, id: &EvidenceId) -> Outcome<Option<EvidenceRow>> {
    let row = evidence::table.filter(evidence::id.eq(id)).filter(evidence::brand_id.eq(scope.brand().clone()));
    Ok(row.first(conn).optional()?)
}

// What the report counts

/// The answers that `as_of` knew as delivered, of some stores of a campaign.
pub fn observed(
    conn: &mut Conn,
    scope: &BrandScope,
    campaign: &CampaignId,
    stores: &[StoreId],
    as_of: At,
) -> Outcome<Vec<AnswerRow>> {
    Ok(answers::table
        .inner_join(submissions::table.on(submissions::id.eq(answers::submission_id)))
        .filter(answers::campaign_id.eq(campaign))
        .filter(answers::brand_id.eq(scope.brand().clone()))
        .filter(answers::accepted.eq(true))
        .filter(answers::store_id.eq_any(stores.to_vec()))
        .filter(submissions::state.eq_any([
            SubmissionState::Approved,
            SubmissionState::PartlyApproved,
            SubmissionState::Appealed,
        ]))
        .filter(submissions::decided_at.le(as_of))
        .order((answers::store_id, answers::submission_id, answers::path))
        .select(answers::all_columns)
        .load(conn)?)
}

/// A delivered submission as a report counts it: its store, itself, its outcome, its grade.
pub type Visit = (StoreId, SubmissionId, crate::domain::submission::Outcome, Option<Letter>);

/// Delivered submissions of some stores of a campaign.
pub fn visits(
    conn: &mut Conn,
    scope: &BrandScope,
    campaign: &CampaignId,
    stores: &[StoreId],
    as_of: At,
) -> Outcome<Vec<Visit>> {
    Ok(submissions::table
        .left_join(grades::table.on(grades::submission_id.eq(submissions::id)))
        .filter(submissions::campaign_id.eq(campaign))
        .filter(submissions::brand_id.eq(scope.brand().clone()))
        .filter(submissions::store_id.eq_any(stores.to_vec()))
        .filter(delivered!())
        .filter(submissions::decided_at.le(as_of))
        .select((submissions::store_id, submissions::id, submissions::outcome, grades::letter.nullable()))
        .load(conn)?)
}

/// Replaces the answers of a submission.
pub fn store_answers(tx: &mut Tx, submission: &SubmissionId, rows: &[AnswerRow]) -> Outcome<()> {
    diesel::delete(answers::table.filter(answers::submission_id.eq(submission))).execute(&mut **tx)?;
    for row in rows {
        diesel::insert_into(answers::table).values(row.clone()).execute(&mut **tx)?;
    }
    Ok(())
}
