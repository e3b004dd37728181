//! The sender of payouts ends at every one of its steps, while PayPal loses requests and answers, refuses, delays, hears
//! twice and sends back. Whatever happens, each payout reaches its last state, and none is paid twice or forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use fieldproof::access::{Anyone, Pass};
use fieldproof::domain::ids::PayoutId;
use fieldproof::domain::refusal::Failure;
use fieldproof::domain::user::StaffRole;
use fieldproof::jobs::send_payouts::{Pace, Step, poll, send};
use fieldproof::ports::bank::Rails;
use fieldproof::ports::bank::paypal::{PayPal, Seller};
use serde_json::{Value, json};

use crate::support::visit::Plan;
use crate::support::world::{PASSWORD, World, both};

/// Combinations of a step, a second step and a mischief; `FIELDPROOF_TEST_PAYOUT_KILLS` asks for another number.
const KILLS: usize = 112;

/// What PayPal, or the network, does to one payout.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Mischief {
    None,
    /// The request never arrives: 503.
    LostRequest,
    /// It is taken, and the answer is lost.
    LostAnswer,
    /// It arrives twice.
    Duplicate,
    /// It is pending for two questions.
    Delay,
    /// Refused at once.
    Refuse,
    /// Taken, and refused later.
    Fail,
    /// Paid, and sent back.
    Return,
    /// PayPal is down.
    Down,
    /// It is taken, the answer is lost, and a second one is refused without saying which batch has it.
    Nameless,
}

const ALL: [Mischief; 8] = [
    Mischief::None,
    Mischief::LostRequest,
    Mischief::LostAnswer,
    Mischief::Duplicate,
    Mischief::Delay,
    Mischief::Refuse,
    Mischief::Fail,
    Mischief::Return,
];

impl Mischief {
    fn last(self) -> &'static str {
        match self {
            Mischief::Refuse | Mischief::Fail => "failed",
            Mischief::Return => "returned",
            _ => "settled",
        }
    }
}

#[derive(Clone, Debug)]
struct Kept {
    id: String,
    item: Value,
    questions: usize,
}

/// PayPal as its documentation says that it behaves: a batch id is good once.
#[derive(Default)]
struct Fake {
    mischief: BTreeMap<String, Mischief>,
    batches: BTreeMap<String, Kept>,
    /// How often money left for an item.
    paid: BTreeMap<String, usize>,
    lost: BTreeSet<String>,
    tokens: usize,
    /// Orders that were brought, taken or not.
    brought: usize,
    /// Questions about batches.
    asked: usize,
}

type Shared = web::Data<Mutex<Fake>>;

async fn token(fake: Shared, request: HttpRequest) -> HttpResponse {
    let known = request.headers().get("authorization").is_some_and(|h| h == "Basic Y2xpZW50OnNlY3JldA==");
    if !known {
        return HttpResponse::Unauthorized().finish();
    }
    fake.lock().unwrap().tokens += 1;
    HttpResponse::Ok().json(json!({ "access_token": "t", "expires_in": 3600 }))
}

impl Fake {
    /// Takes a batch; `None` when its id was used.
    fn take(&mut self, body: &Value, url: &str) -> (u16, Value) {
        let ours = body["sender_batch_header"]["sender_batch_id"].as_str().unwrap().to_owned();
        if let Some(kept) = self.batches.get(&ours) {
            // As the sandbox answers, and as an older version did.
            let link = json!([{ "rel": "self", "href": format!("{url}/v1/payments/payouts/{}", kept.id) }]);
            let issue = "Batch with given sender_batch_id already exists";
            let mut detail = json!({ "field": "SENDER_BATCH_ID", "location": "body", "issue": issue });
            let mut refused = json!({ "name": "USER_BUSINESS_ERROR", "links": [] });
            *(if kept.id.ends_with(['0', '2', '4', '6', '8']) { &mut refused["links"] } else { &mut detail["link"] }) =
                link;
            refused["details"] = json!([detail]);
            return (400, refused);
        }
        let id = format!("PP{:06}", self.batches.len());
        let item = body["items"][0].clone();
        assert_eq!(
            (item["sender_item_id"].as_str(), item["recipient_type"].as_str()),
            (Some(ours.as_str()), Some("EMAIL"))
        );
        if self.mischief.get(&ours) != Some(&Mischief::Fail) {
            *self.paid.entry(ours.clone()).or_default() += 1;
        }
        self.batches.insert(ours, Kept { id: id.clone(), item, questions: 0 });
        (201, json!({ "batch_header": { "payout_batch_id": id, "batch_status": "PENDING" } }))
    }
}

