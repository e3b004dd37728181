//! A worker's year, straight from the ledger: the recap, the figures that are reported, and the report itself.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tax_profiles::any_person;
use crate::access::scope::WorkerScope;
use crate::access::{Admin, Finance, Worker};
use crate::context::Cx;
use crate::db::{Conn, papers, users};
use crate::domain::dac7::{self, Figures, Seller};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::UserId;
use crate::domain::money::{Currency, Money};
use crate::domain::papers::{Duty, Platform, duties, quarters};
use crate::domain::refusal::{Code, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::tax_number::masked;
use crate::domain::time::At;
use crate::domain::user::UserState;

/// What arrived in a year in one currency.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct PaidOut {
    pub currency: Currency,
    pub payouts: i64,
    pub gross: Money,
}

/// A worker's own year.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RecapView {
    pub year: i16,
    pub worker_id: UserId,
    pub name: Option<String>,
    /// Its last characters.
    pub tax_number: Option<String>,
    pub platform: Platform,
    /// Earned, by currency.
    pub figures: Vec<Figures>,
    pub paid_out: Vec<PaidOut>,
    pub duties: Vec<Duty>,
}

/// What is reported about a worker.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Dac7View {
    pub year: i16,
    pub worker_id: UserId,
    pub figures: Vec<Figures>,
    /// Whether the report would name this worker as it stands.
    pub reportable: bool,
    /// Why not.
    pub reasons: Vec<String>,
}

pub fn get_recap(cx: &Cx, who: &Worker, year: i16) -> Outcome<RecapView> {
    let scope = WorkerScope::from(who);
    let starts = quarters(year).or_missing("year")?;
    cx.read(|c| {
        let user = users::any_find(c, who.user())?.or_missing("worker")?;
        let person = if user.state == UserState::Erased { None } else { Some(any_person(cx, c, who.user())?) };
        let mut paid_out: Vec<PaidOut> = Vec::new();
        for row in papers::notices_between(c, &scope, starts[0], starts[4])? {
            let amount = Money::new(row.to_minor - row.from_minor, row.currency);
            match paid_out.iter_mut().find(|paid| paid.currency == row.currency) {
                Some(paid) => (paid.payouts, paid.gross) = (paid.payouts + 1, paid.gross.add(amount)?),
                None => paid_out.push(PaidOut { currency: row.currency, payouts: 1, gross: amount }),
            }
        }
        let country = person.as_ref().and_then(|p| p.country.clone()).or(user.country);
        let name = person.as_ref().and_then(|p| Some(format!("{} {}", p.first_name.as_ref()?, p.last_name.as_ref()?)));
        Ok(RecapView {
            year,
            worker_id: who.user().clone(),
            name,
            tax_number: person.and_then(|p| p.tax_number).as_deref().map(masked),
            platform: cx.rules().platform.clone(),
            figures: of_worker(c, year, who.user())?,
            paid_out,
            duties: duties(country.as_deref()),
        })
    })
}

fn of_worker(c: &mut Conn, year: i16, worker: &UserId) -> Outcome<Vec<Figures>> {
    Ok(papers::any_year(c, year, Some(worker))?.into_iter().map(|(_, figures)| figures).collect())
}

pub fn get_own_dac7(cx: &Cx, who: &Worker, year: i16) -> Outcome<Dac7View> {
    quarters(year).or_missing("year")?;
    cx.read(|c| {
        let figures = of_worker(c, year, who.user())?;
        let mut reasons = Vec::new();
        for one in &figures {
            reasons.extend(judge(cx, c, who.user(), one)?.err().unwrap_or_default());
        }
        reasons.dedup();
        Ok(Dac7View {
            year,
            worker_id: who.user().clone(),
            reportable: reasons.is_empty() && !figures.is_empty(),
            figures,
            reasons,
        })
    })
}

/// Where sellers must live to be reported.
const MEMBER_STATES: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Not a fault of the profile: the directive does not ask for who lives elsewhere.
const OUTSIDE: &str = "lives outside the Union";

