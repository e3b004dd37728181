//! Two brands, two workers: each sees the own house only, whatever id is named.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, Visit, draft};
use crate::support::world::both;

both! {
    async fn a_brand_reads_what_a_new_round_asks_otherwise_and_nobody_elses(world) {
        let round = world.round("Acme", Plan::short()).await;
        let mut plan = Plan::short();
        plan.questionnaire["items"][1]["max"] = json!(200);
        plan.questionnaire["items"].as_array_mut().unwrap().push(json!({"type": "text", "name": "remark"}));
        let (next, _) = draft(&round.owner, &plan).await;
        let path = format!("/v1/brand/campaigns/{next}/questionnaire-changes?since={}", round.campaign);
        let seen = round.owner.get(&path).await.ok();
        assert_eq!(
            seen["changes"],
            json!([
                {"path": "facings", "clause_id": "2.1", "change": "changed", "fields": ["max"]},
                {"path": "remark", "clause_id": null, "change": "added", "fields": []}
            ])
        );
        let other = world.round("Bravo", Plan::short()).await;
        other.owner.get(&path).await.refused(Code::NotFound);
        let mixed = format!("/v1/brand/campaigns/{}/questionnaire-changes?since={next}", other.campaign);
        other.owner.get(&mixed).await.refused(Code::NotFound);
    }

    async fn a_brand_sees_nothing_of_another(world) {
        let acme = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let submission = acme.clean(&ana, &acme.missions[0]).await;
        let photo = ana.submission(&submission).await["photos"][0]["evidence_id"].as_str().unwrap().to_owned();
        let eve = world.round("Bravo", Plan::short()).await;
        for list in ["campaigns", "submissions", "products", "transfers"] {
            let text = eve.owner.get(&format!("/v1/brand/{list}")).await.ok().to_string();
            for id in [&acme.campaign, &submission, &acme.missions[0].id, &acme.brand] {
                assert!(!text.contains(id.as_str()), "{list} shows {id}: {text}");
            }
        }
        let stores = eve.owner.get("/v1/brand/stores").await.ok().to_string();
        assert!(!stores.contains(&acme.missions[0].store) && stores.contains(&eve.missions[0].store));
        let campaign = format!("/v1/brand/campaigns/{}", acme.campaign);
        for end in ["", "/missions", "/report", "/report.csv", "/answers-schema"] {
            eve.owner.get(&format!("{campaign}{end}")).await.refused(Code::NotFound);
            acme.owner.get(&format!("{campaign}{end}")).await;
        }
        for end in ["publish", "pause", "resume", "close"] {
            eve.owner.post(&format!("{campaign}/{end}"), json!({})).await.refused(Code::NotFound);
        }
        eve.owner.patch(&campaign, 1, json!({ "name": "Mine" })).await.refused(Code::NotFound);
        eve.owner.get(&format!("/v1/brand/submissions/{submission}")).await.refused(Code::NotFound);
        eve.owner.get(&format!("/v1/brand/submissions/{submission}/photos")).await.refused(Code::NotFound);
        eve.owner.get(&format!("/v1/brand/photos/{photo}")).await.refused(Code::NotFound);
        assert_eq!(acme.owner.get(&format!("/v1/brand/photos/{photo}")).await.status, 200);
        // A campaign cannot be made in another brand's store either.
        let listed = eve.owner.get(&format!("/v1/brand/submissions?campaign_id={}", acme.campaign)).await;
        assert!(listed.status == 404 || listed.ok()["items"] == json!([]));
    }

    async fn a_campaign_is_not_made_in_another_brands_store(world) {
        let acme = world.round("Acme", Plan::short()).await;
        let eve = world.round("Bravo", Plan::short()).await;
        let (own, _) = draft(&eve.owner, &eve.plan).await;
        let path = format!("/v1/brand/campaigns/{own}");
        let version = eve.owner.get(&path).await.ok()["version"].as_i64().unwrap();
        let stolen = json!({ "store_ids": [acme.missions[0].store] });
        let changed = eve.owner.patch(&path, version, stolen).await;
        if changed.status == 200 {
            let published = eve.owner.post(&format!("{path}/publish"), json!({})).await;
            assert_ne!(published.status, 200, "{}", published.text());
        }
    }

    async fn a_worker_sees_nothing_of_another(world) {
        let acme = world.round("Acme", Plan::short().slots(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut visit = Visit::begin(&ana, &acme.missions[0]).await;
        visit.answer_short(7);
        let submission = visit.finish("completed").await;
        ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        for list in ["reservations", "submissions", "earnings", "payouts"] {
            assert_eq!(bo.get(&format!("/v1/{list}")).await.ok()["items"], json!([]), "{list}");
            assert_eq!(ana.get(&format!("/v1/{list}")).await.ok()["items"].as_array().map(Vec::len), Some(1), "{list}");
        }
        assert_eq!(bo.get("/v1/balance").await.ok()["balances"], json!([]));
        let reservation = format!("/v1/reservations/{}", visit.reservation);
        bo.get(&reservation).await.refused(Code::NotFound);
        bo.check_in(&visit.reservation, visit.point).await.refused(Code::NotFound);
        bo.upload(&visit.reservation, &visit.shots[0]).await.refused(Code::NotFound);
        bo.ask(&format!("{reservation}/precheck"), json!({})).await.refused(Code::NotFound);
        let asked: [(&str, Value); 3] =
            [("release", json!({})), ("extend", json!({})), ("submission", visit.sealed_as("completed"))];
        for (end, body) in asked {
            bo.post(&format!("{reservation}/{end}"), body).await.refused(Code::NotFound);
        }
        bo.get(&format!("/v1/submissions/{submission}")).await.refused(Code::NotFound);
        bo.post(&format!("/v1/submissions/{submission}/revisions"), json!({})).await.refused(Code::NotFound);
        bo.appeal(&submission).await.refused(Code::NotFound);
    }
}
