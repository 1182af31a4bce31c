"""Access control: sessions in PostgreSQL, roles, blocks, and the responses for browsers and programs."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from app.accounts.session import Session, Sessions
from app.accounts.user import Block, Role, User
from app.core import clock
from tests.factories import a_user
from tests.statements import count_statements
from tests.web.conftest import Browser


async def test_a_visitor_is_sent_to_sign_in_and_back(visitor):
    response = await visitor.get("/t/customer?tab=today")
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=%2Ft%2Fcustomer%3Ftab%3Dtoday"


async def test_htmx_is_sent_there_as_a_whole_page(visitor):
    headers = {"hx-request": "true", "hx-request-type": "partial", "hx-current-url": "http://localhost:8000/bookings"}
    response = await visitor.get("/t/customer", headers=headers)
    assert response.headers["hx-redirect"] == "/login?next=%2Fbookings"
    headers["hx-current-url"] = "https://evil.example/x"
    assert (await visitor.get("/t/customer", headers=headers)).headers["hx-redirect"] == "/login?next=%2F"


async def test_a_program_reads_401(visitor):
    response = await visitor.get("/t/customer", headers={"accept": "application/json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_customer_is_known_by_the_cookie(ashas, asha):
    assert (await ashas.get("/t/customer")).json() == {"name": "Asha Raman", "role": "customer"}
    data = (await ashas.get("/t/signed-in")).json()
    assert data["initials"] == "AR"
    assert data["tint"] in (28, 50, 85, 118, 150, 178)
    assert data["verified"] is True


async def test_another_role_is_refused(ravis):
    assert (await ravis.get("/t/customer")).status_code == 403


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 5000, "é", "'; drop table users"])
async def test_a_made_up_cookie_signs_no_one_in(visitor, value):
    response = await visitor.get("/t/customer", headers={"cookie": b"ds=" + value.encode()})
    assert response.status_code == 303


async def test_a_planted_cookie_is_replaced_when_signing_in(visitor, app, asha):
    """Session fixation: a cookie chosen before signing in does not share the session afterwards."""
    visitor.cookies.set("ds", "planted", domain="localhost.local", path="/")
    token = await visitor.token()
    response = await visitor.post(f"/t/sign-in/{asha.id}", data={"_csrf_token": token})
    [cookie] = [cookie for cookie in response.headers.get_list("set-cookie") if cookie.startswith("ds=")]
    assert "planted" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await _as(app, "planted")).status_code == 303
    assert (await _as(app, cookie.partition("=")[2].partition(";")[0])).status_code == 200


async def test_signing_in_again_ends_the_session_that_was(ashas, asha, app):
    before = ashas.cookies["ds"]
    await ashas.post(f"/t/sign-in/{asha.id}", data={"_csrf_token": await ashas.token()})
    assert (await _as(app, before)).status_code == 303


async def test_signing_out_ends_it_in_the_database(ashas, app):
    before = ashas.cookies["ds"]
    response = await ashas.post("/t/sign-out", data={"_csrf_token": await ashas.token()})
    assert 'ds=""' in response.headers["set-cookie"]
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert (await _as(app, before)).status_code == 303


async def _as(app, token):
    async with Browser(app) as browser:
        return await browser.get("/t/customer", headers={"cookie": f"ds={token}"})


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timedelta(seconds=-1)},
        {"last_seen_at": timedelta(days=-14, seconds=-1)},
    ],
)
async def test_a_session_ends_after_14_days_of_rest_and_90_in_all(ashas, asha, app, change):
    values = {name: clock.now() + by for name, by in change.items()}
    async with app.state.services.database.work() as db:
        await db.execute(update(Session).where(Session.user_id == asha.id).values(**values))
    assert (await ashas.get("/t/customer")).status_code == 303


async def test_a_new_epoch_ends_every_session(ashas, asha, app):
    async with app.state.services.database.work() as db:
        await db.execute(update(User).where(User.id == asha.id).values(epoch=1))
    assert (await ashas.get("/t/customer")).status_code == 303


async def test_closing_all_sessions_can_spare_this_one(ashas, asha, app, visitor):
    await visitor.signed_in_as(asha)
    async with app.state.services.database.reading() as db:
        [stored, _] = await db.scalars(text(f"SELECT id FROM sessions WHERE user_id = {asha.id} ORDER BY id"))
    async with app.state.services.database.work() as db:
        await Sessions(app.state.services.database).close_all(db, asha.id, except_id=stored)
    assert (await ashas.get("/t/customer")).status_code == 200
    assert (await visitor.get("/t/customer")).status_code == 303


async def test_last_seen_is_written_every_ten_minutes_at_most(ashas, asha, app):
    async def last_seen():
        async with app.state.services.database.reading() as db:
            return (await db.execute(text(f"SELECT last_seen_at FROM sessions WHERE user_id = {asha.id}"))).scalar_one()

    before = await last_seen()
    await ashas.get("/t/customer")
    assert await last_seen() == before
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        await ashas.get("/t/customer")
        assert await last_seen() == clock.now()


async def test_a_blocked_person_reads_why_and_reaches_only_the_restricted_session(ashas, asha, app):
    async with app.state.services.database.work() as db:
        admin = await a_user(db, Role.ADMIN, "Meena Iyer")
        db.add(
            Block(user_id=asha.id, blocked_by_id=admin.id, reason="Three no-shows in a week.", created_at=clock.now())
        )
    response = await ashas.get("/t/customer")
    assert response.status_code == 403
    assert "Three no-shows in a week." in response.text
    assert (await ashas.get("/t/restricted")).json() == {"blocked": "Three no-shows in a week."}
    assert (await ashas.get("/t/page")).status_code == 200
    async with app.state.services.database.work() as db:
        await db.execute(
            update(Block)
            .where(Block.user_id == asha.id)
            .values(lifted_at=clock.now(), lifted_by_id=admin.id, lifted_reason="It was a mistake.")
        )
    assert (await ashas.get("/t/customer")).status_code == 200


async def test_one_query_finds_the_person_and_a_visitor_costs_none(ashas, visitor, app):
    with count_statements(app.state.services.database) as sent:
        await visitor.get("/t/page")
        assert sent == []
        await ashas.get("/t/page")
        assert len(sent) == 1


async def test_pages_of_a_person_are_never_stored(ashas, visitor):
    assert (await ashas.get("/t/page")).headers["cache-control"] == "no-store"
    response = await visitor.get("/t/page")
    assert response.headers["cache-control"] == "no-cache"
    assert "HX-Request" in response.headers["vary"]
    assert "Cookie" in response.headers["vary"]


async def test_a_gone_person_has_no_session(ashas, asha, app):
    async with app.state.services.database.work() as db:
        await db.execute(delete(Session).where(Session.user_id == asha.id))
    assert (await ashas.get("/t/signed-in")).status_code == 303
