//! The play: three days of a brand, its workers and the staff, each act through the operation that the API calls, on a
//! clock that is moved between the acts. It leaves a submission in every state that is worth looking at.

use jiff::civil::Date;

use super::cast::{PASSWORD, Place, Stage};
use super::{data, day, script};
use crate::access::{Admin, BrandEditor, BrandOwner, BrandViewer, Finance, Reviewer, Worker};
use crate::context::App;
use crate::domain::account::AccountBody;
use crate::domain::brand::BrandRole;
use crate::domain::campaign::CampaignKind;
use crate::domain::decision::{Correction, DecisionKind, ItemVerdict, ReasonCode};
use crate::domain::ids::{CampaignId, StoreId, SubmissionId};
use crate::domain::money::{Currency, Money};
use crate::domain::papers::TaxPerson;
use crate::domain::payout::Rail;
use crate::domain::place::Point;
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::store_import::{Defaults, StoreRow, diff, parse_csv};
use crate::domain::submission::SubmissionState;
use crate::domain::user::StaffRole;
use crate::ops::appeals::AppealBody;
use crate::ops::brands::{NewBrand, NewMember};
use crate::ops::campaigns::NewCampaign;
use crate::ops::decisions::DecisionBody;
use crate::ops::funds::Funding;
use crate::ops::payouts::PayoutBody;
use crate::ops::reviews::ClaimBody;
use crate::ops::stores::StoreQuery;
use crate::ops::submissions::SubmissionView;
use crate::ops::{
    appeals, auth, brands, campaigns, decisions, funds, payout_methods, payouts, reservations, reviews, store_import,
    stores, submissions, tax_profiles,
};

/// Somebody of the demonstration.
pub struct Person {
    pub email: &'static str,
    pub name: &'static str,
    pub does: &'static str,
}

const fn person(email: &'static str, name: &'static str, does: &'static str) -> Person {
    Person { email, name, does }
}

pub const OWNER: Person = person("owner@example.org", "Sylvie Rochat", "brand owner");
pub const VIEWER: Person = person("viewer@example.org", "Marc Pittet", "brand viewer");
pub const MIREILLE: Person = person("admin1@example.org", "Mireille Favre", "admin, reviews");
pub const LUC: Person = person("admin2@example.org", "Luc Dubois", "admin, reviews appeals");
pub const NADIA: Person = person("finance@example.org", "Nadia Keller", "finance");
pub const ANA: Person = person("ana@example.org", "Ana Costa", "worker, paid out");
pub const BRUNO: Person = person("bruno@example.org", "Bruno Meyer", "worker, to correct a visit; partly paid");
pub const CHLOE: Person = person("chloe@example.org", "Chloé Martin", "worker, a copied photo in review");
pub const DAVID: Person = person("david@example.org", "David Rey", "worker, has appealed");
pub const EMMA: Person = person("emma@example.org", "Emma Blanc", "worker, one visit rejected; holds a mission");
/// Has not opened the link in the first letter.
pub const FARID: Person = person("farid@example.org", "Farid Haddad", "worker, e-mail not verified");

pub const EVERYBODY: &[&Person] =
    &[&OWNER, &VIEWER, &MIREILLE, &LUC, &NADIA, &ANA, &BRUNO, &CHLOE, &DAVID, &EMMA, &FARID];
const WORKERS: &[&Person] = &[&ANA, &BRUNO, &CHLOE, &DAVID, &EMMA];

/// Who signs in with the printed curl lines.
pub const CURL_WORKER: &Person = &ANA;

const ACTS: usize = 19;

/// Tells the audience how far the play is.
struct Teller<'a> {
    told: usize,
    tell: &'a mut dyn FnMut(&str),
}

impl Teller<'_> {
    fn act(&mut self, text: impl AsRef<str>) {
        self.told += 1;
        (self.tell)(&format!("  {:>2}/{ACTS}  {}", self.told, text.as_ref()));
    }

    fn visit(&mut self, who: &Person, at: &Place, did: &str, seen: &SubmissionView) {
        let first = who.name.split(' ').next().unwrap_or(who.name);
        let pay = seen.pay.map(|pay| format!(", {pay}")).unwrap_or_default();
        let state = match seen.state {
            SubmissionState::Approved => "approved by rule".to_owned(),
            SubmissionState::InReview => "in review".to_owned(),
            other => other.to_string(),
        };
        self.act(format!("{first} {did} {}: sealed, {state}{pay}", at.label));
    }
}

