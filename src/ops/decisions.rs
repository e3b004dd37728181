//! Decisions: a reviewer decides a claimed submission, and `settle` writes any decision — a person's, a rule's, or that
//! of silence — with all that follows from it, in one transaction: state, counters, money, delivered answers, letter.
//! Keeps I07 and I18; of two who decide the same submission one wins.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Reviewer;
use crate::context::{Cx, Once};
use crate::db::decisions::Addressed;
use crate::db::rows::{DecisionItemRow, DecisionRow, EarningRow, MissionRow, ProposalRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, appeals, decisions, earnings, ledger, missions, reviews, submissions};
use crate::domain::campaign::{Clause, platform_fee};
use crate::domain::decision::{
    self, Correction, DecidedBy, DecisionKind, Item, ItemVerdict, REFUSED_MAX, RULE_VERSION, ReasonCode, Verdict,
    WHOLE_VISIT, is_under,
};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::ledger::book::{self, Earned};
use crate::domain::money::Money;
use crate::domain::questionnaire::{self, Answer, Checked, Context, ItemAnswer, PhotoRef, Questionnaire};
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::submission::{Outcome as Visit, SubmissionState};
use crate::domain::time::At;
use crate::ops::campaigns::{Pinned, pinned};
use crate::ops::{grades, letters};

/// What a reviewer sends.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    pub kind: DecisionKind,
    #[serde(default)]
    pub reason_code: Option<ReasonCode>,
    /// `visit`, or the path of an item.
    #[serde(default)]
    pub target: Option<String>,
    #[serde(default)]
    pub clause_id: Option<String>,
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub refused: Vec<ItemVerdict>,
    #[serde(default)]
    pub correction: Option<Correction>,
}

impl DecisionBody {
    fn verdict(&self, who: &Reviewer) -> Verdict {
        Verdict {
            kind: self.kind,
            by: DecidedBy::Person,
            decider: Some(who.user().clone()),
            second_reviewer: None,
            reason_code: self.reason_code,
            target: self.target.clone(),
            clause_id: self.clause_id.clone(),
            text: self.text.clone(),
            refused: self.refused.clone(),
            correction: self.correction,
            appeal: None,
            rule_version: RULE_VERSION.to_owned(),
            inputs: Value::Null,
        }
    }
}

/// Longest path of an item, and longest id of a clause, that is taken.
pub(super) const PATH_MAX: usize = 300;
pub(super) const CLAUSE_MAX: usize = 64;

/// Bounds of what was sent, before anything is looked up.
pub(super) fn bounded(
    target: Option<&str>,
    clause_id: Option<&str>,
    text: Option<&str>,
    refused: &[ItemVerdict],
) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    let mut short = |pointer: String, text: Option<&str>, min: usize, max: usize| {
        if let Some(text) = text
            && (!(min..=max).contains(&text.chars().count()) || text.contains('\0'))
        {
            errors.push(FieldError::new(pointer, "length", format!("{min} to {max} characters, none of them NUL.")));
        }
    };
    short("/target".to_owned(), target, 1, PATH_MAX);
    short("/clause_id".to_owned(), clause_id, 1, CLAUSE_MAX);
    short("/text".to_owned(), text, decision::TEXT_MIN, decision::TEXT_MAX);
    for (at, one) in refused.iter().take(REFUSED_MAX + 1).enumerate() {
        short(format!("/refused/{at}/item"), Some(&one.item), 1, PATH_MAX);
        short(format!("/refused/{at}/clause_id"), Some(&one.clause_id), 1, CLAUSE_MAX);
        short(format!("/refused/{at}/text"), Some(&one.text), decision::TEXT_MIN, decision::TEXT_MAX);
    }
    if refused.len() > REFUSED_MAX {
        errors.push(FieldError::new("/refused", "length", format!("At most {REFUSED_MAX} items.")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::InvalidRequest, errors)) }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct DecisionView {
    pub id: DecisionId,
    pub submission_id: SubmissionId,
    pub revision: i64,
    pub kind: DecisionKind,
    pub decided_by: DecidedBy,
    pub decider_id: Option<UserId>,
    pub second_reviewer_id: Option<UserId>,
    pub reason_code: Option<ReasonCode>,
    pub target: Option<String>,
    pub clause_id: Option<String>,
    pub text: Option<String>,
    pub refused: Vec<ItemVerdict>,
    pub pay: Money,
    pub appeal_id: Option<AppealId>,
    pub rule_version: String,
    pub at: At,
}

