//! A world to tell stories in: a server on a database of its own, a clock that stands still until it is moved, and
//! people who do everything through HTTP. Every request and answer is checked against openapi.yaml, and the invariants
//! are verified when the story ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fieldproof::access::Identity;
use fieldproof::access::token::Keys;
use fieldproof::access::vault::Vault;
use fieldproof::checks::faces::Finder;
use fieldproof::context::{App, Core, Cx, Rules};
use fieldproof::db::rows::UserRow;
use fieldproof::db::{Conn, Place, migrate};
use fieldproof::domain::brand::BrandRole;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::{BrandId, Minted, SessionId, UserId};
use fieldproof::domain::payout::PayoutRules;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::sepa::Debtor;
use fieldproof::domain::time::At;
use fieldproof::domain::user::{StaffRole, UserKind, UserState};
use fieldproof::ports::bank::{Rails, TestBank};
use fieldproof::ports::blobs::Blobs;
use fieldproof::ports::clock::Clock;
use fieldproof::ports::mail::Postman;
use fieldproof::web::{RateLimit, Shared};
use serde_json::{Value, json};

use super::scratch::Scratch;
use super::{contract, fingerprint, pg, sqlite};

/// Tuesday, ten in the morning in Zurich.
pub const MORNING: &str = "2026-03-10T09:00:00Z";
pub const PASSWORD: &str = "correct horse battery";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Tells each story on both databases; the PostgreSQL twin needs the cluster that `tests/run` starts.
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[test]
            fn sqlite() {
                $crate::support::world::play($crate::support::world::Engine::Sqlite, async |$world| $body);
            }

            #[test]
            #[ignore = "needs PostgreSQL: tests/run"]
            fn postgres() {
                $crate::support::world::play($crate::support::world::Engine::Postgres, async |$world| $body);
            }
        }
    )+ };
}
pub(crate) use both;

pub struct World {
    pub app: App,
    pub url: String,
    client: reqwest::Client,
    keys_used: AtomicU64,
    people: AtomicU64,
    _scratch: Scratch,
    _database: Option<pg::Database>,
}

fn migrations() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let read = |engine: &str| {
        let mut folders: Vec<_> = std::fs::read_dir(root.join(engine)).unwrap().map(|e| e.unwrap().path()).collect();
        folders.sort();
        folders.iter().map(|f| std::fs::read_to_string(f.join("up.sql")).unwrap()).collect::<String>()
    };
    fingerprint([read("sqlite"), read("postgres")])
}

/// A migrated database of one's own.
pub fn fresh_database(engine: Engine, scratch: &Path) -> (Place, Option<pg::Database>) {
    let migrated = |place: Place| {
        migrate::run(&mut Conn::open(&place, false).unwrap()).unwrap();
    };
    match engine {
        Engine::Sqlite => {
            let template = sqlite::template(&migrations(), |path| migrated(Place::Sqlite(path.to_owned())));
            let file = scratch.join("fieldproof.db");
            sqlite::copy(&template, &file);
            (Place::Sqlite(file), None)
        }
        Engine::Postgres => {
            let template = pg::template(&migrations(), |url| migrated(Place::Postgres(url.to_owned())));
            let database = pg::Database::cloned(&template);
            (Place::Postgres(database.url.clone()), Some(database))
        }
    }
}

pub fn fresh_keys() -> Keys {
    Keys::load(&BTreeMap::from([("test".to_owned(), Keys::generate().unwrap())])).unwrap()
}

pub fn fresh_vault() -> Vault {
    Vault::load(&BTreeMap::from([("test".to_owned(), Vault::generate().unwrap())])).unwrap()
}

/// Runs a story over a local folder, then verifies the invariants.
pub fn play(engine: Engine, story: impl AsyncFnOnce(&World)) {
    play_over(engine, |scratch| Blobs::folder(&scratch.join("blobs")).unwrap(), story);
}

/// The same with photos kept elsewhere.
pub fn play_over(engine: Engine, blobs: impl FnOnce(&Scratch) -> Blobs, story: impl AsyncFnOnce(&World)) {
    play_with(engine, blobs, None, every_rail(), story);
}

/// The same on a platform that hides faces from brands.
pub fn play_hiding(engine: Engine, faces: Arc<dyn Finder>, story: impl AsyncFnOnce(&World)) {
    let rules = Rules { hide_faces: true, ..every_rail() };
    play_with(engine, |scratch| Blobs::folder(&scratch.join("blobs")).unwrap(), Some(faces), rules, story);
}

/// The same on a platform with rules of its own.
pub fn play_under(engine: Engine, rules: Rules, story: impl AsyncFnOnce(&World)) {
    play_with(engine, |scratch| Blobs::folder(&scratch.join("blobs")).unwrap(), None, rules, story);
}

