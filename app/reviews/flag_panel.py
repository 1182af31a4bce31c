"""The panel on an admin's booking page: why it is flagged, its review, and the decision whether that counts."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.repository import SelfBookings
from app.bookings.self_booking import SIGN_LABELS
from app.reviews.repository import Reviews
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    await SelfBookings(db).load_flag(booking)
    if booking.flag is None:
        return None
    return {
        "reference": booking.reference,
        "flag": booking.flag,
        "signs": [SIGN_LABELS[sign] for sign in booking.flag_signs or ()],
        "review": await Reviews(db).shown_on(booking.id),
    }


FLAG_PANEL = Panel("dispatch.booking", 10, _load, "reviews/admin/_flag.html")
