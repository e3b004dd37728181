//! The command line: one binary, its commands. Exit codes: 0 done, 1 it did not succeed, 2 the command was not understood.

mod check;
mod dac7;
mod eval;
mod sheet;
mod stores;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::checks::faces::Picture;
use crate::config::{self, Settings, TABLE};
use crate::domain::finding::Language;
use crate::domain::grade;
use crate::domain::ids::SubmissionId;
use crate::domain::ledger::book;
use crate::domain::refusal::{Code, Failure, Outcome};
use crate::domain::time::At;
use crate::domain::user::StaffRole;
use crate::ports::clock::Clock;
use crate::web::routes::ROUTES;
use crate::{boot, demo, jobs, ops, telemetry};

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
        .after_help("`fieldproof settings` lists the settings that every command takes.")
        .args(settings)
        .subcommand(Command::new("serve").about("Serve the API; on SQLite also run the jobs"))
        .subcommand(Command::new("work").about("Run the jobs alone"))
        .subcommand(Command::new("migrate").about("Bring the database to this program's schema"))
        .subcommand(
            Command::new("demo")
                .about("Play a demonstration into a folder and serve it (takes --data, --listen and --rate-limit only)")
                .arg(flag("fresh", "Start the demonstration over")),
        )
        .subcommand(
            Command::new("verify")
                .about("Check every invariant; exits 1 when one is broken")
                .arg(flag("quick", "Compare the length of stored photos only, not their bytes"))
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(Command::new("doctor").about("Look whether everything this program needs is there"))
        .subcommand(
            Command::new("admin").about("People of the platform").subcommand_required(true).subcommand(
                Command::new("create")
                    .about("Create a member of staff; the password is read or made up and printed once")
                    .arg(option("email", "E-mail address to sign in with").required(true))
                    .arg(option("role", "reviewer, finance or admin").required(true))
                    .arg(option("name", "Name that colleagues see").default_value("Staff"))
                    .arg(flag("password-stdin", "Read the password from the standard input")),
            ),
        )
        .subcommand(stores::command())
        .subcommand(check::command())
        .subcommand(dac7::command())
        .subcommand(eval::command())
        .subcommand(
            Command::new("grades")
                .about("Print what the evidence grades mean")
                .arg(option("language", "en, fr or nl").default_value("en").value_parser(["en", "fr", "nl"])),
        )
        .subcommand(
            Command::new("recheck")
                .about(
                    "Look at kept photos again under the rules of today: what would change, and write it with --apply",
                )
                .arg(option("since", "Only visits received since then, such as 2026-11-01T00:00:00Z"))
                .arg(option("after", "Go on after this submission, as the last run said"))
                .arg(option("limit", "At most so many visits").value_parser(clap::value_parser!(u32)))
                .arg(flag("all", "Also photos that were looked at under the rules of today"))
                .arg(flag("apply", "Write it for visits that nobody has decided; decisions are never changed"))
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(
            Command::new("safeguard")
                .about("Compare clients' money in the books with what the bank held; exits 1 on a difference")
                .arg(option("day", "Such as 2026-03-10, UTC; without it the last day whose books are closed"))
                .arg(flag("json", "Print JSON")),
        )
        .subcommand(Command::new("chart").about("Print the chart of accounts and what each event does to them"))
        .subcommand(Command::new("routes").about("Print every route with its operation and role"))
        .subcommand(Command::new("settings").about("Print the table of settings as Markdown"))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn option(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).value_name("VALUE")
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
        // The help of "busy" speaks of headers.
        Failure::Refused(refusal) if refusal.code == Code::Busy => refusal.detail.clone(),
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
                rate_limit: settings.rate_limit,
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
        Some(("verify", args)) => return verify(settings, args.get_flag("quick"), args.get_flag("json")),
        Some(("doctor", _)) => return doctor(settings),
        Some(("admin", args)) => match args.subcommand() {
            Some(("create", args)) => create_staff(settings, args)?,
            _ => return Err(unknown()),
        },
        Some(("stores", args)) => return stores::run(settings, args),
        Some(("check", args)) => return check::run(args),
        Some(("dac7", args)) => return dac7::run(settings, args),
        Some(("eval", args)) => return eval::run(args),
        Some(("grades", args)) => {
            let language = args.get_one::<String>("language").and_then(|l| Language::parse(l)).unwrap_or_default();
            print!("{}", grade::table(language));
        }
        Some(("recheck", args)) => recheck(settings, args)?,
        Some(("safeguard", args)) => return safeguard(settings, args),
        Some(("chart", _)) => print!("{}", book::table()),
        Some(("routes", _)) => {
            for route in ROUTES {
                println!("{:<6} {:<50} {:<28} {}", route.method, route.path, route.operation, route.role);
            }
        }
        Some(("settings", _)) => print!("{}", config::markdown()),
        _ => return Err(unknown()),
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown() -> Failure {
    Failure::fault("This command is not known.")
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::fault)
}

fn verify(settings: &Settings, quick: bool, json: bool) -> Outcome<ExitCode> {
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let all = runtime()?.block_on(jobs::verify::verify(&app, quick))?;
    let broken: Vec<&str> = all.iter().filter(|one| !one.holds()).map(|one| one.id.as_str()).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&all).map_err(Failure::fault)?);
    } else {
        print!("{}", jobs::verify::table(&all));
        let (waiting, since) = ops::verify::seal_lag(&app.cx())?;
        match since {
            None => println!("The audit chain is complete."),
            Some(at) => println!("{waiting} audit rows wait to be chained, the oldest since {at}."),
        }
    }
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("Broken: {}.", broken.join(", "));
    Ok(ExitCode::FAILURE)
}

