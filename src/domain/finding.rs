//! Findings: what the machine observed on a photo, a position or an answer. One ordered table holds every code, the
//! highest level it may reach, the unit of its numbers and its sentences. What makes a finding is decided in `checks`
//! and `domain`; what findings add up to is decided by the assessment. No finding ever exceeds its code's level.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::EvidenceId;

/// Version of the limits and rules behind all findings: the same bytes and the same version give the same findings.
pub const RULE_VERSION: &str = "2026.3";

/// Longest extra text kept in a finding, in characters.
pub const TEXT_MAX_CHARS: usize = 80;

/// How much a finding weighs. `Fail` is the strongest doubt: a person decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Doubt,
    Fail,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Doubt => "doubt",
            Level::Fail => "fail",
        }
    }

    pub fn parse(text: &str) -> Option<Level> {
        [Level::Info, Level::Doubt, Level::Fail].into_iter().find(|l| l.as_str() == text)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language that sentences are written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Fr,
    Nl,
}

impl Language {
    /// Reads the primary part of a language tag: `fr`, `fr-BE`, `FR_be`. `None` for a language without sentences.
    pub fn parse(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        [Language::En, Language::Fr, Language::Nl].into_iter().find(|l| primary.eq_ignore_ascii_case(l.as_str()))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
            Language::Nl => "nl",
        }
    }
}

/// What the numbers of a finding count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// The code carries no numbers.
    None,
    Count,
    /// A share of 1, shown as a percentage.
    Share,
    /// A bare measure without a unit.
    Measure,
    Metres,
    Seconds,
    Bytes,
    Megapixels,
    Pixels,
    /// Brightness steps out of 255.
    Brightness,
    /// Bits that differ out of 256.
    Bits,
}

struct Row {
    code: Code,
    text: &'static str,
    highest: Level,
    unit: Unit,
    /// English, French, Dutch. `{value}`, `{limit}` and `{text}` are filled in; a part in `[ ]` is dropped when a
    /// number it names is absent.
    sentences: [&'static str; 3],
}

macro_rules! codes {
    ($($name:ident $text:literal $highest:ident $unit:ident $en:literal $fr:literal $nl:literal)+) => {
        /// What was observed. The order is the order of the table and of every listing.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $en)] $name,)+
        }

        static TABLE: &[Row] = &[
            $(Row {
                code: Code::$name,
                text: $text,
                highest: Level::$highest,
                unit: Unit::$unit,
                sentences: [$en, $fr, $nl],
            },)+
        ];
    };
}

