//! Work that nobody waits for: one table of jobs, and the runner that goes through it. Calls to the outside happen here,
//! between two transactions; what is decided and written is decided and written in `ops`. A runner may be killed
//! anywhere: what it had claimed comes back when its lease ends.

mod check_evidence;
mod compare_features;
mod deliver;
mod hide_faces;
pub mod recheck;
pub mod relook;
pub mod send_payouts;
pub mod verify;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::context::{App, Cx};
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::deadlines::{self, Swept};
use crate::ops::work::{self, Claimed};
use crate::ops::{assess, audit_seal, budgets, discovery, faces, gift_codes, outbox, payouts, positions, tax_profiles};

/// One line of the table.
pub struct Job {
    pub name: &'static str,
    pub wake: Wake,
    /// How many of it one process runs side by side.
    pub at_once: Hands,
    /// A claim that is not ended by then is anybody's again.
    pub lease_secs: i64,
    /// Waits between tries; the last one repeats.
    pub retry_secs: &'static [i64],
    /// What happens when it fails for good.
    pub gives_up: &'static str,
    run: Run,
}

/// What starts a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// A row in the table of jobs, of the job's name.
    Queue,
    EverySecs(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hands {
    One,
    Two,
    /// As many as the settings allow for looking at photos.
    PhotoThreads,
}

type Running<T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send>>;

enum Run {
    Sweep(fn(&Cx) -> Outcome<Swept>),
    /// Claims, calls the outside, records; returns how many it ended.
    Outside(fn(Bench) -> Running<usize>),
    Queued(fn(Bench, Claimed) -> Running<()>),
}

const MINUTE: u64 = 60;
/// Nothing of a job is tried more often than this before it is given up.
const TRIES: i64 = 5;

const fn sweep(name: &'static str, every_secs: u64, run: fn(&Cx) -> Outcome<Swept>) -> Job {
    Job {
        name,
        wake: Wake::EverySecs(every_secs),
        at_once: Hands::One,
        lease_secs: 0,
        retry_secs: &[],
        gives_up: "never: a row that cannot be moved is logged and comes again with the next sweep",
        run: Run::Sweep(run),
    }
}

/// In the order in which `run_until_idle` goes through them.
pub const JOBS: &[Job] = &[
    Job {
        name: assess::CHECK_EVIDENCE,
        wake: Wake::Queue,
        at_once: Hands::PhotoThreads,
        lease_secs: 120,
        retry_secs: &[2, 10, 60, 300],
        gives_up: "after 5 tries the photo gets a doubt, so that a person looks at it",
        run: Run::Queued(|bench, claimed| Box::pin(check_evidence::run(bench, claimed))),
    },
    Job {
        name: assess::COMPARE_FEATURES,
        wake: Wake::Queue,
        at_once: Hands::PhotoThreads,
        lease_secs: 120,
        retry_secs: &[2, 10, 60, 300],
        gives_up: "after 5 tries the photo gets a doubt, so that a person looks at it",
        run: Run::Queued(|bench, claimed| Box::pin(compare_features::run(bench, claimed))),
    },
    Job {
        name: assess::ASSESS,
        wake: Wake::Queue,
        at_once: Hands::Two,
        lease_secs: 60,
        retry_secs: &[2, 10, 60, 300],
        gives_up: "after 5 tries the visit goes to a person",
        run: Run::Queued(|bench, claimed| Box::pin(assess_visit(bench, claimed))),
    },
    Job {
        name: faces::HIDE_FACES,
        wake: Wake::Queue,
        at_once: Hands::One,
        lease_secs: 120,
        retry_secs: &[10, 60, 600, 3600],
        gives_up: "never: until it succeeds the brand is not shown the photo",
        run: Run::Queued(|bench, claimed| Box::pin(hide_faces::run(bench, claimed))),
    },
    sweep("search_faces", MINUTE, faces::search_when_idle),
    sweep("expire", 15, deadlines::expire),
    sweep("photos_missing", MINUTE, deadlines::photos_missing),
    sweep("close_silence", MINUTE, deadlines::close_silence),
    sweep("lapse_corrections", MINUTE, deadlines::lapse_corrections),
    sweep("end_appeals", MINUTE, deadlines::end_appeals),
    sweep("decide_appeals", MINUTE, deadlines::decide_appeals),
    sweep("open_rechecks", MINUTE, deadlines::open_rechecks),
    sweep("end_missions", MINUTE, deadlines::end_missions),
    sweep("return_money", 10 * MINUTE, deadlines::return_money),
    sweep("top_up", 5 * MINUTE, budgets::top_up_by_itself),
    sweep("watch_floor", 10 * MINUTE, budgets::watch_floor),
    sweep("alert_caps", 60 * MINUTE, budgets::alert_caps),
    Job {
        name: "send_payouts",
        wake: Wake::EverySecs(30),
        at_once: Hands::One,
        lease_secs: 0,
        retry_secs: &[],
        gives_up: "never: the next run asks the bank about an order whose fate is unknown",
        run: Run::Outside(|bench| {
            Box::pin(async move { send_payouts::run(&bench.app.core, &bench.app.rails, &bench.pace).await })
        }),
    },
    Job {
        name: "ask_rails",
        wake: Wake::EverySecs(10 * MINUTE),
        at_once: Hands::One,
        lease_secs: 0,
        retry_secs: &[],
        gives_up: "never: a payout that a rail has is asked about until the rail's last word",
        run: Run::Outside(|bench| {
            Box::pin(async move { send_payouts::poll(&bench.app.core, &bench.app.rails, &|_, _| Ok(())).await })
        }),
    },
    Job {
        name: payouts::ASK_RAIL,
        wake: Wake::Queue,
        at_once: Hands::One,
        lease_secs: 120,
        retry_secs: &[10, 60, 600, 3600],
        gives_up: "never: the rail's word is asked for until it comes",
        run: Run::Queued(|bench, claimed| Box::pin(ask_rail(bench, claimed))),
    },
    sweep("pay_out", 5 * MINUTE, payouts::pay_out),
    sweep("give_codes", 30, gift_codes::give_codes),
    Job {
        name: "deliver",
        wake: Wake::EverySecs(2),
        at_once: Hands::One,
        lease_secs: 120,
        retry_secs: deliver::RETRY_SECS,
        gives_up: "after 10 tries, about 2 days; the letter stays in the outbox with the last error",
        run: Run::Outside(|bench| Box::pin(deliver::run(bench))),
    },
    Job {
        name: outbox::FORGET_LETTER,
        wake: Wake::Queue,
        at_once: Hands::One,
        lease_secs: 60,
        retry_secs: &[10, 60, 600, 3600],
        gives_up: "never: the letter of somebody who was erased is looked for until it is gone",
        run: Run::Queued(|bench, claimed| Box::pin(forget_letter(bench, claimed))),
    },
    sweep("seal_audit", 5, |cx| Ok(Swept { done: audit_seal::seal_audit(cx)?, failed: Vec::new() })),
    Job {
        name: "measure",
        wake: Wake::EverySecs(15),
        at_once: Hands::One,
        lease_secs: 0,
        retry_secs: &[],
        gives_up: "never: only figures for /metrics",
        run: Run::Outside(|bench| Box::pin(measure(bench))),
    },
    sweep("remind_tax_profiles", 60 * MINUTE, tax_profiles::remind_tax_profiles),
    sweep("send_recaps", 60 * MINUTE, tax_profiles::send_recaps),
    sweep("drop_papers", 60 * MINUTE, tax_profiles::drop_papers),
    sweep("drop_fixes", 60 * MINUTE, positions::drop_fixes),
    sweep("forget_changes", 10 * MINUTE, discovery::forget_changes),
    sweep("sweep_keys", 60 * MINUTE, deadlines::sweep_keys),
];

/// What a job works with.
#[derive(Clone)]
struct Bench {
    app: App,
    /// Name of this process among all that claim work.
    worker: Arc<str>,
    known: Arc<check_evidence::KnownPhotos>,
    room: Arc<check_evidence::Room>,
    pace: Arc<send_payouts::Pace>,
}

impl Bench {
    fn new(app: App) -> Bench {
        let worker = format!("{}:{}", std::process::id(), app.core.dice.trace_id());
        Bench { app, worker: worker.into(), known: Arc::default(), room: Arc::default(), pace: Arc::default() }
    }

    /// Runs what may block on a thread that may.
    async fn block<T: Send + 'static>(&self, f: impl FnOnce(&Cx) -> Outcome<T> + Send + 'static) -> Outcome<T> {
        let cx = self.app.cx();
        tokio::task::spawn_blocking(move || f(&cx)).await.map_err(|_| Failure::fault("a job panicked"))?
    }
}

