//! Finding missions from the board: filters, who may do what, maps, phones that keep a city, and whole rounds at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldproof::context::{Core, Cx, Rules};
use fieldproof::domain::discovery::Within;
use fieldproof::domain::ids::MissionId;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use fieldproof::ops;
use fieldproof::ports::clock::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::api::visits::Shelf;
use crate::support::world::{Person, World, both, fresh_keys, fresh_vault};

const NEAR: &str = "/v1/missions?lat=47.37&lon=8.54&radius_m=6000";
const BOX: &str = "south=47.3&north=47.5&west=8.5&east=8.6";

fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].as_str().unwrap_or_else(|| m.as_str().unwrap()).to_owned())
        .collect()
}

async fn near(who: &Person<'_>, more: &str) -> Vec<String> {
    ids(&who.get(&format!("{NEAR}{more}")).await.ok()["items"])
}

async fn qualified(world: &World, who: &Person<'_>, codes: Value) -> Value {
    let id = who.get("/v1/me").await.ok()["id"].as_str().unwrap().to_owned();
    let admin = world.staff(StaffRole::Admin).await;
    admin.post(&format!("/v1/admin/workers/{id}/qualifications"), json!({ "qualifications": codes })).await.ok()
}

/// Which missions a board offers.
fn offered(core: &Core) -> BTreeSet<u128> {
    let globe = Within::Area { south: -90.0, north: 90.0, west: -180.0, east: 180.0 };
    core.discovery.board().all_within(globe, usize::MAX).into_iter().map(|offer| offer.id).collect()
}

