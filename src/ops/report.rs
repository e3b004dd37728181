//! A campaign's figures: read from accepted answers of delivered submissions, as of a time that is told. Also how the
//! answers of a sealed submission get into that table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::BrandViewer;
use crate::access::scope::BrandScope;
use crate::context::Cx;
use crate::db;
use crate::db::rows::{AnswerRow, CampaignRow, MissionRow, StoreRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx};
use crate::domain::grade::Letter;
use crate::domain::ids::{CampaignId, StoreId, SubmissionId};
use crate::domain::money::Currency;
use crate::domain::questionnaire::{Answer, ItemAnswer, LoopSets};
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::report::{Count, Grades, Line, Observation, Prices, Seen, Tally, csv_cell};
use crate::domain::submission;
use crate::domain::time::At;

// Filling

/// Stores the judged answers of a sealed submission, replacing those of an earlier revision. They are nobody's to read
/// until a decision accepts them.
pub fn store_answers(tx: &mut Tx, submission: &SubmissionRow, items: &[ItemAnswer]) -> Outcome<()> {
    let rows = items.iter().map(|item| row_of(submission, item)).collect::<Outcome<Vec<AnswerRow>>>()?;
    db::deliveries::store_answers(tx, &submission.id, &rows)
}

fn row_of(submission: &SubmissionRow, item: &ItemAnswer) -> Outcome<AnswerRow> {
    let mut value = serde_json::to_value(&item.answer).map_err(Failure::fault)?;
    if !item.photos.is_empty() {
        value["photo_ids"] = json!(item.photos);
    }
    let (mut number, mut amount_minor, mut currency, mut choice) = (None, None, None, None);
    match &item.answer {
        Answer::Count { value } => number = Some(*value as f64),
        Answer::Number { value, .. } => number = value.parse().ok(),
        Answer::Price { amount_minor: minor, currency: code, .. } => {
            (amount_minor, currency) = (Some(*minor), Some(code.code().to_owned()));
        }
        Answer::StockState { value } | Answer::Choice { value, .. } => choice = Some(value.clone()),
        Answer::YesNo { value } => choice = Some(if *value { "yes" } else { "no" }.to_owned()),
        _ => {}
    }
    Ok(AnswerRow {
        submission_id: submission.id.clone(),
        path: item.path.clone(),
        campaign_id: submission.campaign_id.clone(),
        brand_id: submission.brand_id.clone(),
        store_id: submission.store_id.clone(),
        loop_key: item.loop_key.clone(),
        name: item.name.clone(),
        kind: item.r#type.to_owned(),
        value: Json(value),
        number,
        amount_minor,
        currency,
        choice,
        accepted: false,
        observed_at: submission.sealed_at,
    })
}

// Reading

/// How much of a campaign was visited.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    pub missions: i64,
    /// Missions with a delivered visit that was completed.
    pub visited: i64,
    /// Missions where only impossible visits were delivered: shut, not found, refused.
    pub attempted: i64,
    /// `visited` / `missions`; null without missions.
    pub share: Option<f64>,
}

/// What was observed of one key, in one store or (without a store) over all of them. Numbers count observations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportLine {
    pub store_id: Option<StoreId>,
    pub store_name: Option<String>,
    pub store_city: Option<String>,
    /// GTIN of the product or key of the brand; null for questions outside loops.
    pub key: Option<String>,
    pub key_name: Option<String>,
    /// Delivered visits that were asked about it.
    pub visits: i64,
    pub in_stock: i64,
    pub low: i64,
    pub out_of_stock: i64,
    pub not_listed: i64,
    pub not_found: i64,
    /// Asked, and not answered or answered `unknown`; in no denominator.
    pub not_observed: i64,
    /// (in stock + low) / (in stock + low + out of stock); null when nobody could tell.
    pub availability: Option<f64>,
    pub counts: Vec<Count>,
    pub prices: Vec<Prices>,
    /// The same visits by how much their evidence proves.
    pub grades: Grades,
    /// The worst of them.
    pub worst_grade: Option<Letter>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignReport {
    pub campaign_id: CampaignId,
    /// Decisions up to this time are in.
    pub as_of: At,
    pub coverage: Coverage,
    /// Delivered visits, impossible ones too, by how much their evidence proves.
    pub grades: Grades,
    /// Each key over all stores.
    pub totals: Vec<ReportLine>,
    /// Each key in each store.
    pub rows: Vec<ReportLine>,
    /// False when `rows` was cut; `report.csv` has them all.
    pub complete: bool,
}

/// Stores read at a time: bounds the memory of a report.
const STORES_AT_ONCE: i64 = 50;
/// Rows that a JSON report holds at most.
const MAX_ROWS: usize = 20_000;

/// One mission with what was seen there.
struct Visited {
    mission: MissionRow,
    store: StoreRow,
    outcomes: Vec<submission::Outcome>,
    grades: Grades,
    seen: Vec<Observation>,
}

