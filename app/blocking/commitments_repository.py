"""What binds a person who is blocked, or wants to leave."""

from collections.abc import Sequence

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.moves import ACTIVE, State


class Running:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def started_by(self, person_id: int) -> Sequence[Booking]:
        """Jobs that have started, on either side of the door: they stay until they are finished."""
        theirs = or_(Booking.professional_id == person_id, Booking.customer_id == person_id)
        return (await self._db.scalars(select(Booking).where(theirs, Booking.state == State.STARTED))).all()

    async def counting_on(self, professional_id: int) -> Sequence[int]:
        """Open bookings that this person holds, is asked about first, or whose time they take."""
        asked = and_(Booking.named_id == professional_id, Booking.state.in_((State.HELD, State.REQUESTED)))
        theirs = or_(Booking.professional_id == professional_id, Booking.reserved_for == professional_id, asked)
        return (await self._db.scalars(select(Booking.id).where(theirs, Booking.state.in_(ACTIVE)))).all()

    async def reserves(self, professional_id: int) -> bool:
        """Is there a job that they accepted and have not started, or time of theirs kept for somebody?"""
        kept = and_(Booking.reserved_for == professional_id, Booking.state.in_((State.HELD, State.REQUESTED)))
        accepted = and_(Booking.professional_id == professional_id, Booking.state == State.ASSIGNED)
        found: bool = await self._db.scalar(select(exists().where(or_(kept, accepted)))) or False
        return found


ADMINS = 7004  # the advisory lock of whoever takes an admin away; 7001 to 7003 are bookings' and payments'


class Admins:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def lock(self) -> None:
        await self._db.execute(select(func.pg_advisory_xact_lock(ADMINS, 0)))

    async def ever_booked(self, person_id: int) -> bool:
        found: bool = await self._db.scalar(select(exists().where(Booking.customer_id == person_id))) or False
        return found
