//! Requests a second of near me and of reserving, through HTTP, with 32 clients in the same process as the server; health
//! beside them shows what HTTP alone costs here. `cargo bench --bench api`, with PostgreSQL when
//! FIELDPROOF_BENCH_POSTGRES names an empty database. Wall clock on a shared machine: compare lines of one run only.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fieldproof::access::token::Keys;
use fieldproof::access::vault::Vault;
use fieldproof::access::{Admin, Anyone, BrandEditor, BrandOwner, Finance, Identity, Pass};
use fieldproof::context::{Core, Cx, Once, Rules};
use fieldproof::db::Place;
use fieldproof::domain::brand::BrandRole;
use fieldproof::domain::campaign::{CampaignKind, CampaignState};
use fieldproof::domain::discovery::{Board, CampaignCard, Listed, StoreCard};
use fieldproof::domain::event::Actor;
use fieldproof::domain::ids::{BrandId, CampaignId, MissionId, SessionId, StoreId, UserId};
use fieldproof::domain::mission::{MissionState, Slots};
use fieldproof::domain::money::Currency;
use fieldproof::domain::place::Point;
use fieldproof::domain::store::StoreState;
use fieldproof::domain::time::At;
use fieldproof::domain::user::{StaffRole, UserKind};
use fieldproof::ops;
use fieldproof::ports::blobs::Blobs;
use fieldproof::ports::clock::Clock;
use fieldproof::web::{RateLimit, Shared};
use serde_json::{Value, json};

const CLIENTS: usize = 32;
const STORES: usize = 1000;
const WORKERS: usize = 64;
const SECONDS: u64 = 5;
/// Changes a second while a second process reads, and threads that make them.
const PACE: usize = 500;
const WRITERS: usize = 8;

fn fresh_vault() -> Vault {
    Vault::load(&BTreeMap::from([("k".to_owned(), Vault::generate().expect("a key"))])).expect("a key")
}

fn once(name: &str) -> Once {
    Once { route: "bench".to_owned(), key: name.to_owned(), request_hash: name.to_owned() }
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("what the API takes")
}

fn identity(user: &UserId, kind: UserKind, staff: Option<StaffRole>, brand: Option<BrandId>) -> Identity {
    let brand = brand.map(|brand| (brand, BrandRole::Owner));
    Identity { user: user.clone(), session: SessionId::from_bits(1), kind, staff_role: staff, brand }
}

fn pass<P: Pass>(identity: &Identity) -> P {
    P::admit(Some(identity)).unwrap_or_else(|_| panic!("the identity has the role {}", P::ROLE))
}

