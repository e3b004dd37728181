//! What a person or a rule decided about a submission. A rejection always has a human name, a code, a target, a clause
//! and a text (I18); only an approval may come from a rule or from silence.

text_enum! {
    DecisionKind {
        Approved = "approved", PartlyApproved = "partly_approved", NeedsCorrection = "needs_correction", Rejected = "rejected"
    }
}

text_enum! {
    /// `rule`: the assessment was clear; `silence`: nobody decided in time.
    DecidedBy { Rule = "rule", Silence = "silence", Person = "person" }
}

text_enum! {
    ReasonCode {
        PhotoBlurred = "photo_blurred", PhotoDark = "photo_dark", PhotoWrongSubject = "photo_wrong_subject",
        PhotoMissing = "photo_missing", PhotoNotFromCamera = "photo_not_from_camera", PhotoDuplicate = "photo_duplicate",
        PhotoOfScreen = "photo_of_screen", AnswerContradictsPhoto = "answer_contradicts_photo",
        AnswersContradict = "answers_contradict", AnswerMissing = "answer_missing", WrongStore = "wrong_store",
        TooFar = "too_far", OutsideTimeWindow = "outside_time_window",
        InstructionNotFollowed = "instruction_not_followed", SuspectedFraud = "suspected_fraud", Other = "other"
    }
}

text_enum! {
    /// `clarify`: answer from home within 72 h; `revisit`: go again within 7 days.
    Correction { Clarify = "clarify", Revisit = "revisit" }
}

/// Version of the rules by which people and the machine decide; stored with every decision.
pub const RULE_VERSION: &str = "decision-1";
