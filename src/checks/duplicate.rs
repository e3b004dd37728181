//! Copies: which earlier photos look like this one, and what a likeness means. The index is a plain scan in memory,
//! quick enough for some hundred thousand photos; the verdict is a pure function of the pair.

use super::pdq::{Pdq, Prints, QUALITY_MIN, Symmetry};
use crate::domain::finding::{Code, Finding, Level};
use crate::domain::ids::{EvidenceId, ReservationId, UserId};
use crate::domain::time::At;

/// Up to this many bits two photos are one: no pair of different scenes among 31 million came closer.
pub const SAME_MAX_BITS: u32 = 31;
/// Up to this many bits a person should look; above, a likeness means nothing.
pub const LIKE_MAX_BITS: u32 = 46;
/// One hand presses the button twice within this time, in seconds.
const BURST_SECS: i64 = 120;
/// Two workers at one shelf in this time, in seconds, may have shared one visit.
const TOGETHER_SECS: i64 = 60;

/// How two photos relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    pub distance: u32,
    /// The closest symmetry is a mirror image.
    pub mirrored: bool,
    pub same_worker: bool,
    pub same_visit: bool,
    /// Seconds between the two photos, in either direction.
    pub secs_apart: i64,
}

/// What the likeness of two photos means. `None` when it means nothing.
pub fn verdict(pair: Pair) -> Option<(Code, Level)> {
    let Pair { distance, mirrored, same_worker, same_visit, secs_apart } = pair;
    let one_hand = same_worker && (same_visit || secs_apart.abs() <= BURST_SECS);
    let own_or_other = if same_worker { Code::DupPerceptualOwn } else { Code::DupPerceptualOther };
    match distance {
        _ if distance > LIKE_MAX_BITS => None,
        _ if mirrored => Some((Code::DupMirrored, Level::Doubt)),
        0..=SAME_MAX_BITS if one_hand => Some((Code::Burst, Level::Info)),
        0..=SAME_MAX_BITS => Some((own_or_other, Level::Fail)),
        _ if one_hand || same_visit => None,
        _ if !same_worker && secs_apart.abs() <= TOGETHER_SECS => Some((Code::SameSceneOtherWorker, Level::Doubt)),
        _ => Some((own_or_other, Level::Doubt)),
    }
}

/// What it means that two files have the same SHA-256. Within one visit a file may prove several answers.
pub fn exact_verdict(same_worker: bool, same_visit: bool) -> Option<(Code, Level)> {
    match (same_worker, same_visit) {
        (_, true) => None,
        (true, false) => Some((Code::DupExactOwn, Level::Fail)),
        (false, false) => Some((Code::DupExactOther, Level::Fail)),
    }
}

/// A photo that is known, and whose it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    pub id: EvidenceId,
    pub worker: UserId,
    pub visit: ReservationId,
    pub at: At,
}

/// A known photo near a searched one.
#[derive(Clone, PartialEq, Debug)]
pub struct Hit {
    pub known: Known,
    /// Smallest distance over the eight symmetries of the searched photo.
    pub distance: u32,
    pub symmetry: Symmetry,
}

impl Hit {
    /// What this hit means for a photo of `worker` in `visit`, taken or received at `at`.
    pub fn finding(&self, worker: &UserId, visit: &ReservationId, at: At) -> Option<Finding> {
        let (code, level) = verdict(Pair {
            distance: self.distance,
            mirrored: self.symmetry.is_mirrored(),
            same_worker: self.known.worker == *worker,
            same_visit: self.known.visit == *visit,
            secs_apart: at.secs_since(self.known.at).saturating_abs(),
        })?;
        let limit = if self.distance <= SAME_MAX_BITS { SAME_MAX_BITS } else { LIKE_MAX_BITS };
        let finding = Finding::new(code, level).measured(f64::from(self.distance), f64::from(limit));
        Some(finding.beside(self.known.id.clone()))
    }
}

/// Hashes of known photos in memory.
#[derive(Default, Debug)]
pub struct HashIndex {
    hashes: Vec<Pdq>,
    known: Vec<Known>,
}

impl HashIndex {
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Adds a photo. False, and nothing added, when its quality is too low for the hash to mean anything.
    pub fn insert(&mut self, known: Known, hash: Pdq, quality: u8) -> bool {
        if quality < QUALITY_MIN {
            return false;
        }
        self.hashes.push(hash);
        self.known.push(known);
        true
    }

