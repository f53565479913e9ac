"""Understanding, search and level of single texts, for the command line and the evaluations."""

from __future__ import annotations

from typing import Any

from bot.case import case_of, entities_of
from bot.complexity import Complexity
from bot.content import Content
from bot.edits import remembered
from bot.engine.compile import Policy
from bot.live_search import open_search
from bot.settings import Settings
from bot.understanding import Wanted, as_query, find
from knowledge.catalogue import Catalogue
from knowledge.queries import LabelledQuery
from knowledge.search import Query
from nlu.pipeline import Pipeline


def load_pipeline(settings: Settings) -> Pipeline:
    """The trained pipeline. Raises FileNotFoundError with what to run."""
    return Pipeline.load(settings.artifacts)


class Finder:
    """Understands and searches a single text."""

    def __init__(self, settings: Settings) -> None:
        edits = remembered(settings)
        self.catalogue = edits.applied_to(Catalogue.load())
        self._pipeline = load_pipeline(settings)
        self.index = open_search(self._pipeline, settings.artifacts, edits)

    def needs(self, text: str, language: str | None = None) -> dict[str, float]:
        """The needs of a text with their scores, best first."""
        return {need.id: need.score for need in self._pipeline.understand(text, language).needs}

    def query(self, labelled: LabelledQuery) -> Query:
        """A labelled query as search gets it: with what is understood from its text alone."""
        return as_query(self._pipeline, self._wanted(labelled.text, labelled.language))

    def _wanted(self, text: str, language: str | None, age: int | None = None) -> Wanted:
        understood = self._pipeline.understand(text, language)
        said = tuple(e.value for e in understood.entities if e.name == "child_age")
        return Wanted(
            text=text,
            language=understood.language,
            needs={need.id: need.score for need in understood.needs if need.id != "unclear"},
            child_ages=(age,) if age is not None else said,
        )

    def search(
        self, text: str, municipality: str, age: int | None, language: str | None, k: int
    ) -> list[dict[str, Any]]:
        """Matches as plain data."""
        wanted = self._wanted(text, language, age)
        found = find(self._pipeline, self.index, municipality, wanted, k)
        return [
            {
                "service_id": match.service_id,
                "kinds": list(self.catalogue.services[match.service_id].kinds),
                "score": round(match.score, 4),
                "reasons": [{"id": r.id, "values": dict(r.values)} for r in match.reasons],
            }
            for match in found
        ]


class Assessor:
    """The level of a first message alone."""

    def __init__(self, settings: Settings) -> None:
        self._pipeline = load_pipeline(settings)
        self._complexity = Complexity.load()
        self._policy = Policy.load()
        self._content = Content.load()

    def assess(self, text: str, language: str | None) -> dict[str, Any]:
        """Level and signals, each with its points and its reason in Swedish."""
        understood = self._pipeline.understand(text, language)
        slots = entities_of(understood, {}, self._policy, 1, may_start=True)
        if understood.needs and "needs" not in slots:
            slots["needs"] = {need.id: need.score for need in understood.needs}
        check = understood.safety
        assessed = self._complexity.assess(case_of(slots, is_acute=check.acute and check.sure))
        signals = [
            {"id": s.id, "points": s.points, "why": self._content.raw("sv", f"signal_{s.id}")}
            for s in assessed.signals
        ]
        return {"level": assessed.level, "same_day": assessed.same_day, "signals": signals}
