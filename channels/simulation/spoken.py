"""The same parents in other languages: what they say is theirs, what they press is the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot.log import configure_logging
from bot.settings import Settings
from channels.simulation.measures import Figures, measure
from channels.simulation.personas import Child, Fact, Opening, Persona, Phrases, personas
from channels.simulation.run import kinds_in, product
from channels.simulation.talk import HttpBot, talk
from knowledge.catalogue import Catalogue

LANGUAGES = Path(__file__).parent / "languages"
SWEDISH = "sv"
RUNS = 30  # conversations a language
MOST_NOTES = 5
WIDEST_GAP = 10.0  # points of goals reached that a language may be behind Swedish


class Spoken(BaseModel):
    """What is said in one language: two openings a persona, and the phrases of any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    openings: dict[str, list[str]]
    phrases: dict[str, list[str]]


@cache
def spoken() -> dict[str, Spoken]:
    """By language. Raises ValidationError for a faulty file."""
    return {
        path.stem: Spoken.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(LANGUAGES.glob("*.yml"))
    }


def parents_in(language: str) -> list[Persona]:
    """The personas of a language; in Swedish the same ones, in their own words."""
    known = {persona.id: persona for persona in personas()}
    ids = next(iter(spoken().values())).openings
    said = spoken()[language].openings if language != SWEDISH else {}
    return [_in_words(known[one], said.get(one)) for one in ids]


def words_in(language: str) -> Phrases:
    """What anybody says in a language; digressions are Swedish and left out of these parents."""
    return Phrases.model_validate({"digressions": {}, "long": [""], **spoken()[language].phrases})


def _in_words(persona: Persona, openings: list[str] | None) -> Persona:
    """Answers by buttons and numbers alone, so that languages differ in what is told freely."""
    told = [Opening(say=say) for say in openings or [one.say for one in persona.openings]]
    facts = {
        name: Fact(choices=fact.choices) for name, fact in persona.facts.items() if fact.choices
    }
    children = [
        Child(age=child.age, say=[str(child.age)], in_focus=child.in_focus)
        for child in persona.children
    ]
    style = persona.style.model_copy(update={"marks": True, "lower": False, "long": False})
    changes: dict[str, Any] = {"openings": told, "facts": facts, "children": children}
    changes |= {"more": [], "digressions": [], "slip": None, "style": style}
    return persona.model_copy(update=changes)


async def run_languages(settings: Settings, actions: str, runs: int = RUNS) -> dict[str, Any]:
    """The figures of `runs` conversations in every language, and how far each is behind Swedish."""
    configure_logging("ERROR")
    kinds_of = kinds_in(Catalogue.load())
    found: dict[str, dict[str, Any]] = {}
    async with product(settings, actions) as (client, work):
        for language in (SWEDISH, *spoken()):
            parents, outcomes = parents_in(language), []
            for number in range(runs):
                persona, seed = parents[number % len(parents)], number // len(parents)
                bot = HttpBot(client, work, language)
                words = words_in(language) if language != SWEDISH else None
                transcript = await talk(persona, seed, bot, words)
                outcomes.append(measure(transcript, kinds_of))
            together = Figures(outcomes)
            found[language] = {**together.as_json(), "notes": sorted(together.notes())[:MOST_NOTES]}
    best = found[SWEDISH]["reached"]
    for figures in found.values():
        figures["gap"] = round(best - figures["reached"], 1)
    return {"runs": runs, "widest_gap": WIDEST_GAP, "languages": found}


def table(figures: dict[str, Any]) -> list[str]:
    """A row a language, Swedish first; a gap wider than is allowed is marked."""
    rows = [
        f"{'language':<16}{'n':>4}{'goal %':>8}{'gap':>7}{'level %':>9}{'turns':>7}{'faults':>8}"
    ]
    for language, one in figures["languages"].items():
        level = "–" if one["level_right"] is None else f"{one['level_right']:.1f}"
        mark = " too wide" if one["gap"] > figures["widest_gap"] else ""
        rows.append(
            f"{language:<16}{one['conversations']:>4}{one['reached']:>8.1f}{one['gap']:>7.1f}"
            f"{level:>9}{one['turns']:>7}{sum(one['faults'].values()):>8}{mark}"
        )
        rows += [f"  {note}" for note in one["notes"]]
    return rows
