"""The professional's pages by plain forms: offers, the job, codes, errors, and what others must not see."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import text

from app.accounts.user import User
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.jobs.acceptance import accept
from tests.factories import (
    ADYAR,
    TAMBARAM,
    a_block,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
)
from tests.person import Person
from tests.statements import count_statements

PERSONAL = ("Asha", "Raman", "Flat 3B", "Ring twice")


@dataclass
class Scene:
    """Asha has booked Ravi's service; Kumar offers it too, Omar does not, and lives elsewhere."""

    database: Database
    encryption: Encryption
    service: Service
    asha: User
    ravi: User
    kumar: User
    omar: User
    ref: str

    async def booking(self):
        async with self.database.work() as db:
            return await Bookings(db).by_reference(self.ref)

    async def code(self, phase="start"):
        booking = await self.booking()
        return booking.live_code(phase).reveal(self.encryption, self.ref)

    async def accepted(self, by=None):
        async with self.database.work() as db:
            await accept(db, by or self.ravi, self.ref, self.encryption)
        return self

    async def another(self, days=2, professional=None):
        async with self.database.work() as db:
            named = professional.id if professional else None
            return (await a_request(db, self.asha, self.service, a_start(days), professional_id=named)).reference


@pytest.fixture
async def scene(app_database, app_encryption):
    async with app_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, "Ravi Kumar", services=[service])
        kumar = await a_professional(db, "Kumar Das", services=[service])
        omar = await a_professional(
            db, "Omar Sheriff", services=[await a_service(db)], pincodes=[TAMBARAM], home=TAMBARAM
        )
        asha = await a_customer(db, "Asha Raman", pincode=ADYAR)
        ref = (await a_request(db, asha, service)).reference
    return Scene(app_database, app_encryption, service, asha, ravi, kumar, omar, ref)


@pytest.fixture
async def ravi(scene, browser_of) -> Person:
    return await browser_of(scene.ravi)


@pytest.fixture
async def kumar(scene, browser_of) -> Person:
    return await browser_of(scene.kumar)


@pytest.fixture
async def omar(scene, browser_of) -> Person:
    return await browser_of(scene.omar)


async def test_an_offer_shows_what_it_earns_and_nothing_of_the_customer(scene, ravi):
    for path in ("/jobs", f"/jobs/{scene.ref}", "/jobs?tab=today", "/jobs?tab=coming"):
        page = await ravi.visit(path)
        assert page.status == 200
        for personal in (*PERSONAL, scene.asha.phone, scene.asha.email):
            assert personal not in page.text
    assert "₹126.65" in (await ravi.visit("/jobs")).text


async def test_offer_and_job_say_why_this_one_and_what_becomes_of_the_price(scene, ravi):
    price = "₹149 is the list price: you get ₹126.65 after Doorstep's commission of 15 %."
    for path in ("/jobs", f"/jobs/{scene.ref}"):
        words = " ".join((await ravi.visit(path)).text.split())
        assert f"You offer {scene.service.name} here and are free then. It's 0.5 km from your home. {price}" in words
    page = await ravi.submit_and_follow(await ravi.visit("/jobs"), f"/jobs/{scene.ref}/acceptance")
    words = " ".join(page.text.split())
    assert f"You offer {scene.service.name} here and were free. It's 0.5 km from your home. {price}" in words


async def test_accepting_opens_the_address_and_the_phone(scene, ravi):
    page = await ravi.submit_and_follow(await ravi.visit("/jobs"), f"/jobs/{scene.ref}/acceptance")
    assert page.path == f"/jobs/{scene.ref}"
    assert all(
        displayed in page.text
        for displayed in ("Asha Raman", "Flat 3B", "Ring twice", scene.asha.phone.replace(" ", ""))
    )
    assert (await scene.booking()).professional_id == scene.ravi.id


async def test_the_slower_one_reads_that_it_was_taken(scene, ravi, kumar):
    page = await kumar.visit("/jobs")
    await ravi.submit_and_follow(await ravi.visit("/jobs"), f"/jobs/{scene.ref}/acceptance")
    late = await kumar.submit(page, f"/jobs/{scene.ref}/acceptance")
    assert late.status == 409
    assert "Taken by someone else" in late.text
    assert "/jobs" in late.links
    assert "Asha" not in late.text