async fn pay(fake: Shared, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut fake = fake.lock().unwrap();
    fake.brought += 1;
    let ours = body["sender_batch_header"]["sender_batch_id"].as_str().unwrap().to_owned();
    assert_eq!(request.headers().get("paypal-request-id").unwrap(), ours.as_str());
    let url = format!("http://{}", request.connection_info().host());
    let answer = |(status, body): (u16, Value)| {
        HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).json(body)
    };
    match fake.mischief.get(&ours).copied().unwrap_or(Mischief::None) {
        Mischief::LostRequest if fake.lost.insert(ours.clone()) => HttpResponse::ServiceUnavailable().finish(),
        Mischief::Down => HttpResponse::BadGateway().finish(),
        Mischief::Nameless => {
            fake.take(&body, &url);
            let issue = json!({ "field": "SENDER_BATCH_ID", "issue": "Duplicate batch request" });
            answer((400, json!({ "name": "USER_BUSINESS_ERROR", "details": [issue] })))
        }
        Mischief::LostAnswer if fake.lost.insert(ours.clone()) => {
            fake.take(&body, &url);
            HttpResponse::GatewayTimeout().finish()
        }
        Mischief::Duplicate => {
            fake.take(&body, &url);
            answer(fake.take(&body, &url))
        }
        Mischief::Refuse => answer((400, json!({ "name": "VALIDATION_ERROR" }))),
        _ => answer(fake.take(&body, &url)),
    }
}

async fn look(fake: Shared, id: web::Path<String>) -> HttpResponse {
    let mut fake = fake.lock().unwrap();
    fake.asked += 1;
    let Some((ours, kept)) = fake.batches.iter_mut().find(|(_, kept)| kept.id == *id) else {
        return HttpResponse::NotFound().finish();
    };
    kept.questions += 1;
    let (ours, kept) = (ours.clone(), kept.clone());
    let status = match fake.mischief.get(&ours).copied().unwrap_or(Mischief::None) {
        Mischief::Delay if kept.questions < 3 => "PENDING",
        Mischief::Fail => "FAILED",
        Mischief::Return => "RETURNED",
        _ => "SUCCESS",
    };
    HttpResponse::Ok().json(json!({
        "batch_header": { "payout_batch_id": kept.id, "batch_status": "SUCCESS",
            "sender_batch_header": { "sender_batch_id": ours } },
        "items": [{ "payout_item_id": "I", "transaction_status": status, "payout_item": {
            "amount": kept.item["amount"], "sender_item_id": kept.item["sender_item_id"] } }],
    }))
}

/// A PayPal of our own, and rails that speak to it.
fn paypal(world: &World) -> (Shared, Rails) {
    let fake: Shared = web::Data::new(Mutex::default());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let data = fake.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/v1/oauth2/token", web::post().to(token))
            .route("/v1/payments/payouts", web::post().to(pay))
            .route("/v1/payments/payouts/{id}", web::get().to(look))
    });
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    actix_web::rt::spawn(server);
    let seller = Seller { url, client_id: "client".to_owned(), secret: "secret".to_owned() };
    let rails = Rails { test: world.app.rails.test.clone(), paypal: Some(PayPal::open(seller).unwrap()) };
    (fake, rails)
}

/// As many approved payouts of one centime.
async fn payouts(world: &World, count: usize) -> Vec<PayoutId> {
    let round = world.round("Acme", Plan::short().slots(10)).await;
    let (first, second) = (world.staff(StaffRole::Finance).await, world.staff(StaffRole::Finance).await);
    let mut ids = Vec::new();
    for begin in (0..count).step_by(1000) {
        let ana = world.worker("ana").await;
        round.clean(&ana, &round.missions[0]).await;
        let asked = json!({ "rail": "paypal", "paypal_address": "ana@paypal.example", "password": PASSWORD });
        let method = ana.post("/v1/me/payout-methods", asked).await;
        // One account for all of them would be doubted.
        let method = method.created()["id"].clone();
        world.advance_hours(49);
        for _ in begin..count.min(begin + 1000) {
            let asked = json!({ "method_id": method, "amount": { "amount_minor": 1, "currency": "CHF" } });
            let payout = ana.post("/v1/payouts", asked).await.created();
            ids.push(PayoutId::parse(payout["id"].as_str().unwrap()).unwrap());
        }
        let asked = json!({ "rail": "paypal", "currency": "CHF" });
        let batch = first.post("/v1/admin/payout-batches", asked).await.created();
        let path = format!("/v1/admin/payout-batches/{}", batch["id"].as_str().unwrap());
        first.post(&format!("{path}/check"), json!({})).await.ok();
        second.post(&format!("{path}/approve"), json!({})).await.ok();
        let remove = format!("/v1/me/payout-methods/{}/remove", method.as_str().unwrap());
        ana.post(&remove, json!({})).await.ok();
    }
    ids
}