codes! {
    // File
    FormatUnsupported "FORMAT_UNSUPPORTED" Fail None
        "This file cannot be used[ ({text})]. Send the photo as JPEG or HEIC, as the camera saves it; PNG and WebP are read too."
        "Ce fichier ne peut pas être utilisé[ ({text})]. Envoyez la photo en JPEG ou HEIC, comme l'appareil l'enregistre ; PNG et WebP sont lus aussi."
        "Dit bestand kan niet worden gebruikt[ ({text})]. Stuur de foto als JPEG of HEIC, zoals de camera die opslaat; PNG en WebP worden ook gelezen."
    TypeDiffers "TYPE_DIFFERS" Doubt None
        "The content of the file is not what its name or type says[ ({text})]. Send the photo as the camera saved it."
        "Le contenu du fichier ne correspond pas à son nom ou à son type[ ({text})]. Envoyez la photo telle que l'appareil l'a enregistrée."
        "De inhoud van het bestand klopt niet met de naam of het type[ ({text})]. Stuur de foto zoals de camera die heeft opgeslagen."
    TooLarge "TOO_LARGE" Fail Bytes
        "The file is too large[: {value}, at most {limit}]. Take the photo at a lower resolution."
        "Le fichier est trop volumineux[ : {value}, au plus {limit}]. Prenez la photo à une résolution plus basse."
        "Het bestand is te groot[: {value}, hoogstens {limit}]. Maak de foto met een lagere resolutie."
    TooManyPixels "TOO_MANY_PIXELS" Fail Megapixels
        "The picture has too many pixels[: {value}, at most {limit}]. Take the photo at a lower resolution."
        "L'image a trop de pixels[ : {value}, au plus {limit}]. Prenez la photo à une résolution plus basse."
        "De foto heeft te veel pixels[: {value}, hoogstens {limit}]. Maak de foto met een lagere resolutie."
    Damaged "DAMAGED" Doubt None
        "The file is damaged or incomplete. Send it again, or take the photo again."
        "Le fichier est endommagé ou incomplet. Renvoyez-le ou reprenez la photo."
        "Het bestand is beschadigd of onvolledig. Stuur het opnieuw of maak de foto opnieuw."
    TrailingData "TRAILING_DATA" Info Bytes
        "The file carries more data after the picture[: {value}][ ({text})]. Nothing to do."
        "Le fichier contient d'autres données après l'image[ : {value}][ ({text})]. Rien à faire."
        "Het bestand bevat nog gegevens na de foto[: {value}][ ({text})]. U hoeft niets te doen."
    ResolutionLow "RESOLUTION_LOW" Fail Pixels
        "The photo is too small[: its long side has {value}, at least {limit} are needed]. Send the original, not a copy from a messenger, or take it again closer."
        "La photo est trop petite[ : son grand côté mesure {value}, il en faut au moins {limit}]. Envoyez l'original et non une copie de messagerie, ou reprenez-la de plus près."
        "De foto is te klein[: de lange zijde heeft {value}, minstens {limit} is nodig]. Stuur het origineel en geen kopie uit een chat-app, of maak de foto opnieuw van dichterbij."
    // Light and focus
    BlackFrame "BLACK_FRAME" Fail Share
        "The photo is black[: {value} of it is dark]. Uncover the lens, turn on the light or the flash, and take it again."
        "La photo est noire[ : {value} de l'image est sombre]. Dégagez l'objectif, allumez la lumière ou le flash et reprenez-la."
        "De foto is zwart[: {value} ervan is donker]. Maak de lens vrij, zet het licht of de flits aan en maak de foto opnieuw."
    CoveredLens "COVERED_LENS" Doubt Share
        "Almost nothing can be seen[: {value} of the photo is plain]. Check that no finger covers the lens and take it again."
        "On ne voit presque rien[ : {value} de la photo est unie]. Vérifiez qu'aucun doigt ne couvre l'objectif et reprenez-la."
        "Er is bijna niets te zien[: {value} van de foto is egaal]. Kijk of er geen vinger voor de lens zit en maak de foto opnieuw."
    TooDark "TOO_DARK" Doubt Brightness
        "The photo is too dark[: brightness {value} of 255, at least {limit}]. Use more light or the flash and take it again."
        "La photo est trop sombre[ : luminosité {value} sur 255, au moins {limit}]. Ajoutez de la lumière ou le flash et reprenez-la."
        "De foto is te donker[: helderheid {value} van 255, minstens {limit}]. Gebruik meer licht of de flits en maak de foto opnieuw."
    Overexposed "OVEREXPOSED" Doubt Share
        "The photo is too bright[: {value} of it is white, at most {limit}]. Turn away from the lamp or window, switch off the flash, and take it again."
        "La photo est trop claire[ : {value} de l'image est blanche, au plus {limit}]. Détournez-vous de la lampe ou de la fenêtre, coupez le flash et reprenez-la."
        "De foto is te licht[: {value} ervan is wit, hoogstens {limit}]. Draai weg van de lamp of het raam, zet de flits uit en maak de foto opnieuw."
    LowContrast "LOW_CONTRAST" Info Brightness
        "The photo has little contrast[: {value} of 255]. Wipe the lens if the next one looks the same."
        "La photo a peu de contraste[ : {value} sur 255]. Essuyez l'objectif si la suivante est pareille."
        "De foto heeft weinig contrast[: {value} van 255]. Veeg de lens schoon als de volgende er ook zo uitziet."
    Blurred "BLURRED" Fail Measure
        "The photo is blurred[ (measured {value}, limit {limit})]. Hold the phone still, tap on the labels to focus, and take it again."
        "La photo est floue[ (mesure {value}, limite {limit})]. Tenez le téléphone immobile, touchez les étiquettes à l'écran pour faire la mise au point et reprenez-la."
        "De foto is onscherp[ (gemeten {value}, grens {limit})]. Houd de telefoon stil, tik op de etiketten om scherp te stellen en maak de foto opnieuw."
    MotionBlur "MOTION_BLUR" Doubt Measure
        "The phone moved while the photo was taken[ (one direction is softer by {value}, limit {limit})]. Hold it with both hands, stand still, and take it again."
        "Le téléphone a bougé pendant la prise[ (une direction est plus floue de {value}, limite {limit})]. Tenez-le à deux mains, ne bougez pas et reprenez la photo."
        "De telefoon bewoog tijdens het maken[ (één richting is {value} zachter, grens {limit})]. Houd hem met beide handen vast, sta stil en maak de foto opnieuw."
    // Time and place
    TimeMissing "TIME_MISSING" Info None
        "The photo does not say when it was taken. Nothing to do."
        "La photo ne dit pas quand elle a été prise. Rien à faire."
        "De foto vermeldt niet wanneer ze is gemaakt. U hoeft niets te doen."
    TimeBeforeVisit "TIME_BEFORE_VISIT" Fail Seconds
        "The photo says it was taken before the visit[, {value} too early]. Take it again in the store; if the clock of the phone is wrong, set it to automatic."
        "La photo indique qu'elle a été prise avant la visite[, {value} trop tôt]. Reprenez-la dans le magasin ; si l'heure du téléphone est fausse, réglez-la sur automatique."
        "Volgens de foto is ze vóór het bezoek gemaakt[, {value} te vroeg]. Maak haar opnieuw in de winkel; klopt de klok van de telefoon niet, zet die dan op automatisch."
    TimeAfterSeal "TIME_AFTER_SEAL" Fail Seconds
        "The photo says it was taken after the work was handed in[, {value} too late]. If the clock of the phone is wrong, set it to automatic."
        "La photo indique qu'elle a été prise après la remise du travail[, {value} trop tard]. Si l'heure du téléphone est fausse, réglez-la sur automatique."
        "Volgens de foto is ze na het inleveren gemaakt[, {value} te laat]. Klopt de klok van de telefoon niet, zet die dan op automatisch."
    ClockSkew "CLOCK_SKEW" Doubt Seconds
        "The clock of the camera does not fit the other times[: {value} apart, at most {limit}]. Set date and time of the phone to automatic."
        "L'horloge de l'appareil ne concorde pas avec les autres heures[ : {value} d'écart, au plus {limit}]. Réglez la date et l'heure du téléphone sur automatique."
        "De klok van de camera past niet bij de andere tijden[: {value} verschil, hoogstens {limit}]. Zet datum en tijd van de telefoon op automatisch."
    PlaceMissing "PLACE_MISSING" Info None
        "The photo does not say where it was taken. Nothing to do."
        "La photo ne dit pas où elle a été prise. Rien à faire."
        "De foto vermeldt niet waar ze is gemaakt. U hoeft niets te doen."
    PlaceFar "PLACE_FAR" Doubt Metres
        "The photo says it was taken away from the store[: {value}, expected within {limit}]. Take it again at the store with location switched on."
        "La photo indique qu'elle a été prise loin du magasin[ : à {value}, attendu à moins de {limit}]. Reprenez-la au magasin avec la localisation activée."
        "Volgens de foto is ze niet bij de winkel gemaakt[: op {value}, verwacht binnen {limit}]. Maak haar opnieuw bij de winkel met locatie ingeschakeld."
    PlaceTimeConflict "PLACE_TIME_CONFLICT" Doubt Seconds
        "The photo names a place where the clock shows another time[: {value} apart, at most {limit}]. Set date, time and location of the phone to automatic."
        "La photo indique un lieu où l'heure est différente[ : {value} d'écart, au plus {limit}]. Réglez la date, l'heure et la localisation du téléphone sur automatique."
        "De foto noemt een plaats waar de klok anders staat[: {value} verschil, hoogstens {limit}]. Zet datum, tijd en locatie van de telefoon op automatisch."
    // Copies
    DupExactOwn "DUP_EXACT_OWN" Fail None
        "You already sent exactly this photo for another visit. Take a new one."
        "Vous avez déjà envoyé exactement cette photo pour une autre visite. Prenez-en une nouvelle."
        "U hebt precies deze foto al voor een ander bezoek gestuurd. Maak een nieuwe."
    DupExactOther "DUP_EXACT_OTHER" Fail None
        "Exactly this photo was already sent by someone else. Take your own photo."
        "Exactement cette photo a déjà été envoyée par quelqu'un d'autre. Prenez votre propre photo."
        "Precies deze foto is al door iemand anders gestuurd. Maak zelf een foto."
    DupPerceptualOwn "DUP_PERCEPTUAL_OWN" Fail Bits
        "This photo looks the same as one you sent for another visit[ ({value} of 256 bits differ, limit {limit})]. Take a new one."
        "Cette photo ressemble à une photo envoyée pour une autre visite[ ({value} bits sur 256 diffèrent, limite {limit})]. Prenez-en une nouvelle."
        "Deze foto lijkt op een foto die u voor een ander bezoek stuurde[ ({value} van 256 bits verschillen, grens {limit})]. Maak een nieuwe."
    DupPerceptualOther "DUP_PERCEPTUAL_OTHER" Fail Bits
        "This photo looks the same as one from someone else[ ({value} of 256 bits differ, limit {limit})]. Take your own photo."
        "Cette photo ressemble à celle de quelqu'un d'autre[ ({value} bits sur 256 diffèrent, limite {limit})]. Prenez votre propre photo."
        "Deze foto lijkt op die van iemand anders[ ({value} van 256 bits verschillen, grens {limit})]. Maak zelf een foto."
    DupMirrored "DUP_MIRRORED" Doubt Bits
        "This photo looks like a mirrored copy of an earlier one[ ({value} of 256 bits differ, limit {limit})]. Take a new one and do not edit it."
        "Cette photo ressemble à une copie en miroir d'une photo précédente[ ({value} bits sur 256 diffèrent, limite {limit})]. Prenez-en une nouvelle sans la modifier."
        "Deze foto lijkt op een gespiegelde kopie van een eerdere[ ({value} van 256 bits verschillen, grens {limit})]. Maak een nieuwe en bewerk die niet."
    Burst "BURST" Info Bits
        "You took almost the same photo twice[ ({value} of 256 bits differ)]. Nothing to do."
        "Vous avez pris deux fois presque la même photo[ ({value} bits sur 256 diffèrent)]. Rien à faire."
        "U hebt bijna dezelfde foto twee keer gemaakt[ ({value} van 256 bits verschillen)]. U hoeft niets te doen."
    SameSceneOtherWorker "SAME_SCENE_OTHER_WORKER" Doubt Bits
        "Someone else sent almost the same view at the same time[ ({value} of 256 bits differ)]. Take your photos yourself."
        "Quelqu'un d'autre a envoyé presque la même vue au même moment[ ({value} bits sur 256 diffèrent)]. Prenez vos photos vous-même."
        "Iemand anders stuurde op hetzelfde moment bijna hetzelfde beeld[ ({value} van 256 bits verschillen)]. Maak uw foto's zelf."
    DupCropped "DUP_CROPPED" Fail Measure
        "This photo was made from an earlier one[ (they agree by {value}, limit {limit})]. Take your own photo and do not edit it."
        "Cette photo a été faite à partir d'une photo précédente[ (concordance {value}, limite {limit})]. Prenez votre propre photo sans la modifier."
        "Deze foto is gemaakt van een eerdere[ (overeenkomst {value}, grens {limit})]. Maak zelf een foto en bewerk die niet."
    PartialCopy "PARTIAL_COPY" Doubt Share
        "Part of this photo is the same as in an earlier one[: {value}]. Take your own photo and do not edit it."
        "Une partie de cette photo est identique à une photo précédente[ : {value}]. Prenez votre propre photo sans la modifier."
        "Een deel van deze foto is gelijk aan een eerdere[: {value}]. Maak zelf een foto en bewerk die niet."
    // Origin
    NoCameraData "NO_CAMERA_DATA" Doubt None
        "The photo carries no camera data. Many browsers and apps remove it; nothing to do."
        "La photo ne contient pas de données d'appareil. Beaucoup de navigateurs et d'applications les retirent ; rien à faire."
        "De foto bevat geen cameragegevens. Veel browsers en apps verwijderen die; u hoeft niets te doen."
    EditorNamed "EDITOR_NAMED" Doubt None
        "The photo was saved by an editing program[ ({text})]. Send the photo as the camera saved it."
        "La photo a été enregistrée par un logiciel de retouche[ ({text})]. Envoyez-la telle que l'appareil l'a enregistrée."
        "De foto is opgeslagen door een bewerkingsprogramma[ ({text})]. Stuur haar zoals de camera haar heeft opgeslagen."
    ResavedLowQuality "RESAVED_LOW_QUALITY" Info Count
        "The photo was saved again at low quality[ ({value} of 100)]. If you can, send the original."
        "La photo a été réenregistrée en basse qualité[ ({value} sur 100)]. Si possible, envoyez l'original."
        "De foto is opnieuw opgeslagen met lage kwaliteit[ ({value} van 100)]. Stuur zo mogelijk het origineel."
    ThumbnailDiffers "THUMBNAIL_DIFFERS" Info Measure
        "The small preview in the file shows something else than the photo[ (likeness {value}, usually at least {limit})]. Nothing to do."
        "Le petit aperçu dans le fichier montre autre chose que la photo[ (ressemblance {value}, d'habitude au moins {limit})]. Rien à faire."
        "Het kleine voorbeeld in het bestand toont iets anders dan de foto[ (gelijkenis {value}, meestal minstens {limit})]. U hoeft niets te doen."
    Screenshot "SCREENSHOT" Doubt None
        "This looks like a screenshot[ ({text})]. Take the photo with the camera."
        "Ceci ressemble à une capture d'écran[ ({text})]. Prenez la photo avec l'appareil."
        "Dit lijkt op een schermafbeelding[ ({text})]. Maak de foto met de camera."
    FlatSecondAngle "FLAT_SECOND_ANGLE" Doubt Measure
        "Both photos show one flat picture[ (they agree by {value}, limit {limit})]. Photograph the shelf itself, then again from a step to the side."
        "Les deux photos montrent une même image plate[ (concordance {value}, limite {limit})]. Photographiez le rayon lui-même, puis de nouveau d'un pas de côté."
        "Beide foto's tonen één vlak beeld[ (overeenkomst {value}, grens {limit})]. Fotografeer het schap zelf en daarna nog eens een stap opzij."
    NotAppCapture "NOT_APP_CAPTURE" Doubt None
        "This photo does not come straight from the camera[ ({text})]. Take it with the camera in the app."
        "Cette photo ne vient pas directement de l'appareil[ ({text})]. Prenez-la avec l'appareil photo de l'application."
        "Deze foto komt niet rechtstreeks van de camera[ ({text})]. Maak haar met de camera in de app."
    CaptureConflict "CAPTURE_CONFLICT" Doubt None
        "What the app wrote down while the photo was taken does not fit together[ ({text})]. Take every photo in the app, in this visit."
        "Ce que l'application a noté pendant la prise de vue ne concorde pas[ ({text})]. Prenez chaque photo dans l'application, pendant cette visite."
        "Wat de app bij het maken van de foto heeft genoteerd, klopt niet met elkaar[ ({text})]. Maak elke foto in de app, tijdens dit bezoek."
    // Provenance
    ProvenanceValid "PROVENANCE_VALID" Info None
        "The photo carries a signed record of where it comes from[ ({text})]. Nothing to do."
        "La photo contient une attestation d'origine signée[ ({text})]. Rien à faire."
        "De foto bevat een ondertekende verklaring van herkomst[ ({text})]. U hoeft niets te doen."
    ProvenanceBroken "PROVENANCE_BROKEN" Doubt None
        "The signed record of origin does not fit the photo[ ({text})]. Send the photo as the camera saved it."
        "L'attestation d'origine signée ne correspond pas à la photo[ ({text})]. Envoyez-la telle que l'appareil l'a enregistrée."
        "De ondertekende verklaring van herkomst past niet bij de foto[ ({text})]. Stuur haar zoals de camera haar heeft opgeslagen."
    AiDeclared "AI_DECLARED" Fail None
        "The file says that the picture was generated by a program[ ({text})]. Take a photo in the store."
        "Le fichier indique que l'image a été générée par un programme[ ({text})]. Prenez une photo dans le magasin."
        "Volgens het bestand is het beeld door een programma gemaakt[ ({text})]. Maak een foto in de winkel."
    // Privacy
    FacesHidden "FACES_HIDDEN" Info Count
        "Faces were hidden in what the brand sees[: {value}]. Nothing to do."
        "Des visages ont été masqués dans ce que voit la marque[ : {value}]. Rien à faire."
        "Gezichten zijn verborgen in wat het merk ziet[: {value}]. U hoeft niets te doen."
    // Position of the visit
    PositionUncertain "POSITION_UNCERTAIN" Doubt Metres
        "Your position was too inexact to tell whether you were at the store[ ({value} away, radius {limit})]. Wait a moment outside with location switched on and send it again."
        "Votre position était trop imprécise pour savoir si vous étiez au magasin[ (à {value}, rayon {limit})]. Attendez un instant dehors avec la localisation activée et renvoyez-la."
        "Uw positie was te onnauwkeurig om te zien of u bij de winkel was[ ({value} ervandaan, straal {limit})]. Wacht even buiten met locatie ingeschakeld en stuur haar opnieuw."
    PositionFail "POSITION_FAIL" Doubt Metres
        "Your position was not at the store[: {value} away, radius {limit}]. Check that it is the right store; if it is, the store may be entered wrongly: tell us."
        "Votre position n'était pas au magasin[ : à {value}, rayon {limit}]. Vérifiez que c'est le bon magasin ; si oui, il est peut-être mal enregistré : dites-le-nous."
        "Uw positie was niet bij de winkel[: {value} ervandaan, straal {limit}]. Kijk of het de juiste winkel is; zo ja, dan staat de winkel misschien verkeerd: laat het ons weten."
    PositionMissing "POSITION_MISSING" Doubt None
        "No position was sent for this visit. Switch on location for the next one."
        "Aucune position n'a été envoyée pour cette visite. Activez la localisation pour la prochaine."
        "Er is geen positie voor dit bezoek gestuurd. Schakel locatie in voor het volgende."
    MockLocation "MOCK_LOCATION" Doubt None
        "The phone reported a simulated position. Switch off mock locations in the developer settings."
        "Le téléphone a signalé une position simulée. Désactivez les positions fictives dans les options de développement."
        "De telefoon meldde een nagebootste positie. Zet neplocaties uit in de ontwikkelaarsopties."
    PositionFrozen "POSITION_FROZEN" Doubt Seconds
        "Your position did not move at all[ for {value}], as a receiver's always does a little. Switch on precise location, close apps that change it, and wait for a new position before the next photo."
        "Votre position n'a pas du tout bougé[ pendant {value}], alors que celle d'un récepteur varie toujours un peu. Activez la position exacte, fermez les applications qui la modifient et attendez une nouvelle position avant la photo suivante."
        "Uw positie bewoog helemaal niet[ gedurende {value}], terwijl die van een ontvanger altijd iets verschuift. Zet precieze locatie aan, sluit apps die haar wijzigen en wacht op een nieuwe positie vóór de volgende foto."
    PositionIsStore "POSITION_IS_STORE" Doubt Count
        "Your position was exactly the point of the store on the map[, {value} times]. Let the phone measure it; nothing to do if it did."
        "Votre position était exactement le point du magasin sur la carte[, {value} fois]. Laissez le téléphone la mesurer ; rien à faire si c'était le cas."
        "Uw positie was precies het punt van de winkel op de kaart[, {value} keer]. Laat de telefoon haar meten; u hoeft niets te doen als dat zo was."
    AccuracyImpossible "ACCURACY_IMPOSSIBLE" Doubt Share
        "The phone gave an accuracy that phones do not reach[ ({text}; {value} of the positions)]. Switch on precise location and close apps that change it."
        "Le téléphone a donné une précision qu'un téléphone n'atteint pas[ ({text} ; {value} des positions)]. Activez la position exacte et fermez les applications qui la modifient."
        "De telefoon gaf een nauwkeurigheid die telefoons niet halen[ ({text}; {value} van de posities)]. Zet precieze locatie aan en sluit apps die haar wijzigen."
    AccuracyConstant "ACCURACY_CONSTANT" Doubt Metres
        "The accuracy of your position was always the same[: {value}]. Nothing to do."
        "La précision de votre position était toujours la même[ : {value}]. Rien à faire."
        "De nauwkeurigheid van uw positie was steeds dezelfde[: {value}]. U hoeft niets te doen."
    AltitudeImpossible "ALTITUDE_IMPOSSIBLE" Doubt Share
        "The phone gave a height that cannot be[ ({text}; {value} of the positions)]. Close apps that change your position."
        "Le téléphone a donné une altitude impossible[ ({text} ; {value} des positions)]. Fermez les applications qui modifient votre position."
        "De telefoon gaf een hoogte die niet kan[ ({text}; {value} van de posities)]. Sluit apps die uw positie wijzigen."
    AltitudeConstant "ALTITUDE_CONSTANT" Doubt Metres
        "The height of your position was always the same[: {value}]. Nothing to do."
        "L'altitude de votre position était toujours la même[ : {value}]. Rien à faire."
        "De hoogte van uw positie was steeds dezelfde[: {value}]. U hoeft niets te doen."
    Clockwork "CLOCKWORK" Doubt Seconds
        "Your positions came like clockwork[, every {value}]. Send each one when you take the photo; nothing to do if you did."
        "Vos positions sont arrivées comme une horloge[, toutes les {value}]. Envoyez chacune en prenant la photo ; rien à faire si c'était le cas."
        "Uw posities kwamen als een uurwerk[, elke {value}]. Stuur elke positie bij het maken van de foto; u hoeft niets te doen als u dat deed."
    TrackStraight "TRACK_STRAIGHT" Doubt Measure
        "Your way was a perfect line at an even pace[ (off by {value} m, people by more than {limit} m)]. Close apps that change your position."
        "Votre trajet était une ligne parfaite à allure constante[ (écart {value} m, plus de {limit} m pour une personne)]. Fermez les applications qui modifient votre position."
        "Uw route was een volmaakte lijn in een gelijk tempo[ (afwijking {value} m, bij mensen meer dan {limit} m)]. Sluit apps die uw positie wijzigen."
    TrackReplayed "TRACK_REPLAYED" Doubt Share
        "Your way is the same as in an earlier visit[: {value} alike, limit {limit}]. Make each visit yourself; a person looks at it if you did."
        "Votre trajet est le même que lors d'une visite précédente[ : {value} de ressemblance, limite {limit}]. Faites chaque visite vous-même ; une personne vérifiera si c'était le cas."
        "Uw route is dezelfde als bij een eerder bezoek[: {value} gelijk, grens {limit}]. Doe elk bezoek zelf; een mens kijkt ernaar als u dat deed."
    PositionJump "POSITION_JUMP" Doubt Metres
        "Your position jumped faster than anyone travels[: {value} at once]. Wait for a steady position before you check in, and close apps that change it."
        "Votre position a sauté plus vite que quiconque ne voyage[ : {value} d'un coup]. Attendez une position stable avant de signaler votre arrivée et fermez les applications qui la modifient."
        "Uw positie versprong sneller dan iemand reist[: {value} ineens]. Wacht op een vaste positie voordat u incheckt en sluit apps die haar wijzigen."
    TravelImpossible "TRAVEL_IMPOSSIBLE" Doubt Metres
        "Your last visit was too far away to be here so soon[: {value}, at most {limit} in that time]. Set the clock of the phone to automatic; use your own account on one phone."
        "Votre visite précédente était trop loin pour être déjà ici[ : {value}, au plus {limit} en ce temps]. Réglez l'heure du téléphone sur automatique ; utilisez votre propre compte sur un seul téléphone."
        "Uw vorige bezoek was te ver weg om al hier te zijn[: {value}, hoogstens {limit} in die tijd]. Zet de klok van de telefoon op automatisch; gebruik uw eigen account op één telefoon."
    PhotoApart "PHOTO_APART" Doubt Metres
        "A photo was taken away from the other positions of the visit[: {value}, at most {limit}]. Take all photos in the store with location switched on."
        "Une photo a été prise loin des autres positions de la visite[ : à {value}, au plus {limit}]. Prenez toutes les photos au magasin avec la localisation activée."
        "Een foto is ver van de andere posities van het bezoek gemaakt[: {value}, hoogstens {limit}]. Maak alle foto's in de winkel met locatie ingeschakeld."
    PhotoElsewhere "PHOTO_ELSEWHERE" Doubt Metres
        "A photo names another place than the phone did[: {value} apart, at most {limit}]. Take it with the app and wait until the position is found."
        "Une photo indique un autre lieu que le téléphone[ : à {value}, au plus {limit}]. Prenez-la avec l'application et attendez que la position soit trouvée."
        "Een foto noemt een andere plaats dan de telefoon[: {value} ervandaan, hoogstens {limit}]. Maak haar met de app en wacht tot de positie is gevonden."
    MovementConflict "MOVEMENT_CONFLICT" Doubt Count
        "Speed and positions of the phone do not fit together[: {value} times]. Close apps that change your position."
        "La vitesse et les positions du téléphone ne concordent pas[ : {value} fois]. Fermez les applications qui modifient votre position."
        "Snelheid en posities van de telefoon passen niet bij elkaar[: {value} keer]. Sluit apps die uw positie wijzigen."
    PositionNoise "POSITION_NOISE" Doubt Share
        "Your position jittered as no receiver does[: {value} of all change within seconds, at most {limit}]. Switch on precise location and close apps that change it."
        "Votre position a tremblé comme celle d'aucun récepteur[ : {value} de la variation en quelques secondes, au plus {limit}]. Activez la position exacte et fermez les applications qui la modifient."
        "Uw positie trilde zoals bij geen ontvanger[: {value} van alle verandering binnen seconden, hoogstens {limit}]. Zet precieze locatie aan en sluit apps die haar wijzigen."
    FixShared "FIX_SHARED" Doubt Count
        "Exactly these positions were sent for another visit[: {value}]. Let your own phone measure them."
        "Exactement ces positions ont été envoyées pour une autre visite[ : {value}]. Laissez votre propre téléphone les mesurer."
        "Precies deze posities zijn voor een ander bezoek gestuurd[: {value}]. Laat uw eigen telefoon ze meten."
    DeviceShared "DEVICE_SHARED" Doubt Count
        "Other accounts used this phone[: {value}]. Use your own account; if you share the phone, tell us."
        "D'autres comptes ont utilisé ce téléphone[ : {value}]. Utilisez votre propre compte ; si vous partagez le téléphone, dites-le-nous."
        "Andere accounts gebruikten deze telefoon[: {value}]. Gebruik uw eigen account; deelt u de telefoon, laat het ons weten."
    PhoneClock "PHONE_CLOCK" Doubt Seconds
        "The clock of the phone is wrong[ by {value}]. Set date and time to automatic."
        "L'horloge du téléphone est fausse[ de {value}]. Réglez la date et l'heure sur automatique."
        "De klok van de telefoon loopt verkeerd[: {value}]. Zet datum en tijd op automatisch."
    ClockChanged "CLOCK_CHANGED" Doubt Seconds
        "The clock of the phone was changed during the visit[ by {value}]. Set date and time to automatic."
        "L'horloge du téléphone a été changée pendant la visite[ de {value}]. Réglez la date et l'heure sur automatique."
        "De klok van de telefoon is tijdens het bezoek veranderd[: {value}]. Zet datum en tijd op automatisch."
    SignsAddUp "SIGNS_ADD_UP" Doubt Count
        "Several small things about your positions are unusual[ ({text})]. Switch on precise location and close apps that change it."
        "Plusieurs détails de vos positions sont inhabituels[ ({text})]. Activez la position exacte et fermez les applications qui la modifient."
        "Meerdere kleine dingen aan uw posities zijn ongewoon[ ({text})]. Zet precieze locatie aan en sluit apps die haar wijzigen."
    // The seal
    LateSeal "LATE_SEAL" Doubt Seconds
        "The work was handed in after the deadline[, {value} late]. A person decides; tell us if something held you up."
        "Le travail a été remis après l'échéance[, {value} de retard]. Une personne décidera ; dites-nous si quelque chose vous a retenu."
        "Het werk is na de deadline ingeleverd[, {value} te laat]. Een mens beslist; laat ons weten of iets u ophield."
    SealClockUnproven "SEAL_CLOCK_UNPROVEN" Doubt Seconds
        "We could not confirm when the work was handed in[ (the clocks differ by {value})]. Keep the phone on between check-in and handing in."
        "Nous n'avons pas pu confirmer l'heure de remise du travail[ (les horloges diffèrent de {value})]. Laissez le téléphone allumé entre l'arrivée et la remise."
        "We konden niet bevestigen wanneer het werk is ingeleverd[ (de klokken verschillen {value})]. Laat de telefoon aan tussen inchecken en inleveren."
    PhotosMissing "PHOTOS_MISSING" Doubt Count
        "Photos that were announced did not arrive[: {value}]. Open the app with a network connection to send them."
        "Des photos annoncées ne sont pas arrivées[ : {value}]. Ouvrez l'application avec du réseau pour les envoyer."
        "Aangekondigde foto's zijn niet aangekomen[: {value}]. Open de app met netwerkverbinding om ze te sturen."
    CorrectionLapsed "CORRECTION_LAPSED" Doubt None
        "The correction that was asked for did not arrive in time. A person decides on what is there."
        "La correction demandée n'est pas arrivée à temps. Une personne décidera avec ce qui est là."
        "De gevraagde correctie kwam niet op tijd. Een mens beslist op basis van wat er is."
    // Answers
    AnswerFlagged "ANSWER_FLAGGED" Doubt None
        "An answer is unusual[ ({text})]. Check it; if it is right, say so in a note."
        "Une réponse est inhabituelle[ ({text})]. Vérifiez-la ; si elle est juste, dites-le dans une note."
        "Een antwoord is ongewoon[ ({text})]. Controleer het; klopt het, zeg dat dan in een opmerking."
    AnswerInvalid "ANSWER_INVALID" Doubt None
        "An answer does not fit its question[ ({text})]. Correct it."
        "Une réponse ne convient pas à sa question[ ({text})]. Corrigez-la."
        "Een antwoord past niet bij de vraag[ ({text})]. Verbeter het."
    AnswerMissing "ANSWER_MISSING" Doubt None
        "A required answer is missing[ ({text})]. Add it."
        "Une réponse obligatoire manque[ ({text})]. Ajoutez-la."
        "Een verplicht antwoord ontbreekt[ ({text})]. Vul het aan."
    // Visits that could not be done
    NotCompletedUnproven "NOT_COMPLETED_UNPROVEN" Doubt None
        "The report that the visit was impossible lacks a store-front photo or a position[ ({text})]. Add a photo of the store front with location switched on."
        "Le signalement d'une visite impossible n'a pas de photo de la façade ou de position[ ({text})]. Ajoutez une photo de la façade avec la localisation activée."
        "De melding dat het bezoek niet kon, mist een foto van de winkelgevel of een positie[ ({text})]. Voeg een foto van de gevel toe met locatie ingeschakeld."
    ShutStoreReport "SHUT_STORE_REPORT" Info None
        "The store was reported as shut[ ({text})]. Thank you; the attempt is paid once it is confirmed."
        "Le magasin a été signalé fermé[ ({text})]. Merci ; le déplacement est payé dès que c'est confirmé."
        "De winkel is als gesloten gemeld[ ({text})]. Dank u; de poging wordt betaald zodra dit is bevestigd."
}

