//! What `fieldproof check` shows: the same looks as a table for people and as JSON for programs. File names and
//! camera text come from strangers, so control characters never reach the terminal.

use serde_json::{Value, json};

use super::Looked;
use crate::domain::finding::{Code, Language, Level, RULE_VERSION, plain};
use crate::domain::grade::Grade;

/// Longest file name shown, in characters.
const NAME_MAX_CHARS: usize = 120;

/// A photo that was looked at, its grade, and the photos it is like.
#[derive(Clone, PartialEq, Debug)]
pub struct Checked {
    pub file: String,
    pub looked: Looked,
    pub grade: Grade,
    pub beside: Vec<Beside>,
}

/// Another photo that this one is like.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    pub file: String,
    /// The same bytes.
    pub exact: bool,
    /// Bits of the hashes that differ, of 256.
    pub bits: Option<u32>,
    /// How well the worst tiles agree when the photos are laid on each other, -1 to 1.
    pub agreement: Option<f64>,
    /// What it means; `None` for one file given twice.
    pub means: Option<(Code, Level)>,
}

impl Beside {
    fn line(&self) -> String {
        let mut parts = Vec::new();
        if self.exact {
            parts.push("same file".to_owned());
        } else if let Some(bits) = self.bits {
            parts.push(format!("{bits} of 256 bits differ"));
        }
        parts.extend(self.agreement.map(|agreement| format!("tiles agree by {agreement:.2}")));
        parts.join(", ")
    }
}

/// One block per photo: a headline with its grade, the reasons, a line per finding with its level, code and sentence,
/// and the photos it is like. Then the grade of all photos taken as one visit.
pub fn table(photos: &[Checked], visit: Option<&Grade>, language: Language) -> String {
    let name = |n: &str| plain(n, NAME_MAX_CHARS);
    let wide = photos.iter().map(|p| name(&p.file).chars().count()).max().unwrap_or(0).clamp(5, 48);
    let mut out = format!(
        "{:<wide$}  {:<8} {:>11} {:>9}  {:<19}  {:<24} {:>3}  {:<5}  grade\n",
        "photo", "type", "pixels", "bytes", "taken", "camera", "pdq", "worst"
    );
    for Checked { file, looked, grade, beside } in photos {
        let facts = &looked.facts;
        let camera: Vec<&str> = [&facts.make, &facts.model].into_iter().flatten().map(String::as_str).collect();
        out.push_str(&format!(
            "{:<wide$}  {:<8} {:>11} {:>9}  {:<19}  {:<24} {:>3}  {:<5}  {}\n",
            name(file),
            facts.format.as_str(),
            format!("{}x{}", facts.width, facts.height),
            facts.size_bytes,
            facts.taken_at.as_ref().map_or("-", |t| t.local.as_str()),
            if camera.is_empty() { "-".to_owned() } else { plain(&camera.join(" "), 24) },
            looked.pdq_quality,
            if looked.findings.is_empty() { "clear" } else { looked.worst().as_str() },
            grade.letter,
        ));
        for finding in &looked.findings {
            let sentence = finding.sentence(language);
            out.push_str(&format!("    {:<5} {:<20} {sentence}\n", finding.level.as_str(), finding.code.as_str()));
        }
        for other in beside {
            out.push_str(&format!("    {:<5} {:<20} {}: {}\n", "like", "", name(&other.file), other.line()));
        }
        out.push_str(&format!("    {:<5} {}\n", grade.letter.as_str(), reasons(grade, language)));
    }
    let asked = photos.iter().filter(|p| p.looked.worst() > Level::Info).count();
    if let Some(grade) = visit {
        out.push_str(&format!("All together: {}. {}\n", grade.letter, reasons(grade, language)));
    }
    let graded = crate::domain::grade::RULE_VERSION;
    out.push_str(&format!("{} photos, {asked} to look at, rules {RULE_VERSION}, {graded}\n", photos.len()));
    out
}

