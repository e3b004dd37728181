//! The invariants as queries that find what breaks them. Reads only, on both engines; each takes one look at committed
//! rows. I12 needs the photo store and is checked by `jobs::verify` from the rows listed here.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::audit::{GENESIS, chain_hash};
use super::conn::Conn;
use super::rows::{EventRow, EventSealRow};
use super::schema::{event_seals, events, evidence, idempotency_keys, unsealed_events};
use crate::domain::ids::{EventId, EvidenceId};
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::reservation::{ReservationMove, ReservationState};
use crate::domain::submission::{SubmissionMove, SubmissionState};
use crate::domain::time::At;

/// One row, or pair of rows, that breaks an invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub what: String,
    /// Id of the row, or the name of the thing.
    pub id: String,
}

type Found = Outcome<Vec<Violation>>;

/// One invariant.
pub struct Invariant {
    pub id: &'static str,
    pub sentence: &'static str,
    pub check: fn(&mut Conn) -> Found,
}

/// I01 to I21, in order; I12 looks at the rows only, its bytes are looked at elsewhere.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { id: "I01", sentence: "every transfer moves one amount of one currency", check: i01_transfers },
    Invariant { id: "I02", sentence: "amounts are whole minor units", check: i02_amounts },
    Invariant { id: "I03", sentence: "ledger, event and audit rows cannot be changed", check: i03_triggers },
    Invariant { id: "I04", sentence: "each balance is the sum of its transfers", check: i04_balances },
    Invariant { id: "I05", sentence: "no guarded balance is negative", check: i05_negative },
    Invariant { id: "I06", sentence: "what came in is what is held, owed, paid and returned", check: i06_conservation },
    Invariant { id: "I07", sentence: "approved work is paid once, other work is not", check: i07_earnings },
    Invariant { id: "I08", sentence: "a payout settles once, by one confirmation", check: i08_payouts },
    Invariant { id: "I09", sentence: "slots given and done never exceed a mission", check: i09_slots },
    Invariant { id: "I10", sentence: "a mission holds what it may still cost", check: i10_escrow },
    Invariant { id: "I11", sentence: "what was answered stays true", check: i11_answers },
    Invariant { id: "I12", sentence: "every photo has its bytes", check: i12_photo_rows },
    Invariant { id: "I13", sentence: "histories follow the state machines", check: i13_histories },
    Invariant { id: "I14", sentence: "the audit chain has no gap", check: i14_chain },
    Invariant { id: "I15", sentence: "every message is delivered or being tried", check: i15_outbox },
    Invariant { id: "I16", sentence: "no row of a brand hangs on another brand's", check: i16_tenants },
    Invariant { id: "I17", sentence: "an expired reservation frees its slot once", check: i17_expiries },
    Invariant { id: "I18", sentence: "whoever is refused has a name and a reason", check: i18_reasons },
    Invariant { id: "I19", sentence: "an idempotency key has one caller and route", check: i19_keys },
    Invariant { id: "I20", sentence: "positions that were dropped are gone", check: i20_positions },
    Invariant { id: "I21", sentence: "invoices have no gap and are what was paid", check: i21_papers },
];

/// Examples of one query.
const EXAMPLES: i64 = 1000;

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct OneNumber {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Runs a query whose only column is `id`; every row breaks the rule that `what` tells.
fn rows(conn: &mut Conn, what: &str, sql: &str) -> Found {
    let sql = format!("{sql} LIMIT {EXAMPLES}");
    let found: Vec<OneText> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    Ok(found.into_iter().map(|row| Violation { what: what.to_owned(), id: row.id }).collect())
}

/// Runs several queries and puts their findings together.
fn all(conn: &mut Conn, queries: &[(&str, &str)]) -> Found {
    let mut found = Vec::new();
    for (what, sql) in queries {
        found.extend(rows(conn, what, sql)?);
    }
    Ok(found)
}

fn number(conn: &mut Conn, sql: &str) -> Outcome<i64> {
    let found: Vec<OneNumber> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
    Ok(found.first().map_or(0, |row| row.n))
}

/// All checks in one view of the database: nothing that is committed meanwhile is seen by half of them.
pub fn run(conn: &mut Conn, mut each: impl FnMut(&Invariant, Vec<Violation>)) -> Outcome<()> {
    let begin = match conn {
        Conn::Pg(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Conn::Lite(_) => "BEGIN",
    };
    conn.run(begin)?;
    let mut ended = Ok(());
    for invariant in INVARIANTS {
        match (invariant.check)(conn) {
            Ok(found) => each(invariant, found),
            Err(failure) => {
                ended = Err(Failure::fault(format!("{}: {failure}", invariant.id)));
                break;
            }
        }
    }
    conn.run("ROLLBACK")?;
    ended
}

fn i01_transfers(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a transfer between accounts of different currencies",
                "SELECT t.id AS id FROM transfers t JOIN accounts d ON d.id = t.debit_account JOIN accounts c ON c.id = \
                 t.credit_account WHERE t.currency <> d.currency OR t.currency <> c.currency",
            ),
            ("a transfer from an account to itself", "SELECT id FROM transfers WHERE debit_account = credit_account"),
            (
                "a transfer without its journal or accounts",
                "SELECT t.id AS id FROM transfers t LEFT JOIN journals j ON j.id = t.journal_id LEFT JOIN accounts d ON \
                 d.id = t.debit_account LEFT JOIN accounts c ON c.id = t.credit_account \
                 WHERE j.id IS NULL OR d.id IS NULL OR c.id IS NULL",
            ),
        ],
    )
}

