//! The command line: one binary, its commands. Exit codes: 0 done, 1 it did not succeed, 2 the command was not understood.

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::boot;
use crate::config::{self, Settings, TABLE};
use crate::demo;
use crate::domain::refusal::{Failure, Outcome};
use crate::ports::clock::Clock;
use crate::telemetry;
use crate::web::routes::ROUTES;

/// Where the demonstration lives unless --data says otherwise.
const DEMO_FOLDER: &str = "./fieldproof-demo";

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
        .subcommand(
            Command::new("demo")
                .about("Play a demonstration into a folder and serve it (takes --data and --listen only)")
                .arg(Arg::new("fresh").long("fresh").action(ArgAction::SetTrue).help("Start the demonstration over")),
        )
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
        Some(("demo", asked)) => {
            let own_folder = matches.value_source("data") == Some(ValueSource::DefaultValue);
            demo::host::demo(&demo::host::Asked {
                folder: if own_folder { DEMO_FOLDER.into() } else { settings.data.clone() },
                listen: settings.listen,
                fresh: asked.get_flag("fresh"),
            })?;
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