async def test_of_two_accepts_at_the_same_moment_one_wins_in_the_browser_too(scene, ravi, kumar):
    pages = [(item, await item.visit("/jobs")) for item in (ravi, kumar)]
    answers = await asyncio.gather(*(item.submit(page, f"/jobs/{scene.ref}/acceptance") for item, page in pages))
    assert Counter(answer.status for answer in answers) == {303: 1, 409: 1}


async def test_accepting_twice_is_accepting_once(scene, ravi):
    page = await ravi.visit("/jobs")
    first, second = [await ravi.submit(page, f"/jobs/{scene.ref}/acceptance") for _ in range(2)]
    assert (first.status, second.status, second.location) == (303, 303, f"/jobs/{scene.ref}")
    assert len((await scene.booking()).codes) == 1


async def test_a_passed_offer_is_gone_and_passing_again_changes_nothing(scene, ravi):
    page = await ravi.visit("/jobs")
    for _ in range(2):
        answer = await ravi.submit(page, f"/jobs/{scene.ref}/pass")
        assert (answer.status, answer.location) == (303, "/jobs")
    assert scene.ref not in (await ravi.visit("/jobs")).text


async def test_handing_back_asks_for_a_reason_and_offers_the_job_to_others(scene, ravi, kumar):
    await scene.accepted()
    confirmation = await ravi.visit(f"/jobs/{scene.ref}?do=return")
    empty = await ravi.submit(confirmation, "/return", reason="")
    assert empty.status == 422
    assert 'aria-invalid="true"' in empty.text
    for _ in range(2):
        assert (await ravi.submit(confirmation, "/return", reason="My scooter broke.")).location == "/jobs"
    assert (await ravi.visit(f"/jobs/{scene.ref}")).status == 404
    assert scene.ref in (await kumar.visit("/jobs")).text


async def test_the_whole_way_from_the_road_to_the_finished_job(scene, ravi):
    await scene.accepted()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    with clock.freeze((await scene.booking()).starts_at - timedelta(minutes=60)):
        page = await ravi.submit_and_follow(page, "/departure")
        page = await ravi.submit_and_follow(page, "/arrival")
    assert "You're at the door" in page.text
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=await scene.code())
    page = await ravi.submit_and_follow(page, "/completion", code=await scene.code("finish"))
    assert "you earned ₹126.65" in page.text
    assert (await scene.booking()).state == "completed"
    earnings = (await ravi.visit("/earnings")).text
    assert all(text in earnings for text in ("Price ₹149", "commission ₹22.35", "₹126.65"))
    assert scene.ref in (await ravi.visit("/jobs/history")).text


async def test_an_early_departure_or_start_needs_a_confirmation(scene, ravi):
    await scene.accepted()
    confirmation = await ravi.submit(await ravi.visit(f"/jobs/{scene.ref}"), "/departure")
    assert confirmation.status == 409
    assert "The visit is at 10:00\xa0am. Start now?" in confirmation.text
    assert (await scene.booking()).departed_at is None
    page = await ravi.submit_and_follow(confirmation, "/departure")
    assert (await scene.booking()).departed_at is not None
    early = await ravi.submit(page, "/arrival")
    assert early.status == 409
    assert "You can confirm that you&#39;re at the door from" in early.text
    assert (await scene.booking()).arrived_at is None
    code = await scene.code()
    confirmation = await ravi.submit(page, "/start", code=code)
    assert confirmation.status == 409
    assert "The visit is at 10:00\xa0am. Start now?" in confirmation.text
    assert code not in confirmation.text
    assert (await scene.booking()).codes[0].attempts == 0
    invalid = f"{(int(code) + 1) % 1_000_000:06d}"
    page = await ravi.submit(confirmation, "/start", code=invalid)
    assert page.status == 422
    await ravi.submit_and_follow(page, "/start", code=code)  # the answer is asked for once
    assert (await scene.booking()).state == "started"


