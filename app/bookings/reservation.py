"""Whose time a booking takes: everything that two people can race for, under locks.

Order of locks, always: bookings' rows by ascending id, then the customer's holds, then people's time by ascending
id. The exclusion constraint stands behind it, for whoever forgets.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.decline import Decline
from app.bookings.holds import check_start, expire_holds, taken, write
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Missing, Refused
from app.core.events import Actor, Person
from app.core.i18n import _
from app.scheduling.candidates import LONGEST_WAY, crew_of, fill, known_place
from app.scheduling.slots import Busy, Worker, in_the_way, is_free, within_hours
from app.scheduling.travel import Point


async def accept(db: AsyncSession, by: Person, reference: str, vault: Vault) -> Booking:
    """The one who accepts gets the job, and the reservations of their time move to others (W10).

    Accepting again what is yours changes nothing. Refused("taken"), Refused("busy").
    """
    bookings = Bookings(db)
    booking, others = await claim(bookings, by.id, reference)
    if booking.state != State.REQUESTED and booking.professional_id == by.id:
        return booking
    await make_room(db, await _offered_to(db, bookings, by, booking), booking, others)
    booking.accept(by, vault)
    await write(db)
    return booking


async def pass_on(db: AsyncSession, by: Actor, reference: str, reason: str) -> Booking:
    """Not for me: it is never offered to `by` again, and a reservation of their time moves on."""
    bookings = Bookings(db)
    booking = await bookings.by_reference(reference, lock=True)
    await _offered_to(db, bookings, by, booking)
    await _decline(db, booking, by, "passed", reason)
    mine = booking.reserved_for == by.id
    booking.passed(by, reason, await next_for(db, booking) if mine else booking.reserved_for)
    await write(db)
    return booking


async def hand_back(db: AsyncSession, by: Actor, reference: str, reason: str) -> Booking:
    """An accepted job returns to the others; its code is void."""
    bookings = Bookings(db)
    booking = await bookings.for_professional(by, reference, lock=True)
    if booking.state != State.ASSIGNED:
        booking.hand_back(by, reason, None)  # says no, in words
    await _decline(db, booking, by, "returned", reason)
    booking.hand_back(by, reason, await next_for(db, booking))
    await write(db)
    return booking


async def offer_again(db: AsyncSession, by: Actor, booking: Booking, reason: str) -> None:
    """W1, W14: `booking` (row locked) is taken from its professional, who is not asked again."""
    if booking.professional_id is None:
        raise Refused(_("Nobody has accepted this job yet."), reason="state")
    await _decline(db, booking, None, "absent", reason, booking.professional_id)
    booking.offer_again(by, reason, await next_for(db, booking))
    await write(db)


async def reschedule(db: AsyncSession, by: Actor, booking: Booking, starts_at: datetime) -> int:
    """Move `booking` (row locked) to another start; the paise to be booked as fee are returned."""
    service = await db.get_one(Service, booking.service_id)
    check_start(service, starts_at)
    bookings, where = Bookings(db), await known_place(db, booking.pincode)
    fee = booking.cancellation_fee(clock.now())
    if booking.nobody_came(clock.now()):  # who did not come is not asked again (W14)
        await _decline(db, booking, None, "absent", "", booking.professional_id)
    crew = await _candidates(db, bookings, booking)
    await bookings.lock_time_of(worker.id for worker in crew)
    await expire_holds(db, {worker.id for worker in crew})
    await fill(db, crew, starts_at, starts_at + timedelta(minutes=booking.minutes), ignoring=booking.id)
    preferred = booking.professional_id or booking.named_id
    free = [worker for worker in crew if is_free(worker, booking.minutes, where, starts_at)]
    free.sort(key=lambda worker: worker.id != preferred)
    if not free:
        raise taken()
    booking.reschedule(by, starts_at, free[0].id, fee)
    await write(db)
    return fee


async def next_for(db: AsyncSession, booking: Booking) -> int | None:
    """The next candidate who is free for the whole slot, their time locked; None when nobody is left (W9)."""
    bookings, where = Bookings(db), await known_place(db, booking.pincode)
    crew = [worker for worker in await _candidates(db, bookings, booking) if worker.id != booking.reserved_for]
    if booking.starts_at <= clock.now():
        return None
    await bookings.lock_time_of(worker.id for worker in crew)
    await expire_holds(db, {worker.id for worker in crew})
    await fill(db, crew, booking.starts_at, booking.ends_at, ignoring=booking.id)
    return _free_one(crew, booking, where)


async def lock_time_around(db: AsyncSession, rows: Iterable[Booking], *people: int) -> None:
    """The time of these people and of everybody who could take one of `rows` (locked), in one ascending order."""
    bookings = Bookings(db)
    crews = [await _candidates(db, bookings, booking) for booking in rows]
    await bookings.lock_time_of({*people, *(worker.id for crew in crews for worker in crew)})


async def claim(bookings: Bookings, person_id: int, reference: str) -> tuple[Booking, dict[int, Booking]]:
    """The booking and the reservations of this person's time around it, all locked in ascending order."""
    seen = await bookings.by_reference(reference)
    near = await bookings.reserved(person_id, seen.starts_at - LONGEST_WAY, seen.ends_at + LONGEST_WAY)
    rows = await bookings.locked({seen.id, *near})
    others = {
        key: one
        for key, one in rows.items()
        if key != seen.id and one.reserved_for == person_id and one.state in (State.HELD, State.REQUESTED)
    }
    return rows[seen.id], others


