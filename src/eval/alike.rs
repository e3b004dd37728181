//! Whether two photos are alike, as the server would say of photos by two workers on two visits, or of one visit: by
//! their bytes, by their hashes, and by laying one on the other. Decides nothing that `checks` does not decide.

use sha2::{Digest, Sha256};

use crate::checks::align::{Alignment, View, plausible, votes};
use crate::checks::duplicate::{LIKE_MAX_BITS, Pair, aligned_verdict, exact_verdict, is_told_by_hash, verdict};
use crate::checks::features::Features;
use crate::checks::pdq::{QUALITY_MIN, Symmetry};
use crate::checks::{Looked, Prints};
use crate::domain::finding::{Code, Level};

/// Seconds between two photos of two visits, where nobody says: no burst, and not the same minute.
const VISITS_APART_SECS: i64 = 3600;

/// What is kept of a photo to compare it with others.
#[derive(Clone, Debug)]
pub struct Seen {
    pub sha256: [u8; 32],
    /// Of the whole photo, and of what is left without bars around it; flat ones are left out.
    pub prints: [Option<Prints>; 2],
}

impl Seen {
    pub fn of(bytes: &[u8], looked: &Looked) -> Seen {
        let prints = [looked.prints, looked.trimmed].map(|prints| prints.filter(|p| p.quality >= QUALITY_MIN));
        Seen { sha256: Sha256::digest(bytes).into(), prints }
    }

    pub fn is_searchable(&self) -> bool {
        self.prints.iter().any(Option::is_some)
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

/// Bits that differ at the closest symmetry, with and without bars. `None` when one of the two is too flat or too small
/// for a hash.
pub fn distance(searched: &Seen, known: &Seen) -> Option<(u32, Symmetry)> {
    let mut nearest: Option<(u32, usize)> = None;
    for known in known.prints.iter().flatten().map(|prints| &prints.symmetries[0]) {
        for searched in searched.prints.iter().flatten() {
            let all = searched.symmetries.iter().enumerate().map(|(n, s)| (s.distance(known), n));
            nearest = nearest.into_iter().chain(all).min();
        }
    }
    nearest.map(|(bits, n)| (bits, Symmetry::numbered(n)))
}

/// Compares a searched photo with a known one by bytes and hashes. `None` when these say nothing.
pub fn compare(searched: &Seen, known: &Seen, relation: Relation) -> Option<Alike> {
    let same_visit = relation == Relation::SameVisit;
    if searched.sha256 == known.sha256 {
        let means = exact_verdict(same_visit, same_visit);
        return Some(Alike { means, exact: true, hash: Some((0, Symmetry::numbered(0))), laid: None });
    }
    let (bits, symmetry) = distance(searched, known).filter(|(bits, _)| *bits <= LIKE_MAX_BITS)?;
    let means = verdict(pair(bits, symmetry.is_mirrored(), relation));
    let means = means.filter(|(code, _)| is_told_by_hash(bits, *code))?;
    Some(Alike { means: Some(means), exact: false, hash: Some((bits, symmetry)), laid: None })
}

fn pair(distance: u32, mirrored: bool, relation: Relation) -> Pair {
    let same_visit = relation == Relation::SameVisit;
    let secs_apart = if same_visit { 0 } else { VISITS_APART_SECS };
    Pair { distance, mirrored, same_worker: same_visit, same_visit, secs_apart }
}

/// Stored features that a searched photo must share to be asked whether they agree, as the server asks.
const VOTES_MIN: usize = 4;

/// A photo as local features see it, and its mirror image.
#[derive(Clone, Debug)]
pub struct Sight {
    view: View,
    turned: View,
}

impl Sight {
    /// From the rendition, as the server does. `None` without one.
    pub fn of(looked: &Looked) -> Option<Sight> {
        let view = View::of_rendition(&looked.renditions.as_ref()?.large)?;
        Some(Sight { turned: view.mirrored(), view })
    }

    /// What a server keeps of a photo to find it later.
    pub fn stored(&self) -> Features {
        Features::from_bytes(&self.view.features().to_bytes()).unwrap_or_default()
    }
}

/// Whether the hashes of two photos are so near that their pictures are laid on each other.
pub fn is_near(searched: &Seen, known: &Seen) -> bool {
    distance(searched, known).is_some_and(|(bits, _)| bits <= LIKE_MAX_BITS)
}

/// Whether a search by local features gives this photo to the closer comparison.
pub fn is_candidate(searched: &Sight, stored: &Features) -> bool {
    [&searched.view, &searched.turned].into_iter().any(|view| {
        let points = &view.features().points;
        votes(points, stored) >= VOTES_MIN && plausible(points, stored).is_some()
    })
}

/// Lays a searched photo on a known one. `None` when that means nothing.
pub fn lay(searched: &Sight, known: &Sight, relation: Relation) -> Option<Alike> {
    let laid = searched.view.laid_on(&searched.turned, &known.view)?;
    let means = aligned_verdict(pair(256, laid.mirrored, relation), &laid)?;
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
        let prints = Some(Prints { symmetries, quality }).filter(|p| p.quality >= QUALITY_MIN);
        Seen { sha256: [n; 32], prints: [prints, None] }
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
