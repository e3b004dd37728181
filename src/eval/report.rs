//! The result of an evaluation as a table for people, JSON for programs and a page for a browser. File names come from
//! strangers: control characters never reach the terminal, and the page escapes everything.

use serde::Serialize;
use serde_json::{Value, json};

use super::statistics::{Count, Target, Verdict};
use crate::domain::finding::{RULE_VERSION, plain};

/// A part of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Copies,
    Unlike,
    Focus,
    Light,
    Claims,
    Files,
}

impl Part {
    pub fn title(self) -> &'static str {
        match self {
            Part::Copies => "Copies: found",
            Part::Unlike => "No copies: called copies",
            Part::Focus => "Focus: found, and false alarms",
            Part::Light => "Light: found, and false alarms",
            Part::Claims => "Time and place: found, and false alarms",
            Part::Files => "Hostile files: refused or marked",
        }
    }
}

/// One line of the table.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub part: Part,
    pub name: String,
    pub count: Count,
    pub target: Option<Target>,
    /// Adds up the rows that follow it.
    pub total: bool,
}

impl Row {
    pub fn new(part: Part, name: &str, count: Count, target: Option<Target>) -> Row {
        Row { part, name: name.to_owned(), count, target, total: false }
    }

    pub fn total(part: Part, name: &str, count: Count, target: Option<Target>) -> Row {
        Row { total: true, ..Row::new(part, name, count, target) }
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.target.map(|target| target.verdict(self.count))
    }
}

/// A photo that could not be decoded, with the codes of the findings that say why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unread {
    pub file: String,
    pub why: String,
}

/// Two photos that are called copies though nobody labelled them as one picture: someone should look.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FalseCopy {
    pub file_a: String,
    pub file_b: String,
    /// Bits of the hashes that differ.
    pub bits: Option<u32>,
    /// How well their worst tiles agree, where local features call them copies.
    pub agreement: Option<f64>,
    /// Their label, where they have one.
    pub relation: Option<String>,
}

impl FalseCopy {
    fn line(&self) -> String {
        let bits = self.bits.map_or("no hash".to_owned(), |bits| format!("{bits} bits"));
        let agreement = self.agreement.map(|agreement| format!(", tiles {agreement:.2}")).unwrap_or_default();
        let [a, b] = [&self.file_a, &self.file_b].map(|file| plain(file, FILE_MAX_CHARS));
        let relation = self.relation.as_ref().map(|r| format!("{}, ", plain(r, 40))).unwrap_or_default();
        format!("{relation}{bits}{agreement}: {a} and {b}")
    }
}

/// An attack that was not found, or a false alarm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Miss {
    pub row: String,
    pub file: String,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Evaluation {
    pub seed: u64,
    /// Files looked at.
    pub photos: usize,
    /// Of these, attacked.
    pub attacked: usize,
    /// Too flat or too small for a hash.
    pub unsearchable: usize,
    pub unread: Vec<Unread>,
    pub rows: Vec<Row>,
    pub false_copies: Vec<FalseCopy>,
    pub misses: Vec<Miss>,
}

/// How to read the table; printed under it.
const RULES: &[&str] = &[
    "Found: at least one finding of level doubt or fail that names the attack; files: any finding about the file.",
    "Interval: 95%, Wilson. Attacks on one photo are not independent: read a total together with its rows.",
    "Not shown: fewer cases than a perfect result would need for its interval to reach the target (99%: 381, 98%: 189, 95%: 73, 92%: 45, 85%: 22, at most 1%: 381, at most 3%: 125, all: 20), unless the whole interval already misses it.",
    "Attacked: photos with a long side of at least 640 px (blur: 1600) that are neither damaged, black nor covered; of one picture in several files, by their labels, the first.",
    "Untouched photos are taken as sharp and well lit, unlabelled pairs as different scenes: look at the names below before blaming the checks.",
];

const FILE_MAX_CHARS: usize = 160;

impl Evaluation {
    /// True when a target is clearly missed.
    pub fn misses_a_target(&self) -> bool {
        self.rows.iter().any(|row| row.verdict() == Some(Verdict::NotMet))
    }

