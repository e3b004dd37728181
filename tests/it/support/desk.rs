//! A campaign with one store, and visits to it up to the review desk: by operations, as a phone and the machine would.

use diesel::prelude::*;
use fieldproof::access::{Identity, Pass, Worker};
use fieldproof::context::Once;
use fieldproof::db::rows::{MissionRow, SubmissionRow};
use fieldproof::db::schema::missions;
use fieldproof::db::submissions;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::*;
use fieldproof::domain::ledger::AccountName;
use fieldproof::domain::money::Currency;
use fieldproof::domain::submission::SubmissionMove;
use fieldproof::domain::user::{StaffRole, UserKind};
use fieldproof::ops;
use serde_json::{Value, json};

use super::world::{Person, World};

/// CHF 12 for a visit, CHF 4 for an attempt, 20 % fee; two sections that weigh 3 and 1.
pub struct Campaign<'w> {
    pub mission: MissionId,
    owner: Person<'w>,
    path: String,
}

/// A published campaign with this many slots at one store.
pub async fn campaign(world: &World, slots: i64) -> Campaign<'_> {
    let olga = world.brand("Acme").await;
    let brand = olga.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
    let asked = json!({"amount": {"amount_minor": 100_000, "currency": "CHF"}, "reference": "statement 7"});
    world.staff(StaffRole::Finance).await.post(&format!("/v1/admin/brands/{brand}/funding"), asked).await.ok();
    let asked = json!({"name": "Enge", "chain": "Migros", "city": "Zürich", "country": "CH", "lat": 47.37, "lon": 8.54,
        "opening_hours": "Mo-Sa 08:00-20:00", "time_zone": "Europe/Zurich"});
    let store = olga.post("/v1/brand/stores", asked).await.created()["id"].clone();
    let asked = json!({
        "name": "Soap", "purpose": "How soap stands on shelves.", "slots_per_store": slots,
        "reward_minor": 1200, "attempt_fee_minor": 400, "on_site_minutes": 20,
        "starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-06-10T00:00:00Z",
        "brief": [{"id": "1", "text": "Go to the shelf."}, {"id": "2", "text": "Count every facing."}],
        "questionnaire": {"id": "soap", "version": 1, "items": [
            {"type": "section", "name": "soaps", "weight": 3, "items": [
                {"type": "count", "name": "facings", "min": 0, "max": 99, "clause_id": "2"},
                {"type": "count", "name": "gaps", "min": 0, "max": 99}
            ]},
            {"type": "section", "name": "around", "weight": 1, "items": [{"type": "text", "name": "remark"}]}
        ]},
        "product_ids": [], "store_ids": [store],
    });
    let campaign = olga.post("/v1/brand/campaigns", asked).await.created()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/brand/campaigns/{campaign}");
    olga.post(&format!("{path}/publish"), json!({})).await.ok();
    let campaign = CampaignId::parse(&campaign).unwrap();
    let of_it = missions::table.filter(missions::campaign_id.eq(campaign));
    let mission: MissionRow = world.app.core.db.read(|c| Ok(of_it.first(c)?)).unwrap();
    Campaign { mission: mission.id, owner: olga, path }
}

fn pass(worker: &Person<'_>) -> Worker {
    let identity = Identity {
        user: UserId::parse(&worker.id).unwrap(),
        session: SessionId::from_bits(1),
        kind: UserKind::Worker,
        staff_role: None,
        brand: None,
    };
    Worker::admit(Some(&identity)).unwrap()
}

fn once(what: &str, id: &str) -> Once {
    Once { route: format!("POST {what}"), key: format!("{what}-{id}"), request_hash: String::new() }
}

impl Campaign<'_> {
    /// The brand closes it.
    pub async fn close(&self) {
        self.owner.post(&format!("{}/close", self.path), json!({})).await.ok();
    }

    /// Reserves and seals with this outcome; a completed visit has three answers.
    pub fn sealed(&self, world: &World, worker: &Person<'_>, outcome: &str) -> SubmissionId {
        let who = pass(worker);
        let held = ops::reservations::reserve(&world.cx(), &who, &once("reserve", &worker.id), &self.mission).unwrap();
        let answers = match outcome {
            "completed" => {
                json!({"soaps": {"facings": {"value": 4}, "gaps": {"value": 1}}, "around": {"remark": {"value": "tidy"}}})
            }
            _ => json!({}),
        };
        let seal = serde_json::from_value(json!({"outcome": outcome, "answers": answers})).unwrap();
        ops::submissions::seal(&world.cx(), &who, &once("seal", &worker.id), &held.id, &seal).unwrap().id
    }

    /// The same, and the machine found a doubt.
    pub fn in_review(&self, world: &World, worker: &Person<'_>, outcome: &str, risk: i64) -> SubmissionId {
        let id = self.sealed(world, worker, outcome);
        let asked = world.app.core.db.write(&Actor::Machine("assess"), "test", |tx| {
            let row = submissions::any_find(tx, &id)?.unwrap();
            let now = tx.now();
            let row = submissions::move_state(tx, &row, SubmissionMove::AskPerson, |new| {
                (new.entered_review_at, new.review_due_at, new.risk) = (Some(now), Some(now.plus_days(5)), risk);
            })?;
            tx.record(Event::new("submission.in_review", &row.id).moved("checking", "in_review"))?;
            Ok(())
        });
        asked.unwrap();
        id
    }

    pub fn mission(&self, world: &World) -> MissionRow {
        world.app.core.db.read(|c| Ok(missions::table.find(&self.mission).first(c)?)).unwrap()
    }

    /// Held slots, done slots, spent attempts.
    pub fn slots(&self, world: &World) -> (i64, i64, i64) {
        let row = self.mission(world);
        (row.slots_held, row.slots_done, row.attempts_spent)
    }

    /// What this mission holds, and what the platform took of it, in minor units.
    pub fn escrow_and_fees(&self, world: &World) -> (i64, i64) {
        let balance = |account: AccountName| {
            world.app.core.db.read(|c| fieldproof::db::ledger::balance(c, &account, Currency::CHF)).unwrap().minor
        };
        (balance(AccountName::escrow(&self.mission)), balance(AccountName::fees(&self.mission)))
    }
}

pub fn submission(world: &World, id: &SubmissionId) -> SubmissionRow {
    world.app.core.db.read(|c| submissions::any_find(c, id)).unwrap().unwrap()
}

/// Claims and decides; the reply is the caller's to judge.
pub async fn decide(reviewer: &Person<'_>, id: &SubmissionId, asked: Value) -> super::world::Reply {
    reviewer.post("/v1/admin/reviews/claim", json!({"submission_id": id})).await.ok();
    reviewer.post(&format!("/v1/admin/submissions/{id}/decision"), asked).await
}

/// A rejection that is complete.
pub fn rejection(code: &str) -> Value {
    json!({"kind": "rejected", "reason_code": code, "target": "/soaps/facings", "clause_id": "2",
        "text": "The photo shows nine facings, the answer says four."})
}

/// A partial approval that pays three quarters.
pub fn partly() -> Value {
    json!({"kind": "partly_approved", "refused": [{"item": "/around", "reason_code": "answer_missing",
        "clause_id": "1", "text": "The remark says nothing about the shelf."}]})
}

/// What the worker can have now, in minor units.
pub async fn available(worker: &Person<'_>) -> i64 {
    let balance = worker.get("/v1/balance").await.ok();
    balance["balances"][0]["available"]["amount_minor"].as_i64().unwrap_or(0)
}
