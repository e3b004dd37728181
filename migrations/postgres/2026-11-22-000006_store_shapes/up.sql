-- Where a store is besides its pin and radius, which store a doubled one became, and corrections that check-ins propose.
ALTER TABLE stores ADD COLUMN entrance_lat DOUBLE PRECISION;
ALTER TABLE stores ADD COLUMN entrance_lon DOUBLE PRECISION;
-- A GeoJSON polygon of one ring.
ALTER TABLE stores ADD COLUMN outline TEXT;
-- When staff said where it is; from then on no import moves it.
ALTER TABLE stores ADD COLUMN placed_at TIMESTAMP;
ALTER TABLE stores ADD COLUMN merged_into TEXT REFERENCES stores(id);
CREATE INDEX stores_merged ON stores (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX reservations_by_store ON reservations (store_id, id);

CREATE TABLE store_corrections (
    id TEXT NOT NULL PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores(id),
    state TEXT NOT NULL CHECK (state IN ('proposed', 'accepted', 'rejected')),
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    pin_lat DOUBLE PRECISION NOT NULL,
    pin_lon DOUBLE PRECISION NOT NULL,
    distance_m DOUBLE PRECISION NOT NULL,
    spread_m DOUBLE PRECISION NOT NULL,
    check_ins TEXT NOT NULL,
    proposed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES users(id),
    decided_at TIMESTAMP,
    note TEXT,
    CHECK ((state = 'proposed') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180)
);
CREATE UNIQUE INDEX store_corrections_open ON store_corrections (store_id) WHERE state = 'proposed';
CREATE INDEX store_corrections_by_store ON store_corrections (store_id, id);
CREATE INDEX store_corrections_by_state ON store_corrections (state, id);
