//! Gift codes: bought outside, imported as a list, sealed, and each given to exactly one payout, whose worker may look at
//! it again. The last of an amount is told to the people of finance.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::letters;
use super::payouts::step;
use crate::access::{Admin, Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::payouts::PayoutChange;
use crate::db::rows::{GiftCodeRow, PayoutRow};
use crate::db::{Conn, Tx, gift_codes, payouts};
use crate::domain::event::{Actor, Event};
use crate::domain::gift_code::{SHELF_LIFE_DAYS, read};
use crate::domain::ids::{GiftCodeId, PayoutId};
use crate::domain::money::Money;
use crate::domain::payout::{PayoutMove, PayoutState, Rail};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::ops::deadlines::{BATCH_ROWS, Swept};
use crate::ops::payouts::{Said, hear};

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct CodesBody {
    /// A list with the columns amount, currency, code and expires.
    pub csv: String,
}

/// A code that is there already.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct KnownCode {
    pub line: u64,
    /// Its last characters.
    pub masked: String,
    pub id: GiftCodeId,
    pub imported_at: At,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ImportedCodes {
    pub added: i64,
    pub known: Vec<KnownCode>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Stock {
    pub amount: Money,
    pub codes: i64,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct StockView {
    pub items: Vec<Stock>,
    /// Approved payouts that wait for a code of their amount.
    pub waiting: i64,
}

/// What its worker sees. No `Debug`.
#[derive(Serialize)]
pub struct CodeView {
    pub payout_id: PayoutId,
    pub amount: Money,
    pub code: String,
    pub expires_at: Option<At>,
    pub given_at: Option<At>,
}

fn place(id: &GiftCodeId) -> String {
    format!("gift_codes.sealed/{id}")
}

/// Codes must be good until then to be given out now.
pub(super) fn good_until(now: At) -> At {
    now.plus_days(SHELF_LIFE_DAYS)
}

fn masked(code: &str) -> String {
    let shown = if code.len() > 8 { 4 } else { 2 };
    format!("***{}", &code[code.len() - shown..])
}

/// Takes a list in, whole or not at all; codes that are there already are named and left as they are.
pub fn import_gift_codes(cx: &Cx, who: &Admin, once: &Once, asked: &CodesBody) -> Outcome<ImportedCodes> {
    let bought = read(&asked.csv).map_err(|why| Refusal::field("/csv", "unreadable", why))?;
    cx.write_once(who, once, |tx| {
        let mut imported = ImportedCodes { added: 0, known: Vec::new() };
        for one in &bought {
            let mark = cx.vault().mark("gift_code", &one.code);
            if let Some(row) = gift_codes::any_by_mark(tx, &mark)? {
                let known =
                    KnownCode { line: one.line, masked: masked(&one.code), id: row.id, imported_at: row.imported_at };
                imported.known.push(known);
                continue;
            }
            let id: GiftCodeId = tx.id();
            let row = GiftCodeRow {
                amount_minor: one.amount.minor,
                currency: one.amount.currency,
                sealed: cx.vault().seal(&place(&id), &one.code),
                mark,
                expires_at: one.expires_at,
                imported_by: who.user().clone(),
                imported_at: tx.now(),
                payout_id: None,
                given_at: None,
                id,
            };
            gift_codes::insert(tx, row)?;
            imported.added += 1;
        }
        let event = Event::new("gift_codes.imported", who.user());
        tx.record(event.data(json!({ "added": imported.added, "known": imported.known.len() })))?;
        Ok(imported)
    })
}

/// What can be given out, amount by amount.
pub fn list_gift_codes(cx: &Cx, _who: &Finance) -> Outcome<StockView> {
    cx.read(|c| {
        let stock = gift_codes::any_stock(c, good_until(cx.now()))?;
        let waiting = payouts::any_on(c, PayoutState::Approved, &[Rail::Voucher], None, 10_000)?;
        let items = stock.into_iter().map(|(amount, codes)| Stock { amount, codes }).collect();
        Ok(StockView { items, waiting: i64::try_from(waiting.len()).map_err(Failure::fault)? })
    })
}

/// The code of one of the worker's payouts, as often as it is asked for.
pub fn get_gift_code(cx: &Cx, who: &Worker, id: &PayoutId) -> Outcome<CodeView> {
    cx.write(who, |tx| show_code(cx, tx, who, id))
}

/// Whoever reads it can spend it, so that it was read is kept.
fn show_code(cx: &Cx, tx: &mut Tx, who: &Worker, id: &PayoutId) -> Outcome<CodeView> {
    let row = payouts::any_by_id(tx, id)?.filter(|row| row.worker_id == *who.user()).or_missing("payout")?;
    let code = gift_codes::any_of(tx, id)?;
    if row.rail != Rail::Voucher || !matches!(row.state, PayoutState::Settled) {
        let refusal = Refusal::new(Code::PayoutState, format!("Its state is {} and its rail {}.", row.state, row.rail));
        return Err(refusal.into());
    }
    let code = code.ok_or_else(|| Failure::fault("a settled gift code payout without a code"))?;
    let clear = cx.vault().open(&place(&code.id), &code.sealed);
    let clear = clear.map_err(|_| Failure::fault("a gift code does not open: is its key missing?"))?;
    tx.record(Event::new("gift_code.shown", &code.id).data(json!({ "payout_id": id })))?;
    Ok(CodeView {
        payout_id: id.clone(),
        amount: Money::new(code.amount_minor, code.currency),
        code: clear,
        expires_at: code.expires_at,
        given_at: code.given_at,
    })
}

/// In whose name the sweep acts.
const GIVER: Actor = Actor::Machine("give_codes");

/// Gives each approved payout its code, all in one transaction: a process that is killed has given it, or has not.
pub fn give_codes(cx: &Cx) -> Outcome<Swept> {
    let mut swept = Swept { done: 0, failed: Vec::new() };
    watch_stock(cx)?;
    let (mut missing, mut after) = (0_u32, None);
    loop {
        let page = |c: &mut Conn| {
            payouts::any_on(c, PayoutState::Approved, &[Rail::Voucher], after.as_ref(), BATCH_ROWS as i64)
        };
        let waiting = cx.read(page)?;
        for row in &waiting {
            match cx.write_as(&GIVER, |tx| give_one(cx, tx, row)) {
                Ok(true) => swept.done += 1,
                Ok(false) => missing += 1,
                // Another process was quicker.
                Err(failure) if failure.code() == Some(Code::PayoutState) => {}
                Err(failure) => swept.failed.push((row.id.to_string(), failure)),
            }
        }
        match waiting.last() {
            Some(row) => after = Some(row.id.clone()),
            None => break,
        }
    }
    if missing > 0 {
        tracing::warn!(payouts = missing, "payouts wait for gift codes: import some");
    }
    metrics::gauge!("fieldproof_gift_codes_missing").set(f64::from(missing));
    watch_stock(cx)?;
    Ok(swept)
}

/// Tells the people of finance of an amount that there is no code of any more: given out, or too old to be given. Told by
/// whoever notes it first; two that give the last codes at once look again after both were given.
fn watch_stock(cx: &Cx) -> Outcome<()> {
    let until = good_until(cx.now());
    for (face, usable) in cx.read(|c| gift_codes::any_faces(c, until))? {
        let noted = cx.read(|c| gift_codes::any_face(c, face))?;
        if noted == Some(usable) {
            continue;
        }
        cx.write_as(&GIVER, |tx| {
            tx.nothing_changed();
            if !gift_codes::note_face(tx, face, noted, usable)? || usable {
                return Ok(());
            }
            let event = Event::new("gift_codes.exhausted", face.currency.code()).data(json!({ "amount": face }));
            let event = tx.record(event)?;
            let text = format!(
                "The last gift code of {face} was given out, or is too old to be. Workers cannot ask for more until some \
                 are imported.\n"
            );
            letters::to_finance(tx, &event, "Gift codes are used up", &text)
        })?;
    }
    Ok(())
}

fn give_one(cx: &Cx, tx: &mut Tx, row: &PayoutRow) -> Outcome<bool> {
    let amount = Money::new(row.amount_minor - row.cost_minor, row.currency);
    let Some(code) = gift_codes::take(tx, amount, &row.id, good_until(tx.now()))? else {
        tx.nothing_changed();
        return Ok(false);
    };
    step(tx, &row.id, PayoutMove::Send, "payout.sending", None, PayoutChange::default())?;
    hear(cx, tx, &row.id, &Said::Accepted(code.id.to_string()))?;
    hear(cx, tx, &row.id, &Said::Settled)?;
    Ok(true)
}
