DROP TABLE store_corrections;
DROP INDEX reservations_by_store;
DROP INDEX stores_merged;
ALTER TABLE stores DROP COLUMN merged_into;
ALTER TABLE stores DROP COLUMN placed_at;
ALTER TABLE stores DROP COLUMN outline;
ALTER TABLE stores DROP COLUMN entrance_lon;
ALTER TABLE stores DROP COLUMN entrance_lat;
