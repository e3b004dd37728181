//! Judges the answers of one visit: hides, reads, computes, then validates, in this order, as ODK does. What `relevant`
//! hides is dropped before anything looks at it. Nothing here fails: every complaint is a problem (blocks the seal) or a
//! flag (sends to review).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Questionnaire;
use super::bind::{Expr, Type};
use super::decimal::{Decimal, Range};
use super::document::{Choice, Item, Kind, step};
use super::eval::{Cell, Env, V, date_of, day, days, is_empty, place, read_clock, rounds_of};
use super::expr::brief;
use super::fields::SYMBOLOGIES;
use crate::domain::money::Currency;
use crate::domain::place::Point;
use crate::domain::time::At;

/// More problems or flags than this say nothing new.
const MAX_REPORTED: usize = 500;

/// What expressions may know besides the answers.
#[derive(Clone, Debug)]
pub struct Context {
    /// The visit's instant (for a sealed submission: when it was sealed).
    pub now: At,
    /// The store's time zone, for `today()` and `now()`.
    pub zone: jiff::tz::TimeZone,
}

/// A photo of the visit's manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhotoRef {
    pub client_id: String,
    /// JSON pointer into the answers, `/brand/acme/shelf`; empty for a photo of the visit as a whole.
    pub question_path: String,
}

/// A question as answered. Amounts are minor units; other decimals stay text.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// Asked, not answered. Neither zero nor "no".
    NotObserved,
    Count {
        value: i64,
    },
    StockState {
        value: String,
    },
    Price {
        amount_minor: i64,
        currency: Currency,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit_price: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        per: Option<String>,
        promo: bool,
    },
    Number {
        value: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    YesNo {
        value: bool,
    },
    Choice {
        value: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        other: Option<String>,
    },
    Choices {
        values: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        other: Option<String>,
    },
    Barcode {
        symbology: String,
        value: String,
        manual: bool,
    },
    /// The ids are in `ItemAnswer::photos`.
    Photos,
    Text {
        value: String,
    },
    Date {
        value: String,
    },
    Time {
        value: String,
    },
    Position {
        lat: f64,
        lon: f64,
        accuracy_m: f64,
        mock: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<At>,
    },
    Acknowledge {
        value: bool,
    },
    /// Number, text, date text or truth, as the server computed it.
    Computed {
        value: Value,
    },
}

/// One visible question of one loop round, answered or not.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ItemAnswer {
    /// JSON pointer into the answers: `/brand/acme/facings`. The name that reviews and reasons use.
    pub path: String,
    /// The question in the document, by names: `brand.facings`.
    pub question: String,
    /// The question type: `count`.
    pub r#type: &'static str,
    pub name: String,
    /// Name of the nearest section around it.
    pub section: Option<String>,
    /// Key of the innermost loop around it.
    pub loop_key: Option<String>,
    pub clause_id: Option<String>,
    pub answer: Answer,
    /// Client ids of the photos that prove it: its own and those of `photo_of` questions.
    pub photos: Vec<String>,
}

/// Why the answers cannot be sealed as they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AnswerProblem {
    /// JSON pointer into the answers document.
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}

/// A reason for a person to look. Never blocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Flag {
    /// JSON pointer of the answer, or of the loop round that a cross check is about.
    pub path: String,
    /// A fixed code, or the code of a cross check.
    pub code: String,
    pub detail: String,
}

/// A computed value that the phone had otherwise. The server's counts.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    pub path: String,
    pub sent: Value,
    pub computed: Value,
}

/// The answers after judging.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    /// Canonical: hidden and empty answers gone, computed ones recomputed, decimals in one spelling. Checking it again
    /// gives the same.
    pub answers: Value,
    /// All visible questions, in the order of the document.
    pub items: Vec<ItemAnswer>,
    pub problems: Vec<AnswerProblem>,
    pub flags: Vec<Flag>,
    /// Answers that were hidden by `relevant` and thrown away.
    pub dropped: Vec<String>,
    pub differences: Vec<Difference>,
}

/// Judges answers against the questionnaire version they were given for.
///
/// `completed` is false for an impossible visit (store shut, entry refused): nothing is required then, but what was
/// given must still be well formed.
pub fn check_answers(
    questionnaire: &Questionnaire,
    answers: &Value,
    photos: &[PhotoRef],
    context: &Context,
    completed: bool,
) -> Checked {
    let mut judge = Judge {
        items: &questionnaire.items,
        context,
        completed,
        known_photos: photos.iter().map(|p| p.client_id.as_str()).collect(),
        placed_photos: BTreeMap::new(),
        cells: questionnaire.items.iter().map(|i| vec![Cell { shown: false, value: V::Empty }; i.instances]).collect(),
        found: questionnaire.items.iter().map(|i| vec![Found::default(); i.instances]).collect(),
        out: Checked {
            answers: Value::Null,
            items: Vec::new(),
            problems: Vec::new(),
            flags: Vec::new(),
            dropped: Vec::new(),
            differences: Vec::new(),
        },
    };
    for photo in photos.iter().filter(|p| !p.question_path.is_empty()) {
        let path = format!("/{}", photo.question_path.trim_start_matches('/'));
        judge.placed_photos.entry(path).or_default().push(&photo.client_id);
    }
    judge.read(&questionnaire.order, answers);
    judge.link_photos();
    let mut canonical = Map::new();
    if !answers.is_object() && !answers.is_null() {
        judge.problem("", "not_an_object", "the answers are a JSON object keyed by item name");
    }
    judge.walk(&questionnaire.roots, &[], "", None, answers.as_object(), &mut canonical);
    judge.cross_check(questionnaire);
    judge.misplaced();
    judge.out.answers = Value::Object(canonical);
    judge.out
}

