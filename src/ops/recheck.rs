//! Looking at kept photos again: what a visit was found to be, what it would be, and writing that for visits that nobody has
//! decided yet. A decision that was taken is never touched; work that waits for people keeps waiting for people, whatever
//! the new findings say.

use serde_json::{Value, json};

use super::assess::{Look, Photo, keep_look, note, photo_of, weigh};
use super::explain::is_laid;
use super::grades::{self, counts_for, finding_of, of_photo};
use crate::context::Cx;
use crate::db::evidence::About;
use crate::db::rows::{EvidenceRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, assess as db, evidence, looks, missions, pairs, submissions};
use crate::domain::assessment::{self, Opinion};
use crate::domain::event::{Actor, Event};
use crate::domain::finding::{Finding, RULE_VERSION};
use crate::domain::grade;
use crate::domain::ids::{EvidenceId, SubmissionId};
use crate::domain::recheck::{Fate, VisitChange};
use crate::domain::refusal::{Code, OrMissing, Outcome, Refusal};
use crate::domain::replay::differences;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// A sealed visit with the photos that count.
#[derive(Clone, Debug)]
pub struct Visit {
    submission: SubmissionRow,
    pub photos: Vec<Kept>,
    of_visit: Vec<Finding>,
    verdict: Option<Opinion>,
    grade: Option<grade::Letter>,
}

/// A photo as it was looked at.
#[derive(Clone, Debug)]
pub struct Kept {
    row: EvidenceRow,
    /// What its first look was told; what is known today where that was not kept.
    pub photo: Photo,
    pub stored: Vec<Finding>,
    /// Those of them that come from laying pictures on each other.
    pub laid: Vec<Finding>,
    /// The number of its hash: photos with a lower one were known when it was looked at.
    pub hash_seq: Option<i64>,
}

impl Kept {
    /// Whether it was looked at under the rules of today.
    pub fn is_current(&self) -> bool {
        self.row.check_version.as_deref() == Some(RULE_VERSION)
    }
}

/// What a second look gave.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: EvidenceId,
    pub findings: Vec<Finding>,
    pub facts: Value,
}

impl Visit {
    pub fn id(&self) -> &SubmissionId {
        &self.submission.id
    }

    /// What the second looks change; photos that are not among them stay as they were found.
    pub fn change(&self, seen: &[Seen]) -> VisitChange {
        let of = |kept: &'_ Kept| -> Vec<Finding> {
            let again = seen.iter().find(|one| one.id == kept.row.id);
            again.map_or_else(|| kept.stored.clone(), |one| one.findings.clone())
        };
        let mut all = Vec::new();
        let (mut before, mut after) = (self.of_visit.clone(), self.of_visit.clone());
        let (mut then, mut now) = (Vec::new(), Vec::new());
        for kept in &self.photos {
            let again = of(kept);
            all.extend(differences(&kept.stored, &again));
            let by_app_camera = kept.photo.envelope.is_sound(kept.photo.expected());
            then.push(of_photo(&kept.stored, by_app_camera));
            now.push(of_photo(&again, by_app_camera));
            before.extend(kept.stored.iter().cloned());
            after.extend(again);
        }
        let opinion = |findings: &[Finding]| {
            assessment::of(&findings.iter().map(|f| (f.code, f.level)).collect::<Vec<_>>()).opinion
        };
        let letter = |photos: &[grade::Grade]| grade::visit(photos, &self.of_visit).map(|grade| grade.letter);
        VisitChange {
            submission_id: self.submission.id.clone(),
            state: self.submission.state,
            differences: all,
            verdict: (self.verdict.unwrap_or_else(|| opinion(&before)), opinion(&after)),
            grade: (self.grade.or_else(|| letter(&then)), letter(&now)),
        }
    }
}

/// Sealed visits after `after`, oldest first; `undecided` only those that still wait for the machine or for people.
pub fn visits_after(
    cx: &Cx,
    after: Option<&SubmissionId>,
    since: Option<At>,
    undecided: bool,
    limit: i64,
) -> Outcome<Vec<Visit>> {
    cx.read(|c| {
        let rows = db::any_sealed_after(c, after, since, undecided, limit)?;
        rows.into_iter().map(|row| read_visit(c, row)).collect()
    })
}

