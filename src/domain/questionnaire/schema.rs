//! What others read: the JSON Schema of documents, the one of a version's answers, and the compiled form for phones.
//! JSON Schema is draft 2020-12. Conditions (`relevant`, `required` as expression) are beyond it: the schemas say what
//! is well formed, `check_answers` says what is right.

use serde_json::{Map, Value, json};

use super::bind::Expr;
use super::document::{Item, Kind, Rule};
use super::expr::{MAX_EXPR_BYTES, Op};
use super::fields::{self, DOCUMENT, Shape, TYPES};
use super::{LoopKey, Questionnaire};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

fn object(properties: impl IntoIterator<Item = (String, Value)>, required: &[&str]) -> Value {
    let properties: Map<String, Value> = properties.into_iter().collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn table(table: &[(&str, Shape)], required: &[&str]) -> Value {
    object(table.iter().map(|(field, shape)| ((*field).to_owned(), shape.schema())), required)
}

/// The JSON Schema of a questionnaire document. The same for every version.
pub fn json_schema() -> Value {
    let label = |most: usize| json!({"type": "string", "maxLength": most});
    let mut defs = Map::new();
    defs.insert("name".into(), json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"}));
    let languages = json!({"type": "object", "minProperties": 1, "additionalProperties": label(4_000)});
    defs.insert("label".into(), json!({"anyOf": [label(4_000), languages]}));
    let text = json!({"type": "string", "pattern": "^-?[0-9]{1,12}([.][0-9]{1,6})?$"});
    defs.insert("decimal".into(), json!({"anyOf": [text, {"type": "number"}]}));
    let end = json!({"$ref": "#/$defs/decimal"});
    defs.insert(
        "range".into(),
        json!({"anyOf": [
            {"type": "object", "minProperties": 1, "properties": {"min": end, "max": end}, "additionalProperties": false},
            {"type": "array", "minItems": 2, "maxItems": 2, "items": end}
        ]}),
    );
    defs.insert("expression".into(), json!({"type": "string", "minLength": 1, "maxLength": MAX_EXPR_BYTES}));
    let attributes = json!({"type": "object", "maxProperties": 20, "additionalProperties": label(200)});
    let choice_name = json!({"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"});
    defs.insert(
        "choice".into(),
        json!({"type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {"name": choice_name, "label": {"$ref": "#/$defs/label"}, "attributes": attributes}}),
    );
    defs.insert("check".into(), table(fields::CHECK, &["code", "when", "then"]));
    let kinds: Vec<&str> = TYPES.iter().map(|(kind, _)| *kind).collect();
    let branches: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            let mut all = fields::of(kind);
            all.retain(|(field, _)| *field != "type");
            let must: Vec<&str> = ["type", "name"].into_iter().chain(fields::must_have(kind).iter().copied()).collect();
            let typed = [("type".to_owned(), json!(true))];
            let body = object(typed.into_iter().chain(all.iter().map(|(f, s)| ((*f).to_owned(), s.schema()))), &must);
            json!({"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": body})
        })
        .collect();
    defs.insert(
        "item".into(),
        json!({"type": "object", "required": ["type", "name"], "properties": {"type": {"enum": kinds}}, "allOf": branches}),
    );
    let mut schema = table(DOCUMENT, &["id", "version", "items"]);
    schema["$schema"] = json!(DRAFT);
    schema["title"] = json!("Fieldproof questionnaire");
    schema["$defs"] = Value::Object(defs);
    schema
}

/// The JSON Schema of the answers to one version: which items, of which form. Nothing is required by it, since what is
/// hidden must be absent.
pub fn answers_schema(questionnaire: &Questionnaire) -> Value {
    let mut schema = answers_of(questionnaire, &questionnaire.roots);
    schema["$schema"] = json!(DRAFT);
    schema["title"] = json!(format!("Answers to {} version {}", questionnaire.id, questionnaire.version));
    schema
}

fn answers_of(questionnaire: &Questionnaire, children: &[usize]) -> Value {
    let items = &questionnaire.items;
    let visible = children.iter().map(|&id| &items[id]).filter(|item| !matches!(item.kind, Kind::Note));
    object(visible.map(|item| (item.name.clone(), answer_of(questionnaire, item))), &[])
}

fn answer_of(questionnaire: &Questionnaire, item: &Item) -> Value {
    let text = |most: usize| json!({"type": "string", "maxLength": most});
    let decimal = || json!({"type": "string", "pattern": "^-?[0-9]{1,12}([.][0-9]{1,6})?$"});
    let truth = || json!({"type": "boolean"});
    let photo_ids = json!({"type": "array", "items": {"type": "string"}});
    let mut fields: Vec<(&str, Value)> = match &item.kind {
        Kind::Section { .. } => return answers_of(questionnaire, &item.children),
        Kind::Loop { keys, .. } => {
            let round = answers_of(questionnaire, &item.children);
            return object(keys.iter().map(|key| (key.key.clone(), round.clone())), &[]);
        }
        Kind::Count { limits, .. } => {
            let mut value = json!({"type": "integer", "minimum": 0, "maximum": 1_000_000_000});
            if let Some(min) = limits.min {
                value["minimum"] = json!(min.as_f64() as i64);
            }
            if let Some(max) = limits.max {
                value["maximum"] = json!(max.as_f64() as i64);
            }
            vec![("value", value)]
        }
        Kind::StockState { states } => vec![("value", json!({"enum": states}))],
        Kind::Price { currency, .. } => {
            let money = match currency {
                Some(currency) => json!({"const": currency}),
                None => json!({"type": "string", "pattern": "^[A-Z]{3}$"}),
            };
            vec![
                ("amount", decimal()),
                ("currency", money),
                ("unit_price", decimal()),
                ("per", text(16)),
                ("promo", truth()),
            ]
        }
        Kind::Number { units, .. } if units.is_empty() => vec![("value", decimal())],
        Kind::Number { units, .. } => vec![("value", decimal()), ("unit", json!({"enum": units}))],
        Kind::YesNo | Kind::Acknowledge => vec![("value", truth())],
        Kind::SingleChoice { names, other, .. } => {
            let mut fields = vec![("value", json!({"enum": names}))];
            fields.extend(other.then(|| ("other", text(500))));
            fields
        }
        Kind::MultiChoice { names, other, most, .. } => {
            let list = json!({"type": "array", "maxItems": most, "uniqueItems": true, "items": {"enum": names}});
            let mut fields = vec![("values", list)];
            fields.extend(other.then(|| ("other", text(500))));
            fields
        }
        Kind::Barcode { symbologies, .. } => {
            let kinds = if symbologies.is_empty() { json!(fields::SYMBOLOGIES) } else { json!(symbologies) };
            vec![("value", text(200)), ("symbology", json!({"enum": kinds})), ("manual", truth())]
        }
        Kind::Photo(rules) => {
            let ids = json!({"type": "array", "maxItems": rules.max, "items": {"type": "string"}});
            return object([("photo_ids".to_owned(), ids)], &[]);
        }
        Kind::Text { most, .. } => vec![("value", text(*most))],
        Kind::Date { .. } => vec![("value", json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}))],
        Kind::Time { .. } => vec![("value", json!({"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"}))],
        Kind::Position { .. } => vec![
            ("lat", json!({"type": "number", "minimum": -90, "maximum": 90})),
            ("lon", json!({"type": "number", "minimum": -180, "maximum": 180})),
            ("accuracy_m", json!({"type": "number", "minimum": 0})),
            ("mock", truth()),
            ("at", json!({"type": "string", "format": "date-time"})),
        ],
        // Recomputed by the server, so any value may come.
        Kind::Computed { .. } => return object([("value".to_owned(), json!(true))], &[]),
        Kind::Note => return json!(false),
    };
    fields.push(("photo_ids", photo_ids));
    object(fields.into_iter().map(|(field, schema)| (field.to_owned(), schema)), &[])
}