/// What one cell was found to hold.
#[derive(Clone, Default)]
struct Found {
    answer: Option<Answer>,
    faults: Vec<Fault>,
    photos: Vec<String>,
    proofs: Vec<String>,
}

/// A malformed answer: the field below the answer (may be empty), a code, a detail.
type Fault = (&'static str, &'static str, String);

struct Judge<'a> {
    items: &'a [Item],
    context: &'a Context,
    completed: bool,
    known_photos: BTreeSet<&'a str>,
    placed_photos: BTreeMap<String, Vec<&'a str>>,
    cells: Vec<Vec<Cell>>,
    found: Vec<Vec<Found>>,
    out: Checked,
}

impl<'a> Judge<'a> {
    fn problem(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if self.out.problems.len() < MAX_REPORTED {
            self.out.problems.push(AnswerProblem { pointer: pointer.to_owned(), code, detail: detail.into() });
        }
    }

    fn flag(&mut self, path: &str, code: &str, detail: impl Into<String>) {
        if self.out.flags.len() < MAX_REPORTED {
            self.out.flags.push(Flag { path: path.to_owned(), code: code.to_owned(), detail: detail.into() });
        }
    }

    /// Fills all cells, each after those it depends on.
    fn read(&mut self, order: &[usize], answers: &Value) {
        let items = self.items;
        for &id in order {
            let item = &items[id];
            for at in 0..item.instances {
                let rounds = rounds_at(items, &item.loops, at);
                let above = match item.parent {
                    None => true,
                    Some(parent) => self.cells[parent][place(items, &items[parent].loops, &rounds)].shown,
                };
                let env = self.env(&item.loops, &rounds);
                let shown = above && item.rule("relevant").is_none_or(|rule| env.truth(rule));
                let computed = match item.rule("calculation") {
                    Some(rule) if shown => env.eval(rule),
                    _ => V::Empty,
                };
                self.cells[id][at].shown = shown;
                if !shown || item.is_container() || matches!(item.kind, Kind::Note) {
                    continue;
                }
                if let Kind::Computed { result } = item.kind {
                    let value = canonical_computed(&computed, result);
                    if let Some(value) = value {
                        self.found[id][at].answer = Some(Answer::Computed { value });
                        self.cells[id][at].value = computed;
                    }
                    continue;
                }
                let path = pointer(items, id, &rounds);
                let raw = raw(items, id, &rounds, answers);
                let mut found = Found::default();
                let mut value = V::Empty;
                if let Some(raw) = raw.filter(|raw| !is_blank(raw)) {
                    match self.one(item, raw, &mut found) {
                        Ok(Some((answer, v))) => {
                            found.answer = Some(answer);
                            value = v;
                        }
                        Ok(None) => {}
                        Err(fault) => found.faults.push(fault),
                    }
                }
                for client_id in self.placed_photos.get(&path).into_iter().flatten() {
                    if !found.photos.iter().any(|p| p == client_id) {
                        found.photos.push((*client_id).to_owned());
                    }
                }
                if matches!(item.kind, Kind::Photo(_)) && !found.photos.is_empty() {
                    found.answer = Some(Answer::Photos);
                    value = V::Set(found.photos.clone());
                }
                self.cells[id][at].value = value;
                self.found[id][at] = found;
            }
        }
    }

