"""The support catalogue: typed entries in the words of Open Referral HSDS 3, read from YAML.

An entry (`knowledge/data/<layer>/<id>.yml`, file name == id):

    id: strangnas-skolsocialt-stodteam
    name: Skolsocialt stödteam              # proper name, never translated
    organization: {name: Strängnäs kommun, huvudman: kommun}
                                            # kommun|region|stat|skola|forening|privat
    status: exists                          # exists|pilot|proposed (proposed is never suggested)
    kinds: [skolsocialt_team]               # taxonomy kinds
    needs: [school_absence]                 # taxonomy needs this entry answers, most typical first
    access_path: kontakt                    # see AccessPath
    lagrum: null
    for_whom: [family]                      # child|parent|sibling|family|professional
    minimum_age: 6                          # age of the CHILD in years, null = no limit known
    maximum_age: 16
    eligibility: []                         # further criteria, see Criterion
    summary: {sv: ..., en: ...}             # what the parent gets, at most 3 short sentences
    how_to_get: {sv: ..., en: ...}          # what to do, concretely
    what_happens_next: {sv: ..., en: ...}   # omit when unknown
    say_this: {sv: ..., en: ...}            # what to say when you call or write
    parent_says: [...]                      # 3-8 ways a parent would put it, own words, Swedish
    phones: [{number: "0152-291 00", label: {sv: Växel}, hours: {sv: vardagar}}]
    url: https://...
    location: null                          # {name, address}
    schedules: [{byday: [MO, TU], opens_at: "08:00", closes_at: "16:30"}]   # see Schedule
    evening: null                           # true|false|null (unknown)
    interpreter: null
    languages: [sv]
    home_visit: null
    digital: null
    needs_bankid: null
    cost_options: [{amount: 0, note: {sv: ...}}]    # [] = unknown
    required_documents: []                  # [{sv:..., en:...}]
    wait_time: null                         # {text: {sv:...}, measured_on: date, source: ...}
    sip_relevant: false
    alert: null
    sources: [{title: ..., url: ..., lines: ...}]   # at least one; url or report + lines
    translations: {en: machine}             # draft|machine|reviewed; a text in a language not named
                                            # here is `machine`, Swedish is the original
    verified_on: 2026-11-22                 # the day the source was read
    review_due: 2027-05-22
    owner: null
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from knowledge.summaries import SUMMARIES, Summaries, SummariesError

DATA = Path(__file__).parent / "data"
TAXONOMY = Path(__file__).parent / "taxonomy.yml"
NOT_LAYERS = frozenset({"glossary", "queries", SUMMARIES})
REQUIRED_LANGUAGES = ("sv", "en")

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
PhoneNumber = Annotated[str, StringConstraints(pattern=r"^\+?\d[\d –-]*$")]
Texts = dict[str, str]
Status = Literal["exists", "pilot", "proposed"]
TranslationStatus = Literal["draft", "machine", "reviewed"]
AccessPath = Literal[
    "oppen",  # walk in or take part, nothing to apply for
    "kontakt",  # call or write, no decision needed
    "anmalan",  # sign up
    "ansokan",  # apply, the authority decides
    "bistand",  # apply, decision under the Social Services Act
    "lss",  # apply, decision under LSS
    "egenremiss",  # own referral
    "remiss",  # referral by somebody in care
    "via_skolan",
    "via_varden",
    "via_socialtjansten",
    "domstol",
    "okand",
]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ModelT = TypeVar("ModelT", bound=Model)


class Organization(Model):
    name: str
    huvudman: Literal["kommun", "region", "stat", "skola", "forening", "privat"]


class Phone(Model):
    number: PhoneNumber
    label: Texts = {}
    hours: Texts = {}
    fictional: bool = False


class Location(Model):
    name: str
    address: str | None = None


Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


class Schedule(Model):
    """A repeated opening in local time (Europe/Stockholm), in the words of HSDS and RFC 5545."""

    freq: Literal["WEEKLY", "MONTHLY"] = "WEEKLY"
    interval: int = Field(default=1, ge=1)
    byday: list[Weekday] = []
    bymonthday: list[int] = []
    opens_at: dt.time
    closes_at: dt.time
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    description: Texts = {}

    @property
    def rrule(self) -> str:
        """The rule as RFC 5545 writes it, e.g. `FREQ=WEEKLY;BYDAY=MO,TU`."""
        parts = [f"FREQ={self.freq}"]
        parts += [f"INTERVAL={self.interval}"] if self.interval > 1 else []
        parts += [f"BYDAY={','.join(self.byday)}"] if self.byday else []
        parts += [f"BYMONTHDAY={','.join(map(str, self.bymonthday))}"] if self.bymonthday else []
        parts += [f"UNTIL={self.valid_to:%Y%m%d}"] if self.valid_to else []
        return ";".join(parts)


class CostOption(Model):
    """What it costs; `amount` in `currency`, null = unknown."""

    amount: int | None = None
    currency: Literal["SEK"] = "SEK"
    note: Texts = {}


class WaitTime(Model):
    text: Texts
    measured_on: dt.date
    source: str


class Source(Model):
    title: str
    url: str | None = None
    lines: str | None = None

    @model_validator(mode="after")
    def _points_somewhere(self) -> Source:
        if not (self.url or self.lines):
            raise ValueError("a source needs a url or the lines of a report")
        return self


class Criterion(Model):
    """One condition on the facts of a case; `is_any` holds the accepted values."""

    fact: Literal[
        "child_age",
        "relation",
        "need",
        "lives_in",
        "situation",  # a signal: no_network, cannot_work …
        "diagnosis",
        "already_has",
        "already_tried",
    ]
    is_any: list[str] = []
    is_none: list[str] = []


class Service(Model):
    id: Id = Field(description="Ours, stable; the file's name")
    layer: str = Field(
        default="", description="Whose entry: a municipality, a region or `national`"
    )
    name: str = Field(description="Proper name, never translated")
    organization: Organization
    status: Status = Field(description="Only `exists` and `pilot` are suggested")
    kinds: list[str] = Field(min_length=1, description="Sorts of support, ids of taxonomy.yml")
    needs: list[str] = Field(min_length=1, description="What it answers, most typical first")
    access_path: AccessPath = Field(description="How one gets there")
    lagrum: str | None = Field(default=None, description="Section of the law it rests on")
    for_whom: list[Literal["child", "parent", "sibling", "family", "professional"]] = Field(
        description="Who takes part"
    )
    minimum_age: int | None = Field(
        default=None, description="Age of the child in years; null = no limit known"
    )
    maximum_age: int | None = Field(
        default=None, description="Age of the child in years; null = no limit known"
    )
    eligibility: list[Criterion] = Field(default=[], description="Further criteria")
    summary: Texts = Field(description="What the parent gets, by language")
    how_to_get: Texts = Field(description="What the parent does, by language")
    what_happens_next: Texts = Field(default={}, description="What happens then, by language")
    say_this: Texts = Field(
        default={}, description="What to say when calling or writing, by language"
    )
    parent_says: list[str] = Field(
        min_length=1, description="Ways a parent would put it, in Swedish"
    )
    phones: list[Phone] = []
    url: WebAddress | None = Field(default=None, description="Page of the service")
    location: Location | None = None
    schedules: list[Schedule] = Field(default=[], description="Repeated openings")
    evening: bool | None = Field(default=None, description="Open in the evening; null = unknown")
    interpreter: bool | None = Field(
        default=None, description="Interpreter offered; null = unknown"
    )
    languages: list[str] = Field(default=[], description="Codes of the languages spoken")
    home_visit: bool | None = Field(default=None, description="Comes to the home; null = unknown")
    digital: bool | None = Field(default=None, description="Given at a distance; null = unknown")
    needs_bankid: bool | None = Field(default=None, description="BankID is needed; null = unknown")
    cost_options: list[CostOption] = Field(default=[], description="What it costs; empty = unknown")
    required_documents: list[Texts] = Field(default=[], description="What to bring, by language")
    wait_time: WaitTime | None = None
    sip_relevant: bool = Field(default=False, description="A coordinated plan (SIP) may fit")
    alert: Texts | None = Field(default=None, description="What to know first, by language")
    translations: dict[str, TranslationStatus] = Field(
        default={}, description="How each language's texts stand"
    )
    sources: list[Source] = Field(min_length=1, description="Where it is said that this exists")
    verified_on: dt.date = Field(description="The day the source was read")
    review_due: dt.date = Field(description="The day to read it again")
    owner: str | None = Field(default=None, description="Who answers for the entry")

    @property
    def is_suggestible(self) -> bool:
        """Only what exists, and not what is meant for staff alone."""
        return self.status != "proposed" and self.for_whom != ["professional"]

    def translation(self, language: str) -> TranslationStatus | Literal["original", "missing"]:
        """How the summary stands in a language."""
        if not self.summary.get(language, "").strip():
            return "missing"
        return "original" if language == "sv" else self.translations.get(language, "machine")


class Hours(Model):
    """Weekly hours of a function, local time."""

    byday: list[Weekday]
    opens_at: dt.time
    closes_at: dt.time


class CallBacks(Model):
    """Times a parent can book with a function, within its hours."""

    minutes: int = Field(ge=5, le=240)  # length of one
    capacity: int = Field(default=1, ge=1)  # parents at the same time
    lead_minutes: int = Field(default=60, ge=0)  # from now to the first bookable time
    days: int = Field(default=5, ge=1, le=30)  # days with times that are offered
    prepare: Texts | None = None  # how to prepare, by language


class Closure(Model):
    """Days on which every function is closed, beside week-ends and holidays."""

    first: dt.date
    last: dt.date | None = None  # null = one day
    reason: str


class Escalation(Model):
    """Who is told when nobody takes a conversation about danger."""

    after_minutes: int = Field(ge=1)
    name: str
    phone: str | None = None
    email: str | None = None


class Waiting(Model):
    """How long somebody may wait for a person, in the municipality's own judgement."""

    answer_within_minutes: int = Field(default=60, ge=5)  # of opening hours
    silent_minutes: int = Field(default=5, ge=1)  # a parent's message without an answer
    starve_minutes: int = Field(default=45, ge=5)  # then before all but danger
    expires_days: int = Field(default=7, ge=1)
    escalation: Escalation | None = None


