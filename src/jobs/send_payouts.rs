//! Payouts to the bank: marked as sending, sent under their own id, recorded. Killed in between, nobody but the bank
//! knows: `reconcile` asks it, and sends what it does not know under the same id again.

use super::Bench;
use crate::domain::refusal::Outcome;
use crate::ops::payouts::{self, PayoutView};

const AT_ONCE: i64 = 50;

pub(super) async fn send(bench: Bench) -> Outcome<usize> {
    let due = bench.block(|cx| payouts::to_send(cx, AT_ONCE)).await?;
    let mut sent = 0;
    for payout in due {
        let id = payout.id.clone();
        if bench.block(move |cx| payouts::mark_sending(cx, &id)).await? {
            order(&bench, &payout).await?;
            sent += 1;
        }
    }
    Ok(sent)
}

pub(super) async fn reconcile(bench: Bench) -> Outcome<usize> {
    let stuck = bench.block(|cx| payouts::stuck_sending(cx, AT_ONCE)).await?;
    let mut known = 0;
    for payout in stuck {
        match bench.app.bank.find(&payout.id).await? {
            Some(order) => {
                let id = payout.id.clone();
                bench.block(move |cx| payouts::mark_sent(cx, &id, &order.reference)).await?;
            }
            None => order(&bench, &payout).await?,
        }
        known += 1;
    }
    Ok(known)
}

/// Sending under the same id twice pays once.
async fn order(bench: &Bench, payout: &PayoutView) -> Outcome<()> {
    let order = bench.app.bank.send(&payout.id, payout.amount, &payout.destination).await?;
    let id = payout.id.clone();
    bench.block(move |cx| payouts::mark_sent(cx, &id, &order.reference)).await?;
    Ok(())
}
