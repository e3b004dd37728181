//! Money that really leaves: methods that are held, batches of two people, files for and from the bank, gift codes. And
//! nobody finds an account in clear where none is meant to be read.

use diesel::prelude::*;
use fieldproof::access::token::digest;
use fieldproof::access::totp;
use fieldproof::context::Rules;
use fieldproof::db::rows::StepUpRow;
use fieldproof::db::schema::{events, outbox, payout_methods};
use fieldproof::db::{Conn, step_ups};
use fieldproof::domain::event::Actor;
use fieldproof::domain::payout::PayoutRules;
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::logs::Logs;
use crate::support::visit::{Plan, Round};
use crate::support::world::{DEBTOR, Engine, PASSWORD, Person, World, both, play, play_under};

pub const IBANS: [&str; 3] = ["CH9300762011623852957", "CH5604835012345678009", "CH3908704016075473007"];

/// Workers with CHF 12 each.
async fn paid<'w>(world: &'w World, names: &[&str]) -> (Round<'w>, Vec<Person<'w>>) {
    let round = world.round("Acme", Plan::short().stores(names.len() + 1)).await;
    let mut workers = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let worker = world.worker(name).await;
        round.clean(&worker, &round.missions[n]).await;
        workers.push(worker);
    }
    (round, workers)
}

fn bank(iban: &str) -> Value {
    json!({ "rail": "bank", "iban": iban, "holder": "Zoë Müller & Söhne", "town": "Zürich", "country": "CH",
        "street": "Bahnhofstraße", "building": "1a", "postcode": "8001", "password": PASSWORD })
}

async fn add(worker: &Person<'_>, asked: Value) -> Value {
    worker.post("/v1/me/payout-methods", asked).await.created()
}

async fn ask(worker: &Person<'_>, method: &Value) -> Value {
    worker.post("/v1/payouts", json!({ "method_id": method["id"] })).await.created()
}

async fn state(worker: &Person<'_>) -> String {
    worker.get("/v1/payouts").await.ok()["items"][0]["state"].as_str().unwrap().to_owned()
}

async fn money(worker: &Person<'_>) -> [i64; 3] {
    let balance = &worker.get("/v1/balance").await.ok()["balances"][0];
    ["available", "in_payout", "paid_out"].map(|name| balance[name]["amount_minor"].as_i64().unwrap())
}

struct Desk<'w> {
    first: Person<'w>,
    second: Person<'w>,
}

impl<'w> Desk<'w> {
    async fn of(world: &'w World) -> Desk<'w> {
        Desk { first: world.staff(StaffRole::Finance).await, second: world.staff(StaffRole::Finance).await }
    }

    async fn prepared(&self, rail: &str) -> String {
        let asked = json!({ "rail": rail, "currency": "CHF" });
        let batch = self.first.post("/v1/admin/payout-batches", asked).await.created();
        format!("/v1/admin/payout-batches/{}", batch["id"].as_str().unwrap())
    }

    async fn approved(&self, rail: &str) -> String {
        let path = self.prepared(rail).await;
        self.first.post(&format!("{path}/check"), json!({})).await.ok();
        self.second.post(&format!("{path}/approve"), json!({})).await.ok();
        path
    }

    /// Payouts by bank of these workers, approved, and the file taken.
    async fn taken(&self, world: &World, people: &[Person<'_>]) -> (String, Vec<Value>) {
        let mut methods = Vec::new();
        for (worker, iban) in people.iter().zip(IBANS) {
            methods.push(add(worker, bank(iban)).await);
        }
        world.advance_hours(49);
        let mut payouts = Vec::new();
        for (worker, method) in people.iter().zip(&methods) {
            payouts.push(ask(worker, method).await);
        }
        let path = self.approved("bank").await;
        assert_eq!(self.first.get(&format!("{path}/file")).await.status, 200);
        (path, payouts)
    }

    /// The secret of a second factor.
    async fn enrolled(&self, world: &World, who: &Person<'_>) -> String {
        let enrolled = who.post("/v1/admin/step-up", json!({ "password": PASSWORD })).await.ok();
        let secret = enrolled["secret"].as_str().unwrap().to_owned();
        who.post("/v1/admin/step-up/confirm", json!({ "code": code_now(world, &secret) })).await.ok();
        secret
    }

    async fn import(&self, xml: &str) -> Value {
        self.first.post("/v1/admin/bank-files", json!({ "xml": xml })).await.ok()
    }
}

/// The next code of a second factor.
fn code_now(world: &World, secret: &str) -> String {
    world.advance_secs(60);
    totp::code_at(secret, world.now().timestamp().as_second()).unwrap()
}

/// One line of a camt.054: whose order, how much, and why it came back.
fn notice(message: &str, lines: &[(&str, &str, Option<&str>)]) -> String {
    let mut entries = String::new();
    for (n, (id, amount, back)) in lines.iter().enumerate() {
        let side = if back.is_some() { "CRDT" } else { "DBIT" };
        let reason = back.map(|code| format!("<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>")).unwrap_or_default();
        entries.push_str(&format!(
            "<Ntry><Amt Ccy=\"CHF\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <AcctSvcrRef>{message}/{n}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{reason}\
             </TxDtls></NtryDtls></Ntry>"
        ));
    }
    format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn>\
         <GrpHdr><MsgId>{message}</MsgId></GrpHdr><Ntfctn><Id>1</Id><Acct><Id><IBAN>{DEBTOR}</IBAN></Id></Acct>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )
}

fn refusal(message: &str, ours: &str, items: &[&str]) -> String {
    let mut lines = String::new();
    for id in items {
        lines.push_str(&format!(
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn>\
             <AddtlInf>closed</AddtlInf></StsRsnInf></TxInfAndSts>"
        ));
    }
    let group = if items.is_empty() { "<GrpSts>RJCT</GrpSts>" } else { "" };
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><MsgId>{message}</MsgId>\
         </GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{ours}</OrgnlMsgId>{group}</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>\
         <OrgnlPmtInfId>{ours}</OrgnlPmtInfId>{lines}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
}

fn bank_id(thing: &Value) -> String {
    thing["id"].as_str().unwrap().replace('_', "-")
}

fn results(file: &Value) -> Vec<&str> {
    file["entries"].as_array().unwrap().iter().map(|entry| entry["result"].as_str().unwrap()).collect()
}

/// Everything that is kept anywhere, as text: every table of the database, letters and blobs in the folder.
fn everything(world: &World) -> String {
    let text = world.app.core.db.read(|c| {
        let tables: Vec<String> = match c {
            Conn::Lite(lite) => diesel::dsl::sql::<diesel::sql_types::Text>(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .load(lite)?,
            Conn::Pg(pg) => diesel::dsl::sql::<diesel::sql_types::Text>(
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()",
            )
            .load(pg)?,
        };
        let mut all = String::new();
        if let Conn::Pg(pg) = c {
            for table in tables {
                let rows: Vec<String> =
                    diesel::dsl::sql::<diesel::sql_types::Text>(&format!("SELECT CAST(t AS TEXT) FROM {table} t"))
                        .load(pg)?;
                all.push_str(&rows.join("\n"));
            }
        }
        Ok(all)
    });
    let mut text = text.unwrap();
    let mut folders = vec![world.folder().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
            }
        }
    }
    text
}

