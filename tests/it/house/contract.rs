//! openapi.yaml and the program name the same things: paths, methods, operations, refusal codes, and the policy is
//! printed for a reviewer to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fieldproof::domain::refusal::Code;
use fieldproof::web::routes::ROUTES;

use crate::support::contract::SPEC;
use crate::support::snapshot::assert_snapshot;

fn specified() -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for (path, item) in SPEC["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let id = operation["operationId"].as_str().unwrap_or("").to_owned();
            all.insert((method.to_uppercase(), path.clone()), id);
        }
    }
    all
}

#[test]
fn routes_and_openapi_agree_both_ways() {
    let served: BTreeMap<(String, String), String> =
        ROUTES.iter().map(|r| ((r.method.to_owned(), r.path.to_owned()), r.operation.to_owned())).collect();
    let specified = specified();
    let missing: Vec<_> = served.iter().filter(|(key, id)| specified.get(*key) != Some(id)).collect();
    let extra: Vec<_> = specified.iter().filter(|(key, id)| served.get(*key) != Some(id)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "not in openapi.yaml: {missing:#?}\nnot served: {extra:#?}");
}

#[test]
fn an_operation_id_is_used_once() {
    let ids: Vec<&str> = ROUTES.iter().map(|r| r.operation).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn every_refusal_code_is_in_the_contract() {
    let codes = SPEC["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
    let known: BTreeSet<&str> = codes.iter().filter_map(|c| c.as_str()).collect();
    let mut ours: BTreeSet<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
    ours.insert("fault");
    assert_eq!(known, ours);
}

#[test]
fn every_post_under_v1_takes_an_idempotency_key_or_is_known_not_to() {
    // Sign-in changes nothing that must not happen twice; evidence carries its client id and SHA-256; a precheck and a
    // dry run change nothing.
    let exempt = [
        "/v1/auth/",
        // Said twice it asks twice, and nothing of it is believed.
        "/v1/hooks/",
        "/v1/reservations/{id}/evidence",
        "/v1/reservations/{id}/precheck",
        "/v1/brand/campaigns/{id}/check",
    ];
    for ((method, path), id) in specified() {
        if method != "POST" || !path.starts_with("/v1/") || exempt.iter().any(|e| path.starts_with(e)) {
            continue;
        }
        let operation = &SPEC["paths"][&path]["post"];
        let keyed = operation["parameters"]
            .as_array()
            .is_some_and(|list| list.iter().any(|p| p["$ref"] == "#/components/parameters/IdempotencyKey"));
        assert!(keyed, "{id} ({path}) takes no Idempotency-Key");
    }
}

#[test]
fn the_policy_is_what_was_agreed() {
    let mut rows: Vec<_> = ROUTES.iter().map(|r| (r.role, r.path, r.method, r.operation)).collect();
    rows.sort_unstable();
    let mut text = String::new();
    let mut role = "";
    for (of, path, method, operation) in rows {
        if role != of {
            writeln!(text, "{of}").unwrap();
            role = of;
        }
        writeln!(text, "    {method} {path}  {operation}").unwrap();
    }
    assert_snapshot("policy.txt", &text);
}
