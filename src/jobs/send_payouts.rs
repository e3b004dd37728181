//! Takes approved payouts to their rail: marks one as *sending*, sends the order under the payout's id, records the answer;
//! and asks about those that a rail has. Killed in between, or left without an answer, the next run finds the payout
//! *sending* and asks first; the id is the rail's key, so an order that is sent twice pays once (I08). Decides nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::context::{Core, Cx, fresh_request_id};
use crate::domain::ids::PayoutId;
use crate::domain::payout::{Order, Rail, Said};
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::time::At;
use crate::ops::payouts;
use crate::ports::bank::{Rails, Reply};

/// Payouts of one look.
const BATCH: i64 = 100;

/// An order that was left in doubt is tried again after so long; twice as long with each further try.
const FIRST_WAIT_SECS: i64 = 30;
const WAIT_MAX_SECS: i64 = 3600;

/// When orders that were left in doubt are tried again. Known to this process only: one that begins anew tries at once.
#[derive(Default)]
pub struct Pace(Mutex<HashMap<PayoutId, (u32, At)>>);

impl Pace {
    fn kept(&self) -> MutexGuard<'_, HashMap<PayoutId, (u32, At)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, id: &PayoutId, now: At) -> bool {
        self.kept().get(id).is_none_or(|(_, at)| *at <= now)
    }

    fn in_doubt(&self, id: &PayoutId, now: At) {
        let mut kept = self.kept();
        let tries = kept.get(id).map_or(0, |(tries, _)| *tries);
        let wait = WAIT_MAX_SECS.min(FIRST_WAIT_SECS << tries.min(10));
        kept.insert(id.clone(), (tries + 1, now.plus_secs(wait)));
    }

    fn forget(&self, id: &PayoutId) {
        self.kept().remove(id);
    }
}

/// Every place at which a process can end; a test ends it at each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Found,
    Marked,
    Asked,
    Sent,
    Recorded,
    Polled,
    Ended,
}

impl Step {
    pub const ALL: &'static [Step] =
        &[Step::Found, Step::Marked, Step::Asked, Step::Sent, Step::Recorded, Step::Polled, Step::Ended];
}

/// Told at each step; an error ends the run there, as if the process had ended.
pub type Watch = dyn Fn(Step, &PayoutId) -> Outcome<()> + Send + Sync;

/// One run; returns how many payouts moved. An order that fails is left for the next run, and does not keep the others
/// from going; the first failure is returned when all were tried.
pub async fn run(core: &Arc<Core>, rails: &Rails, pace: &Pace) -> Outcome<usize> {
    send(core, rails, pace, &|_, _| Ok(())).await
}

pub async fn send(core: &Arc<Core>, rails: &Rails, pace: &Pace, watch: &Watch) -> Outcome<usize> {
    let run = Run::new(core, rails, pace, watch);
    let mut told = Told::default();
    // What an earlier run left in doubt comes first.
    let mut after = None;
    while let Some(orders) = page(&run.cx, &mut after, payouts::stuck_sending).await? {
        for order in orders.iter().filter(|order| pace.is_due(&order.payout, run.cx.now())) {
            if run.may_speak(order.rail) {
                told.keep(run.bring(order).await)?;
            }
        }
    }
    let mut after = None;
    while let Some(orders) = page(&run.cx, &mut after, payouts::to_send).await? {
        for order in &orders {
            if run.may_speak(order.rail) {
                told.keep(run.begin(order).await)?;
            }
        }
    }
    told.end()
}

/// Asks rails what became of the orders they have.
pub async fn poll(core: &Arc<Core>, rails: &Rails, watch: &Watch) -> Outcome<usize> {
    let pace = Pace::default();
    let run = Run::new(core, rails, &pace, watch);
    let (mut told, mut after) = (Told::default(), None);
    while let Some(orders) = page(&run.cx, &mut after, payouts::to_ask).await? {
        for order in &orders {
            if run.may_speak(order.rail) {
                told.keep(run.follow(order).await)?;
            }
        }
    }
    told.end()
}

/// The next orders of a list; `None` at its end.
async fn page(
    cx: &Cx,
    after: &mut Option<PayoutId>,
    list: fn(&Cx, Option<&PayoutId>, i64) -> Outcome<Vec<Order>>,
) -> Outcome<Option<Vec<Order>>> {
    let from = after.take();
    let orders = blocking(cx, move |cx| list(cx, from.as_ref(), BATCH)).await?;
    *after = orders.last().map(|order| order.payout.clone());
    Ok((!orders.is_empty()).then_some(orders))
}

/// What a run has done, and its first failure.
#[derive(Default)]
struct Told {
    moved: usize,
    failed: Option<Failure>,
}

impl Told {
    fn keep(&mut self, result: Result<usize, Stop>) -> Outcome<()> {
        match result {
            Ok(n) => self.moved += n,
            Err(Stop::Failed(failure)) => {
                self.failed.get_or_insert(failure);
            }
            Err(Stop::Watched(failure)) => return Err(failure),
        }
        Ok(())
    }

    fn end(self) -> Outcome<usize> {
        self.failed.map_or(Ok(self.moved), Err)
    }
}

