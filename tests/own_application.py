"""Fixtures for tests that need an application with a database and a private folder of their own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar

from app.core.storage import Storage
from tests.application import serving, settings
from tests.bookings.scenes import Scene
from tests.factories import PASSWORD


@pytest.fixture
async def own_app(own_url: str, services: Any, tmp_path) -> AsyncIterator[Litestar]:
    """The application on a database and a private folder of this test alone."""
    async with serving(settings(own_url, services.redis_url, UPLOADS_DIR=str(tmp_path / "uploads"))) as app:
        yield app


@pytest.fixture
def own_storage(own_app: Litestar) -> Storage:
    storage: Storage = own_app.state.services.storage
    return storage


@pytest.fixture
async def scene(own_app: Litestar) -> AsyncIterator[Scene]:
    """The people of a scene, all of whom can sign in with PASSWORD."""
    scene = await Scene.set(own_app)
    password_hash = await own_app.state.services.passwords.hash(PASSWORD)
    async with scene.database.work() as db:
        for user in (scene.asha, scene.omar, scene.ravi, scene.kumar):
            user.password_hash = password_hash
            db.add(user)
    yield scene
    await scene.close()
