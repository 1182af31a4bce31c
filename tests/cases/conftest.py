"""An application of its own for every test, with Meena and Lekha as admins."""

import pytest

from tests.factories import an_admin
from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def lekha(scene, meena):
    async with scene.database.work() as db:
        return await an_admin(db, "Lekha Narayanan")
