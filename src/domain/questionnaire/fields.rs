//! Which fields each question type takes, and the shape of each: one table, read by the parser and by the JSON Schema.

use serde_json::{Value, json};

use super::decimal::Decimal;
use super::expr::is_name;

/// The shape of a field's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A name: letter, then letters, digits, `_`, `-`.
    Name,
    Names,
    Text(usize),
    Texts,
    /// One text, or a map from language to text.
    Label,
    Bool,
    Integer(i64, i64),
    /// A JSON number or decimal text.
    Decimal,
    Range,
    /// Map from loop key to range.
    Ranges,
    Expression,
    BoolOrExpression,
    TextOrNumber,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
    Choices,
    Over,
    Date,
    Clock,
    Language,
    Items,
    Checks,
}

pub(super) type Fields = &'static [(&'static str, Shape)];

pub(super) const STATES: &[&str] = &["in_stock", "low", "out_of_stock", "not_listed", "not_found", "unknown"];
pub(super) const SYMBOLOGIES: &[&str] =
    &["ean13", "ean8", "upca", "upce", "itf14", "code128", "code39", "qr", "data_matrix", "gs1_databar"];
pub(super) const SUBJECTS: &[&str] = &["shelf", "tag", "store_front", "display", "product", "receipt"];
pub(super) const SETS: &[&str] = &["products", "brands", "shelves"];
pub(super) const PHOTOS_MOST: i64 = 20;
pub(super) const TEXT_MOST: i64 = 10_000;

const CHOICES_MOST: usize = 500;
const LABEL_BYTES: usize = 4_000;
const LIST_MOST: usize = 500;

pub(super) const DOCUMENT: Fields = &[
    ("id", Shape::Name),
    ("version", Shape::Integer(1, 1_000_000)),
    ("language", Shape::Language),
    ("title", Shape::Label),
    ("items", Shape::Items),
    ("checks", Shape::Checks),
];

pub(super) const CHECK: Fields = &[
    ("code", Shape::Name),
    ("label", Shape::Label),
    ("loop", Shape::Name),
    ("when", Shape::Expression),
    ("then", Shape::Expression),
];

/// Fields of every type.
pub(super) const COMMON: Fields = &[
    ("type", Shape::Name),
    ("name", Shape::Name),
    ("label", Shape::Label),
    ("hint", Shape::Label),
    ("relevant", Shape::Expression),
    ("clause_id", Shape::Text(64)),
];

/// Fields of every type that the worker answers.
pub(super) const QUESTION: Fields = &[
    ("required", Shape::BoolOrExpression),
    ("constraint", Shape::Expression),
    ("constraint_message", Shape::Label),
    ("flag_if", Shape::Expression),
];

/// Asks a photo beside the answer; every answered type but `photo` itself.
pub(super) const PHOTO_BESIDE: Fields = &[("photo", Shape::BoolOrExpression)];

/// Every type with the fields of its own.
pub(super) const TYPES: &[(&str, Fields)] = &[
    (
        "count",
        &[
            ("min", Shape::Integer(0, 1_000_000_000)),
            ("max", Shape::Integer(0, 1_000_000_000)),
            ("expected_range", Shape::Range),
        ],
    ),
    ("stock_state", &[("states", Shape::SomeOf(STATES)), ("low_threshold", Shape::TextOrNumber)]),
    (
        "price",
        &[
            ("currency", Shape::Text(3)),
            ("min", Shape::Decimal),
            ("max", Shape::Decimal),
            ("plausible_range", Shape::Range),
            ("plausible_ranges", Shape::Ranges),
        ],
    ),
    (
        "number",
        &[("units", Shape::Texts), ("min", Shape::Decimal), ("max", Shape::Decimal), ("expected_range", Shape::Range)],
    ),
    ("yes_no", &[]),
    ("single_choice", &[("choices", Shape::Choices), ("choice_filter", Shape::Expression), ("or_other", Shape::Bool)]),
    (
        "multi_choice",
        &[
            ("choices", Shape::Choices),
            ("choice_filter", Shape::Expression),
            ("or_other", Shape::Bool),
            ("min_selected", Shape::Integer(0, 500)),
            ("max_selected", Shape::Integer(1, 500)),
            ("exclusive", Shape::Names),
        ],
    ),
    ("barcode", &[("symbologies", Shape::SomeOf(SYMBOLOGIES)), ("expected_gtins", Shape::Texts)]),
    (
        "photo",
        &[
            ("min", Shape::Integer(0, PHOTOS_MOST)),
            ("max", Shape::Integer(1, PHOTOS_MOST)),
            ("camera_only", Shape::Bool),
            ("subject", Shape::OneOf(SUBJECTS)),
            ("min_long_edge_px", Shape::Integer(1, 20_000)),
            ("no_faces", Shape::Bool),
            ("example_photo", Shape::Text(500)),
            ("photo_of", Shape::Names),
        ],
    ),
    (
        "text",
        &[
            ("min_length", Shape::Integer(0, TEXT_MOST)),
            ("max_length", Shape::Integer(1, TEXT_MOST)),
            ("pattern", Shape::Text(500)),
            ("language", Shape::Text(35)),
        ],
    ),
    ("date", &[("min", Shape::Date), ("max", Shape::Date)]),
    ("time", &[("min", Shape::Clock), ("max", Shape::Clock)]),
    (
        "position",
        &[
            ("target_accuracy_m", Shape::Integer(1, 100_000)),
            ("max_accuracy_m", Shape::Integer(1, 100_000)),
            ("wait_secs", Shape::Integer(1, 3_600)),
        ],
    ),
    ("note", &[]),
    ("acknowledge", &[]),
    ("computed", &[("calculation", Shape::Expression), ("flag_if", Shape::Expression)]),
    ("section", &[("weight", Shape::Integer(1, 1_000)), ("items", Shape::Items)]),
    ("loop", &[("over", Shape::Over), ("items", Shape::Items)]),
];

