"""The timeline of a booking: every state with time and actor, for its customer, its professional and admins."""

import re
from datetime import timedelta

import pytest

from app.bookings.cancellation import cancel_booking
from app.bookings.repository import Bookings
from app.bookings.reservation import offer_again
from app.core import clock
from app.core.events import PLATFORM
from app.dispatch.assignment import assign
from app.jobs.acceptance import accept, hand_back
from tests.bookings.scenes import Scene
from tests.factories import a_start, an_admin

STEP = re.compile(
    r'<li class="timeline__step"\s+data-state="(\w+)".*?timeline__name">(.*?)</span>'
    r'(?:<span class="timeline__note">(.*?)</span>)?\s*</span>\s*<span class="timeline__time">(.*?)</span>',
    re.DOTALL,
)


@pytest.fixture
async def scene(app):
    scene = await Scene.set(app)
    yield scene
    await scene.close()


@pytest.fixture
async def asha(scene):
    return await scene.browser(scene.asha)


def clean(part: str) -> str:
    return " ".join(part.split())


async def timeline(person, path: str) -> list[tuple[str, str, str, str]]:
    """(state, name, note, time) of each step on a page."""
    page = await person.visit(path)
    assert page.status == 200, page.text
    return [
        (clean(state), clean(name), clean(note), clean(time)) for state, name, note, time in STEP.findall(page.text)
    ]


async def happened(person, path: str) -> list[tuple[str, str]]:
    """(name, note) of each step that is over or current."""
    return [(name, note) for state, name, note, _time in await timeline(person, path) if state != "next"]


async def test_every_state_is_there_with_its_time_and_who_made_it(scene, asha):
    start = a_start(2, 16.5)
    moved = start + timedelta(days=1)
    minutes = iter(range(0, 100, 10))

    def next_minute():
        return clock.freeze(clock.at(start.date() - timedelta(days=1), 12 * 60 + next(minutes)))

    with next_minute():
        reference = await scene.paid(asha, start)
    with next_minute():
        await scene.accepted(reference)
    async with scene.database.work() as db:
        with next_minute():
            await hand_back(db, scene.ravi, reference, "My scooter broke down.")
    with next_minute():
        await scene.accepted(reference, scene.kumar)
    with next_minute():
        page = await asha.visit(f"/bookings/{reference}/reschedule")
        sent = await asha.submit(page, "/reschedule", start=moved.strftime("%Y-%m-%dT%H:%M"))
        assert sent.status == 303, sent.text
    with next_minute():
        await scene.accepted(reference, scene.kumar)
    async with scene.database.work() as db:
        booking = await Bookings(db).for_professional(scene.kumar, reference, lock=True)
        with clock.freeze(moved - timedelta(minutes=30)):
            booking.depart(scene.kumar)
        with clock.freeze(moved - timedelta(minutes=5)):
            booking.arrive(scene.kumar)
        with clock.freeze(moved):
            booking.start(scene.kumar, booking.live_code("start"), scene.encryption)
        with clock.freeze(moved + timedelta(minutes=50)):
            booking.complete(scene.kumar, booking.live_code("finish"))
        with clock.freeze(moved + timedelta(days=7)):
            booking.close(PLATFORM)
    steps = await timeline(asha, f"/bookings/{reference}?steps=1")
    assert [(name, note, time.rpartition("/")[2]) for _state, name, note, time in steps] == [
        ("Booked", "You", f"{clock_day(start, -1)} 12:00 pm"),
        ("Confirmed", "You · ₹149, Visa ending 4242", "12:00 pm"),
        ("Accepted", "Ravi K.", "12:10 pm"),
        ("Job given up", "Ravi K. · “My scooter broke down.”", "12:20 pm"),
        ("Accepted", "Kumar R.", "12:30 pm"),
        ("Rescheduled", f"You · to {clock_day(moved)}, 4:30 pm", "12:40 pm"),
        ("Accepted", "Kumar R.", "12:50 pm"),
        ("On the way", "Kumar R.", f"{clock_day(moved)} 4:00 pm"),
        ("At your door", "Kumar R.", "4:25 pm"),
        ("Started", "Kumar R. · with the start code", "4:30 pm"),
        ("Done", "Kumar R. · with the finish code", "5:20 pm"),
        ("Closed", "Doorstep · 7 days after the job", f"{clock_day(moved, 7)} 4:30 pm"),
    ]
    assert {state for state, *_ in steps} == {"done"}

    kumar = await scene.browser(scene.kumar)
    as_kumar = await happened(kumar, f"/jobs/{reference}")
    assert as_kumar[:6] == [
        ("Booked", "The customer"),
        ("Confirmed", "The customer"),
        ("Accepted", "Another professional"),
        ("Job given up", "Another professional"),
        ("Accepted", "You"),
        ("Rescheduled", f"The customer · to {clock_day(moved)}, 4:30 pm"),
    ]
    assert ("On the way", "You") in as_kumar
    assert ("At the door", "You") in as_kumar
    page = (await kumar.visit(f"/jobs/{reference}")).text
    assert "Ravi" not in page
    assert "scooter broke" not in page

    async with scene.database.work() as db:
        admin = await an_admin(db)
    meena = await scene.browser(admin)
    shown = await happened(meena, f"/admin/bookings/{reference}")
    assert ("Job given up", "Ravi Kumar · “My scooter broke down.”") in shown
    assert ("Booked", "Asha Raman") in shown
    assert len(shown) == len(steps)


