//! What a story about visits starts from: a brand with money and a published campaign, and people who visit, seal, claim
//! and decide. Everything goes through the API; the photos are made here, each one a different sharp picture that says
//! where and when it was taken.

use fieldproof::domain::place::Point;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::store::Zone;
use fieldproof::domain::time::At;
use fieldproof::domain::user::StaffRole;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::world::{Person, Reply, World};

/// The reference questionnaire: a store front, then for each brand its state, three counts and a photo that proves them.
pub fn reference_questionnaire() -> Value {
    json!({
        "id": "hygiene-uccle", "version": 1, "language": ["fr", "nl", "en"],
        "items": [
            {"type": "photo", "name": "front", "required": true, "subject": "store_front", "camera_only": true,
             "clause_id": "1.1"},
            {"type": "loop", "name": "brand", "over": "brands", "items": [
                {"type": "stock_state", "name": "state", "required": true, "clause_id": "2.1"},
                {"type": "count", "name": "facings", "relevant": "${state} != 'not_listed'", "required": true,
                 "min": 0, "max": 400},
                {"type": "count", "name": "oos_products", "relevant": "${state} != 'not_listed'", "required": true,
                 "min": 0, "max": 60},
                {"type": "count", "name": "near_oos_products", "relevant": "${state} != 'not_listed'", "required": true,
                 "min": 0, "max": 60, "flag_if": "${near_oos_products} + ${oos_products} > ${facings}"},
                {"type": "photo", "name": "shelf", "required": "${state} != 'not_listed'", "subject": "shelf",
                 "min": 1, "max": 3, "camera_only": true,
                 "photo_of": ["facings", "oos_products", "near_oos_products"], "clause_id": "2.4"}
            ]},
            {"type": "text", "name": "remark", "max_length": 500}
        ]
    })
}

/// One photo and one count: for stories in which the answers do not matter.
pub fn short_questionnaire() -> Value {
    json!({
        "id": "short", "version": 1, "items": [
            {"type": "photo", "name": "shelf", "required": true, "subject": "shelf", "clause_id": "2.4"},
            {"type": "count", "name": "facings", "required": true, "min": 0, "max": 400, "clause_id": "2.1"}
        ]
    })
}

/// What a campaign asks and pays.
#[derive(Clone)]
pub struct Plan {
    pub questionnaire: Value,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub slots_per_store: i64,
    pub stores: usize,
    /// What the brand is funded with before publishing.
    pub funds_minor: i64,
    pub review_days: i64,
    /// How long the campaign runs, from now on.
    pub days: i64,
}

impl Plan {
    /// CHF 12 a visit and CHF 4 an attempt, one slot in one store.
    pub fn short() -> Plan {
        Plan {
            questionnaire: short_questionnaire(),
            reward_minor: 1200,
            attempt_fee_minor: 400,
            slots_per_store: 1,
            stores: 1,
            funds_minor: 1_000_000,
            review_days: 5,
            days: 60,
        }
    }

    /// The reference round in three stores.
    pub fn reference() -> Plan {
        Plan { questionnaire: reference_questionnaire(), stores: 3, ..Plan::short() }
    }

    pub fn slots(self, slots_per_store: i64) -> Plan {
        Plan { slots_per_store, ..self }
    }

    pub fn stores(self, stores: usize) -> Plan {
        Plan { stores, ..self }
    }
}

/// The platform's fee in these worlds is 20 %.
pub fn with_fee(minor: i64) -> i64 {
    minor + minor / 5
}

/// What a campaign of this plan holds for each store.
pub fn held_for_a_store(plan: &Plan) -> i64 {
    plan.slots_per_store * with_fee(plan.reward_minor) + (plan.slots_per_store + 1) * with_fee(plan.attempt_fee_minor)
}

pub struct Mission {
    pub id: String,
    pub store: String,
    pub point: (f64, f64),
}

