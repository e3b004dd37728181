//! Appeals: a worker asks that another person decides again. The judge is neither who decided first nor who seconded it;
//! an appeal can keep the pay or raise it, and one that nobody judges in time is decided for the worker.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::scope::WorkerScope;
use crate::access::{Reviewer, Worker};
use crate::context::{Cx, Once, Rules};
use crate::db::rows::{AppealRow, DecisionRow, SubmissionRow};
use crate::db::{Tx, appeals, decisions, earnings, submissions};
use crate::domain::appeal::{AppealState, Ruling, due_at};
use crate::domain::decision::{DecidedBy, DecisionKind, ItemVerdict, Verdict};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::money::Money;
use crate::domain::refusal::{Code, Failure, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::submission::{SubmissionMove, SubmissionState};
use crate::domain::time::At;
use crate::ops::Page;
use crate::ops::bonuses::late_bonus;
use crate::ops::decisions::{DecisionView, bounded, checked, proposed, refused_of, seconded, settle, wrong_state};
use crate::ops::erasures::refuse_erased;

/// Characters of an appeal.
const TEXT_MIN: usize = 20;
const TEXT_MAX: usize = 4000;

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AppealBody {
    pub text: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct AppealView {
    pub id: AppealId,
    pub submission_id: SubmissionId,
    pub worker_id: UserId,
    pub text: String,
    pub state: AppealState,
    pub first_decision_id: DecisionId,
    /// Decided for the worker when nobody decides before.
    pub due_at: At,
    pub decision_id: Option<DecisionId>,
    pub created_at: At,
    pub decided_at: Option<At>,
}

impl AppealView {
    pub fn of(row: AppealRow) -> AppealView {
        AppealView {
            id: row.id,
            submission_id: row.submission_id,
            worker_id: row.worker_id,
            text: row.text,
            state: row.state,
            first_decision_id: row.first_decision_id,
            due_at: row.due_at,
            decision_id: row.decision_id,
            created_at: row.created_at,
            decided_at: row.decided_at,
        }
    }
}

/// The worker's own appeal: once, within the window, against a rejection or a partial approval.
pub fn appeal_submission(
    cx: &Cx,
    who: &Worker,
    once: &Once,
    id: &SubmissionId,
    asked: &AppealBody,
) -> Outcome<AppealView> {
    if !(TEXT_MIN..=TEXT_MAX).contains(&asked.text.chars().count()) || asked.text.contains('\0') {
        let detail = format!("{TEXT_MIN} to {TEXT_MAX} characters: what should another person look at?");
        return Err(Refusal::field("/text", "length", detail).into());
    }
    let scope = WorkerScope::from(who);
    cx.write_once(who, once, |tx| {
        refuse_erased(tx, who.user())?;
        let submission = submissions::locked(tx, &scope, id)?.or_missing("submission")?;
        let closed = |detail: &str| Failure::from(Refusal::new(Code::AppealClosed, detail));
        if appeals::any_of_submission(tx, id)?.is_some() {
            return Err(closed("It was appealed before."));
        }
        submission.state.next(SubmissionMove::Appeal).ok_or_else(|| wrong_state(submission.state))?;
        let now = tx.now();
        if submission.appeal_until.is_none_or(|until| until <= now) {
            return Err(closed("The time for an appeal is over."));
        }
        let first = submission.decision_id.clone().ok_or_else(|| Failure::fault("a refusal without a decision"))?;
        let row = AppealRow {
            id: tx.id(),
            submission_id: id.clone(),
            worker_id: submission.worker_id.clone(),
            text: asked.text.clone(),
            state: AppealState::Open,
            first_decision_id: first,
            due_at: due_at(now),
            decision_id: None,
            created_at: now,
            decided_at: None,
            version: 1,
        };
        let moved = submissions::move_state(tx, &submission, SubmissionMove::Appeal, |new| new.appeal_until = None)?;
        if !appeals::open(tx, &row)? {
            return Err(closed("It was appealed before."));
        }
        tx.record(
            Event::new("submission.appealed", id)
                .brand(&submission.brand_id)
                .moved(submission.state.as_str(), moved.state.as_str())
                .data(json!({ "appeal_id": row.id, "due_at": row.due_at })),
        )?;
        Ok(AppealView::of(row))
    })
}

/// Open appeals, the most urgent first. Cursor: due time and id.
pub fn list_appeals(cx: &Cx, _who: &Reviewer, after: Option<&str>, limit: i64) -> Outcome<Page<AppealView>> {
    let after = after.map(read_key).transpose()?;
    let rows = cx.read(|c| appeals::any_queue(c, after.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| format!("{}.{}", row.due_at.micros(), row.id), AppealView::of))
}

fn read_key(key: &str) -> Outcome<(At, AppealId)> {
    let parts = key
        .split_once('.')
        .and_then(|(due, id)| Some((due.parse().ok().and_then(At::from_micros)?, AppealId::parse(id)?)));
    parts.ok_or_else(|| Refusal::new(Code::InvalidCursor, "It does not belong to this list.").into())
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AppealDecisionBody {
    pub ruling: Ruling,
    /// Needed to uphold: why the first decision stands.
    #[serde(default)]
    pub text: Option<String>,
    /// Needed for `partly`: what is still refused.
    #[serde(default)]
    pub refused: Vec<ItemVerdict>,
}

/// Judges an appeal: `uphold` repeats the first refusal with the judge's own text, `overturn` approves, `partly` refuses
/// single items. Never by the persons of the first decision.
pub fn decide_appeal(
    cx: &Cx,
    who: &Reviewer,
    once: &Once,
    id: &AppealId,
    asked: &AppealDecisionBody,
) -> Outcome<DecisionView> {
    bounded(None, None, asked.text.as_deref(), &asked.refused)?;
    let decided = cx.write_once(who, once, |tx| {
        let appeal = appeals::any_by_id(tx, id)?.or_missing("appeal")?;
        if appeal.state != AppealState::Open {
            return Err(Refusal::wrong_state(appeal.state, &[]).into());
        }
        let first = decisions::any_by_id(tx, &appeal.first_decision_id)?
            .ok_or_else(|| Failure::fault("an appeal against no decision"))?;
        let me = Some(who.user());
        if first.decider_id.as_ref() == me || first.second_reviewer_id.as_ref() == me {
            return Err(Refusal::new(Code::OwnDecision, "You took part in the first decision.").into());
        }
        let submission = submissions::any_find(tx, &appeal.submission_id)?.or_missing("submission")?;
        if submission.state != SubmissionState::Appealed {
            return Err(wrong_state(submission.state));
        }
        let verdict = ruling(tx, who, &appeal, &first, asked)?;
        let verdict = checked(tx, &submission, verdict)?;
        let Some(verdict) = seconded(tx, &submission, verdict)? else {
            return Ok(None);
        };
        let row = settle_late(tx, cx.rules(), &submission, &verdict)?;
        DecisionView::read(tx, row).map(Some)
    })?;
    decided.ok_or_else(proposed)
}

fn ruling(
    tx: &mut Tx,
    who: &Reviewer,
    appeal: &AppealRow,
    first: &DecisionRow,
    asked: &AppealDecisionBody,
) -> Outcome<Verdict> {
    let mut errors = Vec::new();
    let mut complain = |pointer: &str, code: &str, detail: &str| errors.push(FieldError::new(pointer, code, detail));
    match asked.ruling {
        Ruling::Uphold if asked.text.is_none() => {
            complain("/text", "required", "Say why the first decision stands.");
        }
        Ruling::Overturn if asked.text.is_some() => {
            complain("/text", "not_allowed", "An approval has no reasons.");
        }
        _ => {}
    }
    if asked.ruling != Ruling::Partly && !asked.refused.is_empty() {
        complain("/refused", "not_allowed", "Only `partly` refuses single items.");
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::DecisionInvalid, errors).into());
    }
    let mut verdict = Verdict {
        by: DecidedBy::Person,
        decider: Some(who.user().clone()),
        ..Verdict::approved_by_silence(Some(appeal.id.clone()), serde_json::Value::Null)
    };
    verdict.text = asked.text.clone();
    match asked.ruling {
        Ruling::Overturn => {}
        Ruling::Partly => {
            verdict.kind = DecisionKind::PartlyApproved;
            verdict.refused = asked.refused.clone();
        }
        Ruling::Uphold => {
            verdict.kind = first.kind;
            verdict.reason_code = first.reason_code;
            verdict.target = first.target.clone();
            verdict.clause_id = first.clause_id.clone();
            verdict.refused = refused_of(decisions::any_items(tx, &first.id)?);
        }
    }
    Ok(verdict)
}

/// Decides an appeal for the worker because nobody judged it in time; for the sweep over `db::appeals::any_overdue`.
/// `appeal` may be as it was listed: one that was decided since is refused with `appeal_closed` or `wrong_state`.
pub fn decide_for_worker(tx: &mut Tx, rules: &Rules, appeal: &AppealRow) -> Outcome<DecisionRow> {
    let submission: SubmissionRow = submissions::any_find(tx, &appeal.submission_id)?.or_missing("submission")?;
    if submission.state != SubmissionState::Appealed {
        return Err(wrong_state(submission.state));
    }
    let inputs = json!({ "due_at": appeal.due_at, "appealed_at": appeal.created_at, "rule": "five working days" });
    let verdict = Verdict::approved_by_silence(Some(appeal.id.clone()), inputs);
    settle_late(tx, rules, &submission, &verdict)
}

/// Settles an appeal. Where it raised the pay, the worker waited for it: the platform adds its share for that.
fn settle_late(tx: &mut Tx, rules: &Rules, submission: &SubmissionRow, verdict: &Verdict) -> Outcome<DecisionRow> {
    let (before, _) = earnings::any_earned_minor(tx, &submission.id)?;
    let row = settle(tx, submission, verdict)?;
    let raised = Money::new(row.pay_minor - before, row.currency);
    let share = raised.share(rules.late_bonus_percent, 100)?;
    if share.minor > 0 {
        let reason =
            format!("Your appeal was right and {raised} came late; this is {}% of it.", rules.late_bonus_percent);
        late_bonus(tx, &submission.worker_id, Some(&submission.id), share, &reason, None)?;
    }
    Ok(row)
}