/// The next missions after `after`, with their observations.
fn visited(
    conn: &mut Conn,
    scope: &BrandScope,
    id: &CampaignId,
    after: Option<&str>,
    as_of: At,
) -> Outcome<Vec<Visited>> {
    let missions = db::campaigns::missions_page(conn, scope, id, after, STORES_AT_ONCE)?;
    let stores: Vec<StoreId> = missions.iter().map(|(_, store)| store.id.clone()).collect();
    let mut outcomes: BTreeMap<StoreId, Vec<submission::Outcome>> = BTreeMap::new();
    let mut grades: BTreeMap<StoreId, Grades> = BTreeMap::new();
    let mut letters: BTreeMap<SubmissionId, Letter> = BTreeMap::new();
    for (store, visit, outcome, letter) in db::deliveries::visits(conn, scope, id, &stores, as_of)? {
        grades.entry(store.clone()).or_default().add(letter);
        outcomes.entry(store).or_default().push(outcome);
        letters.extend(letter.map(|letter| (visit, letter)));
    }
    let mut seen: BTreeMap<StoreId, Vec<Observation>> = BTreeMap::new();
    for row in db::deliveries::observed(conn, scope, id, &stores, as_of)? {
        if let Some(observation) = observation(row, &letters) {
            seen.entry(observation.store.clone()).or_default().push(observation);
        }
    }
    let of = |(mission, store): (MissionRow, StoreRow)| Visited {
        outcomes: outcomes.remove(&store.id).unwrap_or_default(),
        grades: grades.remove(&store.id).unwrap_or_default(),
        seen: seen.remove(&store.id).unwrap_or_default(),
        mission,
        store,
    };
    Ok(missions.into_iter().map(of).collect())
}

/// What a report makes of an answer; `None` for kinds that it does not sum.
fn observation(row: AnswerRow, letters: &BTreeMap<SubmissionId, Letter>) -> Option<Observation> {
    let seen = match row.kind.as_str() {
        "stock_state" => Seen::Stock(row.choice),
        "count" => Seen::Count(row.value.0.get("value").and_then(Value::as_i64)),
        "price" => Seen::Price(row.amount_minor.zip(row.currency.as_deref().and_then(Currency::parse))),
        _ => return None,
    };
    let grade = letters.get(&row.submission_id).copied();
    let (store, submission, key, name) = (row.store_id, row.submission_id, row.loop_key, row.name);
    Some(Observation { store, submission, grade, key, name, seen })
}

/// Names of loop keys, as they were when the campaign was published.
fn names(conn: &mut Conn, id: &CampaignId) -> Outcome<BTreeMap<String, String>> {
    let Some(version) = db::campaigns::any_latest_questionnaire(conn, id)? else {
        return Ok(BTreeMap::new());
    };
    let loops: LoopSets = serde_json::from_value(version.loops.0).map_err(Failure::fault)?;
    let keys = loops.products.into_iter().chain(loops.brands);
    Ok(keys.filter_map(|mut key| key.attributes.remove("name").map(|name| (key.key, name))).collect())
}

fn lines(seen: &[Observation], store: Option<&StoreRow>, names: &BTreeMap<String, String>) -> Vec<ReportLine> {
    let mut tally = Tally::default();
    seen.iter().for_each(|observation| tally.add(observation));
    tally.lines().into_iter().map(|line| report_line(line, store, names)).collect()
}

fn report_line(line: Line, store: Option<&StoreRow>, names: &BTreeMap<String, String>) -> ReportLine {
    ReportLine {
        store_id: store.map(|s| s.id.clone()),
        store_name: store.map(|s| s.name.clone()),
        store_city: store.and_then(|s| s.city.clone()),
        key_name: line.key.as_ref().and_then(|key| names.get(key).cloned()),
        key: line.key,
        visits: line.visits,
        in_stock: line.stock.in_stock,
        low: line.stock.low,
        out_of_stock: line.stock.out_of_stock,
        not_listed: line.stock.not_listed,
        not_found: line.stock.not_found,
        not_observed: line.stock.not_observed,
        availability: line.availability,
        counts: line.counts,
        prices: line.prices,
        worst_grade: line.grades.worst(),
        grades: line.grades,
    }
}

/// The figures of a campaign as of now.
pub fn get_report(cx: &Cx, who: &BrandViewer, id: &CampaignId) -> Outcome<CampaignReport> {
    let (scope, as_of) = (BrandScope::from(who), cx.now());
    cx.read(|c| {
        let campaign = db::campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        let names = names(c, id)?;
        let (mut coverage, mut total) = (Coverage::default(), Tally::default());
        let (mut rows, mut complete) = (Vec::new(), true);
        let mut graded = Grades::default();
        let mut after: Option<String> = None;
        loop {
            let some = visited(c, &scope, id, after.as_deref(), as_of)?;
            let Some(last) = some.last() else { break };
            after = Some(last.mission.id.to_string());
            for Visited { store, outcomes, seen, grades, .. } in some {
                coverage.missions += 1;
                graded.join(grades);
                if outcomes.contains(&submission::Outcome::Completed) {
                    coverage.visited += 1;
                } else if !outcomes.is_empty() {
                    coverage.attempted += 1;
                }
                seen.iter().for_each(|observation| total.add(observation));
                let here = lines(&seen, Some(&store), &names);
                complete = complete && rows.len() + here.len() <= MAX_ROWS;
                if complete {
                    rows.extend(here);
                }
            }
        }
        coverage.share = (coverage.missions > 0).then(|| coverage.visited as f64 / coverage.missions as f64);
        let totals = total.lines().into_iter().map(|line| report_line(line, None, &names)).collect();
        Ok(CampaignReport { campaign_id: campaign.id, as_of, coverage, grades: graded, totals, rows, complete })
    })
}

