//! The databases of the tests: one template for all processes, made once; one copy for each test, which no other
//! test can see.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::support::scratch::{Scratch, unique};
use crate::support::{fingerprint, pg, sqlite};

const SCHEMA: &str = "CREATE TABLE notes (id BIGINT PRIMARY KEY); INSERT INTO notes VALUES (1);";

/// A fingerprint of this test only, so that its template is made in this test.
fn own_fingerprint() -> String {
    fingerprint([unique("databases"), format!("{:?}", std::time::SystemTime::now())])
}

fn count<C>(conn: &mut C) -> i64
where
    C: diesel::connection::LoadConnection,
    diesel::expression::SqlLiteral<BigInt>: diesel::query_dsl::methods::LoadQuery<'static, C, i64>,
{
    diesel::dsl::sql::<BigInt>("SELECT COUNT(*) FROM notes").get_result(conn).unwrap()
}

#[test]
fn a_fingerprint_tells_where_one_file_ends() {
    assert_eq!(fingerprint(["ab", "c"]).len(), 16);
    assert_eq!(fingerprint(["ab", "c"]), fingerprint(["ab", "c"]));
    assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
}

#[test]
fn an_sqlite_template_is_made_once_and_its_copies_are_apart() {
    let print = own_fingerprint();
    let made = AtomicU32::new(0);
    let template = || {
        sqlite::template(&print, |path| {
            made.fetch_add(1, Ordering::Relaxed);
            let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            conn.batch_execute(&format!("PRAGMA journal_mode = WAL; {SCHEMA}")).unwrap();
        })
    };
    let dir = Scratch::new();
    let mut one = SqliteConnection::establish(&sqlite::copy(&template(), &dir.join("one"))).unwrap();
    let mut two = SqliteConnection::establish(&sqlite::copy(&template(), &dir.join("two"))).unwrap();
    one.batch_execute("INSERT INTO notes VALUES (2)").unwrap();
    assert_eq!((count(&mut one), count(&mut two)), (2, 1));
    assert_eq!(made.load(Ordering::Relaxed), 1);
    std::fs::remove_file(template()).unwrap();
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn a_postgres_template_is_made_once_though_many_ask_at_a_time_and_its_copies_are_apart() {
    let print = own_fingerprint();
    let made = AtomicU32::new(0);
    let one_test = || {
        let template = pg::template(&print, |url| {
            made.fetch_add(1, Ordering::Relaxed);
            PgConnection::establish(url).unwrap().batch_execute(SCHEMA).unwrap();
        });
        let database = pg::Database::cloned(&template);
        let mut conn = PgConnection::establish(&database.url).unwrap();
        conn.batch_execute("INSERT INTO notes VALUES (2)").unwrap();
        count(&mut conn)
    };
    std::thread::scope(|scope| {
        let tests: Vec<_> = (0..8).map(|_| scope.spawn(one_test)).collect();
        for test in tests {
            assert_eq!(test.join().unwrap(), 2);
        }
    });
    assert_eq!(made.load(Ordering::Relaxed), 1);
    forget(&print);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn a_half_made_postgres_template_is_made_again() {
    let print = own_fingerprint();
    let failed = std::panic::catch_unwind(|| {
        pg::template(&print, |url| {
            PgConnection::establish(url).unwrap().batch_execute(SCHEMA).unwrap();
            panic!("a migration fails");
        })
    });
    assert!(failed.is_err());
    let template = pg::template(&print, |url| {
        PgConnection::establish(url).unwrap().batch_execute(SCHEMA).unwrap();
    });
    let database = pg::Database::cloned(&template);
    assert_eq!(count(&mut PgConnection::establish(&database.url).unwrap()), 1);
    forget(&print);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn a_dropped_postgres_database_is_gone_with_its_connections() {
    let name = unique("fieldproof_gone");
    let url = pg::create_database(&name, None);
    let mut conn = PgConnection::establish(&url).unwrap();
    pg::drop_database(&name);
    assert!(conn.batch_execute("SELECT 1").is_err());
    assert!(PgConnection::establish(&url).is_err());
}

/// Takes the template of `own_fingerprint` away again: a server that developers keep running does not fill up.
fn forget(print: &str) {
    let name = format!("fieldproof_template_{print}");
    PgConnection::establish(&pg::server())
        .unwrap()
        .batch_execute(&format!("ALTER DATABASE {name} WITH IS_TEMPLATE false"))
        .unwrap();
    pg::drop_database(&name);
}
