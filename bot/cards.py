"""A catalogue entry as a card: why, how, what to say, what to bring, and what after a no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.content import Content
from bot.suggestions import plan_b
from knowledge.catalogue import Catalogue, Municipality, Service
from knowledge.glossary import glossary, glossary_links
from knowledge.summaries import in_language

FALLBACK_LANGUAGE = "sv"
VIOLENCE_LINE = "kvinnofridslinjen"  # named in the plan B of support against violence
Body = dict[str, Any]


class Cards:
    """Words cards from the catalogue; what is unknown is said, never filled in."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def card(
        self,
        match: Mapping[str, Any],
        catalogue: Catalogue,
        municipality: Municipality,
        language: str,
    ) -> Body:
        """The card of a match: `service_id`, `reasons`, and `first_step` where it is one."""
        service = catalogue.services[match["service_id"]]
        reasons = [
            self._reason(reason, catalogue, municipality, language) for reason in match["reasons"]
        ]
        summaries = catalogue.summary(service)
        what, written_in = in_language(summaries, language)
        card: Body = {
            "service_id": service.id,
            "name": service.name,
            "organization": service.organization.name,
            "what": what,
            "why": reasons,
            "how": local(service.how_to_get, language),
            "phone": self._phones(service, language),
            "source": self._content.text(language, "card_source", title=service.sources[0].title),
            "verified_on": service.verified_on.isoformat(),
            "verified": self._content.day(language, service.verified_on),
        }
        documents = [local(document, language) for document in service.required_documents]
        optional = {
            "alert": local(service.alert or {}, language),
            "say_this": local(service.say_this, language),
            "documents": [document for document in documents if document],
            "next": local(service.what_happens_next, language),
            "url": service.url,
        }
        card.update({name: value for name, value in optional.items() if value})
        if written_in != FALLBACK_LANGUAGE:
            card["swedish"] = local(summaries, FALLBACK_LANGUAGE)
            card["swedish_label"] = self._content.raw(language, "web_stod_in_swedish")
        card["languages"] = _languages(service, written_in, language)
        card["page"] = f"/stod/{municipality.id}/{service.id}"
        card["terms"] = _terms(card, language)
        card.update(self._notes(service, match, catalogue, language))
        card.update(self._without_contact(service, catalogue, municipality, language))
        return card

    def plan_b(self, service: Service, catalogue: Catalogue, language: str) -> str | None:
        """What to do after a no from an entry; None where nobody says no."""
        text_id = plan_b().of(service)
        if text_id is None:
            return None
        line = catalogue.services[VIOLENCE_LINE].phones[0].number
        return self._content.text(language, text_id, violence_line=line)

    def _phones(self, service: Service, language: str) -> list[Body]:
        return [
            {
                "number": phone.number,
                "tel": phone.number.replace(" ", "").replace("-", ""),
                "label": local(phone.label, language) or "",
                "note": self._content.round_the_clock(language, local(phone.hours, language)),
            }
            for phone in service.phones
        ]

    def _notes(
        self, service: Service, match: Mapping[str, Any], catalogue: Catalogue, language: str
    ) -> Body:
        """First step, plan B, "already tried" and the mark of a trial, each where it holds."""
        notes: Body = {}
        if after_no := self.plan_b(service, catalogue, language):
            notes["plan_b"] = after_no
        if match.get("first_step"):
            notes["first_step"] = self._content.raw(language, "card_first_step")
        if match.get("can_be_tried"):
            label = self._content.raw(language, "choice_tried")
            said = self._content.text(language, "choice_tried_named", name=service.name)
            notes["tried"] = {"id": f"had:{service.id}", "label": label, "said": said}
        if service.status == "pilot":
            notes["status_note"] = self._content.raw(language, "utter_status_pilot")
        return notes

    def _without_contact(
        self, service: Service, catalogue: Catalogue, municipality: Municipality, language: str
    ) -> Body:
        if service.phones or service.url:
            return {}
        centre = catalogue.services[municipality.contact_centre]
        numbers = " ".join(phone.number for phone in centre.phones[:1])
        name = f"{centre.name} {numbers}".strip()
        return {"missing": self._content.text(language, "card_unknown_contact", name=name)}

    def _reason(
        self,
        reason: Mapping[str, Any],
        catalogue: Catalogue,
        municipality: Municipality,
        language: str,
    ) -> str:
        values, reason_id = dict(reason["values"]), reason["id"]
        if reason_id == "reason_need":
            labels = catalogue.taxonomy.needs[values["need"]].label
            values["need"] = self._content.named("need", values["need"], labels, language)
        if reason_id == "reason_local":
            values["municipality"] = municipality.name
        if reason_id == "reason_age" and values.get("maximum") is None:
            reason_id = "reason_age_from"
        elif reason_id == "reason_age" and values.get("minimum") is None:
            reason_id = "reason_age_to"
        return self._content.text(language, reason_id, **values)


def local(texts: Mapping[str, str], language: str) -> str | None:
    """A text of the catalogue in the language, else in Swedish."""
    return texts.get(language) or texts.get(FALLBACK_LANGUAGE)


def _languages(service: Service, of_summary: str, language: str) -> Body:
    """The language of each part of a card that is not in the parent's own."""
    texts = {
        "how": service.how_to_get,
        "say_this": service.say_this,
        "next": service.what_happens_next,
        "alert": service.alert or {},
    }
    parts = {
        part: language if of.get(language) else FALLBACK_LANGUAGE for part, of in texts.items()
    }
    parts["what"] = of_summary
    return {part: code for part, code in parts.items() if code != language}


def _terms(card: Body, language: str) -> list[Body]:
    """The words of the glossary that stand in a card, each once."""
    texts = [card[part] or "" for part in ("what", "how", "say_this", "next") if part in card]
    found = dict.fromkeys(term for text in texts for _, _, term in glossary_links(text, language))
    return [{"id": term, "name": glossary().name(term, language)} for term in found]
