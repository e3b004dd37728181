//! What evidence is worth, why a decision is as it is, and whether the same comes out again: by rule, by a person and by
//! silence, with photos that are gone, rules that have changed and findings that somebody bent.

use diesel::prelude::*;
use fieldproof::db::schema::looks;
use fieldproof::db::types::Json;
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::ids::EvidenceId;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use fieldproof::ports::blobs::evidence_key;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Shot, Visit, approved, picture, rejected, stamped};
use crate::support::world::{Person, World, both};

fn codes(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

async fn own(worker: &Person<'_>, submission: &str) -> Value {
    worker.get(&format!("/v1/submissions/{submission}/decision/explain")).await.ok()
}

async fn explained(reviewer: &Person<'_>, submission: &str) -> Value {
    let review = reviewer.get(&format!("/v1/admin/reviews/{submission}")).await.ok();
    let decision = review["decisions"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    reviewer.get(&format!("/v1/admin/decisions/{decision}/explain")).await.ok()
}

fn bend(world: &World, photo: &str, version: Option<&str>, findings: Option<Value>) {
    let id = EvidenceId::parse(photo).unwrap();
    let bent = world.app.core.db.write(&Actor::Operator, "test", |tx| {
        if let Some(version) = version {
            diesel::update(looks::table.filter(looks::evidence_id.eq(&id)))
                .set(looks::rule_version.eq(version))
                .execute(&mut **tx)?;
        }
        if let Some(findings) = &findings {
            diesel::update(looks::table.filter(looks::evidence_id.eq(&id)))
                .set(looks::findings.eq(Json(findings.clone())))
                .execute(&mut **tx)?;
        }
        tx.record(Event::new("test.arranged", "test"))?;
        Ok(())
    });
    bent.unwrap();
}

both! {
    async fn evidence_is_graded_for_the_worker_the_reviewer_and_the_brand(world) {
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let calm = round.clean(&ana, &round.missions[0]).await;
        let seen = ana.submission(&calm).await;
        assert_eq!(seen["grade"]["letter"], "B", "nothing is wrong, but nobody said that the app took it: {seen}");
        assert_eq!(codes(&seen["grade"]["reasons"]), ["APP_CAMERA_UNPROVEN"]);
        assert_eq!(seen["photos"][0]["grade"], seen["grade"]);

        let odd = round.doubtful(&ana, &round.missions[1]).await;
        let french = [("accept-language", "fr".to_owned())];
        let seen = ana.send_bytes("GET", &format!("/v1/submissions/{odd}"), &french, None).await.ok();
        assert_eq!(seen["grade"]["letter"], "C", "{seen}");
        assert!(seen["grade"]["reasons"][0]["sentence"].as_str().unwrap().contains("position"), "{seen}");
        let review = rita.get(&format!("/v1/admin/reviews/{odd}")).await.ok();
        assert_eq!((&review["grade"]["letter"], &review["photos"][0]["grade"]["letter"]), (&json!("C"), &json!("B")));
        rita.rules(&odd, approved()).await;

        let delivered = round.owner.get(&format!("/v1/brand/submissions/{odd}")).await.ok();
        assert_eq!((&delivered["grade"]["letter"], codes(&delivered["grade"]["reasons"])), (&json!("C"), vec!["POSITION_MISSING"]));
        let photos = round.owner.get(&format!("/v1/brand/submissions/{odd}/photos")).await.ok();
        assert_eq!(photos["items"][0]["grade"]["letter"], "B");
        let list = round.owner.get("/v1/brand/submissions").await.ok();
        let mut letters: Vec<&str> = list["items"].as_array().unwrap().iter().map(|l| l["grade"].as_str().unwrap()).collect();
        letters.sort_unstable();
        assert_eq!(letters, ["B", "C"]);

        let path = format!("/v1/brand/campaigns/{}/report", round.campaign);
        let report = round.owner.get(&path).await.ok();
        let counts = json!({ "a": 0, "b": 1, "c": 1, "d": 0, "ungraded": 0 });
        assert_eq!((&report["grades"], &report["totals"][0]["grades"]), (&counts, &counts));
        assert_eq!(report["totals"][0]["worst_grade"], "C");
        let csv = round.owner.get(&format!("{path}.csv")).await.text();
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let column = |name: &str| rows[0].iter().position(|cell| *cell == name).unwrap();
        let mut worst: Vec<&str> = rows[1..].iter().map(|row| row[column("worst_grade")]).collect();
        worst.sort_unstable();
        assert_eq!(worst, ["", "B", "C"], "{csv}");
        assert_eq!(rows[1..].iter().filter(|row| row[column("visits_grade_c")] == "1").count(), 1, "{csv}");
    }

    async fn a_decision_by_rule_and_one_by_a_person_come_out_the_same_again(world) {
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let calm = round.clean(&ana, &round.missions[0]).await;
        let told = own(&ana, &calm).await;
        assert_eq!((&told["decision"]["decided_by"], &told["replay"]["same"]), (&json!("rule"), &json!(true)), "{told}");
        assert_eq!(told["replay"]["scope"], "checks_and_assessment");
        assert_eq!((&told["replay"]["gaps"], &told["replay"]["photos"][0]["same"]), (&json!([]), &json!(true)));
        assert_eq!((&told["assessment"]["verdict"], &told["assessment"]["risk"]), (&json!("clear"), &json!(0)));
        assert_eq!(told["summary"], "No finding is above information, so a rule approved it.");

        let odd = round.doubtful(&ana, &round.missions[1]).await;
        ana.get(&format!("/v1/submissions/{odd}/decision/explain")).await.refused(Code::NotFound);
        let decided = rita.rules(&odd, rejected()).await;
        let path = format!("/v1/admin/decisions/{}/explain", decided["id"].as_str().unwrap());
        let reply = rita.get(&path).await;
        let told = reply.ok();
        assert_eq!((&told["decision"]["decider_id"], &told["replay"]["same"]), (&json!(rita.id), &json!(true)), "{told}");
        assert!(codes(&told["findings"]).contains(&"POSITION_MISSING"));
        let missing = told["assessment"]["weighed"].as_array().unwrap().iter().find(|w| w["code"] == "POSITION_MISSING");
        assert_eq!(missing.unwrap()["weight"], 120);
        let known = [("if-none-match", reply.headers["etag"].clone())];
        assert_eq!(rita.send_bytes("GET", &path, &known, None).await.status, 304, "the same comes out again");
        let mine = own(&ana, &odd).await;
        assert_eq!(mine["decision"]["decider_id"], Value::Null, "who decided stays between colleagues");
        assert_eq!(mine["decision"]["reason_code"], "photo_wrong_subject");

        let slow = round.doubtful(&ana, &round.missions[2]).await;
        world.advance_hours(5 * 24);
        world.work().await;
        let told = own(&ana, &slow).await;
        assert_eq!((&told["decision"]["decided_by"], &told["replay"]["same"]), (&json!("silence"), &json!(true)), "{told}");
    }

    async fn a_copy_is_compared_again_and_nobody_learns_whose_it_is(world) {
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, bo, rita) = (world.worker("ana").await, world.worker("bo").await, world.staff(REVIEWER).await);
        let mut first = Visit::begin(&ana, &round.missions[0]).await;
        first.answer_short(7);
        first.finish("completed").await;
        let mut copy = Visit::begin(&bo, &round.missions[1]).await;
        copy.answer_short(7);
        copy.shots[0] = Shot::new("p1", "/shelf", first.shots[0].bytes.clone());
        let exact = copy.finish("completed").await;
        rita.rules(&exact, approved()).await;
        let told = explained(&rita, &exact).await;
        let twin = told["findings"].as_array().unwrap().iter().find(|f| f["code"] == "DUP_EXACT_OTHER").unwrap().clone();
        assert!(twin["other"].is_string(), "{told}");
        assert_eq!((&told["replay"]["same"], &told["replay"]["scope"]), (&json!(true), &json!("checks_and_assessment")), "{told}");
        assert_eq!(told["grade"]["letter"], "D");
        let mine = own(&bo, &exact).await;
        assert_eq!(mine["replay"]["same"], true);
        assert!(mine["findings"].as_array().unwrap().iter().all(|f| f["other"].is_null()), "{mine}");
        assert!(!mine.to_string().contains(&ana.id) && !mine.to_string().contains(twin["other"].as_str().unwrap()));

        // The same picture in another file.
        let (jpeg, point) = (picture(7_000), round.missions[2].point);
        let mut shown = Visit::begin(&bo, &round.missions[2]).await;
        shown.answer_short(7);
        shown.shots[0] = Shot::new("p1", "/shelf", stamped(&jpeg, world.now(), point));
        let bos = shown.finish("completed").await;
        assert_eq!(bo.submission(&bos).await["state"], "approved");
        let again = world.round("Bravo", Plan::short()).await;
        let mut copy = Visit::begin(&ana, &again.missions[0]).await;
        copy.answer_short(7);
        copy.shots[0] = Shot::new("p1", "/shelf", stamped(&jpeg, world.now(), again.missions[0].point));
        let alike = copy.finish("completed").await;
        rita.rules(&alike, approved()).await;
        let told = explained(&rita, &alike).await;
        assert!(codes(&told["findings"]).contains(&"DUP_PERCEPTUAL_OTHER"), "{told}");
        assert_eq!((&told["replay"]["same"], &told["replay"]["scope"]), (&json!(true), &json!("checks_and_assessment")), "{told}");
    }

    async fn what_cannot_be_made_again_is_told(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let id = round.clean(&ana, &round.missions[0]).await;
        let photo = ana.submission(&id).await["photos"][0].clone();
        let (evidence, key) = (photo["evidence_id"].as_str().unwrap(), evidence_key(photo["sha256"].as_str().unwrap()));
        let admin = world.staff(StaffRole::Admin).await;

        let bytes = world.app.blobs.get(&key).await.unwrap().unwrap();
        world.app.blobs.delete(&key).await.unwrap();
        let told = explained(&admin, &id).await;
        assert_eq!((&told["replay"]["scope"], &told["replay"]["same"]), (&json!("assessment_only"), &json!(true)), "{told}");
        assert_eq!(codes(&told["replay"]["gaps"]), ["photo_dropped"]);
        world.app.blobs.put(&key, bytes.to_vec()).await.unwrap();

        bend(world, evidence, Some("2020.1"), None);
        let told = explained(&admin, &id).await;
        assert_eq!((&told["replay"]["scope"], &told["replay"]["same"]), (&json!("assessment_only"), &json!(true)), "{told}");
        assert_eq!(codes(&told["replay"]["gaps"]), ["rules_differ"]);

        // Somebody writes a doubt into the record.
        let doubt = json!([{ "code": "BLURRED", "level": "doubt", "value": 0.5, "limit": 0.435 }]);
        bend(world, evidence, Some(fieldproof::domain::finding::RULE_VERSION), Some(doubt));
        let told = explained(&admin, &id).await;
        assert_eq!((&told["replay"]["scope"], &told["replay"]["same"]), (&json!("checks_and_assessment"), &json!(false)));
        let part = &told["replay"]["photos"][0];
        let blurred = part["differences"].as_array().unwrap().iter().find(|d| d["code"] == "BLURRED").unwrap();
        assert_eq!((&blurred["change"], &blurred["stored_value"]), (&json!("disappears"), &json!(0.5)), "{part}");
        assert_eq!(told["replay"]["assessment"]["gap"], "findings_differ", "{told}");
    }
}
