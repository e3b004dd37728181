-- How much the evidence of a visit proves, as it was when it was assessed or decided last; no letter without photos.
CREATE TABLE grades (
    submission_id TEXT NOT NULL PRIMARY KEY REFERENCES submissions(id),
    revision BIGINT NOT NULL,
    letter TEXT CHECK (letter IN ('A', 'B', 'C', 'D')),
    reasons TEXT NOT NULL,
    photos TEXT NOT NULL,
    rule_version TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);

-- Each look at a photo: what it was told besides the bytes, and what it found. A later look never replaces one.
CREATE TABLE looks (
    evidence_id TEXT NOT NULL REFERENCES evidence(id),
    number BIGINT NOT NULL,
    rule_version TEXT NOT NULL,
    context TEXT,
    findings TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (evidence_id, number)
);
