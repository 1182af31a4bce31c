"""What waits for somebody, and who could be asked: read for the admin who gives a job by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Float, Select, String, and_, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.decline import Decline
from app.bookings.moves import State
from app.core import clock
from app.core.errors import Missing
from app.core.keyset import AnyRow, Query, Slice, Sort, counted, slice_of
from app.dispatch.repository import ROW
from app.scheduling.travel import Point

SOON = timedelta(hours=3)
CHIPS = ("", "soon", "over")
MOST = 150  # people who are judged: everybody who covers the place, then the nearest others

# Everybody who does this work, whatever keeps them from this job.
PEOPLE = text(
    """
    SELECT p.user_id, u.full_name, p.standing, p.papers_expire_on, p.experience_years, o.standing AS offering,
           h.pincode, h.place, h.latitude, h.longitude, c.pincode IS NOT NULL AS covers, d.kind AS declined,
           EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL) AS blocked,
           coalesce(r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five, 0) AS stars,
           coalesce(r.one + r.two + r.three + r.four + r.five, 0) AS reviews, coalesce(r.jobs, 0) AS jobs,
           (SELECT coalesce(json_agg(json_build_array(w.weekday, w.opens, w.closes)), '[]')
              FROM working_hours w WHERE w.professional_id = p.user_id) AS hours
      FROM offerings o
      JOIN professionals p ON p.user_id = o.professional_id
      JOIN users u ON u.id = p.user_id AND u.left_at IS NULL
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN coverage c ON c.professional_id = p.user_id AND c.pincode = :pincode
      LEFT JOIN declines d ON d.professional_id = p.user_id AND d.booking_id = :booking
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE o.service_id = :service AND (CAST(:person AS bigint) IS NULL OR p.user_id = :person)
     ORDER BY c.pincode IS NULL, power(h.latitude - :latitude, 2) + power(h.longitude - :longitude, 2), p.user_id
     LIMIT :most
    """
).bindparams(
    bindparam("pincode", type_=String),
    bindparam("person", type_=BigInteger),
    bindparam("latitude", type_=Float),
    bindparam("longitude", type_=Float),
)

_kept, _named = aliased(User), aliased(User)
_KEPT = select(_kept.full_name).where(_kept.id == Booking.reserved_for).scalar_subquery()
_NAMED = select(_named.full_name).where(_named.id == Booking.named_id).scalar_subquery()
_DECLINES = select(func.count()).where(Decline.booking_id == Booking.id).scalar_subquery()
_WAITING: Query = ROW.add_columns(
    Booking.asked_until,
    Booking.reopened_at,
    Booking.pincode,
    _KEPT.label("kept"),
    _NAMED.label("named"),
    _DECLINES.label("declines"),
).where(Booking.state == State.REQUESTED)


class Dispatch:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def waiting(self, chip: str, *, descending: bool, after: str) -> Slice:
        """Paid and not accepted, the least time left first."""
        by = Sort(Booking.starts_at, datetime)
        return await slice_of(
            self._db, _of(chip, _WAITING), key=Booking.id, sort=by, descending=descending, after=after
        )

    async def counts(self) -> dict[str, int | None]:
        return {chip: await counted(self._db, _of(chip, _WAITING)) for chip in CHIPS}

    async def one(self, reference: str) -> AnyRow:
        """Missing unless it waits."""
        found = (await self._db.execute(_WAITING.where(Booking.reference == reference.upper()))).one_or_none()
        if found is None:
            raise Missing
        return found

    async def people(self, booking: Booking, where: Point, person_id: int | None = None) -> Sequence[AnyRow]:
        asked = {
            "pincode": booking.pincode,
            "booking": booking.id,
            "service": booking.service_id,
            "person": person_id,
            "latitude": where.latitude,
            "longitude": where.longitude,
            "most": MOST,
        }
        return (await self._db.execute(PEOPLE, asked)).all()

    async def declines(self, booking_id: int) -> Sequence[AnyRow]:
        """Who passed on it, handed it back or did not come, the latest first."""
        query = select(Decline.professional_id, Decline.kind, Decline.reason, Decline.at, User.full_name)
        query = query.join(User, User.id == Decline.professional_id).where(Decline.booking_id == booking_id)
        return (await self._db.execute(query.order_by(Decline.at.desc()).limit(50))).all()


def _of(chip: str, query: Query) -> Select[*tuple[object, ...]]:
    now = clock.now()
    if chip == "soon":
        return query.where(and_(Booking.starts_at > now, Booking.starts_at <= now + SOON))
    return query.where(Booking.starts_at <= now) if chip == "over" else query
