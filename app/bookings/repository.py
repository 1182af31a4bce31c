"""Bookings, found through the person concerned: a stranger's booking does not exist."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, String, bindparam, func, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.types import BigInteger, DateTime

from app.bookings.booking import Booking
from app.bookings.code import ATTEMPTS_BEFORE_LOCK, MAX_ATTEMPTS, Code, CodeAttempt
from app.bookings.deadlines import AUTO_COMPLETE_AFTER, CLOSE_AFTER, UNFILLED_CUTOFF, unfilled_at_sql
from app.bookings.decline import Decline
from app.bookings.moves import State
from app.catalog.service import Service
from app.core.db import AdvisoryLock, acquire_lock
from app.core.errors import Missing
from app.core.events import Actor, Event
from app.core.paging import AnyRow

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

    async def reference_of(self, booking_id: int) -> str:
        return str((await self.db.execute(select(Booking.reference).where(Booking.id == booking_id))).scalar_one())

    async def locked(self, ids: Collection[int]) -> dict[int, Booking]:
        """These bookings, their rows locked in ascending order."""
        rows = await self.db.scalars(
            _loaded().where(Booking.id.in_(ids)).order_by(Booking.id).with_for_update().execution_options(**REFRESH)
        )
        return {booking.id: booking for booking in rows}

    async def lapsed_holds(self, now: datetime, professionals: Collection[int] | None = None) -> Sequence[Booking]:
        """Expired holds. Locked."""
        query = _loaded().where(Booking.state == State.HELD, Booking.held_until <= now)
        if professionals is not None:
            query = query.where(Booking.reserved_for.in_(professionals))
        return await self._due(query)

    async def unfilled(self, now: datetime) -> Sequence[Booking]:
        """Paid bookings not accepted in time and not reopened since (W9). Locked."""
        starts_soon = Booking.starts_at <= now + UNFILLED_CUTOFF  # for the index
        # Those that wait for their customer may wait for long: they must not fill the batch.
        is_waiting = func.coalesce(Booking.reopened_at >= UNFILLED_AT, False)
        is_due = Booking.state == State.REQUESTED, starts_soon, now >= UNFILLED_AT, ~is_waiting
        return await self._due(_loaded().where(*is_due))

    async def overdue_jobs(self, now: datetime) -> Sequence[Booking]:
        """Started, and twelve hours past the later of slot end and start. Locked."""
        since = now - AUTO_COMPLETE_AFTER
        query = _loaded().where(Booking.state == State.STARTED, Booking.ends_at <= since, Booking.started_at <= since)
        return await self._due(query)

    async def starting_within(self, now: datetime, within: timedelta) -> Sequence[AnyRow]:
        """Accepted jobs that start within that time and were accepted earlier than that before their start."""
        query = select(Booking.reference, Booking.customer_id, Booking.professional_id, Booking.starts_at).where(
            Booking.state == State.ASSIGNED,
            Booking.starts_at > now,
            Booking.starts_at <= now + within,
            Booking.assigned_at < Booking.starts_at - within,
        )
        return (await self.db.execute(query.order_by(Booking.starts_at, Booking.id))).all()

    async def unreviewed(self, now: datetime) -> Sequence[Booking]:
        """Completed seven days ago. Locked."""
        query = _loaded().where(Booking.state == State.COMPLETED, Booking.completed_at <= now - CLOSE_AFTER)
        return await self._due(query)

    async def reserved(self, professional_id: int, since: datetime, until: datetime) -> list[int]:
        """Ids of unaccepted bookings that reserve this professional's time between two moments."""
        query = select(Booking.id).where(
            Booking.reserved_for == professional_id,
            Booking.state.in_((State.HELD, State.REQUESTED)),
            Booking.starts_at < until,
            Booking.ends_at > since,
        )
        return list(await self.db.scalars(query))

    async def areas_opened_between(self, since: datetime, until: datetime) -> list[str]:
        """Pincodes with a priority offer that ended between two moments."""
        query = select(Booking.pincode).where(
            Booking.state == State.REQUESTED, Booking.exclusive_until > since, Booking.exclusive_until <= until
        )
        return list(await self.db.scalars(query.distinct()))

    async def count_live_holds(self, customer_id: int, now: datetime) -> int:
        """Count active holds, under a lock until the end of the transaction, so that concurrent forms count in turn."""
        await acquire_lock(self.db, AdvisoryLock.CUSTOMER_HOLDS, customer_id)
        query = select(func.count()).where(
            Booking.customer_id == customer_id, Booking.state == State.HELD, Booking.held_until > now
        )
        return (await self.db.execute(query)).scalar_one()

    async def declined_by(self, booking_ids: Collection[int]) -> dict[int, set[int]]:
        """Booking id → the professionals who passed on it or handed it back."""
        query = select(Decline.booking_id, Decline.professional_id).where(Decline.booking_id.in_(booking_ids))
        declined: dict[int, set[int]] = {booking_id: set() for booking_id in booking_ids}
        for booking_id, professional_id in await self.db.execute(query):
            declined[booking_id].add(professional_id)
        return declined

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
            "reference": reference.upper(),
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

    async def _due(self, query: Select[Booking]) -> Sequence[Booking]:
        """At most 200, their rows locked; rows locked by others are skipped."""
        query = query.order_by(Booking.id).limit(200).with_for_update(skip_locked=True)
        return (await self.db.scalars(query.execution_options(**REFRESH))).all()

    async def _get(self, query: Select[Booking], *, lock: bool) -> Booking:
        """Load the booking; with a lock, codes and extras are read after it was granted, else in the same query."""
        query = query.options(*LOAD_SEPARATELY).with_for_update() if lock else query.options(*LOAD_JOINED)
        booking = (await self.db.scalars(query.execution_options(**REFRESH))).unique().one_or_none()
        if booking is None:
            raise Missing
        return booking


UNFILLED_AT = literal_column(unfilled_at_sql("bookings"), DateTime(timezone=True))
REFRESH = {"populate_existing": True}
LOAD_SEPARATELY = (selectinload(Booking.codes), selectinload(Booking.extras))
LOAD_JOINED = (joinedload(Booking.codes), joinedload(Booking.extras))


def _loaded() -> Select[Booking]:
    return select(Booking).options(*LOAD_SEPARATELY)


def _by_reference(reference: str) -> Select[Booking]:
    return select(Booking).where(Booking.reference == reference.upper())
