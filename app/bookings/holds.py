"""Keeping a time for seven minutes while its customer pays, and letting it go again.

The order of locks stands in app.bookings.reservation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import PLATFORM, Actor, Person
from app.core.i18n import N_, _
from app.core.references import reference as new_reference
from app.payments import charges
from app.scheduling.candidates import crew_of, fill, known_place
from app.scheduling.slots import Offered, bounds, is_free, on_grid

LIVE_HOLDS = 5
OVERLAP = "bookings_overlap_excl"
BLOCKED = "may not book or accept"  # what bookings_nobody_blocked says


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks for; `starts_at` aware, `professional_id` None for "anyone"."""

    service_id: int
    starts_at: datetime
    address: str
    pincode: str
    note: str = ""
    professional_id: int | None = None


async def hold(db: AsyncSession, by: Person, wish: Wish) -> Booking:
    """Keep a time for seven minutes. Invalid: it cannot be, or not any more (W5); Refused("taken"): too late."""
    bookings = Bookings(db)
    service = await bookings.on_sale(wish.service_id)
    if service is None:
        raise Invalid({"service_id": _("We do not offer this any more.")})
    check_start(service, wish.starts_at)
    if await bookings.live_holds(by.id, clock.now()) >= LIVE_HOLDS:
        raise Refused(_("You keep several times already. Pay for one first, or let them lapse."), reason="holds")
    where = await known_place(db, wish.pincode)
    crew = await crew_of(db, [service.id], where, professional_id=wish.professional_id)
    if not crew:
        raise Refused(_("Nobody who does this comes to %(pincode)s.", pincode=wish.pincode), reason="nobody")
    await bookings.lock_time_of(worker.id for worker in crew)
    await expire_holds(db, {worker.id for worker in crew})
    await fill(db, crew, wish.starts_at, wish.starts_at + timedelta(minutes=service.minutes))
    for worker in crew:
        if is_free(worker, service.minutes, where, wish.starts_at):
            booking = await _insert(db, _drafted(by, service, wish), by, worker.id)
            if booking is not None:
                return booking
    raise taken()


async def still_fits(db: AsyncSession, booking: Booking, minutes: int) -> bool:
    """Has the reserved person room for the held `booking` (row locked) if it takes so long? Their time is locked."""
    bookings, where = Bookings(db), await known_place(db, booking.pincode)
    crew = await crew_of(db, [booking.service_id], where, professional_id=booking.reserved_for)
    await bookings.lock_time_of(worker.id for worker in crew)
    await expire_holds(db, {worker.id for worker in crew})
    await fill(db, crew, booking.starts_at, booking.starts_at + timedelta(minutes=minutes), ignoring=booking.id)
    return any(is_free(worker, minutes, where, booking.starts_at) for worker in crew)


async def expire_holds(db: AsyncSession, professionals: Collection[int] | None = None) -> int:
    """Cancel lapsed holds, of these people or of everybody; their slots are free at once, no code is awaited."""
    lapsed = await Bookings(db).lapsed_holds(clock.now(), professionals)
    for booking in lapsed:
        booking.cancel(PLATFORM, "expired", N_("Not paid in time."))
    if lapsed:
        await charges.give_up_codes(db, [booking.id for booking in lapsed])
    await db.flush()
    return len(lapsed)


def check_start(service: Offered, starts_at: datetime) -> None:
    """Invalid("start") unless on the grid, after the notice and within the horizon."""
    first, end = bounds(service, clock.now())
    if not on_grid(starts_at):
        raise Invalid({"start": _("Times start on the hour or half past.")})
    if starts_at.timestamp() < first:
        raise Invalid({"start": _("That time is too soon or over. Please pick a later one.")})
    if starts_at.timestamp() >= end:
        raise Invalid({"start": _("That day is too far away. Please pick one of the next days.")})


def taken() -> Refused:
    return Refused(_("That time was just taken."), reason="taken")


async def write(db: AsyncSession) -> None:
    """Write now; what the database itself refuses is said in words: Refused "taken", "blocked"."""
    try:
        async with db.begin_nested():
            await db.flush()
    except IntegrityError as clash:
        raise _said(clash) from clash


def _said(clash: IntegrityError) -> Exception:
    words = str(clash.orig)
    if OVERLAP in words:
        return taken()
    if BLOCKED in words:
        return Refused(_("This account was closed a moment ago. Nothing was booked."), reason="blocked")
    return clash


# How


def _drafted(by: Actor, service: Service, wish: Wish) -> Booking:
    booking = Booking(
        reference=new_reference(),
        customer_id=by.id,
        service_id=service.id,
        service_name=service.name,
        price=service.price,
        minutes=service.minutes,
        address=wish.address,
        pincode=wish.pincode,
        note=wish.note,
        named_id=wish.professional_id,
        created_at=clock.now(),
    )
    booking.set_slot(wish.starts_at)
    return booking


async def _insert(db: AsyncSession, booking: Booking, by: Actor, professional_id: int) -> Booking | None:
    """The held booking, or None when the database says that this person's time is taken."""
    booking.hold(by, professional_id)
    try:
        async with db.begin_nested():
            db.add(booking)
    except IntegrityError as clash:
        if OVERLAP not in str(clash.orig):
            raise _said(clash) from clash
        return None
    return booking
