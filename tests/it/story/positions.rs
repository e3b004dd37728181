//! Positions that nobody believes: the signs are told, a person decides, nothing is refused; and their end.

use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, approved};
use crate::support::world::{Person, both};

/// Positions of a walk through the store, one a minute, as a receiver gives them; `bend` makes each walk its own.
fn walk(visit: &Visit<'_, '_>, bend: f64, provider: &str) -> Vec<Value> {
    let (lat, lon) = visit.point;
    let now = visit.world().now();
    (0..8)
        .map(|n| {
            let step = f64::from(n);
            let (north, east) = (12.0 * (step * (0.7 + bend)).sin() + 9.0, 15.0 * (step * (0.4 + bend)).cos() + 3.0);
            json!({ "lat": lat + north / 111_195.0, "lon": lon + east / 80_000.0, "accuracy_m": 5.0 + (step * 1.3) % 4.0,
                "altitude_m": 430.0 + step % 3.0, "provider": provider, "photo": format!("p{}", n + 1),
                "elapsed_ms": 5_000_000 + n * 61_300 + (n * n) % 7 * 900,
                "at": now.plus_secs(-(i64::from(8 - n) * 61 + i64::from(n * n % 7))) })
        })
        .collect()
}

async fn sealed(
    worker: &Person<'_>,
    round: &Round<'_>,
    mission: usize,
    fixes: impl Fn(&Visit<'_, '_>) -> Vec<Value>,
) -> Value {
    let mut visit = Visit::reserved(worker, &round.missions[mission]).await;
    // The check-in comes from the same walk.
    let mut first = fixes(&visit).remove(0);
    (first["at"], first["elapsed_ms"], first["photo"]) = (json!(visit.world().now()), json!(4_588_000), Value::Null);
    let path = format!("/v1/reservations/{}/check-in", visit.reservation);
    worker.post(&path, json!({ "fixes": [first] })).await.ok();
    visit.world().advance_secs(900);
    visit.shoot("/shelf");
    visit.answer_short(7);
    let mut asked = visit.sealed_as("completed");
    asked["fixes"] = json!(fixes(&visit));
    visit.upload().await;
    let id = visit.seal(&asked).await;
    visit.world().work().await;
    worker.submission(&id).await
}

fn codes(of: &Value) -> Vec<&str> {
    of["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

both! {
    async fn a_walk_that_was_sent_before_is_doubted_and_an_honest_one_is_not(world) {
        let round = world.round("Acme", Plan::short().slots(4)).await;
        let (ana, bo, eve) = (world.worker("ana").await, world.worker("bo").await, world.worker("eve").await);
        let rita = world.staff(REVIEWER).await;
        let first = sealed(&ana, &round, 0, |visit| walk(visit, 0.0, "gps")).await;
        assert_eq!(first["state"], "approved", "{first}");
        world.advance_hours(20);
        let other = sealed(&eve, &round, 0, |visit| walk(visit, 0.23, "gps")).await;
        assert_eq!(other["state"], "approved", "{other}");
        world.advance_hours(20);
        // The same way, to the digit, by somebody else a day later.
        let copied = sealed(&bo, &round, 0, |visit| walk(visit, 0.0, "gps")).await;
        assert_eq!(copied["state"], "in_review", "{copied}");
        let seen = rita.get(&format!("/v1/admin/reviews/{}", copied["id"].as_str().unwrap())).await.ok();
        let found = codes(&seen);
        assert!(found.contains(&"TRACK_REPLAYED") || found.contains(&"FIX_SHARED"), "{found:?}");
        let levels: Vec<&str> = seen["findings"].as_array().unwrap().iter().map(|f| f["level"].as_str().unwrap()).collect();
        assert!(!levels.contains(&"fail"), "nothing about positions is more than a doubt");
        rita.claim(copied["id"].as_str().unwrap()).await.ok();
        rita.rules(copied["id"].as_str().unwrap(), approved()).await;
    }

    async fn a_frozen_position_and_a_shared_phone_are_doubted(world) {
        let round = world.round("Acme", Plan::short().slots(4)).await;
        let (ana, bo, eve) = (world.worker("ana").await, world.worker("bo").await, world.worker("eve").await);
        let pinned = |visit: &Visit<'_, '_>| {
            let mut fixes = walk(visit, 0.0, "gps");
            for fix in &mut fixes {
                (fix["lat"], fix["lon"], fix["accuracy_m"]) = (json!(visit.point.0 + 0.0002), json!(visit.point.1), json!(4.0));
            }
            fixes
        };
        let frozen = sealed(&ana, &round, 0, pinned).await;
        assert_eq!(frozen["state"], "in_review", "{frozen}");
        assert!(codes(&frozen).contains(&"POSITION_FROZEN"), "{frozen}");
        let told = frozen["findings"].as_array().unwrap().iter().find(|f| f["code"] == "POSITION_FROZEN").unwrap();
        assert!(told["sentence"].as_str().unwrap().contains("did not move at all"), "{told}");

        for (n, worker) in [&bo, &eve, &world.worker("joe").await].into_iter().enumerate() {
            let reservation = worker.reserve(&round.missions[0]).await.created();
            let path = format!("/v1/reservations/{}/check-in", reservation["id"].as_str().unwrap());
            let asked = json!({ "fixes": [world.fix(round.missions[0].point)], "device_id": "phone-77", "reserved_elapsed_ms": 1000 });
            worker.post(&path, asked).await.ok();
            let told = worker.get(&format!("/v1/reservations/{}", reservation["id"].as_str().unwrap())).await.ok();
            assert_eq!(told["state"], "checked_in", "worker {n}: a shared phone refuses nobody");
        }
        for wrong in [json!({ "device_id": "" }), json!({ "device_id": "a b" }), json!({ "reserved_elapsed_ms": -1 })] {
            let reservation = ana.get("/v1/reservations").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
            let mut asked = json!({ "fixes": [world.fix(round.missions[0].point)] });
            asked.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            let path = format!("/v1/reservations/{reservation}/check-in");
            ana.post(&path, asked).await.refused(fieldproof::domain::refusal::Code::InvalidRequest);
        }
    }

    async fn exact_positions_are_dropped_when_nobody_may_appeal_any_more(world) {
        let round = world.round("Acme", Plan::short().slots(2)).await;
        let ana = world.worker("ana").await;
        let done = sealed(&ana, &round, 0, |visit| walk(visit, 0.0, "gps")).await;
        assert_eq!(done["state"], "approved", "{done}");
        let reservation = done["reservation_id"].as_str().unwrap().to_owned();
        let fixes = |world: &crate::support::world::World| {
            let id = fieldproof::domain::ids::ReservationId::parse(&reservation).unwrap();
            let read = |c: &mut fieldproof::db::Conn| {
                Ok((fieldproof::db::reservations::any_fixes(c, &id)?.len(), fieldproof::db::tracks::any_find(c, &id)?))
            };
            world.app.core.db.read(read).unwrap()
        };
        assert_eq!(fixes(world).0, 9, "one at the check-in, eight with the seal");
        world.advance_hours(24 * 13);
        world.work().await;
        assert_eq!(fixes(world).0, 9, "she may still appeal");
        world.advance_hours(48);
        world.work().await;
        let (left, kept) = fixes(world);
        let kept = kept.unwrap();
        assert_eq!((left, kept.verdict.as_str(), kept.distance_m % 10), (0, "pass", 0));
        assert!(kept.fixes_dropped_at.is_some() && kept.shape.is_some());
    }
}