async def make_room(db: AsyncSession, me: Worker, booking: Booking, others: dict[int, Booking]) -> None:
    """`me`'s time is free for `booking`, reservations of it moved away and everything locked (claim). Refused else."""
    if booking.starts_at <= clock.now():
        raise Refused(_("The time of this job has come. The customer picks another."), reason="late")
    bookings = Bookings(db)
    movable = {one.id: await _candidates(db, bookings, one) for one in others.values()}
    concerned = {me.id} | {worker.id for crew in movable.values() for worker in crew}
    await bookings.lock_time_of(concerned)
    await expire_holds(db, concerned)
    await _clear_the_way(db, me, booking, others, movable)


# How


async def _offered_to(db: AsyncSession, bookings: Bookings, by: Actor, booking: Booking) -> Worker:
    """The candidate who is `by`. Missing: it was never theirs to see; Refused("taken"): it is gone."""
    where = await known_place(db, booking.pincode)
    crew = await crew_of(db, [booking.service_id], where, professional_id=by.id)
    declined = await bookings.declined_by([booking.id])
    if not crew or booking.state == State.HELD or by.id in declined[booking.id]:
        raise Missing
    if booking.state == State.CANCELLED:
        raise Refused(_("The customer does not need this any more."), reason="cancelled")
    if booking.state != State.REQUESTED:
        raise Refused(_("Taken by someone else."), reason="taken")
    if booking.asks_first(clock.now()) not in (None, by.id):
        raise Missing
    return crew[0]


async def _candidates(db: AsyncSession, bookings: Bookings, booking: Booking) -> list[Worker]:
    where = await known_place(db, booking.pincode)
    declined = await bookings.declined_by([booking.id])
    crew = await crew_of(db, [booking.service_id], where)
    return [worker for worker in crew if worker.id not in declined[booking.id]]


async def _clear_the_way(
    db: AsyncSession, me: Worker, booking: Booking, others: dict[int, Booking], movable: dict[int, list[Worker]]
) -> None:
    """Jobs of mine in the way refuse; reservations in the way move to somebody else who is free, or refuse."""
    where = await known_place(db, booking.pincode)
    booking.unreserve(None)  # whoever kept the time for it is free for another
    await write(db)
    await fill(db, [me], booking.starts_at, booking.ends_at, ignoring=booking.id)
    if not within_hours(me, booking.minutes, booking.starts_at):
        raise Refused(_("That is outside your working hours."), reason="busy")
    for job in in_the_way(me, booking.minutes, where, booking.starts_at):
        await _move_away(db, me, job, others, movable)


async def _move_away(
    db: AsyncSession, me: Worker, job: Busy, others: dict[int, Booking], movable: dict[int, list[Worker]]
) -> None:
    other = others.get(job.booking_id)
    if job.firm or other is None:
        raise Refused(_("You have another job at that time, or no time to get from one to the other."), reason="busy")
    if me.id in (other.named_id if other.state == State.HELD else None, other.asks_first(clock.now())):
        raise Refused(_("Another customer asked for you at that time. Answer that offer first."), reason="busy")
    crew = [worker for worker in movable[other.id] if worker.id != me.id]
    await fill(db, crew, other.starts_at, other.ends_at, ignoring=other.id)
    instead = _free_one(crew, other, await known_place(db, other.pincode))
    if instead is None:
        raise Refused(_("Your time is kept for another customer, and nobody else is free then."), reason="busy")
    other.unreserve(instead)
    await write(db)


def _free_one(crew: Iterable[Worker], booking: Booking, where: Point) -> int | None:
    return next(
        (worker.id for worker in crew if is_free(worker, booking.minutes, where, booking.starts_at)),
        None,
    )


async def _decline(
    db: AsyncSession, booking: Booking, by: Actor | None, kind: str, reason: str, professional_id: int | None = None
) -> None:
    who = by.id if by is not None else professional_id
    db.add(Decline(booking_id=booking.id, professional_id=who, kind=kind, reason=reason, at=clock.now()))
    await db.flush()
