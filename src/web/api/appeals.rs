//! Appeals: the worker's, and the judge's.

use crate::access::{Reviewer, Worker};
use crate::domain::ids::{AppealId, SubmissionId};
use crate::ops;
use crate::ops::appeals::{AppealBody, AppealDecisionBody};
use crate::web::body::{Asked, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn appeal_submission(gate: Gate<Worker>, id: Id<SubmissionId>, asked: Asked<AppealBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::appeals::appeal_submission(cx, who, &asked.once, &id.0, &asked.body);
    let view = gate.run(act).await?;
    gate.created(format!("/v1/submissions/{}", view.submission_id), &view)
}

pub async fn list_appeals(gate: Gate<Reviewer>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let appeals = gate.run(move |cx, who| ops::appeals::list_appeals(cx, who, after.as_deref(), limit)).await?;
    gate.page(&appeals)
}

pub async fn decide_appeal(gate: Gate<Reviewer>, id: Id<AppealId>, asked: Asked<AppealDecisionBody>) -> Answer {
    let act = move |cx: &_, who: &_| ops::appeals::decide_appeal(cx, who, &asked.once, &id.0, &asked.body);
    let view = gate.run(act).await?;
    gate.created(format!("/v1/admin/reviews/{}", view.submission_id), &view)
}
