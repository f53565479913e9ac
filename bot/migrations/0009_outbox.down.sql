DROP TABLE code_attempts;
DROP TABLE resume_codes;
DROP TABLE channel_stops;
DROP TABLE channel_costs;
DROP TABLE arrivals;
DROP TABLE outbox;
DROP TABLE addresses;
