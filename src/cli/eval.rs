//! `fieldproof eval photos` and `eval tracks`: how well the checks do on a folder of photos, and of tracks.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::option;
use crate::domain::refusal::{Failure, Outcome};
use crate::eval::{self, tracks};

const HELP: &str = "\
The photos are attacked in every way of the published targets (copies, crops, screenshots, blur, light, edited time and
place, hostile files), the checks look at the results, and a table says what was found, with 95% intervals and targets.
The same photos, seed and rules give the same table.

Pairs of photos that show one scene are labelled in a tab-separated file: --pairs, else pairs.tsv or near_duplicates.tsv
in the folder. Its head line names the columns file_a, file_b and relation; others are ignored; paths are relative to the
file or to the folder above it. The relation `copy`, or one that begins with `same-picture`, means one picture in two
files; every other one means two honest photos (`reshot`, `other-view`, ..), which must not be called copies.
Exit codes: 0 measured, 1 something cannot be read or written, 2 not understood. Missed targets do not change it.";

pub fn command() -> Command {
    Command::new("eval")
        .about("Measure the checks on your own material")
        .subcommand_required(true)
        .subcommand(
            Command::new("photos")
                .about("Attack the photos of a folder and count what the photo checks find")
                .after_help(HELP)
                .arg(Arg::new("FOLDER").required(true).help("Photos, also in folders below it"))
                .arg(
                    option("seed", "Number that all chance comes from")
                        .default_value("1")
                        .value_parser(value_parser!(u64)),
                )
                .arg(
                    option("limit", "Look at a sample of so many photos, chosen by the seed")
                        .value_parser(value_parser!(u32).range(1..)),
                )
                .arg(option("pairs", "Labelled pairs of photos of one scene").value_name("FILE"))
                .arg(option("json", "Write the result as JSON").value_name("FILE"))
                .arg(option("html", "Write the result as a page for a browser").value_name("FILE")),
        )
        .subcommand(
            Command::new("tracks")
                .about("Make up positions in many ways from the tracks of a folder and count what is doubted")
                .after_help(TRACKS_HELP)
                .arg(Arg::new("FOLDER").required(true).help("GPX, CSV, NMEA and GNSS logger files, also gzipped"))
                .arg(
                    option("seed", "Number that all chance comes from")
                        .default_value("1")
                        .value_parser(value_parser!(u64)),
                )
                .arg(
                    option("half", "`test`, or `choose`: the files that the limits were chosen on")
                        .default_value("test")
                        .value_parser(["test", "choose"]),
                )
                .arg(
                    option("each", "Made-up visits of each kind")
                        .default_value("400")
                        .value_parser(value_parser!(u32).range(1..)),
                )
                .arg(option("json", "Write the result as JSON").value_name("FILE")),
        )
}

const TRACKS_HELP: &str = "\
Honest visits are cut from the tracks and walked through stores with a receiver's errors; made-up ones are built in ten
and more ways, from a position that never moves to a fresh walk with true noise, which nothing can tell. The table says how
many of each carry a doubt, with 95% intervals; no machine refuses any. The same files, seed and rules give the same table.
Exit codes: 0 measured, 1 something cannot be read or written, 2 not understood. Missed targets do not change it.";

fn run_tracks(args: &ArgMatches) -> Outcome<ExitCode> {
    let path = |name: &str| args.get_one::<String>(name).map(PathBuf::from);
    let choose = args.get_one::<String>("half").is_some_and(|half| half == "choose");
    let half = if choose { tracks::Half::Choose } else { tracks::Half::Test };
    let seed = args.get_one::<u64>("seed").copied().unwrap_or(1);
    let each = args.get_one::<u32>("each").map_or(tracks::EACH, |n| *n as usize);
    let done = tracks::tracks(&path("FOLDER").unwrap_or_default(), seed, half, each).map_err(Failure::fault)?;
    if let Some(file) = path("json") {
        std::fs::write(&file, format!("{:#}\n", done.json()))
            .map_err(|e| Failure::fault(format!("{} cannot be written: {e}.", file.display())))?;
    }
    print!("{}", done.table());
    Ok(ExitCode::SUCCESS)
}

pub fn run(args: &ArgMatches) -> Outcome<ExitCode> {
    let args = match args.subcommand() {
        Some(("photos", args)) => args,
        Some(("tracks", args)) => return run_tracks(args),
        _ => return Err(super::unknown()),
    };
    let path = |name: &str| args.get_one::<String>(name).map(PathBuf::from);
    let asked = eval::Asked {
        folder: path("FOLDER").unwrap_or_default(),
        pairs: path("pairs"),
        seed: args.get_one::<u64>("seed").copied().unwrap_or(1),
        limit: args.get_one::<u32>("limit").map(|n| *n as usize),
        threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let done = eval::photos(&asked, &super::progress()).map_err(Failure::fault)?;
    let write = |name: &str, text: String| match path(name) {
        Some(file) => std::fs::write(&file, text)
            .map_err(|e| Failure::fault(format!("{} cannot be written: {e}.", file.display()))),
        None => Ok(()),
    };
    write("json", format!("{:#}\n", done.json()))?;
    write("html", done.html())?;
    print!("{}", done.table());
    Ok(ExitCode::SUCCESS)
}
