"""A town with a booking's people, and the browsers of two customers."""

import pytest

from tests.bookings.scenes import Scene


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def omar(scene):
    return await scene.browser(scene.omar)
