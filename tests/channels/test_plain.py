"""The chat without a script, over forms."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import httpx
import pytest

from bot.worker import Worker
from tests.conftest import NewGuide

PAGE = "/chat/strangnas/utan-skript"
DANGER = "Min dotter har tagit en hel ask tabletter nu ikväll"
OPENED = "Vad gäller det"


def key_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's text form."""
    form = page[page.index('class="plain-write"') :]
    form = form[: form.index("</form>")]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


class Visitor:
    """Somebody whose browser runs no script."""

    def __init__(self, client: httpx.AsyncClient, worker: Worker) -> None:
        self._client = client
        self._worker = worker
        self.page = ""
        self.key: dict[str, str] = {}

    async def begin(self, language: str = "sv") -> None:
        self.page = (await self._client.get(f"{PAGE}?lang={language}")).text
        self.key = key_of(self.page)

    async def send(self, **fields: str | list[str]) -> httpx.Response:
        """Send a form while a worker answers, and take over the new page's key."""
        asked = asyncio.create_task(self.post(**fields))
        while not asked.done():
            await self._worker.take_turn()
            await asyncio.sleep(0.01)
        answer = asked.result()
        self.page = answer.text
        if 'class="plain-write"' in self.page:
            self.key = key_of(self.page)
        return answer

    async def post(self, **fields: str | list[str]) -> httpx.Response:
        return await self._client.post(PAGE, data={**self.key, **fields})


@pytest.fixture
async def visitor(client: httpx.AsyncClient, worker: Worker) -> Visitor:
    one = Visitor(client, worker)
    await one.begin()
    return one


def messages(page: str, author: str) -> int:
    return page.count(f'class="message message-{author}')


async def test_the_first_page_stores_nothing_and_says_what_this_is(visitor: Visitor) -> None:
    assert "en dator" in visitor.page
    assert visitor.key["first"] == "1"
    assert (await visitor.post(id="")).status_code == 200  # only now there is a conversation


async def test_an_answer_stands_on_the_page_that_a_form_leads_to(visitor: Visitor) -> None:
    answer = await visitor.send(text="Min son är 13 år och går inte till skolan")
    assert answer.status_code == 200
    assert messages(answer.text, "parent") == 1
    assert messages(answer.text, "bot") > 3
    assert 'type="radio"' in answer.text
    assert "first" not in visitor.key


async def test_neither_address_nor_cookie_names_the_conversation(visitor: Visitor) -> None:
    answer = await visitor.send(text="Min son är 13 år och går inte till skolan")
    assert str(answer.url).endswith(PAGE)
    assert answer.history == []
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r'(?:href|action)="[^"]*' + visitor.key["conversation"], answer.text)


async def test_a_form_sent_twice_counts_once(visitor: Visitor) -> None:
    first = dict(visitor.key)
    await visitor.send(text="Min son går inte till skolan")
    visitor.key = first
    again = await visitor.send(text="Min son går inte till skolan")
    assert messages(again.text, "parent") == 1


async def test_a_choice_is_an_answer(visitor: Visitor) -> None:
    await visitor.send(text="Min son går inte till skolan och vi får ingen hjälp")
    ids = re.findall(r'type="radio" name="choice" value="([^"]+)"', visitor.page)
    answer = await visitor.send(choice=ids[0])
    assert messages(answer.text, "parent") == 2


async def test_several_choices_are_one_answer(visitor: Visitor) -> None:
    await visitor.send(choice=["path:my_child"])
    for _ in range(12):
        boxes = re.findall(r'type="checkbox" name="choice" value="([^"]+)"', visitor.page)
        if boxes:
            break
        ids = re.findall(r'type="radio" name="choice" value="([^"]+)"', visitor.page)
        await visitor.send(choice=ids[0])
    before = messages(visitor.page, "parent")
    answer = await visitor.send(choice=boxes[:2])
    assert answer.status_code == 200
    assert messages(answer.text, "parent") == before + 1


async def test_danger_is_answered_in_the_same_response_with_no_worker_at_work(
    visitor: Visitor,
) -> None:
    answer = await visitor.post(text=DANGER)
    acute = answer.text[answer.text.index("message-acute") :]
    assert re.search(r'href="tel:(\d+)"', acute)[1] == "112"  # type: ignore[index]


async def test_danger_is_answered_also_when_the_conversation_is_unknown(visitor: Visitor) -> None:
    visitor.key.pop("first")
    answer = await visitor.post(text=DANGER)
    assert "message-acute" in answer.text
    assert 'href="tel:112"' in answer.text[answer.text.index("message-acute") :]


