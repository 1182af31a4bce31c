"""SQL for a professional's jobs: agenda, offers, history and contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, String, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.accounts.names import greeting_name
from app.bookings.booking import Booking
from app.bookings.deadlines import unfilled_at_sql
from app.bookings.extra import BOOKING_TOTAL_SQL
from app.core import clock
from app.core.events import Actor
from app.core.paging import Page, decode_time_cursor, page_of
from app.core.sql import fetch
from app.payments.shares import earning_of
from app.scheduling.candidates import BusyTime
from app.scheduling.travel import Location

TIMESTAMP = DateTime(timezone=True)

AGENDA = text(
    f"""
    SELECT b.id, b.reference, b.service_name, b.state, b.minutes, b.starts_at, b.ends_at, b.started_at, b.arrived_at,
           pin.place, pin.pincode, pin.latitude, pin.longitude,
           {BOOKING_TOTAL_SQL} AS total
      FROM bookings b JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.professional_id = :me
       AND (b.state IN ('assigned', 'started')
            OR b.state IN ('completed', 'closed') AND b.starts_at >= :midnight AND b.starts_at < :tomorrow)
     ORDER BY b.starts_at, b.id
     LIMIT 300
    """
).bindparams(
    bindparam("me", type_=BigInteger), bindparam("midnight", type_=TIMESTAMP), bindparam("tomorrow", type_=TIMESTAMP)
)

HISTORY = text(
    """
    SELECT b.id, b.reference, b.service_name, b.state, b.cancelled_as, b.starts_at, b.ends_at, pin.place, b.rating
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.professional_id = :me AND b.state IN ('completed', 'closed', 'cancelled')
       AND (CAST(:before AS timestamptz) IS NULL OR (b.starts_at, b.id) < (:before, :id))
     ORDER BY b.starts_at DESC, b.id DESC
     LIMIT :rows
    """
).bindparams(bindparam("me", type_=BigInteger), bindparam("before", type_=TIMESTAMP), bindparam("id", type_=BigInteger))

CUSTOMER_CONTACT = text(
    """
    SELECT u.full_name, u.phone, pin.place, pin.district
      FROM users u, pincodes pin WHERE u.id = :customer AND u.deleted_at IS NULL AND pin.pincode = :pincode
    """
).bindparams(bindparam("customer", type_=BigInteger))

ADMIN_CONTACT = text(
    """
    SELECT c.phone AS customer_phone, w.phone AS professional_phone
      FROM users c LEFT JOIN users w ON w.id = :professional WHERE c.id = :customer
    """
).bindparams(bindparam("customer", type_=BigInteger), bindparam("professional", type_=BigInteger))

DECLINED = text(
    """
    SELECT EXISTS (SELECT 1 FROM declines d JOIN bookings b ON b.id = d.booking_id
                    WHERE b.reference = :reference AND d.professional_id = :me)
    """
).bindparams(bindparam("me", type_=BigInteger))


# A request named for one professional is theirs alone until exclusive_until; requests not accepted in time expire,
# unless reopened later than that (W9). Services and pincodes are two arrays, so that the index is searched for each
# pair: joined, the requests of a whole city would be read first.
OPEN_OFFERS = text(
    f"""
    SELECT b.id, b.reference, b.service_name, b.price, b.minutes, b.starts_at, b.ends_at, pin.place,
           pin.pincode, pin.latitude, pin.longitude,
           b.requested_professional_id IS NOT DISTINCT FROM :me AS is_requested,
           CASE WHEN b.requested_professional_id = :me AND b.exclusive_until > :now THEN b.exclusive_until END
             AS exclusive_until
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.service_id = ANY(ARRAY(SELECT DISTINCT e.service_id FROM eligible_coverage(:today) e
                                     WHERE e.professional_id = :me))
       AND b.pincode = ANY(ARRAY(SELECT DISTINCT e.pincode FROM eligible_coverage(:today) e
                                  WHERE e.professional_id = :me))
       AND b.state = 'requested' AND b.starts_at > :now
       AND (b.exclusive_until IS NULL OR b.exclusive_until <= :now OR b.requested_professional_id = :me)
       AND ({unfilled_at_sql("b")} > :now OR b.reopened_at >= {unfilled_at_sql("b")})
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = :me)
       AND (CAST(:reference AS text) IS NULL OR b.reference = :reference)
     ORDER BY exclusive_until IS NULL, b.requested_professional_id IS DISTINCT FROM :me, b.starts_at, b.id
     LIMIT 300
    """
).bindparams(
    bindparam("me", type_=BigInteger),
    bindparam("now", type_=TIMESTAMP),
    bindparam("reference", type_=String),
)

EXPIRED_OFFERS = text(
    """
    SELECT b.reference, b.service_name, b.price, b.state
      FROM bookings b
      JOIN eligible_coverage(:today) e
        ON e.service_id = b.service_id AND e.pincode = b.pincode AND e.professional_id = :me
     WHERE b.reference = ANY(:seen) AND b.state <> 'held' AND b.professional_id IS DISTINCT FROM :me
       AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.booking_id = b.id AND d.professional_id = :me)
     ORDER BY b.starts_at, b.id
    """
).bindparams(bindparam("me", type_=BigInteger), bindparam("seen", type_=ARRAY(String)))

# Each part has its index: one condition for all three would read every booking.
RELYING_ON = """
    SELECT id FROM bookings WHERE professional_id = $1 AND state IN ('assigned', 'started')
    UNION SELECT id FROM bookings WHERE requested_professional_id = $1 AND state IN ('held', 'requested')
    UNION SELECT booking_id FROM reservations WHERE professional_id = $1
