"""A customer's own bookings: the lists, and the assigned professional."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, String, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.accounts.names import greeting_name, public_name
from app.accounts.ratings import RATING_SUM_SQL, REVIEW_COUNT_SQL
from app.bookings.booking import Booking
from app.bookings.extra import BOOKING_TOTAL_SQL
from app.core import clock
from app.core.events import Actor
from app.core.paging import Page, page_of
from app.scheduling.travel import Location, distance_km

MOMENT = DateTime(timezone=True)
MAX_UPCOMING = 100

SELECT_ROWS = f"""
    SELECT b.id, b.reference, b.service_name, b.state, b.cancelled_as, b.starts_at, b.ends_at, b.held_until,
           b.departed_at, b.arrived_at, b.completed_at, u.full_name, b.rating,
           {BOOKING_TOTAL_SQL} AS total,
           (SELECT coalesce(sum(c.amount), 0) FROM charges c WHERE c.booking_id = b.id AND c.state = 'due') AS due
      FROM bookings b
      LEFT JOIN users u ON u.id = b.professional_id
     WHERE b.customer_id = :me
"""

# A lapsed hold is not listed, whether or not the worker has cancelled it yet.
SELECT_UPCOMING = text(
    SELECT_ROWS
    + """ AND (b.state IN ('requested', 'assigned', 'started') OR b.state = 'held' AND b.held_until > :now)
     ORDER BY b.starts_at, b.id LIMIT :rows"""
).bindparams(bindparam("me", type_=BigInteger), bindparam("now", type_=MOMENT))

SELECT_PAST = text(
    SELECT_ROWS
    + """ AND (b.state IN ('completed', 'closed') OR b.state = 'cancelled' AND b.cancelled_as <> 'expired')
       AND (CAST(:before AS timestamptz) IS NULL OR (b.starts_at, b.id) < (:before, :id))
     ORDER BY b.starts_at DESC, b.id DESC LIMIT :rows"""
).bindparams(bindparam("me", type_=BigInteger), bindparam("before", type_=MOMENT), bindparam("id", type_=BigInteger))

SELECT_PROFESSIONAL = text(
    f"""
    SELECT u.id, u.full_name, u.phone, u.deleted_at IS NOT NULL AS has_left, p.experience_years,
           h.pincode AS home, h.latitude, h.longitude,
           pin.pincode, pin.place, pin.latitude AS there_latitude, pin.longitude AS there_longitude,
           {RATING_SUM_SQL} AS stars,
           {REVIEW_COUNT_SQL} AS reviews, coalesce(r.jobs, 0) AS jobs
      FROM users u
      JOIN professionals p ON p.user_id = u.id
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN pincodes pin ON pin.pincode = :pincode
      LEFT JOIN professional_ratings r ON r.professional_id = u.id
     WHERE u.id = :id
    """
).bindparams(bindparam("id", type_=BigInteger), bindparam("pincode", type_=String))

SELECT_SIMILAR = text(
    """
    SELECT b.reference, b.state, b.held_until FROM bookings b
     WHERE b.customer_id = :me AND b.service_id = :service AND b.starts_at = :start
     ORDER BY b.id DESC LIMIT 50
    """
).bindparams(
    bindparam("me", type_=BigInteger), bindparam("service", type_=BigInteger), bindparam("start", type_=MOMENT)
)


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One row of the lists; `total` and `due` in paise, `who` is the professional's first name."""

    id: int
    reference: str
    service_name: str
    state: str
    cancelled_as: str | None
    starts_at: datetime
    ends_at: datetime
    departed_at: datetime | None
    arrived_at: datetime | None
    total: int
    due: int
    who: str | None
    rating: int | None


@dataclass(frozen=True, slots=True)
class AssignedProfessional:
    """The professional's public card and, while contact is open, the phone; `place` is the booking's area."""

    id: int
    first_name: str
    name: str
    full_name: str
    years: int
    rating: float | None
    reviews: int
    jobs: int
    distance_km: float | None
    phone: str | None
    place: str
    has_left: bool


@dataclass(frozen=True, slots=True)
class SimilarBooking:
    """A booking of the same service at the same time, by the same customer."""

    reference: str
    state: str
    held_until: datetime | None

    @property
    def is_open(self) -> bool:
        if self.state == "held":
            return self.held_until is not None and self.held_until > clock.now()
        return self.state in ("requested", "assigned", "started")


class OwnBookings:
    def __init__(self, db: AsyncSession, me: Actor) -> None:
        self._db = db
        self._me = me

    async def upcoming(self) -> list[BookingRow]:
        params = {"me": self._me.id, "now": clock.now(), "rows": MAX_UPCOMING}
        return [_row(row) for row in await self._db.execute(SELECT_UPCOMING, params)]

    async def past(self, before: tuple[datetime, int] | None, limit: int) -> Page[BookingRow]:
        """The latest first, without holds that were never paid."""
        since, booking_id = before or (None, None)
        params = {"me": self._me.id, "before": since, "id": booking_id, "rows": limit + 1}
        rows = [_row(row) for row in await self._db.execute(SELECT_PAST, params)]
        return page_of(rows, limit, lambda row: (row.starts_at.isoformat(), row.id))

    async def similar(self, service_id: int, starts_at: datetime) -> list[SimilarBooking]:
        params = {"me": self._me.id, "service": service_id, "start": starts_at}
        return [SimilarBooking(*row) for row in await self._db.execute(SELECT_SIMILAR, params)]

    async def assigned_professional(self, booking: Booking, professional_id: int | None) -> AssignedProfessional | None:
        """The professional; with the phone only if they are assigned and contact is open."""
        reachable = booking.professional_id == professional_id and booking.contact_open(clock.now())
        return await self.card(professional_id, booking.pincode, reachable=reachable)

    async def card(
        self, professional_id: int | None, pincode: str, *, reachable: bool = False
    ) -> AssignedProfessional | None:
        """None where there is no such professional."""
        if professional_id is None:
            return None
        row = (await self._db.execute(SELECT_PROFESSIONAL, {"id": professional_id, "pincode": pincode})).one_or_none()
        return _assigned_professional(row, reachable=reachable) if row else None


def _row(row: Row[Any]) -> BookingRow:
    return BookingRow(
        id=row.id,
        reference=row.reference,
        service_name=row.service_name,
        state=row.state,
        cancelled_as=row.cancelled_as,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        departed_at=row.departed_at,
        arrived_at=row.arrived_at,
        total=int(row.total),
        due=int(row.due),
        who=greeting_name(row.full_name) if row.full_name else None,
        rating=row.rating,
    )


def _assigned_professional(row: Row[Any], *, reachable: bool) -> AssignedProfessional:
    home = Location(row.home, row.latitude, row.longitude)
    booking_location = Location(row.pincode or "", row.there_latitude, row.there_longitude)
    return AssignedProfessional(
        id=row.id,
        first_name=greeting_name(row.full_name),
        name=public_name(row.full_name),
        full_name=row.full_name,
        years=row.experience_years,
        rating=row.stars / row.reviews if row.reviews else None,
        reviews=row.reviews or 0,
        jobs=row.jobs,
        distance_km=distance_km(home, booking_location),
        phone=row.phone if reachable else None,
        place=row.place or "",
        has_left=row.has_left,
    )
