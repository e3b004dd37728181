//! What the worker seals, and the road it takes.

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
