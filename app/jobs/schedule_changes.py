"""Hours, area or time off changed over accepted jobs (W8): each is kept or handed back; reservations just move on."""

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
from app.bookings.reservation import hand_back, next_for
from app.core import clock
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.jobs.offers import bench_of
from app.jobs.repository import AgendaRow, Jobs
from app.scheduling.repository import Working
from app.scheduling.slots import Worker, within_hours

KEEP, RETURN = "keep", "return"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None stays as it is. `hours` are (weekday, opens, closes)."""

    hours: Sequence[tuple[int, int, int]] | None = None
    away: Range[datetime] | None = None
    reason: str = ""
    pincodes: frozenset[str] | None = None

    @property
    def name(self) -> str:
        return "hours" if self.hours is not None else "time_off" if self.away is not None else "area"


async def touched_by(db: AsyncSession, me: Person, change: Change) -> list[AgendaRow]:
    """Accepted jobs ahead that would stand outside."""
    jobs = [job for job in await Jobs(db).agenda(me) if job.state == State.ASSIGNED and job.ends_at > clock.now()]
    worker = _changed((await bench_of(db, me, [])).worker, change)
    return [job for job in jobs if _outside(worker, change, job.where.pincode, job.minutes, job.starts_at)]


async def rearrange(db: AsyncSession, me: Person, change: Change, answers: Mapping[str, str]) -> list[str]:
    """Save the change; `answers` say keep or return for each job it touches. The references handed back.

    Invalid names the jobs that are not answered yet, as job-<reference>.
    """
    touched = await touched_by(db, me, change)
    silent = [job.reference for job in touched if answers.get(job.reference) not in (KEEP, RETURN)]
    if silent:
        raise Invalid({f"job-{reference}": _("Keep it or hand it back?") for reference in silent})
    returned = [job for job in touched if answers[job.reference] == RETURN]
    waiting = await _waiting(db, me, change, [job.id for job in returned])
    await _save(db, me, change)
    for job in returned:
        await hand_back(db, me, job.reference, _("My hours or my area have changed."))
    for booking in waiting:
        booking.unreserve(await next_for(db, booking))
    await db.flush()
    return [job.reference for job in returned]


async def come_back(db: AsyncSession, me: Person, time_off_id: int) -> None:
    """A time off is given up. Missing when it is not theirs."""
    span = await Working(db, me).remove_time_off(time_off_id)
    await _tell(db, me, "person.time_off_removed", before=_told(span))


# How


async def _waiting(db: AsyncSession, me: Person, change: Change, returned: Iterable[int]) -> list[Booking]:
    """Bookings not accepted yet that take time of `me` which there will not be any more; all rows locked in order."""
    bookings = Bookings(db)
    worker = _changed((await bench_of(db, me, [])).worker, change)
    far = clock.at(clock.today().replace(year=clock.today().year + 3, day=1))
    ids = await bookings.reserved(me.id, clock.now(), far)
    rows = (await bookings.locked({*ids, *returned})).values()
    return [
        one
        for one in rows
        if one.state == State.REQUESTED
        and one.reserved_for == me.id
        and _outside(worker, change, one.pincode, one.minutes, one.starts_at)
    ]


async def _save(db: AsyncSession, me: Person, change: Change) -> None:
    working = Working(db, me)
    if change.hours is not None:
        before = {"hours": [[one.weekday, one.opens, one.closes] for one in await working.hours()]}
        await working.set_hours(change.hours)
        after = {"hours": [list(one) for one in sorted(change.hours)]}
        await _tell(db, me, "person.hours_changed", before=before, after=after)
    if change.away is not None:
        if await working.off_between(change.away):
            raise Invalid({"from": _("Some of this is time off already.")})
        await working.add_time_off(change.away, change.reason)
        personal = {"reason": change.reason} if change.reason else {}
        await _tell(db, me, "person.time_off_changed", personal, after=_told(change.away))
    if change.pincodes is not None:
        was = set(await working.pincodes())
        await working.set_area(change.pincodes)
        added, removed = sorted(change.pincodes - was), sorted(was - change.pincodes)
        await _tell(db, me, "person.area_changed", added=added, removed=removed)


async def _tell(
    db: AsyncSession, me: Person, name: str, personal: Mapping[str, str] | None = None, **facts: Any
) -> None:
    user = await Users(db).get(me.id, lock=True)
    user.record(name, by=me, nudges=[(f"user:{me.id}", "jobs")], personal=personal, **facts)


def _told(span: Range[datetime]) -> dict[str, str]:
    assert span.lower is not None
    assert span.upper is not None
    return {"from": span.lower.isoformat(), "until": span.upper.isoformat()}


def _changed(worker: Worker, change: Change) -> Worker:
    hours = worker.hours if change.hours is None else list(change.hours)
    return replace(worker, hours=hours)


def _outside(worker: Worker, change: Change, pincode: str, minutes: int, starts_at: datetime) -> bool:
    """Only what this change takes away: a job kept outside the hours before is not asked about again for a new area."""
    if change.pincodes is not None:
        return pincode not in change.pincodes
    if change.away is not None:
        start, end = starts_at.timestamp(), starts_at.timestamp() + minutes * 60
        assert change.away.lower is not None
        assert change.away.upper is not None
        return start < change.away.upper.timestamp() and change.away.lower.timestamp() < end
    return not within_hours(replace(worker, away=[]), minutes, starts_at)
