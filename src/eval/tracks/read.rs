//! Real tracks as files hold them: GPX, NMEA and the tables of the data folder, also gzipped. Reads what is there; says
//! nothing about a file that it does not know.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::domain::place::Point;
use crate::domain::signals::Provider;
use crate::domain::time::At;

/// One position of a track. Seconds since 1970; metres, metres per second, degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Raw {
    pub secs: f64,
    pub at: Point,
    pub accuracy_m: Option<f64>,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
}

/// One walk or ride, in order of time.
#[derive(Clone, PartialEq, Debug)]
pub struct Track {
    /// The file's name, and the number within it where it holds several.
    pub name: String,
    pub number: usize,
    pub provider: Option<Provider>,
    pub points: Vec<Raw>,
}

impl Track {
    pub fn secs(&self) -> f64 {
        self.points.first().zip(self.points.last()).map_or(0.0, |(a, b)| b.secs - a.secs)
    }
}

/// Files are small; a larger one is not one of ours.
const MAX_BYTES: u64 = 64 << 20;

/// Every track of a folder, sorted by file and number; the points of a planned route have no time and come second.
pub fn folder(folder: &Path) -> io::Result<(Vec<Track>, Vec<Point>)> {
    let mut names: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?.iter().map(|e| e.path()).collect();
    names.sort();
    let (mut tracks, mut route) = (Vec::new(), Vec::new());
    for path in names.iter().filter(|path| path.is_file()) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let file = fs::File::open(path)?.take(MAX_BYTES);
        let mut bytes = Vec::new();
        if name.ends_with(".gz") {
            flate2::read::MultiGzDecoder::new(file).take(MAX_BYTES).read_to_end(&mut bytes)?;
        } else {
            file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        }
        let text = String::from_utf8_lossy(&bytes);
        let plain = name.trim_end_matches(".gz");
        if plain.ends_with("_planned.gpx") {
            route = text.split("<trkpt").skip(1).filter_map(position).collect();
        } else {
            tracks.extend(parse(plain, &text));
        }
    }
    Ok((tracks, route))
}

/// The tracks of one file by its ending and its head line.
pub fn parse(name: &str, text: &str) -> Vec<Track> {
    let mut found = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("gpx") => vec![(Some(Provider::Gps), gpx(text))],
        Some("nmea") => vec![(Some(Provider::Gps), nmea(text))],
        Some("csv") => table(text),
        _ => Vec::new(),
    };
    found
        .iter_mut()
        .enumerate()
        .map(|(number, (provider, points))| {
            points.sort_by(|a, b| a.secs.total_cmp(&b.secs));
            points.dedup_by(|b, a| a.secs == b.secs);
            Track { name: name.to_owned(), number, provider: *provider, points: std::mem::take(points) }
        })
        .filter(|track| track.points.len() > 1)
        .collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside.trim())
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

fn position(point: &str) -> Option<Point> {
    let head = point.split_once('>')?.0;
    Point::new(number(between(head, "lat=\"", "\"")?)?, number(between(head, "lon=\"", "\"")?)?)
}

fn gpx(text: &str) -> Vec<Raw> {
    let point = |point: &str| {
        let point = point.split("</trkpt>").next()?;
        let at = At::parse(between(point, "<time>", "</time>")?)?;
        let inside = |tag: &str| between(point, &format!("<{tag}>"), &format!("</{tag}>")).and_then(number);
        Some(Raw {
            secs: at.micros() as f64 / 1e6,
            at: position(point)?,
            // The phones of the collection wrote their accuracy in metres here.
            accuracy_m: inside("hdop"),
            altitude_m: inside("ele"),
            speed_mps: between(point, "speed=\"", "\"").and_then(number).map(|kmh| kmh / 3.6),
        })
    };
    text.split("<trkpt").skip(1).filter_map(point).collect()
}

/// RMC lines give time, place and speed; the GGA line of the same second the height. Broken lines are left out.
fn nmea(text: &str) -> Vec<Raw> {
    let whole = |line: &str| {
        let (body, sum) = line.trim().strip_prefix('$')?.split_once('*')?;
        let right = body.bytes().fold(0, |a, b| a ^ b) == u8::from_str_radix(sum, 16).ok()?;
        right.then(|| body.split(',').map(str::to_owned).collect::<Vec<String>>())
    };
    let degrees = |text: &str, half: &str, width: usize| {
        let (whole, minutes) = text.split_at_checked(width)?;
        let degrees = number(whole)? + number(minutes)? / 60.0;
        Some(if matches!(half, "S" | "W") { -degrees } else { degrees })
    };
    let lines: Vec<Vec<String>> = text.lines().filter_map(whole).collect();
    let heights: BTreeMap<&str, f64> = lines
        .iter()
        .filter(|f| f[0].ends_with("GGA") && f.len() > 9)
        .filter_map(|f| Some((f[1].as_str(), number(&f[9])?)))
        .collect();
    let point = |f: &Vec<String>| {
        if !f[0].ends_with("RMC") || f.len() < 10 || f[2] != "A" {
            return None;
        }
        let (clock, day) = (f[1].get(..6)?, f[9].get(..6)?);
        let at = format!(
            "20{}-{}-{}T{}:{}:{}Z",
            &day.get(4..)?,
            day.get(2..4)?,
            day.get(..2)?,
            clock.get(..2)?,
            clock.get(2..4)?,
            clock.get(4..)?
        );
        Some(Raw {
            secs: At::parse(&at)?.micros() as f64 / 1e6,
            at: Point::new(degrees(&f[3], &f[4], 2)?, degrees(&f[5], &f[6], 3)?)?,
            accuracy_m: None,
            altitude_m: heights.get(f[1].as_str()).copied(),
            speed_mps: number(&f[7]).map(|knots| knots * 0.514_444),
        })
    };
    lines.iter().filter_map(point).collect()
}

