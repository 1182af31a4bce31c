"""The main job on two phones and two web processes; each sees what the other does."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from app.check.run import find_violations
from tests.browser import windows
from tests.browser.windows import Window
from tests.processes import SECRET, environment, town_of_processes
from tests.town import ASHA, LEAKS, NOTE, PASSWORD, PRIVATE, build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
async def webs(own_url, own_database, services) -> AsyncIterator[list[str]]:
    async with own_database.work() as db:
        await build(db, SECRET)
    redis_url = services.redis_url.rpartition("/")[0] + "/7"
    async with town_of_processes(environment(own_url, redis_url)) as urls:
        yield urls


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def test_from_a_search_to_a_review_on_two_phones(webs, browser, own_database):
    asha, ravi = [await Window.open(browser, url) for url in webs]
    await _ravi_waits_for_offers(ravi)
    await _asha_signs_up(asha)
    await _asha_finds_a_time(asha)
    reference = await _asha_pays(asha, ravi)
    await _ravi_accepts(asha, ravi, reference)
    await _ravi_arrives(asha, ravi)
    codes = await _the_work_is_done(asha, ravi)
    await _asha_reviews(asha, reference)
    await _ravi_views_earnings(ravi, reference)

    assert asha.complaints == []
    assert ravi.complaints == []
    text = "\n".join(ravi.shown)
    assert not [code for code in codes if code in text or f"{code[:3]} {code[3:]}" in text]
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def _ravi_waits_for_offers(ravi: Window) -> None:
    await ravi.goto("/login")
    await ravi.page.fill("[name=email]", "ravi@example.com")
    await ravi.page.fill("[name=password]", PASSWORD)
    await ravi.press_and_arrive("Sign in")
    await expect(ravi.page).to_have_url(re.compile("/jobs$"))
    await ravi.shows("h1", "No offers right now")
    await ravi.mark()


async def _asha_signs_up(asha: Window) -> None:
    await asha.goto("/register")
    for name, value in ASHA.items():
        await asha.page.fill(f"[name={name}]", value)
    await asha.press_and_arrive("Create my account")
    await asha.page.fill("[name=email]", ASHA["email"])
    await asha.page.fill("[name=password]", PASSWORD)
    await asha.press_and_arrive("Sign in")


async def _asha_finds_a_time(asha: Window) -> None:
    await asha.goto("/")
    await asha.page.fill("[name=q]", "tap leking")
    await asha.page.fill("[name=pincode]", ASHA["pincode"])
    before = asha.page.url
    await asha.page.keyboard.press("Enter")
    await asha.arrive(before)
    await asha.follow("Choose Fixing leaks and pipes")
    assert LEAKS in asha.page.url
    await asha.page.locator(".slot:visible").first.click()
    await asha.press_and_arrive("Book")


async def _asha_pays(asha: Window, ravi: Window) -> str:
    await asha.page.fill("[name=note]", NOTE)
    await asha.press_and_arrive("Continue")
    reference = asha.page.url.split("/")[-2]
    await asha.page.locator("[name=method][value=card]").check()
    for name, value in {"card_number": "4242424242424242", "expiry": "0840", "cvv": "123"}.items():
        await asha.page.locator(f"[name={name}]").press_sequentially(value)
    await asha.press("Pay ₹149")
    await asha.page.wait_for_url(f"**/bookings/{reference}")
    await ravi.shows(f"#offer-{reference}")
    assert await ravi.is_marked()
    offer = await ravi.page.content()
    assert not [term for term in PRIVATE if term in offer]
    await asha.check_page()
    await ravi.check_page()
    await asha.shows("h1", "We're finding you a professional")
    await asha.mark()
    return reference


async def _ravi_accepts(asha: Window, ravi: Window, reference: str) -> None:
    before = ravi.page.url
    await ravi.press("Accept")
    await asha.shows("#start-code")
    await asha.shows("h1", "Ravi is coming")
    await ravi.arrive(before)
    assert ravi.page.url.endswith(f"/jobs/{reference}")
    assert "Flat 3B" in await ravi.page.content()
    await asha.check_page()


async def _ravi_arrives(asha: Window, ravi: Window) -> None:
    """The visit is hours away: the page asks first, and an arrival is not yet possible."""
    await ravi.press("On my way")
    await expect(ravi.page.get_by_text("Start now?")).to_be_visible()
    await ravi.press("On my way")
    await asha.shows("h1", "Ravi is on the way")
    await expect(ravi.page.get_by_role("button", name="I'm at the door")).to_be_visible()
    _forget_refusals(ravi, 409)
    await ravi.check_page()


async def _the_work_is_done(asha: Window, ravi: Window) -> list[str]:
    start = await _read_out(asha, "start")
    wrong_code = f"{(int(start) + 1) % 1_000_000:06d}"
    await ravi.page.get_by_text("Enter the start code now").click()
    await _types(ravi, wrong_code, "Start the job")
    await expect(ravi.page.get_by_text("Start now?")).to_be_visible()
    await _types(ravi, wrong_code, "Start the job")
    await ravi.shows("#code-error", "That's not the right code")
    _forget_refusals(ravi, 409)
    _forget_refusals(ravi, 422)
    await ravi.check_page()
    await _types(ravi, start, "Start the job")
    await asha.shows("#finish-code")
    await asha.shows("h1", "Ravi is at work")
    assert await asha.page.locator("#start-code").count() == 0
    await expect(ravi.page.get_by_role("button", name="Finish the job")).to_be_visible()
    await asha.check_page()
    await ravi.check_page()
    finish = await _read_out(asha, "finish")
    await _types(ravi, finish, "Finish the job")
    await asha.shows("h1", "Ravi finished")
    assert await asha.is_marked(), "the page was reloaded"
    await expect(ravi.page.get_by_text("you earned ₹126.65")).to_be_visible()
    await asha.check_page()
    await ravi.check_page()
    return [start, finish]


def _forget_refusals(window: Window, status: int) -> None:
    """Chromium logs every refused form that a script has sent."""
    window.complaints[:] = [text for text in window.complaints if f"status of {status}" not in text]


async def _read_out(asha: Window, phase: str) -> str:
    code = await asha.page.locator(f"#{phase}-code").get_attribute("value")
    assert code is not None
    return code


async def _types(ravi: Window, code: str, button: str) -> None:
    await ravi.page.fill("[name=code]", code)
    await ravi.press(button)


async def _asha_reviews(asha: Window, reference: str) -> None:
    await asha.page.locator("[name=rating][value='5']").check(force=True)
    await asha.page.fill("[name=comment]", "Came on time and left the kitchen clean.")
    await asha.press("Submit review")
    await expect(asha.page.get_by_text("Thank you for your review.")).to_be_visible()
    await asha.check_page()
    await asha.goto(f"/bookings/{reference}/receipt")
    await expect(asha.page.get_by_text("₹149").first).to_be_visible()
    await asha.goto("/bookings")
    await asha.goto(f"/services/{LEAKS}?pincode=600020")
    await expect(asha.page.locator(".service-head__facts")).to_contain_text("5")
    await expect(asha.page.get_by_text("Came on time and left the kitchen clean.")).to_be_visible()
    await asha.goto("/notices")
    await asha.goto("/profile")


async def _ravi_views_earnings(ravi: Window, reference: str) -> None:
    await ravi.goto("/earnings")
    await expect(ravi.page.get_by_text("₹126.65").first).to_be_visible()
    await ravi.goto("/jobs/history")
    assert reference in await ravi.page.content()
    for path in ("/jobs?tab=today", "/jobs?tab=coming", "/availability"):
        await ravi.goto(path)