    fn env<'b>(&'b self, loops: &'b [usize], rounds: &'b [usize]) -> Env<'b> {
        Env { items: self.items, cells: &self.cells, context: self.context, loops, rounds, dot: None, choice: None }
    }

    /// Reads one answer object.
    fn one(&self, item: &Item, raw: &Value, found: &mut Found) -> Result<Option<(Answer, V)>, Fault> {
        let Some(map) = raw.as_object() else {
            return Err(("", "not_an_object", "an answer is an object such as {\"value\": 12}".to_owned()));
        };
        let known = known_fields(&item.kind);
        if let Some(field) = map.keys().find(|f| !known.contains(&f.as_str())) {
            return Err((
                "",
                "unknown_field",
                format!("`{}` is not a field of a {} answer", brief(field), item.kind_name),
            ));
        }
        self.photo_ids(map, found);
        let main = known[0];
        let Some(value) = map.get(main).filter(|v| !v.is_null() && v.as_str() != Some("")) else {
            // Something beside an absent value, such as a currency without an amount, is no answer.
            return Ok(None);
        };
        let fault = |code: &'static str, detail: String| (main, code, detail);
        let wrong = |what: &str| fault("wrong_type", format!("must be {what}"));
        let text = |what: &str| value.as_str().map(str::trim).ok_or_else(|| wrong(what));
        let outside = |limits: &Range| fault("out_of_range", format!("must be {limits}"));
        Ok(Some(match &item.kind {
            Kind::Count { limits, .. } => {
                let n = value.as_i64().filter(|n| *n >= 0).ok_or_else(|| wrong("a whole number, 0 or more"))?;
                match Decimal::whole(n) {
                    Some(d) if limits.holds(d) && n <= 1_000_000_000 => {}
                    _ => return Err(outside(limits)),
                }
                (Answer::Count { value: n }, V::Number(n as f64))
            }
            Kind::StockState { states } => {
                let state = text("a state as text")?.to_owned();
                if !states.contains(&state) {
                    return Err(fault("unknown_choice", format!("must be one of {}", states.join(", "))));
                }
                (Answer::StockState { value: state.clone() }, V::Text(state))
            }
            Kind::Price { currency, limits, .. } => {
                let amount = Decimal::parse(text("a decimal as text, such as \"2.49\"")?)
                    .filter(|d| !d.is_negative())
                    .ok_or_else(|| {
                        fault("not_a_decimal", "must be a decimal such as \"2.49\", 0 or more".to_owned())
                    })?;
                let money = optional_text(map, "currency", 3)?;
                let Some(money) = money.as_deref().and_then(Currency::parse).or(currency.filter(|_| money.is_none()))
                else {
                    return Err(("currency", "unknown_currency", "an ISO 4217 code such as EUR".to_owned()));
                };
                if let Some(wanted) = currency.filter(|wanted| *wanted != money) {
                    return Err(("currency", "wrong_currency", format!("must be {wanted}")));
                }
                let Some(amount_minor) = amount.minor(money.exponent()) else {
                    let detail = format!("{money} has {} digits after the point", money.exponent());
                    return Err(fault("too_many_digits", detail));
                };
                if !limits.holds(amount) {
                    return Err(outside(limits));
                }
                let unit_price = match optional_text(map, "unit_price", 20)? {
                    None => None,
                    Some(text) => Some(Decimal::parse(&text).filter(|d| !d.is_negative()).ok_or((
                        "unit_price",
                        "not_a_decimal",
                        "must be a decimal such as \"4.98\", 0 or more".to_owned(),
                    ))?),
                };
                let per = optional_text(map, "per", 16)?;
                if unit_price.is_some() && per.is_none() {
                    return Err(("per", "missing_required", "a unit price needs `per`, such as \"kg\"".to_owned()));
                }
                let promo = optional_bool(map, "promo")?;
                let unit_price = unit_price.map(|d| d.to_string());
                let answer = Answer::Price { amount_minor, currency: money, unit_price, per, promo };
                (answer, V::Number(amount.as_f64()))
            }
            Kind::Number { units, limits, .. } => {
                let number = Decimal::parse(text("a decimal as text, such as \"0.75\"")?)
                    .ok_or_else(|| fault("not_a_decimal", "must be a decimal such as \"0.75\"".to_owned()))?;
                if !limits.holds(number) {
                    return Err(outside(limits));
                }
                let unit = optional_text(map, "unit", 100)?;
                match &unit {
                    None if units.is_empty() => {}
                    Some(unit) if units.contains(unit) => {}
                    _ if units.is_empty() => {
                        return Err(("unit", "unknown_unit", "this number has no unit".to_owned()));
                    }
                    _ => return Err(("unit", "unknown_unit", format!("must be one of {}", units.join(", ")))),
                }
                (Answer::Number { value: number.to_string(), unit }, V::Number(number.as_f64()))
            }
            Kind::YesNo => {
                let yes = value.as_bool().ok_or_else(|| wrong("true or false"))?;
                (Answer::YesNo { value: yes }, yes_no(yes))
            }
            Kind::Acknowledge => {
                let yes = value.as_bool().ok_or_else(|| wrong("true or false"))?;
                (Answer::Acknowledge { value: yes }, yes_no(yes))
            }
            Kind::SingleChoice { names, .. } => {
                let chosen = text("the name of a choice")?.to_owned();
                if !names.contains(&chosen) {
                    return Err(fault("unknown_choice", format!("must be one of {}", brief(&names.join(", ")))));
                }
                let other = other_text(map, &item.kind, &[&chosen])?;
                (Answer::Choice { value: chosen.clone(), other }, V::Text(chosen))
            }
            Kind::MultiChoice { names, exclusive, least, most, .. } => {
                let list = value.as_array().ok_or_else(|| wrong("a list of choices"))?;
                let mut chosen = BTreeSet::new();
                for one in list {
                    match one.as_str().and_then(|one| names.iter().position(|n| n == one)) {
                        Some(at) => chosen.insert(at),
                        None => return Err(fault("unknown_choice", format!("some of {}", brief(&names.join(", "))))),
                    };
                }
                if chosen.is_empty() {
                    return Ok(None);
                }
                let values: Vec<String> = chosen.into_iter().map(|at| names[at].clone()).collect();
                if values.len() < *least || values.len() > *most {
                    return Err(fault("wrong_number_selected", format!("select {least} to {most}")));
                }
                if let Some(alone) = values.iter().find(|v| values.len() > 1 && exclusive.contains(v)) {
                    return Err(fault("exclusive_choice", format!("`{alone}` excludes all others")));
                }
                let other = other_text(map, &item.kind, &values)?;
                (Answer::Choices { values: values.clone(), other }, V::Set(values))
            }
            Kind::Barcode { symbologies, .. } => {
                let code = text("the code as text")?.to_owned();
                let Some(symbology) = optional_text(map, "symbology", 20)? else {
                    return Err(("symbology", "missing_required", "which kind of code, such as ean13".to_owned()));
                };
                let known = SYMBOLOGIES.contains(&symbology.as_str());
                if !known || !(symbologies.is_empty() || symbologies.contains(&symbology)) {
                    let wanted = if symbologies.is_empty() { SYMBOLOGIES.join(", ") } else { symbologies.join(", ") };
                    return Err(("symbology", "unknown_symbology", format!("must be one of {wanted}")));
                }
                if code.len() > 200 || code.chars().any(char::is_control) {
                    return Err(fault("invalid_text", "at most 200 bytes, no control characters".to_owned()));
                }
                if !is_code(&symbology, &code) {
                    return Err(fault("check_digit", format!("is not a valid {symbology} code")));
                }
                let manual = optional_bool(map, "manual")?;
                (Answer::Barcode { symbology, value: code.clone(), manual }, V::Text(code))
            }
            Kind::Text { least, most, pattern } => {
                let written = text("a text")?;
                if written.is_empty() {
                    return Ok(None);
                }
                if written.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                    return Err(fault("invalid_text", "no control characters but line ends and tabs".to_owned()));
                }
                let length = written.chars().count();
                if length < *least || length > *most {
                    return Err(fault("wrong_length", format!("{least} to {most} characters")));
                }
                if pattern.as_ref().is_some_and(|p| !p.is_match(written)) {
                    return Err(fault("pattern_mismatch", "does not have the form that is asked for".to_owned()));
                }
                (Answer::Text { value: written.to_owned() }, V::Text(written.to_owned()))
            }
            Kind::Date { min, max } => {
                let written = text("a date such as \"2026-03-10\"")?;
                let date = day(written).ok_or_else(|| wrong("a date such as \"2026-03-10\""))?;
                if min.is_some_and(|min| date < min) || max.is_some_and(|max| date > max) {
                    return Err(fault("out_of_range", "outside the dates that are asked for".to_owned()));
                }
                (Answer::Date { value: written.to_owned() }, V::Number(days(date)))
            }
            Kind::Time { min, max } => {
                let written = text("a time such as \"14:30\"")?;
                let part = read_clock(written).ok_or_else(|| wrong("a time such as \"14:30\""))?;
                if min.is_some_and(|min| part < min) || max.is_some_and(|max| part > max) {
                    return Err(fault("out_of_range", "outside the times that are asked for".to_owned()));
                }
                (Answer::Time { value: written.to_owned() }, V::Number(part))
            }
            Kind::Position { .. } => {
                let number = |field: &'static str| {
                    map.get(field).and_then(Value::as_f64).ok_or((field, "wrong_type", "must be a number".to_owned()))
                };
                let (lat, lon, accuracy_m) = (number("lat")?, number("lon")?, number("accuracy_m")?);
                let Some(point) = Point::new(lat, lon) else {
                    return Err(fault("out_of_range", "lat must lie in -90..=90 and lon in -180..=180".to_owned()));
                };
                if !(0.0..=1e7).contains(&accuracy_m) {
                    return Err(("accuracy_m", "out_of_range", "metres, 0 or more".to_owned()));
                }
                let at = match optional_text(map, "at", 40)? {
                    None => None,
                    Some(text) => Some(At::parse(&text).ok_or((
                        "at",
                        "wrong_type",
                        "must be an RFC 3339 time such as 2026-03-10T09:00:00Z".to_owned(),
                    ))?),
                };
                let mock = optional_bool(map, "mock")?;
                (Answer::Position { lat, lon, accuracy_m, mock, at }, V::Position(point))
            }
            Kind::Photo(_) => return Ok(None),
            Kind::Note | Kind::Computed { .. } | Kind::Section { .. } | Kind::Loop { .. } => return Ok(None),
        }))
    }

    fn photo_ids(&self, map: &Map<String, Value>, found: &mut Found) {
        let Some(value) = map.get("photo_ids").filter(|v| !v.is_null()) else { return };
        let Some(list) = value.as_array() else {
            found.faults.push(("photo_ids", "wrong_type", "must be a list of photo ids".to_owned()));
            return;
        };
        for id in list {
            match id.as_str() {
                Some(id) if self.known_photos.contains(id) => {
                    if !found.photos.iter().any(|p| p == id) {
                        found.photos.push(id.to_owned());
                    }
                }
                Some(id) => {
                    let detail = format!("`{}` is not among the photos of this visit", brief(id));
                    found.faults.push(("photo_ids", "unknown_photo", detail));
                }
                None => found.faults.push(("photo_ids", "wrong_type", "a photo id is a text".to_owned())),
            }
        }
    }

    /// Gives each question the photos that prove it.
    fn link_photos(&mut self) {
        let items = self.items;
        for (id, item) in items.iter().enumerate() {
            for at in 0..item.instances {
                let own = self.found[id][at].photos.clone();
                if own.is_empty() {
                    continue;
                }
                if let Kind::Photo(rules) = &item.kind {
                    let rounds = rounds_at(items, &item.loops, at);
                    for &target in &rules.photo_of {
                        let loops = &items[target].loops;
                        let shared = loops.iter().zip(&item.loops).take_while(|(a, b)| a == b).count();
                        let size: usize = loops[shared..].iter().map(|&l| rounds_of(items, l)).product();
                        let start = place(items, &loops[..shared], &rounds) * size;
                        for proven in &mut self.found[target][start..start + size] {
                            add_all(&mut proven.proofs, &own);
                        }
                    }
                }
                add_all(&mut self.found[id][at].proofs, &own);
            }
        }
    }

    /// Goes through the document in order and writes down what is visible.
    fn walk(
        &mut self,
        children: &[usize],
        rounds: &[usize],
        path: &str,
        section: Option<&str>,
        raw: Option<&Map<String, Value>>,
        canonical: &mut Map<String, Value>,
    ) {
        let items = self.items;
        for &id in children {
            let item = &items[id];
            let at = place(items, &item.loops, rounds);
            let path = format!("{path}/{}", item.name);
            let raw = raw.and_then(|map| map.get(&item.name));
            if !self.cells[id][at].shown {
                if raw.is_some_and(|raw| !is_blank(raw)) && self.out.dropped.len() < MAX_REPORTED {
                    self.out.dropped.push(path);
                }
                continue;
            }
            if item.is_container() {
                let map = raw.and_then(Value::as_object);
                if map.is_none() && raw.is_some_and(|raw| !raw.is_null()) {
                    let what =
                        if item.is_loop() { "a loop is an object keyed by loop key" } else { "a section is an object" };
                    self.problem(&path, "not_an_object", what);
                }
                let mut inside = Map::new();
                if let Kind::Loop { keys, .. } = &item.kind {
                    for (round, key) in keys.iter().enumerate() {
                        let path = format!("{path}/{}", step(&key.key));
                        let raw = map.and_then(|map| map.get(&key.key));
                        let map = raw.and_then(Value::as_object);
                        if map.is_none() && raw.is_some_and(|raw| !raw.is_null()) {
                            self.problem(&path, "not_an_object", "a loop round is an object keyed by item name");
                        }
                        let mut rounds = rounds.to_vec();
                        rounds.push(round);
                        let mut one = Map::new();
                        self.walk(&item.children, &rounds, &path, section, map, &mut one);
                        if !one.is_empty() {
                            inside.insert(key.key.clone(), Value::Object(one));
                        }
                    }
                    for key in map.into_iter().flat_map(Map::keys).filter(|key| keys.iter().all(|k| k.key != **key)) {
                        self.problem(&format!("{path}/{}", step(key)), "unknown_key", "the loop has no such key");
                    }
                } else {
                    self.walk(&item.children, rounds, &path, Some(&item.name), map, &mut inside);
                }
                if !inside.is_empty() {
                    canonical.insert(item.name.clone(), Value::Object(inside));
                }
                continue;
            }
            if matches!(item.kind, Kind::Note) {
                if raw.is_some_and(|raw| !is_blank(raw)) {
                    self.problem(&path, "unexpected_answer", "a note takes no answer");
                }
                continue;
            }
            if let Some(answer) = self.question(id, at, rounds, &path, section, raw) {
                canonical.insert(item.name.clone(), answer);
            }
        }
        for name in raw.into_iter().flat_map(Map::keys) {
            if children.iter().all(|&id| items[id].name != *name) {
                self.problem(
                    &format!("{path}/{}", step(name)),
                    "unknown_item",
                    "the questionnaire has no such item here",
                );
            }
        }
    }

    /// Validates one visible question and answers its canonical form, if it was answered.
    fn question(
        &mut self,
        id: usize,
        at: usize,
        rounds: &[usize],
        path: &str,
        section: Option<&str>,
        raw: Option<&Value>,
    ) -> Option<Value> {
        let item = &self.items[id];
        let found = std::mem::take(&mut self.found[id][at]);
        for (field, code, detail) in &found.faults {
            let pointer = if field.is_empty() { path.to_owned() } else { format!("{path}/{field}") };
            self.problem(&pointer, code, detail.clone());
        }
        let env = Env { dot: Some(&self.cells[id][at].value), ..self.env(&item.loops, rounds) };
        let holds = |field: &str| item.rule(field).is_some_and(|rule| env.truth(rule));
        let answered = found.answer.is_some();
        let required = self.completed && (item.required || holds("required"));
        let photo_asked = self.completed && answered && (item.photo || holds("photo"));
        let broken = answered && item.rule("constraint").is_some() && !holds("constraint");
        let flagged = answered && holds("flag_if");
        let not_offered = item.rule("choice_filter").and_then(|rule| {
            let chosen = match &env.dot {
                Some(V::Text(one)) => std::slice::from_ref(one),
                Some(V::Set(list)) => list.as_slice(),
                _ => &[],
            };
            let offered = |name: &String| {
                // "Other" is not in the list, so no filter takes it away.
                choice(&item.kind, name).is_none_or(|choice| Env { choice: Some(choice), ..env }.truth(rule))
            };
            chosen.iter().find(|name| !offered(name)).cloned()
        });
        let unexpected = match (&item.kind, &found.answer) {
            (Kind::Barcode { expected, .. }, Some(Answer::Barcode { value, .. })) if !expected.is_empty() => {
                let is_it = |expr: &Expr| matches!(env.eval(expr), V::Text(t) if same_gtin(&t, value));
                !expected.iter().any(is_it)
            }
            _ => false,
        };
        if required && !answered && found.faults.is_empty() {
            self.problem(path, "missing_required", "this must be answered");
        }
        if broken {
            self.problem(path, "constraint", message(item));
        }
        if let Some(name) = not_offered {
            self.problem(path, "choice_not_offered", format!("`{name}` cannot be chosen here"));
        }
        if flagged {
            self.flag(path, "flag_if", format!("flagged by: {}", item.rules.get("flag_if").map_or("", |r| &r.text)));
        }
        if unexpected {
            self.flag(path, "barcode_unexpected", "the code is none of those expected");
        }
        let keys: Vec<&str> = item.loops.iter().zip(rounds).filter_map(|(&l, &r)| key(self.items, l, r)).collect();
        let mut photo_needed = photo_asked;
        match (&item.kind, &found.answer) {
            (Kind::Count { expected, .. }, Some(Answer::Count { value }))
                if Decimal::whole(*value).is_some_and(|d| !expected.holds(d)) =>
            {
                self.flag(path, "outside_expected_range", format!("{value}; expected {expected}"));
            }
            (Kind::Number { expected, .. }, Some(Answer::Number { value, .. }))
                if Decimal::parse(value).is_some_and(|d| !expected.holds(d)) =>
            {
                self.flag(path, "outside_expected_range", format!("{value}; expected {expected}"));
            }
            (Kind::Price { plausible, by_key, .. }, Some(Answer::Price { amount_minor, currency, .. })) => {
                let range = keys.iter().rev().find_map(|k| by_key.get(*k)).unwrap_or(plausible);
                let text = amount_text(*amount_minor, *currency);
                if Decimal::parse(&text).is_some_and(|d| !range.holds(d)) {
                    self.flag(
                        path,
                        "price_outside_plausible_range",
                        format!("{text} {currency}; plausible is {range}"),
                    );
                    photo_needed |= self.completed;
                }
            }
            (Kind::Barcode { .. }, Some(Answer::Barcode { manual: true, .. })) => {
                self.flag(path, "barcode_manual", "the code was typed, not scanned");
            }
            (Kind::Position { max_accuracy_m }, Some(Answer::Position { accuracy_m, mock, .. })) => {
                if *mock {
                    self.flag(path, "position_mock", "the phone says that this position was made up");
                }
                if let Some(most) = max_accuracy_m.filter(|most| accuracy_m > most) {
                    self.flag(path, "position_inaccurate", format!("accuracy {accuracy_m} m; at most {most} m asked"));
                }
            }
            (Kind::Acknowledge, Some(Answer::Acknowledge { value: false })) if required => {
                self.problem(path, "not_acknowledged", "this must be confirmed");
            }
            (Kind::Photo(rules), Some(Answer::Photos)) => {
                let count = found.photos.len();
                if self.completed && count < rules.min as usize {
                    self.problem(path, "too_few_photos", format!("{count}; at least {} asked", rules.min));
                }
                if count > rules.max as usize {
                    self.problem(path, "too_many_photos", format!("{count}; at most {} asked", rules.max));
                }
            }
            (Kind::Computed { .. }, answer) => {
                let computed = match answer {
                    Some(Answer::Computed { value }) => value.clone(),
                    _ => Value::Null,
                };
                let sent = raw.map(|raw| raw.get("value").unwrap_or(raw)).filter(|v| !v.is_null());
                if let Some(sent) = sent.filter(|sent| !same_value(sent, &computed))
                    && self.out.differences.len() < MAX_REPORTED
                {
                    self.out.differences.push(Difference { path: path.to_owned(), sent: sent.clone(), computed });
                }
            }
            _ => {}
        }
        if photo_needed && found.proofs.is_empty() {
            self.problem(path, "photo_required", "this answer needs a photo");
        }
        let canonical = canonical(found.answer.as_ref(), &found.photos);
        self.out.items.push(ItemAnswer {
            path: path.to_owned(),
            question: item.path.clone(),
            r#type: item.kind_name,
            name: item.name.clone(),
            section: section.map(str::to_owned),
            loop_key: keys.last().map(|k| (*k).to_owned()),
            clause_id: item.clause_id.clone(),
            answer: found.answer.unwrap_or(Answer::NotObserved),
            photos: found.proofs,
        });
        canonical
    }

    fn cross_check(&mut self, questionnaire: &Questionnaire) {
        let items = self.items;
        for check in &questionnaire.checks {
            let loops: Vec<usize> =
                check.over.map(|id| items[id].loops.iter().copied().chain([id]).collect()).unwrap_or_default();
            let count: usize = loops.iter().map(|&l| rounds_of(items, l)).product();
            for at in 0..count {
                let rounds = rounds_at(items, &loops, at);
                let path = match check.over {
                    None => String::new(),
                    Some(id) => {
                        let outer = &rounds[..rounds.len() - 1];
                        if !self.cells[id][place(items, &items[id].loops, outer)].shown {
                            continue;
                        }
                        let last = key(items, id, rounds[rounds.len() - 1]).unwrap_or_default();
                        format!("{}/{}", pointer(items, id, outer), step(last))
                    }
                };
                let env = self.env(&loops, &rounds);
                if env.truth(&check.when.expr) && !env.truth(&check.then.expr) {
                    let detail = match check.label.as_ref().and_then(label) {
                        Some(label) => label.to_owned(),
                        None => format!("{} asks for {}", check.when.text, check.then.text),
                    };
                    self.flag(&path, &check.code, detail);
                }
            }
        }
    }

    /// Photos said to belong to a question that does not exist.
    fn misplaced(&mut self) {
        let mut known = BTreeSet::new();
        if self.placed_photos.is_empty() {
            return;
        }
        for (id, item) in self.items.iter().enumerate().filter(|(_, item)| !item.is_container()) {
            for at in 0..item.instances {
                known.insert(pointer(self.items, id, &rounds_at(self.items, &item.loops, at)));
            }
        }
        let lost: Vec<String> = self.placed_photos.keys().filter(|path| !known.contains(*path)).cloned().collect();
        for path in lost {
            self.flag(&brief(&path), "photo_unplaced", "a photo names a question that does not exist");
        }
    }
}

