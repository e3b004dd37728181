//! Money beside the pay of visits: bonuses, reversals, commissions, more slots, the pay floor after real visits, the most
//! that one may earn in a year, statements, and clients' money beside the bank's.

use fieldproof::context::Rules;
use fieldproof::domain::money::{Currency, Money};
use fieldproof::domain::refusal::Code;
use fieldproof::domain::user::StaffRole;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::visit::{Plan, REVIEWER, Round, Visit, WHY, draft, held_for_a_store, with_fee};
use crate::support::world::{Engine, Person, World, both, every_rail, play_under};

async fn bonus(round: &Round<'_>, visit: &str, minor: i64, key: &str) -> crate::support::world::Reply {
    let asked = json!({ "amount_minor": minor, "reason": "You waited for the manager." });
    round.owner.post_with_key(&format!("/v1/brand/submissions/{visit}/bonus"), key, asked).await
}

fn minor(value: &Value) -> i64 {
    value["amount_minor"].as_i64().unwrap()
}

/// A visit that took this many minutes more in the store than ten.
async fn long_visit(worker: &Person<'_>, round: &Round<'_>, mission: usize, more_minutes: i64) -> String {
    let mut visit = Visit::begin(worker, &round.missions[mission]).await;
    visit.world().advance_secs(60 * more_minutes);
    visit.answer_short(7);
    visit.finish("completed").await
}