impl Code {
    /// Every code in the order of the table.
    pub fn all() -> impl Iterator<Item = Code> {
        TABLE.iter().map(|row| row.code)
    }

    pub fn as_str(self) -> &'static str {
        self.row().text
    }

    pub fn parse(text: &str) -> Option<Code> {
        TABLE.iter().find(|row| row.text == text).map(|row| row.code)
    }

    /// The highest level a finding of this code may have.
    pub fn highest(self) -> Level {
        self.row().highest
    }

    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// The row of this code: the enum and the table come from one list, so the discriminant is the index.
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Code, D::Error> {
        let text = String::deserialize(d)?;
        Code::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("unknown finding code `{text}`")))
    }
}

/// One machine-made observation. Numbers are in the unit of the code; `other` is the second photo of a pair.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finding {
    pub code: Code,
    pub level: Level,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<EvidenceId>,
}

impl Finding {
    /// A finding of `level`, or of the highest level of its code when that is lower.
    pub fn new(code: Code, level: Level) -> Finding {
        Finding { code, level: level.min(code.highest()), value: None, limit: None, text: None, other: None }
    }

    /// With the measured value and the limit it was held against. Numbers that are not finite are left out.
    pub fn measured(self, value: f64, limit: f64) -> Finding {
        Finding { limit: Some(limit).filter(|n| n.is_finite()), ..self.valued(value) }
    }

