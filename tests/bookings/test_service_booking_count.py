"""How often each service was booked: the same number, however much of it was counted before."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import select, text

from app.bookings.booking import Booking
from app.bookings.service_booking_count import booking_counts, count_new_bookings
from app.check.run import find_violations
from app.core import clock
from tests.factories import a_customer, a_professional, a_request, a_service, a_start


async def test_what_was_counted_and_what_came_later_are_all_bookings(db):
    tap, sofa = await a_service(db), await a_service(db, "Sofa shampoo")
    await a_professional(db, services=[tap, sofa])
    moment = clock.now()

    async def book(service, day, at):
        with clock.freeze(at):
            await a_request(db, await a_customer(db), service, a_start(day))

    async def agrees():
        all_bookings = Counter(await db.scalars(select(Booking.service_id)))
        assert await booking_counts(db) == all_bookings
        return all_bookings

    await agrees()
    await book(tap, 1, moment)
    await book(sofa, 2, moment)
    assert await count_new_bookings(db) == 0, "another transaction may still write a smaller id"
    await agrees()
    with clock.freeze(moment + timedelta(hours=2)):
        assert await count_new_bookings(db) == 2
        assert await count_new_bookings(db) == 0
    await book(tap, 3, moment + timedelta(hours=2))
    await agrees()
    with clock.freeze(moment + timedelta(hours=4)):
        assert await count_new_bookings(db) == 1
    await book(tap, 4, moment + timedelta(hours=4))
    assert await agrees() == {tap.id: 3, sofa.id: 1}


async def test_counted_bookings_are_not_read_again(db):
    tap = await a_service(db)
    await a_professional(db, services=[tap])
    with clock.freeze(clock.now() - timedelta(hours=2)):
        await a_request(db, await a_customer(db), tap, a_start(3))
    await count_new_bookings(db)
    await db.execute(text("UPDATE service_booking_counts SET bookings = 1000"))
    assert await booking_counts(db) == {tap.id: 1000}
    assert "service-counts-match-bookings" in {item.rule for item in await find_violations(db, None)}
