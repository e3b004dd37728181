-- Commission of one brand, or of one campaign; without a row the platform's setting holds.
CREATE TABLE fee_rates (
    owner TEXT NOT NULL PRIMARY KEY,
    fee_bps BIGINT NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
    set_by TEXT NOT NULL REFERENCES users(id),
    at TIMESTAMP NOT NULL
);

-- What a brand decided about the money of a campaign: the reserve for the pay floor (null: the
-- platform's share when it is published), how far it may top itself up, and when that is tried again after it failed.
CREATE TABLE budgets (
    campaign_id TEXT NOT NULL PRIMARY KEY REFERENCES campaigns(id),
    reserve_minor BIGINT CHECK (reserve_minor >= 0),
    auto_top_up_minor BIGINT NOT NULL CHECK (auto_top_up_minor >= 0),
    auto_topped_minor BIGINT NOT NULL CHECK (auto_topped_minor >= 0),
    updated_at TIMESTAMP NOT NULL,
    retry_at TIMESTAMP
);

-- What a worker got beside the pay of a visit: a brand's bonus, the difference to the pay floor, the platform's for
-- having been late. A visit is raised to the floor once.
CREATE TABLE bonuses (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('bonus', 'pay_floor', 'late_bonus')),
    worker_id TEXT NOT NULL REFERENCES users(id),
    brand_id TEXT REFERENCES brands(id),
    campaign_id TEXT REFERENCES campaigns(id),
    submission_id TEXT REFERENCES submissions(id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    given_by TEXT REFERENCES users(id),
    journal_id TEXT NOT NULL REFERENCES journals(id),
    at TIMESTAMP NOT NULL
);
CREATE INDEX bonuses_by_worker ON bonuses (worker_id, id);
CREATE INDEX bonuses_by_campaign ON bonuses (campaign_id, id);
CREATE INDEX bonuses_by_journal ON bonuses (journal_id);
CREATE UNIQUE INDEX bonuses_one_floor ON bonuses (submission_id) WHERE kind = 'pay_floor';

-- A journal that was wrong, and the one that undid it; once.
CREATE TABLE reversals (
    journal_id TEXT NOT NULL PRIMARY KEY REFERENCES journals(id),
    reversed_id TEXT NOT NULL UNIQUE REFERENCES journals(id),
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    decider_id TEXT NOT NULL REFERENCES users(id),
    at TIMESTAMP NOT NULL
);

-- What visits of a campaign really paid an hour, as the pay floor was looked at last.
CREATE TABLE floor_checks (
    campaign_id TEXT NOT NULL PRIMARY KEY REFERENCES campaigns(id),
    visits BIGINT NOT NULL,
    median_minutes BIGINT NOT NULL,
    hourly_minor BIGINT NOT NULL,
    difference_minor BIGINT NOT NULL,
    paid_minor BIGINT NOT NULL,
    unpaid_minor BIGINT NOT NULL,
    at TIMESTAMP NOT NULL,
    short_since TIMESTAMP
);

-- What a visit is still owed to reach the floor, as it was found: later visits do not change it. Goes when it is paid.
CREATE TABLE floor_dues (
    submission_id TEXT NOT NULL PRIMARY KEY REFERENCES submissions(id),
    campaign_id TEXT NOT NULL REFERENCES campaigns(id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX floor_dues_by_campaign ON floor_dues (campaign_id, submission_id);
CREATE INDEX submissions_paid_whole ON submissions (campaign_id, id) WHERE state = 'approved' AND outcome = 'completed';
CREATE INDEX earnings_by_time ON earnings (at, worker_id);
CREATE INDEX bonuses_by_time ON bonuses (at, worker_id);

-- What the bank held at the end of a day; a correction is a later row.
CREATE TABLE bank_balances (
    id TEXT NOT NULL PRIMARY KEY,
    day TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance_minor BIGINT NOT NULL,
    note TEXT NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES users(id),
    at TIMESTAMP NOT NULL
);
CREATE INDEX bank_balances_by_day ON bank_balances (day, currency, id);

-- Workers who were told that they come near the most that one may earn in a year.
CREATE TABLE cap_alerts (
    worker_id TEXT NOT NULL REFERENCES users(id),
    year BIGINT NOT NULL,
    currency TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (worker_id, year, currency)
);

CREATE TRIGGER bonuses_no_change BEFORE UPDATE OR DELETE ON bonuses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bonuses_no_truncate BEFORE TRUNCATE ON bonuses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reversals_no_change BEFORE UPDATE OR DELETE ON reversals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reversals_no_truncate BEFORE TRUNCATE ON reversals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bank_balances_no_change BEFORE UPDATE OR DELETE ON bank_balances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bank_balances_no_truncate BEFORE TRUNCATE ON bank_balances
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
