"""The admin's tables without a mouse, all rows at once, and counts that follow an act."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from app.core import clock
from app.core.db import Database
from app.core.references import new_reference
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LAPTOP = {"width": 1280, "height": 800}
WHOLE_ROWS = """() => [...document.querySelectorAll("#list tbody tr")]
    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""
UPDATE_TIMEOUT_MS = 3_000  # milliseconds


async def bookings_of_today(database: Database, number: int) -> list[str]:
    """The references of so many bookings, which begin just before midnight; they are cancelled, so take no time."""
    async with database.work() as db:
        service, asha = await a_service(db), await a_customer(db)
        starts_at = clock.at(clock.today() + timedelta(days=1)) - timedelta(minutes=30)
        references = [new_reference() for _ in range(number)]
        for reference in references:
            await db.execute(
                text(
                    "INSERT INTO bookings (reference, customer_id, service_id, state, service_name, price, minutes,"
                    " address, pincode, starts_at, ends_at, cancelled_as, cancelled_at, created_at)"
                    " VALUES (:reference, :customer, :service, 'cancelled', 'Tap', 100, 20, 'x', '600020',"
                    " :at, CAST(:at AS timestamptz) + interval '20 minutes', 'expired', now(), now())"
                ),
                {"reference": reference, "customer": asha.id, "service": service.id, "at": starts_at},
            )
    return references


async def focused_row(page: Page) -> str | None:
    return await page.evaluate("() => document.activeElement.closest('tr')?.id ?? null")


async def test_todays_bookings_are_worked_through_by_keys(live_database, webs, window):
    references = await bookings_of_today(live_database, 15)
    async with live_database.work() as db:
        meena = await an_admin(db)
    admin = await window(meena, webs[0], "/admin")
    page = admin.page
    await page.set_viewport_size(LAPTOP)
    await page.get_by_role("link", name="Bookings").first.click()
    await expect(page.get_by_role("link", name="Today", exact=True).last).to_have_attribute("aria-current", "true")
    assert await page.evaluate(WHOLE_ROWS) >= 14
    await expect(page.get_by_role("button", name="Sign out").last).to_be_in_viewport()
    await page.keyboard.press("j")
    first = await focused_row(page)
    await page.keyboard.press("j")
    second = await focused_row(page)
    assert None not in (first, second)
    assert first != second
    await page.keyboard.press("k")
    assert await focused_row(page) == first
    await page.keyboard.press("Enter")
    await expect(page.locator("#panel h2").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#panel")).to_be_empty()
    assert await focused_row(page) == first
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type(references[3])
    await expect(page.locator("#list tbody tr")).to_have_count(1)
    await page.locator("#list tbody td").nth(2).click()
    await expect(page.locator("#panel")).to_contain_text(references[3])
    assert admin.console_messages == []


@pytest.mark.parametrize("width", [1280, 1440, 1920])
async def test_the_filters_stay_within_the_window(live_database, webs, window, width):
    async with live_database.work() as db:
        meena = await an_admin(db)
    page = (await window(meena, webs[0], "/admin/bookings?category=plumbing&pincode=600020&payment=card")).page
    await page.set_viewport_size({"width": width, "height": 800})
    await page.locator("summary", has_text="Filters").click()
    box = await page.locator("details[open] .sheet").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 800


async def test_a_count_follows_the_act_and_an_assignment_asks_once(live_database, webs, window):
    async with live_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        booking = await a_request(db, await a_customer(db), service)
        meena = await an_admin(db)
    admin = await window(meena, webs[0], f"/admin/dispatch/{booking.reference}")
    page = admin.page
    await page.set_viewport_size(LAPTOP)
    count = page.locator(".rail a[href='/admin/dispatch'] .count")
    before = int(await count.inner_text())
    assign = page.get_by_role("button", name="Assign to Ravi Kumar")
    await expect(assign).to_be_hidden()
    await page.locator("summary", has_text="Assign").click()
    await expect(page.get_by_text("are notified at once")).to_be_visible()
    await assign.click()
    if before > 1:
        await expect(count).to_have_text(str(before - 1), timeout=UPDATE_TIMEOUT_MS)
    else:
        await expect(count).to_have_count(0, timeout=UPDATE_TIMEOUT_MS)
    assert admin.console_messages == []
