"""SQL for the help page."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Actor
from app.core.sql import rows

LATEST_OF_CUSTOMER = """
    SELECT reference, service_name, starts_at, ends_at FROM bookings
     WHERE customer_id = $1 AND requested_at IS NOT NULL
     ORDER BY created_at DESC, id DESC LIMIT 1
"""
LATEST_OF_PROFESSIONAL = """
    SELECT reference, service_name, starts_at, ends_at FROM bookings
     WHERE professional_id = $1
     ORDER BY starts_at DESC, id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LatestBooking:
    """The booking that a question is most probably about."""

    reference: str
    service_name: str
    starts_at: datetime
    ends_at: datetime


async def latest_booking(db: AsyncSession, me: Actor) -> LatestBooking | None:
    """A customer's last booking, without unpaid holds; a professional's job with the latest start."""
    query = LATEST_OF_PROFESSIONAL if me.role == "professional" else LATEST_OF_CUSTOMER
    return next(iter(await rows(db, LatestBooking, query, me.id)), None)
