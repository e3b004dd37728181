//! PayPal's Payouts API: one batch of one item per payout, both under the payout's id, so that a doubtful answer holds up
//! nobody else. PayPal takes a batch id once within thirty days and answers a second time with the first batch: sending
//! the same again is how a lost answer is asked for, and an order that is older than that is left to a person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Reply;
use crate::domain::money::Currency;
use crate::domain::payout::{Order, Said};
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::sepa::{decimal, read_decimal};

/// The account that pays. No `Debug`.
#[derive(Clone)]
pub struct Seller {
    pub url: String,
    pub client_id: String,
    pub secret: String,
}

#[derive(Clone)]
pub struct PayPal {
    seller: Seller,
    client: Client,
    token: Arc<Mutex<Option<(String, Instant)>>>,
}

const PATIENCE: Duration = Duration::from_secs(20);
const PAYOUTS: &str = "/v1/payments/payouts";

/// An HTTP answer that was read whole, or why there is none.
type Heard = Result<(StatusCode, Value), String>;

impl PayPal {
    pub fn open(seller: Seller) -> Outcome<PayPal> {
        PayPal::patient(seller, PATIENCE)
    }

    pub fn patient(seller: Seller, patience: Duration) -> Outcome<PayPal> {
        let client = Client::builder().timeout(patience).redirect(reqwest::redirect::Policy::none()).build();
        Ok(PayPal { seller, client: client.map_err(Failure::fault)?, token: Arc::default() })
    }

    /// What is sent; the same for the same order.
    fn prepare(order: &Order) -> Value {
        let amount = decimal(order.amount.minor, order.amount.currency);
        json!({
            "sender_batch_header": { "sender_batch_id": order.payout, "email_subject": "Your missions were paid" },
            "items": [{
                "recipient_type": "EMAIL", "receiver": order.account.number, "sender_item_id": order.payout,
                "amount": { "value": amount, "currency": order.amount.currency },
            }],
        })
    }

    pub async fn send(&self, order: &Order) -> Outcome<Reply> {
        if order.forgotten {
            return Ok(Reply::Unknown(
                "it was sent so long ago that its id may be forgotten: look it up by hand".into(),
            ));
        }
        let request = self
            .client
            .post(format!("{}{PAYOUTS}", self.seller.url))
            .header("PayPal-Request-Id", order.payout.as_str())
            .json(&PayPal::prepare(order));
        let (status, body) = match self.speak(request).await {
            Ok(heard) => heard,
            Err(why) => return Ok(Reply::Unknown(why)),
        };
        if status.is_success() {
            let id = body["batch_header"]["payout_batch_id"].as_str();
            return Ok(match id {
                Some(id) => Reply::Said(Said::Accepted(id.to_owned())),
                None => Reply::Unknown("PayPal answered without an id".to_owned()),
            });
        }
        // The id is taken: this order, sent before. It is read before it is believed.
        if let Some(id) = known_batch(&body) {
            return Ok(match self.look(order, &id).await {
                Reply::Said(_) => Reply::Said(Said::Accepted(id)),
                other => other,
            });
        }
        let name = body["name"].as_str().unwrap_or("");
        let why = format!("PayPal: {status} {name}");
        // Only what PayPal will never take is final; an empty account or a busy server is not.
        let never = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
            && matches!(name, "VALIDATION_ERROR" | "RECEIVER_UNREGISTERED" | "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER");
        Ok(if never { Reply::Said(Said::Failed(why)) } else { Reply::Unknown(why) })
    }

    pub async fn ask(&self, order: &Order) -> Outcome<Reply> {
        match &order.reference {
            Some(id) => Ok(self.look(order, id).await),
            // Only the same order under the same id can tell, and it pays once.
            None => Ok(Reply::Unheard),
        }
    }

