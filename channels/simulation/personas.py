"""Invented parents as data: what they want, know and say, and how they write."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

HERE = Path(__file__).parent
PERSONAS = HERE / "personas"
PHRASES = HERE / "phrases.yml"
PERSON = "person"  # the goal of one who wants to talk to a human being


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Style(_Model):
    """How a parent writes."""

    presses: float = Field(ge=0, le=1, description="share of questions answered by a button")
    marks: bool = True  # å, ä and ö
    lower: bool = False  # no capitals and no full stops
    long: bool = False  # starts with a few words too many


class Fact(_Model):
    """The answer to a question: choices of its own ids, and ways to say it."""

    choices: list[str] = []
    say: list[str] = []


class Child(_Model):
    """A child; `say` are ways to tell the age."""

    age: int
    say: list[str] = Field(min_length=1)
    in_focus: bool = False


class Opening(_Model):
    """A first message. `tells` are the questions it answers; `shows` words for the summary."""

    say: str
    tells: list[str] = []
    shows: dict[str, str] = {}


class Slip(_Model):
    """A wrong first answer and its correction; `shows` is what the summary must say after."""

    question: str
    first: str
    then: list[str] = Field(min_length=1)
    shows: str


class Persona(_Model):
    """An invented parent."""

    id: str
    about: str
    municipality: str = "strangnas"
    goals: list[str] = Field(min_length=1)  # kinds of support that would be right, or `person`
    levels: list[str] = Field(min_length=1)  # levels that are right
    knows_names: bool  # of services
    patience: int  # turns
    style: Style
    openings: list[Opening] = Field(min_length=2)
    children: list[Child] = Field(min_length=1)  # the oldest first
    facts: dict[str, Fact]
    more: list[str] = []  # told when asked what is missing
    digressions: list[str] = []  # ids of phrases.yml
    slip: Slip | None = None

    @property
    def wants_person(self) -> bool:
        return PERSON in self.goals

    @model_validator(mode="after")
    def _answers_can_be_given(self) -> Persona:
        empty = [name for name, fact in self.facts.items() if not (fact.choices or fact.say)]
        if empty:
            raise ValueError(f"facts without an answer: {empty}")
        return self


class Phrases(_Model):
    """What anybody may say, by occasion; digressions by id."""

    digressions: dict[str, list[str]]
    skip: list[str]
    dont_know: list[str]
    simpler: list[str]
    back: list[str]
    repeat: list[str]
    person: list[str]
    thanks: list[str]
    enough: list[str]
    partly: list[str]
    not_enough: list[str]
    long: list[str]


@lru_cache
def phrases() -> Phrases:
    """The phrases, read once."""
    return Phrases.model_validate(yaml.safe_load(PHRASES.read_text(encoding="utf-8")))


@lru_cache
def personas() -> tuple[Persona, ...]:
    """Every persona in the order of file names. Raises ValidationError for a faulty one."""
    return tuple(
        Persona.model_validate({"id": path.stem, **yaml.safe_load(path.read_text("utf-8"))})
        for path in sorted(PERSONAS.glob("*.yml"))
    )
