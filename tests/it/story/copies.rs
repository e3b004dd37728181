//! Photos that were made from somebody else's: what no hash sees is found by local features, a person decides with both
//! pictures side by side, and honest photos of other shelves pass.

use fieldproof::checks::{self, Budget, verdict};
use image::{GrayImage, imageops};
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Shot, Visit, stamped};
use crate::support::world::{Person, both};

fn shelf(name: &str) -> GrayImage {
    image::open(format!("{}/src/demo/data/photos/{name}.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap().to_luma8()
}

fn jpeg(picture: &GrayImage) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    jpeg_encoder::Encoder::new(&mut jpeg, 85)
        .encode(picture.as_raw(), width, height, jpeg_encoder::ColorType::Luma)
        .unwrap();
    jpeg
}

/// A picture of the demonstration, cut at the right and at the bottom by this share.
fn picture(name: &str, cut: f64) -> Vec<u8> {
    let whole = shelf(name);
    let kept = |side: u32| (f64::from(side) * (1.0 - cut)).round() as u32;
    let (width, height) = (kept(whole.width()), kept(whole.height()));
    jpeg(&imageops::crop_imm(&whole, 0, 0, width, height).to_image())
}

/// A shelf that has the lights and shadows of another, as a second photo from the same place would: their hashes are near.
fn lookalike(of: &str, with: &str) -> Vec<u8> {
    let shadows = |picture: &GrayImage| {
        let small = imageops::resize(picture, 22, 22, imageops::FilterType::Triangle);
        imageops::resize(&small, picture.width(), picture.height(), imageops::FilterType::CatmullRom)
    };
    let (light, goods) = (shadows(&shelf(of)), shelf(with));
    let own = shadows(&goods);
    let mut seen = goods.clone();
    for (x, y, luma) in seen.enumerate_pixels_mut() {
        let sum = i32::from(light.get_pixel(x, y)[0]) + i32::from(luma[0]) - i32::from(own.get_pixel(x, y)[0]);
        luma[0] = sum.clamp(0, 255) as u8;
    }
    jpeg(&seen)
}

/// Bits of their hashes that differ.
fn bits_apart(a: &[u8], b: &[u8]) -> u32 {
    let [a, b] = [a, b].map(|jpeg| verdict(jpeg, &checks::Shot::default(), &Budget::default()).pdq.unwrap());
    a.distance(&b)
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

both! {
    async fn a_photo_that_only_looks_alike_is_no_doubt_and_a_copy_as_near_is_one(world) {
        let original = picture("jams", 0.0);
        let (honest, trimmed) = (lookalike("jams", "tomatoes"), picture("jams", 0.015));
        for near in [&honest, &trimmed] {
            let bits = bits_apart(&original, near);
            assert!((32..=46).contains(&bits), "{bits} bits: as near as only a look at the pictures can tell");
        }
        let round = world.round("Acme", Plan::short().slots(3)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let (eve, rita) = (world.worker("eve").await, world.staff(REVIEWER).await);
        let first = visit(&round, &ana, &original).await;
        assert_eq!(first["state"], "approved", "{first}");
        world.advance_hours(3);
        let second = visit(&round, &eve, &honest).await;
        assert_eq!(second["state"], "approved", "{second}");
        assert_eq!(second["photos"][0]["findings"], first["photos"][0]["findings"]);
        world.advance_hours(3);
        let copy = visit(&round, &bo, &trimmed).await;
        assert_eq!(copy["state"], "in_review", "{copy}");
        let seen = rita.get(&format!("/v1/admin/reviews/{}", copy["id"].as_str().unwrap())).await.ok();
        let [pair] = seen["photos"][0]["pairs"].as_array().unwrap().as_slice() else { panic!("{seen}") };
        assert_eq!((&pair["other_id"], &pair["code"]), (&first["photos"][0]["evidence_id"], &json!("DUP_CROPPED")));
        assert!(pair["agreement"].as_f64().unwrap() > 0.85, "{pair}");
    }
}
