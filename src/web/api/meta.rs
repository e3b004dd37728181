//! The server about itself: health, problem pages, addresses that do not exist.

use actix_web::{HttpResponse, web};

use crate::access::Anyone;
use crate::domain::refusal::{Code, Refusal, Retry};
use crate::web::gate::{Answer, Gate};
use crate::web::problem::status_of;

pub async fn no_such_address() -> Answer {
    Err(Refusal::new(Code::NotFound, "There is nothing at this address.").into())
}

pub async fn no_such_method() -> Answer {
    Err(Refusal::new(Code::MethodNotAllowed, "This address takes other methods.").into())
}

/// Alive: the process answers.
pub async fn get_health(gate: Gate<Anyone>) -> Answer {
    gate.ok(&serde_json::json!({ "status": "ok" }))
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
