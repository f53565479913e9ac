"""A stand-in for the action package, so that the engine is tested without the rest."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.engine import compat

compat.prepare()
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

from bot.engine.engine import Engine, Said  # noqa: E402
from bot.engine.state import DialogueState  # noqa: E402


class StubActions(EndpointConfig):  # type: ignore[misc]
    """Answers every action with its own name, and clears slots as the product's actions do."""

    def __init__(self, failing: Iterable[str] = ()) -> None:
        super().__init__(url="stub")
        self._failing = set(failing)

    async def request(self, **kwargs: Any) -> dict[str, Any]:
        action, slots = kwargs["json"]["next_action"], kwargs["json"]["tracker"]["slots"]
        if action in self._failing:
            raise RuntimeError(action)
        cleared: list[str] = []
        if action in ("action_suggest", "action_agenda_next", "action_cry_heard"):
            cleared = ["path"]
        if action == "action_request_handoff":
            cleared = ["consent_handoff"]
            if slots["consent_handoff"] != "not_now":
                cleared.append("path")
        events = [{"event": "slot", "name": name, "value": None} for name in cleared]
        if action == "action_suggest":
            # Nothing near violence: who can see the phone need not be asked.
            events.append({"event": "slot", "name": "safe_contact", "value": "not_asked"})
        if action == "action_start_over":
            events = [{"event": "reset_slots"}]
        return {"events": events, "responses": [{"custom": {"reply": action}}]}


class Talk:
    """A conversation with the engine alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.state = DialogueState()
        self.turns = 0

    async def say(self, intent: str, **entities: Any) -> list[str]:
        self.turns += 1
        said = Said(f"message:{self.turns}", intent, 1.0, entities)
        self.decision = await self._engine.decide("talk", said, self.state)
        self.state = self.decision.state
        return [reply.id for reply in self.decision.replies]


def train(project: Path, work: Path) -> Path:
    """Train a project whose rules lie below `data` or beside the domain; the model's path."""
    from rasa.model_training import train_core

    shutil.copytree(project, work, dirs_exist_ok=True)
    stories = work / "data" if (work / "data").is_dir() else work / "rules.yml"
    model = train_core(
        domain=str(work / "domain.yml"),
        config=str(work / "config.yml"),
        stories=str(stories),
        output=str(work / "models"),
        fixed_model_name="lotsa",
    )
    return Path(str(model))
