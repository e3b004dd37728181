//! The evidence grade: one letter, A to D, that says how much a photo or a visit proves, with its reasons. Computed from
//! findings and from what the proof carries besides. A grade never decides about pay: people do.

use serde::{Deserialize, Serialize, Serializer};

use super::finding::{Code, Finding, Language, Level};

/// Version of the rules below; a grade is kept together with it.
pub const RULE_VERSION: &str = "grade-1";

text_enum! {
    /// Best first, so that the greatest of several letters is the worst.
    Letter { A = "A", B = "B", C = "C", D = "D" }
}

impl Letter {
    /// What the letter means, as a table prints it.
    pub fn meaning(self, language: Language) -> &'static str {
        let [en, fr, nl] = match self {
            Letter::A => [
                "Everything is proven: taken with the app's camera, time and place are in the photo and fit the visit, nothing is doubtful.",
                "Tout est prouvé : prise avec l'appareil de l'application, l'heure et le lieu sont dans la photo et correspondent à la visite, rien n'est douteux.",
                "Alles is bewezen: gemaakt met de camera van de app, tijd en plaats staan in de foto en passen bij het bezoek, niets is twijfelachtig.",
            ],
            Letter::B => [
                "Nothing is wrong, but some of that proof is absent.",
                "Rien n'est anormal, mais une partie de ces preuves manque.",
                "Er is niets mis, maar een deel van dat bewijs ontbreekt.",
            ],
            Letter::C => [
                "At least one finding is doubtful; a person should look.",
                "Au moins une constatation est douteuse ; une personne devrait regarder.",
                "Minstens één bevinding is twijfelachtig; een mens moet kijken.",
            ],
            Letter::D => [
                "At least one finding is the gravest there is: the photo does not prove what it should.",
                "Au moins une constatation est de la plus haute gravité : la photo ne prouve pas ce qu'elle devrait.",
                "Minstens één bevinding is van het ernstigste niveau: de foto bewijst niet wat ze moet bewijzen.",
            ],
        };
        pick(language, en, fr, nl)
    }
}

/// What a photo says about its time or its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The photo does not say.
    #[default]
    Absent,
    /// It says, but there was nothing to compare with.
    Unchecked,
    /// It says what the visit says.
    Agrees,
    /// It says something else.
    Differs,
}

/// What a photo carries besides findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Proof {
    /// The app's own camera took it, as the app that sent it declares.
    pub app_camera: bool,
    pub time: Sign,
    pub place: Sign,
}

impl Proof {
    /// Reads the signs from the findings of a look. `visit_window` and `store_position`: whether the look was given
    /// something to compare the time and the place of the photo with.
    pub fn of(findings: &[Finding], app_camera: bool, visit_window: bool, store_position: bool) -> Proof {
        let has = |codes: &[Code]| findings.iter().any(|f| codes.contains(&f.code));
        let sign = |absent, differs: &[Code], compared| match compared {
            _ if has(&[absent]) => Sign::Absent,
            _ if has(differs) => Sign::Differs,
            true => Sign::Agrees,
            false => Sign::Unchecked,
        };
        // A file that was refused before its camera data was read says nothing.
        if has(&[Code::FormatUnsupported, Code::TooLarge]) {
            return Proof { app_camera, ..Proof::default() };
        }
        Proof {
            app_camera,
            time: sign(Code::TimeMissing, &[Code::TimeBeforeVisit, Code::TimeAfterSeal], visit_window),
            place: sign(Code::PlaceMissing, &[Code::PlaceFar], store_position),
        }
    }
}

/// Why a grade is not better, or why it is the best.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    AllProven,
    AppCameraUnproven,
    TimeAbsent,
    TimeUnchecked,
    TimeDiffers,
    PlaceAbsent,
    PlaceUnchecked,
    PlaceDiffers,
    /// A finding of level doubt or fail.
    Finding(Code),
}

