//! Every "no" of the catalogue is said in at least one test: a code that nobody can provoke does not belong there.

use std::path::Path;

use fieldproof::domain::refusal::Code;

fn text_of(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text_of(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_refusal_is_provoked_by_a_test() {
    let mut text = String::new();
    text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut text);
    let said = |code: &Code| {
        let name = format!("Code::{code:?}");
        text.match_indices(&name).any(|(at, _)| !text[at + name.len()..].starts_with(|c: char| c.is_alphanumeric()))
    };
    let silent: Vec<&Code> = Code::ALL.iter().filter(|code| !said(code)).collect();
    assert!(silent.is_empty(), "no test provokes {silent:?}");
}
