"""Change hours, area or time off (W8): each affected job is kept or handed back; reservations move to others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.repository import Bookings
from app.bookings.reservation import CandidateSearch
from app.core import clock
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.jobs.acceptance import hand_back
from app.jobs.repository import AgendaRow, Jobs
from app.scheduling.candidate_repository import load_schedule
from app.scheduling.candidates import Candidate
from app.scheduling.repository import Schedules
from app.scheduling.reservation import movable_reservations, reserved_professionals
from app.scheduling.slots import within_hours

KEEP_ANSWER, HAND_BACK_ANSWER = "keep", "return"


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """The new values; None leaves a field unchanged. `hours` are (weekday, opens, closes)."""

    hours: Sequence[tuple[int, int, int]] | None = None
    away: Range[datetime] | None = None
    reason: str = ""
    pincodes: frozenset[str] | None = None

    @property
    def name(self) -> str:
        return "hours" if self.hours is not None else "time_off" if self.away is not None else "area"


async def find_affected_jobs(db: AsyncSession, me: Person, change: ScheduleChange) -> list[AgendaRow]:
    """Return the future accepted jobs that the change would put outside hours or area."""
    jobs = [job for job in await Jobs(db).agenda(me) if job.state == State.ASSIGNED and job.ends_at > clock.now()]
    candidate = _with_new_hours((await load_schedule(db, me, [])).candidate, change)
    return [job for job in jobs if _is_affected(candidate, change, job.location.pincode, job.minutes, job.starts_at)]


async def change_schedule(
    db: AsyncSession, me: Person, change: ScheduleChange, answers: Mapping[str, str]
) -> list[str]:
    """Save the change and return the references handed back; `answers`: "keep" or "return" by reference.

    Invalid("job-<reference>") for each job without an answer.
    """
    affected = await find_affected_jobs(db, me, change)
    unanswered = [
        job.reference for job in affected if answers.get(job.reference) not in (KEEP_ANSWER, HAND_BACK_ANSWER)
    ]
    if unanswered:
        raise Invalid({f"job-{reference}": _("Choose: keep it or give it up.") for reference in unanswered})
    handed_back = [job for job in affected if answers[job.reference] == HAND_BACK_ANSWER]
    reservations = await _affected_reservations(db, me, change, [job.id for job in handed_back])
    await _save(db, me, change)
    for job in handed_back:
        await hand_back(db, me, job.reference, _("My working hours or service area have changed."))
    search = await CandidateSearch.of(db, reservations)
    for booking in reservations:
        await search.reserve_next(booking, excluded_id=me.id)
    return [job.reference for job in handed_back]


async def cancel_time_off(db: AsyncSession, me: Person, time_off_id: int) -> None:
    """Delete a time off. Raises Missing for another user's."""
    span = await Schedules(db, me).remove_time_off(time_off_id)
    await _record(db, me, "person.time_off_removed", before=_span_facts(span))


async def _affected_reservations(
    db: AsyncSession, me: Person, change: ScheduleChange, returned: Iterable[int]
) -> list[Booking]:
    """Return unaccepted bookings whose reserved time the change removes; all rows locked in order."""
    bookings = Bookings(db)
    candidate = _with_new_hours((await load_schedule(db, me, [])).candidate, change)
    horizon = clock.at(clock.today().replace(year=clock.today().year + 3, day=1))
    ids = await movable_reservations(db, me.id, clock.now(), horizon)
    rows = (await bookings.locked({*ids, *returned})).values()
    reserved = await reserved_professionals(db, ids)
    return [
        booking
        for booking in rows
        if booking.state == State.REQUESTED
        and reserved.get(booking.id) == me.id
        and _is_affected(candidate, change, booking.pincode, booking.minutes, booking.starts_at)
    ]


async def _save(db: AsyncSession, me: Person, change: ScheduleChange) -> None:
    schedules = Schedules(db, me)
    if change.hours is not None:
        before = {"hours": [[row.weekday, row.opens, row.closes] for row in await schedules.hours()]}
        await schedules.set_hours(change.hours)
        after = {"hours": [list(stretch) for stretch in sorted(change.hours)]}
        await _record(db, me, "person.hours_changed", before=before, after=after)
    if change.away is not None:
        if await schedules.has_time_off_in(change.away):
            raise Invalid({"from": _("Part of this is already time off.")})
        await schedules.add_time_off(change.away, change.reason)
        personal = {"reason": change.reason} if change.reason else {}
        await _record(db, me, "person.time_off_changed", personal, after=_span_facts(change.away))
    if change.pincodes is not None:
        before_change = set(await schedules.pincodes())
        await schedules.set_area(change.pincodes)
        added, removed = sorted(change.pincodes - before_change), sorted(before_change - change.pincodes)
        await _record(db, me, "person.area_changed", added=added, removed=removed)


async def _record(
    db: AsyncSession, me: Person, name: str, personal: Mapping[str, str] | None = None, **facts: Any
) -> None:
    user = await Users(db).get(me.id, lock=True)
    user.record(name, by=me, nudges=[(f"user:{me.id}", "jobs")], personal=personal, **facts)


def _span_facts(span: Range[datetime]) -> dict[str, str]:
    assert span.lower is not None
    assert span.upper is not None
    return {"from": span.lower.isoformat(), "until": span.upper.isoformat()}


def _with_new_hours(candidate: Candidate, change: ScheduleChange) -> Candidate:
    hours = candidate.hours if change.hours is None else tuple(change.hours)
    return replace(candidate, hours=hours)


def _is_affected(candidate: Candidate, change: ScheduleChange, pincode: str, minutes: int, starts_at: datetime) -> bool:
    """Return whether this change removes the time; a job kept outside the hours before is not asked about again."""
    if change.pincodes is not None:
        return pincode not in change.pincodes
    if change.away is not None:
        start, end = starts_at.timestamp(), starts_at.timestamp() + minutes * 60
        assert change.away.lower is not None
        assert change.away.upper is not None
        return start < change.away.upper.timestamp() and change.away.lower.timestamp() < end
    return not within_hours(replace(candidate, away=[]), minutes, starts_at)
