"""Compute free starts from hours, time off, jobs with travel between them, notice and horizon. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from app.core import clock
from app.scheduling.candidates import BusyTime, Candidate
from app.scheduling.travel import Location, travel_seconds

GRID_SECONDS = 30 * 60
MINUTE_SECONDS = 60
DAY_SECONDS = 24 * 60 * MINUTE_SECONDS


class BookableService(Protocol):
    """What slots need of a service: minutes of work, notice in minutes, horizon in days."""

    @property
    def id(self) -> int: ...
    @property
    def minutes(self) -> int: ...
    @property
    def notice_minutes(self) -> int: ...
    @property
    def horizon_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    starts: list[datetime]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of slots, and the candidates."""

    days: list[Day]
    candidates: list[Candidate]


def bounds(service: BookableService, now: datetime) -> tuple[int, int]:
    """Return the first allowed start and the end of the horizon in epoch seconds (days of Asia/Kolkata)."""
    first = now + timedelta(minutes=service.notice_minutes)
    end = clock.at(now.astimezone(clock.IST).date() + timedelta(days=service.horizon_days))
    return _epoch(first), _epoch(end)


def free_starts(candidate: Candidate, minutes: int, location: Location, day: date) -> list[int]:
    """Return the starts of `day` (Asia/Kolkata) when `candidate` is free for the job and the travel to and from it."""
    return next(free_by_day(candidate, minutes, location, [day]))


def free_by_day(candidate: Candidate, minutes: int, location: Location, days: Iterable[date]) -> Iterator[list[int]]:
    """Yield the same for each of `days`, lazily; travel times are computed once."""
    length = minutes * MINUTE_SECONDS
    unavailable = unavailable_intervals(candidate, length, location)
    for day in days:
        yield _day_starts(candidate, length, unavailable, day)


def _day_starts(candidate: Candidate, length: int, unavailable: list[tuple[int, int]], day: date) -> list[int]:
    midnight = _epoch(clock.at(day))
    near = [(after, before) for after, before in unavailable if before > midnight and after < midnight + DAY_SECONDS]
    starts = [
        start
        for weekday, opens, closes in candidate.hours
        if weekday == day.weekday()
        for start in grid_starts(midnight, opens, closes, length)
        if not any(after < start < before for after, before in near)
    ]
    return sorted(set(starts))


def is_free(candidate: Candidate, minutes: int, location: Location, starts_at: datetime) -> bool:
    """Return whether this start is among the free ones."""
    return _epoch(starts_at) in free_starts(candidate, minutes, location, starts_at.astimezone(clock.IST).date())


def conflicts(candidate: Candidate, minutes: int, location: Location, starts_at: datetime) -> list[BusyTime]:
    """Return the jobs and reservations that overlap a job at this start, travel included."""
    length, start = minutes * MINUTE_SECONDS, _epoch(starts_at)
    return [
        job
        for job in candidate.busy
        for after, before in [blocked_interval(job, length, location)]
        if after < start < before
    ]


def within_hours(candidate: Candidate, minutes: int, starts_at: datetime) -> bool:
    """Return whether the job is within the weekly hours and outside time off, ignoring other bookings."""
    day = starts_at.astimezone(clock.IST).date()
    midnight, start, length = _epoch(clock.at(day)), _epoch(starts_at), minutes * MINUTE_SECONDS
    inside = any(
        weekday == day.weekday()
        and midnight + opens * MINUTE_SECONDS <= start <= midnight + closes * MINUTE_SECONDS - length
        for weekday, opens, closes in candidate.hours
    )
    return inside and not any(start < until and since < start + length for since, until in candidate.away)


def on_grid(moment: datetime) -> bool:
    return _epoch(moment) % GRID_SECONDS == 0 and moment.microsecond == 0


def unavailable_intervals(candidate: Candidate, length: int, location: Location) -> list[tuple[int, int]]:
    """Return the open intervals of starts that jobs and time off rule out."""
    jobs = [blocked_interval(job, length, location) for job in candidate.busy]
    return jobs + [(since - length, until) for since, until in candidate.away]


def blocked_interval(job: BusyTime, length: int, location: Location) -> tuple[int, int]:
    """Return the open interval of starts that `job` rules out; travel time is the same in both directions."""
    travel = travel_seconds(location, job.location)
    return job.starts - travel - length, job.ends + travel


def grid_starts(midnight: int, opens: int, closes: int, length: int) -> range:
    """Return the half hours on which a job of `length` seconds fits into the stretch of hours."""
    first = midnight + -(-opens * MINUTE_SECONDS // GRID_SECONDS) * GRID_SECONDS
    return range(first, midnight + closes * MINUTE_SECONDS - length + 1, GRID_SECONDS)


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