class Function(Model):
    """A person's role a parent can be handed to: guide, coordinator or after-hours."""

    exists: bool
    hours: list[Hours] | None = None  # null = not known
    call_backs: CallBacks | None = None  # null = no times can be booked
    phone: Phone | None = None
    instead: list[Id] = []  # entries that are the real next step where the function is absent
    source: Source | None = None


class Municipality(Model):
    """`knowledge/data/<id>/_municipality.yml`: its layers and its people."""

    id: Id
    name: str
    fictional: bool = False
    layers: list[str]  # nearest first: own, region, national
    contact_centre: Id  # entry shown when a suggestion lacks a verified way of contact
    acute_first: list[Id] = []  # local entries shown before the national numbers
    functions: dict[Literal["guide", "coordinator", "after_hours"], Function]
    closures: list[Closure] = []
    waiting: Waiting = Waiting()
    retention_days: int = Field(ge=1, le=90)
    retention_decision: str  # reference of the decision on disposal (gallringsbeslut)


class Label(Model):
    label: Texts


class Taxonomy(Model):
    """Public ids with labels per language."""

    levels: dict[str, Label]
    needs: dict[str, Label]
    kinds: dict[str, Label]

    @classmethod
    def load(cls, path: Path = TAXONOMY) -> Taxonomy:
        return cls.model_validate(_read_yaml(path))


