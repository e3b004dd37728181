-- Where a worker's money goes: sealed, shown masked, and held for a while before it is paid to. The mark finds accounts that
-- several workers share.
CREATE TABLE payout_methods (
    id TEXT NOT NULL PRIMARY KEY,
    worker_id TEXT NOT NULL REFERENCES users(id),
    rail TEXT NOT NULL,
    sealed TEXT NOT NULL,
    mark TEXT NOT NULL,
    masked TEXT NOT NULL,
    country TEXT,
    payable_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL,
    removed_at TIMESTAMP
);
CREATE INDEX payout_methods_by_worker ON payout_methods (worker_id, id);
CREATE INDEX payout_methods_by_mark ON payout_methods (mark);

-- Whether a worker is paid every day or on request, and to where.
CREATE TABLE payout_choices (
    worker_id TEXT NOT NULL PRIMARY KEY REFERENCES users(id),
    method_id TEXT NOT NULL REFERENCES payout_methods(id),
    automatic BOOLEAN NOT NULL,
    next_run_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX payout_choices_due ON payout_choices (automatic, next_run_at);

-- Payouts of one rail and currency that go out together, let go by two people. The file is kept as it was approved.
CREATE TABLE payout_batches (
    id TEXT NOT NULL PRIMARY KEY,
    rail TEXT NOT NULL,
    currency TEXT NOT NULL,
    state TEXT NOT NULL,
    items BIGINT NOT NULL CHECK (items >= 0),
    total_minor BIGINT NOT NULL CHECK (total_minor >= 0),
    doubts TEXT NOT NULL,
    prepared_by TEXT NOT NULL REFERENCES users(id),
    prepared_at TIMESTAMP NOT NULL,
    checked_by TEXT REFERENCES users(id),
    approved_by TEXT REFERENCES users(id),
    approved_at TIMESTAMP,
    stepped_up BOOLEAN NOT NULL,
    sealed_file TEXT,
    file_sha256 TEXT,
    file_taken_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK (approved_by IS NULL OR approved_by <> prepared_by)
);
CREATE INDEX payout_batches_by_state ON payout_batches (state, id);

-- Before there were rails every payout went to the test bank.
ALTER TABLE payouts ADD COLUMN method_id TEXT;
ALTER TABLE payouts ADD COLUMN rail TEXT NOT NULL DEFAULT 'test';
ALTER TABLE payouts ADD COLUMN cost_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payouts ADD COLUMN batch_id TEXT;
CREATE INDEX payouts_by_batch ON payouts (batch_id);

-- A bank may send back what it had settled.
CREATE TABLE late_returns (
    bank_reference TEXT NOT NULL PRIMARY KEY,
    payout_id TEXT NOT NULL UNIQUE REFERENCES payouts(id),
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);

-- What banks told, file by file and line by line; a line that fits no payout is listed and moves nothing.
CREATE TABLE bank_files (
    id TEXT NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    message_id TEXT NOT NULL,
    imported_by TEXT NOT NULL REFERENCES users(id),
    imported_at TIMESTAMP NOT NULL
);

CREATE TABLE bank_entries (
    id TEXT NOT NULL PRIMARY KEY,
    file_id TEXT NOT NULL REFERENCES bank_files(id),
    end_to_end_id TEXT,
    bank_reference TEXT,
    item_reference TEXT,
    word TEXT NOT NULL,
    reason TEXT,
    amount_minor BIGINT,
    currency TEXT,
    payout_id TEXT REFERENCES payouts(id),
    result TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX bank_entries_by_file ON bank_entries (file_id, id);
CREATE INDEX bank_entries_by_result ON bank_entries (result, id);

-- What one person of finance says that a rail did, and another confirms. Good only while the payout is as it was.
CREATE TABLE payout_words (
    id TEXT NOT NULL PRIMARY KEY,
    payout_id TEXT NOT NULL REFERENCES payouts(id),
    payout_version BIGINT NOT NULL,
    said TEXT NOT NULL,
    evidence TEXT NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES users(id),
    proposed_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES users(id),
    confirmed_at TIMESTAMP,
    CHECK (confirmed_by IS NULL OR confirmed_by <> proposed_by),
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL))
);
CREATE INDEX payout_words_by_payout ON payout_words (payout_id, id);

-- Codes that were bought: sealed, and given to one payout each.
CREATE TABLE gift_codes (
    id TEXT NOT NULL PRIMARY KEY,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    sealed TEXT NOT NULL,
    mark TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMP,
    imported_by TEXT NOT NULL REFERENCES users(id),
    imported_at TIMESTAMP NOT NULL,
    payout_id TEXT UNIQUE REFERENCES payouts(id),
    given_at TIMESTAMP,
    CHECK ((payout_id IS NULL) = (given_at IS NULL))
);
CREATE INDEX gift_codes_by_amount ON gift_codes (currency, amount_minor, id);

-- Amounts of gift codes, and whether there were any when somebody last looked.
CREATE TABLE gift_faces (
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    in_stock BOOLEAN NOT NULL,
    PRIMARY KEY (currency, amount_minor)
);

-- The second factor of staff. A code is good once: the step of the last one is kept.
CREATE TABLE step_ups (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users(id),
    sealed TEXT NOT NULL,
    confirmed_at TIMESTAMP,
    last_step BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TRIGGER late_returns_no_update BEFORE UPDATE ON late_returns
BEGIN
    SELECT RAISE(ABORT, 'late_returns rows are never changed or deleted');
END;
CREATE TRIGGER late_returns_no_delete BEFORE DELETE ON late_returns
BEGIN
    SELECT RAISE(ABORT, 'late_returns rows are never changed or deleted');
END;