/// Kinds of the brand's movements, newest first.
async fn moved(round: &Round<'_>) -> Vec<String> {
    let page = round.owner.get("/v1/brand/transfers?limit=100").await.ok();
    page["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

/// The statement of this month, once its books are closed.
async fn statement(person: &Person<'_>, path: &str, format: &str) -> crate::support::world::Reply {
    let period = "from=2026-03-01T00:00:00Z&to=2026-03-11T00:00:00Z";
    person.get(&format!("{path}?{period}&format={format}")).await
}

both! {
    async fn a_bonus_is_paid_once_and_reversed_once(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        let visit = round.clean(&ana, &round.missions[0]).await;
        let before = minor(&round.balance().await["available"]);
        let given = bonus(&round, &visit, 300, "bonus-key-1").await.ok();
        assert_eq!(bonus(&round, &visit, 300, "bonus-key-1").await.ok(), given);
        assert_eq!((&given["kind"], minor(&given["amount"])), (&json!("bonus"), 300));
        assert!(world.letter_to(&ana.email).contains("CHF 3.00 more are in your balance.\nYou waited"));
        assert_eq!(ana.balance_minor().await, 1500);
        assert_eq!(minor(&round.balance().await["available"]), before - 300, "no fee is taken on it");
        assert_eq!(ana.get("/v1/bonuses").await.ok()["items"], json!([given]));
        bonus(&round, &visit, before, "bonus-key-2").await.refused(Code::InsufficientFunds);
        bonus(&round, &visit, 0, "bonus-key-3").await.refused(Code::InvalidRequest);
        world.brand("Bravo").await.post(&format!("/v1/brand/submissions/{visit}/bonus"),
            json!({ "amount_minor": 1, "reason": WHY })).await.refused(Code::NotFound);

        world.advance_hours(16);
        let lines = statement(&finance, &format!("/v1/admin/workers/{}/statement", ana.id), "json").await.ok();
        let lines = lines["currencies"][0]["lines"].as_array().unwrap().clone();
        let journal = |kind: &str| lines.iter().find(|l| l["kind"] == kind).unwrap()["journal_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/journals/{}/reverse", journal("bonus"));
        let undone = finance.post(&path, json!({ "reason": "The wrong visit." })).await.ok();
        assert_eq!(undone["reversed_id"], journal("bonus"));
        assert!(world.letter_to(&ana.email).contains("The wrong visit."));
        assert_eq!(ana.balance_minor().await, 1200);
        assert_eq!(minor(&round.balance().await["available"]), before);
        finance.post(&path, json!({ "reason": WHY })).await.refused(Code::WrongState);
        let approval = format!("/v1/admin/journals/{}/reverse", journal("approval"));
        finance.post(&approval, json!({ "reason": WHY })).await.refused(Code::WrongState);
    }

    async fn of_many_reversals_one_is_done_and_none_makes_a_brand_owe(world) {
        let round = world.round("Acme", Plan::short()).await;
        let finance = world.staff(StaffRole::Finance).await;
        let asked = json!({ "amount": { "amount_minor": 5000, "currency": "CHF" }, "reference": "typed twice" });
        let path = format!("/v1/admin/brands/{}/funding", round.brand);
        let wrong = finance.post(&path, asked).await.ok()["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/journals/{wrong}/reverse");
        let replies = join_all((0..6).map(|_| finance.post(&path, json!({ "reason": "Typed twice." })))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        let balance = round.balance().await;
        assert_eq!(minor(&balance["funded"]), round.plan.funds_minor);
        // What is set aside cannot be taken back: the first funding paid for the escrow.
        let asked = json!({ "amount": { "amount_minor": minor(&balance["available"]), "currency": "CHF" }, "reference": "back" });
        let path = format!("/v1/admin/brands/{}/refund", round.brand);
        finance.post(&path, asked.clone()).await.ok();
        finance.post(&path, asked).await.refused(Code::InsufficientFunds);
        world.advance_hours(16);
        let lines = statement(&round.owner, "/v1/brand/statement", "json").await.ok()["currencies"][0]["lines"].clone();
        let first = lines[0]["journal_id"].as_str().unwrap();
        finance.post(&format!("/v1/admin/journals/{first}/reverse"), json!({ "reason": WHY })).await
            .refused(Code::InsufficientFunds);
        assert_eq!(moved(&round).await, ["refund", "reversal", "fund", "hold", "fund"]);
    }

    async fn the_narrowest_commission_holds_and_a_published_campaign_keeps_its_own(world) {
        let round = world.round("Acme", Plan::short()).await;
        let finance = world.staff(StaffRole::Finance).await;
        let fee = |path: String, bps: Value| { let finance = &finance; async move { finance.post(&path, json!({ "fee_bps": bps })).await } };
        fee(format!("/v1/admin/brands/{}/fee", round.brand), json!(1000)).await.ok();
        let (second, _) = draft(&round.owner, &round.plan).await;
        let check = round.owner.ask(&format!("/v1/brand/campaigns/{second}/check"), json!({})).await.ok();
        assert_eq!((&check["fee_bps"], minor(&check["hold"])), (&json!(1000), 1320 + 2 * 440));
        let own = fee(format!("/v1/admin/campaigns/{second}/fee"), json!(0)).await.ok();
        assert_eq!(own["effective_fee_bps"], 0);
        let nothing = finance.post(&format!("/v1/admin/brands/{}/fee", round.brand), json!({})).await;
        nothing.refused(Code::InvalidJson);
        let path = format!("/v1/brand/campaigns/{second}");
        assert_eq!(round.owner.post(&format!("{path}/publish"), json!({})).await.ok()["fee_bps"], 0);
        fee(format!("/v1/admin/campaigns/{second}/fee"), json!(500)).await.refused(Code::CampaignNotDraft);
        fee(format!("/v1/admin/brands/{}/fee", round.brand), json!(10_001)).await.refused(Code::InvalidRequest);
        assert_eq!(fee(format!("/v1/admin/brands/{}/fee", round.brand), json!(null)).await.ok()["effective_fee_bps"], 2000);
        assert_eq!(round.owner.get(&format!("{path}/budget")).await.ok()["fee_bps"], 0);
        assert_eq!(round.owner.get(&format!("/v1/brand/campaigns/{}", round.campaign)).await.ok()["fee_bps"], 2000);
    }

    async fn a_running_campaign_gets_more_slots_and_the_money_for_them_at_once(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, bo) = (world.worker("ana").await, world.worker("bo").await);
        round.clean(&ana, &round.missions[0]).await;
        bo.reserve(&round.missions[0]).await.refused(Code::SlotTaken);
        let before = round.balance().await;
        let path = format!("/v1/brand/campaigns/{}/top-up", round.campaign);
        let topped = round.owner.post(&path, json!({ "slots": 2 })).await.ok();
        let cost = 2 * 2 * (with_fee(1200) + with_fee(400));
        assert_eq!((&topped["missions"], minor(&topped["held"])), (&json!(2), cost));
        let after = round.balance().await;
        assert_eq!(minor(&after["escrow"]), minor(&before["escrow"]) + cost);
        assert_eq!(minor(&after["available"]), minor(&before["available"]) - cost);
        round.clean(&bo, &round.missions[0]).await;
        round.owner.post(&path, json!({ "slots": 98 })).await.refused(Code::InvalidRequest);
        let asked = json!({ "amount": { "amount_minor": minor(&after["available"]) - 100, "currency": "CHF" }, "reference": "x" });
        let finance = world.staff(StaffRole::Finance).await;
        finance.post(&format!("/v1/admin/brands/{}/refund", round.brand), asked).await.ok();
        round.owner.post(&path, json!({ "slots": 1 })).await.refused(Code::InsufficientFunds);
        round.owner.post(&format!("/v1/brand/campaigns/{}/close", round.campaign), json!({})).await.ok();
        round.owner.post(&path, json!({ "slots": 1 })).await.refused(Code::WrongState);
    }

    async fn a_campaign_tops_itself_up_only_as_far_as_its_brand_said(world) {
        let round = world.round("Acme", Plan::short()).await;
        let crowd = world.crowd(4);
        let path = format!("/v1/brand/campaigns/{}/budget", round.campaign);
        round.clean(&crowd[0], &round.missions[0]).await;
        crowd[1].reserve(&round.missions[0]).await.refused(Code::SlotTaken);
        let cost = with_fee(1200) + with_fee(400);
        round.owner.post(&path, json!({ "auto_top_up_minor": 2 * cost - 1 })).await.ok();
        world.work().await;
        round.clean(&crowd[1], &round.missions[0]).await;
        let budget = round.owner.get(&path).await.ok();
        assert_eq!((&budget["auto_topped_minor"], &budget["auto_top_up_minor"]), (&json!(cost), &json!(2 * cost - 1)));
        crowd[2].reserve(&round.missions[0]).await.refused(Code::SlotTaken);
        assert_eq!(moved(&round).await.iter().filter(|kind| *kind == "top_up").count(), 1);
        round.owner.post(&path, json!({ "reserve_minor": 5 })).await.refused(Code::CampaignNotDraft);
    }

    async fn a_statement_reads_the_same_whatever_happens_later(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        round.clean(&ana, &round.missions[0]).await;
        let early = statement(&ana, "/v1/me/statement", "json").await;
        early.refused(Code::PeriodOpen);
        assert_eq!(early.headers["retry-after"], "56400");
        world.advance_hours(16);
        let of_ana = format!("/v1/admin/workers/{}/statement", ana.id);
        let of_brand = format!("/v1/admin/brands/{}/statement", round.brand);
        let asked = [(&ana, "/v1/me/statement"), (&round.owner, "/v1/brand/statement"), (&finance, of_ana.as_str()),
            (&finance, of_brand.as_str())];
        let mut before = Vec::new();
        for (person, path) in asked {
            for format in ["json", "csv", "html"] {
                let reply = statement(person, path, format).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
                before.push(reply.bytes);
            }
        }
        assert_eq!((&before[0], &before[3]), (&before[6], &before[9]), "finance reads what they read");
        let mine: Value = serde_json::from_slice(&before[0]).unwrap();
        let line = &mine["currencies"][0]["lines"][0];
        assert_eq!((&line["kind"], &line["available_change_minor"], &line["platform_fee_minor"]),
            (&json!("approval"), &json!(1200), &json!(240)));
        let theirs: Value = serde_json::from_slice(&before[3]).unwrap();
        let section = &theirs["currencies"][0];
        assert_eq!(section["closing_held_minor"], 2 * held_for_a_store(&round.plan) - with_fee(1200));
        let paid = &section["lines"].as_array().unwrap().iter().find(|l| l["kind"] == "approval").unwrap();
        assert_eq!((&paid["held_change_minor"], &paid["platform_fee_minor"]), (&json!(-1440), &json!(240)));
        assert!(String::from_utf8(before[1].clone()).unwrap().contains(",12.00,0.00,2.40,12.00,0.00\r\n"));
        assert!(String::from_utf8(before[2].clone()).unwrap().contains("<td>approval</td>"));

        round.clean(&ana, &round.missions[1]).await;
        ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        round.owner.post(&format!("/v1/brand/campaigns/{}/close", round.campaign), json!({})).await.ok();
        world.fund(&round.brand, 777).await;
        world.work().await;
        let mut after = Vec::new();
        for (person, path) in asked {
            for format in ["json", "csv", "html"] {
                after.push(statement(person, path, format).await.bytes);
            }
        }
        assert!(before == after, "the same bytes");
        ana.get("/v1/me/statement?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z").await.refused(Code::InvalidRequest);
    }

    async fn clients_money_is_compared_with_the_banks_word(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        round.clean(&ana, &round.missions[0]).await;
        let record = |minor: i64| json!({ "day": "2026-03-10", "note": "statement 70",
            "balance": { "amount_minor": minor, "currency": "CHF" } });
        finance.post("/v1/admin/safeguarding", record(1)).await.refused(Code::PeriodOpen);
        world.advance_hours(16);
        let day = async || finance.get("/v1/admin/safeguarding?day=2026-03-10").await.ok();
        let report = day().await;
        let line = &report["currencies"][0];
        assert_eq!((&line["status"], &line["fees_minor"]), (&json!("not_recorded"), &json!(240)));
        let due = round.plan.funds_minor - 240;
        assert_eq!((&line["client_money_minor"], &line["worker_available_minor"]), (&json!(due), &json!(1200)));
        finance.post("/v1/admin/safeguarding", record(due - 10)).await.ok();
        let line = day().await["currencies"][0].clone();
        assert_eq!((&line["status"], &line["difference_minor"]), (&json!("short"), &json!(-10)));
        assert_eq!(line["sentence"], "The bank holds CHF 0.10 too little for clients.");
        finance.post("/v1/admin/safeguarding", record(due)).await.ok();
        // What comes later changes nothing for the day that is over.
        world.fund(&round.brand, 5000).await;
        ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
        let report = day().await;
        assert_eq!((&report["matches"], &report["currencies"][0]["client_money_minor"]), (&json!(true), &json!(due)));
        finance.get("/v1/admin/safeguarding?day=2026-03-11").await.refused(Code::PeriodOpen);
        finance.get("/v1/admin/safeguarding?day=2026-02-30").await.refused(Code::InvalidRequest);
    }

    async fn a_late_bonus_is_the_platforms_own_money(world) {
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        let asked = json!({ "amount": { "amount_minor": 500, "currency": "CHF" }, "reason": "Your payout took a week." });
        let given = finance.post(&format!("/v1/admin/workers/{}/late-bonus", ana.id), asked).await.ok();
        assert_eq!((&given["kind"], ana.balance_minor().await), (&json!("late_bonus"), 500));
    }
}

/// A story on both databases under rules of its own.
macro_rules! under {
    ($rules:expr, async fn $name:ident($world:ident) $body:block) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                play_under(Engine::Sqlite, $rules, async |$world| $body);
            }

            #[test]
            #[ignore = "needs PostgreSQL: tests/run"]
            fn postgres() {
                play_under(Engine::Postgres, $rules, async |$world| $body);
            }
        }
    };
}

