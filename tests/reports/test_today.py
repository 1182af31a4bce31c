"""The admin's page of the day: what needs attention, and nothing else."""

import re

import pytest
from sqlalchemy import text

from app.reports import today_repository
from tests.bookings.scenes import Scene
from tests.factories import a_block, an_admin
from tests.person import Person


async def test_an_admin_who_signs_in_begins_here(scene: Scene):
    async with scene.database.work() as db:
        admin = await an_admin(db)
        admin.password_hash = await scene.app.state.services.passwords.hash("correct horse battery")
    async with Person(scene.app) as meena:
        login = await meena.visit("/login")
        sent = await meena.submit(login, "/login", email=admin.email, password="correct horse battery")
        assert sent.location == "/admin"
        assert "Nothing needs your attention" in (await meena.visit("/admin")).text


async def test_what_no_one_has_taken_is_counted_and_named(booked_scene: Scene, meena: Person):
    page = await meena.visit("/admin")
    waiting = await booked_scene.rows("SELECT reference FROM bookings WHERE state = 'requested'")
    assert waiting
    assert all(f"/admin/dispatch/{reference}" in page.text for (reference,) in waiting)
    assert f'<a href="/admin/dispatch">{len(waiting)}</a>' in page.text


@pytest.mark.parametrize(("below", "shown"), [(0, "{count}"), (1, "{limit}+")])
async def test_the_navigation_counts_up_to_a_limit_and_the_page_counts_all(
    booked_scene: Scene, meena: Person, monkeypatch: pytest.MonkeyPatch, below: int, shown: str
):
    count = len(await booked_scene.rows("SELECT reference FROM bookings WHERE state = 'requested'"))
    limit = count - below
    monkeypatch.setattr(today_repository, "MAX_NAVIGATION_COUNT", limit)
    page = (await meena.visit("/admin")).text
    number = shown.format(count=count, limit=limit)
    assert re.search(rf'href="/admin/dispatch".*?<span class="count">{re.escape(number)}</span>', page, re.S)
    assert f'<a href="/admin/dispatch">{count}</a>' in page


async def test_a_started_job_of_someone_blocked_stands_on_top(scene: Scene, meena: Person):
    """W2."""
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    await scene.started(reference)
    async with scene.database.work() as db:
        admin = await an_admin(db, "Second Admin")
        await a_block(db, scene.ravi, admin)
    page = (await meena.visit("/admin")).text
    assert page.index(f"/admin/bookings/{reference}") < page.index('href="/admin/bookings?blocked=yes"') + 2_000
    assert page.index("Jobs of blocked professionals") < page.rindex("</section>")
    listed = await meena.visit("/admin/bookings?blocked=yes")
    assert f'id="booking-{reference}"' in listed.text


async def test_a_locked_code_and_a_message_that_never_arrives_are_odd(scene: Scene, meena: Person):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        await db.execute(text("UPDATE codes SET attempts = 5, locked_until = now() + interval '15 minutes'"))
        await db.execute(text("UPDATE outbox SET parked_at = now(), attempts = 20"))
    page = (await meena.visit("/admin")).text
    assert 'href="/admin/bookings?locked=yes"' in page
    assert "couldn't be delivered" in page
    assert f'id="booking-{reference}"' in (await meena.visit("/admin/bookings?locked=yes")).text


async def test_for_htmx_the_page_answers_its_piece(scene: Scene, meena: Person):
    piece = await meena.get("/admin", headers={"hx-request": "true", "hx-request-type": "partial"})
    assert piece.text.lstrip().startswith('<div id="today"')
