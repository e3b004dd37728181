//! Grades of evidence: computed from what was found so far, and kept when a visit goes to people or is decided. What was
//! decided shows the grade of that day; what is open shows the grade of now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::assess::envelope_of;
use crate::db::rows::{EvidenceRow, FindingRow, GradeRow, ReservationRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, Tx, evidence, grades as db, reservations, submissions};
use crate::domain::capture::Expected;
use crate::domain::finding::{Code, Finding, Language, Level};
use crate::domain::grade::{self, Grade, Letter, Proof, Reason};
use crate::domain::ids::EvidenceId;
use crate::domain::refusal::{OrMissing, Outcome};
use crate::domain::submission::SubmissionState;

/// How much a photo or a visit proves, with the reasons in words.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct GradeView {
    /// `A` to `D`.
    pub letter: Letter,
    /// Gravest first; never empty.
    pub reasons: Vec<ReasonView>,
    pub rule_version: String,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct ReasonView {
    /// Code of a finding, or one that only grades have.
    pub code: String,
    pub sentence: String,
}

/// A letter with its reasons and the version of the rules that gave it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Mark {
    pub letter: Letter,
    pub reasons: Vec<Reason>,
    pub rule_version: String,
}

impl Mark {
    pub fn view(&self, language: Language) -> GradeView {
        let reason =
            |reason: &Reason| ReasonView { code: reason.as_str().to_owned(), sentence: reason.sentence(language) };
        GradeView {
            letter: self.letter,
            reasons: self.reasons.iter().map(reason).collect(),
            rule_version: self.rule_version.clone(),
        }
    }

    /// From the form in which it is kept; reasons that this version does not know are left out.
    fn read(letter: Letter, reasons: &Value, rule_version: &str) -> Mark {
        let known = |code: &Value| Reason::parse(code.as_str()?);
        let reasons = reasons.as_array().map(|list| list.iter().filter_map(known).collect());
        Mark { letter, reasons: reasons.unwrap_or_default(), rule_version: rule_version.to_owned() }
    }
}

impl From<Grade> for Mark {
    fn from(grade: Grade) -> Mark {
        Mark { letter: grade.letter, reasons: grade.reasons, rule_version: grade.rule_version.to_owned() }
    }
}

/// The grades of one submission.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Marks {
    /// `None` as long as no photo that counts was looked at.
    pub visit: Option<Mark>,
    pub photos: BTreeMap<EvidenceId, Mark>,
}

/// Whether the app's own camera took it for this visit, as far as the envelope that came with it can say.
fn by_app_camera(photo: &EvidenceRow, visit: &ReservationRow) -> bool {
    let (nonce, reserved_at, received_at) = (visit.nonce.as_str(), visit.reserved_at, photo.received_at);
    envelope_of(photo).is_sound(Expected { nonce, reserved_at, received_at, camera_only: false })
}

/// What one look at a photo proves. Every look is told the window of the visit and the position of the store.
pub(super) fn of_photo(findings: &[Finding], by_app_camera: bool) -> Grade {
    grade::photo(findings, &Proof::of(findings, by_app_camera, true, true))
}

/// A code of a later version counts as a doubt of the lightest kind rather than as nothing.
pub(super) fn finding_of(row: &FindingRow) -> Finding {
    evidence::read_finding(row).unwrap_or_else(|| Finding::new(Code::AnswerFlagged, Level::Doubt))
}

/// Whether a finding about the visit as a whole counts for this revision: answers are sealed anew with each.
pub(super) fn counts_for(row: &FindingRow, revision: i64) -> bool {
    row.evidence_id.is_none() && (row.submission_id.is_none() || row.item.is_none() || row.revision == revision)
}

/// The grades by what is known now: of the photos that count and were looked at, and of the visit.
pub(super) fn derive(conn: &mut Conn, submission: &SubmissionRow) -> Outcome<Marks> {
    let rows = evidence::any_findings(conn, &submission.reservation_id)?;
    let visit = reservations::any_find(conn, &submission.reservation_id)?.or_missing("reservation")?;
    let mut photos = BTreeMap::new();
    for (_, photo) in submissions::live_photos(conn, &submission.id)? {
        let Some(photo) = photo.filter(|photo| photo.checked_at.is_some()) else { continue };
        let own = rows.iter().filter(|row| row.evidence_id.as_ref() == Some(&photo.id));
        let found: Vec<Finding> = own.map(finding_of).collect();
        photos.insert(photo.id.clone(), of_photo(&found, by_app_camera(&photo, &visit)));
    }
    let of_visit: Vec<Finding> =
        rows.iter().filter(|row| counts_for(row, submission.revision)).map(finding_of).collect();
    let grades: Vec<Grade> = photos.values().cloned().collect();
    Ok(Marks {
        visit: grade::visit(&grades, &of_visit).map(Mark::from),
        photos: photos.into_iter().map(|(id, grade)| (id, grade.into())).collect(),
    })
}

/// The grades to show: those of the decision once there is one, else those of now.
pub(super) fn shown(conn: &mut Conn, submission: &SubmissionRow) -> Outcome<Marks> {
    use SubmissionState::{Appealed, Approved, PartlyApproved, Rejected};
    if matches!(submission.state, Approved | PartlyApproved | Rejected | Appealed)
        && let Some(row) = db::any_find(conn, &submission.id)?
    {
        return Ok(read(&row));
    }
    derive(conn, submission)
}

fn read(row: &GradeRow) -> Marks {
    let photo = |(id, kept): (&String, &Value)| {
        let letter = kept["letter"].as_str().and_then(Letter::parse)?;
        Some((EvidenceId::parse(id)?, Mark::read(letter, &kept["reasons"], &row.rule_version)))
    };
    Marks {
        visit: row.letter.map(|letter| Mark::read(letter, &row.reasons.0, &row.rule_version)),
        photos: row.photos.0.as_object().into_iter().flatten().filter_map(photo).collect(),
    }
}

/// Keeps the grades of now, for reports and for whoever asks later what the evidence was worth.
pub(super) fn keep(tx: &mut Tx, submission: &SubmissionRow) -> Outcome<Option<Letter>> {
    let marks = derive(tx, submission)?;
    let codes = |mark: &Mark| -> Vec<&str> { mark.reasons.iter().map(|reason| reason.as_str()).collect() };
    let photo =
        |(id, mark): (&EvidenceId, &Mark)| (id.to_string(), json!({ "letter": mark.letter, "reasons": codes(mark) }));
    let row = GradeRow {
        submission_id: submission.id.clone(),
        revision: submission.revision,
        letter: marks.visit.as_ref().map(|mark| mark.letter),
        reasons: Json(json!(marks.visit.as_ref().map(codes).unwrap_or_default())),
        photos: Json(Value::Object(marks.photos.iter().map(photo).collect())),
        rule_version: grade::RULE_VERSION.to_owned(),
        at: tx.now(),
    };
    db::keep(tx, &row)?;
    Ok(row.letter)
}