under! {
    Rules { floor_visits: 5, ..Rules::default() },
    async fn visits_that_took_longer_than_was_said_are_raised_to_the_floor(world) {
        let (plan, owner) = (Plan::short().stores(7), world.brand("Acme").await);
        let brand = owner.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
        world.fund(&brand, 7 * 2400 + 800 + 500).await;
        let round = round_with_reserve(world, owner, brand, plan, 800).await;
        let crowd = world.crowd(7);
        for (n, worker) in crowd.iter().enumerate().take(4) {
            long_visit(worker, &round, n, 30).await;
        }
        assert_eq!(crowd[0].balance_minor().await, 1200, "four visits say nothing");
        assert_eq!(minor(&round.balance().await["reserve"]), 800);
        long_visit(&crowd[4], &round, 4, 30).await;
        // 1 + 40 + 10 minutes at CHF 15 an hour are CHF 12.75: each of five gets 75 centimes.
        for worker in &crowd[..5] {
            assert_eq!(worker.balance_minor().await, 1275);
        }
        let path = format!("/v1/brand/campaigns/{}/budget", round.campaign);
        let budget = round.owner.get(&path).await.ok();
        assert_eq!((&budget["median_minutes"], &budget["difference_minor"]), (&json!(40), &json!(75)));
        assert_eq!((minor(&budget["reserve"]), &budget["floor_paid_minor"]), (800 - 375, &json!(375)));
        assert!(world.letter_to(&round.owner.email).contains("CHF 0.75 more"));
        assert!(world.letter_to(&crowd[0].email).contains("took 40 minutes in the middle"));
        // The sixth takes what it takes then; the reserve goes back when the campaign is over.
        long_visit(&crowd[5], &round, 5, 30).await;
        assert_eq!(crowd[5].balance_minor().await, 1275);
        let finance = world.staff(StaffRole::Finance).await;
        let found = finance.get("/v1/admin/floor-checks").await.ok()["items"][0].clone();
        assert_eq!((&found["campaign_id"], &found["paid_minor"], &found["unpaid_minor"]),
            (&json!(round.campaign), &json!(450), &json!(0)));
        round.owner.post(&format!("/v1/brand/campaigns/{}/close", round.campaign), json!({})).await.ok();
        world.work().await;
        let balance = round.balance().await;
        assert_eq!((minor(&balance["reserve"]), minor(&balance["escrow"])), (0, 0));
        assert_eq!(minor(&balance["available"]), 7 * 2400 + 800 + 500 - 6 * with_fee(1200) - 450);
    }
}

