-- What somebody says stands in her way on the pages. Encrypted; removed after barriers.KEPT_DAYS.
CREATE TABLE barrier_reports (
    id uuid PRIMARY KEY,
    municipality text NOT NULL,
    sealed_report bytea NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    handled_by uuid REFERENCES guides
);
CREATE INDEX barrier_reports_open ON barrier_reports (municipality, reported_at)
    WHERE handled_at IS NULL;
