"""By text message in her own language: from the first words to a booked time, then all erased."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from bot import clock
from bot.calendar import LOCAL
from bot.content import Content
from bot.ledger import Ledger
from channels.gsm import plain
from tests.channels.phone import Phone, Phones4Tests

pytestmark = pytest.mark.usefixtures("nothing_booked")

EVENING = dt.datetime(2027, 3, 16, 22, 40, tzinfo=LOCAL)  # a Tuesday
# The first message, as it is typed on a phone, and the answer to what follows: since when.
SAID = {
    "en": ("my son is 13 and wont go to school any more", "5 months"),
    "ar": ("ابني عمره 13 سنة ولا يريد الذهاب إلى المدرسة", "خمسة أشهر"),
    "so": ("wiilkaygu waa 13 jir iskuulka wuu diiday inuu aado", "5 bilood"),
    "fi": ("13-vuotias poikani ei suostu menemään kouluun", "viisi kuukautta"),
    "fa": ("پسرم ۱۳ ساله است و دیگر مدرسه نمی‌رود", "پنج ماه"),
    "uk": ("синові 13 років і він не хоче ходити до школи", "п'ять місяців"),
    "pl": ("syn ma 13 lat i nie chce chodzic do szkoly", "piec miesiecy"),
    "tr": ("oglum 13 yasinda ve okula gitmek istemiyor", "bes ay"),
    "ku": ("kurê min 13 salî ye û êdî naçe dibistanê", "pênc meh"),
    "sv-x-lattlast": ("min son är 13 han vill inte gå till skolan", "5 månader"),
}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with clock.at(EVENING):
        yield


async def replies(phone: Phone, ledger: Ledger) -> list[tuple[str, str]]:
    """Which reply was said in which language, in order."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT m.reply_id, m.language FROM messages m JOIN addresses a "
            "ON a.conversation_id = m.conversation_id WHERE a.mark = ANY(%s) "
            "AND m.author = 'bot' ORDER BY m.seq",
            [ledger.seal.marks(f"sms:{phone.own}")],
        )
        return [(row["reply_id"], row["language"]) for row in await cursor.fetchall()]


def word(content: Content, language: str, name: str) -> str:
    """A reserved word as the phone shows it."""
    return content.raw(language, f"sms_word_{name}").split("|")[0]


@pytest.mark.parametrize("language", sorted(SAID))
async def test_from_the_first_words_to_a_booked_call_and_to_nothing_kept(
    new_phone: Phones4Tests, ledger: Ledger, content: Content, language: str
) -> None:
    phone, (story, since) = new_phone(), SAID[language]
    if language == "sv-x-lattlast":
        await phone.say("lättläst svenska")
    await phone.say(story)
    await phone.say(since)
    assert (await replies(phone, ledger))[-1] == ("utter_ask_actors", language)
    await phone.say(word(content, language, "guide"))
    assert (await replies(phone, ledger))[-1] == ("utter_ask_consent_handoff", language)
    await phone.say(content.raw(language, "word_yes").split("|")[0])
    assert (await replies(phone, ledger))[-1] == ("utter_book_day", language)
    await phone.say("1")  # the first day
    await phone.say("1")  # the first time
    assert (await replies(phone, ledger))[-1] == ("utter_book_how", language)
    await phone.say("2")  # in writing
    booked = (await replies(phone, ledger))[-1]
    assert booked == ("utter_booked_chat", language)
    last = (await phone.say(word(content, language, "erase")))[-1]
    assert plain(last) == plain(content.raw(language, "sms_utter_deleted"))
    assert await replies(phone, ledger) == []