    /// With a measured value that has no limit.
    pub fn valued(self, value: f64) -> Finding {
        Finding { value: Some(value).filter(|n| n.is_finite()), ..self }
    }

    /// With a short extra, cut to [`TEXT_MAX_CHARS`]; control characters become spaces.
    pub fn about(self, text: &str) -> Finding {
        Finding { text: Some(plain(text, TEXT_MAX_CHARS)), ..self }
    }

    /// With the other photo of a pair.
    pub fn beside(self, other: EvidenceId) -> Finding {
        Finding { other: Some(other), ..self }
    }

    /// What was seen and what the worker can do, in one or two sentences.
    pub fn sentence(&self, language: Language) -> String {
        let row = self.code.row();
        let number = |n: Option<f64>| n.map(|n| quantity(n, row.unit, language));
        let (value, limit) = (number(self.value), number(self.limit));
        fill(row.sentences[language as usize], |name| match name {
            "value" => value.as_deref(),
            "limit" => limit.as_deref(),
            _ => self.text.as_deref(),
        })
    }
}

/// `text` on one line, at most `max` characters, without control or direction characters.
pub fn plain(text: &str, max: usize) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.trim().chars().take(max).map(|c| if hidden(c) { ' ' } else { c }).collect()
}

/// Fills `{name}`; drops a `[part]` that names something absent. Filled-in text is never read as a template.
fn fill<'a>(template: &str, get: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut part: Option<(usize, bool)> = None;
    let mut rest = template;
    while let Some(at) = rest.find(['[', ']', '{']) {
        out.push_str(&rest[..at]);
        let (mark, after) = rest[at..].split_at(1);
        rest = after;
        match mark {
            "[" => part = Some((out.len(), true)),
            "]" => {
                if let Some((start, false)) = part.take() {
                    out.truncate(start);
                }
            }
            _ => {
                let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
                rest = after;
                match (get(name), &mut part) {
                    (Some(text), _) => out.push_str(text),
                    (None, Some((_, whole))) => *whole = false,
                    (None, None) => out.push('?'),
                }
            }
        }
    }
    out.push_str(rest);
    out
}