fn add_all(list: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
}

/// The rounds that a cell's place stands for.
fn rounds_at(items: &[Item], loops: &[usize], mut at: usize) -> Vec<usize> {
    let mut rounds = vec![0; loops.len()];
    for (round, &id) in rounds.iter_mut().zip(loops).rev() {
        let count = rounds_of(items, id).max(1);
        *round = at % count;
        at /= count;
    }
    rounds
}

fn key(items: &[Item], id: usize, round: usize) -> Option<&str> {
    match &items[id].kind {
        Kind::Loop { keys, .. } => keys.get(round).map(|k| k.key.as_str()),
        _ => None,
    }
}

/// Names and loop keys from the document's top to an item.
fn steps<'a>(items: &'a [Item], id: usize, rounds: &[usize]) -> Vec<&'a str> {
    let mut steps = vec![items[id].name.as_str()];
    let mut at = items[id].parent;
    while let Some(id) = at {
        if items[id].is_loop() {
            steps.push(key(items, id, rounds[items[id].loops.len()]).unwrap_or_default());
        }
        steps.push(&items[id].name);
        at = items[id].parent;
    }
    steps.reverse();
    steps
}

fn pointer(items: &[Item], id: usize, rounds: &[usize]) -> String {
    steps(items, id, rounds).into_iter().map(|s| format!("/{}", step(s))).collect()
}

