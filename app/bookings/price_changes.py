"""Changes of the catalog while the customer pays for a held booking (W5, W6)."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.holds import resize_hold
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core.db import TransactionFactory
from app.core.errors import Refused
from app.core.events import PLATFORM
from app.core.i18n import N_, _
from app.payments import charges

TOO_LONG = N_("This service now takes longer than your time slot allows. Pick another time.")


async def check_price(db: AsyncSession, booking: Booking, shown_price: str | None) -> None:
    """Check before the bank is asked. Refused("retired"): W5; Refused("changed"): W6, or the page showed another price.

    `shown_price` is in paise, as text; None when no price was shown.
    """
    service = await db.get_one(Service, booking.service_id, populate_existing=True)
    if service.retired_at is not None:
        raise _retired()
    if has_changed(booking, service) or shown_price not in (None, str(booking.price)):
        raise _changed(booking, service)


async def lock_price(db: AsyncSession, booking: Booking) -> None:
    """Check that the catalog still offers this price, and lock it until the end of the transaction."""
    service = await Bookings(db).on_sale(booking.service_id)
    if service is None:
        raise _retired()
    if has_changed(booking, service):
        raise _changed(booking, service)


async def follow_catalog(new_transaction: TransactionFactory, booking: Booking, refusal: Refused) -> Refused:
    """Apply the catalog's change to the held booking, apart from the refused transaction; return what to answer."""
    async with new_transaction() as db:
        if refusal.reason == "retired":
            await drop_hold(db, booking.reference)
        if refusal.reason == "changed" and not await requote(db, booking.reference):
            return Refused(_(TOO_LONG), reason="taken", about="length")
    return refusal


async def requote(db: AsyncSession, reference: str) -> bool:
    """W6: give the held booking the catalog's new price and minutes and abandon the bank's code.

    False: the reserved time has no room for the new minutes, and the hold was cancelled.
    """
    booking = await Bookings(db).by_reference(reference, lock=True)
    service = await db.get_one(Service, booking.service_id)
    if booking.state != State.HELD or not has_changed(booking, service):
        return True
    if not await resize_hold(db, booking, service.minutes):
        await cancel_booking(db, booking, PLATFORM, "platform", TOO_LONG)
        return False
    booking.requote(PLATFORM, service.price, service.minutes, await Bookings(db).last_editor(service))
    await charges.release(db, booking.id)
    await db.flush()
    return True


async def drop_hold(db: AsyncSession, reference: str) -> None:
    """W5: cancel the hold of a service that is no longer offered."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state == State.HELD and await Bookings(db).on_sale(booking.service_id) is None:
        await cancel_booking(db, booking, PLATFORM, "platform", N_("This service is no longer offered."))


def has_changed(booking: Booking, service: Service) -> bool:
    return (booking.price, booking.minutes) != (service.price, service.minutes)


def _retired() -> Refused:
    return Refused(_("This service is no longer offered. You haven't been charged."), reason="retired")


def _changed(booking: Booking, service: Service) -> Refused:
    if booking.price == service.price and booking.minutes != service.minutes:
        return Refused(
            _("The length of the visit changed while you were paying. You haven't been charged."),
            reason="changed",
            about="length",
        )
    return price_changed()


def price_changed() -> Refused:
    return Refused(
        _("The price changed while you were paying. You haven't been charged."), reason="changed", about="price"
    )
