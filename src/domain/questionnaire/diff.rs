//! Which clauses changed between two versions, so that a rejection can be checked against the text the worker had.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Questionnaire;
use super::document::Kind;

/// What happened to an item, a cross check or the document itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
}

/// One item that differs between two versions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChangedClause {
    /// `brand.facings`; `checks.<code>` for a cross check; empty for the document's own fields.
    pub path: String,
    /// The clause as numbered in the later version, or in the earlier one when it was removed.
    pub clause_id: Option<String>,
    pub change: Change,
    /// The fields that differ, `keys` for the products or brands of a loop; empty when added or removed.
    pub fields: Vec<String>,
}

/// What differs from `a` to `b`: removed and changed items in the order of `a`, then added ones in the order of `b`.
pub fn diff(a: &Questionnaire, b: &Questionnaire) -> Vec<ChangedClause> {
    let (old, new) = (parts(a), parts(b));
    let clause = |map: &Map<String, Value>| map.get("clause_id").and_then(Value::as_str).map(str::to_owned);
    let index: BTreeMap<&str, &Map<String, Value>> = new.iter().map(|(path, map)| (path.as_str(), map)).collect();
    let known: BTreeSet<&str> = old.iter().map(|(path, _)| path.as_str()).collect();
    let mut changes = Vec::new();
    for (path, before) in &old {
        match index.get(path.as_str()) {
            None => changes.push(ChangedClause {
                path: path.clone(),
                clause_id: clause(before),
                change: Change::Removed,
                fields: Vec::new(),
            }),
            Some(after) => {
                let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                let fields: Vec<String> =
                    names.into_iter().filter(|f| before.get(*f) != after.get(*f)).cloned().collect();
                if !fields.is_empty() {
                    let (path, clause_id) = (path.clone(), clause(after));
                    changes.push(ChangedClause { path, clause_id, change: Change::Changed, fields });
                }
            }
        }
    }
    for (path, after) in new.iter().filter(|(path, _)| !known.contains(path.as_str())) {
        let (path, clause_id) = (path.clone(), clause(after));
        changes.push(ChangedClause { path, clause_id, change: Change::Added, fields: Vec::new() });
    }
    changes
}

/// Everything that can differ, by path.
fn parts(q: &Questionnaire) -> Vec<(String, Map<String, Value>)> {
    let mut own = q.document.as_object().cloned().unwrap_or_default();
    for field in ["items", "checks", "version"] {
        own.remove(field);
    }
    let mut all = vec![(String::new(), own)];
    for item in &q.items {
        let mut written = item.written.clone();
        if let Kind::Loop { keys, .. } = &item.kind {
            written.insert("keys".into(), serde_json::json!(keys));
        }
        all.push((item.path.clone(), written));
    }
    all.extend(q.checks.iter().map(|check| (format!("checks.{}", check.code), check.written.clone())));
    all
}
