//! Requests that never reach an operation: bodies, keys, sizes, methods. And a database that has no time.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use fieldproof::db::Place;
use fieldproof::domain::refusal::Code;
use serde_json::json;

use crate::support::visit::{Plan, Shot, Visit};
use crate::support::world::{Engine, both, play};

const JSON: (&str, &str) = ("content-type", "application/json");

fn headers(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

both! {
    async fn a_body_that_is_not_json_names_its_place(world) {
        let ana = &world.crowd(1)[0];
        let with = headers(&[JSON, ("idempotency-key", "refused-1")]);
        for body in [&b"{"[..], b"[]", b"{\"method_id\": 5}", b"{\"method_di\": \"x\"}", b"\xff", b"{} {}"] {
            ana.send_bytes("POST", "/v1/payouts", &with, Some(body.to_vec())).await.refused(Code::InvalidJson);
        }
        let nested = b"{\"method_id\": \"pme_\", \"amount\": {\"amount_minor\": \"many\", \"currency\": \"CHF\"}}";
        let told = ana.send_bytes("POST", "/v1/payouts", &with, Some(nested.to_vec())).await.refused(Code::InvalidJson);
        assert_eq!(told["errors"][0]["pointer"], "/amount/amount_minor");
        let plain = headers(&[("content-type", "text/plain"), ("idempotency-key", "refused-2")]);
        let told = ana.send_bytes("POST", "/v1/payouts", &plain, Some(b"{}".to_vec())).await;
        told.refused(Code::UnsupportedMediaType);
    }

    async fn a_change_needs_a_key_of_some_length(world) {
        let ana = &world.crowd(1)[0];
        let long = "k".repeat(81);
        for key in ["", "short", "with space", long.as_str()] {
            let with = headers(&[JSON, ("idempotency-key", key)]);
            let reply = ana.send_bytes("POST", "/v1/payouts", &with, Some(b"{\"method_id\":\"pme_\"}".to_vec())).await;
            reply.refused(Code::IdempotencyKeyMissing);
        }
        ana.ask("/v1/payouts", json!({ "method_id": "pme_" })).await.refused(Code::IdempotencyKeyMissing);
    }

    async fn sizes_have_ends(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let visit = Visit::reserved(ana, &round.missions[0]).await;
        let text = json!({ "method_id": "x".repeat(1024 * 1024) });
        ana.post("/v1/payouts", text).await.refused(Code::BodyTooLarge);
        let huge = Shot::new("huge", "", vec![7; 30 * 1024 * 1024 + 1]);
        ana.upload(&visit.reservation, &huge).await.refused(Code::PhotoTooLarge);
        for n in 0..200 {
            let shot = Shot::new(&format!("p{n}"), "", format!("photo {n}").into_bytes());
            ana.upload(&visit.reservation, &shot).await.created();
        }
        let more = Shot::new("more", "", b"one more".to_vec());
        ana.upload(&visit.reservation, &more).await.refused(Code::TooManyPhotos);
        // One that is here already is not one more.
        ana.upload(&visit.reservation, &Shot::new("p7", "", b"photo 7".to_vec())).await.ok();
        ana.post(&format!("/v1/reservations/{}/release", visit.reservation), json!({})).await.ok();
    }

    async fn an_address_takes_its_own_methods_only(world) {
        world.crowd(1)[0].send("DELETE", "/v1/me", None, None, None).await.refused(Code::MethodNotAllowed);
        world.crowd(1)[0].get("/v1/nowhere").await.refused(Code::NotFound);
    }

    async fn a_suspended_worker_takes_no_new_missions_and_keeps_the_money(world) {
        let round = world.round("Acme", Plan::short().slots(2).stores(2)).await;
        let ana = world.worker("ana").await;
        round.clean(&ana, &round.missions[0]).await;
        let method = ana.test_method().await;
        let admin = world.staff(fieldproof::domain::user::StaffRole::Admin).await;
        let path = format!("/v1/admin/workers/{}", ana.id);
        let asked = json!({ "code": "suspected_fraud", "text": "Two of your photos show the same shelf." });
        admin.post(&format!("{path}/suspend"), asked.clone()).await.ok();
        ana.reserve(&round.missions[1]).await.refused(Code::Suspended);
        ana.post("/v1/payouts", json!({ "method_id": method })).await.created();
        admin.post(&format!("{path}/reinstate"), asked).await.ok();
        ana.reserve(&round.missions[1]).await.created();
    }
}

#[test]
fn a_database_that_somebody_holds_is_busy_and_nothing_was_changed() {
    play(Engine::Sqlite, async |world| {
        let ana = &world.crowd(1)[0];
        let Place::Sqlite(file) = world.app.core.db.place() else { panic!("on SQLite") };
        let mut holder = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        holder.batch_execute("BEGIN IMMEDIATE").unwrap();
        let asked = json!({ "name": "Ana B." });
        let reply = ana.patch("/v1/me", 1, asked.clone()).await;
        reply.refused(Code::Busy);
        assert!(reply.headers.contains_key("retry-after"));
        holder.batch_execute("ROLLBACK").unwrap();
        assert_eq!(ana.patch("/v1/me", 1, asked).await.ok()["name"], "Ana B.");
    });
}
