"""Which starts are true: hours, time off, jobs with the ways between them, notice and horizon. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from app.core import clock
from app.scheduling.travel import Point, travel_seconds

GRID_S = 30 * 60
MINUTE_S = 60
DAY_S = 24 * 60 * MINUTE_S


class Offered(Protocol):
    """What a slot needs to know of a service: minutes of work, notice in minutes, horizon in days."""

    @property
    def id(self) -> int: ...
    @property
    def minutes(self) -> int: ...
    @property
    def notice_minutes(self) -> int: ...
    @property
    def horizon_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Busy:
    """A job or a reservation of somebody's time; moments in epoch seconds, without the turnaround."""

    booking_id: int
    starts: int
    ends: int
    where: Point
    firm: bool  # accepted or started: it cannot be moved to somebody else


@dataclass(slots=True)
class Worker:
    """Somebody who could do the job, and their time. `hours` are (weekday, opens, closes), `away` epoch seconds."""

    id: int
    full_name: str
    years: int
    home: Point
    hours: list[tuple[int, int, int]]
    services: frozenset[int]
    stars: int
    reviews: int
    jobs: int
    distance_km: float | None
    away: list[tuple[int, int]] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)

    @property
    def rating(self) -> float | None:
        return self.stars / self.reviews if self.reviews else None


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    starts: list[datetime]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from the first asked for, and who could come."""

    days: list[Day]
    crew: list[Worker]


def bounds(service: Offered, now: datetime) -> tuple[int, int]:
    """Epoch seconds: no start before the first, none from the second on (notice, horizon in days of Asia/Kolkata)."""
    first = now + timedelta(minutes=service.notice_minutes)
    end = clock.at(now.astimezone(clock.IST).date() + timedelta(days=service.horizon_days))
    return _s(first), _s(end)


def free_starts(worker: Worker, minutes: int, where: Point, day: date) -> list[int]:
    """The starts of `day` (Asia/Kolkata) when `worker` is free for the job and the ways to and from it."""
    return next(free_by_day(worker, minutes, where, [day]))


def free_by_day(worker: Worker, minutes: int, where: Point, days: Iterable[date]) -> Iterator[list[int]]:
    """The same for each of `days`, one after the other as they are asked for; the ways are worked out once."""
    length = minutes * MINUTE_S
    shut = _shut(worker, length, where)
    for day in days:
        yield _open(worker, length, shut, day)


def _open(worker: Worker, length: int, shut: list[tuple[int, int]], day: date) -> list[int]:
    midnight = _s(clock.at(day))
    near = [(after, before) for after, before in shut if before > midnight and after < midnight + DAY_S]
    starts = [
        start
        for weekday, opens, closes in worker.hours
        if weekday == day.weekday()
        for start in _grid(midnight, opens, closes, length)
        if not any(after < start < before for after, before in near)
    ]
    return sorted(set(starts))


def is_free(worker: Worker, minutes: int, where: Point, starts_at: datetime) -> bool:
    """Would this start be among the free ones?"""
    return _s(starts_at) in free_starts(worker, minutes, where, starts_at.astimezone(clock.IST).date())


def in_the_way(worker: Worker, minutes: int, where: Point, starts_at: datetime) -> list[Busy]:
    """The jobs and reservations that a job at this start would meet, its ways included."""
    length, start = minutes * MINUTE_S, _s(starts_at)
    return [job for job in worker.busy for after, before in [_around(job, length, where)] if after < start < before]


def within_hours(worker: Worker, minutes: int, starts_at: datetime) -> bool:
    """Inside the weekly hours and not in time off, whatever else is booked."""
    day = starts_at.astimezone(clock.IST).date()
    midnight, start, length = _s(clock.at(day)), _s(starts_at), minutes * MINUTE_S
    inside = any(
        weekday == day.weekday() and midnight + opens * MINUTE_S <= start <= midnight + closes * MINUTE_S - length
        for weekday, opens, closes in worker.hours
    )
    return inside and not any(start < until and since < start + length for since, until in worker.away)


def on_grid(moment: datetime) -> bool:
    return _s(moment) % GRID_S == 0 and moment.microsecond == 0


def _shut(worker: Worker, length: int, where: Point) -> list[tuple[int, int]]:
    """Open intervals of starts that something forbids."""
    jobs = [_around(job, length, where) for job in worker.busy]
    return jobs + [(since - length, until) for since, until in worker.away]


def _around(job: Busy, length: int, where: Point) -> tuple[int, int]:
    """The way is as long there as back."""
    way = travel_seconds(where, job.where)
    return job.starts - way - length, job.ends + way


def _grid(midnight: int, opens: int, closes: int, length: int) -> range:
    """The half hours on which a job of `length` seconds fits into the stretch."""
    first = midnight + -(-opens * MINUTE_S // GRID_S) * GRID_S
    return range(first, midnight + closes * MINUTE_S - length + 1, GRID_S)


def _s(moment: datetime) -> int:
    return int(moment.timestamp())
