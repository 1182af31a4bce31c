"""The application with a database and a private folder of one test, and the people of a booking."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.accounts.repository import Users
from app.accounts.user import User
from tests.api_client import ApiClient
from tests.bookings.scenes import Scene
from tests.factories import PASSWORD, an_admin
from tests.own_application import own_app, own_storage
from tests.person import Person

__all__ = ["own_app", "own_storage"]


@pytest.fixture
async def scene(own_app):
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene: Scene) -> Person:
    return await scene.browser(scene.asha)


@pytest.fixture
async def ravi(scene: Scene) -> Person:
    return await scene.browser(scene.ravi)


@pytest.fixture
async def admin(scene: Scene) -> User:
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def meena(scene: Scene, admin: User) -> Person:
    return await scene.browser(admin)


@pytest.fixture
async def client_of(scene: Scene) -> AsyncIterator[Callable[[User], Awaitable[ApiClient]]]:
    """Sign people in to the API."""
    clients: list[ApiClient] = []
    password_hash = await scene.app.state.services.passwords.hash(PASSWORD)

    async def sign_in(user: User) -> ApiClient:
        async with scene.database.work() as db:
            (await Users(db).get(user.id)).password_hash = password_hash
        clients.append(ApiClient(scene.app))
        assert (await clients[-1].sign_in(user.email, PASSWORD)).status_code == 200
        return clients[-1]

    yield sign_in
    for client in clients:
        await client.aclose()
