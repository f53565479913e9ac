"""The public pages of the catalogue and the glossary: browse, search, print; no script, no chat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from bot.content import CONTENT
from bot.replies import Replies
from channels.catalogue_words import Words
from channels.doors import Doors
from channels.errors import DoorError, language_of
from channels.web import ALWAYS_SHOWN, doors_of, page
from knowledge.catalogue import Municipality, Service
from knowledge.glossary import glossary, glossary_links
from knowledge.lexical import Hit, lexical_of, marked
from nlu import safety

SITUATIONS = CONTENT / "policy" / "situations.yml"
OLDEST = 20  # years, in the choice of a child's age
# Kinds of access a parent can choose between; an unknown way is shown whatever she chooses.
WAYS = {
    "self": ("oppen", "kontakt", "anmalan", "egenremiss"),
    "apply": ("ansokan", "bistand", "lss", "domstol"),
    "referral": ("remiss", "egenremiss", "via_varden"),
    "school": ("via_skolan",),
    "social": ("via_socialtjansten",),
}
UNKNOWN_WAY = "okand"
CARE_CENTRE = "1177_radgivning"  # the kind that stands in for a region's missing number
ASKED_IN_CHAT = 2  # last paragraphs of the acute answer: a question and the way to a person
SWEDISH_ORDER = str.maketrans({"å": "z1", "ä": "z2", "ö": "z3"})

router = APIRouter(tags=["access:public"])


@cache
def situations(path: Path = SITUATIONS) -> Mapping[str, Sequence[str]]:
    """Life situations with their needs, in the order of the page."""
    raw: dict[str, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return raw


@router.get("/stod/{municipality}", response_class=HTMLResponse)
def browse_page(
    request: Request, municipality: str, q: str = "", age: str = "", situation: str = ""
) -> Response:
    """Support of a municipality by life situation, or what a search finds."""
    doors = doors_of(request)
    known = doors.catalogue.municipalities.get(municipality)
    if known is None:
        return _missing(request, None)
    words = _words(request, known)
    ways = [way for way in request.query_params.getlist("access") if way in WAYS]
    chosen_age = int(age) if age.isdecimal() and int(age) <= OLDEST else None
    fitting = [s for s in _nearest_first(doors, known) if _fits(s, chosen_age, ways)]
    query = " ".join(q.split())
    choices = [("q", query), ("age", age), *(("access", way) for way in ways)]
    context = {
        **_shared(request, known, [pair for pair in choices if pair[1]]),
        "words": words,
        "query": query,
        "age": chosen_age,
        "ways": ways,
        "all_ways": list(WAYS),
        "oldest": OLDEST,
        "is_filtered": bool(ways) or chosen_age is not None,
        "opened": situation,
        "acute": _acute(doors, known, words.language, query),
    }
    if query:
        context |= _results(words, query, {service.id for service in fitting})
        context["centre"] = _centre(doors.replies, words)
    else:
        context["groups"] = _groups(words, fitting)
    return page(request, "stod.html", words.language, context)


@router.get("/stod/{municipality}/{service_id}", response_class=HTMLResponse)
def service_page(request: Request, municipality: str, service_id: str) -> Response:
    """Everything that is known of one entry."""
    doors = doors_of(request)
    known = doors.catalogue.municipalities.get(municipality)
    service = doors.catalogue.services.get(service_id)
    if known is None:
        return _missing(request, None)
    if service is None or not service.is_suggestible or service.layer not in known.layers:
        return _missing(request, known)
    words = _words(request, known)
    context = {
        **_shared(request, known),
        "words": words,
        "service": service,
        "entry": words.page(service),
        "instead": None if service.phones or service.url else _instead(doors, words, service),
    }
    return page(request, "service.html", words.language, context)


@router.get("/ordlista", response_class=HTMLResponse)
def glossary_page(request: Request) -> Response:
    """Every word of the glossary, in the order of the alphabet."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    shown = [
        glossary().explained(term, language)
        | {"day": doors.content.day(language, term.verified_on)}
        for term in glossary().terms.values()
    ]
    letters: dict[str, list[dict[str, Any]]] = {}
    for term in sorted(shown, key=lambda term: _order(term["name"])):
        letters.setdefault(term["name"][0].upper(), []).append(term)
    context = {**_shared(request, None), "letters": letters}
    return page(request, "glossary.html", language, context)


@router.get("/sitemap.xml", response_class=Response)
def sitemap(request: Request) -> Response:
    """The addresses to index, each with its languages; nothing of an invented municipality."""
    doors = doors_of(request)
    rows = [_sitemap_row(request, "/ordlista", None)]
    for municipality in doors.catalogue.municipalities.values():
        if municipality.fictional:
            continue
        start = f"/stod/{municipality.id}"
        rows.append(_sitemap_row(request, start, None))
        rows += [
            _sitemap_row(request, f"{start}/{service.id}", service.verified_on)
            for service in doors.catalogue.in_municipality(municipality.id)
        ]
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:xhtml="http://www.w3.org/1999/xhtml">\n' + "\n".join(rows) + "\n</urlset>\n"
    )
    return Response(body, media_type="application/xml")


@router.get("/robots.txt", response_class=PlainTextResponse)
def robots(request: Request) -> str:
    """What a search engine may read: the catalogue and the glossary, no search, no conversation."""
    closed = ("/api/", "/chat/", "/console", "/webhooks/", "/*?*q=")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    return "\n".join([*lines, f"Sitemap: {_base(request)}/sitemap.xml", ""])