under! {
    Rules { floor_visits: 5, ..Rules::default() },
    async fn what_a_brand_cannot_pay_to_the_floor_is_told_and_paid_when_it_can(world) {
        let (plan, owner) = (Plan::short().stores(12), world.brand("Acme").await);
        let brand = owner.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
        world.fund(&brand, 12 * 2400 + 100 + 60).await;
        let round = round_with_reserve(world, owner, brand, plan, 100).await;
        let crowd = world.crowd(5);
        for (n, worker) in crowd.iter().enumerate() {
            long_visit(worker, &round, n, 30).await;
        }
        // Reserve and available cover two of five: 75 from the reserve, then 25 and 50.
        let paid: Vec<i64> = join_all(crowd.iter().map(|worker| worker.balance_minor())).await;
        assert_eq!(paid, [1275, 1275, 1200, 1200, 1200]);
        assert!(world.letter_to(&round.owner.email).contains("CHF 2.25 are owed to workers"));
        let finance = world.staff(StaffRole::Finance).await;
        let found = async || finance.get("/v1/admin/floor-checks").await.ok()["items"][0].clone();
        assert_eq!(found().await["unpaid_minor"], 225);
        // Quicker visits turn the middle after the fourth. They take nothing from what is owed until then, and nobody
        // takes the money for it away.
        let quick = world.crowd(7);
        for (n, worker) in quick.iter().enumerate() {
            long_visit(worker, &round, 5 + n, 1).await;
        }
        assert_eq!((&found().await["difference_minor"], &found().await["unpaid_minor"]), (&json!(0), &json!(225 + 4 * 75)));
        world.fund(&round.brand, 200).await;
        let back = json!({ "amount": { "amount_minor": 100, "currency": "CHF" }, "reference": "back" });
        let refund = format!("/v1/admin/brands/{}/refund", round.brand);
        finance.post(&refund, back.clone()).await.refused(Code::InsufficientFunds);
        world.fund(&round.brand, 10_000).await;
        finance.post(&refund, back).await.ok();
        world.work().await;
        let paid: Vec<i64> = join_all(crowd.iter().map(|worker| worker.balance_minor())).await;
        assert_eq!(paid, [1275; 5]);
        assert_eq!(found().await["unpaid_minor"], 0);
    }
}