/// Fields that must be there, by type.
pub(super) fn must_have(kind: &str) -> &'static [&'static str] {
    match kind {
        "single_choice" | "multi_choice" => &["choices"],
        "computed" => &["calculation"],
        "section" => &["items"],
        "loop" => &["over", "items"],
        _ => &[],
    }
}

/// All fields of a type; empty for a type that is not one.
pub(super) fn of(kind: &str) -> Vec<(&'static str, Shape)> {
    let Some((_, own)) = TYPES.iter().find(|(name, _)| *name == kind) else { return Vec::new() };
    let mut all = COMMON.to_vec();
    if !matches!(kind, "note" | "computed" | "section" | "loop") {
        all.extend_from_slice(QUESTION);
        if kind != "photo" {
            all.extend_from_slice(PHOTO_BESIDE);
        }
    }
    all.extend_from_slice(own);
    all
}

/// A decimal given as number or text.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::parse(text),
        Value::Number(n) => Decimal::parse(&n.to_string()),
        _ => None,
    }
}

/// The two ends of a range, given as `{min, max}` or `[min, max]`.
pub(super) fn range_ends(value: &Value) -> (Option<&Value>, Option<&Value>) {
    match value {
        Value::Array(ends) => (ends.first(), ends.get(1)),
        other => (other.get("min"), other.get("max")),
    }
}

impl Shape {
    /// What is wrong with the value, if anything. Items and checks are looked into by their own readers.
    pub fn fault(self, value: &Value) -> Option<String> {
        let must = |ok: bool, what: &str| (!ok).then(|| format!("must be {what}"));
        let short = |v: &Value, most: usize| v.as_str().is_some_and(|t| !t.trim().is_empty() && t.len() <= most);
        let list = |ok: &dyn Fn(&Value) -> bool| {
            value.as_array().is_some_and(|l| !l.is_empty() && l.len() <= LIST_MOST && l.iter().all(ok))
        };
        let name = |v: &Value| v.as_str().is_some_and(is_name);
        let range = |v: &Value| {
            let shape = match v {
                Value::Array(ends) => ends.len() == 2,
                Value::Object(map) => !map.is_empty() && map.keys().all(|k| k == "min" || k == "max"),
                _ => false,
            };
            let (min, max) = range_ends(v);
            shape && min.is_none_or(|d| decimal(d).is_some()) && max.is_none_or(|d| decimal(d).is_some())
        };
        match self {
            Shape::Name => must(name(value), "a name: a letter, then letters, digits, _ or -, at most 64"),
            Shape::Names => must(name(value) || list(&name), "a name or a list of names"),
            Shape::Text(most) => must(short(value, most), &format!("a text of 1 to {most} bytes")),
            Shape::Texts => must(list(&|v| short(v, 100)), "a list of 1 to 500 texts"),
            Shape::Label => must(is_label(value), "a text, or a map from language to text"),
            Shape::Bool => must(value.is_boolean(), "true or false"),
            Shape::Integer(least, most) => must(
                value.as_i64().is_some_and(|n| (least..=most).contains(&n)),
                &format!("a whole number from {least} to {most}"),
            ),
            Shape::Decimal => {
                must(decimal(value).is_some(), "a decimal with at most 12 digits before the point, 6 after")
            }
            Shape::Range => must(range(value), "a range such as {\"min\": \"0.50\", \"max\": \"9.90\"}"),
            Shape::Ranges => must(
                value.as_object().is_some_and(|m| m.len() <= 5_000 && m.values().all(range)),
                "a map from loop key to range",
            ),
            Shape::Expression => must(value.is_string(), "an expression as text"),
            Shape::BoolOrExpression => {
                must(value.is_string() || value.is_boolean(), "true, false or an expression as text")
            }
            Shape::TextOrNumber => must(short(value, 200) || value.is_number(), "a text or a number"),
            Shape::OneOf(known) => {
                must(value.as_str().is_some_and(|t| known.contains(&t)), &format!("one of {}", known.join(", ")))
            }
            Shape::SomeOf(known) => must(
                list(&|v| v.as_str().is_some_and(|t| known.contains(&t))),
                &format!("a list of some of {}", known.join(", ")),
            ),
            Shape::Choices => must(
                value.as_array().is_some_and(|l| !l.is_empty() && l.len() <= CHOICES_MOST && l.iter().all(is_choice)),
                "a list of 1 to 500 choices {name, label}, with optional attributes",
            ),
            Shape::Over => must(
                value.as_str().is_some_and(|t| SETS.contains(&t))
                    || value.as_i64().is_some_and(|n| (1..=100).contains(&n)),
                "products, brands, shelves, or a whole number from 1 to 100",
            ),
            Shape::Date => {
                must(value.as_str().is_some_and(|t| super::eval::day(t).is_some()), "a date such as 2026-03-10")
            }
            Shape::Clock => must(
                value.as_str().is_some_and(|t| super::eval::read_clock(t).is_some()),
                "a time such as 14:30 or 14:30:00",
            ),
            Shape::Language => must(short(value, 35) || list(&|v| short(v, 35)), "a language tag or a list of them"),
            Shape::Items => must(value.is_array(), "a list of items"),
            Shape::Checks => must(value.is_array(), "a list of checks"),
        }
    }