/// A published campaign at 1,000 stores, and workers with tokens.
fn set_the_scene(core: &Arc<Core>) -> (Vec<String>, Vec<String>) {
    let cx = Cx::new(core.clone(), "bench");
    let admin = ops::auth::create_staff(&cx, "admin@example.org", "Admin", StaffRole::Admin, "bench password")
        .expect("an admin");
    let staff = identity(&admin, UserKind::Staff, Some(StaffRole::Admin), None);
    let asked = json!({ "name": "Bench", "country": "CH", "currency": "CHF", "owner_email": "owner@example.org",
        "owner_name": "Owner" });
    let brand = ops::brands::create_brand(&cx, &pass::<Admin>(&staff), &once("brand"), &of(asked)).expect("a brand");
    let member = cx
        .read(|c| fieldproof::db::users::any_by_email(c, "owner@example.org"))
        .expect("readable")
        .expect("the owner was invited");
    let owner = identity(&member.id, UserKind::Brand, None, Some(brand.id.clone()));
    let funds = json!({ "amount": { "amount_minor": 100_000_000, "currency": "CHF" }, "reference": "bench" });
    ops::funds::fund_brand(&cx, &pass::<Finance>(&staff), &once("fund"), &brand.id, &of(funds)).expect("funds");
    let stores: Vec<_> = (0..STORES)
        .map(|n| {
            let (lat, lon) = (46.5 + (n % 40) as f64 * 0.001, 6.5 + (n / 40) as f64 * 0.0015);
            let asked = json!({ "name": format!("Store {n}"), "chain": null, "street": null, "housenumber": null,
                "postcode": null, "city": "Lausanne", "country": "CH", "lat": lat, "lon": lon, "radius_m": null,
                "opening_hours": null, "time_zone": "Europe/Zurich", "source_id": null });
            let key = once(&format!("store-{n}"));
            ops::stores::create_store(&cx, &pass::<BrandEditor>(&owner), &key, &of(asked)).expect("a store").id
        })
        .collect();
    let now = cx.now();
    let asked = json!({
        "name": "Bench", "purpose": "Measuring.", "reward_minor": 900, "attempt_fee_minor": 300, "slots_per_store": 50,
        "on_site_minutes": 5, "starts_at": now, "ends_at": now.plus_days(30),
        "brief": [{ "id": "1.1", "text": "Photograph the shop front." }],
        "questionnaire": { "id": "bench", "version": 1, "language": ["en"], "items": [
            { "type": "photo", "name": "front", "required": true, "subject": "store_front", "clause_id": "1.1" }
        ] },
        "store_ids": stores,
    });
    let campaign = ops::campaigns::create_campaign(&cx, &pass::<BrandEditor>(&owner), &once("campaign"), &of(asked))
        .expect("a campaign");
    ops::campaigns::publish_campaign(&cx, &pass::<BrandOwner>(&owner), &once("publish"), &campaign.id)
        .expect("published");
    let missions = cx
        .read(|c| {
            use diesel::prelude::*;
            use fieldproof::db::schema::missions;
            Ok(missions::table.select(missions::id).load::<fieldproof::domain::ids::MissionId>(c)?)
        })
        .expect("missions");
    let tokens = (0..WORKERS)
        .map(|n| {
            let asked = json!({ "email": format!("w{n}@example.org"), "password": "bench password", "name": "W" });
            let anyone = Anyone::admit(None).expect("anyone");
            let me = ops::auth::register(&cx, &anyone, &once(&format!("w-{n}")), &of(asked)).expect("a worker");
            core.keys.sign(&identity(&me.id, UserKind::Worker, None, None), now)
        })
        .collect();
    (missions.into_iter().map(|id| id.to_string()).collect(), tokens)
}

/// A board of a million missions, four a store, around the place that is asked for.
fn a_million() -> Board {
    let campaign = CampaignCard {
        id: CampaignId::from_bits(1),
        name: "Bench".to_owned(),
        brand: BrandId::from_bits(1),
        brand_name: "Bench".to_owned(),
        kind: CampaignKind::Audit,
        min_level: 0,
        qualifications: Vec::new(),
        currency: Currency::CHF,
        reward_minor: 900,
        attempt_fee_minor: 300,
        reading_minutes: 1,
        on_site_minutes: 5,
    };
    let now = At::from_micros(0).expect("a time");
    let listed = (0..1_000_000_u128).map(|n| {
        let (row, column) = ((n / 4 / 500) as f64, (n / 4 % 500) as f64);
        let store = StoreCard {
            id: StoreId::from_bits(n / 4),
            name: "Store".to_owned(),
            street: None,
            housenumber: None,
            postcode: None,
            city: Some("Lausanne".to_owned()),
            country: "CH".to_owned(),
            at: Point::new(46.0 + row * 0.002, 6.0 + column * 0.002).expect("on the globe"),
            opening_hours: Some("Mo-Su 00:00-24:00".to_owned()),
            time_zone: "Europe/Zurich".to_owned(),
        };
        Listed {
            id: MissionId::from_bits(n),
            campaign: CampaignCard { id: CampaignId::from_bits(n % 4), ..campaign.clone() },
            campaign_state: CampaignState::Published,
            store,
            store_state: StoreState::Open,
            store_recheck_at: None,
            state: MissionState::Open,
            slots: Slots { slots: 1, held: 0, done: 0, attempts: 2, attempts_spent: 0 },
            recheck_open: false,
            starts_at: now,
            ends_at: now.plus_days(100_000),
        }
    });
    Board::build(listed, &std::collections::HashMap::new(), 0)
}

/// Seconds of CPU that all threads but the main one took: the clients live in that one, the server in the others.
fn server_cpu_secs() -> f64 {
    let ticks = |path: &str| -> u64 {
        let stat = std::fs::read_to_string(path).expect("Linux");
        let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 2..].split(' ').collect();
        fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
    };
    // A tick is a hundredth of a second on every Linux that Rust runs on.
    (ticks("/proc/self/stat") - ticks(&format!("/proc/self/task/{}/stat", std::process::id()))) as f64 / 100.0
}

