"""The panel on a booking's page that leads to its invoices."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.customer_repository import CustomerBooking
from app.web.panels import Panel


async def _load(_db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    numbers = booking.added["invoices"]
    return {"reference": booking.reference, "numbers": ", ".join(numbers)} if numbers else None


INVOICE_PANEL = Panel("bookings.booking", 35, _load, "invoices/_booking_invoice.html")
