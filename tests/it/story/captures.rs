//! What the app's camera writes down: it is asked for nothing, and it says more than the date in a file.

use serde_json::{Value, json};

use crate::support::visit::{Mission, Plan, Shot, Visit, picture, stamped};
use crate::support::world::{Person, both};

fn codes(seen: &Value) -> Vec<(&str, &str)> {
    let findings = seen["findings"].as_array().unwrap();
    findings.iter().map(|f| (f["code"].as_str().unwrap(), f["level"].as_str().unwrap())).collect()
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
