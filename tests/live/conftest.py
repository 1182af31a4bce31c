"""Two web processes on one PostgreSQL and one Valkey, and people with real browsers in front of them."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from app.accounts.session import Sessions
from app.accounts.user import User
from app.core import clock
from app.core.db import Database
from app.core.encryption import Vault
from app.core.secrets import digest, new_token
from tests.browser import windows
from tests.browser.windows import PHONE
from tests.processes import SECRET, environment, free_ports


@dataclass
class Web:
    """One `doorstep web` of its own, which may be stopped and started again at the same address."""

    environment: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> "Web":
        self._spawn()
        async with httpx.AsyncClient() as client:
            for _ in range(400):
                try:
                    if (await client.get(self.url + "/health")).status_code == 200:
                        return self
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        raise AssertionError("the web process did not come up")

    def _spawn(self) -> None:
        command = [str(Path(sys.executable).parent / "doorstep"), "web", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=10)
            self.process = None


@dataclass
class Window:
    """One person's browser window, and everything its console complained about."""

    context: BrowserContext
    page: Page
    said: list[str] = field(default_factory=list)


Opens = Callable[[User, Web, str], Awaitable[Window]]


@pytest.fixture(scope="session")
def live_url(services: Any) -> str:
    return services.app_url(services.clone())


@pytest.fixture(scope="session")
async def live_database(live_url: str) -> AsyncIterator[Database]:
    database = Database(live_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def webs(services: Any, live_url: str) -> AsyncIterator[tuple[Web, Web]]:
    given = environment(live_url, services.redis_url)
    one, two = free_ports(2)
    made = Web(given, one), Web(given, two)
    try:
        await asyncio.gather(*(web.start() for web in made))
        yield made
    finally:
        for web in made:
            web.stop()


@pytest.fixture
def vault() -> Vault:
    return Vault(SECRET)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


@pytest.fixture
async def window(browser: Browser, live_database: Database) -> AsyncIterator[Opens]:
    """window(ravi, web, "/jobs"): signed in, a phone, the page open and listening."""
    opened: list[Window] = []

    async def open_for(user: User, web: Web, path: str) -> Window:
        token = new_token()
        async with live_database.work() as db:
            await Sessions(live_database).open(db, user, digest(token), clock.now(), "")
        context = await browser.new_context(base_url=web.url, viewport=PHONE, has_touch=True)
        await context.add_cookies([{"name": "ds", "value": token, "url": web.url}])
        page = await context.new_page()
        made = Window(context, page)
        page.on("console", lambda told: made.said.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: made.said.append(str(problem)))
        async with page.expect_response(lambda answer: answer.url.endswith("/live")):
            await page.goto(path)
        await page.wait_for_timeout(300)
        opened.append(made)
        return made

    yield open_for
    for one in opened:
        await one.context.close()
