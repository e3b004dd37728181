//! A store that is shut: the walk is paid, nobody else is sent there, and the second look decides.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, held_for_a_store, with_fee};
use crate::support::world::{Person, both};

/// A visit that finds the store like this; paid by rule.
async fn finds(visit: &mut Visit<'_, '_>, outcome: &str) -> String {
    visit.shoot("/shelf");
    let id = visit.finish(outcome).await;
    let seen = visit.worker.submission(&id).await;
    assert_eq!((&seen["state"], &seen["pay"]["amount_minor"]), (&json!("approved"), &json!(400)), "{seen}");
    id
}

async fn store_state(round: &Round<'_>) -> Value {
    let missions = round.owner.get(&format!("/v1/brand/campaigns/{}/missions", round.campaign)).await.ok();
    missions["items"][0]["store_state"].clone()
}

async fn looks(worker: &Person<'_>, round: &Round<'_>) -> Option<Value> {
    worker.near(round.missions[0].point).await.into_iter().find(|m| m["id"] == round.missions[0].id)
}

both! {
    async fn one_report_pauses_the_store_and_a_recheck_that_finds_it_open_resumes_it(world) {
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo, chloe) = (world.worker("ana").await, world.worker("bo").await, world.worker("chloe").await);
        let mut held_before = Visit::begin(&bo, &round.missions[0]).await;
        let mut first = Visit::begin(&ana, &round.missions[0]).await;
        finds(&mut first, "closed_temporarily").await;
        assert_eq!(store_state(&round).await, "paused");
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        assert!(looks(&chloe, &round).await.is_none(), "nobody is sent there");
        // Who held a reservation already is paid all the same.
        finds(&mut held_before, "closed_temporarily").await;

        world.advance_hours(47);
        world.work().await;
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        world.advance_hours(2);
        world.work().await;
        let offered = looks(&chloe, &round).await.expect("the re-check is offered");
        assert_eq!(offered["recheck"], true);
        let mut recheck = Visit::begin(&chloe, &round.missions[0]).await;
        assert_eq!(recheck.reserved["recheck"], true);
        let dan = world.worker("dan").await;
        dan.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        recheck.answer_short(7);
        let id = recheck.finish("completed").await;
        assert_eq!(chloe.submission(&id).await["pay"]["amount_minor"], 1200);
        assert_eq!(store_state(&round).await, "open");
        dan.reserve(&round.missions[0]).await.created();
        assert_eq!((ana.balance_minor().await, bo.balance_minor().await), (400, 400));
    }

    async fn a_recheck_that_finds_it_shut_asks_again_two_days_later(world) {
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo, chloe) = (world.worker("ana").await, world.worker("bo").await, world.worker("chloe").await);
        let mut first = Visit::begin(&ana, &round.missions[0]).await;
        finds(&mut first, "closed_temporarily").await;
        world.advance_hours(49);
        world.work().await;
        let mut recheck = Visit::begin(&bo, &round.missions[0]).await;
        finds(&mut recheck, "closed_temporarily").await;
        assert_eq!(store_state(&round).await, "paused");
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        world.advance_hours(49);
        world.work().await;
        assert_eq!(chloe.reserve(&round.missions[0]).await.created()["recheck"], true);
    }

    async fn a_released_recheck_is_offered_to_the_next(world) {
        let round = world.round("Acme", Plan::short().slots(2)).await;
        let (ana, bo, chloe) = (world.worker("ana").await, world.worker("bo").await, world.worker("chloe").await);
        let mut first = Visit::begin(&ana, &round.missions[0]).await;
        finds(&mut first, "closed_temporarily").await;
        world.advance_hours(49);
        world.work().await;
        let given = bo.reserve(&round.missions[0]).await.created();
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionPaused);
        let path = format!("/v1/reservations/{}/release", given["id"].as_str().unwrap());
        bo.post(&path, json!({})).await.ok();
        world.work().await;
        assert_eq!(chloe.reserve(&round.missions[0]).await.created()["recheck"], true);
    }

    async fn a_second_independent_report_closes_the_store_and_returns_the_money(world) {
        let plan = Plan::short().slots(2);
        let round = world.round("Acme", plan.clone()).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut of_ana = Visit::begin(&ana, &round.missions[0]).await;
        let mut of_bo = Visit::begin(&bo, &round.missions[0]).await;
        finds(&mut of_ana, "closed_permanently").await;
        assert_eq!(store_state(&round).await, "paused");
        assert_eq!(round.balance().await["escrow"]["amount_minor"], held_for_a_store(&plan) - with_fee(400));
        finds(&mut of_bo, "closed_permanently").await;
        assert_eq!(store_state(&round).await, "closed");
        world.work().await;
        let balance = round.balance().await;
        assert_eq!(balance["escrow"]["amount_minor"], 0);
        assert_eq!(balance["available"]["amount_minor"], plan.funds_minor - 2 * with_fee(400));
        let chloe = world.worker("chloe").await;
        chloe.reserve(&round.missions[0]).await.refused(Code::MissionNotOpen);
        assert!(looks(&chloe, &round).await.is_none());
    }

    async fn two_reports_with_one_photo_are_one_report(world) {
        let round = world.round("Acme", Plan::short().slots(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut of_ana = Visit::begin(&ana, &round.missions[0]).await;
        let mut of_bo = Visit::begin(&bo, &round.missions[0]).await;
        finds(&mut of_ana, "closed_permanently").await;
        of_bo.add(of_ana.shots[0].clone());
        let id = of_bo.finish("closed_permanently").await;
        assert_eq!(bo.submission(&id).await["state"], "in_review", "a copied photo is a doubt");
        assert_eq!(store_state(&round).await, "paused", "one phone does not close a store");
    }

    async fn an_impossible_visit_without_proof_goes_to_a_person_and_not_to_nobody(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let visit = Visit::begin(&ana, &round.missions[0]).await;
        let id = visit.seal(&visit.sealed_as("entry_refused")).await;
        assert_eq!(ana.submission(&id).await["state"], "in_review");
        assert_eq!(store_state(&round).await, "open", "one is sent away from an open store only");
        assert_eq!(rita.rules(&id, crate::support::visit::approved()).await["pay"]["amount_minor"], 400);
        // The attempt is spent, the slot is free for somebody else.
        world.worker("bo").await.reserve(&round.missions[0]).await.created();
    }
}
