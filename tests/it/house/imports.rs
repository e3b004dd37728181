//! Reads every file under `src` and checks the table "Who may import what": which rooms a room may use, which outside
//! crates may be named where, and that each file says at its head what it is.
//! Test parts (`#[cfg(test)]`) may use any outside crate, but no other rooms than the rest of their file.
//! A change of the house is a change of the tables below, with a reason in the commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A room is the first path segment under `src`.
struct Room {
    name: &'static str,
    /// Other rooms it may use; `a::b` means only that module of `a`; `*` means all.
    uses: &'static [&'static str],
    /// Where given, the only outside crates it may name.
    only: Option<&'static [&'static str]>,
    /// Lists of words that never stand in its code, whatever crate they come from.
    never: &'static [&'static [&'static str]],
}

const ROOMS: &[Room] = &[
    Room {
        name: "domain",
        uses: &[],
        // `opening_hours` speaks chrono; `csv` and `osmpbf` turn bytes into values.
        only: Some(&[
            "chrono",
            "csv",
            "deunicode",
            "iban",
            "regex",
            "geo",
            "h3o",
            "iso_currency",
            "jiff",
            "opening_hours",
            "osmpbf",
            "roxmltree",
            "rstar",
            "serde",
            "serde_json",
        ]),
        never: &[IMPURE, CLOCK, ASYNC],
    },
    Room {
        name: "checks",
        uses: &["domain"],
        only: Some(&[
            "c2pa",
            "exif",
            "fast_image_resize",
            "image",
            "jiff",
            "jpeg_encoder",
            "serde",
            "serde_json",
            "sha2",
            "heic_rs",
            "tract_onnx",
            "turbojpeg",
            "zune_core",
            "zune_jpeg",
        ]),
        never: &[IMPURE, CLOCK, ASYNC],
    },
    // Reads photos in `folder` alone; threads, because a folder takes minutes.
    Room { name: "eval", uses: &["domain", "checks"], only: None, never: &[CLOCK, ASYNC, SQL] },
    Room { name: "access", uses: &["domain"], only: None, never: &[CLOCK, ASYNC] },
    Room { name: "db", uses: &["domain", "access"], only: None, never: &[CLOCK, STATUS] },
    Room { name: "ports", uses: &["domain"], only: None, never: &[SQL] },
    // The context carries the database and the ports from `boot` to the operations.
    // And what finds faces, a model that `boot` read, to the jobs.
    Room {
        name: "context",
        uses: &["domain", "checks::faces", "access", "db", "ports", "config"],
        only: None,
        never: &[],
    },
    Room { name: "ops", uses: &["domain", "access", "db", "context"], only: None, never: &[CLOCK, ASYNC, STATUS, SQL] },
    Room { name: "jobs", uses: &["domain", "checks", "ports", "ops", "context"], only: None, never: &[CLOCK, SQL] },
    Room {
        name: "web",
        uses: &["domain", "access", "ops", "ports::blobs", "context"],
        only: None,
        never: &[CLOCK, SQL],
    },
    Room { name: "config", uses: &["domain"], only: None, never: &[] },
    Room { name: "telemetry", uses: &["config"], only: None, never: &[] },
    Room { name: "demo", uses: &["*"], only: None, never: &[] },
    Room { name: "boot", uses: &["*"], only: None, never: &[] },
    Room { name: "cli", uses: &["*"], only: None, never: &[] },
    Room { name: "main", uses: &["*"], only: None, never: &[] },
    Room { name: "lib", uses: &[], only: Some(&[]), never: &[&["fn "]] },
    Room { name: "handbook", uses: &[], only: Some(&[]), never: &[&["fn "]] },
];

/// The same values in, the same values out: no dice, no outside world.
const IMPURE: &[&str] =
    &["std::env", "std::fs", "std::net", "std::process", "std::thread", "Instant::now", "now_v7", "println!"];
