//! What a worker is told when a payout arrived, and the invoice that the platform writes in the worker's name where that
//! was agreed. Both are fixed in the transaction that settles the payout: read again, they are the same to the byte, but
//! for the day on which a payout came back.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tax_profiles::{any_person, incomplete};
use crate::access::scope::WorkerScope;
use crate::access::{Finance, Worker};
use crate::context::{Cx, Once};
use crate::db::rows::{AgreementRow, DocumentRow, PartyRow, PaymentNoticeRow, PayoutRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, papers, payouts};
use crate::domain::event::Event;
use crate::domain::ids::*;
use crate::domain::money::Money;
use crate::domain::papers::{
    DOCUMENT_YEARS, Duty, Platform, TERMS_VERSION, TaxPerson, covered, duties, kept_until, self_billing_mention, terms,
    vat_mention,
};
use crate::domain::payout::PayoutState;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::ops::Page;

/// What a payout pays of one credit.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PaidLine {
    /// Kind of the earning, or of the journal where no visit is behind it.
    pub kind: String,
    pub submission_id: Option<SubmissionId>,
    pub mission_id: Option<MissionId>,
    pub store_name: Option<String>,
    /// When it was earned.
    pub at: At,
    /// All that was earned with it.
    pub earned: Money,
    /// How much of it this payout pays.
    pub paid: Money,
}

/// What is kept of a notice; no name is in it.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct NoticeBody {
    platform: Platform,
    gross: Money,
    cost: Money,
    net: Money,
    requested_at: At,
    lines: Vec<PaidLine>,
    duties: Vec<Duty>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct NoticeView {
    pub payout_id: PayoutId,
    pub worker_id: UserId,
    pub platform: Platform,
    pub gross: Money,
    /// What the way of payment cost the worker.
    pub cost: Money,
    pub net: Money,
    pub requested_at: At,
    pub settled_at: At,
    /// When the bank sent it back after all: it is in the balance again, and another payout pays it.
    pub returned_at: Option<At>,
    pub lines: Vec<PaidLine>,
    /// What the worker is told of tax and social security.
    pub duties: Vec<Duty>,
}

fn read<T: serde::de::DeserializeOwned>(body: Json) -> Outcome<T> {
    serde_json::from_value(body.0).map_err(Failure::fault)
}

impl NoticeView {
    fn of(row: PaymentNoticeRow, returned_at: Option<At>) -> Outcome<NoticeView> {
        let body: NoticeBody = read(row.body)?;
        Ok(NoticeView {
            payout_id: row.payout_id,
            worker_id: row.worker_id,
            platform: body.platform,
            gross: body.gross,
            cost: body.cost,
            net: body.net,
            requested_at: body.requested_at,
            settled_at: row.at,
            returned_at,
            lines: body.lines,
            duties: body.duties,
        })
    }
}

/// Writes the papers of a payout that has just arrived.
pub(super) fn settled(cx: &Cx, tx: &mut Tx, payout: &PayoutRow) -> Outcome<()> {
    let (worker, currency) = (&payout.worker_id, payout.currency);
    let user = papers::lock_worker(tx, worker)?.or_missing("worker")?;
    let from = papers::any_arrived_before(tx, payout)?;
    let to = from.checked_add(payout.amount_minor).ok_or_else(|| Failure::fault("a payout beyond 64 bits"))?;
    let lines = lines_between(tx, payout, from, to)?;
    let (gross, cost) = (Money::new(payout.amount_minor, currency), Money::new(payout.cost_minor, currency));
    // Papers never stand in the way of money: a profile that does not open is one that was not given.
    let person = any_person(cx, tx, worker).ok();
    let country = person.as_ref().and_then(|p| p.country.clone()).or_else(|| user.country.clone());
    let body = NoticeBody {
        platform: cx.rules().platform.clone(),
        gross,
        cost,
        net: gross.sub(cost)?,
        requested_at: payout.requested_at,
        lines: lines.clone(),
        duties: duties(country.as_deref()),
    };
    let notice = PaymentNoticeRow {
        payout_id: payout.id.clone(),
        worker_id: worker.clone(),
        currency,
        from_minor: from,
        to_minor: to,
        body: Json(serde_json::to_value(body).map_err(Failure::fault)?),
        at: tx.now(),
    };
    papers::add_notice(tx, &notice)?;
    let agreed = papers::any_agreement(tx, worker)?.filter(|last| last.action == "accept");
    if let (Some(agreed), Some(person)) = (agreed, person.filter(|p| p.missing().is_empty())) {
        let french = user.language == "fr" || person.country.as_deref() == Some("FR");
        let body = DocumentBody::new(cx, &person, lines, &agreed.terms_version, french);
        issue(cx, tx, payout, &person, body)?;
    }
    Ok(())
}