fn raw<'a>(items: &[Item], id: usize, rounds: &[usize], answers: &'a Value) -> Option<&'a Value> {
    steps(items, id, rounds).into_iter().try_fold(answers, |value, step| value.as_object()?.get(step))
}

/// Null, or an object that holds nothing but nulls, empty texts and empty lists.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(|v| match v {
            Value::Null => true,
            Value::String(t) => t.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(_) => is_blank(v),
            _ => false,
        }),
        _ => false,
    }
}

/// The fields of an answer; the first is the one without which nothing was answered.
pub(super) fn known_fields(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Price { .. } => &["amount", "currency", "unit_price", "per", "promo", "photo_ids"],
        Kind::Number { .. } => &["value", "unit", "photo_ids"],
        Kind::SingleChoice { other: true, .. } => &["value", "other", "photo_ids"],
        Kind::MultiChoice { other: true, .. } => &["values", "other", "photo_ids"],
        Kind::MultiChoice { .. } => &["values", "photo_ids"],
        Kind::Barcode { .. } => &["value", "symbology", "manual", "photo_ids"],
        Kind::Photo(_) => &["photo_ids"],
        Kind::Position { .. } => &["lat", "lon", "accuracy_m", "mock", "at", "photo_ids"],
        Kind::Computed { .. } => &["value"],
        _ => &["value", "photo_ids"],
    }
}

