//! An SQLite file for each test, copied from a template that is migrated once for all test processes.
//! A template exists under its final name only when it is complete: it is made aside and renamed.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::scratch::{shared, unique};

/// The template for this fingerprint of the migrations; made by `migrate(path)` if no test process made it before.
/// Two processes may both make it: they make the same, and the last rename wins.
pub fn template(fingerprint: &str, migrate: impl FnOnce(&Path)) -> PathBuf {
    let path = shared().join(format!("template_{fingerprint}.sqlite"));
    if path.exists() {
        return path;
    }
    std::fs::create_dir_all(shared()).expect("cargo's directory for tests can be made");
    let aside = shared().join(unique("template"));
    let _ = std::fs::remove_file(&aside);
    migrate(&aside);
    // Everything must be in the one file that is copied: nothing left in a write-ahead log.
    let mut conn = SqliteConnection::establish(aside.to_str().expect("the path is UTF-8")).expect("the template opens");
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").expect("the template can be flushed");
    drop(conn);
    assert!(!with_suffix(&aside, "-wal").exists(), "`migrate` left a connection open");
    std::fs::rename(&aside, &path).expect("the template can take its name");
    path
}

/// Copies a template to `path` and gives it back as the URL that a connection takes.
pub fn copy(template: &Path, path: &Path) -> String {
    std::fs::copy(template, path).expect("the template can be copied");
    path.to_str().expect("the path is UTF-8").to_owned()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
