"""What went wrong and right in a simulated conversation, read from what the parent saw."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from channels.simulation.parent import AGES, WANT_PERSON, Act
from channels.simulation.personas import Persona
from channels.simulation.screen import Answer, Message, Screen
from channels.simulation.talk import Exchange, Transcript

MOST_CARDS = 3
MOST_QUESTIONS = 10  # a conversation; those about consent, safety and order are no such questions
ANSWERS = frozenset({"answer", "skip", "dont_know"})
ASIDES = frozenset({"consent_handoff", "safe_contact", "agenda_first", "path"})
# Asked anew on purpose: when a person is wanted, when more is told, until the phone is safe.
ASKED_ANEW = frozenset({"consent_handoff", "path", "safe_contact"})
FAREWELLS = frozenset({"enough", "thanks"})
OFFERS = ("utter_offer_", "utter_handoff_")
# Each must be 0: what a parent should never meet.
FAULTS = (
    "repeated",
    "asked_told",
    "forgotten",
    "dead_ends",
    "empty",
    "crowded",
    "too_many_cards",
    "too_many_questions",
    "no_reason",
    "no_person",
    "never_closed",
    "errors",
)
KindsOf = Callable[[Message], frozenset[str]]


@dataclass
class Outcome:
    """One conversation in figures."""

    persona: str
    seed: int
    reached: bool
    level_right: bool | None  # None where no level was shown
    turns: int
    questions: int
    suggestions: int
    misread: int  # typed answers after which the same question came again
    left_because: str | None
    milliseconds: list[float]
    faults: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, fault: str, turn: int, words: str) -> None:
        """Count a fault, and where."""
        self.faults[fault] = self.faults.get(fault, 0) + 1
        self.notes.append(f"{self.persona}/{self.seed} turn {turn}: {fault} {words}")


def measure(transcript: Transcript, kinds_of: KindsOf) -> Outcome:
    """The figures of a conversation; `kinds_of` gives the kinds of support of a message."""
    exchanges = transcript.exchanges[1:]
    screens = [Screen(exchange.answer.messages) for exchange in exchanges]
    asked = _asked(exchanges)
    outcome = Outcome(
        persona=transcript.persona.id,
        seed=transcript.seed,
        reached=_is_reached(transcript.persona, exchanges, kinds_of),
        level_right=_is_level_right(transcript.persona, screens),
        turns=len(exchanges),
        questions=len({key for key in asked if key[0] not in ASIDES}),
        suggestions=sum(len(screen.cards) for screen in screens),
        misread=0,
        left_because=transcript.left_because,
        milliseconds=[exchange.answer.milliseconds for exchange in exchanges],
    )
    _count_repeats(outcome, exchanges)
    _count_told(outcome, transcript)
    for turn, exchange in enumerate(transcript.exchanges):
        _count_answer(outcome, turn, exchange)
    if not outcome.reached:
        outcome.notes.append(f"{outcome.persona}/{outcome.seed}: no goal, {outcome.left_because}")
    if outcome.level_right is False:
        outcome.notes.append(f"{outcome.persona}/{outcome.seed}: another level than the right")
    if outcome.questions > MOST_QUESTIONS:
        outcome.note("too_many_questions", outcome.turns, str(outcome.questions))
    is_closed = any(screen.asks_enough() for screen in screens)
    if outcome.suggestions and not is_closed and transcript.left_because != "handed over":
        outcome.note("never_closed", outcome.turns, str(transcript.left_because))
    return outcome


def _asked(exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    return [_key(q) for e in exchanges for q in Screen(e.answer.messages).questions]


def _key(message: Message) -> tuple[str, str]:
    """A question: also who or what it is about, where it is asked of several."""
    name = str(message["question"]["id"])
    if name.startswith("how_it_goes"):
        return name, str(message["text"])
    if name == "agenda_first":
        return name, ",".join(Screen([message]).choices)
    return name, ""


def _count_repeats(outcome: Outcome, exchanges: Sequence[Exchange]) -> None:
    answered: set[tuple[str, str]] = set()
    pending: tuple[str, str] | None = None
    for turn, exchange in enumerate(exchanges, 1):
        act, screen = exchange.act, Screen(exchange.answer.messages)
        question = _key(screen.question) if screen.question else None
        if act.kind in ANSWERS and pending:
            is_misread = question == pending and act.choice is None
            if is_misread:
                outcome.misread += 1
                outcome.notes.append(f"{outcome.persona}/{outcome.seed} turn {turn}: misread {act}")
            else:
                answered.add(pending)
        if act.kind == "back" and question:
            answered.discard(question)
        if question in answered and question and question[0] not in ASKED_ANEW:
            outcome.note("repeated", turn, question[0])
        pending = question


def _count_told(outcome: Outcome, transcript: Transcript) -> None:
    """Asks what the first message told; a summary without an age that was told."""
    told = dict(transcript.shown_first)
    for turn, exchange in enumerate(transcript.exchanges[1:], 1):
        act, screen = exchange.act, Screen(exchange.answer.messages)
        if act.about in AGES:
            told.pop(act.about, None)
            if act.shows:
                told[act.about] = act.shows
        for question in screen.questions:
            if question["question"]["id"] in transcript.told_first:
                outcome.note("asked_told", turn, str(question["question"]["id"]))
        if "line_needs" not in screen.lines:
            continue
        missing = [age for age in told.values() if age not in screen.lines.get("line_age", "")]
        if missing:
            outcome.note("forgotten", turn, f"{missing} in {screen.lines.get('line_age')}")


def _count_answer(outcome: Outcome, turn: int, exchange: Exchange) -> None:
    """What must hold of every answer by itself."""
    answer, screen = exchange.answer, Screen(exchange.answer.messages)
    is_error = answer.status >= 400 or "utter_fixed" in _reply_ids(answer)
    checks = {
        "errors": is_error,
        "empty": any(not text.strip() for text in screen.texts),
        "crowded": len(screen.questions) > 1,
        "too_many_cards": any(len(m.get("cards", [])) > MOST_CARDS for m in screen.messages),
        "no_reason": any(_lacks_reason(message) for message in screen.messages),
        "no_person": _should_show_person(screen) and WANT_PERSON not in screen.choices,
        "dead_ends": not is_error and not _has_way_on(exchange.act, answer),
    }
    for fault, is_there in checks.items():
        if is_there:
            said = exchange.act.text or exchange.act.choice
            outcome.note(fault, turn, f"{said!r} -> {_reply_ids(answer)}")


def _reply_ids(answer: Answer) -> list[str]:
    return [str(message.get("reply_id")) for message in answer.messages]


def _lacks_reason(message: Message) -> bool:
    """A level that is said because of something says what; danger is said on its own."""
    level = message.get("level") or {"id": None}
    is_gentle = str(message.get("reply_id")).endswith(("_gently", "_brief"))
    needs_one = level["id"] == "coordinator" or (level["id"] == "guide" and not is_gentle)
    return needs_one and not level["reasons"]


def _should_show_person(screen: Screen) -> bool:
    """When help was not found or not enough, and in danger, a person is one press away."""
    silent = {"utter_no_match", "utter_not_understood"} & {
        str(message.get("reply_id")) for message in screen.messages
    }
    return screen.is_acute or screen.asks_enough() or bool(silent and not screen.question)


def _has_way_on(act: Act, answer: Answer) -> bool:
    screen = Screen(answer.messages)
    if act.kind in FAREWELLS and screen.messages:
        return True
    is_asked = any("?" in text for text in screen.texts)
    shown = screen.choices or screen.cards or screen.numbers or answer.state.get("handoff")
    links = [link for message in screen.messages for link in message.get("links", [])]
    return bool(screen.question or shown or links or is_asked)


def _is_reached(persona: Persona, exchanges: Sequence[Exchange], kinds_of: KindsOf) -> bool:
    for exchange in exchanges:
        answer = exchange.answer
        offered = any(reply.startswith(OFFERS) for reply in _reply_ids(answer))
        if persona.wants_person and (answer.state.get("handoff") or offered):
            return True
        if any(kinds_of(message) & set(persona.goals) for message in answer.messages):
            return True
    return False


def _is_level_right(persona: Persona, screens: Sequence[Screen]) -> bool | None:
    """The first level told."""
    for screen in screens:
        if screen.is_acute:
            return "acute" in persona.levels
        if screen.levels:
            return screen.levels[0]["id"] in persona.levels
    return None


@dataclass(frozen=True)
class Figures:
    """Conversations together; shares in percent."""

    outcomes: Sequence[Outcome]

    def faults(self) -> dict[str, int]:
        """Each fault with its number."""
        return {name: sum(o.faults.get(name, 0) for o in self.outcomes) for name in FAULTS}

    def as_json(self) -> dict[str, object]:
        """Every figure, and what was wrong where."""
        levels = [o.level_right for o in self.outcomes if o.level_right is not None]
        times = [ms for outcome in self.outcomes for ms in outcome.milliseconds]
        return {
            "conversations": len(self.outcomes),
            "reached": _percent([outcome.reached for outcome in self.outcomes]),
            "level_right": _percent(levels),
            "turns": _mean([o.turns for o in self.outcomes]),
            "questions": _mean([o.questions for o in self.outcomes]),
            "suggestions": _mean([o.suggestions for o in self.outcomes]),
            "misread": sum(o.misread for o in self.outcomes),
            "turn_ms": round(statistics.median(times), 1) if times else None,
            "faults": self.faults(),
            "ends": _counted([str(o.left_because) for o in self.outcomes]),
        }

    def per_persona(self) -> Mapping[str, Figures]:
        """The figures of each persona by itself."""
        names = sorted({outcome.persona for outcome in self.outcomes})
        return {n: Figures([o for o in self.outcomes if o.persona == n]) for n in names}

    def notes(self) -> list[str]:
        """Where each fault was."""
        return [note for outcome in self.outcomes for note in outcome.notes]


def _percent(values: Sequence[bool]) -> float | None:
    return round(100 * sum(values) / len(values), 1) if values else None


def _mean(values: Sequence[int]) -> float | None:
    return round(statistics.mean(values), 1) if values else None


def _counted(values: Sequence[str]) -> dict[str, int]:
    return {value: values.count(value) for value in sorted(set(values))}
