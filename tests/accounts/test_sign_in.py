"""Signing in and out, and the rate limits."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from app.accounts.pages import MIN_RESPONSE_SECONDS, pad_response_time
from app.accounts.repository import Users
from app.accounts.user import Role, User
from app.core import clock
from tests.accounts.conftest import PASSWORD, a_form
from tests.factories import a_block, an_admin

WRONG_CREDENTIALS = "That email and password don&#39;t match."


async def test_wrong_password_and_wrong_address_read_the_same(asha, new_person, email):
    responses = []
    for address in (email, "nobody." + email):
        person = new_person()
        answer = await person.submit(await person.visit("/login"), "/login", email=address, password="wrong words here")
        responses.append((answer.status, answer.text.replace(address, "…")))
    shape = [(status, len(text), WRONG_CREDENTIALS in text) for status, text in responses]
    assert shape[0] == shape[1]
    assert shape[0][0] == 422
    assert shape[0][2]


async def test_wrong_password_and_wrong_address_take_the_same_steps(asha, new_person, email, app_database):
    """The same statements in the same order: database access does not depend on the outcome."""
    outcomes: list[str] = []
    event.listen(app_database.engine.sync_engine, "before_cursor_execute", lambda *values: outcomes.append(values[2]))
    steps = []
    for address in (email, "nobody." + email):
        person = new_person()
        page = await person.visit("/login")
        outcomes.clear()
        await person.submit(page, "/login", email=address, password="wrong words here")
        steps.append(list(outcomes))
    assert steps[0] == steps[1]
    assert steps[0]


@pytest.mark.parametrize("fields", [{}, {"email": "a@example.com"}, {"password": "x"}, {"email": "a" * 900_000}])
async def test_a_form_half_filled_is_no_error_of_ours(visitor, fields):
    assert (await visitor.post_fields("/login", fields)).status == 422


async def test_the_case_of_the_address_does_not_matter(asha, new_person, email):
    assert (await new_person().sign_in(f"  {email.upper()} ", PASSWORD)).status == 303


@pytest.mark.parametrize(
    ("next_url", "there"),
    [
        ("/bookings?page=2", "/bookings?page=2"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
async def test_only_our_own_pages_are_gone_on_to(asha, new_person, email, next_url, there):
    answer = await new_person().post_fields("/login", {"email": email, "password": PASSWORD, "next": next_url})
    assert (answer.status, answer.location) == (303, there)


async def test_where_they_wanted_to_go_survives_a_wrong_password(asha, new_person, email):
    person = new_person()
    page = await person.visit("/login?next=/bookings")
    page = await person.submit(page, "/login", email=email, password="wrong words here")
    assert (await person.submit(page, "/login", email=email, password=PASSWORD)).location == "/bookings"


async def test_signing_in_gives_a_new_session_whatever_cookie_came(asha, new_person, email):
    person = new_person()
    person.cookies.set("ds", "chosen-by-somebody-else")
    first = (await person.sign_in(email, PASSWORD)).response.cookies["ds"]
    assert first != "chosen-by-somebody-else"
    person.cookies.clear()
    person.cookies.set("ds", first)
    await person.submit(await person.visit("/profile"), "/logout")
    assert (await person.sign_in(email, PASSWORD)).response.cookies["ds"] != first


async def test_signing_out_ends_the_session_for_good(asha):
    stolen = asha.cookies["ds"]
    answer = await asha.submit(await asha.visit("/profile"), "/logout")
    assert answer.status == 303
    assert '"cache"' in answer.response.headers["clear-site-data"]
    asha.cookies.set("ds", stolen)
    assert (await asha.visit("/profile")).path.startswith("/login")


async def test_signing_out_is_never_a_link(asha):
    assert (await asha.get("/logout")).status_code == 405
    assert (await asha.get("/profile")).status_code == 200


async def test_fifty_wrong_tries_at_once_are_five_tries(asha, new_person, email, app):
    """Counted before the comparison, each in its own transaction: no race gives a guess away."""
    people = [new_person("203.0.113.9") for _ in range(50)]
    pages = [await person.visit("/login") for person in people]
    gate = asyncio.Semaphore(14)

    async def guess(number: int):
        async with gate:
            return await people[number].submit(pages[number], "/login", email=email, password=f"guess number {number}")

    responses = await asyncio.gather(*(guess(number) for number in range(50)))
    statuses = [answer.status for answer in responses]
    assert (statuses.count(422), statuses.count(429)) == (5, 45)
    result = next(answer for answer in responses if answer.status == 429)
    assert "Too many attempts" in result.text
    assert 1 <= int(result.response.headers["retry-after"]) <= 16


async def test_the_right_password_waits_too_and_then_opens(asha, new_person, email):
    person = new_person()
    for _ in range(5):
        assert (await person.sign_in(email, "wrong words here")).status == 422
    assert (await person.sign_in(email, PASSWORD)).status == 429
    with clock.freeze(clock.now() + timedelta(seconds=16)):
        assert (await person.sign_in(email, PASSWORD)).status == 303
        assert (await new_person().sign_in(email, PASSWORD)).status == 303


async def test_tries_from_elsewhere_do_not_hold_up_the_right_person(asha, new_person, email):
    stranger, owner = new_person(), new_person()
    for _ in range(6):
        await stranger.sign_in(email, "wrong words here")
    assert (await stranger.sign_in(email, PASSWORD)).status == 429
    assert (await owner.sign_in(email, PASSWORD)).status == 303


async def test_many_places_on_one_account_are_slowed_down_as_one(asha, new_person, email):
    statuses = [(await new_person().sign_in(email, "wrong words here")).status for _ in range(22)]
    assert statuses[:20] == [422] * 20
    assert statuses[20:] == [429] * 2
    with clock.freeze(clock.now() + timedelta(minutes=2, seconds=1)):
        assert (await new_person().sign_in(email, PASSWORD)).status == 303


async def test_one_place_on_many_accounts_is_slowed_down(new_person):
    person = new_person("2001:db8:77::1")
    page = await person.visit("/login")
    statuses = []
    for number in range(52):
        person.headers["x-forwarded-for"] = f"2001:db8:77::{number + 1:x}"
        sent = await person.submit(page, "/login", email=f"nobody{number}@example.com", password="wrong words here")
        statuses.append(sent.status)
    assert statuses[:50] == [422] * 50
    assert statuses[50:] == [429] * 2


async def test_a_made_up_forwarded_for_does_not_open_a_new_budget(asha, new_person, email):
    """Only what our own proxy appended counts: the last one."""
    person = new_person()
    ip_address = person.headers["x-forwarded-for"]
    statuses = []
    for number in range(6):
        person.headers["x-forwarded-for"] = f"10.9.8.{number}, {ip_address}"
        statuses.append((await person.sign_in(email, "wrong words here")).status)
    assert statuses == [422] * 5 + [429]


async def test_a_blocked_person_reads_why_and_nothing_else(asha, new_person, email, app_database, scalar):
    user_id = await scalar("SELECT id FROM users WHERE email = :email", email=email)
    async with app_database.work() as db:
        await a_block(db, await Users(db).get(user_id), await an_admin(db), "Three complaints in a week.")
    person = new_person()
    answer = await person.sign_in(email, PASSWORD)
    assert (answer.status, answer.location) == (303, "/blocked")
    page = await person.visit("/blocked")
    assert page.status == 200
    assert "Three complaints in a week." in page.text
    assert "How to appeal" in page.text
    for path in ("/profile", "/profile/addresses/new", "/notices", "/profile/sessions"):
        assert (await person.get(path)).status_code == 403
    assert (await person.submit(page, "/logout")).status == 303
    assert (await new_person().sign_in(email, "wrong words here")).status == 422


async def test_a_professional_begins_at_the_jobs(asha, new_person, email, app_database):
    async with app_database.work() as db:
        await db.execute(update(User).where(User.email == email).values(role=str(Role.PROFESSIONAL)))
    assert (await new_person().sign_in(email, PASSWORD)).location == "/jobs"


@pytest.mark.slow
async def test_an_answer_about_an_address_takes_its_time(app, new_person, email):
    """Outside tests, sign-up and forgotten passwords answer on one clock, known or not."""
    began = time.monotonic()
    await pad_response_time(began, replace(app.state.services.settings, env="development"))
    assert MIN_RESPONSE_SECONDS <= time.monotonic() - began < MIN_RESPONSE_SECONDS + 0.3


async def test_a_form_from_another_site_is_refused(new_person, email):
    person = new_person()
    page = await person.visit("/login")
    token = page.form("/login").fields["_csrf_token"]
    fields = a_form(email) | {"_csrf_token": token}
    answer = await person.post("/login", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
