"""Fixtures for all tests: a database whose changes are rolled back, the application, signed-in browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.user import User
from app.core.db import Database, ReadingSession
from app.core.encryption import Encryption
from tests.application import serving, settings
from tests.person import Person

if TYPE_CHECKING:
    from tests.services import Services

pytest_plugins = ["tests.services", "tests.api_client"]

hypothesis.settings.register_profile("doorstep", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("doorstep")
WAITING_FOLDERS = ("stories", "faults", "api", "dev", "live")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait for processes and browsers evenly among those that compute.

    So the test processes seldom wait at the same time. Files with few tests are left for the end.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path in files if path.parent.name in WAITING_FOLDERS]
    computing = sorted((path for path in files if path not in waiting), key=lambda path: -len(files[path]))
    place = {path: (n + 1) / (len(group) + 1) for group in (waiting, computing) for n, path in enumerate(group)}
    items[:] = [item for path in sorted(files, key=place.__getitem__) for item in files[path]]


@pytest.fixture(scope="session")
def shared(services: "Services") -> str:
    """The URL of one migrated database that no test leaves changed."""
    return services.app_url(services.clone())


@pytest.fixture(scope="session")
async def shared_database(shared: str) -> AsyncIterator[Database]:
    """Its connection, with the statements that it knows, serves one test after the other."""
    database = Database(shared, pool_size=1)
    yield database
    await database.close()


@pytest.fixture
async def database(shared_database: Database) -> AsyncIterator[Database]:
    """A database on one connection; everything is rolled back after the test."""
    database = copy(shared_database)
    async with database.engine.connect() as connection:
        outer = await connection.begin()
        on_connection: dict[str, Any] = {"bind": connection, "join_transaction_mode": "create_savepoint"}
        database.sessions = async_sessionmaker(**on_connection, expire_on_commit=False)
        database.readers = async_sessionmaker(**on_connection, sync_session_class=ReadingSession)
        yield database
        await outer.rollback()


@pytest.fixture
async def db(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.sessions() as session:
        yield session


@pytest.fixture
def own_url(services: "Services") -> Iterator[str]:
    """The URL (application's role) of a database of the test's own, for races and for real servers."""
    name = services.clone()
    yield services.app_url(name)
    services.drop(name)


@pytest.fixture
async def own_database(own_url: str) -> AsyncIterator[Database]:
    """A database with real connections and commits."""
    database = Database(own_url, pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def app(services: "Services") -> AsyncIterator[Litestar]:
    """The application on a database that tests share; its rows stay until the end of the run."""
    async with serving(settings(services.app_url(services.clone()), services.redis_url)) as made:
        yield made


@pytest.fixture
def app_database(app: Litestar) -> Database:
    return app.state.services.database


@pytest.fixture
def app_encryption(app: Litestar) -> Encryption:
    """The encryption of the application's codes."""
    return app.state.services.encryption


@pytest.fixture
async def browser_of(app: Litestar) -> AsyncIterator[Callable[[User], Awaitable[Person]]]:
    """Return a function that opens a browser signed in as a user."""
    people: list[Person] = []

    async def open_for(user: User) -> Person:
        people.append(await Person(app).signed_in_as(user, app.state.services.database))
        return people[-1]

    yield open_for
    for person in people:
        await person.aclose()
