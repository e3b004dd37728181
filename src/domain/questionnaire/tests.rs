//! The questionnaire as a whole: documents in, judged answers out.

use serde_json::{Value, json};

use super::*;
use crate::domain::money::{Currency, Money};
use crate::domain::time::At;

fn reference() -> Value {
    json!({
      "id": "hygiene-uccle", "version": 1, "language": ["fr","nl","en"],
      "items": [
        {"type":"photo","name":"front","required":true,"subject":"store_front","camera_only":true,"clause_id":"1.1"},
        {"type":"loop","name":"brand","over":"brands","items":[
          {"type":"stock_state","name":"state","required":true,"clause_id":"2.1"},
          {"type":"count","name":"facings","relevant":"${state} != 'not_listed'","required":true,"min":0,"max":400},
          {"type":"count","name":"oos_products","relevant":"${state} != 'not_listed'","required":true,"min":0,"max":60},
          {"type":"count","name":"near_oos_products","relevant":"${state} != 'not_listed'","required":true,"min":0,"max":60,
           "flag_if":"${near_oos_products} + ${oos_products} > ${facings}"},
          {"type":"photo","name":"shelf","required":"${state} != 'not_listed'","subject":"shelf","min":1,"max":3,
           "camera_only":true,"photo_of":["facings","oos_products","near_oos_products"],"clause_id":"2.4"}
        ]},
        {"type":"text","name":"remark","max_length":500}
      ]
    })
}

fn sets() -> LoopSets {
    LoopSets {
        brands: vec![LoopKey::new("acme").with("name", "Acme"), LoopKey::new("b/2").with("name", "Bravo")],
        products: vec![
            LoopKey::new("p1").with("gtin", "4006381333931").with("brand", "Acme").with("category", "soap"),
            LoopKey::new("p2").with("gtin", "5449000000996").with("brand", "Bravo").with("category", "cola"),
        ],
        shelves: vec![LoopKey::new("low"), LoopKey::new("high")],
    }
}

fn context() -> Context {
    // Half past midnight in Brussels, still the day before in UTC.
    let zone = jiff::tz::TimeZone::get("Europe/Brussels").expect("bundled");
    Context { now: At::parse("2026-03-09T23:30:00Z").expect("valid"), zone }
}

fn photos(list: &[&str]) -> Vec<PhotoRef> {
    list.iter().map(|id| PhotoRef { client_id: (*id).to_owned(), question_path: String::new() }).collect()
}

fn document(items: Value) -> Value {
    json!({"id": "q", "version": 1, "items": items})
}

fn made(items: Value) -> Questionnaire {
    compile(&document(items), &sets()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// `path field column code` of each problem.
fn refused(document: &Value) -> Vec<String> {
    let problems = compile(document, &sets()).expect_err("must be refused");
    let column = |p: &Problem| p.column.map(|c| format!("@{c}")).unwrap_or_default();
    problems.iter().map(|p| format!("{} {}{} {}", p.path, p.field, column(p), p.code)).collect()
}

fn judged(q: &Questionnaire, answers: Value) -> Checked {
    check_answers(q, &answers, &photos(&["p1", "p2", "p3"]), &context(), true)
}

fn problems(checked: &Checked) -> Vec<String> {
    checked.problems.iter().map(|p| format!("{} {}", p.pointer, p.code)).collect()
}

fn flags(checked: &Checked) -> Vec<String> {
    checked.flags.iter().map(|f| format!("{} {}", f.path, f.code)).collect()
}

fn found<'a>(checked: &'a Checked, path: &str) -> &'a ItemAnswer {
    checked.items.iter().find(|i| i.path == path).unwrap_or_else(|| panic!("no {path} in {:#?}", checked.items))
}

/// One question alone and one answer to it: the problems and the canonical answer.
fn asked(mut item: Value, answer: Value) -> (Vec<String>, Value) {
    item["name"] = json!("x");
    let checked = judged(&made(json!([item])), json!({"x": answer}));
    (problems(&checked), checked.answers.get("x").cloned().unwrap_or(Value::Null))
}

fn kept(item: Value, answer: Value) -> Value {
    let (problems, kept) = asked(item, answer);
    assert_eq!(problems, [""; 0]);
    kept
}

fn fault(item: Value, answer: Value) -> String {
    let (problems, kept) = asked(item, answer);
    assert_eq!(kept.get("value"), None, "a faulty answer is not kept");
    problems.join("; ")
}

/// An expression over two counts `a` = 3, `b` unanswered, texts, choices, … as a computed value.
fn computed(expression: &str) -> Value {
    let q = made(json!([
        {"type":"count","name":"a"}, {"type":"count","name":"b"}, {"type":"text","name":"t"},
        {"type":"text","name":"blank"}, {"type":"yes_no","name":"yes"}, {"type":"yes_no","name":"no"},
        {"type":"yes_no","name":"maybe"}, {"type":"date","name":"d"}, {"type":"time","name":"h"},
        {"type":"price","name":"p","currency":"EUR"}, {"type":"position","name":"here"}, {"type":"position","name":"there"},
        {"type":"multi_choice","name":"m","choices":[{"name":"x"},{"name":"y"},{"name":"z"}]},
        {"type":"single_choice","name":"s","choices":[{"name":"x"},{"name":"y"}]},
        {"type":"photo","name":"f"},
        {"type":"loop","name":"brand","over":"brands","items":[{"type":"count","name":"facings"}]},
        {"type":"loop","name":"thrice","over":3,"items":[{"type":"count","name":"other"}]},
        {"type":"computed","name":"out","calculation":expression}
    ]));
    let checked = judged(
        &q,
        json!({
            "a": {"value": 3}, "t": {"value": "abc"}, "yes": {"value": true}, "no": {"value": false},
            "d": {"value": "2026-03-01"}, "h": {"value": "14:30"}, "p": {"amount": "2.50"},
            "here": {"lat": 50.8, "lon": 4.34, "accuracy_m": 5}, "there": {"lat": 50.801, "lon": 4.34, "accuracy_m": 5},
            "m": {"values": ["y", "x"]}, "s": {"value": "x"}, "f": {"photo_ids": ["p1", "p2"]},
            "brand": {"acme": {"facings": {"value": 4}}, "b/2": {"facings": {"value": 6}}}
        }),
    );
    assert_eq!(problems(&checked), [""; 0]);
    checked.answers.get("out").map(|out| out["value"].clone()).unwrap_or(Value::Null)
}

