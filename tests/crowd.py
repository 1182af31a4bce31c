"""Many professionals in one pincode, and an application whose town or city they are."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from litestar import Litestar
from sqlalchemy import BigInteger, DateTime, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core.db import Database
from app.jobs.acceptance import accept
from app.scheduling.reservation import Reservation
from tests.api_client import ApiClient
from tests.application import serving, settings
from tests.factories import (
    PASSWORD,
    a_customer,
    a_hold,
    a_professional,
    a_request,
    a_service,
    a_start,
    an_admin,
    reserved_for,
)
from tests.person import Person
from tests.statements import count_statements, returned_rows

TOWN, CITY = 30, 3_000
WORKER_COUNT = 28  # of the crowd, who do jobs in the tests; the town is them, Ravi and another
NO_REDIS = "redis://127.0.0.1:1"  # without it nothing is cached, and every page is made from the database
# More people like :like, with the same hours, area and services.
CROWD = (
    """
    INSERT INTO users (role, email, full_name, phone, password_hash, email_verified_at, created_at)
    SELECT 'professional', 'crowd' || n || '@example.com', 'Worker ' || n, '+91' || 8000000000 + n, 'none', now(), now()
      FROM generate_series(:after + 1, :after + :count) n
    """,
    """
    INSERT INTO professionals (user_id, approval_status, trade, experience_years, home_pincode, approved_at, created_at)
    SELECT u.id, 'approved', p.trade, 3, p.home_pincode, now(), now()
      FROM users u, professionals p WHERE u.id > :after AND p.user_id = :like
    """,
    """
    INSERT INTO working_hours (professional_id, weekday, opens, closes)
    SELECT u.id, w.weekday, w.opens, w.closes
      FROM users u, working_hours w WHERE u.id > :after AND w.professional_id = :like
    """,
    """
    INSERT INTO coverage (professional_id, pincode)
    SELECT u.id, c.pincode FROM users u, coverage c WHERE u.id > :after AND c.professional_id = :like
    """,
    """
    INSERT INTO offered_services (professional_id, service_id, approval_status)
    SELECT u.id, o.service_id, 'approved'
      FROM users u, offered_services o WHERE u.id > :after AND o.professional_id = :like
    """,
)

END_BOOKINGS = text("""
    WITH freed AS (DELETE FROM reservations RETURNING 1)
    UPDATE bookings SET state = 'cancelled', cancelled_as = 'platform', cancelled_at = created_at,
                        professional_id = NULL
     WHERE state IN ('held', 'requested', 'assigned', 'started')
""")

# Who still works there as Ravi does: not blocked, nor deleted, with the same hours, area and services.
UNCHANGED_WORKERS = text("""
    SELECT p.user_id FROM professionals p JOIN professionals ravi ON ravi.user_id = :ravi
      JOIN users u ON u.id = p.user_id
     WHERE u.deleted_at IS NULL AND p.week = ravi.week
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL)
       AND NOT EXISTS (SELECT pincode FROM coverage WHERE professional_id = :ravi
                       EXCEPT SELECT pincode FROM coverage WHERE professional_id = p.user_id)
       AND NOT EXISTS (SELECT service_id FROM offered_services WHERE professional_id = :ravi
                       EXCEPT SELECT service_id FROM offered_services WHERE professional_id = p.user_id)
""")

TIME_OFF = text("""
    INSERT INTO time_off (professional_id, span, created_at)
    SELECT user_id, tstzrange(:start, :start + interval '2 hours'), :start
      FROM professionals ORDER BY user_id LIMIT :people
""").bindparams(bindparam("start", type_=DateTime(timezone=True)), bindparam("people", type_=BigInteger))


async def reserve_for(db: AsyncSession, booking: Booking, worker: User) -> None:
    """Let the booking take this worker's time instead."""
    moved = update(Reservation).where(Reservation.booking_id == booking.id).values(professional_id=worker.id)
    await db.execute(moved)


async def a_crowd(db: AsyncSession, like: int, count: int) -> None:
    values = {"after": await db.scalar(text("SELECT max(id) FROM users")), "like": like, "count": count}
    for statement in CROWD:
        await db.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})


@dataclass
class Subjects:
    """A customer and a worker with a hold, a request and an accepted job; `addresses`: what addresses name of them."""

    customer: User
    worker: User
    admin: User
    addresses: dict[str, object]


