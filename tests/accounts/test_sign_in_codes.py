"""Signing in and up with a code by email."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from app.accounts.session import prune
from app.core import clock
from app.core.secrets import digest
from tests.accounts.conftest import PASSWORD

CHOSEN = "/bookings/new?service=7&start=2026-12-05T10:00&pincode=600020"
NEXT = "?" + urlencode({"next": CHOSEN})
DIVYA = {
    "full_name": "Divya Menon",
    "phone": "+91 00000 00431",
    "address": "12 Canal Bank Road",
    "pincode": "600020",
}
COUNT = "SELECT count(*) FROM sign_in_codes WHERE email = :email"


async def send_code(person, email: str, query: str = ""):
    page = await person.visit(f"/login/code?other=yes{'&' + query[1:] if query else ''}")
    return await person.submit(page, "/login/code", having="email", email=email)


async def enter(person, code: str, query: str = ""):
    return await person.submit(await person.visit("/login/code" + query), "/login/code", having="code", code=code)


@pytest.fixture
def codes_to(emails_to):
    async def find(email: str) -> list[str]:
        messages = [message for kind, message in await emails_to(email) if kind == "sign_in_code"]
        return [re.search(r"code: (\d{3}) (\d{3})", message.text).expand(r"\1\2") for message in messages]

    return find


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_signs_in_goes_on_and_confirms_the_address(asha, new_person, email, codes_to, scalar):
    person = new_person()
    login = await person.visit("/login" + NEXT)
    assert 'formaction="/login/code"' in login.text
    answer = await person.post_fields("/login/code", {**login.form("/login").fields, "email": email.upper()})
    assert (answer.status, answer.location) == (303, "/login/code" + NEXT)
    page = await person.visit(answer.location)
    assert email in page.text
    [code] = await codes_to(email)
    entered = await person.submit(page, "/login/code", having="code", code=f"{code[:3]} {code[3:]}")
    assert (entered.status, entered.location) == (303, CHOSEN)
    assert "Asha Raman" in (await person.visit("/profile")).text
    assert await scalar("SELECT email_verified_at IS NOT NULL FROM users WHERE email = :email", email=email)
    known = "SELECT count(*) FROM device_tokens WHERE digest = :digest"
    assert await scalar(known, digest=digest(person.cookies["device"])) == 1
    assert (await person.visit("/login/code")).path == "/", "signed in already"


async def test_a_code_signs_up_who_is_new(visitor, email, codes_to, scalar):
    await send_code(visitor, email, NEXT)
    [code] = await codes_to(email)
    entered = await enter(visitor, code, NEXT)
    assert (entered.status, entered.location) == (303, "/welcome" + NEXT)
    page = await visitor.visit(entered.location)
    assert email in page.text
    assert page.form("/welcome").fields["pincode"] == "600020"
    assert "Adyar" in page.text, "the name of the place, beside the pincode that was entered before"
    as_typed = await visitor.get("/welcome?pincode=600 041", headers={"hx-request": "true"})
    assert "Tiruvanmiyur" in as_typed.text
    refused = await visitor.submit(page, "/welcome", **DIVYA | {"phone": "12"})
    assert refused.status == 422
    assert "Adyar" in refused.text
    sent = await visitor.submit(refused, "/welcome", **DIVYA)
    assert (sent.status, sent.location) == (303, CHOSEN)
    profile = await visitor.visit("/profile")
    assert "Divya Menon" in profile.text
    assert "12 Canal Bank Road" in profile.text
    query = "SELECT password_hash = '' AND email_verified_at IS NOT NULL FROM users WHERE email = :email"
    assert await scalar(query, email=email)
    assert (await visitor.get("/welcome" + NEXT)).headers["location"] == CHOSEN


async def test_known_and_unknown_addresses_are_answered_alike(asha, new_person, email, emails_to, scalar):
    answers, texts = [], []
    for address in (email, "nobody." + email):
        person = new_person()
        answer = await send_code(person, address)
        page = await person.visit(answer.location)
        refused = await person.submit(page, "/login/code", having="code", code="12345")
        answers.append((answer.status, answer.location, answer.text, refused.status))
        texts.append([re.sub(r'value="[^"]*"|nobody\.', "", part.text) for part in (page, refused)])
        assert await scalar(COUNT, email=address) == 1
    assert answers[0] == answers[1]
    assert [part.replace("nobody.", "") for part in texts[0]] == texts[1]
    messages = [(await emails_to(address))[-1][1] for address in (email, "nobody." + email)]
    bodies = {re.sub(r"\d{3} \d{3}", "", message.text) for message in messages}
    assert len(bodies) == 1


async def test_a_code_works_only_in_the_browser_that_requested_it(asha, new_person, email, codes_to):
    person, other = new_person(), new_person()
    await send_code(person, email)
    [code] = await codes_to(email)
    assert "Send me a code" in (await other.visit("/login/code")).text
    refused = await other.post_fields("/login/code", {"email": email, "code": code})
    assert refused.status == 422
    assert "work here" in refused.text
    await send_code(other, email)
    assert (await enter(other, code)).status == 422
    assert (await enter(person, code)).status == 303, "the request of a stranger ended nothing"


async def test_a_new_code_replaces_that_of_the_same_browser(asha, new_person, email, codes_to):
    person = new_person()
    await send_code(person, email)
    await send_code(person, email)
    first, second = await codes_to(email)
    if first != second:
        assert (await enter(person, first)).status == 422
    assert (await enter(person, second)).status == 303


async def test_a_code_works_for_ten_minutes_and_once(asha, new_person, email, codes_to):
    person = new_person()
    await send_code(person, email)
    [code] = await codes_to(email)
    page = await person.visit("/login/code")
    with clock.freeze(clock.now() + timedelta(minutes=10, seconds=1)):
        assert (await person.submit(page, "/login/code", having="code", code=code)).status == 422
        assert await codes_to(email) == [], "an expired code is not sent"
    answers = await asyncio.gather(*(person.submit(page, "/login/code", having="code", code=code) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [303, 422, 422, 422, 422, 422]


async def test_five_wrong_tries_end_a_code_also_at_once(asha, new_person, email, codes_to, scalar):
    person = new_person()
    await send_code(person, email)
    [code] = await codes_to(email)
    page = await person.visit("/login/code")
    answers = await asyncio.gather(
        *(person.submit(page, "/login/code", having="code", code=another(code)) for _ in range(12))
    )
    assert {answer.status for answer in answers} == {422}
    assert await scalar("SELECT attempts FROM sign_in_codes WHERE email = :email", email=email) == 5
    assert (await person.submit(page, "/login/code", having="code", code=code)).status == 422


async def test_an_address_gets_five_codes_an_hour_from_everyone_together(asha, new_person, email, scalar, codes_to):
    people = [new_person() for _ in range(10)]
    pages = [await person.visit("/login/code") for person in people]
    answers = await asyncio.gather(
        *(person.submit(page, "/login/code", email=email) for person, page in zip(people, pages, strict=True))
    )
    assert sorted(answer.status for answer in answers) == [303] * 5 + [429] * 5
    refused = next(answer for answer in answers if answer.status == 429)
    assert "A new code is possible in" in refused.text
    assert int(refused.response.headers["retry-after"]) <= 3601
    assert await scalar(COUNT, email=email) == 5
    await asha.submit(await asha.visit("/profile"), "/logout")
    assert (await send_code(asha, email)).status == 303, "a device that the account knows counts for itself"
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert (await send_code(new_person(), email)).status == 303


async def test_codes_used_up_by_strangers_leave_the_owner_every_other_way(asha, new_person, email, codes_to):
    for address in (email, "unknown." + email):
        for _ in range(5):
            assert (await send_code(new_person(), address)).status == 303
    owner, texts = new_person(), []
    for address in (email, "unknown." + email):
        login = (await owner.visit("/login" + NEXT)).form("/login").fields
        refused = await owner.post_fields("/login/code", login | {"email": address})
        assert refused.status == 429
        assert re.search(r"Sign in with your password, or use a browser where you\s+signed in before", refused.text)
        assert re.search(r"A new code is possible in (59|60) minutes\.", refused.text)
        texts.append(re.sub(r'value="[^"]*"|59|60', "", refused.text))
    assert texts[0] == texts[1], "no hint at who has an account"
    again = await owner.post_fields("/login/code", login | {"email": email})
    signed_in = await owner.submit(again, "/login", email=email, password=PASSWORD)
    assert (signed_in.status, signed_in.location) == (303, CHOSEN), "with the password, in the form that refused"
    await asha.submit(await asha.visit("/profile"), "/logout")
    for _ in range(5):
        assert (await send_code(asha, email)).status == 303
        assert (await send_code(new_person(), email)).status == 429
    own = await send_code(asha, email)
    assert own.status == 429
    assert "Wait" in own.text
    entered = await enter(asha, (await codes_to(email))[-1], NEXT)
    assert (entered.status, entered.location) == (303, CHOSEN), "the last code of the known browser works"


async def test_welcome_is_for_the_browser_that_proved_the_address(visitor, new_person, email, codes_to, scalar):
    assert (await visitor.visit("/welcome" + NEXT)).path == "/login/code" + NEXT
    assert (await visitor.post_fields("/welcome", DIVYA)).location == "/login/code"
    await send_code(visitor, email)
    await enter(visitor, (await codes_to(email))[0])
    other = new_person()
    assert (await other.post_fields("/welcome", DIVYA)).location == "/login/code"
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert (await visitor.visit("/welcome")).path == "/login/code"
    page = await visitor.visit("/welcome")
    answers = await asyncio.gather(*(visitor.submit(page, "/welcome", **DIVYA) for _ in range(4)))
    assert {answer.status for answer in answers} == {303}
    assert await scalar("SELECT count(*) FROM users WHERE email = :email", email=email) == 1


async def test_who_registers_meanwhile_keeps_the_account(visitor, new_person, email, codes_to, scalar):
    await send_code(visitor, email)
    await enter(visitor, (await codes_to(email))[0])
    page, other = await visitor.visit("/welcome"), new_person()
    await other.submit(
        await other.visit("/register"),
        "/register",
        **DIVYA | {"full_name": "D. Menon", "email": email},
        password=PASSWORD,
    )
    assert (await visitor.submit(page, "/welcome", **DIVYA)).status == 303
    assert await scalar("SELECT full_name FROM users WHERE email = :email", email=email) == "D. Menon"
    assert "D. Menon" in (await visitor.visit("/profile")).text


async def test_next_of_another_site_is_ignored(asha, new_person, email, codes_to):
    person = new_person()
    query = "?" + urlencode({"next": "https://evil.example/"})
    assert (await send_code(person, email, query)).location == "/login/code"
    [code] = await codes_to(email)
    page = await person.visit("/login/code")
    answer = await person.submit(page, "/login/code", having="code", code=code, next="//evil.example")
    assert answer.location == "/"


async def test_only_digests_are_stored_and_rows_last_a_day(asha, new_person, email, codes_to, scalar, app_database):
    person = new_person()
    await send_code(person, email)
    [code] = await codes_to(email)
    query = "SELECT count(*) FROM outbox WHERE kind = 'sign_in_code' AND data::text LIKE :code"
    assert await scalar(query, code=f"%{code}%") == 0
    assert await scalar("SELECT count(*) FROM sign_in_codes t WHERE t::text LIKE :code", code=f"%,{code},%") == 0
    async with app_database.work() as db:
        await prune(db, clock.now() + timedelta(hours=25))
    assert await scalar(COUNT, email=email) == 0


async def signed_up_by_code(person, email: str, codes_to) -> None:
    await send_code(person, email)
    await enter(person, (await codes_to(email))[-1])
    assert (await person.submit(await person.visit("/welcome"), "/welcome", **DIVYA)).status == 303


async def test_who_has_no_password_confirms_with_a_fresh_code(visitor, email, codes_to):
    await signed_up_by_code(visitor, email, codes_to)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        page = await visitor.visit("/profile/password")
        assert page.path == "/login/again?" + urlencode({"next": "/profile/password"})
        sent = await visitor.submit(page, "/login/again")
        page = await visitor.visit(sent.location)
        code = (await codes_to(email))[-1]
        assert (await visitor.submit(page, "/login/again", having="code", code=another(code))).status == 422
        page = await visitor.visit(sent.location)
        confirmed = await visitor.submit(page, "/login/again", having="code", code=code)
        assert (confirmed.status, confirmed.location) == (303, "/profile/password")
        page = await visitor.visit(confirmed.location)
        assert "current_password" not in page.form("/profile/password").fields
        assert (await visitor.submit(page, "/profile/password", password=PASSWORD)).status == 303
        assert "current_password" in (await visitor.visit("/profile/password")).form("/profile/password").fields


async def test_no_password_opens_an_account_without_one(visitor, new_person, email, codes_to):
    await signed_up_by_code(visitor, email, codes_to)
    for password in ("", "left-1", PASSWORD):
        assert (await new_person().sign_in(email, password)).status == 422
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        for path in ("/profile/email", "/profile/password", "/profile/leaving"):
            answer = await visitor.post_fields(path, {"email": "new." + email, "password": PASSWORD})
            assert answer.location.startswith("/login/again?next=")


async def test_who_has_no_password_may_delete_the_account(visitor, email, codes_to, scalar):
    await signed_up_by_code(visitor, email, codes_to)
    page = await visitor.visit("/profile/leaving")
    assert (await visitor.submit(page, "/profile/leaving")).status == 303
    assert await scalar("SELECT count(*) FROM users WHERE email = :email", email=email) == 0
    assert await scalar(COUNT, email=email) == 0
