"""A small town on a Tuesday morning: the whole catalogue, three plumbers, an electrician, a customer."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import select, text

from app.accounts.session import Sessions
from app.accounts.user import User
from app.catalog.reference_data import load_catalogue
from app.catalog.service import Service
from app.core import clock
from app.core.cache import ALL_TAGS
from app.core.db import Database
from app.core.secrets import digest, new_token
from tests.api_client import ApiClient
from tests.application import serving, settings
from tests.discovery import cached_writes
from tests.discovery.cached_writes import MORNING, WrittenTown
from tests.factories import ADYAR, BESANT_NAGAR, a_customer, a_professional, a_service, an_admin
from tests.person import URL, Page
from tests.reports.conftest import meena, own_app, scene  # noqa: F401

TUESDAY = cached_writes.TUESDAY
NO_REDIS = "redis://127.0.0.1:1/0"
LEAKS = "fixing-leaks-and-pipes"


class VisitorBrowser(httpx.AsyncClient):
    """A browser that only reads pages."""

    def __init__(self, app: Litestar) -> None:
        super().__init__(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=URL)  # type: ignore[arg-type]

    async def visit(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Page:
        return Page(await self.get(path, params=fields or None, headers=headers))


@dataclass
class Town:
    ravi: User
    balu: User
    geeta: User
    arun: User
    asha: User
    services: dict[str, Service]

    def __getitem__(self, slug: str) -> Service:
        return self.services[slug]


@pytest.fixture(autouse=True)
def a_tuesday() -> Iterator[None]:
    with clock.freeze(TUESDAY):
        yield


@pytest.fixture(scope="module")
async def app(services: Any) -> AsyncIterator[Litestar]:
    async with serving(settings(services.app_url(services.clone()), services.redis_url)) as app:
        yield app


@pytest.fixture(scope="module")
async def town(app: Litestar) -> Town:
    database: Database = app.state.services.database
    with clock.freeze(TUESDAY):
        async with database.work(app.state.services.after_commit) as db:
            await load_catalogue(db)
            services = {service.slug: service for service in await db.scalars(select(Service))}
            pipes = [services[slug] for slug in (LEAKS, "tap-or-mixer-replacement", "blocked-drain-or-floor-trap")]
            await a_professional(db, "Devi Rao", services=pipes[2:], pincodes=[ADYAR])
            return Town(
                ravi=await a_professional(db, "Ravi Kumar", services=pipes),
                balu=await a_professional(db, "Balasubramaniam V", services=pipes[:1], home=BESANT_NAGAR),
                geeta=await a_professional(db, "Geeta Menon", services=pipes[:1], approval="pending"),
                arun=await a_professional(
                    db, "Arun Das", services=[services["ceiling-fan-installation"]], pincodes=[BESANT_NAGAR]
                ),
                asha=await a_customer(db, "Asha Raman", pincode=ADYAR),
                services=services,
            )


@pytest.fixture
async def visitor(app: Litestar, town: Town) -> AsyncIterator[VisitorBrowser]:
    async with VisitorBrowser(app) as browser:
        yield browser


@pytest.fixture
async def asha(app: Litestar, town: Town) -> AsyncIterator[VisitorBrowser]:
    """A customer of Adyar, signed in."""
    token, database = new_token(), app.state.services.database
    async with database.work() as db:
        await Sessions(database).open(db, town.asha, digest(token), clock.now(), "")
    async with VisitorBrowser(app) as browser:
        browser.cookies.set("ds", token)
        yield browser


@pytest.fixture
def morning(a_tuesday: None) -> Iterator[None]:
    with clock.freeze(MORNING):
        yield


@pytest.fixture(scope="module")
async def two_processes(services: Any) -> AsyncIterator[tuple[Litestar, Litestar]]:
    """One that caches and one that cannot, on one database."""
    url = services.app_url(services.clone())
    async with serving(settings(url, services.redis_url)) as app, serving(settings(url, NO_REDIS)) as uncached:
        yield app, uncached


@pytest.fixture
async def written_town(morning: None, two_processes: tuple[Litestar, Litestar]) -> AsyncIterator[WrittenTown]:
    app, uncached = two_processes
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await db.execute(text("UPDATE services SET retired_at = now() WHERE retired_at IS NULL"))  # of earlier tests
        service = await a_service(db, "Mending a kite")
        kabir = await a_professional(db, "Kabir Shah", services=[service, await a_service(db, "Flying a kite")])
        asha, meena = await a_customer(db, "Asha Raman"), await an_admin(db)
    await app.state.services.after_commit.cache.invalidate([ALL_TAGS])  # no event told of the lines above
    async with ApiClient(app) as client, ApiClient(uncached) as judge:
        yield WrittenTown(app, client, judge, service, kabir, asha, meena)
    await app.state.services.after_commit.cache.invalidate([ALL_TAGS])
