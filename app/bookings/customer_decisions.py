"""What a customer decides while the job runs: an absent professional, a no-show, a new code, extra work."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.code import MAX_RENEWALS_PER_HOUR, CodePhase
from app.bookings.deadlines import BookingDeadlines
from app.bookings.decline import add_dispute, is_disputed_since
from app.bookings.extra import ExtraState
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import offer_again
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.events import Actor, Person
from app.core.i18n import N_, _
from app.payments import charges, pretend_bank
from app.payments.repository import Charges

DISPUTE_PERIOD = timedelta(hours=48)
CODE_RENEWAL_PERIOD = timedelta(hours=1)


async def resolve_no_arrival(db: AsyncSession, by: Person, reference: str, *, find_another: bool) -> Booking:
    """W14: the professional did not arrive within 30 minutes; W9: the job was unassigned when the slot started.

    With an arrival reported, the customer's word opens a case, and no money moves until an admin has decided it.
    `find_another`: offer the job to the others, at a new start that the customer picks; else cancel with a full refund.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    now = clock.now()
    if booking.state == State.CANCELLED and not find_another:
        return booking
    if booking.professional_is_absent(now):
        if find_another:
            await offer_again(db, by, booking, N_("Didn't arrive."))
        else:
            await cancel_booking(db, booking, by, "professional_absent", N_("Didn't arrive."))
    elif booking.may_contest_arrival(now):
        await _contest_arrival(db, by, booking)
    elif booking.needs_answer(now):
        if not find_another:
            await cancel_booking(db, booking, by, "unfilled", N_("No professional accepted in time."))
    else:
        raise Refused(
            _("You can choose this if your professional hasn't arrived 30 minutes after the start time."),
            reason="early",
        )
    return booking


async def _contest_arrival(db: AsyncSession, by: Person, booking: Booking) -> None:
    if not await is_disputed_since(db, booking, booking.arrived_at):
        message = N_("The professional hasn't arrived.")
        booking.contest_arrival(by, message)
        await add_dispute(db, by, booking, "absent", message)


async def dispute_no_show(db: AsyncSession, by: Person, reference: str, text: str) -> Booking:
    """W13: the customer objects to a no-show, once and within 48 hours; it opens a case."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if not may_dispute(booking):
        raise Refused(_("The 48 hours to dispute the fee are over."), reason="late", about="dispute")
    if not await is_disputed_since(db, booking, booking.cancelled_at):
        booking.dispute(by, text)
        await add_dispute(db, by, booking, "no_show_fee", text)
    return booking


def may_dispute(booking: BookingDeadlines) -> bool:
    """Whether the customer may still object to the no-show."""
    if booking.cancelled_as != "no_show" or booking.cancelled_at is None:
        return False
    return clock.now() < booking.cancelled_at + DISPUTE_PERIOD


def end_contact(booking: Booking) -> None:
    """W27: for safety, the sides of the booking (row locked) see each other's address and phone no more."""
    booking.contact_ended_at = booking.contact_ended_at or clock.now()


async def renew_code(db: AsyncSession, by: Actor, reference: str, encryption: Encryption) -> Booking:
    """W12: issue a new code for the customer, which lifts a lock; at most three an hour."""
    bookings = Bookings(db)
    booking = await bookings.for_customer(by, reference, lock=True)
    if await bookings.count_code_renewals(booking, clock.now() - CODE_RENEWAL_PERIOD) >= MAX_RENEWALS_PER_HOUR:
        raise Refused(_("You can get up to 3 new codes an hour. Wait a while, then try again."), reason="codes")
    booking.renew_code(by, CodePhase.FINISH if booking.state == State.STARTED else CodePhase.START, encryption)
    return booking


async def answer_extra(db: AsyncSession, by: Person, reference: str, extra_id: int, *, approved: bool) -> Booking:
    """W15: approve or refuse extra work; idempotent. By card or UPI its price is authorised at once."""
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    extra = next((extra for extra in booking.extras if extra.id == extra_id), None)
    if extra is None:
        raise Missing()
    if extra.state == (ExtraState.APPROVED if approved else ExtraState.REFUSED):
        return booking
    booking.answer_extra_work(by, extra, approved=approved)
    paid_by = await Charges(db).instrument_of(booking.id) if approved else None
    if paid_by is not None:
        outcome = pretend_bank.authorise(charges.instrument_of(paid_by), extra.price)
        await charges.authorise(db, booking.id, booking.customer_id, extra.price, "extra", outcome)
    await db.flush()
    return booking
