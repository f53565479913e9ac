-- Where support was missing: counted by month, with no conversation, text or time of day.
CREATE TABLE gaps (
    municipality text NOT NULL,
    month date NOT NULL,
    need text NOT NULL,
    age_band text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('no_match', 'all_tried', 'partly', 'not_enough')),
    times integer NOT NULL DEFAULT 1,
    PRIMARY KEY (municipality, month, need, age_band, reason)
);
