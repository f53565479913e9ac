"""Compiles the policy data into a Rasa project: domain, forms and rules, language-neutral.

Questions, their order and their branching are data (`bot/content/policy/questions.yml`); the fixed
rules are Rasa YAML (`bot/engine/rasa/`). Response texts are reply ids: wording happens after Rasa.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

POLICY = Path(__file__).parents[1] / "content" / "policy" / "questions.yml"
PROJECT = Path(__file__).parent / "rasa"
REFUSALS = ("skip", "dont_know", "rather_not_say")
NOT_ASKED = "not_asked"  # in a slot whose question the case makes needless
UNANSWERED = (*REFUSALS, NOT_ASKED)
START_FORM = "form_start"
CRY_FORM = "form_cry"
AGENDA_FORM = "form_agenda"
CONSENT_FORM = "form_consent"
SAFE_FORM = "form_safe"
# The path is walked to its end: the next thing the parent tells may start another.
SUGGEST: list[dict[str, Any]] = [
    {"action": "action_suggest"},
    {"slot_was_set": [{"path": None}]},
    # Asks only near violence or control: elsewhere action_suggest fills its slot with NOT_ASKED.
    {"action": SAFE_FORM},
    {"active_loop": SAFE_FORM},
]


class Condition(BaseModel):
    """Holds when the slots of `count` hold `at_least` so many answers together."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    count: list[str]
    at_least: int
    each_is_one: bool = False  # a number is one answer and not so many


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    value: Any
    signal: str | None = None  # what the answer tells for the level


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    entity: str
    choices: list[Choice]
    choices_from: Literal["children", "named", "agenda"] | None = None
    multiple: bool = False
    most: int | None = None
    refusals: bool = True
    only_if: Condition | None = None
    variants: dict[str, Condition] = {}


