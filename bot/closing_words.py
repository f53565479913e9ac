"""What a screen shows beside the words after the suggestions: the ways to answer, the points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.complexity import Complexity
from bot.content import Content

WANT_PERSON = "intent:want_person"
Body = dict[str, Any]
_ENOUGH = {
    "intent:enough": "choice_enough_yes",
    "intent:partly": "choice_enough_partly",
    "intent:not_enough": "choice_enough_no",
    WANT_PERSON: "choice_enough_person",
}
_MISSING = {WANT_PERSON: "choice_enough_person", "intent:enough": "choice_enough_yes"}
_NOT_HELPED = {WANT_PERSON: "choice_enough_person", "intent:partly": "choice_enough_more"}
_CHANGE_LEVEL = {
    "intent:more_help": "choice_more_help",
    "intent:less_help": "choice_less_help",
}
_DISAGREE = {**_CHANGE_LEVEL, "intent:explain_level": "choice_explain_level"}
# Reply id -> choice id -> the text of its button.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "utter_enough": _ENOUGH,
    "utter_thanks": _ENOUGH,
    "utter_closed": _ENOUGH,
    "utter_missing": _MISSING,
    "utter_not_helped": _NOT_HELPED,
    "utter_disagree": _DISAGREE,
    "utter_points_bare": _CHANGE_LEVEL,
}
DISAGREE: Mapping[str, str] = {"intent:disagree": "choice_disagree"}


class ClosingWords:
    """The bodies of the replies after the suggestions, by reply id."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._thresholds = Complexity.load().thresholds

    def body(self, reply: str, values: Mapping[str, Any], language: str) -> Body | None:
        """The body of a reply; None for a reply of another part."""
        if reply == "utter_points":
            lines = self._points(values["points"], language)
            return {"lines": lines, "choices": self.labelled(_CHANGE_LEVEL, language)}
        if reply in CHOICES:
            return {"choices": self.labelled(CHOICES[reply], language)}
        return None

    def labelled(self, choices: Mapping[str, str], language: str) -> list[Body]:
        """Choices with the words of their buttons."""
        return [{"id": i, "label": self._content.raw(language, t)} for i, t in choices.items()]

    def _points(self, points: Mapping[str, int], language: str) -> list[Body]:
        """Each reason with its points, and where the levels begin."""
        labels: Mapping[bool, str] = {True: "line_point", False: "line_points"}
        lines = [
            {
                "label": self._content.raw(language, f"signal_{signal}").rstrip("."),
                "value": self._content.text(language, labels[number == 1], points=number),
            }
            for signal, number in points.items()
        ]
        limits = self._content.text(
            language,
            "value_thresholds",
            guide=self._thresholds["guide"],
            coordinator=self._thresholds["coordinator"],
        )
        label = self._content.raw(language, "line_thresholds")
        return [*lines, {"label": label, "value": limits}]
