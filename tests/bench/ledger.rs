//! Durable money a second: one journal of an approval (escrow to worker and fee, with its event), and the whole approval
//! of a visit, from 1 to 256 clients, for one brand and for a thousand; on SQLite, and on PostgreSQL beside the usual
//! SELECT FOR UPDATE when FIELDPROOF_BENCH_POSTGRES names an empty database. `cargo bench --bench ledger`. Wall clock
//! on a shared machine: compare lines of one run only.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fieldproof::access::token::Keys;
use fieldproof::access::vault::Vault;
use fieldproof::access::{Admin, BrandEditor, BrandOwner, Finance, Identity, Pass, Worker};
use fieldproof::context::{Core, Cx, Once, Rules};
use fieldproof::db::{Place, ledger, verify};
use fieldproof::domain::brand::BrandRole;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::{BrandId, JobId, MissionId, SessionId, SubmissionId, UserId};
use fieldproof::domain::ledger::book::{self, Earned};
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::user::{StaffRole, UserKind};
use fieldproof::ops;
use fieldproof::ops::assess::Assessed;
use fieldproof::ports::clock::Clock;
use serde_json::{Value, json};

const CLIENTS: [usize; 4] = [1, 8, 32, 256];
const SECONDS: u64 = 4;
/// Missions of the hot brand; each of the thousand brands has one.
const MISSIONS: usize = 200;
const BRANDS: usize = 1000;
/// Whole visits that each number of clients approves.
const VISITS: usize = 3000;
const CONNECTIONS: u32 = 32;

fn once(name: &str) -> Once {
    Once { route: "bench".to_owned(), key: name.to_owned(), request_hash: name.to_owned() }
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("what the API takes")
}

fn pass<P: Pass>(user: &UserId, kind: UserKind, brand: Option<&BrandId>) -> P {
    let staff_role = (kind == UserKind::Staff).then_some(StaffRole::Admin);
    let brand = brand.map(|brand| (brand.clone(), BrandRole::Owner));
    let identity = Identity { user: user.clone(), session: SessionId::from_bits(1), kind, staff_role, brand };
    P::admit(Some(&identity)).unwrap_or_else(|_| panic!("the identity has the role {}", P::ROLE))
}

/// Numbers without order, the same in every run.
fn scatter(n: u64) -> usize {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize
}

/// What one line of the table says.
fn print(job: &str, clients: usize, done: u64, secs: f64, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0.0);
    let rate = done as f64 / secs;
    println!("{job:<46}{clients:>8}{rate:>12.0}{:>10.1}{:>10.1}", at(50), at(99));
    rate
}

/// Runs `act` with a running number from `clients` threads until the time, or the work, is over; a token each while it runs.
fn load(job: &str, clients: usize, tokens: usize, most: u64, act: impl Fn(u64) + Sync) -> f64 {
    let number = AtomicU64::new(0);
    let (give, take) = sync_channel(tokens);
    (0..tokens).for_each(|_| give.send(()).expect("room"));
    let take: Mutex<Receiver<()>> = Mutex::new(take);
    let begun = Instant::now();
    let until = begun + Duration::from_secs(SECONDS);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let client = || {
            let mut times = Vec::new();
            loop {
                let n = number.fetch_add(1, Ordering::Relaxed);
                if n >= most || (most == u64::MAX && Instant::now() >= until) {
                    return times;
                }
                let start = Instant::now();
                take.lock().expect("nobody panics").recv().expect("a token");
                act(n);
                give.send(()).expect("room");
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a client")).collect()
    });
    print(job, clients, times.len() as u64, begun.elapsed().as_secs_f64(), times)
}

fn francs(minor: i64) -> Money {
    Money::new(minor, Currency::CHF)
}

