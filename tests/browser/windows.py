"""A browser window in headless Chromium, which records every console error and failed request."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    async_playwright,
    expect,
)

PHONE: ViewportSize = {"width": 390, "height": 844}
MIN_SCREEN_WIDTH = 320
UPDATE_TIMEOUT_MS = 2_000  # milliseconds in which a page shows what happened elsewhere
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
AXE = next(Path(__file__).with_name("vendor").glob("axe-*.min.js"))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = (
    "async (tags) => (await axe.run(document, {runOnly: tags})).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
)
TOO_WIDE = "() => document.scrollingElement.scrollWidth - innerWidth"


def chromium() -> str:
    """Its path; without it the test is skipped loudly, or fails where a browser is required."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        text = "Chromium was not found: the tests with a real browser do not run"
        if os.environ.get("DOORSTEP_REQUIRE_BROWSER") == "1":
            pytest.fail(text)
        pytest.skip(text)
    return path


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    path = chromium()  # first: where it is missing, what its driver needs is often missing too
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        await started.close()


@dataclass
class Window:
    """`complaints`: console errors and warnings, page errors, policy reports, foreign requests, server errors.

    `checked_pages` are the addresses that axe-core checked, `shown` their texts.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    checked_pages: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, url: str) -> "Window":
        context = await browser.new_context(base_url=url, viewport=PHONE, has_touch=True, locale="en-IN")
        made = cls(await context.new_page(), url)
        made.page.on("console", made._record_console)
        made.page.on("pageerror", lambda problem: made.complaints.append(f"page error: {problem}"))
        made.page.on("request", made._record_request)
        made.page.on("response", made._see_response)
        return made

    async def goto(self, path: str) -> None:
        await self.page.goto(path)
        await self.check_page()

    async def follow(self, text: str) -> None:
        """Press the link with this text and check the page it leads to."""
        before = self.page.url
        await self.page.get_by_role("link", name=text).first.click()
        await self.arrive(before)

    async def press(self, text: str) -> None:
        await self.page.get_by_role("button", name=text).click()

    async def press_and_arrive(self, text: str) -> None:
        before = self.page.url
        await self.press(text)
        await self.arrive(before)

    async def arrive(self, before: str) -> None:
        """Wait until another page than `before` is shown."""
        await self.page.wait_for_url(lambda now: now != before, wait_until="load", timeout=15_000)
        await self.check_page()

    async def shows(self, selector: str, text: str = "") -> None:
        """Within two seconds, without a reload of the page."""
        await expect(self.page.locator(selector, has_text=text or None).first).to_be_visible(timeout=UPDATE_TIMEOUT_MS)

    async def mark(self) -> None:
        """Mark the document; `is_marked` tells whether it is still shown."""
        await self.page.evaluate("() => { document.documentElement.dataset.mark = 'same' }")

    async def is_marked(self) -> bool:
        return bool(await self.page.evaluate("() => document.documentElement.dataset.mark === 'same'"))

    async def check_page(self) -> None:
        """axe-core finds nothing, and the narrowest phone shows the page without scrolling sideways."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        violations: Any = await self.page.evaluate(JUDGE, RULES)
        assert violations == [], f"{self.page.url}: {violations}"
        await self.page.set_viewport_size({"width": MIN_SCREEN_WIDTH, "height": PHONE["height"]})
        too_wide = await self.page.evaluate(TOO_WIDE)
        await self.page.set_viewport_size(PHONE)
        assert too_wide <= 0, f"{self.page.url} is {too_wide} px too wide at {MIN_SCREEN_WIDTH}"
        self.checked_pages.append(self.page.url.removeprefix(self.url))
        self.shown.append(await self.page.content())

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _record_request(self, request: Request) -> None:
        if "/csp-report" in request.url:
            self.complaints.append(f"policy report: {request.post_data}")
        elif not request.url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"foreign request: {request.url}")

    def _see_response(self, answer: Response) -> None:
        if answer.status >= 500:
            self.complaints.append(f"{answer.status} from {answer.url}")