async def test_nobody_reads_a_conversation_with_another_token(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    await visitor.send(text="Vi bor i det gula huset")
    key = {**visitor.key, "token": "strangnas." + "x" * 43}
    answer = await client.post(PAGE, data={**key, "id": ""})
    assert "gula huset" not in answer.text
    stolen = {**key, "first": "1", "id": ""}
    assert "gula huset" not in (await client.post(PAGE, data=stolen)).text


@pytest.mark.parametrize("token", ["", "strangnas.short", "x" * 60])
async def test_a_key_that_no_page_gave_out_is_refused(visitor: Visitor, token: str) -> None:
    visitor.key["token"] = token
    assert (await visitor.post(text="Hej")).status_code == 400


async def test_too_long_a_text_is_kept_in_the_box_and_can_be_sent_shorter(
    visitor: Visitor,
) -> None:
    answer = await visitor.post(text="Vi orkar inte mer. " * 300)
    assert answer.status_code == 413
    assert 'role="alert"' in answer.text
    assert "Vi orkar inte mer." in answer.text[answer.text.index("<textarea") :]
    visitor.key = key_of(answer.text)
    assert messages((await visitor.send(text="Vi orkar inte mer.")).text, "parent") == 1


async def test_an_answer_that_takes_long_can_be_fetched(
    visitor: Visitor, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.plain.ANSWER_WITHIN", 0.05)
    waiting = await visitor.post(text="Min son går inte till skolan")
    assert "Ditt meddelande har kommit fram" in waiting.text
    while await worker.take_turn() is not None:
        pass
    visitor.key = {**key_of(waiting.text), "id": ""}
    fetched = await visitor.post()
    assert messages(fetched.text, "parent") == 1
    assert messages(fetched.text, "bot") > messages(waiting.text, "bot")


async def test_the_language_is_changed_and_the_conversation_goes_on(visitor: Visitor) -> None:
    await visitor.send(text="Min son går inte till skolan")
    english = await visitor.send(id="", language="en")
    assert '<html lang="en"' in english.text
    assert messages(english.text, "parent") == 1


async def test_everything_can_be_erased(visitor: Visitor) -> None:
    await visitor.send(text="Vi bor i det gula huset")
    erased = await visitor.send(choice="delete:confirm")
    assert "gula huset" not in erased.text
    later = await visitor.post(id="")
    assert "gula huset" not in later.text


async def test_what_a_guide_writes_is_shown(visitor: Visitor, new_guide: NewGuide) -> None:
    await visitor.send(text="Min son går inte till skolan")
    await visitor.send(choice="intent:want_person")
    choice = re.findall(r'type="radio" name="choice" value="([^"]+)"', visitor.page)[0]
    await visitor.send(choice=choice)
    guide = await new_guide()
    queue = (await guide.get("queue")).json()["handoffs"]
    handoff = next(o for o in queue if o["conversation_id"] == visitor.key["conversation"])["id"]
    await guide.post(f"handoffs/{handoff}/claim")
    await guide.post(f"handoffs/{handoff}/messages", id=str(uuid4()), text="Hej, jag heter Anna")
    page = (await visitor.send(id="")).text
    assert "Hej, jag heter Anna" in page
    assert "Guiden Anna svarar dig nu" in page


async def test_a_paused_conversation_is_gone_on_with_by_its_code_without_a_script(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    await visitor.send(text="Min son är 13 år och går inte till skolan")
    paused = await visitor.post(pause="1")
    found = re.search(r"Här är din kod: ([0-9A-Z]{4}-[0-9A-Z]{4})", paused.text)
    assert found is not None
    opened = await client.post("/fortsatt", data={"code": found[1]})
    action = re.search(r'action="([^"]*utan-skript[^"]*)"', opened.text)
    assert action is not None
    key = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', opened.text))
    page = (await client.post(action[1], data=key)).text
    assert "Hur länge har det varit så?" in page
    again = await client.post("/fortsatt", data={"code": found[1]})
    assert again.status_code == 404
    assert "Koden stämmer inte" in again.text


async def test_a_parent_who_writes_that_she_must_stop_gets_a_code(visitor: Visitor) -> None:
    await visitor.send(text="Min son är 13 år och går inte till skolan")
    said = await visitor.send(text="jag vill pausa och fortsätta i morgon")
    assert re.search(r"Här är din kod: [0-9A-Z]{4}-[0-9A-Z]{4}", said.text)
