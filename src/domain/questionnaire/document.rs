//! A questionnaire document read into items. Expressions stay text here; `compile` binds them. Every fault is collected
//! with the item's path, the field and a code, never only the first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bind::{Expr, MAX_PATTERNS, Type, pattern};
use super::decimal::Range;
use super::expr::brief;
use super::fields::{self, Shape};
use super::{LoopKey, LoopSets};
use crate::domain::money::Currency;

const MAX_ITEMS: usize = 500;
const MAX_NESTING: usize = 6;
const MAX_CHECKS: usize = 100;
/// Items times loop rounds, all together.
const MAX_INSTANCES: usize = 20_000;
const MAX_PROBLEMS: usize = 200;

/// One fault of a questionnaire document.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Problem {
    /// The item, by names: `brand.facings`; `checks.<code>` for a cross check; empty for the document itself.
    pub path: String,
    /// JSON pointer into the document.
    pub pointer: String,
    /// The field; empty when the item as a whole is wrong.
    pub field: String,
    /// Column of the expression, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    pub code: &'static str,
    pub detail: String,
}

/// An expression and its text.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub text: String,
    pub expr: Expr,
}

/// What a photo question asks of its photos.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PhotoRules {
    pub min: u32,
    pub max: u32,
    pub camera_only: bool,
    /// `shelf`, `tag`, `store_front`, `display`, `product` or `receipt`.
    pub subject: Option<String>,
    pub min_long_edge_px: Option<u32>,
    /// A hint to the worker, not a check.
    pub no_faces: bool,
    pub example_photo: Option<String>,
    #[serde(skip)]
    pub(super) photo_of: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Count {
        limits: Range,
        expected: Range,
    },
    StockState {
        states: Vec<String>,
    },
    Price {
        currency: Option<Currency>,
        limits: Range,
        plausible: Range,
        by_key: BTreeMap<String, Range>,
    },
    Number {
        units: Vec<String>,
        limits: Range,
        expected: Range,
    },
    YesNo,
    SingleChoice {
        choices: Vec<Choice>,
        names: Vec<String>,
        other: bool,
    },
    MultiChoice {
        choices: Vec<Choice>,
        names: Vec<String>,
        other: bool,
        exclusive: Vec<String>,
        least: usize,
        most: usize,
    },
    Barcode {
        symbologies: Vec<String>,
        expected: Vec<Expr>,
    },
    Photo(PhotoRules),
    Text {
        least: usize,
        most: usize,
        pattern: Option<Regex>,
    },
    Date {
        min: Option<civil::Date>,
        max: Option<civil::Date>,
    },
    Time {
        min: Option<f64>,
        max: Option<f64>,
    },
    Position {
        max_accuracy_m: Option<f64>,
    },
    Note,
    Acknowledge,
    Computed {
        result: Option<Type>,
    },
    Section {
        weight: Option<u32>,
    },
    Loop {
        over: String,
        keys: Vec<LoopKey>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: String,
    /// By names, sections included: `aisle.brand.facings`.
    pub path: String,
    pub pointer: String,
    pub kind_name: &'static str,
    pub kind: Kind,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// Loops around this item, outermost first.
    pub loops: Vec<usize>,
    /// How often the item exists: the product of the rounds of the loops around it.
    pub instances: usize,
    pub clause_id: Option<String>,
    pub constraint_message: Option<Value>,
    /// `required: true`.
    pub required: bool,
    /// `photo: true`.
    pub photo: bool,
    pub rules: BTreeMap<&'static str, Rule>,
    /// The item as written, without its children.
    pub written: Map<String, Value>,
}

impl Item {
    pub fn is_loop(&self) -> bool {
        matches!(self.kind, Kind::Loop { .. })
    }

    /// Holds other items.
    pub fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Loop { .. } | Kind::Section { .. })
    }

    /// By its own name, or by what it goes over: `product`, `brand`, `shelf`.
    pub fn is_loop_called(&self, owner: &str) -> bool {
        let Kind::Loop { over, .. } = &self.kind else { return false };
        self.name == owner
            || matches!((over.as_str(), owner), ("products", "product") | ("brands", "brand") | ("shelves", "shelf"))
    }

    pub fn innermost_loop_is(&self, owner: &str, items: &[Item]) -> bool {
        self.loops.last().is_some_and(|&id| items[id].is_loop_called(owner))
    }

    /// The choices that an expression may compare this answer with; `None` when it is free.
    pub fn choice_names(&self) -> Option<&[String]> {
        match &self.kind {
            Kind::StockState { states } => Some(states),
            Kind::SingleChoice { names, .. } | Kind::MultiChoice { names, .. } => Some(names),
            _ => None,
        }
    }

    pub fn rule(&self, field: &str) -> Option<&Expr> {
        self.rules.get(field).map(|rule| &rule.expr)
    }
}

