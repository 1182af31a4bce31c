"""On two phones, by the clock of the test: the ninth takes an offer, and a professional is late twice."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tasks.notifications import send_offer_waves
from tests.application import task_context
from tests.browser import windows
from tests.browser.listening import listening
from tests.browser.windows import Window
from tests.factories import a_professional
from tests.stories.test_late_twice import on_the_way
from tests.story_app import StoryApp, at, frozen_at
from tests.town import ASHA, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def url(story) -> AsyncIterator[str]:
    async with listening(story.app) as url:
        yield url


@pytest.fixture
async def browser(url) -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def signed_in(browser: Browser, url: str, email: str, path: str) -> Window:
    window = await Window.open(browser, url)
    await window.page.goto("/login?next=" + path)
    await window.page.fill("[name=email]", email)
    await window.page.fill("[name=password]", PASSWORD)
    await window.press_and_arrive("Sign in")
    assert window.page.url.endswith(path)
    return window


async def a_wave(story: StoryApp) -> None:
    """Tell the professionals whose turn it is, and the pages that are open."""
    services = story.app.state.services
    await send_offer_waves(task_context(story.database, after_commit=services.after_commit))


async def test_the_ninth_professional_takes_the_offer(story, url, browser):
    async with story.database.work() as db:
        for n in range(8):
            await a_professional(db, f"Helper {n}", services=[story.town.service], email=f"helper{n}@example.com")
    page = await story.book(await story.sign_up(), at(15))
    reference = page.path.split("/")[2]
    asha = await signed_in(browser, url, ASHA["email"], f"/bookings/{reference}")
    ninth = await signed_in(browser, url, "kumar@example.com", "/notices")
    await asha.mark()
    await a_wave(story)
    await asha.shows("main", "We've asked 8 professionals near you")
    assert "New offer" not in await ninth.page.locator("main").inner_text()
    with frozen_at(9, 4):
        await a_wave(story)
        await asha.shows("main", "We've asked 10 professionals near you")
        await ninth.goto("/notices")
        await ninth.shows("main", "New offer")
        await ninth.goto("/jobs")
        await ninth.press_and_arrive("Accept")
        await asha.shows("h1", "Kumar is coming")
        assert await asha.is_marked(), "without a reload"
        await asha.check_page()
    assert asha.complaints == []
    assert ninth.complaints == []


async def test_a_professional_is_late_twice_before_the_customers_eyes(story, url, browser):
    reference = await on_the_way(story)
    with frozen_at(14, 30):
        asha = await signed_in(browser, url, ASHA["email"], f"/bookings/{reference}")
        ravi = await signed_in(browser, url, "ravi@example.com", f"/jobs/{reference}")
        await asha.mark()
        await ravi.press("On my way")
        await asha.shows("h1", "Ravi is on the way, expected")
    for minute, late in ((35, "20"), (50, "15")):
        with frozen_at(14, minute):
            before = await asha.page.locator("h1").inner_text()
            await ravi.goto(f"/jobs/{reference}")
            await ravi.follow("Running late?")
            await ravi.page.fill("[name=minutes]", late)
            await ravi.press_and_arrive("Notify the customer")
            await asha.shows("h1", "Ravi is late, expected")
            await expect(asha.page.locator("h1")).not_to_have_text(before)
            await asha.check_page()
    await expect(ravi.page.get_by_text("Running late?")).to_have_count(0)
    assert await asha.is_marked(), "without a reload"
    assert asha.complaints == []
    assert ravi.complaints == []
