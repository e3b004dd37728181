//! The review desk: claims, decisions and what follows from them, appeals.

use diesel::prelude::*;
use fieldproof::db::schema::{answers, decisions, earnings, events, evidence};
use fieldproof::db::submissions;
use fieldproof::domain::decision::Verdict;
use fieldproof::domain::event::Actor;
use fieldproof::domain::ids::*;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::submission::SubmissionState;
use fieldproof::domain::user::StaffRole;
use fieldproof::ops;
use fieldproof::ports::blobs::evidence_key;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::desk::{available, campaign, decide, partly, rejection, submission};
use crate::support::world::{World, both};

const APPEAL: &str = "Please look again: the fifth facing stands behind the price rail.";

fn accepted(world: &World, id: &SubmissionId) -> Vec<String> {
    let of_it = answers::table.filter(answers::submission_id.eq(id)).filter(answers::accepted.eq(true));
    world.app.core.db.read(|c| Ok(of_it.order(answers::path).select(answers::path).load(c)?)).unwrap()
}

fn earned(world: &World, id: &SubmissionId) -> Vec<(String, i64)> {
    let of_it = earnings::table.filter(earnings::submission_id.eq(id)).order(earnings::id);
    world.app.core.db.read(|c| Ok(of_it.select((earnings::kind, earnings::amount_minor)).load(c)?)).unwrap()
}

