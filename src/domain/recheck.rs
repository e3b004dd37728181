//! What looking at kept photos again under the rules of today would change: counted by code, and visit by visit.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assessment::Opinion;
use super::finding::Code;
use super::grade::Letter;
use super::ids::SubmissionId;
use super::replay::{Change, Difference};
use super::submission::SubmissionState;

/// How often a code would change, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Changes {
    pub appears: u64,
    pub disappears: u64,
    pub raised: u64,
    pub lowered: u64,
    /// The same level with another number or text.
    pub measured: u64,
}

/// One visit of which something would change.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct VisitChange {
    pub submission_id: SubmissionId,
    pub state: SubmissionState,
    pub differences: Vec<Difference>,
    /// What its assessment says and would say.
    pub verdict: (Opinion, Opinion),
    pub grade: (Option<Letter>, Option<Letter>),
}

/// What became of one visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Only looked at: nothing was to be written.
    Looked,
    Applied,
    /// A decision was taken, or the work was changed, in the meantime.
    Left,
    /// A reviewer holds it.
    Claimed,
}

/// Everything that a run found.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Recheck {
    pub rule_version: String,
    /// Whether anything was to be written.
    pub apply: bool,
    pub visits: u64,
    pub photos: u64,
    /// Photos that were looked at under the same rules before.
    pub current: u64,
    /// Photos whose bytes are gone; what was found on them stays.
    pub dropped: u64,
    pub codes: BTreeMap<String, Changes>,
    /// Visits of which something would change.
    pub changed: Vec<VisitChange>,
    pub assessments_flipped: u64,
    pub grades_changed: u64,
    pub applied: u64,
    pub left: u64,
    pub claimed: u64,
    /// Where the next run goes on, when this one reached its limit.
    pub next: Option<SubmissionId>,
}

impl Recheck {
    /// Counts one visit.
    pub fn add(&mut self, change: VisitChange, photos: u64, current: u64, dropped: u64, fate: Fate) {
        self.visits += 1;
        self.photos += photos;
        self.current += current;
        self.dropped += dropped;
        match fate {
            Fate::Looked => {}
            Fate::Applied => self.applied += 1,
            Fate::Left => self.left += 1,
            Fate::Claimed => self.claimed += 1,
        }
        for one in &change.differences {
            self.count(one.code, one);
        }
        self.assessments_flipped += u64::from(change.verdict.0 != change.verdict.1);
        self.grades_changed += u64::from(change.grade.0 != change.grade.1);
        if change.is_some() {
            self.changed.push(change);
        }
    }

    fn count(&mut self, code: Code, one: &Difference) {
        let changes = self.codes.entry(code.as_str().to_owned()).or_default();
        let raised = one.again.as_ref().map(|f| f.level) > one.stored.as_ref().map(|f| f.level);
        match one.change {
            Change::Appears => changes.appears += 1,
            Change::Disappears => changes.disappears += 1,
            Change::Level if raised => changes.raised += 1,
            Change::Level => changes.lowered += 1,
            Change::Measure => changes.measured += 1,
        }
    }

    /// For a terminal; at most `most` visits are named.
    pub fn table(&self, most: usize) -> String {
        let mut text = format!(
            "Rules {}: {} visits, {} photos looked at, {} under these rules already, {} without bytes.\n",
            self.rule_version, self.visits, self.photos, self.current, self.dropped
        );
        if self.codes.is_empty() {
            text.push_str("Every finding is the same.\n");
        } else {
            text.push_str(&format!(
                "{:<26} {:>8} {:>10} {:>8} {:>8} {:>9}\n",
                "finding", "appears", "disappears", "raised", "lowered", "measured"
            ));
        }
        for (code, c) in &self.codes {
            text.push_str(&format!(
                "{code:<26} {:>8} {:>10} {:>8} {:>8} {:>9}\n",
                c.appears, c.disappears, c.raised, c.lowered, c.measured
            ));
        }
        text.push_str(&format!(
            "{} assessments and {} grades {} different.\n",
            self.assessments_flipped,
            self.grades_changed,
            if self.apply { "are" } else { "would be" }
        ));
        let letter = |letter: Option<Letter>| letter.map_or("-", Letter::as_str);
        for one in self.changed.iter().take(most) {
            text.push_str(&format!(
                "  {} {:<16} {} -> {}, grade {} -> {}\n",
                one.submission_id,
                one.state.as_str(),
                one.verdict.0,
                one.verdict.1,
                letter(one.grade.0),
                letter(one.grade.1)
            ));
        }
        if self.changed.len() > most {
            text.push_str(&format!("  and {} more; --json names them all.\n", self.changed.len() - most));
        }
        if self.apply {
            text.push_str(&format!(
                "Written: {} visits. Left as they are: {} held by a reviewer, {} decided or changed meanwhile.\n",
                self.applied, self.claimed, self.left
            ));
        } else {
            text.push_str("Nothing was written; --apply writes it for visits that are not decided yet.\n");
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("There is more: go on with --after {next}\n"));
        }
        text
    }
}

impl VisitChange {
    /// Whether anything differs.
    pub fn is_some(&self) -> bool {
        !self.differences.is_empty() || self.verdict.0 != self.verdict.1 || self.grade.0 != self.grade.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::{Finding, Level};
    use crate::domain::replay::differences;

    #[test]
    fn changes_are_counted_by_code_and_visits_are_named() {
        let found = |level| Finding::new(Code::Blurred, level);
        let change = |stored: &[Finding], again: &[Finding], verdict, grade| VisitChange {
            submission_id: SubmissionId::from_bits(1),
            state: SubmissionState::InReview,
            differences: differences(stored, again),
            verdict,
            grade,
        };
        let mut all = Recheck { rule_version: "2026.2".to_owned(), ..Recheck::default() };
        let (b, c) = (Some(Letter::B), Some(Letter::C));
        all.add(change(&[], &[found(Level::Doubt)], (Opinion::Clear, Opinion::Doubt), (b, c)), 2, 1, 0, Fate::Looked);
        let worse = change(&[found(Level::Doubt)], &[found(Level::Fail)], (Opinion::Doubt, Opinion::Doubt), (c, c));
        all.add(worse, 1, 0, 0, Fate::Looked);
        all.add(change(&[], &[], (Opinion::Clear, Opinion::Clear), (b, b)), 1, 0, 1, Fate::Looked);
        assert_eq!(all.codes["BLURRED"], Changes { appears: 1, raised: 1, ..Changes::default() });
        assert_eq!((all.visits, all.photos, all.current, all.dropped), (3, 4, 1, 1));
        assert_eq!((all.assessments_flipped, all.grades_changed, all.changed.len()), (1, 1, 2));
        let text = all.table(1);
        assert!(text.contains("clear -> doubt, grade B -> C") && text.contains("and 1 more"), "{text}");
        assert!(text.contains("Nothing was written"), "{text}");
    }
}
