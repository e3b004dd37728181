//! Labelled pairs: which photos of a folder show one scene twice. A tab-separated file with a head line; the columns
//! `file_a`, `file_b` and `relation` count, others are ignored, and so are empty lines. Paths are relative to the
//! file's own folder, or to the folder above it.
//!
//! The relation `copy`, or any that begins with `same-picture`, says that both files hold one picture. Every other
//! relation (`reshot`, `other-view`, ...) says that both photos were honestly taken.

use std::collections::BTreeSet;

/// Two photos of one scene.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Labelled {
    pub file_a: String,
    pub file_b: String,
    pub relation: String,
}

impl Labelled {
    pub fn is_copy(&self) -> bool {
        self.relation == "copy" || self.relation.starts_with("same-picture")
    }
}

/// Reads the text of a file of pairs. Errors name the line and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Labelled>, String> {
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r')).enumerate();
    let (_, head) = lines.next().ok_or("line 1: the head line with file_a, file_b and relation is missing")?;
    let names: Vec<&str> = head.split('\t').map(str::trim).collect();
    let column = |name: &str| {
        names.iter().position(|n| *n == name).ok_or_else(|| format!("line 1: the column {name} is missing"))
    };
    let columns = [column("file_a")?, column("file_b")?, column("relation")?];
    let mut pairs = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [file_a, file_b, relation] = columns.map(|c| cells.get(c).copied().unwrap_or_default());
        if file_a.is_empty() || file_b.is_empty() || relation.is_empty() {
            return Err(format!("line {}: file_a, file_b or relation is empty", number + 1));
        }
        if file_a == file_b || !seen.insert((file_a.min(file_b), file_a.max(file_b))) {
            return Err(format!("line {}: this pair says nothing new", number + 1));
        }
        pairs.push(Labelled { file_a: file_a.into(), file_b: file_b.into(), relation: relation.into() });
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_by_the_names_of_their_columns() {
        let text =
            "relation\tnote\tfile_b\tfile_a\r\nreshot\tx\tb.jpg\ta.jpg\r\n\nsame-picture-turned\t\td.jpg\tc.jpg\n";
        let pairs = parse(text).expect("valid");
        assert_eq!((pairs[0].file_a.as_str(), pairs[0].file_b.as_str(), pairs[0].is_copy()), ("a.jpg", "b.jpg", false));
        assert!(pairs[1].is_copy());
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(parse("").unwrap_err(), "line 1: the head line with file_a, file_b and relation is missing");
        assert_eq!(parse("file_a\tfile_b\n").unwrap_err(), "line 1: the column relation is missing");
        let head = "file_a\tfile_b\trelation\n";
        assert_eq!(parse(&format!("{head}a\t\treshot")).unwrap_err(), "line 2: file_a, file_b or relation is empty");
        assert!(parse(&format!("{head}a\tb\treshot\nb\ta\tcopy")).unwrap_err().starts_with("line 3"));
    }
}
