//! What a person or a rule decided about a submission. A rejection always has a human name, a code, a target, a clause
//! and a text (I18); only an approval may come from a rule or from silence. What a decision pays and which counters of
//! the mission it moves is computed here, from values.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::campaign::Clause;
use super::finding::Language;
use super::ids::{AppealId, UserId};
use super::money::{Money, MoneyError};
use super::refusal::FieldError;
use super::submission::{APPEAL_WINDOW_SECS, CLARIFY_SECS, Outcome, REVISIT_SECS, SubmissionMove};

text_enum! {
    DecisionKind {
        Approved = "approved", PartlyApproved = "partly_approved", NeedsCorrection = "needs_correction", Rejected = "rejected"
    }
}

text_enum! {
    /// `rule`: the assessment was clear; `silence`: nobody decided in time.
    DecidedBy { Rule = "rule", Silence = "silence", Person = "person" }
}

impl DecidedBy {
    /// What that means.
    pub fn sentence(self, language: Language) -> &'static str {
        let [en, fr, nl] = match self {
            DecidedBy::Rule => [
                "No finding is above information, so a rule approved it.",
                "Aucune constatation ne dépasse l'information : une règle l'a approuvé.",
                "Geen bevinding is meer dan informatie, dus heeft een regel het goedgekeurd.",
            ],
            DecidedBy::Silence => [
                "Nobody decided in time, so it is decided for the worker.",
                "Personne n'a décidé à temps : la décision est en faveur du travailleur.",
                "Niemand besliste op tijd, dus valt de beslissing in het voordeel van de werker uit.",
            ],
            DecidedBy::Person => ["A person decided.", "Une personne a décidé.", "Een mens heeft beslist."],
        };
        match language {
            Language::En => en,
            Language::Fr => fr,
            Language::Nl => nl,
        }
    }
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

impl ReasonCode {
    /// As a worker reads it.
    pub fn sentence(self) -> &'static str {
        match self {
            ReasonCode::PhotoBlurred => "The photo is blurred.",
            ReasonCode::PhotoDark => "The photo is too dark.",
            ReasonCode::PhotoWrongSubject => "The photo shows something else.",
            ReasonCode::PhotoMissing => "A photo is missing.",
            ReasonCode::PhotoNotFromCamera => "The photo does not come from a camera.",
            ReasonCode::PhotoDuplicate => "The photo was used before.",
            ReasonCode::PhotoOfScreen => "The photo shows a screen or a print.",
            ReasonCode::AnswerContradictsPhoto => "The answer and the photo contradict each other.",
            ReasonCode::AnswersContradict => "Two answers contradict each other.",
            ReasonCode::AnswerMissing => "An answer is missing.",
            ReasonCode::WrongStore => "It is another store.",
            ReasonCode::TooFar => "The visit was too far from the store.",
            ReasonCode::OutsideTimeWindow => "The visit was outside its time.",
            ReasonCode::InstructionNotFollowed => "An instruction was not followed.",
            ReasonCode::SuspectedFraud => "We suspect fraud.",
            ReasonCode::Other => "Another reason, confirmed by a second reviewer.",
        }
    }
}

text_enum! {
    /// `clarify`: answer from home within 72 h; `revisit`: go again within 7 days.
    Correction { Clarify = "clarify", Revisit = "revisit" }
}

impl Correction {
    pub fn secs(self) -> i64 {
        match self {
            Correction::Clarify => CLARIFY_SECS,
            Correction::Revisit => REVISIT_SECS,
        }
    }
}

/// Version of the rules by which people and the machine decide; stored with every decision.
pub const RULE_VERSION: &str = "decision-1";

/// The target of a decision about the visit as a whole; every other target is the path of an item.
pub const WHOLE_VISIT: &str = "visit";

/// Characters of a reason.
pub const TEXT_MIN: usize = 10;
pub const TEXT_MAX: usize = 2000;
/// Items that one decision can refuse.
pub const REFUSED_MAX: usize = 200;

/// One refused item and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemVerdict {
    /// JSON pointer into the answers: a question, or a loop round or section with all that is under it.
    pub item: String,
    pub reason_code: ReasonCode,
    pub clause_id: String,
    pub text: String,
}