both! {
    async fn a_claim_keeps_colleagues_away_for_fifteen_minutes(world) {
        let soap = campaign(world, 3).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let calm = soap.in_review(world, &ana, "completed", 10);
        let risky = soap.in_review(world, &bo, "completed", 90);
        let (ria, rob) = (world.staff(StaffRole::Reviewer).await, world.staff(StaffRole::Reviewer).await);

        // Both entered at the same moment: the riskier first.
        let first = ria.get("/v1/admin/reviews?limit=1").await.ok();
        assert_eq!(first["items"][0]["submission_id"], risky.as_str());
        let next = first["next"].as_str().unwrap();
        let second = ria.get(&format!("/v1/admin/reviews?limit=1&cursor={next}")).await.ok();
        assert_eq!((&second["items"][0]["submission_id"], &second["next"]), (&json!(calm), &Value::Null));

        let mine = ria.post("/v1/admin/reviews/claim", json!({})).await.ok();
        assert_eq!(mine["submission_id"], risky.as_str());
        rob.post("/v1/admin/reviews/claim", json!({"submission_id": risky})).await.refused(Code::NotClaimed);
        let his = rob.post("/v1/admin/reviews/claim", json!({})).await.ok();
        assert_eq!(his["submission_id"], calm.as_str());
        rob.post("/v1/admin/reviews/claim", json!({})).await.refused(Code::NotFound);
        let seen = rob.get("/v1/admin/reviews").await.ok();
        assert_eq!(seen["items"].as_array().unwrap().len(), 1, "a colleague's work is not offered: {seen}");

        let approved = json!({"kind": "approved"});
        let decision = format!("/v1/admin/submissions/{risky}/decision");
        rob.post(&decision, approved.clone()).await.refused(Code::NotClaimed);
        world.advance_secs(15 * 60);
        ria.post(&decision, approved.clone()).await.refused(Code::NotClaimed);
        let due = submission(world, &risky).review_due_at;
        rob.post("/v1/admin/reviews/claim", json!({"submission_id": risky})).await.ok();
        rob.post(&format!("/v1/admin/reviews/{risky}/release"), json!({})).await.ok();
        rob.post(&format!("/v1/admin/reviews/{risky}/release"), json!({})).await.refused(Code::NotClaimed);
        assert_eq!(submission(world, &risky).review_due_at, due, "holding never moves the silence clock");
    }

    async fn an_approval_pays_the_reward_once(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((1, 0, 0), (1440 + 2 * 480, 0)));
        assert_eq!(accepted(world, &id), Vec::<String>::new());

        let view = ria.get(&format!("/v1/admin/reviews/{id}")).await.ok();
        assert_eq!(view["clauses"][1]["text"], "Count every facing.");
        assert_eq!(view["items"].as_array().unwrap().len(), 3);
        assert_eq!(view["worker"]["open"], 1);

        let decision = decide(&ria, &id, json!({"kind": "approved"})).await.created();
        assert_eq!(decision["pay"], json!({"amount_minor": 1200, "currency": "CHF"}));
        assert_eq!(decision["decider_id"], ria.id.as_str());
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((0, 1, 0), (960, 240)));
        assert_eq!(accepted(world, &id), ["/around/remark", "/soaps/facings", "/soaps/gaps"]);
        assert_eq!(earned(world, &id), [("reward".to_owned(), 1200)]);
        assert_eq!(available(&ana).await, 1200);
        let list = ana.get("/v1/earnings").await.ok();
        assert_eq!((&list["items"][0]["kind"], &list["items"][0]["store_name"]), (&json!("reward"), &json!("Enge")));
        assert!(world.letter_to(&ana.email).contains("It pays CHF 12.00."));

        let again = ria.post(&format!("/v1/admin/submissions/{id}/decision"), json!({"kind": "approved"})).await;
        again.refused(Code::WrongState);
        ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.refused(Code::WrongState);
    }

    async fn a_rejection_tells_the_worker_why_and_keeps_the_slot(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        let bare = decide(&ria, &id, json!({"kind": "rejected"})).await.refused(Code::DecisionInvalid);
        let pointers: Vec<&str> = bare["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/reason_code", "/target", "/clause_id", "/text"]);
        let mut vague = rejection("wrong_store");
        (vague["clause_id"], vague["target"]) = (json!("9"), json!("/shampoo"));
        let vague = decide(&ria, &id, vague).await.refused(Code::DecisionInvalid);
        assert_eq!(vague["errors"].as_array().unwrap().len(), 2);

        decide(&ria, &id, rejection("answer_contradicts_photo")).await.created();
        let row = submission(world, &id);
        assert_eq!((row.state, row.holds_slot), (SubmissionState::Rejected, true));
        assert_eq!(row.appeal_until, Some(world.now().plus_days(14)));
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((1, 0, 0), (2400, 0)));
        assert_eq!((available(&ana).await, accepted(world, &id)), (0, vec![]));
        let letter = world.letter_to(&ana.email);
        for part in ["/soaps/facings", "contradict", "Clause 2 of the brief: Count every facing.", "nine facings", "appeal"] {
            assert!(letter.contains(part), "{part}: {letter}");
        }
    }

    async fn the_reason_other_takes_two_reviewers(world) {
        let soap = campaign(world, 1).await;
        let ana = world.worker("ana").await;
        let (ria, rob) = (world.staff(StaffRole::Reviewer).await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, rejection("other")).await.refused(Code::SecondReviewer);
        assert_eq!(submission(world, &id).state, SubmissionState::InReview);
        ria.post("/v1/admin/reviews/claim", json!({})).await.refused(Code::NotFound);
        decide(&ria, &id, rejection("other")).await.refused(Code::SecondReviewer);
        ria.post(&format!("/v1/admin/reviews/{id}/release"), json!({})).await.refused(Code::NotClaimed);
        let proposal = rob.get(&format!("/v1/admin/reviews/{id}")).await.ok()["proposal"].clone();
        assert_eq!(proposal["proposed_by"], ria.id.as_str());
        let decision = decide(&rob, &id, rejection("other")).await.created();
        assert_eq!((&decision["decider_id"], &decision["second_reviewer_id"]), (&json!(ria.id), &json!(rob.id)));

        // Neither of them judges the appeal.
        let appeal = ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        let path = format!("/v1/admin/appeals/{}/decision", appeal["id"].as_str().unwrap());
        for one in [&ria, &rob] {
            one.post(&path, json!({"ruling": "overturn"})).await.refused(Code::OwnDecision);
        }
    }

    async fn a_partial_approval_pays_its_share_and_hides_the_rest(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        let mut all = partly();
        all["refused"][0]["item"] = json!("/soaps");
        all["refused"].as_array_mut().unwrap().push(partly()["refused"][0].clone());
        decide(&ria, &id, all).await.refused(Code::DecisionInvalid);

        let decision = decide(&ria, &id, partly()).await.created();
        assert_eq!(decision["pay"]["amount_minor"], 900);
        assert_eq!(accepted(world, &id), ["/soaps/facings", "/soaps/gaps"]);
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((0, 1, 0), (2400 - 900 - 180, 180)));
        assert!(world.letter_to(&ana.email).contains("the brand does not see it"));

        // An appeal adds what is missing, and its fee, and not a centime more.
        let appeal = ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        assert_eq!(appeal["due_at"], "2026-03-17T09:00:00Z");
        let rob = world.staff(StaffRole::Reviewer).await;
        let queue = rob.get("/v1/admin/appeals").await.ok();
        assert_eq!(queue["items"][0]["id"], appeal["id"]);
        let path = format!("/v1/admin/appeals/{}/decision", appeal["id"].as_str().unwrap());
        let decision = rob.post(&path, json!({"ruling": "overturn"})).await.created();
        assert_eq!(decision["pay"]["amount_minor"], 1200);
        assert_eq!(earned(world, &id), [("partial".to_owned(), 900), ("supplement".to_owned(), 300)]);
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((0, 1, 0), (960, 240)));
        assert_eq!(accepted(world, &id).len(), 3);
        assert!(world.letter_to(&ana.email).contains("CHF 3.00 more"));
        rob.post(&path, json!({"ruling": "overturn"})).await.refused(Code::WrongState);
    }

    async fn an_appeal_never_takes_pay_back(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, partly()).await.created();
        let appeal = ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        let path = format!("/v1/admin/appeals/{}/decision", appeal["id"].as_str().unwrap());
        let rob = world.staff(StaffRole::Reviewer).await;
        let mut harder = partly();
        harder.as_object_mut().unwrap().remove("kind");
        harder["ruling"] = json!("partly");
        harder["refused"][0]["item"] = json!("/soaps/facings");
        let decision = rob.post(&path, harder).await.created();
        assert_eq!((&decision["kind"], &decision["pay"]["amount_minor"]), (&json!("partly_approved"), &json!(900)));
        assert_eq!(available(&ana).await, 900);
        ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.refused(Code::AppealClosed);
    }

    async fn a_closed_campaign_keeps_what_an_appeal_may_add(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, partly()).await.created();
        soap.close().await;
        // CHF 3 of the reward and their fee wait for the appeal.
        assert_eq!(soap.escrow_and_fees(world), (360, 180));
        world.advance_hours(24);
        world.work().await;
        ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        world.advance_hours(7 * 24);
        world.work().await;
        assert_eq!((available(&ana).await, soap.escrow_and_fees(world)), (1200, (0, 240)));
    }

    async fn a_closed_campaign_gets_back_what_nobody_appealed_for(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, partly()).await.created();
        soap.close().await;
        world.advance_hours(14 * 24);
        world.work().await;
        assert_eq!((available(&ana).await, soap.escrow_and_fees(world)), (900, (0, 180)));
    }

    async fn an_upheld_rejection_gives_the_slot_back(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, rejection("answer_contradicts_photo")).await.created();
        let appeal = ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        let path = format!("/v1/admin/appeals/{}/decision", appeal["id"].as_str().unwrap());
        let rob = world.staff(StaffRole::Reviewer).await;
        rob.post(&path, json!({"ruling": "uphold"})).await.refused(Code::DecisionInvalid);
        let words = "I count nine facings as well, none of them behind the rail.";
        let decision = rob.post(&path, json!({"ruling": "uphold", "text": words})).await.created();
        assert_eq!((&decision["kind"], &decision["reason_code"]), (&json!("rejected"), &json!("answer_contradicts_photo")));
        let row = submission(world, &id);
        assert_eq!((row.state, row.holds_slot, row.appeal_until), (SubmissionState::Rejected, false, None));
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((0, 0, 0), (2400, 0)));
        assert!(world.letter_to(&ana.email).contains("final"));
    }

    async fn an_appeal_has_its_time(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, rejection("answer_contradicts_photo")).await.created();
        let bo = world.worker("bo").await;
        let path = format!("/v1/submissions/{id}/appeal");
        bo.post(&path, json!({"text": APPEAL})).await.refused(Code::NotFound);
        ana.post(&path, json!({"text": "No!"})).await.refused(Code::InvalidRequest);
        world.advance_hours(14 * 24);
        ana.post(&path, json!({"text": APPEAL})).await.refused(Code::AppealClosed);
    }

    async fn an_appeal_that_nobody_judges_is_decided_for_the_worker(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        decide(&ria, &id, rejection("answer_contradicts_photo")).await.created();
        ana.post(&format!("/v1/submissions/{id}/appeal"), json!({"text": APPEAL})).await.created();
        world.advance_hours(7 * 24);
        world.work().await;
        assert_eq!((submission(world, &id).state, available(&ana).await), (SubmissionState::Approved, 1200));
        assert_eq!(soap.slots(world), (0, 1, 0));
        assert!(world.letter_to(&ana.email).contains("Nobody judged your appeal in time"));
    }

    async fn a_correction_has_its_time_and_pays_nothing_yet(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "completed", 50);
        let ask = json!({"kind": "needs_correction", "reason_code": "other", "target": "visit",
            "text": "Please tell us which shelf you counted.", "correction": "clarify"});
        let decision = decide(&ria, &id, ask).await.created();
        assert_eq!(decision["pay"]["amount_minor"], 0);
        let row = submission(world, &id);
        assert_eq!((row.state, row.correction.as_deref()), (SubmissionState::NeedsCorrection, Some("clarify")));
        assert_eq!(row.correction_due_at, Some(world.now().plus_hours(72)));
        assert_eq!(soap.slots(world), (1, 0, 0));
        assert!(world.letter_to(&ana.email).contains("which shelf"));
    }

    async fn a_visit_that_could_not_be_done_pays_the_attempt_fee(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.in_review(world, &ana, "entry_refused", 50);
        decide(&ria, &id, partly()).await.refused(Code::DecisionInvalid);
        decide(&ria, &id, json!({"kind": "approved"})).await.created();
        assert_eq!(earned(world, &id), [("attempt".to_owned(), 400)]);
        assert_eq!((soap.slots(world), soap.escrow_and_fees(world)), ((0, 0, 1), (2400 - 480, 80)));
    }

    async fn a_reviewer_and_silence_decide_at_the_same_moment_and_one_wins(world) {
        let soap = campaign(world, 3).await;
        let ria = world.staff(StaffRole::Reviewer).await;
        for name in ["ana", "bo", "cleo"] {
            let worker = world.worker(name).await;
            let id = soap.in_review(world, &worker, "completed", 50);
            ria.post("/v1/admin/reviews/claim", json!({"submission_id": id})).await.ok();
            let (core, same) = (world.app.core.clone(), id.clone());
            let silence = tokio::task::spawn_blocking(move || {
                core.db.write(&Actor::Machine("close_silence"), "test", |tx| {
                    let row = submissions::any_find(tx, &same)?.unwrap();
                    ops::decisions::settle(tx, &row, &Verdict::approved_by_silence(None, json!({})))
                })
            });
            let person = ria.post(&format!("/v1/admin/submissions/{id}/decision"), json!({"kind": "approved"})).await;
            let silence = silence.await.unwrap();
            assert_ne!(person.status == 201, silence.is_ok(), "{} {silence:?}", person.text());
            let count = decisions::table.filter(decisions::submission_id.eq(&id)).count();
            assert_eq!(world.app.core.db.read(|c| Ok(count.get_result::<i64>(c)?)).unwrap(), 1);
            assert_eq!((available(&worker).await, earned(world, &id).len()), (1200, 1));
        }
        assert_eq!(soap.slots(world), (0, 3, 0));
    }

    async fn an_original_is_shown_to_reviewers_and_its_opening_is_recorded(world) {
        let soap = campaign(world, 1).await;
        let (ana, ria) = (world.worker("ana").await, world.staff(StaffRole::Reviewer).await);
        let id = soap.sealed(world, &ana, "completed");
        let sha256: String = Sha256::digest(b"<svg>").iter().map(|byte| format!("{byte:02x}")).collect();
        let row = submission(world, &id);
        let photo = fieldproof::db::rows::EvidenceRow {
            id: EvidenceId::from_bits(7),
            reservation_id: row.reservation_id,
            worker_id: row.worker_id,
            brand_id: row.brand_id,
            client_id: "p1".to_owned(),
            question: String::new(),
            sha256: sha256.clone(),
            size_bytes: 5,
            content_type: "image/svg+xml".to_owned(),
            file_name: None,
            capture: fieldproof::db::types::Json(json!({})),
            received_at: world.now(),
            checked_at: None,
            check_version: None,
            facts: None,
            pdq: None,
            pdq_quality: None,
            rendition_large: None,
            rendition_small: None,
            hash_seq: None,
            pdq_trimmed: None,
            pdq_trimmed_quality: None,
            compared_at: None,
            faces_hidden: None,
        };
        let stored = world.app.core.db.write(&Actor::Operator, "test", |tx| {
            diesel::insert_into(evidence::table).values(photo.clone()).execute(&mut **tx)?;
            tx.nothing_changed();
            Ok(())
        });
        stored.unwrap();
        world.app.blobs.put(&evidence_key(&sha256), b"<svg>".to_vec()).await.unwrap();

        let path = format!("/v1/admin/photos/{}", photo.id);
        ria.get(&path).await.refused(Code::PhotoNotReady);
        let opened = || {
            let of_it = events::table.filter(events::subject.eq(photo.id.as_str())).select(events::actor_id);
            world.app.core.db.read(|c| Ok(of_it.load::<Option<String>>(c)?)).unwrap()
        };
        assert!(opened().is_empty());
        let original = ria.get(&format!("{path}?size=original")).await;
        original.ok();
        assert_eq!((original.bytes.as_slice(), original.headers["content-type"].as_str()), (&b"<svg>"[..], "application/octet-stream"));
        assert_eq!(opened(), [Some(ria.id.clone())]);
        ana.get(&path).await.refused(Code::Forbidden);
    }
}
