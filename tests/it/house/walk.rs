//! Every route, walked by everybody: nobody, each role, and the same role of another tenant, with an id of one's own, of
//! somebody else, and of nothing. The role is judged before anything else is looked at, and what belongs to somebody else
//! is as absent as what never was.

use diesel::prelude::*;
use fieldproof::db::rows::{PayoutWordRow, StoreCorrectionRow, StoreRow};
use fieldproof::db::schema::transfers;
use fieldproof::db::types::Json;
use fieldproof::db::{payout_words, store_corrections, stores};
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::{JournalId, PayoutId, TransferId, UserId};
use fieldproof::domain::store::StoreState;
use fieldproof::domain::store_correction::CorrectionState;
use fieldproof::domain::user::StaffRole;
use fieldproof::web::routes::{ROUTES, Route};
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Visit, rejected};
use crate::support::world::{Person, Reply, World, both};

/// Where the walk must not expect what it expects elsewhere, and why. This list may only shrink.
const FOREIGN_IS_SEEN: &[(&str, &str)] =
    &[("get_mission", "a mission is offered to every worker"), ("reserve", "a mission is offered to every worker")];

/// Who a role is, by the key of a person below.
fn admitted(role: &str) -> &'static [&'static str] {
    match role {
        "worker" => &["worker", "other worker"],
        "brand viewer" => &["viewer", "editor", "owner", "other owner"],
        "brand editor" => &["editor", "owner", "other owner"],
        "brand owner" => &["owner", "other owner"],
        "staff" => &["reviewer", "finance", "admin"],
        "reviewer" => &["reviewer", "admin"],
        "finance" => &["finance", "admin"],
        "admin" => &["admin"],
        "person" => {
            &["worker", "other worker", "viewer", "editor", "owner", "other owner", "reviewer", "finance", "admin"]
        }
        "anyone" => &[],
        other => panic!("the walk does not know the role {other}"),
    }
}

/// The people, and something of each kind that belongs to the first of them.
struct Town<'w> {
    people: Vec<(&'static str, Person<'w>)>,
    /// Beginning of a path, and the id that belongs there.
    ids: Vec<(&'static str, String)>,
}

async fn member<'w>(world: &'w World, owner: &Person<'_>, role: &str) -> Person<'w> {
    let email = world.fresh_email(role);
    let asked = json!({ "email": email, "name": role, "role": role });
    owner.post("/v1/brand/members", asked).await.created();
    world.accept_invitation(&email).await
}

/// What somebody said of a payout that moved since.
fn said_of(world: &World, payout: &str, by: &str) -> String {
    let said = world.app.core.db.write(&Actor::Operator, "walk", |tx| {
        let row = PayoutWordRow {
            id: tx.id(),
            payout_id: PayoutId::parse(payout).expect("an id"),
            payout_version: 0,
            said: "settled".to_owned(),
            evidence: "Because the walk says so.".to_owned(),
            proposed_by: UserId::parse(by).expect("an id"),
            proposed_at: tx.now(),
            confirmed_by: None,
            confirmed_at: None,
        };
        payout_words::insert(tx, &row)?;
        tx.nothing_changed();
        Ok(row.id.to_string())
    });
    said.unwrap()
}

/// A store of the platform, and a proposal to move its pin.
fn directory(world: &World) -> (String, String) {
    let (now, db) = (world.now(), &world.app.core.db);
    let added = db.write(&Actor::Operator, "walk", |tx| {
        let store = StoreRow {
            id: tx.id(),
            brand_id: None,
            source: "walk".to_owned(),
            source_id: "1".to_owned(),
            name: "Corner".to_owned(),
            chain: None,
            street: None,
            housenumber: None,
            postcode: None,
            city: None,
            country: "CH".to_owned(),
            lat: 46.5,
            lon: 6.6,
            radius_m: 150.0,
            opening_hours: None,
            time_zone: "Europe/Zurich".to_owned(),
            state: StoreState::Open,
            paused_at: None,
            recheck_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
            entrance_lat: None,
            entrance_lon: None,
            outline: None,
            placed_at: None,
            merged_into: None,
        };
        let correction = StoreCorrectionRow {
            id: tx.id(),
            store_id: store.id.clone(),
            state: CorrectionState::Proposed,
            lat: 46.503,
            lon: 6.6,
            pin_lat: 46.5,
            pin_lon: 6.6,
            distance_m: 333.6,
            spread_m: 1.0,
            check_ins: Json(json!([])),
            proposed_at: now,
            decided_by: None,
            decided_at: None,
            note: None,
        };
        stores::insert(tx, &store)?;
        store_corrections::add(tx, &correction)?;
        tx.record(Event::new("store.correction_proposed", &correction.id))?;
        Ok((store.id.to_string(), correction.id.to_string()))
    });
    added.unwrap()
}

