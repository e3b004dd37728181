//! The reference round: two supermarkets are done, the third is shut. And what the brand gets to see of it.

use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, WHY, held_for_a_store, with_fee};
use crate::support::world::{Person, both};

/// A state, and facings, products out of stock and nearly so where the brand is listed.
type Seen = (&'static str, Option<(i64, i64, i64)>);

/// A visit of the reference round; `brands` in the order acme, savon, pure.
async fn visit(worker: &Person<'_>, round: &Round<'_>, store: usize, brands: [Seen; 3], fixes: bool) -> String {
    let mut visit = Visit::begin(worker, &round.missions[store]).await;
    visit.shoot("/front");
    for (brand, (state, counts)) in ["acme", "savon", "pure"].into_iter().zip(brands) {
        visit.saw(brand, state, counts);
    }
    visit.upload().await;
    let mut sealed = visit.sealed_as("completed");
    if !fixes {
        // Eleven kilometres away: a person should look.
        sealed["fixes"][0]["lat"] = json!(visit.point.0 + 0.1);
        sealed["fixes"][0]["mock"] = json!(true);
    }
    visit.seal(&sealed).await
}

const FIRST: [Seen; 3] = [("in_stock", Some((12, 0, 2))), ("in_stock", Some((5, 1, 3))), ("not_listed", None)];
const SECOND: [Seen; 3] =
    [("out_of_stock", Some((0, 0, 0))), ("in_stock", Some((8, 0, 0))), ("unknown", Some((3, 1, 1)))];

fn line<'a>(lines: &'a Value, key: &str) -> &'a Value {
    lines.as_array().unwrap().iter().find(|l| l["key"] == key).unwrap_or_else(|| panic!("no {key} in {lines}"))
}

