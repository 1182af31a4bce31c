"""Change hours, area or time off (W8): each affected job is kept or handed back; reservations move to others.

Lock order: bookings, the professional's time, then their own row. What is held or accepted at the same moment is either
among the locked bookings or sees the change (app.scheduling.reservation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.bookings.booking import Booking
from app.bookings.moves import State
from app.bookings.reservation import CandidateSearch
from app.core import clock
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.jobs.acceptance import hand_back
from app.jobs.reassignment import lock_bookings_and_time, reassign_hold, reassign_request
from app.jobs.repository import AgendaRow, Jobs
from app.scheduling.candidate_repository import load_schedule
from app.scheduling.repository import Schedules
from app.scheduling.reservation import reserved_professionals
from app.scheduling.slots import fits_hours

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
    """Return the future accepted jobs that the change would put outside hours or area; not those outside before."""
    schedule, agenda = await Jobs(db).workday(me)
    jobs = [job for job in agenda if job.state == State.ASSIGNED and job.ends_at > clock.now()]
    rule = await _ChangeRule.of(db, me, change, schedule.candidate.hours)
    return [job for job in jobs if rule.affects(job.location.pincode, job.minutes, job.starts_at)]


async def change_schedule(
    db: AsyncSession, me: Person, change: ScheduleChange, answers: Mapping[str, str]
) -> list[str]:
    """Save the change and return the references handed back; `answers`: "keep" or "return" by reference.

    Invalid("job-<reference>") for each job without an answer.
    """
    bookings = await lock_bookings_and_time(db, me.id)
    affected = await find_affected_jobs(db, me, change)
    unanswered = [
        job.reference for job in affected if answers.get(job.reference) not in (KEEP_ANSWER, HAND_BACK_ANSWER)
    ]
    if unanswered:
        raise Invalid({f"job-{reference}": _("Choose: keep it or give it up.") for reference in unanswered})
    handed_back = [job for job in affected if answers[job.reference] == HAND_BACK_ANSWER]
    waiting = await _affected_bookings(db, me, change, bookings)
    await _save(db, me, change)
    for job in handed_back:
        await hand_back(db, me, job.reference, _("My working hours or service area have changed."))
    search = await CandidateSearch.of(db, waiting)
    reserved = await reserved_professionals(db, [booking.id for booking in waiting])
    for booking in waiting:
        if booking.state == State.HELD:
            await reassign_hold(db, booking, me.id, search)
        else:
            await reassign_request(db, booking, me.id, reserved, search)
    await db.flush()
    return [job.reference for job in handed_back]


async def cancel_time_off(db: AsyncSession, me: Person, time_off_id: int) -> None:
    """Delete a time off. Raises Missing for another user's."""
    span = await Schedules(db, me).remove_time_off(time_off_id)
    await _record(db, me, "person.time_off_removed", before=_span_facts(span))


async def _affected_bookings(
    db: AsyncSession, me: Person, change: ScheduleChange, bookings: Sequence[Booking]
) -> list[Booking]:
    """Return the unaccepted bookings that ask for `me`, or reserve their time, and that the change makes impossible."""
    now = clock.now()
    rule = await _ChangeRule.of(db, me, change, (await load_schedule(db, me)).candidate.hours)
    reserved = await reserved_professionals(db, [booking.id for booking in bookings])
    return [
        booking
        for booking in bookings
        if booking.state in (State.HELD, State.REQUESTED)
        and booking.ends_at > now
        and not booking.hold_lapsed(now)
        and me.id in (reserved.get(booking.id), booking.requested_professional_id)
        and rule.affects(booking.pincode, booking.minutes, booking.starts_at)
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


@dataclass(frozen=True, slots=True)
class _ChangeRule:
    """What a change removes: a job that was kept outside the hours or area before is not asked about again."""

    change: ScheduleChange
    hours: Sequence[tuple[int, int, int]]
    pincodes: frozenset[str]

    @classmethod
    async def of(
        cls, db: AsyncSession, me: Person, change: ScheduleChange, hours: Sequence[tuple[int, int, int]]
    ) -> Self:
        return cls(change, hours, frozenset(await Schedules(db, me).pincodes()))

    def affects(self, pincode: str, minutes: int, starts_at: datetime) -> bool:
        """Return whether the change removes a job of `minutes` at this start and pincode."""
        change = self.change
        if change.pincodes is not None:
            return pincode in self.pincodes and pincode not in change.pincodes
        if change.away is not None:
            start, end = starts_at.timestamp(), starts_at.timestamp() + minutes * 60
            assert change.away.lower is not None
            assert change.away.upper is not None
            return start < change.away.upper.timestamp() and change.away.lower.timestamp() < end
        new_hours = tuple(change.hours or ())
        was_inside = fits_hours(tuple(self.hours), minutes, starts_at)
        return was_inside and not fits_hours(new_hours, minutes, starts_at)
