"""Bookings, found through the person who asks: a stranger's does not exist."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from app.bookings.booking import Booking
from app.bookings.decline import Decline
from app.bookings.moves import State
from app.bookings.terms import CLOSED_AFTER, COMPLETED_BY_CLOCK, UNFILLED_BEFORE
from app.catalog.service import Service
from app.core.errors import Missing
from app.core.events import Actor, Event


class Bookings:
    """`lock=True` takes the row's lock, which every change of a booking begins with."""

    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def for_customer(self, me: Actor, reference: str, *, lock: bool = False) -> Booking:
        return await self._one(_called(reference).where(Booking.customer_id == me.id), lock=lock)

    async def for_professional(self, me: Actor, reference: str, *, lock: bool = False) -> Booking:
        """A job that `me` holds or held to its end."""
        return await self._one(_called(reference).where(Booking.professional_id == me.id), lock=lock)

    async def by_reference(self, reference: str, *, lock: bool = False) -> Booking:
        """For tasks, and for verbs that then ask whether it was offered to the person."""
        return await self._one(_called(reference), lock=lock)

    async def on_sale(self, service_id: int) -> Service | None:
        """None when it is not offered. Until the end of the transaction it stays as it is: who changes it waits."""
        found = await self.db.get(Service, service_id, populate_existing=True, with_for_update={"read": True})
        return found if found is not None and found.retired_at is None else None

    async def reference_of(self, booking_id: int) -> str:
        return str((await self.db.execute(select(Booking.reference).where(Booking.id == booking_id))).scalar_one())

    async def locked(self, ids: Collection[int]) -> dict[int, Booking]:
        """These bookings, their rows locked in ascending order."""
        rows = await self.db.scalars(
            _loaded().where(Booking.id.in_(ids)).order_by(Booking.id).with_for_update().execution_options(**FRESH)
        )
        return {booking.id: booking for booking in rows}

    async def lapsed_holds(self, now: datetime, professionals: Collection[int] | None = None) -> Sequence[Booking]:
        """Holds whose time is over. Locked."""
        query = _loaded().where(Booking.state == State.HELD, Booking.held_until <= now)
        if professionals is not None:
            query = query.where(Booking.reserved_for.in_(professionals))
        return await self._due(query)

    async def unanswered(self, now: datetime) -> Sequence[Booking]:
        """Paid, not accepted, an hour or less to go, and not opened again later than that (W9). Locked."""
        soon = Booking.starts_at <= now + UNFILLED_BEFORE
        # Those that wait for their customer may wait for ever: they must not fill the portion and keep others out.
        waits = func.coalesce(Booking.reopened_at >= Booking.starts_at - UNFILLED_BEFORE, False)
        return await self._due(_loaded().where(Booking.state == State.REQUESTED, soon, ~waits))

    async def left_running(self, now: datetime) -> Sequence[Booking]:
        """Started, and twelve hours past the later of slot end and start. Locked."""
        since = now - COMPLETED_BY_CLOCK
        query = _loaded().where(Booking.state == State.STARTED, Booking.ends_at <= since, Booking.started_at <= since)
        return await self._due(query)

    async def left_unreviewed(self, now: datetime) -> Sequence[Booking]:
        """Completed seven days ago. Locked."""
        query = _loaded().where(Booking.state == State.COMPLETED, Booking.completed_at <= now - CLOSED_AFTER)
        return await self._due(query)

    async def reserved(self, professional_id: int, since: datetime, until: datetime) -> list[int]:
        """Unaccepted bookings that take this person's time between two moments."""
        query = select(Booking.id).where(
            Booking.reserved_for == professional_id,
            Booking.state.in_((State.HELD, State.REQUESTED)),
            Booking.starts_at < until,
            Booking.ends_at > since,
        )
        return list(await self.db.scalars(query))

    async def areas_asked_since(self, since: datetime, until: datetime) -> list[str]:
        """Pincodes with an offer that stopped being for one professional alone between two moments."""
        query = select(Booking.pincode).where(
            Booking.state == State.REQUESTED, Booking.asked_until > since, Booking.asked_until <= until
        )
        return list(await self.db.scalars(query.distinct()))

    async def live_holds(self, customer_id: int, now: datetime) -> int:
        """Until the end of the transaction nobody else counts them: forms sent side by side count one by one."""
        await self.db.execute(select(func.pg_advisory_xact_lock(HOLDS_OF, customer_id)))
        query = select(func.count()).where(
            Booking.customer_id == customer_id, Booking.state == State.HELD, Booking.held_until > now
        )
        return (await self.db.execute(query)).scalar_one()

    async def declined_by(self, booking_ids: Collection[int]) -> dict[int, set[int]]:
        """Booking id → the professionals who passed on it or handed it back."""
        query = select(Decline.booking_id, Decline.professional_id).where(Decline.booking_id.in_(booking_ids))
        found: dict[int, set[int]] = {booking_id: set() for booking_id in booking_ids}
        for booking_id, professional_id in await self.db.execute(query):
            found[booking_id].add(professional_id)
        return found

    async def renewals_since(self, booking: Booking, since: datetime) -> int:
        """How many new codes its customer has asked for."""
        asked = select(func.count()).where(
            Event.subject == booking.subject, Event.name == "booking.code_renewed", Event.at > since
        )
        return (await self.db.execute(asked)).scalar_one()

    async def count_job(self, professional_id: int) -> None:
        """One more job done, on the public card (a column of app.reviews, which stands above us)."""
        await self.db.execute(COUNT_JOB, {"professional": professional_id})

    async def lock_time_of(self, professionals: Iterable[int]) -> None:
        """One after the other, always in ascending order, until the end of the transaction."""
        for professional in sorted(set(professionals)):
            await self.db.execute(select(func.pg_advisory_xact_lock(TIME_OF, professional)))

    async def _due(self, query: Select[Booking]) -> Sequence[Booking]:
        """At most 200, their rows locked; those that somebody is busy with are left to them."""
        query = query.order_by(Booking.id).limit(200).with_for_update(skip_locked=True)
        return (await self.db.scalars(query.execution_options(**FRESH))).all()

    async def _one(self, query: Select[Booking], *, lock: bool) -> Booking:
        """A lock may have to wait, and what hangs on the row must be read after it; else all is read at once."""
        query = query.options(*AFTER).with_for_update() if lock else query.options(*AT_ONCE)
        booking = (await self.db.scalars(query.execution_options(**FRESH))).unique().one_or_none()
        if booking is None:
            raise Missing
        return booking


FRESH = {"populate_existing": True}
AFTER = (selectinload(Booking.codes), selectinload(Booking.extras))
AT_ONCE = (joinedload(Booking.codes), joinedload(Booking.extras))
TIME_OF = 7001  # the advisory locks of people's time
HOLDS_OF = 7002  # and of the number of times that a customer keeps: taken before any of people's time
COUNT_JOB = text(
    "INSERT INTO professional_ratings (professional_id, jobs) VALUES (:professional, 1)"
    " ON CONFLICT (professional_id) DO UPDATE SET jobs = professional_ratings.jobs + 1"
)


def _loaded() -> Select[Booking]:
    return select(Booking).options(*AFTER)


def _called(reference: str) -> Select[Booking]:
    return select(Booking).where(Booking.reference == reference.upper())
