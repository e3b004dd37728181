//! A reviewer asks for more: the next revision, and what happens when it never comes.

use fieldproof::domain::refusal::Code;
use serde_json::json;

use crate::support::visit::{Plan, REVIEWER, Shot, Visit, approved, correction};
use crate::support::world::both;

both! {
    async fn a_corrected_visit_is_approved(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let due = ana.submission(&id).await["review_due_at"].clone();
        rita.decide(&id, correction("clarify")).await.refused(Code::NotClaimed);
        rita.rules(&id, correction("clarify")).await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["correction"]), (&json!("needs_correction"), &json!("clarify")));
        assert!(world.letter_to(&ana.email).contains("Please photograph the shelf once more."));

        world.advance_hours(24);
        let again = world.photo("second", "/shelf", round.missions[0].point);
        let reservation = seen["reservation_id"].as_str().unwrap().to_owned();
        ana.upload(&reservation, &again).await.created();
        let first = seen["photos"][0]["client_id"].as_str().unwrap();
        let asked = json!({
            "answers": { "shelf": { "photo_ids": [first, "second"] }, "facings": { "value": 9 } },
            "photos": [again.announced()], "fixes": [world.fix(round.missions[0].point)],
        });
        let path = format!("/v1/submissions/{id}/revisions");
        let revised = ana.post(&path, asked.clone()).await.created();
        assert_eq!(revised["revision"], 2);
        ana.post(&path, asked).await.refused(Code::WrongState);
        world.work().await;
        let seen = ana.submission(&id).await;
        if seen["state"] == "in_review" {
            assert_eq!(seen["review_due_at"], due, "the clock of silence is never moved");
            rita.rules(&id, approved()).await;
        }
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["pay"]["amount_minor"]), (&json!("approved"), &json!(1200)));
        let delivered = round.owner.get(&format!("/v1/brand/submissions/{id}")).await.ok();
        let facings = delivered["answers"].as_array().unwrap().iter().find(|a| a["path"] == "/facings").unwrap();
        assert_eq!(facings["value"]["value"], 9, "the brand gets the corrected answer");
    }

    async fn a_photo_that_was_taken_again_no_longer_counts(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        let old = include_bytes!("../../fixtures/photos/broken_cut_2099.jpg");
        visit.shots[0] = Shot::new("p1", "/shelf", old.to_vec());
        let id = visit.finish("completed").await;
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "in_review");
        assert!(seen["findings"].as_array().unwrap().iter().any(|f| f["level"] != "info"));
        rita.rules(&id, correction("revisit")).await;
        let again = world.photo("second", "/shelf", round.missions[0].point);
        ana.upload(&visit.reservation, &again).await.created();
        let asked = json!({ "photos": [again.announced()] });
        ana.post(&format!("/v1/submissions/{id}/revisions"), asked).await.created();
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["decision"]["decided_by"]), (&json!("approved"), &json!("rule")), "{seen}");
        let replaced: Vec<(&str, bool)> = seen["photos"].as_array().unwrap().iter()
            .map(|p| (p["client_id"].as_str().unwrap(), p["replaced"].as_bool().unwrap()))
            .collect();
        assert_eq!(replaced, [("p1", true), ("second", false)]);
        let photos = round.owner.get(&format!("/v1/brand/submissions/{id}/photos")).await.ok();
        assert_eq!(photos["items"].as_array().unwrap().len(), 1, "the brand sees the photo that counts");
    }

    async fn a_revisit_that_never_came_leaves_people_a_day(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        rita.rules(&id, correction("revisit")).await;
        world.advance_hours(7 * 24 + 1);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!(seen["state"], "in_review", "the five days of silence are over, but nobody could look before");
        assert_eq!(seen["review_due_at"], json!(world.now().plus_hours(24)));
        world.advance_hours(24);
        world.work().await;
        assert_eq!(ana.submission(&id).await["decision"]["decided_by"], "silence");
    }

    async fn a_photo_of_a_revision_has_a_client_id_of_its_own(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        rita.rules(&id, correction("revisit")).await;
        let again: Shot = world.photo("p1", "/shelf", round.missions[0].point);
        let asked = json!({ "photos": [again.announced()] });
        ana.post(&format!("/v1/submissions/{id}/revisions"), asked).await.refused(Code::PhotoDiffers);
    }

    async fn a_correction_that_lapses_returns_to_review_and_silence_still_pays(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let due = ana.submission(&id).await["review_due_at"].clone();
        rita.rules(&id, correction("clarify")).await;
        world.advance_hours(73);
        ana.post(&format!("/v1/submissions/{id}/revisions"), json!({})).await.refused(Code::WrongState);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["review_due_at"]), (&json!("in_review"), &due));
        world.advance_hours(48);
        world.work().await;
        let seen = ana.submission(&id).await;
        assert_eq!((&seen["state"], &seen["decision"]["decided_by"]), (&json!("approved"), &json!("silence")));
        assert_eq!(ana.balance_minor().await, 1200);
    }
}
