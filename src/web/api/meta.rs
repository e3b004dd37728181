//! The server about itself: health, problem pages, addresses that do not exist.

use actix_web::http::header::{ALLOW, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::access::Anyone;
use crate::domain::refusal::{Code, Failure, Refusal, Retry};
use crate::ops;
use crate::web::gate::{Answer, Gate};
use crate::web::problem::status_of;
use crate::web::routes::ROUTES;

pub async fn no_such_address() -> Answer {
    Err(Refusal::new(Code::NotFound, "There is nothing at this address.").into())
}

/// Names the methods that the address takes in `Allow`.
pub async fn no_such_method(req: HttpRequest) -> HttpResponse {
    let here = req.match_pattern().unwrap_or_default();
    let mut methods: Vec<&str> = ROUTES.iter().filter(|r| r.path == here).map(|r| r.method).collect();
    methods.dedup();
    let refusal = Refusal::new(Code::MethodNotAllowed, format!("This address takes {}.", methods.join(", ")));
    let mut answer = Failure::from(refusal).error_response();
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        answer.headers_mut().insert(ALLOW, value);
    }
    answer
}

/// Alive: the process answers.
pub async fn get_health(gate: Gate<Anyone>) -> Answer {
    gate.ok(&serde_json::json!({ "status": "ok" }))
}

/// Ready for work: the database answers with the right schema, the photo store answers.
pub async fn get_ready(gate: Gate<Anyone>) -> Answer {
    gate.run(|cx, _| ops::meta::get_ready(cx)).await?;
    if let Err(failure) = gate.blobs().size("ready").await {
        tracing::warn!(error = failure.to_string(), "the photo store does not answer");
        return Err(Refusal::new(Code::Busy, "The photo store does not answer.").into());
    }
    gate.ok(&serde_json::json!({ "status": "ok" }))
}

/// Figures for Prometheus.
pub async fn get_metrics(gate: Gate<Anyone>) -> Answer {
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(gate.metrics()))
}

/// The contract of this server.
pub async fn get_openapi(_gate: Gate<Anyone>) -> Answer {
    Ok(HttpResponse::Ok().content_type("application/yaml; charset=utf-8").body(OPENAPI))
}

const OPENAPI: &str = include_str!("../../../openapi.yaml");

/// The contract as pages; they come from this binary and ask no other server.
pub(in crate::web) fn docs() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.yaml").validator_url("none"))
}

pub async fn get_docs(_gate: Gate<Anyone>) -> Answer {
    Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish())
}

/// A page that explains a refusal.
pub async fn get_problem_page(_gate: Gate<Anyone>, code: web::Path<String>) -> Answer {
    let Some(code) = Code::parse(&code) else {
        return Err(Refusal::missing("problem").into());
    };
    let again = match code.retry() {
        Retry::Final => "The same request will be refused again.",
        Retry::Transient => "The same request may succeed later.",
    };
    let body = format!(
        "<h1>{title}</h1><p><code>{code}</code> (HTTP {status})</p><p>{help}</p><p>{again}</p>",
        title = code.title(),
        code = code.as_str(),
        status = status_of(code).as_u16(),
        help = code.help(),
    );
    let page = html(code.title(), &body);
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page))
}

/// A plain page; `title` and `body` are trusted HTML.
pub(super) fn html(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>body{{font:1rem/1.5 \
         system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}}code{{background:#eee;padding:.1em \
         .3em}}input,button{{font:inherit;padding:.4em .6em}}</style></head><body>{body}</body></html>"
    )
}
