//! Money that was set aside follows the work: campaigns that end while somebody is on the way, and pay that is raised.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, WHY, held_for_a_store, with_fee};
use crate::support::world::both;

async fn campaign(round: &Round<'_>, step: &str) {
    round.owner.post(&format!("/v1/brand/campaigns/{}/{step}", round.campaign), json!({})).await.ok();
    round.owner.world.work().await;
}

async fn escrow(round: &Round<'_>) -> Value {
    round.balance().await["escrow"]["amount_minor"].clone()
}

async fn state(round: &Round<'_>) -> Value {
    let missions = round.owner.get(&format!("/v1/brand/campaigns/{}/missions", round.campaign)).await.ok();
    missions["items"][0]["state"].clone()
}

both! {
    async fn who_is_on_the_way_when_a_campaign_closes_is_paid(world) {
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo, chloe) = (world.worker("ana").await, world.worker("bo").await, world.worker("chloe").await);
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        let other = Visit::reserved(&bo, &round.missions[0]).await;
        campaign(&round, "close").await;
        assert_eq!(escrow(&round).await, 2 * with_fee(1200), "two visits may still be done");
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionNotOpen);
        visit.answer_short(7);
        let id = visit.finish("completed").await;
        assert_eq!(ana.submission(&id).await["pay"]["amount_minor"], 1200);
        assert_eq!(escrow(&round).await, with_fee(1200));
        bo.post(&format!("/v1/reservations/{}/release", other.reservation), json!({})).await.ok();
        world.work().await;
        assert_eq!(escrow(&round).await, 0);
        assert_eq!(round.balance().await["available"]["amount_minor"], round.plan.funds_minor - with_fee(1200));
    }

    async fn a_campaign_that_ends_by_itself_returns_what_nobody_earned(world) {
        let round = world.round("Acme", Plan { days: 1, ..Plan::short().slots(2) }).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        world.advance_hours(24);
        world.work().await;
        assert_eq!(state(&round).await, "closed");
        ana.reserve(&round.missions[0]).await.refused(Code::MissionNotOpen);
        // Her reservation lapsed with the campaign's end, and nothing is held for it any more.
        assert_eq!(escrow(&round).await, 0);
        visit.upload_refused().await;
        assert_eq!(round.balance().await["available"]["amount_minor"], round.plan.funds_minor);
    }

    async fn an_appeal_raises_partial_pay_by_the_difference(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita, sam) = (world.worker("ana").await, world.staff(REVIEWER).await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let refused = json!([{ "item": "/shelf", "reason_code": "photo_blurred", "clause_id": "2.4", "text": WHY }]);
        let decided = rita.rules(&id, json!({ "kind": "partly_approved", "refused": refused })).await;
        assert_eq!(decided["pay"]["amount_minor"], 600);
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        round.owner.get(&format!("/v1/brand/submissions/{id}")).await.ok();
        sam.post(&format!("/v1/admin/appeals/{appeal}/decision"), json!({ "ruling": "overturn" })).await.created();
        assert_eq!(ana.balance_minor().await, 1200);
        let kinds: Vec<Value> = ana.get("/v1/earnings").await.ok()["items"].as_array().unwrap().iter()
            .map(|e| json!([e["kind"], e["amount"]["amount_minor"]])).collect();
        assert_eq!(kinds, [json!(["supplement", 600]), json!(["partial", 600])]);
        let delivered = round.owner.get(&format!("/v1/brand/submissions/{id}")).await.ok();
        assert_eq!(delivered["answers"].as_array().unwrap().len(), 2, "nothing is hidden any more");
        assert_eq!(round.balance().await["spent"]["amount_minor"], with_fee(1200));
    }

    async fn an_upheld_appeal_keeps_what_was_paid(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita, sam) = (world.worker("ana").await, world.staff(REVIEWER).await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let refused = json!([{ "item": "/shelf", "reason_code": "photo_blurred", "clause_id": "2.4", "text": WHY }]);
        rita.rules(&id, json!({ "kind": "partly_approved", "refused": refused })).await;
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        let asked = json!({ "ruling": "uphold", "text": WHY });
        sam.post(&format!("/v1/admin/appeals/{appeal}/decision"), asked).await.created();
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], ana.balance_minor().await), (&json!("partly_approved"), 600));
        ana.appeal(&id).await.refused(Code::AppealClosed);
    }

    async fn a_paused_campaign_takes_nobody_new_and_a_shut_store_stays_shut_when_it_resumes(world) {
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        campaign(&round, "pause").await;
        bo.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        visit.shoot("/shelf");
        let id = visit.finish("closed_temporarily").await;
        assert_eq!(ana.submission(&id).await["pay"]["amount_minor"], 400, "who was inside goes on and is paid");
        campaign(&round, "resume").await;
        assert_eq!(state(&round).await, "paused");
        bo.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        world.advance_hours(49);
        world.work().await;
        assert_eq!(bo.reserve(&round.missions[0]).await.created()["recheck"], true);
        assert_eq!(escrow(&round).await, held_for_a_store(&round.plan) - with_fee(400));
    }
}
