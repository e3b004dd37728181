//! A worker's papers: tax profile, payment notices, invoices written in the worker's name, the year, and leaving.

use actix_web::HttpResponse;

use crate::access::{Admin, Finance, Worker};
use crate::domain::ids::{DocumentId, PayoutId, UserId};
use crate::domain::papers::TaxPerson;
use crate::ops;
use crate::ops::erasures::{ErasureBody, StaffErasureBody};
use crate::ops::selfbilling::{Acceptance, Correction};
use crate::web::body::{Asked, Changed, Id, Nothing, Params, Year};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};
use crate::web::sheets;

pub async fn get_tax_profile(gate: Gate<Worker>) -> Answer {
    let profile = gate.run(ops::tax_profiles::get_tax_profile).await?;
    gate.versioned(profile.version, &profile)
}

pub async fn put_tax_profile(gate: Gate<Worker>, asked: Changed<TaxPerson>) -> Answer {
    let put = move |cx: &_, who: &_| ops::tax_profiles::put_tax_profile(cx, who, asked.version, &asked.body);
    let profile = gate.run(put).await?;
    gate.versioned(profile.version, &profile)
}

pub async fn get_payment_notice(gate: Gate<Worker>, id: Id<PayoutId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::selfbilling::get_payment_notice(cx, who, &id.0)).await?)
}

pub async fn get_payment_notice_page(gate: Gate<Worker>, id: Id<PayoutId>) -> Answer {
    let notice = gate.run(move |cx, who| ops::selfbilling::get_payment_notice(cx, who, &id.0)).await?;
    Ok(sheets::answer(&sheets::notice(&notice)))
}

pub async fn get_self_billing(gate: Gate<Worker>) -> Answer {
    gate.ok(&gate.run(ops::selfbilling::get_self_billing).await?)
}

pub async fn accept_self_billing(gate: Gate<Worker>, asked: Asked<Acceptance>) -> Answer {
    let accept = move |cx: &_, who: &_| ops::selfbilling::accept_self_billing(cx, who, &asked.once, &asked.body);
    gate.ok(&gate.run(accept).await?)
}

pub async fn withdraw_self_billing(gate: Gate<Worker>, asked: Asked<Nothing>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::selfbilling::withdraw_self_billing(cx, who, &asked.once)).await?)
}

pub async fn list_documents(gate: Gate<Worker>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let list = move |cx: &_, who: &_| ops::selfbilling::list_documents(cx, who, after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}

pub async fn get_document(gate: Gate<Worker>, id: Id<DocumentId>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::selfbilling::get_document(cx, who, &id.0)).await?)
}

pub async fn get_document_page(gate: Gate<Worker>, id: Id<DocumentId>) -> Answer {
    let document = gate.run(move |cx, who| ops::selfbilling::get_document(cx, who, &id.0)).await?;
    Ok(sheets::answer(&sheets::document(&document)))
}

pub async fn correct_document(gate: Gate<Finance>, id: Id<DocumentId>, asked: Asked<Correction>) -> Answer {
    let act = move |cx: &_, who: &_| ops::selfbilling::correct_document(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

pub async fn get_recap(gate: Gate<Worker>, year: Year) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::dac7::get_recap(cx, who, year.0)).await?)
}

pub async fn get_recap_page(gate: Gate<Worker>, year: Year) -> Answer {
    let recap = gate.run(move |cx, who| ops::dac7::get_recap(cx, who, year.0)).await?;
    Ok(sheets::answer(&sheets::recap(&recap)))
}

pub async fn get_own_dac7(gate: Gate<Worker>, year: Year) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::dac7::get_own_dac7(cx, who, year.0)).await?)
}

pub async fn get_dac7(gate: Gate<Finance>, year: Year) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::dac7::get_dac7(cx, who, year.0)).await?)
}

pub async fn get_dac7_xml(gate: Gate<Admin>, year: Year) -> Answer {
    let report = gate.run(move |cx, who| ops::dac7::get_dac7_xml(cx, who, year.0)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/xml")
        .insert_header(("cache-control", "private, no-store"))
        .body(report.xml))
}

pub async fn erase_me(gate: Gate<Worker>, asked: Asked<ErasureBody>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::erasures::erase_me(cx, who, &asked.once, &asked.body)).await?)
}

pub async fn erase_worker(gate: Gate<Admin>, id: Id<UserId>, asked: Asked<StaffErasureBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::erasures::erase_worker(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}
