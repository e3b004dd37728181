//! A visit from the reservation to the seal, with photos that come late, twice, damaged or not at all.

use diesel::prelude::*;
use fieldproof::db::missions;
use fieldproof::db::rows::MissionRow;
use fieldproof::db::schema::{findings, jobs};
use fieldproof::domain::ids::{MissionId, ReservationId};
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::visit::{REVIEWER, correction};
use crate::support::world::{Person, Reply, World, both};

const GTIN: &str = "4006381333931";

/// A published campaign: CHF 12 for a visit of twenty minutes, CHF 4 for an attempt; stores one kilometre apart.
pub struct Shelf<'w> {
    pub olga: Person<'w>,
    pub campaign: String,
    /// The nearest to 47.37, 8.54 first.
    pub missions: Vec<String>,
}

impl<'w> Shelf<'w> {
    pub async fn new(world: &'w World) -> Shelf<'w> {
        Shelf::with(world, 1, |_| {}).await
    }

    pub async fn with(world: &'w World, stores: usize, adjust: impl Fn(&mut Value)) -> Shelf<'w> {
        let olga = world.brand("Acme").await;
        let brand = olga.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
        let asked = json!({"amount": {"amount_minor": 1_000_000, "currency": "CHF"}, "reference": "statement 7"});
        world.staff(StaffRole::Finance).await.post(&format!("/v1/admin/brands/{brand}/funding"), asked).await.ok();
        let mut store_ids = Vec::new();
        for n in 0..stores {
            let lat = 47.37 + n as f64 * 0.009;
            let asked = json!({"name": format!("Store {n}"), "chain": "Migros", "city": "Zürich", "country": "CH",
                "lat": lat, "lon": 8.54, "opening_hours": "Mo-Sa 08:00-20:00", "time_zone": "Europe/Zurich"});
            store_ids.push(olga.post("/v1/brand/stores", asked).await.created()["id"].clone());
        }
        let asked = json!({"gtin": GTIN, "label": "Acme", "name": "Soap"});
        let soap = olga.post("/v1/brand/products", asked).await.created()["id"].clone();
        let mut asked = json!({
            "name": "Soap", "purpose": "How soap stands on shelves.",
            "reward_minor": 1200, "attempt_fee_minor": 400, "on_site_minutes": 20,
            "starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-04-10T00:00:00Z",
            "brief": [{"id": "1", "text": "Go to the shelf."}, {"id": "2", "text": "Count every facing."}],
            "questionnaire": {"id": "soap", "version": 1, "items": [
                {"type": "photo", "name": "front", "required": true, "clause_id": "1"},
                {"type": "loop", "name": "product", "over": "products", "items": [
                    {"type": "count", "name": "facings", "required": true, "min": 0, "max": 99, "clause_id": "2"}
                ]}
            ]},
            "product_ids": [soap], "store_ids": store_ids,
        });
        adjust(&mut asked);
        let made = olga.post("/v1/brand/campaigns", asked).await.created();
        let campaign = made["id"].as_str().unwrap().to_owned();
        olga.post(&format!("/v1/brand/campaigns/{campaign}/publish"), json!({})).await.ok();
        let page = olga.get(&format!("/v1/brand/campaigns/{campaign}/missions?limit=100")).await.ok();
        let by_store = |store: &Value| {
            let rows = page["items"].as_array().unwrap();
            let row = rows.iter().find(|m| m["store_id"] == *store || m["store"]["id"] == *store).unwrap();
            row["id"].as_str().unwrap().to_owned()
        };
        let missions = store_ids.iter().map(by_store).collect();
        Shelf { olga, campaign, missions }
    }

    pub fn mission(&self, world: &World, n: usize) -> MissionRow {
        let id = MissionId::parse(&self.missions[n]).unwrap();
        world.app.core.db.read(|c| missions::any_find(c, &id)).unwrap().unwrap()
    }

    pub async fn reserve(&self, who: &Person<'_>) -> String {
        let path = format!("/v1/missions/{}/reservations", self.missions[0]);
        who.post(&path, json!({})).await.created()["id"].as_str().unwrap().to_owned()
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn fix(lat: f64, accuracy_m: f64) -> Value {
    // Some metres from the pin.
    json!({"lat": lat + 3e-5, "lon": 8.54003, "accuracy_m": accuracy_m, "at": "2026-03-10T09:00:00Z"})
}

async fn send(who: &Person<'_>, reservation: &str, client_id: &str, bytes: &[u8]) -> Reply {
    send_as(who, reservation, &format!("client_id={client_id}&question=%2Ffront&sha256={}", sha256(bytes)), bytes).await
}

async fn send_as(who: &Person<'_>, reservation: &str, query: &str, bytes: &[u8]) -> Reply {
    let kind = [("content-type", "image/jpeg".to_owned())];
    who.send_bytes("POST", &format!("/v1/reservations/{reservation}/evidence?{query}"), &kind, Some(bytes.to_vec()))
        .await
}

fn photo(client_id: &str, bytes: &[u8]) -> Value {
    json!({"client_id": client_id, "question": "/front", "sha256": sha256(bytes), "size_bytes": bytes.len()})
}

fn done(photos: &[Value]) -> Value {
    let ids: Vec<&Value> = photos.iter().map(|p| &p["client_id"]).collect();
    json!({"outcome": "completed", "photos": photos, "fixes": [fix(47.3701, 15.0)], "elapsed_ms": 60_000,
        "answers": {"front": {"photo_ids": ids}, "product": {GTIN: {"facings": {"value": 4}}}}})
}

fn codes(world: &World, reservation: &str) -> Vec<String> {
    let id = ReservationId::parse(reservation).unwrap();
    let read = |c: &mut fieldproof::db::Conn| {
        Ok(findings::table
            .filter(findings::reservation_id.eq(id))
            .filter(findings::evidence_id.is_null())
            .order(findings::code)
            .select(findings::code)
            .load(c)?)
    };
    world.app.core.db.read(read).unwrap()
}

fn queued(world: &World, kind: &str, subject: &str) -> i64 {
    let (kind, subject) = (kind.to_owned(), subject.to_owned());
    let read = |c: &mut fieldproof::db::Conn| {
        Ok(jobs::table.filter(jobs::kind.eq(kind)).filter(jobs::subject.eq(subject)).count().get_result(c)?)
    };
    world.app.core.db.read(read).unwrap()
}

both! {
    async fn a_visit_goes_from_check_in_to_the_checks(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let here = format!("/v1/reservations/{id}");
        let asked = json!({"fixes": [fix(47.38, 20.0), fix(47.3703, 15.0)]});
        let came = ana.post(&format!("{here}/check-in"), asked).await.ok();
        assert_eq!((&came["state"], &came["position"]["verdict"]), (&json!("checked_in"), &json!("pass")));
        assert_eq!(came["position"]["sentence"], "You are at the store.");
        assert_eq!(codes(world, &id), ["POSITION_JUMP"], "a kilometre in no time");

        let front = send(&ana, &id, "front-1", b"a photo of the front").await.created();
        assert_eq!(queued(world, "check_evidence", front["id"].as_str().unwrap()), 1);
        let again = send(&ana, &id, "front-1", b"a photo of the front").await.ok();
        assert_eq!(front, again);
        send(&ana, &id, "front-1", b"another photo").await.refused(Code::PhotoDiffers);

        let sealed = ana.post(&format!("{here}/submission"), done(&[photo("front-1", b"a photo of the front")])).await.created();
        assert_eq!((&sealed["state"], &sealed["revision"], &sealed["late"]), (&json!("checking"), &json!(1), &json!(false)));
        assert_eq!(sealed["sealed_at"], "2026-03-10T09:00:00Z", "never later than it arrived");
        assert_eq!(sealed["expected_pay"], json!({"amount_minor": 1200, "currency": "CHF"}));
        let submission = sealed["id"].as_str().unwrap();
        assert_eq!(queued(world, "assess", submission), 1);
        let used = ana.get(&here).await.ok();
        assert_eq!((&used["state"], &used["submission_id"]), (&json!("used"), &json!(submission)));
        assert_eq!(shelf.mission(world, 0).slots_held, 1, "the slot stays held until it is decided");

        let seen = ana.get(&format!("/v1/submissions/{submission}")).await.ok();
        let steps: Vec<&str> = seen["timeline"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
        assert_eq!(steps, ["submission.sealed", "submission.photos_complete"]);
        assert_eq!(seen["photos"][0]["evidence_id"], front["id"]);
        assert_eq!(seen["answers"]["product"][GTIN]["facings"]["value"], 4);
        assert_eq!(ana.get("/v1/submissions?state=checking").await.ok()["items"].as_array().unwrap().len(), 1);
        let ben = world.worker("ben").await;
        ben.get(&format!("/v1/submissions/{submission}")).await.refused(Code::NotFound);
        ben.get(&here).await.refused(Code::NotFound);
        send(&ben, &id, "front-9", b"not his").await.refused(Code::NotFound);
        ana.post(&format!("{here}/submission"), done(&[])).await.refused(Code::ReservationOver);
        send(&ana, &id, "front-2", b"one more").await.refused(Code::ReservationOver);
    }

    async fn the_same_seal_sent_twice_is_one_submission(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let path = format!("/v1/reservations/{id}/submission");
        let asked = done(&[photo("front-1", b"a photo")]);
        let first = ana.post_with_key(&path, "seal-0001", asked.clone()).await.created();
        let second = ana.post_with_key(&path, "seal-0001", asked).await.created();
        assert_eq!(first, second);
        assert_eq!((&first["state"], &first["photos_missing"]), (&json!("sealed"), &json!(1)));
        ana.post_with_key(&path, "seal-0001", done(&[])).await.refused(Code::IdempotencyKeyReused);
    }

    async fn distance_is_told_and_never_refuses(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let path = format!("/v1/reservations/{id}/check-in");
        let mut far = fix(47.40, 20.0);
        far["mock"] = json!(true);
        let came = ana.post(&path, json!({"fixes": [far]})).await.ok();
        assert_eq!((&came["position"]["verdict"], &came["position"]["mock"]), (&json!("fail"), &json!(true)));
        assert!(came["position"]["distance_min_m"].as_i64().unwrap() > 3000);
        assert_eq!(codes(world, &id), ["MOCK_LOCATION", "POSITION_FAIL"]);
        // Where she is now counts; that a simulated position was sent is not forgotten.
        let near = ana.post(&path, json!({"fixes": [fix(47.3705, 20.0)]})).await.ok();
        assert_eq!((&near["position"]["verdict"], &near["checked_in_at"]), (&json!("pass"), &came["checked_in_at"]));
        assert_eq!(codes(world, &id), ["MOCK_LOCATION", "POSITION_JUMP"]);
        ana.post(&path, json!({"fixes": []})).await.refused(Code::InvalidRequest);
        ana.post(&path, json!({"fixes": [fix(91.0, 1.0)]})).await.refused(Code::InvalidRequest);
        ana.post(&path, json!({"fixes": vec![fix(47.0, 1.0); 21]})).await.refused(Code::InvalidRequest);
    }

    async fn a_visit_is_extended_once_after_check_in_and_not_past_closing(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let path = format!("/v1/reservations/{id}/extend");
        ana.post(&path, json!({})).await.refused(Code::CheckInFirst);
        ana.post(&format!("/v1/reservations/{id}/check-in"), json!({"fixes": [fix(47.37, 9.0)]})).await.ok();
        assert_eq!(ana.post(&path, json!({})).await.ok()["deadline_at"], "2026-03-10T15:00:00Z");
        ana.post(&path, json!({})).await.refused(Code::AlreadyExtended);
        ana.post(&format!("/v1/reservations/{id}/release"), json!({})).await.ok();
        ana.post(&path, json!({})).await.refused(Code::ReservationOver);
        world.advance_hours(8);
        let id = shelf.reserve(&ana).await;
        ana.post(&format!("/v1/reservations/{id}/check-in"), json!({"fixes": [fix(47.37, 9.0)]})).await.ok();
        ana.post(&format!("/v1/reservations/{id}/extend"), json!({})).await.refused(Code::WrongState);
    }

    async fn photos_may_follow_the_seal_and_the_last_one_starts_the_checks(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let two = [photo("front-1", b"first"), photo("front-2", b"second")];
        let sealed = ana.post(&format!("/v1/reservations/{id}/submission"), done(&two)).await.created();
        let submission = sealed["id"].as_str().unwrap();
        assert_eq!((&sealed["state"], &sealed["photos_due_at"]), (&json!("sealed"), &json!("2026-03-12T09:00:00Z")));
        send(&ana, &id, "front-9", b"never announced").await.refused(Code::ReservationOver);
        send(&ana, &id, "front-2", b"not what was announced").await.refused(Code::PhotoDiffers);
        let first = send(&ana, &id, "front-1", b"first").await.created();
        assert_eq!((&first["submission_id"], &first["photos_missing"]), (&json!(submission), &json!(1)));
        assert_eq!(queued(world, "assess", submission), 0);
        world.advance_hours(47);
        send(&ana, &id, "front-2", b"second").await.created();
        assert_eq!(ana.get(&format!("/v1/submissions/{submission}")).await.ok()["state"], "checking");
        assert_eq!(queued(world, "assess", submission), 1);
    }

    async fn a_photo_is_kept_only_if_it_is_what_was_announced(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let sum = sha256(b"what was meant");
        send_as(&ana, &id, &format!("client_id=p1&sha256={sum}"), b"what arrived").await.refused(Code::DigestMismatch);
        send_as(&ana, &id, &format!("client_id=p1&sha256={}", sum.to_uppercase()), b"x").await.refused(Code::InvalidRequest);
        send_as(&ana, &id, &format!("client_id=p%2F1&sha256={sum}"), b"x").await.refused(Code::InvalidRequest);
        send_as(&ana, &id, &format!("client_id=p1&sha256={sum}&lat=47.3"), b"x").await.refused(Code::InvalidRequest);
        let path = format!("/v1/reservations/{id}/evidence?client_id=p1&sha256={sum}");
        let kind = [("content-type", "application/pdf".to_owned())];
        ana.send_bytes("POST", &path, &kind, Some(b"x".to_vec())).await.refused(Code::UnsupportedMediaType);
        assert_eq!(ana.get(&format!("/v1/reservations/{id}")).await.ok()["photos"], json!([]));
        let query = format!("client_id=p1&sha256={sum}&captured_at=2026-03-10T09:00:00Z&lat=47.37&lon=8.54&accuracy_m=12.5");
        send_as(&ana, &id, &query, b"what was meant").await.created();
        let kept = ana.get(&format!("/v1/reservations/{id}")).await.ok();
        assert_eq!((&kept["photos"][0]["client_id"], &kept["photos"][0]["size_bytes"]), (&json!("p1"), &json!(14)));
    }

    async fn answers_that_do_not_fit_are_refused_with_the_whole_list_and_nothing_is_lost(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let path = format!("/v1/reservations/{id}/submission");
        let wrong = json!({"outcome": "completed", "answers": {"product": {GTIN: {"facings": {"value": 100}}}}});
        let refused = ana.post(&path, wrong).await.refused(Code::AnswersInvalid);
        let pointers: Vec<&str> = refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert!(pointers.iter().any(|p| p.starts_with("/answers/front")), "{refused}");
        assert!(pointers.iter().any(|p| p.starts_with(&format!("/answers/product/{GTIN}/facings"))), "{refused}");
        ana.post(&path, done(&[photo("front-1", b"x"), photo("front-1", b"y")])).await.refused(Code::InvalidRequest);
        ana.post(&path, done(&[photo("front-1", b"x")])).await.created();
    }

    async fn a_visit_that_could_not_be_done_pays_the_attempt(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let asked = json!({"outcome": "closed_temporarily"});
        let sealed = ana.post(&format!("/v1/reservations/{id}/submission"), asked).await.created();
        assert_eq!((&sealed["expected_pay"]["amount_minor"], &sealed["state"]), (&json!(400), &json!("checking")));
        assert_eq!(codes(world, &id), ["NOT_COMPLETED_UNPROVEN", "POSITION_MISSING", "SHUT_STORE_REPORT"]);
        let words = ana.send_bytes("GET", &format!("/v1/submissions/{}", sealed["id"].as_str().unwrap()),
            &[("accept-language", "de, fr-CH;q=0.9, en;q=0.8".to_owned())], None).await.ok();
        let sentences: Vec<&str> = words["findings"].as_array().unwrap().iter().map(|f| f["sentence"].as_str().unwrap()).collect();
        assert!(sentences.iter().any(|s| s.contains("façade")), "{sentences:?}");
    }

    async fn a_seal_made_offline_in_time_is_on_time(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        ana.post(&format!("/v1/reservations/{id}/check-in"), json!({"fixes": [fix(47.37, 9.0)]})).await.ok();
        world.advance_hours(14);
        let mut asked = done(&[photo("front-1", b"x")]);
        asked["anchor"] = json!("check_in");
        asked["elapsed_ms"] = json!(3 * 3_600_000);
        let sealed = ana.post(&format!("/v1/reservations/{id}/submission"), asked).await.created();
        assert_eq!((&sealed["late"], &sealed["sealed_at"]), (&json!(false), &json!("2026-03-10T12:00:00Z")));
        assert!(codes(world, &id).is_empty());
    }

    async fn a_late_seal_goes_on_while_the_slot_is_his_and_takes_it_again_while_it_is_free(world) {
        let shelf = Shelf::new(world).await;
        let (ana, ben) = (world.worker("ana").await, world.worker("ben").await);
        let id = shelf.reserve(&ana).await;
        ana.post(&format!("/v1/reservations/{id}/check-in"), json!({"fixes": [fix(47.37, 9.0)]})).await.ok();
        // The deadline of four hours, and the grace of twelve.
        world.advance_hours(17);
        let mut asked = done(&[photo("front-1", b"x")]);
        asked["elapsed_ms"] = Value::Null;
        world.work().await;
        assert_eq!(shelf.mission(world, 0).slots_held, 0);
        let sealed = ana.post(&format!("/v1/reservations/{id}/submission"), asked.clone()).await.created();
        assert_eq!(sealed["late"], true);
        assert_eq!(codes(world, &id), ["LATE_SEAL", "SEAL_CLOCK_UNPROVEN"]);
        assert_eq!(shelf.mission(world, 0).slots_held, 1);

        let shelf = Shelf::new(world).await;
        let id = shelf.reserve(&ana).await;
        world.advance_hours(24);
        world.work().await;
        shelf.reserve(&ben).await;
        ana.post(&format!("/v1/reservations/{id}/submission"), asked.clone()).await.refused(Code::SealTooLate);
        asked["anchor"] = json!("check_in");
        ana.post(&format!("/v1/reservations/{id}/submission"), asked).await.refused(Code::CheckInFirst);
    }

    async fn the_precheck_names_what_is_missing_and_seals_nothing(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let path = format!("/v1/reservations/{id}/precheck");
        let bare = ana.ask(&path, json!({})).await.ok();
        assert_eq!((&bare["photos"], &bare["position"], &bare["ready"]), (&json!([]), &Value::Null, &json!(false)));
        let asked = json!({"answers": {"product": {GTIN: {"facings": {"value": 100}}}}});
        let told = ana.ask(&path, asked).await.ok();
        assert_eq!(told["answers_checked"], true);
        assert!(!told["problems"].as_array().unwrap().is_empty());
        send(&ana, &id, "front-1", b"a photo").await.created();
        ana.post(&format!("/v1/reservations/{id}/check-in"), json!({"fixes": [fix(47.37, 9.0)]})).await.ok();
        let mut asked = done(&[photo("front-1", b"a photo"), photo("front-2", b"on its way")]);
        asked.as_object_mut().unwrap().retain(|name, _| ["answers", "photos"].contains(&name.as_str()));
        let told = ana.ask(&path, asked).await.ok();
        assert_eq!((&told["problems"], &told["missing_photos"]), (&json!([]), &json!([])), "{told}");
        assert_eq!((&told["photos"][0]["state"], &told["photos"][1]["state"]), (&json!("pending"), &json!("missing")));
        assert_eq!(told["position"]["verdict"], "pass");
        assert_eq!(ana.get(&format!("/v1/reservations/{id}")).await.ok()["state"], "checked_in");
    }

    async fn a_correction_is_sealed_as_the_next_revision(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let asked = done(&[photo("front-1", b"first")]);
        let sealed = ana.post(&format!("/v1/reservations/{id}/submission"), asked).await.created();
        let submission = sealed["id"].as_str().unwrap();
        let path = format!("/v1/submissions/{submission}/revisions");
        ana.post(&path, json!({})).await.refused(Code::WrongState);
        send(&ana, &id, "front-1", b"first").await.created();
        let rita = world.staff(REVIEWER).await;
        let ask_again = async || {
            world.work().await;
            rita.rules(submission, correction("clarify")).await;
        };
        ask_again().await;
        send(&ana, &id, "front-2", b"taken again").await.created();
        let answers = json!({"front": {"photo_ids": ["front-2"]}, "product": {GTIN: {"facings": {"value": 5}}}});
        let asked = json!({"answers": answers, "photos": [photo("front-2", b"taken again")]});
        let revised = ana.post(&path, asked).await.created();
        assert_eq!((&revised["revision"], &revised["state"], &revised["correction"]), (&json!(2), &json!("checking"), &Value::Null));
        let seen = ana.get(&format!("/v1/submissions/{submission}")).await.ok();
        assert_eq!(seen["answers"]["product"][GTIN]["facings"]["value"], 5);
        assert_eq!(seen["photos"].as_array().unwrap().len(), 2);

        ask_again().await;
        world.advance_hours(73);
        ana.post(&path, json!({})).await.refused(Code::WrongState);
        world.work().await;
        assert_eq!(ana.get(&format!("/v1/submissions/{submission}")).await.ok()["state"], "in_review");
    }

    async fn many_photos_at_once_each_count_once(world) {
        let shelf = Shelf::new(world).await;
        let ana = world.worker("ana").await;
        let id = shelf.reserve(&ana).await;
        let bytes: Vec<Vec<u8>> = (0..12).map(|n| format!("photo {n}").into_bytes()).collect();
        let ids: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
        let sending = bytes.iter().zip(&ids).flat_map(|(b, c)| [send(&ana, &id, c, b), send(&ana, &id, c, b)]);
        let replies = futures_util::future::join_all(sending).await;
        assert!(replies.iter().all(|r| matches!(r.status, 200 | 201)), "{:?}", replies.iter().map(|r| r.text()).collect::<Vec<_>>());
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 12);
        assert_eq!(ana.get(&format!("/v1/reservations/{id}")).await.ok()["photos"].as_array().unwrap().len(), 12);
    }
}
