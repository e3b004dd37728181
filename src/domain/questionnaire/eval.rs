//! Runs bound expressions over the answers of one visit. Cannot fail and reads no clock: today() and now() are the
//! visit's instant in the store's time zone.
//!
//! What was not answered is empty, as in ODK: equal to `''` and to another empty value only; not a number, so every
//! `<`, `<=`, `>`, `>=` with it is false and arithmetic with it gives no number; false where a truth is asked.
//! `sum()` adds what was answered (0 when nothing was), `count()` counts what was answered.

use jiff::civil;

use super::Context;
use super::bind::Expr;
use super::document::{Choice, Item, Kind};
use super::expr::Op;
use crate::domain::place::Point;

const DAY_SECS: f64 = 86_400.0;

/// A value inside expressions. Dates are days since 1970-01-01 in the store's zone, times of day parts of a day.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum V {
    Empty,
    Bool(bool),
    Number(f64),
    Text(String),
    Set(Vec<String>),
    Position(Point),
}

/// One item in one round of its loops.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub shown: bool,
    pub value: V,
}

/// Where an expression runs.
#[derive(Clone, Copy)]
pub(super) struct Env<'a> {
    pub items: &'a [Item],
    pub cells: &'a [Vec<Cell>],
    pub context: &'a Context,
    /// Loops around the expression, outermost first, and the round of each.
    pub loops: &'a [usize],
    pub rounds: &'a [usize],
    pub dot: Option<&'a V>,
    pub choice: Option<&'a Choice>,
}

/// Days since 1970-01-01 of `2026-03-10`.
pub(super) fn read_date(text: &str) -> Option<f64> {
    day(text).map(days)
}

/// The date of `2026-03-10`; no other way of writing it.
pub(super) fn day(text: &str) -> Option<civil::Date> {
    let dashed = |(n, b): (usize, u8)| if n == 4 || n == 7 { b == b'-' } else { b.is_ascii_digit() };
    let shaped = text.len() == 10 && text.bytes().enumerate().all(dashed);
    shaped.then(|| text.parse().ok()).flatten()
}

pub(super) fn days(date: civil::Date) -> f64 {
    let span = date.since(civil::date(1970, 1, 1)).expect("both dates are in range");
    f64::from(span.get_days())
}

/// The date that lies this many days after 1970-01-01.
pub(super) fn date_of(days: f64) -> Option<civil::Date> {
    let whole = (days.is_finite() && days.abs() < 4e6).then_some(days.floor() as i64)?;
    civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(whole)).ok()
}

