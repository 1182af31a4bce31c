"""Offers for anyone are announced in waves, nearest first; nobody is notified twice (W25)."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.holds import BookingRequest, hold
from app.bookings.moves import State
from app.bookings.offer_wave import OfferRecipient
from app.bookings.offer_wave_repository import usual_minutes_to_accept
from app.bookings.repository import Bookings
from app.bookings.reservation import reschedule_by_customer
from app.core import clock
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.core.references import new_reference
from app.jobs.acceptance import accept, hand_back, pass_on
from app.jobs.offers import find_offers
from app.jobs.repository import Jobs
from app.notifications.inbox import InboxItem
from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.offer_waves import send_next_wave
from app.services import page_templates
from tasks.notifications import send_offer_waves
from tests.application import task_context
from tests.factories import (
    ADYAR,
    BESANT_NAGAR,
    TAMBARAM,
    TIRUVANMIYUR,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
)

ENCRYPTION = Encryption("a secret for tests only")
COVERED = (ADYAR, BESANT_NAGAR, TIRUVANMIYUR, TAMBARAM)


async def a_crowd(db, service, number: int, home: str = ADYAR) -> list[User]:
    return [
        await a_professional(db, f"Person {home} {n}", services=[service], pincodes=COVERED, home=home)
        for n in range(number)
    ]


async def notified(db, booking: Booking) -> list[int]:
    """Who was notified of the offer, in the order of their ids."""
    found = select(OfferRecipient.professional_id).where(OfferRecipient.booking_id == booking.id)
    return sorted(await db.scalars(found))


async def inbox_of(db, user: User) -> list[str]:
    items = await db.scalars(select(InboxItem).where(InboxItem.user_id == user.id, InboxItem.kind == "job_offered"))
    return [item.data["booking"] for item in items]


async def digests(db) -> list[Outbox]:
    return list(await db.scalars(select(Outbox).where(Outbox.kind == "job_offers").order_by(Outbox.id)))


async def render(db, row: Outbox):
    return await MessageRenderer(
        page_templates(), ENCRYPTION, "https://doorstep.example", "Doorstep <hello@doorstep.example>"
    ).render(db, row)


async def is_offered(db, user: User, booking: Booking) -> bool:
    schedule, _jobs = await Jobs(db).workday(user)
    return booking.reference in {offer.reference for offer in await find_offers(db, schedule)}


async def test_the_eight_nearest_are_notified_first_and_the_others_every_three_minutes(db):
    service = await a_service(db)
    far, near = await a_crowd(db, service, 9, TAMBARAM), await a_crowd(db, service, 9)
    booking = await a_request(db, await a_customer(db), service)
    now = clock.now()
    assert await send_next_wave(db) == 1
    assert await notified(db, booking) == [person.id for person in near[:8]]
    assert await is_offered(db, far[-1], booking)  # the offer itself waits for no wave
    with clock.freeze(now + timedelta(minutes=2)):
        assert await send_next_wave(db) == 0
    with clock.freeze(now + timedelta(minutes=3, seconds=1)):
        assert [await send_next_wave(db), await send_next_wave(db)] == [1, 0]
    assert await notified(db, booking) == sorted(person.id for person in [*near, *far[:7]])
    with clock.freeze(now + timedelta(minutes=7)):
        assert await send_next_wave(db) == 1
    assert await notified(db, booking) == sorted(person.id for person in [*near, *far])
    for person in [*near, *far]:
        assert await inbox_of(db, person) == [booking.reference]


async def test_only_who_could_accept_is_notified(db):
    """Whose time is merely reserved for another booking could: that one moves."""
    service = await a_service(db)
    busy, declined, reserved, late = await a_crowd(db, service, 4)
    await db.execute(text("UPDATE working_hours SET opens = 720 WHERE professional_id = :id"), {"id": late.id})
    asha = await a_customer(db)
    taken = await a_request(db, await a_customer(db), service, professional_id=busy.id)
    await accept(db, busy, taken.reference, ENCRYPTION)
    booking = await a_request(db, asha, service)
    await pass_on(db, declined, booking.reference, "")
    held = await hold(
        db, await a_customer(db), BookingRequest(service.id, booking.starts_at, "Flat 3B", ADYAR, "", None)
    )
    assert held.state == State.HELD
    await send_next_wave(db)
    assert await notified(db, booking) == [reserved.id]


async def test_a_professional_named_by_the_customer_has_ten_minutes_before_others_are_notified(db):
    service = await a_service(db)
    ravi, kumar = await a_crowd(db, service, 2)
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    assert await send_next_wave(db) == 0
    with clock.freeze(booking.exclusive_until):
        assert await send_next_wave(db) == 1
    assert await notified(db, booking) == [ravi.id, kumar.id]


async def test_who_passes_on_a_request_by_name_opens_it_for_the_first_wave(db):
    service = await a_service(db)
    ravi, kumar = await a_crowd(db, service, 2)
    booking = await a_request(db, await a_customer(db), service, professional_id=ravi.id)
    await pass_on(db, ravi, booking.reference, "")
    assert await send_next_wave(db) == 1
    assert await notified(db, booking) == [kumar.id]


async def test_a_job_given_up_is_announced_to_those_who_were_not_notified_before(db):
    service = await a_service(db)
    crowd = await a_crowd(db, service, 9)
    booking = await a_request(db, await a_customer(db), service)
    await send_next_wave(db)
    await accept(db, crowd[0], booking.reference, ENCRYPTION)
    assert await send_next_wave(db) == 0
    await hand_back(db, crowd[0], booking.reference, "My scooter broke.")
    assert await send_next_wave(db) == 1
    assert await notified(db, booking) == [person.id for person in crowd]
    assert [len(await inbox_of(db, person)) for person in crowd] == [1] * 9


async def test_a_moved_booking_is_a_new_offer(db):
    service = await a_service(db)
    crowd = await a_crowd(db, service, 2)
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await send_next_wave(db)
    await reschedule_by_customer(db, asha, booking.reference, a_start(2))
    assert await notified(db, booking) == []
    await send_next_wave(db)
    assert [len(await inbox_of(db, person)) for person in crowd] == [2, 2]


async def test_who_was_notified_is_forgotten_when_the_offer_is_over(db):
    service = await a_service(db)
    await a_crowd(db, service, 2)
    asha = await a_customer(db)
    booking = await a_request(db, asha, service)
    await send_next_wave(db)
    booking.cancel(asha, "customer", "")
    await db.flush()
    assert await notified(db, booking) == []
    assert await db.scalar(text("SELECT count(*) FROM offer_waves")) == 0


async def test_an_email_lists_all_offers_of_fifteen_minutes(db):
    service = await a_service(db)
    (ravi,) = await a_crowd(db, service, 1)
    asha = await a_customer(db)
    now = clock.now()
    first = await a_request(db, asha, service, a_start(1, 9))
    await send_next_wave(db)
    (mail,) = await digests(db)
    assert mail.due_at >= now
    second = await a_request(db, asha, service, a_start(1, 13))
    await send_next_wave(db)
    assert [row.id for row in await digests(db)] == [mail.id]  # it was not sent yet
    message = await render(db, mail)
    assert "2 new offers" in message.subject
    with clock.freeze(now + timedelta(minutes=1)):
        mail.sent_at = clock.now()
        third = await a_request(db, await a_customer(db), service, a_start(1, 17))
        await send_next_wave(db)
        (_, later) = await digests(db)
        assert later.due_at == mail.sent_at + timedelta(minutes=15)
        assert "1 new offer" in (await render(db, later)).subject
        await pass_on(db, ravi, third.reference, "")
        with pytest.raises(OutOfDate):
            await render(db, later)
    assert await inbox_of(db, ravi) == [first.reference, second.reference, third.reference]
    assert await db.scalar(select(Outbox).where(Outbox.kind == "job_offered")) is None


async def test_an_email_that_is_being_sent_is_not_added_to(db):
    service = await a_service(db)
    await a_crowd(db, service, 1)
    asha = await a_customer(db)
    await a_request(db, asha, service, a_start(1, 9))
    await send_next_wave(db)
    (mail,) = await digests(db)
    mail.claimed_until = clock.now() + timedelta(seconds=20)
    await a_request(db, asha, service, a_start(1, 13))
    await send_next_wave(db)
    assert [row.due_at for row in await digests(db)] == [mail.due_at, mail.due_at + timedelta(minutes=15)]


async def test_a_killed_worker_has_not_notified_and_the_next_notifies_once(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        crowd = await a_crowd(db, service, 3)
        booking = await a_request(db, await a_customer(db), service)

    async def send_and_die() -> None:
        async with own_database.work() as db:
            assert await send_next_wave(db) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await send_and_die()
    await send_offer_waves(task_context(own_database))
    await send_offer_waves(task_context(own_database))
    async with own_database.work() as db:
        assert [len(await inbox_of(db, person)) for person in crowd] == [1, 1, 1]
        assert len(await digests(db)) == 3
        assert await notified(db, booking) == [person.id for person in crowd]


async def test_four_workers_at_once_notify_everyone_once(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        crowd = await a_crowd(db, service, 5)
        bookings = [await a_request(db, await a_customer(db), service, a_start(1, 9 + 2 * n)) for n in range(4)]
    while any(await asyncio.gather(*(send_offer_waves(task_context(own_database)) for _ in range(4)))):
        pass
    async with own_database.work() as db:
        references = sorted(booking.reference for booking in bookings)
        assert [sorted(await inbox_of(db, person)) for person in crowd] == [references] * 5
        assert len(await digests(db)) == 5


async def test_an_offer_that_is_being_accepted_is_left_alone(own_database):
    async with own_database.work() as db:
        service = await a_service(db)
        await a_crowd(db, service, 3)
        booking = await a_request(db, await a_customer(db), service)
    async with own_database.work() as other:
        await Bookings(other).by_reference(booking.reference, lock=True)
        async with own_database.work() as db:
            assert await send_next_wave(db) == 0


async def accepted_in(db, service, minutes: int, pincode: str = ADYAR, *, days: int = 1) -> None:
    """A closed booking that was accepted so many minutes after its request, `days` ago."""
    customer, worker = await a_customer(db), await a_professional(db, services=[service])
    at = clock.now() - timedelta(days=days)
    booking = Booking(
        reference=new_reference(),
        customer_id=customer.id,
        service_id=service.id,
        service_name=service.name,
        price=service.price,
        minutes=service.minutes,
        address="Flat 3B",
        pincode=pincode,
        state=State.CLOSED,
        payment="card",
        professional_id=worker.id,
        requested_at=at - timedelta(minutes=minutes),
        **dict.fromkeys(("created_at", "assigned_at", "started_at", "completed_at", "closed_at"), at),
    )
    booking.set_slot(at)
    db.add(booking)
    await db.flush()


async def test_the_usual_time_is_the_areas_median_and_with_few_cases_the_citys(db):
    service, other = await a_service(db), await a_service(db)
    await a_crowd(db, service, 1)
    booking = await a_request(db, await a_customer(db), service)
    assert await usual_minutes_to_accept(db, booking.id) is None
    for minutes in (2, 4, 6, 8, 10, 12, 14, 16, 90):
        await accepted_in(db, service, minutes)
    await accepted_in(db, service, 500, days=29)
    await accepted_in(db, other, 500)
    for _ in range(10):
        await accepted_in(db, service, 60, BESANT_NAGAR)
    assert await usual_minutes_to_accept(db, booking.id) == 60  # nine in Adyar, ten more in the city
    await accepted_in(db, service, 10)
    assert await usual_minutes_to_accept(db, booking.id) == 10