class CatalogueError(ValueError):
    """An entry is wrong; the message names the file, the field and what to do.

    `fields` names the faulty fields of the entry, where it is they.
    """

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(dict.fromkeys(fields))


class NeededEntryError(CatalogueError):
    """An entry is pointed to by a municipality, and would not be shown any more."""


class Catalogue:
    """Every entry of every layer, checked against the taxonomy."""

    def __init__(
        self,
        services: Mapping[str, Service],
        municipalities: Mapping[str, Municipality],
        taxonomy: Taxonomy,
        summaries: Summaries | None = None,
    ) -> None:
        self.services = dict(services)
        self.municipalities = dict(municipalities)
        self.taxonomy = taxonomy
        self.summaries = summaries or Summaries()

    @classmethod
    def load(cls, data: Path = DATA, taxonomy: Path = TAXONOMY) -> Catalogue:
        """Read all YAML below `data`. Raises CatalogueError naming the first faulty file."""
        known = Taxonomy.load(taxonomy)
        services: dict[str, Service] = {}
        municipalities: dict[str, Municipality] = {}
        for path in sorted(data.glob("*/*.yml")):
            if path.parent.name in NOT_LAYERS:
                continue
            if path.name == "_municipality.yml":
                municipality = _validated(Municipality, _fields(path), str(path))
                municipalities[municipality.id] = municipality
            else:
                fields = {"layer": path.parent.name, **_fields(path)}
                service = service_of(fields, known, str(path))
                _check_id(service, path, services)
                services[service.id] = service
        try:
            summaries = Summaries.load(data / SUMMARIES)
        except SummariesError as error:
            raise CatalogueError(str(error)) from error
        return cls(services, municipalities, known, summaries)

    def summary(self, service: Service) -> Texts:
        """What the parent gets, by language: the entry's own words before those beside it."""
        own = {language: text for language, text in service.summary.items() if text.strip()}
        return {**self.summaries.of(service.id, service.summary.get("sv", "")), **own}

    def with_edits(self, entries: Mapping[str, Service | None]) -> Catalogue:
        """A catalogue with these entries put in or, where None, taken out; this one stays as it is.

        Raises CatalogueError for an entry of an unknown layer, and NeededEntryError when a
        municipality would point to an entry it no longer shows.
        """
        services = dict(self.services)
        layers = {layer for m in self.municipalities.values() for layer in m.layers}
        for service_id, service in entries.items():
            if service is None:
                services.pop(service_id, None)
                continue
            if service.layer not in layers:
                raise CatalogueError(f"{service_id}: layer '{service.layer}' is unknown", ["layer"])
            services[service_id] = service
        summaries = self.summaries.without([one for one, entry in entries.items() if entry is None])
        edited = Catalogue(services, self.municipalities, self.taxonomy, summaries)
        for municipality in self.municipalities.values():
            before = list(self.missing_entries(municipality))
            for field, service_id in edited.missing_entries(municipality):
                if (field, service_id) not in before:
                    raise NeededEntryError(
                        f"{service_id}: {municipality.id} points to it ({field})"
                    )
        return edited

    def missing_entries(self, municipality: Municipality) -> Iterator[tuple[str, str]]:
        """Field and id of every entry that the municipality points to but cannot show."""
        named = [("contact_centre", municipality.contact_centre)]
        named += [("acute_first", service_id) for service_id in municipality.acute_first]
        for name, function in municipality.functions.items():
            named += [(f"functions.{name}.instead", service_id) for service_id in function.instead]
        shown = {service.id for service in self.in_municipality(municipality.id)}
        yield from ((field, service_id) for field, service_id in named if service_id not in shown)

    def in_municipality(self, municipality: str) -> Iterator[Service]:
        """Entries a parent of that municipality can be shown. Raises KeyError if unknown."""
        layers = set(self.municipalities[municipality].layers)
        return (s for s in self.services.values() if s.layer in layers and s.is_suggestible)

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.taxonomy.kinds)


