//! Copies: which earlier photos look like this one, and what a likeness means. The index is exact and lives in memory;
//! the verdict is a pure function of the pair.

use super::align::{ALIGNED_MIN, Alignment, SURELY_ALIGNED_MIN};
use super::pdq::{Pdq, Prints, QUALITY_MIN, Symmetry};
use crate::domain::finding::{Code, Finding, Level};
use crate::domain::ids::{EvidenceId, ReservationId, UserId};
use crate::domain::time::At;

/// Up to this many bits two photos are one: no pair of different scenes among 31 million came closer.
pub const SAME_MAX_BITS: u32 = 31;
/// Up to this many bits the pictures are laid on each other, which tells a copy from an honest second photo; above, a
/// likeness means nothing.
pub const LIKE_MAX_BITS: u32 = 46;
/// One hand presses the button twice within this time, in seconds.
pub const BURST_SECS: i64 = 120;
/// Two workers at one shelf in this time, in seconds, may have shared one visit.
pub const TOGETHER_SECS: i64 = 60;

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

/// What the likeness of two photos means. `None` when it means nothing. Where [`is_told_by_hash`] is false it means so only
/// when the pictures lie on each other.
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

/// Whether hashes alone are enough to say so. Of 42 honest second photos four were 32 to 46 bits away from the first.
pub fn is_told_by_hash(distance: u32, code: Code) -> bool {
    distance <= SAME_MAX_BITS || code == Code::SameSceneOtherWorker
}

/// What it means that two photos lie on each other; `pair.distance` does not count. `None` when it means nothing.
///
/// Two views of one shelf align in part; only a copy aligns in its worst tiles too, or in some tiles wholly and in the
/// others not at all. One hand may photograph a flat thing twice within a visit.
pub fn aligned_verdict(pair: Pair, found: &Alignment) -> Option<(Code, Level)> {
    let one_hand = pair.same_worker && (pair.same_visit || pair.secs_apart.abs() <= BURST_SECS);
    if one_hand {
        return None;
    }
    if found.is_aligned() {
        return Some(match found.mirrored {
            true => (Code::DupMirrored, Level::Doubt),
            false if found.p10 >= SURELY_ALIGNED_MIN && !pair.same_worker => (Code::DupCropped, Level::Fail),
            false => (Code::DupCropped, Level::Doubt),
        });
    }
    if found.is_partial() {
        return Some((Code::PartialCopy, Level::Doubt));
    }
    let together = !pair.same_worker && pair.secs_apart.abs() <= TOGETHER_SECS;
    (together && found.is_one_scene()).then_some((Code::SameSceneOtherWorker, Level::Doubt))
}

/// [`aligned_verdict`] as a finding about the searched photo, with the numbers that its code shows.
pub fn aligned_finding(pair: Pair, found: &Alignment, other: EvidenceId) -> Option<Finding> {
    let (code, level) = aligned_verdict(pair, found)?;
    let finding = Finding::new(code, level).beside(other);
    Some(match code {
        Code::DupCropped => finding.measured(round(found.p10), ALIGNED_MIN),
        Code::PartialCopy => finding.valued(round(found.copied)),
        _ => finding,
    })
}

/// Three decimals: the rest says nothing.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
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

/// Hashes of known photos in memory, found exactly. Two hashes within 31 bits have one of their sixteen 16-bit parts
/// within 1 bit, so only photos that share such a part are compared (multi-index hashing; Norouzi and others, 2012).
///
/// Newest hashes are a short tail that is scanned; a full tail becomes a block with tables, and blocks of like size are
/// merged, so that there are few. A hash takes 100 bytes, a photo 56 more, and each block 4 MB for its tables.
#[derive(Default, Debug)]
pub struct HashIndex {
    hashes: Vec<Pdq>,
    /// Whose hash it is, as a place in `known`.
    owners: Vec<u32>,
    known: Vec<Packed>,
    /// Adjoining, the oldest and largest first; what is behind the last one is the tail.
    blocks: Vec<Block>,
}

