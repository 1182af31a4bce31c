"""The scene of booking tests: Asha books a service of Ravi and Kumar in Adyar; Omar is unrelated."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from litestar import Litestar
from sqlalchemy import text

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.completion import complete_booking
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.jobs.acceptance import accept
from tests.factories import ADYAR, a_customer, a_professional, a_service, a_start, reserved_for
from tests.person import Page, Person

VISA = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08 / 40", "cvv": "123"}
START = "%Y-%m-%dT%H:%M"


@dataclass
class Scene:
    app: Litestar
    database: Database
    encryption: Encryption
    service: Service
    asha: User
    omar: User
    ravi: User
    kumar: User
    people: list[Person] = field(default_factory=list)

    @classmethod
    async def set(cls, app: Litestar, *, price: int = 149_00) -> "Scene":
        database, encryption = app.state.services.database, app.state.services.encryption
        async with database.work() as db:
            service = await a_service(db, price=price)
            ravi = await a_professional(db, services=[service])
            kumar = await a_professional(db, "Kumar Raja", services=[service])
            asha, omar = await a_customer(db), await a_customer(db, "Omar Sheriff")
        return cls(app, database, encryption, service, asha, omar, ravi, kumar)

    async def browser(self, user: User) -> Person:
        self.people.append(await Person(self.app).signed_in_as(user, self.database))
        return self.people[-1]

    def new_booking_url(self, start=None, **more: object) -> str:
        start = (start or a_start()).strftime(START)
        overrides = {"service": self.service.id, "start": start, "pincode": ADYAR, **more}
        return "/bookings/new?" + "&".join(f"{name}={value}" for name, value in overrides.items())

    async def held(self, me: Person, start=None, **more: object) -> str:
        """The reference of a hold made by the form."""
        sent = await me.submit(await me.visit(self.new_booking_url(start, **more)), "/bookings")
        assert sent.status == 303, sent.text
        return sent.location.split("/")[2]

    async def paid(self, me: Person, start=None, **payment: str) -> str:
        reference = await self.held(me, start)
        sent = await self.pay(me, reference, **payment)
        assert (sent.status, sent.location) == (303, f"/bookings/{reference}"), sent.text
        return reference

    async def pay(self, me: Person, reference: str, **payment: str) -> Page:
        return await me.submit(await me.visit(f"/bookings/{reference}/payment"), "/payment", **(payment or VISA))

    async def booking(self, reference: str) -> Booking:
        async with self.database.work() as db:
            return await Bookings(db).by_reference(reference)

    async def reserved_for(self, reference: str) -> int | None:
        async with self.database.work() as db:
            return await reserved_for(db, await Bookings(db).by_reference(reference))

    async def accepted(self, reference: str, by: User | None = None) -> None:
        async with self.database.work() as db:
            await accept(db, by or self.ravi, reference, self.encryption)

    async def started(self, reference: str) -> None:
        async with self.database.work() as db:
            booking = await Bookings(db).for_professional(self.ravi, reference, lock=True)
            booking.start(self.ravi, booking.live_code("start"), self.encryption)

    async def completed(self, reference: str) -> None:
        async with self.database.work() as db:
            booking = await Bookings(db).for_professional(self.ravi, reference, lock=True)
            await complete_booking(db, booking, self.ravi, booking.live_code("finish"), self.encryption)

    async def done(self, me: Person, **payment: str) -> str:
        """A completed booking, from the form to the finish code."""
        reference = await self.paid(me, **payment)
        await self.accepted(reference)
        await self.started(reference)
        await self.completed(reference)
        return reference

    async def scalar(self, statement: str, **params: object) -> Any:
        async with self.database.work() as db:
            return await db.scalar(text(statement), params)

    async def rows(self, statement: str, **params: object) -> list[tuple[Any, ...]]:
        async with self.database.work() as db:
            return [tuple(row) for row in await db.execute(text(statement), params)]

    async def charges(self, reference: str) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT c.state, c.amount, c.captured FROM charges c JOIN bookings b ON b.id = c.booking_id"
            " WHERE b.reference = :ref ORDER BY c.id",
            ref=reference,
        )

    async def money(self, reference: str) -> dict[str, int]:
        rows = await self.rows(
            "SELECT e.account, sum(e.amount)::bigint FROM ledger_entries e"
            " JOIN ledger_transactions t ON t.id = e.transaction_id JOIN bookings b ON b.id = t.booking_id"
            " WHERE b.reference = :ref GROUP BY 1 HAVING sum(e.amount) <> 0",
            ref=reference,
        )
        return dict(rows)

    async def close(self) -> None:
        for person in self.people:
            await person.aclose()


def later(**time: int) -> AbstractContextManager[None]:
    """Stop the clock so much later."""
    return clock.freeze(clock.now() + timedelta(**time))


def at(booking: Booking, **more: int) -> AbstractContextManager[None]:
    """Stop the clock so long after the booking's start."""
    return clock.freeze(booking.starts_at + timedelta(**more))
