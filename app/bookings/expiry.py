"""Time-driven changes of bookings: lapsed holds, unfilled, overdue and unreviewed bookings, expired priority offers.

All are idempotent.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.completion import complete_booking
from app.bookings.due_repository import DueBookings
from app.core import clock, logs
from app.core.encryption import Encryption
from app.core.errors import DoorstepError
from app.core.events import PLATFORM, nudge
from app.core.i18n import N_
from app.promotions.credits import apologise

Action = Callable[[AsyncSession, Booking], Awaitable[None]]
PRIORITY_LOOKBACK = timedelta(minutes=3)  # the task runs every minute, sometimes late; one nudge too many is harmless
log = logs.get_logger("clock")


async def expire_holds(db: AsyncSession) -> int:
    """Cancel lapsed holds; return how many. Their time is free already."""
    lapsed = await DueBookings(db).lapsed_holds(clock.now())
    for booking in lapsed:
        await cancel_booking(db, booking, PLATFORM, "expired", N_("Not paid in time."))
    await db.flush()
    return len(lapsed)


async def cancel_unfilled(db: AsyncSession) -> int:
    """W9: cancel with a full refund the bookings not accepted in time, and apologise with credit (W26).

    Those reopened later wait.
    """
    now = clock.now()
    due = [booking for booking in await DueBookings(db).unfilled(now) if booking.is_unfilled(now)]
    return await _apply(db, due, _cancel)


async def complete_overdue_jobs(db: AsyncSession, encryption: Encryption | None = None) -> int:
    """Complete started jobs twelve hours after the later of slot end and start; their payout is held.

    `encryption` as in complete_booking().
    """

    async def complete(db: AsyncSession, booking: Booking) -> None:
        await complete_booking(db, booking, PLATFORM, None, encryption)

    return await _apply(db, await DueBookings(db).overdue_jobs(clock.now()), complete)


async def close_unreviewed(db: AsyncSession) -> int:
    """Close bookings that were completed seven days ago and never reviewed."""
    return await _apply(db, await DueBookings(db).unreviewed(clock.now()), _close)


async def erase_old_contacts(db: AsyncSession) -> int:
    """Erase the person at the door of visits that were over 180 days ago."""
    old = await DueBookings(db).old_contacts(clock.now())
    for booking in old:
        booking.visit = replace(booking.visit, contact_name="", contact_phone="", contact_email="")
    await db.flush()
    return len(old)


async def end_priority_offers(db: AsyncSession) -> int:
    """Refresh the lists of the other candidates when a priority offer has ended unanswered."""
    areas = await DueBookings(db).areas_opened_between(clock.now() - PRIORITY_LOOKBACK, clock.now())
    for pincode in areas:
        nudge(db, f"area:{pincode}", "jobs")
    return len(areas)


async def _cancel(db: AsyncSession, booking: Booking) -> None:
    await cancel_booking(db, booking, PLATFORM, "unfilled", N_("No professional was available at that time."))
    await apologise(db, booking)


async def _close(_db: AsyncSession, booking: Booking) -> None:
    booking.close(PLATFORM)


async def _apply(db: AsyncSession, due: Sequence[Booking], action: Action) -> int:
    """Apply `action` to each, in a savepoint of its own; return how many succeeded. Failures are logged."""
    done = 0
    for booking in due:
        reference = booking.reference
        try:
            async with db.begin_nested():
                await action(db, booking)
            done += 1
        except (DoorstepError, SQLAlchemyError):
            log.exception("scheduled change of booking failed", reference=reference)
    return done
