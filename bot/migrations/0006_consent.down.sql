DROP TABLE transfers;
DROP TRIGGER consent_choices_are_kept ON consent_choices;
DROP FUNCTION keep_consent_choices();
DROP INDEX consent_newest;
ALTER TABLE consent_choices DROP CONSTRAINT consent_purposes, DROP CONSTRAINT consent_answers;
ALTER TABLE consent_choices DROP COLUMN receiver;
