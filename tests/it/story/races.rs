//! Everybody at once: what may happen once happens once, whoever is quicker.

use std::collections::BTreeSet;

use fieldproof::db::Conn;
use fieldproof::domain::refusal::Code;
use futures_util::future::{join, join_all, select};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, approved, draft, held_for_a_store, rejected};
use crate::support::world::{Engine, Reply, both, play};

/// How many answers said this: a code, or `ok`.
fn count(replies: &[Reply], said: &str) -> usize {
    let says = |reply: &Reply| match reply.status {
        200..300 => "ok".to_owned(),
        _ => reply.json()["code"].as_str().unwrap_or("?").to_owned(),
    };
    replies.iter().filter(|reply| says(reply) == said).count()
}

fn told(replies: &[Reply]) -> Vec<String> {
    replies.iter().map(|r| format!("{} {}", r.status, r.text())).collect()
}

async fn mission(round: &Round<'_>) -> Value {
    let missions = round.owner.get(&format!("/v1/brand/campaigns/{}/missions", round.campaign)).await.ok();
    missions["items"][0].clone()
}

/// On SQLite no request finds another one half done.
#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn of_two_requests_under_one_key_the_second_does_not_wait_for_ever() {
    play(Engine::Postgres, async |world| {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let path = format!("/v1/missions/{}/reservations", round.missions[0].id);
        let send = || Box::pin(ana.post_with_key(&path, "reserve-key-1", json!({})));
        let mut somebody = Conn::open(world.app.core.db.place(), false).unwrap();
        somebody.run("BEGIN; SELECT id FROM missions FOR UPDATE").unwrap();
        let (refused, first) = select(send(), send()).await.factor_first();
        refused.refused(Code::KeyInFlight);
        assert!(refused.headers.contains_key("retry-after"));
        somebody.run("ROLLBACK").unwrap();
        let held = first.await.created();
        assert_eq!(send().await.created(), held);
        assert_eq!(ana.get("/v1/reservations").await.ok()["items"].as_array().unwrap().len(), 1);
    });
}