/// Money of `brands` brands in the escrow of `missions` missions each.
fn fund(cx: &Cx, first: usize, brands: usize, missions: usize) -> Vec<MissionId> {
    let mut all = Vec::new();
    for n in first..first + brands {
        let brand = BrandId::from_bits(n as u128 + 1);
        let mine: Vec<_> = (0..missions).map(|m| MissionId::from_bits((n * 1000 + m) as u128 + 1)).collect();
        cx.write_as(&Actor::Operator, |tx| {
            let event = tx.record(Event::new("bench.funded", &brand))?;
            ledger::apply(tx, &event, &book::fund(&brand, francs(1_000_000_000_000)))?;
            for mission in &mine {
                let part = francs(1_000_000_000_000 / missions as i64);
                ledger::apply(tx, &event, &book::hold(&brand, mission, part))?;
            }
            Ok(())
        })
        .expect("funded");
        all.extend(mine);
    }
    all
}

fn transfers(cx: &Cx, engine: &str, tokens: usize) {
    let hot = fund(cx, 0, 1, MISSIONS);
    let spread = fund(cx, 1, BRANDS, 1);
    for (name, missions) in [("1 brand", &hot), ("1,000 brands", &spread)] {
        for clients in CLIENTS {
            load(&format!("{engine}: transfer, {name}"), clients, tokens, u64::MAX, |n| {
                let mission = &missions[scatter(n) % missions.len()];
                let worker = UserId::from_bits((scatter(n + 7) % 100_000) as u128 + 1);
                cx.write_as(&Actor::Operator, |tx| {
                    let event = tx.record(Event::new("bench.approved", mission))?;
                    ledger::apply(tx, &event, &book::earn(Earned::Approval, mission, &worker, francs(900), francs(180)))
                })
                .expect("paid");
            });
        }
    }
}

/// Sealed visits of one brand's campaign that wait to be assessed.
fn visits(core: &Arc<Core>) -> Vec<SubmissionId> {
    let cx = Cx::new(core.clone(), "bench");
    let admin = ops::auth::create_staff(&cx, "admin@example.org", "Admin", StaffRole::Admin, "bench password");
    let admin = admin.expect("an admin");
    let staff: Admin = pass(&admin, UserKind::Staff, None);
    let asked = json!({ "name": "Bench", "country": "CH", "currency": "CHF", "owner_email": "owner@example.org",
        "owner_name": "Owner" });
    let brand = ops::brands::create_brand(&cx, &staff, &once("brand"), &of(asked)).expect("a brand").id;
    let owner = cx.read(|c| fieldproof::db::users::any_by_email(c, "owner@example.org")).expect("readable");
    let owner = owner.expect("the owner was invited").id;
    let funds = json!({ "amount": { "amount_minor": 1_000_000_000, "currency": "CHF" }, "reference": "bench" });
    let finance: Finance = pass(&admin, UserKind::Staff, None);
    ops::funds::fund_brand(&cx, &finance, &once("fund"), &brand, &of(funds)).expect("funds");
    let editor: BrandEditor = pass(&owner, UserKind::Brand, Some(&brand));
    let stores: Vec<_> = (0..MISSIONS)
        .map(|n| {
            // A metre apart, and no position twice: nothing about the visits may be doubtful.
            let asked = json!({ "name": format!("Store {n}"), "country": "CH", "lat": 46.5 + n as f64 * 1e-5,
                "lon": 6.5, "time_zone": "Europe/Zurich" });
            ops::stores::create_store(&cx, &editor, &once(&format!("store-{n}")), &of(asked)).expect("a store").id
        })
        .collect();
    let (now, each) = (cx.now(), VISITS * CLIENTS.len() / MISSIONS);
    let asked = json!({
        "name": "Bench", "purpose": "Measuring.", "reward_minor": 900, "attempt_fee_minor": 300,
        "slots_per_store": each, "on_site_minutes": 5, "starts_at": now, "ends_at": now.plus_days(30),
        "brief": [{ "id": "1.1", "text": "Count the facings." }],
        "questionnaire": { "id": "bench", "version": 1, "language": ["en"], "items": [
            { "type": "count", "name": "facings", "required": true, "clause_id": "1.1", "min": 0, "max": 400 }
        ] },
        "store_ids": stores,
    });
    let campaign = ops::campaigns::create_campaign(&cx, &editor, &once("campaign"), &of(asked)).expect("a campaign");
    let boss: BrandOwner = pass(&owner, UserKind::Brand, Some(&brand));
    ops::campaigns::publish_campaign(&cx, &boss, &once("publish"), &campaign.id).expect("published");
    let missions: Vec<(MissionId, f64)> = cx
        .read(|c| {
            use fieldproof::db::schema::missions;
            let mine = missions::table.filter(missions::campaign_id.eq(&campaign.id));
            Ok(mine.select((missions::id, missions::lat)).load(c)?)
        })
        .expect("missions");
    let workers: Vec<Worker> = (0..each)
        .map(|n| {
            let asked = json!({ "email": format!("w{n}@example.org"), "password": "bench password", "name": "W" });
            let anyone = fieldproof::access::Anyone::admit(None).expect("anyone");
            let me = ops::auth::register(&cx, &anyone, &once(&format!("w-{n}")), &of(asked)).expect("a worker");
            pass(&me.id, UserKind::Worker, None)
        })
        .collect();
    let sealed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(worker) = workers.get(n / MISSIONS) else { return };
                    let (mission, lat) = &missions[n % MISSIONS];
                    let key = |what: &str| once(&format!("{what}-{n}"));
                    let held = ops::reservations::reserve(&cx, worker, &key("r"), mission).expect("a slot");
                    let asked = json!({ "outcome": "completed", "answers": { "facings": { "value": 4 } }, "elapsed_ms": 60_000,
                        "fixes": [{ "lat": lat + 1e-5, "lon": 6.5 + n as f64 * 1e-7, "accuracy_m": 8.0, "at": cx.now() }] });
                    let seal = ops::submissions::seal(&cx, worker, &key("s"), &held.id, &of(asked)).expect("sealed");
                    sealed.lock().expect("nobody panics").push(seal.id);
                }
            });
        }
    });
    let mut sealed = sealed.into_inner().expect("nobody panics");
    // Reviews come in no order: not all visits of one worker after each other.
    sealed.sort_by_key(|id: &SubmissionId| scatter(id.bits().expect("an id") as u64));
    sealed
}

