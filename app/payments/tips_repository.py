"""Queries of tips."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.payments.tip import Tip, TipState

# What was tipped for a booking `b`, for its customer's page (app.listeners).
PAID_TIP_SQL = "(SELECT ROW(i.amount, i.paid_at) FROM tips i WHERE i.booking_id = b.id AND i.state = 'paid')"


class Tips:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of_booking(self, booking_id: int, *, lock: bool = False) -> Tip | None:
        """The booking's tip, paid or not."""
        query = select(Tip).where(Tip.booking_id == booking_id)
        query = query.with_for_update().execution_options(populate_existing=True) if lock else query
        found: Tip | None = await self._db.scalar(query)
        return found

    async def paid(self, booking_id: int) -> Tip | None:
        tip = await self.of_booking(booking_id)
        return tip if tip is not None and tip.state == TipState.PAID else None

    async def waiting(self, booking_id: int) -> Tip | None:
        """The tip that is not paid yet."""
        tip = await self.of_booking(booking_id)
        return tip if tip is not None and tip.state != TipState.PAID else None
