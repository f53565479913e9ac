"""Words the brief: what goes along, what does not, who reads it, whom it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.brief import DANGER, LEVEL, UNSAID, VIEWS, Brief, without
from bot.consent import policy
from bot.content import Content

Body = dict[str, Any]
Lines = Callable[[Mapping[str, Any], str], list[Body]]
Level = Callable[[str, Sequence[str], str], Body]
GUIDE_LANGUAGE = "sv"
MANDATE = "mandate"
_BUTTONS = {"withhold": "choice_withhold", "include": "choice_include"}


class BriefWords:
    """Words briefs for the parent before her yes, and for the person who reads one."""

    def __init__(self, content: Content, lines: Lines, level: Level) -> None:
        self._content = content
        self._lines = lines
        self._level = level

    def label(self, choice: str, language: str) -> str | None:
        """The words of a button on the brief; None for any other choice."""
        kind, _, name = choice.partition(":")
        if kind in _BUTTONS and self._content.has(language, name):
            line = self._content.raw(language, name)
            return self._content.text(language, _BUTTONS[kind], line=line)
        if kind == "say" and self._content.has(language, f"choice_say_{name}"):
            return self._content.raw(language, f"choice_say_{name}")
        return None

    def lines(self, brief: Brief, language: str) -> list[Body]:
        """Every line of a brief as label and value."""
        shown = []
        if brief.get("danger"):
            shown.append(self._line(DANGER, self._say(language, "brief_danger"), language))
        shown += self._lines(brief["facts"], language)
        if brief.get("level"):
            level = self._level(brief["level"], brief["signals"], language)
            parts = [level["label"], *level["reasons"]]
            value = ". ".join(part.rstrip(".") for part in parts) + "."
            shown.append(self._line(LEVEL, value, language))
        return shown

    def for_person(self, brief: Brief | None) -> Body:
        """What the one who holds the conversation reads, in Swedish."""
        if brief is None:
            return {"lines": [], "level": None, "shared": False}
        told = self.lines({**brief, "level": None}, GUIDE_LANGUAGE)
        for about, view in (brief.get("views") or {}).items():
            value = self._say(GUIDE_LANGUAGE, f"brief_{about}_{view}")
            label = f"line_view_{about}" if about != MANDATE else f"brief_person_{about}"
            told.append(self._line(label, value, GUIDE_LANGUAGE))
        level = brief.get("level") and self._level(brief["level"], brief["signals"], GUIDE_LANGUAGE)
        missing = [
            self._say(GUIDE_LANGUAGE, f"console_brief_missing_{one}") for one in missing_of(brief)
        ]
        return {"lines": told, "level": level or None, "shared": True, "missing": missing}

    def body(
        self,
        brief: Brief,
        withheld: Sequence[str],
        *,
        reader: str,
        municipality: str,
        until: dt.date,
        language: str,
        can_change: bool = True,
    ) -> Body:
        """The brief as the parent sees it; `reader` is a function's or receiver's id."""
        shared = self.lines(without(brief, withheld), language)
        kept = {line["id"] for line in shared}
        left_out = [line for line in self.lines(brief, language) if line["id"] not in kept]
        say = self._content.text
        about = {
            "brief_reader": self.reader(reader, municipality, language),
            "brief_why": say(language, f"brief_why_{reader}"),
            "brief_until": say(language, "brief_until_day", day=self._content.day(language, until)),
            "brief_nobody_else": say(language, "brief_nobody_else_text"),
        }
        own_words = {
            "label": say(language, "brief_words"),
            "value": say(language, "brief_words_not"),
        }
        sections = [
            {
                "heading": say(language, "brief_not_along"),
                "lines": [self._with(line, "include", language, can_change) for line in left_out]
                + [own_words],
            },
            {
                "heading": say(language, "brief_who_reads"),
                "lines": [{"label": say(language, i), "value": v} for i, v in about.items()],
            },
            {
                "heading": say(language, "brief_whom"),
                "lines": self._people(brief, language, can_change),
            },
        ]
        lines = [self._with(line, "withhold", language, can_change) for line in shared]
        return {"lines": lines, "sections": sections}

    def reader(self, reader: str, municipality: str, language: str) -> str:
        """Who reads, with the function and the municipality."""
        return self._content.text(language, f"brief_reader_{reader}", municipality=municipality)

    def _with(self, line: Body, kind: str, language: str, can_change: bool) -> Body:
        if not can_change:
            return line
        pressed = f"{kind}:{line['id']}"
        button = {
            "id": pressed,
            "label": self.label(pressed, language),
            "text": self._say(language, f"{_BUTTONS[kind]}_short"),
        }
        return {**line, "remove" if kind == "withhold" else "change": button}

    def _people(self, brief: Brief, language: str, can_change: bool) -> list[Body]:
        """Each person the facts concern: whose yes there is, and whose is not known."""
        views = brief.get("views") or {}
        people = [self._person("you", self._say(language, "brief_you_text"), language)]
        ages = _ages(brief)
        young = [age for age in ages if age < policy().own_view_from]
        old = [age for age in ages if age >= policy().own_view_from]
        if not young and not old:
            people.append(self._person("child", self._say(language, "brief_age_unknown"), language))
        if young:
            people.append(self._person("child", self._say(language, "brief_young"), language))
        if old:
            unsaid = f"brief_{_stage(max(old))}_unsaid"
            people.append(self._asked("child", unsaid, views, language, can_change))
        people.append(self._asked("guardian", "brief_guardian_unsaid", views, language, can_change))
        people.append(self._asked(MANDATE, "brief_mandate_text", views, language, can_change))
        return people

    def _asked(
        self, about: str, unsaid: str, views: Mapping[str, str], language: str, can_change: bool
    ) -> Body:
        view = views.get(about)
        text = f"brief_{about}_{view}" if view else unsaid
        line = self._person(about, self._say(language, text), language)
        if not can_change:
            return line
        if view:
            return {**line, "change": self._button(f"{about}_{UNSAID}", language)}
        other = "against" if about == "child" else "none"
        return {
            **line,
            "change": self._button(f"{about}_{VIEWS[about][0]}", language),
            "remove": self._button(f"{about}_{other}", language),
        }

    def _button(self, name: str, language: str) -> Body:
        label = self._say(language, f"choice_say_{name}")
        return {"id": f"say:{name}", "label": label, "text": label}

    def _person(self, who: str, value: str, language: str) -> Body:
        return {"label": self._say(language, f"brief_person_{who}"), "value": value}

    def _line(self, line: str, value: str, language: str) -> Body:
        return {"id": line, "label": self._say(language, line), "value": value}

    def _say(self, language: str, text_id: str) -> str:
        return self._content.raw(language, text_id)


def missing_of(brief: Brief) -> list[str]:
    """Whose will is not known to the reader, of those the facts concern; `age` is the child's."""
    views, ages = brief.get("views") or {}, _ages(brief)
    missing = [] if ages else ["age"]
    if any(age >= policy().own_view_from for age in ages) and "child" not in views:
        missing.append("child")
    return [*missing, *(about for about in ("guardian", MANDATE) if about not in views)]


def _ages(brief: Brief) -> list[int]:
    """The children's ages in years; of a span, the highest."""
    children = brief["facts"].get("children", [])
    return [child["band"][1] if child["band"] else child["age"] for child in children]


def _stage(age: int) -> str:
    """Which words on the child's own view fit its age in years."""
    if age >= policy().of_age:
        return "child_of_age"
    return "child_older" if age >= policy().own_view_counts_from else "child_teen"
