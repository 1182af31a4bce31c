"""The application on a database of its own, behind one trusted proxy, and browsers on different networks."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest
from litestar import Litestar
from sqlalchemy import text

from app.core.db import Database
from app.notifications.messages import MessageRenderer, OutOfDate, RenderedMessage
from app.notifications.repository import OutboxRepository
from tests.application import serving, settings
from tests.person import Person

PASSWORD = "correct horse battery"
_places = count(1)


@pytest.fixture(scope="session")
async def app(services: Any) -> AsyncIterator[Litestar]:
    """Behind one trusted proxy."""
    database_url = services.app_url(services.clone())
    async with serving(settings(database_url, services.redis_url, TRUSTED_PROXIES="1")) as made:
        yield made


@pytest.fixture
async def new_person(app: Litestar) -> AsyncIterator[Callable[[], Person]]:
    """Return a function that opens a new browser on a network of its own."""
    people: list[Person] = []

    def open_browser(ip_address: str | None = None) -> Person:
        person = Person(app)
        number = next(_places)
        person.headers["x-forwarded-for"] = ip_address or f"198.51.{number // 250}.{number % 250 + 1}"
        people.append(person)
        return person

    yield open_browser
    for person in people:
        await person.aclose()


@pytest.fixture
def visitor(new_person: Callable[[], Person]) -> Person:
    return new_person()


def a_form(email: str, **fields: str) -> dict[str, str]:
    """A sign-up as Asha would fill it in."""
    return {
        "full_name": "Asha Raman",
        "email": email,
        "phone": "+91 00000 00412",
        "password": PASSWORD,
        "address": "Flat 3B, Sri Lakshmi Apartments",
        "pincode": "600020",
    } | fields


@pytest.fixture
def email() -> str:
    return f"asha-{next(_places)}@example.com"  # the factories write a full stop


@pytest.fixture
async def asha(visitor: Person, email: str) -> Person:
    """Signed up and signed in."""
    await visitor.submit(await visitor.visit("/register"), "/register", **a_form(email))
    assert (await visitor.sign_in(email, PASSWORD)).status == 303
    return visitor


@pytest.fixture
def emails_to(app: Litestar) -> Callable[[str], Any]:
    """Pending emails to an address, oldest first, as (kind, message)."""

    async def find(address: str) -> list[tuple[str, RenderedMessage]]:
        services = app.state.services
        renderer = MessageRenderer(
            services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
        )
        async with services.database.work() as db:
            found = []
            for mail in reversed(await OutboxRepository(db).latest(500)):
                try:
                    email_message = await renderer.render(db, mail)
                except OutOfDate:
                    continue
                if email_message.recipient == address:
                    found.append((mail.kind, email_message))
            return found

    return find


@pytest.fixture
def scalar(app_database: Database) -> Callable[..., Any]:
    """Return the first value of a SQL statement."""

    async def response(sql: str, **fields: Any) -> Any:
        async with app_database.work() as db:
            return await db.scalar(text(sql), fields)

    return response
