//! Every setting of the program in one table: flag, variable, default, help and how its text is read. The command line,
//! the environment and the README are made from it. A flag wins over its variable, a variable over the default.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::domain::money::{Currency, Money};
use crate::domain::papers::Platform;
use crate::domain::store::is_country;
use crate::domain::tax_number;

/// What one process was told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub data: PathBuf,
    /// `sqlite:PATH` or `postgres://..`; `None` is `fieldproof.db` in the data folder.
    pub database: Option<String>,
    pub connections: u32,
    /// A folder or `s3://bucket`; `None` is `blobs` in the data folder.
    pub blobs: Option<String>,
    pub s3_endpoint: Option<String>,
    pub s3_region: String,
    pub s3_access_key: String,
    pub s3_secret_key: String,
    pub keys: Option<PathBuf>,
    pub listen: SocketAddr,
    pub public_url: String,
    pub log: LogFormat,
    pub log_level: String,
    pub threads: usize,
    pub photo_threads: usize,
    pub rate_limit: u32,
    pub fee_bps: i64,
    pub reserve_percent: i64,
    pub floor_visits: i64,
    pub late_bonus_percent: i64,
    pub earning_caps: Vec<Money>,
    pub max_reservations: i64,
    pub second_angle_percent: i64,
    pub walk_metres_per_minute: i64,
    pub cycle_metres_per_minute: i64,
    pub drive_metres_per_minute: i64,
    pub detour_percent: i64,
    pub verified_email_to_reserve: bool,
    /// A folder or `smtp(s)://..`; `None` is `mail` in the data folder.
    pub mail: Option<String>,
    pub mail_from: String,
    pub run_jobs: RunJobs,
    pub face_model: Option<PathBuf>,
    pub face_model_sha256: String,
    pub rail_test: bool,
    pub debtor_name: String,
    pub debtor_iban: Option<String>,
    pub debtor_bic: Option<String>,
    pub bank_cost_minor: i64,
    pub paypal_cost_minor: i64,
    pub voucher_cost_minor: i64,
    pub payout_run_hour: i8,
    pub payout_limit_minor: i64,
    pub step_up_minor: i64,
    pub paypal_url: String,
    pub paypal_client_id: Option<String>,
    pub paypal_secret: String,
    pub tax_profile_to_pay: bool,
    pub platform: Platform,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    Json,
    Pretty,
}

/// Whether `serve` runs the jobs too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunJobs {
    /// On SQLite, which takes one process.
    Auto,
    Yes,
    No,
}

/// One line of the table.
pub struct Setting {
    /// Long flag without the dashes.
    pub flag: &'static str,
    pub variable: &'static str,
    /// Empty where the default hangs on another setting or there is none.
    pub default: &'static str,
    pub help: &'static str,
    set: fn(&mut Settings, &str) -> Result<(), String>,
}

fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(text: &str, least: T, most: T) -> Result<T, String> {
    match text.parse::<T>() {
        Ok(n) if n >= least && n <= most => Ok(n),
        _ => Err(format!("takes a whole number from {least} to {most}")),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|t| !t.is_empty())
}

fn yes_no(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("takes true or false".to_owned()),
    }
}

/// Whole amounts of several currencies, `EUR 500, CHF 500`.
fn caps(text: &str) -> Result<Vec<Money>, String> {
    let wrong = || "takes whole amounts such as `EUR 500, CHF 500`, one a currency".to_owned();
    let mut caps: Vec<Money> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (code, amount) = part.split_once(' ').ok_or_else(wrong)?;
        let currency = Currency::parse(code).ok_or_else(wrong)?;
        let whole: i64 = amount.trim().parse().ok().filter(|n| (1..=1_000_000_000).contains(n)).ok_or_else(wrong)?;
        if caps.iter().any(|cap| cap.currency == currency) {
            return Err(wrong());
        }
        caps.push(Money::new(whole * 10_i64.pow(currency.exponent()), currency));
    }
    Ok(caps)
}

macro_rules! table {
    ($($flag:literal $variable:literal $default:literal $help:literal $set:expr;)+) => {
        pub const TABLE: &[Setting] =
            &[$(Setting { flag: $flag, variable: $variable, default: $default, help: $help, set: $set }),+];
    };
}

