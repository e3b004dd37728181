//! Why a decision is as it is: what it was taken from, by whom and under which rules, and whether the same comes out again.
//! What was found then is read from the looks that were kept; the looks themselves are made again by whoever has the bytes,
//! between two reads. A worker sees his own case and nothing of other people.

use serde::Serialize;
use serde_json::Value;

use super::assess::{Hashed, Photo, photo_of};
use super::compare::NOT_COMPARED;
use super::decisions::DecisionView;
use super::grades::{self, GradeView, counts_for, finding_of};
use super::reservations::language_of;
use crate::access::scope::WorkerScope;
use crate::access::{Reviewer, Worker};
use crate::context::Cx;
use crate::db::rows::{
    AssessmentRow, DecisionRow, EvidenceRow, FindingRow, LookRow, PhotoPairRow, SubmissionPhotoRow, SubmissionRow,
};
use crate::db::{
    Conn, assess as db, decisions, evidence, looks, missions, pairs as photo_pairs, reservations, submissions,
};
use crate::domain::assessment::{self, Opinion, Weighed};
use crate::domain::decision;
use crate::domain::finding::{Code, Finding, Language, Level, RULE_VERSION};
use crate::domain::ids::{AssessmentId, DecisionId, EvidenceId, SubmissionId, UserId};
use crate::domain::refusal::{OrMissing, Outcome};
use crate::domain::replay::{Change, Difference, Gap, Scope, differences};
use crate::domain::time::At;
use crate::domain::visit::{Fix, POSITION_CODES, position_findings};

/// Photos that one answer looks at again.
const PHOTOS_MAX: usize = 60;

/// Findings about a pair that its two hashes, or its two digests, give again.
const PAIR_CODES: &[Code] = &[
    Code::DupExactOwn,
    Code::DupExactOther,
    Code::DupPerceptualOwn,
    Code::DupPerceptualOther,
    Code::DupMirrored,
    Code::Burst,
    Code::SameSceneOtherWorker,
];

// What is looked at again

/// A photo to look at again: what the look was told, and the other photos of its pairs.
#[derive(Clone, Debug)]
pub struct Again {
    pub photo: Photo,
    /// Photos with the same bytes: (photo, same worker).
    pub copies: Vec<(EvidenceId, bool)>,
    /// Hashes of photos that it was found to resemble.
    pub others: Vec<Hashed>,
}

/// What a second look gave.
#[derive(Clone, Debug)]
pub enum Relooked {
    /// Nobody here looks at photos.
    NoLook,
    /// The bytes are gone.
    Dropped,
    Found(Vec<Finding>),
}

// What is told

#[derive(Serialize, Clone, Debug)]
pub struct Explanation {
    pub decision: DecisionView,
    /// Who or what decided, in words.
    pub summary: String,
    /// What was stored with the decision.
    pub inputs: Value,
    pub rules: Vec<Rule>,
    /// The last one before the decision; null when none was kept.
    pub assessment: Option<Assessed>,
    /// Everything that was found by then about the photos that counted and the visit, with what it was held against.
    pub findings: Vec<Found>,
    pub grade: Option<GradeView>,
    pub replay: Replay,
}

/// A set of rules: the version then and the one of this program.
#[derive(Serialize, Clone, Debug)]
pub struct Rule {
    /// `findings`, `assessment` or `decision`.
    pub name: &'static str,
    pub version: String,
    pub current: String,
    pub same: bool,
}

#[derive(Serialize, Clone, Debug)]
pub struct Assessed {
    pub id: AssessmentId,
    pub revision: i64,
    pub verdict: String,
    pub risk: i64,
    pub risk_max: i64,
    pub rule_version: String,
    pub at: At,
    pub weighed: Vec<Added>,
}

/// What one finding added to the risk.
#[derive(Serialize, Clone, Debug)]
pub struct Added {
    pub code: String,
    pub level: String,
    pub weight: i64,
}

#[derive(Serialize, Clone, Debug)]
pub struct Found {
    pub code: String,
    pub level: String,
    pub value: Option<f64>,
    pub limit: Option<f64>,
    pub text: Option<String>,
    pub sentence: String,
    pub evidence_id: Option<EvidenceId>,
    pub item: Option<String>,
    /// The other photo of a pair; never told to workers.
    pub other: Option<EvidenceId>,
    pub rule_version: String,
}

