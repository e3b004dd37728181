//! `fieldproof stores`: files into the directory, stores that stand there twice, and making one of two.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use flate2::read::MultiGzDecoder;

use super::{flag, option};
use crate::config::Settings;
use crate::domain::ids::StoreId;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::store::{Zone, is_country};
use crate::domain::store_import::{Defaults, Parsed, diff, parse_csv, parse_geojson};
use crate::domain::store_pbf::parse_pbf;
use crate::ops::store_duplicates::{self, DuplicateView, Merge};
use crate::ports::clock::Clock;
use crate::{boot, ops};

/// A file that unpacks to more is not a list of stores.
const UNPACKED_MAX_BYTES: u64 = 1 << 30;

const IMPORT_HELP: &str = "\
FILE ends in .csv, .geojson or .json, each also packed as .gz, or .osm.pbf. Rows without a name or a position are told and
left out; any other mistake keeps the whole file out, but for extracts of OpenStreetMap, which nobody corrects. The rows are
written in transactions of 2000: killed, the same command goes on where it stopped, and a second run changes nothing.
Where staff has said where a store is, or a store was merged into another, a file does not undo it.
Exit codes: 0 shown or imported, 1 the file has errors and nothing was imported.";

pub fn command() -> Command {
    let import = Command::new("import")
        .about("Compare a CSV, GeoJSON or .osm.pbf file with the directory, and bring it in with --apply")
        .after_help(IMPORT_HELP)
        .arg(Arg::new("FILE").required(true))
        .arg(flag("apply", "Write the changes; without it they are only shown"))
        .arg(option("source", "Who gave the ids, where the file does not say").default_value("import"))
        .arg(
            option("shop", "Of an .osm.pbf file only shops of these kinds, such as supermarket,convenience")
                .value_delimiter(','),
        )
        .arg(option("country", "Country of stores for which the file names none, such as CH").required(true))
        .arg(
            option("time-zone", "Time zone of stores for which the file names none, such as Europe/Zurich")
                .required(true),
        );
    Command::new("stores")
        .about("The directory of stores")
        .subcommand_required(true)
        .subcommand(import)
        .subcommand(
            Command::new("duplicates")
                .about("List stores that probably stand in the directory twice, the most probable first")
                .arg(
                    option("limit", "At most so many pairs")
                        .default_value("100")
                        .value_parser(clap::value_parser!(u32)),
                )
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(
            Command::new("merge")
                .about("Make one store of two: STORE leaves the directory, its ids stand for the other from then on")
                .arg(Arg::new("STORE").required(true))
                .arg(option("into", "The store that stays").required(true)),
        )
}

pub fn run(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    match args.subcommand() {
        Some(("import", args)) => import(settings, args),
        Some(("duplicates", args)) => duplicates(settings, args),
        Some(("merge", args)) => merge(settings, args),
        _ => Err(super::unknown()),
    }
}

fn text(args: &ArgMatches, name: &str) -> String {
    args.get_one::<String>(name).cloned().unwrap_or_default()
}

fn import(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    let file = text(args, "FILE");
    if !is_country(&text(args, "country")) {
        return Err(Failure::fault("--country takes two capital letters such as CH."));
    }
    let time_zone =
        Zone::parse(&text(args, "time-zone")).map_err(|problem| Failure::fault(format!("--time-zone: {problem}")))?;
    let defaults = Defaults { source: text(args, "source"), country: text(args, "country"), time_zone };
    let kinds: Vec<String> = args.get_many("shop").into_iter().flatten().cloned().collect();
    let mut parsed = parse(&file, &kinds, &defaults)?;
    for warning in &parsed.warnings {
        eprintln!("{file}:{}: warning: {} {}", warning.line, warning.column, warning.message);
    }
    for row in &parsed.left_out {
        eprintln!("{file}:{}: left out: {} {}", row.line, row.column, row.message);
    }
    for error in &parsed.errors {
        eprintln!("{file}:{}: {} {}", error.line, error.column, error.message);
    }
    for row in &mut parsed.rows {
        row.kind = None;
    }
    let app = boot::App::open(settings, Clock::System)?;
    let directory = ops::store_import::directory(&app.cx(), &parsed.rows)?;
    let plan = diff(&directory.known, &parsed.rows);
    print!("{}", plan.table(20));
    if !parsed.left_out.is_empty() {
        println!("left out {} (named above)", parsed.left_out.len());
    }
    if !parsed.errors.is_empty() {
        eprintln!("{} rows have errors. Nothing was imported: correct them first.", parsed.errors.len());
        return Ok(ExitCode::FAILURE);
    }
    if !args.get_flag("apply") {
        println!("Nothing was written; --apply writes it.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = plan.added.len() + plan.changed.len();
    let done = ops::store_import::apply(&app.cx(), &directory, &plan, bar(rows))?;
    println!("Imported: {} added, {} changed, {} unchanged.", done.added, done.changed, plan.unchanged.len());
    if rows == 0 {
        println!("The directory says already what the file says.");
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(file: &str, kinds: &[String], defaults: &Defaults) -> Outcome<Parsed> {
    let unreadable = |e: std::io::Error| Failure::fault(format!("{file} cannot be read: {e}."));
    let lower = file.to_lowercase();
    if lower.ends_with(".pbf") {
        File::open(file).map_err(unreadable)?;
        return Ok(parse_pbf(|| File::open(file).map(std::io::BufReader::new), kinds, defaults));
    }
    if !kinds.is_empty() {
        return Err(Failure::fault("--shop goes with an .osm.pbf file only."));
    }
    let mut bytes = std::fs::read(file).map_err(unreadable)?;
    let plain = match lower.strip_suffix(".gz") {
        None => lower.as_str(),
        Some(plain) => {
            let mut unpacked = Vec::new();
            let packed = MultiGzDecoder::new(bytes.as_slice());
            packed.take(UNPACKED_MAX_BYTES + 1).read_to_end(&mut unpacked).map_err(unreadable)?;
            if unpacked.len() as u64 > UNPACKED_MAX_BYTES {
                return Err(Failure::fault(format!("{file} unpacks to more than a gigabyte.")));
            }
            bytes = unpacked;
            plain
        }
    };
    Ok(match plain.ends_with(".geojson") || plain.ends_with(".json") {
        true => parse_geojson(&bytes, defaults),
        false => parse_csv(&bytes, defaults),
    })
}

/// A bar on the error output that is written over, in a terminal only: in a log it would be noise.
fn bar(all: usize) -> impl Fn(usize) {
    const WIDTH: usize = 40;
    let terminal = std::io::stderr().is_terminal();
    move |done: usize| {
        if terminal {
            let full = WIDTH * done / all.max(1);
            let end = if done >= all { "\n" } else { "" };
            // Nobody reads it when it cannot be written.
            let _ = write!(std::io::stderr(), "\r[{:<WIDTH$}] {done} of {all}{end}", "#".repeat(full));
        }
    }
}

fn duplicates(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let all = store_duplicates::all(&app.cx())?;
    let limit = args.get_one::<u32>("limit").map_or(usize::MAX, |limit| *limit as usize);
    let shown = &all[..limit.min(all.len())];
    if args.get_flag("json") {
        println!("{}", serde_json::to_string_pretty(shown).map_err(Failure::fault)?);
        return Ok(ExitCode::SUCCESS);
    }
    for pair in shown {
        println!("{:>3}  {:>4} m  {}", pair.score, pair.distance_m, line(pair));
    }
    println!("{} probable pairs, {} shown.", all.len(), shown.len());
    if !shown.is_empty() {
        println!("Two are one? fieldproof stores merge SECOND --into FIRST");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(pair: &DuplicateView) -> String {
    let [first, second] = [&pair.first, &pair.second].map(|store| {
        let address = [store.street.as_deref(), store.housenumber.as_deref(), store.city.as_deref()];
        let address = address.into_iter().flatten().collect::<Vec<_>>().join(" ");
        format!("{}  {}:{}  {}  {address}", store.id, store.source, store.source_id, store.name)
    });
    format!("{first}\n             {second}")
}

fn merge(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    let store = StoreId::parse(&text(args, "STORE")).ok_or_else(|| Failure::fault("STORE is the id of a store."))?;
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let done = store_duplicates::merge_by_operator(&app.cx(), &store, &Merge { into: text(args, "into") })?;
    println!("Merged {} into {} ({}).", done.merged, done.into.id, done.into.name);
    if done.drafts > 0 {
        println!("{} drafts of campaigns have the kept store now.", done.drafts);
    }
    Ok(ExitCode::SUCCESS)
}