#[test]
fn the_reference_round_is_accepted_with_both_brands_in_stock() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let stocked = |photo: &str| {
        json!({"state": {"value": "in_stock"}, "facings": {"value": 12}, "oos_products": {"value": 0},
            "near_oos_products": {"value": 2}, "shelf": {"photo_ids": [photo]}})
    };
    let answers = json!({"front": {"photo_ids": ["p1"]}, "brand": {"acme": stocked("p2"), "b/2": stocked("p3")}});
    let checked = judged(&q, answers.clone());
    assert_eq!((problems(&checked), flags(&checked)), (vec![], vec![]));
    assert_eq!(checked.answers, answers);
    assert!(checked.dropped.is_empty());
    let facings = found(&checked, "/brand/b~12/facings");
    assert_eq!(facings.answer, Answer::Count { value: 12 });
    assert_eq!(facings.loop_key.as_deref(), Some("b/2"));
    assert_eq!(facings.photos, ["p3"], "photo_of ties the shelf photo to the count of its own round");
    assert_eq!(facings.question, "brand.facings");
    assert_eq!(found(&checked, "/brand/acme/shelf").clause_id.as_deref(), Some("2.4"));
    assert_eq!(found(&checked, "/remark").answer, Answer::NotObserved);
    assert_eq!(judged(&q, checked.answers.clone()), checked, "judging the canonical form again changes nothing");
    assert_eq!(q.photo_rules("brand.shelf").map(|r| (r.min, r.max, r.camera_only)), Some((1, 3, true)));
}

#[test]
fn a_brand_that_is_not_listed_needs_no_counts_and_loses_those_sent() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let checked = judged(
        &q,
        json!({"front": {"photo_ids": ["p1"]}, "brand": {
            "acme": {"state": {"value": "not_listed"}, "facings": {"value": "nonsense"}, "oos_products": {"value": 1}},
            "b/2": {"state": {"value": "not_listed"}}}}),
    );
    assert_eq!((problems(&checked), flags(&checked)), (vec![], vec![]));
    assert_eq!(checked.dropped, ["/brand/acme/facings", "/brand/acme/oos_products"]);
    assert_eq!(checked.answers["brand"]["acme"], json!({"state": {"value": "not_listed"}}));
    assert!(checked.items.iter().all(|i| i.name != "facings"));
}

#[test]
fn what_is_missing_in_the_reference_round_is_named_by_pointer() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let answers = json!({"brand": {"acme": {"state": {"value": "in_stock"}, "facings": {"value": 2},
        "oos_products": {"value": 2}, "near_oos_products": {"value": 1}}}});
    let checked = judged(&q, answers.clone());
    let b = ["state", "facings", "oos_products", "near_oos_products", "shelf"];
    let expected: Vec<String> = ["/front".to_owned(), "/brand/acme/shelf".to_owned()]
        .into_iter()
        .chain(b.iter().map(|name| format!("/brand/b~12/{name}")))
        .map(|pointer| format!("{pointer} missing_required"))
        .collect();
    assert_eq!(problems(&checked), expected);
    assert_eq!(flags(&checked), ["/brand/acme/near_oos_products flag_if"]);
    let impossible = check_answers(&q, &answers, &[], &context(), false);
    assert_eq!(problems(&impossible), [""; 0], "an impossible visit owes no answers");
}

#[test]
fn a_count_is_a_whole_number_within_limits() {
    let count = json!({"type":"count","min":1,"max":10});
    assert_eq!(kept(count.clone(), json!({"value": 10})), json!({"value": 10}));
    assert_eq!(fault(count.clone(), json!({"value": 11})), "/x/value out_of_range");
    assert_eq!(fault(count.clone(), json!({"value": "3"})), "/x/value wrong_type");
    assert_eq!(fault(count.clone(), json!({"value": 2.5})), "/x/value wrong_type");
    assert_eq!(fault(count.clone(), json!({"value": -1})), "/x/value wrong_type");
    assert_eq!(fault(count.clone(), json!(3)), "/x not_an_object");
    assert_eq!(fault(count.clone(), json!({"value": 3, "extra": 1})), "/x unknown_field");
    assert_eq!(kept(count, json!({"value": null})), Value::Null);
    let q = made(json!([{"type":"count","name":"n","expected_range":{"min":2,"max":5}}]));
    let checked = judged(&q, json!({"n": {"value": 9}}));
    assert_eq!((problems(&checked), flags(&checked)), (vec![], vec!["/n outside_expected_range".to_owned()]));
}

#[test]
fn low_can_be_answered_only_where_it_is_said_how_low() {
    assert_eq!(fault(json!({"type":"stock_state"}), json!({"value":"low"})), "/x/value unknown_choice");
    assert_eq!(kept(json!({"type":"stock_state","low_threshold":3}), json!({"value":"low"}))["value"], "low");
    assert_eq!(kept(json!({"type":"stock_state"}), json!({"value":"unknown"}))["value"], "unknown");
    assert_eq!(
        refused(&document(json!([{"type":"stock_state","name":"s","states":["low","in_stock"]}]))),
        ["s states low_without_threshold"]
    );
}

#[test]
fn a_price_is_decimal_text_in_whole_minor_units() {
    let price = json!({"type":"price","currency":"EUR","max":"99.99"});
    assert_eq!(
        kept(price.clone(), json!({"amount":"2.5","currency":"EUR","unit_price":"5.0","per":"kg","promo":true})),
        json!({"amount":"2.50","currency":"EUR","unit_price":"5","per":"kg","promo":true})
    );
    assert_eq!(kept(price.clone(), json!({"amount":"0.05"}))["amount"], "0.05");
    for (answer, expected) in [
        (json!({"amount":2.49,"currency":"EUR"}), "/x/amount wrong_type"),
        (json!({"amount":"2,49","currency":"EUR"}), "/x/amount not_a_decimal"),
        (json!({"amount":"-1","currency":"EUR"}), "/x/amount not_a_decimal"),
        (json!({"amount":"2.495","currency":"EUR"}), "/x/amount too_many_digits"),
        (json!({"amount":"100","currency":"EUR"}), "/x/amount out_of_range"),
        (json!({"amount":"2","currency":"USD"}), "/x/currency wrong_currency"),
        (json!({"amount":"2","currency":"???"}), "/x/currency unknown_currency"),
        (json!({"amount":"2","unit_price":"4"}), "/x/per missing_required"),
        (json!({"amount":"2","unit_price":4,"per":"kg"}), "/x/unit_price wrong_type"),
    ] {
        assert_eq!(fault(price.clone(), answer), expected);
    }
    assert_eq!(fault(json!({"type":"price"}), json!({"amount":"1"})), "/x/currency unknown_currency");
    let q = made(json!([{"type":"price","name":"x"}]));
    let yen = judged(&q, json!({"x": {"amount":"400","currency":"JPY"}}));
    assert_eq!(yen.answers["x"]["amount"], "400");
}

