//! What share of the reward the accepted answers earn: whole numbers only, so that no float comes near pay (I02).
//!
//! The units of pay are the sections at the top of the document, each with its `weight` (1 when none is given); what
//! stands outside them carries no share. A document without such sections is divided by its top-level questions and
//! loop rounds, weight 1 each. A unit's weight is split evenly over the questions that the worker answered in it: notes
//! and computed values are not the worker's, and a unit without answers drops out of both sides.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Questionnaire;
use super::answers::{Answer, ItemAnswer};
use super::document::{Kind, step};

/// A part of the work that is paid by its own weight.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unit {
    /// JSON pointer: `/drinks` for a section, `/brand/acme` for a loop round.
    pub path: String,
    pub weight: u32,
    /// Paths of the answered questions in it.
    pub items: Vec<String>,
}

/// `numerator / denominator` of the reward; ready for `Money::share`. In lowest terms, never above 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Share {
    pub numerator: i64,
    pub denominator: i64,
}

/// A refused path that names nothing in these answers; paying as if it had not been said would be wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownPath(pub String);

/// The units of pay of a judged visit, in the order of the document, without those that hold no answer.
pub fn weights(questionnaire: &Questionnaire, items: &[ItemAnswer]) -> Vec<Unit> {
    let all = &questionnaire.items;
    let tops = || questionnaire.roots.iter().map(|&id| &all[id]);
    let by_section = tops().any(|item| matches!(item.kind, Kind::Section { .. }));
    let mut units: Vec<Unit> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for answered in items.iter().filter(|item| is_work(item)) {
        let mut steps = answered.path.split('/').skip(1);
        let name = steps.next().unwrap_or_default();
        let Some(top) = tops().find(|item| step(&item.name) == name) else { continue };
        let (path, weight) = match &top.kind {
            Kind::Section { weight } => (format!("/{name}"), weight.unwrap_or(1)),
            _ if by_section => continue,
            Kind::Loop { .. } => (format!("/{name}/{}", steps.next().unwrap_or_default()), 1),
            _ => (format!("/{name}"), 1),
        };
        let at = *places.entry(path.clone()).or_insert_with(|| {
            units.push(Unit { path, weight, items: Vec::new() });
            units.len() - 1
        });
        units[at].items.push(answered.path.clone());
    }
    units
}

/// The share that remains when these paths are refused. A path may be a question, a loop round, a loop or a section: all
/// that is under it is refused with it. Nothing to divide means nothing to take away: 1/1.
///
/// # Errors
/// A path under which these answers have no question.
pub fn paid_share(questionnaire: &Questionnaire, items: &[ItemAnswer], refused: &[&str]) -> Result<Share, UnknownPath> {
    let under =
        |path: &str, top: &str| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(unknown) = refused.iter().find(|top| top.is_empty() || !items.iter().any(|item| under(&item.path, top)))
    {
        return Err(UnknownPath((*unknown).to_owned()));
    }
    let units = weights(questionnaire, items);
    let total: i128 = units.iter().map(|unit| i128::from(unit.weight)).sum();
    if total == 0 {
        return Ok(Share { numerator: 1, denominator: 1 });
    }
    let accepted = |unit: &Unit| unit.items.iter().filter(|path| !refused.iter().any(|top| under(path, top))).count();
    // One denominator for all units; beyond the bound, parts per million rounded in the worker's favour.
    let common = units.iter().try_fold(1_i128, |common, unit| {
        let n = unit.items.len() as i128;
        Some(common / gcd(common, n) * n).filter(|c| *c < 1_000_000_000_000)
    });
    let (numerator, denominator) = match common {
        Some(common) => {
            let part = |u: &Unit| i128::from(u.weight) * accepted(u) as i128 * (common / u.items.len() as i128);
            (units.iter().map(part).sum::<i128>(), total * common)
        }
        None => {
            let part = |u: &Unit| {
                let n = u.items.len() as i128;
                (i128::from(u.weight) * accepted(u) as i128 * 1_000_000 + n - 1) / n
            };
            (units.iter().map(part).sum::<i128>(), total * 1_000_000)
        }
    };
    let divisor = gcd(numerator, denominator);
    let whole = |n: i128| i64::try_from(n / divisor).expect("weights and the common denominator are bounded");
    Ok(Share { numerator: whole(numerator.min(denominator)), denominator: whole(denominator) })
}

fn is_work(item: &ItemAnswer) -> bool {
    !matches!(item.answer, Answer::NotObserved | Answer::Computed { .. })
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}
