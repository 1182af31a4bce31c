"""Bookings whose customer seems to be the professional: same phone, address, payment method or device.

Which signs there are is said by the database alone (self_booking_signs, docs/database.md). It also sets the flag when a
professional is assigned, and lets no review of a flagged booking count before an admin has decided.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.moves import Flag
from app.bookings.repository import SelfBookings
from app.core.i18n import N_

SIGN_LABELS = {
    "phone": N_("Same phone"),
    "address": N_("Same address"),
    "payment": N_("Same payment method"),
    "device": N_("Same device"),
}


async def record_flag_of_assignment(db: AsyncSession, booking: Booking) -> None:
    """Record the flag that the assignment of its professional gave the booking (row locked, changes flushed)."""
    await SelfBookings(db).load_flag(booking)
    if booking.flag == Flag.PENDING:
        booking.record_flag()


async def flag_reviewed_booking(db: AsyncSession, booking: Booking) -> None:
    """Flag the booking (row locked) if there are signs now that there were not at its assignment."""
    await SelfBookings(db).load_flag(booking)
    if booking.flag is None and (signs := await SelfBookings(db).signs(booking)):
        booking.flag, booking.flag_signs = Flag.PENDING, signs
        booking.record_flag()
        await db.flush()
