//! So many requests a second for each caller; the answer always says how many are left.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::refusal::{Code, Failure, Refusal};

#[derive(Clone, PartialEq, Eq, Hash)]
enum Caller {
    Token([u8; 32]),
    Address(Option<IpAddr>),
}

type Limiter = RateLimiter<Caller, DefaultKeyedStateStore<Caller>, DefaultClock, StateInformationMiddleware>;

/// Requests a second, with a burst of ten seconds' worth; zero sets no limit. Counted per process.
#[derive(Clone)]
pub struct RateLimit {
    per_second: u32,
    limiter: Option<Arc<Limiter>>,
}

impl RateLimit {
    pub fn per_second(per_second: u32) -> RateLimit {
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST_SECONDS));
            Arc::new(RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>())
        });
        RateLimit { per_second, limiter }
    }

    /// Forgets callers that have been quiet; called now and then.
    pub fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

fn caller(req: &ServiceRequest) -> Caller {
    use sha2::{Digest, Sha256};
    match req.headers().get(AUTHORIZATION) {
        Some(token) => Caller::Token(Sha256::digest(token.as_bytes()).into()),
        None => Caller::Address(req.peer_addr().map(|a| a.ip())),
    }
}

pub async fn limit(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let limits = req.app_data::<web::Data<RateLimit>>().map(|data| data.get_ref().clone());
    let Some(RateLimit { per_second, limiter: Some(limiter) }) = limits else {
        return Ok(next.call(req).await?.map_into_left_body());
    };
    let burst = per_second.saturating_mul(BURST_SECONDS.get());
    match limiter.check_key(&caller(&req)) {
        Ok(snapshot) => {
            let mut answer = next.call(req).await?;
            let left = snapshot.remaining_burst_capacity();
            let headers = answer.headers_mut();
            for (name, text) in [
                ("ratelimit-policy", format!("\"default\";q={burst};w={}", BURST_SECONDS)),
                ("ratelimit", format!("\"default\";r={left};t={}", (burst - left).div_ceil(per_second))),
            ] {
                if let Ok(value) = HeaderValue::from_str(&text) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            Ok(answer.map_into_left_body())
        }
        Err(until) => {
            let secs = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            let refusal = Refusal::new(Code::TooManyRequests, format!("At most {per_second} requests a second."));
            let failure = Failure::from(Refusal { retry_after_secs: Some(secs), ..refusal });
            Ok(req.into_response(failure.error_response()).map_into_right_body())
        }
    }
}