/// A [`Known`] without its text.
#[derive(Clone, Copy, Debug)]
struct Packed {
    id: [u64; 2],
    worker: [u64; 2],
    visit: [u64; 2],
    at: At,
}

const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

const fn whole([high, low]: [u64; 2]) -> u128 {
    (high as u128) << 64 | low as u128
}

impl Packed {
    fn of(known: &Known) -> Option<Packed> {
        let Known { id, worker, visit, at } = known;
        Some(Packed { id: halves(id.bits()?), worker: halves(worker.bits()?), visit: halves(visit.bits()?), at: *at })
    }

    fn open(&self) -> Known {
        Known {
            id: EvidenceId::from_bits(whole(self.id)),
            worker: UserId::from_bits(whole(self.worker)),
            visit: ReservationId::from_bits(whole(self.visit)),
            at: self.at,
        }
    }
}

const PARTS: usize = 16;
const KEYS: usize = 1 << 16;
/// Hashes that are scanned before they get tables.
const TAIL_MAX: usize = 8192;
/// A block is merged with the one before it when that is not larger by more than this.
const MERGE_BELOW: usize = 3;
/// Above this distance so many keys would be looked up that a scan is quicker.
const LOOKUP_MAX_BITS: u32 = 47;

/// Places of the hashes from `from` on, sorted by each of their parts.
#[derive(Debug)]
struct Block {
    from: usize,
    /// For each part, where the places of each key begin; `KEYS + 1` numbers a part.
    starts: Vec<u32>,
    /// For each part, the places of all hashes.
    places: Vec<u32>,
}

#[inline]
fn part(hash: &Pdq, n: usize) -> usize {
    (hash.0[n / 4] >> (n % 4 * 16)) as usize & (KEYS - 1)
}

impl Block {
    fn of(hashes: &[Pdq], from: usize) -> Block {
        let count = hashes.len() - from;
        let mut starts = vec![0_u32; PARTS * (KEYS + 1)];
        let mut places = vec![0_u32; PARTS * count];
        for n in 0..PARTS {
            let starts = &mut starts[n * (KEYS + 1)..(n + 1) * (KEYS + 1)];
            let places = &mut places[n * count..(n + 1) * count];
            for hash in &hashes[from..] {
                starts[part(hash, n) + 1] += 1;
            }
            let mut sum = 0;
            for start in starts.iter_mut() {
                sum += *start;
                *start = sum;
            }
            // Filling moves each start to the start of the next key; a shift puts them back.
            for (place, hash) in hashes[from..].iter().enumerate() {
                let next = &mut starts[part(hash, n)];
                places[*next as usize] = (from + place) as u32;
                *next += 1;
            }
            starts.copy_within(0..KEYS, 1);
            starts[0] = 0;
        }
        Block { from, starts, places }
    }

    fn count(&self) -> usize {
        self.places.len() / PARTS
    }