fn approvals(core: &Arc<Core>, engine: &str, tokens: usize) {
    let cx = Cx::new(core.clone(), "bench");
    let sealed = visits(core);
    for (clients, mine) in CLIENTS.iter().zip(sealed.chunks(VISITS)) {
        load(&format!("{engine}: whole approval, 1 brand"), *clients, tokens, mine.len() as u64, |n| {
            let done = ops::assess::assess(&cx, &JobId::from_bits(1), &mine[n as usize], false).expect("assessed");
            assert_eq!(done, Assessed::Done);
        });
    }
    let paid: i64 = cx.read(|c| Ok(fieldproof::db::schema::earnings::table.count().get_result(c)?)).expect("readable");
    assert_eq!(paid as usize, sealed.len(), "each visit was approved and paid");
}

/// What is usually written: both rows locked, both balances moved, a transfer and two entries.
fn peer(url: &str) {
    let mut conn = PgConnection::establish(url).expect("PostgreSQL");
    conn.batch_execute(
        "CREATE SCHEMA peer;
         CREATE TABLE peer.account(id BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0));
         CREATE TABLE peer.transfer(id BIGSERIAL PRIMARY KEY, debit BIGINT NOT NULL REFERENCES peer.account,
            credit BIGINT NOT NULL REFERENCES peer.account, amount BIGINT NOT NULL, at TIMESTAMPTZ DEFAULT now());
         CREATE TABLE peer.entry(id BIGSERIAL PRIMARY KEY, transfer BIGINT NOT NULL REFERENCES peer.transfer,
            account BIGINT NOT NULL REFERENCES peer.account, amount BIGINT NOT NULL);
         CREATE INDEX ON peer.entry(account, id);
         INSERT INTO peer.account SELECT i, CASE WHEN i <= 1000 THEN 1000000000000 ELSE 0 END FROM generate_series(1, 101000) i;",
    )
    .expect("the peer's tables");
    let pool: Mutex<Vec<PgConnection>> = Mutex::default();
    for (name, brands) in [("1 brand", 1), ("1,000 brands", 1000)] {
        for clients in CLIENTS {
            let mut pool_now = pool.lock().expect("nobody panics");
            while pool_now.len() < clients.min(CONNECTIONS as usize) {
                pool_now.push(PgConnection::establish(url).expect("PostgreSQL"));
            }
            drop(pool_now);
            let tokens = clients.min(CONNECTIONS as usize);
            load(&format!("peer: SELECT FOR UPDATE, {name}"), clients, tokens, u64::MAX, |n| {
                let (brand, worker) = ((scatter(n) % brands + 1) as i64, (scatter(n + 7) % 100_000 + 1001) as i64);
                let mut conn = pool.lock().expect("nobody panics").pop().expect("a connection for each token");
                conn.transaction(|c| {
                    for id in [brand, worker] {
                        diesel::sql_query("SELECT balance FROM peer.account WHERE id = $1 FOR UPDATE")
                            .bind::<BigInt, _>(id)
                            .execute(c)?;
                    }
                    diesel::sql_query("INSERT INTO peer.transfer(debit, credit, amount) VALUES ($1, $2, 900)")
                        .bind::<BigInt, _>(brand)
                        .bind::<BigInt, _>(worker)
                        .execute(c)?;
                    for (id, amount) in [(brand, -900_i64), (worker, 900)] {
                        diesel::sql_query(
                            "INSERT INTO peer.entry(transfer, account, amount)
                             VALUES (currval('peer.transfer_id_seq'), $1, $2)",
                        )
                        .bind::<BigInt, _>(id)
                        .bind::<BigInt, _>(amount)
                        .execute(c)?;
                        diesel::sql_query("UPDATE peer.account SET balance = balance + $2 WHERE id = $1")
                            .bind::<BigInt, _>(id)
                            .bind::<BigInt, _>(amount)
                            .execute(c)?;
                    }
                    QueryResult::Ok(())
                })
                .expect("a transfer");
                pool.lock().expect("nobody panics").push(conn);
            });
        }
    }
}

