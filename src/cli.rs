//! The command line: one binary, its commands. Exit codes: 0 done, 1 it did not succeed, 2 the command was not understood.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use crate::boot;
use crate::config::{self, Settings, TABLE};
use crate::domain::refusal::{Failure, Outcome};
use crate::ports::clock::Clock;
use crate::telemetry;
use crate::web::routes::ROUTES;

fn command() -> Command {
    let settings = TABLE.iter().map(|line| {
        let arg = Arg::new(line.flag)
            .long(line.flag)
            .env(line.variable)
            .hide_env_values(true)
            .help(line.help)
            .value_name("VALUE")
            .global(true)
            .hide_short_help(true);
        if line.default.is_empty() { arg } else { arg.default_value(line.default) }
    });
    Command::new("fieldproof")
        .about("Backend for paid field missions with photo proof")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("`fieldproof help --help` or `fieldproof settings` lists the settings that every command takes.")
        .args(settings)
        .subcommand(Command::new("serve").about("Serve the API; on SQLite also run the jobs"))
        .subcommand(Command::new("work").about("Run the jobs alone"))
        .subcommand(Command::new("migrate").about("Bring the database to this program's schema"))
        .subcommand(Command::new("routes").about("Print every route with its operation and role"))
        .subcommand(Command::new("settings").about("Print the table of settings as Markdown"))
}

pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let settings = Settings::read(|line| matches.get_one::<String>(line.flag).cloned());
    let settings =
        match (settings, config::unknown_variable(std::env::vars_os().filter_map(|(n, _)| n.into_string().ok()))) {
            (Ok(settings), None) => settings,
            (Err(sentence), _) | (_, Some(sentence)) => {
                eprintln!("{sentence}");
                return ExitCode::from(2);
            }
        };
    match run(&matches, &settings) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{}", sentence(&failure));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, for a person at a terminal.
fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Refused(refusal) if refusal.errors.is_empty() => format!("{} {}", refusal.detail, refusal.code.help()),
        Failure::Refused(refusal) => {
            refusal.errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect::<Vec<_>>().join("\n")
        }
        Failure::Fault(text) => text.clone(),
    }
}

fn run(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    match matches.subcommand() {
        Some(("serve", _)) => {
            telemetry::start_log(settings);
            boot::serve(settings)?;
        }
        Some(("work", _)) => {
            telemetry::start_log(settings);
            boot::work(settings)?;
        }
        Some(("migrate", _)) => {
            let app = boot::App::open_as_it_is(settings, Clock::System)?;
            match app.core.db.migrate()?.as_slice() {
                [] => println!("The schema is up to date."),
                ran => println!("Ran {}.", ran.join(", ")),
            }
        }
        Some(("routes", _)) => {
            for route in ROUTES {
                println!("{:<6} {:<50} {:<28} {}", route.method, route.path, route.operation, route.role);
            }
        }
        Some(("settings", _)) => print!("{}", config::markdown()),
        _ => return Err(Failure::fault("This command is not known.")),
    }
    Ok(ExitCode::SUCCESS)
}
