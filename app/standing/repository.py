"""What still binds a person who is blocked."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.moves import State


class Running:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def started_by(self, person_id: int) -> Sequence[Booking]:
        """Jobs that have started, on either side of the door: they stay until they are finished."""
        theirs = or_(Booking.professional_id == person_id, Booking.customer_id == person_id)
        return (await self._db.scalars(select(Booking).where(theirs, Booking.state == State.STARTED))).all()