fn measure(engine: &str, place: &Place) {
    let keys = Keys::load(&BTreeMap::from([("k".to_owned(), Keys::generate().expect("a key"))])).expect("keys");
    let vault = Vault::load(&BTreeMap::from([("k".to_owned(), Vault::generate().expect("a key"))])).expect("a key");
    let rules = Rules { max_reservations: 1_000_000, verified_email_to_reserve: false, ..Rules::default() };
    let core = Arc::new(Core::new(place, CONNECTIONS, Clock::System, keys, vault, rules).expect("a database"));
    core.db.migrate().expect("a schema");
    let cx = Cx::new(core.clone(), "bench");
    let tokens = core.db.permits().min(256);
    approvals(&core, engine, tokens);
    transfers(&cx, engine, tokens);
    // The made-up brands have books and nothing else: the invariants of the ledger alone hold for them.
    let mut wrong = Vec::new();
    cx.read(|c| verify::run(c, |about, found| wrong.extend(found.into_iter().map(|v| (about.id, v)))))
        .expect("readable");
    wrong.retain(|(id, _)| ["I01", "I02", "I03", "I04", "I05", "I06", "I07"].contains(id));
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn main() {
    println!("{:<46}{:>8}{:>12}{:>10}{:>10}", "job", "clients", "a second", "p50 ms", "p99 ms");
    let folder = std::env::temp_dir().join(format!("fieldproof-bench-ledger-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder to measure in");
    measure("SQLite", &Place::Sqlite(folder.join("bench.db")));
    std::fs::remove_dir_all(&folder).expect("removed");
    if let Ok(url) = std::env::var("FIELDPROOF_BENCH_POSTGRES") {
        measure("PostgreSQL", &Place::parse(&url).expect("a PostgreSQL address"));
        peer(&url);
    }
}
