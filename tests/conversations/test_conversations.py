"""Whole conversations, written as a parent would live them, through the HTTP API.

A file in `<language>/` holds conversations; a conversation holds turns; a turn is what the parent
writes (`say`) or presses (`choose`), and what must hold of the answer. `_known_failures.yml` names
those that the product does not meet yet; when one starts to pass, the run fails until its line
there is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from bot.content import Content, MissingTextError
from knowledge.catalogue import Catalogue
from tests.conftest import NewParent, Parent

HERE = Path(__file__).parent
KNOWN_FAILURES = HERE / "_known_failures.yml"
CARDS = ("utter_matches", "utter_one_match", "utter_another")
# Asked anew on purpose: when a person is wanted, when more is to be told, until the phone is safe.
ASKED_ANEW = frozenset({"consent_handoff", "path", "safe_contact"})
NEVER_SKIPPED = ("consent_handoff", "path", "agenda_first", "safe_contact")
WANT_PERSON = "intent:want_person"
# After these replies a person is one press away on the screen itself.
SHOW_PERSON = frozenset({"utter_enough", "utter_not_understood", "utter_no_match", "utter_fixed"})
Message = dict[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(_Model):
    """One thing the parent does, and what must hold of the answer."""

    say: str | None = None
    choose: str | None = None
    replies: list[str] | None = None  # exact ids in order
    replies_include: list[str] = []
    replies_exclude: list[str] = []
    asks: str | None = None  # the last question
    level: str | None = None  # of the level card, or acute
    levels_any: list[str] = []
    signals_include: list[str] = []  # each is told to the parent as a reason
    signals_exclude: list[str] = []
    kinds_any: list[str] = []  # at least one suggested entry is of such a kind
    kinds_none: list[str] = []
    most_cards: int = 3
    understood: dict[str, str] = {}  # line id -> words in the summary
    numbers_include: list[str] = []  # of the acute answer
    masked: list[str] = []  # words that must not come back in what is stored
    erases: bool = False
    skips_rest: bool = False  # skips every question after this one, until help is suggested
    progress: str | None = None  # of the question asked
    text_includes: list[str] = []  # words of the answer
    choices_include: list[str] = []  # ids on the screen
    choices_exclude: list[str] = []
    language: str | None = None  # of the answer, where it is another than the conversation's first

    @model_validator(mode="after")
    def _is_one_thing(self) -> Turn:
        if (self.say is None) == (self.choose is None):
            raise ValueError("a turn either says or chooses")
        return self


class Conversation(_Model):
    """A conversation from the welcome to its end."""

    name: str
    municipality: str = "strangnas"
    never_asks: list[str] = []  # what the parent told by herself
    turns: list[Turn]


@dataclass
class Heard:
    """What the parent has heard so far, for what must hold of a conversation as a whole."""

    asked: str | None = None
    answered: set[str] = field(default_factory=set)

    def hear(self, replies: list[Message]) -> None:
        """Fails when a question comes again that the conversation had already gone on from."""
        ids = [reply["reply_id"] for reply in replies]
        if "utter_start_over" in ids:
            self.asked, self.answered = None, set()
        question = _question(replies)
        if {"utter_went_back", "utter_change"} & set(ids) and question:
            self.answered.discard(question)
            self.asked = None
        if any(reply.startswith("utter_level_") for reply in ids):
            self._gone_on()
        if question is None or question in ASKED_ANEW:
            return
        if question != self.asked:
            self._gone_on()
        assert question not in self.answered, f"'{question}' is asked though it was answered"
        self.asked = question

    def _gone_on(self) -> None:
        if self.asked:
            self.answered.add(self.asked)
        self.asked = None


def _files() -> list[Path]:
    return sorted(HERE.glob("*/*.yml"))


def _written() -> Iterator[tuple[Path, Conversation]]:
    for path in _files():
        for raw in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield path, Conversation.model_validate(raw)


def _known_failures() -> dict[tuple[str, str], str]:
    entries = yaml.safe_load(KNOWN_FAILURES.read_text(encoding="utf-8")) or []
    return {(entry["file"], entry["name"]): entry["reason"] for entry in entries}


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _expected_to_fail(reason: str) -> pytest.MarkDecorator:
    """Strict, and only for what the product says: a machine that is not ready is an error."""
    return pytest.mark.xfail(strict=True, raises=(AssertionError, MissingTextError), reason=reason)


def _parameters() -> Iterator[Any]:
    known = _known_failures()
    for path, conversation in _written():
        reason = known.get((_short(path), conversation.name))
        marks = [_expected_to_fail(reason)] if reason else []
        name = f"{_short(path)}: {conversation.name}"
        yield pytest.param(path.parent.name, conversation, id=name, marks=marks)


@pytest.mark.parametrize(("language", "conversation"), list(_parameters()))
async def test_a_whole_conversation_goes_as_a_parent_needs_it_to(
    language: str,
    conversation: Conversation,
    new_parent: NewParent,
    catalogue: Catalogue,
    content: Content,
) -> None:
    parent = await new_parent(conversation.municipality, language)
    heard = Heard()
    replies: list[Message] = []
    for number, turn in enumerate(conversation.turns, 1):
        if turn.erases:
            await _erase(parent, turn)
            return
        replies = await _take(parent, turn)
        if turn.skips_rest:
            replies = await _skip_rest(parent, replies, heard)
        told = f"turn {number}: {turn.say or turn.choose!r} -> {_told(replies)}"
        try:
            if not turn.skips_rest:
                heard.hear(replies)
            _check_reply(turn, replies, catalogue)
            _check_level(turn, replies, content, language)
            _check_always(conversation, replies, catalogue, turn.language or language)
        except AssertionError as error:
            raise AssertionError(f"{told}\n{error}") from error
        _check_masked(turn, parent)
    if _question(replies) != "consent_handoff":
        await _check_person_is_in_reach(parent)


async def _take(parent: Parent, turn: Turn) -> list[Message]:
    if turn.say is not None:
        return await parent.say(turn.say)
    return await parent.choose(turn.choose or "")


async def _skip_rest(parent: Parent, replies: list[Message], heard: Heard) -> list[Message]:
    """Everything said until help is suggested; of the questions on the way only the last stays."""
    heard.hear(replies)
    while _question(replies) not in (None, *NEVER_SKIPPED):
        said = [reply for reply in replies if "question" not in reply]
        answer = await parent.choose("intent:skip")
        heard.hear(answer)
        replies = [*said, *answer]
    return replies


async def _erase(parent: Parent, turn: Turn) -> None:
    """The answer to the last press comes at once; then nothing is left to read."""
    answer = await parent.post(choice=turn.choose or "")
    assert answer.json()["erased"] is True
    assert [message["reply_id"] for message in answer.json()["messages"]] == turn.replies
    after = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    assert after.is_client_error


def _check_reply(turn: Turn, replies: list[Message], catalogue: Catalogue) -> None:
    ids = [reply["reply_id"] for reply in replies]
    if turn.replies is not None:
        assert ids == turn.replies
    assert [reply for reply in turn.replies_include if reply not in ids] == [], "not said"
    assert [reply for reply in turn.replies_exclude if reply in ids] == [], "said"
    if turn.asks is not None:
        assert _question(replies) == turn.asks, "asks"
    if turn.progress is not None:
        questions = [reply["question"] for reply in replies if "question" in reply]
        assert [question.get("progress") for question in questions] == [turn.progress]
    words = "\n".join(_strings(replies))
    assert [part for part in turn.text_includes if part not in words] == [], "words not said"
    shown = [choice["id"] for reply in replies for choice in reply.get("choices", [])]
    shown += [line[press]["id"] for line in _lines(replies) for press in ("change", "remove")]
    assert [choice for choice in turn.choices_include if choice not in shown] == [], shown
    assert [choice for choice in turn.choices_exclude if choice in shown] == [], shown
    cards = _cards(replies)
    assert len(cards) <= turn.most_cards
    kinds = {kind for card in cards for kind in catalogue.services[card["service_id"]].kinds}
    if turn.kinds_any:
        assert kinds & set(turn.kinds_any), f"kinds: {sorted(kinds)}"
    assert kinds & set(turn.kinds_none) == set()
    lines = {line["id"]: line["value"] for line in _lines(replies)}
    assert {line: lines.get(line) for line in turn.understood} == turn.understood
    numbers = [number["number"] for reply in replies for number in reply.get("numbers", [])]
    assert [number for number in turn.numbers_include if number not in numbers] == [], numbers


def _check_level(turn: Turn, replies: list[Message], content: Content, language: str) -> None:
    level, reasons = _level(replies)
    levels = [turn.level] if turn.level else turn.levels_any
    if levels:
        assert level in levels, f"level {level} because of {reasons}"
    wanted = [content.raw(language, f"signal_{signal}") for signal in turn.signals_include]
    assert [word for word in wanted if word not in reasons] == [], f"reasons: {reasons}"
    unwanted = [content.raw(language, f"signal_{signal}") for signal in turn.signals_exclude]
    assert [word for word in unwanted if word in reasons] == [], f"reasons: {reasons}"


def _check_always(
    conversation: Conversation, replies: list[Message], catalogue: Catalogue, language: str
) -> None:
    assert replies, "silence"
    ids = [reply["reply_id"] for reply in replies]
    assert "utter_fixed" not in ids
    questions = [reply["question"]["id"] for reply in replies if "question" in reply]
    assert len(questions) <= 1, "more than one question at a time"
    assert not set(questions) & set(conversation.never_asks), "asks for what was told already"
    assert {reply["language"] for reply in replies} == {language}
    for reply in replies:
        unfilled = [words for words in _strings(reply) if "{" in words]
        assert unfilled == []
    for card in _cards(replies):
        service = catalogue.services[card["service_id"]]
        assert service.status != "proposed", f"{service.id} does not exist yet"
        layers = catalogue.municipalities[conversation.municipality].layers
        assert service.layer in layers, f"{service.id} is not for {conversation.municipality}"
    if SHOW_PERSON & set(ids) or any(reply["acute"] for reply in replies):
        shown = [choice["id"] for reply in replies for choice in reply.get("choices", [])]
        assert WANT_PERSON in shown, "no person on the screen"


def _check_masked(turn: Turn, parent: Parent) -> None:
    stored = " ".join(message["text"] for message in parent.seen)
    assert [word for word in turn.masked if word in stored] == []


async def _check_person_is_in_reach(parent: Parent) -> None:
    """However a conversation ended: one press, and a person or the real way to one is offered."""
    replies = await parent.choose(WANT_PERSON)
    ids = [reply["reply_id"] for reply in replies]
    is_offered = any(i.startswith(("utter_offer_", "utter_handoff_already")) for i in ids)
    assert is_offered, f"no person offered: {ids}"


def _question(replies: list[Message]) -> str | None:
    asked = [str(reply["question"]["id"]) for reply in replies if "question" in reply]
    return asked[-1] if asked else None


def _cards(replies: list[Message]) -> list[Message]:
    return [card for r in replies if r["reply_id"] in CARDS for card in r["cards"]]


def _lines(replies: list[Message]) -> list[Message]:
    return [
        line for r in replies if r["reply_id"] == "utter_understood" for line in r.get("lines", [])
    ]


def _level(replies: list[Message]) -> tuple[str | None, list[str]]:
    if any(reply["acute"] for reply in replies):
        return "acute", []
    for reply in replies:
        if reply["reply_id"].startswith("utter_level_"):
            return reply["level"]["id"], reply["level"]["reasons"]
    return None, []


def _told(replies: list[Message]) -> str:
    """What was answered, short enough for a failure's message."""
    parts = [reply["reply_id"] for reply in replies]
    level, reasons = _level(replies)
    cards = [card["service_id"] for card in _cards(replies)]
    lines = {line["id"]: line["value"] for line in _lines(replies)}
    return f"{parts} understood={lines} cards={cards} level={level} {reasons}"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def test_a_known_failure_names_a_conversation_that_exists() -> None:
    written = {(_short(path), conversation.name) for path, conversation in _written()}
    assert set(_known_failures()) - written == set()


def test_a_conversation_has_a_name_of_its_own() -> None:
    names = [(_short(path), conversation.name) for path, conversation in _written()]
    assert len(names) == len(set(names))
