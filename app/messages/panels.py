"""What lower rooms show of messages: links with the unread ones, and the whole thread on the admin's record."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.customer_repository import CustomerBooking
from app.core import clock
from app.messages.repository import Messages
from app.web.panels import Panel


async def _load_for_customer(_db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    if booking.professional_id is None and booking.reopened_at is None and booking.cancelled_at is None:
        return None
    unread, has_any = booking.added["messages"]
    if not has_any and not booking.contact_open(clock.now()):
        return None
    return {"path": f"/bookings/{booking.reference}/messages", "unread": unread}


async def _load_for_professional(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    assert booking.professional_id is not None
    counts = await Messages(db).counts(booking.id, booking.professional_id, booking.professional_id)
    if not counts.all and not booking.contact_open(clock.now()):
        return None
    return {"path": f"/jobs/{booking.reference}/messages", "unread": counts.unread}


async def _load_for_admin(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    thread = await Messages(db).thread(booking.id)
    return {"thread": thread} if thread.messages else None


MESSAGES_PANEL = Panel("bookings.booking", 30, _load_for_customer, "messages/_link.html")
JOB_MESSAGES_PANEL = Panel("jobs.job", 5, _load_for_professional, "messages/_link.html")
ADMIN_MESSAGES_PANEL = Panel("dispatch.booking", 20, _load_for_admin, "messages/_admin_thread.html")
