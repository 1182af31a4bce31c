"""What the clock does to bookings when nobody else does. Each may run twice, or late, without harm."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.checkout import settle_completion
from app.bookings.repository import Bookings
from app.core import clock, logs
from app.core.errors import DoorstepError
from app.core.events import PLATFORM, nudge
from app.core.i18n import N_
from app.payments import charges

Act = Callable[[AsyncSession, Booking], Awaitable[None]]
LOOK_BACK = timedelta(minutes=3)  # the task runs every minute, sometimes late; a nudge too many does no harm
log = logs.get("clock")


async def give_up_unfilled(db: AsyncSession) -> int:
    """W9: nobody accepted an hour before the slot: cancelled with a full refund. What was opened again later waits."""
    due = [booking for booking in await Bookings(db).unanswered(clock.now()) if booking.is_unfilled(clock.now())]
    return await _each(db, due, _give_up)


async def complete_left_running(db: AsyncSession) -> int:
    """Twelve hours after the later of slot end and start a started job is done, marked so; its payout waits."""
    return await _each(db, await Bookings(db).left_running(clock.now()), _complete)


async def close_left_unreviewed(db: AsyncSession) -> int:
    """Seven days after completion a booking is closed without a review."""
    return await _each(db, await Bookings(db).left_unreviewed(clock.now()), _close)


async def ask_the_others(db: AsyncSession) -> int:
    """The one who was asked first has been silent for ten minutes: the lists of the others look again."""
    areas = await Bookings(db).areas_asked_since(clock.now() - LOOK_BACK, clock.now())
    for pincode in areas:
        nudge(db, f"area:{pincode}", "jobs")
    return len(areas)


# How


async def _give_up(db: AsyncSession, booking: Booking) -> None:
    booking.cancel(PLATFORM, "unfilled", N_("Nobody could come at that time."))
    await charges.release(db, booking.id)


async def _complete(db: AsyncSession, booking: Booking) -> None:
    booking.complete(PLATFORM, None)
    await settle_completion(db, booking)


async def _close(_db: AsyncSession, booking: Booking) -> None:
    booking.close(PLATFORM)


async def _each(db: AsyncSession, due: Sequence[Booking], act: Act) -> int:
    """How many it was done to. One that cannot be done is logged and does not keep the others waiting."""
    done = 0
    for booking in due:
        reference = booking.reference
        try:
            async with db.begin_nested():
                await act(db, booking)
            done += 1
        except (DoorstepError, SQLAlchemyError):
            log.exception("the clock could not move a booking", reference=reference)
    return done
