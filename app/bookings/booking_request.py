"""Read a request for a booking as it was typed, with the saved address that was chosen."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address_details import AddressDetails
from app.accounts.repository import Addresses
from app.bookings.holds import BookingRequest
from app.bookings.schemas import NewBooking, read_address, read_start
from app.bookings.visit_details import NO_VISIT_DETAILS, read_visit_details
from app.core.errors import Invalid, Missing
from app.core.events import Person
from app.core.i18n import _


async def read_booking_request(
    db: AsyncSession, by: Person, new_booking: NewBooking, account_email: str, *, address_given: bool
) -> BookingRequest:
    """The validated request; without `address_given` and without an address the customer's saved one is meant.

    Invalid beside each field that is wrong. `account_email`: as app.bookings.visit_details.read_visit_details.
    """
    errors: dict[str, str] = {}
    starts_at: datetime | None = None
    address, pincode, saved, visit = "", "", None, NO_VISIT_DETAILS
    try:
        starts_at = read_start(new_booking.start)
    except Invalid as error:
        errors |= error.errors
    try:
        address, pincode, saved = await _find_address(db, by, new_booking, address_given=address_given)
    except Invalid as error:
        errors |= error.errors
    try:
        typed = new_booking.visit()
        visit = read_visit_details(replace(typed, floor="", landmark="") if saved else typed, account_email)
    except Invalid as error:
        errors |= error.errors
    if errors or starts_at is None:
        raise Invalid(errors)
    visit = visit.at(saved) if saved else visit
    chosen = new_booking.service_id, starts_at, address, pincode, new_booking.note, new_booking.professional_id
    return BookingRequest(*chosen, visit)


async def _find_address(
    db: AsyncSession, by: Person, new_booking: NewBooking, *, address_given: bool
) -> tuple[str, str, AddressDetails | None]:
    """(address line, pincode, details): the saved address that was chosen, the default one, or the one typed."""
    address_book = Addresses(db, by.id)
    if new_booking.address_id is not None:
        try:
            saved = await address_book.get(new_booking.address_id)
        except Missing as error:
            raise Invalid({"address_id": _("This isn't one of your saved addresses.")}) from error
        return saved.line, saved.pincode, saved.details
    if not address_given and not new_booking.address:
        for saved in await address_book.all():
            if new_booking.pincode in ("", saved.pincode):
                return saved.line, saved.pincode, saved.details
    return *read_address(new_booking.address, new_booking.pincode), None
