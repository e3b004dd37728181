//! What a brand sees where faces are hidden: nothing before a photo was searched, then the hidden one only. Reviewers go on
//! seeing what was sent. The finder is a fake; the real one has tests of its own.

use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use fieldproof::checks::faces::{Area, Finder, Picture};
use fieldproof::db::schema::{evidence, jobs};
use fieldproof::domain::event::Actor;
use fieldproof::domain::ids::EvidenceId;
use fieldproof::domain::refusal::Code;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER};
use crate::support::world::{Engine, Person, World, both, play_hiding};

/// One face here, or what goes wrong.
#[derive(Clone, Copy)]
enum Mood {
    Sees,
    Refuses,
    Panics,
}

struct Fake(Mutex<Mood>);

const FACE: Area = Area { left: 320.0, top: 160.0, width: 100.0, height: 100.0 };

impl Finder for Fake {
    fn find(&self, _: &Picture) -> Result<Vec<Area>, String> {
        let mood = *self.0.lock().unwrap();
        match mood {
            Mood::Sees => Ok(vec![FACE]),
            Mood::Refuses => Err("no memory".to_owned()),
            Mood::Panics => panic!("a finder that panics"),
        }
    }
}

fn luma(jpeg: &[u8]) -> image::GrayImage {
    image::load_from_memory(jpeg).unwrap().into_luma8()
}

/// How far the darkest and the brightest pixel of one block of the mosaic over the face are apart.
fn range(jpeg: &[u8]) -> u8 {
    let picture = luma(jpeg);
    let block = (352..376).flat_map(|x| (192..216).map(move |y| (x, y)));
    let tones: Vec<u8> = block.map(|(x, y)| picture.get_pixel(x, y).0[0]).collect();
    tones.iter().max().unwrap() - tones.iter().min().unwrap()
}

async fn bytes(person: &Person<'_>, path: &str) -> Vec<u8> {
    let reply = person.get(path).await;
    assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "image/jpeg"), "{}", reply.text());
    reply.bytes
}

fn told_in_story(engine: Engine) {
    let fake = Arc::new(Fake(Mutex::new(Mood::Refuses)));
    let mood = |now| *fake.0.lock().unwrap() = now;
    play_hiding(engine, fake.clone(), async |world| {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.clean(&ana, &round.missions[0]).await;
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "approved", "a search for faces holds up nobody's pay");
        let photo = seen["photos"][0]["evidence_id"].as_str().unwrap();
        let (of_brand, of_desk) = (format!("/v1/brand/photos/{photo}"), format!("/v1/admin/photos/{photo}"));
        let list = format!("/v1/brand/submissions/{id}/photos");

        // The finder fails, then panics: the brand sees nothing, a reviewer sees all.
        for bad in [Mood::Refuses, Mood::Panics] {
            mood(bad);
            world.advance_secs(3600);
            world.work().await;
            assert_eq!(round.owner.get(&list).await.ok()["items"][0]["ready"], false);
            for size in ["large", "small"] {
                let refused = round.owner.get(&format!("{of_brand}?size={size}")).await;
                refused.refused(Code::PhotoNotReady);
                assert_eq!(refused.headers["retry-after"], "3");
            }
        }
        let plain = bytes(&rita, &format!("{of_desk}?size=large")).await;
        let original = bytes(&rita, &format!("{of_desk}?size=original")).await;
        assert!(range(&plain) > 30, "print with sharp edges");

        mood(Mood::Sees);
        world.advance_secs(3600);
        world.work().await;
        assert_eq!(round.owner.get(&list).await.ok()["items"][0]["ready"], true);
        let shown = bytes(&round.owner, &of_brand).await;
        assert!(range(&shown) < 12, "{}", range(&shown));
        let (shown_all, plain_all) = (luma(&shown), luma(&plain));
        assert_eq!(shown_all.dimensions(), plain_all.dimensions());
        let beside = |x, y| shown_all.get_pixel(x, y).0[0].abs_diff(plain_all.get_pixel(x, y).0[0]);
        assert!((700..800).all(|x| beside(x, 200) < 40), "elsewhere it is the same picture");
        let small = bytes(&round.owner, &format!("{of_brand}?size=small")).await;
        assert_eq!(luma(&small).width(), 320);
        assert_ne!(small, bytes(&rita, &format!("{of_desk}?size=small")).await);
        // Reviewers go on seeing what they saw.
        assert_eq!(bytes(&rita, &format!("{of_desk}?size=large")).await, plain);
        assert_eq!(bytes(&rita, &format!("{of_desk}?size=original")).await, original);
        assert!(says_hidden(&ana.submission(&id).await));

        // Long after, something that nobody searched yet is searched when the brand lists it.
        mood(Mood::Refuses);
        let late = round.clean(&ana, &round.missions[1]).await;
        forget_jobs(world);
        mood(Mood::Sees);
        world.advance_hours(100);
        world.work().await;
        let list = format!("/v1/brand/submissions/{late}/photos");
        let photo = round.owner.get(&list).await.ok()["items"][0].clone();
        assert_eq!(photo["ready"], false, "the idle search takes new deliveries only");
        world.work().await;
        assert_eq!(round.owner.get(&list).await.ok()["items"][0]["ready"], true);
        let shown = bytes(&round.owner, &format!("/v1/brand/photos/{}", photo["id"].as_str().unwrap())).await;
        assert!(range(&shown) < 12);
    });
}