impl Reason {
    /// Its code: that of the finding, or one of the eight that only grades have.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::AllProven => "ALL_PROVEN",
            Reason::AppCameraUnproven => "APP_CAMERA_UNPROVEN",
            Reason::TimeAbsent => "TIME_ABSENT",
            Reason::TimeUnchecked => "TIME_UNCHECKED",
            Reason::TimeDiffers => "TIME_DIFFERS",
            Reason::PlaceAbsent => "PLACE_ABSENT",
            Reason::PlaceUnchecked => "PLACE_UNCHECKED",
            Reason::PlaceDiffers => "PLACE_DIFFERS",
            Reason::Finding(code) => code.as_str(),
        }
    }

    pub fn parse(text: &str) -> Option<Reason> {
        let own = [
            Reason::AllProven,
            Reason::AppCameraUnproven,
            Reason::TimeAbsent,
            Reason::TimeUnchecked,
            Reason::TimeDiffers,
            Reason::PlaceAbsent,
            Reason::PlaceUnchecked,
            Reason::PlaceDiffers,
        ];
        own.into_iter().find(|reason| reason.as_str() == text).or_else(|| Code::parse(text).map(Reason::Finding))
    }

    /// One sentence for whoever reads the grade; of a finding only what was seen, not what the worker can do.
    pub fn sentence(self, language: Language) -> String {
        let [en, fr, nl] = match self {
            Reason::AllProven => [
                "Camera, time and place are proven.",
                "L'appareil, l'heure et le lieu sont prouvés.",
                "Camera, tijd en plaats zijn bewezen.",
            ],
            Reason::AppCameraUnproven => [
                "It is not known that the app's camera took the photo.",
                "Rien n'indique que la photo vient de l'appareil de l'application.",
                "Het is niet bekend of de camera van de app de foto heeft gemaakt.",
            ],
            Reason::TimeAbsent => [
                "The photo does not say when it was taken.",
                "La photo ne dit pas quand elle a été prise.",
                "De foto vermeldt niet wanneer ze is gemaakt.",
            ],
            Reason::TimeUnchecked => [
                "The time of the photo could not be compared with a visit.",
                "L'heure de la photo n'a pas pu être comparée à une visite.",
                "De tijd van de foto kon niet met een bezoek worden vergeleken.",
            ],
            Reason::TimeDiffers => [
                "The time of the photo lies outside the visit.",
                "L'heure de la photo est hors de la visite.",
                "De tijd van de foto ligt buiten het bezoek.",
            ],
            Reason::PlaceAbsent => [
                "The photo does not say where it was taken.",
                "La photo ne dit pas où elle a été prise.",
                "De foto vermeldt niet waar ze is gemaakt.",
            ],
            Reason::PlaceUnchecked => [
                "The place of the photo could not be compared with a store.",
                "Le lieu de la photo n'a pas pu être comparé à un magasin.",
                "De plaats van de foto kon niet met een winkel worden vergeleken.",
            ],
            Reason::PlaceDiffers => [
                "The place of the photo is not at the store.",
                "Le lieu de la photo n'est pas au magasin.",
                "De plaats van de foto is niet bij de winkel.",
            ],
            Reason::Finding(code) => {
                let whole = Finding::new(code, Level::Info).sentence(language);
                return whole.find(". ").map_or(whole.clone(), |end| whole[..=end].to_owned());
            }
        };
        pick(language, en, fr, nl).to_owned()
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// A letter and the reasons for it, gravest first; never without a reason. Written as
/// `{"letter":"B","reasons":["TIME_ABSENT"],"rule_version":"grade-1"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Grade {
    pub letter: Letter,
    pub reasons: Vec<Reason>,
    pub rule_version: &'static str,
}

impl Grade {
    fn new(letter: Letter, reasons: Vec<Reason>) -> Grade {
        Grade { letter, reasons, rule_version: RULE_VERSION }
    }
}

