"""Hold a slot for seven minutes while the customer pays, and expire holds.

Lock order: see app.bookings.reservation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.db import violated_constraint
from app.core.errors import Invalid, Refused
from app.core.events import PLATFORM, Actor, Person
from app.core.i18n import N_, _
from app.core.references import new_reference as new_reference
from app.scheduling.candidate_repository import find_candidates, load_unavailability, require_pincode
from app.scheduling.slots import BookableService, bounds, is_free, on_grid

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
    candidates = await find_candidates(db, [service.id], location, professional_id=request.professional_id)
    if not candidates:
        raise Refused(_("No professionals offer this in %(pincode)s.", pincode=request.pincode), reason="nobody")
    await bookings.lock_time(candidate.id for candidate in candidates)
    await expire_holds(db, {candidate.id for candidate in candidates})
    await load_unavailability(db, candidates, request.starts_at, request.starts_at + timedelta(minutes=service.minutes))
    for candidate in candidates:
        if is_free(candidate, service.minutes, location, request.starts_at):
            booking = await _insert_if_free(db, _new_booking(by, service, request), by, candidate.id)
            if booking is not None:
                return booking
    raise slot_taken()


async def hold_fits(db: AsyncSession, booking: Booking, minutes: int) -> bool:
    """Whether the reserved professional has room for the held `booking` (row locked) of `minutes`; locks their time."""
    bookings, location = Bookings(db), await require_pincode(db, booking.pincode)
    candidates = await find_candidates(db, [booking.service_id], location, professional_id=booking.reserved_for)
    await bookings.lock_time(candidate.id for candidate in candidates)
    await expire_holds(db, {candidate.id for candidate in candidates})
    await load_unavailability(
        db, candidates, booking.starts_at, booking.starts_at + timedelta(minutes=minutes), ignoring=booking.id
    )
    return any(is_free(candidate, minutes, location, booking.starts_at) for candidate in candidates)


async def expire_holds(db: AsyncSession, professionals: Collection[int] | None = None) -> int:
    """Cancel lapsed holds, of these professionals or of all, which frees their slots; return how many."""
    lapsed = await Bookings(db).lapsed_holds(clock.now(), professionals)
    for booking in lapsed:
        await cancel_booking(db, booking, PLATFORM, "expired", N_("Not paid in time."))
    await db.flush()
    return len(lapsed)


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


async def _insert_if_free(db: AsyncSession, booking: Booking, by: Actor, professional_id: int) -> Booking | None:
    """The held booking, or None when the exclusion constraint says that the professional's time is taken."""
    booking.hold(by, professional_id)
    try:
        async with db.begin_nested():
            db.add(booking)
    except IntegrityError as error:
        if violated_constraint(error) != OVERLAP_CONSTRAINT:
            raise _refusal_of(error) from error
        return None
    return booking
