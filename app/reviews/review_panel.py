"""The panel on a customer's booking page: their review, or the form for it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.customer_repository import CustomerBooking
from app.bookings.moves import State
from app.reviews.repository import OwnReview
from app.web.panels import Panel


async def _load(_db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    if booking.state not in (State.COMPLETED, State.CLOSED):
        return None
    review = booking.added["review"]
    return {"review": OwnReview(*review) if review else None}


REVIEW_PANEL = Panel("bookings.booking", 10, _load, "reviews/_booking_review.html")