both! {
    async fn a_second_process_sees_every_change_of_a_first_one(world) {
        let shelf = Shelf::with(world, 8, |asked| asked["slots_per_store"] = json!(1)).await;
        let crowd = world.crowd(8);
        // Another process on the same database; it only reads.
        let other = Core::new(world.app.core.db.place(), 2, Clock::manual(world.now()), fresh_keys(), fresh_vault(), Rules::default());
        let other = Arc::new(other.unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (reader, ended) = (other.clone(), stop.clone());
        let reading = std::thread::spawn(move || {
            let mut seen = 0;
            while !ended.load(Ordering::Relaxed) {
                seen += ops::discovery::refresh(&Cx::new(reader.clone(), "reader")).map_or(0, |done| done.missions);
            }
            seen
        });
        // Each worker takes and gives back a store of its own, all at once, so that commits overtake each other.
        let busy = (0..8).map(|n| {
            let (worker, mission) = (&crowd[n], &shelf.missions[n]);
            async move {
                for _ in 0..6 {
                    let held = worker.post(&format!("/v1/missions/{mission}/reservations"), json!({})).await.created();
                    let free = format!("/v1/reservations/{}/release", held["id"].as_str().unwrap());
                    worker.post(&free, json!({})).await.ok();
                }
                if n % 2 == 0 {
                    worker.post(&format!("/v1/missions/{mission}/reservations"), json!({})).await.created();
                }
            }
        });
        join_all(busy).await;
        stop.store(true, Ordering::Relaxed);
        let seen = reading.join().unwrap();
        ops::discovery::refresh(&Cx::new(other.clone(), "reader")).unwrap();
        world.refresh_board();
        let expected: BTreeSet<u128> =
            (1..8).step_by(2).map(|n| MissionId::parse(&shelf.missions[n]).unwrap().bits().unwrap()).collect();
        assert_eq!(offered(&other), expected, "after {seen} missions read again");
        assert_eq!(offered(&world.app.core), expected);
    }

    async fn filters_combine_and_a_box_is_a_circle_with_corners(world) {
        let shelf = Shelf::with(world, 4, |asked| asked["kind"] = json!("price")).await;
        let ana = world.worker("ana").await;
        assert_eq!(near(&ana, "").await, shelf.missions);
        for (more, found) in [
            ("&kind=price", 4), ("&kind=audit", 0), ("&currency=CHF", 4), ("&currency=EUR", 0),
            ("&min_reward_minor=1200&min_hourly_minor=2300&max_minutes=21", 4), ("&min_hourly_minor=2330", 0),
            ("&max_minutes=20", 0), ("&open_at=2026-03-10T03:00:00Z", 0), ("&open_at=2026-03-11T09:00:00Z", 4),
            ("&brand_id=brd_00000000000000000000000000", 0),
        ] {
            assert_eq!(near(&ana, more).await.len(), found, "{more}");
        }
        let boxed = "/v1/missions?lat=47.37&lon=8.54";
        let two = ana.get(&format!("{boxed}&south=47.36&north=47.38&west=8.5&east=8.6")).await.ok();
        assert_eq!(ids(&two["items"]), shelf.missions[..2]);
        let over_the_date_line = ana.get(&format!("{boxed}&south=-20&north=60&west=170&east=-170")).await.ok();
        assert_eq!(over_the_date_line["items"], json!([]));
        for wrong in ["&south=47", "&south=48&north=47&west=8&east=9", "&south=47&north=91&west=8&east=9",
            "&radius_m=5&south=47&north=48&west=8&east=9", "&min_hourly_minor=-1", "&kind=soap", "&mode=swim"] {
            ana.get(&format!("{boxed}{wrong}")).await.refused(Code::InvalidRequest);
        }
        let cycling = ana.get(&format!("{NEAR}&mode=cycle")).await.ok();
        let last = &cycling["items"][3];
        // Three kilometres, 1.3 times as long by street, at 220 metres a minute.
        assert_eq!((&last["distance_m"], &last["travel_minutes"]), (&json!(3002), &json!(18)));
        assert_eq!(last["hourly_pay_from_here"]["amount_minor"], json!(1200 * 60 / (21 + 18)));
    }

    async fn a_list_shows_what_a_worker_may_do_and_reserving_says_what_is_missing(world) {
        let trained = Shelf::with(world, 1, |asked| asked["qualifications"] = json!(["alcohol", "fresh"])).await;
        let (ana, ben) = (world.worker("ana").await, world.worker("ben").await);
        assert_eq!(near(&ana, "").await, [""; 0]);
        let path = format!("/v1/missions/{}/reservations", trained.missions[0]);
        let told = ana.post(&path, json!({})).await.refused(Code::NotQualified);
        assert!(told["detail"].as_str().unwrap().contains("`alcohol`"), "{told}");
        assert_eq!(qualified(world, &ana, json!(["alcohol"])).await["qualifications"], json!(["alcohol"]));
        assert_eq!(near(&ana, "").await, [""; 0]);
        qualified(world, &ana, json!(["fresh", "alcohol", "other"])).await;
        assert_eq!(near(&ana, "").await, trained.missions);
        assert_eq!(near(&ben, "").await, [""; 0], "what Ana can, Ben cannot");
        qualified(world, &ana, json!([])).await;
        assert_eq!(near(&ana, "").await, [""; 0]);
        qualified(world, &ana, json!(["alcohol", "fresh"])).await;
        ana.post(&path, json!({})).await.created();

        let admin = world.staff(StaffRole::Admin).await;
        let ana_id = ana.get("/v1/me").await.ok()["id"].as_str().unwrap().to_owned();
        for wrong in [json!(["a b"]), json!(["x", "x"]), json!([""])] {
            let asked = json!({ "qualifications": wrong });
            admin.post(&format!("/v1/admin/workers/{ana_id}/qualifications"), asked).await.refused(Code::InvalidRequest);
        }
    }

    async fn experience_opens_missions(world) {
        let shelf = Shelf::with(world, 2, |asked| asked["min_level"] = json!(1)).await;
        let ana = world.worker("ana").await;
        assert_eq!(near(&ana, "").await, [""; 0]);
        let path = format!("/v1/missions/{}/reservations", shelf.missions[0]);
        let told = ana.post(&path, json!({})).await.refused(Code::LevelTooLow);
        assert_eq!(told["detail"], "It asks for level 1; yours is 0.");
        let standing = ana.get("/v1/me/standing").await.ok();
        assert_eq!((&standing["level"], &standing["next_level_at"]), (&json!(0), &json!(1)));
    }

    async fn a_map_counts_everything_once_at_every_zoom(world) {
        let shelf = Shelf::with(world, 6, |_| {}).await;
        let ana = world.worker("ana").await;
        for resolution in 2..=7 {
            let map = ana.get(&format!("/v1/missions/map?south=40&north=50&west=0&east=20&resolution={resolution}")).await.ok();
            let hexagons = map["hexagons"].as_array().unwrap();
            let missions: i64 = hexagons.iter().map(|hex| hex["missions"].as_i64().unwrap()).sum();
            assert_eq!((missions, &map["resolution"]), (6, &json!(resolution)));
            assert_eq!(hexagons[0]["best"][0]["reward"], json!({"amount_minor": 1200, "currency": "CHF"}));
        }
        let chosen = ana.get("/v1/missions/map?south=40&north=50&west=0&east=20").await.ok();
        assert_eq!(chosen["resolution"], 7);
        let elsewhere = ana.get("/v1/missions/map?south=0&north=10&west=0&east=20").await.ok();
        assert_eq!(elsewhere["hexagons"], json!([]));
        ana.post(&format!("/v1/missions/{}/reservations", shelf.missions[0]), json!({})).await.created();
        let less = ana.get("/v1/missions/map?south=40&north=50&west=0&east=20&resolution=2").await.ok();
        assert_eq!(less["hexagons"][0]["missions"], 5, "a full mission is not on the map");
        for wrong in ["resolution=1", "resolution=8"] {
            ana.get(&format!("/v1/missions/map?{BOX}&{wrong}")).await.refused(Code::InvalidRequest);
        }
        ana.get("/v1/missions/map?south=50&north=40&west=0&east=20").await.refused(Code::InvalidRequest);
    }

    async fn a_phone_that_keeps_a_city_is_told_what_changed(world) {
        let shelf = Shelf::with(world, 5, |_| {}).await;
        let (ana, ben) = (world.worker("ana").await, world.worker("ben").await);
        let kept = ana.get(&format!("/v1/missions/changes?{BOX}")).await.ok();
        assert_eq!((kept["whole"].as_bool(), &kept["gone"]), (Some(true), &json!([])));
        let mut missions: BTreeSet<String> = ids(&kept["missions"]).into_iter().collect();
        assert_eq!(missions, shelf.missions.iter().cloned().collect());
        let since = |answer: &Value| format!("/v1/missions/changes?{BOX}&since={}", answer["next"]);

        let first = ben.post(&format!("/v1/missions/{}/reservations", shelf.missions[0]), json!({})).await.created();
        ana.post(&format!("/v1/missions/{}/reservations", shelf.missions[1]), json!({})).await.created();
        let told = ana.get(&since(&kept)).await.ok();
        assert_eq!(told["whole"], false);
        for gone in ids(&told["gone"]) {
            missions.remove(&gone);
        }
        assert_eq!(missions, shelf.missions[2..].iter().cloned().collect());

        let free = format!("/v1/reservations/{}/release", first["id"].as_str().unwrap());
        ben.post(&free, json!({})).await.ok();
        let back = ana.get(&since(&told)).await.ok();
        assert!(ids(&back["missions"]).contains(&shelf.missions[0]), "{back}");
        missions.extend(ids(&back["missions"]));
        // A change may be told twice; it changes nothing then.
        let last = ana.get(&since(&back)).await.ok();
        assert!(ids(&last["missions"]).iter().all(|id| missions.contains(id)), "{last}");
        assert!(ids(&last["gone"]).iter().all(|id| !missions.contains(id)), "{last}");
        shelf.olga.post(&format!("/v1/brand/campaigns/{}/pause", shelf.campaign), json!({})).await.ok();
        let paused = ana.get(&since(&last)).await.ok();
        assert_eq!(paused["missions"], json!([]));
        assert!(ids(&paused["gone"]).contains(&shelf.missions[4]), "{paused}");
        ana.get(&format!("/v1/missions/changes?{BOX}&since=x")).await.refused(Code::InvalidRequest);
    }

    async fn a_round_is_proposed_and_reserved_whole_or_not_at_all(world) {
        let shelf = Shelf::with(world, 6, |_| {}).await;
        let (ana, ben) = (world.worker("ana").await, world.worker("ben").await);
        let asked = "/v1/rounds?lat=47.37&lon=8.54&minutes=360";
        let told = ana.get(asked).await.ok();
        let best = &told["rounds"][0];
        let round = ids(&best["mission_ids"]);
        assert_eq!((round.len(), &best["pay"]["amount_minor"]), (5, &json!(6000)), "as many as she may hold");
        let (minutes, waiting) = (best["minutes"].as_i64().unwrap(), best["waiting_minutes"].as_i64().unwrap());
        assert!(minutes <= 360 && waiting == 0, "{best}");
        assert_eq!(best["hourly_pay"]["currency"], "CHF");
        let mut before = best["stops"][0]["arrive_at"].as_str().unwrap().to_owned();
        for stop in best["stops"].as_array().unwrap() {
            let [arrive, start, leave] = ["arrive_at", "start_at", "leave_at"].map(|at| stop[at].as_str().unwrap());
            assert!(before.as_str() <= arrive && arrive <= start && start < leave, "{stop}");
            before = leave.to_owned();
        }
        let short = ana.get("/v1/rounds?lat=47.37&lon=8.54&minutes=30").await.ok();
        assert_eq!(short["rounds"][0]["stops"].as_array().unwrap().len(), 1);
        assert_eq!(ana.get("/v1/rounds?lat=-47.37&lon=8.54&minutes=240").await.ok()["rounds"], json!([]));

        // Somebody is quicker with one of them: nothing is reserved, and the one is named.
        ben.post(&format!("/v1/missions/{}/reservations", round[2]), json!({})).await.created();
        let refused = ana.post("/v1/rounds", json!({ "mission_ids": round })).await.refused(Code::SlotTaken);
        assert_eq!(refused["errors"][0]["pointer"], "/mission_ids/2");
        assert_eq!(ana.get("/v1/reservations").await.ok()["items"], json!([]));

        let again = ids(&ana.get(asked).await.ok()["rounds"][0]["mission_ids"]);
        assert!(!again.contains(&round[2]));
        let key = "round-number-1";
        let made = ana.post_with_key("/v1/rounds", key, json!({ "mission_ids": again })).await.created();
        let reserved: Vec<&str> =
            made["reservations"].as_array().unwrap().iter().map(|r| r["mission"]["id"].as_str().unwrap()).collect();
        assert_eq!(reserved, again, "in the order in which they are visited");
        assert_eq!(ana.post_with_key("/v1/rounds", key, json!({ "mission_ids": again })).await.created(), made);
        ana.get(asked).await.refused(Code::TooManyReservations);
        for wrong in [json!([]), json!([shelf.missions[0], shelf.missions[0]]), json!(["mis_x"])] {
            ana.post("/v1/rounds", json!({ "mission_ids": wrong })).await.refused(Code::InvalidRequest);
        }
        for wrong in ["minutes=0", "minutes=721", "minutes=5&mode=fly"] {
            ben.get(&format!("/v1/rounds?lat=47.37&lon=8.54&{wrong}")).await.refused(Code::InvalidRequest);
        }
    }

    async fn at_night_a_round_waits_for_the_doors(world) {
        Shelf::with(world, 3, |_| {}).await;
        let ana = world.worker("ana").await;
        // 05:30 UTC is 06:30 in Zürich; the stores open at eight.
        world.advance_secs(20 * 3600 + 1800);
        let told = ana.get("/v1/rounds?lat=47.37&lon=8.54&minutes=240").await.ok();
        let stops = told["rounds"][0]["stops"].as_array().unwrap();
        assert_eq!(stops[0]["start_at"], "2026-03-11T07:00:00Z");
        assert_eq!(stops.len(), 3, "{told}");
    }
}
