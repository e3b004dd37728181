//! `fieldproof check`: what the server would say about photos, without a server. Photos given together count as one
//! visit; photos of the folder to compare with count as another worker's, an hour apart.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use serde::Deserialize;

use super::sheet::{self, Picture};
use super::{flag, option};
use crate::checks::align::ALIGNED_MIN;
use crate::checks::duplicate::SAME_MAX_BITS;
use crate::checks::features::Features;
use crate::checks::report::{self, Beside, Checked};
use crate::checks::{Budget, Looked, Shot, Subject, look};
use crate::domain::finding::{Code, Finding, Language, Level};
use crate::domain::grade::{self, Grade, Proof};
use crate::domain::place::Point;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::store::Zone;
use crate::domain::time::At;
use crate::eval::alike::{Alike, Relation, Seen, Sight, compare, is_candidate, is_near, lay};
use crate::eval::folder;

/// Photos that one photo is said to be like, at most.
const LIKE_MAX: usize = 5;

const VISIT_HELP: &str = "\
VISIT.JSON says what the photos are compared with. Every field may be left out:
  {
    \"window\": {\"from\": \"2026-03-10T09:00:00Z\", \"to\": \"2026-03-10T10:00:00Z\"},
    \"store\": {\"lat\": 46.5219, \"lon\": 6.6323, \"radius_m\": 150},
    \"time_zone\": \"Europe/Zurich\",      where a camera's clock without an offset is read
    \"subject\": \"shelf\",                shelf, tag, store_front, product, display or other
    \"min_long_edge_px\": 1600,
    \"camera_only\": true,               photos must come straight from a camera
    \"app_camera\": false                the app's own camera took them (needed for grade A)
  }

Photos given together count as one visit; photos of --against count as another worker's, an hour apart.
Exit codes: 0 nothing to look at, 1 a photo needs a second look or something cannot be read, 2 not understood.";

pub fn command() -> Command {
    Command::new("check")
        .about("Look at photos as the server would, and grade them; exits 1 when one needs a second look")
        .after_help(VISIT_HELP)
        .arg(Arg::new("PHOTO").required(true).num_args(1..).help("Photo files"))
        .arg(option("visit", "What the photos should show: a file as below").value_name("VISIT.JSON"))
        .arg(option("against", "Look for copies of photos of this folder too").value_name("FOLDER"))
        .arg(
            option("language", "Language of the sentences: en, fr or nl")
                .default_value("en")
                .value_parser(["en", "fr", "nl"]),
        )
        .arg(
            option("sheet", "Write a contact sheet: one HTML file with pictures, for any browser")
                .value_name("OUT.HTML"),
        )
        .arg(flag("json", "Print JSON"))
}