/// The tables of the collection, told apart by the names of their columns.
fn table(text: &str) -> Vec<(Option<Provider>, Vec<Raw>)> {
    let head = text.lines().next().unwrap_or_default();
    let by = if head.contains(';') { ';' } else { ',' };
    let names: Vec<&str> = head.trim().split(by).collect();
    let column = |name: &str| names.iter().position(|n| *n == name);
    let clock = |text: &str| {
        let text = text.trim().replacen(' ', "T", 1);
        At::parse(&if text.ends_with('Z') { text } else { text + "Z" }).map(|at| at.micros() as f64 / 1e6)
    };
    let group = column("track_id").or(column("chunk"));
    let mut tracks: BTreeMap<u64, Vec<Raw>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.trim().split(by).collect();
        let get = |name: &str| column(name).and_then(|n| fields.get(n).copied());
        let value = |name: &str| get(name).and_then(number);
        let secs = value("utc_ms")
            .map(|ms| ms / 1e3)
            .or_else(|| ["tracked_at", "time", "timestamp"].into_iter().find_map(get).and_then(clock));
        let at = match (value("latitude"), value("longitude"), value("x_m"), value("y_m")) {
            (Some(lat), Some(lon), _, _) => Point::new(lat, lon),
            // Metres around a centre that was hidden: any place will do.
            (_, _, Some(x), Some(y)) => moved(HIDDEN, x, y),
            _ => None,
        };
        let Some((secs, at)) = secs.zip(at) else { continue };
        let number = group.and_then(|n| fields.get(n)?.parse().ok()).unwrap_or(0);
        // The location history writes 0 where it has no height.
        let altitude_m = value("altitude");
        let raw = Raw { secs, at, accuracy_m: value("accuracy"), altitude_m, speed_mps: value("speed") };
        tracks.entry(number).or_default().push(raw);
    }
    let provider = match (column("provider"), column("tracked_at")) {
        (Some(_), _) => Some(Provider::Gps),
        (_, Some(_)) => Some(Provider::Fused),
        _ => None,
    };
    tracks.into_values().map(|points| (provider, points)).collect()
}

const HIDDEN: (f64, f64) = (47.0, 8.0);

fn moved(from: (f64, f64), east_m: f64, north_m: f64) -> Option<Point> {
    let lat = from.0 + north_m / 111_195.0;
    Point::new(lat, from.1 + east_m / (111_195.0 * from.0.to_radians().cos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_gives_its_positions() {
        let gpx = r#"<gpx><trkpt lat="51.05" lon="-1.3"><ele>84.0</ele><time>2019-11-29T11:53:48Z</time><hdop>3.0</hdop>
            <gte:gps speed="36"/></trkpt><trkpt lat="51.06" lon="-1.3"><time>2019-11-29T11:53:50Z</time></trkpt>"#;
        let track = parse("a.gpx", gpx).remove(0);
        let first = track.points[0];
        assert_eq!((first.accuracy_m, first.altitude_m, first.speed_mps), (Some(3.0), Some(84.0), Some(10.0)));
        assert_eq!((track.secs(), track.points[1].accuracy_m), (2.0, None));
        let nmea = "$GNRMC,021417.00,A,3725.58362,N,12205.61915,W,0.028,65.13,070220,13.06,E,F,V*4A\nrubbish\n\
            $GNGGA,021417.00,3725.58362,N,12205.61915,W,5,12,0.76,4.4,M,-30.0,M,0.0,2000*52\n$GNRMC,021418.00,A,3*00\n";
        let points = super::nmea(nmea);
        assert_eq!((points.len(), points[0].altitude_m), (1, Some(4.4)));
        assert!((points[0].at.lon() + 122.093_652).abs() < 1e-5);
        let fixes = "record,provider,latitude,longitude,altitude,speed,accuracy,utc_ms\n\
            Fix,gps,37.4,-122.0,-33,0.0,3.0,1467321969000\nFix,gps,37.4,-122.0,-33,0.0,3.0,1467321970000\n";
        assert_eq!(parse("f.csv", fixes)[0].points[1].accuracy_m, Some(3.0));
        let history = "user_id;tracked_at;latitude;longitude;elevation;accuracy\n1;2012-12-18T21:30:35Z;47.3;8.5;0;20\n\
            1;2012-12-18T21:29:34Z;47.3;8.5;0;36\n";
        let track = parse("g.csv", history).remove(0);
        assert_eq!((track.provider, track.points[0].accuracy_m), (Some(Provider::Fused), Some(36.0)), "sorted");
        let courier = "chunk,timestamp,x_m,y_m,activity\n0,1964-01-12 00:00:00.0,3,4,OnFoot\n\
            0,1964-01-12 00:00:05,3,4,OnFoot\n1,1964-01-12 00:00:00,3,4,OnFoot\n1,1964-01-12 00:00:05,x,4,OnFoot\n";
        assert_eq!(parse("c.csv", courier).len(), 1, "one point is no track");
        assert!(parse("a.txt", gpx).is_empty() && parse("a.gpx", "").is_empty() && parse("a.csv", "").is_empty());
    }
}
