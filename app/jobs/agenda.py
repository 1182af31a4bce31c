"""A professional's agenda: today's jobs with the next one and when to leave for it, and later days. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise

from app.core import clock
from app.jobs.repository import AgendaRow
from app.scheduling.travel import Location, travel_seconds


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """`state` is done, next or later; `leave_by` is set for the next job until it starts."""

    job: AgendaRow
    state: str
    leave_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """`today` includes unfinished jobs of earlier days; `earning_today` in paise."""

    today: Sequence[AgendaLine]
    upcoming: Sequence[tuple[date, Sequence[AgendaLine]]]

    @property
    def earning_today(self) -> int:
        return sum(line.job.earning for line in self.today)

    @property
    def upcoming_count(self) -> int:
        """Return the number of jobs on later days."""
        return sum(len(lines) for _day, lines in self.upcoming)


def agenda_of(jobs: Sequence[AgendaRow], home: Location) -> Agenda:
    """Return the agenda of `jobs`, which are ordered by start."""
    tomorrow = clock.at(clock.today() + timedelta(days=1))
    today = [job for job in jobs if job.starts_at < tomorrow]
    later = [AgendaLine(job, "later") for job in jobs if job.starts_at >= tomorrow]
    return Agenda(_today(today, home), [(day, list(lines)) for day, lines in groupby(later, _day)])


def _today(jobs: Sequence[AgendaRow], home: Location) -> list[AgendaLine]:
    next_job = next((job for job in jobs if not job.is_done), None)
    origins = [home, *(before.location for before, _after in pairwise(jobs))]
    return [_line(job, next_job, before) for job, before in zip(jobs, origins, strict=False)]


def _line(job: AgendaRow, next_job: AgendaRow | None, before: Location) -> AgendaLine:
    if job.is_done:
        return AgendaLine(job, "done")
    if job is not next_job:
        return AgendaLine(job, "later")
    leave_by = job.starts_at - timedelta(seconds=travel_seconds(before, job.location))
    return AgendaLine(job, "next", None if job.state == "started" else leave_by)


def _day(line: AgendaLine) -> date:
    return line.job.starts_at.astimezone(clock.IST).date()