impl DecisionView {
    pub fn of(row: DecisionRow, items: Vec<DecisionItemRow>) -> DecisionView {
        DecisionView {
            pay: Money::new(row.pay_minor, row.currency),
            id: row.id,
            submission_id: row.submission_id,
            revision: row.revision,
            kind: row.kind,
            decided_by: row.decided_by,
            decider_id: row.decider_id,
            second_reviewer_id: row.second_reviewer_id,
            reason_code: row.reason_code,
            target: row.target,
            clause_id: row.clause_id,
            text: row.text,
            refused: refused_of(items),
            appeal_id: row.appeal_id,
            rule_version: row.rule_version,
            at: row.at,
        }
    }

    pub(super) fn read(conn: &mut Conn, row: DecisionRow) -> Outcome<DecisionView> {
        let items = decisions::any_items(conn, &row.id)?;
        Ok(DecisionView::of(row, items))
    }
}

/// The refused items of a decision, as they were sent.
pub(super) fn refused_of(items: Vec<DecisionItemRow>) -> Vec<ItemVerdict> {
    let refused = items.into_iter().filter_map(|row| match (row.accepted, row.reason_code, row.clause_id, row.text) {
        (false, Some(reason_code), Some(clause_id), Some(text)) => {
            Some(ItemVerdict { item: row.item, reason_code, clause_id, text })
        }
        _ => None,
    });
    refused.collect()
}

/// Decides a submission that the reviewer has claimed. The reason `other` needs a second reviewer: the first call stores
/// a proposal and is refused with `second_reviewer`, the same decision by another person confirms it.
pub fn decide_submission(
    cx: &Cx,
    who: &Reviewer,
    once: &Once,
    id: &SubmissionId,
    asked: &DecisionBody,
) -> Outcome<DecisionView> {
    bounded(asked.target.as_deref(), asked.clause_id.as_deref(), asked.text.as_deref(), &asked.refused)?;
    let decided = cx.write_once(who, once, |tx| {
        let submission = submissions::any_find(tx, id)?.or_missing("submission")?;
        if submission.state != SubmissionState::InReview {
            return Err(wrong_state(submission.state));
        }
        let now = tx.now();
        if submission.claimed_by.as_ref() != Some(who.user()) || submission.claimed_until.is_none_or(|end| end <= now) {
            return Err(Refusal::new(Code::NotClaimed, "You do not hold this submission, or no longer.").into());
        }
        let verdict = checked(tx, &submission, asked.verdict(who))?;
        let Some(verdict) = seconded(tx, &submission, verdict)? else {
            // A colleague must be able to take it.
            reviews::release(tx, id, who.user())?;
            return Ok(None);
        };
        let row = settle(tx, &submission, &verdict)?;
        DecisionView::read(tx, row).map(Some)
    })?;
    decided.ok_or_else(proposed)
}

/// A decision was stored as a proposal.
pub(super) fn proposed() -> Failure {
    Refusal::new(Code::SecondReviewer, "Another reviewer has to send the same decision.").into()
}

/// What can be done to a submission in this state.
pub(super) fn wrong_state(state: SubmissionState) -> Failure {
    let allowed: &[&str] = match state {
        SubmissionState::InReview => &["claim", "decide"],
        SubmissionState::NeedsCorrection => &["revise"],
        SubmissionState::Rejected | SubmissionState::PartlyApproved => &["appeal"],
        SubmissionState::Appealed => &["decide_appeal"],
        SubmissionState::Sealed | SubmissionState::Checking | SubmissionState::Approved => &[],
    };
    Refusal::wrong_state(state, allowed).into()
}

