DROP TABLE photo_pairs;
DROP TABLE photo_features;
ALTER TABLE evidence DROP COLUMN compared_at;
ALTER TABLE evidence DROP COLUMN pdq_trimmed_quality;
ALTER TABLE evidence DROP COLUMN pdq_trimmed;
