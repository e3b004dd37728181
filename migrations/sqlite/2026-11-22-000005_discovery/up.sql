-- What a campaign asks for, and of whom: a kind, the least level, and qualifications (a JSON list of their codes).
ALTER TABLE campaigns ADD COLUMN kind TEXT NOT NULL DEFAULT 'audit';
ALTER TABLE campaigns ADD COLUMN min_level BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN qualifications TEXT NOT NULL DEFAULT '[]';

-- What a worker was found able to do.
CREATE TABLE worker_qualifications (
    worker_id TEXT NOT NULL REFERENCES users(id),
    code TEXT NOT NULL,
    granted_by TEXT NOT NULL REFERENCES users(id),
    granted_at TIMESTAMP NOT NULL,
    PRIMARY KEY (worker_id, code)
);

-- What the boards of open missions in memory must read again, noted by the database itself so that nothing is forgotten:
-- a mission, or what a worker holds and may do. Read in the order of ids, which here is the order of commits.
CREATE TABLE mission_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stamp BIGINT NOT NULL DEFAULT 0,
    mission_id TEXT,
    worker_id TEXT
);
CREATE INDEX mission_changes_by_stamp ON mission_changes (stamp);

CREATE TRIGGER missions_added AFTER INSERT ON missions BEGIN
    INSERT INTO mission_changes (mission_id) VALUES (NEW.id);
END;
CREATE TRIGGER missions_changed AFTER UPDATE ON missions BEGIN
    INSERT INTO mission_changes (mission_id) VALUES (NEW.id);
END;
CREATE TRIGGER stores_changed AFTER UPDATE ON stores BEGIN
    INSERT INTO mission_changes (mission_id)
        SELECT id FROM missions WHERE store_id = NEW.id AND state IN ('open', 'paused');
END;
CREATE TRIGGER campaigns_changed AFTER UPDATE ON campaigns BEGIN
    INSERT INTO mission_changes (mission_id) SELECT id FROM missions WHERE campaign_id = NEW.id;
END;
CREATE TRIGGER reservations_added AFTER INSERT ON reservations BEGIN
    INSERT INTO mission_changes (worker_id) VALUES (NEW.worker_id);
END;
CREATE TRIGGER reservations_changed AFTER UPDATE OF state ON reservations BEGIN
    INSERT INTO mission_changes (worker_id) VALUES (NEW.worker_id);
END;
CREATE TRIGGER submissions_decided AFTER UPDATE OF state ON submissions BEGIN
    INSERT INTO mission_changes (worker_id) VALUES (NEW.worker_id);
END;
CREATE TRIGGER qualifications_added AFTER INSERT ON worker_qualifications BEGIN
    INSERT INTO mission_changes (worker_id) VALUES (NEW.worker_id);
END;
CREATE TRIGGER qualifications_removed AFTER DELETE ON worker_qualifications BEGIN
    INSERT INTO mission_changes (worker_id) VALUES (OLD.worker_id);
END;
