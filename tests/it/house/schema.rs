//! The two migrations describe the same schema: the same tables, columns and unique rules, and both can go down and up.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use fieldproof::db::{Conn, Place, migrate};

use crate::support::scratch::Scratch;
use crate::support::world::{Engine, fresh_database};

#[derive(QueryableByName, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

const SQLITE: &str = "SELECT m.name AS table_name, p.name AS column_name, upper(p.type) AS kind,
        (p.\"notnull\" OR p.pk > 0) AS required
    FROM sqlite_master m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '__diesel%'";
const POSTGRES: &str = "SELECT table_name::text, column_name::text,
        CASE data_type WHEN 'timestamp without time zone' THEN 'TIMESTAMP' ELSE upper(data_type) END AS kind,
        is_nullable = 'NO' AS required
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'";

fn columns(conn: &mut Conn) -> BTreeSet<Column> {
    let rows: Vec<Column> = match conn {
        Conn::Lite(lite) => diesel::sql_query(SQLITE).load(lite).unwrap(),
        Conn::Pg(pg) => diesel::sql_query(POSTGRES).load(pg).unwrap(),
    };
    rows.into_iter().map(|row| Column { kind: row.kind.replace("INTEGER", "BIGINT"), ..row }).collect()
}

#[derive(QueryableByName, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
}

fn indexes(conn: &mut Conn) -> BTreeSet<Index> {
    let rows: Vec<Index> = match conn {
        Conn::Lite(lite) => diesel::sql_query(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'",
        )
        .load(lite)
        .unwrap(),
        Conn::Pg(pg) => diesel::sql_query(
            "SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = 'public'
                AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'",
        )
        .load(pg)
        .unwrap(),
    };
    rows.into_iter().collect()
}

fn down_and_up(place: &Place) -> BTreeSet<Column> {
    let mut conn = Conn::open(place, false).unwrap();
    let before = columns(&mut conn);
    migrate::revert_all(&mut conn).unwrap();
    assert!(columns(&mut conn).is_empty(), "tables are left after going down");
    migrate::run(&mut conn).unwrap();
    assert_eq!(columns(&mut conn), before);
    before
}

#[test]
fn sqlite_goes_down_and_up() {
    let scratch = Scratch::new();
    let (place, _database) = fresh_database(Engine::Sqlite, &scratch);
    assert!(down_and_up(&place).len() > 300);
}

#[test]
#[ignore = "needs PostgreSQL: tests/run"]
fn both_engines_have_the_same_schema() {
    let scratch = Scratch::new();
    let (lite, _file) = fresh_database(Engine::Sqlite, &scratch);
    let (pg, _database) = fresh_database(Engine::Postgres, &scratch);
    assert_eq!(down_and_up(&lite), down_and_up(&pg));
    let (mut lite, mut pg) = (Conn::open(&lite, false).unwrap(), Conn::open(&pg, false).unwrap());
    assert_eq!(indexes(&mut lite), indexes(&mut pg));
}
