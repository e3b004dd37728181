//! Money on its way: payouts from the request to the bank's word, and the audit log that tells of them.

use diesel::prelude::*;
use fieldproof::db::schema::confirmations;
use fieldproof::domain::ids::PayoutId;
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use fieldproof::ops;
use serde_json::{Value, json};

use crate::support::desk::{available, campaign, decide};
use crate::support::world::{Person, World, both};

/// A worker with CHF 12.
async fn paid<'w>(world: &'w World, name: &str) -> Person<'w> {
    let soap = campaign(world, 1).await;
    let worker = world.worker(name).await;
    let id = soap.in_review(world, &worker, "completed", 50);
    decide(&world.staff(StaffRole::Reviewer).await, &id, json!({"kind": "approved"})).await.created();
    worker
}

fn id_of(payout: &Value) -> PayoutId {
    PayoutId::parse(payout["id"].as_str().unwrap()).unwrap()
}

async fn approved(worker: &Person<'_>, finance: &Person<'_>) -> PayoutId {
    let payout = worker.post("/v1/payouts", json!({"method_id": worker.test_method().await})).await.created();
    finance.post(&format!("/v1/admin/payouts/{}/approve", id_of(&payout)), json!({})).await.ok();
    id_of(&payout)
}

async fn state(worker: &Person<'_>) -> String {
    worker.get("/v1/payouts").await.ok()["items"][0]["state"].as_str().unwrap().to_owned()
}

