"""A catalogue entry in the words of a page; what is not known is said, never filled in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel import Locale
from babel.dates import format_time, get_day_names

from bot.content import Content, spoken
from knowledge.catalogue import Catalogue, CostOption, Municipality, Schedule, Service
from knowledge.glossary import glossary_links
from knowledge.summaries import in_language

FALLBACK_LANGUAGE = "sv"
WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
RUN = 3  # days in a row that are written as a range

Piece = tuple[str, str | None]  # a piece of text and the glossary term it names, if any
Line = dict[str, str]  # label and value


@dataclass
class Words:
    """Words for one page in one language; a glossary term is linked the first time it stands."""

    content: Content
    catalogue: Catalogue
    municipality: Municipality
    language: str
    today: dt.date
    _linked: set[str] = field(default_factory=set)

    def say(self, text_id: str, **values: object) -> str:
        """A text of the pages, filled. Raises MissingTextError."""
        return self.content.text(self.language, f"web_stod_{text_id}", **values)

    def local(self, texts: Mapping[str, str]) -> str:
        """The text in the page's language, else in Swedish, else nothing."""
        return texts.get(self.language) or texts.get(FALLBACK_LANGUAGE) or ""

    def language_of(self, texts: Mapping[str, str]) -> str:
        """The language `local` gives, for the page's `lang` attribute."""
        return self.language if texts.get(self.language) else FALLBACK_LANGUAGE

    def summary(self, service: Service) -> tuple[str, str]:
        """What an entry gives, in the page's language, else in Swedish; and in which."""
        return in_language(self.catalogue.summary(service), self.language)

    def linked(self, text: str, language: str) -> list[Piece]:
        """A text in pieces, with glossary terms that no earlier text of the page had."""
        pieces: list[Piece] = []
        end = 0
        for start, stop, term in glossary_links(text, language):
            if term not in self._linked:
                self._linked.add(term)
                pieces += [(text[end:start], None), (text[start:stop], term)]
                end = stop
        return [*pieces, (text[end:], None)]

    def day(self, day: dt.date) -> str:
        """A date in words, such as 22 november 2026."""
        return self.content.day(self.language, day)

    def need(self, need: str) -> str:
        labels = self.catalogue.taxonomy.needs[need].label
        return self.content.named("need", need, labels, self.language)

    def kind(self, kind: str) -> str:
        labels = self.catalogue.taxonomy.kinds[kind].label
        return self.content.named("kind", kind, labels, self.language)

    def card(self, service: Service) -> dict[str, Any]:
        """An entry in a list."""
        summary, language = self.summary(service)
        return {
            "id": service.id,
            "name": service.name,
            "organization": service.organization.name,
            "kind": self.kind(service.kinds[0]),
            "summary": first_sentence(summary),
            "lang": language,
            "access": self.say(f"access_{service.access_path}"),
            "is_pilot": service.status == "pilot",
        }

    def page(self, service: Service) -> dict[str, Any]:
        """Everything a page says of an entry."""
        parts = ("how_to_get", "say_this", "what_happens_next")
        texts = {part: self._part(getattr(service, part)) for part in parts}
        summary, language = self.summary(service)
        is_original = language == FALLBACK_LANGUAGE
        return {
            **texts,
            "summary": {"pieces": self.linked(summary, language), "lang": language},
            "swedish": None if is_original else service.summary.get(FALLBACK_LANGUAGE),
            "kinds": [self.kind(kind) for kind in service.kinds],
            "alert": self._part(service.alert or {}),
            "who": self.who(service),
            "access": self.access(service),
            "documents": [self._part(document) for document in service.required_documents],
            "phones": self.phones(service),
            "hours": [self.hours(schedule) for schedule in service.schedules],
            "facts": self.facts(service),
            "verified": self.verified(service),
            "is_stale": service.review_due < self.today,
        }

    def _part(self, texts: Mapping[str, str]) -> dict[str, Any] | None:
        text, language = self.local(texts), self.language_of(texts)
        return {"pieces": self.linked(text, language), "lang": language} if text else None

    def who(self, service: Service) -> list[str]:
        """Whom the entry is for: people, ages, needs, further conditions."""
        people = [self.say(f"whom_{one}") for one in service.for_whom]
        lines = [self.say("whom", whom=self.content.listed(self.language, people))]
        lines.append(self.ages(service))
        needs = ". ".join(self.need(need) for need in service.needs)
        lines.append(self.say("helps_with", needs=needs))
        if service.eligibility:
            lines.append(self.say("criterion"))
        return lines

    def ages(self, service: Service) -> str:
        """The child's ages; that no limit is known is said."""
        lowest, highest = service.minimum_age, service.maximum_age
        if lowest is None and highest is None:
            return self.say("ages_unknown")
        if highest is None:
            return self.say("ages_from", minimum=lowest)
        if lowest is None:
            return self.say("ages_to", maximum=highest)
        return self.say("ages", minimum=lowest, maximum=highest)

    def access(self, service: Service) -> list[str]:
        """How one gets in: the way, the law, what is needed to log in."""
        lines = [self.say(f"access_{service.access_path}")]
        if service.needs_bankid:
            lines.append(self.say("bankid"))
        if service.lagrum:
            lines.append(self.say("law", law=service.lagrum))
        return lines

    def facts(self, service: Service) -> list[Line]:
        """Cost, waiting time, interpreter and languages always; the rest when it is known."""
        known: dict[bool | None, str] = {True: "yes", False: "no"}
        facts = [
            ("cost", self.cost(service.cost_options)),
            ("wait", self._wait(service)),
            ("interpreter", self.say(f"interpreter_{known.get(service.interpreter, 'unknown')}")),
            ("languages", self._languages(service.languages)),
        ]
        facts += [
            (name, self.say(f"{name}_{known[value]}"))
            for name in ("evening", "home_visit", "digital")
            if (value := getattr(service, name)) is not None
        ]
        return [{"label": self.say(name), "value": value} for name, value in facts]

    def cost(self, options: Sequence[CostOption]) -> str:
        """What it costs, in whole kronor; nothing known is said as that."""
        parts = [self._cost(option) for option in options]
        return " ".join(part for part in parts if part) or self.say("cost_unknown")

    def _cost(self, option: CostOption) -> str:
        note = self.local(option.note)
        if option.amount is None:
            return f"{self.say('cost_unknown')} {note}".strip()
        if note and (option.amount == 0 or str(option.amount) in note):
            return note
        amount = "cost_amount" if option.amount else "cost_free"
        return f"{self.say(amount, amount=option.amount)} {note}".strip()

    def _wait(self, service: Service) -> str:
        wait = service.wait_time
        if wait is None:
            return self.say("wait_unknown")
        day = self.day(wait.measured_on)
        return self.say("wait_known", text=self.local(wait.text), day=day, source=wait.source)

    def _languages(self, codes: Sequence[str]) -> str:
        if not codes:
            return self.say("languages_unknown")
        names = [Locale.parse(code).get_display_name(self.language) or code for code in codes]
        listed = self.content.listed(self.language, names)
        return f"{listed[:1].upper()}{listed[1:]}."

    def phones(self, service: Service) -> list[Line]:
        """The numbers to call, with what they are and when they answer."""
        return [
            {
                "number": phone.number,
                "tel": dialled(phone.number),
                "label": self.local(phone.label),
                "hours": self.content.round_the_clock(self.language, self.local(phone.hours)),
            }
            for phone in service.phones
        ]

    def hours(self, schedule: Schedule) -> str:
        """Opening hours in words, such as måndag–torsdag 10.00–15.00."""
        opens, closes = schedule.opens_at, schedule.closes_at
        is_always = opens == dt.time(0, 0) and closes >= dt.time(23, 59)
        days = self._days(schedule)
        time = f"{self._clock(opens)}–{self._clock(closes)}"
        if is_always:
            time = self.say("round_the_clock")
            days = "" if len(schedule.byday) == len(WEEK) else days
        parts = [days, time, self.local(schedule.description)]
        if schedule.valid_from:
            parts.append(self.say("from_day", day=self.day(schedule.valid_from)))
        if schedule.valid_to:
            parts.append(self.say("to_day", day=self.day(schedule.valid_to)))
        text = " ".join(part for part in parts if part)
        return f"{text[:1].upper()}{text[1:]}"

    def _clock(self, time: dt.time) -> str:
        is_midnight = time >= dt.time(23, 59)
        shown = format_time(
            dt.time(0) if is_midnight else time,
            self.say("time_format"),
            locale=spoken(self.language),
        )
        return shown.replace("00", "24", 1) if is_midnight else shown

    def _days(self, schedule: Schedule) -> str:
        if schedule.freq == "MONTHLY":
            dates = ", ".join(map(str, schedule.bymonthday))
            return f"{self.say('monthly')} {dates}".strip()
        names = get_day_names("wide", locale=spoken(self.language))
        every = self.say("other_week") if schedule.interval > 1 else ""
        if len(set(schedule.byday)) == len(WEEK):
            return self.say("every_day")
        numbers = sorted({WEEK.index(day) for day in schedule.byday})
        runs = [self._run([names[number] for number in run]) for run in _runs(numbers)]
        listed = self.content.listed(self.language, [name for run in runs for name in run])
        return f"{listed} {every}".strip()

    def _run(self, days: Sequence[str]) -> list[str]:
        return [f"{days[0]}–{days[-1]}"] if len(days) >= RUN else list(days)

    def verified(self, service: Service) -> str:
        """When the entry was checked, and plainly if it should have been checked again."""
        day = self.day(service.verified_on)
        if service.review_due < self.today:
            return self.say("stale", day=day, due=self.day(service.review_due))
        return self.say("verified", day=day)


def dialled(number: str) -> str:
    """A phone number as a `tel:` link wants it."""
    return "".join(c for c in number if c.isdigit() or c == "+")


def first_sentence(text: str) -> str:
    """The first sentence of a text: what fits on one line of a list."""
    sentence, stop, _ = text.replace("\n", " ").partition(". ")
    return sentence + stop.strip()


def _runs(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers in a row, kept together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
