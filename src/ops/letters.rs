//! Letters to people: queued in the transaction that causes them, delivered by a job. Each says what happened, why, and
//! what can be done now.

use serde_json::json;

use crate::db::{Tx, outbox, users};
use crate::domain::ids::EventId;
use crate::domain::refusal::Outcome;
use crate::domain::user::{StaffRole, UserKind};

/// To everybody of finance, and to the admins.
pub fn to_finance(tx: &mut Tx, event: &EventId, subject: &str, text: &str) -> Outcome<()> {
    for person in users::any_page(tx, UserKind::Staff, None, 1000)? {
        if matches!(person.staff_role, Some(StaffRole::Finance | StaffRole::Admin)) {
            send(tx, event, &person.email, subject, text)?;
        }
    }
    Ok(())
}

pub fn send(tx: &mut Tx, event: &EventId, to: &str, subject: &str, text: &str) -> Outcome<()> {
    // Nobody reads letters to somebody who is erased.
    if to.ends_with("@erased.invalid") {
        return Ok(());
    }
    outbox::add(tx, event, "mail", to, json!({ "subject": subject, "text": text }))?;
    Ok(())
}
