"""How an action asks for a reply to be said."""

from __future__ import annotations

from typing import Any

from rasa_sdk.executor import CollectingDispatcher


def say(dispatcher: CollectingDispatcher, reply: str, **values: Any) -> None:
    """Ask for the reply with this id; wording happens after the engine."""
    dispatcher.utter_message(json_message={"reply": reply, "values": values})