fn optional_text(map: &Map<String, Value>, field: &'static str, most: usize) -> Result<Option<String>, Fault> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= most && !text.chars().any(char::is_control) => {
            Ok(Some(text.trim().to_owned()))
        }
        Some(_) => Err((field, "wrong_type", format!("must be a text of at most {most} bytes"))),
    }
}

fn optional_bool(map: &Map<String, Value>, field: &'static str) -> Result<bool, Fault> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(b)) => Ok(*b),
        Some(_) => Err((field, "wrong_type", "must be true or false".to_owned())),
    }
}

fn other_text(map: &Map<String, Value>, kind: &Kind, chosen: &[impl AsRef<str>]) -> Result<Option<String>, Fault> {
    let (Kind::SingleChoice { other, .. } | Kind::MultiChoice { other, .. }) = kind else { return Ok(None) };
    let text = optional_text(map, "other", 500)?;
    let wanted = *other && chosen.iter().any(|c| c.as_ref() == "other");
    match (wanted, text) {
        (true, None) => Err(("other", "missing_required", "the choice `other` needs a text in `other`".to_owned())),
        (true, text) => Ok(text),
        // Text left over from a choice that was taken back.
        (false, _) => Ok(None),
    }
}

fn choice<'a>(kind: &'a Kind, name: &str) -> Option<&'a Choice> {
    match kind {
        Kind::SingleChoice { choices, .. } | Kind::MultiChoice { choices, .. } => {
            choices.iter().find(|c| c.name == name)
        }
        _ => None,
    }
}