#[derive(Serialize, Clone, Debug)]
pub struct Replay {
    /// Everything that was made again came out the same; false too when nothing could be made again.
    pub same: bool,
    pub scope: Scope,
    pub photos: Vec<PhotoReplay>,
    pub positions: Part,
    pub assessment: Part,
    /// Codes of all gaps, each once, with a sentence.
    pub gaps: Vec<GapView>,
}

#[derive(Serialize, Clone, Debug)]
pub struct GapView {
    pub code: Gap,
    pub sentence: String,
}

#[derive(Serialize, Clone, Debug)]
pub struct PhotoReplay {
    pub evidence_id: EvidenceId,
    pub client_id: String,
    pub rule_version: String,
    #[serde(flatten)]
    pub part: Part,
}

/// One thing that was made again, or was not.
#[derive(Serialize, Clone, Debug)]
pub struct Part {
    pub replayed: bool,
    /// Null when it was not made again.
    pub same: Option<bool>,
    /// Code of the gap.
    pub gap: Option<Gap>,
    pub differences: Vec<DifferenceView>,
}

impl Part {
    fn left(gap: Gap) -> Part {
        Part { replayed: false, same: None, gap: Some(gap), differences: Vec::new() }
    }
}

#[derive(Serialize, Clone, Debug)]
pub struct DifferenceView {
    /// Code of the finding, or `verdict`, `risk` or `weights` of the assessment.
    pub code: String,
    pub change: Change,
    pub other: Option<EvidenceId>,
    pub stored_level: Option<String>,
    pub stored_value: Option<f64>,
    pub again_level: Option<String>,
    pub again_value: Option<f64>,
}

impl DifferenceView {
    fn of(one: Difference, for_worker: bool) -> DifferenceView {
        let level = |finding: &Option<Finding>| finding.as_ref().map(|f| f.level.as_str().to_owned());
        let value = |finding: &Option<Finding>| finding.as_ref().and_then(|f| f.value);
        DifferenceView {
            code: one.code.as_str().to_owned(),
            change: one.change,
            other: one.other.filter(|_| !for_worker),
            stored_level: level(&one.stored),
            stored_value: value(&one.stored),
            again_level: level(&one.again),
            again_value: value(&one.again),
        }
    }

    fn plain(
        code: &str,
        stored: (Option<String>, Option<i64>),
        again: (Option<String>, Option<i64>),
    ) -> DifferenceView {
        DifferenceView {
            code: code.to_owned(),
            change: Change::Measure,
            other: None,
            stored_level: stored.0,
            stored_value: stored.1.map(|n| n as f64),
            again_level: again.0,
            again_value: again.1.map(|n| n as f64),
        }
    }
}

// Reading a case

/// An explanation that lacks the second looks.
#[derive(Clone, Debug)]
pub struct Case {
    told: Explanation,
    photos: Vec<PhotoCase>,
    language: Language,
    for_worker: bool,
}

#[derive(Clone, Debug)]
struct PhotoCase {
    evidence_id: EvidenceId,
    client_id: String,
    rule_version: String,
    stored: Vec<Finding>,
    /// What to look at again, or why not.
    again: Result<Box<Again>, Gap>,
    gaps: Vec<Gap>,
}

/// Who reads it.
struct Reader {
    language: Language,
    for_worker: bool,
}

/// Any decision, for a reviewer.
pub fn explain_decision(cx: &Cx, _who: &Reviewer, id: &DecisionId) -> Outcome<Case> {
    cx.read(|c| {
        let row = decisions::any_by_id(c, id)?.or_missing("decision")?;
        read_case(c, row, Reader { language: Language::En, for_worker: false })
    })
}

/// The decision that stands about one's own submission.
pub fn explain_own_decision(cx: &Cx, who: &Worker, id: &SubmissionId, language: Option<Language>) -> Outcome<Case> {
    let worker = WorkerScope::from(who);
    cx.read(|c| {
        let submission = submissions::find(c, &worker, id)?.or_missing("submission")?;
        let language = language_of(c, &worker, language)?;
        let decision = submission.decision_id.as_ref().or_missing("decision")?;
        let row = decisions::any_by_id(c, decision)?.or_missing("decision")?;
        read_case(c, row, Reader { language, for_worker: true })
    })
}

