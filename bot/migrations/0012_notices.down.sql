DELETE FROM addresses WHERE purpose = 'staff';
ALTER TABLE addresses DROP CONSTRAINT addresses_purpose_check;
ALTER TABLE addresses ADD CONSTRAINT addresses_purpose_check
    CHECK (purpose IN ('conversation', 'notice'));
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    call_back_id uuid UNIQUE REFERENCES call_backs ON DELETE CASCADE,
    sealed_to bytea,
    text_id text NOT NULL,
    language text NOT NULL,
    due_at timestamptz NOT NULL,
    taken_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