under! {
    Rules { earning_caps: vec![Money::new(1500, Currency::CHF)], ..Rules::default() },
    async fn near_the_years_cap_a_worker_is_told_and_at_it_reserves_no_more(world) {
        let round = world.round("Acme", Plan::short().stores(4)).await;
        let ana = world.worker("ana").await;
        round.clean(&ana, &round.missions[0]).await;
        assert!(world.letter_to(&ana.email).contains("You earned CHF 12.00 in 2026. On this platform one may earn CHF 15.00"));
        // She may still take one, and what she holds when she comes to the cap is paid.
        let mut held = Visit::begin(&ana, &round.missions[1]).await;
        round.clean(&ana, &round.missions[2]).await;
        let told = ana.reserve(&round.missions[3]).await.refused(Code::EarningCap);
        assert_eq!(told["detail"], "You earned CHF 24.00 in 2026; the most is CHF 15.00.");
        held.answer_short(7);
        held.finish("completed").await;
        assert_eq!(ana.balance_minor().await, 3600);
    }
}

under! {
    Rules { late_bonus_percent: 10, ..Rules::default() },
    async fn an_appeal_that_was_right_brings_a_late_bonus_of_the_platform(world) {
        let round = world.round("Acme", Plan::short()).await;
        let (ana, rita, sam) = (world.worker("ana").await, world.staff(REVIEWER).await, world.staff(REVIEWER).await);
        let id = round.doubtful(&ana, &round.missions[0]).await;
        let refused = json!([{ "item": "/shelf", "reason_code": "photo_blurred", "clause_id": "2.4", "text": WHY }]);
        rita.rules(&id, json!({ "kind": "partly_approved", "refused": refused })).await;
        let appeal = ana.appeal(&id).await.created()["id"].as_str().unwrap().to_owned();
        sam.post(&format!("/v1/admin/appeals/{appeal}/decision"), json!({ "ruling": "overturn" })).await.created();
        assert_eq!(ana.balance_minor().await, 1260);
        let given = ana.get("/v1/bonuses").await.ok()["items"][0].clone();
        assert_eq!((&given["kind"], minor(&given["amount"]), &given["submission_id"]), (&json!("late_bonus"), 60, &json!(id)));
        assert_eq!(round.balance().await["spent"]["amount_minor"], with_fee(1200), "the brand pays nothing for it");
    }
}

