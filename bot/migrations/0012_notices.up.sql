-- The outbox holds every notice. What lay in the earlier table was read by no sender.
DROP TABLE notifications;
-- An address of whoever is told that danger waits is not the parent's.
ALTER TABLE addresses DROP CONSTRAINT addresses_purpose_check;
ALTER TABLE addresses ADD CONSTRAINT addresses_purpose_check
    CHECK (purpose IN ('conversation', 'notice', 'staff'));
