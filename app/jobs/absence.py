"""Nobody at the door (W13): reported by the professional who stands there, a fee as for a late cancellation."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import give_back
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.terms import LATE_FEE, NOBODY_AT_DOOR
from app.core import clock
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import N_, _


async def report(db: AsyncSession, by: Actor, reference: str) -> Booking:
    """The booking ends as a no-show; the customer may dispute it for 48 h. Reported twice, it is reported once."""
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    if booking.state == State.CANCELLED and booking.cancelled_as == "no_show":
        return booking
    if booking.state == State.ASSIGNED and not booking.nobody_at_door(clock.now()):
        raise Refused(too_early(booking), reason="early")
    fee = min(LATE_FEE, booking.price)
    booking.cancel(by, "no_show", N_("Nobody opened the door."), fee)
    await give_back(db, booking, fee, booking.professional_id)
    return booking


def possible_from(booking: Booking) -> datetime | None:
    """A quarter of an hour of the slot gone by, at the door; None before the arrival."""
    return max(booking.arrived_at, booking.starts_at) + NOBODY_AT_DOOR if booking.arrived_at else None


def too_early(booking: Booking) -> str:
    since = possible_from(booking)
    if since is None:
        return _("Say that you are at the door first.")
    return _("You can report it from %(time)s.", time=since.astimezone(clock.IST).strftime("%H:%M"))
