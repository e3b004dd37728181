//! What a visit says about a store that was reported shut.

use crate::db::Tx;
use crate::db::rows::SubmissionRow;
use crate::domain::refusal::Outcome;

/// Called when a visit was sealed.
pub fn visit_sealed(_tx: &mut Tx, _submission: &SubmissionRow) -> Outcome<()> {
    Ok(())
}
