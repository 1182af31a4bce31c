"""What refunds took of a professional's earning, and why: on the page of the finished job."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.payments.refund_repository import RefundNotice, Refunds
from app.web.panels import Panel


async def _load(db: AsyncSession, booking: Booking) -> Sequence[RefundNotice] | None:
    return await Refunds(db).shared_with(booking.id, booking.professional_id) or None


JOB_REFUNDS_PANEL = Panel("jobs.job", 5, _load, "dispatch/_job_refunds.html")