/// A published campaign and the brand behind it.
pub struct Round<'w> {
    pub owner: Person<'w>,
    pub brand: String,
    pub campaign: String,
    /// In the order of the stores.
    pub missions: Vec<Mission>,
    pub plan: Plan,
}

/// Lausanne, one store a street.
fn corner(n: usize) -> (f64, f64) {
    (46.5197 + 0.004 * n as f64, 6.6323 + 0.003 * n as f64)
}

pub const HOURS: &str = "Mo-Sa 08:00-20:00";

impl World {
    pub async fn fund(&self, brand: &str, minor: i64) {
        let asked = json!({ "amount": { "amount_minor": minor, "currency": "CHF" }, "reference": "bank statement 7" });
        let finance = self.staff(StaffRole::Finance).await;
        finance.post(&format!("/v1/admin/brands/{brand}/funding"), asked).await.ok();
    }

    /// A brand of this name with money and a published campaign.
    pub async fn round(&self, name: &str, plan: Plan) -> Round<'_> {
        let owner = self.brand(name).await;
        let brand = owner.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
        self.fund(&brand, plan.funds_minor).await;
        let (campaign, stores) = draft(&owner, &plan).await;
        owner.post(&format!("/v1/brand/campaigns/{campaign}/publish"), json!({})).await.ok();
        self.published(owner, brand, campaign, stores, plan).await
    }

    /// The campaign that `owner` just published at these stores.
    pub async fn published<'w>(
        &'w self,
        owner: Person<'w>,
        brand: String,
        campaign: String,
        stores: Vec<(String, (f64, f64))>,
        plan: Plan,
    ) -> Round<'w> {
        let listed = owner.get(&format!("/v1/brand/campaigns/{campaign}/missions?limit=100")).await.ok();
        let listed = listed["items"].as_array().unwrap();
        let missions = stores
            .into_iter()
            .map(|(store, point)| {
                let own = listed.iter().find(|m| m["store_id"] == *store);
                let own = own.unwrap_or_else(|| panic!("no mission at {store}: {listed:?}"));
                Mission { id: own["id"].as_str().unwrap().to_owned(), store, point }
            })
            .collect();
        Round { owner, brand, campaign, missions, plan }
    }
}

/// A draft with stores of its own; its id, and the stores.
pub async fn draft(owner: &Person<'_>, plan: &Plan) -> (String, Vec<(String, (f64, f64))>) {
    let mut stores = Vec::new();
    for n in 0..plan.stores {
        let (lat, lon) = corner(n);
        let asked = json!({
            "name": format!("Market {n}"), "chain": "Migros", "city": "Lausanne", "country": "CH", "lat": lat,
            "lon": lon, "opening_hours": HOURS, "time_zone": "Europe/Zurich",
        });
        let made = owner.post("/v1/brand/stores", asked).await.created();
        stores.push((made["id"].as_str().unwrap().to_owned(), (lat, lon)));
    }
    let ids: Vec<&String> = stores.iter().map(|(id, _)| id).collect();
    let asked = campaign(plan, &ids, owner.world.now());
    let made = owner.post("/v1/brand/campaigns", asked).await.created();
    (made["id"].as_str().unwrap().to_owned(), stores)
}

/// A campaign as a brand writes it down.
pub fn campaign(plan: &Plan, stores: &[&String], now: At) -> Value {
    json!({
        "name": "Hygiene shelf", "purpose": "How the hygiene shelf really looks.",
        "reward_minor": plan.reward_minor, "attempt_fee_minor": plan.attempt_fee_minor,
        "slots_per_store": plan.slots_per_store, "on_site_minutes": 20, "review_days": plan.review_days,
        "starts_at": now, "ends_at": now.plus_days(plan.days),
        "brief": [
            {"id": "1.1", "text": "Photograph the front of the store with its sign."},
            {"id": "2.1", "text": "Say for each brand whether it is there."},
            {"id": "2.4", "text": "Photograph the whole shelf of the brand, sharp and straight."}
        ],
        "questionnaire": plan.questionnaire,
        "loop_brands": [
            {"key": "acme", "name": "Acme"}, {"key": "savon", "name": "Savon"}, {"key": "pure", "name": "Pure"}
        ],
        "store_ids": stores,
    })
}

