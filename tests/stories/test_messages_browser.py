"""On two phones: Asha sends a message with a photo, Ravi's page shows it, and hers says that he read it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, expect

from tests.browser import windows
from tests.browser.listening import listening
from tests.stories.test_late_twice import on_the_way
from tests.stories.test_waves_and_delays_browser import signed_in
from tests.story_app import frozen_at
from tests.town import ASHA
from tests.vetting.samples import a_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def url(story) -> AsyncIterator[str]:
    async with listening(story.app) as url:
        yield url


@pytest.fixture
async def browser(url) -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def test_a_message_with_a_photo_in_two_windows(story, url, browser):
    reference = await on_the_way(story)
    with frozen_at(14, 12):
        asha = await signed_in(browser, url, ASHA["email"], f"/bookings/{reference}")
        await asha.follow("Messages")
        ravi = await signed_in(browser, url, "ravi@example.com", f"/jobs/{reference}")
        await ravi.mark()
        await asha.page.get_by_role("textbox", name="Message").fill("It's this tap.")
        photo = FilePayload(name="tap.png", mimeType="image/png", buffer=a_picture(size=(900, 1200)))
        await asha.page.get_by_label("Photos").set_input_files([photo])
        await asha.press("Send")
        await expect(asha.page.locator("#messages img")).to_have_count(1)
        await asha.check_page()
        await ravi.shows("#messages-link", "1 unread message")
        assert await ravi.is_marked(), "without a reload"
        await expect(asha.page.locator("#messages").get_by_text("Read ")).to_have_count(0)
        await ravi.follow("Messages")
        await ravi.shows("#messages", "It's this tap.")
        await asha.shows("#messages", "Read 2:12 pm")
        await asha.mark()
        await asha.page.get_by_role("textbox", name="Message").fill("A second thought, not sent yet")
        await ravi.page.get_by_role("textbox", name="Message").fill("I have the washer with me.")
        await ravi.press("Send")
        await asha.shows("#messages", "I have the washer with me.")
        assert await asha.is_marked(), "without a reload"
        await expect(asha.page.get_by_role("textbox", name="Message")).to_have_value("A second thought, not sent yet")
        # This page was loading while she read: it catches up once it has begun to listen.
        await expect(ravi.page.locator("#messages", has_text="Read 2:12 pm")).to_be_visible(timeout=15_000)
        loaded = "img => img.decode().then(() => img.naturalWidth)"
        assert await ravi.page.locator("#messages img").first.evaluate(loaded) == 240
        await ravi.press_and_arrive("Hide my number")
        await asha.goto(f"/bookings/{reference}")
        await expect(asha.page.get_by_role("link", name="Call Ravi")).to_have_count(0)
    assert asha.complaints == []
    assert ravi.complaints == []
