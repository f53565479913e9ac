-- What guides changed in the catalogue. Public facts, so nothing is encrypted; rows are added,
-- never changed: the newest of an entry is in force, the older ones are its history.

CREATE TABLE catalogue_edits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    layer text NOT NULL,
    service_id text NOT NULL,
    entry jsonb,  -- the whole entry from now on; null = withdrawn
    before jsonb,  -- the whole entry until now; null = there was none
    changed_by text NOT NULL,
    guide_id uuid,
    note text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (entry IS NOT NULL OR before IS NOT NULL)
);
CREATE INDEX catalogue_edits_newest ON catalogue_edits (service_id, id DESC);

CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are added, never changed', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER catalogue_edits_are_kept BEFORE UPDATE OR DELETE ON catalogue_edits
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history();
