ALTER TABLE submission_photos DROP COLUMN replaced_in;