/// The account that bank transfers leave from.
pub const DEBTOR: &str = "CH6900700110001234567";

/// Every rail is open, and a gift code costs something.
pub fn every_rail() -> Rules {
    let debtor = Debtor { name: "Fieldproof Demo SA".to_owned(), iban: DEBTOR.to_owned(), bic: None };
    // Crash tests send a thousand of one worker.
    let open_max = 1000;
    let payouts =
        PayoutRules { debtor: Some(debtor), paypal: true, voucher_cost_minor: 25, open_max, ..PayoutRules::default() };
    Rules { payouts, ..Rules::default() }
}

fn play_with(
    engine: Engine,
    blobs: impl FnOnce(&Scratch) -> Blobs,
    faces: Option<Arc<dyn Finder>>,
    rules: Rules,
    story: impl AsyncFnOnce(&World),
) {
    let scratch = Scratch::new();
    let (place, database) = fresh_database(engine, &scratch);
    let clock = Clock::manual(At::parse(MORNING).unwrap());
    let core = Arc::new(Core::new(&place, 8, clock, fresh_keys(), fresh_vault(), rules).unwrap());
    let blobs = blobs(&scratch);
    let shared = Shared::new(core.clone(), blobs.clone(), RateLimit::per_second(0), Arc::new(String::new));
    let postman = Arc::new(Postman::folder(&scratch.join("mail")).unwrap());
    let app = App {
        rails: Rails { test: TestBank::new(blobs.clone()), paypal: None },
        core,
        blobs,
        postman,
        photo_threads: 2,
        faces,
    };
    let shared = shared.seeing(fieldproof::boot::looker(&app), fieldproof::checks::limits::limits());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    actix_web::rt::System::new().block_on(async {
        let server = fieldproof::web::serve(shared, listener, 1).unwrap();
        let handle = server.handle();
        let serving = actix_web::rt::spawn(server);
        let world = World::over(app, url, scratch, database);
        story(&world).await;
        world.work().await;
        world.verify().await;
        handle.stop(false).await;
        serving.await.unwrap().unwrap();
    });
}

/// The core of the program over a database of its own, and what keeps that database.
pub fn fresh_core(engine: Engine) -> (Core, (Scratch, Option<pg::Database>)) {
    let scratch = Scratch::new();
    let (place, database) = fresh_database(engine, &scratch);
    let clock = Clock::manual(At::parse(MORNING).unwrap());
    let core = Core::new(&place, 2, clock, fresh_keys(), fresh_vault(), Rules::default()).unwrap();
    (core, (scratch, database))
}

