//! Turns settings into a running program, and ends it in good order. Makes the data folder and the first signing key;
//! decides nothing about missions.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::access::token::Keys;
use crate::access::vault::Vault;
use crate::checks;
use crate::checks::faces::Finder;
use crate::config::{RunJobs, Settings};
pub use crate::context::App;
use crate::context::{Core, Rules};
use crate::db::Place;
use crate::domain::payout::PayoutRules;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::sepa::{Debtor, transliterate};
use crate::domain::travel::Travel;
use crate::jobs;
use crate::ops;
use crate::ports::bank::paypal::{PayPal, Seller};
use crate::ports::bank::{Rails, TestBank};
use crate::ports::blobs::{Blobs, Bucket};
use crate::ports::clock::Clock;
use crate::ports::mail::Postman;
use crate::telemetry;
use crate::web;

impl App {
    /// Opens everything that `settings` name and brings the database to this program's schema.
    pub fn open(settings: &Settings, clock: Clock) -> Outcome<App> {
        let app = App::open_as_it_is(settings, clock)?;
        let ran = app.core.db.migrate()?;
        if !ran.is_empty() {
            tracing::info!(migrations = ran.join(", "), "schema brought up to date");
        }
        Ok(app)
    }

    /// The same without changing the schema.
    pub fn open_as_it_is(settings: &Settings, clock: Clock) -> Outcome<App> {
        make_private_folder(&settings.data)?;
        let url = settings.database_url();
        let place = Place::parse(&url).ok_or_else(|| Failure::fault("the database address cannot be read"))?;
        let faces = open_faces(settings)?;
        let rules = Rules {
            fee_bps: settings.fee_bps,
            max_reservations: settings.max_reservations,
            second_angle_percent: settings.second_angle_percent,
            verified_email_to_reserve: settings.verified_email_to_reserve,
            public_url: settings.public_url.clone(),
            mail_from: settings.mail_from.clone(),
            hide_faces: faces.is_some(),
            reserve_percent: settings.reserve_percent,
            floor_visits: settings.floor_visits,
            late_bonus_percent: settings.late_bonus_percent,
            earning_caps: settings.earning_caps.clone(),
            travel: Travel {
                walk: settings.walk_metres_per_minute,
                cycle: settings.cycle_metres_per_minute,
                drive: settings.drive_metres_per_minute,
                detour_percent: settings.detour_percent,
            },
            payouts: payout_rules(settings)?,
            tax_profile_to_pay: settings.tax_profile_to_pay,
            platform: settings.platform.clone(),
        };
        let folder = settings.keys_folder();
        let keys = load_keys(&folder, &clock)?;
        let vault = load_vault(&folder, &clock)?;
        let core = Arc::new(Core::new(&place, settings.connections, clock, keys, vault, rules)?);
        let blobs = open_blobs(settings)?;
        Ok(App {
            core,
            rails: Rails { test: TestBank::new(blobs.clone()), paypal: open_paypal(settings)? },
            blobs,
            postman: Arc::new(open_postman(settings)?),
            photo_threads: Settings::of_cores(settings.photo_threads),
            faces,
        })
    }

    /// What handlers share.
    pub fn shared(&self, rate_limit: u32) -> web::Shared {
        let limit = web::RateLimit::per_second(rate_limit);
        let shared = web::Shared::new(self.core.clone(), self.blobs.clone(), limit, telemetry::figures());
        shared.seeing(looker(self), checks::limits::limits())
    }
}

fn payout_rules(settings: &Settings) -> Outcome<PayoutRules> {
    let debtor = settings.debtor_iban.clone().map(|iban| Debtor {
        name: settings.debtor_name.clone(),
        iban,
        bic: settings.debtor_bic.clone(),
    });
    if debtor.as_ref().is_some_and(|debtor| transliterate(&debtor.name, 70).is_empty()) {
        let what = "--debtor-iban needs --debtor-name: the owner of the account, as the bank knows them.";
        return Err(Failure::fault(what));
    }
    if settings.paypal_client_id.is_some() && settings.paypal_secret.is_empty() {
        return Err(Failure::fault("--paypal-client-id needs --paypal-secret."));
    }
    Ok(PayoutRules {
        test_rail: settings.rail_test,
        debtor,
        paypal: settings.paypal_client_id.is_some(),
        bank_cost_minor: settings.bank_cost_minor,
        paypal_cost_minor: settings.paypal_cost_minor,
        voucher_cost_minor: settings.voucher_cost_minor,
        run_hour: settings.payout_run_hour,
        limit_minor: settings.payout_limit_minor,
        step_up_minor: settings.step_up_minor,
        open_max: PayoutRules::default().open_max,
    })
}

/// A second look at a stored photo, for handlers.
pub fn looker(app: &App) -> web::Looker {
    let app = app.clone();
    Arc::new(move |asked| Box::pin(jobs::relook::again(app.clone(), asked)))
}

