"""Hold a slot for seven minutes while the customer pays.

Lock order: see app.bookings.reservation.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.bookings.time_lock import RequestedSlot, lock_first_free
from app.catalog.service import Service
from app.core import clock
from app.core.db import violated_constraint
from app.core.errors import Invalid, Refused
from app.core.events import Actor, Person
from app.core.i18n import _
from app.core.references import new_reference as new_reference
from app.scheduling.candidate_repository import candidates_in_batches, find_candidates, require_pincode
from app.scheduling.slots import BookableService, bounds, on_grid

MAX_LIVE_HOLDS = 5
OVERLAP_CONSTRAINT = "bookings_overlap_excl"
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


async def hold(db: AsyncSession, by: Person, request: BookingRequest) -> Booking:
    """Reserve a time for seven minutes.

    Invalid("start", "service_id"): not possible (W5); Refused("taken", "holds", "nobody").
    """
    bookings = Bookings(db)
    service = await bookings.on_sale(request.service_id)
    if service is None:
        raise Invalid({"service_id": _("This service is no longer offered.")})
    check_start(service, request.starts_at)
    if await bookings.count_live_holds(by.id, clock.now()) >= MAX_LIVE_HOLDS:
        raise Refused(_("You're already holding several times. Pay for one first, or let them expire."), reason="holds")
    location = await require_pincode(db, request.pincode)
    slot = RequestedSlot(request.starts_at, service.minutes, location)
    candidate = await lock_first_free(
        db, candidates_in_batches(db, [service.id], location, professional_id=request.professional_id), slot
    )
    if candidate is None:
        if not await find_candidates(db, [service.id], location, professional_id=request.professional_id, limit=1):
            raise Refused(_("No professionals offer this in %(pincode)s.", pincode=request.pincode), reason="nobody")
        raise slot_taken()
    booking = _new_booking(by, service, request)
    booking.hold(by, candidate.id)
    try:
        async with db.begin_nested():
            db.add(booking)
    except IntegrityError as error:
        raise _refusal_of(error) from error
    return booking


async def hold_fits(db: AsyncSession, booking: Booking, minutes: int) -> bool:
    """Whether the reserved professional has room for the held `booking` (row locked) of `minutes`; locks their time."""
    location = await require_pincode(db, booking.pincode)
    reserved = candidates_in_batches(db, [booking.service_id], location, professional_id=booking.reserved_for)
    slot = RequestedSlot(booking.starts_at, minutes, location, ignoring=booking.id)
    return await lock_first_free(db, reserved, slot) is not None


def check_start(service: BookableService, starts_at: datetime) -> None:
    """Invalid("start") unless on the grid, after the notice and within the horizon."""
    first, end = bounds(service, clock.now())
    if not on_grid(starts_at):
        raise Invalid({"start": _("Choose a time on the hour or half hour.")})
    if starts_at.timestamp() < first:
        raise Invalid({"start": _("That time is too soon or already past. Pick a later one.")})
    if starts_at.timestamp() >= end:
        raise Invalid({"start": _("That day is too far ahead. Pick an earlier one.")})


def slot_taken() -> Refused:
    return Refused(_("That time was just taken."), reason="taken")


async def flush_booking(db: AsyncSession) -> None:
    """Flush in a savepoint; violated constraints become Refused("taken") and Refused("blocked")."""
    try:
        async with db.begin_nested():
            await db.flush()
    except IntegrityError as error:
        raise _refusal_of(error) from error


def _refusal_of(error: IntegrityError) -> Exception:
    constraint = violated_constraint(error)
    if constraint == OVERLAP_CONSTRAINT:
        return slot_taken()
    if constraint == BLOCKED_CONSTRAINT:
        return Refused(_("This account was just closed. Nothing was booked."), reason="blocked")
    return error


def _new_booking(by: Actor, service: Service, request: BookingRequest) -> Booking:
    booking = Booking(
        reference=new_reference(),
        customer_id=by.id,
        service_id=service.id,
        service_name=service.name,
        price=service.price,
        minutes=service.minutes,
        address=request.address,
        pincode=request.pincode,
        note=request.note,
        requested_professional_id=request.professional_id,
        created_at=clock.now(),
    )
    booking.set_slot(request.starts_at)
    return booking