async def test_the_codes_reach_only_the_customer(scene, ravi, kumar):
    await scene.accepted()
    start = await scene.code()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=start)
    finish = await scene.code("finish")
    for path in ("/jobs", "/jobs?tab=today", "/jobs?tab=coming", f"/jobs/{scene.ref}", "/jobs/history", "/earnings"):
        await ravi.visit(path)
        await kumar.visit(path)
    await ravi.submit(page, "/completion", code=f"{(int(finish) + 1) % 1_000_000:06d}")
    for page_text in ravi.page_texts + kumar.page_texts:
        for code in (start, finish):
            assert code not in page_text
            assert f"{code[:3]} {code[3:]}" not in page_text
    async with scene.database.work() as db:
        rows = await db.scalars(
            text("SELECT facts::text FROM events WHERE subject = :s"), {"s": f"booking-{scene.ref}"}
        )
        mail = await db.scalars(text("SELECT data::text FROM outbox"))
        stored = "\n".join([*rows, *mail])
    assert start not in stored
    assert finish not in stored


async def test_a_wrong_code_is_shown_beside_the_field_and_kept(scene, ravi):
    await scene.accepted()
    invalid = f"{(int(await scene.code()) + 1) % 1_000_000:06d}"
    answer = await ravi.submit(await ravi.visit(f"/jobs/{scene.ref}"), "/start", early="yes", code=invalid)
    assert answer.status == 422
    assert "That&#39;s not the right code. 4 tries left, then it locks for 15 minutes." in answer.text
    assert 'id="code-error"' in answer.text
    assert f'value="{invalid}"' in answer.text


async def test_locked_entry_says_until_when_and_what_to_do(scene, ravi):
    await scene.accepted()
    invalid = f"{(int(await scene.code()) + 1) % 1_000_000:06d}"
    page = await ravi.visit(f"/jobs/{scene.ref}")
    for _ in range(5):
        answer = await ravi.submit(page, "/start", early="yes", code=invalid)
    assert answer.status == 422
    refused = await ravi.submit(page, "/start", early="yes", code=await scene.code())
    assert refused.status == 409
    assert "Locked until" in refused.text
    assert "new code" in refused.text
    assert (await scene.booking()).state == "assigned"


async def test_a_double_click_on_start_starts_once_and_says_so_in_words(scene, ravi):
    await scene.accepted()
    page, code = await ravi.visit(f"/jobs/{scene.ref}"), await scene.code()
    answers = await asyncio.gather(*(ravi.submit(page, "/start", early="yes", code=code) for _ in range(2)))
    assert Counter(answer.status for answer in answers) == {303: 1, 409: 1}
    assert "This job has started" in next(answer.text for answer in answers if answer.status == 409)


@pytest.mark.parametrize("action", ["departure", "arrival", "start", "completion", "extras", "absence", "return"])
async def test_an_outsider_finds_nothing_to_act_on(scene, omar, kumar, action):
    await scene.accepted()
    fields = {"code": "123456", "reason": "Because of it.", "text": "A new tap", "price": "250"}
    for stranger in (omar, kumar):
        answer = await stranger.post_fields(f"/jobs/{scene.ref}/{action}", fields)
        assert answer.status == 404
        assert "Asha" not in answer.text


async def test_an_outsider_does_not_find_the_offer(scene, omar):
    assert (await omar.visit(f"/jobs/{scene.ref}")).status == 404
    assert (await omar.post_fields(f"/jobs/{scene.ref}/acceptance", {})).status == 404
    assert (await omar.post_fields(f"/jobs/{scene.ref}/pass", {})).status == 404
    assert scene.ref not in (await omar.visit(f"/jobs?seen={scene.ref}")).text


async def test_another_professional_does_not_find_the_accepted_job(scene, kumar):
    await scene.accepted()
    page = await kumar.visit(f"/jobs/{scene.ref}")
    assert page.status == 404
    assert not any(personal in page.text for personal in PERSONAL)


@pytest.mark.parametrize("path", ["/jobs/XXXXXXXX", "/jobs/1", "/jobs/%00", "/jobs/' OR 1=1", "/jobs/AAAAAAAAA"])
async def test_references_that_are_none_find_nothing(ravi, path):
    assert (await ravi.visit(path)).status == 404


async def test_a_day_after_the_job_address_and_phone_are_closed_again(scene, ravi):
    await scene.accepted()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=await scene.code())
    page = await ravi.submit_and_follow(page, "/completion", code=await scene.code("finish"))
    assert "Asha Raman" in page.text
    async with scene.database.work() as db:
        await db.execute(
            text("UPDATE bookings SET completed_at = completed_at - interval '25 hours' WHERE reference = :r"),
            {"r": scene.ref},
        )
    page = await ravi.visit(f"/jobs/{scene.ref}")
    assert page.status == 200
    assert not any(personal in page.text for personal in PERSONAL)