    /// Known photos within `radius` bits of any symmetry, nearest first; equal distances in the order of insertion.
    /// A searched photo of low quality finds nothing.
    pub fn near(&self, prints: &Prints, radius: u32) -> Vec<Hit> {
        if prints.quality < QUALITY_MIN {
            return Vec::new();
        }
        let nearest = |hash: &Pdq| {
            let distances = prints.symmetries.iter().map(|s| s.distance(hash)).enumerate();
            distances.min_by_key(|(_, distance)| *distance).expect("there are eight symmetries")
        };
        let found = self.hashes.iter().map(nearest).zip(&self.known).filter(|((_, distance), _)| *distance <= radius);
        let hit = |((n, distance), known): ((usize, u32), &Known)| Hit {
            known: known.clone(),
            distance,
            symmetry: Symmetry::numbered(n),
        };
        let mut hits: Vec<Hit> = found.map(hit).collect();
        hits.sort_by_key(|h| h.distance);
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(distance: u32) -> Pair {
        Pair { distance, mirrored: false, same_worker: false, same_visit: false, secs_apart: 3600 }
    }

    #[test]
    fn a_likeness_means_what_the_rules_say() {
        let own = |d| Pair { same_worker: true, ..pair(d) };
        let cases = [
            (pair(31), Some((Code::DupPerceptualOther, Level::Fail))),
            (pair(32), Some((Code::DupPerceptualOther, Level::Doubt))),
            (pair(46), Some((Code::DupPerceptualOther, Level::Doubt))),
            (pair(47), None),
            (own(31), Some((Code::DupPerceptualOwn, Level::Fail))),
            (own(40), Some((Code::DupPerceptualOwn, Level::Doubt))),
            (Pair { secs_apart: -120, ..own(31) }, Some((Code::Burst, Level::Info))),
            (Pair { same_visit: true, ..own(31) }, Some((Code::Burst, Level::Info))),
            (Pair { same_visit: true, ..own(32) }, None),
            (Pair { secs_apart: 60, ..pair(40) }, Some((Code::SameSceneOtherWorker, Level::Doubt))),
            (Pair { secs_apart: 10, ..pair(20) }, Some((Code::DupPerceptualOther, Level::Fail))),
            (Pair { mirrored: true, ..pair(3) }, Some((Code::DupMirrored, Level::Doubt))),
            (Pair { mirrored: true, same_visit: true, ..own(3) }, Some((Code::DupMirrored, Level::Doubt))),
        ];
        for (pair, expected) in cases {
            assert_eq!(verdict(pair), expected, "{pair:?}");
        }
    }

    #[test]
    fn the_same_file_counts_only_in_another_visit() {
        assert_eq!(exact_verdict(true, true), None);
        assert_eq!(exact_verdict(true, false), Some((Code::DupExactOwn, Level::Fail)));
        assert_eq!(exact_verdict(false, false), Some((Code::DupExactOther, Level::Fail)));
    }

    fn known(n: u128) -> Known {
        Known {
            id: EvidenceId::from_bits(n),
            worker: UserId::from_bits(n),
            visit: ReservationId::from_bits(n),
            at: At::from_micros(0).expect("in range"),
        }
    }

    #[test]
    fn the_index_finds_the_nearest_first_and_skips_flat_pictures() {
        let mut index = HashIndex::default();
        assert!(index.insert(known(1), Pdq([u64::MAX, 0, 0, 0]), 90));
        assert!(index.insert(known(2), Pdq([0xFF, 0, 0, 0]), 50));
        assert!(!index.insert(known(3), Pdq([0; 4]), 49));
        assert_eq!(index.len(), 2);
        let mut symmetries = [Pdq([0, 0, 0, u64::MAX]); 8];
        symmetries[1] = Pdq([0x7F, 0, 0, 0]);
        let hits = index.near(&Prints { symmetries, quality: 80 }, LIKE_MAX_BITS);
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].distance, hits[0].symmetry.is_mirrored()), (1, true));
        let finding = hits[0].finding(&UserId::from_bits(9), &ReservationId::from_bits(9), known(9).at);
        assert_eq!(finding.map(|f| (f.code, f.other)), Some((Code::DupMirrored, Some(EvidenceId::from_bits(2)))));
        assert!(index.near(&Prints { symmetries, quality: 49 }, 256).is_empty());
    }
}
