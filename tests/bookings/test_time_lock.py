"""One person's time is locked at a time: who waits, who goes on to the next, and what a city costs."""

import asyncio
from datetime import timedelta

import pytest

from app.accounts.user import User
from app.bookings.holds import BookingRequest, hold
from app.bookings.reservation import reschedule_by_customer, reserve_next_candidate
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.jobs.acceptance import accept, hand_back, pass_on
from app.jobs.reassignment import reassign_jobs
from app.scheduling.candidate_repository import candidates_in_batches, first_candidates, require_pincode
from app.scheduling.candidates import RequestedSlot
from app.scheduling.reservation import lock_time, reserve_first_free
from app.scheduling.slot_search import earliest_starts, find_week
from tests.crowd import CITY, TOWN, a_crowd
from tests.factories import ADYAR, a_customer, a_professional, a_request, a_service, a_start, reserved_for
from tests.statements import count_statements

ENCRYPTION = Encryption("a secret for tests only")


async def test_whose_time_is_being_taken_is_passed_over(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = {(await a_professional(db, f"Worker {n}", services=[service])).id for n in range(2)}
        asha = await a_customer(db)
    async with own_database.work() as first:
        taken = await hold(first, asha, BookingRequest(service.id, a_start(), "Flat 3B", ADYAR))
        async with own_database.work() as second:
            other = await a_customer(second, "Omar Khan")
            booking = await asyncio.wait_for(
                hold(second, other, BookingRequest(service.id, a_start(), "Flat 3B", ADYAR)), 3
            )
            assert {await reserved_for(first, taken), await reserved_for(second, booking)} == workers


async def test_who_holds_someones_time_never_waits_for_another(own_database: Database):
    """Two who want each other's time come to an end, and give up what they wanted."""
    async with own_database.work() as db:
        service = await a_service(db)
        ravi, kumar = [await a_professional(db, name, services=[service]) for name in ("Ravi Kumar", "Kumar Ravi")]
        location = await require_pincode(db, ADYAR)
        booking = await a_request(db, await a_customer(db), service, a_start(days=2))
    slot = RequestedSlot(booking.id, booking.customer_id, service.id, a_start(), service.minutes, location)

    async def take(own: int, others: int, both_hold: asyncio.Barrier) -> bool:
        async with own_database.work() as db:
            await lock_time(db, own)
            await both_hold.wait()
            first = await first_candidates(db, service.id, location, professional_id=others)
            others_batches = candidates_in_batches(db, service.id, slot, first)
            return await reserve_first_free(db, others_batches, slot) is not None

    barrier = asyncio.Barrier(2)
    ends = await asyncio.wait_for(asyncio.gather(take(ravi.id, kumar.id, barrier), take(kumar.id, ravi.id, barrier)), 5)
    assert not all(ends)


async def test_the_lock_of_someone_who_is_not_free_is_given_back(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        asha = await a_customer(db)
        await a_request(db, asha, service)
        location = await require_pincode(db, ADYAR)
        other = await a_request(db, asha, service, a_start(days=2))
    slot = RequestedSlot(other.id, other.customer_id, service.id, a_start(), service.minutes, location)
    async with own_database.work() as first:
        ravis = await first_candidates(first, service.id, location)
        assert await reserve_first_free(first, candidates_in_batches(first, service.id, slot, ravis), slot) is None
        async with own_database.work() as second:
            await asyncio.wait_for(lock_time(second, ravi.id), 3)


async def test_people_who_take_turns_do_not_make_a_city_read_everyone(db, database):
    """Where one stops and another begins nobody takes a job over both, so such a start is not waited for."""
    service = await a_service(db)
    early = await a_professional(db, services=[service], opens=8 * 60, closes=12 * 60)
    late = await a_professional(db, "Kumar Ravi", services=[service], opens=12 * 60, closes=16 * 60)
    for like in (early, late):
        await a_crowd(db, like.id, 150)
    with count_statements(database) as statements:
        week = await find_week(db, service, ADYAR, clock.today())
    assert [f"{start:%H:%M}" for start in week.days[1].starts] == [
        *("08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00"),
        *("12:00", "12:30", "13:00", "13:30", "14:00", "14:30", "15:00"),
    ]
    batches = [statement for statement in statements if "WITH page" in statement]
    assert len(batches) < 4  # of 302 people: 24 + 48 + 96 + 134


@pytest.mark.parametrize("verb", ["hold", "reschedule", "accept", "pass on", "hand back", "next", "leave"])
async def test_a_verb_costs_the_same_in_a_town_and_in_a_city(db, database, verb: str):
    service, asha = await a_service(db), await a_customer(db)
    ravi = await a_professional(db, services=[service])
    counts = []
    for people, days in ((TOWN, 2), (CITY - TOWN, 3)):
        await a_crowd(db, ravi.id, people)
        counts.append(await statements_of(verb, db, database, service, asha, a_start(days)))
    assert counts[0] == counts[1]


async def statements_of(verb: str, db, database, service, asha, start) -> int:
    booking = await a_request(db, asha, service, start) if verb != "hold" else None
    worker = await db.get_one(User, await reserved_for(db, booking)) if booking else None
    if verb in ("hand back", "leave"):
        await accept(db, worker, booking.reference, ENCRYPTION)
    await db.commit()  # each verb has a transaction of its own, as a request has
    with count_statements(database) as statements:
        match verb:
            case "hold":
                booking = await hold(db, asha, BookingRequest(service.id, start, "Flat 3B", ADYAR))
            case "reschedule":
                await reschedule_by_customer(db, asha, booking.reference, start + timedelta(hours=2))
            case "accept":
                await accept(db, worker, booking.reference, ENCRYPTION)
            case "pass on":
                await pass_on(db, worker, booking.reference, "Too far.")
            case "hand back":
                await hand_back(db, worker, booking.reference, "My scooter broke.")
            case "next":
                assert await reserve_next_candidate(db, booking)
            case "leave":
                await reassign_jobs(db, worker.id, "Left.")
    assert await reserved_for(db, booking) is not None
    return len(statements)


async def test_slots_cost_the_same_in_a_town_and_in_a_city(db, database):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    counts = []
    for people in (TOWN + 1, CITY - TOWN):
        await a_crowd(db, ravi.id, people)
        with count_statements(database) as statements:
            await find_week(db, service, ADYAR, clock.today())
            await earliest_starts(db, [service], ADYAR)
        counts.append(len(statements))
    assert counts[0] == counts[1]