/// What time it is comes from `ports::clock` only; how long something takes may be measured.
const CLOCK: &[&str] = &["SystemTime", "Timestamp::now", "Zoned::now", "Utc::now", "Local::now", "At::now"];
const ASYNC: &[&str] = &["async fn", ".await"];
const STATUS: &[&str] = &["StatusCode"];
const SQL: &[&str] = &["sql_query"];

/// Outside crates that have a home: no other room names them. A crate that is not here may be named by every room
/// without an `only` list.
const HOMES: &[(&str, &[&str])] = &[
    ("diesel", &["db"]),
    ("diesel_migrations", &["db"]),
    ("libsqlite3_sys", &["db"]),
    ("pq_sys", &["db"]),
    ("actix_http", &["web", "boot"]),
    ("actix_multipart", &["web", "boot"]),
    ("actix_web", &["web", "boot"]),
    ("utoipa_swagger_ui", &["web", "boot"]),
    ("governor", &["web", "boot"]),
    ("object_store", &["ports"]),
    ("lettre", &["ports"]),
    ("reqwest", &["ports"]),
    ("getrandom", &["ports", "access"]),
    ("c2pa", &["checks"]),
    ("exif", &["checks"]),
    ("fast_image_resize", &["checks"]),
    ("image", &["checks", "demo", "eval"]), // the demonstration shakes one photo, the evaluation attacks many
    ("jpeg_encoder", &["checks", "demo", "eval"]),
    ("heic_rs", &["checks"]),
    ("tract_onnx", &["checks"]),
    ("turbojpeg", &["checks"]),
    ("zune_core", &["checks"]),
    ("zune_jpeg", &["checks"]),
    ("osmpbf", &["domain"]),
    ("deunicode", &["domain"]),
    ("iban", &["domain"]),
    ("roxmltree", &["domain"]),
    ("flate2", &["cli", "eval"]),
    ("argon2", &["access"]),
    ("jsonwebtoken", &["access"]),
    ("clap", &["config", "cli", "main"]),
    ("tracing_subscriber", &["telemetry"]),
    ("metrics_exporter_prometheus", &["telemetry", "boot", "web"]),
];

#[test]
fn every_room_uses_only_what_the_table_allows() {
    let files = sources();
    assert!(files.iter().any(|file| file.room == "domain"), "the sources are found");
    let outside = outside_crates();
    assert!(outside.contains("diesel") && outside.contains("exif"), "the dependencies are found: {outside:?}");
    let test_modules: BTreeSet<String> = files.iter().flat_map(|file| file.test_modules()).collect();
    let broken: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let all_test = test_modules
                .iter()
                .any(|module| file.module == *module || file.module.starts_with(&format!("{module}::")));
            file.complaints(&outside, all_test)
        })
        .collect();
    assert!(broken.is_empty(), "{} lines break the table of rooms:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    let bare: Vec<String> = sources()
        .iter()
        .filter(|file| !file.text.lines().find(|line| !line.trim().is_empty()).is_some_and(|l| l.starts_with("//! ")))
        .map(|file| file.path.clone())
        .collect();
    assert!(bare.is_empty(), "files without a head (//!, two to six lines):\n{}", bare.join("\n"));
}

struct Source {
    /// `src/web/gate.rs`
    path: String,
    /// `web`
    room: String,
    /// `web::gate`
    module: String,
    text: String,
    code: Code,
}

impl Source {
    fn new(path: &str, text: String) -> Source {
        let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
        let inner = inner.strip_suffix("/mod").unwrap_or(inner);
        let module = inner.replace('/', "::");
        let room = module.split("::").next().unwrap_or_default().to_owned();
        let code = Code::of(&text);
        Source { path: path.to_owned(), room, module, text, code }
    }

    /// Modules that this file declares for tests only (`#[cfg(test)] mod tests;`).
    fn test_modules(&self) -> Vec<String> {
        let tokens = &self.code.tokens;
        (0..tokens.len())
            .filter(|&i| tokens[i].test && tokens[i].text == "mod" && tokens.get(i + 2).is_some_and(|t| t.text == ";"))
            .map(|i| format!("{}::{}", self.module, tokens[i + 1].text))
            .collect()
    }

