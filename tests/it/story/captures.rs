//! What the app's camera writes down: it is asked for nothing, and it says more than the date in a file.

use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Mission, Plan, Shot, Visit, picture, stamped};
use crate::support::world::{Person, both};

fn codes(seen: &Value) -> Vec<(&str, &str)> {
    let findings = seen["findings"].as_array().unwrap();
    findings.iter().map(|f| (f["code"].as_str().unwrap(), f["level"].as_str().unwrap())).collect()
}

/// A flat picture, photographed again from a step to the side: its far edge is shorter.
fn seen_from_the_side(jpeg: &[u8]) -> Vec<u8> {
    let flat = image::load_from_memory(jpeg).unwrap().to_luma8();
    let (width, height) = flat.dimensions();
    let middle = f64::from(height) / 2.0;
    let turned = image::GrayImage::from_fn(width, height, |x, y| {
        let stretched = 1.0 + 0.10 * f64::from(x) / f64::from(width);
        let from = middle + (f64::from(y) - middle) * stretched;
        if from < 0.0 || from >= f64::from(height) { image::Luma([128]) } else { *flat.get_pixel(x, from as u32) }
    });
    let mut out = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut out, 88);
    encoder.encode(&turned, width as u16, height as u16, jpeg_encoder::ColorType::Luma).unwrap();
    out
}

/// A visit whose photos are sent with these envelopes; `file_years_ago` dates the files.
async fn visit(worker: &Person<'_>, mission: &Mission, envelopes: &[String], file_years_ago: i64) -> Value {
    let mut visit = Visit::begin(worker, mission).await;
    let taken = worker.world.now().plus_days(-365 * file_years_ago);
    for (n, envelope) in envelopes.iter().enumerate() {
        let bytes = stamped(&picture(worker.world.next_number() + 1), taken, mission.point);
        let shot = Shot::new(&format!("p{}", n + 1), "/shelf", bytes);
        let path = format!(
            "/v1/reservations/{}/evidence?client_id={}&question=%2Fshelf&sha256={}{envelope}",
            visit.reservation, shot.client_id, shot.sha256
        );
        let path = path.replace("{nonce}", visit.reserved["nonce"].as_str().unwrap());
        let headers = [("content-type", "image/jpeg".to_owned())];
        worker.send_bytes("POST", &path, &headers, Some(shot.bytes.clone())).await.created();
        visit.add(shot);
    }
    visit.answer("facings", json!({ "value": 7 }));
    let id = visit.seal(&visit.sealed_as("completed")).await;
    worker.submission(&id).await
}

both! {
    async fn a_photo_that_may_show_a_screen_is_asked_for_from_the_side(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        let plain = picture(world.next_number() + 1);
        let shot = Shot::new("p1", "/shelf", plain.clone());
        let path = format!(
            "/v1/reservations/{}/evidence?client_id=p1&question=%2Fshelf&sha256={}&file_name=Screenshot_1.jpg",
            visit.reservation, shot.sha256
        );
        let headers = [("content-type", "image/jpeg".to_owned())];
        ana.send_bytes("POST", &path, &headers, Some(shot.bytes.clone())).await.created();
        world.work().await;
        let precheck = format!("/v1/reservations/{}/precheck", visit.reservation);
        let seen = ana.post(&precheck, json!({ "wait_secs": 1 })).await.ok();
        let asked = &seen["second_angles"][0];
        assert_eq!((&asked["client_id"], &asked["because"]), (&json!("p1"), &json!("doubt")), "{seen}");
        let side = stamped(&seen_from_the_side(&plain), world.now(), round.missions[0].point);
        let side = Shot::new("p2", "", side);
        let path = format!(
            "/v1/reservations/{}/evidence?client_id=p2&angle_of=p1&sha256={}", visit.reservation, side.sha256
        );
        ana.send_bytes("POST", &format!("{path}&question=%2Fshelf"), &headers, Some(side.bytes.clone())).await
            .refused(Code::InvalidRequest);
        ana.send_bytes("POST", &path, &headers, Some(side.bytes.clone())).await.created();
        world.work().await;
        assert_eq!(ana.post(&precheck, json!({})).await.ok()["second_angles"], json!([]));
        ana.post(&precheck, json!({ "wait_secs": 11 })).await.refused(Code::InvalidRequest);
        visit.add(shot);
        visit.add(side);
        visit.answer("facings", json!({ "value": 7 }));
        let id = visit.seal(&visit.sealed_as("completed")).await;
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "in_review");
        assert!(codes(&seen).contains(&("FLAT_SECOND_ANGLE", "doubt")), "a step to the side moves no depth: {seen}");
    }

    async fn a_camera_with_a_wrong_date_is_a_doubt_and_not_the_gravest_when_the_app_took_the_photo(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let ana = world.worker("ana").await;
        let sound = "&source=camera&nonce={nonce}&elapsed_ms=1200000&sequence=1".to_owned();
        let seen = visit(&ana, &round.missions[0], &[sound], 3).await;
        assert_eq!(seen["state"], "in_review");
        assert!(codes(&seen).contains(&("TIME_BEFORE_VISIT", "doubt")), "{seen}");
        let seen = visit(&ana, &round.missions[1], &[String::new()], 3).await;
        assert!(codes(&seen).contains(&("TIME_BEFORE_VISIT", "fail")), "{seen}");
    }

    async fn photos_in_the_order_in_which_they_were_taken_are_clear_and_others_are_doubted(world) {
        let plan = Plan {
            questionnaire: json!({ "id": "two", "version": 1, "items": [
                {"type": "photo", "name": "shelf", "required": true, "min": 1, "max": 3, "subject": "shelf"},
                {"type": "count", "name": "facings", "required": true}
            ]}),
            ..Plan::short().stores(3)
        };
        let round = world.round("Acme", plan).await;
        let ana = world.worker("ana").await;
        let numbered = |n: i64, secs: i64| {
            format!("&source=camera&nonce={{nonce}}&elapsed_ms={}&sequence={n}", secs * 1000)
        };
        let seen = visit(&ana, &round.missions[0], &[numbered(1, 600), numbered(2, 700)], 0).await;
        assert_eq!(seen["state"], "approved", "{seen}");
        let seen = visit(&ana, &round.missions[1], &[numbered(1, 600), numbered(2, 500)], 0).await;
        assert_eq!((&seen["state"], codes(&seen).contains(&("CAPTURE_CONFLICT", "doubt"))), (&json!("in_review"), true));
        let other = "&source=camera&nonce=another-visit&elapsed_ms=600000".to_owned();
        let seen = visit(&ana, &round.missions[2], &[other], 0).await;
        assert_eq!((&seen["state"], codes(&seen).contains(&("CAPTURE_CONFLICT", "doubt"))), (&json!("in_review"), true));
    }
}
