"""Rasa as a library: the next step of the conversation from intents, entities and slots."""