pub fn run(args: &ArgMatches) -> Outcome<ExitCode> {
    let language = args.get_one::<String>("language").and_then(|l| Language::parse(l)).unwrap_or_default();
    let visit = match args.get_one::<String>("visit") {
        Some(file) => Visit::read(Path::new(file))?,
        None => Visit::default(),
    };
    let given: Vec<Given> = args
        .get_many::<String>("PHOTO")
        .unwrap_or_default()
        .map(|name| Given::read(name, &visit.shot))
        .collect::<Outcome<_>>()?;
    let known = match args.get_one::<String>("against") {
        Some(folder) => known(Path::new(folder), &given)?,
        None => Vec::new(),
    };
    let mut checked = Vec::new();
    let mut pictures = Vec::new();
    for (place, photo) in given.iter().enumerate() {
        let like = like(place, &given, &known);
        let mut looked = photo.looked.clone();
        looked.findings.extend(like.iter().filter_map(finding));
        looked.findings.sort_by_key(|f| f.code);
        let proof =
            Proof::of(&looked.findings, visit.app_camera, visit.shot.window.is_some(), visit.shot.store.is_some());
        let grade = grade::photo(&looked.findings, &proof);
        let beside = like.iter().map(|l| beside(&l.name, &l.alike)).collect();
        pictures.push(match args.contains_id("sheet") {
            true => {
                Picture::new(looked.renditions.as_ref(), like.iter().map(|l| (other(l, &given), l.alike.laid.as_ref())))
            }
            false => Picture::default(),
        });
        checked.push(Checked { file: photo.name.clone(), looked, grade, beside });
    }
    let grades: Vec<Grade> = checked.iter().map(|c| c.grade.clone()).collect();
    let together = grade::visit(&grades, &[]);
    if let Some(file) = args.get_one::<String>("sheet") {
        let page = sheet::html(&checked, &pictures, together.as_ref(), language);
        std::fs::write(file, page).map_err(|e| Failure::fault(format!("{file} cannot be written: {e}.")))?;
    }
    if args.get_flag("json") {
        let json = report::json(&checked, together.as_ref(), language);
        println!("{}", serde_json::to_string_pretty(&json).map_err(Failure::fault)?);
    } else {
        print!("{}", report::table(&checked, together.as_ref(), language));
    }
    let doubtful = checked.iter().any(|photo| photo.looked.worst() > Level::Info);
    Ok(if doubtful { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The file of `--visit`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct VisitFile {
    window: Option<Window>,
    store: Option<Store>,
    time_zone: Option<String>,
    subject: Subject,
    min_long_edge_px: u32,
    camera_only: bool,
    app_camera: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    from: At,
    to: At,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    lat: f64,
    lon: f64,
    radius_m: f64,
}

#[derive(Default)]
struct Visit {
    shot: Shot,
    app_camera: bool,
}

impl Visit {
    fn read(file: &Path) -> Outcome<Visit> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Failure::fault(format!("{} cannot be read: {e}.", file.display())))?;
        Visit::parse(&text).map_err(|why| Failure::fault(format!("{}: {why}", file.display())))
    }

    /// Errors name the field.
    fn parse(text: &str) -> Result<Visit, String> {
        let read: VisitFile = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))
            .map_err(|e| format!("{}: {}", e.path(), e.inner()))?;
        if let Some(window) = &read.window
            && window.to < window.from
        {
            return Err("window.to: it lies before window.from".to_owned());
        }
        let zone = read.time_zone.as_deref().map(Zone::parse).transpose();
        let zone = zone.map_err(|problem| format!("time_zone: {}", problem.message))?;
        let mut shot = Shot {
            window: read.window.map(|w| (w.from, w.to)),
            zone: zone.and_then(|zone| jiff::tz::TimeZone::get(zone.name()).ok()),
            subject: read.subject,
            min_long_edge_px: read.min_long_edge_px,
            camera_only: read.camera_only,
            ..Shot::default()
        };
        if let Some(store) = read.store {
            let point = Point::new(store.lat, store.lon);
            shot.store = Some(point.ok_or("store: lat must lie in -90..=90 and lon in -180..=180")?);
            if !(store.radius_m > 0.0 && store.radius_m <= 100_000.0) {
                return Err("store.radius_m: it must be above 0 and at most 100000".to_owned());
            }
            shot.radius_m = store.radius_m;
        }
        Ok(Visit { shot, app_camera: read.app_camera })
    }
}

struct Given {
    name: String,
    looked: Looked,
    seen: Seen,
    sight: Option<Sight>,
}

impl Given {
    fn read(name: &str, shot: &Shot) -> Outcome<Given> {
        let bytes = std::fs::read(name).map_err(|e| Failure::fault(format!("{name} cannot be read: {e}.")))?;
        let file_name = Path::new(name).file_name().map(|n| n.to_string_lossy().into_owned());
        let looked = look(&bytes, &Shot { file_name, ..shot.clone() }, &Budget::default());
        Ok(Given { name: name.to_owned(), seen: Seen::of(&bytes, &looked), sight: Sight::of(&looked), looked })
    }
}

/// A photo of the folder to compare with. Its picture is read again when it is shown.
struct Known {
    name: String,
    path: PathBuf,
    seen: Seen,
    stored: Features,
}

/// All photos of the folder, apart from those that are given.
fn known(folder: &Path, given: &[Given]) -> Outcome<Vec<Known>> {
    let cannot = |what: &Path, e: std::io::Error| Failure::fault(format!("{} cannot be read: {e}.", what.display()));
    let all = folder::photos(folder).map_err(|e| cannot(folder, e))?;
    let own: Vec<PathBuf> = given.iter().filter_map(|g| folder::real(Path::new(&g.name))).collect();
    let all: Vec<(String, PathBuf)> =
        all.into_iter().filter(|(_, path)| folder::real(path).is_none_or(|path| !own.contains(&path))).collect();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let progress = super::progress();
    let looked = crate::eval::spread(&all, threads, "known photos", &progress, |(name, path)| {
        let bytes = folder::read(path).map_err(|e| cannot(path, e))?;
        let looked = look(&bytes, &Shot::default(), &Budget::default());
        let stored = Sight::of(&looked).map(|sight| sight.stored()).unwrap_or_default();
        Ok(Known { name: name.clone(), path: path.clone(), seen: Seen::of(&bytes, &looked), stored })
    });
    looked.into_iter().collect()
}

/// A photo that another is like, and where its picture is.
struct Like {
    name: String,
    alike: Alike,
    place: Where,
}

enum Where {
    Given(usize),
    File(PathBuf),
}