/// Part of a day of `14:30` or `14:30:15`.
pub(super) fn read_clock(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let shaped = matches!(bytes.len(), 5 | 8)
        && bytes.iter().enumerate().all(|(n, b)| if n % 3 == 2 { *b == b':' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    let part = |from: usize| text.get(from..from + 2).and_then(|p| p.parse::<u32>().ok());
    let (hour, minute) = (part(0)?, part(3)?);
    let second = if bytes.len() == 8 { part(6)? } else { 0 };
    (hour < 24 && minute < 60 && second < 60).then(|| f64::from(hour * 3600 + minute * 60 + second) / DAY_SECS)
}

/// The place of an item's cell, given the rounds of its loops.
pub(super) fn place(items: &[Item], loops: &[usize], rounds: &[usize]) -> usize {
    loops.iter().zip(rounds).fold(0, |at, (&id, &round)| at * rounds_of(items, id) + round)
}

/// How many rounds a loop has.
pub(super) fn rounds_of(items: &[Item], id: usize) -> usize {
    match &items[id].kind {
        Kind::Loop { keys, .. } => keys.len(),
        _ => 1,
    }
}

impl Env<'_> {
    /// Whether the expression is true.
    pub fn truth(&self, expr: &Expr) -> bool {
        self.eval(expr) == V::Bool(true)
    }

    pub fn eval(&self, expr: &Expr) -> V {
        match expr {
            Expr::Nothing => V::Empty,
            Expr::Number(n) => V::Number(*n),
            Expr::Text(t) => V::Text(t.clone()),
            Expr::Dot => self.dot.cloned().unwrap_or(V::Empty),
            Expr::Item(id) => {
                let loops = &self.items[*id].loops;
                let cell = &self.cells[*id][place(self.items, loops, self.rounds)];
                if cell.shown { cell.value.clone() } else { V::Empty }
            }
            Expr::Attribute(id, name) => {
                let round = self.loops.iter().position(|l| l == id).map(|at| self.rounds[at]);
                match (&self.items[*id].kind, round) {
                    (Kind::Loop { keys, .. }, Some(round)) => text(keys[round].attribute(name)),
                    _ => V::Empty,
                }
            }
            Expr::Choice(name) => text(self.choice.and_then(|choice| match name.as_str() {
                "name" => Some(choice.name.as_str()),
                other => choice.attributes.get(other).map(String::as_str),
            })),
            Expr::IsYes(x) => V::Bool(matches!(self.eval(x), V::Text(t) if t == "yes")),
            Expr::Negate(x) => V::Number(-number(&self.eval(x))),
            Expr::Binary(Op::And, a, b) => V::Bool(self.truth(a) && self.truth(b)),
            Expr::Binary(Op::Or, a, b) => V::Bool(self.truth(a) || self.truth(b)),
            Expr::Binary(op, a, b) => binary(*op, &self.eval(a), &self.eval(b)),
            Expr::Not(x) => V::Bool(!self.truth(x)),
            Expr::If(test, yes, no) => self.eval(if self.truth(test) { yes } else { no }),
            Expr::Coalesce(parts) => parts.iter().map(|p| self.eval(p)).find(|v| !is_empty(v)).unwrap_or(V::Empty),
            Expr::Selected(list, wanted) => V::Bool(match (self.eval(list), self.eval(wanted)) {
                (V::Set(list), V::Text(wanted)) => list.contains(&wanted),
                (V::Text(one), V::Text(wanted)) => one == wanted,
                _ => false,
            }),
            Expr::CountSelected(list) => V::Number(match self.eval(list) {
                V::Set(list) => list.len() as f64,
                _ => 0.0,
            }),
            Expr::Matches(subject, pattern, _) => V::Bool(match self.eval(subject) {
                V::Text(t) => pattern.is_match(&t),
                _ => pattern.is_match(""),
            }),
            Expr::Length(x) => V::Number(match self.eval(x) {
                V::Text(t) => t.chars().count() as f64,
                _ => 0.0,
            }),
            Expr::Round(x, digits) => {
                let (x, digits) = (number(&self.eval(x)), number(&self.eval(digits)));
                if digits.is_nan() {
                    return V::Number(f64::NAN);
                }
                // Half up, as XPath does; the scale is bounded so that it stays a number.
                let scale = 10_f64.powi(digits.clamp(-9.0, 9.0) as i32);
                V::Number((x * scale + 0.5).floor() / scale)
            }
            Expr::Today => V::Number(days(self.local().date())),
            Expr::Now => {
                let local = self.local();
                let midnight = local.date().to_datetime(civil::Time::midnight());
                let secs = local.duration_since(midnight).as_secs_f64();
                V::Number(days(local.date()) + secs / DAY_SECS)
            }
            Expr::Sum(id) => V::Number(self.many(*id).map(number).filter(|n| !n.is_nan()).sum()),
            Expr::Count(id) if self.items[*id].is_loop() => {
                let rounds = rounds_of(self.items, *id);
                V::Number((self.block(*id, false).filter(|cell| cell.shown).count() * rounds) as f64)
            }
            Expr::Count(id) => V::Number(self.many(*id).filter(|v| !is_empty(v)).count() as f64),
            Expr::Distance(a, b) => match (self.eval(a), self.eval(b)) {
                (V::Position(a), V::Position(b)) => V::Number(a.metres_to(b)),
                _ => V::Empty,
            },
        }
    }

    fn local(&self) -> civil::DateTime {
        self.context.now.timestamp().to_zoned(self.context.zone.clone()).datetime()
    }

    fn many(&self, id: usize) -> impl Iterator<Item = &V> {
        self.block(id, true).filter(|cell| cell.shown).map(|cell| &cell.value)
    }

    /// The cells of an item over all rounds of its innermost loop, in the current round of the loops shared with here.
    fn block(&self, id: usize, innermost_ranges: bool) -> impl Iterator<Item = &Cell> {
        let loops = &self.items[id].loops;
        let most = loops.len() - usize::from(innermost_ranges && !loops.is_empty());
        let shared = loops.iter().zip(self.loops).take(most).take_while(|(a, b)| a == b).count();
        let size: usize = loops[shared..].iter().map(|&l| rounds_of(self.items, l)).product();
        let start = place(self.items, &loops[..shared], self.rounds) * size;
        self.cells[id][start..start + size].iter()
    }
}

fn text(found: Option<&str>) -> V {
    match found {
        Some(text) if !text.is_empty() => V::Text(text.to_owned()),
        _ => V::Empty,
    }
}

/// Not answered; a number that is none counts as such.
pub(super) fn is_empty(v: &V) -> bool {
    match v {
        V::Empty => true,
        V::Number(n) => n.is_nan(),
        V::Set(list) => list.is_empty(),
        _ => false,
    }
}

fn number(v: &V) -> f64 {
    match v {
        V::Number(n) => *n,
        _ => f64::NAN,
    }
}

fn binary(op: Op, a: &V, b: &V) -> V {
    let (x, y) = (number(a), number(b));
    match op {
        Op::Equal => V::Bool(equal(a, b)),
        Op::NotEqual => V::Bool(!equal(a, b)),
        Op::Less => V::Bool(x < y),
        Op::LessOrEqual => V::Bool(x <= y),
        Op::Greater => V::Bool(x > y),
        Op::GreaterOrEqual => V::Bool(x >= y),
        Op::Add => V::Number(x + y),
        Op::Subtract => V::Number(x - y),
        Op::Multiply => V::Number(x * y),
        Op::Divide => V::Number(x / y),
        Op::Modulo => V::Number(x % y),
        Op::And | Op::Or => V::Bool(false),
    }
}

fn equal(a: &V, b: &V) -> bool {
    match (is_empty(a), is_empty(b)) {
        (true, true) => true,
        (false, false) => a == b,
        _ => false,
    }
}
