//! `fieldproof dac7`: writes the yearly report of the platform. Exits 1 when a worker who belongs in it had to be left out.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use super::option;
use crate::config::Settings;
use crate::domain::event::Actor;
use crate::domain::refusal::{Failure, Outcome};
use crate::ports::clock::Clock;
use crate::{boot, ops};

pub(super) fn command() -> Command {
    Command::new("dac7")
        .about("Write the yearly report on workers (DAC7) as XML; exits 1 when a worker had to be left out")
        .arg(
            option("year", "The year that is reported")
                .required(true)
                .value_parser(clap::value_parser!(i16).range(2000..3000)),
        )
        .arg(option("out", "File to write; it holds tax numbers, so nobody else may read it").required(true))
}

pub(super) fn run(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    let year = *args.get_one::<i16>("year").expect("required");
    let out = args.get_one::<String>("out").expect("required");
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let report = ops::dac7::make_report(&app.cx(), &Actor::Operator, year)?;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(out)
        .and_then(|mut file| {
            // A file that was there keeps its mode when it is opened.
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            file.write_all(report.xml.as_bytes())
        })
        .map_err(|e| Failure::fault(format!("The file {out} cannot be written: {e}.")))?;
    let view = &report.view;
    println!("{year}: {} sellers in {out}, {} live outside the Union.", view.sellers.len(), view.outside.len());
    for left in &view.left_out {
        eprintln!("Left out: {} ({}).", left.worker_id, left.reasons.join(", "));
    }
    Ok(if view.left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