/// A person's verdict, complete and about things that exist, with what it was taken from.
pub(super) fn checked(conn: &mut Conn, submission: &SubmissionRow, verdict: Verdict) -> Outcome<Verdict> {
    let judged = judged(conn, submission)?;
    let verdict = decision::check(verdict, &judged.clauses, &judged.items(), submission.outcome)
        .map_err(|errors| Refusal::fields(Code::DecisionInvalid, errors))?;
    let assessment = reviews::any_assessment(conn, &submission.id)?;
    let inputs = json!({
        "revision": submission.revision,
        "state": submission.state,
        "outcome": submission.outcome,
        "risk": submission.risk,
        "late": submission.late,
        "review_due_at": submission.review_due_at,
        "questionnaire_id": submission.questionnaire_id,
        "assessment_id": assessment.map(|row| row.id),
    });
    Ok(Verdict { inputs, ..verdict })
}

/// The verdict when one person suffices or a second one says the same; else it is stored as a proposal: `None`.
pub(super) fn seconded(tx: &mut Tx, submission: &SubmissionRow, verdict: Verdict) -> Outcome<Option<Verdict>> {
    if !verdict.needs_second_reviewer() {
        return Ok(Some(verdict));
    }
    let decider = verdict.decider.clone().ok_or_else(|| Failure::fault("a refusal without a person"))?;
    let before = decisions::any_proposal(tx, &submission.id)?.filter(|row| row.revision == submission.revision);
    if let Some(row) = before {
        let first: Verdict = serde_json::from_value(row.verdict.0).map_err(Failure::fault)?;
        if row.proposed_by != decider && first.agrees_with(&verdict) {
            let second_reviewer = Some(decider);
            return Ok(Some(Verdict { decider: Some(row.proposed_by), second_reviewer, ..verdict }));
        }
    }
    let proposal = ProposalRow {
        submission_id: submission.id.clone(),
        revision: submission.revision,
        proposed_by: decider,
        verdict: Json(serde_json::to_value(&verdict).map_err(Failure::fault)?),
        at: tx.now(),
    };
    decisions::propose(tx, &proposal)?;
    let data = json!({ "kind": verdict.kind, "reason_code": verdict.reason_code, "revision": submission.revision });
    tx.record(
        Event::new("decision.proposed", &submission.id).brand(&submission.brand_id).rule(RULE_VERSION).data(data),
    )?;
    Ok(None)
}

/// The answers of a submission as its pinned questionnaire reads them, and the clauses of its pinned brief.
pub(super) struct Judged {
    pub questionnaire: Questionnaire,
    pub checked: Checked,
    pub clauses: Vec<Clause>,
}

impl Judged {
    /// Every question that was shown, as a decision can name it.
    pub fn items(&self) -> Vec<Item> {
        let item = |item: &ItemAnswer| Item { path: item.path.clone(), answered: is_work(item) };
        self.checked.items.iter().map(item).collect()
    }
}

fn is_work(item: &ItemAnswer) -> bool {
    !matches!(item.answer, Answer::NotObserved | Answer::Computed { .. })
}

