//! openapi.yaml as a judge: every request and answer of the suite is held against it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::world::Reply;

pub static SPEC: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
    let text = std::fs::read_to_string(path).expect("openapi.yaml at the top of the project");
    serde_norway::from_str(&text).expect("openapi.yaml is YAML")
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// The path of the specification that a request's path belongs to: literal segments win over parameters.
pub fn template_of(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or(path);
    let wanted: Vec<&str> = path.split('/').collect();
    SPEC["paths"]
        .as_object()?
        .keys()
        .filter(|template| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == wanted.len()
                && parts.iter().zip(&wanted).all(|(part, given)| part.starts_with('{') || part == given)
        })
        .min_by_key(|template| template.matches('{').count())
        .map(String::as_str)
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Follows one `$ref`.
fn resolve(value: &Value, pointer: String) -> (&Value, String) {
    match value["$ref"].as_str() {
        Some(link) => {
            let pointer = link.trim_start_matches('#').to_owned();
            (SPEC.pointer(&pointer).unwrap_or_else(|| panic!("openapi.yaml: {link} leads nowhere")), pointer)
        }
        None => (value, pointer),
    }
}

fn judge(pointer: &str, instance: &Value) -> Result<(), String> {
    let validator = {
        let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(pointer.to_owned()).or_insert_with(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")),
                "paths": SPEC["paths"],
                "components": SPEC["components"],
            });
            let built = jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("openapi.yaml at {pointer}: {e}"));
            Box::leak(Box::new(built))
        })
    };
    let errors: Vec<String> =
        validator.iter_errors(instance).map(|e| format!("{}: {e}", e.instance_path())).take(5).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

/// Panics when the answer, or a request that was accepted, is not what openapi.yaml says.
#[track_caller]
pub fn check(method: &str, path: &str, body: Option<&[u8]>, reply: &Reply) {
    let Some(template) = template_of(path) else {
        assert!(
            matches!(reply.status, 404 | 405),
            "{} is not in openapi.yaml and answered {}",
            reply.asked,
            reply.status
        );
        return;
    };
    let verb = method.to_lowercase();
    let operation = &SPEC["paths"][template][&verb];
    if operation.is_null() {
        assert_eq!(reply.status, 405, "{} is not in openapi.yaml and answered {}", reply.asked, reply.status);
        return;
    }
    let base = format!("/paths/{}/{verb}", escaped(template));
    let status = reply.status.to_string();
    let answers = &operation["responses"];
    let answer = &answers[&status];
    assert!(!answer.is_null(), "{}: openapi.yaml does not name the status {status}: {}", reply.asked, reply.text());
    let (answer, at) = resolve(answer, format!("{base}/responses/{status}"));
    let sent = reply.headers.get("content-type").map(|t| t.split(';').next().unwrap_or(t).trim().to_owned());
    if let (Some(sent), false) = (&sent, reply.bytes.is_empty()) {
        let media = &answer["content"][sent];
        assert!(!media.is_null(), "{}: openapi.yaml names no {sent} for {status}", reply.asked);
        if sent.ends_with("json") && !media["schema"].is_null() {
            let pointer = format!("{at}/content/{}/schema", escaped(sent));
            if let Err(errors) = judge(&pointer, &reply.json()) {
                panic!("{}: the answer {} is not what openapi.yaml says: {errors}", reply.asked, reply.text());
            }
        }
    }
    let (asked, at) = resolve(&operation["requestBody"], format!("{base}/requestBody"));
    let json_body = body.and_then(|b| serde_json::from_slice::<Value>(b).ok());
    if let (Some(instance), true) = (json_body, reply.status < 300)
        && !asked["content"]["application/json"].is_null()
    {
        let pointer = format!("{at}/content/application~1json/schema");
        if let Err(errors) = judge(&pointer, &instance) {
            panic!("{}: the accepted request {instance} is not what openapi.yaml says: {errors}", reply.asked);
        }
    }
}