/// Plays everything. `app` stands on a clock that can be moved; `first` is the first of the three days.
pub async fn play(app: &App, first: Date, tell: &mut dyn FnMut(&str)) -> Outcome<()> {
    let (Ok(second), Some(third)) = (first.tomorrow(), first.tomorrow().ok().and_then(|d| d.tomorrow().ok())) else {
        return Err(Failure::fault("the calendar ends"));
    };
    let stage = Stage::new(app);
    let mut teller = Teller { told: 0, tell };

    stage.wait_until(day::at(first, 8, 30));
    people(&stage)?;
    stage.machine_works().await?;
    teller.act(format!("{} joins with an owner and a viewer; two admins, finance and six workers", script::BRAND));
    let (imported, round, display) = stores_of_lausanne(&stage)?;
    teller.act(format!("{imported} supermarkets of French-speaking Switzerland are imported from OpenStreetMap"));
    let (round, display) = campaigns_of(&stage, &round, &display, first)?;
    teller.act(format!(
        "two campaigns are published: {} missions, their pay set aside from CHF 2500.00",
        round.len() + display.len()
    ));

    // Stores with an address are visited; those without stay free, so that the visitor finds missions very near.
    let known: Vec<Place> = round.iter().filter(|place| place.label.contains(',')).cloned().collect();

    // The first day: the reference round, and visits that a person will have to look at.
    stage.wait_until(day::at(first, 9, 30));
    let seen = stage.visit(ANA.email, nth(&known, 0)?, &script::first_store()).await?;
    teller.visit(&ANA, nth(&known, 0)?, "visits", &expect(seen, SubmissionState::Approved)?);
    stage.wait_minutes(15);
    let seen = stage.visit(ANA.email, nth(&known, 1)?, &script::second_store()).await?;
    teller.visit(&ANA, nth(&known, 1)?, "visits", &expect(seen, SubmissionState::Approved)?);
    stage.wait_minutes(15);
    let seen = stage.visit(ANA.email, nth(&known, 2)?, &script::shut_store()).await?;
    teller.visit(&ANA, nth(&known, 2)?, "finds shut", &expect(seen, SubmissionState::Approved)?);

    stage.wait_until(day::at(first, 14, 0));
    let silent = stage.visit(CHLOE.email, nth(&display, 0)?, &script::display()).await?;
    let silent = expect(silent, SubmissionState::InReview)?;
    teller.visit(&CHLOE, nth(&display, 0)?, "looks for the display at", &silent);
    let blurred = stage.visit(BRUNO.email, nth(&known, 3)?, &script::blurred()).await?;
    let blurred = expect(blurred, SubmissionState::InReview)?;
    teller.visit(&BRUNO, nth(&known, 3)?, "sends a blurred photo from", &blurred);
    let wrong = stage.visit(EMMA.email, nth(&known, 4)?, &script::wrong_subject()).await?;
    let wrong = expect(wrong, SubmissionState::InReview)?;
    teller.visit(&EMMA, nth(&known, 4)?, "photographs the wrong shelf at", &wrong);
    let far = stage.visit(DAVID.email, nth(&known, 5)?, &script::too_far()).await?;
    let far = expect(far, SubmissionState::InReview)?;
    teller.visit(&DAVID, nth(&known, 5)?, "is far from", &far);
    let part = stage.visit(BRUNO.email, nth(&known, 6)?, &script::one_part_wrong()).await?;
    let part = expect(part, SubmissionState::InReview)?;
    teller.visit(&BRUNO, nth(&known, 6)?, "visits", &part);

    // The second day: people decide, one of them is contradicted, money goes out.
    stage.wait_until(day::at(second, 9, 15));
    decide_all(&stage, &blurred.id, &wrong.id, &far.id, &part.id)?;
    stage.machine_works().await?;
    teller.act("Mireille decides four visits: one to correct, two rejected with reasons, one partly approved");
    stage.wait_until(day::at(second, 11, 0));
    let appeal = AppealBody {
        text: "The phone lost its position between the towers. The photo shows the price tags of this store; please \
               compare them with the ones of the week before."
            .to_owned(),
    };
    let david: Worker = stage.as_(DAVID.email)?;
    appeals::appeal_submission(&stage.cx(), &david, &stage.once(), &far.id, &appeal)?;
    teller.act("David appeals: another person than Mireille will judge within five working days");
    let payout = send_payout(&stage).await?;
    teller.act(format!("Ana asks for {}; Nadia approves, the test bank has the order", payout.1));
    stage.wait_until(day::at(second, 16, 0));
    stage.machine_works().await?;
    let chloe: Worker = stage.as_(CHLOE.email)?;
    let silent = submissions::get_submission(&stage.cx(), &chloe, &silent.id, None)?.submission;
    let silent = expect(silent, SubmissionState::Approved)?;
    let pay = silent.pay.map(|pay| pay.to_string()).unwrap_or_default();
    teller.act(format!("nobody reviewed Chloé's display within a day: silence pays, {pay}"));

    // The third day: what waits for the visitor of the demonstration.
    stage.wait_until(day::at(third, 8, 45));
    payouts::settle_payout(&stage.cx(), &stage.as_::<Finance>(NADIA.email)?, &stage.once(), &payout.0)?;
    teller.act("the bank confirms Ana's payout");
    let copied = stage.visit(CHLOE.email, nth(&known, 7)?, &script::copied()).await?;
    teller.visit(&CHLOE, nth(&known, 7)?, "sends a photo of Ana's from", &expect(copied, SubmissionState::InReview)?);
    let shaken = stage.visit(EMMA.email, nth(&known, 8)?, &script::shaken()).await?;
    teller.visit(&EMMA, nth(&known, 8)?, "sends a blurred photo from", &expect(shaken, SubmissionState::InReview)?);
    stage.wait_until(day::at(third, 9, 50));
    let held = nth(&known, 9)?;
    reservations::reserve(&stage.cx(), &stage.as_(EMMA.email)?, &stage.once(), &held.mission)?;
    teller.act(format!("Emma reserves {}", held.label));
    stage.wait_until(day::at(third, 10, 0));
    stage.machine_works().await
}

