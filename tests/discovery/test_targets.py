"""Links among text are large enough for a finger."""

import pytest

from app.web.static import STATIC
from app.web.templating import environment
from tests.browser import windows

pytestmark = pytest.mark.browser
FACTS = """{% from "shared/people.html" import rating %}
<p class="service-head__facts"><b class="service-head__price">₹149</b>
  <a class="rating" href="#said">{{ rating("4.6", 128) }}</a></p>"""
HEIGHTS = "() => ['.service-head__facts', 'a.rating'].map(s => document.querySelector(s).clientHeight)"


async def test_the_rating_of_a_service_is_a_target_of_44_pixels_in_a_line_of_text():
    names = (STATIC / "css/bundle.txt").read_text().split()
    styles = "\n".join((STATIC / "css" / name).read_text() for name in names)
    async with windows.browser() as browser:
        page = await browser.new_page(viewport=windows.PHONE)
        await page.set_content(f"<style>{styles}</style>" + environment().from_string(FACTS).render())
        line, target = await page.evaluate(HEIGHTS)
    assert target >= 44
    assert line < target + 2 * 12  # its padding: the target reaches into it
