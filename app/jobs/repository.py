"""Jobs as their professional sees them: the day's list, what was done, and the counting of codes that were typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, String, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.code import TRIES_BEFORE_LOCK, TRIES_IN_ALL, Code
from app.core import clock
from app.core.events import Actor
from app.core.paging import Page, after_moment, page_of
from app.payments.shares import earning_of
from app.scheduling.slots import Busy
from app.scheduling.travel import Point

MOMENT = DateTime(timezone=True)

AGENDA = text(
    """
    SELECT b.id, b.reference, b.service_name, b.state, b.minutes, b.starts_at, b.ends_at, b.started_at, b.arrived_at,
           pin.place, pin.pincode, pin.latitude, pin.longitude,
           b.price + (SELECT coalesce(sum(e.price), 0) FROM extras e
                       WHERE e.booking_id = b.id AND e.state = 'approved') AS total
      FROM bookings b JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.professional_id = :me
       AND (b.state IN ('assigned', 'started')
            OR b.state IN ('completed', 'closed') AND b.starts_at >= :midnight AND b.starts_at < :tomorrow)
     ORDER BY b.starts_at, b.id
     LIMIT 300
    """
).bindparams(
    bindparam("me", type_=BigInteger), bindparam("midnight", type_=MOMENT), bindparam("tomorrow", type_=MOMENT)
)

# Counted by the row's lock, so that of any number of tries at once exactly as many are compared as are allowed.
COUNT_TRY = text(
    """
    UPDATE codes
       SET attempts = codes.attempts + 1,
           locked_until = CASE WHEN codes.attempts + 1 IN (:locks_at, :most) THEN :until ELSE codes.locked_until END
      FROM bookings b
     WHERE b.id = codes.booking_id AND b.reference = :reference AND b.professional_id = :me AND b.state = :state
       AND codes.phase = :phase AND codes.used_at IS NULL AND codes.voided_at IS NULL
       AND codes.attempts < :most AND (codes.locked_until IS NULL OR codes.locked_until <= :now)
    RETURNING codes.id, codes.phase, codes.attempts, codes.digest, codes.locked_until
    """
).bindparams(
    bindparam("me", type_=BigInteger),
    bindparam("reference", type_=String),
    bindparam("now", type_=MOMENT),
    bindparam("until", type_=MOMENT),
)

HISTORY = text(
    """
    SELECT b.id, b.reference, b.service_name, b.state, b.cancelled_as, b.starts_at, b.ends_at, pin.place, r.rating
      FROM bookings b
      JOIN pincodes pin ON pin.pincode = b.pincode
      LEFT JOIN reviews r ON r.booking_id = b.id
     WHERE b.professional_id = :me AND b.state IN ('completed', 'closed', 'cancelled')
       AND (CAST(:before AS timestamptz) IS NULL OR (b.starts_at, b.id) < (:before, :id))
     ORDER BY b.starts_at DESC, b.id DESC
     LIMIT :rows
    """
).bindparams(bindparam("me", type_=BigInteger), bindparam("before", type_=MOMENT), bindparam("id", type_=BigInteger))

PARTY = text(
    """
    SELECT u.full_name, u.phone, pin.place, pin.district
      FROM users u, pincodes pin WHERE u.id = :customer AND u.left_at IS NULL AND pin.pincode = :pincode
    """
).bindparams(bindparam("customer", type_=BigInteger))

CONTACT = text(
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


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One job of the list; `earning` in paise, the approved extras included."""

    id: int
    reference: str
    service_name: str
    state: str
    minutes: int
    starts_at: datetime
    ends_at: datetime
    place: str
    where: Point
    earning: int

    @property
    def is_done(self) -> bool:
        return self.state in ("completed", "closed")

    @property
    def busy(self) -> Busy:
        """The same as time that is taken."""
        return Busy(self.id, int(self.starts_at.timestamp()), int(self.ends_at.timestamp()), self.where, True)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A job that is over; what it earned stands in the ledger."""

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
class Party:
    """Whom a job is for, while both sides may see each other."""

    name: str
    phone: str
    place: str
    district: str


@dataclass(frozen=True, slots=True)
class Try:
    """A typed code that was counted and may now be compared, once."""

    code_id: int
    phase: str
    attempts: int
    digest: bytes
    locked_until: datetime | None


class Jobs:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def agenda(self, me: Actor) -> list[AgendaRow]:
        """What `me` holds, whenever it is, and what was done today."""
        midnight = clock.at(clock.today())
        asked = {"me": me.id, "midnight": midnight, "tomorrow": midnight + timedelta(days=1)}
        return [_agenda_row(row) for row in await self.db.execute(AGENDA, asked)]

    async def history(self, me: Actor, cursor: str, limit: int) -> Page[HistoryRow]:
        """Jobs that are over, cancelled ones included, the latest first."""
        since, booking_id = after_moment(cursor) or (None, None)
        rows = await self.db.execute(HISTORY, {"me": me.id, "before": since, "id": booking_id, "rows": limit + 1})
        return page_of([_history_row(row) for row in rows], limit, _key)

    async def named(self, booking_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Booking id → (reference, name of the service)."""
        query = select(Booking.id, Booking.reference, Booking.service_name).where(Booking.id.in_(booking_ids))
        return {row[0]: (row[1], row[2]) for row in await self.db.execute(query)}

    async def party_of(self, booking: Booking) -> Party | None:
        """Ask only while `contact_open`. None when the customer has left since."""
        asked = {"customer": booking.customer_id, "pincode": booking.pincode}
        row = (await self.db.execute(PARTY, asked)).one_or_none()
        return Party(row.full_name, row.phone, row.place, row.district) if row else None

    async def contact_of(self, booking: Booking) -> Row[Any]:
        """The phones of both sides, for an admin, who has been written down (Booking.see_contact)."""
        asked = {"customer": booking.customer_id, "professional": booking.professional_id}
        return (await self.db.execute(CONTACT, asked)).one()

    async def has_declined(self, me: Actor, reference: str) -> bool:
        """Passed on or handed back before: doing it again changes nothing."""
        asked = {"me": me.id, "reference": reference.upper()}
        return bool((await self.db.execute(DECLINED, asked)).scalar_one())

    async def count_try(
        self, me: Actor, reference: str, phase: str, state: str, now: datetime, lock: timedelta
    ) -> Try | None:
        """One more try of the live code, or None when none is allowed. The caller commits before comparing."""
        asked = {
            "me": me.id,
            "reference": reference.upper(),
            "phase": phase,
            "state": state,
            "now": now,
            "until": now + lock,
            "locks_at": TRIES_BEFORE_LOCK,
            "most": TRIES_IN_ALL,
        }
        row = (await self.db.execute(COUNT_TRY, asked)).one_or_none()
        return Try(row.id, row.phase, row.attempts, row.digest, row.locked_until) if row else None

    async def lift_lock(self, code_id: int) -> None:
        """From the row as it is now: tries beside this one may have locked it since it was read."""
        await self.db.execute(update(Code).where(Code.id == code_id).values(locked_until=None))


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
        where=Point(row.pincode, row.latitude, row.longitude),
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


def _key(row: HistoryRow) -> Sequence[str | int]:
    return row.starts_at.isoformat(), row.id
