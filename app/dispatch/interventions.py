"""What an admin does to a booking by hand: cancel it, move it, give it to another professional, write a note.

Lock order: see app.bookings.reservation.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason, clean_text
from app.bookings.booking import Booking
from app.bookings.cancellation import CancellationCost, cancel_booking, cancellation_cost
from app.bookings.decline import require_undisputed_arrival
from app.bookings.holds import refuse_blocked
from app.bookings.moves import State, StateRefused
from app.bookings.repository import Bookings
from app.bookings.reservation import add_decline, reschedule
from app.bookings.self_booking import record_flag_of_assignment
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.dispatch.assignment import find_assignment_candidates, refuse_busy, take_for
from app.jobs.acceptance import lock_with_reservations
from app.payments.repository import Charges
from app.payments.tax import share_fee
from app.payments.tax_repository import find_tax_rule

MAX_NOTE_LENGTH = 1_000  # characters
CANCELLABLE = (State.HELD, State.REQUESTED, State.ASSIGNED)
REASSIGNABLE = (State.ASSIGNED, State.STARTED)


@dataclass(frozen=True, slots=True)
class AdminCancellation:
    """What cancelling costs the customer without a fee and by the rule; `earning` is the professional's of that fee."""

    without_fee: CancellationCost
    by_rule: CancellationCost
    earning: int


async def preview_cancellation(db: AsyncSession, booking: Booking) -> AdminCancellation:
    """In paise; nothing is written."""
    by_rule = cancellation_cost(booking, await Charges(db).of_booking(booking.id))
    held = by_rule.back + by_rule.fee - by_rule.owed
    tax = await find_tax_rule(db, booking.service_id, booking.professional_id)
    shares = share_fee(by_rule.fee, tax, to_professional=booking.professional_id is not None)
    return AdminCancellation(CancellationCost(0, held, 0), by_rule, shares.earning)


async def cancel(db: AsyncSession, by: Person, reference: str, reason: str, *, with_fee: bool) -> Booking:
    """Cancel for Doorstep, without a fee or with the one that the rules set; repeated, change nothing.

    Invalid("reason"); Refused("state") for a started or finished job.
    """
    reason = clean_reason(reason)
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state == State.CANCELLED:
        return booking
    require_cancellable(booking)
    fee = 0
    if with_fee:
        await require_undisputed_arrival(db, booking)
        fee = cancellation_cost(booking, ()).fee
    await cancel_booking(db, booking, by, "platform", reason, fee)
    return booking


async def move(db: AsyncSession, by: Person, reference: str, starts_at: datetime) -> Booking:
    """Move to another start without a fee; the previous professional is asked first. Refused("taken", "state")."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state not in (State.REQUESTED, State.ASSIGNED):
        raise StateRefused(booking.state)
    if booking.starts_at == starts_at:
        raise Invalid({"start": _("The booking has this time already. Pick another one.")})
    await reschedule(db, by, booking, starts_at, is_free=True)
    return booking


async def reassign(
    db: AsyncSession, by: Person, reference: str, professional_id: int, reason: str, encryption: Encryption
) -> Booking:
    """Give the job to another professional, who gets a new start code; repeated for the same person, change nothing.

    A started job is accepted again. Refused("state", "busy"); Missing when they do not offer the service.
    """
    reason = clean_reason(reason)
    booking, reservations = await lock_with_reservations(Bookings(db), professional_id, reference)
    if booking.state == State.ASSIGNED and booking.professional_id == professional_id:
        return booking
    if booking.state not in REASSIGNABLE:
        raise StateRefused(booking.state)
    candidate = next(iter(await find_assignment_candidates(db, booking, professional_id)), None)
    if candidate is None or booking.professional_id == professional_id:
        raise Missing
    refuse_busy(candidate)
    await take_for(db, candidate, booking, reservations, may_be_late=True)
    add_decline(db, booking, booking.professional_id, "absent", reason)
    async with refuse_blocked(db):
        booking.reassign(by, professional_id, reason, encryption)
    await record_flag_of_assignment(db, booking)
    return booking


async def add_note(db: AsyncSession, by: Person, reference: str, text: str) -> Booking:
    """Write a note into the booking's history, for admins. Invalid("text")."""
    text = clean_text(text)
    if not text or len(text) > MAX_NOTE_LENGTH:
        raise Invalid({"text": _("Write a note in 1,000 characters or fewer.")})
    booking = await Bookings(db).by_reference(reference, lock=True)
    booking.add_note(by, text)
    await db.flush()
    return booking


async def send_message(db: AsyncSession, by: Person, reference: str, to: str, text: str) -> Booking:
    """Write to the customer or the professional, who get it as a notification. Invalid("text"); Refused("state")."""
    text = clean_text(text)
    if not text or len(text) > MAX_NOTE_LENGTH:
        raise Invalid({"text": _("Write a message in 1,000 characters or fewer.")})
    booking = await Bookings(db).by_reference(reference, lock=True)
    if to == "professional" and booking.professional_id is None:
        raise Refused(_("No professional has this job."), reason="state", about="unassigned")
    booking.send_admin_message(by, to, text)
    await db.flush()
    return booking


def require_cancellable(booking: Booking) -> None:
    """Raises Refused("state") with a sentence that says what to do instead."""
    if booking.state == State.STARTED:
        raise Refused(
            _("This job has started. It is ended by a case: open one for this booking under Cases."),
            reason="state",
            about="started",
        )
    if booking.state not in CANCELLABLE:
        raise StateRefused(booking.state)