impl World {
    /// A world over a server at `url` that somebody else started and stops.
    pub fn over(app: App, url: String, scratch: Scratch, database: Option<pg::Database>) -> World {
        World {
            app,
            url,
            // The server drops a connection that was silent for five seconds; the client must forget it before.
            client: reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(2)).build().unwrap(),
            keys_used: AtomicU64::new(0),
            people: AtomicU64::new(0),
            _scratch: scratch,
            _database: database,
        }
    }

    /// Where this world's photos and letters are.
    pub fn folder(&self) -> &Path {
        &self._scratch
    }

    pub fn now(&self) -> At {
        self.app.core.clock.now()
    }

    pub fn advance_secs(&self, secs: i64) {
        self.app.core.clock.advance_secs(secs);
    }

    pub fn advance_hours(&self, hours: i64) {
        self.advance_secs(hours * 3600);
    }

    /// Lets every job that is due do its work.
    pub async fn work(&self) {
        fieldproof::jobs::run_until_idle(&self.app).await.unwrap();
    }

    pub fn cx(&self) -> Cx {
        self.app.cx()
    }

    /// Lists show what is committed: what a server does several times a second is done before each question here.
    pub fn refresh_board(&self) {
        if let Err(failure) = fieldproof::ops::discovery::refresh(&self.cx()) {
            // A database that is away is told by the answer to the question.
            assert_eq!(failure.code(), Some(Code::Busy), "{failure}");
        }
    }

    /// Every invariant holds.
    pub async fn verify(&self) {
        let all = fieldproof::jobs::verify::verify(&self.app, false).await.unwrap();
        let broken = all.iter().any(|one| !one.holds());
        assert!(!broken, "invariants are broken:\n{}", fieldproof::jobs::verify::table(&all));
    }

    fn next_key(&self) -> String {
        format!("test-key-{:08}", self.keys_used.fetch_add(1, Ordering::SeqCst))
    }

    /// A number that this world has not given out yet.
    pub fn next_number(&self) -> u64 {
        self.people.fetch_add(1, Ordering::SeqCst)
    }

    /// An e-mail address nobody has yet.
    pub fn fresh_email(&self, name: &str) -> String {
        format!("{name}.{}@example.org", self.people.fetch_add(1, Ordering::SeqCst))
    }

    /// The text of the newest letter to this address.
    pub fn letter_to(&self, email: &str) -> String {
        use diesel::prelude::*;
        use fieldproof::db::schema::outbox;
        let body: fieldproof::db::types::Json = self
            .app
            .core
            .db
            .read(|c| {
                Ok(outbox::table
                    .filter(outbox::address.eq(email))
                    .order(outbox::id.desc())
                    .select(outbox::body)
                    .first(c)?)
            })
            .unwrap();
        body.0["text"].as_str().unwrap().to_owned()
    }

    /// The secret in the link of the newest letter.
    pub fn link_token(&self, email: &str) -> String {
        let letter = self.letter_to(email);
        letter.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    pub fn stranger(&self) -> Person<'_> {
        Person { world: self, email: String::new(), id: String::new(), session: RefCell::new(None) }
    }

    /// Signs in with a password.
    pub async fn sign_in(&self, email: &str, password: &str) -> Person<'_> {
        let person = Person { world: self, email: email.to_owned(), id: String::new(), session: RefCell::new(None) };
        let asked = json!({ "email": email, "password": password, "device": "test phone" });
        let tokens = person.send("POST", "/v1/auth/token", None, None, Some(asked)).await.ok();
        person.keep(&tokens);
        let me = person.get("/v1/me").await.ok();
        Person { id: me["id"].as_str().unwrap().to_owned(), ..person }
    }

    /// A worker who has registered and verified an e-mail address.
    pub async fn worker(&self, name: &str) -> Person<'_> {
        let email = self.fresh_email(name);
        let asked = json!({ "email": email, "password": PASSWORD, "name": name, "country": "CH" });
        self.stranger().post("/v1/auth/register", asked).await.created();
        let token = self.link_token(&email);
        let asked = json!({ "token": token });
        self.stranger().send("POST", "/v1/auth/verify-email", None, None, Some(asked)).await.done();
        self.sign_in(&email, PASSWORD).await
    }

    /// Many workers who are signed in already: hashing a password for each would take longer than most stories.
    pub fn crowd(&self, size: usize) -> Vec<Person<'_>> {
        let hash = fieldproof::access::password::hash(PASSWORD).unwrap();
        let now = self.now();
        let rows: Vec<UserRow> = (0..size)
            .map(|n| UserRow {
                id: UserId::mint(self.app.core.dice.id_bits(now)),
                email: self.fresh_email("crowd"),
                password_hash: hash.clone(),
                kind: UserKind::Worker,
                staff_role: None,
                name: format!("Worker {n}"),
                language: "en".to_owned(),
                country: Some("CH".to_owned()),
                state: UserState::Active,
                email_verified_at: Some(now),
                created_at: now,
                updated_at: now,
                version: 1,
            })
            .collect();
        let added = self.app.core.db.write(&Actor::Operator, "crowd", |tx| {
            for row in &rows {
                fieldproof::db::users::insert(tx, row.clone())?;
                tx.record(Event::new("user.registered", &row.id))?;
            }
            Ok(())
        });
        added.unwrap();
        let signed_in = |row: UserRow| {
            let person = Person { email: row.email, id: row.id.to_string(), ..self.stranger() };
            person.signed(UserKind::Worker, None, None)
        };
        rows.into_iter().map(signed_in).collect()
    }

    pub async fn staff(&self, role: StaffRole) -> Person<'_> {
        let email = self.fresh_email(role.as_str());
        fieldproof::ops::auth::create_staff(&self.cx(), &email, role.as_str(), role, PASSWORD).unwrap();
        self.sign_in(&email, PASSWORD).await
    }

    /// A brand (CHF) and its owner, created by an admin.
    pub async fn brand(&self, name: &str) -> Person<'_> {
        let admin = self.staff(StaffRole::Admin).await;
        let email = self.fresh_email("owner");
        let asked =
            json!({ "name": name, "country": "CH", "currency": "CHF", "owner_email": email, "owner_name": "Olga" });
        admin.post("/v1/admin/brands", asked).await.created();
        self.accept_invitation(&email).await
    }

    /// Chooses a password through the link that was sent, and signs in.
    pub async fn accept_invitation(&self, email: &str) -> Person<'_> {
        let asked = json!({ "token": self.link_token(email), "password": PASSWORD });
        self.stranger().send("POST", "/v1/auth/password", None, None, Some(asked)).await.done();
        self.sign_in(email, PASSWORD).await
    }
}

#[derive(Clone)]
struct Session {
    access: String,
    refresh: String,
    since: At,
    /// Of somebody whose tokens are signed here: there is no refresh token.
    identity: Option<Identity>,
}