/// A piece of the report as CSV.
#[derive(Clone, Debug)]
pub struct CsvPart {
    pub text: String,
    /// Where the next piece begins; none follows when it is `None`.
    pub next: Option<CsvPlace>,
}

/// The mission after which a piece begins, and the time that the whole file speaks of.
#[derive(Clone, Debug)]
pub struct CsvPlace {
    after: String,
    as_of: At,
}

const CSV_HEAD: &str = "as_of,campaign_id,store_id,store_name,store_city,completed_visits,attempted_visits,key,key_name,\
    visits,in_stock,low,out_of_stock,not_listed,not_found,not_observed,availability,facings_observed,\
    facings_not_observed,facings_sum,facings_mean,price_currency,price_observed,price_min_minor,price_median_minor,\
    price_max_minor,worst_grade,visits_grade_a,visits_grade_b,visits_grade_c,visits_grade_d\r\n";

/// One piece of the report, from the beginning when `place` is `None`. A line per store and key; a store without a
/// visit has one line that says so, with nothing where nothing was observed; the grades of a line are those of its visits. Prices are those in the campaign's
/// currency; facings are the counts called `facings`.
pub fn get_report_csv(cx: &Cx, who: &BrandViewer, id: &CampaignId, place: Option<&CsvPlace>) -> Outcome<CsvPart> {
    let scope = BrandScope::from(who);
    let as_of = place.map_or_else(|| cx.now(), |p| p.as_of);
    cx.read(|c| {
        let campaign = db::campaigns::find(c, &scope, id)?.or_missing("campaign")?;
        let names = names(c, id)?;
        let some = visited(c, &scope, id, place.map(|p| p.after.as_str()), as_of)?;
        let next = some.last().map(|last| CsvPlace { after: last.mission.id.to_string(), as_of });
        let mut text = if place.is_none() { CSV_HEAD.to_owned() } else { String::new() };
        for here in &some {
            csv_lines(&mut text, &campaign, here, &names, as_of);
        }
        Ok(CsvPart { text, next })
    })
}

fn csv_lines(text: &mut String, campaign: &CampaignRow, here: &Visited, names: &BTreeMap<String, String>, as_of: At) {
    let done = here.outcomes.iter().filter(|outcome| **outcome == submission::Outcome::Completed).count();
    let store = [
        as_of.to_string(),
        campaign.id.to_string(),
        here.store.id.to_string(),
        here.store.name.clone(),
        here.store.city.clone().unwrap_or_default(),
        done.to_string(),
        (here.outcomes.len() - done).to_string(),
    ];
    let mut add = |cells: [String; 19], grades: Grades| {
        let worst = grades.worst().map(|letter| letter.to_string()).unwrap_or_default();
        let none = grades == Grades::default();
        let count = |n: i64| if none { String::new() } else { n.to_string() };
        let counts = [grades.a, grades.b, grades.c, grades.d].map(count);
        let line: Vec<String> =
            store.iter().chain(&cells).chain([&worst]).chain(&counts).map(|cell| csv_cell(cell)).collect();
        text.push_str(&line.join(","));
        text.push_str("\r\n");
    };
    let found = lines(&here.seen, Some(&here.store), names);
    if found.is_empty() {
        add(std::array::from_fn(|_| String::new()), here.grades);
    }
    for line in found {
        let facings = line.counts.iter().find(|count| count.name == "facings");
        let prices = line.prices.iter().find(|prices| prices.currency == campaign.currency);
        let whole = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let share = |n: Option<f64>| n.map(|n| format!("{n:.4}")).unwrap_or_default();
        let cells = [
            line.key.clone().unwrap_or_default(),
            line.key_name.clone().unwrap_or_default(),
            line.visits.to_string(),
            line.in_stock.to_string(),
            line.low.to_string(),
            line.out_of_stock.to_string(),
            line.not_listed.to_string(),
            line.not_found.to_string(),
            line.not_observed.to_string(),
            share(line.availability),
            whole(facings.map(|f| f.observed)),
            whole(facings.map(|f| f.not_observed)),
            whole(facings.filter(|f| f.observed > 0).map(|f| f.sum)),
            share(facings.and_then(|f| f.mean)),
            prices.map(|p| p.currency.to_string()).unwrap_or_default(),
            whole(prices.map(|p| p.observed)),
            whole(prices.map(|p| p.min_minor)),
            whole(prices.map(|p| p.median_minor)),
            whole(prices.map(|p| p.max_minor)),
        ];
        add(cells, line.grades);
    }
}
