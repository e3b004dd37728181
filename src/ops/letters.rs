//! Letters to people: queued in the transaction that causes them, delivered by a job. Each says what happened, why, and
//! what can be done now.

use serde_json::json;

use crate::db::{Tx, outbox};
use crate::domain::ids::EventId;
use crate::domain::refusal::Outcome;

pub fn send(tx: &mut Tx, event: &EventId, to: &str, subject: &str, text: &str) -> Outcome<()> {
    // Nobody reads letters to somebody who is erased.
    if to.ends_with("@erased.invalid") {
        return Ok(());
    }
    outbox::add(tx, event, "mail", to, json!({ "subject": subject, "text": text }))?;
    Ok(())
}
