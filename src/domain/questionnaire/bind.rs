//! Gives the names of an expression their items and its parts their types. What passes here evaluates without failing.
//!
//! Names: an item of the same loop round first, then of the loops around it, then of the document. Items of a loop that
//! is not around are reached only through `sum()` and `count()`.

use regex::{Regex, RegexBuilder};

use super::compile::Names;
use super::document::{Item, Kind};
use super::eval::{read_clock, read_date};
use super::expr::{Node, Op, Syntax, Wrong, brief};

const MAX_PATTERN_BYTES: usize = 500;
const PATTERN_SIZE_BYTES: usize = 1 << 19;
/// Most patterns of one document: each is compiled, and kept in memory, with the questionnaire.
pub(super) const MAX_PATTERNS: usize = 50;
/// What one regex costs compared with an addition.
const PATTERN_COST: u64 = 50;

/// What a part of an expression is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    /// `''`, which compares with everything and means "not answered".
    Nothing,
    Bool,
    /// `'yes'`, `'no'` or not answered; true where a truth is asked only for `'yes'`.
    YesNo,
    Number,
    Text,
    Set,
    Date,
    Instant,
    Clock,
    Position,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Type::Nothing => "an empty text",
            Type::Bool => "a truth",
            Type::YesNo => "a yes or no",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Set => "a list of choices",
            Type::Date => "a date",
            Type::Instant => "a date with time",
            Type::Clock => "a time of day",
            Type::Position => "a position",
        }
    }
}

/// An expression ready to run: numbers stand for items, texts that meet dates have become dates.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Nothing,
    Number(f64),
    Text(String),
    Dot,
    Item(usize),
    /// Attribute of the current key of a loop.
    Attribute(usize, String),
    /// Attribute of the choice that a `choice_filter` looks at.
    Choice(String),
    /// A yes-or-no answer where a truth is asked.
    IsYes(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Selected(Box<Expr>, Box<Expr>),
    CountSelected(Box<Expr>),
    Coalesce(Vec<Expr>),
    /// The subject, the compiled pattern, and the pattern as written.
    Matches(Box<Expr>, Regex, String),
    Length(Box<Expr>),
    Round(Box<Expr>, Box<Expr>),
    Today,
    Now,
    Sum(usize),
    Count(usize),
    Distance(Box<Expr>, Box<Expr>),
}

/// A pattern that must match the whole text. Linear in the text, bounded in memory. `\d`, `\w` and `\s` mean ASCII, as
/// on the phones (and small enough to be repeated); `\p{..}` is there for other scripts.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(format!("a pattern longer than {MAX_PATTERN_BYTES} bytes"));
    }
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE_BYTES)
            .dfa_size_limit(PATTERN_SIZE_BYTES)
            .nest_limit(32)
            .build()
            .map_err(|_| "not a pattern, or one that is too large".to_owned())
    };
    // Alone first, so that a stray bracket cannot lean on the ones put around it.
    let text = ascii_classes(text);
    build(&text)?;
    build(&format!(r"\A(?:{text})\z"))
}

fn ascii_classes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str(r"[ \t\n\r\x0B\x0C]"),
            Some('S') => out.push_str(r"[^ \t\n\r\x0B\x0C]"),
            other => {
                out.push('\\');
                out.extend(other);
            }
        }
    }
    out
}

/// The attributes of a loop key.
pub(super) const ATTRIBUTES: [&str; 5] = ["key", "name", "gtin", "brand", "category"];

/// Where an expression stands.
pub(super) struct Binder<'a> {
    pub names: &'a Names,
    pub items: &'a [Item],
    /// Loops around the expression, outermost first.
    pub loops: &'a [usize],
    /// The item that `.` means.
    pub dot: Option<usize>,
    /// The attributes that `${choice.…}` may name.
    pub choice: Option<&'a [String]>,
    /// Items that the expression reads.
    pub reads: Vec<usize>,
    /// What one evaluation costs, in additions.
    pub cost: u64,
    /// Patterns of the document so far.
    pub patterns: usize,
}