/// The submission, when the play has come to where the script says; a fault names where it went astray.
fn expect(seen: SubmissionView, state: SubmissionState) -> Outcome<SubmissionView> {
    match seen.state == state {
        true => Ok(seen),
        false => {
            let store = &seen.mission.store.name;
            Err(Failure::fault(format!("the visit {} to {store} is {} and should be {state}", seen.id, seen.state)))
        }
    }
}

fn nth(places: &[Place], number: usize) -> Outcome<&Place> {
    places.get(number).ok_or_else(|| Failure::fault("the script asks for more stores than there are"))
}

fn people(stage: &Stage) -> Outcome<()> {
    let cx = stage.cx();
    for (who, role) in [(&MIREILLE, StaffRole::Admin), (&LUC, StaffRole::Admin), (&NADIA, StaffRole::Finance)] {
        auth::create_staff(&cx, who.email, who.name, role, super::cast::PASSWORD)?;
    }
    let asked = NewBrand {
        name: script::BRAND.to_owned(),
        country: "CH".to_owned(),
        currency: Currency::CHF,
        owner_email: OWNER.email.to_owned(),
        owner_name: OWNER.name.to_owned(),
    };
    let brand = brands::create_brand(&cx, &stage.as_::<Admin>(MIREILLE.email)?, &stage.once(), &asked)?;
    stage.accept_invitation(OWNER.email)?;
    let asked = NewMember { email: VIEWER.email.to_owned(), name: VIEWER.name.to_owned(), role: BrandRole::Viewer };
    brands::add_member(&cx, &stage.as_::<BrandOwner>(OWNER.email)?, &stage.once(), &asked)?;
    stage.accept_invitation(VIEWER.email)?;
    for worker in WORKERS {
        stage.register(worker.email, worker.name, "fr")?;
        stage.verify_email(worker.email)?;
    }
    stage.register(FARID.email, FARID.name, "fr")?;
    let asked = Funding {
        amount: Money::new(250_000, Currency::CHF),
        reference: format!("QR 21 00000 00003 13947 14300 09017, {}", script::BRAND),
    };
    funds::fund_brand(&cx, &stage.as_::<Finance>(NADIA.email)?, &stage.once(), &brand.id, &asked)?;
    Ok(())
}

/// A store of the directory, with what the play calls it.
type Chosen = (StoreId, String, Point);

