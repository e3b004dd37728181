//! Rails: the ways on which orders leave. Each sends under the payout's own id and can be asked what became of it; what is
//! not known for sure is `Unknown`, and is never sent again before it was asked about. Files for banks and gift codes do
//! not leave through here: a person carries the one, and the database gives the other.

pub mod paypal;
pub mod test;

pub use self::paypal::PayPal;
pub use self::test::TestBank;
use crate::domain::payout::{Order, Rail, Said};
use crate::domain::refusal::Outcome;

/// What a rail answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Said(Said),
    /// It knows of no such order: it may be sent.
    Unheard,
    /// Nobody knows: the answer was lost, or it does not fit the order.
    Unknown(String),
    /// It takes nothing from anybody now, or does not answer; nobody knows either.
    Away(String),
    /// It has nothing under the name that it is said to have given.
    Gone,
}

#[derive(Clone)]
pub struct Rails {
    pub test: TestBank,
    pub paypal: Option<PayPal>,
}

impl Rails {
    /// Whether this process can talk to a rail; another one may.
    pub fn speak(&self, rail: Rail) -> bool {
        match rail {
            Rail::Test => true,
            Rail::PayPal => self.paypal.is_some(),
            Rail::Bank | Rail::Voucher => false,
        }
    }

    /// Sends an order under the payout's id; sent again, it is the same order.
    pub async fn send(&self, order: &Order) -> Outcome<Reply> {
        match (order.rail, &self.paypal) {
            (Rail::Test, _) => {
                let sent = self.test.send(&order.payout, order.amount, &order.destination).await?;
                Ok(Reply::Said(Said::Accepted(sent.reference)))
            }
            (Rail::PayPal, Some(paypal)) => paypal.send(order).await,
            (Rail::PayPal, None) => Ok(Reply::Away("this process has no PayPal account".to_owned())),
            (Rail::Bank | Rail::Voucher, _) => Ok(Reply::Unknown("this rail is not spoken to".to_owned())),
        }
    }

    /// Asks what became of an order.
    pub async fn ask(&self, order: &Order) -> Outcome<Reply> {
        match (order.rail, &self.paypal) {
            (Rail::Test, _) => {
                let known = self.test.find(&order.payout).await?;
                Ok(known.map_or(Reply::Unheard, |sent| Reply::Said(Said::Accepted(sent.reference))))
            }
            (Rail::PayPal, Some(paypal)) => paypal.ask(order).await,
            (Rail::PayPal, None) => Ok(Reply::Away("this process has no PayPal account".to_owned())),
            (Rail::Bank | Rail::Voucher, _) => Ok(Reply::Unknown("this rail is not spoken to".to_owned())),
        }
    }
}
