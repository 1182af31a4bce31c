"""The catalogue in real browsers: two admins and a customer see a change without a reload."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from tests.browser import windows
from tests.browser.windows import Window
from tests.factories import a_customer, a_request, an_admin
from tests.processes import SECRET, environment, town_of_processes
from tests.town import LEAKS, PASSWORD, build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture
async def town(own_database):
    async with own_database.work() as db:
        town = await build(db, SECRET)
        hashed = await Passwords(Encryption(SECRET), cheap=True).hash(PASSWORD)
        for name in ("Meena Iyer", "Kiran Rao"):
            admin = await an_admin(db, name, email=f"{name.split()[0].lower()}@example.com")
            admin.password_hash = hashed
        await a_request(db, await a_customer(db), town.service)
    return town


@pytest.fixture
async def webs(town, own_url, services) -> AsyncIterator[list[str]]:
    redis_url = services.redis_url.rpartition("/")[0] + "/8"
    async with town_of_processes(environment(own_url, redis_url)) as urls:
        yield urls


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def test_a_service_is_repriced_and_retired_before_everyones_eyes(webs, browser, town, own_database):
    meena, kiran, visitor = [await Window.open(browser, url) for url in (webs[0], webs[1], webs[1])]
    for window, name in ((meena, "meena"), (kiran, "kiran")):
        await _signs_in(window, name)
    await _types_a_price_and_previews_it(meena)
    await kiran.goto("/admin/services?q=fixing+leaks")
    await kiran.mark()
    await _retires(meena, town.service.id)
    await expect(kiran.page.locator(f"#service-{town.service.id}")).to_contain_text("Retired", timeout=6_000)
    assert await kiran.is_marked()
    await visitor.goto(f"/services/{LEAKS}?pincode=600020")
    await visitor.shows("b", "No longer offered")
    await _makes_a_category(kiran)
    for window in (meena, kiran, visitor):
        assert window.complaints == []
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def _signs_in(window: Window, name: str) -> None:
    await window.goto("/login")
    await window.page.fill("[name=email]", f"{name}@example.com")
    await window.page.fill("[name=password]", PASSWORD)
    await window.press("Sign in")
    await window.page.wait_for_url(lambda now: "/login" not in now)


async def _types_a_price_and_previews_it(meena: Window) -> None:
    """The table filters while she types; the preview follows the form; a bad price is shown at its field."""
    await meena.goto("/admin/services")
    await meena.page.set_viewport_size(DESKTOP)
    await meena.page.fill("#q", "fixing le")
    await meena.shows("#list td", "Fixing leaks and pipes")
    await expect(meena.page).to_have_url(re.compile(r"q=fixing"))
    await meena.page.get_by_role("link", name="Fixing leaks and pipes").click()
    await meena.shows("#panel h2", "Fixing leaks and pipes")
    await expect(meena.page).to_have_url(re.compile(r"/admin/services/\d+\?q=fixing"))
    await meena.check_page()
    await meena.page.set_viewport_size(DESKTOP)
    await meena.page.get_by_role("link", name="Edit").click()
    await meena.page.wait_for_url(re.compile("/edit"))
    await meena.page.fill("#price", "177.50")
    await meena.shows("#preview", "₹177.50")
    await meena.page.fill("#price", "1.001")
    await meena.page.get_by_role("button", name="Save").click()
    await meena.shows("#price-error", "2 digits after the decimal point")
    meena.complaints[:] = [
        complaint for complaint in meena.complaints if "422" not in complaint
    ]  # Chromium logs each refused form
    assert await meena.page.input_value("#price") == "1.001"
    await meena.shows("#preview", "once name, category, price")
    await meena.check_page()
    await meena.page.set_viewport_size(DESKTOP)
    await meena.page.fill("#price", "177.50")
    await meena.mark()
    await meena.page.get_by_role("button", name="Preview").click()
    await meena.shows("#preview", "₹177.50")
    await expect(meena.page).to_have_url(re.compile("/edit"))
    await meena.page.get_by_role("button", name="Add another question").click()
    await meena.shows("#question_7")
    await meena.page.fill("#question_3", "Is it loud?")
    await meena.page.fill("#answer_3", "A little.")
    assert await meena.is_marked()
    assert await meena.page.input_value("#price") == "177.50"
    await meena.shows("#preview summary", "Is it loud?")
    await meena.page.get_by_role("button", name="Save").click()
    await meena.page.wait_for_url(re.compile(r"/admin/services/\d+\?q=fixing"))
    await meena.shows("#panel", "₹177.50")


async def _retires(meena: Window, service_id: int) -> None:
    await meena.page.get_by_role("link", name="Retire", exact=True).click()
    await meena.shows("#panel", "1 open booking")
    await meena.check_page()
    await meena.page.set_viewport_size(DESKTOP)
    await meena.mark()
    await meena.page.get_by_role("button", name="Retire", exact=True).click()
    await meena.shows("#panel", "Existing bookings will go ahead")
    await expect(meena.page.locator(f"#service-{service_id}")).to_contain_text("Retired")
    assert await meena.is_marked()
    await meena.page.get_by_role("link", name="Prices").click()
    await meena.shows("#panel", "was ₹149")
    await meena.check_page()


async def _makes_a_category(kiran: Window) -> None:
    """On a phone."""
    await kiran.goto("/admin/services/categories/new")
    await kiran.page.fill("#name", "Kite repair")
    await kiran.page.fill("#short_name", "Kites")
    await kiran.page.fill("#position", "1")
    await kiran.page.locator("label", has_text="A roller").click()
    await kiran.press_and_arrive("Create category")
    await kiran.shows("td", "Kite repair")
    await kiran.goto("/")
    await expect(kiran.page.locator("a.category-tile").first).to_contain_text("Kites")
