"""Starts that are near: each that is shown can be held, paid in the last second, offered and accepted (W9)."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.deadlines import HOLD_DURATION, MIN_TIME_TO_ACCEPT, UNFILLED_CUTOFF, unfilled_at
from app.bookings.repository import Bookings
from app.bookings.reservation import reschedule_by_customer
from app.catalog.service import MIN_LEAD_MINUTES, Service
from app.core import clock
from app.core.events import PLATFORM
from app.jobs.acceptance import hand_back
from app.jobs.repository import Jobs
from tasks.bookings import cancel_unfilled_bookings
from tests.application import task_context
from tests.bookings.scenes import START, Scene
from tests.factories import ADYAR, a_request, a_start, an_admin
from tests.person import Page

ONE_SECOND = timedelta(seconds=1)
NOTICES = (0, 30, 60, 66)


@pytest.fixture
async def scene(app):
    """At 10:07 tomorrow, so that no start is exactly one of the notices away."""
    scene = await Scene.set(app)
    with clock.freeze(a_start(hour=10, minute=7)):
        yield scene
    await scene.close()


async def set_notice(scene: Scene, minutes: int) -> None:
    async with scene.database.work() as db:
        await db.execute(update(Service).where(Service.id == scene.service.id).values(notice_minutes=minutes))


async def shown_starts(person, scene: Scene, *, within: timedelta) -> list[str]:
    page = await person.visit(f"/services/{scene.service.slug}/slots?pincode={ADYAR}")
    latest = (clock.now() + within).astimezone(clock.IST).strftime(START)
    return [start for start in re.findall(r'name="start" value="([^"]+)"', page.text) if start <= latest]


async def requested(scene: Scene, minutes: int, professional_id: int | None = None) -> Booking:
    """A booking paid now of a start about so many minutes away: the next half hour from there."""
    now = clock.now()
    start = clock.at(now.astimezone(clock.IST).date(), 0)
    while start < now + timedelta(minutes=minutes):
        start += timedelta(minutes=30)
    async with scene.database.work() as db:
        return await a_request(db, scene.asha, scene.service, start, professional_id=professional_id)


async def offered_to(scene: Scene, reference: str) -> list[str]:
    """Who is offered the booking now."""
    async with scene.database.work() as db:
        people = {"Ravi": scene.ravi.id, "Kumar": scene.kumar.id}
        return [name for name, person in people.items() if await Jobs(db).open_offers(person, reference)]


def readable(page: Page) -> str:
    """The page's text without the days of its times."""
    return re.sub(r"\w{3} \d+ \w{3}, ", "", page.text.replace("\xa0", " "))


async def run_task(scene: Scene) -> None:
    await cancel_unfilled_bookings(task_context(scene.database))


def test_the_least_lead_leaves_a_hold_paid_in_its_last_second_time_to_be_accepted():
    now = clock.now()
    start, paid_at = now + timedelta(minutes=MIN_LEAD_MINUTES), now + HOLD_DURATION
    assert unfilled_at(start, paid_at) - paid_at >= MIN_TIME_TO_ACCEPT
    assert unfilled_at(now + timedelta(minutes=40), now) == now + timedelta(minutes=20)
    assert unfilled_at(now + timedelta(hours=2), now) == now + timedelta(hours=1)
    assert unfilled_at(now + timedelta(days=3), now) == now + timedelta(days=3) - UNFILLED_CUTOFF


@pytest.mark.parametrize("notice", NOTICES)
async def test_each_shown_start_is_held_paid_in_the_last_second_offered_and_accepted(scene, notice):
    await set_notice(scene, notice)
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    shown = await shown_starts(asha, scene, within=timedelta(hours=3))
    first = clock.now() + timedelta(minutes=max(notice, MIN_LEAD_MINUTES))
    assert shown[0] >= first.astimezone(clock.IST).strftime(START) > "2026"
    assert len(shown) >= 3
    began = clock.now()
    for start in shown:
        with clock.freeze(began):
            page = await asha.visit(f"/bookings/new?service={scene.service.id}&start={start}&pincode={ADYAR}")
            held = await asha.submit(page, "/bookings")
            assert held.status == 303, (start, held.text)
        reference = held.location.split("/")[2]
        with clock.freeze(began + HOLD_DURATION - ONE_SECOND):
            assert (await scene.pay(asha, reference)).status == 303, start
        deadline = (await scene.booking(reference)).unfilled_at
        assert deadline - (began + HOLD_DURATION) >= MIN_TIME_TO_ACCEPT
        with clock.freeze(deadline - ONE_SECOND):
            await run_task(scene)
            offers = await ravi.visit("/jobs")
            assert f"/jobs/{reference}/acceptance" in offers.text, start
            await ravi.submit(offers, f"/jobs/{reference}/acceptance")
        booking = await scene.booking(reference)
        assert (booking.state, booking.professional_id) == ("assigned", scene.ravi.id)
        async with scene.database.work() as db:
            locked = await Bookings(db).by_reference(reference, lock=True)
            await cancel_booking(db, locked, PLATFORM, "platform", "")  # Ravi is free for the next start