/// Columns that hold money.
const AMOUNTS: &[(&str, &str)] = &[
    ("accounts", "balance_minor"),
    ("campaigns", "reward_minor"),
    ("campaigns", "attempt_fee_minor"),
    ("missions", "reward_minor"),
    ("missions", "attempt_fee_minor"),
    ("decisions", "pay_minor"),
    ("earnings", "amount_minor"),
    ("transfers", "amount_minor"),
    ("payouts", "amount_minor"),
    ("bonuses", "amount_minor"),
    ("bank_balances", "balance_minor"),
    ("payouts", "cost_minor"),
    ("payout_batches", "total_minor"),
    ("gift_codes", "amount_minor"),
    ("selfbilling_documents", "amount_minor"),
];

fn i02_amounts(conn: &mut Conn) -> Found {
    let mut found = Vec::new();
    for (table, column) in AMOUNTS {
        let what = format!("{table}.{column} is not a whole number");
        let sql = match conn {
            Conn::Lite(_) => format!("SELECT CAST(id AS TEXT) AS id FROM {table} WHERE typeof({column}) <> 'integer'"),
            Conn::Pg(_) => format!(
                "SELECT CAST(data_type AS TEXT) AS id FROM information_schema.columns WHERE table_schema = \
                 current_schema() AND table_name = '{table}' AND column_name = '{column}' AND data_type <> 'bigint'"
            ),
        };
        found.extend(rows(conn, &what, &sql)?);
    }
    found.extend(rows(conn, "a transfer of nothing or less", "SELECT id FROM transfers WHERE amount_minor <= 0")?);
    Ok(found)
}

/// Tables whose rows are only ever added.
pub const APPEND_ONLY: &[&str] = &[
    "sanctions",
    "questionnaire_versions",
    "position_fixes",
    "revisions",
    "assessments",
    "decisions",
    "decision_items",
    "earnings",
    "journals",
    "transfers",
    "confirmations",
    "bonuses",
    "reversals",
    "bank_balances",
    "late_returns",
    "payment_notices",
    "selfbilling_agreements",
    "selfbilling_documents",
    "erasures",
    "events",
    "event_seals",
];

fn i03_triggers(conn: &mut Conn) -> Found {
    let (sql, kinds) = match conn {
        Conn::Lite(_) => ("SELECT name AS id FROM sqlite_master WHERE type = 'trigger'", ["no_update", "no_delete"]),
        Conn::Pg(_) => (
            "SELECT CAST(tgname AS TEXT) AS id FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid IN \
             (SELECT oid FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()))",
            ["no_change", "no_truncate"],
        ),
    };
    let there: Vec<String> = rows(conn, "", sql)?.into_iter().map(|row| row.id).collect();
    let wanted = APPEND_ONLY.iter().flat_map(|table| kinds.map(|kind| format!("{table}_{kind}")));
    Ok(wanted
        .filter(|name| !there.contains(name))
        .map(|name| Violation { what: "a trigger that keeps rows as they are is missing".to_owned(), id: name })
        .collect())
}

fn i04_balances(conn: &mut Conn) -> Found {
    rows(
        conn,
        "a balance that is not the sum of its transfers",
        "SELECT a.id AS id FROM accounts a \
         LEFT JOIN (SELECT credit_account AS account, SUM(amount_minor) AS total FROM transfers GROUP BY credit_account) i \
         ON i.account = a.id \
         LEFT JOIN (SELECT debit_account AS account, SUM(amount_minor) AS total FROM transfers GROUP BY debit_account) o \
         ON o.account = a.id WHERE a.balance_minor <> COALESCE(i.total, 0) - COALESCE(o.total, 0)",
    )
}

fn i05_negative(conn: &mut Conn) -> Found {
    rows(
        conn,
        "a balance below zero",
        "SELECT id FROM accounts WHERE balance_minor < 0 AND kind IN ('brand_available', 'brand_escrow', \
         'brand_reserve', 'worker_available', 'worker_in_payout', 'rail_costs', 'fees', 'paid_out', 'refunded')",
    )
}

