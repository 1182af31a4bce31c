"""On the way: the arrival window, and a professional who is late (W24)."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.outbox import Outbox
from app.jobs import handover
from app.jobs.acceptance import accept, hand_back
from app.jobs.repository import Jobs
from app.listeners import install_listeners
from app.scheduling.travel import Location, arrival_window, travel_seconds
from tests.factories import (
    ADYAR,
    BESANT_NAGAR,
    TAMBARAM,
    a_customer,
    a_professional,
    a_request,
    a_service,
    a_start,
    past_visits,
)

ENCRYPTION = Encryption("a secret for tests only")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=clock.IST)
HERE = Location("600020", 13.0, 80.25)


class ArrivalScene:
    """Ravi, who lives in Tambaram, holds a job of Asha's in Adyar, tomorrow at ten."""

    def __init__(self, database):
        self.database = database

    async def prepare(self):
        install_listeners()
        async with self.database.work() as db:
            service = await a_service(db)
            self.ravi = await a_professional(db, services=[service], home=TAMBARAM)
            self.asha = await a_customer(db)
            booking = await a_request(db, self.asha, service)
            self.starts_at = booking.starts_at
            self.reference = (await accept(db, self.ravi, booking.reference, ENCRYPTION)).reference
        return self

    async def depart(self, minutes_before):
        with clock.freeze(self.starts_at - timedelta(minutes=minutes_before)):
            async with self.database.work() as db:
                await handover.depart(db, self.ravi, self.reference)

    async def delay(self, minutes=10, by=None):
        async with self.database.work() as db:
            return await handover.report_delay(db, by or self.ravi, self.reference, minutes)

    async def booking(self):
        async with self.database.work() as db:
            return await Bookings(db).by_reference(self.reference)

    async def kinds(self):
        async with self.database.work() as db:
            return list(await db.scalars(select(Outbox.kind).order_by(Outbox.id)))


@pytest.fixture
async def scene(database):
    return await ArrivalScene(database).prepare()


@pytest.fixture
async def own_scene(own_database):
    return await ArrivalScene(own_database).prepare()


@pytest.mark.parametrize("north", [0.0, 0.02, 0.2])
def test_the_window_is_a_quarter_of_the_way_to_each_side_and_at_least_fifteen_minutes(north):
    there = Location("600045", 13.0 + north, 80.25)
    travel = timedelta(seconds=travel_seconds(HERE, there))
    since, until = arrival_window(NOON, HERE, there, NOON)
    half = max(travel / 4, timedelta(minutes=7, seconds=30))
    minute = timedelta(minutes=1)
    assert timedelta() <= max(NOON + travel, NOON + half) - half - since < minute
    assert timedelta() <= until - max(NOON + travel, NOON + half) - half < minute
    assert (since.second, until.second) == (0, 0)


async def test_departure_says_when_the_professional_is_expected(scene):
    await scene.depart(75)
    booking = await scene.booking()
    async with scene.database.work() as db:
        home = await Jobs(db).last_place(scene.ravi)
        there = Location(
            *(
                await db.execute(
                    text("SELECT pincode, latitude, longitude FROM pincodes WHERE pincode = :p"), {"p": ADYAR}
                )
            ).one()
        )
    expected = booking.departed_at + timedelta(seconds=travel_seconds(home, there))
    assert home.pincode == TAMBARAM
    assert booking.eta_from < expected < booking.eta_until
    assert (await scene.kinds())[-1] == "booking_departed"


async def test_who_leaves_an_hour_early_is_not_expected_before_arrivals_count(scene):
    async with scene.database.work() as db:
        await db.execute(text("UPDATE professionals SET home_pincode = :p"), {"p": ADYAR})
    await scene.depart(90)
    assert (await scene.booking()).eta_from == scene.starts_at - timedelta(minutes=60)


async def test_the_way_begins_at_the_job_before(scene):
    async with scene.database.work() as db:
        service = await a_service(db)
        await past_visits(db, scene.asha, service, scene.ravi, 1)
        assert (await Jobs(db).last_place(scene.ravi)).pincode == TAMBARAM
        at = clock.now()
        earlier = clock.at(clock.today())
        await db.execute(
            text(
                "UPDATE bookings SET pincode = :p, starts_at = CAST(:s AS timestamptz), completed_at = :at,"
                " ends_at = CAST(:s AS timestamptz) + minutes * interval '1 minute' WHERE state = 'closed'"
            ),
            {"p": BESANT_NAGAR, "s": earlier, "at": at},
        )
        assert (await Jobs(db).last_place(scene.ravi)).pincode == BESANT_NAGAR


