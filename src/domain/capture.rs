//! The capture envelope: what the app's camera writes down while it takes a photo. It says more than EXIF, which many
//! phones strip and everybody can edit, and still is only what a phone says: it makes a doubt, never a refusal. A photo
//! without one is information: browsers and other clients have none.

use serde::{Deserialize, Serialize};

use super::finding::{Code, Finding, Language, Level};
use super::time::At;

text_enum! {
    /// Where the app got the picture from.
    Source { Camera = "camera", Gallery = "gallery" }
}

/// What came with one photo.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Envelope {
    pub source: Option<Source>,
    /// The reservation's nonce.
    pub nonce: Option<String>,
    /// Milliseconds on the phone's monotonic clock from the answer to the reservation to the shutter.
    pub elapsed_ms: Option<i64>,
    /// 1 for the first photo of the visit that is kept, then counting.
    pub sequence: Option<i64>,
    /// SHA-256 of the photo with the number before.
    pub previous_sha256: Option<String>,
    /// The phone's id of the photo whose subject this one shows from a step to the side.
    #[serde(default)]
    pub angle_of: Option<String>,
}

/// What the visit knows itself.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub nonce: &'a str,
    pub reserved_at: At,
    pub received_at: At,
    /// The task asks for a photo straight from the camera.
    pub camera_only: bool,
}

/// The clocks of two machines agree within this, in seconds.
const CLOCK_SLACK_SECS: i64 = 120;

impl Envelope {
    /// The instant of the shutter, by the server's time at the reservation and the phone's monotonic clock.
    pub fn taken_at(&self, reserved_at: At) -> Option<At> {
        self.elapsed_ms.filter(|ms| *ms >= 0).map(|ms| reserved_at.plus_secs(ms / 1000))
    }

    /// The app's camera took it for this visit, in the time between the reservation and its arrival.
    pub fn is_sound(&self, expected: Expected<'_>) -> bool {
        self.source == Some(Source::Camera)
            && self.nonce.as_deref() == Some(expected.nonce)
            && self.taken_at(expected.reserved_at).is_some_and(|at| !too_late(at, expected))
    }

    /// What does not fit about it.
    pub fn findings(&self, expected: Expected<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        let conflict = |why: &str| Finding::new(Code::CaptureConflict, Level::Doubt).about(why);
        if self.nonce.as_deref().is_some_and(|nonce| nonce != expected.nonce) {
            found.push(conflict("another visit"));
        }
        if self.taken_at(expected.reserved_at).is_some_and(|at| too_late(at, expected)) {
            found.push(conflict("clock"));
        }
        if expected.camera_only && self.source == Some(Source::Gallery) {
            found.push(Finding::new(Code::NotAppCapture, Level::Doubt).about("gallery"));
        }
        found
    }
}

fn too_late(taken: At, expected: Expected<'_>) -> bool {
    taken.secs_since(expected.received_at) > CLOCK_SLACK_SECS
}

/// A sound envelope counts more than the date in the file: a camera set to another year is a doubt then, not the
/// gravest one.
pub fn outweigh(findings: &mut [Finding]) {
    for finding in findings {
        if matches!(finding.code, Code::TimeBeforeVisit | Code::TimeAfterSeal) {
            finding.level = finding.level.min(Level::Doubt);
        }
    }
}

text_enum! {
    /// Why a second angle is asked for.
    AngleReason { Sample = "sample", Doubt = "doubt" }
}

/// Whether a visit belongs to the share that is asked for a second angle. The nonce is random, so the worker cannot know
/// before reserving, and asking again gives the same answer.
pub fn sampled(nonce: &str, percent: i64) -> bool {
    let hash = nonce.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 32) % 100 < u64::try_from(percent).unwrap_or(0)
}

/// Whether a finding leaves open if the photo shows a shelf or a picture of one, which a second angle would settle.
pub fn worth_second_angle(finding: &Finding) -> bool {
    let about_flatness = matches!(finding.code, Code::Screenshot | Code::EditorNamed | Code::NotAppCapture);
    about_flatness && finding.level >= Level::Doubt
}

/// What the worker is told when a second angle is asked for.
pub fn second_angle_sentence(language: Language) -> &'static str {
    match language {
        Language::En => "Take this photo once more from a step to the side.",
        Language::Fr => "Reprenez cette photo en vous décalant d'un pas sur le côté.",
        Language::Nl => "Maak deze foto nog eens vanaf één stap opzij.",
    }
}

