"""Hold a slot for seven minutes while the customer pays.

Lock order: the customer's holds, the service's row, one professional's time (app.scheduling.reservation).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.deadlines import HOLD_DURATION
from app.bookings.repository import Bookings, SaleTerms
from app.bookings.visit_details import NO_VISIT_DETAILS, VisitDetails
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock, violated_constraint
from app.core.errors import Invalid, Refused
from app.core.events import Actor, Person
from app.core.i18n import _, ngettext
from app.core.references import new_reference as new_reference
from app.scheduling.candidate_repository import (
    candidates_in_batches,
    first_candidates,
    require_pincode,
    unknown_pincode,
)
from app.scheduling.candidates import Candidate, RequestedSlot
from app.scheduling.offered_weeks_repository import offered_hours
from app.scheduling.reservation import reserve, reserve_first_free, reserved_professionals
from app.scheduling.slots import BookableService, bounds, fits_hours, on_grid

MAX_LIVE_HOLDS = 5
# Unpaid open bookings (held, or paid after the job and not completed): until the email address is confirmed; then until
# so many bookings are completed; then.
MAX_UNPAID_UNVERIFIED, MAX_UNPAID_UNTIL_COMPLETED, MAX_UNPAID = 1, {1: 3, 3: 5}, 12
BLOCKED_CONSTRAINT = "bookings_refuse_blocked"


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """A validated request for a booking; `starts_at` is aware, `professional_id` None means anyone."""

    service_id: int
    starts_at: datetime
    address: str
    pincode: str
    note: str = ""
    professional_id: int | None = None
    visit: VisitDetails = NO_VISIT_DETAILS


async def hold(db: AsyncSession, by: Person, request: BookingRequest) -> Booking:
    """Reserve a time for seven minutes.

    Invalid("start", "service_id", "pincode"): not possible (W5); Refused("taken", "nobody", "overdue", "holds",
    "unpaid").
    """
    booking = await reserve_slot(db, by, request)
    async with refuse_blocked(db):
        db.add(booking)
    return booking


async def reserve_slot(
    db: AsyncSession, by: Person, request: BookingRequest, *, payment_method: str | None = None
) -> Booking:
    """Reserve the time and return the held booking, which the caller adds to the session. Errors: see `hold`.

    `payment_method`: it is ordered in the same transaction, so the reservation does not expire.
    """
    # Concurrent forms of one customer count their holds and unpaid bookings in turn.
    await acquire_lock(db, AdvisoryLock.CUSTOMER_HOLDS, by.id)
    terms = await Bookings(db).lock_terms(by.id, request.service_id, request.pincode, clock.now())
    if terms is None:
        raise Invalid({"service_id": _("This service is no longer offered.")})
    if terms.overdue_booking_id is not None:
        raise Refused(_("Pay for your last job first. Then you can book again."), reason="overdue")
    check_start(terms, request.starts_at)
    if terms.live_holds >= MAX_LIVE_HOLDS:
        raise Refused(_("You're already holding several times. Pay for one first, or let them expire."), reason="holds")
    if payment_method in (None, "after"):
        _check_unpaid(terms)
    if terms.location is None:
        raise unknown_pincode()
    booking = _new_booking(by, terms, request)
    held_until = clock.now() + HOLD_DURATION
    expires_at = held_until if payment_method is None else None
    slot = RequestedSlot(booking.id, by.id, terms.id, request.starts_at, terms.minutes, terms.location, expires_at)
    first = await first_candidates(
        db, terms.id, terms.location, customer_id=by.id, professional_id=request.professional_id
    )
    if not first:
        raise Refused(_("No professionals offer this in %(pincode)s.", pincode=request.pincode), reason="nobody")
    candidate = await reserve_first_free(db, candidates_in_batches(db, terms.id, slot, first), slot)
    if candidate is None:
        raise await slot_unavailable(db, terms, slot, professional=first[0] if request.professional_id else None)
    booking.hold(by, candidate.id, held_until)
    return booking


@asynccontextmanager
async def refuse_blocked(db: AsyncSession) -> AsyncIterator[None]:
    """Write the block's changes in a savepoint. Refused("blocked"): who books or accepts was blocked meanwhile."""
    try:
        async with db.begin_nested():
            yield
    except IntegrityError as error:
        raise refusal_of(error) from error