async fn assess_visit(bench: Bench, claimed: Claimed) -> Outcome<()> {
    bench
        .block(move |cx| {
            let id = crate::domain::ids::SubmissionId::from_stored(claimed.subject.clone());
            assess::assess(cx, &claimed.id, &id, claimed.attempts > TRIES).map(|_| ())
        })
        .await
}

async fn ask_rail(bench: Bench, claimed: Claimed) -> Outcome<()> {
    send_payouts::ask(&bench.app.core, &bench.app.rails, claimed.subject).await?;
    bench.block(move |cx| work::done(cx, &claimed.id)).await
}

async fn forget_letter(bench: Bench, claimed: Claimed) -> Outcome<()> {
    let postman = bench.app.postman.clone();
    bench
        .block(move |cx| {
            postman.forget(&claimed.subject)?;
            work::done(cx, &claimed.id)
        })
        .await
}

/// Work that waits, for the operator's eyes.
async fn measure(bench: Bench) -> Outcome<usize> {
    let waiting = bench.block(work::waiting).await?;
    for line in waiting {
        metrics::gauge!("fieldproof_jobs_waiting", "job" => line.kind, "state" => line.state).set(line.count as f64);
    }
    let (unsealed, _) = bench.block(crate::ops::verify::seal_lag).await?;
    metrics::gauge!("fieldproof_audit_unsealed").set(unsealed as f64);
    Ok(0)
}