/// One photo of a visit's chain.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    pub sha256: &'a str,
    pub envelope: &'a Envelope,
}

/// Whether the photos of a visit follow each other as their envelopes say. Photos that were dropped on the phone leave
/// gaps, which say nothing; two photos with one number, another picture than the one named before, and a clock that runs
/// backwards do.
pub fn chain(links: &[Link<'_>]) -> Option<Finding> {
    let mut numbered: Vec<(i64, &Link<'_>)> =
        links.iter().filter_map(|link| Some((link.envelope.sequence?, link))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    let broken = numbered.windows(2).find_map(|pair| {
        let ((before, earlier), (number, later)) = (&pair[0], &pair[1]);
        let named = later.envelope.previous_sha256.as_deref();
        let clocks = earlier.envelope.elapsed_ms.zip(later.envelope.elapsed_ms);
        if before == number && earlier.sha256 != later.sha256 {
            Some("number")
        } else if *number == before + 1 && named.is_some_and(|named| named != earlier.sha256) {
            Some("chain")
        } else {
            clocks.is_some_and(|(earlier, later)| later < earlier).then_some("order")
        }
    });
    broken.map(|why| Finding::new(Code::CaptureConflict, Level::Doubt).about(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> At {
        At::from_micros(secs * 1_000_000).expect("in range")
    }

    fn expected() -> Expected<'static> {
        Expected { nonce: "n1", reserved_at: at(1000), received_at: at(2000), camera_only: true }
    }

    fn envelope() -> Envelope {
        Envelope {
            source: Some(Source::Camera),
            nonce: Some("n1".into()),
            elapsed_ms: Some(500_000),
            ..Envelope::default()
        }
    }

    #[test]
    fn an_envelope_is_sound_or_says_why_not() {
        assert!(envelope().is_sound(expected()) && envelope().findings(expected()).is_empty());
        let silent = Envelope::default();
        assert!(!silent.is_sound(expected()) && silent.findings(expected()).is_empty(), "none is no doubt");
        let cases = [
            (Envelope { nonce: Some("n2".into()), ..envelope() }, Code::CaptureConflict),
            (Envelope { elapsed_ms: Some(1_200_000), ..envelope() }, Code::CaptureConflict),
            (Envelope { source: Some(Source::Gallery), ..envelope() }, Code::NotAppCapture),
        ];
        for (envelope, code) in cases {
            assert!(!envelope.is_sound(expected()), "{envelope:?}");
            let found: Vec<Code> = envelope.findings(expected()).into_iter().map(|f| f.code).collect();
            assert_eq!(found, [code], "{envelope:?}");
        }
    }

    #[test]
    fn about_one_visit_in_twenty_is_sampled() {
        let asked = (0..10_000).filter(|n| sampled(&format!("{n:032x}"), 5)).count();
        assert!((400..600).contains(&asked), "{asked}");
        assert!(!sampled("abc", 0) && sampled("abc", 100));
    }

    #[test]
    fn a_chain_may_have_gaps_but_no_strangers() {
        let link = |sequence, elapsed_ms, previous: Option<&str>| Envelope {
            sequence: Some(sequence),
            elapsed_ms: Some(elapsed_ms),
            previous_sha256: previous.map(str::to_owned),
            ..envelope()
        };
        let judge = |photos: &[(&str, Envelope)]| {
            let links: Vec<Link<'_>> = photos.iter().map(|(sha256, envelope)| Link { sha256, envelope }).collect();
            chain(&links).and_then(|finding| finding.text)
        };
        let first = ("aa", link(1, 100, None));
        assert_eq!(judge(&[("bb", link(2, 200, Some("aa"))), first.clone()]), None);
        assert_eq!(judge(&[first.clone(), ("cc", link(3, 300, Some("gone")))]), None, "a dropped photo leaves a gap");
        assert_eq!(judge(&[first.clone(), ("bb", link(2, 200, Some("zz")))]).as_deref(), Some("chain"));
        assert_eq!(judge(&[first.clone(), ("bb", link(1, 200, None))]).as_deref(), Some("number"));
        assert_eq!(judge(&[first, ("bb", link(2, 50, Some("aa")))]).as_deref(), Some("order"));
        assert_eq!(judge(&[("aa", Envelope::default()), ("bb", Envelope::default())]), None);
    }
}
