"""Bookings, found through the person concerned: a stranger's booking does not exist."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, String, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.code import ATTEMPTS_BEFORE_LOCK, MAX_ATTEMPTS, Code, CodeAttempt
from app.bookings.moves import State
from app.catalog.service import Service
from app.core.errors import Missing
from app.core.events import Actor, Event
from app.core.references import parse_reference
from app.core.sql import fetch, fetch_row, fetch_value
from app.payments import charges
from app.payments.repository import OLDEST_DUE_SQL
from app.scheduling.travel import Location

# Counted by the row's lock, so that of any number of tries at once exactly as many are compared as are allowed.
COUNT_ATTEMPT = text(
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
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)


LIVE_HOLD = "(b.state = 'held' AND b.held_until > $4)"
# What a new booking needs to know, read once; the service is locked against changes until the end of the transaction.
LOCK_TERMS = f"""
    SELECT nextval(pg_get_serial_sequence('bookings', 'id')), s.id, s.name, s.price, s.minutes, s.notice_minutes,
           s.horizon_days,
           own.live_holds, own.unpaid, own.completed,
           EXISTS (SELECT FROM users u WHERE u.id = $1 AND u.email_verified_at IS NOT NULL),
           ({OLDEST_DUE_SQL.format(customer="$1", before="$5")}), pin.pincode, pin.latitude, pin.longitude
      FROM services s LEFT JOIN pincodes pin ON pin.pincode = $3
     CROSS JOIN (
        SELECT count(*) FILTER (WHERE {LIVE_HOLD}) AS live_holds,
               count(*) FILTER (
                   WHERE {LIVE_HOLD} OR (b.payment = 'after' AND b.price > 0
                                         AND b.state IN ('requested', 'assigned', 'started'))
               ) AS unpaid,
               count(*) FILTER (WHERE b.state IN ('completed', 'closed')) AS completed
          FROM bookings b WHERE b.customer_id = $1) own
     WHERE s.id = $2 AND s.retired_at IS NULL
       FOR SHARE OF s
"""
# By bookings: who passed on each, handed it back or did not come, and who excluded the customer or was excluded (W41).
EXCLUDED_FROM = """
    SELECT d.booking_id, d.professional_id FROM declines d WHERE d.booking_id = ANY($1::bigint[])
     UNION ALL
    SELECT b.id, x.professional_id FROM bookings b JOIN exclusions x ON x.customer_id = b.customer_id
     WHERE b.id = ANY($1::bigint[])