/// A decision before it is written.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    pub kind: DecisionKind,
    pub by: DecidedBy,
    /// The person; `None` for a rule or for silence.
    pub decider: Option<UserId>,
    pub second_reviewer: Option<UserId>,
    pub reason_code: Option<ReasonCode>,
    pub target: Option<String>,
    pub clause_id: Option<String>,
    pub text: Option<String>,
    pub refused: Vec<ItemVerdict>,
    pub correction: Option<Correction>,
    /// The appeal that this answers.
    pub appeal: Option<AppealId>,
    pub rule_version: String,
    /// What the decision was taken from, for replay.
    pub inputs: Value,
}

impl Verdict {
    fn approval(by: DecidedBy, inputs: Value) -> Verdict {
        Verdict {
            kind: DecisionKind::Approved,
            by,
            decider: None,
            second_reviewer: None,
            reason_code: None,
            target: None,
            clause_id: None,
            text: None,
            refused: Vec::new(),
            correction: None,
            appeal: None,
            rule_version: RULE_VERSION.to_owned(),
            inputs,
        }
    }

    /// The assessment was clear; `rule_version` names the rules that found it so.
    pub fn approved_by_rule(rule_version: impl Into<String>, inputs: Value) -> Verdict {
        Verdict { rule_version: rule_version.into(), ..Verdict::approval(DecidedBy::Rule, inputs) }
    }

    /// Nobody decided in time: the review of a submission, or its appeal.
    pub fn approved_by_silence(appeal: Option<AppealId>, inputs: Value) -> Verdict {
        Verdict { appeal, ..Verdict::approval(DecidedBy::Silence, inputs) }
    }

    /// The step of the submission's state machine.
    pub fn step(&self) -> SubmissionMove {
        match (self.by, self.kind) {
            (DecidedBy::Rule, _) => SubmissionMove::ApproveByRule,
            (_, DecisionKind::Approved) => SubmissionMove::Approve,
            (_, DecisionKind::PartlyApproved) => SubmissionMove::ApprovePartly,
            (_, DecisionKind::NeedsCorrection) => SubmissionMove::AskCorrection,
            (_, DecisionKind::Rejected) => SubmissionMove::Reject,
        }
    }

    /// The machine may approve or ask, only a person may refuse; a person is named.
    pub fn is_lawful(&self) -> bool {
        match self.by {
            DecidedBy::Person => self.decider.is_some() && self.second_reviewer != self.decider,
            DecidedBy::Rule | DecidedBy::Silence => self.kind == DecisionKind::Approved && self.decider.is_none(),
        }
    }

    /// Does it withhold pay for the reason `other`?
    pub fn needs_second_reviewer(&self) -> bool {
        let whole = self.kind == DecisionKind::Rejected && self.reason_code == Some(ReasonCode::Other);
        whole || self.refused.iter().any(|item| item.reason_code == ReasonCode::Other)
    }

    /// Do two reviewers say the same? Who they are and what they looked at does not count.
    pub fn agrees_with(&self, other: &Verdict) -> bool {
        (self.kind, self.reason_code, &self.target, &self.clause_id, &self.text, &self.refused, &self.appeal)
            == (
                other.kind,
                other.reason_code,
                &other.target,
                &other.clause_id,
                &other.text,
                &other.refused,
                &other.appeal,
            )
    }
}

/// A question of the submission as a decision can name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// JSON pointer into the answers.
    pub path: String,
    /// Whether the worker answered it.
    pub answered: bool,
}

/// Is `path` what `top` names, or under it?
pub fn is_under(path: &str, top: &str) -> bool {
    !top.is_empty() && path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Is the decision complete, and does it speak of things that exist: clauses of the pinned brief, items of the submission?
///
/// # Errors
/// Every field that is missing, out of place or unknown.
pub fn check(
    verdict: Verdict,
    clauses: &[Clause],
    items: &[Item],
    outcome: Outcome,
) -> Result<Verdict, Vec<FieldError>> {
    let mut form = Form { clauses, items, errors: Vec::new() };
    let kind = verdict.kind;
    let reasons = matches!(kind, DecisionKind::Rejected | DecisionKind::NeedsCorrection);
    form.present("/reason_code", reasons, verdict.reason_code.is_some());
    form.present("/target", reasons, verdict.target.is_some());
    form.present("/correction", kind == DecisionKind::NeedsCorrection, verdict.correction.is_some());
    match kind {
        DecisionKind::Rejected => form.present("/clause_id", true, verdict.clause_id.is_some()),
        DecisionKind::NeedsCorrection => {}
        _ => form.present("/clause_id", false, verdict.clause_id.is_some()),
    }
    match kind {
        // A note to partly approved work is welcome, its items carry the reasons.
        DecisionKind::PartlyApproved => {}
        _ => form.present("/text", reasons, verdict.text.is_some()),
    }
    if let Some(target) = &verdict.target
        && target != WHOLE_VISIT
    {
        form.item("/target", target);
    }
    if let Some(clause) = &verdict.clause_id {
        form.clause("/clause_id", clause);
    }
    if let Some(text) = &verdict.text {
        form.text("/text", text);
    }
    if kind == DecisionKind::PartlyApproved {
        form.refused(&verdict.refused, outcome);
    } else if !verdict.refused.is_empty() {
        form.complain("/refused", "not_allowed", "Only a partial approval refuses single items.");
    }
    if form.errors.is_empty() { Ok(verdict) } else { Err(form.errors) }
}

struct Form<'a> {
    clauses: &'a [Clause],
    items: &'a [Item],
    errors: Vec<FieldError>,
}