fn states(world: &World, ids: &[PayoutId]) -> Vec<String> {
    let read = |c: &mut fieldproof::db::Conn| {
        ids.iter().map(|id| Ok(fieldproof::db::payouts::any_by_id(c, id)?.unwrap().state.to_string())).collect()
    };
    world.app.core.db.read(read).unwrap()
}

both! {
    async fn a_sender_that_ends_anywhere_pays_each_once_and_forgets_none(world) {
        let count = std::env::var("FIELDPROOF_TEST_PAYOUT_KILLS")
            .map_or(KILLS, |text| text.parse().expect("FIELDPROOF_TEST_PAYOUT_KILLS is a number"));
        let (fake, rails) = paypal(world);
        let ids = payouts(world, count).await;
        // Every mischief at every step; then the same with a second end at every other step.
        let steps = Step::ALL.len();
        let mut plan = BTreeMap::new();
        for (n, id) in ids.iter().enumerate() {
            fake.lock().unwrap().mischief.insert(id.to_string(), ALL[n % 8]);
            let (first, again) = ((n / 8) % steps, n / (8 * steps));
            let mut ends = vec![Step::ALL[first]];
            if again > 0 {
                ends.push(Step::ALL[(first + again - 1) % steps]);
            }
            plan.insert(id.clone(), ends);
        }
        let planned: usize = plan.values().map(Vec::len).sum();
        let plan = Arc::new(Mutex::new(plan));
        let left = plan.clone();
        let watch = move |step: Step, id: &PayoutId| {
            let mut left = left.lock().unwrap();
            let ends = left.get_mut(id).unwrap();
            if ends.first() == Some(&step) {
                ends.remove(0);
                return Err(Failure::fault("ended here"));
            }
            Ok(())
        };
        let pace = Pace::default();
        let mut quiet = 0;
        let mut ended = 0;
        // Three quiet rounds: pending ones are asked about until they are not.
        while quiet < 4 {
            let sent = send(&world.app.core, &rails, &pace, &watch).await;
            let asked = poll(&world.app.core, &rails, &watch).await;
            ended += usize::from(sent.is_err()) + usize::from(asked.is_err());
            quiet = if sent.is_ok() && asked.is_ok() { quiet + 1 } else { 0 };
            // What was left in doubt is tried again after a while.
            world.advance_secs(30);
        }
        for (n, (id, state)) in ids.iter().zip(states(world, &ids)).enumerate() {
            let mischief = ALL[n % 8];
            assert_eq!(state, mischief.last(), "{id}: {mischief:?}");
            let paid = fake.lock().unwrap().paid.get(id.as_str()).copied().unwrap_or(0);
            assert_eq!(paid, usize::from(state != "failed"), "{id}: {mischief:?} was paid {paid} times");
        }
        assert!(fake.lock().unwrap().tokens < 5, "a token is kept");
        let unmet: usize = plan.lock().unwrap().values().map(Vec::len).sum();
        assert_eq!(ended, planned - unmet);
        assert!(ended > planned / 2, "{ended} of {planned}");
        println!("{count} combinations, ended {ended} times; {unmet} ends lie on roads that were not taken");
    }

    async fn a_hook_is_believed_nothing_and_asked_about(world) {
        let (fake, rails) = paypal(world);
        let ids = payouts(world, 1).await;
        let said = |id: &str| json!({ "event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
            "resource": { "transaction_status": "SUCCESS", "payout_item": { "sender_item_id": id } } });
        fake.lock().unwrap().mischief.insert(ids[0].to_string(), Mischief::Delay);
        send(&world.app.core, &rails, &Pace::default(), &|_, _| Ok(())).await.unwrap();
        for id in [ids[0].as_str(), "pay_nothing", "pay_00000000000000000000000000"] {
            world.stranger().ask("/v1/hooks/paypal", said(id)).await.done();
        }
        // This world's own rails know no PayPal, so the job finds nobody to ask: nothing moves on anybody's word.
        world.work().await;
        assert_eq!(states(world, &ids), ["sent"]);
        let ask = || fieldproof::jobs::send_payouts::ask(&world.app.core, &rails, ids[0].to_string());
        for expected in ["sent", "sent", "settled"] {
            ask().await.unwrap();
            assert_eq!(states(world, &ids), [expected]);
        }
        let anyone = Anyone::admit(None).unwrap();
        fieldproof::ops::payouts::hear_hook(&world.cx(), &anyone, ids[0].as_str(), None).unwrap();
        // Another amount under our id is not our order.
        fake.lock().unwrap().batches.get_mut(ids[0].as_str()).unwrap().item["amount"]["value"] = json!("0.02");
        assert!(ask().await.is_err(), "it is asked again, and a person is told");
        assert_eq!(states(world, &ids), ["settled"]);
    }

    async fn a_paypal_that_is_down_is_tried_once_a_run_and_ever_less_often(world) {
        let (fake, rails) = paypal(world);
        let ids = payouts(world, 3).await;
        let all_do = |mischief: Mischief| {
            fake.lock().unwrap().mischief.extend(ids.iter().map(|id| (id.to_string(), mischief)));
        };
        all_do(Mischief::Down);
        let pace = Pace::default();
        let run = async || {
            send(&world.app.core, &rails, &pace, &|_, _| Ok(())).await.unwrap();
            std::mem::take(&mut fake.lock().unwrap().brought)
        };
        assert_eq!((run().await, states(world, &ids)), (1, vec!["sending".into(), "approved".into(), "approved".into()]));
        assert_eq!((run().await, run().await), (1, 1), "one that is in doubt does not keep the others back");
        assert_eq!(run().await, 0, "all wait");
        let mut tries = 0;
        for _ in 0..2 * 60 * 24 {
            world.advance_secs(30);
            tries += run().await;
        }
        assert!((24..120).contains(&tries), "{tries} tries in a day of three payouts");
        all_do(Mischief::None);
        world.advance_hours(1);
        run().await;
        poll(&world.app.core, &rails, &|_, _| Ok(())).await.unwrap();
        assert_eq!(states(world, &ids), ["settled"; 3]);
    }

    async fn a_hook_may_offer_a_name_that_we_never_heard(world) {
        let (fake, rails) = paypal(world);
        let ids = payouts(world, 2).await;
        for id in &ids {
            fake.lock().unwrap().mischief.insert(id.to_string(), Mischief::Nameless);
        }
        send(&world.app.core, &rails, &Pace::default(), &|_, _| Ok(())).await.unwrap();
        assert_eq!(states(world, &ids), ["sending", "sending"]);
        let mut app = world.app.clone();
        app.rails = rails;
        let said = |batch: &str| json!({ "event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
            "resource": { "payout_batch_id": batch, "payout_item": { "sender_item_id": ids[0] } } });
        let theirs = fake.lock().unwrap().batches[ids[1].as_str()].id.clone();
        let ours = fake.lock().unwrap().batches[ids[0].as_str()].id.clone();
        for wrong in ["PP999999", "../../v1/x", &theirs] {
            world.stranger().ask("/v1/hooks/paypal", said(wrong)).await.done();
            fieldproof::jobs::run_until_idle(&app).await.unwrap();
            assert_eq!(states(world, &ids), ["sending", "sending"], "{wrong}");
            world.advance_secs(60);
        }
        world.stranger().ask("/v1/hooks/paypal", said(&ours)).await.done();
        fieldproof::jobs::run_until_idle(&app).await.unwrap();
        assert_eq!(states(world, &ids), ["settled", "sending"]);
        assert_eq!(fake.lock().unwrap().paid[ids[0].as_str()], 1);
        fake.lock().unwrap().mischief.insert(ids[1].to_string(), Mischief::None);
        world.advance_secs(3600);
        fieldproof::jobs::run_until_idle(&app).await.unwrap();
    }

    async fn whoever_knows_a_payout_cannot_make_us_ask_without_end(world) {
        let (fake, rails) = paypal(world);
        let ids = payouts(world, 1).await;
        let mut app = world.app.clone();
        app.rails = rails;
        fieldproof::jobs::run_until_idle(&app).await.unwrap();
        poll(&app.core, &app.rails, &|_, _| Ok(())).await.unwrap();
        assert_eq!(states(world, &ids), ["settled"]);
        let said = json!({ "resource": { "payout_item": { "sender_item_id": ids[0] } } });
        let knock = async |times: usize| {
            fake.lock().unwrap().asked = 0;
            for _ in 0..times {
                world.stranger().ask("/v1/hooks/paypal", said.clone()).await.done();
                fieldproof::jobs::run_until_idle(&app).await.unwrap();
            }
            fake.lock().unwrap().asked
        };
        assert_eq!(knock(20).await, 1, "once a minute");
        world.advance_secs(60);
        assert_eq!(knock(20).await, 1, "the next one waited");
        // PayPal forgets; what has ended here is not asked about for ever.
        fake.lock().unwrap().batches.clear();
        world.advance_secs(60);
        assert_eq!(knock(1).await, 1);
        world.advance_hours(24);
        fieldproof::jobs::run_until_idle(&app).await.unwrap();
        assert_eq!(fake.lock().unwrap().asked, 1);
        let open = world.app.core.db.read(|c| {
            use diesel::prelude::*;
            use fieldproof::db::schema::jobs;
            let asks = jobs::table.filter(jobs::kind.eq("ask_rail"));
            Ok(asks.filter(jobs::state.ne(fieldproof::domain::job::JobState::Done)).count().get_result::<i64>(c)?)
        });
        assert_eq!(open.unwrap(), 0);
    }
}
