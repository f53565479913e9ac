-- What a parent wrote in her tools: the contact map, the plan, notes before a meeting, letters,
-- checklists, reminders. Encrypted, one row a tool; erased with the conversation.

CREATE TABLE kept_tools (
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    municipality text NOT NULL,
    tool text NOT NULL,
    sealed_content bytea NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, tool)
);
