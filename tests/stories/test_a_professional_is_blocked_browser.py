"""In real browsers: Meena blocks Ravi while he is at work and has another job; Asha sees it."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, ViewportSize, expect

from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from app.jobs.acceptance import accept
from tests.browser import windows
from tests.browser.windows import Window
from tests.factories import a_customer, a_request, a_start, an_admin
from tests.processes import SECRET, environment, town_of_processes
from tests.town import PASSWORD, Town, build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
REASON = "Three customers were asked for more money at the door."


@pytest.fixture
async def town(own_database) -> Town:
    """Ravi has started one job of Asha's and accepted another; Asha owes nothing."""
    async with own_database.work() as db:
        town = await build(db, SECRET)
        hashed = await Passwords(Encryption(SECRET), cheap=True).hash(PASSWORD)
        admin = await an_admin(db, email="meena@example.com")
        asha = await a_customer(db, email="asha@example.com")
        admin.password_hash = asha.password_hash = hashed
        town.started, town.upcoming = [
            (await a_request(db, asha, town.service, a_start(day), professional_id=town.ravi.id)).reference
            for day in (1, 2)
        ]
    async with own_database.work() as db:
        for reference in (town.started, town.upcoming):
            booking = await accept(db, town.ravi, reference, Encryption(SECRET))
            if reference == town.started:
                booking.start(town.ravi, booking.live_code("start"), Encryption(SECRET))
    return town


@pytest.fixture
async def webs(town, own_url, services) -> AsyncIterator[list[str]]:
    redis_url = services.redis_url.rpartition("/")[0] + "/9"
    async with town_of_processes(environment(own_url, redis_url)) as urls:
        yield urls


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def test_a_professional_is_blocked_before_everyones_eyes(webs, browser, town, own_database):
    meena, ravi, asha = [await Window.open(browser, url) for url in (webs[0], webs[1], webs[1])]
    for window, name in ((meena, "meena"), (ravi, "ravi"), (asha, "asha")):
        await _signs_in(window, name)
    await ravi.goto(f"/jobs/{town.upcoming}")
    await asha.goto(f"/bookings/{town.upcoming}")
    await asha.shows("#start-code")
    await asha.mark()
    line = asyncio.create_task(_listens(ravi))
    await asyncio.sleep(0.5)

    await _blocks(meena, town)
    result = await asyncio.wait_for(line, 5)
    assert result[-1] == "live-end"
    await expect(asha.page.locator("#start-code")).to_have_count(0, timeout=6_000)
    assert await asha.is_marked()
    await asha.check_page()

    await _finishes_what_has_started(ravi, asha, town)
    await _unblocks(meena, town)
    await ravi.goto("/jobs")
    await ravi.shows("h1")
    ravi.complaints[:] = [complaint for complaint in ravi.complaints if "403" not in complaint]
    for window in (meena, ravi, asha):
        assert window.complaints == []
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def _signs_in(window: Window, name: str) -> None:
    await window.goto("/login")
    await window.page.fill("[name=email]", f"{name}@example.com")
    await window.page.fill("[name=password]", PASSWORD)
    await window.press("Sign in")
    await window.page.wait_for_url(lambda now: "/login" not in now)


async def _listens(window: Window) -> list[str]:
    """The events on the live stream of this window's session, until it ends."""
    cookies = {cookie["name"]: cookie["value"] for cookie in await window.page.context.cookies()}
    received = []
    async with (
        httpx.AsyncClient(base_url=window.url, cookies=cookies, timeout=20) as client,
        client.stream("GET", "/live") as answer,
    ):
        async for text in answer.aiter_lines():
            if text.startswith("event: "):
                received.append(text.removeprefix("event: "))
    return received


async def _blocks(meena: Window, town: Town) -> None:
    """The effects are shown; without a reason nothing happens."""
    await meena.goto(f"/admin/professionals/{town.ravi.id}/block")
    await meena.page.set_viewport_size(DESKTOP)
    await meena.shows("#block", "Offers 1 accepted job to others")
    await meena.shows("#block", "1 job in progress will be finished as agreed")
    await meena.press("Block and offer 1 job to others")
    await meena.shows("#reason-error")
    meena.complaints[:] = [
        complaint for complaint in meena.complaints if "422" not in complaint
    ]  # Chromium logs each refused form
    await meena.check_page()
    await meena.page.fill("#reason", REASON)
    await meena.press("Block and offer 1 job to others")
    await meena.page.wait_for_url(lambda now: not now.endswith("/block"))
    await meena.shows("main", "is blocked.")


async def _finishes_what_has_started(ravi: Window, asha: Window, town: Town) -> None:
    await ravi.page.goto("/jobs")
    await expect(ravi.page).to_have_url(re.compile("/login"))
    await _signs_in(ravi, "ravi")
    await expect(ravi.page).to_have_url(re.compile("/blocked$"))
    await ravi.shows("main", REASON)
    await ravi.check_page()
    await asha.goto(f"/bookings/{town.started}")
    code = await asha.page.locator("#finish-code").get_attribute("value")
    await ravi.page.locator(f"a[href='/jobs/{town.started}']").click()
    await ravi.page.wait_for_url(lambda now: town.started in now)
    await ravi.check_page()
    await ravi.page.fill("[name=code]", code)
    await ravi.page.locator("form[action$='/completion'] button").click()
    await ravi.page.wait_for_url(lambda now: now.endswith("/blocked"))
    await asha.shows("article .badge", "Done")


async def _unblocks(meena: Window, town: Town) -> None:
    await meena.goto(f"/admin/professionals/{town.ravi.id}/unblock")
    await meena.page.fill("#reason", "He paid it back.")
    await meena.press("Unblock")
    await meena.page.wait_for_url(lambda now: not now.endswith("/unblock"))
    await meena.shows("main", "is unblocked.")
