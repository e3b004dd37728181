//! Letters to people: claimed, handed to the postman, recorded. At least once; a letter keeps its id.

use super::Bench;
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::outbox;
use crate::ports::mail::Mail;

/// Waits between tries.
pub(super) const RETRY_SECS: &[i64] = &[30, 120, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400];
const LEASE_SECS: i64 = 120;
const AT_ONCE: i64 = 20;

pub(super) async fn run(bench: Bench) -> Outcome<usize> {
    let mut all = 0;
    loop {
        let taken = some(&bench).await?;
        all += taken;
        if taken < AT_ONCE as usize {
            return Ok(all);
        }
    }
}

async fn some(bench: &Bench) -> Outcome<usize> {
    let letters = bench.block(|cx| outbox::claim_letters(cx, LEASE_SECS, AT_ONCE)).await?;
    let taken = letters.len();
    for letter in letters {
        let postman = bench.app.postman.clone();
        bench
            .block(move |cx| {
                let mail = Mail {
                    id: letter.id.as_str(),
                    from: &cx.rules().mail_from,
                    to: &letter.to,
                    subject: &letter.subject,
                    text: &letter.text,
                };
                match postman.send(&mail) {
                    Ok(()) => outbox::letter_sent(cx, &letter.id),
                    Err(failure) => {
                        note(&letter.id.to_string(), &failure);
                        let wait = usize::try_from(letter.attempts - 1).ok().and_then(|n| RETRY_SECS.get(n)).copied();
                        outbox::letter_failed(cx, &letter.id, &failure, wait)
                    }
                }
            })
            .await?;
    }
    Ok(taken)
}

fn note(id: &str, failure: &Failure) {
    tracing::warn!(letter = id, error = failure.to_string(), "a letter was not taken");
}
