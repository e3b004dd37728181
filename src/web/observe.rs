//! Every request has an id, one log line and its figures.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request that is being answered, as `urn:fieldproof:request:..`; empty outside of one.
pub fn request_id() -> String {
    REQUEST_ID.try_with(|id| format!("urn:fieldproof:request:{id}")).unwrap_or_default()
}

/// The bare id.
pub fn bare_request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// A trace id sent in `traceparent` is taken over, so that logs of several systems meet.
fn id_of(req: &ServiceRequest) -> String {
    let traced = req.headers().get("traceparent").and_then(|v| v.to_str().ok()).and_then(|v| {
        let trace = v.split('-').nth(1)?;
        (trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit())).then(|| trace.to_ascii_lowercase())
    });
    traced.unwrap_or_else(crate::context::fresh_request_id)
}

pub async fn observe(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let id = id_of(&req);
    let method = req.method().to_string();
    let mut answer = REQUEST_ID.scope(id.clone(), next.call(req)).await?;
    let route = answer.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let status = answer.status().as_u16();
    let elapsed = begun.elapsed();
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let labels = [("method", method.clone()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("fieldproof_http_requests_total", &labels).increment(1);
    metrics::histogram!("fieldproof_http_request_seconds", "route" => route.clone()).record(elapsed.as_secs_f64());
    let who = answer.request().extensions().get::<super::gate::Caller>().map(|c| c.0.clone()).unwrap_or_default();
    tracing::info!(request_id = id, method, route, status, who, ms = elapsed.as_secs_f64() * 1000.0, "request");
    Ok(answer)
}
