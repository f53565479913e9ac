"""Min plan: at most two first steps with a day, whom to call, what to say, and a plan B."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from bot.cards import Cards
from bot.tools.basis import Basis, Kept, Long
from bot.tools.sheet import Part, Row, Sheet
from knowledge.catalogue import Phone, Service

MOST_STEPS = 2


class KeptStep(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    service_id: str = Field(max_length=120)
    day: dt.date | None = None


class KeptPlan(Kept):
    """What the parent chose; None where she has not chosen yet."""

    steps: list[KeptStep] | None = Field(None, max_length=MOST_STEPS)
    note: Long = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and the day the parent set for it."""

    service: Service
    day: dt.date | None


def steps_of(basis: Basis) -> list[Step]:
    """The chosen steps; before she has chosen, the first two that were suggested."""
    kept = basis.read("plan", KeptPlan)
    known = basis.catalogue.services
    if kept.steps is None:
        return [Step(service, None) for service in basis.services()[:MOST_STEPS]]
    return [Step(known[one.service_id], one.day) for one in kept.steps if one.service_id in known]


def choose(basis: Basis, chosen: list[str], days: dict[str, dt.date | None], note: str) -> KeptPlan:
    """The plan with these steps. Raises ValueError for more than two or one not suggested."""
    offered = {service.id for service in basis.services()}
    if len(chosen) > MOST_STEPS or not set(chosen) <= offered:
        raise ValueError("a plan has at most two of the suggested steps")
    steps = [KeptStep(service_id=one, day=days.get(one)) for one in chosen]
    return KeptPlan(steps=steps, note=note)


def sheet(basis: Basis) -> Sheet:
    """The plan on paper."""
    steps, note = steps_of(basis), basis.read("plan", KeptPlan).note
    parts = [_part(basis, step, number) for number, step in enumerate(steps, 1)]
    if note:
        parts.append(Part(basis.say("plan_note"), text=note.split("\n")))
    if steps:
        parts.append(_if_lost(basis))
    lead = basis.say("plan_lead" if steps else "plan_none")
    return Sheet(basis.say("plan_title"), lead, parts, basis.say("plan_foot"))


def _part(basis: Basis, step: Step, number: int) -> Part:
    service = step.service
    day = basis.day(step.day) if step.day else basis.say("plan_no_day")
    rows = [
        Row(basis.say("plan_when"), day),
        *(phone_row(basis, basis.say("plan_call"), phone) for phone in service.phones),
        Row(basis.say("plan_how"), basis.local(service.how_to_get)),
    ]
    if service.url:
        rows.append(Row(basis.say("plan_web"), service.url, service.url))
    if then := basis.local(service.what_happens_next):
        rows.append(Row(basis.say("plan_next"), then))
    if after_no := Cards(basis.content).plan_b(service, basis.catalogue, basis.language):
        rows.append(Row(basis.say("plan_b"), after_no))
    return Part(
        basis.say("plan_step", number=number, name=service.name),
        rows=rows,
        quote=basis.local(service.say_this),
        quote_heading=basis.say("plan_say"),
        items=documents(basis, service),
        items_heading=basis.say("plan_bring"),
    )


def _if_lost(basis: Basis) -> Part:
    """Whom to call when none of it works: the municipality's contact centre, or its entry."""
    centre = basis.catalogue.services[basis.municipality.contact_centre]
    rows = [phone_row(basis, centre.name, phone) for phone in centre.phones]
    if not rows:
        rows = [Row(centre.name, basis.local(centre.how_to_get))]
    return Part(basis.say("plan_lost"), rows=rows)


def phone_row(basis: Basis, label: str, phone: Phone) -> Row:
    """A number that can be called by a touch."""
    hours = basis.local(phone.hours) or basis.say("plan_no_hours")
    return Row(label, phone.number, "tel:" + re.sub(r"[^+0-9]", "", phone.number), hours)


def documents(basis: Basis, service: Service) -> list[str]:
    """What to bring, as the entry says."""
    return [basis.local(document) for document in service.required_documents]
