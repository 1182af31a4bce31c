"""W1: whoever counted on somebody who does not work here any more is served by others, at once."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.blocking.commitments_repository import Running
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import lock_time_around, next_for, offer_again
from app.core.events import PLATFORM, nudge
from app.core.i18n import N_
from app.payments import charges


async def release(db: AsyncSession, professional_id: int, reason: str) -> list[Booking]:
    """Accepted jobs are offered again and returned, reservations move on. What has started stays (W2).

    Locks bookings first, then people's time, as everywhere; the person's own row is locked by the caller, after this.
    """
    rows = await Bookings(db).locked(await Running(db).counting_on(professional_id))
    await lock_time_around(db, [one for one in rows.values() if one.state != State.STARTED], professional_id)
    again = []
    for booking in rows.values():
        if booking.state == State.ASSIGNED:
            await offer_again(db, PLATFORM, booking, reason)
            again.append(booking)
        elif booking.state == State.HELD:
            await _keep_otherwise(db, booking, professional_id)
        elif booking.state == State.REQUESTED:
            await _ask_otherwise(db, booking, professional_id)
    await db.flush()
    return again


async def stop_doing(db: AsyncSession, professional_id: int, service_ids: Collection[int]) -> None:
    """They offer these services no more: what is not accepted yet moves on to others. Accepted jobs stay theirs."""
    if not service_ids:
        return
    rows = await Bookings(db).locked(await Running(db).counting_on(professional_id))
    theirs = [
        one for one in rows.values() if one.service_id in service_ids and one.state in (State.HELD, State.REQUESTED)
    ]
    await lock_time_around(db, theirs, professional_id)
    for booking in theirs:
        if booking.state == State.HELD:
            await _keep_otherwise(db, booking, professional_id)
        else:
            await _ask_otherwise(db, booking, professional_id)


async def _ask_otherwise(db: AsyncSession, booking: Booking, professional_id: int) -> None:
    """Nobody waits for their answer, and somebody else's time is kept for it."""
    if booking.named_id == professional_id:
        booking.ask_everybody()
    if booking.reserved_for == professional_id:
        booking.unreserve(await next_for(db, booking))
    await db.flush()
    nudge(db, f"area:{booking.pincode}", "jobs")


async def _keep_otherwise(db: AsyncSession, booking: Booking, professional_id: int) -> None:
    """Somebody is paying: for anyone's time, another's is kept; for this person's, the time is given up."""
    instead = await next_for(db, booking) if booking.named_id != professional_id else None
    if instead is not None:
        booking.unreserve(instead)
    else:
        booking.cancel(PLATFORM, "platform", N_("Who was to come cannot come any more. Nothing was paid."))
        await charges.give_up_codes(db, [booking.id])
    await db.flush()
