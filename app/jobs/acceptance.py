"""Accept, decline or hand back a job; conflicting reservations move to other candidates (W10).

Lock order: see app.bookings.reservation.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.holds import account_closed, refuse_blocked
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import record_decline, reserve_next_candidate
from app.bookings.self_booking import record_flag_of_assignment
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.events import Actor, Person
from app.core.i18n import _
from app.jobs.repository import Jobs
from app.scheduling.candidate_repository import MAX_TRAVEL_TIME, find_candidates, load_unavailability, require_pincode
from app.scheduling.candidates import BusyTime, Candidate, RequestedSlot
from app.scheduling.exclusion_repository import Exclusions
from app.scheduling.reservation import (
    lock_time,
    movable_reservations,
    release_time,
    reserve,
    reserved_professionals,
)
from app.scheduling.slots import conflicts, within_hours


async def accept(db: AsyncSession, by: Person, reference: str, encryption: Encryption) -> Booking:
    """Assign the job to `by`; reservations of their time move to other candidates (W10).

    Idempotent for the professional who holds it. Refused("taken", "busy", "late", "cancelled"); Missing: never offered.
    """
    bookings = Bookings(db)
    booking, reservations = await lock_with_reservations(bookings, by.id, reference)
    if booking.state != State.REQUESTED and booking.professional_id == by.id:
        return booking
    await take_time(db, await _offered_to(db, bookings, by, booking), booking, reservations)
    async with refuse_blocked(db):
        booking.accept(by, encryption)
    await record_flag_of_assignment(db, booking)
    return booking


async def pass_on(db: AsyncSession, by: Actor, reference: str, reason: str) -> Booking:
    """Decline the offer: it is never shown to `by` again, and their reserved time moves to the next candidate.

    Idempotent. Refused("taken", "cancelled"); Missing: never offered.
    """
    bookings = Bookings(db)
    booking = await bookings.by_reference(reference, lock=True)
    if await Jobs(db).has_declined(by, reference):
        return booking
    await _offered_to(db, bookings, by, booking)
    await record_decline(db, booking, by.id, "passed", reason)
    reserved = (await reserved_professionals(db, [booking.id])).get(booking.id)
    booking.pass_on(by, reason, await reserve_next_candidate(db, booking) if reserved == by.id else reserved)
    await db.flush()
    return booking


async def hand_back(db: AsyncSession, by: Actor, reference: str, reason: str) -> Booking:
    """Return an accepted job to the other candidates and void its code. Idempotent; Missing: not theirs."""
    bookings = Bookings(db)
    try:
        booking = await bookings.for_professional(by, reference, lock=True)
    except Missing:
        if await Jobs(db).has_declined(by, reference):
            return await bookings.by_reference(reference)
        raise
    if booking.state != State.ASSIGNED:
        booking.hand_back(by, reason, None)  # raises Refused with the sentence of the state
    await record_decline(db, booking, by.id, "returned", reason)
    booking.hand_back(by, reason, await reserve_next_candidate(db, booking))
    await db.flush()
    return booking


async def lock_with_reservations(
    bookings: Bookings, professional_id: int, reference: str
) -> tuple[Booking, dict[int, Booking]]:
    """Lock the booking and the reservations of this professional's time around it, by ascending id."""
    found = await bookings.by_reference(reference)
    around = found.starts_at - MAX_TRAVEL_TIME, found.ends_at + MAX_TRAVEL_TIME
    near = await movable_reservations(bookings.db, professional_id, *around)
    locked = await bookings.locked({found.id, *near})
    reserved = await reserved_professionals(bookings.db, near)
    reservations = {
        booking_id: booking
        for booking_id, booking in locked.items()
        if booking_id != found.id
        and reserved.get(booking_id) == professional_id
        and booking.state in (State.HELD, State.REQUESTED)
    }
    return locked[found.id], reservations


async def take_time(
    db: AsyncSession, me: Candidate, booking: Booking, reservations: dict[int, Booking], *, may_be_late: bool = False
) -> None:
    """Reserve the candidate's time for `booking`, moving the conflicting `reservations` to other candidates.

    All rows are locked by lock_with_reservations. Refused("late", "busy"); Missing: they were excluded meanwhile (W41).
    `may_be_late`: an admin gives them the job although its start has passed.
    """
    if booking.starts_at <= clock.now() and not may_be_late:
        raise Refused(
            _("This job's start time has passed. The customer will pick another time."), reason="late", about="job"
        )
    await lock_time(db, me.id)
    location = await require_pincode(db, booking.pincode)
    slot = RequestedSlot(
        booking.id, booking.customer_id, booking.service_id, booking.starts_at, booking.minutes, location
    )
    await _move_reservations(db, me, booking, slot, reservations)
    if not await reserve(db, me.id, slot, is_committed=True):
        raise _busy()


async def _offered_to(db: AsyncSession, bookings: Bookings, by: Actor, booking: Booking) -> Candidate:
    """Return `by` as a candidate. Missing: never offered to them; Refused("taken", "cancelled"): no longer open."""
    location = await require_pincode(db, booking.pincode)
    candidates = await find_candidates(db, [booking.service_id], location, professional_id=by.id)
    excluded = await bookings.excluded_from([booking.id])
    if not candidates or booking.state == State.HELD or by.id in excluded[booking.id]:
        raise Missing
    if booking.state == State.CANCELLED:
        raise Refused(_("The customer no longer needs this."), reason="cancelled")
    if booking.state != State.REQUESTED:
        raise Refused(_("Taken by someone else."), reason="taken", about="job")
    if booking.priority_professional_id(clock.now()) not in (None, by.id):
        raise Missing
    return candidates[0]


async def _move_reservations(
    db: AsyncSession, me: Candidate, booking: Booking, slot: RequestedSlot, reservations: dict[int, Booking]
) -> None:
    """Refuse when a held job conflicts; move each conflicting reservation to a free candidate, or refuse."""
    # Whoever the booking was reserved for is free for the reservations that move.
    await release_time(db, [booking.id])
    await load_unavailability(db, [me], slot.starts_at, slot.ends_at, ignoring=booking.id, locked_for=slot)
    if not within_hours(me, booking.minutes, booking.starts_at):
        if await Users(db).has_left(me.id):
            raise account_closed()
        if await Exclusions(db).exists(booking.customer_id, me.id):
            raise Missing
        raise Refused(_("That's outside your working hours."), reason="busy", about="hours")
    for job in conflicts(me, booking.minutes, slot.location, booking.starts_at):
        await _move_reservation(db, me, job, reservations)


async def _move_reservation(db: AsyncSession, me: Candidate, job: BusyTime, reservations: dict[int, Booking]) -> None:
    reservation = reservations.get(job.booking_id)
    if job.is_committed or reservation is None:
        raise _busy()
    if me.id in (
        reservation.requested_professional_id if reservation.state == State.HELD else None,
        reservation.priority_professional_id(clock.now()),
    ):
        raise Refused(
            _("Another customer requested you for that time. Answer that offer first."), reason="busy", about="offer"
        )
    if await reserve_next_candidate(db, reservation, excluded_id=me.id) is None:
        raise Refused(
            _("Your time is reserved for another customer, and no other professional is free then."),
            reason="busy",
            about="hold",
        )


def _busy() -> Refused:
    return Refused(_("You have another job then, or not enough time to travel between them."), reason="busy")