    /// The same shape as JSON Schema.
    pub fn schema(self) -> Value {
        let text = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
        match self {
            Shape::Name => json!({"$ref": "#/$defs/name"}),
            Shape::Names => json!({"anyOf": [{"$ref": "#/$defs/name"},
                {"type": "array", "minItems": 1, "maxItems": LIST_MOST, "items": {"$ref": "#/$defs/name"}}]}),
            Shape::Text(most) => text(most),
            Shape::Texts => json!({"type": "array", "minItems": 1, "maxItems": LIST_MOST, "items": text(100)}),
            Shape::Label => json!({"$ref": "#/$defs/label"}),
            Shape::Bool => json!({"type": "boolean"}),
            Shape::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Shape::Decimal => json!({"$ref": "#/$defs/decimal"}),
            Shape::Range => json!({"$ref": "#/$defs/range"}),
            Shape::Ranges => json!({"type": "object", "additionalProperties": {"$ref": "#/$defs/range"}}),
            Shape::Expression => json!({"$ref": "#/$defs/expression"}),
            Shape::BoolOrExpression => json!({"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/expression"}]}),
            Shape::TextOrNumber => json!({"type": ["string", "number"]}),
            Shape::OneOf(known) => json!({"enum": known}),
            Shape::SomeOf(known) => json!({"type": "array", "minItems": 1, "items": {"enum": known}}),
            Shape::Choices => json!({"type": "array", "minItems": 1, "maxItems": CHOICES_MOST,
                "items": {"$ref": "#/$defs/choice"}}),
            Shape::Over => json!({"anyOf": [{"enum": SETS}, {"type": "integer", "minimum": 1, "maximum": 100}]}),
            Shape::Date => json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
            Shape::Clock => json!({"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"}),
            Shape::Language => json!({"anyOf": [text(35), {"type": "array", "minItems": 1, "items": text(35)}]}),
            Shape::Items => json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/item"}}),
            Shape::Checks => json!({"type": "array", "items": {"$ref": "#/$defs/check"}}),
        }
    }
}

fn is_label(value: &Value) -> bool {
    let text = |v: &Value| v.as_str().is_some_and(|t| t.len() <= LABEL_BYTES);
    text(value)
        || value.as_object().is_some_and(|m| {
            !m.is_empty()
                && m.len() <= 50
                && m.iter().all(|(language, v)| !language.is_empty() && language.len() <= 35 && text(v))
        })
}

fn is_choice(value: &Value) -> bool {
    value.as_object().is_some_and(|choice| {
        choice.get("name").and_then(Value::as_str).is_some_and(is_choice_name)
            && choice.iter().all(|(field, v)| match field.as_str() {
                "name" => true,
                "label" => is_label(v),
                "attributes" => v.as_object().is_some_and(|m| {
                    m.len() <= 20 && m.iter().all(|(k, v)| is_name(k) && v.as_str().is_some_and(|t| t.len() <= 200))
                }),
                _ => false,
            })
    })
}

/// Choices may start with a digit, as `500ml`.
fn is_choice_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}
