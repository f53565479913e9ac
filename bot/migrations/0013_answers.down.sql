DROP INDEX opening_reasons_conversation;
DROP INDEX outbox_conversation;
DROP INDEX outcomes_conversation;
DROP INDEX messages_answers;
