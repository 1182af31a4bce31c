"""Either side excludes the other (W41): from then on they get no offers and choices of each other."""

import asyncio
from dataclasses import dataclass

import pytest
from sqlalchemy import select, text

from app.accounts.user import User
from app.bookings.holds import BookingRequest, hold
from app.bookings.offer_wave_repository import OfferWaves
from app.bookings.repository import Bookings
from app.bookings.reservation import reschedule_by_customer, reserve_next_candidate
from app.catalog.service import Service
from app.check.invariants import BOOKING_INVARIANTS
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.events import Event, pop_outgoing_messages
from app.dispatch.assignment import assign, find_assignment_candidates
from app.jobs import acceptance
from app.jobs.acceptance import accept, hand_back
from app.jobs.exclusions import exclude_customer, exclude_professional
from app.jobs.offers import find_offers
from app.jobs.repository import Jobs
from app.notifications.offer_waves import send_next_wave
from app.scheduling import reservation
from app.scheduling.slot_search import find_week
from tests.factories import (
    ADYAR,
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
from tests.waiting import until_waiting

ENCRYPTION = Encryption("a secret for tests only")
SIDES = ["customer", "professional"]


@dataclass
class Cast:
    """Asha, whom Ravi visited thrice; and Kumar, who does the same work."""

    service: Service
    ravi: User
    kumar: User
    asha: User

    @classmethod
    async def of(cls, db):
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        kumar = await a_professional(db, "Kumar Das", services=[service])
        cast = cls(service, ravi, kumar, await a_customer(db))
        await past_visits(db, cast.asha, cast.service, cast.ravi)
        return cast

    async def exclude(self, db, side, *, on=True):
        if side == "customer":
            await exclude_professional(db, self.asha, self.ravi.id, on=on)
        else:
            await exclude_customer(db, self.ravi, await self.a_past_job(db), on=on)

    async def a_past_job(self, db):
        query = "SELECT reference FROM bookings WHERE professional_id = :r AND state = 'closed' LIMIT 1"
        return await db.scalar(text(query), {"r": self.ravi.id})

    async def offered(self, db, professional):
        schedule, _jobs = await Jobs(db).workday(professional)
        return [offer.reference for offer in await find_offers(db, schedule)]


RULES = [rule.query for rule in BOOKING_INVARIANTS if rule.name in ("no-booking-after-exclusion", "no-double-booking")]


async def keeps_exclusions(db):
    """Whether `doorstep check` would find nothing that was booked after the exclusion."""
    return not any([(await db.execute(text(query))).all() for query in RULES])


@pytest.fixture
async def cast(db):
    return await Cast.of(db)


@pytest.mark.parametrize("side", SIDES)
async def test_neither_is_shown_to_the_other_any_more_until_it_is_lifted(db, cast, side):
    booking = await a_request(db, cast.asha, cast.service)
    assert booking.reference in await cast.offered(db, cast.ravi)
    await cast.exclude(db, side)
    assert booking.reference not in await cast.offered(db, cast.ravi)
    assert booking.reference in await cast.offered(db, cast.kumar)
    week = await find_week(db, cast.service, ADYAR, clock.today(), customer_id=cast.asha.id)
    assert [candidate.id for candidate in week.candidates] == [cast.kumar.id]
    anyone = await find_week(db, cast.service, ADYAR, clock.today())
    assert {candidate.id for candidate in anyone.candidates} == {cast.ravi.id, cast.kumar.id}
    await cast.exclude(db, side, on=False)
    assert booking.reference in await cast.offered(db, cast.ravi)


async def test_an_exclusion_of_the_other_side_stays_when_one_is_lifted(db, cast):
    booking = await a_request(db, cast.asha, cast.service)
    for side in SIDES:
        await cast.exclude(db, side)
    await cast.exclude(db, "customer", on=False)
    assert booking.reference not in await cast.offered(db, cast.ravi)


@pytest.mark.parametrize("side", SIDES)
async def test_an_excluded_professional_cannot_be_held_nor_accept_and_answers_as_a_stranger(db, cast, side):
    booking = await a_request(db, cast.asha, cast.service)
    await cast.exclude(db, side)
    with pytest.raises(Missing):
        await accept(db, cast.ravi, booking.reference, ENCRYPTION)
    with pytest.raises(Refused) as refused:
        await hold(db, cast.asha, BookingRequest(cast.service.id, a_start(2), "Flat 3B", ADYAR, "", cast.ravi.id))
    stranger = await a_professional(db, "Omar Sheriff", services=[])
    with pytest.raises(Refused) as of_stranger:
        await hold(db, cast.asha, BookingRequest(cast.service.id, a_start(2), "Flat 3B", ADYAR, "", stranger.id))
    assert (refused.value.reason, refused.value.message) == (of_stranger.value.reason, of_stranger.value.message)


@pytest.mark.parametrize("side", SIDES)
async def test_a_request_for_them_goes_on_as_a_request_for_anyone(db, cast, side):
    booking = await a_request(db, cast.asha, cast.service, professional_id=cast.ravi.id)
    assert booking.exclusive_until is not None
    await cast.exclude(db, side)
    assert (booking.state, booking.exclusive_until) == ("requested", None)
    assert await reserved_for(db, booking) == cast.kumar.id
    assert booking.reference in await cast.offered(db, cast.kumar)


async def test_a_hold_of_their_time_goes_to_another_and_one_for_them_alone_ends(db, cast):
    alone = await a_hold(db, cast.asha, cast.service, a_start(3), professional_id=cast.ravi.id)
    for_anyone = await a_hold(db, cast.asha, cast.service)
    taken_from = await reserved_for(db, for_anyone)
    await cast.exclude(db, "customer")
    assert (alone.state, alone.cancelled_as) == ("cancelled", "platform")
    assert (for_anyone.state, await reserved_for(db, for_anyone)) == ("held", cast.kumar.id)
    assert taken_from in (cast.ravi.id, cast.kumar.id)


async def test_an_accepted_job_stands_and_once_handed_back_goes_to_others_alone(db, cast):
    booking = await a_request(db, cast.asha, cast.service)
    await accept(db, cast.ravi, booking.reference, ENCRYPTION)
    await cast.exclude(db, "professional")
    assert (booking.state, booking.professional_id) == ("assigned", cast.ravi.id)
    await reschedule_by_customer(db, cast.asha, booking.reference, a_start(3))
    assert await reserved_for(db, booking) == cast.kumar.id


async def test_what_is_opened_again_never_comes_back_to_them(db, cast):
    booking = await a_request(db, cast.asha, cast.service)
    await accept(db, cast.kumar, booking.reference, ENCRYPTION)
    await cast.exclude(db, "customer")
    await hand_back(db, cast.kumar, booking.reference, "The van broke down.")
    assert await reserved_for(db, booking) is None
    assert await reserve_next_candidate(db, booking) is None


async def test_messages_about_an_offer_leave_them_out(db, cast):
    booking = await a_request(db, cast.asha, cast.service)
    await cast.exclude(db, "customer")
    assert await send_next_wave(db) == 1
    assert await OfferWaves(db).excluded(booking.id) == [cast.kumar.id]


@pytest.mark.parametrize(
    ("side", "objection"), [("customer", "doesn't want to be visited"), ("professional", "Doesn't")]
)
async def test_the_admin_reads_why_and_cannot_assign_them(db, cast, side, objection):
    booking = await a_request(db, cast.asha, cast.service)
    await cast.exclude(db, side)
    judged = {row.candidate.id: row for row in await find_assignment_candidates(db, booking)}
    assert judged[cast.kumar.id].is_free
    (why,) = judged[cast.ravi.id].objections
    assert objection in why
    with pytest.raises(Refused) as refused:
        await assign(db, await an_admin(db), booking.reference, cast.ravi.id, ENCRYPTION)
    assert why in refused.value.message


async def test_excluding_needs_a_booking_with_each_other(db, cast):
    with pytest.raises(Missing):
        await exclude_professional(db, cast.asha, cast.kumar.id, on=True)
    with pytest.raises(Missing):
        await exclude_customer(db, cast.kumar, await cast.a_past_job(db), on=True)


async def test_it_is_recorded_once_with_the_excluder_and_refreshes_open_offers(db, cast):
    pop_outgoing_messages(db.sync_session)
    for on in (True, True, False, False):
        await cast.exclude(db, "customer", on=on)
    query = select(Event).where(Event.name.in_(("person.excluded", "person.exclusion_lifted"))).order_by(Event.seq)
    events = (await db.scalars(query)).all()
    assert [(event.name, event.subject) for event in events] == [
        ("person.excluded", f"user-{cast.asha.id}"),
        ("person.exclusion_lifted", f"user-{cast.asha.id}"),
    ]
    assert events[0].facts["professional_id"] == cast.ravi.id
    sent = {(message.audience, message.topic) for message in pop_outgoing_messages(db.sync_session)}
    assert (f"user:{cast.ravi.id}", "jobs") in sent


async def test_who_was_found_before_the_exclusion_is_not_reserved_after_it(own_database):
    async with own_database.work() as db:
        cast = await Cast.of(db)
        booking = await a_request(db, cast.asha, cast.service)

    async with own_database.work() as admin:
        judged = await find_assignment_candidates(admin, await Bookings(admin).by_reference(booking.reference))
        assert all(row.is_free for row in judged)

    async def acceptance():
        async with own_database.work() as db:
            return await accept(db, cast.ravi, booking.reference, ENCRYPTION)

    async def exclusion():
        async with own_database.work() as db:
            await exclude_professional(db, cast.asha, cast.ravi.id, on=True)

    outcomes = await asyncio.gather(acceptance(), exclusion(), return_exceptions=True)
    async with own_database.work() as db:
        stored = await Bookings(db).by_reference(booking.reference)
        assert await keeps_exclusions(db)
        accepted = (stored.state, stored.professional_id) == ("assigned", cast.ravi.id)
    assert outcomes[1] is None
    assert accepted != isinstance(outcomes[0], Missing)


async def test_an_acceptance_that_read_before_the_exclusion_is_refused_under_the_lock(own_database, monkeypatch):
    """The exclusion commits after the professional was found eligible, and before their time is locked."""
    async with own_database.work() as db:
        cast = await Cast.of(db)
        booking = await a_request(db, cast.asha, cast.service)

    async def exclude_first(db, professional_id):
        async with own_database.work() as other:
            await exclude_professional(other, cast.asha, cast.ravi.id, on=True)
        await reservation.lock_time(db, professional_id)

    # The booking is reserved for Kumar, so that its row is none of those that the exclusion locks.
    async with own_database.work() as db:
        if await reserved_for(db, booking) == cast.ravi.id:
            assert await reserve_next_candidate(db, await Bookings(db).by_reference(booking.reference), cast.ravi.id)
    monkeypatch.setattr(acceptance, "lock_time", exclude_first)
    with pytest.raises(Missing):
        async with own_database.work() as db:
            await accept(db, cast.ravi, booking.reference, ENCRYPTION)
    async with own_database.work() as db:
        assert (await Bookings(db).by_reference(booking.reference)).state == "requested"
        assert await keeps_exclusions(db)


async def test_excluding_waits_for_the_hold_that_is_being_made_and_ends_it(own_database):
    async with own_database.work() as db:
        cast = await Cast.of(db)

    async def exclusion():
        async with own_database.work() as db:
            await exclude_professional(db, cast.asha, cast.ravi.id, on=True)

    async with own_database.work() as db:
        held = await a_hold(db, cast.asha, cast.service, professional_id=cast.ravi.id)
        change = asyncio.create_task(exclusion())
        await until_waiting(own_database, 1)
        assert not change.done()
    await asyncio.wait_for(change, 5)
    async with own_database.work() as db:
        stored = await Bookings(db).by_reference(held.reference)
        assert (stored.state, await reserved_for(db, stored)) == ("cancelled", None)
        assert await keeps_exclusions(db)


async def test_holds_during_an_exclusion_never_reserve_who_is_excluded(own_database):
    async with own_database.work() as db:
        cast = await Cast.of(db)

    async def try_to_hold(hour):
        try:
            async with own_database.work() as db:
                await a_hold(db, cast.asha, cast.service, a_start(hour=hour), professional_id=cast.ravi.id)
        except Refused as refusal:
            return refusal.reason

    async def exclusion():
        async with own_database.work() as db:
            await exclude_customer(db, cast.ravi, await cast.a_past_job(db), on=True)

    await asyncio.gather(*(try_to_hold(hour) for hour in (8, 10)), exclusion(), *(try_to_hold(h) for h in (12, 14)))
    async with own_database.work() as db:
        assert await db.scalar(text("SELECT count(*) FROM reservations")) == 0
        assert await keeps_exclusions(db)
    assert await try_to_hold(16) == "nobody"