/// The journal that a transfer belongs to.
fn journal_of(world: &World, transfer: &str) -> String {
    let found =
        transfers::table.filter(transfers::id.eq(TransferId::parse(transfer).unwrap())).select(transfers::journal_id);
    let id: JournalId = world.app.core.db.read(|c| Ok(found.first(c)?)).unwrap();
    id.to_string()
}

async fn town(world: &World) -> Town<'_> {
    let round = world.round("Acme", Plan::short().stores(4)).await;
    let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
    let (rita, finance) = (world.staff(REVIEWER).await, world.staff(StaffRole::Finance).await);
    let approved = round.clean(&ana, &round.missions[0]).await;
    let photo = ana.submission(&approved).await["photos"][0]["evidence_id"].as_str().unwrap().to_owned();
    let refused = round.doubtful(&ana, &round.missions[1]).await;
    let decision = rita.rules(&refused, rejected()).await["id"].as_str().unwrap().to_owned();
    let appeal = ana.appeal(&refused).await.created()["id"].as_str().unwrap().to_owned();
    let waiting = round.doubtful(&ana, &round.missions[2]).await;
    let live = Visit::reserved(&ana, &round.missions[3]).await.reservation;
    let method = ana.test_method().await;
    let asked = json!({ "method_id": method });
    let (arrived, document) = crate::story::papers::invoiced(world, &ana, &finance).await;
    let payout = ana.post("/v1/payouts", asked).await.created()["id"].as_str().unwrap().to_owned();
    // Prepared by another than the one of the town who will approve it.
    let nadia = world.staff(StaffRole::Finance).await;
    let batch = nadia.post("/v1/admin/payout-batches", json!({ "rail": "test", "currency": "CHF" })).await.created();
    let batch = batch["id"].as_str().unwrap().to_owned();
    let word = said_of(world, &payout, &nadia.id);
    let (store, correction) = directory(world);
    let bonus = json!({ "amount_minor": 100, "reason": "The walk was long." });
    round.owner.post(&format!("/v1/brand/submissions/{approved}/bonus"), bonus).await.ok();
    let moved = round.owner.get("/v1/brand/transfers").await.ok();
    let journal = journal_of(world, moved["items"][0]["id"].as_str().unwrap());
    let (editor, viewer) = (member(world, &round.owner, "editor").await, member(world, &round.owner, "viewer").await);
    let ids = vec![
        ("/v1/admin/appeals/", appeal),
        ("/v1/admin/brands/", round.brand.clone()),
        ("/v1/admin/campaigns/", round.campaign.clone()),
        ("/v1/admin/decisions/", decision),
        ("/v1/admin/journals/", journal),
        ("/v1/admin/payouts/", payout.clone()),
        ("/v1/admin/payout-batches/", batch),
        ("/v1/admin/payout-words/", word),
        ("/v1/admin/staff/", rita.id.clone()),
        ("/v1/me/payout-methods/", method),
        ("/v1/payouts/", payout.clone()),
        ("/v1/admin/self-billing/", document.clone()),
        ("/v1/me/payouts/", arrived),
        ("/v1/me/self-billing/documents/", document),
        ("/v1/admin/photos/", photo.clone()),
        ("/v1/admin/reviews/", waiting.clone()),
        ("/v1/admin/store-corrections/", correction),
        ("/v1/admin/stores/", store),
        ("/v1/admin/submissions/", waiting),
        ("/v1/admin/workers/", bo.id.clone()),
        ("/v1/brand/campaigns/", round.campaign.clone()),
        ("/v1/brand/members/", viewer.id.clone()),
        ("/v1/brand/photos/", photo),
        ("/v1/brand/submissions/", approved.clone()),
        ("/v1/missions/", round.missions[3].id.clone()),
        ("/v1/reservations/", live),
        ("/v1/submissions/", approved),
    ];
    let people = vec![
        ("worker", ana),
        ("other worker", bo),
        ("viewer", viewer),
        ("editor", editor),
        ("owner", round.owner),
        ("other owner", world.brand("Bravo").await),
        ("reviewer", rita),
        ("finance", finance),
        ("admin", world.staff(StaffRole::Admin).await),
    ];
    Town { people, ids }
}

