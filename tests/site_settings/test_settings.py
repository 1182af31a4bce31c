"""Admins set how people reach Doorstep; every page and email shows it."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from app.accounts.session import Session
from app.check.run import find_violations
from app.core import clock
from app.core.cache_tags import CONTACTS
from app.core.outbox import Outbox
from app.notifications.messages import MessageRenderer
from app.settings import GrievanceOfficer
from app.site_settings.contacts import Contacts, ContactsInMemory, default_contacts, merge_contacts
from tests.application import serving, settings
from tests.factories import a_customer, an_admin
from tests.person import Person
from tests.statements import count_statements
from tests.waiting import until

SUPPORT = {"support_email": "help@doorstep.in", "support_phone": "098400 12345", "support_whatsapp": "+91 98400 54321"}
OFFICER = {"grievance_name": "Meena Iyer", "grievance_email": "grievance@doorstep.in", "grievance_hours": "Mon to Fri"}
LINKS = ("tel:+919840012345", "https://wa.me/919840054321", "mailto:help@doorstep.in")
ENVIRONMENT = {
    "SUPPORT_EMAIL": "first@doorstep.in",
    "SUPPORT_PHONE": "+914422334455",
    "GRIEVANCE_OFFICER": "Lekha Nair <lekha@doorstep.in>; Sat, 10 am to 1 pm",
}


@asynccontextmanager
async def a_site(own_url, services, **environment):
    async with serving(settings(own_url, services.redis_url, **environment)) as app:
        yield app


async def an_admin_of(app, name="Meena Iyer"):
    database = app.state.services.database
    async with database.work() as db:
        admin = await an_admin(db, name)
    return await Person(app).signed_in_as(admin, database)


async def saves(admin, **typed):
    return await admin.submit(await admin.visit("/admin/settings"), "/admin/settings", **typed)


async def footer_of(app, path="/about"):
    async with Person(app) as visitor:
        return (await visitor.visit(path)).text.partition("<footer")[2]


async def test_what_an_admin_saves_is_shown_on_every_page(own_app):
    async with await an_admin_of(own_app) as meena, Person(own_app) as visitor:
        before = await visitor.visit("/help")
        assert "Contact us" not in before.text
        assert not any(link.startswith(("tel:", "mailto:", "https://wa.me")) for link in before.links)
        saved = await saves(meena, **SUPPORT, **OFFICER)
        assert (saved.status, saved.location) == (303, "/admin/settings")
        for path in ("/help", "/", "/about", "/login", "/nothing-here"):
            links = (await visitor.visit(path)).links
            assert set(LINKS) <= set(links), path
        shown = await visitor.visit("/help")
        assert "+91 98400 12345" in shown.text
        assert "Meena Iyer" in shown.text
        assert "within 48 hours and an answer within 1 month" in " ".join(shown.text.split())
        assert "mailto:grievance@doorstep.in" in shown.links
        form = (await meena.visit("/admin/settings")).form("/admin/settings")
        assert form.fields["support_phone"] == "+919840012345"


async def test_a_saved_value_wins_and_an_emptied_one_leaves_it_to_the_environment(own_url, services):
    async with a_site(own_url, services, **ENVIRONMENT) as app, await an_admin_of(app) as meena:
        assert "mailto:first@doorstep.in" in await footer_of(app)
        await saves(meena, support_email="help@doorstep.in")
        assert "mailto:help@doorstep.in" in await footer_of(app)
        assert "tel:+914422334455" in await footer_of(app)
        await saves(meena, support_email="")
        assert "mailto:first@doorstep.in" in await footer_of(app)
        async with Person(app) as visitor:
            assert "Lekha Nair" in (await visitor.visit("/help")).text
            await saves(meena, **OFFICER)
            officer = (await visitor.visit("/help")).text
        assert "Lekha Nair" not in officer
        assert "Meena Iyer" in officer


async def test_every_process_shows_a_change_at_once(own_url, services):
    async with a_site(own_url, services) as first, a_site(own_url, services) as second:
        meena = await an_admin_of(first)
        assert "mailto:" not in await footer_of(second)
        cache = second.state.services.after_commit.cache
        version = cache.version
        await saves(meena, **SUPPORT)
        await until(lambda: not cache.is_current(version, (CONTACTS,)))
        assert "mailto:help@doorstep.in" in await footer_of(second)


async def test_a_page_is_drawn_without_a_query_for_the_contacts(own_app):
    async with Person(own_app) as visitor:
        await visitor.visit("/about")
        with count_statements(own_app.state.services.database, with_contacts=True) as sent:
            await visitor.visit("/terms")
            await visitor.visit("/nothing-here")
    assert not [statement for statement in sent if "settings" in statement]


async def test_without_redis_a_change_is_read_after_some_seconds(own_app, monkeypatch):
    services = own_app.state.services
    contacts = ContactsInMemory(services.database, services.after_commit.cache, Contacts())
    await contacts.refresh()
    services.after_commit.bus.up = False
    async with services.database.work() as db:  # as another process, whose message never comes
        admin = await an_admin(db)
        await db.execute(
            text(
                "INSERT INTO settings (name, value, changed_at, changed_by_id)"
                " VALUES ('support_email', 'a@b.in', now(), :id)"
            ),
            {"id": admin.id},
        )
    await contacts.refresh()
    assert contacts.current().email == ""
    monkeypatch.setattr("app.site_settings.contacts.UNNOTIFIED_MAX_AGE_SECONDS", 0.0)
    await contacts.refresh()
    assert contacts.current().email == "a@b.in"


async def test_while_the_database_is_down_the_last_contacts_stay(own_app, monkeypatch):
    services = own_app.state.services
    contacts = ContactsInMemory(services.database, services.after_commit.cache, Contacts(email="help@doorstep.in"))

    def fail():
        raise OperationalError("SELECT 1", {}, OSError("down"))

    monkeypatch.setattr(services.database, "reading", fail)
    await contacts.refresh()
    assert contacts.current().email == "help@doorstep.in"


async def test_every_change_is_in_the_history_with_both_values(own_app):
    async with await an_admin_of(own_app) as meena:
        await saves(meena, support_email="help@doorstep.in")
        await saves(meena, support_email="care@doorstep.in")
        await saves(meena, support_email="care@doorstep.in")
        events = (await meena.visit("/admin/events?name=setting.changed")).text
        assert "Meena Iyer set the support email to help@doorstep.in." in events
        assert "Meena Iyer changed the support email from help@doorstep.in to care@doorstep.in." in events
        assert (await meena.visit("/admin/events?record=setting-support_email")).text.count("the support email") == 2
    async with own_app.state.services.database.work() as db:
        count = await db.scalar(text("SELECT count(*) FROM events WHERE name = 'setting.changed'"))
        assert count == 2
        assert await db.scalar(text("SELECT count(*) FROM events WHERE facts::text LIKE '%doorstep.in%'")) == 0
        assert await find_violations(db) == []


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"support_phone": "12345"}, "support_phone", "10 digits after +91"),
        ({"support_phone": "+1 415 555 2671"}, "support_phone", "starting with +91"),
        ({"support_whatsapp": "call me"}, "support_whatsapp", "in digits"),
        ({"support_email": "help"}, "support_email", "with the @"),
        ({"grievance_name": "Meena Iyer"}, "grievance_email", "can be reached"),
        ({"grievance_email": "m@doorstep.in"}, "grievance_name", "name of the grievance officer"),
        ({**OFFICER, "grievance_hours": "x" * 121}, "grievance_hours", "120 characters"),
    ],
)
async def test_a_wrong_value_is_explained_at_its_field_and_nothing_is_saved(own_app, typed, field, sentence):
    async with await an_admin_of(own_app) as meena:
        refused = await saves(meena, **{"support_email": "care@doorstep.in", **typed})
        assert refused.status == 422
        assert f'id="{field}-error"' in refused.text
        assert sentence in refused.text
        assert refused.form("/admin/settings").fields[field] == typed.get(field, "")
    async with own_app.state.services.database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM settings")) == 0


async def test_saving_asks_for_a_fresh_password(own_app):
    async with await an_admin_of(own_app) as meena:
        page = await meena.visit("/admin/settings")
        async with own_app.state.services.database.work() as db:
            await db.execute(update(Session).values(fresh_at=clock.now() - timedelta(minutes=16)))
        sent = await meena.submit(page, "/admin/settings", **SUPPORT)
        assert sent.status == 303
        assert sent.location.startswith("/login/again")
        assert "mailto:" not in await footer_of(own_app)


async def test_two_admins_at_the_form_lose_nothing(own_app):
    async with await an_admin_of(own_app) as meena, await an_admin_of(own_app, "Lekha Nair") as lekha:
        page = await lekha.visit("/admin/settings")
        await saves(meena, support_email="help@doorstep.in", support_phone="+91 98400 12345")
        refused = await lekha.submit(page, "/admin/settings", support_email="care@doorstep.in")
        assert refused.status == 409
        text_of = " ".join(refused.text.split())
        assert "Meena Iyer changed it from nothing to help@doorstep.in" in text_of
        form = refused.form("/admin/settings")
        assert form.fields["support_email"] == "care@doorstep.in"
        assert form.fields["support_phone"] == "+919840012345"
        again = await lekha.submit(refused, "/admin/settings")
        assert again.status == 303
        footer = await footer_of(own_app)
    assert "mailto:care@doorstep.in" in footer
    assert "tel:+919840012345" in footer


async def test_the_same_change_by_both_is_no_conflict(own_app):
    async with await an_admin_of(own_app) as meena, await an_admin_of(own_app, "Lekha Nair") as lekha:
        page = await lekha.visit("/admin/settings")
        await saves(meena, support_email="help@doorstep.in")
        assert (await lekha.submit(page, "/admin/settings", support_email="help@doorstep.in")).status == 303


async def test_an_email_shows_the_contacts_where_there_are_some(own_app):
    services = own_app.state.services
    async with services.database.work() as db:
        asha = await a_customer(db)
        row = Outbox(channel="email", kind="password_changed", recipient_id=asha.id, data={}, dedupe_key="x")
        row.created_at = row.due_at = clock.now()
        db.add(row)
        await db.flush()
        place = (services.templates, services.encryption, "https://doorstep.example", "D <d@x.in>")
        silent = await MessageRenderer(*place).render(db, row)
        officer = GrievanceOfficer("Meena Iyer", "m@doorstep.in")
        known = Contacts("help@doorstep.in", "+919840012345", "+919840054321", officer)
        message = await MessageRenderer(*place, known).render(db, row)
    assert "Questions?" not in silent.html + silent.text
    for link in (*LINKS, "https://doorstep.example/help"):
        assert f'href="{link}"' in message.html
    for word in ("https://doorstep.example/help", "+91 98400 12345", "https://wa.me/919840054321", "help@doorstep.in"):
        assert word in message.text


def test_the_environment_is_read_and_checked():
    read = settings("postgresql://x/y", "redis://localhost", **ENVIRONMENT)
    contacts = default_contacts(read)
    assert contacts.officer == GrievanceOfficer("Lekha Nair", "lekha@doorstep.in", "Sat, 10 am to 1 pm")
    assert merge_contacts(contacts, {"support_phone": "", "support_email": "a@b.in"}).phone == "+914422334455"
    assert merge_contacts(contacts, {"support_email": "a@b.in"}).email == "a@b.in"