fn open_blobs(settings: &Settings) -> Outcome<Blobs> {
    match settings.blobs.as_deref() {
        None => Blobs::folder(&settings.data.join("blobs")),
        Some(text) => match text.strip_prefix("s3://") {
            None => Blobs::folder(Path::new(text)),
            Some(name) => Blobs::bucket(&Bucket {
                endpoint: settings.s3_endpoint.clone(),
                region: settings.s3_region.clone(),
                name: name.trim_end_matches('/').to_owned(),
                access_key: settings.s3_access_key.clone(),
                secret_key: settings.s3_secret_key.clone(),
            }),
        },
    }
}

fn open_paypal(settings: &Settings) -> Outcome<Option<PayPal>> {
    let Some(client_id) = settings.paypal_client_id.clone() else { return Ok(None) };
    let seller = Seller { url: settings.paypal_url.clone(), client_id, secret: settings.paypal_secret.clone() };
    PayPal::open(seller).map(Some)
}

fn open_postman(settings: &Settings) -> Outcome<Postman> {
    match settings.mail.as_deref() {
        None => Postman::folder(&settings.data.join("mail")),
        Some(url) if url.starts_with("smtp://") || url.starts_with("smtps://") => Postman::smtp(url),
        Some(folder) => Postman::folder(Path::new(folder)),
    }
}

/// What finds faces, where the settings name a model. One that cannot be used ends the start: a platform that means to hide
/// faces never runs without.
fn open_faces(settings: &Settings) -> Outcome<Option<Arc<dyn Finder>>> {
    let Some(path) = &settings.face_model else { return Ok(None) };
    let unusable = |why: String| Failure::fault(format!("The face model {} cannot be used: {why}.", path.display()));
    let bytes = fs::read(path).map_err(|e| unusable(e.to_string()))?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found != settings.face_model_sha256 {
        let how = "if you trust this file, say so with --face-model-sha256";
        return Err(unusable(format!("its SHA-256 is {found} instead of {}; {how}", settings.face_model_sha256)));
    }
    read_faces(&bytes).map(Some).map_err(unusable)
}

#[cfg(feature = "faces")]
fn read_faces(bytes: &[u8]) -> Result<Arc<dyn Finder>, String> {
    Ok(Arc::new(crate::checks::faces::CenterFace::read(bytes)?))
}

#[cfg(not(feature = "faces"))]
fn read_faces(_: &[u8]) -> Result<Arc<dyn Finder>, String> {
    Err("this program was built without it; build it with `--features faces`".to_owned())
}

fn make_private_folder(path: &Path) -> Outcome<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| Failure::fault(format!("The folder {} cannot be made: {e}.", path.display())))
}

/// Keys that sign access tokens: every `*.pk8`.
fn load_keys(folder: &Path, clock: &Clock) -> Outcome<Keys> {
    Keys::load(&read_keys(folder, "pk8", Keys::generate, clock)?)
        .ok_or_else(|| broken_keys(folder, "are broken: one `*.pk8` is not an Ed25519 key in PKCS#8".to_owned()))
}

/// Keys that seal what people give in confidence: every `*.aes`. Without them those texts are lost.
fn load_vault(folder: &Path, clock: &Clock) -> Outcome<Vault> {
    Vault::load(&read_keys(folder, "aes", Vault::generate, clock)?)
        .ok_or_else(|| broken_keys(folder, "are broken: one `*.aes` does not hold 32 bytes".to_owned()))
}

fn broken_keys(folder: &Path, what: String) -> Failure {
    Failure::fault(format!("The keys in {} {what}.", folder.display()))
}

/// The files of the folder that end in `ending`, by name; the first start makes one. Two processes that start at once
/// agree on it.
fn read_keys(
    folder: &Path,
    ending: &str,
    generate: fn() -> Option<Vec<u8>>,
    clock: &Clock,
) -> Outcome<BTreeMap<String, Vec<u8>>> {
    make_private_folder(folder)?;
    let broken = |what: String| broken_keys(folder, what);
    let read = || -> Outcome<BTreeMap<String, Vec<u8>>> {
        let mut keys = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(|e| broken(format!("cannot be listed: {e}")))? {
            let path = entry.map_err(|e| broken(format!("cannot be listed: {e}")))?.path();
            let (Some(name), Some(end)) =
                (path.file_stem().and_then(|n| n.to_str()), path.extension().and_then(|e| e.to_str()))
            else {
                continue;
            };
            if end != ending {
                continue;
            }
            let mode = fs::metadata(&path).map_err(|e| broken(format!("cannot be read: {e}")))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(broken(format!("can be read by others: run `chmod 600 {}`", path.display())));
            }
            let bytes = fs::read(&path).map_err(|e| broken(format!("cannot be read: {e}")))?;
            keys.insert(name.to_owned(), bytes);
        }
        Ok(keys)
    };
    let keys = read()?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let fresh = generate().ok_or_else(|| broken("could not be made".to_owned()))?;
    let day = clock.now().to_string().get(..10).unwrap_or("first").to_owned();
    // Written aside and linked to its name: nobody ever reads half a key, and the first name given wins.
    let aside = folder.join(format!(".new-{}", std::process::id()));
    let _ = fs::remove_file(&aside);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| file.write_all(&fresh).and_then(|()| file.sync_all()))
        .and_then(|()| match fs::hard_link(&aside, folder.join(format!("{day}.{ending}"))) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    let _ = fs::remove_file(&aside);
    written.map_err(|e| broken(format!("cannot be written: {e}")))?;
    read()
}

