"""Search for free starts: a week of slots, the next or nearest ones, the earliest of many services.

Seven days cost two queries where the first batch of candidates is everyone, two for each further batch, and one for a
pincode that is given without its location.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.scheduling.candidate_repository import (
    FIRST_BATCH,
    find_candidates,
    find_free_candidates,
    find_pincode,
    load_unavailability,
)
from app.scheduling.candidates import Candidate, WorkingWeek
from app.scheduling.offered_weeks_repository import offered_hours
from app.scheduling.slots import BookableService, Calendar, Week, bounds
from app.scheduling.travel import Location

WEEK_DAYS = 7
SMALLEST_BATCH = 4  # of candidates for each of many services
NEAR_DAYS = 2  # most services have a free start by then, and the rest of the horizon need not be read


async def find_week(
    db: AsyncSession,
    service: BookableService,
    place: str | Location,
    first_day: date,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
    ignoring: int | None = None,
) -> Week:
    """Return seven days of slots, for anyone or for one professional; empty days where the pincode is unknown.

    `place` is a pincode, or its location where that has been read already. `customer_id`: for whom, without the times
    of those who are kept from them (W41); None for a visitor. The nearest candidates are read first, then those who may
    be free at what is left of all that anyone's hours allow.
    """
    calendar = Calendar(first_day, WEEK_DAYS)
    location = await _located(db, place)
    if location is None:
        return Week(calendar.days(0), [])
    window = calendar.window(*bounds(service, clock.now()))
    nearest = batch = await find_candidates(
        db, [service.id], location, customer_id=customer_id, professional_id=professional_id, limit=FIRST_BATCH
    )
    free = window & await _free(db, calendar, batch, service.minutes, location, ignoring)
    if len(batch) < FIRST_BATCH:
        return Week(calendar.days(free), nearest)
    weeks = await offered_hours(db, [service.id], location)
    reachable = window & calendar.within_any(weeks[service.id], service.minutes)
    seen, size = [candidate.id for candidate in batch], FIRST_BATCH
    while len(batch) == size and free != reachable:
        size *= 2
        uncovered = [datetime.fromtimestamp(start, clock.IST) for start in calendar.starts(reachable & ~free)]
        batch = await find_free_candidates(
            db,
            service.id,
            location,
            uncovered,
            service.minutes,
            without=seen,
            limit=size,
            customer_id=customer_id,
            ignoring=ignoring,
        )
        free |= window & await _free(db, calendar, batch, service.minutes, location, ignoring)
        seen += [candidate.id for candidate in batch]
    return Week(calendar.days(free), nearest)


async def nearest_candidates(
    db: AsyncSession, service: BookableService, location: Location, limit: int, *, customer_id: int | None = None
) -> list[Candidate]:
    """The nearest and best who may do the service there, without busy times."""
    return await find_candidates(db, [service.id], location, customer_id=customer_id, limit=limit)


async def next_starts(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    after: datetime,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """Return the first free starts from `after` on, within seven days."""
    day = max(after, clock.now()).astimezone(clock.IST).date()
    week = await find_week(db, service, pincode, day, customer_id=customer_id, professional_id=professional_id)
    return [start for day in week.days for start in day.starts if start >= after][:limit]


async def nearest_starts(
    db: AsyncSession,
    service: BookableService,
    pincode: str,
    requested_start: datetime,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """Return the next free starts after `wanted` in order, filled up with those before it where too few follow."""
    later = await next_starts(
        db, service, pincode, requested_start, customer_id=customer_id, professional_id=professional_id, limit=limit
    )
    if len(later) >= limit:
        return later
    first = max(clock.today(), requested_start.astimezone(clock.IST).date() - timedelta(days=WEEK_DAYS - 1))
    week = await find_week(db, service, pincode, first, customer_id=customer_id, professional_id=professional_id)
    earlier = [start for day in week.days for start in day.starts if start < requested_start]
    return earlier[len(later) - limit :] + later


async def earliest_starts(
    db: AsyncSession,
    services: Sequence[BookableService],
    place: str | Location,
    *,
    customer_id: int | None = None,
    weeks: Mapping[int, Collection[WorkingWeek]] | None = None,
) -> dict[int, datetime]:
    """Return the first free start of each service that has one there within its horizon, by service id.

    `weeks` are the offered hours of at least these services, where they have been read already.
    """
    location = await _located(db, place)
    if location is None or not services:
        return {}
    if weeks is None:
        weeks = await offered_hours(db, [service.id for service in services], location)
    waiting = [service for service in services if weeks[service.id]]
    found: dict[int, datetime] = {}
    for day_count in (NEAR_DAYS, max(service.horizon_days for service in services)):
        calendar = Calendar(clock.today(), day_count)
        first_bits = await _first_bits(db, calendar, waiting, location, weeks, customer_id)
        found |= {
            service_id: datetime.fromtimestamp(next(calendar.starts(bit)), clock.IST)
            for service_id, bit in first_bits.items()
        }
        waiting = [service for service in waiting if service.id not in found]
        if not waiting:
            break
    return found


async def _first_bits(
    db: AsyncSession,
    calendar: Calendar,
    services: Sequence[BookableService],
    location: Location,
    weeks: Mapping[int, Collection[WorkingWeek]],
    customer_id: int | None,
) -> dict[int, int]:
    """The first free start of each service as a bit of the calendar; services without one are left out.

    A service is done with as soon as the first start that anyone's hours allow is free, or everyone was looked at.
    """
    windows = {service.id: calendar.window(*bounds(service, clock.now())) for service in services}
    best = {
        service.id: _lowest(windows[service.id] & calendar.within_any(weeks[service.id], service.minutes))
        for service in services
    }
    first: dict[int, int] = {}
    waiting = [service for service in services if best[service.id]]
    size, offset = max(FIRST_BATCH // max(len(waiting), 1), SMALLEST_BATCH), 0
    while waiting:
        ids = [service.id for service in waiting]
        batch = await find_candidates(db, ids, location, customer_id=customer_id, limit=size, offset=offset)
        await load_unavailability(db, batch, *calendar.span(max(service.minutes for service in waiting)))
        unfinished = []
        for service in waiting:
            able = [candidate for candidate in batch if service.id in candidate.services]
            free = 0
            for candidate in able:
                free |= calendar.free(candidate, service.minutes, location)
            free = _lowest(free & windows[service.id])
            if free and free < first.get(service.id, free + 1):
                first[service.id] = free
            if len(able) == size and first.get(service.id) != best[service.id]:
                unfinished.append(service)
        waiting, size, offset = unfinished, size * 2, offset + size
    return first


async def _free(
    db: AsyncSession,
    calendar: Calendar,
    candidates: Sequence[Candidate],
    minutes: int,
    location: Location,
    ignoring: int | None = None,
) -> int:
    """The starts at which any of the candidates is free."""
    await load_unavailability(db, candidates, *calendar.span(minutes), ignoring=ignoring)
    free = 0
    for candidate in candidates:
        free |= calendar.free(candidate, minutes, location)
    return free


async def _located(db: AsyncSession, place: str | Location) -> Location | None:
    return await find_pincode(db, place) if isinstance(place, str) else place


def _lowest(bits: int) -> int:
    return bits & -bits