#[test]
fn a_price_out_of_the_plausible_range_is_flagged_and_needs_a_photo() {
    let q = made(json!([{"type":"loop","name":"item","over":"products","items":[
        {"type":"price","name":"price","currency":"EUR","plausible_range":{"min":"1","max":"5"},
         "plausible_ranges":{"p2":["8.00", "9.00"]}},
        {"type":"photo","name":"tag","photo_of":"price"}]}]));
    let price = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let checked = judged(&q, json!({"item": {"p1": {"price": price("5.01")}, "p2": {"price": price("8.50")}}}));
    assert_eq!(flags(&checked), ["/item/p1/price price_outside_plausible_range"]);
    assert_eq!(problems(&checked), ["/item/p1/price photo_required"]);
    for answers in [
        json!({"item": {"p1": {"price": price("5.01"), "tag": {"photo_ids": ["p1"]}}}}),
        json!({"item": {"p1": {"price": {"amount": "5.01", "currency": "EUR", "photo_ids": ["p1"]}}}}),
    ] {
        let checked = judged(&q, answers);
        assert_eq!(problems(&checked), [""; 0]);
        assert_eq!(found(&checked, "/item/p1/price").photos, ["p1"]);
    }
    let placed = [PhotoRef { client_id: "c".into(), question_path: "/item/p1/price".into() }];
    let checked = check_answers(&q, &json!({"item": {"p1": {"price": price("9")}}}), &placed, &context(), true);
    assert_eq!(problems(&checked), [""; 0]);
}

#[test]
fn a_number_is_decimal_text_with_its_unit() {
    let number = json!({"type":"number","units":["m","cm"],"min":"0.1","max":2.5});
    assert_eq!(kept(number.clone(), json!({"value":"0.750","unit":"m"})), json!({"value":"0.75","unit":"m"}));
    assert_eq!(fault(number.clone(), json!({"value":0.75,"unit":"m"})), "/x/value wrong_type");
    assert_eq!(fault(number.clone(), json!({"value":"0.75"})), "/x/unit unknown_unit");
    assert_eq!(fault(number.clone(), json!({"value":"0.75","unit":"ft"})), "/x/unit unknown_unit");
    assert_eq!(fault(number, json!({"value":"2.6","unit":"m"})), "/x/value out_of_range");
    assert_eq!(fault(json!({"type":"number"}), json!({"value":"1","unit":"m"})), "/x/unit unknown_unit");
}

#[test]
fn choices_are_taken_from_the_list() {
    let list = json!([{"name":"a"},{"name":"b","label":{"fr":"Bé"}},{"name":"none"}]);
    let single = json!({"type":"single_choice","choices":list,"or_other":true});
    assert_eq!(kept(single.clone(), json!({"value":"a","other":"left over"})), json!({"value":"a"}));
    assert_eq!(kept(single.clone(), json!({"value":"other","other":"x"}))["other"], "x");
    assert_eq!(fault(single.clone(), json!({"value":"other"})), "/x/other missing_required");
    assert_eq!(fault(single, json!({"value":"c"})), "/x/value unknown_choice");
    let multi = json!({"type":"multi_choice","choices":list,"min_selected":1,"max_selected":2,"exclusive":"none"});
    assert_eq!(kept(multi.clone(), json!({"values":["b","a","a"]})), json!({"values":["a","b"]}));
    assert_eq!(kept(multi.clone(), json!({"values":[]})), Value::Null);
    assert_eq!(fault(multi.clone(), json!({"values":["a","none"]})), "/x/values exclusive_choice");
    assert_eq!(fault(multi.clone(), json!({"values":["a","b","none"]})), "/x/values wrong_number_selected");
    assert_eq!(fault(multi, json!({"values":"a"})), "/x/values wrong_type");
}

#[test]
fn a_choice_filter_narrows_the_list() {
    let q = made(json!([
        {"type":"single_choice","name":"region","choices":[{"name":"north"},{"name":"south"}]},
        {"type":"single_choice","name":"town","choice_filter":"${choice.region} = ${region}","choices":[
            {"name":"t1","attributes":{"region":"north"}},{"name":"t2","attributes":{"region":"south"}}]}
    ]));
    let with = |town: &str| problems(&judged(&q, json!({"region": {"value":"north"}, "town": {"value":town}})));
    assert_eq!(with("t1"), [""; 0]);
    assert_eq!(with("t2"), ["/town choice_not_offered"]);
}

#[test]
fn a_barcode_is_checked_and_typing_it_is_flagged() {
    let q = made(json!([{"type":"loop","name":"p","over":"products","items":[
        {"type":"barcode","name":"code","symbologies":["ean13","upca"],"expected_gtins":["${product.gtin}","96385074"]}]}]));
    let with = |code: Value| {
        let checked = judged(&q, json!({"p": {"p1": {"code": code}}}));
        (problems(&checked).join(";"), flags(&checked).join(";"))
    };
    let at = |what: &str| format!("/p/p1/code{what}");
    let ok = (String::new(), String::new());
    assert_eq!(with(json!({"symbology":"ean13","value":"4006381333931","manual":false})), ok);
    assert_eq!(with(json!({"symbology":"ean13","value":"4006381333931","manual":true})).1, at(" barcode_manual"));
    assert_eq!(with(json!({"symbology":"ean13","value":"5449000000996"})).1, at(" barcode_unexpected"));
    assert_eq!(with(json!({"symbology":"ean13","value":"4006381333932"})).0, at("/value check_digit"));
    assert_eq!(with(json!({"symbology":"ean8","value":"96385074"})).0, at("/symbology unknown_symbology"));
    assert_eq!(with(json!({"value":"4006381333931"})).0, at("/symbology missing_required"));
    let any = json!({"type":"barcode"});
    for (kind, code) in [
        ("ean8", "96385074"),
        ("upca", "036000291452"),
        ("upce", "04252614"),
        ("qr", "https://x"),
        ("itf14", "10012345678902"),
    ] {
        assert_eq!(kept(any.clone(), json!({"symbology":kind,"value":code}))["value"], code, "{kind}");
    }
    assert_eq!(fault(any, json!({"symbology":"upce","value":"04252615"})), "/x/value check_digit");
    assert_eq!(
        refused(&document(json!([{"type":"barcode","name":"b","expected_gtins":["123"]}]))),
        ["b expected_gtins@1 check_digit"]
    );
}

#[test]
fn photos_are_counted_and_must_be_in_the_manifest() {
    let photo = json!({"type":"photo","min":2,"max":2,"required":true});
    assert_eq!(kept(photo.clone(), json!({"photo_ids":["p1","p2","p1"]})), json!({"photo_ids":["p1","p2"]}));
    assert_eq!(asked(photo.clone(), json!({"photo_ids":["p1"]})).0, ["/x too_few_photos"]);
    assert_eq!(asked(photo.clone(), json!({"photo_ids":["p1","p2","p3"]})).0, ["/x too_many_photos"]);
    assert_eq!(asked(photo.clone(), json!({"photo_ids":["nope"]})).0, ["/x/photo_ids unknown_photo"]);
    assert_eq!(asked(photo, json!(null)).0, ["/x missing_required"]);
    let q = made(json!([{"type":"photo","name":"x"}]));
    let lost = [PhotoRef { client_id: "c".into(), question_path: "y".into() }];
    assert_eq!(flags(&check_answers(&q, &json!({}), &lost, &context(), true)), ["/y photo_unplaced"]);
    let here = [PhotoRef { client_id: "c".into(), question_path: "x".into() }];
    let checked = check_answers(&q, &json!({}), &here, &context(), true);
    assert_eq!(
        checked.answers,
        json!({"x": {"photo_ids": ["c"]}}),
        "a photo placed by the manifest answers the question"
    );
}