/// Runs the table's jobs until it is stopped.
pub struct Runner {
    bench: Bench,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// How often an empty queue is looked at.
const QUEUE_PAUSE: Duration = Duration::from_millis(500);
/// Work in hand may take so long to end when the process is asked to stop.
const STOP_WAIT: Duration = Duration::from_secs(15);

impl Runner {
    /// Starts every job on the current runtime.
    pub fn start(app: App) -> Runner {
        let bench = Bench::new(app);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        for job in JOBS {
            let hands = match job.at_once {
                Hands::One => 1,
                Hands::Two => 2,
                Hands::PhotoThreads => bench.app.photo_threads,
            };
            for _ in 0..hands {
                tasks.push(tokio::spawn(keep_running(bench.clone(), job, stopped.clone())));
            }
        }
        Runner { bench, stop, tasks }
    }

    /// Claims nothing more, waits for what is in hand, gives back the rest.
    pub async fn stop(self) {
        // An error says that no task listens any more.
        let _ = self.stop.send(true);
        let deadline = tokio::time::Instant::now() + STOP_WAIT;
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout_at(deadline, task).await.is_err() {
                abort.abort();
            }
        }
        let worker = self.bench.worker.clone();
        match self.bench.block(move |cx| work::release(cx, &worker)).await {
            Ok(0) => {}
            Ok(given) => tracing::info!(given, "gave back claimed jobs"),
            Err(failure) => tracing::error!(error = failure.to_string(), "claimed jobs were not given back"),
        }
    }
}

/// Runs every job again and again until nothing is due at the present time of the app's clock. For tests and the
/// demonstration; a row that cannot be moved is an error here.
pub async fn run_until_idle(app: &App) -> Outcome<()> {
    let bench = Bench::new(app.clone());
    for _ in 0..1000 {
        let mut ended = 0;
        for job in JOBS {
            ended += run_once(&bench, job).await?;
        }
        if ended == 0 {
            return Ok(());
        }
    }
    Err(Failure::fault("the jobs do not come to rest"))
}

