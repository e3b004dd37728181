//! What findings add up to: `clear`, or `doubt` with a risk that sorts the review queue. Never a refusal: a person
//! decides every doubt. The same findings and the same version give the same assessment.

use serde::{Deserialize, Serialize};

use super::finding::{Code, Language, Level};
use super::grade::Reason;

/// Version of the weights below; stored with every assessment and with every approval by rule.
pub const RULE_VERSION: &str = "assessment-1";

/// The highest risk; sums are cut there.
pub const RISK_MAX: i64 = 1000;

text_enum! {
    Opinion { Clear = "clear", Doubt = "doubt" }
}

/// One finding with what it added to the risk; kept, so that an assessment can be explained and computed again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Weighed {
    pub code: Code,
    pub level: Level,
    pub weight: i64,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Assessment {
    pub opinion: Opinion,
    /// 0 to 1000.
    pub risk: i64,
    pub weighed: Vec<Weighed>,
    pub rule_version: &'static str,
}

/// What a doubt of each code adds to the risk; a `fail` adds twice as much, an `info` nothing. Signs of copying weigh most:
/// an honest mistake costs a second look, a copied photo costs the brand its trust. Every code has its row, in the order
/// of the table of codes; a new row keeps [`RULE_VERSION`], a changed one raises it. `tests/snapshots/weights.txt` shows
/// the table in words, `/v1/transparency/automated-systems` publishes it.
pub const WEIGHTS: &[(Code, i64)] = &[
    // File
    (Code::FormatUnsupported, 60),
    (Code::TypeDiffers, 60),
    (Code::TooLarge, 30),
    (Code::TooManyPixels, 30),
    (Code::Damaged, 60),
    (Code::TrailingData, 30),
    (Code::ResolutionLow, 30),
    // Light and focus
    (Code::BlackFrame, 60),
    (Code::CoveredLens, 30),
    (Code::TooDark, 30),
    (Code::Overexposed, 30),
    (Code::LowContrast, 30),
    (Code::Blurred, 30),
    (Code::MotionBlur, 30),
    // Time and place
    (Code::TimeMissing, 30),
    (Code::TimeBeforeVisit, 150),
    (Code::TimeAfterSeal, 150),
    (Code::ClockSkew, 100),
    (Code::PlaceMissing, 30),
    (Code::PlaceFar, 120),
    (Code::PlaceTimeConflict, 100),
    // Copies
    (Code::DupExactOwn, 250),
    (Code::DupExactOther, 300),
    (Code::DupPerceptualOwn, 250),
    (Code::DupPerceptualOther, 300),
    (Code::DupMirrored, 250),
    (Code::Burst, 30),
    (Code::SameSceneOtherWorker, 250),
    (Code::DupCropped, 300),
    (Code::PartialCopy, 200),
    // Origin
    (Code::NoCameraData, 40),
    (Code::EditorNamed, 150),
    (Code::ResavedLowQuality, 30),
    (Code::ThumbnailDiffers, 30),
    (Code::Screenshot, 200),
    (Code::FlatSecondAngle, 200),
    (Code::NotAppCapture, 80),
    (Code::CaptureConflict, 80),
    // Provenance
    (Code::ProvenanceValid, 30),
    (Code::ProvenanceBroken, 150),
    (Code::AiDeclared, 300),
    // Privacy
    (Code::FacesHidden, 30),
    // Position of the visit
    (Code::PositionUncertain, 40),
    (Code::PositionFail, 150),
    (Code::PositionMissing, 120),
    (Code::MockLocation, 200),
    (Code::PositionFrozen, 120),
    (Code::PositionIsStore, 120),
    (Code::AccuracyImpossible, 120),
    (Code::AccuracyConstant, 40),
    (Code::AltitudeImpossible, 40),
    (Code::AltitudeConstant, 40),
    (Code::Clockwork, 60),
    (Code::TrackStraight, 150),
    (Code::TrackReplayed, 200),
    (Code::PositionJump, 150),
    (Code::TravelImpossible, 200),
    (Code::PhotoApart, 120),
    (Code::PhotoElsewhere, 120),
    (Code::MovementConflict, 60),
    (Code::PositionNoise, 120),
    (Code::FixShared, 200),
    (Code::DeviceShared, 150),
    (Code::PhoneClock, 60),
    (Code::ClockChanged, 80),
    (Code::SignsAddUp, 80),
    // The seal
    (Code::LateSeal, 80),
    (Code::SealClockUnproven, 80),
    (Code::PhotosMissing, 120),
    (Code::CorrectionLapsed, 80),
    // Answers
    (Code::AnswerFlagged, 40),
    (Code::AnswerInvalid, 80),
    (Code::AnswerMissing, 40),
    // Visits that could not be done
    (Code::NotCompletedUnproven, 120),
    (Code::ShutStoreReport, 30),
];

