//! Money on its way to the worker: asked for, approved, sent once, settled or returned.

use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use serde_json::{Value, json};

use crate::support::visit::Plan;
use crate::support::world::{Person, World, both};

/// Ana with CHF 12 in her balance.
async fn ana<'w>(world: &'w World) -> Person<'w> {
    let round = world.round("Acme", Plan::short()).await;
    let ana = world.worker("ana").await;
    round.clean(&ana, &round.missions[0]).await;
    assert_eq!(ana.balance_minor().await, 1200);
    ana
}

async fn money(ana: &Person<'_>) -> [i64; 3] {
    let balance = &ana.get("/v1/balance").await.ok()["balances"][0];
    ["available", "in_payout", "paid_out"].map(|name| balance[name]["amount_minor"].as_i64().unwrap())
}

async fn step(finance: &Person<'_>, payout: &Value, step: &str, body: Value) -> crate::support::world::Reply {
    finance.post(&format!("/v1/admin/payouts/{}/{step}", payout["id"].as_str().unwrap()), body).await
}

both! {
    async fn money_leaves_once_and_arrives(world) {
        let ana = ana(world).await;
        let finance = world.staff(StaffRole::Finance).await;
        let payout = ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        assert_eq!(payout["amount"]["amount_minor"], 1200);
        assert_eq!(money(&ana).await, [0, 1200, 0]);
        ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.refused(Code::NothingToPay);
        world.work().await;
        step(&finance, &payout, "settle", json!({})).await.refused(Code::PayoutState);
        step(&finance, &payout, "approve", json!({})).await.ok();
        step(&finance, &payout, "approve", json!({})).await.refused(Code::PayoutState);
        world.work().await;
        let listed = ana.get("/v1/payouts").await.ok();
        assert_eq!(listed["items"][0]["state"], "sent");
        let reference = listed["items"][0]["bank_reference"].clone();
        world.work().await;
        step(&finance, &payout, "settle", json!({})).await.ok();
        step(&finance, &payout, "settle", json!({})).await.refused(Code::PayoutState);
        step(&finance, &payout, "return", json!({ "reason": "unknown" })).await.refused(Code::PayoutState);
        assert_eq!(money(&ana).await, [0, 0, 1200]);
        assert_eq!(ana.get("/v1/payouts").await.ok()["items"][0]["bank_reference"], reference);
        assert!(world.letter_to(&ana.email).contains("arrived"));
    }

    async fn money_that_the_bank_returns_is_in_the_balance_again(world) {
        let ana = ana(world).await;
        let finance = world.staff(StaffRole::Finance).await;
        let payout = ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        step(&finance, &payout, "approve", json!({})).await.ok();
        world.work().await;
        step(&finance, &payout, "return", json!({ "reason": "no such holder" })).await.ok();
        assert_eq!(money(&ana).await, [1200, 0, 0]);
        assert!(world.letter_to(&ana.email).contains("no such holder"));
        let again = ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        assert_ne!(again["id"], payout["id"]);
    }

    async fn a_request_sent_twice_asks_once(world) {
        let ana = ana(world).await;
        let part = json!({ "method_id": ana.test_method().await, "amount": { "amount_minor": 500, "currency": "CHF" } });
        let first = ana.post_with_key("/v1/payouts", "payout-key-1", part.clone()).await.created();
        let again = ana.post_with_key("/v1/payouts", "payout-key-1", part.clone()).await.created();
        assert_eq!(first, again);
        assert_eq!(money(&ana).await, [700, 500, 0]);
        ana.post("/v1/payouts", part.clone()).await.created();
        ana.post("/v1/payouts", part).await.refused(Code::InsufficientFunds);
        assert_eq!(money(&ana).await, [200, 1000, 0]);
    }
}