fn read_case(c: &mut Conn, row: DecisionRow, reader: Reader) -> Outcome<Case> {
    let submission = submissions::any_find(c, &row.submission_id)?.or_missing("submission")?;
    let (decided_at, revision) = (row.at, row.revision);
    let before = |one: &AssessmentRow| one.at <= decided_at && one.revision <= revision;
    let assessment = db::any_assessments(c, &submission.id)?.into_iter().rfind(before);
    let rows = evidence::any_findings(c, &submission.reservation_id)?;
    let photos = photos_of(c, &submission, revision)?;
    let mut cases = Vec::new();
    for (photo, here) in &photos {
        cases.push(photo_case(c, photo, here, &rows, decided_at, cases.len())?);
    }
    let of_visit: Vec<&FindingRow> =
        rows.iter().filter(|row| counts_for(row, revision) && row.at <= decided_at).collect();
    let positions = positions_again(c, &submission, &of_visit, &row)?;
    let assessed = match &assessment {
        None => Part::left(Gap::NoAssessment),
        Some(found) => {
            let file = match submission.revision == found.revision {
                true => Some(on_file(c, &photos, &rows, found)?),
                false => None,
            };
            assessment_again(found, file)
        }
    };

    let mut findings = Vec::new();
    for case in &cases {
        findings.extend(case.stored.iter().map(|f| (f.clone(), Some(&case.evidence_id), None, &case.rule_version)));
    }
    findings.extend(of_visit.iter().map(|row| (finding_of(row), None, row.item.clone(), &row.rule_version)));
    let findings: Vec<Found> = findings
        .into_iter()
        .map(|(finding, photo, item, version)| Found {
            code: finding.code.as_str().to_owned(),
            level: finding.level.as_str().to_owned(),
            sentence: finding.sentence(reader.language),
            value: finding.value,
            limit: finding.limit,
            text: finding.text,
            evidence_id: photo.cloned(),
            item,
            other: finding.other.filter(|_| !reader.for_worker),
            rule_version: version.clone(),
        })
        .collect();

    let mut gaps = Vec::new();
    if submission.revision > revision {
        gaps.push(Gap::LaterRevision);
    }
    gaps.extend([&positions, &assessed].into_iter().filter_map(|part| part.gap));
    let grade = match submission.decision_id.as_ref() == Some(&row.id) {
        true => grades::shown(c, &submission)?.visit.map(|mark| mark.view(reader.language)),
        false => None,
    };
    let rules = rules(&row, assessment.as_ref(), &findings);
    let (inputs, by) = (row.inputs.0.clone(), row.decided_by);
    let mut decision = DecisionView::read(c, row)?;
    if reader.for_worker {
        // That a person decided is told; who, stays between colleagues.
        (decision.decider_id, decision.second_reviewer_id) = (None::<UserId>, None);
    }
    let told = Explanation {
        decision,
        summary: by.sentence(reader.language).to_owned(),
        inputs,
        rules,
        assessment: assessment.map(|row| assessed_view(&row)),
        findings,
        grade,
        replay: Replay {
            same: false,
            scope: Scope::Nothing,
            photos: Vec::new(),
            positions,
            assessment: assessed,
            gaps: gaps.into_iter().map(|gap| gap_view(gap, reader.language)).collect(),
        },
    };
    Ok(Case { told, photos: cases, language: reader.language, for_worker: reader.for_worker })
}

fn gap_view(code: Gap, language: Language) -> GapView {
    GapView { code, sentence: code.sentence(language).to_owned() }
}

/// The photos that counted for a revision and have arrived.
fn photos_of(
    c: &mut Conn,
    submission: &SubmissionRow,
    revision: i64,
) -> Outcome<Vec<(SubmissionPhotoRow, EvidenceRow)>> {
    let counted = |photo: &SubmissionPhotoRow| {
        photo.revision <= revision && photo.replaced_in.is_none_or(|replaced| replaced > revision)
    };
    let photos = submissions::photos(c, &submission.id)?.into_iter();
    Ok(photos.filter_map(|(photo, here)| Some((photo, here?))).filter(|(photo, _)| counted(photo)).collect())
}

