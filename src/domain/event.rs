//! What happened: every change of state is one event row, written in the transaction that made the change.

use serde_json::Value;

use super::ids::{BrandId, UserId};

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// Nobody signed in: registering, signing in.
    Anyone,
    Worker(UserId),
    Brand(UserId),
    Staff(UserId),
    /// A job of the platform, by its name.
    Machine(&'static str),
    /// A person at the command line of the server.
    Operator,
}

impl Actor {
    pub fn kind(&self) -> &'static str {
        match self {
            Actor::Anyone => "anyone",
            Actor::Worker(_) => "worker",
            Actor::Brand(_) => "brand",
            Actor::Staff(_) => "staff",
            Actor::Machine(_) => "machine",
            Actor::Operator => "operator",
        }
    }

    pub fn id(&self) -> Option<&str> {
        match self {
            Actor::Worker(id) | Actor::Brand(id) | Actor::Staff(id) => Some(id.as_str()),
            Actor::Machine(name) => Some(name),
            Actor::Anyone | Actor::Operator => None,
        }
    }
}

/// One row of the audit log. `kind` is `noun.verb`; `subject` is the id of what changed.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub subject: String,
    pub brand_id: Option<BrandId>,
    pub cause: Option<String>,
    pub from: Option<&'static str>,
    pub to: Option<&'static str>,
    pub rule_version: Option<String>,
    pub data: Value,
}

impl Event {
    pub fn new(kind: &'static str, subject: impl ToString) -> Event {
        Event {
            kind,
            subject: subject.to_string(),
            brand_id: None,
            cause: None,
            from: None,
            to: None,
            rule_version: None,
            data: Value::Null,
        }
    }

    pub fn brand(mut self, id: &BrandId) -> Event {
        self.brand_id = Some(id.clone());
        self
    }

    pub fn moved(mut self, from: &'static str, to: &'static str) -> Event {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }

    pub fn because(mut self, cause: impl Into<String>) -> Event {
        self.cause = Some(cause.into());
        self
    }

    pub fn rule(mut self, version: impl Into<String>) -> Event {
        self.rule_version = Some(version.into());
        self
    }

    pub fn data(mut self, data: Value) -> Event {
        self.data = data;
        self
    }
}