    fn headline(&self) -> String {
        format!(
            "{} photos, {} attacked, {} cannot be decoded, {} too flat or small to search; seed {}, rules {RULE_VERSION}",
            self.photos,
            self.attacked,
            self.unread.len(),
            self.unsearchable,
            self.seed
        )
    }

    /// The table for a terminal.
    pub fn table(&self) -> String {
        let mut out = format!("{}\n", self.headline());
        let mut part = None;
        for row in &self.rows {
            if part != Some(row.part) {
                part = Some(row.part);
                out.push_str(&format!(
                    "\n{:<50} {:>8} {:>8} {:>8}  {:<15} {:<9} {}\n",
                    row.part.title(),
                    "n",
                    "hits",
                    "share",
                    "95% interval",
                    "target",
                    "verdict"
                ));
            }
            let name = format!("{}{}", if row.total { "" } else { "  " }, plain(&row.name, 48));
            out.push_str(&format!(
                "{:<50} {:>8} {:>8} {:>8}  {:<15} {:<9} {}\n",
                name,
                row.count.n,
                row.count.hits,
                share(row.count),
                interval(row.count),
                row.target.map_or("-".to_owned(), |t| t.to_string()),
                row.verdict().map_or("-", Verdict::as_str),
            ));
        }
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                out.push_str(&format!("\n{title}\n"));
                lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
            }
        };
        let name = |file: &str| plain(file, FILE_MAX_CHARS);
        list(
            "Called copies, unlabelled or labelled as honest",
            self.false_copies.iter().map(FalseCopy::line).collect(),
        );
        list("Cannot be decoded", self.unread.iter().map(|u| format!("{}  {}", name(&u.file), u.why)).collect());
        list("How to read this", RULES.iter().map(|rule| (*rule).to_owned()).collect());
        out
    }

    /// `{rule_version, seed, photos, attacked, unsearchable, rows: [{part, name, total, n, hits, share, low, high,
    /// target, verdict}], false_copies, misses: [{row, file}], unread: [{file, why}], how_to_read}`.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let (low, high) = row.count.interval();
            json!({
                "part": row.part,
                "name": row.name,
                "total": row.total,
                "n": row.count.n,
                "hits": row.count.hits,
                "share": row.count.share(),
                "low": low,
                "high": high,
                "target": row.target,
                "verdict": row.verdict(),
            })
        };
        json!({
            "rule_version": RULE_VERSION,
            "seed": self.seed,
            "photos": self.photos,
            "attacked": self.attacked,
            "unsearchable": self.unsearchable,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "false_copies": self.false_copies,
            "misses": self.misses,
            "unread": self.unread,
            "how_to_read": RULES,
        })
    }

    /// A page without scripts that stands by itself.
    pub fn html(&self) -> String {
        let mut out = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width,initial-scale=1\"><title>Fieldproof: how well the photo checks do</title>\
             <style>{STYLE}</style></head><body><h1>How well the photo checks do</h1><p>{}</p>",
            escape(&self.headline())
        );
        let mut part = None;
        for row in &self.rows {
            if part != Some(row.part) {
                if part.is_some() {
                    out.push_str("</tbody></table></div>");
                }
                part = Some(row.part);
                out.push_str(&format!(
                    "<h2>{}</h2><div class=\"wide\"><table><thead><tr><th>what</th><th class=\"n\">n</th><th \
                     class=\"n\">hits</th><th class=\"n\">share</th><th>95% interval</th><th>target</th><th>verdict</th>\
                     </tr></thead><tbody>",
                    escape(row.part.title())
                ));
            }
            let (low, high) = row.count.interval();
            let verdict = row.verdict();
            let bar = match row.count.n {
                0 => String::new(),
                _ => format!(
                    "<span class=\"bar\"><i style=\"left:{:.1}%;width:{:.1}%\"></i></span>",
                    low * 100.0,
                    ((high - low) * 100.0).max(1.0)
                ),
            };
            out.push_str(&format!(
                "<tr class=\"{} {}\"><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td>{bar}{}</td><td>{}</td><td><b>{}</b></td></tr>",
                if row.total { "total" } else { "" },
                verdict.map_or("", |v| match v {
                    Verdict::Met => "met",
                    Verdict::NotMet => "missed",
                    Verdict::NotShown => "unshown",
                }),
                escape(&row.name),
                row.count.n,
                row.count.hits,
                share(row.count),
                interval(row.count),
                escape(&row.target.map_or("-".to_owned(), |t| t.to_string())),
                verdict.map_or("-", Verdict::as_str),
            ));
        }
        if part.is_some() {
            out.push_str("</tbody></table></div>");
        }
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let items: String = lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
                out.push_str(&format!("<h2>{title}</h2><ul>{items}</ul>"));
            }
        };
        let name = |file: &str| plain(file, FILE_MAX_CHARS);
        list(
            "Called copies, unlabelled or labelled as honest",
            self.false_copies.iter().map(FalseCopy::line).collect(),
        );
        list("Cannot be decoded", self.unread.iter().map(|u| format!("{}: {}", name(&u.file), u.why)).collect());
        list("How to read this", RULES.iter().map(|rule| (*rule).to_owned()).collect());
        out.push_str("</body></html>\n");
        out
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.45 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;white-space:nowrap}.n{text-align:right}\
td:first-child{white-space:normal;min-width:14rem;padding-left:1.4rem}.total td{font-weight:600}\
.total td:first-child{padding-left:.6rem}.met b{color:#18793a}.missed b{color:#c22}.unshown b{color:#777}\
@media(prefers-color-scheme:dark){.met b{color:#5c8}.missed b{color:#f77}.unshown b{color:#aaa}}\
.bar{display:inline-block;position:relative;width:6rem;height:.5rem;background:#8883;margin-right:.5rem;border-radius:2px}\
.bar i{position:absolute;top:0;bottom:0;background:#47a;border-radius:2px}li{overflow-wrap:anywhere}";

fn share(count: Count) -> String {
    count.share().map_or("-".to_owned(), percent)
}

fn interval(count: Count) -> String {
    let (low, high) = count.interval();
    if count.n == 0 { "-".to_owned() } else { format!("{} - {}", percent(low), percent(high)) }
}

/// Never rounded to all or nothing when it is neither.
fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p > 0.0 && p < 0.05 => "<0.1%".to_owned(),
        p if (99.95..100.0).contains(&p) => ">99.9%".to_owned(),
        p => format!("{p:.1}%"),
    }
}

/// Text that stands for itself in HTML, also inside an attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation() -> Evaluation {
        let row = |name: &str, hits, n, target| Row::new(Part::Copies, name, Count { hits, n }, target);
        Evaluation {
            seed: 7,
            photos: 3,
            attacked: 2,
            unsearchable: 0,
            unread: vec![Unread { file: "x<b>\u{1b}.jpg".into(), why: "DAMAGED".into() }],
            rows: vec![
                Row::total(Part::Copies, "all", Count { hits: 400, n: 400 }, Some(Target::AtLeast(0.99))),
                row("few", 3, 3, Some(Target::AtLeast(0.99))),
                row("bad", 10, 400, Some(Target::AtLeast(0.92))),
                row("nearly", 2999, 3000, None),
            ],
            false_copies: vec![FalseCopy {
                file_a: "a".into(),
                file_b: "b".into(),
                bits: Some(12),
                agreement: None,
                relation: None,
            }],
            misses: Vec::new(),
        }
    }

    #[test]
    fn the_table_says_met_not_met_and_not_shown() {
        let text = evaluation().table();
        let line = |name: &str| text.lines().find(|l| l.trim_start().starts_with(name)).expect("a row").to_owned();
        assert!(line("all").ends_with(" met") && line("few").ends_with("not shown"), "{text}");
        assert!(line("bad").ends_with("NOT MET") && line("nearly").contains(">99.9%"), "{text}");
        assert!(text.contains("12 bits: a and b") && text.contains("x<b> .jpg  DAMAGED"), "{text}");
        assert!(evaluation().misses_a_target());
    }

    #[test]
    fn the_page_escapes_names_and_the_json_has_numbers() {
        let page = evaluation().html();
        assert!(page.contains("x&lt;b&gt;") && !page.contains("x<b>") && !page.contains("<script"));
        let json = evaluation().json();
        assert_eq!((&json["rows"][1]["verdict"], &json["rows"][2]["hits"]), (&json!("not_shown"), &json!(10)));
        assert_eq!(json["rows"][0]["target"], ">= 99%");
        assert_eq!(json["unread"][0]["why"], "DAMAGED");
    }
}