/// Everything of one job that is due; returns how much was ended.
async fn run_once(bench: &Bench, job: &'static Job) -> Outcome<usize> {
    match job.run {
        Run::Queued(run) => {
            let mut ended = 0;
            while work_off_one(bench, job, run).await? {
                ended += 1;
            }
            Ok(ended)
        }
        Run::Outside(run) => run(bench.clone()).await,
        Run::Sweep(run) => {
            let swept = bench.block(run).await?;
            match swept.failed.into_iter().next() {
                None => Ok(swept.done),
                Some((id, failure)) => Err(Failure::fault(format!("{} of {id}: {failure}", job.name))),
            }
        }
    }
}

/// Claims and runs one queued job; false when none is due. A failed try is noted and comes again.
async fn work_off_one(bench: &Bench, job: &'static Job, run: fn(Bench, Claimed) -> Running<()>) -> Outcome<bool> {
    if job.name == faces::HIDE_FACES && bench.app.faces.is_none() {
        // Left to a process that can.
        return Ok(false);
    }
    let worker = bench.worker.clone();
    let claimed = bench.block(move |cx| work::claim(cx, job.name, &worker, job.lease_secs, 1)).await?;
    let Some(claimed) = claimed.into_iter().next() else { return Ok(false) };
    let begun = Instant::now();
    let ended = run(bench.clone(), claimed.clone()).await;
    count(job.name, ended.is_ok(), begun);
    // One job's end is another one's start: a checked photo wakes the assessment.
    bench.app.core.work_came.notify_waiters();
    if let Err(failure) = ended {
        tracing::warn!(
            job = job.name,
            subject = claimed.subject,
            attempts = claimed.attempts,
            error = failure.to_string(),
            "a job failed"
        );
        let wait = usize::try_from(claimed.attempts - 1).unwrap_or(0).min(job.retry_secs.len().saturating_sub(1));
        let wait_secs = job.retry_secs.get(wait).copied().unwrap_or(60);
        let why = failure.to_string();
        bench.block(move |cx| work::failed(cx, &claimed.id, &why, Some(cx.now().plus_secs(wait_secs)))).await?;
    }
    Ok(true)
}

fn count(job: &'static str, well: bool, begun: Instant) {
    let outcome = if well { "done" } else { "failed" };
    metrics::counter!("fieldproof_jobs_total", "job" => job, "outcome" => outcome).increment(1);
    metrics::histogram!("fieldproof_job_seconds", "job" => job).record(begun.elapsed().as_secs_f64());
}

async fn keep_running(bench: Bench, job: &'static Job, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let pause = match (&job.run, job.wake) {
            (Run::Queued(run), _) => match work_off_one(&bench, job, *run).await {
                Ok(true) => continue,
                Ok(false) => QUEUE_PAUSE,
                Err(failure) => complain(job, "the queue", &failure),
            },
            (_, Wake::EverySecs(secs)) => {
                let begun = Instant::now();
                let swept = one_sweep(&bench, job).await;
                count(job.name, swept.is_ok(), begun);
                match swept {
                    // A full batch: there may be more.
                    Ok(done) if done >= deadlines::BATCH_ROWS => continue,
                    Ok(_) => Duration::from_secs(secs),
                    Err(failure) => complain(job, "the sweep", &failure),
                }
            }
            (_, Wake::Queue) => return,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
            () = bench.app.core.work_came.notified(), if job.wake == Wake::Queue => {}
        }
    }
}

async fn one_sweep(bench: &Bench, job: &'static Job) -> Outcome<usize> {
    match job.run {
        Run::Sweep(run) => {
            let swept = bench.block(run).await?;
            for (id, failure) in &swept.failed {
                tracing::error!(job = job.name, id, error = failure.to_string(), "a row could not be moved");
            }
            Ok(swept.done)
        }
        Run::Outside(run) => run(bench.clone()).await,
        Run::Queued(_) => Ok(0),
    }
}

/// Logs, and says how long to wait before the next try.
fn complain(job: &Job, what: &str, failure: &Failure) -> Duration {
    tracing::error!(job = job.name, error = failure.to_string(), "{what} failed");
    Duration::from_secs(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_its_own_name_and_says_what_happens_when_it_gives_up() {
        let mut names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), JOBS.len());
        for job in JOBS {
            assert!(!job.gives_up.is_empty());
            assert_eq!(matches!(job.run, Run::Queued(_)), job.wake == Wake::Queue, "{}", job.name);
        }
    }
}
