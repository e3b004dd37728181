//! Messages on their way out: claimed in one transaction, sent by a job, recorded in another (I15: at least once, under
//! the message's own id).

use crate::context::Cx;
use crate::db::outbox;
use crate::domain::event::Actor;
use crate::domain::ids::MessageId;
use crate::domain::refusal::{Failure, Outcome};

const DELIVER: Actor = Actor::Machine("deliver");

/// The queue of letters to take back from where the postman put them; the subject is a message id.
pub const FORGET_LETTER: &str = "forget_letter";

/// A letter that this process may send now.
#[derive(Clone, Debug)]
pub struct Letter {
    pub id: MessageId,
    pub to: String,
    pub subject: String,
    pub text: String,
    /// This try included.
    pub attempts: i64,
}

/// Takes due letters; nobody else sends them for `lease_secs`.
pub fn claim_letters(cx: &Cx, lease_secs: i64, limit: i64) -> Outcome<Vec<Letter>> {
    let due = cx.read(|c| outbox::due(c, cx.now(), limit))?;
    let mut letters = Vec::with_capacity(due.len());
    for row in due {
        let claimed = cx.write_as(&DELIVER, |tx| {
            tx.nothing_changed();
            let until = tx.now().plus_secs(lease_secs);
            outbox::claim(tx, &row.id, row.next_at, until)
        })?;
        if claimed {
            let text = |name: &str| row.body.0.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let (subject, text) = (text("subject"), text("text"));
            letters.push(Letter { id: row.id, to: row.address, subject, text, attempts: row.attempts + 1 });
        }
    }
    Ok(letters)
}

pub fn letter_sent(cx: &Cx, id: &MessageId) -> Outcome<()> {
    cx.write_as(&DELIVER, |tx| {
        tx.nothing_changed();
        outbox::delivered(tx, id)
    })
}

/// Notes why; the letter comes back after `again_secs`, or never (`None`).
pub fn letter_failed(cx: &Cx, id: &MessageId, why: &Failure, again_secs: Option<i64>) -> Outcome<()> {
    let why: String = why.to_string().chars().take(500).collect();
    cx.write_as(&DELIVER, |tx| {
        tx.nothing_changed();
        let next = tx.now().plus_secs(again_secs.unwrap_or(0));
        outbox::failed(tx, id, &why, next, again_secs.is_none())
    })
}