async def test_without_notice_a_start_within_the_least_lead_is_neither_shown_nor_sold(scene):
    await set_notice(scene, 0)
    asha = await scene.browser(scene.asha)
    with clock.freeze(a_start(days=0, hour=10, minute=11)):
        near = a_start(days=0, hour=10, minute=30)
        assert near.strftime(START) not in await shown_starts(asha, scene, within=timedelta(hours=1))
        sent = await asha.submit(
            await asha.visit(scene.new_booking_url(a_start(days=0, hour=11))), "/bookings", start=near.strftime(START)
        )
        assert sent.status == 422
        assert "too soon" in sent.text


@pytest.mark.parametrize("minutes", [MIN_LEAD_MINUTES, 50, 80, 110, 140])
async def test_a_booking_that_no_one_accepts_ends_exactly_at_its_cutoff(scene, minutes):
    await set_notice(scene, 0)
    booking = await requested(scene, minutes)
    lead = booking.starts_at - clock.now()
    assert booking.unfilled_at == booking.starts_at - min(lead / 2, timedelta(hours=1))
    with clock.freeze(booking.unfilled_at - ONE_SECOND):
        assert await offered_to(scene, booking.reference) == ["Ravi", "Kumar"]
        await run_task(scene)
        assert (await scene.booking(booking.reference)).state == "requested"
    with clock.freeze(booking.unfilled_at):
        assert await offered_to(scene, booking.reference) == []
        await run_task(scene)
    booking = await scene.booking(booking.reference)
    assert (booking.state, booking.cancelled_as) == ("cancelled", "unfilled")
    assert booking.cancelled_at == booking.unfilled_at


async def test_the_pages_say_when_a_near_booking_ends(scene):
    await set_notice(scene, 0)
    booking = await requested(scene, 50)  # 11:00, requested at 10:07: 10:33:30
    asha = await scene.browser(scene.asha)
    page = await asha.visit(f"/bookings/{booking.reference}")
    sentence = "If no professional accepts by 10:33 am, we cancel the booking and you pay nothing."
    assert sentence in readable(page)
    async with scene.database.work() as db:
        admin = await an_admin(db)
    meena = await scene.browser(admin)
    assert "in 26 min" in readable(await meena.visit("/admin/dispatch"))
    page = await meena.visit(f"/admin/dispatch/{booking.reference}")
    assert "If no professional has it by 10:33 am, in 26 min," in readable(page)


async def test_a_near_offer_to_one_professional_leaves_the_others_as_long(scene):
    await set_notice(scene, 0)
    booking = await requested(scene, MIN_LEAD_MINUTES, professional_id=scene.ravi.id)
    half = (booking.unfilled_at - clock.now()) / 2
    assert booking.exclusive_until == clock.now() + half
    assert await offered_to(scene, booking.reference) == ["Ravi"]
    with clock.freeze(booking.exclusive_until):
        assert await offered_to(scene, booking.reference) == ["Ravi", "Kumar"]


async def test_a_booking_paid_long_ago_and_moved_to_a_near_start_counts_from_the_move(scene):
    await set_notice(scene, 0)
    with clock.freeze(clock.now() - timedelta(days=6)):
        booking = await requested(scene, 7 * 24 * 60 - 1440)
    start = a_start(days=0, hour=11)
    async with scene.database.work() as db:
        await reschedule_by_customer(db, scene.asha, booking.reference, start)
    moved = await scene.booking(booking.reference)
    assert moved.unfilled_at == clock.now() + (start - clock.now()) / 2
    with clock.freeze(moved.unfilled_at - ONE_SECOND):
        await run_task(scene)
        assert await offered_to(scene, booking.reference) == ["Ravi", "Kumar"]
    with clock.freeze(moved.unfilled_at):
        await run_task(scene)
    assert (await scene.booking(booking.reference)).cancelled_as == "unfilled"


async def test_a_near_job_handed_back_before_its_cutoff_ends_there_and_after_it_waits(scene):
    await set_notice(scene, 0)
    outcomes = {}
    for name, offset in (("before", -ONE_SECOND), ("after", ONE_SECOND)):
        booking = await requested(scene, 80)
        await scene.accepted(booking.reference)
        with clock.freeze(booking.unfilled_at + offset):
            async with scene.database.work() as db:
                await hand_back(db, scene.ravi, booking.reference, "My scooter broke.")
        with clock.freeze(booking.unfilled_at + 2 * ONE_SECOND):
            await run_task(scene)
            outcomes[name] = (await scene.booking(booking.reference)).state, await offered_to(scene, booking.reference)
    assert outcomes == {"before": ("cancelled", []), "after": ("requested", ["Kumar"])}
    page = await (await scene.browser(scene.asha)).visit(f"/bookings/{booking.reference}")
    assert "you choose a new time or a refund." in page.text


async def test_a_hold_whose_start_has_come_too_near_is_not_sold(scene):
    asha = await scene.browser(scene.asha)
    reference = await scene.held(asha, a_start(days=0, hour=14))
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        booking.set_slot(clock.now() + 2 * MIN_TIME_TO_ACCEPT - ONE_SECOND)
    answer = await scene.pay(asha, reference)
    assert answer.status == 409
    assert "The start is too near for a professional to accept. You haven" in answer.text
    assert await scene.charges(reference) == []
    assert (await scene.booking(reference)).state == "held"
