//! A connection to PostgreSQL that breaks at a chosen moment of a reservation.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fieldproof::db::Place;
use fieldproof::domain::refusal::Code;
use serde_json::json;

use crate::support::visit::Plan;
use crate::support::world::{Engine, World, play};

/// The first reservation ends its own connection, `IMMEDIATE` or `DEFERRED` to its COMMIT; the sequence counts all of them.
fn break_once(world: &World, when: &str) -> PgConnection {
    let Place::Postgres(url) = world.app.core.db.place() else { panic!("a story on PostgreSQL") };
    let mut operator = PgConnection::establish(url).unwrap();
    let trigger = format!(
        "CREATE SEQUENCE tries;
        CREATE FUNCTION break_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER break_once AFTER INSERT ON reservations DEFERRABLE INITIALLY {when}
            FOR EACH ROW EXECUTE FUNCTION break_once();"
    );
    operator.batch_execute(&trigger).unwrap();
    operator
}

fn tries(operator: &mut PgConnection) -> i64 {
    diesel::select(sql::<BigInt>("(SELECT last_value FROM tries)")).get_result(operator).unwrap()
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn what_was_lost_before_its_commit_is_done_again_unseen() {
    play(Engine::Postgres, async |world| {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let mut operator = break_once(world, "IMMEDIATE");
        ana.reserve(&round.missions[0]).await.created();
        assert_eq!(tries(&mut operator), 2);
    });
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn what_was_lost_at_its_commit_is_told_and_never_done_again_by_itself() {
    play(Engine::Postgres, async |world| {
        let round = world.round("Acme", Plan::short()).await;
        let ana = &world.crowd(1)[0];
        let mut operator = break_once(world, "DEFERRED");
        let path = format!("/v1/missions/{}/reservations", round.missions[0].id);
        let lost = ana.post_with_key(&path, "reserve-key-1", json!({})).await.refused(Code::Busy);
        assert!(lost["detail"].as_str().unwrap().contains("is not known"), "{lost}");
        assert_eq!(tries(&mut operator), 1);
        let held = ana.post_with_key(&path, "reserve-key-1", json!({})).await.created();
        assert_eq!(ana.get("/v1/reservations").await.ok()["items"], json!([held]));
    });
}
