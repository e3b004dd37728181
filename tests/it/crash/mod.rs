//! The real program is killed with SIGKILL, or its PostgreSQL is, at any moment and at each write, while people reserve, send photos, seal,
//! decide, publish and are paid. What was answered stays true, a request that is sent again under its key has one effect,
//! nothing is paid twice, and every invariant holds (I11).

mod lost;
mod payouts;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldproof::boot::App;
use fieldproof::config::Settings;
use fieldproof::domain::brand::BrandRole;
use fieldproof::domain::ids::{BrandId, PayoutId};
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::{StaffRole, UserKind};
use fieldproof::ports::clock::Clock;
use futures_util::future::{join_all, join3};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::support::pg;
use crate::support::scratch::Scratch;
use crate::support::visit::{Plan, REVIEWER, approved, campaign, rejected};
use crate::support::world::{Engine, Person, Reply, World, fresh_database};

/// In all; `FIELDPROOF_TEST_KILLS` asks for another number of them.
const KILLS: usize = 20;

/// Calls after which something outlives the program.
const WRITES: &str = "write,sendto,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat";

/// So many fifths of all.
fn kills(fifths: usize) -> usize {
    let all = std::env::var("FIELDPROOF_TEST_KILLS")
        .map_or(KILLS, |text| text.parse().expect("FIELDPROOF_TEST_KILLS is a number"));
    (all * fifths).div_ceil(5)
}

#[test]
fn what_was_answered_outlives_a_kill_on_sqlite() {
    play(Database::Folder);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn what_was_answered_outlives_a_kill_on_postgres() {
    play(Database::Postgres);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn what_was_answered_outlives_a_kill_of_postgres() {
    play(Database::KilledPostgres(Arc::new(pg::Cluster::start())));
}

/// At each of so many writes and flushes; `FIELDPROOF_TEST_SYSCALLS` asks for another number of them.
const SYSCALLS: usize = 100;

#[test]
#[ignore = "needs strace: tests/run"]
fn what_was_answered_outlives_a_kill_at_each_write_and_flush() {
    play(Database::Traced);
}

enum Database {
    Folder,
    /// The same, and the kernel kills the program at a write or flush that was chosen before.
    Traced,
    Postgres,
    /// Of its own, and killed instead of the program.
    KilledPostgres(Arc<pg::Cluster>),
}

fn play(database: Database) {
    let scratch = Scratch::new();
    let (url, clone) = match &database {
        Database::Folder | Database::Traced => (None, None),
        Database::Postgres => {
            let (_, clone) = fresh_database(Engine::Postgres, &scratch);
            (clone.as_ref().map(|c| c.url.clone()), clone)
        }
        Database::KilledPostgres(cluster) => (Some(cluster.url.clone()), None),
    };
    let settings = Settings { database: url, ..Settings::in_folder(scratch.to_path_buf()) };
    let app = App::open(&settings, Clock::System).unwrap();
    actix_web::rt::System::new().block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = fieldproof::web::serve(app.shared(0), listener, 1).unwrap();
        let handle = server.handle();
        let serving = actix_web::rt::spawn(server);
        let world = World::over(app, format!("http://{address}"), scratch, clone);
        let round =
            world.round("Acme", Plan { funds_minor: 1_000_000_000, ..Plan::short().slots(10).stores(12) }).await;
        let crowd = world.crowd(8);
        let mut methods = BTreeMap::new();
        for worker in &crowd {
            methods.insert(worker.id.clone(), worker.test_method().await);
        }
        let staff = async |role| world.staff(role).await.signed(UserKind::Staff, Some(role), None);
        let reviewers = [staff(REVIEWER).await, staff(REVIEWER).await];
        let clerk = staff(StaffRole::Finance).await;
        let brand = BrandId::parse(&round.brand).unwrap();
        let owner = round.owner.signed(UserKind::Brand, None, Some((brand, BrandRole::Owner)));
        let stores: Vec<&String> = round.missions.iter().map(|m| &m.store).collect();
        let scene = Scene {
            campaign: campaign(&round.plan, &stores, world.now()),
            places: round.missions.iter().map(|m| (m.store.clone(), m.point)).collect(),
            missions: RefCell::new(round.missions.into_iter().map(|m| (m.id, m.point)).collect()),
            publishing: Mutex::default(),
            methods,
            owner: &owner,
            world: &world,
            stop: Cell::new(false),
            told: RefCell::default(),
            busy: Cell::new(0),
        };
        // Work for the reviewers from the first moment on, and pay for everybody to ask for.
        for (n, worker) in world.crowd(24).iter().enumerate() {
            scene.is_sent_away(worker, &scene.mission(n % 12).await.0).await;
        }
        for (n, worker) in crowd.iter().enumerate() {
            let sealed = scene.is_sent_away(worker, &scene.mission(n).await.0).await;
            world.work().await;
            reviewers[0].rules(sealed["id"].as_str().unwrap(), approved()).await;
        }
        handle.stop(false).await;
        serving.await.unwrap().unwrap();

        let program = Program { settings: &settings, address };
        let mut child = program.start(&world, true).await;
        let work = join3(
            join_all(crowd.iter().enumerate().map(|(n, worker)| scene.visits(worker, n))),
            join_all(reviewers.iter().enumerate().map(|(n, reviewer)| scene.reviews(reviewer, n))),
            scene.pays(&clerk),
        );
        let accidents = async {
            if matches!(database, Database::Traced) {
                child.kill();
                program.dies_at_each_write(&world).await;
                child = program.start(&world, true).await;
                scene.stop.set(true);
                return;
            }
            let fifths = if matches!(database, Database::KilledPostgres(_)) { 1 } else { 2 };
            for _ in 0..kills(fifths) {
                let millis = 300 + (world.app.core.dice.id_bits(world.now()) % 1700) as u64;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                match &database {
                    Database::Folder | Database::Traced | Database::Postgres => {
                        child.kill();
                        child = program.start(&world, true).await;
                    }
                    Database::KilledPostgres(cluster) => {
                        outage(&world, cluster).await;
                        assert!(child.lives(), "the server ended by itself");
                    }
                }
            }
            scene.stop.set(true);
        };
        futures_util::future::join(work, accidents).await;
        if matches!(database, Database::KilledPostgres(_)) {
            assert!(scene.busy.get() > 0, "nobody noticed that there was no database");
        }
        child.kill();

        // What is left of the work is done here, and then nothing moves while people look.
        world.work().await;
        let mut child = program.start(&world, false).await;
        scene.everything_stands(&crowd, &[&reviewers[0], &reviewers[1], &clerk, &owner]).await;
        child.kill();
        program.verifies();
    });
}

