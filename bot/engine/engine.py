"""The dialogue engine: one turn of Rasa, from what was understood to the replies and new state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.engine import compat

compat.prepare()

from rasa.core.agent import Agent, load_agent  # noqa: E402
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage  # noqa: E402
from rasa.core.utils import AvailableEndpoints  # noqa: E402
from rasa.shared.core.events import SlotSet  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

from bot.engine.actions_inprocess import InProcessActions  # noqa: E402
from bot.engine.branching import bookkeeping  # noqa: E402
from bot.engine.compile import REFUSALS, Policy  # noqa: E402
from bot.engine.reply import ReplyRequest  # noqa: E402
from bot.engine.state import DialogueState  # noqa: E402
from bot.engine.tracker import TurnTrackers, fold  # noqa: E402
from bot.engine.turn import Decision, EngineError, Said  # noqa: E402

# Intents that answer the open question, or tell what another one would ask.
_ANSWERING = frozenset({"answer", "tell", "affirm", "deny", "danger_told", *REFUSALS})


class Engine:
    """A loaded Rasa model with in-process actions and no storage of its own."""

    def __init__(self, agent: Agent, trackers: TurnTrackers, policy: Policy | None) -> None:
        self._agent = agent
        self._trackers = trackers
        self._policy = policy

    @classmethod
    async def load(
        cls, model: Path, actions: EndpointConfig | str, policy: Policy | None = None
    ) -> Engine:
        """Load the trained model; `actions` is the package of custom actions.

        `policy` says which questions are needless; without it every question is asked.

        Raises FileNotFoundError when the model is missing, EngineError when Rasa cannot load it.
        """
        if not model.is_file():
            raise FileNotFoundError(f"{model} is missing: run `lotsa train`")
        endpoint = InProcessActions(actions) if isinstance(actions, str) else actions
        agent = await load_agent(str(model), endpoints=AvailableEndpoints(action=endpoint))
        if agent.processor is None:
            raise EngineError(f"Rasa could not load {model}: run `lotsa train`")
        # Set here and not through the endpoints: Rasa would wrap it in FailSafeTrackerStore, which
        # hides a failing save and restarts the conversation on a failing read.
        trackers = TurnTrackers(agent.processor.domain)
        agent.processor.tracker_store = trackers
        return cls(agent, trackers, policy)

    async def decide(self, conversation: str, said: Said, state: DialogueState) -> Decision:
        """One turn. Raises EngineError when Rasa fails; an empty answer is the caller's to fill."""
        tracker = self._trackers.open(conversation, state)
        before = len(tracker.events)
        if self._policy is not None:
            slots, loop = tracker.current_slot_values(), tracker.active_loop_name
            kept = bookkeeping(self._policy, slots, said.entities, said.intent, loop)
            said = replace(said, entities={**said.entities, **kept})
            aside = self._aside(said, tracker)
            for name in aside:
                tracker.update(SlotSet(name, said.entities[name]))
            rest = {name: value for name, value in said.entities.items() if name not in aside}
            said = replace(said, entities=rest)
        channel = CollectingOutputChannel()
        try:
            await self._agent.handle_message(_user_message(conversation, said, channel))
            after = await self._trackers.retrieve(conversation)
        except Exception as error:
            raise EngineError(type(error).__name__) from error
        finally:
            self._trackers.close(conversation)
        if after is None:
            raise EngineError("the tracker was lost")
        new = list(after.events)[before:]
        return Decision(
            replies=tuple(_reply(message) for message in channel.messages),
            events=tuple(event.as_dict() for event in new),
            state=fold(after, state, new),
            slots=after.current_slot_values(),
            active_loop=after.active_loop_name,
        )

    def _aside(self, said: Said, tracker: DialogueStateTracker) -> list[str]:
        """What is told beside a wish or a question of her own and fills the open form elsewhere.

        It is put in its slots beforehand: a form that is given an answer asks on, and what she
        wants would never be heard.
        """
        if self._policy is None or said.intent in _ANSWERING or not tracker.active_loop_name:
            return []
        questions = self._policy.forms().get(tracker.active_loop_name, [])
        open_one = tracker.get_slot("requested_slot")
        return [name for name in questions if name in said.entities and name != open_one]


def _user_message(conversation: str, said: Said, channel: CollectingOutputChannel) -> UserMessage:
    """A message that is already parsed, so that no text can act as a Rasa command."""
    parsed = {
        "text": said.reference,
        "intent": {"name": said.intent, "confidence": said.confidence},
        "intent_ranking": [{"name": said.intent, "confidence": said.confidence}],
        "entities": [
            {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "lotsa"}
            for name, value in said.entities.items()
        ],
    }
    return UserMessage(
        text=said.reference,
        output_channel=channel,
        sender_id=conversation,
        parse_data=parsed,
        message_id=said.reference,
    )


def _reply(message: Mapping[str, Any]) -> ReplyRequest:
    custom = message.get("custom")
    if custom:
        return ReplyRequest(custom["reply"], custom.get("values", {}))
    return ReplyRequest(message["text"])
