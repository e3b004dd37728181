//! What a brand does: stores, products, campaigns, money, and what is delivered to it.

use diesel::prelude::*;
use fieldproof::db::Conn;
use fieldproof::db::rows::MissionRow;
use fieldproof::db::schema::{missions, submission_photos};
use fieldproof::domain::ids::*;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use serde_json::{Value, json};

use crate::support::visit::Shot;
use crate::support::world::{Person, World, both};

/// The owner of a brand, and the brand's id.
async fn owner<'w>(world: &'w World, name: &str) -> (Person<'w>, String) {
    let owner = world.brand(name).await;
    let brand = owner.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
    (owner, brand)
}

async fn fund(world: &World, brand: &str, minor: i64) -> Value {
    let asked = json!({"amount": {"amount_minor": minor, "currency": "CHF"}, "reference": "statement 7"});
    world.staff(StaffRole::Finance).await.post(&format!("/v1/admin/brands/{brand}/funding"), asked).await.ok()
}

async fn store(owner: &Person<'_>, name: &str) -> String {
    let asked = json!({"name": name, "chain": "Migros", "city": "Zürich", "country": "CH", "lat": 47.37, "lon": 8.54,
        "opening_hours": "Mo-Sa 08:00-20:00", "time_zone": "Europe/Zurich"});
    owner.post("/v1/brand/stores", asked).await.created()["id"].as_str().unwrap().to_owned()
}

async fn product(owner: &Person<'_>, gtin: &str, name: &str) -> String {
    let asked = json!({"gtin": gtin, "label": "Acme", "name": name});
    owner.post("/v1/brand/products", asked).await.created()["id"].as_str().unwrap().to_owned()
}

/// CHF 12 for a visit of twenty minutes, CHF 4 for an attempt.
fn draft(stores: &[&str], products: &[&str]) -> Value {
    json!({
        "name": "Soap", "purpose": "How soap stands on shelves.",
        "reward_minor": 1200, "attempt_fee_minor": 400, "on_site_minutes": 20,
        "starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-04-10T00:00:00Z",
        "brief": [{"id": "1", "text": "Go to the shelf."}, {"id": "2", "text": "Count every facing."}],
        "questionnaire": {"id": "soap", "version": 1, "items": [
            {"type": "photo", "name": "front", "clause_id": "1"},
            {"type": "loop", "name": "product", "over": "products", "items": [
                {"type": "stock_state", "name": "state", "clause_id": "2"},
                {"type": "count", "name": "facings", "min": 0, "max": 99},
                {"type": "price", "name": "price", "currency": "CHF"},
                {"type": "photo", "name": "shelf", "photo_of": ["facings"]}
            ]}
        ]},
        "product_ids": products, "store_ids": stores,
    })
}

/// A shelf with the first product on it, and nothing known of another.
fn whole_shelf(state: &str, facings: i64, amount: &str) -> Value {
    json!({"front": {"photo_ids": ["front"]}, "product": {"4006381333931": {
        "state": {"value": state}, "facings": {"value": facings},
        "price": {"amount": amount, "currency": "CHF"}, "shelf": {"photo_ids": ["shelf"]}}}})
}

async fn escrow(owner: &Person<'_>) -> i64 {
    owner.get("/v1/brand/balance").await.ok()["escrow"]["amount_minor"].as_i64().unwrap()
}

/// What two slots' worth of such a mission holds: slots × (12 + 20 %) + (slots + 1) × (4 + 20 %).
fn hold(slots: i64) -> i64 {
    slots * 1440 + (slots + 1) * 480
}

fn mission_of(world: &World, campaign: &str) -> MissionRow {
    let campaign = CampaignId::parse(campaign).unwrap();
    let read = |c: &mut Conn| Ok(missions::table.filter(missions::campaign_id.eq(campaign)).first(c)?);
    world.app.core.db.read(read).unwrap()
}

/// The first mission at this store.
fn mission_at(world: &World, store: &str) -> MissionRow {
    let of_it = missions::table.filter(missions::store_id.eq(StoreId::parse(store).unwrap()));
    world.app.core.db.read(|c| Ok(of_it.first(c)?)).unwrap()
}