pub(super) fn judged(conn: &mut Conn, submission: &SubmissionRow) -> Outcome<Judged> {
    let Pinned { questionnaire, brief: clauses, .. } = pinned(conn, &submission.questionnaire_id)?;
    let store = missions::any_store(conn, &submission.store_id)?;
    let zone = jiff::tz::TimeZone::get(&store.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let photos: Vec<PhotoRef> = submissions::live_photos(conn, &submission.id)?
        .into_iter()
        .map(|(photo, _)| PhotoRef { client_id: photo.client_id, question_path: photo.question })
        .collect();
    let context = Context { now: submission.sealed_at, zone };
    let completed = submission.outcome == Visit::Completed;
    let checked = questionnaire::check_answers(&questionnaire, &submission.answers.0, &photos, &context, completed);
    Ok(Judged { questionnaire, checked, clauses })
}

/// Writes a decision and everything that follows from it, in the caller's transaction. The submission is the row as the
/// caller read it: when somebody changed it since, nothing is written and the refusal says so. Lock order: the mission is
/// locked here before the submission is touched.
pub fn settle(tx: &mut Tx, submission: &SubmissionRow, verdict: &Verdict) -> Outcome<DecisionRow> {
    if !verdict.is_lawful() {
        return Err(Failure::fault("a decision that only a person may take, without a person"));
    }
    submission.state.next(verdict.step()).ok_or_else(|| wrong_state(submission.state))?;
    let now = tx.now();
    let mission = missions::any_locked(tx, &submission.mission_id)?
        .ok_or_else(|| Failure::fault(format!("{} has no mission", submission.id)))?;
    // Whoever decided first held the mission's lock: what was read before it may be old by now.
    let current = submissions::any_find(tx, &submission.id)?.or_missing("submission")?;
    if current.state != submission.state {
        return Err(wrong_state(current.state));
    }
    let (before, rows) = earnings::any_earned_minor(tx, &submission.id)?;
    let before = Money::new(before, mission.currency);
    if verdict.kind == DecisionKind::Rejected && before.minor > 0 {
        return Err(Failure::fault("a rejection of work that was paid: pay is never taken back"));
    }
    let reasons = Reasons::of(tx, submission, verdict)?;
    let reward = Money::new(mission.reward_minor, mission.currency);
    let attempt_fee = Money::new(mission.attempt_fee_minor, mission.currency);
    let owed = decision::pay(verdict.kind, submission.outcome, reward, attempt_fee, reasons.share)?;
    let more = decision::raise(before, owed)?;
    let total = before.add(more)?;

    let row = DecisionRow {
        id: tx.id(),
        submission_id: submission.id.clone(),
        revision: submission.revision,
        kind: verdict.kind,
        decided_by: verdict.by,
        decider_id: verdict.decider.clone(),
        second_reviewer_id: verdict.second_reviewer.clone(),
        reason_code: verdict.reason_code,
        target: verdict.target.clone(),
        clause_id: verdict.clause_id.clone(),
        text: verdict.text.clone(),
        pay_minor: total.minor,
        currency: mission.currency,
        appeal_id: verdict.appeal.clone(),
        rule_version: verdict.rule_version.clone(),
        inputs: Json(verdict.inputs.clone()),
        at: now,
    };
    decisions::insert(tx, &row, &reasons.items(&row.id, verdict))?;
    grades::keep(tx, submission)?;

    let answers_appeal = submission.state == SubmissionState::Appealed;
    // Before an appeal every submission on its road holds its slot; a partly approved one gave it back.
    let holds = !answers_appeal || submission.holds_slot;
    let moves = decision::slot_moves(verdict.kind, submission.outcome, holds, answers_appeal);
    let moved = submissions::move_state(tx, submission, verdict.step(), |new| {
        new.decision_id = Some(row.id.clone());
        new.decided_at = Some(now);
        new.correction = verdict.correction.map(|kind| kind.as_str().to_owned());
        new.correction_due_at = verdict.correction.map(|kind| now.plus_secs(kind.secs()));
        new.appeal_until = decision::appeal_secs(verdict.kind, answers_appeal).map(|secs| now.plus_secs(secs));
        new.holds_slot = holds && moves.held == 0;
        (new.claimed_by, new.claimed_until) = (None, None);
    });
    let settled = match moved {
        Err(failure) if failure.code() == Some(Code::Stale) => {
            // Somebody was quicker: say what it is now, when it was decided.
            let state = submissions::any_find(tx, &submission.id)?.map_or(submission.state, |row| row.state);
            return Err(if state == submission.state { failure } else { wrong_state(state) });
        }
        other => other?,
    };
    match (moves.held, moves.done, moves.attempts_spent) {
        (0, ..) => {}
        (_, 0, 0) => missions::free_slot(tx, &mission.id, false)?,
        (_, _, attempts) => missions::finish_slot(tx, &mission.id, attempts > 0)?,
    }
    decisions::drop_proposal(tx, &submission.id)?;
    if let Some(appeal) = &verdict.appeal
        && !appeals::decided(tx, appeal, &row.id)?
    {
        return Err(Refusal::new(Code::AppealClosed, "The appeal was decided before.").into());
    }
    if matches!(verdict.kind, DecisionKind::Approved | DecisionKind::PartlyApproved) {
        let refused: Vec<String> = decisions::any_answer_paths(tx, &submission.id)?
            .into_iter()
            .filter(|path| verdict.refused.iter().any(|one| is_under(path, &one.item)))
            .collect();
        decisions::deliver_answers(tx, &submission.id, &refused)?;
    }

    let event = Event::new(event_kind(verdict.kind), &submission.id)
        .brand(&submission.brand_id)
        .moved(submission.state.as_str(), settled.state.as_str())
        .because(verdict.reason_code.map_or(verdict.by.as_str(), ReasonCode::as_str))
        .rule(verdict.rule_version.clone())
        .data(json!({
            "decision_id": row.id, "decided_by": verdict.by, "pay": total, "raised": more,
            "mission_id": mission.id, "appeal_id": verdict.appeal, "held": moves.held, "done": moves.done,
            "attempts_spent": moves.attempts_spent,
        }));
    let event = tx.record(event)?;
    if more.minor > 0 {
        pay(tx, &event, submission, &mission, verdict, (before, more, rows))?;
    }
    let addressed = decisions::any_addressed(tx, submission)?;
    let (subject, text) = letter(&addressed, verdict, &reasons.clauses, total, more, &settled);
    letters::send(tx, &event, &addressed.email, &subject, &text)?;
    Ok(row)
}

fn event_kind(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Approved => "submission.approved",
        DecisionKind::PartlyApproved => "submission.partly_approved",
        DecisionKind::NeedsCorrection => "submission.needs_correction",
        DecisionKind::Rejected => "submission.rejected",
    }
}

