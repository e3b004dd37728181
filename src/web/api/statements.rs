//! Statements of account as JSON, for spreadsheets and for paper; clients' money day by day.

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::auth::escape;
use crate::access::{BrandViewer, Finance, Pass, Worker};
use crate::domain::ids::{BrandId, UserId};
use crate::domain::statement::Statement;
use crate::domain::time::At;
use crate::ops;
use crate::ops::statements::BankBalance;
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};

/// How a statement is written.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Csv,
    Html,
}

/// From `from` on, up to and without `to`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodParams {
    from: At,
    to: At,
    format: Option<Form>,
}

/// What was asked for by name, else by `Accept`.
fn form(asked: Option<Form>, req: &HttpRequest) -> Form {
    let accept = req.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = |kind: &str| accept.split(',').any(|one| one.trim().starts_with(kind));
    asked.unwrap_or_else(|| match () {
        () if wanted("text/csv") => Form::Csv,
        () if wanted("text/html") => Form::Html,
        () => Form::Json,
    })
}

fn answer<P: Pass>(gate: &Gate<P>, form: Form, statement: &Statement) -> Answer {
    let name = format!("{}_{}.csv", statement.owner_id, statement.from.to_string().replace(':', ""));
    match form {
        Form::Json => gate.ok(statement),
        Form::Csv => Ok(HttpResponse::Ok()
            .content_type("text/csv; charset=utf-8")
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .body(statement.csv())),
        Form::Html => Ok(HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, "private, no-store"))
            .body(paper(statement))),
    }
}

/// A page to be printed; it loads nothing.
fn paper(statement: &Statement) -> String {
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
    };
    let heads = Statement::HEADS.map(|head| head.replace('_', " "));
    let rows: String = statement.rows().iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
    let (owner, from, to) = (escape(&statement.owner_id), statement.from, statement.to);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Statement {owner}</title>\n<style>\
         body{{font:10pt/1.4 system-ui,sans-serif;margin:1.5cm}}table{{border-collapse:collapse;width:100%}}\
         th,td{{border-bottom:1px solid #bbb;padding:.2em .4em;text-align:left}}td:nth-child(n+6){{text-align:right;\
         font-variant-numeric:tabular-nums}}thead{{display:table-header-group}}tr{{break-inside:avoid}}\
         @page{{size:A4 landscape}}@media screen and (max-width:60rem){{body{{margin:1rem}}table{{display:block;\
         overflow-x:auto}}td,th{{white-space:nowrap}}}}</style></head>\n<body><h1>Statement of account</h1>\n<p>Account of {owner}, from {from} \
         up to {to}.</p>\n<table><thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody></table></body></html>\n",
        cells("th", &heads)
    )
}

pub async fn get_statement(gate: Gate<Worker>, Params(asked): Params<PeriodParams>, req: HttpRequest) -> Answer {
    let form = form(asked.format, &req);
    let read = move |cx: &_, who: &_| ops::statements::get_statement(cx, who, asked.from, asked.to);
    answer(&gate, form, &gate.run(read).await?)
}

pub async fn get_brand_statement(
    gate: Gate<BrandViewer>,
    Params(asked): Params<PeriodParams>,
    req: HttpRequest,
) -> Answer {
    let form = form(asked.format, &req);
    let read = move |cx: &_, who: &_| ops::statements::get_brand_statement(cx, who, asked.from, asked.to);
    answer(&gate, form, &gate.run(read).await?)
}

pub async fn get_statement_of_worker(
    gate: Gate<Finance>,
    Id(id): Id<UserId>,
    Params(asked): Params<PeriodParams>,
    req: HttpRequest,
) -> Answer {
    let form = form(asked.format, &req);
    let read = move |cx: &_, who: &_| ops::statements::get_statement_of_worker(cx, who, &id, asked.from, asked.to);
    answer(&gate, form, &gate.run(read).await?)
}

pub async fn get_statement_of_brand(
    gate: Gate<Finance>,
    Id(id): Id<BrandId>,
    Params(asked): Params<PeriodParams>,
    req: HttpRequest,
) -> Answer {
    let form = form(asked.format, &req);
    let read = move |cx: &_, who: &_| ops::statements::get_statement_of_brand(cx, who, &id, asked.from, asked.to);
    answer(&gate, form, &gate.run(read).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayParams {
    day: Option<String>,
}

pub async fn get_safeguarding(gate: Gate<Finance>, Params(asked): Params<DayParams>) -> Answer {
    let read = move |cx: &_, who: &_| ops::statements::get_safeguarding(cx, who, asked.day.as_deref());
    gate.ok(&gate.run(read).await?)
}

pub async fn record_bank_balance(gate: Gate<Finance>, asked: Asked<BankBalance>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::statements::record_bank_balance(cx, who, &asked.once, &asked.body)).await?)
}
