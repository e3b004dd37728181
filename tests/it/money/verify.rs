//! `fieldproof verify` finds what it is there to find: a small world whose books are right is broken on purpose, one
//! invariant at a time, past every trigger and check of the database.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fieldproof::boot::App;
use fieldproof::config::Settings;
use fieldproof::domain::time::At;
use fieldproof::jobs::verify::verify;
use fieldproof::ports::blobs::evidence_key;
use fieldproof::ports::clock::Clock;
use sha2::{Digest, Sha256};

use crate::support::scratch::Scratch;
use crate::support::world::MORNING;

const PHOTO: &[u8] = b"not a picture, but bytes";

/// One brand paid 1000, of which a mission holds 480: an approved visit, one live reservation, one payout that arrived.
/// Reward 100, attempt fee 30, platform's fee 20 %: a mission of two slots and three attempts held 2*120 + 3*36 = 348.
const WORLD: &str = "
INSERT INTO users VALUES ('usr_w','w@example.org','x','worker',NULL,'W','en',NULL,'active',NULL,:t,:t,1);
INSERT INTO users VALUES ('usr_s','s@example.org','x','staff','admin','S','en',NULL,'active',NULL,:t,:t,1);
INSERT INTO users VALUES ('usr_v','v@example.org','x','worker',NULL,'V','en',NULL,'suspended',NULL,:t,:t,1);
INSERT INTO sanctions VALUES ('snc_1','usr_v','suspend','suspected_fraud','Photos of a screen.','usr_s','r1',:t);
INSERT INTO brands VALUES ('brd_1','A','CH','CHF',:t,:t,1);
INSERT INTO brands VALUES ('brd_2','B','CH','CHF',:t,:t,1);
INSERT INTO stores VALUES ('sto_1',NULL,'osm','node/1','Shop',NULL,NULL,NULL,NULL,NULL,'CH',46.5,6.6,150,NULL,'Europe/Zurich','open',NULL,NULL,:t,:t,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO products VALUES ('prd_1','brd_1','4006381333931','a','Pen',NULL,:t);
INSERT INTO campaigns VALUES ('cmp_1','brd_1','C','p','published','CHF',100,30,2000,2,10,1,:t,:t,5,'{}','{}','[]',:t,NULL,:t,:t,1,'audit',0,'[]');
INSERT INTO campaign_stores VALUES ('cmp_1','sto_1');
INSERT INTO campaign_products VALUES ('cmp_1','prd_1',1);
INSERT INTO questionnaire_versions VALUES ('qnr_1','cmp_1',1,'{}','{}','{}',:t);
INSERT INTO missions VALUES ('mis_1','cmp_1','brd_1','sto_1','qnr_1','open',2,1,1,3,0,0,100,30,2000,'CHF',46.5,6.6,:t,:t,:t,:t,1);
INSERT INTO reservations VALUES ('rsv_1','mis_1','cmp_1','brd_1','sto_1','usr_w','qnr_1','used',0,'n',:t,:t,:t,0,NULL,:t,:t,2,NULL,NULL);
INSERT INTO reservations VALUES ('rsv_2','mis_1','cmp_1','brd_1','sto_1','usr_v','qnr_1','held',0,'n',:t,:t,:t,0,NULL,NULL,:t,1,NULL,NULL);
INSERT INTO reservations VALUES ('rsv_3','mis_1','cmp_1','brd_1','sto_1','usr_v','qnr_1','expired',0,'n',:t,:t,:t,0,NULL,:t,:t,2,NULL,NULL);
INSERT INTO visit_tracks VALUES ('rsv_1','usr_w','sto_1','pass',20,NULL,:t,:t);
INSERT INTO evidence VALUES ('evd_1','rsv_1','usr_w','brd_1','c1','/shelf',':sha',:size,'image/jpeg',NULL,'{}',:t,:t,'r','{}',NULL,NULL,NULL,NULL,NULL,
    NULL,NULL,:t,NULL);
INSERT INTO submissions VALUES ('sub_1','rsv_1','mis_1','cmp_1','brd_1','sto_1','usr_w','qnr_1','approved',1,'completed',0,'{}',:t,:t,0,:t,NULL,NULL,NULL,NULL,NULL,:t,'dec_1',0,NULL,NULL,0,:t,3);
INSERT INTO submission_photos VALUES ('sub_1','c1',1,'/shelf',':sha',:size,'evd_1',NULL);
INSERT INTO decisions VALUES ('dec_1','sub_1',1,'approved','rule',NULL,NULL,NULL,NULL,NULL,NULL,100,'CHF',NULL,'r','{}',:t);
INSERT INTO answers VALUES ('sub_1','/n','cmp_1','brd_1','sto_1',NULL,'n','count','1',1,NULL,NULL,NULL,1,:t);
INSERT INTO accounts VALUES ('acc_f','funding','brd_1','CHF',-1000);
INSERT INTO accounts VALUES ('acc_a','brand_available','brd_1','CHF',602);
INSERT INTO accounts VALUES ('acc_e','brand_escrow','mis_1','CHF',228);
INSERT INTO accounts VALUES ('acc_p','fees','mis_1','CHF',20);
INSERT INTO accounts VALUES ('acc_w','worker_available','usr_w','CHF',65);
INSERT INTO accounts VALUES ('acc_i','worker_in_payout','usr_w','CHF',0);
INSERT INTO accounts VALUES ('acc_o','paid_out','usr_w','CHF',60);
INSERT INTO journals VALUES ('jrn_1','fund','brd_1','evt_1',:t);
INSERT INTO journals VALUES ('jrn_2','earn','mis_1','evt_1',:t);
INSERT INTO transfers VALUES ('trf_1','jrn_1','acc_f','acc_a',1000,'CHF',:t);
INSERT INTO transfers VALUES ('trf_2','jrn_1','acc_a','acc_e',348,'CHF',:t);
INSERT INTO transfers VALUES ('trf_3','jrn_2','acc_e','acc_w',100,'CHF',:t);
INSERT INTO transfers VALUES ('trf_4','jrn_2','acc_e','acc_p',20,'CHF',:t);
INSERT INTO transfers VALUES ('trf_5','jrn_1','acc_w','acc_i',60,'CHF',:t);
INSERT INTO transfers VALUES ('trf_6','jrn_1','acc_i','acc_o',60,'CHF',:t);
INSERT INTO earnings VALUES ('ern_1','sub_1','usr_w','mis_1','reward',100,'CHF','jrn_2',:t);
INSERT INTO budgets VALUES ('cmp_1',50,0,0,:t,NULL);
INSERT INTO accounts VALUES ('acc_r','brand_reserve','cmp_1','CHF',20);
INSERT INTO accounts VALUES ('acc_c','rail_costs','usr_w','CHF',5);
INSERT INTO journals VALUES ('jrn_3','hold_reserve','cmp_1','evt_1',:t);
INSERT INTO journals VALUES ('jrn_4','pay_floor','sub_1','evt_1',:t);
INSERT INTO journals VALUES ('jrn_5','bonus','sub_1','evt_1',:t);
INSERT INTO journals VALUES ('jrn_6','reversal','jrn_5','evt_1',:t);
INSERT INTO transfers VALUES ('trf_7','jrn_3','acc_a','acc_r',50,'CHF',:t);
INSERT INTO transfers VALUES ('trf_8','jrn_4','acc_r','acc_w',30,'CHF',:t);
INSERT INTO transfers VALUES ('trf_9','jrn_5','acc_a','acc_w',7,'CHF',:t);
INSERT INTO transfers VALUES ('trf_a','jrn_6','acc_w','acc_a',7,'CHF',:t);
INSERT INTO transfers VALUES ('trf_b','jrn_1','acc_w','acc_i',5,'CHF',:t);
INSERT INTO transfers VALUES ('trf_c','jrn_1','acc_i','acc_c',5,'CHF',:t);
INSERT INTO bonuses VALUES ('bon_1','pay_floor','usr_w','brd_1','cmp_1','sub_1',30,'CHF','Took longer.',NULL,'jrn_4',:t);
INSERT INTO bonuses VALUES ('bon_2','bonus','usr_w','brd_1','cmp_1','sub_1',7,'CHF','Well done.','usr_s','jrn_5',:t);
INSERT INTO reversals VALUES ('jrn_6','jrn_5','Wrong visit.','usr_s',:t);
INSERT INTO payouts VALUES ('pay_1','usr_w',65,'CHF','CH93','settled','usr_s','TB-1',NULL,:t,:t,:t,4,NULL,'test',5,NULL);
INSERT INTO confirmations VALUES ('TB-1','pay_1','settled',:t);
INSERT INTO payment_notices VALUES ('pay_1','usr_w','CHF',0,65,'{}',:t);
INSERT INTO selfbilling_agreements VALUES ('usr_w',1,'accept','2026-11',:t);
INSERT INTO selfbilling_documents VALUES ('sbd_1','usr_w',1,'invoice','pay_1',NULL,NULL,65,'CHF','{}',:t);
INSERT INTO selfbilling_documents VALUES ('sbd_2','usr_w',2,'credit_note','pay_1','sbd_1','A typo.',65,'CHF','{}',:t);
INSERT INTO selfbilling_documents VALUES ('sbd_3','usr_w',3,'invoice','pay_1',NULL,NULL,65,'CHF','{}',:t);
INSERT INTO users VALUES ('usr_g','usr_g@erased.invalid','!','worker',NULL,'erased','en',NULL,'erased',NULL,:t,:t,2);
INSERT INTO erasures VALUES ('usr_g','worker','[]',:t);
INSERT INTO idempotency_keys VALUES ('usr_w','POST /v1/x','key-00001','h','{\"id\":\"rsv_1\"}',:t);
INSERT INTO events VALUES ('evt_1',:t,'worker','usr_w','q','reservation.used','rsv_1','brd_1',NULL,'held','used',NULL,'null');
INSERT INTO events VALUES ('evt_2',:t,'machine','expire','q','reservation.expired','rsv_3','brd_1',NULL,'held','expired',NULL,'null');
INSERT INTO events VALUES ('evt_3',:t,'machine','x','q','submission.photos_complete','sub_1','brd_1',NULL,'sealed','checking',NULL,'null');
INSERT INTO events VALUES ('evt_4',:t,'machine','x','q','submission.approved','sub_1','brd_1',NULL,'checking','approved',NULL,'null');
INSERT INTO unsealed_events SELECT id FROM events;
INSERT INTO outbox VALUES ('msg_1','evt_4','mail','w@example.org','{}',:t,:t,1,:t,NULL,NULL);
";

struct Books {
    app: App,
    conn: SqliteConnection,
    runtime: tokio::runtime::Runtime,
    _scratch: Scratch,
}

impl Books {
    fn that_are_right() -> Books {
        let scratch = Scratch::new();
        let app = App::open(&Settings::in_folder(&*scratch), Clock::manual(At::parse(MORNING).unwrap())).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let sha: String = Sha256::digest(PHOTO).iter().map(|b| format!("{b:02x}")).collect();
        runtime.block_on(app.blobs.put(&evidence_key(&sha), PHOTO.to_vec())).unwrap();
        let file = scratch.join("fieldproof.db");
        let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let filled = WORLD
            .replace(":sha", &sha)
            .replace(":size", &PHOTO.len().to_string())
            .replace(":t", "'2026-03-10 09:00:00.000000'");
        conn.batch_execute(&format!("PRAGMA foreign_keys = OFF; BEGIN; {filled} COMMIT;")).unwrap();
        fieldproof::ops::audit_seal::seal_audit(&app.cx()).unwrap();
        let mut books = Books { app, conn, runtime, _scratch: scratch };
        assert_eq!(books.broken(), Vec::<String>::new(), "the books are right before they are broken");
        books
    }

    fn broken(&mut self) -> Vec<String> {
        let all = self.runtime.block_on(verify(&self.app, false)).unwrap();
        all.into_iter().filter(|one| !one.holds()).map(|one| one.id).collect()
    }

    /// Past triggers, checks and foreign keys.
    fn change(&mut self, sql: &str) {
        let triggers: Vec<String> =
            diesel::dsl::sql::<diesel::sql_types::Text>("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                .load(&mut self.conn)
                .unwrap();
        let keep: Vec<String> = triggers
            .iter()
            .map(|name| {
                diesel::dsl::sql::<diesel::sql_types::Text>(&format!(
                    "SELECT sql FROM sqlite_master WHERE name = '{name}'"
                ))
                .get_result(&mut self.conn)
                .unwrap()
            })
            .collect();
        let drops: String = triggers.iter().map(|name| format!("DROP TRIGGER {name};")).collect();
        self.conn
            .batch_execute(&format!(
                "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {drops} {sql}; {};",
                keep.join(";")
            ))
            .unwrap();
    }
}

/// What is done to the books, and which invariants must be named for it.
const DAMAGE: &[(&str, &str)] = &[
    ("I01", "UPDATE transfers SET currency = 'EUR' WHERE id = 'trf_3'"),
    ("I01", "UPDATE transfers SET credit_account = debit_account WHERE id = 'trf_3'"),
    ("I01", "DELETE FROM journals WHERE id = 'jrn_2'"),
    ("I02", "UPDATE transfers SET amount_minor = 100.5 WHERE id = 'trf_3'"),
    ("I02", "UPDATE transfers SET amount_minor = -100 WHERE id = 'trf_3'"),
    ("I04", "UPDATE accounts SET balance_minor = 653 WHERE id = 'acc_a'"),
    ("I04", "DELETE FROM transfers WHERE id = 'trf_6'"),
    ("I05", "UPDATE accounts SET balance_minor = -1 WHERE id = 'acc_w'"),
    ("I06", "UPDATE accounts SET balance_minor = 1041 WHERE id = 'acc_w'"),
    ("I05", "UPDATE accounts SET balance_minor = -1 WHERE id = 'acc_r'"),
    ("I05", "UPDATE accounts SET balance_minor = -1 WHERE id = 'acc_c'"),
    ("I06", "UPDATE bonuses SET amount_minor = 31 WHERE id = 'bon_1'"),
    ("I06", "UPDATE bonuses SET worker_id = 'usr_v' WHERE id = 'bon_2'"),
    ("I06", "DELETE FROM bonuses WHERE id = 'bon_1'"),
    ("I06", "DELETE FROM reversals"),
    ("I06", "UPDATE transfers SET amount_minor = 6 WHERE id = 'trf_a'"),
    ("I06", "UPDATE reversals SET reversed_id = 'jrn_4'"),
    ("I06", "UPDATE transfers SET debit_account = 'acc_w' WHERE id = 'trf_c'"),
    ("I10", "UPDATE budgets SET reserve_minor = 51"),
    ("I10", "UPDATE campaigns SET published_at = NULL"),
    ("I10", "UPDATE budgets SET auto_topped_minor = 1"),
    ("I07", "DELETE FROM earnings"),
    (
        "I07",
        "DROP INDEX earnings_one_live; INSERT INTO earnings SELECT 'ern_2', submission_id, worker_id, mission_id, kind, amount_minor, currency, 'jrn_9', at FROM earnings",
    ),
    ("I07", "UPDATE submissions SET state = 'rejected'"),
    ("I07", "UPDATE earnings SET amount_minor = 101"),
    ("I08", "DELETE FROM confirmations"),
    ("I08", "UPDATE payouts SET state = 'sent'"),
    (
        "I08",
        "INSERT INTO payouts SELECT 'pay_2', worker_id, amount_minor, currency, destination, 'sent', approved_by, bank_reference, NULL, requested_at, NULL, updated_at, 1, NULL, 'test', 0, NULL FROM payouts",
    ),
    ("I08", "UPDATE payouts SET rail = 'bank'"),
    ("I08", "UPDATE payouts SET cost_minor = 4"),
    ("I08", "INSERT INTO late_returns VALUES ('TB-1', 'pay_1', 'AC04', '2026-03-10 09:00:00')"),
    (
        "I08",
        "INSERT INTO payout_batches VALUES ('pbt_1', 'test', 'CHF', 'approved', 2, 65, '[]', 'usr_s', '2026-03-10 09:00:00', NULL, 'usr_w', '2026-03-10 09:00:00', 0, NULL, NULL, NULL, '2026-03-10 09:00:00', 1); UPDATE payouts SET batch_id = 'pbt_1'",
    ),
    (
        "I08",
        "INSERT INTO payout_batches VALUES ('pbt_1', 'test', 'CHF', 'approved', 1, 65, '[]', 'usr_s', '2026-03-10 09:00:00', NULL, 'usr_s', '2026-03-10 09:00:00', 0, NULL, NULL, NULL, '2026-03-10 09:00:00', 1); UPDATE payouts SET batch_id = 'pbt_1'",
    ),
    (
        "I08",
        "INSERT INTO gift_codes VALUES ('gft_1', 60, 'CHF', 's', 'm', NULL, 'usr_s', '2026-03-10 09:00:00', 'pay_1', '2026-03-10 09:00:00')",
    ),
    ("I09", "UPDATE missions SET slots = 1"),
    ("I09", "UPDATE missions SET slots_held = 0"),
    ("I09", "UPDATE missions SET slots_done = 0"),
    ("I09", "UPDATE missions SET attempts_spent = 1"),
    ("I10", "UPDATE missions SET attempt_fee_minor = 31"),
    ("I10", "UPDATE missions SET state = 'closed', reward_minor = 1000"),
    ("I11", "UPDATE idempotency_keys SET response = ''"),
    ("I11", "UPDATE idempotency_keys SET response = '{\"id\":\"rsv_9\"}'"),
    ("I12", "UPDATE evidence SET size_bytes = 1"),
    ("I12", "UPDATE submission_photos SET sha256 = 'x'"),
    ("I13", "UPDATE reservations SET state = 'released' WHERE id = 'rsv_1'"),
    ("I13", "DELETE FROM events WHERE id = 'evt_3'"),
    ("I13", "UPDATE events SET to_state = 'rejected' WHERE id = 'evt_4'"),
    ("I14", "UPDATE events SET actor_id = 'usr_v' WHERE id = 'evt_1'"),
    ("I14", "DELETE FROM event_seals WHERE seq = 2"),
    ("I14", "UPDATE event_seals SET hash = 'x' WHERE seq = 2"),
    ("I15", "DELETE FROM events WHERE id = 'evt_4'"),
    ("I16", "UPDATE missions SET brand_id = 'brd_2'"),
    ("I16", "UPDATE evidence SET brand_id = 'brd_2'"),
    ("I16", "UPDATE answers SET brand_id = 'brd_2'"),
    ("I16", "UPDATE stores SET brand_id = 'brd_2'"),
    ("I16", "UPDATE products SET brand_id = 'brd_2'"),
    ("I17", "UPDATE events SET kind = 'reservation.released' WHERE id = 'evt_2'"),
    (
        "I17",
        "INSERT INTO events SELECT 'evt_9', at, actor_kind, actor_id, request_id, kind, subject, brand_id, cause, NULL, NULL, rule_version, data FROM events WHERE id = 'evt_2'",
    ),
    ("I18", "UPDATE sanctions SET text = ''"),
    ("I18", "DELETE FROM sanctions"),
    ("I18", "UPDATE decisions SET kind = 'rejected'"),
    ("I18", "UPDATE submissions SET state = 'rejected'"),
    (
        "I20",
        "INSERT INTO position_fixes VALUES ('fix_1', 'rsv_1', 'seal', 46.5, 6.6, 9, 0, '2026-03-10 09:00:00', '2026-03-10 09:00:00', 9, 'pass', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ),
    ("I21", "UPDATE selfbilling_documents SET number = 4 WHERE id = 'sbd_3'"),
    ("I21", "DELETE FROM selfbilling_documents WHERE id = 'sbd_1'"),
    ("I21", "DELETE FROM selfbilling_documents WHERE id = 'sbd_2'"),
    ("I21", "UPDATE selfbilling_documents SET amount_minor = 66 WHERE id = 'sbd_3'"),
    ("I21", "UPDATE selfbilling_documents SET original_id = 'sbd_3' WHERE id = 'sbd_2'"),
    ("I21", "UPDATE selfbilling_documents SET worker_id = 'usr_v'"),
    ("I21", "UPDATE payment_notices SET to_minor = 59"),
    ("I21", "UPDATE payment_notices SET worker_id = 'usr_v'"),
    (
        "I21",
        "INSERT INTO payouts SELECT 'pay_2', worker_id, 1, currency, destination, 'requested', NULL, NULL, NULL, requested_at, NULL, updated_at, 1, NULL, 'test', 0, NULL FROM payouts; INSERT INTO payment_notices SELECT 'pay_2', worker_id, currency, 64, 65, body, at FROM payment_notices",
    ),
    (
        "I21",
        "INSERT INTO payouts SELECT 'pay_2', worker_id, 1, currency, destination, state, approved_by, 'TB-2', NULL, requested_at, settled_at, updated_at, 1, NULL, 'test', 0, NULL FROM payouts",
    ),
    ("I21", "UPDATE users SET password_hash = 'x' WHERE id = 'usr_g'"),
    (
        "I21",
        "INSERT INTO sessions SELECT 'ses_g', id, 'phone', 'h', NULL, 1, created_at, created_at, created_at, NULL, NULL FROM users WHERE id = 'usr_g'",
    ),
    ("I21", "UPDATE users SET email = 'g@example.org' WHERE id = 'usr_g'"),
    ("I18", "INSERT INTO decision_items VALUES ('dec_1', '/n', 0, NULL, NULL, NULL)"),
];

#[test]
fn each_invariant_that_is_broken_on_purpose_is_named() {
    // One world serves all: every damage is undone by putting the file back.
    let mut books = Books::that_are_right();
    let tables: Vec<String> = diesel::dsl::sql::<diesel::sql_types::Text>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '__diesel%'",
    )
    .load(&mut books.conn)
    .unwrap();
    let copy: String =
        tables.iter().map(|t| format!("CREATE TEMP TABLE kept_{t} AS SELECT * FROM main.{t};")).collect();
    let back: String =
        tables.iter().map(|t| format!("DELETE FROM main.{t}; INSERT INTO main.{t} SELECT * FROM kept_{t};")).collect();
    books.conn.batch_execute(&copy).unwrap();
    let mut missed = Vec::new();
    for (invariant, damage) in DAMAGE {
        books.change(damage);
        let broken = books.broken();
        if !broken.iter().any(|id| id == invariant) {
            missed.push(format!("{invariant}: {damage} (named: {})", broken.join(" ")));
        }
        books.change(&back);
        assert_eq!(books.broken(), Vec::<String>::new(), "the books are right again after: {damage}");
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}

#[test]
fn a_trigger_that_is_gone_is_named() {
    let mut books = Books::that_are_right();
    books.conn.batch_execute("DROP TRIGGER transfers_no_update").unwrap();
    assert_eq!(books.broken(), ["I03"]);
}

#[test]
fn a_key_table_without_its_rule_is_named() {
    let mut books = Books::that_are_right();
    books
        .conn
        .batch_execute(
            "CREATE TABLE other AS SELECT * FROM idempotency_keys; DROP TABLE idempotency_keys;
             ALTER TABLE other RENAME TO idempotency_keys;
             INSERT INTO idempotency_keys SELECT * FROM idempotency_keys;",
        )
        .unwrap();
    assert_eq!(books.broken(), ["I19"]);
}

#[test]
fn a_photo_whose_bytes_changed_or_went_is_named() {
    let mut books = Books::that_are_right();
    let sha: String = Sha256::digest(PHOTO).iter().map(|b| format!("{b:02x}")).collect();
    let key = evidence_key(&sha);
    let other: Vec<u8> = PHOTO.iter().rev().copied().collect();
    books.runtime.block_on(books.app.blobs.put(&key, other)).unwrap();
    assert_eq!(books.broken(), ["I12"]);
    let quick = books.runtime.block_on(verify(&books.app, true)).unwrap();
    assert!(quick.iter().all(|one| one.holds()), "a quick look compares lengths only");
    books.runtime.block_on(books.app.blobs.delete(&key)).unwrap();
    assert_eq!(books.broken(), ["I12"]);
}
