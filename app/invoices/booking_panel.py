"""The panel on a booking's page that leads to its invoices."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.customer_repository import CustomerBooking
from app.bookings.moves import State
from app.invoices.repository import Invoices
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    if booking.state not in (State.COMPLETED, State.CLOSED, State.CANCELLED):
        return None
    numbers = await Invoices(db).numbers_of(booking.id)
    return {"reference": booking.reference, "numbers": ", ".join(numbers)} if numbers else None


INVOICE_PANEL = Panel("bookings.booking", 35, _load, "invoices/_booking_invoice.html")