/// Moves what is owed more than before from the mission's escrow, the platform's fee beside it.
fn pay(
    tx: &mut Tx,
    event: &EventId,
    submission: &SubmissionRow,
    mission: &MissionRow,
    verdict: &Verdict,
    (before, more, rows): (Money, Money, i64),
) -> Outcome<()> {
    // Fees of the sum, less what was taken: rounding twice could ask for more than escrow holds.
    let fee = platform_fee(before.add(more)?, mission.fee_bps)?.sub(platform_fee(before, mission.fee_bps)?)?;
    let (kind, why) = match (rows, verdict.kind, submission.outcome) {
        (0, DecisionKind::PartlyApproved, _) => ("partial", Earned::PartialApproval),
        (0, _, Visit::Completed) => ("reward", Earned::Approval),
        (0, _, _) => ("attempt", Earned::AttemptFee),
        _ => ("supplement", Earned::AppealRaise),
    };
    let journal = ledger::apply(tx, event, &book::earn(why, &mission.id, &submission.worker_id, more, fee))?;
    let earning = EarningRow {
        id: tx.id(),
        submission_id: submission.id.clone(),
        worker_id: submission.worker_id.clone(),
        mission_id: mission.id.clone(),
        kind: kind.to_owned(),
        amount_minor: more.minor,
        currency: more.currency,
        journal_id: journal,
        at: tx.now(),
    };
    earnings::insert(tx, &earning)
}

/// What a verdict that gives reasons needs from the pinned questionnaire; empty for one that gives none.
struct Reasons {
    share: (i64, i64),
    accepted: Vec<String>,
    clauses: Vec<Clause>,
}

impl Reasons {
    fn of(conn: &mut Conn, submission: &SubmissionRow, verdict: &Verdict) -> Outcome<Reasons> {
        if verdict.kind == DecisionKind::Approved {
            return Ok(Reasons { share: (1, 1), accepted: Vec::new(), clauses: Vec::new() });
        }
        let judged = judged(conn, submission)?;
        let (mut share, mut accepted) = ((1, 1), Vec::new());
        if verdict.kind == DecisionKind::PartlyApproved {
            let paths: Vec<&str> = verdict.refused.iter().map(|one| one.item.as_str()).collect();
            let paid = questionnaire::paid_share(&judged.questionnaire, &judged.checked.items, &paths);
            let paid = paid.map_err(|unknown| {
                let detail = format!("The submission has no item {}.", unknown.0);
                Refusal::fields(Code::DecisionInvalid, vec![FieldError::new("/refused", "unknown_item", detail)])
            })?;
            share = (paid.numerator, paid.denominator);
            let left = |item: &&ItemAnswer| is_work(item) && !paths.iter().any(|top| is_under(&item.path, top));
            accepted = judged.checked.items.iter().filter(left).map(|item| item.path.clone()).collect();
        }
        Ok(Reasons { share, accepted, clauses: judged.clauses })
    }

