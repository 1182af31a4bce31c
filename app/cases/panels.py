"""The panels of a booking's cases: on the customer's booking, on the professional's job, and on the admin's record."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.customer_repository import CustomerBooking
from app.cases.case import Outcome
from app.cases.repository import BookingCases, CaseLink
from app.core.paging import AnyRow
from app.web.panels import Panel


async def _load_booking(db: AsyncSession, booking: CustomerBooking) -> dict[str, Any]:
    return await _with_linked_visits(db, booking, [CaseLink(*case) for case in booking.added["cases"]])


async def _load_job(db: AsyncSession, booking: Booking) -> dict[str, Any]:
    return await _load(db, booking, booking.professional_id)


async def _load_record(db: AsyncSession, booking: Booking) -> dict[str, Any] | None:
    data = await _load(db, booking, None)
    return data if data["cases"] or data["redo_of"] or data["redo"] else None


async def _load(db: AsyncSession, booking: Booking | CustomerBooking, professional_id: int | None) -> dict[str, Any]:
    """`redo_of` is the reference of the booking that this visit puts right, `redo` of the visit that puts it right."""
    return await _with_linked_visits(db, booking, await BookingCases(db).of_booking(booking.id, professional_id))


async def _with_linked_visits(
    db: AsyncSession, booking: Booking | CustomerBooking, cases: Sequence[CaseLink] | Sequence[AnyRow]
) -> dict[str, Any]:
    redo_of, redo = None, None
    # Only the decision of a case arranges another visit, which has no price.
    if not booking.price or any(Outcome.REDO in (case.outcomes or ()) for case in cases):
        redo_of, redo = await BookingCases(db).linked_visits(booking.id)
    return {"cases": cases, "redo_of": redo_of, "redo": redo}


BOOKING_CASES_PANEL = Panel("bookings.booking", 30, _load_booking, "cases/_booking_cases.html")
JOB_CASES_PANEL = Panel("jobs.job", 30, _load_job, "cases/_job_cases.html")
RECORD_CASES_PANEL = Panel("dispatch.booking", 30, _load_record, "cases/admin/_record_cases.html")
