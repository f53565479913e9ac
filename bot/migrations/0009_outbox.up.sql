-- Addresses stand apart from what is said, each for the purpose it was given for. They are
-- encrypted; the mark is a keyed hash that recognises an address without revealing it.
CREATE TABLE addresses (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    channel text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('conversation', 'notice')),
    sealed_address bytea NOT NULL,
    mark bytea NOT NULL,
    -- The municipality's own number or name that speaks with this address.
    sender text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    -- How far a conversation's messages were turned into what is sent, and what its numbers mean.
    rendered_seq integer NOT NULL DEFAULT 0,
    sealed_menu bytea,
    full_text boolean NOT NULL DEFAULT false,
    last_in_at timestamptz
);
CREATE INDEX addresses_mark ON addresses (channel, mark);
CREATE INDEX addresses_conversation ON addresses (conversation_id);
-- One conversation at a time speaks with a phone on a number.
CREATE UNIQUE INDEX addresses_one_thread ON addresses (channel, sender, mark)
    WHERE purpose = 'conversation';

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The sender's own id of this piece: the same piece is added once.
    client_id text NOT NULL UNIQUE,
    -- Goes to the provider and comes back in its reports, also when its answer was lost.
    reference uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    address_id uuid NOT NULL REFERENCES addresses ON DELETE CASCADE,
    channel text NOT NULL,
    sealed_content bytea NOT NULL,
    parts integer NOT NULL,
    urgent boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN
        ('waiting', 'sending', 'accepted', 'sent', 'delivered', 'failed')),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    claimed_by uuid,
    claimed_until timestamptz,
    provider text,
    provider_id text,
    error text,
    -- In 1/10 000 of the account's currency, as providers count.
    cost bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_address ON outbox (address_id, id);
CREATE UNIQUE INDEX outbox_provider ON outbox (provider, provider_id)
    WHERE provider_id IS NOT NULL;

-- What a phone sent that was answered at the door; the rest is a row of messages.
CREATE TABLE arrivals (
    channel text NOT NULL,
    provider_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, provider_id)
);

-- What was sent, without to whom or what: a day, a municipality, a channel. Rows survive erasure.
CREATE TABLE channel_costs (
    day date NOT NULL,
    municipality text NOT NULL,
    channel text NOT NULL,
    messages integer NOT NULL DEFAULT 0,
    parts integer NOT NULL DEFAULT 0,
    cost bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, municipality, channel)
);

-- A row is a channel that is switched off; municipality '*' is every one.
CREATE TABLE channel_stops (
    channel text NOT NULL,
    municipality text NOT NULL,
    reason text NOT NULL,
    stopped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, municipality)
);

-- One-time codes that move or resume a conversation; only their hash is kept.
CREATE TABLE resume_codes (
    code_hash bytea PRIMARY KEY,
    municipality text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('move', 'pause')),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX resume_codes_conversation ON resume_codes (conversation_id);

-- Wrong codes by where they came from; the mark is a keyed hash.
CREATE TABLE code_attempts (
    mark bytea NOT NULL,
    tried_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX code_attempts_mark ON code_attempts (mark, tried_at);
