//! The demonstration is played on an empty folder and leaves what its README promises.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use diesel::prelude::*;
use fieldproof::config::Settings;
use fieldproof::context::App;
use fieldproof::db::schema::{appeals, decisions, findings, payouts, reservations, stores, submissions};
use fieldproof::demo::{day, host};
use fieldproof::domain::decision::{DecidedBy, DecisionKind};
use fieldproof::domain::finding::Code;
use fieldproof::domain::payout::PayoutState;
use fieldproof::domain::reservation::ReservationState;
use fieldproof::domain::store::StoreState;
use fieldproof::domain::submission::{Outcome as Ended, SubmissionState};
use fieldproof::jobs;

use crate::support::scratch::Scratch;

fn settings(folder: &Scratch) -> Settings {
    Settings { public_url: "http://127.0.0.1:8080".to_owned(), ..Settings::in_folder(folder.join("demo")) }
}

async fn open(settings: &Settings, fresh: bool) -> (App, Vec<String>) {
    let mut told = Vec::new();
    let app = host::open(settings, fresh, &mut |line| told.push(line.to_owned())).await.unwrap();
    (app, told)
}

/// How many submissions are in each state.
fn states(app: &App) -> BTreeMap<String, i64> {
    let all: Vec<SubmissionState> =
        app.core.db.read(|c| Ok(submissions::table.select(submissions::state).load(c)?)).unwrap();
    let mut counts = BTreeMap::new();
    for state in all {
        *counts.entry(state.to_string()).or_default() += 1;
    }
    counts
}

fn decided(app: &App, by: DecidedBy, kind: DecisionKind) -> i64 {
    let wanted = decisions::decided_by.eq(by).and(decisions::kind.eq(kind));
    app.core.db.read(|c| Ok(decisions::table.filter(wanted).count().get_result(c)?)).unwrap()
}

fn found(app: &App, code: Code) -> i64 {
    let wanted = findings::code.eq(code.as_str()).and(findings::level.ne("info"));
    app.core.db.read(|c| Ok(findings::table.filter(wanted).count().get_result(c)?)).unwrap()
}

#[test]
fn the_demonstration_leaves_a_submission_in_every_state() {
    let scratch = Scratch::new();
    let settings = settings(&scratch);
    actix_web::rt::System::new().block_on(async {
        let (app, told) = open(&settings, false).await;

        let expected = [("appealed", 1), ("approved", 4), ("in_review", 2), ("needs_correction", 1)];
        let expected = expected.into_iter().chain([("partly_approved", 1), ("rejected", 1)]);
        assert_eq!(states(&app), expected.map(|(state, n)| (state.to_owned(), n)).collect());
        assert_eq!(decided(&app, DecidedBy::Rule, DecisionKind::Approved), 3);
        assert_eq!(decided(&app, DecidedBy::Silence, DecisionKind::Approved), 1);
        assert_eq!(decided(&app, DecidedBy::Person, DecisionKind::Rejected), 2);
        assert_eq!(found(&app, Code::DupPerceptualOther), 1, "one photo was copied from another worker, no other");
        assert!(found(&app, Code::Blurred) >= 2);
        app.core
            .db
            .read(|c| {
                let shut = submissions::table.filter(submissions::outcome.eq(Ended::ClosedTemporarily));
                assert_eq!(shut.count().get_result::<i64>(c)?, 1);
                assert_eq!(stores::table.filter(stores::state.eq(StoreState::Paused)).count().get_result::<i64>(c)?, 1);
                assert_eq!(appeals::table.filter(appeals::decision_id.is_null()).count().get_result::<i64>(c)?, 1);
                let settled = payouts::table.filter(payouts::state.eq(PayoutState::Settled));
                assert_eq!(settled.select(payouts::amount_minor).load::<i64>(c)?, [900 + 900 + 300]);
                let held = reservations::table.filter(reservations::state.eq(ReservationState::Held));
                assert_eq!(held.count().get_result::<i64>(c)?, 1);
                Ok(())
            })
            .unwrap();

        let broken: Vec<_> =
            jobs::verify::verify(&app, false).await.unwrap().into_iter().filter(|i| !i.holds()).collect();
        assert!(broken.is_empty(), "{broken:?}");
        assert!(told.last().unwrap().contains("invariants hold"), "{told:?}");
        assert!(day::is_working(app.now()), "{}", app.now());

        let key = std::fs::read_dir(settings.data.join("keys")).unwrap().next().unwrap().unwrap();
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let before = app.now();
        let summary = host::summary(&app, &settings.public_url, &settings.data).unwrap();
        assert_eq!(summary.matches("curl -s").count(), 5, "four lines, one of them signing in a second time");
        assert!(summary.contains("/verify-email?token="));
        drop(app);

        let (app, told) = open(&settings, false).await;
        assert!(told.concat().contains("Going on"), "{told:?}");
        assert!(app.now() >= before && day::is_working(app.now()));
        assert_eq!(states(&app).values().sum::<i64>(), 10, "nothing is played twice");
    });
}