/// Reserves, sends a good photo of the front and a damaged one of the shelf, seals without saying where it is, and so
/// comes up on a reviewer's desk.
async fn visit(world: &World, mission: &MissionRow, worker: &Person<'_>, answers: &Value) -> SubmissionId {
    let reservation = &reserve(worker, mission).await;
    let damaged = format!("shelf by {}", worker.id).into_bytes();
    let shots =
        [world.photo("front", "/front", (47.37, 8.54)), Shot::new("shelf", "/product/4006381333931/shelf", damaged)];
    for shot in &shots {
        worker.upload(reservation, shot).await.created();
    }
    let photos: Vec<Value> = shots.iter().map(Shot::announced).collect();
    let sealed = json!({"outcome": "completed", "answers": answers, "photos": photos});
    let sealed = worker.seal(reservation, &sealed).await.created();
    world.work().await;
    SubmissionId::parse(sealed["id"].as_str().unwrap()).unwrap()
}

/// Holds a slot there; the reservation.
async fn reserve(worker: &Person<'_>, mission: &MissionRow) -> String {
    let held = worker.post(&format!("/v1/missions/{}/reservations", mission.id), json!({})).await.created();
    held["id"].as_str().unwrap().to_owned()
}

/// The worker stands before a store that is shut.
async fn finds_it(outcome: &str, worker: &Person<'_>, reservation: &str) {
    worker.seal(reservation, &json!({ "outcome": outcome })).await.created();
}

/// A store that the brand knows and that two workers have found closed for good.
async fn closed_store(world: &World, owner: &Person<'_>, brand: &str, name: &str) -> String {
    fund(world, brand, 10_000).await;
    let (shop, rice) = (store(owner, name).await, product(owner, "96385074", "Rice").await);
    let mut asked = draft(&[&shop], &[&rice]);
    asked["slots_per_store"] = json!(2);
    let made = owner.post("/v1/brand/campaigns", asked).await.created();
    let campaign = made["id"].as_str().unwrap();
    owner.post(&format!("/v1/brand/campaigns/{campaign}/publish"), json!({})).await.ok();
    let mission = mission_of(world, campaign);
    let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
    // Both are on their way when the first of them tells.
    let held = [reserve(&ana, &mission).await, reserve(&bo, &mission).await];
    finds_it("closed_permanently", &ana, &held[0]).await;
    finds_it("closed_permanently", &bo, &held[1]).await;
    shop
}

/// A reviewer claims and decides.
async fn decide(world: &World, id: &SubmissionId, asked: Value) -> Value {
    let reviewer = world.staff(StaffRole::Reviewer).await;
    reviewer.post("/v1/admin/reviews/claim", json!({"submission_id": id})).await.ok();
    reviewer.post(&format!("/v1/admin/submissions/{id}/decision"), asked).await.created()
}

/// A partial approval without these answers.
fn without(refused: &[&str]) -> Value {
    let one = |item: &&str| {
        json!({"item": item, "reason_code": "answer_contradicts_photo", "clause_id": "2",
        "text": "The photo shows four facings, the answer says nine."})
    };
    json!({"kind": "partly_approved", "refused": refused.iter().map(one).collect::<Vec<_>>()})
}