async def test_an_offer_on_the_screen_that_someone_took_says_so_and_leaves(scene, ravi):
    await scene.accepted(by=scene.kumar)
    page = await ravi.visit(f"/jobs?tab=offers&seen={scene.ref}", **{"HX-Request": "true"})
    assert "Taken by someone else" in page.text
    assert "<html" not in page.text
    page = await ravi.visit("/jobs?tab=offers", **{"HX-Request": "true"})
    assert "Taken by someone else" not in page.text


async def test_more_work_is_proposed_once_with_its_price(scene, ravi):
    await scene.accepted()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=await scene.code())
    confirmation = await ravi.visit(f"/jobs/{scene.ref}?do=extra")
    for price in ("", "free", "0", "12.345", "-5", "1e3", "99999999999999999999"):
        answer = await ravi.submit(confirmation, "/extras", text="A new tap", price=price)
        assert answer.status == 422, price
        assert 'id="price-error"' in answer.text
        assert "A new tap" in answer.text
    for _ in range(2):
        assert (await ravi.submit(confirmation, "/extras", text="A new tap", price="₹1,250.50")).status == 303
    (extra,) = (await scene.booking()).extras
    assert (extra.text, extra.price, extra.state) == ("A new tap", 125050, "proposed")
    assert "₹1,250.50" in (await ravi.visit(f"/jobs/{scene.ref}")).text
    assert page.status == 200


async def test_no_one_at_the_door_is_reported_a_quarter_of_an_hour_after_arriving(scene, ravi):
    await scene.accepted()
    starts_at = (await scene.booking()).starts_at
    with clock.freeze(starts_at):
        page = await ravi.submit_and_follow(await ravi.visit(f"/jobs/{scene.ref}"), "/departure")
        page = await ravi.submit_and_follow(page, "/arrival")
        assert "You can report it from" in page.text
        early = await ravi.post_fields(f"/jobs/{scene.ref}/absence", {})
        assert early.status == 409
        assert "You can report it from" in early.text
    with clock.freeze(starts_at + timedelta(minutes=15)):
        confirmation = await ravi.visit(f"/jobs/{scene.ref}?do=absence")
        assert "₹100" in confirmation.text
        for _ in range(2):
            assert (await ravi.submit(confirmation, "/absence")).status == 303
    booking = await scene.booking()
    assert (booking.state, booking.cancelled_as, booking.fee) == ("cancelled", "no_show", 100_00)
    assert "₹70" in (await ravi.visit("/earnings")).text


async def test_a_wrong_state_is_refused_in_words_with_the_job_as_it_is(scene, ravi):
    await scene.accepted()
    answer = await ravi.post_fields(f"/jobs/{scene.ref}/completion", {"code": "123456"})
    assert answer.status == 409
    assert "This job has been accepted." in answer.text
    assert f"/jobs/{scene.ref}" in answer.text


async def test_a_blocked_professional_may_only_finish_the_job_that_has_started(scene, ravi):
    await scene.accepted()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=await scene.code())
    other = await scene.another(professional=scene.ravi)
    async with scene.database.work() as db:
        await a_block(db, scene.ravi, await an_admin(db))
    assert (await ravi.visit("/jobs")).status == 403
    assert (await ravi.visit(f"/jobs/{other}")).status == 403
    assert (await ravi.submit(page, "/completion", code="12")).status == 422
    assert (await ravi.visit(f"/jobs/{scene.ref}")).status == 200
    assert (await ravi.submit(page, "/completion", code=await scene.code("finish"))).status == 303
    assert (await scene.booking()).state == "completed"
    assert (await ravi.visit(f"/jobs/{scene.ref}")).status == 403


async def test_the_history_shows_cancelled_jobs_too_page_by_page(scene, ravi):
    await scene.accepted()
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(scene.ref, lock=True)
        booking.cancel(scene.asha, "customer", "Found a spanner.")
    page = await ravi.visit("/jobs/history")
    assert scene.ref in page.text
    assert "cancelled" in page.text
    assert (await ravi.visit("/jobs/history?after=nonsense")).status == 404


