"""The panel of a receipt: how to verify the handover."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.customer_repository import CustomerBooking
from app.receipts.qr_code import verification_path
from app.receipts.repository import Receipts
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    """None before the job is done, and for jobs of earlier releases."""
    if booking.completed_at is None:
        return None
    stored = await Receipts(db).of_booking(booking.id)
    return {"path": verification_path(stored.digest), "reference": booking.reference} if stored else None


HANDOVER_PANEL = Panel("bookings.receipt", 10, _load, "receipts/_handover.html")