fn yes_no(yes: bool) -> V {
    V::Text(if yes { "yes" } else { "no" }.to_owned())
}

fn message(item: &Item) -> String {
    match item.constraint_message.as_ref().and_then(label) {
        Some(text) => text.to_owned(),
        None => format!("must satisfy: {}", item.rules.get("constraint").map_or("", |rule| &rule.text)),
    }
}

/// A label in its first language; who knows the reader's language takes it from the document.
fn label(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => map.get("en").or_else(|| map.values().next()).and_then(Value::as_str),
        other => other.as_str(),
    }
}

fn amount_text(minor: i64, currency: Currency) -> String {
    let digits = currency.exponent() as usize;
    if digits == 0 {
        return minor.to_string();
    }
    let text = format!("{minor:0width$}", width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    format!("{whole}.{part}")
}

/// A computed value as JSON; `None` when there is none (an empty text, not a number).
fn canonical_computed(value: &V, result: Option<Type>) -> Option<Value> {
    match (value, result) {
        (v, _) if is_empty(v) => None,
        (V::Bool(b), _) => Some(json!(b)),
        (V::Number(days), Some(Type::Date)) => date_of(*days).map(|d| json!(d.to_string())),
        (V::Number(n), _) if n.is_finite() => {
            Some(if n.fract() == 0.0 && n.abs() < 9e15 { json!(*n as i64) } else { json!(n) })
        }
        (V::Text(t), Some(Type::YesNo)) => Some(json!(t == "yes")),
        (V::Text(t), _) => Some(json!(t)),
        _ => None,
    }
}

/// Equal, or numbers that differ by no more than rounding.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        _ => a == b,
    }
}

