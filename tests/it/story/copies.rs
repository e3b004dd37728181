//! Photos that were made from somebody else's: what no hash sees is found by local features, a person decides with both
//! pictures side by side, and honest photos of other shelves pass.

use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Shot, Visit, stamped};
use crate::support::world::{Person, both};

/// A picture of the demonstration, cut at the right and at the bottom by this share.
fn picture(name: &str, cut: f64) -> Vec<u8> {
    let path = format!("{}/src/demo/data/photos/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
    let whole = image::open(path).unwrap().to_luma8();
    let kept = |side: u32| (f64::from(side) * (1.0 - cut)).round() as u32;
    let (width, height) = (kept(whole.width()), kept(whole.height()));
    let view = image::imageops::crop_imm(&whole, 0, 0, width, height).to_image();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 85)
        .encode(view.as_raw(), width as u16, height as u16, jpeg_encoder::ColorType::Luma)
        .unwrap();
    jpeg
}

/// A visit with this picture, sealed and checked; the submission as the worker sees it.
async fn visit(round: &Round<'_>, worker: &Person<'_>, jpeg: &[u8]) -> Value {
    let mut visit = Visit::begin(worker, &round.missions[0]).await;
    let shot = Shot::new("p1", "/shelf", stamped(jpeg, visit.world().now(), visit.point));
    visit.add(shot);
    visit.answer("facings", json!({ "value": 7 }));
    let id = visit.finish("completed").await;
    worker.submission(&id).await
}

both! {
    async fn a_crop_of_another_workers_photo_is_shown_beside_it(world) {
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let (eve, rita) = (world.worker("eve").await, world.staff(REVIEWER).await);
        let original = visit(&round, &ana, &picture("jams", 0.0)).await;
        assert_eq!(original["state"], "approved", "{original}");
        world.advance_hours(3);
        let other = visit(&round, &eve, &picture("tomatoes", 0.0)).await;
        assert_eq!(other["state"], "approved", "{other}");
        world.advance_hours(3);
        let copy = visit(&round, &bo, &picture("jams", 0.12)).await;
        assert_eq!(copy["state"], "in_review", "{copy}");

        let seen = rita.get(&format!("/v1/admin/reviews/{}", copy["id"].as_str().unwrap())).await.ok();
        let photo = &seen["photos"][0];
        let cropped = photo["findings"].as_array().unwrap().iter().find(|f| f["code"] == "DUP_CROPPED");
        assert_eq!(cropped.map(|f| &f["level"]), Some(&json!("fail")), "{photo}");
        let [pair] = photo["pairs"].as_array().unwrap().as_slice() else { panic!("{photo}") };
        assert_eq!(pair["other_id"], original["photos"][0]["evidence_id"]);
        assert_eq!((&pair["code"], &pair["mirrored"]), (&json!("DUP_CROPPED"), &json!(false)));
        assert!(pair["agreement"].as_f64().unwrap() > 0.9, "{pair}");
        let h: Vec<f64> = pair["homography"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        // Cut at the right and at the bottom: the upper left corners are one, the upper right one lies where it was cut.
        let right = (h[0] + h[2]) / (h[6] + h[8]);
        assert!(h[2].abs() < 0.006 && h[5].abs() < 0.006 && (right - 0.88).abs() < 0.01, "{h:?}");
        let shown = rita.get(&format!("/v1/admin/photos/{}?size=large", pair["other_id"].as_str().unwrap())).await;
        assert_eq!(shown.status, 200, "a person can look at both");
    }
}