async def test_a_delay_moves_the_window_and_notifies_the_customer(scene):
    await scene.depart(60)
    before = await scene.booking()
    with clock.freeze(scene.starts_at - timedelta(minutes=50)):
        await scene.delay(20)
    booking = await scene.booking()
    assert booking.eta_from == before.eta_from + timedelta(minutes=20)
    assert booking.eta_until == before.eta_until + timedelta(minutes=20)
    assert (await scene.kinds())[-1] == "booking_delayed"


async def test_a_delay_after_the_window_is_counted_from_now(scene):
    await scene.depart(60)
    with clock.freeze(scene.starts_at + timedelta(minutes=60)):
        await scene.delay(10)
        assert (await scene.booking()).eta_until == clock.now() + timedelta(minutes=10)


async def test_a_delay_before_departure_moves_the_start_that_is_expected(scene):
    await scene.delay(15)
    booking = await scene.booking()
    assert booking.eta_from == scene.starts_at + timedelta(minutes=7)
    assert booking.eta_until == scene.starts_at + timedelta(minutes=23)


async def test_a_professional_may_be_late_twice_and_not_after_the_arrival(scene):
    await scene.delay(10)
    with clock.freeze(scene.starts_at):
        async with scene.database.work() as db:
            await handover.arrive(db, scene.ravi, scene.reference)
    with pytest.raises(Refused) as refusal:
        await scene.delay(10)
    assert (refusal.value.reason, refusal.value.about) == ("state", "arrived")
    assert (await scene.booking()).late_count == 1


async def test_of_six_delays_at_once_two_count(own_scene):
    async def press():
        try:
            await own_scene.delay(5)
        except Refused as refusal:
            return refusal.reason
        return "told"

    assert Counter(await asyncio.gather(*(press() for _ in range(6)))) == {"told": 2, "late_twice": 4}
    booking = await own_scene.booking()
    assert (booking.late_count, (await own_scene.kinds()).count("booking_delayed")) == (2, 2)
    assert booking.eta_from == own_scene.starts_at + timedelta(minutes=2)


async def test_a_professional_who_is_late_is_absent_by_the_slot(scene):
    """W14 counts from the slot, whatever was said."""
    await scene.delay(60)
    booking = await scene.booking()
    assert not booking.professional_is_absent(scene.starts_at + timedelta(minutes=29))
    assert booking.professional_is_absent(scene.starts_at + timedelta(minutes=30))


async def test_the_next_professional_begins_on_time(scene):
    await scene.delay(10)
    async with scene.database.work() as db:
        await hand_back(db, scene.ravi, scene.reference, "My scooter broke.")
    booking = await scene.booking()
    assert (booking.eta_from, booking.eta_until, booking.late_count) == (None, None, 0)


async def test_another_professionals_job_cannot_be_delayed(scene):
    async with scene.database.work() as db:
        kumar = await a_professional(db, "Kumar Das")
    with pytest.raises(Missing):
        await scene.delay(10, by=kumar)


async def test_pages_and_api_show_the_window(app_database, browser_of):
    async with app_database.work() as db:
        service = await a_service(db)
        ravi = await a_professional(db, services=[service])
        asha = await a_customer(db)
        booking = await a_request(db, asha, service, a_start(1, 10))
        await accept(db, ravi, booking.reference, ENCRYPTION)
    worker, customer = await browser_of(ravi), await browser_of(asha)
    with clock.freeze(booking.starts_at - timedelta(minutes=60)):
        job = await worker.submit_and_follow(await worker.visit(f"/jobs/{booking.reference}"), "/departure")
        page = await customer.visit(f"/bookings/{booking.reference}")
        assert "Ravi is on the way, expected 9:02–9:18\xa0am" in page.text
        form = await worker.visit(f"/jobs/{booking.reference}?do=late")
        assert (await worker.submit(form, "/late", minutes="4")).status == 422
        assert (await worker.submit(form, "/late", minutes="61")).status == 422
        job = await worker.submit_and_follow(form, "/late", minutes="20")
        assert "notified of when" in job.text
        page = await customer.visit(f"/bookings/{booking.reference}")
        assert "Ravi is late, expected 9:22–9:38\xa0am" in page.text
        await worker.submit_and_follow(await worker.visit(f"/jobs/{booking.reference}?do=late"), "/late", minutes="5")
        job = await worker.visit(f"/jobs/{booking.reference}")
        assert "Running late?" not in job.text
        assert (await worker.submit(form, "/late", minutes="5")).status == 409
    assert (await app_booking(app_database, booking.id)).late_count == 2


async def app_booking(database, booking_id) -> Booking:
    async with database.work() as db:
        return await db.get_one(Booking, booking_id)