fn reasons(grade: &Grade, language: Language) -> String {
    grade.reasons.iter().map(|reason| reason.sentence(language)).collect::<Vec<_>>().join(" ")
}

/// `{rule_version, visit: grade, photos: [{file, worst, grade: {letter, reasons: [{code, sentence}], rule_version},
/// facts, pdq, pdq_quality, findings: [{code, level, value?, limit?, text?, sentence}], like: [{file, exact, bits,
/// agreement, code, level}]}]}`.
pub fn json(photos: &[Checked], visit: Option<&Grade>, language: Language) -> Value {
    let graded = |grade: &Grade| {
        let reason = |r: &crate::domain::grade::Reason| json!({ "code": r, "sentence": r.sentence(language) });
        let reasons: Vec<Value> = grade.reasons.iter().map(reason).collect();
        json!({ "letter": grade.letter, "reasons": reasons, "rule_version": grade.rule_version })
    };
    let like = |other: &Beside| {
        json!({
            "file": other.file,
            "exact": other.exact,
            "bits": other.bits,
            "agreement": other.agreement,
            "code": other.means.map(|(code, _)| code),
            "level": other.means.map(|(_, level)| level),
        })
    };
    let photo = |Checked { file, looked, grade, beside }: &Checked| {
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
            "grade": graded(grade),
            "facts": looked.facts,
            "pdq": looked.pdq,
            "pdq_quality": looked.pdq_quality,
            "findings": findings,
            "like": beside.iter().map(like).collect::<Vec<_>>(),
        })
    };
    json!({
        "rule_version": RULE_VERSION,
        "visit": visit.map(graded),
        "photos": photos.iter().map(photo).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Budget, Shot, look, samples};
    use crate::domain::grade::{self, Proof};

    fn photos() -> Vec<Checked> {
        let checked = |file: &str, bytes: &[u8]| {
            let looked = look(bytes, &Shot::default(), &Budget::default());
            let grade = grade::photo(&looked.findings, &Proof::default());
            let beside = Beside { file: "b\n.jpg".into(), exact: false, bits: Some(12), agreement: None, means: None };
            Checked { file: file.into(), looked, grade, beside: vec![beside] }
        };
        let dark = samples::jpeg(&samples::plain(640, 480, 3));
        vec![checked("dark\u{1b}[31m.jpg", &dark), checked("page.html", b"<html>")]
    }

    #[test]
    fn the_table_names_each_photo_and_each_finding_without_control_characters() {
        let photos = photos();
        let visit = grade::visit(&photos.iter().map(|p| p.grade.clone()).collect::<Vec<_>>(), &[]);
        let text = table(&photos, visit.as_ref(), Language::En);
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("BLACK_FRAME") && text.contains("FORMAT_UNSUPPORTED"), "{text}");
        assert!(text.contains("b .jpg: 12 of 256 bits differ"), "{text}");
        assert!(text.contains("All together: D. ") && text.contains("2 photos, 2 to look at, rules "), "{text}");
    }

    #[test]
    fn the_json_carries_codes_numbers_and_sentences() {
        let value = json(&photos(), None, Language::Fr);
        assert_eq!(value["photos"][0]["facts"]["format"], "jpeg");
        let codes = value["photos"][0]["findings"].as_array().expect("a list");
        let black = codes.iter().find(|f| f["code"] == "BLACK_FRAME").expect("found");
        assert_eq!((&black["level"], &black["value"]), (&json!("fail"), &json!(1.0)));
        assert!(black["sentence"].as_str().expect("text").starts_with("La photo est noire"));
        let grade = &value["photos"][0]["grade"];
        assert_eq!((&grade["letter"], &grade["reasons"][0]["code"]), (&json!("D"), &json!("BLACK_FRAME")));
        assert_eq!(value["photos"][0]["like"][0]["bits"], 12);
    }
}
