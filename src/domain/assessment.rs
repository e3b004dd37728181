//! What findings add up to: `clear`, or `doubt` with a risk that sorts the review queue. Never a refusal: a person
//! decides every doubt. The same findings and the same version give the same assessment.

use serde::{Deserialize, Serialize};

use super::finding::{Code, Level};

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

/// What a doubt of this code adds; a `fail` adds twice as much, an `info` nothing. Signs of copying weigh most: an honest
/// mistake costs a second look, a copied photo costs the brand its trust.
pub fn weight(code: Code) -> i64 {
    match code {
        Code::DupExactOther | Code::DupPerceptualOther | Code::DupCropped | Code::AiDeclared => 300,
        Code::DupExactOwn | Code::DupPerceptualOwn | Code::DupMirrored | Code::SameSceneOtherWorker => 250,
        Code::MockLocation | Code::Screenshot | Code::PartialCopy | Code::FlatSecondAngle => 200,
        Code::TimeBeforeVisit
        | Code::TimeAfterSeal
        | Code::PositionFail
        | Code::EditorNamed
        | Code::ProvenanceBroken => 150,
        Code::ClockSkew | Code::PlaceTimeConflict => 100,
        Code::PlaceFar | Code::PositionMissing | Code::NotCompletedUnproven | Code::PhotosMissing => 120,
        Code::SealClockUnproven
        | Code::LateSeal
        | Code::NotAppCapture
        | Code::CaptureConflict
        | Code::AnswerInvalid
        | Code::CorrectionLapsed => 80,
        Code::BlackFrame | Code::Damaged | Code::FormatUnsupported | Code::TypeDiffers => 60,
        Code::PositionUncertain | Code::AnswerFlagged | Code::AnswerMissing | Code::NoCameraData => 40,
        _ => 30,
    }
}

/// Clear when nothing is above `info`.
pub fn of(findings: &[(Code, Level)]) -> Assessment {
    let weighed: Vec<Weighed> = findings
        .iter()
        .map(|&(code, level)| {
            let times = match level {
                Level::Info => 0,
                Level::Doubt => 1,
                Level::Fail => 2,
            };
            Weighed { code, level, weight: weight(code) * times }
        })
        .collect();
    let opinion = if findings.iter().all(|(_, level)| *level == Level::Info) { Opinion::Clear } else { Opinion::Doubt };
    let risk = weighed.iter().map(|one| one.weight).sum::<i64>().min(RISK_MAX);
    Assessment { opinion, risk, weighed, rule_version: RULE_VERSION }
}

#[cfg(test)]
mod tests {
    use super::*;

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