def service_of(fields: Mapping[str, object], known: Taxonomy, where: str) -> Service:
    """An entry from its plain fields. Raises CatalogueError that names `where` and the field."""
    service = _validated(Service, fields, where)
    for field, ids, names in (
        ("kinds", service.kinds, known.kinds),
        ("needs", service.needs, known.needs),
    ):
        for unknown in sorted(set(ids) - set(names)):
            message = f"{where}: {field}: '{unknown}' is not in knowledge/taxonomy.yml"
            raise CatalogueError(message, [field])
    return service


def _check_id(service: Service, path: Path, seen: Mapping[str, Service]) -> None:
    if service.id != path.stem:
        raise CatalogueError(f"{path}: id '{service.id}' must equal the file name '{path.stem}'")
    if service.id in seen:
        raise CatalogueError(f"{path}: id '{service.id}' is used twice; choose another")


def _read_yaml(path: Path) -> object:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def _fields(path: Path) -> dict[str, object]:
    raw = _read_yaml(path)
    if not isinstance(raw, dict):
        raise CatalogueError(f"{path}: must be a mapping of fields")
    return raw


def _validated(model: type[ModelT], fields: Mapping[str, object], where: str) -> ModelT:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        faulty = [str(part["loc"][0]) for part in error.errors() if part["loc"]]
        raise CatalogueError(f"{where}: {error}", faulty) from error
