"""W21: the start that a visitor chose is held once they sign in, and the form that follows continues this hold.

Who signs in is held the time by the POST that signed them in, never by a GET (docs/decisions/0041-held-at-sign-in.md).
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import typed_pincode
from app.accounts.repository import Addresses
from app.accounts.user import Role, User
from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.customer_repository import OwnBookings
from app.bookings.holds import BookingRequest, hold
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.schemas import read_start
from app.bookings.visit_details import NO_VISIT_DETAILS
from app.catalog.repository import ServiceRepository
from app.core import clock
from app.core.db import AdvisoryLock, TransactionFactory, acquire_lock
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.references import parse_row_id

NEW_BOOKING_PATH = "/bookings/new"
MAX_FIELDS = 10


@dataclass(frozen=True, slots=True)
class ChosenStart:
    """What the address of a new booking's form says; `pincode` is "" when it can't be read, None when none is named."""

    service: str
    starts_at: datetime
    pincode: str | None
    professional_id: int | None


async def hold_chosen_start(new_transaction: TransactionFactory, user: User, next_url: str) -> None:
    """Hold what `next_url` chose for the customer who just signed in, by the rules of every hold.

    A choice that can't be held is left to the form, which says why.
    """
    try:
        chosen = read_chosen_start(next_url) if user.role == Role.CUSTOMER else None
        if chosen is not None:
            async with new_transaction() as db:
                await _hold(db, user, chosen)
    except (Invalid, Missing, Refused):
        return


def read_chosen_start(next_url: str) -> ChosenStart | None:
    """None for every other page, and without a service or a start. Raises Invalid for a start that can't be read."""
    parts = urlsplit(next_url)
    if parts.path != NEW_BOOKING_PATH or parts.query.count("&") >= MAX_FIELDS:
        return None
    pairs = parse_qsl(parts.query)
    fields = dict(pairs)
    if len(fields) != len(pairs) or not fields.get("service") or not fields.get("start"):
        return None
    return ChosenStart(
        fields["service"],
        read_start(fields["start"]),
        typed_pincode(fields["pincode"]) or "" if fields.get("pincode") else None,
        parse_row_id(fields.get("professional", "")),
    )


async def continue_hold(db: AsyncSession, by: Person, reference: str, request: BookingRequest) -> str | None:
    """Take the customer's hold `reference` for the request, and return its reference.

    None when a hold of its own is needed: this one is over, or it was for something else and ends here. Raises Missing
    for a booking that is not theirs.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if booking.state != State.HELD or booking.hold_lapsed(clock.now()):
        return None
    if not _is_for(booking, request):
        await cancel_booking(db, booking, by, "customer", "")
        return None
    if (booking.address, booking.note, booking.visit) != (request.address, request.note, request.visit):
        booking.change_details(by, request.address, request.note, request.visit)
        await db.flush()
    return booking.reference


async def _hold(db: AsyncSession, user: User, chosen: ChosenStart) -> None:
    service_id = parse_row_id(chosen.service) or (await ServiceRepository(db).by_slug(chosen.service)).id
    addresses = await Addresses(db, user.id).all()
    there = [address for address in addresses if chosen.pincode in (None, address.pincode)]
    if not there:
        return
    # The same form sent twice, and a window that is signed in already, hold it once.
    await acquire_lock(db, AdvisoryLock.CUSTOMER_HOLDS, user.id)
    if any(booking.is_open for booking in await OwnBookings(db, user).similar(service_id, chosen.starts_at)):
        return
    where = there[0].line, there[0].pincode
    visit = NO_VISIT_DETAILS.at(there[0].details)
    request = BookingRequest(service_id, chosen.starts_at, *where, professional_id=chosen.professional_id, visit=visit)
    await hold(db, user, request)


def _is_for(booking: Booking, request: BookingRequest) -> bool:
    """Whether the hold is of the request's service, start, place and professional."""
    held = (booking.service_id, booking.starts_at, booking.pincode, booking.requested_professional_id)
    return held == (request.service_id, request.starts_at, request.pincode, request.professional_id)
