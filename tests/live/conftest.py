"""Two web processes on one PostgreSQL and one Valkey, and real browsers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from app.accounts.session import Sessions
from app.accounts.user import User
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.secrets import digest, new_token
from tests.browser import windows
from tests.browser.windows import PHONE
from tests.processes import SECRET, Running, environment, free_ports, start


@dataclass
class WebProcess:
    """One `doorstep web` process, which can be stopped and started again on the same port."""

    environment: dict[str, str]
    port: int
    running: Running | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> "WebProcess":
        running = self.running = start(self.environment, "web", self.port)
        async with httpx.AsyncClient() as client:
            for _ in range(400):
                try:
                    if (await client.get(self.url + "/health")).status_code == 200:
                        return self
                except httpx.HTTPError:
                    running.assert_running()
                    await asyncio.sleep(0.1)
        raise AssertionError(f"the web process did not come up. It printed:\n{running.output}")

    def stop(self) -> None:
        if self.running is not None:
            self.running.end(10)
            self.running = None


@dataclass
class Window:
    """A person's browser window, and its console's errors and warnings."""

    context: BrowserContext
    page: Page
    console_messages: list[str] = field(default_factory=list)


Opens = Callable[[User, WebProcess, str], Awaitable[Window]]


@pytest.fixture(scope="session")
def live_url(services: Any) -> str:
    return services.app_url(services.clone())


@pytest.fixture(scope="session")
async def live_database(live_url: str) -> AsyncIterator[Database]:
    database = Database(live_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def webs(services: Any, live_url: str) -> AsyncIterator[tuple[WebProcess, WebProcess]]:
    process_environment = environment(live_url, services.redis_url)
    first_port, second_port = free_ports(2)
    processes = WebProcess(process_environment, first_port), WebProcess(process_environment, second_port)
    try:
        await asyncio.gather(*(web.start() for web in processes))
        yield processes
    finally:
        for web in processes:
            web.stop()


@pytest.fixture
def encryption() -> Encryption:
    return Encryption(SECRET)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


@pytest.fixture
async def window(browser: Browser, live_database: Database) -> AsyncIterator[Opens]:
    """window(ravi, web, "/jobs"): signed in, a phone, the page open and listening."""
    opened: list[Window] = []

    async def open_for(user: User, web: WebProcess, path: str) -> Window:
        token = new_token()
        async with live_database.work() as db:
            await Sessions(live_database).open(db, user, digest(token), clock.now(), "")
        context = await browser.new_context(base_url=web.url, viewport=PHONE, has_touch=True)
        await context.add_cookies([{"name": "ds", "value": token, "url": web.url}])
        page = await context.new_page()
        opened_window = Window(context, page)
        page.on(
            "console",
            lambda message: (
                opened_window.console_messages.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda problem: opened_window.console_messages.append(str(problem)))
        async with page.expect_response(lambda answer: answer.url.endswith("/live")):
            await page.goto(path)
        await page.wait_for_timeout(300)
        opened.append(opened_window)
        return opened_window

    yield open_for
    for each in opened:
        await each.context.close()
