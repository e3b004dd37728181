//! What `fieldproof check` shows: the same looks as a table for people and as JSON for programs. File names and
//! camera text come from strangers, so control characters never reach the terminal.

use serde_json::{Value, json};

use super::Looked;
use crate::domain::finding::{Language, Level, RULE_VERSION, plain};

/// Longest file name shown, in characters.
const NAME_MAX_CHARS: usize = 120;

/// One block per photo: a headline, then a line per finding with its level, code and sentence.
pub fn table(photos: &[(String, Looked)], language: Language) -> String {
    let name = |n: &str| plain(n, NAME_MAX_CHARS);
    let wide = photos.iter().map(|(n, _)| name(n).chars().count()).max().unwrap_or(0).clamp(5, 48);
    let mut out = format!(
        "{:<wide$}  {:<8} {:>11} {:>9}  {:<19}  {:<24} {:>3}  {}\n",
        "photo", "type", "pixels", "bytes", "taken", "camera", "pdq", "worst"
    );
    for (file, looked) in photos {
        let facts = &looked.facts;
        let camera: Vec<&str> = [&facts.make, &facts.model].into_iter().flatten().map(String::as_str).collect();
        out.push_str(&format!(
            "{:<wide$}  {:<8} {:>11} {:>9}  {:<19}  {:<24} {:>3}  {}\n",
            name(file),
            facts.format.as_str(),
            format!("{}x{}", facts.width, facts.height),
            facts.size_bytes,
            facts.taken_at.as_ref().map_or("-", |t| t.local.as_str()),
            if camera.is_empty() { "-".to_owned() } else { plain(&camera.join(" "), 24) },
            looked.pdq_quality,
            if looked.findings.is_empty() { "clear" } else { looked.worst().as_str() },
        ));
        for finding in &looked.findings {
            let sentence = finding.sentence(language);
            out.push_str(&format!("    {:<5} {:<20} {sentence}\n", finding.level.as_str(), finding.code.as_str()));
        }
    }
    let asked = photos.iter().filter(|(_, l)| l.worst() > Level::Info).count();
    out.push_str(&format!("{} photos, {asked} to look at, rules {RULE_VERSION}\n", photos.len()));
    out
}

/// `{rule_version, photos: [{file, worst, facts, pdq, pdq_quality, findings: [{code, level, value?, limit?, text?,
/// sentence}]}]}`.
pub fn json(photos: &[(String, Looked)], language: Language) -> Value {
    let photo = |(file, looked): &(String, Looked)| {
        let findings: Vec<Value> = looked
            .findings
            .iter()
            .map(|finding| {
                let mut value = json!(finding);
                value["sentence"] = json!(finding.sentence(language));
                value
            })
            .collect();
        json!({
            "file": file,
            "worst": looked.worst(),
            "facts": looked.facts,
            "pdq": looked.pdq,
            "pdq_quality": looked.pdq_quality,
            "findings": findings,
        })
    };
    json!({ "rule_version": RULE_VERSION, "photos": photos.iter().map(photo).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Budget, Shot, look, samples};

    fn photos() -> Vec<(String, Looked)> {
        let look = |bytes: &[u8]| look(bytes, &Shot::default(), &Budget::default());
        let dark = samples::jpeg(&samples::plain(640, 480, 3));
        vec![("dark\u{1b}[31m.jpg".into(), look(&dark)), ("page.html".into(), look(b"<html>"))]
    }

    #[test]
    fn the_table_names_each_photo_and_each_finding_without_control_characters() {
        let text = table(&photos(), Language::En);
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("BLACK_FRAME") && text.contains("FORMAT_UNSUPPORTED"), "{text}");
        assert!(text.ends_with("2 photos, 2 to look at, rules 2026.2\n"), "{text}");
    }

    #[test]
    fn the_json_carries_codes_numbers_and_sentences() {
        let value = json(&photos(), Language::Fr);
        assert_eq!(value["photos"][0]["facts"]["format"], "jpeg");
        let codes = value["photos"][0]["findings"].as_array().expect("a list");
        let black = codes.iter().find(|f| f["code"] == "BLACK_FRAME").expect("found");
        assert_eq!((&black["level"], &black["value"]), (&json!("fail"), &json!(1.0)));
        assert!(black["sentence"].as_str().expect("text").starts_with("La photo est noire"));
    }
}