impl Questionnaire {
    /// The compiled form for phones: items as in the document with each expression as `{text, ast}` and each loop with
    /// its keys, in `items` and `checks`; the order in which to evaluate items in `order`; the original in `document`.
    ///
    /// An AST node is `{"op": …, "args": […]}` (operators and functions by their written names, `neg` for a sign,
    /// `is-yes` for a yes-or-no answer taken as truth), `{"number": 1}`, `{"text": "a"}`, `{"empty": true}`,
    /// `{"dot": true}`, `{"item": "brand.facings"}`, `{"loop": "brand", "attribute": "name"}` or
    /// `{"choice": "region"}`. Dates are days since 1970-01-01, times of day parts of a day.
    pub fn compiled_json(&self) -> Value {
        let order: Vec<&str> = self.order.iter().map(|&id| self.items[id].path.as_str()).collect();
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                let mut written = check.written.clone();
                written.insert("when".into(), self.rule(&check.when));
                written.insert("then".into(), self.rule(&check.then));
                Value::Object(written)
            })
            .collect();
        json!({
            "id": self.id,
            "version": self.version,
            "language": self.languages,
            "items": self.compiled_items(&self.roots),
            "checks": checks,
            "order": order,
            "document": self.document,
        })
    }

    fn compiled_items(&self, children: &[usize]) -> Vec<Value> {
        let one = |&id: &usize| {
            let item = &self.items[id];
            let mut out = item.written.clone();
            for (field, rule) in &item.rules {
                out.insert((*field).to_owned(), self.rule(rule));
            }
            out.insert("path".into(), json!(item.path));
            match &item.kind {
                Kind::Loop { keys, .. } => {
                    out.insert("keys".into(), json!(keys as &Vec<LoopKey>));
                    out.insert("items".into(), json!(self.compiled_items(&item.children)));
                }
                Kind::Section { .. } => {
                    out.insert("items".into(), json!(self.compiled_items(&item.children)));
                }
                Kind::StockState { states } => {
                    out.insert("states".into(), json!(states));
                }
                Kind::Photo(rules) => {
                    out.insert("min".into(), json!(rules.min));
                    out.insert("max".into(), json!(rules.max));
                }
                Kind::Barcode { expected, .. } if !expected.is_empty() => {
                    let expected: Vec<Value> = expected.iter().map(|expr| self.ast(expr)).collect();
                    out.insert("expected_gtins".into(), json!(expected));
                }
                _ => {}
            }
            Value::Object(out)
        };
        children.iter().map(one).collect()
    }

    fn rule(&self, rule: &Rule) -> Value {
        json!({"text": rule.text, "ast": self.ast(&rule.expr)})
    }

    fn ast(&self, expr: &Expr) -> Value {
        let node = |op: &str, args: &[&Expr]| {
            let args: Vec<Value> = args.iter().map(|arg| self.ast(arg)).collect();
            json!({"op": op, "args": args})
        };
        let over = |op: &str, id: &usize| json!({"op": op, "args": [{"item": self.items[*id].path}]});
        match expr {
            Expr::Nothing => json!({"empty": true}),
            Expr::Number(n) => json!({"number": n}),
            Expr::Text(t) => json!({"text": t}),
            Expr::Dot => json!({"dot": true}),
            Expr::Item(id) => json!({"item": self.items[*id].path}),
            Expr::Attribute(id, name) => json!({"loop": self.items[*id].path, "attribute": name}),
            Expr::Choice(name) => json!({"choice": name}),
            Expr::IsYes(x) => node("is-yes", &[x]),
            Expr::Negate(x) => node("neg", &[x]),
            Expr::Binary(op, a, b) => node(Op::as_str(*op), &[a, b]),
            Expr::Not(x) => node("not", &[x]),
            Expr::If(test, yes, no) => node("if", &[test, yes, no]),
            Expr::Selected(list, one) => node("selected", &[list, one]),
            Expr::CountSelected(list) => node("count-selected", &[list]),
            Expr::Coalesce(parts) => node("coalesce", &parts.iter().collect::<Vec<_>>()),
            Expr::Matches(subject, _, pattern) => {
                json!({"op": "regex", "args": [self.ast(subject), {"text": pattern}]})
            }
            Expr::Length(x) => node("string-length", &[x]),
            Expr::Round(x, digits) => node("round", &[x, digits]),
            Expr::Today => node("today", &[]),
            Expr::Now => node("now", &[]),
            Expr::Sum(id) => over("sum", id),
            Expr::Count(id) => over("count", id),
            Expr::Distance(a, b) => node("distance", &[a, b]),
        }
    }
}
