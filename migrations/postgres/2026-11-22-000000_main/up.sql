-- The whole schema. Twin of the other engine's file: same names, same columns, same rules.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    staff_role TEXT,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    country TEXT,
    state TEXT NOT NULL,
    email_verified_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK ((kind = 'staff') = (staff_role IS NOT NULL))
);
CREATE INDEX users_by_kind ON users (kind, id);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id),
    device TEXT NOT NULL,
    refresh_hash TEXT NOT NULL UNIQUE,
    previous_hash TEXT,
    generation BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    rotated_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    revoked_because TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE one_time_tokens (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id),
    purpose TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX one_time_tokens_by_user ON one_time_tokens (user_id);

CREATE TABLE sign_in_attempts (
    email TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at TIMESTAMP NOT NULL
);

CREATE TABLE sanctions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id),
    action TEXT NOT NULL CHECK (action IN ('suspend', 'reinstate')),
    code TEXT NOT NULL,
    text TEXT NOT NULL CHECK (length(text) > 0),
    decider_id TEXT NOT NULL REFERENCES users(id),
    rule_version TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX sanctions_by_user ON sanctions (user_id);

CREATE TABLE brands (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE members (
    brand_id TEXT NOT NULL REFERENCES brands(id),
    user_id TEXT NOT NULL REFERENCES users(id),
    role TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (brand_id, user_id)
);
CREATE UNIQUE INDEX members_one_brand_each ON members (user_id);

CREATE TABLE stores (
    id TEXT NOT NULL PRIMARY KEY,
    brand_id TEXT REFERENCES brands(id),
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    name TEXT NOT NULL,
    chain TEXT,
    street TEXT,
    housenumber TEXT,
    postcode TEXT,
    city TEXT,
    country TEXT NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    radius_m DOUBLE PRECISION NOT NULL,
    opening_hours TEXT,
    time_zone TEXT NOT NULL,
    state TEXT NOT NULL,
    paused_at TIMESTAMP,
    recheck_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180)
);
CREATE UNIQUE INDEX stores_by_source ON stores (source, source_id);
CREATE INDEX stores_by_brand ON stores (brand_id, id);
CREATE INDEX stores_by_city ON stores (city, id);
CREATE INDEX stores_by_chain ON stores (chain, id);
CREATE INDEX stores_recheck ON stores (recheck_at);

