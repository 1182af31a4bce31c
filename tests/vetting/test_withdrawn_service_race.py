"""A service is withdrawn while a customer holds a time of it: the hold is not of that professional's time."""

import asyncio

import pytest
from sqlalchemy import text

from app.bookings.holds import BookingRequest, hold
from app.bookings.repository import Bookings
from app.check.run import find_violations
from app.core.errors import Refused
from app.scheduling.candidate_repository import candidates_in_batches, first_candidates, require_pincode
from app.scheduling.candidates import RequestedSlot
from app.scheduling.reservation import reserve_first_free
from app.vetting.offered_services import WorkForm, update_work
from tests.factories import ADYAR, a_customer, a_professional, a_request, a_service, a_start, reserved_for


@pytest.fixture
async def cast(own_database):
    """Two services of Ravi's, and Asha."""
    async with own_database.work() as db:
        leaks, taps = await a_service(db), await a_service(db)
        return leaks, taps, await a_professional(db, services=[leaks, taps]), await a_customer(db)


async def withdraw(database, ravi, kept):
    """Ravi offers only the service `kept` any more."""
    async with database.work() as db:
        await update_work(db, ravi, WorkForm("Plumbing", "8", frozenset({kept.id})))


async def test_who_was_found_before_the_service_was_withdrawn_is_not_reserved_after_it(own_database, cast):
    leaks, taps, ravi, asha = cast
    async with own_database.work() as db:
        location = await require_pincode(db, ADYAR)
        other = await a_request(db, asha, leaks, a_start(days=2))
    slot = RequestedSlot(other.id, other.customer_id, leaks.id, a_start(), leaks.minutes, location)
    async with own_database.work() as db:
        found = await first_candidates(db, leaks.id, location)
        assert [candidate.id for candidate in found] == [ravi.id]
        await withdraw(own_database, ravi, taps)
        assert await reserve_first_free(db, candidates_in_batches(db, leaks.id, slot, found), slot) is None


async def test_withdrawing_waits_for_the_hold_that_is_being_made_and_ends_it(own_database, cast):
    leaks, taps, ravi, asha = cast
    async with own_database.work() as db:
        held = await hold(db, asha, BookingRequest(leaks.id, a_start(), "Flat 3B", ADYAR))
        change = asyncio.create_task(withdraw(own_database, ravi, taps))
        await asyncio.sleep(0.3)
        assert not change.done()
    await asyncio.wait_for(change, 5)
    async with own_database.work() as db:
        stored = await Bookings(db).by_reference(held.reference)
        assert (stored.state, await reserved_for(db, stored)) == ("cancelled", None)


async def test_holds_during_a_withdrawal_never_reserve_who_left(own_database, cast):
    leaks, taps, ravi, _asha = cast
    async with own_database.work() as db:
        customers = [await a_customer(db, f"Asha {number}") for number in range(6)]

    async def try_to_hold(customer, hour):
        try:
            async with own_database.work() as db:
                return await hold(db, customer, BookingRequest(leaks.id, a_start(hour=hour), "Flat 3B", ADYAR))
        except Refused as refusal:
            return refusal.reason

    holds = [try_to_hold(customer, 8 + 2 * number) for number, customer in enumerate(customers)]
    await asyncio.gather(*holds[:3], withdraw(own_database, ravi, taps), *holds[3:])
    async with own_database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM reservations")) == 0
        assert await find_violations(db) == []
    assert await try_to_hold(customers[0], 18) == "nobody"
