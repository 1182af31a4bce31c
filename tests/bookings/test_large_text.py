"""Text of twice the size on a phone of 360 px: no page scrolls sideways (WCAG 1.4.4, 1.4.10)."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, ViewportSize

from app.web.static import STATIC
from tests.bookings.scenes import Scene
from tests.browser import windows
from tests.factories import a_start, an_admin
from tests.own_application import own_app

__all__ = ["own_app"]  # a fixture: what the pages list is this test's own

pytestmark = pytest.mark.browser
NAMES = [name for listed in ("bundle.txt", "admin.txt") for name in (STATIC / "css" / listed).read_text().split()]
STYLES = "\n".join((STATIC / "css" / name).read_text() for name in NAMES)  # of everyone, then of admins
LARGE_TEXT = "html { font-size: 200% }"
SCREEN: ViewportSize = {"width": 360, "height": 780}
CLIPPED = ".sideways, .table, .tabs__row, .visually-hidden, details:not([open]) > :not(summary)"
WIDE_PARTS = """clipped => [...document.querySelectorAll('body *')].filter(part => {
    const box = part.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !part.closest(clipped);
}).map(part => `${part.tagName}.${part.className} ${part.getBoundingClientRect().right}`)"""
VISITOR = ["/", "/services", "/services?q=leak&pincode=600020", "/register/professional", "/help", "/terms"]
CUSTOMER = ["/bookings", "/bookings?past=1", "/bookings/{}", "/bookings/{}/cancellation", "/bookings/{}/reschedule"]
CUSTOMER += ["/profile", "/profile/addresses/new", "/notices", "/bookings/{}/payment", "/reports", "/calendar"]
PROFESSIONAL = ["/jobs", "/jobs?tab=today", "/jobs?tab=coming", "/jobs/{}", "/availability", "/jobs/history"]
PROFESSIONAL += ["/documents", "/earnings", "/earnings/export", "/profile/work", "/verification", "/profile"]
ADMIN = ["/admin", "/admin/bookings", "/admin/bookings/{}", "/admin/dispatch", "/admin/customers", "/admin/services"]
ADMIN += ["/admin/professionals", "/admin/reports", "/admin/events", "/admin/ledger", "/admin/tasks", "/admin/exports"]


@pytest.fixture
async def scene(own_app) -> AsyncIterator[Scene]:
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    async with windows.browser() as browser:
        yield await browser.new_page(viewport=SCREEN)


async def excess_width(phone: Page, html: str) -> tuple[int, list[str]]:
    """By how many pixels, and what sticks out."""
    html = re.sub(r"<link[^>]*stylesheet[^>]*>|<script.*?</script>", "", html, flags=re.DOTALL)
    await phone.set_content(html.replace("</head>", f"<style>{STYLES}</style><style>{LARGE_TEXT}</style></head>"))
    return await phone.evaluate(windows.TOO_WIDE), await phone.evaluate(WIDE_PARTS, CLIPPED)


async def test_no_page_is_wider_than_the_phone(scene: Scene, phone: Page) -> None:
    async with scene.database.work() as db:
        meena = await an_admin(db)
    asha, ravi, admin = [await scene.browser(user) for user in (scene.asha, scene.ravi, meena)]
    reference = await scene.paid(asha, a_start(days=4, hour=11.5))  # "11:30 am–12:30 pm", as long as a time can be
    await scene.paid(asha, a_start(hour=15))  # an offer to Ravi
    await scene.paid(await scene.browser(scene.omar), a_start(days=5, hour=11))  # "Wed 30 Dec", the longest day
    await scene.accepted(reference)
    for browser, paths in ((asha, VISITOR + CUSTOMER), (ravi, PROFESSIONAL), (admin, ADMIN)):
        for path in paths:
            page = await browser.visit(path.format(reference))
            assert page.status == 200, path
            pixels, parts = await excess_width(phone, page.text)
            assert pixels <= 0, f"{path}: {pixels} px, {parts}"