@dataclass
class Place:
    """An application on a database of its own: one pincode where Ravi and a crowd like him work.

    A job for anyone is reserved for Ravi, who is first in every order. `statements` and `max_rows` are of the last
    block of `counting`.
    """

    app: Litestar
    services: list[Service]
    ravi: User
    crowd: list[User]
    workers: list[User] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    max_rows: int = 0
    people: list[Person | ApiClient] = field(default_factory=list)
    starts: Iterator[int] = field(default_factory=count)
    subjects: Subjects | None = None

    @property
    def service(self) -> Service:
        """The one that is booked; the others are offered too."""
        return self.services[0]

    @property
    def database(self) -> Database:
        database: Database = self.app.state.services.database
        return database

    @contextmanager
    def counting(self) -> Iterator[None]:
        with count_statements(self.database) as statements, returned_rows(self.database) as rows:
            yield
        self.statements, self.max_rows = statements, max(rows, default=0)

    def worker(self) -> User:
        """One of the crowd who has no job yet."""
        return self.workers.pop()

    def start(self) -> datetime:
        """A start so far from all earlier ones that one person could do all of the jobs."""
        days, part = divmod(next(self.starts), 4)
        return a_start(1 + days, 8 + 3 * part)

    async def customer(self) -> User:
        async with self.database.work() as db:
            return await a_customer(db)

    async def browser(self, user: User) -> Person:
        person = await Person(self.app).signed_in_as(user, self.database)
        self.people.append(person)
        return person

    async def visitor(self) -> Person:
        self.people.append(person := Person(self.app))
        return person

    async def admin(self) -> User:
        async with self.database.work() as db:
            return await an_admin(db)

    async def user_of(self, role: str) -> User | None:
        """The customer, professional or admin whose pages are looked at; None for a visitor. They change nothing."""
        if self.subjects is None:
            self.subjects = await self._subjects()
        users = {"professional": self.subjects.worker, "customer": self.subjects.customer, "admin": self.subjects.admin}
        return users.get(role)

    async def _subjects(self) -> Subjects:
        await self.clear()
        customer, worker = await self.customer(), self.workers[0]
        held, requested = await self.held(customer, worker), await self.requested(customer)
        addresses = {
            "customer": customer.id,
            "worker": worker.id,
            "held": held.reference,
            "requested": requested.reference,
            "assigned": (await self.assigned(customer, worker)).reference,
            "start": self.start().strftime("%Y-%m-%dT%H:%M"),
        }
        return Subjects(customer, worker, await self.admin(), addresses)

    async def api_client(self, user: User) -> ApiClient:
        client = ApiClient(self.app)
        self.people.append(client)
        await self.set_password(user)
        assert (await client.sign_in(user.email, PASSWORD)).status_code == 200
        return client

    async def set_password(self, user: User) -> None:
        """Give the user PASSWORD, with the key of this application."""
        password_hash = await self.app.state.services.passwords.hash(PASSWORD)
        async with self.database.work() as db:
            await db.execute(update(User).where(User.id == user.id).values(password_hash=password_hash))

    async def held(self, customer: User, worker: User | None = None) -> Booking:
        async with self.database.work() as db:
            named = worker.id if worker else None
            return await a_hold(db, customer, self.service, self.start(), professional_id=named)

    async def requested(self, customer: User, worker: User | None = None, start: datetime | None = None) -> Booking:
        """Paid; with a worker it is offered to them first."""
        async with self.database.work() as db:
            named = worker.id if worker else None
            return await a_request(db, customer, self.service, start or self.start(), professional_id=named)

    async def reserved(self, customer: User, worker: User, start: datetime | None = None) -> Booking:
        """For anyone, with the time of this worker reserved."""
        booking = await self.requested(customer, start=start)
        async with self.database.work() as db:
            await reserve_for(db, booking, worker)
        return booking

    async def assigned(self, customer: User, worker: User) -> Booking:
        booking = await self.requested(customer, worker)
        async with self.database.work() as db:
            return await accept(db, worker, booking.reference, self.app.state.services.encryption)

    async def relied_on(self, worker: User) -> Booking:
        """Give the worker an accepted job, one offered to them first, a reserved one and a hold; return the first."""
        customer = await self.customer()
        await self.requested(customer, worker)
        await self.reserved(customer, worker)
        customer = await self.customer()  # of the limit of unpaid bookings
        hold = await self.held(customer)
        async with self.database.work() as db:
            await reserve_for(db, hold, worker)
        return await self.assigned(customer, worker)

    async def send_away(self, start: datetime, people: int) -> None:
        """Give so many of the first candidates time off from `start` on."""
        async with self.database.work() as db:
            await db.execute(TIME_OFF, {"start": start, "people": people})

    async def booking(self, reference: str) -> Booking:
        async with self.database.work() as db:
            return await Bookings(db).by_reference(reference)

    async def reserved_for(self, booking: Booking) -> int | None:
        async with self.database.work() as db:
            return await reserved_for(db, booking)

    async def code(self, reference: str, phase: str) -> str:
        booking = await self.booking(reference)
        return booking.live_code(phase).reveal(self.app.state.services.encryption, reference)

    async def clear(self) -> None:
        """End all bookings and time off, so that all are free again and no hold lapses in a later test."""
        async with self.database.work() as db:
            await db.execute(END_BOOKINGS)
            await db.execute(text("DELETE FROM time_off"))
            unchanged = set(await db.scalars(UNCHANGED_WORKERS, {"ravi": self.ravi.id}))
        self.workers = [worker for worker in self.crowd if worker.id in unchanged]
        self.starts, self.subjects = count(), None

    async def close(self) -> None:
        for person in self.people:
            await person.aclose()
        self.people.clear()


@asynccontextmanager
async def a_place(services: Any, people: int) -> AsyncIterator[Place]:
    name = services.clone()
    async with serving(settings(services.app_url(name), NO_REDIS)) as app:
        async with app.state.services.database.work() as db:
            offered = [await a_service(db, horizon_days=60) for _ in range(3)]
            ravi = await a_professional(db, services=offered)
            await a_crowd(db, ravi.id, people - 1)
            query = select(User).where(User.id > ravi.id).order_by(User.id.desc()).limit(WORKER_COUNT)
            workers = list(await db.scalars(query))
        services.sql("ANALYZE", name)
        yield Place(app, offered, ravi, workers)
    services.drop(name)


def difference(town: Sequence[str], city: Sequence[str]) -> str:
    """Which statements the city sends more or less often than the town, one a line."""
    counts = Counter(city)
    counts.subtract(Counter(town))
    lines = [f"{n:+d} {' '.join(statement.split())[:300]}" for statement, n in counts.items() if n]
    return "\n".join([f"{len(town)} in a town, {len(city)} in a city:", *lines])
