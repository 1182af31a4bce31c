"""Exclude a customer and a professional from each other's offers and choices, and lift it (W41).

Lock order: bookings, the professional's time, then the row of who excludes. What is held or accepted at the same moment
is either among the locked bookings or sees the exclusion (app.scheduling.reservation). Accepted jobs stand.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import CandidateSearch
from app.core import clock
from app.core.errors import Missing
from app.core.events import Person
from app.jobs.reassignment import lock_bookings_and_time, reassign_hold, reassign_request
from app.jobs.repository import Jobs
from app.scheduling.exclusion import ExcludedBy
from app.scheduling.exclusion_repository import Exclusions
from app.scheduling.reservation import reserved_professionals


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer and a professional who had a booking with each other, and which of them acts."""

    customer_id: int
    professional_id: int
    side: ExcludedBy

    @property
    def other(self) -> dict[str, Any]:
        """The other one, as a fact of an event."""
        if self.side is ExcludedBy.CUSTOMER:
            return {"professional_id": self.professional_id}
        return {"customer_id": self.customer_id}


async def exclude_professional(db: AsyncSession, me: Person, professional_id: int, *, on: bool) -> None:
    """A customer excludes a professional, or lifts that. Missing: they never had a booking with them."""
    if not await Jobs(db).had_booking(me.id, professional_id):
        raise Missing
    await _set(db, me, Pair(me.id, professional_id, ExcludedBy.CUSTOMER), on=on)


async def exclude_customer(db: AsyncSession, me: Person, reference: str, *, on: bool) -> Booking:
    """A professional excludes the customer of a job, or lifts that. Missing: the job is not theirs."""
    booking = await Bookings(db).for_professional(me, reference)
    await _set(db, me, Pair(booking.customer_id, me.id, ExcludedBy.PROFESSIONAL), on=on)
    return booking


async def _set(db: AsyncSession, me: Person, pair: Pair, *, on: bool) -> None:
    """Idempotent: what is so already is not recorded again."""
    if on:
        await _exclude(db, me, pair)
    elif await Exclusions(db).remove(pair.customer_id, pair.professional_id, pair.side):
        await _record(db, me, "person.exclusion_lifted", pair)
    await db.flush()


async def _exclude(db: AsyncSession, me: Person, pair: Pair) -> None:
    """Unaccepted bookings of the two go on without the professional; a hold for nobody else ends."""
    bookings = await lock_bookings_and_time(db, pair.professional_id)
    if not await Exclusions(db).add(pair.customer_id, pair.professional_id, pair.side):
        return
    affected = [
        booking
        for booking in bookings
        if booking.customer_id == pair.customer_id
        and booking.state in (State.HELD, State.REQUESTED)
        and not booking.hold_lapsed(clock.now())
    ]
    reserved = await reserved_professionals(db, [booking.id for booking in affected])
    search = await CandidateSearch.of(db, affected)
    for booking in affected:
        if booking.state == State.HELD:
            await reassign_hold(db, booking, pair.professional_id, search)
        else:
            await reassign_request(db, booking, pair.professional_id, reserved, search)
    await _record(db, me, "person.excluded", pair)


async def _record(db: AsyncSession, me: Person, name: str, pair: Pair) -> None:
    """Record it on the row of who acts, and refresh the professional's open offers. The customer's pages stay."""
    user = await Users(db).get(me.id, lock=True)
    user.record(name, by=me, nudges=[(f"user:{pair.professional_id}", "jobs")], **pair.other)