fn i06_conservation(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "the balances of a currency do not add up to nothing",
                "SELECT currency AS id FROM accounts GROUP BY currency HAVING SUM(balance_minor) <> 0",
            ),
            (
                "money came from a funding account twice over",
                "SELECT id FROM accounts WHERE kind = 'funding' AND balance_minor > 0",
            ),
            (
                "a bonus that no transfer of its journal paid",
                "SELECT b.id AS id FROM bonuses b WHERE b.amount_minor <> (SELECT COALESCE(SUM(t.amount_minor), 0) FROM \
                 transfers t JOIN accounts a ON a.id = t.credit_account JOIN journals j ON j.id = t.journal_id WHERE \
                 t.journal_id = b.journal_id AND j.kind = b.kind AND a.owner = b.worker_id AND a.kind = \
                 'worker_available' AND t.currency = b.currency)",
            ),
            (
                "a bonus or a raise to the pay floor in the books that no row explains",
                "SELECT j.id AS id FROM journals j WHERE j.kind IN ('bonus', 'pay_floor', 'late_bonus') AND (SELECT COUNT(*) FROM \
                 bonuses b WHERE b.journal_id = j.id) <> 1",
            ),
            (
                "a visit that is owed the difference to the pay floor and has it",
                "SELECT d.submission_id AS id FROM floor_dues d JOIN bonuses b ON b.submission_id = d.submission_id AND b.kind \
                 = 'pay_floor'",
            ),
            (
                "a reversal in the books that no row explains",
                "SELECT j.id AS id FROM journals j WHERE j.kind = 'reversal' AND NOT EXISTS (SELECT 1 FROM reversals r \
                 WHERE r.journal_id = j.id AND r.reversed_id = j.subject)",
            ),
            (
                "a reversal that is not what it reverses, the other way round",
                "SELECT r.journal_id AS id FROM reversals r WHERE (SELECT COUNT(*) FROM transfers t WHERE t.journal_id = \
                 r.journal_id) <> (SELECT COUNT(*) FROM transfers o WHERE o.journal_id = r.reversed_id) OR EXISTS (SELECT \
                 1 FROM transfers o WHERE o.journal_id = r.reversed_id AND NOT EXISTS (SELECT 1 FROM transfers t WHERE \
                 t.journal_id = r.journal_id AND t.debit_account = o.credit_account AND t.credit_account = \
                 o.debit_account AND t.amount_minor = o.amount_minor AND t.currency = o.currency))",
            ),
            (
                "a journal that was reversed twice",
                "SELECT reversed_id AS id FROM reversals GROUP BY reversed_id HAVING COUNT(*) > 1",
            ),
            (
                "a rail's cost that no worker's payout bore",
                "SELECT t.id AS id FROM transfers t JOIN accounts c ON c.id = t.credit_account JOIN accounts d ON d.id = \
                 t.debit_account WHERE c.kind = 'rail_costs' AND (d.kind <> 'worker_in_payout' OR d.owner <> c.owner)",
            ),
        ],
    )
}

fn i07_earnings(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "approved work without an earning",
                "SELECT s.id AS id FROM submissions s WHERE s.state IN ('approved', 'partly_approved') AND NOT EXISTS \
                 (SELECT 1 FROM earnings e WHERE e.submission_id = s.id)",
            ),
            (
                "an earning for work that is not approved",
                "SELECT e.id AS id FROM earnings e JOIN submissions s ON s.id = e.submission_id WHERE s.state NOT IN \
                 ('approved', 'partly_approved', 'appealed')",
            ),
            (
                "work that was paid twice",
                "SELECT submission_id AS id FROM earnings WHERE kind <> 'supplement' GROUP BY submission_id HAVING COUNT(*) > 1",
            ),
            (
                "work that was paid twice after an appeal",
                "SELECT submission_id AS id FROM earnings WHERE kind = 'supplement' GROUP BY submission_id HAVING COUNT(*) > 1",
            ),
            (
                "pay that differs from the decision",
                "SELECT s.id AS id FROM submissions s JOIN decisions d ON d.id = s.decision_id WHERE s.state IN ('approved', \
                 'partly_approved') AND d.pay_minor <> (SELECT COALESCE(SUM(e.amount_minor), 0) FROM earnings e WHERE \
                 e.submission_id = s.id)",
            ),
            (
                "an earning that no transfer paid",
                "SELECT e.id AS id FROM earnings e WHERE NOT EXISTS (SELECT 1 FROM transfers t JOIN accounts a ON a.id = \
                 t.credit_account WHERE t.journal_id = e.journal_id AND a.owner = e.worker_id AND a.kind = \
                 'worker_available' AND t.amount_minor = e.amount_minor AND t.currency = e.currency)",
            ),
        ],
    )
}

