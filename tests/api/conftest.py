"""The whole application, and programs that speak to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar

from app.catalog.service import Service
from app.core.encryption import Vault
from app.core.secrets import Passwords
from tests.application import serving, settings
from tests.factories import TAMBARAM, a_customer, a_professional, a_service, an_admin
from tests.program import PASSWORD, Program

Comes = Callable[[str], Awaitable[Program]]


@pytest.fixture(scope="session")
async def app(services: Any) -> AsyncIterator[Litestar]:
    url = services.app_url(services.clone())
    async with serving(settings(url, services.redis_url)) as made:
        yield made


@pytest.fixture
async def program(app: Litestar) -> AsyncIterator[Program]:
    async with Program(app) as one:
        yield one


@pytest.fixture
async def comes(app: Litestar, people: dict[str, Any]) -> AsyncIterator[Comes]:
    """comes("asha"): a program of hers, signed in."""
    open_ones: list[Program] = []

    async def come(who: str) -> Program:
        open_ones.append(Program(app))
        assert (await open_ones[-1].sign_in(people[who].email)).status_code == 200
        return open_ones[-1]

    yield come
    for one in open_ones:
        await one.aclose()


@pytest.fixture(scope="session")
async def service(app: Litestar) -> Service:
    async with app.state.database.work() as db:
        return await a_service(db, price=149_00, horizon_days=30)


@pytest.fixture(scope="session")
async def people(app: Litestar, service: Service) -> dict[str, Any]:
    """Asha books what Ravi and Kumar do in Adyar; Omar and Balu have nothing to do with it."""
    hashed = await Passwords(Vault(app.state.settings.secret_key), cheap=True).hash(PASSWORD)
    async with app.state.database.work() as db:
        made = {
            "asha": await a_customer(db, email="asha.api@example.com"),
            "omar": await a_customer(db, "Omar Sheriff", email="omar.api@example.com"),
            "ravi": await a_professional(db, "Ravi Kumar", email="ravi.api@example.com", services=[service]),
            "kumar": await a_professional(db, "Kumar Raja", email="kumar.api@example.com", services=[service]),
            "balu": await a_professional(
                db, "Balu V", email="balu.api@example.com", services=[], pincodes=[TAMBARAM], home=TAMBARAM
            ),
            "meena": await an_admin(db, email="meena.api@example.com"),
        }
        for user in made.values():
            user.password_hash = hashed
    return made