/// A cross check: where `when` holds, `then` must.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub code: String,
    pub label: Option<Value>,
    /// The loop whose rounds are checked one by one; the document when `None`.
    pub over: Option<usize>,
    pub when: Rule,
    pub then: Rule,
    pub written: Map<String, Value>,
}

/// An expression waiting to be bound.
pub(super) struct Waiting {
    pub item: usize,
    pub field: &'static str,
    pub text: String,
}

/// A document whose expressions are not bound yet.
pub(super) struct Draft {
    pub id: String,
    pub version: u32,
    pub languages: Vec<String>,
    pub items: Vec<Item>,
    pub roots: Vec<usize>,
    pub waiting: Vec<Waiting>,
    /// Patterns compiled so far.
    pub patterns: usize,
    /// As written, in order.
    pub checks: Vec<Map<String, Value>>,
}

/// Collects problems, up to a bound.
#[derive(Default)]
pub(super) struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn add(&mut self, path: &str, pointer: &str, field: &str, code: &'static str, detail: impl Into<String>) {
        self.push(Problem {
            path: path.to_owned(),
            pointer: pointer.to_owned(),
            field: field.to_owned(),
            column: None,
            code,
            detail: detail.into(),
        });
    }

    pub fn push(&mut self, problem: Problem) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(problem);
        }
    }
}