fn i08_payouts(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a payout that ended without a confirmation",
                "SELECT p.id AS id FROM payouts p WHERE p.state IN ('settled', 'returned', 'failed') AND NOT EXISTS (SELECT \
                 1 FROM confirmations c WHERE c.payout_id = p.id AND (c.outcome = p.state OR (p.state = 'returned' AND \
                 c.outcome = 'settled' AND EXISTS (SELECT 1 FROM late_returns l WHERE l.payout_id = p.id))))",
            ),
            (
                "a confirmation of a payout that has not ended so",
                "SELECT c.bank_reference AS id FROM confirmations c LEFT JOIN payouts p ON p.id = c.payout_id WHERE p.id IS \
                 NULL OR (p.state <> c.outcome AND NOT (p.state = 'returned' AND c.outcome = 'settled' AND EXISTS (SELECT 1 \
                 FROM late_returns l WHERE l.payout_id = p.id)))",
            ),
            (
                "a payout that came back after it had settled, and did neither",
                "SELECT l.payout_id AS id FROM late_returns l JOIN payouts p ON p.id = l.payout_id WHERE p.state <> \
                 'returned' OR NOT EXISTS (SELECT 1 FROM confirmations c WHERE c.payout_id = p.id AND c.outcome = 'settled')",
            ),
            (
                "a batch whose items are not what it says",
                "SELECT b.id AS id FROM payout_batches b WHERE b.state <> 'discarded' AND (b.items <> (SELECT COUNT(*) FROM \
                 payouts p WHERE p.batch_id = b.id) OR b.total_minor <> (SELECT COALESCE(SUM(p.amount_minor), 0) FROM payouts \
                 p WHERE p.batch_id = b.id))",
            ),
            (
                "a payout in a batch of another rail or currency, or let go without one",
                "SELECT p.id AS id FROM payouts p LEFT JOIN payout_batches b ON b.id = p.batch_id WHERE (p.batch_id IS NOT \
                 NULL AND (b.id IS NULL OR b.rail <> p.rail OR b.currency <> p.currency OR (p.state NOT IN ('requested', \
                 'cancelled') AND b.approved_by IS NULL))) OR (p.batch_id IS NULL AND p.rail <> 'test' AND p.state NOT IN \
                 ('requested', 'cancelled'))",
            ),
            ("a batch that one person let go alone", "SELECT id FROM payout_batches WHERE approved_by = prepared_by"),
            (
                "a line of a bank that moved a payout it does not fit",
                "SELECT e.id AS id FROM bank_entries e JOIN payouts p ON p.id = e.payout_id WHERE e.result = 'matched' AND \
                 (p.rail <> 'bank' OR (e.amount_minor IS NOT NULL AND (e.amount_minor <> p.amount_minor - p.cost_minor OR \
                 e.currency <> p.currency)))",
            ),
            (
                "a payout that two lines of the bank settled, or two returned",
                "SELECT payout_id AS id FROM bank_entries WHERE result = 'matched' AND word <> 'accepted' AND payout_id IS NOT \
                 NULL GROUP BY payout_id, word HAVING COUNT(*) > 1",
            ),
            (
                "a gift code that is not that of its payout",
                "SELECT g.id AS id FROM gift_codes g JOIN payouts p ON p.id = g.payout_id WHERE p.rail <> 'voucher' OR p.state \
                 <> 'settled' OR g.currency <> p.currency OR g.amount_minor <> p.amount_minor - p.cost_minor",
            ),
            (
                "a payout by gift code without one",
                "SELECT p.id AS id FROM payouts p WHERE p.rail = 'voucher' AND p.state = 'settled' AND NOT EXISTS (SELECT 1 \
                 FROM gift_codes g WHERE g.payout_id = p.id)",
            ),
            (
                "a payout with two confirmations",
                "SELECT payout_id AS id FROM confirmations GROUP BY payout_id HAVING COUNT(*) > 1",
            ),
            (
                "two payouts under one reference of the bank",
                "SELECT bank_reference AS id FROM payouts WHERE bank_reference IS NOT NULL GROUP BY bank_reference HAVING \
                 COUNT(*) > 1",
            ),
            (
                "money in payout that is not what is on its way",
                "SELECT a.id AS id FROM accounts a WHERE a.kind = 'worker_in_payout' AND a.balance_minor <> (SELECT \
                 COALESCE(SUM(p.amount_minor), 0) FROM payouts p WHERE p.worker_id = a.owner AND p.currency = a.currency \
                 AND p.state NOT IN ('settled', 'returned', 'failed', 'cancelled'))",
            ),
            (
                "money paid out that is not what arrived",
                "SELECT a.id AS id FROM accounts a WHERE a.kind = 'paid_out' AND a.balance_minor <> (SELECT \
                 COALESCE(SUM(p.amount_minor - p.cost_minor), 0) FROM payouts p WHERE p.worker_id = a.owner AND p.currency = \
                 a.currency AND p.state = 'settled')",
            ),
            (
                "costs of a rail that are not those of what arrived",
                "SELECT a.id AS id FROM accounts a WHERE a.kind = 'rail_costs' AND a.balance_minor <> (SELECT \
                 COALESCE(SUM(p.cost_minor), 0) FROM payouts p WHERE p.worker_id = a.owner AND p.currency = a.currency AND \
                 (p.state = 'settled' OR EXISTS (SELECT 1 FROM late_returns l WHERE l.payout_id = p.id)))",
            ),
        ],
    )
}

fn i09_slots(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "more slots given than the mission has",
                "SELECT id FROM missions WHERE slots_held < 0 OR slots_done < 0 OR attempts_spent < 0 OR slots_held + \
                 slots_done > slots OR slots_held + attempts_spent > attempts",
            ),
            (
                "held slots that nobody holds, or holders without a slot",
                "SELECT m.id AS id FROM missions m WHERE m.slots_held <> (SELECT COUNT(*) FROM reservations r WHERE \
                 r.mission_id = m.id AND r.state IN ('held', 'checked_in')) + (SELECT COUNT(*) FROM submissions s WHERE \
                 s.mission_id = m.id AND s.holds_slot)",
            ),
            (
                "done slots that are not the paid visits",
                "SELECT m.id AS id FROM missions m WHERE m.slots_done <> (SELECT COUNT(*) FROM submissions s WHERE \
                 s.mission_id = m.id AND s.outcome = 'completed' AND EXISTS (SELECT 1 FROM earnings e WHERE \
                 e.submission_id = s.id))",
            ),
            (
                "spent attempts that are not the paid attempts",
                "SELECT m.id AS id FROM missions m WHERE m.attempts_spent <> (SELECT COUNT(*) FROM submissions s WHERE \
                 s.mission_id = m.id AND s.outcome <> 'completed' AND EXISTS (SELECT 1 FROM earnings e WHERE \
                 e.submission_id = s.id))",
            ),
            (
                "undecided work that holds no slot",
                "SELECT id FROM submissions WHERE NOT holds_slot AND state IN ('sealed', 'checking', 'in_review', \
                 'needs_correction')",
            ),
            (
                "two live reservations of one worker for one mission",
                "SELECT mission_id AS id FROM reservations WHERE state IN ('held', 'checked_in') GROUP BY mission_id, \
                 worker_id HAVING COUNT(*) > 1",
            ),
        ],
    )
}

