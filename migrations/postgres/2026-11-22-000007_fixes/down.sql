DROP TRIGGER position_fixes_no_change ON position_fixes;
DROP FUNCTION keep_fix;
CREATE TRIGGER position_fixes_no_change BEFORE UPDATE OR DELETE ON position_fixes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP TABLE visit_tracks;
DROP INDEX reservations_by_device;
ALTER TABLE reservations DROP COLUMN reserved_elapsed_ms;
ALTER TABLE reservations DROP COLUMN device_id;
DROP INDEX position_fixes_by_fingerprint;
ALTER TABLE position_fixes DROP COLUMN fingerprint;
ALTER TABLE position_fixes DROP COLUMN client_id;
ALTER TABLE position_fixes DROP COLUMN elapsed_ms;
ALTER TABLE position_fixes DROP COLUMN provider;
ALTER TABLE position_fixes DROP COLUMN bearing_deg;
ALTER TABLE position_fixes DROP COLUMN speed_mps;
ALTER TABLE position_fixes DROP COLUMN altitude_m;
