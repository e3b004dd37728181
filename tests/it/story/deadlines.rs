//! Time: seals without network, late seals, slots that come back, photos that follow, and silence that pays.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit};
use crate::support::world::both;

async fn slots_held(round: &Round<'_>) -> Value {
    let missions = round.owner.get(&format!("/v1/brand/campaigns/{}/missions", round.campaign)).await.ok();
    missions["items"][0]["slots_held"].clone()
}

fn finds(seen: &Value, code: &str) -> bool {
    seen["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == code)
}

both! {
    async fn a_seal_that_claims_to_be_older_than_the_check_in_is_doubted(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        world.advance_hours(5);
        visit.upload().await;
        let mut sealed = visit.sealed_as("completed");
        sealed["fixes"] = json!([]);
        sealed["elapsed_ms"] = json!(60 * 1000);
        let id = visit.seal(&sealed).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["late"]), (&json!("in_review"), &json!(false)));
        let codes: Vec<&str> = seen["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&"SEAL_CLOCK_UNPROVEN"), "{codes:?}");
    }

    async fn a_seal_made_without_network_is_judged_by_its_own_time(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        let mut sealed = visit.sealed_as("completed");
        sealed["anchor"] = json!("check_in");
        sealed["elapsed_ms"] = json!(20 * 60 * 1000);
        world.advance_hours(11);
        world.work().await;
        assert_eq!(ana.get(&format!("/v1/reservations/{}", visit.reservation)).await.ok()["state"], "checked_in");
        visit.upload().await;
        let id = visit.seal(&sealed).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["late"], &seen["state"]), (&json!(false), &json!("approved")), "{seen}");
        assert_eq!(seen["sealed_at"], "2026-03-10T09:30:00Z");
    }

    async fn a_late_seal_is_taken_and_a_person_looks_at_it(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        world.advance_hours(5);
        let id = visit.seal(&visit.sealed_as("completed")).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["late"], &seen["state"]), (&json!(true), &json!("in_review")));
        assert!(finds(&seen, "LATE_SEAL"), "{seen}");
    }

    async fn a_seal_after_the_slot_was_given_back_takes_it_again_when_it_is_free(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        world.advance_hours(17);
        world.work().await;
        assert_eq!(ana.get(&format!("/v1/reservations/{}", visit.reservation)).await.ok()["state"], "expired");
        assert_eq!(slots_held(&round).await, 0);
        let id = visit.seal(&visit.sealed_as("completed")).await;
        assert_eq!(slots_held(&round).await, 1);
        assert_eq!(ana.submission(&id).await["late"], true);
    }

    async fn a_seal_after_the_slot_went_to_somebody_else_is_too_late(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        world.advance_hours(17);
        world.work().await;
        bo.reserve(&round.missions[0]).await.created();
        ana.seal(&visit.reservation, &visit.sealed_as("completed")).await.refused(Code::SealTooLate);
        assert_eq!(slots_held(&round).await, 1);
    }

    async fn a_seal_in_time_whose_check_in_never_arrived_is_in_time(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::reserved(&ana, &round.missions[0]).await;
        world.advance_secs(1800);
        visit.answer_short(7);
        visit.upload().await;
        let mut sealed = visit.sealed_as("completed");
        sealed["elapsed_ms"] = json!(3600 * 1000);
        // Without a check-in the slot is given back at the deadline.
        world.advance_hours(8);
        world.work().await;
        let id = visit.seal(&sealed).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["late"], &seen["sealed_at"]), (&json!(false), &json!("2026-03-10T10:00:00Z")));
        assert_eq!(seen["state"], "approved", "{seen}");
    }

    async fn a_clock_that_was_turned_back_makes_a_late_seal(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        let mut sealed = visit.sealed_as("completed");
        sealed["anchor"] = json!("check_in");
        sealed["elapsed_ms"] = json!(60 * 1000);
        world.advance_hours(14);
        let id = visit.seal(&sealed).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["late"], &seen["state"]), (&json!(true), &json!("in_review")), "sealed long before it came");
    }

    async fn an_expired_reservation_frees_its_slot_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let visit = Visit::reserved(&ana, &round.missions[0]).await;
        bo.reserve(&round.missions[0]).await.refused(Code::SlotTaken);
        world.advance_secs(4 * 3600 - 1);
        world.work().await;
        bo.reserve(&round.missions[0]).await.refused(Code::SlotTaken);
        world.advance_secs(1);
        world.work().await;
        world.work().await;
        assert_eq!(slots_held(&round).await, 0);
        assert!(world.letter_to(&ana.email).contains("lapsed"));
        ana.check_in(&visit.reservation, visit.point).await.refused(Code::ReservationOver);
        let release = format!("/v1/reservations/{}/release", visit.reservation);
        assert_eq!(ana.post(&release, json!({})).await.status, 409);
        bo.reserve(&round.missions[0]).await.created();
        world.work().await;
        assert_eq!(slots_held(&round).await, 1);
        ana.reserve(&round.missions[0]).await.refused(Code::SlotTaken);
    }

    async fn a_visit_is_extended_once_and_only_after_check_in(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let visit = Visit::reserved(&ana, &round.missions[0]).await;
        assert_eq!(visit.reserved["deadline_at"], "2026-03-10T13:00:00Z");
        let extend = format!("/v1/reservations/{}/extend", visit.reservation);
        ana.post(&extend, json!({})).await.refused(Code::CheckInFirst);
        ana.check_in(&visit.reservation, visit.point).await.ok();
        assert_eq!(ana.post(&extend, json!({})).await.ok()["deadline_at"], "2026-03-10T15:00:00Z");
        ana.post(&extend, json!({})).await.refused(Code::AlreadyExtended);
    }

    async fn a_released_slot_is_free_at_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let visit = Visit::begin(&ana, &round.missions[0]).await;
        ana.reserve(&round.missions[0]).await.refused(Code::AlreadyReserved);
        let release = format!("/v1/reservations/{}/release", visit.reservation);
        assert_eq!(ana.post(&release, json!({})).await.ok()["state"], "released");
        bo.reserve(&round.missions[0]).await.created();
        ana.seal(&visit.reservation, &json!({ "outcome": "not_found" })).await.refused(Code::ReservationOver);
    }

    async fn photos_may_follow_the_seal(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        let id = visit.seal(&visit.sealed_as("completed")).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["photos_missing"]), (&json!("sealed"), &json!(1)));
        world.advance_hours(40);
        world.work().await;
        let mut other = visit.shots[0].clone();
        other.client_id = "another".to_owned();
        ana.upload(&visit.reservation, &other).await.refused(Code::ReservationOver);
        visit.upload().await;
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["pay"]["amount_minor"]), (&json!("approved"), &json!(1200)), "{seen}");
    }

    async fn photos_that_never_come_leave_the_visit_to_a_person(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        let id = visit.seal(&visit.sealed_as("completed")).await;
        world.advance_hours(49);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "in_review");
        assert!(finds(&seen, "PHOTOS_MISSING"), "{seen}");
        // It still is welcome, and nothing is decided twice.
        visit.upload().await;
        world.work().await;
        assert_eq!(ana.submission(&id).await["state"], "in_review");
        world.advance_hours(5 * 24);
        world.work().await;
        assert_eq!(ana.submission(&id).await["state"], "approved");
    }

    async fn silence_pays(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        world.advance_secs(5 * 86_400 - 1);
        world.work().await;
        assert_eq!(ana.submission(&id).await["state"], "in_review");
        // Holding it does not stop the clock.
        rita.claim(&id).await.ok();
        world.advance_secs(1);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["decision"]["decided_by"]), (&json!("approved"), &json!("silence")));
        rita.decide(&id, crate::support::visit::rejected()).await.refused(Code::WrongState);
        assert_eq!(ana.balance_minor().await, 1200);
        world.work().await;
        assert_eq!(ana.balance_minor().await, 1200);
    }

    async fn a_copied_photo_is_a_doubt_and_never_a_refusal(world) {
        let round = world.round("Acme", Plan::short().slots(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut first = Visit::begin(&ana, &round.missions[0]).await;
        first.answer_short(7);
        let copied = first.shots[0].clone();
        let id = first.finish("completed").await;
        assert_eq!(ana.submission(&id).await["state"], "approved");
        let mut second = Visit::begin(&bo, &round.missions[0]).await;
        second.add(copied);
        second.answer("facings", json!({ "value": 7 }));
        let id = second.finish("completed").await;
        let seen = bo.submission(&id).await;
        assert_eq!(seen["state"], "in_review");
        assert!(finds(&seen, "DUP_EXACT_OTHER"), "{seen}");
    }
}
