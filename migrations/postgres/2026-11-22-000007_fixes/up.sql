-- What else a phone says of a position, which photo it was sent with, and a fingerprint of all its digits.
ALTER TABLE position_fixes ADD COLUMN altitude_m DOUBLE PRECISION;
ALTER TABLE position_fixes ADD COLUMN speed_mps DOUBLE PRECISION;
ALTER TABLE position_fixes ADD COLUMN bearing_deg DOUBLE PRECISION;
ALTER TABLE position_fixes ADD COLUMN provider TEXT;
ALTER TABLE position_fixes ADD COLUMN elapsed_ms BIGINT;
ALTER TABLE position_fixes ADD COLUMN client_id TEXT;
ALTER TABLE position_fixes ADD COLUMN fingerprint TEXT;
CREATE INDEX position_fixes_by_fingerprint ON position_fixes (fingerprint);

-- The phone of a visit, and its monotonic clock when the reservation was answered.
ALTER TABLE reservations ADD COLUMN device_id TEXT;
ALTER TABLE reservations ADD COLUMN reserved_elapsed_ms BIGINT;
CREATE INDEX reservations_by_device ON reservations (device_id);

-- What stays of the positions of a visit: whether it was at the store, how far away to ten metres, and the shape of the
-- way without its place.
CREATE TABLE visit_tracks (
    reservation_id TEXT NOT NULL PRIMARY KEY REFERENCES reservations(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    verdict TEXT NOT NULL,
    distance_m BIGINT NOT NULL,
    shape TEXT,
    at TIMESTAMP NOT NULL,
    fixes_dropped_at TIMESTAMP
);
CREATE INDEX visit_tracks_by_store ON visit_tracks (store_id, at);
CREATE INDEX visit_tracks_by_worker ON visit_tracks (worker_id, at);

-- Exact positions are kept as they were sent, until the visit says that they were dropped.
CREATE FUNCTION keep_fix() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT 1 FROM visit_tracks WHERE reservation_id = OLD.reservation_id AND fixes_dropped_at IS NOT NULL
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'position_fixes rows are never changed or deleted';
END $$;
DROP TRIGGER position_fixes_no_change ON position_fixes;
CREATE TRIGGER position_fixes_no_change BEFORE UPDATE OR DELETE ON position_fixes
    FOR EACH ROW EXECUTE FUNCTION keep_fix();