fn read_visit(c: &mut Conn, submission: SubmissionRow) -> Outcome<Visit> {
    let rows = evidence::any_findings(c, &submission.reservation_id)?;
    let mut photos = Vec::new();
    for (_, row) in submissions::live_photos(c, &submission.id)? {
        // A photo that nobody could look at is with a person.
        let Some(row) = row.filter(|row| row.checked_at.is_some()) else { continue };
        let told = looks::any_of(c, &row.id)?.into_iter().rev().find_map(|look| look.context);
        let told = told.and_then(|Json(context)| serde_json::from_value::<Photo>(context).ok());
        let photo = match told {
            Some(photo) => photo,
            None => photo_of(c, row.clone())?,
        };
        let own = rows.iter().filter(|one| one.evidence_id.as_ref() == Some(&row.id));
        let stored: Vec<Finding> = own.map(finding_of).collect();
        let pairs = pairs::any_of(c, &row.id)?;
        let laid = stored.iter().filter(|finding| is_laid(finding, &pairs)).cloned().collect();
        photos.push(Kept { photo, stored, laid, hash_seq: row.hash_seq, row });
    }
    let of_visit = rows.iter().filter(|row| counts_for(row, submission.revision)).map(finding_of).collect();
    let last = db::any_assessments(c, &submission.id)?.pop();
    let verdict = last.filter(|one| one.revision == submission.revision).and_then(|one| Opinion::parse(&one.verdict));
    let grade = grades::shown(c, &submission)?.visit.map(|mark| mark.letter);
    Ok(Visit { submission, photos, of_visit, verdict, grade })
}

/// Writes what second looks found on a visit that nobody has decided, in one transaction with its event. A visit that
/// waits for people is assessed anew, so that the queue is sorted by what is known; it goes on waiting for people.
pub fn apply(cx: &Cx, visit: &Visit, seen: &[Seen]) -> Outcome<Fate> {
    let change = visit.change(seen);
    cx.write_as(&Actor::Operator, |tx| {
        let found = submissions::any_find(tx, visit.id())?.or_missing("submission")?;
        missions::any_locked(tx, &found.mission_id)?.or_missing("mission")?;
        let row = submissions::any_locked(tx, visit.id())?.or_missing("submission")?;
        let open = matches!(row.state, SubmissionState::Checking | SubmissionState::InReview);
        if !open || row.revision != visit.submission.revision {
            return passed(tx, Fate::Left);
        }
        if row.claimed_until.is_some_and(|until| until > tx.now()) {
            return passed(tx, Fate::Claimed);
        }
        for one in seen {
            let Some(kept) = visit.photos.iter().find(|kept| kept.row.id == one.id) else { continue };
            let now = db::any_evidence_locked(tx, &one.id)?.or_missing("photo")?;
            if now.check_version != kept.row.check_version {
                // Another run was quicker.
                return Err(Refusal::new(Code::Stale, "A photo was looked at again in the meantime.").into());
            }
            write_look(tx, &row, kept, one)?;
        }
        if row.state == SubmissionState::InReview && change.is_some() {
            let found = weigh(tx, &row)?;
            note(tx, &row, &found)?;
            let risk = found.risk;
            let row = submissions::change(tx, &row, |row| row.risk = risk)?;
            grades::keep(tx, &row)?;
        }
        let changes: Vec<Value> = change
            .differences
            .iter()
            .map(|one| json!({ "code": one.code, "change": one.change, "stored": one.stored, "again": one.again }))
            .collect();
        let event = Event::new("submission.rechecked", visit.id()).brand(&row.brand_id).rule(RULE_VERSION);
        tx.record(event.data(json!({ "photos": seen.len(), "changes": changes, "verdict": change.verdict.1 })))?;
        Ok(Fate::Applied)
    })
}

fn passed(tx: &mut Tx, fate: Fate) -> Outcome<Fate> {
    tx.nothing_changed();
    Ok(fate)
}

fn write_look(tx: &mut Tx, submission: &SubmissionRow, kept: &Kept, seen: &Seen) -> Outcome<()> {
    let about = About {
        reservation: &submission.reservation_id,
        submission: Some(&submission.id),
        evidence: Some(&seen.id),
        revision: submission.revision,
        item: Some(&kept.row.question),
    };
    db::drop_photo_findings(tx, &seen.id)?;
    for finding in &seen.findings {
        evidence::add_finding(tx, &about, finding)?;
    }
    db::set_looked_again(tx, &seen.id, RULE_VERSION, Json(seen.facts.clone()))?;
    let look = Look {
        context: Some(kept.photo.clone()),
        findings: seen.findings.clone(),
        facts: seen.facts.clone(),
        pdq: None,
        pdq_quality: 0,
        pdq_trimmed: None,
        pairs: Vec::new(),
        rendition_large: None,
        rendition_small: None,
        rule_version: RULE_VERSION.to_owned(),
    };
    keep_look(tx, &seen.id, &look)
}
