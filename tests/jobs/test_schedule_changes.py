"""Hours, time off and area change while customers hold times and professionals accept (W8)."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from app.bookings.cancellation import cancel_by_customer
from app.bookings.holds import BookingRequest, hold
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.errors import Invalid, Refused
from app.jobs.acceptance import accept
from app.jobs.schedule_changes import ScheduleChange, change_schedule
from app.scheduling.candidate_repository import candidates_in_batches, first_candidates, require_pincode
from app.scheduling.candidates import RequestedSlot
from app.scheduling.reservation import reserve_first_free
from tests.factories import (
    ADYAR,
    TAMBARAM,
    TIRUVANMIYUR,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
    reserved_for,
)
from tests.waiting import until_waiting

ENCRYPTION = Encryption("a secret for tests only")
NIGHTS = ScheduleChange(hours=[(day, 0, 30) for day in range(7)])
ELSEWHERE = ScheduleChange(pincodes=frozenset({TAMBARAM}))
AWAY = ScheduleChange(away=Range(a_start(hour=9), a_start(hour=9) + timedelta(hours=4)))


@pytest.fixture
async def cast(own_database):
    """A service, Ravi who does it, and Asha who wants it."""
    async with own_database.work() as db:
        service = await a_service(db)
        return service, await a_professional(db, services=[service]), await a_customer(db)


def a_booking_request(service, **more):
    return BookingRequest(service.id, a_start(), "Flat 3B", ADYAR, **more)


async def booking_of(database, booking):
    async with database.work() as db:
        stored = await Bookings(db).by_reference(booking.reference)
        return stored, await reserved_for(db, stored)


async def changed(database, ravi, change, answers=()):
    async with database.work() as db:
        return await change_schedule(db, ravi, change, dict(answers))


@pytest.mark.parametrize("change", [NIGHTS, ELSEWHERE, AWAY], ids=["hours", "area", "time off"])
async def test_a_time_held_for_anyone_goes_to_another_or_ends(own_database, cast, change):
    service, ravi, asha = cast
    async with own_database.work() as db:
        first = await hold(db, asha, a_booking_request(service))
        kumar = await a_professional(db, "Kumar Das", services=[service])
    await changed(own_database, ravi, change)
    assert await reserved_id(own_database, first) == kumar.id
    await changed(own_database, kumar, change)
    stored, reserved = await booking_of(own_database, first)
    assert (stored.state, stored.cancelled_as, reserved) == ("cancelled", "platform", None)


async def reserved_id(database, booking):
    return (await booking_of(database, booking))[1]


async def test_a_hold_of_the_one_who_was_chosen_ends_and_a_request_goes_to_the_others(own_database, cast):
    service, ravi, asha = cast
    async with own_database.work() as db:
        kumar = await a_professional(db, "Kumar Das", services=[service])
        held = await hold(db, asha, a_booking_request(service, professional_id=ravi.id))
        request = await a_request(db, asha, service, a_start(hour=12), professional_id=ravi.id)
    await changed(own_database, ravi, NIGHTS)
    assert (await booking_of(own_database, held))[0].state == "cancelled"
    stored, reserved = await booking_of(own_database, request)
    assert (stored.state, stored.exclusive_until, reserved) == ("requested", None, kumar.id)


@pytest.mark.parametrize("change", [NIGHTS, ELSEWHERE], ids=["hours", "area"])
async def test_who_was_found_before_the_change_is_not_reserved_after_it(own_database, cast, change):
    service, ravi, asha = cast
    async with own_database.work() as db:
        location = await require_pincode(db, ADYAR)
        other = await a_request(db, asha, service, a_start(days=2))
        await cancel_by_customer(db, asha, other.reference, "")
    slot = RequestedSlot(other.id, other.customer_id, service.id, a_start(), service.minutes, location)
    async with own_database.work() as db:
        found = await first_candidates(db, service.id, location)
        await changed(own_database, ravi, change)
        assert await reserve_first_free(db, candidates_in_batches(db, service.id, slot, found), slot) is None


async def test_a_change_waits_for_the_hold_that_is_being_made(own_database, cast):
    service, ravi, asha = cast
    async with own_database.work() as db:
        held = await hold(db, asha, a_booking_request(service))
        change = asyncio.create_task(changed(own_database, ravi, NIGHTS))
        await until_waiting(own_database, 1)
        assert not change.done()
    await asyncio.wait_for(change, 5)
    assert (await booking_of(own_database, held))[0].state == "cancelled"


async def test_a_job_accepted_in_another_window_needs_an_answer(own_database, cast):
    service, ravi, asha = cast
    async with own_database.work() as db:
        request = await a_request(db, asha, service)
    async with own_database.work() as db:
        await accept(db, ravi, request.reference, ENCRYPTION)
        change = asyncio.create_task(changed(own_database, ravi, NIGHTS))
        await until_waiting(own_database, 1)
    with pytest.raises(Invalid) as refusal:
        await asyncio.wait_for(change, 5)
    assert list(refusal.value.errors) == [f"job-{request.reference}"]


async def test_accepting_holding_and_changing_at_once_leave_nothing_outside_the_hours(own_database, cast):
    service, ravi, _asha = cast
    async with own_database.work() as db:
        customers = [await a_customer(db, f"Customer {name}") for name in "ABCDEF"]
        requests = [await a_request(db, customers[0], service, a_start(hour=hour)) for hour in (9, 12)]

    async def holds(customer, hour):
        async with own_database.work() as db:
            await hold(db, customer, BookingRequest(service.id, a_start(hour=hour), "Flat 3B", ADYAR))

    async def accepts(reference):
        async with own_database.work() as db:
            await accept(db, ravi, reference, ENCRYPTION)

    ends = await asyncio.gather(
        *(holds(customer, 14 + number) for number, customer in enumerate(customers[1:4])),
        changed(own_database, ravi, NIGHTS),
        *(accepts(request.reference) for request in requests),
        *(holds(customer, 17 + number) for number, customer in enumerate(customers[4:])),
        return_exceptions=True,
    )
    assert all(isinstance(end, Invalid | Refused) for end in ends if isinstance(end, Exception)), ends
    async with own_database.work() as db:
        hours = (await db.execute(text("SELECT count(*) FROM working_hours WHERE opens = 0"))).scalar_one()
        taken = "SELECT count(*) FROM reservations WHERE professional_id = :me"
        assert hours == 0 or (await db.execute(text(taken), {"me": ravi.id})).scalar_one() == 0
        assert await find_violations(db) == []


async def test_hours_saved_in_two_windows_are_those_of_one(own_database, cast):
    _service, ravi, _asha = cast
    mornings, evenings = (
        ScheduleChange(hours=[(day, opens, opens + 180) for day in range(7)]) for opens in (8 * 60, 9 * 60)
    )
    await asyncio.gather(*(changed(own_database, ravi, change) for change in (mornings, evenings) * 3))
    async with own_database.work() as db:
        rows = await db.execute(text("SELECT count(*), count(DISTINCT weekday) FROM working_hours"))
        assert tuple(rows.one()) == (7, 7)


@pytest.mark.parametrize(
    ("change", "another"),
    [
        (NIGHTS, ScheduleChange(hours=[(day, 0, 60) for day in range(7)])),
        (ELSEWHERE, ScheduleChange(pincodes=frozenset({TAMBARAM, TIRUVANMIYUR}))),
    ],
    ids=["hours", "area"],
)
async def test_a_job_that_was_kept_needs_no_second_answer(own_database, cast, change, another):
    service, ravi, asha = cast
    async with own_database.work() as db:
        kept = await accept(db, ravi, (await a_request(db, asha, service)).reference, ENCRYPTION)
    field = f"job-{kept.reference}"
    with pytest.raises(Invalid, match="keep it or give it up") as refusal:
        await changed(own_database, ravi, change)
    assert list(refusal.value.errors) == [field]
    await changed(own_database, ravi, change, {kept.reference: "keep"})
    for again in (change, another):
        assert await changed(own_database, ravi, again) == []
    with pytest.raises(Invalid) as refusal:  # a time off is new each time
        await changed(own_database, ravi, AWAY)
    assert list(refusal.value.errors) == [field]
