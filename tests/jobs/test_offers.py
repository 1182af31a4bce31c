"""Offers: only jobs that the professional could accept, without the customer's identity."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from app.bookings.booking import Booking
from app.bookings.expiry import end_priority_offers
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import OutgoingMessage, pop_outgoing_messages
from app.jobs.acceptance import accept, hand_back, pass_on
from app.jobs.offers import find_expired_offers, find_offers, find_workday
from app.jobs.repository import FIRST_OFFERS_READ, Jobs
from app.scheduling.candidate_repository import load_schedule
from app.scheduling.service_area_repository import load_service_area
from app.scheduling.working_hours import TimeOff
from tests.factories import (
    ADYAR,
    BESANT_NAGAR,
    TAMBARAM,
    TIRUVANMIYUR,
    a_block,
    a_customer,
    a_hold,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
)
from tests.statements import count_statements

ENCRYPTION = Encryption("a secret for tests only")


async def offers_of(db, me, reference=None):
    schedule, _jobs = await Jobs(db).workday(me)
    return await find_offers(db, schedule, reference)


async def references(db, me):
    return [offer.reference for offer in await offers_of(db, me)]


async def test_an_offer_shows_area_distance_time_and_earning(db):
    service = await a_service(db, price=149_00)
    ravi = await a_professional(db, services=[service], home=ADYAR)
    booking = await a_request(db, await a_customer(db), service, pincode=TIRUVANMIYUR)
    (offer,) = await offers_of(db, ravi)
    assert (offer.reference, offer.place, offer.earning) == (booking.reference, "Tiruvanmiyur", 126_65)
    assert (offer.starts_at, offer.ends_at) == (booking.starts_at, booking.ends_at)
    assert offer.km is not None
    assert offer.km % 0.5 == 0
    assert offer.from_job is None


async def test_an_offer_holds_nothing_of_the_customer(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    asha = await a_customer(db, "Asha Raman")
    await a_request(db, asha, service)
    content = str([asdict(offer) for offer in await offers_of(db, ravi)])
    for personal in ("Asha", "Raman", "Flat 3B", "Ring twice", asha.phone, asha.email):
        assert personal not in content


async def test_a_held_booking_is_no_offer_before_it_is_paid(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_hold(db, await a_customer(db), service)
    assert await references(db, ravi) == []


async def test_another_service_or_area_is_not_offered(db):
    service, other = await a_service(db), await a_service(db)
    await a_professional(db, services=[service])
    asha = await a_customer(db)
    await a_request(db, asha, service)
    kumar = await a_professional(db, "Kumar Das", services=[other])
    mani = await a_professional(db, "Mani Raj", services=[service], pincodes=[TAMBARAM], home=TAMBARAM)
    assert await references(db, kumar) == []
    assert await references(db, mani) == []


async def test_a_service_under_review_is_not_offered(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    await a_request(db, await a_customer(db), service)
    await db.execute(
        text("UPDATE offered_services SET approval_status = 'pending' WHERE professional_id = :me"), {"me": kumar.id}
    )
    assert await references(db, kumar) == []


async def test_who_is_blocked_or_not_approved_gets_no_offer(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    pending = await a_professional(db, "Pavan Rao", services=[service], approval="pending")
    blocked = await a_professional(db, "Balu Nair", services=[service])
    await a_block(db, blocked, await an_admin(db))
    await a_request(db, await a_customer(db), service)
    assert await references(db, pending) == []
    assert await references(db, blocked) == []


async def test_what_i_passed_or_handed_back_never_returns(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    booking = await a_request(db, await a_customer(db), service)
    await pass_on(db, ravi, booking.reference, "Too far.")
    assert await references(db, ravi) == []
    assert await references(db, kumar) == [booking.reference]
    await accept(db, kumar, booking.reference, ENCRYPTION)
    await hand_back(db, kumar, booking.reference, "My scooter broke.")
    assert await references(db, kumar) == []


async def test_a_named_professional_is_the_only_candidate_for_ten_minutes(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    (offer,) = await offers_of(db, ravi)
    assert offer.is_requested
    assert offer.exclusive_until == booking.exclusive_until
    assert await references(db, kumar) == []
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert await references(db, kumar) == [booking.reference]
        (offer,) = await offers_of(db, ravi)
        assert (offer.is_requested, offer.exclusive_until) == (True, None)


async def test_when_the_ten_minutes_are_over_the_lists_of_the_others_look_again(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    pop_outgoing_messages(db)
    assert await end_priority_offers(db) == 0
    with clock.freeze(booking.exclusive_until + timedelta(seconds=30)):
        await end_priority_offers(db)
    assert pop_outgoing_messages(db) == [OutgoingMessage(f"area:{ADYAR}", "jobs")]


async def test_when_the_one_offered_first_passes_the_others_get_the_offer_at_once(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    await pass_on(db, ravi, booking.reference, "")
    assert await references(db, kumar) == [booking.reference]


async def test_outside_my_hours_is_not_offered(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    late = await a_professional(db, "Latha Devi", services=[service], opens=14 * 60)
    await a_request(db, await a_customer(db), service, a_start(hour=10))
    assert await references(db, late) == []


async def test_in_my_time_off_is_not_offered(db):
    service = await a_service(db)
    await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    booking = await a_request(db, await a_customer(db), service)
    span = Range(booking.starts_at + timedelta(minutes=30), booking.ends_at + timedelta(hours=2), bounds="[)")
    db.add(TimeOff(professional_id=kumar.id, span=span, reason="A wedding", created_at=clock.now()))
    await db.flush()
    assert await references(db, kumar) == []


async def test_a_job_leaves_time_for_the_way_to_the_next_one(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Kumar Das", services=[service])
    await a_professional(db, "Mani Raj", services=[service])
    asha = await a_customer(db)
    own_booking = await a_request(db, asha, service, a_start(hour=10), professional_id=ravi.id)
    await accept(db, ravi, own_booking.reference, ENCRYPTION)
    near = await a_request(db, asha, service, a_start(hour=11), pincode=BESANT_NAGAR)
    free = await a_request(db, asha, service, a_start(hour=13), pincode=BESANT_NAGAR)
    assert await references(db, ravi) == [free.reference]
    assert near.state == "requested"


async def test_the_distance_is_measured_from_the_job_before(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service], home=ADYAR)
    asha = await a_customer(db)
    first = await a_request(db, asha, service, a_start(hour=10), pincode=TIRUVANMIYUR)
    await accept(db, ravi, first.reference, ENCRYPTION)
    await a_request(db, asha, service, a_start(hour=13), pincode=TIRUVANMIYUR)
    (offer,) = await offers_of(db, ravi)
    assert (offer.from_job, offer.km) == (first.starts_at, 0.5)


async def test_an_hour_before_the_slot_an_offer_is_over_unless_it_was_opened_later(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service)
    with clock.freeze(booking.starts_at - timedelta(minutes=59)):
        assert await references(db, ravi) == []
        booking.reopened_at = clock.now()
        await db.flush()
        assert await references(db, ravi) == [booking.reference]
    with clock.freeze(booking.starts_at + timedelta(seconds=1)):
        assert await references(db, ravi) == []


async def test_those_who_ask_for_me_come_first(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    await a_professional(db, "Kumar Das", services=[service])
    asha = await a_customer(db)
    early = await a_request(db, asha, service, a_start(hour=9))
    named = await a_request(db, asha, service, a_start(hour=15), professional_id=ravi.id)
    assert await references(db, ravi) == [named.reference, early.reference]


async def test_what_someone_else_took_is_reported_to_those_who_saw_it(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    kumar = await a_professional(db, "Kumar Das", services=[service])
    mani = await a_professional(db, "Mani Raj", services=[service], pincodes=[TAMBARAM], home=TAMBARAM)
    booking = await a_request(db, await a_customer(db), service)
    await accept(db, kumar, booking.reference, ENCRYPTION)
    (expired,) = await find_expired_offers(db, ravi, [booking.reference, "XXXXXXXX"], [])
    assert (expired.reference, expired.is_taken) == (booking.reference, True)
    assert await find_expired_offers(db, kumar, [booking.reference], []) == []
    assert await find_expired_offers(db, mani, [booking.reference], []) == []


async def test_an_empty_list_knows_where_offers_would_come_from(db):
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    reach = await load_service_area(db, await load_schedule(db, ravi))
    assert reach.pincode_count == 3
    assert reach.km is not None
    assert reach.trades[0].startswith("Plumbing")


@pytest.mark.parametrize(("hours_before", "statement_count"), [(31, 1), (14.5, 2)], ids=["at night", "too late"])
async def test_an_offer_behind_many_that_do_not_fit_is_found(db, database, hours_before: float, statement_count: int):
    """A start outside the hours is not read at all; that a job would end after them is only known then."""
    service = await a_service(db)
    ravi = await a_professional(db, services=[service])
    booking = await a_request(db, await a_customer(db), service, a_start(2))
    columns = ", ".join(column.name for column in Booking.__table__.columns if column.computed is None)
    before = timedelta(hours=hours_before)
    early = booking.starts_at - before, booking.ends_at - before  # at three in the morning, or at half past seven
    await db.execute(
        text(f"""
            INSERT INTO bookings ({columns}) OVERRIDING SYSTEM VALUE
            SELECT {columns} FROM (
                   SELECT (jsonb_populate_record(b, jsonb_build_object(
                              'id', b.id + 1000 + n, 'reference', 'ABCDE' || lpad(n::text, 3, '0'),
                              'starts_at', :starts_at, 'ends_at', :ends_at))).*
                     FROM bookings b, generate_series(1, :count) n WHERE b.id = :id) AS copies
        """).bindparams(starts_at=early[0].isoformat(), ends_at=early[1].isoformat()),
        {"id": booking.id, "count": FIRST_OFFERS_READ + 5},
    )
    with count_statements(database) as statements:
        schedule, _jobs, offers = await find_workday(db, ravi)
    assert len(statements) == statement_count, statements
    assert [offer.reference for offer in offers] == [booking.reference]
    assert [offer.reference for offer in await find_offers(db, schedule)] == [booking.reference]
