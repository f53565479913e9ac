"""The dialogue state between turns: events in, events out, no I/O while Rasa thinks.

Rasa's cost grows with the number of events, so a long conversation is kept as a snapshot (slots and
active form) and a bounded tail of events. The active form must be part of the snapshot: without it
Rasa submitted half-filled forms in a trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.state import DialogueState, EventDict, Snapshot

LONGEST_TAIL = 160  # events; above it the oldest whole turns fold into the snapshot
KEPT_TAIL = 80


class TurnTrackers(TrackerStore):
    """Holds the trackers of the turns being decided; reading and saving never fail or block."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._trackers: dict[str, DialogueStateTracker] = {}

    def open(self, conversation: str, state: DialogueState) -> DialogueStateTracker:
        """Rebuild the tracker of a conversation from its state."""
        tracker = self.init_tracker(conversation)
        events = [*_snapshot_events(state.snapshot), *_parsed(state.tail)]
        for event in events:
            tracker.update(event, self.domain)
        self._trackers[conversation] = tracker
        return tracker

    def close(self, conversation: str) -> None:
        """Forget the tracker; the turn has been read from it."""
        self._trackers.pop(conversation, None)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        return self._trackers.get(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        self._trackers[tracker.sender_id] = tracker

    async def keys(self) -> Iterable[str]:
        return list(self._trackers)


def fold(
    tracker: DialogueStateTracker, state: DialogueState, new: Sequence[Event]
) -> DialogueState:
    """The state after a turn, with old turns folded into the snapshot when the tail is long."""
    tail = (*state.tail, *(event.as_dict() for event in new))
    if len(tail) <= LONGEST_TAIL:
        return DialogueState(state.snapshot, tail)
    cut = _turn_border(tail, len(tail) - KEPT_TAIL)
    before = DialogueStateTracker(tracker.sender_id, tracker.slots.values())
    for event in [*_snapshot_events(state.snapshot), *_parsed(tail[:cut])]:
        before.update(event)
    return DialogueState(take_snapshot(before), tail[cut:])


def take_snapshot(tracker: DialogueStateTracker) -> Snapshot:
    """Slots that hold something and the active form."""
    slots = {
        name: value for name, value in tracker.current_slot_values().items() if value is not None
    }
    return Snapshot(slots, tracker.active_loop_name)


def _turn_border(tail: Sequence[EventDict], wanted: int) -> int:
    """Index just after the first `action_listen` at or beyond `wanted`."""
    for index in range(wanted, len(tail)):
        if tail[index].get("name") == "action_listen":
            return index + 1
    return 0


def _snapshot_events(snapshot: Snapshot | None) -> list[Event]:
    if snapshot is None:
        return []
    slots = [SlotSet(name, value) for name, value in snapshot.slots.items()]
    loop = [ActiveLoop(snapshot.active_loop)] if snapshot.active_loop else []
    start = [ActionExecuted("action_session_start"), SessionStarted()]
    return [*start, ActionExecuted("action_listen"), *slots, *loop, ActionExecuted("action_listen")]


def _parsed(events: Sequence[EventDict]) -> list[Event]:
    return [event for raw in events if (event := Event.from_parameters(dict(raw))) is not None]