/// PostgreSQL dies and comes back. The program lives, says that it is not ready, and is ready again by itself.
async fn outage(world: &World, cluster: &Arc<pg::Cluster>) {
    let watcher = world.stranger();
    cluster.crash();
    assert_eq!(watcher.get("/healthz").await.status, 200);
    watcher.get("/readyz").await.refused(Code::Busy);
    let coming = cluster.clone();
    tokio::task::spawn_blocking(move || coming.resume()).await.unwrap();
    let begun = Instant::now();
    while watcher.get("/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server does not find its database again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Program<'s> {
    settings: &'s Settings,
    address: String,
}

impl Program<'_> {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldproof"));
        command.arg(name).env_clear().env("FIELDPROOF_DATA", &self.settings.data);
        command.env("FIELDPROOF_RAIL_TEST", "true").env("FIELDPROOF_TAX_PROFILE_TO_PAY", "false");
        if let Some(database) = &self.settings.database {
            command.env("FIELDPROOF_DATABASE", database);
        }
        command
    }

    fn serve(&self, with_jobs: bool) -> Command {
        let mut command = self.command("serve");
        command.args(["--listen", &self.address, "--rate-limit", "0", "--log-level", "error"]);
        command.args(["--run-jobs", if with_jobs { "true" } else { "false" }]);
        command
    }

    /// The program under strace, which kills it as soon as one of its threads begins its `nth` call that writes, sends,
    /// flushes or names a file.
    fn traced(&self, nth: usize) -> Running {
        let inner = self.serve(true);
        let mut command = Command::new("strace");
        command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={WRITES}")]);
        command.args(["-e", &format!("inject={WRITES}:signal=SIGKILL:when={nth}")]);
        command.arg(inner.get_program()).args(inner.get_args()).env_clear();
        command.envs(std::env::var("PATH").map(|path| ("PATH", path)));
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // A group of its own: strace lets the program live when it is killed itself.
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().expect("strace is installed"))
    }

    /// Work goes on around it: each death meets whatever was being written then.
    async fn dies_at_each_write(&self, world: &World) {
        let deaths = std::env::var("FIELDPROOF_TEST_SYSCALLS")
            .map_or(SYSCALLS, |text| text.parse().expect("FIELDPROOF_TEST_SYSCALLS is a number"));
        let mut served = 0;
        for death in 0..deaths {
            // Some of them while it starts, most while it serves.
            let mut child = self.traced(1 + death * 7 % 200);
            let begun = Instant::now();
            let mut answered = false;
            while child.lives() {
                answered |= world.stranger().try_send_bytes("GET", "/healthz", &[], None).await.is_ok();
                assert!(begun.elapsed() < Duration::from_secs(60), "it makes no more writes");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            served += usize::from(answered);
        }
        assert!(served > deaths / 2, "{served} of {deaths} deaths met a program that served");
        println!("{deaths} deaths, {served} of them while it served");
    }

    /// Starts it and waits until it answers.
    async fn start(&self, world: &World, with_jobs: bool) -> Running {
        let mut command = self.serve(with_jobs);
        let mut child = Running(command.stdout(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while world.stranger().try_send_bytes("GET", "/healthz", &[], None).await.is_err() {
            assert!(child.lives(), "the server ended by itself");
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child
    }

    fn verifies(&self) {
        let out = self.command("verify").output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(out.status.success(), "{}\n{}", said(&out.stdout), said(&out.stderr));
    }
}

/// A server that does not outlive its test.
struct Running(Child);

impl Running {
    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request and what was answered to it in the end.
struct Told {
    who: String,
    path: String,
    key: String,
    body: Value,
    reply: Reply,
}

type Place = (f64, f64);

struct Scene<'w> {
    world: &'w World,
    stop: Cell<bool>,
    told: RefCell<Vec<Told>>,
    /// How often somebody was told to come again.
    busy: Cell<usize>,
    owner: &'w Person<'w>,
    /// What the brand publishes again and again, and where its stores are.
    campaign: Value,
    places: BTreeMap<String, Place>,
    missions: RefCell<Vec<(String, Place)>>,
    publishing: Mutex<()>,
    /// Where each worker is paid to.
    methods: BTreeMap<String, String>,
}

impl Scene<'_> {
    /// Sends until somebody answers, always the same.
    async fn insist(
        &self,
        person: &Person<'_>,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Reply {
        let begun = Instant::now();
        loop {
            match person.try_send_bytes(method, path, headers, body.map(<[u8]>::to_vec)).await {
                // Nobody is there.
                Err(_) => {}
                Ok(reply) if reply.status == 503 => {
                    reply.refused(Code::Busy);
                    assert!(reply.headers.contains_key("retry-after"), "{}", reply.asked);
                    self.busy.set(self.busy.get() + 1);
                }
                Ok(reply) if reply.json()["code"] == Code::KeyInFlight.as_str() => {}
                Ok(reply) => {
                    assert!(reply.status < 500, "{}: {}", reply.asked, reply.text());
                    return reply;
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody answers {path}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn send(&self, person: &Person<'_>, path: &str, key: &str, body: &Value) -> Reply {
        let headers = [("idempotency-key", key.to_owned()), ("content-type", "application/json".to_owned())];
        self.insist(person, "POST", path, &headers, Some(body.to_string().as_bytes())).await
    }

    async fn post(&self, person: &Person<'_>, path: &str, body: Value) -> Reply {
        let key = format!("crash-key-{:08}", self.world.next_number());
        let reply = self.send(person, path, &key, &body).await;
        if reply.status < 300 {
            let (who, path) = (person.id.clone(), path.to_owned());
            self.told.borrow_mut().push(Told { who, path, key, body, reply: reply.clone() });
        }
        reply
    }

    /// A list from its first page to its last.
    async fn listed(&self, person: &Person<'_>, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.insist(person, "GET", &format!("{path}?limit=100{cursor}"), &[], None).await.ok();
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The mission of this number; the brand publishes one more campaign where there are not so many yet.
    async fn mission(&self, n: usize) -> (String, Place) {
        let _one = self.publishing.lock().await;
        while self.missions.borrow().len() <= n {
            let made = self.post(self.owner, "/v1/brand/campaigns", self.campaign.clone()).await.created();
            let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
            self.post(self.owner, &format!("{path}/publish"), json!({})).await.ok();
            let listed = self.listed(self.owner, &format!("{path}/missions")).await;
            let text = |mission: &Value, name: &str| mission[name].as_str().unwrap().to_owned();
            let placed = listed.iter().map(|m| (text(m, "id"), self.places[&text(m, "store_id")]));
            self.missions.borrow_mut().extend(placed);
        }
        self.missions.borrow()[n].clone()
    }

    async fn reserves(&self, worker: &Person<'_>, mission: &str) -> String {
        let reserved = self.post(worker, &format!("/v1/missions/{mission}/reservations"), json!({})).await.created();
        reserved["id"].as_str().unwrap().to_owned()
    }

    /// A visit that could not be done, without any proof: a person decides.
    async fn is_sent_away(&self, worker: &Person<'_>, mission: &str) -> Value {
        let reserved = self.reserves(worker, mission).await;
        let sealed = json!({ "outcome": "entry_refused" });
        self.post(worker, &format!("/v1/reservations/{reserved}/submission"), sealed).await.created()
    }

    /// One visit after the other; every second one gives a reviewer something to do, and now and then there is pay.
    async fn visits(&self, worker: &Person<'_>, n: usize) {
        for visit in 0.. {
            if self.stop.get() {
                return;
            }
            if visit % 3 == 0 {
                let asked = json!({ "method_id": self.methods[&worker.id] });
                let reply = self.post(worker, "/v1/payouts", asked).await;
                if reply.status != 201 {
                    reply.refused(Code::NothingToPay);
                }
            }
            let (mission, point) = self.mission(n + 1 + visit).await;
            if visit % 2 == 1 {
                self.is_sent_away(worker, &mission).await;
                continue;
            }
            let reserved = self.reserves(worker, &mission).await;
            let check_in = format!("/v1/reservations/{reserved}/check-in");
            self.post(worker, &check_in, json!({ "fixes": [self.world.fix(point)] })).await.ok();
            let shot = self.world.photo("p1", "/shelf", point);
            let upload =
                format!("/v1/reservations/{reserved}/evidence?client_id=p1&question=%2Fshelf&sha256={}", shot.sha256);
            let kind = [("content-type", "image/jpeg".to_owned())];
            let sent = self.insist(worker, "POST", &upload, &kind, Some(&shot.bytes)).await;
            assert!(matches!(sent.status, 200 | 201), "{}", sent.text());
            let sealed = json!({
                "outcome": "completed", "photos": [shot.announced()],
                "answers": { "shelf": { "photo_ids": ["p1"] }, "facings": { "value": 7 } },
            });
            self.post(worker, &format!("/v1/reservations/{reserved}/submission"), sealed).await.created();
        }
    }

    async fn reviews(&self, reviewer: &Person<'_>, n: usize) {
        let mut count = n;
        while !self.stop.get() {
            let claimed = self.post(reviewer, "/v1/admin/reviews/claim", json!({})).await;
            if claimed.status == 404 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let id = claimed.ok()["submission_id"].as_str().unwrap().to_owned();
            count += 1;
            let verdict = if count.is_multiple_of(2) { approved() } else { rejected() };
            self.post(reviewer, &format!("/v1/admin/submissions/{id}/decision"), verdict).await.created();
        }
    }

    /// Lets money go, and says what the bank says: most of it arrives, some comes back.
    async fn pays(&self, clerk: &Person<'_>) {
        let mut count = 0;
        while !self.stop.get() {
            for payout in self.listed(clerk, "/v1/admin/payouts").await {
                let (step, said) = match payout["state"].as_str().unwrap() {
                    "requested" => ("approve", json!({})),
                    "sent" if count % 4 == 3 => ("return", json!({ "reason": "no such account" })),
                    "sent" => ("settle", json!({})),
                    _ => continue,
                };
                count += 1;
                let path = format!("/v1/admin/payouts/{}/{step}", payout["id"].as_str().unwrap());
                self.post(clerk, &path, said).await.ok();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every answer is given again word for word, and the lists hold what was answered, once.
    async fn everything_stands(&self, crowd: &[Person<'_>], others: &[&Person<'_>]) {
        let told = self.told.take();
        for person in crowd.iter().chain(others.iter().copied()) {
            for t in told.iter().filter(|t| t.who == person.id) {
                let again = self.send(person, &t.path, &t.key, &t.body).await;
                assert_eq!((again.status, again.text()), (t.reply.status, t.reply.text()), "{}", t.path);
            }
        }
        // What was said last about each thing under this address.
        let last = |before: &str, after: &[&str]| -> BTreeMap<String, &Told> {
            let of = |t: &Told| {
                let (id, step) = t.path.strip_prefix(before)?.split_once('/')?;
                after.contains(&step).then(|| id.to_owned())
            };
            told.iter().filter_map(|t| Some((of(t)?, t))).collect()
        };
        let decisions = last("/v1/admin/submissions/", &["decision"]);
        let payments = last("/v1/admin/payouts/", &["approve", "settle", "return"]);
        let (mut seals, mut orders) = (0, 0);
        for worker in crowd {
            let answered = |suffix: &str| -> BTreeSet<String> {
                let own = told.iter().filter(|t| t.who == worker.id && t.path.ends_with(suffix));
                own.map(|t| t.reply.json()["id"].as_str().unwrap().to_owned()).collect()
            };
            let listed = async |list: &str, suffix: &str| -> Vec<Value> {
                let items = self.listed(worker, list).await;
                let found: BTreeSet<String> = items.iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect();
                assert_eq!((&found, items.len()), (&answered(suffix), found.len()), "{list}");
                items
            };
            listed("/v1/reservations", "/reservations").await;
            let mut earned = 0;
            for visit in listed("/v1/submissions", "/submission").await {
                seals += 1;
                earned += visit["pay"]["amount_minor"].as_i64().unwrap_or(0);
                if let Some(t) = decisions.get(visit["id"].as_str().unwrap()) {
                    assert_eq!(visit["state"], t.reply.json()["kind"], "a decision that was answered stands");
                }
            }
            let mut gone = 0;
            for payout in listed("/v1/payouts", "/v1/payouts").await {
                let id = payout["id"].as_str().unwrap();
                let expected = match payments.get(id).map(|t| t.path.rsplit('/').next().unwrap()) {
                    None => "requested",
                    Some("approve") => "sent",
                    Some("settle") => "settled",
                    Some(_) => "returned",
                };
                assert_eq!(payout["state"], expected, "a payment that was answered stands");
                let order = self.world.app.rails.test.find(&PayoutId::parse(id).unwrap()).await.unwrap();
                let ordered = order.map(|order| json!(order.amount));
                assert_eq!(ordered, (expected != "requested").then(|| payout["amount"].clone()), "{payout}");
                orders += usize::from(ordered.is_some());
                if expected != "returned" {
                    gone += payout["amount"]["amount_minor"].as_i64().unwrap();
                }
            }
            let balance = worker.get("/v1/balance").await.ok()["balances"][0].clone();
            let minor = |name: &str| balance[name]["amount_minor"].as_i64().unwrap_or(0);
            let left = [minor("available"), minor("in_payout") + minor("paid_out")];
            assert_eq!(left, [earned - gone, gone], "what was earned is here or was sent, once");
        }
        let happened = (seals, decisions.len(), orders);
        assert!(seals > 10 && decisions.len() > 2 && orders > 0, "seals, decisions, orders: {happened:?}");
        println!("{} answers, {happened:?} seals, decisions, orders, {} asked to wait", told.len(), self.busy.get());
    }
}