    fn complaints(&self, outside: &BTreeSet<String>, all_test: bool) -> Vec<String> {
        let Some(room) = ROOMS.iter().find(|room| room.name == self.room) else {
            return vec![format!("{}: the room `{}` is not in the table", self.path, self.room)];
        };
        let mut found = BTreeSet::new();
        let mut complain = |line: usize, what: String| found.insert((line, what));
        for used in self.code.paths() {
            let test = all_test || used.test;
            match used.segments[0].as_str() {
                "crate" | "fieldproof" => {
                    if let Some(target) = self.foreign(room, &used.segments[1..]) {
                        complain(used.line, format!("`{}` may not use `{target}`", room.name));
                    }
                }
                "super" => {
                    let up = used.segments.iter().take_while(|s| *s == "super").count();
                    let depth = self.module.split("::").count();
                    if !test && up >= depth && self.room != "lib" {
                        complain(used.line, "leaves its room by `super`: say `crate::`".to_owned());
                    }
                }
                name if !test && outside.contains(name) && !self.code.modules.contains(name) => {
                    let homeless = HOMES.iter().any(|(it, homes)| *it == name && !homes.contains(&room.name));
                    let unlisted = room.only.is_some_and(|only| !only.contains(&name));
                    if homeless || unlisted {
                        complain(used.line, format!("`{}` may not name the crate `{name}`", room.name));
                    }
                }
                _ => {}
            }
        }
        if !all_test {
            for (number, line) in self.code.untested.lines().enumerate() {
                for word in room.never.iter().copied().flatten().filter(|word| line.contains(**word)) {
                    complain(number + 1, format!("`{}` never contains `{}`", room.name, word.trim()));
                }
            }
        }
        found.into_iter().map(|(line, what)| format!("{}:{line}: {what}", self.path)).collect()
    }

    /// The room (or `room::module`) of a path under the crate's root, if this room may not use it.
    fn foreign(&self, room: &Room, path: &[String]) -> Option<String> {
        let target = path.first()?;
        let module = path.get(1).map_or_else(|| target.clone(), |second| format!("{target}::{second}"));
        let allowed = room.uses.iter().any(|used| *used == "*" || used == target || **used == module);
        (*target != self.room && !allowed).then_some(module)
    }
}

/// A file as far as this test understands it: tokens without comments and texts.
struct Code {
    tokens: Vec<Token>,
    /// The code without comments, texts and test parts, line by line as in the file.
    untested: String,
    /// Modules declared in the file; they hide an outside crate of the same name.
    modules: BTreeSet<String>,
}

struct Token {
    text: String,
    line: usize,
    test: bool,
}

struct Used {
    segments: Vec<String>,
    line: usize,
    test: bool,
}

impl Code {
    fn of(text: &str) -> Code {
        let bare = without_comments_and_texts(text);
        let mut tokens = tokens(&bare);
        mark_tests(&mut tokens);
        let modules = tokens.windows(2).filter(|two| two[0].text == "mod").map(|two| two[1].text.clone()).collect();
        // Lines with a test token are blanked; a line is never half test and half not after rustfmt.
        let test_lines: BTreeSet<usize> = tokens.iter().filter(|t| t.test).map(|t| t.line).collect();
        let untested = bare
            .lines()
            .enumerate()
            .map(
                |(number, line)| if test_lines.contains(&(number + 1)) { "\n".to_owned() } else { format!("{line}\n") },
            )
            .collect();
        Code { tokens, untested, modules }
    }