/// The look that was in force then, and what it found; photos from before looks were kept have their findings only.
fn look_at(
    c: &mut Conn,
    photo: &EvidenceRow,
    rows: &[FindingRow],
    then: At,
) -> Outcome<Option<(Option<LookRow>, Vec<Finding>)>> {
    let all = looks::any_of(c, &photo.id)?;
    let kept = !all.is_empty();
    if let Some(look) = all.into_iter().rfind(|look| look.at <= then) {
        let found = look.findings.0.as_array().into_iter().flatten();
        // A code of a later version counts as a doubt of the lightest kind rather than as nothing.
        let unknown = || Finding::new(Code::AnswerFlagged, Level::Doubt);
        let found = found.map(|one| serde_json::from_value(one.clone()).unwrap_or_else(|_| unknown())).collect();
        return Ok(Some((Some(look), found)));
    }
    if kept || photo.checked_at.is_none_or(|at| at > then) {
        return Ok(None);
    }
    let own = rows.iter().filter(|row| row.evidence_id.as_ref() == Some(&photo.id) && row.at <= then);
    Ok(Some((None, own.map(finding_of).collect())))
}

fn photo_case(
    c: &mut Conn,
    photo: &SubmissionPhotoRow,
    here: &EvidenceRow,
    rows: &[FindingRow],
    then: At,
    before: usize,
) -> Outcome<PhotoCase> {
    let case = |rule_version: String, stored, again| PhotoCase {
        evidence_id: here.id.clone(),
        client_id: photo.client_id.clone(),
        rule_version,
        stored,
        again,
        gaps: Vec::new(),
    };
    let Some((look, stored)) = look_at(c, here, rows, then)? else {
        return Ok(case(String::new(), Vec::new(), Err(Gap::NotLookedAt)));
    };
    let version = match &look {
        Some(look) => look.rule_version.clone(),
        None => here.check_version.clone().unwrap_or_default(),
    };
    let context = match &look {
        // Nobody could look at it then: a person was asked.
        Some(LookRow { context: None, .. }) => return Ok(case(version, stored, Err(Gap::NotLookedAt))),
        Some(LookRow { context: Some(json), .. }) => serde_json::from_value::<Photo>(json.0.clone()).ok(),
        None => None,
    };
    if version != RULE_VERSION {
        return Ok(case(version, stored, Err(Gap::RulesDiffer)));
    }
    if before >= PHOTOS_MAX {
        return Ok(case(version, stored, Err(Gap::TooManyPhotos)));
    }
    let mut gaps = Vec::new();
    let context = match context {
        Some(context) => context,
        None => {
            gaps.push(Gap::ContextOfToday);
            photo_of(c, here.clone())?
        }
    };
    let (again, left_out) = pairs(c, here, context, &stored)?;
    if left_out {
        gaps.push(Gap::PairsLeftOut);
    }
    Ok(PhotoCase { gaps, ..case(version, stored, Ok(Box::new(again))) })
}

/// What was found on a photo by laying pictures on each other, or could not be: another step than a look, which no look
/// makes again.
pub(super) fn is_laid(finding: &Finding, pairs: &[PhotoPairRow]) -> bool {
    let Some(other) = &finding.other else {
        return finding.code == Code::Damaged && finding.text.as_deref() == Some(NOT_COMPARED);
    };
    let hashed = |pair: &PhotoPairRow| pair.other_id == *other && pair.distance.is_some();
    !PAIR_CODES.contains(&finding.code) || !pairs.iter().any(hashed)
}

/// What a second look needs to know of the other photos of stored pairs; true when nothing is left of one of them.
fn pairs(c: &mut Conn, here: &EvidenceRow, photo: Photo, stored: &[Finding]) -> Outcome<(Again, bool)> {
    let rows = photo_pairs::any_of(c, &here.id)?;
    let others: Vec<EvidenceId> = stored.iter().filter_map(|finding| finding.other.clone()).collect();
    let others = if others.is_empty() { Vec::new() } else { db::any_evidence(c, &others)? };
    let mut again = Again { photo, copies: Vec::new(), others: Vec::new() };
    let mut left_out = false;
    for finding in stored {
        left_out = left_out || is_laid(finding, &rows);
        let Some(id) = finding.other.as_ref().filter(|_| !is_laid(finding, &rows)) else { continue };
        let other = others.iter().find(|row| row.id == *id);
        match (finding.code, other) {
            (Code::DupExactOwn | Code::DupExactOther, Some(row)) if row.sha256 == here.sha256 => {
                again.copies.push((row.id.clone(), row.worker_id == here.worker_id));
            }
            (code, Some(EvidenceRow { pdq: Some(pdq), .. })) if PAIR_CODES.contains(&code) => {
                let row = other.or_missing("photo")?;
                again.others.push(Hashed {
                    seq: row.hash_seq.unwrap_or(0),
                    id: row.id.clone(),
                    worker: row.worker_id.clone(),
                    visit: row.reservation_id.clone(),
                    at: row.received_at,
                    pdq: pdq.clone(),
                    quality: row.pdq_quality.unwrap_or(0),
                    trimmed: row.pdq_trimmed.clone().zip(row.pdq_trimmed_quality),
                });
            }
            _ => left_out = true,
        }
    }
    Ok((again, left_out))
}

