//! Missions near a worker, and their briefs.

use crate::access::Worker;
use crate::domain::ids::MissionId;
use crate::ops;
use crate::ops::missions::{ChangesSearch, MapSearch, Search};
use crate::ops::reservations::AskedRound;
use crate::ops::rounds::RoundsSearch;
use crate::web::body::{Asked, Id, Nothing, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page;

pub async fn list_missions(gate: Gate<Worker>, Params(search): Params<Search>) -> Answer {
    let limit = page::limit(search.limit)?;
    let after = gate.after(search.cursor.as_deref())?;
    let rows = gate.run(move |cx, who| ops::missions::list_missions(cx, who, &search, after.as_deref(), limit)).await?;
    gate.page(&rows)
}

pub async fn map_missions(gate: Gate<Worker>, Params(search): Params<MapSearch>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::missions::map_missions(cx, who, &search)).await?)
}

pub async fn mission_changes(gate: Gate<Worker>, Params(search): Params<ChangesSearch>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::missions::mission_changes(cx, who, &search)).await?)
}

pub async fn get_mission(gate: Gate<Worker>, id: Id<MissionId>) -> Answer {
    let view = gate.run(move |cx, who| ops::missions::get_mission(cx, who, &id.0)).await?;
    gate.ok(&view)
}

pub async fn reserve(gate: Gate<Worker>, id: Id<MissionId>, asked: Asked<Nothing>) -> Answer {
    let view = gate.run(move |cx, who| ops::reservations::reserve(cx, who, &asked.once, &id.0)).await?;
    gate.created(format!("/v1/reservations/{}", view.id), &view)
}

pub async fn list_rounds(gate: Gate<Worker>, Params(search): Params<RoundsSearch>) -> Answer {
    gate.ok(&gate.run(move |cx, who| ops::rounds::list_rounds(cx, who, &search)).await?)
}

pub async fn reserve_round(gate: Gate<Worker>, asked: Asked<AskedRound>) -> Answer {
    let act = move |cx: &_, who: &_| ops::reservations::reserve_round(cx, who, &asked.once, &asked.body);
    gate.created("/v1/reservations".to_owned(), &gate.run(act).await?)
}
