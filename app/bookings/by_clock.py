"""What the clock does to bookings when nobody else does. Each may run twice, or late, without harm."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.checkout import settle_completion
from app.bookings.repository import Bookings
from app.kit import clock
from app.kit.events import PLATFORM, nudge
from app.kit.words import _
from app.payments import charges

LOOK_BACK = timedelta(minutes=3)  # the task runs every minute, sometimes late; a nudge too many does no harm


async def give_up_unfilled(db: AsyncSession) -> int:
    """W9: nobody accepted an hour before the slot: cancelled with a full refund. What was opened again later waits."""
    due = [booking for booking in await Bookings(db).unanswered(clock.now()) if booking.is_unfilled(clock.now())]
    for booking in due:
        booking.cancel(PLATFORM, "unfilled", _("Nobody could come at that time."))
        await charges.release(db, booking.id)
    await db.flush()
    return len(due)


async def complete_left_running(db: AsyncSession) -> int:
    """Twelve hours after the later of slot end and start a started job is done, marked so; its payout waits."""
    due = await Bookings(db).left_running(clock.now())
    for booking in due:
        await _complete(db, booking)
    return len(due)


async def close_left_unreviewed(db: AsyncSession) -> int:
    """Seven days after completion a booking is closed without a review."""
    due = await Bookings(db).left_unreviewed(clock.now())
    for booking in due:
        booking.close(PLATFORM)
    await db.flush()
    return len(due)


async def ask_the_others(db: AsyncSession) -> int:
    """The one who was asked first has been silent for ten minutes: the lists of the others look again."""
    areas = await Bookings(db).areas_asked_since(clock.now() - LOOK_BACK, clock.now())
    for pincode in areas:
        nudge(db, f"area:{pincode}", "jobs")
    return len(areas)


async def _complete(db: AsyncSession, booking: Booking) -> None:
    booking.complete(PLATFORM, None)
    await settle_completion(db, booking)
    await db.flush()
