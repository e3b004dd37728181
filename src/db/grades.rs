//! Grades of evidence as they were kept, one row a submission. Unscoped: whoever asks has been shown the submission.

use diesel::prelude::*;

use super::conn::Conn;
use super::rows::GradeRow;
use super::schema::grades;
use super::tx::Tx;
use crate::domain::ids::SubmissionId;
use crate::domain::refusal::Outcome;

pub fn any_find(conn: &mut Conn, id: &SubmissionId) -> Outcome<Option<GradeRow>> {
    Ok(grades::table.find(id).first(conn).optional()?)
}

/// The grades that were kept for these submissions, in no order.
pub fn any_of(conn: &mut Conn, ids: &[SubmissionId]) -> Outcome<Vec<GradeRow>> {
    Ok(grades::table.filter(grades::submission_id.eq_any(ids.to_vec())).load(conn)?)
}

/// Keeps a grade in place of the one before.
pub fn keep(tx: &mut Tx, row: &GradeRow) -> Outcome<()> {
    diesel::delete(grades::table.find(&row.submission_id)).execute(&mut **tx)?;
    diesel::insert_into(grades::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}
