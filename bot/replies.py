"""Words a reply in the parent's language: text for every channel, and a body for screens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot.calendar import opening
from bot.content import Content
from bot.engine.compile import REFUSALS, Policy
from bot.engine.reply import ReplyRequest
from bot.messages import Author, OutgoingMessage
from knowledge.catalogue import Catalogue, Municipality, Service
from knowledge.glossary import glossary, glossary_links
from nlu.safety import Check

ACUTE = Path(__file__).parent / "content" / "policy" / "acute.yml"
FALLBACK_LANGUAGE = "sv"
MOST_NUMBERS = 3
NATIONAL = "national"
WANT_PERSON = "intent:want_person"
DELETE = "delete:confirm"


class AcuteAnswer(BaseModel):
    """The first line and the help lines of one category of danger."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a reply is said."""

    municipality: Municipality
    language: str
    now: dt.datetime
    on_duty: bool = False
    asked: tuple[str, ...] = ()  # questions of the active form


Body = dict[str, Any]


class Replies:
    """Turns reply ids and values into messages."""

    def __init__(self, content: Content, catalogue: Catalogue, policy: Policy) -> None:
        self.content = content
        self.catalogue = catalogue
        self.policy = policy
        raw = yaml.safe_load(ACUTE.read_text(encoding="utf-8"))
        self._acute = {name: AcuteAnswer.model_validate(answer) for name, answer in raw.items()}
        self._bodies: dict[str, Callable[[Mapping[str, Any], Setting], Body]] = {
            "utter_welcome": self._welcome_body,
            "utter_understood": self._lines_body,
            "utter_brief": self._lines_body,
            "utter_matches": self._cards_body,
            "utter_one_match": self._cards_body,
            "utter_contact_centre": self._cards_body,
            "utter_next_coordinator_absent": self._steps_body,
            "utter_next_guide_absent": self._steps_body,
            "utter_offer_person_absent": self._steps_body,
            "utter_enough": self._enough_body,
            "utter_thanks": self._enough_body,
            "utter_delete_confirm": self._delete_body,
            "utter_fixed": self._person_body,
            "utter_not_understood": self._person_body,
            "utter_complaint": self._person_body,
            "utter_no_match": self._person_body,
        }

    def word(self, request: ReplyRequest, setting: Setting) -> OutgoingMessage:
        """The message for a reply. Raises MissingTextError when a text or value is missing."""
        values = {**self._common(setting), **request.values}
        text = self.content.text(setting.language, request.id, **values)
        if request.id.startswith("utter_ask_"):
            body = self._question_body(request.id.removeprefix("utter_ask_"), setting)
        elif request.id.startswith("utter_level_"):
            body = self._level_body(request, setting)
        elif request.id in self._bodies:
            body = self._bodies[request.id](request.values, setting)
        else:
            body = {}
        return OutgoingMessage(Author.BOT, text, request.id, setting.language, body)

    def acute(self, check: Check, setting: Setting) -> OutgoingMessage:
        """What to do first, at most three numbers, one question, then a person."""
        category = next((c for c in check.categories if c in self._acute), "default")
        answer = self._acute[category]
        language = setting.language
        paragraphs = [self.content.text(language, answer.text)]
        if check.when == "past":
            paragraphs.insert(0, self.content.text(language, "acute_past"))
        elif check.denied:
            paragraphs.insert(0, self.content.text(language, "acute_denied"))
        numbers = self.numbers(answer.lines, setting.municipality, language)
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

    def maybe_acute(self, setting: Setting) -> OutgoingMessage:
        """One line for a message that may be about danger: what to do if it is, and the numbers."""
        text = self.content.text(setting.language, "acute_maybe")
        lines = self._acute["default"].lines
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
                hours = self._local(phone.hours, language)
                numbers.append(
                    {
                        "label": service.name,
                        "number": phone.number,
                        "tel": phone.number.replace(" ", "").replace("-", ""),
                        "note": hours or "",
                        "verified_on": service.verified_on.isoformat(),
                    }
                )
        return numbers[:most]

    def presence(self, setting: Setting) -> str:
        """Who reads now, honestly: on duty means a guide has the console open."""
        language, municipality = setting.language, setting.municipality
        guide = municipality.functions["guide"]
        name = {"municipality": municipality.name}
        if not guide.exists:
            return self.content.text(language, "presence_none", **name)
        hours = opening(guide, setting.now)
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
        labels = [f"choice_{kind}_{part}" for part in name.split(",")]
        if kind == "intent":
            labels = [_INTENT_LABELS.get(name, f"choice_{name}")]
        if choice == DELETE:
            labels = ["choice_delete_confirm"]
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
            "line_age": self._age(facts.get("child_ages", []), facts.get("age_is_band"), language),
            "line_how_long": self._duration(facts.get("months"), language),
            "line_actors": self.content.listed(language, actors),
            "line_refused": self.content.listed(language, refused),
            "line_coping": self._coping(facts.get("coping"), language),
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
        }

    def _welcome_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._choices("path", setting.language)}

    def _question_body(self, question: str, setting: Setting) -> Body:
        language, policy = setting.language, self.policy.questions[question]
        choices = self._choices(question, language)
        if policy.refusals:
            choices += [
                {"id": f"intent:{intent}", "label": self.content.raw(language, f"choice_{intent}")}
                for intent in REFUSALS
            ]
        body: Body = {
            "question": {
                "id": question,
                "multiple": policy.multiple,
                "why": self.content.raw(language, f"why_{question}"),
            },
            "choices": choices,
        }
        if question in setting.asked and len(setting.asked) > 1:
            number, total = setting.asked.index(question) + 1, len(setting.asked)
            progress = self.content.text(language, "progress", number=number, total=total)
            body["question"]["progress"] = progress
        return body

    def _choices(self, question: str, language: str) -> list[Body]:
        return [
            {
                "id": f"{question}:{choice.id}",
                "label": self.content.raw(language, f"choice_{question}_{choice.id}"),
            }
            for choice in self.policy.questions[question].choices
        ]

    def _lines_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        body: Body = {"lines": self.lines(values["facts"], setting.language)}
        if "level" in values:
            body["level"] = self.level(values["level"], values["signals"], setting.language)
        return body

    def _level_body(self, request: ReplyRequest, setting: Setting) -> Body:
        level = request.id.removeprefix("utter_level_").removesuffix("_gently")
        return {"level": self.level(level, request.values["signals"], setting.language)}

    def _cards_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        return {"cards": [self.card(match, setting) for match in values["matches"]]}

    def _steps_body(self, values: Mapping[str, Any], setting: Setting) -> Body:
        services = [self.catalogue.services[step] for step in values["steps"]]
        language = setting.language
        lines = [{"label": s.name, "value": self._local(s.how_to_get, language)} for s in services]
        return {"lines": lines}

    def _enough_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        choices = {
            "intent:enough": "choice_enough_yes",
            "intent:greet": "choice_enough_more",
            WANT_PERSON: "choice_enough_person",
        }
        return {"choices": self._labelled(choices, setting.language)}

    def _delete_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._labelled({DELETE: "choice_delete_confirm"}, setting.language)}

    def _person_body(self, _: Mapping[str, Any], setting: Setting) -> Body:
        return {"choices": self._labelled({WANT_PERSON: "choice_person"}, setting.language)}

    def _labelled(self, choices: Mapping[str, str], language: str) -> list[Body]:
        return [{"id": i, "label": self.content.raw(language, text)} for i, text in choices.items()]

    def card(self, match: Mapping[str, Any], setting: Setting) -> Body:
        """A catalogue entry as a card; what is unknown is said, never filled in."""
        service, language = self.catalogue.services[match["service_id"]], setting.language
        card: Body = {
            "service_id": service.id,
            "name": service.name,
            "organization": service.organization.name,
            "what": self._local(service.summary, language),
            "why": [self._reason(reason, setting) for reason in match["reasons"]],
            "how": self._local(service.how_to_get, language),
            "phone": [
                {
                    "number": phone.number,
                    "tel": phone.number.replace(" ", "").replace("-", ""),
                    "label": self._local(phone.label, language) or "",
                    "note": self._local(phone.hours, language) or "",
                }
                for phone in service.phones
            ],
            "source": self.content.text(language, "card_source", title=service.sources[0].title),
            "verified_on": service.verified_on.isoformat(),
        }
        optional = {
            "alert": self._local(service.alert or {}, language),
            "say_this": self._local(service.say_this, language),
            "next": self._local(service.what_happens_next, language),
            "url": service.url,
        }
        card.update({name: value for name, value in optional.items() if value})
        card["page"] = f"/stod/{setting.municipality.id}/{service.id}"
        card["terms"] = _terms(card, language)
        if service.status == "pilot":
            card["status_note"] = self.content.raw(language, "utter_status_pilot")
        if not service.phones and not service.url:
            centre = self.catalogue.services[setting.municipality.contact_centre]
            numbers = " ".join(phone.number for phone in centre.phones[:1])
            name = f"{centre.name} {numbers}".strip()
            card["missing"] = self.content.text(language, "card_unknown_contact", name=name)
        return card

    def _reason(self, reason: Mapping[str, Any], setting: Setting) -> str:
        values, language = dict(reason["values"]), setting.language
        reason_id = reason["id"]
        if reason_id == "reason_need":
            values["need"] = self._label("needs", values["need"], language)
        if reason_id == "reason_local":
            values["municipality"] = setting.municipality.name
        if reason_id == "reason_age" and values.get("maximum") is None:
            reason_id = "reason_age_from"
        elif reason_id == "reason_age" and values.get("minimum") is None:
            reason_id = "reason_age_to"
        return self.content.text(language, reason_id, **values)

    def _label(self, section: str, name: str, language: str) -> str:
        labels = getattr(self.catalogue.taxonomy, section)[name].label
        return str(self._local(labels, language))

    def _local(self, texts: Mapping[str, str], language: str) -> str | None:
        return texts.get(language) or texts.get(FALLBACK_LANGUAGE)

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

    def _age(self, ages: Sequence[int], is_band: bool | None, language: str) -> str:
        if not ages:
            return ""
        if is_band:
            low, high = min(ages), max(ages)
            return self.content.text(language, "value_ages", lowest=low, highest=high)
        words = [self.content.text(language, "value_age", age=age) for age in ages]
        return self.content.listed(language, words)

    def _duration(self, months: int | None, language: str) -> str:
        if months is None:
            return ""
        if months < 1:
            return self.content.raw(language, "value_weeks")
        if months % 12 == 0:
            key = "value_year" if months == 12 else "value_years"
            return self.content.text(language, key, years=months // 12)
        key = "value_month" if months == 1 else "value_months"
        return self.content.text(language, key, months=months)

    def _coping(self, coping: int | None, language: str) -> str:
        if coping is None:
            return ""
        return self.content.raw(language, f"choice_coping_coping_{coping}")


def _terms(card: Body, language: str) -> list[Body]:
    """The words of the glossary that stand in a card, each once."""
    texts = [card[part] or "" for part in ("what", "how", "say_this", "next") if part in card]
    found = dict.fromkeys(term for text in texts for _, _, term in glossary_links(text, language))
    return [{"id": term, "name": glossary().name(term, language)} for term in found]


_INTENT_LABELS = {
    "want_person": "choice_person",
    "greet": "choice_enough_more",
    "enough": "choice_enough_yes",
}
