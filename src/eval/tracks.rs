//! How well the signs of made-up positions do: honest visits from real tracks, visits made up in many ways, and a table
//! that says what was found. The limits were chosen on one half of the files and are measured on the other; the same
//! files, seed and rules give the same table. Reads files in one place ([`read`]).

pub mod read;
pub mod spoof;
pub mod visit;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use self::read::Track;
use self::spoof::{KINDS, Workshop, claims, shapes};
use self::visit::{ASSUMED, Store, Visit, cut, errors, extent_m, walk};
use super::statistics::{Count, Dice, Target, Verdict};
use crate::domain::finding::{Finding, Level};
use crate::domain::signals::{Known, RULE_VERSION, Shape, judge};

/// Which files: limits are chosen on one half and shown on the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    Choose,
    Test,
}

impl Half {
    /// By file; files with many tracks and the one-day location history by their parts.
    fn has(self, track: &Track) -> bool {
        let choose = match track.name.as_str() {
            n if n.starts_with("gotrack") || n.starts_with("goal") => track.number.is_multiple_of(2),
            n if n.starts_with("google_trajectory") => track.number == 0,
            n => ["routeA_MotoG3", "routeA_Garmin", "limerick"].iter().any(|choose| n.starts_with(choose)),
        };
        choose == (self == Half::Choose)
    }
}

/// One line of the table.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub part: &'static str,
    pub name: String,
    pub count: Count,
    pub target: Option<Target>,
    pub total: bool,
    /// How often each code was seen as a doubt, most frequent first.
    pub codes: Vec<(&'static str, u64)>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    pub seed: u64,
    pub half: &'static str,
    pub tracks: usize,
    pub rows: Vec<Row>,
}

const HONEST: &str = "Honest visits: called a doubt";
const RIDES: &str = "Not visits: windows of rides";
const SPOOFED: &str = "Made-up visits: at least one doubt";
const REFUSED: &str = "Refused by the machine";

/// Windows cut from each quarter of an hour of a track.
const WINDOWS_EACH: usize = 3;
/// Made-up visits of each kind that are usual; half as many again are honest store walks.
pub const EACH: usize = 400;
/// Visits that others made in the same store before.
const EARLIER: usize = 20;
/// The same for honest visits: the more there are, the more likely one is alike by chance.
const EARLIER_OF_HONEST: usize = 300;
/// On-site positions farther apart than this are a ride, in metres.
const ON_SITE_M: f64 = 400.0;

#[derive(Default)]
struct Tally {
    count: Count,
    refused: Count,
    codes: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, signals: &[Finding]) {
        self.count.add(signals.iter().any(|s| s.level >= Level::Doubt));
        self.refused.add(signals.iter().any(|s| s.level > Level::Doubt));
        for signal in signals.iter().filter(|s| s.level >= Level::Doubt) {
            *self.codes.entry(signal.code.as_str()).or_default() += 1;
        }
    }

    fn row(self, part: &'static str, name: &str, target: Option<Target>) -> Row {
        let mut codes: Vec<(&str, u64)> = self.codes.into_iter().collect();
        codes.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
        Row { part, name: name.to_owned(), count: self.count, target, total: false, codes }
    }
}

fn look(visit: &Visit, shapes: &[Shape]) -> Vec<Finding> {
    let photos = claims(visit);
    let known = Known {
        store: visit.store,
        reserved_at: visit.reserved_at,
        reserved_elapsed_ms: visit.reserved_elapsed_ms,
        previous: visit.previous,
        shapes,
        same_fixes: visit.same_fixes,
        device_accounts: visit.device_accounts,
        photos: &photos,
    };
    judge(&visit.fixes, &known)
}

/// The location history of one day as two tracks, so that each half has one.
fn split(tracks: Vec<Track>) -> Vec<Track> {
    let halves = |mut track: Track| {
        if !track.name.starts_with("google_trajectory") {
            return vec![track];
        }
        let second = track.points.split_off(track.points.len() / 2);
        let name = track.name.clone();
        vec![track.clone(), Track { name, number: 1, points: second, provider: track.provider }]
    };
    tracks.into_iter().flat_map(halves).collect()
}

