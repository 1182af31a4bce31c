"""Changing one's mind, and being let down: cancelling, moving, W9 and W14, the word against a no-show (W13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.code import NEW_CODES_AN_HOUR
from app.bookings.decline import Dispute
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import offer_again, reschedule
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import N_, _
from app.payments import charges
from app.payments.charge import Charge

DISPUTE_WITHIN = timedelta(hours=48)
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cost:
    """Paise: what cancelling costs now, what comes back, and what would have to be paid (pay after the work)."""

    fee: int
    back: int
    owed: int


def cost_of(booking: Booking, known: Sequence[Charge]) -> Cost:
    """Shown before the customer confirms; `known` are all the booking's charges."""
    fee = booking.cancellation_fee(clock.now())
    paid = sum(charge.amount for charge in known if charge.state == "authorised")
    return Cost(fee, max(paid - fee, 0), max(fee - paid, 0))


async def cancel(db: AsyncSession, by: Actor, reference: str, reason: str, shown_fee: int | None = None) -> Booking:
    """By the customer: the slot is free, the money back less the fee. Cancelled twice is cancelled once.

    Refused("fee"): it costs more now than was shown.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if booking.state == State.CANCELLED:
        return booking
    fee, gone = booking.cancellation_fee(clock.now()), booking.professional_id
    if shown_fee is not None and fee > shown_fee:
        raise Refused(_("Cancelling costs more now than a moment ago. Please look again."), reason="fee")
    booking.cancel(by, _ending(booking), reason, fee)
    await give_back(db, booking, fee, gone)
    return booking


def _ending(booking: Booking) -> str:
    """Who is behind the cancellation of its customer: nobody accepted (W9), nobody came (W14), or they themselves."""
    if booking.needs_answer(clock.now()):
        return "unfilled"
    return "professional_absent" if booking.nobody_came(clock.now()) else "customer"


async def move(db: AsyncSession, by: Actor, reference: str, starts_at: datetime, shown_fee: int | None = None) -> int:
    """To another start at the agreed price; the fee in paise, charged at once."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if booking.starts_at == starts_at and booking.state in (State.REQUESTED, State.ASSIGNED):
        raise Invalid({"start": _("That is the time you have. Pick another one.")})
    if shown_fee is not None and booking.cancellation_fee(clock.now()) > shown_fee:
        raise Refused(_("Moving costs more now than a moment ago. Please look again."), reason="fee")
    if not booking.allows("reschedule", by):
        booking.reschedule(by, starts_at, 0, 0)  # says no, in words
    gone = booking.professional_id
    fee = await reschedule(db, by, booking, starts_at)
    if fee:
        await charges.add_fee(db, booking.id, booking.customer_id, gone, fee)
    return fee


async def let_down(db: AsyncSession, by: Actor, reference: str, *, again: bool) -> Booking:
    """W14: half an hour into the slot and nobody came; W9: nobody had accepted when it began.

    `again`: offered to the others, at a new start that the customer picks; else everything is refunded.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    now = clock.now()
    if booking.state == State.CANCELLED and not again:
        return booking
    if booking.nobody_came(now):
        if again:
            await offer_again(db, by, booking, N_("Did not come."))
        else:
            booking.cancel(by, "professional_absent", N_("Did not come."))
            await give_back(db, booking, 0, None)
    elif booking.needs_answer(now):
        if not again:
            booking.cancel(by, "unfilled", N_("Nobody accepted in time."))
            await give_back(db, booking, 0, None)
    else:
        raise Refused(_("This can be chosen when nobody has come half an hour into your time."), reason="early")
    return booking


async def dispute(db: AsyncSession, by: Actor, reference: str, text: str) -> Booking:
    """W13: somebody was at home. Once, within 48 h; an admin decides."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if not may_dispute(booking):
        raise Refused(_("The 48 hours to object are over."), reason="late")
    if await db.get(Dispute, booking.id) is None:
        db.add(Dispute(booking_id=booking.id, customer_id=booking.customer_id, text=text, at=clock.now()))
        booking.dispute(by, text)
        await db.flush()
    return booking


def may_dispute(booking: Booking) -> bool:
    if booking.cancelled_as != "no_show" or booking.cancelled_at is None:
        return False
    return clock.now() < booking.cancelled_at + DISPUTE_WITHIN


async def renew_code(db: AsyncSession, by: Actor, reference: str, vault: Vault) -> Booking:
    """W12: the customer alone asks for a new code, three times an hour; it lifts a lock."""
    bookings = Bookings(db)
    booking = await bookings.for_customer(by, reference, lock=True)
    if await bookings.renewals_since(booking, clock.now() - AN_HOUR) >= NEW_CODES_AN_HOUR:
        raise Refused(_("Three new codes in an hour are the most. Please wait a little."), reason="codes")
    booking.renew_code(by, "finish" if booking.state == State.STARTED else "start", vault)
    return booking


async def give_back(db: AsyncSession, booking: Booking, fee: int, professional_id: int | None) -> int:
    """The money of a cancelled booking: `fee` paise are kept, 70 % of them for `professional_id`. The paise back."""
    if fee:
        return await charges.take_fee(db, booking.id, booking.customer_id, professional_id, fee)
    return await charges.release(db, booking.id)
