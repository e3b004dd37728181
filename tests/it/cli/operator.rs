//! What an operator types: tables of the program, the first admin, and the verification that names what is broken.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use fieldproof::web::routes::ROUTES;

use super::Desk;

#[test]
fn every_route_and_every_setting_is_printed() {
    let desk = Desk::new();
    let routes = desk.run(&["routes"]);
    assert_eq!((routes.code, routes.out.lines().count()), (Some(0), ROUTES.len()));
    assert!(ROUTES.iter().all(|route| routes.out.contains(route.operation) && routes.out.contains(route.role)));
    let settings = desk.run(&["settings"]);
    assert!(settings.out.contains("| `--listen` | `FIELDPROOF_LISTEN` | `127.0.0.1:8080` |"), "{}", settings.out);
}

#[test]
fn a_misspelt_variable_stops_the_program() {
    let ran = Desk::new().run_with(&["settings"], &[("FIELDPROOF_LISTN", "0.0.0.0:80")], "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("FIELDPROOF_LISTN is not a setting"), "{}", ran.err);
    let ran = Desk::new().run_with(&["settings"], &[("FIELDPROOF_FEE_BPS", "-1")], "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("takes a whole number from 0 to 10000"), "{}", ran.err);
}

#[test]
fn the_first_admin_is_created_once_and_the_password_shown_once() {
    let desk = Desk::new();
    let create = ["admin", "create", "--email", "ada@example.org", "--role", "admin"];
    let ran = desk.run(&create);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("Created admin ada@example.org") && ran.out.contains("shown only now"), "{}", ran.out);
    let again = desk.run(&create);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("registered"), "{}", again.err);
    let mut piped = create.to_vec();
    piped[3] = "bo@example.org";
    piped.push("--password-stdin");
    let ran = desk.run_with(&piped, &[], "a password from a pipe\n");
    assert!(ran.code == Some(0) && !ran.out.contains("password"), "{}{}", ran.out, ran.err);
    let role = desk.run(&["admin", "create", "--email", "x@example.org", "--role", "king"]);
    assert_eq!((role.code, role.err.as_str()), (Some(1), "--role takes reviewer, finance or admin.\n"));
}

#[test]
fn the_doctor_says_what_is_missing_and_then_that_all_is_well() {
    let desk = Desk::new();
    let before = desk.run(&["doctor"]);
    assert_eq!(before.code, Some(1), "there is no schema yet: {}", before.out);
    assert!(before.out.contains("FAIL  database"), "{}", before.out);
    assert_eq!(desk.run(&["migrate"]).code, Some(0));
    assert!(desk.run(&["migrate"]).out.contains("up to date"));
    let after = desk.run(&["doctor"]);
    assert!(after.code == Some(0) && !after.out.contains("FAIL"), "{}{}", after.out, after.err);
}

#[test]
fn the_verification_names_the_invariant_that_somebody_broke() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["verify"]).code, Some(1), "without a schema nothing can be verified");
    desk.run(&["migrate"]);
    let create = ["admin", "create", "--email", "ada@example.org", "--role", "admin"];
    assert_eq!(desk.run(&create).code, Some(0));
    let sound = desk.run(&["verify"]);
    assert_eq!(sound.code, Some(0), "{}{}", sound.out, sound.err);
    let mut conn = SqliteConnection::establish(desk.data.join("fieldproof.db").to_str().unwrap()).unwrap();
    // Somebody with the file in hand takes a lock off the book.
    conn.batch_execute("DROP TRIGGER transfers_no_update").unwrap();
    let broken = desk.run(&["verify"]);
    assert_eq!(broken.code, Some(1), "{}", broken.out);
    assert!(broken.err.contains("Broken: I03."), "{}", broken.err);
    let json = desk.run(&["verify", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let named = told.as_array().unwrap().iter().find(|one| one["id"] == "I03").unwrap();
    assert!(!named["violations"].as_array().unwrap().is_empty());
}

#[test]
fn a_taken_address_is_told_before_anything_is_changed() {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let desk = Desk::new();
    let ran = desk.run(&["serve", "--listen", &address]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("is in use"), "{}", ran.err);
    assert!(!desk.data.join("fieldproof.db").exists());
}

#[test]
fn the_chart_of_accounts_is_printed() {
    let ran = Desk::new().run(&["chart"]);
    assert_eq!(ran.code, Some(0));
    let says = |text: &str| ran.out.contains(text);
    assert!(
        says("CHART OF ACCOUNTS") && says("late_bonus:") && says("brand_escrow (guarded) -> fees (free)"),
        "{}",
        ran.out
    );
}

#[test]
fn safeguarding_exits_with_a_failure_on_a_difference() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["migrate"]).code, Some(0));
    let ran = desk.run(&["safeguard"]);
    assert_eq!((ran.code, ran.out.contains("There was none.")), (Some(0), true), "{}{}", ran.out, ran.err);
    let file = desk.data.join("fieldproof.db");
    let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    conn.batch_execute("INSERT INTO accounts VALUES ('acc_1','brand_available','brd_1','CHF',1250)").unwrap();
    let ran = desk.run(&["safeguard", "--day", "2026-01-31"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("Nobody recorded what the bank held; it must be CHF 12.50."), "{}", ran.out);
    assert_eq!(desk.run(&["safeguard", "--day", "yesterday"]).code, Some(1));
}
