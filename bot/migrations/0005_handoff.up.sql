-- The whole table of states (bot/handoff.py), promised times, and call-backs.

ALTER TABLE handoffs DROP CONSTRAINT handoffs_state_check;
ALTER TABLE handoffs ADD CONSTRAINT handoffs_state_check CHECK (state IN (
    'requested', 'waiting', 'offered_call_back', 'held', 'paused', 'returned', 'closed', 'expired'));
ALTER TABLE handoffs
    ADD COLUMN broken integer NOT NULL DEFAULT 0,  -- promised times that passed
    ADD COLUMN claimed_at timestamptz,             -- the first time a guide took it
    ADD COLUMN held_since timestamptz,             -- while a guide holds it
    ADD COLUMN escalated_at timestamptz;
UPDATE handoffs SET held_since = changed_at, claimed_at = changed_at WHERE state = 'held';
UPDATE handoffs SET promised_at = greatest(requested_at + interval '1 day', now())
    WHERE state IN ('requested', 'waiting') AND promised_at IS NULL;
-- Nobody waits without a promised time, and a guide speaks only where she holds.
ALTER TABLE handoffs ADD CONSTRAINT handoffs_promised CHECK (
    state NOT IN ('waiting', 'offered_call_back', 'paused') OR promised_at IS NOT NULL);
ALTER TABLE handoffs ADD CONSTRAINT handoffs_held CHECK (
    (state = 'held') = (held_since IS NOT NULL) AND (state <> 'held' OR guide_id IS NOT NULL));
DROP INDEX handoffs_one_open;
CREATE UNIQUE INDEX handoffs_one_open ON handoffs (conversation_id)
    WHERE state NOT IN ('returned', 'closed', 'expired');

-- What happened, in order; rows are added, never changed.
CREATE TABLE handoff_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handoff_id uuid NOT NULL REFERENCES handoffs ON DELETE CASCADE,
    municipality text NOT NULL,
    event text NOT NULL,
    actor text NOT NULL CHECK (actor IN ('parent', 'guide', 'bot', 'clock')),
    state text NOT NULL,
    target text NOT NULL,
    promised_before timestamptz,
    promised_at timestamptz,
    guide_id uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX handoff_events_of ON handoff_events (handoff_id, id);
CREATE INDEX handoff_events_when ON handoff_events (municipality, created_at);

-- A booked call or chat; the ticket opens its calendar file and nothing else.
CREATE TABLE call_backs (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    function text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    how text NOT NULL CHECK (how IN ('phone', 'chat')),
    ticket text NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'booked' CHECK (state IN ('booked', 'cancelled', 'done')),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (ends_at > starts_at)
);
CREATE UNIQUE INDEX call_backs_one_booked ON call_backs (conversation_id) WHERE state = 'booked';
CREATE INDEX call_backs_slots ON call_backs (municipality, function, starts_at)
    WHERE state = 'booked';

-- The number to call, sealed and apart from the conversation; removed when the call is over.
CREATE TABLE call_back_numbers (
    conversation_id uuid PRIMARY KEY REFERENCES conversations ON DELETE CASCADE,
    municipality text NOT NULL,
    sealed_number bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Neutral reminders a parent asked for, and danger nobody took, until a sender takes them.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    call_back_id uuid UNIQUE REFERENCES call_backs ON DELETE CASCADE,  -- null = an escalation
    sealed_to bytea,  -- null = the parent's own number
    text_id text NOT NULL,
    language text NOT NULL,
    due_at timestamptz NOT NULL,
    taken_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
