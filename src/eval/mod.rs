//! How well the photo checks do on a folder of photos: real photos are attacked in every way of the published targets,
//! the checks look at the results, and a table says what was found, with intervals and targets. The same photos, seed and
//! rules give the same table. Reads files in one place ([`folder`]); fits nothing to a folder.

pub mod alike;
pub mod attack;
pub mod folder;
pub mod hostile;
pub mod paint;
pub mod pairs;
pub mod report;
pub mod statistics;
pub mod tracks;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::RgbImage;
use jiff::tz::TimeZone;

use self::alike::{Relation, Seen, Sight, compare, distance, is_candidate, is_near, lay};
use self::attack::{BLURS, COPIES, Copy, Group, Hidden, LIGHTS};
use self::pairs::Labelled;
pub use self::report::{Evaluation, FalseCopy, Miss, Part, Row, Unread};
use self::statistics::{Count, Dice, Target};
use crate::checks::duplicate::{LIKE_MAX_BITS, SAME_MAX_BITS};
use crate::checks::features::Features;
use crate::checks::stamp::stamp;
use crate::checks::{Budget, Looked, Shot, look};
use crate::domain::finding::{Code, Level};
use crate::domain::place::Point;
use crate::domain::store::Zone;
use crate::domain::time::At;

/// Smallest photo that is attacked, long side in pixels: smaller ones are no evidence photos, but pairs of them count.
pub const ATTACKED_EDGE_MIN_PX: u32 = 640;
/// Long side of the small copies whose files lie about time, place or structure: their pixels do not matter.
const TOLD_EDGE_PX: u32 = 320;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub folder: PathBuf,
    /// Pairs of photos of one scene; without it the folder's `pairs.tsv` or `near_duplicates.tsv`, where there is one.
    pub pairs: Option<PathBuf>,
    pub seed: u64,
    /// Looks at a sample of so many photos.
    pub limit: Option<usize>,
    pub threads: usize,
}

/// What went wrong before anything was measured, as a sentence.
pub type Trouble = String;

/// Called with what is being done, how many are done, and of how many. From several threads.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

