"""A visit at no price that puts the work of a booking right (W28)."""

from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.holds import refuse_blocked
from app.bookings.moves import State
from app.bookings.slot_picker import agreed_service
from app.catalog.service import Service
from app.core import clock
from app.core.db import violated_constraint
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.references import new_reference
from app.payments import guarantee
from app.payments.shares import earning_of
from app.scheduling.candidate_repository import candidates_in_batches, first_candidates, require_pincode
from app.scheduling.candidates import RequestedSlot
from app.scheduling.reservation import reserve_first_free
from app.scheduling.slot_search import next_starts

REDO_NOTICE = timedelta(hours=24)  # so that the customer can pick another start first


async def create_redo(db: AsyncSession, by: Person, original: Booking) -> Booking:
    """Request a visit at no price for the work of `original`, whose row is locked.

    At the first free start of the same professional, who is asked first, else of the others; the customer may move it
    without a fee. Refused "redo": there is one already; "taken" about "redo": no professional has time.
    """
    service = await db.get_one(Service, original.service_id)
    place, professional_id = await require_pincode(db, original.pincode), original.professional_id
    booking = _new_redo(original)
    await _insert(db, booking)
    for candidate_id in (professional_id, None):
        starts = await next_starts(
            db,
            agreed_service(original, service),
            original.pincode,
            clock.now() + REDO_NOTICE,
            customer_id=original.customer_id,
            professional_id=candidate_id,
            limit=1,
        )
        first = await first_candidates(
            db, service.id, place, customer_id=original.customer_id, professional_id=candidate_id
        )
        if not starts or not first:
            continue
        slot = RequestedSlot(booking.id, original.customer_id, service.id, starts[0], original.minutes, place)
        candidate = await reserve_first_free(db, candidates_in_batches(db, service.id, slot, first), slot)
        if candidate is not None:
            _grant(booking, by, original, slot, candidate.id, candidate_id)
            await db.flush()
            return booking
    raise Refused(
        _("No professional has time for a second visit in the next days. Choose money back, or wait."),
        reason="taken",
        about="redo",
    )


async def pay_redo(db: AsyncSession, booking: Booking) -> None:
    """Pay the professional of a second visit (row locked) that is done, from the guarantee (docs/rules.md, W28).

    Their usual share of the first visit's price; nothing to who did the work that was not right.
    """
    original = await db.get_one(Booking, booking.redo_of_id)
    if booking.professional_id is None or booking.professional_id == original.professional_id:
        return
    await guarantee.pay_redo(db, booking.id, booking.professional_id, earning_of(original.price))


def _new_redo(original: Booking) -> Booking:
    booking = Booking(
        reference=new_reference(),
        customer_id=original.customer_id,
        service_id=original.service_id,
        state=State.REQUESTED,
        service_name=original.service_name,
        price=0,
        minutes=original.minutes,
        address=original.address,
        pincode=original.pincode,
        note=original.note,
        payment="after",
        created_at=clock.now(),
        requested_at=clock.now(),
        redo_of_id=original.id,
        codes=[],
        extras=[],
    )
    booking.visit = original.visit
    booking.set_slot(clock.now())
    return booking


async def _insert(db: AsyncSession, booking: Booking) -> None:
    try:
        async with refuse_blocked(db):
            db.add(booking)
    except IntegrityError as clash:
        if violated_constraint(clash) != "bookings_redo_of_id_key":
            raise
        raise Refused(_("A second visit has been arranged already."), reason="redo") from clash


def _grant(
    booking: Booking, by: Person, original: Booking, slot: RequestedSlot, reserved_for: int, requested_id: int | None
) -> None:
    booking.set_slot(slot.starts_at)
    booking.requested_professional_id = requested_id
    booking.exclusive_until = booking.priority_offer_end(clock.now()) if requested_id else None
    people = {booking.customer_id, requested_id} - {None}
    nudges = [(f"user:{person}", topic) for person in people for topic in (booking.subject, "jobs")]
    booking.record(
        "booking.redo_granted",
        by=by,
        nudges=[*nudges, (f"area:{booking.pincode}", "jobs")],
        before={"state": None},
        after={"state": str(booking.state)},
        redo_of=original.reference,
        service_id=booking.service_id,
        starts_at=booking.starts_at.isoformat(),
        price=0,
        minutes=booking.minutes,
        reserved_for=reserved_for,
        personal={"address": booking.address, "note": booking.note},
    )
