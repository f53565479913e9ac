"""The tools a parent keeps are drawn from what she said, changed by her, and invent nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar

from bot.content import Content
from bot.ledger import Conversation
from bot.tools import contact_map, contacts, letters, meeting, plan, reminder, transitions
from bot.tools.basis import Basis
from bot.tools.sheet import as_text
from bot.tools.who_sees import sight_of
from knowledge.catalogue import Catalogue

WORDS = "Han går inte till skolan sedan i våras."
SUGGESTED = ["demo-skolnarvaroteam", "demo-bup", "demo-sip-hjalp"]
SLOTS: dict[str, Any] = {
    "needs": {"school_absence": 0.9},
    "actors": ["school", "bup", "social_services", "adult_psychiatry"],
    "refused": ["bup"],
    "signals": ["no_one_coordinates"],
    "how_it_goes_1": {"actor": "school", "how": "conflict"},
    "child_age": 12,
}


@pytest.fixture
def new_basis(catalogue: Catalogue, content: Content) -> Any:
    """A basis as the ledger would give it; `kept` is what the parent wrote."""

    def make(
        slots: dict[str, Any] | None = None,
        kept: dict[str, Any] | None = None,
        language: str = "sv",
        *,
        is_danger_at_home: bool = False,
    ) -> Basis:
        known = SLOTS if slots is None else slots
        conversation = Conversation(
            uuid4(), "demokommun", "web", language, False, None, None, known
        )
        municipality = catalogue.municipalities["demokommun"]
        words = [WORDS] if known else []
        suggested = SUGGESTED if known else []
        return Basis(
            conversation,
            municipality,
            catalogue,
            content,
            language,
            words,
            suggested,
            kept or {},
            is_danger_at_home,
        )

    return make


def kept(tool: str, content: Any) -> dict[str, Any]:
    """What the ledger gives back of a tool that was kept."""
    return {tool: content.model_dump(mode="json")}


def states(basis: Basis) -> dict[str, tuple[str, str]]:
    return {one.name: (one.need, one.state) for one in contacts.contacts_of(basis)}


# --- Contact map ---


def test_the_map_shows_whom_the_parent_named_and_how_it_goes(new_basis: Any) -> None:
    assert states(new_basis()) == {
        "Skolan": ("child", "conflict"),
        "BUP": ("child", "less_well"),
        "Socialtjänsten": ("both", "unknown"),
        "Vuxenpsykiatrin": ("parent", "unknown"),
        "Någon som samordnar": ("both", "missing"),
    }


@pytest.mark.parametrize(
    "slots",
    [
        {},
        {"actors": "dont_know", "signals": None},
        {"actors": ["nobody"]},
        {"actors": ["an_actor_of_tomorrow"], "how_it_goes_1": "skip"},
    ],
)
def test_nobody_is_put_on_the_map_whom_the_parent_did_not_name(
    new_basis: Any, slots: dict[str, Any]
) -> None:
    basis = new_basis(slots)
    assert contacts.contacts_of(basis) == []
    assert [group.need for group in contact_map.draw(basis).groups] == ["child", "parent"]


def test_a_changed_a_new_and_a_removed_contact_stay_so_when_more_is_told(new_basis: Any) -> None:
    edits = contacts.change(new_basis(), "school", "Björkskolan", "child", "works")
    edits = contacts.KeptContacts.model_validate(edits)
    basis = new_basis(kept=kept("contacts", edits))
    basis = new_basis(kept=kept("contacts", contacts.add(basis, "Mormor", "both", "works")))
    basis = new_basis(kept=kept("contacts", contacts.remove(basis, "bup")))

    later = new_basis({**SLOTS, "actors": [*SLOTS["actors"], "police"]}, kept=basis.kept)
    assert states(later)["Björkskolan"] == ("child", "works")
    assert states(later)["Mormor"] == ("both", "works")
    assert "BUP" not in states(later)
    assert "Polisen" in states(later)


def test_a_contact_needs_a_name_and_must_be_known_to_be_changed(new_basis: Any) -> None:
    with pytest.raises(ValueError):
        contacts.add(new_basis(), "   ", "child", "works")
    with pytest.raises(KeyError):
        contacts.change(new_basis(), "own-12345678", "Någon", "child", "works")


def test_a_number_that_identifies_is_a_blank_in_what_the_parent_writes(new_basis: Any) -> None:
    edits = contacts.add(new_basis(), "Eva 070-123 45 67", "child", "works")
    assert edits.added[0].name == "Eva ________"


def test_the_picture_and_the_list_say_the_same(new_basis: Any) -> None:
    basis = new_basis()
    drawn = {
        (" ".join(box.lines), box.state_label)
        for group in contact_map.draw(basis).groups
        for box in group.boxes
    }
    listed = {(row.label, row.value) for part in contacts.sheet(basis).parts for row in part.rows}
    assert drawn == listed
    assert all(f"{name}: {state}." in contacts.summary(basis) for name, state in listed)


def test_no_two_boxes_of_the_picture_overlap_and_all_are_inside(new_basis: Any) -> None:
    basis = new_basis()
    for n in range(9):
        name = "En mycket lång rubrik på en verksamhet " * (n % 2 + 1)
        edits = contacts.add(basis, name[:80], "child", "conflict")
        basis = new_basis(kept=kept("contacts", edits))
    picture = contact_map.draw(basis)
    boxes = [box for group in picture.groups for box in group.boxes]
    for n, one in enumerate(boxes):
        assert 0 <= one.x <= contact_map.WIDTH - contact_map.BOX_WIDTH
        assert one.y + one.height <= picture.height
        for other in boxes[n + 1 :]:
            is_beside = abs(one.x - other.x) >= contact_map.BOX_WIDTH
            is_below = other.y >= one.y + one.height or one.y >= other.y + other.height
            assert is_beside or is_below


# --- Plan ---


def test_the_plan_begins_with_the_first_two_suggestions(new_basis: Any) -> None:
    text = as_text(plan.sheet(new_basis()))
    assert "Steg 1: Demo Skolnärvaroteam" in text
    assert "Steg 2: Demo BUP" in text
    assert "Steg 3" not in text
    assert "08-465 004 30" in text
    assert "Om de säger nej" in text
    assert "Ingen dag vald" in text


def test_the_parent_chooses_steps_and_days(new_basis: Any) -> None:
    day = dt.date(2026, 12, 1)
    chosen = plan.choose(
        new_basis(), ["demo-sip-hjalp"], {"demo-sip-hjalp": day}, "Ring på lunchen"
    )
    basis = new_basis(kept=kept("plan", chosen))
    text = as_text(plan.sheet(basis))
    assert "Steg 1: Demo SIP-hjälpen" in text
    assert "tisdag 1 december 2026" in text
    assert "Ring på lunchen" in text
    assert "Demo BUP" not in text


@pytest.mark.parametrize("chosen", [SUGGESTED, ["demo-kontaktcenter"], ["../../etc/passwd"]])
def test_a_plan_takes_no_third_step_and_none_that_was_not_suggested(
    new_basis: Any, chosen: list[str]
) -> None:
    with pytest.raises(ValueError):
        plan.choose(new_basis(), chosen, {}, "")


def test_what_the_family_has_tried_is_no_step(new_basis: Any) -> None:
    basis = new_basis({**SLOTS, "tried_services": ["demo-skolnarvaroteam"]})
    assert [step.service.id for step in plan.steps_of(basis)] == ["demo-bup", "demo-sip-hjalp"]


def test_a_step_whose_entry_is_withdrawn_leaves_the_plan(new_basis: Any) -> None:
    gone = plan.KeptPlan(steps=[plan.KeptStep(service_id="no-longer-there")])
    assert plan.steps_of(new_basis(kept=kept("plan", gone))) == []


# --- Meeting and letters ---


def test_the_notes_begin_with_her_own_words_and_whom_she_named(new_basis: Any) -> None:
    notes = meeting.meeting_of(new_basis({**SLOTS, "works_well": ["friends", "nothing_now"]}))
    assert notes.say == WORDS
    assert "Skolan" in notes.who
    assert "Någon som samordnar" not in notes.who  # nobody can be invited who is missing
    assert "Vuxenpsykiatrin" not in notes.who  # and hers alone is her own to tell of
    assert notes.purpose == notes.wishes == ""
    head = meeting.who_does_what(new_basis()).table
    assert head is not None
    assert list(head.head) == ["Vem", "Gör vad", "Klart senast"]


def test_a_note_she_emptied_stays_empty(new_basis: Any) -> None:
    basis = new_basis(kept=kept("meeting", meeting.KeptMeeting(purpose="En plan")))
    assert meeting.meeting_of(basis).say == ""
    assert "En plan" in as_text(meeting.sheet(basis))


@pytest.mark.parametrize("kind", letters.KINDS)
def test_a_letter_holds_only_what_she_said_and_blanks(
    new_basis: Any, content: Content, kind: letters.Kind
) -> None:
    known = letters.text_of(new_basis(), kind)
    assert WORDS in known
    empty = letters.text_of(new_basis({}), kind)
    form = content.raw("sv", f"tools_letter_{kind}_text")
    for placeholder in content.placeholders("sv", f"tools_letter_{kind}_text"):
        form = form.replace("{" + placeholder + "}", letters.BLANK)
    assert empty == form


def test_a_sip_is_asked_for_with_the_laws_in_force(new_basis: Any) -> None:
    text = " ".join(as_text(letters.sheet(new_basis(), "sip")).split())
    assert "socialtjänstlagen (2025:400)" in text
    assert "16 kap. 4 § hälso- och sjukvårdslagen (2017:30)" in text
    assert "2001:453" not in text


def test_a_letter_is_swedish_whatever_the_parents_language_and_is_explained(
    new_basis: Any,
) -> None:
    parts = letters.sheet(new_basis(language="en"), "application").parts
    assert "Jag ansöker om" in parts[0].quote
    assert parts[0].language == "sv"
    assert "I apply for" in parts[1].quote


def test_changed_words_replace_those_of_the_chat(new_basis: Any) -> None:
    changed = letters.write(new_basis(), "appeal", letters.Letter(words="Beslutet är fel."))
    text = letters.text_of(new_basis(kept=kept("letters", changed)), "appeal")
    assert "Beslutet är fel." in text
    assert WORDS not in text


# --- Checklists ---


def test_the_list_for_the_childs_age_comes_first(new_basis: Any) -> None:
    assert transitions.in_order(new_basis({"child_age": 17}))[:2] == [
        "grade_9_gymnasium",
        "eighteen",
    ]
    assert transitions.in_order(new_basis({}))[0] == "grade_3_4"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_checklist_has_all_its_words(new_basis: Any, language: str) -> None:
    for name in transitions.checklists():
        basis = new_basis(language=language)
        sheet = transitions.sheet(basis, name)
        assert len(set(sheet.parts[0].items)) == len(transitions.checklists()[name].items)


def test_ticks_are_kept_by_list(new_basis: Any) -> None:
    done = transitions.tick(new_basis(), "eighteen", ["money", "not an item"])
    basis = new_basis(kept=kept("transitions", done))
    assert transitions.done_of(basis, "eighteen") == ["money"]
    text = as_text(transitions.sheet(basis, "eighteen"))
    assert text.count("[x]") == 1
    assert transitions.done_of(basis, "grade_3_4") == []


# --- Reminders ---


def event_of(ics: bytes) -> Any:
    return next(iter(Calendar.from_ical(ics).walk("VEVENT")))


def test_a_reminder_has_a_neutral_title_and_says_inside_who_why_and_how_long(
    new_basis: Any,
) -> None:
    when = reminder.KeptTime(
        day=dt.date(2026, 12, 1), time=dt.time(9, 30), minutes=45, place="Storgatan"
    )
    set_for = reminder.set_time(new_basis(), "demo-bup", when)
    basis = new_basis(kept=kept("reminders", set_for))
    event = event_of(reminder.as_ics(basis, reminder.find(basis, "demo-bup")))
    assert event["summary"] == "Påminnelse"
    assert event["dtstart"].dt.isoformat() == "2026-12-01T09:30:00+01:00"
    assert event["duration"].dt == dt.timedelta(minutes=45)
    for words in ("Demo BUP", "08-465 004 30", "45 minuter", "Förbered"):
        assert words in event["description"]
    assert len(list(event.walk("VALARM"))) == 2


def test_where_others_see_the_phone_a_reminder_holds_only_the_time(new_basis: Any) -> None:
    when = reminder.KeptTime(day=dt.date(2026, 12, 1), place="BUP")
    basis = new_basis(kept=kept("reminders", reminder.set_time(new_basis(), "demo-bup", when)))
    ics = reminder.as_ics(basis, reminder.find(basis, "demo-bup"), is_bare=True)
    assert b"BUP" not in ics
    assert event_of(ics)["summary"] == "Påminnelse"


def test_a_reminder_of_the_same_thing_replaces_the_earlier_one(new_basis: Any) -> None:
    basis = new_basis()
    first = reminder.set_time(basis, "meeting", reminder.KeptTime(day=dt.date(2026, 12, 1)))
    later = Basis(
        basis.conversation,
        basis.municipality,
        basis.catalogue,
        basis.content,
        "sv",
        kept=kept("reminders", first),
    )
    ids = {
        str(event_of(reminder.as_ics(later, reminder.find(later, "meeting")))["uid"])
        for _ in range(2)
    }
    assert len(ids) == 1
    assert str(basis.conversation.id) not in ids.pop()


def test_without_a_day_there_is_nothing_for_the_calendar(new_basis: Any) -> None:
    basis = new_basis()
    with pytest.raises(ValueError):
        reminder.as_ics(basis, reminder.find(basis, "meeting"))


def test_asking_for_a_new_time_gives_no_reason_and_names_nobody(new_basis: Any) -> None:
    text = reminder.rebooking(new_basis())
    assert "ny tid" in text
    for word in ("barn", "skola", "BUP", "sjuk", "förlåt"):
        assert word not in text


# --- Who sees the phone ---


@pytest.mark.parametrize(
    ("slots", "answer", "sight"),
    [
        ({"needs": {"school_absence": 0.9}}, None, "free"),
        ({"needs": {"violence_in_family": 0.9}}, None, "ask"),
        ({"needs": {"violence_in_family": 0.9}, "safe_contact": "not_needed"}, None, "ask"),
        ({"needs": {"violence_in_family": 0.9}, "safe_contact": "only_me"}, None, "alone"),
        ({"needs": {"violence_in_family": 0.9}, "safe_contact": "dont_know"}, None, "seen"),
        (
            {"needs": {"violence_in_family": 0.9}, "safe_contact": "only_me"},
            "others_can_see",
            "seen",
        ),
        ({"needs": {"school_absence": 0.9}, "safe_contact": "others_can_see"}, None, "seen"),
    ],
)
def test_near_violence_it_is_asked_who_sees_the_phone(
    new_basis: Any, slots: dict[str, Any], answer: str | None, sight: str
) -> None:
    assert sight_of(new_basis(slots, {"who_sees": {"answer": answer}})) == sight


def test_danger_at_home_seen_in_the_conversation_is_near_violence(new_basis: Any) -> None:
    assert sight_of(new_basis(is_danger_at_home=True)) == "ask"


def test_what_another_version_kept_never_stops_a_tool(new_basis: Any) -> None:
    broken = {tool: {"steps": 7, "added": "?", "letters": []} for tool in ("plan", "contacts")}
    basis = new_basis(kept=broken)
    assert len(plan.steps_of(basis)) == 2
    assert contacts.contacts_of(basis)
