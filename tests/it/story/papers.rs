//! A worker's papers: who they are for tax, what they are told of each payout, the invoices written in their name, the
//! yearly report, and how somebody leaves without a trace in the books changing.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use fieldproof::config::Settings;
use fieldproof::context::Rules;
use fieldproof::db::Conn;
use fieldproof::domain::dac7::{self, Figures, Quarter, Seller};
use fieldproof::domain::event::Actor;
use fieldproof::domain::ids::{PayoutId, UserId};
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::papers::{Platform, TaxPerson};
use fieldproof::domain::payout::Said;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::time::At;
use fieldproof::domain::user::StaffRole;
use serde_json::{Value, json};

use crate::support::logs::Logs;
use crate::support::snapshot::assert_snapshot;
use crate::support::visit::{Plan, Visit, rejected};
use crate::support::world::{Engine, PASSWORD, Person, Reply, World, both, every_rail, play_under};

const IBAN: &str = "CH93 0076 2011 6238 5295 7";
const TIN: &str = "3023217600053";

fn platform() -> Platform {
    Platform {
        name: "Fieldproof & Cie".to_owned(),
        address: "1 rue de la Paix, 75002 Paris".to_owned(),
        country: "FR".to_owned(),
        tax_number: "303265045".to_owned(),
        vat_number: Some("FR40303265045".to_owned()),
    }
}

/// On a platform that asks for papers before it pays.
fn ruled(engine: Engine, story: impl AsyncFnOnce(&World)) {
    play_under(engine, Rules { tax_profile_to_pay: true, platform: platform(), ..every_rail() }, story);
}

macro_rules! with_papers {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[test]
            fn sqlite() {
                ruled(Engine::Sqlite, async |$world: &World| $body);
            }

            #[test]
            #[ignore = "needs PostgreSQL: tests/run"]
            fn postgres() {
                ruled(Engine::Postgres, async |$world: &World| $body);
            }
        }
    )+ };
}

fn french() -> Value {
    json!({
        "first_name": "Zephyrine", "last_name": "Quatrefages", "street": "12 rue des Lilas", "postcode": "69003",
        "city": "Lyon", "country": "FR", "birth_date": "1990-12-31", "tax_number": "30 23 217 600 053"
    })
}

async fn put(person: &Person<'_>, version: i64, profile: Value) -> Reply {
    person.send("PUT", "/v1/me/tax-profile", None, Some(&format!("\"v{version}\"")), Some(profile)).await
}

async fn settle(finance: &Person<'_>, payout: &Value) {
    let id = payout["id"].as_str().unwrap();
    finance.post(&format!("/v1/admin/payouts/{id}/approve"), json!({})).await.ok();
    finance.world.work().await;
    finance.post(&format!("/v1/admin/payouts/{id}/settle"), json!({})).await.ok();
}

async fn ask(person: &Person<'_>, minor: i64) -> Reply {
    let method = person.test_method().await;
    let asked = json!({ "method_id": method, "amount": { "amount_minor": minor, "currency": "CHF" } });
    person.post("/v1/payouts", asked).await
}

/// A payout of CHF 5 that arrived, and the invoice written for it: the ids of both. The worker earned CHF 12.
pub async fn invoiced(world: &World, worker: &Person<'_>, finance: &Person<'_>) -> (String, String) {
    put(worker, 0, french()).await.ok();
    let accepted = json!({ "terms_version": "2026-11" });
    worker.post("/v1/me/self-billing/acceptance", accepted).await.ok();
    let payout = ask(worker, 500).await.created();
    settle(finance, &payout).await;
    world.work().await;
    let documents = worker.get("/v1/me/self-billing/documents").await.ok();
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    (id(&payout), id(&documents["items"][0]))
}

/// Every row of these tables as text, in the order of their first columns.
fn dump(world: &World, tables: &[&str]) -> BTreeMap<String, Vec<String>> {
    use diesel::prelude::*;
    use diesel::sql_types::Text;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let lines = |table: &str| {
        let text = world.app.core.db.read(|c| {
            let rows: Vec<Row> = match c {
                fieldproof::db::Conn::Pg(c) => {
                    diesel::sql_query(format!("SELECT t::text AS line FROM {table} t ORDER BY 1")).load(c)?
                }
                fieldproof::db::Conn::Lite(c) => {
                    #[derive(QueryableByName)]
                    struct Name {
                        #[diesel(sql_type = Text)]
                        line: String,
                    }
                    let sql = format!("SELECT name AS line FROM pragma_table_info('{table}')");
                    let names: Vec<Name> = diesel::sql_query(sql).load(c)?;
                    let columns: Vec<String> =
                        names.iter().map(|n| format!("COALESCE(CAST(\"{}\" AS TEXT), '')", n.line)).collect();
                    let sql = format!("SELECT {} AS line FROM {table} ORDER BY 1", columns.join(" || ',' || "));
                    diesel::sql_query(sql).load(c)?
                }
            };
            Ok(rows)
        });
        text.unwrap().into_iter().map(|row| row.line).collect::<Vec<_>>()
    };
    tables.iter().map(|table| ((*table).to_owned(), lines(table))).collect()
}

