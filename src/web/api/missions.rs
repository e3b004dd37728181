//! Missions near a worker, and their briefs.

use crate::access::Worker;
use crate::domain::ids::MissionId;
use crate::ops;
use crate::ops::missions::Search;
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

pub async fn list_missions(gate: Gate<Worker>, Params(search): Params<Search>) -> Answer {
    let limit = page::limit(search.limit)?;
    let after = gate.after(search.cursor.as_deref())?;
    let rows = gate.run(move |cx, who| ops::missions::list_missions(cx, who, &search, after.as_deref(), limit)).await?;
    gate.page(&rows)
}

pub async fn get_mission(gate: Gate<Worker>, id: Id<MissionId>) -> Answer {
    let view = gate.run(move |cx, who| ops::missions::get_mission(cx, who, &id.0)).await?;
    gate.ok(&view)
}

pub async fn reserve(gate: Gate<Worker>, id: Id<MissionId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::reserve(cx, who, &asked.once, &id.0)).await?;
    gate.created(format!("/v1/reservations/{}", view.id), &view)
}
