"""Entries as Open Referral HSDS 3 objects (JSON), and back.

HSDS has one language and fewer facts than we keep. So a standard field holds the Swedish text, and
what HSDS lacks stands in profile fields, whose names begin with `lotsa_`:

- `lotsa_<field>` is the field of that name in `knowledge/catalogue.py`;
- `lotsa_texts` on any object holds the texts in other languages: field, language, text;
- `lotsa_wait_time_measured_on` and `lotsa_wait_time_source` belong to `wait_time`;
- `lotsa_rrule` is the opening as RFC 5545 writes it, in local time (Europe/Stockholm).

Some fields are written for other readers and not read back: every UUID (made from our id),
`status` (ours is `lotsa_status`), `eligibility_description`, `service_areas`, `attributes` (our
kinds and needs as taxonomy terms), `dtstart` and `lotsa_rrule`. The first line of an address is
not known apart from the rest, so a location's whole address is its `description`.

Field names: https://docs.openreferral.org/en/latest/hsds/schema_reference.html (HSDS 3.2).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.catalogue import Catalogue, Schedule, Service
from knowledge.faults import Fault, fault, texts

Json = dict[str, Any]
BASE = "HSDS 3.2"
ORIGINAL = "sv"
NATIONAL = "national"
OWN = "lotsa_"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:lotsa:catalogue")
# A pilot takes people today; what is only proposed does not. HSDS has no closer word.
STATUS = {"exists": "active", "pilot": "active", "proposed": "inactive"}


class WrongShapeError(ValueError):
    """A field holds another kind of thing than HSDS says; the argument is its name."""


@dataclass(frozen=True)
class Shape:
    """How one of our models is written: our field → the HSDS field."""

    fields: Mapping[str, str]
    texts: Mapping[str, str]  # fields by language


SERVICE = Shape(
    {
        "id": "lotsa_id",
        "layer": "lotsa_layer",
        "name": "name",
        "status": "lotsa_status",
        "kinds": "lotsa_kinds",
        "needs": "lotsa_needs",
        "access_path": "lotsa_access_path",
        "lagrum": "lotsa_lagrum",
        "for_whom": "lotsa_for_whom",
        "minimum_age": "minimum_age",
        "maximum_age": "maximum_age",
        "parent_says": "lotsa_parent_says",
        "url": "url",
        "evening": "lotsa_evening",
        "interpreter": "lotsa_interpreter",
        "home_visit": "lotsa_home_visit",
        "digital": "lotsa_digital",
        "needs_bankid": "lotsa_needs_bankid",
        "sip_relevant": "lotsa_sip_relevant",
        "verified_on": "assured_date",
        "review_due": "lotsa_review_due",
        "owner": "lotsa_owner",
    },
    {
        "summary": "description",
        "how_to_get": "application_process",
        "what_happens_next": "lotsa_what_happens_next",
        "say_this": "lotsa_say_this",
        "alert": "alert",
    },
)
ORGANIZATION = Shape({"name": "name", "huvudman": "lotsa_huvudman"}, {})
LOCATION = Shape({"name": "name", "address": "description"}, {})
WAIT_TIME = Shape(
    {"measured_on": "lotsa_wait_time_measured_on", "source": "lotsa_wait_time_source"},
    {"text": "wait_time"},
)
TRANSLATION = Shape({"language": "language", "status": "status"}, {})
LANGUAGE = Shape({"code": "code"}, {})
DOCUMENT = Shape({}, {"document": "document"})
_SAME_NAMES = ("freq", "interval", "byday", "bymonthday", "opens_at", "closes_at")
# Our list → its HSDS name and the shape of an item.
LISTS: dict[str, tuple[str, Shape]] = {
    "phones": (
        "phones",
        Shape(
            {"number": "number", "fictional": "lotsa_fictional"},
            {"label": "description", "hours": "lotsa_hours"},
        ),
    ),
    "schedules": (
        "schedules",
        Shape(
            {name: name for name in (*_SAME_NAMES, "valid_from", "valid_to")},
            {"description": "description"},
        ),
    ),
    "cost_options": (
        "cost_options",
        Shape({"amount": "amount", "currency": "currency"}, {"note": "amount_description"}),
    ),
    "sources": ("lotsa_sources", Shape({"title": "title", "url": "url", "lines": "lines"}, {})),
    "eligibility": (
        "lotsa_eligibility",
        Shape({"fact": "fact", "is_any": "is_any", "is_none": "is_none"}, {}),
    ),
}
_LOCATIONS = "service_at_locations"
_COMMA_LISTS = ("byday", "bymonthday")  # HSDS writes them as one string


def identifier(kind: str, name: str) -> str:
    """The UUID of a thing of ours; the same on every export."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def document(services: Iterable[Service], catalogue: Catalogue) -> Json:
    """One JSON document with every service, in HSDS objects."""
    objects = [service_object(service, catalogue) for service in services]
    organizations = {found["id"]: found for found in (o["organization"] for o in objects)}
    return {
        "profile": {"name": "lotsa", "base": BASE, "language": ORIGINAL},
        "organizations": list(organizations.values()),
        "services": objects,
    }