impl Town<'_> {
    fn own(&self, route: &Route) -> String {
        let known = self.ids.iter().find(|(begin, _)| route.path.starts_with(begin));
        known.unwrap_or_else(|| panic!("the walk has no id for {}", route.path)).1.clone()
    }
}

/// Of the same kind, and of nothing.
fn absent(id: &str) -> String {
    format!("{}0000", &id[..id.len() - 4])
}

/// The least that the operation takes, so that it gets as far as the id.
fn body_of(operation: &str) -> Value {
    let why = "Because the walk says so, at some length.";
    let fix = json!({ "lat": 46.5, "lon": 6.6, "accuracy_m": 10.0, "at": "2026-03-10T09:00:00Z" });
    match operation {
        "check_in" => json!({ "fixes": [fix] }),
        "seal" => json!({ "outcome": "not_found" }),
        "appeal_submission" => json!({ "text": why }),
        "decide_submission" => json!({ "kind": "approved" }),
        "decide_appeal" => json!({ "ruling": "overturn" }),
        "return_payout" | "stop_payout" => json!({ "reason": why }),
        "propose_payout_word" => json!({ "said": "settled", "evidence": why }),
        "fund_brand" | "refund_brand" => {
            json!({ "amount": { "amount_minor": 1, "currency": "CHF" }, "reference": "walk" })
        }
        "set_brand_fee" | "set_campaign_fee" => json!({ "fee_bps": 1500 }),
        "give_bonus" => json!({ "amount_minor": 1, "reason": why }),
        "give_late_bonus" => json!({ "amount": { "amount_minor": 1, "currency": "CHF" }, "reason": why }),
        "reverse_journal" => json!({ "reason": why }),
        "top_up_campaign" => json!({ "slots": 1 }),
        "record_bank_balance" => {
            json!({ "day": "2026-03-09", "balance": { "amount_minor": 0, "currency": "CHF" }, "note": "walk" })
        }
        "add_payout_method" => json!({ "rail": "voucher", "password": "walk" }),
        "choose_payouts" => json!({ "method_id": "pme_00000000000000000000000000", "automatic": false }),
        "request_payout" => json!({ "method_id": "pme_00000000000000000000000000" }),
        "enrol_step_up" => json!({ "password": "walk" }),
        "confirm_step_up" => json!({ "code": "000000" }),
        "prepare_payout_batch" => json!({ "rail": "test", "currency": "EUR" }),
        "import_bank_file" => json!({ "xml": "<walk/>" }),
        "import_gift_codes" => json!({ "csv": "walk" }),
        "add_brand_member" | "add_member" => json!({ "email": "walk@example.org", "name": "Walk", "role": "viewer" }),
        "change_member" => json!({ "role": "viewer" }),
        "set_qualifications" => json!({ "qualifications": ["walk"] }),
        "place_store" => json!({ "lat": 46.5, "lon": 6.6 }),
        "merge_store" => json!({ "into": "sto_00000000000000000000000000" }),
        "decide_store_correction" => json!({ "decision": "reject" }),
        "accept_self_billing" => json!({ "terms_version": "2026-11" }),
        "correct_document" => json!({ "reason": why }),
        "erase_me" => json!({ "password": "walk walk walk" }),
        "erase_worker" => json!({ "reason": why }),
        "suspend_worker" | "reinstate_worker" => json!({ "code": "walk", "text": why }),
        _ => json!({}),
    }
}

