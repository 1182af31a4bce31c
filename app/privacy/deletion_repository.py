"""What keeps a person from deleting their account, and the erasure of their personal data (W16, W17)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.moves import State
from app.privacy.personal_data import PERSONAL_DATA

ID = bindparam("id", type_=BigInteger)
NOW = bindparam("now", type_=DateTime(timezone=True))

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


@dataclass(frozen=True, slots=True)
class OutstandingBooking:
    """A booking that keeps a person from leaving: it is open, or `due` paise of it are unpaid."""

    reference: str
    service_name: str
    state: str
    starts_at: datetime
    ends_at: datetime
    due: int


class AccountDeletion:
    """Everything about deleting one person's account."""

    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._person_id = person_id

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

    async def export_files(self) -> list[str]:
        """Names of the files of exports they made."""
        query = "SELECT stored_as FROM exports WHERE by_id = :id AND stored_as IS NOT NULL"
        return list(await self._db.scalars(_bound(query), {"id": self._person_id}))

    async def erase(self, now: datetime, *, with_reviews: bool) -> None:
        """Erase all personal data but the row of `users`, which the caller holds."""
        for room in PERSONAL_DATA:
            for statement in (*room.erase, *(room.erase_reviews if with_reviews else ())):
                await self._db.execute(_bound(statement), {"id": self._person_id, "now": now})


def _bound(statement: str) -> TextClause:
    return text(statement).bindparams(*([ID, NOW] if ":now" in statement else [ID]))