#[test]
fn a_statement_may_ask_for_its_own_photo() {
    let q = made(json!([{"type":"yes_no","name":"display","photo":"${display} = 'yes'"}]));
    assert_eq!(problems(&judged(&q, json!({"display":{"value":true}}))), ["/display photo_required"]);
    assert_eq!(problems(&judged(&q, json!({"display":{"value":true,"photo_ids":["p1"]}}))), [""; 0]);
    assert_eq!(problems(&judged(&q, json!({"display":{"value":false}}))), [""; 0]);
    assert_eq!(problems(&judged(&q, json!({}))), [""; 0]);
}

#[test]
fn texts_dates_times_positions_and_consent_are_read() {
    let text = json!({"type":"text","min_length":2,"max_length":5,"pattern":"[a-zé]+"});
    assert_eq!(kept(text.clone(), json!({"value":" né "})), json!({"value":"né"}));
    assert_eq!(fault(text.clone(), json!({"value":"abcdef"})), "/x/value wrong_length");
    assert_eq!(fault(text.clone(), json!({"value":"ab1"})), "/x/value pattern_mismatch");
    assert_eq!(fault(text.clone(), json!({"value":"a\u{0}b"})), "/x/value invalid_text");
    assert_eq!(kept(text, json!({"value":"  "})), Value::Null);
    let date = json!({"type":"date","min":"2026-01-01"});
    assert_eq!(kept(date.clone(), json!({"value":"2028-02-29"}))["value"], "2028-02-29");
    assert_eq!(fault(date.clone(), json!({"value":"2026-02-29"})), "/x/value wrong_type");
    assert_eq!(fault(date, json!({"value":"2025-12-31"})), "/x/value out_of_range");
    assert_eq!(kept(json!({"type":"time","max":"18:00"}), json!({"value":"17:59:59"}))["value"], "17:59:59");
    assert_eq!(fault(json!({"type":"time","max":"18:00"}), json!({"value":"18:01"})), "/x/value out_of_range");
    assert_eq!(fault(json!({"type":"time"}), json!({"value":"24:00"})), "/x/value wrong_type");
    let place = json!({"lat":50.8,"lon":4.3,"accuracy_m":80.0,"mock":true,"at":"2026-03-09T23:00:00Z"});
    let q = made(json!([{"type":"position","name":"x","max_accuracy_m":50}]));
    let checked = judged(&q, json!({"x": place}));
    assert_eq!(
        (problems(&checked), flags(&checked)),
        (vec![], vec!["/x position_mock".to_owned(), "/x position_inaccurate".to_owned()])
    );
    assert_eq!(checked.answers["x"], place);
    assert_eq!(fault(json!({"type":"position"}), json!({"lat":91,"lon":0,"accuracy_m":1})), "/x/lat out_of_range");
    assert_eq!(asked(json!({"type":"acknowledge","required":true}), json!({"value":false})).0, ["/x not_acknowledged"]);
    assert_eq!(kept(json!({"type":"acknowledge","required":true}), json!({"value":true}))["value"], true);
    assert_eq!(asked(json!({"type":"note","label":"Read"}), json!({"value":true})).0, ["/x unexpected_answer"]);
}

#[test]
fn unknown_items_keys_and_shapes_in_answers_are_refused() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let none = |answers: Value| problems(&check_answers(&q, &answers, &[], &context(), false));
    assert_eq!(none(json!({"brand": {"nobody": {}}, "what": 1})), ["/brand/nobody unknown_key", "/what unknown_item"]);
    assert_eq!(none(json!({"brand": [1]})), ["/brand not_an_object"]);
    assert_eq!(none(json!({"brand": {"acme": 1}})), ["/brand/acme not_an_object"]);
    assert_eq!(none(json!([])), [" not_an_object"]);
    assert_eq!(none(Value::Null), [""; 0]);
}

#[test]
fn every_operator_computes() {
    for (expression, expected) in [
        ("${a} + 2 * 3", json!(9)),
        ("${a} - 5", json!(-2)),
        ("-${a}", json!(-3)),
        ("${a} div 2", json!(1.5)),
        ("${a} mod 2", json!(1)),
        ("${p} * 2", json!(5)),
        ("${a} = 3 and ${a} != 4", json!(true)),
        ("${a} = '3'", json!(true)),
        ("${a} < 3 or ${a} <= 3", json!(true)),
        ("${a} > 3 or ${a} >= 4", json!(false)),
        ("not(${a} = 3)", json!(false)),
        ("${t} = 'abc'", json!(true)),
        ("1 < 2 and not(2 < 1)", json!(true)),
        ("${d} < '2026-03-02'", json!(true)),
        ("${h} >= '14:30'", json!(true)),
        ("${yes} = 'yes' and ${no} = 'no' and ${yes} != ${no}", json!(true)),
        ("${yes} and not(${no}) and not(${maybe})", json!(true)),
    ] {
        assert_eq!(computed(expression), expected, "{expression}");
    }
}

#[test]
fn every_function_computes() {
    for (expression, expected) in [
        ("if(${a} > 2, 'many', 'few')", json!("many")),
        ("selected(${m}, 'y')", json!(true)),
        ("selected(${m}, 'z')", json!(false)),
        ("selected(${s}, 'x')", json!(true)),
        ("count-selected(${m})", json!(2)),
        ("count-selected(${f})", json!(2)),
        ("coalesce(${b}, ${a})", json!(3)),
        ("coalesce(${b}, 0) + 1", json!(1)),
        ("regex(${t}, '[a-c]+')", json!(true)),
        ("regex(${t}, 'b')", json!(false)),
        ("regex(${t}, 'a|abc')", json!(true)),
        (r"regex(${t}, '[\w-]{1,30}') and not(regex(${t}, '\d+')) and regex('é', '\W')", json!(true)),
        ("string-length(${t}) + string-length(${blank})", json!(3)),
        ("round(2.5)", json!(3)),
        ("round(-2.5)", json!(-2)),
        ("round(2.345, 1)", json!(2.3)),
        ("today()", json!("2026-03-10")),
        ("today() - ${d}", json!(9)),
        ("today() + 1", json!("2026-03-11")),
        ("round((now() - today()) * 1440)", json!(30)),
        ("now() > today()", json!(true)),
        ("sum(${facings})", json!(10)),
        ("sum(${brand.facings})", json!(10)),
        ("sum(${other})", json!(0)),
        ("count(${facings})", json!(2)),
        ("count(${other})", json!(0)),
        ("count(${brand}) + count(${thrice})", json!(5)),
        ("round(distance(${here}, ${there}))", json!(111)),
    ] {
        assert_eq!(computed(expression), expected, "{expression}");
    }
}

#[test]
fn what_was_not_answered_is_neither_zero_nor_no() {
    for (expression, expected) in [
        ("${b} = ''", json!(true)),
        ("${a} != ''", json!(true)),
        ("${b} = 0", json!(false)),
        ("${b} != 0", json!(true)),
        ("${b} < 1 or ${b} >= 1", json!(false)),
        ("${a} + ${b} > 0", json!(false)),
        ("${maybe} = 'no'", json!(false)),
        ("${a} + ${b}", Value::Null),
        ("1 div 0", Value::Null),
        ("${blank}", Value::Null),
    ] {
        assert_eq!(computed(expression), expected, "{expression}");
    }
}

