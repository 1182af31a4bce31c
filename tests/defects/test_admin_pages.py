"""Regression tests: admin pages open to anyone, and admin actions with unintended effects."""

import pytest
from sqlalchemy import text

from app.web.guards import list_routes
from tests.factories import an_admin
from tests.person import Person
from tests.story_app import at
from tests.town import PASSWORD, VISA

COUNTED = """
    SELECT (SELECT count(*) FROM blocks) || ' ' || (SELECT count(*) FROM users WHERE role = 'admin') || ' '
        || (SELECT string_agg(epoch::text, ',' ORDER BY id) FROM users WHERE role = 'admin')
"""


@pytest.fixture
async def admin(story):
    async with story.database.work() as db:
        made = await an_admin(db, "Meena Iyer")
        hashed = await story.app.state.services.passwords.hash(PASSWORD)
        made.password_hash = hashed
    return made


@pytest.fixture
async def meena(story, admin):
    async with Person(story.app) as person:
        yield await person.signed_in_as(admin, story.database)


async def scalar(story, question: str, **params):
    async with story.database.work() as db:
        return await db.scalar(text(question), params)


def test_every_admin_address_is_for_admins_alone(story):
    admin_url = {
        (method, path): who for method, path, who, _ in list_routes(story.app) if path.split("/")[1] == "admin"
    }
    assert len(admin_url) > 10
    assert set(admin_url.values()) == {"admin"}


@pytest.mark.parametrize("table", ["admins", "customers", "professionals"])
@pytest.mark.parametrize("action", ["block", "unblock", "demotion", "promotion", "approval", "denial"])
async def test_no_anonymous_call_switches_off_the_administrator(story, admin, asha, table, action):
    before = await scalar(story, COUNTED)
    path, fields = f"/admin/{table}/{admin.id}/{action}", {"reason": "x", "blocked": "true", "active": "0"}
    async with Person(story.app) as visitor:
        for person, refused in ((visitor, (303, 403, 404)), (asha, (403, 404))):
            sent = await person.post_fields(path, fields)
            assert sent.status in refused
            assert not (sent.location or "/login").startswith("/admin")
    assert await scalar(story, COUNTED) == before
    async with Person(story.app) as herself:
        assert (await herself.sign_in(admin.email, PASSWORD)).status == 303
        assert (await herself.visit("/admin/customers")).status == 200


async def test_blocking_a_customer_writes_no_review(story, asha, ravi, meena, email):
    """Nor does the work that they had begun with, when it is finished after all (W3)."""
    done, running, ahead = [await accepted(story, asha, ravi, hour) for hour in (11, 13, 15)]
    for reference in (done, running):
        await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, done)
    code = (await asha.visit(f"/bookings/{running}")).data["finish-code"]
    stars = "SELECT coalesce(sum(one + two + three + four + five), 0) FROM professional_ratings"
    before = await scalar(story, stars)
    person = await scalar(story, "SELECT id FROM users WHERE email = :e", e=email)
    page = await meena.visit(f"/admin/customers/{person}/block")
    assert (await meena.submit(page, "/block", reason="Shouted at three people.")).status in (200, 303)
    assert await scalar(story, "SELECT count(*) FROM blocks WHERE user_id = :p AND lifted_at IS NULL", p=person) == 1
    assert (await ravi.submit_and_follow(await ravi.visit(f"/jobs/{running}"), "/completion", code=code)).status == 200
    assert await scalar(story, "SELECT state FROM bookings WHERE reference = :r", r=ahead) == "cancelled"
    assert await scalar(story, "SELECT count(*) FROM reviews WHERE customer_id = :p", p=person) == 0
    assert await scalar(story, stars) == before


async def accepted(story, asha, ravi, hour: int) -> str:
    page = await story.book(asha, at(hour, days=2), named=story.town.ravi, **VISA)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    return reference