/// The seller as reported, or why not.
fn judge(cx: &Cx, c: &mut Conn, worker: &UserId, figures: &Figures) -> Outcome<Result<Seller, Vec<String>>> {
    let person = any_person(cx, c, worker)?;
    if person.country.as_deref().is_some_and(|country| !MEMBER_STATES.contains(&country)) {
        return Ok(Err(vec![OUTSIDE.to_owned()]));
    }
    let mut reasons: Vec<String> = person.missing().into_iter().map(|name| format!("{name} is missing")).collect();
    if !figures.is_reportable() {
        reasons.push(format!("more {} was taken back in a quarter than credited", figures.currency));
    }
    if !reasons.is_empty() {
        return Ok(Err(reasons));
    }
    Ok(Ok(Seller { id: worker.clone(), person, figures: figures.clone() }))
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReportedSeller {
    pub worker_id: UserId,
    pub figures: Figures,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct LeftOut {
    pub worker_id: UserId,
    pub reasons: Vec<String>,
}

/// A report without the persons in it.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct ReportView {
    pub year: i16,
    pub sellers: Vec<ReportedSeller>,
    /// Who should be in it and cannot be.
    pub left_out: Vec<LeftOut>,
    /// Who earned and need not be in it.
    pub outside: Vec<UserId>,
}

fn collect(cx: &Cx, c: &mut Conn, year: i16) -> Outcome<(Vec<Seller>, ReportView)> {
    let mut view = ReportView { year, sellers: Vec::new(), left_out: Vec::new(), outside: Vec::new() };
    let mut sellers = Vec::new();
    for (worker, figures) in papers::any_year(c, year, None)? {
        match judge(cx, c, &worker, &figures)? {
            Ok(seller) => {
                view.sellers.push(ReportedSeller { worker_id: worker, figures });
                sellers.push(seller);
            }
            Err(reasons) if reasons == [OUTSIDE] => view.outside.push(worker),
            Err(reasons) => view.left_out.push(LeftOut { worker_id: worker, reasons }),
        }
    }
    view.outside.dedup();
    Ok((sellers, view))
}

/// What the report of the year would say; who the sellers are stays sealed.
pub fn get_dac7(cx: &Cx, _who: &Finance, year: i16) -> Outcome<ReportView> {
    quarters(year).or_missing("year")?;
    cx.read(|c| Ok(collect(cx, c, year)?.1))
}

/// The file, and what is in it.
#[derive(Clone, Debug)]
pub struct Report {
    pub xml: String,
    pub view: ReportView,
}

pub fn get_dac7_xml(cx: &Cx, who: &Admin, year: i16) -> Outcome<Report> {
    use crate::access::Pass;
    make_report(cx, &who.actor(), year)
}

/// Opens what is sealed of every reported worker, and leaves a trace of it.
pub fn make_report(cx: &Cx, actor: &Actor, year: i16) -> Outcome<Report> {
    quarters(year).or_missing("year")?;
    let platform = &cx.rules().platform;
    let settings = [
        ("platform-name", &platform.name),
        ("platform-address", &platform.address),
        ("platform-country", &platform.country),
        ("platform-tax-number", &platform.tax_number),
    ];
    let errors: Vec<FieldError> = settings
        .into_iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(name, _)| {
            FieldError::new(name, "required", format!("Set {name}: the report says who runs the platform."))
        })
        .collect();
    if !errors.is_empty() {
        return Err(Refusal::sentences(Code::ReportIncomplete, errors).into());
    }
    // Read apart from the trace: nobody else could write while a whole year is read. The trace comes before the file.
    let now: At = cx.now();
    let (sellers, view) = cx.read(|c| collect(cx, c, year))?;
    cx.write_as(actor, |tx| {
        let event = Event::new("dac7.reported", year.to_string());
        tx.record(event.data(json!({ "sellers": view.sellers.len(), "left_out": view.left_out.len() })))
    })?;
    let xml = dac7::xml(platform, year, now, &sellers);
    Ok(Report { xml, view })
}