/// The photos most like the one at `place`, gravest and nearest first. Local features are asked where hashes say nothing.
fn like(place: usize, given: &[Given], known: &[Known]) -> Vec<Like> {
    let Given { seen, sight, .. } = &given[place];
    let together = given.iter().enumerate().filter(|(n, _)| *n != place).filter_map(|(n, other)| {
        let by_features = || lay(sight.as_ref()?, other.sight.as_ref()?, Relation::SameVisit);
        let alike = compare(seen, &other.seen, Relation::SameVisit).or_else(by_features)?;
        Some(Like { name: other.name.clone(), alike, place: Where::Given(n) })
    });
    let before = known.iter().filter_map(|other| {
        let by_features = || {
            let sight =
                sight.as_ref().filter(|sight| is_near(seen, &other.seen) || is_candidate(sight, &other.stored))?;
            let looked = look(&folder::read(&other.path).ok()?, &Shot::default(), &Budget::default());
            lay(sight, &Sight::of(&looked)?, Relation::OtherWorker)
        };
        let alike = compare(seen, &other.seen, Relation::OtherWorker).or_else(by_features)?;
        Some(Like { name: other.name.clone(), alike, place: Where::File(other.path.clone()) })
    });
    let mut all: Vec<Like> = together.chain(before).collect();
    let level = |like: &Like| like.alike.means.map(|(_, level)| level);
    all.sort_by(|a, b| {
        let bits = |like: &Like| like.alike.hash.map_or(u32::MAX, |(bits, _)| bits);
        level(b).cmp(&level(a)).then(bits(a).cmp(&bits(b))).then_with(|| a.name.cmp(&b.name))
    });
    all.truncate(LIKE_MAX);
    all
}

fn finding(like: &Like) -> Option<Finding> {
    let (code, level) = like.alike.means?;
    let finding = Finding::new(code, level).about(&like.name);
    Some(match (&like.alike.laid, like.alike.hash) {
        (Some(laid), _) => match code {
            Code::DupCropped => finding.measured(laid.p10, ALIGNED_MIN),
            Code::PartialCopy => finding.valued(laid.copied),
            _ => finding,
        },
        (None, Some((bits, _))) if !like.alike.exact => finding.measured(f64::from(bits), f64::from(SAME_MAX_BITS)),
        _ => finding,
    })
}

fn beside(name: &str, alike: &Alike) -> Beside {
    Beside {
        file: name.to_owned(),
        exact: alike.exact,
        bits: alike.hash.map(|(bits, _)| bits),
        agreement: alike.laid.as_ref().map(|laid| laid.p10),
        means: alike.means,
    }
}

/// The small picture of the other photo. `None` when its file is gone or no longer decodes.
fn other(like: &Like, given: &[Given]) -> Option<Vec<u8>> {
    match &like.place {
        Where::Given(n) => given[*n].looked.renditions.as_ref().map(|r| r.small.clone()),
        Where::File(path) => {
            let bytes = folder::read(path).ok()?;
            look(&bytes, &Shot::default(), &Budget::default()).renditions.map(|r| r.small)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_read_and_a_wrong_field_is_named() {
        let visit = Visit::parse(
            r#"{"window": {"from": "2026-03-10T09:00:00Z", "to": "2026-03-10T10:00:00+00:00"},
                "store": {"lat": 46.5, "lon": 6.6, "radius_m": 150}, "time_zone": "Europe/Zurich",
                "subject": "store_front", "min_long_edge_px": 1600, "camera_only": true, "app_camera": true}"#,
        )
        .expect("valid");
        assert!(visit.app_camera && visit.shot.zone.is_some() && visit.shot.store.is_some());
        assert_eq!((visit.shot.subject, visit.shot.radius_m), (Subject::StoreFront, 150.0));
        assert!(Visit::parse("{}").is_ok());
        for (text, named) in [
            (r#"{"windows": null}"#, "windows"),
            (r#"{"window": {"from": "2026-03-10", "to": "2026-03-10"}}"#, "window.from: "),
            (r#"{"window": {"from": "2026-03-10T09:00:00Z", "to": "2026-03-10T08:00:00Z"}}"#, "window.to: "),
            (r#"{"store": {"lat": 46.5, "lon": "6.6", "radius_m": 1}}"#, "store.lon: "),
            (r#"{"store": {"lat": 146.5, "lon": 6.6, "radius_m": 1}}"#, "store: lat"),
            (r#"{"store": {"lat": 46.5, "lon": 6.6, "radius_m": 0}}"#, "store.radius_m: "),
            (r#"{"store": {"lat": 46.5, "lon": 6.6}}"#, "radius_m"),
            (r#"{"time_zone": "Mars/Base"}"#, "time_zone: "),
            (r#"{"subject": "dog"}"#, "subject: "),
            (r#"{"min_long_edge_px": -1}"#, "min_long_edge_px: "),
            ("[", "EOF"),
        ] {
            let error = Visit::parse(text).err().expect("refused");
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
