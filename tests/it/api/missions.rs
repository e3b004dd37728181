//! Finding missions and taking slots.

use std::collections::BTreeSet;

use fieldproof::access::{Identity, Pass, Worker};
use fieldproof::context::Once;
use fieldproof::db::rows::UserRow;
use fieldproof::db::users;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::{MissionId, SessionId, UserId};
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::{StaffRole, UserKind, UserState};
use fieldproof::ops;
use serde_json::json;

use super::visits::Shelf;
use crate::support::world::{World, both};

fn registered(world: &World, n: u128) -> Worker {
    let user = UserId::from_bits(n);
    world
        .app
        .core
        .db
        .write(&Actor::Operator, "test", |tx| {
            let now = tx.now();
            users::insert(
                tx,
                UserRow {
                    id: user.clone(),
                    email: format!("racer.{n}@example.org"),
                    password_hash: "none".to_owned(),
                    kind: UserKind::Worker,
                    staff_role: None,
                    name: "Racer".to_owned(),
                    language: "en".to_owned(),
                    country: None,
                    state: UserState::Active,
                    email_verified_at: Some(now),
                    created_at: now,
                    updated_at: now,
                    version: 1,
                },
            )?;
            tx.record(Event::new("test.arranged", "test"))?;
            Ok(())
        })
        .unwrap();
    let session = SessionId::from_bits(n);
    let identity = Identity { user, session, kind: UserKind::Worker, staff_role: None, brand: None };
    Worker::admit(Some(&identity)).unwrap()
}

