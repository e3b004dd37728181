//! What staff does about workers.

use crate::access::{Admin, AnyStaff};
use crate::domain::ids::UserId;
use crate::ops;
use crate::ops::workers::{Granted, Sanction};
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn list_workers(gate: Gate<AnyStaff>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let workers = gate.run(move |cx, who| ops::workers::list_workers(cx, who, after.as_deref(), limit)).await?;
    gate.page(&workers)
}

pub async fn set_qualifications(gate: Gate<Admin>, id: Id<UserId>, asked: Asked<Granted>) -> Answer {
    let act = move |cx: &_, who: &_| ops::workers::set_qualifications(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

pub async fn suspend_worker(gate: Gate<Admin>, id: Id<UserId>, asked: Asked<Sanction>) -> Answer {
    let act = move |cx: &_, who: &_| ops::workers::suspend_worker(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}

pub async fn reinstate_worker(gate: Gate<Admin>, id: Id<UserId>, asked: Asked<Sanction>) -> Answer {
    let act = move |cx: &_, who: &_| ops::workers::reinstate_worker(cx, who, &asked.once, &id.0, &asked.body);
    gate.ok(&gate.run(act).await?)
}
