"""SQL for the admin's list of unassigned bookings, and who declined them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.decline import Decline
from app.bookings.due_repository import UNFILLED_AT
from app.bookings.moves import State
from app.core import clock
from app.core.errors import Missing
from app.core.paging import AnyRow, CountedPage, Query, Sort, count_rows, fetch_page
from app.dispatch.repository import BOOKING_ROW
from app.scheduling.reservation import Reservation

SOON_THRESHOLD = timedelta(hours=3)
CHIPS = ("", "soon", "over")

_reserved, _requested = aliased(User), aliased(User)
_RESERVED_NAME = (
    select(_reserved.full_name)
    .join(Reservation, Reservation.professional_id == _reserved.id)
    .where(Reservation.booking_id == Booking.id)
    .scalar_subquery()
)
_REQUESTED_NAME = (
    select(_requested.full_name).where(_requested.id == Booking.requested_professional_id).scalar_subquery()
)
_DECLINES = select(func.count()).where(Decline.booking_id == Booking.id).scalar_subquery()
_UNASSIGNED: Query = BOOKING_ROW.add_columns(
    Booking.exclusive_until,
    Booking.reopened_at,
    UNFILLED_AT.label("unfilled_at"),
    Booking.pincode,
    _RESERVED_NAME.label("kept"),
    _REQUESTED_NAME.label("named"),
    _DECLINES.label("declines"),
).where(Booking.state == State.REQUESTED)


class UnassignedBookings:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def page(self, chip: str, *, descending: bool, after: str) -> CountedPage:
        """Return requested bookings by start."""
        by = Sort(Booking.starts_at, datetime)
        return await fetch_page(
            self._db, _filtered(chip, _UNASSIGNED), key=Booking.id, sort=by, descending=descending, after=after
        )

    async def counts(self) -> dict[str, int | None]:
        return {chip: await count_rows(self._db, _filtered(chip, _UNASSIGNED)) for chip in CHIPS}

    async def find(self, reference: str) -> AnyRow:
        """Return one unassigned booking. Missing when it is assigned or over."""
        row = (await self._db.execute(_UNASSIGNED.where(Booking.reference == reference.upper()))).one_or_none()
        if row is None:
            raise Missing
        return row

    async def decline_kinds(self, booking_id: int) -> dict[int, str]:
        """Return the kind of decline (passed, returned, absent) by professional."""
        query = select(Decline.professional_id, Decline.kind).where(Decline.booking_id == booking_id)
        return {row[0]: row[1] for row in await self._db.execute(query)}

    async def declines(self, booking_id: int) -> Sequence[AnyRow]:
        """Return who declined it, handed it back or did not arrive, latest first."""
        query = select(Decline.professional_id, Decline.kind, Decline.reason, Decline.at, User.full_name)
        query = query.join(User, User.id == Decline.professional_id).where(Decline.booking_id == booking_id)
        return (await self._db.execute(query.order_by(Decline.at.desc()).limit(50))).all()


def _filtered(chip: str, query: Query) -> Select[*tuple[object, ...]]:
    now = clock.now()
    if chip == "soon":
        return query.where(and_(Booking.starts_at > now, Booking.starts_at <= now + SOON_THRESHOLD))
    return query.where(Booking.starts_at <= now) if chip == "over" else query
