"""Bookings for which a moment has come: each query walks an index of its deadline, so history costs nothing.

Ordered by id, with a limit, PostgreSQL would rather walk the primary key from the first booking on.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, SQLColumnExpression, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.deadlines import (
    AUTO_COMPLETE_AFTER,
    CLOSE_AFTER,
    KEEP_CONTACT,
    UNFILLED_CUTOFF,
    alert_at_sql,
    unfilled_at_sql,
)
from app.bookings.moves import State
from app.bookings.repository import LOAD_SEPARATELY, REFRESH

DUE_BATCH_SIZE = 200
ALERT_AT = literal_column(alert_at_sql("bookings"), DateTime(timezone=True))
UNFILLED_AT = literal_column(unfilled_at_sql("bookings"), DateTime(timezone=True))


class DueBookings:
    """Each list has at most 200 bookings, their rows locked; those locked by others are skipped."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def lapsed_holds(self, now: datetime) -> Sequence[Booking]:
        """Expired holds."""
        return await self._lock(Booking.state == State.HELD, Booking.held_until <= now, order=Booking.held_until)

    async def unfilled(self, now: datetime) -> Sequence[Booking]:
        """Paid bookings not accepted in time and not reopened since (W9)."""
        starts_soon = Booking.starts_at <= now + UNFILLED_CUTOFF  # for the index
        # Those that wait for their customer may wait for long: they must not fill the batch.
        is_waiting = func.coalesce(Booking.reopened_at >= UNFILLED_AT, False)
        is_due = Booking.state == State.REQUESTED, starts_soon, now >= UNFILLED_AT, ~is_waiting
        return await self._lock(*is_due, order=Booking.starts_at)

    async def overdue_jobs(self, now: datetime) -> Sequence[Booking]:
        """Started, and twelve hours past the later of slot end and start."""
        since = now - AUTO_COMPLETE_AFTER
        has_ended = Booking.starts_at <= since, Booking.ends_at <= since, Booking.started_at <= since
        return await self._lock(Booking.state == State.STARTED, *has_ended, order=Booking.starts_at)

    async def unreviewed(self, now: datetime) -> Sequence[Booking]:
        """Completed seven days ago."""
        is_old = Booking.completed_at <= now - CLOSE_AFTER
        return await self._lock(Booking.state == State.COMPLETED, is_old, order=Booking.completed_at)

    async def old_contacts(self, now: datetime) -> Sequence[Booking]:
        """With a person at the door of a visit that is long over."""
        is_old = Booking.contact_name != "", Booking.ends_at <= now - KEEP_CONTACT
        return await self._lock(*is_old, order=Booking.ends_at)

    async def areas_opened_between(self, since: datetime, until: datetime) -> list[str]:
        """Pincodes with a priority offer that ended between two moments."""
        query = select(Booking.pincode).where(
            Booking.state == State.REQUESTED, Booking.exclusive_until > since, Booking.exclusive_until <= until
        )
        return list(await self._db.scalars(query.distinct()))

    async def _lock(self, *conditions: ColumnElement[bool], order: SQLColumnExpression[Any]) -> Sequence[Booking]:
        query = select(Booking).options(*LOAD_SEPARATELY).where(*conditions).order_by(order, Booking.id)
        query = query.limit(DUE_BATCH_SIZE).with_for_update(skip_locked=True)
        return (await self._db.scalars(query.execution_options(**REFRESH))).all()
