"""What an editor should look at in the catalogue: stale, orphaned, unreachable, near duplicates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from knowledge.catalogue import (
    REQUIRED_LANGUAGES,
    Catalogue,
    Municipality,
    Service,
    Taxonomy,
    Texts,
)
from knowledge.summaries import digest

NOTES = frozenset(
    {"stale", "proposed", "professional", "no_contact", "missing_translation", "stale_summary"}
)
NOT_NEEDS = frozenset({"unclear", "out_of_scope"})  # ids beside the needs; they lead to no entry
NEAR_DUPLICATE = 0.8  # share of words two phrases have in common


@dataclass(frozen=True)
class Finding:
    """One thing an editor should look at; an `error` makes the check fail, a `note` does not.

    An entry without a contact of its own is a note: the contact centre is shown beside it.
    """

    code: Literal[
        "stale",
        "no_contact",
        "proposed",
        "professional",
        "near_duplicate",
        "missing_text",
        "missing_translation",
        "unreachable",
        "unknown_id",
        "orphan",
        "stale_summary",
    ]
    where: str  # id of the entry, the municipality or the taxonomy
    field: str
    detail: str = ""

    @property
    def level(self) -> Literal["error", "note"]:
        return "note" if self.code in NOTES else "error"


def check(catalogue: Catalogue, today: dt.date | None = None) -> list[Finding]:
    """Everything an editor should look at, entry by entry, then municipalities and labels."""
    day = today or dt.date.today()
    layers = {layer for m in catalogue.municipalities.values() for layer in m.layers}
    findings: list[Finding] = []
    for service in catalogue.services.values():
        findings += _check_service(service, day)
        if service.layer not in layers:
            findings.append(Finding("orphan", service.id, "layer", service.layer))
    findings += _near_duplicates(catalogue)
    for municipality in catalogue.municipalities.values():
        findings += _check_municipality(municipality, catalogue)
    findings += _check_summaries(catalogue)
    return [*findings, *_check_labels(catalogue.taxonomy)]


def _check_service(service: Service, day: dt.date) -> Iterator[Finding]:
    if service.review_due < day:
        yield Finding("stale", service.id, "review_due", service.review_due.isoformat())
    if service.status == "proposed":
        yield Finding("proposed", service.id, "status")
    if service.for_whom == ["professional"]:
        yield Finding("professional", service.id, "for_whom")
    if service.is_suggestible and not (service.phones or service.url):
        yield Finding("no_contact", service.id, "phones")
    if service.is_suggestible and not any(_leads_to(need, service) for need in service.needs):
        yield Finding("unreachable", service.id, "needs", ", ".join(service.needs))
    yield from _check_texts(service)


def _check_texts(service: Service) -> Iterator[Finding]:
    optional = ("what_happens_next", "say_this", "alert")
    for field in ("summary", "how_to_get", *optional):
        texts = getattr(service, field)
        if texts or field not in optional:
            yield from _missing(service.id, field, texts or {})
    for field, texts in _smaller_texts(service):
        if any(texts.values()):
            for missing in _missing(service.id, field, texts):
                yield replace(missing, code="missing_translation")


def _leads_to(need: str, service: Service) -> bool:
    """Whether a parent with that need alone could be shown the entry."""
    criteria = [c for c in service.eligibility if c.fact == "need"]
    is_excluded = any(need in c.is_none or (c.is_any and need not in c.is_any) for c in criteria)
    return need not in NOT_NEEDS and not is_excluded


def _smaller_texts(service: Service) -> Iterator[tuple[str, Texts]]:
    """Texts beside the main ones; where one is missing the Swedish is shown."""
    for phone in service.phones:
        yield "phones.label", phone.label
        yield "phones.hours", phone.hours
    yield from (("schedules.description", s.description) for s in service.schedules)
    yield from (("required_documents", texts) for texts in service.required_documents)
    yield from (("cost_options.note", cost.note) for cost in service.cost_options)
    if service.wait_time is not None:
        yield "wait_time.text", service.wait_time.text


def _missing(where: str, field: str, texts: Texts) -> Iterator[Finding]:
    for language in REQUIRED_LANGUAGES:
        if not texts.get(language, "").strip():
            yield Finding("missing_text", where, field, language)


def _check_municipality(municipality: Municipality, catalogue: Catalogue) -> Iterator[Finding]:
    for field, service_id in catalogue.missing_entries(municipality):
        yield Finding("unknown_id", municipality.id, field, service_id)


def _check_summaries(catalogue: Catalogue) -> Iterator[Finding]:
    """Texts of no entry, empty texts, and texts of an entry whose Swedish has changed since."""
    summaries = catalogue.summaries
    for language, texts in summaries.texts.items():
        for service_id, text in texts.items():
            if service_id not in catalogue.services:
                yield Finding("unknown_id", f"summaries/{language}", service_id)
            elif not text.strip():
                yield Finding("missing_text", service_id, f"summaries/{language}", language)
    for service_id in sorted(summaries.ids() & set(catalogue.services)):
        swedish = catalogue.services[service_id].summary.get("sv", "")
        if summaries.written_from.get(service_id) != digest(swedish):
            yield Finding("stale_summary", service_id, "summary")


def _check_labels(taxonomy: Taxonomy) -> Iterator[Finding]:
    for group in ("levels", "needs", "kinds"):
        for name, label in getattr(taxonomy, group).items():
            yield from _missing("taxonomy", f"{group}.{name}", label.label)


def _near_duplicates(catalogue: Catalogue) -> Iterator[Finding]:
    """Phrases two different kinds of support share: search cannot tell them apart."""
    seen: list[tuple[Service, str, frozenset[str]]] = []
    for service in catalogue.services.values():
        if not service.is_suggestible:
            continue
        for phrase in service.parent_says:
            words = frozenset(re.findall(r"\w+", phrase.lower()))
            for other, text, known in seen:
                distinct = other.id == service.id or other.kinds[0] != service.kinds[0]
                if distinct and _overlap(words, known) >= NEAR_DUPLICATE:
                    detail = f"{phrase} = {other.id}: {text}"
                    yield Finding("near_duplicate", service.id, "parent_says", detail)
            seen.append((service, phrase, words))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
