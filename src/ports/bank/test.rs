//! The built-in test bank keeps one note per order in the blob store: an order with a known id is accepted once, however
//! often it is sent. It moves no money, and sees masked accounts only.

use serde::{Deserialize, Serialize};

use crate::domain::ids::PayoutId;
use crate::domain::money::Money;
use crate::domain::refusal::{Failure, Outcome};
use crate::ports::blobs::Blobs;

#[derive(Clone)]
pub struct TestBank {
    blobs: Blobs,
}

/// What the bank knows of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    pub payout: PayoutId,
    pub amount: Money,
    pub destination: String,
    pub reference: String,
}

impl TestBank {
    pub fn new(blobs: Blobs) -> TestBank {
        TestBank { blobs }
    }

    fn key(payout: &PayoutId) -> String {
        format!("testbank/{payout}")
    }

    /// Sends an order under the payout's id; sending it again answers the same and pays once.
    pub async fn send(&self, payout: &PayoutId, amount: Money, destination: &str) -> Outcome<Order> {
        let order = Order {
            payout: payout.clone(),
            amount,
            destination: destination.to_owned(),
            reference: format!("TB-{}", payout.as_str().trim_start_matches("pay_").to_uppercase()),
        };
        self.blobs.create(&TestBank::key(payout), serde_json::to_vec(&order).map_err(Failure::fault)?).await?;
        self.find(payout).await?.ok_or_else(|| Failure::fault("the test bank forgot an order"))
    }

    /// Asks whether an order arrived.
    pub async fn find(&self, payout: &PayoutId) -> Outcome<Option<Order>> {
        match self.blobs.get(&TestBank::key(payout)).await? {
            Some(note) => serde_json::from_slice(&note).map(Some).map_err(Failure::fault),
            None => Ok(None),
        }
    }
}
