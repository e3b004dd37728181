//! `fieldproof recheck`: shown first, written on request for undecided work only, and run again without harm.

use std::process::Command;

use diesel::prelude::*;
use fieldproof::db::schema::{evidence, findings};
use fieldproof::db::{Place, evidence as photos};
use fieldproof::domain::event::{Actor, Event};
use fieldproof::domain::finding::{Code, Finding, Level, RULE_VERSION};
use fieldproof::domain::ids::{ReservationId, SubmissionId};
use fieldproof::jobs::recheck;
use serde_json::{Value, json};

use super::{Desk, Ran};
use crate::support::visit::{Plan, REVIEWER, approved};
use crate::support::world::{Person, World, both};

/// The real program over this world's database and photos.
fn run(world: &World, args: &[&str]) -> Ran {
    let database = match world.app.core.db.place() {
        Place::Sqlite(path) => format!("sqlite:{}", path.display()),
        Place::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldproof"));
    command.arg("recheck").args(args).env_clear().env("FIELDPROOF_DATA", world.folder().join("operator"));
    command.env("FIELDPROOF_DATABASE", database).env("FIELDPROOF_BLOBS", world.folder().join("blobs"));
    let done = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

fn json_of(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// As if an older program had looked, and had found the photos of `odd` blurred.
fn looked_at_by_an_older_program(world: &World, odd: &SubmissionId) {
    let aged = world.app.core.db.write(&Actor::Operator, "test", |tx| {
        diesel::update(evidence::table).set(evidence::check_version.eq(Some("2020.1"))).execute(&mut **tx)?;
        let row = fieldproof::db::submissions::any_find(tx, odd)?.unwrap();
        for photo in photos::any_of_reservation(tx, &row.reservation_id)? {
            let about = photos::About {
                reservation: &row.reservation_id,
                submission: Some(odd),
                evidence: Some(&photo.id),
                revision: 1,
                item: None,
            };
            photos::add_finding(tx, &about, &Finding::new(Code::Blurred, Level::Fail).measured(0.6, 0.435))?;
        }
        tx.record(Event::new("test.arranged", "test"))?;
        Ok(())
    });
    aged.unwrap();
}

fn versions(world: &World) -> Vec<Option<String>> {
    let mut all: Vec<Option<String>> =
        world.app.core.db.read(|c| Ok(evidence::table.select(evidence::check_version).load(c)?)).unwrap();
    all.sort_unstable();
    all
}

fn blurred(world: &World, visit: &ReservationId) -> i64 {
    let of_it = findings::table.filter(findings::reservation_id.eq(visit)).filter(findings::code.eq("BLURRED"));
    world.app.core.db.read(|c| Ok(of_it.count().get_result(c)?)).unwrap()
}

async fn risk(reviewer: &Person<'_>, submission: &SubmissionId) -> i64 {
    let review = reviewer.get(&format!("/v1/admin/reviews/{submission}")).await.ok();
    review["submission"]["risk"].as_i64().unwrap()
}

both! {
    async fn a_recheck_shows_first_and_writes_only_what_is_undecided(world) {
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, rita) = (world.worker("ana").await, world.staff(REVIEWER).await);
        let decided = SubmissionId::parse(&round.clean(&ana, &round.missions[0]).await).unwrap();
        let odd = SubmissionId::parse(&round.doubtful(&ana, &round.missions[1]).await).unwrap();
        let held = SubmissionId::parse(&round.doubtful(&ana, &round.missions[2]).await).unwrap();
        let all = json_of(&run(world, &["--json", "--all"]));
        assert_eq!((&all["photos"], &all["codes"], &all["changed"]), (&json!(3), &json!({}), &json!([])), "looking is pure: {all}");
        let none = json_of(&run(world, &["--json"]));
        assert_eq!((&none["photos"], &none["current"]), (&json!(0), &json!(3)));

        looked_at_by_an_older_program(world, &odd);
        let visit = fieldproof::db::submissions::any_find;
        let visit = world.app.core.db.read(|c| visit(c, &odd)).unwrap().unwrap().reservation_id;
        let shown = run(world, &[]);
        assert!(shown.out.contains("BLURRED") && shown.out.contains("Nothing was written"), "{}{}", shown.out, shown.err);
        let told = json_of(&run(world, &["--json"]));
        assert_eq!((&told["photos"], &told["codes"]["BLURRED"]["disappears"]), (&json!(3), &json!(1)), "{told}");
        assert_eq!(told["changed"][0]["submission_id"], odd.as_str());
        assert_eq!(told["changed"][0]["grade"], json!(["D", "C"]), "{told}");
        assert_eq!((versions(world), blurred(world, &visit)), (vec![Some("2020.1".to_owned()); 3], 1), "nothing was written");

        // What a reviewer holds is left alone; two processes of one world, one visit each.
        rita.claim(held.as_str()).await.ok();
        let asked = recheck::Asked { apply: true, limit: Some(1), ..recheck::Asked::default() };
        let first = recheck::run(&world.app, &asked, |_, _| {}).await.unwrap();
        assert_eq!((first.applied, first.next.as_ref()), (1, Some(&odd)));
        let asked = recheck::Asked { after: first.next, limit: None, ..asked };
        let second = recheck::run(&world.app, &asked, |_, _| {}).await.unwrap();
        assert_eq!((second.applied, second.claimed), (0, 1));
        assert_eq!(blurred(world, &visit), 0);
        assert_eq!(risk(&rita, &odd).await, 120, "the queue is sorted by what is known now");
        assert_eq!(ana.submission(odd.as_str()).await["state"], "in_review", "people decide");
        let events: Vec<String> = world.app.core.db.read(|c| {
            use fieldproof::db::schema::events;
            Ok(events::table.filter(events::kind.eq("submission.rechecked")).select(events::subject).load(c)?)
        }).unwrap();
        assert_eq!(events, [odd.to_string()]);

        rita.post(&format!("/v1/admin/reviews/{held}/release"), json!({})).await.ok();
        let applied = json_of(&run(world, &["--apply", "--json"]));
        assert_eq!((&applied["applied"], &applied["current"]), (&json!(1), &json!(1)), "{applied}");
        let again = json_of(&run(world, &["--apply", "--json"]));
        assert_eq!((&again["applied"], &again["photos"]), (&json!(0), &json!(0)), "a second run has nothing to do");
        let current = Some(RULE_VERSION.to_owned());
        assert_eq!(versions(world), [Some("2020.1".to_owned()), current.clone(), current], "what was decided stays");

        // The decision of then and the one after the recheck both come out again.
        let told = ana.get(&format!("/v1/submissions/{decided}/decision/explain")).await.ok();
        assert_eq!(told["replay"]["same"], true, "{told}");
        rita.rules(odd.as_str(), approved()).await;
        let told = ana.get(&format!("/v1/submissions/{odd}/decision/explain")).await.ok();
        assert_eq!((&told["replay"]["same"], &told["replay"]["scope"]), (&json!(true), &json!("checks_and_assessment")), "{told}");
    }

    async fn a_copy_is_found_again_among_the_photos_before_it_only(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let mut first = crate::support::visit::Visit::begin(&ana, &round.missions[0]).await;
        first.answer_short(7);
        first.finish("completed").await;
        let mut copy = crate::support::visit::Visit::begin(&bo, &round.missions[1]).await;
        copy.answer_short(7);
        copy.shots[0] = crate::support::visit::Shot::new("p1", "/shelf", first.shots[0].bytes.clone());
        copy.finish("completed").await;
        let all = json_of(&run(world, &["--json", "--all"]));
        assert_eq!((&all["photos"], &all["codes"]), (&json!(2), &json!({})), "{all}");
    }
}

#[test]
fn a_recheck_says_what_it_takes_and_needs_a_schema() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["recheck"]).code, Some(1), "without a schema there is nothing to look at");
    desk.run(&["migrate"]);
    let empty = desk.run(&["recheck", "--apply"]);
    assert!(empty.code == Some(0) && empty.out.contains("0 visits, 0 photos"), "{}{}", empty.out, empty.err);
    let since = desk.run(&["recheck", "--since", "yesterday"]);
    assert_eq!((since.code, since.err.as_str()), (Some(1), "--since takes a time such as 2026-11-01T00:00:00Z.\n"));
    let after = desk.run(&["recheck", "--after", "7"]);
    assert_eq!((after.code, after.err.as_str()), (Some(1), "--after takes the id of a submission.\n"));
    assert_eq!(desk.run(&["recheck", "--limit", "-1"]).code, Some(2));
}