/// A number with its unit, as it is written in a language: `1.4 km`, `1,4 km`, `2 h 5 min`, `38 %`.
fn quantity(n: f64, unit: Unit, language: Language) -> String {
    let decimal = |n: f64, places: usize| {
        let text = format!("{n:.places$}");
        if language == Language::En { text } else { text.replace('.', ",") }
    };
    match unit {
        Unit::None | Unit::Count | Unit::Brightness | Unit::Bits => decimal(n, 0),
        Unit::Share if language == Language::Fr => format!("{} %", decimal(n * 100.0, 0)),
        Unit::Share => format!("{}%", decimal(n * 100.0, 0)),
        Unit::Measure => decimal(n, 3),
        Unit::Metres if n >= 1000.0 => format!("{} km", decimal(n / 1000.0, 1)),
        Unit::Metres => format!("{} m", decimal(n, 0)),
        Unit::Seconds => duration(n, language),
        Unit::Bytes => {
            let (b, kb, mb) = if language == Language::Fr { ("o", "ko", "Mo") } else { ("B", "kB", "MB") };
            match n {
                n if n >= 1e6 => format!("{} {mb}", decimal(n / 1e6, 1)),
                n if n >= 1e3 => format!("{} {kb}", decimal(n / 1e3, 0)),
                n => format!("{} {b}", decimal(n, 0)),
            }
        }
        Unit::Megapixels => format!("{} MP", decimal(n, 1)),
        Unit::Pixels => format!("{} px", decimal(n, 0)),
    }
}

