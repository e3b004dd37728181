//! Reading what was sent: bodies, ids in paths, parameters. Wrong JSON names its field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::UrlencodedError;
use actix_web::http::header::{CONTENT_TYPE, IF_MATCH};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::access::token::hex;
use crate::context::Once;
use crate::domain::ids::Minted;
use crate::domain::refusal::{Code, Failure, FieldError, Refusal};

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

/// An empty body, or `{}`.
#[derive(Deserialize, Default, Debug, Clone)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A JSON body.
pub struct Body<T>(pub T);

/// A POST that changes something: its body, and its idempotency key.
pub struct Asked<T> {
    pub once: Once,
    pub body: T,
}

/// A change of something that was read before: its body, and the version that was read.
pub struct Changed<T> {
    pub version: i64,
    pub body: T,
}

fn parse<T: DeserializeOwned>(bytes: &[u8], content_type: Option<&str>) -> Result<T, Failure> {
    if !bytes.is_empty() && !content_type.is_some_and(|t| t.trim_start().starts_with("application/json")) {
        return Err(Refusal::new(Code::UnsupportedMediaType, "The body must be application/json.").into());
    }
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // Structs would also be read from lists, field by field in their order: nobody means that.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::new(Code::InvalidJson, "The body must be a JSON object.").into());
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let pointer = match path.as_str() {
            "." | "?" => String::new(),
            path => format!("/{}", path.replace(['.', '['], "/").replace(']', "")),
        };
        let detail = error.inner().to_string();
        Refusal::fields(Code::InvalidJson, vec![FieldError::new(pointer, "invalid", detail)])
    })?;
    reader.end().map_err(|e| Refusal::new(Code::InvalidJson, e.to_string()))?;
    Ok(value)
}

fn content_type(req: &HttpRequest) -> Option<String> {
    req.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

async fn bytes_of(reading: impl Future<Output = Result<Bytes, actix_web::Error>>) -> Result<Bytes, Failure> {
    reading.await.map_err(|error| {
        let code = match error.as_response_error().status_code().as_u16() {
            413 => Code::BodyTooLarge,
            _ => Code::InvalidRequest,
        };
        Refusal::new(code, error.to_string()).into()
    })
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = Reading<Body<T>>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (reading, kind) = (Bytes::from_request(req, payload), content_type(req));
        Box::pin(async move { Ok(Body(parse(&bytes_of(reading).await?, kind.as_deref())?)) })
    }
}

/// A form of a page that is not one is refused like any other body.
pub(super) fn forms() -> web::FormConfig {
    web::FormConfig::default().error_handler(|error, _| {
        let code = match error {
            UrlencodedError::ContentType => Code::UnsupportedMediaType,
            UrlencodedError::Overflow { .. } => Code::BodyTooLarge,
            _ => Code::InvalidRequest,
        };
        Failure::from(Refusal::new(code, error.to_string())).into()
    })
}

/// Reads `Idempotency-Key`: 8 to 80 visible ASCII characters.
pub fn idempotency_key(req: &HttpRequest) -> Result<String, Failure> {
    let key = req.headers().get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::trim);
    match key {
        Some(key) if (8..=80).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => Ok(key.to_owned()),
        _ => Err(Refusal::new(Code::IdempotencyKeyMissing, "It must have 8 to 80 visible characters.").into()),
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Asked<T> {
    type Error = Failure;
    type Future = Reading<Asked<T>>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (reading, kind, key) = (Bytes::from_request(req, payload), content_type(req), idempotency_key(req));
        let route = format!("{} {}", req.method(), req.path());
        Box::pin(async move {
            let bytes = bytes_of(reading).await?;
            let once = Once { route, key: key?, request_hash: hex(&Sha256::digest(&bytes)) };
            Ok(Asked { once, body: parse(&bytes, kind.as_deref())? })
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Changed<T> {
    type Error = Failure;
    type Future = Reading<Changed<T>>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (reading, kind) = (Bytes::from_request(req, payload), content_type(req));
        let tag = req.headers().get(IF_MATCH).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Box::pin(async move {
            let bytes = bytes_of(reading).await?;
            let tag = tag.ok_or_else(|| Refusal::new(Code::PreconditionMissing, "Send the ETag that you read."))?;
            let version = tag.trim().trim_matches('"').strip_prefix('v').and_then(|n| n.parse().ok());
            let version = version.ok_or_else(|| Refusal::new(Code::Stale, "This ETag is not one of ours."))?;
            Ok(Changed { version, body: parse(&bytes, kind.as_deref())? })
        })
    }
}

/// An id in the path `/{id}`; text that is no such id names nothing.
pub struct Id<T>(pub T);

impl<T: Minted + TryFromText + 'static> FromRequest for Id<T> {
    type Error = Failure;
    type Future = std::future::Ready<Result<Id<T>, Failure>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req.match_info().get("id").and_then(T::try_from_text);
        std::future::ready(id.map(Id).ok_or_else(|| Refusal::new(Code::NotFound, "There is no such id.").into()))
    }
}

/// Ids that can be read from text.
pub trait TryFromText: Sized {
    fn try_from_text(text: &str) -> Option<Self>;
}

macro_rules! readable {
    ($($id:ident),+) => { $(impl TryFromText for crate::domain::ids::$id {
        fn try_from_text(text: &str) -> Option<Self> {
            crate::domain::ids::$id::parse(text)
        }
    })+ };
}
readable!(
    UserId,
    BrandId,
    StoreId,
    ProductId,
    CampaignId,
    MissionId,
    ReservationId,
    EvidenceId,
    SubmissionId,
    DecisionId,
    AppealId,
    PayoutId,
    MethodId,
    BatchId,
    BankFileId,
    WordId,
    DocumentId,
    EventId,
    CorrectionId,
    JournalId
);

/// A year in the path `/{year}`.
pub struct Year(pub i16);

impl FromRequest for Year {
    type Error = Failure;
    type Future = std::future::Ready<Result<Year, Failure>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let year = req.match_info().get("year").filter(|text| text.len() == 4).and_then(|text| text.parse().ok());
        let year = year.filter(|year| (2000..=2999).contains(year));
        std::future::ready(year.map(Year).ok_or_else(|| Refusal::missing("year").into()))
    }
}

/// The query string; unknown parameters are refused where the type says so.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Params<T> {
    type Error = Failure;
    type Future = std::future::Ready<Result<Params<T>, Failure>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = web::Query::<T>::from_query(req.query_string())
            .map(|q| Params(q.into_inner()))
            .map_err(|e| Refusal::field("query", "invalid_parameter", e.to_string()).into());
        std::future::ready(parsed)
    }
}
