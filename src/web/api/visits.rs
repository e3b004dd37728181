//! A visit from the reservation to the seal, and what became of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use actix_web::{HttpRequest, web};

use crate::access::Worker;
use crate::domain::finding::Language;
use crate::domain::ids::{ReservationId, SubmissionId};
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::ops;
use crate::ops::evidence::AskedEvidence;
use crate::ops::reservations::{CheckIn, ReservationList};
use crate::ops::submissions::{Precheck, Revision, Seal, SubmissionList};
use crate::web::PHOTO_BYTES;
use crate::web::body::{Asked, Body, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

pub async fn list_reservations(gate: Gate<Worker>, Params(list): Params<ReservationList>) -> Answer {
    let limit = page::limit(list.limit)?;
    let after = gate.after(list.cursor.as_deref())?;
    let rows = gate
        .run(move |cx, who| ops::reservations::list_reservations(cx, who, list.state, after.as_deref(), limit))
        .await?;
    gate.page(&rows)
}

pub async fn get_reservation(gate: Gate<Worker>, id: Id<ReservationId>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::get_reservation(cx, who, &id.0)).await?;
    gate.ok(&view)
}

pub async fn check_in(gate: Gate<Worker>, id: Id<ReservationId>, asked: Asked<CheckIn>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::check_in(cx, who, &asked.once, &id.0, &asked.body)).await?;
    gate.ok(&view)
}

pub async fn release_reservation(gate: Gate<Worker>, id: Id<ReservationId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::release_reservation(cx, who, &asked.once, &id.0)).await?;
    gate.ok(&view)
}

pub async fn extend_reservation(gate: Gate<Worker>, id: Id<ReservationId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::extend_reservation(cx, who, &asked.once, &id.0)).await?;
    gate.ok(&view)
}

/// The bytes are streamed between two short turns at the database, and hold none while they flow.
pub async fn upload_evidence(
    gate: Gate<Worker>,
    id: Id<ReservationId>,
    asked: Params<AskedEvidence>,
    req: HttpRequest,
    body: web::Payload,
) -> Answer {
    let (id, asked, kind) = (id.0, asked.0, photo_type(&req)?);
    let (visit, photo) = (id.clone(), asked.clone());
    gate.run(move |cx, who| ops::evidence::announce(cx, who, &visit, &photo)).await?;
    let stored = gate.blobs().receive(&asked.sha256, PHOTO_BYTES, body).await?;
    let size_bytes = i64::try_from(stored.size_bytes).map_err(Failure::fault)?;
    let (new, view) = gate.run(move |cx, who| ops::evidence::record(cx, who, &id, &asked, &kind, size_bytes)).await?;
    if new { gate.created(format!("/v1/reservations/{}", view.reservation_id), &view) } else { gate.ok(&view) }
}

fn photo_type(req: &HttpRequest) -> Outcome<String> {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().trim();
    if kind.starts_with("image/") && kind.len() <= 100 {
        return Ok(kind.to_owned());
    }
    Err(Refusal::new(Code::UnsupportedMediaType, "A photo is sent as image/*, such as image/jpeg.").into())
}

pub async fn precheck(gate: Gate<Worker>, id: Id<ReservationId>, req: HttpRequest, asked: Body<Precheck>) -> Answer {
    let language = language(&req);
    let until = Instant::now() + Duration::from_secs(asked.0.wait_secs.into());
    let asked = Arc::new(asked.0);
    loop {
        let (id, asked) = (id.0.clone(), asked.clone());
        let view = gate.run(move |cx, who| ops::submissions::precheck(cx, who, &id, &asked, language)).await?;
        if !view.is_pending() || Instant::now() >= until {
            return gate.ok(&view);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// How often a waiting precheck looks whether the photos were checked.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The first language of `Accept-Language` that sentences are written in; `q` values are taken to follow the order.
pub(super) fn language(req: &HttpRequest) -> Option<Language> {
    let tags = req.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    tags.split(',').find_map(|tag| Language::parse(tag.split(';').next().unwrap_or_default()))
}

pub async fn seal(gate: Gate<Worker>, id: Id<ReservationId>, asked: Asked<Seal>) -> Answer {
    let view = gate.run(move |cx, who| ops::submissions::seal(cx, who, &asked.once, &id.0, &asked.body)).await?;
    gate.created(format!("/v1/submissions/{}", view.id), &view)
}

pub async fn revise_submission(gate: Gate<Worker>, id: Id<SubmissionId>, asked: Asked<Revision>) -> Answer {
    let view =
        gate.run(move |cx, who| ops::submissions::revise_submission(cx, who, &asked.once, &id.0, &asked.body)).await?;
    gate.created(format!("/v1/submissions/{}", view.id), &view)
}

pub async fn list_submissions(gate: Gate<Worker>, Params(list): Params<SubmissionList>) -> Answer {
    let limit = page::limit(list.limit)?;
    let after = gate.after(list.cursor.as_deref())?;
    let rows = gate
        .run(move |cx, who| ops::submissions::list_submissions(cx, who, list.state, after.as_deref(), limit))
        .await?;
    gate.page(&rows)
}

pub async fn get_submission(gate: Gate<Worker>, id: Id<SubmissionId>, req: HttpRequest) -> Answer {
    let language = language(&req);
    let view = gate.run(move |cx, who| ops::submissions::get_submission(cx, who, &id.0, language)).await?;
    gate.ok(&view)
}
