"""A booking that is kept but not paid follows the catalogue: what changes or goes while somebody pays (W5, W6)."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.holds import still_fits
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core.errors import Refused
from app.core.events import PLATFORM
from app.core.i18n import N_, _
from app.payments import charges


async def check_catalogue(db: AsyncSession, booking: Booking) -> None:
    """What is paid for is what stands in the catalogue, and stays there until that is written."""
    service = await Bookings(db).on_sale(booking.service_id)
    if service is None:
        raise Refused(_("We no longer offer this. Nothing was taken."), reason="retired")
    if has_changed(booking, service):
        raise Refused(_("The price changed while you were paying. Nothing was taken."), reason="changed")


async def requote(db: AsyncSession, reference: str) -> bool:
    """W6: the catalogue changed while somebody pays. The held booking takes the new price and minutes; True if it did.

    What the bank was asked at the old price waits for its code no longer.
    Minutes that the kept time has no room for end the hold: Refused("taken").
    """
    booking = await Bookings(db).by_reference(reference, lock=True)
    service = await db.get_one(Service, booking.service_id)
    if booking.state != State.HELD or not has_changed(booking, service):
        return False
    if service.minutes > booking.minutes and not await still_fits(db, booking, service.minutes):
        raise Refused(_("The work takes longer now than your time has room for. Please pick another."), reason="taken")
    booking.requote(PLATFORM, service.price, service.minutes)
    await charges.release(db, booking.id)
    await db.flush()
    return True


async def let_go(db: AsyncSession, reference: str) -> None:
    """W5: what is no longer offered is not paid for. The kept time is free again, the bank's code awaited no more."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state == State.HELD and await Bookings(db).on_sale(booking.service_id) is None:
        booking.cancel(PLATFORM, "platform", N_("We no longer offer this."))
        await charges.give_up_codes(db, [booking.id])
        await db.flush()


def has_changed(booking: Booking, service: Service) -> bool:
    return (booking.price, booking.minutes) != (service.price, service.minutes)
