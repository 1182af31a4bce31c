"""Reserve another professional's time for a booking: reschedule, offer again, the next candidate.

Lock order everywhere: bookings by ascending id, the customer's holds, professionals' time (app.scheduling.reservation).
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.decline import Decline, require_undisputed_arrival
from app.bookings.holds import check_start, slot_unavailable
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Actor
from app.core.i18n import _
from app.payments import charges
from app.payments.tax_repository import find_tax_rule
from app.scheduling.candidate_repository import (
    candidates_in_batches,
    find_candidates,
    first_candidates,
    require_pincode,
)
from app.scheduling.candidates import Candidate, RequestedSlot
from app.scheduling.reservation import release_time, reserve_first_free
from app.scheduling.travel import Location


class CandidateSearch:
    """Reserve other professionals' time for bookings (rows locked) of one transaction.

    What their searches have in common, places and the nearest candidates, is read once. `excluded`: booking id → who
    gets no offers of it: who declined it, and who is kept from its customer.
    """

    def __init__(self, db: AsyncSession, excluded: dict[int, set[int]]) -> None:
        self._db = db
        self._excluded = excluded
        self._locations: dict[str, Location] = {}
        self._nearest: dict[tuple[int, str], list[Candidate]] = {}

    @classmethod
    async def of(cls, db: AsyncSession, bookings: Iterable[Booking]) -> "CandidateSearch":
        return cls(db, await Bookings(db).excluded_from([booking.id for booking in bookings]))

    async def reserve_next(self, booking: Booking, excluded_id: int | None = None) -> int | None:
        """Reserve the next candidate who is free for the whole slot; when none is left, nobody's time (W9)."""
        candidate: Candidate | None = None
        if booking.starts_at > clock.now():
            location = await self._location(booking.pincode)
            slot = _slot_of(booking, booking.starts_at, location, booking.held_until)
            candidate = await reserve_first_free(self._db, self._others(booking, slot, excluded_id), slot)
        if candidate is None:
            await release_time(self._db, [booking.id])
        return candidate.id if candidate else None

    async def _location(self, pincode: str) -> Location:
        if pincode not in self._locations:
            self._locations[pincode] = await require_pincode(self._db, pincode)
        return self._locations[pincode]

    async def _others(
        self, booking: Booking, slot: RequestedSlot, excluded_id: int | None
    ) -> AsyncIterator[list[Candidate]]:
        """Yield the professionals who could take the booking, in batches, without those who get no offers of it."""
        excluded_ids = self._excluded[booking.id] | {excluded_id}
        key = booking.service_id, booking.pincode
        if key not in self._nearest:
            self._nearest[key] = await first_candidates(self._db, booking.service_id, slot.location)
        async for batch in candidates_in_batches(self._db, booking.service_id, slot, self._nearest[key]):
            yield [candidate for candidate in batch if candidate.id not in excluded_ids]


async def offer_again(
    db: AsyncSession, by: Actor, booking: Booking, reason: str, search: CandidateSearch | None = None
) -> None:
    """W1, W14: unassign `booking` (row locked); its professional gets no more offers of it."""
    if booking.professional_id is None:
        raise Refused(_("No professional has accepted this job yet."), reason="state", about="unassigned")
    search = search or await CandidateSearch.of(db, [booking])
    add_decline(db, booking, booking.professional_id, "absent", reason)
    booking.offer_again(by, reason, await search.reserve_next(booking, excluded_id=booking.professional_id))


async def reschedule_by_customer(
    db: AsyncSession, by: Actor, reference: str, starts_at: datetime, shown_fee: int | None = None
) -> int:
    """Move the booking to another start at the agreed price; return the fee in paise, charged at once.

    Refused("fee"): the fee is higher than `shown_fee`; Refused("taken"): no professional is free then.
    """
    booking = await Bookings(db).for_customer(by, reference, lock=True)
    await require_undisputed_arrival(db, booking)
    if booking.starts_at == starts_at and booking.state in (State.REQUESTED, State.ASSIGNED):
        raise Invalid({"start": _("You already have this time. Pick another one.")})
    if shown_fee is not None and booking.cancellation_fee(clock.now()) > shown_fee:
        raise Refused(_("The rescheduling fee has gone up. Check it, then confirm again."), reason="fee")
    if not booking.allows("reschedule", by):
        booking.reschedule(by, starts_at, 0, 0)  # raises Refused with the sentence of the state
    professional_id = booking.professional_id
    fee = await reschedule(db, by, booking, starts_at)
    if fee:
        tax = await find_tax_rule(db, booking.service_id, professional_id)
        await charges.add_fee(db, booking.id, booking.customer_id, professional_id, fee, tax)
    return fee


async def reschedule(
    db: AsyncSession, by: Actor, booking: Booking, starts_at: datetime, *, is_free: bool = False
) -> int:
    """Move `booking` (row locked) to another start; return the fee in paise, still to be charged.

    `is_free`: an admin moves it, so that there is no fee.
    """
    service = await db.get_one(Service, booking.service_id)
    check_start(service, starts_at)
    location = await require_pincode(db, booking.pincode)
    fee = 0 if is_free else booking.cancellation_fee(clock.now())
    if booking.professional_is_absent(clock.now()):  # an absent professional is not asked again (W14)
        await record_decline(db, booking, booking.professional_id, "absent", "")
    preferred = booking.professional_id or booking.requested_professional_id
    slot = _slot_of(booking, starts_at, location)
    candidate = await reserve_first_free(db, _candidates_of_move(db, booking, slot, preferred), slot)
    if candidate is None:
        raise await slot_unavailable(db, service, slot)
    booking.reschedule(by, starts_at, candidate.id, fee)
    await db.flush()
    return fee


async def reserve_next_candidate(db: AsyncSession, booking: Booking, excluded_id: int | None = None) -> int | None:
    """Reserve the next candidate for one booking; see CandidateSearch."""
    return await (await CandidateSearch.of(db, [booking])).reserve_next(booking, excluded_id)


async def _candidates_of_move(
    db: AsyncSession, booking: Booking, slot: RequestedSlot, preferred: int | None
) -> AsyncIterator[list[Candidate]]:
    """Yield batches of the professionals who could take the booking and may get it, `preferred` first."""
    excluded_ids = (await Bookings(db).excluded_from([booking.id]))[booking.id]
    if preferred is not None and preferred not in excluded_ids:
        yield await find_candidates(db, [booking.service_id], slot.location, professional_id=preferred)
        excluded_ids.add(preferred)
    nearest = await first_candidates(db, booking.service_id, slot.location)
    async for batch in candidates_in_batches(db, booking.service_id, slot, nearest):
        yield [candidate for candidate in batch if candidate.id not in excluded_ids]


def _slot_of(
    booking: Booking, starts_at: datetime, location: Location, expires_at: datetime | None = None
) -> RequestedSlot:
    return RequestedSlot(
        booking.id, booking.customer_id, booking.service_id, starts_at, booking.minutes, location, expires_at
    )


async def record_decline(
    db: AsyncSession, booking: Booking, professional_id: int | None, kind: str, reason: str
) -> None:
    """Record a decline, so that the next search leaves this professional out."""
    add_decline(db, booking, professional_id, kind, reason)
    await db.flush()


def add_decline(db: AsyncSession, booking: Booking, professional_id: int | None, kind: str, reason: str) -> None:
    """This professional gets no more offers of the booking; `kind`: "passed", "returned" or "absent"."""
    db.add(Decline(booking_id=booking.id, professional_id=professional_id, kind=kind, reason=reason, at=clock.now()))
