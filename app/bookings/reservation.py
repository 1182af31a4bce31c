"""Reserve professionals' time for bookings: reschedule, offer again, find the next candidate.

Lock order everywhere: bookings' rows by ascending id, the customer's holds, professionals' time by ascending id. The
exclusion constraint bookings_overlap_excl is the backstop.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.decline import Decline
from app.bookings.holds import check_start, expire_holds, flush_booking, slot_taken
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import _
from app.payments import charges
from app.scheduling.candidate_repository import find_candidates, load_unavailability, require_pincode
from app.scheduling.candidates import Candidate
from app.scheduling.slots import is_free
from app.scheduling.travel import Location


async def offer_again(db: AsyncSession, by: Actor, booking: Booking, reason: str) -> None:
    """W1, W14: unassign `booking` (row locked); its professional gets no more offers of it."""
    if booking.professional_id is None:
        raise Refused(_("No professional has accepted this job yet."), reason="state", about="unassigned")
    await record_decline(db, booking, booking.professional_id, "absent", reason)
    booking.offer_again(by, reason, await find_next_candidate(db, booking))
    await flush_booking(db)


async def reschedule_by_customer(
    db: AsyncSession, by: Actor, reference: str, starts_at: datetime, shown_fee: int | None = None
) -> int:
    """Move the booking to another start at the agreed price; return the fee in paise, charged at once.

    Refused("fee"): the fee is higher than `shown_fee`; Refused("taken"): no professional is free then.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    if booking.starts_at == starts_at and booking.state in (State.REQUESTED, State.ASSIGNED):
        raise Invalid({"start": _("You already have this time. Pick another one.")})
    if shown_fee is not None and booking.cancellation_fee(clock.now()) > shown_fee:
        raise Refused(_("The rescheduling fee has gone up. Check it, then confirm again."), reason="fee")
    if not booking.allows("reschedule", by):
        booking.reschedule(by, starts_at, 0, 0)  # raises Refused with the sentence of the state
    professional_id = booking.professional_id
    fee = await reschedule(db, by, booking, starts_at)
    if fee:
        await charges.add_fee(db, booking.id, booking.customer_id, professional_id, fee)
    return fee


async def reschedule(db: AsyncSession, by: Actor, booking: Booking, starts_at: datetime) -> int:
    """Move `booking` (row locked) to another start; return the fee in paise, still to be charged."""
    service = await db.get_one(Service, booking.service_id)
    check_start(service, starts_at)
    bookings, location = Bookings(db), await require_pincode(db, booking.pincode)
    fee = booking.cancellation_fee(clock.now())
    if booking.professional_is_absent(clock.now()):  # an absent professional is not asked again (W14)
        await record_decline(db, booking, booking.professional_id, "absent", "")
    candidates = await candidates_for(db, bookings, booking)
    await bookings.lock_time(candidate.id for candidate in candidates)
    await expire_holds(db, {candidate.id for candidate in candidates})
    await load_unavailability(
        db, candidates, starts_at, starts_at + timedelta(minutes=booking.minutes), ignoring=booking.id
    )
    preferred = booking.professional_id or booking.requested_professional_id
    free = [candidate for candidate in candidates if is_free(candidate, booking.minutes, location, starts_at)]
    free.sort(key=lambda candidate: candidate.id != preferred)
    if not free:
        raise slot_taken()
    booking.reschedule(by, starts_at, free[0].id, fee)
    await flush_booking(db)
    return fee


async def find_next_candidate(db: AsyncSession, booking: Booking) -> int | None:
    """The next candidate who is free for the whole slot, with their time locked; None when none is left (W9)."""
    bookings, location = Bookings(db), await require_pincode(db, booking.pincode)
    candidates = [
        candidate for candidate in await candidates_for(db, bookings, booking) if candidate.id != booking.reserved_for
    ]
    if booking.starts_at <= clock.now():
        return None
    await bookings.lock_time(candidate.id for candidate in candidates)
    await expire_holds(db, {candidate.id for candidate in candidates})
    await load_unavailability(db, candidates, booking.starts_at, booking.ends_at, ignoring=booking.id)
    return first_free(candidates, booking, location)


async def lock_time_of_candidates(db: AsyncSession, locked_bookings: Iterable[Booking], *professional_ids: int) -> None:
    """Lock the time of these professionals and of all candidates of the locked bookings, in one ascending order."""
    bookings = Bookings(db)
    candidate_lists = [await candidates_for(db, bookings, booking) for booking in locked_bookings]
    await bookings.lock_time(
        {*professional_ids, *(candidate.id for candidates in candidate_lists for candidate in candidates)}
    )


async def candidates_for(db: AsyncSession, bookings: Bookings, booking: Booking) -> list[Candidate]:
    """The professionals who could take the booking and have not declined it."""
    location = await require_pincode(db, booking.pincode)
    declined = await bookings.declined_by([booking.id])
    candidates = await find_candidates(db, [booking.service_id], location)
    return [candidate for candidate in candidates if candidate.id not in declined[booking.id]]


def first_free(candidates: Iterable[Candidate], booking: Booking, location: Location) -> int | None:
    """The first candidate who is free for the whole slot."""
    return next(
        (candidate.id for candidate in candidates if is_free(candidate, booking.minutes, location, booking.starts_at)),
        None,
    )


async def record_decline(
    db: AsyncSession, booking: Booking, professional_id: int | None, kind: str, reason: str
) -> None:
    """Record that this professional gets no more offers of the booking; `kind`: "passed", "returned" or "absent"."""
    db.add(Decline(booking_id=booking.id, professional_id=professional_id, kind=kind, reason=reason, at=clock.now()))
    await db.flush()
