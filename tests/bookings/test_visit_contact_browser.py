"""The pages with the person at the door and with the calendar link, without scripts: axe-core, 320 px, both themes."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from app.accounts.address_details import AddressDetails
from app.accounts.repository import Addresses
from tests.bookings.scenes import Scene
from tests.bookings.test_large_text import STYLES
from tests.bookings.test_visit_contact import MOTHER, booked
from tests.browser import windows
from tests.factories import ADYAR, a_start
from tests.own_application import own_app

__all__ = ["own_app"]  # a fixture: what the pages list is this test's own
pytestmark = pytest.mark.browser
LONG = AddressDetails("M" * 40, "2" * 40, "Opposite the temple " * 5, "Lakshmi Iyer", "+919840012345")


@pytest.fixture
async def scene(own_app) -> AsyncIterator[Scene]:
    scene = await Scene.set(own_app)
    yield scene
    await scene.close()


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    async with windows.browser() as browser:
        yield await browser.new_page(viewport=windows.PHONE)


async def judge(phone: Page, name: str, html: str) -> list[str]:
    """What is wrong with the page in either theme."""
    html = re.sub(r"<link[^>]*stylesheet[^>]*>|<script.*?</script>", "", html, flags=re.DOTALL)
    found = []
    await phone.set_content(html.replace("</head>", f"<style>{STYLES}</style></head>"))
    await phone.evaluate(windows.AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        await phone.emulate_media(color_scheme=theme)
        found += [f"{name} {theme}: {item}" for item in await phone.evaluate(windows.JUDGE, windows.RULES)]
    await phone.set_viewport_size({"width": windows.MIN_SCREEN_WIDTH, "height": windows.PHONE["height"]})
    if (pixels := await phone.evaluate(windows.TOO_WIDE)) > 0:
        found.append(f"{name}: {pixels} px too wide")
    await phone.set_viewport_size(windows.PHONE)
    return found


async def test_the_pages_are_accessible_and_narrow(scene: Scene, phone: Page) -> None:
    async with scene.database.work() as db:
        saved = await Addresses(db, scene.asha.id).add("7 Lake View", ADYAR, LONG)
    asha, ref = await booked(scene)
    form = await asha.visit(scene.new_booking_url(a_start(3)))
    rejected = await asha.submit(form, "/bookings", **MOTHER | {"address_id": "", "contact_phone": "letters"})
    assert rejected.status == 422
    pages = {"new": form.text, "rejected": rejected.text, "requested": (await asha.visit(f"/bookings/{ref}")).text}
    await scene.accepted(ref)
    ravi = await scene.browser(scene.ravi)
    for name, person, path in (
        ("assigned", asha, f"/bookings/{ref}"),
        ("job", ravi, f"/jobs/{ref}"),
        ("profile", asha, "/profile"),
        ("address", asha, f"/profile/addresses/{saved.id}"),
        ("calendar", asha, "/calendar"),
        ("job feed", ravi, "/jobs/calendar"),
    ):
        pages[name] = (await person.visit(path)).text
    pages["link"] = (await asha.submit_and_follow(await asha.visit("/calendar"), "/calendar")).text
    found = [item for name, html in pages.items() for item in await judge(phone, name, html)]
    assert found == []