#[test]
fn the_phone_s_computed_value_is_replaced_and_the_difference_told() {
    let q = made(json!([{"type":"count","name":"a"},{"type":"computed","name":"twice","calculation":"${a} * 2"},
        {"type":"computed","name":"more","calculation":"${twice} + 1","flag_if":". > 5"}]));
    let checked = judged(&q, json!({"a":{"value":3},"twice":{"value":7},"more":{"value":7.0}}));
    assert_eq!(checked.answers, json!({"a":{"value":3},"twice":{"value":6},"more":{"value":7}}));
    let difference = Difference { path: "/twice".into(), sent: json!(7), computed: json!(6) };
    assert_eq!(checked.differences, [difference]);
    assert_eq!(flags(&checked), ["/more flag_if"]);
}

#[test]
fn hiding_goes_down_a_chain_before_anything_is_validated() {
    let q = made(json!([
        {"type":"count","name":"d","relevant":"${c} = 1","required":true},
        {"type":"count","name":"c","relevant":"${b} = 1","required":true},
        {"type":"yes_no","name":"a"},
        {"type":"section","name":"inner","relevant":"${a}","items":[{"type":"count","name":"b","required":true}]},
        {"type":"computed","name":"total","calculation":"coalesce(${b}, 100)"}
    ]));
    let given = |a: bool| json!({"a":{"value":a},"inner":{"b":{"value":1}},"c":{"value":1},"d":{"value":"bad"}});
    let hidden = judged(&q, given(false));
    assert_eq!(problems(&hidden), [""; 0]);
    assert_eq!(hidden.dropped, ["/d", "/c", "/inner"]);
    assert_eq!(hidden.answers, json!({"a":{"value":false},"total":{"value":100}}));
    let shown = judged(&q, given(true));
    assert_eq!(problems(&shown), ["/d/value wrong_type"]);
    assert!(shown.dropped.is_empty());
    assert_eq!(found(&shown, "/inner/b").section.as_deref(), Some("inner"));
}

#[test]
fn required_and_constraint_may_be_expressions() {
    let q = made(json!([
        {"type":"count","name":"a","constraint":". mod 2 = 0","constraint_message":{"en":"even only","fr":"pair"}},
        {"type":"text","name":"why","required":"${a} > 10"}
    ]));
    assert_eq!(problems(&judged(&q, json!({"a":{"value":12}}))), ["/why missing_required"]);
    assert_eq!(problems(&judged(&q, json!({"a":{"value":2}}))), [""; 0]);
    let odd = judged(&q, json!({"a":{"value":3}}));
    assert_eq!(problems(&odd), ["/a constraint"]);
    assert_eq!(odd.problems[0].detail, "even only");
    assert_eq!(problems(&judged(&q, json!({}))), [""; 0], "a constraint is not asked of what was not answered");
}

#[test]
fn loops_nest_and_know_their_keys() {
    let q = made(json!([{"type":"loop","name":"b","over":"brands","items":[
        {"type":"count","name":"limit"},
        {"type":"loop","name":"p","over":"products","items":[
            {"type":"count","name":"n","relevant":"${product.brand} = ${brand.name}","constraint":". <= ${limit}"}]},
        {"type":"computed","name":"mine","calculation":"sum(${n})"}]},
        {"type":"computed","name":"all","calculation":"sum(${n})"},
        {"type":"computed","name":"share","calculation":"count(${p})"}]));
    let checked = judged(
        &q,
        json!({"b": {"acme": {"limit": {"value": 5}, "p": {"p1": {"n": {"value": 6}}, "p2": {"n": {"value": 9}}}},
                     "b/2": {"p": {"p2": {"n": {"value": 2}}}}}}),
    );
    assert_eq!(problems(&checked), ["/b/acme/p/p1/n constraint", "/b/b~12/p/p2/n constraint"]);
    assert_eq!(checked.dropped, ["/b/acme/p/p2/n"]);
    assert_eq!(checked.answers["b"]["acme"]["mine"]["value"], 6);
    assert_eq!(checked.answers["b"]["b/2"]["mine"]["value"], 2);
    assert_eq!(checked.answers["all"]["value"], 8);
    assert_eq!(checked.answers["share"]["value"], 4);
}

#[test]
fn cross_checks_are_data_and_flag_the_round_they_are_about() {
    let mut doc = reference();
    doc["checks"] = json!([
        {"code":"oos_has_no_facings","loop":"brand","when":"${state} = 'out_of_stock'","then":"${facings} = 0"},
        {"code":"oos_needs_photo","loop":"brand","when":"${state} = 'out_of_stock'","then":"count-selected(${shelf}) > 0",
         "label":"Show the empty shelf"},
        {"code":"someone_lists","when":"count(${state}) > 0","then":"sum(${facings}) > 0"}
    ]);
    let q = compile(&doc, &sets()).expect("compiles");
    let answers = json!({"brand": {"acme": {"state":{"value":"out_of_stock"},"facings":{"value":3}},
        "b/2": {"state":{"value":"not_listed"}}}});
    let checked = check_answers(&q, &answers, &[], &context(), false);
    assert_eq!(flags(&checked), ["/brand/acme oos_has_no_facings", "/brand/acme oos_needs_photo"]);
    assert_eq!(checked.flags[1].detail, "Show the empty shelf");
}

#[test]
fn every_fault_of_a_document_is_told_with_its_place() {
    let doc = json!({"id":"q","version":0,"colour":"red","items":[
        {"type":"count","name":"a","min":5,"max":2,"colour":1},
        {"type":"hologram","name":"b"},
        {"type":"count","name":"1st"},
        {"type":"count","name":"a"},
        {"type":"single_choice","name":"c"},
        {"type":"loop","name":"brand","over":"brands","items":[
            {"type":"count","name":"facings","relevant":"${nobody} = 1 "},
            {"type":"text","name":"t","constraint":". > 3","calculation":"1"}]},
        {"type":"count","name":"e","relevant":"${facings} > 1"},
        7
    ]});
    assert_eq!(
        refused(&doc),
        [
            " colour unknown_field",
            " version invalid_field",
            "a colour unknown_field",
            "a max range_reversed",
            "b type unknown_type",
            "1st name invalid_field",
            "c choices missing_field",
            "brand.t calculation unknown_field",
            "  not_an_object",
            "a name duplicate_name",
            "brand.facings relevant@1 unknown_name",
            "brand.t constraint@3 type_mismatch",
            "e relevant@1 loop_reference",
        ]
    );
    let problems = compile(&doc, &sets()).expect_err("refused");
    assert!(problems.iter().any(|p| p.pointer == "/items/5/items/0/relevant"));
    assert_eq!(refused(&json!(3)), ["  not_an_object"]);
    assert_eq!(refused(&json!({})), [" id missing_field", " version missing_field", " items missing_field"]);
    let empty = compile(&reference(), &LoopSets::default()).expect_err("no brands");
    assert_eq!((empty[0].code, empty[0].path.as_str()), ("empty_set", "brand"));
}

