"""Words a reply in the parent's language: text for every channel, and a body for screens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot import booking
from bot.brief_words import BriefWords
from bot.calendar import opening
from bot.cards import Body, Cards, local
from bot.closing_words import DISAGREE, WANT_PERSON, ClosingWords
from bot.content import Content, spoken
from bot.engine.compile import Policy
from bot.engine.reply import ReplyRequest
from bot.messages import Author, OutgoingMessage
from bot.questions import Questions
from knowledge.catalogue import Catalogue, Municipality, Service
from nlu.safety import Check

ACUTE = Path(__file__).parent / "content" / "policy" / "acute.yml"
MOST_NUMBERS = 3
NATIONAL = "national"
DELETE = "delete:confirm"


class AcuteAnswer(BaseModel):
    """The first line and the help lines of one category of danger."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    lines: list[str]
    asks_safe: bool = True  # false where that is what was just answered
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a reply is said."""

    municipality: Municipality
    language: str
    now: dt.datetime
    on_duty: bool = False
    asked: tuple[str, ...] = ()  # questions of the active form
    slots: Mapping[str, Any] = field(default_factory=dict)  # the case, as it is after the turn


class Replies:
    """Turns reply ids and values into messages."""

    def __init__(self, content: Content, catalogue: Catalogue, policy: Policy) -> None:
        self.content = content
        self.catalogue = catalogue
        self.policy = policy
        self.questions = Questions(content, catalogue, policy)
        self.cards = Cards(content)
        self.briefs = BriefWords(content, self.lines, self.level)
        self._closing = ClosingWords(content)
        raw = yaml.safe_load(ACUTE.read_text(encoding="utf-8"))
        self._acute = {name: AcuteAnswer.model_validate(answer) for name, answer in raw.items()}
        self._bodies: dict[str, Callable[[Mapping[str, Any], Setting], Body]] = {
            "utter_welcome_start": self._welcome_body,
            "utter_understood": self._lines_body,
            "utter_brief": self._brief_body,
            "utter_handoff_shared": self._shared_body,
            "utter_matches": self._cards_body,
            "utter_one_match": self._cards_body,
            "utter_another": self._cards_body,
            "utter_contact_centre": self._cards_body,
            "utter_next_coordinator_absent": self._steps_body,
            "utter_next_guide_absent": self._steps_body,
            "utter_offer_person_absent": self._steps_body,
            "utter_tools": self._tools_body,
            "utter_delete_confirm": self._delete_body,
            "utter_fixed": self._person_body,
            "utter_not_understood": self._person_body,
            "utter_out_of_scope": self._ways_body,
            "utter_handoff_not_now": self._ways_body,
            "utter_complaint": self._person_body,
            "utter_no_match": self._person_body,
            "utter_no_other": self._person_body,
            "utter_most_help": self._person_body,
            "utter_tonight": self._tonight_body,
            "utter_agenda_next": self._agenda_body,
            "utter_cry_numbers": self._numbers_body,
        }

    def word(self, request: ReplyRequest, setting: Setting) -> OutgoingMessage:
        """The message for a reply. Raises MissingTextError when a text or value is missing."""
        setting = replace(setting, language=self.content.read_in(setting.language, request.id))
        question = request.id.removeprefix("utter_ask_")
        if request.id != question and question in self.policy.questions:
            body = self.questions.body(question, setting.language, setting.slots, setting.asked)
            text = self.questions.text(question, setting.language, setting.slots)
            return OutgoingMessage(Author.BOT, text, request.id, setting.language, body)
        values = {
            **self._common(setting),
            **self._listed(request.values, setting.language),
            **self._named(request.values, setting),
            **booking.worded(request.values, self.content, setting.language),
        }
        text = self.content.text(setting.language, request.id, **values)
        closing = self._closing.body(request.id, request.values, setting.language)
        if closing is not None:
            body = closing
        elif "choices" in request.values:
            body = booking.body(request.values, self.content, setting.language)
        elif request.id in self._bodies:
            body = self._bodies[request.id](request.values, setting)
        elif request.id.startswith("utter_level_") and "signals" in request.values:
            body = self._level_body(request, setting)
        else:
            body = {}
        return OutgoingMessage(Author.BOT, text, request.id, setting.language, body)

    def opening(self, setting: Setting) -> list[OutgoingMessage]:
        """The first messages: what this is, what is kept, and where to begin."""
        ids = ("utter_welcome", "utter_welcome_kept", "utter_welcome_start")
        return [self.word(ReplyRequest(reply), setting) for reply in ids]

    @property
    def asking_if_safe(self) -> frozenset[str]:
        """The answers to danger that end by asking whether she and the child are safe."""
        return frozenset(answer.text for answer in self._acute.values() if answer.asks_safe)

    def acute(self, check: Check, setting: Setting) -> OutgoingMessage:
        """What to do first, at most three numbers, one question, then a person.

        In the language in which the danger was told, whatever the conversation's language is.
        """
        category = next((c for c in check.categories if c in self._acute), "default")
        answer = self._acute[category]
        setting = self._in_language_of(check, setting)
        language = setting.language
        paragraphs = [self.content.text(language, answer.text)]
        if check.when == "past":
            paragraphs.insert(0, self.content.text(language, "acute_past"))
        elif check.denied:
            paragraphs.insert(0, self.content.text(language, "acute_denied"))
        numbers = self.numbers(answer.lines, setting.municipality, language)
        if self.content.has(language, "acute_interpreter"):
            paragraphs.append(self.content.text(language, "acute_interpreter"))
        if answer.asks_safe:
            paragraphs.append(self.content.text(language, "acute_ask_safe"))
        presence = self.presence(setting)
        paragraphs.append(self.content.text(language, "acute_person", presence=presence))
        person = {"id": WANT_PERSON, "label": self.content.text(language, "choice_person")}
        return OutgoingMessage(
            Author.SAFETY,
            "\n\n".join(paragraphs),
            answer.text,
            language,
            {"numbers": numbers, "choices": [person]},
            acute=True,
        )

    def _in_language_of(self, check: Check, setting: Setting) -> Setting:
        known = check.language if check.language in self.content.in_danger else None
        is_same = known == spoken(setting.language)  # easy Swedish stays easy
        return setting if known is None or is_same else replace(setting, language=known)

    def maybe_acute(self, setting: Setting, check: Check | None = None) -> OutgoingMessage:
        """One line for a message that may be about danger: what to do if it is, and the numbers."""
        setting = self._in_language_of(check, setting) if check else setting
        text = self.content.text(setting.language, "acute_maybe")
        seen = [self._acute[c] for c in (check.categories if check else ()) if c in self._acute]
        answer = next((answer for answer in seen if answer.maybe), self._acute["default"])
        lines = answer.lines
        numbers = self.numbers(lines, setting.municipality, setting.language)
        body = {"numbers": numbers}
        return OutgoingMessage(Author.BOT, text, "acute_maybe", setting.language, body)

    def numbers(
        self,
        kinds: Sequence[str],
        municipality: Municipality | None,
        language: str,
        most: int = MOST_NUMBERS,
    ) -> list[Body]:
        """Phone numbers for kinds of help line, the nearest layer first, at most `most`.

        Without a municipality the national layer alone is read.
        """
        numbers: list[Body] = []
        for kind in kinds:
            service = self._nearest(kind, municipality)
            if service is not None:
                phone = service.phones[0]
                if phone.number in [known["number"] for known in numbers]:
                    continue
                numbers.append(
                    {
                        "label": service.name,
                        "number": phone.number,
                        "tel": phone.number.replace(" ", "").replace("-", ""),
                        "note": self._note(service, language),
                        "verified_on": service.verified_on.isoformat(),
                    }
                )
        return numbers[:most]

    def _note(self, service: Service, language: str) -> str:
        """What a help line is, where its name is a Swedish one to the reader, and its hours."""
        hours = local(service.phones[0].hours, language)
        kind = service.kinds[0]
        labels = self.catalogue.taxonomy.kinds[kind].label
        is_told = self.content.says(language, f"kind_{kind}") or language == "en"
        what = self.content.named("kind", kind, labels, language) if is_told else ""
        return " · ".join(filter(None, [what, self.content.round_the_clock(language, hours)]))

    def presence(self, setting: Setting) -> str:
        """Who reads now, honestly: on duty means a guide has the console open."""
        language, municipality = setting.language, setting.municipality
        guide = municipality.functions["guide"]
        name = {"municipality": municipality.name}
        if not guide.exists:
            return self.content.text(language, "presence_none", **name)
        hours = opening(guide, setting.now, municipality.closures)
        if setting.on_duty and hours.until:
            time = self.content.clock(language, hours.until)
            return self.content.text(language, "presence_until", time=time)
        if setting.on_duty:
            return self.content.text(language, "presence_now")
        if hours.until:
            time = self.content.clock(language, hours.until)
            return self.content.text(language, "presence_hours", time=time)
        if hours.opens:
            when = self.content.when(language, hours.opens)
            return self.content.text(language, "presence_opens", when=when)
        return self.content.text(language, "presence_unknown")

    def choice_label(self, choice: str, language: str) -> str | None:
        """The words of a choice id, as shown in the parent's own bubble; None when unknown."""
        kind, _, name = choice.partition(":")
        if label := self.briefs.label(choice, language):
            return label
        if kind in self.policy.questions:
            names = name.split(",")
            if not all(self.questions.has_label(kind, part, language) for part in names):
                return None
            return ", ".join(self.questions.label(kind, part, language) for part in names)
        if kind == booking.KIND:
            return booking.label(choice, self.content, language)
        if kind == "language" and name in self.content.languages:
            return self.content.autonyms[name]
        if kind == "had" and name in self.catalogue.services:
            service = self.catalogue.services[name]
            return self.content.text(language, "choice_tried_named", name=service.name)
        labels = _labels_of(choice)
        if not all(self.content.has(language, label) for label in labels):
            return None
        return ", ".join(self.content.raw(language, label) for label in labels)

    def lines(self, facts: Mapping[str, Any], language: str) -> list[Body]:
        """What is known of a case as labelled lines; facts hold ids and numbers, no words."""
        needs = [self._label("needs", need, language) for need in facts.get("needs", [])]
        actors = [self.content.raw(language, f"actor_{a}") for a in facts.get("actors", [])]
        refused = [self.content.raw(language, f"actor_{a}") for a in facts.get("refused", [])]
        values = {
            "line_needs": ". ".join(needs),
            "line_age": self._ages(facts.get("children", []), language),
            "line_how_long": self._duration(facts.get("months"), language),
            "line_areas": self.questions.listed(
                "life_areas", facts.get("life_areas", []), language
            ),
            "line_actors": self.content.listed(language, actors),
            "line_refused": self.content.listed(language, refused),
            "line_coping": self._coping(facts.get("coping"), language),
            **self.questions.lines(facts, language),
        }
        return [
            {"id": line, "label": self.content.raw(language, line), "value": value}
            for line, value in values.items()
            if value
        ]

    def level(self, level: str, signals: Sequence[str], language: str) -> Body:
        """A level with its reasons in words."""
        reasons = [self.content.raw(language, f"signal_{signal}") for signal in signals]
        label = self.content.raw(language, f"level_{level}")
        return {"id": level, "label": label, "reasons": reasons}

    def _common(self, setting: Setting) -> dict[str, Any]:
        return {
            "municipality": setting.municipality.name,
            "days": setting.municipality.retention_days,
            "presence": self.presence(setting),
            "must_report": self.content.raw(setting.language, "must_report"),
        }

    def _welcome_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._choices("path", setting.language)}

    def _choices(self, question: str, language: str) -> list[Body]:
        return [
            {
                "id": f"{question}:{choice.id}",
                "label": self.content.raw(language, f"choice_{question}_{choice.id}"),
            }
            for choice in self.policy.questions[question].choices
        ]

    def _lines_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        lines = self.lines(values["facts"], setting.language)
        return {"lines": [self._changeable(line, setting.language) for line in lines]}

    def _brief_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        days = setting.municipality.retention_days
        return self.briefs.body(
            values["brief"],
            values["withheld"],
            reader=values["reader"],
            municipality=setting.municipality.name,
            until=(setting.now + dt.timedelta(days=days)).date(),
            language=setting.language,
        )

    def _shared_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        choices = {"intent:revoke_share": "choice_revoke_share"}
        return {"choices": self._labelled(choices, setting.language)}

    def _changeable(self, line: Body, language: str) -> Body:
        """A line with what to press to change it or take it away; numbered lines share words."""
        pressed = {
            kind: {
                "id": f"{kind}:{line['id']}",
                "label": self.choice_label(f"{kind}:{line['id']}", language),
            }
            for kind in ("change", "remove")
        }
        return {**line, **pressed}

    def _listed(self, values: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        """Needs among the values of a reply in words."""
        needs = values.get("needs")
        if not isinstance(needs, list):
            return values
        return {**values, "needs": self.questions.as_lines(needs, language)}

    def _named(self, values: Mapping[str, Any], setting: Setting) -> Mapping[str, Any]:
        """The name and the plan B of an entry among the values of a reply."""
        service_id = values.get("service_id")
        if service_id is None:
            return {}
        service = self.catalogue.services[service_id]
        after_no = self.cards.plan_b(service, self.catalogue, setting.language)
        return {"name": service.name, "plan_b": after_no}

    def _agenda_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        language = setting.language
        first = f"agenda_first:{values['needs'][0]}"
        choices = {"intent:deny": "choice_agenda_not_now", WANT_PERSON: "choice_person"}
        taken = {"id": first, "label": self.content.raw(language, "choice_agenda_now")}
        return {"choices": [taken, *self._labelled(choices, language)]}

    def _numbers_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        lines = self._acute["cry"].lines
        return {"numbers": self.numbers(lines, setting.municipality, setting.language)}

    def _level_body(self, request: ReplyRequest, setting: Setting) -> Body:
        level = request.id.removeprefix("utter_level_").removesuffix("_gently")
        choices = {} if level == "acute" else DISAGREE
        return {
            "level": self.level(level, request.values["signals"], setting.language),
            "choices": self._labelled(choices, setting.language),
        }

    def _tonight_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        return {"numbers": self.numbers(values["lines"], setting.municipality, setting.language)}

    def _cards_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        return {"cards": [self.card(match, setting) for match in values["matches"]]}

    def _steps_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        services = [self.catalogue.services[step] for step in values["steps"]]
        language = setting.language
        lines = [{"label": s.name, "value": local(s.how_to_get, language)} for s in services]
        return {"lines": lines}

    def _tools_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        page = f"/chat/{setting.municipality.id}/verktyg"
        links = {
            page: "web_tools",
            f"{page}?tool=plan": "tools_name_plan",
            f"{page}?tool=contacts": "tools_name_contacts",
            f"{page}?tool=meeting": "tools_name_meeting",
        }
        words = [(at, self.content.raw(setting.language, text)) for at, text in links.items()]
        return {"links": [{"href": at, "label": label} for at, label in words]}

    def _delete_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._labelled({DELETE: "choice_delete_confirm"}, setting.language)}

    def _person_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._labelled({WANT_PERSON: "choice_person"}, setting.language)}

    def _ways_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        """A way on where nothing is asked: the situations, and a person."""
        if setting.asked:
            return {}
        person = self._labelled({WANT_PERSON: "choice_person"}, setting.language)
        return {"choices": [*self._welcome_body({}, setting)["choices"], *person]}

    def _labelled(self, choices: Mapping[str, str], language: str) -> list[Body]:
        return [{"id": i, "label": self.content.raw(language, text)} for i, text in choices.items()]

    def card(self, match: Mapping[str, Any], setting: Setting) -> Body:
        """A catalogue entry as a card; what is unknown is said, never filled in."""
        return self.cards.card(match, self.catalogue, setting.municipality, setting.language)

    def _label(self, section: str, name: str, language: str) -> str:
        labels = getattr(self.catalogue.taxonomy, section)[name].label
        return self.content.named(section.removesuffix("s"), name, labels, language)

    def _nearest(self, kind: str, municipality: Municipality | None) -> Service | None:
        if kind not in self.catalogue.kinds:
            return self.catalogue.services[kind]
        order = municipality.layers if municipality else [NATIONAL]
        fitting = [
            s
            for s in self.catalogue.services.values()
            if kind in s.kinds and s.phones and s.layer in order and s.is_suggestible
        ]
        return min(fitting, key=lambda s: (order.index(s.layer), s.kinds.index(kind)), default=None)

    def _ages(self, children: Sequence[Mapping[str, Any]], language: str) -> str:
        """The children's ages in years; an answered range as one."""
        words = []
        for child in children:
            if child["band"]:
                low, high = child["band"]
                words.append(self.content.text(language, "value_ages", lowest=low, highest=high))
            else:
                words.append(self.content.counted(language, "value_age", age=child["age"]))
        return self.content.listed(language, words)

    def _duration(self, months: int | None, language: str) -> str:
        if months is None:
            return ""
        if months < 1:
            return self.content.raw(language, "value_weeks")
        if months % 12 == 0:
            key = "value_year" if months == 12 else "value_years"
            return self.content.counted(language, key, years=months // 12)
        key = "value_month" if months == 1 else "value_months"
        return self.content.counted(language, key, months=months)

    def _coping(self, coping: int | None, language: str) -> str:
        if coping is None:
            return ""
        return self.content.raw(language, f"choice_coping_coping_{coping}")


def _labels_of(choice: str) -> list[str]:
    """The texts of a choice that is no answer of a question."""
    kind, _, name = choice.partition(":")
    if choice == DELETE:
        return ["choice_delete_confirm"]
    if kind in ("transfer", "transfer_no"):
        return [f"choice_{kind}"]
    if kind == "intent":
        return [_INTENT_LABELS.get(name, f"choice_{name}")]
    return [f"choice_{kind}_{part}" for part in name.split(",")]


_INTENT_LABELS = {
    "deny": "choice_agenda_not_now",
    "want_person": "choice_person",
    "greet": "choice_enough_more",
    "enough": "choice_enough_yes",
    "partly": "choice_enough_partly",
    "not_enough": "choice_enough_no",
}
