-- The revision in which a photo was replaced by another one of the same question; null while it counts.
ALTER TABLE submission_photos ADD COLUMN replaced_in BIGINT;
