//! The real program is killed with SIGKILL, at any moment, while people reserve, send photos, seal and decide. What it
//! had answered stays true, a request that is sent again under its key has one effect, and every invariant holds (I11).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fieldproof::boot::App;
use fieldproof::config::Settings;
use fieldproof::ports::clock::Clock;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::scratch::Scratch;
use crate::support::visit::{Plan, REVIEWER, Round, approved, rejected};
use crate::support::world::{Engine, Person, Reply, World, fresh_database};

/// `FIELDPROOF_TEST_KILLS` asks for more of them.
const KILLS: usize = 5;

#[test]
fn what_was_answered_outlives_a_kill_on_sqlite() {
    play(Engine::Sqlite);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn what_was_answered_outlives_a_kill_on_postgres() {
    play(Engine::Postgres);
}

fn play(engine: Engine) {
    let scratch = Scratch::new();
    let (_, database) = fresh_database(engine, &scratch);
    let settings =
        Settings { database: database.as_ref().map(|d| d.url.clone()), ..Settings::in_folder(scratch.to_path_buf()) };
    let app = App::open(&settings, Clock::System).unwrap();
    actix_web::rt::System::new().block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = fieldproof::web::serve(app.shared(0), listener, 1).unwrap();
        let handle = server.handle();
        let serving = actix_web::rt::spawn(server);
        let world = World::over(app, format!("http://{address}"), scratch, database);
        let round = world.round("Acme", Plan::short().slots(10).stores(12)).await;
        let crowd = world.crowd(8);
        // Work for the reviewers from the first moment on.
        for (n, worker) in world.crowd(24).iter().enumerate() {
            let reserved = worker.reserve(&round.missions[n % 12]).await.created();
            worker.seal(reserved["id"].as_str().unwrap(), &sent_away()).await.created();
        }
        world.work().await;
        let reviewers = [world.staff(REVIEWER).await, world.staff(REVIEWER).await];
        handle.stop(false).await;
        serving.await.unwrap().unwrap();

        let program = Program { settings: &settings, address };
        let scene = Scene { world: &world, stop: Cell::new(false), told: RefCell::default() };
        let mut child = program.start(&world).await;
        let work = join(
            join_all(crowd.iter().enumerate().map(|(n, worker)| scene.visits(worker, &round, n))),
            join_all(reviewers.iter().enumerate().map(|(n, reviewer)| scene.reviews(reviewer, n))),
        );
        let kills = async {
            let kills = std::env::var("FIELDPROOF_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
            for _ in 0..kills {
                let millis = 300 + (world.app.core.dice.id_bits(world.now()) % 1700) as u64;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                child.kill().unwrap();
                child.wait().unwrap();
                child = program.start(&world).await;
            }
            scene.stop.set(true);
        };
        join(work, kills).await;
        scene.everything_stands(&crowd).await;
        child.kill().unwrap();
        child.wait().unwrap();
        program.verifies();
    });
}

/// A visit that could not be done, without any proof: a person decides.
fn sent_away() -> Value {
    json!({ "outcome": "entry_refused" })
}

struct Program<'s> {
    settings: &'s Settings,
    address: String,
}

impl Program<'_> {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldproof"));
        command.arg(name).env_clear().env("FIELDPROOF_DATA", &self.settings.data);
        if let Some(database) = &self.settings.database {
            command.env("FIELDPROOF_DATABASE", database);
        }
        command
    }

    /// Starts it and waits until it answers.
    async fn start(&self, world: &World) -> Child {
        let mut command = self.command("serve");
        command.args(["--listen", &self.address, "--rate-limit", "0", "--run-jobs", "true", "--log-level", "error"]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while world.stranger().try_send_bytes("GET", "/healthz", &[], None).await.is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "the server ended by itself");
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

/// One request and what was answered to it in the end.
struct Told {
    who: String,
    path: String,
    key: String,
    body: Value,
    reply: Reply,
}

struct Scene<'w> {
    world: &'w World,
    stop: Cell<bool>,
    told: RefCell<Vec<Told>>,
}

