//! `fieldproof eval photos`: how well the photo checks do on a folder of photos.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::option;
use crate::domain::refusal::{Failure, Outcome};
use crate::eval;

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
    Command::new("eval").about("Measure the checks on your own material").subcommand_required(true).subcommand(
        Command::new("photos")
            .about("Attack the photos of a folder and count what the photo checks find")
            .after_help(HELP)
            .arg(Arg::new("FOLDER").required(true).help("Photos, also in folders below it"))
            .arg(
                option("seed", "Number that all chance comes from").default_value("1").value_parser(value_parser!(u64)),
            )
            .arg(
                option("limit", "Look at a sample of so many photos, chosen by the seed")
                    .value_parser(value_parser!(u32).range(1..)),
            )
            .arg(option("pairs", "Labelled pairs of photos of one scene").value_name("FILE"))
            .arg(option("json", "Write the result as JSON").value_name("FILE"))
            .arg(option("html", "Write the result as a page for a browser").value_name("FILE")),
    )
}

pub fn run(args: &ArgMatches) -> Outcome<ExitCode> {
    let Some(("photos", args)) = args.subcommand() else { return Err(super::unknown()) };
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