/// What the payout pays: the credits from `from` to `to` of all that was credited and not reversed. What came back of an
/// earlier payout is what that one paid, oldest first; the rail's cost of it is not there again.
fn lines_between(tx: &mut Tx, payout: &PayoutRow, from: i64, to: i64) -> Outcome<Vec<PaidLine>> {
    let currency = payout.currency;
    let (credits, begin) = papers::any_credits(tx, &payout.worker_id, currency, from, to)?;
    let amounts: Vec<i64> = credits.iter().map(|credit| credit.amount_minor).collect();
    let mut lines = Vec::new();
    for (place, part) in covered(&amounts, from - begin, to - begin) {
        let credit = &credits[place];
        let notice = credit.returned.as_ref().map(|id| papers::any_notice(tx, id)).transpose()?.flatten();
        if let Some(notice) = notice {
            let before: NoticeBody = read(notice.body)?;
            let paid: Vec<i64> = before.lines.iter().map(|line| line.paid.minor).collect();
            // Of the credits only the first may have been paid in part already.
            let skipped = if place == 0 { (from - begin).max(0) } else { 0 };
            for (line, part) in covered(&paid, skipped, skipped + part) {
                lines.push(PaidLine { paid: Money::new(part, currency), ..before.lines[line].clone() });
            }
            continue;
        }
        let visit = credit.visit.clone();
        lines.push(PaidLine {
            kind: visit.as_ref().map_or_else(|| credit.kind.clone(), |(_, _, kind, _)| kind.clone()),
            submission_id: visit.as_ref().map(|(submission, ..)| submission.clone()),
            mission_id: visit.as_ref().map(|(_, mission, ..)| mission.clone()),
            store_name: visit.map(|(.., store)| store),
            at: credit.at,
            earned: Money::new(credit.amount_minor, currency),
            paid: Money::new(part, currency),
        });
    }
    Ok(lines)
}

/// A payout that came back: its invoice, if it had one, is taken back by a credit note.
pub(super) fn returned(cx: &Cx, tx: &mut Tx, payout: &PayoutRow) -> Outcome<()> {
    papers::lock_worker(tx, &payout.worker_id)?;
    if let Some(invoice) = papers::any_live_invoice(tx, &payout.id)? {
        take_back(cx, tx, payout, &invoice, "The payout came back.")?;
    }
    Ok(())
}

pub fn get_payment_notice(cx: &Cx, who: &Worker, id: &PayoutId) -> Outcome<NoticeView> {
    let scope = WorkerScope::from(who);
    cx.read(|c| {
        if let Some(row) = papers::notice(c, &scope, id)? {
            let returned_at = papers::any_returned_at(c, id)?;
            return NoticeView::of(row, returned_at);
        }
        if !papers::has_payout(c, &scope, id)? {
            return Err(Refusal::missing("payout").into());
        }
        Err(Refusal::new(Code::PayoutState, "The notice is written when the payout arrives.").into())
    })
}

// The agreement

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct AgreementView {
    pub accepted: bool,
    /// Which terms, when they were accepted.
    pub accepted_version: Option<String>,
    /// Since when it is as it is; null when it was never accepted.
    pub since: Option<At>,
    /// The terms of today.
    pub terms_version: String,
    pub terms_fr: String,
    pub terms_en: String,
}