def clock_day(moment, days: int = 0) -> str:
    day = (moment + timedelta(days=days)).astimezone(clock.IST)
    return f"{day:%a} {day.day} {day:%b}"


async def test_the_admin_who_assigned_a_job_is_named_to_admins_alone(scene, asha):
    reference = await scene.paid(asha)
    async with scene.database.work() as db:
        admin = await an_admin(db)
        await assign(db, admin, reference, scene.ravi.id, scene.encryption)
    meena = await scene.browser(admin)
    assert ("Assigned", "You · to Ravi Kumar") in await happened(meena, f"/admin/bookings/{reference}")
    async with scene.database.work() as db:
        other = await an_admin(db, "Lekha Narayanan")
    lekha = await scene.browser(other)
    assert ("Assigned", "Meena Iyer · to Ravi Kumar") in await happened(lekha, f"/admin/bookings/{reference}")
    assert ("Assigned", "Doorstep · to Ravi K.") in await happened(asha, f"/bookings/{reference}")
    ravi = await scene.browser(scene.ravi)
    assert ("Assigned", "Doorstep · to You") in await happened(ravi, f"/jobs/{reference}")
    assert "Meena" not in (await asha.visit(f"/bookings/{reference}")).text


@pytest.mark.parametrize(
    ("ending", "cancelled_as", "note"),
    [
        ("customer", "customer", "You · “Not needed any more.”"),
        ("platform", "platform", "Doorstep · “Not needed any more.”"),
        ("platform", "unfilled", "Doorstep · No professional found"),
    ],
)
async def test_the_end_says_who_cancelled_and_why(scene, asha, ending, cancelled_as, note):
    reference = await scene.paid(asha)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        actor = scene.asha if ending == "customer" else PLATFORM
        await cancel_booking(db, booking, actor, cancelled_as, "Not needed any more.")
    steps = await timeline(asha, f"/bookings/{reference}")
    assert [(state, name, note) for state, name, note, _time in steps][-1] == ("bad", "Cancelled", note)
    assert "next" not in {state for state, *_ in steps}


async def test_a_cancelled_job_keeps_its_timeline_for_the_professional(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        await cancel_booking(db, booking, scene.asha, "customer", "We are at my sister's.")
    ravi = await scene.browser(scene.ravi)
    assert (await happened(ravi, f"/jobs/{reference}"))[-1] == ("Cancelled", "The customer")


async def test_the_reason_of_a_job_given_up_is_on_the_page_until_another_accepts(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        await hand_back(db, scene.ravi, reference, "My scooter broke down.")
    page = await asha.visit(f"/bookings/{reference}")
    assert "Ravi K. gave up this job." in page.text
    assert "Reason: My scooter broke down." in page.text
    async with scene.database.work() as db:
        await accept(db, scene.kumar, reference, scene.encryption)
    assert "gave up this job" not in (await asha.visit(f"/bookings/{reference}")).text


async def test_the_reason_why_a_professional_cannot_come_is_on_the_page(scene, asha):
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(reference, lock=True)
        await offer_again(db, PLATFORM, booking, "No longer available.")
    page = await asha.visit(f"/bookings/{reference}")
    assert "Ravi K. can't come." in page.text
    assert "Reason: No longer available." in page.text
    assert (await happened(asha, f"/bookings/{reference}"))[-2] == (
        "Offered to others again",
        "Doorstep · instead of Ravi K. · “No longer available.”",
    )


async def test_a_job_finished_early_before_midnight_shows_its_own_day(scene, asha):
    start = clock.at(clock.today() + timedelta(days=2), 10 * 60)
    reference = await scene.paid(asha, start)
    finished = start - timedelta(hours=10, minutes=22)  # 11:38 pm of the day before

    async def heading() -> str:
        page = await asha.visit(f"/bookings/{reference}")
        return " ".join(re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)[1].split())

    with clock.freeze(finished):
        await scene.accepted(reference)
        await scene.started(reference)
        await scene.completed(reference)
        assert await heading() == f"Ravi finished on {clock_day(finished)}, 11:38 pm"
    with clock.freeze(finished + timedelta(hours=1)):
        assert await heading() == f"Ravi finished on {clock_day(finished)}, 11:38 pm"