/// A socket, or a sentence.
pub fn listen(settings: &Settings) -> Outcome<TcpListener> {
    let at = settings.listen;
    let socket = TcpListener::bind(at).map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::fault(format!("The address {at} is in use: stop what listens there or give --listen another one."))
        }
        std::io::ErrorKind::PermissionDenied => {
            Failure::fault(format!("The address {at} may not be used: ports below 1024 belong to root."))
        }
        _ => Failure::fault(format!("The address {at} cannot be listened on: {e}.")),
    })?;
    socket.set_nonblocking(true).map_err(Failure::fault)?;
    Ok(socket)
}

/// Runs `work` to its end on this thread, where a server can be started.
pub fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    actix_web::rt::System::new().block_on(work)
}

/// Serves until a signal comes; then answers what was begun and gives claimed jobs back.
pub fn serve(settings: &Settings) -> Outcome<()> {
    // First, so that a taken address is told at once and changes nothing.
    let socket = listen(settings)?;
    let app = App::open(settings, Clock::System)?;
    let with_jobs = match settings.run_jobs {
        RunJobs::Auto => settings.on_sqlite(),
        RunJobs::Yes => true,
        RunJobs::No => false,
    };
    actix_web::rt::System::new().block_on(run(app, settings, socket, with_jobs))
}

/// Serves `app` on `socket`, with the jobs beside it, until a signal comes.
pub async fn run(app: App, settings: &Settings, socket: TcpListener, with_jobs: bool) -> Outcome<()> {
    let address = socket.local_addr().map_err(Failure::fault)?;
    let shared = app.shared(settings.rate_limit);
    let server = web::serve(shared, socket, Settings::of_cores(settings.threads)).map_err(Failure::fault)?;
    let jobs = with_jobs.then(|| jobs::Runner::start(app.clone()));
    let board = actix_web::rt::spawn(keep_board(app.clone()));
    tracing::info!(address = address.to_string(), database = database_kind(settings), jobs = with_jobs, "serving");
    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);
    tokio::select! {
        ended = &mut serving => ended.map_err(Failure::fault)?.map_err(Failure::fault)?,
        () = signal() => {
            tracing::info!("stopping: answering what was begun");
            handle.stop(true).await;
        }
    }
    board.abort();
    if let Some(jobs) = jobs {
        jobs.stop().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// How often the board of open missions is brought up to date.
const BOARD_PAUSE: Duration = Duration::from_millis(200);

/// Keeps the board of this process current; what cannot be read now is read with the next turn.
async fn keep_board(app: App) {
    let mut failing = false;
    loop {
        let cx = app.cx();
        let done = tokio::task::spawn_blocking(move || ops::discovery::refresh(&cx)).await;
        let done = done.unwrap_or_else(|_| Err(Failure::fault("a refresh of the board panicked")));
        match &done {
            Ok(refreshed) if refreshed.built => tracing::info!(missions = refreshed.missions, "the board was read"),
            Ok(_) => {}
            Err(failure) if !failing => tracing::warn!(error = failure.to_string(), "the board grows old"),
            Err(_) => {}
        }
        failing = done.is_err();
        metrics::gauge!("fieldproof_board_missions").set(app.core.discovery.board().index().len() as f64);
        tokio::time::sleep(BOARD_PAUSE).await;
    }
}

/// Runs the jobs alone until a signal comes.
pub fn work(settings: &Settings) -> Outcome<()> {
    let app = App::open(settings, Clock::System)?;
    actix_web::rt::System::new().block_on(async move {
        let jobs = jobs::Runner::start(app);
        tracing::info!("working");
        signal().await;
        tracing::info!("stopping: giving back what was claimed");
        jobs.stop().await;
        Ok(())
    })
}

fn database_kind(settings: &Settings) -> &'static str {
    if settings.on_sqlite() { "sqlite" } else { "postgres" }
}

/// SIGTERM or SIGINT.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut end = signal(SignalKind::terminate()).expect("a signal handler can be set");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a signal handler can be set");
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
    }
}
