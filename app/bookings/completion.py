"""Complete a booking together with its money."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ProfessionalRatings
from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.redo import pay_redo
from app.core.events import Actor
from app.payments import charges
from app.promotions.referrals import reward_referral
from app.scheduling.reservation import release_time


async def complete_booking(db: AsyncSession, booking: Booking, by: Actor, code: Code | None) -> None:
    """Finish the job (row locked); capture what was authorised, and what was not becomes due.

    `code` is the verified finish code, None when the job is completed automatically: then its payout is held.
    """
    booking.complete(by, code)
    assert booking.professional_id is not None  # bookings_completed_check
    await charges.capture(
        db,
        booking.id,
        booking.customer_id,
        booking.professional_id,
        booking.total,
        held_payout=booking.completed_automatically,
    )
    if booking.redo_of_id is not None:
        await pay_redo(db, booking)
    await reward_referral(db, booking)
    await ProfessionalRatings(db).count_job(booking.professional_id)
    await release_time(db, [booking.id])