fn agreement(last: Option<&AgreementRow>) -> AgreementView {
    let accepted = last.is_some_and(|row| row.action == "accept");
    AgreementView {
        accepted,
        accepted_version: last.filter(|_| accepted).map(|row| row.terms_version.clone()),
        since: last.map(|row| row.at),
        terms_version: TERMS_VERSION.to_owned(),
        terms_fr: terms("fr").to_owned(),
        terms_en: terms("en").to_owned(),
    }
}

pub fn get_self_billing(cx: &Cx, who: &Worker) -> Outcome<AgreementView> {
    cx.read(|c| Ok(agreement(papers::any_agreement(c, who.user())?.as_ref())))
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Of the terms that were shown.
    pub terms_version: String,
}

/// From the next payout on the platform writes the invoices. An agreement to terms that were replaced since goes on, and
/// each document names the version it was written under; the new terms hold for who accepts them.
pub fn accept_self_billing(cx: &Cx, who: &Worker, once: &Once, asked: &Acceptance) -> Outcome<AgreementView> {
    if asked.terms_version != TERMS_VERSION {
        let detail = format!("The terms of today are {TERMS_VERSION}: read them again.");
        return Err(Refusal::field("/terms_version", "outdated", detail).into());
    }
    cx.write_once(who, once, |tx| {
        let user = papers::lock_worker(tx, who.user())?.or_missing("worker")?;
        if user.state == UserState::Erased {
            return Err(Refusal::wrong_state(user.state, &[]).into());
        }
        let missing = any_person(cx, tx, who.user())?.missing();
        if !missing.is_empty() {
            return Err(incomplete(&missing, "An invoice names its supplier.").into());
        }
        change(tx, who.user(), "accept")
    })
}

/// No further invoice is written; those that were stay.
pub fn withdraw_self_billing(cx: &Cx, who: &Worker, once: &Once) -> Outcome<AgreementView> {
    cx.write_once(who, once, |tx| {
        papers::lock_worker(tx, who.user())?.or_missing("worker")?;
        change(tx, who.user(), "withdraw")
    })
}

/// Said again, nothing changes.
fn change(tx: &mut Tx, worker: &UserId, action: &'static str) -> Outcome<AgreementView> {
    let last = papers::any_agreement(tx, worker)?;
    let same = match &last {
        Some(last) => last.action == action && (action == "withdraw" || last.terms_version == TERMS_VERSION),
        None => action == "withdraw",
    };
    if same {
        tx.nothing_changed();
        return Ok(agreement(last.as_ref()));
    }
    let row = AgreementRow {
        worker_id: worker.clone(),
        number: last.map_or(1, |last| last.number + 1),
        action: action.to_owned(),
        terms_version: TERMS_VERSION.to_owned(),
        at: tx.now(),
    };
    papers::add_agreement(tx, &row)?;
    let kind = if action == "accept" { "self_billing.accepted" } else { "self_billing.withdrawn" };
    tx.record(Event::new(kind, worker).data(json!({ "terms_version": TERMS_VERSION })))?;
    Ok(agreement(Some(&row)))
}

// The documents

/// What is kept of a document beside its columns; who the supplier is stands apart, sealed.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct DocumentBody {
    platform: Platform,
    lines: Vec<PaidLine>,
    mention: String,
    vat: String,
    terms_version: String,
    language: String,
    original_number: Option<String>,
}

