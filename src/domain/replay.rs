//! Replay: what was found once against what the same inputs give again, one by one.

use serde::{Deserialize, Serialize};

use super::finding::{Code, Finding, Language};
use super::ids::EvidenceId;

text_enum! {
    /// `level`: the same observation, graver or milder; `measure`: the same level, another number or text.
    Change { Appears = "appears", Disappears = "disappears", Level = "level", Measure = "measure" }
}

text_enum! {
    /// How much of a decision was made again: every photo, the positions and the assessment, or less.
    Scope {
        ChecksAndAssessment = "checks_and_assessment",
        ChecksInPart = "checks_in_part",
        AssessmentOnly = "assessment_only",
        Nothing = "nothing"
    }
}

text_enum! {
    /// Why something was not made again, or not quite as it was.
    Gap {
        PhotoDropped = "photo_dropped", NotLookedAt = "not_looked_at", RulesDiffer = "rules_differ",
        ContextOfToday = "context_of_today", PairsLeftOut = "pairs_left_out", TooManyPhotos = "too_many_photos",
        NoLook = "no_look", PositionsDropped = "positions_dropped", LaterRevision = "later_revision",
        NoAssessment = "no_assessment", WeightsUnknown = "weights_unknown", FindingsDiffer = "findings_differ"
    }
}

impl Gap {
    pub fn sentence(self, language: Language) -> &'static str {
        let [en, fr, nl] = match self {
            Gap::PhotoDropped => [
                "The photo was deleted: only the assessment is made again from what was found.",
                "La photo a été supprimée : seule l'évaluation est refaite à partir des constatations.",
                "De foto is verwijderd: alleen de beoordeling wordt opnieuw gemaakt uit wat er was gevonden.",
            ],
            Gap::NotLookedAt => [
                "The photo had not been looked at when it was decided.",
                "La photo n'avait pas été examinée au moment de la décision.",
                "De foto was nog niet bekeken toen er werd beslist.",
            ],
            Gap::RulesDiffer => [
                "The photo was checked under another version of the rules: only the assessment is made again.",
                "La photo a été vérifiée selon une autre version des règles : seule l'évaluation est refaite.",
                "De foto is met een andere versie van de regels gecontroleerd: alleen de beoordeling wordt opnieuw gemaakt.",
            ],
            Gap::ContextOfToday => [
                "What the look was told then was not kept; it is told what is known today.",
                "Ce que l'examen savait alors n'a pas été conservé ; il utilise ce qui est connu aujourd'hui.",
                "Wat bij het bekijken bekend was, is niet bewaard; er wordt gebruikt wat nu bekend is.",
            ],
            Gap::PairsLeftOut => [
                "Findings from laying two pictures on each other, or about a photo that is gone, are taken as they are.",
                "Les constatations tirées de deux images superposées, ou d'une photo disparue, sont reprises telles quelles.",
                "Bevindingen uit twee over elkaar gelegde beelden, of over een foto die weg is, worden overgenomen.",
            ],
            Gap::TooManyPhotos => [
                "There are too many photos to look at all of them in one answer.",
                "Il y a trop de photos pour toutes les réexaminer dans une réponse.",
                "Er zijn te veel foto's om ze allemaal in één antwoord opnieuw te bekijken.",
            ],
            Gap::NoLook => [
                "This server does not look at photos: only the assessment is made again.",
                "Ce serveur n'examine pas de photos : seule l'évaluation est refaite.",
                "Deze server bekijkt geen foto's: alleen de beoordeling wordt opnieuw gemaakt.",
            ],
            Gap::PositionsDropped => [
                "The exact positions were deleted: what was found about them is taken as it is.",
                "Les positions exactes ont été supprimées : les constatations à leur sujet sont reprises telles quelles.",
                "De precieze posities zijn verwijderd: wat daarover is gevonden, wordt overgenomen.",
            ],
            Gap::LaterRevision => [
                "The work was corrected after this decision: positions and answers are no longer those of then.",
                "Le travail a été corrigé après cette décision : positions et réponses ne sont plus celles d'alors.",
                "Het werk is na deze beslissing verbeterd: posities en antwoorden zijn niet meer die van toen.",
            ],
            Gap::NoAssessment => [
                "No assessment was kept before this decision.",
                "Aucune évaluation n'a été conservée avant cette décision.",
                "Er is geen beoordeling van vóór deze beslissing bewaard.",
            ],
            Gap::WeightsUnknown => [
                "The assessment was made by weights that this program no longer knows.",
                "L'évaluation a été faite avec des poids que ce programme ne connaît plus.",
                "De beoordeling is gemaakt met gewichten die dit programma niet meer kent.",
            ],
            Gap::FindingsDiffer => [
                "The findings on file are not those that the assessment added up.",
                "Les constatations au dossier ne sont pas celles que l'évaluation a additionnées.",
                "De bevindingen in het dossier zijn niet die welke de beoordeling heeft opgeteld.",
            ],
        };
        match language {
            Language::En => en,
            Language::Fr => fr,
            Language::Nl => nl,
        }
    }
}