class Route(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    needs: list[str]
    starts_with: list[str]
    questions: list[str]
    button: bool


class Policy(BaseModel):
    """The guided questions and the paths through them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    questions: dict[str, Question]
    paths: dict[str, Route]
    cry: list[str]
    matters: list[list[str]]

    @classmethod
    def load(cls, path: Path = POLICY) -> Policy:
        """Read and check the policy. Raises ValueError when a path asks an unknown question."""
        policy = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for name, questions in policy.forms().items():
            for unknown in set(questions) - set(policy.questions):
                raise ValueError(f"{path}: {name} asks '{unknown}', which is no question")
        for name, question in policy.questions.items():
            if question.entity != name:
                raise ValueError(f"{path}: question {name} is filled by '{question.entity}'")
        choices = [Choice(id=name, value=name) for name, p in policy.paths.items() if p.button]
        start = policy.questions["path"].model_copy(update={"choices": choices})
        return policy.model_copy(update={"questions": {**policy.questions, "path": start}})

    def path_for(self, needs: list[str]) -> str | None:
        """The path of the strongest need that has one; `needs` come strongest first."""
        for need in needs:
            for name, route in self.paths.items():
                if need in route.needs:
                    return name
        return None

    def forms(self) -> dict[str, list[str]]:
        """Form name → its questions in order, for every path that asks something."""
        asking = {f"form_{n}": p.questions for n, p in self.paths.items() if p.questions}
        before = {START_FORM: ["path"], CRY_FORM: self.cry, AGENDA_FORM: ["agenda_first"]}
        after = {SAFE_FORM: ["safe_contact"], CONSENT_FORM: ["consent_handoff"]}
        return {**before, **asking, **after}


def compile_project(target: Path, policy: Policy) -> None:
    """Write the whole Rasa project to `target`, replacing what was there."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "data").mkdir(parents=True)
    shutil.copy(PROJECT / "config.yml", target / "config.yml")
    after = _read(PROJECT / "after.yml")
    fixed_domain = _merged(_read(PROJECT / "domain.yml"), after)
    fixed_rules = _read(PROJECT / "rules.yml")
    rules = [*fixed_rules["rules"], *after["rules"], *_rules(policy)]
    _write(target / "domain.yml", _domain(fixed_domain, policy, rules))
    _write(target / "data" / "rules.yml", {"version": "3.1", "rules": rules})


def fingerprint() -> str:
    """Hash of everything the project is compiled from."""
    digest = hashlib.sha256()
    for path in [POLICY, Path(__file__), *sorted(PROJECT.glob("*.yml"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _merged(domain: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """A domain with the intents, entities, slots and actions of another file."""
    lists = {part: [*domain[part], *more[part]] for part in ("intents", "entities", "actions")}
    return {**domain, **lists, "slots": {**domain["slots"], **more["slots"]}}


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, content: Any) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def _domain(fixed: dict[str, Any], policy: Policy, rules: list[dict[str, Any]]) -> dict[str, Any]:
    forms = policy.forms()
    entities = sorted({*fixed["entities"], *(q.entity for q in policy.questions.values())})
    slots = {name: _slot(name, q, policy, forms) for name, q in policy.questions.items()}
    asked = [f"utter_ask_{name}" for name in policy.questions]
    uttered = {
        step["action"]
        for rule in rules
        for step in rule["steps"]
        if str(step.get("action", "")).startswith("utter_")
    }
    return {
        "version": "3.1",
        "session_config": {"session_expiration_time": 0, "carry_over_slots_to_new_session": True},
        "intents": fixed["intents"],
        "entities": entities,
        "slots": {**fixed["slots"], **slots},
        "forms": {form: {"required_slots": questions} for form, questions in forms.items()},
        "actions": fixed["actions"],
        "responses": {reply: [{"text": reply}] for reply in sorted({*asked, *uttered})},
    }


def _slot(
    name: str, question: Question, policy: Policy, forms: dict[str, list[str]]
) -> dict[str, Any]:
    """A slot is filled by its entity at any time, by a refusal only where it is asked for."""
    from_entity = {"type": "from_entity", "entity": question.entity}
    if name == "path":
        values = {"type": "categorical", "values": list(policy.paths)}
        return {**values, "influence_conversation": True, "mappings": [from_entity]}
    if name == "consent_handoff":
        asked_here = {"active_loop": CONSENT_FORM, "requested_slot": name}
        answers = [("affirm", "share"), ("deny", "not_now"), ("rather_not_say", "not_now")]
        by_intent = [
            {"type": "from_intent", "intent": intent, "value": value, "conditions": [asked_here]}
            for intent, value in answers
        ]
        asked = [{**from_entity, "conditions": [asked_here]}, *by_intent]
        return {"type": "any", "influence_conversation": False, "mappings": asked}
    refusals = [
        {
            "type": "from_intent",
            "intent": refusal,
            "value": refusal,
            "conditions": [{"active_loop": form, "requested_slot": name}],
        }
        for refusal in (REFUSALS if question.refusals else ())
        for form, questions in forms.items()
        if name in questions
    ]
    mappings: list[dict[str, Any]] = [from_entity, *refusals]
    return {"type": "any", "influence_conversation": False, "mappings": mappings}


def _rules(policy: Policy) -> Iterator[dict[str, Any]]:
    for name, route in policy.paths.items():
        yield _start_rule(name, f"form_{name}" if route.questions else None)
        if route.questions:
            yield _submit_rule(f"form_{name}")
            yield _noted_rule(f"form_{name}")
        for opening in (START_FORM, AGENDA_FORM):
            yield _after_start_rule(opening, name, f"form_{name}" if route.questions else None)
    yield from _returned_rules(policy)
    for opening in (START_FORM, CRY_FORM, AGENDA_FORM):
        yield _noted_rule(opening)
    yield _after_cry_rule()
    yield from _safe_rules(policy)
    yield from _missing_rules(policy)
    # Told while consent is asked: the summary is shown as it is now.
    yield _digression_rule(CONSENT_FORM, "tell", "action_offer_person")
    yield _digression_rule(CONSENT_FORM, "change_brief", "action_offer_person")
    yield from _after_consent_rules(policy)
    for form in policy.forms():
        yield _digression_rule(form, "greet", "utter_hello")
        yield _digression_rule(form, "unclear", "action_unclear")
        yield _digression_rule(form, "resume", "action_returned")
        yield _digression_rule(form, "thanks", "utter_thanks_on")
        for leave in ("goodbye", "pause"):
            yield _interruption_rule(form, leave, [{"action": f"utter_{leave}"}])
        yield _digression_rule(form, "simpler", "action_simpler")
        yield _digression_rule(form, "go_back", "action_go_back")
        yield _interruption_rule(form, "book", [{"action": "action_book"}])
        left: list[dict[str, Any]] = [{"action": "action_deactivate_loop"}, {"active_loop": None}]
        yield _interruption_rule(form, "change", [*left, {"action": "action_change"}])
        yield _interruption_rule(
            form, "change_path", [{"action": "action_noted"}, *_enter(START_FORM)]
        )
        start_over = [{"action": "action_start_over"}, *_enter(START_FORM)]
        yield _interruption_rule(form, "start_over", start_over)
        if form == CONSENT_FORM:
            yield _digression_rule(form, "want_person", "action_offer_person")
        else:
            offer = [{"action": "action_offer_person"}, *_enter(CONSENT_FORM)]
            yield _interruption_rule(form, "want_person", offer)


def _enter(form: str | None) -> list[dict[str, Any]]:
    if form is None:
        return SUGGEST
    return [{"action": form}, {"active_loop": form}]


def _start_rule(path: str, form: str | None) -> dict[str, Any]:
    steps = [{"intent": "tell"}, {"slot_was_set": [{"path": path}]}, {"action": "action_noted"}]
    return {"rule": f"tell about {path}", "steps": [*steps, *_enter(form)]}


def _after_start_rule(opening: str, path: str, form: str | None) -> dict[str, Any]:
    chosen = [{"action": "action_chosen"}, {"slot_was_set": [{"path": path}]}]
    steps = [*_ended(opening), *chosen, *_enter(form)]
    condition = [{"active_loop": opening}]
    return {"rule": f"{opening} led to {path}", "condition": condition, "steps": steps}


def _safe_rules(policy: Policy) -> Iterator[dict[str, Any]]:
    """Who can see the phone; then the closing question, or the next need that waits.

    What is told meanwhile starts anew.
    """
    condition = [{"active_loop": SAFE_FORM}]
    closing = [{"action": "action_closing"}, {"action": "action_agenda_next"}]
    steps = [*_ended(SAFE_FORM), *closing]
    yield {"rule": f"{SAFE_FORM} is done", "condition": condition, "steps": steps}
    yield _noted_rule(SAFE_FORM)
    for name, route in policy.paths.items():
        start = _start_rule(name, f"form_{name}" if route.questions else None)
        yield {**start, "rule": f"tell about {name} during {SAFE_FORM}", "condition": condition}


def _missing_rules(policy: Policy) -> Iterator[dict[str, Any]]:
    """What was missing is searched with at once: no more questions, no card a second time."""
    for path in policy.paths:
        told = [{"intent": "tell"}, {"slot_was_set": [{"path": path}, {"closing": "missing"}]}]
        yield {
            "rule": f"tell what is missing, path {path}",
            "condition": [{"active_loop": None}],
            "steps": [*told, {"action": "action_noted"}, *SUGGEST],
        }


def _after_cry_rule() -> dict[str, Any]:
    """How the parent is has been asked; what is hardest is asked then."""
    steps = [*_ended(CRY_FORM), {"action": "action_cry_heard"}, *_enter(START_FORM)]
    return {"rule": f"{CRY_FORM} is done", "condition": [{"active_loop": CRY_FORM}], "steps": steps}


def _ended(form: str) -> list[dict[str, Any]]:
    return [
        {"action": form},
        {"active_loop": None},
        {"slot_was_set": [{"requested_slot": None}]},
    ]


def _submit_rule(form: str) -> dict[str, Any]:
    return {
        "rule": f"{form} is done",
        "condition": [{"active_loop": form}],
        "steps": [*_ended(form), *SUGGEST],
    }


def _digression_rule(form: str, intent: str, action: str) -> dict[str, Any]:
    return {
        "rule": f"{intent} during {form}",
        "condition": [{"active_loop": form}],
        "steps": [{"intent": intent}, {"action": action}, {"action": form}, {"active_loop": form}],
    }


def _noted_rule(form: str) -> dict[str, Any]:
    return {**_digression_rule(form, "tell", "action_noted"), "rule": f"told more during {form}"}


def _interruption_rule(form: str, intent: str, then: list[dict[str, Any]]) -> dict[str, Any]:
    """Leaves the form, or leaves it waiting without asking again."""
    return {
        "rule": f"{intent} during {form}",
        "condition": [{"active_loop": form}],
        "steps": [{"intent": intent}, *then],
    }


def _after_consent_rules(policy: Policy) -> Iterator[dict[str, Any]]:
    """ "Not now" goes on with the questions; `action_request_handoff` clears the path otherwise."""
    for path in (None, *policy.paths):
        ended = [*_ended(CONSENT_FORM), {"action": "action_request_handoff"}]
        steps = [*ended, {"slot_was_set": [{"path": path}]}, *_resumed(policy, path)]
        condition = [{"active_loop": CONSENT_FORM}]
        yield {"rule": f"consent answered, path {path}", "condition": condition, "steps": steps}


def _returned_rules(policy: Policy) -> Iterator[dict[str, Any]]:
    """The guide gave the conversation back: go on where it was."""
    for path in (None, *policy.paths):
        told = [{"intent": "resume"}, {"slot_was_set": [{"path": path}]}]
        steps = [*told, {"action": "action_returned"}, *_resumed(policy, path)]
        condition = [{"active_loop": None}]
        yield {"rule": f"guide returned, path {path}", "condition": condition, "steps": steps}


def _resumed(policy: Policy, path: str | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    return _enter(f"form_{path}" if policy.paths[path].questions else None)