/// The worker is told that a face was hidden, and how many were.
fn says_hidden(shown: &Value) -> bool {
    let mut findings = shown["findings"].as_array().unwrap().iter();
    findings.any(|finding| finding["code"] == "FACES_HIDDEN" && finding["sentence"].as_str().unwrap().contains('1'))
}

fn forget_jobs(world: &World) {
    let forgotten = world.app.core.db.write(&Actor::Operator, "test", |tx| {
        tx.nothing_changed();
        Ok(diesel::delete(jobs::table.filter(jobs::kind.eq("hide_faces"))).execute(&mut **tx)?)
    });
    assert_eq!(forgotten.unwrap(), 2, "the one that was done and the one that failed");
}

#[test]
fn a_brand_only_sees_photos_whose_faces_were_hidden_on_sqlite() {
    told_in_story(Engine::Sqlite);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn a_brand_only_sees_photos_whose_faces_were_hidden_on_postgres() {
    told_in_story(Engine::Postgres);
}

both! {
    async fn a_process_without_a_model_still_shows_what_was_hidden_only_hidden(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let id = round.clean(&ana, &round.missions[0]).await;
        let photo = ana.submission(&id).await["photos"][0].clone();
        let path = format!("/v1/brand/photos/{}", photo["evidence_id"].as_str().unwrap());
        assert!(range(&bytes(&round.owner, &path).await) > 30, "nothing is hidden here");
        let key = EvidenceId::parse(photo["evidence_id"].as_str().unwrap()).unwrap();
        for edge in [1600, 320] {
            let key = format!("renditions/{}/brand-{edge}.jpg", photo["sha256"].as_str().unwrap());
            world.app.blobs.put(&key, format!("hidden {edge}").into_bytes()).await.unwrap();
        }
        let written = world.app.core.db.write(&Actor::Operator, "test", |tx| {
            tx.nothing_changed();
            Ok(diesel::update(evidence::table.find(&key)).set(evidence::faces_hidden.eq(Some(2_i64))).execute(&mut **tx)?)
        });
        assert_eq!(written.unwrap(), 1);
        assert_eq!(bytes(&round.owner, &path).await, b"hidden 1600");
        assert_eq!(bytes(&round.owner, &format!("{path}?size=small")).await, b"hidden 320");
        assert_eq!(round.owner.get(&format!("/v1/brand/submissions/{id}/photos")).await.ok()["items"][0]["ready"], json!(true));
    }
}
