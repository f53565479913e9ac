DROP TABLE opening_reasons;
DROP TABLE audit_heads;
DROP TABLE audit_log;
DROP TABLE provider_sign_ins;
DROP TABLE sign_in_attempts;
DROP TABLE backup_codes;
DELETE FROM guide_sessions WHERE step <> 'done';
DROP INDEX guide_sessions_of_guide;
ALTER TABLE guide_sessions DROP COLUMN step, DROP COLUMN acted_at, DROP COLUMN idle;
-- Accounts of a provider have no password: they are kept, and nobody can sign in to them.
UPDATE guides SET password_hash = '', disabled_at = coalesce(disabled_at, now())
    WHERE password_hash IS NULL;
DROP INDEX guides_of_provider;
ALTER TABLE guides
    DROP COLUMN roles, DROP COLUMN issuer CASCADE, DROP COLUMN subject CASCADE,
    DROP COLUMN sealed_totp, DROP COLUMN totp_since, DROP COLUMN totp_step,
    DROP COLUMN password_is_temporary, ALTER COLUMN password_hash SET NOT NULL;
