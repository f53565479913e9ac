-- A conversation whose time is over is hidden at once, and removed by the next sweep.
ALTER TABLE conversations ADD COLUMN keep_days integer NOT NULL DEFAULT 90;

-- The protocol of removals: how many rows of each table went; no content.
ALTER TABLE removals ADD COLUMN counts jsonb NOT NULL DEFAULT '{}';

-- Which conversations are gone for good, so that a restored copy loses them again. Hashes only.
CREATE TABLE erasures (
    id_hash bytea PRIMARY KEY,
    municipality text NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now()
);

-- Channels and topics that are switched off, and why.
CREATE TABLE switches (
    name text PRIMARY KEY,
    reason text NOT NULL,
    switched_by text NOT NULL,
    switched_at timestamptz NOT NULL DEFAULT now()
);

-- Emergency notices: public texts with a period; `municipality` null is everywhere.
CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality text,
    texts jsonb NOT NULL,
    starts_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    CHECK (ends_at > starts_at)
);