both! {
    async fn a_new_method_waits_and_is_told(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let ana = &people[0];
        let wrong = json!({ "rail": "bank", "iban": IBANS[0], "holder": "Ana", "password": "not this one" });
        ana.post("/v1/me/payout-methods", wrong).await.refused(Code::WrongPassword);
        let wrong = json!({ "rail": "bank", "iban": "CH9300762011623852958", "holder": "Ana", "password": PASSWORD });
        let told = ana.post("/v1/me/payout-methods", wrong).await.refused(Code::InvalidRequest);
        assert_eq!(told["errors"][0]["pointer"], "/iban");
        let method = add(ana, bank("CH93 0076 2011 6238 5295 7")).await;
        assert_eq!((&method["masked"], &method["blocked"]), (&json!("CH** **** 2957"), &json!("held")));
        assert!(world.letter_to(&ana.email).contains("CH** **** 2957"));
        let asked = json!({ "method_id": method["id"] });
        ana.post("/v1/payouts", asked.clone()).await.refused(Code::MethodNotPayable);
        let listed = ana.get("/v1/me/payout-methods").await.ok();
        assert_eq!((&listed["items"][0], &listed["rails"][0]["open"]), (&method, &json!(true)));
        assert_eq!(listed["next_run_at"], "2026-03-11T05:00:00Z");
        let expected = ana.get("/v1/earnings").await.ok()["items"][0]["expected_payout_on"].clone();
        assert_eq!(expected, "2026-03-16", "held until Thursday noon, run on Friday, there on Monday");

        world.advance_hours(49);
        let payout = ana.post("/v1/payouts", asked.clone()).await.created();
        assert_eq!(payout["destination"], "CH** **** 2957");
        ana.post(&format!("/v1/payouts/{}/cancel", payout["id"].as_str().unwrap()), json!({})).await.ok();
        assert_eq!(money(ana).await, [1200, 0, 0]);
        ana.post(&format!("/v1/me/payout-methods/{}/remove", method["id"].as_str().unwrap()), json!({})).await.ok();
        ana.post("/v1/payouts", asked).await.refused(Code::NotFound);
        for n in 0..5 {
            add(ana, json!({ "rail": "test", "account": format!("test {n}"), "password": PASSWORD })).await;
        }
        let more = json!({ "rail": "voucher", "password": PASSWORD });
        ana.post("/v1/me/payout-methods", more).await.refused(Code::TooManyMethods);
    }

    async fn the_new_method_of_somebody_suspended_is_not_paid_to(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let ana = &people[0];
        let old = add(ana, bank(IBANS[0])).await;
        world.advance_hours(50);
        let admin = world.staff(StaffRole::Admin).await;
        let why = json!({ "code": "suspected_fraud", "text": "Two of your photos show the same shelf." });
        admin.post(&format!("/v1/admin/workers/{}/suspend", ana.id), why.clone()).await.ok();
        let new = add(ana, bank(IBANS[1])).await;
        world.advance_hours(100);
        ana.post("/v1/payouts", json!({ "method_id": new["id"] })).await.refused(Code::MethodNotPayable);
        assert_eq!(money(ana).await, [1200, 0, 0], "it stays theirs");
        ask(ana, &old).await;
        admin.post(&format!("/v1/admin/workers/{}/reinstate", ana.id), why).await.ok();
        assert_eq!(ana.get("/v1/me/payout-methods").await.ok()["items"][1]["blocked"], Value::Null);
    }

    async fn the_daily_run_pays_who_chose_it_once_a_day(world) {
        let (round, people) = paid(world, &["ana", "bo"]).await;
        let ana = &people[0];
        let mut asked = bank(IBANS[0]);
        asked["automatic"] = json!(true);
        let method = add(ana, asked).await;
        assert_eq!(method["automatic"], true);
        world.advance_hours(24);
        world.work().await;
        assert_eq!(money(ana).await, [1200, 0, 0], "it is held");
        world.advance_hours(30);
        world.work().await;
        world.work().await;
        assert_eq!(money(ana).await, [0, 1200, 0]);
        assert_eq!(money(&people[1]).await, [1200, 0, 0], "who did not choose is not paid unasked");
        round.clean(ana, &round.missions[2]).await;
        world.work().await;
        assert_eq!(money(ana).await, [1200, 1200, 0], "the next run is tomorrow's");
        world.advance_hours(24);
        world.work().await;
        assert_eq!(money(ana).await, [0, 2400, 0]);
        let choice = json!({ "method_id": method["id"], "automatic": false });
        assert_eq!(ana.post("/v1/me/payout-choice", choice).await.ok()["automatic"], false);
    }

    async fn a_batch_leaves_by_two_people_and_the_bank_says_what_became_of_it(world) {
        let (_, people) = paid(world, &["ana", "bo", "cyd"]).await;
        let mut payouts = Vec::new();
        let mut methods = Vec::new();
        for (worker, iban) in people.iter().zip(IBANS) {
            methods.push(add(worker, bank(iban)).await);
        }
        world.advance_hours(49);
        for (worker, method) in people.iter().zip(&methods) {
            payouts.push(ask(worker, method).await);
        }
        let desk = Desk::of(world).await;
        let path = format!("/v1/admin/payouts/{}/approve", payouts[0]["id"].as_str().unwrap());
        let told = desk.first.post(&path, json!({})).await.refused(Code::PayoutState);
        assert_eq!(told["allowed"], json!(["batch"]));
        let path = desk.prepared("bank").await;
        let more = json!({ "rail": "bank", "currency": "CHF" });
        desk.second.post("/v1/admin/payout-batches", more).await.refused(Code::NothingToPay);
        desk.second.post(&format!("{path}/approve"), json!({})).await.refused(Code::WrongState);
        desk.first.get(&format!("{path}/file")).await.refused(Code::WrongState);
        let checked = desk.first.post(&format!("{path}/check"), json!({})).await.ok();
        assert_eq!((&checked["items"], &checked["doubts"], &checked["step_up"]), (&json!(3), &json!([]), &json!(false)));
        desk.first.post(&format!("{path}/approve"), json!({})).await.refused(Code::SecondPerson);
        desk.second.post(&format!("{path}/approve"), json!({})).await.ok();
        let file = desk.first.get(&format!("{path}/file")).await;
        assert_eq!((file.status, file.headers["content-type"].as_str()), (200, "application/xml"));
        let text = file.text();
        for part in ["<NbOfTxs>3</NbOfTxs>", "<CtrlSum>36.00</CtrlSum>", "Zoe Muller + Sohne", IBANS[2], "Bahnhofstrasse"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        world.advance_hours(5);
        assert_eq!(desk.second.get(&format!("{path}/file")).await.bytes, file.bytes, "the same bytes for ever");

        // The bank answers before finance says that it was sent, refuses one, brings two, and one of these comes back.
        let ids: Vec<String> = payouts.iter().map(bank_id).collect();
        let told = desk.import(&refusal("R1", "other", &[&ids[0]])).await;
        assert_eq!(results(&told), ["matched"]);
        assert_eq!((state(&people[0]).await.as_str(), money(&people[0]).await), ("failed", [1200, 0, 0]));
        desk.first.get(&format!("{path}/file")).await.refused(Code::WrongState);
        desk.first.post(&format!("{path}/sent"), json!({})).await.ok();
        let lines = [
            (ids[1].as_str(), "12.00", None), (&ids[2], "12.01", None), ("NOTPROVIDED", "5.00", None),
            ("pay-00000000000000000000000000", "12.00", Some("AC01")), (&ids[0], "12.00", None),
        ];
        let camt = notice("C1", &lines);
        let told = desk.import(&camt).await;
        assert_eq!(results(&told), ["matched", "amount_differs", "unknown", "unknown", "contradicts"]);
        assert_eq!((state(&people[1]).await.as_str(), state(&people[2]).await.as_str()), ("settled", "sent"));
        let again = desk.import(&camt).await;
        assert_eq!((&again["again"], &again["id"]), (&json!(true), &told["id"]));
        let same = desk.import(&notice("C2", &[(&ids[1], "12.00", None), (&ids[2], "12.00", None)])).await;
        assert_eq!(results(&same), ["known", "matched"]);
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
        let back = desk.import(&notice("C3", &[(&ids[2], "12.00", Some("AC04"))])).await;
        assert_eq!(results(&back), ["matched"]);
        assert_eq!((state(&people[2]).await.as_str(), money(&people[2]).await), ("returned", [1200, 0, 0]));
        assert!(world.letter_to(&people[2].email).contains("AC04"));
        let twice = desk.import(&notice("C4", &[(&ids[2], "12.00", Some("AC04"))])).await;
        assert_eq!(results(&twice), ["known"]);
        let open = desk.first.get("/v1/admin/bank-entries?result=unknown").await.ok();
        assert_eq!(open["items"].as_array().unwrap().len(), 2);
        let asked = json!({ "xml": "<Document/>" });
        desk.first.post("/v1/admin/bank-files", asked).await.refused(Code::BankFileUnreadable);
    }

    async fn a_file_that_the_bank_refuses_gives_everything_back(world) {
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let mut methods = Vec::new();
        for (worker, iban) in people.iter().zip(IBANS) {
            methods.push(add(worker, bank(iban)).await);
        }
        world.advance_hours(49);
        for (worker, method) in people.iter().zip(&methods) {
            ask(worker, method).await;
        }
        let desk = Desk::of(world).await;
        let path = desk.approved("bank").await;
        let ours = path.rsplit('/').next().unwrap().replace('_', "-");
        assert_eq!(results(&desk.import(&refusal("R1", &ours, &[])).await), ["matched", "matched"]);
        for worker in &people {
            assert_eq!(money(worker).await, [1200, 0, 0]);
        }
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
    }

    async fn doubts_ask_for_a_code_and_what_may_not_leave_stays(world) {
        let (_, people) = paid(world, &["ana", "bo", "cyd"]).await;
        let mut methods = Vec::new();
        for (worker, iban) in people.iter().zip([IBANS[0], IBANS[0], IBANS[1]]) {
            methods.push(add(worker, bank(iban)).await);
        }
        world.advance_hours(49);
        for (worker, method) in people.iter().zip(&methods) {
            ask(worker, method).await;
        }
        let desk = Desk::of(world).await;
        let path = desk.prepared("bank").await;
        let method = methods[2]["id"].as_str().unwrap();
        people[2].post(&format!("/v1/me/payout-methods/{method}/remove"), json!({})).await.ok();
        let checked = desk.first.post(&format!("{path}/check"), json!({})).await.ok();
        let codes: Vec<_> = checked["doubts"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
        assert_eq!((codes.as_slice(), &checked["items"]), (["shared_account", "shared_account", "removed"].as_slice(), &json!(2)));
        let approve = format!("{path}/approve");
        desk.second.post(&approve, json!({})).await.refused(Code::StepUpNeeded);

        desk.second.post("/v1/admin/step-up", json!({ "password": "wrong" })).await.refused(Code::WrongPassword);
        let key = "step-up-key-1";
        let asked = json!({ "password": PASSWORD });
        let enrolled = desk.second.post_with_key("/v1/admin/step-up", key, asked.clone()).await.ok();
        assert_eq!(desk.second.post_with_key("/v1/admin/step-up", key, asked).await.ok(), enrolled);
        let secret = enrolled["secret"].as_str().unwrap();
        let code = |secs: i64| totp::code_at(secret, world.now().timestamp().as_second() + secs).unwrap();
        desk.second.post(&approve, json!({ "code": code(0) })).await.refused(Code::StepUpNeeded);
        desk.second.post("/v1/admin/step-up/confirm", json!({ "code": code(0) })).await.ok();
        desk.second.post(&approve, json!({ "code": code(0) })).await.refused(Code::StepUpWrong);
        world.advance_secs(60);
        for _ in 0..4 {
            desk.second.post(&approve, json!({ "code": "000000" })).await.refused(Code::StepUpWrong);
        }
        desk.second.post(&approve, json!({ "code": code(0) })).await.refused(Code::TooManyRequests);
        world.advance_secs(600);
        let approved = desk.second.post(&approve, json!({ "code": code(0) })).await.ok();
        assert_eq!(approved["state"], "approved");
        assert_eq!(state(&people[2]).await, "requested", "it waits outside");
        assert!(world.letter_to(&people[2].email).contains("The method was removed."), "and its worker knows why");
        let put_back = world.app.core.db.read(|c| {
            Ok(events::table.filter(events::kind.eq("payout.put_back")).count().get_result::<i64>(c)?)
        });
        assert_eq!(put_back.unwrap(), 1);
        assert!(!everything(world).contains(secret), "the secret is nowhere in clear");

        let (ada, bea) = (world.staff(StaffRole::Admin).await, world.staff(StaffRole::Admin).await);
        ada.post(&format!("/v1/admin/staff/{}/step-up-reset", ada.id), json!({})).await.refused(Code::SecondPerson);
        let reset = bea.post(&format!("/v1/admin/staff/{}/step-up-reset", desk.second.id), json!({})).await.ok();
        assert_eq!(reset["confirmed"], false);
        assert!(world.letter_to(&desk.second.email).contains("second factor"));
    }

    async fn a_batch_that_was_discarded_or_changed_is_not_approved(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let method = add(&people[0], bank(IBANS[0])).await;
        world.advance_hours(49);
        let payout = ask(&people[0], &method).await;
        let desk = Desk::of(world).await;
        let path = desk.prepared("bank").await;
        let cancel = format!("/v1/payouts/{}/cancel", payout["id"].as_str().unwrap());
        people[0].post(&cancel, json!({})).await.refused(Code::PayoutState);
        desk.first.post(&format!("{path}/check"), json!({})).await.ok();
        let remove = format!("/v1/me/payout-methods/{}/remove", method["id"].as_str().unwrap());
        people[0].post(&remove, json!({})).await.ok();
        desk.second.post(&format!("{path}/approve"), json!({})).await.refused(Code::WrongState);
        desk.second.post(&format!("{path}/discard"), json!({})).await.ok();
        desk.second.post(&format!("{path}/approve"), json!({})).await.refused(Code::WrongState);
        people[0].post(&cancel, json!({})).await.ok();
        assert_eq!(money(&people[0]).await, [1200, 0, 0]);
    }

    async fn who_takes_payouts_back_while_a_batch_is_prepared_does_not_wedge_it(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let ana = &people[0];
        let method = add(ana, json!({ "rail": "test", "account": "test 1", "password": PASSWORD })).await;
        let desk = Desk::of(world).await;
        let part = json!({ "method_id": method["id"], "amount": { "amount_minor": 100, "currency": "CHF" } });
        for _ in 0..4 {
            let mut cancels = Vec::new();
            for _ in 0..10 {
                let payout = ana.post("/v1/payouts", part.clone()).await.created();
                cancels.push(format!("/v1/payouts/{}/cancel", payout["id"].as_str().unwrap()));
            }
            let prepare = desk.first.post("/v1/admin/payout-batches", json!({ "rail": "test", "currency": "CHF" }));
            let (batch, _) = join(prepare, join_all(cancels.iter().map(|path| ana.post(path, json!({}))))).await;
            if batch.status != 201 {
                continue;
            }
            let path = format!("/v1/admin/payout-batches/{}", batch.created()["id"].as_str().unwrap());
            let items = desk.first.post(&format!("{path}/check"), json!({})).await.ok()["items"].as_i64().unwrap();
            let detail = desk.first.get(&path).await.ok();
            assert!(detail["payouts"].as_array().unwrap().iter().all(|payout| payout["state"] == "requested"));
            assert_eq!(detail["payouts"].as_array().unwrap().len() as i64, items);
            desk.second.post(&format!("{path}/discard"), json!({})).await.ok();
            for path in &cancels {
                ana.post(path, json!({})).await;
            }
            assert_eq!(money(ana).await, [1200, 0, 0]);
        }
    }

    async fn a_batch_whose_payouts_end_at_once_is_reconciled(world) {
        let (_, people) = paid(world, &["ana", "bo", "cyd", "dan"]).await;
        let mut payouts = Vec::new();
        for (n, worker) in people.iter().enumerate() {
            let account = format!("test {n}");
            let method = add(worker, json!({ "rail": "test", "account": account, "password": PASSWORD })).await;
            let part = json!({ "method_id": method["id"], "amount": { "amount_minor": 300, "currency": "CHF" } });
            for _ in 0..4 {
                payouts.push(worker.post("/v1/payouts", part.clone()).await.created());
            }
        }
        let desk = Desk::of(world).await;
        let path = desk.prepared("test").await;
        desk.first.post(&format!("{path}/check"), json!({})).await.ok();
        desk.second.post(&format!("{path}/approve"), json!({})).await.ok();
        world.work().await;
        let settles: Vec<String> =
            payouts.iter().map(|payout| format!("/v1/admin/payouts/{}/settle", payout["id"].as_str().unwrap())).collect();
        let replies = join_all(settles.iter().map(|settle| desk.first.post(settle, json!({})))).await;
        for reply in replies {
            assert_eq!(reply.ok()["state"], "settled");
        }
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
    }

    async fn a_file_that_is_refused_as_a_second_one_gives_nothing_back(world) {
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let desk = Desk::of(world).await;
        let (path, payouts) = desk.taken(world, &people).await;
        let ours = path.rsplit('/').next().unwrap().replace('_', "-").to_uppercase();
        let ids: Vec<String> = payouts.iter().map(bank_id).collect();
        let whole = refusal("R1", &ours, &[]).replace("</GrpSts>", "</GrpSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>");
        assert_eq!(results(&desk.import(&whole).await), ["contradicts", "contradicts"]);
        let one = refusal("R2", &ours, &[&ids[0]]).replace("AC04", "AM05");
        assert_eq!(results(&desk.import(&one).await), ["contradicts"]);
        let cancelled = refusal("R3", &ours, &[&ids[0]]).replace("RJCT", "CANC");
        assert_eq!(results(&desk.import(&cancelled).await), ["contradicts"]);
        desk.first.post(&format!("{path}/sent"), json!({})).await.ok();
        let accepted = refusal("R4", &ours, &[&ids[0]]).replace("RJCT", "ACSP");
        assert_eq!(results(&desk.import(&accepted).await), ["known"]);
        let whole = refusal("R5", &ours, &[]);
        assert_eq!(results(&desk.import(&whole).await), ["contradicts", "contradicts"], "the bank has taken it");
        for worker in &people {
            assert_eq!(money(worker).await, [0, 1200, 0]);
        }
        assert_eq!(results(&desk.import(&refusal("R6", &ours, &[&ids[1]])).await), ["matched"]);
        let late = refusal("R7", &ours, &[&ids[1]]).replace("RJCT", "ACSC");
        assert_eq!(results(&desk.import(&late).await), ["contradicts"], "it was refused, and is paid all the same");
    }

    async fn only_what_the_bank_says_of_our_account_moves_money(world) {
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let desk = Desk::of(world).await;
        let (path, payouts) = desk.taken(world, &people).await;
        let detail = desk.first.get(&path).await.ok();
        let file = desk.first.get(&format!("{path}/file")).await.bytes;
        assert_eq!(detail["file_sha256"].as_str().unwrap().len(), 64);
        assert!(detail["file_taken_at"].is_string() && !file.is_empty());
        let ids: Vec<String> = payouts.iter().map(bank_id).collect();
        let foreign = notice("F1", &[(&ids[0], "12.00", None)]).replace(DEBTOR, "BE71096123456769");
        assert_eq!(results(&desk.import(&foreign).await), ["other_account"]);
        let nobodys = notice("F2", &[(&ids[0], "12.00", Some("AC04"))]).replace("<RtrInf>", "<Other>").replace("</RtrInf>", "</Other>");
        assert_eq!(results(&desk.import(&nobodys).await), ["contradicts"], "a credit that is no return");
        assert_eq!(money(&people[0]).await, [0, 1200, 0]);
        let own = |xml: String, reference: &str| {
            xml.replace("<Refs>", &format!("<Refs><AcctSvcrRef>{reference}</AcctSvcrRef>"))
        };
        let first = desk.import(&own(notice("F3", &[(&ids[0], "12.00", None)]), "T1")).await;
        assert_eq!(results(&first), ["matched"]);
        let again = desk.import(&own(notice("F4", &[(&ids[0], "12.00", None)]), "T1")).await;
        assert_eq!(results(&again), ["known"]);
        let twice = desk.import(&own(notice("F5", &[(&ids[0], "12.00", None)]), "T2")).await;
        assert_eq!(results(&twice), ["contradicts"], "the bank paid it twice");
        let open = desk.first.get("/v1/admin/bank-entries?result=other_account").await.ok();
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        let large = format!("{}<!-- {} -->", notice("F6", &[(&ids[1], "12.00", None)]), "x".repeat(3 << 20));
        assert_eq!(results(&desk.import(&large).await), ["matched"], "a long file is read");
    }

    async fn a_sum_that_is_what_is_open_of_a_batch_settles_it(world) {
        let (_, people) = paid(world, &["ana", "bo", "cyd"]).await;
        let desk = Desk::of(world).await;
        let (path, payouts) = desk.taken(world, &people).await;
        let ours = path.rsplit('/').next().unwrap().replace('_', "-");
        desk.import(&refusal("R1", &ours, &[&bank_id(&payouts[0])])).await;
        let sum = |message: &str, count: i64, total: &str| {
            let details = format!("<NtryDtls><Btch><PmtInfId>{ours}</PmtInfId><NbOfTxs>{count}</NbOfTxs></Btch></NtryDtls>");
            let xml = notice(message, &[("x", total, None)]);
            let (begin, end) = (xml.find("<NtryDtls>").unwrap(), xml.find("</Ntry>").unwrap());
            format!("{}{details}{}", &xml[..begin], &xml[end..])
        };
        assert_eq!(results(&desk.import(&sum("S1", 3, "36.00")).await), ["amount_differs"]);
        assert_eq!(results(&desk.import(&sum("S2", 2, "23.99")).await), ["amount_differs"]);
        assert_eq!(results(&desk.import(&sum("S3", 2, "24.00")).await), ["matched", "matched"]);
        assert_eq!(results(&desk.import(&sum("S4", 2, "24.00")).await), ["known"]);
        assert_eq!((money(&people[0]).await, money(&people[1]).await), ([1200, 0, 0], [0, 0, 1200]));
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
    }

    async fn two_people_say_what_no_machine_told(world) {
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let desk = Desk::of(world).await;
        let (path, payouts) = desk.taken(world, &people).await;
        let words: Vec<String> =
            payouts.iter().map(|p| format!("/v1/admin/payouts/{}/words", p["id"].as_str().unwrap())).collect();
        desk.second.post(&format!("{path}/withdraw"), json!({})).await.refused(Code::WrongState);
        let say = |said: &str| json!({ "said": said, "evidence": "Statement 12 of the bank, line 3." });
        desk.first.post(&words[0], json!({ "said": "settled", "evidence": "no" })).await.refused(Code::InvalidRequest);
        let older = desk.first.post(&words[0], say("failed")).await.created();
        let newer = desk.first.post(&words[0], say("settled")).await.created();
        let confirm = |word: &Value| format!("/v1/admin/payout-words/{}/confirm", word["id"].as_str().unwrap());
        desk.first.post(&confirm(&newer), json!({})).await.refused(Code::SecondPerson);
        desk.second.post(&confirm(&older), json!({})).await.refused(Code::PayoutState);
        desk.second.post(&confirm(&newer), json!({})).await.refused(Code::StepUpNeeded);
        assert_eq!(state(&people[0]).await, "approved");
        let secret = desk.enrolled(world, &desk.second).await;
        desk.second.post(&confirm(&newer), json!({ "code": "000000" })).await.refused(Code::StepUpWrong);
        let moved = desk.second.post(&confirm(&newer), json!({ "code": code_now(world, &secret) })).await.ok();
        assert_eq!((&moved["state"], money(&people[0]).await), (&json!("settled"), [0, 0, 1200]));
        desk.second.post(&confirm(&newer), json!({ "code": code_now(world, &secret) })).await.refused(Code::PayoutState);

        // A return less the bank's charge fits no amount: people say it.
        let back = notice("C1", &[(&bank_id(&payouts[0]), "11.50", Some("AC04"))]);
        assert_eq!(results(&desk.import(&back).await), ["amount_differs"]);
        desk.first.post(&words[0], say("failed")).await.refused(Code::PayoutState);
        let returned = desk.first.post(&words[0], say("returned")).await.created();
        desk.second.post(&confirm(&returned), json!({ "code": code_now(world, &secret) })).await.ok();
        assert_eq!(money(&people[0]).await, [1200, 0, 0]);
        let word = desk.first.post(&words[1], say("failed")).await.created();
        desk.second.post(&confirm(&word), json!({ "code": code_now(world, &secret) })).await.ok();
        assert_eq!((state(&people[1]).await.as_str(), money(&people[1]).await), ("failed", [1200, 0, 0]));
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
        let listed = desk.first.get("/v1/admin/payout-words").await.ok();
        assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["said"]), (4, &json!("failed")));
        let letter = world.letter_to(&people[1].email);
        assert!(letter.contains("could not be sent") && !letter.contains("Statement 12"), "{letter}");
    }

    async fn what_nobody_took_to_the_bank_is_withdrawn(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let method = add(&people[0], bank(IBANS[0])).await;
        world.advance_hours(49);
        let payout = ask(&people[0], &method).await;
        let desk = Desk::of(world).await;
        let path = desk.approved("bank").await;
        let told = desk.first.post(&format!("{path}/sent"), json!({})).await.refused(Code::WrongState);
        assert_eq!(told["allowed"], json!(["file", "withdraw"]), "nobody has the file");
        let words = format!("/v1/admin/payouts/{}/words", payout["id"].as_str().unwrap());
        let said = json!({ "said": "failed", "evidence": "It never went to the bank." });
        desk.first.post(&words, said).await.refused(Code::PayoutState);
        let withdrawn = desk.first.post(&format!("{path}/withdraw"), json!({})).await.ok();
        assert_eq!(withdrawn["state"], "discarded");
        desk.first.get(&format!("{path}/file")).await.refused(Code::WrongState);
        assert_eq!(state(&people[0]).await, "requested");
        let again = desk.approved("bank").await;
        desk.first.get(&format!("{again}/file")).await;
        desk.first.post(&format!("{again}/withdraw"), json!({})).await.refused(Code::WrongState);
    }

    async fn what_may_not_leave_does_not_keep_the_others(world) {
        let (_, people) = paid(world, &["ana", "bo", "cyd", "dan", "eve"]).await;
        let mut removed = Vec::new();
        let part = |method: &Value| json!({ "method_id": method["id"], "amount": { "amount_minor": 10, "currency": "CHF" } });
        for (n, worker) in people[..3].iter().enumerate() {
            let account = format!("test {n}");
            let method = add(worker, json!({ "rail": "test", "account": account, "password": PASSWORD })).await;
            for _ in 0..20 {
                removed.push(worker.post("/v1/payouts", part(&method)).await.created());
            }
            let remove = format!("/v1/me/payout-methods/{}/remove", method["id"].as_str().unwrap());
            worker.post(&remove, json!({})).await.ok();
        }
        for (n, worker) in people[3..].iter().enumerate() {
            let account = format!("good {n}");
            let method = add(worker, json!({ "rail": "test", "account": account, "password": PASSWORD })).await;
            ask(worker, &method).await;
            if n == 0 {
                // Its key was lost.
                let id = method["id"].as_str().unwrap().to_owned();
                let lost = world.app.core.db.write(&fieldproof::domain::event::Actor::Operator, "test", |tx| {
                    tx.nothing_changed();
                    let row = payout_methods::table.filter(payout_methods::id.eq(&id));
                    Ok(diesel::update(row).set(payout_methods::sealed.eq("v1.lost")).execute(&mut **tx)?)
                });
                assert_eq!(lost.unwrap(), 1);
            }
        }
        let desk = Desk::of(world).await;
        let path = desk.prepared("test").await;
        let batch = desk.first.get(&path).await.ok();
        assert_eq!((&batch["items"], &batch["payouts"][0]["worker_id"]), (&json!(1), &json!(people[4].id)));
        let stop = |id: &Value| format!("/v1/admin/payouts/{}/stop", id.as_str().unwrap());
        let why = json!({ "reason": "The account that you named was closed." });
        desk.first.post(&stop(&batch["payouts"][0]["id"]), why.clone()).await.refused(Code::PayoutState);
        let stopped = desk.first.post(&stop(&removed[0]["id"]), why.clone()).await.ok();
        assert_eq!((&stopped["state"], money(&people[0]).await), (&json!("cancelled"), [1010, 190, 0]));
        assert!(world.letter_to(&people[0].email).contains("was closed"));
        desk.first.post(&stop(&removed[0]["id"]), why).await.refused(Code::PayoutState);
    }

    async fn a_gift_code_is_given_once(world) {
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let admin = world.staff(StaffRole::Admin).await;
        let mut methods = Vec::new();
        for worker in &people {
            methods.push(add(worker, json!({ "rail": "voucher", "password": PASSWORD })).await);
        }
        world.advance_hours(49);
        let asked = json!({ "method_id": methods[0]["id"] });
        people[0].post("/v1/payouts", asked.clone()).await.refused(Code::NoGiftCode);
        let csv = "amount,currency,code,expires\n10.00,CHF,SECRET-CODE-0001,2027-12-31\n10.00,CHF,STALE-CODE-0002,2026-03-20\n";
        let import = json!({ "csv": csv });
        assert_eq!(admin.post("/v1/admin/gift-codes", import.clone()).await.ok()["added"], 2);
        let known = admin.post("/v1/admin/gift-codes", import).await.ok();
        assert_eq!((&known["added"], &known["known"][0]["masked"]), (&json!(0), &json!("***0001")));
        let unreadable = json!({ "csv": "code\nX" });
        admin.post("/v1/admin/gift-codes", unreadable).await.refused(Code::InvalidRequest);
        let stock = admin.get("/v1/admin/gift-codes").await.ok();
        assert_eq!(stock["items"], json!([{ "amount": { "amount_minor": 1000, "currency": "CHF" }, "codes": 1 }]));
        let little = json!({ "method_id": methods[0]["id"], "amount": { "amount_minor": 25, "currency": "CHF" } });
        people[0].post("/v1/payouts", little).await.refused(Code::BelowCost);
        let mut payouts = Vec::new();
        for (worker, method) in people.iter().zip(&methods) {
            payouts.push(ask(worker, method).await);
        }
        assert_eq!((&payouts[0]["amount"]["amount_minor"], &payouts[0]["cost"]["amount_minor"]), (&json!(1025), &json!(25)));
        let desk = Desk::of(world).await;
        let path = desk.approved("voucher").await;
        world.work().await;
        let mut states = [state(&people[0]).await, state(&people[1]).await];
        states.sort_unstable();
        assert_eq!(states, ["approved", "settled"], "one code, one payout");
        let lucky = usize::from(state(&people[1]).await == "settled");
        let code = |n: usize| format!("/v1/payouts/{}/gift-code", payouts[n]["id"].as_str().unwrap());
        for _ in 0..2 {
            assert_eq!(people[lucky].get(&code(lucky)).await.ok()["code"], "SECRET-CODE-0001");
        }
        let shown = world.app.core.db.read(|c| {
            Ok(events::table.filter(events::kind.eq("gift_code.shown")).count().get_result::<i64>(c)?)
        });
        assert_eq!(shown.unwrap(), 2, "each look is kept");
        people[1 - lucky].get(&code(lucky)).await.refused(Code::NotFound);
        people[1 - lucky].get(&code(1 - lucky)).await.refused(Code::PayoutState);
        assert!(world.letter_to(&desk.first.email).contains("last gift code"));
        assert!(!everything(world).contains("SECRET-CODE"));
        let more = json!({ "csv": "amount,currency,code\n10,CHF,SECRET-CODE-0003\n" });
        admin.post("/v1/admin/gift-codes", more).await.ok();
        world.work().await;
        assert_eq!(people[1 - lucky].get(&code(1 - lucky)).await.ok()["code"], "SECRET-CODE-0003");
        assert_eq!(desk.first.get(&path).await.ok()["state"], "reconciled");
        assert_eq!(money(&people[0]).await, [175, 0, 1000], "the rail took the rest");
    }

    async fn what_changes_where_money_goes_is_told_to_its_owner(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let ana = &people[0];
        let (first, second) = (add(ana, bank(IBANS[0])).await, add(ana, bank(IBANS[1])).await);
        let choose = async |method: &Value, automatic: bool, password: Option<&str>| {
            let asked = json!({ "method_id": method["id"], "automatic": automatic, "password": password });
            ana.post("/v1/me/payout-choice", asked).await
        };
        choose(&first, true, None).await.ok();
        let told = world.letter_to(&ana.email);
        assert!(told.contains("every daily run") && told.contains("2957"), "{told}");
        let needed = choose(&second, true, None).await.refused(Code::InvalidRequest);
        assert_eq!(needed["errors"][0]["pointer"], "/password");
        choose(&second, false, None).await.refused(Code::InvalidRequest);
        choose(&second, true, Some("not this one")).await.refused(Code::WrongPassword);
        assert_eq!(world.letter_to(&ana.email), told, "nothing changed, nothing is told");
        let asked = json!({ "method_id": second["id"], "automatic": true, "password": PASSWORD });
        let key = "choose-another-1";
        let chosen = ana.post_with_key("/v1/me/payout-choice", key, asked.clone()).await.ok();
        assert!(world.letter_to(&ana.email).contains("8009"));
        assert_eq!(ana.post_with_key("/v1/me/payout-choice", key, asked).await.ok(), chosen);
        choose(&second, false, None).await.ok();
        assert!(world.letter_to(&ana.email).contains("when you ask"));
        choose(&second, true, None).await.ok();
        ana.post(&format!("/v1/me/payout-methods/{}/remove", second["id"].as_str().unwrap()), json!({})).await.ok();
        let told = world.letter_to(&ana.email);
        assert!(told.contains("8009 is no way to be paid any more") && told.contains("pays nothing now"), "{told}");
        choose(&first, true, None).await.refused(Code::InvalidRequest);
        choose(&first, true, Some(PASSWORD)).await.ok();
    }

    async fn a_second_factor_is_told_to_its_owner_and_not_replaced(world) {
        let fin = world.staff(StaffRole::Finance).await;
        let enrolled = fin.post("/v1/admin/step-up", json!({ "password": PASSWORD })).await.ok();
        assert!(world.letter_to(&fin.email).contains("was begun"));
        let secret = enrolled["secret"].as_str().unwrap();
        let code = totp::code_at(secret, world.now().timestamp().as_second()).unwrap();
        fin.post("/v1/admin/step-up/confirm", json!({ "code": code })).await.ok();
        assert!(world.letter_to(&fin.email).contains("counts from now on"));
        fin.post("/v1/admin/step-up", json!({ "password": PASSWORD })).await.refused(Code::WrongState);
        // As late as the last statement of an enrolment that began before the confirmation.
        let (db, user) = (&world.app.core.db, fieldproof::domain::ids::UserId::parse(&fin.id).unwrap());
        let before = db.read(|c| step_ups::any_find(c, &user)).unwrap().unwrap();
        let late = StepUpRow { sealed: "other".to_owned(), confirmed_at: None, last_step: 0, ..before.clone() };
        let replaced = db.write(&Actor::Machine("test"), "test", |tx| {
            tx.nothing_changed();
            step_ups::enrol(tx, late.clone())
        });
        let after = db.read(|c| step_ups::any_find(c, &user)).unwrap().unwrap();
        assert_eq!((replaced.unwrap(), after.sealed, after.last_step), (false, before.sealed, before.last_step));
    }

    async fn guesses_at_the_same_moment_do_not_pass_the_pause(world) {
        let fin = world.staff(StaffRole::Finance).await;
        let judged = |replies: Vec<crate::support::world::Reply>, wrong: Code| {
            let looked_at = replies.iter().filter(|reply| reply.status != 429).inspect(|r| { r.refused(wrong); }).count();
            assert!((1..=5).contains(&looked_at), "{looked_at} of {} guesses were looked at", replies.len());
        };
        fin.post("/v1/admin/step-up", json!({ "password": PASSWORD })).await.ok();
        let guess = || fin.post("/v1/admin/step-up/confirm", json!({ "code": "000000" }));
        judged(join_all((0..20).map(|_| guess())).await, Code::StepUpWrong);
        let guess = |n: usize| fin.post("/v1/admin/step-up", json!({ "password": format!("guess number {n}") }));
        judged(join_all((0..20).map(guess)).await, Code::WrongPassword);
        world.advance_hours(1);
        fin.post("/v1/admin/step-up", json!({ "password": PASSWORD })).await.ok();

        let stranger = world.stranger();
        let sign_in = |password: String| json!({ "email": fin.email, "password": password, "device": "another" });
        let guess = |n: usize| stranger.ask("/v1/auth/token", sign_in(format!("guess number {n}")));
        judged(join_all((0..20).map(guess)).await, Code::WrongCredentials);
        let right = || stranger.ask("/v1/auth/token", sign_in(PASSWORD.to_owned()));
        right().await.refused(Code::TooManyRequests);
        world.advance_hours(1);
        for _ in 0..7 {
            right().await.ok();
        }
    }

    async fn an_erasure_at_the_same_moment_leaves_no_method_behind(world) {
        for _ in 0..3 {
            let ana = world.worker("ana").await;
            let erase = ana.post("/v1/me/erasure", json!({ "password": PASSWORD }));
            let adding = ana.post("/v1/me/payout-methods", bank(IBANS[0]));
            let (erased, _) = futures_util::future::join(erase, adding).await;
            erased.ok();
            let left = world.app.core.db.read(|c| {
                use fieldproof::db::schema::payout_methods;
                Ok(payout_methods::table.count().get_result::<i64>(c)?)
            });
            assert_eq!(left.unwrap(), 0);
        }
    }

    async fn what_is_kept_of_a_body_does_not_tell_its_password(world) {
        let (fin, other) = (world.staff(StaffRole::Finance).await, world.staff(StaffRole::Finance).await);
        let body = json!({ "password": PASSWORD });
        for person in [&fin, &other] {
            person.post_with_key("/v1/admin/step-up", "the-same-key", body.clone()).await.ok();
        }
        let kept: Vec<String> = world
            .app
            .core
            .db
            .read(|c| {
                use fieldproof::db::schema::idempotency_keys::dsl;
                Ok(dsl::idempotency_keys.filter(dsl::key.eq("the-same-key")).select(dsl::request_hash).load(c)?)
            })
            .unwrap();
        assert!(kept.len() == 2 && kept[0] != kept[1], "nor who has the same: {kept:?}");
        assert!(!everything(world).contains(&digest(&body.to_string())), "who reads it could try passwords");
        fin.post_with_key("/v1/admin/step-up", "the-same-key", body).await.ok();
    }

    async fn a_gift_code_that_grew_too_old_is_told_of(world) {
        let desk = Desk::of(world).await;
        let admin = world.staff(StaffRole::Admin).await;
        let csv = "amount,currency,code,expires\n10.00,CHF,SECRET-CODE-0001,2026-04-12\n";
        admin.post("/v1/admin/gift-codes", json!({ "csv": csv })).await.ok();
        world.work().await;
        assert_eq!(desk.first.get("/v1/admin/gift-codes").await.ok()["items"][0]["codes"], 1);
        world.advance_hours(24 * 5);
        world.work().await;
        world.work().await;
        assert_eq!(desk.first.get("/v1/admin/gift-codes").await.ok()["items"], json!([]));
        assert!(world.letter_to(&desk.first.email).contains("too old"));
        let told = world.app.core.db.read(|c| {
            Ok(events::table.filter(events::kind.eq("gift_codes.exhausted")).count().get_result::<i64>(c)?)
        });
        assert_eq!(told.unwrap(), 1, "once");
    }

    async fn money_that_comes_back_to_somebody_who_was_erased_is_told_of(world) {
        let (_, people) = paid(world, &["ana"]).await;
        let desk = Desk::of(world).await;
        let (_, payouts) = desk.taken(world, &people).await;
        let id = bank_id(&payouts[0]);
        assert_eq!(results(&desk.import(&notice("C1", &[(&id, "12.00", None)])).await), ["matched"]);
        let admin = world.staff(StaffRole::Admin).await;
        let why = json!({ "reason": "On the worker's own word.", "waive_balance": true });
        admin.post(&format!("/v1/admin/workers/{}/erasure", people[0].id), why).await.ok();
        assert_eq!(results(&desk.import(&notice("C2", &[(&id, "12.00", Some("AC04"))])).await), ["matched"]);
        assert!(world.letter_to(&desk.first.email).contains("was erased"));
    }

    async fn no_account_is_kept_or_logged_in_clear(world) {
        let logs = Logs::listen();
        let (_, people) = paid(world, &["ana", "bo"]).await;
        let method = add(&people[0], bank(IBANS[0])).await;
        let paypal = "canary.bird@paypal.example";
        add(&people[1], json!({ "rail": "paypal", "paypal_address": paypal, "password": PASSWORD })).await;
        world.advance_hours(49);
        ask(&people[0], &method).await;
        let desk = Desk::of(world).await;
        let path = desk.approved("bank").await;
        let file = desk.first.get(&format!("{path}/file")).await.text();
        desk.first.post(&format!("{path}/sent"), json!({})).await.ok();
        let id = desk.first.get(&path).await.ok()["payouts"][0]["id"].as_str().unwrap().replace('_', "-");
        desk.import(&notice("C1", &[(&id, "12.00", None)])).await;
        world.work().await;
        assert!(file.contains(IBANS[0]), "the bank must read it");
        let all = everything(world);
        for canary in [IBANS[0], "CH93 0076 2011 6238 5295 7", paypal, "canary.bird", "Zoë Müller"] {
            assert!(!all.contains(canary), "{canary} is kept in clear");
            assert!(!logs.text().contains(canary), "{canary} is logged in clear");
        }
        assert!(logs.text().contains("/v1/me/payout-methods"), "there were logs to search");
        let letters: i64 = world.app.core.db.read(|c| Ok(outbox::table.count().get_result(c)?)).unwrap();
        assert!(letters > 3 && all.contains("2957"), "there was something to search");
    }
}