both! {
    async fn a_brands_own_store_is_seen_by_nobody_else(world) {
        let (olga, _) = owner(world, "Acme").await;
        let (eve, _) = owner(world, "Other").await;
        let asked = json!({"name": "Coop 100% City", "city": "Bern", "country": "CH", "lat": 46.9, "lon": 7.4,
            "time_zone": "Europe/Zurich", "source_id": "17"});
        let made = olga.post("/v1/brand/stores", asked.clone()).await.created();
        assert_eq!((&made["radius_m"], &made["source"], &made["own"]), (&json!(150.0), &json!("brand"), &json!(true)));
        olga.post("/v1/brand/stores", asked.clone()).await.refused(Code::DuplicateStore);
        // Another brand's numbering is its own affair.
        eve.post("/v1/brand/stores", asked).await.created();
        store(&olga, "Migros Enge").await;
        let names = async |who: &Person<'_>, query: &str| -> Vec<String> {
            let page = who.get(&format!("/v1/brand/stores?{query}")).await.ok();
            page["items"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&olga, "q=coop").await, ["Coop 100% City"]);
        assert_eq!(names(&olga, "q=100%25").await.len(), 1);
        assert_eq!(names(&olga, "q=%25").await.len(), 1, "a percent sign stands for itself");
        assert_eq!(names(&olga, "city=Bern").await, ["Coop 100% City"]);
        assert_eq!(names(&olga, "chain=Migros").await, ["Migros Enge"]);
        assert_eq!(names(&eve, "").await.len(), 1);
        let first = olga.get("/v1/brand/stores?limit=1").await.ok();
        let rest = olga.get(&format!("/v1/brand/stores?limit=1&cursor={}", first["next"].as_str().unwrap())).await.ok();
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        assert_ne!(first["items"][0]["id"], rest["items"][0]["id"]);
        assert_eq!(rest["next"], Value::Null);
    }

    async fn a_store_with_many_faults_hears_of_all_of_them(world) {
        let (olga, _) = owner(world, "Acme").await;
        let asked = json!({"name": "", "country": "XX", "lat": 47.0, "lon": 8.0, "radius_m": 5,
            "opening_hours": "whenever", "time_zone": "Mars/Olympus"});
        let refused = olga.post("/v1/brand/stores", asked).await.refused(Code::InvalidRequest);
        let pointers: Vec<&str> =
            refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/name", "/country", "/time_zone", "/opening_hours", "/radius_m"]);
    }

    async fn a_gtin_checks_and_is_there_once_however_it_is_written(world) {
        let (olga, _) = owner(world, "Acme").await;
        product(&olga, "036000291452", "Soap").await;
        let twin = json!({"gtin": "0036000291452", "label": "Acme", "name": "Soap"});
        olga.post("/v1/brand/products", twin.clone()).await.refused(Code::DuplicateProduct);
        let wrong = json!({"gtin": "036000291453", "label": "Acme", "name": "Soap"});
        olga.post("/v1/brand/products", wrong).await.refused(Code::InvalidRequest);
        let (eve, _) = owner(world, "Other").await;
        eve.post("/v1/brand/products", twin).await.created();
        assert_eq!(olga.get("/v1/brand/products").await.ok()["items"].as_array().unwrap().len(), 1);
    }

    async fn a_draft_may_be_wrong_and_says_where(world) {
        let (olga, _) = owner(world, "Acme").await;
        let soap = product(&olga, "4006381333931", "Soap").await;
        let mut asked = draft(&[], &[&soap]);
        asked["questionnaire"]["items"][1]["items"][0]["clause_id"] = json!("99");
        asked["questionnaire"]["items"][1]["items"][1]["relevant"] = json!("${nothing} = 1");
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        assert_eq!(made["state"], "draft");
        let pointers: Vec<&str> =
            made["problems"].as_array().unwrap().iter().map(|p| p["pointer"].as_str().unwrap()).collect();
        assert!(pointers.contains(&"/questionnaire/items/1/items/0/clause_id"), "{pointers:?}");
        assert!(pointers.iter().any(|p| p.starts_with("/questionnaire/items/1/items/1")), "{pointers:?}");
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
        olga.post(&format!("{path}/publish"), json!({})).await.refused(Code::QuestionnaireInvalid);
        olga.get(&format!("{path}/answers-schema")).await.refused(Code::QuestionnaireInvalid);

        let mended = olga.patch(&path, 1, json!({"questionnaire": draft(&[], &[])["questionnaire"]})).await.ok();
        assert_eq!((&mended["problems"], &mended["version"]), (&json!([]), &json!(2)));
        olga.patch(&path, 1, json!({"name": "Soap II"})).await.refused(Code::Stale);
        assert_eq!(olga.get(&format!("{path}/answers-schema")).await.ok()["type"], "object");
        assert_eq!(olga.get(&path).await.ok()["product_ids"], json!([soap]));
    }

    async fn a_draft_takes_no_other_brands_stores_or_products(world) {
        let (olga, _) = owner(world, "Acme").await;
        let (eve, _) = owner(world, "Other").await;
        let (shop, soap) = (store(&eve, "Hers").await, product(&eve, "4006381333931", "Soap").await);
        olga.post("/v1/brand/campaigns", draft(&[&shop], &[])).await.refused(Code::NotFound);
        olga.post("/v1/brand/campaigns", draft(&[], &[&soap])).await.refused(Code::NotFound);
        let hers = eve.post("/v1/brand/campaigns", draft(&[&shop], &[&soap])).await.created();
        let path = format!("/v1/brand/campaigns/{}", hers["id"].as_str().unwrap());
        for part in ["", "/missions", "/report", "/report.csv", "/answers-schema"] {
            olga.get(&format!("{path}{part}")).await.refused(Code::NotFound);
        }
        for step in ["publish", "pause", "resume", "close"] {
            olga.post(&format!("{path}/{step}"), json!({})).await.refused(Code::NotFound);
        }
        olga.patch(&path, 1, json!({"name": "Mine"})).await.refused(Code::NotFound);
        olga.ask(&format!("{path}/check"), json!({})).await.refused(Code::NotFound);
    }

    async fn a_filter_chooses_the_stores_that_match(world) {
        let (olga, brand) = owner(world, "Acme").await;
        let enge = store(&olga, "Enge").await;
        closed_store(world, &olga, &brand, "Gone").await;
        let mut asked = draft(&[], &[]);
        asked["store_filter"] = json!({"chain": "Migros", "city": "Zürich"});
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        assert_eq!(made["store_ids"], json!([enge]));
    }

    async fn everything_that_stands_against_publishing_is_told_at_once(world) {
        let (olga, brand) = owner(world, "Acme").await;
        let shop = closed_store(world, &olga, &brand, "Gone").await;
        let mut asked = draft(&[&shop], &[]);
        asked["questionnaire"]["items"] = json!([{"type": "photo", "name": "front"}]);
        asked["brief"] = json!([]);
        asked["reward_minor"] = json!(300);
        asked["ends_at"] = json!("2026-03-01T00:00:00Z");
        asked["currency"] = json!("EUR");
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
        let refused = olga.post(&format!("{path}/publish"), json!({})).await.refused(Code::CampaignIncomplete);
        let codes: Vec<&str> = refused["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
        assert_eq!(
            codes,
            ["empty", "before_start", "past", "above_reward", "other_currency", "closed", "pay_floor"]
        );
        let check = olga.ask(&format!("{path}/check"), json!({})).await.ok();
        assert_eq!(check["ready"], false);
        assert_eq!(check["problems"].as_array().unwrap().len(), 7);
    }

    async fn a_campaign_below_the_pay_floor_is_not_published(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 1_000_000).await;
        let (shop, soap) = (store(&olga, "Enge").await, product(&olga, "4006381333931", "Soap").await);
        let mut asked = draft(&[&shop], &[&soap]);
        // 31 minutes in all: CHF 7.74 make CHF 14.98 an hour, CHF 7.75 make CHF 15.
        asked["reward_minor"] = json!(774);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
        olga.post(&format!("{path}/publish"), json!({})).await.refused(Code::PayFloor);
        olga.patch(&path, 1, json!({"reward_minor": 775})).await.ok();
        olga.post(&format!("{path}/publish"), json!({})).await.ok();
    }

    async fn publishing_sets_aside_what_every_mission_may_cost(world) {
        let (olga, brand) = owner(world, "Acme").await;
        let (one, two) = (store(&olga, "Enge").await, store(&olga, "City").await);
        let soap = product(&olga, "4006381333931", "Soap").await;
        let mut asked = draft(&[&one, &two], &[&soap]);
        asked["slots_per_store"] = json!(2);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());

        let total = 2 * hold(2);
        fund(world, &brand, total - 1).await;
        let check = olga.ask(&format!("{path}/check"), json!({})).await.ok();
        assert_eq!((&check["ready"], &check["problems"], &check["missions"]), (&json!(false), &json!([]), &json!(2)));
        assert_eq!((&check["hold"]["amount_minor"], &check["missing"]["amount_minor"]), (&json!(total), &json!(1)));
        let refused = olga.post(&format!("{path}/publish"), json!({})).await.refused(Code::InsufficientFunds);
        assert!(refused["detail"].as_str().unwrap().contains("CHF 0.01 are missing"), "{refused}");
        assert_eq!(olga.get(&path).await.ok()["state"], "draft", "nothing of it was kept");

        fund(world, &brand, 1 + 500).await;
        let published = olga.post_with_key(&format!("{path}/publish"), "publish-1", json!({})).await.ok();
        let again = olga.post_with_key(&format!("{path}/publish"), "publish-1", json!({})).await.ok();
        assert_eq!(published, again);
        assert_eq!((&published["state"], &published["missions"], &published["slots"]), (&json!("published"), &json!(2), &json!(4)));
        olga.post(&format!("{path}/publish"), json!({})).await.refused(Code::WrongState);
        olga.patch(&path, published["version"].as_i64().unwrap(), json!({"name": "x"})).await.refused(Code::CampaignNotDraft);
        olga.ask(&format!("{path}/check"), json!({})).await.refused(Code::CampaignNotDraft);

        let minor = |balance: &Value, name: &str| balance[name]["amount_minor"].as_i64().unwrap();
        let balance = olga.get("/v1/brand/balance").await.ok();
        assert_eq!((minor(&balance, "available"), minor(&balance, "escrow")), (500, total));
        assert_eq!((minor(&balance, "funded"), minor(&balance, "spent")), (total + 500, 0));
        let page = olga.get("/v1/brand/transfers?limit=3").await.ok();
        let kinds: Vec<&str> = page["items"].as_array().unwrap().iter().map(|t| t["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["hold", "hold", "fund"]);
        assert_eq!(page["items"][0]["change"]["amount_minor"], -hold(2));
        let rest = olga.get(&format!("/v1/brand/transfers?cursor={}", page["next"].as_str().unwrap())).await.ok();
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);

        let closed = olga.post(&format!("{path}/close"), json!({})).await.ok();
        assert_eq!(closed["state"], "closed");
        let balance = olga.get("/v1/brand/balance").await.ok();
        assert_eq!((minor(&balance, "available"), minor(&balance, "escrow")), (total + 500, 0));
        olga.post(&format!("{path}/resume"), json!({})).await.refused(Code::WrongState);
    }

    async fn closing_keeps_what_held_slots_may_still_cost(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (shop, soap) = (store(&olga, "Enge").await, product(&olga, "4006381333931", "Soap").await);
        let made = olga.post("/v1/brand/campaigns", draft(&[&shop], &[&soap])).await.created();
        let id = made["id"].as_str().unwrap();
        olga.post(&format!("/v1/brand/campaigns/{id}/publish"), json!({})).await.ok();
        let ana = world.worker("ana").await;
        let path = format!("/v1/missions/{}/reservations", mission_of(world, id).id);
        let held = ana.post(&path, json!({})).await.created();
        olga.post(&format!("/v1/brand/campaigns/{id}/close"), json!({})).await.ok();
        assert_eq!(escrow(&olga).await, 1440, "one reward with its fee");
        let path = format!("/v1/reservations/{}/release", held["id"].as_str().unwrap());
        ana.post(&path, json!({})).await.ok();
        world.work().await;
        assert_eq!(escrow(&olga).await, 0);
        world.work().await;
        assert_eq!(escrow(&olga).await, 0);
    }

    async fn closing_keeps_what_an_appeal_may_still_add(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (shop, soap) = (store(&olga, "Enge").await, product(&olga, "4006381333931", "Soap").await);
        let mut asked = draft(&[&shop], &[&soap]);
        asked["slots_per_store"] = json!(2);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let id = made["id"].as_str().unwrap();
        olga.post(&format!("/v1/brand/campaigns/{id}/publish"), json!({})).await.ok();
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mission = mission_of(world, id);
        let mut kept = 0;
        let mut submissions = Vec::new();
        for worker in [&ana, &bo] {
            let seen = visit(world, &mission, worker, &whole_shelf("in_stock", 9, "2.50")).await;
            let decision = decide(world, &seen, without(&["/product/4006381333931"])).await;
            let paid = decision["pay"]["amount_minor"].as_i64().unwrap();
            assert!((1..1200).contains(&paid), "{decision}");
            kept += 1440 - paid - paid / 5;
            submissions.push(seen);
        }
        olga.post(&format!("/v1/brand/campaigns/{id}/close"), json!({})).await.ok();
        assert_eq!(escrow(&olga).await, kept);

        // Ana appeals and is right; Bo lets the time pass.
        let asked = json!({"text": "There are nine: five stand behind the price rail."});
        let appeal = ana.post(&format!("/v1/submissions/{}/appeal", submissions[0]), asked).await.created();
        let path = format!("/v1/admin/appeals/{}/decision", appeal["id"].as_str().unwrap());
        world.staff(StaffRole::Reviewer).await.post(&path, json!({"ruling": "overturn"})).await;
        world.work().await;
        assert_eq!(escrow(&olga).await, kept / 2);
        world.advance_hours(15 * 24);
        world.work().await;
        assert_eq!(escrow(&olga).await, 0);
    }

    async fn a_paused_store_keeps_its_mission_paused_when_the_campaign_resumes(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (open, shut) = (store(&olga, "Open").await, store(&olga, "Shut").await);
        let soap = product(&olga, "4006381333931", "Soap").await;
        let made = olga.post("/v1/brand/campaigns", draft(&[&open, &shut], &[&soap])).await.created();
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
        olga.post(&format!("{path}/publish"), json!({})).await.ok();
        let ana = world.worker("ana").await;
        let held = reserve(&ana, &mission_at(world, &shut)).await;
        olga.post(&format!("{path}/pause"), json!({})).await.ok();
        let states = async || -> Vec<(String, String)> {
            let page = olga.get(&format!("{path}/missions")).await.ok();
            let text = |m: &Value, name: &str| m[name].as_str().unwrap().to_owned();
            page["items"].as_array().unwrap().iter().map(|m| (text(m, "store_name"), text(m, "state"))).collect()
        };
        assert!(states().await.iter().all(|(_, state)| state == "paused"));
        finds_it("closed_temporarily", &ana, &held).await;
        olga.post(&format!("{path}/resume"), json!({})).await.ok();
        for (name, state) in states().await {
            assert_eq!(state, if name == "Open" { "open" } else { "paused" }, "{name}");
        }
    }

    async fn a_mission_at_a_store_that_was_reported_shut_waits_for_it(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (shut, soap) = (store(&olga, "Shut").await, product(&olga, "4006381333931", "Soap").await);
        let publish = async || {
            let made = olga.post("/v1/brand/campaigns", draft(&[&shut], &[&soap])).await.created();
            let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
            olga.post(&format!("{path}/publish"), json!({})).await.ok();
            path
        };
        publish().await;
        let ana = world.worker("ana").await;
        let held = reserve(&ana, &mission_at(world, &shut)).await;
        finds_it("closed_temporarily", &ana, &held).await;
        let path = publish().await;
        assert_eq!(olga.get(&format!("{path}/missions")).await.ok()["items"][0]["state"], "paused");
    }

    async fn an_editor_writes_drafts_and_an_owner_spends(world) {
        let (olga, brand) = owner(world, "Acme").await;
        let person = async |role: &str| {
            let email = world.fresh_email(role);
            let asked = json!({"email": email, "name": role, "role": role});
            olga.post("/v1/brand/members", asked).await.created();
            world.accept_invitation(&email).await
        };
        let (ed, vic) = (person("editor").await, person("viewer").await);
        let made = ed.post("/v1/brand/campaigns", draft(&[], &[])).await.created();
        let path = format!("/v1/brand/campaigns/{}", made["id"].as_str().unwrap());
        ed.post(&format!("{path}/publish"), json!({})).await.refused(Code::Forbidden);
        vic.get(&path).await.ok();
        vic.patch(&path, 1, json!({"name": "x"})).await.refused(Code::Forbidden);
        vic.post("/v1/brand/campaigns", draft(&[], &[])).await.refused(Code::Forbidden);
        world.worker("ana").await.get(&path).await.refused(Code::Forbidden);
        let funding = format!("/v1/admin/brands/{brand}/funding");
        let asked = |currency: &str| json!({"amount": {"amount_minor": 5, "currency": currency}, "reference": "r"});
        olga.post(&funding, asked("CHF")).await.refused(Code::Forbidden);
        world.staff(StaffRole::Reviewer).await.post(&funding, asked("CHF")).await.refused(Code::Forbidden);
        let fin = world.staff(StaffRole::Finance).await;
        fin.post(&funding, asked("EUR")).await.refused(Code::InvalidRequest);
        let absent = funding.replace(&brand, "brd_00000000000000000000000000");
        fin.post(&absent, asked("CHF")).await.refused(Code::NotFound);
    }

    async fn a_report_counts_only_what_was_observed_and_accepted(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (enge, city) = (store(&olga, "=Enge").await, store(&olga, "City").await);
        let (soap, gel) = (product(&olga, "4006381333931", "Soap").await, product(&olga, "40170725", "Gel").await);
        let mut asked = draft(&[&enge], &[&soap, &gel]);
        asked["slots_per_store"] = json!(2);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/brand/campaigns/{id}");
        olga.patch(&path, 1, json!({"store_ids": [enge, city]})).await.ok();
        olga.post(&format!("{path}/publish"), json!({})).await.ok();
        let mission = mission_at(world, &enge);

        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut first = whole_shelf("in_stock", 4, "2.50");
        first["product"]["40170725"] = json!({"state": {"value": "unknown"}});
        let whole = visit(world, &mission, &ana, &first).await;
        decide(world, &whole, json!({"kind": "approved"})).await;
        let part = visit(world, &mission, &bo, &whole_shelf("out_of_stock", 9, "3.50")).await;
        decide(world, &part, without(&["/product/4006381333931/facings", "/product/4006381333931/shelf"])).await;

        let report = olga.get(&format!("{path}/report")).await.ok();
        assert_eq!(report["coverage"], json!({"missions": 2, "visited": 1, "attempted": 0, "share": 0.5}));
        let line = report["totals"].as_array().unwrap().iter().find(|l| l["key"] == "4006381333931").unwrap();
        assert_eq!((&line["visits"], &line["in_stock"], &line["out_of_stock"]), (&json!(2), &json!(1), &json!(1)));
        assert_eq!((&line["availability"], &line["key_name"]), (&json!(0.5), &json!("Soap")));
        // The refused count of nine is in neither sum nor mean.
        assert_eq!(line["counts"][0], json!({"name": "facings", "observed": 1, "not_observed": 0, "sum": 4, "mean": 4.0}));
        assert_eq!(line["prices"][0], json!({"currency": "CHF", "observed": 2, "min_minor": 250, "median_minor": 300, "max_minor": 350}));
        let gel = report["totals"].as_array().unwrap().iter().find(|l| l["key"] == "40170725").unwrap();
        assert_eq!((&gel["availability"], &gel["prices"]), (&Value::Null, &json!([])));
        assert_eq!(gel["not_observed"], 2);

        let csv = olga.get(&format!("{path}/report.csv")).await;
        csv.ok();
        let text = csv.text();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 4, "{text}");
        assert!(rows[1..].iter().any(|row| row.contains(",'=Enge,")), "{text}");
        assert!(rows[1..].iter().any(|row| row.contains(",City,") && row.ends_with(&format!(",0,0{}", ",".repeat(24)))), "{text}");
        assert!(text.contains(",4006381333931,Soap,2,1,0,1,0,0,0,0.5000,1,0,4,4.0000,CHF,2,250,300,350"), "{text}");

        // What is delivered of the second visit lacks what was refused.
        let list = olga.get(&format!("/v1/brand/submissions?campaign_id={id}")).await.ok();
        let ids: Vec<&str> = list["items"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [part.as_str(), whole.as_str()]);
        let view = olga.get(&format!("/v1/brand/submissions/{part}")).await.ok();
        let paths: Vec<&str> = view["answers"].as_array().unwrap().iter().map(|a| a["path"].as_str().unwrap()).collect();
        assert!(paths.contains(&"/product/4006381333931/state"), "{paths:?}");
        assert!(!paths.contains(&"/product/4006381333931/facings"), "{paths:?}");
        assert!(!view.to_string().contains(&bo.id), "the worker is nobody's business");

        let photos = olga.get(&format!("/v1/brand/submissions/{part}/photos")).await.ok();
        let questions: Vec<&str> = photos["items"].as_array().unwrap().iter().map(|p| p["question"].as_str().unwrap()).collect();
        assert_eq!(questions, ["/front"]);
        let all = olga.get(&format!("/v1/brand/submissions/{whole}/photos")).await.ok();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);

        let photo_of = |list: &Value, question: &str| {
            let items = list["items"].as_array().unwrap();
            let found = items.iter().find(|p| p["question"] == question).unwrap();
            format!("/v1/brand/photos/{}", found["id"].as_str().unwrap())
        };
        let photo = photo_of(&photos, "/front");
        for size in ["", "?size=small"] {
            let shown = olga.get(&format!("{photo}{size}")).await;
            shown.ok();
            assert_eq!((shown.headers["content-type"].as_str(), &shown.bytes[..2]), ("image/jpeg", &b"\xff\xd8"[..]));
            assert!(!shown.bytes.windows(4).any(|w| w == b"Exif"), "where the worker stood stays here");
        }
        olga.get(&format!("{photo}?size=original")).await.refused(Code::InvalidRequest);
        let damaged = photo_of(&all, "/product/4006381333931/shelf");
        for size in ["", "?size=small"] {
            olga.get(&format!("{damaged}{size}")).await.refused(Code::PhotoNotReady);
        }
        let refused = refused_photo(world, &part);
        olga.get(&format!("/v1/brand/photos/{refused}")).await.refused(Code::NotFound);

        let (eve, _) = owner(world, "Other").await;
        eve.get(&photo).await.refused(Code::NotFound);
        eve.get(&format!("/v1/brand/submissions/{part}")).await.refused(Code::NotFound);
        eve.get(&format!("/v1/brand/submissions/{part}/photos")).await.refused(Code::NotFound);
        assert_eq!(eve.get("/v1/brand/submissions").await.ok()["items"], json!([]));
    }

    async fn undecided_and_rejected_work_is_not_delivered(world) {
        let (olga, brand) = owner(world, "Acme").await;
        fund(world, &brand, 10_000).await;
        let (shop, soap) = (store(&olga, "Enge").await, product(&olga, "4006381333931", "Soap").await);
        let mut asked = draft(&[&shop], &[&soap]);
        asked["slots_per_store"] = json!(2);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let id = made["id"].as_str().unwrap();
        olga.post(&format!("/v1/brand/campaigns/{id}/publish"), json!({})).await.ok();
        let mission = mission_of(world, id);
        let appeal = json!({"text": "Please look again: the fifth one stands behind the rail."});

        let ana = world.worker("ana").await;
        let refused = visit(world, &mission, &ana, &whole_shelf("in_stock", 9, "2.50")).await;
        let nothing = async || {
            olga.get(&format!("/v1/brand/submissions/{refused}")).await.refused(Code::NotFound);
            assert_eq!(olga.get("/v1/brand/submissions").await.ok()["items"], json!([]));
            let report = olga.get(&format!("/v1/brand/campaigns/{id}/report")).await.ok();
            assert_eq!((&report["totals"], &report["coverage"]["visited"]), (&json!([]), &json!(0)));
        };
        nothing().await;
        let asked = json!({"kind": "rejected", "reason_code": "wrong_store", "target": "visit", "clause_id": "1",
            "text": "The photos show another store."});
        decide(world, &refused, asked).await;
        nothing().await;
        ana.post(&format!("/v1/submissions/{refused}/appeal"), appeal.clone()).await.created();
        nothing().await;

        // Appealing the refused part takes nothing back.
        let bo = world.worker("bo").await;
        let part = visit(world, &mission, &bo, &whole_shelf("in_stock", 9, "2.50")).await;
        decide(world, &part, without(&["/product/4006381333931/facings"])).await;
        bo.post(&format!("/v1/submissions/{part}/appeal"), appeal).await.created();
        let view = olga.get(&format!("/v1/brand/submissions/{part}")).await.ok();
        assert_eq!(view["state"], "partly_approved");
        assert_eq!(olga.get("/v1/brand/submissions").await.ok()["items"].as_array().unwrap().len(), 1);
    }

    async fn the_schema_of_questionnaires_is_there_for_everybody(world) {
        let schema = world.stranger().get("/v1/schemas/questionnaire").await.ok();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&draft(&[], &[])["questionnaire"]));
    }
}

/// The photo of the shelf, whose question was refused.
fn refused_photo(world: &World, submission: &SubmissionId) -> EvidenceId {
    let of_it = submission_photos::table.find((submission, "shelf")).select(submission_photos::evidence_id);
    let id: Option<EvidenceId> = world.app.core.db.read(|c| Ok(of_it.first(c)?)).unwrap();
    id.unwrap()
}
