//! A PostgreSQL database for each test, cloned from a template that is migrated once for all test processes.
//! The server is the one in `FIELDPROOF_TEST_POSTGRES` (the URL of its maintenance database, rights to create
//! databases); a test that asks for one without it fails, so such tests are marked "ignored" and run by `tests/run`.
//! A template is finished exactly when it is marked as one, and nobody may connect to it afterwards.
//! A test that kills PostgreSQL starts a `Cluster` of its own.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text};

use super::scratch::unique;

/// URL of the maintenance database.
pub fn server() -> String {
    std::env::var("FIELDPROOF_TEST_POSTGRES").expect(
        "FIELDPROOF_TEST_POSTGRES is not set; run tests/run, or start a server with `tests/postgres start DIR` and set it",
    )
}

fn maintenance() -> PgConnection {
    let mut conn = PgConnection::establish(&server()).expect("the test PostgreSQL answers");
    conn.batch_execute("SET client_min_messages = warning").expect("a setting is accepted");
    conn
}

fn url_of(name: &str) -> String {
    let server = server();
    let (rest, query) = server.split_once('?').map_or((server.as_str(), None), |(rest, query)| (rest, Some(query)));
    let (root, _) = rest.rsplit_once('/').expect("FIELDPROOF_TEST_POSTGRES ends with /database");
    query.map_or(format!("{root}/{name}"), |query| format!("{root}/{name}?{query}"))
}

/// Names go into statements as they are.
fn plain(name: &str) -> &str {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(!name.is_empty() && name.len() <= 63 && name.chars().all(good), "not a plain database name: {name}");
    name
}

/// Creates a database, empty or as a copy of `template`; gives its URL.
pub fn create_database(name: &str, template: Option<&str>) -> String {
    create_in(&mut maintenance(), name, template);
    url_of(name)
}

fn create_in(conn: &mut PgConnection, name: &str, template: Option<&str>) {
    let template = plain(template.unwrap_or("template0"));
    let name = plain(name);
    // Copying files is twice as fast as copying through the log, where the server knows how to choose (15 and later).
    let number = sql::<Integer>("SELECT current_setting('server_version_num')::int").get_result::<i32>(conn);
    let strategy = if number.expect("the server tells its version") >= 150_000 { "STRATEGY file_copy" } else { "" };
    conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"))
        .unwrap_or_else(|e| panic!("database {name} from {template}: {e}"));
}

/// Drops a database with whoever is still connected to it; one that does not exist is fine.
pub fn drop_database(name: &str) {
    drop_in(&mut maintenance(), name).unwrap_or_else(|e| panic!("drop database {name}: {e}"));
}

fn drop_in(conn: &mut PgConnection, name: &str) -> QueryResult<()> {
    conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", plain(name)))
}

/// The template for this fingerprint of the migrations; made by `migrate(url)` if no test process made it before.
/// Gives its name, for `create_database` and `Database::cloned`.
pub fn template(fingerprint: &str, migrate: impl FnOnce(&str)) -> String {
    let name = format!("fieldproof_template_{fingerprint}");
    let mut conn = maintenance();
    if is_finished(&mut conn, &name) {
        return name;
    }
    let key = i64::from_str_radix(&fingerprint[..15.min(fingerprint.len())], 16).expect("a fingerprint is hexadecimal");
    // Held until the connection closes, so also let go when `migrate` panics.
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(key).execute(&mut conn).expect("the lock comes");
    if !is_finished(&mut conn, &name) {
        drop_in(&mut conn, &name).expect("a half-made template can be dropped");
        create_in(&mut conn, &name, None);
        migrate(&url_of(&name));
        conn.batch_execute(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true"))
            .expect("the template can be marked");
    }
    name
}

fn is_finished(conn: &mut PgConnection, name: &str) -> bool {
    diesel::select(
        sql::<Bool>("EXISTS (SELECT 1 FROM pg_database WHERE datistemplate AND datname = ")
            .bind::<Text, _>(plain(name))
            .sql(")"),
    )
    .get_result(conn)
    .expect("the catalogue can be read")
}

/// A database of one test; dropped with it.
pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    /// A copy of a template made by `template`.
    pub fn cloned(template: &str) -> Database {
        let name = unique("fieldproof_test");
        let mut conn = maintenance();
        // A killed process may have left one behind under a process id that is now ours.
        drop_in(&mut conn, &name).expect("a leftover database can be dropped");
        create_in(&mut conn, &name, Some(template));
        Database { url: url_of(&name), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Never panics: a test that failed must show its own message.
        if let Ok(mut conn) = PgConnection::establish(&server()) {
            let _ = drop_in(&mut conn, &self.name);
        }
    }
}

/// A server of one test, which keeps what it acknowledged when it is killed.
pub struct Cluster {
    dir: PathBuf,
    pub url: String,
    /// Stops it when this process is killed; in a group of its own, it is not killed along.
    guard: Child,
}

impl Cluster {
    pub fn start() -> Cluster {
        let dir = std::env::temp_dir().join(unique("fieldproof_cluster"));
        let mut guard = script("guard", &dir);
        guard.arg(std::process::id().to_string()).process_group(0);
        guard.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = guard.spawn().expect("tests/postgres runs");
        let url = told(script("start", &dir).arg("durable"));
        Cluster { dir, url, guard }
    }

    /// SIGKILL.
    pub fn crash(&self) {
        told(&mut script("crash", &self.dir));
    }

    /// Starts it again after a crash, where it was.
    pub fn resume(&self) {
        told(&mut script("resume", &self.dir));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Never panics: a test that failed must show its own message.
        let _ = script("stop", &self.dir).status();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn script(verb: &str, dir: &Path) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres"));
    command.arg(verb).arg(dir);
    command
}

fn told(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output().expect("tests/postgres runs");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
