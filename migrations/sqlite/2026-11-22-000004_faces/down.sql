DROP INDEX submissions_by_decision;
ALTER TABLE evidence DROP COLUMN faces_hidden;
