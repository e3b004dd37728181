//! The gate: the only way from a request to the context. What is shared sits in actix under a type private to this file,
//! so a handler that touches anything has named its pass in its signature.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH, LINK, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::limits::RateLimit;
use super::{observe, page};
use crate::access::Pass;
use crate::access::token::hex;
use crate::context::{Core, Cx};
use crate::domain::refusal::{Code, Failure, Outcome, Refusal};
use crate::domain::transparency::Limit;
use crate::ops::Page;
use crate::ops::explain::{Again, Relooked};
use crate::ports::blobs::Blobs;

/// What the handlers of one process share.
#[derive(Clone)]
pub struct Shared {
    core: Arc<Core>,
    blobs: Blobs,
    limit: RateLimit,
    /// First come, first served: requests wait here, not inside the connection pool.
    permits: Arc<Semaphore>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    eyes: Option<Eyes>,
}

/// Looks at one stored photo again.
pub type Looker = Arc<dyn Fn(Again) -> Pin<Box<dyn Future<Output = Outcome<Relooked>> + Send>> + Send + Sync>;

/// What a process that can look at photos lends to its handlers.
#[derive(Clone)]
struct Eyes {
    looker: Looker,
    /// One request at a time looks: photos that workers just sent come first.
    turn: Arc<Semaphore>,
    /// The fixed limits of the checks, to be published.
    limits: Arc<[Limit]>,
}

impl Shared {
    pub fn new(
        core: Arc<Core>,
        blobs: Blobs,
        limit: RateLimit,
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Shared {
        let permits = Arc::new(Semaphore::new(core.db.permits()));
        Shared { core, blobs, limit, permits, metrics, eyes: None }
    }

    /// The same with eyes: decisions are explained with a second look at their photos.
    pub fn seeing(self, looker: Looker, limits: Vec<Limit>) -> Shared {
        let eyes = Eyes { looker, turn: Arc::new(Semaphore::new(1)), limits: limits.into() };
        Shared { eyes: Some(eyes), ..self }
    }

    pub(super) fn rate_limit(&self) -> RateLimit {
        self.limit.clone()
    }
}

struct Sealed(Shared);

pub(super) fn install(cfg: &mut web::ServiceConfig, shared: &Shared) {
    cfg.app_data(web::Data::new(Sealed(shared.clone())));
}

/// Who is calling, for the log line.
pub(super) struct Caller(pub String);

/// How long a request waits for its turn at the database.
const TURN: Duration = Duration::from_secs(5);

pub type Answer = Result<HttpResponse, Failure>;

/// The same, kept by nobody on the way.
pub(super) fn no_store(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

/// A request whose caller was admitted as `P`.
pub struct Gate<P> {
    shared: Shared,
    pass: P,
    cx: Cx,
    path: String,
    query: String,
    method: Method,
    if_none_match: Option<String>,
}

impl<P: Pass> FromRequest for Gate<P> {
    type Error = Failure;
    type Future = Ready<Result<Gate<P>, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let shared = req.app_data::<web::Data<Sealed>>().expect("installed by serve").0.clone();
        let header = |name| req.headers().get(name).and_then(|v| v.to_str().ok());
        let identity = header(AUTHORIZATION)
            .and_then(|h| h.strip_prefix("Bearer "))
            .and_then(|token| shared.core.keys.verify(token.trim(), shared.core.clock.now()));
        if let Some(identity) = &identity {
            req.extensions_mut().insert(Caller(identity.user.to_string()));
        }
        let if_none_match = header(IF_NONE_MATCH).map(str::to_owned);
        ready(P::admit(identity.as_ref()).map_err(Failure::from).map(|pass| Gate {
            cx: Cx::new(shared.core.clone(), observe::bare_request_id()),
            pass,
            shared,
            path: req.path().to_owned(),
            query: req.query_string().to_owned(),
            method: req.method().clone(),
            if_none_match,
        }))
    }
}

impl<P: Pass> Gate<P> {
    pub fn pass(&self) -> &P {
        &self.pass
    }

    pub fn blobs(&self) -> &Blobs {
        &self.shared.blobs
    }

    pub fn metrics(&self) -> String {
        (self.shared.metrics)()
    }

    /// The fixed limits of the photo checks; none where nobody looks at photos.
    pub fn limits(&self) -> Vec<Limit> {
        self.shared.eyes.as_ref().map(|eyes| eyes.limits.to_vec()).unwrap_or_default()
    }