/// Asks a rail about one payout, whatever is known of it here. `subject` is the payout, and after a space the name that the
/// rail is said to have given it, where we have heard of none.
pub async fn ask(core: &Arc<Core>, rails: &Rails, subject: String) -> Outcome<()> {
    let pace = Pace::default();
    let run = Run::new(core, rails, &pace, &|_, _| Ok(()));
    let (payout, offered) = match subject.split_once(' ') {
        Some((payout, offered)) => (payout.to_owned(), Some(offered.to_owned())),
        None => (subject, None),
    };
    let (id, name) = (PayoutId::from_stored(payout), offered.clone());
    let asked = blocking(&run.cx, move |cx| payouts::to_ask_about(cx, &id, name)).await?;
    let Some((order, state)) = asked else { return Ok(()) };
    let reply = run.rails.ask(&order).await?;
    let told = match reply {
        // What somebody offered was not ours, or the rail has forgotten what ended long ago.
        Reply::Gone | Reply::Unknown(_) if offered.is_some() => return Ok(()),
        Reply::Gone if state.ended() => return Ok(()),
        Reply::Gone => return Err(Failure::fault("the rail does not know its own name of a payout")),
        Reply::Unknown(why) | Reply::Away(why) => return Err(Failure::fault(why)),
        Reply::Unheard => return Ok(()),
        Reply::Said(said) => said,
    };
    // It is ours: from here on its name is known.
    let names = offered.map(|name| Reply::Said(Said::Accepted(name)));
    for reply in names.into_iter().chain([Reply::Said(told)]) {
        match run.record(&order, reply).await {
            Ok(_) => {}
            Err(Stop::Failed(failure) | Stop::Watched(failure)) => return Err(failure),
        }
    }
    Ok(())
}

enum Stop {
    Failed(Failure),
    Watched(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

struct Run<'r> {
    cx: Cx,
    rails: &'r Rails,
    pace: &'r Pace,
    watch: &'r Watch,
    /// Rails that took nothing in this run: nothing more is brought to them, each would wait as long.
    away: Mutex<HashSet<Rail>>,
}

impl<'r> Run<'r> {
    fn new(core: &Arc<Core>, rails: &'r Rails, pace: &'r Pace, watch: &'r Watch) -> Run<'r> {
        Run { cx: Cx::new(core.clone(), fresh_request_id()), rails, pace, watch, away: Mutex::default() }
    }
}

impl Run<'_> {
    fn may_speak(&self, rail: Rail) -> bool {
        self.rails.speak(rail) && !self.away.lock().unwrap_or_else(PoisonError::into_inner).contains(&rail)
    }

    fn at(&self, step: Step, order: &Order) -> Result<(), Stop> {
        (self.watch)(step, &order.payout).map_err(Stop::Watched)
    }

    /// One that waits to be sent.
    async fn begin(&self, order: &Order) -> Result<usize, Stop> {
        self.at(Step::Found, order)?;
        let id = order.payout.clone();
        if !blocking(&self.cx, move |cx| payouts::mark_sending(cx, &id)).await? {
            return Ok(0);
        }
        self.at(Step::Marked, order)?;
        self.bring(order).await
    }

    /// One that the rail may have: asks, sends when it was not heard of, records.
    async fn bring(&self, order: &Order) -> Result<usize, Stop> {
        let mut reply = self.rails.ask(order).await?;
        self.at(Step::Asked, order)?;
        if reply == Reply::Unheard {
            let id = order.payout.clone();
            if !blocking(&self.cx, move |cx| payouts::is_sending(cx, &id)).await? {
                return Ok(0);
            }
            reply = self.rails.send(order).await?;
            self.at(Step::Sent, order)?;
        }
        match reply {
            Reply::Said(_) => self.pace.forget(&order.payout),
            _ => self.pace.in_doubt(&order.payout, self.cx.now()),
        }
        let moved = self.record(order, reply).await?;
        self.at(Step::Recorded, order)?;
        Ok(moved)
    }

    /// One that the rail has.
    async fn follow(&self, order: &Order) -> Result<usize, Stop> {
        let reply = self.rails.ask(order).await?;
        self.at(Step::Polled, order)?;
        let moved = self.record(order, reply).await?;
        self.at(Step::Ended, order)?;
        Ok(moved)
    }

    async fn record(&self, order: &Order, reply: Reply) -> Result<usize, Stop> {
        if matches!(reply, Reply::Away(_)) {
            self.away.lock().unwrap_or_else(PoisonError::into_inner).insert(order.rail);
        }
        let said: Said = match reply {
            Reply::Said(said) => said,
            Reply::Unheard => return Ok(0),
            Reply::Unknown(why) | Reply::Away(why) => return Ok(doubted(order, &why)),
            Reply::Gone => return Ok(doubted(order, "the rail does not know its own name of it")),
        };
        let id = order.payout.clone();
        Ok(usize::from(blocking(&self.cx, move |cx| payouts::record_word(cx, &id, &said)).await?))
    }
}

fn doubted(order: &Order, why: &str) -> usize {
    tracing::warn!(payout = order.payout.as_str(), rail = order.rail.as_str(), why, "a rail left us in doubt");
    0
}

/// Runs an operation on a thread that may block.
async fn blocking<T: Send + 'static>(cx: &Cx, f: impl FnOnce(&Cx) -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let cx = cx.clone();
    let done = tokio::task::spawn_blocking(move || f(&cx)).await;
    done.map_err(|_| Failure::fault("an operation panicked"))?
}
