//! Why a decision is as it is, for reviewers and for the worker whom it concerns.

use actix_web::HttpRequest;

use super::visits::language;
use crate::access::{Reviewer, Worker};
use crate::domain::ids::{DecisionId, SubmissionId};
use crate::ops;
use crate::web::body::Id;
use crate::web::gate::{Answer, Gate};

pub async fn explain_decision(gate: Gate<Reviewer>, id: Id<DecisionId>) -> Answer {
    let case = gate.run(move |cx, who| ops::explain::explain_decision(cx, who, &id.0)).await?;
    let looked = gate.look_again(case.looks()).await?;
    gate.ok(&case.told(looked))
}

pub async fn explain_own_decision(gate: Gate<Worker>, id: Id<SubmissionId>, req: HttpRequest) -> Answer {
    let language = language(&req);
    let case = gate.run(move |cx, who| ops::explain::explain_own_decision(cx, who, &id.0, language)).await?;
    let looked = gate.look_again(case.looks()).await?;
    gate.ok(&case.told(looked))
}
