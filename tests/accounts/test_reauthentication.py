"""Reauthentication before sensitive actions."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.accounts.session import Session
from app.core import clock
from tests.accounts.conftest import PASSWORD, a_form


@pytest.fixture
async def asha(visitor, app):
    form = a_form("asha.again@example.com")
    await visitor.submit_and_follow(await visitor.visit("/register"), "/register", **form)
    assert (await visitor.sign_in(form["email"], PASSWORD)).status == 303
    return visitor


async def a_while_later(app):
    async with app.state.services.database.work() as db:
        await db.execute(update(Session).values(fresh_at=clock.now() - timedelta(minutes=16)))


async def test_right_after_signing_in_no_password_is_required(asha):
    assert (await asha.get("/login/again?next=/bookings")).headers["location"] == "/bookings"


async def test_the_right_password_leads_on_with_a_new_session(asha, app):
    before = asha.cookies["ds"]
    await a_while_later(app)
    page = await asha.visit("/login/again?next=/bookings")
    assert "Confirm your password" in page.text
    answer = await asha.submit(page, "/login/again", password=PASSWORD)
    assert (answer.status, answer.location) == (303, "/bookings")
    assert asha.cookies["ds"] != before
    assert (await asha.get("/login/again?next=/bookings")).status_code == 303


async def test_a_wrong_one_says_so_beside_the_field_and_keeps_where_to_go(asha, app):
    await a_while_later(app)
    page = await asha.visit("/login/again?next=/bookings")
    password_page = await asha.submit(page, "/login/again", password="not this one")
    assert password_page.status == 422
    assert "That&#39;s not your password. Try again." in password_page.text
    assert password_page.form("/login/again").fields["next"] == "/bookings"
    assert (await asha.submit(password_page, "/login/again", password=PASSWORD)).location == "/bookings"


async def test_wrong_ones_are_counted_like_any_sign_in(asha, app):
    await a_while_later(app)
    pages = [await asha.post_fields("/login/again", {"password": "not this one"}) for _ in range(12)]
    assert pages[-1].status == 429
    assert pages[-1].response.headers["retry-after"]


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_it_leads_nowhere_else(asha, app, next_url):
    assert (await asha.get("/login/again", params={"next": next_url})).headers["location"] == "/"