async def resize_hold(db: AsyncSession, booking: Booking, minutes: int) -> bool:
    """Let the held `booking` (row locked) take `minutes` of the same professional's time; False when they are busy."""
    location = await require_pincode(db, booking.pincode)
    slot = RequestedSlot(
        booking.id, booking.customer_id, booking.service_id, booking.starts_at, minutes, location, booking.held_until
    )
    professional_id = (await reserved_professionals(db, [booking.id])).get(booking.id)
    if professional_id is None:
        return False
    if minutes <= booking.minutes:
        return await reserve(db, professional_id, slot)
    first = await first_candidates(
        db, booking.service_id, location, customer_id=booking.customer_id, professional_id=professional_id
    )
    batches = candidates_in_batches(db, booking.service_id, slot, first)
    return await reserve_first_free(db, batches, slot) is not None


def check_start(service: BookableService, starts_at: datetime) -> None:
    """Invalid("start") unless on the grid, after the notice and within the horizon."""
    first, end = bounds(service, clock.now())
    if not on_grid(starts_at):
        raise Invalid({"start": _("Choose a time on the hour or half hour.")})
    if starts_at.timestamp() < first:
        raise Invalid({"start": _("That time is too soon or already past. Pick a later one.")})
    if starts_at.timestamp() >= end:
        raise Invalid({"start": _("That day is too far ahead. Pick an earlier one.")})


async def slot_unavailable(
    db: AsyncSession, service: BookableService, slot: RequestedSlot, *, professional: Candidate | None = None
) -> Refused:
    """Why nobody, or not this professional, could be reserved: they do not work then, or the time was just taken."""
    weeks = [professional.hours] if professional else (await offered_hours(db, [service.id], slot.location))[service.id]
    if not any(fits_hours(week, slot.minutes, slot.starts_at) for week in weeks):
        return Refused(_("No professional is available then. Pick another time."), reason="taken", about="hours")
    return Refused(_("That time was just taken."), reason="taken")


def refusal_of(error: IntegrityError) -> Exception:
    """What to raise instead of the error of a booking's row: Refused("blocked") for the trigger behind every verb."""
    if violated_constraint(error) == BLOCKED_CONSTRAINT:
        return account_closed()
    return error


def account_closed() -> Refused:
    return Refused(_("This account was just closed. Nothing was booked."), reason="blocked")


def _check_unpaid(terms: SaleTerms) -> None:
    """Refused("unpaid") for a customer with as many unpaid open bookings as the known facts about them allow."""
    rungs = ((count, maximum) for count, maximum in MAX_UNPAID_UNTIL_COMPLETED.items() if terms.completed < count)
    completed_first, limit = next(rungs, (0, MAX_UNPAID))
    if not terms.is_verified:
        limit = MAX_UNPAID_UNVERIFIED
    if terms.unpaid < limit:
        return
    if not terms.is_verified:
        message = _(
            "You have a booking that isn't paid yet. To book more, confirm your email address: open the link that we"
            " sent you, or request a new one in your profile."
        )
        raise Refused(message, reason="unpaid", about="unverified")
    if completed_first:
        message = ngettext(
            "You can have %(limit)s unpaid bookings until your first visit is done. Pay for one that you hold by card"
            " or UPI, cancel one, or book again after the visit.",
            "You can have %(limit)s unpaid bookings until %(num)s visits are done. Pay for one that you hold by card or"
            " UPI, cancel one, or book again after a visit.",
            completed_first,
            limit=limit,
        )
    else:
        message = _(
            "You can have %(limit)s unpaid bookings. Pay for one that you hold by card or UPI, cancel one, or book"
            " again after a visit.",
            limit=limit,
        )
    raise Refused(message, reason="unpaid")


def _new_booking(by: Actor, terms: SaleTerms, request: BookingRequest) -> Booking:
    booking = Booking(
        id=terms.booking_id,
        reference=new_reference(),
        customer_id=by.id,
        service_id=terms.id,
        service_name=terms.name,
        price=terms.price,
        minutes=terms.minutes,
        address=request.address,
        pincode=request.pincode,
        note=request.note,
        requested_professional_id=request.professional_id,
        created_at=clock.now(),
    )
    booking.visit = request.visit
    booking.set_slot(request.starts_at)
    return booking