// Photos

/// A photo on its way.
#[derive(Clone, Debug)]
pub struct Shot {
    pub client_id: String,
    pub question: String,
    pub bytes: Vec<u8>,
    pub sha256: String,
}

impl Shot {
    pub fn new(client_id: &str, question: &str, bytes: Vec<u8>) -> Shot {
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        Shot { client_id: client_id.to_owned(), question: question.to_owned(), bytes, sha256 }
    }

    /// As a manifest names it.
    pub fn announced(&self) -> Value {
        json!({ "client_id": self.client_id, "question": self.question, "sha256": self.sha256,
            "size_bytes": self.bytes.len() })
    }
}

/// A sharp picture, another one for each seed: boxes like packets on a shelf with lines like print on them.
pub fn picture(seed: u64) -> Vec<u8> {
    const WIDTH: usize = 1600;
    const HEIGHT: usize = 600;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    for _ in 0..16 {
        roll(2);
    }
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
    for _ in 0..HEIGHT / 50 {
        let tones: Vec<u8> = (0..16).map(|_| 60 + roll(150) as u8).collect();
        let plain: Vec<u8> = (0..WIDTH).map(|x| tones[x * 16 / WIDTH]).collect();
        for line in 0..5 {
            let ink: Vec<bool> = (0..WIDTH / 3 + 1).map(|_| roll(2) == 1).collect();
            let print: Vec<u8> = (0..WIDTH).map(|x| if ink[x / 3] { 20 } else { plain[x] }).collect();
            let (above, printed) = if line == 0 { (2, 8) } else { (4, 6) };
            (0..above).for_each(|_| pixels.extend(&plain));
            (0..printed).for_each(|_| pixels.extend(&print));
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 88).encode(&pixels, WIDTH as u16, HEIGHT as u16, ColorType::Luma).unwrap();
    jpeg
}

/// The same picture as a phone would have taken it then and there.
pub fn stamped(jpeg: &[u8], taken: At, (lat, lon): (f64, f64)) -> Vec<u8> {
    let zone = Zone::parse("Europe/Zurich").unwrap();
    fieldproof::checks::stamp::stamp(jpeg, taken, &zone, Point::new(lat, lon).unwrap(), "Fairphone", "FP5").unwrap()
}

impl World {
    /// A fresh photo taken now at that place.
    pub fn photo(&self, client_id: &str, question: &str, point: (f64, f64)) -> Shot {
        let jpeg = picture(self.next_number() + 1);
        Shot::new(client_id, question, stamped(&jpeg, self.now(), point))
    }

    pub fn fix(&self, point: (f64, f64)) -> Value {
        // Nobody stands on the pin, and two phones never measure the same to the last digit.
        let n = self.next_number() as f64;
        let lat = point.0 + 4e-5 + (n % 50.0) * 1e-6 + n * 1e-9;
        json!({ "lat": lat, "lon": point.1, "accuracy_m": 12.0, "at": self.now() })
    }
}

// What people do

pub const REVIEWER: StaffRole = StaffRole::Reviewer;

/// Text of a reason, long enough.
pub const WHY: &str = "The shelf cannot be told from this photo.";

impl Person<'_> {
    pub async fn near(&self, point: (f64, f64)) -> Vec<Value> {
        let path = format!("/v1/missions?lat={}&lon={}&radius_m=20000&limit=100", point.0, point.1);
        self.get(&path).await.ok()["items"].as_array().unwrap().clone()
    }

    pub async fn reserve(&self, mission: &Mission) -> Reply {
        self.post(&format!("/v1/missions/{}/reservations", mission.id), json!({})).await
    }

    pub async fn check_in(&self, reservation: &str, point: (f64, f64)) -> Reply {
        let asked = json!({ "fixes": [self.world.fix(point)] });
        self.post(&format!("/v1/reservations/{reservation}/check-in"), asked).await
    }

    pub async fn upload(&self, reservation: &str, shot: &Shot) -> Reply {
        let question = shot.question.replace('/', "%2F");
        let path = format!(
            "/v1/reservations/{reservation}/evidence?client_id={}&question={question}&sha256={}",
            shot.client_id, shot.sha256
        );
        let headers = [("content-type", "image/jpeg".to_owned())];
        self.send_bytes("POST", &path, &headers, Some(shot.bytes.clone())).await
    }

    pub async fn seal(&self, reservation: &str, sealed: &Value) -> Reply {
        self.post(&format!("/v1/reservations/{reservation}/submission"), sealed.clone()).await
    }

    pub async fn submission(&self, id: &str) -> Value {
        self.get(&format!("/v1/submissions/{id}")).await.ok()
    }

    pub async fn balance_minor(&self) -> i64 {
        let balance = self.get("/v1/balance").await.ok();
        balance["balances"].as_array().unwrap().iter().map(|b| b["available"]["amount_minor"].as_i64().unwrap()).sum()
    }

    pub async fn claim(&self, submission: &str) -> Reply {
        self.post("/v1/admin/reviews/claim", json!({ "submission_id": submission })).await
    }

    pub async fn decide(&self, submission: &str, verdict: Value) -> Reply {
        self.post(&format!("/v1/admin/submissions/{submission}/decision"), verdict).await
    }

    /// Claims and decides.
    pub async fn rules(&self, submission: &str, verdict: Value) -> Value {
        self.claim(submission).await.ok();
        self.decide(submission, verdict).await.created()
    }

    pub async fn appeal(&self, submission: &str) -> Reply {
        let asked = json!({ "text": "The photo is sharp: please look at the left half of it again." });
        self.post(&format!("/v1/submissions/{submission}/appeal"), asked).await
    }
}

