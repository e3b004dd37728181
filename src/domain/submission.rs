//! What the worker seals, and the road it takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::questionnaire::PhotoRef;
use super::time::At;

text_enum! {
    SubmissionState {
        Sealed = "sealed", Checking = "checking", InReview = "in_review", NeedsCorrection = "needs_correction",
        Approved = "approved", PartlyApproved = "partly_approved", Rejected = "rejected", Appealed = "appealed"
    }
}

text_enum! {
    /// How the visit ended. All but `completed` pay the attempt fee.
    Outcome {
        Completed = "completed", ClosedTemporarily = "closed_temporarily", ClosedPermanently = "closed_permanently",
        NotFound = "not_found", EntryRefused = "entry_refused", AskedToLeave = "asked_to_leave",
        ProductNotListed = "product_not_listed", Unsafe = "unsafe"
    }
}

impl Outcome {
    /// Whether nobody else should be sent there for now: shut, gone, or unsafe.
    pub fn pauses_store(self) -> bool {
        matches!(self, Outcome::ClosedTemporarily | Outcome::ClosedPermanently | Outcome::NotFound | Outcome::Unsafe)
    }

    /// Whether the store was trading, even if the visit failed: one is sent away from an open store only.
    pub fn found_open(self) -> bool {
        !self.pauses_store()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubmissionMove {
    /// Every photo of the manifest has arrived.
    PhotosComplete,
    /// 48 h after the seal photos are still missing.
    PhotosMissing,
    /// The assessment is clear.
    ApproveByRule,
    /// The assessment has a doubt.
    AskPerson,
    Approve,
    ApprovePartly,
    AskCorrection,
    Reject,
    /// The worker sealed the next revision.
    Revise,
    CorrectionLapsed,
    Appeal,
}

impl SubmissionMove {
    pub const ALL: &'static [SubmissionMove] = &[
        SubmissionMove::PhotosComplete,
        SubmissionMove::PhotosMissing,
        SubmissionMove::ApproveByRule,
        SubmissionMove::AskPerson,
        SubmissionMove::Approve,
        SubmissionMove::ApprovePartly,
        SubmissionMove::AskCorrection,
        SubmissionMove::Reject,
        SubmissionMove::Revise,
        SubmissionMove::CorrectionLapsed,
        SubmissionMove::Appeal,
    ];
}

impl SubmissionState {
    /// The diagram of the life of a visit.
    pub fn next(self, step: SubmissionMove) -> Option<SubmissionState> {
        use SubmissionMove as M;
        use SubmissionState::*;
        match (self, step) {
            (Sealed, M::PhotosComplete) => Some(Checking),
            (Sealed, M::PhotosMissing) => Some(InReview),
            (Checking, M::ApproveByRule) => Some(Approved),
            (Checking, M::AskPerson) => Some(InReview),
            (InReview | Appealed, M::Approve) => Some(Approved),
            (InReview | Appealed, M::ApprovePartly) => Some(PartlyApproved),
            (InReview, M::AskCorrection) => Some(NeedsCorrection),
            (InReview | Appealed, M::Reject) => Some(Rejected),
            (NeedsCorrection, M::Revise) => Some(Sealed),
            (NeedsCorrection, M::CorrectionLapsed) => Some(InReview),
            (Rejected | PartlyApproved, M::Appeal) => Some(Appealed),
            _ => None,
        }
    }

    /// Is money owed for it?
    pub fn is_paid(self) -> bool {
        matches!(self, SubmissionState::Approved | SubmissionState::PartlyApproved)
    }
}

/// Work not decided by then is approved; a campaign may choose fewer or more days, never above the maximum.
pub const REVIEW_DAYS_DEFAULT: i64 = 5;
pub const REVIEW_DAYS_MAX: i64 = 14;
pub const CLARIFY_SECS: i64 = 72 * 3600;
pub const REVISIT_SECS: i64 = 7 * 86_400;
pub const APPEAL_WINDOW_SECS: i64 = 14 * 86_400;

/// Silence never lasts longer than this from the first review, in days.
const REVIEW_MAX_DAYS: i64 = 14;
/// What people have at least when work comes back to them, in hours: the target for a review.
const REVIEW_MIN_HOURS: i64 = 24;

/// When silence approves work that entered review at `first` and enters it (again) at `now`.
pub fn review_due(first: At, days: i64, now: At) -> At {
    let again = now.plus_hours(REVIEW_MIN_HOURS).min(first.plus_days(REVIEW_MAX_DAYS));
    first.plus_days(days).max(again)
}

/// Client ids of `earlier` photos that a revision replaces: those of a question for which it brings a new photo, unless
/// its own answer to that question names them in `photo_ids`. Photos of the visit as a whole stay.
pub fn replaced(earlier: &[PhotoRef], new: &[PhotoRef], answers: Option<&Map<String, Value>>) -> Vec<String> {
    let path = |photo: &PhotoRef| photo.question_path.trim_start_matches('/').to_owned();
    let named = |photo: &PhotoRef| {
        let asked = path(photo);
        let mut parts = asked.split('/');
        let first = answers.and_then(|answers| answers.get(parts.next()?));
        let answer = first.and_then(|first| parts.try_fold(first, |value, part| value.get(part)));
        let ids = answer.and_then(|answer| answer.get("photo_ids")).and_then(Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|id| id == photo.client_id.as_str()))
    };
    let retaken: BTreeSet<String> = new.iter().map(path).filter(|path| !path.is_empty()).collect();
    let gone = earlier.iter().filter(|photo| retaken.contains(&path(photo)) && !named(photo));
    gone.map(|photo| photo.client_id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn photo(client_id: &str, question_path: &str) -> PhotoRef {
        PhotoRef { client_id: client_id.to_owned(), question_path: question_path.to_owned() }
    }

    #[test]
    fn work_that_comes_back_late_leaves_people_a_day_and_never_lasts_over_two_weeks() {
        let day = |days: i64| At::from_micros(0).expect("in range").plus_days(days);
        assert_eq!(review_due(day(0), 5, day(0)), day(5));
        assert_eq!(review_due(day(0), 5, day(2)), day(5), "the clock goes on");
        assert_eq!(review_due(day(0), 5, day(8)), day(9));
        assert_eq!(review_due(day(0), 5, day(20)), day(14));
    }

    #[test]
    fn a_new_photo_takes_the_place_of_those_that_are_not_named_again() {
        let earlier = [photo("front", "/front"), photo("a1", "/brand/a/shelf"), photo("a2", "brand/a/shelf")];
        let new = [photo("a3", "/brand/a/shelf"), photo("whole", "")];
        assert_eq!(replaced(&earlier, &new, None), ["a1", "a2"]);
        let answers = json!({ "brand": { "a": { "shelf": { "photo_ids": ["a2", "a3"] } } } });
        assert_eq!(replaced(&earlier, &new, answers.as_object()), ["a1"]);
        assert!(replaced(&earlier, &new[1..], None).is_empty());
        assert!(replaced(&[photo("old", "")], &new, None).is_empty(), "photos of the visit as a whole stay");
    }
}