fn all_tables(world: &World) -> Vec<String> {
    use diesel::prelude::*;
    use diesel::sql_types::Text;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let rows: Vec<Row> = world
        .app
        .core
        .db
        .read(|c| {
            Ok(match c {
                fieldproof::db::Conn::Pg(c) => diesel::sql_query(
                    "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
                )
                .load(c)?,
                fieldproof::db::Conn::Lite(c) => diesel::sql_query(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                )
                .load(c)?,
            })
        })
        .unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

/// Tables in whose rows the text stands.
fn holding(world: &World, text: &str) -> Vec<String> {
    let tables = all_tables(world);
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    let found = dump(world, &tables).into_iter().filter(|(_, rows)| rows.iter().any(|row| row.contains(text)));
    found.map(|(table, _)| table).collect()
}

/// Kind, mission and amount of each line of a payout's notice.
async fn lines_of(person: &Person<'_>, payout: &Value) -> Vec<(String, Option<String>, i64)> {
    let id = payout["id"].as_str().unwrap();
    let notice = person.get(&format!("/v1/me/payouts/{id}/notice")).await.ok();
    let line = |line: &Value| {
        let mission = line["mission_id"].as_str().map(str::to_owned);
        (line["kind"].as_str().unwrap().to_owned(), mission, line["paid"]["amount_minor"].as_i64().unwrap())
    };
    notice["lines"].as_array().unwrap().iter().map(line).collect()
}

fn mission_id(id: &str) -> Option<String> {
    Some(id.to_owned())
}

/// Changes rows behind the back of the program.
fn change(world: &World, postgres: &str, sqlite: &str) {
    use diesel::connection::SimpleConnection;
    let changed = world.app.core.db.write(&Actor::Operator, "test", |tx| {
        tx.nothing_changed();
        match &mut **tx {
            Conn::Pg(c) => c.batch_execute(postgres)?,
            Conn::Lite(c) => c.batch_execute(sqlite)?,
        }
        Ok(())
    });
    changed.unwrap();
}

/// Files of the postman in which this address stands.
fn letters_to(world: &World, email: &str) -> Vec<String> {
    let files = std::fs::read_dir(world.folder().join("mail")).unwrap().map(|file| file.unwrap().path());
    let named = files.filter(|file| std::fs::read_to_string(file).unwrap().contains(email));
    named.map(|file| file.display().to_string()).collect()
}

with_papers! {
    async fn the_first_payout_waits_for_who_one_is_for_tax(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        let empty = ana.get("/v1/me/tax-profile").await.ok();
        assert_eq!((empty["version"].as_i64(), empty["payouts_wait"].as_bool()), (Some(0), Some(true)));
        round.clean(&ana, &round.missions[0]).await;
        let refused = ask(&ana, 500).await.refused(Code::TaxProfileIncomplete);
        let missing: Vec<&str> =
            refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(
            missing,
            ["/first_name", "/last_name", "/street", "/postcode", "/city", "/country", "/birth_date", "/tax_number"]
        );
        let mut wrong = french();
        wrong["tax_number"] = json!("3023217600054");
        wrong["vat_number"] = json!("BE0411905847");
        let refused = put(&ana, 0, wrong).await.refused(Code::InvalidRequest);
        assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
        let mut part = french();
        part["city"] = Value::Null;
        let stored = put(&ana, 0, part).await.ok();
        assert_eq!(stored["missing"], json!(["city"]));
        assert_eq!(stored["tax_number"], "*********0053");
        ask(&ana, 500).await.refused(Code::TaxProfileIncomplete);
        put(&ana, 0, french()).await.refused(Code::Stale);
        let mut whole = french();
        whole.as_object_mut().unwrap().remove("tax_number");
        let stored = put(&ana, 1, whole).await.ok();
        assert_eq!((stored["missing"].clone(), stored["payouts_wait"].as_bool()), (json!([]), Some(false)));
        ask(&ana, 500).await.created();
        assert_eq!(ana.balance_minor().await, 700);
        assert!(holding(world, TIN).is_empty(), "{:?}", holding(world, TIN));
        assert!(holding(world, "Quatrefages").is_empty());
    }

    async fn three_letters_ask_and_then_payouts_wait_but_never_earnings(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        put(&ana, 0, french()).await.ok();
        round.clean(&ana, &round.missions[0]).await;
        let payout = ask(&ana, 500).await.created();
        settle(&finance, &payout).await;
        // Moved to another country: its tax number is missing.
        let mut moved = french();
        moved["country"] = json!("BE");
        moved.as_object_mut().unwrap().remove("tax_number");
        assert_eq!(put(&ana, 1, moved).await.ok()["missing"], json!(["tax_number"]));
        let letters = || {
            let rows = dump(world, &["paper_letters"]).remove("paper_letters").unwrap();
            rows.iter().filter(|row| row.contains("tax_profile_")).count()
        };
        world.work().await;
        assert_eq!(letters(), 1);
        ask(&ana, 100).await.created();
        world.advance_hours(24 * 31);
        world.work().await;
        world.work().await;
        assert_eq!(letters(), 2);
        assert!(world.letter_to(&ana.email).contains("second letter"));
        ask(&ana, 100).await.created();
        world.advance_hours(24 * 30);
        world.work().await;
        assert_eq!(letters(), 3);
        assert!(world.letter_to(&ana.email).contains("payouts wait"));
        ask(&ana, 100).await.refused(Code::TaxProfileIncomplete);
        assert_eq!(ana.balance_minor().await, 500);
        world.advance_hours(24 * 30);
        world.work().await;
        assert_eq!(letters(), 3);
    }

    async fn letters_keep_their_distance_however_long_ago_the_first_earning_was(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        round.clean(&ana, &round.missions[0]).await;
        world.work().await;
        let sweep = |hours: i64| {
            for _ in 0..3 {
                fieldproof::ops::tax_profiles::remind_tax_profiles(&world.cx()).unwrap();
                world.advance_hours(hours);
            }
            dump(world, &["paper_letters"]).remove("paper_letters").unwrap().len()
        };
        // The sweep rested for a long time, as when the platform only begins to ask.
        world.advance_hours(24 * 100);
        assert_eq!(sweep(1), 2);
        world.advance_hours(24 * 29);
        assert_eq!(sweep(1), 2);
        assert_eq!(sweep(24), 3);
    }

    async fn each_payout_that_arrives_is_explained_and_invoiced_once_without_a_gap(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        for mission in &round.missions {
            round.clean(&ana, mission).await;
        }
        assert_eq!(ana.get("/v1/me/self-billing").await.ok()["accepted"], false);
        let old = json!({ "terms_version": "2020-01" });
        ana.post("/v1/me/self-billing/acceptance", old).await.refused(Code::InvalidRequest);
        let accepted = json!({ "terms_version": "2026-11" });
        ana.post("/v1/me/self-billing/acceptance", accepted).await.refused(Code::TaxProfileIncomplete);
        let (arrived, first) = invoiced(world, &ana, &finance).await;
        let notice = ana.get(&format!("/v1/me/payouts/{arrived}/notice")).await.ok();
        assert_eq!(notice["gross"]["amount_minor"], 500);
        assert_eq!(notice["lines"][0]["paid"]["amount_minor"], 500);
        assert_eq!(notice["lines"][0]["mission_id"], round.missions[0].id.as_str());
        let page = ana.get(&format!("/v1/me/payouts/{arrived}/notice.html")).await;
        assert_eq!(page.status, 200);
        for word in ["impots.gouv.fr/portail/node/10841", "urssaf.fr/portail", "242 bis", "Fieldproof &amp; Cie"] {
            assert!(page.text().contains(word), "{word}: {}", page.text());
        }
        // The next payout goes on where the first one ended, over two visits.
        let waiting = ask(&ana, 1000).await.created();
        let id = waiting["id"].as_str().unwrap();
        ana.get(&format!("/v1/me/payouts/{id}/notice")).await.refused(Code::PayoutState);
        settle(&finance, &waiting).await;
        let notice = ana.get(&format!("/v1/me/payouts/{id}/notice")).await.ok();
        let paid: Vec<i64> = notice["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["paid"]["amount_minor"].as_i64().unwrap())
            .collect();
        assert_eq!(paid, [700, 300]);
        let read = format!("/v1/me/self-billing/documents/{first}");
        let (json_before, page_before) =
            (ana.get(&read).await.bytes, ana.get(&format!("{read}/document.html")).await.bytes);
        let invoice = ana.get(&read).await.ok();
        assert_eq!((invoice["number"].as_str(), invoice["kind"].as_str()), (Some("FP-000001"), Some("invoice")));
        assert_eq!(invoice["supplier"]["name"], "Zephyrine Quatrefages");
        assert!(invoice["vat"].as_str().unwrap().contains("293 B"));
        // A new address: the invoices stay as they were, and one is corrected.
        let mut moved = french();
        moved["street"] = json!("7 quai Perrache");
        moved["vat_number"] = json!("FR40303265045");
        put(&ana, 1, moved).await.ok();
        let mut emptied = french();
        emptied["city"] = Value::Null;
        put(&ana, 2, emptied).await.refused(Code::InvalidRequest);
        assert_eq!(ana.get(&read).await.bytes, json_before);
        assert_eq!(ana.get(&format!("{read}/document.html")).await.bytes, page_before);
        let why = json!({ "reason": "The address was the old one." });
        let correct = format!("/v1/admin/self-billing/{first}/correction");
        let corrected = finance.post(&correct, why.clone()).await.ok();
        assert_eq!(corrected["credit_note_number"], "FP-000003");
        assert_eq!(corrected["invoice_number"], "FP-000004");
        finance.post(&correct, why).await.refused(Code::WrongState);
        let note = corrected["credit_note_id"].as_str().unwrap();
        let note = ana.get(&format!("/v1/me/self-billing/documents/{note}/document.html")).await;
        assert!(note.text().contains("Annule la facture FP-000001"), "{}", note.text());
        assert!(note.text().contains("12 rue des Lilas") && note.text().contains("CHF -5.00"));
        let again = corrected["invoice_id"].as_str().unwrap();
        let again = ana.get(&format!("/v1/me/self-billing/documents/{again}")).await.ok();
        assert_eq!(again["supplier"]["street"], "7 quai Perrache");
        // Withdrawn: notices go on, invoices stop.
        ana.post("/v1/me/self-billing/withdrawal", json!({})).await.ok();
        let last = ask(&ana, 900).await.created();
        settle(&finance, &last).await;
        let listed = ana.get("/v1/me/self-billing/documents").await.ok();
        assert_eq!(listed["items"].as_array().unwrap().len(), 4);
        let recap = ana.get("/v1/me/recaps/2026").await.ok();
        assert_eq!(recap["paid_out"][0]["gross"]["amount_minor"], 2400);
        assert!(ana.get("/v1/me/recaps/2026/recap.html").await.text().contains("CHF 24.00"));
        assert!(holding(world, "Lilas").is_empty());
    }

    async fn a_bonus_that_was_reversed_is_named_in_no_notice_but_the_one_that_paid_it(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        put(&ana, 0, french()).await.ok();
        let first = round.clean(&ana, &round.missions[0]).await;
        let give = async || {
            world.advance_hours(1);
            let bonus = json!({ "amount_minor": 300, "reason": "Well done" });
            round.owner.post(&format!("/v1/brand/submissions/{first}/bonus"), bonus).await.ok();
        };
        let reverse = async || {
            let rows = dump(world, &["journals"]).remove("journals").unwrap();
            let last = rows.iter().rfind(|row| row.contains(",bonus,")).unwrap();
            let id = last.split(',').next().unwrap().trim_start_matches('(');
            let why = json!({ "reason": "The wrong visit." });
            finance.post(&format!("/v1/admin/journals/{id}/reverse"), why).await.ok();
        };
        let paid = async |minor: i64| {
            let payout = ask(&ana, minor).await.created();
            settle(&finance, &payout).await;
            lines_of(&ana, &payout).await
        };
        let line = |kind: &str, mission: usize, minor: i64| {
            (kind.to_owned(), mission_id(&round.missions[mission].id), minor)
        };
        // Reversed before it was paid: the next payout is for the visit alone.
        give().await;
        reverse().await;
        assert_eq!(paid(500).await, [line("reward", 0, 500)]);
        // Reversed after it was paid: what comes next is paid by so much less.
        give().await;
        assert_eq!(paid(1000).await, [line("reward", 0, 700), ("bonus".to_owned(), None, 300)]);
        round.clean(&ana, &round.missions[1]).await;
        reverse().await;
        assert_eq!(paid(900).await, [line("reward", 1, 900)]);
        assert_eq!(ana.balance_minor().await, 0);
    }

    async fn what_comes_back_after_it_arrived_is_explained_and_invoiced_anew(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        round.clean(&ana, &round.missions[0]).await;
        let (arrived, _) = invoiced(world, &ana, &finance).await;
        let notice = format!("/v1/me/payouts/{arrived}/notice");
        assert_eq!(ana.get(&notice).await.ok()["returned_at"], Value::Null);
        // The key of the first invoice's supplier is lost: money comes back all the same.
        change(
            world,
            "ALTER TABLE selfbilling_parties DISABLE TRIGGER USER; UPDATE selfbilling_parties SET person = 'v1.lost.AAAA'",
            "DROP TRIGGER selfbilling_parties_no_update; UPDATE selfbilling_parties SET person = 'v1.lost.AAAA'",
        );
        world.advance_hours(24);
        let back = Said::Returned("AC04 account closed".to_owned());
        let id = PayoutId::parse(&arrived).unwrap();
        assert!(fieldproof::ops::payouts::record_word(&world.cx(), &id, &back).unwrap());
        assert_eq!(ana.balance_minor().await, 1200);
        assert_eq!(ana.get(&notice).await.ok()["returned_at"], world.now().to_string());
        assert!(ana.get(&format!("{notice}.html")).await.text().contains("Came back"));
        assert_eq!(ana.get("/v1/me/recaps/2026").await.ok()["paid_out"], json!([]));
        let documents = dump(world, &["selfbilling_documents", "selfbilling_parties"]);
        assert_eq!((documents["selfbilling_documents"].len(), documents["selfbilling_parties"].len()), (2, 1));
        let note = documents["selfbilling_documents"].iter().find(|row| row.contains("credit_note")).unwrap();
        let note = note.split(',').next().unwrap().trim_start_matches('(');
        let note = ana.get(&format!("/v1/me/self-billing/documents/{note}")).await.ok();
        assert_eq!((note["supplier"].clone(), note["original_number"].as_str()), (Value::Null, Some("FP-000001")));
        // Paid again: the same visit stands on it, first what no payout paid yet, then what came back.
        let visit = |minor: i64| ("reward".to_owned(), mission_id(&round.missions[0].id), minor);
        let again = ask(&ana, 900).await.created();
        settle(&finance, &again).await;
        assert_eq!(lines_of(&ana, &again).await, [visit(700), visit(200)]);
        let last = ask(&ana, 300).await.created();
        settle(&finance, &last).await;
        assert_eq!(lines_of(&ana, &last).await, [visit(300)]);
        assert_eq!(ana.get("/v1/me/recaps/2026").await.ok()["paid_out"][0]["gross"]["amount_minor"], 1200);
    }

    async fn a_tax_profile_is_kept_for_as_long_as_the_last_bonus_is_reported(world) {
        let round = world.round("Acme", Plan::short()).await;
        let ana = world.worker("ana").await;
        put(&ana, 0, french()).await.ok();
        let visit = round.clean(&ana, &round.missions[0]).await;
        // Until the next year, by steps in which nobody's session ends.
        for _ in 0..8 {
            world.advance_hours(24 * 40);
            ana.get("/v1/me").await.ok();
            round.owner.get("/v1/me").await.ok();
        }
        let bonus = json!({ "amount_minor": 300, "reason": "Well done" });
        round.owner.post(&format!("/v1/brand/submissions/{visit}/bonus"), bonus).await.ok();
        let erased = ana.post("/v1/me/erasure", json!({ "password": PASSWORD, "waive_balance": true })).await.ok();
        let kept = erased["kept"].as_array().unwrap();
        let profile = kept.iter().find(|kept| kept["what"].as_str().unwrap().contains("tax profile")).unwrap();
        assert_eq!(profile["until"], "2033-01-01T00:00:00Z");
    }

    async fn a_year_is_reported_as_the_worker_sees_it(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        let (finance, admin) = (world.staff(StaffRole::Finance).await, world.staff(StaffRole::Admin).await);
        round.clean(&ana, &round.missions[0]).await;
        round.clean(&bo, &round.missions[1]).await;
        let before = finance.get("/v1/admin/dac7/2026").await.ok();
        assert_eq!(before["left_out"].as_array().unwrap().len(), 2);
        put(&ana, 0, french()).await.ok();
        let own = ana.get("/v1/me/dac7/2026").await.ok();
        assert_eq!(own["reportable"], true);
        let quarter = &own["figures"][0]["quarters"][0];
        assert_eq!(quarter["consideration"]["amount_minor"], 1200);
        assert_eq!((quarter["activities"].as_i64(), quarter["fees"]["amount_minor"].as_i64()), (Some(1), Some(240)));
        assert_eq!(own["figures"][0]["quarters"][1]["consideration"]["amount_minor"], 0);
        let report = finance.get("/v1/admin/dac7/2026").await.ok();
        assert_eq!(report["sellers"][0]["figures"], own["figures"][0]);
        assert_eq!(report["left_out"][0]["worker_id"], bo.id.as_str());
        assert_eq!(report["left_out"].as_array().unwrap().len(), 1);
        let xml = admin.get("/v1/admin/dac7/2026/report.xml").await.text();
        for part in [TIN, "Quatrefages", "<dpi:ConsQ1 currCode=\"CHF\">12</dpi:ConsQ1>", "<dpi:FeesQ1 currCode=\"CHF\">2<"] {
            assert!(xml.contains(part), "{part}: {xml}");
        }
        assert!(!xml.contains(&bo.id));
        assert!(ana.get("/v1/me/dac7/2025").await.ok()["figures"].as_array().unwrap().is_empty());
        ana.get("/v1/me/dac7/26").await.refused(Code::NotFound);
        // In January the recap is announced, once.
        world.advance_hours(24 * 300);
        world.work().await;
        world.work().await;
        assert!(world.letter_to(&ana.email).contains("recap of 2026"));
        let letters = dump(world, &["paper_letters"]).remove("paper_letters").unwrap();
        assert_eq!(letters.iter().filter(|row| row.contains("recap_2026")).count(), 2);
    }

    async fn who_leaves_is_gone_and_the_books_stay(world) {
        let logs = Logs::listen();
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        round.clean(&ana, &round.missions[0]).await;
        ana.patch("/v1/me", 2, json!({ "name": "Zephyrine Quatrefages" })).await.ok();
        let (_, document) = invoiced(world, &ana, &finance).await;
        let mission = &round.missions[1];
        ana.post(&format!("/v1/missions/{}/reservations", mission.id), json!({})).await.created();
        let (right, wrong) = (json!({ "password": PASSWORD }), json!({ "password": "not this one at all" }));
        ana.post("/v1/me/erasure", wrong).await.refused(Code::WrongCredentials);
        let owed = ana.post("/v1/me/erasure", right.clone()).await.refused(Code::MoneyOwed);
        assert_eq!(owed["errors"][0]["pointer"], "/waive_balance");
        // A bank may write a name into its reason.
        let refused = ask(&ana, 100).await.created();
        let id = refused["id"].as_str().unwrap();
        finance.post(&format!("/v1/admin/payouts/{id}/approve"), json!({})).await.ok();
        world.work().await;
        let why = json!({ "reason": "The account of Z. Quatrefages is closed" });
        finance.post(&format!("/v1/admin/payouts/{id}/return"), why).await.ok();
        let payout = ask(&ana, 400).await.created();
        ana.post("/v1/me/erasure", json!({ "password": PASSWORD, "waive_balance": true })).await.refused(Code::MoneyOwed);
        settle(&finance, &payout).await;
        world.work().await;
        // Somebody mistook the password: the log keeps no address that can be guessed.
        let mistaken = json!({ "email": ana.email, "password": "not this one at all", "device": "test phone" });
        world.stranger().ask("/v1/auth/token", mistaken).await.refused(Code::WrongCredentials);
        let address = fieldproof::access::token::digest(&ana.email);
        let secrets = [ana.email.as_str(), address.as_str(), "Zephyrine", "Quatrefages", IBAN, TIN, "Lilas"];
        assert!(!letters_to(world, &ana.email).is_empty());
        assert_eq!(holding(world, TIN), Vec::<String>::new(), "sealed only");
        assert_eq!(holding(world, "Lilas"), Vec::<String>::new(), "sealed only");
        let books = ["accounts", "journals", "transfers", "earnings", "decisions", "confirmations", "payment_notices"];
        let before = dump(world, &books);
        let chain = dump(world, &["events", "event_seals"]);
        let gone = json!({ "password": PASSWORD, "waive_balance": true });
        let erased = ana.post_with_key("/v1/me/erasure", "erase-me-please", gone.clone()).await.ok();
        assert_eq!(erased["waived"], json!([{ "amount_minor": 300, "currency": "CHF" }]));
        let kept: Vec<&str> =
            erased["kept"].as_array().unwrap().iter().map(|kept| kept["what"].as_str().unwrap()).collect();
        assert!(kept.iter().any(|what| what.contains("tax profile")) && kept.iter().any(|what| what.contains("invoices")));
        assert_eq!(ana.post_with_key("/v1/me/erasure", "erase-me-please", gone).await.ok(), erased);
        world.work().await;
        assert_eq!(dump(world, &books), before, "the books are as they were");
        let after = dump(world, &["events", "event_seals"]);
        for (table, rows) in &chain {
            assert!(rows.iter().all(|row| after[table].contains(row)), "{table} lost a row");
        }
        for secret in secrets {
            assert_eq!(holding(world, secret), Vec::<String>::new(), "{secret}");
            assert!(!logs.text().contains(secret), "{secret} is in the log");
        }
        assert_eq!(letters_to(world, &ana.email), Vec::<String>::new());
        // The token lives some minutes longer, and is good for nothing that matters.
        assert_eq!(ana.get("/v1/me").await.ok()["state"], "erased");
        ana.post(&format!("/v1/missions/{}/reservations", round.missions[2].id), json!({})).await.refused(Code::Suspended);
        put(&ana, 0, french()).await.refused(Code::WrongState);
        assert_eq!(ana.get("/v1/me/tax-profile").await.ok()["version"], 0);
        let sign_in = json!({ "email": ana.email, "password": PASSWORD, "device": "test phone" });
        world.stranger().ask("/v1/auth/token", sign_in).await.refused(Code::WrongCredentials);
        let bo = world.worker("bo").await;
        bo.post(&format!("/v1/missions/{}/reservations", mission.id), json!({})).await.created();
        // The report of the year still names who earned; after the years that the law asks for, nothing is left.
        let admin = world.staff(StaffRole::Admin).await;
        assert!(admin.get("/v1/admin/dac7/2026/report.xml").await.text().contains(TIN));
        let read = format!("/v1/me/self-billing/documents/{document}");
        assert_eq!(ana.get(&read).await.ok()["supplier"]["name"], "Zephyrine Quatrefages");
        world.verify().await;
        let sealed = dump(world, &["tax_profiles", "selfbilling_parties"]);
        assert_eq!((sealed["tax_profiles"].len(), sealed["selfbilling_parties"].len()), (1, 2));
        world.advance_hours(24 * 366 * 11);
        fieldproof::ops::tax_profiles::drop_papers(&world.cx()).unwrap();
        let sealed = dump(world, &["tax_profiles", "selfbilling_parties"]);
        assert_eq!((sealed["tax_profiles"].len(), sealed["selfbilling_parties"].len()), (0, 0));
    }

    async fn a_token_that_outlives_its_worker_leads_to_no_money(world) {
        let round = world.round("Acme", Plan::short().stores(3)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        let paid = round.clean(&ana, &round.missions[0]).await;
        let refused = round.doubtful(&ana, &round.missions[1]).await;
        let rita = world.staff(StaffRole::Reviewer).await;
        rita.claim(&refused).await.ok();
        rita.decide(&refused, rejected()).await.created();
        let mut visit = Visit::begin(&ana, &round.missions[2]).await;
        visit.answer_short(7);
        visit.upload().await;
        world.advance_hours(20);
        world.work().await;
        ana.post("/v1/me/erasure", json!({ "password": PASSWORD, "waive_balance": true })).await.ok();
        // Without the erasure both would be taken: the slot is free and the time for an appeal runs.
        ana.seal(&visit.reservation, &visit.sealed_as("completed")).await.refused(Code::WrongState);
        ana.appeal(&refused).await.refused(Code::WrongState);
        let bonus = json!({ "amount_minor": 100, "reason": "Well done" });
        round.owner.post(&format!("/v1/brand/submissions/{paid}/bonus"), bonus).await.refused(Code::WrongState);
        let late = json!({ "amount": { "amount_minor": 100, "currency": "CHF" }, "reason": "We were late" });
        finance.post(&format!("/v1/admin/workers/{}/late-bonus", ana.id), late).await.refused(Code::WrongState);
    }

    async fn a_photo_that_is_looked_at_after_its_worker_left_names_no_place(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        round.clean(&bo, &round.missions[1]).await;
        let mut visit = Visit::begin(&ana, &round.missions[0]).await;
        visit.answer_short(7);
        visit.upload().await;
        ana.post("/v1/me/erasure", json!({ "password": PASSWORD })).await.ok();
        world.work().await;
        let rows = dump(world, &["evidence", "looks"]);
        let of = |table: &str, text: &str| rows[table].iter().filter(|row| row.contains(text)).count();
        assert_eq!(rows["looks"].len(), 2, "both were looked at");
        assert_eq!((of("evidence", "\"point\""), of("evidence", "lat")), (1, 1), "the other worker's: {rows:?}");
        assert_eq!((of("looks", &bo.id), of("looks", &ana.id)), (1, 0));
    }

    async fn an_admin_erases_on_somebodys_word(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, admin) = (world.worker("ana").await, world.staff(StaffRole::Admin).await);
        let path = format!("/v1/admin/workers/{}/erasure", ana.id);
        let waiting = round.doubtful(&ana, &round.missions[0]).await;
        let asked = json!({ "reason": "A letter of 3 March", "waive_balance": true });
        let refused = admin.post(&path, asked.clone()).await.refused(Code::MoneyOwed);
        assert_eq!(refused["errors"][0]["pointer"], "/submissions");
        let rita = world.staff(StaffRole::Reviewer).await;
        rita.claim(&waiting).await.ok();
        rita.decide(&waiting, json!({ "kind": "approved" })).await.created();
        let erased = admin.post(&path, asked.clone()).await.ok();
        assert_eq!(erased["kept"].as_array().unwrap().len(), 2, "no profile was ever given: {erased}");
        admin.post(&path, asked).await.refused(Code::WrongState);
        assert_eq!(holding(world, &ana.email), Vec::<String>::new());
    }
}

both! {
    async fn a_report_needs_to_know_who_reports(world) {
        let admin = world.staff(StaffRole::Admin).await;
        let refused = admin.get("/v1/admin/dac7/2026/report.xml").await.refused(Code::ReportIncomplete);
        assert_eq!(refused["errors"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn the_report_is_the_file_that_was_agreed() {
    let seller = |n: u128, currency: Currency| {
        let money = |minor| Money::new(minor, currency);
        let quarter = |minor, activities| Quarter { consideration: money(minor), activities, fees: money(minor / 5) };
        Seller {
            id: UserId::from_bits(n),
            person: TaxPerson {
                first_name: Some("Zéphyrine".to_owned()),
                last_name: Some("O'Neil & <Söhne>".to_owned()),
                street: Some("12 rue des Lilas".to_owned()),
                postcode: Some("69003".to_owned()),
                city: Some("Lyon".to_owned()),
                country: Some("FR".to_owned()),
                birth_date: Some("1990-12-31".to_owned()),
                tax_number: Some(TIN.to_owned()),
                vat_number: None,
            },
            figures: Figures {
                currency,
                quarters: vec![quarter(120_050, 100), quarter(0, 0), quarter(1_249, 1), quarter(99, 2)],
            },
        }
    };
    let at = At::parse("2027-01-10T09:00:00.5Z").unwrap();
    let xml = dac7::xml(&platform(), 2026, at, &[seller(1, Currency::EUR), seller(2, Currency::CHF)]);
    assert_snapshot("dac7.xml", &xml);
}

#[test]
fn the_command_writes_the_report_or_says_what_it_lacks() {
    let scratch = crate::support::scratch::Scratch::new();
    let settings = Settings { platform: platform(), ..Settings::in_folder(&*scratch) };
    drop(fieldproof::boot::App::open(&settings, fieldproof::ports::clock::Clock::System).unwrap());
    let out = scratch.join("report.xml");
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fieldproof"));
        command.args(["dac7", "--year", "2026", "--out"]).arg(&out).arg("--data").arg(&*scratch).args(more);
        command.output().unwrap()
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("platform-tax-number"));
    let name = ["--platform-name", "Fieldproof", "--platform-address", "1 rue de la Paix, Paris"];
    let place = ["--platform-country", "FR", "--platform-tax-number", "303265045"];
    // A file that was there, open to all.
    std::fs::write(&out, "an older report, and longer than nothing").unwrap();
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o644)).unwrap();
    let written = run(&[name, place].concat());
    assert_eq!(written.status.code(), Some(0), "{}", String::from_utf8_lossy(&written.stderr));
    assert!(std::fs::read_to_string(&out).unwrap().contains("<dpi:MessageTypeIndic>DPI403</dpi:MessageTypeIndic>"));
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
}
