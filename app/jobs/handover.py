"""Leave for a job, be late, arrive, start and finish it with codes; report a customer no-show (W13, W23, W24).

Every attempt at a code is counted and committed before it is compared (docs/rules.md, codes).
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.code import (
    ATTEMPTS_BEFORE_LOCK,
    LOCK_DURATION,
    MAX_ATTEMPTS,
    Code,
    CodeAttempt,
    entry_locked_until,
    is_spent,
    parse_code,
)
from app.bookings.completion import complete_booking
from app.bookings.deadlines import LATE_FEE_PAISE
from app.bookings.decline import require_undisputed_arrival
from app.bookings.moves import State, StateRefused
from app.bookings.repository import Bookings
from app.core import clock
from app.core.datetimes import format_clock_time, format_day, format_near_time
from app.core.db import TransactionFactory
from app.core.encryption import Encryption
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import N_, _
from app.core.references import parse_reference
from app.jobs.repository import Jobs
from app.scheduling.candidate_repository import require_pincode
from app.scheduling.travel import ArrivalWindow, arrival_window

PHASE_STATES = {"start": State.ASSIGNED, "finish": State.STARTED}


async def depart(db: AsyncSession, by: Actor, reference: str, *, early: bool = False) -> Booking:
    """Record that the professional is on the way. Refused("early"): long before the slot and not confirmed (W23)."""
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    if booking.departed_at is None and not early:
        question = _early_question(booking)
        if question is not None:
            raise Refused(question, reason="early", about="departure")
    booking.depart(by, await _expected_arrival(db, by, booking))
    return booking


async def report_delay(db: AsyncSession, by: Actor, reference: str, minutes: int) -> Booking:
    """W24: the professional is `minutes` later than expected. Refused("state", "late_twice")."""
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    booking.delay(by, minutes)
    return booking


async def arrive(db: AsyncSession, by: Actor, reference: str) -> Booking:
    """Record that the professional is at the door. Refused("early"): more than an hour before the slot (W23)."""
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    is_new = booking.state == State.ASSIGNED and booking.arrived_at is None
    if is_new and clock.now() < booking.arrival_from:
        raise Refused(arrival_message(booking), reason="early")
    booking.arrive(by)
    return booking


async def start(
    db: AsyncSession,
    new_transaction: TransactionFactory,
    by: Actor,
    reference: str,
    typed: str,
    encryption: Encryption,
    *,
    early: bool = False,
) -> Booking:
    """Start the job with the code that the customer read out.

    Invalid("code"): wrong; Refused: locked, void, late, or "early": long before the slot and not confirmed (W23).
    """
    code = parse_code(typed)
    if not early:
        question = _early_question(await Bookings(db).for_professional(by, reference))
        if question is not None:
            raise Refused(question, reason="early", about="start")
    attempt = await _matching_attempt(new_transaction, by, reference, "start", code, encryption)
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    booking.start(by, await _revalidate(db, booking, attempt), encryption)
    return booking


async def complete(
    db: AsyncSession, new_transaction: TransactionFactory, by: Actor, reference: str, typed: str, encryption: Encryption
) -> Booking:
    """Complete the job with the finish code; its money and its receipt are of the same transaction."""
    attempt = await _matching_attempt(new_transaction, by, reference, "finish", parse_code(typed), encryption)
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    await complete_booking(db, booking, by, await _revalidate(db, booking, attempt), encryption)
    return booking


async def count_attempt(new_transaction: TransactionFactory, by: Actor, reference: str, phase: str) -> None:
    """Count a wrong attempt at the code of `phase` ("start", "finish") without comparing; errors as at an attempt."""
    await _record_lock(new_transaction, by, reference, await _counted_attempt(new_transaction, by, reference, phase))


async def report_no_show(db: AsyncSession, by: Actor, reference: str) -> Booking:
    """Cancel as a no-show with the fee of a late cancellation (W13). Idempotent; Refused("early").

    The customer may dispute it for 48 h.
    """
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    if booking.state == State.CANCELLED and booking.cancelled_as == "no_show":
        return booking
    if booking.state == State.ASSIGNED and not booking.may_report_no_show(clock.now()):
        raise Refused(_too_early_message(booking), reason="early")
    await require_undisputed_arrival(db, booking)
    fee = min(LATE_FEE_PAISE, booking.price)
    await cancel_booking(db, booking, by, "no_show", N_("No answer at the door."), fee)
    return booking


async def _expected_arrival(db: AsyncSession, by: Actor, booking: Booking) -> ArrivalWindow:
    """When a professional who leaves now arrives: from the job they completed last today, else from home."""
    place = await Jobs(db).last_place(by)
    return arrival_window(clock.now(), place, await require_pincode(db, booking.pincode), booking.arrival_from)


def _early_question(booking: Booking) -> str | None:
    """The question to confirm first when the visit is more than 90 minutes away (W23)."""
    if booking.state != State.ASSIGNED or not booking.is_early(clock.now()):
        return None
    message = _("The visit is at %(time)s. Start now?", time=format_clock_time(booking.starts_at))
    if booking.starts_at.astimezone(clock.IST).date() != clock.today():
        message += " " + _("It's booked for %(day)s.", day=format_day(booking.starts_at))
    return message


async def _matching_attempt(
    new_transaction: TransactionFactory, by: Actor, reference: str, phase: str, typed: str, encryption: Encryption
) -> CodeAttempt:
    attempt = await _counted_attempt(new_transaction, by, reference, phase)
    if encryption.matches(typed, f"{phase} code of {parse_reference(reference)}", attempt.digest):
        return attempt
    await _record_lock(new_transaction, by, reference, attempt)
    raise Invalid({"code": _wrong_code_message(attempt)}, {"code": typed})


async def _counted_attempt(new_transaction: TransactionFactory, by: Actor, reference: str, phase: str) -> CodeAttempt:
    async with new_transaction() as transaction:
        attempt = await Bookings(transaction).count_code_attempt(
            by, reference, phase, PHASE_STATES[phase], clock.now(), LOCK_DURATION
        )
        if attempt is None:
            await _refuse_attempt(transaction, by, reference, phase)
            raise Refused(_("That code can't be used."), reason="void")
    return attempt


async def _refuse_attempt(db: AsyncSession, by: Actor, reference: str, phase: str) -> None:
    """Raise Refused with the reason why no attempt was counted."""
    booking = await Bookings(db).for_professional(by, reference)
    if booking.state != PHASE_STATES[phase]:
        raise StateRefused(booking.state)
    code = booking.live_code(phase)
    if is_spent(code):
        raise Refused(void_message(), reason="void")
    until = entry_locked_until(code, clock.now())
    if until is not None:
        raise Refused(locked_message(until), reason="locked")


async def _record_lock(new_transaction: TransactionFactory, by: Actor, reference: str, attempt: CodeAttempt) -> None:
    if attempt.attempts not in (ATTEMPTS_BEFORE_LOCK, MAX_ATTEMPTS):
        return
    async with new_transaction() as transaction:
        booking = await Bookings(transaction).for_professional(by, reference, lock=True)
        code = next((code for code in booking.codes if code.id == attempt.code_id and code.is_live), None)
        if code is not None:
            booking.record_code_lock(by, code, await Users(transaction).admin_ids())


async def _revalidate(db: AsyncSession, booking: Booking, attempt: CodeAttempt) -> Code:
    """Return the compared code if it is still live; Refused when the job moved, was handed back or the code renewed.

    The right code may come with the fifth attempt, or beside wrong ones: the lock they set is lifted.
    """
    if booking.state != PHASE_STATES[attempt.phase]:
        raise StateRefused(booking.state)
    code = next((code for code in booking.codes if code.id == attempt.code_id), None)
    if code is None or not code.is_live:
        raise Refused(void_message(), reason="void")
    await Bookings(db).lift_code_lock(code.id)
    return code


def arrival_message(booking: Booking) -> str:
    time = format_near_time(booking.arrival_from)
    return _("You can confirm that you're at the door from %(time)s.", time=time)


def locked_message(until: datetime) -> str:
    return _(
        "Code entry is locked until %(time)s. The customer can get a new code on their booking page. It "
        "works right away.",
        time=format_near_time(until),
    )


def void_message() -> str:
    return _("This code is no longer valid. The customer can get a new code on the booking page.")


def _wrong_code_message(attempt: CodeAttempt) -> str:
    if attempt.attempts >= MAX_ATTEMPTS:
        return _("That's not the right code.") + " " + void_message()
    if attempt.attempts == ATTEMPTS_BEFORE_LOCK and attempt.locked_until is not None:
        return _("That's not the right code.") + " " + locked_message(attempt.locked_until)
    if attempt.attempts < ATTEMPTS_BEFORE_LOCK:
        return _remaining_message(ATTEMPTS_BEFORE_LOCK - attempt.attempts, _("then it locks for 15 minutes."))
    return _remaining_message(MAX_ATTEMPTS - attempt.attempts, _("then the customer must get a new code."))


def _remaining_message(attempts: int, then: str) -> str:
    messages = {
        1: _("That's not the right code. 1 try left, %(then)s", then=then),
        2: _("That's not the right code. 2 tries left, %(then)s", then=then),
        3: _("That's not the right code. 3 tries left, %(then)s", then=then),
        4: _("That's not the right code. 4 tries left, %(then)s", then=then),
    }
    return messages[attempts]


def _too_early_message(booking: Booking) -> str:
    since = booking.no_show_reportable_from()
    if since is None:
        return _("Confirm that you're at the door first.")
    return _("You can report it from %(time)s.", time=format_near_time(since))