    /// Looks at stored photos again, one after the other, when its turn has come.
    pub async fn look_again(&self, asked: Vec<Again>) -> Outcome<Vec<Relooked>> {
        let Some(eyes) = &self.shared.eyes else {
            return Ok(asked.iter().map(|_| Relooked::NoLook).collect());
        };
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN, eyes.turn.acquire()).await else {
            let refusal = Refusal::new(Code::Busy, "Other photos are being looked at.");
            return Err(Refusal { retry_after_secs: Some(5), ..refusal }.into());
        };
        let mut looked = Vec::with_capacity(asked.len());
        for one in asked {
            looked.push((eyes.looker)(one).await?);
        }
        Ok(looked)
    }

    /// Runs an operation on a thread that may block, when its turn has come.
    pub async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Cx, &P) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let turn = tokio::time::timeout(TURN, self.shared.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            let refusal = Refusal::new(Code::Busy, "Too many requests are waiting for the database.");
            return Err(Refusal { retry_after_secs: Some(2), ..refusal }.into());
        };
        let (cx, pass) = (self.cx.clone(), self.pass.clone());
        let done = web::block(move || {
            let result = operation(&cx, &pass);
            drop(permit);
            result
        });
        done.await.map_err(|_| Failure::fault("an operation panicked"))?
    }

    /// The key that the client's cursor stands for.
    pub fn after(&self, cursor: Option<&str>) -> Outcome<Option<String>> {
        cursor.map(|c| page::read_cursor(&self.shared.core.keys, &self.path, c)).transpose()
    }

    /// 200 with the value, its ETag, or 304 when the client has it.
    pub fn ok<T: Serialize>(&self, value: &T) -> Answer {
        self.answer(StatusCode::OK, value, None, None)
    }

    /// The same for a thing with a version, which `If-Match` refers to.
    pub fn versioned<T: Serialize>(&self, version: i64, value: &T) -> Answer {
        self.answer(StatusCode::OK, value, Some(version), None)
    }

    /// 201 with the value and where it lives.
    pub fn created<T: Serialize>(&self, location: String, value: &T) -> Answer {
        self.answer(StatusCode::CREATED, value, None, Some((LOCATION, location)))
    }

    pub fn nothing(&self) -> Answer {
        Ok(HttpResponse::NoContent().finish())
    }

    /// 200 with `items`, `next` (a cursor) and `Link: rel="next"`.
    pub fn page<T: Serialize>(&self, rows: &Page<T>) -> Answer {
        let next = rows.next.as_ref().map(|key| page::write_cursor(&self.shared.core.keys, &self.path, key));
        let link = next.as_ref().map(|cursor| {
            let mut query: Vec<&str> =
                self.query.split('&').filter(|p| !p.is_empty() && !p.starts_with("cursor=")).collect();
            let cursor = format!("cursor={cursor}");
            query.push(&cursor);
            (LINK, format!("<{}?{}>; rel=\"next\"", self.path, query.join("&")))
        });
        #[derive(Serialize)]
        struct Body<'a, T> {
            items: &'a [T],
            next: Option<String>,
        }
        let body = Body { items: &rows.items, next };
        self.answer(StatusCode::OK, &body, None, link)
    }

    fn answer<T: Serialize>(
        &self,
        status: StatusCode,
        value: &T,
        version: Option<i64>,
        header: Option<(actix_web::http::header::HeaderName, String)>,
    ) -> Answer {
        let body = serde_json::to_vec(value).map_err(Failure::fault)?;
        let mut answer = HttpResponse::build(status);
        answer.content_type("application/json");
        if let Some(header) = header {
            answer.insert_header(header);
        }
        if status == StatusCode::OK {
            let tag = match version {
                Some(version) => format!("\"v{version}\""),
                None => format!("\"{}\"", hex(&Sha256::digest(&body)[..12])),
            };
            let known = self.if_none_match.as_deref().is_some_and(|tags| tags.split(',').any(|t| t.trim() == tag));
            answer.insert_header((ETAG, tag));
            if known && self.method == Method::GET {
                answer.status(StatusCode::NOT_MODIFIED);
                return Ok(answer.finish());
            }
        }
        Ok(answer.body(body))
    }
}