def service_object(service: Service, catalogue: Catalogue) -> Json:
    """An entry as an HSDS service with what belongs to it."""
    data = service.model_dump(mode="json", exclude_none=True)
    own = identifier("service", service.id)
    wait_time = data.get("wait_time", {})
    encoded = {**_encode(SERVICE, data), **_encode(WAIT_TIME, wait_time)}
    made: Json = {
        "id": own,
        "organization": _organization(data["organization"]),
        "status": STATUS[service.status],
        "eligibility_description": _eligibility_description(service),
        "service_areas": [_service_area(service, catalogue)],
        "attributes": _attributes(service, catalogue),
        _LOCATIONS: _locations(data, service.id),
        "languages": [
            {"id": identifier("language", f"{service.id}/{code}"), "code": code}
            for code in service.languages
        ],
        "required_documents": _items(
            "required_document",
            DOCUMENT,
            [{"document": t} for t in service.required_documents],
            service.id,
        ),
        "lotsa_translations": [
            {"language": language, "status": status}
            for language, status in service.translations.items()
        ],
        "lotsa_texts": _texts_of(SERVICE, data) + _texts_of(WAIT_TIME, wait_time),
    }
    for ours, (theirs, shape) in LISTS.items():
        made[theirs] = _items(ours, shape, data[ours], service.id)
    for item, schedule in zip(made["schedules"], service.schedules, strict=True):
        _finish_schedule(item, schedule)
    return {key: value for key, value in {**encoded, **made}.items() if value != []}


def read_services(content: object) -> tuple[list[tuple[int, Json]], list[Fault]]:
    """The entries of an HSDS document, numbered, as plain data for `Service`, and the faults."""
    services = content.get("services") if isinstance(content, dict) else None
    if not isinstance(services, list):
        return [], [fault("wrong_shape", 0, "services")]
    entries: list[tuple[int, Json]] = []
    faults: list[Fault] = []
    for number, item in enumerate(services, 1):
        try:
            entries.append((number, _read_service(item)))
        except WrongShapeError as error:
            faults.append(fault("wrong_shape", number, str(error)))
    return entries, faults


def name_of(path: str) -> str:
    """The HSDS name of one of our fields, for a message: `phones.label` → `phones.description`."""
    first, _, rest = path.partition(".")
    if first in LISTS:
        theirs, shape = LISTS[first]
        return ".".join(filter(None, (theirs, _renamed(shape, rest))))
    if first == "wait_time":
        return _renamed(WAIT_TIME, rest) or first
    if first == "organization":
        return ".".join(filter(None, (first, _renamed(ORGANIZATION, rest))))
    if first == "location":
        return ".".join(filter(None, (_LOCATIONS, first, _renamed(LOCATION, rest))))
    if first == "translations":
        return f"{OWN}{path}"
    return _renamed(SERVICE, path)


def _renamed(shape: Shape, path: str) -> str:
    first, _, rest = path.partition(".")
    new = shape.fields.get(first) or shape.texts.get(first) or first
    if rest == ORIGINAL and first in shape.texts:
        return new
    return f"{new}.{rest}" if rest else new


def _encode(shape: Shape, data: Json) -> Json:
    encoded = {new: data[ours] for ours, new in shape.fields.items() if ours in data}
    for ours, new in shape.texts.items():
        if ORIGINAL in data.get(ours, {}):
            encoded[new] = data[ours][ORIGINAL]
    return encoded


def _texts_of(shape: Shape, data: Json) -> list[Json]:
    """The texts in other languages than the original."""
    return [
        {"field": new, "language": language, "text": text}
        for ours, new in shape.texts.items()
        for language, text in data.get(ours, {}).items()
        if language != ORIGINAL
    ]


def _items(kind: str, shape: Shape, items: list[Json], service_id: str) -> list[Json]:
    """The items of a list, each with a UUID from its place."""
    made = []
    for position, item in enumerate(items):
        own = {"id": identifier(kind.removesuffix("s"), f"{service_id}/{position}")}
        others = _texts_of(shape, item)
        made.append({**own, **_encode(shape, item), **({"lotsa_texts": others} if others else {})})
    return made


def _organization(data: Json) -> Json:
    own = identifier("organization", f"{data['huvudman']}/{data['name']}")
    return {"id": own, "description": data["name"], **_encode(ORGANIZATION, data)}


