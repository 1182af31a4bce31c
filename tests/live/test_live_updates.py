"""What happens on one phone shows on the other within two seconds, on any web process."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import expect

from app.accounts.user import User
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core.db import Database
from app.core.encryption import Encryption
from tests.factories import a_customer, a_hold, a_professional, a_request, a_service, a_start
from tests.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UPDATE_TIMEOUT_MS = 2_000  # milliseconds
DISPATCH_JOBS_EVENT = "() => { document.body.dispatchEvent(new Event('jobs')) }"


@dataclass
class Town:
    database: Database
    encryption: Encryption
    service: Service
    asha: User
    ravi: User
    kumar: User

    async def offer(self, days=1, hour=10):
        async with self.database.work() as db:
            return (await a_request(db, self.asha, self.service, a_start(days, hour))).reference

    async def held(self, days=1, hour=15):
        async with self.database.work() as db:
            return (await a_hold(db, self.asha, self.service, a_start(days, hour))).reference

    async def code(self, reference, phase):
        async with self.database.work() as db:
            booking = await Bookings(db).by_reference(reference)
            return booking.live_code(phase).reveal(self.encryption, reference)

    async def browser_of(self, user, web):
        return await Person(base_url=web.url).signed_in_as(user, self.database)

    async def pay(self, web, reference):
        async with await self.browser_of(self.asha, web) as asha:
            page = await asha.visit(f"/bookings/{reference}/payment")
            assert (await asha.submit(page, "/payment", having="method", method="after")).status == 303

    async def accept(self, web, reference, by=None):
        async with await self.browser_of(by or self.kumar, web) as person:
            page = await person.visit("/jobs")
            assert (await person.submit(page, f"/jobs/{reference}/acceptance")).status == 303

    async def enter(self, web, reference, action, phase):
        async with await self.browser_of(self.kumar, web) as kumar:
            page = await kumar.visit(f"/jobs/{reference}")
            code = await self.code(reference, phase)
            assert (await kumar.submit(page, f"/{action}", code=code, early="yes")).status == 303


@pytest.fixture
async def town(live_database, encryption):
    async with live_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, "Ravi Kumar", services=[service])
        kumar = await a_professional(db, "Kumar Das", services=[service])
        asha = await a_customer(db, "Asha Raman")
    return Town(live_database, encryption, service, asha, ravi, kumar)


async def test_a_new_offer_appears_and_is_announced(town, webs, window):
    first_web, second_web = webs
    ravi = await window(town.ravi, first_web, "/jobs")
    await expect(ravi.page.get_by_role("heading", name="No offers right now")).to_be_visible()
    reference = await town.held()
    await town.pay(second_web, reference)
    await expect(ravi.page.locator(f"#offer-{reference}")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    await expect(ravi.page.get_by_role("heading", name="1 offer for you")).to_be_visible()
    assert ravi.console_messages == []


async def test_a_taken_offer_says_so_leaves_and_does_not_come_back(town, webs, window):
    first_web, second_web = webs
    first, second = await town.offer(hour=10), await town.offer(hour=15)
    ravi = await window(town.ravi, first_web, "/jobs")
    await town.accept(second_web, first)
    expired_offer = ravi.page.locator(f"#offer-{first}")
    await expect(expired_offer).to_have_attribute("data-state", "gone", timeout=UPDATE_TIMEOUT_MS)
    await expect(expired_offer).to_contain_text("Taken by someone else")
    await expect(ravi.page.locator("#announce")).to_contain_text("is no longer available", timeout=UPDATE_TIMEOUT_MS)
    await expect(expired_offer).to_have_count(0, timeout=10_000)
    await expect(ravi.page.locator(f"#offer-{second}")).to_be_visible()
    third = await town.held(hour=18)
    await town.pay(second_web, third)
    await expect(ravi.page.locator(f"#offer-{third}")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    await expect(ravi.page.locator("#announce")).to_contain_text("New offer", timeout=UPDATE_TIMEOUT_MS)
    await expect(expired_offer).to_have_count(0)
    assert ravi.console_messages == []


async def test_the_customers_page_follows_the_job_step_by_step(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    asha = await window(town.asha, first_web, f"/bookings/{reference}")
    await town.accept(second_web, reference)
    await expect(asha.page.locator("#start-code")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    async with await town.browser_of(town.kumar, second_web) as kumar:
        await kumar.submit(await kumar.visit(f"/jobs/{reference}"), "/departure", early="yes")
    await expect(asha.page.locator(".badge", has_text="On the way")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    await town.enter(second_web, reference, "start", "start")
    await expect(asha.page.locator("#finish-code")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    await expect(asha.page.locator("#start-code")).to_have_count(0)
    await town.enter(second_web, reference, "completion", "finish")
    await expect(asha.page.locator("#finish-code")).to_have_count(0, timeout=UPDATE_TIMEOUT_MS)
    assert asha.console_messages == []


async def test_a_cancelled_job_closes_the_address_on_the_professionals_screen(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    await town.accept(second_web, reference)
    kumar = await window(town.kumar, first_web, f"/jobs/{reference}")
    await expect(kumar.page.get_by_text("Flat 3B")).to_be_visible()
    async with await town.browser_of(town.asha, second_web) as asha:
        page = await asha.visit(f"/bookings/{reference}/cancellation")
        assert (await asha.submit(page, "/cancellation", having="reason", reason="Found a spanner.")).status == 303
    await expect(kumar.page.get_by_text("Flat 3B")).to_have_count(0, timeout=UPDATE_TIMEOUT_MS)


async def test_after_a_cut_line_nothing_is_missed_and_nothing_doubled(town, webs, window):
    first_web, second_web = webs
    first = await town.offer(hour=10)
    ravi = await window(town.ravi, first_web, "/jobs")
    await ravi.context.set_offline(True)
    await town.accept(second_web, first)
    second = await town.held(hour=15)
    await town.pay(second_web, second)
    await ravi.page.wait_for_timeout(1_500)
    await expect(ravi.page.locator(f"#offer-{second}")).to_have_count(0)
    await ravi.context.set_offline(False)
    await expect(ravi.page.locator(f"#offer-{second}")).to_have_count(1, timeout=10_000)
    await expect(ravi.page.locator(f"#offer-{first}:not([data-state=gone])")).to_have_count(0)
    assert await ravi.page.locator("#jobs").count() == 1


async def test_a_page_that_was_in_the_background_is_exact_when_it_is_looked_at(town, webs, window):
    first_web, second_web = webs
    first = await town.offer(hour=10)
    ravi = await window(town.ravi, first_web, "/jobs")
    await _hide(ravi.page, hidden=True)
    await town.accept(second_web, first)
    await ravi.page.wait_for_timeout(500)
    await _hide(ravi.page, hidden=False)
    await expect(ravi.page.locator(f"#offer-{first}:not([data-state=gone])")).to_have_count(0, timeout=5_000)


async def test_a_restarted_server_finds_its_pages_and_they_are_exact(town, webs, window):
    first_web, second_web = webs
    first = await town.offer(hour=10)
    ravi = await window(town.ravi, first_web, "/jobs")
    first_web.stop()
    await town.accept(second_web, first)
    second = await town.held(hour=15)
    await town.pay(second_web, second)
    await first_web.start()
    await expect(ravi.page.locator(f"#offer-{second}")).to_have_count(1, timeout=15_000)
    await expect(ravi.page.locator(f"#offer-{first}:not([data-state=gone])")).to_have_count(0)
    third = await town.held(days=2, hour=9)
    await town.pay(second_web, third)
    await expect(ravi.page.locator(f"#offer-{third}")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)


async def test_a_word_that_comes_while_an_answer_is_drawn_is_not_lost(town, webs, window):
    ravi = await window(town.ravi, webs[0], "/jobs")
    await ravi.page.wait_for_timeout(3_500)  # the requests of a page that begins to listen are finished
    request_count = 0

    async def held(route):
        nonlocal request_count
        request_count += 1
        answer = await route.fetch()
        if request_count == 1:
            await ravi.page.evaluate(DISPATCH_JOBS_EVENT)
        await route.fulfill(response=answer)

    await ravi.page.route("**/jobs?*", held)
    reference = await town.offer()
    await ravi.page.evaluate(DISPATCH_JOBS_EVENT)
    await expect(ravi.page.locator(f"#offer-{reference}")).to_be_visible()
    await ravi.page.wait_for_timeout(500)
    await ravi.page.unroute("**/jobs?*")
    assert request_count == 2


async def test_what_is_being_typed_survives_a_nudge(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    await town.accept(second_web, reference)
    kumar = await window(town.kumar, first_web, f"/jobs/{reference}")
    await kumar.page.get_by_text("Enter the start code now").click()
    await kumar.page.locator("#code").press_sequentially("482")
    async with await town.browser_of(town.kumar, second_web) as elsewhere:
        await elsewhere.submit(await elsewhere.visit(f"/jobs/{reference}"), "/departure", early="yes")
    await expect(kumar.page.locator(".badge", has_text="On the way")).to_be_visible(timeout=UPDATE_TIMEOUT_MS)
    await expect(kumar.page.locator("#code")).to_have_value(re.compile("^482$"))


async def test_a_code_may_be_typed_in_ones_own_digits(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    await town.accept(second_web, reference)
    kumar = await window(town.kumar, first_web, f"/jobs/{reference}")
    await kumar.page.get_by_text("Enter the start code now").click()
    code = await town.code(reference, "start")
    own_digits = "".join("௦௧௨௩௪௫௬௭௮௯"[int(digit)] for digit in code)
    await kumar.page.locator("#code").press_sequentially(own_digits)
    await kumar.page.get_by_role("button", name="Start the job").click()
    await expect(kumar.page.get_by_text("Start now?")).to_be_visible()
    await kumar.page.get_by_role("button", name="Start the job").click()
    await expect(kumar.page.get_by_role("heading", name="Finish: enter the code")).to_be_visible()


async def test_a_full_code_box_that_is_typed_into_starts_again(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    await town.accept(second_web, reference)
    kumar = await window(town.kumar, first_web, f"/jobs/{reference}")
    await kumar.page.get_by_text("Enter the start code now").click()
    box = kumar.page.locator("#code")
    await box.press_sequentially("123456")
    await box.press("Home")
    await box.press_sequentially("482 913")
    await expect(box).to_have_value("482913")
    await box.evaluate("box => box.setSelectionRange(3, 3)")
    await kumar.page.keyboard.insert_text("572 160")  # as a paste does
    await expect(box).to_have_value("572160")
    await box.press("Backspace")
    await box.press_sequentially("9")
    await expect(box).to_have_value("572169")


async def test_the_answer_to_an_act_stays_until_the_job_moves_on(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    await town.accept(second_web, reference)
    kumar = await window(town.kumar, first_web, f"/jobs/{reference}")
    await kumar.page.get_by_text("Enter the start code now").click()
    start = kumar.page.get_by_role("button", name="Start the job")
    code = await town.code(reference, "start")
    await kumar.page.locator("#code").press_sequentially(code)
    await start.click()
    await expect(kumar.page.get_by_text("Start now?")).to_be_visible()
    await _reload_pieces(kumar.page, reference)
    await expect(kumar.page.get_by_text("Start now?")).to_be_visible()
    await kumar.page.locator("#code").press_sequentially(f"{(int(code) + 1) % 10**6:06}")
    await start.click()
    await expect(kumar.page.locator("#code-error")).to_be_visible()
    await expect(kumar.page.get_by_text("Start now?")).to_have_count(0)
    await _reload_pieces(kumar.page, reference)
    await expect(kumar.page.locator("#code-error")).to_be_visible()
    await town.enter(second_web, reference, "start", "start")
    await expect(kumar.page.get_by_role("heading", name="Finish: enter the code")).to_be_visible()
    await expect(kumar.page.locator("#code-error")).to_have_count(0)
    assert [message for message in kumar.console_messages if "status of 4" not in message] == []


async def test_the_slower_of_two_reads_it_in_the_list_without_an_error_page(town, webs, window):
    first_web, second_web = webs
    reference = await town.offer()
    ravi = await window(town.ravi, first_web, "/jobs")
    await ravi.page.route(re.compile("/jobs\\?"), lambda route: route.abort())  # his list is not updated in time
    await town.accept(second_web, reference)
    await ravi.page.locator(f"#offer-{reference} .button--go").click()
    await expect(ravi.page.locator(f"#offer-{reference}")).to_contain_text(
        "Taken by someone else", timeout=UPDATE_TIMEOUT_MS
    )
    assert ravi.page.url.endswith("/jobs")


async def _reload_pieces(page, reference):
    """As after a cut line: every live piece is asked for again."""
    is_job = re.compile(f"/jobs/{reference}$")
    async with page.expect_response(lambda response: response.request.method == "GET" and is_job.search(response.url)):
        await page.evaluate("document.body.dispatchEvent(new Event('live-resume'))")
    await expect(page.locator(".htmx-request")).to_have_count(
        0
    )  # to wait for an expression, the page would have to eval


async def _hide(page, *, hidden):
    """As if another tab stood in front."""
    await page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            const state = hidden ? "hidden" : "visible";
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
