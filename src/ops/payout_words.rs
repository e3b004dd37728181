//! What people of finance know of a payout and no machine told: one says what the rail did and from where they know it,
//! another confirms with a one-time code. Taken as the rail's own word, so it ends a payout once, and contradicts nothing.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::payout_batches::never_left;
use super::payouts::{Heard, PayoutView, hear};
use super::{Page, step_up};
use crate::access::Finance;
use crate::context::{Cx, Once};
use crate::db::rows::{PayoutRow, PayoutWordRow};
use crate::db::{Tx, payout_batches, payout_words, payouts};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::payout::{PayoutState, Rail, SaidByHand};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::ops::payout_batches::ApprovalBody;

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct WordBody {
    pub said: SaidByHand,
    /// From where it is known: a statement and its line, a letter, a call. The worker does not read it.
    pub evidence: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct WordView {
    pub id: WordId,
    pub payout_id: PayoutId,
    pub said: String,
    pub evidence: String,
    pub proposed_by: UserId,
    pub proposed_at: At,
    pub confirmed_by: Option<UserId>,
    pub confirmed_at: Option<At>,
}

impl WordView {
    fn of(row: PayoutWordRow) -> WordView {
        WordView {
            id: row.id,
            payout_id: row.payout_id,
            said: row.said,
            evidence: row.evidence,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            confirmed_by: row.confirmed_by,
            confirmed_at: row.confirmed_at,
        }
    }
}

/// Newest first. Cursor: id.
pub fn list_payout_words(cx: &Cx, _who: &Finance, after: Option<&str>, limit: i64) -> Outcome<Page<WordView>> {
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let before = after.map(|text| WordId::parse(text).ok_or_else(bad)).transpose()?;
    let rows = cx.read(|c| payout_words::any_page(c, before.as_ref(), limit + 1))?;
    Ok(Page::of(rows, limit, |row| row.id.to_string(), WordView::of))
}

/// The first person: nothing moves yet. What was said of the payout before is no longer confirmed.
pub fn propose_payout_word(cx: &Cx, who: &Finance, once: &Once, id: &PayoutId, asked: &WordBody) -> Outcome<WordView> {
    let evidence = asked.evidence.trim();
    if !(10..=500).contains(&evidence.chars().count()) || evidence.chars().any(char::is_control) {
        return Err(Refusal::field("/evidence", "length", "10 to 500 characters on one line.").into());
    }
    cx.write_once(who, once, |tx| {
        let payout = payouts::any_by_id(tx, id)?.or_missing("payout")?;
        check_sayable(tx, &payout, asked.said)?;
        let row = PayoutWordRow {
            id: tx.id(),
            payout_id: id.clone(),
            payout_version: payout.version,
            said: asked.said.as_str().to_owned(),
            evidence: evidence.to_owned(),
            proposed_by: who.user().clone(),
            proposed_at: tx.now(),
            confirmed_by: None,
            confirmed_at: None,
        };
        payout_words::insert(tx, &row)?;
        let event = Event::new("payout.word_proposed", id).because(evidence);
        tx.record(event.data(json!({ "word_id": row.id, "said": row.said })))?;
        Ok(WordView::of(row))
    })
}

/// Only where a rail may know more than we do: what never left is stopped or withdrawn, and the test bank has its own way.
fn check_sayable(tx: &mut Tx, payout: &PayoutRow, said: SaidByHand) -> Outcome<()> {
    use PayoutState as S;
    let sayable = match (payout.rail, payout.state) {
        (Rail::Test, _) => false,
        // A gift code is given in one step: there is only its lack.
        (Rail::Voucher, state) => state == S::Approved && said == SaidByHand::Failed,
        (Rail::Bank, S::Approved) => {
            let batch = payout.batch_id.as_ref().map(|id| payout_batches::any_find(tx, id)).transpose()?.flatten();
            let batch = batch.ok_or_else(|| Failure::fault("a payout by bank that was let go without a batch"))?;
            if never_left(tx, &batch)? {
                let refusal = Refusal::new(Code::PayoutState, "Nobody has had the bank's file.");
                return Err(Refusal { allowed: vec!["withdraw".to_owned()], ..refusal }.into());
            }
            true
        }
        (Rail::Bank | Rail::PayPal, S::Sending | S::Sent) => true,
        (Rail::Bank | Rail::PayPal, S::Settled) => said == SaidByHand::Returned,
        (Rail::Bank | Rail::PayPal, _) => false,
    };
    match sayable {
        true => Ok(()),
        false => {
            let detail = format!("Its state is {} and its rail {}.", payout.state, payout.rail);
            Err(Refusal::new(Code::PayoutState, detail).into())
        }
    }
}

/// The second person, with a code: it counts as if the rail had said it.
pub fn confirm_payout_word(
    cx: &Cx,
    who: &Finance,
    once: &Once,
    id: &WordId,
    asked: &ApprovalBody,
) -> Outcome<PayoutView> {
    let user = who.user();
    step_up::count_try(cx, who, user)?;
    let confirmed = cx.write_once(who, once, |tx| {
        payout_batches::bank_alone(tx)?;
        let word = payout_words::any_find(tx, id)?.or_missing("word")?;
        if word.proposed_by == *user {
            return Err(Refusal::new(Code::SecondPerson, "You said it yourself.").into());
        }
        let payout = payouts::any_by_id(tx, &word.payout_id)?.or_missing("payout")?;
        let newest = payout_words::any_newest(tx, &word.payout_id)?;
        if word.confirmed_by.is_some() || newest.as_ref() != Some(&word.id) || payout.version != word.payout_version {
            return Err(moved_on());
        }
        let said = SaidByHand::parse(&word.said).ok_or_else(|| Failure::fault("a word that is none"))?;
        check_sayable(tx, &payout, said)?;
        step_up::prove(cx, tx, user, asked.code.as_deref())?;
        if !payout_words::confirm(tx, &word.id, user)? {
            return Err(moved_on());
        }
        let event = Event::new("payout.word_confirmed", &payout.id).because(&word.evidence);
        tx.record(event.data(json!({ "word_id": word.id, "said": word.said, "proposed_by": word.proposed_by })))?;
        if hear(cx, tx, &payout.id, &said.said())? != Heard::Moved {
            return Err(moved_on());
        }
        Ok(PayoutView::of(payouts::any_by_id(tx, &payout.id)?.or_missing("payout")?))
    });
    step_up::judged(cx, who, user, confirmed)
}

fn moved_on() -> Failure {
    let refusal = Refusal::new(Code::PayoutState, "Something changed since it was said: look again, and say it anew.");
    Refusal { allowed: vec!["words".to_owned()], ..refusal }.into()
}