/// Measures the signs on one half of the tracks of a folder, with `each` visits of every kind. The error is a sentence.
pub fn tracks(folder: &Path, seed: u64, half: Half, each: usize) -> Result<Measured, String> {
    let (all, route) = read::folder(folder).map_err(|e| format!("{} cannot be read: {e}.", folder.display()))?;
    let mine: Vec<Track> = split(all).into_iter().filter(|track| half.has(track)).collect();
    let exact = |t: &&Track| t.points.iter().all(|p| p.accuracy_m.is_some() && p.altitude_m.is_some());
    let donors: Vec<&Track> = mine.iter().filter(exact).filter(|t| t.secs() > 200.0).collect();
    let ride = mine.iter().find(|t| t.name.starts_with("routeA_") && exact(t));
    let (Some(ride), false) = (ride, route.is_empty()) else {
        return Err(format!("{} lacks a phone's ride or its planned route.", folder.display()));
    };
    let errors = errors(ride, &route);
    // What was made up while limits were chosen must not come again.
    let dice = |what: &str| Dice::new(seed, &format!("{half:?} {what}"));
    let mut rows = Vec::new();
    let (mut refused, mut honest) = (Count::default(), Count::default());

    // Windows of real tracks, each compared with those of other tracks.
    let mut windows: Vec<(&str, usize, Visit)> = Vec::new();
    for (n, track) in mine.iter().enumerate() {
        let mut dice = dice(&format!("{} {}", track.name, track.number));
        for _ in 0..WINDOWS_EACH * (1 + (track.secs() / 900.0) as usize) {
            let short = track.name.split('.').next().unwrap_or_default();
            windows.extend(cut(track, &donors, &mut dice).map(|visit| (short, n, visit)));
        }
    }
    let known: Vec<(usize, Shape)> =
        windows.iter().filter_map(|(_, n, visit)| Some((*n, Shape::of(&visit.fixes)?))).collect();
    let mut by_source: BTreeMap<(bool, &str), Tally> = BTreeMap::new();
    for (place, (source, n, visit)) in windows.iter().enumerate() {
        // One ride that several devices recorded is one walk.
        let same = |m: usize| m == *n || mine[m].name.starts_with("routeA_") && mine[*n].name.starts_with("routeA_");
        let others: Vec<Shape> = known
            .iter()
            .cycle()
            .skip(place * 7)
            .take(known.len().min(200))
            .filter(|(m, _)| !same(*m))
            .map(|(_, s)| s.clone())
            .collect();
        by_source.entry((extent_m(visit) > ON_SITE_M, source)).or_default().add(&look(visit, &others));
    }
    let mut rides = Vec::new();
    for ((riding, source), tally) in by_source {
        refused = refused.plus(tally.refused);
        if riding {
            rides.push(tally.row(RIDES, source, None));
        } else {
            honest = honest.plus(tally.count);
            rows.push(tally.row(HONEST, source, Some(Target::AtMost(0.01))));
        }
    }

    let mut tally = Tally::default();
    for n in 0..each + each / 2 {
        let mut dice = dice(&format!("walk {n}"));
        let Some((visit, earlier)) = Store::draw(&mut dice).and_then(|store| {
            let earlier = before(EARLIER_OF_HONEST, &store, &errors, &donors, &mut dice);
            Some((walk(&store, &errors, &donors, &mut dice)?, earlier))
        }) else {
            continue;
        };
        tally.add(&look(&visit, &shapes(earlier.iter())));
    }
    refused = refused.plus(tally.refused);
    honest = honest.plus(tally.count);
    rows.push(tally.row(HONEST, "store walks with a real phone's error", Some(Target::AtMost(0.01))));
    rows.insert(0, total(HONEST, "all honest visits", honest, Some(Target::AtMost(0.01))));
    rows.extend(rides);

    let (mut told, mut every, mut kinds) = (Count::default(), Count::default(), Vec::new());
    for kind in KINDS {
        let mut tally = Tally::default();
        for n in 0..each {
            let mut dice = dice(&format!("{} {n}", kind.name));
            let Some(store) = Store::draw(&mut dice) else { continue };
            let earlier = before(EARLIER, &store, &errors, &donors, &mut dice);
            let shop = Workshop { errors: &errors, donors: &donors, store: &store, earlier: &earlier };
            if let Some(visit) = (kind.make)(&shop, &mut dice) {
                tally.add(&look(&visit, &shapes(earlier.iter())));
            }
        }
        refused = refused.plus(tally.refused);
        every = every.plus(tally.count);
        told = if kind.beyond { told } else { told.plus(tally.count) };
        let name = if kind.beyond { format!("{} (beyond physics)", kind.name) } else { kind.name.to_owned() };
        kinds.push(tally.row(SPOOFED, &name, (!kind.beyond).then_some(Target::AtLeast(0.95))));
    }
    rows.push(total(SPOOFED, "all kinds but those beyond physics", told, Some(Target::AtLeast(0.95))));
    rows.push(total(SPOOFED, "all kinds", every, None));
    rows.extend(kinds);
    rows.push(total(REFUSED, "all visits", refused, Some(Target::NoneIn(1000))));
    let half = if half == Half::Test { "test" } else { "choose" };
    Ok(Measured { seed, half, tracks: mine.len(), rows })
}

