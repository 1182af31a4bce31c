"""Cancel a booking together with its money."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.deadlines import BookingDeadlines
from app.bookings.decline import require_undisputed_arrival
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.core import clock
from app.core.errors import Refused
from app.core.events import Actor
from app.core.i18n import _
from app.payments import charges
from app.payments.charge import COUPON, Charged, ChargeState
from app.payments.tax_repository import find_tax_rule
from app.promotions.discounts import free_coupon
from app.scheduling.reservation import release_time


@dataclass(frozen=True, slots=True)
class CancellationCost:
    """In paise: the fee, what is refunded, and what becomes due (pay after the work)."""

    fee: int
    back: int
    owed: int


def cancellation_cost(booking: BookingDeadlines, booking_charges: Sequence[Charged]) -> CancellationCost:
    """What cancelling costs now, shown before the customer confirms."""
    fee = booking.cancellation_fee(clock.now())
    own = (charge for charge in booking_charges if charge.method != COUPON)
    paid = sum(charge.amount - charge.released for charge in own if charge.state == ChargeState.AUTHORISED)
    return CancellationCost(fee, max(paid - fee, 0), max(fee - paid, 0))


async def cancel_booking(
    db: AsyncSession,
    booking: Booking,
    by: Actor,
    cancelled_as: str,
    reason: str,
    fee: int = 0,
    *,
    as_credit: bool = False,
) -> int:
    """Cancel `booking` (row locked) and settle its payments in the same transaction; return the refunded paise.

    `fee` paise of the authorised amount are charged, 70 % of them for the assigned professional. `as_credit`: the
    refund is added to the customer's credit instead of the card. The coupon may be used again. A hold has no
    authorised payment; a payment that waits for the bank's code is ended.
    """
    was_held, professional_id = booking.state == State.HELD, booking.professional_id
    booking.cancel(by, cancelled_as, reason, fee)
    refunded = 0
    if was_held:
        await charges.abandon_bank_codes(db, [booking.id])
    else:
        await free_coupon(db, booking.id)
        if fee:
            tax = await find_tax_rule(db, booking.service_id, professional_id)
            refunded = await charges.take_fee(
                db, booking.id, booking.customer_id, professional_id, fee, tax, as_credit=as_credit
            )
        else:
            refunded = await charges.release(db, booking.id, as_credit=as_credit)
    await db.flush()
    await release_time(db, [booking.id])
    return refunded


async def cancel_by_customer(
    db: AsyncSession,
    by: Actor,
    reference: str,
    reason: str,
    shown_fee: int | None = None,
    *,
    as_credit: bool = False,
) -> Booking:
    """Cancel for the customer, keeping the fee that is due now; idempotent.

    Refused("fee"): the fee is higher than `shown_fee` paise.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if booking.state == State.CANCELLED:
        return booking
    await require_undisputed_arrival(db, booking)
    fee = booking.cancellation_fee(clock.now())
    if shown_fee is not None and fee > shown_fee:
        raise Refused(_("The cancellation fee has gone up. Check it, then confirm again."), reason="fee")
    await cancel_booking(db, booking, by, _cancelled_as(booking), reason, fee, as_credit=as_credit)
    return booking


def _cancelled_as(booking: Booking) -> str:
    """Why the customer cancels: no professional accepted (W9) or arrived (W14), or they changed their mind."""
    if booking.needs_answer(clock.now()):
        return "unfilled"
    return "professional_absent" if booking.professional_is_absent(clock.now()) else "customer"