    #[inline]
    fn of_key(&self, n: usize, key: usize) -> &[u32] {
        let at = n * (KEYS + 1) + key;
        let places = &self.places[n * self.count()..];
        &places[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

impl HashIndex {
    /// Number of hashes: a photo without bars has one, another two.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Adds a photo. False, and nothing added, when its quality is too low for the hash to mean anything.
    pub fn insert(&mut self, known: Known, hash: Pdq, quality: u8) -> bool {
        self.insert_all(&known, &[(hash, quality)])
    }

    /// Adds a photo with several hashes, each with its quality: its own, and that without the bars around it. Flat ones
    /// are left out: they would be near everything flat. False when none is added.
    pub fn insert_all(&mut self, known: &Known, hashes: &[(Pdq, u8)]) -> bool {
        let Some(packed) = Packed::of(known) else { return false };
        let owner = self.known.len() as u32;
        let before = self.hashes.len();
        for (hash, _) in hashes.iter().filter(|(_, quality)| *quality >= QUALITY_MIN) {
            self.hashes.push(*hash);
            self.owners.push(owner);
        }
        if self.hashes.len() == before {
            return false;
        }
        self.known.push(packed);
        if self.tail() >= TAIL_MAX {
            self.tabulate();
        }
        true
    }

    /// Number of hashes that are only scanned.
    fn tail(&self) -> usize {
        self.hashes.len() - self.tabulated()
    }

    fn tabulated(&self) -> usize {
        self.blocks.last().map_or(0, |last| last.from + last.count())
    }

    fn tabulate(&mut self) {
        let mut from = self.tabulated();
        while let Some(last) = self.blocks.pop_if(|last| last.count() <= MERGE_BELOW * (self.hashes.len() - from)) {
            from = last.from;
        }
        self.blocks.push(Block::of(&self.hashes, from));
    }

    /// Makes one block of all: worth its time after many photos were read at once.
    pub fn settle(&mut self) {
        if self.hashes.len() >= TAIL_MAX && (self.blocks.len() > 1 || self.tail() > 0) {
            self.blocks.clear();
            self.blocks.push(Block::of(&self.hashes, 0));
        }
    }

    /// Known photos within `radius` bits of any symmetry, nearest first; equal distances in the order of insertion.
    /// A searched photo of low quality finds nothing.
    pub fn near(&self, prints: &Prints, radius: u32) -> Vec<Hit> {
        if prints.quality < QUALITY_MIN {
            return Vec::new();
        }
        let mut found: Vec<(u32, u32, usize)> = Vec::new();
        for (n, hash) in prints.symmetries.iter().enumerate() {
            self.each_near(hash, radius, |place, distance| found.push((self.owners[place as usize], distance, n)));
        }
        // The nearest of each photo; of equally near symmetries the first.
        found.sort_unstable();
        found.dedup_by_key(|(owner, ..)| *owner);
        found.sort_by_key(|(_, distance, _)| *distance);
        let hit = |(owner, distance, n): (u32, u32, usize)| Hit {
            known: self.known[owner as usize].open(),
            distance,
            symmetry: Symmetry::numbered(n),
        };
        found.into_iter().map(hit).collect()
    }

    /// Calls `found` with the place and distance of every hash within `radius` bits of one; of some more than once.
    pub fn each_near(&self, hash: &Pdq, radius: u32, mut found: impl FnMut(u32, u32)) {
        let mut compare = |place: u32| {
            let other = &self.hashes[place as usize].0;
            let half = (hash.0[0] ^ other[0]).count_ones() + (hash.0[1] ^ other[1]).count_ones();
            if half <= radius {
                let distance = half + (hash.0[2] ^ other[2]).count_ones() + (hash.0[3] ^ other[3]).count_ones();
                if distance <= radius {
                    found(place, distance);
                }
            }
        };
        let scanned = if radius > LOOKUP_MAX_BITS { 0 } else { self.tabulated() };
        (scanned as u32..self.hashes.len() as u32).for_each(&mut compare);
        if scanned == 0 {
            return;
        }
        for n in 0..PARTS {
            // Were every part further away than its reach, they would add up to more than the radius.
            let units = radius as usize + 1;
            let Some(reach) = (units / PARTS + usize::from(n < units % PARTS)).checked_sub(1) else { continue };
            let key = part(hash, n);
            for block in &self.blocks {
                let mut look = |key: usize| block.of_key(n, key).iter().for_each(|place| compare(*place));
                look(key);
                for one in 0..if reach >= 1 { 16 } else { 0 } {
                    look(key ^ 1 << one);
                    for other in 0..if reach >= 2 { one } else { 0 } {
                        look(key ^ 1 << one ^ 1 << other);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::samples;

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

    fn alignment(p10: f64, copied: f64, unlike: f64) -> Alignment {
        let homography = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let (inliers, tiles, median, covers) = (100, 200, 0.8, [1.0, 1.0]);
        Alignment { homography, mirrored: false, inliers, tiles, p10, median, copied, unlike, covers }
    }

    #[test]
    fn what_aligns_everywhere_is_a_copy_and_honest_views_are_not() {
        let own = Pair { same_worker: true, ..pair(256) };
        let cases = [
            (pair(256), alignment(0.85, 1.0, 0.0), Some((Code::DupCropped, Level::Fail))),
            (pair(256), alignment(0.84, 0.8, 0.0), Some((Code::DupCropped, Level::Doubt))),
            (pair(256), alignment(0.69, 0.7, 0.1), None),
            (own, alignment(0.99, 1.0, 0.0), Some((Code::DupCropped, Level::Doubt))),
            (Pair { same_visit: true, ..own }, alignment(0.99, 1.0, 0.0), None),
            (Pair { secs_apart: 100, ..own }, alignment(0.99, 1.0, 0.0), None),
            (
                pair(256),
                Alignment { mirrored: true, ..alignment(0.9, 0.9, 0.0) },
                Some((Code::DupMirrored, Level::Doubt)),
            ),
            (pair(256), alignment(-0.2, 0.45, 0.5), Some((Code::PartialCopy, Level::Doubt))),
            (pair(256), alignment(0.1, 0.45, 0.3), None),
            (
                Pair { secs_apart: 30, ..pair(256) },
                alignment(0.1, 0.45, 0.3),
                Some((Code::SameSceneOtherWorker, Level::Doubt)),
            ),
        ];
        for (n, (pair, alignment, expected)) in cases.into_iter().enumerate() {
            assert_eq!(aligned_verdict(pair, &alignment), expected, "{n}");
        }
    }

    #[test]
    fn the_tables_find_all_that_a_scan_finds() {
        let mut dice = samples::Dice(77);
        let mut word = || dice.roll(1 << 32) << 32 | dice.roll(1 << 32);
        let mut index = HashIndex::default();
        let mut hashes: Vec<Pdq> = Vec::new();
        for n in 0..45_000_usize {
            let mut hash = Pdq(std::array::from_fn(|_| word()));
            // Families that lie close together, some with one part that many share.
            if n % 3 == 0 && n > 0 {
                hash = hashes[n / 2];
                for _ in 0..word() % 60 {
                    let bit = word() % 256;
                    hash.0[(bit / 64) as usize] ^= 1 << (bit % 64);
                }
            }
            if n % 10 == 0 {
                hash.0[2] &= !0xFFFF;
            }
            hashes.push(hash);
            assert!(index.insert(known(n as u128), hash, 100));
        }
        assert!(index.blocks.len() > 1 && index.tail() > 0, "{} blocks", index.blocks.len());
        for round in 0..2 {
            for n in (0..45_000).step_by(1999) {
                for radius in [0, 7, 15, 16, 31, 32, 46, 47, 60] {
                    let scan = hashes.iter().map(|h| h.distance(&hashes[n])).enumerate();
                    let expected: Vec<(u32, u32)> =
                        scan.filter(|(_, d)| *d <= radius).map(|(n, d)| (n as u32, d)).collect();
                    let mut found = Vec::new();
                    index.each_near(&hashes[n], radius, |place, distance| found.push((place, distance)));
                    found.sort_unstable();
                    found.dedup();
                    assert_eq!(found, expected, "round {round}, hash {n}, radius {radius}");
                }
            }
            index.settle();
            assert!(index.blocks.len() == 1 && index.tail() == 0);
        }
    }

    #[test]
    fn a_photo_with_two_hashes_is_found_once() {
        let mut index = HashIndex::default();
        let (a, b) = (Pdq([1, 2, 3, 4]), Pdq([1, 2, 3, 7]));
        assert!(index.insert_all(&known(5), &[(a, 80), (b, 90)]));
        assert!(index.insert_all(&known(6), &[(a, 10), (b, 90)]));
        assert!(!index.insert_all(&known(7), &[(a, 10)]));
        let far = Pdq([u64::MAX; 4]);
        let hits = index.near(&Prints { symmetries: [a, far, far, far, far, far, far, far], quality: 80 }, 31);
        let seen: Vec<(EvidenceId, u32)> = hits.into_iter().map(|h| (h.known.id, h.distance)).collect();
        assert_eq!(seen, [(EvidenceId::from_bits(5), 0), (EvidenceId::from_bits(6), 2)]);
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
