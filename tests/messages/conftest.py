"""An application of its own for the tests that ask for it, and a booking that Ravi has accepted."""

import pytest

from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


@pytest.fixture
async def ravi(scene):
    return await scene.browser(scene.ravi)


@pytest.fixture
async def ref(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    return reference
