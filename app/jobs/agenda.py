"""A professional's days: today's list with the next job and when to leave for it, and what is coming. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise

from app.core import clock
from app.jobs.repository import AgendaRow
from app.scheduling.travel import Point, travel_seconds


@dataclass(frozen=True, slots=True)
class Line:
    """`state` is done, next or later; `leave_by` stands for the next one, unless it has started."""

    job: AgendaRow
    state: str
    leave_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """`today` holds also what was left over from days before; `earning` is today's, in paise."""

    today: Sequence[Line]
    coming: Sequence[tuple[date, Sequence[Line]]]

    @property
    def earning(self) -> int:
        return sum(line.job.earning for line in self.today)

    @property
    def to_come(self) -> int:
        """How many jobs stand ahead on later days."""
        return sum(len(lines) for _day, lines in self.coming)


def agenda_of(jobs: Sequence[AgendaRow], home: Point) -> Agenda:
    """`jobs` in the order of their start."""
    tomorrow = clock.at(clock.today() + timedelta(days=1))
    today = [job for job in jobs if job.starts_at < tomorrow]
    later = [Line(job, "later") for job in jobs if job.starts_at >= tomorrow]
    return Agenda(_today(today, home), [(day, list(lines)) for day, lines in groupby(later, _day)])


def _today(jobs: Sequence[AgendaRow], home: Point) -> list[Line]:
    ahead = next((job for job in jobs if not job.is_done), None)
    befores = [home, *(before.where for before, _after in pairwise(jobs))]
    return [_line(job, ahead, before) for job, before in zip(jobs, befores, strict=False)]


def _line(job: AgendaRow, ahead: AgendaRow | None, before: Point) -> Line:
    if job.is_done:
        return Line(job, "done")
    if job is not ahead:
        return Line(job, "later")
    leave_by = job.starts_at - timedelta(seconds=travel_seconds(before, job.where))
    return Line(job, "next", None if job.state == "started" else leave_by)


def _day(line: Line) -> date:
    return line.job.starts_at.astimezone(clock.IST).date()