async def test_earnings_add_up_to_the_ledger(scene, ravi):
    await scene.accepted()
    page = await ravi.visit(f"/jobs/{scene.ref}")
    page = await ravi.submit_and_follow(page, "/start", early="yes", code=await scene.code())
    await ravi.submit_and_follow(page, "/completion", code=await scene.code("finish"))
    async with scene.database.work() as db:
        ledger = await db.scalar(
            text(
                "SELECT -sum(amount) FROM ledger_entries"
                " WHERE person_id = :me AND account IN ('earnings', 'payout_held')"
            ),
            {"me": scene.ravi.id},
        )
    page = await ravi.visit("/earnings")
    assert ledger == 126_65
    assert page.text.count("₹126.65") == 5  # the month, what is available, the week, the day, the job


async def test_a_job_list_asks_the_database_twice_and_without_offers_three_times(scene, ravi, app_database):
    await ravi.visit("/jobs")
    with count_statements(app_database) as statements:
        assert f"/jobs/{scene.ref}/acceptance" in (await ravi.visit("/jobs")).text
    assert len(statements) <= 2, statements  # the session; the schedule with the agenda and the offers
    await ravi.submit(await ravi.visit("/jobs"), f"/jobs/{scene.ref}/pass")
    with count_statements(app_database) as statements:
        assert "No offers right now" in (await ravi.visit("/jobs")).text
    assert len(statements) <= 3, statements


async def test_a_code_sent_twice_starts_nothing_and_counts_as_one_try(scene, ravi):
    await scene.accepted()
    code = await scene.code()
    invalid = f"{(int(code) + 1) % 1_000_000:06d}"
    page = await ravi.visit(f"/jobs/{scene.ref}")
    for codes in ([invalid, code], [code, invalid], [code, code]):
        answer = await ravi.submit(page, "/start", early="yes", code=codes)
        assert answer.status == 422
        assert "Send this only once." in answer.text
        assert code not in answer.text
    booking = await scene.booking()
    assert (booking.state, booking.codes[0].attempts) == ("assigned", 3)
    await ravi.submit_and_follow(page, "/start", early="yes", code=code)
    finish = await scene.code("finish")
    page = await ravi.visit(f"/jobs/{scene.ref}")
    assert (await ravi.submit(page, "/completion", code=["000000", finish])).status == 422
    assert (await scene.booking()).state == "started"


async def test_expired_documents_are_named_as_the_reason_for_no_offers(scene, ravi):
    async with scene.database.work() as db:
        await db.execute(
            text("UPDATE professionals SET documents_expire_on = :day WHERE user_id = :me"),
            {"day": clock.today(), "me": scene.ravi.id},
        )
    page = await ravi.visit("/jobs")
    assert "A document expired on" in page.text
    assert "once your documents are approved" not in page.text


async def test_twelve_offers_are_drawn_and_more_on_request(scene, ravi):
    async with scene.database.work() as db:
        for day, hour in product(range(1, 5), (10, 14)):
            for _ in range(2 if (day, hour) != (1, 10) else 0):  # one reserved for each of the two professionals
                await a_request(db, await a_customer(db), scene.service, a_start(day, hour))
    page = await ravi.visit("/jobs")
    assert "15 offers for you" in page.text
    assert page.text.count('action="/jobs/') == 2 * 12  # pass and accept
    assert "Show 3 more" in page.text
    for show in ("15", "999"):
        page = await ravi.visit(f"/jobs?show={show}")
        assert page.text.count('action="/jobs/') == 2 * 15, show
        assert " more</a>" not in page.text
    for show in ("1", "-3", "x", "9999", "१५"):
        page = await ravi.visit(f"/jobs?show={show}")
        assert page.text.count('action="/jobs/') == 2 * 12, show
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)[1].split(",")
    await scene.accepted(by=scene.kumar)  # the first of the displayed
    gone = await ravi.visit(f"/jobs?seen={','.join(seen)}", **{"HX-Request": "true"})
    assert "Taken by someone else" in gone.text
    hidden = [*seen[1:], seen[0]]
    kept = await ravi.visit(f"/jobs?seen={','.join(hidden)}", **{"HX-Request": "true"})
    assert "Taken by someone else" not in kept.text
