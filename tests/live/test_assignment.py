"""An admin assigns a job; another admin's list and the professional's jobs update without a reload."""

import pytest
from playwright.async_api import expect

from tests.factories import a_customer, a_professional, a_request, a_service, an_admin

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UPDATE_TIMEOUT_MS = 3_000  # milliseconds


async def test_a_job_given_on_one_screen_changes_its_row_on_another(live_database, webs, window):
    async with live_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        booking = await a_request(db, await a_customer(db), service)
        meena, lakshmi = await an_admin(db), await an_admin(db, "Lakshmi Rao")
    reference = booking.reference
    own = await window(meena, webs[0], "/admin/dispatch")
    other = await window(lakshmi, webs[1], f"/admin/bookings?service={service.id}")
    waiting = await window(lakshmi, webs[1], "/admin/dispatch")
    jobs = await window(ravi, webs[1], "/jobs?tab=coming")
    row = other.page.locator(f"#booking-{reference}")
    await expect(row).to_contain_text("Unassigned")
    await expect(waiting.page.locator(f"#booking-{reference}")).to_be_visible()

    await own.page.locator(f"#booking-{reference}").get_by_role("link").first.click()
    await expect(own.page.get_by_text("1 professional available")).to_be_visible()
    await own.page.locator("summary", has_text="Assign").click()
    await own.page.get_by_role("button", name="Assign to Ravi Kumar").click()
    await expect(own.page.get_by_text("Ravi Kumar now has the job. Both have been notified.")).to_be_visible()

    await expect(row).to_contain_text("Accepted", timeout=UPDATE_TIMEOUT_MS)
    await expect(row).to_contain_text("Ravi Kumar")
    await expect(waiting.page.locator(f"#booking-{reference}")).to_have_count(0, timeout=UPDATE_TIMEOUT_MS)
    await expect(jobs.page.get_by_text(service.name).first).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    for item in (own, other, waiting, jobs):
        assert item.console_messages == []
