-- Whether a message has its answer is asked in every turn. Without an index behind it, that and the
-- removal of a conversation took longer the more conversations were kept.
CREATE INDEX messages_answers ON messages (answers) WHERE answers IS NOT NULL;
CREATE INDEX outcomes_conversation ON outcomes (conversation_id);
CREATE INDEX outbox_conversation ON outbox (conversation_id);
CREATE INDEX opening_reasons_conversation ON opening_reasons (conversation_id);