#[test]
fn a_wrong_expression_is_refused_with_its_column() {
    let with = |expression: &str| {
        refused(&document(json!([
            {"type":"stock_state","name":"state"}, {"type":"count","name":"n"}, {"type":"note","name":"note"},
            {"type":"date","name":"d"}, {"type":"multi_choice","name":"m","choices":[{"name":"x"}]},
            {"type":"loop","name":"one","over":2,"items":[{"type":"count","name":"k"}]},
            {"type":"loop","name":"two","over":2,"items":[{"type":"count","name":"k"}]},
            {"type":"count","name":"z","relevant":expression}
        ])))
        .join("; ")
        .replace("z relevant", "")
    };
    for (expression, expected) in [
        ("${state} = 'in_stok'", "@12 unknown_choice"),
        ("${state} > 3", "@10 type_mismatch"),
        ("${n}", "@1 type_mismatch"),
        ("${n} = 'abc'", "@8 type_mismatch"),
        ("${d} = 'soon'", "@8 type_mismatch"),
        ("${n} + 'a' = 1", "@6 type_mismatch"),
        ("${m} = 'x'", "@6 type_mismatch"),
        ("selected(${m}, 'q')", "@16 unknown_choice"),
        ("${note} = ''", "@1 no_value"),
        ("exec('rm')", "@1 unknown_function"),
        ("not()", "@1 wrong_arguments"),
        ("regex(${state}, ${state})", "@17 wrong_arguments"),
        ("regex(${state}, 'a)(b')", "@17 pattern_invalid"),
        ("regex(${state}, '(?x)a#')", "@17 pattern_invalid"),
        ("sum(${n}) > 0", "@5 not_in_a_loop"),
        ("sum(${k}) > 0", "@5 ambiguous_name"),
        ("sum(1) > 0", "@5 wrong_arguments"),
        ("${brand.name} = 'x'", "@1 unknown_name"),
        ("${choice.name} = 'x'", "@1 wrong_place"),
        (". = 1", "@1 wrong_place"),
        ("if(1 = 1, 1, 'a') = 1", "@1 type_mismatch"),
        ("${z} = 1", " cycle"),
    ] {
        assert_eq!(with(expression), expected, "{expression}");
    }
    assert!(
        compile(
            &document(json!([{"type":"loop","name":"one","over":2,"items":[{"type":"count","name":"k"}]},
        {"type":"loop","name":"two","over":2,"items":[{"type":"count","name":"k","relevant":"sum(${one.k}) > 1"}]}])),
            &sets()
        )
        .is_ok()
    );
}

#[test]
fn circles_are_refused() {
    let circle = |items: Value| refused(&document(items)).join("; ");
    assert_eq!(
        circle(
            json!([{"type":"count","name":"a","relevant":"${b} = 1"},{"type":"count","name":"b","relevant":"${a} = 1"}])
        ),
        "a relevant cycle"
    );
    assert_eq!(
        circle(
            json!([{"type":"computed","name":"a","calculation":"${b} + 1"},{"type":"computed","name":"b","calculation":"${a}"}])
        ),
        "a calculation@6 cycle; b calculation@1 cycle"
    );
    assert_eq!(
        circle(json!([{"type":"section","name":"s","relevant":"${in} = 1","items":[{"type":"count","name":"in"}]}])),
        "s relevant cycle"
    );
    assert_eq!(
        circle(
            json!([{"type":"loop","name":"l","over":2,"items":[{"type":"count","name":"n","relevant":"sum(${n}) > 1"}]}])
        ),
        "l.n relevant cycle"
    );
}

#[test]
fn hostile_documents_are_refused_quickly() {
    let with =
        |expression: String| refused(&document(json!([{"type":"text","name":"t","constraint":expression}]))).join(";");
    assert_eq!(with("(".repeat(10_000)), "t constraint@1 expression_too_long");
    assert_eq!(with(format!("{}1{}", "(".repeat(500), ")".repeat(500))), "t constraint@33 expression_too_deep");
    assert_eq!(with(format!("regex(., '{}')", "(a{1000}){1000}")), "t constraint@10 pattern_invalid");
    assert_eq!(with(format!("regex(., '{}')", "a".repeat(600))), "t constraint@10 pattern_invalid");
    assert_eq!(with(format!("regex(., '{}')", "(".repeat(200))), "t constraint@10 pattern_invalid");
    assert_eq!(with(format!(". = '{}'", "x".repeat(100_000))), "t constraint@1 expression_too_long");
    let many: Vec<Value> = (0..600).map(|n| json!({"type":"count","name":format!("n{n}")})).collect();
    assert_eq!(refused(&document(json!(many))), ["n500  too_many_items"]);
    let mut nested = json!({"type":"count","name":"n"});
    for depth in 0..40 {
        nested = json!({"type":"section","name":format!("s{depth}"),"items":[nested]});
    }
    assert!(refused(&document(json!([nested]))).iter().any(|p| p.ends_with("nested_too_deep")));
    let wide = json!([{"type":"loop","name":"a","over":100,"items":[{"type":"loop","name":"b","over":100,"items":[
        {"type":"loop","name":"c","over":100,"items":[{"type":"count","name":"n"}]}]}]}]);
    assert!(refused(&document(wide)).iter().any(|p| p.ends_with("too_many_instances")));
    let costly = json!([{"type":"loop","name":"a","over":100,"items":[{"type":"loop","name":"b","over":100,"items":[
        {"type":"count","name":"n","flag_if":"sum(${n}) > 1"}]}]}]);
    assert_eq!(refused(&document(costly)), ["  expression_too_costly"]);
    let patterns: Vec<Value> = (0..60)
        .map(|n| json!({"type":"text","name":format!("t{n}"),"constraint":"regex(., 'a+')","pattern":"b+"}))
        .collect();
    let told = refused(&document(json!(patterns)));
    assert_eq!((told.len(), told[0].as_str()), (70, "t50 pattern too_many_patterns"));
    let noisy: Vec<Value> = (0..5000).map(|_| json!(1)).collect();
    assert_eq!(refused(&document(json!(noisy))).len(), 200);
}

#[test]
fn the_largest_allowed_round_is_judged_without_delay() {
    let q = made(json!([{"type":"loop","name":"a","over":100,"items":[{"type":"loop","name":"b","over":100,"items":[
        {"type":"count","name":"n","constraint":". < 10 and regex('x', 'x+')"}]}]}]));
    let round: serde_json::Map<String, Value> = (1..=100).map(|k| (k.to_string(), json!({"n":{"value":3}}))).collect();
    let all: serde_json::Map<String, Value> = (1..=100).map(|k| (k.to_string(), json!({"b": round}))).collect();
    let checked = judged(&q, json!({"a": all}));
    assert_eq!((checked.items.len(), checked.problems.len()), (10_000, 0));
}