def _locations(data: Json, service_id: str) -> list[Json]:
    if "location" not in data:
        return []
    location = {
        "id": identifier("location", service_id),
        "location_type": "physical",
        **_encode(LOCATION, data["location"]),
    }
    return [{"id": identifier("service_at_location", service_id), "location": location}]


def _finish_schedule(item: Json, schedule: Schedule) -> None:
    for name in _COMMA_LISTS:
        item[name] = ",".join(map(str, item[name]))
        if not item[name]:
            del item[name]
    for name, time in (("opens_at", schedule.opens_at), ("closes_at", schedule.closes_at)):
        item[name] = time.isoformat().removesuffix(":00")
    if "valid_from" in item:
        item["dtstart"] = item["valid_from"]
    item["lotsa_rrule"] = schedule.rrule


def _service_area(service: Service, catalogue: Catalogue) -> Json:
    municipality = catalogue.municipalities.get(service.layer)
    country = "Sverige" if service.layer == NATIONAL else service.layer
    return {
        "id": identifier("service_area", service.id),
        "name": municipality.name if municipality else country,
    }


def _attributes(service: Service, catalogue: Catalogue) -> list[Json]:
    """Kinds and needs as terms of our taxonomy."""
    taxonomy = catalogue.taxonomy
    labelled = [("kind", name, taxonomy.kinds.get(name)) for name in service.kinds]
    labelled += [("need", name, taxonomy.needs.get(name)) for name in service.needs]
    named = [
        (t, code, label.label.get(ORIGINAL, code) if label else code) for t, code, label in labelled
    ]
    return [
        {
            "id": identifier("attribute", f"{service.id}/{link_type}/{code}"),
            "link_type": link_type,
            "taxonomy_term": {
                "id": identifier("taxonomy_term", f"{link_type}/{code}"),
                "code": code,
                "name": name,
                "description": name,
                "taxonomy": f"{OWN}{link_type}s",
            },
        }
        for link_type, code, name in named
    ]


def _eligibility_description(service: Service) -> str:
    words = texts()
    whom = ", ".join(words["values"]["for_whom"][who] for who in service.for_whom)
    said: str = words["hsds"]["eligibility"].format(for_whom=whom)
    if service.minimum_age is None and service.maximum_age is None:
        return said
    low = "" if service.minimum_age is None else service.minimum_age
    high = "" if service.maximum_age is None else service.maximum_age
    return f"{said} {words['hsds']['ages'].format(minimum=low, maximum=high)}"


def _read_service(item: object) -> Json:
    obj = _object(item, "services")
    data = _decode(SERVICE, obj)
    data["organization"] = _decode(
        ORGANIZATION, _object(obj.get("organization", {}), "organization")
    )
    wait_time = _decode(WAIT_TIME, obj)
    if wait_time:
        data["wait_time"] = wait_time
    for link in _objects(obj, _LOCATIONS)[:1]:
        data["location"] = _decode(LOCATION, _object(link.get("location", {}), _LOCATIONS))
    for ours, (theirs, shape) in LISTS.items():
        data[ours] = [_decode(shape, found) for found in _objects(obj, theirs)]
    for schedule in data["schedules"]:
        for name in _COMMA_LISTS:
            if isinstance(schedule.get(name), str):
                schedule[name] = [part.strip() for part in schedule[name].split(",")]
    data["languages"] = [found.get("code") for found in _objects(obj, "languages")]
    data["required_documents"] = [
        _decode(DOCUMENT, found).get("document", {})
        for found in _objects(obj, "required_documents")
    ]
    data["translations"] = {
        str(found.get("language")): found.get("status")
        for found in _objects(obj, "lotsa_translations")
    }
    unknown = [name for name in obj if name.startswith(OWN) and name not in KNOWN]
    return {**data, **{name: obj[name] for name in unknown}}


def _decode(shape: Shape, obj: Json) -> Json:
    data = {ours: obj[new] for ours, new in shape.fields.items() if obj.get(new) is not None}
    for ours, new in shape.texts.items():
        by_language = {ORIGINAL: obj[new]} if obj.get(new) is not None else {}
        for text in _objects(obj, "lotsa_texts"):
            if text.get("field") == new:
                by_language[str(text.get("language"))] = text.get("text")
        if by_language:
            data[ours] = by_language
    return data


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise WrongShapeError(name)
    return value


def _objects(obj: Json, name: str) -> list[Json]:
    """The objects of a list; a list that is left out is empty. Raises WrongShapeError."""
    value = obj.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongShapeError(name)
    return [_object(item, name) for item in value]


KNOWN = frozenset(
    {
        *SERVICE.fields.values(),
        *SERVICE.texts.values(),
        *WAIT_TIME.fields.values(),
        *(theirs for theirs, _ in LISTS.values()),
        "lotsa_translations",
        "lotsa_texts",
    }
)
