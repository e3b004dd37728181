//! A rejection has a human name and all its reasons; an appeal is judged by somebody else, or by time for the worker.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, WHY, held_for_a_store, rejected, with_fee};
use crate::support::world::{Person, World, both};

/// Ana's visit, rejected by Rita.
async fn a_rejection<'w>(world: &'w World) -> (Round<'w>, Person<'w>, Person<'w>, String) {
    let round = world.round("Acme", Plan::short()).await;
    let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
    let id = round.doubtful(&ana, &round.missions[0]).await;
    rita.rules(&id, rejected()).await;
    (round, ana, rita, id)
}

async fn slots_held(round: &Round<'_>) -> Value {
    let missions = round.owner.get(&format!("/v1/brand/campaigns/{}/missions", round.campaign)).await.ok();
    missions["items"][0]["slots_held"].clone()
}

async fn close(round: &Round<'_>) {
    round.owner.post(&format!("/v1/brand/campaigns/{}/close", round.campaign), json!({})).await.ok();
    round.owner.world.work().await;
}

both! {
    async fn a_rejection_says_everything_that_it_must(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        rita.claim(&id).await.ok();
        for missing in ["reason_code", "target", "clause_id", "text"] {
            let mut asked = rejected();
            asked.as_object_mut().unwrap().remove(missing);
            let body = rita.decide(&id, asked).await.refused(Code::DecisionInvalid);
            assert_eq!(body["errors"][0]["pointer"], format!("/{missing}"));
        }
        let mut asked = rejected();
        asked["clause_id"] = json!("9.9");
        rita.decide(&id, asked).await.refused(Code::DecisionInvalid);
        rita.decide(&id, rejected()).await.created();
        rita.decide(&id, rejected()).await.refused(Code::WrongState);
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "rejected");
        assert_eq!(seen["decision"]["clause"], "Photograph the whole shelf of the brand, sharp and straight.");
        assert_eq!(seen["decision"]["text"], WHY);
        assert!(world.letter_to(&ana.email).contains(WHY));
        assert_eq!(ana.balance_minor().await, 0);
    }

    async fn another_person_overturns_a_rejection_and_the_worker_is_paid(world) {
        let (round, ana, rita, id) = a_rejection(world).await;
        ana.appeal(&id).await.created();
        ana.appeal(&id).await.refused(Code::AppealClosed);
        let queue = rita.get("/v1/admin/appeals").await.ok();
        let appeal = format!("/v1/admin/appeals/{}/decision", queue["items"][0]["id"].as_str().unwrap());
        rita.post(&appeal, json!({ "ruling": "overturn" })).await.refused(Code::OwnDecision);
        let sam = world.staff(REVIEWER).await;
        sam.post(&appeal, json!({ "ruling": "overturn" })).await.created();
        sam.post(&appeal, json!({ "ruling": "overturn" })).await.refused(Code::WrongState);
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["pay"]["amount_minor"]), (&json!("approved"), &json!(1200)));
        assert_eq!(ana.balance_minor().await, 1200);
        assert_eq!(slots_held(&round).await, 0);
        round.owner.get(&format!("/v1/brand/submissions/{id}")).await.ok();
    }

    async fn an_upheld_appeal_is_final_and_frees_the_slot(world) {
        let (round, ana, _, id) = a_rejection(world).await;
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        let sam = world.staff(REVIEWER).await;
        let path = format!("/v1/admin/appeals/{appeal}/decision");
        sam.post(&path, json!({ "ruling": "uphold" })).await.refused(Code::DecisionInvalid);
        sam.post(&path, json!({ "ruling": "uphold", "text": WHY })).await.created();
        assert_eq!(ana.submission(&id).await["state"], "rejected");
        assert_eq!(slots_held(&round).await, 0);
        ana.appeal(&id).await.refused(Code::AppealClosed);
        world.advance_hours(15 * 24);
        world.work().await;
        assert_eq!(slots_held(&round).await, 0, "the slot is freed once");
        world.worker("bo").await.reserve(&round.missions[0]).await.created();
    }

    async fn an_appeal_that_nobody_judges_is_decided_for_the_worker(world) {
        let (_, ana, _, id) = a_rejection(world).await;
        ana.appeal(&id).await.created();
        world.advance_hours(6 * 24);
        world.work().await;
        assert_eq!(ana.submission(&id).await["state"], "appealed", "five working days, not five days");
        world.advance_hours(2 * 24);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["decision"]["decided_by"]), (&json!("approved"), &json!("silence")));
        assert_eq!(ana.balance_minor().await, 1200);
    }

    async fn an_appeal_window_that_passes_frees_the_slot_and_its_money(world) {
        let (round, ana, _, id) = a_rejection(world).await;
        close(&round).await;
        let still = with_fee(1200);
        assert_eq!(round.balance().await["escrow"]["amount_minor"], still, "the appeal may still cost it");
        assert_eq!(slots_held(&round).await, 1);
        world.advance_hours(14 * 24 + 1);
        world.work().await;
        ana.appeal(&id).await.refused(Code::AppealClosed);
        assert_eq!(slots_held(&round).await, 0);
        let balance = round.balance().await;
        assert_eq!(balance["escrow"]["amount_minor"], 0);
        assert_eq!(balance["available"]["amount_minor"], round.plan.funds_minor);
    }

    async fn an_appeal_won_after_the_campaign_closed_is_still_paid(world) {
        let (round, ana, _, id) = a_rejection(world).await;
        close(&round).await;
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        let sam = world.staff(REVIEWER).await;
        sam.post(&format!("/v1/admin/appeals/{appeal}/decision"), json!({ "ruling": "overturn" })).await.created();
        world.work().await;
        assert_eq!(ana.balance_minor().await, 1200);
        let balance = round.balance().await;
        assert_eq!(balance["escrow"]["amount_minor"], 0);
        assert_eq!(balance["available"]["amount_minor"], round.plan.funds_minor - with_fee(1200));
        assert!(held_for_a_store(&round.plan) > with_fee(1200));
    }

    async fn the_reason_other_needs_a_second_person(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita, sam) = (world.worker("ana").await, world.staff(REVIEWER).await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let mut asked = rejected();
        asked["reason_code"] = json!("other");
        rita.claim(&id).await.ok();
        rita.decide(&id, asked.clone()).await.refused(Code::SecondReviewer);
        assert_eq!(ana.submission(&id).await["state"], "in_review");
        rita.claim(&id).await.ok();
        rita.decide(&id, asked.clone()).await.refused(Code::SecondReviewer);
        let decided = sam.rules(&id, asked).await;
        assert_eq!((&decided["decider_id"], &decided["second_reviewer_id"]), (&json!(rita.id), &json!(sam.id)));
        assert_eq!(ana.submission(&id).await["state"], "rejected");
        // Neither of the two judges the appeal.
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        for judge in [&rita, &sam] {
            let path = format!("/v1/admin/appeals/{appeal}/decision");
            judge.post(&path, json!({ "ruling": "overturn" })).await.refused(Code::OwnDecision);
        }
    }
}
