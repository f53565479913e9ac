"""The simulated parent: what she does next, from what she sees, her persona and a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.simulation.personas import Child, Fact, Persona, Phrases, phrases
from channels.simulation.screen import Answer, Message, Screen

WANT_PERSON = "intent:want_person"
AGES = ("child_age", "child_age_2", "child_age_3")
QUIRKS = {"digress": 0.5, "skip": 0.3, "back": 0.15, "repeat": 0.1, "simpler": 0.1}
_MARKS = str.maketrans("åäöÅÄÖ", "aaoAAO")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing the parent does. `about` is the question answered; `shows` what it tells."""

    kind: str
    text: str | None = None
    choice: str | None = None
    about: str | None = None
    shows: str | None = None


class SimulatedParent:
    """Decides like a parent: from the answers alone. The same seed gives the same parent."""

    def __init__(self, persona: Persona, seed: int, words: Phrases | None = None) -> None:
        """`words` are what anybody says, Swedish unless given."""
        self.persona = persona
        self._words = words or phrases()
        self._is_swedish = words is None  # what the summary must say is known in Swedish
        self.left_because: str | None = None
        self._random = random.Random(f"{persona.id}:{seed}")
        self._opening = self._random.choice(persona.openings)
        self._quirks = {
            kind: self._random.randint(2, 6)
            for kind, share in QUIRKS.items()
            if self._random.random() < share
        }
        self._slip = persona.slip if self._random.random() < 0.7 else None
        self._to_correct = False
        others = [opening.say for opening in persona.openings if opening != self._opening]
        self._more = [*persona.more, *others[:1]]
        self._seen: set[str] = set()
        self._nothing_new = self._turn = 0
        self._met: set[str] = set()  # questions put to her
        self._typed: str | None = None  # the question that she answered in words
        self._asks_for_person = 0
        self._has_cards = self._closed = self._had = False

    @property
    def told_first(self) -> Sequence[str]:
        """The questions that her first message answered."""
        return self._opening.tells

    @property
    def shown_first(self) -> dict[str, str]:
        """What the summary must say because of her first message."""
        return self._opening.shows

    def open(self) -> Act:
        """Her first message."""
        return Act("tell", text=self._written(self._opening.say))

    def reply(self, answer: Answer) -> Act | None:
        """What she does about an answer; None when she leaves, `left_because` says why."""
        screen = Screen(answer.messages)
        self._turn += 1
        self._notice(screen)
        if answer.status >= 400:
            return self._leave("error")
        if answer.state.get("handoff"):
            return self._leave("handed over")
        if self._closed and not screen.question and not screen.cards:
            return self._leave("content")
        if self._turn >= self.persona.patience:
            return self._leave("out of patience")
        if self._nothing_new >= 3:
            return self._leave("nothing new")
        if screen.question:
            return self._asked(screen.question)
        if screen.is_acute:
            return self._in_danger()
        return self._not_asked(screen)

    def _notice(self, screen: Screen) -> None:
        new = set(screen.texts) - self._seen
        self._nothing_new = 0 if new else self._nothing_new + 1
        self._seen |= new
        self._has_cards = self._has_cards or bool(screen.cards)

    def _leave(self, why: str) -> Act | None:
        self.left_because = why
        return None

    # A question is put.

    def _asked(self, message: Message) -> Act:
        question, choices = str(message["question"]["id"]), Screen([message]).choices
        is_new = question not in self._met
        self._met.add(question)
        if question == "consent_handoff":
            wanted = "share" if self._asks_for_person else "not_now"
            return Act("answer", choice=f"{question}:{wanted}", about=question)
        if self._to_correct and self._slip:
            self._to_correct = False
            text = self._written(self._random.choice(self._slip.then))
            return Act("correct", text=text, about=self._slip.question, shows=self._slip.shows)
        if self._wants_person_still() and self._turn >= 3:
            return self._want_person(choices)
        if is_new and (quirk := self._quirk(choices)):
            return quirk
        if self._slip and question == self._slip.question and is_new:
            self._to_correct = True
            return Act("answer", text=self._written(self._slip.first), about=question)
        was_misread, self._typed = question == self._typed, None
        act = self._answer(question, choices, was_misread)
        self._typed = question if act.choice is None else None
        return act

    def _quirk(self, choices: Sequence[str]) -> Act | None:
        due = [kind for kind, turn in self._quirks.items() if turn <= self._turn]
        for kind in due:
            del self._quirks[kind]
            if kind == "digress" and self.persona.digressions:
                name = self._random.choice(self.persona.digressions)
                return Act(kind, text=self._said(self._words.digressions[name]))
            if kind == "back" and len(self._met) > 2:
                return Act(kind, text=self._said(self._words.back))
            if kind in ("repeat", "simpler"):
                return Act(kind, text=self._said(getattr(self._words, kind)))
            if kind == "skip" and "intent:skip" in choices:
                return self._pass("skip", choices)
        return None

    def _answer(self, question: str, choices: Sequence[str], was_misread: bool) -> Act:
        """A button where words were not understood."""
        if question in AGES:
            return self._age(question, choices, was_misread)
        fact = self._which_child(choices) if question == "which_child" else self._fact(question)
        if question == "agenda_first" and fact is None:
            return Act("answer", choice=choices[0], about=question)
        pressed = self._pressed(question, fact, choices) if fact else None
        if fact and fact.say and (pressed is None or not (was_misread or self._presses())):
            return Act("answer", text=self._said(fact.say), about=question)
        if pressed:
            return Act("answer", choice=pressed, about=question)
        return self._pass("dont_know", choices, question)

    def _fact(self, question: str) -> Fact | None:
        general = question[:-2] if question.startswith("how_it_goes_") else question
        if question == "child_count":
            ids = ["one", "two", "three", "more"]
            return Fact(choices=[ids[min(len(self.persona.children), 4) - 1]])
        return self.persona.facts.get(question) or self.persona.facts.get(general)

    def _pressed(self, question: str, fact: Fact, choices: Sequence[str]) -> str | None:
        shown = [name for name in fact.choices if f"{question}:{name}" in choices]
        return f"{question}:{','.join(shown)}" if shown else None

    def _age(self, question: str, choices: Sequence[str], was_misread: bool) -> Act:
        child = self._child(question)
        if child is None:
            return self._pass("skip", choices, question)
        bands = [c for c in choices if _is_in(child.age, c)]
        if bands and (was_misread or self._presses()):
            low, high = _ends(bands[0])
            shows = f"{low}–{high} år" if high and self._is_swedish else None
            return Act("answer", choice=bands[0], about=question, shows=shows)
        said = self._said(child.say)
        shows = f"{child.age} år" if self._is_swedish else None
        return Act("answer", text=said, about=question, shows=shows)

    def _child(self, question: str) -> Child | None:
        """The oldest first where it was asked how many there are, else the one it is about."""
        children = self.persona.children
        number = AGES.index(question)
        if number == 0 and "child_count" not in {*self._met, *self._opening.tells}:
            return next((child for child in children if child.in_focus), children[0])
        return children[number] if number < len(children) else None

    def _which_child(self, choices: Sequence[str]) -> Fact | None:
        focus = [n for n, child in enumerate(self.persona.children, 1) if child.in_focus]
        wanted = str(focus[0]) if len(focus) == 1 else "all"
        return Fact(choices=[wanted]) if f"which_child:{wanted}" in choices else None

    def _pass(self, kind: str, choices: Sequence[str], about: str | None = None) -> Act:
        about = about or choices[0].partition(":")[0]
        if f"intent:{kind}" in choices and self._presses():
            return Act(kind, choice=f"intent:{kind}", about=about)
        return Act(kind, text=self._said(getattr(self._words, kind)), about=about)

    # No question is put.

    def _in_danger(self) -> Act | None:
        if self._wants_person_still():
            return self._want_person([WANT_PERSON])
        if "acute" in self.persona.levels and self._random.random() < 0.4:
            return self._leave("knows whom to call")
        return self._tell_more() or self._leave("knows whom to call")

    def _not_asked(self, screen: Screen) -> Act | None:
        agenda = [choice for choice in screen.choices if choice.startswith("agenda_first:")]
        if agenda:
            return Act("tell", choice=agenda[0])
        if self._wants_person_still():
            return self._want_person(screen.choices)
        tried = [card["tried"]["id"] for card in screen.cards if card.get("tried")]
        if tried and not self._had and self._random.random() < 0.15:
            self._had = True
            return Act("tried", choice=self._random.choice(tried))
        if screen.asks_enough():
            return self._enough()
        if self._has_cards:
            return Act("thanks", text=self._said(self._words.thanks))
        return self._tell_more() or self._leave("nothing to go on with")

    def _enough(self) -> Act | None:
        drawn = self._random.random()
        kind = "enough"
        if self._more and drawn < 0.25:
            kind = "partly"
        elif drawn > 0.9:
            kind = "not_enough"
        self._closed = kind == "enough"
        if self._presses():
            return Act(kind, choice=f"intent:{kind}")
        return Act(kind, text=self._said(getattr(self._words, kind)))

    def _tell_more(self) -> Act | None:
        return Act("tell", text=self._written(self._more.pop(0))) if self._more else None

    def _wants_person_still(self) -> bool:
        return self.persona.wants_person and self._asks_for_person < 2

    def _want_person(self, choices: Sequence[str]) -> Act:
        self._asks_for_person += 1
        if WANT_PERSON in choices and self._presses():
            return Act("person", choice=WANT_PERSON)
        return Act("person", text=self._said(self._words.person))

    # How she writes.

    def _presses(self) -> bool:
        return self._random.random() < self.persona.style.presses

    def _said(self, ways: Sequence[str]) -> str:
        return self._written(self._random.choice(list(ways)))

    def _written(self, text: str) -> str:
        style = self.persona.style
        if style.long and len(text) > 40:
            text = f"{self._random.choice(self._words.long)} {text}"
        if style.lower:
            text = text.lower().replace(". ", " ").rstrip(".")
        return text if style.marks else text.translate(_MARKS)


def _ends(choice: str) -> tuple[int, int | None]:
    """The ends of an age band in years, from its id as `child_age:age_10_12`."""
    parts: list[Any] = [p for p in choice.partition(":")[2].split("_") if p.isdigit()]
    low = int(parts[0])
    return low, int(parts[1]) if len(parts) > 1 else None


def _is_in(age: int, choice: str) -> bool:
    if ":age_" not in choice:
        return False
    low, high = _ends(choice)
    return low <= age and (high is None or age <= high)
