//! The host of the demonstration: finds or makes its folder, lets it be played, says where to look, and serves until a
//! signal comes. Letters that are written meanwhile are told with the link in them: nobody's post box is real here.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::cast::{self, Stage};
use super::folder::{self, Found, Marker};
use super::play::{self, CURL_WORKER, EVERYBODY, FARID, VIEWER};
use super::{day, script};
use crate::access::{BrandViewer, Person, Worker};
use crate::boot;
use crate::config::{LogFormat, Settings};
use crate::context::App;
use crate::db::rows::OutboxRow;
use crate::db::{audit, outbox, users};
use crate::domain::ids::{CampaignId, MissionId};
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::time::At;
use crate::jobs;
use crate::ops::missions::Search;
use crate::ops::{auth, campaigns, missions};
use crate::ports::clock::Clock;
use crate::telemetry;

/// What `fieldproof demo` was told.
#[derive(Clone, Debug)]
pub struct Asked {
    pub folder: PathBuf,
    pub listen: SocketAddr,
    /// Start over.
    pub fresh: bool,
    /// Requests a second for each caller; zero sets no limit.
    pub rate_limit: u32,
}

/// Plays what has not been played, and serves.
pub fn demo(asked: &Asked) -> Outcome<()> {
    let settings = Settings {
        listen: asked.listen,
        log: LogFormat::Pretty,
        log_level: "warn".to_owned(),
        rate_limit: asked.rate_limit,
        ..Settings::in_folder(&asked.folder)
    };
    // First, so that a taken address is told at once and changes nothing.
    let socket = boot::listen(&settings)?;
    let _taken = folder::take(&asked.folder)?;
    let settings = Settings { public_url: address(&socket)?, ..settings };
    telemetry::start_log(&settings);
    boot::block_on(host(asked, &settings, socket))
}

