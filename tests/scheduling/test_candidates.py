"""Slots against a brute-force oracle and against real bookings: every shown slot is free, every free slot is shown."""

import math
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.holds import BookingRequest, hold
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.scheduling.exclusion import ExcludedBy
from app.scheduling.exclusion_repository import Exclusions
from app.scheduling.slot_search import earliest_starts, find_week, next_starts
from app.scheduling.working_hours import TimeOff, WorkingHours
from tests.factories import ADYAR, BESANT_NAGAR, TAMBARAM, TIRUVANMIYUR, a_customer, a_professional, a_service

PLACES = (ADYAR, BESANT_NAGAR, TIRUVANMIYUR, TAMBARAM)
FACTS = """
    SELECT o.professional_id AS id,
           ARRAY(SELECT x.customer_id FROM exclusions x
                  WHERE x.professional_id = o.professional_id) AS excluded_customers,
           (SELECT json_agg(json_build_array(weekday, opens, closes)) FROM working_hours w
             WHERE w.professional_id = o.professional_id) AS hours
      FROM offered_services o JOIN coverage c USING (professional_id)
      JOIN professionals p ON p.user_id = o.professional_id
     WHERE o.service_id = :service AND c.pincode = :pincode AND p.approval_status = 'approved'
"""


async def a_small_town(db: AsyncSession, dice: random.Random) -> tuple[Service, User]:
    """Four professionals with odd hours, two of them over midnight, days off and a week that is half full.

    Some of them the customer has excluded, or they the customer.
    """
    notice = dice.choice([0, 30, 66, 120])
    service = await a_service(db, minutes=dice.choice([30, 45, 60, 90, 150]), notice_minutes=notice)
    customer, workers = await a_customer(db), []
    for n in range(4):
        opens = dice.choice([420, 480, 495, 600])
        worker = await a_professional(
            db,
            f"Worker {n}",
            services=[service],
            pincodes=dice.sample(PLACES, 3),
            opens=opens,
            closes=opens + dice.choice([240, 425, 600]),
            approval=dice.choice(["approved", "approved", "approved", "pending"]),
        )
        workers.append(worker)
        if n > 1:
            nights = [
                (day, *stretch) for day in range(7) for stretch in ((0, 130), (1300, 1440)) if dice.random() < 0.6
            ]
            db.add_all(WorkingHours(professional_id=worker.id, weekday=d, opens=o, closes=c) for d, o, c in nights)
        since = clock.at(clock.today() + timedelta(days=dice.randrange(7)), dice.randrange(0, 1200, 25))
        span = Range(since, since + timedelta(minutes=dice.choice([90, 600, 2000])))
        db.add(TimeOff(professional_id=worker.id, span=span, created_at=clock.now()))
    await db.flush()
    for _ in range(12):
        await try_to_hold(db, customer, service, dice.choice(PLACES), a_moment(dice))
    for worker in workers:
        for side in ExcludedBy:
            if dice.random() < 0.15:
                await Exclusions(db).add(customer.id, worker.id, side)
    return service, customer


def a_moment(dice: random.Random) -> datetime:
    return clock.at(clock.today() + timedelta(days=dice.randrange(7)), dice.randrange(0, 1440, 30))


async def try_to_hold(db: AsyncSession, customer: User, service: Service, pincode: str, start: datetime) -> bool:
    """Book as a regular customer who pays by card, and so may book as often as there is a free start."""
    try:
        booking = await hold(db, customer, BookingRequest(service.id, start, "Flat 3B", pincode))
    except (Refused, Invalid):
        return False
    booking.pay(customer, "card")
    await db.flush()
    return True