impl Form<'_> {
    fn complain(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, code, detail));
    }

    fn present(&mut self, pointer: &str, wanted: bool, given: bool) {
        match (wanted, given) {
            (true, false) => self.complain(pointer, "required", "This decision needs it."),
            (false, true) => self.complain(pointer, "not_allowed", "This decision has none."),
            _ => {}
        }
    }

    fn item(&mut self, pointer: impl Into<String>, path: &str) {
        if !self.items.iter().any(|item| is_under(&item.path, path)) {
            self.complain(pointer, "unknown_item", "The submission has no such item; `visit` names the whole of it.");
        }
    }

    fn clause(&mut self, pointer: impl Into<String>, id: &str) {
        if !self.clauses.iter().any(|clause| clause.id == id) {
            self.complain(pointer, "unknown_clause", "The brief of this reservation has no clause with this id.");
        }
    }

    fn text(&mut self, pointer: impl Into<String>, text: &str) {
        if !(TEXT_MIN..=TEXT_MAX).contains(&text.chars().count()) {
            self.complain(pointer, "length", format!("A reason has {TEXT_MIN} to {TEXT_MAX} characters."));
        }
    }

    fn refused(&mut self, refused: &[ItemVerdict], outcome: Outcome) {
        if outcome != Outcome::Completed {
            self.complain("/kind", "not_completed", "A visit that could not be done is paid whole or not at all.");
        }
        if refused.is_empty() || refused.len() > REFUSED_MAX {
            self.complain("/refused", "length", format!("A partial approval refuses 1 to {REFUSED_MAX} items."));
        }
        for (at, one) in refused.iter().enumerate() {
            self.item(format!("/refused/{at}/item"), &one.item);
            self.clause(format!("/refused/{at}/clause_id"), &one.clause_id);
            self.text(format!("/refused/{at}/text"), &one.text);
            if refused[..at].iter().any(|before| before.item == one.item) {
                self.complain(format!("/refused/{at}/item"), "duplicate", "This item is refused twice.");
            }
        }
        let is_refused = |path: &str| refused.iter().any(|one| is_under(path, &one.item));
        if !self.items.iter().any(|item| item.answered && !is_refused(&item.path)) {
            self.complain("/refused", "nothing_accepted", "Every answer is refused: that is a rejection.");
        }
    }
}

/// What a decision owes the worker: the reward for completed work, the attempt fee for a visit that could not be done,
/// `accepted / total` of the reward for partly approved work (rounded half up, never below one minor unit).
pub fn pay(
    kind: DecisionKind,
    outcome: Outcome,
    reward: Money,
    attempt_fee: Money,
    (accepted, total): (i64, i64),
) -> Result<Money, MoneyError> {
    match (kind, outcome) {
        (DecisionKind::Approved, Outcome::Completed) => Ok(reward),
        (DecisionKind::Approved, _) => Ok(attempt_fee),
        (DecisionKind::PartlyApproved, _) => {
            let part = reward.share(accepted, total)?;
            Ok(Money::new(part.minor.clamp(1, reward.minor.max(1)), part.currency))
        }
        (DecisionKind::NeedsCorrection | DecisionKind::Rejected, _) => Ok(Money::zero(reward.currency)),
    }
}

/// What still has to move when the worker was paid `before` for the same submission: an appeal can only keep or raise.
pub fn raise(before: Money, owed: Money) -> Result<Money, MoneyError> {
    let more = owed.sub(before)?;
    Ok(Money::new(more.minor.max(0), more.currency))
}