    fn items(&self, decision: &DecisionId, verdict: &Verdict) -> Vec<DecisionItemRow> {
        let refused = verdict.refused.iter().map(|one| DecisionItemRow {
            decision_id: decision.clone(),
            item: one.item.clone(),
            accepted: false,
            reason_code: Some(one.reason_code),
            clause_id: Some(one.clause_id.clone()),
            text: Some(one.text.clone()),
        });
        let accepted = self.accepted.iter().map(|path| DecisionItemRow {
            decision_id: decision.clone(),
            item: path.clone(),
            accepted: true,
            reason_code: None,
            clause_id: None,
            text: None,
        });
        refused.chain(accepted).collect()
    }
}

/// What happened, why, and what can be done now.
fn letter(
    to: &Addressed,
    verdict: &Verdict,
    clauses: &[Clause],
    total: Money,
    more: Money,
    settled: &SubmissionRow,
) -> (String, String) {
    let visit = format!("your visit to {} for \"{}\"", to.store, to.campaign);
    let clause = |id: &str| {
        let text = clauses.iter().find(|clause| clause.id == id).map_or("", |clause| clause.text.as_str());
        format!("Clause {id} of the brief: {text}")
    };
    let about = |target: &str| match target {
        WHOLE_VISIT => "The whole visit".to_owned(),
        item => format!("Item {item}"),
    };
    let mut lines: Vec<String> = Vec::new();
    let subject = match verdict.kind {
        DecisionKind::Approved => {
            lines.push(format!("We approved {visit}. It pays {total}."));
            "Approved"
        }
        DecisionKind::PartlyApproved => {
            lines.push(format!("We approved a part of {visit}. It pays {total}."));
            "Partly approved"
        }
        DecisionKind::NeedsCorrection => {
            lines.push(format!("We need something more before we can approve {visit}."));
            "Please correct your visit"
        }
        DecisionKind::Rejected => {
            lines.push(format!("We could not approve {visit}."));
            "Not approved"
        }
    };
    match (verdict.by, &verdict.appeal) {
        (DecidedBy::Silence, Some(_)) => {
            lines.push("Nobody judged your appeal in time, so it is decided for you.".to_owned())
        }
        (DecidedBy::Silence, None) => lines.push("Nobody reviewed it in time, so it is approved.".to_owned()),
        (DecidedBy::Person, Some(_)) => lines.push("Another person judged your appeal.".to_owned()),
        _ => {}
    }
    if verdict.appeal.is_some() && more.minor > 0 && more != total {
        lines.push(format!("That is {more} more than before."));
    }
    if let (Some(code), Some(target)) = (verdict.reason_code, &verdict.target) {
        lines.push(String::new());
        lines.push(format!("{}: {}", about(target), code.sentence()));
        lines.extend(verdict.clause_id.as_deref().map(clause));
    }
    lines.extend(verdict.text.clone());
    for one in &verdict.refused {
        lines.push(String::new());
        lines.push(format!("{}: {}", about(&one.item), one.reason_code.sentence()));
        lines.push(clause(&one.clause_id));
        lines.push(one.text.clone());
        lines.push("It is not paid and the brand does not see it.".to_owned());
    }
    lines.push(String::new());
    match verdict.kind {
        DecisionKind::Approved => {
            lines.push("The money is in your balance; ask for a payout whenever you like.".to_owned())
        }
        DecisionKind::PartlyApproved => lines.push("The money is in your balance.".to_owned()),
        DecisionKind::NeedsCorrection => {
            let what = match verdict.correction {
                Some(Correction::Revisit) => "Please visit the store again",
                _ => "You can answer from home; no second visit is needed. Please send a new revision",
            };
            if let Some(due) = settled.correction_due_at {
                lines.push(format!("{what} by {due}. If nothing comes, a person decides on what is there."));
            }
        }
        DecisionKind::Rejected => {}
    }
    if let Some(until) = settled.appeal_until {
        lines.push(format!("You may appeal until {until}: another person then decides again."));
    } else if verdict.appeal.is_some() && verdict.kind != DecisionKind::Approved {
        lines.push("This decision is final.".to_owned());
    }
    (format!("{subject}: {}", to.store), lines.join("\n"))
}