/// Where a browser on this machine finds it.
fn address(socket: &TcpListener) -> Outcome<String> {
    let at = socket.local_addr().map_err(Failure::fault)?;
    let host = if at.ip().is_unspecified() { "127.0.0.1".to_owned() } else { at.ip().to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(format!("http://{host}:{}", at.port()))
}

async fn host(asked: &Asked, settings: &Settings, socket: TcpListener) -> Outcome<()> {
    let app = open(settings, asked.fresh, &mut |line| println!("{line}")).await?;
    println!("{}", summary(&app, &settings.public_url, &asked.folder)?);
    let postbox = tokio::spawn(tell_letters(app.clone()));
    let served = boot::run(app, settings, socket, true).await;
    postbox.abort();
    served
}

/// The demonstration in the folder of `settings`, played to its end: now, unless it was played before.
pub async fn open(settings: &Settings, fresh: bool, tell: &mut dyn FnMut(&str)) -> Outcome<App> {
    let shown = settings.data.display();
    match folder::prepare(&settings.data, fresh)? {
        Found::Played(marker) => {
            tell(&format!("Going on with the demonstration in {shown}; --fresh starts it over."));
            return reopen(settings, marker);
        }
        Found::HalfPlayed => tell(&format!("The demonstration in {shown} was stopped half way: it starts over.")),
        Found::Removed => tell(&format!("The demonstration in {shown} was removed: it starts over.")),
        Found::Nothing => {}
    }
    let system = Clock::System.now();
    let first = day::first(system);
    let offset = day::at(first, 8, 30).micros() - system.micros();
    folder::mark(&settings.data, Marker { played: false, clock_offset_us: offset })?;
    let app = App::open(settings, Clock::shifted(offset))?;
    tell(&format!("Playing three days from {first} into {shown}:"));
    play::play(&app, first, tell).await?;
    tell(&verified(&app).await?);
    note_played(&app, &settings.data)?;
    Ok(app)
}

/// A demonstration that was played before, at a working hour not before anything that happened in it.
fn reopen(settings: &Settings, marker: Marker) -> Outcome<App> {
    let system = Clock::System.now();
    let app = App::open(settings, Clock::shifted(marker.clock_offset_us))?;
    let newest = app.core.db.read(audit::last_at)?.or_missing("demonstration")?;
    let wish = At::from_micros(system.micros() + marker.clock_offset_us);
    let now = day::resume(newest, wish);
    app.core.clock.advance_secs(now.secs_since(app.now()));
    note_played(&app, &settings.data)?;
    Ok(app)
}

/// The result of looking at every invariant and at every photo's bytes.
async fn verified(app: &App) -> Outcome<String> {
    let all = jobs::verify::verify(app, false).await?;
    let broken = all.iter().filter(|invariant| !invariant.holds()).count();
    match broken {
        0 => Ok(format!("  verify: all {} invariants hold", all.len())),
        _ => Err(Failure::fault(format!(
            "{broken} invariants do not hold after the play:\n{}",
            jobs::verify::table(&all)
        ))),
    }
}

fn note_played(app: &App, folder: &Path) -> Outcome<()> {
    let clock_offset_us = app.now().micros() - Clock::System.now().micros();
    folder::mark(folder, Marker { played: true, clock_offset_us })
}

// What is told

fn sign_in(url: &str, email: &str) -> String {
    format!(
        "curl -s {url}/v1/auth/token -H 'Content-Type: application/json' \\\n    \
         -d '{{\"email\":\"{email}\",\"password\":\"{}\",\"device\":\"curl\"}}' | \
         sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'",
        cast::PASSWORD
    )
}

/// The address, the sign-ins, four lines to paste, and where to look further.
pub fn summary(app: &App, url: &str, folder: &Path) -> Outcome<String> {
    let stage = Stage::new(app);
    let local = app.now().timestamp().to_zoned(jiff::tz::TimeZone::get(day::ZONE).map_err(Failure::fault)?);
    let logins: String = EVERYBODY.iter().map(|p| format!("    {:<20} {:<15} {}\n", p.email, p.name, p.does)).collect();
    let mission = reservable(&stage)?;
    let campaign = campaign(&stage)?;
    // The key belongs to the mission: pasted twice it reserves once.
    let key = format!("demo-reserve-{}", mission.as_str().chars().rev().take(12).collect::<String>());
    let (lat, lon) = script::CENTRE;
    let verification = verification_link(&stage, url)?;
    let verification =
        verification.map(|link| format!("  Farid has not verified his e-mail address; his link:\n    {link}\n\n"));
    Ok(format!(
        "\nFieldproof's demonstration is at {url}  (its clock shows {})\n\n\
         Everybody's password is {}\n\n{logins}\n  \
         Sign in, look around, reserve a mission, read the brand's report (paste them in this order):\n\n\
         TOKEN=$({})\n\n\
         curl -s -w '\\n' -H \"Authorization: Bearer $TOKEN\" '{url}/v1/missions?lat={lat}&lon={lon}&radius_m=3000&limit=5'\n\n\
         curl -s -w '\\n' -X POST -H \"Authorization: Bearer $TOKEN\" -H 'Idempotency-Key: {key}' \\\n    \
         {url}/v1/missions/{mission}/reservations\n\n\
         curl -s -w '\\n' -H \"Authorization: Bearer $({})\" \\\n    {url}/v1/brand/campaigns/{campaign}/report\n\n\
         {}  Every operation, to try in the browser: {url}/docs\n  \
         Letters are in {}; their links are shown here as they are written.\n  \
         Stores (c) OpenStreetMap contributors, ODbL. People and brands are invented. Ctrl-C ends it.\n",
        local.strftime("%A %-d %B %Y, %H:%M"),
        cast::PASSWORD,
        sign_in(url, CURL_WORKER.email),
        sign_in(url, VIEWER.email),
        verification.unwrap_or_default(),
        folder.join("mail").display(),
    ))
}

/// A mission that the worker of the printed lines can reserve at this moment, near and not shut.
fn reservable(stage: &Stage) -> Outcome<MissionId> {
    let worker: Worker = stage.as_(CURL_WORKER.email)?;
    let search = Search { lat: script::CENTRE.0, lon: script::CENTRE.1, radius_m: Some(20_000), ..Search::default() };
    crate::ops::discovery::refresh(&stage.cx())?;
    let near = missions::list_missions(&stage.cx(), &worker, &search, None, 100)?.items;
    let free = near.into_iter().find(|near| near.slots_free > 0 && near.mission.store.open_now != Some(false));
    Ok(free.or_missing("mission that is free any more: --fresh starts the demonstration over")?.mission.id)
}

/// The campaign of the reference round.
fn campaign(stage: &Stage) -> Outcome<CampaignId> {
    let viewer: BrandViewer = stage.as_(VIEWER.email)?;
    let all = campaigns::list_campaigns(&stage.cx(), &viewer, None, None, 10)?.items;
    all.into_iter().map(|line| line.id).min().or_missing("campaign")
}

/// A fresh link for the worker who never opened his first letter; `None` once he has.
fn verification_link(stage: &Stage, url: &str) -> Outcome<Option<String>> {
    let user = stage.app.core.db.read(|c| users::any_by_email(c, FARID.email))?.or_missing("worker")?;
    if user.email_verified_at.is_some() {
        return Ok(None);
    }
    auth::request_verification(&stage.cx(), &stage.as_::<Person>(FARID.email)?, &stage.once())?;
    Ok(Some(format!("{url}/verify-email?token={}", stage.link_token(FARID.email)?)))
}

/// Tells each new letter that has a link in it.
async fn tell_letters(app: App) {
    let mut last = match newest_letter(&app) {
        Ok(last) => last,
        Err(failure) => return tracing::warn!(error = failure.to_string(), "letters are not told"),
    };
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let letters = app.core.db.read(|c| outbox::any_letters(c, last.as_ref().map(|l: &OutboxRow| &l.id), 50));
        for letter in letters.unwrap_or_default() {
            if let Some(line) = letter_line(&letter) {
                println!("{line}");
            }
            last = Some(letter);
        }
    }
}

fn newest_letter(app: &App) -> Outcome<Option<OutboxRow>> {
    Ok(app.core.db.read(|c| outbox::any_letters(c, None, 100_000))?.pop())
}

/// The letter's link, for the terminal.
fn letter_line(letter: &OutboxRow) -> Option<String> {
    let text = letter.body.0.get("text")?.as_str()?;
    let link = text.split_whitespace().find(|word| word.contains("token="))?;
    Some(format!("  letter to {}: {link}", letter.address))
}
