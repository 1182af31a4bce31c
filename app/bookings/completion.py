"""Complete a booking together with its money, and with what higher rooms add."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ProfessionalRatings
from app.bookings.booking import Booking
from app.bookings.code import Code
from app.bookings.redo import pay_redo
from app.core.encryption import Encryption
from app.core.events import Actor
from app.payments import charges
from app.payments.tax_repository import find_tax_rule
from app.promotions.referrals import reward_referral
from app.scheduling.reservation import release_time

# What a higher room writes when a booking is completed: (db, the booking with its row locked, the keys).
CompletionListener = Callable[[AsyncSession, Booking, Encryption], Awaitable[None]]
_listeners: list[CompletionListener] = []


def register_completion_listener(listener: CompletionListener) -> None:
    """Call `listener` after every completion, in its transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


async def complete_booking(
    db: AsyncSession, booking: Booking, by: Actor, code: Code | None, encryption: Encryption | None = None
) -> None:
    """Finish the job (row locked); capture what was authorised, and what was not becomes due.

    `code` is the verified finish code, None when the job is completed automatically: then its payout is held.
    Without `encryption` nothing can be signed, so that there is no receipt of the handover.
    """
    if encryption is None:
        booking.complete(by, code)
    else:
        booking.complete(by, code, receipt=True)
        for listener in _listeners:
            await listener(db, booking, encryption)
    assert booking.professional_id is not None  # bookings_completed_check
    await charges.capture(
        db,
        booking.id,
        booking.customer_id,
        booking.professional_id,
        booking.total,
        held_payout=booking.completed_automatically,
        tax=await find_tax_rule(db, booking.service_id, booking.professional_id),
    )
    if booking.redo_of_id is not None:
        await pay_redo(db, booking)
    await reward_referral(db, booking)
    await ProfessionalRatings(db).count_job(booking.professional_id)
    await release_time(db, [booking.id])
