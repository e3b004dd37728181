//! The audit log.

use serde::Deserialize;

use crate::access::Admin;
use crate::ops;
use crate::web::body::Params;
use crate::web::gate::{Answer, Gate};
use crate::web::page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    subject: Option<String>,
}

pub async fn list_events(gate: Gate<Admin>, params: Params<AuditParams>) -> Answer {
    let (limit, after, subject) =
        (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?, params.0.subject);
    let list = move |cx: &_, who: &_| ops::audit::list_events(cx, who, subject.as_deref(), after.as_deref(), limit);
    gate.page(&gate.run(list).await?)
}