    /// Every path in the file with its first segments; a group in braces gives one path for each of its members.
    fn paths(&self) -> Vec<Used> {
        let mut found = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            if is_word(&self.tokens[i].text) && (i == 0 || self.tokens[i - 1].text != "::") {
                let in_use = i > 0 && self.tokens[i - 1].text == "use";
                let path_follows = self.tokens.get(i + 1).is_some_and(|next| next.text == "::");
                if in_use || path_follows {
                    i = self.path(i, &[], &mut found);
                    continue;
                }
            }
            i += 1;
        }
        found
    }

    /// Reads one path from token `i` on, as a member of the group `before`; gives the token after it.
    fn path(&self, mut i: usize, before: &[String], found: &mut Vec<Used>) -> usize {
        let at = &self.tokens[i.min(self.tokens.len() - 1)];
        let mut segments = before.to_vec();
        while let Some(token) = self.tokens.get(i) {
            if token.text == "{" {
                i += 1;
                while let Some(member) = self.tokens.get(i) {
                    match member.text.as_str() {
                        "}" => return i + 1,
                        "," => i += 1,
                        _ => {
                            let next = self.path(i, &segments, found);
                            // `a as b` and whatever else stands between two members.
                            i = next.max(i + 1);
                            while self.tokens.get(i).is_some_and(|t| t.text == "as" || is_word(&t.text)) {
                                i += 1;
                            }
                        }
                    }
                }
                return i;
            }
            if !is_word(&token.text) && token.text != "*" {
                break;
            }
            segments.push(token.text.clone());
            i += 1;
            match self.tokens.get(i).map(|t| t.text.as_str()) {
                Some("::") => i += 1,
                // A macro lives at the crate's root whatever room it belongs to.
                Some("!") if segments.len() == 2 && segments[0] == "crate" => return i,
                _ => break,
            }
        }
        if !segments.is_empty() {
            found.push(Used { segments, line: at.line, test: at.test });
        }
        i
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Blanks comments, texts and characters, keeping every line where it is.
fn without_comments_and_texts(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        let word_before = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        if at(i) == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_text(&chars[i..]).filter(|_| !word_before) {
            while at(i) != '"' {
                i += 1;
            }
            i += 1;
            while i < chars.len() && !(at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#')) {
                i += 1;
            }
            i += 1 + hashes;
        } else if at(i) == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
        } else {
            out.push(at(i));
            i += 1;
            continue;
        }
        out.extend(chars[start..i.min(chars.len())].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    }
    out
}