/// Of one job: requests a second, the slowest hundredth in milliseconds, the server's CPU for one request in microseconds.
struct Load {
    rate: f64,
    slow_ms: f64,
    cpu_us: f64,
    answers: BTreeMap<u16, usize>,
}

/// Runs `ask` from all clients for some seconds.
async fn load<F: Future<Output = u16>>(ask: impl Fn(usize) -> F + Clone) -> Load {
    let cpu = server_cpu_secs();
    let number = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(SECONDS);
    let clients = (0..CLIENTS).map(|_| {
        let (ask, number) = (ask.clone(), number.clone());
        async move {
            let (mut times, mut answers) = (Vec::new(), BTreeMap::new());
            while Instant::now() < until {
                let start = Instant::now();
                let status = ask(number.fetch_add(1, Ordering::Relaxed)).await;
                times.push(start.elapsed().as_secs_f64() * 1e3);
                *answers.entry(status).or_insert(0) += 1;
            }
            (times, answers)
        }
    });
    let done = futures_util::future::join_all(clients).await;
    let elapsed = begun.elapsed().as_secs_f64();
    let mut times: Vec<f64> = done.iter().flat_map(|(times, _)| times.clone()).collect();
    times.sort_by(f64::total_cmp);
    let mut answers = BTreeMap::new();
    for (status, n) in done.into_iter().flat_map(|(_, answers)| answers) {
        *answers.entry(status).or_insert(0) += n;
    }
    Load {
        rate: times.len() as f64 / elapsed,
        slow_ms: times.get(times.len() * 99 / 100).copied().unwrap_or(0.0),
        cpu_us: (server_cpu_secs() - cpu) * 1e6 / times.len().max(1) as f64,
        answers,
    }
}

