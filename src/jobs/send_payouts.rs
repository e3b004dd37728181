//! Takes approved payouts to the bank: marks one as *sending*, gives the order under the payout's id, records the answer.
//! Killed in between, the next run finds it *sending* and asks the bank first; the id is the bank's key, so an order that
//! is given twice pays once (I08). Decides nothing.

use std::sync::Arc;

use crate::context::{Core, Cx, fresh_request_id};
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::payouts::{self, PayoutView};
use crate::ports::bank::TestBank;

/// Payouts of one run.
const BATCH: i64 = 100;

/// One run; returns how many payouts the bank took. An order that fails is left for the next run, and does not keep the
/// others from going; the first failure is returned when all were tried.
pub async fn run(core: &Arc<Core>, bank: &TestBank) -> Outcome<usize> {
    let cx = Cx::new(core.clone(), fresh_request_id());
    let mut failed = None;
    let mut sent = reconcile(&cx, bank, &mut failed).await?;
    for payout in blocking(&cx, |cx| payouts::to_send(cx, BATCH)).await? {
        let id = payout.id.clone();
        if blocking(&cx, move |cx| payouts::mark_sending(cx, &id)).await? {
            sent += keep(order(&cx, bank, &payout).await, &mut failed);
        }
    }
    failed.map_or(Ok(sent), Err)
}

/// What an earlier run left in doubt.
async fn reconcile(cx: &Cx, bank: &TestBank, failed: &mut Option<Failure>) -> Outcome<usize> {
    let mut sent = 0;
    for payout in blocking(cx, |cx| payouts::stuck_sending(cx, BATCH)).await? {
        sent += keep(order(cx, bank, &payout).await, failed);
    }
    Ok(sent)
}

/// Asks whether the bank has the order, else gives it; then records its reference.
async fn order(cx: &Cx, bank: &TestBank, payout: &PayoutView) -> Outcome<bool> {
    let order = match bank.find(&payout.id).await? {
        Some(order) => order,
        None => bank.send(&payout.id, payout.amount, &payout.destination).await?,
    };
    let id = payout.id.clone();
    blocking(cx, move |cx| payouts::mark_sent(cx, &id, &order.reference)).await
}

fn keep(result: Outcome<bool>, failed: &mut Option<Failure>) -> usize {
    match result {
        Ok(sent) => usize::from(sent),
        Err(failure) => {
            failed.get_or_insert(failure);
            0
        }
    }
}

/// Runs an operation on a thread that may block.
async fn blocking<T: Send + 'static>(cx: &Cx, f: impl FnOnce(&Cx) -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let cx = cx.clone();
    let done = tokio::task::spawn_blocking(move || f(&cx)).await;
    done.map_err(|_| Failure::fault("an operation panicked"))?
}
