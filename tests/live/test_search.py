"""Search on a phone: results follow the typing, the URL holds the query, Back works."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select, update

from app.accounts.user import User
from app.catalog.reference_data import load_catalogue
from app.catalog.service import Service
from app.core.after_commit import AfterCommit
from app.core.cache import ALL_TAGS
from app.core.db import Database
from tests.browser.windows import PHONE
from tests.factories import ADYAR, a_professional
from tests.live.conftest import WebProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LEAKS = "fixing-leaks-and-pipes"
ENDS = """elements => elements.map(element => {
    const words = document.createRange();
    words.selectNodeContents(element);
    return words.getBoundingClientRect().right;
})"""


@pytest.fixture
async def ravi(live_database: Database, services: Any) -> User:
    """He works in the forenoon; Bala works all day. What lists showed to those who looked before is forgotten."""
    async with live_database.work() as db:
        await load_catalogue(db)
        pipes = (await db.scalars(select(Service).where(Service.slug.in_([LEAKS, "tap-or-mixer-replacement"])))).all()
        await a_professional(db, "Bala Murugan", services=pipes)
        ravi = await a_professional(db, "Ravi Kumar", services=pipes, opens=9 * 60, closes=13 * 60)
    after = AfterCommit(services.redis_url)
    await after.start()
    await after.cache.invalidate([ALL_TAGS])
    await after.stop()
    return ravi


@pytest.fixture
async def phone(browser: Browser, webs: tuple[WebProcess, WebProcess], ravi: User) -> AsyncIterator[Page]:
    """A visitor's; its console must stay silent."""
    context = await browser.new_context(base_url=webs[0].url, viewport=PHONE)
    page, messages = await context.new_page(), []
    page.on("console", lambda data: messages.append(data.text) if data.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: messages.append(str(problem)))
    yield page
    await context.close()
    assert messages == []


async def test_typing_refreshes_the_list_alone_and_back_shows_what_was(phone: Page) -> None:
    await phone.goto(f"/services?pincode={ADYAR}")
    await phone.evaluate("document.body.dataset.same = 'yes'")
    before = await phone.locator("#found").inner_text()
    await phone.locator("#q").press_sequentially("tap leking", delay=30)
    await expect(phone).to_have_url(re.compile(r"q=tap\+leking"))
    await expect(phone.locator("#results")).to_contain_text("Showing results for tap leaking instead of “tap leking”")
    assert await phone.evaluate("document.body.dataset.same") == "yes"
    assert await phone.evaluate("document.activeElement.id") == "q"
    await phone.go_back()
    await expect(phone.locator("#found")).to_have_text(before)
    await expect(phone.locator("header")).to_have_count(1)
    await expect(phone.locator("#q")).to_have_value("")


async def test_another_person_changes_the_times_alone_and_the_bar_says_what_is_picked(phone: Page, ravi: User) -> None:
    await phone.goto(f"/services/{LEAKS}?pincode={ADYAR}")
    await phone.evaluate("document.body.dataset.same = 'yes'")
    await phone.locator("details.who summary").click()
    await phone.locator(f'input[name="professional"][value="{ravi.id}"]').check()
    await expect(phone.locator("#slots")).to_contain_text("More about Ravi K.")
    await expect(phone.locator("details.who")).not_to_have_attribute("open", "")
    await expect(phone).to_have_url(re.compile(f"professional={ravi.id}"))
    await expect(phone.locator("#pick-who")).to_have_text("Ravi K.")
    assert await phone.evaluate("document.body.dataset.same") == "yes"
    await phone.locator(".day:not(:has(:disabled))").last.click()
    await expect(phone.locator(".slot:visible", has_text="6:00 pm")).to_have_count(0)
    await phone.locator(".slot:visible", has_text="10:00 am").click()
    await expect(phone.locator("#pick-when")).to_contain_text("10:00 am")
    await phone.reload()
    await expect(phone.locator("#slots")).to_contain_text("More about Ravi K.")


async def test_nothing_scrolls_sideways_on_the_smallest_phone(phone: Page, ravi: User) -> None:
    await phone.set_viewport_size({"width": 320, "height": 640})
    for path in (
        "/",
        f"/services?q=tap&pincode={ADYAR}",
        f"/services/{LEAKS}?pincode={ADYAR}",
        f"/professionals/{ravi.id}",
    ):
        await phone.goto(path)
        assert await phone.evaluate("document.documentElement.scrollWidth") <= 320, path


async def test_a_name_without_a_space_breaks_instead_of_overflowing_the_phone(
    phone: Page, ravi: User, live_database: Database
) -> None:
    async with live_database.work() as db:
        await db.execute(update(User).where(User.id == ravi.id).values(full_name="தமிழ்ச்செல்விமீனாட்சி" * 5))
    await phone.set_viewport_size({"width": 320, "height": 640})
    for path, name in ((f"/services/{LEAKS}?pincode={ADYAR}", ".option__name"), (f"/professionals/{ravi.id}", "h1")):
        await phone.goto(path)
        assert max(await phone.locator(name).evaluate_all(ENDS)) <= 320, path
        assert await phone.evaluate("document.documentElement.scrollWidth") <= 320, path