/// Whether a pair is one that a second look compares.
fn is_compared(finding: &Finding, again: &Again) -> bool {
    let Some(other) = &finding.other else { return !is_laid(finding, &[]) };
    again.copies.iter().any(|(id, _)| id == other) || again.others.iter().any(|hash| hash.id == *other)
}

fn positions_again(
    c: &mut Conn,
    submission: &SubmissionRow,
    of_visit: &[&FindingRow],
    row: &DecisionRow,
) -> Outcome<Part> {
    if submission.revision > row.revision {
        return Ok(Part::left(Gap::LaterRevision));
    }
    let stored: Vec<Finding> =
        of_visit.iter().map(|row| finding_of(row)).filter(|f| POSITION_CODES.contains(&f.code)).collect();
    let fixes: Vec<Fix> = reservations::any_fixes(c, &submission.reservation_id)?
        .into_iter()
        .filter(|fix| fix.received_at <= row.at)
        .map(|fix| Fix { distance_m: fix.distance_m, accuracy_m: fix.accuracy_m, mock: fix.mock })
        .collect();
    if fixes.is_empty() && stored.iter().all(|finding| finding.code != Code::PositionMissing) {
        return Ok(Part::left(Gap::PositionsDropped));
    }
    let store = missions::any_store(c, &submission.store_id)?;
    let found = differences(&stored, &position_findings(&fixes, store.radius_m));
    let differences: Vec<DifferenceView> = found.into_iter().map(|one| DifferenceView::of(one, true)).collect();
    Ok(Part { replayed: true, same: Some(differences.is_empty()), gap: None, differences })
}

fn weighed_of(row: &AssessmentRow) -> Option<Vec<Weighed>> {
    serde_json::from_value(row.inputs.0.get("findings")?.clone()).ok()
}

/// Whether the findings on file are those that an assessment added up.
fn on_file(
    c: &mut Conn,
    photos: &[(SubmissionPhotoRow, EvidenceRow)],
    rows: &[FindingRow],
    found: &AssessmentRow,
) -> Outcome<bool> {
    let mut filed: Vec<(Code, Level)> = Vec::new();
    for (_, here) in photos {
        if let Some((_, stored)) = look_at(c, here, rows, found.at)? {
            filed.extend(stored.iter().map(|f| (f.code, f.level)));
        }
    }
    let of_visit = rows.iter().filter(|row| counts_for(row, found.revision) && row.at <= found.at);
    filed.extend(of_visit.map(finding_of).map(|f| (f.code, f.level)));
    let weighed = weighed_of(found).unwrap_or_default();
    let mut weighed: Vec<(Code, Level)> = weighed.into_iter().map(|one| (one.code, one.level)).collect();
    filed.sort_unstable();
    weighed.sort_unstable();
    Ok(filed == weighed)
}

fn assessment_again(row: &AssessmentRow, on_file: Option<bool>) -> Part {
    let Some(weighed) = weighed_of(row) else { return Part::left(Gap::WeightsUnknown) };
    let findings: Vec<(Code, Level)> = weighed.iter().map(|one| (one.code, one.level)).collect();
    let Some(again) = assessment::by_version(&row.rule_version, &findings) else {
        return Part::left(Gap::WeightsUnknown);
    };
    let mut differences = Vec::new();
    if Opinion::parse(&row.verdict) != Some(again.opinion) {
        let now = again.opinion.as_str().to_owned();
        differences.push(DifferenceView::plain("verdict", (Some(row.verdict.clone()), None), (Some(now), None)));
    }
    if row.risk != again.risk {
        differences.push(DifferenceView::plain("risk", (None, Some(row.risk)), (None, Some(again.risk))));
    }
    let sum = |list: &[Weighed]| list.iter().map(|one| one.weight).sum::<i64>();
    if weighed != again.weighed {
        let (then, now) = (sum(&weighed), sum(&again.weighed));
        differences.push(DifferenceView::plain("weights", (None, Some(then)), (None, Some(now))));
    }
    let gap = on_file.filter(|same| !same).map(|_| Gap::FindingsDiffer);
    Part { replayed: true, same: Some(differences.is_empty() && gap.is_none()), gap, differences }
}