"""
SELF_BOOKING_SIGNS = "SELECT self_booking_signs($1, $2, $3, $4)"
LAST_EDITOR = "SELECT actor_id FROM events WHERE subject = $1 AND actor_role = 'admin' ORDER BY seq DESC LIMIT 1"
PRICE = "SELECT price FROM services WHERE id = $1 AND retired_at IS NULL"


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """The service as it is sold now (price in paise), and what its customer has open.

    `booking_id` is the id of the booking to be; `unpaid` counts the held bookings and those paid after the job that are
    not completed; `location` None: there is no such pincode.
    """

    booking_id: int
    id: int
    name: str
    price: int
    minutes: int
    notice_minutes: int
    horizon_days: int
    live_holds: int
    unpaid: int
    completed: int
    is_verified: bool
    overdue_booking_id: int | None
    location: Location | None


class Bookings:
    """`lock=True` locks the row; every change of a booking starts with this lock."""

    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def for_customer(self, me: Actor, reference: str, *, lock: bool = False) -> Booking:
        return await self._get(_by_reference(reference).where(Booking.customer_id == me.id), lock=lock)

    async def for_professional(self, me: Actor, reference: str, *, lock: bool = False) -> Booking:
        """A job assigned to `me` now or until it ended."""
        return await self._get(_by_reference(reference).where(Booking.professional_id == me.id), lock=lock)

    async def by_reference(self, reference: str, *, lock: bool = False) -> Booking:
        """For tasks, and for verbs that check themselves whether the person may act."""
        return await self._get(_by_reference(reference), lock=lock)

    async def by_references(self, references: Collection[str]) -> dict[str, Booking]:
        rows = await self.db.scalars(select(Booking).where(Booking.reference.in_(references)))
        return {booking.reference: booking for booking in rows}

    async def on_sale(self, service_id: int) -> Service | None:
        """The service, locked against changes until the end of the transaction; None when it is no longer offered."""
        service = await self.db.get(Service, service_id, populate_existing=True, with_for_update={"read": True})
        return service if service is not None and service.retired_at is None else None

    async def lock_terms(self, customer_id: int, service_id: int, pincode: str, now: datetime) -> SaleTerms | None:
        """What a new booking needs to know; None when the service is no longer offered."""
        overdue = now - charges.OVERDUE_AFTER
        row = await fetch_row(self.db, LOCK_TERMS, customer_id, service_id, pincode, now, overdue)
        if row is None:
            return None
        location = Location(row["pincode"], row["latitude"], row["longitude"]) if row["pincode"] else None
        *values, _pincode, _latitude, _longitude = row
        return SaleTerms(*[*values, location])

    async def price_of(self, service_id: int) -> int | None:
        """Paise, without a lock; None when the service is no longer offered."""
        price: int | None = await fetch_value(self.db, PRICE, service_id)
        return price

    async def has_visits(self, customer_id: int, besides: int) -> bool:
        """Whether the customer has a booking `besides` this one that was ordered and is not cancelled."""
        ordered = Booking.state.not_in((State.HELD, State.CANCELLED))
        query = select(Booking.id).where(Booking.customer_id == customer_id, ordered, Booking.id != besides).limit(1)
        return await self.db.scalar(query) is not None

    async def last_editor(self, service: Service) -> int | None:
        """The admin who changed the service last, by its history."""
        editor: int | None = await fetch_value(self.db, LAST_EDITOR, service.subject)
        return editor

    async def reference_of(self, booking_id: int) -> str:
        return str((await self.db.execute(select(Booking.reference).where(Booking.id == booking_id))).scalar_one())

    async def locked(self, ids: Collection[int]) -> dict[int, Booking]:
        """These bookings, their rows locked in ascending order."""
        rows = await self.db.scalars(
            _loaded().where(Booking.id.in_(ids)).order_by(Booking.id).with_for_update().execution_options(**REFRESH)
        )
        return {booking.id: booking for booking in rows}

    async def excluded_from(self, booking_ids: Collection[int]) -> dict[int, set[int]]:
        """Booking id → the professionals who get no offers of it: who declined it, or is kept from its customer."""
        excluded: dict[int, set[int]] = {booking_id: set() for booking_id in booking_ids}
        for booking_id, professional_id in await fetch(self.db, EXCLUDED_FROM, booking_ids):
            excluded[booking_id].add(professional_id)
        return excluded

    async def count_code_renewals(self, booking: Booking, since: datetime) -> int:
        """Number of new codes that its customer requested."""
        query = select(func.count()).where(
            Event.subject == booking.subject, Event.name == "booking.code_renewed", Event.at > since
        )
        return (await self.db.execute(query)).scalar_one()

    async def count_code_attempt(
        self, me: Actor, reference: str, phase: str, state: str, now: datetime, lock: timedelta
    ) -> CodeAttempt | None:
        """Count one attempt at the live code; None when none is allowed. The caller commits before comparing."""
        params = {
            "me": me.id,
            "reference": parse_reference(reference),
            "phase": phase,
            "state": state,
            "now": now,
            "until": now + lock,
            "locks_at": ATTEMPTS_BEFORE_LOCK,
            "most": MAX_ATTEMPTS,
        }
        row = (await self.db.execute(COUNT_ATTEMPT, params)).one_or_none()
        return CodeAttempt(row.id, row.phase, row.attempts, row.digest, row.locked_until) if row else None

    async def lift_code_lock(self, code_id: int) -> None:
        """Clear the lock in the database, since concurrent attempts may have set it after the code was read."""
        await self.db.execute(update(Code).where(Code.id == code_id).values(locked_until=None))

    async def _get(self, query: Select[Booking], *, lock: bool) -> Booking:
        """Load the booking; with a lock, codes and extras are read after it was granted, else in the same query."""
        query = query.options(*LOAD_SEPARATELY).with_for_update() if lock else query.options(*LOAD_JOINED)
        booking = (await self.db.scalars(query.execution_options(**REFRESH))).unique().one_or_none()
        if booking is None:
            raise Missing
        return booking


REFRESH = {"populate_existing": True}
LOAD_SEPARATELY = (selectinload(Booking.codes), selectinload(Booking.extras))
LOAD_JOINED = (joinedload(Booking.codes), joinedload(Booking.extras))


def _loaded() -> Select[Booking]:
    return select(Booking).options(*LOAD_SEPARATELY)


def _by_reference(reference: str) -> Select[Booking]:
    return select(Booking).where(Booking.reference == parse_reference(reference))


class SelfBookings:
    """Whether the customer of a booking seems to be its professional."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def load_flag(self, booking: Booking) -> None:
        """Read what the trigger wrote."""
        await self._db.refresh(booking, ["flag", "flag_signs"])

    async def signs(self, booking: Booking) -> list[str]:
        """What customer and professional have in common now."""
        parties = booking.customer_id, booking.professional_id
        signs: list[str] = await fetch_value(self._db, SELF_BOOKING_SIGNS, *parties, booking.address, booking.pincode)
        return signs