/// The number of `#` if a raw text (`r"`, `br#"`, `cr##"`) begins here.
fn raw_text(chars: &[char]) -> Option<usize> {
    let r = if matches!(chars.first(), Some('b' | 'c')) { 1 } else { 0 };
    if chars.get(r) != Some(&'r') {
        return None;
    }
    let hashes = chars[r + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(r + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn tokens(bare: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (number, line) in bare.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if word(first) {
                rest.find(|c| !word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push(Token { text: rest[..length].to_owned(), line: number + 1, test: false });
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// Marks what `#[cfg(test)]` or `#[test]` stands before: up to the `;` or the closing brace of the item.
fn mark_tests(tokens: &mut [Token]) {
    let texts: Vec<String> = tokens.iter().map(|t| t.text.clone()).collect();
    let starts =
        |i: usize, words: &[&str]| words.iter().enumerate().all(|(n, w)| texts.get(i + n).is_some_and(|t| t == w));
    if starts(0, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
        tokens.iter_mut().for_each(|token| token.test = true);
        return;
    }
    let mut i = 0;
    while i < texts.len() {
        if !starts(i, &["#", "[", "cfg", "(", "test", ")", "]"]) && !starts(i, &["#", "[", "test", "]"]) {
            i += 1;
            continue;
        }
        let (begin, mut depth) = (i, 0_i32);
        let mut end = texts.len();
        while i < texts.len() {
            match texts[i].as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    if depth <= 0 {
                        end = i + 1;
                        break;
                    }
                }
                ";" if depth == 0 => {
                    end = i + 1;
                    break;
                }
                _ => {}
            }
            i += 1;
        }
        tokens[begin..end].iter_mut().for_each(|token| token.test = true);
        i = end;
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            Source::new(&name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// The dependencies of Cargo.toml under the names that code uses.
fn outside_crates() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]"
            && let Some((name, _)) = line.split_once('=')
            && !line.starts_with('#')
        {
            let name = name.trim().replace('-', "_");
            // The one package whose library has another name.
            found.insert(if name == "kamadak_exif" { "exif".to_owned() } else { name });
        }
    }
    found
}

/// The reader itself, on made-up files: what it must see, and what it must not be fooled by.
mod reader {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text.to_owned()).complaints(&outside_crates(), false)
    }

    #[test]
    fn a_room_is_seen_in_plain_grouped_and_inline_paths() {
        for text in [
            "use crate::db;",
            "use crate::db::tx::Tx;",
            "use crate::{domain::money, db::{tx}};",
            "use crate::{\n    domain as rules,\n    db,\n};",
            "fn f() { crate::db::read(); }",
            "fn f(x: &crate::db::Tx) {}",
            "#[cfg(test)] mod tests { use crate::db; }",
            "use fieldproof::db;",
        ] {
            let found = complaints("src/web/problem.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains("`web` may not use `db"), "{found:?}");
        }
        assert_eq!(complaints("src/web/a.rs", "use crate::*;").len(), 1);
    }

    #[test]
    fn one_module_of_a_room_may_be_allowed_alone() {
        assert_eq!(complaints("src/web/a.rs", "use crate::ports::blobs::Blobs;"), [""; 0]);
        assert_eq!(complaints("src/web/a.rs", "use crate::ports::{blobs, bank};").len(), 1);
    }

    #[test]
    fn an_outside_crate_is_seen_outside_tests_only() {
        for text in ["use diesel::prelude::*;", "use diesel;", "#[derive(diesel::Queryable)] struct A;"] {
            assert_eq!(complaints("src/ops/a.rs", text).len(), 1, "{text}");
            assert_eq!(complaints("src/db/a.rs", text), [""; 0], "{text}");
            assert_eq!(complaints("src/ops/a.rs", &format!("#[cfg(test)]\nmod tests {{ {text} }}")), [""; 0], "{text}");
        }
        let after = "#[cfg(test)]\nmod tests { fn f() { let x = [1; 2]; } }\nuse diesel::prelude::*;";
        assert_eq!(complaints("src/ops/a.rs", after), ["src/ops/a.rs:3: `ops` may not name the crate `diesel`"]);
        assert_eq!(complaints("src/domain/a.rs", "use tracing::info;").len(), 1, "not in the pure room's list");
        assert_eq!(complaints("src/domain/a.rs", "use jiff::Span;"), [""; 0]);
    }

    #[test]
    fn comments_texts_and_own_names_are_no_use() {
        for text in [
            "// use crate::db;\n/* crate::db /* x */ diesel::a */",
            "const A: &str = \"crate::db \\\" diesel::x\"; const B: &str = r#\"use \"crate::db\"\"#;",
            "fn f<'a>(x: &'a str) -> char { '\"' }",
            "const Q: char = '\\''; const R: char = '\\u{22}';",
            "mod image; fn f() { image::open(); crate::checks::image::look(); }",
            "crate::each!(x);",
            "use super::image::Shape;",
        ] {
            assert_eq!(complaints("src/checks/deep/a.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_room_is_not_left_by_the_back_door() {
        assert_eq!(complaints("src/web/a.rs", "use super::b;"), [""; 0]);
        assert_eq!(complaints("src/web/a.rs", "use super::super::db;").len(), 1);
        assert_eq!(complaints("src/cellar/a.rs", ""), ["src/cellar/a.rs: the room `cellar` is not in the table"]);
    }

    #[test]
    fn a_pure_room_has_no_clock() {
        assert_eq!(complaints("src/domain/a.rs", "fn f() { jiff::Timestamp::now(); }").len(), 1);
        assert_eq!(complaints("src/domain/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}"), [""; 0]);
    }
}