both! {
    async fn missions_near_me_are_sorted_and_paged_without_a_gap(world) {
        let shelf = Shelf::with(world, 5, |asked| asked["slots_per_store"] = json!(2)).await;
        let ana = world.worker("ana").await;
        let near = "/v1/missions?lat=47.37&lon=8.54&radius_m=6000";
        let all = ana.get(near).await.ok();
        let ids: Vec<&str> = all["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
        assert_eq!(ids, shelf.missions, "the nearest first: stores lie one kilometre apart");
        let first = &all["items"][0];
        assert_eq!((&first["distance_m"], &first["slots_free"]), (&json!(0), &json!(2)));
        assert_eq!((&first["store"]["open_now"], &first["store"]["closes_at"]), (&json!(true), &json!("2026-03-10T19:00:00Z")));
        assert_eq!(first["reward"], json!({"amount_minor": 1200, "currency": "CHF"}));
        // Twenty minutes on site, one of reading, ten of travel.
        assert_eq!((&first["expected_minutes"], &first["hourly_pay"]["amount_minor"]), (&json!(21), &json!(1200 * 60 / 31)));

        let mut seen = Vec::new();
        let mut path = format!("{near}&limit=2");
        loop {
            let page = ana.get(&path).await.ok();
            seen.extend(page["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{near}&limit=2&cursor={next}");
        }
        assert_eq!(seen, shelf.missions);
        assert_eq!(ana.get("/v1/missions?lat=47.37&lon=8.54&radius_m=1500").await.ok()["items"].as_array().unwrap().len(), 2);
        assert_eq!(ana.get(&format!("{near}&min_reward_minor=1201")).await.ok()["items"], json!([]));
        for sort in ["hourly_pay", "ending"] {
            assert_eq!(ana.get(&format!("{near}&sort={sort}")).await.ok()["items"].as_array().unwrap().len(), 5);
        }
        assert_eq!(ana.get(&format!("{near}&open_now=true")).await.ok()["items"].as_array().unwrap().len(), 5);
        world.advance_hours(13);
        let at_night = ana.get(&format!("{near}&open_now=true")).await.ok();
        assert_eq!(at_night["items"], json!([]));
        let asleep = ana.get(near).await.ok();
        assert_eq!(asleep["items"][0]["store"]["opens_at"], "2026-03-11T07:00:00Z");

        for wrong in ["lat=91&lon=0", "lat=0&lon=181", "lat=0&lon=0&radius_m=0", "lat=0&lon=0&radius_m=50001",
            "lat=0&lon=0&min_reward_minor=-1", "lat=0&lon=0&sort=best", "lat=0", "lat=0&lon=0&more=1"] {
            ana.get(&format!("/v1/missions?{wrong}")).await.refused(Code::InvalidRequest);
        }
        ana.get(&format!("{near}&cursor=made.up")).await.refused(Code::InvalidCursor);
    }

    async fn a_mission_shows_its_whole_brief_before_it_is_reserved(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let mission = ana.get(&format!("/v1/missions/{}", shelf.missions[0])).await.ok();
        assert_eq!(mission["clauses"][1]["text"], "Count every facing.");
        assert_eq!(mission["questionnaire"]["items"][0]["name"], "front");
        assert_eq!(mission["loops"]["products"][0]["key"], "4006381333931");
        assert_eq!((&mission["on_site_minutes"], &mission["on_site_visits"]), (&json!(20), &json!(0)));
        assert_eq!((&mission["brand_name"], &mission["purpose"]), (&json!("Acme"), &json!("How soap stands on shelves.")));
        assert_eq!(mission["seal_by"], "2026-03-10T13:00:00Z");
        assert!(mission["checked"].as_array().unwrap().len() > 3);
        ana.get("/v1/missions/mis_00000000000000000000000000").await.refused(Code::NotFound);
    }

    async fn a_reservation_holds_a_slot_and_the_same_key_answers_the_same(world) {
        let shelf = Shelf::new(world).await;
        let (ana, ben) = (world.worker("ana").await, world.worker("ben").await);
        let path = format!("/v1/missions/{}/reservations", shelf.missions[0]);
        let made = ana.post_with_key(&path, "reserve-1", json!({})).await.created();
        let again = ana.post_with_key(&path, "reserve-1", json!({})).await.created();
        assert_eq!(made, again);
        assert_eq!((&made["state"], &made["deadline_at"]), (&json!("held"), &json!("2026-03-10T13:00:00Z")));
        assert_eq!(made["nonce"].as_str().unwrap().len(), 32);
        ana.post(&path, json!({})).await.refused(Code::AlreadyReserved);
        ben.post(&path, json!({})).await.refused(Code::SlotTaken);
        let near = "/v1/missions?lat=47.37&lon=8.54";
        assert_eq!(ana.get(near).await.ok()["items"], json!([]), "what I hold is under reservations");
        assert_eq!(ben.get(near).await.ok()["items"], json!([]), "a full mission is not offered");

        let id = made["id"].as_str().unwrap();
        ben.get(&format!("/v1/reservations/{id}")).await.refused(Code::NotFound);
        ben.post(&format!("/v1/reservations/{id}/release"), json!({})).await.refused(Code::NotFound);
        let given = ana.post(&format!("/v1/reservations/{id}/release"), json!({})).await.ok();
        assert_eq!(given["state"], "released");
        ana.post(&format!("/v1/reservations/{id}/release"), json!({})).await.refused(Code::ReservationOver);
        ben.post(&path, json!({})).await.created();
        let mine = ana.get("/v1/reservations?state=released").await.ok();
        assert_eq!(mine["items"].as_array().unwrap().len(), 1);
    }

    async fn who_may_not_take_work_is_told_why(world) {
        let shelf = Shelf::with(world, 7, |_| {}).await;
        let path = |n: usize| format!("/v1/missions/{}/reservations", shelf.missions[n]);
        let ana = world.worker("ana").await;
        for n in 0..5 {
            ana.post(&path(n), json!({})).await.created();
        }
        ana.post(&path(5), json!({})).await.refused(Code::TooManyReservations);
        let email = world.fresh_email("new");
        let asked = json!({ "email": email, "password": crate::support::world::PASSWORD, "name": "New", "country": "CH" });
        world.stranger().post("/v1/auth/register", asked).await.created();
        let new = world.sign_in(&email, crate::support::world::PASSWORD).await;
        new.post(&path(5), json!({})).await.refused(Code::EmailNotVerified);
        let ben = world.worker("ben").await;
        let sanction = json!({ "code": "suspected_fraud", "text": "The same photos came from two phones." });
        let admin = world.staff(StaffRole::Admin).await;
        admin.post(&format!("/v1/admin/workers/{}/suspend", ben.id), sanction).await.ok();
        ben.post(&path(5), json!({})).await.refused(Code::Suspended);
        shelf.olga.post(&format!("/v1/brand/campaigns/{}/pause", shelf.campaign), json!({})).await.ok();
        world.worker("eva").await.post(&path(6), json!({})).await.refused(Code::MissionPaused);
        world.advance_hours(31 * 24);
        world.worker("ida").await.post(&path(6), json!({})).await.refused(Code::MissionPaused);
    }

    async fn sixty_four_hands_never_take_more_slots_than_there_are(world) {
        let shelf = Shelf::with(world, 1, |asked| asked["slots_per_store"] = json!(3)).await;
        let mission = MissionId::parse(&shelf.missions[0]).unwrap();
        let racers: Vec<Worker> = (1..=64).map(|n| registered(world, n)).collect();
        let cx = world.cx();
        let ended: Vec<Result<String, Option<Code>>> = std::thread::scope(|scope| {
            let hands: Vec<_> = racers
                .iter()
                .enumerate()
                .map(|(n, racer)| {
                    let (cx, mission) = (cx.clone(), mission.clone());
                    scope.spawn(move || {
                        let once = Once { route: "race".to_owned(), key: format!("race-{n}"), request_hash: String::new() };
                        match ops::reservations::reserve(&cx, racer, &once, &mission) {
                            Ok(view) => Ok(view.id.to_string()),
                            Err(failure) => Err(failure.code()),
                        }
                    })
                })
                .collect();
            hands.into_iter().map(|hand| hand.join().unwrap()).collect()
        });
        let won: BTreeSet<&String> = ended.iter().filter_map(|e| e.as_ref().ok()).collect();
        assert_eq!(won.len(), 3, "{ended:?}");
        assert!(ended.iter().filter_map(|e| e.as_ref().err()).all(|code| *code == Some(Code::SlotTaken)), "{ended:?}");
        let row = shelf.mission(world, 0);
        assert_eq!((row.slots_held, row.slots), (3, 3));
    }

    async fn a_worker_in_a_hurry_holds_a_mission_once(world) {
        let shelf = Shelf::with(world, 8, |asked| asked["slots_per_store"] = json!(4)).await;
        let racer = registered(world, 7);
        let cx = world.cx();
        let took: usize = std::thread::scope(|scope| {
            let hands: Vec<_> = (0..32)
                .map(|n| {
                    let mission = MissionId::parse(&shelf.missions[n % 8]).unwrap();
                    let (cx, racer) = (cx.clone(), &racer);
                    scope.spawn(move || {
                        let once = Once { route: "race".to_owned(), key: format!("hurry-{n}"), request_hash: String::new() };
                        usize::from(ops::reservations::reserve(&cx, racer, &once, &mission).is_ok())
                    })
                })
                .collect();
            hands.into_iter().map(|hand| hand.join().unwrap()).sum()
        });
        assert_eq!(took, 5, "as many as one may hold, each mission once");
        let held: i64 = (0..8).map(|n| shelf.mission(world, n).slots_held).sum();
        assert_eq!(held, 5);
    }
}
