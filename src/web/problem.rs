//! Turns a failure into problem details (RFC 9457). The only place that maps kinds of refusal to statuses.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::domain::refusal::{Code, Failure, FieldError, Kind, Refusal, Retry};

/// A problem as it is sent; `type` is a page of this server that explains it.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    retryable: bool,
    instance: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed: &'a [String],
}

pub fn status_of(code: Code) -> StatusCode {
    match code {
        Code::MethodNotAllowed => return StatusCode::METHOD_NOT_ALLOWED,
        Code::PreconditionMissing => return StatusCode::PRECONDITION_REQUIRED,
        _ => {}
    }
    match code.kind() {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Gone => StatusCode::GONE,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn refused(refusal: &Refusal) -> HttpResponse {
    let status = status_of(refusal.code);
    let problem = Problem {
        r#type: format!("/problems/{}", refusal.code.as_str()),
        title: refusal.code.title(),
        status: status.as_u16(),
        detail: &refusal.detail,
        code: refusal.code.as_str(),
        retryable: refusal.code.retry() == Retry::Transient,
        instance: super::observe::request_id(),
        errors: &refusal.errors,
        allowed: &refusal.allowed,
    };
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, "application/problem+json"));
    if let Some(secs) = refusal.retry_after_secs {
        answer.insert_header((RETRY_AFTER, secs.to_string()));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    answer.body(serde_json::to_vec(&problem).expect("a problem is plain JSON"))
}

fn fault(text: &str) -> HttpResponse {
    tracing::error!(request_id = super::observe::request_id(), error = text, "fault");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let problem = Problem {
        r#type: "about:blank".to_owned(),
        title: "Something broke on our side",
        status: status.as_u16(),
        detail: "Nothing of this request was kept. Tell the operator the `instance`.",
        code: "fault",
        retryable: true,
        instance: super::observe::request_id(),
        errors: &[],
        allowed: &[],
    };
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "application/problem+json"))
        .body(serde_json::to_vec(&problem).expect("a problem is plain JSON"))
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.code().map_or(StatusCode::INTERNAL_SERVER_ERROR, status_of)
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Failure::Refused(refusal) => refused(refusal),
            Failure::Fault(text) => fault(text),
        }
    }
}
