"""The two codes at the door. Every try is counted, and the count safe, before it is compared (docs/rules.md, codes)."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.checkout import settle_completion
from app.bookings.code import LOCK, TRIES_BEFORE_LOCK, TRIES_IN_ALL, Code, digits
from app.bookings.moves import State, sorry
from app.bookings.repository import Bookings
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import _
from app.jobs.repository import Jobs, Try

# A transaction of its own, announced after its commit.
Apart = Callable[[], AbstractAsyncContextManager[AsyncSession]]

STATES = {"start": State.ASSIGNED, "finish": State.STARTED}


async def start(db: AsyncSession, apart: Apart, by: Actor, reference: str, typed: str, vault: Vault) -> Booking:
    """The customer has read out the start code. Invalid("code"): not the code; Refused: locked, void or too late."""
    tried = await _right_try(apart, by, reference, "start", digits(typed), vault)
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    booking.start(by, await _still_live(db, booking, tried), vault)
    return booking


async def complete(db: AsyncSession, apart: Apart, by: Actor, reference: str, typed: str, vault: Vault) -> Booking:
    """The customer has read out the finish code: the job is done and its money ours and theirs, in one transaction."""
    tried = await _right_try(apart, by, reference, "finish", digits(typed), vault)
    booking = await Bookings(db).for_professional(by, reference, lock=True)
    booking.complete(by, await _still_live(db, booking, tried))
    await settle_completion(db, booking)
    return booking


def locked_until(code: Code | None, now: datetime) -> datetime | None:
    """Until when entry is closed after wrong tries."""
    if code is None or code.locked_until is None or code.locked_until <= now or code.attempts >= TRIES_IN_ALL:
        return None
    return code.locked_until


def is_spent(code: Code | None) -> bool:
    """No try left: only the customer can ask for a new code."""
    return code is None or code.attempts >= TRIES_IN_ALL


# How


async def _right_try(apart: Apart, by: Actor, reference: str, phase: str, typed: str, vault: Vault) -> Try:
    async with apart() as counting:
        tried = await Jobs(counting).count_try(by, reference, phase, STATES[phase], clock.now(), LOCK)
        if tried is None:
            await _say_why(counting, by, reference, phase)
            raise Refused(_("That code cannot be used."), reason="void")
    if vault.matches(typed, f"{phase} code of {reference.upper()}", tried.digest):
        return tried
    if tried.attempts in (TRIES_BEFORE_LOCK, TRIES_IN_ALL):
        await _tell_those_concerned(apart, by, reference, tried)
    raise Invalid({"code": _wrong(tried)}, {"code": typed})


async def _say_why(db: AsyncSession, by: Actor, reference: str, phase: str) -> None:
    """No try was counted: the reason, in words."""
    booking = await Bookings(db).for_professional(by, reference)
    if booking.state != STATES[phase]:
        raise Refused(sorry(booking.state), reason="state")
    code = booking.live_code(phase)
    if is_spent(code):
        raise Refused(void_words(), reason="void")
    until = locked_until(code, clock.now())
    if until is not None:
        raise Refused(lock_words(until), reason="locked")


async def _tell_those_concerned(apart: Apart, by: Actor, reference: str, tried: Try) -> None:
    async with apart() as telling:
        booking = await Bookings(telling).for_professional(by, reference, lock=True)
        code = next((code for code in booking.codes if code.id == tried.code_id and code.is_live), None)
        if code is not None:
            booking.lock_entry(by, code, await Users(telling).admins())


async def _still_live(db: AsyncSession, booking: Booking, tried: Try) -> Code:
    """The code that was compared; moved, handed back or renewed meanwhile, it is worth nothing.

    The right code may have been the fifth try, or had others beside it: it is spent without the lock they brought.
    """
    if booking.state != STATES[tried.phase]:
        raise Refused(sorry(booking.state), reason="state")
    code = next((code for code in booking.codes if code.id == tried.code_id), None)
    if code is None or not code.is_live:
        raise Refused(void_words(), reason="void")
    await Jobs(db).lift_lock(code.id)
    return code


def lock_words(until: datetime) -> str:
    return _(
        "Entry is locked until %(time)s. The customer can ask for a new code on the booking page, which works at once.",
        time=until.astimezone(clock.IST).strftime("%H:%M"),
    )


def void_words() -> str:
    return _("This code does not work any more. The customer can ask for a new one on the booking page.")


def _wrong(tried: Try) -> str:
    if tried.attempts >= TRIES_IN_ALL:
        return _("That is not the code.") + " " + void_words()
    if tried.attempts == TRIES_BEFORE_LOCK and tried.locked_until is not None:
        return _("That is not the code.") + " " + lock_words(tried.locked_until)
    if tried.attempts < TRIES_BEFORE_LOCK:
        return _left(TRIES_BEFORE_LOCK - tried.attempts, _("then it locks for 15 minutes."))
    return _left(TRIES_IN_ALL - tried.attempts, _("then the customer must ask for a new code."))


def _left(tries: int, then: str) -> str:
    words = {
        1: _("That is not the code. One try left, %(then)s", then=then),
        2: _("That is not the code. Two tries left, %(then)s", then=then),
        3: _("That is not the code. Three tries left, %(then)s", then=then),
        4: _("That is not the code. Four tries left, %(then)s", then=then),
    }
    return words[tries]
