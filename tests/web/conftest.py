"""The application on a database of its own, with handlers that only tests use."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from app.accounts.session import Sessions
from app.accounts.user import Role, User
from app.core import clock
from app.core.db import Database
from app.core.secrets import digest, new_token
from app.settings import Settings
from tests.application import serving, settings
from tests.factories import a_user
from tests.web.handlers import TEMPLATES, TEST_HANDLERS

URL = "http://localhost:8000"


class Browser(httpx.AsyncClient):
    """One person's browser: keeps cookies, follows nothing by itself, knows the token of the last form."""

    def __init__(self, app: Litestar) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
        super().__init__(transport=transport, base_url=URL)
        self.app = app

    async def token(self) -> str:
        page = await self.get("/t/form")
        found = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
        assert found, page.text
        return found[1]

    async def signed_in_as(self, user: User) -> "Browser":
        token = new_token()
        database: Database = self.app.state.services.database
        async with database.work() as db:
            await Sessions(database).open(db, user, digest(token), clock.now(), "")
        self.cookies.set("ds", token)
        return self


@pytest.fixture(scope="session")
def web_settings(services: Any) -> Settings:
    return settings(services.app_url(services.clone()), services.redis_url)


@pytest.fixture(scope="session")
async def app(web_settings: Settings) -> AsyncIterator[Litestar]:
    async with serving(web_settings, more=TEST_HANDLERS) as app:
        app.state.services.templates.loader.searchpath.append(str(TEMPLATES))
        yield app


@pytest.fixture
async def visitor(app: Litestar) -> AsyncIterator[Browser]:
    async with Browser(app) as browser:
        yield browser


@pytest.fixture
async def asha(app: Litestar) -> User:
    async with app.state.services.database.work() as db:
        return await a_user(db, Role.CUSTOMER, "Asha Raman")


@pytest.fixture
async def ravi(app: Litestar) -> User:
    async with app.state.services.database.work() as db:
        return await a_user(db, Role.PROFESSIONAL, "Ravi Kumar")


@pytest.fixture
async def ashas(app: Litestar, asha: User) -> AsyncIterator[Browser]:
    async with Browser(app) as browser:
        yield await browser.signed_in_as(asha)


@pytest.fixture
async def ravis(app: Litestar, ravi: User) -> AsyncIterator[Browser]:
    async with Browser(app) as browser:
        yield await browser.signed_in_as(ravi)
