-- A visit or a video meeting that a guide and a parent have agreed on. Where it is, sealed.
ALTER TABLE call_backs DROP CONSTRAINT call_backs_how_check;
ALTER TABLE call_backs ADD CONSTRAINT call_backs_how_check
    CHECK (how IN ('phone', 'chat', 'visit', 'video'));
ALTER TABLE call_backs
    ADD COLUMN guide_id uuid REFERENCES guides,  -- null = whoever is on duty then
    ADD COLUMN interpreter text,                 -- language; null = none is needed
    ADD COLUMN sealed_place bytea;
CREATE INDEX call_backs_of_guide ON call_backs (guide_id, starts_at) WHERE state = 'booked';

-- "How did it go", asked on a day; whether the parent wants it is asked once more when it is due.
CREATE TABLE follow_ups (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    guide_id uuid NOT NULL REFERENCES guides,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'asked', 'not_asked')),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX follow_ups_one_waiting ON follow_ups (conversation_id) WHERE state = 'waiting';
CREATE INDEX follow_ups_due ON follow_ups (due_at) WHERE state = 'waiting';
