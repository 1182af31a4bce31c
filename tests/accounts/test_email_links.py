"""Password reset and address verification by emailed links."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.core import clock
from tests.accounts.conftest import PASSWORD, a_form

NEW = "entirely another sentence"


def path_in(message) -> str:
    """The link of an email, as a path of this site."""
    found = re.search(r"http://localhost:8000(/\S+)", message.text)
    assert found, message.text
    return found[1]


async def request_link(person, email, emails_to) -> str:
    response = await person.submit(await person.visit("/password/forgotten"), "/password/forgotten", email=email)
    assert (response.status, response.location) == (303, "/login")
    kind, message = (await emails_to(email.lower()))[-1]
    assert kind == "reset"
    return path_in(message)


async def test_a_new_password_by_mail_ends_every_session(asha, new_person, email, emails_to):
    person = new_person()
    link = await request_link(person, email.upper(), emails_to)
    assert link.startswith("/password/reset/")
    response = await person.submit(await person.visit(link), link, password=NEW)
    assert (response.status, response.location) == (303, "/login")
    assert (await asha.visit("/profile")).path.startswith("/login")
    assert (await person.sign_in(email, PASSWORD)).status == 422
    assert (await person.sign_in(email, NEW)).status == 303
    assert [kind for kind, _ in await emails_to(email)][-1] == "password_changed"


async def test_the_link_works_once(asha, new_person, email, emails_to):
    person = new_person()
    link = await request_link(person, email, emails_to)
    page = await person.visit(link)
    responses = await asyncio.gather(*(person.submit(page, link, password=f"{NEW} {number}") for number in range(5)))
    assert sorted(response.status for response in responses) == [303, 404, 404, 404, 404]
    not_found = await person.visit(link)
    assert not_found.status == 404
    assert "This link no longer works" in not_found.text
    assert "/password/forgotten" in not_found.links


async def test_the_link_works_for_an_hour(asha, new_person, email, emails_to):
    person = new_person()
    link = await request_link(person, email, emails_to)
    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert (await person.visit(link)).status == 404
    assert (await person.visit(link)).status == 200


async def test_a_later_password_kills_earlier_links(asha, new_person, email, emails_to):
    person = new_person()
    first = await request_link(person, email, emails_to)
    second = await request_link(person, email, emails_to)
    assert (await person.submit(await person.visit(second), second, password=NEW)).status == 303
    assert (await person.visit(first)).status == 404


async def test_a_weak_password_does_not_use_up_the_link(asha, new_person, email, emails_to):
    person = new_person()
    link = await request_link(person, email, emails_to)
    response = await person.submit(await person.visit(link), link, password="password123")
    assert response.status == 422
    assert 'id="password-error"' in response.text
    assert (await person.submit(response, link, password=NEW)).status == 303


async def test_forgetting_reads_the_same_for_known_and_unknown(asha, new_person, email, emails_to, scalar):
    responses = []
    for address in (email, "nobody." + email):
        person = new_person()
        page = await person.visit("/password/forgotten")
        responses.append(await person.submit(page, "/password/forgotten", email=address))
    assert [(a.status, a.location, a.text) for a in responses] == [(303, "/login", "")] * 2
    assert await emails_to("nobody." + email) == []
    assert await scalar("SELECT count(*) FROM email_links WHERE address = :address", address="nobody." + email) == 0


async def test_the_mail_goes_to_the_address_of_the_account_only(asha, new_person, email, emails_to, scalar):
    """A look-alike address with the same case folding must not receive the link."""
    person = new_person()
    page = await person.visit("/password/forgotten")
    await person.submit(page, "/password/forgotten", email=email.replace("k", "\u212a").replace("s", "\u017f"))
    assert await scalar("SELECT count(*) FROM outbox WHERE kind = 'reset' AND address ~ '[^[:ascii:]]'") == 0


async def test_mails_to_one_address_are_few(new_person, email):
    statuses = []
    for _ in range(5):
        person = new_person()
        page = await person.visit("/password/forgotten")
        statuses.append((await person.submit(page, "/password/forgotten", email=email)).status)
    assert statuses == [303, 303, 303, 429, 429]


async def test_a_new_password_opens_the_way_at_once(asha, new_person, email, emails_to):
    person = new_person()
    for _ in range(6):
        await person.sign_in(email, "wrong words here")
    link = await request_link(person, email, emails_to)
    await person.submit(await person.visit(link), link, password=NEW)
    assert (await person.sign_in(email, NEW)).status == 303


@pytest.mark.parametrize("token", ["x", "a" * 5000, "%00", "../../etc/passwd", "%F0%9F%98%80"])
async def test_a_made_up_link_opens_nothing(visitor, token):
    for path in (f"/password/reset/{token}", f"/verify/{token}"):
        assert (await visitor.get(path)).status_code == 404
        assert (await visitor.post_fields(path, {"password": NEW})).status == 404


async def test_only_the_digest_of_a_link_is_stored(asha, new_person, email, emails_to, scalar):
    token = (await request_link(new_person(), email, emails_to)).rpartition("/")[2]
    for table in ("email_links", "outbox", "events", "event_values", "attempts"):
        assert await scalar(f"SELECT count(*) FROM {table} t WHERE t::text LIKE :token", token=f"%{token}%") == 0


async def test_opening_the_link_only_asks(asha, email, emails_to, scalar):
    verified = "SELECT email_verified_at IS NOT NULL FROM users WHERE email = :email"
    link = path_in((await emails_to(email))[0][1])
    page = await asha.visit(link)
    assert not await scalar(verified, email=email)
    response = await asha.submit(page, link)
    assert (response.status, response.location) == (303, "/profile")
    assert await scalar(verified, email=email)
    assert (await asha.visit(link)).status == 404


async def test_the_link_is_sent_again_on_demand_but_not_for_ever(asha, email, emails_to):
    for _ in range(5):
        await asha.submit(await asha.visit("/profile"), "/profile/verification")
    emails = [message for kind, message in await emails_to(email) if kind == "verify"]
    assert len(emails) == 4
    assert (await asha.visit(path_in(emails[0]))).status == 404
    assert (await asha.visit(path_in(emails[-1]))).status == 200


async def test_links_begin_with_base_url_whatever_the_host_says(asha, email, emails_to):
    page = await asha.visit("/profile")
    fields = {"_csrf_token": page.form("/profile/verification").fields["_csrf_token"]}
    await asha.post("/profile/verification", data=fields, headers={"host": "evil.example", "x-forwarded-host": "e.vil"})
    message = (await emails_to(email))[-1][1]
    assert "evil" not in message.html + message.text
    assert "http://localhost:8000/verify/" in message.text


async def change_email(person, new: str, password: str = PASSWORD):
    page = await person.visit("/profile/email")
    return await person.submit(page, "/profile/email", email=new, current_password=password)


async def test_a_new_address_counts_when_its_link_is_opened(asha, new_person, email, emails_to):
    new = "new." + email
    assert (await change_email(asha, new, "wrong words here")).status == 422
    assert (await change_email(asha, new)).status == 303
    assert email in (await asha.visit("/profile/email")).text
    link = path_in((await emails_to(new))[-1][1])
    await asha.submit(await asha.visit(link), link)
    assert (await new_person().sign_in(new, PASSWORD)).status == 303
    assert (await new_person().sign_in(email, PASSWORD)).status == 422
    assert [kind for kind, _ in await emails_to(email)][-1] == "email_changed"


async def test_an_address_that_is_taken_is_reported_only_to_who_reads_its_mail(asha, new_person, email, emails_to):
    conflict = "taken." + email
    other = new_person()
    await other.submit(await other.visit("/register"), "/register", **a_form(conflict))
    response = await change_email(asha, conflict)
    assert (response.status, response.location) == (303, "/profile")
    link = path_in((await emails_to(conflict))[-1][1])
    refused = await asha.submit(await asha.visit(link), link)
    assert refused.status == 409
    assert "Another account" in refused.text
    assert (await other.sign_in(conflict, PASSWORD)).status == 303
