"""SQL for the admin's list of unassigned bookings, and who declined them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.deadlines import alert_at_sql
from app.bookings.decline import Decline
from app.bookings.due_repository import ALERT_AT, UNFILLED_AT
from app.bookings.moves import State
from app.core import clock
from app.core.errors import Missing
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.core.references import parse_reference
from app.dispatch.repository import BOOKING_ROW, count_each
from app.scheduling.reservation import Reservation

SOON_THRESHOLD = timedelta(hours=3)
# Of a requested booking `b`, as _filtered has it: $1 is now, $2 when soon is over.
CHIP_CONDITIONS = {
    "": "b.state = 'requested'",
    "soon": "b.state = 'requested' AND b.starts_at > $1 AND b.starts_at <= $2",
    "alert": f"b.state = 'requested' AND b.starts_at > $1 AND {alert_at_sql('b')} <= $1",
    "over": "b.state = 'requested' AND b.starts_at <= $1",
}

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
    ALERT_AT.label("alert_at"),
    Booking.pincode,
    _RESERVED_NAME.label("kept"),
    _REQUESTED_NAME.label("named"),
    _DECLINES.label("declines"),
).where(Booking.state == State.REQUESTED)


class UnassignedBookings:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def page(self, chip: str, counts: Mapping[str, int | None], *, descending: bool, after: str) -> CountedPage:
        """Return requested bookings by start; `counts` are those of the chips."""
        by, query = Sort(Booking.starts_at, datetime), _filtered(chip, _UNASSIGNED)
        return await fetch_page(
            self._db,
            query,
            key=Booking.id,
            sort=by,
            descending=descending,
            after=after,
            known_total=(counts[chip],),
        )

    async def counts(self) -> dict[str, int | None]:
        now = clock.now()
        return await count_each(self._db, CHIP_CONDITIONS, now, now + SOON_THRESHOLD)

    async def find(self, reference: str) -> AnyRow:
        """Return one unassigned booking. Missing when it is assigned or over."""
        row = (await self._db.execute(_UNASSIGNED.where(Booking.reference == parse_reference(reference)))).one_or_none()
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
    if chip == "alert":
        return query.where(and_(Booking.starts_at > now, now >= ALERT_AT))
    return query.where(Booking.starts_at <= now) if chip == "over" else query
