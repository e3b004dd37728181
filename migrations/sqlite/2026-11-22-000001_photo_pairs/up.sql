ALTER TABLE evidence ADD COLUMN pdq_trimmed TEXT;
ALTER TABLE evidence ADD COLUMN pdq_trimmed_quality BIGINT;
ALTER TABLE evidence ADD COLUMN compared_at TIMESTAMP;
UPDATE evidence SET compared_at = checked_at WHERE checked_at IS NOT NULL;

CREATE TABLE photo_features (
    evidence_id TEXT NOT NULL PRIMARY KEY REFERENCES evidence(id),
    seq BIGINT NOT NULL,
    reservation_id TEXT NOT NULL REFERENCES reservations(id),
    store_id TEXT NOT NULL REFERENCES stores(id),
    chain TEXT,
    received_at TIMESTAMP NOT NULL,
    features TEXT NOT NULL
);
CREATE UNIQUE INDEX photo_features_in_order ON photo_features (seq);
CREATE INDEX photo_features_by_store ON photo_features (store_id, seq);
CREATE INDEX photo_features_by_chain ON photo_features (chain, seq) WHERE chain IS NOT NULL;

CREATE TABLE photo_pairs (
    evidence_id TEXT NOT NULL REFERENCES evidence(id),
    other_id TEXT NOT NULL REFERENCES evidence(id),
    code TEXT NOT NULL,
    distance BIGINT,
    symmetry BIGINT CHECK (symmetry BETWEEN 0 AND 7),
    alignment TEXT,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (evidence_id, other_id)
);
CREATE INDEX photo_pairs_by_other ON photo_pairs (other_id, evidence_id);