/// How the counters of a mission move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotMoves {
    pub held: i64,
    pub done: i64,
    pub attempts_spent: i64,
}

/// What a decision does to the mission of a submission that holds a slot (`holds`), or no longer does. A first rejection
/// keeps the slot for the appeal; one that answers an appeal gives it back.
pub fn slot_moves(kind: DecisionKind, outcome: Outcome, holds: bool, answers_appeal: bool) -> SlotMoves {
    if !holds {
        return SlotMoves::default();
    }
    match (kind, outcome) {
        (DecisionKind::Approved | DecisionKind::PartlyApproved, Outcome::Completed) => {
            SlotMoves { held: -1, done: 1, attempts_spent: 0 }
        }
        (DecisionKind::Approved | DecisionKind::PartlyApproved, _) => {
            SlotMoves { held: -1, done: 0, attempts_spent: 1 }
        }
        (DecisionKind::Rejected, _) if answers_appeal => SlotMoves { held: -1, ..SlotMoves::default() },
        (DecisionKind::Rejected | DecisionKind::NeedsCorrection, _) => SlotMoves::default(),
    }
}

/// Seconds in which the worker may appeal; `None` when there is nothing to appeal, or it was appealed before.
pub fn appeal_secs(kind: DecisionKind, answers_appeal: bool) -> Option<i64> {
    match kind {
        DecisionKind::Rejected | DecisionKind::PartlyApproved if !answers_appeal => Some(APPEAL_WINDOW_SECS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn clauses() -> Vec<Clause> {
        ["c1", "c2"].map(|id| Clause { id: id.to_owned(), text: format!("Rule {id}.") }).to_vec()
    }

    fn items() -> Vec<Item> {
        ["/brand/acme/facings", "/brand/acme/shelf", "/brand/zoo/facings", "/note"]
            .map(|path| Item { path: path.to_owned(), answered: path != "/note" })
            .to_vec()
    }

    fn person(kind: DecisionKind) -> Verdict {
        Verdict { kind, decider: Some(UserId::from_bits(1)), ..Verdict::approval(DecidedBy::Person, Value::Null) }
    }

    fn rejection() -> Verdict {
        Verdict {
            reason_code: Some(ReasonCode::WrongStore),
            target: Some(WHOLE_VISIT.to_owned()),
            clause_id: Some("c1".to_owned()),
            text: Some("The sign names another shop.".to_owned()),
            ..person(DecisionKind::Rejected)
        }
    }

    fn refused(item: &str) -> ItemVerdict {
        ItemVerdict {
            item: item.to_owned(),
            reason_code: ReasonCode::PhotoBlurred,
            clause_id: "c2".to_owned(),
            text: "No label can be read.".to_owned(),
        }
    }

    fn complaints(verdict: Verdict) -> Vec<String> {
        let errors = check(verdict, &clauses(), &items(), Outcome::Completed).err().unwrap_or_default();
        errors.into_iter().map(|e| format!("{} {}", e.pointer, e.code)).collect()
    }

    #[test]
    fn a_rejection_without_its_reasons_is_incomplete() {
        assert_eq!(complaints(rejection()), Vec::<String>::new());
        assert_eq!(
            complaints(person(DecisionKind::Rejected)),
            ["/reason_code required", "/target required", "/clause_id required", "/text required"]
        );
        let vague = Verdict {
            target: Some("/brand/none".to_owned()),
            clause_id: Some("c9".to_owned()),
            text: Some("No.".to_owned()),
            ..rejection()
        };
        assert_eq!(complaints(vague), ["/target unknown_item", "/clause_id unknown_clause", "/text length"]);
        assert_eq!(complaints(Verdict { refused: vec![refused("/note")], ..rejection() }), ["/refused not_allowed"]);
    }

    #[test]
    fn an_approval_carries_no_reasons() {
        assert_eq!(complaints(person(DecisionKind::Approved)), Vec::<String>::new());
        let blamed = Verdict { kind: DecisionKind::Approved, ..rejection() };
        assert_eq!(
            complaints(blamed),
            ["/reason_code not_allowed", "/target not_allowed", "/clause_id not_allowed", "/text not_allowed"]
        );
    }

    #[test]
    fn a_correction_says_what_to_do_and_how() {
        let ask = Verdict { kind: DecisionKind::NeedsCorrection, clause_id: None, ..rejection() };
        assert_eq!(complaints(ask.clone()), ["/correction required"]);
        assert_eq!(complaints(Verdict { correction: Some(Correction::Clarify), ..ask }), Vec::<String>::new());
        assert_eq!(
            complaints(Verdict { correction: Some(Correction::Clarify), ..rejection() }),
            ["/correction not_allowed"]
        );
    }

    #[test]
    fn a_partial_approval_refuses_something_and_accepts_something() {
        let partly = |paths: &[&str]| Verdict {
            refused: paths.iter().map(|path| refused(path)).collect(),
            ..person(DecisionKind::PartlyApproved)
        };
        assert_eq!(complaints(partly(&["/brand/acme"])), Vec::<String>::new());
        assert_eq!(complaints(partly(&[])), ["/refused length"]);
        assert_eq!(complaints(partly(&["/brand"])), ["/refused nothing_accepted"]);
        assert_eq!(complaints(partly(&["/brand/ac"])), ["/refused/0/item unknown_item"]);
        assert_eq!(complaints(partly(&["/brand/zoo", "/brand/zoo"])), ["/refused/1/item duplicate"]);
        let shut = check(partly(&["/brand/zoo"]), &clauses(), &items(), Outcome::ClosedTemporarily);
        assert_eq!(shut.err().map(|e| e[0].code.clone()), Some("not_completed".to_owned()));
    }

    #[test]
    fn only_a_person_refuses_and_other_needs_two() {
        assert!(rejection().is_lawful());
        assert!(!Verdict { by: DecidedBy::Silence, decider: None, ..rejection() }.is_lawful());
        assert!(!Verdict { decider: None, ..rejection() }.is_lawful());
        assert!(!Verdict { second_reviewer: rejection().decider, ..rejection() }.is_lawful());
        assert!(Verdict::approved_by_silence(None, Value::Null).is_lawful());
        let other = Verdict { reason_code: Some(ReasonCode::Other), ..rejection() };
        assert!(other.needs_second_reviewer() && !rejection().needs_second_reviewer());
        assert!(!Verdict { kind: DecisionKind::NeedsCorrection, ..other.clone() }.needs_second_reviewer());
        let colleague = Verdict { decider: Some(UserId::from_bits(2)), ..other.clone() };
        assert!(colleague.agrees_with(&other) && !colleague.agrees_with(&rejection()));
    }

    #[test]
    fn pay_is_the_reward_the_fee_or_a_share_of_at_least_one_unit() {
        let chf = |minor| Money::new(minor, Currency::CHF);
        let paid = |kind, outcome, share| pay(kind, outcome, chf(401), chf(100), share).map(|m| m.minor);
        assert_eq!(paid(DecisionKind::Approved, Outcome::Completed, (1, 1)), Ok(401));
        assert_eq!(paid(DecisionKind::Approved, Outcome::EntryRefused, (1, 1)), Ok(100));
        assert_eq!(paid(DecisionKind::PartlyApproved, Outcome::Completed, (1, 2)), Ok(201));
        assert_eq!(paid(DecisionKind::PartlyApproved, Outcome::Completed, (0, 2)), Ok(1));
        assert_eq!(paid(DecisionKind::Rejected, Outcome::Completed, (1, 1)), Ok(0));
        assert_eq!(raise(chf(201), chf(401)), Ok(chf(200)));
        assert_eq!(raise(chf(201), chf(100)), Ok(chf(0)));
    }

    #[test]
    fn a_rejected_slot_waits_for_the_appeal() {
        let moves = |kind, outcome, holds, appeal| {
            let m = slot_moves(kind, outcome, holds, appeal);
            (m.held, m.done, m.attempts_spent)
        };
        assert_eq!(moves(DecisionKind::Approved, Outcome::Completed, true, false), (-1, 1, 0));
        assert_eq!(moves(DecisionKind::Approved, Outcome::NotFound, true, false), (-1, 0, 1));
        assert_eq!(moves(DecisionKind::Rejected, Outcome::Completed, true, false), (0, 0, 0));
        assert_eq!(moves(DecisionKind::Rejected, Outcome::Completed, true, true), (-1, 0, 0));
        assert_eq!(moves(DecisionKind::Approved, Outcome::Completed, false, true), (0, 0, 0));
        assert_eq!(appeal_secs(DecisionKind::Rejected, false), Some(APPEAL_WINDOW_SECS));
        assert_eq!(appeal_secs(DecisionKind::Rejected, true), None);
    }
}
