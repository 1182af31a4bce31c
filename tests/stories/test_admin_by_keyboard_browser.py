"""In Chromium, without a mouse: an admin works through every list and does what cannot be undone, by keys alone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Error, Locator, Page, ViewportSize, expect
from sqlalchemy import func, select

from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.blocking.appeals import submit_appeal
from app.blocking.block import block
from app.bookings.booking import Booking
from app.cases.cases import ask_for_help
from app.reviews.review import Review
from tests.browser import windows
from tests.browser.listening import listening
from tests.factories import a_customer
from tests.stories.test_cases import a_job
from tests.stories.test_waves_and_delays_browser import signed_in
from tests.stories.test_when_something_goes_wrong_browser import an_admin_with_password
from tests.story_app import at
from tests.town import ASHA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]
LAPTOP = ViewportSize(width=1280, height=800)
LISTS = (
    *("/admin/dispatch", "/admin/bookings?period=all", "/admin/professionals", "/admin/customers", "/admin/cases"),
    *("/admin/appeals", "/admin/admins", "/admin/services", "/admin/ledger", "/admin/reviews"),
    *("/admin/reviews?state=reported", "/admin/events"),
)
SEARCHED = ("bookings", "professionals", "customers", "admins", "services", "events")
# What has the focus: its row, whether it is seen to have it, and how many such rows the window has room for.
FOCUS = """() => {
    const element = document.activeElement, row = element.closest("tr");
    const box = (row ?? element).getBoundingClientRect();
    const shows = (drawn) => drawn && (getComputedStyle(drawn).outlineStyle !== "none");
    const seen = element.matches(":focus-visible")
        && [element, element.nextElementSibling, element.closest("label")].some(shows);
    return {row: row?.id || null, seen, inside: box.top >= 0 && box.bottom <= innerHeight,
        tag: element.tagName + " " + (element.innerText ?? "").slice(0, 30),
        top: Math.round(box.top), height: box.height,
        room: row && !row.previousElementSibling ? Math.floor((innerHeight - box.top) / box.height) : 99};
}"""


@pytest.fixture
async def url(story) -> AsyncIterator[str]:
    async with listening(story.app) as url:
        yield url


@pytest.fixture
async def browser(url) -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def a_day(story) -> tuple[str, str]:
    """A job that is done, reviewed, reported and has a case; a booking that waits; an appeal. (job, case)."""
    asha, ravi, reference = await a_job(story)
    await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, reference)
    await story.book(asha, at(16))
    page = await asha.visit(f"/bookings/{reference}")
    await asha.submit_and_follow(page, "/review", rating="2", comment="His neighbour Kala says he is slow.")
    async with story.database.work() as db:
        number = await db.scalar(select(Review.id))
    await ravi.submit_and_follow(await ravi.visit(f"/reviews/{number}/report"), "/report", reason="It names Kala.")
    meena = await an_admin_with_password(story, "Meena Iyer", "meena@example.com")
    await an_admin_with_password(story, "Lekha Narayanan", "lekha@example.com")
    async with story.database.work() as db:
        customer = await Users(db).by_email(ASHA["email"])
        case = await ask_for_help(db, customer, reference, "quality", "It drips again, all night long.")
        omar = await a_customer(db, "Omar Khan")
        await block(db, Sessions(story.database), meena, omar.id, "Requested work outside of the app.")
    async with story.database.work() as db:
        await submit_appeal(db, omar, "The chat shows that I did not.")
    return reference, case.reference


async def count_bookings(story, state: str) -> int:
    """How many bookings are in this state."""
    async with story.database.work() as db:
        return await db.scalar(select(func.count(Booking.id)).where(Booking.state == state)) or 0


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until it has the focus, which is seen all the way."""
    for _ in range(90):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
        focus = await page.evaluate(FOCUS)
        assert focus["seen"] or focus["tag"].startswith("BODY"), (page.url, focus)
    raise AssertionError(f"{target} is not reached on {page.url}")


async def press(page: Page, target: Locator, key: str = "Enter") -> None:
    await tab_to(page, target)
    await page.keyboard.press(key)


async def fill(page: Page, name: str, text: str) -> None:
    await tab_to(page, page.get_by_role("textbox", name=name).first)
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type(text)