fn canonical(answer: Option<&Answer>, photos: &[String]) -> Option<Value> {
    let mut map = Map::new();
    let mut put = |field: &str, value: Value| {
        map.insert(field.to_owned(), value);
    };
    match answer {
        None | Some(Answer::NotObserved | Answer::Photos) => {}
        Some(Answer::Count { value }) => put("value", json!(value)),
        Some(Answer::YesNo { value } | Answer::Acknowledge { value }) => put("value", json!(value)),
        Some(
            Answer::StockState { value } | Answer::Text { value } | Answer::Date { value } | Answer::Time { value },
        ) => {
            put("value", json!(value));
        }
        Some(Answer::Computed { value }) => put("value", value.clone()),
        Some(Answer::Price { amount_minor, currency, unit_price, per, promo }) => {
            put("amount", json!(amount_text(*amount_minor, *currency)));
            put("currency", json!(currency));
            if let Some(unit_price) = unit_price {
                put("unit_price", json!(unit_price));
            }
            if let Some(per) = per {
                put("per", json!(per));
            }
            put("promo", json!(promo));
        }
        Some(Answer::Number { value, unit }) => {
            put("value", json!(value));
            if let Some(unit) = unit {
                put("unit", json!(unit));
            }
        }
        Some(Answer::Choice { value, other }) => {
            put("value", json!(value));
            if let Some(other) = other {
                put("other", json!(other));
            }
        }
        Some(Answer::Choices { values, other }) => {
            put("values", json!(values));
            if let Some(other) = other {
                put("other", json!(other));
            }
        }
        Some(Answer::Barcode { symbology, value, manual }) => {
            put("symbology", json!(symbology));
            put("value", json!(value));
            put("manual", json!(manual));
        }
        Some(Answer::Position { lat, lon, accuracy_m, mock, at }) => {
            put("lat", json!(lat));
            put("lon", json!(lon));
            put("accuracy_m", json!(accuracy_m));
            put("mock", json!(mock));
            if let Some(at) = at {
                put("at", json!(at));
            }
        }
    }
    if !photos.is_empty() {
        put("photo_ids", json!(photos));
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

/// A GTIN of 8, 12, 13 or 14 digits with its right check digit.
pub(super) fn is_gtin(text: &str) -> bool {
    matches!(text.len(), 8 | 12 | 13 | 14) && checks_out(text)
}

/// The GS1 check: weights 3 and 1 from the right, the sum a multiple of ten.
fn checks_out(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_digit())
        && digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(n, b)| u32::from(b - b'0') * if n % 2 == 1 { 3 } else { 1 })
            .sum::<u32>()
            % 10
            == 0
}

/// The same article whatever the number of leading zeros.
fn same_gtin(a: &str, b: &str) -> bool {
    a == b || (is_gtin(a) && is_gtin(b) && a.trim_start_matches('0') == b.trim_start_matches('0'))
}

/// Whether the text can be a code of this kind; kinds without a check digit take any printable text.
fn is_code(symbology: &str, code: &str) -> bool {
    match symbology {
        "ean13" => code.len() == 13 && checks_out(code),
        "ean8" => code.len() == 8 && checks_out(code),
        "upca" => code.len() == 12 && checks_out(code),
        "itf14" => code.len() == 14 && checks_out(code),
        "upce" => upca_of(code).is_some_and(|long| checks_out(&long)),
        _ => !code.is_empty(),
    }
}

/// The twelve digits that an eight-digit UPC-E code stands for.
fn upca_of(code: &str) -> Option<String> {
    let d = code.as_bytes();
    if d.len() != 8 || !d.iter().all(u8::is_ascii_digit) || d[0] > b'1' {
        return None;
    }
    let part = |from: usize, to: usize| &code[from..to];
    let middle = match d[6] {
        b'0'..=b'2' => format!("{}{}0000{}", part(1, 3), part(6, 7), part(3, 6)),
        b'3' => format!("{}00000{}", part(1, 4), part(4, 6)),
        b'4' => format!("{}00000{}", part(1, 5), part(5, 6)),
        _ => format!("{}0000{}", part(1, 6), part(6, 7)),
    };
    Some(format!("{}{middle}{}", part(0, 1), part(7, 8)))
}
