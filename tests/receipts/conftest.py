"""A completed booking, and a visitor without an account."""

import pytest

from tests.bookings.scenes import Scene
from tests.person import Person
from tests.receipts.scene import handed_over


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    for person in scene.people:
        await person.aclose()


@pytest.fixture
async def handover(scene):
    return await handed_over(scene)


@pytest.fixture
async def visitor(app):
    bus = app.state.services.after_commit.bus
    async for key in bus.redis.scan_iter(f"{bus.prefix}limit:receipts:*"):
        await bus.redis.delete(key)  # as if the minute were over
    async with Person(app) as person:
        yield person
