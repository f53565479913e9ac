-- Each purpose and each receiver is a choice of its own; text_hash is the hash of the words shown.
-- Rows are added, never changed; they go with their conversation and only so.

ALTER TABLE consent_choices ADD COLUMN receiver text NOT NULL DEFAULT '';
ALTER TABLE consent_choices
    ADD CONSTRAINT consent_purposes
        CHECK (purpose IN ('storage', 'handoff', 'follow_up', 'messages')),
    ADD CONSTRAINT consent_answers
        CHECK (choice IN ('share', 'share_nothing', 'revoked', 'yes', 'no'));
CREATE INDEX consent_newest ON consent_choices (conversation_id, purpose, receiver, id DESC);

CREATE FUNCTION keep_consent_choices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT 1 FROM conversations WHERE id = OLD.conversation_id) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are added, never changed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER consent_choices_are_kept BEFORE UPDATE OR DELETE ON consent_choices
    FOR EACH ROW EXECUTE FUNCTION keep_consent_choices();

-- What was given on to another function, and what the parent said of it. The brief is encrypted and
-- goes when the parent takes her yes back; the row stays as her receipt.
CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    receiver text NOT NULL
        CHECK (receiver IN ('coordinator', 'school_health', 'bup', 'self')),
    state text NOT NULL CHECK (state IN ('offered', 'accepted', 'declined', 'revoked')),
    offered_by text,
    brief_version text NOT NULL,
    sealed_brief bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz
);
CREATE INDEX transfers_of ON transfers (conversation_id, created_at);