/// An expression that parses: a truth or a number. Some name what is not there.
fn well_formed(next: &mut dyn FnMut(usize) -> usize, depth: usize, truth: bool) -> String {
    let leaf = depth == 0 || next(5) == 0;
    match (truth, leaf) {
        (true, true) => {
            ["${a} = ''", "1 = 1", "regex(${b}, 'x*')", "${t} = 'x'", "today() > '2026-01-01'"][next(5)].to_owned()
        }
        (false, true) => {
            ["${a}", "0", "sum(${n})", "1.5", "count(${brand})", "string-length(${b})"][next(6)].to_owned()
        }
        (true, false) => {
            let (a, b) = (well_formed(next, depth - 1, true), well_formed(next, depth - 1, true));
            let (x, y) = (well_formed(next, depth - 1, false), well_formed(next, depth - 1, false));
            [
                format!("({a}) and {b}"),
                format!("{a} or {b}"),
                format!("not({a})"),
                format!("{x} < {y}"),
                format!("{x} != {y}"),
                format!("if({a}, {b}, {a})"),
            ][next(6)]
            .clone()
        }
        (false, false) => {
            let (a, x) = (well_formed(next, depth - 1, true), well_formed(next, depth - 1, false));
            let y = well_formed(next, depth - 1, false);
            [
                format!("({x}) div {y}"),
                format!("{x} mod {y}"),
                format!("-{x} * {y}"),
                format!("if({a}, {x}, {y})"),
                format!("coalesce({x}, {y})"),
                format!("round({x}, {y})"),
            ][next(6)]
            .clone()
        }
    }
}

#[test]
fn random_garbage_never_panics() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let words = [
        "${a}",
        "${b}",
        "${brand.name}",
        "(",
        ")",
        "'x'",
        "''",
        "1",
        ".5",
        "and",
        "or",
        "div",
        "mod",
        "not(",
        "if(",
        "sum(",
        "count(",
        "regex(",
        ",",
        "=",
        "!=",
        "<",
        "-",
        "+",
        "*",
        ".",
        " ",
        "today()",
        "now()",
        "coalesce(",
        "é",
        "\"",
        "${",
        "selected(",
        "round(",
        "${choice.name}",
        "${n}",
        "string-length(",
    ];
    let values = [
        json!(null),
        json!(1),
        json!(-1e300),
        json!("x"),
        json!(""),
        json!(true),
        json!([]),
        json!({}),
        json!([1, "p1"]),
        json!({"value": 1}),
        json!({"value": "a"}),
        json!({"values": ["a", 1]}),
        json!({"photo_ids": ["p1", 3]}),
        json!({"amount": "1.5", "currency": "EUR"}),
        json!({"lat": 1, "lon": 2, "accuracy_m": -1}),
        json!({"acme": {"n": {"value": 3}}}),
    ];
    let fields = [
        "type",
        "name",
        "relevant",
        "required",
        "constraint",
        "calculation",
        "items",
        "over",
        "min",
        "max",
        "choices",
        "photo_of",
        "weight",
        "flag_if",
        "expected_range",
        "states",
        "pattern",
        "plausible_ranges",
        "expected_gtins",
    ];
    let types = [
        "count",
        "price",
        "section",
        "loop",
        "photo",
        "text",
        "computed",
        "multi_choice",
        "barcode",
        "date",
        "position",
    ];
    let mut accepted = 0;
    for _ in 0..1_000 {
        let expression: String = match next(3) {
            0 => (0..next(9) + 1).map(|_| words[next(words.len())]).collect(),
            _ => well_formed(&mut next, 4, true),
        };
        let kind = types[next(types.len())];
        let mut item = json!({"type": kind, "name": "b"});
        for field in fields::must_have(kind) {
            item[field] = match *field {
                "choices" => json!([{"name": "a"}]),
                "calculation" => json!(well_formed(&mut next, 3, false)),
                "over" => json!("products"),
                _ => json!([{"type": "price", "name": "inside", "required": expression}]),
            };
        }
        for _ in 0..next(4).saturating_sub(1) {
            item[fields[next(fields.len())]] = values[next(values.len())].clone();
        }
        item[["relevant", "flag_if", "required", "relevant"][next(4)]] = json!(expression);
        let doc =
            document(json!([{"type":"count","name":"a"}, item, {"type":"loop","name":"brand","over":"brands","items":[
            {"type":"count","name":"n","relevant":expression},{"type":"text","name":"t"}]}]));
        let simple = document(
            json!([{"type":"count","name":"a"}, {"type":"text","name":"b"}, {"type":"loop","name":"brand",
            "over":"brands","items":[{"type":"count","name":"n","flag_if":expression},
            {"type":"computed","name":"c","calculation":well_formed(&mut next, 4, false)},{"type":"text","name":"t"}]}]),
        );
        for doc in [doc, simple, values[next(values.len())].clone()] {
            if let Ok(q) = compile(&doc, &sets()) {
                accepted += 1;
                let answers = json!({"a": values[next(values.len())], "b": values[next(values.len())],
                    "brand": values[next(values.len())]});
                let checked = judged(&q, answers);
                let again = judged(&q, checked.answers.clone());
                assert_eq!(again.answers, checked.answers);
                assert!(paid_share(&q, &checked.items, &[]).is_ok());
                q.compiled_json();
                answers_schema(&q);
            }
        }
    }
    assert!(accepted > 250, "only {accepted} documents compiled; the loop tests too little");
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..next(60)).map(|_| next(256) as u8).collect();
        let text = String::from_utf8_lossy(&bytes);
        let _ = compile(
            &document(json!([{"type":"text","name":"t","pattern":text,"relevant":text,"constraint":text}])),
            &sets(),
        );
    }
}

#[test]
fn sections_share_the_pay_by_weight_and_their_items_evenly() {
    let q = made(json!([
        {"type":"photo","name":"front"},
        {"type":"section","name":"shelf","weight":3,"items":[
            {"type":"count","name":"a"},{"type":"count","name":"b"},{"type":"count","name":"c"},
            {"type":"note","name":"n"},{"type":"computed","name":"z","calculation":"1"}]},
        {"type":"section","name":"price","weight":1,"items":[{"type":"count","name":"d"}]},
        {"type":"section","name":"empty","weight":9,"items":[{"type":"count","name":"e"}]}]));
    let n = json!({"value": 1});
    let checked = judged(&q, json!({"front":{"photo_ids":["p1"]},"shelf":{"a":n,"b":n,"c":n},"price":{"d":n}}));
    let units: Vec<(String, u32, usize)> =
        weights(&q, &checked.items).into_iter().map(|u| (u.path, u.weight, u.items.len())).collect();
    assert_eq!(units, [("/shelf".to_owned(), 3, 3), ("/price".to_owned(), 1, 1)]);
    let share = |refused: &[&str]| paid_share(&q, &checked.items, refused).map(|s| (s.numerator, s.denominator));
    assert_eq!(share(&[]), Ok((1, 1)));
    assert_eq!(share(&["/shelf/a"]), Ok((3, 4)));
    assert_eq!(share(&["/shelf"]), Ok((1, 4)));
    assert_eq!(share(&["/price/d", "/shelf/b"]), Ok((1, 2)));
    assert_eq!(share(&["/front"]), Ok((1, 1)), "what stands outside the sections carries no share");
    assert_eq!(share(&["/shelf", "/price"]), Ok((0, 1)));
    assert_eq!(share(&["/shelf/q"]), Err(UnknownPath("/shelf/q".into())));
    assert_eq!(share(&["/shel"]), Err(UnknownPath("/shel".into())));
    assert_eq!(
        refused(&document(json!([{"type":"section","name":"a","items":[
            {"type":"section","name":"b","weight":2,"items":[{"type":"count","name":"c"}]}]}]))),
        ["a.b weight weight_not_at_top"]
    );
}