impl DocumentBody {
    fn new(cx: &Cx, person: &TaxPerson, lines: Vec<PaidLine>, terms_version: &str, french: bool) -> DocumentBody {
        let platform = cx.rules().platform.clone();
        DocumentBody {
            vat: vat_mention(person, &platform),
            platform,
            lines,
            mention: self_billing_mention(french).to_owned(),
            terms_version: terms_version.to_owned(),
            language: if french { "fr" } else { "en" }.to_owned(),
            original_number: None,
        }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct SupplierView {
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    pub country: String,
    pub vat_number: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct DocumentView {
    pub id: DocumentId,
    /// One series for each supplier, without a gap.
    pub number: String,
    /// `invoice` or `credit_note`.
    pub kind: String,
    pub worker_id: UserId,
    pub payout_id: PayoutId,
    pub original_id: Option<DocumentId>,
    pub original_number: Option<String>,
    /// Why it was taken back.
    pub reason: Option<String>,
    pub issued_at: At,
    pub amount: Money,
    /// Null once it need not be kept any more, and on a credit note to an invoice whose supplier could not be read.
    pub supplier: Option<SupplierView>,
    pub platform: Platform,
    pub lines: Vec<PaidLine>,
    /// That the customer wrote it.
    pub mention: String,
    /// What is said of VAT.
    pub vat: String,
    pub terms_version: String,
    pub language: String,
}

fn number_text(number: i64) -> String {
    format!("FP-{number:06}")
}

fn party_place(id: &DocumentId) -> String {
    format!("selfbilling_parties.person/{id}")
}

fn document_view(cx: &Cx, c: &mut Conn, row: DocumentRow) -> Outcome<DocumentView> {
    let supplier = papers::any_party(c, &row.id)?.map(|party| {
        let plain = cx.vault().open(&party_place(&row.id), &party.person);
        let plain =
            plain.map_err(|_| Failure::fault("the supplier of a document does not open: its key is missing"))?;
        serde_json::from_str::<SupplierView>(&plain).map_err(Failure::fault)
    });
    let body: DocumentBody = read(row.body)?;
    Ok(DocumentView {
        number: number_text(row.number),
        id: row.id,
        kind: row.kind,
        worker_id: row.worker_id,
        payout_id: row.payout_id,
        original_id: row.original_id,
        original_number: body.original_number,
        reason: row.reason,
        issued_at: row.issued_at,
        amount: Money::new(row.amount_minor, row.currency),
        supplier: supplier.transpose()?,
        platform: body.platform,
        lines: body.lines,
        mention: body.mention,
        vat: body.vat,
        terms_version: body.terms_version,
        language: body.language,
    })
}

/// Gives the next number out and writes the document under it. The worker is locked.
fn issue(cx: &Cx, tx: &mut Tx, payout: &PayoutRow, person: &TaxPerson, body: DocumentBody) -> Outcome<DocumentRow> {
    let (last, last_at) = papers::any_last_document(tx, &payout.worker_id)?;
    let row = DocumentRow {
        id: tx.id(),
        worker_id: payout.worker_id.clone(),
        number: last + 1,
        kind: "invoice".to_owned(),
        payout_id: payout.id.clone(),
        original_id: None,
        reason: None,
        amount_minor: payout.amount_minor,
        currency: payout.currency,
        body: Json(serde_json::to_value(body).map_err(Failure::fault)?),
        issued_at: not_before(tx.now(), last_at),
    };
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let supplier = SupplierView {
        name: format!("{} {}", of(&person.first_name), of(&person.last_name)),
        street: of(&person.street),
        postcode: of(&person.postcode),
        city: of(&person.city),
        country: of(&person.country),
        vat_number: person.vat_number.clone(),
    };
    let plain = serde_json::to_string(&supplier).map_err(Failure::fault)?;
    add(cx, tx, &row, Some(&plain))?;
    Ok(row)
}

/// A transaction's time is that of its beginning, so one that waited may be older than the document before.
fn not_before(now: At, last: Option<At>) -> At {
    last.map_or(now, |last| last.max(now))
}

fn add(cx: &Cx, tx: &mut Tx, row: &DocumentRow, supplier: Option<&str>) -> Outcome<()> {
    let party = supplier.map(|supplier| PartyRow {
        document_id: row.id.clone(),
        worker_id: row.worker_id.clone(),
        person: cx.vault().seal(&party_place(&row.id), supplier),
        keep_until: kept_until(row.issued_at, DOCUMENT_YEARS),
    });
    papers::add_document(tx, row, party.as_ref())?;
    let event = Event::new("self_billing.issued", &row.id);
    tx.record(event.data(json!({ "number": row.number, "kind": row.kind, "payout_id": row.payout_id })))?;
    Ok(())
}

/// A credit note over all of `invoice`, to whom it was written. Where that does not open, or need not be kept any more,
/// the note names the invoice only: papers never stand in the way of money.
fn take_back(cx: &Cx, tx: &mut Tx, payout: &PayoutRow, invoice: &DocumentRow, reason: &str) -> Outcome<DocumentRow> {
    let party = papers::any_party(tx, &invoice.id)?;
    let supplier = party.and_then(|party| cx.vault().open(&party_place(&invoice.id), &party.person).ok());
    let (last, last_at) = papers::any_last_document(tx, &payout.worker_id)?;
    let mut body: DocumentBody = read(invoice.body.clone())?;
    body.original_number = Some(number_text(invoice.number));
    let row = DocumentRow {
        id: tx.id(),
        number: last + 1,
        kind: "credit_note".to_owned(),
        original_id: Some(invoice.id.clone()),
        reason: Some(reason.to_owned()),
        body: Json(serde_json::to_value(body).map_err(Failure::fault)?),
        issued_at: not_before(tx.now(), last_at),
        ..invoice.clone()
    };
    add(cx, tx, &row, supplier.as_deref())?;
    Ok(row)
}

/// The worker's documents, newest first. Cursor: id.
pub fn list_documents(cx: &Cx, who: &Worker, after: Option<&str>, limit: i64) -> Outcome<Page<DocumentView>> {
    let scope = WorkerScope::from(who);
    let bad = || Refusal::new(Code::InvalidCursor, "It does not belong to this list.");
    let before = after.map(|text| DocumentId::parse(text).ok_or_else(bad)).transpose()?;
    let views = cx.read(|c| {
        let rows = papers::documents(c, &scope, before.as_ref(), limit + 1)?;
        rows.into_iter().map(|row| document_view(cx, c, row)).collect::<Outcome<Vec<_>>>()
    })?;
    Ok(Page::of(views, limit, |view| view.id.to_string(), |view| view))
}

pub fn get_document(cx: &Cx, who: &Worker, id: &DocumentId) -> Outcome<DocumentView> {
    let scope = WorkerScope::from(who);
    cx.read(|c| {
        let row = papers::document(c, &scope, id)?.or_missing("document")?;
        document_view(cx, c, row)
    })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// What was wrong; it stands on the credit note.
    pub reason: String,
}

/// The ids of what was written, for a caller who need not see who the worker is.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Corrected {
    pub credit_note_id: DocumentId,
    pub credit_note_number: String,
    pub invoice_id: DocumentId,
    pub invoice_number: String,
}

/// Takes an invoice back and writes it again with what the worker's profile says today; no money moves.
pub fn correct_document(
    cx: &Cx,
    who: &Finance,
    once: &Once,
    id: &DocumentId,
    asked: &Correction,
) -> Outcome<Corrected> {
    if !(3..=500).contains(&asked.reason.chars().count()) || asked.reason.chars().any(char::is_control) {
        return Err(Refusal::field("/reason", "length", "3 to 500 characters on one line: they stand on it.").into());
    }
    cx.write_once(who, once, |tx| {
        let seen = papers::any_document(tx, id)?.or_missing("document")?;
        let user = papers::lock_worker(tx, &seen.worker_id)?.or_missing("worker")?;
        let invoice = papers::any_live_invoice(tx, &seen.payout_id)?.filter(|row| row.id == *id);
        let invoice = invoice.ok_or_else(|| Refusal::wrong_state("taken back, or a credit note", &[]))?;
        let payout = payouts::any_by_id(tx, &invoice.payout_id)?.or_missing("payout")?;
        if user.state == UserState::Erased || payout.state != PayoutState::Settled {
            return Err(Refusal::wrong_state(user.state, &[]).into());
        }
        let person = any_person(cx, tx, &seen.worker_id)?;
        if !person.missing().is_empty() {
            return Err(Refusal::new(Code::TaxProfileIncomplete, "An invoice names its supplier.").into());
        }
        let note = take_back(cx, tx, &payout, &invoice, &asked.reason)?;
        let before: DocumentBody = read(invoice.body)?;
        let body = DocumentBody::new(cx, &person, before.lines, &before.terms_version, before.language == "fr");
        let again = issue(cx, tx, &payout, &person, body)?;
        Ok(Corrected {
            credit_note_id: note.id,
            credit_note_number: number_text(note.number),
            invoice_id: again.id,
            invoice_number: number_text(again.number),
        })
    })
}
