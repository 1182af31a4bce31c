"""A town whose data is consistent; what a test changes in it is rolled back."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.repository import Bookings
from app.core import clock
from app.core.db import Database
from app.core.storage import Storage
from app.reviews.submission import submit_review
from tests.application import serving, settings
from tests.authorisation.town import NINE, Town, build


@dataclass
class Sound:
    """`name` is the database's; `owner` and `app` are its two roles."""

    name: str
    town: Town
    owner: Database
    app: Database
    storage: Storage

    def trying(self, *, as_owner: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """A session whose work is undone."""
        return _undone(self.owner if as_owner else self.app)


@asynccontextmanager
async def _undone(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.sessions() as db:
        yield db
        await db.rollback()


@pytest.fixture(scope="module")
async def sound(services: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sound]:
    name, storage = services.clone(), Storage(tmp_path_factory.mktemp("uploads"))
    owner, app = Database(services.owner_url(name)), Database(services.app_url(name))
    async with serving(settings(services.app_url(name), services.redis_url, UPLOADS_DIR=str(storage.root))) as made:
        town = await build(made)
        with clock.freeze(NINE):
            async with app.work() as db:
                await _more(db, town)
    yield Sound(name, town, owner, app, storage)
    await owner.close()
    await app.close()


async def _more(db: AsyncSession, town: Town) -> None:
    """A review, so that every table holds something."""
    await submit_review(db, town.people["asha"], town.values["completed"], 5, "Quick and clean.")
    done = await Bookings(db).by_reference(town.values["completed"])
    assert done.state == "closed"
