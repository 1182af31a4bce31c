"""The application on a database of its own, and people with browsers who come to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar

from app.accounts.user import User
from app.kit.db import Database
from app.kit.vault import Vault
from app.main import create_app
from app.settings import Settings
from tests.person import Person

SignedIn = Callable[[User], Awaitable[Person]]


@pytest.fixture(scope="session")
async def app(services: Any) -> AsyncIterator[Litestar]:
    env = {"DOORSTEP_ENV": "test", "DATABASE_URL": services.app_url(services.clone()), "REDIS_URL": services.redis_url}
    app = create_app(Settings.from_env({**env, "LOG_LEVEL": "warning"}))
    up, down = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            up.set()
            await down.wait()

    # Entered and left in one task, as the task groups inside demand.
    running = asyncio.create_task(live())
    await asyncio.wait([running, asyncio.create_task(up.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert up.is_set(), running.exception()
    yield app
    down.set()
    await running


@pytest.fixture
def app_database(app: Litestar) -> Database:
    return app.state.database


@pytest.fixture
def app_vault(app: Litestar) -> Vault:
    """The vault with which this application seals codes."""
    return app.state.vault


@pytest.fixture
async def browser_of(app: Litestar) -> AsyncIterator[SignedIn]:
    """A new browser in which somebody is signed in."""
    people: list[Person] = []

    async def open_for(user: User) -> Person:
        people.append(await Person(app).signed_in_as(user, app.state.database))
        return people[-1]

    yield open_for
    for person in people:
        await person.aclose()