table! {
    "data" "FIELDPROOF_DATA" "./fieldproof-data"
        "Folder for everything that is not put elsewhere by the settings below; made when it is missing."
        |s, t| { s.data = t.into(); Ok(()) };
    "database" "FIELDPROOF_DATABASE" ""
        "`sqlite:PATH` or `postgres://user:password@host/name`; without it `fieldproof.db` in the data folder."
        |s, t| match t {
            "" => { s.database = None; Ok(()) }
            _ if ["sqlite:", "postgres://", "postgresql://"].iter().any(|p| t.len() > p.len() && t.starts_with(p)) => {
                s.database = Some(t.to_owned());
                Ok(())
            }
            _ => Err("takes sqlite:PATH or postgres://..".to_owned()),
        };
    "connections" "FIELDPROOF_CONNECTIONS" "8"
        "Connections to PostgreSQL, or readers of the SQLite file."
        |s, t| { s.connections = number(t, 1, 1000)?; Ok(()) };
    "blobs" "FIELDPROOF_BLOBS" ""
        "Where photos are kept: a folder, or `s3://bucket`; without it `blobs` in the data folder."
        |s, t| { s.blobs = some(t); Ok(()) };
    "s3-endpoint" "FIELDPROOF_S3_ENDPOINT" ""
        "Address of an S3-compatible server; without it Amazon's."
        |s, t| { s.s3_endpoint = some(t); Ok(()) };
    "s3-region" "FIELDPROOF_S3_REGION" "us-east-1"
        "Region of the bucket."
        |s, t| { s.s3_region = t.to_owned(); Ok(()) };
    "s3-access-key" "FIELDPROOF_S3_ACCESS_KEY" ""
        "Access key of the bucket."
        |s, t| { s.s3_access_key = t.to_owned(); Ok(()) };
    "s3-secret-key" "FIELDPROOF_S3_SECRET_KEY" ""
        "Secret key of the bucket; better given as the variable than as the flag."
        |s, t| { s.s3_secret_key = t.to_owned(); Ok(()) };
    "keys" "FIELDPROOF_KEYS" ""
        "Folder of the keys: `*.pk8` sign access tokens, `*.aes` seal account and tax numbers and gift codes (the last by name is used); without it `keys` in the data folder. Keep a copy: what was sealed opens with them only."
        |s, t| { s.keys = some(t).map(PathBuf::from); Ok(()) };
    "listen" "FIELDPROOF_LISTEN" "127.0.0.1:8080"
        "Address and port to serve on."
        |s, t| { s.listen = t.parse().map_err(|_| "takes an address and a port such as 0.0.0.0:8080".to_owned())?; Ok(()) };
    "public-url" "FIELDPROOF_PUBLIC_URL" "http://127.0.0.1:8080"
        "Address that links in e-mails point to."
        |s, t| {
            if !t.starts_with("http://") && !t.starts_with("https://") {
                return Err("takes an http:// or https:// address".to_owned());
            }
            s.public_url = t.trim_end_matches('/').to_owned();
            Ok(())
        };
    "log" "FIELDPROOF_LOG" "json"
        "`json`, one object a line, or `pretty` for reading along."
        |s, t| {
            s.log = match t {
                "json" => LogFormat::Json,
                "pretty" => LogFormat::Pretty,
                _ => return Err("takes json or pretty".to_owned()),
            };
            Ok(())
        };
    "log-level" "FIELDPROOF_LOG_LEVEL" "info"
        "`error`, `warn`, `info`, `debug` or `trace`."
        |s, t| match t {
            "error" | "warn" | "info" | "debug" | "trace" => { s.log_level = t.to_owned(); Ok(()) }
            _ => Err("takes error, warn, info, debug or trace".to_owned()),
        };
    "threads" "FIELDPROOF_THREADS" "0"
        "Threads that answer requests; 0 is one for each core."
        |s, t| { s.threads = number(t, 0, 256)?; Ok(()) };
    "photo-threads" "FIELDPROOF_PHOTO_THREADS" "0"
        "Photos that are looked at side by side; 0 is one for each core."
        |s, t| { s.photo_threads = number(t, 0, 256)?; Ok(()) };
    "rate-limit" "FIELDPROOF_RATE_LIMIT" "50"
        "Requests a second that one caller may send to one process; 0 sets no limit."
        |s, t| { s.rate_limit = number(t, 0, 1_000_000)?; Ok(()) };
    "fee-bps" "FIELDPROOF_FEE_BPS" "2000"
        "The platform's fee on every payment to a worker, in hundredths of a percent; new campaigns take it over."
        |s, t| { s.fee_bps = number(t, 0, 10_000)?; Ok(()) };
    "reserve-percent" "FIELDPROOF_RESERVE_PERCENT" "0"
        "Share of a campaign's rewards that publishing keeps for the pay floor, in percent, where its brand says nothing else."
        |s, t| { s.reserve_percent = number(t, 0, 100)?; Ok(()) };
    "floor-visits" "FIELDPROOF_FLOOR_VISITS" "10"
        "Visits of a campaign after which the pay floor is looked at again, with the time they really took."
        |s, t| { s.floor_visits = number(t, 5, 1000)?; Ok(()) };
    "late-bonus-percent" "FIELDPROOF_LATE_BONUS_PERCENT" "0"
        "What the platform adds, of its own money, for having been late: percent of what an appeal raised, or of an overdue payout."
        |s, t| { s.late_bonus_percent = number(t, 0, 100)?; Ok(()) };
    "earning-caps" "FIELDPROOF_EARNING_CAPS" ""
        "The most that a worker may earn in a calendar year, such as `EUR 500, CHF 500`; without it there is no limit."
        |s, t| { s.earning_caps = caps(t)?; Ok(()) };
    "max-reservations" "FIELDPROOF_MAX_RESERVATIONS" "5"
        "Live reservations that one worker may hold."
        |s, t| { s.max_reservations = number(t, 1, 1000)?; Ok(()) };
    "second-angle-percent" "FIELDPROOF_SECOND_ANGLE_PERCENT" "5"
        "Share of visits that are asked for a second photo of a shelf from a step to the side, in percent."
        |s, t| { s.second_angle_percent = number(t, 0, 100)?; Ok(()) };
    "walk-metres-per-minute" "FIELDPROOF_WALK_METRES_PER_MINUTE" "80"
        "Speed of a worker on foot, for the time and pay of the way to a store."
        |s, t| { s.walk_metres_per_minute = number(t, 10, 1000)?; Ok(()) };
    "cycle-metres-per-minute" "FIELDPROOF_CYCLE_METRES_PER_MINUTE" "220"
        "Speed of a worker on a bicycle."
        |s, t| { s.cycle_metres_per_minute = number(t, 10, 1000)?; Ok(()) };
    "drive-metres-per-minute" "FIELDPROOF_DRIVE_METRES_PER_MINUTE" "450"
        "Speed of a worker in a car, parking included."
        |s, t| { s.drive_metres_per_minute = number(t, 10, 3000)?; Ok(()) };
    "detour-percent" "FIELDPROOF_DETOUR_PERCENT" "130"
        "Length of a way in percent of the straight line."
        |s, t| { s.detour_percent = number(t, 100, 500)?; Ok(()) };
    "verified-email-to-reserve" "FIELDPROOF_VERIFIED_EMAIL_TO_RESERVE" "true"
        "Whether a worker must open the link in the first e-mail before reserving: `true` or `false`."
        |s, t| { s.verified_email_to_reserve = yes_no(t)?; Ok(()) };
    "mail" "FIELDPROOF_MAIL" ""
        "Where e-mails go: a folder, or `smtp://user:password@host:port` or `smtps://..`; without it `mail` in the data folder."
        |s, t| { s.mail = some(t); Ok(()) };
    "mail-from" "FIELDPROOF_MAIL_FROM" "Fieldproof <no-reply@fieldproof.invalid>"
        "Sender of e-mails."
        |s, t| { s.mail_from = t.to_owned(); Ok(()) };
    "run-jobs" "FIELDPROOF_RUN_JOBS" "auto"
        "Whether `serve` also runs the jobs: `auto` (on SQLite), `true` or `false`; `work` runs them alone."
        |s, t| {
            s.run_jobs = match t {
                "auto" => RunJobs::Auto,
                "true" => RunJobs::Yes,
                "false" => RunJobs::No,
                _ => return Err("takes auto, true or false".to_owned()),
            };
            Ok(())
        };
    "face-model" "FIELDPROOF_FACE_MODEL" ""
        "ONNX file that finds faces; with it faces are hidden in what brands see, without it they are not."
        |s, t| { s.face_model = some(t).map(PathBuf::from); Ok(()) };
    "face-model-sha256" "FIELDPROOF_FACE_MODEL_SHA256" "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
        "SHA-256 of that file: the one that was measured, unless you say which other you trust."
        |s, t| {
            if t.len() != 64 || !t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                return Err("takes 64 hexadecimal digits, lower case".to_owned());
            }
            s.face_model_sha256 = t.to_owned();
            Ok(())
        };
    "rail-test" "FIELDPROOF_RAIL_TEST" "false"
        "Whether payouts may go to the built-in test bank, which moves no money: `true` or `false`. For trying out."
        |s, t| { s.rail_test = yes_no(t)?; Ok(()) };
    "debtor-name" "FIELDPROOF_DEBTOR_NAME" ""
        "Owner of the account that bank transfers to workers leave from."
        |s, t| { s.debtor_name = t.to_owned(); Ok(()) };
    "debtor-iban" "FIELDPROOF_DEBTOR_IBAN" ""
        "IBAN of that account; without it workers are not paid by bank transfer."
        |s, t| {
            s.debtor_iban = match some(t) {
                None => None,
                Some(text) => Some(crate::domain::account::read_iban(&text).ok_or("takes an IBAN without mistakes")?),
            };
            Ok(())
        };
    "debtor-bic" "FIELDPROOF_DEBTOR_BIC" ""
        "BIC of that account's bank, where it asks for one."
        |s, t| {
            s.debtor_bic = match some(t) {
                None => None,
                Some(text) => Some(crate::domain::account::read_bic(&text).ok_or("takes a BIC of 8 or 11 characters")?),
            };
            Ok(())
        };
    "bank-cost-minor" "FIELDPROOF_BANK_COST_MINOR" "0"
        "What one bank transfer really costs, in cents or centimes: shown to the worker, who bears it."
        |s, t| { s.bank_cost_minor = number(t, 0, 10_000)?; Ok(()) };
    "paypal-cost-minor" "FIELDPROOF_PAYPAL_COST_MINOR" "0"
        "The same for one PayPal payout."
        |s, t| { s.paypal_cost_minor = number(t, 0, 10_000)?; Ok(()) };
    "voucher-cost-minor" "FIELDPROOF_VOUCHER_COST_MINOR" "0"
        "The same for one gift code."
        |s, t| { s.voucher_cost_minor = number(t, 0, 10_000)?; Ok(()) };
    "payout-run-hour" "FIELDPROOF_PAYOUT_RUN_HOUR" "5"
        "Hour of the day, UTC, of the daily run that pays workers who chose to be paid without asking."
        |s, t| { s.payout_run_hour = number(t, 0, 23)?; Ok(()) };
    "payout-limit-minor" "FIELDPROOF_PAYOUT_LIMIT_MINOR" "50000"
        "A single payout above it, in cents or centimes, is a doubt of its batch."
        |s, t| { s.payout_limit_minor = number(t, 1, 1_000_000_000)?; Ok(()) };
    "step-up-minor" "FIELDPROOF_STEP_UP_MINOR" "100000"
        "A batch above it, in cents or centimes, or one with doubts, is approved with a one-time code."
        |s, t| { s.step_up_minor = number(t, 0, 1_000_000_000_000)?; Ok(()) };
    "paypal-url" "FIELDPROOF_PAYPAL_URL" "https://api-m.paypal.com"
        "Address of PayPal's API; `https://api-m.sandbox.paypal.com` is for trying out."
        |s, t| {
            if !t.starts_with("https://") && !is_loopback(t) {
                return Err("takes an https:// address: the secret is sent there (http:// only to this machine)".to_owned());
            }
            s.paypal_url = t.trim_end_matches('/').to_owned();
            Ok(())
        };
    "paypal-client-id" "FIELDPROOF_PAYPAL_CLIENT_ID" ""
        "Client id of the PayPal account that pays; without it workers are not paid by PayPal."
        |s, t| { s.paypal_client_id = some(t); Ok(()) };
    "paypal-secret" "FIELDPROOF_PAYPAL_SECRET" ""
        "Its secret; better given as the variable than as the flag."
        |s, t| { s.paypal_secret = t.to_owned(); Ok(()) };
    "tax-profile-to-pay" "FIELDPROOF_TAX_PROFILE_TO_PAY" "true"
        "Whether payouts wait until the worker has given what the law asks platforms for (DAC7): `true` or `false`."
        |s, t| { s.tax_profile_to_pay = yes_no(t)?; Ok(()) };
    "platform-name" "FIELDPROOF_PLATFORM_NAME" "Fieldproof"
        "Legal name of who runs the platform, for notices, invoices and the yearly report."
        |s, t| { s.platform.name = t.to_owned(); Ok(()) };
    "platform-address" "FIELDPROOF_PLATFORM_ADDRESS" ""
        "Its street, postcode and city on one line."
        |s, t| { s.platform.address = t.to_owned(); Ok(()) };
    "platform-country" "FIELDPROOF_PLATFORM_COUNTRY" ""
        "Country where it is resident for tax and reports, such as `FR`."
        |s, t| {
            if !t.is_empty() && !is_country(t) {
                return Err("takes an ISO 3166 code of two capital letters".to_owned());
            }
            s.platform.country = t.to_owned();
            Ok(())
        };
    "platform-tax-number" "FIELDPROOF_PLATFORM_TAX_NUMBER" ""
        "Its tax number there, in France the SIREN."
        |s, t| { s.platform.tax_number = tax_number::normal(t); Ok(()) };
    "platform-vat-number" "FIELDPROOF_PLATFORM_VAT_NUMBER" ""
        "Its VAT number."
        |s, t| { s.platform.vat_number = some(&tax_number::normal(t)); Ok(()) };
}