fn duration(secs: f64, language: Language) -> String {
    let secs = secs.abs().round() as i64;
    let (day, hour) = match language {
        Language::En => ("d", "h"),
        Language::Fr => ("j", "h"),
        Language::Nl => ("d", "u"),
    };
    match secs {
        0..=119 => format!("{secs} s"),
        120..=7199 => format!("{} min", secs / 60),
        7200..=172_799 => format!("{} {hour} {} min", secs / 3600, secs % 3600 / 60),
        _ => format!("{} {day}", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_stands_at_its_place_in_the_table() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.code as usize, place);
            assert_eq!(Code::parse(row.text), Some(row.code));
            assert!(row.text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{}", row.text);
        }
        assert_eq!(Code::all().count(), TABLE.len());
        assert_eq!(Code::parse("blurred"), None);
    }

    #[test]
    fn every_sentence_is_whole_with_and_without_its_numbers() {
        for code in Code::all() {
            let bare = Finding::new(code, Level::Fail);
            let full = bare.clone().measured(12.5, 10.0).about("x");
            for language in [Language::En, Language::Fr, Language::Nl] {
                let words = [bare.sentence(language), full.sentence(language)];
                for text in &words {
                    assert!(text.ends_with('.') && !text.contains(['{', '}', '[', ']']), "{text}");
                    assert!(!text.contains("  "), "{text}");
                }
                assert!(words[1].len() >= words[0].len());
            }
            let [en, fr, nl] = code.row().sentences;
            for name in ["{value}", "{limit}", "{text}"] {
                assert!([fr, nl].iter().all(|s| s.contains(name) == en.contains(name)), "{code} {name}");
            }
            assert!(code.unit() != Unit::None || !en.contains("{value}"), "{code} shows a number without a unit");
        }
    }

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        let blurred = Finding::new(Code::Blurred, Level::Fail).measured(0.5121, 0.435);
        assert!(blurred.sentence(Language::En).starts_with("The photo is blurred (measured 0.512, limit 0.435)."));
        assert!(blurred.sentence(Language::Nl).contains("gemeten 0,512, grens 0,435"));
        let far = Finding::new(Code::PlaceFar, Level::Fail).measured(12_345.0, 850.0);
        assert_eq!(far.level, Level::Doubt, "a code has a highest level");
        assert!(far.sentence(Language::Fr).contains("loin du magasin : à 12,3 km, attendu à moins de 850 m"));
        let early = Finding::new(Code::TimeBeforeVisit, Level::Fail).valued(-7500.0);
        assert!(early.sentence(Language::En).contains("2 h 5 min too early"));
        assert!(early.sentence(Language::Nl).contains("2 u 5 min te vroeg"));
    }

    #[test]
    fn foreign_text_is_cut_and_never_read_as_a_template() {
        let finding = Finding::new(Code::EditorNamed, Level::Doubt).about("a\n{value}[x]\u{202e}");
        assert!(finding.sentence(Language::En).contains("(a {value}[x] )"));
        let long = Finding::new(Code::EditorNamed, Level::Doubt).about(&"é".repeat(500));
        assert_eq!(long.text.map(|t| t.chars().count()), Some(TEXT_MAX_CHARS));
    }

    #[test]
    fn a_finding_is_stored_and_read_back() {
        let finding =
            Finding::new(Code::DupPerceptualOwn, Level::Fail).measured(12.0, 31.0).beside(EvidenceId::from_bits(5));
        let text = serde_json::to_string(&finding).expect("writes");
        assert!(
            text.starts_with(r#"{"code":"DUP_PERCEPTUAL_OWN","level":"fail","value":12.0,"limit":31.0,"other":"evd_"#)
        );
        assert_eq!(serde_json::from_str::<Finding>(&text).expect("reads"), finding);
        assert_eq!(Finding::new(Code::Blurred, Level::Fail).measured(f64::NAN, 0.4).value, None);
        assert_eq!(Language::parse("nl-BE"), Some(Language::Nl));
    }
}
