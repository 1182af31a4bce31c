"""The password once more, before a deed that cannot be taken back."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.accounts.session import Session
from app.core import clock
from tests.accounts.conftest import PASSWORD, a_form


@pytest.fixture
async def asha(visitor, app):
    form = a_form("asha.again@example.com")
    await visitor.go(await visitor.visit("/register"), "/register", **form)
    assert (await visitor.sign_in(form["email"], PASSWORD)).status == 303
    return visitor


async def a_while_later(app):
    async with app.state.database.work() as db:
        await db.execute(update(Session).values(fresh_at=clock.now() - timedelta(minutes=16)))


async def test_right_after_signing_in_nobody_is_asked(asha):
    assert (await asha.get("/login/again?next=/bookings")).headers["location"] == "/bookings"


async def test_the_right_password_leads_on_with_a_new_session(asha, app):
    before = asha.cookies["ds"]
    await a_while_later(app)
    page = await asha.visit("/login/again?next=/bookings")
    assert "once more" in page.text
    answer = await asha.submit(page, "/login/again", password=PASSWORD)
    assert (answer.status, answer.location) == (303, "/bookings")
    assert asha.cookies["ds"] != before
    assert (await asha.get("/login/again?next=/bookings")).status_code == 303


async def test_a_wrong_one_says_so_beside_the_field_and_keeps_where_to_go(asha, app):
    await a_while_later(app)
    page = await asha.visit("/login/again?next=/bookings")
    again = await asha.submit(page, "/login/again", password="not this one")
    assert again.status == 422
    assert "That is not your password." in again.text
    assert again.form("/login/again").fields["next"] == "/bookings"
    assert (await asha.submit(again, "/login/again", password=PASSWORD)).location == "/bookings"


async def test_wrong_ones_are_counted_like_any_sign_in(asha, app):
    await a_while_later(app)
    told = [await asha.send_to("/login/again", {"password": "not this one"}) for _ in range(12)]
    assert told[-1].status == 429
    assert told[-1].answer.headers["retry-after"]


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_it_leads_nowhere_else(asha, app, onward):
    assert (await asha.get("/login/again", params={"next": onward})).headers["location"] == "/"