/// Variables of the test tools, which the program does not read.
const FOREIGN: &str = "FIELDPROOF_TEST_";

impl Default for Settings {
    fn default() -> Settings {
        Settings::read(|_| None).expect("the table's own defaults are in its bounds")
    }
}

impl Settings {
    /// `given` answers the text that was given for a line of the table. Errors are one sentence.
    pub fn read(given: impl Fn(&Setting) -> Option<String>) -> Result<Settings, String> {
        let mut settings = Settings {
            data: PathBuf::new(),
            database: None,
            connections: 0,
            blobs: None,
            s3_endpoint: None,
            s3_region: String::new(),
            s3_access_key: String::new(),
            s3_secret_key: String::new(),
            keys: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: String::new(),
            log: LogFormat::Json,
            log_level: String::new(),
            threads: 0,
            photo_threads: 0,
            rate_limit: 0,
            fee_bps: 0,
            reserve_percent: 0,
            floor_visits: 0,
            late_bonus_percent: 0,
            earning_caps: Vec::new(),
            max_reservations: 0,
            second_angle_percent: 0,
            walk_metres_per_minute: 0,
            cycle_metres_per_minute: 0,
            drive_metres_per_minute: 0,
            detour_percent: 0,
            verified_email_to_reserve: true,
            mail: None,
            mail_from: String::new(),
            run_jobs: RunJobs::Auto,
            face_model: None,
            face_model_sha256: String::new(),
            rail_test: false,
            debtor_name: String::new(),
            debtor_iban: None,
            debtor_bic: None,
            bank_cost_minor: 0,
            paypal_cost_minor: 0,
            voucher_cost_minor: 0,
            payout_run_hour: 0,
            payout_limit_minor: 0,
            step_up_minor: 0,
            paypal_url: String::new(),
            paypal_client_id: None,
            paypal_secret: String::new(),
            tax_profile_to_pay: true,
            platform: Platform::default(),
        };
        for line in TABLE {
            let text = given(line).unwrap_or_else(|| line.default.to_owned());
            (line.set)(&mut settings, text.trim())
                .map_err(|why| format!("--{} ({}) {why}; it was given '{text}'.", line.flag, line.variable))?;
        }
        Ok(settings)
    }

