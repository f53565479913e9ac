"""A parent, two guides and a clock, doing whatever the table lets them in any order."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.handoff import (
    ENDS,
    PROMISED,
    STEPS,
    SUMS_UP,
    Actor,
    Event,
    Step,
    Stretch,
    TransitionError,
    after,
    bot_speaks,
)

NOW = dt.datetime(2026, 11, 24, 22, 40, tzinfo=dt.UTC)
GUIDES = (uuid4(), uuid4())
ENOUGH = 6  # events of the clock alone that end any stretch


class Store:
    """One conversation's stretches in memory: a move holds against what was read, or fails."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []

    def read(self) -> Stretch | None:
        return self.stretches[-1] if self.stretches else None

    def ask(self, promised_at: dt.datetime, *, is_offered: bool) -> bool:
        if self.stretches and self.stretches[-1].state not in ENDS:
            return False
        event: Event = "offered" if is_offered else "queued"
        self.stretches.append(after(Stretch(), event, promised_at=promised_at))
        return True

    def move(
        self,
        seen: Stretch,
        event: Event,
        actor: Actor,
        guide: UUID | None,
        promised_at: dt.datetime | None,
    ) -> None:
        then = after(seen, event, guide=guide, promised_at=promised_at, actor=actor)
        if self.stretches[-1] != seen:
            raise TransitionError("somebody else was first")
        self.stretches[-1] = then


class Handoffs(RuleBasedStateMachine):
    """What holds after every event, whoever did it."""

    def __init__(self, store: Store | None = None) -> None:
        super().__init__()
        self.store = store or Store()
        self.now = NOW
        self.said_by_bot_while_held = 0
        self.paused_at: int | None = None  # the question where a guide took over
        self.question = 0  # where the assistant is
        self.summed_up: list[int] = []

    @property
    def here(self) -> Stretch | None:
        return self.store.read()

    @property
    def is_open(self) -> bool:
        return self.here is not None and self.here.state not in ENDS

    @initialize()
    def the_parent_writes(self) -> None:
        self.question = 1

    @rule(is_offered=st.booleans(), minutes=st.integers(1, 5000))
    def the_parent_asks_for_a_person(self, is_offered: bool, minutes: int) -> None:
        was_open = self.is_open
        made = self.store.ask(self._in(minutes), is_offered=is_offered)
        assert made is not was_open
        if made:
            self.paused_at = self.question

    @rule()
    def the_parent_writes_something(self) -> None:
        """The assistant answers, and asks the next question, exactly where no guide holds."""
        if self.here is None or bot_speaks(self.here.state):
            self.question += 1
            self.said_by_bot_while_held += self.here is not None and self.here.state == "held"
            if self.paused_at is not None and self.is_open:
                self.paused_at = self.question

    @precondition(lambda self: self.is_open)
    @rule(data=st.data(), minutes=st.integers(1, 5000))
    def somebody_does_something(self, data: st.DataObject, minutes: int) -> None:
        possible = [one for one in STEPS if one.state == self.here.state]  # type: ignore[union-attr]
        self._do(data.draw(st.sampled_from(possible)), data.draw(st.sampled_from(GUIDES)), minutes)

    @precondition(lambda self: self.is_open)
    @rule(one=st.sampled_from(STEPS), actor=st.sampled_from(["parent", "guide", "bot", "clock"]))
    def somebody_tries_what_is_not_theirs(self, one: Step, actor: Actor) -> None:
        seen = self.here
        assert seen is not None
        rows = [row for row in STEPS if (row.state, row.event) == (seen.state, one.event)]
        if rows and rows[0].actor == actor:
            return
        try:
            self.store.move(seen, one.event, actor, GUIDES[0], self._in(60))
        except TransitionError:
            assert self.here == seen
            return
        raise AssertionError(f"{actor} could do {one.event} while {seen.state}")

    @precondition(lambda self: self.is_open)
    @rule(order=st.permutations(GUIDES))
    def both_guides_claim_at_once(self, order: list[UUID]) -> None:
        seen = self.here
        assert seen is not None
        won = []
        for guide in order:
            try:
                self.store.move(seen, "claimed", "guide", guide, None)
                won.append(guide)
            except TransitionError:
                continue
        if seen.state in ("waiting", "offered_call_back", "paused"):
            assert won == [order[0]]
            assert self.here is not None
            assert self.here.guide == order[0]
        else:
            assert won == []

    @precondition(lambda self: self.is_open)
    @rule(person=st.booleans())
    def the_parent_chooses_bot_or_person(self, person: bool) -> None:
        """Whatever the state, one step of hers leads to the one she wants."""
        seen = self.here
        assert seen is not None
        hers = {one.event: one for one in STEPS if (one.state, one.actor) == (seen.state, "parent")}
        if person:
            assert seen.state in ("waiting", "held") or "rather_waits" in hers
            return
        self._do(hers["back_to_bot"], GUIDES[0], 1)
        assert self.here is not None
        assert bot_speaks(self.here.state)
        assert self.summed_up[-1] == self.question

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        """The clock says so where a promised time has passed, and gives a new one."""
        self.now += dt.timedelta(minutes=minutes)
        seen = self.here
        if seen is None or seen.state not in PROMISED:
            return
        assert seen.promised_at is not None
        if seen.promised_at <= self.now:
            self.store.move(seen, "promise_passed", "clock", None, self._in(60))
            assert self.here is not None
            assert self.here.broken == seen.broken + 1

    @invariant()
    def nobody_waits_without_a_time(self) -> None:
        if self.here is not None and self.here.state in PROMISED:
            assert self.here.promised_at is not None

    @invariant()
    def a_guide_holds_or_the_assistant_speaks(self) -> None:
        if self.here is not None:
            assert bot_speaks(self.here.state) is (self.here.state != "held")
            assert (self.here.state != "held") or self.here.guide in GUIDES
        assert self.said_by_bot_while_held == 0

    def teardown(self) -> None:
        """When everybody goes home, the clock alone ends the stretch."""
        for _ in range(ENOUGH):
            if not self.is_open:
                return
            by_clock = [
                one
                for one in STEPS
                if (one.state, one.actor) == (self.here.state, "clock")  # type: ignore[union-attr]
            ]
            last = next((one for one in by_clock if one.target in ENDS), by_clock[0])
            self._do(last, GUIDES[0], 60)
        assert not self.is_open

    def _in(self, minutes: int) -> dt.datetime:
        return self.now + dt.timedelta(minutes=minutes)

    def _do(self, one: Step, guide: UUID, minutes: int) -> None:
        seen = self.here
        assert seen is not None
        self.store.move(seen, one.event, one.actor, guide, self._in(minutes))
        if one.event in SUMS_UP:
            assert self.paused_at == self.question, "goes on where it was"
            self.summed_up.append(self.question)