class Oracle:
    """A brute-force oracle: minute by minute, from the raw rows, with its own geometry."""

    def __init__(self, service: Service, pincode: str, customer: User | None = None) -> None:
        self.service, self.pincode, self.customer = service, pincode, customer

    async def read(self, db: AsyncSession) -> "Oracle":
        params = {"service": self.service.id, "pincode": self.pincode}
        self.people = (await db.execute(text(FACTS), params)).all()
        self.places = {
            row.pincode: row
            for row in await db.execute(
                text("SELECT * FROM pincodes WHERE district = 'Chennai' OR pincode = ANY(:p)"), {"p": list(PLACES)}
            )
        }
        self.off = (
            await db.execute(text("SELECT professional_id, lower(span) AS a, upper(span) AS b FROM time_off"))
        ).all()
        self.jobs = (
            await db.execute(
                text(
                    "SELECT professional_id, pincode, lower(span) AS a, upper(span) - interval '10 minutes' AS b"
                    " FROM reservations"
                )
            )
        ).all()
        return self

    def minutes_between(self, first: str, other: str) -> float:
        a, b = self.places[first], self.places[other]
        if first == other:
            return 10
        rad = math.radians
        cosine = math.sin(rad(a.latitude)) * math.sin(rad(b.latitude)) + math.cos(rad(a.latitude)) * math.cos(
            rad(b.latitude)
        ) * math.cos(rad(a.longitude - b.longitude))
        return 10 + 6371.0088 * math.acos(min(1, cosine)) * 1.3 / 18 * 60

    def has_candidate(self, start: datetime) -> bool:
        now = clock.now()
        if start < now + timedelta(minutes=max(self.service.notice_minutes, 20)):
            return False
        if start.astimezone(clock.IST).date() >= clock.today() + timedelta(days=7):
            return False
        return any(self._can(person, start) for person in self.people if not self._is_excluded(person))

    def _is_excluded(self, person: Any) -> bool:
        return self.customer is not None and self.customer.id in person.excluded_customers

    def _can(self, person: Any, start: datetime) -> bool:
        end = start + timedelta(minutes=self.service.minutes)
        work = (start.astimezone(clock.IST) + timedelta(minutes=n) for n in range(self.service.minutes))
        if not all(self._works(person, minute) for minute in work):
            return False
        if any(o.professional_id == person.id and o.a < end and start < o.b for o in self.off):
            return False
        own = [job for job in self.jobs if job.professional_id == person.id]
        return all(self._has_travel_gap(job, start, end) for job in own)

    def _works(self, person: Any, moment: datetime) -> bool:
        minute = moment.hour * 60 + moment.minute
        return any(day == moment.weekday() and opens <= minute < closes for day, opens, closes in person.hours or [])

    def _has_travel_gap(self, job: Any, start: datetime, end: datetime) -> bool:
        ride = timedelta(minutes=self.minutes_between(self.pincode, job.pincode))
        return job.b + ride <= start or end + ride <= job.a


@pytest.mark.parametrize("seed", range(12))
async def test_every_shown_slot_is_true_and_every_true_slot_is_shown(db, seed: int):
    dice = random.Random(seed)
    service, customer = await a_small_town(db, dice)
    pincode = dice.choice(PLACES)
    grid = [clock.at(clock.today(), 30 * n) for n in range(-10, 48 * 8)]
    for viewer in (None, customer):
        week = await find_week(db, service, pincode, clock.today(), customer_id=viewer.id if viewer else None)
        displayed = {start for day in week.days for start in day.starts}
        oracle = await Oracle(service, pincode, viewer).read(db)
        assert displayed == {start for start in grid if oracle.has_candidate(start)}
    earliest = await earliest_starts(db, [service], pincode, customer_id=customer.id)
    assert earliest.get(service.id) == min(displayed, default=None)
    await every_answer_holds(db, customer, service, pincode, displayed, dice.sample(grid, 40))


async def every_answer_holds(
    db, customer, service, pincode, displayed: set[datetime], attempted: list[datetime]
) -> None:
    """What is shown can be booked and what is hidden cannot; each try is undone."""
    for start in attempted + list(displayed)[:10]:
        async with db.begin_nested() as attempt:
            assert await try_to_hold(db, customer, service, pincode, start) == (start in displayed), start
            await attempt.rollback()


async def test_the_four_places_of_the_oracle_are_known(db):
    rows = await db.execute(text("SELECT latitude FROM pincodes WHERE pincode = ANY(:p)"), {"p": list(PLACES)})
    assert [row.latitude is not None for row in rows] == [True] * 4


async def test_seven_days_of_slots_cost_three_queries(db, database):
    service = await a_service(db)
    for n in range(5):
        await a_professional(db, f"Worker {n}", services=[service])
    query: list[str] = []
    listen = lambda conn, cursor, statement, *rest: query.append(statement)  # noqa: E731
    event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
    await find_week(db, service, ADYAR, clock.today())
    event.remove(database.engine.sync_engine, "before_cursor_execute", listen)
    assert len(query) <= 3


async def test_the_earliest_start_of_a_card_is_the_first_of_its_page(db):
    long, short = await a_service(db, minutes=240), await a_service(db, minutes=30)
    await a_professional(db, services=[long, short], closes=13 * 60)
    found = await earliest_starts(db, [long, short], ADYAR)
    for service in (long, short):
        assert [found[service.id]] == await next_starts(db, service, ADYAR, clock.now(), limit=1)


async def test_where_no_one_works_the_week_is_seven_empty_days(db):
    service = await a_service(db)
    found = await find_week(db, service, ADYAR, clock.today())
    assert ([day.starts for day in found.days], found.candidates) == ([[]] * 7, [])
    assert (await find_week(db, service, "999999", clock.today())).candidates == []
    assert await earliest_starts(db, [service], ADYAR) == {}