fn i10_escrow(conn: &mut Conn) -> Found {
    let held = "COALESCE((SELECT a.balance_minor FROM accounts a WHERE a.owner = m.id AND a.kind = 'brand_escrow' AND \
                a.currency = m.currency), 0)";
    let with_fee = |minor: &str| format!("(m.{minor} + (m.{minor} * m.fee_bps + 5000) / 10000)");
    let (reward, attempt) = (with_fee("reward_minor"), with_fee("attempt_fee_minor"));
    let running = format!(
        "SELECT m.id AS id FROM missions m WHERE m.state <> 'closed' AND {held} < {reward} * (m.slots - m.slots_done) + \
         {attempt} * (m.attempts - m.attempts_spent)"
    );
    let closed = format!(
        "SELECT m.id AS id FROM missions m WHERE m.state = 'closed' AND ({held} < {reward} * m.slots_held OR {held} < \
         {attempt} * m.slots_held)"
    );
    all(
        conn,
        &[
            ("a mission that holds less than its slots and attempts may cost", &running),
            ("a closed mission that holds less than its open work may cost", &closed),
            (
                "a reserve that no published campaign set aside",
                "SELECT a.id AS id FROM accounts a LEFT JOIN campaigns c ON c.id = a.owner WHERE a.kind = \
                 'brand_reserve' AND (c.id IS NULL OR c.published_at IS NULL)",
            ),
            (
                "a published campaign whose reserve was not set aside",
                "SELECT b.campaign_id AS id FROM budgets b JOIN campaigns c ON c.id = b.campaign_id WHERE c.published_at \
                 IS NOT NULL AND b.reserve_minor <> (SELECT COALESCE(SUM(t.amount_minor), 0) FROM transfers t JOIN \
                 journals j ON j.id = t.journal_id WHERE j.kind = 'hold_reserve' AND j.subject = b.campaign_id)",
            ),
            (
                "a campaign that topped itself up beyond its limit",
                "SELECT campaign_id AS id FROM budgets WHERE auto_topped_minor > auto_top_up_minor",
            ),
        ],
    )
}

fn i11_answers(conn: &mut Conn) -> Found {
    let mut found = rows(
        conn,
        "a key that was taken without an answer",
        "SELECT route || ' ' || key AS id FROM idempotency_keys WHERE response = ''",
    )?;
    // Every answer that names a thing by its id promises that it is there.
    let answers: Vec<(String, String, String)> = idempotency_keys::table
        .select((idempotency_keys::route, idempotency_keys::key, idempotency_keys::response))
        .order(idempotency_keys::created_at.desc())
        .limit(20_000)
        .load(conn)?;
    let mut promised: HashMap<&'static str, Vec<(String, String)>> = HashMap::new();
    for (route, key, response) in answers.into_iter().filter(|(_, _, response)| !response.is_empty()) {
        match serde_json::from_str::<serde_json::Value>(&response) {
            Err(_) => found
                .push(Violation { what: "a stored answer that is no JSON".to_owned(), id: format!("{route} {key}") }),
            Ok(answer) => {
                let id = answer.get("id").and_then(|id| id.as_str()).unwrap_or_default();
                let table = id.split_once('_').and_then(|(prefix, _)| table_of(prefix));
                if let Some(table) = table {
                    promised.entry(table).or_default().push((id.to_owned(), format!("{route} {key}")));
                }
            }
        }
    }
    for (table, ids) in promised {
        for some in ids.chunks(500) {
            let list =
                some.iter().map(|(id, _)| format!("'{}'", id.replace('\'', "''"))).collect::<Vec<_>>().join(", ");
            let sql = format!("SELECT id FROM {table} WHERE id IN ({list})");
            let there: Vec<OneText> = crate::each!(conn, c => diesel::sql_query(&sql).load(c))?;
            let is_there = |id: &str| there.iter().any(|row| row.id == id);
            found.extend(some.iter().filter(|(id, _)| !is_there(id)).map(|(id, request)| Violation {
                what: format!("an answer to {request} that names what is not there"),
                id: id.clone(),
            }));
        }
    }
    Ok(found)
}

fn table_of(prefix: &str) -> Option<&'static str> {
    Some(match prefix {
        "usr" => "users",
        "brd" => "brands",
        "sto" => "stores",
        "prd" => "products",
        "cmp" => "campaigns",
        "mis" => "missions",
        "rsv" => "reservations",
        "evd" => "evidence",
        "sub" => "submissions",
        "dec" => "decisions",
        "apl" => "appeals",
        "ern" => "earnings",
        "jrn" => "journals",
        "bon" => "bonuses",
        "bal" => "bank_balances",
        "trf" => "transfers",
        "pay" => "payouts",
        "pme" => "payout_methods",
        "pbt" => "payout_batches",
        "bkf" => "bank_files",
        "wrd" => "payout_words",
        "gft" => "gift_codes",
        "sbd" => "selfbilling_documents",
        "snc" => "sanctions",
        "cor" => "store_corrections",
        _ => return None,
    })
}

fn i12_photo_rows(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a photo of a manifest that is tied to other bytes",
                "SELECT p.evidence_id AS id FROM submission_photos p JOIN evidence e ON e.id = p.evidence_id WHERE p.sha256 \
                 <> e.sha256",
            ),
            (
                "a photo of a manifest that belongs to another visit",
                "SELECT p.evidence_id AS id FROM submission_photos p JOIN evidence e ON e.id = p.evidence_id JOIN \
                 submissions s ON s.id = p.submission_id WHERE e.reservation_id <> s.reservation_id",
            ),
        ],
    )
}

