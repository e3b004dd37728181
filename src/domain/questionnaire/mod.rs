//! Questionnaires: a JSON document with XLSForm semantics, compiled against a campaign's products, brands and shelves,
//! and the answers of a visit judged by it. `document` and `fields` read, `expr` parses, `bind` types, `compile` puts
//! together, `eval` and `answers` run, `pay` shares, `schema` and `diff` describe. Nothing in here can fail at run time:
//! what compiles evaluates. No float comes near an amount.

mod answers;
mod bind;
mod compile;
mod decimal;
mod diff;
mod document;
mod eval;
mod expr;
mod fields;
mod pay;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answers::{Answer, AnswerProblem, Checked, Context, Difference, Flag, ItemAnswer, PhotoRef, check_answers};
pub use compile::compile;
pub use diff::{Change, ChangedClause, diff};
pub use document::{PhotoRules, Problem};
pub use pay::{Share, Unit, UnknownPath, paid_share, weights};
pub use schema::{answers_schema, json_schema};

use document::{Check, Item, Kind};

/// What a loop goes over, known in advance, so that two visits can be compared.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoopSets {
    pub products: Vec<LoopKey>,
    pub brands: Vec<LoopKey>,
    pub shelves: Vec<LoopKey>,
}

impl LoopSets {
    fn of(&self, set: &str) -> &[LoopKey] {
        match set {
            "products" => &self.products,
            "brands" => &self.brands,
            "shelves" => &self.shelves,
            _ => &[],
        }
    }
}

/// One product, brand or shelf. `key` names it in the answers; the rest is for expressions (`${product.gtin}`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LoopKey {
    pub key: String,
    /// `name`, `gtin`, `brand`, `category`; others are kept and not readable by expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl LoopKey {
    pub fn new(key: &str) -> LoopKey {
        LoopKey { key: key.to_owned(), attributes: BTreeMap::new() }
    }

    /// The same key with one attribute more.
    pub fn with(mut self, name: &str, value: &str) -> LoopKey {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        match name {
            "key" => Some(&self.key),
            other => self.attributes.get(other).map(String::as_str),
        }
    }
}

/// A compiled questionnaire version. Immutable; made by [`compile`] only.
#[derive(Clone, Debug)]
pub struct Questionnaire {
    id: String,
    version: u32,
    languages: Vec<String>,
    items: Vec<Item>,
    roots: Vec<usize>,
    checks: Vec<Check>,
    /// Items, each after all that it depends on.
    order: Vec<usize>,
    document: Value,
}

impl Questionnaire {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The document it was compiled from.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What a photo question asks, by the question's path in the document (`brand.shelf`).
    pub fn photo_rules(&self, question: &str) -> Option<&PhotoRules> {
        self.items.iter().find(|item| item.path == question).and_then(|item| match &item.kind {
            Kind::Photo(rules) => Some(rules),
            _ => None,
        })
    }
}