both! {
    async fn a_payout_leaves_the_balance_at_once_and_settles_once(world) {
        let ana = paid(world, "ana").await;
        let part = json!({"method_id": ana.test_method().await, "amount": {"amount_minor": 500, "currency": "CHF"}});
        let payout = ana.post("/v1/payouts", part).await.created();
        assert_eq!((&payout["state"], available(&ana).await), (&json!("requested"), 700));
        for (minor, currency) in [(701, "CHF"), (1, "EUR"), (1, "QQQ")] {
            let more = json!({"method_id": ana.test_method().await, "amount": {"amount_minor": minor, "currency": currency}});
            ana.post("/v1/payouts", more).await.refused(Code::InsufficientFunds);
        }
        let none = json!({"method_id": ana.test_method().await, "amount": {"amount_minor": 0, "currency": "CHF"}});
        ana.post("/v1/payouts", none).await.refused(Code::InvalidRequest);
        ana.post("/v1/payouts", json!({"method_id": "here"})).await.refused(Code::NotFound);

        let fin = world.staff(StaffRole::Finance).await;
        let path = format!("/v1/admin/payouts/{}", id_of(&payout));
        let early = fin.post(&format!("{path}/settle"), json!({})).await.refused(Code::PayoutState);
        assert_eq!(early["allowed"], json!(["approve"]));
        world.work().await;
        assert_eq!(state(&ana).await, "requested", "nobody approved it");
        fin.post(&format!("{path}/approve"), json!({})).await.ok();
        fin.post(&format!("{path}/approve"), json!({})).await.refused(Code::PayoutState);
        world.work().await;
        let listed = fin.get("/v1/admin/payouts?state=sent").await.ok();
        assert_eq!(listed["items"][0]["id"], payout["id"]);
        fin.post(&format!("{path}/settle"), json!({})).await.ok();
        fin.post(&format!("{path}/settle"), json!({})).await.refused(Code::PayoutState);
        fin.post(&format!("{path}/return"), json!({"reason": "no such account"})).await.refused(Code::PayoutState);

        let balance = ana.get("/v1/balance").await.ok()["balances"][0].clone();
        let minor = |name: &str| balance[name]["amount_minor"].as_i64().unwrap();
        assert_eq!((minor("available"), minor("in_payout"), minor("paid_out")), (700, 0, 500));
        let count = world.app.core.db.read(|c| Ok(confirmations::table.count().get_result::<i64>(c)?)).unwrap();
        assert_eq!(count, 1);
        assert!(world.letter_to(&ana.email).contains("CHF 5.00 arrived"));
    }

    async fn a_returned_payout_is_the_workers_again(world) {
        let ana = paid(world, "ana").await;
        let fin = world.staff(StaffRole::Finance).await;
        let id = approved(&ana, &fin).await;
        assert_eq!(available(&ana).await, 0);
        ana.post("/v1/payouts", json!({"method_id": ana.test_method().await})).await.refused(Code::NothingToPay);
        world.work().await;
        let back = json!({"reason": "The account is closed."});
        let payout = fin.post(&format!("/v1/admin/payouts/{id}/return"), back).await.ok();
        assert_eq!((&payout["state"], available(&ana).await), (&json!("returned"), 1200));
        assert!(world.letter_to(&ana.email).contains("The account is closed."));
    }

    async fn a_sender_that_was_killed_asks_the_bank_and_pays_once(world) {
        let ana = paid(world, "ana").await;
        let fin = world.staff(StaffRole::Finance).await;
        let id = approved(&ana, &fin).await;
        // Killed before the order: the bank knows nothing, so it is given now.
        assert!(ops::payouts::mark_sending(&world.cx(), &id).unwrap());
        assert!(!ops::payouts::mark_sending(&world.cx(), &id).unwrap(), "a second sender keeps off");
        assert_eq!(state(&ana).await, "sending");
        world.work().await;
        let order = world.app.rails.test.find(&id).await.unwrap().unwrap();
        assert_eq!((order.amount, state(&ana).await.as_str()), (Money::new(1200, Currency::CHF), "sent"));
        fin.post(&format!("/v1/admin/payouts/{id}/return"), json!({"reason": "try again"})).await.ok();

        // Killed after the order: the bank has it, and is not asked to pay again.
        let id = approved(&ana, &fin).await;
        assert!(ops::payouts::mark_sending(&world.cx(), &id).unwrap());
        let order = world.app.rails.test.send(&id, Money::new(1200, Currency::CHF), "test 95 7").await.unwrap();
        world.work().await;
        let listed = ana.get("/v1/payouts").await.ok();
        assert_eq!(listed["items"][0]["bank_reference"], order.reference.as_str());
        assert!(!ops::payouts::mark_sent(&world.cx(), &id, "TB-OTHER").unwrap(), "recorded once");
    }

    async fn money_is_seen_by_its_owner_and_by_finance(world) {
        let ana = paid(world, "ana").await;
        let payout = ana.post("/v1/payouts", json!({"method_id": ana.test_method().await})).await.created();
        let bo = world.worker("bo").await;
        assert_eq!(bo.get("/v1/payouts").await.ok()["items"], json!([]));
        assert_eq!(bo.get("/v1/balance").await.ok()["balances"], json!([]));
        let ria = world.staff(StaffRole::Reviewer).await;
        ria.get("/v1/admin/payouts").await.refused(Code::Forbidden);
        bo.get("/v1/admin/payouts").await.refused(Code::Forbidden);
        let absent = "/v1/admin/payouts/pay_00000000000000000000000000/approve";
        world.staff(StaffRole::Finance).await.post(absent, json!({})).await.refused(Code::NotFound);

        let admin = world.staff(StaffRole::Admin).await;
        let id = payout["id"].as_str().unwrap();
        let log = admin.get(&format!("/v1/admin/audit?subject={id}")).await.ok();
        assert_eq!((&log["items"][0]["kind"], &log["items"][0]["actor_id"]), (&json!("payout.requested"), &json!(ana.id)));
        assert!(!log.to_string().contains("CH93"), "bank details are kept out of a log that is never deleted");
        let first = admin.get("/v1/admin/audit?limit=1").await.ok();
        let next = first["next"].as_str().unwrap();
        let second = admin.get(&format!("/v1/admin/audit?limit=1&cursor={next}")).await.ok();
        assert!(second["items"][0]["id"].as_str() > first["items"][0]["id"].as_str());
        ria.get("/v1/admin/audit").await.refused(Code::Forbidden);
        admin.get("/v1/admin/audit?cursor=made.up").await.refused(Code::InvalidCursor);
    }
}
