"""The stage for leaving: people whose every word is a canary, and the private folder of this test alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.core.storage import Storage
from tests.application import serving, settings
from tests.bookings.scenes import Scene
from tests.factories import PASSWORD

TABLES = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")


@pytest.fixture
async def own_app(own_url: str, services: Any, tmp_path) -> AsyncIterator[Litestar]:
    """With a database and a private folder that are this test's alone."""
    own = settings(own_url, services.redis_url, UPLOADS_DIR=str(tmp_path / "uploads"))
    async with serving(own) as made:
        yield made


@pytest.fixture
def storage(own_app: Litestar) -> Storage:
    kept: Storage = own_app.state.storage
    return kept


@pytest.fixture
async def scene(own_app: Litestar) -> AsyncIterator[Scene]:
    """Everybody can sign in with PASSWORD."""
    made = await Scene.set(own_app)
    password = await own_app.state.passwords.hash(PASSWORD)
    async with made.database.work() as db:
        for user in (made.asha, made.omar, made.ravi, made.kumar):
            user.password_hash = password
            db.add(user)
    yield made
    await made.leave()


async def named(scene: Scene, user: User, full_name: str, email: str, phone: str) -> User:
    async with scene.database.work() as db:
        db.add(user)
        user.full_name, user.email, user.phone = full_name, email, phone
    return user


async def traces(db: AsyncSession, *canaries: str) -> dict[str, list[str]]:
    """The rows of every table that hold any of these words, whatever the case."""
    found: dict[str, list[str]] = {}
    for table in await db.scalars(TABLES):
        if table == "pincodes":
            continue
        query = f'SELECT t::text FROM "{table}" t WHERE lower(t::text) LIKE ANY(:words)'
        rows = await db.scalars(text(query), {"words": [f"%{word.lower()}%" for word in canaries]})
        if kept := list(rows):
            found[table] = kept
    return found