/// Photos after `after`: id, SHA-256, size in bytes, keys of its renditions, faces hidden for brands.
pub type PhotoRow = (EvidenceId, String, i64, Option<String>, Option<String>, Option<i64>);

pub fn any_photos(conn: &mut Conn, after: Option<&EvidenceId>, limit: i64) -> Outcome<Vec<PhotoRow>> {
    let mut query = evidence::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(evidence::id.gt(after.clone()));
    }
    Ok(query
        .order(evidence::id)
        .limit(limit)
        .select((
            evidence::id,
            evidence::sha256,
            evidence::size_bytes,
            evidence::rendition_large,
            evidence::rendition_small,
            evidence::faces_hidden,
        ))
        .load(conn)?)
}

fn i13_histories(conn: &mut Conn) -> Found {
    let reservation = |from: &str, to: &str| {
        let from = ReservationState::parse(from);
        ReservationMove::ALL.iter().any(|step| from.and_then(|f| f.next(*step)).is_some_and(|s| s.as_str() == to))
    };
    let submission = |from: &str, to: &str| {
        let from = SubmissionState::parse(from);
        SubmissionMove::ALL.iter().any(|step| from.and_then(|f| f.next(*step)).is_some_and(|s| s.as_str() == to))
    };
    let mut found = histories(conn, "reservations", "rsv_", "held", &reservation)?;
    found.extend(histories(conn, "submissions", "sub_", "sealed", &submission)?);
    Ok(found)
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Rows looked at together.
const PAGE: i64 = 500;

/// Each row's moves, oldest first, start at `start`, follow the arrows, and end where the row is.
fn histories(conn: &mut Conn, table: &str, prefix: &str, start: &str, arrow: &dyn Fn(&str, &str) -> bool) -> Found {
    let mut found = Vec::new();
    let mut after = prefix.to_owned();
    loop {
        let sql = format!("SELECT id, state FROM {table} WHERE id > '{after}' ORDER BY id LIMIT {PAGE}");
        let page: Vec<StateRow> = crate::each!(conn, c => diesel::sql_query(sql).load(c))?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id.replace('\'', "''");
        let ids: Vec<String> = page.iter().map(|row| row.id.clone()).collect();
        let moves: Vec<(String, Option<String>, Option<String>)> = events::table
            .filter(events::subject.eq_any(ids))
            .filter(events::from_state.is_not_null())
            .filter(events::to_state.is_not_null())
            .order((events::subject, events::id))
            .select((events::subject, events::from_state, events::to_state))
            .load(conn)?;
        let mut by_row: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
        for (subject, from, to) in &moves {
            if let (Some(from), Some(to)) = (from, to) {
                by_row.entry(subject).or_default().push((from, to));
            }
        }
        for row in &page {
            let mut now = start;
            for (from, to) in by_row.get(row.id.as_str()).map_or(&[][..], Vec::as_slice) {
                if *from != now {
                    let what = format!("a move from {from} of what was {now}");
                    found.push(Violation { what, id: row.id.clone() });
                } else if !arrow(from, to) {
                    found.push(Violation { what: format!("a move from {from} to {to}"), id: row.id.clone() });
                }
                now = to;
            }
            if now != row.state {
                let what = format!("it is {} and its history ends at {now}", row.state);
                found.push(Violation { what, id: row.id.clone() });
            }
        }
    }
}

fn i14_chain(conn: &mut Conn) -> Found {
    let mut found = rows(
        conn,
        "an event that is neither sealed nor waiting to be",
        "SELECT e.id AS id FROM events e WHERE NOT EXISTS (SELECT 1 FROM event_seals s WHERE s.event_id = e.id) AND NOT \
         EXISTS (SELECT 1 FROM unsealed_events u WHERE u.event_id = e.id)",
    )?;
    let (mut seq, mut previous) = (0, GENESIS.to_owned());
    loop {
        let page: Vec<(EventSealRow, EventRow)> = event_seals::table
            .inner_join(events::table.on(events::id.eq(event_seals::event_id)))
            .filter(event_seals::seq.gt(seq))
            .order(event_seals::seq)
            .limit(PAGE)
            .select((event_seals::all_columns, events::all_columns))
            .load(conn)?;
        if page.is_empty() {
            break;
        }
        for (seal, event) in page {
            let id = || format!("{} ({})", seal.seq, seal.event_id);
            if seal.seq != seq + 1 {
                found.push(Violation { what: format!("the chain jumps from {seq}"), id: id() });
            }
            if seal.previous_hash != previous {
                found.push(Violation { what: "a link that does not hang on the one before".to_owned(), id: id() });
            }
            if seal.hash != chain_hash(&seal.previous_hash, &event) {
                found.push(Violation { what: "a link that does not fit its event".to_owned(), id: id() });
            }
            (seq, previous) = (seal.seq, seal.hash);
        }
        if found.len() as i64 > EXAMPLES {
            break;
        }
    }
    Ok(found)
}

/// Events that wait for the sealing job, and when the oldest of them happened.
pub fn any_unsealed(conn: &mut Conn) -> Outcome<(i64, Option<At>)> {
    let waiting = unsealed_events::table.count().get_result(conn)?;
    let oldest: Option<(EventId, At)> = events::table
        .inner_join(unsealed_events::table.on(unsealed_events::event_id.eq(events::id)))
        .order(events::id)
        .select((events::id, events::at))
        .first(conn)
        .optional()?;
    Ok((waiting, oldest.map(|(_, at)| at)))
}

fn i15_outbox(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a message without its event",
                "SELECT o.id AS id FROM outbox o LEFT JOIN events e ON e.id = o.event_id WHERE e.id IS NULL",
            ),
            (
                "a message that was never tried and is not due any more",
                "SELECT id FROM outbox WHERE delivered_at IS NULL AND gave_up_at IS NOT NULL AND attempts = 0",
            ),
            (
                "a message that was delivered before it was written",
                "SELECT id FROM outbox WHERE delivered_at < created_at",
            ),
        ],
    )
}

