"""Assign a job manually: list candidates with the objections to each, and assign one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.bookings.holds import refuse_blocked
from app.bookings.moves import State, StateRefused, state_refusal
from app.bookings.repository import Bookings
from app.bookings.self_booking import record_flag_of_assignment
from app.core import clock
from app.core.datetimes import format_clock_range
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.events import Person
from app.core.i18n import N_, _
from app.dispatch.unassigned_repository import UnassignedBookings
from app.jobs.acceptance import lock_with_reservations, take_time
from app.jobs.repository import Jobs
from app.scheduling.candidate_repository import assess_candidates, load_unavailability, require_pincode
from app.scheduling.candidates import AssessedCandidate, BusyTime, Candidate, Eligibility
from app.scheduling.slots import conflicts, within_hours

DECLINED = {
    "passed": N_("Passed on this offer."),
    "returned": N_("Accepted this job, then gave it up."),
    "absent": N_("Accepted this job but didn't arrive or couldn't come."),
}

EXCLUDED = {
    "customer": N_("The customer doesn't want to be visited by them again."),
    "professional": N_("Doesn't want jobs from this customer again."),
}


@dataclass(frozen=True, slots=True)
class AssignmentCandidate:
    """A professional who offers the service.

    `objections`: why they cannot have the job, in words; `reservations`: references of bookings that would move.
    """

    candidate: Candidate
    place: str
    objections: list[str]
    reservations: list[str]

    @property
    def is_free(self) -> bool:
        return not self.objections


async def find_assignment_candidates(
    db: AsyncSession, booking: Booking, person_id: int | None = None
) -> list[AssignmentCandidate]:
    """Return everyone who offers the service, free ones first, then by distance; only `person_id` if given."""
    location = await require_pincode(db, booking.pincode)
    assessed = await assess_candidates(
        db, booking.service_id, location, customer_id=booking.customer_id, professional_id=person_id
    )
    candidates = [row.candidate for row in assessed]
    await load_unavailability(db, candidates, booking.starts_at, booking.ends_at, ignoring=booking.id)
    conflicts_of = {
        candidate.id: conflicts(candidate, booking.minutes, location, booking.starts_at) for candidate in candidates
    }
    booking_ids = [job.booking_id for jobs in conflicts_of.values() for job in jobs]
    labels = await Jobs(db).labels(booking_ids)
    declines = await UnassignedBookings(db).decline_kinds(booking.id)
    judged = [
        _judge(row, declines.get(row.candidate.id), booking, conflicts_of[row.candidate.id], labels) for row in assessed
    ]
    return sorted(judged, key=_sort_key)


async def assign(db: AsyncSession, by: Person, reference: str, professional_id: int, encryption: Encryption) -> Booking:
    """Assign the job to a professional and notify both sides; repeated for the same person, change nothing.

    Refused("taken"), Refused("busy"); Missing when they do not offer the service.
    """
    booking, reservations = await lock_with_reservations(Bookings(db), professional_id, reference)
    if booking.state == State.ASSIGNED and booking.professional_id == professional_id:
        return booking
    if booking.state != State.REQUESTED:
        raise Refused(state_refusal(booking.state), reason="taken", about="booking")
    candidate = next(iter(await find_assignment_candidates(db, booking, professional_id)), None)
    if candidate is None:
        raise Missing
    refuse_busy(candidate)
    await take_for(db, candidate, booking, reservations)
    async with refuse_blocked(db):
        booking.assign(by, professional_id, encryption)
    await record_flag_of_assignment(db, booking)
    return booking


async def void_code(db: AsyncSession, by: Person, reference: str, reason: str) -> Booking:
    """Void the live code without showing it; only the customer can ask for a new one."""
    booking = await Bookings(db).by_reference(reference, lock=True)
    if booking.state not in (State.ASSIGNED, State.STARTED):
        raise StateRefused(booking.state)
    booking.void_code(by, reason)
    await db.flush()
    return booking


def refuse_busy(candidate: AssignmentCandidate) -> None:
    """Raises Refused("busy") with the objections to the candidate."""
    if not candidate.is_free:
        raise Refused(_not_free(candidate, candidate.objections), reason="busy", about="professional")


async def take_for(
    db: AsyncSession,
    chosen: AssignmentCandidate,
    booking: Booking,
    reservations: dict[int, Booking],
    *,
    may_be_late: bool = False,
) -> None:
    """Reserve the chosen professional's time for the booking, as take_time, with refusals for an admin."""
    try:
        await take_time(db, chosen.candidate, booking, reservations, may_be_late=may_be_late)
    except Missing as missing:
        why = _("One of the two has just excluded the other.")
        raise Refused(_not_free(chosen, [why]), reason="busy", about="professional") from missing
    except Refused as refusal:
        if refusal.reason != "busy":
            raise
        # The original message addresses the professional; the admin reads one about them.
        why = (
            _("Their time is reserved for a booking that can't move to another professional.")
            if chosen.reservations
            else _("No longer available.")
        )
        raise Refused(_not_free(chosen, [why]), reason="busy", about="professional") from refusal


def _not_free(chosen: AssignmentCandidate, reasons: Iterable[str]) -> str:
    return _("%(name)s can't take this job. %(why)s", name=chosen.candidate.full_name, why=" ".join(reasons))


def _judge(
    assessed: AssessedCandidate,
    declined: str | None,
    booking: Booking,
    jobs: list[BusyTime],
    labels: Mapping[int, tuple[str, str]],
) -> AssignmentCandidate:
    objections = [*_ineligible(assessed.eligibility), *(_(EXCLUDED[side]) for side in assessed.excluded_by)]
    if declined:
        objections.append(_(DECLINED[declined]))
    objections += _unavailable(assessed.candidate, booking)
    objections += [_busy(job, booking, labels[job.booking_id][0]) for job in jobs if job.is_committed]
    reservations = [labels[job.booking_id][0] for job in jobs if not job.is_committed]
    return AssignmentCandidate(assessed.candidate, assessed.place, objections, reservations)


def _ineligible(eligibility: Eligibility) -> Iterable[str]:
    """Yield which conditions of the eligibility rule are not met."""
    if eligibility.is_eligible:
        return
    if eligibility.is_blocked:
        yield _("Blocked.")
    if not eligibility.is_approved:
        yield _("Not approved.")
    elif not eligibility.is_approved_for_service:
        yield _("Not approved for this service.")
    if not eligibility.has_valid_documents:
        yield _("A document has expired.")
    if not eligibility.covers_pincode:
        yield _("Doesn't cover this pincode.")


def _unavailable(candidate: Candidate, booking: Booking) -> Iterable[str]:
    start, end = booking.starts_at.timestamp(), booking.ends_at.timestamp()
    if any(since < end and start < until for since, until in candidate.away):
        yield _("On time off then.")
    elif not within_hours(candidate, booking.minutes, booking.starts_at):
        yield _("Outside their working hours.")


def _busy(job: BusyTime, booking: Booking, reference: str) -> str:
    start, end = (datetime.fromtimestamp(moment, clock.IST) for moment in (job.starts, job.ends))
    values = {"ref": reference, "time": format_clock_range(start, end)}
    if job.starts < booking.ends_at.timestamp() and booking.starts_at.timestamp() < job.ends:
        return _("Busy with %(ref)s, %(time)s.", **values)
    return _("Too far from %(ref)s (%(time)s) to get there in time.", **values)


def _sort_key(judged: AssignmentCandidate) -> tuple[bool, int, bool, float, int]:
    km = judged.candidate.distance_km
    return not judged.is_free, len(judged.reservations), km is None, km or 0.0, judged.candidate.id
