-- What a worker gives for tax: apart from the ledger, which knows pseudonymous ids, and sealed. Set at an erasure:
-- until when the law asks to keep it.
CREATE TABLE tax_profiles (
    worker_id TEXT NOT NULL PRIMARY KEY REFERENCES users(id),
    person TEXT NOT NULL,
    complete BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    keep_until TIMESTAMP
);

-- Letters about papers that a worker gets once.
CREATE TABLE paper_letters (
    worker_id TEXT NOT NULL REFERENCES users(id),
    kind TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (worker_id, kind)
);

-- What a worker is told of a payout that arrived, and which part of what was credited it paid: from_minor to to_minor,
-- counted from the first credit on, without those that were reversed. from_minor is what arrived before.
CREATE TABLE payment_notices (
    payout_id TEXT NOT NULL PRIMARY KEY REFERENCES payouts(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    currency TEXT NOT NULL,
    from_minor BIGINT NOT NULL,
    to_minor BIGINT NOT NULL,
    body TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    CHECK (from_minor >= 0 AND to_minor > from_minor)
);
CREATE INDEX payment_notices_by_worker ON payment_notices (worker_id, currency, to_minor);

-- Each time a worker accepted, or took back, that the platform writes the invoices.
CREATE TABLE selfbilling_agreements (
    worker_id TEXT NOT NULL REFERENCES users(id),
    number BIGINT NOT NULL,
    action TEXT NOT NULL,
    terms_version TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (worker_id, number),
    CHECK (action IN ('accept', 'withdraw'))
);

-- Numbered from 1 for each worker, without a gap. Who the worker is stands in selfbilling_parties.
CREATE TABLE selfbilling_documents (
    id TEXT NOT NULL PRIMARY KEY,
    worker_id TEXT NOT NULL REFERENCES users(id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    payout_id TEXT NOT NULL REFERENCES payouts(id),
    original_id TEXT REFERENCES selfbilling_documents(id),
    reason TEXT,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    body TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    UNIQUE (worker_id, number),
    CHECK (kind IN ('invoice', 'credit_note')),
    CHECK ((kind = 'credit_note') = (original_id IS NOT NULL)),
    CHECK (number > 0 AND amount_minor > 0)
);
CREATE UNIQUE INDEX selfbilling_documents_one_credit ON selfbilling_documents (original_id)
    WHERE original_id IS NOT NULL;
CREATE INDEX selfbilling_documents_by_payout ON selfbilling_documents (payout_id);

-- The worker as named in a document, sealed; goes when the law no longer asks for it and the worker was erased.
CREATE TABLE selfbilling_parties (
    document_id TEXT NOT NULL PRIMARY KEY REFERENCES selfbilling_documents(id),
    worker_id TEXT NOT NULL REFERENCES users(id),
    person TEXT NOT NULL,
    keep_until TIMESTAMP NOT NULL
);
CREATE INDEX selfbilling_parties_by_worker ON selfbilling_parties (worker_id);

-- Workers who are erased; `waived` is what they left in their balance.
CREATE TABLE erasures (
    worker_id TEXT NOT NULL PRIMARY KEY REFERENCES users(id),
    asked_by TEXT NOT NULL,
    waived TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);

CREATE TRIGGER payment_notices_no_update BEFORE UPDATE ON payment_notices
BEGIN
    SELECT RAISE(ABORT, 'payment_notices rows are never changed or deleted');
END;
CREATE TRIGGER payment_notices_no_delete BEFORE DELETE ON payment_notices
BEGIN
    SELECT RAISE(ABORT, 'payment_notices rows are never changed or deleted');
END;
CREATE TRIGGER selfbilling_agreements_no_update BEFORE UPDATE ON selfbilling_agreements
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_agreements rows are never changed or deleted');
END;
CREATE TRIGGER selfbilling_agreements_no_delete BEFORE DELETE ON selfbilling_agreements
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_agreements rows are never changed or deleted');
END;
CREATE TRIGGER selfbilling_documents_no_update BEFORE UPDATE ON selfbilling_documents
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_documents rows are never changed or deleted');
END;
CREATE TRIGGER selfbilling_documents_no_delete BEFORE DELETE ON selfbilling_documents
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_documents rows are never changed or deleted');
END;
CREATE TRIGGER erasures_no_update BEFORE UPDATE ON erasures
BEGIN
    SELECT RAISE(ABORT, 'erasures rows are never changed or deleted');
END;
CREATE TRIGGER erasures_no_delete BEFORE DELETE ON erasures
BEGIN
    SELECT RAISE(ABORT, 'erasures rows are never changed or deleted');
END;
CREATE TRIGGER selfbilling_parties_no_update BEFORE UPDATE ON selfbilling_parties
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_parties rows are never changed');
END;
CREATE TRIGGER selfbilling_parties_no_delete BEFORE DELETE ON selfbilling_parties
    WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE worker_id = OLD.worker_id)
BEGIN
    SELECT RAISE(ABORT, 'selfbilling_parties rows are deleted for workers who were erased');
END;
