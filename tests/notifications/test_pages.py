"""The development mailbox, the inbox, and the page of a blocked person."""

import re
from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from sqlalchemy import select

from app.accounts.repository import Users
from app.bookings.repository import Bookings
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.jobs.acceptance import accept
from app.main import create_app
from app.settings import Settings
from tasks.notifications import drain_outbox
from tests import application
from tests.application import task_context
from tests.factories import a_block, a_customer, an_admin
from tests.person import Person


@pytest.fixture
def encryption(settings) -> Encryption:
    return Encryption(settings.secret_key)


@pytest.fixture
async def app(settings, services) -> AsyncIterator[Litestar]:
    async with application.serving(application.settings(settings.database_url, services.redis_url)) as made:
        yield made


@pytest.fixture
async def accepted(own_database, town, encryption):
    async with own_database.work() as db:
        return await accept(db, town.ravi, town.booking.reference, encryption)


async def test_mails_are_read_in_the_app_when_no_server_takes_them(app, accepted, town):
    async with Person(app) as visitor:
        box = await visitor.visit("/dev/mail")
        assert "Ravi K. is coming" in box.text
        link = next(link for link in box.links if re.fullmatch(r"/dev/mail/\d+", link))
        page = await visitor.visit(link)
        assert page.status == 200
        whole = await visitor.get(f"{link}/html")
        assert "style-src 'unsafe-inline'" in whole.headers["content-security-policy"]
        assert "script-src" not in whole.headers["content-security-policy"]
        assert (await visitor.get("/dev/mail/999999")).status_code == 404


@pytest.mark.parametrize("configuration", [{"SMTP_URL": "smtp://localhost:25"}, {"DOORSTEP_ENV": "production"}])
def test_there_is_no_such_mailbox_where_mails_are_sent(settings, configuration):
    production = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": "redis://localhost/0",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
        "BASE_URL": "https://doorstep.example",
        "SMTP_URL": "smtp://localhost:25",
        "MAIL_FROM": "hello@doorstep.example",
        "UPLOADS_DIR": "/var/lib/doorstep",
    }
    app = create_app(Settings.from_env(production | {"DOORSTEP_ENV": "test"} | configuration))
    assert not [route.path for route in app.routes if route.path.startswith("/dev")]


async def test_people_read_again_what_was_sent_to_them_and_nothing_of_others(app, accepted, town, own_database):
    async with own_database.work() as db:
        omar = await a_customer(db, "Omar")
    visited = {}
    for user in (town.asha, town.ravi, omar):
        async with Person(app) as person:
            await person.signed_in_as(user, own_database)
            page = await person.visit("/notices")
            visited[user.full_name] = page.text
            assert page.status == 200
    assert "A professional accepted" in visited["Asha Raman"]
    assert "The job is yours" in visited["Ravi Kumar"]
    assert "No notifications yet" in visited["Omar"]
    assert accepted.reference not in visited["Omar"]


async def test_a_blocked_professional_still_finds_the_job_that_has_started(
    app, accepted, town, own_database, encryption
):
    async with own_database.work() as db:
        booking = await Bookings(db).by_reference(accepted.reference, lock=True)
        booking.start(town.ravi, booking.live_code("start"), encryption)
        await a_block(db, await Users(db).get(town.ravi.id), await an_admin(db), "Papers turned out to be false.")
    async with Person(app) as ravi:
        await ravi.signed_in_as(town.ravi, own_database)
        page = await ravi.visit("/blocked")
        assert "Papers turned out to be false." in page.text
        assert f"/jobs/{accepted.reference}" in page.links
        assert (await ravi.get("/notices")).status_code == 403


async def test_someone_who_is_not_blocked_has_no_business_there(app, town, own_database):
    async with Person(app) as asha:
        await asha.signed_in_as(town.asha, own_database)
        assert (await asha.get("/blocked")).headers["location"] == "/"


async def test_an_email_read_later_shows_what_was_delivered(app, town, own_database, settings, encryption):
    assert await drain_outbox(task_context(own_database, settings, encryption=encryption)) == 1
    async with Person(app) as visitor:
        link = next(link for link in (await visitor.visit("/dev/mail")).links if re.fullmatch(r"/dev/mail/\d+", link))
        delivered = (await visitor.visit(link)).text
        assert "₹149" in delivered
        async with own_database.work() as db:
            booking = await Bookings(db).by_reference(town.booking.reference, lock=True)
            booking.price, booking.service_name = 409_00, "Something else"
        assert (await visitor.visit(link)).text == delivered
        assert "₹409" not in (await visitor.get(f"{link}/html")).text
        async with own_database.work() as db:
            (row,) = await db.scalars(select(Outbox))
    assert row.sent_at
    assert town.booking.service_name not in str(row.data)
