//! What staff does about workers: see them, suspend and reinstate them, always with a reason (I18).

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::{Admin, AnyStaff};
use crate::context::{Cx, Once};
use crate::db::rows::{SanctionRow, UserRow};
use crate::db::{Conn, discovery, users};
use crate::domain::decision::RULE_VERSION;
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::mission::{LEVELS, level_of};
use crate::domain::refusal::{Code, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::{UserKind, UserState};
use crate::ops::campaigns::check_qualifications;
use crate::ops::fields::Fields;
use crate::ops::{Page, letters};

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct WorkerView {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub country: Option<String>,
    pub state: UserState,
    pub email_verified: bool,
    pub created_at: At,
}

impl WorkerView {
    fn of(row: UserRow) -> WorkerView {
        WorkerView {
            id: row.id,
            email: row.email,
            name: row.name,
            country: row.country,
            state: row.state,
            email_verified: row.email_verified_at.is_some(),
            created_at: row.created_at,
        }
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Sanction {
    /// A short word for the reason, such as `suspected_fraud`.
    pub code: String,
    /// What the worker reads.
    pub text: String,
}

pub fn list_workers(cx: &Cx, _who: &AnyStaff, after: Option<&str>, limit: i64) -> Outcome<Page<WorkerView>> {
    let rows = cx.read(|c| users::any_page(c, UserKind::Worker, after, limit + 1))?;
    Ok(Page::of(rows, limit, |r| r.id.to_string(), WorkerView::of))
}

/// All qualifications of a worker from now on.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    pub qualifications: Vec<String>,
}

/// What a worker may do.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Standing {
    pub worker_id: UserId,
    /// Rises with approved visits.
    pub level: i64,
    pub approved_visits: i64,
    /// Approved visits that the next level asks for; null at the highest.
    pub next_level_at: Option<i64>,
    pub qualifications: Vec<String>,
}

impl Standing {
    pub(super) fn read(c: &mut Conn, worker: &UserId) -> Outcome<Standing> {
        let approved_visits = discovery::any_approved(c, worker)?;
        Ok(Standing {
            worker_id: worker.clone(),
            level: level_of(approved_visits),
            approved_visits,
            next_level_at: LEVELS.iter().copied().find(|least| *least > approved_visits),
            qualifications: discovery::any_qualifications(c, worker)?,
        })
    }
}

/// Gives a worker exactly these qualifications; reservations that are held stay.
pub fn set_qualifications(cx: &Cx, who: &Admin, once: &Once, id: &UserId, asked: &Granted) -> Outcome<Standing> {
    let mut fields = Fields::default();
    check_qualifications(&mut fields, &asked.qualifications);
    fields.finish()?;
    let standing = cx.write_once(who, once, |tx| {
        users::any_find(tx, id)?.filter(|u| u.kind == UserKind::Worker).or_missing("worker")?;
        discovery::set_qualifications(tx, id, who.user(), &asked.qualifications)?;
        let event = Event::new("worker.qualified", id);
        tx.record(event.data(json!({ "qualifications": asked.qualifications })))?;
        Standing::read(tx, id)
    });
    cx.discovery().forget(id);
    standing
}

/// New reservations stop; work under way is decided and earned money is paid all the same.
pub fn suspend_worker(cx: &Cx, who: &Admin, once: &Once, id: &UserId, asked: &Sanction) -> Outcome<WorkerView> {
    sanction(cx, who, once, id, asked, "suspend")
}

pub fn reinstate_worker(cx: &Cx, who: &Admin, once: &Once, id: &UserId, asked: &Sanction) -> Outcome<WorkerView> {
    sanction(cx, who, once, id, asked, "reinstate")
}

fn sanction(cx: &Cx, who: &Admin, once: &Once, id: &UserId, asked: &Sanction, action: &str) -> Outcome<WorkerView> {
    let mut errors = Vec::new();
    let word = asked.code.len() <= 64 && asked.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if asked.code.is_empty() || !word {
        errors.push(FieldError::new("/code", "pattern", "Up to 64 lower-case letters and underscores."));
    }
    if !(10..=2000).contains(&asked.text.chars().count()) || asked.text.trim().is_empty() {
        errors.push(FieldError::new("/text", "length", "10 to 2000 characters: the worker reads them."));
    }
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    }
    let suspend = action == "suspend";
    let (from, to) = match suspend {
        true => (UserState::Active, UserState::Suspended),
        false => (UserState::Suspended, UserState::Active),
    };
    cx.write_once(who, once, |tx| {
        let user = users::any_find(tx, id)?.filter(|u| u.kind == UserKind::Worker).or_missing("worker")?;
        if !users::set_state(tx, id, from, to)? {
            let other = if suspend { "reinstate" } else { "suspend" };
            return Err(Refusal::wrong_state(user.state, &[other]).into());
        }
        let row = SanctionRow {
            id: tx.id(),
            user_id: id.clone(),
            action: action.to_owned(),
            code: asked.code.clone(),
            text: asked.text.clone(),
            decider_id: who.user().clone(),
            rule_version: RULE_VERSION.to_owned(),
            at: tx.now(),
        };
        users::add_sanction(tx, row)?;
        let kind = if suspend { "worker.suspended" } else { "worker.reinstated" };
        let event = Event::new(kind, id).moved(from.as_str(), to.as_str()).because(&asked.code).rule(RULE_VERSION);
        let event = tx.record(event.data(json!({ "text": asked.text })))?;
        let (subject, now_what) = match suspend {
            true => (
                "You cannot take new missions for now",
                "Work you have handed in is decided and earned money is paid out. Answer this message to object.",
            ),
            false => ("You can take missions again", "Missions near you are open to you again."),
        };
        let text = format!("Hello {},\n\n{}\n\nReason: {}\n\n{now_what}\n", user.name, asked.text, asked.code);
        letters::send(tx, &event, &user.email, subject, &text)?;
        Ok(WorkerView { state: to, ..WorkerView::of(user) })
    })
}