/// Fills the directory and chooses the stores of the round and of the second campaign.
fn stores_of_lausanne(stage: &Stage) -> Outcome<(usize, Vec<Chosen>, Vec<Chosen>)> {
    let defaults = Defaults { source: "osm".to_owned(), country: "CH".to_owned(), time_zone: day::zone() };
    let rows = parse_csv(data::STORES_CH, &defaults).rows;
    let rows: Vec<StoreRow> = rows.into_iter().map(|row| StoreRow { kind: None, ..row }).collect();
    let known = store_import::directory(&stage.cx(), &rows)?;
    let imported = store_import::apply(&stage.cx(), &known, &diff(&known.known, &rows), |_| ())?.added;

    let centre = Point::new(script::CENTRE.0, script::CENTRE.1).or_missing("centre")?;
    let place = |row: &&StoreRow| {
        let in_round = script::ROUND.iter().position(|id| *id == row.source_id).unwrap_or(script::ROUND.len());
        (in_round, centre.metres_to(row.point()) as i64)
    };
    let mut nearest: Vec<&StoreRow> = rows.iter().collect();
    nearest.sort_by_key(place);
    nearest.truncate(script::STORES);

    let viewer: BrandViewer = stage.as_(OWNER.email)?;
    let directory = stores::list_stores(&stage.cx(), &viewer, StoreQuery::default(), None, 1000)?.items;
    let choose = |row: &&StoreRow| {
        let store = directory.iter().find(|store| store.source_id == row.source_id).or_missing("store")?;
        Ok((store.id.clone(), label(row), row.point()))
    };
    let round = nearest.iter().map(choose).collect::<Outcome<Vec<Chosen>>>()?;
    let farthest = round.iter().rev().filter(|(_, label, _)| label.contains(','));
    let display = farthest.take(script::DISPLAY_STORES).cloned().collect();
    Ok((imported, round, display))
}

