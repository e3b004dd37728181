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
use crate::domain::payout::{Order, Said, is_batch_id};
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
            Err(why) => return Ok(Reply::Away(why)),
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
        Ok(match never {
            true => Reply::Said(Said::Failed(why)),
            false if refuses_all(status) => Reply::Away(why),
            false => Reply::Unknown(why),
        })
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
        if !is_batch_id(id) {
            return Reply::Unknown("PayPal answered an id that is none".to_owned());
        }
        let request = self.client.get(format!("{}{PAYOUTS}/{id}", self.seller.url));
        match self.speak(request).await {
            Ok((status, body)) if status.is_success() => read_batch(order, id, &body),
            Ok((StatusCode::NOT_FOUND, _)) => Reply::Gone,
            Ok((status, _)) if refuses_all(status) => Reply::Away(format!("PayPal: {status}")),
            Ok((status, _)) => Reply::Unknown(format!("PayPal: {status}")),
            Err(why) => Reply::Away(why),
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

/// It is not this order that was refused: the next one would be too.
fn refuses_all(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error()
}

async fn hear(request: RequestBuilder) -> Heard {
    // The error is told without its address: that may hold an id, never an account, but it says nothing either.
    let answer = request.send().await.map_err(|e| format!("PayPal did not answer: {}", e.without_url()))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|e| format!("PayPal's answer broke off: {}", e.without_url()))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// The batch that a refusal points to because its id was used before. PayPal puts the link with the detail (`link`, as it
/// answers, or `links`, as it says that it answers); older answers have it beside the details.
fn known_batch(body: &Value) -> Option<String> {
    let taken = |detail: &&Value| {
        let issue = detail["issue"].as_str().unwrap_or("").to_ascii_lowercase();
        detail["field"].as_str().is_some_and(|field| field.eq_ignore_ascii_case("sender_batch_id"))
            && (issue.contains("already exists") || issue.contains("duplicate batch"))
    };
    let detail = body["details"].as_array()?.iter().find(taken)?;
    [&detail["link"], &detail["links"], &body["links"]].into_iter().find_map(batch_of_links)
}

/// The id at the end of the link to the thing itself.
fn batch_of_links(links: &Value) -> Option<String> {
    let own = |link: &&Value| link["rel"].as_str().is_none_or(|rel| rel == "self");
    let named = |link: &Value| {
        let path = link["href"].as_str()?.split(['?', '#']).next()?;
        let (_, id) = path.trim_end_matches('/').split_once(&format!("{PAYOUTS}/"))?;
        (!id.is_empty()).then(|| id.to_owned())
    };
    links.as_array()?.iter().filter(own).find_map(named)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batch_of_a_taken_id_is_found_wherever_the_link_stands() {
        let refused = |issue: &str, link: Value, links: Value, root: Value| {
            json!({ "name": "USER_BUSINESS_ERROR", "message": "User business error.", "links": root,
                "details": [{ "field": "SENDER_BATCH_ID", "location": "body", "issue": issue, "link": link, "links": links }] })
        };
        let exists = "Batch with given sender_batch_id already exists";
        let own = "https://api.sandbox.paypal.com/v1/payments/payouts/CR9VS2K4X4846";
        let to = |href: &str, rel: Value| json!([{ "href": href, "rel": rel, "method": "GET" }]);
        let asked = format!("{own}?page_size=1");
        for body in [
            refused(exists, to(own, json!("self")), Value::Null, json!([])),
            refused(exists, to(own, Value::Null), Value::Null, Value::Null),
            refused(exists, Value::Null, to(&asked, json!("self")), json!([])),
            refused(exists, json!([]), json!([]), to(own, json!("self"))),
            refused("Duplicate batch request", to(own, json!("self")), Value::Null, Value::Null),
        ] {
            assert_eq!(known_batch(&body).as_deref(), Some("CR9VS2K4X4846"), "{body}");
        }
        let help = "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors";
        for body in [
            refused(exists, Value::Null, Value::Null, json!([])),
            refused(exists, to(help, json!("information_link")), Value::Null, to(help, json!("self"))),
            refused("Currency is invalid", to(own, json!("self")), Value::Null, json!([])),
            json!({ "name": "USER_BUSINESS_ERROR" }),
        ] {
            assert_eq!(known_batch(&body), None, "{body}");
        }
    }
}
