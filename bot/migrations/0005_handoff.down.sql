DROP TABLE notifications;
DROP TABLE call_back_numbers;
DROP TABLE call_backs;
DROP TABLE handoff_events;
DROP INDEX handoffs_one_open;
ALTER TABLE handoffs DROP CONSTRAINT handoffs_held;
ALTER TABLE handoffs DROP CONSTRAINT handoffs_promised;
ALTER TABLE handoffs DROP CONSTRAINT handoffs_state_check;
UPDATE handoffs SET state = 'waiting' WHERE state IN ('offered_call_back', 'paused');
UPDATE handoffs SET state = 'closed' WHERE state = 'expired';
ALTER TABLE handoffs ADD CONSTRAINT handoffs_state_check
    CHECK (state IN ('requested', 'waiting', 'held', 'returned', 'closed'));
ALTER TABLE handoffs
    DROP COLUMN broken, DROP COLUMN claimed_at, DROP COLUMN held_since, DROP COLUMN escalated_at;
CREATE UNIQUE INDEX handoffs_one_open ON handoffs (conversation_id)
    WHERE state IN ('requested', 'waiting', 'held');
