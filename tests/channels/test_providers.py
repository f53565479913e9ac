"""The contract every adapter keeps, on payloads in the provider's own format."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest
from pydantic import ValidationError

from channels.phones import Phones, PhonesFile
from channels.providers.adapter import (
    Answer,
    Arrived,
    Call,
    ForgedError,
    Letter,
    NotSentError,
    Report,
    UnreadableError,
    WindowClosedError,
)
from channels.providers.generic import WINDOW, sign
from channels.providers.twilio import signature
from tests.channels.providers import (
    CASES,
    NEW,
    OLD,
    OUR_NUMBER,
    PHONE,
    REFERENCE,
    Case,
    provider,
    settings_file,
)

YES: dict[str, Any] = {
    "46elks": {"status": "created", "id": "s70df", "parts": 2, "cost": 7000},
    "twilio": {"sid": "SM70df", "status": "queued", "num_segments": "2", "price": None},
    "generic": {"id": "gw-1", "cost": 3500, "parts": 2},
    "whatsapp": {"messaging_product": "whatsapp", "messages": [{"id": "wamid.X"}]},
}  # fmt: skip


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def letter(**changes: Any) -> Letter:
    return replace(Letter(UUID(REFERENCE), PHONE, OUR_NUMBER, "Hej åäö & <b>"), **changes)


async def handed_over(
    case: Case, status: int = 200, body: Any = None, text: str | None = None, **changes: Any
) -> tuple[Any, httpx.Request]:
    """What `send` gave back, and the request it made."""
    made: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        made.append(request)
        if text is not None:
            return httpx.Response(status, text=text)
        return httpx.Response(status, json=YES[case.name] if body is None else body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        sent = await provider(case.name).send(http, letter(**changes))
    return sent, made[0]


def test_a_message_is_read(case: Case) -> None:
    (arrived,) = provider(case.name).read(case.call("message"))  # type: ignore[misc]
    assert isinstance(arrived, Arrived)
    assert (arrived.sender, arrived.to, arrived.text) == (PHONE, OUR_NUMBER, "Hej hej åäö")
    assert len(arrived.provider_id) > 5


def test_a_report_is_read_with_our_reference(case: Case) -> None:
    (report,) = provider(case.name).read(case.call("report"))  # type: ignore[misc]
    assert isinstance(report, Report)
    assert (report.state, report.reference) == ("delivered", UUID(REFERENCE))
    assert report.provider_id


def test_the_secret_before_the_last_works_while_it_is_replaced(case: Case) -> None:
    assert provider(case.name).read(case.call("message", OLD))
    with pytest.raises(ForgedError):
        provider(case.name).read(case.call("message", "another-secret"))


def test_a_call_without_proof_is_forged(case: Case) -> None:
    bare = replace(case.call("message"), headers={})
    with pytest.raises(ForgedError):
        provider(case.name).read(bare)


def test_a_changed_byte_or_another_address_is_forged(case: Case) -> None:
    call = case.call("message")
    changed = replace(call, body=call.body.replace(b"hej", b"hoj"))
    other = replace(call, target=call.target + "x")
    forged = {"46elks": [other], "whatsapp": [changed]}.get(case.name, [changed, other])
    for fake in forged:
        with pytest.raises(ForgedError):
            provider(case.name).read(fake)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{}", b"a=b&c=%ff", b'{"entry": 1}'])
def test_what_is_not_the_format_is_refused_and_never_breaks(case: Case, body: bytes) -> None:
    try:
        call = case.call("message", body=body)
    except UnreadableError:
        return
    with pytest.raises((ForgedError, UnreadableError)):
        provider(case.name).read(call)


async def test_a_message_is_handed_over_with_our_reference(case: Case) -> None:
    sent, request = await handed_over(case)
    assert sent.provider_id in str(YES[case.name])
    assert REFERENCE in request.content.decode() + str(request.headers)
    assert request.url.scheme == "https"


@pytest.mark.parametrize(
    ("status", "for_good"), [(400, True), (404, True), (401, False), (429, False), (500, False)]
)
async def test_a_no_says_whether_to_try_again(case: Case, status: int, for_good: bool) -> None:
    with pytest.raises(NotSentError) as refused:
        await handed_over(case, status, {"code": 21610})
    assert refused.value.for_good is for_good
    assert PHONE not in refused.value.reason


async def test_a_yes_that_cannot_be_read_is_tried_again(case: Case) -> None:
    with pytest.raises(NotSentError) as refused:
        await handed_over(case, text="<html>")
    assert not refused.value.for_good


async def test_a_provider_that_does_not_answer_is_tried_again(case: Case) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as http:
        with pytest.raises(NotSentError) as refused:
            await provider(case.name).send(http, letter())
    assert not refused.value.for_good


def test_the_answer_is_a_yes_and_carries_words_where_it_can(case: Case) -> None:
    known = provider(case.name)
    for text in (None, "Ring 112 & <nu>"):
        answer = known.answer(text)
        assert 200 <= answer.status <= 204
        if text and known.answers_in_response:
            assert "112" in answer.body
            assert "<nu>" not in answer.body or answer.media_type != "text/xml"


# What is each provider's own.


async def test_46elks_gets_form_fields_and_where_to_report() -> None:
    _, request = await handed_over(CASES["46elks"])
    fields = parse_qs(request.content.decode())
    assert str(request.url) == "https://api.46elks.com/a1/sms"
    assert (fields["from"], fields["to"]) == ([OUR_NUMBER], [PHONE])
    assert fields["message"] == ["Hej åäö & <b>"]
    assert fields["dontlog"] == ["message"]
    assert fields["whendelivered"] == [
        f"https://elks:{NEW}@lotsa.example.se/svar/in/46elks/path-secret?ref={REFERENCE}"
    ]
    assert request.headers["authorization"].startswith("Basic ")


def test_twilios_signature_is_that_of_its_documentation() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "Digits": "1234",
        "From": "+12349013030", "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_a_generic_call_that_is_old_is_refused() -> None:
    call = CASES["generic"].call("message")
    for age in (WINDOW + 5, -WINDOW - 5):
        stamp = str(int(time.time()) - age)
        signed = sign(NEW, stamp, f"/svar{call.target}", call.body)
        old = replace(call, headers={"x-lotsa-timestamp": stamp, "x-lotsa-signature": signed})
        with pytest.raises(ForgedError):
            provider("generic").read(old)


def test_whatsapp_is_verified_by_its_own_token_alone() -> None:
    known = provider("whatsapp")
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    right = Call("GET", f"/in/whatsapp?{query}verify-me", {}, b"")
    assert known.read(right) == Answer(200, "1158201444")
    with pytest.raises(ForgedError):
        known.read(replace(right, target=f"/in/whatsapp?{query}guess"))


def test_a_pressed_button_tells_its_choice_and_a_picture_nothing() -> None:
    read = provider("whatsapp").read(CASES["whatsapp"].call("button"))
    assert isinstance(read, list)
    pressed, picture = read
    assert isinstance(pressed, Arrived)
    assert pressed.choice == "how_long:months"
    assert isinstance(picture, Arrived)
    assert picture.text == ""


def _choices(count: int, length: int = 8) -> tuple[tuple[str, str], ...]:
    return tuple((f"q:{n}", "x" * length) for n in range(count))


@pytest.mark.parametrize(
    ("choices", "shape"),
    [(_choices(0), "text"), (_choices(3), "button"), (_choices(3, 21), "list"),
     (_choices(4), "list"), (_choices(10), "list"), (_choices(11), "text")],
)  # fmt: skip
async def test_choices_are_buttons_rows_or_numbers(
    choices: tuple[tuple[str, str], ...], shape: str
) -> None:
    _, request = await handed_over(CASES["whatsapp"], choices=choices)
    said = json.loads(request.content)
    assert (said["type"] if shape == "text" else said["interactive"]["type"]) == shape


async def test_after_a_day_of_silence_only_a_template_is_sent() -> None:
    made: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        made.append(request)
        return httpx.Response(200, json=YES["whatsapp"])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(WindowClosedError):
            await provider("whatsapp").send(http, letter(is_window_open=False))
    said = json.loads(made[0].content)
    assert said["template"] == {"name": "message_waits", "language": {"code": "sv"}}
    assert "Hej" not in made[0].content.decode()


def test_a_municipality_has_one_number() -> None:
    file = settings_file("twilio")
    file["sms"]["numbers"]["+46766861002"] = "strangnas"
    with pytest.raises(ValidationError):
        PhonesFile.model_validate(file)


def test_without_a_file_there_are_no_phones(tmp_path: Any) -> None:
    phones = Phones.load(tmp_path / "channels.yml")
    assert phones.channels == []