/// The grade of one photo. D: a finding of level fail. C: a finding of level doubt, or a time or place that differs.
/// A: neither, and the app's camera, the time and the place are all proven. B: everything else.
pub fn photo(findings: &[Finding], proof: &Proof) -> Grade {
    let mut reasons = wrong(findings);
    // The finding says the same with more words.
    let told = |codes: &[Code]| findings.iter().any(|f| f.level > Level::Info && codes.contains(&f.code));
    if proof.time == Sign::Differs && !told(&[Code::TimeBeforeVisit, Code::TimeAfterSeal]) {
        reasons.push(Reason::TimeDiffers);
    }
    if proof.place == Sign::Differs && !told(&[Code::PlaceFar]) {
        reasons.push(Reason::PlaceDiffers);
    }
    if !reasons.is_empty() {
        return Grade::new(letter_of(findings).max(Letter::C), reasons);
    }
    if !proof.app_camera {
        reasons.push(Reason::AppCameraUnproven);
    }
    reasons.extend(match proof.time {
        Sign::Absent => Some(Reason::TimeAbsent),
        Sign::Unchecked => Some(Reason::TimeUnchecked),
        _ => None,
    });
    reasons.extend(match proof.place {
        Sign::Absent => Some(Reason::PlaceAbsent),
        Sign::Unchecked => Some(Reason::PlaceUnchecked),
        _ => None,
    });
    match reasons.is_empty() {
        true => Grade::new(Letter::A, vec![Reason::AllProven]),
        false => Grade::new(Letter::B, reasons),
    }
}

/// The grade of a visit: the worst of its photos and of the findings about the visit itself (position, clock,
/// answers). `None` without a photo: there is nothing to grade.
pub fn visit(photos: &[Grade], findings: &[Finding]) -> Option<Grade> {
    let letter = photos.iter().map(|grade| grade.letter).max()?.max(letter_of(findings));
    let mut reasons = wrong(findings);
    if letter_of(findings) < letter {
        reasons.clear();
    }
    for grade in photos.iter().filter(|grade| grade.letter == letter) {
        for reason in &grade.reasons {
            if !reasons.contains(reason) {
                reasons.push(*reason);
            }
        }
    }
    Some(Grade::new(letter, reasons))
}

/// The letter that findings alone leave possible.
fn letter_of(findings: &[Finding]) -> Letter {
    match findings.iter().map(|f| f.level).max() {
        Some(Level::Fail) => Letter::D,
        Some(Level::Doubt) => Letter::C,
        _ => Letter::A,
    }
}

