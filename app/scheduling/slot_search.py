"""Search for free starts: a week of slots, the next or nearest ones, the earliest of many services.

At most three queries for seven days.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.scheduling.candidate_repository import find_candidates, find_pincode, load_unavailability
from app.scheduling.candidates import Candidate
from app.scheduling.slots import BookableService, Day, Week, bounds, free_by_day
from app.scheduling.travel import Location

WEEK_DAYS = 7
NEAR_DAYS = 2  # most services have a free start by then, and the rest of the horizon need not be read


async def find_week(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    first_day: date,
    *,
    professional_id: int | None = None,
    ignoring: int | None = None,
) -> Week:
    """Return seven days of slots, for anyone or for one professional; empty days where the pincode is unknown."""
    days = [first_day + timedelta(days=n) for n in range(WEEK_DAYS)]
    location = await find_pincode(db, pincode)
    if location is None:
        return Week([Day(day, []) for day in days], [])
    candidates = await find_candidates(db, [service.id], location)
    eligible = [candidate for candidate in candidates if professional_id in (None, candidate.id)]
    await load_unavailability(db, eligible, clock.at(days[0]), clock.at(days[-1], 1440), ignoring=ignoring)
    return Week(_starts_by_day(eligible, service, location, days), candidates)


async def next_starts(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    after: datetime,
    *,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """Return the first free starts from `after` on, within seven days."""
    day = max(after, clock.now()).astimezone(clock.IST).date()
    week = await find_week(db, service, pincode, day, professional_id=professional_id)
    return [start for day in week.days for start in day.starts if start >= after][:limit]


async def nearest_starts(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    requested_start: datetime,
    *,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """Return the next free starts after `wanted` in order, filled up with those before it where too few follow."""
    later = await next_starts(db, service, pincode, requested_start, professional_id=professional_id, limit=limit)
    if len(later) >= limit:
        return later
    first = max(clock.today(), requested_start.astimezone(clock.IST).date() - timedelta(days=WEEK_DAYS - 1))
    week = await find_week(db, service, pincode, first, professional_id=professional_id)
    earlier = [start for day in week.days for start in day.starts if start < requested_start]
    return earlier[len(later) - limit :] + later


async def earliest_starts(db: AsyncSession, services: Sequence[BookableService], pincode: str) -> dict[int, datetime]:
    """Return the first free start of each service that has one there within its horizon, by service id."""
    location = await find_pincode(db, pincode)
    if location is None or not services:
        return {}
    candidates = await find_candidates(db, [service.id for service in services], location)
    today = clock.today()
    for days in (NEAR_DAYS, max(service.horizon_days for service in services)):
        await load_unavailability(db, candidates, clock.at(today), clock.at(today + timedelta(days=days)))
        starts = {service.id: _first_start(candidates, service, location, today, days) for service in services}
        if None not in starts.values():
            break
    return {service_id: start for service_id, start in starts.items() if start is not None}


def _starts_by_day(
    candidates: Iterable[Candidate], service: BookableService, location: Location, days: Sequence[date]
) -> list[Day]:
    first, end = bounds(service, clock.now())
    starts_by_day: list[set[int]] = [set() for _ in days]
    for candidate in candidates:
        free = free_by_day(candidate, service.minutes, location, days)
        for starts, more in zip(starts_by_day, free, strict=True):
            starts.update(more)
    return [
        Day(day, [datetime.fromtimestamp(start, clock.IST) for start in sorted(starts) if first <= start < end])
        for day, starts in zip(days, starts_by_day, strict=True)
    ]


def _first_start(
    candidates: Iterable[Candidate], service: BookableService, location: Location, today: date, within: int
) -> datetime | None:
    """Return the first free start within so many days and the service's horizon."""
    days = [today + timedelta(days=n) for n in range(min(within, service.horizon_days))]
    first, end = bounds(service, clock.now())
    free_days = (
        free_by_day(candidate, service.minutes, location, days)
        for candidate in candidates
        if service.id in candidate.services
    )
    firsts = (next((start for day in free for start in day if start >= first), end) for free in free_days)
    start = min(firsts, default=end)
    return datetime.fromtimestamp(start, clock.IST) if start < end else None