    /// The same with everything in one folder, paying to the test bank; for tests and the demonstration.
    pub fn in_folder(data: impl Into<PathBuf>) -> Settings {
        Settings { data: data.into(), rail_test: true, ..Settings::default() }
    }

    /// The database's address.
    pub fn database_url(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite:{}", self.data.join("fieldproof.db").display()))
    }

    pub fn on_sqlite(&self) -> bool {
        self.database_url().starts_with("sqlite:")
    }

    pub fn keys_folder(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| self.data.join("keys"))
    }

    /// A number of threads, where 0 asks for one each core.
    pub fn of_cores(asked: usize) -> usize {
        match asked {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}

/// A sentence about a variable that looks like a setting and is none: most often a misspelt one.
pub fn unknown_variable(names: impl Iterator<Item = String>) -> Option<String> {
    let known = |name: &str| name.starts_with(FOREIGN) || TABLE.iter().any(|line| line.variable == name);
    let name = names.into_iter().find(|name| name.starts_with("FIELDPROOF_") && !known(name))?;
    Some(format!("The variable {name} is not a setting; `fieldproof settings` lists them."))
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = String::from("| flag | variable | default | meaning |\n|---|---|---|---|\n");
    for line in TABLE {
        let default = if line.default.is_empty() { String::new() } else { format!("`{}`", line.default) };
        text.push_str(&format!("| `--{}` | `{}` | {default} | {} |\n", line.flag, line.variable, line.help));
    }
    text
}

/// A plain http address of this machine.
fn is_loopback(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.rsplit_once(':').filter(|(name, _)| !name.ends_with(':')).unwrap_or((host, "80"));
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_own_flag_and_variable() {
        for line in TABLE {
            assert_eq!(line.variable, format!("FIELDPROOF_{}", line.flag.to_uppercase().replace('-', "_")));
            assert!(line.help.ends_with('.'), "{}", line.flag);
        }
        assert_eq!(Settings::default().database_url(), "sqlite:./fieldproof-data/fieldproof.db");
        assert_eq!(markdown().lines().count(), TABLE.len() + 2);
    }

    #[test]
    fn a_wrong_value_is_refused_in_one_sentence() {
        let wrong = Settings::read(|line| (line.flag == "fee-bps").then(|| "-1".to_owned()));
        assert_eq!(
            wrong.err().as_deref(),
            Some("--fee-bps (FIELDPROOF_FEE_BPS) takes a whole number from 0 to 10000; it was given '-1'.")
        );
        assert!(Settings::read(|line| (line.flag == "database").then(|| "mysql://x".to_owned())).is_err());
    }

    #[test]
    fn caps_are_whole_amounts_one_a_currency() {
        assert_eq!(caps(""), Ok(Vec::new()));
        assert_eq!(caps("EUR 500, JPY 70000").map(|c| c.iter().map(|m| m.minor).collect()), Ok(vec![50_000, 70_000]));
        for wrong in ["500", "EUR", "EUR 5.50", "EUR 0", "EUR 1, EUR 2", "XXQ 1"] {
            assert!(caps(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_secret_of_paypal_leaves_this_machine_encrypted_only() {
        let read = |url: &str| Settings::read(|line| (line.flag == "paypal-url").then(|| url.to_owned()));
        for url in ["https://api-m.paypal.com", "http://127.0.0.1:8099/", "http://localhost", "http://[::1]:80"] {
            assert!(read(url).is_ok(), "{url}");
        }
        for url in [
            "http://api-m.paypal.com",
            "http://127.0.0.1.example.org",
            "http://127.0.0.1:80@example.org",
            "http://localhost@example.org/",
            "http://localhost:80:80",
            "ftp://localhost",
            "",
        ] {
            assert!(read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_misspelt_variable_is_named() {
        let names = ["PATH", "FIELDPROOF_DATA", "FIELDPROOF_TEST_POSTGRES", "FIELDPROOF_LISTN"];
        let told = unknown_variable(names.into_iter().map(str::to_owned));
        assert!(told.is_some_and(|text| text.contains("FIELDPROOF_LISTN")));
    }
}