/// How many times its weight a finding of this level adds.
pub fn times(level: Level) -> i64 {
    match level {
        Level::Info => 0,
        Level::Doubt => 1,
        Level::Fail => 2,
    }
}

/// What a doubt of this code adds.
pub fn weight(code: Code) -> i64 {
    WEIGHTS.iter().find(|(of, _)| *of == code).map_or(0, |(_, weight)| *weight)
}

/// The same assessment again, by the rules of that version; `None` when this program no longer knows them.
pub fn by_version(version: &str, findings: &[(Code, Level)]) -> Option<Assessment> {
    (version == RULE_VERSION).then(|| of(findings))
}

/// Clear when nothing is above `info`.
pub fn of(findings: &[(Code, Level)]) -> Assessment {
    let weighed: Vec<Weighed> =
        findings.iter().map(|&(code, level)| Weighed { code, level, weight: weight(code) * times(level) }).collect();
    let opinion = if findings.iter().all(|(_, level)| *level == Level::Info) { Opinion::Clear } else { Opinion::Doubt };
    let risk = weighed.iter().map(|one| one.weight).sum::<i64>().min(RISK_MAX);
    Assessment { opinion, risk, weighed, rule_version: RULE_VERSION }
}

/// The table in words, for people to read: the code, the highest level it may reach, what a doubt and a fail of it add,
/// and what it observes.
pub fn table() -> String {
    let mut text = format!(
        "{RULE_VERSION}\nInformation adds nothing, a doubt its weight, a fail {} times as much; a risk ends at {RISK_MAX}.\n\
         Clear, so approved by rule, when nothing is above information; else a person decides.\n\n",
        times(Level::Fail),
    );
    for (code, weight) in WEIGHTS {
        let seen = Reason::Finding(*code).sentence(Language::En);
        let adds = match code.highest() {
            Level::Info => "nothing".to_owned(),
            Level::Doubt => format!("{weight}"),
            Level::Fail => format!("{weight} or {}", weight * times(Level::Fail)),
        };
        text.push_str(&format!("{:<24} {:<5} {adds:<11} {seen}\n", code.as_str(), code.highest().as_str()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_row_in_the_order_of_the_codes() {
        let rows: Vec<Code> = WEIGHTS.iter().map(|(code, _)| *code).collect();
        assert_eq!(rows, Code::all().collect::<Vec<_>>());
        assert!(WEIGHTS.iter().all(|(_, weight)| *weight > 0));
    }

    #[test]
    fn an_assessment_is_made_again_only_by_rules_that_are_known() {
        let findings = [(Code::LateSeal, Level::Doubt)];
        assert_eq!(by_version(RULE_VERSION, &findings), Some(of(&findings)));
        assert_eq!(by_version("assessment-0", &findings), None);
    }

    #[test]
    fn information_alone_is_clear() {
        assert_eq!(of(&[]).opinion, Opinion::Clear);
        let calm = of(&[(Code::TimeMissing, Level::Info), (Code::PlaceMissing, Level::Info)]);
        assert_eq!((calm.opinion, calm.risk), (Opinion::Clear, 0));
    }

    #[test]
    fn one_doubt_is_enough_to_ask_a_person() {
        let one = of(&[(Code::TimeMissing, Level::Info), (Code::LateSeal, Level::Doubt)]);
        assert_eq!((one.opinion, one.risk), (Opinion::Doubt, 80));
        assert!(Code::all().all(|code| of(&[(code, Level::Doubt)]).risk > 0));
    }

    #[test]
    fn graver_findings_come_first_and_the_risk_ends_at_a_thousand() {
        let copied = of(&[(Code::DupExactOther, Level::Fail)]);
        let blurred = of(&[(Code::Blurred, Level::Fail)]);
        assert!(copied.risk > blurred.risk);
        assert_eq!(of(&[(Code::DupExactOther, Level::Fail); 9]).risk, RISK_MAX);
    }
}