fn i16_tenants(conn: &mut Conn) -> Found {
    let mut found = all(
        conn,
        &[
            (
                "a campaign at another brand's store",
                "SELECT cs.campaign_id AS id FROM campaign_stores cs JOIN campaigns c ON c.id = cs.campaign_id JOIN stores s \
                 ON s.id = cs.store_id WHERE s.brand_id IS NOT NULL AND s.brand_id <> c.brand_id",
            ),
            (
                "a campaign with another brand's product",
                "SELECT cp.campaign_id AS id FROM campaign_products cp JOIN campaigns c ON c.id = cp.campaign_id JOIN \
                 products p ON p.id = cp.product_id WHERE p.brand_id <> c.brand_id",
            ),
            (
                "a photo under another brand than its visit",
                "SELECT e.id AS id FROM evidence e JOIN reservations r ON r.id = e.reservation_id WHERE e.brand_id <> r.brand_id",
            ),
            (
                "a photo of another worker than its visit",
                "SELECT e.id AS id FROM evidence e JOIN reservations r ON r.id = e.reservation_id WHERE e.worker_id <> \
                 r.worker_id",
            ),
        ],
    )?;
    for table in ["missions", "reservations", "submissions"] {
        let sql = format!(
            "SELECT t.id AS id FROM {table} t JOIN campaigns c ON c.id = t.campaign_id WHERE t.brand_id <> c.brand_id"
        );
        found.extend(rows(conn, &format!("a row of {table} under another brand than its campaign"), &sql)?);
    }
    found.extend(rows(
        conn,
        "an answer under another brand than its submission",
        "SELECT a.submission_id AS id FROM answers a JOIN submissions s ON s.id = a.submission_id WHERE a.brand_id <> \
         s.brand_id OR a.campaign_id <> s.campaign_id",
    )?);
    Ok(found)
}

fn i17_expiries(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a reservation that expired twice",
                "SELECT subject AS id FROM events WHERE kind = 'reservation.expired' GROUP BY subject HAVING COUNT(*) > 1",
            ),
            (
                "an expired reservation without its event",
                "SELECT r.id AS id FROM reservations r WHERE r.state = 'expired' AND NOT EXISTS (SELECT 1 FROM events e \
                 WHERE e.subject = r.id AND e.kind = 'reservation.expired')",
            ),
        ],
    )
}

fn i18_reasons(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a rejection without a person, code, target, clause, text or rule",
                "SELECT id FROM decisions WHERE kind = 'rejected' AND (decided_by <> 'person' OR decider_id IS NULL OR \
                 reason_code IS NULL OR target IS NULL OR clause_id IS NULL OR COALESCE(text, '') = '' OR rule_version = '')",
            ),
            (
                "a refused item without code, clause or text",
                "SELECT decision_id AS id FROM decision_items WHERE NOT accepted AND (reason_code IS NULL OR clause_id IS \
                 NULL OR COALESCE(text, '') = '')",
            ),
            (
                "a decision of the machine that withholds pay",
                "SELECT id FROM decisions WHERE decided_by <> 'person' AND kind <> 'approved'",
            ),
            (
                "a decision of nobody",
                "SELECT d.id AS id FROM decisions d LEFT JOIN users u ON u.id = d.decider_id WHERE d.decided_by = 'person' \
                 AND (u.id IS NULL OR u.kind <> 'staff')",
            ),
            (
                "a suspension without a person, code, text or rule",
                "SELECT s.id AS id FROM sanctions s LEFT JOIN users u ON u.id = s.decider_id WHERE u.id IS NULL OR s.code = \
                 '' OR s.text = '' OR s.rule_version = ''",
            ),
            (
                "a suspended person without a suspension",
                "SELECT u.id AS id FROM users u WHERE u.state = 'suspended' AND NOT EXISTS (SELECT 1 FROM sanctions s WHERE \
                 s.user_id = u.id AND s.action = 'suspend')",
            ),
            (
                "rejected work without a rejection",
                "SELECT s.id AS id FROM submissions s LEFT JOIN decisions d ON d.id = s.decision_id WHERE s.state = \
                 'rejected' AND (d.id IS NULL OR d.kind <> 'rejected')",
            ),
            (
                "a returned payout without a reason",
                "SELECT id FROM payouts WHERE state IN ('returned', 'failed') AND COALESCE(return_reason, '') = ''",
            ),
        ],
    )
}

