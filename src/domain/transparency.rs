//! What the platform tells everybody about its automatic checks, made from the tables that they run by: codes, weights,
//! grades, deadlines, and what a machine may decide. Nothing is written twice.

use serde::Serialize;

use super::appeal::DECIDED_AFTER_WORKING_DAYS;
use super::assessment::{self, RISK_MAX, WEIGHTS, times};
use super::decision::{self, DecidedBy, DecisionKind, Verdict};
use super::finding::{self, Code, Language, Level, Unit};
use super::grade::{self, Letter, Reason};
use super::reservation::{PHOTO_GRACE_SECS, SYNC_GRACE_SECS};
use super::submission::{APPEAL_WINDOW_SECS, CLARIFY_SECS, REVIEW_DAYS_DEFAULT, REVIEW_DAYS_MAX, REVISIT_SECS};
use super::visit::{CLOCK_SLACK_SECS, GOOD_ACCURACY_M};

/// A fixed limit that a check holds its measure against, in the unit of the code's numbers unless `unit` says otherwise.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Limit {
    #[serde(skip)]
    pub code: Code,
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
}

impl Limit {
    pub const fn new(code: Code, name: &'static str, value: f64, unit: &'static str) -> Limit {
        Limit { code, name, value, unit }
    }
}

/// Limits of what is judged without a picture.
const LIMITS: &[Limit] = &[
    Limit::new(Code::PositionUncertain, "accuracy_that_speaks_for_the_worker", GOOD_ACCURACY_M, "metres"),
    Limit::new(Code::LateSeal, "sync_grace", SYNC_GRACE_SECS as f64, "seconds"),
    Limit::new(Code::SealClockUnproven, "slack", CLOCK_SLACK_SECS as f64, "seconds"),
    Limit::new(Code::PhotosMissing, "photo_grace", PHOTO_GRACE_SECS as f64, "seconds"),
];

/// One text in the languages that people are spoken to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Texts {
    pub en: String,
    pub fr: String,
    pub nl: String,
}

impl Texts {
    fn of(text: impl Fn(Language) -> String) -> Texts {
        Texts { en: text(Language::En), fr: text(Language::Fr), nl: text(Language::Nl) }
    }

