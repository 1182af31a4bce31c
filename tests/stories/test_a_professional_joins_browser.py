"""An application in real browsers: Geeta on a phone, Meena on the admin pages; both update without a reload."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, ViewportSize, expect
from sqlalchemy import select

from app.accounts.user import User
from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from app.core.storage import Storage
from tests.browser import windows
from tests.browser.windows import Window
from tests.factories import ADYAR, a_customer, a_request, an_admin
from tests.processes import SECRET, environment, town_of_processes
from tests.town import PASSWORD, build
from tests.vetting.samples import a_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
GEETA = {
    "full_name": "Geeta Menon",
    "email": "geeta@example.com",
    "phone": "+91 00000 00413",
    "password": PASSWORD,
    "address": "12, Kasturba Nagar 3rd Cross Street",
    "pincode": ADYAR,
    "experience_years": "8",
}
REASON = "The photo is too dark to see the face."


@pytest.fixture
async def town(own_database):
    async with own_database.work() as db:
        town = await build(db, SECRET)
        admin = await an_admin(db, "Meena Iyer", email="meena@example.com")
        admin.password_hash = await Passwords(Encryption(SECRET), cheap=True).hash(PASSWORD)
    return town


@pytest.fixture
async def webs(town, own_url, services, tmp_path) -> AsyncIterator[list[str]]:
    redis_url = services.redis_url.rpartition("/")[0] + "/6"
    async with town_of_processes(environment(own_url, redis_url, UPLOADS_DIR=str(tmp_path / "uploads"))) as urls:
        yield urls


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def test_someone_joins_before_an_admins_eyes(webs, browser, town, own_database, tmp_path):
    geeta, meena = [await Window.open(browser, url) for url in webs]
    await _signs_up(geeta, town.service.name)
    await _signs_in(geeta, GEETA["email"])
    await _signs_in(meena, "meena@example.com")
    await geeta.goto("/verification")
    await geeta.shows("#standing", "We're reviewing your documents")
    await geeta.mark()
    await _is_denied(meena)
    await expect(geeta.page.locator("#standing")).to_contain_text(REASON, timeout=6_000)
    assert await geeta.is_marked()
    await _reapplies(geeta)
    await _is_approved(meena)
    await geeta.goto("/verification")
    await geeta.shows("#standing", "You're approved to work with Doorstep")
    await _takes_a_first_job(geeta, town, own_database)
    for window in (geeta, meena):
        assert [
            complaint for complaint in window.complaints if "422" not in complaint
        ] == []  # Chromium logs each refused form
    async with own_database.work() as db:
        assert await find_violations(db, Storage(tmp_path / "uploads")) == []


def _photo(text: str) -> FilePayload:
    return {"name": f"{text}.png", "mimeType": "image/png", "buffer": a_picture(text=text)}


async def _signs_up(geeta: Window, service: str) -> None:
    await geeta.goto("/register/professional")
    await geeta.press("Apply to join")
    await geeta.shows(".field__error, .error", "Enter your name")
    await geeta.check_page()
    for name, typed in GEETA.items():
        await geeta.page.fill(f"[name={name}]", typed)
    if not await geeta.page.get_by_text(service, exact=False).first.is_visible():
        await geeta.page.locator("summary", has_text="Plumbing").click()
    await geeta.page.locator("label", has_text=service).first.click()
    await geeta.page.set_input_files("[name=document]", _photo("dark"))
    await geeta.press("Apply to join")
    await geeta.page.wait_for_url(re.compile("/login"), timeout=20_000)


async def _signs_in(window: Window, email: str) -> None:
    await window.goto("/login")
    await window.page.fill("[name=email]", email)
    await window.page.fill("[name=password]", PASSWORD)
    await window.press("Sign in")
    await window.page.wait_for_url(lambda now: "/login" not in now)


async def _opens_geeta(meena: Window) -> None:
    """Found while her name is typed."""
    await meena.goto("/admin/professionals")
    await meena.page.set_viewport_size(DESKTOP)
    await meena.page.fill("#q", "geeta m")
    await expect(meena.page).to_have_url(re.compile("q=geeta"))
    await meena.page.get_by_role("link", name="Geeta Menon").click()
    await meena.shows("#panel h2", "Geeta Menon")
    await expect(meena.page).to_have_url(re.compile(r"/admin/professionals/\d+\?q=geeta"))
    await meena.check_page()
    await meena.page.set_viewport_size(DESKTOP)


async def _is_denied(meena: Window) -> None:
    await _opens_geeta(meena)
    await meena.mark()
    await meena.press("Reject with this reason")
    await meena.shows("#panel", "Enter a reason")
    await expect(meena.page.locator("#panel [name=reason]")).to_be_focused()
    await meena.page.fill("#panel [name=reason]", REASON)
    await meena.press("Reject with this reason")
    await meena.shows("#panel", "Rejected: Geeta Menon")
    await expect(meena.page.locator("tr", has_text="Geeta Menon")).to_contain_text("Rejected")
    assert await meena.is_marked()
    await meena.check_page()


async def _reapplies(geeta: Window) -> None:
    await geeta.goto("/verification")
    await geeta.page.fill("[name=message]", "Taken at the window.")
    await geeta.page.set_input_files("[name=document]", _photo("daylight"))
    await geeta.page.locator("form:has([name=message]) button.button--go").click()
    await expect(geeta.page.locator("#standing")).to_contain_text("We're reviewing your documents", timeout=20_000)
    await geeta.check_page()


async def _is_approved(meena: Window) -> None:
    await _opens_geeta(meena)
    await meena.shows("#panel", "Taken at the window.")
    await meena.mark()
    for tick in await meena.page.locator("#panel label:has([name=checked])").all():
        await tick.click()
    await meena.press("Approve")
    await meena.shows("#panel", "Approved: Geeta Menon")
    await expect(meena.page.locator("tr", has_text="Geeta Menon")).to_contain_text("Approved")
    assert await meena.is_marked()


async def _takes_a_first_job(geeta: Window, town, database) -> None:
    await geeta.goto("/availability")
    for day in range(7):
        await geeta.page.fill(f"[name=from-{day}-1]", "08:00")
        await geeta.page.fill(f"[name=to-{day}-1]", "20:00")
    await geeta.page.locator("form[action$='/availability/hours'] button").last.click()
    await geeta.page.wait_for_load_state()
    async with database.work() as db:
        me = (await db.scalars(select(User).where(User.email == GEETA["email"]))).one()
        booking = await a_request(db, await a_customer(db), town.service, professional_id=me.id)
    await geeta.goto("/jobs")
    await geeta.press_and_arrive("Accept")
    assert geeta.page.url.endswith(f"/jobs/{booking.reference}")
    await geeta.shows("main", "Asha")
    await geeta.check_page()