/// One finding that is not what it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Difference {
    pub code: Code,
    /// The second photo of a pair.
    pub other: Option<EvidenceId>,
    pub change: Change,
    pub stored: Option<Finding>,
    pub again: Option<Finding>,
}

/// Numbers pass through text on their way to the database and back.
const RELATIVE_ERROR_MAX: f64 = 1e-9;

fn same_number(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= RELATIVE_ERROR_MAX * a.abs().max(b.abs()).max(1.0),
        (None, None) => true,
        _ => false,
    }
}

/// What differs, in the order of the codes; empty when everything is the same. Findings of one code about the same other
/// photo are compared in their order.
pub fn differences(stored: &[Finding], again: &[Finding]) -> Vec<Difference> {
    let mut left: Vec<&Finding> = again.iter().collect();
    let mut found = Vec::new();
    for old in stored {
        let twin = left.iter().position(|new| new.code == old.code && new.other == old.other);
        let new = twin.map(|at| left.remove(at));
        let change = match new {
            None => Change::Disappears,
            Some(new) if new.level != old.level => Change::Level,
            Some(new) => {
                let numbers = same_number(old.value, new.value) && same_number(old.limit, new.limit);
                if numbers && old.text == new.text {
                    continue;
                }
                Change::Measure
            }
        };
        let (stored, again) = (Some(old.clone()), new.cloned());
        found.push(Difference { code: old.code, other: old.other.clone(), change, stored, again });
    }
    found.extend(left.into_iter().map(|new| Difference {
        code: new.code,
        other: new.other.clone(),
        change: Change::Appears,
        stored: None,
        again: Some(new.clone()),
    }));
    found.sort_by_key(|one| one.code);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Level;

    #[test]
    fn only_what_is_not_the_same_is_told() {
        let blurred = |value| Finding::new(Code::Blurred, Level::Doubt).measured(value, 0.435);
        let copy = |n| Finding::new(Code::DupExactOther, Level::Fail).beside(EvidenceId::from_bits(n));
        assert_eq!(differences(&[blurred(0.5), copy(1)], &[copy(1), blurred(0.5 + 1e-12)]), []);
        let changes = |stored: &[Finding], again: &[Finding]| -> Vec<(Code, Change)> {
            differences(stored, again).into_iter().map(|one| (one.code, one.change)).collect()
        };
        assert_eq!(changes(&[blurred(0.5)], &[blurred(0.51)]), [(Code::Blurred, Change::Measure)]);
        let worse = Finding { level: Level::Fail, ..blurred(0.5) };
        assert_eq!(changes(&[blurred(0.5)], &[worse]), [(Code::Blurred, Change::Level)]);
        let other_pair = changes(&[copy(1)], &[copy(2)]);
        assert_eq!(other_pair, [(Code::DupExactOther, Change::Disappears), (Code::DupExactOther, Change::Appears)]);
    }
}