under! {
    Rules { late_bonus_percent: 10, ..every_rail() },
    async fn a_payout_that_is_overdue_brings_a_late_bonus_of_the_platform(world) {
        let round = world.round("Acme", Plan::short().stores(2)).await;
        let (ana, finance) = (world.worker("ana").await, world.staff(StaffRole::Finance).await);
        for (mission, days, bonus) in [(&round.missions[0], 5, 0), (&round.missions[1], 7, 120)] {
            round.clean(&ana, mission).await;
            let payout = ana.post("/v1/payouts", json!({ "method_id": ana.test_method().await })).await.created();
            world.advance_hours(24 * days);
            let path = format!("/v1/admin/payouts/{}", payout["id"].as_str().unwrap());
            finance.post(&format!("{path}/approve"), json!({})).await.ok();
            world.work().await;
            finance.post(&format!("{path}/settle"), json!({})).await.ok();
            assert_eq!(ana.balance_minor().await, bonus, "after {days} days");
        }
        let given = ana.get("/v1/bonuses").await.ok()["items"][0].clone();
        assert_eq!(given["kind"], "late_bonus");
        assert!(given["reason"].as_str().unwrap().contains("was expected on"), "{given}");
    }
}

/// A published campaign that set aside a reserve.
async fn round_with_reserve<'w>(
    world: &'w World,
    owner: Person<'w>,
    brand: String,
    plan: Plan,
    reserve_minor: i64,
) -> Round<'w> {
    let (campaign, stores) = draft(&owner, &plan).await;
    let path = format!("/v1/brand/campaigns/{campaign}");
    owner.post(&format!("{path}/budget"), json!({ "reserve_minor": reserve_minor })).await.ok();
    let check = owner.ask(&format!("{path}/check"), json!({})).await.ok();
    assert_eq!(minor(&check["reserve"]), reserve_minor);
    owner.post(&format!("{path}/publish"), json!({})).await.ok();
    world.published(owner, brand, campaign, stores, plan).await
}
