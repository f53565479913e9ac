"""How a question is put (wording, choices, progress), and the lines of what was understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot import children
from bot.content import Content
from bot.engine.branching import EMPTY, SURE, holds, is_known, progress
from bot.engine.compile import REFUSALS, Policy, Question
from knowledge.catalogue import Catalogue

AREA = "area_"
HOW_IT_GOES = ("how_it_goes_1", "how_it_goes_2", "how_it_goes_3")
# Line of the summary → the questions whose answers it shows; the first is asked to change it.
LINES: dict[str, tuple[str, ...]] = {
    "line_needs": ("path",),
    "line_age": ("child_age", "child_age_2", "child_age_3", "child_count", "which_child"),
    "line_how_long": ("how_long",),
    "line_areas": ("life_areas",),
    "line_actors": ("actors",),
    "line_how_it_goes_1": ("how_it_goes_1",),
    "line_how_it_goes_2": ("how_it_goes_2",),
    "line_how_it_goes_3": ("how_it_goes_3",),
    "line_refused": ("refused",),
    "line_tried": ("tried",),
    "line_coping": ("coping",),
    "line_works_well": ("works_well",),
    "line_own_needs": ("own_needs",),
    "line_priority": ("priority",),
}
Body = dict[str, Any]


def named(slots: Mapping[str, Any]) -> list[str]:
    """What the case names: needs that are sure, strongest first, then the hard life areas."""
    needs: dict[str, float] = slots.get("needs") or {}
    sure = sorted((n for n, score in needs.items() if score >= SURE), key=lambda n: -needs[n])
    areas = slots.get("life_areas")
    return [*sure, *(f"{AREA}{area}" for area in _listed(areas))]


def options(policy: Policy, question: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    """Choice id → the value it fills the slot with."""
    asked = policy.questions[question]
    if asked.choices_from == "named":
        return {name: name for name in named(slots)}
    if asked.choices_from == "agenda":
        return {need: need for need in slots.get("agenda") or []}
    values = {choice.id: choice.value for choice in asked.choices}
    if asked.choices_from == "children":
        known = {str(number) for number, _ in children.by_number(slots)}
        return {i: value for i, value in values.items() if i in known or not i.isdigit()}
    if question in HOW_IT_GOES:
        actor = actor_of(question, slots)
        return {i: {"actor": actor, "how": value} for i, value in values.items()}
    return values


def actor_of(question: str, slots: Mapping[str, Any]) -> str | None:
    """The actor a how-it-goes question is about: the first, second or third named."""
    actors = [actor for actor in _listed(slots.get("actors")) if actor not in EMPTY]
    number = HOW_IT_GOES.index(question)
    return actors[number] if number < len(actors) else None


def questions_of(line: str) -> tuple[str, ...]:
    """The questions behind a line of the summary; none where there is no such line."""
    return LINES.get(line, ())


class Questions:
    """Words questions and lines in a language."""

    def __init__(self, content: Content, catalogue: Catalogue, policy: Policy) -> None:
        self._content = content
        self._catalogue = catalogue
        self._policy = policy

    def text(self, question: str, language: str, slots: Mapping[str, Any]) -> str:
        """The question; in simpler words once those were asked for."""
        asked = self._policy.questions[question]
        variants = [name for name, only_if in asked.variants.items() if holds(only_if, slots)]
        name = "_".join([question, *variants[:1]])
        text_id = f"simpler_{name}" if is_simpler(slots) else f"utter_ask_{name}"
        actor = actor_of(question, slots) if question in HOW_IT_GOES else None
        value = self._content.raw(language, f"actor_{actor}") if actor else ""
        return self._content.text(language, text_id, actor=value)

    def body(
        self, question: str, language: str, slots: Mapping[str, Any], asked: Sequence[str]
    ) -> Body:
        """What a screen shows of a question; `asked` are the questions of the active form."""
        policy, content = self._policy.questions[question], self._content
        choices = [
            {"id": f"{question}:{name}", "label": self.label(question, name, language, slots)}
            for name in options(self._policy, question, slots)
        ]
        left = (slots.get("left") or {}).get(question)
        if is_known(left):
            choices.append({"id": "keep:answer", "label": self._keep(question, left, language)})
        if policy.refusals:
            choices += [
                {"id": f"intent:{intent}", "label": content.raw(language, f"choice_{intent}")}
                for intent in REFUSALS
            ]
        shown: Body = {
            "id": question,
            "multiple": policy.multiple,
            "why": content.raw(language, f"why_{question}"),
        }
        if policy.most:
            shown["most"] = policy.most
        if place := progress(asked, question, slots):
            number, total = place
            shown["progress"] = content.text(language, "progress", number=number, total=total)
        return {"question": shown, "choices": choices}

    def label(
        self, question: str, choice: str, language: str, slots: Mapping[str, Any] | None = None
    ) -> str:
        """The words of a choice. Raises MissingTextError when there is none."""
        asked = self._policy.questions[question]
        if asked.choices_from in ("named", "agenda"):
            return self._named(choice, language)
        if asked.choices_from == "children" and choice.isdigit() and slots is not None:
            age = dict(children.by_number(slots)).get(int(choice))
            if age is not None:
                return self._content.text(
                    language, "choice_which_child_of", age=self.age(age, language)
                )
        return self._content.raw(language, f"choice_{question}_{choice}")

    def has_label(self, question: str, choice: str, language: str) -> bool:
        """Whether a choice exists, whatever the case."""
        asked = self._policy.questions[question]
        if asked.choices_from in ("named", "agenda"):
            area = choice.removeprefix(AREA)
            is_area = choice != area and self._content.has(language, f"choice_life_areas_{area}")
            return is_area or choice in self._catalogue.taxonomy.needs
        return self._content.has(language, f"choice_{question}_{choice}")

    def listed(self, question: str, values: Sequence[str], language: str) -> str:
        """Answers of a question as a list in a sentence."""
        ids = [_choice_id(self._policy.questions[question], value) for value in values]
        known = [i for i in ids if self.has_label(question, i, language)]
        words = [self.label(question, name, language) for name in known]
        return self._content.listed(language, [_lower(word) for word in words])

    def as_lines(self, needs: Sequence[str], language: str) -> str:
        """Needs one a paragraph, as read on any channel."""
        return "\n\n".join(f"– {self._named(need, language)}" for need in needs)

    def lines(self, facts: Mapping[str, Any], language: str) -> dict[str, str]:
        """Line id → words, for what the guided questions told."""
        goes: Mapping[str, str] = facts.get("how_it_goes", {})
        lines = {}
        if len(facts.get("children", [])) > 1:
            lines["line_age"] = self._children(facts["children"], language)
        for actor, how in goes.items():
            number = facts["actors"].index(actor) + 1
            words = self.label(HOW_IT_GOES[0], how, language)
            name = self._content.raw(language, f"actor_{actor}")
            lines[f"line_how_it_goes_{number}"] = f"{_upper(name)}: {_lower(words)}"
        for question in ("tried", "works_well", "own_needs", "priority"):
            lines[f"line_{question}"] = self.listed(question, facts.get(question, []), language)
        return lines

    def _children(self, known: Sequence[Mapping[str, Any]], language: str) -> str:
        ages = []
        for child in known:
            known_age = child["age"] if child["band"] is None else tuple(child["band"])
            words = self.age(known_age, language)
            is_in_focus = child["in_focus"]
            ages.append(
                self._content.text(language, "value_in_focus", age=words) if is_in_focus else words
            )
        return self._content.listed(language, ages)

    def age(self, age: children.Age, language: str) -> str:
        """Years, or a band of years."""
        if isinstance(age, int):
            return self._content.counted(language, "value_age", age=age)
        return self._content.text(language, "value_ages", lowest=age[0], highest=age[1])

    def _named(self, name: str, language: str) -> str:
        if name.startswith(AREA):
            return self._content.raw(language, f"choice_life_areas_{name.removeprefix(AREA)}")
        labels = self._catalogue.taxonomy.needs[name].label
        return self._content.named("need", name, labels, language)

    def _keep(self, question: str, value: Any, language: str) -> str:
        asked = self._policy.questions[question]
        labels = [
            self.label(question, choice.id, language)
            for choice in asked.choices
            if value == choice.value or (isinstance(value, list) and choice.value in value)
        ]
        if not labels and isinstance(value, int) and question in children.SLOTS:
            labels = [self.age(value, language)]
        if not labels:
            return self._content.raw(language, "choice_keep_answer")
        return self._content.text(language, "choice_keep_this", answer=", ".join(labels))


def is_simpler(slots: Mapping[str, Any]) -> bool:
    """Whether questions are put in simpler words."""
    return bool(slots.get("simpler")) or "read_less" in _listed(slots.get("own_needs"))


def _choice_id(question: Question, value: Any) -> str:
    return next((choice.id for choice in question.choices if choice.value == value), str(value))


def _listed(value: Any) -> list[Any]:
    if not is_known(value):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _lower(words: str) -> str:
    """A label inside a sentence; names in capitals stay."""
    first = words.split(" ", 1)[0]
    return words if first[1:] != first[1:].lower() else words[:1].lower() + words[1:]


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]
