"""Refunds as admins list them: what waits for a second admin, what failed, and what was done."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core.errors import Missing
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.core.references import RowIds
from app.payments.refund import DECLINED, Refund, RefundState

ROW_IDS = RowIds()
_DECLINED = (Refund.state == RefundState.FAILED) & (Refund.failure == DECLINED)
# What each filter of the list shows.
STATES = {
    "": Refund.state == RefundState.REQUESTED,
    "failed": (Refund.state == RefundState.FAILED) & ~_DECLINED,
    "done": (Refund.state == RefundState.DONE) | _DECLINED,
}
_customer, _requester, _confirmer = aliased(User), aliased(User), aliased(User)
SELECT_REFUNDS: Query = (
    select(
        Refund.id,
        Refund.amount,
        Refund.released,
        Refund.as_credit,
        Refund.borne_by,
        Refund.reason,
        Refund.state,
        Refund.requested_at,
        Refund.requested_by_id,
        Refund.confirmed_at,
        Refund.only_admin,
        Refund.done_at,
        Refund.failed_at,
        Refund.failure,
        Booking.reference,
        Booking.service_name,
        _customer.full_name.label("customer"),
        _requester.full_name.label("requested_by"),
        _confirmer.full_name.label("confirmed_by"),
    )
    .join(Booking, Booking.id == Refund.booking_id)
    .join(_customer, _customer.id == Booking.customer_id)
    .join(_requester, _requester.id == Refund.requested_by_id)
    .outerjoin(_confirmer, _confirmer.id == Refund.confirmed_by_id)
)


class RefundQueue:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def row(self, refund_id: int) -> AnyRow:
        """One refund as admins read it. Raises Missing."""
        row = None
        if refund_id in ROW_IDS:
            row = (await self._db.execute(SELECT_REFUNDS.where(Refund.id == refund_id))).one_or_none()
        if row is None:
            raise Missing
        return row

    async def of_booking(self, booking_id: int) -> Sequence[AnyRow]:
        """All refunds of the booking, the latest first."""
        query = SELECT_REFUNDS.where(Refund.booking_id == booking_id)
        return (await self._db.execute(query.order_by(Refund.id.desc()).limit(50))).all()

    async def locked(self, refund_id: int) -> tuple[Refund, Booking]:
        """The refund as it is once its booking's row is locked, as for every change of a refund. Raises Missing."""
        booking_id = None
        if refund_id in ROW_IDS:
            booking_id = await self._db.scalar(select(Refund.booking_id).where(Refund.id == refund_id))
        if booking_id is None:
            raise Missing
        booking = (await Bookings(self._db).locked([booking_id]))[booking_id]
        return await self._db.get_one(Refund, refund_id, populate_existing=True), booking

    async def page(self, state: str, after: str) -> CountedPage:
        """What waits and what failed, oldest first; what was done, latest first."""
        query, sort = SELECT_REFUNDS.where(STATES[state]), Sort(Refund.requested_at, datetime)
        return await fetch_page(self._db, query, key=Refund.id, sort=sort, descending=state == "done", after=after)

    async def first(self, state: RefundState, since: datetime | None, last: int | None, limit: int) -> Sequence[AnyRow]:
        """Up to `limit` rows by their time, oldest first, after the row `last` of the time `since`."""
        query = SELECT_REFUNDS.where(Refund.state == state)
        if since is not None and last is not None:
            later = (Refund.requested_at > since) | ((Refund.requested_at == since) & (Refund.id > last))
            query = query.where(later)
        return (await self._db.execute(query.order_by(Refund.requested_at, Refund.id).limit(limit))).all()

    async def counts(self) -> dict[str, int]:
        """Number of refunds that wait and that failed; those that are done are not counted."""
        counts = {}
        for state in ("", "failed"):
            counts[state] = await self._db.scalar(select(func.count(Refund.id)).where(STATES[state])) or 0
        return counts
