"""The tip on the customer's page of a booking that is done, and on the professional's page of the job."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.customer_repository import CustomerBooking
from app.bookings.moves import State
from app.payments.tip import Tip
from app.payments.tips import may_tip
from app.payments.tips_repository import Tips
from app.web.panels import Panel


async def _load_of_booking(_db: AsyncSession, booking: CustomerBooking) -> dict[str, Any] | None:
    if booking.state not in (State.COMPLETED, State.CLOSED):
        return None
    amount, paid_at = booking.added["tip"] or (None, None)
    if amount is None and not may_tip(booking.state, booking.added["closed_at"], booking.professional_id):
        return None
    return {"amount": amount, "paid_at": paid_at, "reference": booking.reference}


async def _load_of_job(db: AsyncSession, booking: Booking) -> Tip | None:
    return await Tips(db).paid(booking.id) if booking.completed_at is not None else None


BOOKING_TIP_PANEL = Panel("bookings.booking", 20, _load_of_booking, "billing/_booking_tip.html")
JOB_TIP_PANEL = Panel("jobs.job", 4, _load_of_job, "billing/_job_tip.html")