both! {
    async fn one_slot_is_given_to_one_of_sixty_four(world) {
        let round = world.round("Acme", Plan::short()).await;
        let crowd = world.crowd(64);
        let replies = join_all(crowd.iter().map(|worker| worker.reserve(&round.missions[0]))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "slot_taken")), (1, 63), "{:?}", told(&replies));
        assert_eq!(mission(&round).await["slots_held"], 1);
    }

    async fn a_hundred_slots_are_given_a_hundred_times_however_often_they_are_claimed(world) {
        let round = world.round("Acme", Plan::short().slots(100)).await;
        let held = held_for_a_store(&round.plan);
        assert_eq!(round.balance().await["escrow"]["amount_minor"], held);
        let crowd = world.crowd(200);
        let claims = (0..1000).map(|n| crowd[n * 7 % 200].reserve(&round.missions[0]));
        let replies: Vec<Reply> = stream::iter(claims).buffer_unordered(48).collect().await;
        assert_eq!(count(&replies, "ok"), 100);
        assert_eq!(count(&replies, "already_reserved") + count(&replies, "slot_taken"), 900, "{:?}", told(&replies));
        let after = mission(&round).await;
        assert_eq!((&after["slots_held"], &after["slots_done"]), (&json!(100), &json!(0)));
        assert_eq!(round.balance().await["escrow"]["amount_minor"], held);
    }

    async fn a_worker_who_taps_twice_holds_one_reservation(world) {
        let round = world.round("Acme", Plan::short().slots(5)).await;
        let ana = &world.crowd(1)[0];
        let replies = join_all((0..8).map(|_| ana.reserve(&round.missions[0]))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "already_reserved")), (1, 7), "{:?}", told(&replies));
        assert_eq!(mission(&round).await["slots_held"], 1);
    }

    async fn nobody_holds_more_reservations_than_he_may(world) {
        let round = world.round("Acme", Plan::short().stores(8)).await;
        let ana = &world.crowd(1)[0];
        let replies = join_all(round.missions.iter().map(|mission| ana.reserve(mission))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "too_many_reservations")), (5, 3), "{:?}", told(&replies));
    }

    async fn a_seal_sent_twice_under_one_key_is_one_submission(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let mut visit = Visit::begin(ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        let path = format!("/v1/reservations/{}/submission", visit.reservation);
        let sealed = visit.sealed_as("completed");
        let send = || ana.post_with_key(&path, "seal-key-1", sealed.clone());
        let replies = join_all((0..6).map(|_| send())).await;
        let ok: BTreeSet<Vec<u8>> = replies.iter().filter(|r| r.status == 201).map(|r| r.bytes.clone()).collect();
        assert_eq!(ok.len(), 1, "one answer, whoever got it: {:?}", told(&replies));
        assert_eq!(count(&replies, "ok") + count(&replies, "key_in_flight"), 6, "{:?}", told(&replies));
        assert!(ok.contains(&send().await.bytes));
        let listed = ana.get("/v1/submissions").await.ok();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        ana.post(&path, sealed.clone()).await.refused(Code::ReservationOver);
    }

    async fn the_last_photo_sent_twice_at_once_starts_the_checks_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let mut visit = Visit::begin(ana, &round.missions[0]).await;
        visit.answer_short(7);
        let id = visit.seal(&visit.sealed_as("completed")).await;
        let replies = join_all((0..4).map(|_| ana.upload(&visit.reservation, &visit.shots[0]))).await;
        assert_eq!(count(&replies, "ok"), 4, "{:?}", told(&replies));
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 1);
        world.work().await;
        assert_eq!(ana.submission(&id).await["state"], "approved");
        assert_eq!(ana.balance_minor().await, 1200);
    }

    async fn one_of_two_reviewers_gets_a_submission(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let (rita, sam) = (world.staff(REVIEWER).await, world.staff(REVIEWER).await);
        let id = round.doubtful(ana, &round.missions[0]).await;
        let (a, b) = join(rita.claim(&id), sam.claim(&id)).await;
        let replies = [a, b];
        assert_eq!((count(&replies, "ok"), count(&replies, "not_claimed")), (1, 1), "{:?}", told(&replies));
    }

    async fn two_decisions_at_once_are_one(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (&world.crowd(1)[0], world.staff(REVIEWER).await);
        let id = round.doubtful(ana, &round.missions[0]).await;
        rita.claim(&id).await.ok();
        let (a, b) = join(rita.decide(&id, approved()), rita.decide(&id, rejected())).await;
        let replies = [a, b];
        assert_eq!(count(&replies, "ok"), 1, "{:?}", told(&replies));
        assert_eq!(count(&replies, "wrong_state") + count(&replies, "stale"), 1, "{:?}", told(&replies));
        let seen = ana.submission(&id).await;
        let paid = if seen["state"] == "approved" { 1200 } else { 0 };
        assert_eq!(ana.balance_minor().await, paid);
    }

    async fn a_decision_and_silence_at_once_are_one(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        world.advance_secs(5 * 86_400 - 60);
        rita.claim(&id).await.ok();
        world.advance_secs(60);
        let (reply, ()) = join(rita.decide(&id, rejected()), world.work()).await;
        let seen = ana.submission(&id).await;
        match reply.status {
            201 => assert_eq!((&seen["state"], ana.balance_minor().await), (&json!("rejected"), 0)),
            _ => {
                assert_eq!(count(std::slice::from_ref(&reply), "ok"), 0);
                assert_eq!((&seen["state"], ana.balance_minor().await), (&json!("approved"), 1200));
            }
        }
    }

    async fn a_seal_and_the_expiry_at_once_keep_one_slot(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::reserved(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        world.advance_hours(4);
        let body = visit.sealed_as("completed");
        let (reply, ()) = join(ana.seal(&visit.reservation, &body), world.work()).await;
        let id = reply.created()["id"].as_str().unwrap().to_owned();
        world.work().await;
        let after = mission(&round).await;
        let slots = (after["slots_held"].as_i64().unwrap(), after["slots_done"].as_i64().unwrap());
        assert!(slots == (1, 0) || slots == (0, 1), "{slots:?}");
        assert_eq!(ana.get("/v1/submissions").await.ok()["items"][0]["id"], id);
    }

    async fn a_release_and_the_expiry_at_once_free_one_slot(world) {
        let round = world.round("Acme", Plan::short().slots(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let visit = Visit::reserved(&ana, &round.missions[0]).await;
        world.advance_hours(1);
        bo.reserve(&round.missions[0]).await.created();
        world.advance_hours(3);
        let path = format!("/v1/reservations/{}/release", visit.reservation);
        let (_, ()) = join(ana.post(&path, json!({})), world.work()).await;
        assert_eq!(mission(&round).await["slots_held"], 1, "that of the other worker");
    }

    async fn a_balance_is_asked_for_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        round.clean(ana, &round.missions[0]).await;
        let asked = json!({ "method_id": ana.test_method().await });
        let replies = join_all((0..6).map(|_| ana.post("/v1/payouts", asked.clone()))).await;
        assert_eq!(count(&replies, "ok"), 1, "{:?}", told(&replies));
        assert_eq!(count(&replies, "nothing_to_pay") + count(&replies, "insufficient_funds"), 5, "{:?}", told(&replies));
        assert_eq!(ana.balance_minor().await, 0);
    }

    async fn sixteen_payouts_of_one_balance_take_what_is_there(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        round.clean(ana, &round.missions[0]).await;
        let asked = json!({ "amount": { "amount_minor": 250, "currency": "CHF" }, "method_id": ana.test_method().await });
        let replies = join_all((0..16).map(|_| ana.post("/v1/payouts", asked.clone()))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "insufficient_funds")), (4, 12), "{:?}", told(&replies));
        let balance = ana.get("/v1/balance").await.ok()["balances"][0].clone();
        assert_eq!((&balance["available"]["amount_minor"], &balance["in_payout"]["amount_minor"]), (&json!(200), &json!(1000)));
    }

    async fn two_approvals_at_once_pay_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (&world.crowd(1)[0], world.staff(REVIEWER).await);
        let id = round.doubtful(ana, &round.missions[0]).await;
        rita.claim(&id).await.ok();
        let replies = join_all((0..4).map(|_| rita.decide(&id, approved()))).await;
        assert_eq!(count(&replies, "ok"), 1, "{:?}", told(&replies));
        assert_eq!(ana.balance_minor().await, 1200);
    }

    async fn an_approval_and_silence_at_once_pay_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        world.advance_secs(5 * 86_400 - 60);
        rita.claim(&id).await.ok();
        world.advance_secs(60);
        let (_, ()) = join(rita.decide(&id, approved()), world.work()).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], ana.balance_minor().await), (&json!("approved"), 1200));
    }

    async fn bonuses_at_once_never_overdraw_a_brand(world) {
        let round = world.round("Acme", Plan { funds_minor: 2400 + 1000, ..Plan::short() }).await;
        let ana = &world.crowd(1)[0];
        let id = round.clean(ana, &round.missions[0]).await;
        let path = format!("/v1/brand/submissions/{id}/bonus");
        let asked = json!({ "amount_minor": 300, "reason": "Well done." });
        let replies = join_all((0..16).map(|_| round.owner.post(&path, asked.clone()))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "insufficient_funds")), (3, 13), "{:?}", told(&replies));
        assert_eq!(round.balance().await["available"]["amount_minor"], 100);
        assert_eq!(ana.balance_minor().await, 1200 + 900);
    }

    async fn a_campaign_is_published_and_closed_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let held = held_for_a_store(&round.plan);
        let (second, _) = draft(&round.owner, &round.plan).await;
        let path = format!("/v1/brand/campaigns/{second}/publish");
        let replies = join_all((0..4).map(|_| round.owner.post(&path, json!({})))).await;
        assert_eq!(count(&replies, "ok"), 1, "{:?}", told(&replies));
        assert_eq!(round.balance().await["escrow"]["amount_minor"], 2 * held);
        let path = format!("/v1/brand/campaigns/{second}/close");
        let replies = join_all((0..4).map(|_| round.owner.post(&path, json!({})))).await;
        assert_eq!(count(&replies, "ok"), 1, "{:?}", told(&replies));
        world.work().await;
        assert_eq!(round.balance().await["escrow"]["amount_minor"], held);
    }

    async fn two_publications_share_one_purse(world) {
        let round = world.round("Acme", Plan { funds_minor: 3 * 2400 - 1, ..Plan::short() }).await;
        assert_eq!(held_for_a_store(&round.plan), 2400);
        let mut paths = Vec::new();
        for _ in 0..3 {
            let (id, _) = draft(&round.owner, &round.plan).await;
            paths.push(format!("/v1/brand/campaigns/{id}/publish"));
        }
        let replies = join_all(paths.iter().map(|path| round.owner.post(path, json!({})))).await;
        assert_eq!((count(&replies, "ok"), count(&replies, "insufficient_funds")), (1, 2), "{:?}", told(&replies));
        assert_eq!(round.balance().await["available"]["amount_minor"], 2399);
    }
}
