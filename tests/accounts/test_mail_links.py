"""A new password and a proven address, by links that came by mail."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.core import clock
from tests.accounts.conftest import PASSWORD, a_form

NEW = "entirely another sentence"


def path_in(letter) -> str:
    """The link of a letter, as a path of this site."""
    found = re.search(r"http://localhost:8000(/\S+)", letter.text)
    assert found, letter.text
    return found[1]


async def ask_for_a_link(person, email, letters_to) -> str:
    answer = await person.submit(await person.visit("/password/forgotten"), "/password/forgotten", email=email)
    assert (answer.status, answer.location) == (303, "/login")
    kind, letter = (await letters_to(email.lower()))[-1]
    assert kind == "reset"
    return path_in(letter)


async def test_a_new_password_by_mail_ends_every_session(asha, somebody, email, letters_to):
    person = somebody()
    link = await ask_for_a_link(person, email.upper(), letters_to)
    assert link.startswith("/password/reset/")
    answer = await person.submit(await person.visit(link), link, password=NEW)
    assert (answer.status, answer.location) == (303, "/login")
    assert (await asha.visit("/profile")).path.startswith("/login")
    assert (await person.sign_in(email, PASSWORD)).status == 422
    assert (await person.sign_in(email, NEW)).status == 303
    assert [kind for kind, _ in await letters_to(email)][-1] == "password_changed"


async def test_the_link_works_once(asha, somebody, email, letters_to):
    person = somebody()
    link = await ask_for_a_link(person, email, letters_to)
    page = await person.visit(link)
    answers = await asyncio.gather(*(person.submit(page, link, password=f"{NEW} {number}") for number in range(5)))
    assert sorted(answer.status for answer in answers) == [303, 404, 404, 404, 404]
    gone = await person.visit(link)
    assert gone.status == 404
    assert "does not work any more" in gone.text
    assert "/password/forgotten" in gone.links


async def test_the_link_works_for_an_hour(asha, somebody, email, letters_to):
    person = somebody()
    link = await ask_for_a_link(person, email, letters_to)
    with clock.stopped(clock.now() + timedelta(minutes=61)):
        assert (await person.visit(link)).status == 404
    assert (await person.visit(link)).status == 200


async def test_a_later_password_kills_earlier_links(asha, somebody, email, letters_to):
    person = somebody()
    first = await ask_for_a_link(person, email, letters_to)
    second = await ask_for_a_link(person, email, letters_to)
    assert (await person.submit(await person.visit(second), second, password=NEW)).status == 303
    assert (await person.visit(first)).status == 404


async def test_a_weak_password_does_not_use_up_the_link(asha, somebody, email, letters_to):
    person = somebody()
    link = await ask_for_a_link(person, email, letters_to)
    answer = await person.submit(await person.visit(link), link, password="password123")
    assert answer.status == 422
    assert 'id="password-error"' in answer.text
    assert (await person.submit(answer, link, password=NEW)).status == 303


async def test_forgetting_reads_the_same_for_known_and_unknown(asha, somebody, email, letters_to, ask):
    answers = []
    for address in (email, "nobody." + email):
        person = somebody()
        page = await person.visit("/password/forgotten")
        answers.append(await person.submit(page, "/password/forgotten", email=address))
    assert [(a.status, a.location, a.text) for a in answers] == [(303, "/login", "")] * 2
    assert await letters_to("nobody." + email) == []
    assert await ask("SELECT count(*) FROM mail_links WHERE address = :one", one="nobody." + email) == 0


async def test_the_mail_goes_to_the_address_of_the_account_only(asha, somebody, email, letters_to, ask):
    """A look-alike of the address that folds to the same letters must not carry the link elsewhere."""
    person = somebody()
    page = await person.visit("/password/forgotten")
    await person.submit(page, "/password/forgotten", email=email.replace("k", "\u212a").replace("s", "\u017f"))
    assert await ask("SELECT count(*) FROM outbox WHERE kind = 'reset' AND address ~ '[^[:ascii:]]'") == 0


async def test_mails_to_one_address_are_few(somebody, email):
    statuses = []
    for _ in range(5):
        person = somebody()
        page = await person.visit("/password/forgotten")
        statuses.append((await person.submit(page, "/password/forgotten", email=email)).status)
    assert statuses == [303, 303, 303, 429, 429]


async def test_a_new_password_opens_the_way_at_once(asha, somebody, email, letters_to):
    person = somebody()
    for _ in range(6):
        await person.sign_in(email, "wrong words here")
    link = await ask_for_a_link(person, email, letters_to)
    await person.submit(await person.visit(link), link, password=NEW)
    assert (await person.sign_in(email, NEW)).status == 303


@pytest.mark.parametrize("token", ["x", "a" * 5000, "%00", "../../etc/passwd", "%F0%9F%98%80"])
async def test_a_made_up_link_opens_nothing(visitor, token):
    for path in (f"/password/reset/{token}", f"/verify/{token}"):
        assert (await visitor.get(path)).status_code == 404
        assert (await visitor.send_to(path, {"password": NEW})).status == 404


async def test_only_the_digest_of_a_link_is_stored(asha, somebody, email, letters_to, ask):
    token = (await ask_for_a_link(somebody(), email, letters_to)).rpartition("/")[2]
    for table in ("mail_links", "outbox", "events", "event_values", "attempts"):
        assert await ask(f"SELECT count(*) FROM {table} t WHERE t::text LIKE :told", told=f"%{token}%") == 0


async def test_opening_the_link_only_asks(asha, email, letters_to, ask):
    verified = "SELECT email_verified_at IS NOT NULL FROM users WHERE email = :email"
    link = path_in((await letters_to(email))[0][1])
    page = await asha.visit(link)
    assert not await ask(verified, email=email)
    answer = await asha.submit(page, link)
    assert (answer.status, answer.location) == (303, "/profile")
    assert await ask(verified, email=email)
    assert (await asha.visit(link)).status == 404


async def test_the_link_is_sent_again_on_demand_but_not_for_ever(asha, email, letters_to):
    for _ in range(5):
        await asha.submit(await asha.visit("/profile"), "/profile/verification")
    letters = [letter for kind, letter in await letters_to(email) if kind == "verify"]
    assert len(letters) == 4
    assert (await asha.visit(path_in(letters[0]))).status == 404
    assert (await asha.visit(path_in(letters[-1]))).status == 200


async def test_links_begin_with_base_url_whatever_the_host_says(asha, email, letters_to):
    page = await asha.visit("/profile")
    fields = {"_csrf_token": page.form("/profile/verification").fields["_csrf_token"]}
    await asha.post("/profile/verification", data=fields, headers={"host": "evil.example", "x-forwarded-host": "e.vil"})
    letter = (await letters_to(email))[-1][1]
    assert "evil" not in letter.html + letter.text
    assert "http://localhost:8000/verify/" in letter.text


async def change_email(person, new: str, password: str = PASSWORD):
    page = await person.visit("/profile/email")
    return await person.submit(page, "/profile/email", email=new, current_password=password)


async def test_a_new_address_counts_when_its_link_is_opened(asha, somebody, email, letters_to):
    new = "new." + email
    assert (await change_email(asha, new, "wrong words here")).status == 422
    assert (await change_email(asha, new)).status == 303
    assert email in (await asha.visit("/profile/email")).text
    link = path_in((await letters_to(new))[-1][1])
    await asha.submit(await asha.visit(link), link)
    assert (await somebody().sign_in(new, PASSWORD)).status == 303
    assert (await somebody().sign_in(email, PASSWORD)).status == 422
    assert [kind for kind, _ in await letters_to(email)][-1] == "email_changed"


async def test_an_address_that_is_taken_is_told_only_to_who_reads_its_mail(asha, somebody, email, letters_to):
    taken = "taken." + email
    other = somebody()
    await other.submit(await other.visit("/register"), "/register", **a_form(taken))
    answer = await change_email(asha, taken)
    assert (answer.status, answer.location) == (303, "/profile")
    link = path_in((await letters_to(taken))[-1][1])
    refused = await asha.submit(await asha.visit(link), link)
    assert refused.status == 409
    assert "Another account" in refused.text
    assert (await other.sign_in(taken, PASSWORD)).status == 303
