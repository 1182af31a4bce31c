"""A report that is open while bookings are made: the numbers update, open sections stay open."""

import re

import pytest
from playwright.async_api import expect

from tests.factories import ADYAR, a_customer, a_professional, a_service, a_start, an_admin
from tests.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REFRESH_TIMEOUT_MS = 15_000  # milliseconds: at most every four seconds, and a busy machine


async def test_numbers_follow_and_the_open_table_stays_open(live_database, webs, window):
    async with live_database.work() as db:
        service = await a_service(db)
        await a_professional(db, services=[service])
        asha, meena = await a_customer(db), await an_admin(db, "Meena Iyer")
    async with await Person(base_url=webs[1].url).signed_in_as(asha, live_database) as booking:

        async def book(day: int) -> None:
            query = f"service={service.id}&start={a_start(day):%Y-%m-%dT%H:%M}&pincode={ADYAR}"
            sent = await booking.submit(await booking.visit(f"/bookings/new?{query}"), "/bookings")
            assert sent.status == 303, sent.text

        list_page = await window(meena, webs[0], "/admin/reports?period=days&from=2024-01-01&to=2028-12-01")
        page = list_page.page
        first = page.locator(".number-card b").first
        before = int((await first.inner_text()).replace(",", ""))
        await book(1)
        await expect(first).to_have_text(str(before + 1), timeout=REFRESH_TIMEOUT_MS)
        await page.locator("#bookings-table summary").click()
        await book(2)
        await expect(first).to_have_text(str(before + 2), timeout=REFRESH_TIMEOUT_MS)
        await expect(page.locator("#bookings-table table")).to_be_visible()
        await page.get_by_label("Period").select_option("52")
        await expect(page).to_have_url(re.compile("period=52"), timeout=REFRESH_TIMEOUT_MS)
    assert list_page.console_messages == []