/// Each code above information once, gravest first, else in the order of the table.
fn wrong(findings: &[Finding]) -> Vec<Reason> {
    let mut grave: Vec<&Finding> = findings.iter().filter(|f| f.level > Level::Info).collect();
    grave.sort_by_key(|f| (std::cmp::Reverse(f.level), f.code));
    let mut reasons = Vec::new();
    for finding in grave {
        let reason = Reason::Finding(finding.code);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// The four letters and what they mean, one a line.
pub fn table(language: Language) -> String {
    let line = |letter: &Letter| format!("{letter}  {}\n", letter.meaning(language));
    let lines: String = Letter::ALL.iter().map(line).collect();
    format!("{lines}{RULE_VERSION}\n")
}

fn pick<'a>(language: Language, en: &'a str, fr: &'a str, nl: &'a str) -> &'a str {
    match language {
        Language::En => en,
        Language::Fr => fr,
        Language::Nl => nl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Proof = Proof { app_camera: true, time: Sign::Agrees, place: Sign::Agrees };

    fn found(code: Code, level: Level) -> Finding {
        Finding::new(code, level)
    }

    #[test]
    fn the_letter_follows_the_gravest_finding_and_the_proof() {
        let calm = [found(Code::LowContrast, Level::Info)];
        let cases = [
            (photo(&calm, &ALL), Letter::A, vec!["ALL_PROVEN"]),
            (photo(&calm, &Proof { app_camera: false, ..ALL }), Letter::B, vec!["APP_CAMERA_UNPROVEN"]),
            (photo(&[], &Proof::default()), Letter::B, vec!["APP_CAMERA_UNPROVEN", "TIME_ABSENT", "PLACE_ABSENT"]),
            (photo(&[], &Proof { place: Sign::Unchecked, ..ALL }), Letter::B, vec!["PLACE_UNCHECKED"]),
            (photo(&[], &Proof { time: Sign::Differs, ..ALL }), Letter::C, vec!["TIME_DIFFERS"]),
            (photo(&[found(Code::PlaceFar, Level::Doubt)], &ALL), Letter::C, vec!["PLACE_FAR"]),
            (
                photo(&[found(Code::TooDark, Level::Doubt), found(Code::Blurred, Level::Fail)], &Proof::default()),
                Letter::D,
                vec!["BLURRED", "TOO_DARK"],
            ),
        ];
        for (grade, letter, reasons) in cases {
            assert_eq!(grade.letter, letter);
            assert_eq!(grade.reasons.iter().map(|r| r.as_str()).collect::<Vec<_>>(), reasons);
        }
    }

    #[test]
    fn a_better_proof_never_gives_a_worse_letter() {
        let signs = [Sign::Differs, Sign::Absent, Sign::Unchecked, Sign::Agrees];
        for level in [None, Some(Level::Info), Some(Level::Doubt), Some(Level::Fail)] {
            let findings: Vec<Finding> = level.map(|l| found(Code::Blurred, l)).into_iter().collect();
            for (t, p) in (0..4).flat_map(|t| (0..4).map(move |p| (t, p))) {
                let at = |app_camera, t: usize, p: usize| {
                    photo(&findings, &Proof { app_camera, time: signs[t], place: signs[p] }).letter
                };
                assert!(at(true, t, p) <= at(false, t, p));
                assert!(at(true, 3, p) <= at(true, t, p) && at(true, t, 3) <= at(true, t, p));
            }
        }
    }

    #[test]
    fn the_signs_are_read_from_findings() {
        let proof = |codes: &[Code], window, store| {
            let findings: Vec<Finding> = codes.iter().map(|c| found(*c, Level::Fail)).collect();
            let proof = Proof::of(&findings, true, window, store);
            (proof.time, proof.place)
        };
        assert_eq!(proof(&[], true, true), (Sign::Agrees, Sign::Agrees));
        assert_eq!(proof(&[], false, false), (Sign::Unchecked, Sign::Unchecked));
        assert_eq!(proof(&[Code::TimeMissing, Code::PlaceFar], true, true), (Sign::Absent, Sign::Differs));
        assert_eq!(proof(&[Code::TimeAfterSeal, Code::PlaceMissing], true, true), (Sign::Differs, Sign::Absent));
        assert_eq!(proof(&[Code::FormatUnsupported], true, true), (Sign::Absent, Sign::Absent));
    }

    #[test]
    fn a_visit_is_as_good_as_its_worst_part() {
        let best = photo(&[], &ALL);
        let bare = photo(&[], &Proof { time: Sign::Absent, ..ALL });
        assert_eq!(visit(&[], &[]), None);
        assert_eq!(visit(&[best.clone(), best.clone()], &[]), Some(best.clone()));
        assert_eq!(visit(&[best.clone(), bare.clone()], &[]), Some(bare.clone()));
        let late = visit(&[best, bare], &[found(Code::LateSeal, Level::Doubt)]).expect("there are photos");
        assert_eq!((late.letter, late.reasons), (Letter::C, vec![Reason::Finding(Code::LateSeal)]));
    }

    #[test]
    fn every_reason_is_one_sentence_in_each_language() {
        let own = [
            Reason::AllProven,
            Reason::AppCameraUnproven,
            Reason::TimeAbsent,
            Reason::TimeUnchecked,
            Reason::TimeDiffers,
            Reason::PlaceAbsent,
            Reason::PlaceUnchecked,
            Reason::PlaceDiffers,
        ];
        for reason in own.into_iter().chain(Code::all().map(Reason::Finding)) {
            for language in [Language::En, Language::Fr, Language::Nl] {
                let sentence = reason.sentence(language);
                assert!(sentence.ends_with('.') && !sentence.contains(". "), "{sentence}");
                assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            }
        }
        assert_eq!(table(Language::Fr).lines().count(), 5);
    }
}
