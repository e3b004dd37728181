//! Who a worker is for tax: sealed apart from everything else, asked for before money goes out. What was earned stays the
//! worker's whatever is missing; only the way out waits.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Worker;
use crate::context::Cx;
use crate::db::papers::{self, REMINDER};
use crate::db::rows::TaxProfileRow;
use crate::db::{Conn, Tx, users};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::UserId;
use crate::domain::papers::{REMINDERS, TaxPerson, must_wait, quarters, reminder_due, year_of};
use crate::domain::refusal::{Code, Failure, FieldError, Outcome, Refusal};
use crate::domain::tax_number::masked;
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::ops::deadlines::{BATCH_ROWS, Swept};
use crate::ops::letters;

/// What the worker sees of it; the tax number is masked.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct TaxProfileView {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub street: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub birth_date: Option<String>,
    /// Its last characters.
    pub tax_number: Option<String>,
    pub vat_number: Option<String>,
    /// Names of what the law asks for and is not there.
    pub missing: Vec<String>,
    /// Whether payouts wait for it.
    pub payouts_wait: bool,
    pub updated_at: Option<At>,
    /// 0 before anything was given.
    pub version: i64,
}

/// The column and row that a sealed text belongs to.
fn place(worker: &UserId) -> String {
    format!("tax_profiles.person/{worker}")
}

/// The person behind a row.
pub(super) fn open(cx: &Cx, row: &TaxProfileRow) -> Outcome<TaxPerson> {
    let plain = cx.vault().open(&place(&row.worker_id), &row.person);
    let plain = plain.map_err(|_| Failure::fault("a tax profile does not open: its key is missing"))?;
    serde_json::from_str(&plain).map_err(Failure::fault)
}

/// The worker's profile as far as it was given.
pub(super) fn any_person(cx: &Cx, c: &mut Conn, worker: &UserId) -> Outcome<TaxPerson> {
    papers::any_profile(c, worker)?.map_or_else(|| Ok(TaxPerson::default()), |row| open(cx, &row))
}

fn waits(cx: &Cx, c: &mut Conn, worker: &UserId, complete: bool) -> Outcome<bool> {
    if complete || !cx.rules().tax_profile_to_pay {
        return Ok(false);
    }
    Ok(must_wait(complete, papers::any_was_paid(c, worker)?, papers::any_reminders(c, worker)?))
}

fn view(cx: &Cx, c: &mut Conn, worker: &UserId, row: Option<&TaxProfileRow>) -> Outcome<TaxProfileView> {
    let person = row.map_or_else(|| Ok(TaxPerson::default()), |row| open(cx, row))?;
    let missing: Vec<String> = person.missing().into_iter().map(str::to_owned).collect();
    Ok(TaxProfileView {
        payouts_wait: waits(cx, c, worker, missing.is_empty())?,
        missing,
        first_name: person.first_name,
        last_name: person.last_name,
        street: person.street,
        postcode: person.postcode,
        city: person.city,
        country: person.country,
        birth_date: person.birth_date,
        tax_number: person.tax_number.as_deref().map(masked),
        vat_number: person.vat_number,
        updated_at: row.map(|row| row.updated_at),
        version: row.map_or(0, |row| row.version),
    })
}

fn gone() -> Refusal {
    Refusal::wrong_state(UserState::Erased, &[])
}

pub fn get_tax_profile(cx: &Cx, who: &Worker) -> Outcome<TaxProfileView> {
    cx.read(|c| {
        let erased = users::any_find(c, who.user())?.is_none_or(|user| user.state == UserState::Erased);
        let row = papers::any_profile(c, who.user())?.filter(|_| !erased);
        view(cx, c, who.user(), row.as_ref())
    })
}

/// Puts the profile in the place of the one there was; a tax number that is not given stays while its country does.
pub fn put_tax_profile(cx: &Cx, who: &Worker, version: i64, asked: &TaxPerson) -> Outcome<TaxProfileView> {
    let asked = asked.clone().normal();
    cx.write(who, |tx| {
        let user = papers::lock_worker(tx, who.user())?.filter(|user| user.state != UserState::Erased);
        if user.is_none() {
            return Err(gone().into());
        }
        let before = papers::any_profile(tx, who.user())?;
        if before.as_ref().map_or(0, |row| row.version) != version {
            return Err(Refusal::new(Code::Stale, "Your tax profile was changed elsewhere.").into());
        }
        let mut person = asked.clone();
        if let (None, Some(row)) = (&person.tax_number, &before) {
            let known = open(cx, row)?;
            person.tax_number = known.tax_number.filter(|_| known.country == person.country);
        }
        let mut errors = person.errors(tx.now());
        let missing = person.missing();
        let agreed = papers::any_agreement(tx, who.user())?.is_some_and(|last| last.action == "accept");
        if agreed {
            let detail = "Invoices are written in your name: they need it. Withdraw from self-billing first.";
            errors.extend(missing.iter().map(|name| FieldError::new(format!("/{name}"), "required", detail)));
        }
        if !errors.is_empty() {
            return Err(Refusal::fields(Code::InvalidRequest, errors).into());
        }
        let plain = serde_json::to_string(&person).map_err(Failure::fault)?;
        let row = TaxProfileRow {
            worker_id: who.user().clone(),
            person: cx.vault().seal(&place(who.user()), &plain),
            complete: missing.is_empty(),
            created_at: before.as_ref().map_or(tx.now(), |row| row.created_at),
            updated_at: tx.now(),
            version: version + 1,
            keep_until: None,
        };
        papers::put_profile(tx, &row)?;
        tx.record(Event::new("tax_profile.changed", who.user()).data(json!({ "missing": missing })))?;
        view(cx, tx, who.user(), Some(&row))
    })
}

