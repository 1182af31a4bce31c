"""The panel on a professional's page of a finished job: its public review, and the answer to it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.reviews.repository import Reviews
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    if booking.completed_at is None:
        return None
    review = await Reviews(db).shown_on(booking.id)
    return {"review": review} if review is not None and review.counts else None


JOB_REVIEW_PANEL = Panel("jobs.job", 10, _load, "reviews/_job_review.html")