fn i20_positions(conn: &mut Conn) -> Found {
    rows(
        conn,
        "a visit whose positions were dropped and that still has some",
        "SELECT DISTINCT t.reservation_id AS id FROM visit_tracks t JOIN position_fixes f \
         ON f.reservation_id = t.reservation_id WHERE t.fixes_dropped_at IS NOT NULL",
    )
}

fn i21_papers(conn: &mut Conn) -> Found {
    all(
        conn,
        &[
            (
                "a worker's documents whose numbers are not 1 to their count",
                "SELECT worker_id AS id FROM selfbilling_documents GROUP BY worker_id HAVING COUNT(*) <> MAX(number) OR \
                 MIN(number) <> 1 OR COUNT(DISTINCT number) <> COUNT(*)",
            ),
            (
                "a document of another amount, currency or worker than its payout",
                "SELECT d.id AS id FROM selfbilling_documents d LEFT JOIN payouts p ON p.id = d.payout_id WHERE p.id IS NULL \
                 OR p.worker_id <> d.worker_id OR p.currency <> d.currency OR p.amount_minor <> d.amount_minor",
            ),
            (
                "a credit note that does not take back an invoice of its payout",
                "SELECT d.id AS id FROM selfbilling_documents d LEFT JOIN selfbilling_documents o ON o.id = d.original_id \
                 WHERE d.kind = 'credit_note' AND (o.id IS NULL OR o.kind <> 'invoice' OR o.payout_id <> d.payout_id OR \
                 o.number >= d.number)",
            ),
            (
                "documents of a payout that do not add up to what arrived",
                "SELECT p.id AS id FROM payouts p JOIN (SELECT payout_id, SUM(CASE WHEN kind = 'invoice' THEN amount_minor \
                 ELSE -amount_minor END) AS total FROM selfbilling_documents GROUP BY payout_id) d ON d.payout_id = p.id \
                 WHERE d.total <> CASE WHEN p.state = 'settled' THEN p.amount_minor ELSE 0 END",
            ),
            (
                "invoices that are more than the ledger paid out",
                "SELECT d.worker_id AS id FROM (SELECT worker_id, currency, SUM(CASE WHEN kind = 'invoice' THEN amount_minor \
                 ELSE -amount_minor END) AS total FROM selfbilling_documents GROUP BY worker_id, currency) d LEFT JOIN \
                 accounts a ON a.owner = d.worker_id AND a.kind = 'paid_out' AND a.currency = d.currency LEFT JOIN accounts \
                 r ON r.owner = d.worker_id AND r.kind = 'rail_costs' AND r.currency = d.currency WHERE d.total > \
                 COALESCE(a.balance_minor, 0) + COALESCE(r.balance_minor, 0)",
            ),
            (
                "a payment notice of another amount or worker than its payout",
                "SELECT n.payout_id AS id FROM payment_notices n LEFT JOIN payouts p ON p.id = n.payout_id WHERE p.id IS NULL \
                 OR p.worker_id <> n.worker_id OR p.currency <> n.currency OR p.amount_minor <> n.to_minor - n.from_minor",
            ),
            (
                "two payment notices for the same earnings",
                "SELECT s.payout_id AS id FROM (SELECT payout_id, from_minor, LAG(to_minor) OVER (PARTITION BY worker_id, \
                 currency ORDER BY from_minor, to_minor) AS last_to FROM payment_notices) s WHERE s.last_to > s.from_minor",
            ),
            (
                "a payout that arrived since notices are written, and has none",
                "SELECT p.id AS id FROM payouts p WHERE p.state = 'settled' AND p.settled_at >= (SELECT MIN(at) FROM \
                 payment_notices) AND NOT EXISTS (SELECT 1 FROM payment_notices n WHERE n.payout_id = p.id)",
            ),
            (
                "an erased worker who can sign in or has an address",
                "SELECT u.id AS id FROM users u WHERE u.state = 'erased' AND (u.password_hash <> '!' OR u.email <> u.id || \
                 '@erased.invalid' OR NOT EXISTS (SELECT 1 FROM erasures e WHERE e.worker_id = u.id))",
            ),
            (
                "an erased worker who is signed in, or can be paid",
                "SELECT u.id AS id FROM users u WHERE u.state = 'erased' AND (EXISTS (SELECT 1 FROM sessions s WHERE \
                 s.user_id = u.id) OR EXISTS (SELECT 1 FROM payout_methods m WHERE m.worker_id = u.id) OR EXISTS (SELECT 1 \
                 FROM payout_choices c WHERE c.worker_id = u.id))",
            ),
        ],
    )
}

fn i19_keys(conn: &mut Conn) -> Found {
    let mut found = rows(
        conn,
        "a key that was used twice by one caller on one route",
        "SELECT route || ' ' || key AS id FROM idempotency_keys GROUP BY caller, route, key HAVING COUNT(*) > 1",
    )?;
    let columns = match conn {
        Conn::Lite(_) => "SELECT COUNT(*) AS n FROM pragma_table_info('idempotency_keys') WHERE pk > 0",
        Conn::Pg(_) => {
            "SELECT COUNT(*) AS n FROM information_schema.key_column_usage WHERE table_schema = current_schema() AND \
             constraint_name = 'idempotency_keys_pkey' AND column_name IN ('caller', 'route', 'key')"
        }
    };
    if number(conn, columns)? != 3 {
        let what = "the rule that a key has one caller and route is missing".to_owned();
        found.push(Violation { what, id: "idempotency_keys_pkey".to_owned() });
    }
    Ok(found)
}
