//! Whether two photos are alike, as the server would say of photos by two workers on two visits, or of one visit: by
//! their bytes, by their hashes, and by laying one on the other. Decides nothing that `checks` does not decide.

use sha2::{Digest, Sha256};

use super::paint;
use crate::checks::align::{self, Alignment, SURELY_ALIGNED_MIN};
use crate::checks::duplicate::{LIKE_MAX_BITS, Pair, exact_verdict, verdict};
use crate::checks::features::{EDGE_PX, Features, extract};
use crate::checks::pdq::{QUALITY_MIN, Symmetry};
use crate::checks::{Looked, Picture, Prints};
use crate::domain::finding::{Code, Level};

/// Seconds between two photos of two visits, where nobody says: no burst, and not the same minute.
const VISITS_APART_SECS: i64 = 3600;

/// What is kept of a photo to compare it with others.
#[derive(Clone, Debug)]
pub struct Seen {
    pub sha256: [u8; 32],
    pub prints: Option<Prints>,
}

impl Seen {
    pub fn of(bytes: &[u8], looked: &Looked) -> Seen {
        Seen { sha256: Sha256::digest(bytes).into(), prints: looked.prints.filter(|p| p.quality >= QUALITY_MIN) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// Another worker, another visit, an hour apart.
    OtherWorker,
    SameVisit,
}

/// How two photos are alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Alike {
    /// What it means; `None` for the same file twice in one visit, which may prove two answers.
    pub means: Option<(Code, Level)>,
    pub exact: bool,
    /// Bits of the hashes that differ, and how the searched photo is turned against the known one.
    pub hash: Option<(u32, Symmetry)>,
    /// How the searched photo lies on the known one, where that was tried and told something.
    pub laid: Option<Alignment>,
}

impl Alike {
    /// A person would be asked.
    pub fn is_flagged(&self) -> bool {
        self.means.is_some_and(|(_, level)| level > Level::Info)
    }
}

/// Bits that differ at the closest symmetry. `None` when one of the two is too flat or too small for a hash.
pub fn distance(searched: &Seen, known: &Seen) -> Option<(u32, Symmetry)> {
    let (searched, known) = (searched.prints.as_ref()?, known.prints.as_ref()?.symmetries[0]);
    let all = searched.symmetries.iter().map(|s| s.distance(&known)).enumerate();
    all.min_by_key(|(_, bits)| *bits).map(|(n, bits)| (bits, Symmetry::numbered(n)))
}

/// Compares a searched photo with a known one. `None` when they have nothing in common.
pub fn compare(searched: &Seen, known: &Seen, relation: Relation) -> Option<Alike> {
    let same_visit = relation == Relation::SameVisit;
    if searched.sha256 == known.sha256 {
        let means = exact_verdict(same_visit, same_visit);
        return Some(Alike { means, exact: true, hash: Some((0, Symmetry::numbered(0))), laid: None });
    }
    let (bits, symmetry) = distance(searched, known).filter(|(bits, _)| *bits <= LIKE_MAX_BITS)?;
    let means = verdict(Pair {
        distance: bits,
        mirrored: symmetry.is_mirrored(),
        same_worker: same_visit,
        same_visit,
        secs_apart: if same_visit { 0 } else { VISITS_APART_SECS },
    })?;
    Some(Alike { means: Some(means), exact: false, hash: Some((bits, symmetry)), laid: None })
}

/// Stored features that a searched photo must share before the two are laid on each other.
const VOTES_MIN: usize = 4;

/// A photo as local features see it.
#[derive(Clone, Debug)]
pub struct Sight {
    luma: Picture,
    features: Features,
    /// Of the mirror image.
    turned: Features,
}

impl Sight {
    /// From the rendition, as the server does. `None` without one.
    pub fn of(looked: &Looked) -> Option<Sight> {
        let upright = paint::fit(&paint::decode(&looked.renditions.as_ref()?.large)?, EDGE_PX);
        let (width, height) = upright.dimensions();
        let luma = Picture::new(width, height, 1, paint::luma(&upright).into_raw())?;
        Some(Sight { features: extract(&luma), turned: extract(&align::mirror(&luma)), luma })
    }

    /// What a server keeps of a photo to find it later.
    pub fn stored(&self) -> Features {
        Features::from_bytes(&self.features.to_bytes()).unwrap_or_default()
    }
}

/// Whether a search by local features gives this photo to the closer comparison.
pub fn is_candidate(searched: &Sight, stored: &Features) -> bool {
    [&searched.features, &searched.turned].iter().any(|f| align::votes(&f.points, stored) >= VOTES_MIN)
}

/// Lays a searched photo on a known one. `None` unless one was made from the other.
pub fn lay(searched: &Sight, known: &Sight, relation: Relation) -> Option<Alike> {
    let straight = align::compare(&searched.features, &searched.luma, &known.features, &known.luma);
    let laid = straight.filter(Alignment::is_aligned).or_else(|| {
        let turned = align::mirror(&searched.luma);
        let mirrored = align::compare_mirrored(&searched.turned, &turned, &known.features, &known.luma);
        mirrored.filter(Alignment::is_aligned)
    })?;
    let means = match relation {
        _ if laid.mirrored => (Code::DupMirrored, Level::Doubt),
        Relation::SameVisit => (Code::Burst, Level::Info),
        Relation::OtherWorker if laid.p10 >= SURELY_ALIGNED_MIN => (Code::DupCropped, Level::Fail),
        Relation::OtherWorker => (Code::DupCropped, Level::Doubt),
    };
    Some(Alike { means: Some(means), exact: false, hash: None, laid: Some(laid) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Pdq;

    fn seen(n: u8, hash: u64, quality: u8) -> Seen {
        // Seven symmetries far away from everything.
        let mut symmetries = [Pdq([u64::MAX; 4]); 8];
        symmetries[0] = Pdq([hash, 0, 0, 0]);
        Seen { sha256: [n; 32], prints: Some(Prints { symmetries, quality }).filter(|p| p.quality >= QUALITY_MIN) }
    }

    #[test]
    fn the_same_file_and_the_same_hash_are_alike_and_others_are_not() {
        let known = seen(1, 0, 90);
        let same = compare(&known, &known, Relation::OtherWorker).expect("alike");
        assert_eq!(same.means, Some((Code::DupExactOther, Level::Fail)));
        let within = compare(&known, &known, Relation::SameVisit).expect("alike");
        assert!(within.exact && !within.is_flagged());
        let near = compare(&seen(2, 0b111, 90), &known, Relation::OtherWorker).expect("alike");
        assert_eq!((near.means, near.hash.map(|h| h.0)), (Some((Code::DupPerceptualOther, Level::Fail)), Some(3)));
        let burst = compare(&seen(2, 0b111, 90), &known, Relation::SameVisit).expect("alike");
        assert_eq!(burst.means, Some((Code::Burst, Level::Info)));
        assert_eq!(compare(&seen(2, u64::MAX, 90), &known, Relation::OtherWorker), None, "64 bits");
        assert_eq!(compare(&seen(2, 0b111, 10), &known, Relation::OtherWorker), None, "too flat to search");
    }
}