/// Text as one step of a JSON pointer.
pub(super) fn step(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

pub(super) fn read(document: &Value, sets: &LoopSets, problems: &mut Problems) -> Option<Draft> {
    let Some(map) = document.as_object() else {
        problems.add("", "", "", "not_an_object", "a questionnaire is a JSON object");
        return None;
    };
    look(map, fields::DOCUMENT, &["id", "version", "items"], "", "", problems);
    let text = |field: &str| map.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut reader =
        Reader { sets, items: Vec::new(), waiting: Vec::new(), problems, instances: 0, patterns: 0, full: false };
    let none = Vec::new();
    let list = map.get("items").and_then(Value::as_array).unwrap_or(&none);
    if list.is_empty() && map.get("items").is_some_and(Value::is_array) {
        reader.problems.add("", "/items", "items", "no_items", "a questionnaire needs at least one item");
    }
    let roots = reader.children(list, None, "/items", 1);
    let (items, waiting, patterns) = (reader.items, reader.waiting, reader.patterns);
    let checks = map.get("checks").and_then(Value::as_array).unwrap_or(&none);
    if checks.len() > MAX_CHECKS {
        problems.add("", "/checks", "checks", "too_many_checks", format!("more than {MAX_CHECKS} checks"));
    }
    let mut read_checks = Vec::new();
    let mut codes = BTreeSet::new();
    for (n, check) in checks.iter().take(MAX_CHECKS).enumerate() {
        let pointer = format!("/checks/{n}");
        let Some(check) = check.as_object() else {
            problems.add("checks", &pointer, "", "not_an_object", "a check is a JSON object");
            continue;
        };
        let code = check.get("code").and_then(Value::as_str).unwrap_or_default();
        let path = format!("checks.{}", brief(code));
        if look(check, fields::CHECK, &["code", "when", "then"], &path, &pointer, problems) {
            if codes.insert(code) {
                read_checks.push(check.clone());
            } else {
                problems.add(&path, &pointer, "code", "duplicate_name", "another check has this code");
            }
        } else {
            // Keeps the numbering of pointers; compile() stops before it would look at it.
            read_checks.push(Map::new());
        }
    }
    Some(Draft {
        id: text("id"),
        version: map.get("version").and_then(Value::as_u64).and_then(|v| v.try_into().ok()).unwrap_or(0),
        languages: texts(map.get("language")),
        items,
        roots,
        waiting,
        patterns,
        checks: read_checks,
    })
}

/// Checks the fields of one object against the table; true when all are well.
fn look(
    map: &Map<String, Value>,
    known: &[(&str, Shape)],
    must: &[&str],
    path: &str,
    pointer: &str,
    problems: &mut Problems,
) -> bool {
    let before = problems.0.len();
    for (field, value) in map {
        let at = format!("{pointer}/{}", step(field));
        match known.iter().find(|(name, _)| name == field) {
            None => problems.add(path, &at, &brief(field), "unknown_field", "no such field here"),
            Some((_, shape)) => {
                if let Some(fault) = shape.fault(value) {
                    problems.add(path, &at, field, "invalid_field", fault);
                }
            }
        }
    }
    for field in must {
        if !map.contains_key(*field) {
            problems.add(path, pointer, field, "missing_field", format!("`{field}` must be given"));
        }
    }
    problems.0.len() == before
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

struct Reader<'a> {
    sets: &'a LoopSets,
    items: Vec<Item>,
    waiting: Vec<Waiting>,
    problems: &'a mut Problems,
    instances: usize,
    patterns: usize,
    full: bool,
}

impl Reader<'_> {
    fn children(&mut self, list: &[Value], parent: Option<usize>, pointer: &str, depth: usize) -> Vec<usize> {
        let mut ids = Vec::new();
        for (n, value) in list.iter().enumerate() {
            if self.full {
                break;
            }
            if let Some(id) = self.item(value, parent, format!("{pointer}/{n}"), depth) {
                ids.push(id);
            }
        }
        ids
    }

    fn item(&mut self, value: &Value, parent: Option<usize>, pointer: String, depth: usize) -> Option<usize> {
        let above = parent.map(|id| format!("{}.", self.items[id].path)).unwrap_or_default();
        let Some(map) = value.as_object() else {
            self.problems.add(&above, &pointer, "", "not_an_object", "an item is a JSON object");
            return None;
        };
        let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{above}{}", brief(name));
        let written_type = map.get("type").and_then(Value::as_str).unwrap_or_default();
        let Some(kind_name) = fields::TYPES.iter().map(|(name, _)| *name).find(|known| *known == written_type) else {
            let detail = format!("`{}` is not a question type", brief(written_type));
            self.problems.add(&path, &format!("{pointer}/type"), "type", "unknown_type", detail);
            return None;
        };
        if self.items.len() >= MAX_ITEMS {
            self.full = true;
            self.problems.add(&path, &pointer, "", "too_many_items", format!("more than {MAX_ITEMS} items"));
            return None;
        }
        if depth > MAX_NESTING {
            let detail = format!("sections and loops nested deeper than {MAX_NESTING}");
            self.problems.add(&path, &pointer, "", "nested_too_deep", detail);
            return None;
        }
        let known = fields::of(kind_name);
        let must: Vec<&str> =
            ["type", "name"].into_iter().chain(fields::must_have(kind_name).iter().copied()).collect();
        look(map, &known, &must, &path, &pointer, self.problems);
        let kind = self.kind(kind_name, map, parent, &path, &pointer);
        let (loops, instances) = match parent {
            None => (Vec::new(), 1),
            Some(id) => {
                let mut loops = self.items[id].loops.clone();
                let mut instances = self.items[id].instances;
                if let Kind::Loop { keys, .. } = &self.items[id].kind {
                    loops.push(id);
                    instances = instances.saturating_mul(keys.len().max(1));
                }
                (loops, instances)
            }
        };
        self.instances = self.instances.saturating_add(instances);
        if self.instances > MAX_INSTANCES {
            self.full = true;
            let detail = format!("items times loop rounds come to more than {MAX_INSTANCES}");
            self.problems.add(&path, &pointer, "", "too_many_instances", detail);
            return None;
        }
        let id = self.items.len();
        for (field, shape) in &known {
            if let (Shape::Expression | Shape::BoolOrExpression, Some(Value::String(text))) = (shape, map.get(*field)) {
                self.waiting.push(Waiting { item: id, field, text: text.clone() });
            }
        }
        let truth = |field: &str| map.get(field).and_then(Value::as_bool).unwrap_or(false);
        let mut written = map.clone();
        written.remove("items");
        self.items.push(Item {
            name: name.to_owned(),
            path,
            pointer: pointer.clone(),
            kind_name,
            kind,
            parent,
            children: Vec::new(),
            loops,
            instances,
            clause_id: map.get("clause_id").and_then(Value::as_str).map(str::to_owned),
            constraint_message: map.get("constraint_message").cloned(),
            required: truth("required"),
            photo: truth("photo"),
            rules: BTreeMap::new(),
            written,
        });
        if let (true, Some(list)) = (self.items[id].is_container(), map.get("items").and_then(Value::as_array)) {
            let path = self.items[id].path.clone();
            if list.is_empty() {
                self.problems.add(&path, &format!("{pointer}/items"), "items", "no_items", "needs at least one item");
            }
            let children = self.children(list, Some(id), &format!("{pointer}/items"), depth + 1);
            self.items[id].children = children;
        }
        Some(id)
    }

    fn kind(&mut self, name: &str, map: &Map<String, Value>, parent: Option<usize>, path: &str, pointer: &str) -> Kind {
        let truth = |field: &str| map.get(field).and_then(Value::as_bool).unwrap_or(false);
        let whole = |field: &str| map.get(field).and_then(Value::as_u64);
        let size = |field: &str, otherwise: usize| whole(field).and_then(|n| n.try_into().ok()).unwrap_or(otherwise);
        let text = |field: &str| map.get(field).and_then(Value::as_str);
        let bad = |problems: &mut Problems, field: &str, code: &'static str, detail: String| {
            problems.add(path, &format!("{pointer}/{field}"), field, code, detail);
        };
        let limits =
            Range { min: map.get("min").and_then(fields::decimal), max: map.get("max").and_then(fields::decimal) };
        let range = |value: Option<&Value>| value.map(range_of).unwrap_or_default();
        match name {
            "count" => {
                let expected = range(map.get("expected_range"));
                self.ordered(&limits, "max", path, pointer);
                self.ordered(&expected, "expected_range", path, pointer);
                Kind::Count { limits, expected }
            }
            "number" => {
                let expected = range(map.get("expected_range"));
                self.ordered(&limits, "max", path, pointer);
                self.ordered(&expected, "expected_range", path, pointer);
                Kind::Number { units: texts(map.get("units")), limits, expected }
            }
            "stock_state" => {
                let threshold = map.contains_key("low_threshold");
                let mut states = texts(map.get("states"));
                if states.is_empty() {
                    // "Low" means nothing without saying how low.
                    states =
                        fields::STATES.iter().filter(|s| threshold || **s != "low").map(|s| (*s).to_owned()).collect();
                } else if !threshold && states.iter().any(|s| s == "low") {
                    let detail = "the state `low` needs `low_threshold`: a text or number that says how low".to_owned();
                    bad(self.problems, "states", "low_without_threshold", detail);
                }
                Kind::StockState { states }
            }
            "price" => {
                let plausible = range(map.get("plausible_range"));
                self.ordered(&limits, "max", path, pointer);
                self.ordered(&plausible, "plausible_range", path, pointer);
                let by_key: BTreeMap<String, Range> = map
                    .get("plausible_ranges")
                    .and_then(Value::as_object)
                    .map(|m| m.iter().map(|(key, value)| (key.clone(), range_of(value))).collect())
                    .unwrap_or_default();
                for range in by_key.values() {
                    self.ordered(range, "plausible_ranges", path, pointer);
                }
                let currency = text("currency").and_then(Currency::parse);
                if text("currency").is_some() && currency.is_none() {
                    bad(self.problems, "currency", "unknown_currency", "not an ISO 4217 code, such as EUR".to_owned());
                }
                Kind::Price { currency, limits, plausible, by_key }
            }
            "yes_no" => Kind::YesNo,
            "single_choice" | "multi_choice" => {
                let choices = choices(map.get("choices"));
                let mut names: Vec<String> = choices.iter().map(|c| c.name.clone()).collect();
                if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
                    bad(self.problems, "choices", "duplicate_choice", "two choices have the same name".to_owned());
                }
                let other = truth("or_other");
                if other && names.iter().any(|n| n == "other") {
                    let detail = "`or_other` adds the choice `other`, which is in the list already".to_owned();
                    bad(self.problems, "or_other", "duplicate_choice", detail);
                } else if other {
                    names.push("other".to_owned());
                }
                if name == "single_choice" {
                    return Kind::SingleChoice { choices, names, other };
                }
                let exclusive = texts(map.get("exclusive"));
                for missing in exclusive.iter().filter(|e| !names.contains(e)) {
                    bad(self.problems, "exclusive", "unknown_choice", format!("no choice is named `{missing}`"));
                }
                let (least, most) = (size("min_selected", 0), size("max_selected", names.len().max(1)));
                if least > most || least > names.len() {
                    let detail = "`min_selected` is more than can be selected".to_owned();
                    bad(self.problems, "min_selected", "range_reversed", detail);
                }
                Kind::MultiChoice { choices, names, other, exclusive, least, most }
            }
            // The expected list is bound by compile(): an entry may be a reference such as ${product.gtin}.
            "barcode" => Kind::Barcode { symbologies: texts(map.get("symbologies")), expected: Vec::new() },
            "photo" => {
                let least = size("min", 0);
                let most = size("max", least.max(10));
                if least > most {
                    bad(self.problems, "max", "range_reversed", "`max` is less than `min`".to_owned());
                }
                Kind::Photo(PhotoRules {
                    min: least as u32,
                    max: most as u32,
                    camera_only: truth("camera_only"),
                    subject: text("subject").map(str::to_owned),
                    min_long_edge_px: whole("min_long_edge_px").map(|n| n as u32),
                    no_faces: truth("no_faces"),
                    example_photo: text("example_photo").map(str::to_owned),
                    photo_of: Vec::new(),
                })
            }
            "text" => {
                let (least, most) = (size("min_length", 0), size("max_length", 2_000));
                if least > most {
                    bad(
                        self.problems,
                        "max_length",
                        "range_reversed",
                        "`max_length` is less than `min_length`".to_owned(),
                    );
                }
                self.patterns += usize::from(text("pattern").is_some());
                if self.patterns > MAX_PATTERNS && text("pattern").is_some() {
                    let detail = format!("more than {MAX_PATTERNS} patterns in one document");
                    bad(self.problems, "pattern", "too_many_patterns", detail);
                    return Kind::Text { least, most, pattern: None };
                }
                let compiled = text("pattern").map(pattern).transpose().unwrap_or_else(|why| {
                    bad(self.problems, "pattern", "pattern_invalid", why);
                    None
                });
                Kind::Text { least, most, pattern: compiled }
            }
            "date" => {
                let day = |field: &str| text(field).and_then(super::eval::day);
                let (min, max) = (day("min"), day("max"));
                if matches!((min, max), (Some(a), Some(b)) if a > b) {
                    bad(self.problems, "max", "range_reversed", "`max` is before `min`".to_owned());
                }
                Kind::Date { min, max }
            }
            "time" => {
                let clock = |field: &str| text(field).and_then(super::eval::read_clock);
                let (min, max) = (clock("min"), clock("max"));
                if matches!((min, max), (Some(a), Some(b)) if a > b) {
                    bad(self.problems, "max", "range_reversed", "`max` is before `min`".to_owned());
                }
                Kind::Time { min, max }
            }
            "position" => Kind::Position { max_accuracy_m: whole("max_accuracy_m").map(|n| n as f64) },
            "note" => Kind::Note,
            "acknowledge" => Kind::Acknowledge,
            "computed" => Kind::Computed { result: None },
            "section" => {
                if map.contains_key("weight") && parent.is_some() {
                    let detail = "only a section at the top of the document has a share of the pay".to_owned();
                    bad(self.problems, "weight", "weight_not_at_top", detail);
                }
                Kind::Section { weight: whole("weight").and_then(|n| n.try_into().ok()) }
            }
            _ => {
                let over = map.get("over");
                let (over, keys) = match over.and_then(Value::as_u64) {
                    Some(n) => (n.to_string(), (1..=n.min(100)).map(|n| LoopKey::new(&n.to_string())).collect()),
                    None => {
                        let over = over.and_then(Value::as_str).unwrap_or_default();
                        (over.to_owned(), self.sets.of(over).to_vec())
                    }
                };
                if keys.is_empty() && fields::SETS.contains(&over.as_str()) {
                    bad(self.problems, "over", "empty_set", format!("the campaign has no {over}"));
                }
                if keys.iter().map(|k| &k.key).collect::<BTreeSet<_>>().len() < keys.len() {
                    bad(self.problems, "over", "duplicate_key", format!("two of the {over} have the same key"));
                }
                if keys.iter().any(|k| k.key.is_empty() || k.key.len() > 128 || k.key.chars().any(char::is_control)) {
                    bad(
                        self.problems,
                        "over",
                        "invalid_key",
                        "a key has 1 to 128 bytes, no control characters".to_owned(),
                    );
                }
                Kind::Loop { over, keys }
            }
        }
    }

    fn ordered(&mut self, range: &Range, field: &str, path: &str, pointer: &str) {
        if range.is_reversed() {
            self.problems.add(
                path,
                &format!("{pointer}/{field}"),
                field,
                "range_reversed",
                "the upper end is below the lower",
            );
        }
    }
}

fn range_of(value: &Value) -> Range {
    let (min, max) = fields::range_ends(value);
    Range { min: min.and_then(fields::decimal), max: max.and_then(fields::decimal) }
}

fn choices(value: Option<&Value>) -> Vec<Choice> {
    let one = |choice: &Value| {
        let attributes = choice
            .get("attributes")
            .and_then(Value::as_object)
            .map(|m| m.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect());
        Some(Choice { name: choice.get("name")?.as_str()?.to_owned(), attributes: attributes.unwrap_or_default() })
    };
    value.and_then(Value::as_array).map(|list| list.iter().filter_map(one).collect()).unwrap_or_default()
}