    /// What PayPal has under its own id, if that is this order to the cent.
    async fn look(&self, order: &Order, id: &str) -> Reply {
        if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Reply::Unknown("PayPal answered an id that is none".to_owned());
        }
        let request = self.client.get(format!("{}{PAYOUTS}/{id}", self.seller.url));
        match self.speak(request).await {
            Ok((status, body)) if status.is_success() => read_batch(order, id, &body),
            Ok((status, _)) => Reply::Unknown(format!("PayPal: {status}")),
            Err(why) => Reply::Unknown(why),
        }
    }

    async fn speak(&self, request: RequestBuilder) -> Heard {
        let token = self.token().await?;
        let heard = hear(request.bearer_auth(token)).await?;
        if heard.0 == StatusCode::UNAUTHORIZED {
            *self.token.lock().await = None;
            return Err("PayPal does not know our token any more".to_owned());
        }
        Ok(heard)
    }

    async fn token(&self) -> Result<String, String> {
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let request = self
            .client
            .post(format!("{}/v1/oauth2/token", self.seller.url))
            .basic_auth(&self.seller.client_id, Some(&self.seller.secret))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let (status, body) = hear(request).await?;
        let token = body["access_token"].as_str().filter(|_| status.is_success());
        let token = token.ok_or_else(|| format!("PayPal gives no token: {status}"))?.to_owned();
        let secs = body["expires_in"].as_u64().unwrap_or(300).saturating_sub(60);
        *kept = Some((token.clone(), Instant::now() + Duration::from_secs(secs)));
        Ok(token)
    }
}

async fn hear(request: RequestBuilder) -> Heard {
    // The error is told without its address: that may hold an id, never an account, but it says nothing either.
    let answer = request.send().await.map_err(|e| format!("PayPal did not answer: {}", e.without_url()))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|e| format!("PayPal's answer broke off: {}", e.without_url()))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// The batch that a refusal points to because its id was used before.
fn known_batch(body: &Value) -> Option<String> {
    let details = body["details"].as_array()?;
    let taken = |detail: &Value| {
        detail["field"].as_str().is_some_and(|field| field.eq_ignore_ascii_case("sender_batch_id"))
            && detail["issue"].as_str().is_some_and(|issue| issue.contains("already exists"))
    };
    details.iter().find(|detail| taken(detail))?;
    let links = body["links"].as_array()?;
    let own = links.iter().find(|link| link["rel"].as_str() == Some("self"))?["href"].as_str()?;
    own.rsplit('/').next().map(str::to_owned)
}

/// Matches what PayPal has to the order: our two ids and the amount.
fn read_batch(order: &Order, id: &str, body: &Value) -> Reply {
    let ours = order.payout.as_str();
    let head = &body["batch_header"];
    if head["sender_batch_header"]["sender_batch_id"].as_str() != Some(ours) {
        return Reply::Unknown("PayPal's batch is not this order".to_owned());
    }
    let no_items = Vec::new();
    let items = body["items"].as_array().unwrap_or(&no_items);
    let reason = |item: &Value, status: &str| match item["errors"]["name"].as_str() {
        Some(name) => format!("PayPal: {status}, {name}"),
        None => format!("PayPal: {status}"),
    };
    let item = match items.as_slice() {
        [item] if item["payout_item"]["sender_item_id"].as_str() == Some(ours) => item,
        [] => {
            return match head["batch_status"].as_str() {
                Some(status @ ("DENIED" | "CANCELED")) => Reply::Said(Said::Failed(reason(&Value::Null, status))),
                _ => Reply::Said(Said::Accepted(id.to_owned())),
            };
        }
        _ => return Reply::Unknown("PayPal's items are not this order".to_owned()),
    };
    let amount = &item["payout_item"]["amount"];
    let currency = amount["currency"].as_str().and_then(Currency::parse);
    let minor = currency.and_then(|currency| read_decimal(amount["value"].as_str()?, currency));
    if (minor, currency) != (Some(order.amount.minor), Some(order.amount.currency)) {
        return Reply::Unknown("PayPal has another amount than this order".to_owned());
    }
    Reply::Said(match item["transaction_status"].as_str().unwrap_or("") {
        "SUCCESS" => Said::Settled,
        status @ ("FAILED" | "BLOCKED" | "DENIED" | "CANCELED") => Said::Failed(reason(item, status)),
        status @ ("RETURNED" | "REFUNDED" | "REVERSED") => Said::Returned(reason(item, status)),
        _ => Said::Accepted(id.to_owned()),
    })
}
