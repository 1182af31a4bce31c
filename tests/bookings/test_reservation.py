"""Reservations of professionals' time, on real connections: the races."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.bookings.booking import Booking
from app.bookings.expiry import expire_holds
from app.bookings.holds import BookingRequest, hold
from app.bookings.price_changes import requote
from app.bookings.repository import Bookings
from app.bookings.reservation import offer_again, reschedule, reschedule_by_customer
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.events import PLATFORM
from app.jobs.acceptance import accept, hand_back, pass_on
from app.payments import charges
from app.payments.pretend_bank import Authorisation, Instrument
from app.scheduling.candidate_repository import require_pincode
from app.scheduling.candidates import RequestedSlot
from app.scheduling.reservation import Reservation, reserve
from app.scheduling.slot_search import find_week, next_starts
from tests.factories import (
    ADYAR,
    TAMBARAM,
    a_block,
    a_customer,
    a_hold,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
    past_visits,
    reserved_for,
)

ENCRYPTION = Encryption("a secret for tests only")
NEEDS_CODE = Authorisation("needs_code", Instrument("card", "Visa", "3155"))


async def test_a_hold_takes_someones_time(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_hold(db, await a_customer(db), service)
    assert (booking.state, await reserved_for(db, booking), booking.professional_id) == ("held", ravi.id, None)
    assert a_start() not in (await find_week(db, service, ADYAR, clock.today())).days[1].starts


async def test_the_second_customer_of_the_last_slot_reads_that_it_was_taken(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    await a_hold(db, await a_customer(db), service)
    with pytest.raises(Refused, match="just taken") as refusal:
        await a_hold(db, await a_customer(db, "Omar Sheriff"), service)
    assert refusal.value.reason == "taken"
    assert await next_starts(db, service, ADYAR, a_start(), limit=2) == [
        a_start(hour=11, minute=30),
        a_start(hour=12),
    ]


@pytest.mark.parametrize("is_named", [False, True])
async def test_a_start_outside_all_hours_is_refused_as_such(db, is_named):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service], opens=20 * 60, closes=22 * 60)
    asha = await a_customer(db)
    named = ravi.id if is_named else None
    with pytest.raises(Refused, match="No professional is available then") as refusal:
        await a_hold(db, asha, service, a_start(hour=21.5), professional_id=named)
    assert (refusal.value.reason, refusal.value.about) == ("taken", "hours")
    if is_named:
        with pytest.raises(Refused, match="No professional is available then"):
            await a_hold(db, asha, service, a_start(hour=20), professional_id=named)
        await a_hold(db, asha, service, a_start(hour=20), professional_id=kumar.id)
    booking = await a_request(db, asha, service)
    with pytest.raises(Refused, match="No professional is available then"):
        await reschedule_by_customer(db, asha, booking.reference, a_start(hour=3))


async def test_a_lapsed_hold_blocks_no_one_though_no_worker_runs(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    first = await a_hold(db, await a_customer(db), service)
    with clock.freeze(clock.now() + timedelta(minutes=7)):
        second = await a_hold(db, await a_customer(db, "Omar Sheriff"), service)
        assert first.hold_lapsed(clock.now())
        assert await expire_holds(db) == 1
    assert (first.state, first.cancelled_as, second.state) == ("cancelled", "expired", "held")


async def test_accepting_clears_ones_own_lapsed_hold_away_though_no_worker_runs(db):
    service, other = await a_service(db), await a_service(db)
    ravi = await a_professional(db, services=[service, other])
    bala = await a_professional(db, "Bala Vel", services=[other])
    held = await a_hold(db, await a_customer(db), service)
    requested = await a_request(db, await a_customer(db, "Omar Sheriff"), other, professional_id=bala.id)
    with clock.freeze(clock.now() + timedelta(minutes=10)):
        booking = await accept(db, ravi, requested.reference, ENCRYPTION)
    assert (booking.state, booking.professional_id) == ("assigned", ravi.id)
    assert await reserved_for(db, held) is None


async def test_a_lapsed_hold_gives_up_the_payment_that_waited_for_its_code(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    asha = await a_customer(db)
    held = await a_hold(db, asha, service)
    charge = await charges.authorise(db, held.id, asha.id, held.price, "booking", NEEDS_CODE)
    with clock.freeze(clock.now() + timedelta(minutes=7)):
        assert await expire_holds(db) == 1
    assert (held.state, charge.state) == ("cancelled", "declined")


async def test_longer_work_may_take_the_time_of_a_lapsed_hold(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
    start = a_start()  # a minute before midnight too
    lapsed = await a_hold(db, omar, service, start + timedelta(minutes=90))
    with clock.freeze(clock.now() + timedelta(minutes=6)):
        held = await a_hold(db, asha, service, start)
    service.minutes = 120
    with clock.freeze(clock.now() + timedelta(minutes=8)):
        assert await requote(db, held.reference)
    assert (held.minutes, await reserved_for(db, lapsed)) == (120, None)


async def test_a_professional_requested_by_name_is_the_only_candidate(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Bala Vel", services=[service])
    asha = await a_customer(db)
    first = await a_hold(db, asha, service, professional_id=ravi.id)
    assert (first.requested_professional_id, await reserved_for(db, first)) == (ravi.id, ravi.id)
    with pytest.raises(Refused, match="just taken"):
        await a_hold(db, asha, service, professional_id=ravi.id)


@pytest.mark.parametrize(
    ("start", "expected_text"),
    [
        (a_start(days=-1), "too soon or already past"),
        (a_start(days=7), "too far"),
        (a_start(days=900), "too far"),
        (a_start(minute=10), "on the hour"),
    ],
)
async def test_starts_that_cannot_be_are_refused_beside_the_field(db, start, expected_text):
    service = await a_service(db)
    await a_professional(db, services=[service])
    with pytest.raises(Invalid, match=expected_text) as error:
        await a_hold(db, await a_customer(db), service, start)
    assert list(error.value.errors) == ["start"]


async def test_no_one_comes_where_no_one_works_or_everyone_is_blocked_or_not_approved(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Pending Person", services=[service], approval="pending")
    await a_block(db, ravi, await an_admin(db))
    for pincode in (ADYAR, TAMBARAM):
        with pytest.raises(Refused) as refusal:
            await a_hold(db, await a_customer(db), service, pincode=pincode)
        assert refusal.value.reason == "nobody"


async def test_accepting_gives_the_job_and_a_start_code(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service)
    accepted = await accept(db, ravi, booking.reference, ENCRYPTION)
    assert (accepted.state, accepted.professional_id) == ("assigned", ravi.id)
    code = accepted.live_code("start")
    assert code is not None
    assert len(code.reveal(ENCRYPTION, booking.reference) or "") == 6


async def test_accepting_twice_changes_nothing(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service)
    first = await accept(db, ravi, booking.reference, ENCRYPTION)
    count, code = first.event_count, first.live_code("start")
    repeated = await accept(db, ravi, booking.reference, ENCRYPTION)
    assert (repeated.event_count, repeated.live_code("start")) == (count, code)


async def test_a_stranger_to_the_offer_does_not_find_it(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    omar = await a_professional(db, "Omar Sheriff", services=[service], pincodes=[TAMBARAM])
    booking = await a_request(db, await a_customer(db), service)
    for verb in (accept(db, omar, booking.reference, ENCRYPTION), pass_on(db, omar, booking.reference, "far")):
        with pytest.raises(Missing):
            await verb


async def test_during_exclusive_time_the_others_do_not_find_it(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service])
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    with pytest.raises(Missing):
        await accept(db, bala, booking.reference, ENCRYPTION)
    with clock.freeze(clock.now() + timedelta(minutes=10)):
        assert (await accept(db, bala, booking.reference, ENCRYPTION)).professional_id == bala.id


async def test_passing_moves_the_reservation_and_never_offers_again(db):
    service = await a_service(db)
    first = await a_professional(db, "Ravi Kumar", services=[service])
    second = await a_professional(db, "Bala Vel", services=[service])
    booking = await a_request(db, await a_customer(db), service)
    item, other = (first, second) if await reserved_for(db, booking) == first.id else (second, first)
    await pass_on(db, item, booking.reference, "Too far.")
    assert (await reserved_for(db, booking), booking.state) == (other.id, "requested")
    with pytest.raises(Missing):
        await accept(db, item, booking.reference, ENCRYPTION)
    await pass_on(db, other, booking.reference, "Busy.")
    assert await reserved_for(db, booking) is None


async def test_handing_back_voids_the_code_and_asks_the_others(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    bala = await a_professional(db, "Bala Vel", services=[service])
    await hand_back(db, ravi, booking.reference, "My scooter broke.")
    assert (booking.state, booking.professional_id, await reserved_for(db, booking)) == ("requested", None, bala.id)
    assert booking.live_code("start") is None
    assert all(code.encrypted_code is None for code in booking.codes)


async def test_accepting_moves_another_customers_reservation_to_someone_free(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service])
    own_booking = await a_request(db, await a_customer(db), service)
    other = await a_request(db, await a_customer(db, "Omar Sheriff"), service)
    assert {await reserved_for(db, own_booking), await reserved_for(db, other)} == {ravi.id, bala.id}
    holder = ravi if await reserved_for(db, other) == ravi.id else bala
    accepted = await accept(db, holder, own_booking.reference, ENCRYPTION)
    await db.refresh(other)
    assert accepted.professional_id == holder.id
    assert {await reserved_for(db, accepted), await reserved_for(db, other)} == {ravi.id, bala.id}


async def test_accepting_is_refused_in_words_when_the_reservation_cannot_move(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    bala = await a_professional(db, "Bala Vel", services=[service])
    own_booking = await a_request(db, await a_customer(db), service)
    other = await a_request(db, await a_customer(db, "Omar Sheriff"), service)
    holder, rest = (ravi, bala) if await reserved_for(db, other) == ravi.id else (bala, ravi)
    await pass_on(db, rest, other.reference, "Busy.")
    with pytest.raises(Refused, match="reserved for another customer"):
        await accept(db, holder, own_booking.reference, ENCRYPTION)


async def test_moving_keeps_the_price_and_asks_the_previous_professional_first(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Bala Vel", services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service, professional_id=ravi.id)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    service.price = 999_00
    fee = await reschedule(db, asha, booking, a_start(days=2, hour=15))
    assert (fee, booking.price, booking.state, booking.requested_professional_id) == (0, 149_00, "requested", ravi.id)
    assert booking.priority_professional_id(clock.now()) == ravi.id
    assert a_start() in (await find_week(db, service, ADYAR, clock.today())).days[1].starts


async def test_who_was_named_and_has_not_answered_is_offered_first_again_after_a_move(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Bala Vel", services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service, professional_id=ravi.id)
    await reschedule(db, asha, booking, a_start(days=2))
    assert (await reserved_for(db, booking), booking.priority_professional_id(clock.now())) == (ravi.id, ravi.id)


async def test_who_did_not_come_is_not_sent_the_new_time_either(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    bala = await a_professional(db, "Bala Vel", services=[service])
    with clock.freeze(booking.starts_at + timedelta(minutes=30)):
        assert await reschedule(db, asha, booking, a_start(days=2)) == 0
        assert (await reserved_for(db, booking), booking.priority_professional_id(clock.now())) == (bala.id, None)
        with pytest.raises(Missing):
            await accept(db, ravi, booking.reference, ENCRYPTION)


async def test_moving_late_costs_a_hundred_rupees_and_never_more_than_the_price(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    with clock.freeze(booking.starts_at - timedelta(hours=3)):
        assert booking.cancellation_fee(clock.now()) == 100_00
        booking.price = 60_00
        assert booking.cancellation_fee(clock.now()) == 60_00
    assert booking.cancellation_fee(booking.starts_at - timedelta(hours=3, seconds=1)) == 0


async def test_a_professional_who_did_not_come_gets_no_second_offer(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    await offer_again(db, asha, booking, "The professional didn't arrive.")
    assert (booking.state, await reserved_for(db, booking)) == ("requested", None)
    with pytest.raises(Missing):
        await accept(db, ravi, booking.reference, ENCRYPTION)


async def test_the_database_refuses_an_overlap_from_any_writer(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    asha = await a_customer(db)
    first = await a_hold(db, asha, service)
    second = await a_hold(db, asha, service, a_start(hour=14))
    taken = select(Reservation.span).where(Reservation.booking_id == first.id).scalar_subquery()
    with pytest.raises(IntegrityError, match="reservations_overlap_excl"):
        async with db.begin_nested():
            await db.execute(update(Reservation).where(Reservation.booking_id == second.id).values(span=taken))
    location = await require_pincode(db, ADYAR)
    slot = RequestedSlot(second.id, second.customer_id, second.service_id, first.starts_at, first.minutes, location)
    assert not await reserve(db, await reserved_for(db, first), slot)


async def _count_outcomes(verbs) -> Counter:
    """Count how the parallel calls ended: their value, or the reason of the refusal."""
    ends = await asyncio.gather(*verbs, return_exceptions=True)
    return Counter(end.reason if isinstance(end, Refused) else type(end).__name__ for end in ends)


@pytest.mark.parametrize("professionals", [1, 3])
async def test_of_a_hundred_customers_as_many_win_as_professionals_are_free(own_database: Database, professionals: int):
    async with own_database.work() as db:
        service = await a_service(db)
        for _ in range(professionals):
            await a_professional(db, services=[service])
        customers = [await a_customer(db, f"Customer {n}") for n in range(100)]
    rush = asyncio.Semaphore(12)

    async def book(customer):
        async with rush, own_database.work() as db:
            return await hold(db, customer, BookingRequest(service.id, a_start(), "Flat 3B", ADYAR))

    ends = await _count_outcomes(book(customer) for customer in customers)
    assert ends == {"Booking": professionals, "taken": 100 - professionals}


async def test_a_customer_keeps_five_times_at_most_also_when_requested_in_parallel(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(3)]
        asha = await a_customer(db)
        await past_visits(db, asha, service, workers[0])

    async def book(hour):
        async with own_database.work() as db:
            return await hold(db, asha, BookingRequest(service.id, a_start(hour=hour), "Flat 3B", ADYAR))

    assert await _count_outcomes(book(hour) for hour in range(9, 17)) == {"Booking": 5, "holds": 3}


async def test_of_many_parallel_accepts_exactly_one_wins(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(20)]
        booking = await a_request(db, await a_customer(db), service)
    rush = asyncio.Semaphore(12)

    async def take(professional):
        async with rush, own_database.work() as db:
            return await accept(db, professional, booking.reference, ENCRYPTION)

    ends = await _count_outcomes(take(workers[n % 20]) for n in range(200))
    async with own_database.work() as db:
        events = await db.scalar(text("SELECT count(*) FROM events WHERE name = 'booking.assigned'"))
        winner = await db.scalar(select(Booking.professional_id))
    assert events == 1
    assert winner in {item.id for item in workers}
    assert ends == {"Booking": 10, "taken": 190}  # the winner's own ten answers are one and the same


async def test_crosswise_accepts_of_each_others_reservations_never_deadlock(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        workers = [await a_professional(db, f"Worker {n}", services=[service]) for n in range(4)]
        customers = [await a_customer(db, f"Customer {n}") for n in range(4)]
        references = [(await a_request(db, customer, service)).reference for customer in customers]

    async def take(professional, reference):
        async with own_database.work() as db:
            return await accept(db, professional, reference, ENCRYPTION)

    ends = await _count_outcomes(take(item, reference) for item in workers for reference in references)
    async with own_database.work() as db:
        taken = (await db.scalars(select(Booking.professional_id))).all()
    held = [person for person in taken if person is not None]
    assert len(set(held)) == len(held) == 4
    assert set(ends) <= {"Booking", "taken", "busy"}
    assert ends["Booking"] == 4


async def test_lapsed_holds_are_cleared_once_by_two_workers(own_database: Database):
    async with own_database.work() as db:
        service = await a_service(db)
        for n in range(5):
            await a_professional(db, f"Worker {n}", services=[service])
        for n in range(5):
            await a_hold(db, await a_customer(db, f"Customer {n}"), service)

    async def clear():
        async with own_database.work() as db:
            return await expire_holds(db)

    with clock.freeze(clock.now() + timedelta(minutes=8)):
        assert sum(await asyncio.gather(clear(), clear())) == 5


async def test_every_verb_left_the_history_unbroken(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await accept(db, ravi, booking.reference, ENCRYPTION)
    await hand_back(db, ravi, booking.reference, "My scooter broke.")
    booking = await Bookings(db).for_customer(asha, booking.reference)
    booking.cancel(asha, "customer", "No longer needed.")
    await db.flush()
    names = await db.scalars(
        text("SELECT name FROM events WHERE subject = :it ORDER BY seq").bindparams(it=booking.subject)
    )
    assert list(names) == [
        "booking.held",
        "booking.requested",
        "booking.assigned",
        "booking.returned",
        "booking.cancelled",
    ]
    assert PLATFORM.role == "platform"