async def walk(page: Page, path: str) -> list[str]:
    """Return the faults of a list when it is used by keyboard alone."""
    faults = []
    await page.goto(path)
    name = path.split("/")[2].split("?")[0]
    if name in SEARCHED:
        await page.keyboard.press("/")
        if not await page.evaluate("() => document.activeElement.id === 'q'"):
            faults.append(f"{path}: / does not go to the search")
        await page.goto(path)
    await page.keyboard.press("j")
    first = await page.evaluate(FOCUS)
    if not first["row"] or not first["seen"] or not first["inside"]:
        return [*faults, f"{path}: j leads to {first}"]
    if first["room"] < 14:
        faults.append(f"{path}: room for {first['room']} rows, {first['top']} + {first['height']}")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    if (await page.evaluate(FOCUS))["row"] != first["row"]:
        faults.append(f"{path}: k does not lead back")
    await page.keyboard.press("Enter")
    try:
        await page.wait_for_function("path => location.pathname + location.search !== path", arg=path, timeout=5_000)
        await page.wait_for_load_state()
        if await page.locator("#panel > *").count() or "?open=" in page.url:
            await expect(page.locator("#panel h2").first).to_be_focused(timeout=5_000)
            await page.keyboard.press("Escape")
            await expect(page.locator("#panel")).to_be_empty(timeout=5_000)
            focus = await page.evaluate(FOCUS)
            if name == "ledger":  # whose rows open a booking's record, in another list
                if focus["tag"].startswith("BODY"):
                    faults.append(f"{path}: Escape loses the focus")
            elif focus["row"] != first["row"]:
                faults.append(f"{path}: Escape gives the focus to {focus}")
    except (AssertionError, Error) as error:
        faults.append(f"{path}: Enter at {page.url}: {str(error)[:300]}")
    return faults


async def test_every_list_is_worked_through_by_keys(story, url, browser):
    await a_day(story)
    lekha = await signed_in(browser, url, "lekha@example.com", "/admin")
    await lekha.page.set_viewport_size(LAPTOP)
    faults = []
    for path in LISTS:
        faults += await walk(lekha.page, path)
    assert not faults, "\n".join(faults)
    assert lekha.complaints == []


async def test_what_cannot_be_undone_is_done_by_keys(story, url, browser):
    reference, case = await a_day(story)
    window = await signed_in(browser, url, "lekha@example.com", "/admin")
    page = window.page
    await page.set_viewport_size(LAPTOP)

    await page.goto(f"/admin/cases/{case}")
    await press(page, page.get_by_role("checkbox", name="No refund"), "Space")
    await fill(page, "Reason", "The photos show a dry tap.")
    await press(page, page.get_by_role("button", name="Decide"))
    await expect(page.get_by_text("The case is decided.")).to_be_visible()

    await page.goto(f"/admin/bookings/{reference}/refund")
    await fill(page, "Amount", "20")
    await fill(page, "Reason", "He came late.")
    await press(page, page.locator("main form button.button--bad"))
    await expect(page.get_by_text("₹20 refunded").first).to_be_visible()

    await page.goto("/admin/reviews?state=reported")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Hide")).to_be_visible()
    await fill(page, "Reason", "It names a neighbour.")
    await press(page, page.get_by_role("button", name="Hide"))
    await expect(page.get_by_role("button", name="Show again")).to_be_visible()

    await page.goto("/admin/appeals")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await press(page, page.get_by_role("radio", name="Lift the block"), "Space")
    await fill(page, "Reason", "The chat proves it.")
    await press(page, page.get_by_role("button", name="Decide"))
    await expect(page.get_by_text("The block is lifted.").first).to_be_visible()

    await page.goto("/admin/dispatch")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("#panel h2").first).to_be_focused()
    await press(page, page.locator("#panel summary", has_text="Assign").first)
    assert await count_bookings(story, "requested") == 1
    await press(page, page.locator("#panel details[open] button"))
    await expect(page.locator("#panel [role=status]")).to_be_visible()
    assert await count_bookings(story, "assigned") == 1

    await page.goto("/admin")
    await press(page, page.get_by_role("button", name="Sign out").last)
    await page.wait_for_url(lambda now: not now.endswith("/admin"))
    assert window.complaints == []