pub fn approved() -> Value {
    json!({ "kind": "approved" })
}

/// A rejection with all that it needs.
pub fn rejected() -> Value {
    json!({ "kind": "rejected", "reason_code": "photo_wrong_subject", "target": "visit", "clause_id": "2.4", "text": WHY })
}

pub fn correction(kind: &str) -> Value {
    json!({ "kind": "needs_correction", "reason_code": "photo_blurred", "target": "visit", "correction": kind,
        "text": "Please photograph the shelf once more." })
}

// Whole visits

/// A worker in a store, with a reservation and answers so far.
pub struct Visit<'p, 'w> {
    pub worker: &'p Person<'w>,
    pub point: (f64, f64),
    pub reservation: String,
    pub reserved: Value,
    pub answers: Map<String, Value>,
    pub shots: Vec<Shot>,
}

impl<'p, 'w> Visit<'p, 'w> {
    /// Reserves, walks there and checks in.
    pub async fn begin(worker: &'p Person<'w>, mission: &Mission) -> Visit<'p, 'w> {
        let mut visit = Visit::reserved(worker, mission).await;
        visit.world().advance_secs(600);
        let point = visit.point;
        visit.worker.check_in(&visit.reservation, point).await.ok();
        visit.world().advance_secs(600);
        visit.answers = Map::new();
        visit
    }

    /// Only reserves.
    pub async fn reserved(worker: &'p Person<'w>, mission: &Mission) -> Visit<'p, 'w> {
        let reserved = worker.reserve(mission).await.created();
        let reservation = reserved["id"].as_str().unwrap().to_owned();
        let point = mission.point;
        Visit { worker, point, reservation, reserved, answers: Map::new(), shots: Vec::new() }
    }