"""


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One job of the agenda; `earning` in paise, with approved extras."""

    id: int
    reference: str
    service_name: str
    state: str
    minutes: int
    starts_at: datetime
    ends_at: datetime
    place: str
    location: Location
    earning: int

    @property
    def is_done(self) -> bool:
        return self.state in ("completed", "closed")

    @property
    def busy(self) -> BusyTime:
        """The job as a busy time."""
        return BusyTime(self.id, int(self.starts_at.timestamp()), int(self.ends_at.timestamp()), self.location, True)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A job that is over; its earning is in the ledger."""

    id: int
    reference: str
    service_name: str
    state: str
    cancelled_as: str | None
    starts_at: datetime
    ends_at: datetime
    place: str
    rating: int | None


@dataclass(frozen=True, slots=True)
class CustomerContact:
    """The customer of a job, while contact is open."""

    name: str
    phone: str
    place: str
    district: str

    @property
    def first_name(self) -> str:
        return greeting_name(self.name)


class Jobs:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def agenda(self, me: Actor) -> list[AgendaRow]:
        """Return all open jobs of `me` and those completed today."""
        midnight = clock.at(clock.today())
        params = {"me": me.id, "midnight": midnight, "tomorrow": midnight + timedelta(days=1)}
        return [_agenda_row(row) for row in await self.db.execute(AGENDA, params)]

    async def open_offers(self, professional_id: int, reference: str | None = None) -> Sequence[Row[Any]]:
        """Rows of requested bookings this professional may accept, requests for them first, then by start."""
        params = {
            "me": professional_id,
            "now": clock.now(),
            "today": clock.today(),
            "reference": reference.upper() if reference else None,
        }
        return (await self.db.execute(OPEN_OFFERS, params)).all()

    async def expired_offers(self, professional_id: int, references: Sequence[str]) -> Sequence[Row[Any]]:
        """Return bookings of this professional's services and area that another professional has or that ended."""
        params = {"me": professional_id, "seen": references, "today": clock.today()}
        return (await self.db.execute(EXPIRED_OFFERS, params)).all()

    async def history(self, me: Actor, cursor: str, limit: int) -> Page[HistoryRow]:
        """Return past jobs, cancelled ones included, latest first."""
        since, booking_id = decode_time_cursor(cursor) or (None, None)
        rows = await self.db.execute(HISTORY, {"me": me.id, "before": since, "id": booking_id, "rows": limit + 1})
        return page_of([_history_row(row) for row in rows], limit, _cursor_key)

    async def labels(self, booking_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return (reference, service name) by booking id."""
        query = select(Booking.id, Booking.reference, Booking.service_name).where(Booking.id.in_(booking_ids))
        return {row[0]: (row[1], row[2]) for row in await self.db.execute(query)}

    async def customer_contact(self, booking: Booking) -> CustomerContact | None:
        """Return the customer; only while `contact_open`. None when the account is deleted."""
        params = {"customer": booking.customer_id, "pincode": booking.pincode}
        row = (await self.db.execute(CUSTOMER_CONTACT, params)).one_or_none()
        return CustomerContact(row.full_name, row.phone, row.place, row.district) if row else None

    async def admin_contact(self, booking: Booking) -> Row[Any]:
        """Return the phones of both sides, for an admin whose view is recorded first."""
        params = {"customer": booking.customer_id, "professional": booking.professional_id}
        return (await self.db.execute(ADMIN_CONTACT, params)).one()

    async def has_declined(self, me: Actor, reference: str) -> bool:
        """Return whether `me` declined the job, handed it back or did not arrive."""
        params = {"me": me.id, "reference": reference.upper()}
        return bool((await self.db.execute(DECLINED, params)).scalar_one())

    async def relying_on(self, professional_id: int) -> list[int]:
        """Return ids of open bookings assigned to this professional, offered to them first, or reserving their time."""
        return [row[0] for row in await fetch(self.db, RELYING_ON, professional_id)]


def _agenda_row(row: Row[Any]) -> AgendaRow:
    return AgendaRow(
        id=row.id,
        reference=row.reference,
        service_name=row.service_name,
        state=row.state,
        minutes=row.minutes,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        place=row.place,
        location=Location(row.pincode, row.latitude, row.longitude),
        earning=earning_of(int(row.total)),
    )


def _history_row(row: Row[Any]) -> HistoryRow:
    return HistoryRow(
        id=row.id,
        reference=row.reference,
        service_name=row.service_name,
        state=row.state,
        cancelled_as=row.cancelled_as,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        place=row.place,
        rating=row.rating,
    )


def _cursor_key(row: HistoryRow) -> Sequence[str | int]:
    return row.starts_at.isoformat(), row.id