/// How old the board of a second process is while a first one takes and gives back `PACE` slots a second: milliseconds
/// from a commit to the board that shows it, median and slowest hundredth, and how many changes it never showed.
fn second_process(core: &Arc<Core>, place: &Place, missions: &[String]) {
    let keys = Keys::load(&BTreeMap::from([("k".to_owned(), Keys::generate().expect("a key"))])).expect("keys");
    let other =
        Arc::new(Core::new(place, 4, Clock::System, keys, fresh_vault(), Rules::default()).expect("a database"));
    let (reader, stop) = (other.clone(), Arc::new(AtomicUsize::new(0)));
    let ended = stop.clone();
    let reading = std::thread::spawn(move || {
        while ended.load(Ordering::Relaxed) == 0 {
            ops::discovery::refresh(&Cx::new(reader.clone(), "bench")).expect("a board");
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| {
            let (core, other) = (core.clone(), other.clone());
            let mine: Vec<String> = missions.iter().skip(w).step_by(WRITERS).cloned().collect();
            std::thread::spawn(move || {
                let cx = Cx::new(core.clone(), "bench");
                let mut waiting: Vec<(Instant, u128, i64)> = Vec::new();
                let mut ages = Vec::new();
                let mut see = |waiting: &mut Vec<(Instant, u128, i64)>| {
                    let board = other.discovery.board();
                    waiting.retain(|(at, id, free)| {
                        let seen = board.index().get(*id).is_some_and(|offer| i64::from(offer.slots_free) == *free);
                        if seen {
                            ages.push(at.elapsed().as_secs_f64() * 1e3);
                        }
                        !seen
                    });
                };
                for (n, mission) in mine.iter().cycle().take(PACE * 10 / WRITERS).enumerate() {
                    let due = begun + Duration::from_secs_f64((n * WRITERS + w) as f64 / PACE as f64);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let id = MissionId::parse(mission).expect("an id");
                    let free = change(&cx, &id);
                    waiting.push((Instant::now(), id.bits().expect("an id"), free));
                    see(&mut waiting);
                }
                let last = Instant::now() + Duration::from_secs(3);
                while !waiting.is_empty() && Instant::now() < last {
                    std::thread::sleep(Duration::from_millis(5));
                    see(&mut waiting);
                }
                (ages, waiting.len())
            })
        })
        .collect();
    let done: Vec<(Vec<f64>, usize)> = writers.into_iter().map(|w| w.join().expect("a writer")).collect();
    stop.store(1, Ordering::Relaxed);
    reading.join().expect("a reader");
    let mut ages: Vec<f64> = done.iter().flat_map(|(ages, _)| ages.clone()).collect();
    ages.sort_by(f64::total_cmp);
    let missed: usize = done.iter().map(|(_, missed)| missed).sum();
    let rate = ages.len() as f64 / begun.elapsed().as_secs_f64();
    let at = |part: usize| ages.get(ages.len() * part / 100).copied().unwrap_or(0.0);
    println!(
        "second process: {rate:.0} changes/s, seen after {:.0} ms (median), {:.0} ms (99%), missed {missed}",
        at(50),
        at(99)
    );
}

/// One more slot of a mission, committed; how many are free then.
fn change(cx: &Cx, id: &MissionId) -> i64 {
    use diesel::prelude::*;
    use fieldproof::db::schema::missions;
    cx.write_as(&Actor::Operator, |tx| {
        tx.nothing_changed();
        diesel::update(missions::table.find(id))
            .set((missions::slots.eq(missions::slots + 1), missions::attempts.eq(missions::attempts + 1)))
            .execute(&mut **tx)?;
        let (slots, held, done): (i64, i64, i64) = missions::table
            .find(id)
            .select((missions::slots, missions::slots_held, missions::slots_done))
            .first(&mut **tx)?;
        Ok(slots - held - done)
    })
    .expect("a change")
}

fn main() {
    let folder = std::env::temp_dir().join(format!("fieldproof-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder to measure in");
    let place = match std::env::var("FIELDPROOF_BENCH_POSTGRES") {
        Ok(url) => Place::parse(&url).expect("a PostgreSQL address"),
        Err(_) => Place::Sqlite(folder.join("bench.db")),
    };
    let keys = Keys::load(&BTreeMap::from([("k".to_owned(), Keys::generate().expect("a key"))])).expect("keys");
    let rules = Rules { max_reservations: 1_000_000, verified_email_to_reserve: false, ..Rules::default() };
    let core = Arc::new(Core::new(&place, 16, Clock::System, keys, fresh_vault(), rules).expect("a database"));
    core.db.migrate().expect("a schema");
    let (missions, tokens) = set_the_scene(&core);
    ops::discovery::refresh(&Cx::new(core.clone(), "bench")).expect("a board");
    second_process(&core, &place, &missions);
    let blobs = Blobs::folder(&folder.join("blobs")).expect("a folder");
    let shared = Shared::new(core.clone(), blobs, RateLimit::per_second(0), Arc::new(String::new));
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    actix_web::rt::System::new().block_on(async {
        let server = fieldproof::web::serve(shared, listener, 2).expect("a server");
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = reqwest::Client::new();
        let (client, url, tokens, missions) = (&client, &url, &tokens, &missions);
        let get = |path: String, n: usize| async move {
            let answer = client.get(format!("{url}{path}")).bearer_auth(&tokens[n % WORKERS]).send().await;
            let answer = answer.expect("an answer");
            let status = answer.status().as_u16();
            answer.bytes().await.expect("a body");
            status
        };
        println!("{:<32}{:>12}{:>12}{:>16}  answers", "job", "requests/s", "p99 ms", "server CPU us");
        let print = |job: &str, load: Load| {
            println!("{job:<32}{:>12.0}{:>12.1}{:>16.1}  {:?}", load.rate, load.slow_ms, load.cpu_us, load.answers);
        };
        print("health", load(|n| get("/healthz".to_owned(), n)).await);
        let near = |n: usize| {
            let (lat, lon) = (46.5 + (n % 37) as f64 * 0.001, 6.5 + (n % 23) as f64 * 0.0015);
            get(format!("/v1/missions?lat={lat}&lon={lon}&radius_m=2000&limit=20"), n)
        };
        print("near me, 20 of 2 km", load(near).await);
        let before = std::mem::take(&mut *core.discovery.board_mut());
        core.discovery.replace(a_million());
        print("near me among a million", load(near).await);
        core.discovery.replace(before);
        let reserve = |n: usize| async move {
            let path = format!("{url}/v1/missions/{}/reservations", missions[n / WORKERS % STORES]);
            let asked = client.post(path).bearer_auth(&tokens[n % WORKERS]);
            let answer = asked.header("idempotency-key", format!("bench-reserve-{n}")).send().await;
            answer.expect("an answer").status().as_u16()
        };
        print("reserve, durable", load(reserve).await);
        handle.stop(false).await;
    });
    std::fs::remove_dir_all(&folder).expect("removed");
}
