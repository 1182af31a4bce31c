"""Two web processes on one PostgreSQL and one Valkey, and people with real browsers in front of them."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from app.accounts.session import Sessions
from app.accounts.user import User
from app.kit import clock
from app.kit.db import Database
from app.kit.secrets import digest, new_token
from app.kit.vault import Vault

SECRET = "a secret for the tests of live pages, long enough"
PHONE = {"width": 390, "height": 844}


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
    environment = dict(os.environ) | {
        "DOORSTEP_ENV": "test",
        "DATABASE_URL": live_url,
        "REDIS_URL": services.redis_url,
        "SECRET_KEY": SECRET,
        "LOG_LEVEL": "warning",
    }
    made = Web(environment, _free_port()), Web(environment, _free_port())
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
def chromium() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        words = "Chromium was not found: the tests with a real browser do not run"
        if os.environ.get("DOORSTEP_REQUIRE_BROWSER") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return path


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


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


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