fn safeguard(settings: &Settings, args: &ArgMatches) -> Outcome<ExitCode> {
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let report = ops::statements::any_safeguarding(&app.cx(), args.get_one::<String>("day").map(String::as_str))?;
    if args.get_flag("json") {
        println!("{}", serde_json::to_string_pretty(&report).map_err(Failure::fault)?);
    } else {
        print!("{}", report.table());
    }
    Ok(if report.matches { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn create_staff(settings: &Settings, args: &ArgMatches) -> Outcome<()> {
    let text = |name: &str| args.get_one::<String>(name).cloned().unwrap_or_default();
    let role =
        StaffRole::parse(&text("role")).ok_or_else(|| Failure::fault("--role takes reviewer, finance or admin."))?;
    let app = boot::App::open(settings, Clock::System)?;
    let given = args.get_flag("password-stdin");
    let secret = if given {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|e| Failure::fault(format!("The password cannot be read: {e}.")))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        app.core.dice.secret()
    };
    let id = ops::auth::create_staff(&app.cx(), &text("email"), &text("name"), role, &secret)?;
    println!("Created {role} {} ({id}).", text("email"));
    if !given {
        println!("Password, shown only now: {secret}");
    }
    Ok(())
}

/// Says on the error output how far a long work has come: one line that is written over in a terminal, else a line for
/// every tenth.
fn progress() -> impl Fn(&str, usize, usize) + Sync {
    let terminal = std::io::stderr().is_terminal();
    move |what: &str, done: usize, all: usize| {
        let tenth = |n: usize| n * 10 / all.max(1);
        if terminal {
            let end = if done == all { "\n" } else { "" };
            // Nobody reads it when it cannot be written.
            let _ = write!(std::io::stderr(), "\r{what}: {done} of {all}{end}");
        } else if tenth(done) > tenth(done - 1) {
            eprintln!("{what}: {done} of {all}");
        }
    }
}

/// Nothing is written without --apply; killed, it is run again.
fn recheck(settings: &Settings, args: &ArgMatches) -> Outcome<()> {
    let text = |name: &str| args.get_one::<String>(name);
    let since = text("since").map(|time| {
        let sentence = "--since takes a time such as 2026-11-01T00:00:00Z.";
        At::parse(time).ok_or_else(|| Failure::fault(sentence))
    });
    let after = text("after")
        .map(|id| SubmissionId::parse(id).ok_or_else(|| Failure::fault("--after takes the id of a submission.")));
    let asked = jobs::recheck::Asked {
        since: since.transpose()?,
        after: after.transpose()?,
        limit: args.get_one::<u32>("limit").and_then(|limit| usize::try_from(*limit).ok()),
        all: args.get_flag("all"),
        apply: args.get_flag("apply"),
    };
    let app = boot::App::open_as_it_is(settings, Clock::System)?;
    ops::meta::get_ready(&app.cx())?;
    let told = |visits: u64, last: &SubmissionId| eprintln!("{visits} visits, up to {last}");
    let found = runtime()?.block_on(jobs::recheck::run(&app, &asked, told))?;
    if args.get_flag("json") {
        println!("{}", serde_json::to_string_pretty(&found).map_err(Failure::fault)?);
    } else {
        print!("{}", found.table(20));
    }
    Ok(())
}

/// One line for each thing that must be there; nothing is changed but the folders and keys that a first start makes.
fn doctor(settings: &Settings) -> Outcome<ExitCode> {
    let mut well = true;
    let mut line = |name: &str, result: Result<String, String>| {
        let (mark, text) = match result {
            Ok(text) => ("ok  ", text),
            Err(text) => {
                well = false;
                ("FAIL", text)
            }
        };
        println!("{mark}  {name:<10} {text}");
    };
    let said = |failure: Failure| sentence(&failure);
    let app = match boot::App::open_as_it_is(settings, Clock::System) {
        Ok(app) => app,
        Err(failure) => {
            line("start", Err(said(failure)));
            return Ok(ExitCode::FAILURE);
        }
    };
    let place = if settings.on_sqlite() { settings.database_url() } else { "PostgreSQL".to_owned() };
    line("data", Ok(settings.data.display().to_string()));
    line("keys", Ok(settings.keys_folder().display().to_string()));
    let ready = ops::meta::get_ready(&app.cx());
    line("database", ready.map(|()| format!("{place}, schema up to date")).map_err(said));
    let key = format!("doctor/{}", app.core.dice.trace_id());
    let stored = runtime()?.block_on(async {
        app.blobs.put(&key, b"doctor".to_vec()).await?;
        let back = app.blobs.get(&key).await?;
        app.blobs.delete(&key).await?;
        Ok::<_, Failure>(back)
    });
    line(
        "photos",
        match stored {
            Ok(Some(bytes)) if bytes.as_ref() == b"doctor" => Ok("written, read and removed a test object".to_owned()),
            Ok(_) => Err("what was written cannot be read back".to_owned()),
            Err(failure) => Err(said(failure)),
        },
    );
    let mail = match settings.mail.as_deref() {
        Some(url) if url.starts_with("smtp") => "an SMTP server; not tried",
        _ => "a folder: nobody receives anything until --mail names an SMTP server",
    };
    line("mail", Ok(mail.to_owned()));
    line(
        "faces",
        match &app.faces {
            Some(finder) => {
                let grey = Picture::new(640, 480, 1, vec![128; 640 * 480]).expect("it fills its size");
                finder.find(&grey).map(|_| "hidden in what brands see; the model runs".to_owned())
            }
            None if cfg!(feature = "faces") => Ok("not hidden from brands: --face-model names no model".to_owned()),
            None => Ok("not hidden from brands: this program was built without the feature `faces`".to_owned()),
        },
    );
    let listen = boot::listen(settings).map(|_| format!("{} is free", settings.listen));
    line("listen", Ok(listen.unwrap_or_else(said)));
    if settings.public_url.starts_with("http://127.0.0.1") {
        line("links", Ok("links in e-mails point to this machine: set --public-url".to_owned()));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