/// Counts of one photo: row by row, whether it was a hit.
type Hits = Vec<(&'static str, bool)>;

/// All that is kept of one photo once it was attacked.
struct Subject {
    file: String,
    seen: Option<Seen>,
    /// The local features that a server stores, and all of them.
    sight: Option<(Features, Sight)>,
    unread: Option<Unread>,
    /// The attacks, unless the photo is too small or a labelled copy.
    attacked: bool,
    hits: Hits,
    /// Copies of it, to be compared with other photos.
    copies: Vec<Seen>,
}

/// Attacks the photos of a folder and counts what the checks say.
pub fn photos(asked: &Asked, progress: Progress) -> Result<Evaluation, Trouble> {
    let cannot = |what: &Path, e: io::Error| format!("{} cannot be read: {e}.", what.display());
    let all = folder::photos(&asked.folder).map_err(|e| cannot(&asked.folder, e))?;
    let sample = sample(all, asked);
    if sample.is_empty() {
        return Err(format!("{} holds no photos.", asked.folder.display()));
    }
    let labelled = match folder::pairs(&asked.folder, asked.pairs.as_deref()) {
        Err(e) => return Err(cannot(asked.pairs.as_deref().unwrap_or(&asked.folder), e)),
        Ok(None) => Vec::new(),
        Ok(Some((file, text))) => {
            let labels = pairs::parse(&text).map_err(|e| format!("{}, {e}.", file.display()))?;
            numbered(&file, &labels, &sample)
        }
    };
    // One picture in several files would count several times.
    let again: BTreeSet<usize> = labelled.iter().filter(|l| l.copy).map(|l| l.b).collect();
    let numbers: Vec<usize> = (0..sample.len()).collect();
    let subjects = spread(&numbers, asked.threads, "photos", progress, |&n| {
        let (file, path) = &sample[n];
        attacked(file, path, asked.seed, !again.contains(&n))
    });
    Ok(summed(asked, &subjects, &labelled, progress))
}

/// All, or the asked number chosen by the seed, in the order of their names.
fn sample(all: Vec<(String, PathBuf)>, asked: &Asked) -> Vec<(String, PathBuf)> {
    let Some(limit) = asked.limit.filter(|n| *n < all.len()) else { return all };
    let mut drawn: Vec<(u64, (String, PathBuf))> =
        all.into_iter().map(|photo| (Dice::new(asked.seed, &photo.0).next(), photo)).collect();
    drawn.sort();
    drawn.truncate(limit);
    let mut kept: Vec<(String, PathBuf)> = drawn.into_iter().map(|(_, photo)| photo).collect();
    kept.sort();
    kept
}

/// A labelled pair by the numbers of its photos in the sample.
struct Pair {
    a: usize,
    b: usize,
    copy: bool,
    relation: String,
}

/// Labels of which both photos are in the sample.
fn numbered(file: &Path, labels: &[Labelled], sample: &[(String, PathBuf)]) -> Vec<Pair> {
    let places: BTreeMap<PathBuf, usize> =
        sample.iter().enumerate().filter_map(|(n, (_, path))| Some((folder::real(path)?, n))).collect();
    let number = |name: &str| places.get(&folder::resolve(file, name)?).copied();
    let pair = |label: &Labelled| {
        let (a, b) = (number(&label.file_a)?, number(&label.file_b)?);
        Some(Pair { a, b, copy: label.is_copy(), relation: label.relation.clone() })
    };
    labels.iter().filter_map(pair).collect()
}

/// Does the same to every item on several threads; results in the order of the items.
pub fn spread<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    what: &str,
    progress: Progress,
    each: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, 64) {
            scope.spawn(|| {
                while let Some((n, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, items.get(n)?)))
                {
                    let result = each(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((n, result));
                    progress(what, done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

fn glance(bytes: &[u8], file_name: &str) -> Looked {
    let shot = Shot { file_name: Some(file_name.to_owned()), ..Shot::default() };
    look(bytes, &shot, &Budget::default())
}

fn flags(looked: &Looked, codes: &[Code]) -> bool {
    looked.findings.iter().any(|f| f.level > Level::Info && codes.contains(&f.code))
}

const LIGHT_CODES: &[Code] = &[Code::BlackFrame, Code::CoveredLens, Code::TooDark, Code::Overexposed];
const FOCUS_CODES: &[Code] = &[Code::Blurred];
const FILE_CODES: &[Code] = &[
    Code::FormatUnsupported,
    Code::TypeDiffers,
    Code::TooLarge,
    Code::TooManyPixels,
    Code::Damaged,
    Code::TrailingData,
];

/// A photo that already carries one of these has nothing to hide and nothing to copy.
const NOTHING_CODES: &[Code] = &[Code::BlackFrame, Code::CoveredLens, Code::Damaged];

const EXACT: &str = "exact copy";
const SHARP: &str = "untouched photos called blurred";
const LIT: &str = "untouched photos called dark, bright or covered";

/// Looks at one photo and at everything that can be made of it.
fn attacked(file: &str, path: &Path, seed: u64, first_of_its_picture: bool) -> Subject {
    let mut subject = Subject {
        file: file.to_owned(),
        seen: None,
        sight: None,
        unread: None,
        attacked: false,
        hits: Vec::new(),
        copies: Vec::new(),
    };
    let bytes = match folder::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            subject.unread = Some(Unread { file: file.to_owned(), why: e.to_string() });
            return subject;
        }
    };
    let looked = glance(&bytes, file);
    let source = looked.renditions.is_some().then(|| paint::decode(&bytes)).flatten();
    let Some(source) = source else {
        let codes: Vec<&str> =
            looked.findings.iter().filter(|f| f.level > Level::Info).map(|f| f.code.as_str()).collect();
        let why = if codes.is_empty() { "attacks are made of JPEG, PNG and WebP".into() } else { codes.join(" ") };
        subject.unread = Some(Unread { file: file.to_owned(), why });
        return subject;
    };
    let seen = Seen::of(&bytes, &looked);
    let sight = Sight::of(&looked);
    if first_of_its_picture {
        subject.hits.push((LIT, flags(&looked, LIGHT_CODES)));
        let long = source.width().max(source.height());
        let whole = !looked.findings.iter().any(|f| NOTHING_CODES.contains(&f.code));
        if long >= attack::BLURRED_EDGE_MIN_PX && whole {
            subject.hits.push((SHARP, flags(&looked, FOCUS_CODES)));
            focus(&source, &mut subject.hits, seed, file);
        }
        if long >= ATTACKED_EDGE_MIN_PX && source.width().min(source.height()) * 8 >= long && whole {
            subject.attacked = true;
            let small = paint::fit(&source, attack::COPIED_EDGE_PX);
            drop(source);
            copies(&bytes, &small, &seen, sight.as_ref(), &mut subject, seed);
            light(&small, &mut subject.hits, seed, file);
            let told = paint::jpeg(&paint::fit(&small, TOLD_EDGE_PX), 80);
            time_and_place(&told, &mut subject.hits, seed, file);
            lies(&bytes, &told, &looked, &mut subject.hits, seed, file);
        }
    }
    let keep = |sight: Sight| (sight.stored(), sight);
    subject.sight = sight.map(keep);
    subject.seen = Some(seen);
    subject
}

fn copies(bytes: &[u8], small: &RgbImage, seen: &Seen, sight: Option<&Sight>, subject: &mut Subject, seed: u64) {
    let exact = Seen::of(bytes, &glance(bytes, &subject.file));
    subject.hits.push((EXACT, compare(&exact, seen, Relation::OtherWorker).is_some_and(|a| a.is_flagged())));
    let stored = sight.map(Sight::stored);
    for Copy { name, edit, .. } in COPIES {
        let file = attack::make(*edit, small, &mut dice(seed, &subject.file, name));
        let looked = glance(&file, "copy.jpg");
        let copy = Seen::of(&file, &looked);
        let by_hash = compare(&copy, seen, Relation::OtherWorker).is_some_and(|a| a.is_flagged());
        // Features cost ten times a hash: they are asked when it says nothing.
        let by_features = || {
            let (view, known, stored) = (Sight::of(&looked)?, sight?, stored.as_ref()?);
            (is_near(&copy, seen) || is_candidate(&view, stored)).then(|| lay(&view, known, Relation::OtherWorker))?
        };
        subject.hits.push((name, by_hash || by_features().is_some_and(|a| a.is_flagged())));
        subject.copies.push(copy);
    }
}

fn dice(seed: u64, file: &str, what: &str) -> Dice {
    Dice::new(seed, &format!("{file}\n{what}"))
}

fn focus(source: &RgbImage, hits: &mut Hits, seed: u64, file: &str) {
    let frame = paint::luma(&paint::fit(source, attack::FRAME_EDGE_PX));
    for Hidden { name, hide, .. } in BLURS {
        let looked = glance(&attack::blur(*hide, &frame, &mut dice(seed, file, name)), "blurred.jpg");
        hits.push((name, flags(&looked, FOCUS_CODES)));
    }
}

fn light(small: &RgbImage, hits: &mut Hits, seed: u64, file: &str) {
    for Hidden { name, hide, .. } in LIGHTS {
        let looked = glance(&attack::hide(*hide, small, &mut dice(seed, file, name)), "light.jpg");
        hits.push((name, flags(&looked, LIGHT_CODES)));
    }
}

const TIME_BEFORE: &str = "time 5 minutes to 400 days before the visit";
const TIME_AFTER: &str = "time 5 minutes to 400 days after the visit";
const PLACE_OFF: &str = "position 2 to 500 km from the store";
const TOLD_RIGHT: &str = "time and position of the visit, called wrong";
const TOLD_NOTHING: &str = "no time and no position, called wrong";
const CLAIM_CODES: &[Code] =
    &[Code::TimeMissing, Code::TimeBeforeVisit, Code::TimeAfterSeal, Code::PlaceMissing, Code::PlaceFar];

fn time_and_place(jpeg: &[u8], hits: &mut Hits, seed: u64, file: &str) {
    let visit =
        || Some((At::parse("2026-03-10T09:00:00Z")?, Zone::parse("Europe/Zurich").ok()?, Point::new(46.52, 6.63)?));
    let Some((start, zone, store)) = visit() else { return };
    let end = start.plus_hours(1);
    let shot = Shot {
        window: Some((start, end)),
        zone: TimeZone::get("Europe/Zurich").ok(),
        store: Some(store),
        radius_m: 100.0,
        ..Shot::default()
    };
    let mut dice = dice(seed, file, "time and place");
    let mut away = |from_m: f64, to_m: f64| {
        let (metres, angle) = (dice.between_orders(from_m, to_m), dice.between(0.0, std::f64::consts::TAU));
        let degrees = metres / 111_194.0;
        let wide = store.lat().to_radians().cos();
        Point::new(store.lat() + degrees * angle.cos(), store.lon() + degrees * angle.sin() / wide).unwrap_or(store)
    };
    let (near, far, here) = (away(1.0, 90.0), away(2000.0, 500_000.0), store);
    let inside = start.plus_secs(dice.between(0.0, 3600.0) as i64);
    let mut off = || dice.between_orders(300.0, 400.0 * 86_400.0) as i64;
    let (before, after) = (start.plus_secs(-off()), end.plus_secs(off()));
    let told = |at: At, point: Point, codes: &[Code]| {
        let file = stamp(jpeg, at, &zone, point, "Test", "Camera")?;
        Some(flags(&look(&file, &shot, &Budget::default()), codes))
    };
    hits.extend([
        (TIME_BEFORE, told(before, here, &[Code::TimeBeforeVisit]) == Some(true)),
        (TIME_AFTER, told(after, here, &[Code::TimeAfterSeal]) == Some(true)),
        (PLACE_OFF, told(inside, far, &[Code::PlaceFar]) == Some(true)),
        (TOLD_RIGHT, told(inside, near, CLAIM_CODES) != Some(false)),
        (TOLD_NOTHING, flags(&look(jpeg, &shot, &Budget::default()), CLAIM_CODES)),
    ]);
}

fn lies(bytes: &[u8], told: &[u8], looked: &Looked, hits: &mut Hits, seed: u64, file: &str) {
    let mut dice = dice(seed, file, "lies");
    let marked = |bytes: &[u8], name: &str| glance(bytes, name).findings.iter().any(|f| FILE_CODES.contains(&f.code));
    // The original too: a cut that falls behind the picture of a larger file is no damage.
    if looked.findings.iter().all(|f| !FILE_CODES.contains(&f.code)) {
        hits.push((hostile::CUT, marked(&hostile::cut(bytes, dice.between(0.1, 0.95)), file)));
    }
    for lie in hostile::lies(told, &mut dice) {
        hits.push((lie.row, marked(&lie.bytes, lie.file_name)));
    }
}

/// How far unlike photos are compared: whole sums, and the pairs to look at.
fn summed(asked: &Asked, subjects: &[Subject], labelled: &[Pair], progress: Progress) -> Evaluation {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut misses = Vec::new();
    for subject in subjects {
        for (row, hit) in &subject.hits {
            counts.entry(row).or_default().add(*hit);
            let is_alarm = [SHARP, LIT, TOLD_RIGHT, TOLD_NOTHING].contains(row);
            if *hit == is_alarm {
                misses.push(Miss { row: (*row).to_owned(), file: subject.file.clone() });
            }
        }
    }
    misses.sort_by(|a, b| (&a.row, &a.file).cmp(&(&b.row, &b.file)));
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let mut rows = Vec::new();
    let mut part = |part: Part, target: Option<Target>, total: Option<&str>, names: &[&'static str]| {
        if let Some(total) = total {
            let all = names.iter().map(|n| count(n)).fold(Count::default(), Count::plus);
            rows.push(Row::total(part, total, all, target));
        }
        rows.extend(names.iter().map(|n| Row::new(part, n, count(n), target)));
    };
    let of = |group: Group| COPIES.iter().filter(move |c| c.group == group).map(|c| c.name).collect::<Vec<_>>();
    let hidden = |all: &[Hidden], wanted: &dyn Fn(&Hidden) -> bool| {
        all.iter().filter(|h| wanted(h)).map(|h| h.name).collect::<Vec<_>>()
    };
    let gauss = |h: &Hidden| h.counted && h.name.starts_with("gauss");
    let motion = |h: &Hidden| h.counted && h.name.starts_with("motion");
    let whole: Vec<&str> = [EXACT].into_iter().chain(of(Group::Whole)).collect();
    part(Part::Copies, Some(Target::AtLeast(0.99)), Some("the whole picture saved again"), &whole);
    part(Part::Copies, Some(Target::AtLeast(0.92)), Some("a part, framed, covered, from aside"), &of(Group::Part));
    part(Part::Copies, None, None, &of(Group::Other));
    part(Part::Focus, Some(Target::AtLeast(0.95)), Some("gauss 3 px or more"), &hidden(BLURS, &gauss));
    part(Part::Focus, Some(Target::AtLeast(0.85)), Some("motion 17 px or more"), &hidden(BLURS, &motion));
    part(Part::Focus, None, None, &hidden(BLURS, &|h| !h.counted));
    part(Part::Focus, Some(Target::AtMost(0.03)), None, &[SHARP]);
    part(
        Part::Light,
        Some(Target::AtLeast(0.98)),
        Some("black, covered, under- or overexposed"),
        &hidden(LIGHTS, &|h| h.counted),
    );
    part(Part::Light, None, None, &hidden(LIGHTS, &|h| !h.counted));
    part(Part::Light, Some(Target::AtMost(0.01)), None, &[LIT]);
    part(Part::Claims, Some(Target::EveryOne), None, &[TIME_BEFORE, TIME_AFTER, PLACE_OFF]);
    part(Part::Claims, Some(Target::NoneIn(20)), None, &[TOLD_RIGHT, TOLD_NOTHING]);
    part(Part::Files, Some(Target::EveryOne), None, &[hostile::CUT, hostile::BOMB, hostile::SCANS, hostile::POLYGLOT]);
    let (honest, mut false_copies) = honest(subjects, labelled);
    let (unlike, unlabelled) = unlike(asked, subjects, labelled, progress);
    rows.extend(honest);
    rows.extend(unlike);
    false_copies.extend(unlabelled);
    rows.sort_by_key(|row| row.part);
    Evaluation {
        seed: asked.seed,
        photos: subjects.len(),
        attacked: subjects.iter().filter(|s| s.attacked).count(),
        unsearchable: subjects.iter().filter(|s| s.seen.as_ref().is_some_and(|seen| !seen.is_searchable())).count(),
        unread: subjects.iter().filter_map(|s| s.unread.clone()).collect(),
        rows,
        false_copies,
        misses,
    }
}

/// Labelled pairs: copies that should be found, and honest second photos that should not.
fn honest(subjects: &[Subject], labelled: &[Pair]) -> (Vec<Row>, Vec<FalseCopy>) {
    let mut relations: BTreeMap<(bool, &str), Count> = BTreeMap::new();
    let mut listed = Vec::new();
    for pair in labelled {
        let Some((flagged, told)) = called_copies(subjects, pair.a, pair.b) else { continue };
        relations.entry((pair.copy, &pair.relation)).or_default().add(flagged);
        if flagged && !pair.copy {
            listed.push(FalseCopy { relation: Some(pair.relation.clone()), ..told });
        }
    }
    let mut rows = Vec::new();
    for copy in [true, false] {
        let (part, target, total) = match copy {
            true => (Part::Copies, Target::AtLeast(0.99), "labelled copies"),
            false => (Part::Unlike, Target::AtMost(0.01), "honest second photos, called copies"),
        };
        let of: Vec<(&str, Count)> = relations.iter().filter(|(k, _)| k.0 == copy).map(|(k, c)| (k.1, *c)).collect();
        if !of.is_empty() || !copy {
            let sum = of.iter().fold(Count::default(), |sum, (_, count)| sum.plus(*count));
            rows.push(Row::total(part, total, sum, Some(target)));
        }
        rows.extend(of.iter().map(|(relation, count)| Row::new(part, relation, *count, Some(target))));
    }
    (rows, listed)
}

/// Whether two photos are called copies, and by what. `None` when one of them could not be decoded.
fn called_copies(subjects: &[Subject], n: usize, m: usize) -> Option<(bool, FalseCopy)> {
    let (a, b) = (subjects[n].seen.as_ref()?, subjects[m].seen.as_ref()?);
    let by_hash = compare(a, b, Relation::OtherWorker).is_some_and(|alike| alike.is_flagged());
    let agreement = alike_by_features(&subjects[n], &subjects[m], is_near(a, b));
    let [file_a, file_b] = [n, m].map(|n| subjects[n].file.clone());
    let bits = distance(a, b).map(|(bits, _)| bits);
    Some((by_hash || agreement.is_some(), FalseCopy { file_a, file_b, bits, agreement, relation: None }))
}

/// Whether two photos were labelled as showing one scene, by themselves or through copies of them.
fn one_scene(photos: usize, labelled: &[Pair]) -> impl Fn(usize, usize) -> bool {
    let mut picture: Vec<usize> = (0..photos).collect();
    for pair in labelled.iter().filter(|pair| pair.copy) {
        let (a, b) = (picture[pair.a], picture[pair.b]);
        picture.iter_mut().filter(|p| **p == b).for_each(|p| *p = a);
    }
    let known: BTreeSet<(usize, usize)> =
        labelled.iter().map(|pair| (picture[pair.a], picture[pair.b])).flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    move |a, b| picture[a] == picture[b] || known.contains(&(picture[a], picture[b]))
}

/// Pairs listed at most; the counts hold all.
const FALSE_COPIES_LISTED: usize = 50;

/// How well two photos lie on each other when local features call one a copy of the other.
fn alike_by_features(a: &Subject, b: &Subject, near: bool) -> Option<f64> {
    let (a, b) = (a.sight.as_ref()?, b.sight.as_ref()?);
    if !near && !is_candidate(&a.1, &b.0) && !is_candidate(&b.1, &a.0) {
        return None;
    }
    lay(&a.1, &b.1, Relation::OtherWorker).filter(|alike| alike.is_flagged())?.laid.map(|laid| laid.p10)
}

/// What one photo gives against all that follow it.
#[derive(Default)]
struct Against {
    /// Hash at most 31 bits away; 32 to 46 bits; of an edited copy; local features.
    counts: [Count; 4],
    listed: Vec<FalseCopy>,
}

/// Every pair of photos that nobody labelled and that are not one file.
fn unlike(asked: &Asked, subjects: &[Subject], labelled: &[Pair], progress: Progress) -> (Vec<Row>, Vec<FalseCopy>) {
    let of_one_scene = one_scene(subjects.len(), labelled);
    let seen: Vec<(usize, &Seen)> =
        subjects.iter().enumerate().filter_map(|(n, s)| Some((n, s.seen.as_ref()?))).collect();
    let places: Vec<usize> = (0..seen.len()).collect();
    let against = spread(&places, asked.threads, "pairs", progress, |&place| {
        let (n, a) = seen[place];
        let mut told = Against::default();
        let [sure, like, edited, features] = &mut told.counts;
        for &(m, b) in &seen[place + 1..] {
            if a.sha256 == b.sha256 || of_one_scene(n, m) {
                continue;
            }
            let Some((flagged, pair)) = called_copies(subjects, n, m) else { continue };
            let by_hash = pair.bits.is_some_and(|bits| bits <= LIKE_MAX_BITS);
            if let Some(bits) = pair.bits {
                sure.add(bits <= SAME_MAX_BITS);
                like.add(bits > SAME_MAX_BITS && by_hash);
            }
            features.add(pair.agreement.is_some());
            if flagged {
                told.listed.push(pair);
            }
            for copy in &subjects[n].copies {
                // Only what the untouched pair does not already say.
                if let Some((bits, _)) = distance(copy, b).filter(|_| !by_hash) {
                    edited.add(bits <= SAME_MAX_BITS);
                }
            }
        }
        told
    });
    let sum = |n: usize| against.iter().fold(Count::default(), |sum, told| sum.plus(told.counts[n]));
    let row = |name, n, target| Row::new(Part::Unlike, name, sum(n), target);
    let rows = vec![
        row("different photos, hash <= 31 bits", 0, Some(Target::NoneIn(30_000_000))),
        row("different photos, hash 32 to 46 bits (then laid)", 1, None),
        row("one of them edited, hash <= 31 bits", 2, Some(Target::NoneIn(30_000_000))),
        row("different photos, local features", 3, Some(Target::NoneIn(4000))),
    ];
    let mut listed: Vec<FalseCopy> = against.into_iter().flat_map(|told| told.listed).collect();
    listed.sort_by_key(|pair| pair.bits);
    listed.truncate(FALSE_COPIES_LISTED);
    (rows, listed)
}
