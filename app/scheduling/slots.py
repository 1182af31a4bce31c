"""Compute free starts from hours, time off, jobs with travel between them, notice and horizon. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from app.catalog.service import MIN_LEAD_MINUTES
from app.core import clock
from app.scheduling.candidates import BusyTime, Candidate, WorkingWeek
from app.scheduling.travel import Location, travel_seconds

GRID_SECONDS = 30 * 60
MINUTE_SECONDS = 60
DAY_SECONDS = 24 * 60 * MINUTE_SECONDS
DAY_MINUTES = 24 * 60
STARTS_PER_DAY = DAY_SECONDS // GRID_SECONDS


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
    """Seven days of slots, and the nearest of the candidates: none means that nobody may do the job there."""

    days: list[Day]
    candidates: list[Candidate]


def bounds(service: BookableService, now: datetime) -> tuple[int, int]:
    """Return the first allowed start and the end of the horizon in epoch seconds (days of Asia/Kolkata)."""
    first = now + timedelta(minutes=max(service.notice_minutes, MIN_LEAD_MINUTES))
    end = clock.at(now.astimezone(clock.IST).date() + timedelta(days=service.horizon_days))
    return _epoch(first), _epoch(end)


class Calendar:
    """Some days from `first_day` on as bits: bit n is the half hour that starts 30 n minutes after its midnight.

    Sets of starts are integers, so that those of many candidates are united, cut and compared at once.
    """

    def __init__(self, first_day: date, day_count: int) -> None:
        self.midnight = _epoch(clock.at(first_day))
        self.first_weekday = first_day.weekday()
        self.day_count = day_count

    def span(self, minutes: int) -> tuple[datetime, datetime]:
        """From the first midnight until a job of `minutes` that starts on the last day has ended, at the latest."""
        first = datetime.fromtimestamp(self.midnight, clock.IST)
        return first, first + timedelta(days=self.day_count, minutes=minutes)

    def window(self, first: int, end: int) -> int:
        """The starts from `first` on and before `end` (epoch seconds)."""
        return _bits(self._index(first), min(self._index(end), self.day_count * STARTS_PER_DAY))

    def within_hours(self, hours: WorkingWeek, minutes: int) -> int:
        """The starts at which a job of `minutes` fits into the weekly hours."""
        return _weekly_bits(hours, minutes * MINUTE_SECONDS, self.first_weekday, self.day_count)

    def within_any(self, weeks: Iterable[WorkingWeek], minutes: int) -> int:
        """The starts at which the job fits into at least one of several people's weeks."""
        found = 0
        for week in weeks:
            found |= self.within_hours(week, minutes)
        return found

    def free(self, candidate: Candidate, minutes: int, location: Location) -> int:
        """The starts at which the candidate is free for the job and the travel to and from it."""
        free = self.within_hours(candidate.hours, minutes)
        midnight = self.midnight
        for after, before in unavailable_intervals(candidate, minutes * MINUTE_SECONDS, location):
            # The half hours after the one and before the other, as _index and _bits would have them.
            first, end = max((after - midnight) // GRID_SECONDS + 1, 0), -((midnight - before) // GRID_SECONDS)
            if end > first:
                free &= ~(((1 << (end - first)) - 1) << first)
        return free

    def starts(self, bits: int) -> Iterator[int]:
        """Yield the starts of a set in epoch seconds, ascending."""
        while bits:
            lowest = bits & -bits
            yield self.midnight + (lowest.bit_length() - 1) * GRID_SECONDS
            bits ^= lowest

    def days(self, bits: int) -> list[Day]:
        """The days with the starts of a set."""
        first_day = datetime.fromtimestamp(self.midnight, clock.IST).date()
        return [
            Day(
                first_day + timedelta(days=n),
                [
                    datetime.fromtimestamp(start, clock.IST)
                    for start in self.starts(bits & _bits(n * STARTS_PER_DAY, (n + 1) * STARTS_PER_DAY))
                ],
            )
            for n in range(self.day_count)
        ]

    def _index(self, moment: int) -> int:
        """The first half hour that does not start before the moment."""
        return -(-(moment - self.midnight) // GRID_SECONDS)


def _bits(first: int, end: int) -> int:
    """Bits `first` to `end` - 1."""
    first = max(first, 0)
    return ((1 << (end - first)) - 1) << first if end > first else 0


@lru_cache(maxsize=4096)
def _weekly_bits(hours: WorkingWeek, length: int, first_weekday: int, day_count: int) -> int:
    """Kept, since many people work the same hours."""
    found = 0
    for opens, closes in _working_times(hours, first_weekday, day_count):
        fitting = grid_starts(0, opens, closes, length)
        first = fitting.start // GRID_SECONDS
        found |= _bits(first, min(first + len(fitting), day_count * STARTS_PER_DAY))
    return found


@lru_cache(maxsize=4096)
def _working_times(hours: WorkingWeek, first_weekday: int, day_count: int) -> list[tuple[int, int]]:
    """The stretches of so many days in minutes after the first midnight, ascending.

    Stretches that meet are one: who works until midnight and from midnight on takes a job over midnight. So the day
    before and the day after are looked at too.
    """
    by_weekday: dict[int, list[tuple[int, int]]] = {}
    for weekday, opens, closes in sorted(hours):
        by_weekday.setdefault(weekday, []).append((opens, closes))
    merged: list[tuple[int, int]] = []
    for n in range(-1, day_count + 1):
        for opens, closes in by_weekday.get((first_weekday + n) % 7, ()):
            start, end = n * DAY_MINUTES + opens, n * DAY_MINUTES + closes
            if merged and merged[-1][1] >= start:
                merged[-1] = merged[-1][0], max(merged[-1][1], end)
            else:
                merged.append((start, end))
    return merged


def free_starts(candidate: Candidate, minutes: int, location: Location, day: date) -> list[int]:
    """Return the starts of `day` (Asia/Kolkata) when `candidate` is free, in epoch seconds."""
    calendar = Calendar(day, 1)
    return list(calendar.starts(calendar.free(candidate, minutes, location)))


def is_free(candidate: Candidate, minutes: int, location: Location, starts_at: datetime) -> bool:
    """Return whether this start is among the free ones."""
    calendar = Calendar(starts_at.astimezone(clock.IST).date(), 1)
    return on_grid(starts_at) and bool(
        calendar.free(candidate, minutes, location) & calendar.window(_epoch(starts_at), _epoch(starts_at) + 1)
    )


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
    start, length = _epoch(starts_at), minutes * MINUTE_SECONDS
    return fits_hours(candidate.hours, minutes, starts_at) and not any(
        start < until and since < start + length for since, until in candidate.away
    )


def fits_hours(hours: WorkingWeek, minutes: int, starts_at: datetime) -> bool:
    """Return whether a job at this start is within the weekly hours."""
    day = starts_at.astimezone(clock.IST).date()
    midnight, start, length = _epoch(clock.at(day)), _epoch(starts_at), minutes * MINUTE_SECONDS
    return any(
        midnight + opens * MINUTE_SECONDS <= start <= midnight + closes * MINUTE_SECONDS - length
        for opens, closes in _working_times(hours, day.weekday(), 1)
    )


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
