-- Roles, second factor and sign-in elsewhere for the people of the console; the audit log.

ALTER TABLE guides
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}'
        CHECK (roles <@ ARRAY['guide', 'coordinator', 'editor', 'admin', 'auditor']),
    ADD COLUMN issuer text,   -- signs in with a provider: which, and as whom
    ADD COLUMN subject text,
    ADD COLUMN sealed_totp bytea,
    ADD COLUMN totp_since timestamptz,  -- null: a secret was shown but no code given yet
    ADD COLUMN totp_step bigint NOT NULL DEFAULT 0,  -- time step of the last code; counts once
    ADD COLUMN password_is_temporary boolean NOT NULL DEFAULT false,
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD CHECK ((issuer IS NULL) = (subject IS NULL)),
    ADD CHECK (password_hash IS NOT NULL OR issuer IS NOT NULL);
UPDATE guides SET roles = CASE function
    WHEN 'coordinator' THEN ARRAY['coordinator'] ELSE ARRAY['guide'] END;
CREATE UNIQUE INDEX guides_of_provider ON guides (municipality, issuer, subject)
    WHERE issuer IS NOT NULL;

-- A session counts when its step is `done`; before that it may only take the step it names.
ALTER TABLE guide_sessions
    ADD COLUMN step text NOT NULL DEFAULT 'done'
        CHECK (step IN ('code', 'password', 'enrol', 'done')),
    ADD COLUMN acted_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN idle interval NOT NULL DEFAULT '60 minutes';
CREATE INDEX guide_sessions_of_guide ON guide_sessions (guide_id);

CREATE TABLE backup_codes (
    guide_id uuid NOT NULL REFERENCES guides ON DELETE CASCADE,
    municipality text NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (guide_id, code_hash)
);

-- Attempts by the name that was given, whether or not an account has it.
CREATE TABLE sign_in_attempts (
    municipality text NOT NULL,
    login_hash bytea NOT NULL,
    attempts integer NOT NULL,
    locked_until timestamptz,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (municipality, login_hash)
);

-- A sign-in that is under way at a provider.
CREATE TABLE provider_sign_ins (
    state_hash bytea PRIMARY KEY,
    municipality text NOT NULL,
    sealed_proof bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

-- One chain a municipality: each row's hash covers the one before it.
CREATE TABLE audit_log (
    municipality text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL,
    actor uuid,  -- null: the command line or the product itself
    function text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (municipality, number)
);
CREATE INDEX audit_log_subject ON audit_log (municipality, subject);
CREATE TRIGGER audit_log_is_kept BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();

-- The newest number and hash of each chain: its row is the lock, and tells when the end is missing.
CREATE TABLE audit_heads (
    municipality text PRIMARY KEY,
    number bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TRIGGER audit_heads_are_kept BEFORE DELETE ON audit_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history();

-- What somebody wrote as her reason to open a conversation; erased with the conversation.
CREATE TABLE opening_reasons (
    municipality text NOT NULL,
    number bigint NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    sealed_note bytea NOT NULL,
    PRIMARY KEY (municipality, number)
);
