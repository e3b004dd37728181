//! Signing up and in.

use fieldproof::domain::refusal::Code;
use serde_json::json;

use crate::support::world::{PASSWORD, both};

both! {
    async fn a_worker_registers_verifies_and_reads_the_profile(world) {
        let ana = world.worker("ana").await;
        let me = ana.get("/v1/me").await.ok();
        assert_eq!(me["email_verified"], true);
        assert_eq!(me["kind"], "worker");
        let asked = json!({ "email": ana.email, "password": PASSWORD, "name": "Ana" });
        world.stranger().post("/v1/auth/register", asked).await.refused(Code::EmailTaken);
    }

    async fn a_password_is_as_long_as_its_characters(world) {
        let email = world.fresh_email("zoé");
        let asked = |chars: usize| json!({ "email": email, "password": "é".repeat(chars), "name": "Zoé" });
        for chars in [9, 257] {
            world.stranger().post("/v1/auth/register", asked(chars)).await.refused(Code::InvalidRequest);
        }
        world.stranger().post("/v1/auth/register", asked(256)).await.created();
        world.sign_in(&email, &"é".repeat(256)).await;
    }

    async fn a_profile_is_changed_by_who_read_it_last(world) {
        let ana = world.worker("ana").await;
        let me = ana.get("/v1/me").await.ok();
        let version = me["version"].as_i64().unwrap();
        let changed = ana.patch("/v1/me", version, json!({ "name": "Ana B." })).await.ok();
        assert_eq!(changed["name"], "Ana B.");
        ana.patch("/v1/me", version, json!({ "name": "Ana C." })).await.refused(Code::Stale);
        ana.send("PATCH", "/v1/me", None, None, Some(json!({}))).await.refused(Code::PreconditionMissing);
    }

    async fn a_lost_answer_logs_nobody_out_but_a_copied_token_ends_the_session(world) {
        let ana = world.worker("ana").await;
        let asked = json!({ "email": ana.email, "password": PASSWORD, "device": "phone" });
        let first = world.stranger().ask("/v1/auth/token", asked).await.ok();
        let refresh = async |token: &serde_json::Value, device: &str| {
            world.stranger().ask("/v1/auth/refresh", json!({ "refresh_token": token, "device": device })).await
        };
        let second = refresh(&first["refresh_token"], "phone").await.ok();
        // The answer was lost: the phone asks again with what it has.
        let third = refresh(&first["refresh_token"], "phone").await.ok();
        refresh(&third["refresh_token"], "phone").await.ok();
        // By now the second one is two generations old: a copy is about.
        refresh(&second["refresh_token"], "phone").await.refused(Code::SessionRevoked);
        refresh(&third["refresh_token"], "phone").await.refused(Code::SessionRevoked);
    }

    async fn a_refresh_token_works_on_its_own_device_only(world) {
        let ana = world.worker("ana").await;
        let asked = json!({ "email": ana.email, "password": PASSWORD, "device": "phone" });
        let tokens = world.stranger().ask("/v1/auth/token", asked).await.ok();
        let refresh = json!({ "refresh_token": tokens["refresh_token"], "device": "laptop" });
        world.stranger().ask("/v1/auth/refresh", refresh).await.refused(Code::SessionRevoked);
        let refresh = json!({ "refresh_token": tokens["refresh_token"], "device": "phone" });
        world.stranger().ask("/v1/auth/refresh", refresh).await.refused(Code::SessionRevoked);
    }

    async fn wrong_passwords_pause_signing_in(world) {
        let ana = world.worker("ana").await;
        let wrong = json!({ "email": ana.email, "password": "not her password", "device": "phone" });
        for _ in 0..5 {
            world.stranger().ask("/v1/auth/token", wrong.clone()).await.refused(Code::WrongCredentials);
        }
        let right = json!({ "email": ana.email, "password": PASSWORD, "device": "phone" });
        let paused = world.stranger().ask("/v1/auth/token", right.clone()).await;
        paused.refused(Code::TooManyRequests);
        world.advance_secs(paused.headers["retry-after"].parse().unwrap());
        world.stranger().ask("/v1/auth/token", right).await.ok();
    }

    async fn a_forgotten_password_is_reset_and_ends_every_session(world) {
        let ana = world.worker("ana").await;
        let asked = json!({ "email": ana.email, "password": PASSWORD, "device": "phone" });
        let tokens = world.stranger().ask("/v1/auth/token", asked.clone()).await.ok();
        world.stranger().ask("/v1/auth/password-reset", json!({ "email": ana.email })).await.done();
        let token = world.link_token(&ana.email);
        let change = json!({ "token": token, "password": "another long one" });
        world.stranger().ask("/v1/auth/password", change.clone()).await.done();
        world.stranger().ask("/v1/auth/password", change).await.refused(Code::TokenUsed);
        world.stranger().ask("/v1/auth/token", asked).await.refused(Code::WrongCredentials);
        let refresh = json!({ "refresh_token": tokens["refresh_token"], "device": "phone" });
        world.stranger().ask("/v1/auth/refresh", refresh).await.refused(Code::SessionRevoked);
        world.stranger().ask("/v1/auth/password-reset", json!({ "email": "nobody@example.org" })).await.done();
    }

    async fn the_same_key_answers_the_same_and_another_body_is_refused(world) {
        let asked = json!({ "email": world.fresh_email("bo"), "password": PASSWORD, "name": "Bo" });
        let first = world.stranger().post_with_key("/v1/auth/register", "key-of-bo-1", asked.clone()).await.created();
        let again = world.stranger().post_with_key("/v1/auth/register", "key-of-bo-1", asked).await.created();
        assert_eq!(first, again);
        let other = json!({ "email": world.fresh_email("bo"), "password": PASSWORD, "name": "Bo" });
        let reply = world.stranger().post_with_key("/v1/auth/register", "key-of-bo-1", other).await;
        reply.refused(Code::IdempotencyKeyReused);
    }

    async fn a_brand_keeps_an_owner_and_a_stranger_sees_no_members(world) {
        let olga = world.brand("Acme").await;
        let members = olga.get("/v1/brand/members").await.ok();
        assert_eq!(members["items"].as_array().unwrap().len(), 1);
        let path = format!("/v1/brand/members/{}", olga.id);
        olga.send("DELETE", &path, None, None, None).await.refused(Code::LastOwner);
        let eve = world.brand("Other").await;
        eve.send("DELETE", &path, None, None, None).await.refused(Code::NotFound);
        let invited = json!({ "email": world.fresh_email("ed"), "name": "Ed", "role": "editor" });
        olga.post("/v1/brand/members", invited.clone()).await.created();
        olga.post("/v1/brand/members", invited.clone()).await.refused(Code::AlreadyMember);
        // That somebody works for another brand is not told.
        eve.post("/v1/brand/members", invited).await.refused(Code::EmailTaken);
        world.worker("ana").await.get("/v1/brand/members").await.refused(Code::Forbidden);
        world.stranger().get("/v1/brand/members").await.refused(Code::Unauthenticated);
    }
}
