-- How many faces were hidden in what brands see of a photo; null while nobody looked for any.
ALTER TABLE evidence ADD COLUMN faces_hidden BIGINT;
CREATE INDEX submissions_by_decision ON submissions (decided_at);