/// Somebody who calls the API.
pub struct Person<'w> {
    pub world: &'w World,
    pub email: String,
    pub id: String,
    session: RefCell<Option<Session>>,
}

impl Person<'_> {
    fn keep(&self, tokens: &Value) {
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let session = Session {
            access: text("access_token"),
            refresh: text("refresh_token"),
            since: self.world.now(),
            identity: None,
        };
        self.session.replace(Some(session));
    }

    /// The same person with access tokens that are signed here: no server is asked for them.
    pub fn signed(self, kind: UserKind, staff_role: Option<StaffRole>, brand: Option<(BrandId, BrandRole)>) -> Self {
        let (core, now) = (&self.world.app.core, self.world.now());
        let session = SessionId::mint(core.dice.id_bits(now));
        let identity = Identity { user: UserId::parse(&self.id).unwrap(), session, kind, staff_role, brand };
        let access = core.keys.sign(&identity, now);
        let session = Session { access, refresh: String::new(), since: now, identity: Some(identity) };
        self.session.replace(Some(session));
        self
    }

    /// An access token that is good now; refreshed like an app would.
    pub async fn token(&self) -> Option<String> {
        let session = self.session.borrow().clone()?;
        if self.world.now().secs_since(session.since) < 500 {
            return Some(session.access);
        }
        if let Some(identity) = session.identity {
            let (since, keys) = (self.world.now(), &self.world.app.core.keys);
            let access = keys.sign(&identity, since);
            self.session.replace(Some(Session { access: access.clone(), since, identity: Some(identity), ..session }));
            return Some(access);
        }
        let asked = json!({ "refresh_token": session.refresh, "device": "test phone" });
        let stranger = self.world.stranger();
        let tokens = Box::pin(stranger.send("POST", "/v1/auth/refresh", None, None, Some(asked))).await.ok();
        self.keep(&tokens);
        self.session.borrow().clone().map(|s| s.access)
    }

    /// A payout method at the test bank, which is paid to at once.
    pub async fn test_method(&self) -> String {
        let methods = self.get("/v1/me/payout-methods").await.ok();
        let known = methods["items"].as_array().unwrap().iter().find(|method| method["rail"] == "test").cloned();
        let method = match known {
            Some(method) => method,
            None => {
                let asked = json!({ "rail": "test", "account": "CH93 0076 2011 6238 5295 7", "password": PASSWORD });
                self.post("/v1/me/payout-methods", asked).await.created()
            }
        };
        method["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.world.refresh_board();
        self.send("GET", path, None, None, None).await
    }

    /// POST with a fresh idempotency key.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        let key = self.world.next_key();
        self.send("POST", path, Some(&key), None, Some(body)).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Reply {
        self.send("POST", path, Some(key), None, Some(body)).await
    }

    /// POST of an operation that takes no idempotency key.
    pub async fn ask(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, None, None, Some(body)).await
    }

    pub async fn patch(&self, path: &str, version: i64, body: Value) -> Reply {
        self.send("PATCH", path, None, Some(&format!("\"v{version}\"")), Some(body)).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        if_match: Option<&str>,
        body: Option<Value>,
    ) -> Reply {
        let mut headers: Vec<(&str, String)> = Vec::new();
        headers.extend(key.map(|k| ("idempotency-key", k.to_owned())));
        headers.extend(if_match.map(|t| ("if-match", t.to_owned())));
        let bytes = body.as_ref().map(|b| b.to_string().into_bytes());
        if bytes.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        self.send_bytes(method, path, &headers, bytes).await
    }

    /// Any request.
    pub async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Reply {
        self.try_send_bytes(method, path, headers, body).await.unwrap()
    }

    /// Any request, to a server that may be gone.
    pub async fn try_send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Reply> {
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.world.client.request(verb, format!("{}{path}", self.world.url));
        if let Some(token) = self.token().await {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &body {
            request = request.body(body.clone());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let headers: BTreeMap<String, String> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let bytes = answer.bytes().await?.to_vec();
        let reply = Reply { asked: format!("{method} {path}"), status, headers, bytes };
        contract::check(method, path, body.as_deref(), &reply);
        Ok(reply)
    }
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub asked: String,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    #[track_caller]
    fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self.json()
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        self.is(200)
    }

    #[track_caller]
    pub fn created(&self) -> Value {
        self.is(201)
    }

    #[track_caller]
    pub fn done(&self) {
        self.is(204);
    }

    /// Refused with this code, and with the status and the shape that belong to it.
    #[track_caller]
    pub fn refused(&self, code: Code) -> Value {
        let body = self.json();
        assert_eq!(body["code"], code.as_str(), "{}: {}", self.asked, self.text());
        assert_eq!(self.status, fieldproof::web::problem::status_of(code).as_u16(), "{}", self.asked);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        body
    }
}
