DROP TABLE catalogue_edits;
DROP FUNCTION refuse_to_rewrite_history;
