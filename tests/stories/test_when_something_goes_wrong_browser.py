"""In Chromium: a case with a photo is put right, a block is appealed and lifted, a review is reported and hidden."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, expect
from sqlalchemy import select

from app.accounts.repository import Users
from app.accounts.session import Sessions
from app.accounts.user import User
from app.blocking.block import block
from app.reviews.review import Review
from tests.browser import windows
from tests.browser.listening import listening
from tests.factories import an_admin
from tests.stories.test_cases import a_job
from tests.stories.test_waves_and_delays_browser import signed_in
from tests.story_app import frozen_at
from tests.town import ASHA, PASSWORD
from tests.vetting.samples import a_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]
RAVI = "ravi@example.com"


@pytest.fixture
async def url(story) -> AsyncIterator[str]:
    async with listening(story.app) as url:
        yield url


@pytest.fixture
async def browser(url) -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


def a_file(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="image/png", buffer=a_picture(size=(900, 1200)))


async def an_admin_with_password(story, full_name: str, email: str) -> User:
    password_hash = await story.app.state.services.passwords.hash(PASSWORD)
    async with story.database.work() as db:
        return await an_admin(db, full_name, email=email, password_hash=password_hash)


async def a_finished_job(story) -> str:
    asha, ravi, reference = await a_job(story)
    await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, reference)
    return reference


async def test_a_case_with_a_photo_is_live_on_both_sides_and_ends_in_a_second_visit(story, url, browser):
    reference = await a_finished_job(story)
    await an_admin_with_password(story, "Meena Iyer", "meena@example.com")
    with frozen_at(10, days=1):
        asha = await signed_in(browser, url, ASHA["email"], f"/bookings/{reference}/help")
        await asha.page.get_by_role("radio", name="The work wasn't done right").check()
        await asha.page.get_by_role("textbox", name="What happened?").fill("It drips again, see the photo.")
        await asha.page.get_by_label("Photos").set_input_files([a_file("tap.png")])
        await asha.press_and_arrive("Send")
        await expect(asha.page.locator("#thread img")).to_have_count(1)
        await asha.check_page()
        case = asha.page.url.split("/cases/")[1].split("?")[0]
        ravi = await signed_in(browser, url, RAVI, f"/cases/{case}")
        await expect(ravi.page.locator("#thread img")).to_have_count(1)
        await asha.mark()
        await asha.page.get_by_role("textbox", name="Your message").fill("Not sent yet")
        await ravi.page.get_by_role("textbox", name="Your message").fill("The washer was old. I come again.")
        await ravi.page.get_by_label("Photos").set_input_files([a_file("washer.png")])
        await ravi.press("Send")
        await asha.shows("#thread", "The washer was old. I come again.")
        await expect(asha.page.locator("#thread img")).to_have_count(2)
        assert await asha.is_marked(), "without a reload"
        await expect(asha.page.get_by_role("textbox", name="Your message")).to_have_value("Not sent yet")
        loaded = "img => img.decode().then(() => img.naturalWidth)"
        assert await asha.page.locator("#thread img").last.evaluate(loaded) == 240
        meena = await signed_in(browser, url, "meena@example.com", f"/admin/cases/{case}")
        await expect(meena.page.locator("#thread img")).to_have_count(2)
        await meena.page.get_by_role("checkbox", name="A second visit at no price").check()
        await meena.page.get_by_role("textbox", name="Reason").fill("Ravi comes again with a new washer.")
        await meena.press_and_arrive("Decide")
        await asha.shows(f"#case-{case}", "Ravi comes again with a new washer.")
        await ravi.shows(f"#case-{case}", "Ravi comes again with a new washer.")
        await expect(asha.page.get_by_role("link", name="Your second visit")).to_be_visible()
        await expect(ravi.page.get_by_role("textbox", name="Your message")).to_have_count(0)
    assert asha.complaints == ravi.complaints == meena.complaints == []


async def test_a_block_is_appealed_with_a_photo_and_lifted_by_another_admin(story, url, browser):
    await story.sign_up()
    meena = await an_admin_with_password(story, "Meena Iyer", "meena@example.com")
    await an_admin_with_password(story, "Lekha Narayanan", "lekha@example.com")
    async with story.database.work() as db:
        person = await Users(db).by_email(ASHA["email"])
        await block(db, Sessions(story.database), meena, person.id, "Requested work outside of the app.")
    asha = await signed_in(browser, url, ASHA["email"], "/blocked")
    await asha.goto("/blocked/appeal")
    await asha.page.get_by_role("textbox", name="Your appeal").fill("The chat shows that I did not.")
    await asha.page.get_by_label("Photos").set_input_files([a_file("chat.png")])
    await asha.press_and_arrive("Send appeal")
    await expect(asha.page.get_by_text("We have your appeal")).not_to_have_count(0)
    await asha.check_page()
    blocker = await signed_in(browser, url, "meena@example.com", "/admin/appeals")
    await blocker.follow("Asha Raman")
    await expect(blocker.page.get_by_text("another admin decides")).to_be_visible()
    other = await signed_in(browser, url, "lekha@example.com", "/admin/appeals")
    await other.follow("Asha Raman")
    await expect(other.page.locator("main img")).to_have_count(1)
    await other.page.get_by_role("radio", name="Lift the block").check()
    await other.page.get_by_role("textbox", name="Reason").fill("The chat proves it.")
    await other.press("Decide")
    await expect(other.page.get_by_text("The block is lifted.").first).to_be_visible()
    await asha.goto("/bookings")
    await expect(asha.page.get_by_role("heading", level=1)).to_be_visible()
    assert "/blocked" not in asha.page.url
    assert asha.complaints == other.complaints == []


async def test_a_review_is_reported_and_hidden_with_a_reason_that_its_author_reads(story, url, browser):
    reference = await a_finished_job(story)
    await an_admin_with_password(story, "Meena Iyer", "meena@example.com")
    with frozen_at(15):
        asha = story.people[ASHA["email"]]
        page = await asha.visit(f"/bookings/{reference}")
        await asha.submit_and_follow(page, "/review", rating="2", comment="His neighbour Kala says he is slow.")
        async with story.database.work() as db:
            number = await db.scalar(select(Review.id))
        ravi = await signed_in(browser, url, RAVI, f"/reviews/{number}/report")
        await ravi.page.get_by_role("textbox", name="What is wrong with it").fill("It names my neighbour.")
        await ravi.press_and_arrive("Report")
        meena = await signed_in(browser, url, "meena@example.com", f"/admin/reviews/{number}")
        await expect(meena.page.locator('a[href="/admin/reviews"]', has_text="1").first).to_be_attached()
        await expect(meena.page.get_by_text("It names my neighbour.")).to_be_visible()
        await meena.page.get_by_role("textbox", name="Reason").fill("It names a neighbour.")
        await meena.press("Hide")
        await expect(meena.page.get_by_role("button", name="Show again")).to_be_visible()
        await expect(meena.page.locator('a[href="/admin/reviews"]', has_text="1")).to_have_count(0)
        own = await signed_in(browser, url, ASHA["email"], f"/bookings/{reference}")
        await own.shows("#review", "It names a neighbour.")
        await own.check_page()
    assert ravi.complaints == meena.complaints == own.complaints == []