def _words(request: Request, municipality: Municipality) -> Words:
    doors = doors_of(request)
    language = language_of(request, doors.content)
    return Words(doors.content, doors.catalogue, municipality, language, dt.date.today())


def _shared(
    request: Request,
    municipality: Municipality | None,
    choices: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """What every page has: its own address in each language, and the numbers."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    address = f"{_base(request)}{request.url.path}"
    is_invented = municipality is not None and municipality.fictional
    return {
        "municipality": municipality,
        "canonical": f"{address}?lang={language}",
        "alternates": {code: f"{address}?lang={code}" for code in doors.content.languages},
        "pilot": doors.content.raw(language, "utter_status_pilot"),
        "is_indexed": not choices and not is_invented,
        "kept": "".join(f"&{urlencode([pair])}" for pair in choices),
        "acute_numbers": doors.replies.numbers(
            ALWAYS_SHOWN, municipality, language, len(ALWAYS_SHOWN)
        ),
    }


def _nearest_first(doors: Doors, municipality: Municipality) -> list[Service]:
    services = doors.catalogue.in_municipality(municipality.id)
    return sorted(services, key=lambda s: (municipality.layers.index(s.layer), _order(s.name)))


def _fits(service: Service, age: int | None, ways: Sequence[str]) -> bool:
    """Whether nothing known speaks against it: an unknown age limit or way does not."""
    lowest, highest = service.minimum_age, service.maximum_age
    if age is not None and not (lowest or 0) <= age <= (OLDEST if highest is None else highest):
        return False
    wanted = {path for way in ways for path in WAYS[way]}
    return not wanted or service.access_path in wanted | {UNKNOWN_WAY}


def _groups(words: Words, services: Sequence[Service]) -> list[dict[str, Any]]:
    """The life situations, each with its entries: nearest first, then those most about it."""
    layers = words.municipality.layers
    groups = []
    for name, needs in situations().items():
        about = [(min(_places(s, needs)), s) for s in services if _places(s, needs)]
        about.sort(key=lambda pair: (layers.index(pair[1].layer), pair[0]))
        groups.append({"id": name, "entries": [words.card(service) for _, service in about]})
    return groups


def _places(service: Service, needs: Sequence[str]) -> list[int]:
    return [place for place, need in enumerate(service.needs) if need in needs]


def _results(words: Words, query: str, fitting: set[str]) -> dict[str, Any]:
    found = lexical_of(words.catalogue, words.municipality.id).find(query)
    shown = found.suggestion if found.used_suggestion and found.suggestion else query
    terms = list(dict.fromkeys(term for _, _, term in glossary_links(shown, "sv")))
    explained = [glossary().explained(glossary().terms[term], words.language) for term in terms]
    return {
        "found": found,
        "hits": [_hit(words, hit) for hit in found.hits if hit.service.id in fitting],
        "explained": explained[:3],
    }


def _hit(words: Words, hit: Hit) -> dict[str, Any]:
    """A result with its reason: the words that are the same, marked."""
    card = words.card(hit.service)
    return {
        **card,
        "name_pieces": marked(card["name"], hit.words),
        "summary_pieces": marked(words.summary(hit.service)[0], hit.words),
        "phrase_pieces": marked(hit.phrase, hit.words) if hit.phrase else [],
        "matched": ", ".join(hit.words),
    }


def _acute(
    doors: Doors, municipality: Municipality, language: str, query: str
) -> Mapping[str, Any] | None:
    """What to do first when the search itself tells of danger."""
    check = safety.check(query, language) if query else None
    if check is None or not check.acute:
        return None
    answer = doors.replies.acute(check, doors.setting(municipality.id, language))
    paragraphs = answer.text.split("\n\n")[:-ASKED_IN_CHAT]
    return {"text": paragraphs, "numbers": answer.body["numbers"]}


def _centre(replies: Replies, words: Words) -> dict[str, Any]:
    return _contact(words, replies.catalogue.services[words.municipality.contact_centre])


def _instead(doors: Doors, words: Words, service: Service) -> dict[str, Any]:
    """Whom to ask about an entry without a contact: health care's line or the municipality."""
    if service.organization.huvudman == "region":
        for other in _nearest_first(doors, words.municipality):
            if CARE_CENTRE in other.kinds and other.phones:
                return _contact(words, other)
    return _centre(doors.replies, words)


def _contact(words: Words, service: Service) -> dict[str, Any]:
    return {"service": service, "phones": words.phones(service)}


def _missing(request: Request, municipality: Municipality | None) -> Response:
    """404: a page for a reader, the one error shape for a program."""
    code = "unknown_page" if municipality else "unknown_municipality"
    if "text/html" not in request.headers.get("accept", ""):
        raise DoorError(code)
    language = language_of(request, doors_of(request).content)
    context = _shared(request, municipality) | {"is_indexed": False}
    response = page(request, "missing.html", language, context)
    response.status_code = 404
    return response


def _order(name: str) -> str:
    """Sorts as Swedish does: å, ä and ö last."""
    return name.lower().translate(SWEDISH_ORDER)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _sitemap_row(request: Request, path: str, changed: dt.date | None) -> str:
    address = f"{_base(request)}{path}"
    languages = "".join(
        f'<xhtml:link rel="alternate" hreflang={quoteattr(code)}'
        f" href={quoteattr(f'{address}?lang={code}')}/>"
        for code in doors_of(request).content.languages
    )
    day = f"<lastmod>{changed.isoformat()}</lastmod>" if changed else ""
    return f"<url><loc>{escape(address)}?lang=sv</loc>{languages}{day}</url>"