#[test]
fn without_sections_each_loop_round_is_paid_alike() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let checked = judged(
        &q,
        json!({"front": {"photo_ids": ["p1"]}, "brand": {
            "acme": {"state": {"value": "in_stock"}, "facings": {"value": 1}, "oos_products": {"value": 0},
                "near_oos_products": {"value": 0}, "shelf": {"photo_ids": ["p2"]}},
            "b/2": {"state": {"value": "not_listed"}}}}),
    );
    let share = |refused: &[&str]| paid_share(&q, &checked.items, refused).map(|s| (s.numerator, s.denominator));
    assert_eq!(share(&["/brand/acme/shelf"]), Ok((14, 15)));
    assert_eq!(share(&["/brand/b~12"]), Ok((2, 3)));
    assert_eq!(share(&["/brand"]), Ok((1, 3)));
    let share = paid_share(&q, &checked.items, &["/brand/b~12"]).expect("known");
    let reward = Money::new(400, Currency::EUR).share(share.numerator, share.denominator);
    assert_eq!(reward.map(|m| m.minor), Ok(267));
}

#[test]
fn two_versions_differ_by_named_clauses() {
    let old = compile(&reference(), &sets()).expect("compiles");
    let mut doc = reference();
    doc["version"] = json!(2);
    doc["items"][1]["items"][1]["max"] = json!(300);
    doc["items"][1]["items"][4]["label"] = json!("The whole shelf");
    doc["items"][2] = json!({"type":"yes_no","name":"clean","clause_id":"3.1"});
    doc["checks"] = json!([{"code":"c","when":"${clean}","then":"${clean}"}]);
    let mut more = sets();
    more.brands.push(LoopKey::new("third"));
    let new = compile(&doc, &more).expect("compiles");
    let told: Vec<String> = diff(&old, &new)
        .iter()
        .map(|c| format!("{:?} {} {} {}", c.change, c.path, c.clause_id.as_deref().unwrap_or("-"), c.fields.join(",")))
        .collect();
    assert_eq!(
        told,
        [
            "Changed brand - keys",
            "Changed brand.facings - max",
            "Changed brand.shelf 2.4 label",
            "Removed remark - ",
            "Added clean 3.1 ",
            "Added checks.c - ",
        ]
    );
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn the_schemas_accept_what_the_code_accepts() {
    let schema = json_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&reference()));
    let every: Vec<Value> = [
        json!({"type":"count","expected_range":[1,2]}),
        json!({"type":"stock_state","low_threshold":"two packs"}),
        json!({"type":"price","currency":"EUR","plausible_range":{"min":"1"}}),
        json!({"type":"number","units":["m"]}),
        json!({"type":"yes_no","photo":true}),
        json!({"type":"single_choice","choices":[{"name":"a","label":"A"}]}),
        json!({"type":"multi_choice","choices":[{"name":"a"}],"exclusive":["a"]}),
        json!({"type":"barcode","expected_gtins":["96385074"]}),
        json!({"type":"photo","max":2,"no_faces":true,"min_long_edge_px":1200}),
        json!({"type":"text","pattern":"a+","language":"fr"}),
        json!({"type":"date"}),
        json!({"type":"time"}),
        json!({"type":"position","max_accuracy_m":50,"wait_secs":30,"target_accuracy_m":10}),
        json!({"type":"note","label":"hello"}),
        json!({"type":"acknowledge"}),
        json!({"type":"computed","calculation":"1"}),
        json!({"type":"section","items":[{"type":"count","name":"inside"}]}),
        json!({"type":"loop","over":3,"items":[{"type":"count","name":"inside"}]}),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, mut item)| {
        item["name"] = json!(format!("n{n}"));
        item
    })
    .collect();
    assert_eq!(every.len(), fields::TYPES.len());
    let doc = document(json!(every));
    assert!(validator.is_valid(&doc), "{:?}", validator.iter_errors(&doc).map(|e| e.to_string()).collect::<Vec<_>>());
    let q = compile(&doc, &sets()).expect("compiles");
    for bad in [
        json!({"type":"count","name":"a","colour":1}),
        json!({"type":"x","name":"a"}),
        json!({"type":"loop","name":"a"}),
    ] {
        assert!(!validator.is_valid(&document(json!([bad]))));
    }
    let answers = json!({
        "n0":{"value":1},"n1":{"value":"low"},"n2":{"amount":"1.20","currency":"EUR","promo":false},"n3":{"value":"0.5","unit":"m"},
        "n4":{"value":true,"photo_ids":["p1"]},"n5":{"value":"a"},"n6":{"values":["a"]},
        "n7":{"symbology":"ean8","value":"96385074","manual":false},"n8":{"photo_ids":["p1"]},"n9":{"value":"aa"},
        "n10":{"value":"2026-03-10"},"n11":{"value":"10:00"},"n12":{"lat":1.0,"lon":2.0,"accuracy_m":3.0,"mock":false},
        "n14":{"value":true},"n15":{"value":1},"n16":{"inside":{"value":2}},"n17":{"3":{"inside":{"value":2}}}
    });
    let schema = answers_schema(&q);
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&answers));
    let checked = judged(&q, answers.clone());
    assert_eq!(problems(&checked), [""; 0]);
    assert_eq!(checked.answers, answers);
    for bad in [json!({"n0":{"value":"1"}}), json!({"nope":1}), json!({"n17":{"4":{}}}), json!({"n1":{"value":"x"}})] {
        assert!(!validator.is_valid(&bad));
    }
}

#[test]
fn phones_get_the_compiled_form_with_the_original() {
    let q = compile(&reference(), &sets()).expect("compiles");
    let compiled = q.compiled_json();
    assert_eq!(compiled["document"], reference());
    let brand = &compiled["items"][1];
    assert_eq!(brand["keys"][1], json!({"key":"b/2","attributes":{"name":"Bravo"}}));
    assert_eq!(
        brand["items"][1]["relevant"],
        json!({"text":"${state} != 'not_listed'",
            "ast":{"op":"!=","args":[{"item":"brand.state"},{"text":"not_listed"}]}})
    );
    assert_eq!(compiled["order"][0], "front");
    assert_eq!((q.id(), q.version(), q.languages().len()), ("hygiene-uccle", 1, 3));
}
