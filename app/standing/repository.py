"""What binds a person who is blocked, or wants to leave."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
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
