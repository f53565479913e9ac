"""Everyone around the child and the parent: drawn from the conversation, changed by the parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

import yaml
from pydantic import BaseModel, ConfigDict, Field

from bot.case import case_of
from bot.tools.basis import Basis, Kept, Short
from bot.tools.sheet import Part, Row, Sheet

POLICY = Path(__file__).parents[1] / "content" / "policy" / "tools.yml"
MOST = 30  # contacts of one's own
MOST_ASKED = 3  # actors the conversation asks about, one at a time

State = Literal["works", "less_well", "missing", "conflict", "unknown"]
Need = Literal["child", "both", "parent"]
STATES: tuple[State, ...] = get_args(State)
NEEDS: tuple[Need, ...] = get_args(Need)


class Contact(BaseModel):
    """One around the family: whose need it is about and how it goes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: str
    name: Short
    need: Need = "child"
    state: State = "unknown"


class KeptContacts(Kept):
    """The parent's edits; what the conversation tells later is still drawn in."""

    added: list[Contact] = Field(default_factory=list)
    changed: dict[str, Contact] = Field(default_factory=dict)
    removed: list[str] = Field(default_factory=list)


def contacts_of(basis: Basis) -> list[Contact]:
    """The contacts as the parent has them now, her own last."""
    edits = basis.read("contacts", KeptContacts)
    drawn = [edits.changed.get(one.id, one) for one in _drawn(basis)]
    return [one for one in drawn if one.id not in edits.removed] + edits.added


def add(basis: Basis, name: str, need: Need, state: State) -> KeptContacts:
    """The edits with one contact more. Raises ValueError without a name, or when there are many."""
    edits = basis.read("contacts", KeptContacts)
    new = Contact(id=f"own-{uuid4().hex[:8]}", name=name, need=need, state=state)
    if not new.name or len(edits.added) >= MOST:
        raise ValueError("a contact needs a name")
    return edits.model_copy(update={"added": [*edits.added, new]})


def change(basis: Basis, contact: str, name: str, need: Need, state: State) -> KeptContacts:
    """The edits with one contact changed. Raises KeyError, or ValueError without a name."""
    edits = basis.read("contacts", KeptContacts)
    _known(basis, contact)
    new = Contact(id=contact, name=name, need=need, state=state)
    if not new.name:
        raise ValueError("a contact needs a name")
    if any(own.id == contact for own in edits.added):
        added = [new if own.id == contact else own for own in edits.added]
        return edits.model_copy(update={"added": added})
    return edits.model_copy(update={"changed": {**edits.changed, contact: new}})


def remove(basis: Basis, contact: str) -> KeptContacts:
    """The edits without one contact, also when the conversation names it. Raises KeyError."""
    edits = basis.read("contacts", KeptContacts)
    _known(basis, contact)
    added = [own for own in edits.added if own.id != contact]
    if len(added) < len(edits.added):
        return edits.model_copy(update={"added": added})
    return edits.model_copy(update={"removed": [*edits.removed, contact]})


def sheet(basis: Basis) -> Sheet:
    """The map as a list that says the same."""
    contacts = contacts_of(basis)
    parts = [
        Part(basis.say(f"contacts_need_{need}"), rows=rows)
        for need in NEEDS
        if (rows := [_line(basis, one) for one in contacts if one.need == need])
    ]
    title, lead = basis.say("contacts_title"), basis.say("about_contacts")
    return Sheet(title, lead, parts, basis.say("contacts_foot"))


def summary(basis: Basis) -> str:
    """The map in one text, for those who do not see it."""
    lines = [
        basis.say("contacts_summary_line", name=one.name, state=_state(basis, one))
        for one in contacts_of(basis)
    ]
    return " ".join(lines)


def names(basis: Basis) -> list[str]:
    """Names for a letter or a meeting: not who is missing, and not who is there for the parent
    alone, as that is nobody's business but hers."""
    contacts = contacts_of(basis)
    return [one.name for one in contacts if one.state != "missing" and one.need != "parent"]


def _line(basis: Basis, contact: Contact) -> Row:
    return Row(contact.name, _state(basis, contact))


def _state(basis: Basis, contact: Contact) -> str:
    return basis.say(f"contacts_state_{contact.state}")


def _known(basis: Basis, contact: str) -> Contact:
    found = next((one for one in contacts_of(basis) if one.id == contact), None)
    if found is None:
        raise KeyError(contact)
    return found


def _drawn(basis: Basis) -> list[Contact]:
    drawing, case = policy(), case_of(basis.slots)
    states = _states(basis.slots)
    refused = {actor: "less_well" for actor in case.refused}
    found: list[Contact] = []
    for actor in dict.fromkeys([*case.actors, *states, *case.refused]):
        label = f"actor_{actor}"
        if actor == "nobody" or not basis.content.has(basis.language, label):
            continue
        name = basis.content.raw(basis.language, label)
        state = states.get(actor) or refused.get(actor, "unknown")
        need = _need(actor, drawing)
        found.append(Contact(id=actor, name=_capital(name), need=need, state=state_of(state)))
    for signal, missing in drawing["missing_when"].items():
        if signal in case.signals:
            name = basis.say(f"missing_{missing['id']}")
            found.append(Contact(id=signal, name=name, need=missing["need"], state="missing"))
    return found


def _states(slots: Mapping[str, Any]) -> dict[str, str]:
    """How it goes with each actor, as the parent answered for one at a time."""
    answers = [slots.get(f"how_it_goes_{n}") for n in range(1, MOST_ASKED + 1)]
    said = [one for one in answers if isinstance(one, Mapping)]
    return {str(one["actor"]): str(one.get("how")) for one in said if one.get("actor")}


def state_of(text: str) -> State:
    """The state with this id; what is none of them is unknown."""
    return next((known for known in STATES if known == text), "unknown")


def need_of(text: str) -> Need:
    """Whose need this id stands for; the child's where it stands for nobody's."""
    return next((known for known in NEEDS if known == text), "child")


def _need(actor: str, drawing: Mapping[str, Sequence[str]]) -> Need:
    if actor in drawing["for_parent"]:
        return "parent"
    return "both" if actor in drawing["for_both"] else "child"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


@lru_cache
def policy() -> dict[str, Any]:
    """What the tools draw from the conversation, as data."""
    content: dict[str, Any] = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return content
