-- Texts (columns named sealed_…) are encrypted before they reach the database.
-- Every table carries the municipality: no row may be read across it.

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    last_seq integer NOT NULL DEFAULT 0,
    acute_since timestamptz,
    sealed_snapshot bytea,
    snapshot_event bigint NOT NULL DEFAULT 0,
    active_loop text,
    requested_slot text,
    sealed_slots bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_last_at ON conversations (municipality, last_at);

CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    seq integer NOT NULL,
    author text NOT NULL CHECK (author IN ('parent', 'bot', 'guide', 'safety', 'system')),
    channel text NOT NULL,
    provider_id text,
    sealed_text bytea NOT NULL,
    sealed_choice bytea,
    reply_id text,
    language text NOT NULL,
    sealed_body bytea,
    name text,
    -- A guide's own id for what she wrote, so that a repeated delivery counts once.
    client_id text,
    acute boolean NOT NULL DEFAULT false,
    answers bigint REFERENCES messages ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Inbox: rows with a provider id are claimed and done, a parent's messages and the
    -- system's own (a guide gave the conversation back).
    claimed_by uuid,
    claimed_until timestamptz,
    claims integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    UNIQUE (conversation_id, seq),
    UNIQUE (conversation_id, client_id),
    CHECK ((author IN ('parent', 'system')) = (provider_id IS NOT NULL))
);
CREATE UNIQUE INDEX messages_once ON messages (channel, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX messages_inbox ON messages (id) WHERE provider_id IS NOT NULL AND done_at IS NULL;
CREATE INDEX messages_waiting ON messages (conversation_id, seq)
    WHERE provider_id IS NOT NULL AND done_at IS NULL;

CREATE TABLE tracker_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    sealed_event bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tracker_events_conversation ON tracker_events (conversation_id, id);

CREATE TABLE outcomes (
    message_id bigint PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    outcome text NOT NULL,
    level text,
    milliseconds integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE guides (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    login text NOT NULL,
    name text NOT NULL,
    function text NOT NULL CHECK (function IN ('guide', 'coordinator', 'after_hours')),
    password_hash text NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (municipality, login)
);

CREATE TABLE guide_sessions (
    token_hash bytea PRIMARY KEY,
    municipality text NOT NULL,
    guide_id uuid NOT NULL REFERENCES guides ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE handoffs (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    function text NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'waiting', 'held', 'returned', 'closed')),
    level text NOT NULL,
    language text NOT NULL,
    sealed_brief bytea,
    promised_at timestamptz,
    guide_id uuid REFERENCES guides,
    outcome text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX handoffs_one_open ON handoffs (conversation_id)
    WHERE state IN ('requested', 'waiting', 'held');
CREATE INDEX handoffs_queue ON handoffs (municipality, state, requested_at);

-- What was shown and chosen; rows are added, never changed.
CREATE TABLE consent_choices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    purpose text NOT NULL,
    choice text NOT NULL,
    information_version text NOT NULL,
    text_hash text NOT NULL,
    language text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Counts of what the sweep and parents removed; no content.
CREATE TABLE removals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('erased', 'retention')),
    conversations integer NOT NULL,
    messages integer NOT NULL,
    decision_reference text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
