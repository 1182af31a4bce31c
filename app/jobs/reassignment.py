"""Reassign the bookings that rely on a professional who stops working, or stops offering a service (W1)."""

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.cancellation import cancel_booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import CandidateSearch, offer_again
from app.core.errors import Refused
from app.core.events import PLATFORM, nudge
from app.core.i18n import N_, _
from app.jobs.repository import Jobs
from app.scheduling.reservation import lock_time, reserved_professionals

MAX_LOCK_ATTEMPTS = 5  # of locking a professional who keeps getting new bookings


async def reassign_jobs(db: AsyncSession, professional_id: int, reason: str) -> list[Booking]:
    """Offer accepted jobs to others and move reservations; return the accepted ones. Started jobs stay (W2).

    Locks bookings first, then people's time, as everywhere; the caller locks the person's own row after this.
    """
    bookings = await Bookings(db).locked(await Jobs(db).relying_on(professional_id))
    await lock_time(db, professional_id)
    reserved = await reserved_professionals(db, list(bookings))
    search = await CandidateSearch.of(db, bookings.values())
    offered_again = []
    # Nothing is flushed between: hundreds of jobs are written at once.
    with db.no_autoflush:
        for booking in bookings.values():
            if booking.state == State.ASSIGNED:
                await offer_again(db, PLATFORM, booking, reason, search)
                offered_again.append(booking)
            elif booking.state == State.HELD:
                await reassign_hold(db, booking, professional_id, search)
            elif booking.state == State.REQUESTED:
                await reassign_request(db, booking, professional_id, reserved, search)
    await db.flush()
    return offered_again


async def withdraw_services(db: AsyncSession, professional_id: int, service_ids: Collection[int]) -> None:
    """Reassign holds and requests for services that the professional no longer offers. Accepted jobs stay."""
    if not service_ids:
        return
    bookings = await lock_bookings_and_time(db, professional_id)
    affected = [
        booking
        for booking in bookings
        if booking.service_id in service_ids and booking.state in (State.HELD, State.REQUESTED)
    ]
    reserved = await reserved_professionals(db, [booking.id for booking in affected])
    search = await CandidateSearch.of(db, affected)
    for booking in affected:
        if booking.state == State.HELD:
            await reassign_hold(db, booking, professional_id, search)
        else:
            await reassign_request(db, booking, professional_id, reserved, search)
    await db.flush()


async def lock_bookings_and_time(db: AsyncSession, professional_id: int) -> list[Booking]:
    """Lock the bookings that rely on the professional, then their time; release it and retry if new ones appeared."""
    for _attempt in range(MAX_LOCK_ATTEMPTS):
        locked = await Bookings(db).locked(await Jobs(db).relying_on(professional_id))
        async with db.begin_nested() as savepoint:
            await lock_time(db, professional_id)
            if locked.keys() >= set(await Jobs(db).relying_on(professional_id)):
                return list(locked.values())
            await savepoint.rollback()  # bookings are locked before people's time: let go of it
    raise Refused(_("Things have changed since you opened this page. Check again, then decide."), reason="changed")


async def reassign_hold(db: AsyncSession, booking: Booking, professional_id: int, search: CandidateSearch) -> None:
    """Reserve another professional's time for an unpaid hold; cancel it if this one was requested or none is free."""
    is_requested = booking.requested_professional_id == professional_id
    if is_requested or await search.reserve_next(booking, excluded_id=professional_id) is None:
        reason = N_("This professional is no longer available. You haven't been charged.")
        await cancel_booking(db, booking, PLATFORM, "platform", reason)


async def reassign_request(
    db: AsyncSession, booking: Booking, professional_id: int, reserved: Mapping[int, int], search: CandidateSearch
) -> None:
    """End the priority offer, and reserve another professional's time."""
    if booking.requested_professional_id == professional_id:
        booking.end_priority_offer()
    if reserved.get(booking.id) == professional_id:
        await search.reserve_next(booking, excluded_id=professional_id)
    nudge(db, f"area:{booking.pincode}", "jobs")
