"""Where a person continues after signing in travels through every form on the way there."""

from urllib.parse import urlencode

import pytest

from tests.accounts.conftest import PASSWORD, a_form
from tests.accounts.test_email_links import NEW, path_in

CHOSEN = "/bookings/new?service=7&start=2026-12-05T10:00&pincode=600020&professional=3"
LOGIN = "/login?" + urlencode({"next": CHOSEN})
REGISTER = "/register?" + urlencode({"next": CHOSEN})
FORGOTTEN = "/password/forgotten?" + urlencode({"next": CHOSEN})


async def test_a_visitor_who_signs_up_goes_on_with_what_was_chosen(visitor, email):
    login = await visitor.visit("/login?" + urlencode({"next": CHOSEN}))
    assert REGISTER in login.links
    register = await visitor.visit(REGISTER)
    assert LOGIN in register.links
    refused = await visitor.submit(register, "/register", **a_form(email, phone="12"))
    assert refused.form("/register").fields["next"] == CHOSEN
    accepted = await visitor.submit(refused, "/register", **a_form(email))
    assert (accepted.status, accepted.location) == (303, LOGIN)
    page = await visitor.visit(accepted.location)
    refused = await visitor.submit(page, "/login", email=email, password="not the right words")
    assert refused.form("/login").fields["next"] == CHOSEN
    assert (await visitor.submit(refused, "/login", email=email, password=PASSWORD)).location == CHOSEN


async def test_a_known_address_leads_to_the_same_page_and_its_owner_on(asha, new_person, email, emails_to):
    person = new_person()
    answer = await person.submit(await person.visit(REGISTER), "/register", **a_form(email))
    assert (answer.status, answer.location) == (303, LOGIN)
    kind, message = (await emails_to(email))[-1]
    assert kind == "known_address"
    assert path_in(message) == LOGIN


async def test_a_new_password_leads_on_to_what_was_chosen(asha, new_person, email, emails_to):
    person = new_person()
    assert FORGOTTEN in (await person.visit(LOGIN)).links
    page = await person.visit(FORGOTTEN)
    assert LOGIN in page.links
    assert (await person.submit(page, "/password/forgotten", email=email)).location == LOGIN
    link = path_in((await emails_to(email))[-1][1])
    page = await person.visit(link)
    refused = await person.submit(page, having="password", password="short")
    answer = await person.submit(refused, having="password", password=NEW)
    assert (answer.status, answer.location) == (303, LOGIN)
    gone = await person.visit(link)
    assert gone.status == 404
    assert FORGOTTEN in gone.links


@pytest.mark.parametrize("signed_in", [True, False])
async def test_confirming_the_address_leads_on_to_what_was_chosen(visitor, new_person, email, emails_to, signed_in):
    await visitor.submit(await visitor.visit(REGISTER), "/register", **a_form(email))
    link = path_in((await emails_to(email))[0][1])
    if signed_in:
        await visitor.sign_in(email, PASSWORD)
    answer = await visitor.submit(await visitor.visit(link), "/verify/" + link.split("/")[2].split("?")[0])
    assert (answer.status, answer.location) == (303, CHOSEN if signed_in else LOGIN)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
async def test_no_form_on_the_way_leads_to_another_site(visitor, new_person, email, emails_to, elsewhere):
    query = "?" + urlencode({"next": elsewhere})
    for path in ("/login", "/register", "/password/forgotten"):
        page = await visitor.visit(path + query)
        assert "evil" not in page.text
        assert "javascript:" not in page.text
    sent = await visitor.submit(await visitor.visit("/register"), "/register", **a_form(email, next=elsewhere))
    assert sent.location == "/login"
    page = await visitor.visit("/password/forgotten")
    assert (await visitor.submit(page, "/password/forgotten", email=email, next=elsewhere)).location == "/login"
    for _kind, message in await emails_to(email):
        assert "evil" not in message.text + message.html
    link = path_in((await emails_to(email))[0][1])
    assert (await visitor.submit(await visitor.visit(link), link, next=elsewhere)).location == "/login"
    page = await visitor.visit("/login")
    answer = await visitor.submit(page, "/login", email=email, password=PASSWORD, next=elsewhere)
    assert answer.location == "/"
