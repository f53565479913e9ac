DROP TABLE follow_ups;
DELETE FROM call_backs WHERE how IN ('visit', 'video');
DROP INDEX call_backs_of_guide;
ALTER TABLE call_backs DROP COLUMN guide_id, DROP COLUMN interpreter, DROP COLUMN sealed_place;
ALTER TABLE call_backs DROP CONSTRAINT call_backs_how_check;
ALTER TABLE call_backs ADD CONSTRAINT call_backs_how_check CHECK (how IN ('phone', 'chat'));
