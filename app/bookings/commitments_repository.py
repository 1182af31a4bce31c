"""A person's open bookings on either side: what a block or the deletion of the account must settle first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from app.bookings.booking import Booking
from app.bookings.moves import ACTIVE, State
from app.core import clock
from app.core.sql import fetch, fetch_value
from app.payments.charge import Charge

CANCELLABLE = (State.HELD, State.REQUESTED, State.ASSIGNED)
ID = bindparam("id", type_=BigInteger)

OUTSTANDING = text(
    """
    SELECT b.reference, b.service_name, b.state, b.starts_at, b.ends_at, 0::bigint AS due
      FROM bookings b
     WHERE (b.customer_id = :id AND b.state IN ('requested', 'assigned', 'started'))
        OR (b.professional_id = :id AND b.state = 'started')
    UNION ALL
    SELECT b.reference, b.service_name, b.state, b.starts_at, b.ends_at, sum(c.amount)::bigint
      FROM charges c JOIN bookings b ON b.id = c.booking_id
     WHERE c.customer_id = :id AND c.state = 'due'
     GROUP BY b.id
     ORDER BY starts_at, reference
    """
).bindparams(ID)

ACCEPTED_JOBS = text(
    "SELECT reference, service_name, state, starts_at, ends_at, 0::bigint AS due FROM bookings"
    " WHERE professional_id = :id AND state = 'assigned' ORDER BY starts_at, id"
).bindparams(ID)

# A union, because each condition has its own index and an OR would use none of them.
AWAITED = """
    SELECT count(*) FILTER (WHERE state = 'requested'), count(*) FILTER (WHERE state = 'held') FROM (
        SELECT b.id, b.state FROM reservations r JOIN bookings b ON b.id = r.booking_id
         WHERE r.professional_id = $1 AND (b.state = 'requested' OR b.state = 'held' AND b.held_until > $2)
        UNION
        SELECT id, state FROM bookings
         WHERE requested_professional_id = $1 AND state = 'requested' AND exclusive_until > $2) AS awaited
"""
HAS_RESERVATIONS = """
    SELECT EXISTS (SELECT 1 FROM reservations r JOIN bookings b ON b.id = r.booking_id
                    WHERE r.professional_id = $1 AND b.state <> 'started')
"""


@dataclass(frozen=True, slots=True)
class AffectedBooking:
    """One open booking; `authorised` paise are reserved for it."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    authorised: int


@dataclass(frozen=True, slots=True)
class OutstandingBooking:
    """A booking that prevents account deletion: it is open, or `due` paise are unpaid."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    due: int


class OpenCommitments:
    """What other people count on one person for."""

    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._person_id = person_id

    async def open_bookings(self) -> list[AffectedBooking]:
        """Open bookings on either side, the next first, without expired holds."""
        authorised = select(func.coalesce(func.sum(Charge.amount - Charge.released), 0)).where(
            Charge.booking_id == Booking.id, Charge.state == "authorised"
        )
        query = (
            select(
                Booking.reference,
                Booking.service_name,
                Booking.state,
                Booking.starts_at,
                Booking.ends_at,
                authorised.scalar_subquery(),
            )
            .where(
                or_(Booking.customer_id == self._person_id, Booking.professional_id == self._person_id),
                Booking.state.in_(ACTIVE),
                or_(Booking.state != State.HELD, Booking.held_until > clock.now()),
            )
            .order_by(Booking.starts_at, Booking.id)
        )
        return [AffectedBooking(*row) for row in await self._db.execute(query)]

    async def started_bookings(self) -> Sequence[Booking]:
        """Started jobs, as customer or professional; they can be finished."""
        own = or_(Booking.professional_id == self._person_id, Booking.customer_id == self._person_id)
        return (await self._db.scalars(select(Booking).where(own, Booking.state == State.STARTED))).all()

    async def awaited_bookings(self) -> tuple[int, int]:
        """Other people's (requests that wait for this professional or reserve their time, holds on their time)."""
        now = clock.now()
        requests, holds = (await fetch(self._db, AWAITED, self._person_id, now))[0]
        return requests, holds

    async def cancellable_bookings(self) -> Sequence[int]:
        """Ids of a customer's bookings that have not started."""
        query = select(Booking.id).where(Booking.customer_id == self._person_id, Booking.state.in_(CANCELLABLE))
        return (await self._db.scalars(query)).all()

    async def has_reservations(self) -> bool:
        """Whether the professional has an accepted job that has not started, or time reserved for a customer."""
        return bool(await fetch_value(self._db, HAS_RESERVATIONS, self._person_id))

    async def outstanding_bookings(self) -> list[OutstandingBooking]:
        """What must end or be paid first: a customer's open bookings, a professional's started jobs, debts."""
        return [OutstandingBooking(*row) for row in await self._db.execute(OUTSTANDING, {"id": self._person_id})]

    async def accepted_jobs(self) -> list[OutstandingBooking]:
        """Jobs not started yet, which go to others (W1)."""
        return [OutstandingBooking(*row) for row in await self._db.execute(ACCEPTED_JOBS, {"id": self._person_id})]

    async def has_holds(self) -> bool:
        """Whether a time is held for them as a customer."""
        held = select(Booking.id).where(Booking.customer_id == self._person_id, Booking.state == State.HELD).limit(1)
        return await self._db.scalar(held) is not None

    async def lock_bookings(self) -> Sequence[int]:
        """Lock every booking of a customer in ascending order; return the ids of those that are only held."""
        query = select(Booking.id, Booking.state).where(Booking.customer_id == self._person_id).order_by(Booking.id)
        rows = await self._db.execute(query.with_for_update())
        return [booking_id for booking_id, state in rows if state == State.HELD]