impl Scene<'_> {
    /// Sends until somebody answers, always under the same key.
    async fn insist(&self, person: &Person<'_>, path: &str, headers: &[(&str, String)], body: &[u8]) -> Reply {
        let begun = Instant::now();
        loop {
            if let Ok(reply) = person.try_send_bytes("POST", path, headers, Some(body.to_vec())).await
                && reply.status != 503
                && reply.json()["code"] != "key_in_flight"
            {
                assert!(reply.status < 500, "{}: {}", reply.asked, reply.text());
                return reply;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody answers {path}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn post(&self, person: &Person<'_>, path: &str, body: Value) -> Reply {
        let key = format!("crash-key-{:08}", self.world.next_number());
        let headers = [("idempotency-key", key.clone()), ("content-type", "application/json".to_owned())];
        let reply = self.insist(person, path, &headers, body.to_string().as_bytes()).await;
        if reply.status < 300 {
            let (who, path) = (person.id.clone(), path.to_owned());
            self.told.borrow_mut().push(Told { who, path, key, body, reply: reply.clone() });
        }
        reply
    }

    /// One visit after the other; every second one gives a reviewer something to do.
    async fn visits(&self, worker: &Person<'_>, round: &Round<'_>, n: usize) {
        for (visit, mission) in round.missions.iter().cycle().skip(n).take(round.missions.len()).enumerate() {
            if self.stop.get() {
                return;
            }
            let reserved = self.post(worker, &format!("/v1/missions/{}/reservations", mission.id), json!({})).await;
            let reserved = reserved.created()["id"].as_str().unwrap().to_owned();
            let path = format!("/v1/reservations/{reserved}/submission");
            if visit % 2 == 1 {
                self.post(worker, &path, sent_away()).await.created();
                continue;
            }
            let check_in = format!("/v1/reservations/{reserved}/check-in");
            self.post(worker, &check_in, json!({ "fixes": [self.world.fix(mission.point)] })).await.ok();
            let shot = self.world.photo("p1", "/shelf", mission.point);
            let upload =
                format!("/v1/reservations/{reserved}/evidence?client_id=p1&question=%2Fshelf&sha256={}", shot.sha256);
            let kind = [("content-type", "image/jpeg".to_owned())];
            let sent = self.insist(worker, &upload, &kind, &shot.bytes).await;
            assert!(matches!(sent.status, 200 | 201), "{}", sent.text());
            let sealed = json!({
                "outcome": "completed", "photos": [shot.announced()],
                "answers": { "shelf": { "photo_ids": ["p1"] }, "facings": { "value": 7 } },
            });
            self.post(worker, &path, sealed).await.created();
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

    /// Every answer is given again word for word, and the lists hold what was answered, once.
    async fn everything_stands(&self, crowd: &[Person<'_>]) {
        let told = self.told.take();
        let seals = told.iter().filter(|t| t.path.ends_with("/submission")).count();
        let decisions: BTreeMap<&str, Value> = told
            .iter()
            .filter_map(|t| {
                let id = t.path.strip_prefix("/v1/admin/submissions/")?.strip_suffix("/decision")?;
                Some((id, t.reply.json()["kind"].clone()))
            })
            .collect();
        assert!(seals > 10 && decisions.len() > 2, "too little happened: {seals} seals, {} decisions", decisions.len());
        for worker in crowd {
            for t in told.iter().filter(|t| t.who == worker.id) {
                let headers = [("idempotency-key", t.key.clone()), ("content-type", "application/json".to_owned())];
                let again = self.insist(worker, &t.path, &headers, t.body.to_string().as_bytes()).await;
                assert_eq!((again.status, again.text()), (t.reply.status, t.reply.text()), "{}", t.path);
            }
            let ids = |suffix: &str| -> BTreeSet<String> {
                let own = told.iter().filter(|t| t.who == worker.id && t.path.ends_with(suffix));
                own.map(|t| t.reply.json()["id"].as_str().unwrap().to_owned()).collect()
            };
            let mut paid = 0;
            for (list, suffix) in [("/v1/reservations", "/reservations"), ("/v1/submissions", "/submission")] {
                let listed = worker.get(&format!("{list}?limit=100")).await.ok();
                let items = listed["items"].as_array().unwrap();
                let found: BTreeSet<String> = items.iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect();
                assert_eq!((&found, items.len()), (&ids(suffix), found.len()), "{list}");
                for item in items {
                    paid += item["pay"]["amount_minor"].as_i64().unwrap_or(0);
                    if let Some(kind) = decisions.get(item["id"].as_str().unwrap()) {
                        assert_eq!(&item["state"], kind, "a decision that was answered stands");
                    }
                }
            }
            assert_eq!(worker.balance_minor().await, paid, "what the submissions say is what the balance holds");
        }
    }
}