#[test]
fn a_worker_has_so_many_payouts_on_their_way() {
    play_under(Engine::Sqlite, Rules::default(), async |world| {
        let (_, people) = paid(world, &["ana"]).await;
        let method = add(&people[0], json!({ "rail": "test", "account": "test 1", "password": PASSWORD })).await;
        let part = json!({ "method_id": method["id"], "amount": { "amount_minor": 10, "currency": "CHF" } });
        let payout = people[0].post("/v1/payouts", part.clone()).await.created();
        for _ in 1..20 {
            people[0].post("/v1/payouts", part.clone()).await.created();
        }
        people[0].post("/v1/payouts", part.clone()).await.refused(Code::TooManyPayouts);
        people[0].post(&format!("/v1/payouts/{}/cancel", payout["id"].as_str().unwrap()), json!({})).await.ok();
        people[0].post("/v1/payouts", part).await.created();
    });
}

#[test]
fn a_way_that_the_platform_does_not_pay_is_refused() {
    let payouts = PayoutRules { test_rail: false, ..PayoutRules::default() };
    let rules = Rules { payouts, ..Rules::default() };
    play_under(Engine::Sqlite, rules, async |world| {
        let ana = world.worker("ana").await;
        let test = json!({ "rail": "test", "account": "test 1", "password": PASSWORD });
        for asked in [bank(IBANS[0]), test] {
            ana.post("/v1/me/payout-methods", asked).await.refused(Code::RailClosed);
        }
        let listed = ana.get("/v1/me/payout-methods").await.ok();
        let open: Vec<_> = listed["rails"].as_array().unwrap().iter().filter(|rail| rail["open"] == true).collect();
        assert_eq!((open.len(), &open[0]["rail"]), (1, &json!("voucher")));
    });
}

/// On SQLite the folder holds the database; what waits in its log is searched too.
#[test]
fn a_search_of_everything_would_find_what_is_there() {
    play(Engine::Sqlite, async |world| {
        let ana = world.worker("ana").await;
        assert!(everything(world).contains(&ana.email));
    });
}