async fn walk(person: &Person<'_>, route: &Route, id: &str) -> Reply {
    let mut path = route.path.replace("{id}", id).replace("{code}", "not_found").replace("{year}", "2026");
    let mut headers = vec![
        ("idempotency-key", format!("walk-key-{:08}", person.world.next_number())),
        ("if-match", "\"v1\"".to_owned()),
    ];
    let mut body = None;
    if route.operation == "get_questionnaire_changes" {
        path.push_str(&format!("?since={id}"));
    } else if route.operation.starts_with("get_statement") || route.operation == "get_brand_statement" {
        path.push_str("?from=2026-03-01T00:00:00Z&to=2026-03-09T00:00:00Z");
    } else if route.operation == "upload_evidence" {
        let digest = "0".repeat(64);
        path.push_str(&format!("?client_id=walk&sha256={digest}"));
        headers.push(("content-type", "image/jpeg".to_owned()));
        body = Some(b"walk".to_vec());
    } else if route.method != "GET" && route.method != "DELETE" {
        headers.push(("content-type", "application/json".to_owned()));
        body = Some(body_of(route.operation).to_string().into_bytes());
    }
    person.send_bytes(route.method, &path, &headers, body).await
}

both! {
    async fn everybody_gets_exactly_what_the_policy_says(world) {
        let town = town(world).await;
        let stranger = world.stranger();
        let mut wrong: Vec<String> = Vec::new();
        let mut expect = |who: &str, what: &str, route: &Route, reply: &Reply, fits: bool| {
            if !fits {
                let (method, path) = (route.method, route.path);
                wrong.push(format!("{who}, {what}: {method} {path} answered {} {}", reply.status, reply.text()));
            }
        };
        for route in ROUTES.iter().filter(|route| route.role != "anyone") {
            let named = route.path.contains("{id}");
            let own = if named { town.own(route) } else { String::new() };
            let reply = walk(&stranger, route, &own).await;
            expect("nobody", "own id", route, &reply, reply.status == 401);
            for (who, person) in &town.people {
                if !admitted(route.role).contains(who) {
                    for id in [own.clone(), absent(&format!("{own}____")), "nonsense".to_owned()] {
                        let reply = walk(person, route, &id).await;
                        expect(who, "wrong role", route, &reply, reply.status == 403);
                    }
                    continue;
                }
                if !named {
                    continue;
                }
                for id in [absent(&own), "nonsense".to_owned()] {
                    let reply = walk(person, route, &id).await;
                    expect(who, "absent id", route, &reply, reply.status == 404);
                }
                let foreign = matches!(*who, "other worker" | "other owner");
                if foreign && !FOREIGN_IS_SEEN.iter().any(|(operation, _)| *operation == route.operation) {
                    let reply = walk(person, route, &own).await;
                    expect(who, "foreign id", route, &reply, reply.status == 404);
                }
            }
        }
        // What is one's own is found; what takes things away comes last.
        let mut routes: Vec<&Route> = ROUTES.iter().filter(|route| route.path.contains("{id}")).collect();
        routes.sort_by_key(|route| (route.method == "DELETE", route.method != "GET"));
        for route in routes {
            let who = match route.role {
                "staff" => "reviewer",
                // Another one than the reviewer of the town, who decided what the appeal is about.
                "reviewer" => "admin",
                "brand viewer" => "viewer",
                "brand editor" => "editor",
                "brand owner" => "owner",
                role => role,
            };
            let (_, person) = town.people.iter().find(|(name, _)| *name == who).unwrap();
            let reply = walk(person, route, &town.own(route)).await;
            expect(who, "own id", route, &reply, !matches!(reply.status, 401 | 403 | 404 | 500..));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn what_anyone_may_ask_is_answered_to_nobody(world) {
        // The documentation leads on to its folder of files, which the contract does not describe.
        for route in ROUTES.iter().filter(|route| route.role == "anyone" && route.operation != "get_docs") {
            let reply = walk(&world.stranger(), route, "").await;
            let known = matches!(route.operation, "refresh_token" | "create_token");
            let admitted = known || !matches!(reply.status, 401 | 403 | 404 | 500..);
            assert!(admitted, "{} {} answered {}", route.method, route.path, reply.status);
        }
    }
}
