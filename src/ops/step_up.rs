//! The second factor of staff: a secret in an authenticator app, set up with the password and a first code, asked for when
//! much money leaves. A code is good once; wrong ones are counted; another admin resets what was lost.

use serde::{Deserialize, Serialize};

use super::{auth, letters};
use crate::access::{Admin, AnyStaff, Pass, totp};
use crate::context::{Cx, Once};
use crate::db::rows::StepUpRow;
use crate::db::{Tx, step_ups, users};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserKind;

const WHY_PAUSE: &str = "Too many wrong codes.";

/// Wrong codes are counted beside wrong passwords, under a name that is no e-mail address.
fn counter(user: &UserId) -> String {
    format!("step-up {user}")
}

fn place(user: &UserId) -> String {
    format!("step_ups.sealed/{user}")
}

fn wrong(detail: &str) -> Failure {
    Refusal::new(Code::StepUpWrong, detail).into()
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct StepUpView {
    pub user_id: UserId,
    pub confirmed: bool,
    pub created_at: At,
}

/// What goes into the app, once. No `Debug`.
#[derive(Serialize)]
pub struct Enrolled {
    pub user_id: UserId,
    /// In base 32.
    pub secret: String,
    /// The same as an address that apps read.
    pub address: String,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    pub password: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct CodeBody {
    pub code: String,
}

fn secret_of(cx: &Cx, row: &StepUpRow) -> Outcome<String> {
    let opened = cx.vault().open(&place(&row.user_id), &row.sealed);
    opened.map_err(|_| Failure::fault("a second factor does not open: is its key missing?"))
}

/// Makes a secret; it counts once a first code proved that it arrived. The stored answer does not hold it.
pub fn enrol_step_up(cx: &Cx, who: &AnyStaff, once: &Once, asked: &EnrolBody) -> Outcome<Enrolled> {
    let user = who.user();
    let person = auth::prove_password(cx, who, user, &asked.password)?;
    let secret = totp::generate().ok_or_else(|| Failure::fault("the system gives no randomness"))?;
    let enrolled: StepUpView = cx.write_once(who, once, |tx| {
        let row = StepUpRow {
            user_id: user.clone(),
            sealed: cx.vault().seal(&place(user), &secret),
            confirmed_at: None,
            last_step: 0,
            created_at: tx.now(),
        };
        if !step_ups::enrol(tx, row)? {
            let detail = "You have a second factor; another admin resets it.";
            return Err(Refusal { allowed: vec!["reset".to_owned()], ..Refusal::new(Code::WrongState, detail) }.into());
        }
        let event = tx.record(Event::new("step_up.enrolled", user))?;
        let text = format!(
            "Hello {},\n\na second factor was begun for you; it counts once a first code was sent. If it was not you, change \
             your password now and tell an admin.\n",
            person.name
        );
        letters::send(tx, &event, &person.email, "A second factor was begun", &text)?;
        Ok(StepUpView { user_id: user.clone(), confirmed: false, created_at: tx.now() })
    })?;
    // Of the newest enrolment: a repeated request is answered from what is stored.
    let row = cx.read(|c| step_ups::any_find(c, user))?.filter(|row| row.confirmed_at.is_none());
    let row = row.ok_or_else(|| Refusal::new(Code::WrongState, "It was confirmed; the secret is not shown again."))?;
    let secret = secret_of(cx, &row)?;
    let address = totp::address("Fieldproof", &person.email, &secret);
    Ok(Enrolled { user_id: enrolled.user_id, secret, address })
}

/// The first code: from here on the second factor counts.
pub fn confirm_step_up(cx: &Cx, who: &AnyStaff, once: &Once, asked: &CodeBody) -> Outcome<StepUpView> {
    let user = who.user();
    count_try(cx, who, user)?;
    let confirmed = cx.write_once(who, once, |tx| {
        // Locked: the code is of the secret that is confirmed.
        let row = step_ups::any_locked(tx, user)?.or_missing("second factor")?;
        if row.confirmed_at.is_some() {
            return Err(Refusal::wrong_state("confirmed", &[]).into());
        }
        use_code(cx, tx, &row, &asked.code)?;
        step_ups::confirm(tx, user)?;
        let event = tx.record(Event::new("step_up.confirmed", user))?;
        let person = users::any_find(tx, user)?.or_missing("member of staff")?;
        let text = format!(
            "Hello {},\n\nyour second factor counts from now on: its codes let large batches go. If it was not you, change \
             your password now and tell an admin.\n",
            person.name
        );
        letters::send(tx, &event, &person.email, "Your second factor counts now", &text)?;
        Ok(StepUpView { user_id: user.clone(), confirmed: true, created_at: row.created_at })
    });
    judged(cx, who, user, confirmed)
}

fn use_code(cx: &Cx, tx: &mut Tx, row: &StepUpRow, code: &str) -> Outcome<()> {
    let secret = secret_of(cx, row)?;
    let step = totp::step_of(&secret, code, tx.now().timestamp().as_second(), row.last_step);
    let step = step.ok_or_else(|| wrong("It is not the code of this minute, or it was used."))?;
    match step_ups::use_step(tx, &row.user_id, step)? {
        true => users::forget_failures(tx, &counter(&row.user_id)),
        false => Err(wrong("It was used.")),
    }
}

/// Takes the code of somebody who is about to do something large, and uses it up.
pub(super) fn prove(cx: &Cx, tx: &mut Tx, user: &UserId, code: Option<&str>) -> Outcome<()> {
    let row = step_ups::any_locked(tx, user)?.filter(|row| row.confirmed_at.is_some());
    let needed = |detail: &str| Failure::from(Refusal::new(Code::StepUpNeeded, detail));
    let row = row.ok_or_else(|| needed("You have no second factor yet."))?;
    use_code(cx, tx, &row, code.ok_or_else(|| needed("Send a code."))?)
}

/// A code that was sent is counted as wrong before it is looked at; `judged` takes that back where it was not looked at.
pub(super) fn count_try(cx: &Cx, who: &impl Pass, user: &UserId) -> Outcome<()> {
    auth::count_try(cx, who, &counter(user), WHY_PAUSE)
}

/// What became of a code that was counted: a wrong one is told and stays counted, a right one has forgotten all, and what
/// was refused or answered without looking at it counts for nothing.
pub(super) fn judged<T>(cx: &Cx, who: &impl Pass, user: &UserId, done: Outcome<T>) -> Outcome<T> {
    match &done {
        Err(failure) if failure.code() == Some(Code::StepUpWrong) => {
            cx.write(who, |tx| tx.record(Event::new("step_up.failed", user)))?;
        }
        _ => cx.write(who, |tx| {
            tx.nothing_changed();
            users::uncount_failure(tx, &counter(user))
        })?,
    }
    done
}

/// Another admin takes a lost second factor away; its owner is told and sets up a new one.
pub fn reset_step_up(cx: &Cx, who: &Admin, once: &Once, id: &UserId) -> Outcome<StepUpView> {
    if id == who.user() {
        return Err(Refusal::new(Code::SecondPerson, "It is your own.").into());
    }
    cx.write_once(who, once, |tx| {
        let person =
            users::any_find(tx, id)?.filter(|user| user.kind == UserKind::Staff).or_missing("member of staff")?;
        match step_ups::reset(tx, id)? {
            true => {
                users::forget_failures(tx, &counter(id))?;
                let event = tx.record(Event::new("step_up.reset", id))?;
                let text = format!(
                    "Hello {},\n\nan admin took your second factor away. Set up a new one before you approve large \
                     batches. If you did not ask for it, tell your colleagues now.\n",
                    person.name
                );
                letters::send(tx, &event, &person.email, "Your second factor was reset", &text)?;
            }
            false => tx.nothing_changed(),
        }
        Ok(StepUpView { user_id: id.clone(), confirmed: false, created_at: tx.now() })
    })
}
