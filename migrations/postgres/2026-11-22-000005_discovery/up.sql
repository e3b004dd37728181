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
-- a mission, or what a worker holds and may do. Ids are given before a commit and are seen in another order; the stamp is
-- the transaction, and everything below the oldest that still runs has been seen.
CREATE TABLE mission_changes (
    id BIGSERIAL PRIMARY KEY,
    stamp BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    mission_id TEXT,
    worker_id TEXT
);
CREATE INDEX mission_changes_by_stamp ON mission_changes (stamp);

CREATE FUNCTION note_mission() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO mission_changes (mission_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION note_store() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO mission_changes (mission_id)
        SELECT id FROM missions WHERE store_id = NEW.id AND state IN ('open', 'paused');
    RETURN NULL;
END $$;
CREATE FUNCTION note_campaign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO mission_changes (mission_id) SELECT id FROM missions WHERE campaign_id = NEW.id;
    RETURN NULL;
END $$;
CREATE FUNCTION note_worker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO mission_changes (worker_id) VALUES (OLD.worker_id);
    ELSE
        INSERT INTO mission_changes (worker_id) VALUES (NEW.worker_id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER missions_changed AFTER INSERT OR UPDATE ON missions FOR EACH ROW EXECUTE FUNCTION note_mission();
CREATE TRIGGER stores_changed AFTER UPDATE ON stores FOR EACH ROW EXECUTE FUNCTION note_store();
CREATE TRIGGER campaigns_changed AFTER UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION note_campaign();
CREATE TRIGGER reservations_changed AFTER INSERT OR UPDATE OF state ON reservations
    FOR EACH ROW EXECUTE FUNCTION note_worker();
CREATE TRIGGER submissions_decided AFTER UPDATE OF state ON submissions
    FOR EACH ROW EXECUTE FUNCTION note_worker();
CREATE TRIGGER qualifications_changed AFTER INSERT OR DELETE ON worker_qualifications
    FOR EACH ROW EXECUTE FUNCTION note_worker();
