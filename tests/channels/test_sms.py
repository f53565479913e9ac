"""Lotsa by SMS, through the simulated provider: what a parent with a phone sees."""

from __future__ import annotations

import re

from bot.ledger import Ledger
from channels.gsm import count
from tests.channels.phone import Phone, Phones4Tests
from tests.conftest import NewGuide

STORY = "Min son på 13 går inte till skolan sedan i våras"
CODE = re.compile(r"[3-9A-Y]{4}-[3-9A-Y]{4}")


async def messages(phone: Phone, ledger: Ledger, author: str) -> list[str]:
    """The sealed texts of the phone's conversation by an author, opened."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT m.sealed_text FROM messages m JOIN addresses a "
            "ON a.conversation_id = m.conversation_id WHERE a.mark = ANY(%s) "
            "AND m.author = %s ORDER BY m.seq",
            [ledger.seal.marks(f"sms:{phone.own}"), author],
        )
        return [ledger.seal.open(row["sealed_text"]) for row in await cursor.fetchall()]


async def test_the_first_text_says_what_this_is(new_phone: Phones4Tests) -> None:
    first = (await new_phone().say(STORY))[0]
    for word in ("dator", "Demokommun", "30 dagar", "HJÄLP", "STOPP", "112"):
        assert word in first
    assert count(first).parts <= 3


async def test_a_question_has_numbers_and_a_number_answers_it(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    await phone.say(STORY)
    asked = (await phone.say("bara skolan"))[-1]
    assert "1 Det fungerar" in asked
    assert asked.endswith("Svara 1-4.")
    after = (await phone.say("2"))[-1]
    assert "Vad har ni redan provat?" in after


async def test_a_number_that_is_not_there_is_not_stored_as_an_answer(
    new_phone: Phones4Tests, ledger: Ledger
) -> None:
    phone = new_phone()
    await phone.say(STORY)
    await phone.say("bara skolan")
    assert await phone.say("9") == ["Svara 1-4."]
    assert "9" not in await messages(phone, ledger, "parent")


async def test_nothing_on_a_neutral_phone_tells_what_it_is_about(
    new_phone: Phones4Tests,
) -> None:
    phone = new_phone()
    short = phone.sending._short
    for text in (STORY, "skolan och bup", "1", "1", "inget", "1", "HOPPA", "HOPPA"):
        await phone.say(text)
    assert any("/fortsatt" in text for text in phone.screen)
    assert [text for text in phone.screen if short.reveals(text)] == []
    assert [text for text in phone.screen if count(text).parts > 3] == []


async def test_danger_is_answered_in_the_providers_own_call(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    phone.write("min dotter säger att hon ska ta livet av sig i natt")
    await phone.simulator.settle()  # no worker and no sender has run yet
    (answer,) = phone.screen
    assert answer.startswith("Ring 112")
    assert "90101" in answer
    await phone.work()
    assert sum("Ring 112 nu" in text for text in phone.screen) == 1


async def test_stop_is_silence_until_she_writes_again(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    await phone.say(STORY)
    (goodbye,) = await phone.say("Stopp.")
    assert "inga fler SMS" in goodbye
    assert await phone.say("STOPP") == []
    again = await phone.say("START")
    assert "Vilka har ni redan kontakt med?" in again[-1]


async def test_stop_from_a_stranger_is_answered_and_opens_nothing(
    new_phone: Phones4Tests, ledger: Ledger
) -> None:
    phone = new_phone()
    (goodbye,) = await phone.say("STOP")
    assert "112" in goodbye
    assert await messages(phone, ledger, "bot") == []


async def test_help_lists_the_words_and_asks_nothing_away(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    await phone.say(STORY)
    await phone.say("bara skolan")
    (helped,) = await phone.say("hjälp")
    for word in ("TILLBAKA", "GUIDE", "STOPP", "112", "1177"):
        assert word in helped
    assert "Vad har ni redan provat?" in (await phone.say("1"))[-1]


async def test_back_asks_the_question_before(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    await phone.say(STORY)
    await phone.say("bara skolan")
    await phone.say("1")
    assert "Hur går det med" in (await phone.say("Tillbaka"))[-1]


async def test_full_text_is_a_choice_after_an_explanation(new_phone: Phones4Tests) -> None:
    phone = new_phone()
    await phone.say(STORY)
    (explained,) = await phone.say("FULLTEXT")
    assert "Den som ser din telefon kan läsa" in explained
    changed = await phone.say("1")
    assert "Nu skriver jag ut allt här" in changed[0]
    assert "BUP" in changed[-1]
    assert "BUP" not in (await phone.say("KORT"))[-1]


async def test_erasing_leaves_neither_words_nor_number(
    new_phone: Phones4Tests, ledger: Ledger
) -> None:
    phone = new_phone()
    await phone.say(STORY)
    (erased,) = await phone.say("RADERA")
    assert "raderat" in erased
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM addresses WHERE mark = ANY(%s)",
            [ledger.seal.marks(f"sms:{phone.own}")],
        )
        assert await cursor.fetchone() is None


async def test_a_guides_words_come_as_hers(new_phone: Phones4Tests, new_guide: NewGuide) -> None:
    phone = new_phone("strangnas")
    await phone.say(STORY)
    await phone.say("GUIDE")
    await phone.say("1")
    guide = await new_guide("strangnas")
    queue = (await guide.get("queue")).json()["handoffs"]
    mine = next(h for h in queue if h["channel"] == "sms" and h["state"] == "waiting")
    assert (await guide.post(f"handoffs/{mine['id']}/claim")).status_code == 200
    long = "Hej, jag heter Anna. Ring BUP i morgon så hjälps vi åt. " * 12
    await guide.post(f"handoffs/{mine['id']}/messages", id="guide-sms-1", text=long.strip())
    said = [text for text in await phone.read() if "BUP" in text]
    assert said[0].startswith("Anna: ")
    assert " ".join(said).count("Ring BUP i morgon") == 12
    assert all(count(text).parts <= 3 for text in said)


async def test_a_conversation_of_twelve_turns_survives_a_bad_provider(
    new_phone: Phones4Tests, ledger: Ledger
) -> None:
    phone = new_phone()
    faults = new_phone.simulator.faults
    faults.duplicates, faults.reports = 2, "out_of_order"
    turns = [
        "Hej", STORY, "bara skolan", "1", "inget", "HJÄLP", "2", "6", "2",
        "mer stöd på morgonen", "3", "1",
    ]  # fmt: skip
    for number, text in enumerate(turns):
        if number in (2, 5, 8):
            faults.failure, faults.fail_next = "error_500", 1
        if number in (3, 7):
            faults.failure, faults.fail_next = "lost_answer", 1
        await phone.say(text)
        async with ledger.transaction() as connection:  # the pauses are over at once
            await connection.execute("UPDATE outbox SET due_at = now() WHERE state = 'waiting'")
        await phone.read()
    said = await messages(phone, ledger, "parent")
    assert len(said) == len(turns) - 1  # all but HJÄLP, each once
    asked = [line for text in phone.screen for line in text.split("\n") if "?" in line]
    # Asked where they fit, and when a new matter begins.
    again = ("Är någon i fara nu?", "Har ni fått den hjälp", "Vad är svårast just nu?")
    guided = [line for line in asked if not line.startswith(again)]
    twice = {line for line in guided if guided.count(line) > 1}
    assert twice == set()
    assert len(guided) >= 3
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT o.state, count(*) AS n FROM outbox o JOIN addresses a ON a.id = o.address_id "
            "WHERE a.mark = ANY(%s) GROUP BY 1",
            [ledger.seal.marks(f"sms:{phone.own}")],
        )
        states = {row["state"]: row["n"] for row in await cursor.fetchall()}
    assert set(states) == {"delivered"}
    assert len(phone.screen) == states["delivered"]


async def test_another_phone_with_another_conversation_is_kept_apart(
    new_phone: Phones4Tests,
) -> None:
    one, other = new_phone("demokommun"), new_phone("strangnas")
    await one.say(STORY)
    first = (await other.say("hej"))[0]
    assert "Strängnäs" in first
    assert not any("Strängnäs" in text for text in one.screen)