CREATE TABLE store_reports (
    id BIGSERIAL PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    submission_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    recheck BOOLEAN NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX store_reports_by_store ON store_reports (store_id, at);

CREATE TABLE products (
    id TEXT NOT NULL PRIMARY KEY,
    brand_id TEXT NOT NULL REFERENCES brands(id),
    gtin TEXT NOT NULL,
    label TEXT NOT NULL,
    name TEXT NOT NULL,
    category TEXT,
    created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX products_by_gtin ON products (brand_id, gtin);

CREATE TABLE campaigns (
    id TEXT NOT NULL PRIMARY KEY,
    brand_id TEXT NOT NULL REFERENCES brands(id),
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    currency TEXT NOT NULL,
    reward_minor BIGINT NOT NULL,
    attempt_fee_minor BIGINT NOT NULL,
    fee_bps BIGINT NOT NULL,
    slots_per_store BIGINT NOT NULL,
    on_site_minutes BIGINT NOT NULL,
    reading_minutes BIGINT NOT NULL,
    starts_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    review_days BIGINT NOT NULL,
    brief TEXT NOT NULL,
    questionnaire TEXT NOT NULL,
    loop_brands TEXT NOT NULL,
    published_at TIMESTAMP,
    closed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK (reward_minor > 0 AND attempt_fee_minor > 0 AND fee_bps >= 0 AND slots_per_store > 0 AND review_days BETWEEN 1 AND 14)
);
CREATE INDEX campaigns_by_brand ON campaigns (brand_id, id);

CREATE TABLE campaign_stores (
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    PRIMARY KEY (campaign_id, store_id)
);

CREATE TABLE campaign_products (
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    product_id TEXT NOT NULL REFERENCES products(id),
    position BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, product_id)
);

CREATE TABLE questionnaire_versions (
    id TEXT NOT NULL PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    loops TEXT NOT NULL,
    brief TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX questionnaire_versions_in_order ON questionnaire_versions (campaign_id, version);

CREATE TABLE missions (
    id TEXT NOT NULL PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    brand_id TEXT NOT NULL REFERENCES brands(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    questionnaire_id TEXT NOT NULL REFERENCES questionnaire_versions(id),
    state TEXT NOT NULL,
    slots BIGINT NOT NULL,
    slots_held BIGINT NOT NULL,
    slots_done BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    attempts_spent BIGINT NOT NULL,
    recheck_open BOOLEAN NOT NULL,
    reward_minor BIGINT NOT NULL,
    attempt_fee_minor BIGINT NOT NULL,
    fee_bps BIGINT NOT NULL,
    currency TEXT NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    starts_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK (slots_held >= 0 AND slots_done >= 0 AND slots_held + slots_done <= slots),
    CHECK (attempts_spent >= 0 AND slots_held + attempts_spent <= attempts)
);
CREATE UNIQUE INDEX missions_by_campaign ON missions (campaign_id, store_id);
CREATE INDEX missions_by_store ON missions (store_id);
CREATE INDEX missions_by_brand ON missions (brand_id);
CREATE INDEX missions_near ON missions (state, lat, lon);
CREATE INDEX missions_ending ON missions (state, ends_at);

CREATE TABLE reservations (
    id TEXT NOT NULL PRIMARY KEY,
    mission_id TEXT NOT NULL REFERENCES missions(id),
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    brand_id TEXT NOT NULL REFERENCES brands(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    questionnaire_id TEXT NOT NULL REFERENCES questionnaire_versions(id),
    state TEXT NOT NULL,
    recheck BOOLEAN NOT NULL,
    nonce TEXT NOT NULL,
    reserved_at TIMESTAMP NOT NULL,
    deadline_at TIMESTAMP NOT NULL,
    frees_at TIMESTAMP NOT NULL,
    extended BOOLEAN NOT NULL,
    checked_in_at TIMESTAMP,
    ended_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX reservations_one_live ON reservations (mission_id, worker_id) WHERE state IN ('held', 'checked_in');
CREATE INDEX reservations_by_worker ON reservations (worker_id, id);
CREATE INDEX reservations_by_mission ON reservations (mission_id, state);
CREATE INDEX reservations_to_expire ON reservations (frees_at) WHERE state IN ('held', 'checked_in');

CREATE TABLE position_fixes (
    id TEXT NOT NULL PRIMARY KEY,
    reservation_id TEXT NOT NULL REFERENCES reservations(id),
    purpose TEXT NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    accuracy_m DOUBLE PRECISION NOT NULL,
    mock BOOLEAN NOT NULL,
    at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    distance_m DOUBLE PRECISION NOT NULL,
    verdict TEXT NOT NULL
);
CREATE INDEX position_fixes_by_reservation ON position_fixes (reservation_id, id);

CREATE TABLE evidence (
    id TEXT NOT NULL PRIMARY KEY,
    reservation_id TEXT NOT NULL REFERENCES reservations(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    brand_id TEXT NOT NULL REFERENCES brands(id),
    client_id TEXT NOT NULL,
    question TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    size_bytes BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    file_name TEXT,
    capture TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    checked_at TIMESTAMP,
    check_version TEXT,
    facts TEXT,
    pdq TEXT,
    pdq_quality BIGINT,
    rendition_large TEXT,
    rendition_small TEXT,
    hash_seq BIGINT
);
CREATE UNIQUE INDEX evidence_once ON evidence (reservation_id, client_id);
CREATE INDEX evidence_by_sha256 ON evidence (sha256, id);
CREATE INDEX evidence_hashed ON evidence (hash_seq) WHERE hash_seq IS NOT NULL;

CREATE TABLE submissions (
    id TEXT NOT NULL PRIMARY KEY,
    reservation_id TEXT NOT NULL UNIQUE REFERENCES reservations(id),
    mission_id TEXT NOT NULL REFERENCES missions(id),
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    brand_id TEXT NOT NULL REFERENCES brands(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    questionnaire_id TEXT NOT NULL REFERENCES questionnaire_versions(id),
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    recheck BOOLEAN NOT NULL,
    answers TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    late BOOLEAN NOT NULL,
    photos_due_at TIMESTAMP NOT NULL,
    entered_review_at TIMESTAMP,
    review_due_at TIMESTAMP,
    correction TEXT,
    correction_due_at TIMESTAMP,
    appeal_until TIMESTAMP,
    decided_at TIMESTAMP,
    decision_id TEXT,
    risk BIGINT NOT NULL,
    claimed_by TEXT,
    claimed_until TIMESTAMP,
    holds_slot BOOLEAN NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX submissions_by_worker ON submissions (worker_id, id);
CREATE INDEX submissions_by_brand ON submissions (brand_id, state, id);
CREATE INDEX submissions_by_campaign ON submissions (campaign_id, state, id);
CREATE INDEX submissions_queue ON submissions (state, review_due_at, id);
CREATE INDEX submissions_photos_due ON submissions (state, photos_due_at);
CREATE INDEX submissions_correction_due ON submissions (state, correction_due_at);
CREATE INDEX submissions_appeal_until ON submissions (state, appeal_until);
CREATE INDEX submissions_by_mission ON submissions (mission_id);

CREATE TABLE revisions (
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    revision BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    answers TEXT NOT NULL,
    manifest TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    elapsed_ms BIGINT,
    late BOOLEAN NOT NULL,
    PRIMARY KEY (submission_id, revision)
);

CREATE TABLE submission_photos (
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    client_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    question TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    evidence_id TEXT REFERENCES evidence(id),
    PRIMARY KEY (submission_id, client_id)
);
CREATE INDEX submission_photos_by_evidence ON submission_photos (evidence_id);

CREATE TABLE findings (
    id TEXT NOT NULL PRIMARY KEY,
    reservation_id TEXT NOT NULL REFERENCES reservations(id),
    submission_id TEXT,
    evidence_id TEXT,
    revision BIGINT NOT NULL,
    item TEXT,
    code TEXT NOT NULL,
    level TEXT NOT NULL,
    finding TEXT NOT NULL,
    rule_version TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX findings_by_reservation ON findings (reservation_id, id);
CREATE INDEX findings_by_evidence ON findings (evidence_id);
CREATE INDEX findings_by_submission ON findings (submission_id, id);

CREATE TABLE assessments (
    id TEXT NOT NULL PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    revision BIGINT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('clear', 'doubt')),
    risk BIGINT NOT NULL,
    inputs TEXT NOT NULL,
    rule_version TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX assessments_by_submission ON assessments (submission_id, id);

CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decider_id TEXT REFERENCES users(id),
    second_reviewer_id TEXT REFERENCES users(id),
    reason_code TEXT,
    target TEXT,
    clause_id TEXT,
    text TEXT,
    pay_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    appeal_id TEXT,
    rule_version TEXT NOT NULL,
    inputs TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    CHECK (kind <> 'rejected' OR (decided_by = 'person' AND decider_id IS NOT NULL AND reason_code IS NOT NULL AND target IS NOT NULL AND clause_id IS NOT NULL AND length(text) > 0)),
    CHECK (decided_by <> 'rule' OR kind = 'approved'),
    CHECK (decided_by = 'person' OR decider_id IS NULL),
    CHECK (decided_by <> 'person' OR decider_id IS NOT NULL),
    CHECK (pay_minor >= 0),
    CHECK (reason_code IS NULL OR reason_code <> 'other' OR second_reviewer_id IS NOT NULL OR kind = 'needs_correction')
);
CREATE INDEX decisions_by_submission ON decisions (submission_id, id);

CREATE TABLE decision_items (
    decision_id TEXT NOT NULL REFERENCES decisions(id),
    item TEXT NOT NULL,
    accepted BOOLEAN NOT NULL,
    reason_code TEXT,
    clause_id TEXT,
    text TEXT,
    PRIMARY KEY (decision_id, item),
    CHECK (accepted OR (reason_code IS NOT NULL AND clause_id IS NOT NULL AND length(text) > 0))
);

CREATE TABLE proposals (
    submission_id TEXT NOT NULL PRIMARY KEY REFERENCES submissions(id),
    revision BIGINT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users(id),
    verdict TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);

CREATE TABLE appeals (
    id TEXT NOT NULL PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    first_decision_id TEXT NOT NULL REFERENCES decisions(id),
    due_at TIMESTAMP NOT NULL,
    decision_id TEXT,
    created_at TIMESTAMP NOT NULL,
    decided_at TIMESTAMP,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX appeals_once ON appeals (submission_id);
CREATE INDEX appeals_queue ON appeals (state, due_at, id);

CREATE TABLE answers (
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    path TEXT NOT NULL,
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    brand_id TEXT NOT NULL REFERENCES brands(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    loop_key TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    number DOUBLE PRECISION,
    amount_minor BIGINT,
    currency TEXT,
    choice TEXT,
    accepted BOOLEAN NOT NULL,
    observed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (submission_id, path)
);
CREATE INDEX answers_by_campaign ON answers (campaign_id, accepted, loop_key);
CREATE INDEX answers_by_store ON answers (campaign_id, store_id);

CREATE TABLE earnings (
    id TEXT NOT NULL PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    mission_id TEXT NOT NULL REFERENCES missions(id),
    kind TEXT NOT NULL CHECK (kind IN ('reward', 'attempt', 'partial', 'supplement')),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    journal_id TEXT NOT NULL UNIQUE,
    at TIMESTAMP NOT NULL
);
CREATE INDEX earnings_by_submission ON earnings (submission_id);
CREATE UNIQUE INDEX earnings_one_live ON earnings (submission_id) WHERE kind <> 'supplement';
CREATE UNIQUE INDEX earnings_one_supplement ON earnings (submission_id) WHERE kind = 'supplement';
CREATE INDEX earnings_by_worker ON earnings (worker_id, id);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance_minor BIGINT NOT NULL,
    CHECK (kind IN ('funding', 'paid_out', 'refunded', 'fees') OR balance_minor >= 0)
);
CREATE UNIQUE INDEX accounts_by_owner ON accounts (owner, kind, currency);

CREATE TABLE journals (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX journals_by_subject ON journals (subject, id);

CREATE TABLE transfers (
    id TEXT NOT NULL PRIMARY KEY,
    journal_id TEXT NOT NULL REFERENCES journals(id),
    debit_account TEXT NOT NULL REFERENCES accounts(id),
    credit_account TEXT NOT NULL REFERENCES accounts(id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    CHECK (debit_account <> credit_account)
);
CREATE INDEX transfers_by_debit ON transfers (debit_account, id);
CREATE INDEX transfers_by_credit ON transfers (credit_account, id);
CREATE INDEX transfers_by_journal ON transfers (journal_id);

CREATE TABLE payouts (
    id TEXT NOT NULL PRIMARY KEY,
    worker_id TEXT NOT NULL REFERENCES users(id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    approved_by TEXT,
    bank_reference TEXT,
    return_reason TEXT,
    requested_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX payouts_by_worker ON payouts (worker_id, id);
CREATE INDEX payouts_by_state ON payouts (state, id);

CREATE TABLE confirmations (
    bank_reference TEXT NOT NULL PRIMARY KEY,
    payout_id TEXT NOT NULL UNIQUE REFERENCES payouts(id),
    outcome TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);

CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    response TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at TIMESTAMP NOT NULL,
    attempts BIGINT NOT NULL,
    locked_by TEXT,
    locked_until TIMESTAMP,
    last_error TEXT,
    created_at TIMESTAMP NOT NULL,
    done_at TIMESTAMP
);
CREATE UNIQUE INDEX jobs_once ON jobs (kind, subject) WHERE state IN ('ready', 'running');
CREATE INDEX jobs_ready ON jobs (state, run_at, id);

CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMP NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    request_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    brand_id TEXT,
    cause TEXT,
    from_state TEXT,
    to_state TEXT,
    rule_version TEXT,
    data TEXT NOT NULL
);
CREATE INDEX events_by_subject ON events (subject, id);

CREATE TABLE event_seals (
    seq BIGINT NOT NULL PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE REFERENCES events(id),
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE unsealed_events (
    event_id TEXT NOT NULL PRIMARY KEY REFERENCES events(id)
);

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES events(id),
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    next_at TIMESTAMP NOT NULL,
    attempts BIGINT NOT NULL,
    delivered_at TIMESTAMP,
    gave_up_at TIMESTAMP,
    last_error TEXT
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL AND gave_up_at IS NULL;
CREATE INDEX outbox_by_event ON outbox (event_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER sanctions_no_change BEFORE UPDATE OR DELETE ON sanctions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sanctions_no_truncate BEFORE TRUNCATE ON sanctions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER questionnaire_versions_no_change BEFORE UPDATE OR DELETE ON questionnaire_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER questionnaire_versions_no_truncate BEFORE TRUNCATE ON questionnaire_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER position_fixes_no_change BEFORE UPDATE OR DELETE ON position_fixes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER position_fixes_no_truncate BEFORE TRUNCATE ON position_fixes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER revisions_no_change BEFORE UPDATE OR DELETE ON revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER revisions_no_truncate BEFORE TRUNCATE ON revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER assessments_no_change BEFORE UPDATE OR DELETE ON assessments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER assessments_no_truncate BEFORE TRUNCATE ON assessments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_items_no_change BEFORE UPDATE OR DELETE ON decision_items
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_items_no_truncate BEFORE TRUNCATE ON decision_items
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER earnings_no_change BEFORE UPDATE OR DELETE ON earnings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER earnings_no_truncate BEFORE TRUNCATE ON earnings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journals_no_change BEFORE UPDATE OR DELETE ON journals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journals_no_truncate BEFORE TRUNCATE ON journals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_no_change BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_no_truncate BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER confirmations_no_change BEFORE UPDATE OR DELETE ON confirmations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER confirmations_no_truncate BEFORE TRUNCATE ON confirmations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_seals_no_change BEFORE UPDATE OR DELETE ON event_seals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_seals_no_truncate BEFORE TRUNCATE ON event_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