    pub fn world(&self) -> &'w World {
        self.worker.world
    }

    /// Takes a photo for a question and names it in the answers.
    pub fn shoot(&mut self, question: &str) {
        let client_id = format!("p{}", self.shots.len() + 1);
        let shot = self.world().photo(&client_id, question, self.point);
        self.add(shot);
    }

    /// Adds a photo and names it in the answers.
    pub fn add(&mut self, shot: Shot) {
        let steps: Vec<&str> = shot.question.split('/').skip(1).collect();
        if !steps.is_empty() {
            let mut at = self.answers.entry(steps[0]).or_insert(json!({}));
            for step in &steps[1..] {
                at = at.as_object_mut().unwrap().entry(*step).or_insert(json!({}));
            }
            let ids = at.as_object_mut().unwrap().entry("photo_ids").or_insert(json!([]));
            ids.as_array_mut().unwrap().push(json!(shot.client_id));
        }
        self.shots.push(shot);
    }

    pub fn answer(&mut self, name: &str, answer: Value) {
        self.answers.insert(name.to_owned(), answer);
    }

    /// What was seen of a brand: its state, and facings, products out of stock and nearly so when it is listed.
    pub fn saw(&mut self, brand: &str, state: &str, counts: Option<(i64, i64, i64)>) {
        let brands = self.answers.entry("brand").or_insert(json!({})).as_object_mut().unwrap();
        let mut round = json!({ "state": { "value": state } });
        if let Some((facings, oos, near)) = counts {
            round["facings"] = json!({ "value": facings });
            round["oos_products"] = json!({ "value": oos });
            round["near_oos_products"] = json!({ "value": near });
        }
        brands.insert(brand.to_owned(), round);
        if counts.is_some() {
            self.shoot(&format!("/brand/{brand}/shelf"));
        }
    }

    /// The short questionnaire, answered.
    pub fn answer_short(&mut self, facings: i64) {
        self.shoot("/shelf");
        self.answer("facings", json!({ "value": facings }));
    }

    /// The body of a seal.
    pub fn sealed_as(&self, outcome: &str) -> Value {
        let photos: Vec<Value> = self.shots.iter().map(Shot::announced).collect();
        json!({ "outcome": outcome, "answers": self.answers, "photos": photos, "fixes": [self.world().fix(self.point)] })
    }

    pub async fn upload(&self) {
        for shot in &self.shots {
            self.worker.upload(&self.reservation, shot).await.created();
        }
    }

    /// The visit is over: its photos are not taken any more.
    pub async fn upload_refused(&self) {
        self.worker.upload(&self.reservation, &self.shots[0]).await.refused(Code::ReservationOver);
    }

    /// Uploads, seals, lets the machine check; the submission's id.
    pub async fn finish(&self, outcome: &str) -> String {
        self.upload().await;
        self.seal(&self.sealed_as(outcome)).await
    }

    /// Seals and lets the machine check; the submission's id.
    pub async fn seal(&self, sealed: &Value) -> String {
        let made = self.worker.seal(&self.reservation, sealed).await.created();
        self.world().work().await;
        made["id"].as_str().unwrap().to_owned()
    }
}

impl Round<'_> {
    /// A short visit that was sealed and checked and gives no doubt.
    pub async fn clean(&self, worker: &Person<'_>, mission: &Mission) -> String {
        let mut visit = Visit::begin(worker, mission).await;
        visit.answer_short(7);
        visit.finish("completed").await
    }

    /// A short visit that goes to review: its only position is far from the store.
    pub async fn doubtful(&self, worker: &Person<'_>, mission: &Mission) -> String {
        let mut visit = Visit::reserved(worker, mission).await;
        visit.world().advance_secs(600);
        visit.answer_short(7);
        visit.upload().await;
        let mut sealed = visit.sealed_as("completed");
        sealed["fixes"] = json!([]);
        let id = visit.seal(&sealed).await;
        assert_eq!(worker.submission(&id).await["state"], "in_review");
        id
    }

    pub async fn balance(&self) -> Value {
        self.owner.get("/v1/brand/balance").await.ok()
    }
}