fn assessed_view(row: &AssessmentRow) -> Assessed {
    let added = |one: Weighed| Added {
        code: one.code.as_str().to_owned(),
        level: one.level.as_str().to_owned(),
        weight: one.weight,
    };
    Assessed {
        id: row.id.clone(),
        revision: row.revision,
        verdict: row.verdict.clone(),
        risk: row.risk,
        risk_max: assessment::RISK_MAX,
        rule_version: row.rule_version.clone(),
        at: row.at,
        weighed: weighed_of(row).unwrap_or_default().into_iter().map(added).collect(),
    }
}

fn rules(row: &DecisionRow, assessment: Option<&AssessmentRow>, findings: &[Found]) -> Vec<Rule> {
    let rule = |name, version: &str, current: &str| Rule {
        name,
        version: version.to_owned(),
        current: current.to_owned(),
        same: version == current,
    };
    let mut versions: Vec<&str> = findings.iter().map(|one| one.rule_version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    let mut rules: Vec<Rule> = versions.into_iter().map(|version| rule("findings", version, RULE_VERSION)).collect();
    rules.extend(assessment.map(|one| rule("assessment", &one.rule_version, assessment::RULE_VERSION)));
    // A rule approves by the weights; people and silence by the rules of decisions.
    if row.decided_by != decision::DecidedBy::Rule {
        rules.push(rule("decision", &row.rule_version, decision::RULE_VERSION));
    }
    rules
}

// Telling it

impl Case {
    /// What is to be looked at again, in the order in which [`Case::told`] takes the answers.
    pub fn looks(&self) -> Vec<Again> {
        self.photos.iter().filter_map(|case| case.again.as_ref().ok()).map(|again| (**again).clone()).collect()
    }

    /// The whole explanation, when the photos were looked at again.
    pub fn told(self, looked: Vec<Relooked>) -> Explanation {
        let Case { mut told, photos, language, for_worker } = self;
        let mut looked = looked.into_iter();
        let mut gaps: Vec<Gap> = told.replay.gaps.iter().map(|gap| gap.code).collect();
        for case in photos {
            let part = match &case.again {
                Err(gap) => Part::left(*gap),
                Ok(again) => match looked.next().unwrap_or(Relooked::NoLook) {
                    Relooked::NoLook => Part::left(Gap::NoLook),
                    Relooked::Dropped => Part::left(Gap::PhotoDropped),
                    Relooked::Found(found) => {
                        let stored: Vec<Finding> =
                            case.stored.iter().filter(|finding| is_compared(finding, again)).cloned().collect();
                        let found = differences(&stored, &found);
                        let differences: Vec<DifferenceView> =
                            found.into_iter().map(|one| DifferenceView::of(one, for_worker)).collect();
                        let gap = case.gaps.first().copied();
                        Part { replayed: true, same: Some(differences.is_empty()), gap, differences }
                    }
                },
            };
            gaps.extend(part.gap.into_iter().chain(case.gaps.iter().copied().filter(|_| part.replayed)));
            let (evidence_id, client_id, rule_version) = (case.evidence_id, case.client_id, case.rule_version);
            told.replay.photos.push(PhotoReplay { evidence_id, client_id, rule_version, part });
        }
        let mut each = Vec::new();
        for gap in gaps {
            if !each.contains(&gap) {
                each.push(gap);
            }
        }
        let replay = &mut told.replay;
        replay.gaps = each.into_iter().map(|gap| gap_view(gap, language)).collect();
        let checks: Vec<&Part> = replay.photos.iter().map(|photo| &photo.part).chain([&replay.positions]).collect();
        let looked_at = replay.photos.iter().any(|photo| photo.part.replayed);
        replay.scope = match replay.assessment.replayed {
            _ if checks.iter().all(|part| part.replayed) && replay.assessment.replayed => Scope::ChecksAndAssessment,
            true if looked_at => Scope::ChecksInPart,
            true => Scope::AssessmentOnly,
            false if checks.iter().any(|part| part.replayed) => Scope::ChecksInPart,
            false => Scope::Nothing,
        };
        let all: Vec<&Part> = checks.into_iter().chain([&replay.assessment]).collect();
        replay.same = all.iter().any(|part| part.replayed) && all.iter().all(|part| part.same != Some(false));
        told
    }
}