    fn from(texts: [&str; 3]) -> Texts {
        let [en, fr, nl] = texts.map(str::to_owned);
        Texts { en, fr, nl }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AutomatedSystems {
    pub rule_versions: RuleVersions,
    pub principle: Texts,
    pub checks: Vec<Check>,
    pub assessment: Weighing,
    pub grades: Vec<GradeMeaning>,
    pub decisions: Vec<Decider>,
    pub deadlines: Vec<Deadline>,
    pub rights: Vec<Right>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RuleVersions {
    pub findings: &'static str,
    pub assessment: &'static str,
    pub grades: &'static str,
    pub decisions: &'static str,
}

/// One automatic check.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    pub code: &'static str,
    pub observes: Texts,
    /// `info` never changes anything, `doubt` and `fail` ask a person.
    pub highest_level: Level,
    /// What its numbers count; null when it has none.
    pub unit: Option<&'static str>,
    /// What a doubt of it adds to the risk that sorts the queue of reviewers.
    pub weight: i64,
    pub limits: Vec<Limit>,
}

/// How findings add up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Weighing {
    pub info_times: i64,
    pub doubt_times: i64,
    pub fail_times: i64,
    pub risk_max: i64,
    pub rule: Texts,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GradeMeaning {
    pub letter: Letter,
    pub meaning: Texts,
}

/// Who decides, and what it may decide: asked of the rule that guards every decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Decider {
    pub decided_by: DecidedBy,
    pub automatic: bool,
    pub may: Vec<DecisionKind>,
    pub may_not: Vec<DecisionKind>,
    pub meaning: Texts,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Deadline {
    pub code: &'static str,
    /// Null where working days count.
    pub hours: Option<i64>,
    pub working_days: Option<i64>,
    pub meaning: Texts,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Right {
    pub code: &'static str,
    /// Where it is used.
    pub operation: &'static str,
    pub meaning: Texts,
}

fn unit_of(code: Code) -> Option<&'static str> {
    match code.unit() {
        Unit::None => None,
        Unit::Count => Some("count"),
        Unit::Share => Some("share"),
        Unit::Measure => Some("measure"),
        Unit::Metres => Some("metres"),
        Unit::Seconds => Some("seconds"),
        Unit::Bytes => Some("bytes"),
        Unit::Megapixels => Some("megapixels"),
        Unit::Pixels => Some("pixels"),
        Unit::Brightness => Some("of 255"),
        Unit::Bits => Some("bits of 256"),
    }
}

fn decider(by: DecidedBy) -> Decider {
    let may = |kind: &DecisionKind| {
        let approval = match by {
            DecidedBy::Rule => Verdict::approved_by_rule(assessment::RULE_VERSION, serde_json::Value::Null),
            DecidedBy::Silence | DecidedBy::Person => Verdict::approved_by_silence(None, serde_json::Value::Null),
        };
        // A person is named, so everything is lawful for one; without a name the rule itself answers.
        by == DecidedBy::Person || Verdict { kind: *kind, ..approval }.is_lawful()
    };
    let (may, may_not) = DecisionKind::ALL.iter().partition(|kind| may(kind));
    let meaning = Texts::of(|language| by.sentence(language).to_owned());
    Decider { decided_by: by, automatic: by != DecidedBy::Person, may, may_not, meaning }
}

const HOUR_SECS: i64 = 3600;

fn deadlines() -> Vec<Deadline> {
    let hours = |code, secs: i64, texts| Deadline {
        code,
        hours: Some(secs / HOUR_SECS),
        working_days: None,
        meaning: Texts::from(texts),
    };
    vec![
        hours(
            "photos_after_the_seal",
            PHOTO_GRACE_SECS,
            [
                "Photos may follow for so long after the work was sealed.",
                "Les photos peuvent suivre pendant ce délai après la remise du travail.",
                "Zo lang na het inleveren mogen foto's nog volgen.",
            ],
        ),
        hours(
            "silence_default",
            REVIEW_DAYS_DEFAULT * 24 * HOUR_SECS,
            [
                "Work that nobody decided by then is approved, unless the campaign says another time.",
                "Le travail que personne n'a jugé d'ici là est approuvé, sauf autre délai de la campagne.",
                "Werk waarover dan niemand heeft beslist, is goedgekeurd, tenzij de campagne een andere termijn noemt.",
            ],
        ),
        hours(
            "silence_at_most",
            REVIEW_DAYS_MAX * 24 * HOUR_SECS,
            [
                "No campaign may take longer to decide.",
                "Aucune campagne ne peut prendre plus de temps pour décider.",
                "Geen campagne mag langer over een beslissing doen.",
            ],
        ),
        hours(
            "correction_clarify",
            CLARIFY_SECS,
            [
                "So long you have to answer a question from home.",
                "Vous avez ce délai pour répondre à une question depuis chez vous.",
                "Zo lang hebt u om thuis een vraag te beantwoorden.",
            ],
        ),
        hours(
            "correction_revisit",
            REVISIT_SECS,
            [
                "So long you have to visit the store again when that was asked.",
                "Vous avez ce délai pour retourner au magasin si on vous le demande.",
                "Zo lang hebt u om de winkel opnieuw te bezoeken als daarom is gevraagd.",
            ],
        ),
        hours(
            "appeal_window",
            APPEAL_WINDOW_SECS,
            [
                "So long a refusal can be appealed.",
                "Un refus peut être contesté pendant ce délai.",
                "Zo lang kunt u tegen een weigering in beroep gaan.",
            ],
        ),
        Deadline {
            code: "appeal_decision",
            hours: None,
            working_days: Some(DECIDED_AFTER_WORKING_DAYS),
            meaning: Texts::from([
                "An appeal that nobody judged by then is decided for the worker.",
                "Un recours que personne n'a jugé d'ici là est tranché en faveur du travailleur.",
                "Een beroep waarover dan niemand heeft beslist, wordt in het voordeel van de werker beslist.",
            ]),
        },
    ]
}

fn rights() -> Vec<Right> {
    let right = |code, operation, texts| Right { code, operation, meaning: Texts::from(texts) };
    vec![
        right(
            "explanation",
            "explain_own_decision",
            [
                "Every decision tells its inputs, limits, rules and whether a person or a rule took it, and is made again on request.",
                "Chaque décision indique ses données, ses limites, ses règles et si une personne ou une règle l'a prise ; elle est refaite sur demande.",
                "Elke beslissing vermeldt haar gegevens, grenzen en regels en of een mens of een regel ze nam; ze wordt op verzoek opnieuw gemaakt.",
            ],
        ),
        right(
            "human_refusal",
            "get_submission",
            [
                "Only a named person refuses, with a reason, the item, the clause of the brief and a text.",
                "Seule une personne nommée refuse, avec un motif, l'élément, la clause du cahier des charges et un texte.",
                "Alleen een met naam bekende mens weigert, met een reden, het onderdeel, de bepaling van de opdracht en een tekst.",
            ],
        ),
        right(
            "appeal",
            "appeal_submission",
            [
                "A refusal can be appealed once; another person decides again, and pay is never taken back.",
                "Un refus peut être contesté une fois ; une autre personne décide à nouveau et ce qui est payé n'est jamais repris.",
                "Tegen een weigering kunt u één keer in beroep gaan; een ander beslist opnieuw en betaald loon wordt nooit teruggenomen.",
            ],
        ),
    ]
}

/// Everything, with the limits of the photo checks as those tell them.
pub fn automated_systems(photo_limits: &[Limit]) -> AutomatedSystems {
    let check = |&(code, weight): &(Code, i64)| Check {
        code: code.as_str(),
        observes: Texts::of(|language| Reason::Finding(code).sentence(language)),
        highest_level: code.highest(),
        unit: unit_of(code),
        weight,
        limits: photo_limits.iter().chain(LIMITS).filter(|limit| limit.code == code).copied().collect(),
    };
    let grade =
        |&letter: &Letter| GradeMeaning { letter, meaning: Texts::of(|language| letter.meaning(language).to_owned()) };
    AutomatedSystems {
        rule_versions: RuleVersions {
            findings: finding::RULE_VERSION,
            assessment: assessment::RULE_VERSION,
            grades: grade::RULE_VERSION,
            decisions: decision::RULE_VERSION,
        },
        principle: Texts::from([
            "The machine may approve or ask; only a person may refuse.",
            "La machine peut approuver ou demander ; seule une personne peut refuser.",
            "De machine mag goedkeuren of vragen; alleen een mens mag weigeren.",
        ]),
        checks: WEIGHTS.iter().map(check).collect(),
        assessment: Weighing {
            info_times: times(Level::Info),
            doubt_times: times(Level::Doubt),
            fail_times: times(Level::Fail),
            risk_max: RISK_MAX,
            rule: Texts::from([
                "Work without any doubt is approved. Any doubt asks a person; the sum of the weights only sorts what people see first.",
                "Un travail sans aucun doute est approuvé. Tout doute est soumis à une personne ; la somme des poids ne fait que trier ce qu'elle voit d'abord.",
                "Werk zonder enige twijfel is goedgekeurd. Bij twijfel kijkt een mens; de som van de gewichten bepaalt alleen wat die het eerst ziet.",
            ]),
        },
        grades: Letter::ALL.iter().map(grade).collect(),
        decisions: DecidedBy::ALL.iter().map(|by| decider(*by)).collect(),
        deadlines: deadlines(),
        rights: rights(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_may_approve_and_nothing_else() {
        let all = automated_systems(&[]);
        for one in all.decisions.iter().filter(|one| one.automatic) {
            assert_eq!(one.may, [DecisionKind::Approved], "{}", one.decided_by);
        }
        let person = all.decisions.iter().find(|one| !one.automatic).expect("people decide");
        assert_eq!(person.may, DecisionKind::ALL);
    }

    #[test]
    fn every_code_is_published_once_with_a_sentence_in_each_language() {
        let all = automated_systems(&[Limit::new(Code::Blurred, "most", 0.4, "measure")]);
        assert_eq!(all.checks.len(), Code::all().count());
        for check in &all.checks {
            for text in [&check.observes.en, &check.observes.fr, &check.observes.nl] {
                assert!(text.ends_with('.') && !text.contains(['{', '[']), "{text}");
            }
        }
        let blurred = all.checks.iter().find(|check| check.code == "BLURRED").expect("it is a code");
        assert_eq!((blurred.limits.len(), blurred.unit), (1, Some("measure")));
        assert_eq!(all.deadlines.iter().find(|one| one.code == "silence_default").and_then(|one| one.hours), Some(120));
    }
}
