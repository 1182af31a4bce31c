"""The ledger's lines of one booking, shown on the admin's page of that booking."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger_repository import Ledger
from app.bookings.booking import Booking
from app.bookings.labels import LEDGER_ACCOUNTS, LEDGER_KINDS, translated
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    lines = await Ledger(db).of_booking(booking.id)
    return (
        {"lines": lines, "accounts": translated(LEDGER_ACCOUNTS), "kinds": translated(LEDGER_KINDS)} if lines else None
    )


LEDGER_PANEL = Panel("dispatch.booking.money", 10, _load, "billing/_booking_ledger.html")