type Bound = Result<(Expr, Type), Wrong>;

impl Binder<'_> {
    /// Binds an expression that must be true or false.
    pub fn truth(&mut self, s: &Syntax) -> Result<Expr, Wrong> {
        match self.any(s)? {
            (expr, Type::Bool) => Ok(expr),
            (expr, Type::YesNo) => Ok(Expr::IsYes(Box::new(expr))),
            (_, other) => Err(mismatch(s, "true or false", other)),
        }
    }

    pub fn any(&mut self, s: &Syntax) -> Bound {
        self.cost += 1;
        match &s.node {
            Node::Number(n) => Ok((Expr::Number(*n), Type::Number)),
            Node::Text(t) if t.is_empty() => Ok((Expr::Nothing, Type::Nothing)),
            Node::Text(t) => Ok((Expr::Text(t.clone()), Type::Text)),
            Node::Dot => match self.dot {
                Some(id) => Ok((Expr::Dot, self.type_of(id, s)?)),
                None => Err(Wrong::new(s.column, "wrong_place", "`.` has a meaning only in constraint and flag_if")),
            },
            Node::Name(name) => self.name(s, name),
            Node::Negate(x) => Ok((Expr::Negate(Box::new(self.expect(x, Type::Number)?)), Type::Number)),
            Node::Binary(op, a, b) => self.binary(s, *op, a, b),
            Node::Call(name, arguments) => self.call(s, name, arguments),
        }
    }

    fn expect(&mut self, s: &Syntax, wanted: Type) -> Result<Expr, Wrong> {
        let (expr, found) = self.any(s)?;
        if found == wanted { Ok(expr) } else { Err(mismatch(s, wanted.as_str(), found)) }
    }

    fn type_of(&self, id: usize, s: &Syntax) -> Result<Type, Wrong> {
        Ok(match &self.items[id].kind {
            Kind::Count { .. } | Kind::Number { .. } | Kind::Price { .. } => Type::Number,
            Kind::StockState { .. } | Kind::SingleChoice { .. } | Kind::Barcode { .. } | Kind::Text { .. } => {
                Type::Text
            }
            Kind::YesNo | Kind::Acknowledge => Type::YesNo,
            Kind::MultiChoice { .. } | Kind::Photo(_) => Type::Set,
            Kind::Date { .. } => Type::Date,
            Kind::Time { .. } => Type::Clock,
            Kind::Position { .. } => Type::Position,
            // Bound in order of dependence, so the type is known by now.
            Kind::Computed { result } => result.unwrap_or(Type::Nothing),
            Kind::Note | Kind::Section { .. } | Kind::Loop { .. } => {
                let detail = format!("`{}` is a {}, which has no value", self.items[id].name, self.items[id].kind_name);
                return Err(Wrong::new(s.column, "no_value", detail));
            }
        })
    }

    fn name(&mut self, s: &Syntax, name: &str) -> Bound {
        if let Some((owner, attribute)) = name.split_once('.') {
            return self.attribute(s, owner, attribute);
        }
        match self.names.near(name, self.loops) {
            Some(id) => self.item(s, id),
            None if self.names.anywhere(name).next().is_some() => Err(Wrong::new(
                s.column,
                "loop_reference",
                format!("`{name}` is inside a loop: it has many values here; use sum() or count()"),
            )),
            None => Err(Wrong::new(s.column, "unknown_name", format!("no item is named `{name}`"))),
        }
    }

    fn item(&mut self, s: &Syntax, id: usize) -> Bound {
        let found = self.type_of(id, s)?;
        self.reads.push(id);
        Ok((Expr::Item(id), found))
    }

    fn attribute(&mut self, s: &Syntax, owner: &str, attribute: &str) -> Bound {
        if owner == "choice" {
            return match self.choice {
                Some(known) if known.iter().any(|k| k == attribute) => {
                    Ok((Expr::Choice(attribute.to_owned()), Type::Text))
                }
                Some(_) => Err(Wrong::new(s.column, "unknown_attribute", format!("no choice has `{attribute}`"))),
                None => Err(Wrong::new(s.column, "wrong_place", "`${choice.…}` has a meaning only in choice_filter")),
            };
        }
        let around = self.loops.iter().rev().copied().find(|&id| self.items[id].is_loop_called(owner));
        let Some(id) = around else {
            return Err(Wrong::new(s.column, "unknown_name", format!("no loop around this item is over `{owner}`")));
        };
        if ATTRIBUTES.contains(&attribute) {
            return Ok((Expr::Attribute(id, attribute.to_owned()), Type::Text));
        }
        match self.names.in_loop(attribute, id) {
            Some(item) => self.item(s, item),
            None => Err(Wrong::new(s.column, "unknown_attribute", format!("`{owner}` has no `{attribute}`"))),
        }
    }

    /// The item that `sum()` or `count()` goes over: it is inside a loop, or (for count) it is a loop.
    fn many(&mut self, s: &Syntax, or_loop: bool) -> Result<usize, Wrong> {
        let Node::Name(name) = &s.node else {
            return Err(Wrong::new(
                s.column,
                "wrong_arguments",
                "sum() and count() take one reference, such as ${facings}",
            ));
        };
        let items = self.items;
        let fits = |id: &usize| !items[*id].loops.is_empty() || (or_loop && items[*id].is_loop());
        let found: Vec<usize> = match name.split_once('.') {
            Some((owner, inner)) => self
                .names
                .anywhere(inner)
                .filter(fits)
                .filter(|&id| items[id].innermost_loop_is(owner, items))
                .collect(),
            None => match self.names.near(name, self.loops).filter(fits) {
                Some(id) => vec![id],
                None => self.names.anywhere(name).filter(fits).collect(),
            },
        };
        let id = match found[..] {
            [id] => id,
            [] if self.names.anywhere(name).next().is_some() => {
                return Err(Wrong::new(s.column, "not_in_a_loop", format!("`{name}` is not inside a loop")));
            }
            [] => return Err(Wrong::new(s.column, "unknown_name", format!("no loop has an item `{name}`"))),
            _ => {
                return Err(Wrong::new(
                    s.column,
                    "ambiguous_name",
                    format!("several loops have `{name}`; name the loop"),
                ));
            }
        };
        self.reads.push(id);
        self.cost += items[id].instances as u64;
        Ok(id)
    }

    fn binary(&mut self, s: &Syntax, op: Op, a: &Syntax, b: &Syntax) -> Bound {
        let both = |a, b| (Box::new(a), Box::new(b));
        match op {
            Op::Or | Op::And => {
                let (a, b) = both(self.truth(a)?, self.truth(b)?);
                Ok((Expr::Binary(op, a, b), Type::Bool))
            }
            Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                let (left, right) = (self.any(a)?, self.any(b)?);
                let (left, right) = (self.meet(&left, &right, a)?, self.meet(&right, &left, b)?);
                let equality = matches!(op, Op::Equal | Op::NotEqual);
                let fits = match (left.1, right.1) {
                    (Type::Nothing, _) | (_, Type::Nothing) => equality,
                    (Type::Text | Type::YesNo | Type::Bool | Type::Set, same) => {
                        equality && same == left.1 && same != Type::Set
                    }
                    (Type::Position, _) => false,
                    (Type::Date | Type::Instant, Type::Date | Type::Instant) => true,
                    (x, y) => x == y,
                };
                if !fits {
                    let detail = format!("{} {} {} cannot be", left.1.as_str(), op.as_str(), right.1.as_str());
                    return Err(Wrong::new(s.column, "type_mismatch", detail));
                }
                let (left, right) = both(left.0, right.0);
                Ok((Expr::Binary(op, left, right), Type::Bool))
            }
            _ => {
                let (left, right) = (self.any(a)?, self.any(b)?);
                let days = |t| matches!(t, Type::Date | Type::Instant);
                let result = match (left.1, op, right.1) {
                    (Type::Number, _, Type::Number) => Type::Number,
                    (x, Op::Subtract, y) if days(x) && days(y) => Type::Number,
                    (Type::Clock, Op::Subtract, Type::Clock) => Type::Number,
                    (Type::Date, Op::Add | Op::Subtract, Type::Number) => Type::Date,
                    _ => {
                        let detail = format!("{} {} {} cannot be", left.1.as_str(), op.as_str(), right.1.as_str());
                        return Err(Wrong::new(s.column, "type_mismatch", detail));
                    }
                };
                let (left, right) = both(left.0, right.0);
                Ok((Expr::Binary(op, left, right), result))
            }
        }
    }

    /// A text written in the expression takes the type of what it is compared with, or is refused here rather than
    /// never being equal in the field.
    fn meet(&self, this: &(Expr, Type), other: &(Expr, Type), s: &Syntax) -> Bound {
        let (Node::Text(text), Type::Text) = (&s.node, this.1) else { return Ok(this.clone()) };
        let bad = |what: &str| Err(Wrong::new(s.column, "type_mismatch", format!("'{}' is not {what}", brief(text))));
        match other.1 {
            Type::Number => match text.trim().parse::<f64>() {
                Ok(n) if n.is_finite() => Ok((Expr::Number(n), Type::Number)),
                _ => bad("a number"),
            },
            Type::Date | Type::Instant => match read_date(text) {
                Some(days) => Ok((Expr::Number(days), Type::Date)),
                None => bad("a date such as '2026-03-10'"),
            },
            Type::Clock => match read_clock(text) {
                Some(part) => Ok((Expr::Number(part), Type::Clock)),
                None => bad("a time such as '14:30'"),
            },
            Type::YesNo if text == "yes" || text == "no" => Ok((this.0.clone(), Type::YesNo)),
            Type::YesNo => bad("'yes' or 'no'"),
            Type::Text => {
                self.known_choice(text, s, &other.0)?;
                Ok(this.clone())
            }
            _ => Ok(this.clone()),
        }
    }

    fn known_choice(&self, text: &str, s: &Syntax, asked: &Expr) -> Result<(), Wrong> {
        let id = match asked {
            Expr::Item(id) => Some(*id),
            Expr::Dot => self.dot,
            _ => None,
        };
        match id.and_then(|id| self.items[id].choice_names()) {
            Some(names) if !names.iter().any(|n| n == text) => Err(Wrong::new(
                s.column,
                "unknown_choice",
                format!("'{}' is none of: {}", brief(text), brief(&names.join(", "))),
            )),
            _ => Ok(()),
        }
    }

    /// The common type of two branches.
    fn unify(s: &Syntax, a: Type, b: Type) -> Result<Type, Wrong> {
        match (a, b) {
            (Type::Nothing, other) | (other, Type::Nothing) => Ok(other),
            (a, b) if a == b => Ok(a),
            (a, b) => {
                let detail = format!("gives {} or {}; both must be alike", a.as_str(), b.as_str());
                Err(Wrong::new(s.column, "type_mismatch", detail))
            }
        }
    }

    fn call(&mut self, s: &Syntax, name: &str, arguments: &[Syntax]) -> Bound {
        let count = |least: usize, most: usize| {
            if (least..=most).contains(&arguments.len()) {
                return Ok(());
            }
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let detail = format!("{name}() takes {wanted} arguments, not {}", arguments.len());
            Err(Wrong::new(s.column, "wrong_arguments", detail))
        };
        match name {
            "not" => {
                count(1, 1)?;
                Ok((Expr::Not(Box::new(self.truth(&arguments[0])?)), Type::Bool))
            }
            "if" => {
                count(3, 3)?;
                let test = self.truth(&arguments[0])?;
                let (yes, no) = (self.any(&arguments[1])?, self.any(&arguments[2])?);
                let result = Self::unify(s, yes.1, no.1)?;
                Ok((Expr::If(Box::new(test), Box::new(yes.0), Box::new(no.0)), result))
            }
            "coalesce" => {
                count(2, 8)?;
                let (mut parts, mut result) = (Vec::new(), Type::Nothing);
                for argument in arguments {
                    let (part, found) = self.any(argument)?;
                    result = Self::unify(argument, result, found)?;
                    parts.push(part);
                }
                Ok((Expr::Coalesce(parts), result))
            }
            "selected" => {
                count(2, 2)?;
                let (list, found) = self.any(&arguments[0])?;
                if !matches!(found, Type::Set | Type::Text) {
                    return Err(mismatch(&arguments[0], "a choice", found));
                }
                let wanted = self.expect(&arguments[1], Type::Text)?;
                if let Expr::Text(text) = &wanted {
                    self.known_choice(text, &arguments[1], &list)?;
                }
                Ok((Expr::Selected(Box::new(list), Box::new(wanted)), Type::Bool))
            }
            "count-selected" => {
                count(1, 1)?;
                Ok((Expr::CountSelected(Box::new(self.expect(&arguments[0], Type::Set)?)), Type::Number))
            }
            "regex" => {
                count(2, 2)?;
                let subject = Box::new(self.expect(&arguments[0], Type::Text)?);
                let Node::Text(text) = &arguments[1].node else {
                    let detail = "the pattern must be written as a text, not computed";
                    return Err(Wrong::new(arguments[1].column, "wrong_arguments", detail));
                };
                self.cost += PATTERN_COST;
                self.patterns += 1;
                if self.patterns > MAX_PATTERNS {
                    let detail = format!("more than {MAX_PATTERNS} patterns in one document");
                    return Err(Wrong::new(s.column, "too_many_patterns", detail));
                }
                match pattern(text) {
                    Ok(pattern) => Ok((Expr::Matches(subject, pattern, text.clone()), Type::Bool)),
                    Err(why) => Err(Wrong::new(arguments[1].column, "pattern_invalid", why)),
                }
            }
            "string-length" => {
                count(1, 1)?;
                Ok((Expr::Length(Box::new(self.expect(&arguments[0], Type::Text)?)), Type::Number))
            }
            "round" => {
                count(1, 2)?;
                let value = self.expect(&arguments[0], Type::Number)?;
                let digits = match arguments.get(1) {
                    Some(digits) => self.expect(digits, Type::Number)?,
                    None => Expr::Number(0.0),
                };
                Ok((Expr::Round(Box::new(value), Box::new(digits)), Type::Number))
            }
            "today" => count(0, 0).map(|()| (Expr::Today, Type::Date)),
            "now" => count(0, 0).map(|()| (Expr::Now, Type::Instant)),
            "sum" => {
                count(1, 1)?;
                let id = self.many(&arguments[0], false)?;
                match self.type_of(id, &arguments[0])? {
                    Type::Number => Ok((Expr::Sum(id), Type::Number)),
                    other => Err(mismatch(&arguments[0], "numbers", other)),
                }
            }
            "count" => {
                count(1, 1)?;
                let id = self.many(&arguments[0], true)?;
                if !self.items[id].is_loop() {
                    self.type_of(id, &arguments[0])?;
                }
                Ok((Expr::Count(id), Type::Number))
            }
            "distance" => {
                count(2, 2)?;
                let from = self.expect(&arguments[0], Type::Position)?;
                let to = self.expect(&arguments[1], Type::Position)?;
                Ok((Expr::Distance(Box::new(from), Box::new(to)), Type::Number))
            }
            _ => Err(Wrong::new(s.column, "unknown_function", format!("there is no function {}()", brief(name)))),
        }
    }
}

fn mismatch(s: &Syntax, wanted: &str, found: Type) -> Wrong {
    Wrong::new(s.column, "type_mismatch", format!("expected {wanted}, found {}", found.as_str()))
}