fn label(row: &StoreRow) -> String {
    let street =
        [row.street.as_deref(), row.housenumber.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if street.is_empty() { row.name.clone() } else { format!("{}, {street}", row.name) }
}

fn campaigns_of(stage: &Stage, round: &[Chosen], display: &[Chosen], first: Date) -> Outcome<(Vec<Place>, Vec<Place>)> {
    let ends_at = day::at(first, 18, 0).plus_days(60);
    let asked = NewCampaign {
        name: "Tournée du rayon hygiène, Lausanne".to_owned(),
        purpose: "What stands on the hygiene shelf: facings, products out of stock and nearly so, for three brands."
            .to_owned(),
        currency: None,
        reward_minor: script::REWARD_MINOR,
        attempt_fee_minor: script::ATTEMPT_FEE_MINOR,
        slots_per_store: 1,
        on_site_minutes: 8,
        review_days: 5,
        kind: CampaignKind::Audit,
        min_level: 0,
        qualifications: Vec::new(),
        starts_at: stage.now(),
        ends_at,
        brief: script::round_brief(),
        questionnaire: script::round_questionnaire(),
        loop_brands: script::round_brands(),
        product_ids: Vec::new(),
        store_ids: round.iter().map(|(id, ..)| id.clone()).collect(),
        store_filter: None,
    };
    let second = NewCampaign {
        name: "Têtes de gondole, Lausanne".to_owned(),
        purpose: "Whether the promotion display stands in the store.".to_owned(),
        reward_minor: 700,
        on_site_minutes: 5,
        review_days: 1,
        kind: CampaignKind::Display,
        brief: script::display_brief(),
        questionnaire: script::display_questionnaire(),
        loop_brands: Vec::new(),
        store_ids: display.iter().map(|(id, ..)| id.clone()).collect(),
        ..asked.clone()
    };
    let round_id = publish(stage, &asked)?;
    let display_id = publish(stage, &second)?;
    Ok((missions_of(stage, &round_id, round)?, missions_of(stage, &display_id, display)?))
}

fn publish(stage: &Stage, asked: &NewCampaign) -> Outcome<CampaignId> {
    let (editor, owner) = (stage.as_::<BrandEditor>(OWNER.email)?, stage.as_::<BrandOwner>(OWNER.email)?);
    let draft = campaigns::create_campaign(&stage.cx(), &editor, &stage.once(), asked)?;
    Ok(campaigns::publish_campaign(&stage.cx(), &owner, &stage.once(), &draft.id)?.id)
}

/// The campaign's missions, in the order of its stores.
fn missions_of(stage: &Stage, id: &CampaignId, stores: &[Chosen]) -> Outcome<Vec<Place>> {
    let viewer: BrandViewer = stage.as_(OWNER.email)?;
    let missions = campaigns::list_campaign_missions(&stage.cx(), &viewer, id, None, 200)?.items;
    let place = |(store, label, point): &Chosen| {
        let mission = missions.iter().find(|mission| mission.store_id == *store).or_missing("mission")?;
        Ok(Place { mission: mission.id.clone(), label: label.clone(), point: *point })
    };
    stores.iter().map(place).collect()
}

fn plain(kind: DecisionKind) -> DecisionBody {
    DecisionBody {
        kind,
        reason_code: None,
        target: None,
        clause_id: None,
        text: None,
        refused: Vec::new(),
        correction: None,
    }
}

fn refusal(kind: DecisionKind, code: ReasonCode, target: &str, clause: &str, text: &str) -> DecisionBody {
    DecisionBody {
        reason_code: Some(code),
        target: Some(target.to_owned()),
        clause_id: Some(clause.to_owned()),
        text: Some(text.to_owned()),
        ..plain(kind)
    }
}

fn decide_all(
    stage: &Stage,
    blurred: &SubmissionId,
    wrong: &SubmissionId,
    far: &SubmissionId,
    part: &SubmissionId,
) -> Outcome<()> {
    let correction = refusal(
        DecisionKind::NeedsCorrection,
        ReasonCode::PhotoBlurred,
        "/brand/leman/shelf",
        "2.4",
        "The labels cannot be read. Please go once more and take the photo with a steady hand; the count is kept.",
    );
    let correction = DecisionBody { correction: Some(Correction::Revisit), ..correction };
    decide(stage, blurred, correction)?;
    stage.wait_minutes(6);
    let wrong_shelf = refusal(
        DecisionKind::Rejected,
        ReasonCode::PhotoWrongSubject,
        "/brand/leman/shelf",
        "2.4",
        "The photo shows a shelf of ready-made potatoes. There is no soap in it, so that the counts cannot be checked.",
    );
    decide(stage, wrong, wrong_shelf)?;
    stage.wait_minutes(6);
    let too_far = refusal(
        DecisionKind::Rejected,
        ReasonCode::TooFar,
        "visit",
        "3.1",
        "Both positions and the photo lie 1.4 km from the store, and nothing in the photo shows which store it is.",
    );
    decide(stage, far, too_far)?;
    stage.wait_minutes(6);
    let refused = ItemVerdict {
        item: "/brand/alpina".to_owned(),
        reason_code: ReasonCode::AnswerContradictsPhoto,
        clause_id: "2.2".to_owned(),
        text: "The photo shows a crate in front of the shelf; the two facings that were counted cannot be seen."
            .to_owned(),
    };
    decide(stage, part, DecisionBody { refused: vec![refused], ..plain(DecisionKind::PartlyApproved) })
}

fn decide(stage: &Stage, id: &SubmissionId, asked: DecisionBody) -> Outcome<()> {
    let reviewer: Reviewer = stage.as_(MIREILLE.email)?;
    let claim = ClaimBody { submission_id: Some(id.to_string()) };
    reviews::claim_review(&stage.cx(), &reviewer, &stage.once(), &claim)?;
    stage.wait_minutes(2);
    decisions::decide_submission(&stage.cx(), &reviewer, &stage.once(), id, &asked)?;
    Ok(())
}

/// Everything that Ana has, on its way to her bank.
async fn send_payout(stage: &Stage<'_>) -> Outcome<(crate::domain::ids::PayoutId, Money)> {
    let (ana, nadia) = (stage.as_::<Worker>(ANA.email)?, stage.as_::<Finance>(NADIA.email)?);
    let account = AccountBody {
        rail: Rail::Test,
        password: PASSWORD.to_owned(),
        iban: None,
        bic: None,
        holder: None,
        street: None,
        building: None,
        postcode: None,
        town: None,
        country: None,
        paypal_address: None,
        account: Some("CH93 0076 2011 6238 5295 7".to_owned()),
        automatic: None,
    };
    let method = payout_methods::add_payout_method(&stage.cx(), &ana, &stage.once(), &account)?;
    let some = |text: &str| Some(text.to_owned());
    let person = TaxPerson {
        first_name: some("Ana"),
        last_name: some("Costa"),
        street: some("Avenue de la Gare 1"),
        postcode: some("1003"),
        city: some("Lausanne"),
        country: some("CH"),
        birth_date: some("1994-05-06"),
        // The number that the Swiss offices print in their examples.
        tax_number: some("756.9217.0769.85"),
        vat_number: None,
    };
    tax_profiles::put_tax_profile(&stage.cx(), &ana, 0, &person)?;
    let asked = PayoutBody { amount: None, method_id: method.id.to_string() };
    let payout = payouts::request_payout(&stage.cx(), &ana, &stage.once(), &asked)?;
    stage.wait_minutes(20);
    payouts::approve_payout(&stage.cx(), &nadia, &stage.once(), &payout.id)?;
    stage.machine_works().await?;
    Ok((payout.id, payout.amount))
}
