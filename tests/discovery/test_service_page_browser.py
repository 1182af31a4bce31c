"""The page of a service on a phone: the first free times can be read without scrolling."""

import re

import pytest

from app.web.static import STATIC
from tests.browser import windows
from tests.discovery.conftest import LEAKS, VisitorBrowser
from tests.factories import ADYAR

pytestmark = pytest.mark.browser
STYLES = "\n".join((STATIC / "css" / name).read_text() for name in (STATIC / "css/bundle.txt").read_text().split())
FIRST_TIME = """() => { const radio = document.querySelector('[name=start]');
    return (radio.closest('label') ?? radio).getBoundingClientRect().bottom; }"""
BOTTOM_BAR = "() => document.querySelector('[data-needs=start]').getBoundingClientRect().top"


async def test_the_first_times_are_above_the_fold_of_a_phone(visitor: VisitorBrowser) -> None:
    html = (await visitor.visit(f"/services/{LEAKS}?pincode={ADYAR}")).text
    assert "Good to know" in html
    html = re.sub(r"<link[^>]*stylesheet[^>]*>|<script.*?</script>", "", html, flags=re.DOTALL)
    async with windows.browser() as browser:
        phone = await browser.new_page(viewport=windows.PHONE)
        await phone.set_content(html.replace("</head>", f"<style>{STYLES}</style></head>"))
        bottom = await phone.evaluate(FIRST_TIME)
        assert 0 < bottom <= await phone.evaluate(BOTTOM_BAR) <= windows.PHONE["height"]