fn before(count: usize, store: &Store, errors: &[(f64, f64)], donors: &[&Track], dice: &mut Dice) -> Vec<Visit> {
    (0..count).filter_map(|_| walk(store, errors, donors, dice)).collect()
}

fn total(part: &'static str, name: &str, count: Count, target: Option<Target>) -> Row {
    Row { part, name: name.to_owned(), count, target, total: true, codes: Vec::new() }
}

/// How to read the table; printed under it.
const RULES: &[&str] = &[
    "A hit: at least one signal of level doubt. No signal can refuse.",
    "Interval: 95%, Wilson. Windows of one track and kinds of one store overlap: the intervals are too narrow.",
    "Not shown: fewer cases than a perfect result would need.",
    "Store walks: made-up ways and stands, the real error of a phone beside its planned road, 1 to 2.5 times as large.",
    "Each honest store walk is compared with 300 earlier ones of its store, each window with up to 200 of other tracks, each made-up visit with 20.",
    "Rides are no visits: photos lie far apart, and a doubt is right; listed to show what else they raise.",
    "Beyond physics: a fresh copy of the real world has no sign; other evidence (photos, a second angle) must tell.",
];

impl Row {
    pub fn verdict(&self) -> Option<Verdict> {
        self.target.map(|target| target.verdict(self.count))
    }
}

impl Measured {
    pub fn table(&self) -> String {
        let percent = |share: f64| format!("{:.1}%", share * 100.0);
        let mut out =
            format!("{} tracks of the half `{}`; seed {}, rules {RULE_VERSION}\n", self.tracks, self.half, self.seed);
        let mut part = "";
        for row in &self.rows {
            if part != row.part {
                part = row.part;
                out.push_str(&format!(
                    "\n{part:<60} {:>6} {:>6} {:>7}  {:<15} {:<9} {:<9}  doubts\n",
                    "n", "hits", "share", "95% interval", "target", "verdict"
                ));
            }
            let (low, high) = row.count.interval();
            let codes: Vec<String> = row.codes.iter().take(3).map(|(code, n)| format!("{code} {n}")).collect();
            out.push_str(&format!(
                "{:<60} {:>6} {:>6} {:>7}  {:<15} {:<9} {:<9}  {}\n",
                format!("{}{}", if row.total { "" } else { "  " }, row.name),
                row.count.n,
                row.count.hits,
                row.count.share().map_or("-".to_owned(), percent),
                format!("{} - {}", percent(low), percent(high)),
                row.target.map_or("-".to_owned(), |t| t.to_string()),
                row.verdict().map_or("-", Verdict::as_str),
                codes.join(", "),
            ));
        }
        for (title, lines) in [("How to read this", RULES), ("Assumed, because no file says it", ASSUMED)] {
            out.push_str(&format!("\n{title}\n"));
            lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
        out
    }

    /// `{rule_version, seed, half, tracks, rows: [{part, name, total, n, hits, share, low, high, target, verdict,
    /// doubts: [[code, n]]}], how_to_read, assumed}`.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let (low, high) = row.count.interval();
            json!({
                "part": row.part, "name": row.name, "total": row.total, "n": row.count.n, "hits": row.count.hits,
                "share": row.count.share(), "low": low, "high": high, "target": row.target,
                "verdict": row.verdict(), "doubts": row.codes,
            })
        };
        json!({
            "rule_version": RULE_VERSION, "seed": self.seed, "half": self.half, "tracks": self.tracks,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(), "how_to_read": RULES, "assumed": ASSUMED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Measured {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tracks");
        tracks(&folder, 1, Half::Test, 10).expect("a phone's ride and its route")
    }

    #[test]
    fn a_small_folder_gives_every_row_and_the_same_again() {
        let (measured, again) = (fixture(), fixture());
        assert_eq!(measured, again);
        let row = |name: &str| measured.rows.iter().find(|row| row.name.starts_with(name)).expect("a row");
        assert_eq!(row("mock flag left on").count, Count { hits: 10, n: 10 });
        assert!(row("fresh real walk, true noise").count.hits <= 1 && row("all honest visits").count.n > 10);
        assert_eq!(row("all visits").count.hits, 0, "nothing is refused");
        assert_eq!(measured.rows.iter().filter(|row| row.part == SPOOFED).count(), KINDS.len() + 2);
        let text = measured.table();
        assert!(text.contains("beyond physics") && text.contains("Assumed"), "{text}");
        assert_eq!(measured.json()["rows"][0]["n"], measured.rows[0].count.n);
    }

    #[test]
    fn a_folder_without_a_ride_says_so() {
        assert!(tracks(Path::new("/nowhere"), 1, Half::Test, 1).is_err_and(|e| e.contains("cannot be read")));
        let half = tracks(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tracks"), 1, Half::Choose, 1);
        assert!(half.is_err_and(|e| e.contains("planned route")));
    }
}
