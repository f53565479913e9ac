-- Where guides work: how much each of them takes, notes, decisions on reports of concern, and
-- families followed over time.

CREATE TABLE guide_desks (
    guide_id uuid PRIMARY KEY REFERENCES guides ON DELETE CASCADE,
    municipality text NOT NULL,
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 50),
    away_since timestamptz
);

-- A guide's own notes: never part of the conversation, erased with it.
CREATE TABLE guide_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    guide_id uuid NOT NULL REFERENCES guides,
    sealed_text bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX guide_notes_conversation ON guide_notes (conversation_id, id);

-- What a person decided about a report of concern. Nothing of the family stands here, so it is
-- kept when the conversation is erased; rows are added, never changed.
CREATE TABLE concern_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    handoff_id uuid NOT NULL,
    guide_id uuid NOT NULL,
    decision text NOT NULL CHECK (decision IN ('reports', 'asks_first', 'does_not_report')),
    steps text[] NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX concern_decisions_handoff ON concern_decisions (handoff_id, id);
CREATE TRIGGER concern_decisions_are_kept BEFORE UPDATE OR DELETE ON concern_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history();

-- A family followed for a time, by agreement. It is no case record: the notes are the family's,
-- shown to it, and emptied when the coordination ends.
CREATE TABLE families (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL UNIQUE REFERENCES conversations ON DELETE CASCADE,
    guide_id uuid NOT NULL REFERENCES guides,
    state text NOT NULL CHECK (state IN ('proposed', 'agreed', 'ended')),
    sealed_content bytea,
    version integer NOT NULL DEFAULT 1,
    next_contact date,
    until date NOT NULL,
    agreed_at timestamptz,
    agreed_text_hash text,
    ended_as text CHECK (ended_as IN ('taken_over', 'family', 'refused', 'time_over')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'ended') = (sealed_content IS NULL)),
    CHECK ((state = 'ended') = (ended_as IS NOT NULL))
);
CREATE INDEX families_of_guide ON families (municipality, guide_id, state);
