"""Signing in to the console: passwords, codes, lock-out, and when a session ends."""

from __future__ import annotations

import re
import time

import pyotp
import pytest

from tests.channels.people import NewPerson, enrol
from tests.conftest import PASSWORD

OTHER = "ett helt annat lösenord"


async def test_a_guide_is_in_with_her_password(new_person: NewPerson) -> None:
    guide = await new_person("guide")
    answer = await guide.give_password()
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert (await guide.get("/console")).status_code == 200
    assert (await new_person.log())[-1].act == "signed_in"


async def test_which_part_was_wrong_is_not_told(new_person: NewPerson) -> None:
    known, unknown = await new_person("guide"), await new_person("guide")
    unknown.login = "ingen-har-det-namnet"
    for_known = await known.give_password(OTHER)
    for_unknown = await unknown.give_password(OTHER)
    assert for_known.status_code == for_unknown.status_code == 401
    blank = for_known.text.replace(known.login, "")
    assert blank == for_unknown.text.replace(unknown.login, "")


async def test_too_many_attempts_lock_the_account_and_tell_the_time(new_person: NewPerson) -> None:
    guide = await new_person("guide")
    said = [(await guide.give_password(OTHER)).text for _ in range(5)]
    assert ["låst till kl." in text for text in said] == [False] * 4 + [True]
    assert re.search(r"låst till kl\. \d\d[.:]\d\d", said[-1])
    right = await guide.give_password()
    assert right.status_code == 401
    assert "låst till kl." in right.text
    assert (await new_person.log())[-1].act == "sign_in_locked"
    await new_person.execute(
        "UPDATE sign_in_attempts SET locked_until = now() - interval '1 second' "
        "WHERE municipality = %s AND login_hash = sha256(convert_to(%s, 'UTF8'))",
        ["flen", guide.login],
    )
    assert (await guide.give_password()).status_code == 303


async def test_a_name_that_nobody_has_is_locked_too(new_person: NewPerson) -> None:
    nobody = await new_person("guide")
    nobody.login = f"ingen-{nobody.login}"
    said = [(await nobody.give_password(OTHER)).text for _ in range(5)]
    assert "låst till kl." in said[-1]


async def test_an_administrator_enrols_before_she_gets_in(new_person: NewPerson) -> None:
    admin = await new_person("admin")
    assert (await admin.give_password()).headers["location"] == "/console/konto/tvasteg"
    assert (await admin.get("/console/konton")).headers["location"] == "/console/login"
    secret, codes = await enrol(admin)
    assert len(set(codes)) == 10
    assert (await admin.get("/console/konton")).status_code == 200
    admin.cookies.clear()
    assert (await admin.give_password()).headers["location"] == "/console/login/kod"
    assert (await admin.get("/console/konton")).headers["location"] == "/console/login"
    later = pyotp.TOTP(secret).at(int(time.time()) + 30)
    answer = await admin.send("/console/login/kod", "/console/login/kod", code=later)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/konton")


@pytest.mark.parametrize("sort", ["phone", "backup"])
async def test_neither_code_can_be_used_again(new_person: NewPerson, sort: str) -> None:
    auditor = await new_person("auditor")
    await auditor.give_password()
    secret, codes = await enrol(auditor)
    code = codes[0] if sort == "backup" else pyotp.TOTP(secret).at(int(time.time()) + 30)
    await auditor.give_password()
    first = await auditor.send("/console/login/kod", "/console/login/kod", code=code)
    assert first.headers["location"] == "/console/revision"
    await auditor.give_password()
    second = await auditor.send("/console/login/kod", "/console/login/kod", code=code)
    assert second.status_code == 401


async def test_codes_cannot_be_guessed_even_with_the_password(new_person: NewPerson) -> None:
    admin = await new_person("admin")
    await admin.give_password()
    _, codes = await enrol(admin)
    for _ in range(5):
        if (await admin.give_password()).status_code != 303:
            break
        await admin.send("/console/login/kod", "/console/login/kod", code="000000")
    await admin.give_password()
    refused = await admin.send("/console/login/kod", "/console/login/kod", code=codes[0])
    assert refused.status_code != 200
    assert (await admin.get("/console/konton")).status_code == 303


async def test_the_secret_is_kept_encrypted(new_person: NewPerson) -> None:
    from bot.database import connect

    guide = await new_person.signed_in("guide")
    secret, _ = await enrol(guide)
    async with await connect(new_person.url) as connection:
        cursor = await connection.execute(
            "SELECT sealed_totp FROM guides WHERE id = %s", [guide.id]
        )
        row = await cursor.fetchone()
    assert row is not None
    assert secret.encode() not in bytes(row["sealed_totp"])


async def test_a_temporary_password_is_changed_first(new_person: NewPerson) -> None:
    guide = await new_person("guide", is_temporary=True)
    assert (await guide.give_password()).headers["location"] == "/console/konto/losenord"
    assert (await guide.get("/console")).headers["location"] == "/console/login"
    page = "/console/konto/losenord"
    changed = await guide.send(page, page, old=PASSWORD, new=OTHER, again=OTHER)
    assert changed.status_code == 303
    assert (await guide.get("/console")).status_code == 200


async def test_a_new_password_ends_every_other_session(new_person: NewPerson) -> None:
    here = await new_person.signed_in("guide")
    elsewhere = await new_person("guide")
    elsewhere.login = here.login
    await elsewhere.give_password()
    page = "/console/konto/losenord"
    wrong = await here.send(page, page, old=OTHER, new=OTHER, again=OTHER)
    assert wrong.status_code == 422
    short = await here.send(page, page, old=PASSWORD, new="kort", again="kort")
    assert short.status_code == 422
    assert (await elsewhere.get("/console")).status_code == 200
    assert (await here.send(page, page, old=PASSWORD, new=OTHER, again=OTHER)).status_code == 303
    assert (await elsewhere.get("/console")).status_code == 303
    assert (await here.get("/console")).status_code == 200
    assert (await elsewhere.give_password(PASSWORD)).status_code == 401
    assert (await elsewhere.give_password(OTHER)).status_code == 303


async def test_a_session_without_an_act_ends(new_person: NewPerson) -> None:
    guide = await new_person.signed_in("guide")
    await new_person.execute(
        "UPDATE guide_sessions SET acted_at = now() - interval '59 minutes' WHERE guide_id = %s",
        [guide.id],
    )
    assert (await guide.get("/console/api/queue")).status_code == 200
    await new_person.execute(
        "UPDATE guide_sessions SET acted_at = acted_at - interval '2 minutes' WHERE guide_id = %s",
        [guide.id],
    )
    assert (await guide.get("/console/api/queue")).status_code == 401, "asking is no act"


async def test_signing_out_ends_the_session(new_person: NewPerson) -> None:
    auditor = await new_person.signed_in("auditor")
    kept = dict(auditor.cookies)
    await auditor.send("/console/konto", "/console/logga-ut")
    auditor.cookies = kept
    assert (await auditor.get("/console/revision")).status_code == 303


async def test_a_form_from_elsewhere_is_refused(new_person: NewPerson) -> None:
    admin = await new_person.signed_in("admin")
    forged = await admin.request("POST", "/console/konton", data={"token": "0" * 64})
    assert forged.status_code == 401
