"""Parts of pages as a phone lays them out."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from app.web.static import STATIC, Assets
from app.web.templating import Templates
from tests.browser import windows

pytestmark = pytest.mark.browser
FACTS = """{% from "shared/people.html" import rating %}
<p class="service-head__facts"><b class="service-head__price">₹149</b>
  <a class="rating" href="#said">{{ rating("4.6", 128) }}</a></p>"""
STEPS = """{% from "shared/booking.html" import timeline %}
<div class="page"><section class="card">{{ timeline([
  {"state": "done", "name": "Booked", "note": "₹1,199, UPI", "time": "Mon 30 Nov 12:58&nbsp;pm"|safe, "icon": "x"},
]) }}</section></div>"""
HEIGHT = "selector => document.querySelector(selector).clientHeight"
LINES = """selector => {
    const cell = document.querySelector(selector);
    return Math.round(cell.clientHeight / parseFloat(getComputedStyle(cell).lineHeight));
}"""


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    async with windows.browser() as browser:
        yield await browser.new_page(viewport=windows.PHONE)


async def show(phone: Page, part: str) -> None:
    """Show a part of a page with the styles of all pages."""
    names = (STATIC / "css/bundle.txt").read_text().split()
    styles = "\n".join((STATIC / "css" / name).read_text() for name in names)
    await phone.set_content(f"<style>{styles}</style>" + Templates(Assets()).environment().from_string(part).render())


async def test_the_rating_of_a_service_is_a_target_of_44_pixels_in_a_line_of_text(phone: Page) -> None:
    await show(phone, FACTS)
    line, target = [await phone.evaluate(HEIGHT, part) for part in (".service-head__facts", "a.rating")]
    assert target >= 44
    assert line < target + 2 * 12  # its padding: the target reaches into it


async def test_a_step_has_its_day_on_one_line_and_its_time_on_the_next(phone: Page) -> None:
    await show(phone, STEPS)
    assert await phone.evaluate(LINES, ".timeline__time") == 2
