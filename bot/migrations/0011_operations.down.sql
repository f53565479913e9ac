DROP TABLE notices;
DROP TABLE switches;
DROP TABLE erasures;
ALTER TABLE removals DROP COLUMN counts;
ALTER TABLE conversations DROP COLUMN keep_days;