both! {
    async fn two_stores_are_done_and_the_third_is_shut(world) {
        let round = world.round("Acme", Plan::reference()).await;
        let ana = world.worker("ana").await;
        let near = ana.near(round.missions[0].point).await;
        assert_eq!(near.len(), 3);
        assert_eq!(near[0]["id"], round.missions[0].id, "the nearest first");
        assert!(near[0]["hourly_pay"]["amount_minor"].as_i64().unwrap() >= 1500, "above the floor");
        let held = 3 * held_for_a_store(&round.plan);
        assert_eq!(round.balance().await["escrow"]["amount_minor"], held);

        for (store, brands) in [FIRST, SECOND].into_iter().enumerate() {
            let id = visit(&ana, &round, store, brands, true).await;
            let seen = ana.submission(&id).await;
            assert_eq!((&seen["state"], &seen["decision"]["decided_by"]), (&json!("approved"), &json!("rule")), "{seen}");
            assert_eq!(seen["pay"]["amount_minor"], 1200);
        }
        let mut shut = Visit::begin(&ana, &round.missions[2]).await;
        shut.shoot("/front");
        let id = shut.finish("closed_temporarily").await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["pay"]["amount_minor"]), (&json!("approved"), &json!(400)), "{seen}");
        assert_eq!(ana.balance_minor().await, 2 * 1200 + 400);
        let earnings = ana.get("/v1/earnings").await.ok();
        let kinds: Vec<&Value> = earnings["items"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
        assert_eq!(kinds, ["attempt", "reward", "reward"], "newest first");
        let fees: i64 = earnings["items"].as_array().unwrap().iter().map(|e| e["fee"]["amount_minor"].as_i64().unwrap()).sum();
        assert_eq!(fees, with_fee(2 * 1200 + 400) - (2 * 1200 + 400), "the worker reads what the brand paid beside it");

        let spent = with_fee(2 * 1200 + 400);
        let balance = round.balance().await;
        assert_eq!(balance["spent"]["amount_minor"], spent);
        assert_eq!(balance["escrow"]["amount_minor"], held - spent);
        let closed = round.owner.post(&format!("/v1/brand/campaigns/{}/close", round.campaign), json!({})).await;
        closed.ok();
        world.work().await;
        let balance = round.balance().await;
        assert_eq!(balance["escrow"]["amount_minor"], 0, "a closed campaign holds nothing");
        assert_eq!(balance["available"]["amount_minor"], round.plan.funds_minor - spent);
    }

    async fn the_report_tells_what_was_seen_and_what_nobody_observed(world) {
        let round = world.round("Acme", Plan::reference()).await;
        let ana = world.worker("ana").await;
        visit(&ana, &round, 0, FIRST, true).await;
        visit(&ana, &round, 1, SECOND, true).await;
        let path = format!("/v1/brand/campaigns/{}/report", round.campaign);
        let report = round.owner.get(&path).await.ok();
        assert_eq!(report["coverage"]["missions"], 3);
        assert_eq!(report["coverage"]["visited"], 2);
        assert_eq!(report["coverage"]["attempted"], 0);
        let totals = &report["totals"];
        // Acme: in stock, out of stock. Savon: in stock twice. Pure: not listed, unknown.
        let acme = line(totals, "acme");
        assert_eq!((&acme["in_stock"], &acme["out_of_stock"]), (&json!(1), &json!(1)));
        assert_eq!(acme["availability"], 0.5);
        let savon = line(totals, "savon");
        assert_eq!((&savon["in_stock"], &savon["availability"]), (&json!(2), &json!(1.0)));
        let pure = line(totals, "pure");
        assert_eq!((&pure["not_listed"], &pure["not_observed"]), (&json!(1), &json!(1)));
        assert_eq!(pure["availability"], Value::Null, "nobody could tell");
        let facings = |line: &Value| {
            let count = line["counts"].as_array().unwrap().iter().find(|c| c["name"] == "facings").unwrap().clone();
            (count["observed"].as_i64().unwrap(), count["sum"].as_i64().unwrap(), count["mean"].as_f64())
        };
        assert_eq!(facings(acme), (2, 12, Some(6.0)));
        assert_eq!(facings(savon), (2, 13, Some(6.5)));
        assert_eq!(facings(pure), (1, 3, Some(3.0)));

        let csv = round.owner.get(&format!("{path}.csv")).await;
        assert_eq!(csv.status, 200);
        let text = csv.text();
        let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        let column = |name: &str| rows[0].iter().position(|c| *c == name).unwrap();
        assert_eq!(rows.len(), 1 + 3 + 3 + 1, "three brands in two stores, and a store nobody visited");
        let of = |key: &str, field: &str| -> Vec<&str> {
            rows[1..].iter().filter(|r| r[column("key")] == key).map(|r| r[column(field)]).collect()
        };
        let mut sums = of("acme", "facings_sum");
        sums.sort_unstable();
        assert_eq!(sums, ["0", "12"]);
        assert!(of("pure", "availability").iter().all(|cell| cell.is_empty()));
    }

    async fn refused_items_are_not_paid_and_the_brand_does_not_see_them(world) {
        let round = world.round("Acme", Plan::reference()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = visit(&ana, &round, 0, FIRST, false).await;
        assert_eq!(ana.submission(&id).await["state"], "in_review");
        let refused = [json!({ "item": "/brand/savon", "reason_code": "photo_blurred", "clause_id": "2.4", "text": WHY })];
        let decided = rita.rules(&id, json!({ "kind": "partly_approved", "refused": refused })).await;
        // Store front and three brands are four equal parts; nobody answered the remark.
        assert_eq!(decided["pay"]["amount_minor"], 900);
        assert_eq!(ana.balance_minor().await, 900);
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "partly_approved");
        assert_eq!(seen["decision"]["refused"][0]["item"], "/brand/savon");

        let delivered = round.owner.get(&format!("/v1/brand/submissions/{id}")).await.ok();
        let distance = delivered["position"]["distance_m"].as_i64().unwrap();
        assert_eq!((&delivered["position"]["verdict"], distance % 10), (&json!("pass"), 0), "no brand sees where exactly");
        let paths: Vec<&str> = delivered["answers"].as_array().unwrap().iter().map(|a| a["path"].as_str().unwrap()).collect();
        assert!(paths.contains(&"/brand/acme/facings"), "{paths:?}");
        assert!(!paths.iter().any(|path| path.starts_with("/brand/savon")), "{paths:?}");
        let photos = round.owner.get(&format!("/v1/brand/submissions/{id}/photos")).await.ok();
        let questions: Vec<&Value> = photos["items"].as_array().unwrap().iter().map(|p| &p["question"]).collect();
        assert_eq!(questions.len(), 2, "{questions:?}");
        assert!(!questions.contains(&&json!("/brand/savon/shelf")));
        let report = round.owner.get(&format!("/v1/brand/campaigns/{}/report", round.campaign)).await.ok();
        assert!(!report["totals"].to_string().contains("savon"));
        assert!(!round.owner.get(&format!("/v1/brand/campaigns/{}/report.csv", round.campaign)).await.text().contains("savon"));
    }

    async fn what_is_not_decided_for_the_brand_is_not_shown_to_it(world) {
        let round = world.round("Acme", Plan::reference()).await;
        let ana = world.worker("ana").await;
        let id = visit(&ana, &round, 0, FIRST, false).await;
        round.owner.get(&format!("/v1/brand/submissions/{id}")).await.refused(fieldproof::domain::refusal::Code::NotFound);
        assert_eq!(round.owner.get("/v1/brand/submissions").await.ok()["items"], json!([]));
        let report = round.owner.get(&format!("/v1/brand/campaigns/{}/report", round.campaign)).await.ok();
        assert_eq!((&report["coverage"]["visited"], &report["totals"]), (&json!(0), &json!([])));
    }
}