/// Refuses while a payout must wait for the profile, and names what is missing. The worker is locked: nobody is erased
/// while money leaves.
pub(super) fn gate(cx: &Cx, tx: &mut Tx, worker: &UserId) -> Outcome<()> {
    if papers::lock_worker(tx, worker)?.is_none_or(|user| user.state == UserState::Erased) {
        return Err(gone().into());
    }
    let row = papers::any_profile(tx, worker)?;
    if !waits(cx, tx, worker, row.as_ref().is_some_and(|row| row.complete))? {
        return Ok(());
    }
    let person = row.map_or_else(|| Ok(TaxPerson::default()), |row| open(cx, &row))?;
    Err(incomplete(&person.missing(), "The law asks the platform for it before it pays.").into())
}

/// What lacks, field by field and in one sentence.
pub(super) fn incomplete(missing: &[&str], why: &str) -> Refusal {
    let errors = missing.iter().map(|name| FieldError::new(format!("/{name}"), "required", why)).collect();
    let detail = format!("Missing: {}.", missing.join(", ").replace('_', " "));
    Refusal { errors, ..Refusal::new(Code::TaxProfileIncomplete, detail) }
}

/// Asks workers who earned for what is missing, three times; with the last letter their payouts wait.
pub fn remind_tax_profiles(cx: &Cx) -> Outcome<Swept> {
    let mut swept = Swept::default();
    if !cx.rules().tax_profile_to_pay {
        return Ok(swept);
    }
    let now = cx.now();
    let waiting = cx.read(|c| papers::any_without_profile(c, REMINDERS))?;
    let due = waiting.into_iter().filter_map(|(worker, last, sent)| Some((worker, reminder_due(last, sent, now)?)));
    for (worker, number) in due.take(BATCH_ROWS) {
        match remind_one(cx, &worker, number) {
            Ok(true) => swept.done += 1,
            Ok(false) => {}
            Err(failure) => swept.failed.push((worker.to_string(), failure)),
        }
    }
    Ok(swept)
}

fn remind_one(cx: &Cx, worker: &UserId, number: usize) -> Outcome<bool> {
    cx.write_as(&Actor::Machine("remind_tax_profiles"), |tx| {
        let user = papers::lock_worker(tx, worker)?.filter(|user| user.state != UserState::Erased);
        let complete = papers::any_profile(tx, worker)?.is_some_and(|row| row.complete);
        let Some(user) = user.filter(|_| !complete) else {
            tx.nothing_changed();
            return Ok(false);
        };
        if !papers::note_letter(tx, worker, &format!("{REMINDER}{}", number + 1))? {
            tx.nothing_changed();
            return Ok(false);
        }
        let event = tx.record(Event::new("tax_profile.asked_for", worker).data(json!({ "number": number + 1 })))?;
        let person = any_person(cx, tx, worker)?;
        let what = match number {
            0 => "Before the first payout the law (DAC7) asks us who you are for tax.",
            1 => "This is the second letter about it: 30 days after the first one some of it is still missing.",
            _ => "From today on payouts wait until it is there. What you earned stays yours, and you can earn more.",
        };
        let text = format!(
            "Hello {},\n\n{what}\n\nMissing: {}.\n\nOpen your tax profile in the app to give it. It is stored encrypted and \
             used for the reports that the law prescribes only.\n",
            user.name,
            person.missing().join(", ").replace('_', " "),
        );
        letters::send(tx, &event, &user.email, "Your tax details are missing", &text)?;
        Ok(true)
    })
}

/// In January each worker who earned in the year before is told that the recap is there.
pub fn send_recaps(cx: &Cx) -> Outcome<Swept> {
    let year = year_of(cx.now());
    let mut swept = Swept::default();
    let (Some(now), Some(last)) = (quarters(year), quarters(year - 1)) else { return Ok(swept) };
    if cx.now() >= now[0].plus_days(31) {
        return Ok(swept);
    }
    let kind = format!("recap_{}", year - 1);
    let due = cx.read(|c| papers::any_credited_without_letter(c, last[0], last[4], &kind, BATCH_ROWS as i64))?;
    for worker in due {
        let sent = cx.write_as(&Actor::Machine("send_recaps"), |tx| {
            let user = papers::lock_worker(tx, &worker)?.filter(|user| user.state != UserState::Erased);
            let Some(user) = user else {
                tx.nothing_changed();
                return Ok(());
            };
            if !papers::note_letter(tx, &worker, &kind)? {
                tx.nothing_changed();
                return Ok(());
            }
            let event = tx.record(Event::new("recap.sent", &worker).data(json!({ "year": year - 1 })))?;
            let text = format!(
                "Hello {},\n\nyour recap of {} is there: what you earned by quarter, what was paid out, and what was or will \
                 be reported to the tax authorities. Open it in the app.\n",
                user.name,
                year - 1
            );
            letters::send(tx, &event, &user.email, &format!("Your recap of {}", year - 1), &text)
        });
        match sent {
            Ok(()) => swept.done += 1,
            Err(failure) => swept.failed.push((worker.to_string(), failure)),
        }
    }
    Ok(swept)
}

/// Drops what the law no longer asks to keep of workers who were erased.
pub fn drop_papers(cx: &Cx) -> Outcome<Swept> {
    let done = cx.write_as(&Actor::Machine("drop_papers"), |tx| {
        let now = tx.now();
        let dropped = papers::drop_kept(tx, now)?;
        match dropped {
            0 => tx.nothing_changed(),
            count => {
                tx.record(Event::new("papers.dropped", "papers").data(json!({ "count": count })))?;
            }
        }
        Ok(dropped)
    })?;
    Ok(Swept { done, failed: Vec::new() })
}
